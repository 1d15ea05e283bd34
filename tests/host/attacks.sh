# shellcheck shell=bash disable=SC2317,SC2154 # row calls them; set in the testbed
# rows: H1 H2 H4 H6 H7 H10 H12 H13
# A container that attacks what comes in, or lies to it, or does not let it go.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/host"

entries=10
[ "$LONG" != yes ] || entries=1000

# in_container NAME COMMAND…   until the test ends; the programs of tests/helpers are in /bin of the small root
host_small_root "$T/small"
mkdir -p "$T/small/bin"
cp "$(helper attack)" "$T/small/bin/attack"
in_container() {
	local name=$1
	shift
	start_bg "$T/$name.attack" runc --root "$CTR_DIR/runc" exec "$name" "$@"
}

# --- H1

traps() {
	local root l
	cat >"$T/evil.c" <<-'EOC'
	#include <fcntl.h>
	#include <unistd.h>
	__attribute__((constructor)) static void loaded(void) { close(open("/var/log/evil", O_WRONLY | O_CREAT, 0666)); }
	EOC
	"${CC:-cc}" -shared -fPIC -O1 -o "$T/evil.so" "$T/evil.c"
	root=$(aptrepo_root)
	ctr_create traps "$root" --no-bundle
	r=$(ctr_path traps)
	for l in libnss_evil.so.2 libnss_files.so.2 libnss_dns.so.2 libnss_compat.so.2; do
		cp --remove-destination "$T/evil.so" "$r/usr/lib/$(gcc -print-multiarch)/$l"
	done
	printf 'passwd: evil\ngroup: evil\nhosts: evil\nservices: evil\n' >"$r/etc/nsswitch.conf"
	echo "/usr/lib/$(gcc -print-multiarch)/libnss_evil.so.2" >"$r/etc/ld.so.preload"
	for l in check scan; do
		host_exec --timeout=60s --set network.timeout=5s "pid:$(ctr_pid traps)" -- "$l"
	done
	assert_not_exists "$r/var/log/evil"
	# they are armed
	ctr_exec traps /bin/true
	assert_exists "$r/var/log/evil"
}
row "H1 no library of the container is loaded" traps

# --- H2 H4: the moment between the fork into the container and the exec, made long

slowly=(strace -f -qq -o /dev/null -e trace=execve -e inject=execve:delay_enter=3000000)

entering() {
	local p
	for p in $(pgrep -f '^[^ ]*/reveal-bundle/stopgap exec '); do
		[ "$(readlink "/proc/$p/ns/pid" 2>/dev/null)" = "$ns" ] || continue
		printf '%s %s\n' "$(readlink "/proc/$p/exe")" "$(stat -L -c %d:%i "/proc/$p/exe")"
	done >>"$T/entering"
	[ -s "$T/entering" ]
}

sealed() {
	host_small sealed
	in_container sealed /bin/attack grab /reveal
	ns=$(readlink "/proc/$pid/ns/pid")
	: >"$T/entering"
	under=("${slowly[@]}")
	sum=$(sha256sum <"$BUNDLE/stopgap")
	host_reveal_bundle
	host_reveal "pid:$pid" &
	wait_for 30 entering || fail "the moment was missed"
	wait $!
	under=()
	assert_file_has_content "$T/entering" '^/memfd:stopgap'
	assert_not_file_has_content "$T/entering" " $(stat -c %d:%i "$T/reveal-bundle/stopgap")\$"
	assert_exists "$(seen sealed met)"
	assert_not_exists "$(seen sealed written)"
	assert_streq "$(sha256sum <"$T/reveal-bundle/stopgap")" "$sum"
}
row "H2 the entering process runs from a sealed copy, and nothing of it can be written to" sealed

untraceable() {
	local i
	host_small untraceable
	in_container untraceable /bin/attack grab /reveal
	under=("${slowly[@]}")
	host_reveal "pid:$pid"
	under=()
	assert_exists "$(seen untraceable met)"
	for ((i = 0; i < entries; i++)); do
		host_reveal "pid:$pid"
	done
	[ ! -e "$(seen untraceable stolen)" ] || diag_file "$(seen untraceable stolen)"
	assert_not_exists "$(seen untraceable stolen)"
	diag "$(stat -c %s "$(seen untraceable met)") meetings"
}
row "H4 the entering process cannot be traced or looked into" untraceable

