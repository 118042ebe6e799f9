/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/bytes.h>
#include <base/loop.h>
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <devices/virtio_blk.h>
#include <devices/virtio_blk_private.h>
#include <devices/virtio_wire.h>

#define BLK_CONFIG(field) offsetof(struct virtio_blk_wire_config, field)
#define BLK_MAX_ZERO_SECTORS (1u << 21)         /* 1 GiB in one discard or write-zeroes */
#define BLK_DISCARD_ALIGNMENT_SECTORS 8

static const struct option_def blk_options[] = {
	{ "path", OPTION_STRING, offsetof(struct virtio_blk_config, path), .metavar = "FILE",
	  .help = "a raw disk image or a block device" },
	{ "readonly", OPTION_BOOL, offsetof(struct virtio_blk_config, readonly),
	  .help = "the guest cannot write to it" },
	{ "serial", OPTION_STRING, offsetof(struct virtio_blk_config, serial), .metavar = "TEXT",
	  .help = "serial number that the guest sees" },
};
#define BLK_OPTION_COUNT (sizeof(blk_options) / sizeof(blk_options[0]))

int virtio_blk_config_parse(struct virtio_blk_config *config, const char *text,
			    struct option_error *error)
{
	int result = options_parse_list(blk_options, BLK_OPTION_COUNT, config, text, "path", error);

	if (result < 0)
		return result;
	if (!config->path || !*config->path)
		return option_error_set(error, "disk: which one? Give path=FILE");
	if (config->serial && strlen(config->serial) > BLK_SERIAL_BYTES)
		return option_error_set(error, "disk: serial=%s is longer than %d characters",
					config->serial, BLK_SERIAL_BYTES);
	return 0;
}

void virtio_blk_config_finish(struct virtio_blk_config *config)
{
	options_finish(blk_options, BLK_OPTION_COUNT, config);
	*config = (struct virtio_blk_config){ 0 };
}

static struct virtio_blk *blk_from(struct virtio_device *base)
{
	return (struct virtio_blk *)((char *)base - offsetof(struct virtio_blk, base));
}

static void blk_kicked(struct virtqueue *queue, void *data)
{
	struct virtio_blk *blk = data;
	struct chain *chain;

	while ((chain = virtqueue_pop(queue)))
		blk_request_start(blk, chain);
	blk_requests_submit(blk);
	virtqueue_notify(queue);
}

static void blk_done(void *data, uint32_t events)
{
	struct virtio_blk *blk = data;
	uint64_t count;

	/* -EAGAIN: a drain was faster. */
	if (read(blk->done_fd, &count, sizeof(count)) < 0)
		return;
	blk_requests_reap(blk);
	blk_requests_submit(blk);
	if (blk->queue)
		virtqueue_notify(blk->queue);
}

static uint64_t blk_features(struct virtio_device *base)
{
	uint64_t features = virtqueue_features() | 1ull << VIRTIO_BLK_F_SIZE_MAX |
			    1ull << VIRTIO_BLK_F_SEG_MAX | 1ull << VIRTIO_BLK_F_BLK_SIZE |
			    1ull << VIRTIO_BLK_F_FLUSH | 1ull << VIRTIO_BLK_F_CONFIG_WCE;

	if (blk_from(base)->image.readonly)
		return features | 1ull << VIRTIO_BLK_F_RO;
	return features | 1ull << VIRTIO_BLK_F_DISCARD | 1ull << VIRTIO_BLK_F_WRITE_ZEROES;
}

static int blk_set_features(struct virtio_device *base, uint64_t features)
{
	blk_from(base)->flush_negotiated = features >> VIRTIO_BLK_F_FLUSH & 1;
	return 0;
}

static void blk_read_config(struct virtio_device *base, size_t offset, void *to, size_t bytes)
{
	const struct virtio_blk *blk = blk_from(base);
	uint8_t config[sizeof(struct virtio_blk_wire_config)] = { 0 };

	le64_store(config + BLK_CONFIG(capacity), blk->image.sectors);
	le32_store(config + BLK_CONFIG(size_max), BLK_MAX_SEGMENT_BYTES);
	le32_store(config + BLK_CONFIG(seg_max), BLK_MAX_SEGMENTS);
	le32_store(config + BLK_CONFIG(blk_size), BLK_SECTOR_BYTES);
	config[BLK_CONFIG(wce)] = blk->writeback;
	le16_store(config + BLK_CONFIG(num_queues), 1);
	le32_store(config + BLK_CONFIG(max_discard_sectors), BLK_MAX_ZERO_SECTORS);
	le32_store(config + BLK_CONFIG(max_discard_seg), 1);
	le32_store(config + BLK_CONFIG(discard_sector_alignment), BLK_DISCARD_ALIGNMENT_SECTORS);
	le32_store(config + BLK_CONFIG(max_write_zeroes_sectors), BLK_MAX_ZERO_SECTORS);
	le32_store(config + BLK_CONFIG(max_write_zeroes_seg), 1);
	config[BLK_CONFIG(write_zeroes_may_unmap)] = 1;
	memcpy(to, config + offset, bytes);
}

