# shellcheck shell=bash
# The source tarball and the Debian package: complete, clean, the same each time, and gone without a trace when purged.
# timeout: 1200
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/packages"

# ---------------------------------------------------------------------------------------------- source tarball

in_build make dist >"$T/make.log" 2>&1 || diag_file "$T/make.log"
mv "$BUILD"/stopgap-*.tar.xz "$T/"
tarball=$(echo "$T"/stopgap-*.tar.xz)
tree=$T/tree
mkdir "$tree"
tar -C "$tree" --strip-components=1 -xf "$tarball"
(cd "$tree" && find . -type f -printf '%P\n' | sort) >"$T/have"
"$TOP/packaging/files" "$TOP" | sort >"$T/want"
assert_streq "$(comm -13 "$T/have" "$T/want")" '' "not in the tarball"
assert_streq "$(comm -23 "$T/have" "$T/want" | grep -vE '^(build-aux/.*|configure|Makefile.in|aclocal.m4|packaging/source-(files|date))$' || true)" \
	'' "in the tarball and not in git"
while read -r name; do
	[ -L "$TOP/$name" ] || cmp "$TOP/$name" "$tree/$name" || fail "$name differs"
done <"$T/want"
assert_streq "$("$tree/packaging/epoch" "$tree")" "$("$TOP/packaging/epoch" "$TOP")" "time of the tree"
assert_streq "$("$tree/packaging/version" "$tree")" "$("$TOP/packaging/version" "$TOP")" "version of the tree"
"$tree/packaging/files" "$tree" | sort >"$T/have"
assert_same_file "$T/have" "$T/want"
ok "make dist: what git tracks and what autogen.sh makes, and nothing else"

sed -n '/^packages="/,/"$/p' "$TOP/packaging/build-deps" | tr -d '"' | sed 's/packages=//' | tr -s ' \t' '\n' | sed '/^$/d' | sort >"$T/deps"
sed -n '/^Build-Depends:/,/^[A-Z]/p' "$TOP/packaging/deb/control" | sed -n 's/^ \([a-z0-9.+-]*\).*/\1/p' | sort >"$T/depends"
assert_streq "$(comm -13 "$T/deps" "$T/depends" | tr '\n' ' ')" 'debhelper-compat ' "in debian/control alone"
# what build-essential and debhelper bring, and git, which a tarball does not need
assert_streq "$(comm -23 "$T/deps" "$T/depends" | tr '\n' ' ')" 'autoconf automake g++ gcc git libc6-dev make ' "in build-deps alone"
ok "debian/control needs what packaging/build-deps installs"

# ------------------------------------------------------------------------------------------------- the package

compiler_cache
for n in 1 2; do
	mkdir -p "$T/$n/a-place-of-its-own"
	(cd "$T/$n" && umask $((n * 22 - 22)) && TMPDIR=$T/$n/a-place-of-its-own "$TOP/packaging/deb/build" "$T/$n/out" "$tarball") ||
		fail "build $n failed"
	find "$T/$n/a-place-of-its-own" -mindepth 1 >"$T/left"
	assert_same_file "$T/left" /dev/null
done
deb=$(echo "$T"/1/out/stopgap_*.deb)
assert_exists "$deb"
ok "dpkg-buildpackage builds it from the tarball, twice"

(cd "$T/1/out" && sha256sum -- *) >"$T/one"
(cd "$T/2/out" && sha256sum -- *) >"$T/two"
assert_same_file "$T/two" "$T/one"
ok "both builds gave the same bytes: source and binary package"

mkdir "$T/lintian"
run env TMPDIR="$T/lintian" lintian --allow-root --show-overrides --fail-on none --tag-display-limit 0 "$T"/1/out/*.dsc "$deb"
assert_status 0
assert_not_file_has_content "$T/out" '^[EW]:'
while read -r tag; do
	assert_file_has_content "$T/out" "^O: stopgap.*: $tag"
done < <(sed -n 's/^stopgap: \([a-z-]*\).*/\1/p' "$TOP/packaging/deb/stopgap.lintian-overrides" | sort -u)
ok "lintian has no error and no warning, and every override is needed"

dpkg-deb -x "$deb" "$T/x"
(cd "$T/x/usr/lib/stopgap" && sha256sum --quiet --strict -c share/manifest) || fail "the package's bundle is not as its manifest says"
# the list of contents names the commit, and the build tree's bundle may be of an earlier one
grep -v 'share/sbom.spdx.json$' "$T/x/usr/lib/stopgap/share/manifest" >"$T/got"
grep -v 'share/sbom.spdx.json$' "$BUNDLE/share/manifest" >"$T/want"
assert_same_file "$T/got" "$T/want"
assert_streq "$(readlink "$T/x/usr/bin/stopgap")" ../lib/stopgap/stopgap
for f in bash-completion/completions/stopgap fish/vendor_completions.d/stopgap.fish zsh/vendor-completions/_stopgap \
	doc/stopgap/README.md doc/stopgap/changelog.gz doc/stopgap/copyright doc/stopgap/monitoring/alerts.yml; do
	assert_exists "$T/x/usr/share/$f"
done
for unit in "$TOP"/packaging/systemd/stopgap*; do
	assert_same_file "$T/x/lib/systemd/system/${unit##*/}" "$unit"
done
while read -r page; do
	assert_exists "$T/x/usr/share/man/man${page##*.}/${page##*/}.gz"
