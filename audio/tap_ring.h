/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 16-bit stereo frames from one thread to another. One pushes, one pops; neither waits.
 */
#ifndef AUDIO_TAP_RING_H
#define AUDIO_TAP_RING_H

#include <stdatomic.h>
#include <stdint.h>

#define TAP_RING_FRAMES 32768u

struct tap_ring {
	/* Positions count frames and wrap; the place is the position modulo the size. */
	_Atomic uint32_t pushed, popped;
	int16_t frames[TAP_RING_FRAMES][2];
};

/* The end of what was pushed. Acquire: the frames before it, and whatever their pusher had stored
 * before that, are seen by whoever reads after this. */
static inline uint32_t tap_ring_end(const struct tap_ring *ring)
{
	return atomic_load_explicit(&ring->pushed, memory_order_acquire);
}

/* Pusher: frames that lie together at *to and may be written; 0: full. */
static inline uint32_t tap_ring_room(struct tap_ring *ring, int16_t **to)
{
	uint32_t pushed = atomic_load_explicit(&ring->pushed, memory_order_relaxed);
	/* Acquire: they have been read before they are written again. */
	uint32_t popped = atomic_load_explicit(&ring->popped, memory_order_acquire);
	uint32_t room = TAP_RING_FRAMES - (pushed - popped);
	uint32_t place = pushed % TAP_RING_FRAMES;

	*to = ring->frames[place];
	return room < TAP_RING_FRAMES - place ? room : TAP_RING_FRAMES - place;
}

/* Pusher: count of them are written. */
static inline void tap_ring_push(struct tap_ring *ring, uint32_t count)
{
	uint32_t pushed = atomic_load_explicit(&ring->pushed, memory_order_relaxed);

	/* Release: orders the frames before the position that covers them. */
	atomic_store_explicit(&ring->pushed, pushed + count, memory_order_release);
}

static inline uint32_t tap_ring_fill(const struct tap_ring *ring)
{
	return tap_ring_end(ring) - atomic_load_explicit(&ring->popped, memory_order_relaxed);
}

/* Popper: frames that lie together at *from; 0: empty. */
static inline uint32_t tap_ring_peek(struct tap_ring *ring, const int16_t **from)
{
	uint32_t fill = tap_ring_fill(ring);
	uint32_t popped = atomic_load_explicit(&ring->popped, memory_order_relaxed);
	uint32_t place = popped % TAP_RING_FRAMES;

	*from = ring->frames[place];
	return fill < TAP_RING_FRAMES - place ? fill : TAP_RING_FRAMES - place;
}

/* Popper: count of them are read, or not wanted. */
static inline void tap_ring_pop(struct tap_ring *ring, uint32_t count)
{
	uint32_t popped = atomic_load_explicit(&ring->popped, memory_order_relaxed);

	/* Release: orders the loads of the frames before their place is the pusher's again. */
	atomic_store_explicit(&ring->popped, popped + count, memory_order_release);
}

#endif
