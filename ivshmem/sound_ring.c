/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sound_ring.h"

#include <ivshmem/copy.h>

static uint32_t sound_format_bytes(uint32_t format)
{
	switch (format) {
	case SOUND_FORMAT_S16:
		return 2;
	case SOUND_FORMAT_S24:
	case SOUND_FORMAT_S32:
	case SOUND_FORMAT_FLOAT:
		return 4;
	default:
		return 0;
	}
}

uint32_t sound_description_frame_bytes(const struct sound_description *description)
{
	if (description->rate < SOUND_MIN_RATE || description->rate > SOUND_MAX_RATE ||
	    !description->channels || description->channels > SOUND_MAX_CHANNELS)
		return 0;
	return sound_format_bytes(description->format) * description->channels;
}

void sound_ring_init(struct sound_ring *ring, struct sound_section *section, uint32_t frame_bytes)
{
	ring->data = section->data;
	ring->frame_bytes = frame_bytes;
	ring->frames = SOUND_RING_BYTES / frame_bytes;
}

/* How many of count come before the ring's end; *at: where the first one lies. */
static uint32_t ring_first_part(const struct sound_ring *ring, uint64_t position, uint32_t count,
				uint32_t *at)
{
	uint32_t index = (uint32_t)(position % ring->frames);
	uint32_t left = ring->frames - index;

	*at = index * ring->frame_bytes;
	return count < left ? count : left;
}

void sound_ring_copy_in(const struct sound_ring *ring, uint64_t position, const void *frames,
			uint32_t count)
{
	const uint8_t *from = frames;
	uint32_t at, first = ring_first_part(ring, position, count, &at);
	size_t first_bytes = (size_t)first * ring->frame_bytes;

	shared_copy(ring->data + at, from, first_bytes);
	shared_copy(ring->data, from + first_bytes, (size_t)(count - first) * ring->frame_bytes);
}

void sound_ring_copy_out(const struct sound_ring *ring, uint64_t position, void *frames,
			 uint32_t count)
{
	uint8_t *to = frames;
	uint32_t at, first = ring_first_part(ring, position, count, &at);
	size_t first_bytes = (size_t)first * ring->frame_bytes;

	shared_copy(to, ring->data + at, first_bytes);
	shared_copy(to + first_bytes, ring->data, (size_t)(count - first) * ring->frame_bytes);
}
