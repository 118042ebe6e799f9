/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What no driver does to an HD Audio controller: rings, lists and buffers outside RAM, lies about
 * lengths, nonsense in every register. It tells its errors as the specification says and goes on.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/bytes.h>

#include "hda_rig.h"

#define GIE 0x80000000u
#define CIE 0x40000000u
#define FORMAT_48000_16 0x0011u
#define NOT_MEMORY 0xfedc00000000ull

static const uint32_t pieces[] = { 4096, 4096, 0 };
static struct hda_rig rig;

static int setup(void **state)
{
	hda_rig_init(&rig);
	hda_rig_start(&rig);
	return 0;
}

static int teardown(void **state)
{
	hda_rig_finish(&rig);
	return 0;
}

/* A stream of two buffers, not yet running; direction by index. */
static struct hda_rig_stream prepare(uint32_t index)
{
	struct hda_rig_stream stream = { .index = index, .tag = 1, .format = FORMAT_48000_16 };

	hda_rig_setup(&rig, &stream, pieces, 3);
	hda_rig_write(&rig, 0x20, 4, GIE | 1u << index);
	return stream;
}

static void write_entry(const struct hda_rig_stream *stream, uint32_t index, uint64_t gpa,
			uint32_t bytes)
{
	uint8_t entry[16];

	le64_store(entry, gpa);
	le32_store(entry + 8, bytes);
	le32_store(entry + 12, 1);
	fake_memory_write(rig.memory, stream->list + 16 * index, entry, sizeof(entry));
}

static void step(const struct hda_rig_stream *stream, uint32_t frames)
{
	hda_backend_step(&rig.backend, stream->index < 2 ? AUDIO_CAPTURE : AUDIO_PLAYBACK, frames);
}

/* The stream ended with a descriptor error and said so; the guest may start it again. */
static void check_error(struct hda_rig_stream *stream)
{
	enum audio_direction direction = stream->index < 2 ? AUDIO_CAPTURE : AUDIO_PLAYBACK;

	assert_int_equal(hda_rig_stream_read(&rig, stream, 3, 1) & 0x38, 0x10);
	assert_int_equal(hda_rig_stream_read(&rig, stream, 0, 1), 0x1c);
	assert_false(rig.backend.started[direction]);
	assert_true(rig.irq);
	hda_rig_stream_write(&rig, stream, 3, 1, 0x14);
	assert_false(rig.irq);
	*stream = prepare(stream->index);
	hda_rig_run(&rig, stream, true);
	step(stream, 100);
	assert_int_equal(hda_rig_stream_read(&rig, stream, 4, 4), 400);
	hda_rig_run(&rig, stream, false);
}

static void test_list_is_not_memory(void **state)
{
	for (uint32_t index = 0; index < 4; index++) {
		struct hda_rig_stream stream = prepare(index);

		hda_rig_stream_write(&rig, &stream, 0x1c, 4, NOT_MEMORY >> 32);
		hda_rig_run(&rig, &stream, true);
		step(&stream, 10);
		check_error(&stream);
		/* The ninth entry lies in the hole. */
		hda_rig_stream_write(&rig, &stream, 0x18, 4, FAKE_MEMORY_HOLE - 128);
		hda_rig_stream_write(&rig, &stream, 0x1c, 4, 0);
		hda_rig_stream_write(&rig, &stream, 0x0c, 2, 255);
		for (uint32_t i = 0; i < 8; i++) {
			stream.list = FAKE_MEMORY_HOLE - 128;
			write_entry(&stream, i, stream.buffers[0], 4);
		}
		hda_rig_run(&rig, &stream, true);
		step(&stream, 4096);
		check_error(&stream);
	}
}

static void test_buffer_is_not_memory(void **state)
{
	static const struct { uint64_t gpa; uint32_t bytes; } table[] = {
		{ NOT_MEMORY, 4096 },
		{ FAKE_MEMORY_HOLE - 100, 4096 },
		{ UINT64_MAX, 4096 },
		{ UINT64_MAX - 1, UINT32_MAX },
		{ FAKE_MEMORY_HOLE, 1 },
	};

	for (uint32_t i = 0; i < 4 * sizeof(table) / sizeof(table[0]); i++) {
		struct hda_rig_stream stream = prepare(i % 4);

		write_entry(&stream, 0, table[i / 4].gpa, table[i / 4].bytes);
		hda_rig_run(&rig, &stream, true);
		step(&stream, 1000);
		check_error(&stream);
	}
	assert_true(rig.backend.played_bytes < 20 * 4096);
}

static void test_empty_entries(void **state)
{
	struct hda_rig_stream stream = prepare(2);

	/* One of two: skipped. All: an error. */
	write_entry(&stream, 0, stream.buffers[0], 0);
	hda_rig_run(&rig, &stream, true);
	step(&stream, 3000);
	assert_int_equal(rig.backend.played_bytes, 12000);
	hda_rig_run(&rig, &stream, false);
	stream = prepare(2);
	write_entry(&stream, 0, stream.buffers[0], 0);
	write_entry(&stream, 1, stream.buffers[1], 0);
	hda_rig_run(&rig, &stream, true);
	step(&stream, 100);
	check_error(&stream);
	assert_int_equal(rig.backend.played_bytes, 12000 + 400);
}

