/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PLAYBACK and RECORD by libspice-server, with a client of our own; the guest is a fake. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <audio/tap.h>
#include <base/clock.h>
#include <base/loop.h>
#include <cmocka.h>
#include <input/router.h>
#include <math.h>
#include <spice/protocol.h>
#include <spice/spice_inputs.h>
#include <spice/spice_service.h>

#include "audio_rig.h"
#include "spice_client.h"

#define WAIT_NS UINT64_C(10000000000)
#define TONE_HZ 440.0
#define MOST_FRAMES 16384u
/*
 * As Looking Glass sends them. The library (0.15.1) keeps 8192 frames, gives none before it has
 * 4096, and damages a packet that lies across the end of its ring: with lengths that do not divide
 * 8192 nothing here would be exact.
 */
#define PACKET_FRAMES 1024u
#define PACKETS_FRAMES (5 * PACKET_FRAMES)

static char dir[] = "/tmp/vitrine-spice-XXXXXX";
static char path[64];
static struct audio_rig rig;
static struct audio_tap *tap;
static struct audio_backend *backend;
static struct loop *loop;
static struct input_router *router;
static struct spice_inputs *inputs;
static struct spice_service *service;
static struct spice_client_message message;
static int main_fd;

static int setup(void **state)
{
	struct spice_service_config config = { .name = "a machine" };
	struct option_error error = { "" };
	char text[80];

	memset(&rig, 0, sizeof(rig));
	rig.loop = loop_create("audio");
	audio_rig_init_backend(&rig, rig.loop);
	tap = audio_tap_create(&rig.backend);
	backend = audio_tap_backend(tap);
	loop = loop_create("test");
	router = input_router_create(&(struct input_router_config){ 0 });
	config.inputs = inputs = spice_inputs_create(loop, router);
	config.sound = tap;
	snprintf(text, sizeof(text), "unix=%s", path);
	assert_int_equal(spice_listen_config_parse(&config.listen, text, &error), 0);
	service = spice_service_create(&config, &error);
	spice_listen_config_finish(&config.listen);
	main_fd = -1;
	return service ? 0 : -1;
}

static int teardown(void **state)
{
	if (main_fd >= 0)
		close(main_fd);
	spice_service_destroy(service);
	input_source_destroy(spice_inputs_source(inputs));
	input_router_destroy(router);
	loop_destroy(loop);
	for (int i = 0; i < AUDIO_DIRECTIONS; i++)
		if (rig.streams[i].open)
			backend->ops->close(backend, (enum audio_direction)i);
	backend->ops->destroy(backend);
	audio_rig_finish_backend(&rig);
	loop_destroy(rig.loop);
	return 0;
}

/* --- the guest --------------------------------------------------------------------------- */

static struct audio_params params(uint32_t rate)
{
	return (struct audio_params){ .format = AUDIO_FORMAT_S16, .rate = rate, .channels = 2,
				      .period_frames = rate / 100, .buffer_frames = rate / 25 };
}

static void begin(enum audio_direction direction, uint32_t rate)
{
	struct audio_params shape = params(rate);

	if (rig.streams[direction].open)
		backend->ops->close(backend, direction);
	assert_int_equal(backend->ops->open(backend, direction, &shape), 0);
	assert_int_equal(backend->ops->start(backend, direction), 0);
}

static void end(enum audio_direction direction)
{
	backend->ops->stop(backend, direction);
}


/* Frame n of what is played or said: one that tells which it is, or of a tone. */
static void frame_number(int16_t frame[2], uint32_t n)
{
	frame[0] = (int16_t)n;
	frame[1] = (int16_t)(n >> 16 ^ 0x5a5a);
}

static void frame_tone(int16_t frame[2], uint32_t n)
{
	frame[0] = (int16_t)lrint(8000 * sin(2 * M_PI * TONE_HZ * n / 48000));
	frame[1] = (int16_t)~frame[0];
}

static void (*frame_make)(int16_t frame[2], uint32_t n) = frame_number;

static void play(uint32_t first, uint32_t count)
{
	static int16_t frames[MOST_FRAMES][2];

	for (uint32_t i = 0; i < count; i++)
		frame_make(frames[i], first + i);
	rig.streams[AUDIO_PLAYBACK].room += count;
	assert_int_equal(backend->ops->write(backend, frames, count), count);
}

/* --- the client -------------------------------------------------------------------------- */

