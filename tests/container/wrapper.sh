# shellcheck shell=bash
# stopgap as PID 1 of Docker containers, real services, the real security suite: after `docker exec … stopgap once` no
# process runs a replaced file, PID 1 is the same, and so are the service's command line and environment.
# timeout: 1200
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/dockerd"

R=$T/report.json
mkdir -p "$T/conf" "$T/etc"
cat >"$T/etc/stopgap.conf" <<'EOF'
[schedule]
interval = 0
[restart]
mode = service
[health]
command = curl -fs -o /dev/null http://127.0.0.1:18080/
[trust]
accept_expired = yes
EOF
cat >"$T/conf/nginx.conf" <<'EOF'
user www-data;
worker_processes 2;
pid /run/nginx.pid;
events { worker_connections 64; }
http {
	access_log off;
	server { listen 127.0.0.1:18080; location / { return 200 "here\n"; } }
}
EOF
cat >"$T/conf/supervisord.conf" <<'EOF'
[supervisord]
nodaemon=true
user=root
[unix_http_server]
file=/var/run/supervisor.sock
chmod=0700
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix:///var/run/supervisor.sock
[program:web]
command=/usr/sbin/nginx -c /conf/nginx.conf -g "daemon off;"
[program:cache]
command=/usr/bin/redis-server --port 16379 --bind 127.0.0.1 --save ""
user=redis
directory=/var/lib/redis
[program:db]
command=/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main -c config_file=/etc/postgresql/15/main/postgresql.conf -c port=15432 -c ssl=off -c unix_socket_directories=/tmp
user=postgres
EOF

# wrap NAME IMAGE CMD…   start it
wrap() {
	local name=$1 image=$2
	shift 2
	dk run -d --name "$name" --network host -e "COLOUR=blue green" -v "$BUNDLE:/stopgap:ro" -v "$T/conf:/conf:ro" \
		-v "$T/etc:/etc/stopgap:ro" --entrypoint /stopgap/stopgap "$image" run --before-start=never -- "$@" >/dev/null
}

answers() { curl -fs --max-time 1 -o /dev/null http://127.0.0.1:18080/; }

# The service's pid in the container, as the agent has it.
child() { dk exec "$1" /stopgap/stopgap status --output=json | jq .agent.child.pid; }

# what_is NAME PID   command line, environment, ids and limits of a process, as text
what_is() {
	dk exec "$1" sh -c "tr '\\0' '\\n' </proc/$2/cmdline; tr '\\0' '\\n' </proc/$2/environ | sort; readlink /proc/$2/cwd
		grep -E '^(Uid|Gid|Groups|SigBlk|CapEff|CapBnd|NoNewPrivs)' /proc/$2/status; cat /proc/$2/limits"
}

# Ask for the page all the time; lines "TIME-IN-µs ok|no".
probe() {
	while :; do
		if answers; then echo "${EPOCHREALTIME/./} ok"; else echo "${EPOCHREALTIME/./} no"; fi
	done
}

# gap FILE   the longest time without an answer, in ms, and how many requests had none
gap() {
	awk '{ t = $1 / 1000 } $2 == "ok" { if (last && failed && t - last > max) max = t - last; last = t; failed = 0 }
		$2 == "no" { failed = 1; n++ } END { printf "%d %d\n", max, n }' "$1"
}

# replaced NAME   processes of the container that run code which was replaced, seen from the host
replaced() {
	local pid
	for pid in $(dk top "$1" -eo pid | tail -n +2); do
		grep -sE ' r.xp .* /(usr|lib|bin|sbin|opt).* \(deleted\)$' "/proc/$pid/maps" |
			sed "s|^|$pid $(cat "/proc/$pid/comm"): |" || true
	done
}

# patch NAME   the test itself: `once`, and what is the same before and after
patch() {
	local name=$1 pid1 start1 pid was
	wait_for 60 answers || { fail "$name does not answer"; dk logs "$name" 2>&1 | tail -20 | sed 's/^/# /'; }
	pid1=$(dk inspect -f '{{.State.Pid}}' "$name")
	start1=$(proc_start "$pid1")
	was=$(child "$name")
	what_is "$name" "$was" >"$T/before.$name"
	probe >"$T/probes.$name" 2>/dev/null &
	pid=$!
	run dk exec "$name" /stopgap/stopgap once --output=json
	cp "$T/out" "$R"
	wait_for 30 answers || fail "$name does not answer afterwards"
	kill $pid
	wait $pid 2>/dev/null || true
	assert_status 0
	assert_json "$R" '(.applied | length) > 5 and .failed == [] and .processes.stale == [] and .trigger == "socket"'
	assert_json "$R" '[.restarts[] | select(.code != "restart_covered")] | length > 0 and all(.[]; .code == "ok" and .health == "healthy")'
	assert_streq "$(replaced "$name")" '' "replaced files that are still run"
	assert_streq "$(dk inspect -f '{{.State.Pid}}' "$name") $(proc_start "$pid1")" "$pid1 $start1" "PID 1"
	diag "$name: $(jq -c '[.restarts[] | {service, kind, gap}]' "$R"); $(gap "$T/probes.$name" |
		sed 's/ / ms without an answer, requests that failed: /'), of $(wc -l <"$T/probes.$name")"
}

dockerd_start
dockerd_image demo bookworm demo
wrap alone demo nginx -c /conf/nginx.conf -g 'daemon off;'
patch alone
assert_json "$R" '[.restarts[] | [.service, .kind]] == [["nginx", "child"]] and .restarts[0].gap >= 0'
now=$(child alone)
what_is alone "$now" >"$T/after.alone"
assert_same_file "$T/after.alone" "$T/before.alone"
# nginx writes its title over its environment; the next service shows that
assert_file_has_content "$T/after.alone" '^nginx: master process nginx -c /conf/nginx.conf -g daemon off;'
assert_json "$R" 'any(.applied[]; .package == "libssl3")'
ok "nginx alone: restarted in place, the same but for its pid"

run dk exec alone /stopgap/stopgap once --output=json
assert_json "$T/out" '.exit_code == 0 and .applied == [] and .restarts == []'
assert_streq "$(child alone)" "$now" "the service"
ok "the next run finds nothing, and restarts nothing"

run dk exec alone /stopgap/stopgap once --set updates.deny=x
assert_status 2
assert_file_has_content "$T/err" "its configuration applies: --set is not taken here"
ok "--set is refused where an agent runs"

# A stop reaches the service, and its status is the container's.
run dk stop -t 20 alone
assert_streq "$(dk inspect -f '{{.State.ExitCode}}' alone)" 0 "exit status"
dk rm -f alone >/dev/null
ok "docker stop"

dockerd_image wrapped bookworm wrapped
wrap many wrapped supervisord -c /conf/supervisord.conf
db() { dk exec -u postgres many psql -h /tmp -p 15432 -Atc 'select 40 + 2'; }
cache() { dk exec many redis-cli -p 16379 ping; }
wait_for 60 db || { fail "no database"; dk logs many 2>&1 | tail -20 | sed 's/^/# /'; }
patch many
what_is many "$(child many)" >"$T/after.many"
assert_same_file "$T/after.many" "$T/before.many"
assert_file_has_content "$T/after.many" '^COLOUR=blue green$'
wait_for 30 db || true
assert_streq "$(db 2>&1)" 42 "database"
assert_streq "$(cache 2>&1)" PONG "cache"
ok "nginx, redis and postgresql under supervisord: each answers, none runs old code"

done_testing
