/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every format and number of channels as 16-bit stereo, and back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stereo.h>
#include <string.h>

/* Of 48 kHz, with the usual positions. */
static struct audio_params shape(enum audio_format format, uint32_t channels)
{
	struct audio_params params = {
		.format = format, .rate = 48000, .channels = channels, .period_frames = 480,
		.buffer_frames = 1920,
	};

	audio_positions_default(params.positions, channels);
	return params;
}

static void mix(struct audio_params params, const void *frame, int left, int right)
{
	struct audio_stereo converter;
	int16_t out[2];

	audio_stereo_init(&converter, &params);
	audio_stereo_mix(&converter, frame, out, 1);
	assert_int_equal(out[0], left);
	assert_int_equal(out[1], right);
}

static void test_formats(void **state)
{
	struct audio_params swapped = shape(AUDIO_FORMAT_S16, 2);

	swapped.positions[0] = AUDIO_POSITION_FR;
	swapped.positions[1] = AUDIO_POSITION_FL;
	mix(swapped, (int16_t[]){ 1, 2 }, 2, 1);
	mix(shape(AUDIO_FORMAT_S16, 2), (int16_t[]){ INT16_MIN, INT16_MAX }, INT16_MIN, INT16_MAX);
	mix(shape(AUDIO_FORMAT_S16, 1), (int16_t[]){ -12345 }, -12345, -12345);
	/* Rounded to the nearest. */
	mix(shape(AUDIO_FORMAT_S24, 2), (int32_t[]){ 0x123456, -0x123456 }, 0x1234, -0x1234);
	mix(shape(AUDIO_FORMAT_S24, 2), (int32_t[]){ 0x123480, -1 }, 0x1235, 0);
	mix(shape(AUDIO_FORMAT_S24, 2), (int32_t[]){ 0x7fffff, -0x800000 }, INT16_MAX, INT16_MIN);
	/* The top byte does not count. */
	mix(shape(AUDIO_FORMAT_S24, 2), (uint32_t[]){ 0xff123456, 0x00edcbaa }, 0x1234, -0x1234);
	mix(shape(AUDIO_FORMAT_S32, 2), (int32_t[]){ 0x12348000, INT32_MIN }, 0x1235, INT16_MIN);
	mix(shape(AUDIO_FORMAT_S32, 2), (int32_t[]){ INT32_MAX, -0x12347fff }, INT16_MAX, -0x1234);
	mix(shape(AUDIO_FORMAT_FLOAT, 2), (float[]){ 0.5f, -0.25f }, 16384, -8192);
	mix(shape(AUDIO_FORMAT_FLOAT, 2), (float[]){ 1.0f, -1.0f }, INT16_MAX, INT16_MIN);
	mix(shape(AUDIO_FORMAT_FLOAT, 2), (float[]){ 1e30f, -INFINITY }, INT16_MAX, INT16_MIN);
	mix(shape(AUDIO_FORMAT_FLOAT, 2), (float[]){ NAN, -NAN }, 0, 0);
	mix(shape(AUDIO_FORMAT_FLOAT, 1), (float[]){ -0.5f }, -16384, -16384);
}

