/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a QXL device of libspice-server draws, on its way to the library's worker: pictures in
 * batches, cursors one by one. Filled on the SPICE thread, taken by the worker. Whatever was handed
 * out stays as it is until the worker releases it, which is when a client has it or has gone; of
 * batches and cursors there are only so many.
 */
#ifndef VMM_SPICE_SPICE_COMMANDS_H
#define VMM_SPICE_SPICE_COMMANDS_H

#include <spice.h>
#include <stdbool.h>
#include <stdint.h>

struct damage;
struct spice_commands;

#define SPICE_COMMANDS_BATCHES 2
#define SPICE_COMMANDS_CURSORS 8

struct spice_cursor {
	bool visible;
	int32_t x, y;                   /* of the hotspot */
	uint32_t width, height, hot_x, hot_y;
	const uint32_t *pixels;         /* ARGB8888, straight; NULL: only position or visibility */
};

/* wake_fd: an eventfd that is rung when what was refused may be asked for again. NULL: ENOMEM. */
struct spice_commands *spice_commands_create(int wake_fd);
/* The worker has ended. NULL is ignored. */
void spice_commands_destroy(struct spice_commands *commands);

/* ---- the SPICE thread ---- */

/* A batch that draws the damaged parts, which lie inside the picture, as they are now; rows
 * stride_pixels apart. 0; -EAGAIN: all batches are out; -ENOMEM. */
int spice_commands_draw(struct spice_commands *commands, const uint32_t *pixels,
			uint32_t stride_pixels, const struct damage *damage);
/* True: no batch is out. */
bool spice_commands_drained(struct spice_commands *commands);
/* 0; -EAGAIN: all cursors are out; -ENOMEM. */
int spice_commands_cursor(struct spice_commands *commands, const struct spice_cursor *cursor);
/* Frees the memory of batches that are not out. */
void spice_commands_trim(struct spice_commands *commands);

/* ---- the worker ---- */

bool spice_commands_pop(struct spice_commands *commands, QXLCommandExt *command);
bool spice_commands_pop_cursor(struct spice_commands *commands, QXLCommandExt *command);
/* True: there is nothing to pop. */
bool spice_commands_empty(struct spice_commands *commands);
bool spice_commands_no_cursor(struct spice_commands *commands);
/* info: of a command that was popped. Also from the SPICE thread, when the worker has ended. */
void spice_commands_release(struct spice_commands *commands, const QXLReleaseInfo *info);

#endif
