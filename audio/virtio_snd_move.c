/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The period path: no lock, no allocation, no log, no file. Guest memory is read when the backend
 * has room for the samples, not before: a guest may write into a queued period until then.
 */
#include "virtio_snd_private.h"

#include <string.h>

static uint32_t snd_min(size_t a, size_t b)
{
	return (uint32_t)(a < b ? a : b);
}

/* The fourth byte of a 24-bit sample is the guest's to leave as it likes; the backend's is not. */
static void snd_extend_s24(uint8_t *samples, uint32_t bytes)
{
	for (uint32_t i = 0; i + 4 <= bytes; i += 4)
		samples[i + 3] = samples[i + 2] & 0x80 ? 0xff : 0;
}

/* Fills the bounce buffer with at most room frames of the message. */
static void snd_playback_fill(struct snd_stream *stream, struct chain *chain, uint32_t room)
{
	uint32_t frames = snd_min(room, SND_BOUNCE_BYTES / stream->frame_bytes);
	uint32_t want = frames * stream->frame_bytes - stream->bounce_bytes;

	stream->bounce_bytes +=
		(uint32_t)chain_read(chain, stream->bounce + stream->bounce_bytes, want);
	if (stream->params.format == AUDIO_FORMAT_S24)
		snd_extend_s24(stream->bounce, stream->bounce_bytes / stream->frame_bytes *
						       stream->frame_bytes);
}

/* False when the backend has no more room, else all of the message was taken. */
static bool snd_playback_move(struct snd_stream *stream, struct chain *chain, uint32_t *room)
{
	struct audio_backend *backend = stream->snd->backend;

	for (;;) {
		uint32_t frames = stream->bounce_bytes / stream->frame_bytes;
		uint32_t taken;

		if (frames == 0 && chain_readable(chain) == 0)
			return true;
		if (*room == 0)
			return false;
		if (frames == 0) {
			snd_playback_fill(stream, chain, *room);
			continue;
		}
		taken = backend->ops->write(backend, stream->bounce, snd_min(frames, *room));
		*room = taken ? *room - taken : 0;
		stream->bounce_bytes -= taken * stream->frame_bytes;
		memmove(stream->bounce, stream->bounce + taken * stream->frame_bytes,
			stream->bounce_bytes);
	}
}

/* False when the backend has no more samples, else the message is full but for its status. */
static bool snd_capture_move(struct snd_stream *stream, struct chain *chain, uint32_t *room)
{
	struct audio_backend *backend = stream->snd->backend;
	uint32_t frame_bytes = stream->frame_bytes;

	for (;;) {
		size_t left = chain_writable(chain) - sizeof(struct virtio_snd_pcm_status);
		uint32_t part = snd_min(left, stream->bounce_bytes);
		uint32_t frames;

		chain_write(chain, stream->bounce + stream->bounce_first, part);
		stream->bounce_first += part;
		stream->bounce_bytes -= part;
		left -= part;
		if (left == 0)
			return true;
		if (*room == 0)
			return false;
		frames = snd_min(*room, SND_BOUNCE_BYTES / frame_bytes);
		frames = snd_min(frames, (left + frame_bytes - 1) / frame_bytes);
		frames = backend->ops->read(backend, stream->bounce, frames);
		*room = frames ? *room - frames : 0;
		stream->bounce_first = 0;
		stream->bounce_bytes = frames * frame_bytes;
	}
}

void snd_stream_move(struct snd_stream *stream)
{
	struct audio_backend *backend = stream->snd->backend;
	uint32_t room;

	if (stream->state != SND_STATE_RUNNING || stream->pending_count == 0)
		return;
	room = backend->ops->room(backend, stream->direction);
	while (stream->pending_count) {
		struct chain *chain = stream->pending[stream->pending_first];
		bool done = stream->direction == AUDIO_PLAYBACK
				    ? snd_playback_move(stream, chain, &room)
				    : snd_capture_move(stream, chain, &room);

		if (!done)
			break;
		snd_stream_complete(stream, VIRTIO_SND_S_OK);
	}
	virtqueue_notify(stream->queue);
}
