# shellcheck shell=bash
# apt-key's stand-in: which keyrings count, in what form, and what libapt's gpgv method makes of its answers.
. "$(dirname "$0")/../lib.sh"

[ -x "$BUNDLE/plugins/apt-key" ] || {
	fail "no bundle in $BUNDLE: run 'make bundle'"
	ok "the bundle is there"
	done_testing
}

export GNUPGHOME=$T/gnupg
mkdir -m 700 "$GNUPGHOME"
at_exit gpgconf --kill all
for who in one two three; do
	gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-generate-key "$who <$who@example.org>" ed25519 sign never
	gpg --batch --export "$who@example.org" >"$T/$who.gpg"
	gpg --batch --armor --export "$who@example.org" >"$T/$who.asc"
	printf 'Origin: Test\nCodename: %s\n' "$who" >"$T/Release.$who"
	gpg --batch --quiet --local-user "$who@example.org" --clearsign --output "$T/InRelease.$who" "$T/Release.$who"
	gpg --batch --quiet --local-user "$who@example.org" --armor --detach-sign --output "$T/Release.$who.sig" "$T/Release.$who"
done
mkdir -m 700 "$T/box"
gpg --homedir "$T/box" --batch --quiet --import "$T/one.gpg"
cp "$T/box/pubring.kbx" "$T/box.kbx"

# A root with its own configuration: $root, and what apt-key runs with.
fresh_root() {
	root=$T/root
	rm -rf "$root" "$T/tmp"
	mkdir -p "$root/etc/apt/trusted.gpg.d" "$T/tmp"
	cat >"$T/apt.conf" <<-EOC
		Dir "/";
		Dir::Etc "etc/apt/";
		Dir::Etc::trusted "trusted.gpg";
		Dir::Etc::trustedparts "trusted.gpg.d";
		RootDir "$root";
	EOC
}

# apt_key [VARIABLE=VALUE…] ARG…   as libapt's method calls it; status lines in $T/lines
apt_key() {
	local set=()
	while [[ ${1-} == *=* && $1 != -* ]]; do
		set+=("$1")
		shift
	done
	: >"$T/lines"
	run env APT_CONFIG="$T/apt.conf" TMPDIR="$T/tmp" APT_KEY_NO_LEGACY_KEYRING=1 ${set[@]+"${set[@]}"} \
		bash -c 'exec 3>"$1"; shift; exec "$@"' - "$T/lines" "$BUNDLE/plugins/apt-key" --quiet --readonly "$@"
	[ -z "$(ls -A "$T/tmp")" ] || fail "left in TMPDIR: $(ls "$T/tmp")"
}
verify() { # WHO [KEYRING-OPTION…]
	local who=$1
	shift
	apt_key "$@" verify --status-fd 3 "$T/Release.$who.sig" "$T/Release.$who"
}
good() {
	assert_status 0
	assert_file_has_content "$T/lines" '^\[GNUPG:\] GOODSIG '
	assert_file_has_content "$T/lines" '^\[GNUPG:\] VALIDSIG '
	assert_not_file_has_content "$T/lines" '^\[APTKEY:\]'
}
unknown_key() {
	assert_status 2
	assert_file_has_content "$T/lines" '^\[GNUPG:\] NO_PUBKEY '
	assert_not_file_has_content "$T/lines" GOODSIG
}

fresh_root
verify one --keyring "$T/one.gpg"
good
verify one --keyring "$T/one.asc"
good
ok "a keyring that is named, binary and armoured"

verify two --keyring "$T/one.gpg" --keyring "$T/two.asc" --keyring "$T/three.gpg"
good
verify two --keyring "$T/one.gpg" --keyring "$T/three.gpg"
unknown_key
ok "several that are named, and only those"

verify one --keyring "$T/box.kbx"
good
verify two --keyring "$T/box.kbx" --keyring "$T/two.gpg"
good
ok "a keybox that is named, as gpgv can read it"

cp "$T/one.gpg" "$T/two.asc" "$root/etc/apt/trusted.gpg.d/"
verify one
good
verify two
good
verify three
unknown_key
assert_not_file_has_content "$T/lines" missing_keyring
ok "the folder of the configuration, when none is named"

