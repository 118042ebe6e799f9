/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <bus/bus.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

struct probe {
	struct bus_region region;
	uint64_t answer;
	uint64_t offset, value;
	unsigned bytes;
};

static uint64_t probe_read(struct bus_region *region, uint64_t offset, unsigned bytes)
{
	struct probe *probe = (struct probe *)region;

	assert_true(bytes <= region->bytes && offset <= region->bytes - bytes);
	return probe->answer;
}

static void probe_write(struct bus_region *region, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct probe *probe = (struct probe *)region;

	probe->offset = offset;
	probe->bytes = bytes;
	probe->value = value;
}

static const struct bus_region_ops probe_ops = { .read = probe_read, .write = probe_write };

static struct probe probe_at(uint64_t base, uint64_t bytes, uint64_t answer)
{
	return (struct probe){
		.region = { .ops = &probe_ops, .base = base, .bytes = bytes, .name = "probe" },
		.answer = answer,
	};
}

static void test_dispatch(void **state)
{
	struct bus *bus = bus_create("test");
	struct probe low = probe_at(0x100, 0x10, 0x1122334455667788);
	struct probe high = probe_at(UINT64_MAX - 7, 8, 0x77);
	uint64_t value;

	assert_int_equal(bus_add(bus, &high.region), 0);
	assert_int_equal(bus_add(bus, &low.region), 0);
	assert_true(bus_read(bus, 0x108, 8, &value));
	assert_int_equal(value, 0x1122334455667788);
	assert_true(bus_read(bus, 0x10f, 1, &value));
	assert_int_equal(value, 0x88);
	assert_true(bus_write(bus, 0x104, 2, 0xabcdef));
	assert_int_equal(low.offset, 4);
	assert_int_equal(low.bytes, 2);
	assert_int_equal(low.value, 0xcdef);
	assert_true(bus_read(bus, UINT64_MAX - 7, 8, &value));
	assert_int_equal(value, 0x77);
	bus_destroy(bus);
}

static void test_unassigned_reads_all_ones(void **state)
{
	struct bus *bus = bus_create("test");
	struct probe probe = probe_at(0x100, 0x10, 0);
	uint64_t value;

	assert_false(bus_read(bus, 0x100, 4, &value));
	assert_int_equal(value, 0xffffffff);
	assert_int_equal(bus_add(bus, &probe.region), 0);
	assert_false(bus_read(bus, 0xff, 2, &value));
	assert_int_equal(value, 0xffff);
	assert_false(bus_read(bus, 0x10d, 4, &value));
	assert_false(bus_read(bus, 0x110, 1, &value));
	assert_false(bus_read(bus, 0, 8, &value));
	assert_int_equal(value, UINT64_MAX);
	assert_false(bus_read(bus, 0x100, 0, &value));
	assert_false(bus_read(bus, 0x100, 9, &value));
	assert_false(bus_write(bus, 0x10f, 2, 0));
	assert_false(bus_write(bus, 0x100, 16, 0));
	bus_remove(bus, &probe.region);
	assert_false(bus_read(bus, 0x100, 4, &value));
	bus_destroy(bus);
}

static void test_refuses_bad_regions(void **state)
{
	struct bus *bus = bus_create("test");
	struct probe middle = probe_at(0x100, 0x10, 0);
	struct probe empty = probe_at(0x500, 0, 0);
	struct probe wraps = probe_at(UINT64_MAX, 2, 0);
	struct probe before = probe_at(0xff, 2, 0);
	struct probe inside = probe_at(0x108, 1, 0);
	struct probe around = probe_at(0, 0x1000, 0);
	struct probe touching = probe_at(0xf0, 0x10, 0);

	assert_int_equal(bus_add(bus, &middle.region), 0);
	assert_int_equal(bus_add(bus, &empty.region), -EINVAL);
	assert_int_equal(bus_add(bus, &wraps.region), -EINVAL);
	assert_int_equal(bus_add(bus, &before.region), -EEXIST);
	assert_int_equal(bus_add(bus, &inside.region), -EEXIST);
	assert_int_equal(bus_add(bus, &around.region), -EEXIST);
	assert_int_equal(bus_add(bus, &middle.region), -EEXIST);
	assert_int_equal(bus_add(bus, &touching.region), 0);
	bus_remove(bus, &inside.region);
	bus_destroy(bus);
}

static void test_table_full(void **state)
{
	static struct probe probes[BUS_MAX_REGIONS + 1];
	struct bus *bus = bus_create("test");
	uint64_t value;

	for (unsigned i = 0; i <= BUS_MAX_REGIONS; i++) {
		probes[i] = probe_at(0x1000 - 8 * i, 4, i);
		assert_int_equal(bus_add(bus, &probes[i].region),
				 i < BUS_MAX_REGIONS ? 0 : -ENOSPC);
	}
	for (unsigned i = 0; i < BUS_MAX_REGIONS; i++) {
		assert_true(bus_read(bus, 0x1000 - 8 * i, 4, &value));
		assert_int_equal(value, i);
		assert_false(bus_read(bus, 0x1000 - 8 * i + 4, 4, &value));
	}
	bus_destroy(bus);
}

struct churn {
	struct bus *bus;
	_Atomic bool stop;
	_Atomic unsigned wrong;
};

static void *churn_read(void *data)
{
	struct churn *churn = data;
	uint64_t value;

	/* The regions that stay must answer whatever moves around them. */
	while (!atomic_load(&churn->stop)) {
		for (unsigned i = 0; i < 4; i++) {
			if (!bus_read(churn->bus, 0x1000 * i + 8, 4, &value) || value != i)
				atomic_fetch_add(&churn->wrong, 1);
			bus_read(churn->bus, 0x1000 * i + 0x808, 4, &value);
			if (value != 0xffffffff && value != 100 + i)
				atomic_fetch_add(&churn->wrong, 1);
		}
	}
	return NULL;
}

static void test_changes_under_readers(void **state)
{
	static struct probe stay[4], move[4];
	struct churn churn = { .bus = bus_create("test") };
	pthread_t reader;

	for (unsigned i = 0; i < 4; i++) {
		stay[i] = probe_at(0x1000 * i, 0x100, i);
		move[i] = probe_at(0x1000 * i + 0x800, 0x100, 100 + i);
		assert_int_equal(bus_add(churn.bus, &stay[i].region), 0);
	}
	assert_int_equal(pthread_create(&reader, NULL, churn_read, &churn), 0);
	for (unsigned round = 0; round < 20000; round++) {
		if (round & 4)
			bus_remove(churn.bus, &move[round % 4].region);
		else
			assert_int_equal(bus_add(churn.bus, &move[round % 4].region), 0);
	}
	atomic_store(&churn.stop, true);
	pthread_join(reader, NULL);
	assert_int_equal(churn.wrong, 0);
	bus_destroy(churn.bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dispatch),
		cmocka_unit_test(test_unassigned_reads_all_ones),
		cmocka_unit_test(test_refuses_bad_regions),
		cmocka_unit_test(test_table_full),
		cmocka_unit_test(test_changes_under_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
