/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stereo.h"
#include "tap_ring.h"

#include <audio/tap.h>
#include <base/loop.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How much has to wait before the listener is heard, so that its packets may come unevenly: they
 * have up to 1024 frames. */
#define TAP_AHEAD_PER_S 20
#define TAP_LEAST_AHEAD 2048u
#define TAP_MOST_AHEADS 3

/* However long the guest's periods are, the listener hears it so often: players that stand in for a
 * card expect packets as even as those of one. */
#define TAP_PACE_PER_S 100u
#define TAP_PACE_NS (UINT64_C(1000000000) / TAP_PACE_PER_S)

/*
 * A stream in one word, so that the listener never sees half of a change: where in the ring it
 * began (32 bits), its rate, and whether it runs.
 */
#define TAP_STATE_RUNNING UINT64_C(1)
#define TAP_STATE_RATE_SHIFT 1
#define TAP_STATE_RATE_MASK 0x3ffffu
#define TAP_STATE_BEGIN_SHIFT 32

_Static_assert(AUDIO_MAX_RATE <= TAP_STATE_RATE_MASK, "a rate fits");
_Static_assert(TAP_RING_FRAMES >= TAP_MOST_AHEADS * (AUDIO_MAX_RATE / TAP_AHEAD_PER_S),
	       "what may wait fits");

struct audio_tap_stream {
	/* The audio loop's. */
	struct audio_stereo stereo;
	uint32_t rate;
	uint32_t period_frames;
	uint32_t begin;         /* playback: where in the ring it began */
	bool running;
	bool heard;             /* capture: the listener listened at the last read */
	bool speaking;          /* capture: the guest hears the listener */

	_Atomic uint64_t state;
	_Atomic bool listening;
	struct tap_ring *ring;
};

struct audio_tap {
	struct audio_backend base;
	struct audio_backend *inner;
	int wake_fd;
	struct loop_timer *pace;        /* playback's */
	bool paced;
	struct audio_tap_stream streams[AUDIO_DIRECTIONS];
};

static struct audio_tap *tap_from(const struct audio_backend *backend)
{
	return (struct audio_tap *)backend;
}

static void tap_wake(struct audio_tap *tap)
{
	/* A full counter (EAGAIN) is as good as one more. */
	eventfd_write(tap->wake_fd, 1);
}

static bool tap_listens(const struct audio_tap_stream *stream)
{
	/* Relaxed: it guards nothing, and a period more or less does not matter. */
	return atomic_load_explicit(&stream->listening, memory_order_relaxed);
}

/* ---- control ---- */

/* While the listener hears periods that are longer than that. */
static void tap_set_pace(struct audio_tap *tap)
{
	struct audio_tap_stream *stream = &tap->streams[AUDIO_PLAYBACK];
	bool paced = stream->running && tap_listens(stream) &&
		     stream->period_frames > stream->rate / TAP_PACE_PER_S;

	if (paced == tap->paced)
		return;
	tap->paced = paced;
	if (paced)
		loop_timer_arm(tap->pace, TAP_PACE_NS, TAP_PACE_NS);
	else
		loop_timer_disarm(tap->pace);
}

/* Inner has room for a part of a period. */
static void tap_on_pace(void *data)
{
	struct audio_tap *tap = data;

	tap_set_pace(tap);
	if (tap->paced)
		audio_backend_notify(&tap->base, AUDIO_PLAYBACK);
}

static void tap_publish(struct audio_tap *tap, struct audio_tap_stream *stream)
{
	uint64_t state = (uint64_t)stream->begin << TAP_STATE_BEGIN_SHIFT |
			 (uint64_t)stream->rate << TAP_STATE_RATE_SHIFT |
			 (stream->running ? TAP_STATE_RUNNING : 0);

	/* Release: frames before it are seen with it. Those after it come with their own. */
	atomic_store_explicit(&stream->state, state, memory_order_release);
	tap_wake(tap);
}

static int tap_open(struct audio_backend *base, enum audio_direction direction,
		    const struct audio_params *params)
{
	struct audio_tap *tap = tap_from(base);
	struct audio_tap_stream *stream = &tap->streams[direction];
	int result = tap->inner->ops->open(tap->inner, direction, params);

	if (result)
		return result;
	audio_stereo_init(&stream->stereo, params);
	stream->rate = params->rate;
	stream->period_frames = params->period_frames;
	return 0;
}

static int tap_start(struct audio_backend *base, enum audio_direction direction)
{
	struct audio_tap *tap = tap_from(base);
	struct audio_tap_stream *stream = &tap->streams[direction];
	int result = tap->inner->ops->start(tap->inner, direction);

	if (result || stream->running)
		return result;
	stream->running = true;
	/* Playback's pusher is this thread. */
	stream->begin = atomic_load_explicit(&stream->ring->pushed, memory_order_relaxed);
	stream->heard = stream->speaking = false;
	tap_set_pace(tap);
	tap_publish(tap, stream);
	return 0;
}

