# shellcheck shell=bash
# The rpm: the bundle as it is, the same bytes each time, installed, upgraded and erased in a root like Rocky Linux 9.
# timeout: 900
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/packages"

made rpm "$T/packages"
package=$(echo "$T"/packages/stopgap-*.rpm)
tarball=$(echo "$T"/packages/stopgap-*.tar.xz)
assert_exists "$package"
(umask 077 && cd / && TZ=Asia/Tokyo "$TOP/packaging/rpm/build" "$T/again" "$tarball" "$("$TOP/packaging/epoch" "$TOP")")
assert_same_file "$T/again/${package##*/}" "$package"
ok "make rpm, and the same bytes again"

query() { rpm --dbpath "$T/nodb" -qp "$@" "$package"; }
query --requires >"$T/got"
assert_not_file_has_content "$T/got" '\.so'
assert_file_has_content "$T/got" '^/bin/sh$'
query --provides >"$T/got"
assert_not_file_has_content "$T/got" '\.so'
query --list | sort >"$T/list"
for f in /usr/bin/stopgap /usr/lib/stopgap/stopgap /etc/stopgap/stopgap.conf /usr/share/man/man8/stopgap.8 \
	/usr/share/bash-completion/completions/stopgap /usr/share/zsh/site-functions/_stopgap /usr/share/doc/stopgap/README.md; do
	grep -qx "$f" "$T/list" || fail "$f is not in the package"
done
assert_streq "$(query --qf '[%{FILEUSERNAME}:%{FILEGROUPNAME}\n]' | sort -u)" root:root
assert_streq "$(query --configfiles)" /etc/stopgap/stopgap.conf
ok "it needs and provides no library, and has all that a package has"

# -------------------------------------------------------------------------------------- install, upgrade and erase

# An older version: another number and a file that is gone since.
mkdir "$T/older"
tar -C "$T/older" -xf "$tarball"
mv "$T"/older/* "$T/older/stopgap-0.0.9-amd64"
echo older >"$T/older/stopgap-0.0.9-amd64/lib/stopgap/share/gone"
XZ_OPT=-0 tar -C "$T/older" -cJf "$T/stopgap-0.0.9-amd64.tar.xz" stopgap-0.0.9-amd64
"$TOP/packaging/rpm/build" "$T/older" "$T/stopgap-0.0.9-amd64.tar.xz" 1700000000
older=$(echo "$T"/older/*.rpm)

ctr_create rpm "$("$TESTS/testbed/rpmroot" el9)" --no-bundle
root=$(ctr_path rpm)
# shellcheck disable=SC2317 # called by run
rpm_in() { rpm --force-debian --root "$root" --dbpath /var/lib/rpm "$@"; }
snapshot() { (cd "$root" && find . -xdev ! -path './var/lib/rpm*' ! -path './proc*' ! -path './dev*' ! -path './sys*' -printf '%p %y %l\n' | sort); }
snapshot >"$T/before"

run rpm_in -i --nosignature "$older"
assert_status 0
assert_streq "$(cat "$T/err")" '' "standard error of the installation"
run ctr_exec rpm stopgap --version
assert_status 0
assert_exists "$root/usr/lib/stopgap/share/gone"
run rpm_in -U --nosignature "$package"
assert_status 0
assert_not_exists "$root/usr/lib/stopgap/share/gone"
run rpm_in -V stopgap
assert_status 0
run ctr_exec rpm sh -c 'cd /usr/lib/stopgap && ./methods/http </dev/null; stopgap config'
assert_file_has_content "$T/out" '^100 Capabilities'
assert_file_has_content "$T/out" '^updates.policy = security'
(cd "$root/usr/lib/stopgap" && sha256sum --quiet --strict -c share/manifest) || fail "the bundle is not as its manifest says"
ok "it installs over an older one, runs, and verifies"

printf '[updates]\nmin_age=1d\n' >"$root/etc/stopgap/stopgap.conf"
mkdir -p "$root/var/cache/stopgap"
run rpm_in -U --force --nosignature "$package"
assert_status 0
run ctr_exec rpm stopgap config
assert_file_has_content "$T/out" '^updates.min_age = 86400s'
assert_exists "$root/var/cache/stopgap"
run rpm_in -e stopgap
assert_status 0
snapshot >"$T/after"
# folders that in a real root are those of the package "filesystem" stay, too
assert_streq "$(comm -13 "$T/before" "$T/after" | grep -v ' d $' | sed 's/ .*//' | tr '\n' ' ')" './etc/stopgap/stopgap.conf.rpmsave '
assert_not_exists "$root/usr/lib/stopgap"
assert_not_exists "$root/usr/share/doc/stopgap"
assert_streq "$(comm -23 "$T/before" "$T/after")" ''
ok "a changed configuration survives an upgrade, and is all that is left when it is erased"

done_testing
