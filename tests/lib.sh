# shellcheck shell=bash
# The shell test layer: source it, call assertions, close each test with `ok NAME`, end with `done_testing`.
#
# An assertion that fails prints what it saw as TAP comments, marks the test it belongs to as failed, and returns 0, so
# the file goes on; `ok NAME` closes the test and prints one TAP line for all assertions since the last one.  Any other
# command that fails ends the file (set -e): that is a broken test, never a passed one.  What a test starts is ended by
# pid, newest first; the temporary folder $T goes too unless STOPGAP_KEEP=1.
#
# A file with the line "# own processes" sees no process of the machine: what stopgap says of processes is then of the
# test's own alone.
set -euo pipefail
umask 022
export LC_ALL=C.UTF-8 TZ=UTC
if [ "${own_processes-}" != yes ] && grep -qx '# own processes' "$0"; then
	exec env own_processes=yes unshare --pid --fork --mount-proc --kill-child bash "$0"
fi

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(dirname "$TESTS")
BUILD=${STOPGAP_BUILD:-$TOP}                       # build tree: stopgap, bundle/, tests/unit/
# shellcheck disable=SC2034 # used by tests
BUNDLE=${STOPGAP_BUNDLE:-$BUILD/bundle}
CACHE=${STOPGAP_CACHE:-/var/cache/stopgap-tests}   # what is made once and kept between runs
keep=${STOPGAP_KEEP-} no_skip=${STOPGAP_NO_SKIP-} only=${STOPGAP_ONLY-}
# shellcheck disable=SC2034 # used by tests
LONG=${STOPGAP_LONG-}                              # yes: the figures of a release, not those of every day
T=$(mktemp -d "${TMPDIR:-/tmp}/t.XXXXXX")          # short: sockets live in it
# The program reads STOPGAP_… as settings: it gets only what a test gives it.
# shellcheck disable=SC2086
unset "${!STOPGAP_@}"

tap_count=0 tap_bad=0 tap_failed=0 tap_skipped=0 tap_done=no
status=0 elapsed_ms=0
cleanups=()

# ---------------------------------------------------------------------------------------------------- TAP

diag() { printf '# %s\n' "$*"; }

# diag_file FILE [LINES]   the end of a file, as comments
diag_file() {
	if [ ! -e "$1" ]; then
		diag "$1: no such file"
	else
		diag "--- $1 ($(wc -c <"$1") bytes)"
		tail -n "${2:-40}" "$1" | cut -c1-2000 | sed 's/^/#   /'
	fi
}

# fail MESSAGE…   mark the current test as failed
fail() {
	local i
	tap_failed=1
	diag "FAILED: $*"
	for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
		[ "${BASH_SOURCE[i]##*/}" = lib.sh ] || {
			diag "  at ${BASH_SOURCE[i]##*/}:${BASH_LINENO[i - 1]}"
			break
		}
	done
}

# ok NAME   close a test
ok() {
	tap_count=$((tap_count + 1))
	if [ $tap_failed = 0 ]; then
		echo "ok $tap_count - $*"
	else
		echo "not ok $tap_count - $*"
		tap_bad=$((tap_bad + 1))
	fi
	tap_failed=0
}

skips_forbidden() { [ "${CI-}" = true ] || [ "$no_skip" = 1 ]; }

# row NAME COMMAND [ARG…]   the test NAME, which begins with its row of tests/faults/rows, and consists of this command.
#                           A mutant's run wants one test of a file, and all others are left out.
row() {
	local name=$1
	shift
	[[ $name == "$only"* ]] || return 0
	"$@"
	ok "$name"
}

# ok_skip NAME REASON   one test that cannot run here: loud, and a failure where skips are forbidden
ok_skip() {
	if skips_forbidden; then
		fail "skipped where skips are forbidden: $2"
		ok "$1"
	else
		tap_count=$((tap_count + 1)) tap_skipped=$((tap_skipped + 1)) tap_failed=0
		echo "ok $tap_count - $1 # SKIP $2"
		echo "SKIPPED: ${0##*/}: $1: $2" >&2
	fi
}

# skip REASON   the rest of the file cannot run here
skip() {
	ok_skip "the rest of ${0##*/}" "$*"
	done_testing
}

done_testing() {
	if [ $tap_failed = 1 ]; then
		ok "assertions after the last test"
	fi
	tap_done=yes
	echo "1..$tap_count"
	[ $tap_count -gt 0 ] || exit 1
	[ $tap_bad = 0 ] || exit 1
	exit 0
}

# ------------------------------------------------------------------------------------------------ cleaning up

# at_exit COMMAND [ARG…]   run at the end, last registered first
at_exit() {
	local q
	printf -v q '%q ' "$@"
	cleanups+=("$q")
}

# proc_start PID   start time of a process: pid and start time name it for ever
proc_start() {
	local s
	s=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	s=${s##*) }
	# shellcheck disable=SC2086
	set -- $s
	echo "${20}"
}

# end_process PID START   TERM, a second, KILL: only if it is still the process that was started
end_process() {
	local i
	for ((i = 0; i < 30; i++)); do
		[ "$(proc_start "$1" || true)" = "$2" ] || break
		case $i in
		0) kill "$1" 2>/dev/null || true ;;
		20) kill -KILL "$1" 2>/dev/null || true ;;
		esac
		sleep 0.05
	done
	wait "$1" 2>/dev/null || true
}

