# shellcheck shell=bash disable=SC2154,SC2317 # set in lib.sh; wait_for calls them
# `stopgap run`: at the deadline of before_start the service starts, and what is left over is done afterwards.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

common=(--set "report.state_dir=$T/state" --set "report.socket=$T/run/s.sock")
runs() { jq -r '.mode + " " + .trigger' "$T/state/history.jsonl" 2>/dev/null | paste -sd,; }
begun() { [ "$(runs)" = "$1" ]; }
state() { curl -sS --unix-socket "$T/run/s.sock" http://localhost/v1/status 2>/dev/null | jq -er ".run.state == \"$1\""; }

# start   an agent whose runs fetch for longer than the service waits
start() {
	rm -rf "$T/state" "$T/started" "$T/run"
	start_bg "$T/agent.log" "$B/stopgap" run --before-start=1s "${common[@]}" --set hooks.before=/bin/false -- sh -c 'echo >"$0"; exec sleep 300' "$T/started"
	agent_pid=$!
	wait_for 20 state fetch || { fail "no fetch"; diag_file "$T/agent.log"; }
	run env STOPGAP_REPORT_SOCKET="$T/run/s.sock" timeout 20 "$B/stopgap" status
	assert_file_has_content "$T/out" '^  agent      pid [0-9]+, fetch$'
}
stop() {
	kill "$agent_pid"
	wait "$agent_pid" || true
}

plays <<'X'
on plan
  update openssl 3.0.1 3.0.2
  well
on fetch
  sleep 3000
  well
on term
  stay
X

start
wait_for 20 test -e "$T/started" || fail "the service did not start"
wait_for 30 begun "once start,once start" || { fail "runs: $(runs)"; diag_file "$T/agent.log"; }
assert_streq "$(head -n 1 "$T/state/history.jsonl" | jq -r .error.message)" \
	"stopped at the end of before_start (the next run follows) with 1 updates still pending"
assert_streq "$(head -n 1 "$T/state/history.jsonl" | jq -r .result)" interrupted
run curl -s --unix-socket "$T/run/s.sock" http://localhost/metrics
assert_file_has_content "$T/out" '^stopgap_runs_total\{result="interrupted"\} 1$'
assert_file_has_content "$T/out" '^stopgap_runs_total\{result="failed"\} 0$'
assert_not_file_has_content "$T/out" '^stopgap_last_run_error'
stop
ok "the run that the start has cut short is followed by another"

assert_file_has_content "$T/agent.log" "^stopgap: warning: hook_failed: before: '/bin/false': exit status 1$"
ok "what a run raises as an alarm is in the log"

start
run env STOPGAP_REPORT_SOCKET="$T/run/s.sock" timeout 60 "$B/stopgap" check
assert_exists "$T/started"
assert_status 0
wait_for 30 begun "once start,once socket" || { fail "runs: $(runs)"; diag_file "$T/agent.log"; }
stop
ok "also when somebody asks for a check meanwhile: the rest of the patching answers it"

done_testing
