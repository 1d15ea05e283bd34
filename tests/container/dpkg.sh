# shellcheck shell=bash disable=SC2016 # scripts are literal
# rows: C1 C6 C8 C10
# The dpkg side alone, driven by apply-debs with packages made here: what a failure leaves, who is ended, what is kept.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"

root=$(rootfs bookworm minbase)
driver=$BUILD/tests/helpers/apply-debs
debs=$T/debs
mkdir "$debs"

# mk NAME [CONTROL-LINE] [SCRIPT TEXT]…   version 1, and version 2 with these dependencies and scripts
mk() {
	local name=$1 line=${2-} v d
	shift; shift || true
	for v in 1 2; do
		d=$T/deb
		rm -rf "$d"
		mkdir -p "$d/DEBIAN" "$d/usr/share/$name" "$d/etc"
		printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: t\n' \
			"$name" $v >"$d/DEBIAN/control"
		echo "value $v" | tee "$d/usr/share/$name/v" >"$d/etc/$name.conf"
		echo "/etc/$name.conf" >"$d/DEBIAN/conffiles"
		if [ $v = 2 ]; then
			[ -z "$line" ] || echo "$line" >>"$d/DEBIAN/control"
			if [ $# -gt 0 ]; then
				printf '#!/bin/sh\n%s\n' "$2" >"$d/DEBIAN/$1"
				chmod 755 "$d/DEBIAN/$1"
			fi
		fi
		dpkg-deb -b "$d" "$debs/${name}_${v}_all.deb" >/dev/null
	done
}

mk plain
mk killer '' preinst 'kill -9 $PPID'
mk other
mk badpost '' postinst 'echo "cannot migrate" >&2; exit 3'
mk badpre '' preinst 'exit 1'
mk needs-post 'Depends: badpost (>= 2)'
mk needs-pre 'Depends: badpre (>= 2)'
mk needs-either 'Depends: badpost (>= 2) | plain'
mk hang '' postinst 'trap "" TERM; while :; do sleep 100; done'
mk daemon '' postinst 'setsid sleep 4242 & exit 0'
mk slow '' postinst 'for i in 1 2 3 4 5 6 7 8; do sleep 0.25; done'
mk look '' postinst 'ls /proc/self/fd >/fds; umask >/umask; pwd >/pwd; env >/env; grep SigIgn /proc/self/status >/sig'

# fresh NAME   a container with version 1 of all
fresh() {
	ctr_create "$1" "$root" --mount "$debs:/debs:ro" --mount "$driver:/apply-debs:ro"
	ctr_exec "$1" sh -c 'dpkg -i /debs/*_1_all.deb' >"$T/log" 2>&1
}

# apply CTR [OPTION…] PACKAGE|--…   the result in $T/json
apply() {
	local c=$1 args=() opts=()
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--) args+=(--) ;;
		--*) opts+=("$1" "$2"); shift ;;
		*) args+=("/debs/${1}_2_all.deb") ;;
		esac
		shift
	done
	run ctr_exec "$c" /apply-debs "${opts[@]}" /state apply "${args[@]}"
	sed -n 's/^result //p' "$T/out" >"$T/json"
}

applied() { assert_json_eq "$T/json" '[.applied[].package] | sort | join(" ")' "\"$*\""; }
failed() { assert_json_eq "$T/json" '[.failed[] | .package + ":" + .code] | sort | join(" ")' "\"$*\""; }
clean() {
	ctr_exec "$1" dpkg --audit >"$T/audit"
	[ ! -s "$T/audit" ] || { fail "dpkg --audit of $1"; diag_file "$T/audit"; }
}

fresh a
apply a plain badpost -- needs-post needs-either -- other
applied needs-either other plain
failed badpost:script_failed needs-post:depends_on_failed
assert_json "$T/json" '.failed[0].detail | contains(" | cannot migrate | dpkg: error processing")'
assert_json "$T/json" '.failed[1].detail | contains("the database says: installed in 1")'
ok "what needs a failed package stays at its version, the rest goes on"

fresh b
apply b badpre needs-pre plain -- other
applied other plain
failed badpre:script_failed needs-pre:depends_on_failed
clean b
ok "the same within one set, and the database is clean"

fresh c
ctr_exec c sh -c 'echo mine >>/etc/plain.conf'
apply c --timeout 2 plain hang -- other
applied other plain
failed hang:script_timeout
assert_le "$elapsed_ms" 9000
assert_json_eq "$T/json" '.conffiles | map(.package + .path) | join(" ")' '"plain/etc/plain.conf"'
assert_file_has_content "$(ctr_path c)/etc/plain.conf" mine
assert_exists "$(ctr_path c)/etc/plain.conf.dpkg-dist"
ok "C8 a script that hangs is ended alone; a changed conffile stays"

fresh d
apply d daemon look
applied daemon look
assert_json_eq "$T/json" '[.left_behind[].cmdline] | join(" ")' '"sleep 4242"'
assert_json "$T/json" '.left_behind[0] | .pid > 1 and .start > 0'
d=$(ctr_path d)
assert_streq "$(tr '\n' ' ' <"$d/fds")" '0 1 2 3 ' # 3 is the folder that ls reads
assert_streq "$(cat "$d/umask" "$d/pwd" | tr '\n' ' ')" '0022 / '
assert_file_has_content "$d/sig" 'SigIgn:.0000000000000000'
assert_file_has_content "$d/env" '^DEBIAN_FRONTEND=noninteractive$'
assert_file_has_content "$d/env" '^DPKG_FRONTEND_LOCKED=true$'
ok "C10 a daemon is reported; scripts have clean descriptors, signals and environment"

# The plugin is killed, dpkg is not: it finishes its set.
fresh e
start_bg "$T/bg" ctr_exec e /apply-debs /state apply /debs/plain_2_all.deb /debs/slow_2_all.deb /debs/other_2_all.deb
wait_for 10 grep -q '"done":4.*"item":"slow"' "$T/bg" || fail "slow is not being configured"
pid=$(ctr_exec e sh -c 'for p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" = apply-debs ] && echo ${p#/proc/}; done; true')
[ -n "$pid" ] || fail "apply-debs is not running"
run ctr_exec e /apply-debs --lock 0 /state apply /debs/plain_2_all.deb
assert_file_has_content "$T/out" "error locked: .* is held by process $pid \(apply-debs\), waited 0 s"
ctr_exec e sh -c "kill -KILL $pid"
run ctr_exec e /apply-debs --lock 20 /state repair
assert_file_has_content "$T/out" '"repaired":true'
clean e
assert_streq "$(ctr_exec e dpkg-query -W -f '${Version} ' plain slow other)" '2 2 2 '
ok "C1 a killed plugin: the lock names its holder, the set is finished, repair waits for it"

fresh f
apply f --stop-after 1 plain -- other
applied plain
failed
assert_json "$T/json" .stopped
clean f
ok "C6 a stop request ends between two sets, and what was not begun has not failed"

fresh g
apply g killer plain -- other
applied
failed killer:not_applied other:not_applied plain:not_applied
assert_json "$T/json" '[.failed[] | select(.detail | startswith("not begun: ") and contains("run stopgap once again"))
	| .package] | sort == ["other", "plain"]'
assert_json "$T/json" '[.failed[].detail | contains("status 137") or contains("half-installed")] | all'
ok "C1 dpkg is killed: what it had not begun says so"
done_testing
