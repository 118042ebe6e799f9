/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a queue. The host addresses of the ring areas are found once: RAM does not move while
 * a queue runs.
 */
#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <unistd.h>
#include <virtio/device.h>

#include "queue_private.h"

uint64_t virtqueue_features(void)
{
	return (uint64_t)1 << VIRTIO_RING_F_INDIRECT_DESC | (uint64_t)1 << VIRTIO_RING_F_EVENT_IDX;
}

static void virtqueue_kicked(void *data, uint32_t events)
{
	struct virtqueue *queue = data;
	uint64_t kicks;

	if (read(queue->kick_fd, &kicks, sizeof(kicks)) < 0 && errno != EAGAIN && errno != EINTR)
		log_error("%s queue %u: cannot read its kicks: %m", queue->device->name,
			  queue->index);
	queue->func(queue, queue->data);
}

/* The host address of a ring area in RAM, aligned as 2.7 wants it; NULL with errno. */
static void *virtqueue_area(const struct guest_mem *mem, uint64_t gpa, size_t bytes, size_t align)
{
	void *host = guest_mem_map(mem, gpa, bytes);

	if (!host)
		errno = EFAULT;
	else if (gpa % align || (uintptr_t)host % align)
		errno = EINVAL;
	else
		return host;
	return NULL;
}

static int virtqueue_map(struct virtqueue *queue, const struct virtqueue_setup *setup)
{
	size_t size = setup->size;
	size_t avail_bytes = sizeof(struct vring_avail) + size * sizeof(uint16_t);
	size_t used_bytes = sizeof(struct vring_used) + size * sizeof(struct vring_used_elem);
	size_t event_bytes = queue->event_idx ? sizeof(uint16_t) : 0;

	queue->table.descs = virtqueue_area(setup->mem, setup->desc_gpa,
					    size * sizeof(struct vring_desc), VRING_DESC_ALIGN_SIZE);
	queue->avail = virtqueue_area(setup->mem, setup->driver_gpa, avail_bytes + event_bytes,
				      VRING_AVAIL_ALIGN_SIZE);
	queue->used = virtqueue_area(setup->mem, setup->device_gpa, used_bytes + event_bytes,
				     VRING_USED_ALIGN_SIZE);
	if (!queue->table.descs || !queue->avail || !queue->used)
		return -errno;
	queue->used_event = &queue->avail->ring[size];
	queue->avail_event = (uint16_t *)&queue->used->ring[size];
	return 0;
}

static bool virtqueue_size_valid(uint16_t size)
{
	return size && size <= VIRTQUEUE_MAX_SIZE && (size & (size - 1)) == 0;
}

static void virtqueue_init(struct virtqueue *queue, struct virtio_device *device, uint16_t index,
			   const struct virtqueue_setup *setup)
{
	queue->device = device;
	queue->index = index;
	queue->kick_fd = setup->kick_fd;
	queue->call_fd = setup->call_fd;
	queue->size = setup->size;
	queue->event_idx = setup->features >> VIRTIO_RING_F_EVENT_IDX & 1;
	queue->mem = guest_mem_ref(setup->mem);
	queue->table.size = setup->size;
	queue->table.mem = queue->mem;
	queue->table.indirect = setup->features >> VIRTIO_RING_F_INDIRECT_DESC & 1;
}

struct virtqueue *virtqueue_create(struct virtio_device *device, uint16_t index,
				   const struct virtqueue_setup *setup, virtqueue_func *func,
				   void *data)
{
	struct virtqueue *queue;
	int error;

	if (!virtqueue_size_valid(setup->size)) {
		errno = EINVAL;
		return NULL;
	}
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return NULL;
	virtqueue_init(queue, device, index, setup);
	queue->func = func;
	queue->data = data;
	queue->heads = calloc(setup->size, sizeof(*queue->heads));
	if (!queue->heads || virtqueue_map(queue, setup) < 0)
		goto fail;
	queue->kick_source = loop_fd_add(device->loop, queue->kick_fd, EPOLLIN, virtqueue_kicked,
					 queue);
	if (!queue->kick_source)
		goto fail;
	virtqueue_want_kicks(queue, true);
	virtqueue_kick_self(queue);
	return queue;

fail:
	error = errno;
	virtqueue_destroy(queue);
	errno = error;
	return NULL;
}

void virtqueue_destroy(struct virtqueue *queue)
{
	if (!queue)
		return;
	loop_fd_remove(queue->kick_source);
	for (uint16_t i = 0; queue->heads && i < queue->size; i++)
		chain_destroy(queue->heads[i]);
	while (queue->pool) {
		struct chain *chain = queue->pool;

		queue->pool = chain->next;
		chain_destroy(chain);
	}
	free(queue->heads);
	guest_mem_unref(queue->mem);
	free(queue);
}
