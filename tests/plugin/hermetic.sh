# shellcheck shell=bash
# rows: H1
# What the bundle's programs load and open in a root full of traps, and that the traps work: on programs with the
# loader and libraries as Debian made them.  tests/container/hermetic.sh has whole runs.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"

at=/stopgap # where ctr mounts the bundle
loader=$(basename "$(echo "$BUNDLE"/lib/ld-linux*)")

[ -x "$BUNDLE/stopgap" ] || {
	fail "no bundle in $BUNDLE: run 'make bundle'"
	ok "the bundle is there"
	done_testing
}

# ------------------------------------------------------------------------------------------------------ traps

# trap_library FILE NAME   a library that leaves a file /evil/seen/NAME when it is loaded
trap_library() {
	mkdir -p "${1%/*}"
	printf '#include <fcntl.h>\n#include <unistd.h>\nint gconv(void) { return 0; }\n
		__attribute__((constructor)) static void seen(void) { close(open("/evil/seen/%s", O_WRONLY | O_CREAT, 0666)); }\n' "$2" |
		"${CC:-cc}" -shared -fPIC -nostartfiles -o "$1" -x c -
}

ctr_create a "$("$TESTS/testbed/rootfs" bookworm minbase)"
r=$(ctr_path a)
triple=$(gcc -print-multiarch)
mkdir -p "$r/evil" "$r/libnss_x" "$r/root/.config/pkcs11/modules" "$r/etc/pkcs11/modules" "$r/usr/share/p11-kit/modules" \
	"$r/etc/gnutls" "$r/etc/gcrypt"
mkdir -m 1777 "$r/evil/seen"

trap_library "$r/evil/preload.so" preload
echo /evil/preload.so >"$r/etc/ld.so.preload"
for f in /usr/lib /usr/lib/$triple /lib64; do
	trap_library "$r$f/libnss_evil.so.2" nss-folder
done
trap_library "$r/evil/cached/libnss_cached.so.2" nss-cache
echo /evil/cached >"$r/etc/ld.so.conf.d/evil.conf"
ldconfig -r "$r" 2>/dev/null
trap_library "$r/evil/slash.so.2" nss-path
for db in passwd group hosts services protocols; do
	echo "$db: evil cached x/../../evil/slash files"
done >"$r/etc/nsswitch.conf"
trap_library "$r/evil/pkcs11.so" pkcs11
trap_library "$r/usr/lib/$triple/pkcs11/evil.so" pkcs11
for f in /root/.config/pkcs11/modules /etc/pkcs11/modules /usr/share/p11-kit/modules; do
	printf 'module: /evil/pkcs11.so\n' >"$r$f/path.module"
	printf 'module: evil.so\n' >"$r$f/name.module"
done
printf 'user-config: merge\n' >"$r/etc/pkcs11/pkcs11.conf"
printf 'load=/evil/pkcs11.so\n' >"$r/etc/gnutls/pkcs11.conf"
trap_library "$r/evil/gconv/EVIL.so" gconv
printf 'module UTF-8// INTERNAL EVIL 1\nmodule INTERNAL UTF-8// EVIL 1\n' | tee "$r/evil/gconv/gconv-modules" \
	>"$r/usr/lib/$triple/gconv/gconv-modules"
rm -f "$r/usr/lib/$triple/gconv/gconv-modules.cache"
cp "$r/evil/gconv/EVIL.so" "$r/usr/lib/$triple/gconv/EVIL.so"
trap_library "$r/evil/audit.so" environment
trap_library "$r/evil/path/libapt-pkg.so.6.0" environment
hostile=(--env LD_PRELOAD=/evil/audit.so --env LD_AUDIT=/evil/audit.so --env LD_LIBRARY_PATH=/evil/path
	--env GCONV_PATH=/evil/gconv --env LOCPATH=/evil --env LC_ALL=xx_XX.UTF-8 --env LANGUAGE=xx --env OPENSSL_CONF=/evil/x
	--env GNUTLS_SYSTEM_PRIORITY_FILE=/evil/x --env P11_KIT_DEBUG=all)

