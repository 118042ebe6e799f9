/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sequence locks over shared memory: one writer, which keeps the count itself and never reads it
 * back, any number of readers, which compare the count before and after.
 */
#ifndef SEQLOCK_H
#define SEQLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * GCC warns that ThreadSanitizer does not model fences. All accesses they order are atomics or go
 * through shared_copy, which TSan does not look at, so nothing is missed and nothing reported.
 */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif

/* Orders the odd count before the data that follows. A full fence, as the memory may be
 * write-combining (a PCI BAR), where plain stores overtake each other. */
static inline void seqlock_write_begin(_Atomic uint64_t *lock, uint64_t *count)
{
	*count |= 1;
	atomic_store_explicit(lock, *count, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}

/* Orders all data before the even count. */
static inline void seqlock_write_end(_Atomic uint64_t *lock, uint64_t *count)
{
	*count += 1;
	atomic_thread_fence(memory_order_seq_cst);
	atomic_store_explicit(lock, *count, memory_order_release);
}

/* False: being written. The acquire orders the count before the reads of the data. */
static inline bool seqlock_read_begin(const _Atomic uint64_t *lock, uint64_t *count)
{
	*count = atomic_load_explicit(lock, memory_order_acquire);
	return !(*count & 1);
}

/* The fence orders the reads of the data before the second look at the count. */
static inline bool seqlock_read_end(const _Atomic uint64_t *lock, uint64_t count)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(lock, memory_order_relaxed) == count;
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#endif
