/* aptpkg.cc - libapt's configuration, errors and session (aptpkg.h). */
#include <apt-pkg/aptconfiguration.h>
#include <apt-pkg/init.h>
#include <apt-pkg/pkgsystem.h>
#include <fnmatch.h>
#include <unistd.h>
#include "aptpkg-internal.hh"

extern "C" {
#include "dpkgdb.h"
}

struct session session;

/* ------------------------------------------------------------ errors */

std::string original_names(std::string text)
{
	for (const auto &[copy, original] : session.originals)
		for (size_t at; (at = text.find(copy)) != std::string::npos;)
			text.replace(at, copy.size(), original);
	return text;
}

std::string one_line(const std::string &text)
{
	std::string line = text.substr(0, text.find('\n')), ret;

	for (char c : line)
		if (c != ' ' || (!ret.empty() && ret.back() != ' '))
			ret += c;
	while (!ret.empty() && (ret.back() == ' ' || ret.back() == '.'))
		ret.pop_back();
	return ret;
}

std::vector<std::string> apt_messages()
{
	std::vector<std::string> ret;
	std::string text;

	while (!_error->empty(GlobalError::DEBUG)) {
		(void)_error->PopMessage(text);
		ret.push_back(original_names(text));
	}
	return ret;
}

int apt_error(enum code code, struct err *err, const char *context)
{
	std::string all, text;

	while (!_error->empty(GlobalError::DEBUG)) {
		bool is_error = _error->PopMessage(text);

		if (!is_error)
			continue;
		if (!all.empty())
			all += "; ";
		all += one_line(original_names(text));
	}
	if (all.empty())
		all = "libapt gives no reason";
	return err_set(err, code, 0, "%s: %s", context, all.c_str());
}

int guarded(struct err *err, const std::function<int()> &fn)
{
	int r;

	try {
		r = fn();
	} catch (const std::bad_alloc &) {
		out_of_memory();
	} catch (const std::exception &e) {
		r = err_set(err, CODE_INTERNAL, 0, "libapt threw an exception: %s", e.what());
	}
	for (const std::string &text : apt_messages())
		log_debug("libapt: %s", one_line(text).c_str());
	return r;
}

int digest_check(const struct msg_digest *in, struct err *err)
{
	if (session.digest.empty())
		return err_set(err, CODE_DIGEST_MISMATCH, 0, "there is no plan: call plan first");
	if (session.digest != in->digest)
		return err_set(err, CODE_DIGEST_MISMATCH, 0, "the last plan has digest %s, not %s: plan again",
			       session.digest.c_str(), in->digest);
	return 0;
}

struct origin_vars session_vars()
{
	return { session.distribution->id, session.distribution->codename };
}

void origin_patterns(const struct strv *asked, struct strv *ret)
{
	struct origin_vars vars = session_vars();

	if (asked->n)
		strv_copy(ret, asked);
	else
		origins_default(&vars, ret);
}

/* ------------------------------------------------------------ what lowers trust */

enum lowers { WHEN_TRUE, WHEN_FALSE, ALWAYS };

/* Options of apt.conf, as globs over their full names in lower case. */
static const struct {
	const char *glob;
	enum lowers lowers;
} trust_rules[] = {
	{ "acquire::allowinsecurerepositories", WHEN_TRUE },
	{ "acquire::allowweakrepositories", WHEN_TRUE },
	{ "acquire::allowdowngradetoinsecurerepositories", WHEN_TRUE },
	{ "acquire::check-valid-until", WHEN_FALSE },
	{ "acquire::check-date", WHEN_FALSE },
	{ "acquire::min-validtime*", ALWAYS },
	{ "acquire::max-futuretime", ALWAYS },
	{ "acquire::forcehash", ALWAYS },
	{ "acquire::gpgv::options*", ALWAYS },
	{ "acquire::*verify-peer", WHEN_FALSE },
	{ "acquire::*verify-host", WHEN_FALSE },
	{ "apt::get::allowunauthenticated", WHEN_TRUE },
	{ "apt::authentication::*", WHEN_TRUE },
	{ "apt::hashes::*", ALWAYS },	/* "Weak" is more than what libapt makes of sha1 */
	{ "apt::key::*", ALWAYS },
	{ "apt::sources::with*", ALWAYS },
};

