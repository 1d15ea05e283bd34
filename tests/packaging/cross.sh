# shellcheck shell=bash
# arm64: the bundle made by cross compilation, and its programs under qemu.
# timeout: 1800
. "$(dirname "$0")/../lib.sh"

run "$TOP/packaging/cross" s390x "$T/made"
assert_status 1
assert_file_has_content "$T/err" "^cross: no architecture 's390x'; accepted: arm64$"
run "$TOP/packaging/cross" arm64 "$T/made"
assert_status 0
B=$T/made/bundle
assert_streq "$("$TOP/packaging/arch" "$B")" arm64
(cd "$B" && sha256sum --quiet --strict -c share/manifest) || fail "the bundle is not as its manifest says"
find "$B" -type f -printf '%P\n' | sed 's/ld-linux[^ ]*/LOADER/; s/aarch64/MACHINE/' | sort >"$T/got"
find "$BUNDLE" -type f -printf '%P\n' | sed 's/ld-linux[^ ]*/LOADER/; s/x86_64/MACHINE/' | sort >"$T/want"
assert_same_file "$T/got" "$T/want"
ok "packaging/cross makes a bundle with the same files"

while read -r file; do
	case $(readelf -h "$file" 2>/dev/null | sed -n 's/^ *Machine: *//p') in
	AArch64|'') ;;
	*) fail "$file is for another machine" ;;
	esac
done < <(find "$B" -type f ! -path '*/share/*')
run "$TOP/packaging/checks/static-agent" "$B/stopgap"
assert_status 0
assert_streq "$(cut -d' ' -f1 "$B/share/packages" | sed -n 's/.*://p' | sort -u)" arm64 "architectures of the packages"
jq -r '.packages[].externalRefs[]?.referenceLocator' "$B/share/sbom.spdx.json" >"$T/purls"
assert_file_has_content "$T/purls" '^pkg:deb/debian/libapt-pkg6.0@.*arch=arm64$'
assert_not_file_has_content "$T/purls" 'amd64'
assert_exists "$(echo "$T"/made/stopgap-*-arm64.tar.xz)"
tar -xOf "$(echo "$T"/made/stopgap-*-arm64-oci.tar)" index.json >"$T/index.json"
assert_json_eq "$T/index.json" '.manifests[0].platform.architecture' '"arm64"'
ok "every program, package and image in it is for arm64, and the agent is static"

# The agent finds its bundle by /proc/self/exe, which is the emulator.
cp -a "$B" "$T/bundle"
cp "$(command -v qemu-aarch64-static)" "$T/bundle/emulator"
# shellcheck disable=SC2317 # called by run
emulated() { "$T/bundle/emulator" "$T/bundle/stopgap" "$@"; }
run emulated --version
assert_status 0
assert_streq "$(cat "$T/out")" "$("$BUNDLE/stopgap" --version)"
run emulated --help
assert_status 0
cp "$T/out" "$T/help"
"$BUNDLE/stopgap" --help >"$T/want"
assert_same_file "$T/help" "$T/want"
run emulated config --config "$TESTS/data/some.conf" --output=json
cp "$T/out" "$T/got"
status_here=$status
run "$BUNDLE/stopgap" config --config "$TESTS/data/some.conf" --output=json
assert_status "$status_here"
assert_same_file "$T/got" "$T/out"
run emulated copy-to "$T/copy"
assert_status 0
diff -r --no-dereference "$T/copy" "$B" || fail "the copy differs"
# The kernel here cannot start the plugin, which is for another machine.
run emulated check --output=json --config "$TESTS/data/empty.conf" --set report.state_dir="$T/state" --set report.socket="$T/none.sock"
assert_status 1 3
assert_json "$T/out" '.result != "ok" and ((.error.code // .blocked[0].code) | type == "string")'
ok "the agent runs under qemu-user: version, help, config, copy-to; check says why not"

# program NAME ARG…   one of the bundle's own programs, with its loader and libraries
# shellcheck disable=SC2317 # called by run
program() { qemu-aarch64-static "$B/lib/ld-linux-aarch64.so.1" --inhibit-cache --library-path "$B/lib" "$B/libexec/$1" "${@:2}"; }
run program http
assert_file_has_content "$T/out" '^100 Capabilities'
run program gpgv-verify --version
assert_status 0
for name in "$B"/libexec/*; do
	run qemu-aarch64-static "$B/lib/ld-linux-aarch64.so.1" --inhibit-cache --library-path "$B/lib" --list "$name"
	assert_status 0
	assert_not_file_has_content "$T/out" '=> (/lib|/usr|not found)'
done
ok "so do its other programs, with the bundle's libraries alone"

done_testing
