# shellcheck shell=bash
# Updates that are not done, and why; new dependencies.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"

aptrepo_start tiny-plain tiny-hold tiny-newdep tiny-dep tiny-unmet tiny-breaker
root=$(aptrepo_root)
ctr_create a "$root"
aptrepo_sources a
ctr_exec a apt-mark hold tiny-hold >/dev/null
once a
assert_status 4
assert_applied tiny-plain tiny-newdep tiny-dep
assert_kept tiny-hold hold
assert_kept tiny-unmet unmet_dependency
assert_kept tiny-breaker would_remove
assert_versions a tiny-hold=1.0-1 tiny-unmet=1.0-1 tiny-breaker=1.0-1 tiny-victim=1.0-1 tiny-dep=1.0-1+deb12u1
assert_clean a
ok "hold, unmet dependency and removal keep an update back; the others and a new dependency are applied"

assert_json "$R" '(.kept_back[] | select(.package == "tiny-unmet") | tostring) | contains("tiny-nowhere")'
assert_json "$R" '(.kept_back[] | select(.package == "tiny-breaker") | tostring) | contains("tiny-victim")'
ok "the details name the other package"

ctr_exec a apt-mark showauto >"$T/auto"
assert_file_has_content "$T/auto" '^tiny-dep$'
assert_not_file_has_content "$T/auto" '^tiny-newdep$'
ok "a new dependency is marked as automatically installed"

aptrepo_log >"$T/requests"
assert_file_has_content "$T/requests" ' /debian/dists/bookworm/InRelease$'
ok "a dependency that security cannot meet lets the other suites be fetched"

aptrepo_remove tiny-hold tiny-unmet tiny-breaker tiny-newdep tiny-dep
aptrepo_add tiny-maindep tiny-nocve tiny-epoch
ctr_create b "$root"
aptrepo_sources b
once b --set updates.deny='tiny-e.*' --set updates.allow='tiny-(plain|maindep|epoch)'
assert_applied tiny-plain tiny-maindep tiny-onlymain
assert_kept tiny-epoch deny_list
assert_kept tiny-nocve not_allowed
assert_status 0
ok "deny and allow lists, and a dependency from main"

ctr_create c "$root"
aptrepo_sources c
printf 'Package: tiny-nocve\nPin: version 1.0-1\nPin-Priority: 1001\n' >"$(ctr_path c)/etc/apt/preferences.d/x"
once c --set updates.allow_new=no
assert_status 0
assert_applied tiny-plain tiny-epoch
assert_kept tiny-nocve pinned
assert_kept tiny-maindep new_package unmet_dependency
assert_versions c tiny-nocve=1.0-1 tiny-maindep=1.0-1
ok "pins are honoured, and allow_new=no"

done_testing
