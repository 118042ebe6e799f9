/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sound_private.h"

#include <base/clock.h>
#include <base/loop.h>
#include <errno.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/sound.h>
#include <stdlib.h>
#include <string.h>

#define SOUND_MIN_POLL_NS UINT64_C(1000000)
#define SOUND_MAX_POLL_NS UINT64_C(5000000)
#define SOUND_MAX_DRAIN_NS UINT64_C(1000000000)
#define SOUND_MAX_SPEAKER_NS UINT64_C(500000000)        /* of a client's delay, while draining */

_Static_assert(AUDIO_MAX_CHANNELS == SOUND_MAX_CHANNELS, "positions are copied");
_Static_assert((int)AUDIO_FORMAT_S16 == SOUND_FORMAT_S16 &&
	       (int)AUDIO_FORMAT_S24 == SOUND_FORMAT_S24 &&
	       (int)AUDIO_FORMAT_S32 == SOUND_FORMAT_S32 &&
	       (int)AUDIO_FORMAT_FLOAT == SOUND_FORMAT_FLOAT, "formats are copied");

struct sound_capture;

struct sound_capture_stream {
	struct sound_capture *capture;
	enum audio_direction direction;
	struct sound_host *host;
	struct loop_timer *timer;       /* one shot: the next look, while running */
	struct sound_description description;
	uint32_t frame_bytes;
	bool running;
	bool moved;                     /* through the ring, since the last look */
	bool draining;                  /* not running: the client plays what is left */
	bool closing;                   /* closed already, but for the end of the drain */
	uint64_t drain_until_ns;        /* at the latest */
	uint64_t taken_ns;              /* draining: when the ring was found empty; 0: not yet */
	struct sound_clock clock;
	uint64_t dropped;
};

struct sound_capture {
	struct audio_backend base;
	struct sound_capture_config config;
	uint64_t (*now_ns)(void);
	struct loop_fd *doorbell_source;        /* NULL: there is no doorbell */
	struct sound_capture_stream streams[AUDIO_DIRECTIONS];
};

static struct sound_capture_stream *stream_of(const struct audio_backend *backend,
					      enum audio_direction direction)
{
	struct sound_capture *capture = (struct sound_capture *)backend;

	return &capture->streams[direction];
}

static void stream_describe(struct sound_capture_stream *stream, uint32_t flags)
{
	struct sound_capture_config *config = &stream->capture->config;

	stream->description.flags = flags;
	sound_host_describe(stream->host, &stream->description);
	if (config->changed)
		config->changed(config->data);
}

/* Without a stream nobody wakes us, not even a client that rings. */
static void capture_watch_doorbell(struct sound_capture *capture)
{
	bool running = false;

	for (int i = 0; i < AUDIO_DIRECTIONS; i++)
		running |= capture->streams[i].running || capture->streams[i].draining;
	if (capture->doorbell_source)
		loop_fd_set_events(capture->doorbell_source, running ? EPOLLIN : 0);
}

/* --- looking --------------------------------------------------------------------------------- */

static void stream_view(struct sound_capture_stream *stream, struct sound_clock_view *view)
{
	sound_host_view(stream->host, &view->client);
	view->fill = sound_host_fill(stream->host);
	view->moved = stream->moved;
	stream->moved = false;
}

/* All but the newest in a microphone's ring goes. */
static uint32_t stream_drop_old(struct sound_capture_stream *stream, uint32_t fill)
{
	uint32_t old = 0;

	if (fill > stream->clock.target_frames)
		old = sound_host_read(stream->host, NULL, fill - stream->clock.target_frames,
				      stream->capture->now_ns());
	stream->dropped += old;
	return fill - old;
}

static void stream_look(struct sound_capture_stream *stream)
{
	enum sound_clock_source before = stream->clock.source;
	struct sound_clock_view view;

	stream_view(stream, &view);
	sound_clock_look(&stream->clock, &view, stream->capture->now_ns());
	/* What was said while nobody listened is not news. */
	if (stream->direction == AUDIO_CAPTURE && before == SOUND_CLOCK_OWN &&
	    stream->clock.source != SOUND_CLOCK_OWN)
		stream_drop_old(stream, view.fill);
}