static uint32_t word(size_t at)
{
	uint32_t value;

	assert_true(at + 4 <= message.size);
	memcpy(&value, message.bytes + at, 4);
	return value;
}

static uint16_t half(size_t at)
{
	uint16_t value;

	assert_true(at + 2 <= message.size);
	memcpy(&value, message.bytes + at, 2);
	return value;
}

static void receive(int fd, uint16_t type)
{
	assert_int_equal(spice_client_receive(fd, &message), 0);
	assert_int_equal(message.type, type);
}

static int connected(void)
{
	int fd = spice_client_connect(path);

	assert_true(fd >= 0);
	return fd;
}

/* The session's number; it must offer both channels. */
static uint32_t open_main(void)
{
	bool playback = false, record = false;
	uint32_t session;

	main_fd = connected();
	assert_int_equal(spice_client_link(main_fd, 0, SPICE_CHANNEL_MAIN), 0);
	receive(main_fd, SPICE_MSG_MAIN_INIT);
	session = word(0);
	assert_int_equal(spice_client_send(main_fd, SPICE_MSGC_MAIN_ATTACH_CHANNELS, NULL, 0), 0);
	do
		assert_int_equal(spice_client_receive(main_fd, &message), 0);
	while (message.type != SPICE_MSG_MAIN_CHANNELS_LIST);
	for (uint32_t i = 0; i < word(0); i++) {
		playback |= message.bytes[4 + 2 * i] == SPICE_CHANNEL_PLAYBACK;
		record |= message.bytes[4 + 2 * i] == SPICE_CHANNEL_RECORD;
	}
	assert_true(playback);
	assert_true(record);
	return session;
}

static void receive_volume(int fd, uint16_t volume, uint16_t mute)
{
	receive(fd, volume);
	assert_int_equal(message.bytes[0], 2);
	assert_int_equal(message.size, 5);
	memmove(message.bytes, message.bytes + 1, 4);
	assert_int_equal(word(0), 0xffffffff);
	receive(fd, mute);
	assert_int_equal(message.size, 1);
	assert_int_equal(message.bytes[0], 0);
}

/* All that a client is told before a stream. */
static int open_playback(uint32_t session)
{
	int fd = connected();

	assert_int_equal(spice_client_link(fd, session, SPICE_CHANNEL_PLAYBACK), 0);
	receive(fd, SPICE_MSG_PLAYBACK_MODE);
	assert_int_equal(half(4), SPICE_AUDIO_DATA_MODE_RAW);
	return fd;
}

static void receive_record_start(int fd, uint32_t rate)
{
	receive(fd, SPICE_MSG_RECORD_START);
	assert_int_equal(message.size, 10);
	assert_int_equal(word(0), 2);
	assert_int_equal(half(4), SPICE_AUDIO_FMT_S16);
	assert_int_equal(word(6), rate);
}

/* rate: of the stream that the guest records; 0: it does not. */
static int open_record(uint32_t session, uint32_t rate)
{
	int fd = connected();

	assert_int_equal(spice_client_link(fd, session, SPICE_CHANNEL_RECORD), 0);
	if (rate)
		receive_record_start(fd, rate);
	receive_volume(fd, SPICE_MSG_RECORD_VOLUME, SPICE_MSG_RECORD_MUTE);
	return fd;
}

static void receive_start(int fd, uint32_t rate)
{
	receive(fd, SPICE_MSG_PLAYBACK_START);
	assert_int_equal(message.size, 14);
	assert_int_equal(word(0), 2);
	assert_int_equal(half(4), SPICE_AUDIO_FMT_S16);
	assert_int_equal(word(6), rate);
}

static void assert_frames(const uint8_t *bytes, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		int16_t expected[2];

		frame_make(expected, first + i);
		if (memcmp(expected, bytes + (size_t)i * 4, 4))
			fail_msg("frame %u is not there", first + i);
	}
}

/* Those frames are what comes, then nothing but silence in the last packet. */
static void hear(int fd, uint32_t first, uint32_t count)
{
	while (count) {
		uint32_t frames, part;

		receive(fd, SPICE_MSG_PLAYBACK_DATA);
		assert_int_equal(message.size % 4, 0);
		frames = message.size / 4 - 1;
		part = frames < count ? frames : count;
		assert_frames(message.bytes + 4, first, part);
		for (uint32_t i = part; i < frames; i++)
			assert_int_equal(word(4 + (size_t)i * 4), 0);
		first += part;
		count -= part;
	}
}

