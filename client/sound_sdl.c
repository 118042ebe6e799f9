/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever SDL finds to play with, where no PipeWire runs. process runs on SDL's own thread. */
#include "sound_format.h"
#include "sound_output.h"

#include <SDL.h>
#include <base/log.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SDL_NS UINT64_C(1000000000)

struct sdl_lane {
	SDL_AudioDeviceID device;       /* 0: not started */
	struct sound_output_stream config;
	uint8_t order[SOUND_MAX_CHANNELS];
	uint64_t delay_ns;              /* SDL does not tell: what it holds, and as much below it */
};

struct sound_output {
	struct sdl_lane lanes[2];
};

static void sdl_process(void *data, Uint8 *bytes, int length)
{
	struct sdl_lane *lane = data;
	const struct sound_description *description = &lane->config.description;
	uint32_t count = (uint32_t)length / description->frame_bytes;
	bool playback = lane->config.direction == SOUND_PLAYBACK;

	if (!playback)
		sound_format_from_sdl(description, lane->order, bytes, count);
	lane->config.process(lane->config.data, bytes, count, lane->delay_ns);
	if (playback)
		sound_format_to_sdl(description, lane->order, bytes, count);
}

static void sdl_stop(struct sound_output *output, enum sound_direction direction)
{
	struct sdl_lane *lane = &output->lanes[direction];

	if (lane->device)
		SDL_CloseAudioDevice(lane->device);
	lane->device = 0;
}

/* SDL likes powers of two. */
static uint16_t sdl_samples(uint32_t frames)
{
	uint32_t samples = 64;

	while (samples < frames && samples < 8192)
		samples *= 2;
	return (uint16_t)samples;
}

static int sdl_start(struct sound_output *output, const struct sound_output_stream *config)
{
	const struct sound_description *description = &config->description;
	struct sdl_lane *lane = &output->lanes[config->direction];
	SDL_AudioSpec wanted = {
		.freq = (int)description->rate, .format = sound_format_sdl(description->format),
		.channels = (Uint8)description->channels,
		.samples = sdl_samples(config->latency_frames),
		.callback = sdl_process, .userdata = lane,
	};
	SDL_AudioSpec got;

	sdl_stop(output, config->direction);
	if (!SDL_WasInit(SDL_INIT_AUDIO) && SDL_InitSubSystem(SDL_INIT_AUDIO)) {
		log_debug("SDL: %s", SDL_GetError());
		return -EHOSTDOWN;
	}
	SDL_SetHint(SDL_HINT_AUDIO_DEVICE_STREAM_NAME, config->name);
	lane->config = *config;
	sound_format_sdl_order(description, lane->order);
	lane->device = SDL_OpenAudioDevice(NULL, config->direction == SOUND_MICROPHONE, &wanted,
					   &got, 0);
	if (!lane->device) {
		log_debug("SDL: %s", SDL_GetError());
		return -EHOSTDOWN;
	}
	lane->delay_ns = 2 * (uint64_t)got.samples * SDL_NS / description->rate;
	SDL_PauseAudioDevice(lane->device, 0);
	log_debug("SDL plays through %s", SDL_GetCurrentAudioDriver());
	return 0;
}

static enum sound_output_state sdl_state(struct sound_output *output,
					 enum sound_direction direction)
{
	SDL_AudioDeviceID device = output->lanes[direction].device;

	if (!device || SDL_GetAudioDeviceStatus(device) == SDL_AUDIO_STOPPED)
		return SOUND_OUTPUT_GONE;
	return SOUND_OUTPUT_STREAMING;
}

static struct sound_output *sdl_create(const struct sound_output_listener *listener)
{
	SDL_SetHint(SDL_HINT_AUDIO_DEVICE_APP_NAME, "Vitrine");
	return calloc(1, sizeof(struct sound_output));
}

static void sdl_destroy(struct sound_output *output)
{
	sdl_stop(output, SOUND_PLAYBACK);
	sdl_stop(output, SOUND_MICROPHONE);
	if (SDL_WasInit(SDL_INIT_AUDIO))
		SDL_QuitSubSystem(SDL_INIT_AUDIO);
	free(output);
}

const struct sound_output_ops sound_output_sdl = {
	.name = "SDL",
	.create = sdl_create,
	.destroy = sdl_destroy,
	.start = sdl_start,
	.stop = sdl_stop,
	.state = sdl_state,
};
