/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Samples through the sound device, both ways, as Linux' driver does it; and its states. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "audio_rig.h"

#define PERIOD_FRAMES 480
#define PERIOD_BYTES (PERIOD_FRAMES * 4)

static uint32_t command(struct audio_rig *rig, uint32_t code, uint32_t stream)
{
	return audio_rig_command(rig, code, stream);
}

/* bytes of the pattern, from byte n of it. */
static const uint8_t *pattern(uint64_t n, size_t bytes)
{
	static uint8_t data[1 << 20];

	assert_true(bytes <= sizeof(data));
	for (size_t i = 0; i < bytes; i++)
		data[i] = audio_rig_pattern(n + i);
	return data;
}

static void assert_guest_has_pattern(struct audio_rig *rig, const struct audio_rig_message *message,
				     uint64_t n)
{
	static uint8_t data[1 << 16];

	fake_memory_read(fake_guest_memory(rig->guest), message->data_gpa, data, message->bytes);
	assert_memory_equal(data, pattern(n, message->bytes), message->bytes);
}

static void test_playback(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_set_params params = audio_rig_params(0);
	struct audio_rig_stream *stream = &rig->streams[AUDIO_PLAYBACK];
	struct audio_rig_message messages[4];
	struct virtio_snd_pcm_status status;

	audio_rig_prepare(rig, &params);
	assert_true(stream->open);
	assert_int_equal(stream->params.format, AUDIO_FORMAT_S16);
	assert_int_equal(stream->params.rate, 48000);
	assert_int_equal(stream->params.channels, 2);
	assert_int_equal(stream->params.period_frames, PERIOD_FRAMES);
	assert_int_equal(stream->params.buffer_frames, 4 * PERIOD_FRAMES);
	assert_int_equal(stream->params.positions[1], AUDIO_POSITION_FR);
	for (int i = 0; i < 4; i++)
		messages[i] = audio_rig_play(rig, pattern(i * PERIOD_BYTES, PERIOD_BYTES),
					     PERIOD_BYTES);
	assert_int_equal(audio_rig_status(rig, &messages[0]), 0);
	assert_int_equal(command(rig, VIRTIO_SND_R_PCM_START, 0), VIRTIO_SND_S_OK);
	assert_true(stream->started);
	assert_int_equal(rig->played_bytes, 0);

	/* One and a half periods, in two steps. */
	audio_rig_give(rig, AUDIO_PLAYBACK, PERIOD_FRAMES - 1);
	assert_int_equal(audio_rig_status(rig, &messages[0]), 0);
	stream->delay = 100;
	audio_rig_give(rig, AUDIO_PLAYBACK, PERIOD_FRAMES / 2 + 1);
	assert_true(audio_rig_done(rig, &messages[0], &status));
	assert_int_equal(status.status, VIRTIO_SND_S_OK);
	assert_int_equal(status.latency_bytes, 400);
	assert_int_equal(rig->written[AUDIO_PLAYBACK][messages[0].head], sizeof(status));
	assert_int_equal(fake_queue_interrupts(rig->tx), 1);
	assert_int_equal(audio_rig_status(rig, &messages[1]), 0);
	/* The rest and more. */
	audio_rig_give(rig, AUDIO_PLAYBACK, 10 * PERIOD_FRAMES);
	for (int i = 1; i < 4; i++)
		assert_int_equal(audio_rig_status(rig, &messages[i]), VIRTIO_SND_S_OK);
	/* There is room left: what comes now goes at once. */
	messages[0] = audio_rig_play(rig, pattern(4 * PERIOD_BYTES, PERIOD_BYTES), PERIOD_BYTES);
	assert_int_equal(audio_rig_status(rig, &messages[0]), VIRTIO_SND_S_OK);
	assert_int_equal(rig->played_bytes, 5 * PERIOD_BYTES);
	assert_memory_equal(rig->played, pattern(0, 5 * PERIOD_BYTES), 5 * PERIOD_BYTES);
	assert_int_equal(command(rig, VIRTIO_SND_R_PCM_STOP, 0), VIRTIO_SND_S_OK);
	assert_false(stream->started);
	assert_int_equal(command(rig, VIRTIO_SND_R_PCM_RELEASE, 0), VIRTIO_SND_S_OK);
	assert_false(stream->open);
	assert_int_equal(fake_guest_needs_resets(rig->guest), 0);
}

