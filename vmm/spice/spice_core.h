/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libspice-server asks of its main loop, on one of ours. Its timer and watch functions tell
 * not whose they are, so the loop is remembered per thread: that of the loop, and every call into
 * the library is made there.
 */
#ifndef VMM_SPICE_SPICE_CORE_H
#define VMM_SPICE_SPICE_CORE_H

#include <spice.h>

struct loop;

/* channel_event: SPICE_CHANNEL_EVENT_* of a channel of type SPICE_CHANNEL_*. */
typedef void spice_core_event_func(void *data, int event, int channel_type, int channel_id);

/* On the loop's thread, before the server is made. */
void spice_core_begin(struct loop *loop, spice_core_event_func *channel_event, void *data);
/* There, after the server has been destroyed: of what it has left behind nothing is called any more. */
void spice_core_end(void);
/* For spice_server_init, after begin. */
SpiceCoreInterface *spice_core_interface(void);

#endif
