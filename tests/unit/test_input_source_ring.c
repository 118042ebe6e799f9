/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records from a real ring writer, and the bytes a hostile client would write instead. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/clock.h>
#include <cmocka.h>
#include <input/router.h>
#include <input/source_ring.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/ring_writer.h>
#include <ivshmem/segment.h>
#include <linux/input-event-codes.h>

#include "input_guest.h"

static struct loop *loop;
static struct input_guest keyboard, tablet;
static struct input_router *router;
static struct segment *segment;
static struct ring_writer *writer;
static struct input_source *source;
static int doorbell;
static char calls[256];

static void on_display_size(void *data, uint32_t scanout, uint32_t width, uint32_t height)
{
	size_t length = strlen(calls);

	snprintf(calls + length, sizeof(calls) - length, "size %u %ux%u; ", scanout, width, height);
}

static void on_power_button(void *data)
{
	strcat(calls, "power; ");
}

static void on_force_off(void *data)
{
	strcat(calls, "off; ");
}

static void open_source(int doorbell_fd)
{
	struct input_source_ring_config config = {
		.loop = loop,
		.segment = segment,
		.router = router,
		.doorbell_fd = doorbell_fd,
		.callbacks = { on_display_size, on_power_button, on_force_off },
	};

	source = input_source_ring_create(&config);
	assert_non_null(source);
	assert_int_equal(input_source_start(source), 0);
}

static void open_devices(void)
{
	const struct segment_config config = { .name = "test", .slot_bytes = 640 * 480 * 4 };

	calls[0] = '\0';
	loop = loop_create("test");
	input_guest_open(&keyboard, loop, VIRTIO_INPUT_KEYBOARD);
	input_guest_open(&tablet, loop, VIRTIO_INPUT_TABLET);
	router = input_router_create(&(struct input_router_config){
		.keyboard = keyboard.device, .tablet = tablet.device });
	segment = segment_create_memfd(&config);
	assert_non_null(segment);
	writer = ring_writer_create(segment);
	assert_int_equal(ring_writer_acquire(writer, clock_now_ns()), 0);
	doorbell = doorbell_eventfd_create();
}

static int open_with_doorbell(void **state)
{
	open_devices();
	open_source(doorbell);
	return 0;
}

static int open_polling(void **state)
{
	open_devices();
	open_source(-1);
	return 0;
}

static int close_all(void **state)
{
	input_source_destroy(source);
	ring_writer_destroy(writer);
	input_router_destroy(router);
	input_guest_finish(&keyboard);
	input_guest_finish(&tablet);
	segment_destroy(segment);
	close(doorbell);
	loop_destroy(loop);
	return 0;
}

static void push(uint16_t type, uint32_t code, int32_t value, int32_t x, int32_t y)
{
	const struct input_record record = {
		.type = type, .code = code, .value = value, .x = x, .y = y,
	};

	assert_int_equal(ring_writer_push(writer, &record), 0);
	doorbell_eventfd_ring(doorbell);
}

static void test_records_become_events(void **state)
{
	push(INPUT_KEY, KEY_A, 1, 0, 0);
	push(INPUT_POINTER_ABS, 0, 0, 100, 200);
	push(INPUT_BUTTON, BTN_LEFT, 1, 0, 0);
	push(INPUT_WHEEL, 0, 0, 0, 120);
	push(INPUT_RELEASE_ALL, 0, 0, 0, 0);
	assert_string_equal(input_guest_text(&keyboard, true), "key 30 1; key 30 0; ");
	assert_string_equal(input_guest_text(&tablet, true),
			    "abs 0 100, abs 1 200; key 272 1; rel 11 120, rel 8 1; key 272 0; ");
	assert_string_equal(calls, "");
}

static void test_records_before_the_start(void **state)
{
	input_source_stop(source);
	push(INPUT_KEY, KEY_A, 1, 0, 0);
	assert_true(doorbell_eventfd_clear(doorbell));
	assert_string_equal(input_guest_text(&keyboard, true), "");
	assert_int_equal(input_source_start(source), 0);
	assert_string_equal(input_guest_text(&keyboard, true), "key 30 1; ");
}

static void test_callbacks(void **state)
{
	push(INPUT_DISPLAY_SIZE, 0, 0, 1600, 900);
	push(INPUT_DISPLAY_SIZE, 0, 0, 0, 0);
	push(INPUT_POWER_BUTTON, 0, 0, 0, 0);
	push(INPUT_FORCE_OFF, 0, 0, 0, 0);
	fake_guest_run(keyboard.guest);
	assert_string_equal(calls, "size 0 1600x900; size 0 0x0; power; off; ");
}

