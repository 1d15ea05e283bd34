# shellcheck shell=bash disable=SC2154 # set in lib.sh
# rows: U2
# The socket's file, and who may do what: modes, groups, folders, a second agent, users inside and outside user namespaces.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/status"
chmod 711 "$T"

mode_of() { stat -c '%F %a %u:%g' "$1"; }

# --------------------------------------------------------------------------------------------------- the file

serve
assert_streq "$(mode_of "$T/run")" "directory 700 0:0" "folder"
assert_streq "$(mode_of "$S")" "socket 600 0:0" "socket"
get /healthz
assert_streq "$code" 200
stop_serving
assert_streq "$(ls -A "$T/run")" "" "left in the folder"
ok "the folder is made for root alone, the socket too, and the file goes with its agent"

serve report.socket_mode=0660 report.socket_group=12345
assert_streq "$(mode_of "$S")" "socket 660 0:12345"
stop_serving
group=$(awk -F: '$3 > 0 && $3 < 100 {print $1, $3; exit}' /etc/group)
serve report.socket_mode=0640 "report.socket_group=${group% *}"
assert_streq "$(mode_of "$S")" "socket 640 0:${group#* }"
stop_serving
for bad in nosuchgroup -1 4294967295 99999999999 '1 2' ../x; do
	serve_fails "report.socket_group=$bad"
	assert_file_has_content "$T/err" "report.socket_group: (no group '$bad' in /etc/group; name one that is, or its number|'$bad' is not a group id of 0 to)"
done
ok "mode and group by number and name"

# A client that looks all the time: it must never meet the socket with another mode, or refusing.
strace -f -qq -e trace=bind,fchmodat,fchownat,listen,renameat,renameat2,umask -o "$T/trace" \
	"${server_command[@]}" --set "report.socket=$S" --set report.socket_mode=0666 --set report.socket_group=7 >"$T/ready" &
traced=$!
at_exit end_process $traced "$(proc_start $traced)"
wait_for 20 grep -q ready "$T/ready"
calls=$(grep -oE '(bind|fchownat|fchmodat|listen|renameat2?|umask)\(' "$T/trace" | tr -d '(2\n' | sed 's/umask/ umask/g')
case $calls in
*' umaskbind umaskfchownatfchmodatlistenrenameat'*) ;;
*) fail "order of calls: $calls"; diag_file "$T/trace" ;;
esac
assert_file_has_content "$T/trace" 'umask\(0177\)'
# strace forwards no signal; its child is the server
kill "$(cat "/proc/$traced/task/$traced/children")"
wait $traced || true
ok "it is bound for root alone, then opened, and appears when it listens"

# ------------------------------------------------------------------------------------------------- second agents

serve
serve_fails
assert_status 3
assert_file_has_content "$T/err" "another stopgap serves '$S': name another path"
get /healthz
assert_streq "$code" 200
kill -KILL "$server"
wait_for 20 test ! -d "/proc/$server"
assert_exists "$S"
assert_exists "$S.lock"
serve
get /healthz
assert_streq "$code" 200
ok "two agents never share a socket; a killed one's is replaced"

mv "$S" "$S.old"
stop_serving
assert_exists "$S.old"
serve
rm "$S"
: >"$S"
stop_serving
assert_exists "$S"
ok "an agent removes only its own"

serve_fails
assert_status 1
assert_file_has_content "$T/err" "'$S' is there and is not a socket: remove it"
rm "$S"
ln -s "$T/elsewhere" "$S"
serve_fails
assert_file_has_content "$T/err" "is not a socket"
assert_not_exists "$T/elsewhere"
rm -f "$S" "$S.old"
: >"$T/precious"
ln -s "$T/precious" "$S.lock"
serve_fails
rm "$S.lock"
mkfifo "$S.lock"
serve_fails
assert_file_has_content "$T/err" "'$S.lock' is not a file of ours"
rm "$S.lock"
ln -s "$T/precious" "$S.new"
serve
assert_not_exists "$S.new"
assert_streq "$(mode_of "$T/precious")" "regular empty file 644 0:0"
stop_serving
ok "what lies in its place is neither followed nor removed"

printf 'HTTP/1.1 200 OK\r\n\r\n' >"$T/other"
start_bg "$T/other.log" "$clients" serve "$S" "$T/other"
other=$!
wait_for 20 grep -q ready "$T/other.log"
serve_fails
assert_status 3
assert_file_has_content "$T/err" "another program serves '$S'"
end_process $other "$(proc_start $other)"
ok "nor is another program's that listens"

# ------------------------------------------------------------------------------------------------------ folders

# folder ERE MODE OWNER   an agent will not have its socket in such a folder
folder() {
	rm -rf "$T/f"
	mkdir "$T/f"
	chown "$3" "$T/f"
	chmod "$2" "$T/f"
	S=$T/f/s.sock serve_fails
	assert_file_has_content "$T/err" "$1"
	assert_streq "$(ls -A "$T/f")" "" "left in the folder"
}
folder 'is writable for others: choose a folder of its own with report.socket' 0777 0:0
folder 'is writable for others' 0770 0:0
folder 'is writable for others' 0775 0:1000
folder 'belongs to another user' 0755 1000:0
folder 'belongs to another user' 1777 1000:0
rm -rf "$T/f"
S=$T/run/s.sock
ok "others could rename in the folder"

for good in 0755 1777; do
	mkdir "$T/f"
	chmod $good "$T/f"
	S=$T/f/s.sock
	serve
	get /healthz
	assert_streq "$code" 200
	stop_serving
	rm -r "$T/f"
