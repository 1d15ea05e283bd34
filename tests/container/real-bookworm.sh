# shellcheck shell=bash
# The real security suite: bookworm with nginx, redis, postgresql, apache2, php, imagemagick, vim, git, …
# timeout: 900
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/agent"

ctr_create a "$(rootfs bookworm services)"
ctr_create b "$(rootfs bookworm services)"
# The mirror can lag: then accept what has expired, and see the alarm.
lag=(--set trust.accept_expired=yes)

upgraded b | sort >"$T/pending"
diag "$(wc -l <"$T/pending") pending security updates"
[ "$(wc -l <"$T/pending")" -ge 20 ] || fail "the root is not out of date"
ctr_exec a dpkg -V >"$T/verify.before" 2>&1 || true
snapshot a apt /var/lib/apt /var/cache/apt /etc/apt

check a "${lag[@]}"
assert_status 100
jq -r '(.pending // .planned)[] | select(.installed) | .package' "$R" | sort >"$T/planned"
assert_same_file "$T/planned" "$T/pending"
ok "check finds exactly what apt-get finds"

once a "${lag[@]}"
assert_status 0 102
diag "a whole cycle: $((elapsed_ms / 1000)) s"
jq -r '.applied[] | select(.installed) | .package' "$R" | sort >"$T/applied"
assert_same_file "$T/applied" "$T/pending"
assert_json "$R" '.failed == [] and .kept_back == []'
valid=$(jq -r '.repositories[] | select(.security) | .valid_until // empty' "$R" | sort | sed 1q)
if [ -n "$valid" ] && [ "$(date -ud "$valid" +%s)" -lt "$(date +%s)" ]; then
	assert_code accepted_expired
fi
ok "all pending security updates are applied"

assert_clean a
ctr_exec a dpkg -V >"$T/verify.after" 2>&1 || true
assert_same_file "$T/verify.after" "$T/verify.before"
assert_unchanged a apt /var/lib/apt /var/cache/apt /etc/apt
ok "dpkg --audit and dpkg -V are clean, apt's folders as they were"

assert_json "$R" '[.applied[] | select(.cves != [] and .cves != null)] | length > 0'
# Those whose changelog names a CVE between the two versions, by apt-get's own means in the other container.
ctr_exec b sh -c 'cd /tmp && apt-get -qq -y --download-only -o Dir::Cache::pkgcache= -o APT::Keep-Downloaded-Packages=true \
	-o DPkg::Post-Invoke::= dist-upgrade' >"$T/log" 2>&1
ctr_exec b sh -c 'cd /var/cache/apt/archives && for d in *.deb; do
	p=${d%%_*}; old=$(dpkg-query -W -f "\${source:Version}" $p 2>/dev/null) || continue
	dpkg-deb --fsys-tarfile $d | tar -xOf - --wildcards "./usr/share/doc/*/changelog*.gz" 2>/dev/null | zcat 2>/dev/null |
		awk -v old="($old)" "/^[^ ]/ && index(\$0, old) {exit} {print}" | grep -q CVE-20 && echo $p; done; true' | sort -u >"$T/named"
jq -r '.applied[] | select(.cves != [] and .cves != null) | .package' "$R" | sort >"$T/known"
named=$(wc -l <"$T/named")
known=$(comm -12 "$T/named" "$T/known" | wc -l)
diag "$named updates name a CVE, $known of them are reported with theirs"
[ "$named" -gt 0 ] || fail "no changelog names a CVE: the comparison is broken"
assert_le $((named * 90)) $((known * 100)) "90% of the updates that name a CVE"
ok "CVE ids for at least 90% of the updates whose changelog names one"

upgraded a >"$T/left"
assert_streq "$(cat "$T/left")" ''
ok "apt-get itself sees no security update any more"

check a "${lag[@]}"
assert_status 0 102
once a "${lag[@]}"
assert_status 0 102
assert_applied
ok "nothing is left to do"

done_testing
