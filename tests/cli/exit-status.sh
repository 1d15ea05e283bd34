# shellcheck shell=bash
# What exit status a run ends with: the first that matches of 2, 1, 3, 4, 102, 100, 6, 5, 0.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

pending='on plan
update libssl3 3.0.1 3.0.2
update openssl 3.0.1 3.0.2
well'
ended='on probe
{"id":@id,"result":{"applicable":true,"distribution":{"id":"debian","version":"11","name":"Debian 11","end_of_life":"2026-08-31","support":"ended"},"database":{"state":"clean"}}}'
blocked='on probe
{"id":@id,"result":{"applicable":true,"distribution":{"id":"debian","version":"11","support":"ended"},"database":{"state":"clean"},"blocked":[{"code":"no_space","detail":"/var has 0 bytes"}]}}'
no_security='on refresh
{"id":@id,"result":{"repositories":[],"security_source":false,"alarms":[{"code":"no_security_source"}]}}'
failing='on verify
{"id":@id,"error":{"code":"io","message":"read the status file: I/O error"}}'
partly='on apply
{"id":@id,"result":{"applied":[{"package":"libssl3","arch":"amd64","version":"3.0.2"}],"failed":[{"package":"openssl","arch":"amd64","version":"3.0.2","code":"script_failed","detail":"exit 1"}]}}'

# exits STATUS RESULT MODE SECTION…   of a run with these sections
exits() {
	local want=$1 result=$2 mode=$3
	shift 3
	printf '%s\n' "$@" | plays
	report "$mode"
	assert_report "$want"
	assert_json_eq "$R" .result "\"$result\""
}

exits 0 ok check
exits 0 ok once
ok "0: nothing to do"
exits 0 ok once "$pending"
ok "0: all of it done"
exits 100 pending check "$pending"
ok "100: pending, for check alone"

exits 6 out_of_support check "$ended"
assert_json "$R" '.alarms | any(.code == "out_of_support")'
exits 6 out_of_support once "$ended"
exits 6 out_of_support once "$ended" "$pending"
assert_applied libssl3 openssl
ok "6: out of support, and what exists is applied all the same"
exits 100 pending check "$ended" "$pending"
ok "100 before 6"

exits 5 no_security_metadata check "$no_security"
exits 5 no_security_metadata once "$no_security"
ok "5: nothing pending means nothing without a security repository"
exits 6 out_of_support check "$no_security" "$ended"
ok "6 before 5"

exits 4 partial once "$pending" "$partly"
assert_applied libssl3
exits 4 partial once "$pending" "$partly" "$ended"
ok "4: some applied and some not; before 6"

exits 3 blocked check "$blocked"
exits 3 blocked once "$blocked" "$pending"
assert_json_eq "$R" '[.blocked[] | [.code, .detail]]' '[["no_space","/var has 0 bytes"]]'
assert_not_file_has_content "$B/fake.log" '"method":"(refresh|fetch|apply)"'
ok "3: blocked, and nothing is begun; before 6"
exits 3 blocked check $'on refresh\n{"id":@id,"error":{"code":"no_egress","message":"no repository answers","retryable":true}}'
exits 3 blocked once "$pending" $'on apply\n{"id":@id,"error":{"code":"locked","message":"apt-get (pid 7) holds the lock","retryable":true}}'
ok "3: what blocks may show later too"

exits 1 failed once "$pending" "$failing"
assert_json "$R" '.error.message | contains("I/O error")'
exits 1 failed once "$pending" "$partly" "$failing" "$ended"
ok "1: failed; before 4 and 6"
for code in expired rolled_back untrusted missing_keyring hash_mismatch refresh_failed sources_broken; do
	exits 1 failed check "on refresh
{\"id\":@id,\"error\":{\"code\":\"$code\",\"message\":\"it is so\",\"repositories\":[{\"uri\":\"http://mirror.example/x\",\"suite\":\"s\",\"trust\":\"untrusted\",\"error\":{\"code\":\"$code\",\"detail\":\"why\"}}]}}" "$ended"
	assert_json_eq "$R" '[.error.code, .repositories[0].error.code]' "[\"$code\",\"$code\"]"
done
ok "1: metadata that cannot be trusted, with the repository's own record"

printf '%s\n' "$pending" "$blocked" | plays
report once --set updates.policy=sometimes
assert_status 2
assert_not_exists "$B/fake.log"
ok "2 before all: a wrong configuration asks no plugin"

mv "$B/plugins" "$B/replaced"
report check
assert_error plugin_missing
assert_json "$R" '.error.message | contains("restart the container")'
mv "$B/replaced" "$B/plugins"
ok "a bundle that was replaced on the host under a running container"

done_testing
