/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sound.h"

#include "sound_output.h"

#include <base/clock.h>
#include <base/log.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SOUND_RETRY_NS UINT64_C(2000000000)
/* Of a server that does not return by itself, for new streams only: ALSA is loud when it fails. */
#define SOUND_RARE_RETRY_NS UINT64_C(60000000000)
/* What we ask a sound server for: the guest's period, within reason. */
#define SOUND_MIN_LATENCY_PART 400u     /* of a second: 2.5 ms */
#define SOUND_MAX_LATENCY_PART 40u      /* 25 ms */
/* All is played of a stream that began under our eyes; what lies in another one's ring is old. */
#define SOUND_KEEP_ALL UINT32_MAX
#define SOUND_KEEP_NONE 0u

static const char *sound_direction_name(enum sound_direction direction)
{
	return direction == SOUND_PLAYBACK ? "sound" : "microphone";
}

static const struct source_sound_ops *sound_ops(const struct sound_lane *lane)
{
	return lane->source->ops->sound;
}

/* --- real-time ----------------------------------------------------------------------------- */

/*
 * The VMM fills the ring for the quantum that it was told before we knew. A first one that is
 * larger only tells it, so that the next finds enough: a little later, but without a hole.
 */
static bool sound_begins_late(struct sound_lane *lane, uint32_t count)
{
	bool late = !lane->begun && lane->direction == SOUND_PLAYBACK &&
		    count > lane->announced_frames;

	lane->begun = true;
	return late;
}

static void sound_process(void *data, void *frames, uint32_t count, uint64_t delay_ns)
{
	struct sound_lane *lane = data;
	const struct source_sound_ops *ops = sound_ops(lane);
	uint64_t now_ns = clock_now_ns();

	if (count == 0)
		return;
	ops->set_server(lane->source, lane->direction, count, delay_ns);
	if (sound_begins_late(lane, count)) {
		memset(frames, 0, (size_t)count * lane->playing.frame_bytes);
	} else if (lane->direction == SOUND_PLAYBACK) {
		ops->read(lane->source, frames, count, now_ns);
		sound_gain_apply(&lane->gain, &lane->playing, frames, count);
	} else {
		ops->write(lane->source, frames, count, now_ns);
	}
	ops->ring_bell(lane->source);
	/* For the overlay: each number alone. */
	atomic_store_explicit(&lane->quantum_frames, count, memory_order_relaxed);
	atomic_store_explicit(&lane->delay_ns, delay_ns, memory_order_relaxed);
}

/* --- one direction ------------------------------------------------------------------------- */

static float sound_target(const struct sound *sound)
{
	return sound->muted ? 0.0f : sound_gain_from_percent(sound->volume);
}

static uint32_t sound_latency(const struct sound_description *description)
{
	uint32_t least = description->rate / SOUND_MIN_LATENCY_PART;
	uint32_t most = description->rate / SOUND_MAX_LATENCY_PART;
	uint32_t frames = description->period_frames;

	return frames < least ? least : frames > most ? most : frames;
}

/* A server that worked is waited for: SDL would hold the device that a restarted PipeWire wants. */
static bool sound_backend_may(const struct sound *sound, const struct sound_backend *backend,
			      bool again, uint64_t now_ns)
{
	for (const struct sound_backend *liked = sound->backends; liked < backend; liked++) {
		if (liked->worked)
			return false;
	}
	if (!backend->ops || backend->worked || backend->ops->returns)
		return backend->ops != NULL;
	return !again && (backend->failed_ns == 0 ||
			  now_ns - backend->failed_ns >= SOUND_RARE_RETRY_NS);
}

static int sound_backend_start(struct sound_lane *lane, struct sound_backend *backend)
{
	const struct sound_output_stream stream = {
		.direction = lane->direction, .description = lane->description,
		.latency_frames = sound_latency(&lane->description),
		.name = lane->source->ops->name(lane->source),
		.process = sound_process, .data = lane,
	};
	int result;

	if (!backend->output)
		return -ENOMEM;
	result = backend->ops->start(backend->output, &stream);
	log_debug("%s by %s: %s", sound_direction_name(lane->direction), backend->ops->name,
		  result ? strerror(-result) : "started");
	backend->worked |= !result;
	return result;
}

static enum sound_output_state sound_lane_state(const struct sound_lane *lane)
{
	if (!lane->backend)
		return SOUND_OUTPUT_GONE;
	return lane->backend->ops->state(lane->backend->output, lane->direction);
}

static bool sound_lane_should_run(const struct sound_lane *lane)
{
	return lane->present && lane->owned && lane->known &&
	       (lane->description.flags & SOUND_RUNNING);
}

/* At once: the VMM calls a playback stream stopped when all of it has been heard. */
static void sound_lane_stop(struct sound_lane *lane)
{
	if (lane->backend)
		lane->backend->ops->stop(lane->backend->output, lane->direction);
	lane->backend = NULL;
	lane->retry_ns = 0;
}

