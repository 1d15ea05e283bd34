/* aptfeed.cc - one file by libapt's transports: its proxies, limits and sandbox. */
#include <unistd.h>
#include "aptpkg-internal.hh"

/* A file whose hash nobody knows: what bounds it is its size. */
class feed_item : public pkgAcqFile {
public:
	feed_item(pkgAcquire *owner, struct download &download)
		: pkgAcqFile(owner, download.uri, HashStringList(), 0, download.uri, "feed", "", download.file), d(download)
	{
	}
	std::string Custom600Headers() const override
	{
		std::string ret = pkgAcqFile::Custom600Headers() + "\nMaximum-Size: " + std::to_string(d.max_bytes);

		return d.since ? ret + "\nLast-Modified: " + TimeRFC1123(d.since, false) : ret;
	}
	void Done(std::string const &message, HashStringList const &hashes, pkgAcquire::MethodConfig const *config) override
	{
		time_t date = 0;

		d.unchanged = StringToBool(LookupTag(message, "IMS-Hit"), 0) == 1;
		if (RFC1123StrToTime(LookupTag(message, "Last-Modified"), date))
			d.date = date;
		pkgAcqFile::Done(message, hashes, config);
	}

private:
	struct download &d;
};

/* Whose bytes these are is said by the certificate alone, so no option of the
 * container's apt.conf, for one host or all, switches its check off. */
static void verify_certificates()
{
	std::vector<std::string> options;

	for (const Configuration::Item *i = _config->Tree("Acquire::https"); i; ) {
		std::string tag = i->FullTag();

		for (const char *end : { "::Verify-Peer", "::Verify-Host" })
			if (tag.size() > strlen(end) && strcasecmp(tag.c_str() + tag.size() - strlen(end), end) == 0)
				options.push_back(tag);
		if (i->Child) {
			i = i->Child;
			continue;
		}
		while (i && !i->Next)
			i = i->Parent;
		i = i ? i->Next : nullptr;
		if (i && i->FullTag().compare(0, strlen("Acquire::https"), "Acquire::https") != 0)
			break;
	}
	for (const std::string &tag : options)
		_config->Set(tag, "true");
}

static int run(struct download &d, struct err *err)
{
	int64_t most = std::min(d.max_bytes, session.settings->max_bytes);
	acquire_status status("feed", session.settings->timeout, most);
	pkgAcquire fetcher(&status);
	auto item = new feed_item(&fetcher, d);	/* the fetcher's */

	d.max_bytes = most;
	verify_certificates();
	(void)fetcher.Run(100000);
	d.bytes = status.bytes();
	std::vector<std::string> messages = apt_messages();
	if (item->Status == pkgAcquire::Item::StatDone && item->Complete)
		return 0;
	if (plugin_stop_requested())
		return err_set(err, CODE_STOPPED, 0, "stopped while fetching '%s'", d.uri);
	std::string why = one_line(item->ErrorText);
	if (why.empty())
		why = !status.cancelled().empty() ? status.cancelled() : messages.empty() ? "not fetched" : one_line(messages.back());
	(void)err_set(err, CODE_FEED_FAILED, 0, "fetch '%s': %s; check cves.url and the network, or name a copy with cves.file",
		      d.uri, why.c_str());
	err->retryable = true;
	return -1;
}

int aptpkg_download(struct download *d, struct wire_list *alarms, struct err *err)
{
	return guarded(err, [&] {
		d->unchanged = false;
		d->date = d->bytes = 0;
		sandbox_check(flNotFile(d->file), alarms);
		return run(*d, err);
	});
}
