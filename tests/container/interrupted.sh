# shellcheck shell=bash
# rows: C1 C6
# Interrupted package systems and interrupted runs: repaired first, then on.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"

root=$(aptrepo_root)
aptrepo_start tiny-plain tiny-kill9 tiny-nocve
slow=(tiny-slow1 tiny-slow2 tiny-slow3 tiny-slow4)

# Unpacked and not configured; and killed in the middle of unpacking.
ctr_create a "$root"
aptrepo_sources a
r=$(ctr_path a)
mkdir "$r/debs"
cp "$REPO"/debian-security/pool/*.deb "$r/debs/"
ctr_exec a sh -c 'dpkg --unpack /debs/tiny-nocve_*.deb' >"$T/log" 2>&1
ctr_exec a sh -c 'dpkg --install /debs/tiny-kill9_*.deb' >>"$T/log" 2>&1 || true
ctr_exec a dpkg --audit >"$T/audit"
assert_file_has_content "$T/audit" tiny-nocve
assert_file_has_content "$T/audit" tiny-kill9
ok "C1 the fixture is interrupted"

snapshot a before
check a
assert_unchanged a before
ok "C1 check repairs nothing"
once a
assert_status 0
assert_code repaired
assert_json "$R" '.alarms | any(.detail | contains("--configure -a finished tiny-nocve 1.0-1+deb12u1"))'
assert_versions a tiny-nocve=1.0-1+deb12u1 tiny-kill9=1.0-1+deb12u1 tiny-plain=1.0-1+deb12u2
assert_clean a
ok "C1 an interrupted dpkg is repaired first, then updates are applied"

# A package that no update mends.
broken=$(ctr_path a)/var/lib/dpkg
printf '#!/bin/sh\necho "no frobnicator" >&2\nexit 7\n' >"$broken/info/tiny-badpost.postinst"
chmod 755 "$broken/info/tiny-badpost.postinst"
sed -i '/^Package: tiny-badpost$/,/^$/s/^Status: .*/Status: install ok half-configured/' "$broken/status"
once a
assert_status 1
assert_no_code repaired
assert_json "$R" '.failed | length == 1 and (.[0] | .package == "tiny-badpost" and .code == "script_failed" and
	(.detail | contains("half-configured") and contains("no frobnicator")))'
ok "C1 what stays broken after the repair is a failure"

# begin NAME   a run in the background that has reached the slow packages
begin() {
	ctr_create "$1" "$root"
	aptrepo_sources "$1"
	ctr_exec "$1" "$at/stopgap" once --output=json >"$T/out" 2>"$T/err" </dev/null &
	running=$!
	wait_for 30 grep -q begin "$(ctr_path "$1")/var/log/tiny-slow.log" || fail "the run did not get to its packages"
}
# signal_agent NAME SIGNAL   to the process that was started
signal_agent() {
	ctr_exec "$1" sh -c 'for p in /proc/[0-9]*; do
		read -r comm <$p/comm && [ "$comm" = stopgap ] && echo ${p#/proc/}; done 2>/dev/null |
		sort -n | { read -r pid && kill -'"$2"' $pid; }' || fail "no agent to signal"
}
aptrepo_remove tiny-kill9
aptrepo_add "${slow[@]}"

# all_booked NAME   each update is in exactly one report of the container, and in what is carried over
all_booked() {
	local history
	history=$(ctr_path "$1")/var/lib/stopgap/history.jsonl
	assert_streq "$(jq -rs '[.[].applied[].package] | sort | join(" ")' "$history")" \
		"$(printf '%s\n' tiny-nocve tiny-plain "${slow[@]}" | sort | xargs)" "in the reports of $1"
	assert_json_eq "$R" '[.ephemeral.lost_on_recreate[] | sub("=.*"; "")] | sort' "$(json_list tiny-nocve tiny-plain "${slow[@]}")"
}

begin b
ctr_exec b sh -c 'kill -9 -1' || true
wait $running || true
ctr_exec b dpkg --audit >"$T/audit"
once b
assert_status 0
for p in "${slow[@]}"; do
	assert_versions b "$p"=1.0-1+deb12u1
done
assert_versions b tiny-plain=1.0-1+deb12u2
assert_clean b
all_booked b
ok "C1 everything killed in the middle: the next run finishes"

begin c
signal_agent c TERM
t0=$SECONDS
status=0
wait $running || status=$?
cp "$T/out" "$R"
assert_le $((SECONDS - t0)) 12 "seconds from SIGTERM to the end"
assert_status 4 1 0
assert_json_eq "$R" .exit_code "$status"
assert_clean c
ok "C6 SIGTERM: the running set is finished, the database is clean, one report"
for p in "${slow[@]}" tiny-plain tiny-nocve; do
	state=$(ctr_exec c dpkg-query -W -f '${Version}' "$p")
	in_report=$(jq -r --arg p "$p" '[.applied[] | select(.package == $p)] | length' "$R")
	case $state in
	*deb12*) assert_streq "$in_report" 1 "$p is installed; in applied" ;;
	*) assert_streq "$in_report" 0 "$p is not installed; in applied" ;;
	esac
done
assert_json "$R" '.failed == [] and (.error == null) == (.pending == [])'
assert_json "$R" '.pending == [] or .error.message == "stopped on request with \(.pending | length) updates still pending"'
ok "C6 SIGTERM: the report says what was applied and nothing else, the rest is pending"
once c
assert_status 0
assert_clean c
ok "C6 the next run does the rest"

begin d
signal_agent d KILL
wait $running || true
once d
assert_status 0 4
assert_clean d
assert_json "$R" '[.applied[] | select(.interrupted_run)] | length > 0'
assert_code repaired
assert_not_exists "$(ctr_path d)/var/lib/stopgap/approved.json"
once d
assert_status 0
all_booked d
for p in "${slow[@]}"; do
	assert_versions d "$p"=1.0-1+deb12u1
done
assert_clean d
ok "C1 the agent alone killed: its plugin finishes the set, the next run goes on"

done_testing
