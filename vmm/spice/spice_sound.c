/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice/spice_sound.h"

#include <audio/tap.h>
#include <base/loop.h>
#include <errno.h>
#include <spice/enums.h>
#include <stdlib.h>
#include <string.h>

/* A client's sound is cut off when it is told of the stream's end, so it is told later. */
#define SOUND_LINGER_NS UINT64_C(500000000)
/* Of what this thread has slept over a client gets the newest: beyond 1/4 s all but 1/20 s goes. */
#define SOUND_MOST_PER_S 4
#define SOUND_KEPT_PER_S 20
#define SOUND_CHUNK_FRAMES 1024u
#define SOUND_FULL_VOLUME UINT16_MAX

struct sound_playback {
	SpicePlaybackInstance instance;
	struct audio_tap *tap;
	struct loop_timer *linger;
	bool started, lingering;
	uint32_t rate;                  /* of the last start */
	/* The library's, of its size, from being asked for until it is full; NULL: none. */
	uint32_t *buffer;
	uint32_t size, used;
	bool renewed;                   /* the buffer may be for a client that has gone */
};

struct sound_record {
	SpiceRecordInstance instance;
	struct audio_tap *tap;
	bool started;
	uint32_t rate;
};

struct spice_sound {
	struct audio_tap *tap;
	struct loop_fd *wake_source;
	unsigned int channels[AUDIO_DIRECTIONS];        /* connected now */
	struct sound_playback playback;
	struct sound_record record;
	bool has_playback, has_record;                  /* known to the server */
};

/* ---- what the guest plays ---- */

static void playback_put(struct sound_playback *playback)
{
	if (!playback->buffer)
		return;
	memset(playback->buffer + playback->used, 0,
	       (playback->size - playback->used) * sizeof(*playback->buffer));
	spice_server_playback_put_samples(&playback->instance, playback->buffer);
	playback->buffer = NULL;
}

static void playback_send(struct sound_playback *playback, uint32_t count)
{
	while (count) {
		uint32_t part;

		if (!playback->buffer) {
			spice_server_playback_get_buffer(&playback->instance, &playback->buffer,
							 &playback->size);
			playback->used = 0;
		}
		/* There is no client, or none that reads. */
		if (!playback->buffer) {
			audio_tap_take(playback->tap, NULL, count);
			return;
		}
		part = playback->size - playback->used;
		part = audio_tap_take(playback->tap,
				      (int16_t *)(playback->buffer + playback->used),
				      part < count ? part : count);
		playback->used += part;
		count -= part;
		if (playback->used == playback->size)
			playback_put(playback);
	}
}

static void playback_start(struct sound_playback *playback, uint32_t rate)
{
	playback->rate = rate;
	spice_server_set_playback_rate(&playback->instance, rate);
	spice_server_playback_start(&playback->instance);
	playback->started = true;
}

static void playback_end(void *data)
{
	struct sound_playback *playback = data;

	playback->lingering = false;
	loop_timer_disarm(playback->linger);
	if (!playback->started)
		return;
	playback_put(playback);
	spice_server_playback_stop(&playback->instance);
	playback->started = false;
}

static uint32_t playback_drop_old(struct sound_playback *playback, uint32_t count)
{
	uint32_t kept = playback->rate / SOUND_KEPT_PER_S;

	if (count <= playback->rate / SOUND_MOST_PER_S)
		return count;
	audio_tap_take(playback->tap, NULL, count - kept);
	return kept;
}

static void playback_look(struct sound_playback *playback)
{
	struct audio_tap_view view;

	if (playback->renewed)
		playback_put(playback);
	playback->renewed = false;
	audio_tap_look(playback->tap, AUDIO_PLAYBACK, &view);
	if (view.rate != playback->rate) {
		if (playback->started)
			playback_send(playback, view.earlier_frames);
		else
			audio_tap_take(playback->tap, NULL, view.earlier_frames);
		view.earlier_frames = 0;
		playback_end(playback);
	}
	/* Or has run, so shortly that we see it only now. */
	if (view.running || view.frames) {
		playback->lingering = false;
		loop_timer_disarm(playback->linger);
		if (!playback->started)
			playback_start(playback, view.rate);
	}
	view.frames += view.earlier_frames;
	if (!playback->started) {
		audio_tap_take(playback->tap, NULL, view.frames);
		return;
	}
	playback_send(playback, playback_drop_old(playback, view.frames));
	if (!view.running && !playback->lingering) {
		playback->lingering = true;
		playback_put(playback);
		loop_timer_arm(playback->linger, SOUND_LINGER_NS, 0);
	}
}

/* ---- what it records ---- */

static void record_end(struct sound_record *record)
{
	if (record->started)
		spice_server_record_stop(&record->instance);
	record->started = false;
}

/* What the guest does not take is dropped. */
static void record_give(struct sound_record *record)
{
	uint32_t frames[SOUND_CHUNK_FRAMES], count;

	do {
		count = spice_server_record_get_samples(&record->instance, frames,
							SOUND_CHUNK_FRAMES);
		audio_tap_give(record->tap, (const int16_t *)frames, count);
	} while (count == SOUND_CHUNK_FRAMES);
}

