# shellcheck shell=bash disable=SC2317,SC2154 # row calls them; set in the testbed
# rows: H3 H5 H9 H11
# What enters a container is no more than what is in there: its restrictions, its ids, and nothing of the host's.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/host"

seccomp='.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
	syscalls: [{names: ["mount", "umount2", "setns", "unshare", "move_mount"], action: "SCMP_ACT_ERRNO"}]}'
userns='.linux.namespaces += [{type: "user"}] |
	.linux.uidMappings = [{containerID: 0, hostID: 200000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
limits='.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 512, hard: 768}, {type: "RLIMIT_CORE", soft: 0, hard: 0}]'
every=({AUDIT_CONTROL,BLOCK_SUSPEND,DAC_READ_SEARCH,IPC_LOCK,IPC_OWNER,LEASE,LINUX_IMMUTABLE,MAC_ADMIN,NET_ADMIN,NET_BROADCAST,SYS_ADMIN,SYS_BOOT,SYS_CHROOT,SYS_NICE,SYS_PACCT,SYS_PTRACE,SYS_RAWIO,SYS_TIME,SYS_TTY_CONFIG,SYSLOG,WAKE_ALARM})

# subset A B   the bits of A, a hexadecimal number, are all in B
subset() { [ $((0x$1 & ~0x$2)) = 0 ] || fail "capabilities $1 are more than $2"; }

# restricted NAME   what is in the container is what its init has, or less
restricted() {
	local its s l
	host_reveal "pid:$pid"
	its=/proc/$pid s=$(seen "$1" status)
	[ -s "$s" ] || { fail "nothing was entered"; diag_file "$T/out"; diag_file "$T/err"; return; }
	assert_streq "$(field "$s" CapBnd)" "$(field "$its/status" CapBnd)" "bounding set"
	for l in CapEff CapPrm; do
		subset "$(field "$s" "$l")" "$(field "$its/status" CapBnd)"
	done
	assert_streq "$(field "$s" CapInh) $(field "$s" CapAmb)" "0000000000000000 0000000000000000" "inheritable and ambient"
	assert_streq "$(field "$s" NoNewPrivs) $(field "$s" Seccomp) $(field "$s" Seccomp_filters)" \
		"$(field "$its/status" NoNewPrivs) $(field "$its/status" Seccomp) $(field "$its/status" Seccomp_filters)" \
		"no_new_privs and seccomp"
	assert_streq "$(field "$s" Uid) $(field "$s" Gid) $(field "$s" Groups)" "0 0 0 0 0 0 0 0 " "ids in there"
	for l in cgroup limits; do
		cat "$its/$l" >"$T/its"
		cat "$(seen "$1" "$l")" >"$T/seen"
		assert_same_file "$T/seen" "$T/its"
	done
	assert_streq "$(cat "$(seen "$1" oom_score_adj)")" 1000 "oom_score_adj"
	assert_streq "$(cat "$(seen "$1" namespaces)")" "$(for l in net ipc uts user; do readlink "$its/ns/$l"; done)" "namespaces"
}

default() { host_small default; restricted default; }
row "H9 default: the capabilities, limits and cgroups of the container" default

dropped() { host_small dropped --cap-drop=ALL; restricted dropped; }
row "H9 no capabilities at all" dropped

read_only() { host_small read-only --read-only; restricted read-only; }
row "H9 a read-only root" read_only

more() { host_small more "${every[@]/#/--cap-add=}"; restricted more; }
row "H9 privileged: no more than it has" more

user() { host_small user --user 1000:1000 --no-new-privs; restricted user; }
row "H9 a user that is not root, with no_new_privs" user

filter() { host_small filter --edit "$seccomp"; restricted filter; }
row "H9 a seccomp filter" filter

filter_nnp() { host_small filter-nnp --edit "$seccomp" --no-new-privs --cap-drop=ALL; restricted filter-nnp; }
row "H9 a seccomp filter, no_new_privs and no capabilities" filter_nnp

limited() { host_small limited --edit "$limits" --memory 134217728 --pids 50; restricted limited; }
row "H9 limits of the processes and of the cgroup" limited

# A traced init cannot be asked for its filter.
builtin() {
	host_small builtin --edit "$seccomp"
	start_bg "$T/strace" strace -q -p "$pid" -o "$T/trace"
	wait_for 20 grep -q '^TracerPid:.[1-9]' "/proc/$pid/status" || fail "strace does not start"
	host_reveal "pid:$pid"
	assert_streq "$(field "$(seen builtin status)" Seccomp)" 2
	assert_streq "$(field "$(seen builtin status)" Seccomp_filters)" 1
}
row "H9 a seccomp filter that cannot be copied is replaced by the built-in one" builtin

# --- user namespaces

mapped() {
	host_small mapped --edit "$userns" --copy --no-network
	restricted mapped
	assert_streq "$(stat -c %u:%g "$(seen mapped status)")" 200000:200000 "owner of a file that was written"
}
row "H11 a user namespace: files belong to its root, capabilities are its own" mapped

# --- what is left of the host

nothing_of_the_host() {
	local fds=() i f
	host_small clean
	mkdir -p "$T/secret"
	for i in {100..149}; do
		eval "exec $i<\"\$T/secret\""
		fds+=("$i")
	done
	under=(env LD_PRELOAD=/x SECRET=1)
	host_reveal "pid:$pid"
	under=()
	for i in "${fds[@]}"; do
		eval "exec $i<&-"
	done
	f=$(seen clean facts)
	assert_not_file_has_content "$f" 'secret|/tmp'
	assert_file_has_content "$f" '^fd 0 .* socket:'
	assert_file_has_content "$f" '^fd 2 .* pipe:'
	assert_file_has_content "$f" '^cwd .* /$'
	tr '\0' '\n' <"$(seen clean environ)" | sed 's/=.*//' | grep -v '^STOPGAP_' | sort | tr '\n' ' ' >"$T/environ"
	assert_streq "$(cat "$T/environ")" "HOME LC_ALL PATH TERM " "environment"
}
row "H5 no descriptor, working folder or variable of the host gets in" nothing_of_the_host

no_inode_shared() {
	host_small inode
	host_reveal "pid:$pid"
	assert_file_has_content "$(seen inode facts)" '^exe .*/stopgap'
	[ "$(awk '$1 == "exe" {print $2}' "$(seen inode facts)")" != \
		"$(( $(stat -c %d "$T/reveal-bundle/stopgap") )):$(stat -c %i "$T/reveal-bundle/stopgap")" ] ||
		fail "the container runs the host's file"
	assert_file_has_content "$(seen inode mountinfo)" ' /dev/mqueue ro,nosuid,nodev[^ ]* - tmpfs stopgap ro'
}
row "H3 the container's copy of stopgap shares no inode with the host's, and is read-only" no_inode_shared

done_testing