done
S=$T/one/two/three/s.sock
serve
assert_streq "$(mode_of "$T/one/two/three")" "directory 700 0:0"
assert_streq "$(mode_of "$T/one")" "directory 755 0:0"
stop_serving
long=$T/$(head -c 150 /dev/zero | tr '\0' d)
mkdir "$long"
S=$long/s.sock serve
assert_streq "$(mode_of "$long/s.sock")" "socket 600 0:0"
run "$BUILD/tests/helpers/status-client" "$long/s.sock" text /healthz
assert_streq "$(cat "$T/out")" ok
stop_serving
S=$T/$(head -c 120 /dev/zero | tr '\0' n) serve_fails
assert_file_has_content "$T/err" "the file's name is too long"
for bad in / /run/ "$T/run/." "$T/run/.." @abstract x; do
	S=$bad serve_fails
	assert_file_has_content "$T/err" "not the path of a file|an absolute path"
done
S=$T/run/s.sock
ok "any other folder, made when it is missing, however long its path"

mkdir "$T/ro"
mount -t tmpfs -o ro none "$T/ro"
at_exit umount "$T/ro"
S=$T/ro/s.sock serve_fails
assert_file_has_content "$T/err" "create the lock of '$T/ro/s.sock': Read-only file system; mount a tmpfs on its folder"
S=$T/ro/run/s.sock serve_fails
assert_file_has_content "$T/err" "make the folder of '$T/ro/run/s.sock': Read-only file system"
with=(setpriv --reuid 1000 --regid 1000 --clear-groups)
mkdir -m 0755 "$T/roots"
S=$T/roots/s.sock serve_fails
assert_file_has_content "$T/err" "Permission denied; name a path in a folder of your own"
with=()
ok "a read-only or forbidden folder: what to do about it"

# --------------------------------------------------------------------------------------------------- who may POST

run_body='{"mode":"check"}'
# shellcheck disable=SC2317 # by wait_for
idle() { curl -sS --unix-socket "$S" http://localhost/v1/status | jq -e '.run.state == "idle"'; }

# try STATUS COMMAND…   a POST by this command prefix
try() {
	local want=$1 got
	shift
	wait_for 20 idle || fail "still busy"
	got=$("$@" curl -sS --max-time 20 --unix-socket "$S" -o "$T/body" -w '%{http_code}' -d "$run_body" http://localhost/v1/run 2>"$T/curl.err") || got="no connection: $(cat "$T/curl.err")"
	[[ $got == $want* ]] || fail "$*: $got, expected $want"
}
as() { echo setpriv --reuid "$1" --regid "$1" --clear-groups; }
: >"$T/body"
chmod 666 "$T/body"
mkdir "$T/open"
S=$T/open/s.sock

serve report.socket_mode=0600
# shellcheck disable=SC2046 # words
try 'no connection' $(as 1000)
try 202
stop_serving
serve report.socket_mode=0666
try 202
for uid in 1 1000 65534 4294967294; do
	# shellcheck disable=SC2046
	try 403 $(as $uid)
	assert_json_eq "$T/body" .error.code '"forbidden"'
done
# shellcheck disable=SC2046
{
	# root of a user namespace of his own is still himself; root of one that root made is root
	try 403 $(as 1000) unshare --user --map-root-user
	try 202 unshare --user --map-root-user
	# groups are nothing
	try 403 setpriv --reuid 1000 --regid 0 --groups 0
	for route in status report history events; do
		got=$($(as 1000) curl -sS -m 1 --unix-socket "$S" -o /dev/null -w '%{http_code}' "http://localhost/v1/$route" 2>/dev/null) || true
		[[ $got == 200 || $got == 503 ]] || fail "GET /v1/$route by another user: $got"
	done
}
stop_serving
ok "POST /v1/run: root, and nobody else of those whom the socket's mode lets in"

chown 1000 "$T/open"
chmod 755 "$T/open"
with=(setpriv --reuid 1000 --regid 1000 --clear-groups)
serve report.socket_mode=0666
# shellcheck disable=SC2046
{
	try 202 $(as 1000)
	try 202
	try 403 $(as 1001)
}
stop_serving
ok "and the agent's own user"

# In a user namespace all whom it does not map look like one: 65534, even when that is the agent's own number there.
with=(setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user --map-user=65534)
serve report.socket_mode=0666
# shellcheck disable=SC2046
{
	try 403 $(as 1001)
	try 403 $(as 65534)
}
stop_serving
with=(setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user --map-root-user)
serve report.socket_mode=0666
# shellcheck disable=SC2046
{
	try 403 $(as 1001)
	try 403
	try 202 $(as 1000)
}
stop_serving
with=()
chown 0 "$T/open"
ok "users that a user namespace does not map are nobody"

serve report.allow_trigger=no
try 403
assert_json "$T/body" '.error.message | test("report.allow_trigger is no")'
stop_serving
serve
post /v1/run "$run_body" -H 'Origin: https://evil.example'
assert_error_body 403 forbidden
post /v1/run "$run_body"
assert_streq "$code" 202
post /v1/run "$run_body"
assert_error_body 409 busy
wait_for 20 idle
for bad in '' '{}' '[]' '"once"' '{"mode":1}' '{"mode":"dry-run"}' '{"mode":"Once"}' '{"mode":"once\u0000"}' '{"mode":"once","x":1}' \
	'{"mode":null}' '{"mode":"once"}x' '{mode:"once"}' "{'mode':'once'}" "$(printf '[%.0s' {1..2000})" '{"mode":"once"' $'{"mode":"\xff"}'; do
	post /v1/run "$bad"
	assert_error_body 400 bad_request
done
get /v1/status
assert_json_eq "$T/body" .run.state '"idle"'
ok "allow_trigger=no, a web page, a busy agent, and what is no request for a run"

stop_serving
ok "it ends well"

done_testing
