/* aptplan.cc - the largest set of updates that installs without removing. */
#include <apt-pkg/algorithms.h>
#include <algorithm>
#include "aptplan.hh"

candidate *planner::find(const pkgCache::PkgIterator &pkg)
{
	auto it = by_id.find(pkg->ID);

	return it == by_id.end() ? nullptr : &candidates[it->second];
}

/* The solver asks for every package it would install, dependencies included. */
bool planner::may_install(const pkgCache::PkgIterator &pkg)
{
	pkgCache::VerIterator ver = (*cache.dep)[pkg].CandidateVerIter(*cache.pkgs);
	const file_class *file;

	if (ver.end() || (pkg->CurrentVer != 0 && ver == pkg.CurrentVer()))
		return true;
	if (const candidate *c = find(pkg))
		return c->kept == CODE_OK;
	if (pkg->CurrentVer == 0 && !in->allow_new)
		return false;
	if (pkg->CurrentVer != 0 && ver.CompareVer(pkg.CurrentVer()) < 0)
		return false;
	if (pkg->SelectedState == pkgCache::State::Hold)
		return false;
	candidate c;
	c.pkg = pkg;
	c.ver = ver;
	file = best_file(ver, nullptr);
	if (pkg->CurrentVer != 0)
		judge(c);
	return file && file->trusted && c.kept == CODE_OK;
}

/* ------------------------------------------------------------ marking */

std::set<unsigned> planner::marked()
{
	std::set<unsigned> ret;

	for (auto pkg = cache.pkgs->PkgBegin(); !pkg.end(); ++pkg)
		if ((*cache.dep)[pkg].Install())
			ret.insert(pkg->ID);
	return ret;
}

/* Back to what was marked. An attempt that fails also leaves packages without
 * their candidate, which would let every later one fail. */
void planner::unmark(const std::set<unsigned> &keep)
{
	pkgDepCache::ActionGroup group(*cache.dep);

	for (auto pkg = cache.pkgs->PkgBegin(); !pkg.end(); ++pkg) {
		if ((*cache.dep)[pkg].Install() && !keep.count(pkg->ID))
			cache.dep->MarkKeep(pkg, false, false);
		if ((*cache.dep)[pkg].CandidateVer != chosen[pkg->ID] && chosen[pkg->ID])
			cache.dep->SetCandidateVersion({ *cache.pkgs, chosen[pkg->ID] });
	}
}

bool planner::sound()
{
	if (cache.dep->DelCount() != 0)
		return false;
	if (cache.dep->BrokenCount() == 0)
		return true;
	for (auto pkg = cache.pkgs->PkgBegin(); !pkg.end(); ++pkg)
		if ((*cache.dep)[pkg].InstBroken() && !broken_before.count(pkg->ID))
			return false;
	return true;
}

/* An update may break an installed package that has an update too, such as a
 * program that needs exactly its library's version: take that along. */
bool planner::follow(const std::set<unsigned> &keep)
{
	bool any = false;

	if (cache.dep->BrokenCount() == 0)
		return false;
	for (auto pkg = cache.pkgs->PkgBegin(); !pkg.end(); ++pkg) {
		const candidate *c;

		if (!(*cache.dep)[pkg].InstBroken() || broken_before.count(pkg->ID) || keep.count(pkg->ID))
			continue;
		c = find(pkg);
		if (c && c->kept == CODE_OK && !(*cache.dep)[pkg].Install())
			any |= cache.dep->MarkInstall(pkg, true, 0, false);
	}
	return any;
}

/* Mark WANTED on top of what is marked; all or nothing. */
bool planner::attempt(const std::vector<candidate *> &wanted)
{
	std::set<unsigned> before = marked();
	bool ok = true;

	cache.dep->refused.clear();
	cache.dep->removals.clear();
	{
		pkgDepCache::ActionGroup group(*cache.dep);

		for (const candidate *c : wanted)
			if (!(*cache.dep)[c->pkg].Install())
				ok &= cache.dep->MarkInstall(c->pkg, true, 0, false);
		for (int i = 0; i < 32 && follow(before); i++)
			;
	}
	ok = ok && sound() && std::all_of(wanted.begin(), wanted.end(), [&](const candidate *c) {
		return (*cache.dep)[c->pkg].Install() && (*cache.dep)[c->pkg].InstVerIter(*cache.pkgs) == c->ver;
	});
	return ok;
}

void planner::solve()
{
	std::vector<candidate *> wanted;

	cache.dep->allowed = [this](const pkgCache::PkgIterator &pkg) { return may_install(pkg); };
	for (candidate &c : candidates) {
		cache.dep->SetCandidateVersion(c.ver);
		if (c.kept == CODE_OK)
			wanted.push_back(&c);
	}
	chosen.resize(cache.pkgs->HeaderP->PackageCount + 1);
	for (auto pkg = cache.pkgs->PkgBegin(); !pkg.end(); ++pkg)
		chosen[pkg->ID] = (*cache.dep)[pkg].CandidateVer;
	if (wanted.empty() || attempt(wanted))
		return;
	/* Something stands in the way of some: find out of which, one by one. One
	 * that fails now may succeed once another is in, so until nothing moves. */
	unmark({});
	for (bool progress = true; progress;) {
		progress = false;
		for (candidate *c : wanted) {
			if ((*cache.dep)[c->pkg].Install())
				continue;
			std::set<unsigned> before = marked();
			c->kept = CODE_OK;
			if (attempt({ c })) {
				progress = true;
			} else {
				explain(*c);
				unmark(before);
			}
		}
		for (candidate *c : wanted)
			if (!(*cache.dep)[c->pkg].Install() && progress)
				c->kept = CODE_OK;
	}
}

