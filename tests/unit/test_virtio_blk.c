/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/bytes.h>
#include <base/loop.h>
#include <devices/virtio_blk.h>
#include <devices/virtio_wire.h>
#include <errno.h>
#include <fake/guest.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_SECTORS 4096u
#define IMAGE_BYTES (IMAGE_SECTORS * 512u)
#define CHANGED 0xa5

struct fixture {
	char path[64];
	int fd;                         /* the test's own look at the image */
	struct loop *loop;
	struct fake_guest *guest;
	struct fake_queue *queue;
};

static uint8_t pattern(uint64_t offset)
{
	return (uint8_t)(offset * 7 + (offset >> 9));
}

static void make_image(struct fixture *f)
{
	static uint8_t bytes[IMAGE_BYTES];

	for (unsigned i = 0; i < IMAGE_BYTES; i++)
		bytes[i] = pattern(i);
	snprintf(f->path, sizeof(f->path), "/tmp/vitrine-blk-XXXXXX");
	f->fd = mkstemp(f->path);
	assert_true(f->fd >= 0);
	assert_int_equal(pwrite(f->fd, bytes, sizeof(bytes), 0), sizeof(bytes));
}

static void start(struct fixture *f, const char *options, uint64_t features)
{
	struct virtio_blk_config config = { 0 };
	struct virtio_device *device;
	struct option_error error = { "" };
	char text[128];

	snprintf(text, sizeof(text), "path=%s%s", f->path, options);
	assert_int_equal(virtio_blk_config_parse(&config, text, &error), 0);
	device = virtio_blk_create(f->loop, &config, &error);
	virtio_blk_config_finish(&config);
	assert_string_equal(error.text, "");
	assert_non_null(device);
	f->guest = fake_guest_create(device, FAKE_LOOP_DISPATCHED);
	assert_int_equal(fake_guest_start(f->guest, features), 0);
	f->queue = fake_guest_queue(f->guest, 0);
}

static int setup(void **state)
{
	static struct fixture fixture;
	struct fixture *f = &fixture;

	*f = (struct fixture){ .loop = loop_create("test") };
	make_image(f);
	*state = f;
	return 0;
}

static int setup_started(void **state)
{
	setup(state);
	start(*state, "", FAKE_ALL_FEATURES);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->guest) {
		assert_int_equal(fake_guest_needs_resets(f->guest), 0);
		fake_guest_destroy(f->guest);
	}
	loop_destroy(f->loop);
	close(f->fd);
	unlink(f->path);
	return 0;
}

static void fill_header(uint8_t *header, uint32_t type, uint64_t sector)
{
	memset(header, 0, 16);
	le32_store(header, type);
	le64_store(header + 8, sector);
}

/* One request with out bytes after the header and in bytes before the status. The status, or -1. */
static int request(struct fixture *f, uint32_t type, uint64_t sector, const void *out,
		   size_t out_bytes, void *in, size_t in_bytes)
{
	uint8_t *readable = malloc(16 + out_bytes);
	uint8_t *writable = malloc(in_bytes + 1);
	int status = -1;
	int64_t written;

	fill_header(readable, type, sector);
	if (out_bytes)
		memcpy(readable + 16, out, out_bytes);
	memset(writable, 0xee, in_bytes + 1);
	written = fake_queue_request(f->queue, readable, 16 + out_bytes, writable, in_bytes + 1);
	if (written > 0) {
		assert_int_equal(written, in_bytes + 1);
		status = writable[in_bytes];
	}
	if (in_bytes)
		memcpy(in, writable, in_bytes);
	free(readable);
	free(writable);
	return status;
}

static void expect_image(struct fixture *f, uint64_t offset, size_t bytes, int value)
{
	uint8_t *copy = malloc(bytes);

	assert_int_equal(pread(f->fd, copy, bytes, (off_t)offset), bytes);
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(copy[i], value < 0 ? pattern(offset + i) : (uint8_t)value);
	free(copy);
}

