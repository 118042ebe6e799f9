/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <ivshmem/copy.h>
#include <ivshmem/ring_reader.h>
#include <ivshmem/segment.h>
#include <stdlib.h>

struct ring_reader {
	struct input_section *section;
	uint32_t tail;                  /* ours; the shared one is only told, never read */
	bool has_owner;
	uint64_t owner;
	uint64_t beat;
	uint64_t beat_since_ns;
};

struct ring_reader *ring_reader_create(struct segment *segment)
{
	struct input_section *section = segment_find(segment, SEGMENT_SECTION_INPUT, 0, NULL);
	struct ring_reader *reader;

	if (!section) {
		errno = ENOENT;
		return NULL;
	}
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return NULL;
	reader->section = section;
	reader->tail = atomic_load_explicit(&section->head, memory_order_acquire);
	atomic_store_explicit(&section->tail, reader->tail, memory_order_release);
	return reader;
}

void ring_reader_destroy(struct ring_reader *reader)
{
	free(reader);
}

static void ring_reader_set_tail(struct ring_reader *reader, uint32_t tail)
{
	reader->tail = tail;
	/* Release: our copies are made before the producer may write there again. */
	atomic_store_explicit(&reader->section->tail, tail, memory_order_release);
}

int ring_reader_pop(struct ring_reader *reader, struct input_record *record)
{
	struct input_section *section = reader->section;
	/* Acquire: the records below head are complete. */
	uint32_t head = atomic_load_explicit(&section->head, memory_order_acquire);

	if (head == reader->tail)
		return 0;
	if (head - reader->tail > INPUT_RING_RECORDS) {
		ring_reader_set_tail(reader, head);
		return -EPROTO;
	}
	shared_copy(record, &section->records[reader->tail % INPUT_RING_RECORDS],
		    sizeof(*record));
	ring_reader_set_tail(reader, reader->tail + 1);
	return 1;
}

bool ring_reader_owner_changed(struct ring_reader *reader, uint64_t now_ns)
{
	uint64_t owner = atomic_load_explicit(&reader->section->owner, memory_order_acquire);
	uint64_t beat = atomic_load_explicit(&reader->section->owner_beat, memory_order_relaxed);
	bool had_owner = reader->has_owner;
	bool changed = owner != reader->owner;

	if (changed || beat != reader->beat) {
		reader->owner = owner;
		reader->beat = beat;
		reader->beat_since_ns = now_ns;
	}
	/* Heals a tail that somebody scribbled over. */
	ring_reader_set_tail(reader, reader->tail);
	reader->has_owner = owner && now_ns - reader->beat_since_ns < INPUT_OWNER_STALE_NS;
	return changed || (had_owner && !reader->has_owner);
}

bool ring_reader_has_owner(const struct ring_reader *reader)
{
	return reader->has_owner;
}
