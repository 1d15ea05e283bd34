# shellcheck shell=bash disable=SC2154 # set in lib.sh
# `stopgap status` in all its forms, with an agent and without one.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

S=$T/run/s.sock
common=(--set "report.state_dir=$T/state" --set "report.socket=$S" --set schedule.interval=1d --set schedule.jitter=0s)

status() { run timeout 20 "$B/stopgap" status "${common[@]}" "$@"; }

# nagios STATE TEXT-ERE [ARG…]   one line by the guidelines of the Monitoring Plugins: state, text, "|", performance data
nagios() {
	local words=(OK WARNING CRITICAL UNKNOWN) want=$1 ere=$2 label="[^' =|]+" number='-?[0-9]+' range='(@?(~|-?[0-9]+)?:?(-?[0-9]+)?)?'
	shift 2
	status --output=nagios "$@"
	assert_status "$want"
	assert_streq "$(wc -l <"$T/out")" 1 "lines"
	assert_file_has_content "$T/out" "^STOPGAP ${words[want]} - $ere"
	grep -q '|' "$T/out" || return 0
	assert_file_has_content "$T/out" "^[^|]+\\|$label=$number(s|B|%|c)?(;$range){0,4}( $label=$number(s|B|%|c)?(;$range){0,4})*\$"
}

# metric NAME   the values of its samples, in the last exposition
metric() { sed -n "s/^$1\(\({[^}]*}\)\{0,1\}\) //p" "$T/out" | paste -sd' '; }

metrics() {
	status --output=openmetrics
	assert_status 0
	"$TESTS/testbed/openmetrics" --openmetrics <"$T/out" >"$T/samples" 2>"$T/err" || { fail "not OpenMetrics"; diag_file "$T/err"; }
}

# ------------------------------------------------------------------------------------------------ without an agent

for form in text json openmetrics; do
	status --output=$form
	assert_status 1
	assert_streq "$(cat "$T/out")" "" "output"
	assert_file_has_content "$T/err" "no agent runs here .*and there is no report"
done
nagios 3 'no agent and no report$'
ok "neither agent nor report"

chmod 711 "$T"
mkdir -m 700 "$T/run"
run setpriv --reuid=65534 --regid=65534 --clear-groups timeout 20 "$B/stopgap" status "${common[@]}"
assert_status 1
assert_file_has_content "$T/err" "the agent cannot be asked: open '$S': Permission denied; ask as root"
rmdir "$T/run"
ok "who may not ask is not told that there is none"

report scan
status
assert_status 0
assert_not_file_has_content "$T/out" '  updates '
nagios 3 'no run has planned yet, 0 processes run old code, last report [0-9]+ s ago \(ok\)'
ok "a scan alone says nothing of updates"

pending='on plan
  update libssl3 3.0.1 3.0.2
  update openssl 3.0.1 3.0.2
  hold linux 1 2
  well'
plays <<<"$pending"
report check
status
assert_status 0
assert_file_has_content "$T/out" '^  agent      none runs here; this is the last report'
assert_file_has_content "$T/out" '^  last run   check: pending, [0-9]+ s ago'
assert_file_has_content "$T/out" '^  updates    2 open, 0 applied by that run, 1 kept back'
assert_not_file_has_content "$T/out" $'\033'
status --output=json
assert_json "$T/out" '.agent == null and .last.result == "pending" and .updates.open == 2 and .distribution.id == "debian"'
"$TESTS/testbed/schema" status "$T/out" >"$T/schema" 2>&1 || { fail "not as packaging/schema says"; diag_file "$T/schema"; }
nagios 2 '2 security updates are open, 0 processes run old code, last report [0-9]+ s ago \(pending\)'
assert_file_has_content "$T/out" '\|pending=2;;;0 stale=0 age=[0-9]+s$'
ok "the last report, as text, JSON and for Nagios"

while read -r want warning critical; do
	nagios "$want" '2 security' ${warning:+--warning=$warning} ${critical:+--critical=$critical}
	assert_file_has_content "$T/out" "\\|pending=2;$warning;$critical;0 "
done <<'END'
0 5 10
1 1 10
2 0 1
1 0
0 2
2 ~:1 1:1
1 @2:4 @10:
0 @3: 5
END
nagios 3 'no run|--warning=x: accepted' --warning=x
nagios 3 '--critical=5:1: accepted' --critical=5:1
ok "thresholds"

# of each question the latest answer, whatever ran after it
report scan
nagios 2 '2 security updates are open'
metrics
assert_streq "$(metric stopgap_pending_security_updates)" 2
assert_streq "$(metric stopgap_stale_processes)" 0
status --output=json
assert_json "$T/out" '.last.mode == "scan" and .updates.open == 2 and .processes.stale == 0'
ok "a scan does not hide what is pending"

before=$(date +%s)
blocked='on probe
  {"id":@id,"result":{"applicable":true,"database":{"state":"clean"},"distribution":{"id":"debian","version":"12"},"blocked":[{"code":"no_space","detail":"/var has 0 bytes"}],"alarms":[{"code":"trust_lowered","detail":"[trusted=yes] | \u00fc"}]}}'
