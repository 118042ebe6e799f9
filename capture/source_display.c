/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A display consumer with a latest-wins mailbox per surface: filled on the display's loop, emptied
 * on the capture loop. The lock covers a few assignments and is never held across a call of
 * somebody else's code.
 */
#include <base/loop.h>
#include <capture/source_display.h>
#include <errno.h>
#include <ivshmem/doorbell_eventfd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct source_mailbox {
	bool full;                      /* there is news; the taker was woken unless it sleeps */
	bool asleep;
	bool has_source;
	struct rect source;             /* of the newest frame committed, taken or not */
	struct source_news news;
};

struct source_display {
	struct display_consumer consumer;
	struct display *display;
	int wake_fd;
	_Atomic uint64_t committed;
	pthread_mutex_t mutex;
	uint32_t count;
	struct source_mailbox mailboxes[DISPLAY_MAX_SURFACES];
};

static struct source_display *source_from(struct display_consumer *consumer)
{
	return (struct source_display *)((char *)consumer -
					 offsetof(struct source_display, consumer));
}

/* Locked, and NULL unlocked for a surface that no scanout of the segment shows. */
static struct source_mailbox *source_lock(struct source_display *source,
					  struct display_surface *surface)
{
	uint32_t index = display_surface_index(surface);

	if (index >= source->count)
		return NULL;
	pthread_mutex_lock(&source->mutex);
	return &source->mailboxes[index];
}

static void source_unlock_and_wake(struct source_display *source, struct source_mailbox *mailbox)
{
	bool wake = !mailbox->full && !mailbox->asleep;

	mailbox->full = true;
	pthread_mutex_unlock(&source->mutex);
	if (wake)
		doorbell_eventfd_ring(source->wake_fd);
}

static void source_news_drop(const struct source_news *news)
{
	display_frame_unref(news->frame);
	display_buffer_unref(news->kept);
	display_buffer_unref(news->cursor.buffer);
}

static void source_surface_added(struct display_consumer *consumer, struct display_surface *surface)
{
	/* The first frame says it all. */
}

static void source_surface_removed(struct display_consumer *consumer,
				   struct display_surface *surface)
{
	struct source_display *source = source_from(consumer);
	struct source_mailbox *mailbox = source_lock(source, surface);
	struct source_news overtaken;

	if (!mailbox)
		return;
	overtaken = mailbox->news;
	mailbox->has_source = false;
	mailbox->news = (struct source_news){
		.went_off = true,
		.cursor_changed = true,
		.cursor_image_changed = true,
	};
	source_unlock_and_wake(source, mailbox);
	source_news_drop(&overtaken);
}

/* Another part of a buffer is another picture, whatever the damage says. */
static bool source_same_view(const struct source_mailbox *mailbox,
			     const struct display_frame *frame)
{
	return mailbox->has_source && !memcmp(&mailbox->source, &frame->source,
					      sizeof(frame->source));
}

static void source_frame(struct display_consumer *consumer, struct display_surface *surface,
			 struct display_frame *frame)
{
	struct source_display *source = source_from(consumer);
	struct source_mailbox *mailbox = source_lock(source, surface);
	struct display_frame *overtaken;
	struct display_buffer *kept;

	if (!mailbox)
		return;
	atomic_fetch_add_explicit(&source->committed, 1, memory_order_relaxed);
	overtaken = mailbox->news.frame;
	kept = mailbox->news.kept;
	mailbox->news.frame = mailbox->asleep ? NULL : display_frame_ref(frame);
	mailbox->news.kept = mailbox->asleep ? display_buffer_ref(frame->buffer) : NULL;
	mailbox->news.kept_source = frame->source;
	if (!kept && source_same_view(mailbox, frame))
		damage_merge(&mailbox->news.damage, &frame->damage);
	else
		damage_set_full(&mailbox->news.damage, frame->source.width, frame->source.height);
	mailbox->source = frame->source;
	mailbox->has_source = true;
	source_unlock_and_wake(source, mailbox);
	display_frame_unref(overtaken);
	display_buffer_unref(kept);
}

