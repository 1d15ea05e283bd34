# shellcheck shell=bash disable=SC2154 # set in lib.sh
# rows: U3
# The status socket as curl sees it: every route, what is refused, and how the connection ends.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/status"

serve

# ---------------------------------------------------------------------------------------------------- documents

get /v1/report
assert_error_body 503 not_ready
assert_streq "$(header Retry-After)" 10
ok "/v1/report before the first run is 503"

for doc in report pending processes history; do echo "{\"schema\":1,\"of\":\"$doc\"}" >"$D/$doc.json"; done
for doc in report pending processes; do
	get "/v1/$doc"
	assert_streq "$code" 200
	assert_json_eq "$T/body" . "{\"schema\":1,\"of\":\"$doc\"}"
done
get /v1/status
assert_json_eq "$T/body" .run '{"id":0,"state":"idle"}'
assert_streq "$(header Content-Type)" application/json
assert_streq "$(header Cache-Control)" no-store
assert_streq "$(header Connection)" close
assert_streq "$(header Server)$(header Date)" "" "noise"
assert_streq "$(header Content-Length)" "$(wc -c <"$T/body")"
ok "documents are JSON"

history_limit() { # TARGET LIMIT
	get "$1"
	assert_json_eq "$T/body" .limit "$2"
}
history_limit /v1/history 100
history_limit '/v1/history?limit=7' 7
history_limit '/v1/history?since=x&limit=1000000' 1000000
for bad in 0 -1 1000001 x '' '7%20' 0x7; do
	get "/v1/history?limit=$bad"
	assert_error_body 400 bad_request
done
ok "/v1/history?limit="

