# shellcheck shell=bash
# Plain updates of rpm packages: what is pending, what is applied, what is fetched, what stays as it was.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/rpmpkg"
. "$TESTS/testbed/rpmrepo"
. "$TESTS/testbed/agent"

rpmrepo_start
rpmrepo_updates el9
root=$(rpmroot el9)
pending=(libtiny nginx-core openssl-libs tinyd)
new=(libtiny=1.0-2 tinyd=1.0-2 openssl-libs=1:3.0.1-43.el9.1 nginx-core=1:1.20.1-14.el9.1)

ctr_create a "$root"
r=$(ctr_path a)
rpmrepo_use a updates
mkdir -p "$r/root/mine"
echo 'colour = blue' >"$r/etc/tinyd.conf"
: >"$T/httpd.log"
snapshot a before
check a
assert_status 100
assert_pending "${pending[@]}"
assert_unchanged a before
ok "check finds the security updates, and changes nothing"

assert_json_eq "$R" '.distribution | [.id, .version]' '["rocky","9.4"]'
assert_json "$R" '.repositories | any(.suite == "updates" and .security and .trust == "signed" and .transport == "http" and
	(.signed_by | length >= 16) and (.date | type) == "string" and .age >= 0)'
tiny='.pending[] | select(.package == "tinyd")'
assert_json_eq "$R" "$tiny | [.installed, .candidate, .arch]" '["1.0-1","1.0-2","x86_64"]'
assert_json_eq "$R" "$tiny | .advisories" '["SA-TINY"]'
assert_json_eq "$R" "$tiny | .cves | sort" '["CVE-2026-1001","CVE-2026-1002"]'
assert_json_eq "$R" "$tiny | .severity | ascii_downcase" '"critical"'
assert_json_eq "$R" '.pending[] | select(.package == "nginx-core") | .severity | ascii_downcase' '"moderate"'
ok "advisories, CVEs and severities are those of the updateinfo"

rpmrepo_log >"$T/requests"
assert_not_file_has_content "$T/requests" '\.rpm$|filelists|other\.xml'
assert_file_has_content "$T/requests" '^200 [0-9]* GET /updates/repodata/repomd\.xml$'
assert_file_has_content "$T/requests" 'updateinfo'
ok "check fetches what it needs and nothing else"

once a --dry-run
assert_status 100
assert_pending "${pending[@]}"
assert_unchanged a before
stopgap a check
assert_status 100
assert_file_has_content "$T/out" openssl-libs
ok "dry run and text say the same"

once a
assert_status 0
assert_applied "${pending[@]}"
assert_rpms a "${new[@]}"
assert_rpm_clean a
assert_json "$R" '.failed == [] and .blocked == []'
assert_json "$R" '.cves_fixed | sort == ["CVE-2026-1001","CVE-2026-1002","CVE-2026-2001","CVE-2026-3001"]'
ok "once applies them, in a container that has no rpm, dnf or python"

assert_streq "$(cat "$r/etc/tinyd.conf")" 'colour = blue'
assert_streq "$(xargs <"$r/var/log/nginx/scripts")" 'post 1 posttrans post 2 preun 1 posttrans'
assert_not_exists "$r/var/cache/dnf"
assert_not_exists "$r/var/lib/dnf"
ok "changed configuration stays, scriptlets run as in an update, dnf's folders stay away"

check a
assert_status 0
assert_pending
check a --set updates.minimal=no
assert_status 0
assert_pending
ok "nothing is pending afterwards, in no mode"

: >"$T/httpd.log"
once a
assert_status 0
assert_applied
rpmrepo_log >"$T/requests"
assert_not_file_has_content "$T/requests" '^200 .*(primary|updateinfo)'
ok "a second once does nothing and fetches nothing twice"

ctr_create b "$root" --bundle-at '/opt/some where'
rpmrepo_use b updates
at='/opt/some where'
once b --set updates.minimal=no
assert_status 0
assert_applied "${pending[@]}"
assert_rpms b libtiny=1.1-1 tinyd=1.1-1
assert_rpm_clean b
at=/stopgap
ok "with minimal=no the latest, a rebase; the bundle runs at any path"

for link in mirrorlist metalink; do
	rpmrepo_publish updates --$link
	ctr_create $link "$root"
	rpmrepo_use $link updates baseurl= $link="$REPO_URI/updates.$link"
	check $link
	assert_status 100
	assert_pending "${pending[@]}"
done
for pack in xz bz2 zstd; do
	rpmrepo_publish updates --compress=$pack
	ctr_create $pack "$root"
	rpmrepo_use $pack updates
	check $pack
	assert_status 100
	assert_pending "${pending[@]}"
done
ok "mirrorlist, metalink; xz, bz2, zstd"

rpmrepo_publish updates
ctr_create v "$root"
r=$(ctr_path v)
rpmrepo_use v updates "baseurl=$REPO_URI/\$where/"
mkdir -p "$r/etc/dnf/vars"
echo updates >"$r/etc/dnf/vars/where"
check v
assert_pending "${pending[@]}"
ln -s updates "$REPO/9-x86_64"
rpmrepo_use v updates "baseurl=$REPO_URI/\$releasever-\$basearch"
once v
assert_status 0
assert_applied "${pending[@]}"
ok "variables in addresses"

# A container that was started, so that its programs run the old code.
ctr_create e "$root"
r=$(ctr_path e)
rpmrepo_use e updates
ctr_exec e sh -c '{ nginx; tinyd & } </dev/null >/dev/null 2>&1'
wait_for 10 test -s "$r/run/tinyd.version"
once e
assert_status 102
assert_rpms e "${new[@]}"
assert_streq "$(curl -s --unix-socket "$r/run/nginx.sock" http://localhost/)" 'nginx here'
assert_streq "$(tr '\0' ' ' <"$r/run/tinyd.version")" 'tinyd 1.0-1 libtiny 1.0-1'
assert_json "$R" '.left_behind == []'
assert_json "$R" '[.processes.stale[].exe] | unique == ["/usr/sbin/nginx", "/usr/sbin/tinyd"]'
assert_json_eq "$R" '[.processes.stale[] | select(.exe == "/usr/sbin/tinyd") | .reasons[] | select(.package == "libtiny") |
	[.from, .to, .file, (.cves | sort)]]' '[["1.0-1","1.0-2","/usr/lib64/libtiny.so.1",["CVE-2026-1001","CVE-2026-1002"]]]'
ok "services go on while their packages are replaced, and are named: package, versions, CVEs"

# The same as PID 1's service: restarted in place, it runs what was installed.
ctr_start w "$root" -- /stopgap/stopgap run --before-start=never --set schedule.interval=0 --set restart.mode=service -- tinyd
r=$(ctr_path w)
rpmrepo_use w updates
wait_for 10 grep -q 'tinyd 1.0-1' "$r/run/tinyd.version"
wait_for 10 test -S "$r/run/stopgap/status.sock"
once w
assert_status 0
assert_json_eq "$R" '[.restarts[] | [.service, .kind, .code]]' '[["tinyd","child","ok"]]'
wait_for 10 grep -q 'tinyd 1.0-2' "$r/run/tinyd.version" || true
assert_streq "$(tr '\0' ' ' <"$r/run/tinyd.version")" 'tinyd 1.0-2 libtiny 1.0-2'
ok "under stopgap run the service is restarted in place"

done_testing
