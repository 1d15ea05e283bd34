# shellcheck shell=bash
# rows: P1 P4
# timeout: 900
# 200 processes, 100 of them stale, in bullseye, bookworm and trixie containers on overlayfs whose layers are on different
# file systems, with the capabilities Docker gives: which are found, against the list of what was seeded and needrestart.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"

scan=$BUILD/tests/helpers/scan
seed=$(helper seed)

# deb NAME VERSION   a package whose files are in $T/deb
deb() {
	mkdir -p "$T/deb/DEBIAN"
	printf 'Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: x <x@example.org>\nDescription: seeds\n' \
		"$1" "$2" >"$T/deb/DEBIAN/control"
	dpkg-deb -Zgzip --build --root-owner-group "$T/deb" "$T/$1_$2.deb" >/dev/null
	rm -rf "$T/deb"
}

# package ROOT NAME VERSION   its program, library, extension modules, data and scripts, under its own name
package() {
	local d=$T/deb r=$1 n=$2 lib=usr/lib/x86_64-linux-gnu
	mkdir -p "$d/usr/bin" "$d/usr/sbin" "$d/$lib/$n/perl" "$d/usr/lib/python3/dist-packages" "$d/usr/share/$n" "$d/opt/$n"
	cp "$r/bin/sleep" "$d/usr/sbin/${n}d"
	cp -L "$r/lib/x86_64-linux-gnu/libz.so.1" "$d/$lib/lib$n.so.1"
	cp "$d/$lib/lib$n.so.1" "$d/opt/$n/plugin.so"
	cp "$d/$lib/lib$n.so.1" "$d/usr/lib/python3/dist-packages/$n.so"
	cp "$d/$lib/lib$n.so.1" "$d/$lib/$n/perl/$n.so"
	head -c 8192 /dev/zero >"$d/usr/share/$n/data"
	install -D "$seed" "$d/usr/lib/$n/mono"
	printf '#!/usr/bin/python3\nimport time\nopen("/run/ready.%%d" %% __import__("os").getpid(), "w")\ntime.sleep(10000)\n' \
		>"$d/usr/bin/$n-python"
	printf '#!/usr/bin/perl\nopen(my $f, ">", "/run/ready.$$"); close $f; sleep 10000;\n' >"$d/usr/bin/$n-perl"
	chmod 755 "$d/usr/bin/$n-"*
	deb "$n" "$3"
}

