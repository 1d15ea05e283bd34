# shellcheck shell=bash
# What `stopgap wrap` prints for docker, executed: an image with ENTRYPOINT, CMD, USER, WORKDIR and STOPSIGNAL.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/dockerd"

dockerd_start
dockerd_image base bookworm minbase
mkdir "$T/build"
cat >"$T/build/service" <<'END'
#!/bin/sh
trap 'echo stopped by USR1; exit 7' USR1
printf '[%s]' "$(id -un)" "$(id -gn)" "$PWD" "$COLOUR" "$@"
echo
while :; do sleep 0.1; done
END
chmod 755 "$T/build/service"
cat >"$T/build/Dockerfile" <<'END'
FROM base
COPY service /service
ENV COLOUR="blue green"
WORKDIR /var/tmp
USER www-data
STOPSIGNAL SIGUSR1
ENTRYPOINT ["/service", "it's", "$HOME"]
CMD ["a b", ""]
END
run dk build -q -t local/service:1 "$T/build"
assert_status 0

# The forms name the client `docker`: this is the test's own.
docker() {
	if [ "$1" = run ]; then
		dk run --name wrapped -e STOPGAP_SCHEDULE_INTERVAL=0 "${@:2}"
	else
		dk "$@"
	fi
}
run "$BUNDLE/stopgap" wrap local/service:1 "--host=unix://$T/docker.sock" --output=json
assert_status 0
jq -r '.docker_volume' "$T/out" >"$T/volume"
jq -r '.docker' "$T/out" >"$T/docker-run"
assert_json "$T/out" '.docker_volume + .docker | test("http") | not'
# shellcheck disable=SC1091
. "$T/volume" >/dev/null
# shellcheck disable=SC1091
. "$T/docker-run" >/dev/null
started() { dk logs wrapped >"$T/log" 2>&1 && grep -q '^\[www-data\]' "$T/log"; }
wait_for 120 started || dk logs wrapped
dk logs wrapped >"$T/log" 2>"$T/log.err"
assert_streq "$(head -n 1 "$T/log")" "[www-data][www-data][/var/tmp][blue green][it's][\$HOME][a b][]"
ok "the command runs as the image says: words, user, folder and environment"

pid=$(dk inspect -f '{{.State.Pid}}' wrapped)
assert_streq "$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -d' ' -f1-2)" "/stopgap/stopgap run"
assert_streq "$(awk '/^Uid:/ {print $2}' "/proc/$pid/status")" 0
# a copy: no file of it is one of the host
[ "$(stat -Lc %d:%i "/proc/$pid/root/stopgap/stopgap")" != "$(stat -Lc %d:%i "$BUNDLE/stopgap")" ] ||
	fail "the container has the host's own file"
run dk exec wrapped sh -c 'echo x >/stopgap/x'
assert_status 1 2
ok "stopgap is its first process, as root, from a read-only copy"

dk stop -t 30 wrapped >/dev/null
assert_streq "$(dk inspect -f '{{.State.ExitCode}}' wrapped)" 7
assert_streq "$(dk logs wrapped 2>/dev/null | tail -n 1)" "stopped by USR1"
ok "the image's STOPSIGNAL stops it, and its exit status is the container's"

done_testing
