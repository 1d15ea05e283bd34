# shellcheck shell=bash
# rows: R1 R3 R4 R5 R7 R11 R12
# Signatures, freshness, and a container that wants less of them.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"

root=$(aptrepo_root)
aptrepo_start tiny-plain
n=0

# fresh   a new container, in $c and its root in $r
fresh() {
	n=$((n + 1))
	c=c$n
	ctr_create $c "$root"
	aptrepo_sources $c "${1:-deb822}"
	r=$(ctr_path $c)
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
	assert_versions $c tiny-plain=1.0-1
}

fresh
aptrepo_publish bookworm-security --key=other
refused untrusted missing_keyring
fresh trusted
refused untrusted missing_keyring
ok "R12 signed by another key"

fresh
cp "$T/gnupg/other.gpg" "$r/etc/apt/trusted.gpg.d/other.gpg"
refused untrusted missing_keyring
ok "R12 Signed-By is not widened by trusted.gpg.d"

fresh
aptrepo_publish bookworm-security --key=none
refused untrusted
ok "R1 unsigned"

fresh
printf 'APT::Get::AllowUnauthenticated "true";\nAcquire::AllowInsecureRepositories "true";\nAcquire::AllowWeakRepositories "true";\nAcquire::AllowDowngradeToInsecureRepositories "true";\n' >"$r/etc/apt/apt.conf.d/99insecure"
refused untrusted
assert_code trust_lowered
ok "R1 unsigned, AllowInsecureRepositories"

fresh oneline
sed -i 's/signed-by=[^]]*/trusted=yes/' "$r/etc/apt/sources.list"
refused untrusted
assert_code trust_lowered
fresh
sed -i 's/^Signed-By: .*/Trusted: yes/' "$r/etc/apt/sources.list.d/debian.sources"
refused untrusted
assert_code trust_lowered
ok "R1 unsigned, trusted=yes"

aptrepo_publish bookworm-security
fresh
sed -i 's/^Types: deb$/&\nTrusted: yes/' "$r/etc/apt/sources.list.d/debian.sources"
once $c
assert_status 0
assert_code trust_lowered
assert_applied tiny-plain
ok "R1 signed and trusted=yes: applied, with an alarm"

fresh
rm "$r/usr/share/keyrings/tiny-archive.gpg"
refused missing_keyring
assert_json "$R" '[.. | strings | select(contains("tiny-archive.gpg"))] | length > 0'
ok "R12 a missing keyring is named"

fresh
: >"$r/usr/share/keyrings/tiny-archive.gpg"
refused missing_keyring untrusted
ok "R12 an empty keyring"

fresh
gpg --homedir "$T/gnupg" --batch --armor --export good@example.org >"$r/usr/share/keyrings/tiny-archive.asc"
sed -i 's/tiny-archive.gpg/tiny-archive.asc/' "$r/etc/apt/sources.list.d/debian.sources"
check $c
assert_status 100
fresh
{
	printf 'Signed-By:\n'
	gpg --homedir "$T/gnupg" --batch --armor --export good@example.org | sed 's/^$/./; s/^/ /'
} >"$T/inline"
sed -i -e "/^Signed-By/{r $T/inline
d}" "$r/etc/apt/sources.list.d/debian.sources"
check $c
assert_status 100
ok "R12 an armoured keyring, and a key inside the sources file"

fresh
aptrepo_fault '/debian-security/dists/*/Packages* alter' '/debian-security/dists/*/by-hash/* alter'
refused hash_mismatch
aptrepo_fault '/debian-security/dists/*/InRelease alter'
refused untrusted
aptrepo_fault '/debian-security/dists/* truncate'
refused refresh_failed hash_mismatch untrusted no_egress -- --set network.stall=3s
aptrepo_fault
ok "R5 altered and cut-short metadata"

fresh
aptrepo_publish bookworm-security --valid-until=yesterday
refused expired
echo 'Acquire::Check-Valid-Until "false";' >"$r/etc/apt/apt.conf.d/99valid"
refused expired
ok "R3 expired, also with Check-Valid-Until off in the container"

once $c --set trust.accept_expired=yes
assert_status 0
assert_code accepted_expired
assert_applied tiny-plain
ok "R3 accept_expired applies, with an alarm"

fresh
aptrepo_publish bookworm-security
check $c
assert_status 100
aptrepo_publish bookworm-security '--date=2 days ago'
refused rolled_back
ok "R4 a step back is refused"

fresh
aptrepo_publish bookworm-security '--date=20 days ago' --valid-until=
once $c
assert_status 0
assert_code stale_metadata
assert_applied tiny-plain
fresh
aptrepo_publish bookworm-security '--date=12 days ago' --valid-until=
once $c
assert_status 0
assert_no_code stale_metadata
ok "R3 an old suite without Valid-Until is an alarm, not a refusal"

fresh
aptrepo_publish bookworm-security --field='Origin: Mallory' --field='Label: Mallory'
once $c
assert_status 5
assert_applied
assert_versions $c tiny-plain=1.0-1
ok "R11 a suite of another origin is no security source"

other=127.0.0.2:1
aptrepo_publish bookworm-security
fresh oneline
printf 'deb http://%s/debian-security bookworm-security main\n' $other >>"$r/etc/apt/sources.list"
check $c
assert_pending tiny-plain
assert_json "$R" '.repositories | any(.security and .error.code == "no_egress" and (.error.detail | length) > 20)'
assert_json "$R" '.alarms | any(.code == "source_ignored" and (.detail | contains($o)))' --arg o "$other/debian-security bookworm-security"
once $c
assert_status 5
assert_applied tiny-plain
ok "R3 one security repository of two cannot be reached: an alarm, and not ok"

# libapt's http loses every request after a refused one to another port of the same host, as apt-get does for ever.
fresh oneline
printf 'deb http://127.0.0.1:1/debian-security bookworm-security main\n' >>"$r/etc/apt/sources.list"
check $c --set network.stall=3s --set network.timeout=20s
assert_status 1
assert_code refresh_failed
assert_json "$R" '.error.message | contains("network.stall")'
assert_le "$elapsed_ms" 15000 "time of the check, ms"
ok "R7 a transport that goes silent is ended after network.stall"

done_testing
