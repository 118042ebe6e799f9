/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clock.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

struct audio_null {
	struct audio_backend base;
	struct audio_clock clocks[AUDIO_DIRECTIONS];
};

static struct audio_clock *null_clock(struct audio_backend *base, enum audio_direction direction)
{
	struct audio_null *null =
		(struct audio_null *)((char *)base - offsetof(struct audio_null, base));

	return &null->clocks[direction];
}

static int null_open(struct audio_backend *base, enum audio_direction direction,
		     const struct audio_params *params)
{
	return audio_clock_open(null_clock(base, direction), params);
}

static void null_close(struct audio_backend *base, enum audio_direction direction)
{
	audio_clock_close(null_clock(base, direction));
}

static int null_start(struct audio_backend *base, enum audio_direction direction)
{
	return audio_clock_start(null_clock(base, direction));
}

static void null_stop(struct audio_backend *base, enum audio_direction direction)
{
	audio_clock_stop(null_clock(base, direction));
}

static uint32_t null_room(struct audio_backend *base, enum audio_direction direction)
{
	return audio_clock_room(null_clock(base, direction));
}

static uint32_t null_write(struct audio_backend *base, const void *frames, uint32_t count)
{
	return audio_clock_move(null_clock(base, AUDIO_PLAYBACK), count);
}

static uint32_t null_read(struct audio_backend *base, void *frames, uint32_t count)
{
	return audio_clock_read_silence(null_clock(base, AUDIO_CAPTURE), frames, count);
}

static uint32_t null_delay(struct audio_backend *base, enum audio_direction direction)
{
	return audio_clock_delay(null_clock(base, direction));
}

static void null_destroy(struct audio_backend *base)
{
	for (int i = 0; i < AUDIO_DIRECTIONS; i++)
		audio_clock_finish(null_clock(base, (enum audio_direction)i));
	free((char *)base - offsetof(struct audio_null, base));
}

static const struct audio_backend_ops null_ops = {
	.open = null_open,
	.close = null_close,
	.start = null_start,
	.stop = null_stop,
	.room = null_room,
	.write = null_write,
	.read = null_read,
	.delay = null_delay,
	.destroy = null_destroy,
};

struct audio_backend *audio_null_create(struct loop *audio_loop)
{
	struct audio_null *null = calloc(1, sizeof(*null));
	int result = 0;

	if (!null)
		return NULL;
	null->base.ops = &null_ops;
	null->base.loop = audio_loop;
	for (int i = 0; i < AUDIO_DIRECTIONS && !result; i++)
		result = audio_clock_init(&null->clocks[i], &null->base,
					  (enum audio_direction)i);
	if (!result)
		return &null->base;
	null_destroy(&null->base);
	errno = -result;
	return NULL;
}
