# shellcheck shell=bash
# Rpm packages that containers share through the host: fetched once, and verified by signature wherever they are used.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/rpmpkg"
. "$TESTS/testbed/rpmrepo"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/host"

rpmrepo_start
rpmrepo_updates el9
root=$(rpmroot el9)
for c in a b c d; do
	ctr_create $c "$root" --no-bundle
	rpmrepo_use $c updates
done
pid() { echo "pid:$(ctr_pid "$1")"; }
seen=0
# fetched   rpms that were fetched since the last call
fetched() {
	rpmrepo_log | tail -n +$((seen + 1)) | awk '$1 == 200 && $4 ~ /\.rpm$/ { n++ } END { print n + 0 }'
	seen=$(rpmrepo_log | wc -l)
}

host_exec "$(pid a)" -- once
assert_status 0
n=$(jq '.applied | length' "$R")
assert_le 4 "$n"
assert_streq "$(fetched)" "$n"
seen=$(rpmrepo_log | wc -l)
host_exec "$(pid b)" -- once
assert_status 0
assert_json_eq "$R" '.applied | length' "$n"
assert_rpm_clean b
assert_streq "$(fetched)" 0
seen=$(rpmrepo_log | wc -l)
ok "the second container of an image fetches no package that the first has"

for f in "$T/host/cache/"????????????????????????????????????????????????????????????????; do
	printf 'evil' | dd of="$f" conv=notrunc status=none
done
host_exec "$(pid c)" -- once
assert_status 0
assert_json_eq "$R" '.applied | length' "$n"
assert_streq "$(fetched)" "$n"
seen=$(rpmrepo_log | wc -l)
ok "a package that is not what its name says is fetched anew"

rpmrepo_use d updates username=me password=secret
rm -r "$T/host/cache"
host_exec "$(pid d)" -- once
assert_status 0
assert_json_eq "$R" '.applied | length' "$n"
assert_streq "$(find "$T/host/cache" -maxdepth 1 -type f -name '????????????????????????????????????????????????????????????????' | wc -l)" 0
ok "what needs a password is not shared"
done_testing
