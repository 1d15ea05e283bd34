# shellcheck shell=bash disable=SC2154 # set in lib.sh
# packaging/monitoring: a real Prometheus scrapes an agent as its README says; alerts, dashboard and Icinga's command name
# what there is.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"
kit=$TOP/packaging/monitoring
PATH=$B:$PATH
run_dir=$T/r
common=(--set "report.state_dir=$T/state" --set updates.lock_timeout=0s --set network.timeout=0s)

free_port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# -------------------------------------------------------------------------------------------------- the rules

run promtool check rules "$kit/alerts.yml"
assert_status 0
run promtool test rules "$kit/alerts-test.yml"
assert_status 0
assert_file_has_content "$T/out" SUCCESS
# red without its 24 hours, and without each rule
mkdir "$T/rules"
cp "$kit/alerts-test.yml" "$T/rules"
sed 's/for: 24h/for: 1h/' "$kit/alerts.yml" >"$T/rules/alerts.yml"
run promtool test rules "$T/rules/alerts-test.yml"
assert_status 1
while read -r alert; do
	[ "$alert" != StopgapUnsupportedPackages ] || continue
	sed "s/alert: $alert\$/alert: Other/" "$kit/alerts.yml" >"$T/rules/alerts.yml"
	run promtool test rules "$T/rules/alerts-test.yml"
	[ "$status" = 1 ] || fail "$alert is not tested"
done < <(sed -n 's/.*- alert: //p' "$kit/alerts.yml")
ok "the alert rules say what their test expects"

# ----------------------------------------------------------------------------------------- the agent, and the scrape

plays <<'END'
on plan
  update libssl3 3.0.1 3.0.2
  update openssl 3.0.1 3.0.2
  well
on fetch
  {"id":@id,"result":{"bytes":0,"failed":[{"package":"openssl","arch":"amd64","version":"3.0.2","code":"download_failed"},{"package":"libssl3","arch":"amd64","version":"3.0.2","code":"download_failed"}]}}
END
mkdir -p "$run_dir/web"
start_bg "$T/daemon.log" "$B/stopgap" daemon "${common[@]}" --set "report.socket=$run_dir/web/status.sock"
agent_pid=$!
# shellcheck disable=SC2317 # by wait_for
has_run() { stopgap status --output=json --set "report.socket=$run_dir/web/status.sock" | jq -e '.agent and .last != null and .run.state == "idle"'; }
wait_for 30 has_run || { fail "no run"; diag_file "$T/daemon.log"; }

# http TARGET [CURL-OPTION…]   what stopgap-metrics.socket would answer; $code, $T/body
http() {
	local target=$1
	shift
	code=$(curl -sS --max-time 20 --path-as-is -o "$T/body" -D "$T/head" -w '%{http_code}' "$@" "http://127.0.0.1:$port$target" 2>"$T/curl.err") ||
		diag_file "$T/curl.err"
}
port=$(free_port)
start_bg "$T/socket.log" systemd-socket-activate --accept --inetd --listen="127.0.0.1:$port" --setenv=PATH \
	"$kit/metrics-http" "$run_dir"
# shellcheck disable=SC2317 # by wait_for
listens() { curl -sS "http://127.0.0.1:$port/"; }
wait_for 20 listens || diag_file "$T/socket.log"

http /metrics/web
assert_streq "$code" 200
assert_file_has_content "$T/head" '^Content-Type: application/openmetrics-text; version=1.0.0'
"$TESTS/testbed/openmetrics" --openmetrics <"$T/body" >"$T/samples" 2>"$T/err" || { fail "not OpenMetrics"; diag_file "$T/err"; }
cp "$T/body" "$T/agent.om"
for target in / /metrics/ /metrics/other/x /metrics/../web /metrics/.hidden /v1/status /v1/run /metrics/web?x '/metrics/we%62'; do
	http "$target"
	assert_streq "$code" 404 "$target"
done
http /metrics/web -X POST --data '{"mode":"once"}'
assert_streq "$code" 404 POST
http /metrics/other
assert_streq "$code" 503 "no such agent"
http /metrics
assert_streq "$code" 503 "no agent of one's own"
printf 'GET /metrics/web HTTP/1.1\r\nHost: x\r\n' >"$T/half"
exec 9<>"/dev/tcp/127.0.0.1/$port"
cat "$T/half" >&9
http /metrics/web # while another client dawdles
assert_streq "$code" 200
exec 9>&-
ok "metrics-http: two forms of address, nothing else"