plays <<<"$blocked"
report once
report scan
metrics
assert_streq "$(metric stopgap_blocked)" 1
assert_file_has_content "$T/out" '^stopgap_blocked\{reason="no_space"\} 1$'
assert_file_has_content "$T/out" '^stopgap_last_run_result\{result="blocked"\} 1$'
assert_file_has_content "$T/out" '^stopgap_alarm\{code="trust_lowered"\} 1$'
assert_streq "$(metric stopgap_pending_security_updates)" 2
assert_file_has_content "$T/out" '^stopgap_repository_usable\{.*\} 1$'
[ "$(metric stopgap_last_run_timestamp_seconds)" -ge "$before" ] || fail "the last run was before"
[ "$(metric stopgap_last_success_timestamp_seconds)" -gt 0 ] || fail "no success"
assert_file_has_content "$T/out" '^stopgap_runs_total\{result="pending"\} 1$'
assert_file_has_content "$T/out" '^stopgap_runs_total\{result="blocked"\} 1$'
assert_file_has_content "$T/out" '^stopgap_runs_total\{result="ok"\} 3$'
assert_streq "$(metric stopgap_start_time_seconds)" "" "an agent"
ok "metrics of runs without an agent: counted, and a failure does not hide behind what was known"

report once
status
assert_file_has_content "$T/out" '^  blocked    \[no_space\] /var has 0 bytes'
assert_file_has_content "$T/out" '^  note       \[trust_lowered\] \[trusted=yes\] \| ü'
nagios 2 '2 security'
nagios 3 '2 security.*\(blocked\)' --warning=5 --critical=9
ok "blocked"

# the thresholds hold, but nobody knows any more
jq -c '.time = "2020-01-01T00:00:00Z" | .exit_code = 0 | .result = "ok" | .blocked = [] | .pending = [] | del(.error)' \
	"$T/state/last.json" >"$T/old.json"
rm -f "$T/state/history.jsonl"
cp "$T/old.json" "$T/state/last.json"
nagios 3 '0 security updates are open, .*last report [0-9]+ d.* ago'
report scan
cat "$T/old.json" >"$T/state/history.jsonl"
nagios 3 '0 security updates are open, .*last report [0-9]+ d.* ago'
echo 'no JSON' >"$T/state/last.json"
status
assert_status 1
nagios 3 'no agent and no report'
ok "an old report, a damaged one"

# --------------------------------------------------------------------------------------------------- with an agent

rm -rf "$T/state"
plays <<<"$pending"
start_bg "$T/daemon.log" "$B/stopgap" daemon "${common[@]}" --set updates.lock_timeout=0s --set network.timeout=0s
# shellcheck disable=SC2317 # by wait_for
has_run() { status --output=json && jq -e '.run.state == "idle" and .last != null' "$T/out"; }
wait_for 30 has_run || { fail "no run"; diag_file "$T/daemon.log"; }
assert_json "$T/out" '.agent.mode == "daemon" and .updates.applied == 2 and .updates.open == 0'
status
assert_file_has_content "$T/out" '^  agent      pid [0-9]+, idle, next run 20[0-9TZ:-]+ \('
assert_file_has_content "$T/out" '^  last run   once: ok'
nagios 0 '0 security updates are open'
metrics
[ "$(metric stopgap_start_time_seconds)" -gt 0 ] || fail "no agent"
assert_streq "$(metric stopgap_updates_applied_total)" 2
ok "the agent answers"

# a run that fails early, then a scan: by hand over the socket
plays <<<"$blocked"
run "$B/stopgap" check --set "report.socket=$S"
assert_status 2
assert_file_has_content "$T/err" "--set is not taken here"
post() { curl -sS --max-time 20 --unix-socket "$S" -X POST --data-binary "{\"mode\":\"$1\"}" http://localhost/v1/run >"$T/posted"; }
# shellcheck disable=SC2317 # by wait_for
ended() { status --output=json && jq -e --arg m "$1" '.run.state == "idle" and .last.mode == $m' "$T/out"; }
post check
wait_for 20 ended check || fail "no check"
post scan
wait_for 20 ended scan || fail "no scan"
metrics
assert_file_has_content "$T/out" '^stopgap_blocked\{reason="no_space"\} 1$'
assert_streq "$(metric stopgap_pending_security_updates)" 0
assert_file_has_content "$T/out" '^stopgap_runs_total\{result="blocked"\} 1$'
assert_file_has_content "$T/out" '^stopgap_runs_total\{result="ok"\} 2$'
ok "an agent's metrics say that it is blocked until a run is not"

# --watch: once at first, again when something happens, and nothing in between
start_bg "$T/watch" "$B/stopgap" status --watch "${common[@]}"
watch=$!
shown() { grep -c '^stopgap ' "$T/watch"; }
# shellcheck disable=SC2317 # by wait_for
shows() { [ "$(shown)" -ge "$1" ]; }
wait_for 20 shows 1
plays <<<"$pending"
post check
# shellcheck disable=SC2317 # by wait_for
watched() { grep -q 'last run   check: pending' "$T/watch"; }
wait_for 20 watched || { fail "the run is not seen"; diag_file "$T/watch"; }
kill "$watch"
assert_le "$(shown)" 12 "tables"
ok "--watch shows it again when it changes"

done_testing
