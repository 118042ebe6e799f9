/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a wire is asked for, seen by one that only takes notes: slots are repaired of all they
 * missed, damage is what changed since the last picture, and nothing is asked for while nobody listens.
 */
#include "lg_rig.h"

#include <base/log.h>
#include <capture/looking_glass.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <lg_wire.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WIDTH 96u
#define HEIGHT 64u
#define SLOTS 4u
#define MAX_WIDTH 160u
#define MAX_HEIGHT 100u

struct recorder {
	struct lg_wire base;
	pthread_mutex_t mutex;
	/* What the next beat says; what is not a state is said once. */
	struct lg_wire_news news;
	bool refuse;
	/* Notes. */
	uint32_t begun, ended, again, cursors, images, beats, current, set_cursor;
	bool full;
	struct damage damage;
	struct lg_wire_picture picture;
	struct lg_wire_cursor cursor;
	uint32_t *last;                 /* slot that was ended last */
	uint32_t slots[SLOTS][MAX_WIDTH * MAX_HEIGHT];
};

struct fixture {
	struct lg_rig rig;
	struct recorder *recorder;
	struct looking_glass *glass;
	struct display_buffer *buffer;
	_Atomic uint64_t wish;
	_Atomic bool destroyed;
};

static struct fixture *the_fixture;

static struct recorder *begin(struct lg_wire *wire)
{
	struct recorder *recorder = (struct recorder *)wire;

	pthread_mutex_lock(&recorder->mutex);
	return recorder;
}

static void end(struct recorder *recorder)
{
	pthread_mutex_unlock(&recorder->mutex);
}

static void recorder_destroy(struct lg_wire *wire)
{
	the_fixture->destroyed = true;
	free(wire);
}

static uint64_t recorder_needed_bytes(struct lg_wire *wire, uint32_t width, uint32_t height)
{
	return (uint64_t)width * height * 4 * SLOTS;
}

static void recorder_beat(struct lg_wire *wire, uint64_t now_ms, struct lg_wire_news *news)
{
	struct recorder *recorder = begin(wire);

	*news = recorder->news;
	recorder->news = (struct lg_wire_news){ .wanted = news->wanted };
	recorder->beats++;
	end(recorder);
}

static int recorder_frame_begin(struct lg_wire *wire, const struct lg_wire_picture *picture,
				struct lg_wire_slot *slot, uint64_t now_ms)
{
	struct recorder *recorder = begin(wire);
	bool refuse = recorder->refuse;

	if (!refuse) {
		recorder->picture = *picture;
		recorder->current = recorder->begun++ % SLOTS;
		*slot = (struct lg_wire_slot){
			.index = recorder->current,
			.pixels = (uint8_t *)recorder->slots[recorder->current],
			.pitch = MAX_WIDTH * 4,
		};
	}
	end(recorder);
	return refuse ? -EFBIG : 0;
}

static void recorder_frame_end(struct lg_wire *wire, const struct damage *damage, uint64_t now_ms)
{
	struct recorder *recorder = begin(wire);

	recorder->full = !damage;
	if (damage)
		recorder->damage = *damage;
	recorder->last = recorder->slots[recorder->current];
	recorder->ended++;
	end(recorder);
}

static void recorder_frame_cancel(struct lg_wire *wire)
{
	fail();
}

static void recorder_frame_again(struct lg_wire *wire, uint64_t now_ms)
{
	struct recorder *recorder = begin(wire);

	recorder->again++;
	end(recorder);
}

static void recorder_cursor(struct lg_wire *wire, const struct lg_wire_cursor *cursor,
			    uint64_t now_ms)
{
	struct recorder *recorder = begin(wire);

	recorder->cursors++;
	recorder->images += cursor->image != NULL;
	recorder->cursor = *cursor;
	end(recorder);
}

static const struct lg_wire_ops recorder_ops = {
	.destroy = recorder_destroy,
	.needed_bytes = recorder_needed_bytes,
	.beat = recorder_beat,
	.frame_begin = recorder_frame_begin,
	.frame_end = recorder_frame_end,
	.frame_cancel = recorder_frame_cancel,
	.frame_again = recorder_frame_again,
	.cursor = recorder_cursor,
};

static void on_set_cursor(void *data, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	struct fixture *fixture = data;

	assert_int_equal(width, WIDTH);
	assert_int_equal(height, HEIGHT);
	fixture->wish = (uint64_t)x << 32 | y;
}

