/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stream's commands (virtio 1.2, 5.14.6.6) and its I/O messages (5.14.6.8). */
#include "virtio_snd_private.h"

#include <base/log.h>
#include <endian.h>
#include <string.h>

#define BIT(n) (1u << (n))

/* Which states a command may follow (5.14.6.6.1). */
#define SND_MAY_SET_PARAMS                                                                         \
	(BIT(SND_STATE_NONE) | BIT(SND_STATE_PARAMS) | BIT(SND_STATE_PREPARED) |                   \
	 BIT(SND_STATE_RELEASED))
#define SND_MAY_PREPARE                                                                            \
	(BIT(SND_STATE_PARAMS) | BIT(SND_STATE_PREPARED) | BIT(SND_STATE_RELEASED))
#define SND_MAY_START (BIT(SND_STATE_PREPARED) | BIT(SND_STATE_STOPPED))
#define SND_MAY_STOP BIT(SND_STATE_RUNNING)
#define SND_MAY_RELEASE (BIT(SND_STATE_PREPARED) | BIT(SND_STATE_STOPPED))
/* States in which messages are taken. */
#define SND_TAKES_MESSAGES                                                                         \
	(BIT(SND_STATE_PREPARED) | BIT(SND_STATE_RUNNING) | BIT(SND_STATE_STOPPED))

/* --- messages ---------------------------------------------------------------------------- */

