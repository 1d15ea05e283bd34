# shellcheck shell=bash disable=SC2154 # set in lib.sh
# A last report that another version or somebody in the container has written: whatever it lacks, nobody crashes over it.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

last=$T/state/last.json
plays <<'END'
on plan
  update libssl3 3.0.1 3.0.2
  hold linux 1 2
  well
END
report once
assert_report 0
cp "$last" "$T/good.json"
cp "$T/state/history.jsonl" "$T/good.jsonl"

# shown   in every form; a signal is no answer
shown() {
	local words
	for words in "status --output=json" status "check --changed-since-last --output=json"; do
		# shellcheck disable=SC2086
		run timeout 20 "$B/stopgap" $words --set "report.state_dir=$T/state" --set "report.socket=$T/none"
		[ "$status" -le 124 ] && [ "$status" != 124 ] && ! grep -q 'AddressSanitizer\|runtime error' "$T/err" ||
			{ fail "$1: stopgap $words: exit $status"; diag_file "$T/err"; }
	done
}

mapfile -t keys < <(jq -r 'keys[]' "$T/good.json")
for key in "${keys[@]}"; do
	for change in "del(.$key)" ".$key = null" ".$key = \"odd\"" ".$key = -1e300"; do
		jq -c "$change" "$T/good.json" >"$last"
		cp "$last" "$T/state/history.jsonl"
		shown "$change"
	done
	ok "without $key, or with another one"
done
done_testing