# A loader and libraries as Debian made them, at the same place.
plain=$T/plain
cp -a "$BUNDLE" "$plain"
while read -r name file; do
	[ ! -e "$plain/lib/$name" ] || cp -L "$file" "$plain/lib/$name"
done < <("$TOP/plugins/launch/closure.sh" /usr/lib/apt/methods/http /usr/lib/apt/methods/gpgv /usr/bin/gpgv)
cp -a "$plain" "$r/plain"

# A program that does on purpose what a library might do some day.
"${CC:-cc}" -O1 -o "$r/probe" -x c - <<'EOC'
#include <dlfcn.h>
#include <grp.h>
#include <iconv.h>
#include <locale.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
int main(int argc, char **argv)
{
	struct addrinfo *a;

	(void)argv;
	printf("locale %s\n", setlocale(LC_ALL, argc > 1 ? "C.UTF-8" : "") ? "set" : "refused");
	printf("converter %s\n", iconv_open("EVIL", "UTF-8") == (iconv_t)-1 ? "refused" : "loaded");
	printf("builtin %s\n", iconv_open("UCS-4LE", "UTF-8") == (iconv_t)-1 ? "refused" : "there");
	printf("library %s\n", dlopen("libnss_evil.so.2", RTLD_NOW) ? "loaded" : "refused");
	printf("cached %s\n", dlopen("libnss_cached.so.2", RTLD_NOW) ? "loaded" : "refused");
	printf("user %s\n", getpwnam("_apt") ? "found" : "unknown");
	printf("group %s\n", getgrnam("root") ? "found" : "unknown");
	printf("host %s\n", getaddrinfo("localhost", "80", NULL, &a) == 0 ? "found" : "unknown");
	return 0;
}
EOC

# seen   what was loaded since the last look
seen() {
	find "$r/evil/seen" -mindepth 1 -printf '%f\n' | sort | tr '\n' ' '
	rm -f "$r"/evil/seen/*
}

# method PROGRAM URI [LINE]…   one request to a method, which looks up a name, a port and a user on the way
method() {
	local program=$1 uri=$2
	shift 2
	{
		printf '601 Configuration\nConfig-Item: Dir=/\nConfig-Item: Dir::Etc=etc/apt/\nConfig-Item: Dir::Etc::trusted=trusted.gpg\n'
		printf 'Config-Item: Dir::Etc::trustedparts=trusted.gpg.d\nConfig-Item: Dir::Bin::apt-key=%s/plugins/apt-key\n' "${program%/*/*}"
		printf 'Config-Item: Dir::Etc::netrc=auth.conf\nConfig-Item: Dir::Etc::netrcparts=auth.conf.d\n'
		printf 'Config-Item: Acquire::Retries=0\nConfig-Item: APT::Sandbox::User=_apt\n\n'
		printf '600 URI Acquire\nURI: %s\nFilename: %s\n' "$uri" "${uri#gpgv:}"
		[ $# = 0 ] || printf '%s\n' "$@"
		echo
		sleep 1
	} >"$T/request"
	diag "$program $uri"
	ctr_exec a ${env[@]+"${env[@]}"} "$program" <"$T/request" >"$T/out" 2>"$T/err" || true
}

probe() { # BUNDLE [ARG]
	run ctr_exec a ${env[@]+"${env[@]}"} "$1/lib/$loader" --library-path "$1/lib" /probe "${@:2}"
	assert_status 0
}

# ------------------------------------------------------------------------------------------- the traps work

env=()
ctr_exec a true
assert_streq "$(seen)" 'preload ' "what any program of the container loads"
for method in http https; do
	method /plain/methods/$method $method://localhost:9/x
	assert_file_has_content "$T/out" '^400 URI Failure'
	assert_streq "$(seen)" 'nss-folder nss-path preload ' "loaded by methods/$method"
