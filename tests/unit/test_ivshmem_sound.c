/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sound rings' two ends on one thread: every frame size, who plays, and peers that lie. */
#include <errno.h>
#include <ivshmem/segment.h>
#include <ivshmem/sound.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

struct fixture {
	struct segment *segment;
	struct sound_host *host;
	struct sound_peer *peer;
	struct sound_section *section;
	enum sound_direction direction;
};

static const struct segment_config small_config = {
	.scanout_count = 1, .slot_bytes = 640 * 480 * 4,
};

static int setup_direction(void **state, enum sound_direction direction)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->direction = direction;
	fixture->segment = segment_create_memfd(&small_config);
	assert_non_null(fixture->segment);
	fixture->host = sound_host_create(fixture->segment, direction);
	assert_non_null(fixture->host);
	fixture->peer = sound_peer_create(fixture->segment, direction);
	assert_non_null(fixture->peer);
	fixture->section = segment_find(fixture->segment, SEGMENT_SECTION_SOUND, direction, NULL);
	assert_non_null(fixture->section);
	*state = fixture;
	return 0;
}

static int setup_playback(void **state)
{
	return setup_direction(state, SOUND_PLAYBACK);
}

static int setup_microphone(void **state)
{
	return setup_direction(state, SOUND_MICROPHONE);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	sound_peer_destroy(fixture->peer);
	sound_host_destroy(fixture->host);
	segment_destroy(fixture->segment);
	free(fixture);
	return 0;
}

static void start(struct fixture *fixture, struct sound_description *description,
		  enum sound_format format, uint32_t channels)
{
	*description = (struct sound_description){
		.flags = SOUND_OPEN, .format = format, .rate = 48000, .channels = channels,
		.period_frames = 480,
	};
	sound_host_describe(fixture->host, description);
	description->flags |= SOUND_RUNNING;
	sound_host_describe(fixture->host, description);
}

/* A stereo stream of 16 bits that the peer plays. */
static void start_joined(struct fixture *fixture, uint32_t keep_frames)
{
	struct sound_description description;

	start(fixture, &description, SOUND_FORMAT_S16, 2);
	sound_peer_take(fixture->peer);
	assert_int_equal(sound_peer_join(fixture->peer, &description, keep_frames), 0);
}

#define RING_FRAMES (SOUND_RING_BYTES / 4)      /* of start_joined's stream */

static uint32_t host_write(struct fixture *fixture, uint32_t first, uint32_t count)
{
	static uint32_t frames[RING_FRAMES * 2];

	for (uint32_t i = 0; i < count; i++)
		frames[i] = first + i;
	return sound_host_write(fixture->host, frames, count, 1);
}

static uint32_t peer_write(struct fixture *fixture, uint32_t first, uint32_t count)
{
	static uint32_t frames[RING_FRAMES * 2];

	for (uint32_t i = 0; i < count; i++)
		frames[i] = first + i;
	return sound_peer_write(fixture->peer, frames, count, 1);
}

/* Reads count; got of them are first and so on, the rest is silence. */
static void assert_peer_reads(struct sound_peer *peer, uint32_t count, uint32_t got,
			      uint32_t first)
{
	static uint32_t frames[RING_FRAMES * 2];

	memset(frames, 0xee, sizeof(frames));
	assert_int_equal(sound_peer_read(peer, frames, count, 2), got);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(frames[i], i < got ? first + i : 0);
	assert_int_equal(frames[count], 0xeeeeeeee);
}

static void assert_host_reads(struct sound_host *host, uint32_t count, uint32_t got,
			      uint32_t first)
{
	static uint32_t frames[RING_FRAMES * 2];

	assert_int_equal(sound_host_read(host, frames, count, 2), got);
	for (uint32_t i = 0; i < got; i++)
		assert_int_equal(frames[i], first + i);
}

/* --- the description ------------------------------------------------------------------------- */

