/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SPICE server by libspice-server, for screens, keyboard, mouse, sound and clipboard; on a thread
 * of its own, "spice", where every call into the library is made. No password and no encryption:
 * whoever can connect may look, listen and type. One client at a time: a second one replaces the
 * first. The process ignores SIGPIPE.
 */
#ifndef VMM_SPICE_SPICE_SERVICE_H
#define VMM_SPICE_SPICE_SERVICE_H

#include "spice/spice_listen.h"

#include <base/uuid.h>

struct audio_tap;
struct display;
struct spice_agent;
struct spice_inputs;
struct spice_service;

/* Connections at once; further ones are closed. A client needs one for each channel. */
#define SPICE_SERVICE_MAX_CONNECTIONS 32

struct spice_service_config {
	struct spice_listen_config listen;
	const char *name;
	struct uuid uuid;
	struct spice_inputs *inputs;    /* outlives the service */
	struct spice_agent *agent;      /* NULL: none; outlives the service */
	struct audio_tap *sound;        /* outlives the service; NULL: no sound */
	struct display *display;        /* so does it; NULL: no picture */
};

/* From main; the config is read only here. NULL with the error filled in. */
struct spice_service *spice_service_create(const struct spice_service_config *config,
					   struct option_error *error);
/* From main. Disconnects everybody; removes the socket. NULL is ignored. */
void spice_service_destroy(struct spice_service *service);

#endif
