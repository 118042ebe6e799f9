/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-blk (virtio 1.2, 5.2): a raw image file or a block device, asynchronous by io_uring. What
 * the guest has flushed is on the disk, whatever happens to this process.
 */
#ifndef VMM_DEVICES_VIRTIO_BLK_H
#define VMM_DEVICES_VIRTIO_BLK_H

#include <base/options.h>
#include <stdbool.h>

struct loop;
struct virtio_device;

/* --disk path=FILE[,readonly=on][,serial=TEXT]; all zeros is the default. */
struct virtio_blk_config {
	char *path;
	bool readonly;
	char *serial;           /* at most 20 characters, or NULL */
};

/* 0 or -EINVAL with the error filled in; finish afterwards in both cases. */
int virtio_blk_config_parse(struct virtio_blk_config *config, const char *text,
			    struct option_error *error);
void virtio_blk_config_finish(struct virtio_blk_config *config);

/* Opens and locks the image; the config is not needed afterwards. On the loop or while it does not
 * run. NULL with errno and one clear line in the error. */
struct virtio_device *virtio_blk_create(struct loop *loop, const struct virtio_blk_config *config,
					struct option_error *error);

#endif
