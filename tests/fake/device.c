/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fake/device.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

static struct fake_device *fake_device_from(struct virtio_device *device)
{
	return (struct fake_device *)((char *)device - offsetof(struct fake_device, base));
}

void fake_device_idle(struct virtqueue *queue, void *data)
{
}

void fake_device_echo(struct virtqueue *queue, void *data)
{
	struct chain *chain;
	uint8_t bytes[256];
	size_t count;

	while ((chain = virtqueue_pop(queue))) {
		while ((count = chain_read(chain, bytes, sizeof(bytes))))
			chain_write(chain, bytes, count);
		virtqueue_push(queue, chain);
	}
	virtqueue_notify(queue);
}

static uint64_t fake_device_features(struct virtio_device *base)
{
	return virtqueue_features() | 1u << FAKE_DEVICE_F_NEEDED | 1u << FAKE_DEVICE_F_OTHER;
}

static int fake_device_set_features(struct virtio_device *base, uint64_t features)
{
	fake_device_from(base)->features = features;
	return features >> FAKE_DEVICE_F_NEEDED & 1 ? 0 : -EINVAL;
}

static void fake_device_read_config(struct virtio_device *base, size_t offset, void *to,
				    size_t bytes)
{
	memcpy(to, fake_device_from(base)->config + offset, bytes);
}

static void fake_device_write_config(struct virtio_device *base, size_t offset, const void *from,
				     size_t bytes)
{
	memcpy(fake_device_from(base)->config + offset, from, bytes);
}

static int fake_device_start_queue(struct virtio_device *base, uint16_t index,
				   const struct virtqueue_setup *setup)
{
	struct fake_device *device = fake_device_from(base);

	if (device->start_error)
		return device->start_error;
	device->queues[index] = virtqueue_create(base, index, setup, device->kicked, device);
	return device->queues[index] ? 0 : -errno;
}

static void fake_device_stop_queue(struct virtio_device *base, uint16_t index)
{
	struct fake_device *device = fake_device_from(base);

	virtqueue_destroy(device->queues[index]);
	device->queues[index] = NULL;
}

static void fake_device_reset(struct virtio_device *base)
{
	struct fake_device *device = fake_device_from(base);

	device->resets++;
	device->features = 0;
}

static void fake_device_destroy(struct virtio_device *base)
{
	free(fake_device_from(base));
}

static const struct virtio_device_ops fake_device_ops = {
	.features = fake_device_features,
	.set_features = fake_device_set_features,
	.read_config = fake_device_read_config,
	.write_config = fake_device_write_config,
	.start_queue = fake_device_start_queue,
	.stop_queue = fake_device_stop_queue,
	.reset = fake_device_reset,
	.destroy = fake_device_destroy,
};

struct fake_device *fake_device_create(struct loop *loop)
{
	static const uint16_t sizes[FAKE_DEVICE_QUEUES] = {
		FAKE_DEVICE_QUEUE_SIZE, FAKE_DEVICE_QUEUE_SIZE,
	};
	struct fake_device *device = calloc(1, sizeof(*device));

	if (!device)
		return NULL;
	device->kicked = fake_device_echo;
	device->base = (struct virtio_device){
		.ops = &fake_device_ops,
		.loop = loop,
		.name = "fake0",
		.type = VIRTIO_ID_RNG,
		.queue_count = FAKE_DEVICE_QUEUES,
		.queue_sizes = sizes,
		.config_bytes = FAKE_DEVICE_CONFIG_BYTES,
	};
	return device;
}