static void test_bad_records_are_skipped(void **state)
{
	static const struct input_record bad[] = {
		{ .type = 0 },
		{ .type = INPUT_FORCE_OFF + 1 },
		{ .type = UINT16_MAX },
		{ .type = INPUT_KEY, .code = KEY_A, .value = 2 },
		{ .type = INPUT_KEY, .code = KEY_A, .value = -1 },
		{ .type = INPUT_KEY, .code = KEY_RESERVED, .value = 1 },
		{ .type = INPUT_KEY, .code = BTN_LEFT, .value = 1 },
		{ .type = INPUT_KEY, .code = KEY_MAX + 1, .value = 1 },
		{ .type = INPUT_KEY, .code = 0x10000 + KEY_A, .value = 1 },
		{ .type = INPUT_KEY, .code = KEY_A, .value = 1, .scanout = SEGMENT_MAX_SCANOUTS },
		{ .type = INPUT_BUTTON, .code = KEY_A, .value = 1 },
		{ .type = INPUT_BUTTON, .code = BTN_TASK + 1, .value = 1 },
		{ .type = INPUT_POINTER_ABS, .x = -1 },
		{ .type = INPUT_POINTER_ABS, .y = 65536 },
		{ .type = INPUT_POINTER_REL, .x = INT32_MIN },
		{ .type = INPUT_WHEEL, .y = INT32_MAX },
		{ .type = INPUT_DISPLAY_SIZE, .x = 640 },
		{ .type = INPUT_DISPLAY_SIZE, .x = -640, .y = -480 },
		{ .type = INPUT_DISPLAY_SIZE, .x = 16385, .y = 480 },
		{ .type = INPUT_DISPLAY_SIZE, .scanout = UINT16_MAX },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ring_writer_push(writer, &bad[i]), 0);
	push(INPUT_KEY, KEY_B, 1, 0, 0);
	assert_string_equal(input_guest_text(&keyboard, true), "key 48 1; ");
	assert_string_equal(input_guest_text(&tablet, true), "");
	assert_string_equal(calls, "");
}

static struct input_section *section(void)
{
	return segment_find(segment, SEGMENT_SECTION_INPUT, 0, NULL);
}

static void test_a_head_that_lies_releases(void **state)
{
	push(INPUT_KEY, KEY_A, 1, 0, 0);
	assert_string_equal(input_guest_text(&keyboard, true), "key 30 1; ");
	atomic_fetch_add(&section()->head, 5000);
	doorbell_eventfd_ring(doorbell);
	assert_string_equal(input_guest_text(&keyboard, true), "key 30 0; ");
	atomic_fetch_sub(&section()->head, 1);
	doorbell_eventfd_ring(doorbell);
	assert_string_equal(input_guest_text(&keyboard, true), "");
}

static void test_a_client_that_leaves_releases(void **state)
{
	push(INPUT_KEY, KEY_A, 1, 0, 0);
	assert_string_equal(input_guest_text(&keyboard, true), "key 30 1; ");
	ring_writer_release(writer);
	doorbell_eventfd_ring(doorbell);
	assert_string_equal(input_guest_text(&keyboard, true), "key 30 0; ");
}

/* Killed: no doorbell rings, the beat stands still. Takes the 3 s of INPUT_OWNER_STALE_NS. */
static void test_a_client_that_dies_releases(void **state)
{
	uint64_t end_ns = clock_now_ns() + INPUT_OWNER_STALE_NS + UINT64_C(3000000000);

	push(INPUT_KEY, KEY_A, 1, 0, 0);
	assert_string_equal(input_guest_text(&keyboard, true), "key 30 1; ");
	while (input_router_holds(router) && clock_now_ns() < end_ns)
		loop_dispatch(loop, 500);
	assert_string_equal(input_guest_text(&keyboard, true), "key 30 0; ");
}

static void test_a_stop_releases(void **state)
{
	push(INPUT_KEY, KEY_A, 1, 0, 0);
	fake_guest_run(keyboard.guest);
	input_source_stop(source);
	assert_string_equal(input_guest_text(&keyboard, true), "key 30 1; key 30 0; ");
	push(INPUT_KEY, KEY_A, 1, 0, 0);
	assert_string_equal(input_guest_text(&keyboard, true), "");
}

/* A full ring of motion in one go: the loop gets through it, the guest sees where it ended. */
static void test_a_flood(void **state)
{
	struct input_record record = { .type = INPUT_POINTER_ABS };
	struct fake_used used;
	unsigned int reports = 0;

	for (record.x = 0; ring_writer_push(writer, &record) == 0; record.x++)
		;
	assert_int_equal(record.x, INPUT_RING_RECORDS);
	doorbell_eventfd_ring(doorbell);
	fake_guest_run(tablet.guest);
	while (fake_queue_get_used(tablet.events, &used)) {
		tablet.text[0] = '\0';
		input_guest_take(&tablet, &used);
		reports++;
	}
	assert_int_equal(reports, 63);
	input_guest_give(&tablet, 60);
	assert_string_equal(input_guest_text(&tablet, true), "abs 0 1023, abs 1 0; ");
	assert_int_equal(ring_writer_push(writer, &record), 0);
}

static void test_polling(void **state)
{
	uint64_t end_ns = clock_now_ns() + UINT64_C(2000000000);

	push(INPUT_KEY, KEY_A, 1, 0, 0);
	while (!input_router_holds(router) && clock_now_ns() < end_ns)
		loop_dispatch(loop, 100);
	assert_string_equal(input_guest_text(&keyboard, true), "key 30 1; ");
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_with_doorbell, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_records_become_events),
		test(test_records_before_the_start),
		test(test_callbacks),
		test(test_bad_records_are_skipped),
		test(test_a_head_that_lies_releases),
		test(test_a_client_that_leaves_releases),
		test(test_a_client_that_dies_releases),
		test(test_a_stop_releases),
		test(test_a_flood),
		cmocka_unit_test_setup_teardown(test_polling, open_polling, close_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
