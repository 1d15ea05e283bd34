/* initlink.c - see initlink.h. */
#include <errno.h>
#include <sys/socket.h>
#include "initlink.h"

int initlink_send(int fd, const struct initlink_message *m)
{
	ssize_t n;

	do
		n = send(fd, m, sizeof(*m), MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

static bool settings_valid(const struct initlink_settings *s)
{
	return s->stop_signal >= 1 && s->stop_signal <= SIGNAL_MAX && s->stop_timeout <= INITLINK_MS_MAX &&
	       s->shutdown_grace <= INITLINK_MS_MAX && s->before_start <= INITLINK_MS_MAX &&
	       s->budget_count <= INITLINK_BUDGET_MAX && s->budget_period >= 1 &&
	       s->budget_period <= INITLINK_PERIOD_MAX;
}

bool initlink_valid(const struct initlink_message *m, bool updaters)
{
	switch (m->type) {
	case INITLINK_SETTINGS:
		return updaters && settings_valid(&m->settings);
	case INITLINK_FAILED:
		return updaters && m->failed.status >= 1 && m->failed.status <= 125;
	case INITLINK_READY:
	case INITLINK_RESTART:
		return updaters;
	case INITLINK_CHILD:
	case INITLINK_DEADLINE:
	case INITLINK_STOP:
	case INITLINK_RESTARTED:
		return !updaters;	/* PID 1 is believed */
	default:
		return false;
	}
}

int initlink_recv(int fd, bool updaters, struct initlink_message *ret)
{
	struct initlink_message m;
	ssize_t n;

	/* Descriptors that came along are closed by the kernel: nobody asks for them. Who ends without having read
	 * all that we sent is a reset, told once and before its own last words, which still wait. */
	do
		n = recv(fd, &m, sizeof(m), MSG_DONTWAIT | MSG_TRUNC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n == 0) {
		errno = 0;
		return -1;
	}
	if (n != (ssize_t)sizeof(m) || !initlink_valid(&m, updaters)) {
		errno = EPROTO;
		return -1;
	}
	*ret = m;
	return 1;
}

uint32_t initlink_ms(int64_t seconds)
{
	if (seconds < 0)
		return 0;
	return seconds > INITLINK_MS_MAX / 1000 ? INITLINK_MS_MAX : (uint32_t)seconds * 1000;
}
