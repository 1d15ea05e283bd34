# shellcheck shell=bash
# An image as the official slim ones are: apt configured for images, policy-rc.d, no docs.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"

aptrepo_start tiny-plain tiny-conf libtiny1 tiny-prog tiny-triggering
pending=(tiny-plain tiny-conf libtiny1 tiny-prog tiny-triggering)
ctr_create a "$(aptrepo_root bookworm official)"
aptrepo_sources a
r=$(ctr_path a)

ctr_exec a dpkg -V >"$T/verify.before" 2>&1 || true
snapshot a apt /var/lib/apt /var/cache /etc/apt /etc/dpkg /usr/sbin/policy-rc.d
assert_exists "$r/etc/apt/apt.conf.d/docker-clean"
assert_not_exists "$r/usr/share/doc/tiny-plain/changelog.Debian.gz"
ok "the fixture is what it should be"

once a
assert_status 0
assert_applied "${pending[@]}"
assert_clean a
ctr_exec a dpkg -V >"$T/verify.after" 2>&1 || true
assert_same_file "$T/verify.after" "$T/verify.before"
ok "applied, and dpkg -V is no worse than before"

assert_unchanged a apt /var/lib/apt /var/cache /etc/apt /etc/dpkg /usr/sbin/policy-rc.d
assert_not_exists "$r/usr/share/doc/tiny-plain/changelog.Debian.gz"
ok "apt's folders and policy-rc.d are as they were, docs stay out"

assert_json_eq "$R" '.applied[] | select(.package == "tiny-plain") | .cves | length' 3
ok "CVE ids are known without docs"

rm "$r/var/lib/dpkg/info/tiny-hold.list"
once a
assert_status 0 3
ok "a missing file list is no crash"

done_testing
