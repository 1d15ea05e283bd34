# shellcheck shell=bash
# `stopgap exec`: the host checks, patches and scans a running container; nothing of it stays there.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/host"

aptrepo_start tiny-plain tiny-epoch libtiny1 tiny-prog
pending=(tiny-plain tiny-epoch libtiny1 tiny-prog)
root=$(aptrepo_root)
ctr_create a "$root" --no-bundle
ctr_create b "$root" --no-bundle
aptrepo_sources a
aptrepo_sources b
a=$(ctr_pid a) b=$(ctr_pid b)

host_before a
host_exec "pid:$a" -- check
assert_status 100
assert_pending "${pending[@]}"
assert_json "$R" '.container.id != "" and .exit_code == 100'
host_same a
run "$BUNDLE/stopgap" exec --set "report.state_dir=$T/host" "pid:$a"
assert_status 100
assert_file_has_content "$T/out" "^stopgap check · pid:$a · "
assert_file_has_content "$T/out" "^pending: 4 security updates; 'stopgap exec pid:$a -- once' applies them$"
ok "check says what is pending and what applies it, and changes nothing in the container"

host_exec "pid:$a" -- scan
assert_status 0
assert_json "$R" '.processes.scanned == 1'
host_same a
ok "scan looks at the container's processes alone"

host_exec "pid:$a" -- once --dry-run
assert_status 100
assert_pending "${pending[@]}"
host_same a
ok "a dry run changes nothing"

host_exec "pid:$a" -- once
assert_status 0
assert_applied "${pending[@]}"
assert_versions a tiny-plain=1.0-1+deb12u2 libtiny1=1.0-1+deb12u1
assert_file_has_content "$(jq -r .log "$R")" 'tiny-plain'
assert_clean a
host_same_but_updates a
assert_not_exists "$(ctr_path a)/var/lib/stopgap"
last=$(dirname "$(grep -l '"once"' "$T"/host/containers/*/last.json)")
assert_json_eq "$last/last.json" '.ephemeral.lost_on_recreate | sort | map(split("=")[0])' \
	'["libtiny1","tiny-epoch","tiny-plain","tiny-prog"]'
host_exec "pid:$a" -- scan
assert_json "$last/last.json" '.mode == "scan" and (.ephemeral.lost_on_recreate | length) == 4'
ok "once patches it, and leaves the updates and the package system's own files, no mount and no process"

run "$BUNDLE/stopgap" exec --set "report.state_dir=$T/host" "pid:$a" "pid:$b"
assert_status 100
assert_file_has_content "$T/out" "^ *pid:$a .* ok +0 "
assert_file_has_content "$T/out" "^ *pid:$b .* pending +4 "
ok "several containers: a table, and the worst exit status; without a mode it is check"

run "$BUNDLE/stopgap" exec --output=json --set "report.state_dir=$T/host" "pid:$a" "pid:$b" pid:$$ nobody ' ' "pid:$((1<<30))" -- check
assert_status 1
assert_json_eq "$T/out" '[.targets[] | .error.code // .result]' \
	'["ok","pending","no_target","no_target","no_target","no_target"]'
ok "what is no container has a report that says so; the others have theirs"

run "$BUNDLE/stopgap" exec --set "report.state_dir=$T/host" --label=none.has.it=1 -- check
assert_status 1
assert_file_has_content "$T/out" "no running container has label 'none.has.it=1'"
ok "a label that nothing has is no success"

# The container's own configuration and environment are not for stopgap.
mkdir -p "$(ctr_path b)/etc/stopgap"
printf '[updates]\ndeny = tiny-plain\n' >"$(ctr_path b)/etc/stopgap/stopgap.conf"
host_exec --set updates.deny=tiny-epoch "pid:$b" -- check
assert_status 100
assert_pending tiny-plain libtiny1 tiny-prog
rm -r "$(ctr_path b)/etc/stopgap"
ok "the host's settings apply, the container's file does not"

# [hooks] are programs of the host, and run there.
cat >"$T/before" <<END
#!/bin/sh
echo "\$STOPGAP_MODE \$STOPGAP_CONTAINER" >>"$T/hooks"
[ ! -e "$T/veto" ] || exit 75
END
cat >"$T/after" <<END
#!/bin/sh
echo "\$STOPGAP_RESULT \$STOPGAP_PENDING \$(jq -c '.pending | length')" >>"$T/hooks"
END
chmod 755 "$T/before" "$T/after"
hooks=(--set "hooks.before=$T/before" --set "hooks.after=$T/after")
host_exec "${hooks[@]}" "pid:$b" -- check
assert_status 100
id=$(jq -r .container.id "$R")
assert_streq "$(cat "$T/hooks")" "check $id"$'\n'"pending 4 4"
touch "$T/veto"
host_exec "${hooks[@]}" "pid:$b" -- check
assert_status 3
assert_json_eq "$R" '.blocked[0].code' '"vetoed"'
host_exec --set hooks.before=/nonexistent "pid:$b" -- check
assert_status 100
ok "hooks run on the host, and may forbid an entry"

chmod 755 "$T"
for mode in "exec pid:$a -- check" ps "export none" watch; do
	# shellcheck disable=SC2086
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$BUNDLE/stopgap" $mode
	assert_status 3
	assert_file_has_content "$T/err" 'use sudo$'
done
ok "who is not the host's root is told so, and not that no container runs"

run "$BUNDLE/stopgap" ps "--host=unix://$T/none.sock"
assert_status 0
assert_file_has_content "$T/err" "no engine at '$T/none.sock': No such file or directory"
ok "an engine that was named and is not there is told of"

run "$BUNDLE/stopgap" exec --set "report.state_dir=$T/host" "pid:$a" once
assert_status 1
assert_file_has_content "$T/out" "no container 'once'; if the mode is meant: '-- once'"
ok "a mode without its -- is told what it lacks"

for bad in "exec" "exec --all web" "exec pid:1 -- status" "exec pid:1 -- once --set updates.policy=all" "exec pid:1 -- once --output=json" \
	"exec pid:1 --" "exec --timeout=x pid:1" "exec --parallel=0 pid:1" \
	"exec pid:-1" "exec pid:" "exec pid:0x10" "exec pid:1a" "exec pid:0" "exec pid:4294967297"; do
	# shellcheck disable=SC2086
	run "$BUNDLE/stopgap" $bad
	assert_status 2
done
ok "what is wrong on the command line is exit 2"

done_testing
