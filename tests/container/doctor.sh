# shellcheck shell=bash
# doctor in real containers: a stock one, and each way in which one cannot be patched; nothing of them is changed.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"

root=$(aptrepo_root)
aptrepo_start tiny-plain

# doctor NAME EXIT [ARG…]   as the JSON says, and the container as it was
doctor() {
	local name=$1 want=$2
	shift 2
	snapshot "$name" before
	stopgap "$name" doctor --output=json "$@"
	assert_status "$want"
	cp "$T/out" "$R"
	"$TESTS/testbed/schema" doctor "$R" >"$T/schema" 2>&1 || { fail "not as packaging/schema says"; diag_file "$T/schema"; }
	assert_unchanged "$name" before
}
found() {
	assert_json "$R" '.checks | any(.about == $a and .state == $s and .code == $c and (.remedy | length) > 8)' \
		--arg a "$1" --arg s "$2" --arg c "$3"
}

ctr_create plain "$root"
aptrepo_sources plain
doctor plain 0
assert_json "$R" '.verdict == "ready" and (.distribution | startswith("Debian"))'
assert_json "$R" '.checks | any(.about == "repositories" and .state == "ok" and (.detail | test("signed by [0-9A-F]{16,}")))'
assert_json "$R" '.checks | any(.about == "updates" and (.detail | startswith("1 security update")))'
doctor plain 0 --offline
assert_json "$R" '.checks | all(.about != "updates")'
ok "a stock container is ready, one update is pending, and nothing was changed"

ctr_create ro "$root" --read-only
aptrepo_sources ro
doctor ro 3
found root_file_system bad read_only_root
ok "read-only root"

ctr_create user "$root" --user 1000:1000
aptrepo_sources user
doctor user 3
found user bad not_root
ok "not root"

ctr_create caps "$root" --cap-drop=CHOWN
aptrepo_sources caps
doctor caps 3
found capabilities bad missing_capability
assert_json "$R" '.checks | any(.code == "missing_capability" and (.detail | contains("--cap-add=CHOWN")))'
ok "without CAP_CHOWN"

ctr_create lock "$root" --mount "$(helper lock):/dev/.lock:ro"
aptrepo_sources lock
ctr_exec lock /dev/.lock /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock >"$T/lock.log" 2>&1 &
wait_for 30 grep -q locked "$T/lock.log"
doctor lock 3
found locks bad locked
assert_json "$R" '.checks | any(.about == "locks" and (.detail | test("lock-frontend. is held by process [0-9]+ \\(\\.lock\\)")))'
ok "a lock is seen, with its holder, and not waited for"

ctr_create gone "$root"
ctr_exec gone sh -c 'rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*; echo "deb http://127.0.0.1:9 bookworm-security main" >/etc/apt/sources.list' || true
doctor gone 3 --set network.timeout=20s
found repositories bad no_egress
ctr_exec gone sh -c ': >/etc/apt/sources.list'
doctor gone 5
found repositories bad no_security_source
ok "no network is 3, no security repository 5"

done_testing
