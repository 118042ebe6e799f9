/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "audio_rig.h"

#include <base/log.h>
#include <base/loop.h>
#include <stdlib.h>
#include <string.h>

/* --- the backend ------------------------------------------------------------------------- */

static struct audio_rig *rig_from(struct audio_backend *backend)
{
	return (struct audio_rig *)((char *)backend - offsetof(struct audio_rig, backend));
}

static int rig_open(struct audio_backend *backend, enum audio_direction direction,
		    const struct audio_params *params)
{
	struct audio_rig_stream *stream = &rig_from(backend)->streams[direction];

	if (stream->open)
		fake_fail("a stream that is open is opened");
	if (!audio_params_valid(params))
		fake_fail("a stream is opened with bad params");
	if (stream->open_error)
		return stream->open_error;
	stream->open = true;
	stream->opens++;
	stream->params = *params;
	stream->frame_bytes = audio_frame_bytes(params);
	return 0;
}

static void rig_stop(struct audio_backend *backend, enum audio_direction direction)
{
	struct audio_rig_stream *stream = &rig_from(backend)->streams[direction];

	if (stream->started)
		stream->stops++;
	stream->started = false;
	stream->room = 0;
}

static void rig_close(struct audio_backend *backend, enum audio_direction direction)
{
	struct audio_rig_stream *stream = &rig_from(backend)->streams[direction];

	rig_stop(backend, direction);
	if (stream->open)
		stream->closes++;
	stream->open = false;
}

static int rig_start(struct audio_backend *backend, enum audio_direction direction)
{
	struct audio_rig_stream *stream = &rig_from(backend)->streams[direction];

	if (!stream->open || stream->started)
		fake_fail("start of a stream that is not open or runs already");
	if (stream->start_error)
		return stream->start_error;
	stream->started = true;
	stream->starts++;
	return 0;
}

static uint32_t rig_room(struct audio_backend *backend, enum audio_direction direction)
{
	struct audio_rig_stream *stream = &rig_from(backend)->streams[direction];

	return stream->started ? stream->room : 0;
}

static uint32_t rig_count(struct audio_rig_stream *stream, uint32_t count)
{
	if (!stream->started || count > stream->room)
		fake_fail("%u frames are moved where there is room for %u", count,
			  stream->started ? stream->room : 0);
	if (stream->take_at_most && count > stream->take_at_most)
		count = stream->take_at_most;
	stream->room -= count;
	stream->frames += count;
	return count;
}

static uint32_t rig_write(struct audio_backend *backend, const void *frames, uint32_t count)
{
	struct audio_rig *rig = rig_from(backend);
	struct audio_rig_stream *stream = &rig->streams[AUDIO_PLAYBACK];
	size_t bytes;

	count = rig_count(stream, count);
	bytes = (size_t)count * stream->frame_bytes;
	if (bytes > AUDIO_RIG_MAX_BYTES - rig->played_bytes)
		rig->played_bytes = 0;
	memcpy(rig->played + rig->played_bytes, frames, bytes);
	rig->played_bytes += bytes;
	return count;
}

uint8_t audio_rig_pattern(uint64_t n)
{
	return (uint8_t)(n * 167 + n / 251);
}

static uint32_t rig_read(struct audio_backend *backend, void *frames, uint32_t count)
{
	struct audio_rig *rig = rig_from(backend);
	struct audio_rig_stream *stream = &rig->streams[AUDIO_CAPTURE];

	count = rig_count(stream, count);
	for (size_t i = 0; i < (size_t)count * stream->frame_bytes; i++)
		((uint8_t *)frames)[i] = audio_rig_pattern(rig->recorded_bytes++);
	return count;
}

static uint32_t rig_delay(struct audio_backend *backend, enum audio_direction direction)
{
	return rig_from(backend)->streams[direction].delay;
}

static void rig_destroy(struct audio_backend *backend)
{
}

