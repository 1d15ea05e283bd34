# shellcheck shell=bash disable=SC2317 # wait_for calls them
# PID 1 in real containers: what `exec` brings in, restarts of real services, stops, read-only roots and other users.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/init"

minbase=$(rootfs bookworm minbase)
services=$(rootfs bookworm services)

# start NAME ROOT [OPTION…] -- ARG-OF-INIT-RUN…
start() {
	local name=$1 root=$2 opts=()
	shift 2
	while [ "$1" != -- ]; do
		opts+=("$1")
		shift
	done
	shift
	init_folder
	ctr_start "$name" "$root" --no-bundle --mount "$INIT_RUN:/init-run:ro" --mount "$SERVICE:/service:ro" --mount "$D:/d" \
		${opts[@]+"${opts[@]}"} -- /init-run --dir /d "$@"
	init=$(ctr_pid "$name")
}
# ended NAME   its status, when it has ended
stopped() { [ "$(ctr_runc state "$1" | jq -r .status)" = stopped ]; }
in_ctr() { local name=$1; shift; ctr_exec "$name" sh -c "$*" </dev/null; }

# What engines put into a container is not the service, nor is the updater's.
start a "$minbase" -- --do "settings;ready;spawn exec sleep 3001;spawn setsid sleep 3002" -- \
	sh -c 'setsid sh -c "sleep 3003 & true"; sleep 3004 & wait; true'
heard 'state=running restarts=0'
ctr_exec a sleep 3005 </dev/null >/dev/null 2>&1 &
seen() { in_ctr a 'cat /proc/[0-9]*/cmdline' 2>/dev/null | tr '\0' ' ' | grep -o 'sleep 300[0-9]' | sort | uniq -c | awk '{ print $3 }' | paste -sd ' '; }
all_seen() { [ "$(seen)" = "3001 3002 3003 3004 3005" ]; }
wait_for 10 all_seen || fail "processes: $(seen)"
pid_of() { in_ctr a "grep -slz $1 /proc/[0-9]*/cmdline" | cut -d/ -f3 | while read -r p; do in_ctr a "grep -qz '^sleep' /proc/$p/cmdline && echo $p" || true; done; }
for n in 3001 3002 3003 3004 3005; do
	pid_of $n >"$T/pid.$n"
done
say "restart 1"
heard 'restarted id=1 ok .* left=0'
for n in 3001 3002 3005; do
	in_ctr a "kill -0 $(cat "$T/pid.$n")" || fail "sleep $n is gone"
done
for n in 3003 3004; do
	! in_ctr a "kill -0 $(cat "$T/pid.$n")" 2>/dev/null || fail "sleep $n is left"
done
ok "a restart spares the updater's processes and those of exec, and ends all others"

in_ctr a 'kill -9 $(cat /d/pid)'
updaters 2
say "restart 2"
heard 'restarted id=2 ok .* left=0'
for n in 3001 3002 3005; do
	in_ctr a "kill -0 $(cat "$T/pid.$n")" || fail "sleep $n is gone"
done
ok "also those of an updater that was killed"

ctr_kill a TERM
wait_for 10 stopped a || fail "it did not end"
ok "the container ends on its stop signal"

# nginx, which an image stops with QUIT, as its main process.
# On a socket: the network is this machine's.
answers() { in_ctr n 'curl -sf --unix-socket /tmp/nginx http://localhost/ >/dev/null'; }
echo 'events {} http { server { listen unix:/tmp/nginx; root /var/www/html; } }' >"$T/nginx.conf"
start n "$services" --mount "$T/nginx.conf:/nginx.conf:ro" -- --do "settings signal=3;ready" -- nginx -c /nginx.conf -g 'daemon off;'
wait_for 20 answers || fail "nginx does not answer: $(cat "$(ctr_log n)")"
pid=$(sed -n 's/^child pid=\([1-9][0-9]*\) .*/\1/p' "$D/log" | tail -n 1)
in_ctr n "tr '\0' ' ' </proc/$pid/cmdline; tr '\0' '\n' </proc/$pid/environ; readlink /proc/$pid/cwd; cat /proc/$pid/limits; grep -E '^(Sig[PBIC]|Uid|Gid|Groups|Cap|Umask)' /proc/$pid/status" >"$T/before"
say "restart 1"
heard 'restarted id=1 ok .* left=0'
diag "gap: $(sed -n 's/.* gap=\([0-9]*\) .*/\1/p' "$D/log") ms"
wait_for 20 answers || fail "nginx does not answer: $(cat "$(ctr_log n)")"
new=$(sed -n 's/^child pid=\([1-9][0-9]*\) .*/\1/p' "$D/log" | tail -n 1)
[ "$new" != "$pid" ] || fail "it is the same process"
in_ctr n "tr '\0' ' ' </proc/$new/cmdline; tr '\0' '\n' </proc/$new/environ; readlink /proc/$new/cwd; cat /proc/$new/limits; grep -E '^(Sig[PBIC]|Uid|Gid|Groups|Cap|Umask)' /proc/$new/status" >"$T/after"
assert_same_file "$T/after" "$T/before"
assert_streq "$(in_ctr n 'cat /proc/1/comm')" init-run
ok "nginx is restarted in place, and answers again"
ctr_kill n QUIT
wait_for 20 stopped n || fail "it did not end"
ok "and ends on QUIT"

# Nothing of PID 1 needs root, a writable root or a capability.
start u "$minbase" --user 65534:65534 --cap-drop=ALL --no-new-privs --read-only -- -- sh -c 'id -u; sleep 3010 & wait'
wait_for 10 grep -q 65534 "$(ctr_log u)" || fail "the service does not run: $(cat "$(ctr_log u)")"
in_ctr u 'grep -q init-run /proc/1/comm' || fail "PID 1 is another"
ctr_kill u TERM
wait_for 10 stopped u || fail "it did not end"
ok "without root, capabilities and a writable root it is an init all the same"

run ctr_run x "$minbase" --no-bundle --mount "$INIT_RUN:/init-run:ro" -- /init-run --user daemon -- sh -c 'id; echo $HOME; exit 12'
assert_status 12
assert_streq "$(paste -sd ' ' "$T/out")" "uid=1(daemon) gid=1(daemon) groups=1(daemon) /usr/sbin"
ok "--user in a container"
done_testing