# start_bg LOG COMMAND [ARG…]   start a process that ends with the test; its pid is in $!
start_bg() {
	local log=$1
	shift
	"$@" >"$log" 2>&1 </dev/null &
	at_exit end_process $! "$(proc_start $! || echo gone)"
}

# wait_for SECONDS COMMAND [ARG…]   until the command succeeds
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

finish() {
	local rc=$? i
	trap - EXIT
	set +e
	if [ $tap_done = no ]; then
		[ $rc != 0 ] || rc=1
		{ # standard output may be redirected where it ended
			echo "Bail out! ${0##*/} ended early, exit $rc, after $tap_count tests"
			diag_file "$T/out" 20
			diag_file "$T/err" 20
		} >&2
	fi
	for ((i = ${#cleanups[@]} - 1; i >= 0; i--)); do
		eval "${cleanups[i]}"
	done
	if [ "$keep" = 1 ]; then
		diag "kept $T"
	else
		rm -rf --one-file-system "$T"
	fi
	exit "$rc"
}
trap finish EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'diag "line $LINENO of ${BASH_SOURCE[0]##*/}: $BASH_COMMAND: exit $?" >&2' ERR
set -E

# ------------------------------------------------------------------------------------------------- running

# run COMMAND [ARG…]   never ends the test: $status, $elapsed_ms, standard output in $T/out, standard error in $T/err
run() {
	local t0=${EPOCHREALTIME/./}
	status=0
	diag "\$ $*" | cut -c1-300
	"$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
	# shellcheck disable=SC2034
	elapsed_ms=$(((${EPOCHREALTIME/./} - t0) / 1000))
}

# rootfs [--tar] SUITE VARIANT   path of a cached root (see tests/testbed/rootfs)
rootfs() { STOPGAP_CACHE=$CACHE "$TESTS/testbed/rootfs" "$@"; }

# helper NAME   path of the static program made from tests/helpers/NAME.c
helper() {
	local src=$TESTS/helpers/$1.c bin
	bin=$CACHE/helpers/$1-$(sha256sum <"$src" | cut -c1-12)
	if [ ! -x "$bin" ]; then
		mkdir -p "$CACHE/helpers"
		"${CC:-cc}" -std=gnu17 -O2 -Wall -Wextra -static -o "$bin.$$" "$src" && mv "$bin.$$" "$bin"
	fi
	echo "$bin"
}

# ---------------------------------------------------------------------------------------------- assertions

# assert_status CODE…   the last `run` exited with one of these
assert_status() {
	local want
	for want; do
		[ "$status" != "$want" ] || return 0
	done
	fail "exit $status, expected $*"
	diag_file "$T/out"
	diag_file "$T/err"
}

# assert_streq GOT WANT [WHAT]
assert_streq() {
	[ "$1" = "$2" ] || fail "${3:-strings differ}: got '$1', expected '$2'"
}

# assert_le GOT MAX [WHAT]
assert_le() {
	[ "$1" -le "$2" ] || fail "${3:-value}: $1, at most $2 allowed"
}

assert_file_has_content() { # FILE ERE
	grep -Eq -e "$2" -- "$1" || {
		fail "$1 has no match for /$2/"
		diag_file "$1"
	}
}

assert_not_file_has_content() { # FILE ERE
	! grep -Eq -e "$2" -- "$1" || {
		fail "$1 matches /$2/: $(grep -Em3 -e "$2" -- "$1" | head -c 300)"
		diag_file "$1"
	}
}

assert_exists() { [ -e "$1" ] || fail "$1 does not exist"; }
assert_not_exists() { { [ ! -e "$1" ] && [ ! -L "$1" ]; } || fail "$1 exists"; }

# assert_same_file GOT WANT
assert_same_file() {
	cmp -s -- "$1" "$2" || {
		fail "$1 differs from $2"
		diff -u -- "$2" "$1" | head -40 | cut -c1-300 | sed 's/^/#   /' || true
	}
}

# assert_json FILE FILTER [JQ-OPTION…]   the filter gives true (and the file is one JSON document)
assert_json() {
	local file=$1 filter=$2 got
	shift 2
	got=$(jq -es "$@" "if length == 1 then .[0] else error(\"\(length) documents\") end | $filter" -- "$file" 2>&1) ||
		{ fail "$file: $filter gave ${got:0:500}"; diag_json "$file"; }
}

# assert_json_eq FILE FILTER WANT   the filter gives this, as compact JSON
assert_json_eq() {
	local got
	got=$(jq -c "$2" -- "$1" 2>&1) || true
	[ "$got" = "$3" ] || {
		fail "$1: $2 is ${got:0:2000}, expected $3"
		diag_json "$1"
	}
}

# diag_json FILE   the document, long lists shortened
diag_json() {
	jq '(.. | arrays | select(length > 12)) |= .[:12] + ["… \(length) in all"]' "$1" 2>/dev/null |
		head -150 | cut -c1-300 | sed 's/^/#   /' || diag_file "$1"
}
