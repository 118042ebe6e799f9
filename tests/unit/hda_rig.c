/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hda_rig.h"

#include <base/bytes.h>
#include <base/loop.h>
#include <fake/guest.h>
#include <string.h>

#define RIG_RING_ENTRIES 256u
#define RIG_TURNS_MAX 100000u

static struct hda_backend *hda_backend_of(struct audio_backend *backend)
{
	return (struct hda_backend *)backend;
}

static void hda_backend_check(bool right, const char *otherwise)
{
	if (!right)
		fake_fail("hda backend: %s", otherwise);
}

static int hda_backend_open(struct audio_backend *base, enum audio_direction direction,
			    const struct audio_params *params)
{
	struct hda_backend *backend = hda_backend_of(base);

	hda_backend_check(!backend->open[direction], "opened twice");
	hda_backend_check(audio_params_valid(params), "opened with invalid params");
	backend->opens++;
	if (backend->open_error)
		return backend->open_error;
	backend->open[direction] = true;
	backend->params[direction] = *params;
	backend->frame_bytes[direction] = audio_frame_bytes(params);
	return 0;
}

static void hda_backend_stop(struct audio_backend *base, enum audio_direction direction)
{
	struct hda_backend *backend = hda_backend_of(base);

	backend->stops++;
	backend->started[direction] = false;
	backend->room[direction] = 0;
}

static void hda_backend_close(struct audio_backend *base, enum audio_direction direction)
{
	struct hda_backend *backend = hda_backend_of(base);

	backend->closes++;
	backend->started[direction] = false;
	backend->room[direction] = 0;
	backend->open[direction] = false;
}

static int hda_backend_start(struct audio_backend *base, enum audio_direction direction)
{
	struct hda_backend *backend = hda_backend_of(base);

	hda_backend_check(backend->open[direction], "started before open");
	hda_backend_check(!backend->started[direction], "started twice");
	if (backend->start_error)
		return backend->start_error;
	backend->starts++;
	backend->started[direction] = true;
	return 0;
}

static uint32_t hda_backend_room(struct audio_backend *base, enum audio_direction direction)
{
	return hda_backend_of(base)->room[direction];
}

static uint32_t hda_backend_write(struct audio_backend *base, const void *frames, uint32_t count)
{
	struct hda_backend *backend = hda_backend_of(base);
	size_t bytes;

	hda_backend_check(backend->started[AUDIO_PLAYBACK], "written while stopped");
	hda_backend_check(count > 0 && count <= backend->room[AUDIO_PLAYBACK], "written too much");
	if (backend->take_at_most && count > backend->take_at_most)
		count = backend->take_at_most;
	bytes = (size_t)count * backend->frame_bytes[AUDIO_PLAYBACK];
	if (backend->played_bytes + bytes <= sizeof(backend->played))
		memcpy(backend->played + backend->played_bytes, frames, bytes);
	backend->played_bytes += bytes;
	backend->room[AUDIO_PLAYBACK] -= count;
	return count;
}

uint8_t hda_backend_sample(uint32_t position)
{
	return (uint8_t)(position * 7 + (position >> 8) * 13 + 3);
}

static uint32_t hda_backend_read(struct audio_backend *base, void *frames, uint32_t count)
{
	struct hda_backend *backend = hda_backend_of(base);
	uint8_t *to = frames;
	uint32_t bytes = count * backend->frame_bytes[AUDIO_CAPTURE];

	hda_backend_check(backend->started[AUDIO_CAPTURE], "read while stopped");
	hda_backend_check(count > 0 && count <= backend->room[AUDIO_CAPTURE], "read too much");
	for (uint32_t i = 0; i < bytes; i++)
		to[i] = hda_backend_sample(backend->recorded++);
	backend->room[AUDIO_CAPTURE] -= count;
	return count;
}

static uint32_t hda_backend_delay(struct audio_backend *base, enum audio_direction direction)
{
	return direction == AUDIO_PLAYBACK ? hda_backend_of(base)->delay : 0;
}

static void hda_backend_destroy(struct audio_backend *base)
{
}

static const struct audio_backend_ops hda_backend_ops = {
	.open = hda_backend_open,
	.close = hda_backend_close,
	.start = hda_backend_start,
	.stop = hda_backend_stop,
	.room = hda_backend_room,
	.write = hda_backend_write,
	.read = hda_backend_read,
	.delay = hda_backend_delay,
	.destroy = hda_backend_destroy,
};

