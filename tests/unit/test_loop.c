/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <base/loop.h>
#include <cmocka.h>

#define POSTERS 4
#define POSTS 5000

struct counter {
	struct loop *loop;
	uint64_t value;
	bool on_loop;
};

static void count(void *data)
{
	struct counter *counter = data;

	counter->value++;
	counter->on_loop = loop_is_current(counter->loop);
}

static void *poster(void *data)
{
	struct counter *counter = data;

	for (int i = 0; i < POSTS; i++)
		if (loop_post(counter->loop, count, counter))
			abort();
	return NULL;
}

static void test_posts_from_many_threads_all_run(void **state)
{
	struct counter counter = { .loop = loop_create("test") };
	pthread_t threads[POSTERS];

	assert_non_null(counter.loop);
	assert_int_equal(loop_start(counter.loop), 0);
	for (int i = 0; i < POSTERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, poster, &counter), 0);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	loop_stop(counter.loop);
	assert_int_equal(counter.value, POSTERS * POSTS);
	assert_true(counter.on_loop);
	loop_destroy(counter.loop);
}

static void test_call_waits_and_is_direct_when_nobody_runs(void **state)
{
	struct counter counter = { .loop = loop_create("test") };

	assert_int_equal(loop_call(counter.loop, count, &counter), 0);
	assert_int_equal(counter.value, 1);
	assert_false(counter.on_loop);
	assert_int_equal(loop_start(counter.loop), 0);
	for (uint64_t i = 0; i < 1000; i++) {
		assert_int_equal(loop_call(counter.loop, count, &counter), 0);
		assert_int_equal(counter.value, i + 2);
	}
	assert_true(counter.on_loop);
	loop_stop(counter.loop);
	assert_int_equal(loop_call(counter.loop, count, &counter), 0);
	assert_int_equal(counter.value, 1002);
	loop_destroy(counter.loop);
}

struct pair {
	struct loop_fd *sources[2];
	int calls;
};

/* Whichever of the two comes first removes both: the other must not be called. */
static void remove_both(void *data, uint32_t events)
{
	struct pair *pair = data;

	pair->calls++;
	loop_fd_remove(pair->sources[0]);
	loop_fd_remove(pair->sources[1]);
}

static void test_fd_may_be_removed_while_its_event_waits(void **state)
{
	struct loop *loop = loop_create("test");
	int first = eventfd(1, 0), second = eventfd(1, 0);
	struct pair pair = { 0 };

	pair.sources[0] = loop_fd_add(loop, first, EPOLLIN, remove_both, &pair);
	pair.sources[1] = loop_fd_add(loop, second, EPOLLIN, remove_both, &pair);
	assert_int_equal(loop_dispatch(loop, 1000), 2);
	assert_int_equal(pair.calls, 1);
	assert_int_equal(loop_dispatch(loop, 0), 0);
	loop_destroy(loop);
	close(first);
	close(second);
}

struct ticker {
	struct loop *loop;
	struct loop_timer *timer;
	int ticks;
};

static void tick(void *data)
{
	struct ticker *ticker = data;

	if (++ticker->ticks == 3) {
		loop_timer_destroy(ticker->timer);
		loop_quit(ticker->loop);
	}
}

static void test_timer_repeats_and_dies_in_its_own_callback(void **state)
{
	struct ticker ticker = { .loop = loop_create("test") };

	ticker.timer = loop_timer_create(ticker.loop, tick, &ticker);
	assert_int_equal(loop_timer_arm(ticker.timer, 0, 100000), 0);
	assert_int_equal(loop_run(ticker.loop), 0);
	assert_int_equal(ticker.ticks, 3);
	loop_destroy(ticker.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_posts_from_many_threads_all_run),
		cmocka_unit_test(test_call_waits_and_is_direct_when_nobody_runs),
		cmocka_unit_test(test_fd_may_be_removed_while_its_event_waits),
		cmocka_unit_test(test_timer_repeats_and_dies_in_its_own_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
