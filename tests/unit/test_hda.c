/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HD Audio controller as drivers use it: reset, discovery of the codec, streams, interrupts.
 * What no driver does is in test_hda_broken.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/bytes.h>
#include <base/loop.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "hda_rig.h"

#define GIE 0x80000000u
#define CIE 0x40000000u
#define FORMAT_48000_16 0x0011u
#define FORMAT_44100_32 0x4041u

static struct hda_rig rig;

static int setup(void **state)
{
	hda_rig_init(&rig);
	return 0;
}

static int setup_started(void **state)
{
	hda_rig_init(&rig);
	hda_rig_start(&rig);
	return 0;
}

static int teardown(void **state)
{
	hda_rig_finish(&rig);
	return 0;
}

static void test_reset_state(void **state)
{
	assert_int_equal(hda_rig_read(&rig, 0x00, 2), 0x2201);
	assert_int_equal(hda_rig_read(&rig, 0x02, 1), 0);
	assert_int_equal(hda_rig_read(&rig, 0x03, 1), 1);
	assert_int_equal(hda_rig_read(&rig, 0x08, 4), 0);
	assert_int_equal(hda_rig_read(&rig, 0x0e, 2), 0);
	/* In reset nothing else can be written. */
	hda_rig_write(&rig, 0x20, 4, GIE);
	assert_int_equal(hda_rig_read(&rig, 0x20, 4), 0);
	hda_rig_write(&rig, 0x08, 4, 1);
	assert_int_equal(hda_rig_read(&rig, 0x08, 4), 1);
	assert_int_equal(hda_rig_read(&rig, 0x0e, 2), 1);
	hda_rig_write(&rig, 0x20, 4, 0xffffffff);
	assert_int_equal(hda_rig_read(&rig, 0x20, 4), GIE | CIE | 0xf);
	/* Ones clear, zeros do not; a reset of the controller keeps it. */
	hda_rig_write(&rig, 0x0e, 2, 0);
	assert_int_equal(hda_rig_read(&rig, 0x0e, 2), 1);
	hda_rig_write(&rig, 0x08, 4, 0);
	assert_int_equal(hda_rig_read(&rig, 0x20, 4), 0);
	assert_int_equal(hda_rig_read(&rig, 0x0e, 2), 1);
	hda_rig_write(&rig, 0x0e, 2, 0x7fff);
	assert_int_equal(hda_rig_read(&rig, 0x0e, 2), 0);
	hda_rig_write(&rig, 0x0c, 2, 1);
	hda_reset(rig.hda);
	assert_int_equal(hda_rig_read(&rig, 0x0c, 4), 0);
}

static void test_access_sizes(void **state)
{
	hda_rig_write(&rig, 0x08, 4, 1);
	hda_write(rig.hda, 0x40, 8, 0x1122334455667780);
	assert_int_equal(hda_read(rig.hda, 0x40, 8), 0x1122334455667780);
	assert_int_equal(hda_rig_read(&rig, 0x43, 2), 0x4455);
	assert_int_equal(hda_rig_read(&rig, 0x46, 1), 0x22);
	hda_rig_write(&rig, 0x43, 2, 0xaabb);
	assert_int_equal(hda_read(rig.hda, 0x40, 8), 0x112233aabb667780);
	/* The last descriptor, what follows it, and the end of the window. */
	hda_rig_write(&rig, 0xe8, 4, 0x1000);
	assert_int_equal(hda_rig_read(&rig, 0xe8, 4), 0x1000);
	hda_rig_write(&rig, 0x108, 4, 0x1000);
	assert_int_equal(hda_rig_read(&rig, 0x108, 4), 0);
	assert_int_equal(hda_read(rig.hda, HDA_REGISTER_BYTES - 8, 8), 0);
	assert_int_equal(hda_read(rig.hda, HDA_REGISTER_BYTES - 1, 8), 0);
	hda_write(rig.hda, HDA_REGISTER_BYTES - 1, 8, UINT64_MAX);
}

static void test_wall_clock(void **state)
{
	struct timespec pause = { .tv_nsec = 2000000 };
	uint32_t first, passed;

	assert_int_equal(hda_rig_read(&rig, 0x30, 4), 0);
	hda_rig_write(&rig, 0x08, 4, 1);
	first = hda_rig_read(&rig, 0x30, 4);
	nanosleep(&pause, NULL);
	passed = hda_rig_read(&rig, 0x2030, 4) - first;
	assert_in_range(passed, 2 * 24000, 60 * 24000000u);
}

