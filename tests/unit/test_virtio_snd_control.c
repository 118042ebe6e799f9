/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sound device's control queue: every request good, short and garbage; the states of a stream. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "audio_rig.h"

#define OK VIRTIO_SND_S_OK
#define BAD VIRTIO_SND_S_BAD_MSG
#define NOT VIRTIO_SND_S_NOT_SUPP
#define IO VIRTIO_SND_S_IO_ERR

#define JACKS 2
#define STREAMS 2
#define CHMAPS 10

/* --- information ------------------------------------------------------------------------- */

static uint8_t answer[16384];
static int64_t answer_bytes;

/* Asks with room bytes for the answer; the status. What follows it is in answer + 4. */
static uint32_t ask(struct audio_rig *rig, uint32_t code, uint32_t start, uint32_t count,
		    uint32_t size, size_t room)
{
	const struct virtio_snd_query_info query = { { code }, start, count, size };
	uint32_t status;

	memset(answer, 0xee, sizeof(answer));
	answer_bytes = fake_queue_request(rig->control, &query, sizeof(query), answer, room);
	assert_true(answer_bytes >= 4);
	memcpy(&status, answer, 4);
	return status;
}

static void test_config(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_config config;

	fake_guest_read_config(rig->guest, 0, &config, sizeof(config));
	assert_int_equal(config.jacks, JACKS);
	assert_int_equal(config.streams, STREAMS);
	assert_int_equal(config.chmaps, CHMAPS);
	config.jacks = 0;
	fake_guest_read_config(rig->guest, 8, &config.jacks, 4);
	assert_int_equal(config.jacks, CHMAPS);
}

static void test_jack_info(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_jack_info info[JACKS];

	assert_int_equal(ask(rig, VIRTIO_SND_R_JACK_INFO, 0, JACKS, sizeof(info[0]),
			     4 + sizeof(info)), OK);
	assert_int_equal(answer_bytes, 4 + sizeof(info));
	memcpy(info, answer + 4, sizeof(info));
	for (int i = 0; i < JACKS; i++) {
		assert_int_equal(info[i].features, 0);
		assert_int_equal(info[i].connected, 1);
		assert_int_equal(info[i].hdr.hda_fn_nid, 0);
		for (int b = 0; b < 7; b++)
			assert_int_equal(info[i].padding[b], 0);
	}
	/* HDA 7.3.3.31: default device line out, and microphone. */
	assert_int_equal(info[0].hda_reg_defconf >> 20 & 15, 0);
	assert_int_equal(info[1].hda_reg_defconf >> 20 & 15, 10);
}

static void test_pcm_info(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_info info[STREAMS];

	assert_int_equal(ask(rig, VIRTIO_SND_R_PCM_INFO, 0, STREAMS, sizeof(info[0]),
			     4 + sizeof(info)), OK);
	memcpy(info, answer + 4, sizeof(info));
	for (int i = 0; i < STREAMS; i++) {
		assert_int_equal(info[i].direction, i);
		assert_int_equal(info[i].features, 0);
		assert_int_equal(info[i].channels_min, 1);
		assert_int_equal(info[i].channels_max, i ? 2 : 8);
		/* S16, S24, S32, FLOAT; 44.1 to 192 kHz. */
		assert_int_equal(info[i].formats, 1 << 5 | 1 << 15 | 1 << 17 | 1 << 19);
		assert_int_equal(info[i].rates, 0x1fc0);
		for (int b = 0; b < 5; b++)
			assert_int_equal(info[i].padding[b], 0);
	}
	/* The second one alone. */
	assert_int_equal(ask(rig, VIRTIO_SND_R_PCM_INFO, 1, 1, sizeof(info[0]), 100), OK);
	assert_int_equal(answer_bytes, 4 + sizeof(info[0]));
	assert_memory_equal(answer + 4, &info[1], sizeof(info[1]));
}

static void test_chmap_info(void **state)
{
	static const uint8_t surround[] = {
		VIRTIO_SND_CHMAP_FL, VIRTIO_SND_CHMAP_FR, VIRTIO_SND_CHMAP_RL, VIRTIO_SND_CHMAP_RR,
		VIRTIO_SND_CHMAP_FC, VIRTIO_SND_CHMAP_LFE, VIRTIO_SND_CHMAP_SL, VIRTIO_SND_CHMAP_SR,
	};
	struct audio_rig *rig = *state;
	struct virtio_snd_chmap_info info[CHMAPS];

	assert_int_equal(ask(rig, VIRTIO_SND_R_CHMAP_INFO, 0, CHMAPS, sizeof(info[0]),
			     4 + sizeof(info)), OK);
	memcpy(info, answer + 4, sizeof(info));
	for (int i = 0; i < CHMAPS; i++) {
		int channels = i < 8 ? i + 1 : i - 7;

		assert_int_equal(info[i].direction, i < 8 ? 0 : 1);
		assert_int_equal(info[i].channels, channels);
		if (channels == 1)
			assert_int_equal(info[i].positions[0], VIRTIO_SND_CHMAP_MONO);
		else
			assert_memory_equal(info[i].positions, surround, channels);
		for (int c = channels; c < VIRTIO_SND_CHMAP_MAX_SIZE; c++)
			assert_int_equal(info[i].positions[c], 0);
	}
}

