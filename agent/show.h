/* show.h - modes that only look: status, history.
 *
 * `status` asks the agent that runs here; without one it shows the last report
 * of the state folder and says how old it is.
 */
#pragma once
#include "config.h"
#include "options.h"

/* Return the exit status: 0, with nagios the plugin API's, 1 when there is
 * nothing to show. */
int show_status(const struct options *opt, const struct config *config);
int show_history(const struct options *opt, const struct config *config);