# A container that puts a link in the place of its socket gets nobody else's.
mkdir "$run_dir/evil"
ln -s "$run_dir/web/status.sock" "$run_dir/evil/status.sock"
http /metrics/evil
assert_streq "$code" 503 "a link"
ok "metrics-http: a link is not followed"

prometheus_port=$(free_port)
sed "s/127\.0\.0\.1:9755/127.0.0.1:$port/; s/scrape_interval: .*/scrape_interval: 1s/; s|alerts\.yml|$kit/alerts.yml|" \
	"$kit/prometheus.yml" >"$T/prometheus.yml"
echo 'global: { evaluation_interval: 1s }' >>"$T/prometheus.yml"
run promtool check config "$T/prometheus.yml"
assert_status 0
start_bg "$T/prometheus.log" prometheus --config.file="$T/prometheus.yml" --storage.tsdb.path="$T/tsdb" \
	--web.listen-address="127.0.0.1:$prometheus_port" --log.level=warn
query() { curl -sS --max-time 10 "http://127.0.0.1:$prometheus_port/api/v1/query" --data-urlencode "query=$1" >"$T/answer" 2>"$T/curl.err"; }
# shellcheck disable=SC2317 # by wait_for
scraped() { query 'stopgap_pending_security_updates{instance="web"}' && jq -e '.data.result | length == 1' "$T/answer"; }
wait_for 60 scraped || { fail "nothing is scraped"; diag_file "$T/prometheus.log"; diag_file "$T/socket.log"; }
assert_json_eq "$T/answer" '.data.result[0] | [.metric.__name__, .metric.job, .metric.instance, .value[1]]' \
	'["stopgap_pending_security_updates","stopgap","web","2"]'
# up_is INSTANCE VALUE   what Prometheus says, once it has tried
# shellcheck disable=SC2317 # by wait_for
up_is() { query "up{job=\"stopgap\",instance=\"$1\"}" && jq -e --arg v "$2" '.data.result[0].value[1] == $v' "$T/answer"; }
wait_for 30 up_is web 1 || { fail "web is not up"; diag_file "$T/answer"; }
wait_for 30 up_is db 0 || { fail "db is not down"; diag_file "$T/answer"; }
# shellcheck disable=SC2317 # by wait_for
pending_alert() {
	curl -sS "http://127.0.0.1:$prometheus_port/api/v1/alerts" >"$T/answer" &&
		jq -e 'any(.data.alerts[]; .labels.alertname == "StopgapSecurityUpdatesPending" and .state == "pending")' "$T/answer"
}
wait_for 90 pending_alert || { fail "the alert does not wait"; diag_file "$T/answer"; }
kill "$agent_pid"
wait_for 60 up_is web 0 || { fail "an agent that is gone is not seen"; diag_file "$T/answer"; }
ok "Prometheus scrapes the agent, its alert waits, and an agent that is gone is down"

# ---------------------------------------------------------------------------------------------------- textfile

mkdir "$T/prom"
run "$kit/textfile" "$T/prom/stopgap.prom" "${common[@]}" --set "report.socket=$run_dir/web/status.sock"
assert_status 0
promtool check metrics <"$T/prom/stopgap.prom" >"$T/promtool" 2>&1 || fail "promtool does not accept it"
assert_streq "$(cat "$T/promtool")" "" "what promtool says"
"$TESTS/testbed/openmetrics" --text <"$T/prom/stopgap.prom" >"$T/samples" 2>"$T/err" || { fail "no text format"; diag_file "$T/err"; }
stopgap status --output=openmetrics "${common[@]}" --set "report.socket=$T/none" >"$T/now.om"
"$TESTS/testbed/openmetrics" --openmetrics <"$T/now.om" >"$T/samples.om"
assert_same_file <(grep -v age_seconds "$T/samples") <(grep -v age_seconds "$T/samples.om")
for what in full hostile; do
	"$BUILD/tests/helpers/metrics-dump" openmetrics $what >"$T/$what.om"
	printf '#!/bin/sh\ncat "%s"\n' "$T/$what.om" >"$T/rules/stopgap"
	chmod +x "$T/rules/stopgap"
	PATH=$T/rules:$PATH "$kit/textfile" "$T/prom/$what.prom"
	"$BUILD/tests/helpers/metrics-dump" text $what >"$T/$what.text"
	assert_same_file "$T/prom/$what.prom" "$T/$what.text"
done
before=$(stat -c %i "$T/prom/stopgap.prom")
run "$kit/textfile" "$T/prom/stopgap.prom" --set "report.socket=$T/none" --set "report.state_dir=$T/none"
assert_status 1
assert_streq "$(stat -c %i "$T/prom/stopgap.prom")" "$before" "the old file"
assert_streq "$(find "$T/prom" -type f -printf "%f\n" | sort | paste -sd" ")" "full.prom hostile.prom stopgap.prom" files
ok "textfile: what the agent itself has as text, whole or not at all"

