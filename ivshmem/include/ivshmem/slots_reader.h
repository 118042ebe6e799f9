/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the frames of one scanout: the newest complete one, with all that changed since the
 * frame read before. One thread per reader; any number of readers. A reader that dies harms
 * nothing. Nothing the segment says is believed before it was checked.
 */
#ifndef IVSHMEM_SLOTS_READER_H
#define IVSHMEM_SLOTS_READER_H

#include <ivshmem/abi.h>
#include <stdbool.h>
#include <stdint.h>

struct segment;
struct slots_reader;

struct slots_frame {
	const uint8_t *pixels;          /* in the segment: may change until end said otherwise */
	uint64_t sequence;
	uint32_t width, height, pitch, fourcc;
	uint64_t guest_flush_ns, publish_ns;
	uint64_t skipped;               /* frames between the last one read and this one */
	bool full;                      /* damage is the whole picture */
	struct video_damage damage;     /* since the last frame read, inside the picture */
	uint64_t lock;                  /* for end */
	uint32_t slot;
};

/* NULL with errno (ENOENT: no such scanout in the segment, EPROTO, ENOMEM). */
struct slots_reader *slots_reader_create(struct segment *segment, uint32_t scanout);
void slots_reader_destroy(struct slots_reader *reader);

/* What the scanout shows; the size is checked for nothing but being a number. */
enum video_state slots_reader_state(const struct slots_reader *reader, uint32_t *width,
				    uint32_t *height);
/* True when begin would find a frame that was not read yet. Cheap: one load. */
bool slots_reader_pending(const struct slots_reader *reader);

/* 1: a frame that was not read yet; use its pixels, then call end. 0: nothing new.
 * -EAGAIN: overtaken by the writer: a newer frame is coming, try again.
 * -ESTALE: the segment was laid out anew: attach again. -EPROTO: it lies: detach. */
int slots_reader_begin(struct slots_reader *reader, struct slots_frame *frame);
/* True: the pixels were whole all the time. False: torn; they count as not read, and the next
 * begin names their damage again. */
bool slots_reader_end(struct slots_reader *reader, const struct slots_frame *frame);
/* The next begin returns the newest frame again, all of it. */
void slots_reader_forget(struct slots_reader *reader);

#endif
