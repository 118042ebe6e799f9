/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Picture and cursor out of a Looking Glass region, posted by our LGMP host: write pointers that
 * come late or never, pictures that are overwritten, every type of cursor, and lies of all kinds.
 * Behind the region is a page that nobody may touch. Time is the test's.
 */
#include <base/log.h>
#include <errno.h>
#include <ivshmem/kvmfr20.h>
#include <ivshmem/lgmp_host.h>
#include <kvmfr_cursor.h>
#include <kvmfr_reader.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define REGION_BYTES (1u << 20)
#define SLOT(n) (65536u + (n) * 131072u)
#define CURSOR_AT 32768u
#define WIDTH 100u
#define HEIGHT 50u
#define PITCH 448u
#define POINTER_AT 4092u
#define POINTER 0
#define FRAME 1

struct fixture {
	uint8_t *base;
	struct lgmp_host *host;
	struct kvmfr_reader *reader;
	struct kvmfr20_frame frame;     /* the next to be posted */
	uint64_t now_ms;
	uint32_t colour;
};

static const struct lgmp_host_queue_config queues[] = {
	{ .id = KVMFR20_POINTER, .length = 8, .timeout_ms = 1000 },
	{ .id = KVMFR20_FRAME, .length = 4, .timeout_ms = 1000 },
};

static void make_host(struct fixture *fixture, uint32_t version)
{
	const struct kvmfr20_hello hello = { .magic = KVMFR20_MAGIC, .version = version };
	const struct lgmp_host_config config = {
		.base = fixture->base, .bytes = REGION_BYTES, .queues = queues, .queue_count = 2,
		.udata = &hello, .udata_bytes = sizeof(hello),
	};

	lgmp_host_destroy(fixture->host);
	fixture->host = lgmp_host_create(&config, fixture->now_ms);
	assert_non_null(fixture->host);
}

static int poll_after(struct fixture *fixture, uint32_t ms)
{
	fixture->now_ms += ms;
	lgmp_host_beat(fixture->host, fixture->now_ms);
	return kvmfr_reader_poll(fixture->reader, fixture->now_ms);
}

