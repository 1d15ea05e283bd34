# shellcheck shell=bash
# rows: H6 H10 H12
# `stopgap ps` on containers of Docker Engine and of runc, with and without the engine's API, and among hostile ones.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/dockerd"
S=$BUNDLE/stopgap

# An image of one static program, and one made of it.
mkdir -p "$T/root/run/stopgap" "$T/root/etc" "$T/root/proc"
cp "$(helper pause)" "$T/root/pause"
dockerd_start
tar -C "$T/root" -c . | dk import - base >/dev/null
dk run -d --name one --label tier=front --network none base /pause >"$T/one"
dk commit one upper >/dev/null
dk run -d --name two --network none --pid=host upper /pause >"$T/two"
one=$(cat "$T/one") two=$(cat "$T/two")
mkdir -p "$T/state"

# ps ARG…   the documents of this test's containers alone: other tests run theirs on this machine
ps_json() {
	run "$S" ps --output=json --set "report.state_dir=$T/state" --set "host.runc=$T/ctr/runc" "$@"
	assert_status 0
	jq '.containers |= map(select(.id | IN($ARGS.positional[])))' --args "$one" "$two" "runc:bare-$$" \
		<"$T/out" >"$T/ps.json"
}
# shellcheck disable=SC2016
of() { echo ".containers[] | select(.id == \"$1\")"; }

ps_json --host "unix://$T/docker.sock"
assert_json_eq "$T/ps.json" "$(of "$one") | [.name, .engine, .image.name, .labels.tier, .known, .state, .source, .inside]" \
	'["one","docker","base","front",true,"unknown",null,null]'
assert_json_eq "$T/ps.json" "$(of "$two") | [.name, .engine, .image.name, .processes]" '["two","docker","upper",1]'
assert_json "$T/ps.json" "$(of "$one") | .image.age >= 0 and .image.age < 86400 and (.image.layers | length) == 1"
pid=$(dk inspect -f '{{.State.Pid}}' one)
assert_json_eq "$T/ps.json" "$(of "$one") | .pid" "$pid"
ok "Docker's containers have name, image and labels, --pid=host too"

ps_json --host "unix://$T/none.sock"
assert_json_eq "$T/ps.json" "$(of "$one") | [.name, .engine, .image, .pid]" "[null,\"docker\",null,$pid]"
ok "without an engine that answers they are found all the same"

ctr_create "bare-$$" "$T/root" --no-bundle
ps_json
assert_json_eq "$T/ps.json" "$(of "runc:bare-$$") | [.name, .engine, .pid]" "[\"bare-$$\",\"runc\",$(ctr_pid "bare-$$")]"
ok "a container of runc alone has the name of its state folder"
ctr_rm "bare-$$"

dk pause one >/dev/null
ps_json
assert_json_eq "$T/ps.json" "$(of "$one") | .paused" true
dk unpause one >/dev/null
ps_json
assert_json_eq "$T/ps.json" "$(of "$one") | .paused" false
ok "a frozen one is paused"

# report ID JQ-FILTER   what the host has kept of a container
report() {
	mkdir -p "$T/state/containers/$1"
	jq -n "{schema: 1, mode: \"check\", trigger: \"command\", time: \"2026-11-23T21:56:50Z\", exit_code: 0} | $2" \
		>"$T/state/containers/$1/last.json"
}
update='{package: "openssl", arch: "amd64", installed: "1", candidate: "2", origin: "Debian", suite: "x", security: true}'
state() {
	ps_json --host "unix://$T/docker.sock"
	assert_json_eq "$T/ps.json" "$(of "$one") | [.state, .code, .open, .stale]" "$1"
}
report "$one" .
state '["patched",null,0,null]'
report "$one" ".exit_code = 100 | .pending = [$update]"
state '["pending",null,1,null]'
report "$one" '.exit_code = 3 | .blocked = [{code: "read_only_root", detail: "x"}]'
state '["blocked","read_only_root",null,null]'
report "$one" '.exit_code = 1 | .error = {code: "expired", message: "x"}'
state '["failed","expired",null,null]'
report "$one" '.exit_code = 6 | .alarms = [{code: "out_of_support", detail: "x"}]'
state '["out_of_support",null,0,null]'
report "$one" '.exit_code = 5'
state '["unknown",null,0,null]'
report "$one" '.mode = "scan" | .processes = {scanned: 3, stale: [], unreadable_processes: []}'
state '["unknown",null,null,0]'
echo '{' >"$T/state/containers/$one/last.json"
state '["unknown",null,null,null]'
ok "what the host knows of it is its state; half a file says nothing"

report "$one" ".exit_code = 100 | .pending = [$update]"
report "$two" ".ephemeral = {image_still_vulnerable: true}"
ps_json --host "unix://$T/docker.sock"
base=$(dk inspect -f '{{index .RootFS.Layers 0}}' base)
assert_json_eq "$T/ps.json" ".shared_layers | map(select(.layer == \"$base\")) | .[0] | [.below, (.containers | sort)]" \
	"[0,$(jq -nc --arg a "$one" --arg b "$two" '[$a, $b] | sort')]"
