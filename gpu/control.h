/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control queue: runs commands in order, and gives each chain back when its work is done.
 *
 * A flush is done when every consumer has dropped its frame; later commands go on meanwhile. Only a
 * command that would change pixels still being read holds up the queue. Fenced commands are
 * answered in the order they came: a driver takes one fence for all before it. On the gpu loop.
 */
#ifndef GPU_CONTROL_H
#define GPU_CONTROL_H

#include "command.h"

struct gpu;
struct gpu_frame;
struct virtqueue;
struct virtqueue_setup;

/* A command that was run and answered, but whose chain is not given back yet. */
struct gpu_flight {
	struct gpu_flight *next;
	struct chain *chain;            /* NULL: the queue was stopped meanwhile */
	bool fenced;
	unsigned int frames;            /* that are still being read */
};

struct gpu_control {
	struct virtqueue *queue;        /* NULL: stopped */
	struct gpu_request request;     /* the one being run, or waiting */
	bool waiting;
	struct gpu_flight *flights;     /* oldest first; at most the queue's size are with chain */
	struct gpu_flight **flights_end;
};

void gpu_control_init(struct gpu_control *control);
/* 0 or -errno. */
int gpu_control_start(struct gpu *gpu, const struct virtqueue_setup *setup);
void gpu_control_stop(struct gpu *gpu);
/* Frees what is left when no frame can come back any more. */
void gpu_control_finish(struct gpu_control *control);

/* The flight that completes with its frames. NULL when there is no memory. */
struct gpu_flight *gpu_control_flight(struct gpu_request *request);
/* One frame came back. */
void gpu_control_frame_returned(struct gpu_frame *frame, void *gpu);
/* Frames came back: what waited for them may go on. */
void gpu_control_frames_woken(void *gpu);

#endif
