/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rings of a running VM. A search on the reader loop finds the segment and tells of news; the
 * readers and the writer made from the segment belong to the main thread.
 */
#include "ring_search.h"
#include "source_clipboard.h"

#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/ring_writer.h>
#include <ivshmem/segment.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct source_ring {
	struct client_source base;
	struct ring_search *search;
	bool searching;
	/* Of the session, on the main thread. */
	uint32_t scanout_count;
	struct slots_reader *slots[SOURCE_MAX_SCANOUTS];
	struct cursor_reader *cursors[SOURCE_MAX_SCANOUTS];
	struct ring_writer *input;
	struct sound_peer *sound[2];    /* by direction; NULL: the VM has none */
	bool denied;                    /* told already that somebody else has the input */
};

static struct source_ring *source_ring_from(struct client_source *base)
{
	return (struct source_ring *)base;
}

void ring_search_fail(struct ring_search *search, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(search->source->error, sizeof(search->source->error), format, args);
	va_end(args);
	source_notice(search->source, SOURCE_FAILED);
}

static void source_ring_start(void *data)
{
	struct ring_search *search = data;

	search->ops->start(search);
}

static void source_ring_stop(void *data)
{
	struct ring_search *search = data;

	search->ops->stop(search);
}

static void source_ring_destroy_search(void *data)
{
	struct ring_search *search = data;

	search->ops->destroy(search);
}

static int source_ring_connect(struct client_source *base, bool patient)
{
	struct source_ring *source = source_ring_from(base);
	int result;

	source->search->patient = patient;
	result = loop_post(base->loop, source_ring_start, source->search);
	source->searching = !result;
	return result;
}

static void source_ring_finish_session(struct source_ring *source)
{
	for (uint32_t i = 0; i < SOURCE_MAX_SCANOUTS; i++) {
		slots_reader_destroy(source->slots[i]);
		cursor_reader_destroy(source->cursors[i]);
		source->slots[i] = NULL;
		source->cursors[i] = NULL;
	}
	ring_writer_destroy(source->input);
	source->input = NULL;
	for (int i = SOUND_PLAYBACK; i <= SOUND_MICROPHONE; i++) {
		sound_peer_destroy(source->sound[i]);
		source->sound[i] = NULL;
	}
	source->scanout_count = 0;
}

static void source_ring_disconnect(struct client_source *base)
{
	struct source_ring *source = source_ring_from(base);

	if (!source->searching)
		return;
	source_clipboard_leave(base);
	/* Let go of the ring while the VM can still be told of it. */
	source_ring_finish_session(source);
	if (source->search->segment && source->search->input_bell >= 0)
		doorbell_eventfd_ring(source->search->input_bell);
	loop_call(base->loop, source_ring_stop, source->search);
	segment_destroy(source->search->segment);
	source->search->segment = NULL;
	source->searching = false;
}

static void source_ring_destroy(struct client_source *base)
{
	struct source_ring *source = source_ring_from(base);

	source_ring_disconnect(base);
	loop_call(base->loop, source_ring_destroy_search, source->search);
	free(source);
}

static void source_ring_acquire(struct source_ring *source, uint64_t now_ns)
{
	if (ring_writer_acquire(source->input, now_ns) == 0) {
		if (source->denied)
			log_info("the input is ours now");
		source->denied = false;
		return;
	}
	if (!source->denied)
		log_info("another client has the VM's input: looking on until it leaves");
	source->denied = true;
}

static int source_ring_attach(struct client_source *base)
{
	struct source_ring *source = source_ring_from(base);
	struct segment *segment = source->search->segment;
	uint32_t count = segment_scanout_count(segment);

	if (count > SOURCE_MAX_SCANOUTS)
		count = SOURCE_MAX_SCANOUTS;
	for (uint32_t i = 0; i < count; i++) {
		source->slots[i] = slots_reader_create(segment, i);
		source->cursors[i] = cursor_reader_create(segment, i);
		if (!source->slots[i] || !source->cursors[i])
			goto fail;
	}
	source->input = ring_writer_create(segment);
	if (!source->input)
		goto fail;
	for (int i = SOUND_PLAYBACK; i <= SOUND_MICROPHONE; i++) {
		source->sound[i] = sound_peer_create(segment, (enum sound_direction)i);
		if (!source->sound[i] && errno != ENOENT)
			goto fail;
	}
	source->scanout_count = count;
	source->denied = false;
	source_ring_acquire(source, clock_now_ns());
	return 0;

fail:
	log_peer_bug("the VM's segment lacks what a client needs");
	source_ring_finish_session(source);
	return -EPROTO;
}

