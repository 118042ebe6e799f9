/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of clipboard_wayland.c. */
#ifndef CLIENT_CLIPBOARD_WAYLAND_H
#define CLIENT_CLIPBOARD_WAYLAND_H

#include "clipboard.h"

#include <stdbool.h>
#include <wayland-client.h>

#define WAYLAND_MAX_GIFTS 16
#define WAYLAND_MARK_BYTES 64

/* --- clipboard_wayland_seat.c: finds the seat, and knows its last event ------------------- */

struct wayland_seat_listener {
	/* The seat has a data device: this one. */
	void (*ready)(void *data);
	/* The user has pressed something over one of our windows: there is a fresh serial. */
	void (*pressed)(void *data);
	void *data;
};

struct wayland_seat {
	struct wayland_seat_listener listener;
	struct wl_display *display;             /* SDL's */
	struct wl_registry *registry;
	struct wl_data_device_manager *manager;
	struct wl_seat *seat;
	struct wl_keyboard *keyboard;
	struct wl_pointer *pointer;
	struct wl_data_device *device;          /* NULL: not ready */
	bool has_focus;
	uint32_t serial;                        /* of the user's last event; 0: there was none */
};

/* 0 or -errno. */
int wayland_seat_init(struct wayland_seat *seat, const struct wayland_seat_listener *listener);
void wayland_seat_finish(struct wayland_seat *seat);

/* --- clipboard_wayland_offer.c: what the selection's owner, or a drag, can give ----------- */

struct wayland_offer {
	struct wl_data_offer *proxy;
	const char *mark;               /* of our own offers */
	bool is_own;
	const char *text_mime;          /* NULL: none */
	bool has_png;
};

/* NULL: no memory; the proxy is destroyed then. */
struct wayland_offer *wayland_offer_create(struct wl_data_offer *proxy, const char *mark);
/* NULL is ignored. */
void wayland_offer_destroy(struct wayland_offer *offer);
uint32_t wayland_offer_types(const struct wayland_offer *offer);
/* A pipe's end that the bytes come out of; fd or -errno. */
int wayland_offer_receive(struct wayland_offer *offer, enum clipboard_wire_type type);

/* The types of a MIME type that we offer and take: its type, or -1. */
int wayland_mime_type(const char *mime);
void wayland_mime_offer(struct wl_data_source *source, uint32_t types, const char *mark);

#endif
