/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tx and rx queues: odd sizes, scattered and broken messages, and what happens to the pending
 * ones when a queue, the device or the guest goes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/bytes.h>
#include <errno.h>
#include <string.h>

#include "audio_rig.h"

#define OK VIRTIO_SND_S_OK
#define BAD VIRTIO_SND_S_BAD_MSG
#define IO VIRTIO_SND_S_IO_ERR

#define HEADER_BYTES sizeof(struct virtio_snd_pcm_xfer)
#define STATUS_BYTES sizeof(struct virtio_snd_pcm_status)
#define PERIOD_BYTES (480 * 4)

static const uint8_t *pattern(uint64_t n, size_t bytes)
{
	static uint8_t data[1 << 20];

	assert_true(bytes <= sizeof(data));
	for (size_t i = 0; i < bytes; i++)
		data[i] = audio_rig_pattern(n + i);
	return data;
}

static void guest_read(struct audio_rig *rig, uint64_t gpa, void *to, size_t bytes)
{
	fake_memory_read(fake_guest_memory(rig->guest), gpa, to, bytes);
}

static uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

/* --- sizes ------------------------------------------------------------------------------- */

static const struct {
	uint8_t channels, format;
	uint32_t frame_bytes;
} shapes[] = {
	{ 1, VIRTIO_SND_PCM_FMT_S16, 2 },    { 2, VIRTIO_SND_PCM_FMT_S16, 4 },
	{ 3, VIRTIO_SND_PCM_FMT_S16, 6 },    { 7, VIRTIO_SND_PCM_FMT_S16, 14 },
	{ 5, VIRTIO_SND_PCM_FMT_S32, 20 },   { 8, VIRTIO_SND_PCM_FMT_FLOAT, 32 },
};

/*
 * Messages of any size are one stream of bytes: where one ends within a frame the next one goes on.
 * The backend takes what it likes of its room, in any steps.
 */
static void test_odd_playback(void **state)
{
	struct audio_rig *rig = *state;
	uint32_t seed = 1;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct virtio_snd_pcm_set_params params = audio_rig_params(0);
		struct audio_rig_stream *stream = &rig->streams[0];
		uint64_t sent = 0, first_frame;

		params.channels = shapes[i].channels;
		params.format = shapes[i].format;
		audio_rig_run(rig, &params);
		first_frame = stream->frames;
		rig->played_bytes = 0;
		for (int round = 0; round < 300; round++) {
			uint32_t bytes = random_next(&seed) % (round % 10 ? 100 : 20000);
			struct audio_rig_message message =
				audio_rig_play(rig, pattern(sent, bytes), bytes);

			sent += bytes;
			while (!audio_rig_done(rig, &message, NULL)) {
				stream->take_at_most = random_next(&seed) % 3 ? 0 : 7;
				audio_rig_give(rig, AUDIO_PLAYBACK, random_next(&seed) % 200);
			}
			assert_int_equal(audio_rig_status(rig, &message), OK);
			/* All whole frames of it were taken before it came back. */
			assert_int_equal((stream->frames - first_frame) * shapes[i].frame_bytes,
					 sent - sent % shapes[i].frame_bytes);
		}
		assert_memory_equal(rig->played, pattern(0, rig->played_bytes), rig->played_bytes);
		assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_STOP, 0), OK);
		assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_RELEASE, 0), OK);
		fake_memory_reset(fake_guest_memory(rig->guest));
		fake_guest_stop(rig->guest);
		audio_rig_start(rig, FAKE_ALL_FEATURES);
	}
}

