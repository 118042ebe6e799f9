/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <ivshmem/doorbell_eventfd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static void test_ring_and_clear(void **state)
{
	int fd = doorbell_eventfd_create();

	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_false(doorbell_eventfd_clear(fd));
	doorbell_eventfd_ring(fd);
	doorbell_eventfd_ring(fd);
	assert_true(doorbell_eventfd_clear(fd));
	assert_false(doorbell_eventfd_clear(fd));
	close(fd);
}

/* The peer shares the open file: a full counter in blocking mode must not hang us, nor an empty
 * one. (A hang ends this test by its time limit.) */
static void test_hostile_peer(void **state)
{
	const uint64_t full = UINT64_MAX - 1;
	int fd = doorbell_eventfd_create();

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	assert_false(doorbell_eventfd_clear(fd));
	assert_int_equal(write(fd, &full, sizeof(full)), sizeof(full));
	doorbell_eventfd_ring(fd);
	assert_true(doorbell_eventfd_clear(fd));
	doorbell_eventfd_ring(fd);
	assert_true(doorbell_eventfd_clear(fd));
	close(fd);
}

static void test_pace(void **state)
{
	const uint64_t start = 5000000000;
	struct poll_pace pace = { 0 };

	assert_int_equal(poll_pace_next_ms(&pace, false, start), POLL_PACE_ACTIVE_MS);
	assert_int_equal(poll_pace_next_ms(&pace, false, start + POLL_PACE_IDLE_AFTER_NS - 1),
			 POLL_PACE_ACTIVE_MS);
	assert_int_equal(poll_pace_next_ms(&pace, false, start + POLL_PACE_IDLE_AFTER_NS),
			 POLL_PACE_IDLE_MS);
	assert_int_equal(poll_pace_next_ms(&pace, true, start + POLL_PACE_IDLE_AFTER_NS),
			 POLL_PACE_ACTIVE_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_and_clear),
		cmocka_unit_test(test_hostile_peer),
		cmocka_unit_test(test_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
