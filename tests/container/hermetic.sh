# shellcheck shell=bash
# rows: H1
# Traps: no file of the container is loaded into a plugin or the agent.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/aptrepo"
. "$TESTS/testbed/agent"

aptrepo_start tiny-plain

# A library that tells who loaded it.
cat >"$T/evil.c" <<'EOC'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void loaded(void)
{
	char exe[512], line[4096], cmd[512] = "";
	int n = readlink("/proc/self/exe", exe, sizeof exe - 1), fd = open("/proc/self/cmdline", O_RDONLY);
	if (n < 0)
		n = 0;
	exe[n] = 0;
	if (fd >= 0) {
		int m = read(fd, cmd, sizeof cmd - 1);
		for (int i = 0; i < m - 1; i++)
			if (!cmd[i])
				cmd[i] = ' ';
		close(fd);
	}
	fd = open("/var/log/evil", O_WRONLY | O_CREAT | O_APPEND, 0666);
	n = snprintf(line, sizeof line, "%s | %s\n", exe, cmd);
	if (fd >= 0 && write(fd, line, n) < 0)
		_exit(1);
	chmod("/var/log/evil", 0666);
}
EOC
sed -i 's/#include <unistd.h>/&\n#include <sys\/stat.h>/' "$T/evil.c"
"${CC:-cc}" -shared -fPIC -O1 -o "$T/evil.so" "$T/evil.c"

ctr_create a "$(aptrepo_root)"
aptrepo_sources a
r=$(ctr_path a)
lib=$r/usr/lib/$(gcc -print-multiarch)
mkdir -p "$lib/gconv" "$r/evil"
cp "$T/evil.so" "$r/evil/evil.so"
# Those that dpkg itself needs stay; all others of the bundle's names, and what NSS, OpenSSL and iconv load.
for l in "$BUNDLE"/lib/*.so*; do
	l=${l##*/}
	case $l in
	ld-linux*|libc.so*|libm.so*|libmd.so*|libselinux*|libz.so*|liblzma*|libzstd*|libbz2*|libpcre2*|libacl*|libattr*) ;;
	*) cp --remove-destination "$T/evil.so" "$lib/$l" ;;
	esac
done
for l in libnss_evil.so.2 libnss_files.so.2 libnss_dns.so.2 gconv/UTF-16.so gconv/ISO8859-1.so gconv/EVIL.so; do
	cp --remove-destination "$T/evil.so" "$lib/$l"
done
printf 'passwd: evil\ngroup: evil\nhosts: evil files dns\nservices: evil\nprotocols: evil\n' >"$r/etc/nsswitch.conf"
printf 'module INTERNAL EVIL// EVIL 1\nmodule EVIL// INTERNAL EVIL 1\nmodule UTF-8// INTERNAL EVIL 1\n' >"$lib/gconv/gconv-modules"
rm -f "$lib/gconv/gconv-modules.cache"
mkdir -p "$r/etc/ssl" "$r/usr/lib/ssl"
cat >"$r/etc/ssl/openssl.cnf" <<'EOC'
openssl_conf = init
[init]
engines = engines
providers = providers
[engines]
evil = evil
[evil]
dynamic_path = /evil/evil.so
init = 1
[providers]
evilp = evilp
[evilp]
module = /evil/evil.so
activate = 1
EOC
cp "$r/etc/ssl/openssl.cnf" "$r/usr/lib/ssl/openssl.cnf"
echo /evil/evil.so >"$r/etc/ld.so.preload"
printf '/evil\n' >"$r/etc/ld.so.conf"
env=(--env LD_PRELOAD=/evil/evil.so --env LD_LIBRARY_PATH=/evil --env GCONV_PATH=/evil --env OPENSSL_CONF=/etc/ssl/openssl.cnf
	--env LOCPATH=/evil --env LD_AUDIT=/evil/evil.so)

ctr_exec a true
assert_file_has_content "$r/var/log/evil" '/usr/bin/true'
rm -f "$r/var/log/evil"
ok "the trap works"

check a "${env[@]}"
assert_status 100
assert_not_exists "$r/var/log/evil"
[ ! -e "$r/var/log/evil" ] || diag_file "$r/var/log/evil"
ok "check loads nothing of the container, and runs nothing of it"

rm -f "$r/var/log/evil"
once a "${env[@]}"
assert_status 0
assert_applied tiny-plain
touch "$r/var/log/evil"
# each line is "program | its command line"; our archives may be an argument
assert_not_file_has_content "$r/var/log/evil" "^[^|]*($at|stopgap|libexec)"
assert_file_has_content "$r/var/log/evil" dpkg
ok "once loads nothing of the container into our programs; dpkg alone is the container's"

# Programs of the container that a package manager might call.
ctr_create b "$(aptrepo_root)"
aptrepo_sources b
r=$(ctr_path b)
for p in apt-get apt-key apt-config gpg gpgv gpgconf curl wget lsb_release needrestart openssl; do
	printf '#!/bin/sh\necho "$0 $*" >>/var/log/evil\n' >"$r/usr/bin/$p"
	chmod 755 "$r/usr/bin/$p"
done
rm -rf "$r/usr/lib/apt/methods"
once b
assert_status 0
assert_applied tiny-plain
assert_not_exists "$r/var/log/evil"
ok "no program of the container but dpkg is called"

done_testing
