# shellcheck shell=bash disable=SC2317 # row calls them
# rows: R1 R2 R3 R4 R5
# An apt repository that lies: whatever it does, `check` and `once` refuse it with the code of the reason, within time and
# size, and nothing in the container has changed.  Simple lies are in tests/container/trust.sh and download.sh.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/aptliar"

aptliar_start

# ------------------------------------------------------------------------------------- signatures (R1, R2)

stripped() {
	fresh
	check "$c"
	assert_status 100
	# the good lists are there; from now on the server has no signature
	aptrepo_fault "$dists/InRelease 404" "$dists/Release.gpg 404"
	refused "untrusted refresh_failed"
}
row "R1 apt: signatures vanish from a repository that had them" stripped
row "R1 apt: an InRelease without a signature" lie untrusted "$dists/InRelease as $dists/Release"
row "R1 apt: the signature of another file" lie untrusted "$dists/InRelease 404" \
	"$dists/Release.gpg as /debian/dists/bookworm/Release.gpg"

# forged HOW   the InRelease, with more text
forged() {
	fresh
	case $1 in
	before) { echo 'Origin: Mallory'; cat "$T/good/dists/bookworm-security/InRelease"; } ;;
	after) { cat "$T/good/dists/bookworm-security/InRelease"; echo 'Origin: Mallory'; } ;;
	twice) cat "$T/good/dists/bookworm-security/InRelease" "$T/good/dists/bookworm-security/InRelease" ;;
	nul) sed '0,/^Label:/s/^Label:.*/&\x00 more/' "$T/good/dists/bookworm-security/InRelease" ;;
	split) sed 's/^-----BEGIN PGP SIGNATURE-----/\n&/' "$T/good/dists/bookworm-security/InRelease" |
		awk '/BEGIN PGP SIGNATURE/ { print "Origin: Mallory" } { print }' ;;
	esac >"$REPO$dists/InRelease"
	# a Release beside it would be right
	rm "$REPO$dists/Release" "$REPO$dists/Release.gpg"
	refused "untrusted refresh_failed"
}
for how in before after twice nul split; do
	row "R2 apt: more text in a signed InRelease ($how)" forged $how
done

# What stands in the armour's head is no part of the message, and never read as one.
armour_head() {
	fresh
	sed '0,/^Hash:/s/^Hash:.*/&\nOrigin: Mallory\nSHA256:\n 00 1 x/' "$T/good/dists/bookworm-security/InRelease" >"$REPO$dists/InRelease"
	check "$c"
	assert_not_file_has_content "$R" Mallory
	ctr_rm "$c"
}
row "R2 apt: fields in the head of a signed InRelease" armour_head

# CVE-2016-1252: a verifier that runs out of memory must not take that for a good signature.
memory() {
	local kb step=14000
	[ -z "$LONG" ] || step=1000
	fresh
	sed -i '0,/^Label:/s/^Label:.*/Label: Mallory/' "$REPO$dists/InRelease"
	rm "$REPO$dists/Release" "$REPO$dists/Release.gpg"
	snapshot "$c" before
	for kb in $(seq 12000 "$step" 96000); do
		run ctr_exec "$c" sh -c "ulimit -v $kb; exec $at/stopgap once --output=json --set network.stall=3s"
		[ "$status" != 0 ] || fail "exit 0 with $kb kB of memory"
	done
	assert_unchanged "$c" before
	ctr_rm "$c"
}
row "R2 apt: a wrong signature with little memory" memory

# ------------------------------------------------------------------------------------------ time (R3, R4)

past() { [ "$(date +%s)" -ge "$1" ]; }
frozen() {
	local end
	fresh
	aptrepo_publish bookworm-security --valid-until='+20 seconds'
	end=$(($(date +%s) + 21))
	check "$c"
	assert_status 100
	wait_for 60 past "$end"
	refused expired
}
row "R3 apt: what was seen is served again after its time" frozen

