/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/loop.h>
#include <devices/virtio_rng.h>
#include <fake/guest.h>
#include <string.h>

static void test_bytes_differ(void **state)
{
	struct loop *loop = loop_create("test");
	struct fake_guest *guest = fake_guest_create(virtio_rng_create(loop), FAKE_LOOP_DISPATCHED);
	static uint8_t first[8192], second[64];
	struct fake_queue *queue;
	unsigned zeros = 0;

	assert_int_equal(fake_guest_start(guest, FAKE_ALL_FEATURES), 0);
	queue = fake_guest_queue(guest, 0);
	/* One request is bounded, whatever is asked for. */
	assert_int_equal(fake_queue_request(queue, NULL, 0, first, sizeof(first)), 4096);
	assert_int_equal(fake_queue_request(queue, NULL, 0, second, sizeof(second)), 64);
	assert_memory_not_equal(first, second, sizeof(second));
	for (unsigned i = 0; i < 4096; i++)
		zeros += first[i] == 0;
	assert_true(zeros < 100);
	/* Nothing to write into is answered too. */
	assert_int_equal(fake_queue_request(queue, "x", 1, NULL, 0), 0);
	assert_int_equal(fake_guest_needs_resets(guest), 0);
	fake_guest_destroy(guest);
	loop_destroy(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