static void test_describe(void **state)
{
	struct fixture *fixture = *state;
	struct sound_description description = {
		.flags = SOUND_OPEN, .format = SOUND_FORMAT_S24, .rate = 96000, .channels = 6,
		.period_frames = 960, .positions = { 3, 4, 5, 6, 7, 8 },
	}, seen;

	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 1);
	assert_int_equal(seen.flags, 0);
	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 0);
	assert_int_equal(sound_host_room(fixture->host), 0);
	assert_int_equal(sound_peer_join(fixture->peer, &description, 0), -EPROTO);
	sound_host_describe(fixture->host, &description);
	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 1);
	assert_int_equal(seen.flags, SOUND_OPEN);
	assert_int_equal(seen.format, SOUND_FORMAT_S24);
	assert_int_equal(seen.rate, 96000);
	assert_int_equal(seen.channels, 6);
	assert_int_equal(seen.period_frames, 960);
	assert_int_equal(seen.frame_bytes, 24);
	assert_memory_equal(seen.positions, description.positions, SOUND_MAX_CHANNELS);
	assert_int_equal(sound_host_room(fixture->host), 0);
	assert_int_equal(sound_peer_join(fixture->peer, &seen, 0), -EPROTO);
	/* Every start is a new generation; telling again while it runs is not. */
	for (uint32_t generation = 1; generation < 4; generation++) {
		description.flags = SOUND_OPEN | SOUND_RUNNING;
		sound_host_describe(fixture->host, &description);
		assert_int_equal(description.generation, generation);
		sound_host_describe(fixture->host, &description);
		assert_int_equal(description.generation, generation);
		assert_int_equal(sound_peer_stream(fixture->peer, &seen), 1);
		assert_int_equal(seen.generation, generation);
		assert_int_equal(sound_host_fill(fixture->host), 0);
		assert_int_equal(sound_host_room(fixture->host),
				 fixture->direction == SOUND_PLAYBACK ? SOUND_RING_BYTES / 24 : 0);
		description.flags = SOUND_OPEN;
		sound_host_describe(fixture->host, &description);
		assert_int_equal(sound_peer_stream(fixture->peer, &seen), 1);
		assert_int_equal(sound_host_room(fixture->host), 0);
	}
	description.flags = 0;
	sound_host_describe(fixture->host, &description);
	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 1);
	assert_int_equal(seen.flags, 0);
	assert_int_equal(seen.channels, 0);
}

/* A client does not believe the VMM's description. */
static void test_description_lies(void **state)
{
	struct fixture *fixture = *state;
	struct sound_stream *stream = &fixture->section->stream;
	struct sound_description seen;
	struct sound_stream good;
	static const struct {
		size_t offset;
		uint32_t value;
		int result;
	} lies[] = {
		{ offsetof(struct sound_stream, flags), SOUND_RUNNING, -EPROTO },
		{ offsetof(struct sound_stream, flags), 0xfffffff3, 0 },
		{ offsetof(struct sound_stream, generation), 0, -EPROTO },
		{ offsetof(struct sound_stream, format), 0, -EPROTO },
		{ offsetof(struct sound_stream, format), 5, -EPROTO },
		{ offsetof(struct sound_stream, format), UINT32_MAX, -EPROTO },
		{ offsetof(struct sound_stream, rate), 7999, -EPROTO },
		{ offsetof(struct sound_stream, rate), 192001, -EPROTO },
		{ offsetof(struct sound_stream, channels), 0, -EPROTO },
		{ offsetof(struct sound_stream, channels), 9, -EPROTO },
		{ offsetof(struct sound_stream, channels), 0x80000001, -EPROTO },
		{ offsetof(struct sound_stream, lock), 7, -EAGAIN },
	};

	start_joined(fixture, 0);
	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 1);
	memcpy(&good, stream, sizeof(good));
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		memcpy((uint8_t *)stream + lies[i].offset, &lies[i].value, 4);
		assert_int_equal(sound_peer_stream(fixture->peer, &seen), lies[i].result);
		if (lies[i].result == -EPROTO)
			assert_int_equal(sound_peer_join(fixture->peer, &seen, 0), -EPROTO);
		memcpy(stream, &good, sizeof(good));
	}
	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 0);
}

static void test_segment_without_sound(void **state)
{
	struct segment *made = segment_create_memfd(&small_config);
	struct segment_header *header = (struct segment_header *)(uintptr_t)segment_base(made);
	struct segment *attached;

	for (uint32_t i = 0; i < header->section_count; i++)
		if (header->sections[i].type == SEGMENT_SECTION_SOUND)
			header->sections[i].type = 99;
	attached = segment_attach_fd(segment_fd(made));
	assert_non_null(attached);
	errno = 0;
	assert_null(sound_peer_create(attached, SOUND_PLAYBACK));
	assert_int_equal(errno, ENOENT);
	errno = 0;
	assert_null(sound_host_create(attached, SOUND_MICROPHONE));
	assert_int_equal(errno, ENOENT);
	sound_peer_destroy(NULL);
	segment_destroy(attached);
	segment_destroy(made);
}

