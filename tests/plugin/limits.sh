# shellcheck shell=bash
# What a plugin can make the agent use: memory has a bound, whatever is sent; and what a signal, a second run and
# several plugins make of a run.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

# ------------------------------------------------------------------------------------------------------- memory

memory=$((128 * 1024 * 1024)) # the agent itself needs a tenth
deadline=20s
! grep -q __asan_init "$B/stopgap" || memory='' # a sanitizer reserves terabytes
for flood in 'bytes 2147483648' \
	'flood 100000 {"event":"log","id":@id,"level":"debug","message":"@[500:1234567@]"}' \
	'flood 4000000 {"event":"evidence","id":@id,"package":"p@n","cves":["CVE-2026-1"]}' \
	'flood 300000 {"event":"update","id":@id,"package":"p@n","arch":"amd64","installed":"1","candidate":"2"}' \
	'flood 300000 {"event":"kept_back","id":@id,"package":"p@n","arch":"a","candidate":"2","kept_back":{"code":"hold"}}' \
	'{"id":@id,"result":{"x":[@[349000:{}@]]}}' \
	'{"id":@id,"result":{"x":[@[65000:{}@]]}}' \
	'{"id":@id,"result":{"x":[@[520000:0@]]}}' \
	'flood 16 {"event":"log","id":@id,"level":"debug","message":"@[65000:1234567@]"}'; do
	for method in plan fetch; do
		printf 'on %s\n%s\n' $method "$flood" | plays
		[ $method = plan ] || sed -i '1i on plan\nupdate libssl3 3.0.1 3.0.2\nwell' "$B/fake.script"
		report once
		# within its limits, what nobody knows is passed over: then the run may even succeed
		assert_status 0 1
		assert_json "$R" '.error.code // "none" | IN("plugin_protocol", "none")'
		assert_gone
		ok "in 128 MiB, $method: ${flood:0:60}"
	done
done
memory='' deadline=1s

# ------------------------------------------------------------------------------------------------------ signals

# start_agent SECTION…   `once` in the background until the plugin is in that method; its pid is in $agent_pid
start_agent() {
	"$B/stopgap" once --output=json --set "report.state_dir=$T/state" --set updates.lock_timeout=0s >"$R" 2>"$T/err" &
	agent_pid=$!
	at_exit end_process "$agent_pid" "$(proc_start "$agent_pid")"
	wait_for 10 grep -q "\"method\":\"$1\"" "$B/fake.log"
}
# agent_ends   its exit status in $status, its time in $elapsed_ms
agent_ends() {
	local t0=${EPOCHREALTIME/./}
	status=0
	wait "$agent_pid" || status=$?
	elapsed_ms=$(((${EPOCHREALTIME/./} - t0) / 1000))
}

plays <<'EOF'
on plan
update libssl3 3.0.1 3.0.2
update openssl 3.0.1 3.0.2
well
on apply
hang
on term
{"id":@id,"result":{"applied":[{"package":"libssl3","arch":"amd64","version":"3.0.2"}],"stopped":true}}
stay
EOF
start_agent apply
kill -TERM "$agent_pid"
agent_ends
assert_error stopped
assert_applied libssl3
assert_json_eq "$R" '[.pending[].package]' '["openssl"]'
assert_streq "$(received | jq -sc 'map(.method) | .[-2:]')" '["verify","owner"]'
ok "SIGTERM in apply: the running set is finished, verified and reported, the rest is pending"

for method in probe refresh plan fetch; do
	printf 'on %s\nhang\n' $method | plays
	[ $method != fetch ] || sed -i '1i on plan\nupdate libssl3 3.0.1 3.0.2\nwell' "$B/fake.script"
	start_agent $method
	kill -INT "$agent_pid"
	agent_ends
	assert_report 1
	assert_json "$R" '.error.code | IN("plugin_died", "stopped")'
	assert_applied
	assert_le "$elapsed_ms" 2000 "milliseconds"
	ok "SIGINT in $method: over at once, one report"
done

# ------------------------------------------------------------------------------------------------- a second run

printf 'on probe\nhang\n' | plays
start_agent probe
cp "$R" "$T/first"
R=$T/second
run "$B/stopgap" check --output=json --set "report.state_dir=$T/state"
cp "$T/out" "$R"
assert_status 3
assert_json_eq "$R" '[.exit_code, (.blocked | map(.code))]' '[3,["busy"]]'
assert_json "$R" '.blocked[0].detail | contains("another stopgap run")'
ok "a second run is blocked: busy"
R=$T/out
plugin_pid=$(sed -n 's/^# start //p' "$B/fake.log" | head -n1)
plugin_start=$(proc_start "$plugin_pid")
kill -KILL "$agent_pid"
agent_ends
end_process "$plugin_pid" "$plugin_start" # it hangs by its script, and nobody else is left to end it
plays </dev/null
report once
assert_report 0
ok "a run that was killed leaves no lock behind"

# --------------------------------------------------------------------------------- killed in the middle of an apply

