/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wav_file.h"

#include <base/bytes.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define WAV_PCM 1u
#define WAV_FLOAT 3u
#define WAV_EXTENSIBLE 0xfffeu

/* Bytes before the file's length begins to count. */
#define WAV_RIFF_BYTES 8u

/* dwChannelMask's bit of a position; 0: it has none. */
static uint32_t wav_speaker(uint8_t position)
{
	static const uint32_t bits[] = {
		[AUDIO_POSITION_MONO] = 0x4,  [AUDIO_POSITION_FL] = 0x1,
		[AUDIO_POSITION_FR] = 0x2,    [AUDIO_POSITION_RL] = 0x10,
		[AUDIO_POSITION_RR] = 0x20,   [AUDIO_POSITION_FC] = 0x4,
		[AUDIO_POSITION_LFE] = 0x8,   [AUDIO_POSITION_SL] = 0x200,
		[AUDIO_POSITION_SR] = 0x400,
	};

	return position < sizeof(bits) / sizeof(bits[0]) ? bits[position] : 0;
}

/* The channels by rising bits. Where a position has no bit, or two have the same, they stay as they
 * are and the file says nothing of speakers. */
static void wav_order_channels(struct wav_file *file)
{
	uint32_t channels = file->params.channels;
	uint32_t count = 0;

	file->mask = 0;
	for (uint32_t i = 0; i < channels; i++)
		file->mask |= wav_speaker(file->params.positions[i]);
	for (uint32_t bit = 1; bit && bit <= file->mask; bit <<= 1) {
		for (uint32_t i = 0; i < channels; i++) {
			if (wav_speaker(file->params.positions[i]) == bit && count < channels)
				file->from[count++] = (uint8_t)i;
		}
	}
	if (count < channels || (uint32_t)__builtin_popcount(file->mask) < channels) {
		file->mask = 0;
		for (uint32_t i = 0; i < channels; i++)
			file->from[i] = (uint8_t)i;
	}
	file->reordered = false;
	for (uint32_t i = 0; i < channels; i++)
		file->reordered |= file->from[i] != i;
}

/* --- header ------------------------------------------------------------------------------ */

static uint8_t *wav_put_chunk(uint8_t *to, const char *name, uint32_t bytes)
{
	memcpy(to, name, 4);
	le32_store(to + 4, bytes);
	return to + 8;
}

/* WAVEFORMAT, and what of WAVEFORMATEX and WAVEFORMATEXTENSIBLE the format needs. */
static uint8_t *wav_put_format(const struct wav_file *file, uint8_t *to)
{
	static const uint8_t guid_tail[14] = {
		0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71,
	};
	const struct audio_params *params = &file->params;
	uint32_t bits = audio_format_bytes(params->format) * 8;
	uint16_t tag = params->format == AUDIO_FORMAT_FLOAT ? WAV_FLOAT : WAV_PCM;
	bool extensible = params->channels > 2 || params->format == AUDIO_FORMAT_S24 ||
			  params->format == AUDIO_FORMAT_S32;
	uint32_t bytes = extensible ? 40 : tag == WAV_FLOAT ? 18 : 16;

	to = wav_put_chunk(to, "fmt ", bytes);
	memset(to, 0, bytes);
	le16_store(to, extensible ? WAV_EXTENSIBLE : tag);
	le16_store(to + 2, (uint16_t)params->channels);
	le32_store(to + 4, params->rate);
	le32_store(to + 8, params->rate * file->frame_bytes);
	le16_store(to + 12, (uint16_t)file->frame_bytes);
	le16_store(to + 14, (uint16_t)bits);
	if (extensible) {
		le16_store(to + 16, 22);
		le16_store(to + 18, params->format == AUDIO_FORMAT_S24 ? 24 : (uint16_t)bits);
		le32_store(to + 20, file->mask);
		le16_store(to + 24, tag);
		memcpy(to + 26, guid_tail, sizeof(guid_tail));
	}
	return to + bytes;
}

