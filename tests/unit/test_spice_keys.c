/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <base/scan_codes.h>
#include <cmocka.h>
#include <linux/input-event-codes.h>
#include <spice/spice_keys.h>

/* What comes out of bytes, as "30+ 30- ". */
static const char *feed(struct spice_keys *keys, const uint8_t *bytes, size_t count)
{
	static char text[256];
	size_t used = 0;
	uint16_t code;
	bool down;

	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		if (spice_keys_feed(keys, bytes[i], &code, &down))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%u%c ", code,
						 down ? '+' : '-');
	return text;
}

#define FEED(keys, ...) feed(keys, (const uint8_t[]){ __VA_ARGS__ }, \
			     sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void test_known_keys(void **state)
{
	struct spice_keys keys = { 0 };

	assert_string_equal(FEED(&keys, 0x1e, 0x9e), "30+ 30- ");
	assert_string_equal(FEED(&keys, 0x01, 0x81, 0x53, 0xd3), "1+ 1- 83+ 83- ");
	assert_string_equal(FEED(&keys, 0x57, 0x58, 0x56), "87+ 88+ 86+ ");
	assert_string_equal(FEED(&keys, 0xe0, 0x4d, 0xe0, 0xcd), "106+ 106- ");
	assert_string_equal(FEED(&keys, 0xe0, 0x1d, 0xe0, 0x9d), "97+ 97- ");
	assert_string_equal(FEED(&keys, 0xe0, 0x46, 0xe0, 0xc6), "119+ 119- ");
	assert_string_equal(FEED(&keys, 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5), "119+ 119- ");
	assert_string_equal(FEED(&keys, 0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa),
			    "99+ 99- ");
}

/* Every byte, plain and after E0: a release names the key of its press; no two plain ones are one. */
static void test_all_pairs(void **state)
{
	static const uint8_t prefixes[] = { 0, 0xe0 };
	uint16_t plain[0x80] = { 0 }, code, up_code;
	struct spice_keys keys = { 0 };
	unsigned int found = 0;
	bool down, up;

	for (size_t p = 0; p < 2; p++) {
		for (unsigned int scan = 0; scan < 0x60; scan++) {
			bool known;

			if (prefixes[p])
				assert_false(spice_keys_feed(&keys, prefixes[p], &code, &down));
			known = spice_keys_feed(&keys, (uint8_t)scan, &code, &down);
			if (prefixes[p])
				assert_false(spice_keys_feed(&keys, prefixes[p], &up_code, &up));
			assert_int_equal(spice_keys_feed(&keys, (uint8_t)(scan | 0x80), &up_code,
							 &up), known);
			assert_int_equal(keys.prefix, 0);
			if (!known)
				continue;
			assert_true(down);
			assert_false(up);
			assert_int_equal(code, up_code);
			assert_in_range(code, 1, 255);
			found++;
			if (p == 0) {
				for (unsigned int other = 0; other < scan; other++)
					assert_int_not_equal(plain[other], code);
				plain[scan] = code;
			}
		}
	}
	assert_in_range(found, 110, 130);
}

/* What Looking Glass B7 sends for extended keys: E0, code, DF. */
static void test_extended_with_a_tail(void **state)
{
	struct spice_keys keys = { 0 };

	assert_string_equal(FEED(&keys, 0xe0, 0x4d, 0xdf), "106+ ");
	assert_string_equal(FEED(&keys, 0xe0, 0xcd, 0xdf), "106- ");
	assert_string_equal(FEED(&keys, 0xe0, 0x5f, 0xdf, 0xe0, 0xdf, 0xdf), "142+ 142- ");
	for (unsigned int scan = 0; scan < 0xe0; scan++) {
		uint16_t code;
		bool down;

		spice_keys_feed(&keys, 0xe0, &code, &down);
		spice_keys_feed(&keys, (uint8_t)scan, &code, &down);
		assert_false(spice_keys_feed(&keys, 0xdf, &code, &down));
	}
	assert_string_equal(FEED(&keys, 0x1e), "30+ ");
}

static void test_broken(void **state)
{
	struct spice_keys keys = { 0 };

	assert_string_equal(FEED(&keys, 0x00, 0x80, 0xff, 0x55, 0x5f, 0xdf), "");
	assert_string_equal(FEED(&keys, 0xe0, 0xe0, 0xe0, 0x4b), "105+ ");
	assert_string_equal(FEED(&keys, 0xe0, 0xe1, 0x1d, 0x45), "119+ ");
	assert_string_equal(FEED(&keys, 0xe1, 0xe0, 0x4b), "105+ ");
	assert_string_equal(FEED(&keys, 0xe1, 0x1d, 0xe0, 0x4b), "105+ ");
	/* Neither a Ctrl nor a NumLock comes out of half a Pause. */
	assert_string_equal(FEED(&keys, 0xe1, 0x1d, 0xc5), "");
	assert_string_equal(FEED(&keys, 0xe1, 0x9d, 0x45), "");
	assert_string_equal(FEED(&keys, 0xe1, 0x1d, 0x1d), "");
	assert_string_equal(FEED(&keys, 0xe1, 0x45, 0x1e), "30+ ");
}

/* After any two bytes, a key whose code is whole is understood: nothing is stuck. */
static void test_recovers(void **state)
{
	for (unsigned int i = 0; i < 0x10000; i++) {
		struct spice_keys keys = { 0 };

		FEED(&keys, (uint8_t)(i >> 8), (uint8_t)i);
		assert_string_equal(FEED(&keys, 0xe0, 0x4b), "105+ ");
		assert_string_equal(FEED(&keys, 0x1e), "30+ ");
	}
}

/* What our client sends for a key, press and release, is that key here. */
static void test_every_key_comes_back(void **state)
{
	struct spice_keys keys = { 0 };
	unsigned int found = 0;

	for (unsigned int key = 0; key < KEY_CNT; key++) {
		unsigned int code = scan_code_of_key(key);
		uint8_t scan = (uint8_t)(code & ~SCAN_CODE_EXTENDED);
		char expected[32];

		if (!code)
			continue;
		assert_int_equal(scan_code_key(code), key);
		snprintf(expected, sizeof(expected), "%u+ %u- ", key, key);
		assert_string_equal(code & SCAN_CODE_EXTENDED ?
				    FEED(&keys, 0xe0, scan, 0xe0, scan | 0x80) :
				    FEED(&keys, scan, scan | 0x80), expected);
		found++;
	}
	assert_in_range(found, 140, 150);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_comes_back),
		cmocka_unit_test(test_known_keys),
		cmocka_unit_test(test_all_pairs),
		cmocka_unit_test(test_extended_with_a_tail),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_recovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
