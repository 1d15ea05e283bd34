/* watchlabel.c - see watchlabel.h. */
#include "buf.h"
#include "value.h"
#include "watchlabel.h"

#define SHOWN 200 /* bytes of a label */

const char *const watch_label_settings[] = {
	"updates.allow",	"updates.deny",	   "updates.fixes",	   "updates.min_age",
	"updates.min_severity", "updates.minimal", "updates.allow_new",	   "schedule.interval",
	"schedule.window",	"schedule.jitter", "restart.mode",	   "restart.never",
	"restart.stop_signal",	"restart.budget",  "restart.stop_timeout", NULL,
};

static bool may_be_set(const char *assignment)
{
	size_t n = strcspn(assignment, "=");

	for (size_t i = 0; watch_label_settings[i]; i++)
		if (strlen(watch_label_settings[i]) == n && memcmp(watch_label_settings[i], assignment, n) == 0)
			return true;
	return false;
}

static void refuse(struct watch_labels *l, const char *label, const char *why)
{
	cleanup_free char *shown = escape_text(label, SHOWN);

	if (!l->refused)
		l->refused = xasprintf("label '%s': %s", shown, why);
}

static void take_policy(struct watch_labels *l, const char *label, const char *value)
{
	if (streq(value, "report"))
		l->report = true;
	else if (streq(value, "security") || streq(value, "all"))
		strv_take(&l->sets, xasprintf("updates.policy=%s", value));
	else
		refuse(l, label, "accepted: report, security, all");
}

static void take_label(struct watch_labels *l, const char *label)
{
	static const char enable[] = "stopgap.enable=", policy[] = "stopgap.policy=", set[] = "stopgap.set.";
	bool yes;

	if (starts_with(label, enable)) {
		if (value_bool(label + sizeof(enable) - 1, &yes) == 0)
			l->enable = yes;
		else
			refuse(l, label, "accepted: true, false");
	} else if (starts_with(label, policy)) {
		take_policy(l, label, label + sizeof(policy) - 1);
	} else if (starts_with(label, set)) {
		const char *assignment = label + sizeof(set) - 1;

		if (strchr(assignment, '=') && may_be_set(assignment))
			strv_push(&l->sets, assignment);
		else
			refuse(l, label, "not a setting that a label may have");
	}
}

/* Each value by itself: what it is set to must be of its form, whatever the rest of the configuration says. */
static void check_values(struct watch_labels *l)
{
	struct err err = ERR_INIT;
	struct config c;

	config_defaults(&c);
	if (config_apply(&c, &l->sets, &err) < 0) {
		cleanup_free char *shown = escape_text(err.msg, 2 * SHOWN);

		l->refused = xasprintf("labels: %s", shown);
	}
	config_clear(&c);
}

void watch_labels_read(const struct strv *labels, struct watch_labels *ret)
{
	*ret = (struct watch_labels){ .enable = -1 };
	for (size_t i = 0; i < labels->n; i++)
		take_label(ret, labels->v[i]);
	if (!ret->refused && ret->sets.n)
		check_values(ret);
	if (!ret->refused)
		return;
	strv_clear(&ret->sets);
	ret->report = false;
}

void watch_labels_clear(struct watch_labels *l)
{
	strv_clear(&l->sets);
	free(l->refused);
	*l = (struct watch_labels){ 0 };
}