# --- H6 H7

no_mqueue='.mounts |= map(select(.destination != "/dev/mqueue"))'

# The places that are used in the container must be those themselves.
canary() {
	grep ' tmpfs stopgap ' "$(seen "$1" mountinfo)" | awk '{print $5}' >"$T/places" || true
	[ -s "$T/places" ] || fail "nothing was mounted"
	assert_not_file_has_content "$T/places" '^/etc'
}

link() {
	host_small link --edit "$no_mqueue"
	ln -s /etc "/proc/$pid/root/dev/mqueue"
	host_reveal "pid:$pid"
	canary link
}
row "H6 a link in place of the folder is not followed" link

link_without_openat2() {
	host_small plain --edit "$no_mqueue"
	ln -s /etc "/proc/$pid/root/dev/mqueue"
	under=(strace -f -qq -o /dev/null -e trace=openat2 -e inject=openat2:error=ENOSYS)
	host_reveal "pid:$pid"
	under=()
	canary plain
}
row "H6 without openat2() a link is not followed either" link_without_openat2

racing() {
	local i
	host_small race --edit "$no_mqueue"
	mkdir "/proc/$pid/root/dev/mqueue"
	ln -s /etc "/proc/$pid/root/dev/evil"
	in_container race /bin/attack swap /dev/mqueue /dev/evil
	for ((i = 0; i < entries; i++)); do
		rm -f "$(seen race mountinfo)"
		host_reveal "pid:$pid"
		# the path may lead elsewhere by the time of the exec: then nothing is told
		[ ! -e "$(seen race mountinfo)" ] || canary race
	done
	assert_not_exists "/proc/$pid/root/etc/stopgap"
}
row "H6 a link that comes and goes is never followed" racing

shared() {
	host_small shared --edit '.linux.rootfsPropagation = "shared" | (.mounts[] | select(.type == "tmpfs" or .type == "mqueue") | .options) += ["shared"]'
	echo hang >"/proc/$pid/root/reveal/then"
	cat "/proc/$pid/mountinfo" >"$T/before"
	host_reveal --timeout=8s "pid:$pid" &
	wait_for 30 test -s "$(seen shared facts)" || fail "nothing was entered"
	cat "/proc/$pid/mountinfo" >"$T/during"
	assert_same_file "$T/during" "$T/before"
	cat /proc/self/mountinfo >"$T/during"
	assert_not_file_has_content "$T/during" 'tmpfs stopgap'
	wait $!
}
row "H7 a shared mount of the container does not show it what is mounted" shared

# --- H10

# A container that has taken over what runs in it: it says what it wants.
liar() {
	mkdir -p "$T/liar/plugins"
	cp "$(helper reveal)" "$T/liar/stopgap"
	run "$(helper attack)" sealed "$BUNDLE/stopgap" "$T/liar/stopgap" exec "$@" --set "report.state_dir=$T/host" "pid:$pid" -- check
}

bytes() {
	host_small bytes
	printf 'a\033[31mred\nstopgap: error: forged\r\n\xc2\x9b31m \xe2\x80\xae \xff \x07\nlast\n%s' "$(head -c 100000 /dev/zero | tr '\0' x)" \
		>"/proc/$pid/root/reveal/log"
	liar
	assert_status 1
	assert_not_file_has_content "$T/err" $'[\001-\010\013-\037\177]'
	LC_ALL=C grep -v '^stopgap: ' "$T/err" >"$T/bad" || true
	assert_streq "$(cat "$T/bad")" ""
	assert_file_has_content "$T/err" "^stopgap: pid:$pid: stopgap: error: forged"
	assert_le "$(wc -L <"$T/err")" 5000
}
row "H10 bytes of its log are escaped, and each line has the container's name" bytes

