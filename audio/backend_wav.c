/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The null backend with a tape running. What was taken is on the tape, also what the imaginary
 * speaker had not played yet when the stream stopped.
 */
#include "clock.h"
#include "wav_writer.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

struct audio_wav {
	struct audio_backend base;
	struct audio_clock clocks[AUDIO_DIRECTIONS];
	struct wav_writer *writer;
};

static struct audio_wav *wav_from(struct audio_backend *base)
{
	return (struct audio_wav *)((char *)base - offsetof(struct audio_wav, base));
}

static int wav_open(struct audio_backend *base, enum audio_direction direction,
		    const struct audio_params *params)
{
	return audio_clock_open(&wav_from(base)->clocks[direction], params);
}

static void wav_close(struct audio_backend *base, enum audio_direction direction)
{
	audio_clock_close(&wav_from(base)->clocks[direction]);
}

static int wav_start(struct audio_backend *base, enum audio_direction direction)
{
	return audio_clock_start(&wav_from(base)->clocks[direction]);
}

static void wav_stop(struct audio_backend *base, enum audio_direction direction)
{
	audio_clock_stop(&wav_from(base)->clocks[direction]);
}

static uint32_t wav_room(struct audio_backend *base, enum audio_direction direction)
{
	return audio_clock_room(&wav_from(base)->clocks[direction]);
}

static uint32_t wav_write(struct audio_backend *base, const void *frames, uint32_t count)
{
	struct audio_wav *wav = wav_from(base);
	struct audio_clock *clock = &wav->clocks[AUDIO_PLAYBACK];

	count = audio_clock_move(clock, count);
	wav_writer_push(wav->writer, &clock->params, frames, count);
	return count;
}

static uint32_t wav_read(struct audio_backend *base, void *frames, uint32_t count)
{
	return audio_clock_read_silence(&wav_from(base)->clocks[AUDIO_CAPTURE], frames, count);
}

static uint32_t wav_delay(struct audio_backend *base, enum audio_direction direction)
{
	return audio_clock_delay(&wav_from(base)->clocks[direction]);
}

static void wav_destroy(struct audio_backend *base)
{
	struct audio_wav *wav = wav_from(base);

	for (int i = 0; i < AUDIO_DIRECTIONS; i++)
		audio_clock_finish(&wav->clocks[i]);
	if (wav->writer)
		wav_writer_destroy(wav->writer);
	free(wav);
}

static const struct audio_backend_ops wav_ops = {
	.open = wav_open,
	.close = wav_close,
	.start = wav_start,
	.stop = wav_stop,
	.room = wav_room,
	.write = wav_write,
	.read = wav_read,
	.delay = wav_delay,
	.destroy = wav_destroy,
};

struct audio_backend *audio_wav_create(struct loop *audio_loop, const char *path)
{
	struct audio_wav *wav = calloc(1, sizeof(*wav));
	int result = 0;

	if (!wav)
		return NULL;
	wav->base.ops = &wav_ops;
	wav->base.loop = audio_loop;
	for (int i = 0; i < AUDIO_DIRECTIONS && !result; i++)
		result = audio_clock_init(&wav->clocks[i], &wav->base, (enum audio_direction)i);
	if (!result) {
		wav->writer = wav_writer_create(path, 0);
		result = wav->writer ? 0 : -errno;
	}
	if (!result)
		return &wav->base;
	wav_destroy(&wav->base);
	errno = -result;
	return NULL;
}