/* Broken queries, of each kind. */
static void test_bad_queries(void **state)
{
	static const struct {
		uint32_t code, count, bytes;
	} kinds[] = {
		{ VIRTIO_SND_R_JACK_INFO, JACKS, sizeof(struct virtio_snd_jack_info) },
		{ VIRTIO_SND_R_PCM_INFO, STREAMS, sizeof(struct virtio_snd_pcm_info) },
		{ VIRTIO_SND_R_CHMAP_INFO, CHMAPS, sizeof(struct virtio_snd_chmap_info) },
	};
	struct audio_rig *rig = *state;

	for (int i = 0; i < 3; i++) {
		uint32_t code = kinds[i].code, count = kinds[i].count, bytes = kinds[i].bytes;
		size_t room = sizeof(answer);

		assert_int_equal(ask(rig, code, 0, count + 1, bytes, room), BAD);
		assert_int_equal(answer_bytes, 4);
		assert_int_equal(ask(rig, code, 1, count, bytes, room), BAD);
		assert_int_equal(ask(rig, code, count, 1, bytes, room), BAD);
		assert_int_equal(ask(rig, code, count + 1, 0, bytes, room), BAD);
		assert_int_equal(ask(rig, code, UINT32_MAX, 1, bytes, room), BAD);
		assert_int_equal(ask(rig, code, 1, UINT32_MAX, bytes, room), BAD);
		assert_int_equal(ask(rig, code, 0, UINT32_MAX, UINT32_MAX, room), BAD);
		assert_int_equal(ask(rig, code, 0, 1, 0, room), BAD);
		assert_int_equal(ask(rig, code, 0, 1, 3, room), BAD);
		assert_int_equal(ask(rig, code, 0, 1, 257, room), BAD);
		/* A byte too little room. */
		assert_int_equal(ask(rig, code, 0, count, bytes, 4 + count * bytes - 1), BAD);
		assert_int_equal(answer_bytes, 4);
		/* Nothing is a good question. */
		assert_int_equal(ask(rig, code, count, 0, bytes, 4), OK);
		assert_int_equal(answer_bytes, 4);
		/* Drivers of another specification: cut off, or filled up. */
		assert_int_equal(ask(rig, code, 0, 1, 4, room), OK);
		assert_int_equal(answer_bytes, 8);
		assert_int_equal(ask(rig, code, 0, count, 256, room), OK);
		assert_int_equal(answer_bytes, 4 + count * 256);
		for (uint32_t b = bytes; b < 256; b++)
			assert_int_equal(answer[4 + b], 0);
	}
}

/* --- requests ---------------------------------------------------------------------------- */

static void test_short_requests(void **state)
{
	static const struct {
		uint32_t code, bytes, status;   /* status: when it is long enough */
	} kinds[] = {
		{ VIRTIO_SND_R_JACK_INFO, 16, BAD },   /* item size 0 */
		{ VIRTIO_SND_R_JACK_REMAP, 16, NOT },
		{ VIRTIO_SND_R_PCM_INFO, 16, BAD },
		{ VIRTIO_SND_R_PCM_SET_PARAMS, 24, BAD },
		{ VIRTIO_SND_R_PCM_PREPARE, 8, BAD },
		{ VIRTIO_SND_R_PCM_RELEASE, 8, BAD },
		{ VIRTIO_SND_R_PCM_START, 8, BAD },
		{ VIRTIO_SND_R_PCM_STOP, 8, BAD },
		{ VIRTIO_SND_R_CHMAP_INFO, 16, BAD },
	};
	struct audio_rig *rig = *state;
	uint8_t request[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		memset(request, 0, sizeof(request));
		memcpy(request, &kinds[i].code, 4);
		for (uint32_t bytes = 0; bytes < kinds[i].bytes; bytes++)
			assert_int_equal(audio_rig_request(rig, request, bytes), BAD);
		assert_int_equal(audio_rig_request(rig, request, kinds[i].bytes), kinds[i].status);
		assert_int_equal(audio_rig_request(rig, request, sizeof(request)), kinds[i].status);
	}
	assert_int_equal(rig->streams[0].opens, 0);
}