static uint32_t parameter(uint32_t node, uint32_t id)
{
	uint32_t value = hda_rig_command(&rig, node, 0xf0000 | id);

	assert_int_equal(hda_rig_immediate(&rig, node, 0xf0000 | id), value);
	return value;
}

/* From the root to every node, as a generic parser walks. */
static void test_discovery(void **state)
{
	uint32_t nodes = parameter(0, 4);
	unsigned int converters = 0, pins = 0;

	assert_int_equal(parameter(0, 0), 0x1af45654);
	assert_int_equal(nodes, 0x00010001);
	assert_int_equal(parameter(1, 5), 1);
	assert_int_equal(hda_rig_command(&rig, 1, 0xf2000), 0x1af41100);
	nodes = parameter(1, 4);
	assert_int_equal(nodes, 0x00020004);
	for (uint32_t node = nodes >> 16; node < (nodes >> 16) + (nodes & 0xff); node++) {
		uint32_t type = parameter(node, 9) >> 20;
		bool listed = parameter(node, 9) >> 8 & 1;

		assert_int_equal(parameter(node, 9) & 1, 1);
		assert_int_equal(listed, parameter(node, 0xe) != 0);
		converters += type < 2;
		pins += type == 4;
		if (type < 2) {
			assert_int_equal(parameter(node, 0xa), 0x001e07e0);
			assert_int_equal(parameter(node, 0xb), 1);
		}
	}
	assert_int_equal(converters, 2);
	assert_int_equal(pins, 2);
	/* Line out hears the output converter, the input converter the microphone. */
	assert_int_equal(parameter(2, 9) >> 20, 0);
	assert_int_equal(hda_rig_command(&rig, 3, 0xf0200), 2);
	assert_int_equal(hda_rig_command(&rig, 3, 0xf1c00), 0x01014110);
	assert_int_equal(parameter(3, 0xc), 0x10);
	assert_int_equal(parameter(4, 9) >> 20, 1);
	assert_int_equal(hda_rig_command(&rig, 4, 0xf0200), 5);
	assert_int_equal(hda_rig_command(&rig, 5, 0xf1c00), 0x01a19120);
	assert_int_equal(parameter(5, 0xc), 0x20);
	/* No amplifiers, no unsolicited responses. */
	for (uint32_t node = 1; node < 6; node++) {
		assert_int_equal(parameter(node, 0xd), 0);
		assert_int_equal(parameter(node, 0x12), 0);
		assert_int_equal(parameter(node, 9) & 0x86, 0);
	}
}

static void test_codec_settings(void **state)
{
	hda_rig_command(&rig, 1, 0x70503);
	assert_int_equal(hda_rig_command(&rig, 1, 0xf0500), 0x33);
	hda_rig_command(&rig, 1, 0x70501);
	assert_int_equal(hda_rig_command(&rig, 1, 0xf0500), 0x33);
	hda_rig_command(&rig, 1, 0x70500);
	assert_int_equal(hda_rig_command(&rig, 1, 0xf0500), 0x00);
	assert_int_equal(hda_rig_command(&rig, 2, 0xa0000), 0x0011);
	hda_rig_command(&rig, 2, 0x24031);
	assert_int_equal(hda_rig_command(&rig, 2, 0xa0000), 0x4031);
	hda_rig_command(&rig, 4, 0x70630);
	assert_int_equal(hda_rig_command(&rig, 4, 0xf0600), 0x30);
	assert_int_equal(hda_rig_command(&rig, 2, 0xf0600), 0);
	assert_int_equal(hda_rig_command(&rig, 3, 0xf0700), 0x40);
	hda_rig_command(&rig, 3, 0x70700);
	assert_int_equal(hda_rig_command(&rig, 3, 0xf0700), 0);
	assert_int_equal(hda_rig_command(&rig, 3, 0xf0c00), 2);
	hda_rig_command(&rig, 3, 0x70c00);
	assert_int_equal(hda_rig_command(&rig, 3, 0xf0c00), 0);
	assert_int_equal(hda_rig_command(&rig, 5, 0xf0900), 0x80000000);
	hda_rig_command(&rig, 5, 0x71c21);
	hda_rig_command(&rig, 5, 0x71f41);
	assert_int_equal(hda_rig_command(&rig, 5, 0xf1c00), 0x41a19121);
	hda_rig_command(&rig, 1, 0x72178);
	assert_int_equal(hda_rig_command(&rig, 1, 0xf2000), 0x1af47800);
	/* The function's reset keeps what firmware wrote; the link's reset does not. */
	hda_rig_command(&rig, 1, 0x7ff00);
	assert_int_equal(hda_rig_command(&rig, 2, 0xa0000), 0x0011);
	assert_int_equal(hda_rig_command(&rig, 3, 0xf0700), 0x40);
	assert_int_equal(hda_rig_command(&rig, 5, 0xf1c00), 0x41a19121);
	hda_rig_start(&rig);
	assert_int_equal(hda_rig_command(&rig, 5, 0xf1c00), 0x01a19120);
	/* What is not there answers 0, but answers. */
	assert_int_equal(hda_rig_command(&rig, 6, 0xf0000), 0);
	assert_int_equal(hda_rig_command(&rig, 0xff, 0xf0000), 0);
	assert_int_equal(hda_rig_command(&rig, 0, 0xf00ff), 0);
	assert_int_equal(hda_rig_command(&rig, 2, 0xfffff), 0);
	assert_int_equal(hda_rig_command(&rig, 0, 0x70610), 0);
}

