# shellcheck shell=bash disable=SC2154 # set in lib.sh
# doctor on the host of containers: can they be entered, and which are there.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"

ctr_create web "$(rootfs bookworm minbase)"
printf '[host]\nrunc = %s\n[report]\nstate_dir = %s\n' "$CTR_DIR/runc" "$T/state" >"$T/host.conf"
doctor() { run "$@" "$BUNDLE/stopgap" doctor --all --config="$T/host.conf" --output=json; }
valid() { "$TESTS/testbed/schema" doctor "$T/out" >"$T/schema" 2>&1 || { fail "not as packaging/schema says"; diag_file "$T/schema"; }; }
found() {
	assert_json "$T/out" '.checks | any(.about == $a and .state == "bad" and .code == "enter_failed" and (.detail | contains($d)) and (.remedy | length) > 8)' \
		--arg a "$1" --arg d "$2"
}

doctor env
assert_status 0
valid
assert_json "$T/out" '.host_mode and .verdict == "ready"'
for about in plugin user capabilities kernel state_folder; do
	assert_json "$T/out" '.checks | any(.about == $a and .state == "ok")' --arg a $about
done
assert_json "$T/out" '.checks | any(.about == "containers" and .state == "ok" and (.detail | startswith("web (runc, pid ")))'
run "$BUNDLE/stopgap" doctor --all --config="$T/host.conf"
assert_file_has_content "$T/out" '^ready: containers can be entered'
ok "a host that can: its containers are listed"

ctr_runc pause web
doctor env
ctr_runc resume web
assert_status 0
assert_json "$T/out" '.checks | any(.about == "containers" and .code == "paused" and (.detail | startswith("web (")))'
ok "a frozen container is named"

chmod 755 "$T"
doctor setpriv --reuid=65534 --regid=65534 --clear-groups
assert_status 1
found user 'uid 65534'
doctor setpriv --bounding-set=-sys_admin,-sys_ptrace
assert_status 1
valid
found capabilities 'without SYS_PTRACE SYS_ADMIN'
for call in pidfd_open openat2 fsopen; do
	doctor strace -qq -o "$T/trace" -e trace=$call -e inject=$call:error=ENOSYS
	assert_status 1
	found kernel "$call: Function not implemented"
done
ok "without root, without capabilities, on an old kernel: exit 1, and what is missing"

done_testing