static int setup(void **state)
{
	const struct looking_glass_callbacks callbacks = { .set_cursor = on_set_cursor };
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	setenv("VITRINE_LOG", "error", 0);
	log_init(NULL);
	the_fixture = fixture;
	lg_rig_start(&fixture->rig);
	fixture->recorder = calloc(1, sizeof(*fixture->recorder));
	fixture->recorder->base.ops = &recorder_ops;
	pthread_mutex_init(&fixture->recorder->mutex, NULL);
	fixture->glass = looking_glass_create_on(fixture->rig.display, &fixture->recorder->base,
						 NULL, &callbacks, fixture);
	assert_non_null(fixture->glass);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	looking_glass_destroy(fixture->glass);
	assert_true(fixture->destroyed);
	display_buffer_unref(fixture->buffer);
	lg_rig_stop(&fixture->rig);
	free(fixture);
	return 0;
}

/* Says this, and waits until it was heard and done. */
static void tell(struct fixture *fixture, struct lg_wire_news news)
{
	struct recorder *recorder = fixture->recorder;
	uint32_t beats;

	pthread_mutex_lock(&recorder->mutex);
	recorder->news = news;
	beats = recorder->beats;
	pthread_mutex_unlock(&recorder->mutex);
	for (int i = 0; i < 5000; i++) {
		uint32_t now;

		pthread_mutex_lock(&recorder->mutex);
		now = recorder->beats;
		pthread_mutex_unlock(&recorder->mutex);
		if (now - beats >= 2)
			return;
		usleep(1000);
	}
	fail();
}

static void show(struct fixture *fixture, uint32_t width, uint32_t height)
{
	display_buffer_unref(fixture->buffer);
	fixture->buffer = lg_rig_buffer(width, height, DRM_FORMAT_XRGB8888, width);
	lg_rig_commit(&fixture->rig, fixture->buffer,
		      (struct rect){ .width = width, .height = height });
	lg_rig_wait_released(&fixture->rig);
}

static void draw(struct fixture *fixture, struct rect rect, uint32_t colour)
{
	uint32_t *pixels = display_buffer_host_pixels(fixture->buffer);

	for (uint32_t y = rect.y; y < rect.y + rect.height; y++)
		for (uint32_t x = rect.x; x < rect.x + rect.width; x++)
			pixels[y * fixture->buffer->width + x] = colour + x + y;
	lg_rig_commit(&fixture->rig, fixture->buffer, rect);
	lg_rig_wait_released(&fixture->rig);
}

static void check_last(struct fixture *fixture)
{
	const uint32_t *pixels = display_buffer_host_pixels(fixture->buffer);
	uint32_t width = fixture->buffer->width, height = fixture->buffer->height;

	pthread_mutex_lock(&fixture->recorder->mutex);
	assert_int_equal(fixture->recorder->picture.width, width);
	for (uint32_t y = 0; y < height; y++)
		assert_memory_equal(fixture->recorder->last + y * MAX_WIDTH, pixels + y * width,
				    width * 4);
	pthread_mutex_unlock(&fixture->recorder->mutex);
}

static void test_nobody(void **state)
{
	struct fixture *fixture = *state;
	struct recorder *recorder = fixture->recorder;
	struct display_buffer *image = lg_rig_buffer(16, 16, DRM_FORMAT_ARGB8888, 3);
	const struct display_cursor cursor = { .buffer = image, .x = 7, .y = 8 };

	show(fixture, WIDTH, HEIGHT);
	lg_rig_cursor(&fixture->rig, &cursor);
	draw(fixture, (struct rect){ 1, 1, 5, 5 }, 9);
	tell(fixture, (struct lg_wire_news){ .wanted = false });
	assert_int_equal(recorder->begun, 0);
	assert_int_equal(recorder->cursors, 0);
	tell(fixture, (struct lg_wire_news){ .wanted = true, .frame_again = true,
					     .cursor_again = true });
	assert_int_equal(recorder->ended, 1);
	assert_true(recorder->full);
	assert_int_equal(recorder->cursors, 1);
	assert_int_equal(recorder->images, 1);
	check_last(fixture);
	/* The next one has it without a copy. */
	tell(fixture, (struct lg_wire_news){ .wanted = true, .frame_again = true });
	assert_int_equal(recorder->ended, 1);
	assert_int_equal(recorder->again, 1);
	lg_rig_move_cursor(&fixture->rig, 50, 50);
	tell(fixture, (struct lg_wire_news){ .wanted = true });
	assert_int_equal(recorder->cursors, 2);
	assert_int_equal(recorder->images, 1);
	assert_int_equal(recorder->cursor.x, 50);
	display_buffer_unref(image);
}

