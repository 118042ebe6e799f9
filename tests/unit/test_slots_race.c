/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hundred thousand random damages through the slots, while a fast and a slow reader keep a
 * picture of their own by nothing but the damage they are told. Every frame they read whole must
 * equal, pixel by pixel, what the writer's picture was at that frame.
 */
#include <errno.h>
#include <ivshmem/copy.h>
#include <ivshmem/segment.h>
#include <ivshmem/slots_reader.h>
#include <ivshmem/slots_writer.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WIDTH 64u
#define HEIGHT 48u
#define STEPS 100000u

struct picture {
	uint32_t pixels[WIDTH * HEIGHT];
	uint64_t random;
	uint32_t steps;
};

struct race {
	struct segment *segment;
	_Atomic uint32_t steps_of[STEPS + 1];   /* steps in the picture of each sequence */
	_Atomic uint64_t last_sequence;         /* 0 until the writer is done */
};

struct race_reader {
	struct race *race;
	useconds_t pause_us;            /* between frames, and in the midst of some */
	uint64_t whole, torn, skipped, errors;
	struct picture reference;
	uint32_t mine[WIDTH * HEIGHT];
};

static uint32_t picture_random(struct picture *picture)
{
	picture->random = picture->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(picture->random >> 33);
}

/* The same changes in the same order for writer and readers. */
static struct video_rect picture_step(struct picture *picture)
{
	struct video_rect rect = {
		.x = picture_random(picture) % WIDTH,
		.y = picture_random(picture) % HEIGHT,
	};
	bool large = picture_random(picture) % 50 == 0;

	rect.width = 1 + picture_random(picture) % (large ? WIDTH - rect.x : 8);
	rect.height = 1 + picture_random(picture) % (large ? HEIGHT - rect.y : 8);
	if (rect.width > WIDTH - rect.x)
		rect.width = WIDTH - rect.x;
	if (rect.height > HEIGHT - rect.y)
		rect.height = HEIGHT - rect.y;
	picture->steps++;
	for (uint32_t y = rect.y; y < rect.y + rect.height; y++)
		for (uint32_t x = rect.x; x < rect.x + rect.width; x++)
			picture->pixels[y * WIDTH + x] = picture->steps;
	return rect;
}

static void copy_damage(const struct video_damage *damage, uint8_t *to, const uint8_t *from,
			uint32_t pitch)
{
	for (uint32_t i = 0; i < damage->count; i++) {
		const struct video_rect *rect = &damage->rects[i];
		size_t at = (size_t)rect->y * pitch + rect->x * 4;

		shared_copy_rows(to + at, pitch, from + at, pitch, rect->width * 4, rect->height);
	}
}

static void *race_write(void *data)
{
	struct picture picture = { 0 };
	const struct slots_picture format = { .width = WIDTH, .height = HEIGHT,
					      .fourcc = VIDEO_FOURCC_ARGB8888 };
	struct race *race = data;
	struct slots_writer *writer = slots_writer_create(race->segment, 0);
	uint64_t sequence = 0;

	while (picture.steps < STEPS) {
		struct video_damage damage = { .count = 1 + picture.steps % 3 };
		struct slots_write write;

		for (uint32_t i = 0; i < damage.count; i++)
			damage.rects[i] = picture_step(&picture);
		if (slots_writer_begin(writer, &format, &damage, &write))
			break;
		copy_damage(&write.damage, write.pixels, (const uint8_t *)picture.pixels,
			    write.pitch);
		if (picture.steps % 97 == 0) {
			slots_writer_cancel(writer);
			continue;
		}
		race->steps_of[++sequence] = picture.steps;
		slots_writer_publish(writer, 0, 0);
		if (sequence % 8 == 0)
			usleep(20);
	}
	slots_writer_destroy(writer);
	race->last_sequence = sequence;
	return NULL;
}

/* True when the frame was whole; then it is compared. */
static bool race_read_one(struct race_reader *reader, struct slots_reader *slots,
			  struct slots_frame *frame)
{
	int result = slots_reader_begin(slots, frame);

	if (result != 1) {
		reader->errors += result != 0 && result != -EAGAIN;
		sched_yield();
		return false;
	}
	if (reader->pause_us && frame->sequence % 2)
		usleep(reader->pause_us);
	copy_damage(&frame->damage, (uint8_t *)reader->mine, frame->pixels, frame->pitch);
	if (!slots_reader_end(slots, frame)) {
		reader->torn++;
		return false;
	}
	reader->whole++;
	reader->skipped += frame->skipped;
	while (reader->reference.steps < reader->race->steps_of[frame->sequence])
		picture_step(&reader->reference);
	reader->errors += memcmp(reader->mine, reader->reference.pixels,
				 sizeof(reader->mine)) != 0;
	return true;
}

static void *race_read(void *data)
{
	struct race_reader *reader = data;
	struct segment *attached = segment_attach_fd(segment_fd(reader->race->segment));
	struct slots_reader *slots = slots_reader_create(attached, 0);
	struct slots_frame frame = { 0 };

	while (!reader->race->last_sequence || frame.sequence != reader->race->last_sequence)
		if (race_read_one(reader, slots, &frame) && reader->pause_us)
			usleep(reader->pause_us);
	slots_reader_destroy(slots);
	segment_destroy(attached);
	return NULL;
}

static void race_with_slots(uint32_t slot_count)
{
	static struct race race;
	static struct race_reader fast, slow;
	const struct segment_config config = {
		.scanout_count = 1, .slot_count = slot_count, .slot_bytes = 640 * 480 * 4,
	};
	pthread_t writer, reader_fast, reader_slow;

	memset(&race, 0, sizeof(race));
	race.segment = segment_create_memfd(&config);
	assert_non_null(race.segment);
	fast = (struct race_reader){ .race = &race };
	slow = (struct race_reader){ .race = &race, .pause_us = 2000 };
	assert_int_equal(pthread_create(&reader_fast, NULL, race_read, &fast), 0);
	assert_int_equal(pthread_create(&reader_slow, NULL, race_read, &slow), 0);
	assert_int_equal(pthread_create(&writer, NULL, race_write, &race), 0);
	pthread_join(writer, NULL);
	pthread_join(reader_fast, NULL);
	pthread_join(reader_slow, NULL);
	print_message("%u slots: fast %llu whole %llu torn, slow %llu whole %llu torn\n",
		      slot_count, (unsigned long long)fast.whole, (unsigned long long)fast.torn,
		      (unsigned long long)slow.whole, (unsigned long long)slow.torn);
	assert_int_equal(fast.errors, 0);
	assert_int_equal(slow.errors, 0);
	assert_true(fast.whole > 100);
	assert_true(slow.whole > 10);
	assert_true(slow.skipped > 0);
	segment_destroy(race.segment);
}

static void test_two_slots(void **state)
{
	race_with_slots(2);
}

static void test_four_slots(void **state)
{
	race_with_slots(4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_slots),
		cmocka_unit_test(test_four_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