static int source_ring_beat(struct client_source *base, uint64_t now_ns)
{
	struct source_ring *source = source_ring_from(base);

	if (!segment_is_current(source->search->segment))
		return -EPROTO;
	if (ring_writer_owns(source->input))
		ring_writer_beat(source->input);
	else
		source_ring_acquire(source, now_ns);
	return 0;
}

static enum segment_state source_ring_state(struct client_source *base)
{
	struct ring_search *search = source_ring_from(base)->search;

	/* A segment that was laid out anew tells of another VM. */
	if (!segment_is_current(search->segment))
		return SEGMENT_STARTING;
	return segment_state(search->segment);
}

static const char *source_ring_name(struct client_source *base)
{
	return segment_name(source_ring_from(base)->search->segment);
}

/* --- video ------------------------------------------------------------------------------- */

static uint32_t source_ring_scanout_count(struct client_source *base)
{
	return source_ring_from(base)->scanout_count;
}

static enum video_state source_ring_video_state(struct client_source *base, uint32_t scanout,
						uint32_t *width, uint32_t *height)
{
	return slots_reader_state(source_ring_from(base)->slots[scanout], width, height);
}

static int source_ring_begin(struct client_source *base, uint32_t scanout,
			     struct slots_frame *frame)
{
	return slots_reader_begin(source_ring_from(base)->slots[scanout], frame);
}

static bool source_ring_end(struct client_source *base, uint32_t scanout,
			    const struct slots_frame *frame)
{
	return slots_reader_end(source_ring_from(base)->slots[scanout], frame);
}

static void source_ring_forget(struct client_source *base, uint32_t scanout)
{
	struct source_ring *source = source_ring_from(base);

	if (scanout >= source->scanout_count)
		return;
	slots_reader_forget(source->slots[scanout]);
	cursor_reader_forget(source->cursors[scanout]);
}

static int source_ring_cursor(struct client_source *base, uint32_t scanout,
			      struct cursor_state *state)
{
	return cursor_reader_read(source_ring_from(base)->cursors[scanout], state);
}

static bool source_ring_same_clock(struct client_source *base)
{
	return segment_same_clock(source_ring_from(base)->search->segment);
}

/* --- input ------------------------------------------------------------------------------- */

static int source_ring_push(struct client_source *base, const struct input_record *record)
{
	struct source_ring *source = source_ring_from(base);
	int result = ring_writer_push(source->input, record);

	if (!result && source->search->input_bell >= 0)
		doorbell_eventfd_ring(source->search->input_bell);
	return result;
}

/* --- sound ------------------------------------------------------------------------------- */

static int source_ring_stream(struct client_source *base, enum sound_direction direction,
			      struct sound_description *description)
{
	struct sound_peer *peer = source_ring_from(base)->sound[direction];

	return peer ? sound_peer_stream(peer, description) : -ENOENT;
}

static void source_ring_take(struct client_source *base, enum sound_direction direction)
{
	sound_peer_take(source_ring_from(base)->sound[direction]);
}

static bool source_ring_sound_beat(struct client_source *base, enum sound_direction direction,
				   uint64_t now_ns)
{
	return sound_peer_beat(source_ring_from(base)->sound[direction], now_ns);
}

static void source_ring_release(struct client_source *base, enum sound_direction direction)
{
	sound_peer_release(source_ring_from(base)->sound[direction]);
}

static int source_ring_join(struct client_source *base, enum sound_direction direction,
			    const struct sound_description *description, uint32_t keep_frames)
{
	return sound_peer_join(source_ring_from(base)->sound[direction], description, keep_frames);
}

static uint64_t source_ring_missed(struct client_source *base, enum sound_direction direction)
{
	return sound_peer_missed_frames(source_ring_from(base)->sound[direction]);
}

