# shellcheck shell=bash disable=SC2154 # set in lib.sh
# packaging/docs/operations.md: an entry for every code in agent/codes.h and for no other, as the source has it; and what
# doctor prints is what it says.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"
page=$TOP/packaging/docs/operations.md

# "code<TAB>Class: meaning." of each, from the source and from the page
declare -A class=([NONE]=None [FAILED]=Failed [USAGE]=Usage [BLOCKED]=Blocked [KEPT]=Kept [ALARM]=Alarm)
sed -n 's/^\tX([A-Z_]*, "\([a-z_]*\)", CLASS_\([A-Z]*\), "\(.*\)").*/\1\t\2\t\3/p' "$TOP/agent/codes.h" |
	while IFS=$'\t' read -r code kind text; do printf '%s\t%s: %s.\n' "$code" "${class[$kind]}" "$text"; done | sort >"$T/source"
awk '/^### / { code = $2; getline; print code "\t" $0 }' "$page" | sort >"$T/page"
assert_same_file "$T/page" "$T/source"
[ "$(wc -l <"$T/source")" -gt 70 ] || fail "only $(wc -l <"$T/source") codes are seen in codes.h"
ok "an entry for every code, and for no other, with the source's own words"

# Each entry: meaning, a cause, one remedy.
awk '
	function end() { if (code && (causes != 1 || remedies != 1)) print code ": " causes " causes, " remedies " remedies" }
	/^##? / { end(); code = "" }
	/^### / { end(); code = $2; causes = remedies = 0; state = "head"; next }
	code && state == "head" { state = "blank"; next }
	code && $0 == "" { state = "blank"; next }
	code && state == "blank" { if ($0 ~ /^Remedy: /) remedies++; else causes++; state = "text" }
	END { end() }' "$page" >"$T/bad"
assert_streq "$(cat "$T/bad")" "" "entries"
ok "each has a cause and a remedy"

"$TOP/packaging/docs/remedies" "$page" >"$T/remedies.c"
printf '### ok\nNone: x.\n\ncause\n\nRemedy: a "quoted" `word`\nand more.\n' | "$TOP/packaging/docs/remedies" >"$T/one.c"
assert_file_has_content "$T/one.c" '\[CODE_OK\] = "a \\"quoted\\" .word. and more",'
printf '### ok\nNone: x.\n\ncause\n' >"$T/none.md"
run "$TOP/packaging/docs/remedies" "$T/none.md"
assert_status 1 255 2 25
assert_file_has_content "$T/err" "'ok' has no paragraph"
ok "the table is made from the page"

# What doctor prints of some codes, plain text for plain text.
for code in not_root no_space expired missing_keyring; do
	case $code in
	not_root | no_space) plays <<<"on probe
{\"id\":@id,\"result\":{\"applicable\":true,\"manager\":\"m\",\"distribution\":{\"id\":\"debian\",\"name\":\"D\"},\"database\":{\"packages\":3,\"state\":\"clean\"},\"blocked\":[{\"code\":\"$code\",\"detail\":\"x\"}]}}" ;;
	*) plays <<<"on refresh
{\"id\":@id,\"error\":{\"code\":\"$code\",\"message\":\"x\",\"retryable\":false}}" ;;
	esac
	report doctor
	assert_status 1 3
	want=$(sed -n "/^### $code\$/,/^###/p" "$page" | sed -n '/^Remedy: /,/^$/p' | tr '\n`' " '" | sed 's/^Remedy: //; s/\. *$//')
	assert_json "$R" '.checks | any(.code == $c and .remedy == $r)' --arg c $code --arg r "$want"
done
ok "doctor prints the remedies of the page"

done_testing
