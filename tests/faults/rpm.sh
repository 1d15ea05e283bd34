# shellcheck shell=bash disable=SC2317 # row calls them
# rows: R4 R5 R6 R7 R8 R9 R11 R14
# timeout: 900
# An rpm repository that lies, and packages that are malformed: whatever it does, it is refused with the code of the
# reason, within time and size.  Simple lies are in tests/rpm/trust.sh and hostile.sh.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/rpmpkg"
. "$TESTS/testbed/rpmrepo"
. "$TESTS/testbed/agent"

rpmrepo_start
root=$(rpmroot el9)
new=$(rpmpkg foo 1-2 'size 300000')
rpmrepo_add updates "$new" "$(rpmpkg bar 1-2)"
rpmrepo_advisory updates SA-1 security Critical CVE-2026-1 "$new" "$(rpmpkg bar 1-2)"
rpmrepo_publish updates
cp -a "$REPO/updates" "$T/good"
ctr_create base "$root"
rpmrepo_install base "$(rpmpkg foo 1-1)" "$(rpmpkg bar 1-1)"
rpmrepo_use base updates
cp -a "$(ctr_upper base)" "$T/layer"
ctr_rm base
quick=(--set network.stall=2s --set network.timeout=7s)
bound=60000
n=0

# fresh   a new container in $c, its root in $r, and the repository as it should be
fresh() {
	n=$((n + 1))
	c=c$n
	ctr_create "$c" "$T/layer:$root"
	r=$(ctr_path "$c")
	rm -rf "$REPO/updates"
	cp -a "$T/good" "$REPO/updates"
	rpmrepo_fault
	: >"$T/httpd.log"
}

# refused CODES [ARG…]   check and once fail with one of the codes, and nothing has changed
modes='check once'
refused() {
	local want=$1 mode
	shift
	for mode in $modes; do
		snapshot "$c" before
		$mode "$c" "${quick[@]}" "$@"
		assert_status 1 3
		# shellcheck disable=SC2086 # a list of words
		assert_any_code $want
		assert_json "$R" '(.applied // []) == []'
		assert_unchanged "$c" before
		assert_json "$R" '(.plugin.max_rss // 0) < 268435456'
		assert_le "$elapsed_ms" "$bound" "time of $mode, ms"
	done
	ctr_rm "$c"
}

# kept CODE…   once applies bar, and keeps foo with one of the codes
kept() {
	once "$c" "${quick[@]}"
	assert_status 4
	assert_applied bar
	assert_kept foo "$@"
	assert_rpms "$c" foo=1-1 bar=1-2
	assert_rpm_clean "$c"
	assert_json "$R" '.plugin.max_rss < 268435456'
	assert_le "$elapsed_ms" "$bound" "time of the run, ms"
	ctr_rm "$c"
}

# lie CODES FAULT…
lie() {
	fresh
	rpmrepo_fault "${@:2}"
	refused "$1"
}
# lie_package CODES FAULT   foo's package; bar's is good
lie_package() {
	fresh
	rpmrepo_fault "/updates/Packages/foo-* $2"
	# shellcheck disable=SC2086 # a list of words
	kept $1
}

# ---------------------------------------------------------------------------------------------- time (R4)

replayed() {
	fresh
	check "$c"
	assert_status 100
	rpmrepo_publish updates '--date=3 days ago'
	find "$r/var/lib/stopgap/rpm" -type f ! -name seen -delete
	refused rolled_back
}
row "R4 rpm: an older signed repository, after its metadata is gone" replayed

# --------------------------------------------------------------------------------- what does not fit (R5)

swapped() {
	local old
	fresh
	cp -a "$REPO/updates/repodata" "$T/old"
	rpmrepo_publish updates
	old=$(cd "$T/old" && echo *-"$1".xml.gz)
	mkdir -p "$REPO/old"
	cp "$T/old/$old" "$REPO/old/"
	rm -r "$T/old"
	printf '\n' >>"$REPO/old/$old"
	rpmrepo_fault "/updates/repodata/*-$1.xml* as /old/$old"
	refused "hash_mismatch refresh_failed"
}
row "R5 rpm: a primary of equal size and other bytes" lie hash_mismatch "*-primary.xml* alter"
row "R5 rpm: another primary" swapped primary
row "R5 rpm: another updateinfo" swapped updateinfo
row "R5 rpm: another package of the same key" lie_package "hash_mismatch download_failed" \
	"as /updates/Packages/bar-1-2.noarch.rpm"

