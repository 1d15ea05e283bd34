# shellcheck shell=bash disable=SC2154 # set in lib.sh
# rows: U1
# The status socket under load: slow clients, greedy ones, event streams, descriptors that run out, and memory.
# run alone
# shellcheck disable=SC2317 # called by wait_for
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/status"

# Under ASan what was freed counts too, unless it is told not to keep it.
export ASAN_OPTIONS=quarantine_size_mb=0:thread_local_quarantine_size_kb=0:malloc_context_size=0

rss() { awk '/^VmRSS:/ {print $2}' "/proc/$server/status"; }
fds() { find "/proc/$server/fd" -mindepth 1 | wc -l; }
jq -nc '{schema: 1, applied: [range(300) | {package: "p\(.)", arch: "amd64", candidate: "1.0"}]}' >"$D/report.json"

serve
idle_fds=$(fds)

# ----------------------------------------------------------------------------------------------------- deadlines

# lives COMMAND…   milliseconds until the other side closes
lives() {
	local t0=${EPOCHREALTIME/./}
	"$@" >"$T/raw" || true
	lived=$(((${EPOCHREALTIME/./} - t0) / 1000))
}
# drip TEXT   send it, then a byte every half a second: an inactivity timer would never end this
drip() {
	printf '%b' "$1"
	while sleep 0.5; do printf x; done
} 2>/dev/null
dripping() { drip "$1" | "$clients" pipe "$S" 1; }
lives dripping 'GET /v1/status HTTP/1.1\r\n'
assert_le 1500 "$lived" "ms until it was closed"
assert_le "$lived" 6000 "ms until it was closed"
assert_file_has_content "$T/raw" '^HTTP/1.1 408 '
ok "a head that drips is given up, whatever still comes"

lives dripping 'POST /v1/run HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n'
assert_le 8000 "$lived" "ms until it was closed"
assert_le "$lived" 16000 "ms until it was closed"
ok "so is a body, later"

# ---------------------------------------------------------------------------------------------------- slow clients

# probe N [TARGET]   N requests, each answered in full; the median of their times in $ms, the worst in $worst
probe() {
	local i times=() t
	for ((i = 0; i < $1; i++)); do
		t=$(curl -sS --max-time 10 --unix-socket "$S" -o "$T/body" -w '%{http_code} %{time_total}' \
			"http://localhost${2-/v1/report}") || t="cut: $t"
		[[ $t == 200\ * ]] || fail "probe $i: '$t'"
		times+=("$(awk '{printf "%d", $2 * 1000}' <<<"$t")")
	done
	# shellcheck disable=SC2207
	times=($(printf '%s\n' "${times[@]}" | sort -n))
	ms=${times[$1 / 2]} worst=${times[-1]}
}

probe 20
diag "without load: median $ms ms, worst $worst ms"
start_bg "$T/slow.log" "$clients" slow "$S" 1000
slow=$!
wait_for 30 grep -q ready "$T/slow.log"
probe 20
diag "with 1000 slow clients: median $ms ms, worst $worst ms"
assert_le "$ms" 1000 "median of a probe in ms"
assert_le "$(fds)" $((idle_fds + 65)) "descriptors"
post /v1/run '{"mode":"check"}'
assert_streq "$code" 202
end_process $slow "$(proc_start $slow)"
few() { [ "$(fds)" -le "$idle_fds" ]; }
wait_for 20 few || fail "descriptors left: $(fds)"
ok "1000 clients of a byte a second do not delay another"

# Whoever asks for megabytes and does not read them.
jq -nc '{schema: 1, applied: [range(20000) | {package: "p\(.)", arch: "amd64", candidate: "1.0", reason: ("x" * 80)}]}' >"$D/report.json"
get /v1/report
size=$(wc -c <"$T/body")
assert_le 1000000 "$size" "bytes of the report"
before=$(rss)
start_bg "$T/greedy.log" "$clients" greedy "$S" 60 /v1/report
greedy=$!
wait_for 60 grep -q ready "$T/greedy.log"
diag "report of $((size / 1024)) KiB, 60 clients that do not read: RSS $before → $(rss) KiB"
assert_le "$(($(rss) - before))" $((size * 12 / 1024)) "KiB more for 60 readers of one report"
get /healthz
assert_streq "$code" 200
wait_for 20 few || fail "greedy clients are still there"
end_process $greedy "$(proc_start $greedy)"
get /v1/report
assert_streq "$(wc -c <"$T/body")" "$size" "bytes of the report"
ok "clients that do not read share one copy, and are closed after 10 s"
stop_serving

