# shellcheck shell=bash
# packaging/systemd: systemd takes the units as they are, and what they leave open is what entering containers needs.
. "$(dirname "$0")/../lib.sh"

# The units name /usr/bin/stopgap, which is not installed here: a root where it is.
mkdir -p "$T/units"
cp "$TOP"/packaging/systemd/* "$T/units"
sed -i "s|/usr/bin/stopgap|$BUNDLE/stopgap|" "$T/units"/*.service
run systemd-analyze verify --man=no "$T/units"/*
assert_status 0
# other units of this machine may have faults of their own
grep stopgap "$T/err" >"$T/ours" || true
[ ! -s "$T/ours" ] || { fail "systemd complains"; diag_file "$T/ours"; }
ok "systemd takes the units"

for unit in stopgap-watch.service stopgap-check.service; do
	run systemd-analyze security --offline=yes --no-pager "$T/units/$unit"
	exposure=$(sed -n 's/.*exposure level for [^:]*: \([0-9.]*\).*/\1/p' "$T/out")
	assert_le "${exposure/./}" 80 "exposure of $unit, tenths"
	# never: an entry would have less than its container, or have it in another form
	for no in NoNewPrivileges SystemCallFilter RestrictSUIDSGID RestrictNamespaces MemoryDenyWriteExecute PrivateDevices \
		ProtectHostname RestrictAddressFamilies SystemCallArchitectures; do
		assert_not_file_has_content "$T/units/$unit" "^$no="
	done
	# what no entry may ever have from the daemon
	for no in SYS_MODULE SYS_RAWIO SYS_BOOT SYS_TIME NET_ADMIN MAC_ADMIN BPF; do
		assert_not_file_has_content "$T/units/$unit" "^Cap.*CAP_$no"
	done
done
ok "and they are hardened as far as that goes"
done_testing
