# shellcheck shell=bash
# rows: R5 R6 R7 R8 R14
# Servers that fail or lie, and metadata that is signed and malicious.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/rpmpkg"
. "$TESTS/testbed/rpmrepo"
. "$TESTS/testbed/agent"

rpmrepo_start
root=$(rpmroot el9)
rpmrepo_add updates "$(rpmpkg foo 1-2 'size 300000')" "$(rpmpkg bar 1-2)"
rpmrepo_advisory updates SA-1 security Critical CVE-2026-1 "$(rpmpkg foo 1-2 'size 300000')" "$(rpmpkg bar 1-2)"
rpmrepo_publish updates
cp -a "$REPO/updates/repodata" "$T/repodata"
ctr_create base "$root"
rpmrepo_install base "$(rpmpkg foo 1-1)" "$(rpmpkg bar 1-1)"
rpmrepo_use base updates
cp -a "$(ctr_upper base)" "$T/layer"
n=0

fresh() {
	n=$((n + 1))
	c=c$n
	ctr_create $c "$T/layer:$root"
	r=$(ctr_path $c)
	rm -rf "$REPO/updates/repodata"
	cp -a "$T/repodata" "$REPO/updates/repodata"
	rpmrepo_fault "$@"
}
# nothing_done CODE… [-- ARG…]   fails with one of the codes, soon, and changes nothing
nothing_done() {
	local any=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		any+=("$1")
		shift
	done
	[ $# = 0 ] || shift
	snapshot $c before
	once $c "$@"
	assert_status 1 3
	assert_json "$R" "$codes as \$have | \$any | split(\" \") | any(. as \$c | \$have | index(\$c) != null)" --arg any "${any[*]}"
	assert_applied
	assert_unchanged $c before
}

for fault in 404 500 garbage truncate 'redirect file:///etc/passwd' "redirect $REPO_URI/updates/repodata/repomd.xml"; do
	fresh "*/repomd.xml $fault"
	nothing_done refresh_failed no_egress untrusted hash_mismatch
	ok "R5 R8 repomd.xml: $fault"
done

for fault in '*/repomd.xml hang' '*-primary.xml* stall' '*-updateinfo.xml* hang'; do
	fresh "$fault"
	nothing_done refresh_failed no_egress -- --set network.stall=1s
	assert_le "$elapsed_ms" 30000 "time of a run whose server says nothing, ms"
	ok "R7 $fault: a server that falls silent is given up"
done

fresh '*/foo-1-2.noarch.rpm 404'
once $c
assert_status 4
assert_applied bar
assert_kept foo download_failed
assert_json "$R" '[.. | strings | select(contains("foo-1-2.noarch.rpm"))] | length > 0'
ok "R5 one package is gone: the others are applied, and its address is named"

fresh '*/foo-1-2.noarch.rpm stall'
once $c --set network.stall=1s
assert_status 4
assert_applied bar
assert_kept foo download_failed
rpmrepo_fault
once $c
assert_status 0
assert_applied foo
assert_rpms $c foo=1-2 bar=1-2
ok "R7 a stalled download is finished by the next run"

fresh
nothing_done no_space download_failed refresh_failed -- --set network.max_bytes=1000
ok "R6 more than network.max_bytes is not fetched"

# -------------------------------------------------------------------------------- signed, and malicious

# A file of the host or container that a path could lead to.
for href in ../../../../../../../../../../srv/escaped.rpm /srv/escaped.rpm file:///srv/secret.rpm; do
	fresh
	cp "$(rpmpkg foo 1-2 'size 300000')" "$r/srv/secret.rpm"
	rpmrepo_edit updates primary sed "s|href=\"Packages/foo-1-2.noarch.rpm\"|href=\"$href\"|"
	once $c
	assert_status 1 4
	assert_rpms $c foo=1-1
	assert_not_exists "$r/srv/escaped.rpm"
	ok "R8 a package at '$href'"
done

for href in ../../../../../../etc/passwd /etc/passwd file:///etc/passwd http://127.0.0.1:1/x; do
	fresh
	sed -i "s|href=\"repodata/[^\"]*-primary.xml.gz\"|href=\"$href\"|" "$REPO/updates/repodata/repomd.xml"
	rpmpkg_detach good "$REPO/updates/repodata/repomd.xml"
	nothing_done refresh_failed hash_mismatch untrusted no_egress
	ok "R8 metadata at '$href'"
done

fresh
sed -i 's|type="sha256"|type="md5"|' "$REPO/updates/repodata/repomd.xml"
rpmpkg_detach good "$REPO/updates/repodata/repomd.xml"
nothing_done refresh_failed untrusted hash_mismatch
ok "R5 weak hashes are none"

fresh
{
	printf '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">\n'
	prev=a
	for e in b c d e f g h i j; do
		printf '<!ENTITY %s "' $e
		for _ in 1 2 3 4 5 6 7 8 9 10; do printf '&%s;' "$prev"; done
		printf '">\n'
		prev=$e
	done
	printf ']>\n<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>&j;</revision></repomd>\n'
} >"$REPO/updates/repodata/repomd.xml"
rpmpkg_detach good "$REPO/updates/repodata/repomd.xml"
nothing_done refresh_failed
assert_json "$R" '.plugin.max_rss < 200000000'
ok "R6 entities that expand without end"

# Half a GB of text in half a MB; only a limit before it is unpacked helps.
fresh
rpmrepo_edit updates primary sh -c "sed '/<summary>/{s|<summary>.*|<summary>|;q}'; head -c 500000000 /dev/zero | tr '\\0' a"
rm "$T/primary.xml"
sed -i '/<open-size>/d' "$REPO/updates/repodata/repomd.xml"
rpmpkg_detach good "$REPO/updates/repodata/repomd.xml"
once $c
assert_json "$R" '.plugin.max_rss < 100000000'
assert_code refresh_failed
ok "R6 a decompression bomb does not fill the memory"

fresh
rpmrepo_edit updates updateinfo sed -e 's|<id>SA-1</id>|<id>SA\&#10;\&#9;evil\&#x202e;1</id>|' -e 's|id="CVE-2026-1"|id="CVE-2026-1\&#x9b;31m;rm -rf /"|'
stopgap $c check
! LC_ALL=C grep -qP '\xc2\x9b|\xe2\x80\xae' "$T/out" || fail "the terminal gets what the repository says"
check $c
assert_status 100
assert_json "$R" '[.. | strings | select(test("\u009b|\u202e|\n\tevil"))] == []'
ok "R14 control characters in ids are escaped"

done_testing
