# shellcheck shell=bash disable=SC2317 # wait_for calls them
# rows: I1 I2 I3 I4
# PID 1 as an init: exit statuses, signals, orphans, and a child that cannot tell.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/init"

bad=
for n in {0..255}; do
	init_run --before $((n % 2)) -- sh -c "exit $n" >"$T/diag"
	[ "$status" = "$n" ] || bad+=" $n:$status"
done
assert_streq "$bad" "" "statuses that differ"
ok "I1 256 exit statuses pass through"

bad=
for n in {1..15} 16 24 25 26 27 29 30 31 {34..64}; do
	init_run --before 0 -- "$SERVICE" die "$n" >"$T/diag"
	[ "$status" = $((128 + n)) ] || bad+=" $n:$status"
done
assert_streq "$bad" "" "signals whose status differs"
ok "I1 a service that dies of a signal: 128+n, for every signal"

init_run -- /nonexistent/command
assert_status 127
assert_streq "$(cat "$T/err")" "stopgap: execute '/nonexistent/command': No such file or directory"
init_run -- no-such-command-anywhere
assert_status 127
init_run -- /etc/passwd
assert_status 126
assert_file_has_content "$T/err" "execute '/etc/passwd': Permission denied"
init_run -- /etc
assert_status 126
# the leak checker of a sanitizer build needs a process of its own
run env ASAN_OPTIONS=detect_leaks=0 prlimit --nproc=1 setpriv --reuid 65534 --regid 65534 --clear-groups "$INIT_RUN" -- true
assert_status 126
assert_streq "$(cat "$T/err")" "stopgap: fork for 'true': Resource temporarily unavailable"
ok "I1 126 and 127 when it cannot be executed, with the reason"

init_run --remap 143:0 --remap 7:9 -- "$SERVICE" die 15
assert_status 0
init_run --remap 143:0 --remap 7:9 -- sh -c 'exit 7'
assert_status 9
init_run --remap 143:0 --remap 7:9 -- sh -c 'exit 8'
assert_status 8
ok "I1 exit statuses are remapped"

# Every signal that can be caught, from outside; the service's handler writes what came.
init_start --do "settings;ready;deaf" -- "$SERVICE" signals "$T/signals"
wait_for 10 grep -q ready "$T/signals"
for n in {1..8} {10..16} 18 {20..31} {34..64}; do
	kill -"$n" "$init"
	wait_for 5 grep -qx "$n 0" "$T/signals" || fail "signal $n did not arrive"
done
assert_streq "$(grep -c ' ' "$T/signals")" 59 "signals that arrived"
ok "I2 every signal is passed on, once"
for n in 3 1 2; do
	"$SERVICE" queue "$init" 40 $((n * 1000))
done
wait_for 5 grep -qx "40 2000" "$T/signals" || fail "a queued signal was lost"
assert_streq "$(sed -n 's/^40 \([1-9].*\)/\1/p' "$T/signals" | paste -sd ' ')" "3000 1000 2000" "values of queued signals"
kill -CHLD "$init"
kill -USR1 "$init"
wait_for 5 sh -c "[ \$(grep -cx '10 0' $T/signals) = 2 ]" || fail "USR1 after CHLD"
assert_streq "$(grep -c '^17 ' "$T/signals" || true)" 0 "SIGCHLD that were passed on"
ok "I2 real-time signals keep value and order; SIGCHLD is ours"
kill -KILL "$(main)"
init_end
assert_status 137
ok "I1 SIGKILL of the service ends PID 1 with 137"

init_start --rewrite TERM:QUIT --rewrite HUP:0 --rewrite USR1:RTMIN+3 -- "$SERVICE" signals "$T/rewritten"
wait_for 10 grep -q ready "$T/rewritten"
kill -HUP "$init"
kill -TERM "$init"
kill -USR1 "$init"
kill -USR2 "$init"
wait_for 5 grep -qx '12 0' "$T/rewritten" || fail "USR2 did not arrive"
wait_for 5 grep -qx '37 0' "$T/rewritten" || fail "USR1 did not arrive as RTMIN+3"
assert_streq "$(sort -n "$T/rewritten" | paste -sd ,)" "ready,3 0,12 0,37 0" "signals that arrived"
kill -KILL "$(main)"
init_end
ok "I2 signals are rewritten, and dropped"