/* --- playing ----------------------------------------------------------------------------- */

static void test_tone(void **state)
{
	int fd = open_playback(open_main());

	receive_volume(fd, SPICE_MSG_PLAYBACK_VOLUME, SPICE_MSG_PLAYBACK_MUTE);
	frame_make = frame_tone;
	begin(AUDIO_PLAYBACK, 48000);
	receive_start(fd, 48000);
	for (uint32_t period = 0; period < 300; period++) {
		play(period * 480, 480);
		hear(fd, period * 480, 480);
	}
	end(AUDIO_PLAYBACK);
	receive(fd, SPICE_MSG_PLAYBACK_STOP);
	frame_make = frame_number;
	close(fd);
}

/* The last samples are not lost, and nothing waits for the client. */
static void test_odd_lengths(void **state)
{
	int fd = open_playback(open_main());
	uint32_t played = 0;

	receive_volume(fd, SPICE_MSG_PLAYBACK_VOLUME, SPICE_MSG_PLAYBACK_MUTE);
	begin(AUDIO_PLAYBACK, 44100);
	for (uint32_t step = 0; step < 50; step++) {
		play(played, 1 + step * 37 % 211);
		played += 1 + step * 37 % 211;
	}
	end(AUDIO_PLAYBACK);
	receive_start(fd, 44100);
	hear(fd, 0, played);
	receive(fd, SPICE_MSG_PLAYBACK_STOP);
	close(fd);
}

static void test_another_rate(void **state)
{
	int fd = open_playback(open_main());

	receive_volume(fd, SPICE_MSG_PLAYBACK_VOLUME, SPICE_MSG_PLAYBACK_MUTE);
	begin(AUDIO_PLAYBACK, 48000);
	receive_start(fd, 48000);
	play(0, 1000);
	/* At once, also with what the server has not looked at yet. */
	begin(AUDIO_PLAYBACK, 8000);
	play(5000, 700);
	hear(fd, 0, 1000);
	receive(fd, SPICE_MSG_PLAYBACK_STOP);
	receive_start(fd, 8000);
	end(AUDIO_PLAYBACK);
	hear(fd, 5000, 700);
	/* A pause: the client hears nothing of it, or of the stream's end and the next one. */
	assert_int_equal(backend->ops->start(backend, AUDIO_PLAYBACK), 0);
	play(5700, 480);
	hear(fd, 5700, 480);
	backend->ops->close(backend, AUDIO_PLAYBACK);
	receive(fd, SPICE_MSG_PLAYBACK_STOP);
	begin(AUDIO_PLAYBACK, 192000);
	receive_start(fd, 192000);
	close(fd);
}


/* The number of the packet's first frame; the others follow it. */
static uint32_t hear_any(int fd)
{
	uint32_t first;

	receive(fd, SPICE_MSG_PLAYBACK_DATA);
	first = half(4) | (uint32_t)(half(6) ^ 0x5a5a) << 16;
	assert_frames(message.bytes + 4, first, message.size / 4 - 1);
	return first;
}

static void test_connects_in_the_middle(void **state)
{
	uint32_t session = open_main(), played = 1000;

	begin(AUDIO_PLAYBACK, 48000);
	play(0, played);
	for (int i = 0; i < 5; i++) {
		uint64_t start_ns = clock_now_ns();
		int fd = open_playback(session);

		play(played, 2 * 480);
		receive_start(fd, 48000);
		receive_volume(fd, SPICE_MSG_PLAYBACK_VOLUME, SPICE_MSG_PLAYBACK_MUTE);
		assert_true(hear_any(fd) + 480 >= played);
		printf("heard %.1f ms after it began to connect\n",
		       (double)(clock_now_ns() - start_ns) / 1e6);
		played += 2 * 480;
		/* It goes with a packet half full. */
		close(fd);
		play(played, 111);
		played += 111;
	}
}

/* It goes away and comes back with everything. */
static void test_session_again(void **state)
{
	begin(AUDIO_PLAYBACK, 48000);
	for (uint32_t i = 0; i < 3; i++) {
		int fd = open_playback(open_main());

		receive_start(fd, 48000);
		receive_volume(fd, SPICE_MSG_PLAYBACK_VOLUME, SPICE_MSG_PLAYBACK_MUTE);
		play(i * 480, 480);
		hear(fd, i * 480, 480);
		close(fd);
		close(main_fd);
	}
	main_fd = -1;
}