get /v1/report
etag=$(header ETag)
[[ $etag =~ ^\"[0-9a-f]{32}\"$ ]] || fail "ETag is $etag"
for known in "$etag" "W/$etag" "\"other\", $etag" '*'; do
	get /v1/report -H "If-None-Match: $known"
	assert_streq "$code" 304 "If-None-Match: $known"
	assert_streq "$(header ETag)" "$etag"
	assert_streq "$(wc -c <"$T/body")" 0 "bytes of a 304"
done
for other in '"x"' "${etag%?}" "x$etag" ''; do
	get /v1/report -H "If-None-Match: $other"
	assert_streq "$code" 200 "If-None-Match: $other"
done
echo '{"schema":1,"of":"another"}' >"$D/report.json"
get /v1/report -H "If-None-Match: $etag"
assert_streq "$code" 200
[ "$(header ETag)" != "$etag" ] || fail "another document, the same ETag"
ok "ETag and If-None-Match"

get /v1/schema
assert_streq "$(header Content-Type)" application/schema+json
assert_json "$T/body" '."$defs" | keys == ["containers-1", "report-1", "status-1"]'
jq -S '."$defs"."report-1"' "$T/body" >"$T/got"
jq -S 'del(."$id", ."$schema") | (.. | objects | select(has("$ref")) | ."$ref") |= sub("^#/"; "#/$defs/report-1/")' \
	"$TOP/packaging/schema/report-1.json" >"$T/want"
assert_same_file "$T/got" "$T/want"
ok "/v1/schema has the published schemas"

get /healthz
assert_streq "$code $(cat "$T/body")" "200 ok"
ok "/healthz"

# ------------------------------------------------------------------------------------------------------ metrics

# format ACCEPT TYPE
format() {
	get /metrics -H "Accept:${1:+ $1}"
	assert_streq "$(header Content-Type)" "$2" "Accept: $1"
}
text='text/plain; version=0.0.4; charset=utf-8' open='application/openmetrics-text; version=1.0.0; charset=utf-8'
format '' "$text"
format '*/*' "$text"
format 'text/plain' "$text"
format 'application/openmetrics-text' "$open"
format 'Application/OpenMetrics-Text;version=1.0.0' "$open"
format 'application/openmetrics-text;q=0' "$text"
format 'text/plain;q=0.9,application/openmetrics-text;q=0.5' "$text"
format 'application/openmetrics-textile' "$text"
# what Prometheus 2.42 sends
format 'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1' "$open"
ok "/metrics in the format that Accept asks for"

# ---------------------------------------------------------------------------------------------- methods, routes

for target in / /v1 /v1/ /v1/status/ /v2/status /v1/Status '/v1/%73tatus' /metrics/x '/?/v1/status' '/v1/status%00' //v1/status; do
	get "$target" --path-as-is
	assert_error_body 404 not_found
done
get '/v1/status?what=ever'
assert_streq "$code" 200
ok "no other route"

for target in /v1/status /v1/report /v1/pending /v1/processes /v1/history /v1/schema /v1/events /metrics /healthz; do
	for method in POST PUT DELETE PATCH OPTIONS BREW get; do
		get "$target" -X "$method"
		assert_error_body 405 method_not_allowed
		assert_streq "$(header Allow)" "GET, HEAD" "Allow of $target"
	done
	get "$target" -I
	assert_streq "$code" 200 "HEAD $target"
	[ "$target" = /v1/events ] || assert_streq "$(header Content-Length)" \
		"$(curl -sS --unix-socket "$S" "http://localhost$target" | wc -c)" "Content-Length for HEAD $target"
	raw "HEAD $target HTTP/1.0\r\n\r\n"
	assert_streq "$(sed '1,/^\r$/d' "$T/raw" | wc -c)" 0 "bytes of a body for HEAD $target"
done
for method in GET HEAD PUT DELETE; do
	raw "$method /v1/run HTTP/1.0\r\n\r\n"
	assert_streq "$code" 405 "$method /v1/run"
	assert_file_has_content "$T/raw" '^Allow: POST'
done
get /v1/nothing -I
assert_streq "$code" 404
ok "no other method, and the one to use is named"

# ----------------------------------------------------------------------------------------------------- requests

# answers STATUS REQUEST
answers() {
	raw "$2"
	assert_streq "$code" "$1" "status for $(printf '%.60q' "$2")"
	[ "$1" = 200 ] || [ "$1" = 202 ] || { sed '1,/^\r$/d' "$T/raw" >"$T/body"; assert_json "$T/body" '.error | keys == ["code","message"]'; }
}
H='Host: x\r\n'
answers 200 "GET /healthz HTTP/1.1\r\n$H\r\n"
answers 200 "GET /healthz HTTP/1.0\r\n\r\n"
answers 200 "GET /healthz HTTP/1.0\n\n"
answers 200 "GET http://any/healthz HTTP/1.1\r\n$H\r\n"
answers 200 "GET /healthz HTTP/1.1\r\nhOsT:x\r\nX:\tblanks \t\r\n\r\n"
answers 200 "GET /healthz HTTP/1.1\r\n${H}Content-Length: 3\r\n\r\nabcGET /nothing HTTP/1.1\r\n\r\n"
assert_streq "$(grep -c '^HTTP/1.1' "$T/raw")" 1 "answers"
ok "what is a request; a second one on the connection is nobody's"

for bad in '\r\n\r\n' 'x\n\n' 'GET\r\n\r\n' 'GET /healthz\r\n\r\n' 'GET /healthz HTTP/1.1\r\n\r\n' "GET /healthz HTTP/1.1\r\n$H$H\r\n" \
	"GET  /healthz HTTP/1.1\r\n$H\r\n" "GET /healthz HTTP/1.1 \r\n$H\r\n" "GET /healthz FTP/1.1\r\n$H\r\n" \
	"GET healthz HTTP/1.1\r\n$H\r\n" "GET http://x HTTP/1.1\r\n$H\r\n" "G(T /healthz HTTP/1.1\r\n$H\r\n" \
	" GET /healthz HTTP/1.1\r\n$H\r\n" "GET /healthz HTTP/1.1\r\n$H X: folded\r\n\r\n" "GET /healthz HTTP/1.1\r\n${H}X : y\r\n\r\n" \
	"GET /healthz HTTP/1.1\r\n${H}X\r\n\r\n" "GET /healthz HTTP/1.1\r\n$H: y\r\n\r\n" "GET /healthz HTTP/1.1\r\n${H}X: a\0b\r\n\r\n" \
	"GET /healthz HTTP/1.1\r\n${H}X: a\rb\r\n\r\n" "GET /heal\0thz HTTP/1.1\r\n$H\r\n" "GET /healthz HTTP/1.1\r\n${H}X: \033[2J\r\n\r\n" \
	"POST /v1/run HTTP/1.1\r\n${H}Content-Length: -1\r\n\r\n" "POST /v1/run HTTP/1.1\r\n${H}Content-Length: +1\r\n\r\n" \
	"POST /v1/run HTTP/1.1\r\n${H}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx" "POST /v1/run HTTP/1.1\r\n${H}Content-Length: 1, 1\r\n\r\nx" \
	"POST /v1/run HTTP/1.1\r\n${H}Content-Length: 99999999999999999999\r\n\r\n" "POST /v1/run HTTP/1.1\r\n${H}Content-Length:\r\n\r\n"; do
	answers 400 "$bad"
done
answers 505 "GET /healthz HTTP/2.0\r\n$H\r\n"
answers 505 "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
answers 411 "POST /v1/run HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
answers 411 "POST /v1/run HTTP/1.1\r\n${H}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
answers 417 "POST /v1/run HTTP/1.1\r\n${H}Content-Length: 4\r\nExpect: 100-continue\r\n\r\n"
ok "what is none"

long=$(head -c 5000 /dev/zero | tr '\0' x)
fill=$((4096 - 32 - 2)) # what is around it has 34 bytes
answers 200 "GET /healthz HTTP/1.1\nHost:x\nX: ${long:0:fill}\n\n"
answers 431 "GET /healthz HTTP/1.1\nHost:x\nX: ${long:0:fill + 1}\n\n"
answers 431 "$long"
answers 414 "GET /healthz?${long:0:1100} HTTP/1.1\r\n$H\r\n"
ok "a head has at most 4096 bytes"

post /v1/run "{\"mode\":\"check\"$(head -c 4080 /dev/zero | tr '\0' ' ')}"
assert_streq "$code" 202 "a body of 4096 bytes"
post /v1/run "$(head -c 4097 /dev/zero | tr '\0' ' ')"
assert_error_body 413 too_large
head -c 1000000 /dev/zero >"$T/large"
get /v1/run -X POST --data-binary "@$T/large"
assert_error_body 413 too_large
get /v1/run -X POST -T "$T/large" -H 'Transfer-Encoding: chunked'
assert_error_body 411 bad_request
ok "a body has at most 4096 bytes, and a client that sends more still gets its answer"

stop_serving
ok "it ends well"

done_testing