static void record_look(struct sound_record *record)
{
	struct audio_tap_view view;

	audio_tap_look(record->tap, AUDIO_CAPTURE, &view);
	if (!view.running || view.rate != record->rate)
		record_end(record);
	if (!view.running)
		return;
	if (!record->started) {
		record->rate = view.rate;
		spice_server_set_record_rate(&record->instance, view.rate);
		spice_server_record_start(&record->instance);
		record->started = true;
	}
	record_give(record);
}

/* ---- both ---- */

/* The guest's clock is what makes it look for a microphone's samples too: the library does not tell
 * when they come. */
static void sound_on_wake(void *data, uint32_t events)
{
	struct spice_sound *sound = data;

	audio_tap_clear(sound->tap);
	playback_look(&sound->playback);
	record_look(&sound->record);
}

void spice_sound_on_channel(struct spice_sound *sound, int event, int channel_type)
{
	enum audio_direction direction = channel_type == SPICE_CHANNEL_PLAYBACK ? AUDIO_PLAYBACK
									       : AUDIO_CAPTURE;

	if (channel_type != SPICE_CHANNEL_PLAYBACK && channel_type != SPICE_CHANNEL_RECORD)
		return;
	if (event == SPICE_CHANNEL_EVENT_INITIALIZED) {
		if (direction == AUDIO_PLAYBACK)
			sound->playback.renewed = true;
		if (++sound->channels[direction] == 1)
			audio_tap_listen(sound->tap, direction, true);
	} else if (event == SPICE_CHANNEL_EVENT_DISCONNECTED && sound->channels[direction]) {
		if (--sound->channels[direction] == 0)
			audio_tap_listen(sound->tap, direction, false);
	}
}

static const SpicePlaybackInterface sound_playback_interface = {
	.base = { SPICE_INTERFACE_PLAYBACK, "playback", SPICE_INTERFACE_PLAYBACK_MAJOR,
		  SPICE_INTERFACE_PLAYBACK_MINOR },
};

static const SpiceRecordInterface sound_record_interface = {
	.base = { SPICE_INTERFACE_RECORD, "record", SPICE_INTERFACE_RECORD_MAJOR,
		  SPICE_INTERFACE_RECORD_MINOR },
};

/* The guest's cards have no amplifiers: loudness is the client's affair, and all of it at first. */
static void sound_set_volume(struct spice_sound *sound)
{
	uint16_t volume[2] = { SOUND_FULL_VOLUME, SOUND_FULL_VOLUME };

	spice_server_playback_set_volume(&sound->playback.instance, 2, volume);
	spice_server_playback_set_mute(&sound->playback.instance, 0);
	spice_server_record_set_volume(&sound->record.instance, 2, volume);
	spice_server_record_set_mute(&sound->record.instance, 0);
}

static int sound_add_interfaces(struct spice_sound *sound, SpiceServer *server)
{
	sound->playback.instance.base.sif = &sound_playback_interface.base;
	sound->record.instance.base.sif = &sound_record_interface.base;
	/* Looking Glass knows no other way. */
	spice_server_set_playback_compression(server, 0);
	if (spice_server_add_interface(server, &sound->playback.instance.base))
		return -EIO;
	sound->has_playback = true;
	if (spice_server_add_interface(server, &sound->record.instance.base))
		return -EIO;
	sound->has_record = true;
	sound_set_volume(sound);
	return 0;
}

struct spice_sound *spice_sound_create(SpiceServer *server, struct loop *loop,
				       struct audio_tap *tap)
{
	struct spice_sound *sound = calloc(1, sizeof(*sound));
	int result;

	if (!sound)
		return NULL;
	sound->tap = sound->playback.tap = sound->record.tap = tap;
	result = sound_add_interfaces(sound, server);
	if (!result) {
		sound->playback.linger = loop_timer_create(loop, playback_end, &sound->playback);
		sound->wake_source = loop_fd_add(loop, audio_tap_fd(tap), EPOLLIN, sound_on_wake,
						 sound);
		if (sound->playback.linger && sound->wake_source)
			return sound;
		result = -ENOMEM;
	}
	spice_sound_destroy(sound);
	errno = -result;
	return NULL;
}

void spice_sound_destroy(struct spice_sound *sound)
{
	if (!sound)
		return;
	loop_fd_remove(sound->wake_source);
	audio_tap_listen(sound->tap, AUDIO_PLAYBACK, false);
	audio_tap_listen(sound->tap, AUDIO_CAPTURE, false);
	if (sound->playback.started)
		playback_end(&sound->playback);
	record_end(&sound->record);
	loop_timer_destroy(sound->playback.linger);
	if (sound->has_record)
		spice_server_remove_interface(&sound->record.instance.base);
	if (sound->has_playback)
		spice_server_remove_interface(&sound->playback.instance.base);
	free(sound);
}