static void test_odd_capture(void **state)
{
	struct audio_rig *rig = *state;
	static uint8_t data[1 << 16];
	uint32_t seed = 7;

	for (int channels = 1; channels <= 2; channels++) {
		struct virtio_snd_pcm_set_params params = audio_rig_params(1);
		struct audio_rig_stream *stream = &rig->streams[1];
		uint64_t got = 0;

		params.channels = (uint8_t)channels;
		params.format = VIRTIO_SND_PCM_FMT_S32;
		audio_rig_run(rig, &params);
		rig->recorded_bytes = 0;
		for (int round = 0; round < 300; round++) {
			uint32_t bytes = random_next(&seed) % (round % 10 ? 100 : 20000);
			struct audio_rig_message message = audio_rig_record(rig, bytes);

			while (!audio_rig_done(rig, &message, NULL)) {
				stream->take_at_most = random_next(&seed) % 3 ? 0 : 7;
				audio_rig_give(rig, AUDIO_CAPTURE, random_next(&seed) % 200);
			}
			assert_int_equal(audio_rig_status(rig, &message), OK);
			assert_int_equal(rig->written[AUDIO_CAPTURE][message.head],
					 bytes + STATUS_BYTES);
			guest_read(rig, message.data_gpa, data, bytes);
			assert_memory_equal(data, pattern(got, bytes), bytes);
			got += bytes;
		}
		/* No more was taken from the backend than the last frame needed. */
		assert_true(rig->recorded_bytes - got < (uint64_t)channels * 4);
		fake_guest_stop(rig->guest);
		fake_memory_reset(fake_guest_memory(rig->guest));
		audio_rig_start(rig, FAKE_ALL_FEATURES);
	}
}

/* The part of a frame that waited for its rest does not come into the next stream. */
static void test_part_is_forgotten(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_set_params params = audio_rig_params(0);

	audio_rig_run(rig, &params);
	audio_rig_give(rig, AUDIO_PLAYBACK, 100);
	audio_rig_play(rig, pattern(0, 43), 43);
	assert_int_equal(rig->played_bytes, 40);
	assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_STOP, 0), OK);
	assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_RELEASE, 0), OK);
	assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_PREPARE, 0), OK);
	assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_START, 0), OK);
	audio_rig_give(rig, AUDIO_PLAYBACK, 100);
	rig->played_bytes = 0;
	audio_rig_play(rig, pattern(1000, 40), 40);
	assert_int_equal(rig->played_bytes, 40);
	assert_memory_equal(rig->played, pattern(1000, 40), 40);
}

/* Linux leaves the fourth byte of S24 as it was; a backend gets it sign-extended. */
static void test_s24(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_set_params params = audio_rig_params(0);
	static uint8_t data[3001 * 8];

	params.format = VIRTIO_SND_PCM_FMT_S24;
	audio_rig_run(rig, &params);
	memcpy(data, pattern(0, sizeof(data)), sizeof(data));
	audio_rig_give(rig, AUDIO_PLAYBACK, 10000);
	/* Cut in the middle of a sample, too. */
	audio_rig_play(rig, data, 1001);
	audio_rig_play(rig, data + 1001, sizeof(data) - 1001);
	assert_int_equal(rig->played_bytes, sizeof(data));
	for (size_t i = 0; i < sizeof(data); i += 4) {
		uint32_t low = le32_load(data + i) & 0xffffff;

		assert_int_equal(le32_load(rig->played + i),
				 low & 0x800000 ? low | 0xff000000 : low);
	}
}

static void test_empty(void **state)
{
	struct audio_rig *rig = *state;

	for (uint32_t stream = 0; stream < 2; stream++) {
		struct virtio_snd_pcm_set_params params = audio_rig_params(stream);
		enum audio_direction direction = (enum audio_direction)stream;
		struct audio_rig_message messages[2];

		audio_rig_prepare(rig, &params);
		messages[0] = audio_rig_send(rig, direction, stream, NULL, 0, true);
		assert_int_equal(audio_rig_status(rig, &messages[0]), 0);
		assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_START, stream), OK);
		messages[1] = audio_rig_send(rig, direction, stream, NULL, 0, true);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(audio_rig_status(rig, &messages[i]), OK);
			assert_int_equal(rig->written[stream][messages[i].head], STATUS_BYTES);
		}
	}
}

/* A delay that no 32 bits can say in bytes. */
static void test_great_delay(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_set_params params = audio_rig_params(0);
	struct virtio_snd_pcm_status status;
	struct audio_rig_message message;

	audio_rig_run(rig, &params);
	rig->streams[0].delay = UINT32_MAX;
	audio_rig_give(rig, AUDIO_PLAYBACK, 1);
	message = audio_rig_play(rig, pattern(0, 4), 4);
	assert_true(audio_rig_done(rig, &message, &status));
	assert_int_equal(status.latency_bytes, UINT32_MAX);
}

/* --- shapes ------------------------------------------------------------------------------ */

