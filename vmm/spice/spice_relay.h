/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between clients and libspice-server: carries what both say, so that the server is never told what
 * it does not survive (spice_hello.h), and so that every client can be dropped at once.
 *
 * While the worker of libspice-server 0.15.1 takes a surface away it may wait for the clients of its
 * DISPLAY channel, in a loop that goes on with a client's memory after it has seen that client end. So
 * the server sees no such end while a hold lasts, and a surface goes only when all is settled. A
 * client that has gone meanwhile is read to the end of what the server has for it.
 */
#ifndef VMM_SPICE_SPICE_RELAY_H
#define VMM_SPICE_SPICE_RELAY_H

#include <stdbool.h>

struct loop;
struct spice_relay;

/* From main; carries on the loop, which outlives it. NULL: ENOMEM. */
struct spice_relay *spice_relay_create(struct loop *loop);
/* From main; the loop has stopped. Drops every client. Sockets that are added afterwards find their
 * other end closed. */
void spice_relay_stop(struct spice_relay *relay);
/* From main; the loop is gone. NULL is ignored. */
void spice_relay_destroy(struct spice_relay *relay);

/* ---- the loop ---- */

/* Rung when all is settled again; the eventfd stays the caller's. -1: none. */
void spice_relay_set_wake(struct spice_relay *relay, int wake_fd);
/* No DISPLAY channel's end is on its way to the server. */
bool spice_relay_is_settled(const struct spice_relay *relay);
/* Holds add up. */
void spice_relay_hold(struct spice_relay *relay, bool hold);

/* Any thread. A client's socket, non-blocking, the relay's from now on. The server's end of it or
 * -errno. */
int spice_relay_add(struct spice_relay *relay, int fd);

#endif
