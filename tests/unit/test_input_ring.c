/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <ivshmem/ring_reader.h>
#include <ivshmem/ring_writer.h>
#include <ivshmem/segment.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

struct fixture {
	struct segment *segment;
	struct ring_writer *writer;
	struct ring_reader *reader;
	struct input_section *section;
};

static int setup(void **state)
{
	const struct segment_config config = { .scanout_count = 1, .slot_bytes = 640 * 480 * 4 };
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->segment = segment_create_memfd(&config);
	assert_non_null(fixture->segment);
	fixture->writer = ring_writer_create(fixture->segment);
	assert_non_null(fixture->writer);
	fixture->reader = ring_reader_create(fixture->segment);
	assert_non_null(fixture->reader);
	fixture->section = segment_find(fixture->segment, SEGMENT_SECTION_INPUT, 0, NULL);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	ring_writer_destroy(fixture->writer);
	ring_reader_destroy(fixture->reader);
	segment_destroy(fixture->segment);
	free(fixture);
	return 0;
}

static int push(struct ring_writer *writer, uint32_t code)
{
	const struct input_record record = {
		.type = INPUT_KEY, .code = code, .value = 1, .x = (int32_t)~code,
		.time_ns = code * UINT64_C(3),
	};

	return ring_writer_push(writer, &record);
}

static void assert_pops(struct ring_reader *reader, uint16_t type, uint32_t code)
{
	struct input_record record;

	assert_int_equal(ring_reader_pop(reader, &record), 1);
	assert_int_equal(record.type, type);
	assert_int_equal(record.code, code);
}

static void assert_empty(struct ring_reader *reader)
{
	struct input_record record;

	assert_int_equal(ring_reader_pop(reader, &record), 0);
}

static void test_in_order(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(push(fixture->writer, 1), -EPERM);
	assert_int_equal(ring_writer_acquire(fixture->writer, 0), 0);
	assert_empty(fixture->reader);
	for (uint32_t i = 0; i < 3 * INPUT_RING_RECORDS; i += 3) {
		for (uint32_t j = 0; j < 3; j++)
			assert_int_equal(push(fixture->writer, i + j), 0);
		for (uint32_t j = 0; j < 3; j++)
			assert_pops(fixture->reader, INPUT_KEY, i + j);
		assert_empty(fixture->reader);
	}
}

/* What was lost may have been a key going up: RELEASE_ALL comes first when there is room again. */
static void test_overflow(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(ring_writer_acquire(fixture->writer, 0), 0);
	for (uint32_t i = 0; i < INPUT_RING_RECORDS; i++)
		assert_int_equal(push(fixture->writer, i), 0);
	assert_int_equal(push(fixture->writer, 5000), -EAGAIN);
	assert_pops(fixture->reader, INPUT_KEY, 0);
	/* Room for one, but two are needed. */
	assert_int_equal(push(fixture->writer, 5001), -EAGAIN);
	assert_pops(fixture->reader, INPUT_KEY, 1);
	assert_int_equal(push(fixture->writer, 5002), 0);
	for (uint32_t i = 2; i < INPUT_RING_RECORDS; i++)
		assert_pops(fixture->reader, INPUT_KEY, i);
	assert_pops(fixture->reader, INPUT_RELEASE_ALL, 0);
	assert_pops(fixture->reader, INPUT_KEY, 5002);
	assert_int_equal(push(fixture->writer, 5003), 0);
	assert_pops(fixture->reader, INPUT_KEY, 5003);
	assert_empty(fixture->reader);
}

static void test_numbers_wrap(void **state)
{
	struct fixture *fixture = *state;

	ring_reader_destroy(fixture->reader);
	fixture->section->head = UINT32_MAX - 2;
	fixture->reader = ring_reader_create(fixture->segment);
	assert_int_equal(ring_writer_acquire(fixture->writer, 0), 0);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(push(fixture->writer, i), 0);
	for (uint32_t i = 0; i < 10; i++)
		assert_pops(fixture->reader, INPUT_KEY, i);
	assert_empty(fixture->reader);
}

static void test_head_lies(void **state)
{
	struct fixture *fixture = *state;
	struct input_record record;

	assert_int_equal(ring_writer_acquire(fixture->writer, 0), 0);
	fixture->section->head = INPUT_RING_RECORDS + 1;
	assert_int_equal(ring_reader_pop(fixture->reader, &record), -EPROTO);
	assert_empty(fixture->reader);
	fixture->section->head = 7;
	assert_int_equal(ring_reader_pop(fixture->reader, &record), -EPROTO);
	assert_empty(fixture->reader);
	assert_int_equal(fixture->section->tail, 7);
	/* As many records as the ring has slots is no lie, whatever is in them. */
	fixture->section->head = 7 + INPUT_RING_RECORDS;
	for (uint32_t i = 0; i < INPUT_RING_RECORDS; i++)
		assert_int_equal(ring_reader_pop(fixture->reader, &record), 1);
	assert_empty(fixture->reader);
	/* The tail is ours: what others write there means nothing to us. */
	fixture->section->tail = 12345;
	assert_empty(fixture->reader);
}

static void test_tail_lies(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(ring_writer_acquire(fixture->writer, 0), 0);
	fixture->section->tail = 99;
	assert_int_equal(push(fixture->writer, 1), -EPROTO);
	fixture->section->tail = 0;
	assert_int_equal(push(fixture->writer, 1), 0);
}