/* --- samples --------------------------------------------------------------------------------- */

/* Every byte of a stream differs from its neighbours and from the same place one ring later. */
static uint8_t pattern(uint64_t byte)
{
	return (uint8_t)((byte * 2654435761u) >> 13 ^ byte);
}

static void pattern_fill(uint8_t *bytes, uint64_t at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = pattern(at + i);
}

static void assert_pattern(const uint8_t *bytes, uint64_t at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes[i] != pattern(at + i))
			fail_msg("byte %llu", (unsigned long long)(at + i));
}

/* Two and a half rings in pieces that fit no border, the reader behind by up to a whole ring. */
static void run_wraps(struct fixture *fixture, enum sound_format format, uint32_t channels)
{
	static uint8_t bytes[SOUND_RING_BYTES];
	struct sound_description description;
	uint32_t size = channels * (format == SOUND_FORMAT_S16 ? 2 : 4);
	uint32_t ring = SOUND_RING_BYTES / size, put_step = ring / 7 + 3, get_step = ring / 5 + 1;
	uint64_t put = 0, got = 0, total = (uint64_t)ring * 5 / 2;
	bool playback = fixture->direction == SOUND_PLAYBACK;

	start(fixture, &description, format, channels);
	sound_peer_take(fixture->peer);
	assert_int_equal(sound_peer_join(fixture->peer, &description, ring), 0);
	while (got < total) {
		uint32_t count, left = ring - (uint32_t)(put - got);

		pattern_fill(bytes, put * size, (size_t)put_step * size);
		count = playback ? sound_host_write(fixture->host, bytes, put_step, put) :
				   sound_peer_write(fixture->peer, bytes, put_step, put);
		assert_int_equal(count, left < put_step ? left : put_step);
		put += count;
		assert_int_equal(sound_host_fill(fixture->host), put - got);
		if (count)
			continue;
		memset(bytes, 0, sizeof(bytes));
		count = playback ? sound_peer_read(fixture->peer, bytes, get_step, got) :
				   sound_host_read(fixture->host, bytes, get_step, got);
		assert_int_equal(count, get_step);
		assert_pattern(bytes, got * size, (size_t)count * size);
		got += count;
	}
	description.flags = SOUND_OPEN;
	sound_host_describe(fixture->host, &description);
}

static void test_wraps(void **state)
{
	struct fixture *fixture = *state;

	for (uint32_t channels = 1; channels <= SOUND_MAX_CHANNELS; channels++) {
		run_wraps(fixture, SOUND_FORMAT_S16, channels);
		run_wraps(fixture, SOUND_FORMAT_S24, channels);
	}
	run_wraps(fixture, SOUND_FORMAT_S32, 2);
	run_wraps(fixture, SOUND_FORMAT_FLOAT, 5);
	assert_int_equal(sound_peer_missed_frames(fixture->peer), 0);
}

