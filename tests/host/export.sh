# shellcheck shell=bash
# rows: H6 H10
# `stopgap export`: the layer has what a package's update changed, all of it and nothing else, and the image that it is
# appended to is the patched container.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/dockerd"
. "$TESTS/testbed/append"
S=$BUNDLE/stopgap
umask 022

# deb VERSION   a package of files of all kinds
long=usr/share/tiny/$(printf 'a%.0s' {1..120})/$(printf 'b%.0s' {1..140})
deb() {
	local p=$T/deb-$1
	mkdir -p "$p"/DEBIAN "$p"/usr/{bin,lib/tiny} "$p/etc/tiny" "$p/lib/tiny" "$p/$(dirname "$long")"
	printf 'Package: tiny\nVersion: %s\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: x\n' "$1" \
		>"$p/DEBIAN/control"
	for f in usr/bin/tiny usr/lib/tiny/file lib/tiny/merged etc/tiny/same.conf etc/tiny/edited.conf "$long"; do
		echo "$1 $f" >"$p/$f"
	done
	ln "$p/usr/bin/tiny" "$p/usr/bin/tiny-too"
	ln -s "file" "$p/usr/lib/tiny/link-$1"
	chmod 4755 "$p/usr/bin/tiny"
	printf '/etc/tiny/same.conf\n/etc/tiny/edited.conf\n' >"$p/DEBIAN/conffiles"
	if [ "$1" = 1 ]; then
		mkdir "$p/usr/lib/tiny/folder"
		echo x | tee "$p/usr/lib/tiny/removed" "$p/usr/lib/tiny/folder/removed" >/dev/null
	fi
	dpkg-deb --root-owner-group -b "$p" "$T/tiny_$1.deb" >/dev/null
}
deb 1
deb 2

# An image with the old version; a container of it with the new one, and what an application does in it.
dockerd_start
dockerd_image base bookworm minbase
dk run -d --name build --network none -v "$T:/t:ro" base sleep infinity >/dev/null
dk exec build dpkg -i /t/tiny_1.deb >/dev/null
dk commit -c 'CMD ["sleep","infinity"]' build image >/dev/null
dk rm -f build >/dev/null
start() { # NAME [OPTION…]
	dk run -d --name "$1" --network none -v "$T:/t:ro" "${@:2}" image >"$T/id"
	id=$(cat "$T/id")
	mkdir -p "$T/state/containers/$id"
	jq -n '{schema: 1, plugin: {name: "apt", manager: "apt"}, ephemeral: {lost_on_recreate: ["tiny=2"]}}' \
		>"$T/state/containers/$id/last.json"
}
export_it() { run "$S" export --set "report.state_dir=$T/state" --host "unix://$T/docker.sock" "$@"; }

start web
dk exec web sh -c 'echo secret >/etc/tiny/edited.conf; mkdir /var/lib/tiny; echo data >/var/lib/tiny/data; echo data >/srv/data'
dk exec web dpkg --force-confold -i /t/tiny_2.deb >/dev/null 2>&1
pid=$(dk inspect -f '{{.State.Pid}}' web)
python3 -c 'import os, sys; os.setxattr(sys.argv[1], "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))' \
	"/proc/$pid/root/usr/lib/tiny/file"

export_it web "--to=$T/layer.tar"
assert_status 0
assert_file_has_content "$T/err" '1 packages, [0-9]+ files, 3 whiteouts'
assert_file_has_content "$T/err" '1 changed configuration files are not in it'
tar -tf "$T/layer.tar" | grep -v '^var/lib/dpkg/' | LC_ALL=C sort >"$T/list"
LC_ALL=C sort >"$T/want" <<END
etc/tiny/same.conf
usr/bin/tiny
usr/bin/tiny-too
usr/lib/tiny/.wh.folder
usr/lib/tiny/.wh.link-1
usr/lib/tiny/.wh.removed
usr/lib/tiny/file
usr/lib/tiny/link-2
usr/lib/tiny/merged
$long
END
assert_same_file "$T/list" "$T/want"
ok "the layer has the package's changed files, and no data of an application"

tar -tf "$T/layer.tar" | grep '^var/lib/dpkg/' >"$T/list"
assert_file_has_content "$T/list" '^var/lib/dpkg/status$'
assert_file_has_content "$T/list" '^var/lib/dpkg/info/tiny.list$'
assert_not_file_has_content "$T/list" 'info/[^t]|lock|status-old'
export_it web
cp "$T/out" "$T/again.tar"
assert_same_file "$T/again.tar" "$T/layer.tar"
assert_streq "$(tar -tf "$T/layer.tar" | LC_ALL=C sort -c 2>&1)" '' "order"
ok "the package database is in it, and a second export is the same to the byte"

append image:latest "$T/layer.tar" patched:latest
dk run -d --name fresh --network none patched sleep infinity >/dev/null
inside() { dk exec "$1" sh -c "$2" 2>&1; }
assert_streq "$(inside fresh 'dpkg-query -W -f "\${Version} \${Status}" tiny')" '2 install ok installed'
assert_streq "$(inside fresh 'dpkg --verify tiny; dpkg --audit; ls -a /usr/lib/tiny; readlink /lib')" \
	"$(printf '%s\n' '??5?????? c /etc/tiny/edited.conf' . .. file link-2 merged usr/lib)"
