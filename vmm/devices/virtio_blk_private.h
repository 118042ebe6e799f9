/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VMM_DEVICES_VIRTIO_BLK_PRIVATE_H
#define VMM_DEVICES_VIRTIO_BLK_PRIVATE_H

#include <devices/blk_image.h>
#include <liburing.h>
#include <sys/uio.h>
#include <virtio/device.h>

#define BLK_QUEUE_SIZE 256
/* Header and status take a descriptor each. */
#define BLK_MAX_SEGMENTS (BLK_QUEUE_SIZE - 2)
/* A segment that crosses regions of guest RAM takes more than one vector. */
#define BLK_MAX_VECTORS (BLK_MAX_SEGMENTS + 10)
#define BLK_MAX_SEGMENT_BYTES (1u << 20)
#define BLK_SERIAL_BYTES 20
#define BLK_NAME_BYTES 32

enum blk_step {
	BLK_STEP_READ,
	BLK_STEP_WRITE,
	BLK_STEP_PUNCH,         /* zeros, and the space may go back to the host */
	BLK_STEP_ZERO,          /* zeros, keeping the space */
	BLK_STEP_ZERO_WRITE,    /* zeros by writing them, where the host has no better way */
	BLK_STEP_SYNC,
};

struct virtio_blk;

/* One request on its way through the host. */
struct blk_request {
	struct virtio_blk *blk;
	struct blk_request *next_free;
	struct chain *chain;
	enum blk_step step;
	bool sync_after;                /* the guest did without a volatile cache */
	bool hint;                      /* discard: not being able to is not an error */
	uint64_t offset, left;          /* bytes of the image still to do */
	unsigned vector_first, vector_count;
	struct iovec vectors[BLK_MAX_VECTORS];
};

struct virtio_blk {
	struct virtio_device base;
	char name[BLK_NAME_BYTES];
	struct blk_image image;
	char serial[BLK_SERIAL_BYTES];  /* padded with zeros, not terminated when full */
	struct virtqueue *queue;
	bool flush_negotiated;
	bool writeback;                 /* configuration space: wce */
	struct io_uring ring;
	int done_fd;                    /* eventfd: completions wait */
	struct loop_fd *done_source;
	unsigned in_flight;
	struct blk_request *requests;   /* BLK_QUEUE_SIZE of them */
	struct blk_request *free_requests;
};

/* virtio_blk_request.c. On the loop. */
/* Parses the chain; answers it at once or starts the request. Does not notify. */
void blk_request_start(struct virtio_blk *blk, struct chain *chain);
/* Ends or continues what the host has done. */
void blk_requests_reap(struct virtio_blk *blk);
/* Hands started requests to the host. */
void blk_requests_submit(struct virtio_blk *blk);
/* Waits until nothing is in flight. */
void blk_requests_drain(struct virtio_blk *blk);

#endif
