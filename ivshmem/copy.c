/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ivshmem/copy.h>
#include <stdint.h>
#include <string.h>

#if defined(__SANITIZE_THREAD__)
#define COPY_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COPY_UNDER_TSAN 1
#endif
#endif

#ifdef COPY_UNDER_TSAN
/*
 * The one place where a data race is meant: the sequence lock tells afterwards whether the bytes
 * are any good. memcpy would be intercepted, so these are plain words in code TSan leaves alone.
 */
__attribute__((no_sanitize("thread"))) void shared_copy(void *to, const void *from, size_t bytes)
{
	volatile uint8_t *out = to;
	const volatile uint8_t *in = from;

	for (; bytes >= 8 && !(((uintptr_t)out | (uintptr_t)in) & 7); bytes -= 8, out += 8, in += 8)
		*(volatile uint64_t *)out = *(const volatile uint64_t *)in;
	while (bytes--)
		*out++ = *in++;
}
#else
void shared_copy(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}
#endif

void shared_copy_rows(void *to, size_t to_stride, const void *from, size_t from_stride,
		      size_t row_bytes, size_t rows)
{
	uint8_t *out = to;
	const uint8_t *in = from;

	if (rows && to_stride == from_stride && row_bytes == from_stride) {
		shared_copy(out, in, row_bytes * rows);
		return;
	}
	for (; rows; rows--, out += to_stride, in += from_stride)
		shared_copy(out, in, row_bytes);
}
