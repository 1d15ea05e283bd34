# shellcheck shell=bash
# The checks of the build find what they look for; a clean checkout builds the same bytes twice, and installs.
# timeout: 900
. "$(dirname "$0")/../lib.sh"

checks=$TOP/packaging/checks

# program NAME FLAG… <SOURCE
program() {
	"${CC:-cc}" -O2 -o "$T/$1" -x c - -x none "${@:2}" 2>/dev/null
}
found() { # TEXT CHECK ARG…
	run "${@:2}"
	assert_status 1
	assert_file_has_content "$T/err" "$1"
}

program dynamic <<<'int main(void) { return 0; }'
program static -static-pie -Wl,-z,now <<<'int main(void) { return 0; }'
program fixed -static -Wl,-z,now <<<'int main(void) { return 0; }'
found 'has a program interpreter' "$checks/static-agent" "$T/dynamic"
found 'is not position-independent' "$checks/static-agent" "$T/fixed"
run "$checks/static-agent" "$T/static"
assert_status 0
ok "a dynamic agent is found, and one at a fixed address"

program names -static-pie -Wl,-z,now <<<$'#include <pwd.h>\nint main(void) { return !getpwnam("x"); }'
program quoted -static-pie -Wl,-z,now <<<$'#include <stdio.h>\nint main(void) { return puts("/etc/nsswitch.conf") < 0; }'
found 'has the symbol .*nss' "$checks/no-nss" "$T/names"
found "has the string '/etc/nsswitch.conf'" "$checks/no-nss" "$T/quoted"
run "$checks/no-nss" "$T/static"
assert_status 0
strip "$T/static"
found 'no symbols to look at' "$checks/no-nss" "$T/static"
ok "name services are found, by symbol and by string"

for call in 'setlocale(0, "")' 'iconv_open("", "")' 'dlopen("x", 1)' 'fputwc(120, stdout)' 'wprintf(L"x")' 'system("x")' \
	'popen("x", "r")' 'getpwnam("x")' 'getgrgid_r(0, 0, 0, 0, 0)' 'initgroups("x", 0)' 'getaddrinfo(0, 0, 0, 0)' \
	'gethostbyname("x")' 'getservbyname("x", "y")' 'sprintf(argv[0], "%d", argc)' 'strcpy(argv[0], argv[1])' 'localtime(0)'; do
	cat >"$T/call.c" <<-EOC
		#include <dlfcn.h>
		#include <grp.h>
		#include <iconv.h>
		#include <locale.h>
		#include <netdb.h>
		#include <pwd.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <time.h>
		#include <wchar.h>
		int main(int argc, char **argv) { (void)argc; (void)argv; (void)!$call; return 0; }
	EOC
	for fortify in 0 2; do
		"${CC:-cc}" -w -D_GNU_SOURCE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$fortify -O1 -fno-builtin -c -o "$T/call.o" "$T/call.c"
		found "calls: $T/call.o calls .*${call%%(*}" "$checks/calls" "$T/call.o"
	done
done
ok "calls that load code or catalogues are found, through macros too"

for name in strcpy sprintf strtok atoi localtime tmpnam mktemp system popen setlocale getpwnam; do
	printf '#include <stdio.h>\nvoid *f(void);\nvoid *f(void) { return (void *)%s; }\n' $name >"$T/banned.c"
	found "poisoned .$name" "${CC:-cc}" -std=gnu17 -D_GNU_SOURCE -include "$TOP/agent/banned.h" -c -o /dev/null "$T/banned.c"
done
ok "the compiler stops at banned names"

mkdir -p "$T/sources/agent" "$T/sources/plugins"
echo 'f = fopen("x", "r,ccs=UTF-8");' >"$T/sources/agent/x.c"
found "agent/x.c:1:.*ccs=" "$checks/sources" "$T/sources"
ok "a stream with a character set is found"

# --------------------------------------------------------------------------------------------- whole builds

git -C "$TOP" rev-parse HEAD >/dev/null 2>&1 || skip "the sources are not a git checkout"

run "$checks/untracked" "$TOP"
assert_status 0
diag_file "$T/err" 5
ok "a build leaves nothing untracked"

run "$checks/reproducible" "$TOP"
assert_status 0
[ "$status" = 0 ] || diag_file "$T/err"
ok "two builds of one commit are the same bytes"

# ------------------------------------------------------------------------------------------------- install

run make -C "$BUILD" install DESTDIR="$T/dest" prefix=/opt/x
assert_status 0
assert_streq "$(readlink "$T/dest/opt/x/bin/stopgap")" ../lib/stopgap/stopgap
run "$T/dest/opt/x/bin/stopgap" --version
assert_status 0
run "$T/dest/opt/x/lib/stopgap/methods/http"
assert_file_has_content "$T/out" '^100 Capabilities'
run sh -c "cd '$T/dest/opt/x/lib/stopgap' && sha256sum --quiet -c share/manifest"
assert_status 0
run make -C "$BUILD" install DESTDIR="$T/dest" prefix=/opt/x
assert_status 0
ok "make install, and over an older one"

run make -C "$BUILD" uninstall DESTDIR="$T/dest" prefix=/opt/x
assert_status 0
assert_streq "$(find "$T/dest" ! -type d)" '' "left by make uninstall"
assert_not_exists "$T/dest/opt/x/lib/stopgap"
ok "make uninstall"

done_testing