void hda_backend_init(struct hda_backend *backend, struct loop *loop)
{
	memset(backend, 0, sizeof(*backend));
	backend->base.ops = &hda_backend_ops;
	backend->base.loop = loop;
}

void hda_backend_step(struct hda_backend *backend, enum audio_direction direction, uint32_t frames)
{
	unsigned int turns = 0;
	uint32_t before;

	if (!backend->started[direction])
		return;
	backend->room[direction] += frames;
	do {
		before = backend->room[direction];
		audio_backend_notify(&backend->base, direction);
		hda_backend_check(turns++ < RIG_TURNS_MAX, "moves for ever");
	} while (backend->room[direction] != before && backend->room[direction] > 0);
}

static void hda_rig_set_irq(void *data, bool level)
{
	struct hda_rig *rig = data;

	hda_backend_check(rig->irq != level, "interrupt line set to what it was");
	rig->irq = level;
	rig->irq_raised += level;
}

void hda_rig_init(struct hda_rig *rig)
{
	struct hda_host host = { .set_irq = hda_rig_set_irq, .data = rig };

	memset(rig, 0, sizeof(*rig));
	rig->loop = loop_create("hda rig");
	rig->memory = fake_memory_create();
	hda_backend_init(&rig->backend, rig->loop);
	rig->hda = hda_create(rig->loop, &rig->backend.base, fake_memory_map(rig->memory), &host);
	hda_backend_check(rig->loop && rig->hda, "cannot create the controller");
}

void hda_rig_finish(struct hda_rig *rig)
{
	hda_destroy(rig->hda);
	hda_backend_check(!rig->backend.open[0] && !rig->backend.open[1], "left open");
	hda_backend_check(!rig->backend.base.listener.notify, "listener left");
	fake_memory_destroy(rig->memory);
	loop_destroy(rig->loop);
}

uint32_t hda_rig_read(struct hda_rig *rig, uint32_t offset, unsigned int bytes)
{
	return (uint32_t)hda_read(rig->hda, offset, bytes);
}

void hda_rig_write(struct hda_rig *rig, uint32_t offset, unsigned int bytes, uint32_t value)
{
	hda_write(rig->hda, offset, bytes, value);
}

void hda_rig_start(struct hda_rig *rig)
{
	hda_set_bus_master(rig->hda, true);
	hda_rig_write(rig, 0x08, 4, 0);
	hda_rig_write(rig, 0x08, 4, 1);
	rig->corb = fake_memory_alloc(rig->memory, 4096, 128);
	rig->rirb = rig->corb + 2048;
	rig->rirb_read = 0;
	hda_rig_write(rig, 0x40, 4, (uint32_t)rig->corb);
	hda_rig_write(rig, 0x44, 4, (uint32_t)(rig->corb >> 32));
	hda_rig_write(rig, 0x4e, 1, 2);
	hda_rig_write(rig, 0x48, 2, 0);
	hda_rig_write(rig, 0x4a, 2, 0x8000);
	hda_rig_write(rig, 0x4a, 2, 0);
	hda_rig_write(rig, 0x4c, 1, 2);
	hda_rig_write(rig, 0x50, 4, (uint32_t)rig->rirb);
	hda_rig_write(rig, 0x54, 4, (uint32_t)(rig->rirb >> 32));
	hda_rig_write(rig, 0x5e, 1, 2);
	hda_rig_write(rig, 0x58, 2, 0x8000);
	hda_rig_write(rig, 0x5a, 2, 1);
	hda_rig_write(rig, 0x5c, 1, 3);
}

uint32_t hda_rig_command(struct hda_rig *rig, uint32_t node, uint32_t verb_and_payload)
{
	uint32_t write = (hda_rig_read(rig, 0x48, 2) + 1) % RIG_RING_ENTRIES;
	uint8_t command[4], response[8];

	le32_store(command, node << 20 | verb_and_payload);
	fake_memory_write(rig->memory, rig->corb + 4 * write, command, sizeof(command));
	hda_rig_write(rig, 0x48, 2, write);
	rig->rirb_read = (rig->rirb_read + 1) % RIG_RING_ENTRIES;
	hda_backend_check(hda_rig_read(rig, 0x58, 2) == rig->rirb_read, "no response");
	fake_memory_read(rig->memory, rig->rirb + 8 * rig->rirb_read, response, sizeof(response));
	hda_backend_check(le32_load(response + 4) == 0, "response from nowhere");
	return le32_load(response);
}

