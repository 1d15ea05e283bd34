# shellcheck shell=bash disable=SC2154,SC2317 # set in lib.sh; called by wait_for
# The real supervisord, s6, runit and OpenRC: a process's service is found, its restart gives it a new main process, and
# it answers again.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"

root=$(rootfs bookworm supervise)
services=$BUILD/tests/helpers/services
S=$T/services.json

# One nginx for all: it answers on a socket, so that nothing else's port is in its way.
mkdir "$T/web"
cat >"$T/web/nginx.conf" <<'END'
daemon off;
pid /run/nginx.pid;
user www-data;
worker_processes 2;
error_log stderr;
events { }
http { access_log off; server { listen unix:/run/web.sock; return 200 "answers\n"; } }
END

# start NAME [OPTION…] -- CMD ARG…
start() {
	local name=$1
	shift
	ctr_start "$name" "$root" --no-bundle --no-network --mount "$services:/services:ro" --mount "$T/web:/etc/web:ro" "$@"
}

answers() { [ "$(ctr_exec "$1" curl -s --max-time 2 --unix-socket /run/web.sock http://localhost/)" = answers ]; }

# pid_of NAME PATTERN   the oldest process of that command line, as the container sees it; it may not be there yet
pid_of() { ctr_exec "$1" pgrep -o -f "$2"; }

# found NAME FILTER   what the last `find_services` said, one line for each service
find_services() {
	local name=$1
	shift
	run ctr_exec "$name" /services "$@"
	assert_status 0
	cp "$T/out" "$S"
	diag_file "$S" 8
}
found() { jq -es "$1" "$S" >/dev/null || fail "$1 is false of $(cat "$S")"; }

# restarts NAME KIND SERVICE PATTERN ARG…   the service of the worker processes is found and restarted
restarts() {
	local name=$1 kind=$2 service=$3 before worker
	shift 3
	wait_for 20 answers "$name" || { fail "$name does not answer"; diag_file "$(ctr_log "$name")"; }
	before=$(pid_of "$name" 'nginx: master')
	worker=$(pid_of "$name" 'nginx: worker')
	find_services "$name" --restart "$@" "$worker"
	found "length == 1 and .[0].kind == \"$kind\" and .[0].name == \"$service\" and .[0].ok == true"
	wait_for 20 answers "$name" || { fail "$name does not answer after the restart"; diag_file "$(ctr_log "$name")"; }
	[ "$(pid_of "$name" 'nginx: master')" != "$before" ] || fail "the main process is still pid $before"
	diag "$kind: restart took $(jq -s '.[0].ms' "$S") ms"
}

# ------------------------------------------------------------------------------------------------ supervisord

cat >"$T/programs.conf" <<'END'
[program:web]
command=/usr/sbin/nginx -c /etc/web/nginx.conf
[program:cache]
command=/usr/bin/redis-server --port 0 --unixsocket /run/cache.sock
[group:all]
programs=web,cache
END
chmod 644 "$T/programs.conf"
start sup --mount "$T/programs.conf:/etc/supervisor/conf.d/programs.conf:ro" -- /usr/bin/supervisord -n
# its status has no pid before a program has run for startsecs
running() { [ "$(ctr_exec sup supervisorctl status | grep -c RUNNING)" = 2 ]; }
wait_for 20 running || fail "the programs do not run"
restarts sup supervisord all:web
wait_for 20 running || fail "the programs do not run again"
ok "supervisord: the program of a worker is restarted"

cache=$(pid_of sup redis-server)
find_services sup "$(pid_of sup 'nginx: worker')" "$cache" 1
found '[.[] | [.kind, .name]] == [["process", "supervisord"], ["supervisord", "all:web"], ["supervisord", "all:cache"]] or
	[.[] | [.kind, .name]] == [["process", "supervisord"], ["supervisord", "all:cache"], ["supervisord", "all:web"]]'
found '.[0].why_not | contains("restart the container")'
assert_streq "$(pid_of sup redis-server)" "$cache"
ok "supervisord: the other program was left alone; PID 1 itself has no restart"
ctr_rm sup

# Below a wrapped child: PID 1 is something else. The usual image has no control socket.
{ printf '[supervisord]\n'; cat "$T/programs.conf"; } >"$T/plain.conf"
start wrapped --mount "$T/plain.conf:/etc/supervisord-plain.conf:ro" -- \
	/bin/sh -c '/usr/bin/supervisord -n -c /etc/supervisord-plain.conf & wait'
wait_for 20 answers wrapped || fail "it does not answer"
child=$(pid_of wrapped 'python3.*supervisord')
find_services wrapped --child "$child" "$(pid_of wrapped 'nginx: worker')" "$(pid_of wrapped redis-server)"
found "length == 1 and .[0].kind == \"child\" and .[0].pid == $child and .[0].processes == 2"
ok "supervisord without a control socket: the wrapped child is what restarts its programs"
ctr_rm wrapped