static void test_rings(void **state)
{
	uint8_t commands[256 * 4], response[8];

	/* The pointer's reset bit stays until it is taken back, the other one's does not. */
	hda_rig_command(&rig, 0, 0xf0000);
	assert_int_equal(hda_rig_read(&rig, 0x4a, 2), 1);
	hda_rig_write(&rig, 0x4a, 2, 0x8000);
	assert_int_equal(hda_rig_read(&rig, 0x4a, 2), 0x8000);
	hda_rig_write(&rig, 0x48, 2, 0);
	hda_rig_write(&rig, 0x4a, 2, 0);
	assert_int_equal(hda_rig_read(&rig, 0x4a, 2), 0);
	hda_rig_write(&rig, 0x58, 2, 0x8000);
	assert_int_equal(hda_rig_read(&rig, 0x58, 2), 0);
	/* A whole round at once, among it commands for codecs that are not there. */
	for (uint32_t i = 0; i < 256; i++)
		le32_store(commands + 4 * i, (i % 2) << 28 | 0xf0004);
	fake_memory_write(rig.memory, rig.corb, commands, sizeof(commands));
	hda_rig_write(&rig, 0x48, 2, 255);
	assert_int_equal(hda_rig_read(&rig, 0x4a, 2), 255);
	assert_int_equal(hda_rig_read(&rig, 0x58, 2), 127);
	fake_memory_read(rig.memory, rig.rirb + 8 * 127, response, sizeof(response));
	assert_int_equal(le32_load(response), 0x00010001);
	/* Not running: they wait. */
	hda_rig_write(&rig, 0x4c, 1, 0);
	hda_rig_write(&rig, 0x48, 2, 1);
	assert_int_equal(hda_rig_read(&rig, 0x4a, 2), 255);
	hda_rig_write(&rig, 0x4c, 1, 2);
	assert_int_equal(hda_rig_read(&rig, 0x4a, 2), 1);
	assert_int_equal(hda_rig_read(&rig, 0x58, 2), 128);
}

static void test_response_interrupt(void **state)
{
	hda_rig_command(&rig, 0, 0xf0000);
	assert_int_equal(hda_rig_read(&rig, 0x5d, 1), 1);
	assert_int_equal(hda_rig_read(&rig, 0x24, 4), CIE);
	assert_false(rig.irq);
	hda_rig_write(&rig, 0x20, 4, GIE | CIE);
	assert_true(rig.irq);
	assert_int_equal(hda_rig_read(&rig, 0x24, 4), GIE | CIE);
	hda_rig_write(&rig, 0x5d, 1, 5);
	assert_false(rig.irq);
	assert_int_equal(hda_rig_read(&rig, 0x24, 4), 0);
	/* Fewer than RINTCNT: after the last there is. */
	hda_rig_write(&rig, 0x5a, 2, 200);
	hda_rig_command(&rig, 0, 0xf0000);
	assert_true(rig.irq);
	hda_rig_write(&rig, 0x5c, 1, 2);
	assert_false(rig.irq);
}

static void test_wake_interrupt(void **state)
{
	hda_rig_write(&rig, 0x0e, 2, 0x7fff);
	hda_rig_write(&rig, 0x0c, 2, 1);
	hda_rig_write(&rig, 0x08, 4, 0);
	hda_rig_write(&rig, 0x08, 4, 1);
	hda_rig_write(&rig, 0x20, 4, GIE | CIE);
	assert_true(rig.irq);
	hda_rig_write(&rig, 0x0e, 2, 1);
	assert_false(rig.irq);
}

