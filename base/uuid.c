/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/uuid.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

static int uuid_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool uuid_dash_before(unsigned int byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

int uuid_parse(struct uuid *uuid, const char *text)
{
	struct uuid parsed;

	for (unsigned int i = 0; i < UUID_BYTES; i++) {
		int high, low;

		if (uuid_dash_before(i) && *text++ != '-')
			return -EINVAL;
		high = uuid_digit(text[0]);
		if (high < 0)
			return -EINVAL;
		low = uuid_digit(text[1]);
		if (low < 0)
			return -EINVAL;
		parsed.bytes[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	if (*text)
		return -EINVAL;
	*uuid = parsed;
	return 0;
}

void uuid_format(const struct uuid *uuid, char text[UUID_TEXT_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned int i = 0; i < UUID_BYTES; i++) {
		if (uuid_dash_before(i))
			*text++ = '-';
		*text++ = digits[uuid->bytes[i] >> 4];
		*text++ = digits[uuid->bytes[i] & 15];
	}
	*text = '\0';
}

int uuid_random(struct uuid *uuid)
{
	if (getrandom(uuid->bytes, UUID_BYTES, 0) != UUID_BYTES)
		return -errno;
	uuid->bytes[6] = (uint8_t)((uuid->bytes[6] & 0x0f) | 0x40);
	uuid->bytes[8] = (uint8_t)((uuid->bytes[8] & 0x3f) | 0x80);
	return 0;
}

bool uuid_is_zero(const struct uuid *uuid)
{
	static const struct uuid zero;

	return !memcmp(uuid, &zero, sizeof(zero));
}
