# shellcheck shell=bash
# The agent tells the plugin its policy, and believes nothing: it checks every update again and may only shrink the plan.
# own processes
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/fake"

# offers LINES   a script whose plan has these lines; `more <<EOF…` adds sections
offers() { printf 'on plan\n%s\nwell\n' "$1" | plays; }
more() { cat >>"$B/fake.script"; }
three='update libssl3 3.0.1 3.0.2
update vim 9.0 9.1
update libc6 2.36-1 2.36-2'

# ------------------------------------------------------------------------------------- what the plugin is told

offers "$three"
report once --set 'updates.deny=linux-.*\.x foo' --set 'updates.allow=libssl3 vim libc6' --set updates.min_age=1h \
	--set updates.min_severity=low --set updates.allow_new=no --set 'updates.origins=origin=Debian,label=Debian-Security'
assert_report 0
assert_streq "$(param plan '[.policy,.deny,.allow,.min_age,.min_severity,.allow_new,.minimal,.origins,.denials]')" \
	'["security",["linux-.*\\.x","foo"],["libssl3","vim","libc6"],3600,"low",false,false,["origin=Debian,label=Debian-Security"],[]]'
assert_streq "$(param refresh '[.scope,.origins]')" '["security",["origin=Debian,label=Debian-Security"]]'
ok "the whole policy reaches the plugin, expressions as they were written"

report once --set trust.accept_expired=yes --set trust.max_metadata_age=2d --set network.proxy=http://proxy.example:3128 \
	--set network.max_bytes=1k
assert_streq "$(param probe '[.require_signed,.accept_expired,.max_metadata_age,.proxy,.max_bytes,.lock_timeout]')" \
	'[true,true,172800,"http://proxy.example:3128",1024,0]'
ok "settings go with probe"

digest=$(printf '%s\n' 'libc6 amd64 2.36-1 2.36-2' 'libssl3 amd64 3.0.1 3.0.2' 'vim amd64 9.0 9.1' | sha256sum | cut -d' ' -f1)
assert_streq "$(param apply .digest)" "\"$digest\"" "digest of apply"
assert_streq "$(param fetch .digest)" "\"$digest\"" "digest of fetch"
ok "fetch and apply name the plan by the digest of its sorted lines"

STOPGAP_NETWORK_PROXY='' http_proxy=http://operator.example report check
assert_report 100
ok "an operator's proxy variable is no obstacle"

# ------------------------------------------------------------------------------------------- denied by policy

# refused CODE OPTION…   vim is not applied, for this reason, and the rest is
refused() {
	local code=$1
	shift
	offers "$three"
	report once "$@"
	assert_report 0
	assert_applied libssl3 libc6
	assert_json_eq "$R" '[.kept_back[] | [.package, .kept_back.code]]' "[[\"vim\",\"$code\"]]"
	assert_streq "$(param plan '[.denials[] | [.package, .arch, .reason.code]]')" "[[\"vim\",\"amd64\",\"$code\"]]"
	assert_json "$R" '.kept_back[0].kept_back.detail | length > 5'
}
refused deny_list --set 'updates.deny=vim'
ok "deny: a plugin that offers it is told so and plans again"
refused deny_list --set 'updates.deny=v.*|emacs'
ok "deny: expressions"
refused not_allowed --set 'updates.allow=lib.*'
ok "allow: what no entry matches"
three=${three/update vim 9.0 9.1/update vim - 9.1}
refused new_package --set updates.allow_new=no
ok "allow_new=no: a new package"
three=${three/update vim - 9.1/update vim 9.0 9.1}

offers "$three"
report once --set 'updates.deny=im vi ibssl3 libssl'
assert_report 0
assert_json_eq "$R" '.applied | length' 3
ok "expressions are anchored: a part of a name denies nothing"

offers "$three"
report once --set 'updates.deny=.*'
assert_report 0
assert_json_eq "$R" '[(.applied | length), (.kept_back | length), (.failed | length)]' '[0,3,0]'
assert_not_file_has_content "$B/fake.log" '"method":"(fetch|apply)"'
ok "when all is denied nothing is fetched nor applied"

offers $'update libssl3 3.0.1 3.0.2\ninsist vim 9.0 9.1'
report once --set updates.deny=vim
assert_error plugin_protocol
assert_json "$R" '.error.message | contains("was denied and is planned again")'
assert_applied
assert_not_file_has_content "$B/fake.log" '"method":"(fetch|apply)"'
ok "a plugin that insists is not believed"

for i in $(seq 1 20); do
	printf 'on plan %d\nupdate p%d 1 2\nwell\n' "$i" "$i"
done | plays
report once --set 'updates.deny=p.*'
assert_error plugin_protocol
assert_json "$R" '.error.message | contains("rounds")'
ok "nor is one that offers another denied package each time"

# ------------------------------------------------------------------------------------- a plan that contradicts itself