run "$S" ps --layers --host "unix://$T/docker.sock" --set "report.state_dir=$T/state"
assert_file_has_content "$T/out" "^  ${one:0:12} +one +docker +base .* pending 1 "
assert_file_has_content "$T/out" "^  ${two:0:12} +two +docker +upper .* patched "
assert_file_has_content "$T/out" "${base:0:19} .*2 containers: one, two$"
ok "the layer that both have is named, in text too"

# What a name is to a terminal.
printf '%s\n' 'HTTP/1.0 200 OK' '' "[{\"Id\":\"$one\",\"Names\":[\"/a\\u001b[2J\\nb\"],\"Image\":\"x\\ty\"}]" >"$T/answer"
start_bg "$T/socat.log" socat "UNIX-LISTEN:$T/liar.sock,fork" "SYSTEM:cat $T/answer"
wait_for 10 test -S "$T/liar.sock"
run "$S" ps --host "unix://$T/liar.sock"
assert_file_has_content "$T/out" '  a\\x1b\[2J\\x0ab  +docker  +x\\x09y '
ok "H10 a hostile name is escaped"

# An agent in a container is asked.
dk run -d --name agent --network none -v "$BUNDLE:/stopgap:ro" base /stopgap/stopgap run -- /pause >"$T/two"
two=$(cat "$T/two")
asked() {
	ps_json
	[ "$(jq -r "$(of "$two") | .source" "$T/ps.json")" = agent ]
}
wait_for 60 asked || fail "no answer"
assert_json_eq "$T/ps.json" "$(of "$two") | [.state, .code]" '["blocked","no_package_manager"]'
ok "an agent in a container tells its state"

# Held: one stops and answers no more, some lay out a file system that never answers, and are older than it.
dk rm -f agent >/dev/null
for i in 1 2 3 4 5 6; do
	dk run -d --name "held$i" --network none base /pause >"$T/one"
	start_bg "$T/hold$i.log" "$(helper hold)" "$(dk inspect -f '{{.State.Pid}}' "held$i")" /run
	wait_for 20 grep -q held "$T/hold$i.log"
done
dk run -d --name agent --network none -v "$BUNDLE:/stopgap:ro" base /stopgap/stopgap run -- /pause >"$T/two"
one=$(cat "$T/one") two=$(cat "$T/two")
wait_for 60 asked || fail "an agent beside those that hold is not heard"
pid=$(dk inspect -f '{{.State.Pid}}' agent)
for p in $(pgrep -P "$pid") "$pid"; do kill -STOP "$p"; done
ps_json
assert_json_eq "$T/ps.json" "$(of "$one") | .state" '"unknown"'
assert_json_eq "$T/ps.json" "$(of "$two") | .state" '"unknown"'
assert_le "$elapsed_ms" 30000 "milliseconds with those that do not answer"
for p in $(pgrep -P "$pid") "$pid"; do kill -CONT "$p"; done
wait_for 60 asked || fail "the agent is not heard any more"
ok "H12 who does not answer, or never opens a file, holds nobody"

# Out of the container: a link to where the host has a socket that tells what one would like to hear.
printf '%s\n' 'HTTP/1.0 200 OK' '' '{"last":{"time":"2026-11-23T21:56:50Z","exit_code":0},"updates":{"open":0}}' >"$T/answer"
mkdir "$T/host"
start_bg "$T/socat2.log" socat "UNIX-LISTEN:$T/host/status.sock,fork" "SYSTEM:cat $T/answer"
wait_for 10 test -S "$T/host/status.sock"
mkdir -p "$T/root2/run" "$T/root3/run/stopgap"
cp "$(helper pause)" "$T/root2/pause"
cp "$(helper pause)" "$T/root3/pause"
ln -s "$T/host" "$T/root2/run/stopgap"
ln -s "$T/host/status.sock" "$T/root3/run/stopgap/status.sock"
tar -C "$T/root2" -c . | dk import - links >/dev/null
tar -C "$T/root3" -c . | dk import - inner >/dev/null
dk run -d --network none links /pause >"$T/one"
dk run -d --network none inner /pause >"$T/two"
one=$(cat "$T/one") two=$(cat "$T/two")
ps_json
assert_json_eq "$T/ps.json" '.containers | map(.state)' '["unknown","unknown"]'
# the socket itself, where it should be: the same answer is believed
dk run -d --network none -v "$T/host:/run/stopgap" base /pause >"$T/one"
one=$(cat "$T/one")
ps_json
assert_json_eq "$T/ps.json" "$(of "$one") | .state" '"patched"'
ok "H6 no link of a container leads to a socket elsewhere"

done_testing
