/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clients' frame doorbells. The lock is held for a few non-blocking writes at most. */
#include "capture_private.h"

#include <errno.h>
#include <ivshmem/doorbell_eventfd.h>
#include <pthread.h>
#include <stdlib.h>

struct doorbells {
	pthread_mutex_t mutex;
	uint32_t count;
	int eventfds[CAPTURE_MAX_DOORBELLS];
};

struct doorbells *doorbells_create(void)
{
	struct doorbells *doorbells = calloc(1, sizeof(*doorbells));

	if (doorbells)
		pthread_mutex_init(&doorbells->mutex, NULL);
	return doorbells;
}

void doorbells_destroy(struct doorbells *doorbells)
{
	if (!doorbells)
		return;
	pthread_mutex_destroy(&doorbells->mutex);
	free(doorbells);
}

int doorbells_add(struct doorbells *doorbells, int eventfd)
{
	int result = -ENOSPC;

	pthread_mutex_lock(&doorbells->mutex);
	if (doorbells->count < CAPTURE_MAX_DOORBELLS) {
		doorbells->eventfds[doorbells->count++] = eventfd;
		doorbell_eventfd_ring(eventfd);
		result = 0;
	}
	pthread_mutex_unlock(&doorbells->mutex);
	return result;
}

void doorbells_remove(struct doorbells *doorbells, int eventfd)
{
	pthread_mutex_lock(&doorbells->mutex);
	for (uint32_t i = 0; i < doorbells->count; i++) {
		if (doorbells->eventfds[i] != eventfd)
			continue;
		doorbells->eventfds[i] = doorbells->eventfds[--doorbells->count];
		break;
	}
	pthread_mutex_unlock(&doorbells->mutex);
}

void doorbells_ring(struct doorbells *doorbells)
{
	pthread_mutex_lock(&doorbells->mutex);
	for (uint32_t i = 0; i < doorbells->count; i++)
		doorbell_eventfd_ring(doorbells->eventfds[i]);
	pthread_mutex_unlock(&doorbells->mutex);
}