static void fill_pattern(uint8_t *bytes, size_t count, uint32_t seed)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = hda_backend_sample(seed + (uint32_t)i);
}

/* No piece holds whole frames, the first is a driver's small one for position's sake. */
static const uint32_t odd_pieces[] = { 130, 1022, 2, 6, 1998, 4098, 936, 0 };

static void check_cyclic(const uint8_t *buffer, uint32_t bytes, size_t total)
{
	assert_int_equal(rig.backend.played_bytes, total);
	for (size_t i = 0; i < total; i++) {
		if (rig.backend.played[i] != buffer[i % bytes])
			fail_msg("byte %zu differs", i);
	}
}

static void test_playback(void **state)
{
	struct hda_rig_stream stream = { .index = 2, .tag = 5, .format = FORMAT_48000_16 };
	uint8_t buffer[8192];
	uint32_t frames = 0;

	hda_rig_setup(&rig, &stream, odd_pieces, 0);
	assert_int_equal(stream.bytes, sizeof(buffer));
	fill_pattern(buffer, sizeof(buffer), 99);
	hda_rig_fill(&rig, &stream, buffer);
	hda_rig_run(&rig, &stream, true);
	assert_int_equal(hda_rig_stream_read(&rig, &stream, 3, 1), 0x20);
	assert_int_equal(rig.backend.starts, 1);
	assert_int_equal(rig.backend.params[AUDIO_PLAYBACK].format, AUDIO_FORMAT_S16);
	assert_int_equal(rig.backend.params[AUDIO_PLAYBACK].rate, 48000);
	assert_int_equal(rig.backend.params[AUDIO_PLAYBACK].channels, 2);
	assert_int_equal(rig.backend.params[AUDIO_PLAYBACK].buffer_frames, 2048);
	assert_int_equal(rig.backend.params[AUDIO_PLAYBACK].period_frames, 480);
	assert_int_equal(rig.backend.params[AUDIO_PLAYBACK].positions[1], AUDIO_POSITION_FR);
	for (uint32_t step = 1; frames < 20000; step = step * 5 % 997) {
		hda_backend_step(&rig.backend, AUDIO_PLAYBACK, step);
		frames += step;
		assert_int_equal(hda_rig_stream_read(&rig, &stream, 4, 4),
				 4 * frames % stream.bytes);
		assert_int_equal(hda_rig_read(&rig, 0x2084 + 0x20 * 2, 4),
				 4 * frames % stream.bytes);
	}
	check_cyclic(buffer, sizeof(buffer), 4 * (size_t)frames);
	assert_int_equal(rig.irq_raised, 0);
	hda_rig_run(&rig, &stream, false);
	assert_int_equal(rig.backend.stops, 1);
	assert_int_equal(hda_rig_stream_read(&rig, &stream, 3, 1), 0);
}

/* A backend that takes less than it had room for loses nothing. */
static void test_playback_short_writes(void **state)
{
	struct hda_rig_stream stream = { .index = 3, .tag = 1, .format = FORMAT_48000_16 };
	uint8_t buffer[8192];

	hda_rig_setup(&rig, &stream, odd_pieces, 0);
	fill_pattern(buffer, sizeof(buffer), 7);
	hda_rig_fill(&rig, &stream, buffer);
	rig.backend.take_at_most = 37;
	hda_rig_run(&rig, &stream, true);
	hda_backend_step(&rig.backend, AUDIO_PLAYBACK, 5000);
	check_cyclic(buffer, sizeof(buffer), 4 * 5000);
}

static void test_capture(void **state)
{
	struct hda_rig_stream stream = { .index = 1, .tag = 2, .format = FORMAT_44100_32 };
	uint8_t buffer[8192];
	uint32_t total = 8192 + 3000 * 8;

	hda_rig_setup(&rig, &stream, odd_pieces, 0);
	hda_rig_run(&rig, &stream, true);
	assert_int_equal(rig.backend.params[AUDIO_CAPTURE].format, AUDIO_FORMAT_S32);
	assert_int_equal(rig.backend.params[AUDIO_CAPTURE].rate, 44100);
	hda_backend_step(&rig.backend, AUDIO_CAPTURE, 1000);
	hda_backend_step(&rig.backend, AUDIO_CAPTURE, 24);
	assert_int_equal(hda_rig_stream_read(&rig, &stream, 4, 4), 0);
	hda_rig_drain(&rig, &stream, buffer);
	for (uint32_t i = 0; i < 8192; i++)
		assert_int_equal(buffer[i], hda_backend_sample(i));
	hda_backend_step(&rig.backend, AUDIO_CAPTURE, 3000);
	hda_rig_drain(&rig, &stream, buffer);
	/* Each place holds the newest byte that was due there. */
	for (uint32_t i = 0; i < 8192; i++)
		assert_int_equal(buffer[i],
				 hda_backend_sample(total - 1 - (total - 1 - i) % 8192));
}

