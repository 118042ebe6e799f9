/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Laying out, attaching, and refusing to attach to what lies. */
#include <errno.h>
#include <fcntl.h>
#include <ivshmem/segment.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SMALL_SLOT_BYTES (UINT64_C(640) * 480 * 4)

static const struct segment_config small_config = {
	.name = "test", .scanout_count = 1, .slot_count = 2, .slot_bytes = SMALL_SLOT_BYTES,
};

static void assert_attach_fails(int fd, int error)
{
	errno = 0;
	assert_null(segment_attach_fd(fd));
	assert_int_equal(errno, error);
}

static void test_defaults_and_attach(void **state)
{
	const struct segment_config config = { .name = "a\tname" };
	struct segment *made = segment_create_memfd(&config);
	struct segment *attached;
	struct stat status;

	assert_non_null(made);
	attached = segment_attach_fd(segment_fd(made));
	assert_non_null(attached);
	assert_string_equal(segment_name(attached), "a?name");
	assert_int_equal(segment_scanout_count(attached), SEGMENT_DEFAULT_SCANOUTS);
	assert_int_equal(segment_bytes(attached), segment_bytes(made));
	assert_int_equal(segment_epoch(attached), segment_epoch(made));
	assert_true(segment_same_clock(attached));
	assert_int_equal(segment_state(attached), SEGMENT_STARTING);
	segment_set_state(made, SEGMENT_PAUSED);
	segment_beat(made);
	assert_int_equal(segment_state(attached), SEGMENT_PAUSED);
	assert_int_equal(segment_heartbeat(attached), 1);
	assert_null(segment_find(attached, SEGMENT_SECTION_VIDEO, 2, NULL));
	/* Sparse: hundreds of megabytes of slots, a few pages in use. */
	assert_int_equal(fstat(segment_fd(made), &status), 0);
	assert_true(status.st_size > 200 << 20);
	assert_true(status.st_blocks * 512 < 4 << 20);
	segment_destroy(attached);
	segment_destroy(made);
}

static void test_memfd_cannot_be_shrunk(void **state)
{
	struct segment *made = segment_create_memfd(&small_config);

	assert_non_null(made);
	assert_int_equal(ftruncate(segment_fd(made), 4096), -1);
	assert_int_equal(errno, EPERM);
	segment_destroy(made);
}

static void test_bad_configs(void **state)
{
	const struct segment_config configs[] = {
		{ .scanout_count = SEGMENT_MAX_SCANOUTS + 1 },
		{ .slot_count = 1 },
		{ .slot_count = VIDEO_MAX_SLOTS + 1 },
		{ .slot_bytes = 4096 },
		{ .slot_bytes = UINT64_MAX },
	};

	for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		errno = 0;
		assert_null(segment_create_memfd(&configs[i]));
		assert_int_equal(errno, EINVAL);
	}
}

struct temp_file {
	char path[64];
	int fd;
};

static int temp_setup(void **state)
{
	struct temp_file *file = calloc(1, sizeof(*file));

	assert_non_null(file);
	strcpy(file->path, "/tmp/test_segment.XXXXXX");
	file->fd = mkstemp(file->path);
	assert_true(file->fd >= 0);
	*state = file;
	return 0;
}

static int temp_teardown(void **state)
{
	struct temp_file *file = *state;

	close(file->fd);
	unlink(file->path);
	free(file);
	return 0;
}

static off_t file_size(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return status.st_size;
}

/* Like a BAR: the size is what it is, the slots shrink; a second VMM start gives a new epoch. */
static void test_file_of_fixed_size(void **state)
{
	struct temp_file *file = *state;
	const struct segment_config config = { .name = "bar" };
	struct segment *made, *attached, *again;
	uint32_t epoch;

	assert_int_equal(ftruncate(file->fd, 64 << 20), 0);
	made = segment_create_file(file->path, &config);
	assert_non_null(made);
	assert_int_equal(file_size(file->fd), 64 << 20);
	assert_true(segment_bytes(made) <= 64 << 20);
	attached = segment_attach_path(file->path);
	assert_non_null(attached);
	assert_true(segment_is_current(attached));
	epoch = segment_epoch(attached);
	/* Two writers would fight. */
	assert_null(segment_create_file(file->path, &config));
	assert_int_equal(errno, EBUSY);
	segment_destroy(made);

	made = segment_create_file(file->path, &config);
	assert_non_null(made);
	assert_false(segment_is_current(attached));
	again = segment_attach_path(file->path);
	assert_non_null(again);
	assert_int_not_equal(segment_epoch(again), epoch);
	segment_destroy(again);
	segment_destroy(attached);
	segment_destroy(made);
}

static void test_file_too_small(void **state)
{
	struct temp_file *file = *state;

	assert_int_equal(ftruncate(file->fd, 1 << 20), 0);
	assert_null(segment_create_file(file->path, &small_config));
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(ftruncate(file->fd, 8192), 0);
	assert_null(segment_create_file(file->path, &small_config));
	assert_int_equal(errno, ENOSPC);
}

static void test_new_file_grows(void **state)
{
	struct temp_file *file = *state;
	struct segment *made = segment_create_file(file->path, &small_config);

	assert_non_null(made);
	assert_int_equal((uint64_t)file_size(file->fd), segment_bytes(made));
	segment_destroy(made);
}

static void test_not_a_segment(void **state)
{
	struct temp_file *file = *state;
	static const char garbage[8192] = "not a segment";

	assert_attach_fails(file->fd, EPROTO);
	assert_int_equal(pwrite(file->fd, garbage, sizeof(garbage), 0), sizeof(garbage));
	assert_attach_fails(file->fd, EPROTO);
	assert_null(segment_attach_path("/nonexistent/segment"));
	assert_int_equal(errno, ENOENT);
}

