# shellcheck shell=bash disable=SC2154 # set in lib.sh
# doctor: what is wrong with a container, with the code, what to do about it, and an exit status; and it changes nothing.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

# doctor EXIT [ARG…]   the JSON form, valid, with this exit status; nothing is saved
doctor() {
	local want=$1
	shift
	report doctor "$@"
	assert_status "$want"
	assert_json_eq "$R" .exit_code "$want"
	"$TESTS/testbed/schema" doctor "$R" >"$T/schema" 2>&1 || { fail "not as packaging/schema says"; diag_file "$T/schema"; }
	assert_gone
	assert_not_exists "$T/state/last.json"
	assert_not_exists "$T/state/history.jsonl"
}

# found ABOUT STATE CODE   one finding is this, and says what to do
found() {
	assert_json "$R" '.checks | any(.about == $a and .state == $s and .code == $c and (.remedy | length) > 8)' \
		--arg a "$1" --arg s "$2" --arg c "$3"
}
fine() { assert_json "$R" '.checks | any(.about == $a and .state == "ok")' --arg a "$1"; }
asked() { assert_streq "$(received | jq -r ".method // empty" | tr '\n' ' ')" "$1 " "what the plugin was asked"; }

refusal() { printf 'on refresh\n  {"id":@id,"error":{"code":"%s","message":"so it is","retryable":false}}\n' "$1"; }
repositories() { printf 'on refresh\n  {"id":@id,"result":{"security_source":%s,"bytes":5,"alarms":[%s],"repositories":[%s]}}\n' "$@"; }
good='{"uri":"http://a/","suite":"s","security":true,"signed_by":"AB","trust":"signed","date":"2026-01-02T03:04:05Z","age":7200,"transport":"http","state":"new"}'
bad='{"uri":"http://b/","suite":"t","security":true,"state":"failed","error":{"code":"missing_keyring","detail":"no key"}}'

plays <<'END'
on plan
  update libssl3 3.0.1 3.0.2
  hold linux 1 2
  well
END
doctor 0
for about in state_folder locks socket plugin package_system user root_file_system capabilities space memory processes database \
	support repositories trust metadata; do
	fine $about
done
assert_json "$R" '.verdict == "ready" and (.checks | any(.about == "updates" and (.detail | startswith("1 security update"))))'
found agent note no_agent
found restart_mode note report_only
asked "probe support refresh plan"
agent doctor
assert_status 0
assert_file_has_content "$T/out" '^  ok +package system +fake 1, Debian'
assert_file_has_content "$T/out" '^ready: '
assert_file_has_content "$T/out" '^ +remedy: '
ok "all is well: nothing but what is pending is asked for, and nothing is saved"

plays </dev/null
doctor 0 --offline
asked "probe support"
assert_json "$R" '.offline and (.checks | all(.about != "repositories"))'
ok "--offline asks no repository"

declare -A place=([read_only_root]=root_file_system [not_root]=user [missing_capability]=capabilities [no_space]=space
	[low_memory]=memory [pids_limit]=processes [database_broken]=database [unsupported_database]=database)
for code in "${!place[@]}"; do
	plays <<<"on probe
{\"id\":@id,\"result\":{\"applicable\":true,\"manager\":\"dpkg 1\",\"distribution\":{\"id\":\"debian\",\"name\":\"D\"},\"database\":{\"packages\":3,\"state\":\"clean\"},\"blocked\":[{\"code\":\"$code\",\"detail\":\"so it is\"}]}}"
	doctor 3
	found "${place[$code]}" bad "$code"
	assert_json "$R" '.verdict == "blocked" and (.checks | any(.about == "repositories" and .state == "unknown"))'
done
plays <<<'on probe
{"id":@id,"result":{"applicable":false,"reason":"no dpkg here"}}'
doctor 3
found package_system bad no_package_manager
assert_json "$R" '.checks | any(.about == "capabilities" and .state == "unknown")'
plays < <(refusal no_egress)
doctor 3
found repositories bad no_egress
ok "what blocks: exit 3, each with its place, code and remedy"

for code in expired:metadata rolled_back:trust untrusted:trust missing_keyring:trust hash_mismatch:trust refresh_failed:repositories \
	sources_broken:repositories; do
	plays < <(refusal ${code%:*})
	doctor 1
	found ${code#*:} bad ${code%:*}
	assert_json_eq "$R" .verdict '"failed"'
done
plays <<<$'on probe\ndie 1'
doctor 1
found plugin bad plugin_died
plays <<<$'on hello\nraw ff0a'
doctor 1
found plugin bad plugin_protocol
ok "what fails: exit 1"

plays < <(repositories false '' '')
doctor 5
found repositories bad no_security_source
assert_json_eq "$R" .verdict '"no_security_metadata"'
plays < <(repositories true '' "$good,$bad")
doctor 5
found trust bad missing_keyring
assert_json "$R" '.checks | any(.about == "repositories" and .state == "ok" and .detail == "http://a/ s: signed by AB, 2 h old")'
plays < <(repositories true '{"code":"trust_lowered","detail":"[trusted=yes]"},{"code":"stale_metadata","detail":"old"}' "$good")
doctor 0
found trust note trust_lowered
found metadata note stale_metadata
ended='on probe
{"id":@id,"result":{"applicable":true,"manager":"dpkg 1","distribution":{"id":"debian","name":"D","end_of_life":"2020-01-01","support":"ended"},"database":{"packages":3,"state":"clean"}}}'
plays <<<"$ended"
doctor 6
found support bad out_of_support
plays < <(echo "$ended"; repositories false '' '')
doctor 6
found repositories bad no_security_source
ok "blind is 5, out of support 6, an alarm alone 0"

plays </dev/null
mkdir -p "$T/state"
exec 9>"$T/state/lock"
flock 9
doctor 3
found state_folder bad busy
asked "probe support"
exec 9>&-
chmod 777 "$T/state"
doctor 1
found state_folder bad io
chmod 755 "$T/state"
mkdir "$T/file" && touch "$T/file/x"
doctor 0 --set "report.socket=$T/file/x/s.sock"
found socket note socket_failed
rm "$B/plugins/stopgap-fake"
doctor 1
found plugin bad plugin_missing
bundle fake
ok "the state folder, the socket, the bundle"

plays < <(repositories true '{"code":"source_ignored","detail":"a \\x1b[2J and \u0022"}' "$good")
agent doctor
assert_status 0
assert_not_file_has_content "$T/out" $'\x1b'
plays </dev/null
cp "$(command -v sleep)" "$T/"$'bad\x1b[2Jname'
start_bg "$T/sleep.log" "$T/"$'bad\x1b[2Jname' 300
agent doctor
assert_file_has_content "$T/out" 'services +\[no_restart_command\] bad'
assert_not_file_has_content "$T/out" $'\x1b'
ok "bytes of a container come escaped"

# An agent that runs is asked, and its report is what is shown.
S=$T/run/s.sock
plays <<'END'
on plan
  update libssl3 3.0.1 3.0.2
  well
on fetch
  {"id":@id,"result":{"bytes":0,"failed":[{"package":"libssl3","arch":"amd64","version":"3.0.2","code":"download_failed"}]}}
END
printf '[report]\nstate_dir=%s\nsocket=%s\n[updates]\nlock_timeout=0s\n' "$T/state" "$S" >"$T/agent.conf"
start_bg "$T/daemon.log" "$B/stopgap" daemon --config "$T/agent.conf"
# shellcheck disable=SC2317 # by wait_for
has_run() { curl -sS --max-time 20 --unix-socket "$S" http://localhost/v1/status | jq -e '.last != null and .run.state == "idle"'; }
wait_for 60 has_run || { fail "no run"; diag_file "$T/daemon.log"; }
export STOPGAP_REPORT_SOCKET=$S
run "$B/stopgap" doctor --output=json
assert_status 0
assert_json "$T/out" '.checks | any(.about == "agent" and .state == "ok") and any(.about == "updates" and (.detail | startswith("1 security update")))'
run "$B/stopgap" doctor --offline --output=json
assert_status 0
assert_json "$T/out" '.checks | any(.about == "agent" and (.detail | contains("last report")))'
run "$B/stopgap" doctor --set updates.policy=all
assert_status 2
assert_file_has_content "$T/err" 'its configuration applies'
unset STOPGAP_REPORT_SOCKET
ok "an agent that runs is asked"

run "$B/stopgap" check --offline
assert_status 2
assert_file_has_content "$T/err" "mode 'check' has no option '--offline'"
ok "usage"

done_testing
