# shellcheck shell=bash disable=SC2154 # set in lib.sh
# The manual pages: clean, and complete in both directions: every field of the report, every metric, setting, mode and option.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"
plays </dev/null

for page in "$TOP"/agent/*.[1-8]; do
	# lines of text may be long: they are filled
	run mandoc -T lint -W warning "$page"
	assert_status 0
	assert_streq "$(cat "$T/out" "$T/err")" "" "mandoc of ${page##*/}"
	run env MANWIDTH=100 MAN_KEEP_FORMATTING=1 man --warnings -E UTF-8 -l "$page"
	assert_status 0
	assert_streq "$(cat "$T/err")" "" "man of ${page##*/}"
	[ "$(wc -l <"$T/out")" -gt 20 ] || fail "${page##*/} shows nothing"
done
printf '.TH X 1\n.SH NAME\n.B x\n.UNKNOWN y\n' >"$T/bad.1"
run mandoc -T lint -W warning "$T/bad.1"
[ "$status" != 0 ] || fail "a bad page is good"
ok "every page is clean"

# "object.field" of the schema, and of stopgap-report(7)
/usr/bin/python3 - "$TOP/packaging/schema/report-1.json" "$TOP/agent/stopgap-report.7" >"$T/differ" 2>&1 <<'END' || true
import json, re, sys

schema = json.load(open(sys.argv[1]))
have = set()


def walk(s, name, done=set()):
    if "$ref" in s:
        name = s["$ref"].rsplit("/", 1)[-1]
        s = schema["$defs"][name]
    for choice in s.get("anyOf", []):
        walk(choice, name)
    if "properties" in s and name not in done:
        done.add(name)
        for field, inner in s["properties"].items():
            have.add(f"{name}.{field}")
            walk(inner, field)
    if "items" in s:
        walk(s["items"], name)


walk(schema, "report")
page, section, heading = set(), None, False
for line in open(sys.argv[2]):
    line = line.rstrip("\n").replace("\\-", "-")
    if line.startswith(".SS "):
        section = line[4:]
    elif line.startswith(".SH"):
        section = None
    elif heading and section and re.match(r"\.BR? ", line):
        page |= {f"{section}.{w}" for w in re.findall(r"[a-z_]+", line.split(None, 1)[1])}
    heading = line == ".TP"
for x in sorted(have - page):
    print("not in the page:", x)
for x in sorted(page - have):
    print("not in the schema:", x)
if len(have) < 100:
    print("only", len(have), "fields are seen")
END
assert_streq "$(cat "$T/differ")" "" "stopgap-report(7) and the schema"
ok "stopgap-report(7) has every field, and no other"

# What is exposed: by the formatter for every state, and by an agent that has had a good and a bad run.
S=$T/run/s.sock
start_bg "$T/daemon.log" "$B/stopgap" daemon --set "report.state_dir=$T/state" --set "report.socket=$S" --set updates.lock_timeout=0s
get() { curl -sS --max-time 60 --unix-socket "$S" "http://localhost$1" "${@:2}" >"$T/body"; }
# shellcheck disable=SC2317 # by wait_for
idle() { get /v1/status && jq -e --arg r "$1" '.last.result == $r and .run.state == "idle"' "$T/body"; }
wait_for 60 idle ok || { fail "no run"; diag_file "$T/daemon.log"; }
plays <<<$'on refresh\n{"id":@id,"error":{"code":"expired","message":"x","retryable":false}}'
get /v1/run -d '{"mode":"check"}'
wait_for 60 idle failed || { fail "no second run"; diag_file "$T/daemon.log"; }
get /metrics
cp "$T/body" "$T/agent.text"
for what in full hostile many empty; do "$BUILD/tests/helpers/metrics-dump" text $what >"$T/$what.text"; done
cat "$T"/*.text | sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' | sort -u >"$T/have"
sed -n '/^\.SH METRICS/,/^\.SH CARDINALITY/s/^\.B \(stopgap[a-z_]*\).*/\1/p' "$TOP/agent/stopgap-metrics.7" | sort >"$T/page"
assert_same_file "$T/page" "$T/have"
[ "$(wc -l <"$T/have")" -gt 30 ] || fail "few metrics are seen"
cat "$T"/*.text | sed -n 's/^\(stopgap[a-z_]*\){\(.*\)} .*/\1 \2/p' | sed 's/="\(\\.\|[^"\\]\)*"//g; s/,/, /g' |
	sed 's/ container$//; s/ container, / /; / /!d' | sort -u >"$T/labels" # of several containers: each sample
sed -n '/^\.SH METRICS/,/^\.SH CARDINALITY/s/^\.B \(stopgap[a-z_]*\) {\(.*\)}/\1 \2/p' "$TOP/agent/stopgap-metrics.7" | sort -u >"$T/page"
assert_same_file "$T/page" "$T/labels"
ok "stopgap-metrics(7) has every metric with its labels, and no other"

"$B/stopgap" config --output=json | jq -r 'keys[]' | sort >"$T/have"
awk '/^\.SS \[/ { section = $2; gsub(/[][]/, "", section) }
	/^\.SH/ { section = "" }
	section && heading && /^\.BR / {
		line = substr($0, 5)
		gsub(/", "/, " ", line)
		n = split(line, word, " ")
		for (i = 1; i < n; i++) if (word[i] ~ /^[a-z_]+$/ && word[i + 1] ~ /^=/) print section "." word[i]
	}
	{ heading = $0 == ".TP" }' "$TOP/agent/stopgap.conf.5" | sort -u >"$T/page"
assert_same_file "$T/page" "$T/have"
ok "stopgap.conf(5) has every setting, and no other"

"$B/stopgap" --help | sed -n '/^Modes:/,/^Options:/s/^  \([a-z-]*\) .*/\1/p' | sort >"$T/modes"
"$B/stopgap" --help | sed -n '/^Options:/,$s/^  \(-., \)\?--\([a-z-]*\).*/\2/p' | sort >"$T/options"
[ -s "$T/modes" ] || fail "no modes"
[ -s "$T/options" ] || fail "no options"
cat "$TOP"/agent/*.8 | sed 's/\\-/-/g' >"$T/all.8"
while read -r mode; do
	grep -Eq "^\.B stopgap $mode( |\$)" "$T/all.8" || fail "no page has a synopsis of 'stopgap $mode'"
done <"$T/modes"
while read -r option; do
	grep -Eq -- "--$option([^a-z-]|\$)" "$T/all.8" || fail "no page has --$option"
done <"$T/options"
ok "modes and options are in a page"

done_testing
