/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events from a text, one step per line; '#' starts a comment:
 *
 *	key CODE down|up        CODE: the number of an evdev KEY_*
 *	button CODE down|up     CODE: the number of an evdev BTN_*
 *	abs SCANOUT X Y         0..65535
 *	rel DX DY
 *	wheel X Y               1/120 of a notch
 *	release                 all keys and buttons
 *	wait MS
 */
#ifndef INPUT_SOURCE_SCRIPT_H
#define INPUT_SOURCE_SCRIPT_H

#include <input/source.h>
#include <stdbool.h>

struct input_router;
struct loop;

/* The router outlives the source. NULL with errno; EINVAL: the text is wrong in *bad_line. */
struct input_source *input_source_script_create(struct loop *loop, struct input_router *router,
						const char *text, unsigned int *bad_line);
/* True once every step was pushed. */
bool input_source_script_done(const struct input_source *source);

#endif
