# shellcheck shell=bash disable=SC2154 # set in what is sourced
# `stopgap cves` against debsecan itself on the same feed and packages; where the feed comes from, and when it does not;
# support of installed packages.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/agent"

root=$(rootfs bookworm cves)
ctr_create a "$root"
a=$(ctr_path a)
ctr_exec a dpkg-query -W -f '${db:Status-Abbrev} ${binary:Package} ${Version} ${source:Package} ${source:Version}\n' |
	sed -n 's/^ii *//p' >"$T/packages"

# The tracker: SUITE below this folder is a feed.
tracker=$T/web/tracker/debsecan/release/1
mkdir -p "$tracker"
: >"$T/faults"
start_bg "$T/httpd.err" "$(helper httpd)" "$T/web" "$T/httpd.port" "$T/httpd.log" "$T/faults"
httpd_pid=$! httpd_start=$(proc_start $!)
wait_for 10 test -e "$T/httpd.port"
uri=http://127.0.0.1:$(cat "$T/httpd.port")/tracker/debsecan/release/1
# publish FILE   serve it as the feed of bookworm, as new
publish() {
	perl -MCompress::Zlib -0777 -ne 'print compress($_)' "$1" >"$tracker/new"
	# two publications in one second would be the same to If-Modified-Since
	while [ -e "$tracker/bookworm" ] && [ "$(stat -c %Y "$tracker/bookworm")" -ge "$(stat -c %Y "$tracker/new")" ]; do
		sleep 0.1
		touch "$tracker/new"
	done
	mv "$tracker/new" "$tracker/bookworm"
}
fault() { printf '%s\n' "$@" >"$T/faults"; }
requests() { grep -c . "$T/httpd.log" || true; }

# cves NAME [ARG…]   the JSON list in $R; $url is the feed's address, if not the tracker's
url=''
cves() {
	local name=$1
	shift
	stopgap "$name" cves --output=json --set "cves.url=${url:-$uri}" "$@"
	cp "$T/out" "$R"
	assert_json "$R" '.schema == 1 and (.cves | type) == "array" and .counts.total == (.cves | length)'
	assert_json_eq "$R" .exit_code "$status"
}
# Lines as debsecan's summaries are.
summary() {
	jq -r '.cves[] | [(if .fix_available then "fixed" else empty end),
		(if .remote == "yes" then "remotely exploitable" else empty end),
		(if .urgency then .urgency + " urgency" else empty end), (if .obsolete then "obsolete" else empty end)] as $n |
		"\(.cve) \(.package)" + (if $n == [] then "" else " (" + ($n | join(", ")) + ")" end)' "$R" | sort
}
# debsecan_says [OPTION…]   what debsecan prints in the same container
debsecan_says() {
	ctr_exec a debsecan --source "$uri/" --suite bookworm "$@" | sort
}

# ------------------------------------------------------------------------------------------- the same as debsecan

# For every source package that is installed, every kind of entry: fixed in unstable or not, in this suite or another,
# before this version or by it; of the binary package; of packages that the suite has no more.
perl -lane '
	BEGIN { $n = 0; @f = ("SHRF", "SM? ", "SL  ", "S  F", "   F", "S?") }
	sub entry { my ($p, $flags, $unstable, $others) = @_;
		push @bugs, sprintf("CVE-2026-%04d,,%s", $n, "A bug in $p, number $n"); push @entries, "$p,$n,$flags,$unstable,$others"; $n++ }
	my ($bin, $v, $src, $sv) = @F; $bin =~ s/:.*//;
	next if $done{$src}++ && $n % 3;
	entry($src, $f[$n % 5], "$sv.1", "");
	entry($src, $f[$n % 5], "$sv.1", "0~1 $sv+deb12u1 $sv+deb13u1");
	entry($src, $f[$n % 5], "$sv.1", "0~1 $sv");
	entry($src, $f[$n % 5], $sv, "");
	entry($src, $f[$n % 5], "$sv~rc1", "$sv+deb12u1");
	entry($src, $f[$n % 5], "", "");
	entry($src, $f[$n % 5], "", "$sv");
	entry($src, $f[$n % 5], "", "$sv+b1");
	entry($src, $f[$n % 5], "9999:0", "$sv-0 0:$sv");
	entry($bin, "BH F", "$v.1", $v);
	entry($bin, "B R ", "", $v);
	entry($bin, "BL  ", $v, "");
	push @sources, $n % 4 ? "$src,$bin other-$bin" : $n % 7 ? "$src," : "$src,other-$bin";
	END { print join "\n", "VERSION 1", @bugs, "", @entries, "", @sources, "" }' "$T/packages" >"$T/feed"