uint32_t wav_header(const struct wav_file *file, uint8_t header[WAV_MAX_HEADER_BYTES])
{
	uint8_t *end = header + 12;

	end = wav_put_format(file, end);
	if (file->params.format == AUDIO_FORMAT_FLOAT) {
		end = wav_put_chunk(end, "fact", 4);
		le32_store(end, file->data_bytes / file->frame_bytes);
		end += 4;
	}
	end = wav_put_chunk(end, "data", file->data_bytes);
	wav_put_chunk(header, "RIFF", (uint32_t)(end - header) - WAV_RIFF_BYTES + file->data_bytes);
	memcpy(header + 8, "WAVE", 4);
	return (uint32_t)(end - header);
}

/* --- file -------------------------------------------------------------------------------- */

static int wav_write_all(int fd, const uint8_t *from, size_t bytes, off_t offset)
{
	while (bytes) {
		ssize_t done = pwrite(fd, from, bytes, offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? -errno : -EIO;
		from += done;
		bytes -= (size_t)done;
		offset += done;
	}
	return 0;
}

int wav_file_update(struct wav_file *file)
{
	uint8_t header[WAV_MAX_HEADER_BYTES];

	return wav_write_all(file->fd, header, wav_header(file, header), 0);
}

int wav_file_describe(struct wav_file *file, const struct audio_params *params,
		      uint32_t max_data_bytes)
{
	uint8_t header[WAV_MAX_HEADER_BYTES];
	uint32_t limit;

	file->params = *params;
	file->frame_bytes = audio_frame_bytes(params);
	file->data_bytes = 0;
	wav_order_channels(file);
	file->header_bytes = wav_header(file, header);
	limit = UINT32_MAX - (file->header_bytes - WAV_RIFF_BYTES);
	if (max_data_bytes && max_data_bytes < limit)
		limit = max_data_bytes;
	file->max_data_bytes = limit - limit % file->frame_bytes;
	if (ftruncate(file->fd, 0) < 0)
		return -errno;
	return wav_write_all(file->fd, header, file->header_bytes, 0);
}

int wav_file_create(struct wav_file *file, const char *path, const struct audio_params *params,
		    uint32_t max_data_bytes)
{
	int result;

	*file = (struct wav_file){
		.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644),
		.params = *params,
	};
	if (file->fd < 0)
		return -errno;
	result = wav_file_describe(file, params, max_data_bytes);
	if (result < 0) {
		close(file->fd);
		file->fd = -1;
	}
	return result;
}

uint32_t wav_file_room(const struct wav_file *file)
{
	return (file->max_data_bytes - file->data_bytes) / file->frame_bytes;
}

static void wav_reorder(const struct wav_file *file, uint8_t *frames, uint32_t count)
{
	uint32_t bytes = audio_format_bytes(file->params.format);
	uint8_t frame[AUDIO_MAX_FRAME_BYTES];

	for (uint32_t i = 0; i < count; i++, frames += file->frame_bytes) {
		memcpy(frame, frames, file->frame_bytes);
		for (uint32_t c = 0; c < file->params.channels; c++)
			memcpy(frames + c * bytes, frame + file->from[c] * bytes, bytes);
	}
}

int wav_file_append(struct wav_file *file, void *frames, uint32_t count)
{
	uint32_t bytes = count * file->frame_bytes;
	int result;

	if (file->reordered)
		wav_reorder(file, frames, count);
	if (file->params.format == AUDIO_FORMAT_S24) {
		uint8_t *sample = frames;

		for (uint32_t i = 0; i < bytes; i += 4)
			le32_store(sample + i, le32_load(sample + i) << 8);
	}
	result = wav_write_all(file->fd, frames, bytes,
			       (off_t)file->header_bytes + (off_t)file->data_bytes);
	if (result == 0)
		file->data_bytes += bytes;
	return result;
}

int wav_file_close(struct wav_file *file)
{
	int result;

	if (file->fd < 0)
		return 0;
	result = wav_file_update(file);
	if (close(file->fd) < 0 && result == 0)
		result = -errno;
	file->fd = -1;
	return result;
}
