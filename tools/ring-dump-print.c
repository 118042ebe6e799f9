/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a segment holds, in words. Looks only: no hint, no lock, no owner is touched. */
#include "ring-dump.h"

#include <base/clock.h>
#include <inttypes.h>
#include <ivshmem/copy.h>
#include <ivshmem/segment.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

static const char *dump_state_name(enum segment_state state)
{
	switch (state) {
	case SEGMENT_STARTING:
		return "starting";
	case SEGMENT_RUNNING:
		return "running";
	case SEGMENT_PAUSED:
		return "paused";
	case SEGMENT_SHUT_DOWN:
		return "shut down";
	default:
		return "unknown";
	}
}

static const char *dump_video_state_name(uint32_t state)
{
	static const char *const names[] = { "off", "on", "too large" };

	return state < 3 ? names[state] : "nonsense";
}

/* Four printable characters. */
static void dump_fourcc(char text[5], uint32_t fourcc)
{
	for (int i = 0; i < 4; i++) {
		char c = (char)(fourcc >> 8 * i);

		text[i] = c >= 0x20 && c < 0x7f ? c : '?';
	}
	text[4] = 0;
}

static void dump_header(const struct segment *segment)
{
	printf("segment  \"%s\"  %" PRIu64 " bytes  epoch %08x%s  %s  heartbeat %" PRIu64 "%s\n",
	       segment_name(segment), segment_bytes(segment), segment_epoch(segment),
	       segment_is_current(segment) ? "" : " (laid out anew since)",
	       dump_state_name(segment_state(segment)), segment_heartbeat(segment),
	       segment_same_clock(segment) ? "" : "  other clock: no ages");
}

static void dump_slot(const struct segment *segment, const struct video_section *video,
		      uint32_t index, uint64_t now_ns)
{
	const struct video_slot *shared = &video->slots[index];
	uint64_t latest = atomic_load(&video->latest);
	uint64_t lock = atomic_load(&shared->lock);
	struct video_slot slot;
	char fourcc[5];

	shared_copy(&slot, shared, sizeof(slot));
	printf("  slot %u%s%s", index,
	       latest && (latest & ((1u << VIDEO_LATEST_SLOT_BITS) - 1)) == index ? " latest" : "",
	       atomic_load(&video->reader_hint) == index ? " in use" : "");
	if (lock & 1 || atomic_load(&shared->lock) != lock) {
		printf("  being written\n");
		return;
	}
	if (!slot.sequence) {
		printf("  never written\n");
		return;
	}
	dump_fourcc(fourcc, slot.fourcc);
	printf("  frame %" PRIu64 "  %ux%u pitch %u %s  at %" PRIu64, slot.sequence, slot.width,
	       slot.height, slot.pitch, fourcc, slot.data_offset);
	if (segment_same_clock(segment))
		printf("  age %.1f ms  flush to publish %.1f us",
		       (double)(int64_t)(now_ns - slot.publish_ns) / 1e6,
		       (double)(int64_t)(slot.publish_ns - slot.guest_flush_ns) / 1e3);
	printf("\n");
}

static void dump_video(const struct segment *segment, uint32_t index, uint64_t now_ns)
{
	const struct video_section *video = segment_find(segment, SEGMENT_SECTION_VIDEO, index,
							 NULL);
	uint64_t size = atomic_load(&video->size);
	uint64_t latest = atomic_load(&video->latest);
	uint32_t count;

	shared_copy(&count, &video->slot_count, sizeof(count));
	printf("video %u  %s  %ux%u  %u slots of %" PRIu64 " bytes  frames %" PRIu64 "\n", index,
	       dump_video_state_name(atomic_load(&video->state)), (uint32_t)size,
	       (uint32_t)(size >> 32), count, video->slot_bytes,
	       latest >> VIDEO_LATEST_SLOT_BITS);
	for (uint32_t i = 0; i < count && i < VIDEO_MAX_SLOTS; i++)
		dump_slot(segment, video, i, now_ns);
}

static void dump_cursor(const struct segment *segment, uint32_t index)
{
	const struct cursor_section *shared = segment_find(segment, SEGMENT_SECTION_CURSOR, index,
							   NULL);
	struct {
		uint64_t lock;
		int32_t x, y;
		uint32_t visible, hot_x, hot_y, width, height, fourcc;
		uint64_t image_serial;
	} cursor;

	if (!shared)
		return;
	_Static_assert(sizeof(cursor) == 48, "the first fields of a cursor section");
	shared_copy(&cursor, shared, sizeof(cursor));
	printf("cursor %u  %s  at %d,%d  image %" PRIu64 " %ux%u hotspot %u,%u%s\n", index,
	       cursor.visible ? "shown" : "hidden", cursor.x, cursor.y, cursor.image_serial,
	       cursor.width, cursor.height, cursor.hot_x, cursor.hot_y,
	       cursor.lock & 1 ? "  (being written)" : "");
}

