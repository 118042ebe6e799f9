/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drawing commands between the screen's thread and a worker that is fast, slow or stands still. */
#include <base/rect.h>
#include <errno.h>
#include <ivshmem/doorbell_eventfd.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <spice/spice_commands.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WIDTH 96u
#define HEIGHT 64u
#define ROUNDS 3000
#define WAIT_MS 30000

struct fixture {
	struct spice_commands *commands;
	int wake_fd;
	uint32_t pixels[WIDTH * HEIGHT];        /* the screen's */
	uint32_t canvas[WIDTH * HEIGHT];        /* the worker's */
	uint32_t updates;
	_Atomic bool ends;
	pthread_t worker;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->wake_fd = doorbell_eventfd_create();
	fixture->commands = spice_commands_create(fixture->wake_fd);
	assert_non_null(fixture->commands);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	spice_commands_destroy(fixture->commands);
	close(fixture->wake_fd);
	free(fixture);
	return 0;
}

static const void *at(uint64_t address)
{
	return (const void *)(uintptr_t)address;
}

static void draw(struct fixture *fixture, const QXLDrawable *drawable)
{
	const QXLImage *image = at(drawable->u.copy.src_bitmap);
	const uint8_t *rows = at(image->bitmap.data);
	QXLRect box = drawable->bbox;
	uint32_t width = (uint32_t)(box.right - box.left);

	assert_int_equal(drawable->type, QXL_DRAW_COPY);
	assert_int_equal(image->bitmap.x, width);
	assert_int_equal(image->bitmap.y, box.bottom - box.top);
	assert_in_range(box.right, 1, WIDTH);
	assert_in_range(box.bottom, 1, HEIGHT);
	for (int32_t y = box.top; y < box.bottom; y++, rows += image->bitmap.stride)
		memcpy(fixture->canvas + (size_t)y * WIDTH + box.left, rows, width * 4);
}

/* Draws what it is given; release frees it. */
static const QXLReleaseInfo *worker_do(struct fixture *fixture, const QXLCommandExt *command)
{
	const QXLDrawable *drawable = at(command->cmd.data);
	const QXLUpdateCmd *update = at(command->cmd.data);

	if (command->cmd.type == QXL_CMD_DRAW) {
		draw(fixture, drawable);
		return at(command->cmd.data + offsetof(QXLDrawable, release_info));
	}
	assert_int_equal(command->cmd.type, QXL_CMD_UPDATE);
	assert_true(update->area.left < update->area.right);
	fixture->updates++;
	return at(command->cmd.data + offsetof(QXLUpdateCmd, release_info));
}

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % limit;
}

static void scribble(struct fixture *fixture, struct damage *damage)
{
	struct rect rect = { random_below(WIDTH), random_below(HEIGHT), random_below(30) + 1,
			     random_below(30) + 1 };
	uint32_t colour = random_below(1 << 24);

	rect_clip(&rect, WIDTH, HEIGHT);
	for (uint32_t y = rect.y; y < rect.y + rect.height; y++)
		for (uint32_t x = rect.x; x < rect.x + rect.width; x++)
			fixture->pixels[y * WIDTH + x] = colour++;
	damage_add(damage, &rect);
}

static void *worker_main(void *data)
{
	struct fixture *fixture = data;
	const QXLReleaseInfo *kept[64];
	uint32_t count = 0, seed = 7;
	QXLCommandExt command;

	while (!fixture->ends || !spice_commands_empty(fixture->commands)) {
		seed = seed * 1103515245u + 12345u;
		if (spice_commands_pop(fixture->commands, &command))
			kept[count++] = worker_do(fixture, &command);
		else if (!count)
			usleep(50);
		/* In any order, some of them late. */
		while (count && (seed >> 16 & 3 || count > 20)) {
			uint32_t index = (seed >> 20) % count;

			spice_commands_release(fixture->commands, kept[index]);
			kept[index] = kept[--count];
			seed = seed * 1103515245u + 12345u;
		}
	}
	while (count)
		spice_commands_release(fixture->commands, kept[--count]);
	return NULL;
}

static void wait_for_room(struct fixture *fixture)
{
	struct pollfd poll_fd = { fixture->wake_fd, POLLIN, 0 };

	assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
	doorbell_eventfd_clear(fixture->wake_fd);
}

/* Nothing is lost or torn, whatever the worker does with its time. */
static void test_worker_sees_all(void **state)
{
	struct fixture *fixture = *state;
	struct damage owed = { 0 };
	int result;

	assert_int_equal(pthread_create(&fixture->worker, NULL, worker_main, fixture), 0);
	for (int i = 0; i < ROUNDS; i++) {
		scribble(fixture, &owed);
		result = spice_commands_draw(fixture->commands, fixture->pixels, WIDTH, &owed);
		if (!result)
			owed.count = 0;
		else if (i % 5 == 0)
			wait_for_room(fixture);
	}
	while (owed.count) {
		if (!spice_commands_draw(fixture->commands, fixture->pixels, WIDTH, &owed))
			owed.count = 0;
		else
			wait_for_room(fixture);
	}
	while (!spice_commands_drained(fixture->commands)) {
		fixture->ends = true;
		wait_for_room(fixture);
	}
	fixture->ends = true;
	pthread_join(fixture->worker, NULL);
	assert_memory_equal(fixture->canvas, fixture->pixels, sizeof(fixture->pixels));
	assert_true(fixture->updates > 10);
}

