# shellcheck shell=bash disable=SC2317 # row calls them
# rows: R11 R12 R14
# What a trusted key has signed and is malicious all the same, keys that are none, and packages that are malformed.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/aptliar"

aptliar_start
arch=$(dpkg --print-architecture)
pool=debian-security/pool

# deb FILE FIELD…   a package with this control file, and one file
deb() {
	local file=$1 d=$T/deb
	shift
	rm -rf "$d"
	mkdir -p "$d/DEBIAN" "$d/usr/share/evil"
	printf '%s\n' "$@" 'Maintainer: Mallory <m@example.org>' 'Description: x' >"$d/DEBIAN/control"
	echo evil >"$d/usr/share/evil/evil"
	dpkg-deb --root-owner-group -Zgzip -z1 --build "$d" "$file" >/dev/null
}

# entry FILE FIELD…   the index has an entry with these fields for the file of the pool, and its true size and hash
entry() {
	local file=$1
	shift
	printf '%s\n' "$@" 'Maintainer: Mallory <m@example.org>' "Filename: pool/${file##*/}" "Size: $(stat -c %s "$file")" \
		"SHA256: $(sha256sum <"$file" | cut -d' ' -f1)" 'Description: x' '' >>"$T/Packages"
}

# publish_entries   the index is what entry has put together, and nothing else
publish_entries() {
	apt-ftparchive() { cat "$T/Packages"; }
	aptrepo_publish bookworm-security "$@"
	unset -f apt-ftparchive
}

plain=("Package: tiny-plain" "Version: 1.0-1+deb12u5" "Architecture: $arch")

# ------------------------------------------------------------------------------- other packages (R11)

# impostor FIELD…   the .deb of tiny-plain's entry has these fields; it is refused, and a good update beside it applied
impostor() {
	fresh
	: >"$T/Packages"
	cp "$APTREPO_FIXTURE"/pool/new/tiny-conf_*.deb "$REPO/$pool/"
	command apt-ftparchive packages "$APTREPO_FIXTURE/pool/new" 2>/dev/null |
		awk -v RS= -v ORS='\n\n' '/^Package: tiny-conf\n/ { sub(/Filename: [^\n]*\//, "Filename: pool/"); print }' >"$T/Packages"
	deb "$REPO/$pool/impostor.deb" "$@"
	entry "$REPO/$pool/impostor.deb" "${plain[@]}"
	publish_entries
	ctr_exec "$c" dpkg-query -W >"$T/packages.before"
	once "$c"
	assert_status 4
	assert_applied tiny-conf
	assert_kept tiny-plain hash_mismatch
	ctr_exec "$c" dpkg-query -W >"$T/packages.after"
	assert_streq "$(diff "$T/packages.before" "$T/packages.after" | grep -c '^[<>]')" 2 "lines of dpkg's list that differ"
	assert_versions "$c" tiny-plain=1.0-1 tiny-victim=1.0-1
	assert_not_exists "$r/usr/share/evil"
	assert_clean "$c"
	ctr_rm "$c"
}
row "R11 apt: the .deb is another package" impostor 'Package: evil' 'Version: 1.0-1+deb12u5' "Architecture: $arch"
row "R11 apt: the .deb is an older version" impostor 'Package: tiny-plain' 'Version: 0.1' "Architecture: $arch"
row "R11 apt: the .deb is of another architecture" impostor 'Package: tiny-plain' 'Version: 1.0-1+deb12u5' 'Architecture: all'
row "R11 apt: the .deb removes another package" impostor "${plain[@]}" 'Conflicts: tiny-victim' 'Replaces: tiny-victim'
row "R11 apt: the .deb breaks another package" impostor "${plain[@]}" 'Breaks: tiny-victim'