/* ------------------------------------------------------------ the outcome */

std::vector<struct planned> planner::result()
{
	std::vector<struct planned> ret;

	for (auto pkg = cache.pkgs->PkgBegin(); !pkg.end(); ++pkg) {
		pkgDepCache::StateCache &state = (*cache.dep)[pkg];

		if (!state.Install() || state.InstVerIter(*cache.pkgs) == pkg.CurrentVer())
			continue;
		struct planned p = {};
		p.pkg = pkg;
		p.ver = state.InstVerIter(*cache.pkgs);
		p.security = find(pkg) != nullptr;
		p.automatic = pkg->CurrentVer == 0;
		ret.push_back(p);
	}
	return ret;
}

void planner::fill(const pkgCache::PkgIterator &pkg, const pkgCache::VerIterator &ver, struct msg_update *ret) const
{
	pkgCache::PkgFileIterator file;
	const file_class *c = best_file(ver, &file);

	ret->package = xstrdup(pkg.Name());
	ret->arch = xstrdup(ver.Arch());
	if (pkg->CurrentVer != 0)
		ret->installed = xstrdup(pkg.CurrentVer().VerStr());
	ret->candidate = xstrdup(ver.VerStr());
	if (c) {
		ret->origin = xstrdup((std::string(strna(file.Origin())) + ":" + strna(file.Label())).c_str());
		ret->suite = xstrdup(c->dist.c_str());
		ret->security = c->security;
	}
	ret->size = (int64_t)ver->Size;
}

static std::string needed_by(struct cache &cache, const pkgCache::PkgIterator &pkg)
{
	for (auto dep = pkg.RevDependsList(); !dep.end(); ++dep) {
		auto parent = dep.ParentPkg();

		if (dep.IsCritical() && !dep.IsNegative() && (*cache.dep)[parent].Install() &&
		    (*cache.dep)[parent].InstVerIter(*cache.pkgs) == dep.ParentVer())
			return std::string("needed by ") + parent.Name();
	}
	return "needed by another update";
}

static int64_t installed_size(const pkgCache::VerIterator &ver)
{
	return ver.end() ? 0 : (int64_t)ver->InstalledSize;
}

static bool have_archive(const struct planned &p)
{
	std::string file = _config->FindDir("Dir::Cache::Archives") + QuoteString(p.pkg.Name(), "_:") + "_" +
			   QuoteString(p.ver.VerStr(), "_:") + "_" + QuoteString(p.ver.Arch(), "_:.") + ".deb";
	struct stat st;

	return stat(file.c_str(), &st) == 0 && (unsigned long long)st.st_size == p.ver->Size;
}

/* Lists of an earlier session are as good as they are signed and not expired. */
static int lists_of_disk(const struct msg_plan_params *in, struct err *err)
{
	struct strv patterns = {};

	if (sources_load(session.list, session.repos, err) < 0)
		return -1;
	forget_unverified(seen_read());
	origin_patterns(&in->origins, &patterns);
	for (repository &repo : session.repos) {
		repo.security = repo.rel.present && repo_matches(repo, &patterns) == ORIGIN_YES;
		repo.in_scope = repo.security || streq(in->policy, "all");
		if (!session.settings->accept_expired && repo.rel.valid_until && repo.rel.valid_until < clock_wall())
			repo.error = CODE_EXPIRED;
	}
	strv_clear(&patterns);
	session.list->keep_if([](const metaIndex &meta) {
		const repository *repo = repo_of(session.repos, meta);

		return repo && repo->in_scope && repo->usable();
	});
	return 0;
}

static void send(planner &planner, struct msg_plan *ret)
{
	struct wire_list updates = {};
	char digest[DIGEST_TEXT_MAX];

	for (const struct planned &p : session.plan) {
		auto u = (struct msg_update *)wire_list_add(&msg_update, &updates);

		planner.fill(p.pkg, p.ver, u);
		u->reason = xstrdup(p.security ? "security update" : needed_by(session.cache, p.pkg).c_str());
		plugin_event("update", &msg_update, u);
		archive_event(p);
		ret->count++;
		if (!have_archive(p))
			ret->download += u->size;
		ret->disk += installed_size(p.ver) - installed_size(p.pkg.CurrentVer());
	}
	plan_digest(&updates, digest);
	wire_list_clear(&msg_update, &updates);
	session.digest = digest;
	ret->digest = xstrdup(digest);

	for (const candidate &c : planner.candidates) {
		struct msg_update u = {};

		if (c.kept == CODE_OK)
			continue;
		planner.fill(c.pkg, c.ver, &u);
		u.kept_back.code = c.kept;
		u.kept_back.detail = xstrdup(c.detail.c_str());
		plugin_event("kept_back", &msg_update, &u);
		wire_clear(&msg_update, &u);
		ret->kept_back++;
	}
	ret->incomplete = planner.incomplete;
}

int aptpkg_plan(const struct msg_plan_params *in, struct msg_plan *ret, struct err *err)
{
	return guarded(err, [&] {
		session.digest.clear();
		session.plan.clear();
		if (!session.refreshed && lists_of_disk(in, err) < 0)
			return -1;
		if (cache_open(*session.list, session.cache, err) < 0)
			return -1;
		planner planner(in, session.cache);
		if (planner.collect(err) < 0)
			return -1;
		planner.solve();
		session.plan = planner.result();
		send(planner, ret);
		/* the cache outlives the planner that its rule belongs to */
		session.cache.dep->allowed = nullptr;
		return 0;
	});
}
