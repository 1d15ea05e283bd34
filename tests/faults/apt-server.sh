# shellcheck shell=bash disable=SC2317 # row calls them
# rows: R6 R7 R8
# timeout: 900
# A server that sends too much, too slowly, or sends elsewhere.  Runs end within their limits of time and size.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/aptliar"

aptliar_start
release="$dists/*Release*" # with Release and Release.gpg, which would do as well
deb='/debian-security/pool/tiny-plain_*'

# --------------------------------------------------------------------------------------------- size (R6)

# endless PATH CAP HOW   what was taken of a body without end; what waits in sockets has no more than 8 MiB
endless() {
	local got
	fresh
	aptrepo_fault "$1 $3"
	if [ "$1" = "$deb" ]; then
		once "$c" "${quick[@]}"
		assert_status 4 1
		assert_kept tiny-plain download_failed hash_mismatch
	else
		snapshot "$c" before
		once "$c" "${quick[@]}"
		assert_status 1
		assert_any_code refresh_failed hash_mismatch untrusted
		assert_unchanged "$c" before
	fi
	assert_applied
	assert_versions "$c" tiny-plain=1.0-1
	assert_json "$R" '.plugin.max_rss < 268435456'
	assert_le "$elapsed_ms" "$bound" "time of the run, ms"
	assert_le "$(jq .bytes_fetched "$R")" $(($2 + 65536)) "bytes that were taken"
	assert_le "$(find "$r/var/lib/stopgap" -type f -printf '%b\n' | awk '{s += $1 * 512} END {print s + 0}')" \
		$(($2 + 4194304)) "bytes that were kept"
	wait_for 30 grep -q "^200 [0-9]\{5,\} " "$T/httpd.log" || fail "the server has not noticed that nobody listens"
	got=$(awk '$2 > n {n = $2} END {print n}' "$T/httpd.log")
	assert_le "$got" $(($2 + 8388608)) "bytes that were sent"
	ctr_rm "$c"
}
for how in endless bloat; do
	row "R6 apt: an InRelease without end ($how)" endless "$release" 10000000 $how
	row "R6 apt: an index without end ($how)" endless "$dists/main/*" 100000 $how
	row "R6 apt: a package without end ($how)" endless "$deb" 100000 $how
done

# A bomb is larger than the Release says, or is as large and has that many bytes: then the budget decides.
bomb() {
	fresh
	gpgconf --homedir "$T/gnupg" --kill all
	head -c 600000000 /dev/zero | tr '\0' x | gzip -1 >"$T/bomb.gz"
	aptrepo_publish bookworm-security
	find "$REPO$dists/main" -name 'Packages.xz' -delete
	find "$REPO$dists/main" -type f ! -name Packages.gz -delete
	cp "$T/bomb.gz" "$REPO$dists/main/binary-$(dpkg --print-architecture)/Packages.gz"
	aptrepo_fault "$index/* as $dists/main/binary-$(dpkg --print-architecture)/Packages.gz"
	refused "hash_mismatch refresh_failed"
}
row "R6 apt: a decompression bomb in place of an index" bomb

budget() {
	fresh
	refused "refresh_failed no_space download_failed" --set network.max_bytes=300
}
row "R6 apt: more than network.max_bytes" budget

# The Release has come and its index has not: that is no repository without updates.
between() {
	fresh
	modes=check refused refresh_failed --set network.max_bytes=1000
}
row "R6 apt: a run that ends between a Release and its index" between

# --------------------------------------------------------------------------------------------- time (R7)

# slowly CODES MESSAGE FAULT   ended by the limit of which the message speaks
slowly() {
	fresh
	aptrepo_fault "$3"
	if [[ $3 == "$deb "* ]]; then
		once "$c" "${quick[@]}"
		assert_kept tiny-plain download_failed
		assert_versions "$c" tiny-plain=1.0-1
		assert_le "$elapsed_ms" "$bound" "time of the run, ms"
		assert_json "$R" "[.. | strings | select(test(\$m))] | length > 0" --arg m "$2"
		ctr_rm "$c"
	else
		modes=once refused "$1"
		assert_json "$R" ".error.message | test(\$m)" --arg m "$2"
	fi
}
silent='network.stall|[Tt]imed? ?out'
for what in "$release" "$dists/main/*" "$deb"; do
	row "R7 apt: no answer for ${what##*/}" slowly "refresh_failed no_egress" "$silent" "$what hang"
	row "R7 apt: half of ${what##*/}, and then nothing" slowly "refresh_failed no_egress" "$silent" "$what stall"
	row "R7 apt: a byte each second of ${what##*/}" slowly "refresh_failed no_egress" 'network.timeout' "$what drip 1000"
	row "R7 apt: a header of ${what##*/} without end" slowly "refresh_failed no_egress" "$silent|network.timeout" \
		"$what drip-head 1000"
done

# ---------------------------------------------------------------------------------------- elsewhere (R8)

# What a redirect names must not become lines of what a transport tells libapt (CVE-2019-3462).
inject='%0a%0a201%20URI%20Done%0aURI:%20x%0aFilename:%20/etc/passwd%0aSHA256-Hash:%20'
# elsewhere FAULT-TARGET
elsewhere() {
	local what
	for what in "$release" "$dists/main/*"; do
		fresh
		mkdir -p "$r/srv/repo"
		cp -a "$REPO/debian-security" "$r/srv/repo/"
		aptrepo_fault "$what redirect $1"
		refused "refresh_failed no_egress untrusted hash_mismatch"
	done
	fresh
	aptrepo_fault "$deb redirect $1"
	once "$c" "${quick[@]}"
	assert_any_code download_failed hash_mismatch no_egress
	assert_applied
	assert_versions "$c" tiny-plain=1.0-1
	assert_le "$elapsed_ms" "$bound" "time of the run, ms"
	ctr_rm "$c"
}
row "R8 apt: a redirect with line ends in it" elsewhere "$REPO_URI/x$inject"
row "R8 apt: a redirect with line ends that are escaped twice" elsewhere "$REPO_URI/x${inject//%/%25}"
row "R8 apt: a redirect to a file" elsewhere file:///srv/repo/debian-security/dists/bookworm-security/InRelease
row "R8 apt: a redirect to a copy of this machine" elsewhere copy:///etc/passwd
row "R8 apt: redirects in a circle" elsewhere "$REPO_URI$dists/InRelease"
row "R8 apt: a redirect to nowhere" elsewhere http://127.0.0.1:1/

done_testing