publish "$T/feed"
snapshot a before
cves a
assert_status 100
assert_json "$R" '.feed.state == "new" and .feed.suite == "bookworm" and .feed.transport == "http" and .feed.bytes > 1000 and
	.feed.age < 60 and .alarms == [] and .distribution.codename == "bookworm"'
assert_unchanged a before
debsecan_says >"$T/want"
[ "$(wc -l <"$T/want")" -gt 500 ] || fail "the feed is too small to show anything"
summary >"$T/got"
assert_same_file "$T/got" "$T/want"
diag "$(wc -l <"$T/want") findings"
ok "the same vulnerabilities of the same packages, with the same flags, as debsecan"

debsecan_says --only-fixed --format simple >"$T/want"
jq -r '.cves[] | select(.fix_available) | "\(.cve) \(.package)"' "$R" | sort >"$T/got"
assert_same_file "$T/got" "$T/want"
assert_json "$R" '.counts.fix_available == ([.cves[] | select(.fix_available)] | length)'
assert_json "$R" '[.cves[].fix_available] | index(false) as $i | all(.[$i:][]; . == false)'
assert_json "$R" 'all(.cves[] | select(.fix_available and .unstable); .fixed != null)'
assert_json "$R" '.cves | any(.fix_available and .fixed == .source_version + "+deb12u1" and .unstable == .source_version + ".1")'
assert_json "$R" 'all(.cves[]; .fix_available or .fixed == null)'
ok "what has a fix is what debsecan --only-fixed lists, and comes first"

bug=$(jq -r '.cves[0].cve' "$R") pkg=$(jq -r '.cves[-1].package' "$R") bug2=$(jq -r '.cves[-1].cve' "$R")
ctr_exec a debsecan --whitelist /root/list --add-whitelist "$bug" "$bug2" "$pkg" CVE-1999-0001
debsecan_says --whitelist /root/list >"$T/want"
cves a --set cves.whitelist=/root/list
summary >"$T/got"
assert_same_file "$T/got" "$T/want"
assert_json "$R" '.counts.whitelisted > 0 and all(.cves[]; .cve != $b)' --arg b "$bug"
echo "CVE-1999-0001" >>"$a/root/list"
cves a --set cves.whitelist=/root/list
assert_status 2
assert_json "$R" '.error.message | contains("/root/list:5")'
cves a --set cves.whitelist=/root/none
assert_status 2
ok "debsecan's own whitelist has the same effect; a broken or missing one is an error"

# ----------------------------------------------------------------------------------------------------- the cache

before=$(requests)
cves a
assert_json_eq "$R" '[.feed.state, .feed.bytes, .exit_code]' '["cached",0,100]'
assert_streq "$(requests)" "$before" "requests within max_age"
cves a --set cves.max_age=0
assert_json_eq "$R" '[.feed.state, .exit_code]' '["unchanged",100]'
assert_streq "$(tail -n 1 "$T/httpd.log" | cut -d' ' -f1)" 304
printf 'VERSION 1\nCVE-2026-0001,,Only this\n\nopenssl,0,SH  ,9999,\n\n' >"$T/feed2"
publish "$T/feed2"
cves a --set cves.max_age=0
assert_json_eq "$R" '[.feed.state, .exit_code, .counts.total, .counts.high]' '["new",0,2,2]'
ok "a copy serves for max_age, then the server is asked for a newer one"

good='["stale",0,2]'
for f in 404 500 truncate alter garbage; do
	publish "$T/feed2"
	fault "* $f"
	cves a --set cves.max_age=0
	assert_json_eq "$R" '[.feed.state, .exit_code, .counts.total]' "$good"
	assert_code feed_stale
	fault
done
echo '<html>not a feed</html>' >"$T/html"
publish "$T/html"
cves a --set cves.max_age=0
assert_json_eq "$R" '[.feed.state, .exit_code, .counts.total]' "$good"
assert_json "$R" '.alarms[0].detail | contains("line 1: not a feed")'
fault '* stall'
cves a --set cves.max_age=0 --set network.stall=1s
assert_json_eq "$R" '[.feed.state, .exit_code, .counts.total]' "$good"
fault
ok "when the server fails or lies the older copy is used, and says so"

feeds=$a/var/lib/stopgap/feeds
assert_streq "$(ls -A "$feeds/partial")" ''
echo garbage >"$feeds/debsecan-bookworm"
publish "$T/feed2"
cves a
assert_json_eq "$R" '[.feed.state, .counts.total]' '["new",2]'
url=$uri/../1 cves a
assert_json_eq "$R" '.error.code' '"feed_failed"'
assert_status 1
ok "a damaged copy is fetched again, and one from another address is none"

