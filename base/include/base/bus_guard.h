/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared files that may be cut short while they are mapped. Instead of a SIGBUS that ends the
 * process, the missing pages read as zeros, which no header is made of: the session ends.
 *
 * One mapping at a time: a client has one session, a VM one file for Looking Glass. The handler is
 * the process'.
 */
#ifndef BASE_BUS_GUARD_H
#define BASE_BUS_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* Guards a mapping until the next call; NULL: none. Any thread. 0 or -errno. */
int bus_guard_set(const void *mapping, size_t bytes);
/* Pages of the mapping were missing. Any thread. */
bool bus_guard_hit(void);

#endif
