# shellcheck shell=bash disable=SC2154 # set in what is sourced
# What a plugin can make of `stopgap cves`: one list that is whole, or none and the reason.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

bundle
deadline=2s
cve='{"event":"cve","id":@id,"cve":"CVE-2026-1","package":"libssl3","arch":"amd64","installed":"1","remote":"no","fix_available":true,"fixed":"2"}'
result='{"id":@id,"result":{"count":1,"suite":"bookworm","uri":"http://x/bookworm","transport":"http","state":"new"}}'

# cves STATUS [ARG…]   one document, and it says the same
cves() {
	local want=$1
	shift
	agent cves --output=json "$@"
	assert_status "$want"
	assert_json "$R" '.schema == 1 and .counts.total == (.cves | length)'
	assert_json_eq "$R" .exit_code "$status"
}
# refused CODE   no list, and this reason
refused() {
	cves 1
	assert_json_eq "$R" '[.error.code, .cves]' "[\"$1\",[]]"
	assert_gone
}

printf 'on feed\n%s\n%s\n' "$cve" "$result" | plays
cves 100 --set cves.url=http://x --set cves.max_age=90m --set cves.suite=bookworm
assert_json_eq "$R" '[.cves[0].cve, .counts.fix_available, .feed.state, .distribution.codename]' '["CVE-2026-1",1,"new","bookworm"]'
assert_json_eq "$R" .error null
assert_streq "$(param feed .)" '{"kind":"debsecan","uri":"http://x","suite":"bookworm","max_age":5400}'
cves 100 --set cves.file=/tmp/feed
assert_streq "$(param feed .file)" '"/tmp/feed"'
assert_streq "$(param feed .uri)" null
ok "the settings go to the plugin, its findings into the list"

printf 'on feed\n%s\n' "$result" | plays
refused plugin_protocol
printf 'on feed\n%s\n%s\n%s\n' "$cve" "$cve" "$result" | plays
refused plugin_protocol
printf 'on probe\n%s\nwell\non feed\n%s\n' "$cve" "$result" | plays
refused plugin_protocol
ok "fewer or more findings than it says, or findings before they were asked for"

for bad in 's/"package":"libssl3",//' 's/libssl3/x\\u001b[2J/' 's/true/"yes"/' 's/CVE-2026-1//' 's/"amd64"/[]/' \
	's/"remote":"no"/"remote":"a\\nb"/' 's/"2"/2/'; do
	printf 'on feed\n%s\n%s\n' "$(sed "$bad" <<<"$cve")" "$result" | plays
	refused plugin_protocol
	ok "a finding changed by $bad"
done

printf 'on feed\n%s\ndie 3\n' "$cve" | plays
refused plugin_died
printf 'on feed\n{"id":@id,"error":{"code":"feed_failed","message":"404","retryable":true}}\n' | plays
refused feed_failed
printf 'on feed\n%s\nhang\n' "$cve" | plays
refused plugin_timeout
ok "it dies, fails or hangs: half a list is none"

printf 'on feed\nflood 300000 %s\n%s\n' "$cve" "$result" | plays
deadline=60s
refused plugin_protocol
assert_json "$R" '.error.message | contains("more than 200000")'
deadline=2s
ok "the number of findings has a bound"

printf 'on hello\n{"hello":{"protocol":1,"plugin":"fake","version":"1","capabilities":["probe"]}}\n' | plays
refused unsupported
printf 'on probe\n{"id":@id,"result":{"applicable":false,"reason":"not mine"}}\n' | plays
cves 3
assert_json_eq "$R" '[.blocked[].code]' '["no_package_manager"]'
ok "a plugin without feeds, and a container that no plugin knows"

bundle one two
printf 'on probe\n{"id":@id,"result":{"applicable":false,"reason":"not mine"}}\n' | plays one
printf 'on feed\n%s\n%s\n' "$cve" "$result" | plays two
cves 100
assert_json_eq "$R" '.cves | length' 1
ok "the plugin that knows the package system is asked"

bundle
printf 'on feed\n%s\nhang\n' "$cve" | plays
"$B/stopgap" cves --output=json --set "report.state_dir=$T/state" >"$R" 2>"$T/err" &
pid=$!
at_exit end_process "$pid" "$(proc_start "$pid")"
wait_for 10 grep -q '"method":"feed"' "$B/fake.log"
kill "$pid"
status=0
wait "$pid" || status=$?
assert_status 1
assert_json_eq "$R" '[.error.code, .cves]' '["stopped",[]]'
assert_gone
ok "a signal ends it"

done_testing
