/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to samples on their way: volume, formats, speakers; the options of sound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <SDL.h>
#include <cmocka.h>
#include <config.h>
#include <errno.h>
#include <math.h>
#include <sound_format.h>
#include <sound_gain.h>
#include <spa/param/audio/raw.h>
#include <stdio.h>

#define RATE 48000u
#define RAMP (RATE * SOUND_GAIN_RAMP_MS / 1000u + 1u)

static struct sound_description describe(enum sound_format format, uint32_t channels)
{
	return (struct sound_description){
		.flags = SOUND_OPEN | SOUND_RUNNING, .generation = 1, .format = format,
		.rate = RATE, .channels = channels,
		.frame_bytes = channels * (format == SOUND_FORMAT_S16 ? 2u : 4u),
	};
}

/* --- volume --------------------------------------------------------------------------------- */

static void test_full_volume_changes_no_bit(void **state)
{
	static uint32_t frames[1000 * 2], before[1000 * 2];
	struct sound_gain gain;

	sound_gain_init(&gain, sound_gain_from_percent(100), RATE);
	for (int format = SOUND_FORMAT_S16; format <= SOUND_FORMAT_FLOAT; format++) {
		struct sound_description is = describe((enum sound_format)format, 2);

		/* Among them NaNs, and 24-bit samples with nonsense above. */
		for (int i = 0; i < 2000; i++)
			frames[i] = before[i] = (uint32_t)i * 2654435761u;
		sound_gain_apply(&gain, &is, frames, 1000);
		assert_memory_equal(frames, before, sizeof(frames));
	}
}

static void test_volume_of_every_format(void **state)
{
	int16_t s16[2] = { -32768, 32767 };
	int32_t s24[2] = { -8388608, 8388607 }, s32[2] = { INT32_MIN, INT32_MAX };
	int32_t odd[2] = { 0x7f800000, 0x00ffffff };
	float f32[2] = { -1.0f, 1.0f };
	struct sound_description is;
	struct sound_gain gain;

	sound_gain_init(&gain, 0.5f, RATE);
	is = describe(SOUND_FORMAT_S16, 2);
	sound_gain_apply(&gain, &is, s16, 1);
	assert_int_equal(s16[0], -16384);
	assert_int_equal(s16[1], 16384);
	is = describe(SOUND_FORMAT_S24, 2);
	sound_gain_apply(&gain, &is, s24, 1);
	assert_int_equal(s24[0], -4194304);
	assert_int_equal(s24[1], 4194304);
	/* What stands above the 24 bits does not count. */
	sound_gain_apply(&gain, &is, odd, 1);
	assert_int_equal(odd[0], -4194304);
	assert_in_range(odd[1] + 1, 0, 1);
	is = describe(SOUND_FORMAT_S32, 2);
	sound_gain_apply(&gain, &is, s32, 1);
	assert_int_equal(s32[0], INT32_MIN / 2);
	assert_int_equal(s32[1], INT32_MAX / 2 + 1);
	is = describe(SOUND_FORMAT_FLOAT, 2);
	sound_gain_apply(&gain, &is, f32, 1);
	assert_true(f32[0] == -0.5f && f32[1] == 0.5f);
}

/* No step between two frames is larger than the ramp's. */
static void test_a_change_is_a_ramp(void **state)
{
	static int16_t frames[4 * RAMP];
	const struct sound_description is = describe(SOUND_FORMAT_S16, 1);
	struct sound_gain gain;

	for (uint32_t i = 0; i < 4 * RAMP; i++)
		frames[i] = 20000;
	sound_gain_init(&gain, 1.0f, RATE);
	sound_gain_set(&gain, 0.0f);
	/* In pieces, as callbacks come, and turned around on the way. */
	for (uint32_t i = 0; i < RAMP / 2; i += 32)
		sound_gain_apply(&gain, &is, frames + i, 32);
	sound_gain_set(&gain, 1.0f);
	sound_gain_apply(&gain, &is, frames + (RAMP / 2 + 31) / 32 * 32,
			 4 * RAMP - (RAMP / 2 + 31) / 32 * 32);
	assert_in_range(frames[RAMP / 2], 8000, 12000);
	for (uint32_t i = 1; i < 4 * RAMP; i++)
		assert_true(abs(frames[i] - frames[i - 1]) <= 20000 / (int)RAMP + 2);
	assert_int_equal(frames[2 * RAMP], 20000);
	sound_gain_set(&gain, 0.0f);
	sound_gain_apply(&gain, &is, frames, 2 * RAMP);
	assert_int_equal(frames[RAMP], 0);
	assert_int_equal(frames[2 * RAMP - 1], 0);
}

