# shellcheck shell=bash
# Maintainer scripts that fail, start things or are slow; triggers; apt's hooks.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"

root=$(aptrepo_root)
aptrepo_start tiny-plain tiny-badpost tiny-badpre tiny-triggering libtiny1 tiny-prog
ctr_create a "$root"
aptrepo_sources a
r=$(ctr_path a)
: >"$r/var/log/tiny-trigger.log"
once a
assert_status 4
assert_applied tiny-plain tiny-triggering libtiny1 tiny-prog
assert_kept tiny-badpost script_failed not_applied
assert_kept tiny-badpre script_failed unpack_failed not_applied
assert_versions a tiny-badpre=1.0-1 tiny-plain=1.0-1+deb12u2 tiny-triggering=1.0-1+deb12u1
ok "one failing script does not stop the others"

assert_json "$R" '[.failed[] | select(.package == "tiny-badpost") | .. | strings |
	select(contains("cannot migrate the frobnicator"))] | length > 0'
assert_json "$R" '[.failed[] | select(.package == "tiny-badpre") | .. | strings |
	select(contains("tiny-badpre: refuses"))] | length > 0'
ok "what the script said is quoted"

assert_streq "$(grep -c triggered "$r/var/log/tiny-trigger.log" || true)" 1
ok "triggers run once"

# What is left half-configured is tried again, and tells the same story.
once a
assert_status 4 1
assert_applied
ok "a second run does not call it done"

# A script that fails once: the next run repairs.
aptrepo_remove tiny-badpost tiny-badpre
aptrepo_add tiny-once
ctr_create b "$root"
aptrepo_sources b
once b
assert_status 4
assert_kept tiny-once script_failed not_applied
once b
assert_status 0
assert_versions b tiny-once=1.0-1+deb12u1
assert_clean b
ok "the next run finishes what failed"

# A container that would start services: it has an init, a runlevel and no policy-rc.d.
aptrepo_remove tiny-once
aptrepo_add tiny-daemon tiny-service tiny-direct
for policy in none 101 0; do
	c=c$policy
	ctr_create $c "$root"
	aptrepo_sources $c
	r=$(ctr_path $c)
	printf '#!/bin/sh\necho N 2\n' >"$r/sbin/runlevel"
	printf '#!/bin/sh\n' >"$r/sbin/init"
	chmod 755 "$r/sbin/runlevel" "$r/sbin/init"
	ctr_exec $c update-rc.d tiny-service defaults
	if [ $policy != none ]; then
		printf '#!/bin/sh\nexit %s\n' $policy >"$r/usr/sbin/policy-rc.d"
		chmod 755 "$r/usr/sbin/policy-rc.d"
	fi
	snapshot $c sbin /usr/sbin
	once $c
	assert_status 0 102
	assert_versions $c tiny-service=1.0-1+deb12u1 tiny-daemon=1.0-1+deb12u1 tiny-direct=1.0-1+deb12u1
	assert_not_exists "$r/var/log/tiny-service.log"
	assert_unchanged $c sbin /usr/sbin
	ok "policy-rc.d $policy: invoke-rc.d starts nothing, and policy-rc.d is as it was"

	pid=$(cat "$r/run/tiny-daemon.pid" || echo 0)
	assert_json "$R" '.left_behind | any(.pid == $pid and (.cmdline | contains("86001")))' --argjson pid "$pid"
	assert_code left_behind
	direct=$(cat "$r/run/tiny-direct.pid" 2>/dev/null || true)
	if [ -n "$direct" ] && ctr_exec $c test -e "/proc/$direct"; then
		assert_json "$R" '.left_behind | any(.cmdline | contains("86003"))'
	fi
	ok "policy-rc.d $policy: a process that a script left behind is reported"
done

# Hooks of other tools in the container's apt configuration.
aptrepo_remove tiny-daemon tiny-service tiny-direct
ctr_create d "$root"
aptrepo_sources d
r=$(ctr_path d)
cat >"$r/etc/apt/apt.conf.d/99hooks" <<'EOC'
DPkg::Pre-Invoke { "echo pre >>/var/log/hook"; };
DPkg::Post-Invoke { "echo post >>/var/log/hook; exit 1"; };
DPkg::Pre-Install-Pkgs { "cat >/dev/null; echo pkgs >>/var/log/hook; exit 1"; };
APT::Update::Pre-Invoke { "echo update >>/var/log/hook; exit 1"; };
APT::Update::Post-Invoke-Success { "echo updated >>/var/log/hook"; };
DPkg::Options { "--force-confnew"; };
EOC
once d
assert_status 0
assert_applied tiny-plain tiny-triggering libtiny1 tiny-prog
touch "$r/var/log/hook"
for hook in pre post pkgs update updated; do
	assert_le "$(grep -cx $hook "$r/var/log/hook" || true)" 1 "hook $hook ran"
done
ok "failing hooks neither break the run nor run twice"

done_testing
