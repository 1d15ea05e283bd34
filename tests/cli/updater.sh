# shellcheck shell=bash disable=SC2154,SC2317 # set in lib.sh; wait_for calls them
# The agent that stays: runs one after the other, who waits for which, and what a run leaves behind in it.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

S=$T/run/s.sock
export STOPGAP_REPORT_SOCKET=$S STOPGAP_REPORT_STATE_DIR=$T/state STOPGAP_SCHEDULE_INTERVAL=0 STOPGAP_UPDATES_LOCK_TIMEOUT=0s
one='on plan
  update libssl3 3.0.1 3.0.2
  well'

# serve [ARG…]   an agent
serve() {
	start_bg "$T/daemon.log" "$B/stopgap" daemon "$@"
	daemon=$!
	wait_for 10 test -S "$S"
}
# ask NAME MODE   hand a run over in the background; its report is $T/NAME.json
ask() {
	"$B/stopgap" "$2" --output=json >"$T/$1.json" 2>"$T/$1.err" &
	waiting+=($!)
}
state() { curl -sf --unix-socket "$S" http://localhost/v1/status | jq -e "$1" >"$T/status"; }
over() {
	kill -TERM "$daemon"
	status=0
	wait "$daemon" || status=$?
	assert_status 0
	assert_not_file_has_content "$T/daemon.log" 'AddressSanitizer|runtime error'
}

plays <<<"$one"
serve --set hooks.after=/bin/true
for _ in 1 2 3; do
	run "$B/stopgap" once --output=json
	assert_report 0
done
over
ok "runs with a hook after them: nothing touches what is gone"

plays <<<"$one"$'\non refresh 1\nsleep 5000\nwell'
serve
waiting=()
ask first check
wait_for 10 state '.run.state == "refresh"'
ask check check
wait_for 10 state '.run.queued'
ask scan scan
ask again check
for pid in "${waiting[@]}"; do wait "$pid" || true; done
over
for name in first check scan again; do
	assert_json_eq "$T/$name.json" .mode "\"${name/#[fa]*/check}\""
done
assert_json "$T/scan.json" '.processes.scanned > 0'
assert_json_eq "$T/again.json" .run "$(jq .run "$T/check.json")"
ok "a check does not answer who asked for a scan: both are done"

for less in check scan; do
	plays <<<"$one"$'\non refresh 1\nsleep 2000\nwell'
	serve
	waiting=()
	ask first check
	wait_for 10 state '.run.state == "refresh"'
	ask less $less
	wait_for 10 state '.run.queued'
	ask once once
	for pid in "${waiting[@]}"; do wait "$pid" || true; done
	over
	assert_json_eq "$T/less.json" .mode '"once"'
	assert_json_eq "$T/less.json" .run "$(jq .run "$T/once.json")"
done
ok "a whole run answers both"

# ---------------------------------------------------------------------------------- beside PID 1, a service to restart

# This mount is in the test's own mount namespace (# own processes); what is in /tmp is nobody's package.
mount -t tmpfs none /opt
cp "$(command -v sleep)" /opt/service
replace() {
	cp /opt/service /opt/new
	mv /opt/new /opt/service
}
gone() { [ ! -e "/proc/$1" ]; }
export STOPGAP_RESTART_MODE=service STOPGAP_HEALTH_COMMAND='/bin/sleep 1000' STOPGAP_HEALTH_TIMEOUT=40s

# wrap   $init is PID 1, $updater beside it
wrap() {
	start_bg "$T/daemon.log" "$B/stopgap" run -s --before-start=never -- /opt/service 300
	init=$!
	wait_for 10 state '.agent.child.running'
	updater=$(curl -sf --unix-socket "$S" http://localhost/v1/status | jq .agent.pid)
}

plays </dev/null
wrap
replace
waiting=()
ask once once
wait_for 20 state '.run.state == "health"'
kill -TERM "$updater"
wait_for 10 gone "$updater" || fail "the updater waits for the health of the service"
wait "${waiting[@]}" || true
assert_json "$T/state/last.json" '.restarts | length == 1 and .[0].code == "ok" and .[0].health == "unknown"'
ok "a stop ends the question for the service's health"

# again   PID 1 anew; what was restarted already is not again
again() {
	kill -TERM "$init"
	wait_for 20 gone "$init"
	rm -rf "$T/state" "$S"
	wrap
}
STOPGAP_HEALTH_COMMAND=/bin/false STOPGAP_HEALTH_TIMEOUT=1s again
replace
run "$B/stopgap" once
assert_status 1
assert_file_has_content "$T/out" 'failed: 0 updates applied, and service is not well after its restart'
assert_file_has_content "$T/out" '\[unhealthy\]'
assert_json "$T/state/last.json" '.result == "failed" and .exit_code == 1 and .restarts[0].health == "unhealthy" and (.alarms | any(.code == "unhealthy"))'
ok "a service that is not well after its restart is no success"

again
child=$(curl -sf --unix-socket "$S" http://localhost/v1/status | jq .agent.child.pid)
child_start=$(proc_start "$child")
replace
kill -STOP "$init"
waiting=()
ask once once
wait_for 20 state '.run.state == "restart"'
kill -KILL "$init"
wait_for 10 gone "$updater" || { fail "the updater is left"; end_process "$updater" "$(proc_start "$updater")"; }
wait "${waiting[@]}" || true
assert_json "$T/state/last.json" '.restarts | length == 1 and .[0].code == "restart_failed"'
end_process "$child" "$child_start"
ok "when PID 1 dies in the middle of a restart, the run ends and says so"
done_testing
