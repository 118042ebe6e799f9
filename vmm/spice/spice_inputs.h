/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keyboard, mouse and tablet that SPICE clients drive: an input source. What the SPICE thread
 * pushes waits in a bounded queue, in which motion adds up, for the router's loop; when it is full
 * all of it is forgotten and what is held released.
 */
#ifndef VMM_SPICE_SPICE_INPUTS_H
#define VMM_SPICE_SPICE_INPUTS_H

#include <input/source.h>
#include <stdint.h>

struct input_router;
struct loop;
struct spice_inputs;

/* Buttons as libspice-server hands them on: not the masks of the protocol. */
#define SPICE_INPUTS_LEFT 0x01
#define SPICE_INPUTS_RIGHT 0x02
#define SPICE_INPUTS_MIDDLE 0x04
#define SPICE_INPUTS_SIDE 0x40
#define SPICE_INPUTS_EXTRA 0x80

/* The router and its loop outlive it. NULL with errno. */
struct spice_inputs *spice_inputs_create(struct loop *loop, struct input_router *router);
/* On the router's loop; destroying the source destroys the inputs, after the last push. */
struct input_source *spice_inputs_source(struct spice_inputs *inputs);

/* ---- the SPICE thread; values are a client's, any will do ---- */

/* One byte of set 1. */
void spice_inputs_scan(struct spice_inputs *inputs, uint8_t byte);
/* wheel: notches, down is positive. */
void spice_inputs_motion(struct spice_inputs *inputs, int x, int y, int wheel, uint32_t buttons);
/* Of the screen that positions are on; until it is known there are none. */
void spice_inputs_set_size(struct spice_inputs *inputs, int width, int height);
void spice_inputs_position(struct spice_inputs *inputs, int x, int y, uint32_t buttons);
void spice_inputs_buttons(struct spice_inputs *inputs, uint32_t buttons);
/* An eventfd, theirs, for the caller to clear: the guest has lit LEDs or put them out. */
int spice_inputs_leds_fd(const struct spice_inputs *inputs);
/* SPICE_KEYBOARD_MODIFIER_FLAGS_*. */
uint8_t spice_inputs_leds(const struct spice_inputs *inputs);
/* The client has gone: whatever it holds goes up. */
void spice_inputs_release(struct spice_inputs *inputs);

#endif
