/* aptcandidates.cc - which packages have a security update, and what policy
 * says about each before any dependency is looked at. */
#include <apt-pkg/indexfile.h>
#include <apt-pkg/version.h>
#include <algorithm>
#include "aptplan.hh"

planner::~planner()
{
	for (regex_t &r : allow)
		regfree(&r);
	for (regex_t &r : deny)
		regfree(&r);
}

/* ------------------------------------------------------------ archives */

void planner::classify_files()
{
	struct origin_vars vars = session_vars();
	struct strv patterns = {};

	origin_patterns(&in->origins, &patterns);
	files.resize(cache.pkgs->HeaderP->PackageFileCount + 1);
	for (metaIndex *meta : *session.list) {
		const repository *repo = repo_of(session.repos, *meta);

		for (pkgIndexFile *index : *meta->GetIndexFiles()) {
			pkgCache::PkgFileIterator file = index->FindInCache(*cache.pkgs);

			if (file.end() || !repo || file->ID >= files.size())
				continue;
			struct origin_facts facts = {
				strna(file.Origin()), strna(file.Label()), strna(file.Archive()),
				strna(file.Codename()), strna(file.Component()), strna(file.Site()),
			};
			file_class &c = files[file->ID];
			c.known = true;
			c.dist = repo->dist;
			c.date = repo->rel.date;
			c.trusted = !session.settings->require_signed ||
				    (index->IsTrusted() && !repo->insecure && repo->rel.present);
			c.security = origins_match(&patterns, &vars, &facts) == ORIGIN_YES;
		}
	}
	strv_clear(&patterns);
}

const file_class *planner::best_file(const pkgCache::VerIterator &ver, pkgCache::PkgFileIterator *ret) const
{
	const file_class *best = nullptr;

	for (auto vf = ver.FileList(); !vf.end(); ++vf) {
		auto file = vf.File();

		if (file->ID >= files.size() || !files[file->ID].known)
			continue;
		const file_class *c = &files[file->ID];
		if (best && (best->security > c->security || (best->security == c->security && best->trusted >= c->trusted)))
			continue;
		best = c;
		if (ret)
			*ret = file;
	}
	return best;
}

/* ------------------------------------------------------------ policy */

int planner::compile(const struct strv *patterns, std::vector<regex_t> &ret, const char *what, struct err *err)
{
	for (size_t i = 0; i < patterns->n; i++) {
		std::string anchored = std::string("^(") + patterns->v[i] + ")$";
		regex_t r;
		int e = regcomp(&r, anchored.c_str(), REG_EXTENDED | REG_NOSUB);

		if (e != 0) {
			char text[128];

			(void)regerror(e, &r, text, sizeof(text));
			return err_set(err, CODE_CONFIG, 0, "%s: '%s' is not an extended regular expression: %s",
				       what, patterns->v[i], text);
		}
		ret.push_back(r);
	}
	return 0;
}

static bool matches(const std::vector<regex_t> &list, const char *name)
{
	return std::any_of(list.begin(), list.end(),
			   [&](const regex_t &r) { return regexec(&r, name, 0, nullptr, 0) == 0; });
}

static const struct msg_denial *find_denial(const struct wire_list *denials, const pkgCache::PkgIterator &pkg,
					    const pkgCache::VerIterator &ver)
{
	for (size_t i = 0; i < denials->n; i++) {
		auto d = (const struct msg_denial *)wire_list_at(&msg_denial, denials, i);

		if (streq(d->package, pkg.Name()) && (!d->arch || !*d->arch || streq(d->arch, ver.Arch())))
			return d;
	}
	return nullptr;
}

static std::string pin_detail(pkgPolicy &policy, const pkgCache::VerIterator &ver, const pkgCache::VerIterator &current)
{
	int want = policy.GetPriority(ver), have = policy.GetPriority(current);

	if (want < 0)
		return "apt preferences forbid it: its priority is " + std::to_string(want);
	if (want <= 1 && want < have)
		return "its priority is 1: a phased update that is not due here yet, or an archive that is NotAutomatic";
	if (want < have)
		return "apt preferences: priority " + std::to_string(want) + ", that of the installed version is " +
		       std::to_string(have);
	return "";
}

static void keep(candidate &c, enum code code, const std::string &detail)
{
	c.kept = code;
	c.detail = detail;
}

void planner::judge(candidate &c)
{
	const char *name = c.pkg.Name();
	const struct msg_denial *d = find_denial(&in->denials, c.pkg, c.ver);
	const file_class *file = best_file(c.ver, nullptr);
	int64_t age = file && file->date ? clock_wall() - file->date : 0;
	std::string detail;

	if (d)
		return keep(c, d->reason.code, strna(d->reason.detail));
	if (c.pkg->SelectedState == pkgCache::State::Hold)
		return keep(c, CODE_HOLD, "held in dpkg's database; release it with: apt-mark unhold " + std::string(name));
	if (matches(deny, name))
		return keep(c, CODE_DENY_LIST, "updates.deny matches");
	if (!allow.empty() && !matches(allow, name))
		return keep(c, CODE_NOT_ALLOWED, "updates.allow does not match");
	if (!file || !file->trusted)
		return keep(c, CODE_UNTRUSTED, "its archive is not signed by a known key");
	if (!(detail = pin_detail(*cache.policy, c.ver, c.pkg.CurrentVer())).empty())
		return keep(c, CODE_PINNED, detail);
	/* an update is as old as the first Release that has it, which is no younger than this one */
	if (in->min_age && age < in->min_age) {
		char have[32], want[32];

		duration_format(age, have);
		duration_format(in->min_age, want);
		return keep(c, CODE_TOO_NEW, std::string("its Release is ") + have + " old, updates.min_age is " + want);
	}
	if (!(detail = bind_mounted_file(cache, c.pkg)).empty())
		return keep(c, CODE_BIND_MOUNTED_FILE, "'" + detail + "' is a mount point, dpkg cannot replace it: mount another way");
}

/* ------------------------------------------------------------ candidates */

pkgCache::VerIterator planner::choose(const pkgCache::PkgIterator &pkg)
{
	pkgCache::VerIterator current = pkg.CurrentVer(), untrusted;
	bool any = streq(in->policy, "all");

	if (any) {
		pkgCache::VerIterator ver = cache.policy->GetCandidateVer(pkg);
		return !ver.end() && ver.CompareVer(current) > 0 ? ver : pkgCache::VerIterator();
	}
	/* newest first */
	for (auto ver = pkg.VersionList(); !ver.end() && ver.CompareVer(current) > 0; ++ver) {
		const file_class *file = best_file(ver, nullptr);

		if (!file || !file->security)
			continue;
		if (file->trusted)
			return ver;
		if (untrusted.end())
			untrusted = ver;
	}
	return untrusted;
}

int planner::collect(struct err *err)
{
	if (origins_check(&in->origins, err) < 0 || compile(&in->allow, allow, "updates.allow", err) < 0 ||
	    compile(&in->deny, deny, "updates.deny", err) < 0)
		return -1;
	classify_files();
	for (auto pkg = cache.pkgs->PkgBegin(); !pkg.end(); ++pkg) {
		if (pkg->CurrentVer == 0 || pkg->CurrentState == pkgCache::State::ConfigFiles)
			continue;
		if ((*cache.dep)[pkg].InstBroken())
			broken_before.insert(pkg->ID);
		pkgCache::VerIterator ver = choose(pkg);
		if (ver.end())
			continue;
		candidate c;
		c.pkg = pkg;
		c.ver = ver;
		judge(c);
		by_id[pkg->ID] = candidates.size();
		candidates.push_back(c);
	}
	return 0;
}
