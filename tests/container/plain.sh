# shellcheck shell=bash
# Plain updates: what is pending, what is applied, what is fetched, what stays as it was.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"

aptrepo_start tiny-plain tiny-epoch tiny-nocve tiny-essential tiny-older libtiny1 tiny-prog
pending=(tiny-plain tiny-epoch tiny-nocve tiny-essential libtiny1 tiny-prog)
new=(tiny-plain=1.0-1+deb12u2 tiny-epoch=1:1.0~rc1-1+deb12u1 tiny-nocve=1.0-1+deb12u1
	tiny-essential=1.0-1+deb12u1 libtiny1=1.0-1+deb12u1 tiny-prog=1.0-1+deb12u1)
root=$(aptrepo_root)
ctr_create a "$root"
aptrepo_sources a

snapshot a before
check a
assert_status 100
assert_pending "${pending[@]}"
assert_applied
assert_unchanged a before
ok "check exits 100, names what is pending and changes nothing"

assert_json "$R" '.repositories | any(.suite == "bookworm-security" and .trust == "signed" and (.signed_by | length >= 16)
	and (.date | type) == "string" and (.valid_until | type) == "string" and .age >= 0 and .transport == "http")'
assert_json_eq "$R" '.distribution | [.id, .codename]' '["debian","bookworm"]'
ok "the report has the trust record and the distribution"

aptrepo_log >"$T/requests"
assert_not_file_has_content "$T/requests" ' /debian/'
assert_not_file_has_content "$T/requests" 'Translation|\.deb$'
assert_file_has_content "$T/requests" '^200 [0-9]* GET /debian-security/dists/bookworm-security/InRelease$'
ok "check fetches the security suite's index and nothing else"

once a --dry-run
assert_status 100
assert_pending "${pending[@]}"
assert_unchanged a before
stopgap a check
assert_status 100
assert_file_has_content "$T/out" tiny-plain
stopgap a check --output=nagios
assert_status 2 1
assert_file_has_content "$T/out" '6'
ok "dry run, text and nagios say the same"

snapshot a apt /var/lib/apt /var/cache/apt /etc/apt
once a
assert_status 0
assert_applied "${pending[@]}"
assert_versions a "${new[@]}" tiny-older=2.0-1 tiny-notsec=1.0-1 tiny-hold=1.0-1
assert_clean a
assert_json "$R" '.failed == [] and .blocked == []'
ok "once applies the security updates and nothing else"

assert_unchanged a apt /var/lib/apt /var/cache/apt /etc/apt
ok "apt's own lists, archives and caches are as they were"

plain='.applied[] | select(.package == "tiny-plain")'
assert_json_eq "$R" "$plain | .cves | sort" '["CVE-2026-10001","CVE-2026-10002","CVE-2026-10003"]'
assert_json_eq "$R" "$plain | .suite" '"bookworm-security"'
assert_json_eq "$R" "$plain | .installed" '"1.0-1"'
assert_json_eq "$R" '.applied[] | select(.package == "tiny-nocve") | .cves // []' '[]'
assert_json_eq "$R" '.applied[] | select(.package == "libtiny1") | .cves | sort' '["CVE-2026-10020","CVE-2026-10021"]'
assert_json "$R" '.cves_fixed | index("CVE-2026-10010") != null and index("CVE-2019-9999") == null'
ok "CVE ids are those of the changelog entries between the two versions"

check a
assert_status 0
assert_pending
ok "check exits 0 afterwards"

: >"$T/httpd.log"
best=99999
for _ in 1 2 3; do
	run ctr_exec a true
	idle=$elapsed_ms
	once a
	assert_status 0
	assert_applied
	[ $((elapsed_ms - idle)) -ge $best ] || best=$((elapsed_ms - idle))
done
diag "a run with nothing to do: $best ms"
assert_le $best 300 "a run with nothing to do, ms"
aptrepo_log >"$T/requests"
assert_not_file_has_content "$T/requests" '^200 .*Packages'
ok "a second once does nothing, in under 0.3 s"

