# shellcheck shell=bash
# The second check goes by what the installed packages can reach of the repositories: kept from the first, and made anew
# whenever what it was made from is another.  That a plan is the same is what tests/rpm/select*.sh show of each case.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/rpmpkg"
. "$TESTS/testbed/rpmrepo"
. "$TESTS/testbed/agent"

rpmrepo_start
ctr_create w "$(rpmroot el9)"
root=$(ctr_path w)
foo1=$(rpmpkg foo 1-1) foo2=$(rpmpkg foo 1-2)
other1=$(rpmpkg other 1-1) other2=$(rpmpkg other 1-2)
base1=$(rpmpkg base 1-1 'Provides: cap') base2=$(rpmpkg base 1-2) cap=$(rpmpkg cap-again 1-1 'Provides: cap')
needs1=$(rpmpkg needs 1-1) needs1b=$(rpmpkg needs 1-1 'Requires: cap')
bar1=$(rpmpkg bar 1-1) bar2=$(rpmpkg bar 1-2 'Requires: tool') tool=$(rpmpkg tool 1-1)
rpmrepo_add updates "$foo2" "$other2" "$base2" "$cap"
rpmrepo_advisory updates SA-0 security Important CVE-2026-0 "$other2"
rpmrepo_advisory updates SA-1 security Important CVE-2026-1 "$foo2"
rpmrepo_publish updates
rpmrepo_add extra "$tool"
rpmrepo_publish extra
rpmrepo_use w updates
rpmrepo_install w "$foo1" "$bar1" "$base1" "$needs1"

reached() { cat "$root"/var/lib/stopgap/rpm/repos/*/reach.solv | sha256sum; stat -c %i "$root"/var/lib/stopgap/rpm/repos/*/reach.solv; }

check w
assert_pending foo
reached >"$T/first"
cp "$R" "$T/cold.json"
check w
assert_pending foo
reached >"$T/second"
assert_same_file "$T/second" "$T/first"
assert_streq "$(jq -cS '[.pending, .kept_back, .alarms]' "$R")" "$(jq -cS '[.pending, .kept_back, .alarms]' "$T/cold.json")"
check w --set updates.deny=foo
assert_kept foo deny_list
reached >"$T/second"
assert_same_file "$T/second" "$T/first"
strings -n 3 "$root"/var/lib/stopgap/rpm/repos/*/reach.solv >"$T/words"
assert_file_has_content "$T/words" foo
assert_not_file_has_content "$T/words" 'other|cap-again'
ok "what is in reach is kept, whatever the policy is, and holds nothing else"

rpmrepo_install w "$other1"
check w
assert_pending foo other
ok "a package that was installed since is seen"

rpmrepo_advisory updates SA-2 security Important CVE-2026-2 "$base2"
rpmrepo_publish updates
check w
assert_pending base foo other
ok "new metadata is seen"

# Another build of the same version.  dnf too would not take what has moved to a new package, but it has to be found.
rpm_in w -U --replacepkgs --nosignature --nodeps --noscripts "$needs1b"
check w
assert_kept base unmet_dependency
ok "what installed packages require is seen, though their names and versions are the same"

rpmrepo_use w extra
rpmrepo_use w updates enabled=0
check w
assert_pending
rpmrepo_add updates "$bar2"
rpmrepo_advisory updates SA-3 security Important CVE-2026-3 "$bar2"
rpmrepo_publish updates
rpmrepo_use w updates
rpmrepo_use w extra enabled=0
check w
assert_kept bar unmet_dependency
rpmrepo_use w extra
check w
assert_pending bar foo other tool
ok "what one repository needs of another is seen, whichever of them was there before"

cp "$R" "$T/cold.json"
for f in "$root"/var/lib/stopgap/rpm/repos/updates*/reach.solv; do
	truncate -s $(($(stat -c %s "$f") - 40)) "$f"
done
check w
assert_streq "$(jq -cS '[.pending, .kept_back]' "$R")" "$(jq -cS '[.pending, .kept_back]' "$T/cold.json")"
assert_not_file_has_content "$T/err" 'run stopgap again'
assert_file_has_content "$T/err" 'reach.solv. is damaged, making it again'
check w
assert_not_file_has_content "$T/err" damaged
ok "one that is damaged is made again at once"

once w
assert_applied bar foo other tool
assert_rpms w foo=1-2 bar=1-2 other=1-2 tool=1-1
check w
assert_pending
ok "after the update there is nothing left"

done_testing
