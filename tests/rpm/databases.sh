# shellcheck shell=bash
# Package databases that our librpm cannot write: updated by the rpm inside; and those that nothing here can.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/rpmpkg"
. "$TESTS/testbed/rpmrepo"
. "$TESTS/testbed/agent"

rpmrepo_start
pending=(libtiny nginx-core openssl-libs tinyd)

for row in 'el8 1:1.1.1k-9.el8.1 1:1.20.1-14.el8.1 bdb' 'suse 1:3.1.4-1.1.1 1:1.20.1-14.1 ndb'; do
	read -r kind ssl nginx backend <<<"$row"
	rm -rf "$REPO/updates" "$T/advisories/updates.xml"
	rpmrepo_updates "$kind"
	ctr_create "$kind" "$(rpmroot "$kind")"
	r=$(ctr_path "$kind")
	rpmrepo_use "$kind" updates
	databases=$(rpm_databases "$r")
	snapshot "$kind" before
	check "$kind"
	assert_status 100
	assert_pending "${pending[@]}"
	assert_unchanged "$kind" before
	assert_json "$R" '.plugin.manager | test("^rpm [0-9]+[.][0-9]+[.][0-9.]+ [(]" + $b + "[)]$")' --arg b "$backend"
	ok "$kind: check reads its database ($backend) and changes nothing"

	once "$kind"
	assert_status 0
	assert_applied "${pending[@]}"
	assert_rpms "$kind" libtiny=1.0-2 tinyd=1.0-2 openssl-libs="$ssl" nginx-core="$nginx"
	assert_rpm_clean "$kind"
	assert_streq "$(rpm_databases "$r")" "$databases"
	assert_streq "$(xargs <"$r/var/log/nginx/scripts")" 'post 1 posttrans post 2 preun 1 posttrans'
	check "$kind"
	assert_status 0
	ok "$kind: updated by its own rpm, no other database beside"

	# What the rpm inside is given was verified before.
	bad=$(rpmpkg tinyd 1.0-3.x86_64 'key other' 'Requires: libtiny = 1.0-2')
	rpmrepo_add updates "$bad"
	rpmrepo_advisory updates SA-BAD security Critical CVE-2026-9 "$bad"
	rpmrepo_publish updates
	rm -f "$r/var/log/called"
	mv "$r/usr/bin/rpm" "$r/usr/bin/rpm.real"
	printf '#!/bin/sh\necho "$*" >>/var/log/called\nexec /usr/bin/rpm.real "$@"\n' >"$r/usr/bin/rpm"
	chmod 755 "$r/usr/bin/rpm"
	once "$kind"
	assert_status 1 4
	assert_applied
	assert_kept tinyd untrusted
	touch "$r/var/log/called"
	assert_not_file_has_content "$r/var/log/called" 'tinyd-1.0-3'
	assert_rpms "$kind" tinyd=1.0-2
	ok "$kind: the rpm inside is not given what another key signed"
done

# The rpm inside is gone, and there is no other tool: nothing may touch the database.
rm -rf "$REPO/updates" "$T/advisories/updates.xml"
rpmrepo_updates el8
ctr_create bare "$(rpmroot el8)"
r=$(ctr_path bare)
rpmrepo_use bare updates
rm "$r/usr/bin/rpm"
snapshot bare before
once bare
assert_status 3
assert_code unsupported_database
assert_applied
assert_unchanged bare before
ok "bdb and no rpm inside: refused, nothing changed"

