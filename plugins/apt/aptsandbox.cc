/* aptsandbox.cc - how libapt's methods are locked in, and what of it does not hold here (confine.h). */
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include "aptpkg-internal.hh"
extern "C" {
#include "confine.h"
}

#define FOLDER_OUT_OF_REACH 0x80U	/* beside confine.h's bits, in the exit status of a trial */

/* ------------------------------------------------------------ the user */

struct user {
	std::string name;
	uid_t uid;
	gid_t gid;
};

/* The user's ids from /etc/passwd itself: no name service is asked. */
static bool find_user(const std::string &passwd, const char *name, struct user *ret)
{
	for (const std::string &line : VectorizeString(passwd, '\n')) {
		std::vector<std::string> f = VectorizeString(line, ':');
		uint64_t u, g;

		if (f.size() < 4 || f[0] != name || parse_u64(f[2].c_str(), UINT32_MAX - 1, &u) < 0 ||
		    parse_u64(f[3].c_str(), UINT32_MAX - 1, &g) < 0 || u == 0)
			continue;
		*ret = { name, (uid_t)u, (gid_t)g };
		return true;
	}
	return false;
}

/* libapt gives files to the user by its name, so one that has none is of no use. */
static bool choose_user(struct user *ret)
{
	struct buf text = {};
	struct err err = {};
	bool found = read_file("/etc/passwd", 4 * 1024 * 1024, &text, &err) == 0 &&
		     (find_user(buf_str(&text), "_apt", ret) || find_user(buf_str(&text), "nobody", ret));

	buf_clear(&text);
	return found;
}

/* ------------------------------------------------------------ what they may reach */

struct reachable {
	char letter;	/* preload.c */
	enum confine_access access;
	std::string path;
};

/* Files that options of the container's name: certificates, keys, revocation lists. */
static void add_configured(std::vector<reachable> &ret)
{
	std::function<void(const Configuration::Item *)> walk = [&](const Configuration::Item *item) {
		for (; item; item = item->Next) {
			if (!item->Value.empty() && item->Value[0] == '/' && ret.size() < 40 &&
			    item->Value.find('\n') == std::string::npos)
				ret.push_back({ 'c', CONFINE_READ_FETCH, item->Value });
			walk(item->Child);
		}
	};
	for (const char *tree : { "Acquire::https", "Acquire::http" }) {
		const Configuration::Item *top = _config->Tree(tree);

		walk(top ? top->Child : nullptr);
	}
}

static std::vector<reachable> paths(const std::string &folder)
{
	static const char *const data[] = {
		"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
		"/etc/localtime", "/etc/ssl", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
	};
	const char *tmp = getenv("TMPDIR");
	std::vector<reachable> ret = {
		{ 'x', CONFINE_RUN, session.bundle },
		{ 'r', CONFINE_READ, session.dir },
		{ 'w', CONFINE_WRITE, session.dir + "/lists/partial" },
		{ 'w', CONFINE_WRITE, session.dir + "/archives/partial" },
		{ 'w', CONFINE_WRITE, folder },
		{ 't', CONFINE_WRITE_VERIFY, tmp && *tmp == '/' ? tmp : "/tmp" },
	};

	for (const char *path : data)
		ret.push_back({ 'c', CONFINE_READ_FETCH, path });
	add_configured(ret);
	return ret;
}

/* ------------------------------------------------------------ does it hold? */

