/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client attaches to arbitrary bytes, and reads frames, cursors and sound out of a segment whose
 * header was good but whose sections hold arbitrary bytes. Every pixel it is given is touched.
 */
#include "fuzz.h"

#include <ivshmem/cursor.h>
#include <ivshmem/segment.h>
#include <ivshmem/slots_reader.h>
#include <ivshmem/sound.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FUZZ_FILE_BYTES (UINT64_C(3) << 20)

static volatile uint32_t fuzz_sum;

static void fuzz_read_frames(struct segment *segment)
{
	struct slots_reader *reader = slots_reader_create(segment, 0);
	struct slots_frame frame;
	uint32_t width, height;

	if (!reader)
		return;
	slots_reader_state(reader, &width, &height);
	for (int i = 0; i < 3; i++) {
		if (slots_reader_begin(reader, &frame) != 1)
			continue;
		for (uint32_t j = 0; j < frame.damage.count; j++) {
			const struct video_rect *rect = &frame.damage.rects[j];
			const uint8_t *first = frame.pixels + (uint64_t)rect->y * frame.pitch +
					       rect->x * UINT64_C(4);

			fuzz_sum += first[0];
			fuzz_sum += first[(uint64_t)(rect->height - 1) * frame.pitch +
					  rect->width * UINT64_C(4) - 1];
		}
		if (slots_reader_end(reader, &frame) && i == 1)
			slots_reader_forget(reader);
	}
	slots_reader_destroy(reader);
}

static void fuzz_read_cursor(struct segment *segment)
{
	struct cursor_reader *reader = cursor_reader_create(segment, 0);
	struct cursor_state cursor;

	if (!reader)
		return;
	if (cursor_reader_read(reader, &cursor) == 1 && cursor.visible)
		fuzz_sum += cursor.image.pixels[cursor.image.width * cursor.image.height - 1];
	cursor_reader_destroy(reader);
}

/* An audio callback's worth of samples of whatever stream is told. */
static void fuzz_move_sound(struct segment *segment, enum sound_direction direction)
{
	static uint8_t frames[SOUND_RING_BYTES];
	struct sound_peer *peer = sound_peer_create(segment, direction);
	struct sound_description description;

	if (!peer)
		return;
	for (uint32_t i = 0; i < 3; i++) {
		if (sound_peer_stream(peer, &description) < 0)
			continue;
		sound_peer_take(peer);
		if (sound_peer_join(peer, &description, i * 1000))
			continue;
		for (uint32_t count = SOUND_RING_BYTES / description.frame_bytes; count; count /= 3)
			fuzz_sum += direction == SOUND_PLAYBACK ?
					    sound_peer_read(peer, frames, count, i) :
					    sound_peer_write(peer, frames, count, i);
	}
	fuzz_sum += frames[0];
	sound_peer_destroy(peer);
}

static void fuzz_attach(int fd)
{
	struct segment *segment = segment_attach_fd(fd);

	if (!segment)
		return;
	fuzz_sum += (uint32_t)strlen(segment_name(segment));
	fuzz_read_frames(segment);
	fuzz_read_cursor(segment);
	fuzz_move_sound(segment, SOUND_PLAYBACK);
	fuzz_move_sound(segment, SOUND_MICROPHONE);
	segment_destroy(segment);
}

/* A good segment, so that the input can be spent on the sections instead of the magic. */
static struct segment *fuzz_good_segment(void)
{
	const struct segment_config config = {
		.scanout_count = 1, .slot_count = 2, .slot_bytes = 640 * 480 * 4,
	};

	return segment_create_memfd(&config);
}

/* A sound lock and number in front of an arbitrary slot header. */
static void fuzz_scribble_slot(struct video_section *video, const uint8_t *data, size_t size)
{
	memcpy((uint8_t *)video + 128 + 16, data, size < 112 ? size : 112);
	memcpy((uint8_t *)video + 1152 + 16, data, size < 304 ? size : 304);
	video->latest = 1 << 8;
	video->slots[0].sequence = 1;
}

/* A running stream with arbitrary positions. */
static void fuzz_scribble_sound(struct sound_section *sound, const uint8_t *data, size_t size)
{
	memcpy((uint8_t *)sound + 64, data, size < 192 ? size : 192);
	sound->stream.flags = SOUND_OPEN | SOUND_RUNNING;
	sound->stream.generation = 1;
	sound->stream.format = 1 + data[0] % 4;
	sound->stream.rate = 48000;
	sound->stream.channels = 1 + data[0] / 4 % SOUND_MAX_CHANNELS;
	sound->written.generation = 1;
	sound->read.generation = 1;
}

/* Byte 0: where the rest goes. */
static void fuzz_scribble(struct segment *segment, const uint8_t *data, size_t size)
{
	uint8_t *header = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			       segment_fd(segment), 0);
	uint8_t *video = segment_find(segment, SEGMENT_SECTION_VIDEO, 0, NULL);
	uint8_t *cursor = segment_find(segment, SEGMENT_SECTION_CURSOR, 0, NULL);
	uint8_t where = data[0], direction = data[0] / 8 % 2;
	uint8_t *sound = segment_find(segment, SEGMENT_SECTION_SOUND, direction, NULL);

	data++;
	size--;
	switch (where % 8) {
	case 0:
		memcpy(header + 12, data, size < 512 ? size : 512);
		break;
	case 1:
		memcpy(video, data, size < 4096 ? size : 4096);
		break;
	case 2:
	case 3:
		fuzz_scribble_slot((struct video_section *)video, data, size);
		break;
	case 4:
		memcpy(sound + 8, data, size < 256 ? size : 256);
		break;
	case 5:
	case 6:
		fuzz_scribble_sound((struct sound_section *)sound, data, size);
		break;
	default:
		memcpy(cursor + 8, data, size < 128 ? size : 128);
	}
	munmap(header, 4096);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int raw_fd = -1;
	struct segment *segment;

	if (size < 2)
		return 0;
	if (raw_fd < 0)
		raw_fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (data[0] & 0x80) {
		if (ftruncate(raw_fd, 0) || ftruncate(raw_fd, (off_t)FUZZ_FILE_BYTES) ||
		    pwrite(raw_fd, data + 1, size - 1, 0) < 0)
			abort();
		fuzz_attach(raw_fd);
		return 0;
	}
	segment = fuzz_good_segment();
	if (!segment)
		abort();
	fuzz_scribble(segment, data, size);
	fuzz_attach(segment_fd(segment));
	segment_destroy(segment);
	return 0;
}
