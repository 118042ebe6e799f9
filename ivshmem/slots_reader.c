/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "damage.h"
#include "segment_layout.h"
#include "seqlock.h"

#include <errno.h>
#include <ivshmem/copy.h>
#include <ivshmem/segment.h>
#include <ivshmem/slots_reader.h>
#include <stdlib.h>
#include <string.h>

struct slots_reader {
	const struct segment *segment;
	struct video_section *section;
	uint64_t section_bytes;
	uint64_t last;                  /* sequence of the last frame read whole; 0: none */
	uint32_t width, height, fourcc; /* of that frame */
};

struct slots_reader *slots_reader_create(struct segment *segment, uint32_t scanout)
{
	struct slots_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->segment = segment;
	reader->section = segment_find(segment, SEGMENT_SECTION_VIDEO, scanout,
				       &reader->section_bytes);
	if (!reader->section) {
		free(reader);
		errno = ENOENT;
		return NULL;
	}
	return reader;
}

static void reader_clear_hint(struct slots_reader *reader)
{
	atomic_store_explicit(&reader->section->reader_hint, VIDEO_NO_SLOT, memory_order_relaxed);
}

void slots_reader_destroy(struct slots_reader *reader)
{
	if (!reader)
		return;
	if (segment_is_current(reader->segment))
		reader_clear_hint(reader);
	free(reader);
}

enum video_state slots_reader_state(const struct slots_reader *reader, uint32_t *width,
				    uint32_t *height)
{
	uint32_t state = atomic_load_explicit(&reader->section->state, memory_order_acquire);
	uint64_t size = atomic_load_explicit(&reader->section->size, memory_order_relaxed);

	*width = (uint32_t)size;
	*height = (uint32_t)(size >> 32);
	return state <= VIDEO_TOO_LARGE ? (enum video_state)state : VIDEO_OFF;
}

bool slots_reader_pending(const struct slots_reader *reader)
{
	uint64_t latest = atomic_load_explicit(&reader->section->latest, memory_order_acquire);

	return latest && latest >> VIDEO_LATEST_SLOT_BITS != reader->last;
}

/* All numbers are from our copy of the header. */
static bool reader_header_sane(const struct slots_reader *reader, const struct video_slot *header)
{
	uint64_t bytes;

	if (!header->width || header->width > VIDEO_MAX_EXTENT || !header->height ||
	    header->height > VIDEO_MAX_EXTENT || !video_fourcc_known(header->fourcc))
		return false;
	if (header->pitch % 4 || header->pitch / 4 < header->width)
		return false;
	bytes = (uint64_t)header->pitch * header->height;
	return header->data_offset >= VIDEO_HEADER_BYTES &&
	       header->data_offset % SEGMENT_PAGE_BYTES == 0 &&
	       header->data_offset <= reader->section_bytes &&
	       bytes <= reader->section_bytes - header->data_offset;
}

/* Adds what changed with one frame; false when the history no longer tells. */
static bool reader_add_history(const struct slots_reader *reader, uint64_t sequence,
			       struct slots_frame *frame)
{
	const struct video_history *shared =
		&reader->section->history[sequence % VIDEO_HISTORY_FRAMES];
	struct video_damage damage;
	uint64_t found, lock;

	if (!seqlock_read_begin(&shared->lock, &lock))
		return false;
	shared_copy(&found, &shared->sequence, sizeof(found));
	shared_copy(&damage, &shared->damage, sizeof(damage));
	if (!seqlock_read_end(&shared->lock, lock) || found != sequence)
		return false;
	if (damage.count > VIDEO_MAX_RECTS)
		return false;
	video_damage_merge_clipped(&frame->damage, &damage, frame->width, frame->height);
	return true;
}

/* The union of what changed since the last frame that was read whole; all when in doubt. */
static void reader_find_damage(const struct slots_reader *reader, struct slots_frame *frame)
{
	uint64_t missed = frame->sequence - reader->last;
	bool known = reader->last && missed <= VIDEO_HISTORY_FRAMES &&
		     reader->width == frame->width && reader->height == frame->height &&
		     reader->fourcc == frame->fourcc;

	frame->damage.count = 0;
	frame->skipped = reader->last ? missed - 1 : 0;
	for (uint64_t i = reader->last + 1; known && i <= frame->sequence; i++)
		known = reader_add_history(reader, i, frame);
	if (!known)
		video_damage_set_full(&frame->damage, frame->width, frame->height);
	frame->full = video_damage_is_full(&frame->damage, frame->width, frame->height);
}

/* A checked copy of the slot's header in frame. 0, -EAGAIN or -EPROTO. */
static int reader_read_header(const struct slots_reader *reader, uint64_t sequence,
			      struct slots_frame *frame)
{
	const struct video_slot *shared = &reader->section->slots[frame->slot];
	struct video_slot header;

	if (!seqlock_read_begin(&shared->lock, &frame->lock))
		return -EAGAIN;
	shared_copy(&header, shared, sizeof(header));
	if (!seqlock_read_end(&shared->lock, frame->lock) || header.sequence != sequence)
		return -EAGAIN;
	if (!reader_header_sane(reader, &header))
		return -EPROTO;
	frame->sequence = sequence;
	frame->width = header.width;
	frame->height = header.height;
	frame->pitch = header.pitch;
	frame->fourcc = header.fourcc;
	frame->guest_flush_ns = header.guest_flush_ns;
	frame->publish_ns = header.publish_ns;
	frame->pixels = (const uint8_t *)reader->section + header.data_offset;
	return 0;
}

int slots_reader_begin(struct slots_reader *reader, struct slots_frame *frame)
{
	uint64_t latest = atomic_load_explicit(&reader->section->latest, memory_order_acquire);
	uint64_t sequence = latest >> VIDEO_LATEST_SLOT_BITS;
	int error;

	if (!segment_is_current(reader->segment))
		return -ESTALE;
	if (!latest || sequence == reader->last)
		return 0;
	frame->slot = latest & ((1u << VIDEO_LATEST_SLOT_BITS) - 1);
	if (frame->slot >= VIDEO_MAX_SLOTS || sequence < reader->last)
		return -EPROTO;
	atomic_store_explicit(&reader->section->reader_hint, frame->slot, memory_order_relaxed);
	error = reader_read_header(reader, sequence, frame);
	if (error) {
		reader_clear_hint(reader);
		return error;
	}
	reader_find_damage(reader, frame);
	return 1;
}

bool slots_reader_end(struct slots_reader *reader, const struct slots_frame *frame)
{
	bool whole = seqlock_read_end(&reader->section->slots[frame->slot].lock, frame->lock);

	reader_clear_hint(reader);
	if (!whole)
		return false;
	reader->last = frame->sequence;
	reader->width = frame->width;
	reader->height = frame->height;
	reader->fourcc = frame->fourcc;
	return true;
}

void slots_reader_forget(struct slots_reader *reader)
{
	reader->last = 0;
}
