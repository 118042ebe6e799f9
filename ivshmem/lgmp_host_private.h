/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LGMP_HOST_PRIVATE_H
#define LGMP_HOST_PRIVATE_H

#include <ivshmem/lgmp_host.h>

/* A message as we posted it. */
struct lgmp_host_entry {
	uint32_t pending;               /* at most these still have to finish */
	uint32_t offset;
	uint64_t posted_ms;
};

struct lgmp_host_queue {
	struct lgmp_host_queue_config config;
	struct lgmp_queue *shared;
	struct lgmp_message *ring;
	uint32_t ring_offset;
	uint32_t position, start, count;
	uint32_t live;                  /* subscribed and not bad, at the last look */
	uint32_t behind;
	uint32_t fresh;                 /* have finished with nothing yet */
	bool arrived;                   /* one of them has */
	bool returned;                  /* somebody who was behind reads again */
	uint32_t client_read;           /* index */
	uint32_t client_read_serial;
	uint64_t client_lock_since_ms;  /* held, as far as we have seen without a break; 0: not */
	uint32_t client_lock_serial;    /* of the messages written by then */
	uint64_t looked_ms;             /* when what follows was brought up to date */
	uint32_t waited_ms[LGMP_MAX_SUBSCRIBERS];       /* with something unread */
	struct lgmp_host_entry entries[LGMP_HOST_MAX_ENTRIES];
};

struct lgmp_host {
	struct lgmp_header *shared;
	uint64_t bytes;
	uint32_t session;
	uint32_t payload_offset;
	bool running;
	uint64_t rest_until_ms, drain_until_ms;
	uint64_t impatient_until_ns;    /* a lock was left held a moment ago */
	struct lgmp_host_faults faults;
	uint32_t queue_count;
	uint32_t udata_bytes;
	uint8_t udata[LGMP_HOST_MAX_UDATA_BYTES];
	struct lgmp_host_queue queues[LGMP_MAX_QUEUES];
};

/* Waits a bounded time, then takes a lock whose holder seems to be gone. */
void lgmp_host_lock(struct lgmp_host *host, _Atomic uint32_t *lock);
void lgmp_host_unlock(_Atomic uint32_t *lock);

/* --- lgmp_host_queue.c --- */

/* A queue as for a new session; its words in the region too. */
void lgmp_host_queue_clear(struct lgmp_host_queue *queue);
void lgmp_host_queue_beat(struct lgmp_host *host, struct lgmp_host_queue *queue, uint64_t now_ms);
/* False: somebody has overwritten what only we write. */
bool lgmp_host_queue_intact(const struct lgmp_host_queue *queue);

#endif
