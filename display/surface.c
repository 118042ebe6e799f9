/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "display_private.h"

#include <assert.h>
#include <base/clock.h>
#include <base/log.h>
#include <errno.h>
#include <stdlib.h>

struct display_frame *display_frame_ref(struct display_frame *frame)
{
	atomic_fetch_add_explicit(&frame->references, 1, memory_order_relaxed);
	return frame;
}

void display_frame_unref(struct display_frame *frame)
{
	/* Release: the reader's loads from the pixels come before; acquire: the producer goes on
	 * drawing after all of them. */
	if (frame && atomic_fetch_sub_explicit(&frame->references, 1, memory_order_acq_rel) == 1)
		frame->release(frame);
}

struct display *display_create(struct loop *loop, uint32_t surface_count)
{
	struct display *display;

	if (surface_count == 0 || surface_count > DISPLAY_MAX_SURFACES) {
		errno = EINVAL;
		return NULL;
	}
	display = calloc(1, sizeof(*display));
	if (!display)
		return NULL;
	display->wishes = display_wishes_create(display);
	if (!display->wishes) {
		free(display);
		return NULL;
	}
	display->loop = loop;
	display->surface_count = surface_count;
	for (uint32_t i = 0; i < surface_count; i++) {
		display->surfaces[i].display = display;
		display->surfaces[i].index = i;
	}
	return display;
}

void display_destroy(struct display *display)
{
	if (!display)
		return;
	for (uint32_t i = 0; i < display->surface_count; i++)
		display_surface_disable(&display->surfaces[i]);
	display_wishes_destroy(display->wishes);
	free(display);
}

struct loop *display_loop(struct display *display)
{
	return display->loop;
}

uint32_t display_surface_count(const struct display *display)
{
	return display->surface_count;
}

struct display_surface *display_surface_get(struct display *display, uint32_t index)
{
	return index < display->surface_count ? &display->surfaces[index] : NULL;
}

uint32_t display_surface_index(const struct display_surface *surface)
{
	return surface->index;
}

struct display_buffer *display_surface_buffer(struct display_surface *surface, struct rect *source)
{
	if (source)
		*source = surface->source;
	return surface->buffer;
}

const struct display_cursor *display_surface_cursor(const struct display_surface *surface)
{
	return &surface->cursor;
}

void display_set_resize_listener(struct display *display, struct display_resize_listener *listener)
{
	display->listener = listener;
}

static void frame_release_copy(struct display_frame *frame)
{
	display_buffer_unref(frame->buffer);
	free(frame);
}

/* A frame of what is on show, for a consumer that came after it was committed. */
static struct display_frame *surface_current_frame(struct display_surface *surface)
{
	struct display_frame *frame = calloc(1, sizeof(*frame));

	if (!frame)
		return NULL;
	atomic_init(&frame->references, 1);
	frame->buffer = display_buffer_ref(surface->buffer);
	frame->source = surface->source;
	damage_set_full(&frame->damage, surface->source.width, surface->source.height);
	frame->flush_ns = clock_now_ns();
	frame->release = frame_release_copy;
	return frame;
}

static void surface_introduce(struct display_surface *surface, struct display_consumer *consumer)
{
	struct display_frame *frame;

	if (!surface->buffer)
		return;
	consumer->ops->surface_added(consumer, surface);
	frame = surface_current_frame(surface);
	if (frame) {
		consumer->ops->frame(consumer, surface, frame);
		display_frame_unref(frame);
	} else {
		log_error("no memory to show screen %u to a new consumer", surface->index);
	}
	if (surface->cursor.buffer)
		consumer->ops->cursor(consumer, surface, &surface->cursor, true);
}

void display_add_consumer(struct display *display, struct display_consumer *consumer)
{
	consumer->next = display->consumers;
	display->consumers = consumer;
	for (uint32_t i = 0; i < display->surface_count; i++)
		surface_introduce(&display->surfaces[i], consumer);
}

void display_remove_consumer(struct display *display, struct display_consumer *consumer)
{
	struct display_consumer **link = &display->consumers;

	while (*link && *link != consumer)
		link = &(*link)->next;
	if (*link)
		*link = consumer->next;
	consumer->next = NULL;
}

static void surface_keep_buffer(struct display_surface *surface, struct display_buffer *buffer)
{
	struct display_buffer *before = surface->buffer;

	surface->buffer = buffer ? display_buffer_ref(buffer) : NULL;
	display_buffer_unref(before);
}

void display_surface_commit(struct display_surface *surface, struct display_frame *frame)
{
	bool was_on = surface->buffer != NULL;
	struct display_consumer *consumer;

	assert(rect_inside(&frame->source, frame->buffer->width, frame->buffer->height));
	surface_keep_buffer(surface, frame->buffer);
	surface->source = frame->source;
	for (consumer = surface->display->consumers; consumer; consumer = consumer->next) {
		if (!was_on)
			consumer->ops->surface_added(consumer, surface);
		consumer->ops->frame(consumer, surface, frame);
	}
	display_frame_unref(frame);
}

void display_surface_disable(struct display_surface *surface)
{
	struct display_consumer *consumer;

	display_buffer_unref(surface->cursor.buffer);
	surface->cursor = (struct display_cursor){ 0 };
	if (!surface->buffer)
		return;
	surface_keep_buffer(surface, NULL);
	surface->source = (struct rect){ 0 };
	for (consumer = surface->display->consumers; consumer; consumer = consumer->next)
		consumer->ops->surface_removed(consumer, surface);
}

static void surface_tell_cursor(struct display_surface *surface, bool image_changed)
{
	struct display_consumer *consumer;

	for (consumer = surface->display->consumers; consumer; consumer = consumer->next)
		consumer->ops->cursor(consumer, surface, &surface->cursor, image_changed);
}

void display_surface_set_cursor(struct display_surface *surface,
				const struct display_cursor *cursor)
{
	struct display_buffer *before = surface->cursor.buffer;

	surface->cursor = *cursor;
	if (cursor->buffer)
		display_buffer_ref(cursor->buffer);
	display_buffer_unref(before);
	surface_tell_cursor(surface, true);
}

void display_surface_move_cursor(struct display_surface *surface, int32_t x, int32_t y)
{
	surface->cursor.x = x;
	surface->cursor.y = y;
	surface_tell_cursor(surface, false);
}