/* One lie at a time in an otherwise good header. */
static void lie_magic(struct segment_header *header) { header->magic++; }
static void lie_version(struct segment_header *header) { header->version++; }
static void lie_header_bytes(struct segment_header *header) { header->header_bytes = 64; }
static void lie_bytes_large(struct segment_header *header) { header->segment_bytes += 4096; }
static void lie_bytes_odd(struct segment_header *header) { header->segment_bytes -= 1; }
static void lie_bytes_zero(struct segment_header *header) { header->segment_bytes = 0; }
static void lie_epoch(struct segment_header *header) { header->epoch = 0; }
static void lie_count(struct segment_header *header) { header->section_count = 33; }
static void lie_offset_odd(struct segment_header *header) { header->sections[0].offset += 8; }
static void lie_offset_zero(struct segment_header *header) { header->sections[0].offset = 0; }
static void lie_offset_far(struct segment_header *header)
{
	header->sections[1].offset = UINT64_MAX & ~UINT64_C(4095);
}
static void lie_section_long(struct segment_header *header)
{
	header->sections[2].bytes = UINT64_MAX - 4096;
}
static void lie_section_short(struct segment_header *header) { header->sections[2].bytes = 64; }
static void lie_index(struct segment_header *header) { header->sections[2].index = 8; }
static void lie_sound_index(struct segment_header *header)
{
	header->sections[2].type = SEGMENT_SECTION_SOUND;
	header->sections[2].index = 2;
}
static void lie_sound_short(struct segment_header *header)
{
	header->sections[2].type = SEGMENT_SECTION_SOUND;
	header->sections[2].bytes = 4096;
}
static void lie_overlap(struct segment_header *header)
{
	header->sections[1].offset = header->sections[0].offset;
}
static void lie_twice(struct segment_header *header)
{
	header->sections[3] = header->sections[0];
	header->sections[3].offset = header->sections[1].offset;
	header->section_count = 4;
}

static void test_header_lies(void **state)
{
	static const struct {
		void (*tell)(struct segment_header *header);
		int error;
	} lies[] = {
		{ lie_magic, EPROTO }, { lie_version, EPROTONOSUPPORT },
		{ lie_header_bytes, EPROTONOSUPPORT }, { lie_bytes_large, EPROTO },
		{ lie_bytes_odd, EPROTO }, { lie_bytes_zero, EPROTO }, { lie_epoch, EAGAIN },
		{ lie_count, EPROTO }, { lie_offset_odd, EPROTO }, { lie_offset_zero, EPROTO },
		{ lie_offset_far, EPROTO }, { lie_section_long, EPROTO },
		{ lie_section_short, EPROTO }, { lie_index, EPROTO }, { lie_overlap, EPROTO },
		{ lie_twice, EPROTO }, { lie_sound_index, EPROTO }, { lie_sound_short, EPROTO },
	};
	struct segment *made = segment_create_memfd(&small_config);
	struct segment_header good, *shared;

	assert_non_null(made);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, segment_fd(made), 0);
	assert_true(shared != MAP_FAILED);
	memcpy(&good, shared, sizeof(good));
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		memcpy(shared, &good, sizeof(good));
		lies[i].tell(shared);
		assert_attach_fails(segment_fd(made), lies[i].error);
	}
	munmap(shared, 4096);
	segment_destroy(made);
}

/* Unknown kinds of section are for later versions: skipped, whatever they say. */
static void test_unknown_section(void **state)
{
	struct segment *made = segment_create_memfd(&small_config);
	struct segment *attached;
	struct segment_header *shared;

	assert_non_null(made);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, segment_fd(made), 0);
	assert_true(shared != MAP_FAILED);
	shared->sections[shared->section_count++] =
		(struct segment_section){ .type = 77, .offset = 1, .bytes = 1 };
	attached = segment_attach_fd(segment_fd(made));
	assert_non_null(attached);
	assert_int_equal(segment_scanout_count(attached), 1);
	segment_destroy(attached);
	munmap(shared, 4096);
	segment_destroy(made);
}

/* The next beat repairs what a client scribbled over. */
static void test_scribbled_header_heals(void **state)
{
	struct segment *made = segment_create_memfd(&small_config);
	struct segment *attached;
	struct segment_header *shared;

	assert_non_null(made);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, segment_fd(made), 0);
	assert_true(shared != MAP_FAILED);
	memset(shared, 0xee, sizeof(*shared));
	assert_attach_fails(segment_fd(made), EPROTO);
	segment_beat(made);
	attached = segment_attach_fd(segment_fd(made));
	assert_non_null(attached);
	assert_int_equal(segment_state(attached), SEGMENT_STARTING);
	segment_destroy(attached);
	munmap(shared, 4096);
	segment_destroy(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_and_attach),
		cmocka_unit_test(test_memfd_cannot_be_shrunk),
		cmocka_unit_test(test_bad_configs),
		cmocka_unit_test_setup_teardown(test_file_of_fixed_size, temp_setup,
						temp_teardown),
		cmocka_unit_test_setup_teardown(test_file_too_small, temp_setup, temp_teardown),
		cmocka_unit_test_setup_teardown(test_new_file_grows, temp_setup, temp_teardown),
		cmocka_unit_test_setup_teardown(test_not_a_segment, temp_setup, temp_teardown),
		cmocka_unit_test(test_header_lies),
		cmocka_unit_test(test_unknown_section),
		cmocka_unit_test(test_scribbled_header_heals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
