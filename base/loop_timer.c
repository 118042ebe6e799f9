/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loop_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NS_PER_S 1000000000u

struct loop_timer {
	int fd;
	struct loop_fd *source;
	loop_func *func;
	void *data;
};

static void loop_timer_on_expiry(void *data, uint32_t events)
{
	struct loop_timer *timer = data;
	uint64_t expirations;

	/* Disarmed or armed anew since the event was queued: nothing has expired. */
	if (read(timer->fd, &expirations, sizeof(expirations)) != (ssize_t)sizeof(expirations))
		return;
	timer->func(timer->data); /* may destroy the timer */
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_func *func, void *data)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));
	int error;

	if (!timer)
		return NULL;
	*timer = (struct loop_timer){ .func = func, .data = data };
	timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer->fd < 0)
		goto fail;
	timer->source = loop_fd_add(loop, timer->fd, EPOLLIN, loop_timer_on_expiry, timer);
	if (!timer->source)
		goto fail;
	return timer;

fail:
	error = errno;
	if (timer->fd >= 0)
		close(timer->fd);
	free(timer);
	errno = error;
	return NULL;
}

static struct timespec loop_timer_timespec(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) };
}

int loop_timer_arm(struct loop_timer *timer, uint64_t delay_ns, uint64_t interval_ns)
{
	/* A delay of 0 would disarm; the least one fires at once. */
	struct itimerspec spec = { .it_value = loop_timer_timespec(delay_ns ? delay_ns : 1),
				   .it_interval = loop_timer_timespec(interval_ns) };

	return timerfd_settime(timer->fd, 0, &spec, NULL) < 0 ? -errno : 0;
}

void loop_timer_disarm(struct loop_timer *timer)
{
	struct itimerspec spec = { 0 };

	timerfd_settime(timer->fd, 0, &spec, NULL);
}

void loop_timer_destroy(struct loop_timer *timer)
{
	if (!timer)
		return;
	loop_fd_remove(timer->source);
	close(timer->fd);
	free(timer);
}
