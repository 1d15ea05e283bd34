# shellcheck shell=bash disable=SC2154 # set in lib.sh
# The operator's programs before and after a run: what they get, what they may forbid, what becomes of a bad one; and those
# of packaging/monitoring, with a real receiver.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"
kit=$TOP/packaging/monitoring

# A hook has a path of its own. This mount is in the test's own mount namespace (# own processes).
mount -t tmpfs -o mode=755 none /usr/local/sbin
ln -s "$B/stopgap" /usr/local/sbin/stopgap
two='on plan
  update libssl3 3.0.1 3.0.2
  update openssl 3.0.1 3.0.2
  well'

quiet() { assert_not_file_has_content "$T/err" 'hook|warning|error'; }

# hook NAME <<EOF…   a program of the test
hook() {
	cat >"$T/$1"
	chmod +x "$T/$1"
}
hook dump <<END
#!/bin/sh
env >"$T/\$1.env"
cat >"$T/\$1.in"
ls -l /proc/self/fd >"$T/\$1.fd"
echo "\$0" "\$@" >"$T/\$1.args"
END

plays <<<"$two"
report once --set "hooks.before=$T/dump before 'two words' \$HOME;x" --set "hooks.after=$T/dump after"
assert_report 0
assert_streq "$(cat "$T/before.args")" "$T/dump before two words \$HOME;x" "no shell"
assert_streq "$(cat "$T/before.in")" "" "standard input of before"
assert_json_eq "$T/after.in" '[.schema, .mode, .result, (.applied | length)]' '[1,"once","ok",2]'
"$TESTS/testbed/schema" report "$T/after.in" >"$T/schema" 2>&1 || { fail "the report is not as packaging/schema says"; diag_file "$T/schema"; }
for f in before after; do
	for want in STOPGAP_MODE=once STOPGAP_TRIGGER=command "STOPGAP_HOST=$(hostname)" "STOPGAP_STATE_DIR=$T/state" HOME=/root; do
		assert_file_has_content "$T/$f.env" "^$want\$"
	done
	assert_not_file_has_content "$T/$f.env" '^(TMPDIR|own_processes)='
	assert_streq "$(grep -c ' -> ' "$T/$f.fd")" 4 "descriptors of ls"
done
assert_not_file_has_content "$T/before.env" '^STOPGAP_RESULT='
for want in RESULT=ok EXIT_CODE=0 APPLIED=2 PENDING=0 FAILED=0 KEPT_BACK=0 STALE=0 RESTARTS=0; do
	assert_file_has_content "$T/after.env" "^STOPGAP_$want\$"
done
ok "what a hook gets"

rm -f "$T"/before.* "$T"/after.*
for mode in scan 'once --dry-run'; do
	# shellcheck disable=SC2086
	report $mode --set "hooks.before=$T/dump before" --set "hooks.after=$T/dump after"
	assert_not_exists "$T/before.args"
	assert_not_exists "$T/after.args"
done
report check --set "hooks.before=$T/dump before" --set "hooks.after=$T/dump after"
assert_report 100
assert_file_has_content "$T/after.env" '^STOPGAP_RESULT=pending$'
assert_file_has_content "$T/after.env" '^STOPGAP_PENDING=2$'
ok "check has hooks, scan and a dry run have none"

plays <<<"$two"
report once --set 'hooks.before=/bin/sh -c "echo backup runs; exit 75"' --set "hooks.after=$T/dump after"
assert_report 3
assert_json "$R" '.result == "blocked" and .blocked[0].code == "vetoed" and (.blocked[0].detail | contains("backup runs")) and
	(.applied | length) == 0'
assert_not_exists "$B/fake.log"
assert_file_has_content "$T/after.env" '^STOPGAP_RESULT=blocked$'
agent once --set 'hooks.before=/bin/sh -c "exit 75"'
assert_status 3
assert_file_has_content "$T/out" '^blocked: not now; run it again later$'
ok "exit 75 forbids the run, and nothing is asked of a plugin"

# failed_before COMMAND ERE [SETTING]   it is an alarm, and the run goes on
failed_before() {
	plays <<<"$two"
	report once --set "hooks.before=$1" ${3:+--set "$3"}
	assert_report 0
	assert_applied libssl3 openssl
	assert_json "$R" '[.alarms[] | select(.code == "hook_failed").detail] | length == 1 and (.[0] | test($ere))' --arg ere "$2"
}
failed_before '/bin/sh -c "echo no disk >&2; exit 1"' '^before: .*exit status 1: no disk'
failed_before /nonexistent/hook '^before: .*/nonexistent/hook'
failed_before '/bin/sh -c "kill -SEGV $$"' 'ended by SIGSEGV'
failed_before '/bin/sh -c "sleep 1000 & sleep 1000"' 'no end within 1 s' hooks.timeout=1s
! pgrep -x sleep >/dev/null || fail "the hook's processes are left"
printf '\033[2J\n' >"$T/odd"
failed_before "/bin/sh -c \"cat $T/odd; exit 1\"" '\\x1b'
ok "a hook that fails, is missing, crashes or hangs is an alarm and no more"

plays <<<"$two"
report once --set 'hooks.after=/bin/sh -c "echo no mail; exit 7"'
assert_report 0
assert_file_has_content "$T/err" "hook after: .*exit status 7: no mail"
plays </dev/null
# one that reads nothing of a long report
plays <<'END'
on plan
  flood 3000 {"event":"update","id":@id,"package":"p@n","arch":"amd64","installed":"1","candidate":"2","origin":"Debian:Debian-Security","suite":"bookworm-security","security":true,"reason":"security update"}
  well
