# shellcheck shell=bash disable=SC2154 # set in lib.sh
# The client of the status socket: what it asks an agent, and what a lying or dead one does to it.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/status"

client() { run timeout 40 "$BUILD/tests/helpers/status-client" "$S" "$@"; }

# client_fails CODE ERE ARG…
client_fails() {
	local code=$1 want=$2
	shift 2
	client "$@"
	assert_status 125
	assert_file_has_content "$T/err" "^$code: "
	assert_file_has_content "$T/err" "$want"
	assert_streq "$(wc -l <"$T/err")" 1 "lines on standard error"
}

client_fails no_agent "no agent answers on '$S'" get /v1/status
ok "no agent, no folder"

printf '%s\n' '{"schema":1,"package":"libc6\nx"}' >"$D/report.json"
serve
client get /v1/status
assert_status 0
assert_json_eq "$T/out" .run '{"id":0,"state":"idle"}'
client text /metrics application/openmetrics-text
assert_streq "$(tail -n 1 "$T/out")" '# EOF'
client text /metrics
assert_streq "$(tail -n 1 "$T/out")" 'test 1'
client_fails not_ready 'no run has ended yet' get /v1/pending
client_fails not_found 'no such route' get /v1/nothing
client_fails io 'not one JSON object' get /metrics
ok "documents, text, and the agent's own errors"

# --------------------------------------------------------------------------------------------------------- runs

for mode in once=0 check=100 scan=102; do
	client "${mode%=*}"
	assert_status "${mode#*=}"
	sed -n 's/^report //p' "$T/out" >"$T/report"
	assert_json_eq "$T/report" .package '"libc6\nx"'
	assert_streq "$(cut -d' ' -f1 "$T/out" | uniq -c | tr -s ' \n' ' ')" ' 1 state 3 progress 1 done 1 report ' "events"
	assert_streq "$(sed -n 's/^done //p' "$T/out")" "{\"run\":$(jq .run "$T/report"),\"exit_code\":${mode#*=}}"
done
ok "a run's events, then its report and exit code"

streams=()
for _ in 1 2 3 4; do
	start_bg "$T/stream" curl -sS -N --unix-socket "$S" http://localhost/v1/events
	streams+=("$!")
done
# shellcheck disable=SC2317 # by wait_for
full() { [ "$(curl -sS -o "$T/full" -w '%{http_code}' -m 3 --unix-socket "$S" http://localhost/v1/events)" = 503 ]; }
wait_for 60 full
client check
assert_status 100
assert_file_has_content "$T/out" '^state .*"idle"'
assert_file_has_content "$T/out" '^report '
for pid in "${streams[@]}"; do end_process "$pid" "$(proc_start "$pid" || echo gone)"; done
ok "where all streams are taken, it asks the status from time to time"

: >"$D/busy"
client_fails busy 'the agent says: run [0-9]+ is going on' once
rm "$D/busy"
ok "a busy agent"

: >"$D/hang"
"$BUILD/tests/helpers/status-client" "$S" once >"$T/hang.out" 2>"$T/hang.err" &
hung=$!
at_exit end_process $hung "$(proc_start $hung)"
# shellcheck disable=SC2317 # by wait_for
running() { curl -sS --unix-socket "$S" http://localhost/v1/status | jq -e '.run.state == "fetch"'; }
wait_for 20 running
kill -KILL "$server"
rc=0
wait $hung || rc=$?
assert_streq "$rc" 125 "exit"
assert_file_has_content "$T/hang.err" "^no_agent: follow run [0-9]+ \('stopgap history' shows its end\): "
rm "$D/hang"
assert_exists "$S"
client_fails no_agent "no agent answers" get /v1/status
ok "an agent that dies meanwhile, and the socket that it left"

# --------------------------------------------------------------------------------------------- a lying other side

rm "$S"
serve
for what in link dangling file fifo folder; do
	case $what in
	link) ln -s "$S" "$T/odd" ;;
	dangling) ln -s /nonexistent "$T/odd" ;;
	file) : >"$T/odd" ;;
	fifo) mkfifo "$T/odd" ;;
	folder) mkdir "$T/odd" ;;
	esac
	run timeout 20 "$BUILD/tests/helpers/status-client" "$T/odd" get /v1/status
	assert_status 125
	assert_file_has_content "$T/err" "^io: '$T/odd' is not a socket"
	rm -rf "$T/odd"