static void test_percents(void **state)
{
	assert_true(sound_gain_from_percent(0) == 0.0f);
	assert_true(sound_gain_from_percent(100) == 1.0f);
	assert_true(fabsf(sound_gain_from_percent(50) - 0.125f) < 1e-6f);
	for (uint32_t i = 0; i < 100; i++)
		assert_true(sound_gain_from_percent(i) < sound_gain_from_percent(i + 1));
}

/* --- formats and speakers ------------------------------------------------------------------- */

static void test_formats(void **state)
{
	assert_int_equal(sound_format_spa(SOUND_FORMAT_S16), SPA_AUDIO_FORMAT_S16_LE);
	assert_int_equal(sound_format_spa(SOUND_FORMAT_S24), SPA_AUDIO_FORMAT_S24_32_LE);
	assert_int_equal(sound_format_spa(SOUND_FORMAT_S32), SPA_AUDIO_FORMAT_S32_LE);
	assert_int_equal(sound_format_spa(SOUND_FORMAT_FLOAT), SPA_AUDIO_FORMAT_F32_LE);
	assert_int_equal(sound_format_sdl(SOUND_FORMAT_S16), AUDIO_S16LSB);
	assert_int_equal(sound_format_sdl(SOUND_FORMAT_S24), AUDIO_S32LSB);
	assert_int_equal(sound_format_sdl(SOUND_FORMAT_S32), AUDIO_S32LSB);
	assert_int_equal(sound_format_sdl(SOUND_FORMAT_FLOAT), AUDIO_F32LSB);
}

static void check_positions(uint32_t channels, const uint8_t *guest, const uint32_t *expected)
{
	struct sound_description is = describe(SOUND_FORMAT_S16, channels);
	uint32_t positions[SOUND_MAX_CHANNELS];

	memcpy(is.positions, guest, channels);
	sound_format_spa_positions(&is, positions);
	for (uint32_t i = 0; i < channels; i++)
		assert_int_equal(positions[i], expected[i]);
}

static void test_positions(void **state)
{
	const uint32_t stereo[] = { SPA_AUDIO_CHANNEL_FL, SPA_AUDIO_CHANNEL_FR };
	const uint32_t swapped[] = { SPA_AUDIO_CHANNEL_FR, SPA_AUDIO_CHANNEL_FL };
	const uint32_t mono[] = { SPA_AUDIO_CHANNEL_MONO };
	const uint32_t full[] = { SPA_AUDIO_CHANNEL_FL, SPA_AUDIO_CHANNEL_FR, SPA_AUDIO_CHANNEL_RL,
				  SPA_AUDIO_CHANNEL_RR, SPA_AUDIO_CHANNEL_FC,
				  SPA_AUDIO_CHANNEL_LFE, SPA_AUDIO_CHANNEL_SL,
				  SPA_AUDIO_CHANNEL_SR };
	const uint32_t high[] = { SPA_AUDIO_CHANNEL_TFL, SPA_AUDIO_CHANNEL_BRC };

	check_positions(2, (const uint8_t[]){ 3, 4 }, stereo);
	check_positions(2, (const uint8_t[]){ 4, 3 }, swapped);
	check_positions(2, (const uint8_t[]){ 22, 36 }, high);
	/* Nothing said, nonsense, one speaker twice. */
	check_positions(2, (const uint8_t[]){ 0, 0 }, stereo);
	check_positions(2, (const uint8_t[]){ 3, 255 }, stereo);
	check_positions(2, (const uint8_t[]){ 3, 37 }, stereo);
	check_positions(2, (const uint8_t[]){ 4, 4 }, stereo);
	check_positions(1, (const uint8_t[]){ 1 }, mono);
	check_positions(8, (const uint8_t[]){ 3, 4, 5, 6, 7, 8, 9, 10 }, full);
	check_positions(8, (const uint8_t[]){ 3, 4, 5, 6, 7, 8, 9, 9 }, full);
}

