/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_sound.h"

#include <audio/tap.h>
#include <base/loop.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_TONE_HZ 440.0
#define FAKE_TONE_PEAK 0.25
#define FAKE_CHUNK_FRAMES 512u
#define FAKE_PATH_BYTES 200

struct fake_sound {
	struct loop *loop;
	struct audio_tap *tap;
	struct audio_backend *backend;  /* the tap's */
	struct audio_params playing;
	double phase;                   /* in periods */
	uint64_t played, heard;         /* frames */
	FILE *ear;
	const char *line;               /* the command that is being done */
};

static void fake_store(uint8_t *at, enum audio_format format, double value)
{
	int16_t s16 = (int16_t)lrint(value * INT16_MAX);
	int32_t s32 = (int32_t)lrint(value * (format == AUDIO_FORMAT_S24 ? 0x7fffff : INT32_MAX));
	float single = (float)value;

	if (format == AUDIO_FORMAT_S16)
		memcpy(at, &s16, sizeof(s16));
	else if (format == AUDIO_FORMAT_FLOAT)
		memcpy(at, &single, sizeof(single));
	else
		memcpy(at, &s32, sizeof(s32));
}

static void fake_tone(struct fake_sound *sound, uint8_t *at, uint32_t count)
{
	const struct audio_params *params = &sound->playing;

	for (uint32_t i = 0; i < count; i++) {
		double value = FAKE_TONE_PEAK * sin(2 * M_PI * sound->phase);

		for (uint32_t channel = 0; channel < params->channels; channel++) {
			fake_store(at, params->format, value);
			at += audio_format_bytes(params->format);
		}
		sound->phase += FAKE_TONE_HZ / params->rate;
		sound->phase -= floor(sound->phase);
	}
}

static void fake_play(struct fake_sound *sound)
{
	uint8_t frames[FAKE_CHUNK_FRAMES * AUDIO_MAX_FRAME_BYTES];
	uint32_t room;

	while ((room = sound->backend->ops->room(sound->backend, AUDIO_PLAYBACK)) > 0) {
		uint32_t count = room < FAKE_CHUNK_FRAMES ? room : FAKE_CHUNK_FRAMES;

		fake_tone(sound, frames, count);
		sound->played += count;
		if (sound->backend->ops->write(sound->backend, frames, count) < count)
			printf("the backend took less than it had room for\n");
	}
}

static void fake_hear(struct fake_sound *sound)
{
	int16_t frames[FAKE_CHUNK_FRAMES * 2];
	uint32_t count;

	while ((count = sound->backend->ops->read(sound->backend, frames, FAKE_CHUNK_FRAMES)) > 0) {
		fwrite(frames, sizeof(*frames) * 2, count, sound->ear);
		sound->heard += count;
	}
	fflush(sound->ear);
}

static void fake_notify(void *data, enum audio_direction direction)
{
	if (direction == AUDIO_PLAYBACK)
		fake_play(data);
	else
		fake_hear(data);
}

static void fake_stop(struct fake_sound *sound, enum audio_direction direction)
{
	sound->backend->ops->close(sound->backend, direction);
	if (direction == AUDIO_CAPTURE && sound->ear) {
		fclose(sound->ear);
		sound->ear = NULL;
	}
}

static int fake_start(struct fake_sound *sound, enum audio_direction direction,
		      const struct audio_params *params)
{
	int result = sound->backend->ops->open(sound->backend, direction, params);

	return result ? result : sound->backend->ops->start(sound->backend, direction);
}

static void fake_do_play(struct fake_sound *sound)
{
	unsigned int rate = 48000, channels = 2, format = AUDIO_FORMAT_S16, period = 480;

	fake_stop(sound, AUDIO_PLAYBACK);
	sscanf(sound->line, "play %u %u %u %u", &rate, &channels, &format, &period);
	sound->playing = (struct audio_params){ .format = (enum audio_format)format, .rate = rate,
						.channels = channels, .period_frames = period,
						.buffer_frames = 4 * period };
	if (audio_params_valid(&sound->playing))
		audio_positions_default(sound->playing.positions, channels);
	sound->phase = 0;
	sound->played = 0;
	printf("play %d\n", fake_start(sound, AUDIO_PLAYBACK, &sound->playing));
}

static void fake_do_record(struct fake_sound *sound)
{
	const struct audio_params params = { .format = AUDIO_FORMAT_S16, .rate = 48000,
					     .channels = 2, .period_frames = 480,
					     .buffer_frames = 1920, .positions = {
					     AUDIO_POSITION_FL, AUDIO_POSITION_FR } };
	char path[FAKE_PATH_BYTES] = "";

	fake_stop(sound, AUDIO_CAPTURE);
	sscanf(sound->line, "record %199s", path);
	sound->ear = fopen(path, "w");
	sound->heard = 0;
	printf("record %d\n", sound->ear ? fake_start(sound, AUDIO_CAPTURE, &params) : -1);
}

static void fake_do(void *data)
{
	struct fake_sound *sound = data;

	if (!strncmp(sound->line, "play", 4)) {
		fake_do_play(sound);
	} else if (!strcmp(sound->line, "silence")) {
		fake_stop(sound, AUDIO_PLAYBACK);
		printf("played %llu\n", (unsigned long long)sound->played);
	} else if (!strncmp(sound->line, "record ", 7)) {
		fake_do_record(sound);
	} else if (!strcmp(sound->line, "deaf")) {
		fake_stop(sound, AUDIO_CAPTURE);
		printf("heard %llu\n", (unsigned long long)sound->heard);
	} else {
		printf("bad sound %s\n", sound->line);
	}
}

void fake_sound_command(struct fake_sound *sound, const char *line)
{
	sound->line = line;
	loop_call(sound->loop, fake_do, sound);
}

struct fake_sound *fake_sound_create(const struct sound_capture_config *config)
{
	struct fake_sound *sound = calloc(1, sizeof(*sound));
	struct sound_capture_config own = *config;

	if (!sound)
		return NULL;
	sound->loop = own.audio_loop = loop_create("audio");
	if (!sound->loop)
		goto err_free;
	sound->backend = sound_capture_create(&own);
	if (!sound->backend)
		goto err_loop;
	sound->tap = audio_tap_create(sound->backend);
	if (!sound->tap)
		goto err_backend;
	sound->backend = audio_tap_backend(sound->tap);
	sound->backend->listener = (struct audio_listener){ fake_notify, sound };
	if (loop_start(sound->loop))
		goto err_backend;
	return sound;

err_backend:
	sound->backend->ops->destroy(sound->backend);
err_loop:
	loop_destroy(sound->loop);
err_free:
	free(sound);
	return NULL;
}

struct audio_tap *fake_sound_tap(struct fake_sound *sound)
{
	return sound->tap;
}

void fake_sound_destroy(struct fake_sound *sound)
{
	loop_stop(sound->loop);
	sound->backend->ops->destroy(sound->backend);
	loop_destroy(sound->loop);
	free(sound);
}