static uint32_t snd_stream_latency(struct snd_stream *stream)
{
	struct audio_backend *backend = stream->snd->backend;
	uint64_t bytes;

	if (stream->state != SND_STATE_RUNNING)
		return 0;
	bytes = (uint64_t)backend->ops->delay(backend, stream->direction) * stream->frame_bytes;
	return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

/* The status is the last thing of a capture message, whatever of it was recorded. */
static void snd_message_answer(struct snd_stream *stream, struct chain *chain, uint32_t status)
{
	struct virtio_snd_pcm_status answer = {
		.status = htole32(status),
		.latency_bytes = htole32(snd_stream_latency(stream)),
	};

	if (stream->direction == AUDIO_CAPTURE)
		chain_skip_writable(chain, chain_writable(chain) - sizeof(answer));
	chain_write(chain, &answer, sizeof(answer));
	virtqueue_push(stream->queue, chain);
}

/* What was not recorded is silence, not what the guest's buffer held before. */
static void snd_message_silence(struct chain *chain)
{
	static const uint8_t silence[4096];
	size_t left = chain_writable(chain) - sizeof(struct virtio_snd_pcm_status);

	while (left)
		left -= chain_write(chain, silence, left < sizeof(silence) ? left : sizeof(silence));
}

void snd_stream_complete(struct snd_stream *stream, uint32_t status)
{
	struct chain *chain = stream->pending[stream->pending_first];

	stream->pending_first = (stream->pending_first + 1) % SND_IO_QUEUE_SIZE;
	stream->pending_count--;
	if (stream->direction == AUDIO_CAPTURE && status == VIRTIO_SND_S_OK)
		snd_message_silence(chain);
	snd_message_answer(stream, chain, status);
}

/* Reads the header. VIRTIO_SND_S_OK: it is this stream's and may wait for its turn. */
static uint32_t snd_message_check(struct snd_stream *stream, struct chain *chain)
{
	struct virtio_snd_pcm_xfer header;
	size_t bytes;

	if (chain_read(chain, &header, sizeof(header)) < sizeof(header)) {
		log_guest_bug("%s: a message without a header", stream->snd->base.name);
		return VIRTIO_SND_S_BAD_MSG;
	}
	if (le32toh(header.stream_id) != stream->direction) {
		log_guest_bug("%s: a message for stream %u in the queue of stream %u",
			      stream->snd->base.name, le32toh(header.stream_id),
			      stream->direction);
		return VIRTIO_SND_S_BAD_MSG;
	}
	bytes = stream->direction == AUDIO_PLAYBACK
			? chain_readable(chain)
			: chain_writable(chain) - sizeof(struct virtio_snd_pcm_status);
	if (bytes > SND_MESSAGE_MAX_BYTES) {
		log_guest_bug("%s: a message of %zu bytes", stream->snd->base.name, bytes);
		return VIRTIO_SND_S_BAD_MSG;
	}
	return BIT(stream->state) & SND_TAKES_MESSAGES ? VIRTIO_SND_S_OK : VIRTIO_SND_S_IO_ERR;
}

static void snd_stream_accept(struct snd_stream *stream, struct chain *chain)
{
	unsigned int slot = (stream->pending_first + stream->pending_count) % SND_IO_QUEUE_SIZE;
	uint32_t status;

	if (chain_writable(chain) < sizeof(struct virtio_snd_pcm_status)) {
		log_guest_bug("%s: a message without room for its status", stream->snd->base.name);
		virtqueue_push(stream->queue, chain);
		return;
	}
	status = snd_message_check(stream, chain);
	if (status != VIRTIO_SND_S_OK) {
		snd_message_answer(stream, chain, status);
		return;
	}
	stream->pending[slot] = chain;
	stream->pending_count++;
}

/* False when it stopped at a ring full of messages: there may be more. */
static bool snd_stream_take(struct snd_stream *stream)
{
	for (unsigned int i = 0; i < SND_IO_QUEUE_SIZE; i++) {
		struct chain *chain = virtqueue_pop(stream->queue);

		if (!chain)
			return true;
		snd_stream_accept(stream, chain);
	}
	return false;
}

void snd_stream_kicked(struct virtqueue *queue, void *data)
{
	struct snd_stream *stream = data;

	/* A guest that refills as fast as it is answered does not keep the loop from its other work. */
	if (!snd_stream_take(stream))
		virtqueue_kick_self(queue);
	snd_stream_move(stream);
	virtqueue_notify(queue);
}

/* Gives back every message there is, also those whose kick has not been looked at yet. */
static void snd_stream_flush(struct snd_stream *stream, uint32_t status)
{
	if (stream->queue) {
		/* Whatever was there when the command came is taken by this; what came since, later. */
		if (!snd_stream_take(stream))
			virtqueue_kick_self(stream->queue);
		while (stream->pending_count)
			snd_stream_complete(stream, status);
		virtqueue_notify(stream->queue);
	}
	stream->bounce_bytes = 0;
}

void snd_stream_forget(struct snd_stream *stream)
{
	stream->pending_first = stream->pending_count = 0;
	stream->bounce_bytes = 0;
}

/* --- commands ---------------------------------------------------------------------------- */

static bool snd_stream_may(struct snd_stream *stream, uint32_t states, const char *command)
{
	if (BIT(stream->state) & states)
		return true;
	log_guest_bug("%s: stream %u: %s in state %d", stream->snd->base.name, stream->direction,
		      command, stream->state);
	return false;
}

uint32_t snd_stream_set_params(struct snd_stream *stream,
			       const struct virtio_snd_pcm_set_params *request)
{
	struct audio_backend *backend = stream->snd->backend;
	uint32_t period_bytes = le32toh(request->period_bytes);
	uint32_t buffer_bytes = le32toh(request->buffer_bytes);
	struct audio_params params = { 0 };
	uint32_t frame_bytes;

	if (!snd_stream_may(stream, SND_MAY_SET_PARAMS, "SET_PARAMS"))
		return VIRTIO_SND_S_BAD_MSG;
	if (period_bytes == 0 || buffer_bytes == 0 || buffer_bytes % period_bytes)
		return VIRTIO_SND_S_BAD_MSG;
	if (request->features || period_bytes > SND_MESSAGE_MAX_BYTES ||
	    !virtio_snd_params(stream->direction, request, &params))
		return VIRTIO_SND_S_NOT_SUPP;
	frame_bytes = audio_format_bytes(params.format) * params.channels;
	params.period_frames = period_bytes > frame_bytes ? period_bytes / frame_bytes : 1;
	params.buffer_frames = buffer_bytes > frame_bytes ? buffer_bytes / frame_bytes : 1;

	/* Prepared already: it is not any more, and what waits was meant in the old format. */
	if (stream->state == SND_STATE_PREPARED) {
		snd_stream_flush(stream, VIRTIO_SND_S_IO_ERR);
		backend->ops->close(backend, stream->direction);
	}
	stream->params = params;
	stream->frame_bytes = frame_bytes;
	stream->state = SND_STATE_PARAMS;
	return VIRTIO_SND_S_OK;
}

uint32_t snd_stream_prepare(struct snd_stream *stream)
{
	struct audio_backend *backend = stream->snd->backend;

	if (!snd_stream_may(stream, SND_MAY_PREPARE, "PREPARE"))
		return VIRTIO_SND_S_BAD_MSG;
	if (stream->state != SND_STATE_PREPARED &&
	    backend->ops->open(backend, stream->direction, &stream->params) < 0)
		return VIRTIO_SND_S_IO_ERR;
	stream->state = SND_STATE_PREPARED;
	return VIRTIO_SND_S_OK;
}

uint32_t snd_stream_start(struct snd_stream *stream)
{
	struct audio_backend *backend = stream->snd->backend;

	if (!snd_stream_may(stream, SND_MAY_START, "START"))
		return VIRTIO_SND_S_BAD_MSG;
	if (backend->ops->start(backend, stream->direction) < 0)
		return VIRTIO_SND_S_IO_ERR;
	stream->state = SND_STATE_RUNNING;
	return VIRTIO_SND_S_OK;
}

/* Messages stay pending: a pause goes on with them, and only RELEASE gives them back. */
uint32_t snd_stream_stop(struct snd_stream *stream)
{
	struct audio_backend *backend = stream->snd->backend;

	if (!snd_stream_may(stream, SND_MAY_STOP, "STOP"))
		return VIRTIO_SND_S_BAD_MSG;
	backend->ops->stop(backend, stream->direction);
	stream->state = SND_STATE_STOPPED;
	return VIRTIO_SND_S_OK;
}

uint32_t snd_stream_release(struct snd_stream *stream)
{
	struct audio_backend *backend = stream->snd->backend;

	if (!snd_stream_may(stream, SND_MAY_RELEASE, "RELEASE"))
		return VIRTIO_SND_S_BAD_MSG;
	/* Before the answer (5.14.6.6.5.1); what the backend was not given is dropped, which is no
	 * error. */
	snd_stream_flush(stream, VIRTIO_SND_S_OK);
	backend->ops->close(backend, stream->direction);
	stream->state = SND_STATE_RELEASED;
	return VIRTIO_SND_S_OK;
}

void snd_stream_reset(struct snd_stream *stream)
{
	struct audio_backend *backend = stream->snd->backend;

	snd_stream_forget(stream);
	backend->ops->close(backend, stream->direction);
	stream->state = SND_STATE_NONE;
	memset(&stream->params, 0, sizeof(stream->params));
	stream->frame_bytes = 0;
}
