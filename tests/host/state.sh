# shellcheck shell=bash
# What the host keeps of a container: it is not in the container, and nothing in there steps it back.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/host"

aptrepo_start tiny-plain tiny-epoch
ctr_create a "$(aptrepo_root)" --no-bundle
aptrepo_sources a
a=pid:$(ctr_pid a)

host_exec "$a" -- check
assert_status 100
id=$(jq -r .container.id "$R")
kept=$T/host/containers/$id
for f in last.json history.jsonl metrics.json entry/apt/dates; do assert_exists "$kept/$f"; done
assert_streq "$(find "$kept" -perm /077 -type f | wc -l)" 0 "files that others may read"
assert_streq "$(find "$kept/entry" ! -type f ! -type d | wc -l)" 0
ok "reports and state are on the host"

# The mirror goes back to an older archive, well signed; and the container, or whoever is root there, forgets all it can.
cp "$kept/entry/apt/dates" "$T/dates"
aptrepo_publish bookworm-security --date='3 days ago'
rm -rf "$(ctr_path a)/var/lib/apt/lists" "$(ctr_path a)/var/lib/stopgap"
host_exec "$a" -- once
assert_status 1
assert_code rolled_back
assert_versions a tiny-plain=1.0-1
assert_streq "$(cut -d' ' -f1 "$kept/entry/apt/dates")" "$(cut -d' ' -f1 "$T/dates")"
ok "an older archive is refused by what the host has seen"

aptrepo_publish bookworm-security
host_exec "$a" -- once
assert_status 0
assert_applied tiny-epoch tiny-plain
assert_streq "$(wc -l <"$kept/history.jsonl")" 3
assert_json "$kept/ledger.json" '[.updates[].package] | sort == ["tiny-epoch", "tiny-plain"]'
assert_json_eq "$kept/last.json" '.container.id' "\"$id\""
ok "what was applied is kept under the host's name for the container"

# A run of that container is one at a time.
exec 9>"$kept/lock"
flock -n 9
host_exec "$a" -- check
assert_status 3
assert_code busy
exec 9>&-
host_exec "$a" -- check
assert_status 0
ok "one run of a container at a time"

# The inode of a namespace, or a name, is given again: to whom, nobody knows.
assert_exists "$kept/entry/apt/lists"
echo another >"$kept/instance"
n=$(aptrepo_log | wc -l)
host_exec "$a" -- check
assert_status 0
assert_streq "$(aptrepo_log | tail -n +$((n + 1)) | awk '$1 == 200 && $4 ~ /binary-amd64/' | wc -l)" 1 "lists that are fetched again"
assert_file_has_content "$kept/entry/apt/dates" 'bookworm-security'
ok "lists of another container that had the same name are not given to this one"

# Somebody has put a link where the host will write.
rm -rf "$kept/entry"
mkdir "$T/elsewhere"
ln -s "$T/elsewhere" "$kept/entry"
host_exec "$a" -- check
assert_streq "$(find "$T/elsewhere" -type f | wc -l)" 0 "files behind a link"
ok "a link in the host's folder is not followed"
done_testing
