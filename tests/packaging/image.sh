# shellcheck shell=bash
# The tarball and the image of the bundle: well formed, the same each time, and used as people use them, in Docker.
# timeout: 900
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/dockerd"
. "$TESTS/testbed/packages"

made tarball "$T/packages"
made oci "$T/packages"
tarball=$(echo "$T"/packages/stopgap-*.tar.xz)
image=$(echo "$T"/packages/stopgap-*-oci.tar)
version=$("$TOP/packaging/version" "$TOP")
arch=$("$TOP/packaging/arch" "$BUNDLE")
assert_streq "${tarball##*/} ${image##*/}" "stopgap-$version-$arch.tar.xz stopgap-$version-$arch-oci.tar"
ok "make tarball, make oci"

# ------------------------------------------------------------------------------------------------------ tarball

tar -tJvf "$tarball" >"$T/list"
assert_not_file_has_content "$T/list" '^.{10} (root|[1-9])'
assert_streq "$(awk '{ print $4, $5 }' "$T/list" | sort -u | wc -l)" 1 "number of times"
assert_streq "$(awk '{ print $1 }' "$T/list" | sort -u | tr '\n' ' ')" '-rw-r--r-- -rwxr-xr-x drwxr-xr-x lrwxr-xr-x '
mkdir "$T/usr"
tar -C "$T/usr" --strip-components=1 -xf "$tarball"
(cd "$T/usr/lib/stopgap" && sha256sum --quiet --strict -c share/manifest) || fail "the bundle is not as its manifest says"
run "$T/usr/bin/stopgap" --version
assert_status 0
run "$T/usr/lib/stopgap/methods/http"
assert_file_has_content "$T/out" '^100 Capabilities'
assert_exists "$T/usr/share/man/man8/stopgap.8"
ok "the tarball is an installation, whoever unpacks it wherever"

# -------------------------------------------------------------------------------------------------------- image

mkdir "$T/oci" "$T/layer"
tar -C "$T/oci" -xf "$image"
blob() { echo "$T/oci/blobs/sha256/${1#sha256:}"; }
for f in "$T"/oci/blobs/sha256/*; do
	assert_streq "$(sha256sum <"$f" | cut -d' ' -f1)" "${f##*/}" "digest of a blob"
done
assert_json_eq "$T/oci/oci-layout" .imageLayoutVersion '"1.0.0"'
manifest=$(blob "$(jq -r '.manifests[0].digest' "$T/oci/index.json")")
config=$(blob "$(jq -r .config.digest "$manifest")")
layer=$(blob "$(jq -r '.layers[0].digest' "$manifest")")
assert_streq "$(jq -r '.manifests[0].size' "$T/oci/index.json") $(jq -r .config.size "$manifest") $(jq -r '.layers[0].size' "$manifest")" \
	"$(stat -c %s "$manifest" "$config" "$layer" | tr '\n' ' ' | sed 's/ $//')" sizes
assert_streq "$(gzip -dc "$layer" | sha256sum | cut -d' ' -f1)" "$(jq -r '.rootfs.diff_ids[0]' "$config" | sed s/sha256://)" "diff_id"
assert_json "$config" '.config.Entrypoint == ["/stopgap/stopgap"] and .config.Volumes == {"/stopgap": {}} and .architecture == $arch' --arg arch "$arch"
assert_streq "$(find "$T/oci/blobs" -type f | wc -l)" 3 "number of blobs"
tar -C "$T/layer" -xf "$layer"
diff -r --no-dereference "$T/layer/stopgap" "$BUNDLE" || fail "the layer is not the bundle"
assert_streq "$(ls -A "$T/layer")" stopgap
ok "the image is an OCI layout: digests, sizes and one layer that is the bundle"

cp -a "$BUNDLE" "$T/elsewhere"
epoch=$("$TOP/packaging/epoch" "$TOP")
find "$T/elsewhere" -exec touch -h -d '2020-01-01' {} +
(umask 077 && TZ=Asia/Tokyo "$TOP/packaging/oci/build" "$T/again" "$T/elsewhere" "$version" "$epoch")
assert_same_file "$T/again/${image##*/}" "$image"
mkdir "$T/stage"
cp -a "$T/usr" "$T/stage/usr"
(umask 077 && "$TOP/packaging/tarball/build" "$T/again" "$T/stage" "$version" "$epoch")
assert_same_file "$T/again/${tarball##*/}" "$tarball"
ok "the same bytes from a copy elsewhere, under another umask and time zone"

# ------------------------------------------------------------------------------------------------------- Docker

dockerd_start
dockerd_image outdated bookworm official
tag=stopgap:$(tr '~' '-' <<<"$version")
run dk load -i "$image"
assert_status 0
assert_file_has_content "$T/out" "Loaded image: $tag"
run dk run --rm --network none "$tag" --version
assert_status 0
assert_file_has_content "$T/out" '^stopgap [0-9]'
run dk run --rm --network none --read-only --user 1000 "$tag"
assert_status 0
assert_file_has_content "$T/out" '^Usage: stopgap'
ok "docker load; the image says what it is"

dk create --name bundle "$tag" >/dev/null
run dk run --rm --network none --volumes-from bundle:ro --entrypoint /stopgap/stopgap outdated run --before-start=never -- sh -c 'echo "it is $1"; exit 7' - wrapped
assert_status 7
assert_file_has_content "$T/out" '^it is wrapped$'
run dk run --rm --network none --volumes-from bundle:ro outdated /stopgap/stopgap check --output=json
assert_status 3
assert_json "$T/out" '[.blocked[].code] | index("no_egress") != null'
run dk run --rm --network none --volumes-from bundle:ro outdated sh -c 'touch /stopgap/x'
assert_file_has_content "$T/err" 'Read-only'
ok "--volumes-from: another image runs the agent and a plugin from it"

dk volume create shared >/dev/null
for _ in 1 2; do
	run dk run --rm --network none -v shared:/shared "$tag" copy-to /shared
	assert_status 0
done
run dk run --rm --network none -v shared:/opt/somewhere:ro outdated sh -c 'cd /opt/somewhere && sha256sum --quiet --strict -c share/manifest && ./stopgap scan --output=json'
assert_status 0
assert_json "$T/out" '.result == "ok" and .exit_code == 0'
ok "copy-to: a volume gets the bundle from an image that has no cp, twice"

mkdir "$T/context"
printf 'FROM outdated\nCOPY --from=%s /stopgap /stopgap\nENTRYPOINT ["/stopgap/stopgap", "run", "--before-start=never", "--"]\nCMD ["true"]\n' \
	"$tag" >"$T/context/Dockerfile"
run env DOCKER_BUILDKIT=0 DOCKER_CONFIG="$T/docker-config" "$DOCKER" -H "unix://$T/docker.sock" build -t copied "$T/context"
assert_status 0
run dk run --rm --network none copied sh -c 'exit 5'
assert_status 5
ok "COPY --from: an image that carries the bundle"

done_testing