/* What the server took at once the last time, if that was more than we ask for. */
static uint32_t sound_announce(const struct sound_lane *lane)
{
	uint32_t frames = sound_latency(&lane->description);
	uint64_t before = atomic_load(&lane->quantum_frames);

	if (lane->playing.rate)
		before = before * lane->description.rate / lane->playing.rate;
	return before > frames && before < lane->description.rate ? (uint32_t)before : frames;
}

/* again: not the first try of this stream. */
static void sound_lane_start(struct sound_lane *lane, uint32_t keep_frames, bool again,
			     uint64_t now_ns)
{
	const struct source_sound_ops *ops = sound_ops(lane);
	struct sound *sound = lane->sound;

	lane->retry_ns = 0;
	/* A stream that ended meanwhile cannot be joined: there is a notice on its way. */
	if (lane->backend || !sound_lane_should_run(lane) ||
	    ops->join(lane->source, lane->direction, &lane->description, keep_frames))
		return;
	lane->announced_frames = sound_announce(lane);
	ops->set_server(lane->source, lane->direction, lane->announced_frames, 0);
	lane->begun = false;
	lane->playing = lane->description;
	lane->started_ns = now_ns;
	sound_gain_init(&lane->gain, sound_target(sound), lane->description.rate);
	for (int i = 0; i < SOUND_MAX_BACKENDS && !lane->backend; i++) {
		struct sound_backend *backend = &sound->backends[i];

		if (!sound_backend_may(sound, backend, again, now_ns))
			continue;
		if (!sound_backend_start(lane, backend))
			lane->backend = backend;
		else
			backend->failed_ns = now_ns;
	}
	if (lane->backend)
		return;
	lane->retry_ns = now_ns + SOUND_RETRY_NS;
	if (!lane->told)
		log_warn("no %s: no sound server answers; trying again while the guest %s",
			 sound_direction_name(lane->direction),
			 lane->direction == SOUND_PLAYBACK ? "plays" : "records");
	lane->told = true;
}

static bool sound_is_other_stream(const struct sound_description *a,
				  const struct sound_description *b)
{
	return a->generation != b->generation || a->format != b->format || a->rate != b->rate ||
	       a->channels != b->channels || memcmp(a->positions, b->positions, a->channels);
}

static int sound_lane_update(struct sound_lane *lane, uint64_t now_ns)
{
	struct sound_description description;
	bool late = !lane->known;
	int result;

	if (!lane->present)
		return 0;
	result = sound_ops(lane)->stream(lane->source, lane->direction, &description);
	if (result < 0)
		return result;
	if (result == 0 && lane->known)
		return 0;
	lane->known = true;
	lane->description = description;
	if (!(description.flags & SOUND_RUNNING) ||
	    (lane->backend && sound_is_other_stream(&lane->playing, &description)))
		sound_lane_stop(lane);
	sound_lane_start(lane, late ? SOUND_KEEP_NONE : SOUND_KEEP_ALL, false, now_ns);
	return 0;
}

static void sound_lane_beat(struct sound_lane *lane, uint64_t now_ns)
{
	bool owned;

	if (!lane->present)
		return;
	owned = sound_ops(lane)->beat(lane->source, lane->direction, now_ns);
	if (owned != lane->owned)
		log_info("%s: %s", sound_direction_name(lane->direction),
			 owned ? "ours again" : "another client has it: silent here");
	lane->owned = owned;
	if (!owned)
		sound_lane_stop(lane);
	else if (!lane->backend && (lane->retry_ns == 0 || now_ns >= lane->retry_ns))
		sound_lane_start(lane, SOUND_KEEP_NONE, lane->retry_ns != 0, now_ns);
	if (lane->told && sound_lane_state(lane) == SOUND_OUTPUT_STREAMING &&
	    now_ns - lane->started_ns >= SOUND_RETRY_NS) {
		log_info("%s: back", sound_direction_name(lane->direction));
		lane->told = false;
	}
}

static void sound_lane_check(struct sound_lane *lane, uint64_t now_ns)
{
	/* At once, the first time; one that refuses is not asked all the time. */
	uint64_t retry_ns = lane->told ? now_ns + SOUND_RETRY_NS : now_ns;

	if (!lane->backend || sound_lane_state(lane) != SOUND_OUTPUT_GONE)
		return;
	if (!lane->told)
		log_warn("%s: %s is gone or refuses it; trying again",
			 sound_direction_name(lane->direction), lane->backend->ops->name);
	lane->told = true;
	sound_lane_stop(lane);
	lane->retry_ns = retry_ns;
}

/* --- all of it ----------------------------------------------------------------------------- */

