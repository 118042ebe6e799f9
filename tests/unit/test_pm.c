/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <chips/pm.h>
#include <chips/reset_ports.h>
#include <time.h>
#include "chip_rig.h"

#define POWER_BUTTON 0x100u
#define SLEEP_ENABLE 0x2000u

struct bench {
	struct chip_rig rig;
	unsigned int soft_offs;
	struct pm *pm;
	struct bus_region *region;
};

static void bench_soft_off(void *data)
{
	struct bench *bench = data;

	bench->soft_offs++;
}

static void bench_open(struct bench *bench)
{
	struct pm_config config = { .base = 0x600, .soft_off = bench_soft_off, .data = bench };

	*bench = (struct bench){ .soft_offs = 0 };
	config.sci = chip_rig_line(&bench->rig, PM_SCI_GSI);
	bench->pm = pm_create(&config);
	assert_non_null(bench->pm);
	bench->region = pm_region(bench->pm);
}

static void test_power_button(void **state)
{
	struct bench bench;

	bench_open(&bench);
	pm_power_button(bench.pm);
	assert_false(bench.rig.level);          /* not enabled: no interrupt, but remembered */
	assert_int_equal(chip_read(bench.region, PM_PM1_EVENT_OFFSET, 2), POWER_BUTTON);
	chip_write(bench.region, PM_PM1_EVENT_OFFSET + 2, 2, POWER_BUTTON);
	assert_true(bench.rig.level);
	chip_write(bench.region, PM_PM1_EVENT_OFFSET, 2, 0x0001);
	assert_true(bench.rig.level);           /* another bit was cleared */
	chip_write(bench.region, PM_PM1_EVENT_OFFSET, 2, POWER_BUTTON);
	assert_false(bench.rig.level);
	assert_int_equal(chip_read(bench.region, PM_PM1_EVENT_OFFSET, 4), POWER_BUTTON << 16);
	pm_power_button(bench.pm);
	assert_true(bench.rig.level);
	pm_reset(bench.pm);
	assert_false(bench.rig.level);
	assert_int_equal(chip_read(bench.region, PM_PM1_EVENT_OFFSET, 4), 0);
	pm_destroy(bench.pm);
}

static void test_soft_off(void **state)
{
	struct bench bench;

	bench_open(&bench);
	assert_int_equal(chip_read(bench.region, PM_PM1_CONTROL_OFFSET, 2), 1);  /* SCI_EN */
	chip_write(bench.region, PM_PM1_CONTROL_OFFSET, 2, PM_SLEEP_TYPE_S5 << 10);
	assert_int_equal(bench.soft_offs, 0);
	chip_write(bench.region, PM_PM1_CONTROL_OFFSET, 2, PM_SLEEP_TYPE_S5 << 10 | SLEEP_ENABLE);
	assert_int_equal(bench.soft_offs, 1);
	assert_int_equal(chip_read(bench.region, PM_PM1_CONTROL_OFFSET, 2) & SLEEP_ENABLE, 0);
	chip_write(bench.region, PM_PM1_CONTROL_OFFSET, 2, 3u << 10 | SLEEP_ENABLE);    /* S3 */
	assert_int_equal(bench.soft_offs, 1);
	/* A byte at a time does the same. */
	chip_write(bench.region, PM_PM1_CONTROL_OFFSET + 1, 1, 0x34);
	assert_int_equal(bench.soft_offs, 2);
	pm_destroy(bench.pm);
}

static void test_timer(void **state)
{
	struct timespec delay = { .tv_nsec = 20000000 };
	struct bench bench;
	uint64_t before, after;

	bench_open(&bench);
	before = chip_read(bench.region, PM_TIMER_OFFSET, 4);
	nanosleep(&delay, NULL);
	after = chip_read(bench.region, PM_TIMER_OFFSET, 4);
	assert_true(after < 1u << 24);
	/* 20 ms are 71591 ticks; a busy machine may sleep longer. */
	assert_in_range((after - before) & 0xffffff, 71591, 71591 * 200);
	chip_write(bench.region, PM_TIMER_OFFSET, 4, 0);
	assert_true(chip_read(bench.region, PM_TIMER_OFFSET, 4) >= after);
	pm_destroy(bench.pm);
}

static void test_general_events(void **state)
{
	struct bench bench;

	bench_open(&bench);
	chip_write(bench.region, PM_GPE0_OFFSET + PM_GPE0_BYTES / 2, 1, 0xff);
	assert_int_equal(chip_read(bench.region, PM_GPE0_OFFSET + PM_GPE0_BYTES / 2, 1), 0xff);
	chip_write(bench.region, PM_GPE0_OFFSET, 1, 0xff);      /* status cannot be set */
	assert_int_equal(chip_read(bench.region, PM_GPE0_OFFSET, 1), 0);
	assert_false(bench.rig.level);
	pm_destroy(bench.pm);
}

static void test_any_access(void **state)
{
	struct bench bench;

	bench_open(&bench);
	chip_hammer(bench.region);
	assert_int_equal(chip_read(bench.region, PM_PM1_CONTROL_OFFSET, 1) & 1, 1);
	pm_destroy(bench.pm);
}

static void count_reset(void *data)
{
	unsigned int *resets = data;

	(*resets)++;
}

static void test_reset_ports(void **state)
{
	unsigned int resets = 0;
	struct reset_ports *ports = reset_ports_create(count_reset, &resets);
	struct bus_region *keyboard = reset_ports_keyboard_region(ports);
	struct bus_region *control = reset_ports_control_region(ports);

	assert_int_equal(chip_read(keyboard, 0, 1), 0);         /* ready for a command */
	chip_write(keyboard, 0, 1, 0xaa);
	assert_int_equal(resets, 0);
	chip_write(keyboard, 0, 1, 0xfe);
	assert_int_equal(resets, 1);
	assert_int_equal(chip_read(control, 0, 1), 2);          /* A20 is open */
	chip_write(control, 0, 1, 2);
	assert_int_equal(resets, 1);
	chip_write(control, 0, 1, 3);
	assert_int_equal(resets, 2);
	reset_ports_destroy(ports);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_power_button),
		cmocka_unit_test(test_soft_off),
		cmocka_unit_test(test_timer),
		cmocka_unit_test(test_general_events),
		cmocka_unit_test(test_any_access),
		cmocka_unit_test(test_reset_ports),
	};

	return cmocka_run_group_tests_name("pm", tests, NULL, NULL);
}