/* Header, samples and status cut into descriptors anywhere, as from vmalloc memory. */
static void test_scattered(void **state)
{
	struct audio_rig *rig = *state;
	struct fake_memory *memory = fake_guest_memory(rig->guest);

	for (uint32_t stream = 0; stream < 2; stream++) {
		struct virtio_snd_pcm_set_params params = audio_rig_params(stream);
		struct fake_queue *queue = stream ? rig->rx : rig->tx;
		bool in = stream == 1;
		uint64_t gpa = fake_memory_alloc(memory, 4096, 4096);
		/* In RAM: header at 0, samples at 100, status at 3000. */
		const struct fake_buffer buffers[] = {
			{ gpa, 1, false },          { gpa + 1, 3, false },
			{ gpa + 100, 3, in },       { gpa + 103, 800, in },
			{ gpa + 903, 0, in },       { gpa + 903, 997, in },
			{ gpa + 3000, 5, true },    { gpa + 3005, 3, true },
		};
		struct virtio_snd_pcm_status status;
		struct fake_used used;
		uint8_t data[1800];

		audio_rig_run(rig, &params);
		fake_memory_write(memory, gpa, &stream, 4);
		if (!in)
			fake_memory_write(memory, gpa + 100, pattern(0, 1800), 1800);
		assert_true((in ? fake_queue_add_indirect(queue, buffers, 8)
				: fake_queue_add(queue, buffers, 8)) >= 0);
		fake_queue_kick(queue);
		fake_guest_run(rig->guest);
		audio_rig_give(rig, (enum audio_direction)stream, 450);
		assert_true(fake_queue_get_used(queue, &used));
		assert_int_equal(used.bytes, in ? 1808 : 8);
		guest_read(rig, gpa + 3000, &status, sizeof(status));
		assert_int_equal(status.status, OK);
		guest_read(rig, gpa + 100, data, 1800);
		assert_memory_equal(in ? data : rig->played, pattern(0, 1800), 1800);
	}
}

/* As many messages as the queue has places. */
static void test_full_queue(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_set_params params = audio_rig_params(0);
	struct fake_memory *memory = fake_guest_memory(rig->guest);
	struct fake_used used;
	uint32_t sent = 0, done = 0;

	audio_rig_prepare(rig, &params);
	for (;; sent++) {
		uint64_t gpa = fake_memory_alloc(memory, 64, 8);
		const struct fake_buffer buffers[] = {
			{ gpa, 44, false }, { gpa + 56, 8, true },
		};
		const uint32_t id = 0;

		fake_memory_write(memory, gpa, &id, 4);
		fake_memory_write(memory, gpa + 4, pattern(sent * 40, 40), 40);
		if (fake_queue_add_indirect(rig->tx, buffers, 2) < 0)
			break;
		fake_queue_kick(rig->tx);
		if (sent % 50 == 0)
			fake_guest_run(rig->guest);
	}
	assert_int_equal(sent, rig->tx->size);
	fake_guest_run(rig->guest);
	assert_int_equal(fake_queue_used_count(rig->tx), 0);
	assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_START, 0), OK);
	audio_rig_give(rig, AUDIO_PLAYBACK, 10 * sent);
	while (fake_queue_get_used(rig->tx, &used))
		done++;
	assert_int_equal(done, sent);
	assert_int_equal(rig->played_bytes, sent * 40);
	assert_memory_equal(rig->played, pattern(0, sent * 40), sent * 40);
}

/* --- refused messages -------------------------------------------------------------------- */

/* Without PREPARE there is nobody to play them. */
static void test_unprepared(void **state)
{
	struct audio_rig *rig = *state;

	for (uint32_t stream = 0; stream < 2; stream++) {
		struct virtio_snd_pcm_set_params params = audio_rig_params(stream);
		enum audio_direction direction = (enum audio_direction)stream;
		struct audio_rig_message message;

		for (int step = 0; step < 3; step++) {
			struct virtio_snd_pcm_status status;

			if (step == 1)
				assert_int_equal(audio_rig_request(rig, &params, sizeof(params)),
						 OK);
			if (step == 2) {
				audio_rig_prepare(rig, &params);
				assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_RELEASE,
								   stream), OK);
			}
			fake_queue_want_interrupts(stream ? rig->rx : rig->tx, true);
			message = audio_rig_send(rig, direction, stream, NULL, PERIOD_BYTES, true);
			assert_true(audio_rig_done(rig, &message, &status));
			assert_int_equal(status.status, IO);
			assert_int_equal(status.latency_bytes, 0);
			assert_int_equal(fake_queue_interrupts(stream ? rig->rx : rig->tx), 1);
		}
	}
	assert_int_equal(rig->played_bytes, 0);
}