void sound_init(struct sound *sound, const struct sound_config *config)
{
	*sound = (struct sound){ .listener = config->listener, .volume = config->volume,
				 .muted = config->muted };
	for (int i = 0; i < SOUND_MAX_BACKENDS; i++)
		sound->backends[i].ops = config->backends[i];
	for (int i = SOUND_PLAYBACK; i <= SOUND_MICROPHONE; i++) {
		struct sound_lane *lane = &sound->lanes[i];

		lane->sound = sound;
		lane->direction = (enum sound_direction)i;
		lane->wanted = config->backends[0] && (i == SOUND_PLAYBACK ? config->playback :
								      config->microphone);
	}
}

void sound_finish(struct sound *sound)
{
	sound_set_source(sound, NULL);
	for (int i = 0; i < SOUND_MAX_BACKENDS; i++) {
		struct sound_backend *backend = &sound->backends[i];

		if (backend->output)
			backend->ops->destroy(backend->output);
		backend->output = NULL;
	}
}

/* Once there is somebody whose sound we may have to play. */
static void sound_create_outputs(struct sound *sound)
{
	for (int i = 0; i < SOUND_MAX_BACKENDS; i++) {
		struct sound_backend *backend = &sound->backends[i];

		if (backend->ops && !backend->output)
			backend->output = backend->ops->create(&sound->listener);
	}
}

static void sound_lane_set_source(struct sound_lane *lane, struct client_source *source)
{
	struct sound_description description;

	sound_lane_stop(lane);
	if (lane->present && lane->owned)
		sound_ops(lane)->release(lane->source, lane->direction);
	lane->present = lane->known = lane->owned = lane->told = false;
	lane->source = source;
	if (!source || !lane->wanted || !source->ops->sound ||
	    source->ops->sound->stream(source, lane->direction, &description) == -ENOENT)
		return;
	lane->present = lane->owned = true;
	sound_create_outputs(lane->sound);
	source->ops->sound->take(source, lane->direction);
}

void sound_set_source(struct sound *sound, struct client_source *source)
{
	sound->source = source;
	for (int i = SOUND_PLAYBACK; i <= SOUND_MICROPHONE; i++)
		sound_lane_set_source(&sound->lanes[i], source);
}

int sound_update(struct sound *sound, uint64_t now_ns)
{
	int playback = sound_lane_update(&sound->lanes[SOUND_PLAYBACK], now_ns);
	int microphone = sound_lane_update(&sound->lanes[SOUND_MICROPHONE], now_ns);

	return playback == -EPROTO || !microphone ? playback : microphone;
}

void sound_beat(struct sound *sound, uint64_t now_ns)
{
	sound_check(sound, now_ns);
	for (int i = SOUND_PLAYBACK; i <= SOUND_MICROPHONE; i++)
		sound_lane_beat(&sound->lanes[i], now_ns);
}

void sound_check(struct sound *sound, uint64_t now_ns)
{
	for (int i = SOUND_PLAYBACK; i <= SOUND_MICROPHONE; i++)
		sound_lane_check(&sound->lanes[i], now_ns);
}

static void sound_set_gain(struct sound *sound)
{
	sound_gain_set(&sound->lanes[SOUND_PLAYBACK].gain, sound_target(sound));
}

void sound_change_volume(struct sound *sound, int steps)
{
	int volume = (int)sound->volume + steps * (int)SOUND_VOLUME_STEP;

	sound->volume = volume < 0 ? 0 : volume > 100 ? 100 : (uint32_t)volume;
	sound->muted = false;
	sound_set_gain(sound);
}

void sound_toggle_mute(struct sound *sound)
{
	sound->muted = !sound->muted;
	sound_set_gain(sound);
}

bool sound_microphone_is_on(const struct sound *sound)
{
	return sound_lane_state(&sound->lanes[SOUND_MICROPHONE]) == SOUND_OUTPUT_STREAMING;
}

void sound_format_volume(const struct sound *sound, char *text, size_t bytes)
{
	if (sound->muted)
		snprintf(text, bytes, "Muted");
	else
		snprintf(text, bytes, "Volume %u %%", sound->volume);
}

void sound_format_figures(const struct sound *sound, char *text, size_t bytes)
{
	const struct sound_lane *lane = &sound->lanes[SOUND_PLAYBACK];
	uint32_t rate = lane->playing.rate;
	char volume[32];

	sound_format_volume(sound, volume, sizeof(volume));
	if (!lane->present)
		snprintf(text, bytes, "no sound");
	else if (!lane->owned)
		snprintf(text, bytes, "silent: another client has the sound");
	else if (!sound_lane_should_run(lane))
		snprintf(text, bytes, "%s   the guest is silent", volume);
	else if (!lane->backend)
		snprintf(text, bytes, "no sound server");
	else
		snprintf(text, bytes, "%s   %u Hz × %u   %.1f + %.1f ms   %llu lost", volume, rate,
			 lane->playing.channels,
			 atomic_load(&lane->quantum_frames) * 1e3 / rate,
			 (double)atomic_load(&lane->delay_ns) / 1e6,
			 (unsigned long long)sound_ops(lane)->missed(lane->source, SOUND_PLAYBACK));
}