static void test_config_space(void **state)
{
	struct fixture *f = *state;
	struct virtio_blk_wire_config config;

	fake_guest_read_config(f->guest, 0, &config, sizeof(config));
	assert_int_equal(config.capacity, IMAGE_SECTORS);
	assert_int_equal(config.blk_size, 512);
	assert_int_equal(config.seg_max, 254);
	assert_int_equal(config.num_queues, 1);
	assert_int_equal(config.wce, 1);
	assert_int_equal(config.max_discard_seg, 1);
	assert_true(fake_guest_features(f->guest) & 1ull << VIRTIO_BLK_F_DISCARD);
	assert_false(fake_guest_features(f->guest) & 1ull << VIRTIO_BLK_F_RO);
	fake_guest_write_config(f->guest, 0, "\0\0\0\0", 4);
	fake_guest_write_config(f->guest, offsetof(struct virtio_blk_wire_config, wce), "\0", 1);
	fake_guest_read_config(f->guest, 0, &config, sizeof(config));
	assert_int_equal(config.capacity, IMAGE_SECTORS);
	assert_int_equal(config.wce, 0);
}

static void test_read(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[3 * 512];

	assert_int_equal(request(f, VIRTIO_BLK_T_IN, 5, NULL, 0, bytes, sizeof(bytes)), 0);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], pattern(5 * 512 + i));
	assert_int_equal(request(f, VIRTIO_BLK_T_IN, IMAGE_SECTORS - 1, NULL, 0, bytes, 512), 0);
	assert_int_equal(bytes[511], pattern(IMAGE_BYTES - 1));
	assert_int_equal(request(f, VIRTIO_BLK_T_IN, IMAGE_SECTORS, NULL, 0, bytes, 0), 0);
}

static void test_write_and_flush(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[8 * 512];

	memset(bytes, CHANGED, sizeof(bytes));
	assert_int_equal(request(f, VIRTIO_BLK_T_OUT, 8, bytes, sizeof(bytes), NULL, 0), 0);
	assert_int_equal(request(f, VIRTIO_BLK_T_FLUSH, 0, NULL, 0, NULL, 0), 0);
	expect_image(f, 7 * 512, 512, -1);
	expect_image(f, 8 * 512, sizeof(bytes), CHANGED);
	expect_image(f, 16 * 512, 512, -1);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(request(f, VIRTIO_BLK_T_IN, 8, NULL, 0, bytes, sizeof(bytes)), 0);
	assert_int_equal(bytes[100], CHANGED);
}

/* Without FLUSH in the driver's choice a write is durable when it is answered. */
static void test_write_through(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[512];

	memset(bytes, CHANGED, sizeof(bytes));
	start(f, "", ~(1ull << VIRTIO_BLK_F_FLUSH));
	assert_int_equal(request(f, VIRTIO_BLK_T_OUT, 1, bytes, sizeof(bytes), NULL, 0), 0);
	expect_image(f, 512, 512, CHANGED);
}

static void test_many_segments(void **state)
{
	struct fixture *f = *state;
	struct fake_memory *memory = fake_guest_memory(f->guest);
	struct fake_buffer buffers[254 + 2];
	uint8_t header[16], status = 0xee;
	struct fake_used used;
	unsigned last = sizeof(buffers) / sizeof(*buffers) - 1;

	fill_header(header, VIRTIO_BLK_T_IN, 0);
	buffers[0] = (struct fake_buffer){ fake_memory_copy_in(memory, header, 16), 16, false };
	for (unsigned i = 1; i < last; i++)
		buffers[i] = (struct fake_buffer){ fake_memory_alloc(memory, 512, 1), 512, true };
	buffers[last] = (struct fake_buffer){ fake_memory_alloc(memory, 1, 1), 1, true };
	assert_true(fake_queue_add(f->queue, buffers, last + 1) >= 0);
	fake_queue_kick(f->queue);
	assert_true(fake_queue_wait_used(f->queue, &used));
	fake_memory_read(memory, buffers[last].gpa, &status, 1);
	assert_int_equal(status, VIRTIO_BLK_S_OK);
	for (unsigned i = 1; i < last; i++) {
		uint8_t byte;

		fake_memory_read(memory, buffers[i].gpa + 17, &byte, 1);
		assert_int_equal(byte, pattern((i - 1) * 512 + 17));
	}
}

