/* aptsets.cc - the plan as sets for dpkg, each one a safe place to stop after. */
#include <apt-pkg/orderlist.h>
#include <apt-pkg/packagemanager.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <numeric>
#include "aptpkg-internal.hh"

/* What a set costs: fitted to 48 updates of a server image, dpkg 1.21 on
 * overlayfs, 22 s. Maintainer scripts are half of it, and their length says
 * whether they do more than what debhelper generates. */
#define SET_SECONDS	5.0	/* sets are joined up to this */
#define SECONDS_A_DEB	0.1
#define SECONDS_A_FILE	0.0008
#define SECONDS_A_SCRIPT 0.7
#define SCRIPT_BYTES	250	/* shorter ones hardly take time */
#define LIST_LINE_BYTES	50
#define BYTES_A_SECOND	(80.0 * 1024 * 1024)

/* ------------------------------------------------------------ libapt's order */

/* libapt's package manager, writing down what it would do. */
class recorder : public pkgPackageManager {
public:
	struct op {
		enum dpkg_verb verb;
		unsigned id;	/* of the package */
	};
	std::vector<op> ops;

	explicit recorder(pkgDepCache *cache) : pkgPackageManager(cache) {}
	int record(struct err *err);

protected:
	bool Install(PkgIterator pkg, std::string) override
	{
		ops.push_back({ DPKG_UNPACK, pkg->ID });
		return true;
	}
	bool Configure(PkgIterator pkg) override
	{
		ops.push_back({ DPKG_CONFIGURE, pkg->ID });
		return true;
	}
	bool Remove(PkgIterator pkg, bool) override
	{
		return _error->Error("ordering would remove %s", pkg.Name());
	}
	void Reset() override { ops.clear(); }
};

int recorder::record(struct err *err)
{
	for (const struct planned &p : session.plan)
		FileNames[p.pkg->ID] = p.file;
	if (DoInstallPreFork() != Completed)
		return apt_error(CODE_INTERNAL, err, "libapt finds no order for the updates");
	return 0;
}

/* ------------------------------------------------------------ components */

/* The plan as a graph, by index. */
struct graph {
	std::vector<size_t> parent;		/* union-find */
	std::map<unsigned, size_t> index;	/* package ID → plan */

	size_t root(size_t i)
	{
		while (parent[i] != i)
			i = parent[i] = parent[parent[i]];
		return i;
	}
	void join(size_t a, size_t b) { parent[root(a)] = root(b); }
};

static bool version_meets(const pkgCache::DepIterator &dep, const pkgCache::VerIterator &ver)
{
	return !ver.end() && dep.IsSatisfied(ver);
}

/* Do A at its version PARENT and package B have to change together? Yes when
 * this dependency of A holds with only one of B's two versions. */
static bool couples(const pkgCache::DepIterator &dep, const struct planned &b)
{
	pkgCache::PkgIterator pkg = b.pkg;

	return version_meets(dep, pkg.CurrentVer()) != version_meets(dep, b.ver);
}

/* An or-group that something else meets before and after couples nothing. */
static bool met_elsewhere(pkgCache::DepIterator start, const pkgCache::DepIterator &end, const graph &g)
{
	for (;; ++start) {
		std::unique_ptr<pkgCache::Version *[]> targets(start.AllTargets());

		for (pkgCache::Version **t = targets.get(); *t; t++) {
			pkgCache::VerIterator v(*session.cache.pkgs, *t);
			auto pkg = v.ParentPkg();

			if (!g.index.count(pkg->ID) && v == pkg.CurrentVer())
				return true;
		}
		if (start == end)
			return false;
	}
}

static void couple_version(graph &g, size_t a, const pkgCache::VerIterator &ver)
{
	if (ver.end())
		return;
	for (auto dep = ver.DependsList(); !dep.end();) {
		pkgCache::DepIterator start, end;

		dep.GlobOr(start, end);
		if (!end.IsCritical() || (!end.IsNegative() && met_elsewhere(start, end, g)))
			continue;
		for (auto one = start;; ++one) {
			for (size_t b = 0; b < session.plan.size(); b++)
				if (a != b && g.root(a) != g.root(b) &&
				    (one.TargetPkg()->Group == session.plan[b].pkg->Group || one.TargetPkg()->ProvidesList) &&
				    couples(one, session.plan[b]))
					g.join(a, b);
			if (one == end)
				break;
		}
	}
}

