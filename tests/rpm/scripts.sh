# shellcheck shell=bash
# rows: C6 C10
# Scriptlets that fail, start things or look around; files that clash; changed configuration files.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/rpmpkg"
. "$TESTS/testbed/rpmrepo"
. "$TESTS/testbed/agent"

rpmrepo_start
root=$(rpmroot el9)
old=() new=()

# pair NAME OLD-FIELD… -- NEW-FIELD…   installed as 1-1, updated to 1-2
pair() {
	local name=$1 before=()
	shift
	while [ "$1" != -- ]; do
		before+=("$1")
		shift
	done
	shift
	old+=("$(rpmpkg "$name" 1-1 ${before[@]+"${before[@]}"})")
	new+=("$(rpmpkg "$name" 1-2 "$@")")
}
publish() {
	rm -rf "$REPO/updates" "$T/advisories/updates.xml"
	rpmrepo_add updates "${new[@]}"
	rpmrepo_advisory updates SA-1 security Important CVE-2026-1 "${new[@]}"
	rpmrepo_publish updates
}

pair good --
pair badpre -- '%pre: echo "badpre: refuses" >&2; exit 1'
pair badpost -- '%post: echo "badpost: cannot migrate the frobnicator" >&2; exit 3'
pair clash -- 'file /usr/share/clash mine'
publish
ctr_create a "$root"
rpmrepo_install a "${old[@]}" "$(rpmpkg owner 1-1 'file /usr/share/clash theirs')"
rpmrepo_use a updates
once a
assert_status 4
assert_rpms a good=1-2 badpre=1-1 badpost=1-2 clash=1-1 owner=1-1
assert_rpm_clean a
ok "a package that fails does not stop the others"

assert_kept badpre script_failed
assert_json "$R" '[.. | strings | select(contains("badpre: refuses"))] | length > 0'
assert_json "$R" '[.. | strings | select(contains("cannot migrate the frobnicator"))] | length > 0'
assert_json "$R" '[(.failed + .kept_back)[] | select(.package == "clash") | .. | strings |
	select(contains("/usr/share/clash") and contains("owner"))] | length > 0'
assert_json "$R" '.applied | any(.package == "badpost")'
ok "what they said, and which file clashes with whose, is quoted; a failed %post is an installed package to rpm"

# The administrator's configuration.
old=() new=()
pair conf 'config /etc/changed.conf old' 'config /etc/kept.conf same' -- 'config /etc/changed.conf new' 'config /etc/kept.conf same'
publish
ctr_create b "$root"
r=$(ctr_path b)
rpmrepo_install b "${old[@]}"
rpmrepo_use b updates
echo mine >"$r/etc/changed.conf"
echo mine >"$r/etc/kept.conf"
once b
assert_status 0
assert_rpms b conf=1-2
assert_streq "$(cat "$r/etc/changed.conf" "$r/etc/kept.conf" "$r/etc/changed.conf.rpmnew" | xargs)" 'mine mine new'
assert_not_exists "$r/etc/kept.conf.rpmnew"
assert_json_eq "$R" '[.conffiles_kept[].path]' '["/etc/changed.conf"]'
assert_code conffile_kept
ok "a changed configuration file stays, and the new one beside it is reported"

# What a scriptlet is given, and what it leaves.
old=() new=()
pair look -- '%post: env | sort >/var/log/look.env
ls -l /proc/self/fd >/var/log/look.fds
if read line; then echo "$line"; else echo "end of file"; fi >/var/log/look.stdin
printf "look: \033[31mred\007\n" >&2'
pair start -- '%post: sleep 86001 </dev/null >/dev/null 2>&1 &
echo $! >/run/start.pid'
publish
ctr_create c "$root"
r=$(ctr_path c)
rpmrepo_install c "${old[@]}"
rpmrepo_use c updates
once c --set hooks.timeout=60s
assert_status 0 102
assert_rpms c look=1-2 start=1-2
assert_streq "$(cat "$r/var/log/look.stdin")" 'end of file'
assert_not_file_has_content "$r/var/log/look.env" 'STOPGAP|LD_LIBRARY_PATH|LD_PRELOAD'
assert_not_file_has_content "$r/var/log/look.fds" 'socket:'
assert_json "$R" '[.. | strings | select(test("\u001b|\u0007"))] == []'
ok "C10 scriptlets get no input, none of our sockets and variables"

pid=$(cat "$r/run/start.pid")
assert_json "$R" '.left_behind | any(.pid == $pid and (.cmdline | contains("86001")))' --argjson pid "$pid"
assert_code left_behind
ok "a process that a scriptlet left behind is reported"

# Slow ones: a SIGTERM finishes the running set and stops.
old=() new=()
for i in 1 2 3; do
	pair slow$i -- 'Requires(post): coreutils-single' "%post: echo begin >>/var/log/slow; sleep 2; echo end >>/var/log/slow"
done
publish
ctr_create d "$root"
r=$(ctr_path d)
rpmrepo_install d "${old[@]}"
rpmrepo_use d updates
ctr_exec d "$at/stopgap" once --output=json >"$T/slow.json" 2>"$T/slow.err" &
wait_for 30 test -s "$r/var/log/slow"
pkill_ids=$(ctr_exec d sh -c 'for p in /proc/[0-9]*; do read -r name <"$p/comm"; [ "$name" != stopgap ] || echo "${p#/proc/}"; done')
ctr_exec d sh -c "kill -TERM $(echo "$pkill_ids" | sed -n 1p)"
wait $! || true
assert_streq "$(grep -c begin "$r/var/log/slow")" "$(grep -c end "$r/var/log/slow")" "scriptlets begun and ended"
assert_rpm_clean d
once d
assert_status 0
assert_rpms d slow1=1-2 slow2=1-2 slow3=1-2
ok "C6 a SIGTERM while a scriptlet runs: it ends, and the next run does the rest"

done_testing
