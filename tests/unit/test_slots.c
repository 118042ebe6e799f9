/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames through the slots, one step at a time, and what happens when either side lies or dies. */
#include <errno.h>
#include <ivshmem/segment.h>
#include <ivshmem/slots_reader.h>
#include <ivshmem/slots_writer.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WIDTH 320u
#define HEIGHT 200u

static const struct slots_picture picture = {
	.width = WIDTH, .height = HEIGHT, .fourcc = VIDEO_FOURCC_XRGB8888,
};

struct fixture {
	struct segment *segment;        /* the VMM's */
	struct segment *attached;       /* the client's */
	struct slots_writer *writer;
	struct slots_reader *reader;
	struct video_section *section;  /* as either side can scribble over it */
	uint64_t frames;
};

static int setup_slots(void **state, uint32_t slot_count)
{
	const struct segment_config config = {
		.scanout_count = 1, .slot_count = slot_count, .slot_bytes = 640 * 480 * 4,
	};
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->segment = segment_create_memfd(&config);
	assert_non_null(fixture->segment);
	fixture->attached = segment_attach_fd(segment_fd(fixture->segment));
	assert_non_null(fixture->attached);
	fixture->writer = slots_writer_create(fixture->segment, 0);
	assert_non_null(fixture->writer);
	fixture->reader = slots_reader_create(fixture->attached, 0);
	assert_non_null(fixture->reader);
	fixture->section = segment_find(fixture->segment, SEGMENT_SECTION_VIDEO, 0, NULL);
	assert_non_null(fixture->section);
	*state = fixture;
	return 0;
}

static int setup(void **state)
{
	return setup_slots(state, 4);
}

static int setup_two(void **state)
{
	return setup_slots(state, 2);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	slots_reader_destroy(fixture->reader);
	slots_writer_destroy(fixture->writer);
	segment_destroy(fixture->attached);
	segment_destroy(fixture->segment);
	free(fixture);
	return 0;
}

/* Publishes a frame in which every pixel of the slot's damage is the frame's number. */
static void publish(struct fixture *fixture, const struct video_rect *rect)
{
	struct video_damage damage = { .count = rect ? 1 : 0 };
	struct slots_write write;

	if (rect)
		damage.rects[0] = *rect;
	assert_int_equal(slots_writer_begin(fixture->writer, &picture, rect ? &damage : NULL,
					    &write), 0);
	fixture->frames++;
	for (uint32_t i = 0; i < write.damage.count; i++) {
		const struct video_rect *dirty = &write.damage.rects[i];

		for (uint32_t y = dirty->y; y < dirty->y + dirty->height; y++)
			for (uint32_t x = dirty->x; x < dirty->x + dirty->width; x++)
				((uint32_t *)(write.pixels + y * write.pitch))[x] =
					(uint32_t)fixture->frames;
	}
	slots_writer_publish(fixture->writer, fixture->frames * 10, fixture->frames * 10 + 1);
}

static void read_frame(struct fixture *fixture, struct slots_frame *frame)
{
	assert_int_equal(slots_reader_begin(fixture->reader, frame), 1);
	assert_true(slots_reader_end(fixture->reader, frame));
}

static bool covers(const struct video_damage *damage, uint32_t x, uint32_t y)
{
	for (uint32_t i = 0; i < damage->count; i++) {
		const struct video_rect *rect = &damage->rects[i];

		if (x >= rect->x && x - rect->x < rect->width && y >= rect->y &&
		    y - rect->y < rect->height)
			return true;
	}
	return false;
}

static void test_nothing_yet(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;
	uint32_t width, height;

	assert_false(slots_reader_pending(fixture->reader));
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 0);
	assert_int_equal(slots_reader_state(fixture->reader, &width, &height), VIDEO_OFF);
	assert_null(slots_reader_create(fixture->attached, 1));
	assert_int_equal(errno, ENOENT);
	assert_null(slots_writer_create(fixture->segment, 1));
}