/* Header, data and status cut anywhere: the spec says nothing about buffers' borders. */
static void test_any_layout(void **state)
{
	struct fixture *f = *state;
	struct fake_memory *memory = fake_guest_memory(f->guest);
	uint8_t header[16], tail[513];
	struct fake_used used;

	fill_header(header, VIRTIO_BLK_T_IN, 3);
	for (unsigned cut = 1; cut < 16; cut += 7) {
		uint64_t header_gpa = fake_memory_copy_in(memory, header, 16);
		uint64_t data_gpa = fake_memory_alloc(memory, 513, 1);
		struct fake_buffer buffers[] = {
			{ header_gpa, cut, false }, { header_gpa + cut, 16 - cut, false },
			{ data_gpa, cut, true }, { data_gpa + cut, 513 - cut, true },
		};

		assert_true(fake_queue_add(f->queue, buffers, 4) >= 0);
		fake_queue_kick(f->queue);
		assert_true(fake_queue_wait_used(f->queue, &used));
		assert_int_equal(used.bytes, 513);
		fake_memory_read(memory, data_gpa, tail, sizeof(tail));
		assert_int_equal(tail[512], VIRTIO_BLK_S_OK);
		assert_int_equal(tail[511], pattern(4 * 512 - 1));
	}
}

static void test_out_of_range(void **state)
{
	struct fixture *f = *state;
	static const uint64_t sectors[] = { IMAGE_SECTORS, IMAGE_SECTORS - 1, UINT64_MAX,
					    UINT64_MAX / 512, 1ull << 55 };
	uint8_t bytes[1024] = { 0 };

	for (unsigned i = 0; i < sizeof(sectors) / sizeof(*sectors); i++) {
		assert_int_equal(request(f, VIRTIO_BLK_T_IN, sectors[i], NULL, 0, bytes, 1024),
				 VIRTIO_BLK_S_IOERR);
		assert_int_equal(request(f, VIRTIO_BLK_T_OUT, sectors[i], bytes, 1024, NULL, 0),
				 VIRTIO_BLK_S_IOERR);
	}
	assert_int_equal(request(f, VIRTIO_BLK_T_IN, 0, NULL, 0, bytes, 511), VIRTIO_BLK_S_IOERR);
	assert_int_equal(request(f, VIRTIO_BLK_T_OUT, 0, bytes, 100, NULL, 0), VIRTIO_BLK_S_IOERR);
	expect_image(f, IMAGE_BYTES - 4096, 4096, -1);
}

static void discard_segment(uint8_t *segment, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	le64_store(segment, sector);
	le32_store(segment + 8, sectors);
	le32_store(segment + 12, flags);
}

static void test_discard_and_zeroes(void **state)
{
	struct fixture *f = *state;
	uint8_t segment[32] = { 0 };
	struct stat before, after;

	assert_int_equal(fsync(f->fd), 0);
	assert_int_equal(fstat(f->fd, &before), 0);
	discard_segment(segment, 1024, 2048, 0);
	assert_int_equal(request(f, VIRTIO_BLK_T_DISCARD, 0, segment, 16, NULL, 0), 0);
	assert_int_equal(fstat(f->fd, &after), 0);
	if (after.st_blocks == before.st_blocks)
		print_message("this file system has no holes\n");
	else
		expect_image(f, 1024 * 512, 2048 * 512, 0);
	for (uint32_t flags = 0; flags <= 1; flags++) {
		discard_segment(segment, 16 + 32 * flags, 16, flags);
		assert_int_equal(request(f, VIRTIO_BLK_T_WRITE_ZEROES, 0, segment, 16, NULL, 0), 0);
		expect_image(f, (16 + 32 * flags) * 512, 16 * 512, 0);
		expect_image(f, (32 + 32 * flags) * 512, 16 * 512, -1);
	}
	/* Bad flags, ranges, lengths; two segments. */
	discard_segment(segment, 100, 1, 1);
	assert_int_equal(request(f, VIRTIO_BLK_T_DISCARD, 0, segment, 16, NULL, 0),
			 VIRTIO_BLK_S_UNSUPP);
	discard_segment(segment, 100, 1, 2);
	assert_int_equal(request(f, VIRTIO_BLK_T_WRITE_ZEROES, 0, segment, 16, NULL, 0),
			 VIRTIO_BLK_S_UNSUPP);
	discard_segment(segment, IMAGE_SECTORS, 1, 0);
	assert_int_equal(request(f, VIRTIO_BLK_T_DISCARD, 0, segment, 16, NULL, 0),
			 VIRTIO_BLK_S_IOERR);
	discard_segment(segment, UINT64_MAX, UINT32_MAX, 0);
	assert_int_equal(request(f, VIRTIO_BLK_T_WRITE_ZEROES, 0, segment, 16, NULL, 0),
			 VIRTIO_BLK_S_IOERR);
	discard_segment(segment, 100, 1, 0);
	assert_int_equal(request(f, VIRTIO_BLK_T_DISCARD, 0, segment, 15, NULL, 0),
			 VIRTIO_BLK_S_IOERR);
	assert_int_equal(request(f, VIRTIO_BLK_T_DISCARD, 0, segment, 32, NULL, 0),
			 VIRTIO_BLK_S_IOERR);
	expect_image(f, 100 * 512, 512, -1);
}

