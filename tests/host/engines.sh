# shellcheck shell=bash disable=SC2154,SC2317 # set in lib.sh; called by at_exit and wait_for
# own processes
# timeout: 900
# Docker Engine, podman and runc, each with bookworm, trixie and an EL-like system in which nginx and a small daemon run
# under runit: one command patches all nine at once, restarts what policy allows, and leaves nothing else behind.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/rpmpkg"
. "$TESTS/testbed/rpmrepo"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/dockerd"
. "$TESTS/testbed/host"

kinds=(bookworm trixie el9)
debs=(libtiny1 tiny-plain tiny-prog)
rpms=(libtiny nginx-core openssl-libs tinyd)

# ---------------------------------------------------------------------------------------------- repositories

aptrepo_start "${debs[@]}"
aptrepo_publish trixie
aptrepo_publish trixie-security
rm "$T/httpd.port" # the next server's, which serves the same folder
rpmrepo_start
rpmrepo_updates el9

# ---------------------------------------------------------------------------------------------------- images

# top IMAGE RUN-OF-NGINX USER   what each image has above its root
top() {
	local image=$1 run=$2 user=$3 d
	d=$(ctr_path "$image")
	mkdir -p "$d"/etc/{web,apt/sources.list.d} "$d"/srv/service/{web,tiny}
	cat >"$d/etc/web/nginx.conf" <<-E
	daemon off;
	pid /run/nginx.pid;
	user $user;
	worker_processes 1;
	error_log stderr;
	events { }
	http { access_log off; server { listen unix:/run/web.sock; return 200 "$image answers\n"; } }
	E
	printf '#!/bin/sh\n%s\n' "$run" >"$d/srv/service/web/run"
	printf '#!/bin/sh\nexec /usr/sbin/tinyd\n' >"$d/srv/service/tiny/run"
	printf '#!/bin/sh\ncp -r /srv/service /run/service && exec runsvdir /run/service\n' >"$d/start"
	chmod 755 "$d"/srv/service/*/run "$d/start"
	if [ "$image" = el9 ]; then
		mkdir -p "$d/usr/bin"
		cp "$(rootfs bookworm web)"/usr/bin/{runsvdir,runsv,sv} "$d/usr/bin/"
		rpmrepo_use el9 updates
	else
		REPO_SUITE=$image
		aptrepo_sources "$image"
	fi
}

declare -A layers
nginx='exec /usr/sbin/nginx -e stderr -c /etc/web/nginx.conf'
for kind in bookworm trixie; do
	# no update brings another nginx: the library that it is made to load is what gets old
	top $kind "export LD_PRELOAD=/usr/lib/libtiny.so.1; $nginx" www-data
	layers[$kind]=$(ctr_path $kind):$(aptrepo_root $kind web)
done
top el9 "$nginx" nginx
layers[el9]=$(ctr_path el9):$(rpmroot el9)

images_end() {
	local kind
	for kind in "${kinds[@]}"; do
		! mountpoint -q "$T/image/$kind" || umount "$T/image/$kind" || umount -l "$T/image/$kind"
	done
}
at_exit images_end
for kind in "${kinds[@]}"; do
	mkdir -p "$T/image/$kind"
	mount -t overlay overlay -o "ro,lowerdir=${layers[$kind]}" "$T/image/$kind"
done

# ------------------------------------------------------------------------------------------------- containers

all=()
declare -A id_of pid_of
started() { all+=("$1") id_of[$1]=$2 pid_of[$1]=$3; }

dockerd_start
for kind in "${kinds[@]}"; do
	tar -C "$T/image/$kind" --exclude='./usr/share/doc/*' --exclude='./usr/share/locale/*' -cf "$T/image/$kind.tar" .
	dk import "$T/image/$kind.tar" "$kind" >/dev/null
	id=$(dk run -d --name "docker-$kind" --network host --tmpfs /run:exec,mode=755 "$kind" /start)
	started "docker-$kind" "$id" "$(dk inspect -f '{{.State.Pid}}' "$id")"
done

pm() { podman --root "$T/podman" --runroot "$T/podman-run" --runtime runc --cgroup-manager cgroupfs --events-backend none --log-level error "$@"; }
podman_end() {
	pm rm -af -t 0 >/dev/null 2>&1
	umount -l "$T/podman/overlay" 2>/dev/null || true
}
at_exit podman_end
for kind in "${kinds[@]}"; do
	pm import -q "$T/image/$kind.tar" "$kind" >/dev/null
	id=$(pm run -d --name "podman-$kind" --network host --ulimit nofile=1000:1000 --ulimit nproc=1000:1000 \
		--tmpfs /run:exec,mode=755 "$kind" /start)
	started "podman-$kind" "$id" "$(pm inspect -f '{{.State.Pid}}' "$id")"
done

for kind in "${kinds[@]}"; do
	ctr_create "runc-$kind" "${layers[$kind]}" --no-bundle --tmpfs /run:exec,mode=755 -- /start
	started "runc-$kind" "runc:runc-$kind" "$(ctr_pid "runc-$kind")"
done

# From here on a container is what its first process has: whichever engine made it.
ctr_pid() { echo "${pid_of[$1]}"; }
ctr_path() { echo "/proc/${pid_of[$1]}/root"; }
ctr_upper() { awk '$5 == "/"' "/proc/${pid_of[$1]}/mountinfo" | grep -o 'upperdir=[^,]*' | cut -d= -f2; }

answers() { [ "$(curl -s --max-time 5 --unix-socket "$(ctr_path "$1")/run/web.sock" http://localhost/)" = "${1#*-} answers" ]; }
# rpm makes /proc/PID/root the machine's own.
rpm_in() { rpm --root "$(dirname "$(ctr_upper "$1")")/merged" --dbpath /var/lib/rpm "${@:2}"; }
# The pid of a service, as its container sees it.
main_pid() { cat "$(ctr_path "$1")/run/service/$2/supervise/pid"; }
for c in "${all[@]}"; do
	wait_for 60 answers "$c" || fail "$c does not answer"
	wait_for 60 main_pid "$c" tiny || fail "$c has no tinyd"
done
assert_streq "${#all[@]}" 9

settled() {
	host_processes "$1" >"$T/now"
	cmp -s "$T/now" "$T/$1.processes"
}
for c in "${all[@]}"; do
	host_before "$c"
	assert_streq "$(grep -c 'nginx: worker\|tinyd' "$T/$c.processes")" 2 "services of $c"
done
sort /proc/self/mountinfo >"$T/machine.mounts"

# everywhere ARG…   `stopgap exec --all ARG…`; the nine reports are in $T/out
everywhere() {
	run "$BUNDLE/stopgap" exec --output=json --set "report.state_dir=$T/host" --set "host.runc=$CTR_DIR/runc" \
		--host "unix://$T/docker.sock" --all "$@"
	assert_json_eq "$T/out" '[.targets[].container.id] | sort' "$(json_list "${id_of[@]}")"
}
# report_of NAME   …in $R
report_of() {
	jq --arg id "${id_of[$1]}" '.targets[] | select(.container.id == $id)' "$T/out" >"$R"
}

everywhere -- check
assert_status 100
for c in "${all[@]}"; do
	report_of "$c"
	assert_json_eq "$R" .container.engine "\"${c%-*}\""
	case $c in
	*-el9) assert_pending "${rpms[@]}" ;;
	*) assert_pending "${debs[@]}" ;;
	esac
	host_same "$c"
done
ok "nine containers of three engines: each has its updates pending, and none is changed by the look"

# ---------------------------------------------------------------------------------------------------- patched

declare -A web tiny
for c in "${all[@]}"; do
	web[$c]=$(main_pid "$c" web) tiny[$c]=$(main_pid "$c" tiny)
done
everywhere --set restart.mode=service --set restart.never=tiny -- once
assert_status 102
diag "all nine took $elapsed_ms ms"
for c in "${all[@]}"; do
	report_of "$c"
	case $c in
	*-el9)
		assert_applied "${rpms[@]}"
		assert_rpms "$c" libtiny=1.0-2 tinyd=1.0-2 openssl-libs=1:3.0.1-43.el9.1 nginx-core=1:1.20.1-14.el9.1
		;;
	*)
		assert_applied "${debs[@]}"
		for p in libtiny1=1.0-1+deb12u1 tiny-prog=1.0-1+deb12u1 tiny-plain=1.0-1+deb12u2; do
			assert_streq "$(dpkg-query --admindir="$(ctr_path "$c")/var/lib/dpkg" -W -f '${db:Status-Abbrev}${Version}' "${p%%=*}")" \
				"ii ${p#*=}" "${p%%=*} in $c"
		done
		dpkg-query --admindir="$(ctr_path "$c")/var/lib/dpkg" -W -f '${db:Status-Abbrev}\n' >"$T/states"
		assert_not_file_has_content "$T/states" '^(..[^ ]|.[^i])'
		;;
	esac
	assert_json_eq "$R" '[.failed, .blocked, .left_behind, .error]' '[[],[],[],null]'
done
ok "one command patches all nine"

for c in "${all[@]}"; do
	report_of "$c"
	assert_json_eq "$R" '[.restarts[] | [.service, .kind, .code]] | sort' '[["tiny","runit","restart_never"],["web","runit","ok"]]'
	assert_json_eq "$R" '[.processes.stale[].exe]' '["/usr/sbin/tinyd"]'
	wait_for 30 answers "$c" || fail "$c does not answer"
	[ "$(main_pid "$c" web)" != "${web[$c]}" ] || fail "nginx of $c was not restarted"
	assert_streq "$(main_pid "$c" tiny)" "${tiny[$c]}" "tinyd of $c"
done
ok "nginx of each is restarted and answers; what may not be restarted is named, and left alone"

for c in "${all[@]}"; do
	wait_for 30 settled "$c" || true
	host_same_but_updates "$c" var/log/nginx/scripts
	assert_file_has_content "$T/changed" '> .*/usr/sbin/tinyd' # it is the right place that is looked at
	assert_not_exists "$(ctr_path "$c")/var/lib/stopgap"
	assert_not_exists "$(ctr_path "$c")/run/stopgap"
done
# mounts of others go with their folders: what counts is that none came
sort /proc/self/mountinfo >"$T/machine.now"
assert_streq "$(comm -13 "$T/machine.mounts" "$T/machine.now")" "" "mounts on the host"
assert_streq "$(pgrep -l stopgap || true)" "" "processes on the host"
ok "no file but those of the updates, no mount and no process is left, in the containers and on the host"

everywhere --set restart.mode=service -- once
assert_status 0
for c in "${all[@]}"; do
	report_of "$c"
	assert_applied
	assert_json_eq "$R" '[[.restarts[] | [.service, .code]], .processes.stale]' '[[["tiny","ok"]],[]]'
	wait_for 30 settled "$c" || true
	host_same_but_updates "$c" var/log/nginx/scripts
done
ok "when policy allows it the rest is restarted, and nothing is stale nor pending"

done_testing
