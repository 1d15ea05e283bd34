# shellcheck shell=bash
# Configuration: file, environment and command line, where each value came from, and what is refused: file, line and the
# accepted values, exit 2, and nothing is started.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

plays </dev/null
S=$B/stopgap
C=$T/stopgap.conf

# config TEXT [ARG…]   `stopgap config` of a file with this text
config() {
	printf '%b' "$1" >"$C"
	shift
	run "$S" config --config "$C" "$@"
}
# value KEY WANT   a line of its output: value and origin
value() {
	assert_streq "$(grep "^$1 = " "$T/out")" "$1 = $2"
}

config ''
assert_status 0
value updates.policy 'security    (default)'
value schedule.interval '21600s    (default)'
value network.max_bytes '2147483648    (default)'
value trust.require_signed 'yes    (default)'
value report.socket_mode '0600    (default)'
value report.state_dir '/var/lib/stopgap    (default)'
ok "defaults"

# every key of the design is there, and no other goes unnoticed
assert_streq "$(sed 's/ = .*//' "$T/out" | cut -d. -f1 | uniq | tr '\n' ' ')" \
	'updates schedule restart health hooks network trust report cves watch host ' sections
run "$S" config --config "$C" --output=json
assert_status 0
assert_json "$T/out" 'keys | length > 30'
assert_json "$T/out" 'all(.[]; has("value") and .origin == "default")'
ok "as JSON too"

config '# comment\n; comment\n\n[updates]\npolicy = all\nmin_age=2d\n[network]\r\nmax_bytes = 500M\nproxy = http://p.example:1/#x ;y\n'
assert_status 0
value updates.policy "all    ($C:5)"
value updates.min_age "172800s    ($C:6)"
value network.max_bytes "524288000    ($C:8)"
value network.proxy "http://p.example:1/#x ;y    ($C:9)"
ok "a file: each value with its line; # and ; begin comments only at the start of a line"

config '[updates]\ndeny = linux-.* foo\ndeny = bar\norigins = origin=Debian,label=A B\norigins = origin=X\n' --output=json
assert_json_eq "$T/out" '.["updates.deny"].value' '["linux-.*","foo","bar"]'
assert_json_eq "$T/out" '.["updates.origins"].value' '["origin=Debian,label=A B","origin=X"]'
ok "lists may repeat"

config '[updates]\npolicy = all\nmin_age = 1d\ndeny = a b\nmin_severity = low\n' --output=json
assert_json_eq "$T/out" '.["updates.min_age"].value' '"86400s"'
STOPGAP_UPDATES_MIN_AGE=3d STOPGAP_UPDATES_DENY='c' STOPGAP_UPDATES_MIN_SEVERITY=critical \
	config '[updates]\npolicy = all\nmin_age = 1d\ndeny = a b\nmin_severity = low\n' --set updates.min_age=5d
assert_status 0
value updates.policy "all    ($C:2)"
value updates.min_age '432000s    (command line --set)'
value updates.deny 'c    (environment STOPGAP_UPDATES_DENY)'
value updates.min_severity 'critical    (environment STOPGAP_UPDATES_MIN_SEVERITY)'
ok "the environment goes before the file, the command line before both; a list is replaced as a whole"

STOPGAP_UPDATES_ORIGINS=$'origin=A\norigin=B' config '' --output=json
assert_json_eq "$T/out" '.["updates.origins"].value' '["origin=A","origin=B"]'
config '[updates]\ndeny = a\n' --set 'updates.deny=b c' --set updates.deny=d --output=json
assert_json_eq "$T/out" '.["updates.deny"].value' '["b","c","d"]'
ok "lists from the environment and the command line"

config '[updates]\nallow =\n'
value updates.allow "    ($C:2)"
ok "an empty list"