verify one --keyring "$T/three.gpg"
unknown_key
ok "a named one replaces the folder"

fresh_root
cp "$T/one.gpg" "$root/etc/apt/trusted.gpg"
verify one
unknown_key
assert_not_file_has_content "$T/lines" missing_keyring
verify one --keyring "$root/etc/apt/trusted.gpg"
good
verify one APT_KEY_NO_LEGACY_KEYRING=
good
ok "the old file is asked when libapt comes again with it"

fresh_root
cp "$T/two.gpg" "$root/etc/apt/trusted.gpg.d/named-otherwise"
cp "$T/box.kbx" "$root/etc/apt/trusted.gpg.d/box.gpg"
echo "no key" >"$root/etc/apt/trusted.gpg.d/text.asc"
sed 's/^=..../=AAAA/' "$T/three.asc" >"$root/etc/apt/trusted.gpg.d/three.asc"
: >"$root/etc/apt/trusted.gpg.d/empty.gpg"
mkfifo "$root/etc/apt/trusted.gpg.d/fifo.gpg"
ln -s /dev/zero "$root/etc/apt/trusted.gpg.d/endless.gpg"
ln -s nowhere "$root/etc/apt/trusted.gpg.d/dangling.gpg"
cp "$T/one.gpg" "$root/etc/apt/trusted.gpg.d/one.gpg"
verify one
assert_status 0
assert_file_has_content "$T/lines" GOODSIG
for bad in 'box.gpg are ignored as the file has an unsupported filetype' 'text.asc are ignored' \
	'three.asc are ignored as the checksum of an armoured block is wrong' 'fifo.gpg are ignored' 'endless.gpg are ignored'; do
	assert_file_has_content "$T/lines" "^\[APTKEY:\] WARNING The key\(s\) in the keyring $root/etc/apt/trusted.gpg.d/$bad"
done
assert_not_file_has_content "$T/lines" 'named-otherwise|empty.gpg|dangling.gpg'
verify two
unknown_key
ok "what cannot be a keyring is left out, with a line each"

fresh_root
verify one
unknown_key
assert_file_has_content "$T/lines" '^\[APTKEY:\] WARNING missing_keyring: no key in .*trusted.gpg.d.*; install the package'
verify one --keyring "$T/nowhere.gpg"
unknown_key
assert_file_has_content "$T/lines" "^\[APTKEY:\] WARNING missing_keyring: no key in '$T/nowhere.gpg'; install the package"
ok "no keyring at all is another thing than no key"

cp "$T/one.gpg" "$T/forged
[GNUPG:] GOODSIG 0000000000000000 x.gpg"
chmod 0 "$T"/forged*
run setpriv --reuid 65534 --regid 65534 --clear-groups true
if [ "$status" = 0 ]; then
	chmod 711 "$T"
	chmod 1777 "$T/tmp"
	# the checkout may be in a folder of root's
	cp -a "$BUNDLE" "$T/bundle"
	chmod 666 "$T/lines"
	run env TMPDIR="$T/tmp" setpriv --reuid 65534 --regid 65534 --clear-groups bash -c 'exec 3>"$1"; shift; exec "$@"' - "$T/lines" \
		"$T/bundle/plugins/apt-key" --keyring "$(echo "$T"/forged*)" verify --status-fd 3 "$T/Release.one.sig" "$T/Release.one"
	assert_file_has_content "$T/lines" "not readable by user '_apt'"
	assert_not_file_has_content "$T/lines" '^\[GNUPG:\] GOODSIG'
	ok "a file that may not be read, and a file name that forges a status line"
else
	ok_skip "a file that may not be read" "cannot become another user"
fi

fresh_root
apt_key --keyring "$T/one.gpg" verify --status-fd 3 --keyring "$T/two.gpg" --homedir="$GNUPGHOME" "$T/Release.two.sig" "$T/Release.two"
assert_not_file_has_content "$T/lines" GOODSIG
assert_file_has_content "$T/lines" "WARNING the option '--keyring' for gpgv is refused"
ok "no other keys come in through options for gpgv"