static void test_one_frame(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;
	uint32_t width, height;

	publish(fixture, NULL);
	assert_true(slots_reader_pending(fixture->reader));
	assert_int_equal(slots_reader_state(fixture->reader, &width, &height), VIDEO_ON);
	assert_int_equal(width, WIDTH);
	assert_int_equal(height, HEIGHT);
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 1);
	assert_int_equal(frame.sequence, 1);
	assert_int_equal(frame.width, WIDTH);
	assert_int_equal(frame.height, HEIGHT);
	assert_int_equal(frame.pitch, WIDTH * 4);
	assert_int_equal(frame.fourcc, VIDEO_FOURCC_XRGB8888);
	assert_int_equal(frame.guest_flush_ns, 10);
	assert_int_equal(frame.publish_ns, 11);
	assert_true(frame.full);
	assert_int_equal(((const uint32_t *)frame.pixels)[WIDTH * HEIGHT - 1], 1);
	assert_true(slots_reader_end(fixture->reader, &frame));
	assert_false(slots_reader_pending(fixture->reader));
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 0);
	slots_reader_forget(fixture->reader);
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 1);
	assert_true(frame.full);
	assert_true(slots_reader_end(fixture->reader, &frame));
}

static void test_skipped_frames_unite_damage(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;

	publish(fixture, NULL);
	read_frame(fixture, &frame);
	for (uint32_t i = 0; i < 5; i++)
		publish(fixture, &(struct video_rect){ i * 20, i * 10, 4, 3 });
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 1);
	assert_int_equal(frame.skipped, 4);
	assert_false(frame.full);
	assert_int_equal(frame.damage.count, 5);
	for (uint32_t i = 0; i < 5; i++) {
		assert_true(covers(&frame.damage, i * 20, i * 10));
		assert_true(covers(&frame.damage, i * 20 + 3, i * 10 + 2));
		assert_false(covers(&frame.damage, i * 20 + 4, i * 10));
	}
	assert_true(slots_reader_end(fixture->reader, &frame));
}

static void test_more_rects_than_fit(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;

	publish(fixture, NULL);
	read_frame(fixture, &frame);
	for (uint32_t i = 0; i < 40; i++)
		publish(fixture, &(struct video_rect){ i * 7 % 300, i * 11 % 190, 3, 3 });
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 1);
	assert_true(frame.damage.count <= VIDEO_MAX_RECTS);
	for (uint32_t i = 0; i < 40; i++)
		assert_true(covers(&frame.damage, i * 7 % 300 + 1, i * 11 % 190 + 1));
	assert_true(slots_reader_end(fixture->reader, &frame));
}

static void test_history_is_finite(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;

	publish(fixture, NULL);
	read_frame(fixture, &frame);
	for (uint32_t i = 0; i < VIDEO_HISTORY_FRAMES; i++)
		publish(fixture, &(struct video_rect){ 0, 0, 1, 1 });
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 1);
	assert_int_equal(frame.damage.count, 1);
	assert_int_equal(frame.damage.rects[0].width, 1);
	assert_true(slots_reader_end(fixture->reader, &frame));
	for (uint32_t i = 0; i <= VIDEO_HISTORY_FRAMES; i++)
		publish(fixture, &(struct video_rect){ 0, 0, 1, 1 });
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 1);
	assert_true(frame.full);
	assert_true(slots_reader_end(fixture->reader, &frame));
}

static void test_damage_outside_is_cut(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;

	publish(fixture, NULL);
	read_frame(fixture, &frame);
	publish(fixture, &(struct video_rect){ WIDTH - 2, HEIGHT - 2, UINT32_MAX, UINT32_MAX });
	publish(fixture, &(struct video_rect){ WIDTH, 0, 5, 5 });
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 1);
	assert_int_equal(frame.damage.count, 1);
	assert_int_equal(frame.damage.rects[0].width, 2);
	assert_int_equal(frame.damage.rects[0].height, 2);
	assert_true(slots_reader_end(fixture->reader, &frame));
}