/* The guest goes on, at once and for ever; who reads again hears the newest. */
static void test_does_not_read(void **state)
{
	int fd = open_playback(open_main());
	uint64_t end_ns = clock_now_ns() + WAIT_NS;
	uint32_t played = 0, heard, last = 0;

	begin(AUDIO_PLAYBACK, 48000);
	while (played < 60 * 48000) {
		play(played, 480);
		played += 480;
	}
	receive_volume(fd, SPICE_MSG_PLAYBACK_VOLUME, SPICE_MSG_PLAYBACK_MUTE);
	receive_start(fd, 48000);
	do {
		play(played, 480);
		played += 480;
		heard = hear_any(fd);
		assert_true(heard >= last);
		last = heard;
	} while (heard + 48000 < played && clock_now_ns() < end_ns);
	assert_true(heard + 48000 >= played);
	close(fd);
}

/* --- recording --------------------------------------------------------------------------- */

/* Whole packets. */
static void say(int fd, uint32_t first, uint32_t count)
{
	struct {
		uint32_t time;
		int16_t frames[PACKET_FRAMES][2];
	} packet = { 0 };

	for (; count; count -= PACKET_FRAMES, first += PACKET_FRAMES) {
		for (uint32_t i = 0; i < PACKET_FRAMES; i++)
			frame_make(packet.frames[i], first + i);
		assert_int_equal(spice_client_send(fd, SPICE_MSGC_RECORD_DATA, &packet,
						   sizeof(packet)), 0);
	}
}

/* What the guest records. */
static const uint8_t *record(uint32_t count)
{
	static int16_t frames[MOST_FRAMES][2];

	rig.streams[AUDIO_CAPTURE].room += count;
	assert_int_equal(backend->ops->read(backend, frames, count), count);
	return (const uint8_t *)frames;
}

/* Reads until the client is heard; the number of the frame after the last one read. */
static uint32_t record_first(uint32_t said)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	while (clock_now_ns() < end_ns) {
		const uint8_t *bytes = record(1);
		int16_t expected[2];

		for (uint32_t n = 0; n < said; n++) {
			frame_make(expected, n);
			if (!memcmp(expected, bytes, 4))
				return n + 1;
		}
		poll(NULL, 0, 1);
	}
	fail_msg("the guest does not hear the client");
	return 0;
}

/* Until that many wait for the guest. */
static void wait_said(uint32_t count)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;

	while (backend->ops->delay(backend, AUDIO_CAPTURE) < count) {
		assert_true(clock_now_ns() < end_ns);
		/* As the next period would. */
		eventfd_write(audio_tap_fd(tap), 1);
		poll(NULL, 0, 1);
	}
}

/* True when the next frame is inner's again. */
static bool record_inner(void)
{
	const uint8_t *bytes = record(1);

	for (uint64_t i = 0; i < 4; i++)
		if (bytes[i] != audio_rig_pattern(rig.recorded_bytes - 4 + i))
			return false;
	return true;
}

static void test_microphone(void **state)
{
	int fd = open_record(open_main(), 0);
	uint32_t said = PACKETS_FRAMES, recorded;

	begin(AUDIO_CAPTURE, 44100);
	receive_record_start(fd, 44100);
	say(fd, 0, said);
	recorded = record_first(said);
	for (uint32_t step = 0; said < 100 * PACKET_FRAMES; step++) {
		uint32_t count = 1 + step * 7919 % PACKET_FRAMES;

		for (; said < recorded + count + 2 * PACKET_FRAMES; said += PACKET_FRAMES)
			say(fd, said, PACKET_FRAMES);
		wait_said(count);
		assert_frames(record(count), recorded, count);
		recorded += count;
	}
	end(AUDIO_CAPTURE);
	receive(fd, SPICE_MSG_RECORD_STOP);
	begin(AUDIO_CAPTURE, 16000);
	receive_record_start(fd, 16000);
	say(fd, 0, PACKETS_FRAMES);
	record_first(PACKETS_FRAMES);
	/* The client goes: the guest has what is behind again. */
	close(fd);
	while (!record_inner())
		;
}

