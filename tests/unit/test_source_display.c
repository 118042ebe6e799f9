/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mailbox between a display and whoever passes its frames on: what counts is the newest. */
#include "lg_rig.h"

#include <base/loop.h>
#include <capture/source_display.h>
#include <drm_fourcc.h>
#include <ivshmem/doorbell_eventfd.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WIDTH 64u
#define HEIGHT 32u

struct fixture {
	struct lg_rig rig;
	struct source_display *source;
	int wake_fd;
	struct display_buffer *buffers[3];
	_Atomic bool ends;
};

static const struct rect part = { 1, 2, 3, 4 }, other_part = { 50, 20, 5, 6 };

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	lg_rig_start(&fixture->rig);
	fixture->wake_fd = doorbell_eventfd_create();
	for (int i = 0; i < 3; i++)
		fixture->buffers[i] = lg_rig_buffer(WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, 0);
	fixture->source = source_display_create(fixture->rig.display, 2, fixture->wake_fd);
	assert_non_null(fixture->source);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	source_display_destroy(fixture->source);
	assert_int_equal(fixture->rig.released, fixture->rig.committed);
	lg_rig_stop(&fixture->rig);
	for (int i = 0; i < 3; i++) {
		/* Nobody has kept one. */
		assert_int_equal(fixture->buffers[i]->references, 1);
		display_buffer_unref(fixture->buffers[i]);
	}
	close(fixture->wake_fd);
	free(fixture);
	return 0;
}

static void drop(const struct source_news *news)
{
	display_frame_unref(news->frame);
	display_buffer_unref(news->kept);
	display_buffer_unref(news->cursor.buffer);
}

static void take(struct fixture *fixture, struct source_news *news)
{
	assert_true(doorbell_eventfd_clear(fixture->wake_fd));
	assert_true(source_display_take(fixture->source, 0, news));
}

static void expect_nothing(struct fixture *fixture)
{
	struct source_news news;

	assert_false(doorbell_eventfd_clear(fixture->wake_fd));
	assert_false(source_display_take(fixture->source, 0, &news));
}

static bool is_all(const struct damage *damage)
{
	return damage->count == 1 && damage->rects[0].width == WIDTH &&
	       damage->rects[0].height == HEIGHT;
}

static void test_newest_wins(void **state)
{
	struct fixture *fixture = *state;
	struct source_news news;

	lg_rig_commit(&fixture->rig, fixture->buffers[0], part);
	take(fixture, &news);
	assert_true(is_all(&news.damage));
	drop(&news);
	lg_rig_commit(&fixture->rig, fixture->buffers[1], part);
	lg_rig_commit(&fixture->rig, fixture->buffers[2], other_part);
	/* The one that was overtaken is back. */
	assert_int_equal(fixture->rig.released, 2);
	take(fixture, &news);
	assert_ptr_equal(news.frame->buffer, fixture->buffers[2]);
	assert_int_equal(news.damage.count, 2);
	assert_null(news.kept);
	drop(&news);
	expect_nothing(fixture);
}

/* Asleep nothing rings and nothing waits; awake there is one picture, the newest. */
static void test_sleep(void **state)
{
	struct fixture *fixture = *state;
	struct source_news news;

	source_display_sleep(fixture->source, 0, NULL, NULL);
	for (int i = 0; i < 3; i++)
		lg_rig_commit(&fixture->rig, fixture->buffers[i], part);
	lg_rig_wait_released(&fixture->rig);
	assert_false(doorbell_eventfd_clear(fixture->wake_fd));
	source_display_wake(fixture->source, 0);
	take(fixture, &news);
	assert_null(news.frame);
	assert_ptr_equal(news.kept, fixture->buffers[2]);
	assert_int_equal(news.kept_source.width, WIDTH);
	drop(&news);
	expect_nothing(fixture);
	/* From here as if it had never slept. */
	lg_rig_commit(&fixture->rig, fixture->buffers[0], part);
	take(fixture, &news);
	assert_ptr_equal(news.frame->buffer, fixture->buffers[0]);
	assert_int_equal(news.damage.count, 1);
	assert_int_equal(news.damage.rects[0].width, part.width);
	drop(&news);
}

/* A frame that waits is let go when the taker falls asleep. */
static void test_sleep_lets_go(void **state)
{
	struct fixture *fixture = *state;
	struct source_news news;

	lg_rig_commit(&fixture->rig, fixture->buffers[0], part);
	assert_int_equal(fixture->rig.released, 0);
	source_display_sleep(fixture->source, 0, display_buffer_ref(fixture->buffers[1]),
			     &(struct rect){ 0, 0, WIDTH, HEIGHT });
	assert_int_equal(fixture->rig.released, 1);
	doorbell_eventfd_clear(fixture->wake_fd);
	source_display_wake(fixture->source, 0);
	take(fixture, &news);
	/* Newer than what the taker had. */
	assert_ptr_equal(news.kept, fixture->buffers[0]);
	drop(&news);
}