static void test_new_size_is_all_new(void **state)
{
	struct fixture *fixture = *state;
	const struct slots_picture other = { .width = 64, .height = 48,
					     .fourcc = VIDEO_FOURCC_XRGB8888 };
	const struct video_damage damage = { .count = 1, .rects = { { 0, 0, 1, 1 } } };
	struct slots_frame frame;
	struct slots_write write;

	publish(fixture, NULL);
	read_frame(fixture, &frame);
	assert_int_equal(slots_writer_begin(fixture->writer, &other, &damage, &write), 0);
	assert_int_equal(write.damage.count, 1);
	assert_int_equal(write.damage.rects[0].width, 64);
	slots_writer_publish(fixture->writer, 0, 0);
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 1);
	assert_true(frame.full);
	assert_int_equal(frame.width, 64);
	assert_true(slots_reader_end(fixture->reader, &frame));
}

static void test_too_large(void **state)
{
	struct fixture *fixture = *state;
	const struct slots_picture large = { .width = 641, .height = 480,
					     .fourcc = VIDEO_FOURCC_XRGB8888 };
	const struct slots_picture huge = { .width = UINT32_MAX, .height = UINT32_MAX };
	const struct slots_picture empty = { .width = 0, .height = 5 };
	struct slots_frame frame;
	struct slots_write write;
	uint32_t width, height;

	assert_int_equal(slots_writer_begin(fixture->writer, &large, NULL, &write), -EFBIG);
	assert_int_equal(slots_reader_state(fixture->reader, &width, &height), VIDEO_TOO_LARGE);
	assert_int_equal(width, 641);
	assert_int_equal(height, 480);
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 0);
	assert_int_equal(slots_writer_begin(fixture->writer, &huge, NULL, &write), -EFBIG);
	assert_int_equal(slots_writer_begin(fixture->writer, &empty, NULL, &write), -EINVAL);
	publish(fixture, &(struct video_rect){ 0, 0, 1, 1 });
	assert_int_equal(slots_reader_state(fixture->reader, &width, &height), VIDEO_ON);
	read_frame(fixture, &frame);
	assert_true(frame.full);
}

static void test_off_and_on(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;
	uint32_t width, height;

	publish(fixture, NULL);
	read_frame(fixture, &frame);
	slots_writer_off(fixture->writer);
	assert_int_equal(slots_reader_state(fixture->reader, &width, &height), VIDEO_OFF);
	publish(fixture, &(struct video_rect){ 0, 0, 1, 1 });
	assert_int_equal(slots_reader_state(fixture->reader, &width, &height), VIDEO_ON);
	read_frame(fixture, &frame);
	assert_true(frame.full);
}

/* What a cancelled frame would have shown is not lost. */
static void test_cancel_owes_damage(void **state)
{
	struct fixture *fixture = *state;
	const struct video_damage damage = { .count = 1, .rects = { { 50, 60, 7, 8 } } };
	struct slots_frame frame;
	struct slots_write write;

	for (int i = 0; i < 4; i++)
		publish(fixture, NULL);
	read_frame(fixture, &frame);
	assert_int_equal(slots_writer_begin(fixture->writer, &picture, &damage, &write), 0);
	slots_writer_cancel(fixture->writer);
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 0);
	publish(fixture, &(struct video_rect){ 0, 0, 1, 1 });
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 1);
	assert_true(covers(&frame.damage, 56, 67));
	assert_int_equal(((const uint32_t *)frame.pixels)[60 * WIDTH + 50], fixture->frames);
	assert_true(slots_reader_end(fixture->reader, &frame));
}

/* A slow reader keeps its slot, however many frames pass: its hint is honoured. */
static void test_hinted_slot_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;

	publish(fixture, NULL);
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 1);
	for (int i = 0; i < 100; i++)
		publish(fixture, NULL);
	assert_int_equal(((const uint32_t *)frame.pixels)[0], 1);
	assert_true(slots_reader_end(fixture->reader, &frame));
	read_frame(fixture, &frame);
	assert_int_equal(frame.sequence, 101);
}