static void test_missed(void **state)
{
	struct fixture *fixture = *state;
	struct sound_description description = { .format = SOUND_FORMAT_S16, .rate = 48000,
						 .channels = 2, .period_frames = 480 };
	struct sound_description seen;
	struct sound_client_view view;

	start_joined(fixture, 100);
	/* Not begun yet: nothing is missed, but the clock runs. */
	assert_peer_reads(fixture->peer, 50, 0, 0);
	assert_int_equal(sound_peer_missed_frames(fixture->peer), 0);
	assert_int_equal(host_write(fixture, 100, 80), 80);
	assert_peer_reads(fixture->peer, 50, 50, 100);
	assert_peer_reads(fixture->peer, 50, 30, 150);
	assert_int_equal(sound_peer_missed_frames(fixture->peer), 20);
	sound_host_view(fixture->host, &view);
	assert_int_equal(view.clock_frames, 150);
	assert_int_equal(fixture->section->client.missed_frames, 20);
	/* Nothing more comes, which is no news for who plays: what is not there is not missed. */
	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 1);
	assert_int_equal(host_write(fixture, 200, 10), 10);
	description.flags = SOUND_OPEN | SOUND_RUNNING | SOUND_DRAINING;
	sound_host_describe(fixture->host, &description);
	assert_int_equal(sound_peer_stream(fixture->peer, &seen), 0);
	assert_int_equal(seen.flags, SOUND_OPEN | SOUND_RUNNING);
	assert_peer_reads(fixture->peer, 50, 10, 200);
	assert_peer_reads(fixture->peer, 50, 0, 0);
	assert_int_equal(sound_peer_missed_frames(fixture->peer), 20);
	/* The guest goes on: it is, again. */
	description.flags = SOUND_OPEN | SOUND_RUNNING;
	sound_host_describe(fixture->host, &description);
	assert_peer_reads(fixture->peer, 5, 0, 0);
	assert_int_equal(sound_peer_missed_frames(fixture->peer), 25);
	/* What is in the ring when the guest stops is still there; what is not is not missed. */
	description.flags = SOUND_OPEN;
	assert_int_equal(host_write(fixture, 300, 10), 10);
	sound_host_describe(fixture->host, &description);
	assert_peer_reads(fixture->peer, 50, 10, 300);
	assert_peer_reads(fixture->peer, 50, 0, 0);
	assert_int_equal(sound_peer_missed_frames(fixture->peer), 25);
}

/* A microphone that the guest does not listen to fills the ring and no more. */
static void test_microphone_overrun(void **state)
{
	struct fixture *fixture = *state;

	start_joined(fixture, 0);
	assert_int_equal(peer_write(fixture, 0, RING_FRAMES - 5), RING_FRAMES - 5);
	assert_int_equal(peer_write(fixture, 1000000, 100), 5);
	assert_int_equal(peer_write(fixture, 2000000, 100), 0);
	assert_int_equal(fixture->section->client.clock_frames, RING_FRAMES + 195);
	assert_int_equal(sound_host_room(fixture->host), RING_FRAMES);
	/* NULL drops. */
	assert_int_equal(sound_host_read(fixture->host, NULL, RING_FRAMES - 5, 3), RING_FRAMES - 5);
	assert_host_reads(fixture->host, 10, 5, 1000000);
	assert_int_equal(peer_write(fixture, 7, 3), 3);
	assert_host_reads(fixture->host, 10, 3, 7);
}

/* --- generations and owners ------------------------------------------------------------------ */

static void test_generation_changes_under_reader(void **state)
{
	struct fixture *fixture = *state;
	struct sound_description description;

	start_joined(fixture, 100);
	assert_int_equal(host_write(fixture, 5, 80), 80);
	assert_peer_reads(fixture->peer, 20, 20, 5);
	start(fixture, &description, SOUND_FORMAT_S32, 8);
	assert_int_equal(sound_host_fill(fixture->host), 0);
	assert_int_equal(host_write(fixture, 1000, 8), 8);
	/* The old one's positions mean nothing, and it is silent and touches nothing. */
	assert_peer_reads(fixture->peer, 20, 0, 0);
	assert_int_equal(sound_host_fill(fixture->host), 8);
	assert_int_equal(fixture->section->client.clock_frames, 20);
	assert_int_equal(sound_peer_missed_frames(fixture->peer), 0);
	assert_int_equal(sound_peer_join(fixture->peer, &description, 100), 0);
	assert_int_equal(fixture->section->client.clock_frames, 0);
	assert_int_equal(sound_host_fill(fixture->host), 8);
}

static void test_microphone_generation_changes(void **state)
{
	struct fixture *fixture = *state;
	struct sound_description description;

	start_joined(fixture, 0);
	assert_int_equal(peer_write(fixture, 5, 80), 80);
	assert_int_equal(sound_host_fill(fixture->host), 80);
	start(fixture, &description, SOUND_FORMAT_S16, 2);
	assert_int_equal(sound_host_fill(fixture->host), 0);
	assert_int_equal(peer_write(fixture, 5, 80), 0);
	assert_int_equal(sound_host_fill(fixture->host), 0);
	assert_int_equal(sound_peer_join(fixture->peer, &description, 0), 0);
	assert_int_equal(peer_write(fixture, 700, 80), 80);
	assert_host_reads(fixture->host, 100, 80, 700);
}