uint32_t hda_rig_immediate(struct hda_rig *rig, uint32_t node, uint32_t verb_and_payload)
{
	hda_rig_write(rig, 0x68, 2, hda_rig_read(rig, 0x68, 2) | 2);
	hda_rig_write(rig, 0x60, 4, node << 20 | verb_and_payload);
	hda_rig_write(rig, 0x68, 2, hda_rig_read(rig, 0x68, 2) | 1);
	hda_backend_check(hda_rig_read(rig, 0x68, 2) == 2, "no immediate response");
	return hda_rig_read(rig, 0x64, 4);
}

static uint32_t hda_rig_offset(const struct hda_rig_stream *stream, uint32_t offset)
{
	return 0x80 + stream->index * 0x20 + offset;
}

uint32_t hda_rig_stream_read(struct hda_rig *rig, const struct hda_rig_stream *stream,
			     uint32_t offset, unsigned int bytes)
{
	return hda_rig_read(rig, hda_rig_offset(stream, offset), bytes);
}

void hda_rig_stream_write(struct hda_rig *rig, const struct hda_rig_stream *stream,
			  uint32_t offset, unsigned int bytes, uint32_t value)
{
	hda_rig_write(rig, hda_rig_offset(stream, offset), bytes, value);
}

static void hda_rig_setup_list(struct hda_rig *rig, struct hda_rig_stream *stream,
			       const uint32_t *pieces, uint32_t interrupts)
{
	uint8_t entry[16];

	stream->list = fake_memory_alloc(rig->memory, 4096, 128);
	stream->count = 0;
	stream->bytes = 0;
	for (uint32_t i = 0; pieces[i]; i++) {
		stream->buffers[i] = fake_memory_alloc(rig->memory, pieces[i], 128);
		stream->pieces[i] = pieces[i];
		stream->bytes += pieces[i];
		stream->count++;
		le64_store(entry, stream->buffers[i]);
		le32_store(entry + 8, pieces[i]);
		le32_store(entry + 12, interrupts >> i & 1);
		fake_memory_write(rig->memory, stream->list + 16 * i, entry, sizeof(entry));
	}
}

void hda_rig_setup(struct hda_rig *rig, struct hda_rig_stream *stream, const uint32_t *pieces,
		   uint32_t interrupts)
{
	uint32_t node = stream->index < 2 ? 4 : 2;

	hda_rig_setup_list(rig, stream, pieces, interrupts);
	hda_rig_stream_write(rig, stream, 0, 1, 0);
	hda_rig_stream_write(rig, stream, 0, 1, 1);
	hda_backend_check(hda_rig_stream_read(rig, stream, 0, 1) == 1, "SRST does not stick");
	hda_rig_stream_write(rig, stream, 0, 1, 0);
	hda_rig_stream_write(rig, stream, 2, 1, stream->tag << 4);
	hda_rig_stream_write(rig, stream, 0x08, 4, stream->bytes);
	hda_rig_stream_write(rig, stream, 0x0c, 2, stream->count - 1);
	hda_rig_stream_write(rig, stream, 0x12, 2, stream->format);
	hda_rig_stream_write(rig, stream, 0x18, 4, (uint32_t)stream->list);
	hda_rig_stream_write(rig, stream, 0x1c, 4, (uint32_t)(stream->list >> 32));
	hda_rig_command(rig, node, 0x20000 | stream->format);
	hda_rig_command(rig, node, 0x70600 | stream->tag << 4);
}

void hda_rig_run(struct hda_rig *rig, const struct hda_rig_stream *stream, bool run)
{
	hda_rig_stream_write(rig, stream, 0, 1, run ? 0x1e : 0);
}

static void hda_rig_copy(struct hda_rig *rig, const struct hda_rig_stream *stream,
			 const uint8_t *from, uint8_t *to)
{
	uint32_t done = 0;

	for (uint32_t i = 0; i < stream->count; i++) {
		if (from)
			fake_memory_write(rig->memory, stream->buffers[i], from + done,
					  stream->pieces[i]);
		else
			fake_memory_read(rig->memory, stream->buffers[i], to + done,
					 stream->pieces[i]);
		done += stream->pieces[i];
	}
}

void hda_rig_fill(struct hda_rig *rig, const struct hda_rig_stream *stream, const uint8_t *from)
{
	hda_rig_copy(rig, stream, from, NULL);
}

void hda_rig_drain(struct hda_rig *rig, const struct hda_rig_stream *stream, uint8_t *to)
{
	hda_rig_copy(rig, stream, NULL, to);
}
