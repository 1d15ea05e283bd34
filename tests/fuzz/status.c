/* Fuzz target: dpkg's status file. What was read is sorted, whole, and found again. */
#include <assert.h>
#include "dpkgdb.h"
#include "file.h"
#include "fuzz.h"

static void check_package(const struct dpkgdb *db, const struct dpkgdb_package *p)
{
	cleanup_free char *text = dpkgdb_describe(p);

	assert(*p->name && p->arch && p->version && p->source && p->source_version);
	assert(dpkgdb_status_name(p->status) && text && *text);
	assert(dpkgdb_find(db, p->name, p->arch));
	(void)dpkgdb_at_version(p, "1:1.0-1");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	cleanup_buf struct buf detail = { 0 };
	struct dpkgdb db = { 0 };
	struct err err = ERR_INIT;

	if (dpkgdb_read(fuzz_file("var/lib/dpkg/status", data, n), &db, &err) < 0) {
		assert(err.code == CODE_DATABASE_BROKEN && err.msg[0]);
		assert(!db.n && !db.packages);
		return 0;
	}
	for (size_t i = 0; i < db.n; i++)
		check_package(&db, &db.packages[i]);
	assert(db.installed <= db.n);
	(void)dpkgdb_interrupted(&db, &detail);
	dpkgdb_clear(&db);
	return 0;
}
