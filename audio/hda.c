/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The controller's door and its interrupt. Registers belong to the audio loop: accesses of vCPU
 * threads get there with loop_call.
 */
#include <errno.h>
#include <stdlib.h>

#include <base/log.h>
#include <base/loop.h>
#include <virtio/guest_mem.h>

#include "hda_private.h"

struct hda_access {
	struct hda *hda;
	uint64_t offset;
	unsigned int bytes;
	uint64_t value;
};

static bool hda_stream_interrupts(struct hda_stream *stream)
{
	uint32_t control = *hda_stream_register(stream, HDA_SDCTL);

	return (control & HDA_SDCTL_IOCE && control & HDA_SDSTS_BCIS) ||
	       (control & HDA_SDCTL_FEIE && control & HDA_SDSTS_FIFOE) ||
	       (control & HDA_SDCTL_DEIE && control & HDA_SDSTS_DESE);
}

static bool hda_controller_interrupts(struct hda *hda)
{
	uint32_t corb = *hda_register(hda, HDA_CORBCTL);
	uint32_t rirb = *hda_register(hda, HDA_RIRBCTL);
	uint32_t wake = *hda_register(hda, HDA_WAKEEN);

	return (corb & HDA_CORBCTL_CMEIE && corb & HDA_CORBSTS_CMEI) ||
	       (rirb & HDA_RIRBCTL_RINTCTL && rirb & HDA_RIRBSTS_RINTFL) ||
	       (rirb & HDA_RIRBCTL_OIC && rirb & HDA_RIRBSTS_OIS) ||
	       (wake & wake >> HDA_STATESTS_SHIFT) != 0;
}

void hda_update_irq(struct hda *hda)
{
	uint32_t enabled = *hda_register(hda, HDA_INTCTL);
	uint32_t status = 0;
	bool level;

	for (unsigned int i = 0; i < HDA_STREAMS; i++) {
		if (hda_stream_interrupts(&hda->streams[i]))
			status |= 1u << i;
	}
	if (hda_controller_interrupts(hda))
		status |= HDA_INT_CONTROLLER;
	if (status & enabled)
		status |= HDA_INT_GLOBAL;
	*hda_register(hda, HDA_INTSTS) = status;
	level = (status & enabled & HDA_INT_GLOBAL) != 0;
	if (level == hda->irq_level)
		return;
	hda->irq_level = level;
	hda->host.set_irq(hda->host.data, level);
}

/* What the period path found, which may not log. */
static void hda_tell_trouble(struct hda *hda)
{
	if (hda->trouble)
		log_guest_bug("hda: %s", hda->trouble);
	hda->trouble = NULL;
	for (unsigned int i = 0; i < HDA_STREAMS; i++) {
		struct hda_stream *stream = &hda->streams[i];

		if (stream->trouble)
			log_guest_bug("hda: stream %u: %s", i, stream->trouble);
		stream->trouble = NULL;
	}
}

/* How much of an access lies in the 4 bytes that its first byte is in. */
static unsigned int hda_access_step(uint64_t offset, unsigned int bytes)
{
	unsigned int step = 4 - (unsigned int)(offset & 3);

	return step < bytes ? step : bytes;
}

static void hda_read_on_loop(void *data)
{
	struct hda_access *access = data;

	access->value = 0;
	for (unsigned int done = 0, step; done < access->bytes; done += step) {
		uint64_t at = access->offset + done;
		uint64_t word = hda_register_read(access->hda, at & ~3ull) >> 8 * (at & 3);

		step = hda_access_step(at, access->bytes - done);
		access->value |= (word & (UINT32_MAX >> (32 - 8 * step))) << 8 * done;
	}
}

static void hda_write_on_loop(void *data)
{
	struct hda_access *access = data;
	struct hda *hda = access->hda;

	for (unsigned int done = 0, step; done < access->bytes; done += step) {
		uint64_t at = access->offset + done;
		unsigned int shift = 8 * (at & 3);

		step = hda_access_step(at, access->bytes - done);
		hda_register_write(hda, at & ~3ull, UINT32_MAX >> (32 - 8 * step) << shift,
				   (uint32_t)(access->value >> 8 * done) << shift);
	}
	hda_streams_update(hda);
	hda_update_irq(hda);
	hda_tell_trouble(hda);
}

