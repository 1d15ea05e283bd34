# shellcheck shell=bash disable=SC2154,SC2317 # set in lib.sh; called by wait_for
# A real systemd, booted by systemd-nspawn: units of processes, and their restart.
. "$(dirname "$0")/../lib.sh"

root=$(rootfs bookworm systemd)
services=$BUILD/tests/helpers/services
S=$T/services.json

mkdir "$T"/{upper,work,merged}
mount -t overlay overlay -o "lowerdir=$root,upperdir=$T/upper,workdir=$T/work" "$T/merged"
at_exit umount "$T/merged"
m=$T/merged
cp "$services" "$m/services"
# On a socket: the network is everybody's.
cat >"$m/etc/nginx/nginx.conf" <<'END'
pid /run/nginx.pid;
user www-data;
worker_processes 2;
error_log stderr;
events { }
http { access_log off; server { listen unix:/run/web.sock; return 200 "answers\n"; } }
END
cat >"$m/etc/systemd/system/app@.service" <<'END'
[Service]
ExecStart=/bin/sh -c 'sleep 1000 & wait'
[Install]
WantedBy=multi-user.target
END
mkdir -p "$m/etc/systemd/system/multi-user.target.wants"
ln -s /etc/systemd/system/app@.service "$m/etc/systemd/system/multi-user.target.wants/app@one\\x2dtwo.service"

systemd-nspawn --quiet -D "$m" -b --register=no --keep-unit --console=pipe >"$T/boot.log" 2>&1 </dev/null &
nspawn=$!
gone() { [ ! -e "/proc/$init" ]; }
# systemd's signal for power off; when that does not help, all of its namespace.
stop() {
	[ "$init" != none ] || kill "$nspawn" 2>/dev/null || true
	kill -RTMIN+4 "$init" 2>/dev/null || true
	wait_for 20 gone || kill -KILL "$init" 2>/dev/null || true
	wait_for 5 gone || kill -KILL "$nspawn" 2>/dev/null || true
	wait "$nspawn" || true
}
init=none
leader() { init=$(pgrep -P "$nspawn" -x systemd) && [ -n "$init" ]; }
at_exit stop
if ! wait_for 30 leader; then
	fail "systemd-nspawn started no systemd"
	diag_file "$T/boot.log"
fi
leader || true

inside() { nsenter -t "$init" -m -u -i -n -p -C -r -w env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
booted() { inside systemctl is-system-running | grep -Eq '^(running|degraded)'; }
wait_for 60 booted || { fail "it does not come up"; diag_file "$T/boot.log"; }
answers() { [ "$(inside curl -s --max-time 2 --unix-socket /run/web.sock http://localhost/)" = answers ]; }
wait_for 20 answers || fail "nginx does not answer"
ok "systemd boots: $(inside systemctl is-system-running || true)"

find_services() {
	run inside /services "$@"
	assert_status 0
	cp "$T/out" "$S"
	diag_file "$S" 8
}
found() { jq -es "$1" "$S" >/dev/null || fail "$1 is false of $(cat "$S")"; }
pid_of() { inside pgrep -o -f "$1"; }

before=$(pid_of 'nginx: master')
find_services --restart "$(pid_of 'nginx: worker')" "$before"
found 'length == 1 and .[0].kind == "systemd" and .[0].name == "nginx.service" and .[0].ok == true and .[0].processes == 2'
wait_for 20 answers || fail "nginx does not answer after its restart"
[ "$(pid_of 'nginx: master')" != "$before" ] || fail "the main process is still pid $before"
diag "systemd: restart took $(jq -s '.[0].ms' "$S") ms"
ok "the unit of a worker is restarted"

before=$(pid_of '^sleep 1000')
find_services --restart "$before"
found '.[0].name == "app@one\\x2dtwo.service" and .[0].ok == true'
other() { [ "$(pid_of '^sleep 1000')" != "$before" ]; }
wait_for 20 other || fail "it is still pid $before"
ok "a unit of a template, with an escape in its name"

# What came by nsenter is in no unit; PID 1 executes itself anew.
inside setsid -f sleep 2000 >/dev/null 2>&1 </dev/null
sleeper() { pid_of '^sleep 2000'; }
wait_for 20 sleeper || fail "no sleep 2000"
find_services "$(sleeper)"
found '.[0].restart == [] and (.[0].why_not | contains("no systemd service"))'
find_services --restart 1
found '.[0].kind == "systemd" and .[0].name == "systemd" and .[0].ok == true'
wait_for 20 booted || fail "it is not running after daemon-reexec"
answers || fail "nginx does not answer after daemon-reexec"
ok "a process in no unit has no restart; systemd itself does daemon-reexec, and services go on"

done_testing
