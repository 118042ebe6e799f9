/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control.h"

#include "device.h"
#include "frame.h"

#include <base/log.h>
#include <errno.h>
#include <stdlib.h>
#include <virtio/queue.h>

void gpu_control_init(struct gpu_control *control)
{
	control->flights_end = &control->flights;
}

static void control_add_flight(struct gpu_control *control, struct gpu_flight *flight)
{
	flight->next = NULL;
	*control->flights_end = flight;
	control->flights_end = &flight->next;
}

struct gpu_flight *gpu_control_flight(struct gpu_request *request)
{
	if (!request->flight)
		request->flight = calloc(1, sizeof(*request->flight));
	return request->flight;
}

static bool control_fence_pending(const struct gpu_control *control)
{
	for (const struct gpu_flight *flight = control->flights; flight; flight = flight->next)
		if (flight->fenced)
			return true;
	return false;
}

/* Gives back every chain that is done and not held by an earlier fence. */
static void control_land(struct gpu_control *control)
{
	struct gpu_flight **link = &control->flights;
	bool fence_pending = false;

	while (*link) {
		struct gpu_flight *flight = *link;

		if (flight->frames > 0 || (flight->fenced && fence_pending)) {
			fence_pending |= flight->fenced;
			link = &flight->next;
			continue;
		}
		*link = flight->next;
		if (flight->chain)
			virtqueue_push(control->queue, flight->chain);
		free(flight);
	}
	control->flights_end = link;
}

/* The command was run: gives its chain back, now or when it is really done. */
static void control_complete(struct gpu_control *control)
{
	struct gpu_request *request = &control->request;
	bool fenced = gpu_request_fenced(request);
	struct gpu_flight *flight = request->flight;

	if (!flight && fenced && control_fence_pending(control))
		flight = gpu_control_flight(request);
	/* Without memory for a flight the fence is early, which is better than never. */
	if (!flight) {
		virtqueue_push(control->queue, request->chain);
		return;
	}
	flight->chain = request->chain;
	flight->fenced = fenced;
	control_add_flight(control, flight);
	request->flight = NULL;
	/* A flush that found no memory for its frames has nothing to wait for. */
	if (flight->frames == 0)
		control_land(control);
}

static bool control_next(struct gpu *gpu)
{
	struct gpu_control *control = &gpu->control;
	struct chain *chain = virtqueue_pop(control->queue);
	uint32_t error;

	if (!chain)
		return false;
	error = gpu_decode(&control->request, GPU_QUEUE_CONTROL, gpu->features, chain);
	if (error) {
		gpu_respond(&control->request, error);
		control_complete(control);
	}
	return true;
}

/* False when the command must wait for a reader. */
static bool control_run(struct gpu *gpu)
{
	struct gpu_request *request = &gpu->control.request;
	uint32_t type;

	if (!request->command)
		return true;
	type = request->command->run(gpu, request);
	if (type == GPU_MUST_WAIT)
		return false;
	gpu_respond(request, type);
	control_complete(&gpu->control);
	return true;
}

static void control_handle(struct virtqueue *queue, void *data)
{
	struct gpu *gpu = data;
	struct gpu_control *control = &gpu->control;
	unsigned int budget = GPU_BATCH_COMMANDS;

	while (control->waiting || control_next(gpu)) {
		control->waiting = !control_run(gpu);
		/* Frames that nobody kept are back already. */
		if (gpu_frames_drain(gpu->frames))
			control_land(control);
		if (control->waiting)
			break;
		if (--budget == 0) {
			virtqueue_kick_self(queue);
			break;
		}
	}
	virtqueue_notify(queue);
}

void gpu_control_frame_returned(struct gpu_frame *frame, void *gpu)
{
	if (frame->flight)
		frame->flight->frames--;
}

void gpu_control_frames_woken(void *data)
{
	struct gpu *gpu = data;
	struct gpu_control *control = &gpu->control;

	control_land(control);
	if (!control->queue)
		return;
	if (control->waiting)
		control_handle(control->queue, gpu);
	else
		virtqueue_notify(control->queue);
}

int gpu_control_start(struct gpu *gpu, const struct virtqueue_setup *setup)
{
	struct gpu_control *control = &gpu->control;

	if (control->queue)
		return -EBUSY;
	control->queue = virtqueue_create(&gpu->base, GPU_QUEUE_CONTROL, setup, control_handle,
					  gpu);
	if (!control->queue)
		return -errno;
	gpu->mem = guest_mem_ref(setup->mem);
	return 0;
}

void gpu_control_stop(struct gpu *gpu)
{
	struct gpu_control *control = &gpu->control;

	if (!control->queue)
		return;
	/* Their chains go with the queue; frames may still come back to the flights. */
	for (struct gpu_flight *flight = control->flights; flight; flight = flight->next) {
		flight->chain = NULL;
		flight->fenced = false;
	}
	control->waiting = false;
	control_land(control);
	virtqueue_destroy(control->queue);
	control->queue = NULL;
	guest_mem_unref(gpu->mem);
	gpu->mem = NULL;
}

void gpu_control_finish(struct gpu_control *control)
{
	while (control->flights) {
		struct gpu_flight *flight = control->flights;

		control->flights = flight->next;
		free(flight);
	}
	gpu_control_init(control);
}