static const struct audio_backend_ops rig_ops = {
	.open = rig_open,
	.close = rig_close,
	.start = rig_start,
	.stop = rig_stop,
	.room = rig_room,
	.write = rig_write,
	.read = rig_read,
	.delay = rig_delay,
	.destroy = rig_destroy,
};

void audio_rig_init_backend(struct audio_rig *rig, struct loop *loop)
{
	rig->backend = (struct audio_backend){ .ops = &rig_ops, .loop = loop };
	rig->played = malloc(AUDIO_RIG_MAX_BYTES);
	if (!rig->played)
		fake_fail("no memory for a rig");
}

void audio_rig_finish_backend(struct audio_rig *rig)
{
	free(rig->played);
}

/* --- the rig ----------------------------------------------------------------------------- */

struct audio_rig *audio_rig_create(void)
{
	struct audio_rig *rig = calloc(1, sizeof(*rig));
	struct virtio_device *device;

	if (!rig)
		fake_fail("no memory for a rig");
	/* The tests' broken requests are no news, unless asked for. */
	setenv("VITRINE_LOG", "error", 0);
	log_init(NULL);
	rig->loop = loop_create("audio");
	audio_rig_init_backend(rig, rig->loop);
	device = virtio_snd_create(rig->loop, &rig->backend);
	if (!device)
		fake_fail("cannot create a sound device");
	rig->guest = fake_guest_create(device, FAKE_LOOP_DISPATCHED);
	return rig;
}

void audio_rig_start(struct audio_rig *rig, uint64_t features)
{
	if (fake_guest_start(rig->guest, features) < 0)
		fake_fail("the sound device does not start");
	rig->control = fake_guest_queue(rig->guest, VIRTIO_SND_VQ_CONTROL);
	rig->event = fake_guest_queue(rig->guest, VIRTIO_SND_VQ_EVENT);
	rig->tx = fake_guest_queue(rig->guest, VIRTIO_SND_VQ_TX);
	rig->rx = fake_guest_queue(rig->guest, VIRTIO_SND_VQ_RX);
	memset(rig->done, 0, sizeof(rig->done));
}

void audio_rig_destroy(struct audio_rig *rig)
{
	fake_guest_destroy(rig->guest);
	if (rig->streams[AUDIO_PLAYBACK].open || rig->streams[AUDIO_CAPTURE].open)
		fake_fail("the device is gone and a stream is open");
	if (rig->backend.listener.notify)
		fake_fail("the device is gone and listens");
	audio_rig_finish_backend(rig);
	loop_destroy(rig->loop);
	free(rig);
}

int audio_rig_setup(void **state)
{
	struct audio_rig *rig = audio_rig_create();

	audio_rig_start(rig, FAKE_ALL_FEATURES);
	*state = rig;
	return 0;
}

int audio_rig_teardown(void **state)
{
	audio_rig_destroy(*state);
	return 0;
}

uint32_t audio_rig_request(struct audio_rig *rig, const void *request, size_t bytes)
{
	struct virtio_snd_hdr answer = { 0 };

	if (fake_queue_request(rig->control, request, bytes, &answer, sizeof(answer)) !=
	    sizeof(answer))
		return 0;
	return answer.code;
}

uint32_t audio_rig_command(struct audio_rig *rig, uint32_t code, uint32_t stream)
{
	const struct virtio_snd_pcm_hdr request = { .hdr.code = code, .stream_id = stream };

	return audio_rig_request(rig, &request, sizeof(request));
}

struct virtio_snd_pcm_set_params audio_rig_params(uint32_t stream)
{
	return (struct virtio_snd_pcm_set_params){
		.hdr = { .hdr.code = VIRTIO_SND_R_PCM_SET_PARAMS, .stream_id = stream },
		.buffer_bytes = 4 * 480 * 4,
		.period_bytes = 480 * 4,
		.channels = 2,
		.format = VIRTIO_SND_PCM_FMT_S16,
		.rate = VIRTIO_SND_PCM_RATE_48000,
	};
}

