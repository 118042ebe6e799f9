/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <virtio/device.h>
#include <devices/virtio_rng.h>

#define RNG_QUEUE_SIZE 64
/* The most one request gets: guests ask again for more, and no request holds the loop up. */
#define RNG_MAX_BYTES 4096

struct virtio_rng {
	struct virtio_device base;
	struct virtqueue *queue;
};

static struct virtio_rng *rng_from(struct virtio_device *base)
{
	return (struct virtio_rng *)((char *)base - offsetof(struct virtio_rng, base));
}

static void rng_fill(struct chain *chain)
{
	uint8_t bytes[RNG_MAX_BYTES];
	size_t want = chain_writable(chain);
	ssize_t got;

	if (want > sizeof(bytes))
		want = sizeof(bytes);
	/* GRND_NONBLOCK: fails only in the host's first moments; the guest then gets 0 bytes. */
	got = getrandom(bytes, want, GRND_NONBLOCK);
	if (got > 0)
		chain_write(chain, bytes, (size_t)got);
	explicit_bzero(bytes, sizeof(bytes));
}

static void rng_kicked(struct virtqueue *queue, void *data)
{
	struct chain *chain;

	while ((chain = virtqueue_pop(queue))) {
		rng_fill(chain);
		virtqueue_push(queue, chain);
	}
	virtqueue_notify(queue);
}

static uint64_t rng_features(struct virtio_device *base)
{
	return virtqueue_features();
}

static int rng_set_features(struct virtio_device *base, uint64_t features)
{
	return 0;
}

static int rng_start_queue(struct virtio_device *base, uint16_t index,
			   const struct virtqueue_setup *setup)
{
	struct virtio_rng *rng = rng_from(base);

	rng->queue = virtqueue_create(base, index, setup, rng_kicked, rng);
	return rng->queue ? 0 : -errno;
}

static void rng_stop_queue(struct virtio_device *base, uint16_t index)
{
	struct virtio_rng *rng = rng_from(base);

	virtqueue_destroy(rng->queue);
	rng->queue = NULL;
}

static void rng_reset(struct virtio_device *base)
{
}

static void rng_destroy(struct virtio_device *base)
{
	free(rng_from(base));
}

static const struct virtio_device_ops rng_ops = {
	.features = rng_features,
	.set_features = rng_set_features,
	.start_queue = rng_start_queue,
	.stop_queue = rng_stop_queue,
	.reset = rng_reset,
	.destroy = rng_destroy,
};

struct virtio_device *virtio_rng_create(struct loop *loop)
{
	static const uint16_t queue_sizes[] = { RNG_QUEUE_SIZE };
	struct virtio_rng *rng = calloc(1, sizeof(*rng));

	if (!rng)
		return NULL;
	rng->base = (struct virtio_device){
		.ops = &rng_ops,
		.loop = loop,
		.name = "rng0",
		.type = VIRTIO_ID_RNG,
		.queue_count = 1,
		.queue_sizes = queue_sizes,
	};
	return &rng->base;
}
