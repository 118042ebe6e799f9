/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input ring against a peer that writes arbitrary control words and records between our own
 * operations. The reader must never hand out more records per look than the ring holds, nor get
 * stuck: after every lie an honest record still comes through.
 */
#include "fuzz.h"

#include <errno.h>
#include <ivshmem/ring_reader.h>
#include <ivshmem/ring_writer.h>
#include <ivshmem/segment.h>
#include <string.h>

struct fuzz_ring {
	struct segment *segment;
	struct input_section *section;
	struct ring_reader *reader;
	struct ring_writer *writer;
	uint64_t now_ns;
};

static void fuzz_drain(struct fuzz_ring *ring)
{
	struct input_record record;
	uint32_t count = 0;
	int result;

	while ((result = ring_reader_pop(ring->reader, &record)) != 0) {
		fuzz_check(result == 1 || result == -EPROTO);
		fuzz_check(++count <= INPUT_RING_RECORDS + 1);
	}
}

/* One step: an operation and eight bytes for it. */
static void fuzz_step(struct fuzz_ring *ring, uint8_t operation, uint64_t value)
{
	struct input_record record = { .type = INPUT_KEY, .time_ns = value };

	switch (operation % 8) {
	case 0:
		ring->section->head = (uint32_t)value;
		break;
	case 1:
		ring->section->tail = (uint32_t)value;
		break;
	case 2:
		ring->section->owner = value;
		break;
	case 3:
		ring->section->owner_beat = value;
		break;
	case 4:
		memcpy(&ring->section->records[value % INPUT_RING_RECORDS], &value, 8);
		break;
	case 5:
		fuzz_drain(ring);
		break;
	case 6:
		ring->now_ns += value >> 32;
		ring_reader_owner_changed(ring->reader, ring->now_ns);
		ring_writer_acquire(ring->writer, ring->now_ns);
		break;
	default:
		ring_writer_push(ring->writer, &record);
	}
}

/* Whatever happened before: an owner that starts over gets its record through. */
static void fuzz_still_works(struct fuzz_ring *ring)
{
	struct input_record record = { .type = INPUT_KEY, .code = 0x1234 };

	ring->section->owner = 0;
	fuzz_check(ring_writer_acquire(ring->writer, ring->now_ns) == 0);
	ring_reader_owner_changed(ring->reader, ring->now_ns);
	fuzz_drain(ring);
	fuzz_check(ring_writer_push(ring->writer, &record) == 0);
	fuzz_check(ring_reader_pop(ring->reader, &record) == 1);
	fuzz_check(record.type == INPUT_KEY && record.code == 0x1234);
	fuzz_check(ring_reader_pop(ring->reader, &record) == 0);
}

static struct segment *fuzz_segment(void)
{
	const struct segment_config config = {
		.scanout_count = 1, .slot_count = 2, .slot_bytes = 640 * 480 * 4,
	};

	return segment_create_memfd(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_ring ring = { .segment = fuzz_segment() };

	fuzz_check(ring.segment != NULL);
	ring.section = segment_find(ring.segment, SEGMENT_SECTION_INPUT, 0, NULL);
	ring.reader = ring_reader_create(ring.segment);
	ring.writer = ring_writer_create(ring.segment);
	fuzz_check(ring.reader && ring.writer);
	for (; size >= 9; data += 9, size -= 9) {
		uint64_t value;

		memcpy(&value, data + 1, sizeof(value));
		fuzz_step(&ring, data[0], value);
	}
	fuzz_still_works(&ring);
	ring_writer_destroy(ring.writer);
	ring_reader_destroy(ring.reader);
	segment_destroy(ring.segment);
	return 0;
}
