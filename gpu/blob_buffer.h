/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A picture in the guest's own pages, shown without a copy. */
#ifndef GPU_BLOB_BUFFER_H
#define GPU_BLOB_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

struct display_buffer;
struct gpu_backing;

struct gpu_blob_layout {
	uint32_t width, height, fourcc;
	uint32_t stride_bytes, offset_bytes;
};

/* True when rows do not overlap and the last pixel lies inside bytes. Never overflows. */
bool gpu_blob_layout_fits(const struct gpu_blob_layout *layout, uint64_t bytes);
/* Takes its own reference of the backing, in which the layout fits. NULL with errno ENOMEM. */
struct display_buffer *gpu_blob_buffer_create(struct gpu_backing *backing,
					      const struct gpu_blob_layout *layout);

#endif
