# shellcheck shell=bash
# timeout: 200
# The rpm testbed itself: the roots and repositories are what the tests take them for.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/rpmpkg"
. "$TESTS/testbed/rpmrepo"

rpmrepo_start

# start_services CONTAINER
start_services() {
	ctr_exec "$1" sh -c '{ nginx; tinyd & } </dev/null >/dev/null 2>&1'
	wait_for 10 test -S "$(ctr_path "$1")/run/nginx.sock"
	wait_for 10 test -s "$(ctr_path "$1")/run/tinyd.version"
}

# kind, database, rpm inside, distribution
for row in 'el9 var/lib/rpm/rpmdb.sqlite none VERSION_ID="9' 'el8 var/lib/rpm/Packages 4\.16 VERSION_ID="8' \
	'suse usr/lib/sysimage/rpm/Packages.db 4\.20 ID="opensuse-leap"'; do
	read -r kind database own release <<<"$row"
	ctr_create "$kind" "$(rpmroot "$kind")" --no-bundle
	r=$(ctr_path "$kind")
	assert_streq "$(rpm_databases "$r")" "$(readlink -f "$r")/$database"
	if [ "$own" = none ]; then
		assert_not_exists "$r/usr/bin/rpm"
	else
		ctr_exec "$kind" rpm --version >"$T/out"
		assert_file_has_content "$T/out" "RPM version $own"
		# As in its distribution: the same database without any option.
		assert_streq "$(ctr_exec "$kind" rpm -q --qf '%{VERSION}' tinyd)" 1.0
	fi
	assert_file_has_content "$r/etc/os-release" "$release"
	rpm_in "$kind" -qa | grep -cv gpg-pubkey >"$T/count"
	base=("$(rpmroot --pool "$kind")"/base/*.rpm)
	assert_streq "$(cat "$T/count")" "${#base[@]}" "packages in $kind"
	assert_rpms "$kind" libtiny=1.0-1 tinyd=1.0-1
	assert_rpm_clean "$kind"
	rpm_in "$kind" -qR openssl-libs nginx-core tinyd >"$T/out"
	assert_file_has_content "$T/out" '^libc\.so\.6\(GLIBC_2'
	assert_file_has_content "$T/out" '^libcrypto\.so\.[13](\.1)?\(OPENSSL'
	assert_file_has_content "$T/out" '^libtiny = 1\.0-1$'
	ok "$kind: $database, rpm inside: $own"

	start_services "$kind"
	assert_streq "$(curl -s --unix-socket "$r/run/nginx.sock" http://localhost/)" 'nginx here'
	assert_streq "$(tr '\0' ' ' <"$r/run/tinyd.version")" 'tinyd 1.0-1 libtiny 1.0-1'
	ok "$kind: nginx and tinyd run"
done

# The clean-up assertions see what they are for.
ctr_create dirty "$(rpmroot el9)" --no-bundle
rpm_in dirty -i --justdb --force "$(rpmtiny 1.0-2 | sed -n 1p)" 2>"$T/err"
rm "$(ctr_path dirty)/usr/sbin/tinyd"
: >"$(ctr_path dirty)/var/lib/rpm/Packages"
assert_rpm_clean dirty >"$T/out"
assert_streq "$tap_failed $(grep -c FAILED "$T/out")" '1 3'
assert_file_has_content "$T/out" 'twice: libtiny.x86_64'
[ "$(grep -c FAILED "$T/out")" != 3 ] || tap_failed=0
ok "a duplicate, a lost file and a second database are seen"

# Old and new databases are written by the rpm inside, and stay what they are.
for kind in el8 suse; do
	mkdir "$(ctr_path $kind)/rpms"
	rpmtiny 1.0-2 | xargs -d '\n' cp -t "$(ctr_path $kind)/rpms"
	cp "$(rpmroot --pool $kind)"/new/*.rpm "$(ctr_path $kind)/rpms"
	run ctr_exec $kind sh -c 'rpm -U /rpms/*.rpm'
	assert_status 0
	assert_rpms $kind libtiny=1.0-2 tinyd=1.0-2
	assert_rpm_clean $kind
	ok "$kind: its own rpm updates it"
done

# ---------------------------------------------------------------------------------------------- repositories

rpmrepo_updates el9 --metalink --mirrorlist
rpmrepo_use el9 updates
r=$(ctr_path el9)
peer() { "$TESTS/testbed/dnf" "$r" "$@"; }

peer updateinfo list >"$T/out"
awk '{print $1, $2, $3}' "$T/out" | sort >"$T/list"
cat >"$T/want" <<-'E'
EA-TINY enhancement libtiny-1.1-1.x86_64
EA-TINY enhancement tinyd-1.1-1.x86_64
SA-NGINX Moderate/Sec. nginx-core-1:1.20.1-14.el9.1.x86_64
SA-OPENSSL Important/Sec. openssl-libs-1:3.0.1-43.el9.1.x86_64
SA-TINY Critical/Sec. libtiny-1.0-2.x86_64
SA-TINY Critical/Sec. tinyd-1.0-2.x86_64
E
sed -i '/^BA-BASH/d' "$T/list"
assert_same_file "$T/list" "$T/want"
ok "dnf lists the advisories"

peer --plan upgrade-minimal --security >"$T/minimal"
peer --plan upgrade --security >"$T/latest"
assert_streq "$(awk '{print $2 "=" $4}' "$T/minimal" | xargs)" \
	'libtiny=1.0-2 nginx-core=1:1.20.1-14.el9.1 openssl-libs=1:3.0.1-43.el9.1 tinyd=1.0-2'
assert_streq "$(awk '{print $2 "=" $4}' "$T/latest" | xargs)" \
	'libtiny=1.1-1 nginx-core=1:1.20.1-14.el9.1 openssl-libs=1:3.0.1-43.el9.1 tinyd=1.1-1'
assert_streq "$(peer --plan upgrade-minimal --cve=CVE-2026-2001 | xargs)" \
	'upgrade openssl-libs x86_64 1:3.0.1-43.el9.1'
ok "dnf's minimal plan takes the fixing versions, its other one the rebase"

for link in metalink mirrorlist; do
	rpmrepo_use el9 updates baseurl= $link="$REPO_URI/updates.$link"
	peer --plan upgrade-minimal --security >"$T/out"
	assert_same_file "$T/out" "$T/minimal"
done
ok "dnf comes to the same by metalink and mirrorlist"

for pack in xz bz2 zstd; do
	rpmrepo_publish updates --compress=$pack
	ls "$REPO/updates/repodata" >"$T/out"
	assert_file_has_content "$T/out" "primary\.xml\.(xz|bz2|zst)$"
	rpmrepo_use el9 updates
	peer --plan upgrade-minimal --security >"$T/out"
	assert_same_file "$T/out" "$T/minimal"
done
ok "dnf comes to the same with xz, bz2 and zstd"

# gpgv's verdict on a repository's signature
verdict() {
	gpg --dearmor <"$RPM_KEYS/$1.asc" >"$T/ring.gpg"
	gpgv --status-fd 1 --keyring "$T/ring.gpg" "$REPO/updates/repodata/repomd.xml.asc" \
		"$REPO/updates/repodata/repomd.xml" 2>/dev/null | grep -oE 'GOODSIG|BADSIG|EXPKEYSIG|REVKEYSIG|NO_PUBKEY' || true
}
rpmrepo_publish updates --key=good
assert_streq "$(verdict good)" GOODSIG
assert_streq "$(verdict other)" NO_PUBKEY
echo '<!-- -->' >>"$REPO/updates/repodata/repomd.xml"
assert_streq "$(verdict good)" BADSIG
rpmrepo_publish updates --key=expired
assert_streq "$(verdict expired)" EXPKEYSIG
rpmrepo_publish updates --key=revoked
assert_streq "$(verdict revoked)" REVKEYSIG
assert_streq "$(verdict revoked-before)" GOODSIG
rpmrepo_publish updates --key=none
assert_not_exists "$REPO/updates/repodata/repomd.xml.asc"
ok "a repository can be signed by a good, foreign, expired or revoked key, or by none"

# Packages: rpmkeys with a keyring of just that key
checked() {
	rm -rf "$T/db"
	rpmkeys --dbpath "$T/db" --import "$RPM_KEYS/$1.asc"
	rpmkeys --dbpath "$T/db" --define '_pkgverify_level signature' -K "$2" 2>&1 | grep -oE 'OK|NOT OK|NOKEY' | tail -1 || true
}
for key in good other expired revoked none; do
	rpm=$(rpmpkg signed-$key 1-1 "key $key")
	assert_streq "$(rpm -qp --qf '%{RSAHEADER:pgpsig}' "$rpm" 2>/dev/null | grep -c RSA/SHA256)" "$([ $key = none ] && echo 0 || echo 1)"
done
assert_streq "$(checked good "$(rpmpkg signed-good 1-1 'key good')")" OK
assert_streq "$(checked good "$(rpmpkg signed-other 1-1 'key other')")" 'NOT OK'
assert_streq "$(checked good "$(rpmpkg signed-none 1-1 'key none')")" 'NOT OK'
assert_streq "$(checked other "$(rpmpkg signed-other 1-1 'key other')")" OK
ok "packages are signed by the key they name"

# One line makes a package with all of it.
rpm=$(rpmpkg rich 2:1.5-3.el9.i686 'Requires: a >= 2' 'Obsoletes: b < 3' 'Conflicts: c' 'Provides: d = 4' 'Vendor: Other' \
	'ModularityLabel: m:1:2:3' '%post: echo installed' '%posttrans -p <lua>: print("x")' 'file /usr/bin/rich text here' \
	'config /etc/rich.conf a = 1' 'size 5000')
rpm -qp --nosignature --qf '%{EPOCH}:%{VERSION}-%{RELEASE}.%{ARCH} %{VENDOR} %{MODULARITYLABEL}\n' "$rpm" >"$T/out"
rpm -qp --nosignature --requires --obsoletes --conflicts --provides --scripts -l "$rpm" >>"$T/out"
for line in '2:1.5-3.el9.i686 Other m:1:2:3' 'a >= 2' 'b < 3' 'c' 'd = 4' 'echo installed' /usr/bin/rich /etc/rich.conf \
	'posttrans scriptlet \(using <lua>\):'; do
	assert_file_has_content "$T/out" "^$line\$"
done
assert_streq "$(rpm -qpc --nosignature "$rpm")" /etc/rich.conf
assert_le 5000 "$(stat -c %s "$rpm")" "size of an rpm with 5000 bytes that do not compress, at least"
assert_streq "$(rpmpkg rich 1-1) $(rpmpkg rich 1-1)" "$(rpmpkg rich 1-1) $(rpmpkg rich 1-1)"
ok "a line describes a package"

done_testing
