/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A UUID in the byte order of its text (RFC 4122), which is also that of SPICE. Any thread. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

#define UUID_BYTES 16
#define UUID_TEXT_BYTES 37      /* with its NUL */

struct uuid {
	uint8_t bytes[UUID_BYTES];
};

/* 8-4-4-4-12 hexadecimal digits of either case. 0 or -EINVAL. */
int uuid_parse(struct uuid *uuid, const char *text);
/* In lower case. */
void uuid_format(const struct uuid *uuid, char text[UUID_TEXT_BYTES]);
/* Of version 4. 0 or -errno. */
int uuid_random(struct uuid *uuid);
bool uuid_is_zero(const struct uuid *uuid);

#endif