/* Wrong ones do not wait for their turn behind good ones. */
static void test_wrong_stream(void **state)
{
	static const uint32_t ids[] = { 2, 256, 0x80000000, 0x80000001, UINT32_MAX };
	struct audio_rig *rig = *state;

	for (uint32_t stream = 0; stream < 2; stream++) {
		struct virtio_snd_pcm_set_params params = audio_rig_params(stream);
		enum audio_direction direction = (enum audio_direction)stream;
		struct audio_rig_message good, wrong;

		audio_rig_run(rig, &params);
		good = audio_rig_send(rig, direction, stream, NULL, PERIOD_BYTES, true);
		wrong = audio_rig_send(rig, direction, !stream, NULL, PERIOD_BYTES, true);
		assert_int_equal(audio_rig_status(rig, &wrong), BAD);
		for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
			wrong = audio_rig_send(rig, direction, ids[i], NULL, PERIOD_BYTES, true);
			assert_int_equal(audio_rig_status(rig, &wrong), BAD);
		}
		assert_int_equal(audio_rig_status(rig, &good), 0);
		audio_rig_give(rig, direction, 480);
		assert_int_equal(audio_rig_status(rig, &good), OK);
	}
	assert_int_equal(fake_guest_needs_resets(rig->guest), 0);
}

/* One message of these lengths for each queue; the used length, or -1 while it is pending. */
static int64_t send_lengths(struct audio_rig *rig, uint32_t stream, uint32_t readable,
			    uint32_t writable, uint32_t *status)
{
	struct fake_memory *memory = fake_guest_memory(rig->guest);
	struct fake_queue *queue = stream ? rig->rx : rig->tx;
	struct fake_buffer buffers[2];
	struct fake_used used;
	size_t count = 0;
	uint64_t in = fake_memory_alloc(memory, writable + 8, 8);
	uint64_t out = fake_memory_alloc(memory, readable + 8, 8);

	fake_memory_write(memory, out, &stream, 4);
	if (readable)
		buffers[count++] = (struct fake_buffer){ out, readable, false };
	if (writable)
		buffers[count++] = (struct fake_buffer){ in, writable, true };
	assert_true(fake_queue_add(queue, buffers, count) >= 0);
	fake_queue_kick(queue);
	fake_guest_run(rig->guest);
	if (!fake_queue_get_used(queue, &used))
		return -1;
	*status = 0;
	if (writable >= STATUS_BYTES)
		guest_read(rig, stream ? in + writable - STATUS_BYTES : in, status, 4);
	return used.bytes;
}

static void test_broken_messages(void **state)
{
	struct audio_rig *rig = *state;
	uint32_t status;

	for (uint32_t stream = 0; stream < 2; stream++) {
		struct virtio_snd_pcm_set_params params = audio_rig_params(stream);

		audio_rig_run(rig, &params);
		/* Too little of a header. */
		for (uint32_t bytes = 0; bytes < HEADER_BYTES; bytes++) {
			assert_true(send_lengths(rig, stream, bytes, 100, &status) >= 8);
			assert_int_equal(status, BAD);
		}
		/* No room for the status. */
		for (uint32_t bytes = 0; bytes < STATUS_BYTES; bytes++)
			assert_int_equal(send_lengths(rig, stream, 100, bytes, &status), 0);
		/* A message of more than a MiB. */
		assert_true(send_lengths(rig, stream, 4 + (stream ? 0 : (1 << 20) + 1),
					 8 + (stream ? (1 << 20) + 1 : 0), &status) >= 8);
		assert_int_equal(status, BAD);
		/* Just one is taken. */
		assert_int_equal(send_lengths(rig, stream, 4 + (stream ? 0 : 1 << 20),
					      8 + (stream ? 1 << 20 : 0), &status), -1);
		audio_rig_give(rig, (enum audio_direction)stream, 1 << 18);
		assert_int_equal(fake_queue_used_count(stream ? rig->rx : rig->tx), 1);
	}
	assert_int_equal(fake_guest_needs_resets(rig->guest), 0);
}