/* The device moves what it can; it may also stop us. */
static void stream_serve(struct sound_capture_stream *stream)
{
	stream_look(stream);
	audio_backend_notify(&stream->capture->base, stream->direction);
}

static void stream_arm(struct sound_capture_stream *stream)
{
	uint64_t now_ns = stream->capture->now_ns();

	if (stream->running)
		loop_timer_arm(stream->timer, sound_clock_next_ns(&stream->clock, now_ns), 0);
}

/* Also while it drains: then the end comes at once. */
static void stream_end(struct sound_capture_stream *stream)
{
	bool closed = stream->closing;

	stream->running = stream->draining = stream->closing = false;
	loop_timer_disarm(stream->timer);
	capture_watch_doorbell(stream->capture);
	stream_describe(stream, closed ? 0 : SOUND_OPEN);
}

/* When the last frame has been heard, as far as can be told by now. */
static uint64_t stream_heard_ns(const struct sound_capture_stream *stream)
{
	uint64_t delay_ns = stream->clock.last.client.delay_ns, heard_ns;

	if (!stream->taken_ns)
		return stream->drain_until_ns;
	if (delay_ns > SOUND_MAX_SPEAKER_NS)
		delay_ns = SOUND_MAX_SPEAKER_NS;
	/* The delay is that of the first of the last frames: these are a quantum long. */
	heard_ns = stream->taken_ns + delay_ns +
		   UINT64_C(1000000000) * stream->clock.quantum_frames / stream->clock.config.rate;
	return heard_ns < stream->drain_until_ns ? heard_ns : stream->drain_until_ns;
}

/* The guest is not asked any more. A client that does not play any of it is not waited for. */
static void stream_drain(struct sound_capture_stream *stream)
{
	uint64_t now_ns = stream->capture->now_ns(), heard_ns, next_ns;

	stream_look(stream);
	if (!stream->clock.last.fill && !stream->taken_ns)
		stream->taken_ns = now_ns;
	heard_ns = stream_heard_ns(stream);
	if (now_ns >= heard_ns || stream->clock.source == SOUND_CLOCK_OWN ||
	    (stream->clock.source == SOUND_CLOCK_WAITING && !stream->clock.last.fill)) {
		stream_end(stream);
		return;
	}
	next_ns = sound_clock_next_ns(&stream->clock, now_ns);
	loop_timer_arm(stream->timer, next_ns < heard_ns - now_ns ? next_ns : heard_ns - now_ns, 0);
}

static void stream_on_timer(void *data)
{
	struct sound_capture_stream *stream = data;

	if (stream->draining)
		stream_drain(stream);
	if (!stream->running)
		return;
	stream_serve(stream);
	stream_arm(stream);
}

/* The timer stays as it is armed: when it fires it sees that the client has moved. */
static void capture_on_doorbell(void *data, uint32_t events)
{
	struct sound_capture *capture = data;

	doorbell_eventfd_clear(capture->config.doorbell);
	for (int i = 0; i < AUDIO_DIRECTIONS; i++)
		if (capture->streams[i].running)
			stream_serve(&capture->streams[i]);
		else if (capture->streams[i].draining)
			stream_drain(&capture->streams[i]);
}

/* --- control --------------------------------------------------------------------------------- */

/* True: the same stream drains, and goes on from there. */
static bool stream_reopen(struct sound_capture_stream *stream,
			  struct sound_description *description)
{
	description->flags = stream->description.flags;
	description->generation = stream->description.generation;
	if (memcmp(description, &stream->description, sizeof(*description))) {
		stream_end(stream);
		return false;
	}
	stream->closing = false;
	return true;
}

static int capture_open(struct audio_backend *backend, enum audio_direction direction,
			const struct audio_params *params)
{
	struct sound_capture_stream *stream = stream_of(backend, direction);
	struct sound_description description = { 0 };

	if (!audio_params_valid(params))
		return -EINVAL;
	description.format = (enum sound_format)params->format;
	description.rate = params->rate;
	description.channels = params->channels;
	description.period_frames = params->period_frames;
	memcpy(description.positions, params->positions, sizeof(description.positions));
	if (stream->closing && stream_reopen(stream, &description))
		return 0;
	if (stream->description.flags)
		return -EBUSY;
	stream->frame_bytes = audio_frame_bytes(params);
	stream->description = description;
	stream_describe(stream, SOUND_OPEN);
	return 0;
}