state=$(ctr_path a)/var/lib/stopgap
assert_exists "$state/last.json"
assert_json "$state/last.json" '.schema == 1'
ok "the last report is in the state folder"

# Other places for the bundle, other ways to write sources, a read-only state folder elsewhere.
n=0
for style in oneline trusted; do
	n=$((n + 1))
	ctr_create "b$n" "$root" --bundle-at "/opt/some where/$n"
	aptrepo_sources "b$n" $style
	at="/opt/some where/$n"
	once "b$n" --set "report.state_dir=/srv/elsewhere"
	assert_status 0
	assert_applied "${pending[@]}"
	assert_versions "b$n" "${new[@]}"
	assert_exists "$(ctr_path "b$n")/srv/elsewhere/last.json"
	assert_not_exists "$(ctr_path "b$n")/var/lib/stopgap"
	ok "the bundle runs at any path, sources in style '$style', another state folder"
done
at=/stopgap

# Nothing but what dpkg needs: no apt, no curl, no gpgv, no perl scripts of the package tools.
ctr_create c "$root"
aptrepo_sources c
c=$(ctr_path c)
rm -rf "$c"/usr/bin/apt* "$c"/usr/lib/apt "$c"/usr/bin/gpgv "$c"/usr/lib/*/libapt-* "$c"/usr/bin/perl*
once c
assert_status 0
assert_applied "${pending[@]}"
ok "neither apt nor gpgv of the container is needed"

# What an earlier run has left is looked at before it is believed.
ctr_create d "$root"
aptrepo_sources d
d=$(ctr_path d)
check d
assert_pending "${pending[@]}"
assert_streq "$(stat -c %a "$d/var/lib/stopgap")" 711
index=$(echo "$d"/var/lib/stopgap/apt/lists/*security*_Packages)
cp -p "$index" "$T/index"
truncate -s 0 "$index"
check d
assert_pending "${pending[@]}"
head -c 100 "$T/index" >"$index"
touch -r "$T/index" "$index"
check d
assert_pending "${pending[@]}"
sed 's/^Version: ./Version: 0/' "$T/index" >"$index"
touch -r "$T/index" "$index"
check d
assert_status 100
assert_pending "${pending[@]}"
cmp -s "$T/index" "$index" || fail "the index is not fetched again"
ok "an emptied, cut or altered index is fetched again"

cp -p "$d/var/lib/dpkg/status" "$T/status"
sed -i '/^Package: tiny-plain$/,/^$/s/^Version: 1.0-1$/Version: 9.0-1/' "$d/var/lib/dpkg/status"
touch -r "$T/status" "$d/var/lib/dpkg/status"
check d
assert_pending tiny-epoch tiny-nocve tiny-essential libtiny1 tiny-prog
ok "a dpkg status of the same size and second is read anew"

# The state folder keeps its mode; what is no folder of its own is refused.
ctr_create e "$root"
aptrepo_sources e
e=$(ctr_path e)
mkdir -m 700 "$e/srv/mine"
check e --set report.state_dir=/srv/mine
assert_status 100
assert_code sandbox_degraded
assert_streq "$(stat -c %a "$e/srv/mine")" 700
mkdir "$e/srv/other"
chown 1000 "$e/srv/other"
ln -s /etc "$e/srv/link"
snapshot e before
for folder in / /tmp /etc /var/lib /srv/other /srv/link; do
	mode=$(stat -c '%a %U' "$e$folder/.")
	check e --set "report.state_dir=$folder"
	assert_status 1
	assert_json "$R" '[.. | strings | select(contains("report.state_dir"))] | length > 0'
	assert_streq "$(stat -c '%a %U' "$e$folder/.")" "$mode"
done
assert_unchanged e before
ok "a state folder keeps its mode, and one that is not ours is refused"

done_testing
