/* service.c - see service.h. */
#include <stdio.h>
#include "buf.h"
#include "manager.h"
#include "procscan.h"

#define DEPTH_MAX 4096		/* of a tree; one that was read while it changed may have a cycle */

struct finder {
	const struct proc_node *v;
	size_t n;
	const struct proc_node *child, *init;	/* NULL: none */
	struct manager_view view;
};

const char *service_kind_name(enum service_kind kind)
{
	static const char *const names[] = { "child", "systemd", "supervisord", "s6", "runit", "openrc", "process" };

	return names[kind];
}

static void service_clear(struct service *s)
{
	free(s->name);
	free(s->process);
	free(s->why_not);
	strv_clear(&s->restart);
	strv_clear(&s->query);
	strv_clear(&s->control);
	*s = (struct service){ 0 };
}

#define cleanup_service _cleanup_(service_clear)

void services_clear(struct services *l)
{
	for (size_t i = 0; i < l->n; i++)
		service_clear(&l->v[i]);
	free(l->v);
	free(l->of);
	*l = (struct services){ 0 };
}

static int by_pid(const void *key, const void *node)
{
	pid_t a = *(const pid_t *)key, b = ((const struct proc_node *)node)->pid;

	return a < b ? -1 : a > b;
}

static const struct proc_node *find(const struct finder *f, pid_t pid)
{
	return pid > 0 ? bsearch(&pid, f->v, f->n, sizeof(*f->v), by_pid) : NULL;
}

/* Does restarting the child end this process? All of its descendants, and the
 * orphans that PID 1 has from it: not what came from outside (docker exec), whose
 * session is another namespace's and so 0 here. */
static bool is_childs(const struct finder *f, const struct proc_node *p)
{
	for (int i = 0; f->child && p && i < DEPTH_MAX; i++, p = find(f, p->ppid)) {
		if (p == f->child)
			return true;
		if (f->child->ppid && p->ppid == f->child->ppid)
			return p->sid != 0;
	}
	return false;
}

static void set_main(struct service *s, enum service_kind kind, const struct proc_node *p)
{
	s->kind = kind;
	s->pid = p->pid;
	s->start = p->start;
	free(s->name);
	s->name = escape_text(p->comm, sizeof(p->comm));
	free(s->process);
	s->process = xstrdup(s->name);
}

static void why_not(struct service *s, const char *why)
{
	free(s->why_not);
	s->why_not = xstrdup(why);
}

/* No supervisor is above it: what is at the top of its tree? */
static void service_of_top(const struct finder *f, const struct proc_node *top, struct service *ret)
{
	set_main(ret, SERVICE_TREE, top);
	if (f->init && manager_systemd(&f->view, f->init, top, ret))
		return;
	if (top == f->init)
		why_not(ret, "it is the container's first process: restart the container");
	else if (manager_openrc(&f->view, top, ret))
		return;
	else if (top->ppid == 0)
		why_not(ret, "it was started from outside of the container: start it again there");
	else
		why_not(ret, "no service manager that is known here runs it: restart the container");
}

/* The nearest supervisor above that can restart what is below it. */
static bool supervised(const struct finder *f, const struct proc_node **main, struct service *ret, struct service *weak)
{
	for (int i = 0; i < DEPTH_MAX && *main != f->child; i++) {
		const struct proc_node *parent = find(f, (*main)->ppid);
		cleanup_service struct service s = { .covered_by = -1 };

		if (!parent || parent == *main)
			break;
		set_main(&s, SERVICE_TREE, *main);
		if (manager_of(&f->view, parent, *main, &s) && (!s.why_not || !weak->name)) {
			struct service *to = s.why_not ? weak : ret;

			*to = s;
			s = (struct service){ 0 };
			if (to == ret)
				return true;
		}
		if (parent->pid == 1 && parent != f->child)
			break;
		*main = parent;
	}
	return false;
}

static void service_of(const struct finder *f, const struct proc_node *p, struct service *ret)
{
	const struct proc_node *main = p;
	cleanup_service struct service weak = { 0 };	/* supervised, but nothing restarts it */
	bool below = is_childs(f, p);

	if (!supervised(f, &main, ret, &weak)) {
		if (below) {
			set_main(ret, SERVICE_CHILD, f->child);
		} else if (weak.name) {
			*ret = weak;
			weak = (struct service){ 0 };
		} else {
			service_of_top(f, main, ret);
		}
	}
	ret->below_child = below;
	ret->covered_by = -1;
}

static bool is_same(const struct service *a, const struct service *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind == SERVICE_SYSTEMD && !a->why_not && !b->why_not ? streq(a->name, b->name) : a->pid == b->pid;
}

/* Add S, which is taken, unless it is there; its index. */
static int add(struct services *l, struct service *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_same(&l->v[i], s)) {
			service_clear(s);
			return (int)i;
		}
	l->v = xrealloc(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n] = *s;
	return (int)l->n++;
}

