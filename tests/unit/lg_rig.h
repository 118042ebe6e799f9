/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A display on a loop of its own, and pictures for it. */
#ifndef LG_RIG_H
#define LG_RIG_H

#include <display/surface.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lg_rig {
	struct loop *loop;
	struct display *display;
	uint32_t surfaces;              /* 0: two */
	uint32_t surface;               /* what the calls below are about */
	_Atomic uint32_t committed, released;
};

void lg_rig_start(struct lg_rig *rig);
void lg_rig_stop(struct lg_rig *rig);
struct display_buffer *lg_rig_buffer(uint32_t width, uint32_t height, uint32_t fourcc,
				     uint32_t colour);
/* The surface shows all of the buffer; this part of it is new. */
void lg_rig_commit(struct lg_rig *rig, struct display_buffer *buffer, struct rect damage);
void lg_rig_off(struct lg_rig *rig);
void lg_rig_cursor(struct lg_rig *rig, const struct display_cursor *cursor);
void lg_rig_move_cursor(struct lg_rig *rig, int32_t x, int32_t y);
/* Until every frame has come back; a few seconds at most. */
void lg_rig_wait_released(struct lg_rig *rig);

#endif