static void tap_end(struct audio_tap *tap, enum audio_direction direction)
{
	struct audio_tap_stream *stream = &tap->streams[direction];

	if (!stream->running)
		return;
	stream->running = stream->speaking = false;
	tap_set_pace(tap);
	tap_publish(tap, stream);
}

static void tap_stop(struct audio_backend *base, enum audio_direction direction)
{
	struct audio_tap *tap = tap_from(base);

	tap->inner->ops->stop(tap->inner, direction);
	tap_end(tap, direction);
}

static void tap_close(struct audio_backend *base, enum audio_direction direction)
{
	struct audio_tap *tap = tap_from(base);

	tap->inner->ops->close(tap->inner, direction);
	tap_end(tap, direction);
}

static void tap_notify(void *data, enum audio_direction direction)
{
	struct audio_tap *tap = data;

	/* The listener may have come. */
	tap_set_pace(tap);
	audio_backend_notify(&tap->base, direction);
}

/* ---- samples ---- */

static uint32_t tap_room(struct audio_backend *base, enum audio_direction direction)
{
	struct audio_backend *inner = tap_from(base)->inner;

	return inner->ops->room(inner, direction);
}

/* What does not fit is lost: the listener sleeps. */
static void tap_hear(struct audio_tap *tap, const uint8_t *frames, uint32_t count)
{
	struct audio_tap_stream *stream = &tap->streams[AUDIO_PLAYBACK];
	int16_t *to;
	uint32_t part;

	while (count && (part = tap_ring_room(stream->ring, &to)) > 0) {
		part = part < count ? part : count;
		audio_stereo_mix(&stream->stereo, frames, to, part);
		tap_ring_push(stream->ring, part);
		frames += (size_t)part * stream->stereo.frame_bytes;
		count -= part;
	}
	tap_wake(tap);
}

static uint32_t tap_write(struct audio_backend *base, const void *frames, uint32_t count)
{
	struct audio_tap *tap = tap_from(base);

	count = tap->inner->ops->write(tap->inner, frames, count);
	if (tap_listens(&tap->streams[AUDIO_PLAYBACK]) && count)
		tap_hear(tap, frames, count);
	return count;
}

/* True when what waits is for the guest, and not too much any more. */
static bool tap_speaks(struct audio_tap_stream *stream)
{
	uint32_t ahead = stream->rate / TAP_AHEAD_PER_S, fill = tap_ring_fill(stream->ring);

	if (ahead < TAP_LEAST_AHEAD)
		ahead = TAP_LEAST_AHEAD;
	/* What was said while nobody heard it is not news. */
	if (!stream->heard)
		tap_ring_pop(stream->ring, fill);
	if (!stream->heard || (!stream->speaking && fill < ahead))
		return false;
	if (!stream->speaking || fill > ahead * TAP_MOST_AHEADS)
		tap_ring_pop(stream->ring, fill - ahead);
	return true;
}

static void tap_speak(struct audio_tap *tap, uint8_t *frames, uint32_t count)
{
	struct audio_tap_stream *stream = &tap->streams[AUDIO_CAPTURE];
	const int16_t *from;
	uint32_t part;

	stream->speaking = tap_speaks(stream);
	stream->heard = true;
	tap_wake(tap);
	if (!stream->speaking)
		return;
	while (count && (part = tap_ring_peek(stream->ring, &from)) > 0) {
		part = part < count ? part : count;
		audio_stereo_spread(&stream->stereo, from, frames, part);
		tap_ring_pop(stream->ring, part);
		frames += (size_t)part * stream->stereo.frame_bytes;
		count -= part;
	}
	/* It ran out: the rest is as inner gave it. */
	stream->speaking = count == 0;
}

static uint32_t tap_read(struct audio_backend *base, void *frames, uint32_t count)
{
	struct audio_tap *tap = tap_from(base);
	struct audio_tap_stream *stream = &tap->streams[AUDIO_CAPTURE];

	count = tap->inner->ops->read(tap->inner, frames, count);
	if (!tap_listens(stream))
		stream->heard = stream->speaking = false;
	else if (count)
		tap_speak(tap, frames, count);
	return count;
}

static uint32_t tap_delay(struct audio_backend *base, enum audio_direction direction)
{
	struct audio_tap *tap = tap_from(base);

	if (direction == AUDIO_CAPTURE && tap->streams[direction].speaking)
		return tap_ring_fill(tap->streams[direction].ring);
	return tap->inner->ops->delay(tap->inner, direction);
}

/* ---- the listener ---- */

int audio_tap_fd(const struct audio_tap *tap)
{
	return tap->wake_fd;
}

void audio_tap_clear(struct audio_tap *tap)
{
	eventfd_t rung;

	eventfd_read(tap->wake_fd, &rung);
}