static uint64_t stream_poll_ns(const struct sound_capture_stream *stream)
{
	uint64_t quarter_ns = UINT64_C(250000000) * stream->description.period_frames /
			      stream->description.rate;

	if (stream->capture->doorbell_source)
		return 0;
	if (quarter_ns < SOUND_MIN_POLL_NS)
		return SOUND_MIN_POLL_NS;
	return quarter_ns < SOUND_MAX_POLL_NS ? quarter_ns : SOUND_MAX_POLL_NS;
}

static int capture_start(struct audio_backend *backend, enum audio_direction direction)
{
	struct sound_capture_stream *stream = stream_of(backend, direction);
	const struct sound_clock_config config = {
		.direction = direction,
		.rate = stream->description.rate,
		.period_frames = stream->description.period_frames,
		.poll_ns = stream->description.flags ? stream_poll_ns(stream) : 0,
	};
	struct sound_clock_view view;

	if (!stream->description.flags || stream->closing)
		return -EINVAL;
	if (stream->running)
		return 0;
	/* One that drains has never stopped for the client: it goes on in the same generation. */
	stream_describe(stream, SOUND_OPEN | SOUND_RUNNING);
	stream->draining = false;
	stream->running = true;
	stream_view(stream, &view);
	sound_clock_start(&stream->clock, &config, &view, stream->capture->now_ns());
	capture_watch_doorbell(stream->capture);
	return loop_timer_arm(stream->timer, 0, 0);
}

static void capture_stop(struct audio_backend *backend, enum audio_direction direction)
{
	struct sound_capture_stream *stream = stream_of(backend, direction);

	if (!stream->running)
		return;
	if (direction == AUDIO_CAPTURE) {
		stream_end(stream);
		return;
	}
	stream->running = false;
	stream->draining = true;
	stream->taken_ns = 0;
	stream->drain_until_ns = stream->capture->now_ns() + SOUND_MAX_DRAIN_NS;
	stream_drain(stream);
	if (stream->draining)
		stream_describe(stream, SOUND_OPEN | SOUND_RUNNING | SOUND_DRAINING);
}

static void capture_close(struct audio_backend *backend, enum audio_direction direction)
{
	struct sound_capture_stream *stream = stream_of(backend, direction);

	capture_stop(backend, direction);
	stream->closing = stream->draining;
	if (stream->description.flags && !stream->closing)
		stream_describe(stream, 0);
}

/* --- samples --------------------------------------------------------------------------------- */

/* Keeps the oldest from piling up when the guest reads slower than the microphone speaks. */
static uint32_t stream_microphone_room(struct sound_capture_stream *stream)
{
	uint32_t fill = sound_host_fill(stream->host);

	if (fill <= sound_clock_most_frames(&stream->clock))
		return fill;
	return stream_drop_old(stream, fill);
}

static uint32_t stream_room(struct sound_capture_stream *stream)
{
	uint32_t fill, room;

	if (!stream->running)
		return 0;
	if (stream->clock.source == SOUND_CLOCK_OWN)
		return sound_clock_own_room(&stream->clock, stream->capture->now_ns());
	if (stream->direction == AUDIO_CAPTURE)
		return stream_microphone_room(stream);
	fill = sound_host_fill(stream->host);
	if (fill >= stream->clock.target_frames)
		return 0;
	room = sound_host_room(stream->host);
	return room < stream->clock.target_frames - fill ? room :
							   stream->clock.target_frames - fill;
}

static uint32_t capture_room(struct audio_backend *backend, enum audio_direction direction)
{
	return stream_room(stream_of(backend, direction));
}

static void stream_drop(struct sound_capture_stream *stream, uint32_t count)
{
	sound_clock_own_moved(&stream->clock, count);
	stream->dropped += count;
}

static uint32_t capture_write(struct audio_backend *backend, const void *frames, uint32_t count)
{
	struct sound_capture_stream *stream = stream_of(backend, AUDIO_PLAYBACK);
	uint32_t room = stream_room(stream);

	if (count > room)
		count = room;
	if (!count)
		return 0;
	if (stream->clock.source == SOUND_CLOCK_OWN) {
		stream_drop(stream, count);
		return count;
	}
	stream->moved = true;
	return sound_host_write(stream->host, frames, count, stream->capture->now_ns());
}

