/* tests/cases/origins/NAME.case: which archives patterns match.
 *
 *	distro ID CODENAME		what the variables stand for; "-": not known
 *	pattern TEXT			one of updates.origins
 *	default				the distribution's own patterns instead
 *	archive KEY=VALUE; KEY=VALUE	facts of an archive; the others are empty
 *	release NAME			an archive with the facts of a recorded Release, tests/data/release/NAME
 *	unseen KEY=VALUE; ...		the same, the others are not known
 *	yes | no | maybe		what is expected of the last archive
 *	bad PART			the patterns are wrong, and the message has PART
 *	guess URI SUITE yes|no		whether it looks like a security suite by its name
 */
#include "cases.h"
#include "fd.h"
#include "origins.h"

struct origins_case {
	struct strv patterns;
	char id[64], codename[64];
	struct origin_vars vars;
	char facts_text[512];
	struct origin_facts facts;
};

static void set_facts(struct origins_case *c, const char *text, const char *unset)
{
	char *next = c->facts_text;

	c->facts = (struct origin_facts){ unset, unset, unset, unset, unset, unset };
	(void)snprintf(c->facts_text, sizeof(c->facts_text), "%s", text);
	for (char *one; (one = strsep(&next, ";"));) {
		one += strspn(one, " ");
		char *value = strchr(one, '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (streq(one, "origin"))
			c->facts.origin = value;
		else if (streq(one, "label"))
			c->facts.label = value;
		else if (streq(one, "archive"))
			c->facts.archive = value;
		else if (streq(one, "codename"))
			c->facts.codename = value;
		else if (streq(one, "component"))
			c->facts.component = value;
		else if (streq(one, "site"))
			c->facts.site = value;
	}
}

/* The head of a real Release file as the facts that libapt has of it. */
static void set_release(struct origins_case *c, const char *name)
{
	static const char *const fields[][2] = {
		{ "Origin: ", "origin" }, { "Label: ", "label" }, { "Suite: ", "archive" }, { "Codename: ", "codename" }
	};
	cleanup_free char *path = xasprintf(STOPGAP_TOP "/tests/data/release/%s", name);
	cleanup_buf struct buf text = { 0 }, facts = { 0 };
	struct err err = ERR_INIT;
	int found = 0;

	EQ(read_file(path, 65536, &text, &err), 0);
	char *next = text.s;
	for (char *line; (line = strsep(&next, "\n"));)
		for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
			if (starts_with(line, fields[i][0])) {
				buf_printf(&facts, "%s=%s; ", fields[i][1], line + strlen(fields[i][0]));
				found++;
			}
	EQ(found, 4);
	set_facts(c, buf_str(&facts), "");
}

static void check_line(struct origins_case *c, const char *word, const char *rest)
{
	static const char *const answers[] = { [ORIGIN_NO] = "no", [ORIGIN_YES] = "yes", [ORIGIN_MAYBE] = "maybe" };
	struct err err = ERR_INIT;

	if (streq(word, "distro")) {
		EQ(sscanf(rest, "%63s %63s", c->id, c->codename), 2);
		c->vars.id = c->id;
		c->vars.codename = streq(c->codename, "-") ? NULL : c->codename;
	} else if (streq(word, "pattern")) {
		strv_push(&c->patterns, rest);
	} else if (streq(word, "default")) {
		origins_default(&c->vars, &c->patterns);
		EQ(origins_check(&c->patterns, &err), 0);
	} else if (streq(word, "archive")) {
		set_facts(c, rest, "");
	} else if (streq(word, "release")) {
		set_release(c, rest);
	} else if (streq(word, "unseen")) {
		set_facts(c, rest, NULL);
	} else if (streq(word, "bad")) {
		EQ(origins_check(&c->patterns, &err), -1);
		EQ(err.code, CODE_CONFIG);
		HAS(err.msg, rest);
	} else if (streq(word, "guess")) {
		char uri[256], suite[128], want[8];

		EQ(sscanf(rest, "%255s %127s %7s", uri, suite, want), 3);
		EQ(origins_looks_like_security(uri, suite), streq(want, "yes"));
	} else {
		STREQ(answers[origins_match(&c->patterns, &c->vars, &c->facts)], word);
	}
}

static void check_origins(void)
{
	cleanup_free char *text = case_text();
	struct origins_case c = { .vars = { "debian", "bookworm" } };
	char *next = text;

	for (char *line; !tap_failed && (line = strsep(&next, "\n"));) {
		if (!*line || *line == '#')
			continue;
		char *rest = strchr(line, ' ');
		if (rest)
			*rest++ = '\0';
		check_line(&c, line, strna(rest));
		if (tap_failed)
			printf("# at: %s %s\n", line, strna(rest));
	}
	strv_clear(&c.patterns);
}

int main(void)
{
	add_cases("origins", check_origins);
	return cases_main();
}