static uint32_t source_ring_read(struct client_source *base, void *frames, uint32_t count,
				 uint64_t now_ns)
{
	return sound_peer_read(source_ring_from(base)->sound[SOUND_PLAYBACK], frames, count,
			       now_ns);
}

static uint32_t source_ring_write(struct client_source *base, const void *frames, uint32_t count,
				  uint64_t now_ns)
{
	return sound_peer_write(source_ring_from(base)->sound[SOUND_MICROPHONE], frames, count,
				now_ns);
}

static void source_ring_set_server(struct client_source *base, enum sound_direction direction,
				   uint32_t quantum_frames, uint64_t delay_ns)
{
	sound_peer_set_server(source_ring_from(base)->sound[direction], quantum_frames, delay_ns);
}

static void source_ring_ring_sound_bell(struct client_source *base)
{
	struct source_ring *source = source_ring_from(base);

	if (source->search->sound_bell >= 0)
		doorbell_eventfd_ring(source->search->sound_bell);
}

/* --- clipboard --------------------------------------------------------------------------- */

static void source_ring_ask_clipboard(void *data)
{
	struct ring_search *search = data;

	search->ops->ask_clipboard(search);
}

static int source_ring_open_clipboard(struct client_source *base, const char *desktop)
{
	struct ring_search *search = source_ring_from(base)->search;

	if (!search->ops->ask_clipboard)
		return -ENOTSUP;
	snprintf(search->desktop, sizeof(search->desktop), "%s", desktop);
	return loop_post(base->loop, source_ring_ask_clipboard, search);
}

static int source_ring_join_clipboard(struct client_source *base, struct loop *loop,
				      const struct clipboard_channel_ops *ops, void *data)
{
	return source_clipboard_join(base, loop, ops, data,
				     &source_ring_from(base)->search->clipboard, "the VM");
}

static const struct source_video_ops source_ring_video = {
	.scanout_count = source_ring_scanout_count,
	.state = source_ring_video_state,
	.begin = source_ring_begin,
	.end = source_ring_end,
	.forget = source_ring_forget,
	.cursor = source_ring_cursor,
	.same_clock = source_ring_same_clock,
};

static const struct source_input_ops source_ring_input = {
	.push = source_ring_push,
};

static const struct source_sound_ops source_ring_sound = {
	.stream = source_ring_stream,
	.take = source_ring_take,
	.beat = source_ring_sound_beat,
	.release = source_ring_release,
	.join = source_ring_join,
	.missed = source_ring_missed,
	.read = source_ring_read,
	.write = source_ring_write,
	.set_server = source_ring_set_server,
	.ring_bell = source_ring_ring_sound_bell,
};

static const struct source_clipboard_ops source_ring_clipboard = {
	.open = source_ring_open_clipboard,
	.join = source_ring_join_clipboard,
	SOURCE_CLIPBOARD_OPS,
};

static const struct client_source_ops source_ring_ops = {
	.connect = source_ring_connect,
	.attach = source_ring_attach,
	.disconnect = source_ring_disconnect,
	.destroy = source_ring_destroy,
	.beat = source_ring_beat,
	.state = source_ring_state,
	.name = source_ring_name,
	.video = &source_ring_video,
	.input = &source_ring_input,
	.sound = &source_ring_sound,
	.clipboard = &source_ring_clipboard,
};

static struct client_source *source_ring_create(struct loop *loop, struct source_listener listener,
						const char *path,
						struct ring_search *(*create_search)(
							struct client_source *, const char *))
{
	struct source_ring *source = calloc(1, sizeof(*source));

	if (!source)
		return NULL;
	source->base = (struct client_source){ .ops = &source_ring_ops, .loop = loop,
					       .listener = listener };
	source->search = create_search(&source->base, path);
	if (!source->search) {
		free(source);
		return NULL;
	}
	return &source->base;
}

struct client_source *source_ring_create_socket(struct loop *loop, const char *socket_path,
						struct source_listener listener)
{
	return source_ring_create(loop, listener, socket_path, ring_search_socket_create);
}

struct client_source *source_ring_create_file(struct loop *loop, const char *path,
					      struct source_listener listener)
{
	return source_ring_create(loop, listener, path, ring_search_file_create);
}
