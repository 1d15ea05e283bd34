# shellcheck shell=bash
# The power goes in the middle of an update: the next run converges, and nothing of it is lost or half there.
# rows: C2
# timeout: 5400
points=${STOPGAP_POINTS-} seed=${STOPGAP_SEED:-$RANDOM}
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/vm"

[ -n "$points" ] || { [ "$LONG" = yes ] && points=200 || points=50; }
controls=3
packages=(tiny-plain tiny-epoch tiny-nocve tiny-conf tiny-big)

# The repository lies on the disk itself: the guest has no network.
root=$(aptrepo_root)
aptrepo_start "${packages[@]}"
VM_FILES=$T/files
mkdir -p "$VM_FILES/etc/apt"
cp -a "$REPO" "$VM_FILES/repo"
printf 'deb [signed-by=/usr/share/keyrings/tiny-archive.gpg] file:/repo/%s main\n' "debian bookworm" \
	"debian-security bookworm-security" >"$VM_FILES/etc/apt/sources.list"
cat >"$VM_FILES/run-once" <<'EOF'
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
/stopgap/stopgap once --output=json >/run/report.json
status=$?
echo "report: $(tr -d '\n' </run/report.json)"
exit $status
EOF
vm_disk "$root" "$T/disk"

# state NAME FOLDER   what a run can have changed: the packages' files, and the database as dpkg tells it
state() {
	ctr_exec "$1" sh -c 'dpkg-query -W -f "\${db:Status-Abbrev}\${Package} \${Version}\n"; dpkg -V; dpkg --audit
		for p in "$@"; do dpkg -L "$p" | while read -r f; do [ ! -f "$f" ] || md5sum "$f"; done; done' sh "${packages[@]}" \
		>"$2" 2>&1 || true
}

# recover NAME DISK   the next run, on what the disk has
recover() {
	vm_mount "$2" "$T/mnt"
	ctr_create "$1" "$T/mnt"
	once "$1" 
	state "$1" "$T/state.$1"
	ctr_rm "$1"
	umount "$T/mnt"
}

# A run that nothing disturbs.
cp --sparse=always "$T/disk" "$T/whole"
t0=$EPOCHREALTIME
vm_boot "$T/whole" run-once
began=$EPOCHREALTIME
vm_wait 300
ms=$(((${EPOCHREALTIME/./} - ${began/./}) / 1000))
assert_file_has_content "$T/vm.log" 'vm: end 0'
vm_cut
recover whole "$T/whole"
assert_status 0
assert_applied
for p in "${packages[@]}"; do
	grep -q "^ii *$p " "$T/state.whole" || fail "$p is not installed"
done
cp "$T/state.whole" "$T/clean"
diag "boot $(((${began/./} - ${t0/./}) / 1000)) ms, run $ms ms"
ok "C2 cut off after the end of the run: all of it is there"

# bad NAME   is the outcome another than that of a run that nothing disturbed?
bad() { [ "$status" != 0 ] || ! cmp -s "$T/clean" "$T/state.$1"; }

RANDOM=$seed
diag "STOPGAP_SEED=$seed"
failures=0 middle=0
for ((i = 1; i <= points; i++)); do
	cp --sparse=always "$T/disk" "$T/cut"
	vm_boot "$T/cut" run-once
	delay=$((RANDOM * ms / 32768))
	sleep "$((delay / 1000)).$(printf %03d $((delay % 1000)))"
	vm_cut
	ended=$(grep -c '^vm: end' "$T/vm.log" || true)
	[ "$ended" != 0 ] || middle=$((middle + 1))
	recover cut "$T/cut"
	if bad cut; then
		failures=$((failures + 1))
		fail "cut off after $delay ms: exit $status"
		diff "$T/clean" "$T/state.cut" | head -20 | sed 's/^/#   /'
		diag_file "$R"
	fi
done
assert_streq "$failures" 0 "of $points points"
assert_le 1 $middle "points before the end of the run"
ok "C2 cut off at $points random moments, $middle of them before the end: the next run converges"

# The control: were nothing synchronised, this test would see it.
vm_mount "$T/disk" "$T/mnt"
cp /usr/lib/*/libeatmydata.so "$T/mnt/lib/nosync.so"
echo /lib/nosync.so >"$T/mnt/etc/ld.so.preload"
umount "$T/mnt"
damaged=0
for ((i = 1; i <= controls; i++)); do
	cp --sparse=always "$T/disk" "$T/cut"
	vm_boot "$T/cut" run-once
	vm_wait 300
	sleep 2 # the journal's second
	vm_cut
	vm_mount "$T/cut" "$T/mnt"
	rm "$T/mnt/etc/ld.so.preload"
	umount "$T/mnt"
	recover control "$T/cut"
	! bad control || damaged=$((damaged + 1))
done
assert_le 1 $damaged "damaged systems of $controls whose dpkg synchronised nothing"
ok "C2 the control: $damaged of $controls systems whose dpkg synchronised nothing are damaged"

done_testing