# No rpm but another tool: it is given the verified files and nothing else.  A stand-in notes its arguments and passes the
# files to the rpm that it hides.
rm -rf "$REPO/updates" "$T/advisories/updates.xml"
mapfile -t tiny < <(rpmtiny 1.0-2)
rpmrepo_add updates "${tiny[@]}"
rpmrepo_advisory updates SA-TINY security Critical CVE-2026-1001 "${tiny[@]}"
rpmrepo_publish updates
for tool in dnf yum zypper tdnf microdnf; do
	ctr_create $tool "$(rpmroot el8)"
	r=$(ctr_path $tool)
	rpmrepo_use $tool updates
	mv "$r/usr/bin/rpm" "$r/usr/lib/rpm/hidden"
	cat >"$r/usr/bin/$tool" <<-'E'
	#!/bin/bash
	printf '%s\n' "$@" >/var/log/called
	for a; do [[ $a != *.rpm ]] || files+=("$a"); done
	exec /usr/lib/rpm/hidden -U "${files[@]}"
	E
	chmod 755 "$r/usr/bin/$tool"
	once $tool
	assert_status 0
	assert_applied libtiny tinyd
	mv "$r/usr/lib/rpm/hidden" "$r/usr/bin/rpm"
	assert_rpms $tool libtiny=1.0-2 tinyd=1.0-2
	assert_rpm_clean $tool
	assert_streq "$(grep -c '\.rpm$' "$r/var/log/called")" 2 "files for $tool"
	grep -v '\.rpm$' "$r/var/log/called" >"$T/$tool.arguments"
	ok "without rpm, $tool is given the list"
done

# The same arguments, to the real ones.  yum has been a name of dnf since EL8; tdnf and microdnf are not packaged by Debian,
# and of them there is only what their manuals say.
mkdir "$T/home"
echo '%_dbpath /var/lib/rpm' >"$T/home/.rpmmacros"
mkdir "$T/bin"
ln -s "$(command -v dnf)" "$T/bin/yum"
for tool in dnf yum zypper; do
	ctr_create real-$tool "$(rpmroot el9)"
	r=$(ctr_path real-$tool)
	rpmrepo_use real-$tool updates "baseurl=http://127.0.0.1:1/"
	mkdir -p "$r/etc/zypp/repos.d"
	cp "$r"/etc/yum.repos.d/updates.repo "$r/etc/zypp/repos.d/"
	mapfile -t arguments <"$T/$tool.arguments"
	where=(--installroot="$r" --releasever=9)
	[ $tool != zypper ] || where=(--root "$r")
	PATH=$T/bin:$PATH HOME=$T/home run $tool "${where[@]}" "${arguments[@]}" "${tiny[@]}"
	assert_status 0
	assert_rpms real-$tool libtiny=1.0-2 tinyd=1.0-2
	ok "$tool takes these arguments, and asks no repository"
done

# Databases that are not what their name says.
rpmrepo_updates el9
for how in none empty garbage damaged two; do
	ctr_create db-$how "$(rpmroot el9)"
	r=$(ctr_path db-$how)
	rpmrepo_use db-$how updates
	case $how in
	none) rm "$r"/var/lib/rpm/rpmdb.sqlite* ;;
	empty) rm "$r"/var/lib/rpm/rpmdb.sqlite-*; : >"$r/var/lib/rpm/rpmdb.sqlite" ;;
	garbage) rm "$r"/var/lib/rpm/rpmdb.sqlite-*; head -c 100000 /dev/urandom >"$r/var/lib/rpm/rpmdb.sqlite" ;;
	damaged) # a byte in the middle of one package's header
		python3 - "$r/var/lib/rpm/rpmdb.sqlite" <<-'EOP'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1])
		hnum, blob = db.execute("select hnum, blob from Packages order by length(blob) desc limit 1").fetchone()
		at = len(blob) // 2
		db.execute("update Packages set blob = ? where hnum = ?", (blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1:], hnum))
		db.commit()
		EOP
		;;
	two) cp "$(rpmroot el8)/var/lib/rpm/Packages" "$r/var/lib/rpm/Packages" ;;
	esac
	snapshot db-$how before
	once db-$how
	assert_status 1 3
	assert_json "$R" "$codes | any(. == \"unsupported_database\" or . == \"database_broken\" or . == \"no_package_manager\")"
	assert_applied
	assert_unchanged db-$how before
	ok "a database that is $how: refused, nothing changed"
done

done_testing
