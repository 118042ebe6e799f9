/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "blob_buffer.h"

#include "backing.h"
#include "format.h"

#include <display/buffer.h>
#include <stdlib.h>

struct gpu_blob_buffer {
	struct display_buffer base;
	struct gpu_backing *backing;
	struct gpu_blob_layout layout;
};

bool gpu_blob_layout_fits(const struct gpu_blob_layout *layout, uint64_t bytes)
{
	/* Dimensions are at most 2^14, the others 32 bits wide: nothing here reaches 2^64. */
	uint64_t row_bytes = (uint64_t)layout->width * GPU_PIXEL_BYTES;
	uint64_t end = layout->offset_bytes +
		       (uint64_t)layout->stride_bytes * (layout->height - 1) + row_bytes;

	return layout->stride_bytes >= row_bytes && end <= bytes;
}

static int blob_buffer_begin_read(struct display_buffer *base, struct display_pixels *pixels)
{
	struct gpu_blob_buffer *buffer = (struct gpu_blob_buffer *)base;

	*pixels = (struct display_pixels){
		.iov = buffer->backing->iov,
		.iov_count = buffer->backing->iov_count,
		.offset_bytes = buffer->layout.offset_bytes,
		.stride_bytes = buffer->layout.stride_bytes,
	};
	return 0;
}

static void blob_buffer_end_read(struct display_buffer *base)
{
}

static void blob_buffer_destroy(struct display_buffer *base)
{
	struct gpu_blob_buffer *buffer = (struct gpu_blob_buffer *)base;

	gpu_backing_unref(buffer->backing);
	free(buffer);
}

static const struct display_buffer_ops blob_buffer_ops = {
	.begin_read = blob_buffer_begin_read,
	.end_read = blob_buffer_end_read,
	.destroy = blob_buffer_destroy,
};

struct display_buffer *gpu_blob_buffer_create(struct gpu_backing *backing,
					      const struct gpu_blob_layout *layout)
{
	struct gpu_blob_buffer *buffer = calloc(1, sizeof(*buffer));

	if (!buffer)
		return NULL;
	display_buffer_init(&buffer->base, &blob_buffer_ops, layout->width, layout->height,
			    layout->fourcc);
	buffer->backing = gpu_backing_ref(backing);
	buffer->layout = *layout;
	return &buffer->base;
}
