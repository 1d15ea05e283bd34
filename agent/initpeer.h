/* initpeer.h - the updater as PID 1 has it: started, listened to, started again.
 *
 * It may die at any moment and as often as it likes: the next one is started
 * after a pause, 0.1 s doubling to 60 s, and at once again when one has lived
 * for 60 s. One that sends what it may not is killed.
 */
#pragma once
#include <sys/types.h>
#include "initlink.h"

#define INITPEER_PAUSE_MIN_MS 100
#define INITPEER_PAUSE_MAX_MS 60000
#define INITPEER_LIVED_MS     60000

struct initpeer {
	int (*run)(int link, void *arg);
	void *arg;
	pid_t pid;		/* 0: it does not run */
	int link;		/* our end, -1: none */
	unsigned starts, deaths; /* failed starts are deaths */
	bool settled;		/* the first one has sent its settings */
	uint64_t began, next;	/* ms: of this one; when to start the next */
	uint32_t pause, pause_max;
};

void initpeer_init(struct initpeer *p, int (*run)(int link, void *arg), void *arg);
/* -1: it could not be, which is a death like any other. In the updater it does not return. */
int initpeer_start(struct initpeer *p, uint64_t now);
/* Is it time to start one? */
bool initpeer_due(const struct initpeer *p, uint64_t now);
/* It was reaped. */
void initpeer_ended(struct initpeer *p, uint64_t now);
/* A message to it; -1: there is none, or it does not listen. */
int initpeer_tell(const struct initpeer *p, const struct initlink_message *m);
/* 1: a message from it in *RET. 0: none. One that broke the rules or closed the
 * link is killed. */
int initpeer_hear(struct initpeer *p, struct initlink_message *ret);
/* The first one, before it has read anything hostile: only that may say FAILED. */
bool initpeer_is_first(const struct initpeer *p);
void initpeer_trust_ends(struct initpeer *p);
