# shellcheck shell=bash disable=SC2317 # wait_for calls them
# PID 1 restarts the service in place.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/init"

alive() { [ -e "/proc/$init" ]; }
# pids FILE   those of a PID namespace in FILE that still run
pids_left() {
	local p left=''
	while read -r p; do
		! nsenter -t "$init" -p -m kill -0 "$p" 2>/dev/null </dev/null || left+=" $p"
	done <"$1"
	echo "$left"
}
gap() { diag "gap of restart $1: $(sed -n "s/^restarted id=$1 ok .* gap=\([0-9]*\) .*/\1/p" "$D/log") ms"; }

# The same in every respect, with everything unusual.
show='n=$(wc -l <"$1/starts"); "$0" show >"$1/show.$n"; "$0" fds >"$1/fds.$n"; echo $$ >>"$1/starts"; exec sleep 300'
mkdir "$T/same"
chmod 777 "$T/same"
: >"$T/same/starts"
chmod 666 "$T/same/starts"
init_start --user daemon -- "$SERVICE" state sh -c "$show" "$SERVICE" "$T/same"
wait_for 10 file_lines "$T/same/starts" 1 || fail "it did not start"
say "restart 1"
heard 'restarted id=1 ok reason=7 gap=[0-9]+ pid=[1-9]'
wait_for 10 file_lines "$T/same/starts" 2 || fail "it did not start again"
say "restart 2"
heard 'restarted id=2 ok'
wait_for 10 file_lines "$T/same/starts" 3 || fail "it did not start again"
gap 1
gap 2
assert_file_has_content "$T/same/show.0" 'cwd /var/tmp nice 3'
assert_same_file "$T/same/show.1" "$T/same/show.0"
assert_same_file "$T/same/show.2" "$T/same/show.0"
heard 'state=running restarts=2'
assert_streq "$(grep -c 'child pid=[1-9].* state=running' "$D/log")" 3 "starts that the updater was told of"
kill -TERM "$init"
init_end
assert_status 143
ok "argv, environment, directory, ids, limits, masks, priorities are the same again"

listen() { # in the background: $! is unshare itself
	exec "${pid_one[@]}" env LISTEN_PID=1 LISTEN_FDS=2 "$INIT_RUN" --dir "$D" "$@" 3</etc/hostname 4</etc/passwd 5</etc/group
}
init_folder
: >"$T/same/starts"
listen --do "settings;ready;wait 300;restart 1" -- sh -c "$show" "$SERVICE" "$T/same" >"$D/out" 2>"$D/err" </dev/null &
unshare=$!
at_exit end_process $unshare "$(proc_start $unshare || echo gone)"
heard 'restarted id=1 ok'
wait_for 10 file_lines "$T/same/starts" 2 || fail "it did not start again"
for n in 0 1; do
	assert_file_has_content "$T/same/fds.$n" '^fd 3: /etc/hostname'
	assert_file_has_content "$T/same/fds.$n" '^fd 4: /etc/passwd'
done
assert_file_has_content "$T/same/fds.0" '^fd 5: /etc/group'
assert_not_file_has_content "$T/same/fds.1" '^fd 5:'
kill -KILL $unshare
ok "descriptors of socket activation are handed over again, others once"

# Workers, a daemon with its own session, an orphan: all are gone before the next start.
init_start -- "$SERVICE" family "$T/family"
wait_for 10 file_lines "$T/family" 4 || fail "the family is not complete"
head -n 4 "$T/family" >"$T/first"
assert_streq "$(pids_left "$T/first" | wc -w)" 4 "processes before"
say "restart 1"
heard 'restarted id=1 ok .* left=0'
assert_streq "$(pids_left "$T/first")" "" "processes of the first start that are left"
wait_for 10 file_lines "$T/family" 8 || fail "the second family is not complete"
gap 1
init_kill
ok "a restart ends double-forked daemons and orphans too"

init_start --do "settings timeout=300;ready" -- "$SERVICE" family "$T/stubborn" stubborn
wait_for 10 file_lines "$T/stubborn" 4 || fail "the family is not complete"
head -n 4 "$T/stubborn" >"$T/first"
say "restart 1"
heard 'restarted id=1 ok .* left=0'
assert_streq "$(pids_left "$T/first")" "" "processes that ignored SIGTERM and are left"
gap 1
init_kill
ok "who ignores the stop signal is killed when stop_timeout is over"