static void test_formats(void **state)
{
	static const struct { uint32_t format, rate; enum audio_format samples; } table[] = {
		{ 0x4011, 44100, AUDIO_FORMAT_S16 }, { 0x0811, 96000, AUDIO_FORMAT_S16 },
		{ 0x4811, 88200, AUDIO_FORMAT_S16 }, { 0x1831, 192000, AUDIO_FORMAT_S32 },
		{ 0x5821, 176400, AUDIO_FORMAT_S32 }, { 0x0041, 48000, AUDIO_FORMAT_S32 },
		{ 0x0031, 48000, AUDIO_FORMAT_S32 },
	};
	static const uint32_t wrong[] = { 0x0001, 0x0051, 0x0061, 0x0012, 0x2011, 0x0711 };
	static const uint32_t pieces[] = { 4096, 4096, 0 };
	struct hda_rig_stream stream = { .index = 2, .tag = 1 };

	for (unsigned int i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		stream.format = table[i].format;
		hda_rig_setup(&rig, &stream, pieces, 0);
		hda_rig_run(&rig, &stream, true);
		assert_true(rig.backend.started[AUDIO_PLAYBACK]);
		assert_int_equal(rig.backend.params[AUDIO_PLAYBACK].rate, table[i].rate);
		assert_int_equal(rig.backend.params[AUDIO_PLAYBACK].format, table[i].samples);
		hda_rig_run(&rig, &stream, false);
	}
	assert_int_equal(rig.backend.opens, 6);
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		stream.format = wrong[i];
		hda_rig_setup(&rig, &stream, pieces, 0);
		hda_rig_run(&rig, &stream, true);
		assert_false(rig.backend.started[AUDIO_PLAYBACK]);
		assert_int_equal(hda_rig_stream_read(&rig, &stream, 3, 1), 0x10);
		assert_int_equal(hda_rig_stream_read(&rig, &stream, 0, 1) & 2, 0);
	}
}

static void test_position_buffer(void **state)
{
	static const uint32_t pieces[] = { 4000, 192, 4000, 0 };
	struct hda_rig_stream out = { .index = 3, .tag = 1, .format = FORMAT_48000_16 };
	struct hda_rig_stream in = { .index = 0, .tag = 1, .format = FORMAT_48000_16 };
	uint64_t positions = fake_memory_alloc(rig.memory, 128, 128);
	uint8_t seen[32];

	hda_rig_setup(&rig, &out, pieces, 0);
	hda_rig_setup(&rig, &in, pieces, 0);
	hda_rig_write(&rig, 0x74, 4, 0);
	hda_rig_write(&rig, 0x70, 4, (uint32_t)positions | 1);
	hda_rig_run(&rig, &out, true);
	hda_rig_run(&rig, &in, true);
	hda_backend_step(&rig.backend, AUDIO_PLAYBACK, 100);
	hda_backend_step(&rig.backend, AUDIO_CAPTURE, 300);
	fake_memory_read(rig.memory, positions, seen, sizeof(seen));
	assert_int_equal(le32_load(seen + 24), 400);
	assert_int_equal(le32_load(seen), 1200);
	hda_backend_step(&rig.backend, AUDIO_PLAYBACK, 2000);
	fake_memory_read(rig.memory, positions, seen, sizeof(seen));
	assert_int_equal(le32_load(seen + 24), 8400 - 8192);
	/* Switched off it stays as it is. */
	hda_rig_write(&rig, 0x70, 4, 0);
	hda_backend_step(&rig.backend, AUDIO_PLAYBACK, 10);
	fake_memory_read(rig.memory, positions, seen, sizeof(seen));
	assert_int_equal(le32_load(seen + 24), 8400 - 8192);
}

static uint32_t step_of_notify(const struct hda_rig_stream *stream)
{
	uint32_t before = hda_rig_stream_read(&rig, stream, 4, 4);

	audio_backend_notify(&rig.backend.base, AUDIO_PLAYBACK);
	return (hda_rig_stream_read(&rig, stream, 4, 4) - before) % stream->bytes / 4;
}

/* However much room there is, the position goes on in small steps, in longer ones when the backend
 * asks again before all is moved. */