# In the container: start COUNT processes of a KIND and note "PID KIND VERDICT COMM".  The program is exec'd, so $! is its pid.
cat >"$T/start" <<'EOF'
many() {
	kind=$1 verdict=$2 count=$3 comm=$4
	shift 4
	while [ "$count" -gt 0 ]; do
		count=$((count - 1))
		N=$count "$@" >/dev/null 2>&1 </dev/null &
		echo "$! $kind $verdict $comm" >>/seeds
	done
}
preload() { l=$1; shift; LD_PRELOAD=$l exec "$@"; }
as_user() { exec setpriv --reuid=33 --regid=33 --clear-groups "$@"; }
other_group() { exec setpriv --reuid=33 --regid=34 --clear-groups "$@"; }
seed() { k=$1; shift; exec /helpers/seed "$k" "$@"; }
numbered() { k=$1 p=$2; exec /helpers/seed "$k" "$p.$N"; }
py='import ctypes, os, time
ctypes.CDLL("/usr/lib/python3/dist-packages/%s.so")
open("/run/ready.%%d" %% os.getpid(), "w")
time.sleep(10000)'
pl='require DynaLoader; DynaLoader::dl_load_file("/usr/lib/x86_64-linux-gnu/%s/perl/%s.so") or die;
open(my $f, ">", "/run/ready.$$"); close $f; sleep 10000;'
lib=/usr/lib/x86_64-linux-gnu
EOF
cat "$T/start" - >"$T/before" <<'EOF'
mkdir -p /run /var/lib/jit
many sleep fresh 10 sleep sleep 10000
many python-script fresh 8 keep-python /usr/bin/keep-python
many python-by-name fresh 2 python3 /usr/bin/python3 -u /usr/bin/keep-python
many perl-script fresh 8 keep-perl /usr/bin/keep-perl
many python-code fresh 2 python3 python3 -c "$(printf "$py" keep)"
many library fresh 8 sleep preload $lib/libkeep.so.1 sleep 10000
many memfd fresh 10 seed seed memfd
many temp fresh 8 seed numbered temp /tmp/x
many vartemp fresh 2 seed numbered temp /var/tmp/x
many jit fresh 8 seed numbered shared /var/lib/jit/x
many copied-up fresh 6 seed seed code $lib/libcopied.so.1
many copied-up-link fresh 6 seed seed code $lib/libcopied-link.so.1
many user fresh 5 sleep as_user sleep 10000
many user-library fresh 3 sleep other_group env LD_PRELOAD=$lib/libkeep.so.1 sleep 10000
many removed-data fresh 2 seed seed data /var/lib/data
many data fresh 2 seed seed data /usr/share/gone/data
many library stale 16 sleep preload $lib/libgone.so.1 sleep 10000
many library-code stale 4 seed seed code $lib/libgone.so.1
many plugin stale 4 seed seed code /opt/gone/plugin.so
many executable stale 14 goned /usr/sbin/goned 10000
many user-executable stale 4 goned as_user /usr/sbin/goned 10000
many python-script stale 8 gone-python /usr/bin/gone-python
many python-by-name stale 4 python3 /usr/bin/python3 -u /usr/bin/gone-python
many perl-script stale 10 gone-perl /usr/bin/gone-perl
many python-module stale 8 python3 python3 -c "$(printf "$py" gone)"
many perl-module stale 8 perl perl -e "$(printf "$pl" gone gone)"
many user-library stale 6 sleep as_user env LD_PRELOAD=$lib/libgone.so.1 sleep 10000
many group-library stale 4 sleep other_group env LD_PRELOAD=$lib/libgone.so.1 sleep 10000
many assembly stale 6 mono /usr/lib/keep/mono data /usr/share/gone/data
many renamed stale 2 seed seed code "$lib/lib odd (deleted)"
many spoof fresh 2 seed seed code "$lib/lib odd (deleted) (deleted)"
EOF
cat "$T/start" - >"$T/after" <<'EOF'
many after fresh 4 sleep preload $lib/libgone.so.1 sleep 10000
many after-script fresh 2 gone-perl /usr/bin/gone-perl
many after-executable fresh 4 goned /usr/sbin/goned 10000
EOF
# Exit 0 when all seeds sleep under their final name, interpreters after they have said so.
cat >"$T/ready" <<'EOF'
while read -r pid kind verdict comm; do
	read -r stat 2>/dev/null </proc/$pid/stat || { echo "$pid $kind ended"; exit 1; }
	case $stat in *"($comm) S "*) ;; *) exit 1 ;; esac
	case $kind in python*|perl*|after-script) [ -e /run/ready.$pid ] || exit 1 ;; esac
done </seeds
EOF

# upgrade: what dpkg and an administrator do to the files
cat >"$T/change" <<'EOF'
lib=/usr/lib/x86_64-linux-gnu
dpkg -i /debs/gone_2.deb >/dev/null
chmod 755 $lib/libcopied.so.1 $lib/libcopied-link.so.1 /usr/bin/perl "$(readlink -f /lib/x86_64-linux-gnu/libc.so.6)"
rm /var/lib/data
cp "$lib/lib odd (deleted)" /new && mv /new "$lib/lib odd (deleted)"
EOF

# shellcheck disable=SC2317 # called by wait_for
later() { [ "$(date +%s)" -gt $((moment + 1)) ]; }
next_seconds() { moment=$(date +%s); wait_for 5 later; }

