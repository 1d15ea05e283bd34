# shellcheck shell=bash disable=SC2154 # set in lib.sh
# What the state folder remembers: the history and its bounds, and what is new since the last report.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

history() { run "$B/stopgap" history --set "report.state_dir=$T/state" --set "report.socket=$T/none" "$@"; }

history
assert_status 0
assert_streq "$(cat "$T/out")" "no runs yet"
history --output=json
assert_json_eq "$T/out" . '{"schema":1,"reports":[]}'
ok "no history"

plays <<'END'
on plan
  update libssl3 3.0.1 3.0.2
  update openssl 3.0.1 3.0.2
  hold linux 1 2
  well
END
report check
report once
plays <<'END'
on probe
  {"id":@id,"result":{"applicable":true,"database":{"state":"clean"},"blocked":[{"code":"no_space","detail":"/var has 0 bytes"}]}}
END
report once
report scan
history
assert_status 0
assert_streq "$(awk '{$1 = "-"; print}' "$T/out")" "- MODE TRIGGER RESULT APPLIED PENDING FAILED STALE
- scan command ok 0 0 0 0
- once command blocked 0 0 0 0
- once command ok 2 0 0 0
- check command pending 0 2 0 -"
assert_file_has_content "$T/out" '^  20[0-9-]+T[0-9:]+Z  scan '
ok "the table has the newest first"

history --output=json
assert_json_eq "$T/out" '[.reports[].mode]' '["scan","once","once","check"]'
assert_json_eq "$T/out" '.reports[2].applied | map(.package)' '["libssl3","openssl"]'
jq '.reports[1]' "$T/out" >"$T/one.json"
"$TESTS/testbed/schema" report "$T/one.json" >"$T/schema" 2>&1 || { fail "an entry is no report"; diag_file "$T/schema"; }
history --output=json --limit=1
assert_json_eq "$T/out" '[.reports[].mode]' '["scan"]'
history --limit=2
assert_streq "$(wc -l <"$T/out")" 3 "lines"
for bad in 0 -1 x 1000001; do
	history "--limit=$bad"
	assert_status 2
	assert_file_has_content "$T/err" "accepted: 1 to 1000000"
done
history --output=openmetrics
assert_status 2
ok "JSON has whole reports, --limit the newest of them"

printf '{"schema":1,"time":"torn' >>"$T/state/history.jsonl"
report scan
printf '%s\n' 'no JSON' '[1]' '{"schema":1,"mode":"\u001b[2J\n","time":7,"applied":"x"}' >>"$T/state/history.jsonl"
history
assert_status 0
assert_streq "$(wc -l <"$T/out")" 7 "lines"
assert_not_file_has_content "$T/out" $'\033'
assert_file_has_content "$T/out" '\\x1b\[2J\\x0a'
history --output=json
assert_json "$T/out" '(.reports | length) == 6'
ok "what a crash cut short or somebody else wrote"

report check --set report.history=3
history --output=json
assert_json "$T/out" '(.reports | length) <= 3 and .reports[0].mode == "check"'
ok "[report] history is its bound"

# ------------------------------------------------------------------------------------------ only what is new

rm -rf "$T/state"
two='on plan
  update libssl3 3.0.1 3.0.2
  update openssl 3.0.1 3.0.2
  well'
# new STATUS   check --changed-since-last
new() {
	local want=$1
	shift
	agent check --changed-since-last "$@"
	assert_status "$want"
}
silent() {
	new "$@"
	assert_streq "$(cat "$T/out")" "" "output"
}

plays <<<"$two"
new 100
assert_file_has_content "$T/out" libssl3
silent 100
silent 100 --output=json
plays <<<"${two/well/update vim 9.0 9.1
well}"
new 100
assert_file_has_content "$T/out" vim
assert_not_file_has_content "$T/out" libssl3
silent 100
ok "updates that the last report had are not said again, the exit status is"

agent check --changed-since-last --output=nagios
assert_status 2
assert_file_has_content "$T/out" '^STOPGAP CRITICAL - .*\|pending=3;'
ok "Nagios is told of all that is open"

failing='on plan
  {"id":@id,"error":{"code":"io","message":"read the cache: I/O error"}}'
plays <<<"$failing"
new 1
assert_file_has_content "$T/out" 'I/O error'
silent 1
plays <<<"${failing/\"io\"/\"sources_broken\"}"
new 1
assert_file_has_content "$T/out" 'I/O error'
ok "a failure is said once, another one too"

report scan
plays <<<"${two/well/update vim 9.0 9.1
well}"
new 100
assert_not_file_has_content "$T/out" 'libssl3|vim'
silent 100
ok "failures and scans in between do not make old updates new"

plays <<<"$two"
agent once --changed-since-last
assert_status 0
assert_file_has_content "$T/out" libssl3
plays </dev/null
agent once --changed-since-last
assert_status 0
assert_streq "$(cat "$T/out")" ""
ok "what was applied is said"

done_testing