# planned CODE FIELD…   an honest .deb of tiny-plain with these fields is kept back
planned() {
	local code=$1
	shift
	fresh
	: >"$T/Packages"
	deb "$REPO/$pool/x.deb" "${plain[@]}" "$@"
	entry "$REPO/$pool/x.deb" "${plain[@]}" "$@"
	deb "$REPO/$pool/evil.deb" 'Package: evil' 'Version: 1' "Architecture: $arch" 'Provides: tiny-victim, libc6 (= 99)'
	entry "$REPO/$pool/evil.deb" 'Package: evil' 'Version: 1' "Architecture: $arch" 'Provides: tiny-victim, libc6 (= 99)'
	publish_entries
	snapshot "$c" before
	once "$c" --set updates.allow_new=no
	assert_status 4 0
	assert_applied
	assert_kept tiny-plain "$code" unmet_dependency
	assert_unchanged "$c" before
	ctr_rm "$c"
}
row "R11 apt: an update that conflicts" planned would_remove 'Conflicts: tiny-victim'
row "R11 apt: an update that conflicts with what every container needs" planned would_remove 'Conflicts: dpkg, libc6'
row "R11 apt: an update that needs a package nobody has" planned new_package 'Depends: evil'
row "R11 apt: an update that needs a newer libc6, which another package provides" planned new_package 'Pre-Depends: libc6 (= 99)'

# An index that offers what is older, or installed already under another name, is no update.
nothing() {
	fresh
	: >"$T/Packages"
	deb "$REPO/$pool/x.deb" 'Package: tiny-plain' 'Version: 0.9' "Architecture: $arch"
	entry "$REPO/$pool/x.deb" 'Package: tiny-plain' 'Version: 0.9' "Architecture: $arch" 'Essential: yes'
	deb "$REPO/$pool/evil.deb" 'Package: evil' 'Version: 1' "Architecture: $arch"
	entry "$REPO/$pool/evil.deb" 'Package: evil' 'Version: 1' "Architecture: $arch" 'Essential: yes' 'Replaces: tiny-plain' \
		'Provides: tiny-plain (= 9)' 'Conflicts: tiny-plain'
	publish_entries
	snapshot "$c" before
	once "$c"
	assert_status 0
	assert_applied
	assert_unchanged "$c" before
	ctr_rm "$c"
}
row "R11 apt: older versions, and packages that want in" nothing

# names   Filename leads out of the pool
names() {
	local name
	for name in ../../../../../../etc/passwd /etc/passwd 'file:///etc/passwd' 'pool/x y.deb' $'pool/\x1b[31m.deb'; do
		fresh
		: >"$T/Packages"
		deb "$REPO/$pool/x.deb" "${plain[@]}"
		entry "$REPO/$pool/x.deb" "${plain[@]}"
		sed -i "s|^Filename:.*|Filename: $name|" "$T/Packages"
		publish_entries
		snapshot "$c" before
		once "$c" "${quick[@]}"
		assert_status 4 1 3
		assert_applied
		assert_unchanged "$c" before
		! LC_ALL=C grep -q $'\x1b' "$T/out" "$T/err" || fail "an escape of the index reaches the terminal"
		ctr_rm "$c"
	done
}
row "R11 apt: file names that lead elsewhere" names

# ---------------------------------------------------------------------------------------------- keys (R12)

# key KIND   a key with one defect has signed, and is the one that the container trusts
key() {
	local gpg=(gpg --homedir "$T/gnupg" --batch --quiet --pinentry-mode loopback --passphrase '') name=$1 time='' fpr extra=()
	fresh
	case $name in
	expired)
		time=20240101T000000
		"${gpg[@]}" --faked-system-time "$time" --quick-generate-key "$name@example.org" ed25519 sign 30d 2>/dev/null ;;
	short) "${gpg[@]}" --quick-generate-key "$name@example.org" rsa1024 sign never 2>/dev/null ;;
	*) "${gpg[@]}" --quick-generate-key "$name@example.org" rsa2048 sign never 2>/dev/null ;;
	esac
	case $name in
	sha1) extra=(--digest-algo SHA1 --weak-digest MD5) ;;
	md5) extra=(--digest-algo MD5 --allow-weak-digest-algos) ;;
	esac
	[ -z "$time" ] || extra+=(--faked-system-time "$time")
	(
		aptrepo_sign() {
			shift
			gpg --homedir "$T/gnupg" --batch --quiet --yes "${extra[@]}" --local-user "$name@example.org" "$@"
		}
		aptrepo_publish bookworm-security
	)
	if [ "$name" = revoked ]; then
		fpr=$("${gpg[@]}" --with-colons --list-keys "$name@example.org" | awk -F: '$1 == "fpr" {print $10; exit}')
		sed 's/^:-----/-----/' "$T/gnupg/openpgp-revocs.d/$fpr.rev" | "${gpg[@]}" --import 2>/dev/null
	fi
	# for libapt a weak hash is a better one than an untrusted one
	[[ $name == expired || $name == revoked ]] ||
		printf 'APT::Hashes::%s::Weak "true";\n' "${name^^}" >"$r/etc/apt/apt.conf.d/99hashes"
	gpg --homedir "$T/gnupg" --batch --export "$name@example.org" >"$r/usr/share/keyrings/tiny-archive.gpg"
	refused "untrusted missing_keyring"
	[[ $name == expired || $name == revoked ]] || assert_code trust_lowered
}
for kind in expired revoked sha1 md5; do
	row "R12 apt: a signature that is worth nothing ($kind)" key $kind
