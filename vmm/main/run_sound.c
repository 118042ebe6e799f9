/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/run_sound.h"

#include "main/run.h"
#include "main/run_spice.h"

#include <audio/backend.h>
#include <audio/tap.h>
#include <base/log.h>
#include <base/loop.h>
#include <capture/capture.h>
#include <capture/sound.h>
#include <errno.h>
#include <ivshmem/doorbell_eventfd.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Above everything ordinary, below what a sound server gives itself (88). */
#define RUN_SOUND_PRIORITY 10

void run_sound_config_init(struct run_sound_config *config)
{
	*config = (struct run_sound_config){ .card = RUN_SOUND_VIRTIO };
}

void run_sound_config_finish(struct run_sound_config *config)
{
	free(config->wav_path);
	config->wav_path = NULL;
}

int run_sound_config_parse(struct run_sound_config *config, const char *text,
			   struct option_error *error)
{
	const char *rest = text;

	run_sound_config_finish(config);
	run_sound_config_init(config);
	if (!strcmp(text, "off")) {
		config->card = RUN_SOUND_NONE;
		return 0;
	}
	if (!strncmp(rest, "hda", 3) && (!rest[3] || rest[3] == ',')) {
		config->card = RUN_SOUND_HDA;
		rest += rest[3] ? 4 : 3;
		if (!*rest && rest == text + 3)
			return 0;
	} else if (!strcmp(text, "on")) {
		return 0;
	}
	if (strncmp(rest, "wav=", 4) || !rest[4])
		return option_error_set(error, "sound: '%s' is not on, off, hda, wav=FILE or hda,wav=FILE",
					text);
	config->wav_path = strdup(rest + 4);
	return config->wav_path ? 0 : option_error_set(error, "out of memory");
}

/* A stream opened, started or ended: the clients look. On the audio loop. */
static void run_sound_changed(void *data)
{
	struct run *run = data;

	capture_ring_doorbells(run->capture);
}

static int run_sound_open_clients(struct run *run, struct option_error *error)
{
	const struct sound_capture_config config = {
		.audio_loop = run->audio_loop,
		.segment = run->segment,
		/* A segment in a file has no doorbells: see run_open_segment. */
		.doorbell = run->config.shm ? -1 : doorbell_eventfd_create(),
		.changed = run_sound_changed,
		.data = run,
	};

	run->sound_doorbell = config.doorbell;
	if (!run->config.shm && config.doorbell < 0)
		return option_error_set(error, "sound: %s", strerror(-config.doorbell));
	run->sound = sound_capture_create(&config);
	return run->sound ? 0 : option_error_set(error, "sound: %s", strerror(errno));
}

static int run_sound_open_wav(struct run *run, struct option_error *error)
{
	const char *path = run->config.sound.wav_path;

	run->sound = audio_wav_create(run->audio_loop, path);
	return run->sound ? 0 : option_error_set(error, "sound: %s: %s", path, strerror(errno));
}

/* SPICE clients hear and speak beside what there is. */
static int run_sound_open_tap(struct run *run, struct option_error *error)
{
	run->sound_tap = audio_tap_create(run->sound);
	if (!run->sound_tap)
		return option_error_set(error, "sound: %s", strerror(errno));
	run->sound = audio_tap_backend(run->sound_tap);
	return 0;
}

int run_sound_open(struct run *run, struct option_error *error)
{
	int result;

	if (run->config.sound.card == RUN_SOUND_NONE)
		return 0;
	run->audio_loop = loop_create("audio");
	if (!run->audio_loop)
		return option_error_set(error, "sound: %s", strerror(errno));
	result = run->config.sound.wav_path ? run_sound_open_wav(run, error) :
					      run_sound_open_clients(run, error);
	if (!result && run_spice_wanted(&run->config))
		result = run_sound_open_tap(run, error);
	return result;
}

/* On the audio loop. Without the right (RLIMIT_RTPRIO) it is an ordinary thread. */
static void run_sound_be_realtime(void *data)
{
	const struct sched_param param = { .sched_priority = RUN_SOUND_PRIORITY };
	int result = pthread_setschedparam(pthread_self(), SCHED_RR | SCHED_RESET_ON_FORK, &param);

	if (result)
		log_debug("the audio thread is not real-time: %s", strerror(result));
}

int run_sound_start(struct run *run)
{
	int result;

	if (!run->audio_loop)
		return 0;
	result = loop_start(run->audio_loop);
	return result ? result : loop_post(run->audio_loop, run_sound_be_realtime, run);
}

void run_sound_close(struct run *run)
{
	if (run->audio_loop)
		loop_stop(run->audio_loop);
	if (run->sound)
		run->sound->ops->destroy(run->sound);
	if (run->sound_doorbell >= 0)
		close(run->sound_doorbell);
	loop_destroy(run->audio_loop);
}
