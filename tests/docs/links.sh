# shellcheck shell=bash disable=SC2154 # set in lib.sh
# README and every document: links, headings, files, modes, options and settings that they name are there; commands that need
# nothing are run; the recording is what it says.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

documents=("$TOP"/{README,CONTRIBUTING,SECURITY}.md)
while read -r f; do documents+=("$f"); done < <(find "$TOP/packaging" -name '*.md')
[ ${#documents[@]} -ge 9 ] || fail "only ${documents[*]}"
run "$TESTS/testbed/doccheck" "$B/stopgap" "${documents[@]}"
assert_status 0
assert_streq "$(cat "$T/out")" "" "what is not there"
seen=$(sed -n 's/^seen: \([0-9]*\) links \([0-9]*\) commands \([0-9]*\) settings \([0-9]*\) paths/\1 \2 \3 \4/p' "$T/err")
read -r links commands settings paths <<<"$seen"
for n in $links $commands $settings $paths; do [ "$n" -ge 20 ] || fail "too little is seen: $(cat "$T/err")"; done
ok "every link, command, setting and path is there"

# found TEXT ERE   a document with this has something wrong
found() {
	printf '# A heading\n\n%s\n' "$1" >"$TOP/packaging/docs/.tmp-$$.md"
	run "$TESTS/testbed/doccheck" "$B/stopgap" "$TOP/packaging/docs/.tmp-$$.md"
	assert_status 1
	assert_file_has_content "$T/out" "$2"
}
at_exit rm -f "$TOP/packaging/docs/.tmp-$$.md"
found 'see [this](nowhere.md)' "'nowhere.md' leads nowhere"
found 'see [this](#another)' 'no such heading'
found 'see [this](../../../../etc/passwd)' 'leads nowhere'
found 'the mode `stopgap patch`' "no mode in 'stopgap patch'"
found 'say `stopgap check --dry-run`' "has no option '--dry-run'"
found "$(printf '```sh\ndocker exec web /stopgap/stopgap once --set updates.polcy=all\n```')" 'updates.polcy'
found 'set `updates.polcy=all`' "no setting 'updates.polcy'"
found 'set `STOPGAP_UPDATES_POLCY`' 'no setting STOPGAP_UPDATES_POLCY'
found 'in `agent/nothing.c`' "no file 'agent/nothing.c'"
found "$(printf '```sh\nif true\n```')" 'syntax error'
found "$(printf '```yaml\na: [\n```')" 'flow'
ok "what is not there is found"

# The commands of "First steps" need nothing but a container: each line is run.
plays <<<$'on plan\nupdate libssl3 3.0.1 3.0.2\nwell'
sed -n '/^## First steps/,/^## /p' "$TOP/packaging/docs/operations.md" | sed -n '/^```sh/,/^```/p' | grep '^stopgap' >"$T/commands"
assert_streq "$(wc -l <"$T/commands")" 5 "commands"
while read -r line; do
	run env "PATH=$B:$PATH" "STOPGAP_REPORT_STATE_DIR=$T/state" "STOPGAP_REPORT_SOCKET=$T/s.sock" sh -c "$line"
	assert_status 0 100
done <"$T/commands"
ok "the first steps work"

# PromQL and rules of fleet.md.
awk '/^```yaml$/ { n++; on = 1; next } /^```$/ { on = 0 } on { print >("'"$T"'/block" n ".yml") }' "$TOP/packaging/docs/fleet.md"
run promtool check rules "$T/block2.yml"
assert_status 0
assert_file_has_content "$T/out" '4 rules found'
printf 'scrape_configs:\n  - job_name: stopgap\n%s\n' "$(sed 's/^/    /' "$T/block1.yml")" >"$T/prometheus.yml"
run promtool check config "$T/prometheus.yml"
assert_status 0
ok "fleet.md: Prometheus takes its rules"

# The recording: well-formed, the same text, and nothing a terminal would not show.
/usr/bin/python3 - "$TOP/packaging/docs/demo.svg" >"$T/demo.txt" <<'END' || fail "demo.svg is not well-formed"
import sys, xml.etree.ElementTree as tree
for text in tree.parse(sys.argv[1]).iter("{http://www.w3.org/2000/svg}text"):
    print("".join(text.itertext()).rstrip())
END
sed 's/^\(.\{119\}\)..*$/\1…/' "$TOP/packaging/docs/demo.txt" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >"$T/want.txt"
assert_same_file "$T/demo.txt" "$T/want.txt"
printf 'a\033]0;title\007b\n' | "$TOP/packaging/docs/svg" x >"$T/bad.svg" 2>"$T/err" && fail "control characters in a picture"
printf '\033[31mred & <b>\033[0m\n' | "$TOP/packaging/docs/svg" 'a & b' >"$T/good.svg"
assert_file_has_content "$T/good.svg" '<tspan fill="#[0-9a-f]*">red &amp; &lt;b&gt;</tspan>'
ok "the recording"

done_testing
