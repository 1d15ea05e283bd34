# shellcheck shell=bash
# Every way a plugin can die, hang or lie, at each stage: one truthful report, in time, and no process left.
# timeout: 300
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

plan='on plan
update libssl3 3.0.1 3.0.2
update openssl 3.0.1 3.0.2
well'
methods=(probe refresh plan fetch apply verify)

# in_method METHOD LINES   a script in which this method goes wrong and all else is well
in_method() {
	[ "$1" = plan ] || echo "$plan"
	echo "on $1"
	echo "$2"
}

# misbehaves CODE MAXIMUM-MS LINES NAME   in each method in turn.  What is not a matter of the deadline ends long before
# one of ten seconds, however busy the machine is.
misbehaves() {
	local code=$1 max=$2 lines=$3 name=$4 m deadline=1s
	[ "$code" = plugin_timeout ] || { deadline=10s; max=$((max + 3000)); }
	for m in "${methods[@]}"; do
		in_method "$m" "$lines" | plays
		report once
		assert_error "$code"
		assert_le "$elapsed_ms" "$max" "milliseconds"
		assert_json "$R" '.error.message | startswith("plugin '"'fake'"', method '"$m"'") or contains("message '"'msg_"'")'
		case $m in
		probe | refresh | plan | fetch) assert_applied ;;
		esac
		ok "$name in $m"
	done
}

plays </dev/null
report once
assert_report 0
assert_json_eq "$R" '[.pending, .applied, .failed]' '[[],[],[]]'
ok "a plugin that behaves and has nothing to do"

# ------------------------------------------------------------------------------------------------ it dies

misbehaves plugin_died 1500 'die 3' "it exits"
assert_json "$R" '.error.message | endswith("ended with status 3")'
ok "the report has the exit status"
misbehaves plugin_died 1500 'signal 9' "it is killed"
misbehaves plugin_died 1500 'signal 11' "it crashes"
assert_json "$R" '.error.message | contains("signal 11")'
ok "the report has the signal"
misbehaves plugin_died 1500 $'cut {"id":@id,"result":{"applied":[]}}\ndie 0' "it exits in the middle of a line"
misbehaves plugin_died 1500 $'flood 100 {"event":"progress","id":@id,"phase":"x","done":@n,"total":100}\ndie 1' \
	"it exits after events"
misbehaves plugin_died 1500 $'eof\nhang' "it closes the channel and stays"

# ------------------------------------------------------------------------------------------- it never answers

misbehaves plugin_timeout 3500 hang "it hangs"
misbehaves plugin_timeout 3500 '' "it reads on and answers nothing"
misbehaves plugin_timeout 3500 'cut {"id":@id,"result":{"applied":[]}}' "it stops in the middle of a line"
all=("${methods[@]}") methods=(probe apply)
misbehaves plugin_timeout 8500 $'ignore-term\nhang' "it hangs and ignores SIGTERM"
methods=("${all[@]}")

# ------------------------------------------------------------------------------------------------- it lies

misbehaves plugin_protocol 1500 'wrong-id {"id":@id,"result":{}}' "it answers another request"
misbehaves plugin_protocol 1500 '{"id":"@id","result":{}}' "its id is a text"
misbehaves plugin_protocol 1500 '{"result":{}}' "it answers without an id"
misbehaves plugin_protocol 1500 '{"id":@id}' "it answers nothing"
misbehaves plugin_protocol 1500 '{"id":@id,"result":{},"error":{"code":"io","message":"x"}}' "it succeeds and fails"
misbehaves plugin_protocol 1500 '{"id":@id,"result":[]}' "its result is a list"
misbehaves plugin_protocol 1500 '{"id":@id,"result":{"applicable":1,"repositories":1,"count":1,"bytes":"1","applied":1,"missing":1}}' \
	"its result has wrong types"
misbehaves plugin_protocol 1500 '{"id":@id,"error":{"code":"because","message":"x"}}' "its error has an unknown code"
misbehaves plugin_protocol 1500 '{"id":@id,"error":"x"}' "its error is a text"
misbehaves plugin_protocol 1500 '{"id":@id,"event":5}' "its event has no name"
misbehaves plugin_protocol 1500 '{"event":"progress","id":@id,"phase":7}' "its event has a wrong type"
misbehaves plugin_protocol 1500 '{"hello":{"protocol":1,"plugin":"fake","capabilities":[]}}' "it says hello again"
misbehaves plugin_protocol 1500 'raw 6e6f6e73656e73650a' "it sends no JSON"
misbehaves plugin_protocol 1500 'raw 7b226964223a312c226d657373616765223a22ff227d0a' "it sends invalid UTF-8"
misbehaves plugin_protocol 1500 'raw 000000000a' "it sends NULs"
misbehaves plugin_protocol 1500 'raw 0a' "it sends an empty line"
misbehaves plugin_protocol 1500 'deep 1000' "its answer nests a thousand levels deep"
misbehaves plugin_protocol 1500 '{"id":@id,"result":{"x":[@[70000:{}@]]}}' "its answer has 70000 objects"
misbehaves plugin_protocol 3000 'bytes 2147483648' "it sends 2 GiB without a newline"
misbehaves plugin_protocol 3000 'flood 100000 {"event":"log","id":@id,"level":"debug","message":"@[500:1234567@]"}' \
	"it floods with events"