done < <("$TOP/packaging/files" "$TOP" | grep -E '^agent/[^/]*\.[1-8]$')
dpkg-deb -e "$deb" "$T/control"
assert_file_has_content "$T/control/postinst" 'deb-systemd-invoke try-restart .*stopgap-watch.service'
assert_file_has_content "$T/control/prerm" 'deb-systemd-invoke stop stopgap-watch.service'
for f in "$T"/control/*inst "$T"/control/*rm; do
	assert_not_file_has_content "$f" 'deb-systemd-invoke (start|restart)'
done
assert_not_exists "$T/control/preinst"
ok "its bundle is the build tree's, byte for byte; manuals, units, completion and documents are there"

grep -v '^#' "$T/x/etc/stopgap/stopgap.conf" | grep -v '^$' >"$T/settings"
assert_not_file_has_content "$T/settings" '^[^[]'
"$BUNDLE/stopgap" config --config "$T/x/etc/stopgap/stopgap.conf" >"$T/got"
"$BUNDLE/stopgap" config --config "$TESTS/data/empty.conf" >"$T/want"
assert_same_file "$T/got" "$T/want"
sed -n 's/^#\([a-z_]*=.\)/\1/p; /^\[/p' "$T/x/etc/stopgap/stopgap.conf" >"$T/all.conf"
"$BUNDLE/stopgap" config --config "$T/all.conf" | sed 's/    (.*//' >"$T/got"
sed 's/    (.*//' "$T/want" >"$T/want2"
assert_same_file "$T/got" "$T/want2"
sed -n '/^\[/h; s/^#\([a-z_]*\)=.*/\1/;T;G;s/\(.*\)\n\[\(.*\)\]/\2.\1/p' "$T/x/etc/stopgap/stopgap.conf" | sort >"$T/got"
cut -d' ' -f1 "$T/want" | sort >"$T/want3"
assert_same_file "$T/got" "$T/want3"
ok "the configuration file says nothing, and every setting with its default as a comment"

# ------------------------------------------------------------------------- install, upgrade and purge, in a minimal root

# The same package as an older version would be: another number, another bundle, a file that is gone since.
dpkg-deb -R "$deb" "$T/older"
sed -i 's/^Version: .*/Version: 0.0.9-1/' "$T/older/DEBIAN/control"
echo older >"$T/older/usr/lib/stopgap/share/gone"
sed -i '1s/^/# of an older version\n/' "$T/older/etc/stopgap/stopgap.conf"
(cd "$T/older" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
dpkg-deb --root-owner-group -Znone -b "$T/older" "$T/older.deb" >/dev/null

ctr_create deb "$(rootfs bookworm minbase)" --no-bundle --mount "$T/older.deb:/mnt/older.deb:ro" --mount "$deb:/mnt/stopgap.deb:ro"
in_ctr() { ctr_exec deb "$@"; }
snapshot() { in_ctr find / -xdev ! -path '/var/lib/dpkg/*' ! -path '/var/log/*' ! -path '/var/cache/*' ! -path '/proc*' ! -path '/dev/*' \
	! -path '/sys*' ! -path '/tmp' -printf '%p %y %l\n' | sort; }
snapshot >"$T/before"

run in_ctr dpkg -i /mnt/older.deb
assert_status 0
assert_streq "$(cat "$T/err")" '' "standard error of the installation"
run in_ctr stopgap --version
assert_status 0
run in_ctr stopgap config --output=json
assert_status 0
assert_json "$T/out" '."updates.policy".value == "security"'
run in_ctr stopgap exec --help
assert_status 0
assert_file_has_content "$T/out" '^Usage: stopgap exec '
run in_ctr stopgap doctor --offline --output=json
assert_status 0
assert_json "$T/out" '.verdict == "ready" and any(.checks[]; .about == "plugin" and .state == "ok")'
assert_exists "$(ctr_path deb)/usr/lib/stopgap/share/gone"
assert_streq "$(find "$(ctr_path deb)/etc/systemd" -name 'stopgap*' 2>/dev/null)" '' "units that were enabled"
ok "it installs in a root with nothing but dpkg, doctor and exec work, and it enables nothing"

run in_ctr dpkg -i /mnt/stopgap.deb
assert_status 0
assert_not_exists "$(ctr_path deb)/usr/lib/stopgap/share/gone"
run in_ctr sh -c 'cd /usr/lib/stopgap && sha256sum --quiet --strict -c share/manifest && dpkg --verify stopgap && stopgap --help'
assert_status 0
assert_not_file_has_content "$(ctr_path deb)/etc/stopgap/stopgap.conf" 'of an older version'
in_ctr sh -c 'echo "[updates]" >/etc/stopgap/stopgap.conf; echo min_age=1d >>/etc/stopgap/stopgap.conf'
run in_ctr env DEBIAN_FRONTEND=noninteractive dpkg -i --force-confdef /mnt/stopgap.deb
assert_status 0
run in_ctr stopgap config
assert_file_has_content "$T/out" '^updates.min_age = 86400s .*stopgap.conf:2'
ok "an older one is upgraded; a configuration that was changed stays"

in_ctr sh -c 'mkdir -p /var/lib/stopgap/containers /var/cache/stopgap && touch /var/lib/stopgap/history.jsonl'
run in_ctr dpkg -r stopgap
assert_status 0
assert_exists "$(ctr_path deb)/etc/stopgap/stopgap.conf"
assert_exists "$(ctr_path deb)/var/lib/stopgap/history.jsonl"
assert_not_exists "$(ctr_path deb)/usr/lib/stopgap"
run in_ctr dpkg -P stopgap
assert_status 0
snapshot >"$T/after"
assert_same_file "$T/after" "$T/before"
assert_streq "$(in_ctr dpkg-query -W -f '${Package}\n' | grep -c stopgap || true)" 0
ok "removed it keeps configuration and state; purged it leaves nothing"

done_testing
