# shellcheck shell=bash
# `stopgap wrap`: every form says the image's own command again, whatever bytes are in it.
. "$(dirname "$0")/../lib.sh"
S=$BUNDLE/stopgap

# wrap JQ-CONFIG [ARG…]   of an image with this configuration
wrap() {
	jq -n "[{Config: $1}]" >"$T/inspect.json"
	shift
	run "$S" wrap example/Web_App:1.2 "--inspect=$T/inspect.json" --output=json "$@"
	cp "$T/out" "$T/wrap.json"
}

# docker_args   the words that the docker form gives to docker, by bash
docker_args() {
	jq -r .docker "$T/wrap.json" >"$T/form"
	# shellcheck disable=SC2016
	bash -c 'docker() { printf "%s\0" "$@"; }; . "$1"' bash "$T/form" |
		python3 -c 'import json, sys; print(json.dumps(sys.stdin.buffer.read().decode().split("\0")[:-1]))' | jq -c .
}

# yaml FORM EXPRESSION   of the parsed form, `$$` undone as compose and Kubernetes do
yaml() {
	jq -r ".$1" "$T/wrap.json" >"$T/form"
	python3 -c '
import json, sys, yaml
def undo(x):
	return {k: undo(v) for k, v in x.items()} if isinstance(x, dict) else [undo(v) for v in x] if isinstance(x, list) else \
		x.replace("$$", "$") if isinstance(x, str) else x
json.dump(undo(yaml.safe_load(open(sys.argv[1]))), sys.stdout)' "$T/form" | jq -c "$2"
}

nginx='{Entrypoint: ["/docker-entrypoint.sh"], Cmd: ["nginx", "-g", "daemon off;"], StopSignal: "SIGQUIT", Env: ["A=b"]}'
wrap "$nginx"
assert_status 0
assert_json_eq "$T/wrap.json" .args '["run","--","/docker-entrypoint.sh","nginx","-g","daemon off;"]'
assert_json_eq "$T/wrap.json" '.notes | length' 1
assert_streq "$(docker_args)" "$(jq -nc --arg v "$(jq -r '.docker | capture("-v (?<v>[^:]+):").v' "$T/wrap.json")" \
	'["run","-d","-v",$v + ":/stopgap:ro","--stop-signal","SIGQUIT","-e","STOPGAP_RESTART_STOP_SIGNAL=SIGQUIT",
	"--entrypoint","/stopgap/stopgap","example/Web_App:1.2","run","--","/docker-entrypoint.sh","nginx","-g","daemon off;"]')"
assert_streq "$(yaml compose '.services["web-app"] | [.image, .entrypoint, .command, .stop_signal, .user]')" \
	'["example/Web_App:1.2",["/stopgap/stopgap"],["run","--","/docker-entrypoint.sh","nginx","-g","daemon off;"],"SIGQUIT",null]'
assert_streq "$(yaml kubernetes '.spec.containers[0] | [.name, .image, .command, .args[-1], .env[0].value, .securityContext]')" \
	'["web-app","example/Web_App:1.2",["/stopgap/stopgap"],"daemon off;","SIGQUIT",null]'
assert_streq "$(yaml kubernetes '.spec | [.volumes[0].emptyDir, .initContainers[0].command[0], .volumes[1].hostPath.path]')" \
	"[{},\"cp\",\"$BUNDLE\"]"
ok "ENTRYPOINT, CMD and STOPSIGNAL are in each form"

wrap '{Cmd: ["serve"], User: "app:web", Healthcheck: {Test: ["CMD", "x"]}}'
assert_json_eq "$T/wrap.json" .args '["run","--user=app:web","--","serve"]'
assert_json "$T/wrap.json" '.docker | test(" --user 0:0 ")'
assert_streq "$(yaml compose '.services["web-app"].user')" '"0:0"'
assert_streq "$(yaml kubernetes '.spec.containers[0].securityContext.runAsUser')" 0
assert_json "$T/wrap.json" '.notes | any(test("runs as app:web")) and any(test("HEALTHCHECK runs as root"))'
for user in 0 root 0:0 ''; do
	wrap "{Cmd: [\"serve\"], User: \"$user\"}"
	assert_json_eq "$T/wrap.json" .args '["run","--","serve"]'
	assert_json "$T/wrap.json" '.docker | test("--user") | not'
done
ok "a USER becomes stopgap's, the container's is root"

# The same words by all ways, whatever is in them.
hostile='["a b", "it'"'"'s", "$HOME", "$(id)", "`id`", "${X:-y}", "$(X)", "$$", "l1\nl2", "t\tb", "\u001b[2J", "\u009b1m",
	"\u202eabc", "é", "😀", "", "-n", "*", "\\", "\\n", "\"", "#x", ": ", "yes", "~", "{}", "!x", "\u007f", "--"]'
words=$(jq -nc "$hostile")
wrap "{Entrypoint: [\"/bin/x\"], Cmd: $hostile}"
assert_streq "$(jq -c '.args[3:]' "$T/wrap.json")" "$words" JSON
assert_streq "$(docker_args | jq -c '.[(index("/bin/x") + 1):]')" "$words" docker
assert_streq "$(yaml compose '.services["web-app"].command[3:]')" "$words" compose
assert_streq "$(yaml kubernetes '.spec.containers[0].args[3:]')" "$words" Kubernetes
run "$S" wrap x "--inspect=$T/inspect.json"
assert_streq "$(LC_ALL=C grep -c "$(printf '[\033\233\177]')" "$T/out" || true)" 0 "control characters in the text"
ok "hostile words are the same words in every form, and none reaches a terminal"

# The other tools' forms.
jq -n "{config: $nginx}" >"$T/skopeo.json"
run "$S" wrap x "--inspect=$T/skopeo.json" --output=json
assert_json_eq "$T/out" .args '["run","--","/docker-entrypoint.sh","nginx","-g","daemon off;"]'
jq -n "{Config: $nginx}" >"$T/api.json"
run "$S" wrap x "--inspect=$T/api.json" --output=json
assert_json_eq "$T/out" '.args | length' 6
ok "skopeo's form, and an engine's, are read"

fails() { # STATUS ERE ARG…
	run "$S" wrap "${@:3}"
	assert_status "$1"
	assert_file_has_content "$T/err" "$2"
}
wrap '{Env: []}'
fails 2 'neither ENTRYPOINT nor CMD' x "--inspect=$T/inspect.json"
wrap '{Cmd: ["a\u0000b"]}'
fails 1 'NUL' x "--inspect=$T/inspect.json"
wrap '{Cmd: [7]}'
fails 1 'no text' x "--inspect=$T/inspect.json"
echo '[]' >"$T/none.json"
fails 1 'no configuration of one image' x "--inspect=$T/none.json"
echo '{' >"$T/half.json"
fails 1 'not one JSON object' x "--inspect=$T/half.json"
fails 1 "none.sock.*--inspect|--inspect.*none.sock" x "--host=$T/none.sock"
fails 2 'not the name of an image' '../containers/x' "--host=$T/none.sock"
fails 2 "needs a word: stopgap wrap"
fails 2 "takes no further words" x y
wrap '{Cmd: ["serve"], StopSignal: "SIGNONE"}'
assert_json "$T/wrap.json" '(.notes | any(test("SIGNONE"))) and (.docker | test("SIGNONE") | not)'
ok "what cannot be wrapped says why"

done_testing