ctr_create b "$root"
fault '* 404'
cves b
assert_status 1
assert_json "$R" '.error.code == "feed_failed" and (.error.message | contains($u)) and .cves == []' --arg u "$uri/bookworm"
fault
perl -MCompress::Zlib -e 'print compress("VERSION 1\n" . "0" x (100 << 20))' >"$tracker/bookworm"
cves b
assert_status 1
assert_json "$R" '.error.message | contains("more than 64 MiB unpacked")'
truncate -s 70M "$tracker/bookworm"
cves b
assert_status 1
assert_streq "$(ls -A "$(ctr_path b)/var/lib/stopgap/feeds")" partial
ok "without a feed it fails; what is too large, packed or unpacked, is refused and not kept"

# -------------------------------------------------------------------------------------------- other ways to have it

publish "$T/feed"
cp "$tracker/bookworm" "$a/root/packed"
cp "$T/feed" "$a/root/plain"
cves a --set cves.max_age=0
summary >"$T/want"
before=$(requests)
ctr_create ro "$root" --read-only --mount "$a/root:/mnt:ro"
for file in packed plain; do
	cves ro --set "cves.file=/mnt/$file"
	assert_status 100
	summary >"$T/got"
	assert_same_file "$T/got" "$T/want"
	assert_json_eq "$R" '[.feed.transport, .feed.state]' '["file","file"]'
done
assert_streq "$(requests)" "$before"
ok "a file, packed or plain, on a read-only root and without a request"

cves ro
assert_status 3
assert_code read_only_root
exec 8>>"$a/var/lib/stopgap/lock"
flock 8
cves a
assert_status 3
assert_code busy
exec 8>&-
ok "a feed cannot be kept on a read-only root, nor while another run works"

sed -i 's/^ID=.*/ID=ubuntu/' "$(ctr_path b)/usr/lib/os-release"
cves b
assert_status 1
assert_json "$R" '.error.message | contains("set cves.suite")'
cves b --set cves.suite=bookworm
assert_status 100
cves b --set cves.suite=../bookworm
assert_status 1
url=file:///etc cves b --set cves.suite=bookworm
assert_status 1
assert_json "$R" '.error.message | contains("not an http or https address")'
ok "a distribution that the tracker does not know needs cves.suite; no other way into an address"

publish "$T/feed2"
url=http://tracker.example/tracker/debsecan/release/1 cves b --set cves.suite=bookworm --set "network.proxy=${uri%/tracker/*}"
assert_json_eq "$R" '[.feed.state, .exit_code]' '["new",0]'
assert_file_has_content "$T/httpd.log" '^200 [0-9]* GET http://tracker.example/tracker/debsecan/release/1/bookworm$'
fault '* redirect http://127.0.0.1:1/'
url=http://tracker.example cves b --set cves.suite=bookworm --set "network.proxy=${uri%/tracker/*}" --set network.timeout=5s
assert_status 1
fault
ok "through a proxy; a redirect to nowhere ends"

# ------------------------------------------------------------------------------------------------------- for people

printf 'VERSION 1\nCVE-2026-0001,,With \033[31mcolour\033[0m and \202 bytes\nCVE-2026-0002,,x\n\n' >"$T/feed3"
printf 'openssl,0,SHR ,9999,\nopenssl,1,SL F,9999,\n\nopenssl,libssl3\n' >>"$T/feed3"
publish "$T/feed3"
stopgap a cves --set "cves.url=$uri" --set cves.max_age=0
assert_status 100
assert_file_has_content "$T/out" 'VULNERABILITY  *PACKAGE  *INSTALLED  *FIXED IN  *URGENCY  *NOTES'
assert_file_has_content "$T/out" '^  CVE-2026-0001  libssl3 .* -  *high  *remote$'
assert_file_has_content "$T/out" '^  CVE-2026-0001  openssl .* -  *high  *remote, obsolete$'
assert_file_has_content "$T/out" '^2 with a fix in bookworm, 2 without'
assert_streq "$(grep -o 'CVE-2026-000.' "$T/out" | tr '\n' ' ')" 'CVE-2026-0002 CVE-2026-0002 CVE-2026-0001 CVE-2026-0001 '
cves a
assert_json "$R" '.cves[] | select(.cve == "CVE-2026-0001") | .description == "With \\x1b[31mcolour\\x1b[0m and \\x82 bytes"'
stopgap a cves --output=nagios
assert_status 2 3
ok "text: what has a fix first; hostile bytes are escaped"

# --------------------------------------------------------------------------------------------------- certificates

cd "$T"
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=127.0.0.1 \
	-addext subjectAltName=IP:127.0.0.1 2>/dev/null
