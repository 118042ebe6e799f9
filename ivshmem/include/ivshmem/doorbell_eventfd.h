/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doorbells: eventfds handed over the control socket. And, only where none can exist (a file, a
 * PCI BAR), the pace of polling instead. Any thread.
 */
#ifndef IVSHMEM_DOORBELL_EVENTFD_H
#define IVSHMEM_DOORBELL_EVENTFD_H

#include <stdbool.h>
#include <stdint.h>

/* A non-blocking, close-on-exec eventfd, to be closed by the caller; -errno. */
int doorbell_eventfd_create(void);
/* Never blocks; a bell that already rings stays so. */
void doorbell_eventfd_ring(int fd);
/* True when it had rung. Look at the segment after this, not before. */
bool doorbell_eventfd_clear(int fd);

/* Zero-initialized: starts active. */
struct poll_pace {
	uint64_t last_move_ns;
};

#define POLL_PACE_ACTIVE_MS 4
#define POLL_PACE_IDLE_MS 50
#define POLL_PACE_IDLE_AFTER_NS UINT64_C(2000000000)

/* How long to sleep before the next look. moved: the last look found something. */
uint32_t poll_pace_next_ms(struct poll_pace *pace, bool moved, uint64_t now_ns);

#endif
