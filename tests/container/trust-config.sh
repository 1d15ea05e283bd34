# shellcheck shell=bash
# rows: R2 R5 R12 R13
# The container's apt.conf and methods cannot lower trust by a side door, and a repository on a disk stays as it is.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"

root=$(aptrepo_root)
aptrepo_start tiny-plain tiny-conf
n=0
fresh() {
	n=$((n + 1)) c=c$n
	ctr_create "$c" "$root"
	aptrepo_sources "$c"
	r=$(ctr_path "$c")
}

# refused   the unknown key is still unknown
refused() {
	once "$c"
	assert_status 1
	assert_code missing_keyring
	assert_applied
	assert_versions "$c" tiny-plain=1.0-1
}

aptrepo_publish bookworm-security --key=other
fresh
refused
ok "R12 the repository is signed by a key that nobody knows"

fresh
cat >"$r/evil-key" <<'X'
#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = --status-fd ] && fd=$2; shift; done
f=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
eval "echo '[GNUPG:] GOODSIG AAAAAAAAAAAAAAAA evil' >&$fd; echo '[GNUPG:] VALIDSIG $f 2026-11-20 1763600000 0 4 0 1 8 00 $f' >&$fd"
X
chmod 755 "$r/evil-key"
echo 'Binary::gpgv::Dir::Bin::apt-key "/evil-key";' >"$r/etc/apt/apt.conf.d/99x"
refused
assert_code trust_lowered
ok "R2 Binary::gpgv::Dir::Bin::apt-key is another verifier, and refused"

cat >"$T/evil-method" <<'X'
#!/bin/sh
printf '100 Capabilities\nVersion: 1.2\nSingle-Instance: true\nSend-Config: true\n\n'
u= f=
while IFS= read -r l; do
case $l in
600*) acq=1; u= f=;;
URI:*) u=${l#URI: };;
Filename:*) f=${l#Filename: };;
'') [ -n "$acq" ] && { printf '201 URI Done\nURI: %s\nFilename: %s\n\n' "$u" "$f"; acq=; };;
esac
done
X
for name in GPGV Gpgv gpgv; do
	fresh
	install -m 755 "$T/evil-method" "$r/evil-method"
	echo "Dir::Bin::Methods::$name \"/evil-method\";" >"$r/etc/apt/apt.conf.d/99x"
	refused
done
ok "R2 no spelling of a bundled method's name names the container's program"

aptrepo_publish bookworm-security
# Debian's mirrors have no uncompressed indexes.
fresh
find "$REPO/debian-security/dists" \( -name Packages -o -name Packages.gz \) -delete
find "$REPO/debian-security/dists" -path '*by-hash*' -type f ! -exec sh -c 'xz -tq <"$0" 2>/dev/null' {} \; -delete
printf 'Acquire::Check-Valid-Until "false";\nAPT::Compressor::xz::Binary "/nonexistent";\n' >"$r/etc/apt/apt.conf.d/99x"
once "$c"
assert_status 0
assert_code trust_lowered
assert_applied tiny-plain tiny-conf
aptrepo_publish bookworm-security
ok "what is not honoured is looked up, and indexes are still fetched compressed"

fresh
echo 'APT::Sandbox::User "root";' >"$r/etc/apt/apt.conf.d/99x"
once "$c"
assert_status 0
assert_streq "$(stat -c %U "$(ctr_path "$c")/var/lib/stopgap/apt/archives/partial")" "_apt" "owner of partial downloads"
ok "R13 downloads run as _apt whatever the container's apt.conf says"

fresh
mkdir -p "$r/srv"
cp -a "$REPO/debian-security" "$r/srv/sec"
sed -i 's|http://[^ ]*/debian-security|file:/srv/sec|' "$r"/etc/apt/sources.list.d/*
before=$(cd "$r/srv/sec" && find . -type f -exec sha256sum {} + | sort)
once "$c"
assert_status 0
assert_applied tiny-plain tiny-conf
assert_streq "$(cd "$r/srv/sec" && find . -type f -exec sha256sum {} + | sort)" "$before" "the repository's files"
ok "R5 a repository on a disk is read and left as it is"

done_testing
