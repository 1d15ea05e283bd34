/* interp.c - see interp.h. */
#include "interp.h"

/* What a one-letter option does to the rest of its word and to the next one. */
struct grammar {
	const char *arg; /* takes the rest of the word, or the next */
	const char *rest; /* takes the rest of the word, which may be empty */
	const char *digits; /* takes digits, and more letters may follow */
	const char *code; /* as `arg`, and it is the program: no script follows */
	const char *file; /* as `arg`, and it is the script */
	const char *module; /* as `arg`, and it is a module to run */
	const char *preload; /* as `arg`, and it is a script that runs first */
	const char *const *long_arg; /* "--name" with the argument in the next word */
	const char *const *long_code;
	const char *const *long_file;
	const char *const *long_preload;
};

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const struct grammar grammars[] = {
	[INTERP_PYTHON] = { .arg = "QWX", .code = "c", .module = "m", .long_arg = LIST("--check-hash-based-pycs") },
	[INTERP_PERL] = { .arg = "I", .rest = "CDFMVdimx", .digits = "0l", .code = "Ee" },
	[INTERP_RUBY] = { .arg = "CEIXr",
			  .rest = "0FKTVWix",
			  .code = "e",
			  .long_arg = LIST("--enable", "--disable", "--encoding", "--external-encoding",
					   "--internal-encoding", "--dump", "--backtrace-limit") },
	[INTERP_PHP] = { .arg = "STbcdtz",
			 .code = "BERr",
			 .file = "Ff",
			 .long_arg = LIST("--server", "--docroot", "--bindpath", "--php-ini", "--define", "--timing",
					  "--zend-extension"),
			 .long_code = LIST("--run", "--process-begin", "--process-code", "--process-end", "--rf",
					   "--rc", "--re", "--rz", "--ri", "--rfunction", "--rclass", "--rextension",
					   "--rzendextension", "--rextinfo"),
			 .long_file = LIST("--file", "--process-file") },
	[INTERP_NODE] = { .arg = "C",
			  .code = "ep",
			  .preload = "r",
			  .long_arg = LIST("--conditions", "--loader", "--experimental-loader", "--title",
					   "--input-type", "--icu-data-dir", "--openssl-config", "--env-file",
					   "--diagnostic-dir", "--dns-result-order", "--max-http-header-size",
					   "--redirect-warnings", "--unhandled-rejections", "--watch-path",
					   "--tls-cipher-list", "--tls-keylog", "--report-dir", "--report-directory",
					   "--report-filename", "--report-signal", "--inspect-port",
					   "--heapsnapshot-signal", "--cpu-prof-dir", "--cpu-prof-name",
					   "--heap-prof-dir", "--heap-prof-name", "--secure-heap",
					   "--trace-event-categories", "--trace-event-file-pattern", "--v8-pool-size",
					   "--disable-warning", "--localstorage-file", "--stack-trace-limit"),
			  .long_code = LIST("--eval", "--print", "--run"),
			  .long_preload = LIST("--require", "--import") },
};

/* NAME, NAME3, NAME3.11 */
static bool versioned(const char *s, const char *name)
{
	size_t n = strlen(name);

	return strncmp(s, name, n) == 0 && s[n + strspn(s + n, "0123456789.")] == '\0';
}

enum interp interp_of(const char *name)
{
	static const struct {
		const char *name;
		enum interp kind;
	} known[] = {
		{ "python", INTERP_PYTHON }, { "pypy", INTERP_PYTHON }, { "perl", INTERP_PERL },
		{ "ruby", INTERP_RUBY },     { "php", INTERP_PHP },	{ "php-cgi", INTERP_PHP },
		{ "node", INTERP_NODE },     { "nodejs", INTERP_NODE }, { "java", INTERP_JAVA },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (versioned(name, known[i].name))
			return known[i].kind;
	return INTERP_NONE;
}

bool interp_maps_data(const char *name)
{
	return versioned(name, "java") || starts_with(name, "mono") || versioned(name, "dotnet");
}

void interp_code_clear(struct interp_code *c)
{
	strv_clear(&c->files);
	free(c->module);
	*c = (struct interp_code){ 0 };
}

/* "-" is standard input, and code is no file. */
static void add_file(struct interp_code *c, const char *file)
{
	if (*file && !streq(file, "-") && !strv_contains(&c->files, file))
		strv_push(&c->files, file);
}

static bool in_list(const char *const *list, const char *word)
{
	for (; list && *list; list++)
		if (streq(*list, word))
			return true;
	return false;
}

static bool in_set(const char *set, char c)
{
	return set && strchr(set, c);
}

/* What a word of options decided. */
enum word { WORD_GO_ON, WORD_DONE };

/* "--name" and "--name=value"; I is the word, and moves over what it takes. */
static enum word long_option(const struct grammar *g, char *const *argv, size_t argc, size_t *i,
			     struct interp_code *ret)
{
	const char *eq = strchr(argv[*i], '=');
	cleanup_free char *name = xstrndup(argv[*i], eq ? (size_t)(eq - argv[*i]) : strlen(argv[*i]));
	bool code = in_list(g->long_code, name), file = in_list(g->long_file, name);
	bool preload = in_list(g->long_preload, name);
	const char *value = eq ? eq + 1 : NULL;