static void test_serial(void **state)
{
	struct fixture *f = *state;
	char id[21] = "";

	start(f, ",serial=vitrine-0123456789", FAKE_ALL_FEATURES);
	assert_int_equal(request(f, VIRTIO_BLK_T_GET_ID, 0, NULL, 0, id, 20), 0);
	assert_string_equal(id, "vitrine-0123456789");
	assert_int_equal(request(f, VIRTIO_BLK_T_GET_ID, 0, NULL, 0, id, 19), VIRTIO_BLK_S_IOERR);
}

static void test_readonly(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[512] = { 0 }, segment[16];

	start(f, ",readonly=on", FAKE_ALL_FEATURES);
	assert_true(fake_guest_features(f->guest) & 1ull << VIRTIO_BLK_F_RO);
	assert_false(fake_guest_features(f->guest) & 1ull << VIRTIO_BLK_F_DISCARD);
	assert_int_equal(request(f, VIRTIO_BLK_T_OUT, 0, bytes, 512, NULL, 0), VIRTIO_BLK_S_IOERR);
	discard_segment(segment, 0, 8, 0);
	assert_int_equal(request(f, VIRTIO_BLK_T_WRITE_ZEROES, 0, segment, 16, NULL, 0),
			 VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(request(f, VIRTIO_BLK_T_IN, 0, NULL, 0, bytes, 512), 0);
	expect_image(f, 0, 512, -1);
}

static void test_unknown_and_short(void **state)
{
	struct fixture *f = *state;
	uint8_t header[16], byte = 0xee;

	assert_int_equal(request(f, 0x80000000, 0, NULL, 0, NULL, 0), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(request(f, VIRTIO_BLK_T_SECURE_ERASE, 0, NULL, 0, NULL, 0),
			 VIRTIO_BLK_S_UNSUPP);
	fill_header(header, VIRTIO_BLK_T_IN, 0);
	/* No room for a status, half a header: given back untouched. */
	assert_int_equal(fake_queue_request(f->queue, header, 16, NULL, 0), 0);
	assert_int_equal(fake_queue_request(f->queue, header, 15, &byte, 1), 0);
	assert_int_equal(fake_queue_request(f->queue, NULL, 0, &byte, 1), 0);
	assert_int_equal(request(f, VIRTIO_BLK_T_FLUSH, 77, NULL, 0, NULL, 0), 0);
}

/* The image is cut short behind our back: an error for the guest, nothing else. */
static void test_truncated_image(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[1024];

	assert_int_equal(ftruncate(f->fd, 512 * 10 + 100), 0);
	assert_int_equal(request(f, VIRTIO_BLK_T_IN, 9, NULL, 0, bytes, 1024), VIRTIO_BLK_S_IOERR);
	assert_int_equal(request(f, VIRTIO_BLK_T_IN, 100, NULL, 0, bytes, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(request(f, VIRTIO_BLK_T_IN, 9, NULL, 0, bytes, 512), 0);
}

/* A stop with requests in flight waits for them. */
static void test_stop_in_flight(void **state)
{
	struct fixture *f = *state;
	struct fake_memory *memory = fake_guest_memory(f->guest);
	uint8_t header[16];

	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < 32; i++) {
			struct fake_buffer buffers[3];

			fill_header(header, VIRTIO_BLK_T_IN, i * 64);
			buffers[0].gpa = fake_memory_copy_in(memory, header, 16);
			buffers[0].bytes = 16;
			buffers[0].writable = false;
			buffers[1] = (struct fake_buffer){ fake_memory_alloc(memory, 32768, 512),
							   32768, true };
			buffers[2] =
				(struct fake_buffer){ fake_memory_alloc(memory, 1, 1), 1, true };
			assert_true(fake_queue_add(f->queue, buffers, 3) >= 0);
		}
		fake_queue_kick(f->queue);
		if (round % 2)
			loop_dispatch(f->loop, 0);
		fake_guest_stop(f->guest);
		assert_int_equal(fake_guest_start(f->guest, FAKE_ALL_FEATURES), 0);
	}
	assert_int_equal(request(f, VIRTIO_BLK_T_FLUSH, 0, NULL, 0, NULL, 0), 0);
}

static int open_error(const char *text, struct option_error *error)
{
	struct loop *loop = loop_create("test");
	struct virtio_blk_config config = { 0 };
	struct virtio_device *device = NULL;
	int result = virtio_blk_config_parse(&config, text, error);

	if (result == 0) {
		device = virtio_blk_create(loop, &config, error);
		result = device ? 0 : -errno;
	}
	if (device)
		device->ops->destroy(device);
	virtio_blk_config_finish(&config);
	loop_destroy(loop);
	return result;
}

static void test_one_user_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct option_error error = { "" };
	char text[128];

	start(f, "", FAKE_ALL_FEATURES);
	assert_int_equal(open_error(f->path, &error), -EBUSY);
	assert_non_null(strstr(error.text, "in use by another VM"));
	snprintf(text, sizeof(text), "%s,readonly=on", f->path);
	assert_int_equal(open_error(text, &error), -EBUSY);
	fake_guest_destroy(f->guest);
	start(f, ",readonly=on", FAKE_ALL_FEATURES);
	assert_int_equal(open_error(text, &error), 0);
	assert_int_equal(open_error(f->path, &error), -EBUSY);
}

static void test_bad_options(void **state)
{
	struct option_error error = { "" };

	assert_int_equal(open_error("", &error), -EINVAL);
	assert_non_null(strstr(error.text, "path="));
	assert_int_equal(open_error("readonly=on", &error), -EINVAL);
	assert_int_equal(open_error("path=/x,readonly=perhaps", &error), -EINVAL);
	assert_int_equal(open_error("path=/x,raedonly=on", &error), -EINVAL);
	assert_int_equal(open_error("path=/x,serial=123456789012345678901", &error), -EINVAL);
	assert_non_null(strstr(error.text, "longer than 20"));
	assert_int_equal(open_error("path=/no/such/file", &error), -ENOENT);
	assert_non_null(strstr(error.text, "/no/such/file"));
	assert_int_equal(open_error("path=/tmp,readonly=on", &error), -EINVAL);
	assert_non_null(strstr(error.text, "neither"));
	assert_int_equal(open_error("path=/dev/null", &error), -EINVAL);
}

static void test_empty_image(void **state)
{
	struct fixture *f = *state;
	struct option_error error = { "" };

	assert_int_equal(ftruncate(f->fd, 511), 0);
	assert_int_equal(open_error(f->path, &error), -EINVAL);
	assert_non_null(strstr(error.text, "truncate"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_STARTED(name) cmocka_unit_test_setup_teardown(name, setup_started, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_STARTED(test_config_space),
		TEST_STARTED(test_read),
		TEST_STARTED(test_write_and_flush),
		TEST(test_write_through),
		TEST_STARTED(test_many_segments),
		TEST_STARTED(test_any_layout),
		TEST_STARTED(test_out_of_range),
		TEST_STARTED(test_discard_and_zeroes),
		TEST(test_serial),
		TEST(test_readonly),
		TEST_STARTED(test_unknown_and_short),
		TEST_STARTED(test_truncated_image),
		TEST_STARTED(test_stop_in_flight),
		TEST(test_one_user_at_a_time),
		TEST(test_bad_options),
		TEST(test_empty_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