static void test_damage_and_repair(void **state)
{
	struct fixture *fixture = *state;
	struct recorder *recorder = fixture->recorder;

	tell(fixture, (struct lg_wire_news){ .wanted = true });
	show(fixture, WIDTH, HEIGHT);
	for (uint32_t i = 0; i < 40; i++) {
		struct rect rect = { i * 13 % 80, i * 7 % 50, 1 + i % 16, 1 + i % 14 };

		draw(fixture, rect, i << 8);
		assert_int_equal(recorder->ended, i + 2);
		assert_false(recorder->full);
		assert_int_equal(recorder->damage.count, 1);
		assert_memory_equal(&recorder->damage.rects[0], &rect, sizeof(rect));
		check_last(fixture);
	}
	assert_int_equal(recorder->begun, recorder->ended);
}

static void test_resize(void **state)
{
	struct fixture *fixture = *state;
	struct recorder *recorder = fixture->recorder;

	tell(fixture, (struct lg_wire_news){ .wanted = true });
	for (uint32_t i = 0; i < 12; i++) {
		show(fixture, i % 2 ? MAX_WIDTH : WIDTH, i % 3 ? MAX_HEIGHT : HEIGHT);
		assert_true(recorder->full);
		check_last(fixture);
		draw(fixture, (struct rect){ 3, 3, 8, 8 }, i);
		assert_false(recorder->full);
		check_last(fixture);
	}
}

/* A refused picture is owed, and what follows it is whole. */
static void test_refused(void **state)
{
	struct fixture *fixture = *state;
	struct recorder *recorder = fixture->recorder;

	tell(fixture, (struct lg_wire_news){ .wanted = true });
	show(fixture, WIDTH, HEIGHT);
	recorder->refuse = true;
	draw(fixture, (struct rect){ 0, 0, 9, 9 }, 1);
	draw(fixture, (struct rect){ 20, 20, 9, 9 }, 2);
	assert_int_equal(recorder->ended, 1);
	recorder->refuse = false;
	draw(fixture, (struct rect){ 40, 40, 9, 9 }, 3);
	assert_int_equal(recorder->ended, 2);
	assert_int_equal(recorder->damage.count, 3);
	check_last(fixture);
}

static void test_slots_lost(void **state)
{
	struct fixture *fixture = *state;
	struct recorder *recorder = fixture->recorder;

	tell(fixture, (struct lg_wire_news){ .wanted = true });
	show(fixture, WIDTH, HEIGHT);
	for (uint32_t i = 0; i < 6; i++)
		draw(fixture, (struct rect){ i, i, 4, 4 }, i);
	tell(fixture, (struct lg_wire_news){ .wanted = false });
	memset(recorder->slots, 0xee, sizeof(recorder->slots));
	tell(fixture, (struct lg_wire_news){ .slots_lost = true });
	tell(fixture, (struct lg_wire_news){ .wanted = true, .frame_again = true });
	assert_int_equal(recorder->ended, 8);
	assert_true(recorder->full);
	check_last(fixture);
	draw(fixture, (struct rect){ 1, 1, 1, 1 }, 7);
	check_last(fixture);
}

static void test_set_cursor(void **state)
{
	struct fixture *fixture = *state;

	fixture->wish = UINT64_MAX;
	/* Before there is a picture a position means nothing. */
	tell(fixture, (struct lg_wire_news){ .wanted = true, .set_cursor = true, .x = 1, .y = 1 });
	assert_int_equal(fixture->wish, UINT64_MAX);
	show(fixture, WIDTH, HEIGHT);
	tell(fixture, (struct lg_wire_news){ .wanted = true, .set_cursor = true, .x = 5, .y = 6 });
	assert_int_equal(fixture->wish, UINT64_C(5) << 32 | 6);
	tell(fixture, (struct lg_wire_news){ .wanted = true, .set_cursor = true,
					     .x = INT32_MAX, .y = INT32_MIN });
	assert_int_equal(fixture->wish, (uint64_t)(WIDTH - 1) << 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage_and_repair, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resize, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slots_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_cursor, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
