/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "damage.h"
#include "segment_layout.h"
#include "seqlock.h"

#include <errno.h>
#include <ivshmem/copy.h>
#include <ivshmem/segment.h>
#include <ivshmem/slots_writer.h>
#include <stdlib.h>
#include <string.h>

/* All we know about a slot is kept here: what a client writes into the segment changes nothing. */
struct writer_slot {
	uint64_t lock;
	uint64_t sequence;
	uint64_t data_offset;
	struct video_damage missed;     /* what it lacks of the newest picture */
};

struct slots_writer {
	struct video_section *section;
	uint32_t slot_count;
	uint64_t slot_bytes;
	uint64_t sequence;              /* of the newest published frame */
	uint32_t latest;                /* its slot, or VIDEO_NO_SLOT */
	uint32_t current;               /* the slot begun, or VIDEO_NO_SLOT */
	struct slots_picture picture;
	struct video_damage damage;     /* of the frame begun, and owed from cancelled ones */
	struct writer_slot slots[VIDEO_MAX_SLOTS];
	uint64_t history_locks[VIDEO_HISTORY_FRAMES];
};

/* The layout, once, before any client is there; checked all the same. */
static int writer_take_layout(struct slots_writer *writer, uint64_t section_bytes)
{
	uint64_t room = section_bytes - VIDEO_HEADER_BYTES;

	writer->slot_count = writer->section->slot_count;
	writer->slot_bytes = writer->section->slot_bytes;
	if (section_bytes < VIDEO_HEADER_BYTES || writer->slot_count < VIDEO_MIN_SLOTS ||
	    writer->slot_count > VIDEO_MAX_SLOTS ||
	    writer->slot_bytes > room / writer->slot_count)
		return -EPROTO;
	for (uint32_t i = 0; i < writer->slot_count; i++)
		writer->slots[i].data_offset = VIDEO_HEADER_BYTES + i * writer->slot_bytes;
	return 0;
}

struct slots_writer *slots_writer_create(struct segment *segment, uint32_t scanout)
{
	uint64_t bytes;
	struct video_section *section = segment_find(segment, SEGMENT_SECTION_VIDEO, scanout,
						     &bytes);
	struct slots_writer *writer;

	if (!section) {
		errno = ENOENT;
		return NULL;
	}
	writer = calloc(1, sizeof(*writer));
	if (!writer)
		return NULL;
	writer->section = section;
	writer->latest = VIDEO_NO_SLOT;
	writer->current = VIDEO_NO_SLOT;
	if (writer_take_layout(writer, bytes)) {
		free(writer);
		errno = EPROTO;
		return NULL;
	}
	return writer;
}

void slots_writer_destroy(struct slots_writer *writer)
{
	free(writer);
}

/* Every slot lacks everything. */
static void writer_forget_slots(struct slots_writer *writer)
{
	for (uint32_t i = 0; i < writer->slot_count; i++)
		video_damage_set_full(&writer->slots[i].missed, writer->picture.width,
				      writer->picture.height);
	video_damage_set_full(&writer->damage, writer->picture.width, writer->picture.height);
}

/* False: the picture is like the one before. */
static bool writer_set_picture(struct slots_writer *writer, const struct slots_picture *picture)
{
	if (!memcmp(&writer->picture, picture, sizeof(*picture)))
		return false;
	writer->picture = *picture;
	writer_forget_slots(writer);
	return true;
}

static void writer_add_damage(struct slots_writer *writer, const struct video_damage *damage)
{
	struct video_damage clipped = { 0 };

	video_damage_merge_clipped(&clipped, damage, writer->picture.width,
				   writer->picture.height);
	video_damage_merge(&writer->damage, &clipped);
	for (uint32_t i = 0; i < writer->slot_count; i++)
		video_damage_merge(&writer->slots[i].missed, &clipped);
}

/* The slot that needs the least work, of those equal the oldest. Never the latest; the hinted one
 * only when no other is left, which is when there are but two. */
static uint32_t writer_choose(const struct slots_writer *writer)
{
	uint32_t hint = atomic_load_explicit(&writer->section->reader_hint, memory_order_relaxed);
	uint32_t best = VIDEO_NO_SLOT;
	uint64_t best_pixels = UINT64_MAX;

	for (uint32_t i = 0; i < writer->slot_count; i++) {
		const struct writer_slot *slot = &writer->slots[i];
		uint64_t pixels = video_damage_pixels(&slot->missed);

		if (i == writer->latest || i == hint)
			continue;
		if (pixels < best_pixels ||
		    (pixels == best_pixels && slot->sequence < writer->slots[best].sequence)) {
			best_pixels = pixels;
			best = i;
		}
	}
	return best != VIDEO_NO_SLOT ? best : hint;
}

