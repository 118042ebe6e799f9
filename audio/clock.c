/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clock.h"

#include <base/clock.h>
#include <base/loop.h>
#include <errno.h>
#include <string.h>

#define NS_PER_S UINT64_C(1000000000)
#define CLOCK_MAX_WAKE_NS (10 * UINT64_C(1000000))
#define CLOCK_MIN_WAKE_NS (1 * UINT64_C(1000000))
/* The sink's buffer: 20 ms, two of the longest wake-ups. */
#define CLOCK_AHEAD_PER_S 50
/*
 * How far the stream may fall behind and catch up again, as with a host that was slow for a moment:
 * 100 ms. Beyond that the guest itself stood still; what would have been played or recorded then is
 * lost, as with any sound card.
 */
#define CLOCK_LATE_PER_S 10

uint64_t audio_clock_frames(uint64_t ns, uint32_t rate)
{
	return ns / NS_PER_S * rate + ns % NS_PER_S * rate / NS_PER_S;
}

static void audio_clock_tick(void *data)
{
	struct audio_clock *clock = data;

	audio_backend_notify(clock->backend, clock->direction);
}

int audio_clock_init(struct audio_clock *clock, struct audio_backend *backend,
		     enum audio_direction direction)
{
	*clock = (struct audio_clock){ .backend = backend, .direction = direction };
	clock->timer = loop_timer_create(backend->loop, audio_clock_tick, clock);
	return clock->timer ? 0 : -errno;
}

void audio_clock_finish(struct audio_clock *clock)
{
	loop_timer_destroy(clock->timer);
	*clock = (struct audio_clock){ 0 };
}

int audio_clock_open(struct audio_clock *clock, const struct audio_params *params)
{
	clock->params = *params;
	clock->frame_bytes = audio_frame_bytes(params);
	return clock->frame_bytes ? 0 : -EINVAL;
}

void audio_clock_close(struct audio_clock *clock)
{
	audio_clock_stop(clock);
	clock->frame_bytes = 0;
}

int audio_clock_start(struct audio_clock *clock)
{
	const struct audio_params *params = &clock->params;
	uint64_t wake_ns;
	int result;

	if (!clock->frame_bytes)
		return -EINVAL;
	wake_ns = params->period_frames * NS_PER_S / params->rate;
	if (wake_ns > CLOCK_MAX_WAKE_NS)
		wake_ns = CLOCK_MAX_WAKE_NS;
	if (wake_ns < CLOCK_MIN_WAKE_NS)
		wake_ns = CLOCK_MIN_WAKE_NS;
	clock->ahead_frames =
		clock->direction == AUDIO_PLAYBACK ? params->rate / CLOCK_AHEAD_PER_S : 0;
	clock->lost_frames = clock->moved_frames = 0;
	clock->start_ns = clock_now_ns();
	result = loop_timer_arm(clock->timer, 0, wake_ns);
	clock->running = result == 0;
	return result;
}

void audio_clock_stop(struct audio_clock *clock)
{
	if (!clock->running)
		return;
	loop_timer_disarm(clock->timer);
	clock->running = false;
}

/* Where the speaker or the microphone is, in frames that were, or will be, moved. */
static uint64_t audio_clock_position(const struct audio_clock *clock)
{
	return audio_clock_frames(clock_now_ns() - clock->start_ns, clock->params.rate) -
	       clock->lost_frames;
}

uint32_t audio_clock_room(struct audio_clock *clock)
{
	uint64_t position, limit;

	if (!clock->running)
		return 0;
	position = audio_clock_position(clock);
	limit = clock->moved_frames + clock->params.rate / CLOCK_LATE_PER_S;
	if (position > limit) {
		clock->lost_frames += position - clock->moved_frames;
		position = clock->moved_frames;
	}
	/* At most ahead + late: fits. Never more moved than this says, so it does not wrap. */
	return (uint32_t)(position + clock->ahead_frames - clock->moved_frames);
}

uint32_t audio_clock_move(struct audio_clock *clock, uint32_t frames)
{
	uint32_t room = audio_clock_room(clock);

	if (frames > room)
		frames = room;
	clock->moved_frames += frames;
	return frames;
}

uint32_t audio_clock_read_silence(struct audio_clock *clock, void *frames, uint32_t count)
{
	count = audio_clock_move(clock, count);
	/* Silence is 0 in every format there is. */
	memset(frames, 0, (size_t)count * clock->frame_bytes);
	return count;
}

uint32_t audio_clock_delay(const struct audio_clock *clock)
{
	uint64_t position, distance;

	if (!clock->running)
		return 0;
	position = audio_clock_position(clock);
	if (clock->direction == AUDIO_PLAYBACK)
		distance = clock->moved_frames > position ? clock->moved_frames - position : 0;
	else
		distance = position > clock->moved_frames ? position - clock->moved_frames : 0;
	return distance < UINT32_MAX ? (uint32_t)distance : UINT32_MAX;
}
