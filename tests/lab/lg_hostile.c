/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a Looking Glass client could do to the host and to the other clients: all of the region is
 * open to it. */
#include "lg_probe.h"

#include <ivshmem/kvmfr20.h>
#include <ivshmem/lgmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HOSTILE_CROWD 40u
#define HOSTILE_HEADER_BYTES 16384u
#define HOSTILE_BURST 16

struct lg_hostile {
	struct lg_client *client;
	int fd;
	uint8_t *base;
	uint64_t bytes;
	uint64_t seed;
	void (*step)(struct lg_hostile *hostile, uint64_t now_ms);
	uint32_t sent, crowd_count;
	struct lg_client *crowd[HOSTILE_CROWD];
};

static uint32_t hostile_random(struct lg_hostile *hostile)
{
	hostile->seed = hostile->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(hostile->seed >> 32);
}

static struct lgmp_queue *hostile_queue(const struct lg_hostile *hostile, uint32_t index)
{
	return &((struct lgmp_header *)hostile->base)->queues[index];
}

/* --- what goes on ------------------------------------------------------------------------ */

static void hostile_take_locks(struct lg_hostile *hostile, uint64_t now_ms)
{
	for (uint32_t i = 0; i < 2; i++) {
		atomic_store(&hostile_queue(hostile, i)->lock, 1);
		atomic_store(&hostile_queue(hostile, i)->client_lock, 1);
	}
}

/* What any client writes in the course of reading: where reading begins, how much is unread, who
 * still has to read. */
static void hostile_lie(struct lg_hostile *hostile, uint64_t now_ms)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct lgmp_queue *queue = hostile_queue(hostile, i);
		uint32_t ring = atomic_load(&queue->messages_offset);
		uint32_t length = atomic_load(&queue->length);

		atomic_store(&queue->start, hostile_random(hostile));
		atomic_store(&queue->count, hostile_random(hostile));
		atomic_store(&queue->head_deadline, hostile_random(hostile));
		atomic_store(&queue->client_free, hostile_random(hostile));
		atomic_store(&queue->client_write, hostile_random(hostile));
		atomic_store(&queue->client_write_serial, hostile_random(hostile));
		atomic_store(&queue->new_subscribers, hostile_random(hostile));
		if (ring % 16 || ring > hostile->bytes ||
		    length > (hostile->bytes - ring) / sizeof(struct lgmp_message))
			continue;
		for (uint32_t j = 0; j < length; j++)
			atomic_store(&((struct lgmp_message *)(hostile->base + ring))[j].pending,
				     hostile_random(hostile));
	}
}

/* As many as there are slots for, of no size and no type that there could be. */
static void hostile_flood(struct lg_hostile *hostile, uint64_t now_ms)
{
	uint8_t data[LGMP_CLIENT_MESSAGE_BYTES];
	uint32_t serial;

	for (int i = 0; i < HOSTILE_BURST; i++) {
		memset(data, (int)hostile_random(hostile), sizeof(data));
		if (!lg_client_send(hostile->client, data, hostile_random(hostile) | 64, &serial))
			return;
		hostile->sent++;
	}
}

/* They subscribe to both queues and never read. */
static void hostile_crowd(struct lg_hostile *hostile, uint64_t now_ms)
{
	hostile->crowd_count = 0;
	for (uint32_t i = 0; i < HOSTILE_CROWD; i++) {
		if (!lg_client_state(hostile->crowd[i])->attached)
			lg_client_step(hostile->crowd[i], now_ms);
		hostile->crowd_count += lg_client_state(hostile->crowd[i])->attached;
	}
}

/* --- once -------------------------------------------------------------------------------- */

static void hostile_begin_crowd(struct lg_hostile *hostile)
{
	for (uint32_t i = 0; i < HOSTILE_CROWD; i++) {
		if (!hostile->crowd[i])
			hostile->crowd[i] = lg_client_create(hostile->fd);
		if (!hostile->crowd[i]) {
			fprintf(stderr, "lg-probe: no crowd: %m\n");
			exit(1);
		}
	}
	hostile->step = hostile_crowd;
}

static void hostile_noise(struct lg_hostile *hostile)
{
	for (uint64_t i = 0; i + 4 <= hostile->bytes; i += 4) {
		uint32_t word = hostile_random(hostile);

		memcpy(hostile->base + i, &word, 4);
	}
}

bool lg_hostile_begin(struct lg_hostile *hostile, const char *word)
{
	hostile->step = NULL;
	if (!strcmp(word, "hold-locks"))
		hostile_take_locks(hostile, 0);
	else if (!strcmp(word, "retake-locks"))
		hostile->step = hostile_take_locks;
	else if (!strcmp(word, "lie"))
		hostile->step = hostile_lie;
	else if (!strcmp(word, "flood"))
		hostile->step = hostile_flood;
	else if (!strcmp(word, "crowd"))
		hostile_begin_crowd(hostile);
	else if (!strcmp(word, "zero"))
		memset(hostile->base, 0, HOSTILE_HEADER_BYTES);
	else if (!strcmp(word, "noise"))
		hostile_noise(hostile);
	else
		return !strcmp(word, "peace");
	return true;
}

void lg_hostile_step(struct lg_hostile *hostile, uint64_t now_ms)
{
	if (hostile->step)
		hostile->step(hostile, now_ms);
}

uint32_t lg_hostile_count(const struct lg_hostile *hostile)
{
	return hostile->sent + hostile->crowd_count;
}

struct lg_hostile *lg_hostile_create(struct lg_client *client, int fd)
{
	struct lg_hostile *hostile = calloc(1, sizeof(*hostile));
	struct stat status;

	if (!hostile || fstat(fd, &status)) {
		fprintf(stderr, "lg-probe: %m\n");
		exit(1);
	}
	hostile->client = client;
	hostile->fd = fd;
	hostile->base = lg_client_base(client);
	hostile->bytes = (uint64_t)status.st_size;
	hostile->seed = 1;
	return hostile;
}

void lg_hostile_destroy(struct lg_hostile *hostile)
{
	for (uint32_t i = 0; i < HOSTILE_CROWD; i++)
		lg_client_destroy(hostile->crowd[i]);
	free(hostile);
}