/* --- endings ----------------------------------------------------------------------------- */

/* What of a message was not recorded is silence when it comes back. */
static void test_release_silence(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_set_params params = audio_rig_params(1);
	static uint8_t data[PERIOD_BYTES], zeros[PERIOD_BYTES];
	struct audio_rig_message message;

	memset(data, 0x55, sizeof(data));
	audio_rig_run(rig, &params);
	message = audio_rig_send(rig, AUDIO_CAPTURE, 1, data, PERIOD_BYTES, true);
	audio_rig_give(rig, AUDIO_CAPTURE, 100);
	assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_STOP, 1), OK);
	assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_RELEASE, 1), OK);
	assert_int_equal(audio_rig_status(rig, &message), OK);
	assert_int_equal(rig->written[AUDIO_CAPTURE][message.head], PERIOD_BYTES + STATUS_BYTES);
	guest_read(rig, message.data_gpa, data, PERIOD_BYTES);
	assert_memory_equal(data, pattern(0, 400), 400);
	assert_memory_equal(data + 400, zeros, PERIOD_BYTES - 400);
}

/* Waiting messages were meant in the old format. */
static void test_params_give_back(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_set_params params = audio_rig_params(0);
	struct audio_rig_message message, late;

	audio_rig_prepare(rig, &params);
	message = audio_rig_play(rig, pattern(0, PERIOD_BYTES), PERIOD_BYTES);
	late = audio_rig_send(rig, AUDIO_PLAYBACK, 0, NULL, PERIOD_BYTES, false);
	params.channels = 6;
	assert_int_equal(audio_rig_request(rig, &params, sizeof(params)), OK);
	assert_int_equal(audio_rig_status(rig, &message), IO);
	assert_int_equal(audio_rig_status(rig, &late), IO);
	/* PREPARE alone changes nothing: they stay. */
	assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_PREPARE, 0), OK);
	message = audio_rig_play(rig, pattern(0, 1200), 1200);
	assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_PREPARE, 0), OK);
	assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_START, 0), OK);
	audio_rig_give(rig, AUDIO_PLAYBACK, 100);
	assert_int_equal(audio_rig_status(rig, &message), OK);
	assert_memory_equal(rig->played, pattern(0, 1200), 1200);
}

/* A reset, a reboot, or the queue alone, with messages half done: nothing of theirs is touched. */
static void end_in_flight(struct audio_rig *rig, bool queue_only)
{
	for (uint32_t stream = 0; stream < 2; stream++) {
		struct virtio_snd_pcm_set_params params = audio_rig_params(stream);
		enum audio_direction direction = (enum audio_direction)stream;
		static uint8_t before[PERIOD_BYTES + 64], after[PERIOD_BYTES + 64];
		struct audio_rig_message messages[3];
		uint16_t used;

		audio_rig_run(rig, &params);
		for (int i = 0; i < 3; i++)
			messages[i] = audio_rig_send(rig, direction, stream, NULL, PERIOD_BYTES,
						     true);
		audio_rig_give(rig, direction, 500);
		assert_int_equal(audio_rig_status(rig, &messages[0]), OK);
		guest_read(rig, messages[1].data_gpa, before, sizeof(before));
		used = fake_queue_used_count(stream ? rig->rx : rig->tx);
		if (queue_only)
			fake_guest_stop_queue(rig->guest, (uint16_t)(VIRTIO_SND_VQ_TX + stream));
		else
			fake_guest_stop(rig->guest);
		assert_int_equal(rig->streams[stream].open, queue_only);
		rig->played_bytes = 0;
		audio_rig_give(rig, direction, 5000);
		assert_int_equal(rig->played_bytes, 0);
		guest_read(rig, messages[1].data_gpa, after, sizeof(after));
		assert_memory_equal(before, after, sizeof(before));
		assert_int_equal(fake_queue_used_count(stream ? rig->rx : rig->tx), used);

		/* The next driver finds a device as new. */
		fake_guest_stop(rig->guest);
		fake_memory_reset(fake_guest_memory(rig->guest));
		audio_rig_start(rig, FAKE_ALL_FEATURES);
		assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_PREPARE, stream), BAD);
		audio_rig_run(rig, &params);
		rig->recorded_bytes = 0;
		messages[0] = audio_rig_send(rig, direction, stream,
					     stream ? NULL : pattern(0, PERIOD_BYTES),
					     PERIOD_BYTES, true);
		audio_rig_give(rig, direction, 480);
		assert_int_equal(audio_rig_status(rig, &messages[0]), OK);
		guest_read(rig, messages[0].data_gpa, after, PERIOD_BYTES);
		assert_memory_equal(after, pattern(0, PERIOD_BYTES), PERIOD_BYTES);
		assert_int_equal(rig->played_bytes, stream ? 0 : PERIOD_BYTES);
		rig->played_bytes = 0;
	}
}