/* A client that connects while the guest records is asked at once. */
static void test_records_in_the_middle(void **state)
{
	uint32_t session = open_main();
	int fd;

	begin(AUDIO_CAPTURE, 48000);
	for (int i = 0; i < 3; i++) {
		fd = open_record(session, 48000);
		say(fd, 0, PACKETS_FRAMES);
		record_first(PACKETS_FRAMES);
		close(fd);
	}
}

/* --- nonsense ---------------------------------------------------------------------------- */

/* A client that does as it should is served, whatever came before. */
static void check_served(void)
{
	uint32_t session;
	int fd;

	if (main_fd >= 0)
		close(main_fd);
	session = open_main();
	fd = open_record(session, 0);
	begin(AUDIO_CAPTURE, 48000);
	receive_record_start(fd, 48000);
	say(fd, 0, PACKETS_FRAMES);
	record_first(PACKETS_FRAMES);
	end(AUDIO_CAPTURE);
	receive(fd, SPICE_MSG_RECORD_STOP);
	close(fd);
}

static void test_bad_record(void **state)
{
	static const struct {
		uint16_t type;
		uint32_t bytes;
	} bad[] = {
		{ SPICE_MSGC_RECORD_DATA, 0 },          { SPICE_MSGC_RECORD_DATA, 3 },
		{ SPICE_MSGC_RECORD_DATA, 4 },          { SPICE_MSGC_RECORD_DATA, 5 },
		{ SPICE_MSGC_RECORD_DATA, 4 + 4 * 99 + 3 }, { SPICE_MSGC_RECORD_DATA, 32768 },
		{ SPICE_MSGC_RECORD_DATA, 40000 },      { SPICE_MSGC_RECORD_DATA, 1 << 20 },
		{ SPICE_MSGC_RECORD_MODE, 0 },          { SPICE_MSGC_RECORD_MODE, 6 },
		{ SPICE_MSGC_RECORD_MODE, 3 },          { SPICE_MSGC_RECORD_START_MARK, 0 },
		{ SPICE_MSGC_RECORD_START_MARK, 4 },    { 999, 8 },
	};
	static const uint8_t bytes[1 << 20] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f };

	for (size_t i = 0; i < 2 * sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = open_record(open_main(), 0);

		/* Before and after START. */
		if (i % 2) {
			begin(AUDIO_CAPTURE, 48000);
			receive_record_start(fd, 48000);
		}
		for (int k = 0; k < 3; k++)
			if (spice_client_send(fd, bad[i / 2].type, bytes, bad[i / 2].bytes))
				break;
		if (i % 2) {
			record(480);
			end(AUDIO_CAPTURE);
		}
		close(fd);
		close(main_fd);
	}
	main_fd = -1;
	check_served();
}

static void test_flood(void **state)
{
	int fd = open_record(open_main(), 0);

	/* Nobody has asked for it. */
	for (int i = 0; i < 2000; i++)
		say(fd, 0, PACKET_FRAMES);
	begin(AUDIO_CAPTURE, 48000);
	receive_record_start(fd, 48000);
	for (int i = 0; i < 2000; i++) {
		say(fd, (uint32_t)i * PACKET_FRAMES, PACKET_FRAMES);
		record(48);
	}
	/* The guest has stopped reading. */
	for (int i = 0; i < 2000; i++)
		say(fd, 0, PACKET_FRAMES);
	assert_true(backend->ops->delay(backend, AUDIO_CAPTURE) <= 48000);
	end(AUDIO_CAPTURE);
	close(fd);
	check_served();
}

static void test_bad_playback(void **state)
{
	static const uint8_t bytes[64] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	int fd = open_playback(open_main());

	begin(AUDIO_PLAYBACK, 48000);
	spice_client_write(fd, bytes, sizeof(bytes));
	play(0, 4800);
	close(fd);
	close(main_fd);
	fd = open_playback(open_main());
	receive_start(fd, 48000);
	receive_volume(fd, SPICE_MSG_PLAYBACK_VOLUME, SPICE_MSG_PLAYBACK_MUTE);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tone),
		TEST(test_odd_lengths),
		TEST(test_another_rate),
		TEST(test_connects_in_the_middle),
		TEST(test_session_again),
		TEST(test_does_not_read),
		TEST(test_microphone),
		TEST(test_records_in_the_middle),
		TEST(test_bad_record),
		TEST(test_flood),
		TEST(test_bad_playback),
	};
	int failed;

	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/socket", dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