for group in "" -g; do
	# shellcheck disable=SC2086
	init_start $group -- sh -c '"$0" signals "$1" & exec "$0" signals "$2"' "$SERVICE" "$T/worker$group" "$T/main$group"
	wait_for 10 grep -q ready "$T/main$group"
	wait_for 10 grep -q ready "$T/worker$group"
	kill -USR1 "$init"
	kill -USR2 "$init"
	wait_for 5 grep -qx '12 0' "$T/main$group" || fail "USR2 did not arrive"
	[ -z "$group" ] || wait_for 5 grep -qx '12 0' "$T/worker$group" || fail "USR2 did not reach the group"
	kill -KILL "$(main)"
	init_end
done
assert_streq "$(grep -c ' ' "$T/worker" || true)" 0 "signals of the worker without -g"
assert_streq "$(grep -c ' ' "$T/worker-g")" 2 "signals of the worker with -g"
ok "I2 -g: signals are for the group"

init_start -- "$SERVICE" orphans 10000
wait_for 30 grep -q left "$D/out"
t0=${EPOCHREALTIME/./}
few() { [ "$(children | wc -w)" -le 2 ]; }
wait_for 20 few || fail "$(children | wc -w) children are left"
diag "10000 orphans were gone $(((${EPOCHREALTIME/./} - t0) / 1000)) ms after the last"
assert_le $(((${EPOCHREALTIME/./} - t0) / 1000)) 1000 "ms until 10000 orphans were reaped"
kill -TERM "$init"
init_end
assert_status 143
ok "I3 10,000 orphans are reaped within a second"

plain=(unshare --fork --pid --mount-proc)
# The same program with and without us, everything that can be inherited being unusual.
env=(env -i PATH="$PATH" HOME=/root "ODD=a b" "LC_ALL=C" "LISTEN_PID=4711" EMPTY=)
"${env[@]}" "${plain[@]}" "$SERVICE" state "$SERVICE" show >"$T/show.without" 2>&1 </dev/null
"${env[@]}" "${plain[@]}" "$SERVICE" state "$INIT_RUN" -- "$SERVICE" show >"$T/show.with" 2>&1 </dev/null
assert_file_has_content "$T/show.without" 'SigIgn:	0*[1-9]'
assert_file_has_content "$T/show.without" 'SigBlk:	0*[1-9]'
assert_file_has_content "$T/show.without" 'cwd /var/tmp nice 3'
assert_same_file "$T/show.with" "$T/show.without"
"${plain[@]}" "$SERVICE" state "$SERVICE" fds >"$T/fds" 2>/dev/null </dev/null
cp "$T/fds" "$T/fds.without"
"${plain[@]}" "$SERVICE" state "$INIT_RUN" -- "$SERVICE" fds >"$T/fds" 2>/dev/null </dev/null
assert_file_has_content "$T/fds.without" 'fd 7: /dev/zero'
assert_same_file "$T/fds" "$T/fds.without"
ok "I4 what the service inherits is what it would have inherited without us"

init_start -- "$SERVICE" state "$SERVICE" signals "$T/plain"
wait_for 10 grep -q ready "$T/plain"
assert_streq "$(readlink "/proc/$init/cwd")" / "PID 1's working directory"
assert_streq "$(find "/proc/$init/fd" -type l | wc -l)" 5 "PID 1's descriptors"
kill -KILL "$(main)"
init_end
ok "I4 PID 1 keeps no folder busy and no descriptor open"

# Socket activation: the descriptors are the service's, under its own pid.
listen() { "${pid_one[@]}" env LISTEN_PID=1 LISTEN_FDS=2 "$@" 3</etc/debian_version 4</etc/passwd 5</etc/group; }
listen "$INIT_RUN" -- "$SERVICE" show >"$T/out"
assert_file_has_content "$T/out" '^LISTEN_PID is mine$'
listen "$INIT_RUN" -- "$SERVICE" fds >"$T/out"
assert_file_has_content "$T/out" '^fd 3: /etc/debian_version'
assert_file_has_content "$T/out" '^fd 4: /etc/passwd'
LISTEN_PID=1 "$INIT_RUN" -- "$SERVICE" show >"$T/out" </dev/null
assert_file_has_content "$T/out" "^LISTEN_PID is another's"
ok "I4 LISTEN_PID is the service's when it was ours"