static std::string lower(std::string s)
{
	for (char &c : s)
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
	return s;
}

/* "Binary::http::X" is X for the program http alone. */
static std::string without_binary(const std::string &tag)
{
	size_t name = strlen("binary::"), end = tag.find("::", name);

	return tag.compare(0, name, "binary::") == 0 && end != std::string::npos ? tag.substr(end + 2) : tag;
}

static bool lowers_trust(const std::string &full, const std::string &value)
{
	std::string tag = without_binary(full);
	int b = StringToBool(value, -1);

	if (tag != full && tag.compare(0, 5, "dir::") == 0)	/* another verifier for one program */
		return true;
	for (const auto &rule : trust_rules)
		if (fnmatch(rule.glob, tag.c_str(), 0) == 0)
			return rule.lowers == ALWAYS ? !value.empty() : b == (rule.lowers == WHEN_TRUE);
	return false;
}

/* The files that libapt has read the configuration from, the last one first. */
static std::vector<std::string> configuration_files()
{
	std::vector<std::string> files = GetListOfFilesInDir(_config->FindDir("Dir::Etc::parts"), "conf", true, true);

	files.push_back(_config->FindFile("Dir::Etc::main"));
	return { files.rbegin(), files.rend() };
}

/* "file:line" of an option, for a person to find it. */
static std::string configured_at(const std::string &tag)
{
	size_t sep = tag.rfind("::");
	std::string word = lower(sep == std::string::npos ? tag : tag.substr(sep + 2));

	for (const std::string &file : configuration_files()) {
		Configuration one;

		if (!RealFileExists(file) || !ReadConfigFile(one, file) || !one.Exists(tag.c_str()))
			continue;
		FileFd fd(file, FileFd::ReadOnly);
		std::string line;
		for (unsigned n = 1; fd.IsOpen() && fd.ReadLine(line); n++)
			if (!word.empty() && lower(line).find(word) != std::string::npos)
				return file + ":" + std::to_string(n);
		return file;
	}
	return "apt.conf";
}

static void clear_lowered_trust(struct wire_list *alarms)
{
	std::vector<std::pair<std::string, std::string>> found;

	std::function<void(const Configuration::Item *)> walk = [&](const Configuration::Item *item) {
		for (; item; item = item->Next) {
			std::string tag = item->FullTag();

			if (lowers_trust(lower(tag), item->Value))
				found.emplace_back(tag, item->Value);
			walk(item->Child);
		}
	};
	walk(_config->Tree(nullptr));
	for (const auto &[tag, value] : found) {
		reason_add(alarms, CODE_TRUST_LOWERED, "%s: %s \"%s\" is not honoured",
			   configured_at(tag).c_str(), tag.c_str(), value.c_str());
		_config->Clear(tag);
	}
	/* nameless list elements ("Options:: x") have no tag to clear them by */
	for (const char *tree : { "Acquire::gpgv::Options", "APT::Key", "APT::Sources::With", "APT::Hashes" })
		_config->Clear(tree);
}

/* ------------------------------------------------------------ our settings */

/* The native architecture is that of the container's dpkg, which need not be
 * the one that this plugin was built for. */
static std::string native_architecture()
{
	struct buf status = {};
	struct err err = {};
	std::string ret;

	if (read_file("/var/lib/dpkg/status", DPKGDB_STATUS_MAX, &status, &err) == 0) {
		const char *p = starts_with(buf_str(&status), "Package: dpkg\n") ?
				buf_str(&status) : strstr(buf_str(&status), "\n\nPackage: dpkg\n");
		const char *end = p ? strstr(p + 2, "\n\n") : nullptr;
		const char *a = p ? strstr(p + 2, "\nArchitecture: ") : nullptr;

		if (a && (!end || a < end)) {
			a += strlen("\nArchitecture: ");
			ret.assign(a, strcspn(a, "\n"));
		}
	}
	buf_clear(&status);
	return ret;
}

