# shellcheck shell=bash
# The patch of a real container, by the real security suite, appended to its image: started fresh, nothing is pending.
# timeout: 900
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/dockerd"
. "$TESTS/testbed/append"

dockerd_start
dockerd_image outdated bookworm official
dk run -d --name web --network host -v "$BUNDLE:/stopgap:ro" outdated sleep infinity >/dev/null
run dk exec web /stopgap/stopgap once --output=json --set trust.accept_expired=yes
cp "$T/out" "$R"
assert_status 0 102
assert_json "$R" '(.applied | length) > 0 and .failed == []'
run "$BUNDLE/stopgap" export web --host "unix://$T/docker.sock" --set "report.state_dir=$T/none" "--to=$T/layer.tar"
assert_status 0
diag "$(cat "$T/err") $(stat -c %s "$T/layer.tar")"
ok "the container's patch is a layer"

append outdated:latest "$T/layer.tar" patched:latest
run dk run --rm --network host -v "$BUNDLE:/stopgap:ro" patched /stopgap/stopgap check --output=json \
	--set trust.accept_expired=yes
cp "$T/out" "$R"
assert_status 0
assert_json_eq "$R" '[.pending, .ephemeral.image_still_vulnerable]' '[[],false]'
run dk run --rm --network none patched dpkg --audit
assert_streq "$(cat "$T/out")" ''
# what apt-get has left in the container and not in the image is of no package
dk exec web sh -c "dpkg-query -W -f '\${Package} \${Version}\n'" >"$T/in"
dk run --rm --network none patched sh -c "dpkg-query -W -f '\${Package} \${Version}\n'" >"$T/fresh"
assert_same_file "$T/fresh" "$T/in"
dk exec web dpkg --verify >"$T/in" || true
dk run --rm --network none patched dpkg --verify >"$T/fresh" || true
assert_same_file "$T/fresh" "$T/in"
ok "appended to the image and started fresh, nothing is pending, and every file is its package's"

run dk run --rm --network host -v "$BUNDLE:/stopgap:ro" outdated /stopgap/stopgap check --output=json \
	--set trust.accept_expired=yes
assert_status 100
ok "and the image that it was made of still has all of it"

done_testing