cp "$INIT_RUN" "$T/init-run" # where nobody may read it
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
init_run --user nobody -- sh -c 'id -u; id -g; id -G; echo $HOME; grep CapEff /proc/self/status'
assert_status 0
assert_streq "$(paste -sd ' ' "$T/out")" "65534 65534 65534 /nonexistent CapEff:	0000000000000000"
HOME=/elsewhere init_run --user 12:34 -- sh -c 'id -u; id -g; id -G; echo $HOME; grep CapPrm /proc/self/status'
assert_streq "$(paste -sd ' ' "$T/out")" "12 34 34 /elsewhere CapPrm:	0000000000000000"
ok "I4 --user: ids, groups, no capabilities, and HOME when it still is root's"
# what an engine does for its own --user, and a person at a shell would not like done to files
"${pid_one[@]}" "$INIT_RUN" --user nobody -- sh -c 'echo again >/dev/stdout' | cat >"$T/again"
assert_streq "$(cat "$T/again")" again
init_run --user nobody -- true
assert_streq "$(stat -c %u "$T/out" /dev/null | paste -sd ' ')" "0 0" "owners"
ok "I4 --user: standard output can be opened again"
for user in nosuch 1: -1 4294967296; do
	init_run --user "$user" -- touch "$T/started"
	assert_status 2
	assert_file_has_content "$T/err" -- '--user'
done
run "${nobody[@]}" "$T/init-run" --user root -- touch "$T/started"
assert_status 2
assert_file_has_content "$T/err" 'only root can start the service as another user'
assert_not_exists "$T/started"
run "${nobody[@]}" "$T/init-run" --user nobody -- id -u
assert_status 0
assert_streq "$(cat "$T/out")" 65534
run "${nobody[@]}" "$T/init-run" -- sh -c 'exit 5'
assert_status 5
ok "--user that cannot be is a usage error; without root it is an init all the same"

# Not PID 1: orphans still come to us; the parent's death is a signal.
"$INIT_RUN" -- sh -c 'sh -c "sleep 301 & true"; exec sleep 302' </dev/null >"$T/out" 2>&1 &
init=$!
at_exit end_process $init "$(proc_start $init)"
three() { [ "$(children | wc -w)" = 3 ]; }
wait_for 10 three || fail "children: $(children)"
orphan=
for c in $(children); do
	[ "$(tr '\0' ' ' <"/proc/$c/cmdline")" != "sleep 301 " ] || orphan=$c
done
[ -n "$orphan" ] || fail "the orphan did not come to us"
kill -TERM "$init"
status=0
wait "$init" || status=$?
assert_status 143
assert_exists "/proc/${orphan:-none}"
kill -KILL "$orphan"
ok "I3 as another process: a subreaper, which leaves the service's orphans alone at the end"
bash -c '"$1" -p USR1 -- "$2" signals "$3" </dev/null >/dev/null 2>&1 & until grep -q ready "$3" 2>/dev/null; do :; done; echo $!' \
	bash "$INIT_RUN" "$SERVICE" "$T/death" >"$T/pid"
init=$(cat "$T/pid")
wait_for 10 grep -qx '10 0' "$T/death" || fail "no signal when the parent died"
# shellcheck disable=SC2046 # a list of pids
kill -KILL $(children)
gone() { [ ! -e "/proc/$init" ]; }
wait_for 10 gone || fail "PID 1's double is left"
ok "I2 -p: a signal when the parent dies"

# What may fail for want of memory is nothing that PID 1 does: its objects call no function that allocates.  What is said
# before anything runs may.
calls=$(cd "$BUILD/agent" && nm --undefined-only --format=just-symbols init.o initstate.o initpeer.o initlink.o child.o descend.o | grep -v ^__asan)
assert_streq "$(grep -Ec '^(poll|waitpid|fork|execvp)$' <<<"$calls")" 5 "calls that it does make"
assert_streq "$(grep -E '(alloc|strdup|asprintf|out_of_memory|^buf_|^log_|^opendir|^scandir|^fopen|^fdopen|^setenv|^putenv|^json_|^event_)' \
	<<<"$calls" | sort -u | paste -sd ' ')" log_err "calls that could allocate"
ok "PID 1 allocates nothing"
done_testing