# refused WHERE ERE TEXT   exit 2; the message names WHERE (file:LINE for a number) and matches; no plugin is started
refused() {
	local where=$1
	[[ $where != [0-9]* ]] || where="$C:$where"
	printf '%b' "$3" >"$C"
	for mode in config once; do
		run "$S" "$mode" --config "$C" --set "report.state_dir=$T/state"
		assert_status 2
		assert_streq "$(wc -l <"$T/err")" 1 "lines on standard error"
		assert_file_has_content "$T/err" "^stopgap: error: .*$where: .*$2"
		assert_streq "$(cat "$T/out")" "" "standard output"
	done
	assert_not_exists "$B/fake.log"
}
refused 2 "unknown section \[update\]; accepted: updates, schedule.*report" '\n[update]\n'
refused 1 'a section is written \[name\]' '[updates\n'
ok "unknown section"
refused 3 "unknown key 'polcy' in \[updates\]; accepted: policy, origins" '\n[updates]\npolcy = all\n'
refused 1 "key 'policy' before the first" 'policy = all\n'
refused 2 'neither \[section\] nor key=value' '[updates]\npolicy\n'
ok "unknown key"
refused 2 "policy = 'some' is not valid; accepted: security all" '[updates]\npolicy = some\n'
refused 2 "min_severity = 'High' is not valid; accepted: any low moderate" '[updates]\nmin_severity = High\n'
ok "not one of the words"
for bad in 1x -1 '' 1.5h 9999999999999999999h '1 h' h; do
	refused 2 "min_age = '$bad' is not valid; accepted: a number with s, m, h, d" "[updates]\nmin_age = $bad\n"
done
ok "no duration"
refused 2 "max_bytes = '1T' is not valid; accepted: a number with k, M or G" '[network]\nmax_bytes = 1T\n'
refused 2 "require_signed = 'maybe' is not valid; accepted: yes or no" '[trust]\nrequire_signed = maybe\n'
refused 2 "socket_mode = '0888' is not valid; accepted: an octal" '[report]\nsocket_mode = 0888\n'
refused 2 "history = '1000001' is not valid; accepted: a whole number" '[report]\nhistory = 1000001\n'
ok "no size, no boolean, no mode, no number"
refused 2 "'\(': .*accepted: POSIX extended" '[updates]\ndeny = (\n'
ok "no expression"
refused 4 "policy is given twice \(first at $C:2\)" '[updates]\npolicy = all\n\npolicy = all\n'
refused 4 "policy is given twice" '[updates]\npolicy = all\n[updates]\npolicy = security\n'
ok "a value given twice"
refused 3 'indented line' '[updates]\ndeny = a\n  b\n'
ok "a continuation line: there are none"
refused 2 'not UTF-8' '[network]\nproxy = \xff\n'
refused 2 'NUL byte' '[network]\nproxy = a\0b\n'
ok "bytes that are no text"
refused 2 'line longer than 65536 bytes' "[network]\nproxy = $(printf '%070000d' 1)\n"
ok "a line without end"

for path in "$T/missing.conf" "$T" /dev/zero; do
	run "$S" config --config "$path"
	assert_status 2
	assert_file_has_content "$T/err" "^stopgap: error: .*'$path'"
	assert_file_has_content "$T/err" 'or leave out --config'
done
mkfifo "$T/fifo"
run timeout 5 "$S" config --config "$T/fifo"
assert_status 2
ok "a file that is not there or is none is no empty file"

STOPGAP_UPDATES_POLICY=some run "$S" config
assert_status 2
assert_file_has_content "$T/err" "environment STOPGAP_UPDATES_POLICY: .*'some' is not valid; accepted: security all"
run "$S" config --set updates.policy=some
assert_status 2
assert_file_has_content "$T/err" "command line --set updates.policy=some: .*accepted: security all"
STOPGAP_UPDATES_POLCY=all run "$S" config
assert_status 2
assert_file_has_content "$T/err" "environment STOPGAP_UPDATES_POLCY: no such setting; accepted: STOPGAP_UPDATES_POLICY, "
STOPGAP_HOME=/x STOPGAP_PORT=tcp://10.0.0.1:80 run "$S" config
assert_status 0
ok "environment and command line are held to the same"

done_testing
