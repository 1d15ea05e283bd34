/* Parts of `stopgap export`: ids of a user namespace, commands. tests/host/export.sh has the whole. */
#include "export.h"
#include "layer.h"
#include "statefile.h"
#include "tap.h"

TEST(ids)
{
	static const char map[] = "         0     100000      65536\n     70000       1000          1\n";

	EQ(layer_map_id(map, 100000), 0);
	EQ(layer_map_id(map, 100033), 33);
	EQ(layer_map_id(map, 165535), 65535);
	EQ(layer_map_id(map, 165536), -1);
	EQ(layer_map_id(map, 99999), -1);
	EQ(layer_map_id(map, 0), -1);
	EQ(layer_map_id(map, 1000), 70000);
	EQ(layer_map_id("         0          0 4294967295\n", 4294967294U), 4294967294LL);
	EQ(layer_map_id("", 0), -1);
	EQ(layer_map_id("nonsense\n0 0 1\n", 0), 0);
}

static char *command(const char *manager, const char *packages)
{
	cleanup_free char *text =
		xasprintf("{\"plugin\":{\"name\":\"%s\",\"manager\":\"%s\"},\"ephemeral\":{\"lost_on_recreate\":%s}}",
			  streq(manager, "apt") ? "apt" : "rpm", manager, packages);
	struct json_object *o = NULL;
	struct carried c = { 0 };
	struct buf b = { 0 };
	struct err err = ERR_INIT;

	if (state_parse(text, strlen(text), &o, &err) < 0 || carried_read(o, &c, &err) < 0 ||
	    carried_command(&c, &b, &err) < 0) {
		buf_reset(&b);
		buf_printf(&b, "%s: %s", code_name(err.code), err.msg);
	}
	carried_clear(&c);
	json_object_put(o);
	return buf_steal(&b);
}

TEST(commands)
{
	static const struct {
		const char *manager, *packages, *want;
	} cases[] = {
		{ "apt", "[\"a=1\",\"libx++=1:2~rc1-3+deb12u1\"]",
		  "RUN apt-get update && apt-get install -y --only-upgrade \\\n\ta=1 \\\n\tlibx++=1:2~rc1-3+deb12u1 \\\n"
		  "\t&& rm -rf /var/lib/apt/lists/*\n" },
		{ "dnf", "[\"a=1-2.el9\"]", "RUN dnf install -y \\\n\ta-1-2.el9 \\\n\t&& dnf clean all\n" },
		{ "dnf5", "[\"a=1-2\"]", "RUN dnf install -y \\\n\ta-1-2 \\\n\t&& dnf clean all\n" },
		{ "microdnf", "[\"a=1-2\"]", "RUN microdnf upgrade -y \\\n\ta-1-2 \\\n\t&& microdnf clean all\n" },
		{ "yum", "[\"a=1-2\"]", "RUN yum install -y \\\n\ta-1-2 \\\n\t&& yum clean all\n" },
		{ "zypper", "[\"a=1-2\"]",
		  "RUN zypper --non-interactive install \\\n\ta=1-2 \\\n\t&& zypper clean --all\n" },
		{ "urpmi", "[\"a=1-2\"]", "export_unsupported: no command is known for package system 'urpmi'" },
		{ "apt", "[\"a=1\",7]", "io: the report names a package that cannot be one: ''" },
		{ "apt", "[\"a=\\u001b[2J\"]", "io: the report names a package that cannot be one: 'a=\\x1b[2J'" },
		{ "apt", "[\"a=1 b\"]", "io: the report names a package that cannot be one: 'a=1 b'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *got = command(cases[i].manager, cases[i].packages);

		STREQ(got, cases[i].want);
	}
}
TAP_MAIN