static void test_one_entry(void **state)
{
	struct hda_rig_stream stream = prepare(3);

	hda_rig_stream_write(&rig, &stream, 0x0c, 2, 0);
	hda_rig_run(&rig, &stream, true);
	step(&stream, 5000);
	assert_int_equal(rig.backend.played_bytes, 20000);
	assert_int_equal(hda_rig_stream_read(&rig, &stream, 4, 4), 20000 % 8192);
}

static void test_cyclic_length_lies(void **state)
{
	static const uint32_t lengths[] = { 4, 5, 1000, 8191, 8193, UINT32_MAX };
	struct hda_rig_stream stream;

	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		stream = prepare(2);
		hda_rig_stream_write(&rig, &stream, 0x08, 4, lengths[i]);
		hda_rig_run(&rig, &stream, true);
		step(&stream, 5000);
		assert_int_equal(hda_rig_stream_read(&rig, &stream, 4, 4), 20000 % lengths[i]);
		hda_rig_run(&rig, &stream, false);
	}
	for (uint32_t length = 0; length < 4; length++) {
		stream = prepare(2);
		hda_rig_stream_write(&rig, &stream, 0x08, 4, length);
		hda_rig_run(&rig, &stream, true);
		check_error(&stream);
	}
	/* Shorter after a pause: the position is inside again. */
	stream = prepare(2);
	hda_rig_run(&rig, &stream, true);
	step(&stream, 2000);
	hda_rig_run(&rig, &stream, false);
	hda_rig_stream_write(&rig, &stream, 0x08, 4, 100);
	hda_rig_stream_write(&rig, &stream, 0x0c, 2, 0);
	hda_rig_run(&rig, &stream, true);
	step(&stream, 1);
	assert_in_range(hda_rig_stream_read(&rig, &stream, 4, 4), 0, 99);
}

/* A list that goes on past what the guest wrote, entries of one byte, a frame in four of them. */
static void test_tiny_entries(void **state)
{
	struct hda_rig_stream stream = prepare(0);
	uint8_t bytes[256];

	for (uint32_t i = 0; i < 256; i++)
		write_entry(&stream, i, stream.buffers[0] + i, 1);
	hda_rig_stream_write(&rig, &stream, 0x0c, 2, 0xffff);
	assert_int_equal(hda_rig_stream_read(&rig, &stream, 0x0c, 2), 0xff);
	hda_rig_run(&rig, &stream, true);
	step(&stream, 64);
	fake_memory_read(rig.memory, stream.buffers[0], bytes, sizeof(bytes));
	for (uint32_t i = 0; i < 256; i++)
		assert_int_equal(bytes[i], hda_backend_sample(i));
}

static void test_run_without_anything(void **state)
{
	for (uint32_t index = 0; index < 4; index++) {
		struct hda_rig_stream stream = { .index = index };

		hda_rig_write(&rig, 0x20, 4, GIE | 0xf);
		/* No tag, so nothing is asked of it. */
		hda_rig_run(&rig, &stream, true);
		assert_int_equal(hda_rig_stream_read(&rig, &stream, 3, 1), 0x20);
		hda_rig_run(&rig, &stream, false);
		stream.tag = 1;
		hda_rig_command(&rig, index < 2 ? 4 : 2, 0x70610);
		hda_rig_stream_write(&rig, &stream, 2, 1, 0x10);
		hda_rig_run(&rig, &stream, true);
		check_error(&stream);
	}
}

static void test_bus_master_off(void **state)
{
	struct hda_rig_stream stream = prepare(0);
	uint64_t positions = fake_memory_alloc(rig.memory, 128, 128);
	uint8_t bytes[4];

	hda_rig_write(&rig, 0x70, 4, (uint32_t)positions | 1);
	hda_set_bus_master(rig.hda, false);
	hda_rig_run(&rig, &stream, true);
	assert_false(rig.backend.started[AUDIO_CAPTURE]);
	hda_rig_write(&rig, 0x48, 2, 200);
	assert_int_equal(hda_rig_read(&rig, 0x4a, 2), rig.rirb_read);
	hda_set_bus_master(rig.hda, true);
	assert_int_equal(hda_rig_read(&rig, 0x4a, 2), 200);
	step(&stream, 50);
	hda_set_bus_master(rig.hda, false);
	assert_false(rig.backend.started[AUDIO_CAPTURE]);
	step(&stream, 50);
	fake_memory_read(rig.memory, positions, bytes, sizeof(bytes));
	assert_int_equal(le32_load(bytes), 200);
	hda_set_bus_master(rig.hda, true);
	step(&stream, 50);
	fake_memory_read(rig.memory, positions, bytes, sizeof(bytes));
	assert_int_equal(le32_load(bytes), 400);
}