# verdicts NAME   "PID fresh|stale|unreadable" by the scan; a script's package is looked up as the agent's plugin does
verdicts() {
	ctr_exec "$1" /helpers/scan >"$T/scan.json"
	ctr_exec "$1" sh -c 'for f in /var/lib/dpkg/info/keep.list /var/lib/dpkg/info/gone.list; do date -r $f "+%s%3N $f"; done' >"$T/times"
	local gone keep
	gone=$(sed -n 's/ .*gone.list//p' "$T/times") keep=$(sed -n 's/ .*keep.list//p' "$T/times")
	jq -r --argjson gone "$gone" --argjson keep "$keep" 'select(.pid) | .started as $t |
		(.scripts | any((startswith("/usr/bin/gone-") and $t < $gone) or (startswith("/usr/bin/keep-") and $t < $keep))) as $script |
		"\(.pid) \(if .unreadable then "unreadable" elif .stale or $script then "stale" else "fresh" end)"' \
		"$T/scan.json" | sort -n
}

one_suite() {
	local suite=$1 root c=$1 r
	root=$(rootfs "$suite" scan)
	mkdir -p "$T/$suite/debs" "$T/helpers"
	cp "$seed" "$T/helpers/seed"
	cp "$scan" "$T/helpers/scan"
	package "$root" keep 1
	package "$root" gone 1
	package "$root" gone 2
	mv "$T"/*.deb "$T/$suite/debs/"

	# the packages and what is copied up later are in a layer below
	ctr_create "$c-layer" "$root" --mount "$T/$suite/debs:/debs:ro"
	ctr_exec "$c-layer" sh -c 'dpkg -i /debs/keep_1.deb /debs/gone_1.deb >/dev/null; lib=/usr/lib/x86_64-linux-gnu
		cp $lib/libkeep.so.1 $lib/libcopied.so.1; cp $lib/libkeep.so.1 $lib/libcopied-link.so.1
		ln $lib/libcopied-link.so.1 $lib/libcopied-link2.so.1; cp $lib/libkeep.so.1 "$lib/lib odd (deleted)"
		cp $lib/libkeep.so.1 "$lib/lib odd (deleted) (deleted)"; head -c 8192 /dev/zero >/var/lib/data'
	ctr_runc kill "$c-layer" KILL
	cp -a "$(ctr_upper "$c-layer")/." "$T/$suite/layer"
	ctr_rm "$c-layer"

	next_seconds
	ctr_create "$c" "$T/$suite/layer:$root" --size 200m --no-bundle --mount "$T/$suite/debs:/debs:ro" \
		--mount "$T/helpers:/helpers:ro"
	r=$(ctr_path "$c")
	install -m 755 "$T/before" "$T/after" "$T/ready" "$T/change" "$r/"
	ctr_exec "$c" sh /before
	wait_for 60 ctr_exec "$c" sh /ready || fail "$suite: not all seeds run: $(ctr_exec "$c" sh /ready || true)"
	verdicts "$c" >"$T/$suite/early"
	assert_not_file_has_content "$T/$suite/early" 'stale|unreadable'
	ok "P4 $suite: nothing is stale before anything changed"

	next_seconds
	ctr_exec "$c" sh /change
	next_seconds
	ctr_exec "$c" sh /after
	wait_for 60 ctr_exec "$c" sh /ready || fail "$suite: not all later seeds run"
	sort -n "$r/seeds" >"$T/$suite/seeds"
	assert_streq "$(wc -l <"$T/$suite/seeds")" 200 "seeds"
	awk '{ print $1, $3 }' "$T/$suite/seeds" >"$T/$suite/expected"
	verdicts "$c" | awk 'NR == FNR { want[$1]; next } $1 in want' "$T/$suite/expected" - >"$T/$suite/found"
	assert_same_file "$T/$suite/found" "$T/$suite/expected"
	jq -sc '.[-1] | del(.running)' "$T/scan.json" | sed 's/^/# /'
	assert_streq "$(grep -c stale "$T/$suite/expected")" 98 "stale seeds"
	ok "P4 $suite: of 200 processes all that are stale and none that is not"

	# every reason by its kind and file
	awk 'NR == FNR { kind[$1] = $2; next } $1 in kind { print kind[$1], $2, $3, $4, $5 }' "$T/$suite/seeds" \
		<(jq -r 'select(.pid) | .pid as $p | .reasons[] | "\($p) \(.evidence) \(.file)"' "$T/scan.json") |
		sed 's/ *$//' | sort -u >"$T/$suite/reasons"
	cat >"$T/$suite/reasons.want" <<-EOF
		assembly file /usr/share/gone/data
		executable executable /usr/sbin/goned
		group-library library /usr/lib/x86_64-linux-gnu/libgone.so.1
		library library /usr/lib/x86_64-linux-gnu/libgone.so.1
		library-code library /usr/lib/x86_64-linux-gnu/libgone.so.1
		perl-module library /usr/lib/x86_64-linux-gnu/gone/perl/gone.so
		plugin library /opt/gone/plugin.so
		python-module library /usr/lib/python3/dist-packages/gone.so
		renamed library /usr/lib/x86_64-linux-gnu/lib odd (deleted)
		user-executable executable /usr/sbin/goned
		user-library library /usr/lib/x86_64-linux-gnu/libgone.so.1
	EOF
	assert_same_file "$T/$suite/reasons" "$T/$suite/reasons.want"
	ok "P4 $suite: each with its evidence and file, once"

	# It calls fresh ones stale too: JITs, files copied up (of hard links, perl too), odd names.  Those are in the list of
	# seeds as fresh; whatever else it names must be stale for us.
	ctr_exec "$c" needrestart -v -b -r l >"$T/$suite/needrestart" 2>&1 </dev/null || true
	sed -n 's/.*#\([0-9]*\) uses \(obsolete\|deleted\) .*/\1/p' "$T/$suite/needrestart" | sort -un >"$T/$suite/peer"
	awk '$2 == "fresh" { print $1 }' "$T/$suite/expected" >"$T/$suite/fresh"
	awk 'NR == FNR { stale[$1] = $2 == "stale"; next } { n[stale[$1]]++ }
		END { print "# needrestart: " n[1] + 0 " stale, " n[0] + 0 " others" }' "$T/$suite/expected" "$T/$suite/peer"
	assert_le 20 "$(wc -l <"$T/$suite/peer")" "found by needrestart at least"
	verdicts "$c" | awk '$2 == "stale" { print $1 }' | cat - "$T/$suite/fresh" |
		awk 'NR == FNR { known[$1]; next } !($1 in known)' - "$T/$suite/peer" >"$T/$suite/missed"
	assert_streq "$(cat "$T/$suite/missed")" '' "missed"
	ok "P4 $suite: none is missed that needrestart finds"

	# nothing of them is executed or loaded, their environment is not read
	strace -f -o "$T/$suite/trace" -e trace=execve,execveat,openat,open,openat2,ptrace,process_vm_readv \
		runc --root "$CTR_DIR/runc" exec "$c" /helpers/scan --quiet >/dev/null
	sed -n '/execve("\/helpers\/scan"/,$p' "$T/$suite/trace" >"$T/$suite/calls"
	assert_streq "$(grep -cE 'execve(at)?\(|ptrace\(|process_vm_readv\(' "$T/$suite/calls")" 1 "calls"
	assert_not_file_has_content "$T/$suite/calls" 'environ|"mem"|O_WRONLY|O_RDWR|O_CREAT'
	sed -n 's/.*openat(.*"\([^"]*\)", \(O_[A-Z_|]*\).*/\1 \2/p' "$T/$suite/calls" | grep -v O_PATH | sed 's/ .*//' |
		sort -u >"$T/$suite/opened"
	assert_not_file_has_content "$T/$suite/opened" '^/usr|^/lib|^/opt|^/bin|^/sbin|python|perl'
	ok "P1 $suite: nothing of a process is executed, loaded or read but /proc"
	ctr_rm "$c"
}

for suite in bullseye bookworm trixie; do
	one_suite "$suite"
done
done_testing