# ----------------------------------------------------------------------------------------- around the hello

# hello CODE NAME   with the script on standard input
hello() {
	plays
	report once
	assert_error "$1"
	assert_le "$elapsed_ms" 9500 "milliseconds"
	ok "$2"
}
hello plugin_died "it dies before the hello" <<<$'on start\ndie 1'
hello plugin_died "it dies at the hello" <<<$'on hello\ndie 1'
hello plugin_died "it dies after the hello" <<<$'on hello\nwell\ndie 1'
hello plugin_died "it dies in the middle of the hello" <<<$'on hello\ncut {"hello":{"protocol":1}}\ndie 1'
hello plugin_timeout "it never says hello" <<<$'on hello\non probe'
hello plugin_timeout "it hangs before the hello and ignores SIGTERM" <<<$'on start\nignore-term\nhang'
hello plugin_protocol "it speaks another version" <<<$'on hello\n{"hello":{"protocol":2,"plugin":"fake","capabilities":["probe"]}}'
hello plugin_protocol "its hello is no hello" <<<$'on hello\n{"hello":"fake"}'
hello plugin_protocol "it answers before the hello" <<<$'on start\n{"id":1,"result":{"applicable":true}}'
hello unsupported "it lacks a method" <<<$'on hello\n{"hello":{"protocol":1,"plugin":"fake","capabilities":["probe"]}}'

: >"$B/plugins/stopgap-fake.new"
chmod 755 "$B/plugins/stopgap-fake.new"
mv "$B/plugins/stopgap-fake.new" "$B/plugins/stopgap-fake"
deadline=10s
report once
deadline=1s
assert_error plugin_died
ok "it is no program"
chmod 644 "$B/plugins/stopgap-fake"
report once
assert_error plugin_missing
ok "it may not be executed"
rm "$B/plugins/stopgap-fake"
report once
assert_error plugin_missing
assert_json "$R" '.error.message | contains("no plugin")'
ok "there is no plugin"
rmdir "$B/plugins"
report once
assert_error plugin_missing
ok "there is no folder of plugins"
bundle fake

# -------------------------------------------------------------------------------- well, only strangely

# well NAME   with the script on standard input: none of this is a fault
well() {
	plays
	report once
	assert_report 0
	assert_applied libssl3 openssl
	ok "$1"
}
well "an answer in two halves is an answer" <<EOF
$plan
on probe
half {"id":@id,"result":{"applicable":true,"distribution":{"id":"debian","name":"Debian"},"database":{"state":"clean"}}}
EOF
well "fields and events of a newer version are passed over" <<EOF
$plan
on fetch
{"event":"weather","id":@id,"sunny":[1,{"x":null}]}
{"id":@id,"result":{"bytes":1,"failed":[],"colour":"blue"},"more":1}
EOF
well "a hundred thousand lines of log text do not disturb" <<EOF
$plan
on fetch
$(for i in 1 2 3 4 5; do echo "stderr $(printf "line of %0200d" "$i")"; done)
well
EOF
well "a child that keeps the channel open does not hold the agent" <<EOF
$plan
on verify
child 4000
well
EOF
assert_le "$elapsed_ms" 3000 "milliseconds"
ok "nor for long"
well "a plugin that does not exit on EOF is ended" <<EOF
$plan
on eof
ignore-term
hang
EOF
assert_le "$elapsed_ms" 3500 "milliseconds"
ok "within two seconds"

plays <<EOF
$plan
on fetch
twice {"id":@id,"result":{"bytes":1,"failed":[]}}
EOF
report once
assert_error plugin_protocol
assert_json "$R" '.error.message | test("nobody asked for|another request")'
ok "two answers to one request are one too many"

plays <<EOF
$plan
on apply
child 4000
die 1
EOF
report once
assert_error plugin_died
assert_le "$elapsed_ms" 3000 "milliseconds"
ok "it dies while a child keeps the channel open"

# ------------------------------------------------------------------- what a plugin changed before it failed

plays <<EOF
$plan
on apply
{"event":"evidence","id":@id,"package":"libssl3","arch":"amd64","cves":["CVE-2026-0001"],"advisories":[]}
signal 9
on verify
{"id":@id,"result":{"missing":[{"package":"openssl","arch":"amd64","code":"not_applied"}],"database":{"state":"interrupted","detail":"openssl is half-installed"}}}
EOF
report once
assert_error plugin_died
assert_applied libssl3
assert_json_eq "$R" '[.pending[].package]' '["openssl"]'
assert_json_eq "$R" '.cves_fixed' '["CVE-2026-0001"]'
assert_json_eq "$R" '.plugin.database.state' '"interrupted"'
assert_streq "$(received | jq -sc 'map(.method)')" \
	'[null,"probe","support","refresh","plan","fetch","owner","apply",null,"probe","verify","owner"]' "requests"
ok "killed in apply: a new plugin asks the database, and the report says what was applied"

plays <<EOF
$plan
on apply
die 1
on verify
die 1
EOF
report once
assert_error plugin_died
assert_json_eq "$R" '[(.applied | length), (.pending | length)]' '[0,2]'
assert_json "$R" '.error.message | contains("method apply")'
ok "when that fails too, the first failure counts and nothing is claimed"

done_testing
