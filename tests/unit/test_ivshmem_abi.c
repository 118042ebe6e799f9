/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The segment as docs/shared-memory.md describes it, read as bare bytes at bare numbers: whoever
 * changes the layout has to change the document, the version and this test.
 */
#include <ivshmem/cursor.h>
#include <ivshmem/ring_writer.h>
#include <ivshmem/segment.h>
#include <ivshmem/slots_writer.h>
#include <ivshmem/sound.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

struct fixture {
	struct segment *segment;
	uint8_t *bytes;
};

static int setup(void **state)
{
	const struct segment_config config = {
		.name = "pinned", .scanout_count = 2, .slot_count = 3, .slot_bytes = 640 * 480 * 4,
	};
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->segment = segment_create_memfd(&config);
	assert_non_null(fixture->segment);
	fixture->bytes = mmap(NULL, segment_bytes(fixture->segment), PROT_READ, MAP_SHARED,
			      segment_fd(fixture->segment), 0);
	assert_true(fixture->bytes != MAP_FAILED);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	munmap(fixture->bytes, segment_bytes(fixture->segment));
	segment_destroy(fixture->segment);
	free(fixture);
	return 0;
}

static uint32_t u32(const uint8_t *bytes, uint64_t at)
{
	uint32_t value;

	memcpy(&value, bytes + at, sizeof(value));
	return value;
}

static uint64_t u64(const uint8_t *bytes, uint64_t at)
{
	uint64_t value;

	memcpy(&value, bytes + at, sizeof(value));
	return value;
}

/* Where section type/index begins, from the table at 128. */
static uint64_t section_at(const uint8_t *bytes, uint32_t type, uint32_t index)
{
	for (uint64_t at = 128; at < 128 + 24 * (uint64_t)u32(bytes, 112); at += 24)
		if (u32(bytes, at) == type && u32(bytes, at + 4) == index)
			return u64(bytes, at + 8);
	fail_msg("no section %u/%u", type, index);
	return 0;
}

static void test_header(void **state)
{
	struct fixture *fixture = *state;
	const uint8_t *bytes = fixture->bytes;

	assert_memory_equal(bytes, "VITRINE1", 8);
	assert_int_equal(u32(bytes, 8), 1);
	assert_int_equal(u32(bytes, 12), 4096);
	assert_int_equal(u64(bytes, 16), segment_bytes(fixture->segment));
	assert_int_not_equal(u64(bytes, 24), 0);
	assert_int_equal(u32(bytes, 32), segment_epoch(fixture->segment));
	assert_int_not_equal(u32(bytes, 32), 0);
	assert_int_equal(u32(bytes, 36), 1);
	segment_set_state(fixture->segment, SEGMENT_RUNNING);
	assert_int_equal(u32(bytes, 36), 2);
	segment_beat(fixture->segment);
	assert_int_equal(u64(bytes, 40), 1);
	assert_string_equal((const char *)bytes + 48, "pinned");
	assert_int_equal(u32(bytes, 112), 7);
	assert_int_equal(section_at(bytes, 3, 0), 4096);
}