END
report check --set 'hooks.after=/bin/true'
assert_report 100
assert_json "$R" '(.pending | length) == 3000'
report check --set 'hooks.after=/bin/sleep 1000' --set hooks.timeout=1s
assert_report 100
assert_file_has_content "$T/err" "hook after: "
ok "the result stands whatever becomes of the hook after it"

# ------------------------------------------------------------------------------------------ the kit's: webhook

mkdir "$T/got"
start_bg "$T/receiver.log" "$TESTS/testbed/receiver" "$T/port" "$T/got"
wait_for 20 test -s "$T/port"
url=http://127.0.0.1:$(cat "$T/port")
rm -rf "$T/state"
plays <<<"$two"
report once --set "hooks.after=$kit/webhook $url/ok"
assert_report 0
quiet
assert_file_has_content "$T/got/1.head" '^POST /ok HTTP/1.1$'
assert_file_has_content "$T/got/1.head" '^Content-Type: application/json$'
assert_json_eq "$T/got/1.body" . "$(jq -c . "$R")"
ok "webhook: the report is the body"

echo "$url/ok" >"$T/url"
plays <<<"$two"
report once --set "hooks.after=$kit/webhook --chat $T/url"
assert_json_eq "$T/got/2.body" .text "\"stopgap on $(hostname): ok. 2 updates applied, 0 open, 0 failed, 0 processes run old code.\""
plays </dev/null
report once --set "hooks.after=$kit/webhook --chat $T/url"
assert_not_exists "$T/got/3.head"
ok "webhook --chat: a sentence, when there is something to say; the URL may be in a file"

for bad in "$url/404" http://127.0.0.1:1/ file:///etc/passwd 'http://x/"' /nonexistent/url; do
	report once --set "hooks.after=$kit/webhook '$bad'"
	assert_report 0
	assert_file_has_content "$T/err" 'hook after: .*exit status '
done
report once --set "hooks.after=$kit/webhook $url/hang" --set hooks.timeout=1s
assert_report 0
assert_file_has_content "$T/err" 'hook after: '
ok "webhook: a receiver that refuses, is not there or hangs"

# --------------------------------------------------------------------------------------------- the kit's: mail

cat >/usr/local/sbin/sendmail <<END
#!/bin/sh
[ "\$*" = "-i -t" ] || exit 64
n=\$(ls "$T/mail" | wc -l)
cat >"$T/mail/\$n"
END
chmod +x /usr/local/sbin/sendmail
mkdir "$T/mail"
mails() { find "$T/mail" -type f | wc -l; }
# mailed COUNT ARG…   a run, and how many mails there are then
mailed() {
	local want=$1
	shift
	report "$@" --set "hooks.after=$kit/mail root@example.org stopgap@example.org"
	quiet
	assert_streq "$(mails)" "$want" mails
}
rm -rf "$T/state"
plays </dev/null
mailed 0 once
plays <<<"$two"
mailed 1 check
mailed 1 check
mailed 2 once
plays </dev/null
mailed 2 once
assert_file_has_content "$T/mail/0" '^To: root@example.org$'
assert_file_has_content "$T/mail/0" '^From: stopgap@example.org$'
assert_file_has_content "$T/mail/0" "^Subject: stopgap on $(hostname): pending, 0 applied, 2 open\$"
assert_file_has_content "$T/mail/0" '^  updates    2 open'
assert_file_has_content "$T/mail/1" ': ok, 2 applied, 0 open$'
for bad in '-bs' 'a@b,c@d' '"|sh"@x'; do
	plays <<<"$two"
	report once --set "hooks.after=$kit/mail '$bad'"
	assert_file_has_content "$T/err" 'no plain address'
done
assert_streq "$(mails)" 2 mails
ok "mail: when something was done or is new, once"

# ----------------------------------------------------------------------------------------- the kit's: textfile

rm -rf "$T/state"
mkdir "$T/prom"
plays <<<"$two"
report check --set "hooks.after=$kit/textfile $T/prom/stopgap.prom"
assert_report 100
quiet
assert_file_has_content "$T/prom/stopgap.prom" '^stopgap_pending_security_updates 2$'
assert_file_has_content "$T/prom/stopgap.prom" '^stopgap_runs_total\{result="pending"\} 1$'
report once --set "hooks.after=$kit/textfile $T/prom/stopgap.prom"
assert_file_has_content "$T/prom/stopgap.prom" '^stopgap_pending_security_updates 0$'
assert_file_has_content "$T/prom/stopgap.prom" '^stopgap_updates_applied_total 2$'
assert_file_has_content "$T/prom/stopgap.prom" '^stopgap_last_success_timestamp_seconds [0-9]+$'
assert_streq "$(ls -A "$T/prom")" stopgap.prom "files"
ok "textfile: the run that just ended is in it"

# under an agent, which answers with the run before until the hook is done
start_bg "$T/daemon.log" "$B/stopgap" daemon --set "report.state_dir=$T/state" --set "report.socket=$T/run/s.sock" \
	--set updates.lock_timeout=0s --set network.timeout=0s --set "hooks.after=$kit/textfile $T/prom/agent.prom"
wait_for 30 test -s "$T/prom/agent.prom" || diag_file "$T/daemon.log"
assert_file_has_content "$T/prom/agent.prom" '^stopgap_updates_applied_total 4$'
ok "textfile: under an agent, too"

done_testing
