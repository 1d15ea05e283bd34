# shellcheck shell=bash
# packaging/release refuses what is not ready, and says what to do; when all is well it leaves every file and its checksum.
. "$(dirname "$0")/../lib.sh"

git -C "$TOP" rev-parse HEAD >/dev/null 2>&1 || skip "the sources are not a git checkout"
C=$T/checkout
git clone -q --depth 1 "file://$TOP" "$C"
# the working tree's own, committed or not
cp "$TOP/packaging/release" "$C/packaging/release"
export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@invalid GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@invalid
commit() { git -C "$C" add -A && git -C "$C" commit -qm "$1" --allow-empty; }
version=$(sed -n 's/^AC_INIT(\[stopgap\], \[\([0-9.]*\)\])$/\1/p' "$C/configure.ac")

# refused TEXT   and nothing is left in the folder
refused() {
	run "$C/packaging/release" "$T/made"
	assert_status 1
	assert_file_has_content "$T/err" "^release: $1"
	assert_streq "$(ls -A "$T/made")" '' "files of a release that was refused"
}

set_head() { sed -i "1s/.*/$1/" "$C/NEWS"; }
for page in "$C"/agent/*.[1-8]; do
	sed -i "1s/\"stopgap [0-9.]*\"/\"stopgap $version\"/" "$page"
done
set_head "stopgap 0.0.9 (2026-01-01)"
commit x
refused "NEWS begins with 'stopgap 0.0.9 .*'; give version $version its entry"
set_head "stopgap $version (not released)"
commit x
refused "NEWS says .*; write the day of the release"
set_head "stopgap $version (2026-12-24)"
cp "$C/NEWS" "$T/NEWS"
sed -i '2,$d' "$C/NEWS"
commit x
refused "NEWS says nothing of what is new in $version"
cp "$T/NEWS" "$C/NEWS"
ok "NEWS needs an entry for the version, with its day and something in it"

cp "$C/agent/stopgap.8" "$T/page"
sed -i '1s/"stopgap [0-9.]*"/"stopgap 0.0.9"/' "$C/agent/stopgap.8"
commit x
refused "'agent/stopgap.8' is not of $version; change its .TH line"
cp "$T/page" "$C/agent/stopgap.8"
commit x
echo >>"$C/README.md"
refused 'there are changes that are not committed:  M README.md'
git -C "$C" checkout -q README.md
touch "$C/forgotten"
refused 'there are changes that are not committed: .. forgotten'
rm "$C/forgotten"
git -C "$C" tag "v$version" HEAD~1
refused "the tag v$version is on another commit"
git -C "$C" tag -d "v$version" >/dev/null
mkdir "$T/other"
touch "$T/other/x"
run "$C/packaging/release" "$T/other"
assert_status 1
assert_file_has_content "$T/err" 'is not empty'
ok "so do the manuals; everything is committed, and the tag is not taken"

# In place of the checks and builds: programs that say that they ran, and fail when told to.
play() { # FILE SCRIPT
	mkdir -p "$(dirname "$C/$1")"
	printf '#!/bin/sh\necho "%s $*" >>%s\n%s\n' "$1" "$T/ran" "$2" >"$C/$1"
	chmod 755 "$C/$1"
}
makefile() { # TARGET-THAT-FAILS
	local t
	for t in format-check analyze distcheck packages; do
		printf '%s:\n\t@echo "make %s" >>%s\n' $t $t "$T/ran"
		[ "$t" != "$1" ] || printf '\tfalse\n'
	done >"$C/Makefile"
	printf '\tmkdir packages bundle bundle/share && cd packages && touch stopgap_1.deb stopgap_1.dsc stopgap_1.orig.tar.xz stopgap_1.debian.tar.xz stopgap-1.rpm stopgap-1-amd64.tar.xz stopgap-1-amd64-oci.tar SHA256SUMS && touch ../stopgap-%s.tar.xz ../bundle/share/sbom.spdx.json\n' \
		"$version" >>"$C/Makefile"
	git -C "$C" add -f Makefile
}
play tests/run 'exit 1'
makefile none
commit x
: >"$T/ran"
refused 'a test failed'
assert_streq "$(cat "$T/ran")" 'tests/run ' "what ran"
# shellcheck disable=SC2016 # CI is the script's
play tests/run '[ "$CI" = true ]'
for target in format-check analyze distcheck; do
	makefile $target
	commit x
	refused '(the|an|make) .*'
	assert_streq "$(tail -n 1 "$T/ran")" "make $target" "what ran last"
done
ok "a check that fails ends it: tests, format, analysers, distcheck"

makefile none
# shellcheck disable=SC2016 # arguments of the script
play packaging/cross 'mkdir -p "$2/bundle/share" && touch "$2/stopgap-1-arm64.tar.xz" "$2/stopgap-1-arm64-oci.tar" "$2/bundle/share/sbom.spdx.json"'
# shellcheck disable=SC2016
play packaging/rpm/build 'touch "$1/stopgap-1-1.aarch64.rpm"'
commit x
run "$C/packaging/release" "$T/made"
assert_status 0
(cd "$T/made" && sha256sum --quiet --strict -c SHA256SUMS) || fail "the checksums are wrong"
assert_streq "$(find "$T/made" -type f | wc -l)" "$(($(wc -l <"$T/made/SHA256SUMS") + 1))" "number of files"
for f in stopgap_1.deb stopgap-1.rpm stopgap-1-1.aarch64.rpm stopgap-1-amd64.tar.xz stopgap-1-arm64.tar.xz stopgap-1-amd64-oci.tar \
	stopgap-1-arm64-oci.tar "stopgap-$version.tar.xz" "stopgap-$version-amd64.spdx.json" "stopgap-$version-arm64.spdx.json"; do
	assert_exists "$T/made/$f"
done
assert_file_has_content "$T/made/SHA256SUMS" '  stopgap-1-arm64-oci.tar$'
assert_streq "$(git -C "$C" status --porcelain)" '' "left in the checkout"
ok "else: every form of both architectures, with checksums, and nothing left in the checkout"

done_testing
