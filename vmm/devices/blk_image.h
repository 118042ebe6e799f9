/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A raw disk image: a file or a block device, locked against a second user.
 */
#ifndef VMM_DEVICES_BLK_IMAGE_H
#define VMM_DEVICES_BLK_IMAGE_H

#include <base/options.h>
#include <stdbool.h>
#include <stdint.h>

#define BLK_SECTOR_BYTES 512u

struct blk_image {
	int fd;
	bool readonly;
	uint64_t sectors;
};

/* 0, or -errno with one clear line in the error. */
int blk_image_open(struct blk_image *image, const char *path, bool readonly,
		   struct option_error *error);
void blk_image_close(struct blk_image *image);

#endif
