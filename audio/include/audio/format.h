/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a stream of samples looks like. A frame is one sample of every channel, interleaved, little
 * endian. Any thread; nothing here keeps state.
 */
#ifndef AUDIO_FORMAT_H
#define AUDIO_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#define AUDIO_MAX_CHANNELS 8u
#define AUDIO_MIN_RATE 8000u
#define AUDIO_MAX_RATE 192000u
#define AUDIO_MAX_FRAME_BYTES (AUDIO_MAX_CHANNELS * 4u)

enum audio_direction {
	AUDIO_PLAYBACK = 0,     /* guest to speaker */
	AUDIO_CAPTURE = 1,      /* microphone to guest */
};
#define AUDIO_DIRECTIONS 2

/* The numbers are those of enum sound_format in ivshmem/abi.h (a test compares them). */
enum audio_format {
	AUDIO_FORMAT_S16 = 1,   /* 2 bytes */
	AUDIO_FORMAT_S24 = 2,   /* 4 bytes, the sample in the low 24 bits, sign-extended */
	AUDIO_FORMAT_S32 = 3,   /* 4 bytes */
	AUDIO_FORMAT_FLOAT = 4, /* 4 bytes, IEEE 754, -1..1 */
};

/* Speaker positions with the numbers of virtio 1.2, 5.14.6.5.1 (VIRTIO_SND_CHMAP_*). */
enum audio_position {
	AUDIO_POSITION_NONE = 0,
	AUDIO_POSITION_NA = 1,
	AUDIO_POSITION_MONO = 2,
	AUDIO_POSITION_FL = 3,
	AUDIO_POSITION_FR = 4,
	AUDIO_POSITION_RL = 5,
	AUDIO_POSITION_RR = 6,
	AUDIO_POSITION_FC = 7,
	AUDIO_POSITION_LFE = 8,
	AUDIO_POSITION_SL = 9,
	AUDIO_POSITION_SR = 10,
};

struct audio_params {
	enum audio_format format;
	uint32_t rate;                  /* frames per second */
	uint32_t channels;              /* 1..AUDIO_MAX_CHANNELS */
	uint32_t period_frames;         /* the guest's wish for wake-ups: a hint; at least 1 */
	uint32_t buffer_frames;         /* what the guest queues at most: a hint */
	uint8_t positions[AUDIO_MAX_CHANNELS]; /* enum audio_position */
};

/* Bytes of one sample; 0: no such format. */
uint32_t audio_format_bytes(enum audio_format format);
/* Bytes of one frame; 0 when the params are not valid. */
uint32_t audio_frame_bytes(const struct audio_params *params);
bool audio_params_valid(const struct audio_params *params);
/* The usual order for a number of channels: mono, FL FR, 4.0, 5.1 and 7.1 (FL FR RL RR FC LFE SL SR
 * as ALSA has it); others get FL FR ... from the 7.1 list. */
void audio_positions_default(uint8_t positions[AUDIO_MAX_CHANNELS], uint32_t channels);

#endif
