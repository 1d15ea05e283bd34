# shellcheck shell=bash disable=SC2154,SC2317 # set in lib.sh; called by wait_for
# From the host, a service of the container that runs old code is restarted by its own supervisor, and stays in the
# container's own namespaces; a process that a script leaves in the entry's is named.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/host"

aptrepo_start tiny-plain
mkdir "$T/web"
cat >"$T/web/nginx.conf" <<'END'
daemon off;
pid /run/nginx.pid;
worker_processes 1;
error_log stderr;
events { }
http { access_log off; server { listen unix:/run/web.sock; return 200 "answers\n"; } }
END
cat >"$T/web/supervisord.conf" <<'END'
[supervisord]
nodaemon=true
user=root
[unix_http_server]
file=/var/run/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix:///var/run/supervisor.sock
[program:web]
command=/usr/sbin/nginx -c /etc/web/nginx.conf
END
chmod 644 "$T/web"/*
ctr_start s "$(rootfs bookworm supervise)" --no-bundle --mount "$T/web:/etc/web:ro" -- \
	/usr/bin/python3 /usr/bin/supervisord -c /etc/web/supervisord.conf
aptrepo_sources s
IFS=: read -ra layers <<<"$(aptrepo_root)"
for l in "${layers[@]}"; do
	[ ! -e "$l/usr/share/keyrings/tiny-archive.gpg" ] || cp "$l/usr/share/keyrings/tiny-archive.gpg" "$(ctr_path s)/usr/share/keyrings/"
done
s=$(ctr_pid s)
answers() { [ "$(ctr_exec s curl -s --max-time 2 --unix-socket /run/web.sock http://localhost/)" = answers ]; }
main_pid() { ctr_exec s pgrep -o -f 'nginx: master'; }
wait_for 60 answers || { fail "the service does not start"; diag_file "$(ctr_log s)"; }
# supervisord tells no pid before its startsecs are over
runs() { ctr_exec s supervisorctl -c /etc/web/supervisord.conf status web | grep -q RUNNING; }
wait_for 60 runs || fail "supervisord does not call it running"
before=$(main_pid)

# another file in its place, as dpkg would put it
ctr_exec s sh -c 'cp -p /usr/sbin/nginx /usr/sbin/nginx.new && mv /usr/sbin/nginx.new /usr/sbin/nginx'
host_exec "pid:$s" -- scan
assert_status 102
assert_json "$R" '.processes.stale | length > 0 and all(.kind == "supervisord" and .exe == "/usr/sbin/nginx")'
host_exec "pid:$s" -- once
assert_status 102
assert_streq "$(main_pid)" "$before" "main process, mode=report"
ok "what runs old code is found from the host, and not restarted by default"

host_exec --set restart.mode=service "pid:$s" -- once
assert_status 0
assert_json "$R" '.restarts | length == 1 and .[0].code == "ok"'
assert_json "$R" '.left_behind == []'
wait_for 30 answers || fail "the service does not answer"
[ "$(main_pid)" != "$before" ] || fail "it was not restarted"
for p in $(pgrep -f 'nginx: (master|worker)' --ns "$s" --nslist pid); do
	assert_streq "$(readlink "/proc/$p/ns/mnt")" "$(readlink "/proc/$s/ns/mnt")" "mount namespace of $p"
done
ok "mode=service: its supervisor restarts it, in the container's own mount namespace"

host_small left
echo leave >"/proc/$pid/root/reveal/then"
host_reveal "pid:$pid"
jq '.targets[0]' "$T/out" >"$R"
assert_json "$R" '.left_behind | length == 1 and .[0].cmdline == "/dev/mqueue/plugins/stopgap-apt"'
assert_json "$R" '.alarms | any(.code == "left_behind")'
ok "a process that stays in the entry's mount namespace is named"

done_testing