static void test_position_is_smooth(void **state)
{
	static const uint32_t pieces[] = { 4096, 4096, 0 };
	struct hda_rig_stream stream = { .index = 2, .tag = 1, .format = FORMAT_48000_16 };

	hda_rig_setup(&rig, &stream, pieces, 0);
	hda_rig_run(&rig, &stream, true);
	rig.backend.room[AUDIO_PLAYBACK] = 1024;
	assert_int_equal(step_of_notify(&stream), 128);
	assert_int_equal(step_of_notify(&stream), 128 + 896 / 8);
	rig.backend.room[AUDIO_PLAYBACK] = 100;
	assert_int_equal(step_of_notify(&stream), 100);
	rig.backend.room[AUDIO_PLAYBACK] = 1024;
	assert_int_equal(step_of_notify(&stream), 128);
}

/* A client that takes much at once and then says nothing for long. */
static void test_rest_follows(void **state)
{
	static const uint32_t pieces[] = { 4096, 4096, 0 };
	struct hda_rig_stream stream = { .index = 2, .tag = 1, .format = FORMAT_48000_16 };
	unsigned int turns = 0;

	hda_rig_setup(&rig, &stream, pieces, 0);
	hda_rig_run(&rig, &stream, true);
	rig.backend.room[AUDIO_PLAYBACK] = 1000;
	assert_int_equal(step_of_notify(&stream), 128);
	while (rig.backend.room[AUDIO_PLAYBACK] > 0) {
		assert_true(loop_dispatch(rig.loop, 1000) > 0);
		turns++;
	}
	assert_int_equal(turns, 7);
	assert_int_equal(rig.backend.played_bytes, 4000);
	/* All is moved: nothing wakes up. Nor once the stream stands still. */
	assert_int_equal(loop_dispatch(rig.loop, 10), 0);
	rig.backend.room[AUDIO_PLAYBACK] = 1000;
	assert_int_equal(step_of_notify(&stream), 128);
	hda_rig_run(&rig, &stream, false);
	assert_int_equal(loop_dispatch(rig.loop, 10), 0);
	assert_int_equal(rig.backend.played_bytes, 4000 + 4 * 128);
}

static void test_stream_interrupt(void **state)
{
	static const uint32_t pieces[] = { 400, 400, 400, 400, 0 };
	struct hda_rig_stream stream = { .index = 2, .tag = 1, .format = FORMAT_48000_16 };

	hda_rig_setup(&rig, &stream, pieces, 0xa);
	hda_rig_write(&rig, 0x5d, 1, 1);
	hda_rig_run(&rig, &stream, true);
	hda_backend_step(&rig.backend, AUDIO_PLAYBACK, 199);
	assert_int_equal(hda_rig_stream_read(&rig, &stream, 3, 1), 0x20);
	hda_backend_step(&rig.backend, AUDIO_PLAYBACK, 1);
	assert_int_equal(hda_rig_stream_read(&rig, &stream, 3, 1), 0x24);
	assert_int_equal(hda_rig_read(&rig, 0x24, 4), 4);
	/* The line follows each of the three enables. */
	assert_false(rig.irq);
	hda_rig_write(&rig, 0x20, 4, GIE);
	assert_false(rig.irq);
	hda_rig_write(&rig, 0x20, 4, GIE | 4);
	assert_true(rig.irq);
	assert_int_equal(hda_rig_read(&rig, 0x24, 4), GIE | 4);
	hda_rig_stream_write(&rig, &stream, 0, 1, 0x1a);
	assert_false(rig.irq);
	hda_rig_stream_write(&rig, &stream, 0, 1, 0x1e);
	assert_true(rig.irq);
	hda_rig_stream_write(&rig, &stream, 3, 1, 0);
	assert_true(rig.irq);
	hda_rig_stream_write(&rig, &stream, 3, 1, 0x1c);
	assert_false(rig.irq);
	assert_int_equal(hda_rig_stream_read(&rig, &stream, 3, 1), 0x20);
	hda_backend_step(&rig.backend, AUDIO_PLAYBACK, 199);
	assert_false(rig.irq);
	hda_backend_step(&rig.backend, AUDIO_PLAYBACK, 2);
	assert_true(rig.irq);
	assert_int_equal(rig.irq_raised, 3);
	/* The controller's reset takes it back. */
	hda_rig_write(&rig, 0x08, 4, 0);
	assert_false(rig.irq);
	assert_false(rig.backend.started[AUDIO_PLAYBACK]);
}