static graph couple()
{
	graph g;
	size_t n = session.plan.size();

	g.parent.resize(n);
	std::iota(g.parent.begin(), g.parent.end(), 0);
	for (size_t i = 0; i < n; i++)
		g.index[session.plan[i].pkg->ID] = i;
	for (size_t i = 0; i < n; i++) {
		couple_version(g, i, session.plan[i].ver);
		couple_version(g, i, session.plan[i].pkg.CurrentVer());
		/* siblings of other architectures change in lockstep, by their files */
		for (size_t j = i + 1; j < n; j++)
			if (session.plan[i].pkg->Group == session.plan[j].pkg->Group)
				g.join(i, j);
	}
	return g;
}

/* ------------------------------------------------------------ sets */

struct component {
	std::vector<dpkg_step> steps;
	std::set<size_t> debs;
	double cost = 0;
	bool first = false;	/* essential, or dpkg and what it runs on */
};

static bool is_essential(const struct planned &p)
{
	static const char *const base[] = { "dpkg", "libc6", "libc-bin", "perl-base", "apt" };

	if (p.pkg->Flags & (pkgCache::Flag::Essential | pkgCache::Flag::Important))
		return true;
	return std::any_of(std::begin(base), std::end(base), [&](const char *n) { return streq(n, p.pkg.Name()); });
}

static off_t info_size(const struct planned &p, const char *suffix)
{
	std::string info = std::string("/var/lib/dpkg/info/") + p.pkg.Name();
	struct stat st;

	return stat((info + ":" + p.ver.Arch() + suffix).c_str(), &st) == 0 ||
	       stat((info + suffix).c_str(), &st) == 0 ? st.st_size : 0;
}

static double cost_of(const struct planned &p)
{
	return SECONDS_A_DEB + (double)p.ver->InstalledSize / BYTES_A_SECOND +
	       (double)info_size(p, ".list") / LIST_LINE_BYTES * SECONDS_A_FILE +
	       (info_size(p, ".postinst") > SCRIPT_BYTES ? SECONDS_A_SCRIPT : 0);
}

static std::vector<component> components(const std::vector<recorder::op> &ops, graph &g)
{
	std::vector<component> ret;
	std::map<size_t, size_t> by_root;

	/* in libapt's order of each component's first step */
	for (const recorder::op &op : ops) {
		auto it = g.index.find(op.id);

		if (it == g.index.end())
			continue;
		size_t i = it->second, root = g.root(i);
		if (!by_root.count(root)) {
			by_root[root] = ret.size();
			ret.emplace_back();
		}
		component &c = ret[by_root[root]];
		c.steps.push_back({ op.verb, i });
		c.first |= is_essential(session.plan[i]);
		if (c.debs.insert(i).second)
			c.cost += cost_of(session.plan[i]);
	}
	std::stable_partition(ret.begin(), ret.end(), [](const component &c) { return c.first; });
	return ret;
}

/* Does unpacking A need B configured? */
static bool pre_depends(size_t a, size_t b)
{
	for (auto dep = session.plan[a].ver.DependsList(); !dep.end(); ++dep)
		if (dep->Type == pkgCache::Dep::PreDepends && dep.TargetPkg()->Group == session.plan[b].pkg->Group)
			return true;
	return false;
}

/* All unpacks, then all configures, as far as pre-dependencies allow: each
 * change of verb is one more run of dpkg. */
static std::vector<dpkg_step> batch(const std::vector<dpkg_step> &steps)
{
	std::vector<dpkg_step> ret, waiting;

	for (const dpkg_step &step : steps) {
		if (step.verb == DPKG_CONFIGURE) {
			waiting.push_back(step);
			continue;
		}
		if (std::any_of(waiting.begin(), waiting.end(),
				[&](const dpkg_step &w) { return pre_depends(step.deb, w.deb); })) {
			ret.insert(ret.end(), waiting.begin(), waiting.end());
			waiting.clear();
		}
		ret.push_back(step);
	}
	ret.insert(ret.end(), waiting.begin(), waiting.end());
	return ret;
}

static void add_set(struct dpkg_sets *ret, const component &c)
{
	std::vector<dpkg_step> steps = batch(c.steps);

	ret->sets = (struct dpkg_set *)xrealloc(ret->sets, ret->n_sets + 1, sizeof(*ret->sets));
	struct dpkg_set *set = &ret->sets[ret->n_sets++];
	set->n = steps.size();
	set->cost = c.cost;
	set->steps = (struct dpkg_step *)xcalloc(steps.size(), sizeof(*set->steps));
	std::copy(steps.begin(), steps.end(), set->steps);
}

