# shellcheck shell=bash disable=SC2317 # row calls them
# rows: C1 C3 C6
# timeout: 2400
# An apply of Debian packages that is killed at a call that would change a file, stopped at any moment, or meets a full
# disk: the next run leaves the container as if nothing had happened.  A sample of the calls, evenly spread; --long: all.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"

sample=10
[ -z "$LONG" ] || sample=100000
packages=(tiny-plain tiny-conf libtiny1 tiny-prog tiny-nocve)
root=$(aptrepo_root)
aptrepo_start "${packages[@]}"

# begin NAME [OPTION…]   a container that has nothing applied
begin() {
	ctr_create "$1" "$root" --mount "$(helper killat):/killat:ro" "${@:2}"
	aptrepo_sources "$1"
}

# state NAME   what dpkg says of all packages, and of their files
state() {
	ctr_exec "$1" dpkg-query -W -f '${Package} ${Version} ${Status}\n'
	ctr_exec "$1" dpkg -V "${packages[@]}" || true
}

# converges NAME   within two runs, and then nothing is left to do
converges() {
	once "$1"
	[ "$status" = 0 ] || once "$1"
	assert_status 0
	assert_clean "$1"
	state "$1" >"$T/state"
	assert_same_file "$T/state" "$T/state.clean"
	assert_streq "$(find "$(ctr_path "$1")"/{usr,etc,var/lib/dpkg} -xdev \( -name '*.dpkg-new' -o -name '*.dpkg-tmp' \) | wc -l)" 0 \
		"files half unpacked"
	once "$1"
	assert_status 0
	assert_applied
	ctr_rm "$1"
}

# killed NAME N   once, killed at the N-th change after dpkg has begun; 0 counts them
killed() { run ctr_exec "$1" /killat "$2" /var/lib/dpkg/ "$at/stopgap" once --output=json; }

begin count
killed count 0
assert_status 0
points=$(tail -n 1 "$T/out")
diag "$points points"
state count >"$T/state.clean"
counted() {
	assert_le 200 "$points" "points, at least"
	converges count
}
row "C1 apt: the count, without a kill" counted

at_point() {
	begin "k$1"
	killed "k$1" "$1"
	assert_status 137
	# nobody has claimed anything
	assert_not_file_has_content "$T/out" '"applied"'
	converges "k$1"
}
for ((i = 1; i <= points; i += (points + sample - 1) / sample)); do
	row "C1 apt: killed at change $i of $points" at_point $i
done

# SIGTERM at any moment: what runs is finished, nothing is half-configured, the report is true.
stopped() {
	local package
	begin "t$1"
	ctr_exec "t$1" "$at/stopgap" once --output=json >"$T/out" 2>"$T/err" </dev/null &
	running=$!
	sleep "$2"
	ctr_exec "t$1" sh -c 'for p in /proc/[0-9]*; do
		read -r comm <$p/comm && [ "$comm" = stopgap ] && echo ${p#/proc/}; done 2>/dev/null |
		sort -n | { read -r pid && kill -TERM $pid; }' || true # it may have ended
	status=0
	wait "$running" || status=$?
	assert_clean "t$1"
	cp "$T/out" "$R"
	# before it has taken the signal over, the signal ends it, and there is no report
	if [ "$status" -lt 126 ]; then
		assert_json_eq "$R" .exit_code "$status"
		for package in "${packages[@]}"; do
			case $(ctr_exec "t$1" dpkg-query -W -f '${Version}' "$package") in
			*deb12*) assert_json "$R" 'any(.applied[]; .package == $p)' --arg p "$package" ;;
			*) assert_json "$R" 'all(.applied[]; .package != $p)' --arg p "$package" ;;
			esac
		done
	fi
	converges "t$1"
}
count=5
[ -z "$LONG" ] || count=500
for ((i = 1; i <= count; i++)); do
	row "C6 apt: SIGTERM after some time ($i)" stopped $i "0.$(printf '%03d' $((i * 73 % 900)))"
done

# A disk with little room: refused before anything is changed, or done; never half.
full() {
	begin "f$1" --size "$1"
	once "f$1"
	assert_status 0 3 4 1
	assert_clean "f$1"
	if [ "$status" != 0 ]; then
		assert_any_code no_space
		assert_json "$R" '.applied == []'
		assert_versions "f$1" tiny-plain=1.0-1
	fi
	ctr_rm "f$1"
}
for size in 1M 2M 4M 8M 16M 32M 64M; do
	row "C3 apt: $size of disk" full $size
done

done_testing
