# shellcheck shell=bash disable=SC2154,SC2317 # set in lib.sh; called by wait_for
# packaging/examples with a real Docker Engine: docker run, compose, the CI job, the Ansible playbook.
# timeout: 900
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/dockerd"
kit=$TOP/packaging/examples
export STOPGAP_BUNDLE=$BUNDLE

# An image of a root with an old package, whose sources name the repository of this test, with a service.
root=$(aptrepo_root)
aptrepo_start tiny-plain
ctr_create image "$root"
aptrepo_sources image
m=$(ctr_path image)
printf '#!/bin/sh\necho "started with $*"\ntrap "exit 0" TERM\nwhile :; do sleep 1; done\n' >"$m/entry"
chmod 755 "$m/entry"
dockerd_start
tar -C "$m" --one-file-system -c . | dk import --change 'ENTRYPOINT ["/entry"]' --change 'CMD ["its own"]' - old:1 >/dev/null
dk image inspect old:1 >/dev/null || fail "no image"

# The client that the examples find: this engine's, whose containers have the host's network only.
mkdir "$T/bin"
cat >"$T/bin/docker" <<END
#!/bin/sh
export DOCKER_CONFIG="$T/docker-config"
case \$1 in
run | create) word=\$1; shift; exec "$DOCKER" -H "unix://$T/docker.sock" \$word --network host "\$@" ;;
*) exec "$DOCKER" -H "unix://$T/docker.sock" "\$@" ;;
esac
END
chmod +x "$T/bin/docker"
PATH=$T/bin:$PATH

# What the README and the example's head say of an image's own command.
for f in "$TOP/README.md" "$kit/docker/run"; do
	line=$(grep -o 'docker image inspect .*IMAGE$' "$f")
	run sh -c "${line/%IMAGE/old:1}"
	assert_status 0
	assert_file_has_content "$T/out" '^/entry its own( |$)'
done
ok "an image's entrypoint and command are printed"

version() { dk exec "$1" tiny-plain; }
patched() { [ "$(version "$1")" = 1.0-1+deb12u2 ]; }

run sh "$kit/docker/run" web old:1 /entry 'its own'
assert_status 0
wait_for 120 patched web || { fail "not patched"; dk logs web >"$T/log" 2>&1; diag_file "$T/log"; }
says() { dk logs "$1" 2>&1 | grep -x "started with $2" >"$T/says"; }
wait_for 60 says web "its own" || fail "the image's own command did not start so"
run dk exec web /stopgap/stopgap status --output=json
assert_json "$T/out" '.agent.mode == "run" and .agent.child.pid > 0'
run dk stop --time 30 web
assert_status 0
assert_streq "$(dk inspect -f '{{.State.ExitCode}}' web)" 0 "exit status"
ok "docker run: patched, and the image's own entrypoint runs with its command"

printf 'services:\n  web:\n    network_mode: host\n    command: ["/entry", "composed"]\n' >"$T/override.yaml"
compose() { WEB_IMAGE=old:1 DOCKER_HOST=unix://$T/docker.sock docker-compose -p demo -f "$kit/docker/compose.yaml" -f "$T/override.yaml" "$@"; }
run compose up -d
assert_status 0
container=$(compose ps -q web)
wait_for 120 patched "$container" || { fail "not patched"; dk logs "$container" >"$T/log" 2>&1; diag_file "$T/log"; }
wait_for 60 says "$container" composed || fail "the command did not start so"
run dk exec "$container" /stopgap/stopgap config --output=json
assert_json "$T/out" '."schedule.interval".origin | contains("STOPGAP_SCHEDULE_INTERVAL")'
ok "compose: the same"

# The timer's command, as systemd would run it for this container.
name=$(dk inspect -f '{{.Name}}' "$container")
name=${name#/}
words=$(sed -n 's/^ExecStart=//p' "$kit/systemd/stopgap-once@.service")
words=${words#/usr/bin/docker }
# shellcheck disable=SC2086
run docker ${words//%i/$name}
assert_status 0
ok "systemd: the service's command"

# An image is pending until it is patched.
run sh "$kit/ci/check-image" old:1
assert_status 100
assert_file_has_content "$T/out" 'tiny-plain'
dk commit --change 'ENTRYPOINT ["/entry"]' web patched:1 >/dev/null
run sh "$kit/ci/check-image" patched:1
assert_status 0
run sh "$kit/ci/check-image" patched:1 --set updates.policy=nonsense
assert_status 2
run sh "$kit/ci/check-image" missing:1
[ "$status" != 0 ] || fail "an image that is not there is good"
assert_streq "$(dk ps -aq --filter ancestor=old:1 --filter status=exited | wc -l)" 1 "containers that are left"
# The job itself: its script in its environment.
for f in gitlab-ci.yml github.yml; do
	/usr/bin/python3 - "$kit/ci/$f" >"$T/job" <<'END'
import sys, yaml
doc = yaml.safe_load(open(sys.argv[1]))
job = doc["jobs"]["check"] if "jobs" in doc else next(iter(doc.values()))
lines = job.get("script") or [s["run"] for s in job["steps"] if "run" in s]
print("set -e", *[l for l in lines if "docker pull" not in l], sep="\n")
END
	run env -C "$TOP" IMAGE=old:1 sh "$T/job"
	assert_status 100
	run env -C "$TOP" IMAGE=patched:1 sh "$T/job"
	assert_status 0
done
ok "CI: an image with pending updates fails, a patched one does not"

# Ansible, on one host: this one.  One container is behind, one is not, one cannot be patched.
printf '[container_hosts]\nhere ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n' >"$T/inventory"
play() {
	run env HOME="$T" ANSIBLE_HOME="$T/ansible" ANSIBLE_LOCAL_TEMP="$T/ansible" ANSIBLE_REMOTE_TEMP="$T/ansible" ANSIBLE_NOCOLOR=1 \
		ansible-playbook -i "$T/inventory" "$kit/ansible/playbook.yml" "$@"
}
dk run -d --name behind --network host -v "$BUNDLE:/stopgap:ro" old:1 >/dev/null
dk run -d --name without --network host old:1 >/dev/null
play
assert_status 0
assert_file_has_content "$T/out" 'behind: pending, 1 pending, 0 applied'
assert_file_has_content "$T/out" "$name: ok, 0 pending, 0 applied"
assert_not_file_has_content "$T/out" 'without: '
assert_file_has_content "$T/out" 'here +: .*changed=0'
play -e mode=once
assert_status 0
assert_file_has_content "$T/out" 'behind: ok, 0 pending, 1 applied'
assert_file_has_content "$T/out" 'here +: .*changed=1'
patched behind || fail "not patched"
play -e mode=remove
[ "$status" != 0 ] || fail "a mode that is none was taken"
dk run -d --name readonly --read-only --network host -v "$BUNDLE:/stopgap:ro" old:1 >/dev/null
play -e mode=once
[ "$status" != 0 ] || fail "a blocked container is no failure"
assert_file_has_content "$T/out" 'readonly: blocked'
ok "Ansible: check changes nothing, once patches, a blocked container fails its host"

compose down -v >"$T/down" 2>&1 || diag_file "$T/down"
done_testing
