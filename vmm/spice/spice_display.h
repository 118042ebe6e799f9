/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DISPLAY and CURSOR channels: what is on the guest's screens, one QXL instance each. A client
 * that is slow or stops holds up neither the guest nor another consumer of its frames: it is owed
 * what has changed, and gets the newest when it can take it.
 */
#ifndef VMM_SPICE_SPICE_DISPLAY_H
#define VMM_SPICE_SPICE_DISPLAY_H

#include <spice.h>

struct display;
struct loop;
struct spice_relay;
struct spice_display;

/* From main; the display outlives it, and the loop, which is not the SPICE thread's and does not
 * run yet, does not. NULL with errno. */
struct spice_display *spice_display_create(struct display *display, struct loop *loop,
					   struct spice_relay *relay);
/* From main; the loop has stopped. What is still posted there does nothing more. NULL is
 * ignored. */
void spice_display_stop(struct spice_display *display);
/* From main, once stopped; the server and both loops are gone. NULL is ignored. */
void spice_display_destroy(struct spice_display *display);

/* ---- the SPICE thread; NULL is ignored ---- */

/* Before the server starts; the loop is the thread's. 0 or -errno. */
int spice_display_open(struct spice_display *display, SpiceServer *server, struct loop *loop);
/* The server goes now. */
void spice_display_close(struct spice_display *display);
/* event: SPICE_CHANNEL_EVENT_* of any channel. */
void spice_display_channel_event(struct spice_display *display, int event, int channel_type,
				 int channel_id);

#endif
