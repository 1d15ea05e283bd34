# shellcheck shell=bash disable=SC2154,SC2317 # set in lib.sh; called by wait_for
# packaging/examples with real LXC and podman: the mount, and the quadlet's container as podman would run it.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"
kit=$TOP/packaging/examples

root=$(aptrepo_root)
aptrepo_start tiny-plain
ctr_create image "$root"
aptrepo_sources image

# --------------------------------------------------------------------------------------------------------- LXC

mkdir -p "$T/lxc/web" "$T/upper" "$T/work" "$T/merged"
mount -t overlay overlay -o "lowerdir=$(ctr_upper image):$root,upperdir=$T/upper,workdir=$T/work" "$T/merged"
at_exit umount "$T/merged"
sed "s|/usr/lib/stopgap|$BUNDLE|" "$kit/lxc/stopgap.conf" >"$T/stopgap.conf"
cat >"$T/lxc/web/config" <<END
lxc.uts.name = web
lxc.rootfs.path = dir:$T/merged
lxc.net.0.type = none
lxc.mount.auto = proc:mixed sys:ro
lxc.apparmor.profile = unconfined
lxc.include = $T/stopgap.conf
END
lxc() { local tool=$1; shift; "lxc-$tool" -P "$T/lxc" -n web "$@"; }
stop() { lxc stop -k >"$T/stop" 2>&1 || true; }
at_exit stop
run lxc start -l DEBUG -o "$T/lxc.log" -- /bin/sh -c 'trap "exit 0" TERM PWR; while :; do sleep 1; done'
assert_status 0
wait_for 30 lxc wait -s RUNNING -t 1 || { fail "does not run"; diag_file "$T/lxc.log"; }
run lxc attach --clear-env -- /stopgap/stopgap once --output=json
assert_status 0
cp "$T/out" "$R"
assert_applied tiny-plain
run lxc attach --clear-env -- touch /stopgap/x
[ "$status" != 0 ] || fail "the bundle can be written"
ok "LXC: the mount, and lxc-attach patches"

run systemd-analyze verify --man=no "$kit/lxc/stopgap.service"
assert_not_file_has_content "$T/err" "stopgap.service.*(Unknown|Invalid|invalid|ignoring|Failed to parse)"
ok "LXC: the service is a unit"

# ------------------------------------------------------------------------------------------------------- podman

mkdir "$T/podman"
# runc: other runtimes refuse some hosts' cgroups; ulimits: without CAP_SYS_RESOURCE podman's own are not to be had
pm() {
	podman --root "$T/podman/root" --runroot "$T/podman/run" --tmpdir "$T/podman/tmp" --storage-driver vfs --runtime runc \
		--cgroup-manager cgroupfs --events-backend none "$@"
}
end_podman() {
	pm rm -f -t 0 -a >"$T/rm" 2>&1 || true
	pm volume rm -f -a >>"$T/rm" 2>&1 || true
	pm rmi -f -a >>"$T/rm" 2>&1 || true
}
at_exit end_podman
mkdir -p "$T/podman/tmp"
m=$(ctr_path image)
printf '#!/bin/sh\necho "started with $*"\ntrap "exit 0" TERM\nwhile :; do sleep 1; done\n' >"$m/docker-entrypoint.sh"
chmod 755 "$m/docker-entrypoint.sh"
tar -C "$m" --one-file-system -c . | pm import - old:1 >"$T/import" 2>&1 || diag_file "$T/import"

# What the generator makes of it: the keys as options of podman run.
value() { sed -n "s/^$1=//p" "$kit/podman/web.container"; }
options=(--name "$(value ContainerName)" --user "$(value User)")
while read -r v; do
	v=${v/#stopgap-web.volume/$(sed -n 's/^VolumeName=//p' "$kit/podman/stopgap-web.volume")}
	options+=(--volume "${v/#\/usr\/lib\/stopgap:/$BUNDLE:}")
done < <(value Volume)
while read -r v; do options+=(--env "$v"); done < <(value Environment)
while read -r v; do options+=("$v"); done < <(value PodmanArgs)
eval "words=($(value Exec))"
# shellcheck disable=SC2154 # by eval
run pm run --detach --network host --ulimit nofile=1000:1000 --ulimit nproc=1000:1000 "${options[@]}" old:1 "${words[@]}"
assert_status 0
patched() { [ "$(pm exec web tiny-plain)" = 1.0-1+deb12u2 ]; }
says() { pm logs web 2>&1 | grep -x 'started with nginx -g daemon off;'; }
wait_for 120 patched || { fail "not patched"; pm logs web >"$T/log" 2>&1; diag_file "$T/log"; }
wait_for 60 says || { fail "the image's own command did not start so"; pm logs web >"$T/log" 2>&1; diag_file "$T/log"; }
ok "podman: the quadlet's container is patched, and runs the image's own command"

done_testing