/* What the taker had on show comes back when nothing was newer. */
static void test_sleep_keeps(void **state)
{
	struct fixture *fixture = *state;
	struct source_news news;

	lg_rig_commit(&fixture->rig, fixture->buffers[0], part);
	take(fixture, &news);
	source_display_sleep(fixture->source, 0, display_buffer_ref(news.frame->buffer),
			     &news.frame->source);
	drop(&news);
	source_display_wake(fixture->source, 0);
	take(fixture, &news);
	assert_ptr_equal(news.kept, fixture->buffers[0]);
	drop(&news);
	/* Twice is as good. */
	source_display_sleep(fixture->source, 0, display_buffer_ref(fixture->buffers[0]), &part);
	source_display_sleep(fixture->source, 0, NULL, NULL);
	source_display_wake(fixture->source, 0);
	take(fixture, &news);
	assert_int_equal(news.kept_source.height, part.height);
	drop(&news);
}

/* A frame that comes after a sleep, before anything was taken, is all there is to see. */
static void test_frame_after_sleep(void **state)
{
	struct fixture *fixture = *state;
	struct source_news news;

	lg_rig_commit(&fixture->rig, fixture->buffers[0], part);
	take(fixture, &news);
	drop(&news);
	source_display_sleep(fixture->source, 0, NULL, NULL);
	lg_rig_commit(&fixture->rig, fixture->buffers[1], other_part);
	source_display_wake(fixture->source, 0);
	lg_rig_commit(&fixture->rig, fixture->buffers[2], part);
	take(fixture, &news);
	assert_null(news.kept);
	assert_ptr_equal(news.frame->buffer, fixture->buffers[2]);
	assert_true(is_all(&news.damage));
	drop(&news);
}

static void test_off_while_asleep(void **state)
{
	struct fixture *fixture = *state;
	struct source_news news;

	lg_rig_commit(&fixture->rig, fixture->buffers[0], part);
	take(fixture, &news);
	drop(&news);
	source_display_sleep(fixture->source, 0, display_buffer_ref(fixture->buffers[0]), &part);
	lg_rig_commit(&fixture->rig, fixture->buffers[1], part);
	lg_rig_off(&fixture->rig);
	source_display_sleep(fixture->source, 0, display_buffer_ref(fixture->buffers[0]), &part);
	source_display_wake(fixture->source, 0);
	take(fixture, &news);
	assert_true(news.went_off);
	assert_null(news.kept);
	assert_null(news.frame);
	drop(&news);
	lg_rig_commit(&fixture->rig, fixture->buffers[2], part);
	take(fixture, &news);
	assert_true(is_all(&news.damage));
	drop(&news);
}

static void test_cursor_while_asleep(void **state)
{
	struct fixture *fixture = *state;
	struct source_news news;

	source_display_sleep(fixture->source, 0, NULL, NULL);
	lg_rig_commit(&fixture->rig, fixture->buffers[0], part);
	lg_rig_cursor(&fixture->rig, &(struct display_cursor){ .buffer = fixture->buffers[1],
							       .x = 3 });
	lg_rig_move_cursor(&fixture->rig, 5, 6);
	assert_false(doorbell_eventfd_clear(fixture->wake_fd));
	source_display_wake(fixture->source, 0);
	take(fixture, &news);
	assert_true(news.cursor_image_changed);
	assert_ptr_equal(news.cursor.buffer, fixture->buffers[1]);
	assert_int_equal(news.cursor.x, 5);
	drop(&news);
	lg_rig_cursor(&fixture->rig, &(struct display_cursor){ 0 });
}

static void *sleeper_main(void *data)
{
	struct fixture *fixture = data;
	struct display_buffer *shown = NULL;
	struct source_news news;
	struct rect source = { 0 };

	for (unsigned int i = 0; !fixture->ends || i % 4; i++) {
		if (source_display_take(fixture->source, 0, &news)) {
			if (news.frame || news.kept) {
				display_buffer_unref(shown);
				shown = news.frame ? news.frame->buffer : news.kept;
				display_buffer_ref(shown);
				source = news.frame ? news.frame->source : news.kept_source;
			}
			drop(&news);
		}
		if (i % 4 == 1) {
			source_display_sleep(fixture->source, 0, shown, &source);
			shown = NULL;
		} else if (i % 4 == 3) {
			source_display_wake(fixture->source, 0);
		}
	}
	display_buffer_unref(shown);
	return NULL;
}

/* For the thread sanitizer; and no reference is lost: see teardown. */
static void test_sleeps_and_frames(void **state)
{
	struct fixture *fixture = *state;
	pthread_t sleeper;

	assert_int_equal(pthread_create(&sleeper, NULL, sleeper_main, fixture), 0);
	for (int i = 0; i < 3000; i++) {
		lg_rig_commit(&fixture->rig, fixture->buffers[i % 3], i % 2 ? part : other_part);
		if (i % 100 == 7)
			lg_rig_off(&fixture->rig);
	}
	fixture->ends = true;
	pthread_join(sleeper, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_newest_wins),       TEST(test_sleep),
		TEST(test_sleep_lets_go),     TEST(test_sleep_keeps),
		TEST(test_frame_after_sleep), TEST(test_off_while_asleep),
		TEST(test_cursor_while_asleep), TEST(test_sleeps_and_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