# A user's look-alike below a root shell.
cat >"$T/evil.conf" <<'END'
[supervisord]
nodaemon=true
[supervisorctl]
[ctlplugin:x]
supervisor.ctl_factory = evil:factory
[program:web]
command=/usr/bin/sleep 1000
END
chmod 644 "$T/evil.conf"
start evil --mount "$T/evil.conf:/srv/evil.conf:ro" -- /bin/sh -c \
	'cd /tmp; setpriv --reuid 33 --clear-groups sh -c "cp /srv/evil.conf /tmp/evil.conf; exec /usr/bin/supervisord -n -c /tmp/evil.conf" & wait'
wait_for 20 pid_of evil '^/usr/bin/sleep 1000' || diag_file "$(ctr_log evil)"
find_services evil --restart "$(pid_of evil '^/usr/bin/sleep 1000')"
found 'length == 1 and .[0].restart == [] and (.[0].why_not | contains("does not run as root"))'
ok "supervisord of another user: root runs nothing for it"
ctr_rm evil

# ------------------------------------------------------------------------------------------------------- s6

mkdir -p "$T/s6/web" "$T/s6/other"
printf '#!/bin/sh\nexec /usr/sbin/nginx -c /etc/web/nginx.conf\n' >"$T/s6/web/run"
printf '#!/bin/sh\nexec sleep 1000\n' >"$T/s6/other/run"
chmod 755 "$T/s6"/*/run
start s6 --mount "$T/s6:/run/service" -- /usr/bin/s6-svscan /run/service
restarts s6 s6 web
other=$(pid_of s6 '^sleep 1000')
find_services s6 "$other"
found '.[0].kind == "s6" and .[0].name == "other"'
assert_streq "$(pid_of s6 '^sleep 1000')" "$other"
ok "s6: the service is restarted, the other one is not"
ctr_rm s6

# -------------------------------------------------------------------------------------------------------- runit

mkdir -p "$T/runit/web/log"
printf '#!/bin/sh\nexec 2>&1\nexec /usr/sbin/nginx -c /etc/web/nginx.conf\n' >"$T/runit/web/run"
printf '#!/bin/sh\nmkdir -p /var/log/web\nexec svlogd /var/log/web\n' >"$T/runit/web/log/run"
chmod 755 "$T/runit/web/run" "$T/runit/web/log/run"
start runit --mount "$T/runit:/etc/service" -- /usr/bin/runsvdir /etc/service
restarts runit runit web
logger=$(pid_of runit '^svlogd')
web=$(pid_of runit 'nginx: master')
find_services runit --restart "$logger"
found '.[0].kind == "runit" and .[0].name == "web/log" and .[0].ok == true'
gone() { [ "$(pid_of runit '^svlogd')" != "$logger" ]; }
wait_for 20 gone || fail "the logger is still pid $logger"
assert_streq "$(pid_of runit 'nginx: master')" "$web"
ok "runit: the service is restarted; its logger is a service of its own"
ctr_rm runit

# ------------------------------------------------------------------------------------------------------ OpenRC

mkdir "$T/rc"
cat >"$T/rc/web" <<'END'
#!/sbin/openrc-run
supervisor=supervise-daemon
command=/usr/sbin/nginx
command_args_foreground="-c /etc/web/nginx.conf"
END
cat >"$T/rc/webd" <<'END'
#!/sbin/openrc-run
command=/usr/sbin/nginx
command_args="-c /etc/web/nginx.conf"
command_background=yes
pidfile=/run/webd.pid
END
chmod 755 "$T/rc/web" "$T/rc/webd"
start openrc --mount "$T/rc/web:/etc/init.d/web:ro" --mount "$T/rc/webd:/etc/init.d/webd:ro"
# As a boot would have made them; the locks of services are in there.
for d in daemons exclusive failed hotplugged inactive options scheduled started starting stopping tmp wasinactive; do
	mkdir -p "$(ctr_path openrc)/run/openrc/$d"
done
touch "$(ctr_path openrc)/run/openrc/softlevel"
ctr_exec openrc rc-service web start >"$T/rc.log" 2>&1 || diag_file "$T/rc.log"
restarts openrc openrc web
ctr_exec openrc rc-service web stop >"$T/rc.log" 2>&1 || diag_file "$T/rc.log"
ok "OpenRC: what supervise-daemon runs is restarted"

ctr_exec openrc rc-service webd start >"$T/rc.log" 2>&1 || diag_file "$T/rc.log"
restarts openrc openrc webd
ok "OpenRC: what it started with a pidfile is restarted"

done_testing