/* The next owner goes on behind nonsense left by the last one. */
static void test_owner_inherits_nonsense(void **state)
{
	struct fixture *fixture = *state;

	fixture->section->head = 0x80000000;
	assert_int_equal(ring_writer_acquire(fixture->writer, 0), 0);
	assert_int_equal(push(fixture->writer, 42), 0);
	assert_pops(fixture->reader, INPUT_KEY, 42);
	assert_empty(fixture->reader);
}

static void test_one_owner(void **state)
{
	struct fixture *fixture = *state;
	struct ring_writer *other = ring_writer_create(fixture->segment);

	assert_int_equal(ring_writer_acquire(fixture->writer, 0), 0);
	assert_int_equal(ring_writer_acquire(fixture->writer, 0), 0);
	assert_int_equal(ring_writer_acquire(other, 0), -EBUSY);
	assert_int_equal(push(other, 1), -EPERM);
	assert_false(ring_writer_owns(other));
	/* It does not lose the ring while it beats... */
	for (uint64_t second = 1; second < 10; second++) {
		ring_writer_beat(fixture->writer);
		assert_int_equal(ring_writer_acquire(other, second * SECOND), -EBUSY);
	}
	/* ...but 3 s after its last beat was seen. */
	assert_int_equal(ring_writer_acquire(other, 12 * SECOND - 1), -EBUSY);
	assert_int_equal(ring_writer_acquire(other, 12 * SECOND), 0);
	assert_false(ring_writer_owns(fixture->writer));
	assert_int_equal(push(fixture->writer, 1), -EPERM);
	/* The old one's farewell does not take it from the new one. */
	ring_writer_release(fixture->writer);
	assert_true(ring_writer_owns(other));
	ring_writer_destroy(other);
	assert_int_equal(ring_writer_acquire(fixture->writer, 0), 0);
}

static void test_owner_changes_are_seen(void **state)
{
	struct fixture *fixture = *state;

	assert_false(ring_reader_owner_changed(fixture->reader, 0));
	assert_false(ring_reader_has_owner(fixture->reader));
	assert_int_equal(ring_writer_acquire(fixture->writer, 0), 0);
	assert_true(ring_reader_owner_changed(fixture->reader, 1));
	assert_true(ring_reader_has_owner(fixture->reader));
	assert_false(ring_reader_owner_changed(fixture->reader, 2 * SECOND));
	ring_writer_beat(fixture->writer);
	assert_false(ring_reader_owner_changed(fixture->reader, 4 * SECOND));
	assert_true(ring_reader_has_owner(fixture->reader));
	/* Stale: told once. */
	assert_true(ring_reader_owner_changed(fixture->reader, 7 * SECOND));
	assert_false(ring_reader_has_owner(fixture->reader));
	assert_false(ring_reader_owner_changed(fixture->reader, 8 * SECOND));
	/* It was only asleep. */
	ring_writer_beat(fixture->writer);
	assert_false(ring_reader_owner_changed(fixture->reader, 9 * SECOND));
	assert_true(ring_reader_has_owner(fixture->reader));
	ring_writer_release(fixture->writer);
	assert_true(ring_reader_owner_changed(fixture->reader, 9 * SECOND));
	assert_false(ring_reader_has_owner(fixture->reader));
}

/* Records pushed before the VMM came are not for it. */
static void test_old_records_are_skipped(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(ring_writer_acquire(fixture->writer, 0), 0);
	assert_int_equal(push(fixture->writer, 1), 0);
	ring_reader_destroy(fixture->reader);
	fixture->reader = ring_reader_create(fixture->segment);
	assert_empty(fixture->reader);
	assert_int_equal(push(fixture->writer, 2), 0);
	assert_pops(fixture->reader, INPUT_KEY, 2);
}

#define RACE_RECORDS 200000u

static void *race_writer(void *data)
{
	struct ring_writer *writer = data;

	for (uint32_t i = 0; i < RACE_RECORDS; i++) {
		const struct input_record record = {
			.type = INPUT_KEY, .code = i, .value = (int32_t)i, .x = (int32_t)i,
			.y = (int32_t)i, .time_ns = i,
		};

		/* One lost record would be followed by a RELEASE_ALL: wait for room instead. */
		while (ring_writer_push(writer, &record) == -EAGAIN)
			sched_yield();
	}
	return NULL;
}

static void test_race(void **state)
{
	struct fixture *fixture = *state;
	struct input_record record;
	pthread_t thread;
	uint32_t next = 0;

	assert_int_equal(ring_writer_acquire(fixture->writer, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, race_writer, fixture->writer), 0);
	while (next < RACE_RECORDS) {
		int result = ring_reader_pop(fixture->reader, &record);

		assert_true(result >= 0);
		if (!result) {
			sched_yield();
			continue;
		}
		if (record.type == INPUT_RELEASE_ALL)
			continue;
		assert_int_equal(record.code, next);
		assert_int_equal(record.y, next);
		assert_int_equal(record.time_ns, next);
		next++;
	}
	pthread_join(thread, NULL);
	assert_empty(fixture->reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overflow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_numbers_wrap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_head_lies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tail_lies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_owner_inherits_nonsense, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(test_owner_changes_are_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_records_are_skipped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_race, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
