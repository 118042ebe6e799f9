/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client's records from the segment's input ring. Each is copied, checked and only then
 * believed; a bad one is skipped. When the client leaves, dies or is replaced, what it held is
 * released.
 */
#ifndef INPUT_SOURCE_RING_H
#define INPUT_SOURCE_RING_H

#include <input/source.h>
#include <stdint.h>

struct input_router;
struct loop;
struct segment;

/* Larger windows are not believed. */
#define INPUT_MAX_DISPLAY_EXTENT 16384

/* What is in the ring but not for the router. On the loop; any may be NULL. A callback may not
 * destroy the source. */
struct input_source_ring_callbacks {
	/* The client's window in pixels, 1..INPUT_MAX_DISPLAY_EXTENT each; 0 x 0: closed. */
	void (*display_size)(void *data, uint32_t scanout, uint32_t width, uint32_t height);
	void (*power_button)(void *data);
	void (*force_off)(void *data);
};

struct input_source_ring_config {
	struct loop *loop;
	struct segment *segment;                /* outlives the source */
	struct input_router *router;            /* outlives the source */
	int doorbell_fd;                        /* eventfd, stays the caller's; -1: none, poll */
	struct input_source_ring_callbacks callbacks;
	void *data;
};

/* NULL with errno (ENOENT: the segment has no input ring; ENOMEM, EMFILE). */
struct input_source *input_source_ring_create(const struct input_source_ring_config *config);

#endif