# contradicts CODE NAME   with the section for plan on standard input
contradicts() {
	{ echo 'on plan'; cat; } | plays
	report once
	assert_error "$1"
	assert_applied
	assert_not_file_has_content "$B/fake.log" '"method":"(fetch|apply)"'
	ok "$2"
}
contradicts plugin_protocol "the same package twice" <<<$'update a 1 2\nupdate a 1 3\nwell'
contradicts plugin_protocol "fewer updates than it counts" <<'EOF'
update a 1 2
{"id":@id,"result":{"count":2,"kept_back":0,"digest":"@digest"}}
EOF
contradicts plugin_protocol "fewer kept back than it counts" <<'EOF'
update a 1 2
{"id":@id,"result":{"count":1,"kept_back":1,"digest":"@digest"}}
EOF
contradicts digest_mismatch "a digest of another plan" <<'EOF'
update a 1 2
{"id":@id,"result":{"count":1,"kept_back":0,"digest":"@lie"}}
EOF
contradicts digest_mismatch "a digest of nothing" <<'EOF'
update a 1 2
{"id":@id,"result":{"count":1,"kept_back":0,"digest":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}
EOF
contradicts plugin_protocol "planned and kept back at once" <<'EOF'
{"event":"update","id":@id,"package":"a","arch":"amd64","installed":"1","candidate":"2","security":true,"kept_back":{"code":"hold"}}
well
EOF
contradicts plugin_protocol "kept back without a reason" <<'EOF'
{"event":"kept_back","id":@id,"package":"a","arch":"amd64","installed":"1","candidate":"2","security":true}
well
EOF
contradicts plugin_protocol "an update to nothing" <<'EOF'
{"event":"update","id":@id,"package":"a","arch":"amd64","installed":"1","candidate":"","security":true}
well
EOF
contradicts plugin_protocol "no security update among them" <<<$'update a 1 2 Evil:Evil stable\nwell'
contradicts plugin_protocol "terminal commands in a name" <<'EOF'
{"event":"update","id":@id,"package":"a\u001b[2J","arch":"amd64","installed":"1","candidate":"2","security":true}
well
EOF
contradicts plugin_protocol "more updates than a container has packages" <<'EOF'
flood 30000 {"event":"update","id":@id,"package":"p@n","arch":"amd64","installed":"1","candidate":"2","security":true}
well
EOF

# ------------------------------------------------------------------------------------------ fetch and apply lie

offers "$three"
more <<'EOF'
on apply
{"id":@id,"result":{"applied":[{"package":"libssl3","arch":"amd64","version":"3.0.2"},{"package":"rootkit","arch":"amd64","version":"1"}]}}
on verify
{"id":@id,"result":{"missing":[{"package":"libssl3","arch":"amd64","code":"not_applied"},{"package":"libc6","arch":"amd64","code":"not_applied"}],"database":{"state":"clean"}}}
EOF
report once
assert_error plugin_protocol
assert_json "$R" '.error.message | contains("rootkit") and contains("without being planned")'
assert_applied vim
ok "applied without being planned: nothing that it says is taken over, a new plugin asks the database"

offers "$three"
more <<'EOF'
on verify
{"id":@id,"result":{"missing":[{"package":"vim","arch":"amd64","code":"not_applied","detail":"9.0 is installed"}],"database":{"state":"clean"}}}
EOF
report once
assert_report 4
assert_applied libssl3 libc6
assert_json_eq "$R" '[.failed[] | [.package, .code]]' '[["vim","not_applied"]]'
ok "the database has the last word about what was applied"

offers "$three"
more <<'EOF'
on apply
{"id":@id,"result":{"applied":[{"package":"libssl3","arch":"amd64","version":"3.0.2"}]}}
EOF
report once
assert_report 4
assert_applied libssl3
assert_json_eq "$R" '[.failed[] | [.package, .code]] | sort' '[["libc6","not_applied"],["vim","not_applied"]]'
ok "planned, and neither applied nor failed: a failure without a reason is a failure"

offers "$three"
more <<'EOF'
on fetch 1
{"id":@id,"result":{"bytes":5,"failed":[{"package":"vim","arch":"amd64","version":"9.1","code":"download_failed","uri":"http://mirror.example/vim.deb","detail":"404 Not Found"}]}}
EOF
report once
assert_report 4
assert_applied libssl3 libc6
assert_json_eq "$R" '[.failed[] | [.package, .code, .uri]]' '[["vim","download_failed","http://mirror.example/vim.deb"]]'
assert_streq "$(received | jq -sc 'map(.method)')" \
	'[null,"probe","support","refresh","plan","fetch","plan","fetch","owner","apply","verify","owner"]' "requests"
assert_streq "$(param plan '[.denials[] | [.package, .reason.code, .reason.detail]]')" '[["vim","download_failed","404 Not Found"]]'
ok "one failed download: the rest is planned again and applied, exit 4 with the URL"

plays <<'EOF'
on plan 1
hold libpq5 15.1 15.2
{"id":@id,"result":{"count":0,"kept_back":1,"digest":"@digest","incomplete":true}}
on plan 2
update libpq5 15.1 15.2
well
EOF
report once
assert_report 0
assert_streq "$(received | jq -sc 'map(select(.method == "refresh").params.scope)')" '["security","all"]'
assert_applied libpq5
ok "an incomplete plan: all repositories are refreshed, and it is planned again"

# --------------------------------------------------------------------------------------- a plan and no more

offers "$three"
report once --dry-run
assert_report 100
assert_json_eq "$R" '[(.pending | length), (.applied | length)]' '[3,0]'
assert_not_file_has_content "$B/fake.log" '"method":"(fetch|apply|repair)"'
ok "--dry-run stops after the plan"
report check
assert_report 100
assert_not_file_has_content "$B/fake.log" '"method":"(fetch|apply|repair)"'
ok "so does check"

plays <<<$'on plan\nupdate libssl3 3.0.1 3.0.2;reboot\nwell'
report check
assert_error plugin_protocol
ok "a version is no shell command, since the report puts it in one"

done_testing
