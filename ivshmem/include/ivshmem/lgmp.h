/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LGMP, protocol version 6, as bytes in memory: what Looking Glass B7 clients read and write.
 * Little endian, only the C library. Both sides write nearly everywhere, so words are atomic and
 * neither side's are believed. docs/looking-glass.md says what we do with it.
 */
#ifndef IVSHMEM_LGMP_H
#define IVSHMEM_LGMP_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define LGMP_MAGIC 0x504d474cu          /* "LGMP" */
#define LGMP_VERSION 6u
#define LGMP_MAX_QUEUES 5u
#define LGMP_MAX_SUBSCRIBERS 32u
#define LGMP_CLIENT_MESSAGES 10u
#define LGMP_CLIENT_MESSAGE_BYTES 64u

/* The oldest first; a ring of queue->length of them, of which one is always free. */
struct lgmp_message {
	_Atomic uint32_t user;
	_Atomic uint32_t bytes;
	_Atomic uint32_t offset;        /* of the payload, in the file */
	_Atomic uint32_t pending;       /* subscribers that have not finished with it */
};

struct lgmp_client_message {
	_Atomic uint32_t bytes;
	uint8_t data[LGMP_CLIENT_MESSAGE_BYTES];
};

struct lgmp_queue {
	_Atomic uint32_t id;
	_Atomic uint32_t length;                /* messages + 1 */
	_Atomic uint32_t new_subscribers;       /* clients add, the host takes */
	_Atomic uint32_t timeout_ms;
	_Atomic uint32_t position;              /* where the host writes next; publishes */
	_Atomic uint32_t messages_offset;
	_Atomic uint64_t bad_deadlines[LGMP_MAX_SUBSCRIBERS];
	_Atomic uint32_t client_ids[LGMP_MAX_SUBSCRIBERS];
	_Atomic uint32_t lock;                  /* 0 free, 1 held */
	uint32_t padding_a;
	_Atomic uint64_t subscribers;           /* subscribed << 32 | bad */
	_Atomic uint32_t start;                 /* oldest unfinished message */
	uint32_t padding_b;
	_Atomic uint64_t head_deadline;         /* ms of the time stamp's clock */
	_Atomic uint32_t count;                 /* unfinished messages */
	_Atomic uint32_t client_lock;           /* of the client messages */
	_Atomic uint32_t client_free;
	_Atomic uint32_t client_write;          /* index */
	_Atomic uint32_t client_write_serial;
	_Atomic uint32_t client_read_serial;    /* the host's acknowledgements */
	struct lgmp_client_message client_messages[LGMP_CLIENT_MESSAGES];
};

struct lgmp_header {
	_Atomic uint32_t magic;
	_Atomic uint32_t version;
	_Atomic uint32_t session;               /* random, new with every set-up */
	uint32_t padding_a;
	_Atomic uint64_t time_stamp;            /* ms, monotonic; the heartbeat */
	_Atomic uint32_t queue_count;
	uint32_t padding_b;
	struct lgmp_queue queues[LGMP_MAX_QUEUES];
	_Atomic uint32_t udata_bytes;
	uint8_t udata[4];                       /* and on: it begins in what would be padding */
};

_Static_assert(sizeof(struct lgmp_message) == 16, "LGMP message");
_Static_assert(sizeof(struct lgmp_client_message) == 68, "LGMP client message");
_Static_assert(offsetof(struct lgmp_queue, bad_deadlines) == 24, "LGMP queue");
_Static_assert(offsetof(struct lgmp_queue, client_ids) == 280, "LGMP queue");
_Static_assert(offsetof(struct lgmp_queue, lock) == 408, "LGMP queue");
_Static_assert(offsetof(struct lgmp_queue, subscribers) == 416, "LGMP queue");
_Static_assert(offsetof(struct lgmp_queue, start) == 424, "LGMP queue");
_Static_assert(offsetof(struct lgmp_queue, head_deadline) == 432, "LGMP queue");
_Static_assert(offsetof(struct lgmp_queue, count) == 440, "LGMP queue");
_Static_assert(offsetof(struct lgmp_queue, client_lock) == 444, "LGMP queue");
_Static_assert(offsetof(struct lgmp_queue, client_read_serial) == 460, "LGMP queue");
_Static_assert(offsetof(struct lgmp_queue, client_messages) == 464, "LGMP queue");
_Static_assert(sizeof(struct lgmp_queue) == 1144, "LGMP queue");
_Static_assert(offsetof(struct lgmp_header, time_stamp) == 16, "LGMP header");
_Static_assert(offsetof(struct lgmp_header, queues) == 32, "LGMP header");
_Static_assert(offsetof(struct lgmp_header, udata_bytes) == 5752, "LGMP header");
_Static_assert(offsetof(struct lgmp_header, udata) == 5756, "LGMP header");
_Static_assert(sizeof(struct lgmp_header) == 5760, "LGMP header");

#endif