void audio_tap_listen(struct audio_tap *tap, enum audio_direction direction, bool on)
{
	struct audio_tap_stream *stream = &tap->streams[direction];

	/* The microphone's ring is emptied by its popper, when it sees this. */
	if (direction == AUDIO_PLAYBACK)
		tap_ring_pop(stream->ring, tap_ring_fill(stream->ring));
	atomic_store_explicit(&stream->listening, on, memory_order_relaxed);
}

void audio_tap_look(struct audio_tap *tap, enum audio_direction direction,
		    struct audio_tap_view *view)
{
	struct audio_tap_stream *stream = &tap->streams[direction];
	/* The frames first: then the state is at least as new as the newest of them. */
	uint32_t fill = tap_ring_fill(stream->ring);
	/* Acquire: see tap_publish. */
	uint64_t state = atomic_load_explicit(&stream->state, memory_order_acquire);
	uint32_t begin = (uint32_t)(state >> TAP_STATE_BEGIN_SHIFT);
	uint32_t popped = atomic_load_explicit(&stream->ring->popped, memory_order_relaxed);
	uint32_t earlier = begin - popped;

	*view = (struct audio_tap_view){
		.running = state & TAP_STATE_RUNNING,
		.rate = (uint32_t)(state >> TAP_STATE_RATE_SHIFT) & TAP_STATE_RATE_MASK,
	};
	if (direction == AUDIO_CAPTURE)
		return;
	/* It may have begun before what is popped (then the distance is beyond the ring's size), or
	 * after all that is pushed as far as we know. */
	if (earlier > TAP_RING_FRAMES)
		earlier = 0;
	view->earlier_frames = earlier < fill ? earlier : fill;
	view->frames = fill - view->earlier_frames;
}

uint32_t audio_tap_take(struct audio_tap *tap, int16_t *frames, uint32_t count)
{
	struct tap_ring *ring = tap->streams[AUDIO_PLAYBACK].ring;
	uint32_t taken = 0, part;
	const int16_t *from;

	while (taken < count && (part = tap_ring_peek(ring, &from)) > 0) {
		part = part < count - taken ? part : count - taken;
		if (frames)
			memcpy(frames + (size_t)taken * 2, from, (size_t)part * 2 * sizeof(*from));
		tap_ring_pop(ring, part);
		taken += part;
	}
	return taken;
}

uint32_t audio_tap_give(struct audio_tap *tap, const int16_t *frames, uint32_t count)
{
	struct tap_ring *ring = tap->streams[AUDIO_CAPTURE].ring;
	uint32_t given = 0, part;
	int16_t *to;

	while (given < count && (part = tap_ring_room(ring, &to)) > 0) {
		part = part < count - given ? part : count - given;
		memcpy(to, frames + (size_t)given * 2, (size_t)part * 2 * sizeof(*to));
		tap_ring_push(ring, part);
		given += part;
	}
	return given;
}

/* ---- made and unmade ---- */

/* Also one that is not complete; not inner. */
static void tap_free(struct audio_tap *tap)
{
	loop_timer_destroy(tap->pace);
	for (int i = 0; i < AUDIO_DIRECTIONS; i++)
		free(tap->streams[i].ring);
	if (tap->wake_fd >= 0)
		close(tap->wake_fd);
	free(tap);
}

static void tap_destroy(struct audio_backend *base)
{
	struct audio_tap *tap = tap_from(base);

	tap->inner->ops->destroy(tap->inner);
	tap_free(tap);
}

static const struct audio_backend_ops tap_ops = {
	.open = tap_open,
	.close = tap_close,
	.start = tap_start,
	.stop = tap_stop,
	.room = tap_room,
	.write = tap_write,
	.read = tap_read,
	.delay = tap_delay,
	.destroy = tap_destroy,
};

/* Touched now, so that the audio loop does not wait for pages later. */
static struct tap_ring *tap_make_ring(void)
{
	struct tap_ring *ring = malloc(sizeof(*ring));

	if (ring)
		memset(ring, 0, sizeof(*ring));
	return ring;
}

struct audio_tap *audio_tap_create(struct audio_backend *inner)
{
	struct audio_tap *tap = calloc(1, sizeof(*tap));
	int error;

	if (!tap)
		return NULL;
	tap->base = (struct audio_backend){ .ops = &tap_ops, .loop = inner->loop };
	tap->inner = inner;
	tap->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	tap->pace = loop_timer_create(inner->loop, tap_on_pace, tap);
	for (int i = 0; i < AUDIO_DIRECTIONS; i++)
		tap->streams[i].ring = tap_make_ring();
	if (tap->wake_fd >= 0 && tap->pace && tap->streams[0].ring && tap->streams[1].ring) {
		inner->listener = (struct audio_listener){ tap_notify, tap };
		return tap;
	}
	error = tap->wake_fd < 0 || !tap->pace ? errno : ENOMEM;
	tap_free(tap);
	errno = error;
	return NULL;
}

struct audio_backend *audio_tap_backend(struct audio_tap *tap)
{
	return &tap->base;
}
