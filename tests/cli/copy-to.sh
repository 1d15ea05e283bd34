# shellcheck shell=bash
# copy-to: the bundle in a volume, again over an older one, and never over anything else.
. "$(dirname "$0")/../lib.sh"

S=$BUNDLE/stopgap

same() { # DIR: names, modes, times and contents are the bundle's
	local list="find . -mindepth 1 ! -name lost+found -printf %p\t%y\t%#m\t%T@\t%l\n"
	(cd "$BUNDLE" && $list | sort) >"$T/want"
	(cd "$1" && $list | sort) >"$T/got"
	assert_same_file "$T/got" "$T/want"
	(cd "$1" && sha256sum --quiet --strict -c share/manifest) || fail "$1 differs from its manifest"
}

run "$S" copy-to "$T/new/deep er"
assert_status 0
assert_file_has_content "$T/out" "^the bundle is in $T/new/deep er$"
same "$T/new/deep er"
run "$T/new/deep er/methods/http"
assert_file_has_content "$T/out" '^100 Capabilities'
ok "a folder that is not there is made; the copy is the bundle, and runs"

v=$T/volume
mkdir -p "$v/lost+found"
(umask 077 && "$S" copy-to "$v" >/dev/null)
same "$v"
ok "the root of a volume, whatever the umask"

echo old >"$v/libexec/of-an-older-one"
echo old >"$v/stopgap.x" && mv "$v/stopgap.x" "$v/stopgap" && chmod 755 "$v/stopgap"
exec 3<"$v/stopgap"
ln -sfn /nowhere "$v/methods/http"
run "$S" copy-to "$v"
assert_status 0
same "$v"
assert_streq "$(cat <&3)" old "a file that was open"
exec 3<&-
ok "an older bundle is replaced as a whole; who has its files open keeps them"

# refused EXIT TEXT DIR
refused() {
	run "$S" copy-to "$3"
	assert_status "$1"
	assert_file_has_content "$T/err" "$2"
	assert_streq "$(wc -l <"$T/err")" 1 "lines of message"
}

mkdir -p "$T/usr/lib" "$T/usr/share" "$T/other/lib" "$T/full"
echo precious >"$T/usr/lib/precious"
refused 2 "'$T/usr' holds something that is no bundle; name an empty folder" "$T/usr"
echo precious >"$T/other/precious"
refused 2 "'$T/other' holds 'precious', which is no part of a bundle; name an empty folder" "$T/other"
assert_streq "$(cat "$T/usr/lib/precious" "$T/other/precious")" $'precious\nprecious'
assert_streq "$(find "$T/usr" "$T/other" -name '.stopgap*')" ''
ok "a folder with anything else in it is left alone"

cp -a "$BUNDLE" "$T/source"
for dir in "$T/source" "$T/source/lib" "$T/source/a/b"; do
	run "$T/source/stopgap" copy-to "$dir"
	assert_status 2
	assert_file_has_content "$T/err" "is in the bundle that is to be copied; name another folder"
done
rm -r "$T/source/a"
same "$T/source"
ok "the bundle is not copied into itself"

# Another container has the volume too, and its root put links there.
mkdir "$T/outside"
echo precious >"$T/outside/manifest"
ln -s "$T/outside" "$v/.stopgap.new"
refuse_links() { assert_streq "$(cat "$T/outside/manifest" "$T/outside/x/deep" 2>/dev/null)" precious; }
run "$S" copy-to "$v"
assert_status 0
same "$v"
refuse_links
rm -r "${v:?}/lib"
ln -s "$T/outside" "$v/lib"
mkdir -p "$v/.stopgap.new/x"
ln -s "$T/outside" "$v/.stopgap.new/x/out"
run "$S" copy-to "$v"
assert_status 0
same "$v"
refuse_links
rm -r "${v:?}/share"
ln -s "$T/outside" "$v/share"
run "$S" copy-to "$v"
assert_status 0 2
refuse_links
assert_streq "$(ls "$T/outside")" manifest "in the folder outside"
ok "links in the volume are replaced or refused, never followed"

mount -t tmpfs -o size=4m tmpfs "$T/full"
at_exit umount "$T/full"
refused 1 'No space left on device' "$T/full"
assert_streq "$(ls -A "$T/full")" '' "left in a full volume"
mount -o remount,ro "$T/full"
refused 1 'Read-only file system' "$T/full/x"
printf x >"$T/file"
refused 1 'Not a directory|not a directory|File exists' "$T/file"
ok "a full volume is named and left empty; so is what cannot be written"

rm -f "$T/source/share/manifest"
mkfifo "$T/source/share/manifest"
run timeout 20 "$T/source/stopgap" copy-to "$T/fifo"
assert_status 1
assert_file_has_content "$T/err" "copy 'manifest': no part of a bundle; install the bundle again"
rm -r "$T/source/guard"
run "$T/source/stopgap" copy-to "$T/lacks"
assert_status 1
assert_streq "$(find "$T/lacks" "$T/fifo" -mindepth 1)" '' "left of a copy that failed"
ok "a bundle that is not whole is not copied"

run "$S" copy-to
assert_status 2
assert_file_has_content "$T/err" "needs a word: stopgap copy-to "
run "$S" copy-to "$T/a" "$T/b"
assert_status 2
run "$S" copy-to "$T/a" --set updates.policy=all
assert_status 2
assert_not_exists "$T/a"
ok "one folder, and no settings"

done_testing
