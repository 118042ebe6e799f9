/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <ivshmem/doorbell_eventfd.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int doorbell_eventfd_create(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/*
 * The other side shares the open file: it may have cleared O_NONBLOCK, and filled or emptied the
 * counter. So ask before every call whether it would block.
 */
static bool doorbell_eventfd_ready(int fd, short event)
{
	struct pollfd ready = { .fd = fd, .events = event };

	return poll(&ready, 1, 0) == 1 && (ready.revents & event);
}

void doorbell_eventfd_ring(int fd)
{
	const uint64_t one = 1;

	if (!doorbell_eventfd_ready(fd, POLLOUT))
		return;
	/* The only failure left is a full counter: it rings already. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

bool doorbell_eventfd_clear(int fd)
{
	uint64_t count;

	if (!doorbell_eventfd_ready(fd, POLLIN))
		return false;
	return read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count);
}

uint32_t poll_pace_next_ms(struct poll_pace *pace, bool moved, uint64_t now_ns)
{
	if (moved || !pace->last_move_ns)
		pace->last_move_ns = now_ns;
	if (now_ns - pace->last_move_ns < POLL_PACE_IDLE_AFTER_NS)
		return POLL_PACE_ACTIVE_MS;
	return POLL_PACE_IDLE_MS;
}