/* In a child: be locked in as the methods will, and reach the folder. */
static unsigned try_out(const struct user &user, const std::vector<reachable> &reach, const std::string &folder)
{
	std::vector<confine_path> list;
	int status;

	for (const reachable &r : reach)
		list.push_back({ r.path.c_str(), -1, r.access });
	struct confine c = { CONFINE_FETCH, user.uid, user.gid, list.data(), list.size() };
	pid_t pid = fork();
	if (pid == 0) {
		unsigned missing = confine_enter(&c);

		_exit((int)(missing | (access(folder.c_str(), W_OK | X_OK) == 0 ? 0 : FOLDER_OUT_OF_REACH)));
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			pid = -1;
	return pid > 0 && WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : ~0U;
}

const std::vector<std::string> &password_files()
{
	static std::vector<std::string> files;
	static bool known = false;

	if (known)
		return files;
	known = true;
	files = GetListOfFilesInDir(_config->FindDir("Dir::Etc::netrcparts"), "conf", true, true);
	files.insert(files.begin(), _config->FindFile("Dir::Etc::netrc"));
	files.erase(std::remove_if(files.begin(), files.end(),
				   [](const std::string &f) { return !RealFileExists(f) || f.find('\n') != std::string::npos; }),
		    files.end());
	(void)apt_messages();
	return files;
}

/* Files with passwords are root's alone. libapt's methods read them before they
 * drop root, but are not root any more then: they get a copy. */
static void tell_methods(const struct user &user, const std::vector<reachable> &reach)
{
	const std::vector<std::string> &passwords = password_files();
	std::string text = std::to_string(user.uid) + " " + std::to_string(user.gid) + "\n";

	for (const reachable &r : reach)
		text += r.letter + r.path + "\n";
	for (const std::string &file : passwords)
		text += "a" + file + "\n";
	if (!passwords.empty()) {
		_config->Set("Dir::Etc::netrc", "/proc/self/fd/" + std::to_string(CONFINE_AUTH_FD));
		_config->Set("Dir::Etc::netrcparts", "/dev/null");
	}
	(void)setenv("STOPGAP_CONFINE", text.c_str(), 1);
}

/* The folders for what arrives are the user's. */
static bool give_folders(uid_t uid, const std::string &folder)
{
	bool ok = true;

	for (const std::string &path : { session.dir + "/lists/partial", session.dir + "/archives/partial", folder })
		ok = chown(path.c_str(), uid, 0) == 0 && ok;
	return ok;
}

void sandbox_check(const std::string &folder, struct wire_list *alarms)
{
	std::vector<reachable> reach = paths(folder);
	struct user user = { "root", 0, 0 };
	std::string reason;
	char text[512];

	if (geteuid() != 0 || session.bundle.empty())
		return;
	/* state_dir itself is as the agent or the operator has made it */
	(void)chmod(session.dir.c_str(), 0755);
	bool found = choose_user(&user);
	unsigned missing = found && give_folders(user.uid, folder) ? try_out(user, reach, folder) : CONFINE_NO_USER;
	if (missing & (CONFINE_NO_USER | FOLDER_OUT_OF_REACH)) {
		reason = !found ? "there is no user '_apt' and no 'nobody'" :
				  "user '" + user.name + "' cannot be dropped to, or not reach '" + folder +
				  "': make the folders above it passable (chmod o+x)";
		reason_add(alarms, CODE_SANDBOX_DEGRADED, "downloads run as root: %s", reason.c_str());
		user = { "root", 0, 0 };
		(void)give_folders(0, folder);
		missing = try_out(user, reach, folder) & ~CONFINE_NO_USER;
	}
	missing &= ~FOLDER_OUT_OF_REACH;
	confine_describe(missing, text, sizeof(text));
	if (missing)
		reason_add(alarms, CODE_SANDBOX_DEGRADED, "downloads run without %s", text);
	_config->Set("APT::Sandbox::User", user.name);
	tell_methods(user, reach);
}

void sandbox_transports(struct wire_list *alarms)
{
	std::set<std::string> told;

	for (const repository &repo : session.repos) {
		std::string access = URI(repo.uri).Access;

		if (session.bundle.empty() || !repo.in_scope || access.find('/') != std::string::npos ||
		    FileExists(session.bundle + "/methods/" + access) || !told.insert(access).second)
			continue;
		reason_add(alarms, CODE_SANDBOX_DEGRADED,
			   "'%s' repositories are fetched by a program of the container, which is not locked in", access.c_str());
	}
}
