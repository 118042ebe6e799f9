/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ring-dump.h"

#include <inttypes.h>
#include <ivshmem/copy.h>
#include <ivshmem/segment.h>
#include <ivshmem/sound.h>
#include <stdbool.h>
#include <stdio.h>

static const char *dump_format_name(uint32_t format)
{
	static const char *const names[] = { "?", "S16", "S24", "S32", "FLOAT" };

	return format >= SOUND_FORMAT_S16 && format <= SOUND_FORMAT_FLOAT ? names[format] :
									    "nonsense";
}

/* 0: the numbers are not those of a stream. */
static uint32_t dump_ring_frames(const struct sound_stream *stream)
{
	uint32_t bytes = stream->format == SOUND_FORMAT_S16 ? 2 : 4;

	if (stream->format < SOUND_FORMAT_S16 || stream->format > SOUND_FORMAT_FLOAT ||
	    !stream->channels || stream->channels > SOUND_MAX_CHANNELS ||
	    stream->rate < SOUND_MIN_RATE || stream->rate > SOUND_MAX_RATE)
		return 0;
	return SOUND_RING_BYTES / (bytes * stream->channels);
}

/* False: there is nothing more to say. */
static bool dump_stream(const struct sound_stream *shared, struct sound_stream *stream)
{
	uint64_t lock = atomic_load(&shared->lock);

	shared_copy(stream, shared, sizeof(*stream));
	if (lock & 1 || atomic_load(&shared->lock) != lock) {
		printf("  being written\n");
		return false;
	}
	if (!(stream->flags & SOUND_OPEN)) {
		printf("  closed  generation %u\n", stream->generation);
		return false;
	}
	printf("  %s  generation %u  %s %u Hz %u channels  period %u%s\n",
	       stream->flags & SOUND_RUNNING ? "running" : "open", stream->generation,
	       dump_format_name(stream->format), stream->rate, stream->channels,
	       stream->period_frames, dump_ring_frames(stream) ? "" : "  (nonsense)");
	return true;
}

static void dump_position(const struct segment *segment, const char *name,
			  const struct sound_position *position, uint32_t generation,
			  uint64_t now_ns)
{
	uint64_t time_ns = atomic_load(&position->time_ns);

	printf("  %s %" PRIu64, name, atomic_load(&position->frames));
	if (atomic_load(&position->generation) != generation)
		printf(" (of generation %u)", atomic_load(&position->generation));
	else if (time_ns && segment_same_clock(segment))
		printf(" (%.1f ms ago)", (double)(int64_t)(now_ns - time_ns) / 1e6);
}

static void dump_fill(const struct sound_section *sound, const struct sound_stream *stream)
{
	uint64_t fill = atomic_load(&sound->written.frames) - atomic_load(&sound->read.frames);
	uint32_t ring = dump_ring_frames(stream);

	if (fill > ring || !ring)
		printf("  fill nonsense\n");
	else
		printf("  fill %" PRIu64 " of %u (%.1f ms)\n", fill, ring,
		       (double)fill * 1000 / stream->rate);
}

static void dump_client(const struct sound_client *client)
{
	uint64_t owner = atomic_load(&client->owner);

	if (!owner) {
		printf("  no owner\n");
		return;
	}
	printf("  owner %016" PRIx64 " beat %" PRIu64 "  clock %" PRIu64 " of generation %u"
	       "  quantum %u  delay %.1f ms  missed %" PRIu64 "\n", owner,
	       atomic_load(&client->owner_beat), atomic_load(&client->clock_frames),
	       atomic_load(&client->clock_generation), atomic_load(&client->quantum_frames),
	       (double)atomic_load(&client->delay_ns) / 1e6, atomic_load(&client->missed_frames));
}

void ring_dump_sound(const struct segment *segment, uint64_t now_ns)
{
	static const char *const names[] = { "playback", "microphone" };

	for (uint32_t i = SOUND_PLAYBACK; i <= SOUND_MICROPHONE; i++) {
		const struct sound_section *sound = segment_find(segment, SEGMENT_SECTION_SOUND, i,
								 NULL);
		struct sound_stream stream;

		if (!sound)
			continue;
		printf("sound %u %s", i, names[i]);
		if (dump_stream(&sound->stream, &stream)) {
			dump_position(segment, "written", &sound->written, stream.generation,
				      now_ns);
			dump_position(segment, "read", &sound->read, stream.generation, now_ns);
			dump_fill(sound, &stream);
		}
		dump_client(&sound->client);
	}
}

uint64_t ring_dump_sound_clock(const struct segment *segment, uint32_t index)
{
	const struct sound_section *sound = segment_find(segment, SEGMENT_SECTION_SOUND, index,
							 NULL);

	return sound ? atomic_load(&sound->client.clock_frames) : 0;
}