static int by_main(const void *a, const void *b)
{
	const struct service *x = a, *y = b;
	bool cx = x->kind == SERVICE_CHILD, cy = y->kind == SERVICE_CHILD;

	return cx != cy ? cy - cx : x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* The index of the nearest service above S that has a restart of its own. */
static int above(const struct finder *f, const struct services *l, size_t i)
{
	const struct service *s = &l->v[i];
	const struct proc_node *p = find(f, s->pid);

	for (int depth = 0; p && depth < DEPTH_MAX; depth++) {
		p = find(f, p->ppid);
		for (size_t k = 0; p && p->pid != 1 && k < l->n; k++)
			if (k != i && l->v[k].pid == p->pid && l->v[k].kind != SERVICE_TREE)
				return (int)k;
	}
	return s->below_child && s->kind != SERVICE_CHILD && l->v[0].kind == SERVICE_CHILD ? 0 : -1;
}

/* Put them in order, and the indices right. */
static void sort(struct services *l)
{
	cleanup_free pid_t *was = xcalloc(l->n + 1, sizeof(pid_t));
	cleanup_free int *now = xcalloc(l->n + 1, sizeof(int));

	for (size_t i = 0; i < l->n; i++)
		was[i] = l->v[i].pid;
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_main);
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k < l->n; k++)
			if (was[i] == l->v[k].pid)
				now[i] = (int)k;
	for (size_t i = 0; i < l->n_of; i++)
		if (l->of[i] >= 0)
			l->of[i] = now[l->of[i]];
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].covered_by >= 0)
			l->v[i].covered_by = now[l->v[i].covered_by];
}

/* Service I, which is empty, is the first one now. */
static void merge(struct services *l, size_t i)
{
	memmove(&l->v[i], &l->v[i + 1], (l->n - i - 1) * sizeof(*l->v));
	l->n--;
	for (size_t k = 0; k < l->n_of; k++)
		l->of[k] = l->of[k] == (int)i ? 0 : l->of[k] - (l->of[k] > (int)i);
	for (size_t k = 0; k < l->n; k++)
		l->v[k].covered_by = l->v[k].covered_by == (int)i ? 0 :
								    l->v[k].covered_by - (l->v[k].covered_by > (int)i);
}

struct proc_node *services_tree(const struct procscan *scan)
{
	struct proc_node *tree = xcalloc(scan->n + 1, sizeof(*tree));

	for (size_t i = 0; i < scan->n; i++) {
		const struct scan_process *p = &scan->v[i];

		tree[i] = (struct proc_node){ .pid = p->pid, .ppid = p->ppid, .sid = p->sid, .start = p->start };
		memcpy(tree[i].comm, p->comm, sizeof(tree[i].comm));
	}
	return tree;
}

int services_find(const struct proc_node *tree, size_t n, const pid_t *stale, size_t n_stale, pid_t child,
		  const char *proc, const char *root, struct services *ret, struct err *err)
{
	struct finder f = { .v = tree, .n = n, .view = { proc, root } };

	for (size_t i = 1; i < n; i++)
		if (tree[i - 1].pid >= tree[i].pid)
			return err_set(err, CODE_INTERNAL, 0, "the list of processes is not sorted by pid");
	f.child = find(&f, child);
	f.init = find(&f, 1);
	*ret = (struct services){ .of = xcalloc(n_stale + 1, sizeof(int)), .n_of = n_stale };
	if (f.child)
		ret->child = *f.child;
	for (size_t i = 0; i < n_stale; i++) {
		const struct proc_node *p = find(&f, stale[i]);
		struct service s = { .covered_by = -1 };

		ret->of[i] = -1;
		if (!p)
			continue;
		service_of(&f, p, &s);
		ret->of[i] = add(ret, &s);
	}
	sort(ret);
	for (size_t i = 0; i < ret->n; i++)
		ret->v[i].covered_by = above(&f, ret, i);
	return 0;
}

void services_answer(struct services *l, size_t i, const char *output)
{
	struct service *s = &l->v[i];
	cleanup_free char *name = service_supervisord_name(output, s->pid);
	struct service child = { .covered_by = -1, .below_child = true };
	bool merged = l->v[0].kind == SERVICE_CHILD;
	size_t n = strcspn(output, "\n");

	strv_clear(&s->query);
	if (name) {
		strv_copy(&s->restart, &s->control);
		strv_push(&s->restart, "restart");
		strv_push(&s->restart, name);
		free(s->name);
		s->name = steal_ptr(&name);
		return;
	}
	if (!s->below_child) {
		cleanup_free char *said = xstrndup(output, n), *shown = escape_text(said, 200);

		free(s->why_not);
		s->why_not = xasprintf("supervisorctl status does not list its pid %d%s%s", (int)s->pid, n ? ": " : "",
				       shown);
		return;
	}
	/* the coarser restart, of the child, is still there */
	set_main(&child, SERVICE_CHILD, &l->child);
	service_clear(s);
	if (merged) {
		merge(l, i);
		service_clear(&child);
		return;
	}
	*s = child;
	sort(l);
	for (size_t k = 1; k < l->n; k++)
		if (l->v[k].below_child && l->v[k].covered_by < 0)
			l->v[k].covered_by = 0;
}
