# shellcheck shell=bash disable=SC2154 # set in lib.sh
# packaging/examples that no engine here runs: each is what its engine documents, as far as that can be said without it.
. "$(dirname "$0")/../lib.sh"
kit=$TOP/packaging/examples
check=$TESTS/testbed/example

# valid FILE   tests/testbed/example has nothing to say of it
valid() {
	run "$check" "$1"
	assert_status 0
	assert_streq "$(cat "$T/out" "$T/err")" "" "${1##*/}"
}
# refused FILE SED ERE   the file, changed so, is not valid, and the complaint matches
refused() {
	local changed=$T/changed/${1##*/}
	mkdir -p "$T/changed"
	sed "$2" "$1" >"$changed"
	! cmp -s "$1" "$changed" || fail "${1##*/}: '$2' changes nothing"
	run "$check" "$changed"
	assert_status 1
	assert_file_has_content "$T/out" "$3"
}

f=$kit/kubernetes/deployment.yaml
valid "$f"
refused "$f" 's/startupProbe:/startProbe:/' 'no field .startProbe'
refused "$f" 's/name: bundle, mountPath: .stopgap,/name: bundel, mountPath: \/stopgap,/' "no volume 'bundel'"
refused "$f" 's/matchLabels: { app: web }/matchLabels: { app: wep }/' 'selector'
refused "$f" 's/apiVersion: apps\/v1/apiVersion: apps\/v2/' 'apiVersion'
refused "$f" 's/failureThreshold: 24/failureThreshold: "24"/' 'failureThreshold'
refused "$f" 's/failureThreshold: 24/failureThreshold: 2/' 'before_start'
refused "$f" 's/"run", "--"/"runn", "--"/' "mode 'runn'"
refused "$f" 's/"copy-to"/"copy-all"/' "mode 'copy-all'"
refused "$f" 's/readOnlyRootFilesystem: false/readOnlyRootFilesystem: true/' 'read-only'
refused "$f" 's/STOPGAP_RESTART_MODE/STOPGAP_RESTART_MOOD/' 'STOPGAP_RESTART_MOOD'
valid "$kit/kubernetes/networkpolicy.yaml"
refused "$kit/kubernetes/networkpolicy.yaml" 's/protocol: UDP/protocol: udp/' protocol
f=$kit/kubernetes/daemonset.yaml
valid "$f"
refused "$f" 's/"watch"\]/"wacth"]/' "mode 'wacth'"
refused "$f" 's/hostPID: true/hostPid: true/' "hostPid"
! grep -rl 'docker\.sock' "$kit" || fail "an engine's socket"
! grep -rl 'RoleBinding' "$kit/kubernetes" || fail "rights in Kubernetes"
assert_streq "$(grep -rlE 'privileged: true|hostPath' "$kit/kubernetes" | xargs -n1 basename)" daemonset.yaml "what has the node's rights"
ok "Kubernetes: known fields of the right types, volumes and labels that fit, modes and settings that exist"

f=$kit/nomad/web.nomad.hcl
valid "$f"
refused "$f" 's/^}$//' 'braces'
refused "$f" 's/kill_timeout/kil_timeout/' "'kil_timeout'"
refused "$f" 's/"run", "--"/"runn", "--"/' "mode 'runn'"
refused "$f" 's/STOPGAP_REPORT_STATE_DIR/STOPGAP_REPORT_STATE/' 'STOPGAP_REPORT_STATE'
ok "Nomad: known keys in their blocks"

for f in "$kit"/podman/*; do valid "$f"; done
f=$kit/podman/web.container
refused "$f" 's/^Exec=/Execute=/' "'Execute'"
refused "$f" 's/stopgap-web.volume/stopgap-wep.volume/' 'stopgap-wep.volume'
ok "podman: keys of a quadlet, and the volume is one"

for f in "$kit"/ci/*.yml "$kit"/ansible/playbook.yml "$kit"/docker/compose.yaml; do valid "$f"; done
refused "$kit/ci/gitlab-ci.yml" 's/script:/scripts:/' scripts
refused "$kit/ci/github.yml" 's/runs-on:/run-on:/' run-on
ok "CI and other YAML"

run systemd-analyze verify --man=no "$kit/systemd/stopgap-once@.service" "$kit/systemd/stopgap-once@.timer"
assert_not_file_has_content "$T/err" "stopgap-once.*(Unknown|Invalid|invalid|ignoring|Failed to parse)"
sed 's/FixedRandomDelay/FixedDelay/' "$kit/systemd/stopgap-once@.timer" >"$T/changed/stopgap-once@.timer"
cp "$kit/systemd/stopgap-once@.service" "$T/changed"
run systemd-analyze verify --man=no "$T/changed/stopgap-once@.timer"
assert_file_has_content "$T/err" "Unknown.*FixedDelay"
ok "systemd: the units are units"

# Each is in the table of the README, and nothing else is.
for d in "$kit"/*/; do
	d=$(basename "$d")
	grep -q "^| \[$d\]($d) |" "$kit/README.md" || fail "README.md has no row for $d"
done
assert_streq "$(grep -c '^| \[' "$kit/README.md")" "$(find "$kit" -mindepth 1 -maxdepth 1 -type d | wc -l)" "rows of README.md"
ok "the README has each"

done_testing
