/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Publishes the frames of one scanout. Never waits for a reader and never believes one.
 *
 * One thread. The slot that is latest, and the one a reader hints at, are left alone as long as
 * another is free. Each slot remembers what it missed since it was last written, so that begin
 * names all that must be copied into it from the newest picture.
 */
#ifndef IVSHMEM_SLOTS_WRITER_H
#define IVSHMEM_SLOTS_WRITER_H

#include <ivshmem/abi.h>
#include <stdint.h>

struct segment;
struct slots_writer;

struct slots_picture {
	uint32_t width, height;
	uint32_t fourcc;                /* one of VIDEO_FOURCC_* */
};

struct slots_write {
	uint8_t *pixels;                /* of the slot */
	uint32_t pitch;
	struct video_damage damage;     /* what to copy into it, inside the picture */
};

/* Once for each layout of the segment: sequences begin at 1. NULL with errno (ENOENT: no such
 * scanout in the segment, EPROTO, ENOMEM). */
struct slots_writer *slots_writer_create(struct segment *segment, uint32_t scanout);
void slots_writer_destroy(struct slots_writer *writer);

/* Starts the next frame; damage is what changed since the frame before (NULL: everything, as when
 * the size or format changed, which begin sees itself). 0; -EFBIG: the picture fits in no slot:
 * the section says VIDEO_TOO_LARGE and the wanted size, nothing was begun. -EINVAL: empty. */
int slots_writer_begin(struct slots_writer *writer, const struct slots_picture *picture,
		       const struct video_damage *damage, struct slots_write *write);
/* The slot is complete: it is the latest now and the scanout is on. */
void slots_writer_publish(struct slots_writer *writer, uint64_t guest_flush_ns,
			  uint64_t publish_ns);
/* Gives up what was begun; its damage is owed to the next frame, as is the whole slot. */
void slots_writer_cancel(struct slots_writer *writer);
/* The scanout shows nothing. */
void slots_writer_off(struct slots_writer *writer);

#endif
