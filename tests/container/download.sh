# shellcheck shell=bash
# rows: R5 R8
# Downloads that go wrong: the others are applied, nothing wrong reaches dpkg.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"

aptrepo_start tiny-plain tiny-gone tiny-goneuser tiny-hash libtiny1 tiny-prog
root=$(aptrepo_root)
ctr_create a "$root"
aptrepo_sources a
rm "$REPO/$(aptrepo_deb tiny-gone)"
aptrepo_fault '/debian-security/pool/tiny-hash_* alter'
once a
assert_status 4
assert_applied tiny-plain libtiny1 tiny-prog
assert_kept tiny-gone download_failed
assert_kept tiny-goneuser download_failed depends_on_failed unmet_dependency
assert_kept tiny-hash hash_mismatch download_failed
assert_versions a tiny-gone=1.0-1 tiny-goneuser=1.0-1 tiny-hash=1.0-1 tiny-plain=1.0-1+deb12u2
assert_clean a
ok "R5 404 and an altered package: the rest is applied"

assert_json "$R" '[(.kept_back + .failed)[] | select(.package == "tiny-gone") | .. | strings |
	select(contains("/debian-security/pool/tiny-gone_1.0-1") and startswith("http"))] | length > 0'
ok "the URL is reported"

aptrepo_fault
once a
assert_status 4
assert_applied tiny-hash
ok "the next run gets what works again"

aptrepo_remove tiny-goneuser
# A coupled pair is applied together or not at all.
ctr_create b "$root"
aptrepo_sources b
aptrepo_fault '/debian-security/pool/libtiny1_* 404'
once b
assert_status 4
assert_kept libtiny1 download_failed
assert_versions b libtiny1=1.0-1 tiny-prog=1.0-1 tiny-plain=1.0-1+deb12u2
assert_clean b
ok "a version-coupled pair stays together when one half is missing"

# fault_case NAME FAULT…   every .deb but tiny-plain's goes wrong
fault_case() {
	local name=$1
	shift
	ctr_create "$name" "$root"
	aptrepo_sources "$name"
	aptrepo_fault "$@"
	once "$name" --set network.stall=2s --set network.timeout=20s
	aptrepo_fault
	assert_versions "$name" tiny-plain=1.0-1+deb12u2 tiny-hash=1.0-1
	assert_kept tiny-hash download_failed hash_mismatch
	assert_status 4
	assert_le "$elapsed_ms" 30000 "time of a run with a broken server, ms"
	assert_clean "$name"
	ok "$name: the others are applied"
}
fault_case cut-short '/debian-security/pool/tiny-hash_* truncate'
fault_case stalled '/debian-security/pool/tiny-hash_* stall'
fault_case not-http '/debian-security/pool/tiny-hash_* garbage'
fault_case server-error '/debian-security/pool/tiny-hash_* 503'

# Redirects, proxies and credentials are those of the container's apt configuration.
ctr_create c "$root"
aptrepo_sources c
aptrepo_fault "/debian-security/pool/tiny-plain_* redirect $REPO_URI/moved/plain.deb"
mkdir "$REPO/moved"
cp "$REPO/$(aptrepo_deb tiny-plain)" "$REPO/moved/plain.deb"
once c --set updates.allow=tiny-plain
assert_versions c tiny-plain=1.0-1+deb12u2
ok "R8 a redirect is followed"

ctr_create d "$root"
aptrepo_sources d
echo "Acquire::http::Proxy \"$REPO_URI\";" >"$(ctr_path d)/etc/apt/apt.conf.d/99proxy"
sed -i "s#$REPO_URI#http://mirror.invalid#" "$(ctr_path d)/etc/apt/sources.list.d/debian.sources"
: >"$T/httpd.log"
aptrepo_fault
once d --set updates.allow=tiny-plain
assert_versions d tiny-plain=1.0-1+deb12u2
aptrepo_log >"$T/requests"
assert_file_has_content "$T/requests" 'GET http://mirror.invalid/debian-security/pool/tiny-plain'
ok "the container's proxy is used"

ctr_create e "$root"
aptrepo_sources e
# apt sends credentials over plain http only when the entry names the scheme.
printf 'machine http://127.0.0.1 login user password secret\n' >"$(ctr_path e)/etc/apt/auth.conf.d/x.conf"
chmod 600 "$(ctr_path e)/etc/apt/auth.conf.d/x.conf"
aptrepo_fault "* auth $(printf user:secret | base64)"
once e --set updates.allow=tiny-plain
assert_versions e tiny-plain=1.0-1+deb12u2
assert_not_file_has_content "$R" secret
assert_not_file_has_content "$T/err" secret
ok "R8 auth.conf is honoured, and its password told to nobody"

done_testing