static void source_cursor(struct display_consumer *consumer, struct display_surface *surface,
			  const struct display_cursor *cursor, bool image_changed)
{
	struct source_display *source = source_from(consumer);
	struct source_mailbox *mailbox = source_lock(source, surface);
	struct display_buffer *overtaken;

	if (!mailbox)
		return;
	overtaken = mailbox->news.cursor.buffer;
	mailbox->news.cursor = *cursor;
	if (cursor->buffer)
		display_buffer_ref(cursor->buffer);
	mailbox->news.cursor_changed = true;
	mailbox->news.cursor_image_changed |= image_changed;
	source_unlock_and_wake(source, mailbox);
	display_buffer_unref(overtaken);
}

static const struct display_consumer_ops source_ops = {
	.surface_added = source_surface_added,
	.surface_removed = source_surface_removed,
	.frame = source_frame,
	.cursor = source_cursor,
};

bool source_display_take(struct source_display *source, uint32_t index, struct source_news *news)
{
	struct source_mailbox *mailbox = &source->mailboxes[index];
	bool full;

	pthread_mutex_lock(&source->mutex);
	full = mailbox->full;
	if (full) {
		*news = mailbox->news;
		mailbox->news = (struct source_news){ 0 };
		mailbox->full = false;
	}
	pthread_mutex_unlock(&source->mutex);
	return full;
}

void source_display_sleep(struct source_display *source, uint32_t index,
			  struct display_buffer *buffer, const struct rect *shown)
{
	struct source_mailbox *mailbox = &source->mailboxes[index];
	struct source_news *news = &mailbox->news;
	struct display_frame *frame;

	pthread_mutex_lock(&source->mutex);
	mailbox->asleep = true;
	frame = news->frame;
	news->frame = NULL;
	if (frame) {
		news->kept = display_buffer_ref(frame->buffer);
		news->kept_source = frame->source;
	} else if (buffer && !news->kept && !news->went_off) {
		news->kept = buffer;
		news->kept_source = *shown;
		mailbox->full = true;
		buffer = NULL;
	}
	pthread_mutex_unlock(&source->mutex);
	display_frame_unref(frame);
	display_buffer_unref(buffer);
}

void source_display_wake(struct source_display *source, uint32_t index)
{
	struct source_mailbox *mailbox = &source->mailboxes[index];
	bool full;

	pthread_mutex_lock(&source->mutex);
	mailbox->asleep = false;
	full = mailbox->full;
	pthread_mutex_unlock(&source->mutex);
	if (full)
		doorbell_eventfd_ring(source->wake_fd);
}

uint64_t source_display_committed(const struct source_display *source)
{
	return atomic_load_explicit(&source->committed, memory_order_relaxed);
}

static void source_add_consumer(void *data)
{
	struct source_display *source = data;

	display_add_consumer(source->display, &source->consumer);
}

static void source_remove_consumer(void *data)
{
	struct source_display *source = data;

	display_remove_consumer(source->display, &source->consumer);
}

struct source_display *source_display_create(struct display *display, uint32_t surface_count,
					     int wake_fd)
{
	struct source_display *source = calloc(1, sizeof(*source));
	int error;

	if (!source)
		return NULL;
	source->consumer.ops = &source_ops;
	source->display = display;
	source->count = surface_count;
	source->wake_fd = wake_fd;
	pthread_mutex_init(&source->mutex, NULL);
	error = loop_call(display_loop(display), source_add_consumer, source);
	if (error) {
		pthread_mutex_destroy(&source->mutex);
		free(source);
		errno = -error;
		return NULL;
	}
	return source;
}

void source_display_destroy(struct source_display *source)
{
	if (!source)
		return;
	loop_call(display_loop(source->display), source_remove_consumer, source);
	for (uint32_t i = 0; i < source->count; i++)
		source_news_drop(&source->mailboxes[i].news);
	pthread_mutex_destroy(&source->mutex);
	free(source);
}