/* A pause: the position stays and the sound goes on where it was. */
static void test_stop_and_start(void **state)
{
	struct hda_rig_stream stream = { .index = 2, .tag = 4, .format = FORMAT_48000_16 };
	uint8_t buffer[8192];

	hda_rig_setup(&rig, &stream, odd_pieces, 0);
	fill_pattern(buffer, sizeof(buffer), 1);
	hda_rig_fill(&rig, &stream, buffer);
	for (unsigned int i = 1; i < 20; i++) {
		hda_rig_run(&rig, &stream, true);
		assert_int_equal(hda_rig_stream_read(&rig, &stream, 0, 1), 0x1e);
		hda_backend_step(&rig.backend, AUDIO_PLAYBACK, 333);
		hda_rig_run(&rig, &stream, false);
		hda_backend_step(&rig.backend, AUDIO_PLAYBACK, 333);
		assert_int_equal(hda_rig_stream_read(&rig, &stream, 4, 4), 4 * 333 * i % 8192);
	}
	check_cyclic(buffer, sizeof(buffer), 4 * 333 * 19);
	assert_int_equal(rig.backend.opens, 1);
	/* The descriptor's reset begins at the start again. */
	hda_rig_setup(&rig, &stream, odd_pieces, 0);
	assert_int_equal(hda_rig_stream_read(&rig, &stream, 4, 4), 0);
	hda_rig_fill(&rig, &stream, buffer);
	rig.backend.played_bytes = 0;
	hda_rig_run(&rig, &stream, true);
	hda_backend_step(&rig.backend, AUDIO_PLAYBACK, 100);
	check_cyclic(buffer, sizeof(buffer), 400);
}

/* The backend plays what it has to the end: a stop is told at once, whatever is still to be heard, and
 * a stream goes on as it was opened. */
static void test_end_is_the_backends(void **state)
{
	static const uint32_t pieces[] = { 4096, 4096, 0 };
	struct hda_rig_stream stream = { .index = 2, .tag = 1, .format = FORMAT_48000_16 };

	hda_rig_setup(&rig, &stream, pieces, 3);
	rig.backend.delay = 900;
	for (unsigned int i = 1; i < 4; i++) {
		hda_rig_run(&rig, &stream, true);
		hda_backend_step(&rig.backend, AUDIO_PLAYBACK, 1000);
		hda_rig_run(&rig, &stream, false);
		assert_false(rig.backend.started[AUDIO_PLAYBACK]);
		assert_int_equal(rig.backend.starts, i);
		assert_int_equal(rig.backend.stops, i);
		assert_int_equal(rig.backend.played_bytes, 4000 * i);
		/* A descriptor that is reset meanwhile is none of its business. */
		hda_rig_setup(&rig, &stream, pieces, 3);
	}
	assert_int_equal(rig.backend.opens, 1);
	assert_int_equal(rig.backend.closes, 0);
	/* Another format does not fit the stream that is open. */
	stream.format = FORMAT_44100_32;
	hda_rig_setup(&rig, &stream, pieces, 3);
	hda_rig_run(&rig, &stream, true);
	assert_int_equal(rig.backend.closes, 1);
	assert_int_equal(rig.backend.params[AUDIO_PLAYBACK].rate, 44100);
}

/* Streams of a group start together when the last is let go; both offsets of SSYNC work. */
static void test_synchronised_start(void **state)
{
	static const uint32_t pieces[] = { 4096, 4096, 0 };
	struct hda_rig_stream out = { .index = 2, .tag = 1, .format = FORMAT_48000_16 };
	struct hda_rig_stream in = { .index = 0, .tag = 1, .format = FORMAT_48000_16 };

	hda_rig_setup(&rig, &out, pieces, 0);
	hda_rig_setup(&rig, &in, pieces, 0);
	for (uint32_t offset = 0x34; offset <= 0x38; offset += 4) {
		hda_rig_write(&rig, offset, 4, 5);
		hda_rig_run(&rig, &out, true);
		hda_rig_run(&rig, &in, true);
		assert_int_equal(hda_rig_stream_read(&rig, &out, 3, 1), 0x20);
		assert_int_equal(hda_rig_stream_read(&rig, &in, 3, 1), 0x20);
		assert_false(rig.backend.started[AUDIO_PLAYBACK]);
		hda_rig_write(&rig, offset, 4, 0);
		assert_true(rig.backend.started[AUDIO_PLAYBACK]);
		assert_true(rig.backend.started[AUDIO_CAPTURE]);
		hda_rig_run(&rig, &out, false);
		hda_rig_run(&rig, &in, false);
	}
}

