# shellcheck shell=bash
# The list of contents of the bundle (SPDX 2.3): every file, with its checksum and the package it is from, and nothing else.
. "$(dirname "$0")/../lib.sh"

D=$BUNDLE/share/sbom.spdx.json

# What the specification demands of each kind of element.
assert_json "$D" '
	.spdxVersion == "SPDX-2.3" and .dataLicense == "CC0-1.0" and .SPDXID == "SPDXRef-DOCUMENT" and
	(.name | startswith("stopgap-bundle-")) and (.documentNamespace | test("^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")) and
	(.creationInfo.created | test("^[0-9-]{10}T[0-9:]{8}Z$")) and
	all(.creationInfo.creators[]; test("^(Tool|Organization): "))'
assert_json "$D" 'all(.packages[]; .name and .versionInfo and .downloadLocation == "NOASSERTION" and .licenseDeclared and
	.licenseConcluded and .copyrightText and (.supplier | test("^Organization: ")) and (.filesAnalyzed | type == "boolean"))'
assert_json "$D" 'all(.files[]; (.fileName | startswith("./")) and .licenseConcluded and .copyrightText and
	([.checksums[].algorithm] == ["SHA1", "SHA256"]) and all(.checksums[]; .checksumValue | test("^[0-9a-f]{40}([0-9a-f]{24})?$")))'
assert_json "$D" '[.. | .SPDXID? | strings] as $ids | ($ids | length) == ($ids | unique | length) and
	all($ids[]; test("^SPDXRef-[A-Za-z0-9.-]+$")) and
	(([.relationships[] | .spdxElementId, .relatedSpdxElement] | unique) - $ids) == []'
assert_json "$D" '[.relationships[].relationshipType] | unique == ["CONTAINS", "DESCRIBES", "STATIC_LINK"]'
assert_json_eq "$D" '[.relationships[] | select(.relationshipType == "DESCRIBES") | .relatedSpdxElement]' '["SPDXRef-Package-stopgap-bundle"]'
ok "it is a document as SPDX 2.3 wants it"

jq -r '.files[] | (.checksums[] | select(.algorithm == "SHA256").checksumValue) + "  " + .fileName' "$D" | sort >"$T/got"
(cd "$BUNDLE" && find . -type f ! -path ./share/manifest ! -path ./share/sbom.spdx.json -exec sha256sum {} +) | sort >"$T/want"
assert_same_file "$T/got" "$T/want"
code=$(cd "$BUNDLE" && find . -type f ! -path ./share/manifest ! -path ./share/sbom.spdx.json -exec sha1sum {} + | cut -d' ' -f1 | sort |
	tr -d '\n' | sha1sum | cut -d' ' -f1)
assert_json_eq "$D" '.packages[0].packageVerificationCode.packageVerificationCodeValue' "\"$code\""
jq -r '.relationships[] | select(.spdxElementId == "SPDXRef-Package-stopgap-bundle").relatedSpdxElement' "$D" | sort >"$T/got"
jq -r '(.files[], .packages[1:][]).SPDXID' "$D" | sort >"$T/want"
assert_same_file "$T/got" "$T/want"
ok "every file is in it, with its checksum"

jq -r '.packages[1:][] | .name + " " + .versionInfo + " " + (.sourceInfo | sub("built from Debian source package "; ""))' "$D" | sort >"$T/got"
sed 's/^\([^: ]*\):[^ ]*/\1/' "$BUNDLE/share/packages" | sort >"$T/want"
assert_same_file "$T/got" "$T/want"
while read -r file; do
	assert_exists "$BUNDLE/$file"
done < <(jq -r '.packages[1:][].licenseComments' "$D")
assert_json "$D" 'all(.packages[1:][]; . as $p | .externalRefs | length == 1 and .[0].referenceType == "purl" and
	(.[0].referenceLocator | startswith("pkg:deb/debian/" + ($p.name | @uri) + "@" + ($p.versionInfo | @uri))))'
ok "every Debian package is in it, with version, source, purl and the file with its licence"

# "FILE TYPE PACKAGE" for each relation between a file and a package of Debian
jq -r '(reduce .files[] as $f ({}; .[$f.SPDXID] = $f.fileName[2:])) as $files | .relationships[] |
	if .relationshipType == "STATIC_LINK" then [$files[.spdxElementId], "linked", .relatedSpdxElement]
	elif $files[.relatedSpdxElement] and .spdxElementId != "SPDXRef-Package-stopgap-bundle" then
		[$files[.relatedSpdxElement], "from", .spdxElementId] else empty end | join(" ") | sub("SPDXRef-Package-"; "")' \
	"$D" >"$T/relations"
related() { awk -v f="$1" -v how="$2" '$1 == f && $2 == how { print $3 }' "$T/relations" | tr '\n' ' '; }
while read -r file; do
	if [ "$file" = stopgap ] || { [[ $file == lib*/* ]] && [ -x "$BUILD/${file##*/}" ]; }; then
		assert_streq "$(related "$file" from)" '' "package of $file, which was built here"
	elif [[ $file != share/packages && $file != share/licences/stopgap && $file != share/licences/common/* ]]; then
		[ -n "$(related "$file" from)" ] || fail "$file is from no package"
	fi
done < <(cd "$BUNDLE" && find . -type f ! -path ./share/manifest ! -path ./share/sbom.spdx.json -printf '%P\n')
for file in lib/libapt-pkg.so.6.0:libapt-pkg6.0 libexec/gpgv-verify:gpgv share/distro-info/debian.csv:distro-info-data; do
	assert_streq "$(related "${file%:*}" from)" "${file#*:} " "package of $file"
done
assert_streq "$(related stopgap linked)" 'libc6-dev libevent-dev libjson-c-dev libmd-dev '
assert_streq "$(related libexec/stopgap-rpm linked)" 'libjson-c-dev libmd-dev libcurl4-gnutls-dev '
ok "each file that is not ours is from a package; what is linked statically is named"

done_testing
