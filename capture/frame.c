/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pictures of one scanout into its slots. Allocates nothing once created. */
#include "capture_private.h"

#include <base/clock.h>
#include <base/log.h>
#include <errno.h>
#include <ivshmem/slots_writer.h>
#include <stdlib.h>
#include <string.h>

struct frame_sink {
	struct slots_writer *writer;
	struct frame_stats *stats;
	uint32_t scanout;
	struct slots_picture refused;   /* the last picture that fit in no slot: told once */
	uint32_t row[VIDEO_MAX_EXTENT]; /* for formats that must be converted */
};

_Static_assert(DAMAGE_MAX_RECTS <= VIDEO_MAX_RECTS, "the display's damage fits the segment's");

struct frame_sink *frame_sink_create(struct segment *segment, uint32_t scanout,
				     struct frame_stats *stats)
{
	struct frame_sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	sink->scanout = scanout;
	sink->stats = stats;
	sink->writer = slots_writer_create(segment, scanout);
	if (!sink->writer) {
		int error = errno;

		free(sink);
		errno = error;
		return NULL;
	}
	return sink;
}

void frame_sink_destroy(struct frame_sink *sink)
{
	if (!sink)
		return;
	slots_writer_destroy(sink->writer);
	free(sink);
}

static void frame_export_damage(const struct damage *damage, struct video_damage *to)
{
	to->count = damage->count;
	for (uint32_t i = 0; i < damage->count; i++)
		to->rects[i] = (struct video_rect){
			.x = damage->rects[i].x,
			.y = damage->rects[i].y,
			.width = damage->rects[i].width,
			.height = damage->rects[i].height,
		};
}

static void frame_refuse(struct frame_sink *sink, const struct slots_picture *picture)
{
	if (!memcmp(&sink->refused, picture, sizeof(*picture)))
		return;
	sink->refused = *picture;
	log_warn("screen %u: a picture of %u x %u pixels fits in no slot of the segment and is not "
		 "shown",
		 sink->scanout, picture->width, picture->height);
}

/* 0 or -errno, with everything as before. */
static int frame_fill(struct frame_sink *sink, const struct display_frame *frame,
		      const struct frame_format *format, const struct slots_write *write)
{
	struct display_pixels pixels;
	int error = display_buffer_begin_read(frame->buffer, &pixels);
	uint64_t bytes;

	if (error)
		return error;
	bytes = frame_copy(&pixels, &frame->source, &write->damage, format, write->pixels,
			   write->pitch, sink->row);
	display_buffer_end_read(frame->buffer);
	atomic_fetch_add_explicit(&sink->stats->bytes_copied, bytes, memory_order_relaxed);
	return 0;
}

bool frame_sink_show(struct frame_sink *sink, const struct display_frame *frame,
		     const struct damage *damage)
{
	struct slots_picture picture = {
		.width = frame->source.width,
		.height = frame->source.height,
	};
	struct video_damage exported;
	struct frame_format format;
	struct slots_write write;
	int error = frame_format_find(frame->buffer->fourcc, &format);

	if (error) {
		log_guest_bug("screen %u: unknown pixel format 0x%08x", sink->scanout,
			      frame->buffer->fourcc);
		return false;
	}
	picture.fourcc = format.fourcc;
	frame_export_damage(damage, &exported);
	error = slots_writer_begin(sink->writer, &picture, &exported, &write);
	if (error == -EFBIG)
		frame_refuse(sink, &picture);
	if (error)
		return error == -EFBIG;
	error = frame_fill(sink, frame, &format, &write);
	if (error) {
		slots_writer_cancel(sink->writer);
		log_error("screen %u: cannot read the picture: %s", sink->scanout,
			  strerror(-error));
		return false;
	}
	slots_writer_publish(sink->writer, frame->flush_ns, clock_now_ns());
	atomic_fetch_add_explicit(&sink->stats->published, 1, memory_order_relaxed);
	memset(&sink->refused, 0, sizeof(sink->refused));
	return true;
}

void frame_sink_off(struct frame_sink *sink)
{
	slots_writer_off(sink->writer);
}