/* Components do not need each other, so each goes where there is room: fewer
 * sets, and every run of dpkg reads its whole database. The first ones stay so. */
static void join_components(std::vector<component> &all, struct dpkg_sets *ret)
{
	std::vector<component> sets;

	for (component &c : all) {
		auto room = std::find_if(sets.begin(), sets.end(), [&](const component &s) {
			return s.first == c.first && s.cost + c.cost <= SET_SECONDS;
		});

		if (room == sets.end()) {
			sets.push_back(c);
			continue;
		}
		room->steps.insert(room->steps.end(), c.steps.begin(), c.steps.end());
		room->cost += c.cost;
	}
	for (const component &set : sets)
		add_set(ret, set);
}

static void fill_debs(struct dpkg_sets *ret)
{
	ret->n_debs = session.plan.size();
	ret->debs = (struct deb *)xcalloc(ret->n_debs, sizeof(*ret->debs));
	for (size_t i = 0; i < ret->n_debs; i++) {
		const struct planned &p = session.plan[i];
		struct deb *d = &ret->debs[i];

		d->package = xstrdup(p.pkg.Name());
		d->arch = xstrdup(p.ver.Arch());
		d->version = xstrdup(p.ver.VerStr());
		d->installed = p.pkg->CurrentVer != 0 ? xstrdup(p.pkg.CurrentVer().VerStr()) : nullptr;
		d->source = xstrdup(p.ver.SourcePkgName());
		d->path = xstrdup(p.file.c_str());
		d->uri = xstrdup(p.uri.c_str());
		d->size = (int64_t)p.ver->Size;
		d->installed_size = (int64_t)p.ver->InstalledSize;
		d->essential = (p.pkg->Flags & pkgCache::Flag::Essential) != 0;
		d->automatic = p.automatic;
		ret->again |= streq(d->package, "dpkg") || streq(d->package, "apt");
	}
}

int aptpkg_sets(const struct msg_digest *in, struct dpkg_sets *ret, struct err *err)
{
	return guarded(err, [&] {
		if (digest_check(in, err) < 0)
			return -1;
		for (const struct planned &p : session.plan)
			if (p.file.empty())
				return err_set(err, CODE_INTERNAL, 0, "%s %s is planned and not fetched: call fetch first",
					       p.pkg.Name(), p.ver.VerStr());
		if (session.plan.empty())
			return 0;
		recorder order(session.cache.dep.get());
		if (order.record(err) < 0)
			return -1;
		graph g = couple();
		std::vector<component> all = components(order.ops, g);
		fill_debs(ret);
		join_components(all, ret);
		return 0;
	});
}

/* ------------------------------------------------------------ after dpkg */

static bool is_applied(const struct msg_apply *applied, const struct deb *d)
{
	for (size_t i = 0; i < applied->applied.n; i++) {
		auto p = (const struct msg_package *)wire_list_at(&msg_package, &applied->applied, i);

		if (streq(p->package, d->package) && streq(strna(p->arch), d->arch))
			return true;
	}
	return false;
}

int aptpkg_settle(const struct dpkg_sets *sets, const struct msg_apply *applied, struct err *err)
{
	return guarded(err, [&] {
		std::vector<const struct deb *> automatic;

		for (size_t i = 0; i < sets->n_debs; i++) {
			const struct deb *d = &sets->debs[i];

			if (!is_applied(applied, d))
				continue;
			(void)unlink(d->path);
			if (d->automatic)
				automatic.push_back(d);
		}
		session.digest.clear();
		session.plan.clear();
		if (automatic.empty())
			return 0;
		/* anew: dpkg has changed what is installed */
		if (cache_open(*session.list, session.cache, err) < 0)
			return -1;
		for (const struct deb *d : automatic) {
			auto pkg = session.cache.pkgs->FindPkg(d->package, d->arch);

			if (!pkg.end())
				session.cache.dep->MarkAuto(pkg, true);
		}
		if (!session.cache.dep->writeStateFile(nullptr))
			return apt_error(CODE_IO, err, "the list of automatically installed packages cannot be written");
		return 0;
	});
}