static void test_one_owner(void **state)
{
	struct fixture *fixture = *state;
	struct sound_peer *other = sound_peer_create(fixture->segment, SOUND_PLAYBACK);

	assert_false(sound_peer_owns(fixture->peer));
	assert_true(sound_peer_beat(fixture->peer, 0));
	assert_true(sound_peer_owns(fixture->peer));
	/* It is not lost while it beats... */
	for (uint64_t second = 0; second < 10; second++) {
		assert_true(sound_peer_beat(fixture->peer, second * SECOND));
		assert_false(sound_peer_beat(other, second * SECOND));
	}
	/* ...but 3 s after the last beat was seen. */
	assert_false(sound_peer_beat(other, 12 * SECOND - 1));
	assert_true(sound_peer_beat(other, 12 * SECOND));
	assert_false(sound_peer_owns(fixture->peer));
	assert_false(sound_peer_beat(fixture->peer, 13 * SECOND));
	/* The old one's farewell does not take it from the new one. */
	sound_peer_release(fixture->peer);
	assert_true(sound_peer_owns(other));
	/* The last that comes plays, at once. */
	sound_peer_take(fixture->peer);
	assert_true(sound_peer_owns(fixture->peer));
	assert_false(sound_peer_beat(other, 14 * SECOND));
	sound_peer_take(other);
	sound_peer_destroy(other);
	assert_int_equal(fixture->section->client.owner, 0);
	assert_true(sound_peer_beat(fixture->peer, 15 * SECOND));
}

static void test_take_over(void **state)
{
	struct fixture *fixture = *state;
	struct sound_peer *other = sound_peer_create(fixture->segment, SOUND_PLAYBACK);
	struct sound_description description;
	struct sound_client_view view;

	start_joined(fixture, 50);
	sound_host_view(fixture->host, &view);
	assert_true(view.present);
	assert_int_equal(host_write(fixture, 0, 200), 200);
	assert_peer_reads(fixture->peer, 100, 100, 0);
	/* The second client joins before it owns: silence, and the first one's numbers stay. */
	assert_int_equal(sound_peer_stream(other, &description), 1);
	assert_int_equal(sound_peer_join(other, &description, 50), 0);
	assert_peer_reads(other, 10, 0, 0);
	assert_int_equal(sound_host_fill(fixture->host), 100);
	assert_int_equal(fixture->section->client.clock_frames, 100);
	sound_peer_take(other);
	assert_peer_reads(fixture->peer, 10, 0, 0);
	assert_peer_reads(other, 10, 10, 150);
	assert_int_equal(sound_host_fill(fixture->host), 40);
	sound_host_view(fixture->host, &view);
	assert_int_equal(view.clock_frames, 10);
	/* Back to the first: near the newest, not where it was. */
	assert_int_equal(host_write(fixture, 200, 500), 500);
	sound_peer_destroy(other);
	sound_host_view(fixture->host, &view);
	assert_false(view.present);
	assert_true(sound_peer_beat(fixture->peer, 0));
	assert_peer_reads(fixture->peer, 10, 10, 650);
	assert_int_equal(sound_host_fill(fixture->host), 40);
}

static void test_microphone_take_over(void **state)
{
	struct fixture *fixture = *state;
	struct sound_peer *other = sound_peer_create(fixture->segment, SOUND_MICROPHONE);
	struct sound_description description;
	const uint32_t frames[4] = { 1, 2, 3, 4 };

	start_joined(fixture, 0);
	assert_int_equal(peer_write(fixture, 50, 30), 30);
	assert_host_reads(fixture->host, 10, 10, 50);
	assert_int_equal(sound_peer_stream(other, &description), 1);
	assert_int_equal(sound_peer_join(other, &description, 0), 0);
	assert_int_equal(sound_peer_write(other, frames, 4, 1), 0);
	sound_peer_take(other);
	assert_int_equal(peer_write(fixture, 50, 30), 0);
	assert_int_equal(sound_peer_write(other, frames, 4, 1), 4);
	assert_host_reads(fixture->host, 10, 4, 1);
	sound_peer_destroy(other);
}

