/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both ends of a sound ring with arbitrary words written into the section between their steps. No
 * end may say more than the ring holds, nor get stuck: after every lie honest samples come through.
 */
#include "fuzz.h"

#include <ivshmem/segment.h>
#include <ivshmem/sound.h>
#include <string.h>

struct fuzz_sound {
	struct segment *segment;
	enum sound_direction direction;
	struct sound_section *section;
	struct sound_host *host;
	struct sound_peer *peer;
	struct sound_description description;
	uint32_t ring_frames;
	uint64_t now_ns;
};

static uint8_t fuzz_frames[SOUND_RING_BYTES + 64];

static void fuzz_start(struct fuzz_sound *sound, uint64_t value)
{
	sound->description.flags = SOUND_OPEN;
	sound_host_describe(sound->host, &sound->description);
	sound->description.format = (enum sound_format)(1 + value % 4);
	sound->description.channels = 1 + value / 4 % SOUND_MAX_CHANNELS;
	sound->description.flags = SOUND_OPEN | SOUND_RUNNING;
	sound_host_describe(sound->host, &sound->description);
	sound->ring_frames = SOUND_RING_BYTES / sound->description.channels /
			     (sound->description.format == SOUND_FORMAT_S16 ? 2 : 4);
}

static void fuzz_join(struct fuzz_sound *sound, uint32_t keep_frames)
{
	struct sound_description seen;

	if (sound_peer_stream(sound->peer, &seen) >= 0)
		sound_peer_join(sound->peer, &seen, keep_frames);
}

static void fuzz_move(struct fuzz_sound *sound, uint64_t value)
{
	/* What the peer has joined may have smaller frames, but never more than these bytes. */
	uint32_t count = (uint32_t)(value % (SOUND_RING_BYTES / 32 + 1));

	if (sound->direction == SOUND_PLAYBACK) {
		fuzz_check(sound_host_write(sound->host, fuzz_frames, count, 1) <= count);
		fuzz_check(sound_peer_read(sound->peer, fuzz_frames, count, 2) <= count);
	} else {
		fuzz_check(sound_peer_write(sound->peer, fuzz_frames, count, 1) <= count);
		fuzz_check(sound_host_read(sound->host, fuzz_frames, count, 2) <= count);
	}
	fuzz_check(sound_host_fill(sound->host) <= sound->ring_frames);
	fuzz_check(sound_host_room(sound->host) <= sound->ring_frames);
}

/* One step: an operation and eight bytes for it. */
static void fuzz_step(struct fuzz_sound *sound, uint8_t operation, uint64_t value)
{
	struct sound_client_view view;

	switch (operation % 8) {
	case 0:
		memcpy((uint8_t *)sound->section + operation / 8 * 8, &value, 8);
		break;
	case 1:
		sound->section->read.frames = value;
		break;
	case 2:
		sound->section->written.frames = value;
		break;
	case 3:
		fuzz_start(sound, value);
		break;
	case 4:
		fuzz_join(sound, (uint32_t)value);
		break;
	case 5:
		sound->now_ns += value >> 32;
		sound_peer_beat(sound->peer, sound->now_ns);
		sound_peer_set_server(sound->peer, (uint32_t)value, value);
		break;
	case 6:
		sound_host_view(sound->host, &view);
		fuzz_check(view.quantum_frames >= 1);
		fuzz_check(view.quantum_frames <= sound->ring_frames / 2);
		fuzz_check(view.delay_ns <= UINT64_C(2000000000));
		break;
	default:
		fuzz_move(sound, value);
	}
}

/* Whatever happened before: the next stream is whole. */
static void fuzz_still_works(struct fuzz_sound *sound)
{
	static const uint8_t said[64] = "samples of a stream of sixteen frames";
	uint8_t heard[64] = { 0 };

	sound->description.channels = 2;
	fuzz_start(sound, 4);
	sound_peer_take(sound->peer);
	fuzz_join(sound, UINT32_MAX);
	if (sound->direction == SOUND_PLAYBACK) {
		fuzz_check(sound_host_write(sound->host, said, 16, 1) == 16);
		fuzz_check(sound_peer_read(sound->peer, heard, 16, 2) == 16);
	} else {
		fuzz_check(sound_peer_write(sound->peer, said, 16, 1) == 16);
		fuzz_check(sound_host_read(sound->host, heard, 16, 2) == 16);
	}
	fuzz_check(!memcmp(said, heard, sizeof(said)));
}

static void fuzz_init(struct fuzz_sound *sound, enum sound_direction direction)
{
	const struct segment_config config = {
		.scanout_count = 1, .slot_count = 2, .slot_bytes = 640 * 480 * 4,
	};

	*sound = (struct fuzz_sound){ .direction = direction };
	sound->segment = segment_create_memfd(&config);
	fuzz_check(sound->segment != NULL);
	sound->section = segment_find(sound->segment, SEGMENT_SECTION_SOUND, direction, NULL);
	sound->host = sound_host_create(sound->segment, direction);
	sound->peer = sound_peer_create(sound->segment, direction);
	fuzz_check(sound->section && sound->host && sound->peer);
	sound->description.rate = 48000;
	sound->description.format = SOUND_FORMAT_S16;
	sound->description.channels = 1;
	fuzz_start(sound, 0);
	sound_peer_take(sound->peer);
	fuzz_join(sound, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_sound sound;

	if (!size)
		return 0;
	fuzz_init(&sound, data[0] % 2 ? SOUND_MICROPHONE : SOUND_PLAYBACK);
	for (data++, size--; size >= 9; data += 9, size -= 9) {
		uint64_t value;

		memcpy(&value, data + 1, sizeof(value));
		fuzz_step(&sound, data[0], value);
	}
	fuzz_still_works(&sound);
	sound_peer_destroy(sound.peer);
	sound_host_destroy(sound.host);
	segment_destroy(sound.segment);
	return 0;
}
