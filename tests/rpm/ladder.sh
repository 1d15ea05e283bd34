# shellcheck shell=bash
# The last rung before refusal: a bdb root without rpm, whose own dnf (a stand-in here) gets exactly the verified files.
# And promises that rpm itself does not make: a changed %config file stays, mounted files are left alone.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/rpmpkg"
. "$TESTS/testbed/rpmrepo"

rpmrepo_start
rpmrepo_updates el8
ctr_create a "$(rpmroot el8)"
rpmrepo_use a updates
r=$(ctr_path a)
mkdir "$r/opt/real"
mv "$r/usr/bin/rpm" "$r/opt/real/rpm"
cat >"$r/usr/bin/dnf" <<'EOD'
#!/bin/bash
printf '%s\n' "$@" >/var/log/dnf.args
files=()
for a; do case $a in /*.rpm) files+=("$a") ;; esac; done
exec /opt/real/rpm -U "${files[@]}"
EOD
chmod 755 "$r/usr/bin/dnf"
check a
assert_status 100
assert_not_exists "$r/var/log/dnf.args"
once a
assert_status 0
assert_applied libtiny tinyd openssl-libs nginx-core
grep -v '\.rpm$' "$r/var/log/dnf.args" | xargs >"$T/args"
assert_streq "$(cat "$T/args")" '-y --disablerepo=* --setopt=localpkg_gpgcheck=0 upgrade'
assert_streq "$(grep -c '^/var/lib/stopgap/rpm/packages/.*\.rpm$' "$r/var/log/dnf.args")" 4
mv "$r/opt/real/rpm" "$r/usr/bin/rpm"
assert_rpms a libtiny=1.0-2 tinyd=1.0-2
assert_rpm_clean a
ok "without rpm, the container's dnf is given the files and no repository"

printf '#!/bin/sh\necho "Error: it does not want to"\nexit 1\n' >"$r/usr/bin/dnf"
rm -rf "${REPO:?}/updates" "$T/advisories/updates.xml"
before=$(rpmpkg thing 1-1) after=$(rpmpkg thing 1-2)
mkdir -p "$r/rpms"
cp "$before" "$r/rpms"
ctr_exec a rpm -U "/rpms/$(basename "$before")" 2>"$T/err"
rpmrepo_add updates "$after"
rpmrepo_advisory updates SA-THING security Important CVE-2026-9 "$after"
rpmrepo_publish updates
mv "$r/usr/bin/rpm" "$r/opt/real/rpm"
once a
mv "$r/opt/real/rpm" "$r/usr/bin/rpm"
assert_status 1 4
assert_applied
assert_json "$R" '.failed | any(.package == "thing" and (.detail | contains("1-1")))'
assert_rpms a thing=1-1
ok "a dnf that does nothing is not believed"

# The same in a root that our librpm can write.
mkdir -p "$T/mnt"
echo 'ours' >"$T/mnt/hosts"
ctr_create b "$(rpmroot el9)" --mount "$T/mnt/hosts:/etc/mounted"
rpmrepo_use b updates
r=$(ctr_path b)
fields=('config-replace /etc/edited' 'config-replace /etc/untouched' 'file /etc/mounted' 'file /usr/lib/conf/data')
before=$(rpmpkg conf 1-1 "${fields[0]} old" "${fields[1]} old" "${fields[3]} old")
after=$(rpmpkg conf 1-2 "${fields[0]} new" "${fields[1]} new" "${fields[2]} theirs" "${fields[3]} new")
rpm_in b -U "$before"
echo 'mine' >"$r/etc/edited"
rm -rf "${REPO:?}/updates" "$T/advisories/updates.xml"
rpmrepo_add updates "$after"
rpmrepo_advisory updates SA-CONF security Important CVE-2026-9 "$after"
rpmrepo_publish updates
once b
assert_status 0
assert_applied conf
assert_streq "$(cat "$r/etc/edited")" mine
assert_streq "$(cat "$r/etc/edited.rpmnew")" new
assert_not_exists "$r/etc/edited.rpmsave"
assert_streq "$(cat "$r/etc/untouched" "$r/usr/lib/conf/data" | xargs)" 'new new'
assert_json "$R" '.conffiles_kept | any(.path == "/etc/edited")'
assert_code conffile_kept
ok "a changed configuration file stays, also one that rpm would replace"
assert_streq "$(cat "$T/mnt/hosts")" ours
ok "a file that is a mount point is left alone, and its package is updated"

done_testing
