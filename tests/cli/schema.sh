# shellcheck shell=bash disable=SC2154 # set in lib.sh
# The published JSON Schemas hold for real reports, of every kind; and they are strict enough to say no.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

schema() { "$TESTS/testbed/schema" "$@" >"$T/schema" 2>&1; }

# valid NAME EXIT   the last report
valid() {
	assert_report "$2"
	cp "$R" "$T/$1.json"
	schema report "$T/$1.json" || { fail "$1 is not valid"; diag_file "$T/schema"; }
}

plays </dev/null
report once
valid nothing 0
plays <<'EOF'
on plan
  update libssl3 3.0.1 3.0.2
  update vim 9.0 9.1
  update new - 1.0
  hold linux 1 2
  well
EOF
report check
valid check 100
report once --dry-run
valid dry-run 100
report once
valid once 0
assert_json "$R" '(.applied | length) == 3 and (.kept_back | length) == 1'
ok "updates"

plays <<'EOF'
on probe
  {"id":@id,"result":{"applicable":true,"manager":"dpkg 1","distribution":{"id":"debian","version":"9","codename":"stretch","name":"Debian","end_of_life":"2020-01-01","support":"ended"},"database":{"packages":3,"state":"clean"},"blocked":[{"code":"no_space","detail":"x"}],"alarms":[{"code":"trust_lowered","detail":"x"}]}}
EOF
report once
valid blocked 3
assert_json "$R" '(.blocked | length) > 0 and .distribution.support == "ended"'
plays <<'EOF'
on refresh
  {"id":@id,"result":{"security_source":true,"bytes":5,"alarms":[{"code":"stale_metadata","detail":"d"}],"repositories":[{"uri":"http://a/","suite":"bookworm-security","codename":"bookworm","origin":"Debian","label":"Debian-Security","security":true,"signed_by":"AB","trust":"signed","date":"2026-01-02T03:04:05Z","valid_until":"2026-01-03T03:04:05Z","age":5,"transport":"http","state":"new"},{"uri":"http://b/","suite":"s","security":false,"error":{"code":"untrusted","detail":"no key"}}]}}
on plan
  update libssl3 3.0.1 3.0.2
  update vim 9.0 9.1
  well
on fetch 1
  {"id":@id,"result":{"bytes":7,"failed":[{"package":"vim","arch":"amd64","version":"9.1","code":"download_failed","uri":"http://b/vim","detail":"404\nline"}]}}
on apply
  {"id":@id,"result":{"applied":[{"package":"libssl3","arch":"amd64","version":"3.0.2"}],"failed":[],"conffiles":[{"package":"libssl3","path":"/etc/ssl/x"}],"left_behind":[{"pid":7,"start":9,"cmdline":"x"}],"log":"/var/log/x"}}
EOF
report once
valid partial 4
assert_json "$R" '(.repositories | length) == 2 and (.failed | length) == 1'
ok "what blocks, what fails, repositories, what is left behind"

for what in 'on plan
die 1' 'on hello
die 2' 'on refresh
{"id":@id,"error":{"code":"expired","message":"x","retryable":false}}' 'on plan
raw ff0a'; do
	plays <<<"$what"
	report once
	valid failed 1
	assert_json "$R" '.error.code | length > 1'
done
plays <<'EOF'
on plan
  update a 1 2
  well
on apply
  {"id":@id,"error":{"code":"internal","message":"\\x1b[2J and \u0022quotes\u0022 \\\\ ü","retryable":false}}
EOF
report once
valid odd 1
ok "failures"

# refused ERE FILTER   the report, changed so, is not valid
refused() {
	jq "$2" "$T/once.json" >"$T/bad.json"
	! schema report "$T/bad.json" || fail "$2 is valid"
	assert_file_has_content "$T/schema" "$1"
}
refused "'pending' is a required" 'del(.pending)'
refused "is not of type 'array'" '.applied = {}'
refused "'nice' is not one of" '.result = "nice"'
refused '7 is not one of' '.exit_code = 7'
refused '1 was expected' '.schema = 2'
refused 'does not match' '.time = "yesterday"'
refused "'candidate' is a required" 'del(.applied[0].candidate)'
refused '\.applied\[\]\.colour: not in the schema' '.applied[0].colour = "red"'
refused '\.container\.colour: not in the schema' '.container.colour = "red"'
refused '\.colour: not in the schema' '.colour = "red"'
ok "the schema says no"

# The agent that stays, from its first answer on.
S=$T/run/s.sock
plays <<'EOF'
on plan
  update libssl3 3.0.1 3.0.2
  well
EOF
start_bg "$T/daemon.log" "$B/stopgap" daemon --set "report.state_dir=$T/state" --set "report.socket=$S" \
	--set updates.lock_timeout=0s --set network.timeout=0s
get() { curl -sS --max-time 20 --unix-socket "$S" "http://localhost$1" >"$T/body" 2>"$T/curl.err"; }
has_run() { get /v1/status && jq -e '.last.mode == "once" and .run.state == "idle"' "$T/body"; }
wait_for 20 get /v1/status || diag_file "$T/daemon.log"
schema status "$T/body" || { fail "the first status is not valid"; diag_file "$T/schema"; }
wait_for 30 has_run || { fail "no run"; diag_file "$T/daemon.log"; }
schema status "$T/body" || { fail "the status is not valid"; diag_file "$T/schema"; }
assert_json "$T/body" '.agent.mode == "daemon" and .updates.applied == 1 and .processes.stale == 0'
get /v1/report
schema report "$T/body" || { fail "the report is not valid"; diag_file "$T/schema"; }
assert_json "$T/body" '.run > 0 and .trigger == "start"'
get /v1/schema
/usr/bin/python3 - "$T/body" "$T/once.json" <<'EOF' >"$T/schema" 2>&1 || { fail "not one document"; diag_file "$T/schema"; }
import json, sys
import jsonschema
schema, report = (json.load(open(f)) for f in sys.argv[1:])
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
validator.validate(report)
report["applied"][0]["package"] = 7
assert not validator.is_valid(report)
EOF
ok "/v1/schema is one document that holds for both"

done_testing
