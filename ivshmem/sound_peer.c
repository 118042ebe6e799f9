/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client's end. The VMM's position is the one that counts: when it and ours do not fit into one
 * ring we go on from the VMM's.
 */
#include "owner_token.h"
#include "sound_ring.h"

#include <errno.h>
#include <ivshmem/copy.h>
#include <ivshmem/segment.h>
#include <stdlib.h>
#include <string.h>

struct sound_peer {
	const struct segment *segment;
	struct sound_section *section;
	enum sound_direction direction;
	struct sound_position *own;
	const struct sound_position *other;
	uint64_t token;

	/* Control side. */
	bool has_last;
	struct sound_description last;  /* what sound_peer_stream said */
	uint64_t other_owner;           /* the owner last seen in beat, its beat, and since when */
	uint64_t other_beat;
	uint64_t other_since_ns;

	/* Both sides. */
	_Atomic uint32_t quantum_frames;
	_Atomic uint64_t delay_ns;
	_Atomic uint64_t missed_frames;

	/* Real-time side, and join. */
	uint32_t generation;            /* 0: never joined */
	struct sound_ring ring;
	uint32_t keep_frames;
	uint64_t position;
	uint64_t clock_frames;
	bool present;                   /* the numbers in the section are ours */
};

struct sound_peer *sound_peer_create(struct segment *segment, enum sound_direction direction)
{
	struct sound_section *section = segment_find(segment, SEGMENT_SECTION_SOUND, direction,
						     NULL);
	struct sound_peer *peer;

	if (!section) {
		errno = ENOENT;
		return NULL;
	}
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return NULL;
	peer->segment = segment;
	peer->section = section;
	peer->direction = direction;
	peer->own = direction == SOUND_PLAYBACK ? &section->read : &section->written;
	peer->other = direction == SOUND_PLAYBACK ? &section->written : &section->read;
	peer->token = owner_token_new();
	return peer;
}

void sound_peer_destroy(struct sound_peer *peer)
{
	if (!peer)
		return;
	sound_peer_release(peer);
	free(peer);
}

/* --- the stream ------------------------------------------------------------------------------ */

/* False: being written. */
static bool peer_copy_stream(const struct sound_peer *peer, struct sound_stream *stream)
{
	const struct sound_stream *shared = &peer->section->stream;
	uint64_t lock;

	if (!seqlock_read_begin(&shared->lock, &lock))
		return false;
	shared_copy(stream, shared, sizeof(*stream));
	return seqlock_read_end(&shared->lock, lock);
}

/* stream is a copy. 0 or -EPROTO. Flags of later versions are ignored. */
static int peer_check_stream(const struct sound_stream *stream,
			     struct sound_description *description)
{
	uint32_t flags = stream->flags & (SOUND_OPEN | SOUND_RUNNING);

	memset(description, 0, sizeof(*description));
	description->flags = flags;
	description->generation = stream->generation;
	if (!flags)
		return 0;
	description->format = (enum sound_format)stream->format;
	description->rate = stream->rate;
	description->channels = stream->channels;
	description->period_frames = stream->period_frames;
	memcpy(description->positions, stream->positions, sizeof(description->positions));
	description->frame_bytes = sound_description_frame_bytes(description);
	if (!(flags & SOUND_OPEN) || !description->frame_bytes)
		return -EPROTO;
	if ((flags & SOUND_RUNNING) && !stream->generation)
		return -EPROTO;
	return 0;
}

int sound_peer_stream(struct sound_peer *peer, struct sound_description *description)
{
	struct sound_stream stream;
	int error;

	if (!peer_copy_stream(peer, &stream))
		return -EAGAIN;
	error = peer_check_stream(&stream, description);
	if (error)
		return error;
	if (peer->has_last && !memcmp(&peer->last, description, sizeof(*description)))
		return 0;
	peer->has_last = true;
	memcpy(&peer->last, description, sizeof(*description));
	return 1;
}

/* --- who plays ------------------------------------------------------------------------------- */

bool sound_peer_owns(const struct sound_peer *peer)
{
	return segment_is_current(peer->segment) &&
	       atomic_load_explicit(&peer->section->client.owner, memory_order_acquire) ==
		       peer->token;
}

