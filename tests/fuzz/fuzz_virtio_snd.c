/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sound device under a guest whose script is the fuzzer's bytes: requests, messages of any shape
 * in either queue, room given by the backend, queues stopped and resets in between. The rig's
 * backend ends the run when the device breaks the backend's rules.
 */
#include "audio_rig.h"
#include "fuzz.h"

#include <base/bytes.h>
#include <string.h>

static uint8_t fuzz_byte(struct byte_reader *script)
{
	uint8_t byte = 0;

	byte_reader_get(script, &byte, 1);
	return byte;
}

static uint16_t fuzz_word(struct byte_reader *script)
{
	return (uint16_t)(fuzz_byte(script) | fuzz_byte(script) << 8);
}

/* Any bytes as a request, room for any length of an answer. */
static void fuzz_request(struct audio_rig *rig, struct byte_reader *script)
{
	uint8_t request[32] = { 0 }, answer[256];
	size_t bytes = 1 + fuzz_byte(script) % sizeof(request);
	size_t room = fuzz_byte(script);

	byte_reader_get(script, request, bytes < script->left ? bytes : script->left);
	fake_queue_request(rig->control, request, bytes, answer, room);
}

/* Questions with numbers near those that are right. */
static void fuzz_query(struct audio_rig *rig, struct byte_reader *script)
{
	static const uint32_t codes[] = {
		VIRTIO_SND_R_JACK_INFO, VIRTIO_SND_R_PCM_INFO, VIRTIO_SND_R_CHMAP_INFO,
		VIRTIO_SND_R_JACK_REMAP,
	};
	const struct virtio_snd_query_info query = {
		.hdr.code = codes[fuzz_byte(script) % 4],
		.start_id = fuzz_byte(script) % 16,
		.count = fuzz_byte(script) % 16,
		.size = fuzz_word(script) % 300,
	};
	uint8_t answer[4096];

	fake_queue_request(rig->control, &query, sizeof(query), answer,
			   fuzz_word(script) % (sizeof(answer) + 1));
}

/* The requests that come far: of the least length, to a stream there is. */
static void fuzz_command(struct audio_rig *rig, struct byte_reader *script)
{
	uint8_t what = fuzz_byte(script);
	uint32_t stream = what & 1;
	struct virtio_snd_pcm_set_params params = audio_rig_params(stream);
	static const uint8_t formats[] = { 5, 15, 17, 19 };

	if (what >> 1 & 1) {
		params.channels = (uint8_t)(1 + fuzz_byte(script) % (stream ? 2 : 8));
		params.format = formats[what >> 2 & 3];
		params.rate = (uint8_t)(6 + fuzz_byte(script) % 7);
		params.period_bytes = 1u + fuzz_word(script);
		params.buffer_bytes = 2 * params.period_bytes;
		audio_rig_request(rig, &params, sizeof(params));
	}
	audio_rig_command(rig, VIRTIO_SND_R_PCM_PREPARE + (what >> 4 & 3), stream);
}

/* Up to four buffers of any length; the header usually is a good one. */
static void fuzz_message(struct audio_rig *rig, struct byte_reader *script)
{
	uint8_t what = fuzz_byte(script);
	uint32_t stream = what & 1;
	struct fake_queue *queue = stream ? rig->rx : rig->tx;
	struct fake_memory *memory = fake_guest_memory(rig->guest);
	uint32_t id = what & 2 ? fuzz_byte(script) : stream;
	struct fake_buffer buffers[4];
	size_t count = 1 + (what >> 4 & 3);

	for (size_t i = 0; i < count; i++) {
		uint32_t bytes = i == 0 && !(what & 4) ? sizeof(id) : fuzz_word(script) % 5000;

		buffers[i] = (struct fake_buffer){
			.gpa = fake_memory_alloc(memory, bytes + sizeof(id), 1),
			.bytes = bytes,
			.writable = i > (what >> 6 & 1),
		};
	}
	fake_memory_write(memory, buffers[0].gpa, &id, sizeof(id));
	fake_queue_add(queue, buffers, count);
	if (!(what & 8))
		fake_queue_kick(queue);
}

static void fuzz_give(struct audio_rig *rig, struct byte_reader *script)
{
	uint8_t what = fuzz_byte(script);
	enum audio_direction direction = what & 1 ? AUDIO_CAPTURE : AUDIO_PLAYBACK;

	rig->streams[direction].take_at_most = what >> 1 & 7;
	rig->streams[direction].delay = fuzz_word(script);
	if (rig->streams[direction].started)
		audio_rig_give(rig, direction, fuzz_word(script) % 2000);
}

static void fuzz_queue(struct audio_rig *rig, struct byte_reader *script)
{
	uint8_t what = fuzz_byte(script);
	uint16_t index = (uint16_t)(VIRTIO_SND_VQ_TX + (what & 1));

	if (what < 240) {
		fake_guest_stop_queue(rig->guest, index);
		audio_backend_notify(&rig->backend, what & 1 ? AUDIO_CAPTURE : AUDIO_PLAYBACK);
		if (fake_guest_start_queue(rig->guest, index) < 0)
			fake_fail("a queue does not start again");
	} else {
		fake_guest_stop(rig->guest);
		if (rig->streams[0].open || rig->streams[1].open)
			fake_fail("a stream is open after a reset");
		audio_rig_start(rig, what & 2 ? 0 : FAKE_ALL_FEATURES);
	}
}

static void fuzz_step(struct audio_rig *rig, struct byte_reader *script)
{
	struct fake_used used;

	switch (fuzz_byte(script) % 16) {
	case 0:
		fuzz_request(rig, script);
		break;
	case 8:
		fuzz_query(rig, script);
		break;
	case 1:
	case 2:
		fuzz_command(rig, script);
		break;
	case 3:
		fuzz_queue(rig, script);
		break;
	case 4:
		fuzz_give(rig, script);
		break;
	default:
		fuzz_message(rig, script);
		break;
	}
	fake_guest_run(rig->guest);
	while (fake_queue_get_used(rig->tx, &used) || fake_queue_get_used(rig->rx, &used))
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct byte_reader script = byte_reader_init(data, size);
	static struct audio_rig *rig;

	if (!rig)
		rig = audio_rig_create();
	fake_memory_reset(fake_guest_memory(rig->guest));
	audio_rig_start(rig, FAKE_ALL_FEATURES);
	while (script.left)
		fuzz_step(rig, &script);
	if (fake_guest_needs_resets(rig->guest))
		fake_fail("the device calls a sound ring broken");
	fake_guest_stop(rig->guest);
	rig->played_bytes = 0;
	return 0;
}
