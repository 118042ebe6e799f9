/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frame.h"

#include "resource.h"

#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct gpu_frames {
	_Atomic unsigned int references;        /* the device's and one for each frame */
	_Atomic(struct gpu_frame *) released;   /* a stack: any thread pushes, the loop takes all */
	int wake_fd;
	struct loop_fd *wake;
	struct gpu_frame *on_their_way;         /* gpu loop only, as all below */
	gpu_frame_func *returned;
	gpu_frames_func *woken;
	void *data;
};

static void frame_free_list(struct gpu_frame *frame)
{
	while (frame) {
		struct gpu_frame *next = frame->next_released;

		free(frame);
		frame = next;
	}
}

static void frames_unref(struct gpu_frames *frames)
{
	/* Acquire and release: the last one sees every push. */
	if (atomic_fetch_sub_explicit(&frames->references, 1, memory_order_acq_rel) != 1)
		return;
	/* The device is gone; what came back after it is ours to free. */
	frame_free_list(atomic_load_explicit(&frames->released, memory_order_acquire));
	close(frames->wake_fd);
	free(frames);
}

static void frames_on_wake(void *data, uint32_t events)
{
	struct gpu_frames *frames = data;
	uint64_t count;

	if (read(frames->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error("cannot read the eventfd of released frames: %s", strerror(errno));
	gpu_frames_drain(frames);
	frames->woken(frames->data);
}

struct gpu_frames *gpu_frames_create(struct loop *loop, gpu_frame_func *returned,
				     gpu_frames_func *woken, void *data)
{
	struct gpu_frames *frames = calloc(1, sizeof(*frames));
	int saved;

	if (!frames)
		return NULL;
	atomic_init(&frames->references, 1);
	atomic_init(&frames->released, NULL);
	frames->returned = returned;
	frames->woken = woken;
	frames->data = data;
	frames->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (frames->wake_fd < 0)
		goto fail_free;
	frames->wake = loop_fd_add(loop, frames->wake_fd, EPOLLIN, frames_on_wake, frames);
	if (!frames->wake)
		goto fail_close;
	return frames;

fail_close:
	saved = errno;
	close(frames->wake_fd);
	errno = saved;
fail_free:
	free(frames);
	return NULL;
}

/* Takes the frame off the gpu loop's list. */
static void frame_forget(struct gpu_frame *frame)
{
	*frame->link = frame->next;
	if (frame->next)
		frame->next->link = frame->link;
	frame->resource->readers--;
	gpu_resource_unref(frame->resource);
	frame->resource = NULL;
}

void gpu_frames_destroy(struct gpu_frames *frames)
{
	if (!frames)
		return;
	loop_fd_remove(frames->wake);
	while (frames->on_their_way)
		frame_forget(frames->on_their_way);
	frames_unref(frames);
}

bool gpu_frames_drain(struct gpu_frames *frames)
{
	/* Acquire: pairs with the push; the readers are through with the pixels. */
	struct gpu_frame *frame =
		atomic_exchange_explicit(&frames->released, NULL, memory_order_acquire);
	bool any = frame != NULL;

	while (frame) {
		struct gpu_frame *next = frame->next_released;

		frames->returned(frame, frames->data);
		frame_forget(frame);
		free(frame);
		frame = next;
	}
	return any;
}

/* Any thread. */
static void frame_release(struct display_frame *base)
{
	struct gpu_frame *frame = (struct gpu_frame *)base;
	struct gpu_frames *frames = frame->frames;
	struct gpu_frame *head;
	uint64_t one = 1;

	display_buffer_unref(base->buffer);
	base->buffer = NULL;
	head = atomic_load_explicit(&frames->released, memory_order_relaxed);
	do {
		frame->next_released = head;
		/* Release: our reads of the pixels come before the loop sees the frame. */
	} while (!atomic_compare_exchange_weak_explicit(&frames->released, &head, frame,
							memory_order_release,
							memory_order_relaxed));
	/* From here on the frame is the loop's. Whoever made the stack non-empty wakes it. */
	if (!head && write(frames->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error("cannot wake the gpu loop: %s", strerror(errno));
	frames_unref(frames);
}

struct gpu_frame *gpu_frame_create(struct gpu_frames *frames, struct display_buffer *buffer,
				   struct gpu_resource *resource, struct gpu_flight *flight)
{
	struct gpu_frame *frame = calloc(1, sizeof(*frame));

	if (!frame)
		return NULL;
	atomic_init(&frame->base.references, 1);
	frame->base.buffer = display_buffer_ref(buffer);
	frame->base.release = frame_release;
	frame->frames = frames;
	atomic_fetch_add_explicit(&frames->references, 1, memory_order_relaxed);
	frame->resource = gpu_resource_ref(resource);
	resource->readers++;
	frame->flight = flight;
	frame->next = frames->on_their_way;
	frame->link = &frames->on_their_way;
	if (frame->next)
		frame->next->link = &frame->next;
	frames->on_their_way = frame;
	return frame;
}