static void test_long_request(void **state)
{
	struct audio_rig *rig = *state;
	struct {
		struct virtio_snd_pcm_set_params params;
		uint8_t more[100];
	} request = { .params = audio_rig_params(0) };

	assert_int_equal(audio_rig_request(rig, &request, sizeof(request)), OK);
}

static void test_unknown_requests(void **state)
{
	static const uint32_t codes[] = {
		0, 3, 0xff, 0x106, 0x1ff, 0x201, 0x300, 0x301, 0x1000, 0x8000, UINT32_MAX,
	};
	static const uint32_t streams[] = { STREAMS, 3, 256, 0x80000000, 0x80000001, UINT32_MAX };
	struct audio_rig *rig = *state;
	uint8_t request[32] = { 0 };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		memcpy(request, &codes[i], 4);
		assert_int_equal(audio_rig_request(rig, request, 4), NOT);
		assert_int_equal(audio_rig_request(rig, request, 32), NOT);
	}
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		uint32_t stream = streams[i];
		struct virtio_snd_pcm_set_params params = audio_rig_params(stream);

		assert_int_equal(audio_rig_request(rig, &params, sizeof(params)), BAD);
		assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_PREPARE, stream), BAD);
		assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_RELEASE, stream), BAD);
		assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_START, stream), BAD);
		assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_STOP, stream), BAD);
	}
}

static void test_remap(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_jack_remap request = { .hdr.hdr.code = VIRTIO_SND_R_JACK_REMAP };

	request.hdr.jack_id = JACKS - 1;
	assert_int_equal(audio_rig_request(rig, &request, sizeof(request)), NOT);
	request.hdr.jack_id = JACKS;
	assert_int_equal(audio_rig_request(rig, &request, sizeof(request)), BAD);
}

/* Nowhere to put an answer: the chain comes back, the request was not done. */
static void test_no_answer(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_set_params params = audio_rig_params(0);
	uint8_t room[3];

	assert_int_equal(fake_queue_request(rig->control, &params, sizeof(params), NULL, 0), 0);
	assert_int_equal(fake_queue_request(rig->control, &params, sizeof(params), room, 3), 0);
	assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_PREPARE, 0), BAD);
	assert_int_equal(fake_guest_needs_resets(rig->guest), 0);
}

/* --- parameters -------------------------------------------------------------------------- */

static void test_good_params(void **state)
{
	static const struct {
		uint8_t code;
		enum audio_format format;
		uint32_t bytes;
	} formats[] = {
		{ VIRTIO_SND_PCM_FMT_S16, AUDIO_FORMAT_S16, 2 },
		{ VIRTIO_SND_PCM_FMT_S24, AUDIO_FORMAT_S24, 4 },
		{ VIRTIO_SND_PCM_FMT_S32, AUDIO_FORMAT_S32, 4 },
		{ VIRTIO_SND_PCM_FMT_FLOAT, AUDIO_FORMAT_FLOAT, 4 },
	};
	static const uint32_t rates[] = { 44100, 48000, 64000, 88200, 96000, 176400, 192000 };
	struct audio_rig *rig = *state;

	for (uint32_t stream = 0; stream < STREAMS; stream++) {
		const struct audio_params *got = &rig->streams[stream].params;

		for (uint32_t i = 0; i < 4 * 7 * 8; i++) {
			struct virtio_snd_pcm_set_params params = audio_rig_params(stream);
			uint32_t format = i % 4, rate = i / 4 % 7;
			uint8_t positions[AUDIO_MAX_CHANNELS];

			params.channels = (uint8_t)(i / 28 + 1);
			params.format = formats[format].code;
			params.rate = (uint8_t)(VIRTIO_SND_PCM_RATE_44100 + rate);
			params.period_bytes = 100 * params.channels * formats[format].bytes;
			params.buffer_bytes = 3 * params.period_bytes;
			if (stream == 1 && params.channels > 2) {
				assert_int_equal(audio_rig_request(rig, &params, sizeof(params)),
						 NOT);
				continue;
			}
			audio_rig_prepare(rig, &params);
			assert_int_equal(got->format, formats[format].format);
			assert_int_equal(got->rate, rates[rate]);
			assert_int_equal(got->channels, params.channels);
			assert_int_equal(got->period_frames, 100);
			assert_int_equal(got->buffer_frames, 300);
			audio_positions_default(positions, params.channels);
			assert_memory_equal(got->positions, positions, sizeof(positions));
		}
	}
}

