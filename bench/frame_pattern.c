/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frame_path.h"

/* As wide as the machine can: the check must not cost more than reading the memory does. The
 * sanitizers cannot be up yet when the choice is made. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define PATTERN_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define PATTERN_WIDE
#endif

PATTERN_WIDE void frame_pattern_fill(uint8_t *pixels, size_t pitch, const struct frame_rect *rect,
				     uint64_t base)
{
	size_t words = rect->width / 2;

	for (uint32_t y = 0; y < rect->height; y++, base += words) {
		uint64_t *row = (uint64_t *)(pixels + (rect->y + y) * pitch) + rect->x / 2;

		for (size_t i = 0; i < words; i++)
			row[i] = base + i;
	}
}

PATTERN_WIDE bool frame_pattern_check(const uint8_t *pixels, size_t pitch,
				      const struct frame_rect *rect, uint64_t base)
{
	size_t words = rect->width / 2;
	uint64_t wrong = 0;

	for (uint32_t y = 0; y < rect->height; y++, base += words) {
		const uint64_t *row =
			(const uint64_t *)(pixels + (rect->y + y) * pitch) + rect->x / 2;

		for (size_t i = 0; i < words; i++)
			wrong |= row[i] ^ (base + i);
	}
	return !wrong;
}
