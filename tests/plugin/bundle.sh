# shellcheck shell=bash
# The bundle as a folder: complete, relocatable, read-only, and plain words when something is wrong with it.
. "$(dirname "$0")/../lib.sh"

[ -x "$BUNDLE/stopgap" ] || {
	fail "no bundle in $BUNDLE: run 'make bundle'"
	ok "the bundle is there"
	done_testing
}

# answers PATH-OF-A-METHOD   a method says what it can as soon as it runs
answers() {
	run "$1"
	assert_file_has_content "$T/out" '^100 Capabilities'
}

run sh -c "cd '$BUNDLE' && sha256sum --quiet --strict -c share/manifest"
assert_status 0
(cd "$BUNDLE" && find . -type f ! -path ./share/manifest -printf '%P\n' | sort) >"$T/files"
sed 's/^[0-9a-f]*  //' "$BUNDLE/share/manifest" | LC_ALL=C sort -c || fail "the manifest is not sorted"
sed 's/^[0-9a-f]*  //' "$BUNDLE/share/manifest" | sort >"$T/listed"
assert_same_file "$T/listed" "$T/files"
ok "the manifest has every file, and each is as it says"

while read -r link; do
	[[ $(realpath -e "$link" || true) == "$(realpath "$BUNDLE")"/* ]] || fail "$link leads to '$(readlink "$link")'"
done < <(find "$BUNDLE" -type l)
assert_streq "$(find "$BUNDLE" ! -type l ! -perm 755 ! -perm 644)" '' "other modes"
assert_streq "$(find "$BUNDLE" ! -type l -printf '%T@\n' | sort -u | wc -l)" 1 "number of times"
assert_streq "$(find "$BUNDLE/plugins" "$BUNDLE/methods" "$BUNDLE/guard" -type l -printf '%l\n' | sort -u)" ../stopgap
ok "no link leads out; modes and times are plain"

for name in "$BUNDLE"/plugins/* "$BUNDLE"/methods/*; do
	assert_exists "$BUNDLE/libexec/${name##*/}"
done
for name in copy file gpgv http https mirror mirror+copy mirror+file mirror+http mirror+https rred store; do
	answers "$BUNDLE/methods/$name"
done
ok "every link has its program, and every method runs"

grep -o 'X("[^"]*")' "$TOP/agent/guard.h" | cut -d'"' -f2 | sort >"$T/want"
find "$BUNDLE/guard" -mindepth 1 -printf '%f\n' | sort >"$T/got"
assert_same_file "$T/got" "$T/want"
ok "guards are those of agent/guard.h"

# Nothing in it is linked to what it does not have.
while read -r file; do
	readelf -d "$file" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | while read -r lib; do
		[ -e "$BUNDLE/lib/$lib" ] || echo "${file#"$BUNDLE/"} needs $lib"
	done
done < <(find "$BUNDLE/libexec" "$BUNDLE/lib" -type f) >"$T/missing"
assert_same_file "$T/missing" /dev/null
ok "all needed libraries are in it"

while read -r package _; do
	package=${package%%:*}
	assert_exists "$BUNDLE/share/licences/$package"
done <"$BUNDLE/share/packages"
assert_exists "$BUNDLE/share/licences/stopgap"
for name in common/GPL-2 common/LGPL-2.1 common/Apache-2.0; do
	assert_exists "$BUNDLE/share/licences/$name"
done
assert_file_has_content "$BUNDLE/share/packages" '^libapt-pkg6.0:[a-z0-9]+ [^ ]+ apt [^ ]+$'
assert_file_has_content "$BUNDLE/share/ca-certificates.crt" 'BEGIN CERTIFICATE'
assert_file_has_content "$BUNDLE/share/distro-info/debian.csv" bookworm
assert_file_has_content "$BUNDLE/share/debian-security-support/security-support-limited" '^[a-z]'
ok "data, versions and licences"

# -------------------------------------------------------------------------------------------------- anywhere

mkdir -p "$T/a b/ü"
cp -a "$BUNDLE" "$T/a b/ü/copy"
answers "$T/a b/ü/copy/methods/http"
(cd "$T/a b" && "ü/copy/methods/http" </dev/null) >"$T/out" 2>&1 || true
assert_file_has_content "$T/out" '^100 Capabilities'
mkdir "$T/bin"
ln -s "$T/a b/ü/copy/methods/copy" "$T/bin/copy"
answers "$T/bin/copy"
(PATH=$T/bin:$PATH && copy </dev/null) >"$T/out" 2>&1 || true
assert_file_has_content "$T/out" '^100 Capabilities'
ok "it runs from any path, a relative one, through a link, through PATH"

b=$T/a\ b/ü/copy
(unshare -m bash -c 'mount -t tmpfs none /proc && exec "$1/methods/http"' - "$b" </dev/null) >"$T/out" 2>&1 || true
assert_file_has_content "$T/out" '^100 Capabilities'
ok "it runs without /proc"

# A procfs that was changed: another program's files in place of this one's.
cp -a "$BUNDLE" "$T/trap"
printf '#!/bin/sh\necho trapped\n' >"$T/trap/lib/trap"
chmod 755 "$T/trap/lib/trap"
for l in "$T"/trap/lib/ld-linux*; do
	cp "$T/trap/lib/trap" "$l"
done
mkdir -p "$T/fake/self"
ln -s "$T/trap/stopgap" "$T/fake/self/exe"
(unshare -m bash -c 'mount --bind "$1" /proc && exec "$2/methods/http"' - "$T/fake" "$b" </dev/null) >"$T/out" 2>&1 || true
assert_file_has_content "$T/out" '^100 Capabilities'
assert_not_file_has_content "$T/out" trapped
ok "a /proc that is none is not believed"

start_bg "$T/log" sleep 1000
unshare -m bash -c 'mount --bind "/proc/$1" /proc/$$ && exec "$2/methods/http"' - $! "$b" </dev/null >"$T/out" 2>&1 || true
assert_file_has_content "$T/out" '^100 Capabilities'
ok "nor is a process that was mounted over this one"

# ------------------------------------------------------------------------------------------------ what is wrong

# refused COMMAND EXIT TEXT
refused() {
	run "$1"
	assert_status "$2"
	assert_file_has_content "$T/err" "$3"
	assert_streq "$(wc -l <"$T/err")" 1 "lines of message"
}

ln -s stopgap "$b/nonesuch"
refused "$b/nonesuch" 127 "^stopgap: 'libexec/nonesuch' is missing from the bundle '$b'; install or mount the whole bundle$"
mv "$b/lib/libstopgap-confine.so" "$T/confine"
refused "$b/methods/http" 127 "^stopgap: 'lib/libstopgap-confine.so' is missing from the bundle"
mv "$T/confine" "$b/lib/libstopgap-confine.so"
loader=$(echo "$b"/lib/ld-linux*)
chmod 644 "$loader"
refused "$b/methods/http" 126 "^stopgap: start '.*/libexec/http' with .*: Permission denied$"
rm "$loader"
refused "$b/methods/http" 127 "^stopgap: 'lib/ld-linux[^']*' is missing from the bundle"
cp "$BUNDLE/stopgap" "$T/http"
refused "$T/http" 127 "'libexec/http' is missing from the bundle '$T'"
mv "$b" "$T/a:b"
refused "$T/a:b/methods/http" 126 "cannot be used under a path with ':', ';' or '\\$'; move it"
ok "what is missing or wrong is named, in one line"

done_testing
