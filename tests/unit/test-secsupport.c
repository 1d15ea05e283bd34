/* support_find() on the tables of tests/cases/support, and on those that the build machine has. */
#include "cases.h"
#include "secsupport.h"

#define FOLDER STOPGAP_TOP "/tests/cases/support"

static struct dpkgdb_package packages[] = {
	{ "binutils", "amd64", "2.40-2", "binutils", "2.40-2", DPKGDB_INSTALLED, false, 0 },
	{ "g++-12", "amd64", "12-1", "g++-12", "12-1", DPKGDB_INSTALLED, false, 0 },
	{ "golang-go", "amd64", "1.19-1", "golang-defaults", "1.19-1", DPKGDB_UNPACKED, false, 0 },
	{ "lxd", "amd64", "5.0.2-9", "lxd", "5.0.2-9", DPKGDB_INSTALLED, false, 0 },
	{ "openssl", "amd64", "3.0-1", "openssl", "3.0-1", DPKGDB_INSTALLED, false, 0 },
	{ "pdns-backend", "amd64", "4.7.3-2+b1", "pdns", "4.7.3-2", DPKGDB_INSTALLED, false, 0 },
	{ "pdns-recursor", "amd64", "4.8.8-1", "pdns-recursor", "4.8.8-1", DPKGDB_CONFIG_FILES, false, 0 },
	{ "pdns-server", "amd64", "4.7.3-2", "pdns", "4.7.3-2", DPKGDB_INSTALLED, false, 0 },
	{ "php-horde-core", "all", "2-1", "php-horde-core", "2-1", DPKGDB_INSTALLED, false, 0 },
	{ "xpdnsx", "all", "2-1", "xpdnsx", "2-1", DPKGDB_INSTALLED, false, 0 },
};
static const struct dpkgdb db = { .packages = packages, .n = ARRAY_SIZE(packages) };

static void print(const struct msg_support *s, struct buf *ret)
{
	for (size_t i = 0; i < s->packages.n; i++) {
		const struct msg_support_package *p = wire_list_at(&msg_support_package, &s->packages, i);

		buf_printf(ret, "%s %s %s %s %s: %s\n", p->package, p->version, p->source, p->state,
			   p->since ? p->since : "-", strna(p->detail));
	}
}

/* What is said of release RELEASE on day TODAY. */
#define SAYS(release, today, known_, want)                                            \
	do {                                                                          \
		struct msg_support s = { 0 };                                         \
		struct err err = ERR_INIT;                                            \
		cleanup_buf struct buf b = { 0 };                                     \
		EQ(support_find(&db, FOLDER, release, today, &s, &err), 0);           \
		print(&s, &b);                                                        \
		bool known = s.known;                                                 \
		wire_clear(&msg_support, &s);                                         \
		EQ(known, known_);                                                    \
		STREQ(buf_str(&b), want);                                             \
	} while (0)

#define LIMITED                                                                        \
	"binutils 2.40-2 binutils limited -: Only suitable for trusted content; see x\n" \
	"g++-12 12-1 g++-12 limited -: \n"                                              \
	"golang-go 1.19-1 golang-defaults limited -: See the release notes\n"

TEST(ended_on_its_day)
{
	SAYS("12.7", "2026-06-12", true,
	     "lxd 5.0.2-9 lxd ended 2026-06-12: Too complex\n"
	     "pdns-backend 4.7.3-2+b1 pdns ended 2025-10-01: No support upstream, \"only\" for trusted networks\n"
	     "pdns-server 4.7.3-2 pdns ended 2025-10-01: No support upstream, \"only\" for trusted networks\n"
	     "php-horde-core 2-1 php-horde-core ended 2025-03-22: \n" LIMITED);
}

TEST(ending_before_it)
{
	SAYS("12", "2025-09-30", true,
	     "lxd 5.0.2-9 lxd ending 2026-06-12: Too complex\n"
	     "pdns-backend 4.7.3-2+b1 pdns ending 2025-10-01: No support upstream, \"only\" for trusted networks\n"
	     "pdns-server 4.7.3-2 pdns ending 2025-10-01: No support upstream, \"only\" for trusted networks\n"
	     "php-horde-core 2-1 php-horde-core ended 2025-03-22: \n" LIMITED);
}

TEST(no_table_of_the_release)
{
	SAYS("99", "2026-06-12", false, LIMITED);
	SAYS("", "2026-06-12", false, LIMITED);
}

TEST(no_tables_at_all)
{
	struct msg_support s = { 0 };
	struct err err = ERR_INIT;

	EQ(support_find(&db, "/nowhere", "12", "2026-01-01", &s, &err), 0);
	EQ(s.known, false);
	EQ(s.packages.n, 0);
}

TEST(a_table_that_cannot_be_read)
{
	struct msg_support s = { 0 };
	struct err err = ERR_INIT;

	/* a folder in its place */
	EQ(support_find(&db, FOLDER "/broken", "12", "2026-01-01", &s, &err), -1);
	HAS(err.msg, "security-support-ended.deb12");
	wire_clear(&msg_support, &s);
}

/* The real tables, whatever they say today, are understood. */
TEST(the_tables_of_this_machine)
{
	static struct dpkgdb_package real[] = {
		{ "pdns-server", "amd64", "4.7.3-2", "pdns", "4.7.3-2", DPKGDB_INSTALLED, false, 0 },
		{ "binutils", "amd64", "2.40-2", "binutils", "2.40-2", DPKGDB_INSTALLED, false, 0 },
	};
	const struct dpkgdb one = { .packages = real, .n = ARRAY_SIZE(real) };
	struct msg_support s = { 0 };
	struct err err = ERR_INIT;
	cleanup_buf struct buf b = { 0 };

	EQ(support_find(&one, "/usr/share/debian-security-support", "12", "2026-11-25", &s, &err), 0);
	print(&s, &b);
	EQ(s.known, true);
	wire_clear(&msg_support, &s);
	HAS(buf_str(&b), "pdns-server 4.7.3-2 pdns ended 2025-10-01: ");
	HAS(buf_str(&b), "binutils 2.40-2 binutils limited -: Only suitable for trusted content");
}

TAP_MAIN
