/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cursor_fields.h"
#include "seqlock.h"

#include <errno.h>
#include <ivshmem/copy.h>
#include <ivshmem/cursor.h>
#include <ivshmem/segment.h>
#include <stdlib.h>

/* The fields are kept here and written out whole: nothing is read back from the segment. */
struct cursor_writer {
	struct cursor_section *section;
	uint64_t lock;
	struct cursor_fields fields;
};

struct cursor_writer *cursor_writer_create(struct segment *segment, uint32_t scanout)
{
	struct cursor_section *section = segment_find(segment, SEGMENT_SECTION_CURSOR, scanout,
						      NULL);
	struct cursor_writer *writer;

	if (!section) {
		errno = ENOENT;
		return NULL;
	}
	writer = calloc(1, sizeof(*writer));
	if (writer)
		writer->section = section;
	return writer;
}

void cursor_writer_destroy(struct cursor_writer *writer)
{
	free(writer);
}

static void cursor_writer_publish(struct cursor_writer *writer, const uint32_t *pixels)
{
	struct cursor_section *section = writer->section;
	const struct cursor_fields *fields = &writer->fields;

	seqlock_write_begin(&section->lock, &writer->lock);
	shared_copy(&section->x, fields, sizeof(*fields));
	if (pixels)
		shared_copy(section->pixels, pixels, (size_t)fields->width * fields->height * 4);
	seqlock_write_end(&section->lock, &writer->lock);
}

int cursor_writer_set_image(struct cursor_writer *writer, const struct cursor_image *image)
{
	struct cursor_fields *fields = &writer->fields;

	if (!image->width || image->width > CURSOR_MAX_EXTENT || !image->height ||
	    image->height > CURSOR_MAX_EXTENT) {
		fields->visible = 0;
		cursor_writer_publish(writer, NULL);
		return -EINVAL;
	}
	fields->width = image->width;
	fields->height = image->height;
	fields->hot_x = image->hot_x;
	fields->hot_y = image->hot_y;
	fields->fourcc = image->fourcc;
	fields->image_serial++;
	cursor_writer_publish(writer, image->pixels);
	return 0;
}

void cursor_writer_move(struct cursor_writer *writer, int32_t x, int32_t y, bool visible)
{
	writer->fields.x = x;
	writer->fields.y = y;
	writer->fields.visible = visible;
	cursor_writer_publish(writer, NULL);
}