# --------------------------------------------------------------------------------- names, units, Icinga, README

mkdir "$T/icinga"
cat - "$kit/icinga2.conf" >"$T/icinga/icinga2.conf" <<END
include <itl>
object Endpoint NodeName {}
object Zone "z" { endpoints = [ NodeName ] }
object Host "h" {
  check_command = "dummy"
  vars.stopgap = { web = "$run_dir/web/status.sock", gone = "$T/none" }
}
END
run icinga2 daemon -C -c "$T/icinga/icinga2.conf" -D "DataDir=$T/icinga" -D "LogDir=$T/icinga" -D "CacheDir=$T/icinga" \
	-D "SpoolDir=$T/icinga" -D "InitRunDir=$T/icinga" -D "RunAsUser=root" -D "RunAsGroup=root"
assert_status 0
assert_file_has_content "$T/out" 'Instantiated 2 Services'
line=$(sed -n 's/^  command = \[ \(.*\) \]$/\1/p' "$kit/icinga2.conf" | tr -d '",')
assert_streq "${line%% *}" /usr/lib/stopgap/stopgap
# shellcheck disable=SC2086 # words
run "$B/stopgap" ${line#* } --set "report.state_dir=$T/state" --set "report.socket=$T/none" --critical 0
assert_status 2
assert_file_has_content "$T/out" '^STOPGAP CRITICAL - 2 security updates are open'
ok "Icinga takes its configuration, and the command it defines answers"

# What an agent said above, what is said after a success and a failure, and what only a container has that has all.
plays </dev/null
report once
stopgap status --output=openmetrics "${common[@]}" --set "report.socket=$T/none" >>"$T/agent.om"
plays <<'END'
on refresh
  {"id":@id,"error":{"code":"expired","message":"x","retryable":false}}
END
report once
stopgap status --output=openmetrics "${common[@]}" --set "report.socket=$T/none" >>"$T/agent.om"
"$BUILD/tests/helpers/metrics-dump" text full >>"$T/agent.om"
grep -o '^stopgap_[a-z_]*' "$T/agent.om" >"$T/names"
# names_in FILE   each metric that it names is one that an agent has
names_in() {
	local name n=0
	while read -r name; do
		n=$((n + 1))
		grep -qx "$name" "$T/names" || fail "${1##*/}: no agent has $name"
	done < <(grep -o '\bstopgap_[a-z_]*[a-z]\b' "$1" | sort -u)
	[ $n -gt 0 ] || fail "$1 names no metric"
}
names_in "$kit/alerts.yml"
names_in "$kit/alerts-test.yml"
jq -r '[.panels[].targets[].expr, .templating.list[].definition? // empty][]' "$kit/grafana-dashboard.json" >"$T/exprs"
names_in "$T/exprs"
assert_json "$kit/grafana-dashboard.json" '[.panels[].id] | (. | unique | length) == length'
assert_json "$kit/grafana-dashboard.json" '.uid == "stopgap" and (.panels | length) > 10 and all(.panels[]; .targets | length > 0)'
while read -r expr; do
	query "${expr//\$instance/.*}"
	jq -e '.status == "success"' "$T/answer" >/dev/null || { fail "Prometheus does not know: $expr"; diag_file "$T/answer"; }
done < <(jq -r '.panels[].targets[].expr' "$kit/grafana-dashboard.json")
ok "alerts and dashboard are built on metrics that exist"

mkdir "$T/units"
sed "s|^ExecStart=/usr/lib/stopgap-monitoring|ExecStart=$kit|" "$kit/stopgap-metrics@.service" >"$T/units/stopgap-metrics@.service"
cp "$kit/stopgap-metrics.socket" "$T/units"
run systemd-analyze verify --man=no "$T/units/stopgap-metrics.socket" "$T/units/stopgap-metrics@.service"
assert_status 0
assert_not_file_has_content "$T/err" stopgap
ok "the units are what systemd takes"

for f in "$kit"/*; do
	f=${f##*/}
	[ "$f" = README.md ] || grep -qF "$f" "$kit/README.md" || fail "README.md does not name $f"
done
while read -r f; do assert_exists "$kit/$f"; done < <(grep -o '`packaging/monitoring/[a-z@.-]*`' "$kit/README.md" | tr -d '`' | sed 's|.*/||')
ok "the README has all of it"

done_testing
