# shellcheck shell=bash disable=SC2154 # set in lib.sh
# The plugin author's guide: its plugin is compiled as it stands there, and the agent patches with it.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$TOP/packaging/docs/plugins.md" >"$T/shelf.c"
[ "$(wc -l <"$T/shelf.c")" -gt 100 ] || fail "no plugin in plugins.md"
make -s -C "$BUILD" libplugin.a libbase.a >"$T/make.log" 2>&1 || diag_file "$T/make.log"
# the libraries may be built with sanitizers
mapfile -t sanitize < <(sed -n 's/^SG_CFLAGS = .*\(-fsanitize=[a-z,]*\).*/\1/p' "$BUILD/Makefile" || true)
# shellcheck disable=SC2046
run gcc -std=gnu17 -O2 -Wall -Wextra -Werror -D_GNU_SOURCE \
	-include "$TOP/agent/banned.h" -I"$TOP/agent" -I"$TOP/plugins/wire" \
	-I"$TOP/plugins/common" -DPACKAGE_VERSION='"1"' $(pkg-config --cflags json-c) "${sanitize[@]}" -o "$T/stopgap-shelf" \
	"$T/shelf.c" "$BUILD/libplugin.a" "$BUILD/libbase.a" -l:libjson-c.a -l:libmd.a
assert_status 0
ok "the guide's plugin compiles without a warning"

mount -t tmpfs tmpfs /srv # only this test's processes see it
mkdir -p /srv/shelf/{installed,offered} "$T/state"
put() { printf '%s\n' "$3" >"/srv/shelf/$1/$2"; }
rm "$B"/plugins/*
cp "$T/stopgap-shelf" "$B/plugins/"
put installed hammer 1.9
put offered hammer 1.10
put installed saw 2.0
put offered saw 2.0
put installed vice 3.0
put offered vice 3.1
put offered drill 1.0

report check
assert_report 100
assert_json_eq "$R" '[.pending[] | [.package, .installed, .candidate]] | sort' '[["hammer","1.9","1.10"],["vice","3.0","3.1"]]'
assert_json_eq "$R" '[.repositories[] | [.uri, .trust, .security]]' '[["file:/srv/shelf/offered","local",true]]'
report once --set updates.deny=vice
assert_report 0
assert_applied hammer
assert_streq "$(cat /srv/shelf/installed/hammer /srv/shelf/installed/vice)" "1.103.0" "versions"
report once
assert_report 0
assert_applied vice
report once
assert_report 0
assert_applied
ok "it plans, the agent's policy holds, it applies exactly that"

rm -r /srv/shelf/offered
report once
assert_error refresh_failed
rm -r /srv/shelf
report once
assert_report 3
assert_json "$R" '.blocked | any(.code == "no_package_manager" and (.detail | contains("no shelf")))'
ok "what is missing is said"

done_testing
