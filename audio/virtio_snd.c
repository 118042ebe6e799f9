/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "virtio_snd_private.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

static struct virtio_snd *snd_from(struct virtio_device *base)
{
	return (struct virtio_snd *)((char *)base - offsetof(struct virtio_snd, base));
}

/* The backend has room, or samples. */
static void snd_notify(void *data, enum audio_direction direction)
{
	struct virtio_snd *snd = data;

	snd_stream_move(&snd->streams[direction]);
}

/* Buffers for events stay where they are: no event is ever needed (no jack moves, and no stream
 * offers VIRTIO_SND_PCM_F_EVT_XRUNS). */
static void snd_event_kicked(struct virtqueue *queue, void *data)
{
}

static int snd_start_queue(struct virtio_device *base, uint16_t index,
			   const struct virtqueue_setup *setup)
{
	struct virtio_snd *snd = snd_from(base);
	struct snd_stream *stream;

	switch (index) {
	case VIRTIO_SND_VQ_CONTROL:
		snd->control = virtqueue_create(base, index, setup, virtio_snd_control_kicked, snd);
		return snd->control ? 0 : -errno;
	case VIRTIO_SND_VQ_EVENT:
		snd->event = virtqueue_create(base, index, setup, snd_event_kicked, snd);
		return snd->event ? 0 : -errno;
	default:
		/* As many messages can wait as there is room for in snd_stream.pending. */
		if (setup->size > SND_IO_QUEUE_SIZE)
			return -EINVAL;
		stream = &snd->streams[index - VIRTIO_SND_VQ_TX];
		stream->queue = virtqueue_create(base, index, setup, snd_stream_kicked, stream);
		return stream->queue ? 0 : -errno;
	}
}

static void snd_stop_queue(struct virtio_device *base, uint16_t index)
{
	struct virtio_snd *snd = snd_from(base);
	struct virtqueue **queue;

	switch (index) {
	case VIRTIO_SND_VQ_CONTROL:
		queue = &snd->control;
		break;
	case VIRTIO_SND_VQ_EVENT:
		queue = &snd->event;
		break;
	default:
		queue = &snd->streams[index - VIRTIO_SND_VQ_TX].queue;
		snd_stream_forget(&snd->streams[index - VIRTIO_SND_VQ_TX]);
		break;
	}
	virtqueue_destroy(*queue);
	*queue = NULL;
}

static uint64_t snd_features(struct virtio_device *base)
{
	return virtqueue_features();
}

static int snd_set_features(struct virtio_device *base, uint64_t features)
{
	return 0;
}

static void snd_read_config(struct virtio_device *base, size_t offset, void *to, size_t bytes)
{
	const struct virtio_snd_config config = {
		.jacks = htole32(SND_JACKS),
		.streams = htole32(SND_STREAMS),
		.chmaps = htole32(SND_CHMAPS),
	};

	memcpy(to, (const uint8_t *)&config + offset, bytes);
}

static void snd_reset(struct virtio_device *base)
{
	struct virtio_snd *snd = snd_from(base);

	for (int i = 0; i < SND_STREAMS; i++)
		snd_stream_reset(&snd->streams[i]);
}

static void snd_destroy(struct virtio_device *base)
{
	struct virtio_snd *snd = snd_from(base);

	snd_reset(base);
	snd->backend->listener = (struct audio_listener){ 0 };
	free(snd);
}

static const struct virtio_device_ops snd_ops = {
	.features = snd_features,
	.set_features = snd_set_features,
	.read_config = snd_read_config,
	.start_queue = snd_start_queue,
	.stop_queue = snd_stop_queue,
	.reset = snd_reset,
	.destroy = snd_destroy,
};

struct virtio_device *virtio_snd_create(struct loop *audio_loop, struct audio_backend *backend)
{
	static const uint16_t queue_sizes[VIRTIO_SND_VQ_MAX] = {
		SND_CONTROL_QUEUE_SIZE, SND_EVENT_QUEUE_SIZE, SND_IO_QUEUE_SIZE, SND_IO_QUEUE_SIZE,
	};
	struct virtio_snd *snd = calloc(1, sizeof(*snd));

	if (!snd)
		return NULL;
	snd->base = (struct virtio_device){
		.ops = &snd_ops,
		.loop = audio_loop,
		.name = "snd0",
		.type = VIRTIO_ID_SOUND,
		.queue_count = VIRTIO_SND_VQ_MAX,
		.queue_sizes = queue_sizes,
		.config_bytes = sizeof(struct virtio_snd_config),
	};
	snd->backend = backend;
	for (int i = 0; i < SND_STREAMS; i++) {
		snd->streams[i].snd = snd;
		snd->streams[i].direction = (enum audio_direction)i;
	}
	backend->listener = (struct audio_listener){ .notify = snd_notify, .data = snd };
	return &snd->base;
}