replayed() {
	fresh
	aptrepo_publish bookworm-security
	check "$c"
	assert_status 100
	aptrepo_publish bookworm-security '--date=3 days ago'
	rm -rf "$r"/var/lib/stopgap/apt/lists
	refused rolled_back
	assert_json_eq "$R" .error.code '"rolled_back"'
}
row "R4 apt: an older signed repository, after the lists are gone" replayed

# -------------------------------------------------------------------------------- files that do not fit (R5)

row "R5 apt: an index of equal size and other bytes" lie hash_mismatch "$dists/main/* alter"
row "R5 apt: an index of another repository" lie "hash_mismatch refresh_failed" \
	"$index/* as /debian/dists/bookworm/main/binary-$(dpkg --print-architecture)/Packages.xz" "$dists/main/* 404"

swapped_suite() {
	fresh
	# signed by the same key, and newer
	aptrepo_fault "$dists/InRelease as /debian/dists/bookworm/InRelease"
	for mode in check once; do
		snapshot "$c" before
		$mode "$c" "${quick[@]}"
		assert_status 1 5
		assert_json "$R" '(.applied // []) == []'
		assert_unchanged "$c" before
	done
	ctr_rm "$c"
}
row "R5 apt: the signed Release of another suite" swapped_suite

# An index of the right size that a crash or another hand has left.
planted() {
	local list
	fresh
	check "$c"
	assert_status 100
	list=$(echo "$r"/var/lib/stopgap/apt/lists/*security*_Packages)
	assert_exists "$list"
	sed -i 's/1\.0-1+deb12u2/1.0-1+deb12u9/' "$list"
	check "$c"
	assert_status 100
	assert_json "$R" '.pending | all(.candidate | contains("deb12u9") | not)'
	ctr_rm "$c"
}
row "R5 apt: an index left in our folder with other bytes" planted

# libapt believes what a transport says of hashes; the container's own ones are the container's.
lying_method() {
	fresh
	mkdir -p "$r/srv"
	cp -a "$REPO/debian-security" "$r/srv/sec"
	printf 'junk' | dd of="$(echo "$r"/srv/sec/pool/tiny-plain_*.deb)" bs=1 seek=700 conv=notrunc status=none
	cat >"$r/srv/method" <<'X'
#!/bin/sh
printf '100 Capabilities\nVersion: 1.2\nSingle-Instance: true\nSend-Config: true\n\n'
while IFS= read -r l; do
case $l in
600*) acq=1; u= f= sum= size=;;
URI:*) u=${l#URI: };;
Filename:*) f=${l#Filename: };;
Expected-SHA256:*) sum=${l#Expected-SHA256: };;
'') [ -n "$acq" ] && {
	from=/srv/sec/${u#*/sec/}
	if [ -e "$from" ]; then
		cp "$from" "$f"
		size=$(stat -c %s "$f")
		[ -n "$sum" ] || sum=$(sha256sum <"$f" | cut -d' ' -f1)
		printf '200 URI Start\nURI: %s\nSize: %s\n\n201 URI Done\nURI: %s\nFilename: %s\nSize: %s\nSHA256-Hash: %s\n\n' "$u" "$size" "$u" "$f" "$size" "$sum"
	else
		printf '400 URI Failure\nURI: %s\nMessage: no such file\n\n' "$u"
	fi; acq=; };;
esac
done
X
	chmod 755 "$r/srv/method"
	echo 'Dir::Bin::Methods::liar "/srv/method";' >"$r/etc/apt/apt.conf.d/99liar"
	sed -i "s|http://[^ ]*/debian-security|liar:/sec|" "$r"/etc/apt/sources.list.d/*
	once "$c" "${quick[@]}"
	assert_kept tiny-plain hash_mismatch
	assert_versions "$c" tiny-plain=1.0-1
	assert_applied
	# it is not ours to lock in, which is said
	assert_json "$R" '[.. | objects | select(.code? == "sandbox_degraded").detail | contains("liar")] == [true]'
	ctr_rm "$c"
}
row "R5 apt: a method of the container that lies about hashes" lying_method

done_testing