static void test_order_of_sdl(void **state)
{
	struct sound_description is = describe(SOUND_FORMAT_S16, 6);
	const uint8_t guest[] = { 3, 4, 5, 6, 7, 8 }, sides[] = { 3, 4, 9, 10, 7, 8 };
	int16_t frames[12] = { 1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6 };
	const int16_t there[12] = { 1, 2, 5, 6, 3, 4, -1, -2, -5, -6, -3, -4 };
	int16_t back[12];
	uint8_t order[SOUND_MAX_CHANNELS];

	memcpy(back, frames, sizeof(back));
	memcpy(is.positions, guest, 6);
	assert_true(sound_format_sdl_order(&is, order));
	sound_format_to_sdl(&is, order, frames, 2);
	assert_memory_equal(frames, there, sizeof(frames));
	sound_format_from_sdl(&is, order, frames, 2);
	assert_memory_equal(frames, back, sizeof(frames));
	memcpy(is.positions, sides, 6);
	assert_true(sound_format_sdl_order(&is, order));
	sound_format_to_sdl(&is, order, frames, 2);
	assert_memory_equal(frames, there, sizeof(frames));
	is = describe(SOUND_FORMAT_S16, 2);
	assert_false(sound_format_sdl_order(&is, order));
	is = describe(SOUND_FORMAT_S16, 5);
	assert_false(sound_format_sdl_order(&is, order));
}

static void test_24_bits_for_sdl(void **state)
{
	struct sound_description is = describe(SOUND_FORMAT_S24, 2);
	uint8_t order[SOUND_MAX_CHANNELS];
	int32_t frames[4] = { 0x7fffff, -0x800000, 1, -1 };
	const int32_t before[4] = { 0x7fffff, -0x800000, 1, -1 };
	const int32_t wide[4] = { 0x7fffff00, INT32_MIN, 0x100, -0x100 };

	sound_format_sdl_order(&is, order);
	sound_format_to_sdl(&is, order, frames, 2);
	assert_memory_equal(frames, wide, sizeof(frames));
	sound_format_from_sdl(&is, order, frames, 2);
	assert_memory_equal(frames, before, sizeof(frames));
}

/* --- the command line ----------------------------------------------------------------------- */

static int parse(struct client_config *config, const char *first, const char *second)
{
	char *argv[] = { (char *)"vitrine-client", (char *)first, (char *)second, NULL };
	struct option_error error;

	return config_parse(config, second ? 3 : first ? 2 : 1, argv, &error);
}

static void test_options(void **state)
{
	struct client_config config;

	assert_int_equal(parse(&config, NULL, NULL), 0);
	assert_int_equal(config.volume, 100);
	assert_int_equal(config.sound_backend, CONFIG_SOUND_AUTO);
	assert_false(config.mute || config.mic || config.no_sound);
	config_finish(&config);
	assert_int_equal(parse(&config, "--volume=0", "--mic"), 0);
	assert_int_equal(config.volume, 0);
	assert_true(config.mic);
	config_finish(&config);
	assert_int_equal(parse(&config, "--mute", "--no-sound"), 0);
	assert_true(config.mute && config.no_sound);
	config_finish(&config);
	assert_int_equal(parse(&config, "--sound-backend", "sdl"), 0);
	assert_int_equal(config.sound_backend, CONFIG_SOUND_SDL);
	config_finish(&config);
	assert_int_equal(parse(&config, "--volume", "101"), -EINVAL);
	config_finish(&config);
	assert_int_equal(parse(&config, "--sound-backend", "oss"), -EINVAL);
	config_finish(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_volume_changes_no_bit),
		cmocka_unit_test(test_volume_of_every_format),
		cmocka_unit_test(test_a_change_is_a_ramp),
		cmocka_unit_test(test_percents),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_positions),
		cmocka_unit_test(test_order_of_sdl),
		cmocka_unit_test(test_24_bits_for_sdl),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