done
probe /plain
assert_streq "$(seen)" 'gconv nss-cache nss-folder nss-path preload ' "loaded by the probe"
ok "with the loader and libraries as Debian made them, the traps work"

cp "$BUNDLE/lib/$loader" "$r/plain/lib/"
method /plain/methods/http http://localhost:9/x
assert_streq "$(seen)" 'nss-path ' "loaded by methods/http"
probe /plain
assert_streq "$(seen)" 'gconv nss-path ' "loaded by the probe"
ok "with the bundle's loader alone, what has a path is still loaded"

# ---------------------------------------------------------------------------------------- the bundle's own

for method in http https; do
	for env in '' "${hostile[*]}"; do
		read -ra env <<<"$env"
		method $at/methods/$method $method://localhost:9/x
		# /etc/hosts is asked, and before the name servers
		assert_file_has_content "$T/out" '^Message: Could not connect to localhost:9 \((127.0.0.1|::1)\)'
		assert_streq "$(seen)" '' "loaded by methods/$method"
	done
done
ok "http and https load nothing of the container, and find names"

cat >"$r/tmp/data" <<'EOD'
-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Origin: nobody
-----BEGIN PGP SIGNATURE-----

AAAA
-----END PGP SIGNATURE-----
EOD
for env in '' "${hostile[*]}"; do
	read -ra env <<<"$env"
	method $at/methods/gpgv gpgv:/tmp/data
	assert_file_has_content "$T/out" '^400 URI Failure'
	assert_file_has_content "$T/out" NODATA
	run ctr_exec a ${env[@]+"${env[@]}"} --user 100:65534 $at/plugins/apt-key --quiet --readonly verify --status-fd 1 /tmp/data /tmp/data
	assert_file_has_content "$T/out" '^\[GNUPG:\] NODATA'
	assert_streq "$(seen)" '' "loaded by gpgv and apt-key"
done
ok "nor do the gpgv method, apt-key and gpgv"

env=()
probe $at
assert_streq "$(seen)" '' "loaded by the probe"
probe $at C.UTF-8
assert_streq "$(seen)" '' "loaded by the probe"
for line in 'locale refused' 'converter refused' 'builtin there' 'library refused' 'cached refused' 'user found' 'group found' 'host found'; do
	assert_file_has_content "$T/out" "^$line$"
done
ok "nor would a library that looks for modules, converters and locales; users and hosts are found"

mkdir -m 777 "$r/-" "$r/-/glibc-hwcaps"
trap_library "$r/-/libnss_evil.so.2" nss-folder
probe $at
assert_file_has_content "$T/out" '^library refused$'
assert_streq "$(seen)" '' "loaded by the probe"
ok "a root that knows what the loader's folders became gains nothing"

# ------------------------------------------------------------------------------------------ what is opened

# opened PROGRAM   files of the container that it opens, one a line; it is traced from outside
opened() {
	strace -f -qq -e trace=open,openat,openat2,execve -e status=successful -o "$T/trace" \
		nsenter --target "$(ctr_pid a)" --mount --root --wd "$1" <"$T/request" >"$T/out" 2>"$T/err" || true
	# from the program's own execve on, without what is the bundle's
	sed -e "1,/execve(\"${1//\//\\/}/d" -e 's/^[^"]*"\([^"]*\)".*/\1/' "$T/trace" | grep -v "^$at/" | sort -u
}
method $at/methods/https https://localhost:9/x
opened $at/methods/https >"$T/opened"
grep -Evx '/etc/apt/auth.conf.d/|/etc/(resolv.conf|hosts|host.conf|services|passwd|group|gai.conf|localtime)|/dev/null|/proc|self/exe|/proc/sys/crypto/fips_enabled' \
	"$T/opened" >"$T/more" || true
assert_same_file "$T/more" /dev/null
assert_file_has_content "$T/opened" '^/etc/hosts$'
ok "https opens the container's name service data, and nothing else"

done_testing
