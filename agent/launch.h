/* launch.h - start a program of the bundle with the bundle's own loader and libraries.
 *
 * Nothing of the container is loaded: the loader and the C library in the
 * bundle have no folder of the system in them (packaging/bundle/hermetic), and
 * every variable that could name one is dropped here. Programs that are not ours
 * are locked in before their main() (plugins/confine). Variables are only ever
 * removed, never added, so nothing leaks into what a plugin starts.
 */
#pragma once
#include "err.h"

#define LAUNCH_ARGS_MAX 1000

/* What main() does when it is called NAME: exec BUNDLE/libexec/NAME with
 * argv[0] and the arguments as they are. Returns only on failure, with the
 * message printed: 126 if the program cannot be run, 127 if it is not there.
 * Never allocates. */
int launch_main(const char *name, int argc, char **argv);
/* The same from a program that knows its bundle. ARGV is NULL-terminated with
 * argv[0]. Changes the environment of the caller. Returns -1, with errnum ENOENT
 * when something is missing. Codes: IO. */
int launch_exec(const char *bundle, const char *name, char *const *argv, struct err *err);
/* Drop what steers a loader, the C library, TLS or GnuPG from ENVIRON, in place. */
void launch_clean_environ(char **environ_);
