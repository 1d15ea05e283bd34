# shellcheck shell=bash
# rows: C3 C5 C9
# What blocks a container: each has its code and a sentence, and changes nothing.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"

root=$(aptrepo_root)
aptrepo_start tiny-plain tiny-big

# blocked NAME CODE EXIT [ARG…]   once in this container ends so, and nothing is changed
blocked() {
	local name=$1 code=$2 exit=$3
	shift 3
	snapshot "$name" before
	once "$name" "$@"
	assert_status "$exit"
	assert_code "$code"
	assert_applied
	if [ "$exit" = 3 ]; then
		assert_json "$R" '.blocked | any(.code == $c and (.detail | length) > 10)' --arg c "$code"
	fi
	[ -s "$T/err" ] || fail "nothing on standard error"
	assert_unchanged "$name" before
}

ctr_create ro "$root" --read-only
aptrepo_sources ro
blocked ro read_only_root 3
ok "read-only root"

ctr_create user "$root" --user 1000:1000
aptrepo_sources user
blocked user not_root 3
assert_json "$R" '.blocked[0].detail | contains("docker exec -u 0") and contains("run --user")'
ok "not root, with what to do about it for a container that runs and for an image"

for cap in CHOWN DAC_OVERRIDE FOWNER FSETID; do
	ctr_create cap-$cap "$root" --cap-drop=$cap
	aptrepo_sources cap-$cap
	blocked cap-$cap missing_capability 3
	assert_json "$R" '.blocked | any(.detail | contains($c))' --arg c "--cap-add=$cap"
	ok "missing CAP_$cap"
done

ctr_create sandbox "$root" --cap-drop=SETUID --cap-drop=SETGID
aptrepo_sources sandbox
once sandbox
assert_status 0
assert_applied tiny-plain tiny-big
assert_code sandbox_degraded
ok "without CAP_SETUID downloads run with less isolation, and the report says so"

ctr_create lock "$root" --mount "$(helper lock):/dev/.lock:ro"
aptrepo_sources lock
ctr_exec lock /dev/.lock /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock >"$T/lock.log" 2>&1 &
wait_for 5 grep -q locked "$T/lock.log"
blocked lock locked 3 --set updates.lock_timeout=1s
assert_json "$R" '.blocked | any(.detail | test("\\.lock") and test("[0-9]"))'
assert_streq "$(grep -c "waiting for '/var/lib/dpkg/lock-frontend', held by process [0-9]* (" "$T/err")" 1 "notices of the wait"
assert_le "$elapsed_ms" 10000 "time of a run that waits a second, ms"
ok "C9 a held lock names its holder"

ctr_create space "$root" --size 30m
aptrepo_sources space
blocked space no_space 3
assert_clean space
ok "C3 no space"

ctr_create memory "$root" --memory $((24 << 20))
aptrepo_sources memory
blocked memory low_memory 3
ok "C5 low memory"

ctr_create pids "$root" --pids 12
aptrepo_sources pids
blocked pids pids_limit 3
ok "too few processes"

ctr_create nodpkg "$root"
rm -rf "$(ctr_path nodpkg)"/usr/bin/dpkg* "$(ctr_path nodpkg)/var/lib/dpkg"
blocked nodpkg no_package_manager 3
ok "no package manager"

mkdir -p "$T/empty/etc"
ctr_create empty "$T/empty"
blocked empty no_package_manager 3
ok "an empty container"

ctr_create status "$root"
aptrepo_sources status
truncate -s 20001 "$(ctr_path status)/var/lib/dpkg/status"
blocked status database_broken 3
ok "a truncated status database"

ctr_create noegress "$root" --no-network
aptrepo_sources noegress
blocked noegress no_egress 3
ok "no network"

ctr_create refused "$root"
aptrepo_sources refused
sed -i "s#$REPO_URI#http://127.0.0.1:1#" "$(ctr_path refused)/etc/apt/sources.list.d/debian.sources"
blocked refused no_egress 3
ok "an unreachable mirror"

ctr_create nosecurity "$root"
aptrepo_sources nosecurity oneline
sed -i /security/d "$(ctr_path nosecurity)/etc/apt/sources.list"
blocked nosecurity no_security_source 5
rm "$(ctr_path nosecurity)/etc/apt/sources.list"
snapshot nosecurity before
blocked nosecurity no_security_source 5
ok "no security source, no source at all"

ctr_create sources "$root"
aptrepo_sources sources
echo 'deb [' >"$(ctr_path sources)/etc/apt/sources.list.d/broken.list"
snapshot sources before
check sources
assert_status 1 100
case $status in
1) assert_code sources_broken ;;
100) assert_code source_ignored ;;
esac
assert_json "$R" '[.. | strings | select(contains("broken.list"))] | length > 0'
assert_unchanged sources before
ok "a broken sources file is named"

# Configuration.
ctr_create config "$root"
aptrepo_sources config
mkdir -p "$(ctr_path config)/etc/stopgap"
printf '[updates]\npolicy=security\n\n[restart]\nmode=sometimes\n' >"$(ctr_path config)/etc/stopgap/stopgap.conf"
snapshot config before
stopgap config once
assert_status 2
assert_file_has_content "$T/err" 'stopgap.conf:5'
assert_file_has_content "$T/err" 'report.*service.*container'
assert_unchanged config before
ok "a broken configuration names file, line and the accepted values"

stopgap config once --frobnicate
assert_status 2
stopgap config frobnicate
assert_status 2
ok "usage errors"

# One file that is a mount point keeps one package back.
echo mine >"$T/mine"
ctr_create bind "$root" --mount "$T/mine:/usr/bin/tiny-plain"
aptrepo_sources bind
once bind
assert_status 4
assert_kept tiny-plain bind_mounted_file
assert_applied tiny-big
assert_clean bind
assert_streq "$(cat "$T/mine")" mine
ok "a bind-mounted file keeps its package back"

done_testing