/* With two slots the writer does not wait for a reader either: the frame is torn, and told so. */
static void test_torn_frame_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;

	publish(fixture, NULL);
	read_frame(fixture, &frame);
	publish(fixture, &(struct video_rect){ 8, 8, 2, 2 });
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 1);
	publish(fixture, &(struct video_rect){ 16, 16, 2, 2 });
	publish(fixture, &(struct video_rect){ 24, 24, 2, 2 });
	assert_false(slots_reader_end(fixture->reader, &frame));
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 1);
	assert_int_equal(frame.sequence, 4);
	assert_true(covers(&frame.damage, 9, 9));
	assert_true(covers(&frame.damage, 17, 17));
	assert_true(covers(&frame.damage, 25, 25));
	assert_true(slots_reader_end(fixture->reader, &frame));
}

static void test_reader_dies_in_frame(void **state)
{
	struct fixture *fixture = *state;
	struct slots_reader *other = slots_reader_create(fixture->attached, 0);
	struct slots_frame frame;

	publish(fixture, NULL);
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 1);
	/* Its hint stays behind for ever. */
	assert_int_not_equal(fixture->section->reader_hint, VIDEO_NO_SLOT);
	for (int i = 0; i < 10; i++) {
		publish(fixture, NULL);
		assert_int_equal(slots_reader_begin(other, &frame), 1);
		assert_true(slots_reader_end(other, &frame));
	}
	slots_reader_destroy(other);
}

static void test_writer_dies_in_frame(void **state)
{
	struct fixture *fixture = *state;
	char path[] = "/tmp/test_slots.XXXXXX";
	const struct segment_config config = { .scanout_count = 1, .slot_bytes = 640 * 480 * 4 };
	int fd = mkstemp(path);
	struct segment *made = segment_create_file(path, &config);
	struct segment *attached = segment_attach_path(path);
	struct slots_writer *writer = slots_writer_create(made, 0);
	struct slots_reader *reader = slots_reader_create(attached, 0);
	struct slots_frame frame;
	struct slots_write write;

	assert_int_equal(slots_writer_begin(writer, &picture, NULL, &write), 0);
	slots_writer_publish(writer, 0, 0);
	assert_int_equal(slots_writer_begin(writer, &picture, NULL, &write), 0);
	/* Here it dies; the complete frame can still be read. */
	slots_writer_destroy(writer);
	segment_destroy(made);
	assert_int_equal(slots_reader_begin(reader, &frame), 1);
	assert_true(slots_reader_end(reader, &frame));
	/* And comes back. */
	made = segment_create_file(path, &config);
	assert_non_null(made);
	writer = slots_writer_create(made, 0);
	assert_int_equal(slots_reader_begin(reader, &frame), -ESTALE);
	slots_reader_destroy(reader);
	segment_destroy(attached);
	attached = segment_attach_path(path);
	assert_non_null(attached);
	reader = slots_reader_create(attached, 0);
	assert_int_equal(slots_reader_begin(reader, &frame), 0);
	assert_int_equal(slots_writer_begin(writer, &picture, NULL, &write), 0);
	slots_writer_publish(writer, 0, 0);
	assert_int_equal(slots_reader_begin(reader, &frame), 1);
	assert_true(slots_reader_end(reader, &frame));
	slots_reader_destroy(reader);
	slots_writer_destroy(writer);
	segment_destroy(attached);
	segment_destroy(made);
	close(fd);
	unlink(path);
	assert_non_null(fixture);
}

/* A client scribbles over all control words: the next frames are as good as ever. */
static void test_client_garbage(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;

	publish(fixture, NULL);
	for (int value = 1; value < 256; value += 13) {
		memset(fixture->section, value, sizeof(*fixture->section));
		for (int i = 0; i < 3; i++)
			publish(fixture, &(struct video_rect){ 1, 1, 2, 2 });
		slots_reader_forget(fixture->reader);
		assert_int_equal(slots_reader_begin(fixture->reader, &frame), 1);
		assert_int_equal(frame.sequence, fixture->frames);
		assert_true(frame.full);
		assert_int_equal(((const uint32_t *)frame.pixels)[WIDTH + 1], fixture->frames);
		assert_true(slots_reader_end(fixture->reader, &frame));
	}
}

static struct video_slot *latest_slot(struct fixture *fixture)
{
	return &fixture->section->slots[fixture->section->latest & 0xff];
}

