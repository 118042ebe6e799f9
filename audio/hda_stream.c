/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stream engines: which one has the backend, and how fast samples move.
 *
 * The guest takes positions for the time, but the backend may have room for much at once: at first,
 * and whenever a client takes a quantum. So a turn moves a step, and what is left follows a step's
 * time later. What is still left when the backend notifies again is caught up by longer steps: the
 * position goes on evenly, and on the whole as fast as the backend uses samples up.
 */
#include <base/bytes.h>
#include <base/log.h>
#include <base/loop.h>
#include <string.h>
#include <virtio/guest_mem.h>

#include "hda_private.h"

#define HDA_LIST_ADDRESS_MASK 0xffffff80u
#define HDA_CHUNK_BYTES 2048u
#define HDA_PERIODS_PER_ROUND 4u
#define HDA_STEPS_PER_ROUND 16u
#define HDA_CATCH_UP_TURNS 8u
#define HDA_POSITION_BYTES 8u

void hda_stream_rewind(struct hda_stream *stream)
{
	stream->cursor = (struct hda_cursor){ 0 };
}

/* The stream cannot go on; the guest may start it again. trouble: for the log, later. */
static void hda_stream_fail(struct hda_stream *stream, uint32_t status, const char *trouble)
{
	uint32_t *control = hda_stream_register(stream, HDA_SDCTL);

	*control = (*control & ~(HDA_SDCTL_RUN | HDA_SDSTS_FIFORDY)) | status;
	if (trouble)
		stream->trouble = trouble;
}

/* Moves one chunk. Its frames; 0: the backend took or gave none, or the stream failed. */
static uint32_t hda_stream_play(struct hda_stream *stream, uint32_t frames)
{
	const struct audio_backend_ops *ops = stream->hda->backend->ops;
	struct hda_cursor cursor = stream->cursor;
	uint8_t chunk[HDA_CHUNK_BYTES];
	uint32_t taken;

	if (!hda_cursor_walk(stream, &cursor, chunk, frames * stream->frame_bytes)) {
		hda_stream_fail(stream, HDA_SDSTS_DESE, "its list or buffer is not memory");
		return 0;
	}
	taken = ops->write(stream->hda->backend, chunk, frames);
	if (taken < frames) {
		cursor = stream->cursor;
		if (!hda_cursor_walk(stream, &cursor, NULL, taken * stream->frame_bytes))
			return 0;
	}
	stream->cursor = cursor;
	return taken;
}

static uint32_t hda_stream_record(struct hda_stream *stream, uint32_t frames)
{
	const struct audio_backend_ops *ops = stream->hda->backend->ops;
	uint8_t chunk[HDA_CHUNK_BYTES];
	uint32_t given = ops->read(stream->hda->backend, chunk, frames);

	if (hda_cursor_walk(stream, &stream->cursor, chunk, given * stream->frame_bytes))
		return given;
	hda_stream_fail(stream, HDA_SDSTS_DESE, "its list or buffer is not memory");
	return 0;
}

/* The position buffer (3.6.1): a word and a reserved one for each stream. Recorded samples were
 * written by calls before this one, and x86 lets the guest see stores in their order. */
static void hda_stream_tell_position(struct hda_stream *stream)
{
	struct hda *hda = stream->hda;
	uint64_t gpa = hda_address(hda, HDA_DPLBASE, HDA_LIST_ADDRESS_MASK) +
		       stream->index * HDA_POSITION_BYTES;
	uint8_t position[4];

	*hda_stream_register(stream, HDA_SDLPIB) = stream->cursor.lpib;
	if (!(*hda_register(hda, HDA_DPLBASE) & HDA_DPLBASE_ENABLE))
		return;
	le32_store(position, stream->cursor.lpib);
	if (guest_mem_write(hda->mem, gpa, position, sizeof(position)) == 0)
		return;
	*hda_register(hda, HDA_DPLBASE) &= ~HDA_DPLBASE_ENABLE;
	hda->trouble = "the position buffer is not memory";
}

static void hda_stream_stop(struct hda_stream *stream)
{
	struct audio_backend *backend = stream->hda->backend;
	struct hda_voice *voice = &stream->hda->voices[stream->direction];

	voice->stream = NULL;
	loop_timer_disarm(voice->timer);
	backend->ops->stop(backend, stream->direction);
}

static void hda_stream_move(struct hda_stream *stream, uint32_t frames)
{
	uint32_t most = HDA_CHUNK_BYTES / stream->frame_bytes;

	stream->cursor.completed = false;
	while (frames > 0) {
		uint32_t chunk = frames < most ? frames : most;
		uint32_t moved = stream->direction == AUDIO_PLAYBACK ?
					 hda_stream_play(stream, chunk) :
					 hda_stream_record(stream, chunk);

		if (moved == 0)
			break;
		frames -= moved;
	}
	if (stream->cursor.completed)
		*hda_stream_register(stream, HDA_SDCTL) |= HDA_SDSTS_BCIS;
	hda_stream_tell_position(stream);
}