static void test_bad_params(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_set_params params;

#define TRY(field, value, status)                                                                  \
	do {                                                                                       \
		params = audio_rig_params(0);                                                      \
		params.field = (value);                                                            \
		assert_int_equal(audio_rig_request(rig, &params, sizeof(params)), status);         \
		assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_PREPARE, 0), BAD);        \
	} while (0)

	for (unsigned int value = 0; value < 256; value++) {
		if (value < 1 || value > 8)
			TRY(channels, (uint8_t)value, NOT);
		if (value != 5 && value != 15 && value != 17 && value != 19)
			TRY(format, (uint8_t)value, NOT);
		if (value < 6 || value > 12)
			TRY(rate, (uint8_t)value, NOT);
	}
	for (int bit = 0; bit < 32; bit++)
		TRY(features, UINT32_C(1) << bit, NOT);
	TRY(period_bytes, 0, BAD);
	TRY(buffer_bytes, 0, BAD);
	TRY(buffer_bytes, 480 * 4 - 1, BAD);
	TRY(buffer_bytes, 480 * 4 + 1, BAD);
	TRY(buffer_bytes, UINT32_MAX, BAD);
	TRY(period_bytes, UINT32_MAX, BAD);
#undef TRY
	params = audio_rig_params(0);
	params.period_bytes = params.buffer_bytes = UINT32_MAX;
	assert_int_equal(audio_rig_request(rig, &params, sizeof(params)), NOT);
	/* A refused one does not undo what was agreed. */
	params = audio_rig_params(0);
	audio_rig_prepare(rig, &params);
	params.channels = 9;
	assert_int_equal(audio_rig_request(rig, &params, sizeof(params)), NOT);
	assert_true(rig->streams[0].open);
	assert_int_equal(audio_rig_command(rig, VIRTIO_SND_R_PCM_START, 0), OK);
	assert_int_equal(rig->streams[0].params.channels, 2);
}

/* A period that is no whole number of frames, or none at all: a hint to the backend only. */
static void test_odd_period(void **state)
{
	struct audio_rig *rig = *state;
	struct virtio_snd_pcm_set_params params = audio_rig_params(0);

	params.period_bytes = 1;
	params.buffer_bytes = 3;
	audio_rig_prepare(rig, &params);
	assert_int_equal(rig->streams[0].params.period_frames, 1);
	assert_int_equal(rig->streams[0].params.buffer_frames, 1);
	params.period_bytes = 401;
	params.buffer_bytes = 802;
	audio_rig_prepare(rig, &params);
	assert_int_equal(rig->streams[0].params.period_frames, 100);
	assert_int_equal(rig->streams[0].params.buffer_frames, 200);
}

/* --- states ------------------------------------------------------------------------------ */

enum { NONE, PARAMS, PREPARED, RUNNING, STOPPED, RELEASED, STATES };
enum { SET_PARAMS, PREPARE, START, STOP, RELEASE, COMMANDS };

static uint32_t do_command(struct audio_rig *rig, uint32_t stream, int number)
{
	static const uint32_t codes[] = {
		[PREPARE] = VIRTIO_SND_R_PCM_PREPARE,
		[START] = VIRTIO_SND_R_PCM_START,
		[STOP] = VIRTIO_SND_R_PCM_STOP,
		[RELEASE] = VIRTIO_SND_R_PCM_RELEASE,
	};
	struct virtio_snd_pcm_set_params params = audio_rig_params(stream);

	if (number == SET_PARAMS)
		return audio_rig_request(rig, &params, sizeof(params));
	return audio_rig_command(rig, codes[number], stream);
}

/* A new driver brings the stream into a state. */
static void go_to(struct audio_rig *rig, uint32_t stream, int to)
{
	static const int ways[STATES][6] = {
		[NONE] = { -1 },
		[PARAMS] = { SET_PARAMS, -1 },
		[PREPARED] = { SET_PARAMS, PREPARE, -1 },
		[RUNNING] = { SET_PARAMS, PREPARE, START, -1 },
		[STOPPED] = { SET_PARAMS, PREPARE, START, STOP, -1 },
		[RELEASED] = { SET_PARAMS, PREPARE, START, STOP, RELEASE, -1 },
	};

	fake_guest_stop(rig->guest);
	fake_memory_reset(fake_guest_memory(rig->guest));
	audio_rig_start(rig, FAKE_ALL_FEATURES);
	for (const int *step = ways[to]; *step >= 0; step++)
		assert_int_equal(do_command(rig, stream, *step), OK);
}

