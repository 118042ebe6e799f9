/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture_private.h"

#include <base/loop.h>
#include <errno.h>
#include <ivshmem/doorbell_eventfd.h>
#include <stdlib.h>
#include <unistd.h>

#define CAPTURE_BEAT_NS UINT64_C(1000000000)

struct capture_scanout {
	struct frame_sink *frames;
	struct cursor_sink *cursor;
};

struct capture {
	struct segment *segment;
	struct loop *loop;
	struct loop_fd *wake_source;
	struct loop_timer *beat_timer;
	int wake_fd;
	struct doorbells *doorbells;
	struct source_display *source;
	struct frame_stats stats;
	uint32_t scanout_count;
	struct capture_scanout scanouts[SEGMENT_MAX_SCANOUTS];
};

static void capture_update_scanout(struct capture *capture, uint32_t index)
{
	struct capture_scanout *scanout = &capture->scanouts[index];
	struct source_news news;
	bool changed;

	if (!source_display_take(capture->source, index, &news))
		return;
	changed = news.went_off || news.cursor_changed;
	if (news.went_off)
		frame_sink_off(scanout->frames);
	if (news.cursor_changed)
		cursor_sink_show(scanout->cursor, &news.cursor, news.cursor_image_changed);
	if (news.frame)
		changed |= frame_sink_show(scanout->frames, news.frame, &news.damage);
	if (changed)
		doorbells_ring(capture->doorbells);
	/* The guest waits for its flush until here. */
	display_frame_unref(news.frame);
	display_buffer_unref(news.cursor.buffer);
}

static void capture_on_news(void *data, uint32_t events)
{
	struct capture *capture = data;

	doorbell_eventfd_clear(capture->wake_fd);
	for (uint32_t i = 0; i < capture->scanout_count; i++)
		capture_update_scanout(capture, i);
}

static void capture_on_beat(void *data)
{
	struct capture *capture = data;

	segment_beat(capture->segment);
}

static int capture_create_scanouts(struct capture *capture, struct display *display)
{
	uint32_t surfaces = display_surface_count(display);
	uint32_t scanouts = segment_scanout_count(capture->segment);

	capture->scanout_count = surfaces < scanouts ? surfaces : scanouts;
	for (uint32_t i = 0; i < capture->scanout_count; i++) {
		struct capture_scanout *scanout = &capture->scanouts[i];

		scanout->frames = frame_sink_create(capture->segment, i, &capture->stats);
		if (!scanout->frames)
			return -errno;
		scanout->cursor = cursor_sink_create(capture->segment, i);
		if (!scanout->cursor)
			return -errno;
	}
	return 0;
}

static int capture_create_loop(struct capture *capture)
{
	capture->loop = loop_create("capture");
	if (!capture->loop)
		return -errno;
	capture->wake_source = loop_fd_add(capture->loop, capture->wake_fd, EPOLLIN,
					   capture_on_news, capture);
	if (!capture->wake_source)
		return -errno;
	capture->beat_timer = loop_timer_create(capture->loop, capture_on_beat, capture);
	if (!capture->beat_timer)
		return -errno;
	return loop_timer_arm(capture->beat_timer, CAPTURE_BEAT_NS, CAPTURE_BEAT_NS);
}

static int capture_init(struct capture *capture, struct display *display)
{
	int error;

	capture->wake_fd = doorbell_eventfd_create();
	if (capture->wake_fd < 0)
		return capture->wake_fd;
	capture->doorbells = doorbells_create();
	if (!capture->doorbells)
		return -ENOMEM;
	error = capture_create_scanouts(capture, display);
	if (error)
		return error;
	error = capture_create_loop(capture);
	if (error)
		return error;
	capture->source = source_display_create(display, capture->scanout_count, capture->wake_fd);
	if (!capture->source)
		return -errno;
	return loop_start(capture->loop);
}

struct capture *capture_create(struct display *display, struct segment *segment)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	int error;

	if (!capture)
		return NULL;
	capture->segment = segment;
	error = capture_init(capture, display);
	if (error) {
		capture_destroy(capture);
		errno = -error;
		return NULL;
	}
	return capture;
}

/* Also takes down one that is not complete. */
void capture_destroy(struct capture *capture)
{
	if (!capture)
		return;
	if (capture->loop)
		loop_stop(capture->loop);
	source_display_destroy(capture->source);
	loop_timer_destroy(capture->beat_timer);
	loop_fd_remove(capture->wake_source);
	loop_destroy(capture->loop);
	for (uint32_t i = 0; i < capture->scanout_count; i++) {
		frame_sink_destroy(capture->scanouts[i].frames);
		cursor_sink_destroy(capture->scanouts[i].cursor);
	}
	doorbells_destroy(capture->doorbells);
	if (capture->wake_fd >= 0)
		close(capture->wake_fd);
	free(capture);
}

int capture_add_doorbell(struct capture *capture, int eventfd)
{
	return doorbells_add(capture->doorbells, eventfd);
}

void capture_remove_doorbell(struct capture *capture, int eventfd)
{
	doorbells_remove(capture->doorbells, eventfd);
}

void capture_set_state(struct capture *capture, enum segment_state state)
{
	segment_set_state(capture->segment, state);
	doorbells_ring(capture->doorbells);
}

void capture_ring_doorbells(struct capture *capture)
{
	doorbells_ring(capture->doorbells);
}

void capture_read_stats(const struct capture *capture, struct capture_stats *stats)
{
	stats->frames_committed = source_display_committed(capture->source);
	stats->frames_published = atomic_load_explicit(&capture->stats.published,
						       memory_order_relaxed);
	stats->bytes_copied = atomic_load_explicit(&capture->stats.bytes_copied,
						   memory_order_relaxed);
}
