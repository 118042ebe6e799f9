/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies into and out of memory that somebody else may be writing at the same time. What was
 * copied means something only after the sequence lock around it was checked. Any thread.
 */
#ifndef IVSHMEM_COPY_H
#define IVSHMEM_COPY_H

#include <stddef.h>

/* As memcpy, at memcpy's speed, but a race here is not undefined for ThreadSanitizer. */
void shared_copy(void *to, const void *from, size_t bytes);
/* Rows of bytes each; one copy when both sides have no gap between rows. */
void shared_copy_rows(void *to, size_t to_stride, const void *from, size_t from_stride,
		      size_t row_bytes, size_t rows);

#endif
