/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sound_guest.h"

#include <linux/virtio_snd.h>
#include <string.h>

void sound_guest_command(struct sound_guest_stream *stream, uint32_t code)
{
	const struct virtio_snd_pcm_hdr request = { .hdr.code = code,
						    .stream_id = stream->direction };
	struct virtio_snd_hdr answer = { 0 };

	fake_queue_request(stream->control, &request, sizeof(request), &answer, sizeof(answer));
	if (answer.code != VIRTIO_SND_S_OK)
		fake_fail("sound command %#x: %#x", code, answer.code);
}

static void sound_guest_set_params(struct sound_guest_stream *stream, uint8_t format, uint8_t rate,
				   uint8_t channels)
{
	const struct virtio_snd_pcm_set_params request = {
		.hdr = { .hdr.code = VIRTIO_SND_R_PCM_SET_PARAMS,
			 .stream_id = stream->direction },
		.buffer_bytes = stream->period_bytes * stream->period_count,
		.period_bytes = stream->period_bytes,
		.channels = channels,
		.format = format,
		.rate = rate,
	};
	struct virtio_snd_hdr answer = { 0 };

	fake_queue_request(stream->control, &request, sizeof(request), &answer, sizeof(answer));
	if (answer.code != VIRTIO_SND_S_OK)
		fake_fail("SET_PARAMS: %#x", answer.code);
}

static void sound_guest_alloc(struct sound_guest_stream *stream)
{
	struct fake_memory *memory = fake_guest_memory(stream->guest);
	const struct virtio_snd_pcm_xfer header = { .stream_id = stream->direction };

	for (uint32_t i = 0; i < stream->period_count; i++) {
		struct sound_guest_period *period = &stream->periods[i];

		period->header_gpa = fake_memory_copy_in(memory, &header, sizeof(header));
		period->data_gpa = fake_memory_alloc(memory, stream->period_bytes, 64);
		period->status_gpa = fake_memory_alloc(memory,
						       sizeof(struct virtio_snd_pcm_status), 8);
		period->data = fake_memory_host(memory, period->data_gpa, stream->period_bytes);
		period->head = -1;
	}
}

void sound_guest_open(struct sound_guest_stream *stream, struct fake_guest *guest,
		      enum audio_direction direction, uint8_t format, uint8_t rate,
		      uint8_t channels, uint32_t period_bytes, uint32_t period_count)
{
	*stream = (struct sound_guest_stream){
		.guest = guest, .direction = direction, .period_bytes = period_bytes,
		.period_count = period_count,
		.control = fake_guest_queue(guest, VIRTIO_SND_VQ_CONTROL),
		.queue = fake_guest_queue(guest, direction == AUDIO_PLAYBACK ? VIRTIO_SND_VQ_TX :
									       VIRTIO_SND_VQ_RX),
	};
	if (period_count > SOUND_GUEST_MAX_PERIODS)
		fake_fail("too many periods");
	sound_guest_alloc(stream);
	sound_guest_set_params(stream, format, rate, channels);
	sound_guest_command(stream, VIRTIO_SND_R_PCM_PREPARE);
}

struct sound_guest_period *sound_guest_free(struct sound_guest_stream *stream)
{
	struct sound_guest_period *period =
		&stream->periods[stream->next_sent % stream->period_count];

	return period->head < 0 ? period : NULL;
}

void sound_guest_send(struct sound_guest_stream *stream, uint32_t bytes)
{
	struct sound_guest_period *period = sound_guest_free(stream);
	const struct fake_buffer buffers[] = {
		{ period->header_gpa, sizeof(struct virtio_snd_pcm_xfer), false },
		{ period->data_gpa, bytes, stream->direction == AUDIO_CAPTURE },
		{ period->status_gpa, sizeof(struct virtio_snd_pcm_status), true },
	};

	period->bytes = bytes;
	period->head = fake_queue_add(stream->queue, buffers, 3);
	if (period->head < 0)
		fake_fail("the sound queue is full");
	stream->next_sent++;
	fake_queue_kick(stream->queue);
}

struct sound_guest_period *sound_guest_done(struct sound_guest_stream *stream, bool wait)
{
	struct sound_guest_period *period =
		&stream->periods[stream->next_done % stream->period_count];
	struct virtio_snd_pcm_status status;
	uint32_t bytes = sizeof(status);
	struct fake_used used;

	if (wait ? !fake_queue_wait_used(stream->queue, &used) :
		   !fake_queue_get_used(stream->queue, &used)) {
		if (wait)
			fake_fail("no period came back within %d ms", FAKE_TIMEOUT_MS);
		return NULL;
	}
	if (stream->direction == AUDIO_CAPTURE)
		bytes += period->bytes;
	fake_memory_read(fake_guest_memory(stream->guest), period->status_gpa, &status,
			 sizeof(status));
	if (used.head != period->head || used.bytes != bytes || status.status != VIRTIO_SND_S_OK)
		fake_fail("period %u: head %u of %d, %u bytes of %u, status %#x", stream->next_done,
			  used.head, period->head, used.bytes, bytes, status.status);
	period->head = -1;
	stream->next_done++;
	return period;
}