/* Another VMM start on the same file: the old client is silent and writes nothing. */
static void test_segment_laid_out_anew(void **state)
{
	char path[] = "/tmp/test_sound.XXXXXX";
	int fd = mkstemp(path);
	struct segment *made, *attached;
	struct sound_section *section;
	struct sound_peer *peer;

	assert_true(fd >= 0);
	made = segment_create_file(path, &small_config);
	assert_non_null(made);
	attached = segment_attach_fd(fd);
	assert_non_null(attached);
	peer = sound_peer_create(attached, SOUND_PLAYBACK);
	sound_peer_take(peer);
	assert_true(sound_peer_owns(peer));
	segment_destroy(made);
	made = segment_create_file(path, &small_config);
	assert_non_null(made);
	section = segment_find(made, SEGMENT_SECTION_SOUND, 0, NULL);
	assert_int_equal(section->client.owner, 0);
	assert_false(sound_peer_owns(peer));
	sound_peer_take(peer);
	assert_false(sound_peer_beat(peer, 0));
	assert_int_equal(section->client.owner, 0);
	sound_peer_destroy(peer);
	segment_destroy(attached);
	segment_destroy(made);
	close(fd);
	unlink(path);
}

/* --- lies ------------------------------------------------------------------------------------ */

static void test_client_lies_about_reading(void **state)
{
	struct fixture *fixture = *state;
	static const int64_t offsets[] = {
		1, 1000, INT64_MAX, INT64_MIN, -(int64_t)RING_FRAMES - 1,
	};
	const uint64_t start_at = 3 * (uint64_t)RING_FRAMES;

	start_joined(fixture, 100);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(host_write(fixture, 0, RING_FRAMES), RING_FRAMES);
		assert_peer_reads(fixture->peer, RING_FRAMES, RING_FRAMES, 0);
	}
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		uint64_t written = start_at + i * 50, before = fixture->section->written.frames;

		assert_int_equal(before, written);
		assert_int_equal(host_write(fixture, 77, 40), 40);
		fixture->section->read.frames = written + 40 + (uint64_t)offsets[i];
		/* Empty once; from then on it stands still. */
		assert_int_equal(sound_host_fill(fixture->host), 0);
		assert_int_equal(host_write(fixture, 500, 10), 10);
		fixture->section->read.frames = written + 60 + (uint64_t)offsets[i] * 3;
		if (sound_host_fill(fixture->host) != 10)
			fail_msg("lie %zu: %u", i, sound_host_fill(fixture->host));
		/* An honest read heals it. */
		assert_peer_reads(fixture->peer, 30, 30, 77);
		assert_int_equal(sound_host_fill(fixture->host), 20);
		assert_peer_reads(fixture->peer, 10, 10, 107);
		assert_peer_reads(fixture->peer, 10, 10, 500);
	}
	/* A liar can fill the ring but not more. */
	fixture->section->read.frames = UINT64_MAX;
	assert_int_equal(host_write(fixture, 0, 2 * RING_FRAMES), RING_FRAMES);
	assert_int_equal(host_write(fixture, 0, 1), 0);
	assert_int_equal(sound_host_room(fixture->host), 0);
}

static void test_client_lies_about_writing(void **state)
{
	struct fixture *fixture = *state;

	start_joined(fixture, 0);
	assert_int_equal(peer_write(fixture, 0, 100), 100);
	assert_host_reads(fixture->host, 60, 60, 0);
	fixture->section->written.frames = 59;
	assert_int_equal(sound_host_room(fixture->host), 0);
	fixture->section->written.frames = 61 + (uint64_t)RING_FRAMES;
	assert_int_equal(sound_host_room(fixture->host), 0);
	fixture->section->written.frames = UINT64_MAX;
	assert_int_equal(sound_host_read(fixture->host, NULL, 10, 1), 0);
	/* As much as the ring holds is no lie, whatever is in it. */
	fixture->section->written.frames = 60 + (uint64_t)RING_FRAMES;
	assert_int_equal(sound_host_room(fixture->host), RING_FRAMES);
	assert_int_equal(sound_host_read(fixture->host, NULL, 40, 1), 40);
	/* The read position is the VMM's: what others write there means nothing to it. */
	fixture->section->read.frames = 12345;
	fixture->section->read.generation = 6789;
	fixture->section->written.frames = 110;
	assert_int_equal(sound_host_read(fixture->host, NULL, 4, 1), 4);
	assert_int_equal(fixture->section->read.frames, 104);
	assert_int_equal(fixture->section->read.generation, 1);
	/* The honest writer starts over from it. */
	assert_int_equal(peer_write(fixture, 900, 10), 10);
	assert_host_reads(fixture->host, 10, 10, 900);
}

