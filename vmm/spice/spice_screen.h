/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One screen of the guest as one QXL instance. Clients are told of the first one at once, of
 * another when it is on for the first time.
 *
 * While a client looks there is a primary surface of the guest's size, in memory of ours that the
 * server draws into, and a copy of the newest picture, from which commands are made when there is
 * room for them. While none does there is neither, and frames are not even seen.
 *
 * Belongs to a loop of its own. The SPICE thread may stand still in libspice-server for as long as
 * a client lets it, half a minute and more; the guest, whose frames are taken here, must not.
 */
#ifndef VMM_SPICE_SPICE_SCREEN_H
#define VMM_SPICE_SPICE_SCREEN_H

#include <spice.h>
#include <stdint.h>

struct loop;
struct source_display;
struct spice_relay;
struct spice_screen;

struct spice_screen_config {
	struct loop *loop;              /* the screen's */
	struct source_display *source;  /* asleep; this screen's part of it is the screen's */
	uint32_t index;
	struct spice_relay *relay;      /* on the same loop */
	int wake_fd;                    /* rung when spice_screen_step has something to do */
};

/* From main; all that the config names outlives it. NULL: ENOMEM. */
struct spice_screen *spice_screen_create(const struct spice_screen_config *config);
/* From main, once the loop has stopped: what is still posted there does nothing more. */
void spice_screen_stop(struct spice_screen *screen);
/* The server and both loops are gone. NULL is ignored. */
void spice_screen_destroy(struct spice_screen *screen);

/* ---- the SPICE thread ---- */

/* Before the server starts; the loop is the thread's. 0 or -EIO. */
int spice_screen_open(struct spice_screen *screen, SpiceServer *server, struct loop *spice_loop);
/* The server goes now. */
void spice_screen_close(struct spice_screen *screen);

/* ---- the screen's loop ---- */

/* A DISPLAY channel of this screen came or went. */
void spice_screen_client_came(struct spice_screen *screen);
void spice_screen_client_went(struct spice_screen *screen);
/* Takes what is new, hands on what can be handed on. */
void spice_screen_step(struct spice_screen *screen);

#endif
