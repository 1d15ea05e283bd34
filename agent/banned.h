/* banned.h - functions that no source here may name; the compiler stops at them.
 *
 * Included in front of every C source by the Makefile. A name is here because
 * it cannot be used safely (no bound, no error, a static buffer, a shell, a
 * guessable file) or because it would load something of the root filesystem
 * into the agent. The headers that declare them come first: they may.
 */
#pragma once
#ifndef __cplusplus
#include <dirent.h>
#include <dlfcn.h>
#include <grp.h>
#include <iconv.h>
#include <locale.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wordexp.h>

/* no bound: snprintf, memcpy, xasprintf, struct buf */
#pragma GCC poison strcpy strcat stpcpy sprintf vsprintf gets strncpy strncat
/* no error: parse_u64, strtol with its end looked at */
#pragma GCC poison atoi atol atoll atof
/* a static buffer, or the time zone of the root: strtok_r, gmtime_r, clock.h */
#pragma GCC poison strtok localtime localtime_r gmtime ctime ctime_r asctime asctime_r
/* a guessable file: mkostemp, O_TMPFILE, memfd_create */
#pragma GCC poison tmpnam tempnam mktemp tmpfile
/* a shell */
#pragma GCC poison system popen wordexp
/* code and catalogues of the root: getpw* and getgr* go through NSS */
#pragma GCC poison setlocale newlocale iconv_open dlopen
#pragma GCC poison getpwnam getpwuid getpwnam_r getpwuid_r getgrnam getgrgid getgrnam_r getgrgid_r initgroups \
	getgrouplist
#endif
