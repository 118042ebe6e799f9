/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads EDIDs back with a parser of its own. With arguments INDEX WIDTH HEIGHT it prints one
 * as hex digits instead, for edid-decode.
 */
#include "edid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct parsed_timing {
	uint32_t width, height, horizontal_total, vertical_total, clock_khz;
	uint32_t horizontal_sync_end, vertical_sync_end;        /* from the start of the blanking */
	bool preferred;
};

static uint8_t sum_of(const uint8_t *bytes, size_t count)
{
	uint8_t sum = 0;

	while (count-- > 0)
		sum = (uint8_t)(sum + *bytes++);
	return sum;
}

static struct parsed_timing parse_base_timing(const uint8_t *d)
{
	struct parsed_timing timing = {
		.width = d[2] + (d[4] >> 4) * 256u,
		.height = d[5] + (d[7] >> 4) * 256u,
		.clock_khz = (d[0] + d[1] * 256u) * 10,
		.preferred = true,
	};

	timing.horizontal_total = timing.width + d[3] + (d[4] & 15) * 256u;
	timing.vertical_total = timing.height + d[6] + (d[7] & 15) * 256u;
	timing.horizontal_sync_end = d[8] + (d[11] >> 6) * 256u + d[9] + (d[11] >> 4 & 3) * 256u;
	timing.vertical_sync_end = (d[10] >> 4) + (d[11] >> 2 & 3) * 16u + (d[10] & 15) +
				   (d[11] & 3) * 16u;
	return timing;
}

static uint32_t displayid_field(const uint8_t *d)
{
	return ((d[0] + d[1] * 256u) & 0x7fff) + 1;
}

/* The first block of this tag in a DisplayID section; its payload. */
static const uint8_t *find_displayid_block(const uint8_t *section, uint8_t tag)
{
	const uint8_t *block = section + 4, *end = section + 4 + section[1];

	while (block + 3 <= end && block[0] != tag)
		block += 3 + block[2];
	assert_true(block + 3 <= end && block + 3 + block[2] <= end);
	return block + 3;
}

static struct parsed_timing parse_displayid(const uint8_t *block)
{
	const uint8_t *d;
	struct parsed_timing timing;

	assert_int_equal(block[0], 0x70);
	assert_int_equal(block[1], 0x12);
	assert_in_range(block[2], 23, 121);
	/* Version, count, product type, extensions, payload and checksum add up to 0. */
	assert_int_equal(sum_of(block + 1, 5u + block[2]), 0);
	assert_memory_equal(find_displayid_block(block + 1, 0x00), "VTN", 3);
	d = find_displayid_block(block + 1, 0x03);
	assert_int_equal(d[-1], 20);
	timing = (struct parsed_timing){
		.width = displayid_field(d + 4),
		.height = displayid_field(d + 12),
		.clock_khz = (d[0] + d[1] * 256u + d[2] * 65536u + 1) * 10,
		.preferred = d[3] & 0x80,
	};
	timing.horizontal_total = timing.width + displayid_field(d + 6);
	timing.vertical_total = timing.height + displayid_field(d + 14);
	timing.horizontal_sync_end = displayid_field(d + 8) + displayid_field(d + 10);
	timing.vertical_sync_end = displayid_field(d + 16) + displayid_field(d + 18);
	return timing;
}

static void check_timing(const struct parsed_timing *timing, uint32_t width, uint32_t height)
{
	uint64_t pixels = (uint64_t)timing->horizontal_total * timing->vertical_total;
	double hertz = timing->clock_khz * 1000.0 / (double)pixels;

	assert_int_equal(timing->width, width);
	assert_int_equal(timing->height, height);
	assert_true(timing->preferred);
	assert_true(timing->horizontal_sync_end < timing->horizontal_total - timing->width);
	assert_true(timing->vertical_sync_end < timing->vertical_total - timing->height);
	/* The clock has steps of 250 kHz. */
	assert_true(hertz <= 60.001 && hertz > 60.0 - 60.0 * 251 / timing->clock_khz);
}

static const uint8_t *find_descriptor(const uint8_t *edid, uint8_t tag)
{
	for (int at = 54; at < 126; at += 18)
		if (edid[at] == 0 && edid[at + 1] == 0 && edid[at + 3] == tag)
			return edid + at;
	fail_msg("no descriptor 0x%x", tag);
	return NULL;
}

static void check_size(const uint8_t *edid, uint32_t width, uint32_t height)
{
	uint32_t width_mm = edid[54 + 12] + (edid[54 + 14] >> 4) * 256u;
	uint32_t height_mm = edid[54 + 13] + (edid[54 + 14] & 15) * 256u;

	/* 96 to 110 dots per inch, give or take half a millimetre. */
	if (width_mm < 4095)
		assert_in_range(width * 254, (width_mm * 10 - 5) * 96, (width_mm * 10 + 5) * 110);
	if (height_mm < 4095)
		assert_in_range(height * 254, (height_mm * 10 - 5) * 96, (height_mm * 10 + 5) * 110);
	if (width_mm < 2540)
		assert_in_range(edid[21], (width_mm + 5) / 10 - 1, (width_mm + 5) / 10 + 1);
}