# --------------------------------------------------------------------------------------------------------- events

serve
for i in 1 2 3 4; do
	start_bg "$T/events.$i" curl -sS -N --unix-socket "$S" http://localhost/v1/events
	reader[i]=$!
	wait_for 20 grep -q '^event: state' "$T/events.$i"
done
get /v1/events
assert_error_body 503 too_many_clients
assert_streq "$(header Retry-After)" 10
post /v1/run '{"mode":"once"}'
for i in 1 2 3 4; do
	wait_for 20 grep -q '^event: done' "$T/events.$i"
	assert_streq "$(grep -c '^event: progress' "$T/events.$i")" 3 "progress events"
	assert_streq "$(sed -n '/^event: done/{n;s/^data: //p}' "$T/events.$i")" '{"run":1,"exit_code":0}'
	assert_streq "$(sed -n 's/^data: //p' "$T/events.$i" | jq -c . | wc -l)" 5 "documents"
done
end_process "${reader[1]}" "$(proc_start "${reader[1]}")"
free() { get /v1/events -I && [ "$code" = 200 ]; }
wait_for 20 free
ok "four event streams, and a place when one goes"

start_bg "$T/slow.log" "$clients" slow "$S" 200
slow=$!
wait_for 20 grep -q ready "$T/slow.log"
probe 5
post /v1/run '{"mode":"once"}'
for i in 2 3 4; do
	twice() { [ "$(grep -c '^event: done' "$T/events.$i")" = 2 ]; }
	wait_for 20 twice || fail "stream $i was closed"
done
end_process $slow "$(proc_start $slow)"
ok "a flood of others closes no stream"

kill -STOP "${reader[2]}"
kill -USR1 "$server"
got() { [ "$(grep -c '^event: progress' "$T/events.3")" -ge 4096 ]; }
wait_for 20 got || fail "reader 3 got $(grep -c '^event: progress' "$T/events.3")"
wait_for 20 free || fail "the stopped reader keeps its stream"
diag "RSS after 4 MiB of events with a stopped reader: $(rss) KiB"
kill -CONT "${reader[2]}"
gone() { ! kill -0 "${reader[2]}"; }
wait_for 20 gone || fail "the stopped reader has not met the end"
ok "a reader that lags behind is closed"
stop_serving

# ----------------------------------------------------------------------------------------------- descriptors, memory

for most in 24 12; do
	with=(prlimit "--nofile=$most")
	serve
	start_bg "$T/slow.log" "$clients" slow "$S" 100
	slow=$!
	wait_for 20 grep -q ready "$T/slow.log"
	[ $most = 12 ] || probe 10 /v1/report
	probe 10 /healthz
	end_process $slow "$(proc_start $slow)"
	probe 5 /healthz
	stop_serving
done
with=()
ok "where descriptors are few the oldest goes too, and the agent keeps some for its work"

jq -nc '{schema: 1, applied: [range(300) | {package: "p\(.)", arch: "amd64", candidate: "1.0"}]}' >"$D/report.json"
serve
targets=(/v1/status /v1/report /v1/pending /v1/schema /metrics /healthz /v1/nothing /v1/history?limit=x)
"$clients" many "$S" 1000 "${targets[@]}" >"$T/many"
before=$(rss)
"$clients" many "$S" 10000 "${targets[@]}" >"$T/many"
diag "RSS after 1,000 requests $before KiB, after 11,000 $(rss) KiB"
assert_streq "$(cat "$T/many")" 6250 "answers with 200"
assert_le "$(rss)" $((before + 64)) "KiB after 10,000 requests"
assert_streq "$(fds)" "$idle_fds" "descriptors"
ok "10,000 requests one after the other: memory does not grow"

sleeps() { sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' "/proc/$server/status"; }
before=$(sleeps)
sleep 3
assert_streq "$(sleeps)" "$before" "wake-ups in 3 s"
ok "without clients it sleeps"

stop_serving
ok "it ends well"

done_testing
