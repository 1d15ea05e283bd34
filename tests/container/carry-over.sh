# shellcheck shell=bash
# What is lost when the container is recreated stays in every later report, and is told how to carry over.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"

aptrepo_start tiny-plain tiny-epoch
root=$(aptrepo_root)
ctr_create a "$root"
aptrepo_sources a

check a
assert_json_eq "$R" '.ephemeral | [.image_still_vulnerable, .lost_on_recreate]' '[true,[]]'
ok "a container with pending updates has a vulnerable image"

lost='["tiny-epoch=1:1.0~rc1-1+deb12u1","tiny-plain=1.0-1+deb12u2"]'
once a
assert_status 0
assert_json_eq "$R" '.ephemeral | [.image_still_vulnerable, (.lost_on_recreate | sort)]' "[true,$lost]"
assert_json "$R" '.ephemeral.carry_over | test("apt-get install .*tiny-plain=1.0-1\\+deb12u2")'
once a
check a
assert_json_eq "$R" '.ephemeral | [.image_still_vulnerable, (.lost_on_recreate | sort)]' "[true,$lost]"
ok "later reports of the same container say it again"

# The command is what it says it is: in a container made anew from the image.
carry=$(jq -r .ephemeral.carry_over "$R")
ctr_create b "$root"
aptrepo_sources b
ctr_exec b sh -c "$carry" >"$T/out" 2>&1
assert_versions b tiny-plain=1.0-1+deb12u2 tiny-epoch=1:1.0~rc1-1+deb12u1
check b
assert_status 0
ok "the command carries the updates over"

# A state folder that came from another container says nothing of this one.
ctr_create c "$root"
aptrepo_sources c
mkdir -p "$(ctr_path c)/var/lib/stopgap"
cp "$(ctr_path a)/var/lib/stopgap/last.json" "$(ctr_path c)/var/lib/stopgap/"
check c
assert_json_eq "$R" '.ephemeral.lost_on_recreate' '[]'
ok "another container's report is not taken over"

done_testing
