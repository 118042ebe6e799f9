/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host side of an LGMP region (lgmp.h).
 *
 * Nothing in the region is believed: positions, offsets and what is unfinished are kept here, and a
 * word that says otherwise is written again. A message that a client leaves unread for half of the
 * time-out, or that is in the way of a new one, is finished for it, so no client holds up the ring
 * and none is thrown out for being slow; one that reads nothing for LGMP_HOST_DEAD_MS is. The lock
 * in the region is waited for a bounded time and then taken.
 *
 * One thread. now_ms is the caller's monotonic clock and becomes the region's time stamp.
 */
#ifndef IVSHMEM_LGMP_HOST_H
#define IVSHMEM_LGMP_HOST_H

#include <ivshmem/lgmp.h>
#include <stdbool.h>
#include <stdint.h>

#define LGMP_HOST_MAX_ENTRIES 64u       /* a ring's length */
#define LGMP_HOST_MAX_UDATA_BYTES 256u
#define LGMP_HOST_DEAD_MS 30000u
#define LGMP_HOST_DRAIN_MS 3000u
/* After the region was overwritten under clients: in that time they miss the heartbeat. */
#define LGMP_HOST_REST_MS 1000u

struct lgmp_host;

struct lgmp_host_queue_config {
	uint32_t id;
	uint32_t length;                /* messages + 1; 2..LGMP_HOST_MAX_ENTRIES */
	uint32_t timeout_ms;
};

struct lgmp_host_config {
	void *base;                     /* of the region; page aligned, outlives the host */
	uint64_t bytes;                 /* below 2 GiB: clients count in int */
	const struct lgmp_host_queue_config *queues;
	uint32_t queue_count;
	const void *udata;
	uint32_t udata_bytes;
};

/* What went wrong so far that the other side is to blame for. */
struct lgmp_host_faults {
	uint32_t locks_broken;
	uint32_t corrupted;             /* the header was overwritten: set up again */
	uint32_t bad_messages;          /* from clients: longer than they can be */
	uint32_t dead_clients;
};

/* A session that clients still hold on to is drained first: see lgmp_host_restart. Until then
 * nothing can be posted. NULL with errno (EINVAL, EFBIG: too small for its header; ENOMEM). */
struct lgmp_host *lgmp_host_create(const struct lgmp_host_config *config, uint64_t now_ms);
/* Leaves the region as it is: clients miss the heartbeat. NULL is ignored. */
void lgmp_host_destroy(struct lgmp_host *host);

/* The first offset behind header, udata and rings, for payloads. */
uint32_t lgmp_host_payload_offset(const struct lgmp_host *host);
bool lgmp_host_running(const struct lgmp_host *host);
/* A new session in the same memory: the heart stops and nothing is posted until every client has
 * let go, at most LGMP_HOST_DRAIN_MS, and then it is set up anew. Goes on in lgmp_host_beat. */
void lgmp_host_restart(struct lgmp_host *host, uint64_t now_ms);
/* The heartbeat and all housekeeping. Clients give up after 1 s without, and attach only where they
 * see two beats within 200 ms: call it every 10 to 100 ms. */
void lgmp_host_beat(struct lgmp_host *host, uint64_t now_ms);
const struct lgmp_host_faults *lgmp_host_faults(const struct lgmp_host *host);

/* --- queues, by their index in the config --- */

/* Bit mask of those a message would go to. */
uint32_t lgmp_host_subscribers(const struct lgmp_host *host, uint32_t queue);
/* True once for new subscribers: they want the current state. */
bool lgmp_host_take_joined(struct lgmp_host *host, uint32_t queue);
/* True once when a new subscriber has finished with the first message it got. */
bool lgmp_host_take_arrived(struct lgmp_host *host, uint32_t queue);
/* True once when somebody who was behind has finished with a message. Which one cannot be told: if
 * a whole ring went by while it read an old one, it has finished with a new one in the same place,
 * unread. It wants the current state again, whatever it seems to have read. */
bool lgmp_host_take_returned(struct lgmp_host *host, uint32_t queue);
/* Bit mask of those that have missed messages and did not come back yet. */
uint32_t lgmp_host_behind(const struct lgmp_host *host, uint32_t queue);
/* Finishes the oldest message when there is no room for another. */
void lgmp_host_make_room(struct lgmp_host *host, uint32_t queue, uint64_t now_ms);
/* True while somebody has not finished with a message with this payload. */
bool lgmp_host_payload_busy(const struct lgmp_host *host, uint32_t queue, uint32_t offset);
/* 0; -ENOTCONN: nobody subscribes, nothing was posted; -EINVAL: the payload is outside. */
int lgmp_host_post(struct lgmp_host *host, uint32_t queue, uint32_t user, uint32_t offset,
		   uint32_t bytes, uint64_t now_ms);
/* The next message from a client, copied out; its bytes, 0: none. Its sender waits until it is
 * acknowledged. */
uint32_t lgmp_host_receive(struct lgmp_host *host, uint32_t queue,
			   uint8_t data[LGMP_CLIENT_MESSAGE_BYTES]);
void lgmp_host_acknowledge(struct lgmp_host *host, uint32_t queue);

#endif