# ------------------------------------------------------------------------------------ size, time (R6, R7)

# endless CODES CAP FAULT…   and what was taken of it
endless() {
	local cap=$2
	fresh
	rpmrepo_fault "${@:3}"
	if [[ $3 == */Packages/* ]]; then
		once "$c" "${quick[@]}"
		assert_kept foo download_failed hash_mismatch
		assert_rpms "$c" foo=1-1
	else
		snapshot "$c" before
		once "$c" "${quick[@]}"
		assert_status 1
		# shellcheck disable=SC2086 # a list of words
		assert_any_code $1
		assert_unchanged "$c" before
	fi
	assert_json "$R" '.plugin.max_rss < 268435456'
	assert_le "$elapsed_ms" "$bound" "time of the run, ms"
	assert_le "$(find "$r/var/lib/stopgap" -type f -printf '%b\n' | awk '{s += $1 * 512} END {print s + 0}')" \
		$((cap + 4194304)) "bytes that were kept"
	wait_for 30 grep -q '^200 [0-9]\{5,\} ' "$T/httpd.log" || fail "the server has not noticed that nobody listens"
	assert_le "$(awk '$2 > n && $2 < 8999999999 {n = $2} END {print n}' "$T/httpd.log")" $((cap + 8388608)) "bytes that were sent"
	ctr_rm "$c"
}
for how in endless bloat; do
	row "R6 rpm: a repomd.xml without end ($how)" endless "refresh_failed no_egress" 4194304 "*/repomd.xml $how"
	row "R6 rpm: a primary without end ($how)" endless "refresh_failed no_egress" 100000 "*-primary.xml* $how"
	row "R6 rpm: a package without end ($how)" endless - 400000 "/updates/Packages/foo-* $how"
done

for what in '*/repomd.xml' '*-primary.xml*'; do
	modes=once row "R7 rpm: a byte each second of $what" lie "refresh_failed no_egress" "$what drip 1000"
	modes=once row "R7 rpm: a header of $what without end" lie "refresh_failed no_egress" "$what drip-head 1000"
done
row "R7 rpm: a byte each second of a package" lie_package download_failed 'drip 1000'
row "R7 rpm: a header of a package without end" lie_package download_failed 'drip-head 1000'

# -------------------------------------------------------------------------------------------- redirects (R8)

inject='%0d%0aX-Injected:%20yes%0d%0a%0d%0a<repomd/>'
for target in "$REPO_URI/x$inject" "$REPO_URI/x${inject//%/%25}" file:///etc/passwd ftp://127.0.0.1/x "gopher://127.0.0.1:1/x"; do
	row "R8 rpm: a redirect of the metadata to ${target#"$REPO_URI"}" lie "refresh_failed no_egress" "*/repomd.xml redirect $target"
	row "R8 rpm: a redirect of a package to ${target#"$REPO_URI"}" lie_package download_failed "redirect $target"
done

tls_to_plain() {
	rpmrepo_tls
	fresh
	cp "$REPO_CA" "$r/etc/tls-cert.pem"
	rpmrepo_use "$c" updates baseurl="$REPO_TLS/updates" sslcacert=/etc/tls-cert.pem
	check "$c"
	assert_status 100
	cp -a "$REPO/updates" "$REPO/plain"
	rpmrepo_fault "/updates/repodata/repomd.xml redirect $REPO_URI/plain/repodata/repomd.xml"
	refused "refresh_failed no_egress untrusted"
}
row "R8 rpm: a redirect from TLS to none" tls_to_plain

# ------------------------------------------------------------------------------- packages (R9, R11, R14)

# vouch [SED…]   the signed metadata names foo's file as it is now
vouch() {
	local file=$REPO/updates/Packages/foo-1-2.noarch.rpm
	rpmrepo_edit updates primary sed -e "s|$(sha256sum <"$new" | cut -d' ' -f1)|$(sha256sum <"$file" | cut -d' ' -f1)|" \
		-e "s|package=\"$(stat -c %s "$new")\"|package=\"$(stat -c %s "$file")\"|" "$@"
}

# flipped OFFSET…   one byte each is another one
flipped() {
	local offset file=$REPO/updates/Packages/foo-1-2.noarch.rpm byte
	for offset; do
		fresh
		byte=$(od -An -tu1 -j "$offset" -N 1 "$file" | tr -d ' ')
		# shellcheck disable=SC2059 # a byte
		printf "\\x$(printf %x $((byte ^ 85)))" | dd of="$file" bs=1 seek="$offset" conv=notrunc status=none
		vouch
		once "$c" "${quick[@]}"
		if [ "$status" = 0 ]; then
			# lead and signature have room that means nothing; what is signed has not
			[ "$offset" -lt "$signed" ] || fail "a package with byte $offset changed is accepted"
			assert_rpms "$c" foo=1-2
			assert_rpm_clean "$c"
		else
			assert_kept foo untrusted hash_mismatch
			assert_rpms "$c" foo=1-1
			assert_rpm_clean "$c"
		fi
		assert_json "$R" '.plugin.max_rss < 268435456'
		ctr_rm "$c"
	done
}
size=$(stat -c %s "$new")
# number OFFSET   four bytes of the package, the highest first
number() { echo $((16#$(od -An -tx1 -j "$1" -N 4 "$new" | tr -d ' '))); }
# the lead, then the signature: a head of 16 bytes, entries, data, all of it a multiple of 8
signed=$((96 + (16 + 16 * $(number 104) + $(number 108) + 7) / 8 * 8))
offsets=(8 100 110 180 300 700)
for add in 0 8 12 20 100 300 500 700 900 1100 1300 1500 2000 10000 100000; do offsets+=($((signed + add))); done
offsets+=($((size - 10)))
[ -z "$LONG" ] || mapfile -t offsets < <(seq 0 64 $((signed + 3000)))
row "R9 rpm: a byte of a signed package is another one" flipped "${offsets[@]}"

# impostor RPM   is what the metadata calls foo-1-2; a good key has signed both
impostor() {
	fresh
	cp "$1" "$REPO/updates/Packages/foo-1-2.noarch.rpm"
	vouch
	rpm_in "$c" -qa | sort >"$T/before"
	once "$c" "${quick[@]}"
	assert_kept foo hash_mismatch unpack_failed
	rpm_in "$c" -qa | sort >"$T/after"
	assert_streq "$(diff "$T/before" "$T/after" | grep '^[<>] ' | sed '/bar/d')" '' "packages that changed beside bar"
	assert_rpms "$c" foo=1-1
	assert_rpm_clean "$c"
	ctr_rm "$c"
}
row "R11 rpm: the package is another one" impostor "$(rpmpkg evil 1-2)"
row "R11 rpm: the package is an older one" impostor "$(rpmpkg foo 1-0)"
row "R11 rpm: the package is a newer one that nobody planned" impostor "$(rpmpkg foo 7-7)"
row "R11 rpm: the package removes another" impostor "$(rpmpkg foo 1-2 'Obsoletes: bar')"
row "R11 rpm: the package needs another" impostor "$(rpmpkg foo 1-2 'Requires: nobody')"

# malformed HOW   foo's file is no package, and the metadata vouches for it
malformed() {
	local file
	fresh
	file=$REPO/updates/Packages/foo-1-2.noarch.rpm
	case $1 in
	one-byte) echo >"$file" ;;
	lead) truncate -s 96 "$file" ;;
	cut) truncate -s 2000 "$file" ;;
	no-payload) truncate -s 4096 "$file" ;;
	text) head -c 300000 /dev/zero | tr '\0' 'A' >"$file" ;;
	# the signature header claims 2^31 - 1 entries, or as many bytes
	entries) printf '\177\377\377\377' | dd of="$file" bs=1 seek=104 conv=notrunc status=none ;;
	bytes) printf '\177\377\377\377' | dd of="$file" bs=1 seek=108 conv=notrunc status=none ;;
	negative) printf '\377\377\377\377' | dd of="$file" bs=1 seek=108 conv=notrunc status=none ;;
	twice) cat "$new" >>"$file" ;;
	esac
	vouch
	kept untrusted hash_mismatch unpack_failed download_failed
}
for how in one-byte lead cut no-payload text entries bytes negative; do
	row "R14 rpm: a malformed package ($how)" malformed $how
done

done_testing
