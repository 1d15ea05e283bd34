# shellcheck shell=bash disable=SC2317,SC2154 # row calls them; set in the testbed
# rows: C7
# An entry that is killed at any step leaves nothing, neither in the container nor on the host.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/host"

steps=(memfd_create execveat pidfd_open fsopen fsconfig fsmount mount_setattr sendfile setgroups keyctl setrlimit setns unshare
	mount openat2 move_mount dup3 close_range capset seccomp clone execve waitid signalfd4 socketpair)

# nothing_left   the container is as before, when what dies has died
same_now() {
	cat "/proc/$pid/mountinfo" >"$T/now"
	cmp -s "$T/now" "$T/mounts" || return 1
	host_processes killed >"$T/now"
	cmp -s "$T/now" "$T/processes"
}

killed() {
	local step
	host_small killed
	cat "/proc/$pid/mountinfo" >"$T/mounts"
	host_processes killed >"$T/processes"
	for step in "${steps[@]}"; do
		rm -f "$(seen killed facts)"
		under=(timeout 60 strace -f -qq -o /dev/null -e "trace=$step" -e "inject=$step:signal=SIGKILL")
		host_reveal --timeout=20s "pid:$pid"
		wait_for 20 same_now || {
			fail "killed at $step: something is left"
			diag_file "$T/now"
		}
	done
	under=()
	cat /proc/self/mountinfo >"$T/now"
	assert_not_file_has_content "$T/now" ' - tmpfs stopgap '
	host_reveal "pid:$pid"
	assert_exists "$(seen killed facts)"
	assert_json_eq "$T/out" '.targets[0].error.code' '"plugin_died"'
}
row "C7 killed at each step of an entry: nothing is left, and the next one works" killed

# Those who wait for it are killed, and it ends too.
orphaned() {
	local who
	host_small orphaned
	host_processes orphaned >"$T/processes"
	cat "/proc/$pid/mountinfo" >"$T/mounts"
	echo hang >"/proc/$pid/root/reveal/then"
	host_reveal_bundle
	start_bg "$T/log" "$T/reveal-bundle/stopgap" exec --set "report.state_dir=$T/host" "pid:$pid" -- check
	who=$!
	wait_for 30 test -s "$(seen orphaned facts)" || fail "nothing was entered"
	kill -KILL "$who"
	wait_for 30 agent_gone || fail "the agent goes on"
}
agent_gone() { ! pgrep -f "^/dev/mqueue/stopgap check" --ns "$pid" --nslist pid >"$T/now"; }
row "C7 killed from above: the agent in the container ends, too" orphaned

done_testing