(cd web/tracker && exec openssl s_server -accept 127.0.0.1:0 -cert "$T/cert.pem" -key "$T/key.pem" -HTTP) >"$T/tls.log" 2>&1 </dev/null &
at_exit end_process $! "$(proc_start $!)"
wait_for 10 grep -q '^ACCEPT' "$T/tls.log"
# -HTTP sends the file as it is, with its own head
{ printf 'HTTP/1.0 200 OK\r\nContent-Length: %s\r\n\r\n' "$(stat -c %s "$tracker/bookworm")"; cat "$tracker/bookworm"; } >web/tracker/bookworm
tls=https://127.0.0.1:$(sed -n 's/^ACCEPT .*:\([0-9]*\).*/\1/p' "$T/tls.log")
ctr_create c "$root"
c=$(ctr_path c)
printf 'Acquire::https::Verify-Peer "false";\nAcquire::https::Verify-Host "false";\nAcquire::https::127.0.0.1::Verify-Peer "false";\nAcquire::HTTPS::127.0.0.1::verify-host "no";\n' \
	>"$c/etc/apt/apt.conf.d/zz-trust-me"
for signed in yes no; do
	url=$tls cves c --set "trust.require_signed=$signed"
	assert_status 1
	assert_json "$R" '.error.message | test("certificate"; "i")'
done
mkdir -p "$c/etc/ssl/certs"
cp "$T/cert.pem" "$c/etc/ssl/certs/ca-certificates.crt"
url=$tls cves c
assert_status 100
assert_json_eq "$R" '.feed.transport' '"https"'
ok "a certificate is verified whatever apt.conf says"

# ---------------------------------------------------------------------------------------------------- support

# method CONTAINER METHOD PARAMS   ask the apt plugin itself; its last line is $R
method() {
	# shellcheck disable=SC2016
	ctr_exec "$1" perl -MSocket -MPOSIX=dup2,_exit -e '
		socketpair(my $x, my $y, AF_UNIX, SOCK_STREAM, 0) or die;
		if (!fork) { close $x; dup2(fileno $y, 3); $ENV{STOPGAP_BUNDLE} = "/stopgap"; $^F = 9; exec "/stopgap/plugins/stopgap-apt"; _exit(127) }
		close $y;
		syswrite $x, $_ for qq({"hello":{"protocol":[1]}}\n), qq({"id":1,"method":"probe","params":$ARGV[0]}\n),
			qq({"id":2,"method":"$ARGV[1]","params":$ARGV[2]}\n);
		while (<$x>) { print, last if /"id":2,/ && /"(result|error)":/ || /"id": *2, *"(result|error)"/ }' \
		'{"state_dir":"/var/lib/stopgap","require_signed":true,"accept_expired":false,"max_metadata_age":0,"timeout":9,"stall":9,"max_bytes":9999999,"lock_timeout":0,"script_timeout":9}' \
		"$2" "$3" >"$R" 2>"$T/err" </dev/null
}

status=$a/var/lib/dpkg/status
for p in 'pdns-server 4.7.3-2 Source:+pdns' 'lxd 5.0.2-9 X-Y:+z' 'libbinutils 2.40-2 Source:+binutils' 'golang-go 2:1.19~1 Source:+golang-defaults+(1.19)'; do
	read -r name version source <<<"$p"
	printf 'Package: %s\nStatus: install ok installed\nArchitecture: amd64\n%s\nVersion: %s\nMaintainer: x\nDescription: x\n\n' \
		"$name" "${source//+/ }" "$version" >>"$status"
done
method a support '{}'
assert_json "$R" '.result.known == true'
assert_json_eq "$R" '[.result.packages[] | select(.package == "pdns-server") | [.version, .source, .state, .since]]' \
	'[["4.7.3-2","pdns","ended","2025-10-01"]]'
assert_json_eq "$R" '[.result.packages[] | select(.state == "limited") | .source] | sort' '["binutils","golang-defaults"]'
# the same as Debian's own program finds, with the tables that the bundle has
for state in ended ending limited; do
	type=$state
	[ $state != ending ] || type=earlyend
	DPKG_ADMINDIR=$a/var/lib/dpkg DEBIAN_VERSION=12 check-support-status --no-heading --type $type |
		sed -n 's/^  - \([^: ]*\).*(installed version: \(.*\))$/\1 \2/p' | sort >"$T/want"
	jq -r --arg s $state '.result.packages[] | select(.state == $s) | "\(.package) \(.version)"' "$R" | sort >"$T/got"
	assert_same_file "$T/got" "$T/want"
	[ $state = ending ] || [ -s "$T/want" ] || fail "check-support-status knows no package whose support is $state"
done
sed -i 's/^ID=.*/ID=ubuntu/' "$a/usr/lib/os-release"
method a support '{}'
assert_json_eq "$R" '.result' '{"known":false,"packages":[]}'
ok "packages whose support has ended or is limited are found; another distribution has none"

end_process "$httpd_pid" "$httpd_start"
done_testing