static void test_capture(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_set_params params = audio_rig_params(1);
	struct audio_rig_stream *stream = &rig->streams[AUDIO_CAPTURE];
	struct audio_rig_message messages[4];
	struct virtio_snd_pcm_status status;

	audio_rig_prepare(rig, &params);
	for (int i = 0; i < 4; i++)
		messages[i] = audio_rig_record(rig, PERIOD_BYTES);
	assert_int_equal(command(rig, VIRTIO_SND_R_PCM_START, 1), VIRTIO_SND_S_OK);
	stream->delay = 7;
	audio_rig_give(rig, AUDIO_CAPTURE, PERIOD_FRAMES - 1);
	assert_false(audio_rig_done(rig, &messages[0], NULL));
	audio_rig_give(rig, AUDIO_CAPTURE, 2);
	assert_true(audio_rig_done(rig, &messages[0], &status));
	assert_int_equal(status.status, VIRTIO_SND_S_OK);
	assert_int_equal(status.latency_bytes, 28);
	assert_int_equal(rig->written[AUDIO_CAPTURE][messages[0].head],
			 PERIOD_BYTES + sizeof(status));
	audio_rig_give(rig, AUDIO_CAPTURE, 4 * PERIOD_FRAMES);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(audio_rig_status(rig, &messages[i]), VIRTIO_SND_S_OK);
		assert_guest_has_pattern(rig, &messages[i], i * PERIOD_BYTES);
	}
	/* Nobody asks for more than the messages hold. */
	assert_int_equal(stream->frames, 4 * PERIOD_FRAMES);
	assert_int_equal(command(rig, VIRTIO_SND_R_PCM_STOP, 1), VIRTIO_SND_S_OK);
	assert_int_equal(command(rig, VIRTIO_SND_R_PCM_RELEASE, 1), VIRTIO_SND_S_OK);
}

/* The two streams share nothing but the device. */
static void test_both_ways(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_set_params playback = audio_rig_params(0);
	struct virtio_snd_pcm_set_params capture = audio_rig_params(1);
	struct audio_rig_message out, in;

	capture.format = VIRTIO_SND_PCM_FMT_S32;
	capture.channels = 1;
	audio_rig_run(rig, &playback);
	audio_rig_run(rig, &capture);
	out = audio_rig_play(rig, pattern(0, PERIOD_BYTES), PERIOD_BYTES);
	in = audio_rig_record(rig, PERIOD_BYTES);
	audio_rig_give(rig, AUDIO_CAPTURE, 2 * PERIOD_FRAMES);
	assert_int_equal(audio_rig_status(rig, &out), 0);
	assert_int_equal(audio_rig_status(rig, &in), VIRTIO_SND_S_OK);
	assert_guest_has_pattern(rig, &in, 0);
	audio_rig_give(rig, AUDIO_PLAYBACK, 2 * PERIOD_FRAMES);
	assert_int_equal(audio_rig_status(rig, &out), VIRTIO_SND_S_OK);
	assert_memory_equal(rig->played, pattern(0, PERIOD_BYTES), PERIOD_BYTES);
	assert_int_equal(command(rig, VIRTIO_SND_R_PCM_STOP, 0), VIRTIO_SND_S_OK);
	assert_int_equal(command(rig, VIRTIO_SND_R_PCM_RELEASE, 0), VIRTIO_SND_S_OK);
	assert_true(rig->streams[AUDIO_CAPTURE].started);
}

/* What the guest writes into a queued period before its turn is what is played. */
static void test_late_read(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_set_params params = audio_rig_params(0);
	struct audio_rig_message message;

	audio_rig_run(rig, &params);
	message = audio_rig_play(rig, pattern(1000, PERIOD_BYTES), PERIOD_BYTES);
	audio_rig_give(rig, AUDIO_PLAYBACK, 100);
	fake_memory_write(fake_guest_memory(rig->guest), message.data_gpa,
			  pattern(0, PERIOD_BYTES), PERIOD_BYTES);
	audio_rig_give(rig, AUDIO_PLAYBACK, PERIOD_FRAMES - 100);
	assert_int_equal(audio_rig_status(rig, &message), VIRTIO_SND_S_OK);
	assert_memory_equal(rig->played, pattern(1000, 400), 400);
	assert_memory_equal(rig->played + 400, pattern(400, PERIOD_BYTES - 400),
			    PERIOD_BYTES - 400);
}

