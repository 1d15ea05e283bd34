# shellcheck shell=bash disable=SC2317 # row calls it
# rows: C5
# The agent with less and less memory: its answer is whole, or it ends and says so.
. "$(dirname "$0")/../lib.sh"

stopgap=$BUNDLE/stopgap
{ echo '[updates]' && seq -f 'allow=a-package-with-a-long-name-%g' 3000; } >"$T/conf"
arguments=(config "--config=$T/conf" --output=json)

# limited KB   with that much data
limited() {
	run bash -c 'ulimit -d "$1"; shift; exec "$@"' - "$1" "$stopgap" "${@:2}"
}

any_limit() {
	local kb whole=0 ended=0 least=8
	run "$stopgap" "${arguments[@]}"
	assert_status 0
	cp "$T/out" "$T/whole"
	limited "$least" --version
	while [ "$status" != 0 ] && [ "$least" -lt 4096 ]; do
		least=$((least + 4))
		limited "$least" --version
	done
	for ((kb = least; kb < least + 2000; kb += 16)); do
		limited "$kb" "${arguments[@]}"
		if [ "$status" = 0 ]; then
			whole=$((whole + 1))
			assert_same_file "$T/out" "$T/whole"
		else
			ended=$((ended + 1))
			assert_status 1
			assert_file_has_content "$T/err" 'out of memory'
		fi
	done
	assert_le 3 "$ended" "runs that ended for want of memory, at least"
	assert_le 3 "$whole" "runs that had enough, at least"
}
row "C5 any limit of memory: a whole answer, or an end that says why" any_limit

done_testing
