/* never.c - see never.h. */
#include <regex.h>
#include "never.h"

static const struct {
	const char *names, *reason;
} built_in[] = {
	{ "stopgap.*", "it is stopgap itself" },
	{ "dbus(-daemon|-broker|-broker-launch)?|messagebus", "every program on the message bus would lose it" },
	{ "gdm3?|kdm|nodm|sddm|wdm|xdm|lightdm|slim|lxdm|greetd|display-manager", "it would end graphical sessions" },
	{ "systemd-logind|elogind|user@.*|user-runtime-dir@.*|session-.*", "it would end login sessions" },
	{ "a?getty|(serial-|console-|container-)?getty@.*|autovt@.*", "it would end a login" },
	{ "network-?manager|NetworkManager|networking|ModemManager|wpa_supplicant.*|systemd-networkd|bluetooth(d)?|ifup@.*|"
	  "openvpn.*|tincd?|quagga|frr|bird6?|wg-quick@.*|(open|free|libre|strong)swan.*",
	  "the network could be lost" },
	{ "docker|dockerd|containerd|podman.*|crio?|lxc.*|lxd|lxcfs|libvirtd?|virtqemud|virtlogd|virtlockd|xendomains",
	  "what runs in it could end with it" },
	{ "zfs-fuse|glusterd|drbd", "file systems could be lost" },
	{ "emergency|rescue", "it is for the administrator alone" },
	{ "apt-daily.*|unattended-upgrades|packagekit|dnf-automatic.*|needrestart.*|cloud-(init|config|final).*",
	  "it is a job, and may be running" },
};

static bool matches(const char *re, const char *name)
{
	cleanup_free char *anchored = xasprintf("^(%s)$", re);
	regex_t r;
	bool yes;

	if (regcomp(&r, anchored, REG_EXTENDED | REG_NOSUB) != 0)
		return true; /* it was checked when it was loaded; and not to restart is the safe side */
	yes = regexec(&r, name, 0, NULL, 0) == 0;
	regfree(&r);
	return yes;
}

const char *never_reason(const struct strv *names, const struct strv *never)
{
	for (size_t i = 0; i < names->n; i++) {
		for (size_t k = 0; k < never->n; k++)
			if (matches(never->v[k], names->v[i]))
				return "";
		for (size_t k = 0; k < ARRAY_SIZE(built_in); k++)
			if (matches(built_in[k].names, names->v[i]))
				return built_in[k].reason;
	}
	return NULL;
}
