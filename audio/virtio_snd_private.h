/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the sound device. Everything on the audio loop.
 *
 *   virtio_snd.c          the device, its queues and config space
 *   virtio_snd_control.c  requests of the control queue
 *   virtio_snd_info.c     what jacks, streams and channel maps there are
 *   virtio_snd_stream.c   a stream's states and its pending messages
 *   virtio_snd_move.c     samples between messages and the backend
 */
#ifndef AUDIO_VIRTIO_SND_PRIVATE_H
#define AUDIO_VIRTIO_SND_PRIVATE_H

#include <audio/backend.h>
#include <audio/virtio_snd.h>
#include <linux/virtio_snd.h>
#include <stdbool.h>
#include <stddef.h>
#include <virtio/device.h>

#define SND_CONTROL_QUEUE_SIZE 64
#define SND_EVENT_QUEUE_SIZE 64
#define SND_IO_QUEUE_SIZE 256

#define SND_JACKS 2
/* A stream's number is its direction's. */
#define SND_STREAMS AUDIO_DIRECTIONS
#define SND_PLAYBACK_CHANNELS AUDIO_MAX_CHANNELS
#define SND_CAPTURE_CHANNELS 2u
/* One for every number of channels of either stream: playback's first. */
#define SND_CHMAPS (SND_PLAYBACK_CHANNELS + SND_CAPTURE_CHANNELS)

/* Samples of one message: 170 ms of the most a stream can have. */
#define SND_MESSAGE_MAX_BYTES (1u << 20)
#define SND_BOUNCE_BYTES 8192u

/* virtio 1.2, 5.14.6.6.1: the last command that succeeded. */
enum snd_state {
	SND_STATE_NONE,
	SND_STATE_PARAMS,
	SND_STATE_PREPARED,
	SND_STATE_RUNNING,
	SND_STATE_STOPPED,
	SND_STATE_RELEASED,
};

struct snd_stream {
	struct virtio_snd *snd;
	enum audio_direction direction;
	enum snd_state state;
	struct audio_params params;     /* as set, from SND_STATE_PARAMS on */
	uint32_t frame_bytes;
	struct virtqueue *queue;        /* tx or rx; NULL: stopped */
	/* Messages in the order they came, with their headers read and their samples not yet. */
	struct chain *pending[SND_IO_QUEUE_SIZE];
	unsigned int pending_first, pending_count;
	/*
	 * Bytes on their way. Messages are one stream of bytes: where one ends in the middle of a
	 * frame, the part waits here for the rest of it, so that channels never shift.
	 */
	uint8_t bounce[SND_BOUNCE_BYTES] __attribute__((aligned(8)));
	uint32_t bounce_first, bounce_bytes;
};

struct virtio_snd {
	struct virtio_device base;
	struct audio_backend *backend;
	struct virtqueue *control, *event;
	struct snd_stream streams[SND_STREAMS];
};

/* --- virtio_snd_control.c ------------------------------------------------------------------- */

virtqueue_func virtio_snd_control_kicked;

/* --- virtio_snd_info.c ---------------------------------------------------------------------- */

/* Checks the query and writes the whole answer. Returns a VIRTIO_SND_S_*; when it is not OK nothing
 * was written. */
uint32_t virtio_snd_info(uint32_t code, const struct virtio_snd_query_info *query,
			 struct chain *chain);
/* Fills everything but period and buffer. False: not what VIRTIO_SND_R_PCM_INFO offers. */
bool virtio_snd_params(enum audio_direction direction,
		       const struct virtio_snd_pcm_set_params *request,
		       struct audio_params *params);

/* --- virtio_snd_stream.c -------------------------------------------------------------------- */

/* The commands of the control queue. A VIRTIO_SND_S_*. */
uint32_t snd_stream_set_params(struct snd_stream *stream,
			       const struct virtio_snd_pcm_set_params *request);
uint32_t snd_stream_prepare(struct snd_stream *stream);
uint32_t snd_stream_start(struct snd_stream *stream);
uint32_t snd_stream_stop(struct snd_stream *stream);
uint32_t snd_stream_release(struct snd_stream *stream);
/* Back to SND_STATE_NONE; its queue is stopped. */
void snd_stream_reset(struct snd_stream *stream);
/* Forgets the messages: their queue is about to go. */
void snd_stream_forget(struct snd_stream *stream);
/* Answers the oldest pending message and gives it back. */
void snd_stream_complete(struct snd_stream *stream, uint32_t status);
/* The tx and rx queues' handler; data: the stream. */
virtqueue_func snd_stream_kicked;

/* --- virtio_snd_move.c ---------------------------------------------------------------------- */

/* Moves what can be moved now. Nothing unless the stream runs. */
void snd_stream_move(struct snd_stream *stream);

#endif
