/* conffiles.h - changed configuration files stay, whatever a package says.
 *
 * rpm puts the new version of a changed %config(noreplace) file beside it as
 * .rpmnew. A changed %config file it would replace and put aside as .rpmsave:
 * that is turned round afterwards, so that both are kept as .rpmnew.
 */
#pragma once
#include "session.h"

struct conffile {
	size_t package; /* index into the plan */
	char *path;
	int64_t rpmnew, rpmsave; /* mtime in ns of those beside it before, 0: none */
};

struct conffiles {
	struct conffile *v;
	size_t n;
};

/* The configuration files of the packages that the plan replaces, as they are now. */
void conffiles_note(const struct session *s, struct conffiles *ret);
/* What became of them; kept ones are added to KEPT (msg_conffile). */
void conffiles_settle(const struct session *s, const struct conffiles *c, struct wire_list *kept);
void conffiles_clear(struct conffiles *c);
