/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects of our own on SDL's connection: SDL keeps its own to itself. SDL dispatches their events,
 * on the main thread, with its own.
 */
#include "clipboard_wayland.h"

#include <SDL.h>
#include <SDL_syswm.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* --- serials: who wants the selection has to name an event of the user's ------------------ */

static void seat_on_keymap(void *data, struct wl_keyboard *keyboard, uint32_t format, int32_t fd,
			   uint32_t size)
{
	close(fd);
}

static void seat_on_keyboard_enter(void *data, struct wl_keyboard *keyboard, uint32_t serial,
				   struct wl_surface *surface, struct wl_array *keys)
{
	struct wayland_seat *seat = data;

	seat->serial = serial;
	seat->has_focus = true;
}

static void seat_on_keyboard_leave(void *data, struct wl_keyboard *keyboard, uint32_t serial,
				   struct wl_surface *surface)
{
	struct wayland_seat *seat = data;

	seat->has_focus = false;
}

static void seat_on_key(void *data, struct wl_keyboard *keyboard, uint32_t serial, uint32_t time,
			uint32_t key, uint32_t state)
{
	struct wayland_seat *seat = data;

	seat->serial = serial;
	seat->listener.pressed(seat->listener.data);
}

static void seat_on_modifiers(void *data, struct wl_keyboard *keyboard, uint32_t serial,
			      uint32_t depressed, uint32_t latched, uint32_t locked, uint32_t group)
{
}

static const struct wl_keyboard_listener seat_keyboard_listener = {
	.keymap = seat_on_keymap,
	.enter = seat_on_keyboard_enter,
	.leave = seat_on_keyboard_leave,
	.key = seat_on_key,
	.modifiers = seat_on_modifiers,
};

static void seat_on_pointer_enter(void *data, struct wl_pointer *pointer, uint32_t serial,
				  struct wl_surface *surface, wl_fixed_t x, wl_fixed_t y)
{
}

static void seat_on_pointer_leave(void *data, struct wl_pointer *pointer, uint32_t serial,
				  struct wl_surface *surface)
{
}

static void seat_on_motion(void *data, struct wl_pointer *pointer, uint32_t time, wl_fixed_t x,
			   wl_fixed_t y)
{
}

static void seat_on_button(void *data, struct wl_pointer *pointer, uint32_t serial, uint32_t time,
			   uint32_t button, uint32_t state)
{
	struct wayland_seat *seat = data;

	seat->serial = serial;
	seat->listener.pressed(seat->listener.data);
}

static void seat_on_axis(void *data, struct wl_pointer *pointer, uint32_t time, uint32_t axis,
			 wl_fixed_t value)
{
}

static const struct wl_pointer_listener seat_pointer_listener = {
	.enter = seat_on_pointer_enter,
	.leave = seat_on_pointer_leave,
	.motion = seat_on_motion,
	.button = seat_on_button,
	.axis = seat_on_axis,
};

/* --- finding it -------------------------------------------------------------------------- */

static void seat_drop_keyboard(struct wayland_seat *seat)
{
	if (seat->keyboard)
		wl_keyboard_destroy(seat->keyboard);
	seat->keyboard = NULL;
	seat->has_focus = false;
}

static void seat_drop_pointer(struct wayland_seat *seat)
{
	if (seat->pointer)
		wl_pointer_destroy(seat->pointer);
	seat->pointer = NULL;
}

static void seat_on_capabilities(void *data, struct wl_seat *proxy, uint32_t capabilities)
{
	struct wayland_seat *seat = data;

	if (!(capabilities & WL_SEAT_CAPABILITY_KEYBOARD))
		seat_drop_keyboard(seat);
	else if (!seat->keyboard && (seat->keyboard = wl_seat_get_keyboard(proxy)))
		wl_keyboard_add_listener(seat->keyboard, &seat_keyboard_listener, seat);
	if (!(capabilities & WL_SEAT_CAPABILITY_POINTER))
		seat_drop_pointer(seat);
	else if (!seat->pointer && (seat->pointer = wl_seat_get_pointer(proxy)))
		wl_pointer_add_listener(seat->pointer, &seat_pointer_listener, seat);
}

static void seat_on_name(void *data, struct wl_seat *proxy, const char *name)
{
}

static const struct wl_seat_listener seat_listener = {
	.capabilities = seat_on_capabilities,
	.name = seat_on_name,
};

/* The first seat of several: it is the one that SDL's windows usually hear of. */
static void seat_on_global(void *data, struct wl_registry *registry, uint32_t name,
			   const char *interface, uint32_t version)
{
	struct wayland_seat *seat = data;

	if (!strcmp(interface, wl_seat_interface.name) && !seat->seat) {
		seat->seat = wl_registry_bind(registry, name, &wl_seat_interface, 1);
		if (seat->seat)
			wl_seat_add_listener(seat->seat, &seat_listener, seat);
	} else if (!strcmp(interface, wl_data_device_manager_interface.name) && !seat->manager) {
		seat->manager = wl_registry_bind(registry, name,
						 &wl_data_device_manager_interface, 1);
	}
	if (!seat->seat || !seat->manager || seat->device)
		return;
	seat->device = wl_data_device_manager_get_data_device(seat->manager, seat->seat);
	if (seat->device)
		seat->listener.ready(seat->listener.data);
}

static void seat_on_global_gone(void *data, struct wl_registry *registry, uint32_t name)
{
}

static const struct wl_registry_listener seat_registry_listener = {
	.global = seat_on_global,
	.global_remove = seat_on_global_gone,
};

/* SDL tells of its connection by a window only. */
static struct wl_display *seat_find_display(void)
{
	SDL_Window *window = SDL_CreateWindow("", 0, 0, 16, 16, SDL_WINDOW_HIDDEN);
	struct wl_display *display = NULL;
	SDL_SysWMinfo info;

	SDL_VERSION(&info.version);
	if (window && SDL_GetWindowWMInfo(window, &info) && info.subsystem == SDL_SYSWM_WAYLAND)
		display = info.info.wl.display;
	if (window)
		SDL_DestroyWindow(window);
	return display;
}

int wayland_seat_init(struct wayland_seat *seat, const struct wayland_seat_listener *listener)
{
	*seat = (struct wayland_seat){ .listener = *listener, .display = seat_find_display() };
	if (!seat->display)
		return -ENOTSUP;
	seat->registry = wl_display_get_registry(seat->display);
	if (!seat->registry)
		return -ENOMEM;
	wl_registry_add_listener(seat->registry, &seat_registry_listener, seat);
	wl_display_flush(seat->display);
	return 0;
}

void wayland_seat_finish(struct wayland_seat *seat)
{
	seat_drop_keyboard(seat);
	seat_drop_pointer(seat);
	if (seat->device)
		wl_data_device_destroy(seat->device);
	if (seat->manager)
		wl_data_device_manager_destroy(seat->manager);
	if (seat->seat)
		wl_seat_destroy(seat->seat);
	if (seat->registry)
		wl_registry_destroy(seat->registry);
	if (seat->display)
		wl_display_flush(seat->display);
	*seat = (struct wayland_seat){ 0 };
}
