# shellcheck shell=bash
# rows: R13
# What fetches, and what reads bytes that nobody has verified, is locked in: taken over it gets nowhere.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/rpmpkg"
. "$TESTS/testbed/rpmrepo"
. "$TESTS/testbed/intruder"

rpmrepo_start
rpmrepo_updates el9

# A bundle whose libexpat is the intruder, with the real one behind it.
cp -a "$BUNDLE" "$T/bundle"
sed 's/libexpat\.so\.1/libexpaz.so.1/g' "$BUNDLE/lib/libexpat.so.1" >"$T/bundle/lib/libexpaz.so.1"
intruder_library "$T/libexpat.so.1" libexpat.so.1 "$T/bundle/lib/libexpaz.so.1"
cp "$T/libexpat.so.1" "$T/bundle/lib/libexpat.so.1"

taken_over() {
	ctr_create "$1" "$(rpmroot el9)" --bundle "$T/bundle"
	rpmrepo_use "$1" updates
	echo secret >"$(ctr_path "$1")/srv/readable"
}

taken_over fetch
sed -i 's#http://127.0.0.1:#http://mirror.invalid:#' "$(ctr_path fetch)"/etc/yum.repos.d/*.repo
snapshot fetch before
check fetch --verbose
assert_status 3
assert_code no_egress
assert_no_code sandbox_degraded
assert_tried "$T/err"
assert_streq "$(intruder_got "$T/err")" ''
assert_unchanged fetch before
ok "R13 rpm: taken over while fetching it can do nothing of what an intruder tries"

taken_over parse
snapshot parse before
check parse --verbose
assert_status 1 3
assert_tried "$T/err"
assert_streq "$(intruder_got "$T/err")" ''
assert_unchanged parse before
ok "R13 rpm: taken over it can do nothing while reading repomd.xml"

taken_over metalink
mkdir -p "$REPO/list"
printf '<?xml version="1.0"?><metalink><files><file name="repomd.xml"><resources><url>%s/repodata/repomd.xml</url></resources></file></files></metalink>' \
	"$REPO_URI/updates" >"$REPO/list/metalink"
sed -i "s#^baseurl=.*#metalink=$REPO_URI/list/metalink#" "$(ctr_path metalink)"/etc/yum.repos.d/*.repo
snapshot metalink before
check metalink --verbose
assert_status 1 3
assert_tried "$T/err"
assert_streq "$(intruder_got "$T/err")" ''
assert_unchanged metalink before
ok "R13 rpm: taken over it can do nothing while reading a list of mirrors"

number() { printf '#include <sys/syscall.h>\nSYS_%s\n' "$1" | "${CC:-cc}" -E -P - | tail -1; }
ctr_create old "$(rpmroot el9)"
rpmrepo_use old updates
cp "$(helper refuse)" "$(ctr_path old)/refuse"
run ctr_exec old /refuse "$(number landlock_create_ruleset)" -- $at/stopgap check --output=json
cp "$T/out" "$R"
assert_status 100
assert_code sandbox_degraded
assert_json "$R" '[.. | objects | select(.code? == "sandbox_degraded").detail | contains("Landlock")] == [true]'
ctr_create root "$(rpmroot el9)" --cap-drop=SETUID --cap-drop=SETGID
rpmrepo_use root updates
once root
assert_status 0
assert_json "$R" '[.. | objects | select(.code? == "sandbox_degraded").detail | contains("unprivileged user")] == [true]'
ok "R13 rpm: a layer that cannot be had is named, once, and updates come all the same"

# A part of an earlier run is gone on with, whatever user it was of.
ctr_create resume "$(rpmroot el9)"
rpmrepo_use resume updates
once resume
assert_status 0
assert_no_code sandbox_degraded
p=$(ctr_path resume)/var/lib/stopgap/rpm
assert_streq "$(stat -c '%u %a' "$p/partial")" '65533 700'
assert_streq "$(find "$p" -type f ! -user 0)" '' "files that are not root's"
assert_streq "$(find "$p/partial" -type f)" '' "parts that are left"
ok "R13 rpm: what has arrived is root's, and nothing stays behind"

done_testing