static void test_video(void **state)
{
	struct fixture *fixture = *state;
	struct slots_writer *writer = slots_writer_create(fixture->segment, 1);
	const struct slots_picture picture = { .width = 100, .height = 50, .fourcc = 0x34325258 };
	const uint8_t *video = fixture->bytes + section_at(fixture->bytes, 1, 1);
	const uint8_t *slot, *history;
	struct slots_write write;

	assert_non_null(writer);
	assert_int_equal(u32(video, 4), 3);
	assert_int_equal(u64(video, 8), 640 * 480 * 4);
	assert_int_equal(u32(video, 64), UINT32_MAX);
	assert_int_equal(slots_writer_begin(writer, &picture, NULL, &write), 0);
	memset(write.pixels, 0x5a, 400 * 50);
	slots_writer_publish(writer, 111, 222);
	assert_int_equal(u32(video, 0), 1);
	assert_int_equal(u64(video, 16), 100 | UINT64_C(50) << 32);
	assert_int_equal(u64(video, 24) >> 8, 1);
	slot = video + 128 + 128 * (u64(video, 24) & 0xff);
	assert_int_equal(u64(slot, 0), 2);
	assert_int_equal(u64(slot, 8), 1);
	assert_int_equal(u32(slot, 16), 100);
	assert_int_equal(u32(slot, 20), 50);
	assert_int_equal(u32(slot, 24), 400);
	assert_int_equal(u32(slot, 28), 0x34325258);
	assert_int_equal(u64(slot, 32), 111);
	assert_int_equal(u64(slot, 40), 222);
	assert_int_equal(u64(slot, 48) % 4096, 0);
	assert_int_equal(video[u64(slot, 48) + 400 * 50 - 1], 0x5a);
	history = video + 1152 + 320;
	assert_int_equal(u64(history, 8), 1);
	assert_int_equal(u32(history, 16), 1);
	assert_int_equal(u32(history, 24), 0);
	assert_int_equal(u32(history, 32), 100);
	assert_int_equal(u32(history, 36), 50);
	slots_writer_destroy(writer);
}

static void test_cursor(void **state)
{
	struct fixture *fixture = *state;
	struct cursor_writer *writer = cursor_writer_create(fixture->segment, 0);
	const uint8_t *cursor = fixture->bytes + section_at(fixture->bytes, 2, 0);
	const uint32_t pixels[2] = { 0x01020304, 0x05060708 };
	const struct cursor_image image = {
		.width = 2, .height = 1, .hot_x = 3, .hot_y = 4, .fourcc = 0x34325241,
		.pixels = pixels,
	};

	assert_non_null(writer);
	assert_int_equal(cursor_writer_set_image(writer, &image), 0);
	cursor_writer_move(writer, -5, 6, true);
	assert_int_equal(u64(cursor, 0), 4);
	assert_int_equal((int32_t)u32(cursor, 8), -5);
	assert_int_equal(u32(cursor, 12), 6);
	assert_int_equal(u32(cursor, 16), 1);
	assert_int_equal(u32(cursor, 20), 3);
	assert_int_equal(u32(cursor, 24), 4);
	assert_int_equal(u32(cursor, 28), 2);
	assert_int_equal(u32(cursor, 32), 1);
	assert_int_equal(u32(cursor, 36), 0x34325241);
	assert_int_equal(u64(cursor, 40), 1);
	assert_int_equal(u32(cursor, 64), 0x01020304);
	assert_int_equal(u32(cursor, 68), 0x05060708);
	cursor_writer_destroy(writer);
}

static void test_input(void **state)
{
	struct fixture *fixture = *state;
	struct ring_writer *writer = ring_writer_create(fixture->segment);
	const uint8_t *input = fixture->bytes + section_at(fixture->bytes, 3, 0);
	const struct input_record record = {
		.type = INPUT_WHEEL, .scanout = 1, .code = 2, .value = 3, .x = 4, .y = -5,
		.time_ns = 6,
	};

	assert_non_null(writer);
	assert_int_equal(u64(input, 0), 0);
	assert_int_equal(ring_writer_acquire(writer, 0), 0);
	assert_int_not_equal(u64(input, 0), 0);
	assert_int_equal(ring_writer_push(writer, &record), 0);
	assert_int_equal(u32(input, 64), 1);
	assert_int_equal(u32(input, 128), 0);
	assert_int_equal(u32(input, 192), 5 | 1 << 16);
	assert_int_equal(u32(input, 196), 2);
	assert_int_equal(u32(input, 200), 3);
	assert_int_equal(u32(input, 204), 4);
	assert_int_equal((int32_t)u32(input, 208), -5);
	assert_int_equal(u64(input, 216), 6);
	ring_writer_destroy(writer);
	assert_int_equal(u64(input, 0), 0);
}

