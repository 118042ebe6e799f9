/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's cursor on one scanout: where it is and what it looks like. Writer and reader belong
 * to one thread each.
 */
#ifndef IVSHMEM_CURSOR_H
#define IVSHMEM_CURSOR_H

#include <ivshmem/abi.h>
#include <stdbool.h>
#include <stdint.h>

struct segment;
struct cursor_writer;
struct cursor_reader;

struct cursor_image {
	uint32_t width, height;         /* 1..CURSOR_MAX_EXTENT */
	uint32_t hot_x, hot_y;
	uint32_t fourcc;                /* one of VIDEO_FOURCC_* */
	const uint32_t *pixels;         /* rows width pixels apart */
};

/* NULL with errno (ENOENT, ENOMEM). */
struct cursor_writer *cursor_writer_create(struct segment *segment, uint32_t scanout);
void cursor_writer_destroy(struct cursor_writer *writer);
/* 0, or -EINVAL: the image is empty or too large; the cursor is hidden then. */
int cursor_writer_set_image(struct cursor_writer *writer, const struct cursor_image *image);
void cursor_writer_move(struct cursor_writer *writer, int32_t x, int32_t y, bool visible);

struct cursor_state {
	int32_t x, y;                   /* of the hotspot, on the scanout */
	bool visible;
	bool moved;                     /* position or visibility changed since the last read */
	bool image_changed;             /* image differs from the last read */
	struct cursor_image image;      /* the reader's own copy, valid until the next read */
};

/* NULL with errno (ENOENT, ENOMEM). */
struct cursor_reader *cursor_reader_create(struct segment *segment, uint32_t scanout);
void cursor_reader_destroy(struct cursor_reader *reader);
/* 1: something changed; 0: nothing did; -EAGAIN: being written, try again soon; -EPROTO: the
 * section lies: detach. Fills in state in the first two cases. */
int cursor_reader_read(struct cursor_reader *reader, struct cursor_state *state);
/* The next read reports everything as changed. */
void cursor_reader_forget(struct cursor_reader *reader);

#endif
