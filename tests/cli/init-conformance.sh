# shellcheck shell=bash disable=SC2317 # each() calls them
# What users of tini and dumb-init rely on, from their documentation: each line of the list is put to `stopgap run`'s PID 1,
# to tini and to dumb-init.  Where one of them is known to differ, the line says so and why.  What the list leaves out has
# tests of its own: every exit status and signal, real-time values, orphans (init.sh), terminals (init-tty.sh).
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/init"

# An init and the words by which it knows an option.
inits=(stopgap tini dumb-init)
with() { # INIT OPTION…   the command in ${init_argv[@]}: -g, exit143 (143 is success), rewrite (TERM becomes QUIT)
	local init=$1 option
	shift
	case $init in
	stopgap) init_argv=("$INIT_RUN") ;;
	tini) init_argv=(tini) ;;
	dumb-init) init_argv=(dumb-init) ;; # a session of its own, which signals are for: -g is its default
	esac
	for option; do
		case $init:$option in
		stopgap:-g|tini:-g) init_argv+=(-g) ;;
		dumb-init:-g) ;;
		stopgap:exit143) init_argv+=(--remap 143:0) ;;
		tini:exit143) init_argv+=(-e 143) ;;
		stopgap:rewrite) init_argv+=(--rewrite TERM:QUIT) ;;
		dumb-init:rewrite) init_argv+=(--rewrite 15:3) ;;
		*) return 1 ;;
		esac
	done
	init_argv+=(--)
}

# as_pid_one CMD…   with the words of with() in $options: in a PID namespace, to its end
as_pid_one() {
	local t=$T/run.$init
	status=0
	timeout 60 unshare --fork --pid --mount-proc --kill-child "${init_argv[@]}" "$@" >"$t.out" 2>"$t.err" || status=$?
	out=$(cat "$t.out")
}

# signalled SIGNAL CMD…   as PID 1, until the command says "ready"; then the signal is sent to it
signalled() {
	local signal=$1 unshare pid='' t=$T/run.$init
	shift
	rm -f "$t.out"
	# what runs in the background has INT and QUIT ignored, which a shell cannot undo
	env --default-signal=INT,QUIT unshare --fork --pid --mount-proc --kill-child "${init_argv[@]}" "$@" \
		>"$t.out" 2>"$t.err" </dev/null &
	unshare=$!
	wait_for 20 grep -q ready "$t.out" || fail "$init: not ready"
	read -r pid _ <"/proc/$unshare/task/$unshare/children" || true
	kill "-$signal" "$pid"
	wait_for 20 not_running "$unshare" || {
		fail "$init: SIG$signal does not end it"
		kill -KILL "$unshare"
	}
	status=0
	wait "$unshare" || status=$?
	out=$(grep -v ready "$t.out" || true)
}

# each OPTION… -- WHAT COMMAND…   the command, which asserts, once for each init that has the options
each() {
	local options=() what init_argv=() init
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	what=$2
	shift 2
	for init in "${inits[@]}"; do
		if with "$init" ${options[@]+"${options[@]}"}; then
			"$@"
		fi
	done
	ok "$what"
}
gives() { assert_streq "$init: $out, exit $status" "$init: $1, exit $2"; }

status_passes() { as_pid_one sh -c 'exit 42'; gives '' 42; }
each -- "the exit status is the command's" status_passes

death_is_128_and_n() { as_pid_one sh -c 'kill -KILL $$'; gives '' 137; }
each -- "a command that dies of a signal: 128 and its number" death_is_128_and_n

not_found() { as_pid_one /nonexistent; [ "$init" = dumb-init ] || gives '' 127; [ "$status" != 0 ] || fail "$init: exit 0"; }
each -- "127 for a command that is not there (dumb-init: 2)" not_found

looks_in_path() { PATH=$PATH:/usr/games as_pid_one true; gives '' 0; }
each -- "the command is looked up in PATH" looks_in_path

arguments() { as_pid_one printf '[%s]' -g --help '' 'a b' '*' --; gives '[-g][--help][][a b][*][--]' 0; }
each -- "what follows the command is the command's, as it is" arguments

input() { as_pid_one cat <<<'from outside'; gives 'from outside' 0; }
each -- "standard input and its end are the command's" input

silent() { as_pid_one sh -c 'echo out; echo err >&2'; gives out 0; assert_streq "$(cat "$T/run.$init.err")" err "$init"; }
each -- "nothing is said that the command does not say" silent

not_pid_one() { as_pid_one sh -c '[ $$ != 1 ] && [ $PPID = 1 ] && echo child'; gives child 0; }
each -- "the command is a child, not PID 1" not_pid_one

replaced() { as_pid_one sh -c 'exec sh -c "exit 6"'; gives '' 6; }
each -- "a script that ends in exec keeps its place" replaced

orphan_status() { as_pid_one sh -c '(sh -c "exit 9" &) ; sleep 0.2; exit 4'; gives '' 4; }
each -- "an orphan's exit status is nobody's" orphan_status

no_zombies() {
	as_pid_one sh -c 'for i in 1 2 3 4 5; do (true &); done; i=0
		while grep -qs "^State:.Z" /proc/[0-9]*/status && [ $i -lt 100 ]; do sleep 0.1; i=$((i + 1)); done
		[ $i -lt 100 ] && echo none'
	gives none 0
}
each -- "orphans are reaped while the command runs" no_zombies

ends_with_command() { as_pid_one sh -c '(sleep 1000 &) ; exit 3'; gives '' 3; }
each -- "the container ends with its command, whatever else runs" ends_with_command

# The reason why there are inits: as PID 1 a program without handlers does not hear TERM.
default_action() { signalled TERM sh -c 'echo ready; exec sleep 1000'; gives '' 143; }
each -- "a signal that the command does not handle ends it" default_action

handled() { signalled TERM sh -c 'trap "echo bye; exit 5" TERM; echo ready; while :; do sleep 0.1; done'; gives bye 5; }
each -g -- "a command that handles TERM ends as it wants to, with its status" handled

interrupt() { signalled INT sh -c 'trap "echo interrupted; exit 0" INT; echo ready; while :; do sleep 0.1; done'; gives interrupted 0; }
each -- "INT is passed on" interrupt

waits() { signalled TERM sh -c 'trap "sleep 1; echo done; exit 0" TERM; echo ready; while :; do sleep 0.1; done'; gives 'done' 0; }
each -- "it waits for a command that takes its time to stop" waits

whole_group() { signalled TERM sh -c 'sh -c "trap \"echo worker; exit\" TERM; echo ready; while :; do sleep 0.1; done" & trap : TERM; wait; wait; exit 8'; gives worker 8; }
each -g -- "-g: a signal reaches what a shell has started" whole_group

success() { signalled TERM sh -c 'echo ready; exec sleep 1000'; gives '' 0; }
each exit143 -- "a remapped status: to be stopped is success (tini -e)" success

rewritten() { signalled TERM sh -c 'trap "echo quit; exit 0" QUIT; echo ready; while :; do sleep 0.1; done'; gives quit 0; }
each rewrite -- "a rewritten signal: TERM becomes QUIT (dumb-init --rewrite)" rewritten

nested() { as_pid_one "$INIT_RUN" -- dumb-init tini -s -- sh -c 'exit 7'; gives '' 7; }
each -- "an init in an init in an init: images bring their own" nested
nested_stop() { signalled TERM tini -s -- sh -c 'trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done'; gives '' 5; }
each -- "and signals reach the innermost command" nested_stop

done_testing