static void test_position_buffer_is_not_memory(void **state)
{
	struct hda_rig_stream stream = prepare(2);

	hda_rig_write(&rig, 0x74, 4, NOT_MEMORY >> 32);
	hda_rig_write(&rig, 0x70, 4, 1);
	hda_rig_run(&rig, &stream, true);
	step(&stream, 50);
	assert_int_equal(hda_rig_read(&rig, 0x70, 4), 0);
	assert_int_equal(hda_rig_stream_read(&rig, &stream, 4, 4), 200);
}

static void test_rings_are_not_memory(void **state)
{
	hda_rig_write(&rig, 0x20, 4, GIE | CIE);
	hda_rig_write(&rig, 0x4c, 1, 3);
	hda_rig_write(&rig, 0x44, 4, NOT_MEMORY >> 32);
	hda_rig_write(&rig, 0x48, 2, 10);
	assert_int_equal(hda_rig_read(&rig, 0x4c, 2), 0x0101);
	assert_true(rig.irq);
	hda_rig_write(&rig, 0x4d, 1, 1);
	assert_false(rig.irq);
	hda_rig_start(&rig);
	assert_int_equal(hda_rig_command(&rig, 0, 0xf0000), 0x1af45654);
	hda_rig_write(&rig, 0x20, 4, GIE | CIE);
	hda_rig_write(&rig, 0x5d, 1, 1);
	hda_rig_write(&rig, 0x5c, 1, 7);
	hda_rig_write(&rig, 0x54, 4, NOT_MEMORY >> 32);
	hda_rig_write(&rig, 0x48, 2, 10);
	assert_int_equal(hda_rig_read(&rig, 0x5c, 2), 0x0405);
	assert_true(rig.irq);
	assert_int_equal(hda_rig_read(&rig, 0x4a, 2), 10);
	hda_rig_start(&rig);
	assert_int_equal(hda_rig_command(&rig, 0, 0xf0000), 0x1af45654);
	/* Rings in each other's and the list's place are the guest's own trouble. */
	hda_rig_write(&rig, 0x50, 4, (uint32_t)rig.corb);
	for (uint32_t i = 0; i < 1000; i++)
		hda_rig_write(&rig, 0x48, 2, i * 97 & 0xff);
}

/* Nothing that is written anywhere harms, and what only reads stays what it is. */
static void test_all_registers(void **state)
{
	static const uint64_t values[] = { UINT64_MAX, 0, 0x5555555555555555, UINT64_MAX };
	static const unsigned int sizes[] = { 1, 2, 3, 4, 8 };

	for (unsigned int i = 0; i < 4 * 5; i++) {
		hda_set_bus_master(rig.hda, i % 3);
		for (uint32_t offset = 0; offset < HDA_REGISTER_BYTES;) {
			hda_write(rig.hda, offset, sizes[i % 5], values[i / 5]);
			hda_read(rig.hda, offset, sizes[i % 5]);
			step(&(struct hda_rig_stream){ .index = 0 }, 10);
			step(&(struct hda_rig_stream){ .index = 2 }, 10);
			offset += offset < 0x200 ? 1 : 61;
		}
		assert_int_equal(hda_rig_read(&rig, 0, 4), 0x01002201);
		assert_int_equal(hda_rig_read(&rig, 4, 4), 0x001d003c);
		assert_int_equal(hda_rig_read(&rig, 0x14, 4), 0);
		assert_int_equal(hda_rig_read(&rig, 0x4e, 1), 0x42);
		assert_int_equal(hda_rig_read(&rig, 0x5e, 1), 0x42);
		assert_int_equal(hda_rig_read(&rig, 0x3000, 4), 0);
	}
	hda_reset(rig.hda);
	hda_rig_start(&rig);
	assert_int_equal(hda_rig_command(&rig, 0, 0xf0000), 0x1af45654);
}

/* Every verb with odd payloads on every node. */
static void test_all_verbs(void **state)
{
	static const uint32_t payloads[] = { 0, 1, 0x7f, 0xff };

	for (uint32_t node = 0; node < 8; node++) {
		for (uint32_t i = 0; i < 4 * 0x1000; i++)
			hda_rig_immediate(&rig, node, (i / 4) << 8 | payloads[i % 4]);
	}
	hda_rig_start(&rig);
	assert_int_equal(hda_rig_command(&rig, 2, 0xa0000), 0x11);
	/* A codec that is not there does not answer. */
	hda_rig_write(&rig, 0x68, 2, 2);
	hda_rig_write(&rig, 0x60, 4, 0x100f0000);
	hda_rig_write(&rig, 0x68, 2, 1);
	assert_int_equal(hda_rig_read(&rig, 0x68, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_list_is_not_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_buffer_is_not_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty_entries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_entry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cyclic_length_lies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tiny_entries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_run_without_anything, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bus_master_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_position_buffer_is_not_memory, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_rings_are_not_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_registers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_verbs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