static void test_host_lies(void **state)
{
	struct fixture *fixture = *state;
	static uint32_t frames[RING_FRAMES];
	static const uint64_t lies[] = { 0, 99, 101 + (uint64_t)RING_FRAMES, UINT64_MAX };

	start_joined(fixture, 1000);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		assert_int_equal(host_write(fixture, 0, 100), 100);
		assert_peer_reads(fixture->peer, 100, 100, 0);
		fixture->section->written.frames += lies[i] - 100;
		assert_peer_reads(fixture->peer, 10, 0, 0);
		/* The next write says the truth; old samples may come once more. */
		assert_int_equal(host_write(fixture, 4000, 30), 30);
		sound_peer_read(fixture->peer, frames, RING_FRAMES, 1);
		sound_peer_read(fixture->peer, frames, RING_FRAMES, 1);
		assert_int_equal(sound_host_fill(fixture->host), 0);
	}
	/* Nobody else's generation is read. */
	fixture->section->written.generation++;
	assert_peer_reads(fixture->peer, 10, 0, 0);
	assert_int_equal(host_write(fixture, 60, 30), 30);
	assert_peer_reads(fixture->peer, 10, 10, 60);
}

static void test_host_lies_to_microphone(void **state)
{
	struct fixture *fixture = *state;
	static const uint64_t lies[] = { 101, UINT64_MAX, UINT64_MAX - RING_FRAMES };

	start_joined(fixture, 0);
	assert_int_equal(peer_write(fixture, 0, 100), 100);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		fixture->section->read.frames = lies[i];
		assert_int_equal(peer_write(fixture, 0, 10), 10);
		assert_int_equal(fixture->section->written.frames, lies[i] + 10);
		assert_int_equal(peer_write(fixture, 0, 2 * RING_FRAMES), RING_FRAMES - 10);
	}
}

static void test_client_view(void **state)
{
	struct fixture *fixture = *state;
	struct sound_client_view view;

	sound_host_view(fixture->host, &view);
	assert_false(view.present);
	start_joined(fixture, 0);
	sound_host_view(fixture->host, &view);
	assert_true(view.present);
	assert_int_equal(view.owner, fixture->section->client.owner);
	assert_in_range(view.quantum_frames, 480, 1000);
	assert_int_equal(view.delay_ns, 0);
	sound_peer_set_server(fixture->peer, 256, 21000000);
	sound_host_view(fixture->host, &view);
	assert_int_equal(view.quantum_frames, 256);
	assert_int_equal(view.delay_ns, 21000000);
	sound_peer_set_server(fixture->peer, UINT32_MAX, UINT64_MAX);
	sound_host_view(fixture->host, &view);
	assert_int_equal(view.quantum_frames, RING_FRAMES / 2);
	assert_int_equal(view.delay_ns, 2 * SECOND);
	fixture->section->client.clock_frames = 99;
	sound_host_view(fixture->host, &view);
	assert_int_equal(view.clock_frames, 99);
	fixture->section->client.clock_generation++;
	sound_host_view(fixture->host, &view);
	assert_int_equal(view.clock_frames, 0);
}

#define PLAYBACK(test) cmocka_unit_test_setup_teardown(test, setup_playback, teardown)
#define MICROPHONE(test) cmocka_unit_test_setup_teardown(test, setup_microphone, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAYBACK(test_describe),
		MICROPHONE(test_describe),
		PLAYBACK(test_description_lies),
		cmocka_unit_test(test_segment_without_sound),
		PLAYBACK(test_wraps),
		MICROPHONE(test_wraps),
		PLAYBACK(test_missed),
		MICROPHONE(test_microphone_overrun),
		PLAYBACK(test_generation_changes_under_reader),
		MICROPHONE(test_microphone_generation_changes),
		PLAYBACK(test_one_owner),
		PLAYBACK(test_take_over),
		MICROPHONE(test_microphone_take_over),
		cmocka_unit_test(test_segment_laid_out_anew),
		PLAYBACK(test_client_lies_about_reading),
		MICROPHONE(test_client_lies_about_writing),
		PLAYBACK(test_host_lies),
		MICROPHONE(test_host_lies_to_microphone),
		PLAYBACK(test_client_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
