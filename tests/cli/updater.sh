# shellcheck shell=bash disable=SC2154,SC2317 # set in lib.sh; wait_for calls them
# The agent that stays: what a run leaves behind in it.
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

done_testing