uint64_t hda_read(struct hda *hda, uint64_t offset, unsigned int bytes)
{
	struct hda_access access = { .hda = hda, .offset = offset, .bytes = bytes };

	loop_call(hda->loop, hda_read_on_loop, &access);
	return access.value;
}

void hda_write(struct hda *hda, uint64_t offset, unsigned int bytes, uint64_t value)
{
	struct hda_access access = { hda, offset, bytes, value };

	loop_call(hda->loop, hda_write_on_loop, &access);
}

static void hda_bus_master_on_loop(void *data)
{
	struct hda_access *access = data;
	struct hda *hda = access->hda;

	hda->bus_master = access->value;
	hda_corb_run(hda);
	hda_streams_update(hda);
	hda_update_irq(hda);
}

void hda_set_bus_master(struct hda *hda, bool on)
{
	struct hda_access access = { .hda = hda, .value = on };

	loop_call(hda->loop, hda_bus_master_on_loop, &access);
}

static void hda_close(struct hda *hda)
{
	for (unsigned int i = 0; i < AUDIO_DIRECTIONS; i++) {
		if (hda->voices[i].open)
			hda->backend->ops->close(hda->backend, i);
		hda->voices[i].open = false;
		loop_timer_disarm(hda->voices[i].timer);
	}
}

static void hda_reset_on_loop(void *data)
{
	struct hda *hda = data;

	hda->bus_master = false;
	hda_registers_reset(hda);
	*hda_register(hda, HDA_WAKEEN) = 0;
	hda_streams_update(hda);
	hda_close(hda);
	hda_update_irq(hda);
	hda_tell_trouble(hda);
}

void hda_reset(struct hda *hda)
{
	loop_call(hda->loop, hda_reset_on_loop, hda);
}

static void hda_notify(void *data, enum audio_direction direction)
{
	struct hda *hda = data;

	hda_voice_turn(&hda->voices[direction], true);
}

static void hda_on_timer(void *data)
{
	hda_voice_turn(data, false);
}

static int hda_init_voices(struct hda *hda)
{
	for (unsigned int i = 0; i < AUDIO_DIRECTIONS; i++) {
		struct hda_voice *voice = &hda->voices[i];

		voice->hda = hda;
		voice->timer = loop_timer_create(hda->loop, hda_on_timer, voice);
		if (!voice->timer)
			return -errno;
	}
	return 0;
}

static void hda_free(struct hda *hda)
{
	for (unsigned int i = 0; i < AUDIO_DIRECTIONS; i++)
		loop_timer_destroy(hda->voices[i].timer);
	guest_mem_unref(hda->mem);
	free(hda);
}

struct hda *hda_create(struct loop *audio_loop, struct audio_backend *backend,
		       struct guest_mem *mem, const struct hda_host *host)
{
	struct hda *hda = calloc(1, sizeof(*hda));
	int error;

	if (!hda)
		return NULL;
	hda->loop = audio_loop;
	hda->backend = backend;
	hda->mem = guest_mem_ref(mem);
	hda->host = *host;
	error = hda_init_voices(hda);
	if (error < 0) {
		hda_free(hda);
		errno = -error;
		return NULL;
	}
	for (unsigned int i = 0; i < HDA_STREAMS; i++) {
		struct hda_stream *stream = &hda->streams[i];

		stream->hda = hda;
		stream->index = i;
		stream->direction = i < HDA_INPUT_STREAMS ? AUDIO_CAPTURE : AUDIO_PLAYBACK;
	}
	hda_registers_reset(hda);
	backend->listener = (struct audio_listener){ .notify = hda_notify, .data = hda };
	return hda;
}

void hda_destroy(struct hda *hda)
{
	if (!hda)
		return;
	hda_close(hda);
	hda->backend->listener = (struct audio_listener){ 0 };
	hda_free(hda);
}