	if (!code && !file && !preload && !in_list(g->long_arg, name))
		return WORD_GO_ON;
	if (!value && *i + 1 < argc)
		value = argv[++*i];
	if ((file || preload) && value)
		add_file(ret, value);
	return code || file ? WORD_DONE : WORD_GO_ON;
}

/* "-abc": letters that take nothing, up to one that takes the rest. */
static enum word short_options(const struct grammar *g, char *const *argv, size_t argc, size_t *i,
			       struct interp_code *ret)
{
	for (const char *s = argv[*i] + 1; *s; s++) {
		bool code = in_set(g->code, *s), file = in_set(g->file, *s), module = in_set(g->module, *s);
		bool preload = in_set(g->preload, *s);
		const char *value;

		if (in_set(g->rest, *s))
			return WORD_GO_ON;
		if (in_set(g->digits, *s))
			s += strspn(s + 1, "0123456789");
		if (!code && !file && !module && !preload && !in_set(g->arg, *s))
			continue;
		value = s[1] ? s + 1 : *i + 1 < argc ? argv[++*i] : "";
		if (file || preload)
			add_file(ret, value);
		if (module && !ret->module)
			ret->module = xstrdup(value);
		return code || file || module ? WORD_DONE : WORD_GO_ON;
	}
	return WORD_GO_ON;
}

static void find_script(const struct grammar *g, char *const *argv, size_t argc, struct interp_code *ret)
{
	for (size_t i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (streq(word, "--")) {
			if (i + 1 < argc)
				add_file(ret, argv[i + 1]);
			return;
		}
		if (word[0] != '-' || !word[1]) {
			add_file(ret, word);
			return;
		}
		if ((word[1] == '-' ? long_option : short_options)(g, argv, argc, &i, ret) == WORD_DONE)
			return;
	}
}

static bool is_archive(const char *s)
{
	return ends_with(s, ".jar") || ends_with(s, ".JAR") || ends_with(s, ".zip") || ends_with(s, ".war");
}

static void add_class_path(struct interp_code *ret, const char *path)
{
	while (*path) {
		size_t n = strcspn(path, ":");
		cleanup_free char *entry = xstrndup(path, n);

		if (is_archive(entry))
			add_file(ret, entry);
		path += n + (path[n] == ':');
	}
}

/* The jars of the class path, of -jar and of agents; classes by name are in those. */
static void find_jars(char *const *argv, size_t argc, struct interp_code *ret)
{
	static const char *const path[] = { "-cp", "-classpath", "--class-path", "-p", "--module-path", NULL };
	static const char *const path_is[] = { "--class-path=", "--module-path=", NULL };
	static const char *const arg[] = { "--add-modules",
					   "--add-exports",
					   "--add-opens",
					   "--add-reads",
					   "--limit-modules",
					   "--upgrade-module-path",
					   "--patch-module",
					   "--source",
					   "--enable-native-access",
					   "-d",
					   "--describe-module",
					   NULL };

	for (size_t i = 1; i < argc; i++) {
		const char *word = argv[i];
		bool more = i + 1 < argc;

		if (word[0] != '-') {
			if (ends_with(word, ".java"))
				add_file(ret, word);
			return;
		}
		for (const char *const *p = path_is; *p; p++)
			if (starts_with(word, *p))
				add_class_path(ret, word + strlen(*p));
		if (starts_with(word, "-javaagent:")) {
			cleanup_free char *jar = xstrndup(word + 11, strcspn(word + 11, "="));

			add_file(ret, jar);
		} else if (in_list(path, word) && more) {
			add_class_path(ret, argv[++i]);
		} else if (streq(word, "-jar") && more) {
			add_file(ret, argv[++i]);
			return;
		} else if (streq(word, "-m") || streq(word, "--module")) {
			return;
		} else if (in_list(arg, word)) {
			i++;
		}
	}
}

void interp_code(enum interp kind, char *const *argv, size_t argc, struct interp_code *ret)
{
	if (kind == INTERP_JAVA)
		find_jars(argv, argc, ret);
	else if (kind != INTERP_NONE)
		find_script(&grammars[kind], argv, argc, ret);
}