/* Only the cache mode can be written. */
static void blk_write_config(struct virtio_device *base, size_t offset, const void *from,
			     size_t bytes)
{
	if (offset <= BLK_CONFIG(wce) && BLK_CONFIG(wce) - offset < bytes)
		blk_from(base)->writeback = ((const uint8_t *)from)[BLK_CONFIG(wce) - offset] & 1;
}

static int blk_start_queue(struct virtio_device *base, uint16_t index,
			   const struct virtqueue_setup *setup)
{
	struct virtio_blk *blk = blk_from(base);

	blk->queue = virtqueue_create(base, index, setup, blk_kicked, blk);
	return blk->queue ? 0 : -errno;
}

static void blk_stop_queue(struct virtio_device *base, uint16_t index)
{
	struct virtio_blk *blk = blk_from(base);

	blk_requests_drain(blk);
	virtqueue_destroy(blk->queue);
	blk->queue = NULL;
}

static void blk_reset(struct virtio_device *base)
{
	struct virtio_blk *blk = blk_from(base);

	blk->flush_negotiated = false;
	blk->writeback = true;
}

static void blk_destroy(struct virtio_device *base)
{
	struct virtio_blk *blk = blk_from(base);

	loop_fd_remove(blk->done_source);
	io_uring_queue_exit(&blk->ring);
	close(blk->done_fd);
	blk_image_close(&blk->image);
	free(blk->requests);
	free(blk);
}

static const struct virtio_device_ops blk_ops = {
	.features = blk_features,
	.set_features = blk_set_features,
	.read_config = blk_read_config,
	.write_config = blk_write_config,
	.start_queue = blk_start_queue,
	.stop_queue = blk_stop_queue,
	.reset = blk_reset,
	.destroy = blk_destroy,
};

static int blk_open_ring(struct virtio_blk *blk)
{
	int result;

	blk->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (blk->done_fd < 0)
		return -errno;
	result = io_uring_queue_init(BLK_QUEUE_SIZE, &blk->ring, 0);
	if (result < 0)
		goto close_fd;
	result = io_uring_register_eventfd(&blk->ring, blk->done_fd);
	if (result < 0)
		goto exit_ring;
	blk->done_source = loop_fd_add(blk->base.loop, blk->done_fd, EPOLLIN, blk_done, blk);
	if (blk->done_source)
		return 0;
	result = -errno;
exit_ring:
	io_uring_queue_exit(&blk->ring);
close_fd:
	close(blk->done_fd);
	return result;
}

static void blk_init(struct virtio_blk *blk, struct loop *loop,
		     const struct virtio_blk_config *config)
{
	static const uint16_t queue_sizes[] = { BLK_QUEUE_SIZE };
	const char *slash = strrchr(config->path, '/');

	snprintf(blk->name, sizeof(blk->name), "blk %s", slash ? slash + 1 : config->path);
	if (config->serial)
		memcpy(blk->serial, config->serial, strnlen(config->serial, BLK_SERIAL_BYTES));
	blk->writeback = true;
	blk->base = (struct virtio_device){
		.ops = &blk_ops,
		.loop = loop,
		.name = blk->name,
		.type = VIRTIO_ID_BLOCK,
		.queue_count = 1,
		.queue_sizes = queue_sizes,
		.config_bytes = sizeof(struct virtio_blk_wire_config),
	};
	for (unsigned i = 0; i < BLK_QUEUE_SIZE; i++) {
		blk->requests[i].blk = blk;
		blk->requests[i].next_free = blk->free_requests;
		blk->free_requests = &blk->requests[i];
	}
}

struct virtio_device *virtio_blk_create(struct loop *loop, const struct virtio_blk_config *config,
					struct option_error *error)
{
	struct virtio_blk *blk = calloc(1, sizeof(*blk));
	int result = -ENOMEM;

	if (!blk || !(blk->requests = calloc(BLK_QUEUE_SIZE, sizeof(*blk->requests)))) {
		option_error_set(error, "disk: out of memory");
		goto free_blk;
	}
	blk_init(blk, loop, config);
	result = blk_image_open(&blk->image, config->path, config->readonly, error);
	if (result < 0)
		goto free_blk;
	result = blk_open_ring(blk);
	if (result < 0) {
		option_error_set(error, "disk: io_uring does not work here: %s (see the sysctl "
				 "kernel.io_uring_disabled)", strerror(-result));
		goto close_image;
	}
	return &blk->base;
close_image:
	blk_image_close(&blk->image);
free_blk:
	if (blk)
		free(blk->requests);
	free(blk);
	errno = -result;
	return NULL;
}
