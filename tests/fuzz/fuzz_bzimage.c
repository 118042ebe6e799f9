/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel file: the first two bytes say how long it pretends to be, the rest is its beginning,
 * with the magic numbers put in half of the time so that the fields behind them are reached.
 */
#include "fuzz.h"

#include <base/bytes.h>
#include <base/options.h>
#include <boot/bzimage.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t head[BZIMAGE_HEAD_BYTES] = { 0 };
	struct option_error error;
	struct bzimage image;
	uint64_t file_bytes;
	size_t bytes;

	if (size < 2)
		return 0;
	file_bytes = (uint64_t)le16_load(data) * 16;
	bytes = size - 2 < sizeof(head) ? size - 2 : sizeof(head);
	memcpy(head, data + 2, bytes);
	if (data[0] & 1) {
		le16_store(head + 0x1fe, 0xaa55);
		memcpy(head + 0x202, "HdrS", 4);
		le16_store(head + 0x206, 0x020f);
		head[0x211] |= 1;
		head[0x236] |= 1;
	}
	if (bzimage_parse("fuzz", head, bytes, file_bytes, &image, &error) < 0) {
		fuzz_check(error.text[0] && !strchr(error.text, '\n'));
		return 0;
	}
	fuzz_check(image.payload_offset < file_bytes);
	fuzz_check(image.payload_bytes == file_bytes - image.payload_offset);
	fuzz_check(image.memory_bytes >= image.payload_bytes);
	fuzz_check(image.load_gpa >= 0x100000 && image.load_gpa <= UINT32_MAX);
	fuzz_check(image.setup_bytes <= BZIMAGE_SETUP_MAX_BYTES);
	fuzz_check(BZIMAGE_SETUP_OFFSET + image.setup_bytes <= sizeof(head));
	return 0;
}