static void test_sound_stream(void **state)
{
	struct fixture *fixture = *state;
	struct sound_host *host = sound_host_create(fixture->segment, SOUND_PLAYBACK);
	const uint8_t *sound = fixture->bytes + section_at(fixture->bytes, 4, 0);
	struct sound_description description = {
		.flags = SOUND_OPEN | SOUND_RUNNING, .format = SOUND_FORMAT_FLOAT, .rate = 44100,
		.channels = 2, .period_frames = 441, .positions = { 3, 4 },
	};

	assert_non_null(host);
	sound_host_describe(host, &description);
	assert_int_equal(u64(sound, 0), 2);
	assert_int_equal(u32(sound, 8), 3);
	assert_int_equal(u32(sound, 12), 1);
	assert_int_equal(u32(sound, 16), 4);
	assert_int_equal(u32(sound, 20), 44100);
	assert_int_equal(u32(sound, 24), 2);
	assert_int_equal(u32(sound, 28), 441);
	assert_int_equal(sound[32], 3);
	assert_int_equal(sound[33], 4);
	assert_int_equal(sound[34], 0);
	assert_int_equal(section_at(fixture->bytes, 4, 1) - section_at(fixture->bytes, 4, 0),
			 4096 + 512 * 1024);
	sound_host_destroy(host);
}

/* Frames of 6 bytes: the ring holds 87381 of them, and two bytes are never used. */
static void test_sound_ring(void **state)
{
	struct fixture *fixture = *state;
	struct sound_host *host = sound_host_create(fixture->segment, SOUND_PLAYBACK);
	struct sound_peer *peer = sound_peer_create(fixture->segment, SOUND_PLAYBACK);
	const uint8_t *sound = fixture->bytes + section_at(fixture->bytes, 4, 0);
	struct sound_description description = {
		.flags = SOUND_OPEN | SOUND_RUNNING, .format = SOUND_FORMAT_S16, .rate = 48000,
		.channels = 3,
	};
	static uint8_t frames[6 * 87381];

	memset(frames, 0x77, sizeof(frames));
	sound_host_describe(host, &description);
	sound_peer_take(peer);
	sound_peer_set_server(peer, 256, 5000000);
	assert_int_equal(sound_peer_join(peer, &description, 1000), 0);
	assert_int_equal(sound_host_write(host, frames, 100000, 11), 87381);
	assert_int_equal(u64(sound, 128), 87381);
	assert_int_equal(u64(sound, 136), 11);
	assert_int_equal(u32(sound, 144), 1);
	assert_int_equal(sound[4096 + 6 * 87381 - 1], 0x77);
	assert_int_equal(sound[4096 + 6 * 87381], 0);
	assert_int_equal(sound_peer_read(peer, frames, 5, 22), 5);
	assert_int_equal(u64(sound, 192), 5);
	assert_int_equal(u64(sound, 200), 22);
	assert_int_equal(u32(sound, 208), 1);
	memset(frames, 0x78, sizeof(frames));
	assert_int_equal(sound_host_write(host, frames, 100, 33), 5);
	assert_int_equal(sound[4096], 0x78);
	assert_int_equal(sound[4096 + 29], 0x78);
	assert_int_equal(sound[4096 + 30], 0x77);
	/* The client. */
	assert_int_not_equal(u64(sound, 64), 0);
	assert_int_equal(u64(sound, 72), 1);
	assert_int_equal(u64(sound, 80), 5);
	assert_int_equal(u32(sound, 88), 1);
	assert_int_equal(u32(sound, 92), 256);
	assert_int_equal(u64(sound, 96), 5000000);
	assert_int_equal(u64(sound, 104), 0);
	assert_int_equal(sound_peer_read(peer, frames, 87381, 44), 87381);
	assert_int_equal(sound_peer_read(peer, frames, 7, 44), 0);
	assert_int_equal(u64(sound, 104), 7);
	sound_peer_destroy(peer);
	assert_int_equal(u64(sound, 64), 0);
	sound_host_destroy(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_header, setup, teardown),
		cmocka_unit_test_setup_teardown(test_video, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cursor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_input, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sound_stream, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sound_ring, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
