/* aptacquire.cc - transfers: progress, limits, and what failures mean. */
#include "aptpkg-internal.hh"

/* ------------------------------------------------------------ progress and limits */

acquire_status::acquire_status(const char *phase_, int64_t timeout_, int64_t max_bytes_)
	: phase(phase_), deadline(clock_ms() + (uint64_t)timeout_ * 1000), moved_at(clock_ms()), timeout(timeout_),
	  max_bytes(max_bytes_)
{
}

void acquire_status::Fetched(unsigned long long size, unsigned long long resume)
{
	if (size > resume)
		fetched += (int64_t)(size - resume);
	pkgAcquireStatus::Fetched(size, resume);
}

/* A Release that arrived is in partial/ now and not verified yet; libapt will
 * quietly go on with an older one that it has, so what was offered is noted. */
void acquire_status::Done(pkgAcquire::ItemDesc &desc)
{
	std::string uri = desc.Owner->DescURI();

	item = desc.ShortDesc;
	moved_at = clock_ms();
	if (APT::String::Endswith(uri, "Release") && !offered.count(uri) &&
	    desc.Owner->DestFile.find("/partial/") != std::string::npos)
		offered[uri] = release_read(desc.Owner->DestFile);
}

bool acquire_status::Pulse(pkgAcquire *owner)
{
	(void)pkgAcquireStatus::Pulse(owner);
	struct msg_progress p = {};
	p.phase = const_cast<char *>(phase);
	p.done = (int64_t)CurrentBytes;
	p.total = (int64_t)std::max(TotalBytes, CurrentBytes);
	p.item = const_cast<char *>(item.c_str());
	plugin_event("progress", &msg_progress, &p);

	if (CurrentBytes != moved) {
		moved = CurrentBytes;
		moved_at = clock_ms();
	}
	if (plugin_stop_requested())
		why = "stopped on request";
	/* A transport has a time limit for each connection, but may lose a request:
	 * libapt's http does after a refused one to another port of the same host. */
	else if (clock_ms() - moved_at > (uint64_t)session.settings->stall * 1000)
		why = "no byte for " + std::to_string(session.settings->stall) + " s: raise network.stall, or find out what hangs";
	else if (clock_ms() > deadline)
		why = "not complete after " + std::to_string(timeout) + " s: raise network.timeout, or find out what is slow";
	else if ((int64_t)CurrentBytes > max_bytes)
		why = "more than " + std::to_string(max_bytes) + " bytes to fetch: raise network.max_bytes";
	return why.empty();
}

/* ------------------------------------------------------------ failures */

/* libapt has no codes for these, only sentences; ours is LC_ALL=C.UTF-8. */
enum code classify(const std::string &text, enum code otherwise)
{
	static const struct {
		const char *part;
		enum code code;
	} table[] = {
		{ "NO_PUBKEY", CODE_MISSING_KEYRING },
		{ "is expired (invalid since", CODE_EXPIRED },
		{ "is not valid yet", CODE_REFRESH_FAILED },
		{ "BADSIG", CODE_UNTRUSTED },
		{ "EXPKEYSIG", CODE_UNTRUSTED },
		{ "REVKEYSIG", CODE_UNTRUSTED },
		{ "EXPSIG", CODE_UNTRUSTED },
		{ "GPG error", CODE_UNTRUSTED },
		{ "signature", CODE_UNTRUSTED },
		{ "Clearsigned file isn't valid", CODE_UNTRUSTED },
		{ "is not signed", CODE_UNTRUSTED },
		{ "is no longer signed", CODE_UNTRUSTED },
		{ "changed its '", CODE_UNTRUSTED },
		{ "Hash Sum mismatch", CODE_HASH_MISMATCH },
		{ "unexpected size", CODE_HASH_MISMATCH },
		{ "Size mismatch", CODE_HASH_MISMATCH },
		{ "Insufficient information available", CODE_HASH_MISMATCH },
		{ "Unable to find expected entry", CODE_REFRESH_FAILED },
		{ "No space left on device", CODE_NO_SPACE },
		{ "Could not resolve", CODE_NO_EGRESS },
		{ "Temporary failure resolving", CODE_NO_EGRESS },
		{ "Something wicked happened resolving", CODE_NO_EGRESS },
		{ "Could not connect", CODE_NO_EGRESS },
		{ "Cannot initiate the connection", CODE_NO_EGRESS },
		{ "Unable to connect", CODE_NO_EGRESS },
		{ "Connection failed", CODE_NO_EGRESS },
		{ "Connection refused", CODE_NO_EGRESS },
		{ "Network is unreachable", CODE_NO_EGRESS },
	};

	for (const auto &row : table)
		if (text.find(row.part) != std::string::npos)
			return row.code;
	return otherwise;
}

/* ------------------------------------------------------------ for whom */

/* Does one of apt's password files name HOST? Whole words are not looked for: no is the safe answer. */
static bool has_password(const std::string &host)
{
	for (const std::string &file : password_files()) {
		struct buf text = {};
		struct err err = {};
		bool named = read_file(file.c_str(), 1024 * 1024, &text, &err) < 0 || strstr(buf_str(&text), host.c_str());

		buf_clear(&text);
		if (named)
			return true;
	}
	return false;
}

bool is_public(const std::string &uri)
{
	static std::map<std::string, bool> known;
	URI u(uri);

	if ((u.Access != "http" && u.Access != "https") || u.Host.empty() || !u.User.empty() || !u.Password.empty())
		return false;
	auto it = known.find(u.Host);
	if (it == known.end())
		it = known.emplace(u.Host, !has_password(u.Host) && !_config->Exists("Acquire::https::SslCert") &&
						   !_config->Exists("Acquire::https::" + u.Host + "::SslCert")).first;
	return it->second;
}