static void peer_tell_server(struct sound_peer *peer)
{
	struct sound_client *client = &peer->section->client;

	atomic_store_explicit(&client->quantum_frames,
			      atomic_load_explicit(&peer->quantum_frames, memory_order_relaxed),
			      memory_order_relaxed);
	atomic_store_explicit(&client->delay_ns,
			      atomic_load_explicit(&peer->delay_ns, memory_order_relaxed),
			      memory_order_relaxed);
}

static void peer_beat(struct sound_peer *peer)
{
	atomic_fetch_add_explicit(&peer->section->client.owner_beat, 1, memory_order_relaxed);
}

void sound_peer_take(struct sound_peer *peer)
{
	if (!segment_is_current(peer->segment))
		return;
	atomic_store(&peer->section->client.owner, peer->token);
	peer_tell_server(peer);
	peer_beat(peer);
}

/* True when that owner's beat has stood still for too long. */
static bool peer_owner_is_stale(struct sound_peer *peer, uint64_t owner, uint64_t now_ns)
{
	uint64_t beat = atomic_load_explicit(&peer->section->client.owner_beat,
					     memory_order_relaxed);

	if (owner != peer->other_owner || beat != peer->other_beat) {
		peer->other_owner = owner;
		peer->other_beat = beat;
		peer->other_since_ns = now_ns;
		return false;
	}
	return now_ns - peer->other_since_ns >= SOUND_OWNER_STALE_NS;
}

bool sound_peer_beat(struct sound_peer *peer, uint64_t now_ns)
{
	uint64_t owner = atomic_load(&peer->section->client.owner);

	if (!segment_is_current(peer->segment))
		return false;
	if (owner != peer->token) {
		if (owner && !peer_owner_is_stale(peer, owner, now_ns))
			return false;
		if (!atomic_compare_exchange_strong(&peer->section->client.owner, &owner,
						    peer->token))
			return false;
		peer_tell_server(peer);
	}
	peer_beat(peer);
	return true;
}

void sound_peer_release(struct sound_peer *peer)
{
	uint64_t token = peer->token;

	if (segment_is_current(peer->segment))
		atomic_compare_exchange_strong(&peer->section->client.owner, &token, 0);
}

/* --- the samples ----------------------------------------------------------------------------- */

/* Where to go on after a time in which others may have played: near the VMM's position. */
static uint64_t peer_start_position(const struct sound_peer *peer)
{
	uint64_t host;

	if (!sound_position_load(peer->other, peer->generation, &host))
		return peer->position;
	if (peer->direction == SOUND_MICROPHONE)
		return host;
	if (host - peer->position <= peer->keep_frames)
		return peer->position;
	return host > peer->keep_frames ? host - peer->keep_frames : 0;
}

/* Our numbers go into the section. */
static void peer_enter(struct sound_peer *peer)
{
	struct sound_client *client = &peer->section->client;

	peer->position = peer_start_position(peer);
	peer->present = true;
	atomic_store_explicit(&client->clock_generation, 0, memory_order_relaxed);
	/* Release: whoever sees the new clock sees that it may not be the generation's. */
	atomic_store_explicit(&client->clock_frames, peer->clock_frames, memory_order_release);
	atomic_store_explicit(&client->clock_generation, peer->generation, memory_order_release);
	peer_tell_server(peer);
	sound_position_begin(peer->own, peer->generation, peer->position);
}

/* True while we own the section; then our numbers are in it. */
static bool peer_present(struct sound_peer *peer)
{
	if (!peer->generation || !sound_peer_owns(peer)) {
		peer->present = false;
		return false;
	}
	if (!peer->present)
		peer_enter(peer);
	return true;
}

int sound_peer_join(struct sound_peer *peer, const struct sound_description *description,
		    uint32_t keep_frames)
{
	uint32_t frame_bytes = sound_description_frame_bytes(description);

	if (description->flags != (SOUND_OPEN | SOUND_RUNNING) || !frame_bytes ||
	    !description->generation)
		return -EPROTO;
	sound_ring_init(&peer->ring, peer->section, frame_bytes);
	peer->generation = description->generation;
	peer->keep_frames = keep_frames < peer->ring.frames ? keep_frames : peer->ring.frames;
	peer->position = 0;
	peer->clock_frames = 0;
	peer->present = false;
	peer_present(peer);
	return 0;
}

