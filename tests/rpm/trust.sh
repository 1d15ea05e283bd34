# shellcheck shell=bash
# rows: R3 R4 R5 R9 R10 R12
# Signatures of packages and repositories, freshness, and a container that wants less of them.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/rpmpkg"
. "$TESTS/testbed/rpmrepo"
. "$TESTS/testbed/agent"

rpmrepo_start
rpmrepo_tls
root=$(rpmroot el9)
n=0

# fresh [KEY=VALUE…]   a new container in $c, its root in $r, with foo and bar 1-1 and the repository `updates`
fresh() {
	n=$((n + 1))
	c=c$n
	ctr_create $c "$root"
	r=$(ctr_path $c)
	rpmrepo_install $c "$(rpmpkg foo 1-1)" "$(rpmpkg bar 1-1)"
	mkdir -p "$r/etc/pki/tls"
	cp "$RPM_KEYS"/*.asc "$REPO_CA" "$r/etc/pki/tls/"
	rpmrepo_use $c updates "$@"
}
# offer RPM [OPTION…]   a repository with this foo, and a good bar; both fix something
offer() {
	local rpm=$1
	shift
	rm -rf "$REPO/updates" "$T/advisories/updates.xml"
	rpmrepo_add updates "$rpm" "$(rpmpkg bar 1-2)"
	rpmrepo_advisory updates SA-1 security Critical CVE-2026-1 "$rpm"
	rpmrepo_advisory updates SA-2 security Moderate CVE-2026-2 "$(rpmpkg bar 1-2)"
	rpmrepo_publish updates "$@"
}
# refused CODE… [-- ARG…]   once fails with one of these codes and changes nothing
refused() {
	local any=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		any+=("$1")
		shift
	done
	[ $# = 0 ] || shift
	snapshot $c before
	once $c "$@"
	assert_status 1
	assert_json "$R" "$codes as \$have | \$any | split(\" \") | any(. as \$c | \$have | index(\$c) != null)" --arg any "${any[*]}"
	assert_applied
	assert_unchanged $c before
	assert_rpms $c foo=1-1 bar=1-1
}
# one_refused CODE…   once applies bar and keeps foo, with one of these codes
one_refused() {
	once $c
	assert_status 4
	assert_applied bar
	assert_kept foo "$@"
	assert_rpms $c foo=1-1 bar=1-2
	assert_rpm_clean $c
}

# --------------------------------------------------------------------------------------------- packages

offer "$(rpmpkg foo 1-2)"
fresh
once $c
assert_status 0
assert_applied foo bar
assert_rpms $c foo=1-2 bar=1-2
assert_json "$R" '.repositories | any(.trust == "signed" and (.signed_by | length) >= 16)'
ok "R9 a good key signs both: applied"

for key in none other expired revoked; do
	offer "$(rpmpkg foo 1-2 "key $key")"
	fresh
	one_refused untrusted
	ok "R9 R12 a package signed by the key '$key'"
done

# Each repository's packages by its own key, even when the other key is in the rpm database.
rpmrepo_add second "$(rpmpkg baz 1-2 'key other')"
rpmrepo_publish second --key=other
offer "$(rpmpkg foo 1-2 'key other')"
fresh
rpmrepo_use $c second gpgkey=file:///etc/pki/tls/other.asc
rpm_in $c --import "$RPM_KEYS/other.asc"
one_refused untrusted
ok "R9 a key of another repository, and of the rpm database"

for key in expired revoked; do
	offer "$(rpmpkg foo 1-2 "key $key")"
	fresh "gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-test file:///etc/pki/tls/$key.asc"
	rpm_in $c --import "$RPM_KEYS/$key.asc"
	one_refused untrusted
	assert_json "$R" '[.. | strings | select(contains($k))] | length > 0' --arg k "$key"
	ok "R9 R12 the repository names the key '$key', and it is in the rpm database"
done

# The metadata is made anew, and signed: it vouches for the damaged bytes.
damaged() { # NAME OFFSET-FROM-END
	local copy=$T/damaged/foo-1-2.noarch.rpm size
	mkdir -p "$T/damaged"
	cp "$(rpmpkg foo 1-2 'size 20000')" "$copy"
	size=$(stat -c %s "$copy")
	printf '\125\252' | dd of="$copy" bs=1 seek=$((size - $2)) conv=notrunc status=none
	! cmp -s "$copy" "$(rpmpkg foo 1-2 'size 20000')" || fail "$1: not damaged"
	offer "$copy"
	fresh
}
damaged payload 5000
one_refused untrusted hash_mismatch
ok "R9 an altered payload"
copy=$T/damaged/foo-1-2.noarch.rpm
cp "$(rpmpkg foo 1-2)" "$copy"
sed -i 's/test package/evil package/' "$copy"
size=$(stat -c %s "$(rpmpkg foo 1-2)")
assert_streq "$(stat -c %s "$copy")" "$size"
offer "$copy"
fresh
one_refused untrusted hash_mismatch
ok "R9 an altered header"

offer "$(rpmpkg foo 1-2)"
rpmrepo_fault '*/foo-1-2.noarch.rpm alter'
fresh
one_refused hash_mismatch download_failed untrusted
rpmrepo_fault '*/foo-1-2.noarch.rpm truncate'
fresh
one_refused hash_mismatch download_failed untrusted
rpmrepo_fault
ok "R9 a package altered or cut short on its way"

# ------------------------------------------------------------------------------------------ repositories

for key in other expired revoked; do
	offer "$(rpmpkg foo 1-2)" --key=$key
	fresh
	refused untrusted missing_keyring
	ok "R10 R12 a repository signed by the key '$key'"
done
offer "$(rpmpkg foo 1-2)" --key=none
fresh
refused untrusted
ok "R10 repo_gpgcheck=1 and no signature"
fresh repo_gpgcheck=0
refused untrusted
ok "R10 no signature, and neither TLS nor a metalink"

offer "$(rpmpkg foo 1-2)"
echo '<!-- -->' >>"$REPO/updates/repodata/repomd.xml"
fresh
refused untrusted
fresh repo_gpgcheck=0
refused untrusted
ok "R10 an altered repomd.xml, also with repo_gpgcheck=0"

offer "$(rpmpkg foo 1-2)"
for file in primary updateinfo; do
	rpmrepo_fault "*-$file.xml* alter"
	fresh
	refused hash_mismatch refresh_failed
	rpmrepo_fault "*-$file.xml* truncate"
	fresh
	refused hash_mismatch refresh_failed no_egress
done
rpmrepo_fault
ok "R5 an altered or cut-short primary or updateinfo"

fresh gpgkey=file:///etc/pki/tls/nowhere.asc
refused missing_keyring
assert_json "$R" '[.. | strings | select(contains("nowhere.asc"))] | length > 0'
fresh gpgkey=
once $c
assert_status 0
assert_rpms $c foo=1-2
ok "R12 a missing key file is named; without gpgkey the keys of the database count"

fresh gpgkey="$REPO_URI/key.asc"
cp "$RPM_KEYS/good.asc" "$REPO/key.asc"
refused missing_keyring untrusted
fresh gpgkey="$REPO_TLS/key.asc" sslcacert=/etc/pki/tls/tls-cert.pem
once $c
assert_status 0
ok "R12 a key is fetched by TLS only"

# ------------------------------------------------------------------------- a container that lowers its trust

offer "$(rpmpkg foo 1-2 'key none')"
fresh gpgcheck=0
once $c
assert_status 4
assert_applied bar
assert_kept foo untrusted
assert_code trust_lowered
ok "R9 gpgcheck=0: the unsigned package is refused all the same, with an alarm"
printf '[main]\ngpgcheck=0\nlocalpkg_gpgcheck=0\n' >"$T/dnf.conf"
fresh gpgcheck=
mkdir -p "$r/etc/dnf"
cp "$T/dnf.conf" "$r/etc/dnf/dnf.conf"
once $c
assert_kept foo untrusted
assert_rpms $c foo=1-1
ok "R9 gpgcheck=0 in dnf.conf"

offer "$(rpmpkg foo 1-2)" --key=none
fresh baseurl="$REPO_TLS/updates" repo_gpgcheck=0 sslverify=0
refused refresh_failed untrusted
assert_code trust_lowered
fresh baseurl="$REPO_TLS/updates" repo_gpgcheck=0
refused refresh_failed untrusted
fresh baseurl="$REPO_TLS/updates" repo_gpgcheck=0 sslcacert=/etc/pki/tls/tls-cert.pem
once $c
assert_status 0
assert_json "$R" '.repositories | any(.trust == "tls" and .transport == "https")'
ok "R10 sslverify=0 is refused; a certificate that verifies vouches for the metadata"

offer "$(rpmpkg foo 1-2)" --key=none --metalink
meta=(baseurl= repo_gpgcheck=0 sslcacert=/etc/pki/tls/tls-cert.pem)
fresh "${meta[@]}" metalink="$REPO_TLS/updates.metalink"
once $c
assert_status 0
assert_json "$R" '.repositories | any(.trust == "metalink")'
fresh "${meta[@]}" metalink="$REPO_URI/updates.metalink"
refused untrusted
echo '<!-- -->' >>"$REPO/updates/repodata/repomd.xml"
fresh "${meta[@]}" metalink="$REPO_TLS/updates.metalink"
refused hash_mismatch
ok "R10 a metalink by TLS vouches for the metadata that it names, one without TLS for nothing"

# -------------------------------------------------------------------------------------------- freshness

offer "$(rpmpkg foo 1-2)"
fresh
check $c
assert_status 100
rpmrepo_publish updates '--date=2 days ago'
refused rolled_back
ok "R4 a step back is refused"

rpmrepo_publish updates '--date=20 days ago'
fresh
once $c
assert_status 0
assert_code stale_metadata
assert_applied foo bar
ok "R3 old metadata is an alarm, not a refusal"

rpmrepo_publish updates '--date=2 years'
fresh
refused rolled_back untrusted expired
ok "R4 metadata of the future is refused: it would end all updates"

done_testing