done
ok "only a socket is opened, and through no link"
stop_serving

# lies FILE…   an agent that answers with these bytes; its socket is $S
lies() {
	start_bg "$T/lies.log" "$clients" serve "$S" "$@"
	liar=$!
	wait_for 20 grep -q ready "$T/lies.log"
}
honest() { end_process "$liar" "$(proc_start "$liar" || echo gone)"; }
head=$'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'

# answer TEXT CODE ERE   this answer to GET is refused
answer() {
	printf '%b' "$1" >"$T/answer"
	lies "$T/answer"
	client_fails "$2" "$3" get /v1/status
	honest
}
answer '' no_agent 'closed the connection without an answer'
answer 'HTTP/1.1 200' no_agent 'closed the connection'
answer 'SSH-2.0-OpenSSH_9.2\r\n\r\n' io 'no stopgap agent'
answer "$(head -c 5000 /dev/zero | tr '\0' x)" io 'no stopgap agent'
answer "HTTP/1.1 2x0 OK\r\n\r\n{}" io 'no stopgap agent'
answer "${head}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" io 'no stopgap agent'
answer "${head}Content-Length: 5\r\n\r\n{}" io 'cut'
answer "${head}Content-Length: 1\r\n\r\n{}" io 'cut'
answer "${head}Content-Length: -2\r\n\r\n{}" io 'no stopgap agent'
answer "$head\r\n[]" io 'not one JSON object'
answer "$head\r\n{}{}" io 'not one JSON object'
answer "$head\r\n{\"a\":\"\\xc0\\xaf\"}" io 'not one JSON object'
answer "$head\r\n$(head -c 3000 /dev/zero | tr '\0' '[')" io 'not one JSON object'
answer 'HTTP/1.1 500 Oh\r\n\r\nno' io 'no stopgap agent'
answer 'HTTP/1.1 503 Oh\r\n\r\n{"error":{"code":"made_up","message":"\\u001b[2J\\nred"}}' internal 'the agent says: .*\(503\)$'
assert_not_file_has_content "$T/err" $'\033'
{ printf '%b' "$head\r\n"; head -c 17000000 /dev/zero | tr '\0' x; } >"$T/flood"
lies "$T/flood"
client_fails too_large 'more than 16777216 bytes' get /v1/status
honest
ok "what is no answer of ours"

stream=$'HTTP/1.1 200 OK\r\n\r\n' accepted=$'HTTP/1.1 202 Accepted\r\n\r\n{"run":7}\n'
printf '%s' "$stream" >"$T/a"
printf '%s' "$accepted" >"$T/b"
printf '%b' "$head\r\n{\"run\":{\"id\":7,\"state\":\"idle\"}}" >"$T/c"
# report TEXT CODE ERE
report() {
	printf '%b' "$head\r\n$1" >"$T/d"
	lies "$T/a" "$T/b" "$T/c" "$T/d"
	client_fails "$2" "$3" once
	honest
}
report '{"run":8,"exit_code":0}' io 'shows the report of run 8'
report '{"run":7}' io 'shows the report'
report '{"run":7,"exit_code":256}' io 'shows the report'
report '{"run":7,"exit_code":"0"}' io 'shows the report'
report '{"run":"7","exit_code":0}' io 'shows the report of run 0'
ok "a report is the run's own"

printf '%sevent: progress\ndata: {}{}\n\n' "$stream" >"$T/a"
lies "$T/a" "$T/b" "$T/c" "$T/d"
client_fails io 'not one JSON object' once
honest
{ printf '%sdata: ' "$stream"; head -c 2000000 /dev/zero | tr '\0' x; } >"$T/a"
lies "$T/a" "$T/b" "$T/c" "$T/d"
client_fails too_large 'more than 1048576 bytes' once
honest
ok "events are bounded and checked"

lies -
client_fails no_agent 'did not answer within 15 s' get /v1/status
honest
ok "an agent that never answers"

done_testing