static void writer_publish_size(struct slots_writer *writer, enum video_state state)
{
	uint64_t size = writer->picture.width | (uint64_t)writer->picture.height << 32;

	atomic_store_explicit(&writer->section->size, size, memory_order_relaxed);
	atomic_store_explicit(&writer->section->state, state, memory_order_release);
}

int slots_writer_begin(struct slots_writer *writer, const struct slots_picture *picture,
		       const struct video_damage *damage, struct slots_write *write)
{
	uint64_t pitch = (uint64_t)picture->width * 4;
	struct writer_slot *slot;

	if (!picture->width || !picture->height)
		return -EINVAL;
	if (picture->width > VIDEO_MAX_EXTENT || picture->height > VIDEO_MAX_EXTENT ||
	    pitch > writer->slot_bytes / picture->height) {
		writer_set_picture(writer, picture);
		writer_publish_size(writer, VIDEO_TOO_LARGE);
		return -EFBIG;
	}
	if (!writer_set_picture(writer, picture)) {
		if (damage)
			writer_add_damage(writer, damage);
		else
			writer_forget_slots(writer);
	}
	writer->current = writer_choose(writer);
	slot = &writer->slots[writer->current];
	seqlock_write_begin(&writer->section->slots[writer->current].lock, &slot->lock);
	write->pixels = (uint8_t *)writer->section + slot->data_offset;
	write->pitch = (uint32_t)pitch;
	write->damage = slot->missed;
	return 0;
}

static void writer_fill_header(struct slots_writer *writer, uint64_t guest_flush_ns,
			       uint64_t publish_ns)
{
	struct video_slot *shared = &writer->section->slots[writer->current];
	struct video_slot header = {
		.sequence = writer->sequence,
		.width = writer->picture.width,
		.height = writer->picture.height,
		.pitch = writer->picture.width * 4,
		.fourcc = writer->picture.fourcc,
		.guest_flush_ns = guest_flush_ns,
		.publish_ns = publish_ns,
		.data_offset = writer->slots[writer->current].data_offset,
	};

	shared_copy(&shared->sequence, &header.sequence,
		    sizeof(header) - offsetof(struct video_slot, sequence));
}

static void writer_fill_history(struct slots_writer *writer)
{
	uint32_t index = writer->sequence % VIDEO_HISTORY_FRAMES;
	struct video_history *shared = &writer->section->history[index];
	uint64_t *lock = &writer->history_locks[index];

	seqlock_write_begin(&shared->lock, lock);
	shared_copy(&shared->sequence, &writer->sequence, sizeof(shared->sequence));
	shared_copy(&shared->damage, &writer->damage, sizeof(shared->damage));
	seqlock_write_end(&shared->lock, lock);
}

void slots_writer_publish(struct slots_writer *writer, uint64_t guest_flush_ns,
			  uint64_t publish_ns)
{
	struct writer_slot *slot = &writer->slots[writer->current];
	struct video_section *section = writer->section;

	writer->sequence++;
	writer_fill_header(writer, guest_flush_ns, publish_ns);
	writer_fill_history(writer);
	slot->sequence = writer->sequence;
	slot->missed.count = 0;
	seqlock_write_end(&section->slots[writer->current].lock, &slot->lock);
	/* Heals what a client may have scribbled over. */
	shared_copy(&section->slot_count, &writer->slot_count, sizeof(section->slot_count));
	shared_copy(&section->slot_bytes, &writer->slot_bytes, sizeof(section->slot_bytes));
	/* Release: whoever sees the number sees the slot and its history complete. */
	atomic_store_explicit(&section->latest,
			      writer->sequence << VIDEO_LATEST_SLOT_BITS | writer->current,
			      memory_order_release);
	writer_publish_size(writer, VIDEO_ON);
	writer->latest = writer->current;
	writer->current = VIDEO_NO_SLOT;
	writer->damage.count = 0;
}

void slots_writer_cancel(struct slots_writer *writer)
{
	struct writer_slot *slot = &writer->slots[writer->current];

	video_damage_set_full(&slot->missed, writer->picture.width, writer->picture.height);
	seqlock_write_end(&writer->section->slots[writer->current].lock, &slot->lock);
	writer->current = VIDEO_NO_SLOT;
}

void slots_writer_off(struct slots_writer *writer)
{
	memset(&writer->picture, 0, sizeof(writer->picture));
	writer_publish_size(writer, VIDEO_OFF);
}