static uint32_t capture_read(struct audio_backend *backend, void *frames, uint32_t count)
{
	struct sound_capture_stream *stream = stream_of(backend, AUDIO_CAPTURE);
	uint32_t room = stream_room(stream);

	if (count > room)
		count = room;
	if (!count)
		return 0;
	if (stream->clock.source == SOUND_CLOCK_OWN) {
		memset(frames, 0, (size_t)count * stream->frame_bytes);
		stream_drop(stream, count);
		return count;
	}
	stream->moved = true;
	return sound_host_read(stream->host, frames, count, stream->capture->now_ns());
}

static uint32_t capture_delay(struct audio_backend *backend, enum audio_direction direction)
{
	struct sound_capture_stream *stream = stream_of(backend, direction);
	struct sound_client_view view;

	if (!stream->running || stream->clock.source == SOUND_CLOCK_OWN)
		return 0;
	sound_host_view(stream->host, &view);
	return sound_host_fill(stream->host) +
	       (uint32_t)(view.delay_ns * stream->description.rate / 1000000000u);
}

/* --- made and unmade ------------------------------------------------------------------------- */

/* Also one that is not complete. */
static void capture_destroy_sound(struct audio_backend *backend)
{
	struct sound_capture *capture = (struct sound_capture *)backend;

	for (int i = 0; i < AUDIO_DIRECTIONS; i++) {
		struct sound_capture_stream *stream = &capture->streams[i];

		stream->closing = true;
		if (stream->description.flags)
			stream_end(stream);
		loop_timer_destroy(stream->timer);
		sound_host_destroy(stream->host);
	}
	loop_fd_remove(capture->doorbell_source);
	free(capture);
}

static const struct audio_backend_ops sound_capture_ops = {
	.open = capture_open,
	.close = capture_close,
	.start = capture_start,
	.stop = capture_stop,
	.room = capture_room,
	.write = capture_write,
	.read = capture_read,
	.delay = capture_delay,
	.destroy = capture_destroy_sound,
};

static int stream_init(struct sound_capture_stream *stream, struct sound_capture *capture,
		       enum audio_direction direction)
{
	stream->capture = capture;
	stream->direction = direction;
	stream->host = sound_host_create(capture->config.segment,
					 direction == AUDIO_PLAYBACK ? SOUND_PLAYBACK :
								       SOUND_MICROPHONE);
	if (!stream->host)
		return -errno;
	stream->timer = loop_timer_create(capture->config.audio_loop, stream_on_timer, stream);
	return stream->timer ? 0 : -errno;
}

static int capture_init_sound(struct sound_capture *capture)
{
	int error = 0;

	for (int i = 0; i < AUDIO_DIRECTIONS && !error; i++)
		error = stream_init(&capture->streams[i], capture, (enum audio_direction)i);
	if (error || capture->config.doorbell < 0)
		return error;
	capture->doorbell_source = loop_fd_add(capture->config.audio_loop,
					       capture->config.doorbell, 0, capture_on_doorbell,
					       capture);
	return capture->doorbell_source ? 0 : -errno;
}

struct audio_backend *sound_capture_create_clocked(const struct sound_capture_config *config,
						   uint64_t (*now_ns)(void))
{
	struct sound_capture *capture = calloc(1, sizeof(*capture));
	int error;

	if (!capture)
		return NULL;
	capture->base.ops = &sound_capture_ops;
	capture->base.loop = config->audio_loop;
	capture->config = *config;
	capture->now_ns = now_ns;
	error = capture_init_sound(capture);
	if (error) {
		capture_destroy_sound(&capture->base);
		errno = -error;
		return NULL;
	}
	return &capture->base;
}

struct audio_backend *sound_capture_create(const struct sound_capture_config *config)
{
	return sound_capture_create_clocked(config, clock_now_ns);
}

enum sound_clock_source sound_capture_source(const struct audio_backend *backend,
					     enum audio_direction direction)
{
	return stream_of(backend, direction)->clock.source;
}

uint64_t sound_capture_dropped(const struct audio_backend *backend, enum audio_direction direction)
{
	return stream_of(backend, direction)->dropped;
}