static void test_many_channels(void **state)
{
	struct audio_params unknown = shape(AUDIO_FORMAT_S16, 4);

	/* FL FR RL RR FC LFE SL SR. */
	mix(shape(AUDIO_FORMAT_S16, 8), (int16_t[]){ 100, 200, 0, 0, 0, 9999, 0, 0 }, 100, 200);
	mix(shape(AUDIO_FORMAT_S16, 8), (int16_t[]){ 0, 0, 1000, 2000, 0, 0, 0, 0 }, 707, 1414);
	mix(shape(AUDIO_FORMAT_S16, 8), (int16_t[]){ 0, 0, 0, 0, 1000, 0, 0, 0 }, 707, 707);
	mix(shape(AUDIO_FORMAT_S16, 8), (int16_t[]){ 0, 0, 0, 0, 0, 0, -1000, 3000 }, -707, 2121);
	mix(shape(AUDIO_FORMAT_S16, 6), (int16_t[]){ 30000, -30000, 30000, -30000, 0, 0 },
	    INT16_MAX, INT16_MIN);
	mix(shape(AUDIO_FORMAT_FLOAT, 4), (float[]){ 0.5f, 0.25f, 0, 0 }, 16384, 8192);
	memset(unknown.positions, AUDIO_POSITION_NONE, sizeof(unknown.positions));
	mix(unknown, (int16_t[]){ 1000, 0, 1000, 0 }, 1414, 0);
	mix(unknown, (int16_t[]){ 0, 1000, 0, 1000 }, 0, 1414);
	/* Any number of channels is at least audible. */
	for (uint32_t channels = 1; channels <= AUDIO_MAX_CHANNELS; channels++) {
		struct audio_params params = shape(AUDIO_FORMAT_S16, channels);
		int16_t frame[AUDIO_MAX_CHANNELS] = { 100, 100, 100, 100, 100, 100, 100, 100 };
		struct audio_stereo converter;
		int16_t out[2];

		audio_stereo_init(&converter, &params);
		audio_stereo_mix(&converter, frame, out, 1);
		assert_true(out[0] >= 100 && out[1] >= 100);
	}
}

static void spread(struct audio_params params, int left, int right, const void *expected)
{
	const int16_t in[2] = { (int16_t)left, (int16_t)right };
	struct audio_stereo converter;
	uint8_t out[AUDIO_MAX_FRAME_BYTES];

	audio_stereo_init(&converter, &params);
	audio_stereo_spread(&converter, in, out, 1);
	assert_memory_equal(out, expected, audio_frame_bytes(&params));
}

static void test_spread(void **state)
{
	struct audio_params swapped = shape(AUDIO_FORMAT_S16, 2);

	swapped.positions[0] = AUDIO_POSITION_FR;
	swapped.positions[1] = AUDIO_POSITION_FL;
	spread(swapped, 1, 2, (int16_t[]){ 2, 1 });
	spread(shape(AUDIO_FORMAT_S16, 2), -5, 6, (int16_t[]){ -5, 6 });
	spread(shape(AUDIO_FORMAT_S16, 1), INT16_MIN, INT16_MIN, (int16_t[]){ INT16_MIN });
	spread(shape(AUDIO_FORMAT_S16, 1), 100, 300, (int16_t[]){ 200 });
	spread(shape(AUDIO_FORMAT_S24, 2), -1, INT16_MAX, (int32_t[]){ -256, 0x7fff00 });
	spread(shape(AUDIO_FORMAT_S32, 2), INT16_MIN, 1, (int32_t[]){ INT32_MIN, 0x10000 });
	spread(shape(AUDIO_FORMAT_FLOAT, 2), INT16_MIN, 16384, (float[]){ -1.0f, 0.5f });
	spread(shape(AUDIO_FORMAT_S16, 6), 10, 20, (int16_t[]){ 10, 20, 10, 20, 15, 0 });
}

/* There and back is the same, for all that stereo can say. */
static void test_there_and_back(void **state)
{
	for (int format = AUDIO_FORMAT_S16; format <= AUDIO_FORMAT_FLOAT; format++) {
		struct audio_params params = shape((enum audio_format)format, 2);
		struct audio_stereo converter;

		audio_stereo_init(&converter, &params);
		for (int32_t value = INT16_MIN; value <= INT16_MAX; value++) {
			const int16_t in[2] = { (int16_t)value, (int16_t)~value };
			uint8_t frame[8];
			int16_t out[2];

			audio_stereo_spread(&converter, in, frame, 1);
			audio_stereo_mix(&converter, frame, out, 1);
			if (out[0] != in[0] || out[1] != in[1])
				fail_msg("%d in format %d is %d", value, format, out[0]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_many_channels),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
