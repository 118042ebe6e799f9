/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "display_recorder.h"

#include <stdlib.h>
#include <string.h>

static void recorder_surface_added(struct display_consumer *consumer,
				   struct display_surface *surface)
{
	struct display_recorder *recorder = (struct display_recorder *)consumer;

	recorder->added[display_surface_index(surface)]++;
}

static void recorder_surface_removed(struct display_consumer *consumer,
				     struct display_surface *surface)
{
	struct display_recorder *recorder = (struct display_recorder *)consumer;

	recorder->removed[display_surface_index(surface)]++;
}

static void recorder_copy(struct display_buffer *buffer, const struct rect *rect, uint32_t *to)
{
	struct display_pixels pixels;

	if (display_buffer_begin_read(buffer, &pixels) < 0)
		abort();
	display_pixels_copy(&pixels, rect, to, (size_t)rect->width * 4);
	display_buffer_end_read(buffer);
}

static void recorder_frame(struct display_consumer *consumer, struct display_surface *surface,
			   struct display_frame *frame)
{
	struct display_recorder *recorder = (struct display_recorder *)consumer;

	recorder->last_index = display_surface_index(surface);
	recorder->frames[recorder->last_index]++;
	recorder->source = frame->source;
	recorder->damage = frame->damage;
	recorder->flush_ns = frame->flush_ns;
	free(recorder->pixels);
	recorder->pixels = calloc((size_t)frame->source.width * frame->source.height, 4);
	if (!recorder->pixels)
		abort();
	recorder_copy(frame->buffer, &frame->source, recorder->pixels);
	if (recorder->hold && recorder->held_count < RECORDER_MAX_HELD)
		recorder->held[recorder->held_count++] = display_frame_ref(frame);
}

static void recorder_cursor(struct display_consumer *consumer, struct display_surface *surface,
			    const struct display_cursor *cursor, bool image_changed)
{
	struct display_recorder *recorder = (struct display_recorder *)consumer;

	recorder->cursors++;
	recorder->cursor = *cursor;
	if (!image_changed)
		return;
	recorder->cursor_images++;
	if (cursor->buffer && cursor->buffer->width <= 64 && cursor->buffer->height <= 64)
		recorder_copy(cursor->buffer,
			      &(struct rect){ 0, 0, cursor->buffer->width, cursor->buffer->height },
			      recorder->cursor_pixels);
}

static const struct display_consumer_ops recorder_ops = {
	.surface_added = recorder_surface_added,
	.surface_removed = recorder_surface_removed,
	.frame = recorder_frame,
	.cursor = recorder_cursor,
};

void display_recorder_init(struct display_recorder *recorder)
{
	memset(recorder, 0, sizeof(*recorder));
	recorder->consumer.ops = &recorder_ops;
}

void display_recorder_release(struct display_recorder *recorder)
{
	while (recorder->held_count > 0)
		display_frame_unref(recorder->held[--recorder->held_count]);
}

void display_recorder_finish(struct display_recorder *recorder)
{
	display_recorder_release(recorder);
	free(recorder->pixels);
	recorder->pixels = NULL;
}

uint32_t display_recorder_pixel(const struct display_recorder *recorder, uint32_t x, uint32_t y)
{
	return recorder->pixels[(size_t)y * recorder->source.width + x];
}
