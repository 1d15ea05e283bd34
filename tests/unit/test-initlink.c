/* The link between PID 1 and the updater: what PID 1 takes, and what is a reason to kill. */
#include <errno.h>
#include <sys/socket.h>
#include "buf.h"
#include "initlink.h"
#include "initpeer.h"
#include "tap.h"

static const struct initlink_settings good = { 15, 10000, 8000, 60000, 3, 3600 };

static bool takes(struct initlink_settings s)
{
	return initlink_valid(&(struct initlink_message){ .type = INITLINK_SETTINGS, .settings = s }, true);
}

TEST(settings_in_bounds)
{
#define WITH(field, value)                            \
	({                                            \
		struct initlink_settings _s = good;   \
		_s.field = (value);                   \
		takes(_s);                            \
	})
	OK(takes(good));
	OK(WITH(stop_signal, 1) && WITH(stop_signal, 64));
	OK(!WITH(stop_signal, 0) && !WITH(stop_signal, -15) && !WITH(stop_signal, 65) && !WITH(stop_signal, INT32_MIN));
	OK(WITH(stop_timeout, 0) && WITH(stop_timeout, INITLINK_MS_MAX));
	OK(!WITH(stop_timeout, INITLINK_MS_MAX + 1) && !WITH(stop_timeout, UINT32_MAX));
	OK(WITH(shutdown_grace, 0) && !WITH(shutdown_grace, INITLINK_MS_MAX + 1));
	OK(WITH(before_start, 0) && !WITH(before_start, INITLINK_MS_MAX + 1));
	OK(WITH(budget_count, 0) && WITH(budget_count, INITLINK_BUDGET_MAX) &&
	   !WITH(budget_count, INITLINK_BUDGET_MAX + 1));
	OK(WITH(budget_period, 1) && !WITH(budget_period, 0) && !WITH(budget_period, INITLINK_PERIOD_MAX + 1));
}

TEST(each_side_has_its_messages)
{
	for (uint32_t type = 0; type < 300; type++) {
		struct initlink_message m = { .type = type };

		if (type == INITLINK_SETTINGS)
			m.settings = good;
		if (type == INITLINK_FAILED)
			m.failed.status = 2;
		EQ(initlink_valid(&m, true), type >= INITLINK_SETTINGS && type <= INITLINK_RESTART);
		EQ(initlink_valid(&m, false), type >= INITLINK_CHILD && type <= INITLINK_RESTARTED);
	}
	for (int status = -3; status < 400; status++)
		EQ(initlink_valid(&(struct initlink_message){ .type = INITLINK_FAILED, .failed.status = status }, true),
		   status >= 1 && status <= 125);
}

TEST(over_a_socket)
{
	struct initlink_message m = { .type = INITLINK_READY }, got = { .id = 99 };
	char large[sizeof(m) + 1] = { 0 };
	int fds[2];

	EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	EQ(initlink_recv(fds[0], true, &got), 0);
	EQ(initlink_send(fds[1], &m), 0);
	EQ(initlink_recv(fds[0], true, &got), 1);
	EQ(got.type, INITLINK_READY);
	/* one that only we may send; too short; too long: the good ones around them do not help */
	for (int i = 0; i < 3; i++) {
		m.type = i == 0 ? INITLINK_STOP : INITLINK_READY;
		memcpy(large, &m, sizeof(m));
		EQ(send(fds[1], large, i == 0 ? sizeof(m) : i == 1 ? sizeof(m) - 1 : sizeof(m) + 1, 0) > 0, 1);
		got.id = 99;
		EQ(initlink_recv(fds[0], true, &got), -1);
		EQ(errno, EPROTO);
		EQ(got.id, 99);
	}
	/* one that does not read does not hold us */
	m.type = INITLINK_DEADLINE;
	int sent = 0;
	while (sent < 1000000 && initlink_send(fds[0], &m) == 0)
		sent++;
	EQ(errno, EAGAIN);
	(void)close(fds[1]);
	EQ(initlink_recv(fds[0], true, &got), -1);
	EQ(errno, 0);
	EQ(initlink_send(fds[0], &m), -1);	/* and no SIGPIPE */
	(void)close(fds[0]);
}

/* An updater with a wrong configuration says so and ends; what PID 1 told it before it has not read. */
TEST(last_words_of_one_that_did_not_listen)
{
	struct initlink_message m = { .type = INITLINK_CHILD }, got = { .id = 99 };
	int fds[2];

	EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	EQ(initlink_send(fds[0], &m), 0);
	m = (struct initlink_message){ .type = INITLINK_FAILED, .failed.status = 2 };
	EQ(initlink_send(fds[1], &m), 0);
	(void)close(fds[1]);
	EQ(initlink_recv(fds[0], true, &got), 1);
	EQ(got.type, INITLINK_FAILED);
	EQ(got.failed.status, 2);
	EQ(initlink_recv(fds[0], true, &got), -1);
	EQ(errno, 0);
	(void)close(fds[0]);
}

TEST(durations)
{
	EQ(initlink_ms(0), 0);
	EQ(initlink_ms(-5), 0);
	EQ(initlink_ms(8), 8000);
	EQ(initlink_ms(7 * 86400), INITLINK_MS_MAX);
	EQ(initlink_ms(7 * 86400 + 1), INITLINK_MS_MAX);
	EQ(initlink_ms(INT64_MAX), INITLINK_MS_MAX);
}

/* The pause before the next updater. */
TEST(backoff)
{
	static const uint64_t pauses[] = { 100,	 200,  400,   800,   1600,  3200,  6400,
					   12800, 25600, 51200, 60000, 60000, 60000 };
	struct initpeer p;
	uint64_t now = 1000;

	initpeer_init(&p, NULL, NULL);
	OK(initpeer_due(&p, now));
	for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
		p.pid = 1;
		p.began = now;
		now += 50;
		OK(!initpeer_due(&p, now));
		initpeer_ended(&p, now);
		OK(!initpeer_due(&p, now + pauses[i] - 1));
		OK(initpeer_due(&p, now + pauses[i]));
		now += pauses[i];
	}
	p.began = now;	/* one that lives for a minute was a good one */
	now += INITPEER_LIVED_MS;
	initpeer_ended(&p, now);
	OK(initpeer_due(&p, now + INITPEER_PAUSE_MIN_MS));
	EQ(p.deaths, ARRAY_SIZE(pauses) + 1);
}

TAP_MAIN
