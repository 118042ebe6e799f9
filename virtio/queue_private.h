/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of a queue: made in queue_setup.c, used in queue.c. */
#ifndef VIRTIO_QUEUE_PRIVATE_H
#define VIRTIO_QUEUE_PRIVATE_H

#include <stdbool.h>
#include <virtio/queue.h>

#include "chain_private.h"

struct vring_avail;
struct vring_used;

struct virtqueue {
	struct virtio_device *device;
	virtqueue_func *func;
	void *data;
	struct loop_fd *kick_source;
	int kick_fd, call_fd;
	uint16_t index;

	struct guest_mem *mem;
	struct chain_table table;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t *used_event;      /* driver: interrupt me when used->idx passes this */
	uint16_t *avail_event;     /* device: kick me when avail->idx passes this */
	uint16_t size;
	bool event_idx;

	bool broken;
	bool kicks_wanted;         /* what used->flags or *avail_event tell the driver */
	uint16_t next_avail;       /* the next entry of avail->ring to pop */
	uint16_t seen_avail;       /* avail->idx as last read */
	uint16_t next_used;        /* our used->idx */
	uint16_t notified_used;    /* next_used at the last virtqueue_notify */
	struct chain *pool;        /* chains at rest */
	struct chain **heads;      /* by head: the chain that is popped, or NULL */
};

/* Tells the driver whether it should kick; the caller looks at avail->idx again afterwards. */
void virtqueue_want_kicks(struct virtqueue *queue, bool wanted);

#endif
