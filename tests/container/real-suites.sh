# shellcheck shell=bash
# The real repositories of bullseye, trixie and forky, with the same bundle.
# timeout: 900
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/agent"

lag=(--set trust.accept_expired=yes)

ctr_create bullseye "$(rootfs bullseye services)"
ctr_create other "$(rootfs bullseye services)"
upgraded other | sort >"$T/pending"
# Which of them has the mirror still got?
ctr_exec other apt-get -y --print-uris dist-upgrade | sed -n "s/^'\([^']*\)' .*/\1/p" >"$T/uris"
: >"$T/missing"
while read -r uri; do
	[ "$(curl -sI -o /dev/null -w '%{http_code}' "$uri")" = 200 ] || echo "$uri" >>"$T/missing"
done <"$T/uris"
diag "bullseye: $(wc -l <"$T/pending") pending, $(wc -l <"$T/missing") missing on the mirror"

once bullseye "${lag[@]}"
assert_json_eq "$R" '.distribution.codename' '"bullseye"'
assert_code out_of_support
jq -r '.applied[].package' "$R" | sort >"$T/applied"
assert_le "$(wc -l <"$T/pending")" "$(($(wc -l <"$T/applied") + $(jq '(.kept_back + .failed) | length' "$R")))" "pending"
if [ -s "$T/missing" ]; then
	assert_status 4
	while read -r uri; do
		assert_json "$R" '[(.kept_back + .failed)[] | .. | strings | select(contains($u))] | length > 0' --arg u "$uri"
	done <"$T/missing"
else
	assert_status 0 102 6
	comm -23 "$T/pending" "$T/applied" >"$T/left"
	assert_streq "$(cat "$T/left")" ''
fi
assert_clean bullseye
ok "bullseye: what the mirror has is applied, what it lacks is named; its support is over"

once bullseye "${lag[@]}"
if [ -s "$T/missing" ]; then assert_status 4; else assert_status 6 102; fi
ok "bullseye: out of support once nothing is pending"

ctr_create trixie "$(rootfs trixie official)"
once trixie "${lag[@]}"
assert_status 0 102
assert_json_eq "$R" '.distribution.codename' '"trixie"'
assert_json "$R" '.failed == []'
assert_clean trixie
upgraded trixie >"$T/left"
assert_streq "$(cat "$T/left")" ''
ok "trixie: nothing is left pending"

ctr_create forky "$(rootfs forky minbase)"
# The suite may have been renewed since: ask apt-get.
ctr_exec forky apt-get update >"$T/update" 2>&1 || true
if grep -q 'security.*is expired' "$T/update"; then
	snapshot forky before
	once forky
	assert_status 1
	assert_code expired
	assert_applied
	assert_unchanged forky before
	ok "forky: expired metadata is refused"
else
	once forky
	assert_status 0 102
	ok "forky: its metadata is fresh, and it is up to date"
fi

ctr_create sid "$(rootfs sid minbase)"
once sid
assert_status 5
assert_code no_security_source
ok "sid has no security suite, and is told so"

done_testing