static void attach(struct fixture *fixture)
{
	kvmfr_reader_destroy(fixture->reader);
	fixture->reader = kvmfr_reader_create(fixture->base, REGION_BYTES);
	assert_non_null(fixture->reader);
	assert_int_equal(kvmfr_reader_attach(fixture->reader, fixture->now_ms), KVMFR_SILENT);
	fixture->now_ms += 50;
	lgmp_host_beat(fixture->host, fixture->now_ms);
	assert_int_equal(kvmfr_reader_attach(fixture->reader, fixture->now_ms), KVMFR_ATTACHED);
	assert_int_equal(poll_after(fixture, 10), 0);
	assert_int_equal(poll_after(fixture, 10), 0);
	assert_int_equal(lgmp_host_subscribers(fixture->host, FRAME), 1);
	assert_int_equal(lgmp_host_subscribers(fixture->host, POINTER), 1);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	setenv("VITRINE_LOG", "error", 0);
	log_init(NULL);
	assert_non_null(fixture);
	fixture->now_ms = 1000;
	fixture->base = mmap(NULL, REGION_BYTES + 4096, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(fixture->base != MAP_FAILED);
	assert_int_equal(mprotect(fixture->base + REGION_BYTES, 4096, PROT_NONE), 0);
	fixture->frame = (struct kvmfr20_frame){
		.format_version = 1, .type = KVMFR20_BGRA,
		.screen_width = WIDTH, .screen_height = HEIGHT,
		.data_width = WIDTH, .data_height = HEIGHT,
		.frame_width = WIDTH, .frame_height = HEIGHT,
		.stride = PITCH / 4, .pitch = PITCH, .offset = POINTER_AT,
	};
	make_host(fixture, KVMFR20_VERSION);
	attach(fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	kvmfr_reader_destroy(fixture->reader);
	lgmp_host_destroy(fixture->host);
	munmap(fixture->base, REGION_BYTES + 4096);
	free(fixture);
	return 0;
}

static void set_pointer(struct fixture *fixture, uint32_t slot, uint32_t bytes)
{
	memcpy(fixture->base + SLOT(slot) + POINTER_AT, &bytes, 4);
}

/* A header as it stands in the fixture, with the next serial, over pixels of one colour. */
static void post(struct fixture *fixture, uint32_t slot, uint32_t pointer)
{
	fixture->frame.serial++;
	fixture->colour += 0x010203;
	for (uint32_t i = 0; i < PITCH * HEIGHT / 4; i++)
		memcpy(fixture->base + SLOT(slot) + POINTER_AT + 4 + i * 4, &fixture->colour, 4);
	set_pointer(fixture, slot, pointer);
	memcpy(fixture->base + SLOT(slot), &fixture->frame, sizeof(fixture->frame));
	assert_int_equal(lgmp_host_post(fixture->host, FRAME, 0, SLOT(slot), 131072,
					fixture->now_ms), 0);
}

static void post_whole(struct fixture *fixture, uint32_t slot)
{
	post(fixture, slot, PITCH * HEIGHT);
}

static void check_frame(struct fixture *fixture, const struct slots_frame *frame)
{
	uint32_t pixel;

	assert_int_equal(frame->width, WIDTH);
	assert_int_equal(frame->height, HEIGHT);
	assert_int_equal(frame->pitch, PITCH);
	memcpy(&pixel, frame->pixels, 4);
	assert_int_equal(pixel, fixture->colour);
	memcpy(&pixel, frame->pixels + (HEIGHT - 1) * PITCH + (WIDTH - 1) * 4, 4);
	assert_int_equal(pixel, fixture->colour);
}

static void show(struct fixture *fixture, struct slots_frame *frame)
{
	assert_int_equal(kvmfr_reader_begin(fixture->reader, frame), 1);
	check_frame(fixture, frame);
	assert_true(kvmfr_reader_end(fixture->reader, frame));
	assert_int_equal(kvmfr_reader_begin(fixture->reader, frame), 0);
}

static void expect_nothing(struct fixture *fixture)
{
	struct slots_frame frame;

	poll_after(fixture, 10);
	assert_int_equal(kvmfr_reader_begin(fixture->reader, &frame), 0);
}

/* --- pictures ---------------------------------------------------------------------------- */

static void test_frames_and_damage(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;
	uint32_t width, height;

	assert_int_equal(kvmfr_reader_state(fixture->reader, &width, &height), VIDEO_OFF);
	post_whole(fixture, 0);
	assert_int_equal(poll_after(fixture, 10), 1);
	assert_int_equal(kvmfr_reader_state(fixture->reader, &width, &height), VIDEO_ON);
	assert_int_equal(width, WIDTH);
	assert_int_equal(height, HEIGHT);
	show(fixture, &frame);
	assert_true(frame.full);
	assert_int_equal(frame.fourcc, VIDEO_FOURCC_XRGB8888);
	fixture->frame.damage_count = 2;
	fixture->frame.damage[0] = (struct kvmfr20_rect){ 8, 4, 16, 10 };
	fixture->frame.damage[1] = (struct kvmfr20_rect){ 96, 40, 16, UINT32_MAX };
	post_whole(fixture, 1);
	assert_int_equal(poll_after(fixture, 10), 1);
	show(fixture, &frame);
	assert_false(frame.full);
	assert_int_equal(frame.damage.count, 2);
	assert_memory_equal(&frame.damage.rects[0], &fixture->frame.damage[0], 16);
	/* Cut to the picture. */
	assert_memory_equal(&frame.damage.rects[1], ((uint32_t[4]){ 96, 40, 4, 10 }), 16);
	/* Two that were not looked at between: the damage of both. */
	fixture->frame.damage_count = 1;
	post_whole(fixture, 2);
	post_whole(fixture, 0);
	assert_int_equal(poll_after(fixture, 10), 1);
	show(fixture, &frame);
	assert_int_equal(frame.damage.count, 2);
	assert_int_equal(frame.skipped, 1);
	assert_int_equal(poll_after(fixture, 10), 0);
	kvmfr_reader_forget(fixture->reader);
	show(fixture, &frame);
	assert_true(frame.full);
}

static void test_what_makes_all_new(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;

	for (int way = 0; way < 4; way++) {
		fixture->frame.damage_count = 1;
		fixture->frame.damage[0] = (struct kvmfr20_rect){ 0, 0, 8, 8 };
		post_whole(fixture, 0);
		poll_after(fixture, 10);
		assert_int_equal(kvmfr_reader_begin(fixture->reader, &frame), 1);
		assert_true(kvmfr_reader_end(fixture->reader, &frame));
		if (way == 0)
			fixture->frame.serial++;                /* one was missed */
		if (way == 1)
			fixture->frame.format_version++;
		if (way == 2)
			fixture->frame.type = KVMFR20_RGBA;
		if (way == 3)
			fixture->frame.damage_count = 0;
		post_whole(fixture, 1);
		poll_after(fixture, 10);
		show(fixture, &frame);
		assert_true(frame.full);
	}
	assert_int_equal(frame.fourcc, VIDEO_FOURCC_XBGR8888);
}

static void test_much_damage(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;

	post_whole(fixture, 0);
	poll_after(fixture, 10);
	show(fixture, &frame);
	fixture->frame.damage_count = KVMFR20_MAX_RECTS;
	for (uint32_t i = 0; i < KVMFR20_MAX_RECTS; i++)
		fixture->frame.damage[i] = (struct kvmfr20_rect){ i, i % HEIGHT, 1, 1 };
	post_whole(fixture, 1);
	poll_after(fixture, 10);
	show(fixture, &frame);
	assert_true(frame.full);
}

static void test_repeat_is_not_news(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;

	post_whole(fixture, 0);
	poll_after(fixture, 10);
	show(fixture, &frame);
	fixture->frame.serial--;
	post_whole(fixture, 0);
	assert_int_equal(poll_after(fixture, 10), 0);
	expect_nothing(fixture);
	assert_false(lgmp_host_payload_busy(fixture->host, FRAME, SLOT(0)));
}

static void test_late_write_pointer(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;

	post(fixture, 0, 0);
	assert_int_equal(poll_after(fixture, 1), 0);
	assert_true(kvmfr_reader_waits(fixture->reader));
	set_pointer(fixture, 0, PITCH * HEIGHT - 1);
	assert_int_equal(poll_after(fixture, 1), 0);
	assert_int_equal(kvmfr_reader_begin(fixture->reader, &frame), 0);
	set_pointer(fixture, 0, PITCH * HEIGHT);
	assert_int_equal(poll_after(fixture, 1), 1);
	assert_false(kvmfr_reader_waits(fixture->reader));
	show(fixture, &frame);
}

static void test_write_pointer_that_never_comes(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;

	post(fixture, 0, PITCH);
	for (int i = 0; i < 100; i++)
		assert_int_equal(poll_after(fixture, 10), 0);
	assert_int_equal(poll_after(fixture, 20), 0);
	assert_false(kvmfr_reader_waits(fixture->reader));
	assert_false(lgmp_host_payload_busy(fixture->host, FRAME, SLOT(0)));
	post_whole(fixture, 1);
	assert_int_equal(poll_after(fixture, 10), 1);
	show(fixture, &frame);
	assert_true(frame.full);
}

/* The slot is ours while we read, and only then and shortly before. */
static void test_holding(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;

	post_whole(fixture, 0);
	poll_after(fixture, 1);
	assert_true(lgmp_host_payload_busy(fixture->host, FRAME, SLOT(0)));
	assert_int_equal(kvmfr_reader_begin(fixture->reader, &frame), 1);
	poll_after(fixture, 100);
	assert_true(lgmp_host_payload_busy(fixture->host, FRAME, SLOT(0)));
	assert_true(kvmfr_reader_end(fixture->reader, &frame));
	assert_false(lgmp_host_payload_busy(fixture->host, FRAME, SLOT(0)));
	/* A window that is hidden keeps nobody waiting, and has the picture when it is shown. */
	post_whole(fixture, 1);
	poll_after(fixture, 1);
	poll_after(fixture, 30);
	assert_false(lgmp_host_payload_busy(fixture->host, FRAME, SLOT(1)));
	poll_after(fixture, 500);
	show(fixture, &frame);
	/* Nor does one that is stuck in its upload. */
	post_whole(fixture, 2);
	poll_after(fixture, 1);
	assert_int_equal(kvmfr_reader_begin(fixture->reader, &frame), 1);
	poll_after(fixture, 250);
	assert_false(lgmp_host_payload_busy(fixture->host, FRAME, SLOT(2)));
	assert_true(kvmfr_reader_end(fixture->reader, &frame));
}

static void test_overwritten(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;

	/* While it is read. */
	post_whole(fixture, 0);
	poll_after(fixture, 1);
	assert_int_equal(kvmfr_reader_begin(fixture->reader, &frame), 1);
	set_pointer(fixture, 0, 0);
	assert_false(kvmfr_reader_end(fixture->reader, &frame));
	expect_nothing(fixture);
	/* Before anybody looked. */
	fixture->frame.damage_count = 1;
	fixture->frame.damage[0] = (struct kvmfr20_rect){ 0, 0, 8, 8 };
	post_whole(fixture, 1);
	poll_after(fixture, 1);
	set_pointer(fixture, 1, 0);
	expect_nothing(fixture);
	/* Filled again already, with another picture. */
	post_whole(fixture, 2);
	poll_after(fixture, 1);
	assert_int_equal(kvmfr_reader_begin(fixture->reader, &frame), 1);
	fixture->frame.serial++;
	memcpy(fixture->base + SLOT(2), &fixture->frame, sizeof(fixture->frame));
	assert_false(kvmfr_reader_end(fixture->reader, &frame));
	post_whole(fixture, 0);
	poll_after(fixture, 1);
	show(fixture, &frame);
	assert_true(frame.full);
}

static void test_refused(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;
	uint32_t width, height;

	for (uint32_t type = 0; type < 9; type++) {
		post_whole(fixture, 0);
		poll_after(fixture, 10);
		assert_int_equal(kvmfr_reader_state(fixture->reader, &width, &height), VIDEO_ON);
		fixture->frame.type = type;
		fixture->frame.rotation = type == KVMFR20_BGRA || type == KVMFR20_RGBA;
		post_whole(fixture, 1);
		expect_nothing(fixture);
		assert_int_equal(kvmfr_reader_state(fixture->reader, &width, &height), VIDEO_OFF);
		assert_false(lgmp_host_payload_busy(fixture->host, FRAME, SLOT(1)));
		fixture->frame.type = KVMFR20_BGRA;
		fixture->frame.rotation = 0;
	}
	post_whole(fixture, 0);
	poll_after(fixture, 10);
	show(fixture, &frame);
}

static void test_lying_headers(void **state)
{
	struct fixture *fixture = *state;
	const struct kvmfr20_frame good = fixture->frame;
	struct slots_frame frame;

	for (int lie = 0; lie < 14; lie++) {
		uint32_t serial = fixture->frame.serial;

		fixture->frame = good;
		fixture->frame.serial = serial;
		switch (lie) {
		case 0: fixture->frame.frame_width = 0; break;
		case 1: fixture->frame.frame_width = PITCH / 4 + 1; break;
		case 2: fixture->frame.frame_height = 0; break;
		case 3: fixture->frame.data_height = 0; break;
		case 4: fixture->frame.data_height = REGION_BYTES; break;
		case 5: fixture->frame.pitch = UINT32_MAX & ~3u; break;
		case 6: fixture->frame.pitch = PITCH + 2; break;
		case 7: fixture->frame.pitch = 0; break;
		case 8: fixture->frame.offset = REGION_BYTES; break;
		case 9: fixture->frame.offset = UINT32_MAX & ~3u; break;
		case 10: fixture->frame.offset = POINTER_AT + 1; break;
		case 11: fixture->frame.offset = 0; break;
		case 12: fixture->frame.damage_count = KVMFR20_MAX_RECTS + 1; break;
		/* One byte too high for what is left. */
		case 13:
			fixture->frame.frame_width = 1;
			fixture->frame.pitch = 4;
			fixture->frame.frame_height = fixture->frame.data_height =
				(REGION_BYTES - SLOT(0) - POINTER_AT - 4) / 4 + 1;
			break;
		}
		post_whole(fixture, 0);
		expect_nothing(fixture);
		assert_false(kvmfr_reader_waits(fixture->reader));
		assert_false(lgmp_host_payload_busy(fixture->host, FRAME, SLOT(0)));
	}
	assert_int_equal(lgmp_host_post(fixture->host, FRAME, 0, REGION_BYTES - 1000, 1000,
					fixture->now_ms), 0);
	expect_nothing(fixture);
	assert_int_equal(lgmp_host_post(fixture->host, FRAME, 0, SLOT(0) + 2, 1000,
					fixture->now_ms), 0);
	expect_nothing(fixture);
	fixture->frame = good;
	fixture->frame.serial = 100;
	post_whole(fixture, 0);
	poll_after(fixture, 10);
	show(fixture, &frame);
}

/* --- sessions ---------------------------------------------------------------------------- */

static void test_sessions(void **state)
{
	struct fixture *fixture = *state;
	struct slots_frame frame;

	for (int i = 0; i < 4; i++) {
		post_whole(fixture, 0);
		assert_int_equal(poll_after(fixture, 10), 1);
		show(fixture, &frame);
		assert_int_equal(kvmfr_reader_poll(fixture->reader, fixture->now_ms + 1001),
				 -ENOTCONN);
		kvmfr_reader_destroy(fixture->reader);
		fixture->reader = NULL;
		make_host(fixture, KVMFR20_VERSION);
		fixture->now_ms += 10;
		lgmp_host_beat(fixture->host, fixture->now_ms);
		attach(fixture);
	}
}

static void test_given_up(void **state)
{
	struct fixture *fixture = *state;
	struct lgmp_header *header = (struct lgmp_header *)fixture->base;
	struct slots_frame frame;

	atomic_fetch_or(&header->queues[FRAME].subscribers, 1);
	assert_int_equal(poll_after(fixture, 10), 0);
	assert_int_equal(poll_after(fixture, 10), 0);
	lgmp_host_beat(fixture->host, fixture->now_ms);
	post_whole(fixture, 0);
	assert_int_equal(poll_after(fixture, 10), 1);
	show(fixture, &frame);
}

static void test_findings(void **state)
{
	struct fixture *fixture = *state;
	struct lgmp_header *header = (struct lgmp_header *)fixture->base;
	struct kvmfr_reader *reader;

	kvmfr_reader_destroy(fixture->reader);
	assert_null(kvmfr_reader_create(fixture->base, 5759));
	assert_int_equal(errno, EFBIG);
	fixture->reader = reader = kvmfr_reader_create(fixture->base, REGION_BYTES);
	make_host(fixture, 21);
	assert_int_equal(kvmfr_reader_attach(reader, 1), KVMFR_SILENT);
	lgmp_host_beat(fixture->host, 99999);
	assert_int_equal(kvmfr_reader_attach(reader, 1), KVMFR_OTHER_KVMFR);
	assert_int_equal(kvmfr_reader_version(reader), 21);
	atomic_store(&header->version, 10);
	assert_int_equal(kvmfr_reader_attach(reader, 1), KVMFR_OTHER_LGMP);
	assert_int_equal(kvmfr_reader_version(reader), 10);
	atomic_store(&header->version, LGMP_VERSION);
	header->udata[0] ^= 1;
	assert_int_equal(kvmfr_reader_attach(reader, 1), KVMFR_SILENT);
	lgmp_host_beat(fixture->host, 199999);
	header->udata[0] ^= 1;
	header->udata[1] ^= 1;
	assert_int_equal(kvmfr_reader_attach(reader, 1), KVMFR_FOREIGN);
	atomic_store(&header->magic, 1);
	assert_int_equal(kvmfr_reader_attach(reader, 1), KVMFR_FOREIGN);
	atomic_store(&header->magic, 0);
	assert_int_equal(kvmfr_reader_attach(reader, 1), KVMFR_EMPTY);
}

/* --- cursor ------------------------------------------------------------------------------ */

static void post_cursor(struct fixture *fixture, uint32_t flags,
			const struct kvmfr20_cursor *header, const void *shape, size_t bytes)
{
	memcpy(fixture->base + CURSOR_AT, header, sizeof(*header));
	if (bytes)
		memcpy(fixture->base + CURSOR_AT + sizeof(*header), shape, bytes);
	assert_int_equal(lgmp_host_post(fixture->host, POINTER, flags, CURSOR_AT,
					(uint32_t)(sizeof(*header) + bytes), fixture->now_ms), 0);
	poll_after(fixture, 10);
}

static void test_cursor_colour(void **state)
{
	struct fixture *fixture = *state;
	struct kvmfr20_cursor header = { .x = -3, .y = 40, .hot_x = 1, .hot_y = 1, .width = 2,
					 .height = 2, .pitch = 12 };
	const uint32_t shape[] = { 0xff112233, 0x80102030, 7, 0, 0xffffffff, 7 };
	const uint32_t seen[] = { 0xff112233, 0x80102030, 0, 0xffffffff };
	struct cursor_state cursor;

	assert_int_equal(kvmfr_reader_cursor(fixture->reader, &cursor), 0);
	assert_false(cursor.visible);
	post_cursor(fixture, KVMFR20_CURSOR_POSITION | KVMFR20_CURSOR_VISIBLE |
		    KVMFR20_CURSOR_SHAPE, &header, shape, sizeof(shape));
	assert_int_equal(kvmfr_reader_cursor(fixture->reader, &cursor), 1);
	assert_true(cursor.visible && cursor.moved && cursor.image_changed);
	assert_int_equal(cursor.x, -2);
	assert_int_equal(cursor.y, 41);
	assert_int_equal(cursor.image.hot_x, 1);
	assert_int_equal(cursor.image.width, 2);
	assert_int_equal(cursor.image.height, 2);
	assert_memory_equal(cursor.image.pixels, seen, sizeof(seen));
	assert_int_equal(kvmfr_reader_cursor(fixture->reader, &cursor), 0);
	/* Position without the flag is none; visible counts always. */
	header.x = 500;
	post_cursor(fixture, 0, &header, NULL, 0);
	assert_int_equal(kvmfr_reader_cursor(fixture->reader, &cursor), 1);
	assert_false(cursor.visible || cursor.image_changed);
	assert_int_equal(cursor.x, -2);
	post_cursor(fixture, KVMFR20_CURSOR_POSITION | KVMFR20_CURSOR_VISIBLE, &header, NULL, 0);
	assert_int_equal(kvmfr_reader_cursor(fixture->reader, &cursor), 1);
	assert_int_equal(cursor.x, 501);
	assert_true(cursor.visible);
	kvmfr_reader_forget(fixture->reader);
	assert_int_equal(kvmfr_reader_cursor(fixture->reader, &cursor), 1);
	assert_true(cursor.image_changed);
}

static void test_cursor_monochrome(void **state)
{
	struct fixture *fixture = *state;
	/* 4 x 2: black, white, through, inverted; all through. */
	const struct kvmfr20_cursor header = { .type = KVMFR20_CURSOR_MONOCHROME, .width = 4,
					       .height = 4, .pitch = 1 };
	const uint8_t shape[] = { 0x30, 0xf0, 0x50, 0x00 };
	/* The rim is where something is through and touches what inverts. */
	const uint32_t seen[] = { 0xff000000, 0xffffffff, 0xffffffff, 0xff000000,
				  0, 0, 0xffffffff, 0xffffffff };
	struct cursor_state cursor;

	post_cursor(fixture, KVMFR20_CURSOR_VISIBLE | KVMFR20_CURSOR_SHAPE, &header, shape,
		    sizeof(shape));
	assert_int_equal(kvmfr_reader_cursor(fixture->reader, &cursor), 1);
	assert_int_equal(cursor.image.width, 4);
	assert_int_equal(cursor.image.height, 2);
	assert_memory_equal(cursor.image.pixels, seen, sizeof(seen));
}

static void test_cursor_masked(void **state)
{
	struct fixture *fixture = *state;
	const struct kvmfr20_cursor header = { .type = KVMFR20_CURSOR_MASKED, .width = 4,
					       .height = 1, .pitch = 16 };
	const uint32_t shape[] = { 0x00123456, 0xff000000, 0xff000000, 0xffffffff };
	const uint32_t seen[] = { 0xff123456, 0, 0xffffffff, 0xff000000 };
	struct cursor_state cursor;

	post_cursor(fixture, KVMFR20_CURSOR_VISIBLE | KVMFR20_CURSOR_SHAPE, &header, shape,
		    sizeof(shape));
	assert_int_equal(kvmfr_reader_cursor(fixture->reader, &cursor), 1);
	assert_memory_equal(cursor.image.pixels, seen, sizeof(seen));
}

static void test_lying_cursors(void **state)
{
	struct fixture *fixture = *state;
	const struct kvmfr20_cursor lies[] = {
		{ .width = 0, .height = 1, .pitch = 4 },
		{ .width = 1, .height = 0, .pitch = 4 },
		{ .width = 513, .height = 1, .pitch = 4096 },
		{ .width = 1, .height = 513, .pitch = 4 },
		{ .width = 2, .height = 1, .pitch = 7 },
		{ .width = 1, .height = 1, .pitch = UINT32_MAX },
		{ .width = UINT32_MAX, .height = UINT32_MAX, .pitch = UINT32_MAX },
		{ .width = 1, .height = 1, .pitch = 4, .type = 3 },
		{ .width = 9, .height = 2, .pitch = 1, .type = KVMFR20_CURSOR_MONOCHROME },
		{ .width = 8, .height = 1, .pitch = 1, .type = KVMFR20_CURSOR_MONOCHROME },
		{ .width = 8, .height = 1026, .pitch = 1, .type = KVMFR20_CURSOR_MONOCHROME },
		{ .width = 8, .height = UINT32_MAX, .pitch = 1, .type = KVMFR20_CURSOR_MONOCHROME },
	};
	struct kvmfr20_cursor last = { .width = 1, .height = 2, .pitch = 4 };
	struct cursor_state cursor;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		post_cursor(fixture, KVMFR20_CURSOR_VISIBLE | KVMFR20_CURSOR_SHAPE, &lies[i],
			    NULL, 0);
		kvmfr_reader_cursor(fixture->reader, &cursor);
		assert_false(cursor.visible || cursor.image_changed);
	}
	/* At the end of the region: the header alone, and a row too many. */
	memcpy(fixture->base + REGION_BYTES - 28, &last, sizeof(last));
	lgmp_host_post(fixture->host, POINTER, KVMFR20_CURSOR_SHAPE, REGION_BYTES - 28, 28,
		       fixture->now_ms);
	lgmp_host_post(fixture->host, POINTER, KVMFR20_CURSOR_SHAPE, REGION_BYTES - 8, 8,
		       fixture->now_ms);
	poll_after(fixture, 10);
	kvmfr_reader_cursor(fixture->reader, &cursor);
	assert_false(cursor.image_changed);
}

/* --- noise ------------------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void read_everything(struct kvmfr_reader *reader)
{
	struct slots_frame frame;
	struct cursor_state cursor;
	uint32_t width, height;
	volatile uint8_t sum = 0;

	kvmfr_reader_state(reader, &width, &height);
	if (kvmfr_reader_begin(reader, &frame) == 1) {
		for (uint32_t y = 0; y < frame.height; y++)
			sum = sum + frame.pixels[(size_t)y * frame.pitch + frame.width * 4 - 1];
		for (uint32_t i = 0; i < frame.damage.count; i++) {
			const struct video_rect *rect = &frame.damage.rects[i];

			assert_true(rect->x < width && rect->width <= width - rect->x);
			assert_true(rect->y < height && rect->height <= height - rect->y);
		}
		kvmfr_reader_end(reader, &frame);
	}
	kvmfr_reader_cursor(reader, &cursor);
}

static void test_noise(void **state)
{
	struct fixture *fixture = *state;
	uint32_t seed = 42, ended = 0;

	for (uint32_t round = 0; round < 300; round++) {
		static const uint32_t areas[] = { 0, 32, 1176, 5752, 8192, CURSOR_AT, SLOT(0),
						  SLOT(0) + POINTER_AT };

		for (int i = 0; i < 20; i++) {
			uint32_t at = areas[next_random(&seed) % 8] +
				      (next_random(&seed) % 1200 & ~3u);
			uint32_t word = next_random(&seed);

			word = word & 3 ? word % 64 : word;
			memcpy(fixture->base + at, &word, 4);
		}
		if (kvmfr_reader_poll(fixture->reader, fixture->now_ms) < 0)
			ended++;
		read_everything(fixture->reader);
		if (round % 4 < 3) {
			lgmp_host_post(fixture->host, FRAME, 0, SLOT(0), 131072, fixture->now_ms);
			lgmp_host_post(fixture->host, POINTER, 7, CURSOR_AT, 64, fixture->now_ms);
			continue;
		}
		kvmfr_reader_destroy(fixture->reader);
		fixture->reader = NULL;
		memset(fixture->base, 0, 32768);
		make_host(fixture, KVMFR20_VERSION);
		attach(fixture);
		post_whole(fixture, 0);
	}
	assert_true(ended > 0);
}

/* Records as a host writes them; the UUID is 1, 2, ... */
static uint32_t put_record(uint8_t *at, uint8_t type, uint32_t bytes)
{
	const struct kvmfr20_record record = { .type = type, .bytes = bytes };

	memcpy(at, &record, sizeof(record));
	for (uint32_t i = 0; i < 16; i++)
		at[sizeof(record) + i] = (uint8_t)(i + 1);
	return (uint32_t)sizeof(record) + bytes;
}

static void make_host_with_records(struct fixture *fixture, const uint8_t *records, uint32_t bytes)
{
	uint8_t udata[1024];
	const struct kvmfr20_hello hello = { .magic = KVMFR20_MAGIC, .version = KVMFR20_VERSION,
					     .features = KVMFR20_FEATURE_SET_CURSOR };
	const struct lgmp_host_config config = {
		.base = fixture->base, .bytes = REGION_BYTES, .queues = queues, .queue_count = 2,
		.udata = udata, .udata_bytes = (uint32_t)sizeof(hello) + bytes,
	};

	memcpy(udata, &hello, sizeof(hello));
	memcpy(udata + sizeof(hello), records, bytes);
	lgmp_host_destroy(fixture->host);
	fixture->host = lgmp_host_create(&config, fixture->now_ms);
	assert_non_null(fixture->host);
	attach(fixture);
}

static bool says_uuid(struct fixture *fixture)
{
	struct uuid uuid = kvmfr_reader_uuid(fixture->reader);

	for (uint8_t i = 0; i < 16 && !uuid_is_zero(&uuid); i++)
		assert_int_equal(uuid.bytes[i], i + 1);
	return !uuid_is_zero(&uuid);
}

static void test_uuid(void **state)
{
	struct fixture *fixture = *state;
	uint8_t records[512] = { 0 };
	uint32_t bytes = put_record(records, KVMFR20_RECORD_OS_INFO, 21);

	attach(fixture);
	assert_false(says_uuid(fixture));
	make_host_with_records(fixture, records, bytes);
	assert_false(says_uuid(fixture));
	bytes += put_record(records + bytes, KVMFR20_RECORD_VM_INFO, 60);
	make_host_with_records(fixture, records, bytes);
	assert_true(says_uuid(fixture));
	/* Cut short anywhere, it is not there; nor is one that ends before its UUID does. */
	for (uint32_t i = 0; i < bytes; i++) {
		make_host_with_records(fixture, records, i);
		assert_false(says_uuid(fixture));
	}
	put_record(records, KVMFR20_RECORD_VM_INFO, 15);
	make_host_with_records(fixture, records, 23);
	assert_false(says_uuid(fixture));
	put_record(records, KVMFR20_RECORD_OS_INFO, UINT32_MAX);
	make_host_with_records(fixture, records, bytes);
	assert_false(says_uuid(fixture));
}

static void test_place_cursor(void **state)
{
	struct fixture *fixture = *state;
	uint8_t data[LGMP_CLIENT_MESSAGE_BYTES];
	struct kvmfr20_set_cursor message;

	attach(fixture);
	assert_int_equal(kvmfr_reader_place_cursor(fixture->reader, 3, 4), -EOPNOTSUPP);
	assert_int_equal(lgmp_host_receive(fixture->host, POINTER, data), 0);
	make_host_with_records(fixture, data, 0);
	assert_int_equal(kvmfr_reader_place_cursor(fixture->reader, 70000, -4), 0);
	assert_int_equal(lgmp_host_receive(fixture->host, POINTER, data), sizeof(message));
	memcpy(&message, data, sizeof(message));
	assert_int_equal(message.type, KVMFR20_SET_CURSOR);
	assert_int_equal(message.x, 70000);
	assert_int_equal(message.y, -4);
	for (uint32_t i = 0; i < LGMP_CLIENT_MESSAGES; i++)
		assert_int_equal(kvmfr_reader_place_cursor(fixture->reader, 1, 1), 0);
	assert_int_equal(kvmfr_reader_place_cursor(fixture->reader, 1, 1), -EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_frames_and_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_makes_all_new, setup, teardown),
		cmocka_unit_test_setup_teardown(test_much_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_repeat_is_not_news, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late_write_pointer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_pointer_that_never_comes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_holding, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overwritten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lying_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sessions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_given_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_findings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cursor_colour, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cursor_monochrome, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cursor_masked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lying_cursors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_noise, setup, teardown),
		cmocka_unit_test_setup_teardown(test_uuid, setup, teardown),
		cmocka_unit_test_setup_teardown(test_place_cursor, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
