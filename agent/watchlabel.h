/* watchlabel.h - what a container's labels say of how it is to be watched.
 *
 *	stopgap.enable=true|false		watch it, or leave it alone
 *	stopgap.policy=report|security|all	only report what is pending (check); or what to apply
 *	stopgap.set.SECTION.KEY=VALUE		one of a few settings, those of watch_label_settings
 *
 * Labels are written by whoever may start containers, who need not be the host's
 * operator. So they can make stopgap do less, later or restart more or less; what
 * lowers trust, reaches the network or the host (hooks), or runs a command is not
 * among them. One that is refused makes the container's labels void as a whole, but
 * for stopgap.enable: half of a wish would be another wish.
 */
#pragma once
#include "config.h"

extern const char *const watch_label_settings[];	/* "schedule.window", …; NULL at the end */

struct watch_labels {
	int enable;		/* 1, 0; -1: not said */
	bool report;		/* stopgap.policy=report */
	struct strv sets;	/* "section.key=value" */
	char *refused;		/* a sentence, escaped; NULL: all is well */
};

/* LABELS are "key=value". Values are checked as the configuration's are. */
void watch_labels_read(const struct strv *labels, struct watch_labels *ret);
void watch_labels_clear(struct watch_labels *l);