/* False also when it cannot be told now. */
static bool peer_stream_has_stopped(const struct sound_peer *peer)
{
	struct sound_stream stream;

	return peer_copy_stream(peer, &stream) &&
	       (stream.generation != peer->generation ||
		(stream.flags & (SOUND_RUNNING | SOUND_DRAINING)) != SOUND_RUNNING);
}

/* host: how far the VMM has written. What is not there because the guest has not begun yet, or has
 * stopped, is not missed. */
static void peer_count_missed(struct sound_peer *peer, uint64_t host, uint32_t frames)
{
	uint64_t missed;

	if (!frames || !host || peer_stream_has_stopped(peer))
		return;
	missed = atomic_load_explicit(&peer->missed_frames, memory_order_relaxed) + frames;
	atomic_store_explicit(&peer->missed_frames, missed, memory_order_relaxed);
	atomic_store_explicit(&peer->section->client.missed_frames, missed, memory_order_relaxed);
}

static void peer_advance(struct sound_peer *peer, uint32_t moved, uint32_t asked, uint64_t now_ns)
{
	peer->position += moved;
	sound_position_advance(peer->own, peer->generation, peer->position, now_ns);
	peer->clock_frames += asked;
	/* Release: the position before the clock, so that a clock that moved finds it moved. */
	atomic_store_explicit(&peer->section->client.clock_frames, peer->clock_frames,
			      memory_order_release);
	atomic_store_explicit(&peer->section->client.clock_generation, peer->generation,
			      memory_order_release);
	peer_tell_server(peer);
}

/* What is still whole after it was copied: the generation is the same and the VMM, whatever it
 * thinks of our position, has not come round. */
static bool peer_is_whole(const struct sound_peer *peer)
{
	uint64_t host;

	sound_ring_copied();
	return sound_position_load(peer->other, peer->generation, &host) &&
	       host - peer->position <= peer->ring.frames;
}

/* The number that came from the guest, at the start of frames. */
static uint32_t peer_read(struct sound_peer *peer, void *frames, uint32_t count, uint64_t now_ns)
{
	uint64_t host, there;
	uint32_t got;

	if (!peer_present(peer) || !sound_position_load(peer->other, peer->generation, &host))
		return 0;
	if (host - peer->position > peer->ring.frames)
		peer->position = host;
	there = host - peer->position;
	got = there < count ? (uint32_t)there : count;
	sound_ring_copy_out(&peer->ring, peer->position, frames, got);
	if (!peer_is_whole(peer))
		return 0;
	peer_advance(peer, got, count, now_ns);
	peer_count_missed(peer, host, count - got);
	return got;
}

uint32_t sound_peer_read(struct sound_peer *peer, void *frames, uint32_t count, uint64_t now_ns)
{
	uint32_t got = peer_read(peer, frames, count, now_ns);
	size_t frame_bytes = peer->ring.frame_bytes;

	memset((uint8_t *)frames + got * frame_bytes, 0, (count - got) * frame_bytes);
	return got;
}

uint32_t sound_peer_write(struct sound_peer *peer, const void *frames, uint32_t count,
			  uint64_t now_ns)
{
	uint64_t host;
	uint32_t room, put;

	if (!peer_present(peer) || !sound_position_load(peer->other, peer->generation, &host))
		return 0;
	if (peer->position - host > peer->ring.frames)
		peer->position = host;
	room = peer->ring.frames - (uint32_t)(peer->position - host);
	put = room < count ? room : count;
	sound_ring_copy_in(&peer->ring, peer->position, frames, put);
	peer_advance(peer, put, count, now_ns);
	return put;
}

void sound_peer_set_server(struct sound_peer *peer, uint32_t quantum_frames, uint64_t delay_ns)
{
	atomic_store_explicit(&peer->quantum_frames, quantum_frames, memory_order_relaxed);
	atomic_store_explicit(&peer->delay_ns, delay_ns, memory_order_relaxed);
	if (sound_peer_owns(peer))
		peer_tell_server(peer);
}

uint64_t sound_peer_missed_frames(const struct sound_peer *peer)
{
	return atomic_load_explicit(&peer->missed_frames, memory_order_relaxed);
}
