/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What both ends of a sound ring have in common. Each end keeps its own position in its own memory
 * and only tells it; the other's is read once and checked by whoever uses it.
 *
 * The fences are full ones: behind a PCI BAR the ring may be write-combining, where plain stores
 * overtake each other and loads run ahead.
 */
#ifndef SOUND_RING_H
#define SOUND_RING_H

#include "seqlock.h"

#include <ivshmem/abi.h>
#include <ivshmem/sound.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"         /* as in seqlock.h */
#endif

/* The ring as one end sees it: samples of so many bytes, so many of them. */
struct sound_ring {
	uint8_t *data;
	uint32_t frame_bytes;           /* 0: no stream yet */
	uint32_t frames;                /* that it holds */
};

/* Bytes of a frame; 0: the numbers are not those of a stream. */
uint32_t sound_description_frame_bytes(const struct sound_description *description);
void sound_ring_init(struct sound_ring *ring, struct sound_section *section, uint32_t frame_bytes);
/* Safe for any position; count is at most ring->frames. */
void sound_ring_copy_in(const struct sound_ring *ring, uint64_t position, const void *frames,
			uint32_t count);
void sound_ring_copy_out(const struct sound_ring *ring, uint64_t position, void *frames,
			 uint32_t count);

/* Starts to count from frames. A reader in between finds generation 0, which nobody is in. */
static inline void sound_position_begin(struct sound_position *position, uint32_t generation,
					uint64_t frames)
{
	atomic_store_explicit(&position->generation, 0, memory_order_relaxed);
	/* "Counts nothing" before the number that belongs to another generation... */
	atomic_thread_fence(memory_order_seq_cst);
	atomic_store_explicit(&position->frames, frames, memory_order_relaxed);
	/* ...and that before the name of it. */
	atomic_thread_fence(memory_order_seq_cst);
	atomic_store_explicit(&position->generation, generation, memory_order_release);
}

/* Also heals what somebody else may have scribbled over. */
static inline void sound_position_advance(struct sound_position *position, uint32_t generation,
					  uint64_t frames, uint64_t now_ns)
{
	atomic_store_explicit(&position->time_ns, now_ns, memory_order_relaxed);
	atomic_store_explicit(&position->generation, generation, memory_order_relaxed);
	/* The samples are written (or copied out) before the number says so. */
	atomic_thread_fence(memory_order_seq_cst);
	atomic_store_explicit(&position->frames, frames, memory_order_release);
}

/* False: it counts nothing in this generation. */
static inline bool sound_position_load(const struct sound_position *position, uint32_t generation,
				       uint64_t *frames)
{
	/* Acquire: the generation's name before its number. */
	if (atomic_load_explicit(&position->generation, memory_order_acquire) != generation)
		return false;
	*frames = atomic_load_explicit(&position->frames, memory_order_acquire);
	/* The number before the second look at the name, and before the samples it tells of. */
	atomic_thread_fence(memory_order_seq_cst);
	return atomic_load_explicit(&position->generation, memory_order_relaxed) == generation;
}

/* The copies before, and what is looked at after it to tell whether they are whole. */
static inline void sound_ring_copied(void)
{
	atomic_thread_fence(memory_order_seq_cst);
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#endif