/* A worker that stands still: two batches and no more, which stay as they were. */
static void test_worker_stands_still(void **state)
{
	static const struct damage all = { 1, { { 0, 0, WIDTH, HEIGHT } } };
	struct fixture *fixture = *state;
	uint32_t first[WIDTH * HEIGHT], second[WIDTH * HEIGHT];
	struct damage damage = { 0 };
	QXLCommandExt command;

	scribble(fixture, &damage);
	memcpy(first, fixture->pixels, sizeof(first));
	assert_true(spice_commands_drained(fixture->commands));
	assert_int_equal(spice_commands_draw(fixture->commands, fixture->pixels, WIDTH, &all), 0);
	scribble(fixture, &damage);
	memcpy(second, fixture->pixels, sizeof(second));
	assert_int_equal(spice_commands_draw(fixture->commands, fixture->pixels, WIDTH, &all), 0);
	for (int i = 0; i < 10; i++) {
		scribble(fixture, &damage);
		assert_int_equal(spice_commands_draw(fixture->commands, fixture->pixels, WIDTH,
						     &all), -EAGAIN);
	}
	spice_commands_trim(fixture->commands);
	assert_false(spice_commands_drained(fixture->commands));
	assert_false(spice_commands_empty(fixture->commands));

	assert_true(spice_commands_pop(fixture->commands, &command));
	worker_do(fixture, &command);
	assert_memory_equal(fixture->canvas, first, sizeof(first));
	spice_commands_release(fixture->commands, worker_do(fixture, &command));
	/* Its update is still out. */
	assert_false(doorbell_eventfd_clear(fixture->wake_fd));
	assert_true(spice_commands_pop(fixture->commands, &command));
	spice_commands_release(fixture->commands, worker_do(fixture, &command));
	assert_true(doorbell_eventfd_clear(fixture->wake_fd));
	assert_true(spice_commands_pop(fixture->commands, &command));
	worker_do(fixture, &command);
	assert_memory_equal(fixture->canvas, second, sizeof(second));
	assert_int_equal(spice_commands_draw(fixture->commands, fixture->pixels, WIDTH, &damage),
			 0);
	assert_int_equal(spice_commands_draw(fixture->commands, fixture->pixels, WIDTH, &damage),
			 -EAGAIN);
}

static void test_cursors(void **state)
{
	static const uint32_t pixels[6] = { 1, 2, 3, 4, 5, 0xff000006 };
	struct spice_cursor cursor = { .visible = true, .x = 70000, .y = -70000, .width = 3,
				       .height = 2, .hot_x = 2, .hot_y = 1, .pixels = pixels };
	struct fixture *fixture = *state;
	const QXLCursorCmd *command;
	const QXLCursor *shape;
	QXLCommandExt popped;

	assert_true(spice_commands_no_cursor(fixture->commands));
	assert_int_equal(spice_commands_cursor(fixture->commands, &cursor), 0);
	cursor.pixels = NULL;
	assert_int_equal(spice_commands_cursor(fixture->commands, &cursor), 0);
	cursor.visible = false;
	for (int i = 2; i < SPICE_COMMANDS_CURSORS; i++)
		assert_int_equal(spice_commands_cursor(fixture->commands, &cursor), 0);
	assert_int_equal(spice_commands_cursor(fixture->commands, &cursor), -EAGAIN);
	assert_true(spice_commands_empty(fixture->commands));
	assert_false(spice_commands_no_cursor(fixture->commands));

	assert_true(spice_commands_pop_cursor(fixture->commands, &popped));
	assert_int_equal(popped.cmd.type, QXL_CMD_CURSOR);
	command = at(popped.cmd.data);
	assert_int_equal(command->type, QXL_CURSOR_SET);
	assert_int_equal(command->u.set.position.x, INT16_MAX);
	assert_int_equal(command->u.set.position.y, INT16_MIN);
	assert_int_equal(command->u.set.visible, 1);
	shape = at(command->u.set.shape);
	assert_int_equal(shape->header.width, 3);
	assert_int_equal(shape->header.height, 2);
	assert_int_equal(shape->header.hot_spot_x, 2);
	assert_int_equal(shape->header.hot_spot_y, 1);
	assert_int_equal(shape->data_size, sizeof(pixels));
	assert_memory_equal(shape->chunk.data, pixels, sizeof(pixels));
	spice_commands_release(fixture->commands, &command->release_info);
	assert_true(doorbell_eventfd_clear(fixture->wake_fd));
	assert_int_equal(spice_commands_cursor(fixture->commands, &cursor), 0);

	assert_true(spice_commands_pop_cursor(fixture->commands, &popped));
	command = at(popped.cmd.data);
	assert_int_equal(command->type, QXL_CURSOR_MOVE);
	assert_int_equal(command->u.position.x, INT16_MAX);
	assert_true(spice_commands_pop_cursor(fixture->commands, &popped));
	command = at(popped.cmd.data);
	assert_int_equal(command->type, QXL_CURSOR_HIDE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_worker_sees_all),
		TEST(test_worker_stands_still),
		TEST(test_cursors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
