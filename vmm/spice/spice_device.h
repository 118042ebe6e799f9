/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libspice-server takes for a graphics card of one screen: a QXL instance and its primary
 * surface. Commands reach its worker by themselves; what must be said to the library is posted to
 * the SPICE thread, which may stand still in there.
 */
#ifndef VMM_SPICE_SPICE_DEVICE_H
#define VMM_SPICE_SPICE_DEVICE_H

#include <spice.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct spice_commands;
struct spice_device;

struct spice_device_config {
	uint32_t index;                 /* of the screen */
	struct loop *loop;              /* the owner's */
	struct spice_commands *commands;
	/* On the owner's loop: what was asked for is done. */
	void (*came)(void *data);
	void (*gone)(void *data);
	void *data;
};

/* From main; all that the config names outlives it. NULL: ENOMEM. */
struct spice_device *spice_device_create(const struct spice_device_config *config);
/* The server and both loops are gone. NULL is ignored. */
void spice_device_destroy(struct spice_device *device);

/* ---- the SPICE thread ---- */

/* Before the server starts; the loop is the thread's. shown: clients are told of it, otherwise not
 * before spice_device_show. 0 or -EIO. */
int spice_device_open(struct spice_device *device, SpiceServer *server, struct loop *spice_loop,
		      bool shown);
/* The server goes now. */
void spice_device_close(struct spice_device *device);

/* ---- the owner's loop, once it is open ---- */

/* Clients are told of it from now on. Once. */
void spice_device_show(struct spice_device *device);
/* There are commands. */
void spice_device_wake(struct spice_device *device);
/* A primary surface with this picture, XRGB8888, in memory that is the worker's until it is gone.
 * Then came is called. */
void spice_device_come(struct spice_device *device, uint32_t *pixels, uint32_t width,
		       uint32_t height);
/* No primary surface. Then gone is called. */
void spice_device_go(struct spice_device *device);

#endif