static void lie_width(struct fixture *f) { latest_slot(f)->width = 0; }
static void lie_wide(struct fixture *f) { latest_slot(f)->width = WIDTH + 1; }
static void lie_height(struct fixture *f) { latest_slot(f)->height = UINT32_MAX; }
static void lie_no_height(struct fixture *f) { latest_slot(f)->height = 0; }
static void lie_pitch(struct fixture *f) { latest_slot(f)->pitch = UINT32_MAX - 3; }
static void lie_odd_pitch(struct fixture *f) { latest_slot(f)->pitch += 2; }
static void lie_fourcc(struct fixture *f) { latest_slot(f)->fourcc = 0x41414141; }
static void lie_offset(struct fixture *f) { latest_slot(f)->data_offset = UINT64_MAX - 4095; }
static void lie_offset_low(struct fixture *f) { latest_slot(f)->data_offset = 0; }
static void lie_offset_odd(struct fixture *f) { latest_slot(f)->data_offset += 1; }
static void lie_offset_end(struct fixture *f) { latest_slot(f)->data_offset += 4 * 640 * 480 * 4; }
static void lie_slot(struct fixture *f) { f->section->latest |= 0xff; }
static void lie_lock(struct fixture *f) { latest_slot(f)->lock |= 1; }
static void lie_sequence(struct fixture *f) { latest_slot(f)->sequence += 5; }
static void lie_backwards(struct fixture *f)
{
	f->section->latest = UINT64_C(1) << 8 | (f->section->latest & 0xff);
}

static void test_writer_lies(void **state)
{
	static const struct {
		void (*tell)(struct fixture *fixture);
		int error;
	} lies[] = {
		{ lie_width, -EPROTO }, { lie_wide, -EPROTO }, { lie_height, -EPROTO },
		{ lie_no_height, -EPROTO }, { lie_pitch, -EPROTO }, { lie_odd_pitch, -EPROTO },
		{ lie_fourcc, -EPROTO }, { lie_offset, -EPROTO }, { lie_offset_low, -EPROTO },
		{ lie_offset_odd, -EPROTO }, { lie_offset_end, -EPROTO }, { lie_slot, -EPROTO },
		{ lie_lock, -EAGAIN }, { lie_sequence, -EAGAIN }, { lie_backwards, -EPROTO },
	};
	struct fixture *fixture = *state;
	struct slots_frame frame;

	publish(fixture, NULL);
	publish(fixture, NULL);
	read_frame(fixture, &frame);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		publish(fixture, NULL);
		lies[i].tell(fixture);
		assert_int_equal(slots_reader_begin(fixture->reader, &frame), lies[i].error);
		assert_int_equal(fixture->section->reader_hint, VIDEO_NO_SLOT);
	}
	publish(fixture, NULL);
	read_frame(fixture, &frame);
}

/* A history that lies costs a full redraw, never more. */
static void test_history_lies(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;

	publish(fixture, NULL);
	read_frame(fixture, &frame);
	publish(fixture, &(struct video_rect){ 1, 1, 1, 1 });
	fixture->section->history[2].damage.count = UINT32_MAX;
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 1);
	assert_true(frame.full);
	assert_true(slots_reader_end(fixture->reader, &frame));
	publish(fixture, &(struct video_rect){ 1, 1, 1, 1 });
	fixture->section->history[3].damage.rects[0] =
		(struct video_rect){ 5, 5, UINT32_MAX, UINT32_MAX };
	assert_int_equal(slots_reader_begin(fixture->reader, &frame), 1);
	assert_int_equal(frame.damage.rects[0].width, WIDTH - 5);
	assert_int_equal(frame.damage.rects[0].height, HEIGHT - 5);
	assert_true(slots_reader_end(fixture->reader, &frame));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_yet, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(test_skipped_frames_unite_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_rects_than_fit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_history_is_finite, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage_outside_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_new_size_is_all_new, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off_and_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel_owes_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hinted_slot_is_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn_frame_is_told, setup_two, teardown),
		cmocka_unit_test_setup_teardown(test_reader_dies_in_frame, setup_two, teardown),
		cmocka_unit_test_setup_teardown(test_writer_dies_in_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(test_client_garbage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_writer_lies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_history_lies, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
