# shellcheck shell=bash
# Repository lists that another container left (agent/hostlists.h): a first copy spares the download, a forged one is not used.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"

root=$(aptrepo_root)
aptrepo_start tiny-plain
ctr_create donor "$root"
aptrepo_sources donor
check donor
assert_status 100
lists=$(ctr_path donor)/var/lib/stopgap/apt/lists
n=0

# seeded   a new container, in $c, that starts from the donor's lists; its own are in $l
seeded() {
	n=$((n + 1))
	c=s$n
	ctr_create $c "$root"
	aptrepo_sources $c
	l=$(ctr_path $c)/var/lib/stopgap/apt/lists
	mkdir -p "$(dirname "$l")"
	cp -a "$lists" "$l"
	touch "$(ctr_path $c)/var/lib/stopgap/lock"
	release=$(echo "$l"/*_InRelease) packages=$(echo "$l"/*_Packages)
}
# asked   the requests since the last call, without methods and folders: "304 InRelease"
asked() {
	aptrepo_log | tail -n +$((seen + 1)) | awk '{ sub(".*/", "", $4); print $1, $4 }'
	seen=$(aptrepo_log | wc -l)
}
# forge   the index, of the same size, names a version that does not exist; $1 (304 or 200) is what the server will say of the Release
forge() {
	sed -i '/^Package: tiny-plain$/,/^$/s/^Version: ./Version: 9/' "$packages"
	sum=$(sha512sum "$packages" | cut -d' ' -f1)
	size=$(stat -c %s "$packages")
	# a second list of hashes, of the forged index, beside the true one of the true index
	sed -i "s|^SHA256:|SHA512:\n $sum $size main/binary-amd64/Packages\n&|" "$release"
	# or, $2 alone, in its place: nothing but the size is in common with the true Release
	[ "${2-}" != alone ] || sed -i -e '/^\(MD5Sum\|SHA1\|SHA256\):/,/^[^ ]/{/^ /d}' -e '/^\(MD5Sum\|SHA1\|SHA256\):/d' "$release"
	[ "$1" = 304 ] || touch -d '2001-01-01' "$release"
}

seen=$(aptrepo_log | wc -l)
seeded
check $c
assert_status 100
assert_json "$R" '[.pending[].package] == ["tiny-plain"]'
assert_streq "$(asked)" "304 InRelease"
ok "what is still right is not fetched again"

for how in 304 200 '304 alone' '200 alone'; do
	seeded
	# shellcheck disable=SC2086 # two words
	forge $how
	check $c
	assert_not_file_has_content "$R" '9\.0-1'
	assert_not_file_has_content "$packages" '^Version: 9\.0'
	ok "a forged index under a forged Release is not used (the server says $how)"
done

# A Release that says it is of something else, so that nobody would ask for it; and a server that does not answer now.
seeded
sed -i 's/^\(Origin\|Label\|Suite\|Codename\): .*/\1: other/' "$release"
check $c
assert_status 100
assert_json "$R" '[.pending[].package] == ["tiny-plain"]'
ok "a forged name does not hide a suite"

seeded
forge 200 alone
aptrepo_fault '*/*Release 503'
check $c
assert_status 1
assert_json "$R" '.pending == []'
aptrepo_fault
ok "without an answer nothing is taken from a copy that was never verified here"

check donor
aptrepo_fault '*/*Release 503'
check donor
assert_json "$R" '[.repositories[] | select(.security) | .date != ""] == [true]'
aptrepo_fault
ok "what was verified here before still says when it is from"

seeded
sed -i '/^Package: tiny-plain$/,/^$/s/^Version: ./Version: 9/' "$packages"
check $c
assert_status 100
assert_not_file_has_content "$R" '9\.0-1'
assert_not_file_has_content "$packages" '^Version: 9\.0'
ok "a forged index under the true Release is fetched again"
done_testing
