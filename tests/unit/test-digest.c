/* "This plan" is the same on both sides. */
#include "digest.h"
#include "tap.h"

static void add(struct wire_list *l, const char *package, const char *arch, const char *installed,
		const char *candidate)
{
	struct msg_update *u = wire_list_add(&msg_update, l);

	u->package = xstrdup(package);
	u->arch = xstrdup(arch);
	u->installed = xstrdup(installed);
	u->candidate = xstrdup(candidate);
}

TEST(an_empty_plan_is_sha256_of_nothing)
{
	struct wire_list l = { 0 };
	char d[DIGEST_TEXT_MAX];

	plan_digest(&l, d);
	STREQ(d, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* printf 'a amd64 1 2\nb all  3\n' | sha256sum */
TEST(lines_are_hashed_as_documented)
{
	struct wire_list l = { 0 };
	char d[DIGEST_TEXT_MAX];

	add(&l, "a", "amd64", "1", "2");
	add(&l, "b", "all", NULL, "3");
	plan_digest(&l, d);
	STREQ(d, "c9347859e8f79054660a57393f3d08414e6fee5e436faee9d634ea5eebc274c7");
	wire_list_clear(&msg_update, &l);
}

TEST(order_does_not_matter_and_every_field_does)
{
	static const char *const plans[][4] = { { "x", "amd64", "1", "2" },
						{ "y", "amd64", "1", "2" },
						{ "x", "arm64", "1", "2" },
						{ "x", "amd64", "0", "2" },
						{ "x", "amd64", "1", "3" } };
	struct wire_list one = { 0 }, two = { 0 };
	char a[DIGEST_TEXT_MAX], b[DIGEST_TEXT_MAX], all[ARRAY_SIZE(plans)][DIGEST_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		struct wire_list l = { 0 };
		size_t r = ARRAY_SIZE(plans) - 1 - i;

		add(&one, plans[i][0], plans[i][1], plans[i][2], plans[i][3]);
		add(&two, plans[r][0], plans[r][1], plans[r][2], plans[r][3]);
		add(&l, plans[i][0], plans[i][1], plans[i][2], plans[i][3]);
		plan_digest(&l, all[i]);
		wire_list_clear(&msg_update, &l);
		for (size_t j = 0; j < i; j++)
			NE(strcmp(all[i], all[j]), 0);
	}
	plan_digest(&one, a);
	plan_digest(&two, b);
	STREQ(a, b);
	wire_list_clear(&msg_update, &one);
	wire_list_clear(&msg_update, &two);
}

TAP_MAIN
