# shellcheck shell=bash disable=SC2317 # wait_for calls them
# timeout: 900
# `stopgap watch` over containers of a Docker Engine: by label only, since other tests run theirs on this machine.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/dockerd"

aptrepo_start tiny-plain tiny-epoch
ctr_create src "$(aptrepo_root)" --no-bundle
aptrepo_sources src
dockerd_start
tar -C "$(ctr_path src)" -c --exclude=./proc/* --exclude=./sys/* --exclude=./dev/* . | dk import - tiny >/dev/null
ctr_rm src

cat >"$T/stopgap.conf" <<-END
	[watch]
	select = labelled
	parallel = 4
	[host]
	engines = unix://$T/docker.sock
	runc = $T/none
	[report]
	socket = $T/watch.sock
	state_dir = $T/state
	[schedule]
	jitter = 0
END
sock() { curl -s --max-time 20 --unix-socket "$T/watch.sock" "http://localhost$1"; }
# start NAME LABEL…   a container of the image; its id in $T/NAME
start() {
	local name=$1 labels=()
	shift
	for l; do labels+=(--label "$l"); done
	dk run -d --network host --name "$name" "${labels[@]}" tiny sleep 1000000 >"$T/$name"
}
# is NAME JQ-FILTER   of the container in /v1/containers
is() { sock /v1/containers | jq -e --arg n "$1" ".containers[] | select(.name == \$n) | $2" >/dev/null; }
patched() { is "$1" '.last.mode == "once" and .last.exit_code == 0 and .last.applied == 2'; }

start one stopgap.enable=true
start two stopgap.enable=true stopgap.set.updates.deny=tiny-epoch
start off stopgap.enable=false
start plain
start_bg "$T/watch.log" "$BUNDLE/stopgap" watch --config "$T/stopgap.conf" --verbose
watch=$!
wait_for 20 sock /healthz || diag_file "$T/watch.log"

wait_for 300 patched one || { fail "one is not patched"; sock /v1/containers; diag_file "$T/watch.log"; }
wait_for 300 is two '.last.applied == 1 and .last.open == 0' || { fail "two is not patched"; sock /v1/containers; }
assert_streq "$(dk exec one dpkg-query -W -f '${Version}' tiny-plain)" 1.0-1+deb12u2
assert_streq "$(dk exec two dpkg-query -W -f '${Version}' tiny-epoch)" "$(dk exec plain dpkg-query -W -f '${Version}' tiny-epoch)"
ok "what is labelled is patched, with the settings of its labels"

assert_streq "$(dk exec plain dpkg-query -W -f '${Version}' tiny-plain)" 1.0-1
assert_streq "$(dk exec off dpkg-query -W -f '${Version}' tiny-plain)" 1.0-1
is off '.state == "left_alone" and (.reason | contains("stopgap.enable=false"))' || fail "off is not left alone"
is plain '.state == "left_alone" and (.reason | contains("watch.select"))' || fail "plain is not left alone"
ok "what is not, or labelled so, is left alone, and it is said why"

# Two of one image at once would be two restarts of one service at once.
assert_streq "$(awk '/: once: [a-z_]+, [0-9]+ applied/ { n--; next } /: once: / { if (++n > most) most = n } END { print most }' "$T/watch.log")" 1
ok "never two of one image at a time"

start late stopgap.enable=true stopgap.policy=report
began=$SECONDS
wait_for 120 is late '.state != null'
assert_le $((SECONDS - began)) 60 "time until a new container is known, s"
wait_for 300 is late '.last.mode == "check" and .last.exit_code == 100' || { fail "late is not checked"; sock /v1/containers; }
assert_streq "$(dk exec late dpkg-query -W -f '${Version}' tiny-plain)" 1.0-1
ok "a new container is found by itself; stopgap.policy=report changes nothing in it"

start wrong stopgap.enable=true stopgap.set.hooks.before=/bin/true
wait_for 120 is wrong '.labels_refused | contains("hooks.before")' || fail "the label is not refused"
ok "a label that would run something on the host is refused, and that is seen"

one=$(cat "$T/one")
sock /v1/status >"$T/status.json"
"$TESTS/testbed/schema" status "$T/status.json" || fail "the status is not as packaging/schema says"
sock /v1/containers >"$T/containers.json"
"$TESTS/testbed/schema" containers "$T/containers.json" || fail "the list of containers is not as packaging/schema says"
assert_json "$T/status.json" '.agent.mode == "watch" and .containers.watched >= 4'
sock /metrics >"$T/metrics"
promtool check metrics <"$T/metrics" >"$T/promtool" 2>&1 || { fail "promtool"; diag_file "$T/promtool"; }
assert_file_has_content "$T/metrics" '^stopgap_pending_security_updates\{container="late"\} 2$'
assert_file_has_content "$T/metrics" "^stopgap_container_info\{container=\"one\",id=\"$one\",name=\"one\",image=\"tiny\",engine=\"docker\""
assert_not_file_has_content "$T/metrics" 'container="off"'
assert_streq "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$T/watch.sock" http://localhost/v1/report)" 404
run "$BUNDLE/stopgap" status --config "$T/stopgap.conf"
assert_status 0
assert_file_has_content "$T/out" 'watches [0-9]+ of [0-9]+ containers'
run "$BUNDLE/stopgap" status --output=nagios --warning=0 --critical=1000 --config "$T/stopgap.conf"
assert_status 1
assert_file_has_content "$T/out" '^STOPGAP WARNING - updates are open in 1 of [0-9]+ containers.*\|pending=1;0;1000;0 '
# a run that is meant for this machine itself is not handed to an agent that has others
run "$BUNDLE/stopgap" scan --output=json --config "$T/stopgap.conf"
assert_json "$T/out" '.mode == "scan" and .processes.scanned > 0'
ok "status and metrics of all at one socket"

timeout 100 curl -sN --unix-socket "$T/watch.sock" http://localhost/v1/events >"$T/events" &
events=$!
wait_for 20 grep -q '^event: state' "$T/events" || fail "no stream of events"
kill -USR1 "$watch"
wait_for 200 grep -q "^data: .*\"container\":\"$one\".*\"exit_code\":0" "$T/events" || { fail "no event of a run"; diag_file "$T/events"; }
kill $events
ok "SIGUSR1 runs all, and who listens hears of each"

# What the host keeps of a container is not in it.
assert_json "$T/state/containers/$one/last.json" '.container.id == $id and .result == "ok"' --arg id "$one"
assert_exists "$T/state/containers/$one/history.jsonl"
assert_streq "$(dk exec one sh -c 'ls -A /var/lib/stopgap 2>/dev/null | wc -l')" 0
ok "reports are kept on the host, nothing in the container"

dk rm -f late >/dev/null
wait_for 60 sh -c "! curl -s --unix-socket '$T/watch.sock' http://localhost/v1/containers | grep -q '\"name\":\"late\"'" ||
	fail "late is still there"
ok "one that is gone goes from the list"

sed -i 's/^select.*/select = all/; s/^parallel.*/parallel = zero/' "$T/stopgap.conf"
kill -HUP "$watch"
wait_for 20 grep -q 'the configuration stays as it was' "$T/watch.log" || fail "a wrong configuration is taken"
sed -i 's/^select.*/select = labelled/; s/^parallel.*/parallel = 1/' "$T/stopgap.conf"
kill -HUP "$watch"
wait_for 20 grep -q 'configuration read anew' "$T/watch.log" || fail "no new configuration"
wait_for 20 sock /healthz || fail "no socket after SIGHUP"
ok "SIGHUP: a wrong configuration changes nothing, a right one is used"

kill "$watch"
wait_for 90 test ! -e "/proc/$watch" || fail "it does not end"
assert_not_exists "$T/watch.sock"
ok "SIGTERM ends it"
done_testing