static void set_architectures()
{
	std::string native = native_architecture();
	struct buf arch = {};
	struct err err = {};

	if (native.empty() || native == "all")
		return;
	_config->Set("APT::Architecture", native);
	if (!_config->FindVector("APT::Architectures").empty())
		return;
	/* what dpkg --print-foreign-architectures reads, without running it */
	_config->Set("APT::Architectures::", native);
	if (read_file("/var/lib/dpkg/arch", 65536, &arch, &err) == 0)
		for (const std::string &foreign : VectorizeString(buf_str(&arch), '\n'))
			if (!foreign.empty() && foreign != native)
				_config->Set("APT::Architectures::", foreign);
	buf_clear(&arch);
}

static void set_programs(const std::string &bundle, std::map<std::string, std::string> container_methods)
{
	std::string methods = bundle + "/methods";

	_config->Clear("Dir::Bin");
	_config->Set("Dir::Bin::dpkg", "/usr/bin/dpkg");
	if (bundle.empty()) {
		_config->Set("Dir::Bin::methods", "/usr/lib/apt/methods");
		_config->Set("Dir::Bin::apt-key", "/usr/bin/apt-key");
		return;
	}
	_config->Set("Dir::Bin::methods", methods);
	_config->Set("Dir::Bin::apt-key", bundle + "/plugins/apt-key");
	/* transports that only the container knows (tor, s3, ...) are its own
	 * programs; options have no case, so neither "GPGV" nor "gpgv" is one */
	for (const std::string &file : GetListOfFilesInDir("/usr/lib/apt/methods", false))
		container_methods.emplace(flNotDir(file), file);
	for (const auto &[name, file] : container_methods)
		if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+.-") == std::string::npos &&
		    !FileExists(methods + "/" + name))
			_config->Set(("Dir::Bin::Methods::" + name).c_str(), file);
}

static void set_proxy(const char *proxy)
{
	if (!proxy || !*proxy)
		return;
	for (const char *method : { "http", "https" }) {
		std::string key = std::string("Acquire::") + method;

		for (const char *name : { "::Proxy", "::ProxyAutoDetect", "::Proxy-Auto-Detect" })
			_config->Clear(key + name);
		_config->Set((key + "::Proxy").c_str(), proxy);
	}
}

static std::map<std::string, std::string> methods_of_configuration()
{
	std::map<std::string, std::string> ret;

	for (const Configuration::Item *i = _config->Tree("Dir::Bin::methods"); i; i = i->Next)
		for (const Configuration::Item *m = i->Child; m; m = m->Next)
			if (!m->Tag.empty() && !m->Value.empty() && m->Value[0] == '/')
				ret[lower(m->Tag)] = m->Value;
	return ret;
}

