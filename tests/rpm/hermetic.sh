# shellcheck shell=bash
# rows: H1
# Traps in a root with an rpm database: no file of the container is loaded into the plugin, and no macro of it is run.
. "$(dirname "$0")/../lib.sh"
. "$TESTS/testbed/ctr"
. "$TESTS/testbed/agent"
. "$TESTS/testbed/rpmpkg"
. "$TESTS/testbed/rpmrepo"

rpmrepo_start
rpmrepo_updates el9
ctr_create a "$(rpmroot el9)"
rpmrepo_use a updates
r=$(ctr_path a)

# A library that tells who loaded it.
cat >"$T/evil.c" <<'EOC'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void loaded(void)
{
	char exe[512], line[600];
	int n = readlink("/proc/self/exe", exe, sizeof exe - 1), fd = open("/var/log/evil", O_WRONLY | O_CREAT | O_APPEND, 0666);

	exe[n < 0 ? 0 : n] = 0;
	n = snprintf(line, sizeof line, "%s\n", exe);
	if (fd >= 0 && write(fd, line, n) < 0)
		_exit(1);
}
EOC
"${CC:-cc}" -shared -fPIC -O1 -nostartfiles -o "$T/evil.so" "$T/evil.c"
mkdir -p "$r/evil" "$r/var/log" "$r"/usr/lib64/{gconv,lua/5.3,rpm-plugins,rpm/lua} "$r"/usr/share/lua/5.3 "$r/usr/local/lib/lua/5.3" \
	"$r/etc/rpm" "$r"/usr/lib/rpm/{macros.d,lua} "$r/root" "$r/etc/pkcs11/modules" "$r/usr/lib/x86_64-linux-gnu/lua/5.3"
cp "$T/evil.so" "$r/evil/evil.so"
# What the bundle's programs need and this root's do not have.
for l in "$BUNDLE"/lib/*.so*; do
	l=${l##*/}
	[ -e "$r/usr/lib64/$l" ] || cp "$T/evil.so" "$r/usr/lib64/$l"
done
for l in libnss_evil.so.2 gconv/EVIL.so lua/5.3/posix.so lua/5.3/rpm.so rpm-plugins/syslog.so rpm-plugins/evil.so; do
	cp "$T/evil.so" "$r/usr/lib64/$l"
done
cp "$T/evil.so" "$r/usr/local/lib/lua/5.3/posix.so"
cp "$T/evil.so" "$r/usr/lib/x86_64-linux-gnu/lua/5.3/posix.so"
cp "$T/evil.so" "$r/posix.so"
printf 'passwd: evil\ngroup: evil\nhosts: evil files dns\nservices: evil\n' >"$r/etc/nsswitch.conf"
printf 'module INTERNAL EVIL// EVIL 1\nmodule UTF-8// INTERNAL EVIL 1\n' >"$r/usr/lib64/gconv/gconv-modules"
printf 'module: /evil/evil.so\n' >"$r/etc/pkcs11/modules/evil.module"
echo /evil/evil.so >"$r/etc/ld.so.preload"
for f in etc/rpm/macros etc/rpm/macros.evil root/.rpmmacros usr/lib/rpm/macros usr/lib/rpm/macros.d/macros.evil; do
	printf '%%_dbpath %%(touch /var/log/macro; echo /nowhere)\n%%_install_langs %%(touch /var/log/macro; echo de)\n' >"$r/$f"
	printf '%%_pkgverify_level none\n%%__transaction_evil /evil/evil.so\n%%_netsharedpath %%{lua:os.execute("touch /var/log/macro")}\n' >>"$r/$f"
done
echo 'macrofiles: /etc/rpm/macros.evil' | tee "$r/root/.rpmrc" >"$r/etc/rpmrc"
echo 'os.execute("touch /var/log/lua")' | tee "$r"/usr/share/lua/5.3/{posix,rpm}.lua "$r"/usr/lib/rpm/lua/{posix,rpm}.lua >"$r/posix.lua"
hostile=(--env LD_PRELOAD=/evil/evil.so --env LUA_CPATH='/evil/?.so' --env LUA_PATH='/?.lua' --env RPM_CONFIGDIR=/usr/lib/rpm
	--env HOME=/root --env GCONV_PATH=/evil --env OPENSSL_CONF=/evil/x)

# from_bundle   lines of the log that are programs of the bundle
from_bundle() { grep "^$at/" "$r/var/log/evil" 2>/dev/null || true; }

ctr_exec a /usr/bin/bash -c true
assert_streq "$(sort -u "$r/var/log/evil")" /usr/bin/bash
ok "the trap works: a program of the container loads it"

rm "$r/var/log/evil"
check a "${hostile[@]}"
assert_status 100
assert_pending libtiny tinyd openssl-libs nginx-core
assert_not_exists "$r/var/log/evil"
assert_not_exists "$r/var/log/macro"
ok "a check loads nothing and runs no macro"

once a "${hostile[@]}"
assert_status 0
assert_applied libtiny tinyd openssl-libs nginx-core
assert_streq "$(from_bundle)" ''
assert_not_exists "$r/var/log/macro"
assert_not_exists "$r/var/log/lua"
assert_exists "$r/var/log/evil" # scripts of packages are the container's programs
ok "nor does a transaction; only scripts of packages are the container's"

done_testing
