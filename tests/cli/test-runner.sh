# shellcheck shell=bash
# What tests/run makes of test files that pass, fail, crash, skip, hang, break their plan or leave something behind.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../lib.sh"

mkdir -p "$T/tests/cli" "$T/tests/unit"
cp "$TESTS/run" "$TESTS/lib.sh" "$T/tests/"

# sample NAME TEXT   a test file of the tree that is run
sample() {
	printf '. "$(dirname "$0")/../lib.sh"\n%s\n' "$2" >"$T/tests/cli/$1.sh"
}
tests_run() {
	run env -u CI "$@" TMPDIR="$T" "$T/tests/run" --no-build "${names[@]}"
	tail -n1 "$T/out" >"$T/last"
}

sample pass 'ok one; ok two; done_testing'
names=(cli/pass)
tests_run A=
assert_status 0
assert_streq "$(cat "$T/last")" "2 passed, 0 failed"
assert_streq "$(wc -l <"$T/out")" 3
ok "a passing file is one line, and the count stands alone"

sample fail 'assert_streq got want "a value"; ok one; diag not shown; ok two; done_testing'
names=()
tests_run A=
assert_status 1
assert_streq "$(cat "$T/last")" "3 passed, 1 failed"
assert_file_has_content "$T/out" "a value: got 'got', expected 'want'"
assert_file_has_content "$T/out" 'at fail.sh:2'
assert_not_file_has_content "$T/out" 'not shown'
assert_file_has_content "$T/out" '^failed: cli/fail$'
ok "a failing test shows its own output"
rm "$T/tests/cli/fail.sh"

# one_bad NAME TEXT PATTERN   a file with this text fails, and says so
one_bad() {
	sample bad "$2"
	names=(cli/bad)
	tests_run "${4:-A=}"
	assert_status 1
	assert_file_has_content "$T/out" "$3"
	ok "$1"
	rm "$T/tests/cli/bad.sh"
}
one_bad "a command that fails ends the file" 'ok one; false; ok two; done_testing' 'Bail out'
one_bad "an undefined variable ends the file" 'ok one; echo $nothing; done_testing' 'Bail out'
one_bad "a missing done_testing" 'ok one' 'Bail out'
one_bad "exit 0 with a wrong plan" 'trap - EXIT; rm -r $T; echo ok 1; echo 1..2; exit 0' 'the plan says 2 tests, 1 ran'
one_bad "exit 0 with no plan" 'trap - EXIT; rm -r $T; echo ok 1; exit 0' '0 plans'
one_bad "an exit code without a failed test" 'trap - EXIT; rm -r $T; echo ok 1; echo 1..1; exit 9' 'exit 9'
one_bad "killed" 'trap - EXIT; rm -r $T; echo ok 1; echo 1..1; kill -SEGV $$' 'signal 11'
one_bad "no test in the file" 'trap - EXIT; rm -r $T; echo 1..0; exit 0' 'no test ran'
one_bad "numbers out of order" 'trap - EXIT; rm -r $T; echo ok 1; echo ok 3; echo 1..2; exit 0' 'test 2 is numbered 3'
one_bad "a folder left behind" 'ok one; mkdir $T.left; done_testing' 'left behind.*left'
one_bad "a hang" '# timeout: 1
ok one; sleep 30; done_testing' 'timed out'
one_bad "a skip where skips are forbidden" 'ok one; ok_skip two "no such kernel"; done_testing' 'skips are forbidden' CI=true

sample skipping 'ok one; skip "no such kernel"; ok two'
names=(cli/skipping)
tests_run A=
assert_status 0
assert_streq "$(cat "$T/last")" "1 passed, 0 failed, 1 skipped"
assert_file_has_content "$T/out" 'no such kernel'
ok "a skip is counted and shown"
rm "$T/tests/cli/skipping.sh"

printf '#!/bin/sh\necho ok 1 - x\necho 1..1\n' >"$T/tests/unit/test-x"
chmod +x "$T/tests/unit/test-x"
run "$T/tests/run" --list
assert_streq "$(tr '\n' ' ' <"$T/out")" "unit/x cli/pass "
names=(unit tests/cli/pass.sh)
tests_run A=
assert_status 0
assert_streq "$(cat "$T/last")" "3 passed, 0 failed"
names=(unit/nosuch)
tests_run A=
assert_status 2
ok "names pick groups and files; an unknown one is an error"

# Faults: only when they are named, with the rows of other files and the mutants.
mkdir -p "$T/tests/faults" "$T/tests/mutants" "$T/tests/testbed"
cp "$TESTS/testbed/matrix" "$T/tests/testbed/"
printf 'R1 One thing\nR2 Another\nR3 Nothing\n' >"$T/tests/faults/rows"
printf '# rows: R1 R2\n. "$(dirname "$0")/../lib.sh"\nrow "R1 a" true; row "R2 b" true; row "R2 c" assert_exists "$BUNDLE/checked"; done_testing\n' \
	>"$T/tests/faults/both.sh"
sample single 'ok x; ok y; done_testing'
sed -i '1i # rows: R1' "$T/tests/cli/single.sh"
mkdir "$T/bundle" "$T/killed" "$T/alive"
touch "$T/bundle/checked" "$T/alive/checked"
cat >"$T/tests/testbed/mutant" <<'X'
#!/bin/sh
dir=$(dirname "$0")/../..
if [ "$1" = list ]; then
	printf 'killed\tR2\tfaults/both R2 c\n'
	[ ! -e "$dir/alive.listed" ] || printf 'alive\tR2\tfaults/both R2 c\n'
else
	realpath "$dir/$2"
fi
X
chmod +x "$T/tests/testbed/mutant"
run "$T/tests/run" --list
assert_not_file_has_content "$T/out" 'faults|mutant'
names=(faults)
tests_run STOPGAP_BUNDLE="$T/bundle"
assert_status 0
assert_streq "$(cat "$T/last")" "6 passed, 0 failed"
assert_file_has_content "$T/tests/FAULTS" '^R1 +3 +3 +0 +0 +0  One thing$'
assert_file_has_content "$T/tests/FAULTS" '^R2 +2 +2 +0 +1 +1  Another$'
assert_file_has_content "$T/tests/FAULTS" '^R3 +0 +0 +0 +0 +0  Nothing$'
assert_file_has_content "$T/tests/FAULTS" "^Written by tests/run faults on $(date -u +%Y)"
ok "faults: rows of all files, mutants that a test kills, and the matrix"
touch "$T/alive.listed"
names=(faults)
tests_run STOPGAP_BUNDLE="$T/bundle"
assert_status 1
assert_file_has_content "$T/out" 'it lives: no test of faults/both that begins with "R2 c" fails'
assert_file_has_content "$T/tests/FAULTS" '^R2 +2 +2 +0 +2 +1 '
rm "$T/bundle/checked"
names=(faults/both)
tests_run STOPGAP_BUNDLE="$T/bundle"
assert_status 1
assert_streq "$(cat "$T/last")" "2 passed, 1 failed"
ok "faults: a mutant that lives, or a test that fails, is a failure"
rm -r "$T/tests/faults" "$T/tests/mutants" "$T/tests/cli/single.sh"

sample daemon 'start_bg $T/log sleep 4711; echo $! >"$TMPDIR/../../../pid"; ok one; done_testing'
names=(cli/daemon)
tests_run A=
assert_status 0
assert_not_exists "/proc/$(cat "$T"/pid)"
ok "what a test started ends with it"

done_testing