# cut_off   a run that is killed while it applies libssl3 and openssl
cut_off() {
	plays <<-'EOF'
	on plan
	update libssl3 3.0.1 3.0.2
	update openssl 3.0.1 3.0.2
	well
	on apply
	hang
	EOF
	start_agent apply
	kill -KILL "$agent_pid"
	agent_ends
	plugin_pid=$(sed -n 's/^# start //p' "$B/fake.log" | head -n1)
	end_process "$plugin_pid" "$(proc_start "$plugin_pid")"
	assert_exists "$T/state/approved.json"
}
one_missing='on verify 1
{"id":@id,"result":{"missing":[{"package":"openssl","arch":"amd64","version":"3.0.2","code":"not_applied"}],"database":{"packages":9,"state":"clean"}}}'

rm -rf "$T/state"
cut_off
plays <<<"$one_missing"
report check
assert_report 0
assert_applied
assert_exists "$T/state/approved.json"
report once
assert_report 0
assert_applied libssl3
assert_json "$R" '.applied[0] | .interrupted_run | test("^20[0-9-]*T[0-9:]*Z$")'
assert_json "$R" '.alarms | any(.code == "repaired" and (.detail | contains("1 of its 2")))'
assert_json_eq "$R" .ephemeral.lost_on_recreate '["libssl3=3.0.2"]'
assert_streq "$(received | jq -sc 'map(.method) | map(select(IN("repair", "verify", "refresh"))) | .[1:]')" \
	'["repair","verify","refresh"]'
assert_json_eq "$T/state/last.json" '[.applied[].package]' '["libssl3"]'
assert_json_eq "$T/state/metrics.json" .updates_applied 1
assert_not_exists "$T/state/approved.json"
plays <<<"$one_missing"
report once
assert_report 0
assert_applied
assert_json_eq "$R" .ephemeral.lost_on_recreate '["libssl3=3.0.2"]'
ok "what was in place after a run was killed in apply is booked by the next one, once"

# That run is killed as well, in its own apply: what it has found is in no report yet.
cut_off
plays <<<"$one_missing"'
on plan
update zlib1g 1 2
well
on apply
hang'
start_agent apply
kill -KILL "$agent_pid"
agent_ends
plugin_pid=$(sed -n 's/^# start //p' "$B/fake.log" | head -n1)
end_process "$plugin_pid" "$(proc_start "$plugin_pid")"
plays </dev/null
report once
assert_report 0
assert_applied libssl3 zlib1g
assert_json "$R" '[.applied[].interrupted_run] | unique | length >= 1 and all(. != null)'
assert_json_eq "$R" .ephemeral.lost_on_recreate '["libssl3=3.0.2","zlib1g=2"]'
assert_json_eq "$T/state/ledger.json" '[.updates[] | select(.package == "libssl3")] | length' 1
ok "a run that inherited and is killed leaves both"

cut_off
jq '.updates[0].package = "x; rm -rf /"' "$T/state/approved.json" >"$T/bad" && cp "$T/bad" "$T/state/approved.json"
plays </dev/null
report once
assert_report 0
assert_applied
assert_not_exists "$T/state/approved.json"
cut_off
jq '.host = "another"' "$T/state/approved.json" >"$T/bad" && cp "$T/bad" "$T/state/approved.json"
plays </dev/null
report once
assert_report 0
assert_applied
assert_not_exists "$T/state/approved.json"
cut_off
echo '{"host":1}' >"$T/state/approved.json"
plays </dev/null
report once
assert_report 0
assert_not_exists "$T/state/approved.json"
ok "what is no plan of this container is not believed"

rm -rf "$T/state"
cut_off
printf 'on verify 1\ndie 1\n' | plays
report once
assert_error plugin_died
assert_exists "$T/state/approved.json"
plays </dev/null
report once
assert_applied libssl3 openssl
ok "while the database cannot be asked it stays open"

# ---------------------------------------------------------------------------------------------- which plugin

bundle aaa bbb
no='on probe
{"id":@id,"result":{"applicable":false,"reason":"no @name here"}}'
plays aaa <<<"$no"
plays bbb </dev/null
report check
assert_report 0
assert_json_eq "$R" .plugin.name '"bbb"'
ok "plugins are asked in the order of their names; the first that applies is used"
plays bbb <<<"$no"
report check
assert_report 3
assert_json_eq "$R" '[.blocked[] | [.code, .detail]]' \
	'[["no_package_manager","aaa: no aaa here"],["no_package_manager","bbb: no bbb here"]]'
ok "when none applies, each says why"
plays aaa <<<$'on probe\ndie 1'
plays bbb </dev/null
report check
assert_error plugin_died
ok "one that fails is a failure, not a reason to try another"

# asked_first PLUGIN FOLDER…   it is this one where /var/lib has these
asked_first() {
	plays apt </dev/null
	run unshare --mount sh -c 'mount -t tmpfs none /var/lib && cd /var/lib && mkdir "$@" && { [ ! -d dpkg ] || : >dpkg/status; } &&
		exec "$0" check --output=json --set report.state_dir=/var/lib/state' "$B/stopgap" "${@:2}"
	assert_json_eq "$R" .plugin.name "\"$1\""
}
bundle apt rpm
asked_first rpm rpm
asked_first apt rpm dpkg
asked_first apt empty
ok "the rpm plugin is asked first where there is an rpm database alone"

done_testing