void hda_voice_turn(struct hda_voice *voice, bool notified)
{
	struct hda_stream *stream = voice->stream;
	struct audio_backend *backend = voice->hda->backend;
	uint32_t room, step;

	if (!stream)
		return;
	if (notified)
		voice->behind_frames = voice->left_frames;
	step = stream->step_frames + voice->behind_frames / HDA_CATCH_UP_TURNS;
	room = backend->ops->room(backend, stream->direction);
	voice->left_frames = room > step ? room - step : 0;
	hda_stream_move(stream, room < step ? room : step);
	if (!(*hda_stream_register(stream, HDA_SDCTL) & HDA_SDCTL_RUN))
		hda_stream_stop(stream);
	else if (voice->left_frames > 0)
		loop_timer_arm(voice->timer, stream->step_ns, 0);
	hda_update_irq(voice->hda);
}

static uint32_t hda_clamp(uint32_t value, uint32_t least, uint32_t most)
{
	if (value < least)
		return least;
	return value < most ? value : most;
}

/* How often the guest wants to hear from us is not known, but it is several times a round. */
static void hda_stream_plan(struct hda_stream *stream, struct audio_params *params)
{
	uint32_t round = stream->cyclic_bytes / stream->frame_bytes;
	uint32_t rate = params->rate;

	params->buffer_frames = round;
	params->period_frames = hda_clamp(round / HDA_PERIODS_PER_ROUND, rate / 1000, rate / 100);
	stream->step_frames = hda_clamp(round / HDA_STEPS_PER_ROUND, rate / 1000, rate / 200);
	stream->step_ns = stream->step_frames * UINT64_C(1000000000) / rate;
}

/* Takes over what the guest set up. False: nonsense, and the guest is told so. */
static bool hda_stream_prepare(struct hda_stream *stream, struct audio_params *params)
{
	uint32_t format = *hda_stream_register(stream, HDA_SDFIFOS) >> HDA_SDFMT_SHIFT;

	if (!hda_format_decode(format, params)) {
		hda_stream_fail(stream, HDA_SDSTS_DESE, "its format is none of the codec's");
		return false;
	}
	stream->frame_bytes = audio_frame_bytes(params);
	stream->cyclic_bytes = *hda_stream_register(stream, HDA_SDCBL);
	if (stream->cyclic_bytes < stream->frame_bytes) {
		hda_stream_fail(stream, HDA_SDSTS_DESE, "its buffer has no room for a frame");
		return false;
	}
	stream->list_gpa = (uint64_t)*hda_stream_register(stream, HDA_SDBDPU) << 32 |
			   (*hda_stream_register(stream, HDA_SDBDPL) & HDA_LIST_ADDRESS_MASK);
	stream->last_index = *hda_stream_register(stream, HDA_SDLVI);
	stream->cursor.lpib %= stream->cyclic_bytes;
	hda_stream_plan(stream, params);
	return true;
}

static int hda_voice_start(struct hda *hda, enum audio_direction direction,
			   const struct audio_params *params)
{
	const struct audio_backend_ops *ops = hda->backend->ops;
	struct hda_voice *voice = &hda->voices[direction];
	bool fits = voice->open && memcmp(&voice->params, params, sizeof(*params)) == 0;
	int error = 0;

	if (!fits) {
		if (voice->open)
			ops->close(hda->backend, direction);
		error = ops->open(hda->backend, direction, params);
		voice->open = error == 0;
		voice->params = *params;
	}
	return error < 0 ? error : ops->start(hda->backend, direction);
}

static void hda_stream_start(struct hda_stream *stream)
{
	struct hda *hda = stream->hda;
	struct hda_voice *voice = &hda->voices[stream->direction];
	struct audio_params params;
	int error;

	if (!hda_stream_prepare(stream, &params))
		return;
	error = hda_voice_start(hda, stream->direction, &params);
	if (error < 0) {
		log_blame("host", "hda: stream %u cannot start: %s", stream->index,
			  strerror(-error));
		hda_stream_fail(stream, HDA_SDSTS_FIFOE, NULL);
		return;
	}
	voice->stream = stream;
	voice->left_frames = voice->behind_frames = 0;
}

/* The stream moves samples: it runs, nobody holds it back, and a converter is at its other end. */
static bool hda_stream_wanted(struct hda_stream *stream)
{
	struct hda *hda = stream->hda;
	uint32_t control = *hda_stream_register(stream, HDA_SDCTL);
	unsigned int tag = control >> HDA_SDCTL_TAG_SHIFT & 0xf;

	return hda->bus_master && control & HDA_SDCTL_RUN && tag != 0 &&
	       tag == hda_codec_tag(hda, stream->direction) &&
	       !(*hda_register(hda, HDA_SSYNC) & 1u << stream->index);
}

void hda_streams_update(struct hda *hda)
{
	for (unsigned int i = 0; i < HDA_STREAMS; i++) {
		struct hda_stream *stream = &hda->streams[i];

		if (hda->voices[stream->direction].stream == stream && !hda_stream_wanted(stream))
			hda_stream_stop(stream);
	}
	for (unsigned int i = 0; i < HDA_STREAMS; i++) {
		struct hda_stream *stream = &hda->streams[i];
		uint32_t *control = hda_stream_register(stream, HDA_SDCTL);

		if (!hda->voices[stream->direction].stream && hda_stream_wanted(stream))
			hda_stream_start(stream);
		*control &= ~HDA_SDSTS_FIFORDY;
		if (*control & HDA_SDCTL_RUN)
			*control |= HDA_SDSTS_FIFORDY;
	}
}
