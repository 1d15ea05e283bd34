# shellcheck shell=bash disable=SC2317 # at_exit calls it
# timeout: 900
# Containers of Docker Engine and podman, of many kinds: each is patched, or refused with the reason why it cannot be.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/dockerd"
. "$TESTS/testbed/host"

# One image for all, with old packages and sources that lead to this test's repository.
aptrepo_start tiny-plain libtiny1 tiny-prog
pending=(tiny-plain libtiny1 tiny-prog)
ctr_create base "$(aptrepo_root)" --no-bundle
aptrepo_sources base
cp "$(helper pause)" "$(ctr_path base)/pause"
tar -C "$(ctr_path base)" -cf "$T/image.tar" --exclude=./proc/* --exclude=./sys/* --exclude=./dev/* .
ctr_rm base

# docker_is WHAT STATUS [OPTION of docker run…]   a container of this kind; `once` ends so; its id is $id
docker_is() {
	local what=$1 want=$2
	shift 2
	id=$(dk run -d --name "$what" --label "tier=front" --network host "$@" tiny /pause)
	pid=$(dk inspect -f '{{.State.Pid}}' "$id")
	cat "/proc/$pid/mountinfo" >"$T/mounts"
	host_exec "$what" --host "unix://$T/docker.sock" -- check
	assert_json_eq "$R" '.container | [.name, .image]' "[\"$what\",\"tiny\"]"
	[ "$want" != 0 ] || assert_pending "${pending[@]}"
	host_exec "$id" -- scan
	assert_status 0
	assert_json "$R" '.processes.scanned == 1'
	host_exec "${id:0:12}" -- once
	assert_status "$want"
	assert_json_eq "$R" '.container | [.id, .engine]' "[\"$id\",\"docker\"]"
	[ "$want" != 0 ] || assert_applied "${pending[@]}"
	cat "/proc/$pid/mountinfo" >"$T/now"
	assert_same_file "$T/now" "$T/mounts"
	assert_streq "$(dk top "$id" | tail -n +2 | wc -l)" 1 "processes of $what"
	dk exec "$id" test ! -e /var/lib/stopgap || fail "a state folder in $what"
}

dockerd_start
dk import "$T/image.tar" tiny >/dev/null

docker_is default 0
assert_no_code seccomp_builtin
ok "docker: default"
docker_is user 0 --user 1000:1000 --security-opt no-new-privileges
ok "docker: a user that is not root, no_new_privs"
# all but what a virtual machine may lack itself
docker_is powerful 0 --cap-add ALL --cap-drop SYS_RESOURCE --security-opt seccomp=unconfined
ok "docker: all capabilities, no seccomp filter"
docker_is limited 0 --memory 200m --pids-limit 60 --cap-drop MKNOD --cap-drop NET_RAW
ok "docker: limits, fewer capabilities"
docker_is read-only 3 --read-only
assert_code read_only_root
ok "docker: a read-only root is refused for once, not for check and scan"
docker_is dropped 3 --cap-drop ALL
assert_code missing_capability
ok "docker: without capabilities it is refused"

mapfile -t ids < <(dk ps -q)
run "$BUNDLE/stopgap" exec --output=json --set "report.state_dir=$T/host" --parallel=3 "${ids[@]}" -- check
assert_status 3 100 0
assert_json "$T/out" '(.targets | length) == 6 and all(.targets[]; .container.engine == "docker" and .error == null)'
run "$BUNDLE/stopgap" exec --output=json --set "report.state_dir=$T/host" --host "unix://$T/docker.sock" --label tier=front -- scan
assert_json_eq "$T/out" '[.targets[].container.name] | sort' '["default","dropped","limited","powerful","read-only","user"]'
ok "all of them at once, by id and by label"

# PID 1 runs a file that was replaced: nothing in there can restart it
id=$(dk inspect -f '{{.Id}}' default)
dk exec default sh -c 'cp -p /pause /pause.new && mv /pause.new /pause'
pid=$(dk inspect -f '{{.State.Pid}}' default)
by_engine=(--host "unix://$T/docker.sock" --set restart.mode=container --set restart.budget=1/1h)
host_exec "${by_engine[@]}" default -- scan
assert_status 102
assert_streq "$(dk inspect -f '{{.State.Pid}}' default)" "$pid"
host_exec "${by_engine[@]}" default -- once
assert_status 0
assert_json_eq "$R" '[.result, (.restarts[] | [.service, .kind, .code])]' '["ok",["default","container","ok"]]'
assert_json "$R" '.processes.stale == []'
[ "$(dk inspect -f '{{.State.Pid}}' default)" != "$pid" ] || fail "it was not restarted"
assert_exists "$(readlink -f "$T/host/containers/$id/last.json")"
dk exec default sh -c 'cp -p /pause /pause.new && mv /pause.new /pause'
host_exec "${by_engine[@]}" default -- once
assert_status 102
assert_json_eq "$R" '.restarts | map(.code)' '["restart_budget"]'
ok "mode=container: the engine restarts it, within the budget"

id=$(dk inspect -f '{{.Id}}' dropped)
dk pause "$id" >/dev/null
host_exec "$id" -- scan
assert_status 3
assert_code paused
run "$BUNDLE/stopgap" exec --set "report.state_dir=$T/host" "$id" -- scan
assert_status 3
assert_file_has_content "$T/out" '^blocked: not now; run it again later$'
run "$BUNDLE/stopgap" ps --set "report.state_dir=$T/host"
assert_file_has_content "$T/out" "^ *$(printf %.12s "$id") .* blocked paused  "
dk unpause "$id" >/dev/null
ok "docker: a paused one is blocked"

# --- podman

pm() { podman --root "$T/podman" --runroot "$T/podman-run" --runtime runc --cgroup-manager cgroupfs --log-level error "$@"; }
podman_end() {
	pm rm -af >/dev/null 2>&1
	umount -l "$T/podman/overlay" 2>/dev/null || true
}
at_exit podman_end
pm import "$T/image.tar" tiny >/dev/null 2>&1

podman_is() {
	local want=$1
	shift
	id=$(pm run -d --network=host --ulimit nofile=1000:1000 --ulimit nproc=1000:1000 "$@" tiny /pause 2>"$T/podman.err") || {
		fail "podman does not start it"
		diag_file "$T/podman.err"
		return
	}
	pid=$(pm inspect -f '{{.State.Pid}}' "$id")
	host_exec "$id" -- once
	assert_status "$want"
	assert_json_eq "$R" '.container | [.id, .engine]' "[\"$id\",\"podman\"]"
	[ "$want" != 0 ] || assert_applied "${pending[@]}"
}

podman_is 0
ok "podman: default"
podman_is 0 --uidmap 0:200000:65536 --gidmap 0:200000:65536
assert_streq "$(stat -c %u:%g "/proc/$pid/root/usr/bin/tiny-plain")" 200000:200000 "owner of a file that was updated"
ok "podman: a user namespace; what is written belongs to its root"

done_testing