init_start --do "settings signal=12;ready" -- \
	sh -c 'echo $$ >>"$0"; trap "echo usr2 >>$0; exit 0" USR2; trap "" TERM; sleep 300 & wait' "$T/usr2"
wait_for 10 file_lines "$T/usr2" 1
say "restart 1"
heard 'restarted id=1 ok'
wait_for 10 file_lines "$T/usr2" 3 || fail "it did not start again"
assert_streq "$(sed -n 2p "$T/usr2")" usr2
kill -USR2 "$init"
heard 'stop grace'
init_end
assert_status 0
ok "restart.stop_signal; and a stop with it from outside is a stop"

# A stop from outside during the restart wins.
init_start --do "settings timeout=20000;ready" -- \
	sh -c 'echo x >>"$0"; trap "sleep 0.5; exit 6" TERM; while :; do sleep 0.1; done' "$T/slow"
wait_for 10 file_lines "$T/slow" 1
say "restart 1"
heard 'state=restarting'
kill -TERM "$init"
heard 'restarted id=1 stopped'
init_end
assert_status 6
assert_streq "$(wc -l <"$T/slow")" 1 starts
ok "docker stop during a restart ends the container, with the service's status"

init_start --do "settings timeout=20000;ready" -- "$SERVICE" family "$T/left" stubborn
wait_for 10 file_lines "$T/left" 4
say "restart 1"
heard 'state=restarting'
kill -KILL "$(main)"
heard 'child pid=0 .* state=restarting'
kill -TERM "$init"
init_end
assert_status 137
assert_file_has_content "$D/log" 'restarted id=1 stopped'
ok "also when the main process is gone already"

# The child's own end during the stop phase is not the container's; on its own, it is.
init_start -- sh -c 'echo x >>"$0"; trap "exit 3" TERM; sleep 300 & wait' "$T/exit3"
wait_for 10 file_lines "$T/exit3" 1
say "restart 1"
heard 'restarted id=1 ok'
wait_for 10 file_lines "$T/exit3" 2
alive || fail "the container ended"
kill -TERM "$init"
init_end
assert_status 3
ok "an exit in the stop phase is part of the restart, later it is the container's end"

# It dies right after the restart.
init_start -- sh -c 'echo x >>"$0"; [ "$(wc -l <"$0")" != 2 ] || exit 8; exec sleep 300' "$T/once"
wait_for 10 file_lines "$T/once" 1
say "restart 1"
heard 'restarted id=1 ok'
heard 'restarted id=1 died_again .* status=8 last=0'
heard 'state=running restarts=2'
wait_for 10 file_lines "$T/once" 3 || fail "it was not started again"
alive || fail "the container ended"
kill -TERM "$init"
init_end
assert_status 143
ok "a service that dies right after the restart is started again after a pause"

init_start --do "settings count=2 period=3600;ready" -- sleep 300
heard 'state=running'
say "restart 1"
heard 'restarted id=1 ok'
kill -KILL "$(updater)"
updaters 2
say "restart 2"
heard 'restarted id=2 ok'
m=$(main)
say "restart 3"
heard 'restarted id=3 refused_budget'
assert_streq "$(main)" "$m" "pid of the service"
alive || fail "the container ended"
kill -TERM "$init"
init_end
ok "the budget is PID 1's, whatever becomes of the updater"

init_start --do "settings timeout=1000;ready" -- sh -c 'echo up >>"$0"; trap "" TERM; while :; do sleep 0.2; done' "$T/busy"
wait_for 10 file_lines "$T/busy" 1
say "restart 1;restart 2"
heard 'restarted id=2 busy'
heard 'restarted id=1 ok'
ok "one restart at a time"

# The answer finds the updater that came after the one that asked.
wait_for 10 file_lines "$T/busy" 2
before=$(updater)
say "restart 3;exit 1"
heard 'state=restarting restarts=1'
heard 'restarted id=3 ok'
[ "$(updater)" != "$before" ] || fail "the updater is the same"
init_kill
ok "the outcome of a restart is told to the next updater"
done_testing