done

# ------------------------------------------------------------------------------------------ packages (R14)

# malformed HOW   a .deb of right size and hash that is none
malformed() {
	local file=$REPO/$pool/bad.deb d=$T/bad
	fresh
	rm -rf "$d"
	mkdir "$d"
	deb "$file" "${plain[@]}"
	(cd "$d" && ar x "$file")
	case $1 in
	empty) : >"$file" ;;
	one-byte) echo >"$file" ;;
	cut) truncate -s 100 "$file" ;;
	no-magic) printf 'x' | dd of="$file" bs=1 conv=notrunc status=none ;;
	member-size) printf '9999999999' | dd of="$file" bs=1 seek=56 conv=notrunc status=none ;;
	member-negative) printf -- '-1        ' | dd of="$file" bs=1 seek=56 conv=notrunc status=none ;;
	member-text) printf 'xyz       ' | dd of="$file" bs=1 seek=56 conv=notrunc status=none ;;
	no-control) (cd "$d" && rm "$file" && ar rc "$file" debian-binary data.tar.gz) ;;
	no-data) (cd "$d" && rm "$file" && ar rc "$file" debian-binary control.tar.gz) ;;
	twice) (cd "$d" && rm "$file" && ar qc "$file" debian-binary control.tar.gz control.tar.gz data.tar.gz) ;;
	control-bomb)
		{ printf '%s\n' "${plain[@]}" && printf 'Description: ' && head -c 300000000 /dev/zero | tr '\0' x && echo; } >"$d/control"
		(cd "$d" && tar -czf control.tar.gz ./control && rm control "$file" && ar rc "$file" debian-binary control.tar.gz data.tar.gz) ;;
	control-sparse)
		(cd "$d" && { printf '%s\n' "${plain[@]}" >control; truncate -s 8G control; } && tar -Sczf control.tar.gz ./control &&
			rm control "$file" && ar rc "$file" debian-binary control.tar.gz data.tar.gz) ;;
	control-garbage) (cd "$d" && head -c 3000 /dev/urandom >control.tar.gz && rm "$file" && ar rc "$file" debian-binary control.tar.gz data.tar.gz) ;;
	data-garbage) (cd "$d" && head -c 3000 /dev/urandom >data.tar.gz && rm "$file" && ar rc "$file" debian-binary control.tar.gz data.tar.gz) ;;
	esac
	: >"$T/Packages"
	entry "$file" "${plain[@]}"
	publish_entries
	once "$c"
	assert_status 4 1
	assert_applied
	assert_versions "$c" tiny-plain=1.0-1
	assert_clean "$c"
	assert_no_code plugin_died
	assert_json "$R" '(.plugin.max_rss // 0) < 268435456'
	assert_le "$elapsed_ms" 30000 "time of the run, ms"
	once "$c" --dry-run
	assert_status 100 4
	ctr_rm "$c"
}
for how in empty one-byte cut no-magic member-size member-negative member-text no-control no-data twice control-bomb \
	control-sparse control-garbage data-garbage; do
	row "R14 apt: a malformed package ($how)" malformed $how
done

done_testing