/* RELEASE is answered when every message is back, also those nobody was told of. */
static void test_release_gives_back(void **state)
{
	struct audio_rig *rig = *state;

	for (int stream = 0; stream < 2; stream++) {
		struct virtio_snd_pcm_set_params params = audio_rig_params((uint32_t)stream);
		enum audio_direction direction = (enum audio_direction)stream;
		struct audio_rig_message messages[3];

		audio_rig_run(rig, &params);
		for (int i = 0; i < 3; i++)
			messages[i] = audio_rig_send(rig, direction, (uint32_t)stream, NULL,
						     PERIOD_BYTES, i < 2);
		audio_rig_give(rig, direction, 100);
		assert_int_equal(command(rig, VIRTIO_SND_R_PCM_STOP, (uint32_t)stream),
				 VIRTIO_SND_S_OK);
		for (int i = 0; i < 3; i++)
			assert_int_equal(audio_rig_status(rig, &messages[i]), 0);
		assert_int_equal(command(rig, VIRTIO_SND_R_PCM_RELEASE, (uint32_t)stream),
				 VIRTIO_SND_S_OK);
		for (int i = 0; i < 3; i++)
			assert_int_equal(audio_rig_status(rig, &messages[i]), VIRTIO_SND_S_OK);
		/* Prepared again, the new messages begin a new stream of bytes. */
		assert_int_equal(command(rig, VIRTIO_SND_R_PCM_PREPARE, (uint32_t)stream),
				 VIRTIO_SND_S_OK);
		assert_int_equal(command(rig, VIRTIO_SND_R_PCM_START, (uint32_t)stream),
				 VIRTIO_SND_S_OK);
		rig->recorded_bytes = rig->played_bytes = 0;
		messages[0] = audio_rig_send(rig, direction, (uint32_t)stream,
					     stream == 0 ? pattern(0, PERIOD_BYTES) : NULL,
					     PERIOD_BYTES, true);
		audio_rig_give(rig, direction, PERIOD_FRAMES);
		assert_int_equal(audio_rig_status(rig, &messages[0]), VIRTIO_SND_S_OK);
		assert_guest_has_pattern(rig, &messages[0], 0);
	}
	assert_memory_equal(rig->played, pattern(0, PERIOD_BYTES), PERIOD_BYTES);
}

/* A pause: the message that was half played goes on where it was. */
static void test_pause(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_set_params params = audio_rig_params(0);
	struct audio_rig_message message;

	audio_rig_run(rig, &params);
	message = audio_rig_play(rig, pattern(0, PERIOD_BYTES), PERIOD_BYTES);
	audio_rig_give(rig, AUDIO_PLAYBACK, 200);
	assert_int_equal(command(rig, VIRTIO_SND_R_PCM_STOP, 0), VIRTIO_SND_S_OK);
	audio_backend_notify(&rig->backend, AUDIO_PLAYBACK);
	assert_int_equal(rig->played_bytes, 800);
	assert_int_equal(command(rig, VIRTIO_SND_R_PCM_START, 0), VIRTIO_SND_S_OK);
	audio_rig_give(rig, AUDIO_PLAYBACK, PERIOD_FRAMES);
	assert_int_equal(audio_rig_status(rig, &message), VIRTIO_SND_S_OK);
	assert_int_equal(rig->played_bytes, PERIOD_BYTES);
	assert_memory_equal(rig->played, pattern(0, PERIOD_BYTES), PERIOD_BYTES);
	assert_int_equal(rig->streams[AUDIO_PLAYBACK].opens, 1);
}

int main(void)
{
#define TEST(func) cmocka_unit_test_setup_teardown(func, audio_rig_setup, audio_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_playback),
		TEST(test_capture),
		TEST(test_both_ways),
		TEST(test_late_read),
		TEST(test_release_gives_back),
		TEST(test_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
