# shellcheck shell=bash
# Configuration files, questions, and what maintainer scripts are given.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"

aptrepo_start tiny-conf tiny-confsame tiny-ask tiny-env
ctr_create a "$(aptrepo_root)"
aptrepo_sources a
r=$(ctr_path a)
echo 'colour = green' >"$r/etc/tiny/changed.conf"
echo 'a = 2' >"$r/etc/tiny/same.conf"
mkdir -p "$r/usr/local/sbin"
once a --env SECRET=hunter2 --env LD_PRELOAD= --env DEBIAN_FRONTEND=readline
assert_status 0
assert_applied tiny-conf tiny-confsame tiny-ask tiny-env
assert_clean a
ok "all are applied"

assert_streq "$(cat "$r/etc/tiny/changed.conf")" 'colour = green'
assert_streq "$(cat "$r/etc/tiny/same.conf")" 'a = 2'
assert_streq "$(cat "$r/etc/tiny/kept.conf")" 'size = 2'
assert_code conffile_kept
assert_json "$R" '[.. | strings | select(contains("/etc/tiny/changed.conf"))] | length > 0'
assert_json "$R" '[.. | strings | select(contains("/etc/tiny/same.conf"))] | length == 0'
ok "a changed conffile stays, and is reported; an unchanged one is replaced"

assert_streq "$(cat "$r/var/log/tiny-ask.log")" 'end of file'
ok "a script that asks gets end of file"

assert_file_has_content "$r/var/log/tiny-env.env" '^DEBIAN_FRONTEND=noninteractive$'
assert_not_file_has_content "$r/var/log/tiny-env.env" 'SECRET|STOPGAP_'
assert_file_has_content "$r/var/log/tiny-env.env" '^PATH=.*/usr/sbin:/usr/bin:/sbin:/bin$'
assert_streq "$(cat "$r/var/log/tiny-env.umask")" 0022
assert_streq "$(cat "$r/var/log/tiny-env.oom")" 1000
assert_streq "$(cat "$r/var/log/tiny-env.nice")" 10
assert_file_has_content "$r/var/log/tiny-env.signals" '^SigBlk:.0*$'
assert_file_has_content "$r/var/log/tiny-env.signals" '^SigIgn:.*[02468ace][0-9a-f]{3}$' # SIGPIPE
assert_not_file_has_content "$r/var/log/tiny-env.fds" 'socket:|stopgap/(apt|lock|last|lib)'
ok "scripts get a built environment, default signals, no socket of ours, and yield to the service"

assert_not_file_has_content "$R" $'\033'
run grep -rl 'to standard output' "$r/var/lib/stopgap"
assert_status 0
ok "script output is in a log, and no control character in the report"

done_testing