/* virtio 1.2, 5.14.6.6.1: which command may follow which. After a refused one the stream is where it
 * was: what is allowed there still is. */
static void test_states(void **state)
{
	static const uint8_t allowed[STATES][COMMANDS] = {
		[NONE] = { [SET_PARAMS] = 1 },
		[PARAMS] = { [SET_PARAMS] = 1, [PREPARE] = 1 },
		[PREPARED] = { [SET_PARAMS] = 1, [PREPARE] = 1, [START] = 1, [RELEASE] = 1 },
		[RUNNING] = { [STOP] = 1 },
		[STOPPED] = { [START] = 1, [RELEASE] = 1 },
		[RELEASED] = { [SET_PARAMS] = 1, [PREPARE] = 1 },
	};
	struct audio_rig *rig = *state;

	for (uint32_t stream = 0; stream < STREAMS; stream++) {
		for (int from = 0; from < STATES; from++) {
			for (int number = 0; number < COMMANDS; number++) {
				go_to(rig, stream, from);
				if (allowed[from][number]) {
					assert_int_equal(do_command(rig, stream, number), OK);
					continue;
				}
				assert_int_equal(do_command(rig, stream, number), BAD);
				assert_int_equal(rig->streams[stream].open,
						 from >= PREPARED && from <= STOPPED);
				assert_int_equal(rig->streams[stream].started, from == RUNNING);
				for (int next = 0; next < COMMANDS; next++) {
					if (allowed[from][next]) {
						assert_int_equal(do_command(rig, stream, next), OK);
						break;
					}
				}
			}
		}
	}
}

/* The backend is open from PREPARE on, and once. */
static void test_open_and_close(void **state)
{
	struct audio_rig *rig = *state;
	struct audio_rig_stream *stream = &rig->streams[0];

	go_to(rig, 0, PREPARED);
	assert_int_equal(do_command(rig, 0, PREPARE), OK);
	assert_int_equal(stream->opens, 1);
	assert_int_equal(do_command(rig, 0, SET_PARAMS), OK);
	assert_false(stream->open);
	assert_int_equal(do_command(rig, 0, PREPARE), OK);
	assert_int_equal(do_command(rig, 0, RELEASE), OK);
	assert_int_equal(stream->closes, 2);
	assert_int_equal(do_command(rig, 0, PREPARE), OK);
	assert_int_equal(stream->opens, 3);
	assert_int_equal(stream->starts, 0);
	assert_false(rig->streams[1].open);
}

static void test_backend_fails(void **state)
{
	struct audio_rig *rig = *state;
	struct audio_rig_stream *stream = &rig->streams[0];

	go_to(rig, 0, PARAMS);
	stream->open_error = -EBUSY;
	assert_int_equal(do_command(rig, 0, PREPARE), IO);
	assert_int_equal(do_command(rig, 0, START), BAD);
	stream->open_error = 0;
	assert_int_equal(do_command(rig, 0, PREPARE), OK);
	stream->start_error = -EIO;
	assert_int_equal(do_command(rig, 0, START), IO);
	assert_int_equal(do_command(rig, 0, STOP), BAD);
	stream->start_error = 0;
	assert_int_equal(do_command(rig, 0, START), OK);
	assert_int_equal(do_command(rig, 0, STOP), OK);
	stream->start_error = -EIO;
	assert_int_equal(do_command(rig, 0, START), IO);
	assert_int_equal(do_command(rig, 0, RELEASE), OK);
}

/* Buffers for events are kept. */
static void test_event_queue(void **state)
{
	struct audio_rig *rig = *state;

	for (int i = 0; i < 64; i++)
		assert_true(fake_queue_add_writable(rig->event, sizeof(struct virtio_snd_event),
						    NULL) >= 0);
	fake_queue_kick_always(rig->event);
	fake_guest_run(rig->guest);
	go_to(rig, 0, RUNNING);
	assert_int_equal(fake_queue_used_count(rig->event), 0);
	assert_int_equal(fake_guest_needs_resets(rig->guest), 0);
}

int main(void)
{
#define TEST(func) cmocka_unit_test_setup_teardown(func, audio_rig_setup, audio_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_config),
		TEST(test_jack_info),
		TEST(test_pcm_info),
		TEST(test_chmap_info),
		TEST(test_bad_queries),
		TEST(test_short_requests),
		TEST(test_long_request),
		TEST(test_unknown_requests),
		TEST(test_remap),
		TEST(test_no_answer),
		TEST(test_good_params),
		TEST(test_bad_params),
		TEST(test_odd_period),
		TEST(test_states),
		TEST(test_open_and_close),
		TEST(test_backend_fails),
		TEST(test_event_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