static void dump_input(const struct segment *segment)
{
	const struct input_section *input = segment_find(segment, SEGMENT_SECTION_INPUT, 0, NULL);
	uint64_t owner;
	uint32_t head, tail;

	if (!input)
		return;
	owner = atomic_load(&input->owner);
	tail = atomic_load(&input->tail);
	head = atomic_load(&input->head);
	printf("input  %u of %u records wait%s  %u taken  ", head - tail, INPUT_RING_RECORDS,
	       head - tail > INPUT_RING_RECORDS ? " (nonsense)" : "", tail);
	if (owner)
		printf("owner %016" PRIx64 " beat %" PRIu64 "\n", owner,
		       atomic_load(&input->owner_beat));
	else
		printf("no owner\n");
}

void ring_dump_print(const struct segment *segment)
{
	uint64_t now_ns = clock_now_ns();

	dump_header(segment);
	for (uint32_t i = 0; i < segment_scanout_count(segment); i++) {
		dump_video(segment, i, now_ns);
		dump_cursor(segment, i);
	}
	dump_input(segment);
	ring_dump_sound(segment, now_ns);
	fflush(stdout);
}

/* What is counted from line to line. */
struct dump_counts {
	uint64_t frames[SEGMENT_MAX_SCANOUTS];
	uint32_t taken;
	uint64_t sound[2];
};

static void dump_count(const struct segment *segment, struct dump_counts *counts)
{
	const struct input_section *input = segment_find(segment, SEGMENT_SECTION_INPUT, 0, NULL);

	for (uint32_t i = 0; i < segment_scanout_count(segment); i++) {
		const struct video_section *video = segment_find(segment, SEGMENT_SECTION_VIDEO,
								 i, NULL);

		counts->frames[i] = atomic_load(&video->latest) >> VIDEO_LATEST_SLOT_BITS;
	}
	counts->taken = input ? atomic_load(&input->tail) : 0;
	for (uint32_t i = 0; i < 2; i++)
		counts->sound[i] = ring_dump_sound_clock(segment, i);
}

/* Flush to publish of the newest frame in microseconds; negative: not known just now. */
static double dump_latency_us(const struct segment *segment, uint32_t index)
{
	const struct video_section *video = segment_find(segment, SEGMENT_SECTION_VIDEO, index,
							 NULL);
	uint64_t latest = atomic_load(&video->latest);
	uint32_t place = latest & ((1u << VIDEO_LATEST_SLOT_BITS) - 1);
	struct video_slot slot;

	if (!latest || place >= VIDEO_MAX_SLOTS)
		return -1;
	shared_copy(&slot, &video->slots[place], sizeof(slot));
	if (slot.sequence != latest >> VIDEO_LATEST_SLOT_BITS)
		return -1;
	return (double)(int64_t)(slot.publish_ns - slot.guest_flush_ns) / 1e3;
}

static void dump_line(const struct segment *segment, const struct dump_counts *before,
		      const struct dump_counts *now)
{
	printf("%s  beat %" PRIu64, dump_state_name(segment_state(segment)),
	       segment_heartbeat(segment));
	for (uint32_t i = 0; i < segment_scanout_count(segment); i++)
		printf("  video %u: %" PRIu64 " frames/s, newest %.1f us", i,
		       now->frames[i] - before->frames[i], dump_latency_us(segment, i));
	printf("  input: %u records/s", now->taken - before->taken);
	printf("  sound: %" PRId64 " and %" PRId64 " frames/s\n",
	       (int64_t)(now->sound[0] - before->sound[0]),
	       (int64_t)(now->sound[1] - before->sound[1]));
	fflush(stdout);
}

void ring_dump_follow(const struct segment *segment)
{
	struct dump_counts before, now;

	dump_count(segment, &before);
	while (segment_is_current(segment) && segment_state(segment) != SEGMENT_SHUT_DOWN) {
		sleep(1);
		dump_count(segment, &now);
		dump_line(segment, &before, &now);
		before = now;
	}
	printf(segment_is_current(segment) ? "shut down\n" : "laid out anew\n");
}
