# shellcheck shell=bash
# rows: C1 C9
# timeout: 1800
# Transactions that were killed: the next run repairs and finishes.  A sample of the system calls where it can happen,
# evenly spread: STOPGAP_POINTS of them, 12 by default (each takes a second).
sample=${STOPGAP_POINTS:-12}
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/rpmpkg"
. "$TESTS/testbed/rpmrepo"
. "$TESTS/testbed/agent"

rpmrepo_start
root=$(rpmroot el9)
mapfile -t tiny < <(rpmtiny 1.0-2)
scripts=('Requires(post): coreutils-single' '%pre: echo pre >>/var/log/foo' '%post: echo post >>/var/log/foo'
	'%posttrans: echo posttrans >>/var/log/foo')
foo=$(rpmpkg foo 1-2 "${scripts[@]}" 'config /etc/foo.conf new' 'size 30000')
rpmrepo_add updates "${tiny[@]}" "$foo"
rpmrepo_advisory updates SA-1 security Important CVE-2026-1 "${tiny[@]}" "$foo"
rpmrepo_publish updates
new=(foo=1-2 libtiny=1.0-2 tinyd=1.0-2)

# The container before: as a folder, laid over the root by each of the others.
ctr_create base "$root"
rpmrepo_install base "$(rpmpkg foo 1-1 'config /etc/foo.conf old')"
rpmrepo_use base updates
cp -a "$(ctr_upper base)" "$T/layer"
layers=$T/layer:$root

killed() { # CONTAINER N: once, killed at the N-th change after the first file was unpacked; 0 counts them
	ctr_create "$1" "$layers" --mount "$(helper killat):/killat:ro"
	run ctr_exec "$1" /killat "$2" ';' "$at/stopgap" once --output=json
}

# repaired CONTAINER   the next run leaves it as if nothing had happened
repaired() {
	once "$1"
	assert_status 0
	assert_rpms "$1" "${new[@]}"
	assert_rpm_clean "$1"
	assert_streq "$(find "$(ctr_path "$1")" -xdev -name '*;[0-9a-f]*' | wc -l)" 0 "files half unpacked"
	once "$1"
	assert_status 0
	assert_applied
}

killed count 0
assert_status 0
points=$(tail -n 1 "$T/out")
diag "$points points"
assert_le 200 "$points" "points, at least"
repaired count
ctr_rm count
ok "C1 the count, without a kill"

step=$(((points + sample - 1) / sample))
for ((i = 1; i <= points; i += step)); do
	killed k$i $i
	assert_status 137
	repaired k$i
	ctr_rm k$i
	ok "C1 killed at change $i of $points"
done

# What a kill between the two rows of a package leaves, made by hand: the new one's files, both rows.
ctr_create twice "$layers"
rpm_in twice -i --force --nodeps --noscripts "${tiny[@]}" 2>"$T/rpm.err"
assert_streq "$(rpm_in twice -q tinyd | wc -l)" 2
check twice
assert_status 100 1
assert_code interrupted
once twice
assert_status 0
assert_code repaired
assert_rpms twice "${new[@]}"
assert_rpm_clean twice
ok "C1 two versions of one package in the database: the older row goes, its files stay those of the newer"

# A database that another program holds.
ctr_create locked "$layers"
r=$(ctr_path locked)
start_bg "$T/lock.log" "$(helper lock)" "$r/var/lib/rpm/.rpm.lock"
wait_for 10 grep -q . "$T/lock.log"
snapshot locked before /usr /var/lib/rpm
once locked --set updates.lock_timeout=1s
assert_status 3
assert_code locked
assert_unchanged locked before /usr /var/lib/rpm
ok "C9 the lock of rpm is honoured"

done_testing
