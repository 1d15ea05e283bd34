/* manager.h - the service managers: who is one, and how it is asked for a restart.
 *
 * The parts of service.c that know one manager each. All of them fill a struct
 * service whose pid and start the caller sets; without a restart command it has
 * why_not.
 */
#pragma once
#include "service.h"

/* Where things are read. */
struct manager_view {
	const char *proc, *root;
};

/* Does PARENT supervise its child MAIN? */
bool manager_of(const struct manager_view *w, const struct proc_node *parent, const struct proc_node *main,
		struct service *ret);
/* The unit of a process in a container whose PID 1 is systemd. INIT is PID 1;
 * false when it is no systemd. */
bool manager_systemd(const struct manager_view *w, const struct proc_node *init, const struct proc_node *p,
		     struct service *ret);
/* The service that OpenRC started TOP as; false: none. */
bool manager_openrc(const struct manager_view *w, const struct proc_node *top, struct service *ret);
