# shellcheck shell=bash
# `stopgap ps` on real containers of podman, containerd and systemd-nspawn: id, engine, first process.
. "$(dirname "$0")/../lib.sh"
S=$BUNDLE/stopgap

mkdir -p "$T/root"/{etc,proc,sys,dev,run,tmp,var,usr}
cp "$(helper pause)" "$T/root/pause"
printf 'ID=none\n' >"$T/root/etc/os-release"

ps_json() {
	run "$S" ps --output=json --set "report.state_dir=$T/state" "$@"
	assert_status 0
}
# found ID ENGINE NAME   …as the newest look has it; its first process is /pause
found() {
	local pid
	assert_json_eq "$T/out" ".containers[] | select(.id == \"$1\") | [.engine, .name, .known, .inside]" "[\"$2\",$3,true,null]"
	pid=$(jq ".containers[] | select(.id == \"$1\") | .pid" "$T/out")
	assert_streq "$(tr -d '\0' <"/proc/$pid/cmdline")" /pause
}

# podman, its API by `podman system service`
pod() {
	env -u CONTAINER_HOST HOME="$T" XDG_RUNTIME_DIR="$T/xdg" podman --root "$T/podman" --runroot "$T/podman-run" --runtime runc \
		--cgroup-manager cgroupfs --events-backend none --storage-driver vfs "$@"
}
pod_end() {
	pod rm -fa -t 0 >/dev/null 2>&1
	pod umount -a >/dev/null 2>&1
	umount "$T/podman" 2>/dev/null
}
mkdir -p "$T/xdg"
at_exit pod_end
tar -C "$T/root" -c . | pod import -q - tiny >/dev/null
pod run -d --name one --label tier=front --network=host --ulimit nofile=1000:1000 --ulimit nproc=1000:1000 tiny /pause >"$T/id" 2>"$T/err"
pod run -d --name two --pid=host --network=host --ulimit nofile=1000:1000 --ulimit nproc=1000:1000 tiny /pause >"$T/id2"
start_bg "$T/service.log" env -u CONTAINER_HOST HOME="$T" XDG_RUNTIME_DIR="$T/xdg" podman --root "$T/podman" --runroot "$T/podman-run" \
	--runtime runc --cgroup-manager cgroupfs --events-backend none --storage-driver vfs system service -t 0 "unix://$T/podman.sock"
ps_json
found "$(cat "$T/id")" podman null
found "$(cat "$T/id2")" podman null
wait_for 60 test -S "$T/podman.sock"
ps_json --host "unix://$T/podman.sock"
found "$(cat "$T/id")" podman '"one"'
assert_json_eq "$T/out" ".containers[] | select(.id == \"$(cat "$T/id")\") | [.image.name, .labels.tier, (.image.layers | length)]" \
	'["localhost/tiny:latest","front",1]'
ok "podman's, with and without its API, and with --pid=host"

# containerd, with its own client: an id is a name in a namespace
mkdir -p "$T/containerd"
cat >"$T/containerd.toml" <<END
version = 2
root = "$T/containerd/root"
state = "$T/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$T/containerd.sock"
END
start_bg "$T/containerd.log" containerd --config "$T/containerd.toml"
wait_for 60 test -S "$T/containerd.sock"
ct() { ctr -a "$T/containerd.sock" -n "tests-$$" "$@"; }
ct_end() {
	ct task kill -s KILL web >/dev/null 2>&1
	wait_for 20 ct task rm web
	ct container rm web >/dev/null 2>&1
}
at_exit ct_end
start_bg "$T/ctr.log" ctr -a "$T/containerd.sock" -n "tests-$$" run --rootfs "$T/root" web /pause
runs() { ct task ls 2>/dev/null >"$T/tasks" && grep -q RUNNING "$T/tasks"; }
wait_for 60 runs || diag_file "$T/ctr.log"
ps_json
found "containerd:tests-$$:web" containerd '"web"'
ok "containerd's"

# systemd-nspawn, which has registered nowhere
cp -a "$T/root" "$T/machine-$$"
start_bg "$T/nspawn.log" systemd-nspawn -q -D "$T/machine-$$" --register=no --keep-unit --console=pipe /pause
nspawned() {
	ps_json
	jq -e ".containers[] | select(.id == \"nspawn:machine-$$\")" "$T/out"
}
wait_for 60 nspawned || diag_file "$T/nspawn.log"
found "nspawn:machine-$$" nspawn "\"machine-$$\""
ok "systemd-nspawn's"

done_testing
