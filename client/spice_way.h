/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SPICE library brings forty others along, which would more than double the time that every
 * client takes to start. So there are two programs of one main: vitrine-client has
 * vitrine-client-spice, which stands beside it, run in its place when it is asked for SPICE.
 */
#ifndef CLIENT_SPICE_WAY_H
#define CLIENT_SPICE_WAY_H

#include "spice_address.h"

struct input_peer;

/* 0: this is the program for it; or the other is run and nothing returns; -EINVAL with the error
 * filled in: it cannot be run. */
int spice_way_take(char **argv, struct option_error *error);
/* After take. NULL with errno. */
struct input_peer *spice_way_create(const struct spice_address *address, const char *password);

#endif