static void configure(const struct msg_settings *settings)
{
	std::string states = _config->FindFile("Dir::State::extended_states", "/var/lib/apt/extended_states");
	std::map<std::string, std::string> methods = methods_of_configuration();

	/* Hooks are other programs' business with apt itself; limits, solvers,
	 * debugging and compressors of the container have no say in ours. */
	for (const char *tree : { "Binary", "APT::Sandbox", "APT::Update", "DPkg::Pre-Invoke", "DPkg::Post-Invoke", "DPkg::Pre-Install-Pkgs",
				  "DPkg::Tools", "Acquire::IndexTargets", "APT::Compressor", "APT::Solver",
				  "APT::Planner", "APT::System", "APT::Cache-Limit", "APT::Cache-Start",
				  "APT::Cache-Grow", "APT::Cache-Fallback", "APT::Default-Release", "Debug",
				  "RootDir", "Dir::State", "Dir::Cache", "Dir::Log", "Acquire::CompressionTypes",
				  "Acquire::MaxReleaseFileSize", "Acquire::Languages", "APT::Immediate-Configure",
				  "APT::Immediate-Configure-All", "APT::Force-LoopBreak", "PackageManager" })
		_config->Clear(tree);
	set_architectures();
	set_programs(session.bundle, methods);
	set_proxy(settings->proxy);
	for (const auto &[key, value] : std::initializer_list<std::pair<const char *, std::string>>{
		{ "Dir", "/" },
		{ "APT::System", "Debian dpkg interface" },
		{ "APT::Sandbox::User", "_apt" },
		{ "Dir::State", session.dir },
		{ "Dir::State::lists", session.dir + "/lists/" },
		{ "Dir::State::status", "/var/lib/dpkg/status" },
		{ "Dir::State::extended_states", states },
		{ "Dir::Cache", session.dir },
		{ "Dir::Cache::archives", session.dir + "/archives/" },
		{ "Dir::Cache::pkgcache", session.dir + "/pkgcache.bin" },
		{ "Dir::Cache::srcpkgcache", session.dir + "/srcpkgcache.bin" },
		{ "Acquire::Languages", "none" },
		{ "Acquire::GzipIndexes", "false" },
		{ "Acquire::PDiffs", "false" },
		{ "Acquire::Retries", "1" },
		{ "Acquire::IndexTargets::deb::Packages::MetaKey", "$(COMPONENT)/binary-$(ARCHITECTURE)/Packages" },
		{ "Acquire::IndexTargets::deb::Packages::flatMetaKey", "Packages" },
		{ "Acquire::IndexTargets::deb::Packages::ShortDescription", "Packages" },
		{ "Acquire::IndexTargets::deb::Packages::Description", "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Packages" },
		{ "Acquire::IndexTargets::deb::Packages::flatDescription", "$(RELEASE) Packages" },
		{ "Acquire::IndexTargets::deb::Packages::Optional", "false" },
		{ "APT::Get::Phase-Policy", "true" },
		{ "APT::Install-Recommends", "false" },
		{ "APT::Install-Suggests", "false" },
		{ "APT::Solver", "internal" },
		{ "APT::Planner", "internal" },
		/* else libapt leaves most of the configuring to a last dpkg --configure -a */
		{ "PackageManager::Configure", "all" },
		{ "Acquire::http::Timeout", std::to_string(settings->stall) },
		{ "Acquire::https::Timeout", std::to_string(settings->stall) },
	})
		_config->Set(key, value);
	/* a container without CA certificates still speaks https */
	if (!session.bundle.empty() && !FileExists(_config->Find("Acquire::https::CaInfo", "/etc/ssl/certs/ca-certificates.crt")))
		_config->Set("Acquire::https::CaInfo", session.bundle + "/share/ca-certificates.crt");
	/* A day off is an alarm of ours then, not a refusal of libapt's. */
	if (settings->accept_expired)
		_config->Set("Acquire::Check-Valid-Until", false);
	/* libapt keeps its first answer, and whoever opened a file before has asked: of the container's compressors,
	 * which are cleared since, so that it would only ask for uncompressed indexes */
	(void)APT::Configuration::getCompressors(false);
	(void)APT::Configuration::getCompressionTypes(false);
}

int aptpkg_init(const struct msg_settings *settings, const struct msg_distribution *distribution,
		const char *bundle, struct wire_list *alarms, struct err *err)
{
	return guarded(err, [&] {
		session.settings = settings;
		session.distribution = distribution;
		session.bundle = bundle ? bundle : "";
		session.dir = std::string(settings->state_dir) + "/apt";
		if (make_dirs((session.dir + "/lists/partial").c_str(), 0755, err) < 0 ||
		    make_dirs((session.dir + "/archives/partial").c_str(), 0755, err) < 0)
			return -1;
		if (!pkgInitConfig(*_config))
			return apt_error(CODE_SOURCES_BROKEN, err, "the container's apt configuration cannot be read");
		if (settings->require_signed)
			clear_lowered_trust(alarms);
		configure(settings);
		if (!pkgInitSystem(*_config, _system))
			return apt_error(CODE_DATABASE_BROKEN, err, "libapt finds no dpkg here");
		sandbox_check(session.dir + "/lists/partial", alarms);
		return sources_sanitise(alarms, err);
	});
}
