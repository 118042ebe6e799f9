/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device side of a split virtqueue (virtio 1.2, 2.7) with indirect descriptors and event
 * indices. A queue is three guest addresses, a size, a kick fd and a call fd, whoever carries it.
 *
 * A queue belongs to one loop; every function here is called on it. A queue the guest broke
 * (bad index, loop, address outside RAM) stops itself: pop returns NULL from then on, and the
 * owner is told once through virtio_device_needs_reset.
 */
#ifndef VIRTIO_QUEUE_H
#define VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <virtio/chain.h>
#include <virtio/guest_mem.h>

struct loop;
struct virtio_device;
struct virtqueue;

#define VIRTQUEUE_MAX_SIZE 1024

/* The ring's feature bits for virtio_device_ops.features. Any thread. */
uint64_t virtqueue_features(void);

/* What a transport hands to virtio_device_ops.start_queue. The fds and mem stay the transport's
 * and live until stop_queue returned; the queue takes its own reference of mem. */
struct virtqueue_setup {
	uint16_t size;          /* power of two, 1..VIRTQUEUE_MAX_SIZE, checked by virtqueue_create */
	uint64_t desc_gpa;      /* descriptor area */
	uint64_t driver_gpa;    /* driver area (available ring) */
	uint64_t device_gpa;    /* device area (used ring) */
	uint64_t features;      /* negotiated feature bits */
	struct guest_mem *mem;
	int kick_fd;            /* eventfd: the driver has made buffers available */
	int call_fd;            /* eventfd: written to interrupt the driver; -1: never */
};

/* The driver kicked: pop until empty, push, then notify. */
typedef void virtqueue_func(struct virtqueue *queue, void *data);

/* Checks the setup, listens for kicks on the device's loop; a kick is taken as pending at once, so
 * buffers made available before the start are seen. NULL with errno (EINVAL, EFAULT, ENOMEM). */
struct virtqueue *virtqueue_create(struct virtio_device *device, uint16_t index,
				   const struct virtqueue_setup *setup, virtqueue_func *func,
				   void *data);
/* Chains still held are returned to the memory pool, not to the guest. NULL is ignored. */
void virtqueue_destroy(struct virtqueue *queue);

/* The next available chain, owned by the caller until pushed; NULL: none, or the queue is broken.
 * Kicks are asked for again whenever pop returned NULL. */
struct chain *virtqueue_pop(struct virtqueue *queue);
/* Puts the last popped, untouched chain back: the next pop returns it again. */
void virtqueue_unpop(struct virtqueue *queue, struct chain *chain);
/* True when a pop would return a chain. */
bool virtqueue_has_chain(struct virtqueue *queue);
/* Gives the chain back with the number of bytes written into it (chain_written); in any order. */
void virtqueue_push(struct virtqueue *queue, struct chain *chain);
/* Interrupts the driver if it wants it for what was pushed since the last call. */
void virtqueue_notify(struct virtqueue *queue);
/* Runs the handler once from the loop, as if kicked (work waited for something else). */
void virtqueue_kick_self(struct virtqueue *queue);

bool virtqueue_is_broken(const struct virtqueue *queue);
/* The guest broke the contract of this queue's device: stop it and tell the driver. */
void virtqueue_break(struct virtqueue *queue);
uint16_t virtqueue_index(const struct virtqueue *queue);

#endif
