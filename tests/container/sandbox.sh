# shellcheck shell=bash
# rows: R13
# What fetches and verifies is locked in: a method of libapt that somebody has taken over gets nowhere, and a layer that
# this kernel or container refuses is an alarm.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/intruder"

aptrepo_start tiny-plain
intruder=$T/intruder
intruder_program "$intruder"

# taken_over NAME METHOD   a container whose bundle has the intruder in that method's place
taken_over() {
	cp -a "$BUNDLE" "$T/bundle-$1"
	rm "$T/bundle-$1/libexec/$2"
	cp "$intruder" "$T/bundle-$1/libexec/$2"
	ctr_create "$1" "$(aptrepo_root)" --bundle "$T/bundle-$1"
	aptrepo_sources "$1"
	echo secret >"$(ctr_path "$1")/srv/readable"
}

ctr_create free "$(aptrepo_root)"
echo secret >"$(ctr_path free)/srv/readable"
cp "$intruder" "$(ctr_path free)/intruder"
run ctr_exec free /bin/sh -c '/intruder; exit 0'
assert_tried "$T/err"
for name in shadow file-of-others write-usr write-tmp unix-socket listen parent-environ signal parent-limits root capabilities new-privileges \
	pidfd new-code fork exec; do
	assert_file_has_content "$T/err" "intruder: $name: yes"
done
ok "R13 apt: with nothing in its way an intruder has its way"

taken_over http http
snapshot http before
check http --verbose
assert_status 1 3
assert_tried "$T/err"
assert_streq "$(intruder_got "$T/err")" ''
assert_unchanged http before
assert_no_code sandbox_degraded
ok "R13 apt: taken over while fetching it can do nothing of the kind"

taken_over gpgv gpgv
snapshot gpgv before
check gpgv --verbose
assert_status 1 3
# reading what anybody may read, to find keyrings; programs of the bundle, but no other
assert_streq "$(intruder_got "$T/err")" 'file-of-others fork new-code write-tmp '
ok "R13 apt: taken over while verifying it reads and writes what its user may, and starts no program of the container"

taken_over store store
snapshot store before
printf '600 URI Acquire\nURI: store:/x\nFilename: /x\n\n' >"$T/request"
how=$(printf '100 65534\nx%s\nr/var/lib\nw/var/tmp\n' $at)
ctr_exec store --env "STOPGAP_CONFINE=$how" /bin/sh -c "$at/methods/store; exit 0" <"$T/request" >"$T/out" 2>"$T/err" || true
assert_streq "$(intruder_got "$T/err")" ''
assert_unchanged store before
for wrong in x '0' '0 0' '0 4294967295' $'0 0\nq/tmp' $'0 0\n\nr/tmp' $'-1 0\n' $'0 0\nrtmp'; do
	status=0
	ctr_exec store --env "STOPGAP_CONFINE=$wrong" $at/methods/store <"$T/request" >"$T/out" 2>"$T/err" || status=$?
	assert_status 126
	assert_file_has_content "$T/err" 'STOPGAP_CONFINE is not as it should be'
done
ok "R13 apt: taken over while unpacking it can do nothing"

number() { printf '#include <sys/syscall.h>\nSYS_%s\n' "$1" | "${CC:-cc}" -E -P - | tail -1; }
refuse=$(helper refuse)
once_without() { # NAME SYSCALL…
	local name=$1 n=()
	shift
	for call; do n+=("$(number "$call")"); done
	cp "$refuse" "$(ctr_path "$name")/refuse"
	run ctr_exec "$name" /refuse "${n[@]}" -- $at/stopgap once --output=json
	cp "$T/out" "$R"
	assert_json_eq "$R" .exit_code "$status"
}
for layer in landlock_create_ruleset:Landlock seccomp:seccomp; do
	name=no-${layer#*:}
	ctr_create "$name" "$(aptrepo_root)"
	aptrepo_sources "$name"
	once_without "$name" "${layer%:*}"
	assert_status 0
	assert_applied tiny-plain
	assert_code sandbox_degraded
	assert_json "$R" '.. | objects | select(.code? == "sandbox_degraded") | .detail | contains($l)' --arg l "${layer#*:}"
done
ok "R13 apt: a kernel or an engine without Landlock or seccomp is named, and patched all the same"

ctr_create nouser "$(aptrepo_root)"
aptrepo_sources nouser
sed -i '/^_apt:/d' "$(ctr_path nouser)/etc/passwd"
check nouser
assert_status 100
assert_no_code sandbox_degraded
assert_streq "$(stat -c %u "$(ctr_path nouser)/var/lib/stopgap/apt/lists/partial")" 65534
sed -i '/^nobody:/d' "$(ctr_path nouser)/etc/passwd"
rm -rf "$(ctr_path nouser)/var/lib/stopgap"
check nouser
assert_status 100
assert_json "$R" '.. | objects | select(.code? == "sandbox_degraded") | .detail | contains("downloads run as root: there is no user")'
ok "R13 apt: without _apt downloads run as nobody, and without that as root with an alarm"

ctr_create proxy "$(aptrepo_root)"
aptrepo_sources proxy
find_proxy() { # ANSWER
	printf '#!/bin/sh\nid -u >/tmp/who\necho %s\n' "$1" >"$(ctr_path proxy)/usr/bin/find-proxy"
	chmod 755 "$(ctr_path proxy)/usr/bin/find-proxy"
	rm -f "$(ctr_path proxy)/tmp/who"
}
echo 'Acquire::http::Proxy-Auto-Detect "/usr/bin/find-proxy";' >"$(ctr_path proxy)/etc/apt/apt.conf.d/01proxy"
find_proxy DIRECT
once proxy
assert_status 0
assert_applied tiny-plain
assert_streq "$(cat "$(ctr_path proxy)/tmp/who")" "$(sed -n 's/^_apt:[^:]*:\([0-9]*\):.*/\1/p' "$(ctr_path proxy)/etc/passwd")"
find_proxy http://127.0.0.1:1
check proxy
assert_status 3
assert_code no_egress
ok "R13 apt: the container's program that finds proxies is still asked, by the same user"

done_testing
