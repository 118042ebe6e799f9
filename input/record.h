/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks what a client wrote. A record is the reader's own copy. */
#ifndef INPUT_RECORD_H
#define INPUT_RECORD_H

#include <input/event.h>
#include <ivshmem/abi.h>
#include <stdbool.h>

/* The event for the router; false: not one of its types, or a field is out of range. */
bool input_record_to_event(const struct input_record *record, struct router_event *event);
/* An INPUT_DISPLAY_SIZE whose scanout and size can be believed. */
bool input_record_is_display_size(const struct input_record *record);

#endif
