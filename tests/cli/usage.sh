# shellcheck shell=bash
# The command line: help, version, and what is refused, with exit 2 and a sentence that says what is accepted.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

plays </dev/null
S=$B/stopgap

run "$S" --version
assert_status 0
assert_file_has_content "$T/out" '^stopgap [0-9]+\.[0-9]+\.[0-9]+$'
assert_streq "$(cat "$T/err")" "" "standard error"
run "$S" -V
assert_status 0
ok "--version"

run "$S" --help
assert_status 0
for word in once check config --config --set --output --dry-run --verbose --quiet --help --version 'Exit status'; do
	assert_file_has_content "$T/out" "(^|[ ,])$word"
done
assert_le "$(wc -L <"$T/out")" 120 "columns"
run "$S" once --help
assert_status 0
assert_file_has_content "$T/out" '^Usage: stopgap once '
assert_file_has_content "$T/out" '[-]-dry-run'
run "$S" check --help
assert_status 0
assert_not_file_has_content "$T/out" '[-]-dry-run'
ok "--help, of all and of a mode"

assert_not_exists "$B/fake.log"
ok "neither starts a plugin"

# refused ERE ARG…   exit 2, one line on standard error that matches, nothing on standard output
refused() {
	local want=$1
	shift
	run "$S" "$@"
	assert_status 2
	assert_streq "$(wc -l <"$T/err")" 1 "lines on standard error"
	assert_file_has_content "$T/err" "^stopgap: error: .*$want"
	assert_streq "$(cat "$T/out")" "" "standard output"
	assert_not_exists "$B/fake.log"
}
refused 'mode.*--help'
ok "no mode at all"
refused "no mode 'patch'; accepted: .*once.*check.*config" patch
ok "an unknown mode: the known ones are named"
refused "takes no further words" once twice
ok "a word too many"
refused "option '--colour'.*--help" once --colour
refused "option '-x'.*--help" -x once
ok "an unknown option"
refused "'--config'.*needs a value" once --config
refused "'--set'.*needs a value" --set
ok "an option without its value"
refused "--output=xml: accepted: text, json, nagios$" once --output=xml
refused "--output=xml: accepted: text, json, nagios, openmetrics$" --output=xml once
ok "an unknown form of output"
refused "mode 'check' has no option '--dry-run'" check --dry-run
refused "mode 'config' has no option '--dry-run'" config --dry-run
ok "an option of another mode"
refused "accepted: section.key=value" once --set updates
refused "accepted: section.key=value" once --set updates.deny
refused "no such setting.*stopgap config" once --set updates.colour=blue
refused "accepted: section.key=value" once --set =
refused "no such setting" once --set .=
ok "--set names a setting and a value"
refused "given twice" once --set updates.policy=all --set updates.policy=security
ok "--set says a thing once"
refused $'no mode .x\\\\x0ay' $'x\ny'
ok "control characters come back escaped"

plays <<<$'on plan\nupdate libssl3 3.0.1 3.0.2\nwell'
agent check --output=nagios
assert_status 2
assert_file_has_content "$T/out" '^STOPGAP CRITICAL - 1 security update.*\|pending=1;'
assert_streq "$(wc -l <"$T/out")" 1 "lines"
plays </dev/null
agent check --output=nagios
assert_status 0
assert_file_has_content "$T/out" '^STOPGAP OK - .*\|pending=0;'
plays <<<$'on probe\n{"id":@id,"error":{"code":"io","message":"a | bar\\\\x0a and more"}}'
agent check --output=nagios
assert_status 3
assert_streq "$(wc -l <"$T/out")" 1 "lines"
assert_streq "$(tr -cd '|' <"$T/out")" '|' "bars"
ok "nagios: one line, one bar, its own exit codes"

plays <<<$'on plan\nupdate libssl3 3.0.1 3.0.2\nwell'
agent once
assert_status 0
assert_file_has_content "$T/out" 'libssl3 +3\.0\.1 +3\.0\.2'
assert_file_has_content "$T/out" '^ok: 1 update'
assert_not_file_has_content "$T/out" $'\033'
assert_not_file_has_content "$T/err" $'\033|\r'
ok "text: a table, no colour nor progress line where there is no terminal"

agent check -q
assert_streq "$(cat "$T/err")" "" "standard error"
agent check -v
assert_file_has_content "$T/err" '^stopgap: '
ok "--quiet and --verbose"

run bash -c '"$0" check --set "report.state_dir=$1" >/dev/full' "$S" "$T/state"
assert_status 1
assert_file_has_content "$T/err" 'write to stdout'
ok "a report that cannot be written is said"

agent check --output=nagios --set updates.policy=x
assert_status 3
assert_file_has_content "$T/out" '^STOPGAP UNKNOWN - .*policy'
agent check --output nagios --bogus
assert_status 3
assert_file_has_content "$T/out" '^STOPGAP UNKNOWN - .*--bogus'
ok "a monitoring system gets its one line and UNKNOWN, never a critical state, for a wrong call"

agent config --set network.proxy=http://user:secret@proxy:3128
assert_file_has_content "$T/out" 'network.proxy = http://\*\*\*@proxy:3128'
assert_not_file_has_content "$T/out" secret
ok "a password is not shown"

run sh -c '"$1" config >/dev/full' - "$B/stopgap"
assert_status 1
ok "a report that could not be written is no success"

done_testing