static void check_edid(uint32_t index, uint32_t width, uint32_t height)
{
	static const uint8_t magic[8] = { 0, 255, 255, 255, 255, 255, 255, 0 };
	uint8_t edid[GPU_EDID_MAX_BYTES];
	size_t bytes = gpu_edid_build(index, width, height, edid);
	struct parsed_timing timing = parse_base_timing(edid + 54);
	const uint8_t *range = find_descriptor(edid, 0xfd);
	char serial[32];

	assert_memory_equal(edid, magic, sizeof(magic));
	assert_int_equal(edid[18], 1);
	assert_int_equal(edid[19], 4);
	assert_int_equal(bytes, 128 + 128 * edid[126]);
	for (size_t at = 0; at < bytes; at += 128)
		assert_int_equal(sum_of(edid + at, 128), 0);
	assert_int_equal(edid[12], index + 1);
	assert_memory_equal(find_descriptor(edid, 0xfc) + 5, "Vitrine\n     ", 13);
	snprintf(serial, sizeof(serial), "VITRINE-%u\n", index);
	assert_memory_equal(find_descriptor(edid, 0xff) + 5, serial, strlen(serial));
	if (bytes == 256) {
		check_timing(&timing, 1024, 768);
		timing = parse_displayid(edid + 128);
	}
	check_timing(&timing, width, height);
	check_size(edid, width, height);
	/* The preferred timing lies inside the range limits. */
	assert_in_range(60, range[5], range[6]);
	if (timing.clock_khz <= 2550000)
		assert_true(timing.clock_khz <= range[9] * 10000u);
	assert_true(timing.clock_khz / timing.horizontal_total >= range[7]);
	if (timing.clock_khz / timing.horizontal_total < 510)
		assert_true(timing.clock_khz / timing.horizontal_total <=
			    range[8] + (range[4] & 8 ? 255u : 0u));
}

static void test_usual_sizes(void **state)
{
	static const uint16_t sizes[][2] = {
		{ 640, 480 }, { 800, 600 }, { 1024, 768 }, { 1280, 720 }, { 1280, 800 },
		{ 1366, 768 }, { 1440, 900 }, { 1600, 900 }, { 1920, 1080 }, { 1920, 1200 },
		{ 2560, 1440 }, { 3440, 1440 }, { 3840, 2160 }, { 4095, 2160 },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t edid[GPU_EDID_MAX_BYTES];

		check_edid(0, sizes[i][0], sizes[i][1]);
		assert_int_equal(gpu_edid_build(0, sizes[i][0], sizes[i][1], edid), 128);
	}
}

static void test_odd_and_large_sizes(void **state)
{
	static const uint16_t sizes[][2] = {
		{ 64, 64 }, { 65, 16384 }, { 1367, 769 }, { 1000, 3000 }, { 4096, 2160 },
		{ 5120, 2880 }, { 7680, 4320 }, { 4095, 4095 }, { 16384, 64 }, { 16384, 16384 },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		check_edid(15, sizes[i][0], sizes[i][1]);
	for (uint32_t i = 0; i < 2000; i++)
		check_edid(i % 16, 64 + i * 7919 % 16321, 64 + i * 104729 % 16321);
}

/* Known values of CVT with reduced blanking. */
static void test_known_timing(void **state)
{
	struct gpu_edid_timing timing;

	gpu_edid_timing(&timing, 1920, 1080);
	assert_int_equal(timing.clock_khz, 138500);
	assert_int_equal(timing.height + timing.vertical_blank, 1111);
	gpu_edid_timing(&timing, 1680, 1050);
	assert_int_equal(timing.clock_khz, 119000);
	assert_int_equal(timing.height + timing.vertical_blank, 1080);
}

static void test_unplugged(void **state)
{
	uint8_t edid[GPU_EDID_MAX_BYTES];
	struct parsed_timing timing;

	assert_int_equal(gpu_edid_build(1, 0, 0, edid), 128);
	timing = parse_base_timing(edid + 54);
	check_timing(&timing, 1024, 768);
}

static int print_edid(char **argv)
{
	uint8_t edid[GPU_EDID_MAX_BYTES];
	size_t bytes = gpu_edid_build((uint32_t)atoi(argv[1]), (uint32_t)atoi(argv[2]),
				      (uint32_t)atoi(argv[3]), edid);

	for (size_t i = 0; i < bytes; i++)
		printf("%02x%s", edid[i], i % 16 == 15 ? "\n" : " ");
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual_sizes),
		cmocka_unit_test(test_odd_and_large_sizes),
		cmocka_unit_test(test_known_timing),
		cmocka_unit_test(test_unplugged),
	};

	if (argc == 4)
		return print_edid(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
