/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <base/uuid.h>
#include <cmocka.h>

static void test_there_and_back(void **state)
{
	static const uint8_t bytes[UUID_BYTES] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
						   0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10 };
	char text[UUID_TEXT_BYTES];
	struct uuid uuid;

	assert_int_equal(uuid_parse(&uuid, "01234567-89AB-cdef-FEDC-ba9876543210"), 0);
	assert_memory_equal(uuid.bytes, bytes, UUID_BYTES);
	uuid_format(&uuid, text);
	assert_string_equal(text, "01234567-89ab-cdef-fedc-ba9876543210");
	assert_false(uuid_is_zero(&uuid));
	assert_int_equal(uuid_parse(&uuid, "00000000-0000-0000-0000-000000000000"), 0);
	assert_true(uuid_is_zero(&uuid));
}

static void test_broken(void **state)
{
	static const char good[] = "01234567-89ab-cdef-fedc-ba9876543210";
	char text[UUID_TEXT_BYTES + 1];
	struct uuid uuid;

	for (size_t i = 0; i < strlen(good); i++) {
		strcpy(text, good);
		text[i] = good[i] == '-' ? '0' : 'g';
		assert_int_equal(uuid_parse(&uuid, text), -EINVAL);
		text[i] = '\0';
		assert_int_equal(uuid_parse(&uuid, text), -EINVAL);
	}
	strcpy(text, good);
	strcat(text, "0");
	assert_int_equal(uuid_parse(&uuid, text), -EINVAL);
	assert_int_equal(uuid_parse(&uuid, "0123456789abcdeffedcba9876543210"), -EINVAL);
}

static void test_random(void **state)
{
	struct uuid one, other;

	assert_int_equal(uuid_random(&one), 0);
	assert_int_equal(uuid_random(&other), 0);
	assert_memory_not_equal(&one, &other, sizeof(one));
	assert_int_equal(one.bytes[6] >> 4, 4);
	assert_int_equal(one.bytes[8] >> 6, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
