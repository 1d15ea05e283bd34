# shellcheck shell=bash
# Downloads that containers share through the host: fetched once, and verified wherever they are used.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/host"

aptrepo_start tiny-plain tiny-epoch libtiny1 tiny-prog
updates=(tiny-plain tiny-epoch libtiny1 tiny-prog)
root=$(aptrepo_root)
for c in a b c d e f g h; do
	ctr_create $c "$root" --no-bundle
	aptrepo_sources $c
done
pid() { echo "pid:$(ctr_pid "$1")"; }
# asked PATTERN   requests with this in their target since the last call of seen_all that were answered with a file
seen=0
seen_all() { seen=$(aptrepo_log | wc -l); }
asked() { aptrepo_log | tail -n +$((seen + 1)) | awk '$1 == 200 && $4 ~ p { n++ } END { print n + 0 }' p="$1"; }

host_exec "$(pid a)" -- once
assert_status 0
assert_applied "${updates[@]}"
assert_streq "$(asked '\.deb$')" 4
seen_all
host_exec "$(pid b)" -- once
assert_status 0
assert_applied "${updates[@]}"
assert_versions b tiny-plain=1.0-1+deb12u2
assert_streq "$(asked '\.deb$')" 0 "packages that are fetched again"
assert_json_eq "$R" .bytes_fetched 0
assert_streq "$(asked 'InRelease|binary-amd64')" 0 "lists that are fetched again"
assert_clean b
ok "the second container of an image fetches nothing that the first has"

# What has rotted on the host's disk, and what somebody has put there by another name.
for f in "$T/host/cache/"????????????????????????????????????????????????????????????????; do
	printf 'evil' | dd of="$f" conv=notrunc status=none
done
seen_all
host_exec "$(pid c)" -- once
assert_status 0
assert_applied "${updates[@]}"
assert_streq "$(asked '\.deb$')" 4
assert_clean c
ok "a package that is not what its name says is fetched anew"

# Lists that a container which was taken over has left.
for f in "$T/host/cache/lists"/*/apt/lists/*_Packages; do
	sed -i 's/^Version: 1\.0-1+deb12u2/Version: 9.0-1+deb12u2/' "$f"
done
host_exec "$(pid d)" -- check
assert_status 100
assert_pending "${updates[@]}"
assert_not_file_has_content "$R" '9\.0-1'
ok "forged lists of another container are not used"

# Three at once want the same four packages.
rm -r "$T/host/cache"
seen_all
run "$BUNDLE/stopgap" exec --output=json --parallel=3 --set "report.state_dir=$T/host" "$(pid d)" "$(pid e)" "$(pid f)" -- once
assert_status 0
assert_json_eq "$T/out" '[.targets[].applied | length]' '[4,4,4]'
assert_streq "$(asked '\.deb$')" 4 "packages fetched for three at once"
ok "of those that want the same at the same time one fetches, the others wait"

seen_all
host_exec --set host.cache_size=0 "$(pid g)" -- once
assert_status 0
assert_streq "$(asked '\.deb$')" 4
assert_streq "$(ctr_exec g sh -c 'ls -d /var/lib/stopgap 2>/dev/null')" ""
ok "host.cache_size=0: there is no cache"

rm -r "$T/host/cache"
printf 'machine 127.0.0.1 login me password secret\n' >"$(ctr_path h)/etc/apt/auth.conf"
host_exec "$(pid h)" -- once
assert_status 0
assert_applied "${updates[@]}"
assert_streq "$(find "$T/host/cache" -type f ! -name leases | wc -l)" 0 "files that are shared"
ok "what needs a password is not shared, neither packages nor lists"

assert_le "$(find "$T/host/cache" -perm /077 -type f | wc -l)" 0 "files of the cache that others may read"
assert_streq "$(stat -c %a "$T/host/cache")" 700
ok "the cache is the host's alone"
done_testing