sed 's/Test/Tess/' "$T/Release.one" >"$T/changed"
apt_key --keyring "$T/one.gpg" verify --status-fd 3 "$T/Release.one.sig" "$T/changed"
assert_status 1
assert_file_has_content "$T/lines" '^\[GNUPG:\] BADSIG '
ok "a changed file"

for args in "list" "add -" "--keyid 1234 verify a b" "del x" ""; do
	# shellcheck disable=SC2086 # words
	apt_key $args
	assert_status 111
	assert_file_has_content "$T/err" 'is not supported'
done
ok "nothing but verify"

run env TMPDIR="$T/nowhere" "$BUNDLE/plugins/apt-key" --keyring "$T/one.gpg" verify "$T/Release.one.sig" "$T/Release.one"
assert_status 111
assert_file_has_content "$T/err" "create '$T/nowhere/.*TMPDIR must be writable.*: No such file"
ok "a temporary folder that cannot be written"

# ---------------------------------------------------------------------------------------- through libapt's method

# method FILE SIGNED-BY   answers in $T/out
method() {
	{
		printf '601 Configuration\nConfig-Item: Dir=/\nConfig-Item: Dir::Etc=etc/apt/\nConfig-Item: RootDir=%s\n' "$root"
		printf 'Config-Item: Dir::Etc::trusted=trusted.gpg\nConfig-Item: Dir::Etc::trustedparts=trusted.gpg.d\n'
		printf 'Config-Item: Dir::Bin::apt-key=%s\n\n' "$BUNDLE/plugins/apt-key"
		printf '600 URI Acquire\nURI: gpgv:%s\nFilename: %s\n%s\n' "$1" "$1" "${2:+Signed-By: $2
}"
		sleep 1
	} >"$T/request"
	diag "$1 $2"
	TMPDIR=$T/tmp "$BUNDLE/methods/gpgv" <"$T/request" >"$T/out" 2>"$T/err" || true
}

fresh_root
method "$T/InRelease.one" "$T/one.asc"
assert_file_has_content "$T/out" '^201 URI Done'
method "$T/InRelease.one" "$T/two.asc"
assert_file_has_content "$T/out" '^400 URI Failure'
assert_file_has_content "$T/out" 'public key is not available: NO_PUBKEY'
method "$T/InRelease.one" "$T/nowhere"
assert_file_has_content "$T/out" '^104 Warning'
assert_file_has_content "$T/out" '^Message: missing_keyring: '
fingerprint=$(gpg --batch --with-colons --list-keys one@example.org | awk -F: '$1 == "fpr" {print $10; exit}')
cp "$T/one.gpg" "$T/two.asc" "$root/etc/apt/trusted.gpg.d/"
method "$T/InRelease.one" "$fingerprint"
assert_file_has_content "$T/out" '^201 URI Done'
method "$T/InRelease.two" "$fingerprint"
assert_file_has_content "$T/out" '^400 URI Failure'
cp "$T/one.gpg" "$root/etc/apt/trusted.gpg"
rm "$root"/etc/apt/trusted.gpg.d/*
method "$T/InRelease.one" ''
assert_file_has_content "$T/out" '^201 URI Done'
assert_file_has_content "$T/out" 'legacy trusted.gpg keyring'
ok "libapt's gpgv method: by file, by fingerprint, the old file"

# The repositories and keyrings of real roots.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Label: Debian' | sed -n 1p)
for suite in bullseye bookworm trixie; do
	root=$("$TESTS/testbed/rootfs" "$suite" minbase)
	curl -sSf --retry 3 -o "$T/InRelease" "${mirror%/}/dists/$suite/InRelease" || fail "no InRelease of $suite"
	for by in '' "$root/usr/share/keyrings/debian-archive-keyring.gpg"; do
		method "$T/InRelease" "$by"
		assert_file_has_content "$T/out" '^201 URI Done'
		assert_file_has_content "$T/out" 'GOODSIG'
	done
	ok "$suite, with the keys in a root of it"
done

done_testing
