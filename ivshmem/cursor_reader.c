/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cursor_fields.h"
#include "seqlock.h"

#include <errno.h>
#include <ivshmem/copy.h>
#include <ivshmem/cursor.h>
#include <ivshmem/segment.h>
#include <stdlib.h>

struct cursor_reader {
	const struct cursor_section *section;
	bool known;                     /* the rest is what the last read reported */
	uint64_t lock;
	struct cursor_fields fields;
	uint32_t pixels[CURSOR_MAX_EXTENT * CURSOR_MAX_EXTENT];
};

struct cursor_reader *cursor_reader_create(struct segment *segment, uint32_t scanout)
{
	const struct cursor_section *section = segment_find(segment, SEGMENT_SECTION_CURSOR,
							    scanout, NULL);
	struct cursor_reader *reader;

	if (!section) {
		errno = ENOENT;
		return NULL;
	}
	reader = calloc(1, sizeof(*reader));
	if (reader)
		reader->section = section;
	return reader;
}

void cursor_reader_destroy(struct cursor_reader *reader)
{
	free(reader);
}

/* serial 0: no image was ever set. */
static bool cursor_fields_sane(const struct cursor_fields *fields)
{
	if (!fields->image_serial)
		return true;
	return fields->width && fields->width <= CURSOR_MAX_EXTENT && fields->height &&
	       fields->height <= CURSOR_MAX_EXTENT && video_fourcc_known(fields->fourcc);
}

static void cursor_reader_report(const struct cursor_reader *reader, struct cursor_state *state)
{
	const struct cursor_fields *fields = &reader->fields;

	state->x = fields->x;
	state->y = fields->y;
	state->visible = fields->visible && fields->image_serial;
	state->image = (struct cursor_image){
		.width = fields->width,
		.height = fields->height,
		.hot_x = fields->hot_x,
		.hot_y = fields->hot_y,
		.fourcc = fields->fourcc,
		.pixels = reader->pixels,
	};
}

int cursor_reader_read(struct cursor_reader *reader, struct cursor_state *state)
{
	const struct cursor_section *section = reader->section;
	struct cursor_fields fields, old = reader->fields;
	bool image_changed;
	uint64_t lock;

	*state = (struct cursor_state){ 0 };
	if (!seqlock_read_begin(&section->lock, &lock))
		return -EAGAIN;
	if (reader->known && lock == reader->lock) {
		cursor_reader_report(reader, state);
		return 0;
	}
	shared_copy(&fields, &section->x, sizeof(fields));
	if (!seqlock_read_end(&section->lock, lock))
		return -EAGAIN;
	if (!cursor_fields_sane(&fields))
		return -EPROTO;
	image_changed = fields.image_serial &&
			(!reader->known || fields.image_serial != old.image_serial);
	if (image_changed) {
		reader->known = false;  /* until the pixels are whole */
		shared_copy(reader->pixels, section->pixels,
			    (size_t)fields.width * fields.height * 4);
		if (!seqlock_read_end(&section->lock, lock))
			return -EAGAIN;
	}
	state->image_changed = image_changed;
	state->moved = !reader->known || fields.x != old.x || fields.y != old.y ||
		       fields.visible != old.visible;
	reader->fields = fields;
	reader->lock = lock;
	reader->known = true;
	cursor_reader_report(reader, state);
	return 1;
}

void cursor_reader_forget(struct cursor_reader *reader)
{
	reader->known = false;
}
