/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames on their way through the consumers and back.
 *
 * A consumer drops its reference on a thread of its own. The frame then goes onto a list from which
 * the gpu loop takes it; nothing is allocated there, so no frame is ever lost.
 */
#ifndef GPU_FRAME_H
#define GPU_FRAME_H

#include <display/surface.h>

struct gpu_flight;
struct gpu_frames;
struct gpu_resource;
struct loop;

struct gpu_frame {
	struct display_frame base;
	struct gpu_frames *frames;              /* counted: where it goes when it is released */
	struct gpu_frame *next_released;
	struct gpu_frame *next, **link;         /* the gpu loop's list of frames on their way */
	struct gpu_resource *resource;          /* counted; it has one reader more */
	struct gpu_flight *flight;              /* what its release completes */
};

/* On the gpu loop, for each frame that came back, just before it is freed. */
typedef void gpu_frame_func(struct gpu_frame *frame, void *data);
/* On the gpu loop, after a batch of frames came back without anyone asking. */
typedef void gpu_frames_func(void *data);

/* NULL with errno (ENOMEM, EMFILE). */
struct gpu_frames *gpu_frames_create(struct loop *loop, gpu_frame_func *returned,
				     gpu_frames_func *woken, void *data);
/* Frames still on their way stay valid, but return to nobody. */
void gpu_frames_destroy(struct gpu_frames *frames);
/* Takes what has come back. True when there was any. */
bool gpu_frames_drain(struct gpu_frames *frames);

/* Takes its own references of the buffer and the resource, which has one reader more until the
 * frame came back. NULL when there is no memory. */
struct gpu_frame *gpu_frame_create(struct gpu_frames *frames, struct display_buffer *buffer,
				   struct gpu_resource *resource, struct gpu_flight *flight);

#endif
