# shellcheck shell=bash disable=SC2317 # wait_for calls them
# rows: I2
# PID 1 on a terminal: the service is its foreground job, and job control works around and inside it.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/init"
PTY=$(helper pty)

# tty CMD ARG…   on a terminal, with the script on standard input; output in $T/out
tty() {
	status=0
	diag "on a terminal: $*"
	"$PTY" "$@" >"$T/out" 2>&1 || status=$?
	[ "$status" != 99 ] || diag_file "$T/out"
}
# as_pid_one   …leading a session with that terminal, as engines start it
as_pid_one=("${pid_one[@]}" setsid --ctty)

cat >"$T/fore" <<'X'
#!/bin/bash
read -r _ _ _ _ group _ _ fore _ </proc/self/stat
[ "$group" = "$fore" ] && echo foreground || echo background
trap 'echo got INT' INT
trap 'echo got WINCH' WINCH
echo go
while read -r line; do
	echo "<$line>"
	[ "$line" != stop ] || kill "$PPID"
done
echo end of input
exit 9
X
cat >"$T/job" <<'X'
#!/bin/bash
where() {
	read -r _ _ _ _ group _ _ fore _ </proc/self/stat
	[ "$group" = "$fore" ] && echo "now in front" || echo "now behind"
}
trap where CONT
trap 'exit 130' INT
where
while :; do
	read -r _ _ _ _ parents _ _ fore _ <"/proc/$PPID/stat"
	read -r _ _ _ _ own _ </proc/self/stat
	[ "$fore" != "$parents" ] && [ "$fore" != "$own" ] || echo "called to the front"
	sleep 0.2
done
X
cat >"$T/later" <<'X'
#!/bin/bash
# reads when its parent's group, or its own, has been put in front
until
	read -r _ _ _ _ parents _ _ fore _ <"/proc/$PPID/stat"
	read -r _ _ _ _ own _ </proc/self/stat
	[ "$fore" = "$parents" ] || [ "$fore" = "$own" ]
do sleep 0.05; done
read -r line
echo "<$line>"
X
chmod 755 "$T/fore" "$T/job" "$T/later"

# ^C goes to the service alone, ^D ends its input, ^Z stops it for ever neither as PID 1…
tty "${as_pid_one[@]}" "$INIT_RUN" -- "$T/fore" <<'X'
see foreground
see go
keys ^C
see got INT
type one
see <one>
keys ^Z
type two
see <two>
keys ^D
see end of input
X
assert_status 9
ok "PID 1 on a terminal: the service is in the foreground; ^C, ^D reach it, ^Z does not strand it"

# …nor as the leader of a session that nobody controls.
tty "$INIT_RUN" -- "$T/fore" <<'X'
see foreground
see go
keys ^Z
type two
see <two>
keys ^C
see got INT
keys ^D
see end of input
X
assert_status 9
ok "so too as the leader of a session"

# A shell with job control starts us: ^Z, fg, bg.
shell=(env PS1='$ ' bash --norc --noprofile --noediting -i)
tty "${shell[@]}" <<X
see $
type '$INIT_RUN' -- '$T/fore'
see foreground
see go
keys ^Z
see Stopped
type echo shell is back
see shell is back
see $
type fg
type three
see <three>
keys ^C
see got INT
keys ^D
see end of input
type echo status \$?
see status 9
type '$INIT_RUN' -- '$T/job'
see now in front
keys ^Z
see Stopped
type bg
see now behind
type jobs
see Running
type fg
see called to the front
keys ^C
type echo status \$?
see status 130
type '$INIT_RUN' -- '$T/later' &
see $
type fg
see later
type five
see <five>
type exit
X
assert_status 0
ok "under a shell: ^Z stops the job, fg and bg go on with it, in the foreground or not"

# "fg" of a job that runs may say nothing: then reading is what tells us.
for front in "" pid-one; do
	# shellcheck disable=SC2086 # nothing, or all of it
	tty ${front:+"${as_pid_one[@]}"} "$INIT_RUN" -- "$SERVICE" back <<'X'
type one
see <one>
X
	assert_status 7
done
ok "a service that reads while we have the terminal is given it"

# In the background it leaves the terminal alone.
tty "${shell[@]}" <<X
see $
type '$INIT_RUN' -- sh -c 'read -r _ _ _ _ g _ _ f _ </proc/self/stat; [ \$g = \$f ] && echo it "was" in front || echo it "was" behind' & wait
see it was behind
type echo still here
see still here
type exit
X
assert_status 0
ok "started in the background, it does not take the terminal"

# An interactive shell as the service has its own job control.
tty "${as_pid_one[@]}" "$INIT_RUN" -- "${shell[@]}" <<'X'
see $
type cat
type echoed
see echoed
see echoed
keys ^Z
see Stopped
type fg
type again
see again
see again
keys ^C
see $
type exit 6
X
assert_status 6
assert_not_file_has_content "$T/out" 'no job control'
ok "a shell as the service has job control"

# After a restart in place the terminal is the service's again.
init_folder
tty "${as_pid_one[@]}" "$INIT_RUN" --dir "$D" --do "settings;ready;wait 500;restart 1" -- "$T/fore" <<'X'
see foreground
see go
see foreground
see go
type one
see <one>
keys ^C
see got INT
type stop
X
assert_status 143
ok "a restarted service is in the foreground again"
assert_file_has_content "$D/log" 'restarted id=1 ok'
ok "and that was a restart in place"

# Before the service starts, the terminal is ours.
init_folder
tty "${as_pid_one[@]}" "$INIT_RUN" --dir "$D" --do "settings" -- "$T/fore" < <(
	heard waiting
	echo 'keys ^C'
)
assert_status 130
ok "^C before the start ends the wait"
done_testing
