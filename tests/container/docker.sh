# shellcheck shell=bash
# A container of Docker Engine, against the real security suite.
# timeout: 900
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/agent"

. "$TESTS/testbed/dockerd"

dockerd_start
dockerd_image outdated bookworm official
run dk run --name web --network host -v "$BUNDLE:/stopgap:ro" outdated /stopgap/stopgap once --output=json \
	--set trust.accept_expired=yes
cp "$T/out" "$R"
assert_status 0 102
assert_json "$R" '.schema == 1 and (.applied | length) > 0 and .failed == []'
ok "docker run with the bundle mounted applies the updates"

dk commit web patched >/dev/null
run dk run --rm --network host patched sh -c 'apt-get update >/dev/null && apt-get -s dist-upgrade | grep -c "^Inst.*Security"'
assert_streq "$(cat "$T/out")" 0
run dk run --rm --network none patched dpkg --audit
assert_streq "$(cat "$T/out")" ''
ok "apt-get sees nothing left to do in what was committed"

run dk run --rm --network host -v "$BUNDLE:/stopgap:ro" --read-only outdated /stopgap/stopgap once --output=json
cp "$T/out" "$R"
assert_status 3
assert_code read_only_root
run dk run --rm --network host -v "$BUNDLE:/stopgap:ro" --user 1000 outdated /stopgap/stopgap once --output=json
cp "$T/out" "$R"
assert_status 3
assert_code not_root
run dk run --rm --network none -v "$BUNDLE:/stopgap:ro" outdated /stopgap/stopgap check --output=json
cp "$T/out" "$R"
assert_status 3
assert_code no_egress
ok "--read-only, --user and --network none are named as what blocks"

done_testing
