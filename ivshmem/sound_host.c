/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMM's end. Its own position is the one that counts: a client that says nonsense is taken to
 * have an empty ring once and to stand still after that, and starts over from ours.
 */
#include "sound_ring.h"

#include <assert.h>
#include <errno.h>
#include <ivshmem/copy.h>
#include <ivshmem/segment.h>
#include <stdlib.h>
#include <string.h>

#define HOST_MAX_DELAY_NS UINT64_C(2000000000)
#define HOST_DEFAULT_QUANTA_PER_SECOND 50u

struct sound_host {
	struct sound_section *section;
	enum sound_direction direction;
	struct sound_position *own;
	const struct sound_position *other;
	uint64_t lock;                  /* of the description; ours, as everything here */
	bool running;
	uint32_t generation;            /* 0: never started */
	uint32_t rate;
	struct sound_ring ring;
	uint64_t position;
	uint64_t seen;                  /* the client's, when it last made sense */
	bool lying;
};

struct sound_host *sound_host_create(struct segment *segment, enum sound_direction direction)
{
	struct sound_section *section = segment_find(segment, SEGMENT_SECTION_SOUND, direction,
						     NULL);
	struct sound_host *host;

	if (!section) {
		errno = ENOENT;
		return NULL;
	}
	host = calloc(1, sizeof(*host));
	if (!host)
		return NULL;
	host->section = section;
	host->direction = direction;
	host->own = direction == SOUND_PLAYBACK ? &section->written : &section->read;
	host->other = direction == SOUND_PLAYBACK ? &section->read : &section->written;
	return host;
}

void sound_host_destroy(struct sound_host *host)
{
	free(host);
}

/* The ring is empty and nobody has joined it yet. */
static void host_begin(struct sound_host *host, const struct sound_description *description)
{
	host->generation++;
	if (!host->generation)
		host->generation = 1;
	host->rate = description->rate;
	sound_ring_init(&host->ring, host->section, sound_description_frame_bytes(description));
	host->position = 0;
	host->seen = 0;
	host->lying = false;
	sound_position_begin(host->own, host->generation, 0);
}

static void host_publish(struct sound_host *host, const struct sound_description *description)
{
	struct sound_stream *shared = &host->section->stream;
	struct sound_stream stream = {
		.flags = description->flags,
		.generation = description->generation,
		.format = description->format,
		.rate = description->rate,
		.channels = description->channels,
		.period_frames = description->period_frames,
	};

	memcpy(stream.positions, description->positions, sizeof(stream.positions));
	seqlock_write_begin(&shared->lock, &host->lock);
	shared_copy(&shared->flags, &stream.flags,
		    sizeof(stream) - offsetof(struct sound_stream, flags));
	seqlock_write_end(&shared->lock, &host->lock);
}

void sound_host_describe(struct sound_host *host, struct sound_description *description)
{
	bool running = description->flags & SOUND_RUNNING;

	assert(!description->flags || sound_description_frame_bytes(description));
	if (running && !host->running)
		host_begin(host, description);
	host->running = running;
	description->generation = host->generation;
	host_publish(host, description);
}

static uint32_t host_quantum(const struct sound_host *host)
{
	uint32_t frames = atomic_load_explicit(&host->section->client.quantum_frames,
					       memory_order_relaxed);
	uint32_t most = host->ring.frames ? host->ring.frames / 2 : 1;

	if (!frames)
		frames = host->rate / HOST_DEFAULT_QUANTA_PER_SECOND + 1;
	return frames < most ? frames : most;
}

void sound_host_view(struct sound_host *host, struct sound_client_view *view)
{
	const struct sound_client *client = &host->section->client;
	uint64_t delay_ns = atomic_load_explicit(&client->delay_ns, memory_order_relaxed);

	view->owner = atomic_load_explicit(&client->owner, memory_order_acquire);
	view->present = view->owner != 0;
	view->clock_frames = 0;
	/* Acquire: the clock was set back before it got the generation's name. */
	if (host->generation && atomic_load_explicit(&client->clock_generation,
						     memory_order_acquire) == host->generation)
		view->clock_frames = atomic_load_explicit(&client->clock_frames,
							  memory_order_relaxed);
	view->quantum_frames = host_quantum(host);
	view->delay_ns = delay_ns < HOST_MAX_DELAY_NS ? delay_ns : HOST_MAX_DELAY_NS;
}

/* Frames between the two positions; modulo 2^64 it is huge when the consumer is ahead. */
static uint64_t host_distance(const struct sound_host *host, uint64_t client)
{
	return host->direction == SOUND_PLAYBACK ? host->position - client :
						   client - host->position;
}

uint32_t sound_host_fill(struct sound_host *host)
{
	uint64_t client;

	if (!host->generation)
		return 0;
	if (sound_position_load(host->other, host->generation, &client)) {
		if (host_distance(host, client) <= host->ring.frames) {
			host->seen = client;
			host->lying = false;
		} else if (!host->lying) {
			host->seen = host->position;
			host->lying = true;
		}
	}
	return (uint32_t)host_distance(host, host->seen);
}

uint32_t sound_host_room(struct sound_host *host)
{
	uint32_t fill;

	if (!host->running)
		return 0;
	fill = sound_host_fill(host);
	return host->direction == SOUND_PLAYBACK ? host->ring.frames - fill : fill;
}

static void host_advance(struct sound_host *host, uint32_t count, uint64_t now_ns)
{
	host->position += count;
	sound_position_advance(host->own, host->generation, host->position, now_ns);
}

uint32_t sound_host_write(struct sound_host *host, const void *frames, uint32_t count,
			  uint64_t now_ns)
{
	uint32_t room = sound_host_room(host);

	assert(host->direction == SOUND_PLAYBACK);
	if (count > room)
		count = room;
	if (!count)
		return 0;
	sound_ring_copy_in(&host->ring, host->position, frames, count);
	host_advance(host, count, now_ns);
	return count;
}

uint32_t sound_host_read(struct sound_host *host, void *frames, uint32_t count, uint64_t now_ns)
{
	uint32_t room = sound_host_room(host);

	assert(host->direction == SOUND_MICROPHONE);
	if (count > room)
		count = room;
	if (!count)
		return 0;
	if (frames)
		sound_ring_copy_out(&host->ring, host->position, frames, count);
	host_advance(host, count, now_ns);
	return count;
}
