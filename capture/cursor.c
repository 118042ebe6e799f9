/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's cursor into its section. */
#include "capture_private.h"

#include <base/log.h>
#include <errno.h>
#include <ivshmem/cursor.h>
#include <stdlib.h>

struct cursor_sink {
	struct cursor_writer *writer;
	uint32_t scanout;
	bool has_image;                 /* the section's image is the display's */
	uint32_t pixels[CURSOR_MAX_EXTENT * CURSOR_MAX_EXTENT];
};

struct cursor_sink *cursor_sink_create(struct segment *segment, uint32_t scanout)
{
	struct cursor_sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	sink->scanout = scanout;
	sink->writer = cursor_writer_create(segment, scanout);
	if (!sink->writer) {
		int error = errno;

		free(sink);
		errno = error;
		return NULL;
	}
	return sink;
}

void cursor_sink_destroy(struct cursor_sink *sink)
{
	if (!sink)
		return;
	cursor_writer_destroy(sink->writer);
	free(sink);
}

/* Fills in the image's pixels and format. 0 or -errno. */
static int cursor_read_image(struct cursor_sink *sink, struct display_buffer *buffer,
			     struct cursor_image *image)
{
	int error = cursor_pixels_read(buffer, sink->pixels);

	if (error)
		return error;
	image->width = buffer->width;
	image->height = buffer->height;
	image->fourcc = VIDEO_FOURCC_ARGB8888;
	image->pixels = sink->pixels;
	return 0;
}

static void cursor_update_image(struct cursor_sink *sink, const struct display_cursor *cursor)
{
	struct cursor_image image = { .hot_x = cursor->hot_x, .hot_y = cursor->hot_y };
	int error = cursor_read_image(sink, cursor->buffer, &image);

	if (!error)
		error = cursor_writer_set_image(sink->writer, &image);
	if (error)
		log_guest_bug("screen %u: cursor of %u x %u pixels, format 0x%08x, is not shown",
			      sink->scanout, cursor->buffer->width, cursor->buffer->height,
			      cursor->buffer->fourcc);
	sink->has_image = !error;
}

void cursor_sink_show(struct cursor_sink *sink, const struct display_cursor *cursor,
		      bool image_changed)
{
	if (image_changed) {
		sink->has_image = false;
		if (cursor->buffer)
			cursor_update_image(sink, cursor);
	}
	cursor_writer_move(sink->writer, cursor->x, cursor->y,
			   cursor->buffer && sink->has_image);
}