static void test_reset_in_flight(void **state)
{
	end_in_flight(*state, false);
}

static void test_queue_stop_in_flight(void **state)
{
	end_in_flight(*state, true);
}

/* A broken ring stops itself; commands and the other stream go on, and a reset heals. */
static void test_broken_ring(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_set_params playback = audio_rig_params(0);
	struct virtio_snd_pcm_set_params capture = audio_rig_params(1);
	struct audio_rig_message message;

	audio_rig_run(rig, &playback);
	audio_rig_run(rig, &capture);
	audio_rig_play(rig, pattern(0, PERIOD_BYTES), PERIOD_BYTES);
	fake_queue_publish(rig->tx, 5000);
	fake_guest_run(rig->guest);
	assert_int_equal(fake_guest_needs_resets(rig->guest), 1);
	audio_rig_give(rig, AUDIO_PLAYBACK, 1000);
	message = audio_rig_record(rig, PERIOD_BYTES);
	audio_rig_give(rig, AUDIO_CAPTURE, 480);
	assert_int_equal(audio_rig_status(rig, &message), OK);
	assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_STOP, 0), OK);
	assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_RELEASE, 0), OK);
	fake_guest_stop(rig->guest);
	audio_rig_start(rig, FAKE_ALL_FEATURES);
	audio_rig_run(rig, &playback);
	message = audio_rig_play(rig, pattern(0, PERIOD_BYTES), PERIOD_BYTES);
	audio_rig_give(rig, AUDIO_PLAYBACK, 480);
	assert_int_equal(audio_rig_status(rig, &message), OK);
	assert_int_equal(fake_guest_needs_resets(rig->guest), 1);
}

/* Without indirect descriptors and event indices, and with a small queue. */
static void test_plain_ring(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_set_params params = audio_rig_params(0);
	struct audio_rig_message message;

	fake_guest_stop(rig->guest);
	fake_guest_set_queue_size(rig->guest, VIRTIO_SND_VQ_TX, 4);
	audio_rig_start(rig, 0);
	audio_rig_run(rig, &params);
	for (int i = 0; i < 100; i++) {
		message = audio_rig_play(rig, pattern(0, PERIOD_BYTES), PERIOD_BYTES);
		audio_rig_give(rig, AUDIO_PLAYBACK, 480);
		assert_int_equal(audio_rig_status(rig, &message), OK);
	}
	assert_int_equal(rig->played_bytes, 100 * PERIOD_BYTES);
}

static void test_great_queue(void **state)
{
	struct audio_rig *rig = *state;

	fake_guest_stop(rig->guest);
	fake_guest_set_queue_size(rig->guest, VIRTIO_SND_VQ_TX, 512);
	assert_int_equal(fake_guest_start(rig->guest, FAKE_ALL_FEATURES), -EINVAL);
}

int main(void)
{
#define TEST(func) cmocka_unit_test_setup_teardown(func, audio_rig_setup, audio_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_odd_playback),
		TEST(test_odd_capture),
		TEST(test_part_is_forgotten),
		TEST(test_s24),
		TEST(test_empty),
		TEST(test_great_delay),
		TEST(test_scattered),
		TEST(test_full_queue),
		TEST(test_unprepared),
		TEST(test_wrong_stream),
		TEST(test_broken_messages),
		TEST(test_release_silence),
		TEST(test_params_give_back),
		TEST(test_reset_in_flight),
		TEST(test_queue_stop_in_flight),
		TEST(test_broken_ring),
		TEST(test_plain_ring),
		TEST(test_great_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
