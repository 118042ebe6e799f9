/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded little-endian reading and writing of byte buffers. A reader that runs out of bytes
 * yields zeros and remembers that it failed; check reader.failed once at the end. Any thread.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct byte_reader {
	const uint8_t *bytes;
	size_t left;
	bool failed;
};

static inline struct byte_reader byte_reader_init(const void *bytes, size_t count)
{
	return (struct byte_reader){ .bytes = bytes, .left = count };
}

static inline bool byte_reader_get(struct byte_reader *reader, void *out, size_t count)
{
	if (reader->failed || count > reader->left) {
		memset(out, 0, count);
		reader->failed = true;
		return false;
	}
	memcpy(out, reader->bytes, count);
	reader->bytes += count;
	reader->left -= count;
	return true;
}

static inline uint16_t le16_load(const void *bytes)
{
	const uint8_t *b = bytes;

	return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t le32_load(const void *bytes)
{
	const uint8_t *b = bytes;

	return (uint32_t)le16_load(b) | (uint32_t)le16_load(b + 2) << 16;
}

static inline uint64_t le64_load(const void *bytes)
{
	const uint8_t *b = bytes;

	return (uint64_t)le32_load(b) | (uint64_t)le32_load(b + 4) << 32;
}

static inline void le16_store(void *bytes, uint16_t value)
{
	uint8_t *b = bytes;

	b[0] = (uint8_t)value;
	b[1] = (uint8_t)(value >> 8);
}

static inline void le32_store(void *bytes, uint32_t value)
{
	le16_store(bytes, (uint16_t)value);
	le16_store((uint8_t *)bytes + 2, (uint16_t)(value >> 16));
}

static inline void le64_store(void *bytes, uint64_t value)
{
	le32_store(bytes, (uint32_t)value);
	le32_store((uint8_t *)bytes + 4, (uint32_t)(value >> 32));
}

#endif