report() {
	local code text
	host_small report
	host_reveal "pid:$pid"
	jq '.targets[0] | .container.id = "other" | .host = "other" | .exit_code = 1 | .error = {code: "io", message: "\u001b[31m \u009b \u202e \u0000"} |
		.["k\u001b"] = 1 | .alarms = [{code: "left_behind", detail: "\u001b]0;x\u0007"}]' "$T/out" >"/proc/$pid/root/reveal/report"
	echo 1 >"/proc/$pid/root/reveal/code"
	liar --output=json
	assert_status 1
	assert_json "$T/out" '[.. | strings | select(test("[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]"))] == []'
	assert_json "$T/out" '.targets[0] | .container.id != "other" and .host != "other" and .error.code == "io" and (keys | all(test("^[a-z_]+$")))'
	for text in '' '{}' '[1]' 'null' '{"schema":1}' "$(printf '{"a":%.0s' {1..100})" '{"exit_code":0,"schema":1,"mode":"check"}'; do
		echo "$text" >"/proc/$pid/root/reveal/report"
		liar --output=json
		assert_status 1
		assert_json_eq "$T/out" '.targets[0].error.code' '"bad_report"'
	done
	# what it says of its exit status is what it exits with
	for code in 0 100 7; do
		jq ".targets[0] | .exit_code = $code" "$T/out" >"/proc/$pid/root/reveal/report"
		liar --output=json
		assert_status 1
	done
	head -c 40000000 /dev/zero | tr '\0' ' ' >"$T/blanks"
	cp "$T/blanks" "/proc/$pid/root/reveal/report"
	liar --output=json
	assert_json_eq "$T/out" '.targets[0].error.code' '"bad_report"'
}
row "H10 a report that lies is harmless, or refused" report

# --- H12

timeless() {
	local other
	host_small other
	other=$pid
	host_small stopped
	echo stop >"/proc/$pid/root/reveal/then"
	host_processes stopped >"$T/before"
	host_reveal --timeout=4s "pid:$pid" "pid:$other"
	assert_status 1
	assert_json_eq "$T/out" '[.targets[].error.code]' '["enter_timeout","plugin_died"]'
	# the deadline, two seconds, and a busy machine
	assert_le "$elapsed_ms" 12000 "time, ms"
	host_processes stopped >"$T/after"
	assert_same_file "$T/after" "$T/before"
}
row "H12 one that does not answer is ended at the deadline, the others have their answer" timeless

frozen() {
	local freezer
	host_small frozen
	freezer=/sys/fs/cgroup/freezer$(sed -n 's/^[0-9]*:freezer://p' "/proc/$pid/cgroup")/freezer.state
	host_processes frozen >"$T/before"
	echo hang >"/proc/$pid/root/reveal/then"
	host_reveal --timeout=6s "pid:$pid" &
	wait_for 30 test -s "$(seen frozen facts)" || fail "nothing was entered"
	echo FROZEN >"$freezer"
	wait $! || true
	jq -c '.targets[0].error' "$T/out" >"$T/error"
	host_reveal "pid:$pid"
	assert_status 3
	assert_json "$T/out" '.targets[0].blocked[0].code == "paused"'
	echo THAWED >"$freezer"
	assert_file_has_content "$T/error" '"abandoned"'
	wait_for 20 same_processes frozen || fail "what was abandoned goes on after the thaw"
}
same_processes() { host_processes "$1" >"$T/after" && cmp -s "$T/before" "$T/after"; }
row "H12 one that is frozen meanwhile is left, and what is in it ends with the thaw; a frozen one is not entered" frozen

full() {
	host_small full --pids 1
	host_reveal "pid:$pid"
	assert_status 3
	assert_json "$T/out" '.targets[0].blocked[0].code == "pids_limit"'
}
row "H12 one that has no room for another process is blocked, with the reason" full

# --- H13

databases() {
	local root kind status
	aptrepo_start tiny-plain
	root=$(aptrepo_root)
	for kind in sparse fifo folder garbage; do
		ctr_create "db-$kind" "$root" --no-bundle
		aptrepo_sources "db-$kind"
		status=$(ctr_path "db-$kind")/var/lib/dpkg/status
		rm "$status"
		case $kind in
		sparse) truncate -s 1T "$status" ;;
		fifo) mkfifo "$status" ;;
		folder) mkdir "$status" ;;
		garbage) head -c 3000000 /dev/urandom >"$status" ;;
		esac
		host_exec --timeout=40s "pid:$(ctr_pid "db-$kind")" -- check
		assert_status 1 3
		assert_json "$R" '.plugin.max_rss < 268435456'
		assert_le "$elapsed_ms" 50000 "time with $kind, ms"
	done
}
row "H13 a package database that lies is read in the container alone, in bounded time and memory" databases

done_testing
