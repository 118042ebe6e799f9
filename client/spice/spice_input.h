/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyboard and mouse to a SPICE server, by spice-client-glib: its MAIN and INPUTS channels, no
 * others. A server that is not there, or goes, is looked for every second.
 *
 * The library works only on GLib's default context, whatever context the caller has: a thread of
 * ours, "spice", owns it from create to destroy, so there may be one of these in a process at a
 * time, and nobody else may run that context.
 */
#ifndef CLIENT_SPICE_SPICE_INPUT_H
#define CLIENT_SPICE_SPICE_INPUT_H

#include <spice_address.h>

struct input_peer;

/* Both are copied; password "": none. NULL with errno. */
struct input_peer *spice_input_create(const struct spice_address *address, const char *password);

#endif
