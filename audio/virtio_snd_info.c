/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the device has: two jacks, a stream each way, channel maps (virtio 1.2, 5.14.6). */
#include "virtio_snd_private.h"

#include <endian.h>
#include <string.h>

/* Least and most bytes of an item: a driver of a later specification may know longer ones. */
#define SND_INFO_MIN_BYTES sizeof(struct virtio_snd_info)
#define SND_INFO_MAX_BYTES 256u

/* HDA 7.3.3.31: a jack at the rear, 3.5 mm; green line out and pink microphone. */
#define SND_JACK_LINE_OUT 0x01014010u
#define SND_JACK_MICROPHONE 0x01a19020u
/* HDA 7.3.4.9: presence detection, and the direction. */
#define SND_JACK_CAPS_OUT 0x14u
#define SND_JACK_CAPS_IN 0x24u

static const enum audio_format snd_formats[] = {
	[VIRTIO_SND_PCM_FMT_S16] = AUDIO_FORMAT_S16,
	[VIRTIO_SND_PCM_FMT_S24] = AUDIO_FORMAT_S24,
	[VIRTIO_SND_PCM_FMT_S32] = AUDIO_FORMAT_S32,
	[VIRTIO_SND_PCM_FMT_FLOAT] = AUDIO_FORMAT_FLOAT,
};

static const uint32_t snd_rates[] = {
	[VIRTIO_SND_PCM_RATE_44100] = 44100,   [VIRTIO_SND_PCM_RATE_48000] = 48000,
	[VIRTIO_SND_PCM_RATE_64000] = 64000,   [VIRTIO_SND_PCM_RATE_88200] = 88200,
	[VIRTIO_SND_PCM_RATE_96000] = 96000,   [VIRTIO_SND_PCM_RATE_176400] = 176400,
	[VIRTIO_SND_PCM_RATE_192000] = 192000,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t snd_channels(enum audio_direction direction)
{
	return direction == AUDIO_PLAYBACK ? SND_PLAYBACK_CHANNELS : SND_CAPTURE_CHANNELS;
}

bool virtio_snd_params(enum audio_direction direction,
		       const struct virtio_snd_pcm_set_params *request, struct audio_params *params)
{
	if (request->format >= COUNT(snd_formats) || request->rate >= COUNT(snd_rates))
		return false;
	params->format = snd_formats[request->format];
	params->rate = snd_rates[request->rate];
	params->channels = request->channels;
	audio_positions_default(params->positions, params->channels);
	return audio_format_bytes(params->format) && params->rate && params->channels >= 1 &&
	       params->channels <= snd_channels(direction);
}

/* --- one item each ----------------------------------------------------------------------- */

static void snd_jack_info(uint32_t id, void *to)
{
	struct virtio_snd_jack_info info = {
		.hda_reg_defconf = htole32(id == 0 ? SND_JACK_LINE_OUT : SND_JACK_MICROPHONE),
		.hda_reg_caps = htole32(id == 0 ? SND_JACK_CAPS_OUT : SND_JACK_CAPS_IN),
		.connected = 1,
	};

	memcpy(to, &info, sizeof(info));
}

static void snd_pcm_info(uint32_t id, void *to)
{
	struct virtio_snd_pcm_info info = {
		.direction = id == AUDIO_PLAYBACK ? VIRTIO_SND_D_OUTPUT : VIRTIO_SND_D_INPUT,
		.channels_min = 1,
		.channels_max = (uint8_t)snd_channels((enum audio_direction)id),
	};
	uint64_t formats = 0, rates = 0;

	for (unsigned int i = 0; i < COUNT(snd_formats); i++)
		formats |= (uint64_t)(snd_formats[i] != 0) << i;
	for (unsigned int i = 0; i < COUNT(snd_rates); i++)
		rates |= (uint64_t)(snd_rates[i] != 0) << i;
	info.formats = htole64(formats);
	info.rates = htole64(rates);
	memcpy(to, &info, sizeof(info));
}

/* audio_position has the numbers of VIRTIO_SND_CHMAP_*. */
static void snd_chmap_info(uint32_t id, void *to)
{
	bool playback = id < SND_PLAYBACK_CHANNELS;
	uint8_t channels = (uint8_t)(playback ? id + 1 : id - SND_PLAYBACK_CHANNELS + 1);
	struct virtio_snd_chmap_info info = {
		.direction = playback ? VIRTIO_SND_D_OUTPUT : VIRTIO_SND_D_INPUT,
		.channels = channels,
	};
	uint8_t positions[AUDIO_MAX_CHANNELS];

	audio_positions_default(positions, channels);
	memcpy(info.positions, positions, channels);
	memcpy(to, &info, sizeof(info));
}

/* --- queries ----------------------------------------------------------------------------- */

struct snd_info_kind {
	uint32_t code;
	uint32_t count;
	uint32_t bytes;
	void (*fill)(uint32_t id, void *to);
};

static const struct snd_info_kind snd_info_kinds[] = {
	{ VIRTIO_SND_R_JACK_INFO, SND_JACKS, sizeof(struct virtio_snd_jack_info), snd_jack_info },
	{ VIRTIO_SND_R_PCM_INFO, SND_STREAMS, sizeof(struct virtio_snd_pcm_info), snd_pcm_info },
	{ VIRTIO_SND_R_CHMAP_INFO, SND_CHMAPS, sizeof(struct virtio_snd_chmap_info),
	  snd_chmap_info },
};

static const struct snd_info_kind *snd_info_find(uint32_t code)
{
	for (unsigned int i = 0; i < COUNT(snd_info_kinds); i++) {
		if (snd_info_kinds[i].code == code)
			return &snd_info_kinds[i];
	}
	return NULL;
}

uint32_t virtio_snd_info(uint32_t code, const struct virtio_snd_query_info *query,
			 struct chain *chain)
{
	const struct snd_info_kind *kind = snd_info_find(code);
	struct virtio_snd_hdr header = { .code = htole32(VIRTIO_SND_S_OK) };
	uint32_t start = le32toh(query->start_id);
	uint32_t count = le32toh(query->count);
	uint32_t size = le32toh(query->size);

	if (!kind)
		return VIRTIO_SND_S_NOT_SUPP;
	if (start > kind->count || count > kind->count - start || size < SND_INFO_MIN_BYTES ||
	    size > SND_INFO_MAX_BYTES)
		return VIRTIO_SND_S_BAD_MSG;
	if (chain_writable(chain) - sizeof(header) < (size_t)count * size)
		return VIRTIO_SND_S_BAD_MSG;
	chain_write(chain, &header, sizeof(header));
	/* What the driver does not know of is cut off; what we do not know of is 0. */
	for (uint32_t i = 0; i < count; i++) {
		uint8_t item[SND_INFO_MAX_BYTES] = { 0 };

		kind->fill(start + i, item);
		chain_write(chain, item, size);
	}
	return VIRTIO_SND_S_OK;
}
