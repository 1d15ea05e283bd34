# shellcheck shell=bash disable=SC2154,SC2317 # set in lib.sh; wait_for calls them
# A stop in each state: the run ends soon, begins nothing new, and never says that all is well when it does not know.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

S=$T/run/s.sock
common=(--set "report.state_dir=$T/state" --set "report.socket=$S" --set updates.lock_timeout=0s --set schedule.interval=0)

# begin ARG…   stopgap in the background; its pid is in $agent_pid
begin() {
	"$B/stopgap" "$@" "${common[@]}" >"$R" 2>"$T/err" &
	agent_pid=$!
	agent_start=$(proc_start "$agent_pid")
	at_exit end_process "$agent_pid" "$agent_start"
}
# ends   stop it; its exit status in $status
ends() {
	local t0=$SECONDS
	kill -TERM "${1:-$agent_pid}"
	status=0
	wait "$agent_pid" || status=$?
	assert_le $((SECONDS - t0)) 20 "seconds from SIGTERM to the end"
	assert_not_file_has_content "$T/err" 'AddressSanitizer|runtime error'
}
asked() { grep -qs "\"method\":\"$1\"" "$B/fake.log"; }
one='on plan
  update libssl3 3.0.1 3.0.2
  well'

plays <<<"$one"
begin once --output=json --set "hooks.before=/bin/sh -c 'echo >$T/hook; exec sleep 1000'" --set hooks.timeout=40s
wait_for 10 test -e "$T/hook"
ends
assert_error stopped
assert_json_eq "$R" .alarms '[]'
assert_not_exists "$B/fake.log"
! pgrep -x sleep >/dev/null || fail "the hook is left"
ok "in the hook before: it is ended, and nothing was found out"

for mode in once check; do
	for method in probe support refresh; do
		printf 'on %s\nignore-term\nsleep 700\nwell\n' $method | plays
		begin $mode --output=json
		wait_for 10 asked $method
		ends
		assert_error stopped
		assert_json "$R" '.error.message | contains("before it was known")'
	done
done
printf 'on plan\nignore-term\nsleep 700\nwell\n' | plays
begin check --output=json
wait_for 10 asked plan
ends
assert_report 0
ok "before the plan: it is not known that nothing is pending; with it, it is"

plays <<<"$one"$'\non owner 1\nhang\non term\n{"id":@id,"error":{"code":"internal","message":"no","retryable":false}}\nstay'
begin once --output=json
wait_for 10 asked owner
ends
assert_error stopped
assert_applied
assert_json_eq "$R" '[.pending[].package]' '["libssl3"]'
! asked apply || fail "an update was begun"
ok "between fetch and apply: nothing is begun, also when the plugin fails at that moment"
done_testing
