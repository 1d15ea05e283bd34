# shellcheck shell=bash disable=SC2154 # set in lib.sh
# Metrics: both formats, by the reference parsers and promtool; what hostile bytes become; what may be counted on.
. "$(dirname "$0")/../lib.sh"

dump() { "$BUILD/tests/helpers/metrics-dump" "$1" "$2" >"$T/$2.$1"; }

# parsed FORMAT WHAT   its samples, in $T/samples
parsed() {
	dump "$1" "$2"
	"$TESTS/testbed/openmetrics" "--$1" <"$T/$2.$1" >"$T/samples" 2>"$T/err" || { fail "$2 is no $1"; diag_file "$T/err"; }
}

# sample LINE…   these are among them
sample() {
	local line
	for line; do
		grep -Fxq -- "$line" "$T/samples" || { fail "no sample $line"; grep -F -- "${line%%\{*}" "$T/samples" | sed 's/^/#   /'; }
	done
}

for what in empty full hostile many; do
	parsed openmetrics $what
	cp "$T/samples" "$T/samples.om"
	parsed text $what
	# the old parser reads \x5c as it is, and so do both
	assert_same_file "$T/samples" "$T/samples.om"
	promtool check metrics <"$T/$what.text" >"$T/promtool" 2>&1 || fail "promtool does not accept $what"
	assert_streq "$(cat "$T/promtool")" "" "what promtool says of $what"
	ok "$what: both formats are well-formed and say the same, promtool has no warning"
done

parsed openmetrics full
sample "stopgap_pending_security_updates{} 1" "stopgap_pending_updates{} 1" "stopgap_stale_processes{} 2" \
	"stopgap_unreadable_processes{} 1" "stopgap_updates_applied_total{} 9" "stopgap_updates_failed_total{} 1" \
	"stopgap_restarts_total{outcome='ok'} 2" "stopgap_fetched_bytes_total{} 2.5e+06" \
	"stopgap_runs_total{result='ok'} 3" "stopgap_runs_total{result='blocked'} 1" "stopgap_runs_total{result='stale'} 0" \
	"stopgap_blocked{reason='no_space'} 1" "stopgap_alarm{code='conffile_kept'} 1" \
	"stopgap_kept_back_updates{reason='hold'} 2" "stopgap_last_run_fixed_cves{} 1" "stopgap_last_run_exit_code{} 3" \
	"stopgap_last_run_result{result='blocked'} 1" "stopgap_last_run_result{result='ok'} 0" \
	"stopgap_last_run_duration_seconds{} 2.5" \
	"stopgap_end_of_life{codename='bullseye',distribution='debian',support='lts',version='11'} 0" \
	"stopgap_repository_age_seconds{repository='http://deb.example/debian-security',security='yes',suite='bullseye-security'} 3600" \
	"stopgap_repository_usable{repository='http://deb.example/debian',security='no',suite='bullseye'} 1" \
	"stopgap_image_still_vulnerable{} 1" "stopgap_lost_on_recreate_packages{} 1" "stopgap_security_source{} 1"
assert_file_has_content "$T/samples" '^stopgap_build_info\{plugin=.apt.,plugin_version=.1.0.,version=.[0-9.]+.\} 1$'
assert_file_has_content "$T/samples" '^stopgap_container_info\{.*image=.debian:11.,name=.web.\} 1$'
ok "every state that an alert may need"

assert_file_has_content "$T/full.text" '^# TYPE stopgap_build_info gauge$'
assert_file_has_content "$T/full.text" '^# TYPE stopgap_runs_total counter$'
assert_file_has_content "$T/full.openmetrics" '^# TYPE stopgap_build info$'
assert_file_has_content "$T/full.openmetrics" '^# TYPE stopgap_runs counter$'
assert_file_has_content "$T/full.openmetrics" '^# UNIT stopgap_repository_age_seconds seconds$'
assert_not_file_has_content "$T/full.text" '^# (UNIT|EOF)'
ok "each format has its own types"

for f in "$T"/*.text "$T"/*.openmetrics; do assert_not_file_has_content "$f" 'secret|p@w|user:'; done
ok "no password of a repository is shown"

parsed openmetrics empty
assert_not_file_has_content "$T/samples" 'pending_|stale_processes|last_run_|-1$'
sample "stopgap_runs_total{result='ok'} 3" "stopgap_run_in_progress{} 0"
ok "what nobody knows yet has no sample"

parsed openmetrics hostile
sample "stopgap_blocked{reason='no_space'} 1"
# shellcheck disable=SC1003 # a backslash
assert_file_has_content "$T/hostile.text" 'plugin="a\\\\x0a\\"b\\\\c\\\\x1b\[2J\\\\xff\\\\xfe'
assert_streq "$(grep -c '^stopgap_repository_age_seconds' "$T/samples")" 64 "repositories"
assert_not_file_has_content "$T/samples" end_of_life_timestamp
ok "hostile bytes are escaped, and their number is bounded"

parsed openmetrics many
sample "stopgap_stale_processes{container='web'} 2" "stopgap_stale_processes{container='new'} 2" \
	"stopgap_pending_updates{container='db\"1'} 1"
assert_not_file_has_content "$T/samples" "pending_updates\{container='new'\}"
ok "several containers in one exposition"

done_testing