/* Samples flow where a converter has the stream's tag; the two directions' tags are apart. */
static void test_tags(void **state)
{
	static const uint32_t pieces[] = { 4096, 4096, 0 };
	struct hda_rig_stream first = { .index = 2, .tag = 1, .format = FORMAT_48000_16 };
	struct hda_rig_stream second = { .index = 3, .tag = 2, .format = FORMAT_44100_32 };

	hda_rig_setup(&rig, &second, pieces, 0);
	hda_rig_setup(&rig, &first, pieces, 0);
	hda_rig_run(&rig, &first, true);
	hda_rig_run(&rig, &second, true);
	assert_int_equal(rig.backend.params[AUDIO_PLAYBACK].rate, 48000);
	assert_false(rig.backend.started[AUDIO_CAPTURE]);
	hda_rig_command(&rig, 2, 0x70620);
	assert_int_equal(rig.backend.params[AUDIO_PLAYBACK].rate, 44100);
	hda_backend_step(&rig.backend, AUDIO_PLAYBACK, 100);
	assert_int_equal(hda_rig_stream_read(&rig, &first, 4, 4), 0);
	assert_int_equal(hda_rig_stream_read(&rig, &second, 4, 4), 800);
	hda_rig_command(&rig, 2, 0x70600);
	assert_false(rig.backend.started[AUDIO_PLAYBACK]);
	/* Tag 0 is nobody's. */
	hda_rig_stream_write(&rig, &first, 2, 1, 0);
	assert_false(rig.backend.started[AUDIO_PLAYBACK]);
}

static void test_reset_while_running(void **state)
{
	static const uint32_t pieces[] = { 4096, 4096, 0 };
	struct hda_rig_stream stream = { .index = 2, .tag = 1, .format = FORMAT_48000_16 };

	for (unsigned int i = 0; i < 4; i++) {
		hda_rig_setup(&rig, &stream, pieces, 3);
		hda_rig_write(&rig, 0x20, 4, GIE | 4);
		hda_rig_run(&rig, &stream, true);
		hda_backend_step(&rig.backend, AUDIO_PLAYBACK, 3000);
		assert_true(rig.irq);
		if (i == 0)
			hda_rig_stream_write(&rig, &stream, 0, 1, 0x1f);
		else if (i == 1)
			hda_rig_write(&rig, 0x08, 4, 0);
		else
			hda_reset(rig.hda);
		assert_false(rig.irq);
		assert_false(rig.backend.started[AUDIO_PLAYBACK]);
		assert_int_equal(rig.backend.open[AUDIO_PLAYBACK], i < 2);
		assert_int_equal(hda_rig_stream_read(&rig, &stream, 4, 4), 0);
		hda_rig_start(&rig);
	}
}

/* A backend that fails: the guest sees a FIFO error and may try again. */
static void test_backend_fails(void **state)
{
	static const uint32_t pieces[] = { 4096, 4096, 0 };
	struct hda_rig_stream stream = { .index = 2, .tag = 1, .format = FORMAT_48000_16 };

	hda_rig_setup(&rig, &stream, pieces, 0);
	rig.backend.open_error = -EBUSY;
	hda_rig_run(&rig, &stream, true);
	assert_int_equal(hda_rig_stream_read(&rig, &stream, 0, 4), 0x0810001c);
	rig.backend.open_error = 0;
	rig.backend.start_error = -EIO;
	hda_rig_stream_write(&rig, &stream, 3, 1, 0x1c);
	hda_rig_run(&rig, &stream, true);
	assert_int_equal(hda_rig_stream_read(&rig, &stream, 0, 4), 0x0810001c);
	rig.backend.start_error = 0;
	hda_rig_stream_write(&rig, &stream, 3, 1, 0x1c);
	hda_rig_run(&rig, &stream, true);
	assert_true(rig.backend.started[AUDIO_PLAYBACK]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reset_state, setup, teardown),
		cmocka_unit_test_setup_teardown(test_access_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wall_clock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_discovery, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_codec_settings, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_rings, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_response_interrupt, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_wake_interrupt, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_playback, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_playback_short_writes, setup_started,
						teardown),
		cmocka_unit_test_setup_teardown(test_capture, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_formats, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_position_buffer, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_position_is_smooth, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_rest_follows, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_stream_interrupt, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_stop_and_start, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_end_is_the_backends, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_synchronised_start, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_tags, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_reset_while_running, setup_started, teardown),
		cmocka_unit_test_setup_teardown(test_backend_fails, setup_started, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
