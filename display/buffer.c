/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <display/buffer.h>

void display_buffer_init(struct display_buffer *buffer, const struct display_buffer_ops *ops,
			 uint32_t width, uint32_t height, uint32_t fourcc)
{
	buffer->ops = ops;
	atomic_init(&buffer->references, 1);
	buffer->width = width;
	buffer->height = height;
	buffer->fourcc = fourcc;
}

struct display_buffer *display_buffer_ref(struct display_buffer *buffer)
{
	/* Relaxed: whoever refs already has a reference, so nothing needs ordering. */
	atomic_fetch_add_explicit(&buffer->references, 1, memory_order_relaxed);
	return buffer;
}

void display_buffer_unref(struct display_buffer *buffer)
{
	if (!buffer)
		return;
	/* Release: our reads come before; acquire: destroy comes after everyone's reads. */
	if (atomic_fetch_sub_explicit(&buffer->references, 1, memory_order_acq_rel) == 1)
		buffer->ops->destroy(buffer);
}

int display_buffer_begin_read(struct display_buffer *buffer, struct display_pixels *pixels)
{
	return buffer->ops->begin_read(buffer, pixels);
}

void display_buffer_end_read(struct display_buffer *buffer)
{
	buffer->ops->end_read(buffer);
}
