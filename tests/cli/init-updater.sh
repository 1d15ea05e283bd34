# shellcheck shell=bash disable=SC2317 # wait_for calls them
# rows: I5
# PID 1 and the updater beside it: before the start, at the end, and when it dies, hangs or lies.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/init"

started() { wait_for 10 test -e "$T/started" || fail "the service did not start"; }
not_started() { assert_not_exists "$T/started"; }
service=(sh -c 'echo $$ >"$0"; exec sleep 300' "$T/started")
again() { rm -f "$T/started"; }

init_start --do settings -- "${service[@]}"
heard 'child pid=0 .* state=waiting'
not_started
say ready
started
heard 'child pid=[0-9]+ start=[0-9]+ state=running restarts=0'
assert_streq "$(sed -n 's/.*child pid=\([1-9][0-9]*\) .*/\1/p' "$D/log")" "$(cat "$T/started")" "the pid it was told"
ok "the service starts when the updater says that it may"

u=/proc/$(updater)
assert_streq "$(cat "$u/oom_score_adj")" 1000 oom_score_adj
assert_streq "$(awk '{ print $6, $19, $41 }' "$u/stat")" "$(awk '{ print $1, 10, 3 }' "$u/stat")" "session, nice, policy"
assert_file_has_content "$u/status" '^SigBlk:	0000000000000000$'
assert_file_has_content "$u/status" '^SigIgn:	0000000000000000$'
assert_streq "$(readlink "$u/cwd")" / cwd
assert_streq "$(readlink "$u/fd/0")" /dev/null stdin
m=/proc/$(main)
assert_streq "$(awk '{ print $19, $41 }' "$m/stat")" "0 0" "nice and policy of the service"
assert_streq "$(cat "$m/oom_score_adj")" "$(cat /proc/$$/oom_score_adj)" "oom_score_adj of the service"
ok "the updater stands back, the service does not"

kill -TERM "$init"
init_end
assert_status 143
assert_streq "$(tail -n 2 "$D/log" | paste -sd ,)" "stop grace=8000,bye"
ok "docker stop: the updater is told to stop, beside the service"

again
init_start --do "settings;slow 700" -- "${service[@]}"
heard waiting
kill -INT "$init"
heard bye
init_end
assert_status 130
not_started
ok "docker stop before the start: the running set ends, nothing starts, 128+n"

again
init_start --do "settings grace=300;deaf" -- "${service[@]}"
heard waiting
kill -TERM "$init"
heard 'stop grace=300'
init_end
assert_status 143
ok "an updater that does not stop is waited for no longer than shutdown_grace"

init_run --do "settings;ready;slow 500" -- sh -c 'exit 4'
assert_status 4
assert_streq "$(tail -n 1 "$D/log")" bye
init_run --do "settings grace=200;ready;deaf" -- sh -c 'exit 4'
assert_status 4
assert_le "$elapsed_ms" 5000 "ms"
ok "when the service ends, the updater ends its running set, within the same grace"

# Before the start, bounded.
again
init_start --do "settings before=300 grace=300;deaf" -- "${service[@]}"
heard '^deadline$'
started
ok "at the deadline of before_start the updater is told, and then the service starts anyway"
again
init_start --before 1 --do "settings before=60000" -- "${service[@]}"
heard '^deadline$'
not_started
say ready
started
ok "--before-start goes before the configuration; a set that ends in time is waited for"
again
init_start --before 0 --do "" -- "${service[@]}"
started
again
init_start --do "settings before=0" -- "${service[@]}"
started
ok "never: the service does not wait"
again
init_start --do "settings;exit 1" -- "${service[@]}"
started
again
init_start --do "crash" -- "${service[@]}"
started
ok "an updater that dies twice does not keep the service from starting"

again
init_run --do "failed 2" -- "${service[@]}"
assert_status 2
not_started
again
init_start --first "crash" --do "failed 2;exit 2" -- "${service[@]}"
started
again
init_start --do "settings;failed 2;ready" -- "${service[@]}"
started
ok "a wrong configuration ends it before the start, but only if the first updater says so, first"

# What a taken-over updater can do.
for word in garbage short "failed 0" "settings signal=0" "settings signal=65" "settings signal=-9" "settings count=65" \
	"settings period=0" "settings timeout=4000000000"; do
	again
	init_start --first "settings;ready;wait 1000;$word;wait 60000" --pause 100 -- "${service[@]}"
	started
	before=$(updater)
	replaced() { [ "$(updater)" != none ] && [ "$(updater)" != "$before" ]; }
	wait_for 10 replaced || fail "an updater that said '$word' lives"
	heard 'child pid=[1-9].* state=running'
	assert_exists "/proc/$(main)"
	kill -KILL "$(main)"
	init_end
	assert_status 137
done
ok "an updater that breaks the rules is killed and replaced; the service never notices"

again
init_start --pause 5 -- "$SERVICE" echo "$T/socket"
wait_for 10 test -S "$T/socket"
m=$(main)
run "$SERVICE" siege "$init" 1000 "$T/socket"
diag "$(cat "$T/out")"
assert_status 0
assert_file_has_content "$T/out" '^killed 1000 asked [0-9]+ failed 0$'
assert_streq "$(main)" "$m" "pid of the service"
kill -TERM "$init"
init_end
assert_status 143
ok "the updater is killed 1,000 times: the service answers all the while"

# Told to stop, and the service lives on: no updater for a minute, and no restart either.
init_start --do "settings;ready" -- sh -c 'trap "" INT; echo up; sleep 300 & wait; wait'
heard running
kill -INT "$init"
heard bye
alone() { [ "$(updater)" = none ]; }
wait_for 5 alone || fail "an updater runs"
kill -KILL "$(main)"
init_end
assert_status 137
ok "a service that survives the signal ends as ever"
done_testing