void audio_rig_prepare(struct audio_rig *rig, const struct virtio_snd_pcm_set_params *params)
{
	if (audio_rig_request(rig, params, sizeof(*params)) != VIRTIO_SND_S_OK)
		fake_fail("SET_PARAMS failed");
	if (audio_rig_command(rig, VIRTIO_SND_R_PCM_PREPARE, params->hdr.stream_id) !=
	    VIRTIO_SND_S_OK)
		fake_fail("PREPARE failed");
}

void audio_rig_run(struct audio_rig *rig, const struct virtio_snd_pcm_set_params *params)
{
	audio_rig_prepare(rig, params);
	if (audio_rig_command(rig, VIRTIO_SND_R_PCM_START, params->hdr.stream_id) !=
	    VIRTIO_SND_S_OK)
		fake_fail("START failed");
}

void audio_rig_give(struct audio_rig *rig, enum audio_direction direction, uint32_t frames)
{
	rig->streams[direction].room += frames;
	audio_backend_notify(&rig->backend, direction);
}

/* --- messages ---------------------------------------------------------------------------- */

struct audio_rig_message audio_rig_send(struct audio_rig *rig, enum audio_direction direction,
					uint32_t stream, const void *data, uint32_t bytes,
					bool kick)
{
	struct fake_memory *memory = fake_guest_memory(rig->guest);
	struct fake_queue *queue = direction == AUDIO_PLAYBACK ? rig->tx : rig->rx;
	const struct virtio_snd_pcm_xfer header = { .stream_id = stream };
	struct audio_rig_message message = {
		.direction = direction,
		.data_gpa = fake_memory_alloc(memory, bytes ? bytes : 1, 1),
		.status_gpa = fake_memory_alloc(memory, sizeof(struct virtio_snd_pcm_status), 4),
		.bytes = bytes,
	};
	const struct fake_buffer buffers[] = {
		{ fake_memory_copy_in(memory, &header, sizeof(header)), sizeof(header), false },
		{ message.data_gpa, bytes, direction == AUDIO_CAPTURE },
		{ message.status_gpa, sizeof(struct virtio_snd_pcm_status), true },
	};
	int head;

	if (data)
		fake_memory_write(memory, message.data_gpa, data, bytes);
	head = fake_queue_add(queue, buffers, 3);
	if (head < 0)
		fake_fail("the queue is full");
	message.head = (uint16_t)head;
	rig->done[direction][head] = false;
	if (kick) {
		fake_queue_kick(queue);
		fake_guest_run(rig->guest);
	}
	return message;
}

struct audio_rig_message audio_rig_play(struct audio_rig *rig, const void *data, uint32_t bytes)
{
	return audio_rig_send(rig, AUDIO_PLAYBACK, AUDIO_PLAYBACK, data, bytes, true);
}

struct audio_rig_message audio_rig_record(struct audio_rig *rig, uint32_t bytes)
{
	return audio_rig_send(rig, AUDIO_CAPTURE, AUDIO_CAPTURE, NULL, bytes, true);
}

bool audio_rig_done(struct audio_rig *rig, const struct audio_rig_message *message,
		    struct virtio_snd_pcm_status *status)
{
	enum audio_direction direction = message->direction;
	struct fake_used used;

	while (fake_queue_get_used(direction == AUDIO_PLAYBACK ? rig->tx : rig->rx, &used)) {
		rig->done[direction][used.head] = true;
		rig->written[direction][used.head] = used.bytes;
	}
	if (status)
		fake_memory_read(fake_guest_memory(rig->guest), message->status_gpa, status,
				 sizeof(*status));
	return rig->done[direction][message->head];
}

uint32_t audio_rig_status(struct audio_rig *rig, const struct audio_rig_message *message)
{
	struct virtio_snd_pcm_status status;

	return audio_rig_done(rig, message, &status) ? status.status : 0;
}
