/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <chips/rtc.h>
#include "chip_rig.h"

/* 2026-11-21 13:05:09 UTC, a Saturday */
#define NOW 1795266309

static time_t bench_now;

static time_t bench_time(void)
{
	return bench_now;
}

static struct rtc *bench_open(void)
{
	struct rtc *rtc = rtc_create(bench_time);

	bench_now = NOW;
	assert_non_null(rtc);
	return rtc;
}

static uint8_t get(struct rtc *rtc, uint8_t index)
{
	chip_write(rtc_region(rtc), 0, 1, index);
	return (uint8_t)chip_read(rtc_region(rtc), 1, 1);
}

static void set(struct rtc *rtc, uint8_t index, uint8_t value)
{
	chip_write(rtc_region(rtc), 0, 1, index);
	chip_write(rtc_region(rtc), 1, 1, value);
}

static void test_reads_time(void **state)
{
	struct rtc *rtc = bench_open();

	assert_int_equal(get(rtc, 0x0a), 0x26);
	assert_int_equal(get(rtc, 0x0b), 0x02);
	assert_int_equal(get(rtc, 0x0d), 0x80);
	assert_int_equal(get(rtc, 0x00), 0x09);
	assert_int_equal(get(rtc, 0x02), 0x05);
	assert_int_equal(get(rtc, 0x04), 0x13);
	assert_int_equal(get(rtc, 0x06), 7);
	assert_int_equal(get(rtc, 0x07), 0x21);
	assert_int_equal(get(rtc, 0x08), 0x11);
	assert_int_equal(get(rtc, 0x09), 0x26);
	assert_int_equal(get(rtc, 0x32), 0x20);
	assert_int_equal(get(rtc, 0x80), 0x09);         /* the NMI bit is no address bit */
	bench_now += 51;
	assert_int_equal(get(rtc, 0x00), 0x00);
	assert_int_equal(get(rtc, 0x02), 0x06);
	rtc_destroy(rtc);
}

static void test_formats(void **state)
{
	struct rtc *rtc = bench_open();

	set(rtc, 0x0b, 0x06);                           /* binary, 24 hours */
	assert_int_equal(get(rtc, 0x04), 13);
	assert_int_equal(get(rtc, 0x09), 26);
	set(rtc, 0x0b, 0x00);                           /* BCD, 12 hours */
	assert_int_equal(get(rtc, 0x04), 0x81);
	bench_now -= 13 * 3600;                         /* 00:05 is 12:05 AM */
	assert_int_equal(get(rtc, 0x04), 0x12);
	rtc_destroy(rtc);
}

static void test_guest_sets_time(void **state)
{
	struct rtc *rtc = bench_open();

	set(rtc, 0x0b, 0x82);
	bench_now += 30;
	assert_int_equal(get(rtc, 0x00), 0x09);         /* held: stands still */
	set(rtc, 0x00, 0x30);
	set(rtc, 0x02, 0x59);
	set(rtc, 0x04, 0x23);
	set(rtc, 0x07, 0x31);
	set(rtc, 0x08, 0x12);
	set(rtc, 0x09, 0x99);
	set(rtc, 0x32, 0x19);
	set(rtc, 0x0b, 0x02);
	assert_int_equal(get(rtc, 0x04), 0x23);
	bench_now += 30;
	assert_int_equal(get(rtc, 0x00), 0x00);
	assert_int_equal(get(rtc, 0x09), 0x00);         /* into 2000 */
	assert_int_equal(get(rtc, 0x32), 0x20);
	set(rtc, 0x09, 0x10);                           /* without holding */
	assert_int_equal(get(rtc, 0x09), 0x10);
	rtc_reset(rtc);
	assert_int_equal(get(rtc, 0x09), 0x10);
	rtc_destroy(rtc);
}

static void test_memory(void **state)
{
	struct rtc *rtc = bench_open();

	set(rtc, 0x40, 0xa5);
	set(rtc, 0x0c, 0xff);
	set(rtc, 0x0d, 0x00);
	set(rtc, 0x0a, 0xff);
	assert_int_equal(get(rtc, 0x40), 0xa5);
	assert_int_equal(get(rtc, 0x0c), 0);
	assert_int_equal(get(rtc, 0x0d), 0x80);
	assert_int_equal(get(rtc, 0x0a), 0x7f);         /* never "update in progress" */
	rtc_reset(rtc);
	assert_int_equal(get(rtc, 0x40), 0xa5);
	rtc_destroy(rtc);
}

static void test_any_access(void **state)
{
	struct rtc *rtc = bench_open();
	unsigned int index, value;

	set(rtc, 0x32, 0);
	set(rtc, 0x09, 0);
	set(rtc, 0x08, 0);                              /* the month before year 0 */
	assert_int_equal(get(rtc, 0x09), 0);
	chip_hammer(rtc_region(rtc));
	for (index = 0; index < 256; index++)
		for (value = 0; value < 256; value += 5) {
			set(rtc, (uint8_t)index, (uint8_t)value);
			get(rtc, (uint8_t)index);
		}
	assert_int_equal(get(rtc, 0x0d), 0x80);
	rtc_destroy(rtc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_time),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_guest_sets_time),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_any_access),
	};

	return cmocka_run_group_tests_name("rtc", tests, NULL, NULL);
}
