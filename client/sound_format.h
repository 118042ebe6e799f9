/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The segment's formats and speakers in the words of PipeWire (SPA) and of SDL. Plain values. */
#ifndef CLIENT_SOUND_FORMAT_H
#define CLIENT_SOUND_FORMAT_H

#include <ivshmem/sound.h>
#include <stdbool.h>
#include <stdint.h>

/* The low 24 bits with their sign. */
static inline int32_t sound_format_s24(int32_t sample)
{
	return (int32_t)((uint32_t)sample << 8) >> 8;
}

/* enum spa_audio_format. */
uint32_t sound_format_spa(enum sound_format format);
/* enum spa_audio_channel of each channel. Positions that are missing, unknown or there twice make
 * all of them the usual ones for that number of channels. */
void sound_format_spa_positions(const struct sound_description *description,
				uint32_t positions[SOUND_MAX_CHANNELS]);

/* SDL_AudioFormat; S24 becomes S32. */
uint16_t sound_format_sdl(enum sound_format format);
/* SDL has one order of channels for each number of them: ours of channel i of SDL's. True when it
 * is not simply the same. */
bool sound_format_sdl_order(const struct sound_description *description,
			    uint8_t order[SOUND_MAX_CHANNELS]);
/* Between our frames and SDL's, in place: the order of channels, and S24 to S32 or back. */
void sound_format_to_sdl(const struct sound_description *description,
			 const uint8_t order[SOUND_MAX_CHANNELS], void *frames, uint32_t count);
void sound_format_from_sdl(const struct sound_description *description,
			   const uint8_t order[SOUND_MAX_CHANNELS], void *frames, uint32_t count);

#endif
