/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "owner_token.h"

#include <errno.h>
#include <ivshmem/copy.h>
#include <ivshmem/ring_writer.h>
#include <ivshmem/segment.h>
#include <stdlib.h>

struct ring_writer {
	struct input_section *section;
	const struct segment *segment;
	uint64_t token;
	uint32_t head;
	bool lost;                      /* a record was lost: RELEASE_ALL must go first */
	uint64_t other_owner;           /* the owner last seen in acquire, its beat, and since when */
	uint64_t other_beat;
	uint64_t other_since_ns;
};

struct ring_writer *ring_writer_create(struct segment *segment)
{
	struct input_section *section = segment_find(segment, SEGMENT_SECTION_INPUT, 0, NULL);
	struct ring_writer *writer;

	if (!section) {
		errno = ENOENT;
		return NULL;
	}
	writer = calloc(1, sizeof(*writer));
	if (!writer)
		return NULL;
	writer->section = section;
	writer->segment = segment;
	writer->token = owner_token_new();
	return writer;
}

void ring_writer_destroy(struct ring_writer *writer)
{
	if (!writer)
		return;
	ring_writer_release(writer);
	free(writer);
}

/* Goes on where the ring is, or at its start when the last owner left nonsense. */
static void ring_writer_take_over(struct ring_writer *writer)
{
	struct input_section *section = writer->section;
	uint32_t tail = atomic_load_explicit(&section->tail, memory_order_acquire);

	writer->head = atomic_load_explicit(&section->head, memory_order_relaxed);
	if (writer->head - tail > INPUT_RING_RECORDS) {
		writer->head = tail;
		atomic_store_explicit(&section->head, tail, memory_order_release);
	}
	writer->lost = false;
	ring_writer_beat(writer);
}

/* True when that owner's beat has stood still for too long. */
static bool ring_writer_is_stale(struct ring_writer *writer, uint64_t owner, uint64_t now_ns)
{
	uint64_t beat = atomic_load_explicit(&writer->section->owner_beat, memory_order_relaxed);

	if (owner != writer->other_owner || beat != writer->other_beat) {
		writer->other_owner = owner;
		writer->other_beat = beat;
		writer->other_since_ns = now_ns;
		return false;
	}
	return now_ns - writer->other_since_ns >= INPUT_OWNER_STALE_NS;
}

int ring_writer_acquire(struct ring_writer *writer, uint64_t now_ns)
{
	struct input_section *section = writer->section;
	uint64_t owner = atomic_load(&section->owner);

	if (owner == writer->token)
		return 0;
	if (owner && !ring_writer_is_stale(writer, owner, now_ns))
		return -EBUSY;
	if (!atomic_compare_exchange_strong(&section->owner, &owner, writer->token))
		return -EBUSY;
	ring_writer_take_over(writer);
	return 0;
}

bool ring_writer_owns(const struct ring_writer *writer)
{
	return segment_is_current(writer->segment) &&
	       atomic_load_explicit(&writer->section->owner, memory_order_relaxed) ==
		       writer->token;
}

void ring_writer_beat(struct ring_writer *writer)
{
	if (ring_writer_owns(writer))
		atomic_fetch_add_explicit(&writer->section->owner_beat, 1, memory_order_relaxed);
}

void ring_writer_release(struct ring_writer *writer)
{
	uint64_t token = writer->token;

	if (segment_is_current(writer->segment))
		atomic_compare_exchange_strong(&writer->section->owner, &token, 0);
}

static void ring_writer_put(struct ring_writer *writer, const struct input_record *record)
{
	struct input_section *section = writer->section;

	shared_copy(&section->records[writer->head % INPUT_RING_RECORDS], record, sizeof(*record));
	writer->head++;
	/* Release: the record before its number. */
	atomic_store_explicit(&section->head, writer->head, memory_order_release);
}

int ring_writer_push(struct ring_writer *writer, const struct input_record *record)
{
	const struct input_record release_all = {
		.type = INPUT_RELEASE_ALL,
		.scanout = record->scanout,
		.time_ns = record->time_ns,
	};
	uint32_t used, wanted = writer->lost ? 2 : 1;

	if (!ring_writer_owns(writer))
		return -EPERM;
	/* Acquire: the consumer is done with the records below its tail. */
	used = writer->head - atomic_load_explicit(&writer->section->tail, memory_order_acquire);
	if (used > INPUT_RING_RECORDS)
		return -EPROTO;
	if (INPUT_RING_RECORDS - used < wanted) {
		writer->lost = true;
		return -EAGAIN;
	}
	if (writer->lost)
		ring_writer_put(writer, &release_all);
	writer->lost = false;
	ring_writer_put(writer, record);
	return 0;
}