for f in /usr/bin/tiny /usr/bin/tiny-too /usr/lib/tiny/file /lib/tiny/merged /etc/tiny/same.conf "/$long"; do
	assert_streq "$(inside fresh "cat $f; stat -c '%a %u %g %Y' $f")" "$(inside web "cat $f; stat -c '%a %u %g %Y' $f")" "$f"
done
assert_streq "$(inside fresh 'cat /etc/tiny/edited.conf; ls /srv')" '1 etc/tiny/edited.conf'
fresh=$(dk inspect -f '{{.State.Pid}}' fresh)
assert_streq "$(python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "security.capability").hex())' \
	"/proc/$fresh/root/usr/lib/tiny/file")" 0100000200200000000000000000000000000000
ok "appended to the image it is the patched container, without its data"

export_it web --format=commands
assert_status 0
assert_streq "$(tr -d '\t\n\\' <"$T/out")" \
	'RUN apt-get update && apt-get install -y --only-upgrade tiny=2 && rm -rf /var/lib/apt/lists/*'
ok "as a line of a Dockerfile"

# Hostile containers.  Their report: the host's, and their own when the host has none.
report() { jq -n "{plugin: {name: \"apt\"}, ephemeral: {lost_on_recreate: $1}}" >"$T/state/containers/$id/last.json"; }
refused() { # CODE ERE [ARG…]
	export_it web "--to=$T/no.tar" "${@:3}"
	assert_status 1
	assert_file_has_content "$T/err" "$2"
	assert_not_exists "$T/no.tar"
	assert_not_exists "$T/no.tar.part"
}
# shellcheck disable=SC2016
for p in 'tiny=2;id' '-o=x' '$(id)=2' 'tiny=-x' 'tiny' 'a b=2' 'tiny=2\nid'; do
	report "[\"$p\"]"
	refused io 'names a package that cannot be one' --format=commands
done
report '[]'
refused not_ready 'nothing to carry over'
inside web "mkdir -p /var/lib/stopgap; printf '%s' '{\"plugin\":{\"name\":\"apt\"},\"ephemeral\":{\"lost_on_recreate\":[\"tiny=2\"]}}' >/var/lib/stopgap/last.json"
export_it web --format=commands
assert_status 0
assert_file_has_content "$T/out" 'tiny=2'
ok "H10 package names are checked before they are part of a command"

# Links out of the root, a list that names the host's files, FIFOs, names of whiteouts, a mount.
echo outside >"$T/secret"
inside web "rm -rf /usr/lib/tiny /etc/tiny; ln -s '$T' /usr/lib/tiny; ln -s /proc/1/root/etc /etc/tiny
	rm /usr/bin/tiny; mkfifo /usr/bin/tiny
	echo '../../../../../../..$T/secret' >>/var/lib/dpkg/info/tiny.list
	echo '/usr/lib/tiny/secret' >>/var/lib/dpkg/info/tiny.list
	echo '/t/secret' >>/var/lib/dpkg/info/tiny.list
	echo '/dev/null' >>/var/lib/dpkg/info/tiny.list
	touch /usr/bin/.wh.sh; echo '/usr/bin/.wh.sh' >>/var/lib/dpkg/info/tiny.list"
export_it web "--to=$T/hostile.tar"
assert_status 0
tar -tf "$T/hostile.tar" | grep -v '^var/lib/dpkg/' >"$T/list"
assert_not_file_has_content "$T/list" 'secret|\.wh\.sh|^usr/bin/tiny$|\.\.|^/|^dev|^etc/tiny/'
assert_streq "$(tar -xOf "$T/hostile.tar" 2>&1 | grep -c '^outside$' || true)" 0
inside web "rm /var/lib/dpkg/info/tiny.list; mkfifo /var/lib/dpkg/info/tiny.list"
refused io 'not a regular file'
ok "H6 nothing outside of the container is read, and nothing that waits"

start mixed
dk exec mixed dpkg -i /t/tiny_2.deb >/dev/null 2>&1
deb2=$T/deb-2
sed -i 's/^Package: .*/Package: other/' "$deb2/DEBIAN/control"
mv "$deb2/usr/bin/tiny" "$deb2/usr/bin/other"
rm -r "${deb2:?}"/{etc,lib,usr/lib,usr/share,usr/bin/tiny-too,DEBIAN/conffiles}
dpkg-deb --root-owner-group -b "$deb2" "$T/other.deb" >/dev/null
created=$(date -d "$(dk inspect -f '{{.Created}}' mixed)" +%s)
later() { [ "$(date +%s)" -gt $((created + 1)) ]; }
wait_for 20 later
dk exec mixed dpkg -i /t/other.deb >/dev/null
export_it mixed "--to=$T/no.tar"
assert_status 1
assert_file_has_content "$T/err" 'stopgap did not update \(other\): use --format=commands'
report '["bash=1"]'
jq -n '{plugin: {name: "rpm", manager: "dnf"}, ephemeral: {lost_on_recreate: ["openssl-libs=1:3.0.7-25.el9"]}}' \
	>"$T/state/containers/$id/last.json"
export_it mixed "--to=$T/no.tar"
assert_status 1
assert_file_has_content "$T/err" 'dpkg packages only'
export_it mixed --format=commands
assert_streq "$(tr -d '\t\n\\' <"$T/out")" 'RUN dnf install -y openssl-libs-1:3.0.7-25.el9 && dnf clean all'
ok "what a layer cannot say is refused, with the way that there is"

export_it nobody
assert_status 1
assert_file_has_content "$T/err" "no running container 'nobody'"
export_it
assert_status 2
done_testing
