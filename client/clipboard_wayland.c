/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clipboard of a Wayland compositor (its selection). Only a client whose window has the
 * keyboard hears of it, and is told of it anew whenever the keyboard comes; and only such a client
 * may be sure to be allowed to set it.
 */
#include "clipboard_wayland.h"

#include "clipboard_pipe.h"

#include <SDL.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct clipboard_wayland;

/* A program's pipe, which waits for the VM's bytes, and then takes them. */
struct wayland_gift {
	int fd;                         /* waits; -1: does not */
	enum clipboard_wire_type type;
	struct clipboard_pipe *pipe;    /* takes them */
};

/* What a program has copied is being read. */
struct wayland_read {
	struct clipboard_wayland *wayland;
	struct clipboard_pipe *pipe;    /* NULL: it is not */
};

struct clipboard_wayland {
	struct client_clipboard base;
	struct loop *loop;
	struct wayland_seat seat;
	char mark[WAYLAND_MARK_BYTES];          /* by which we know our own offers */
	struct wayland_offer *offer;            /* the selection; NULL: none, or unknown */
	struct wayland_offer *new_offer;        /* not said yet what of */
	struct wayland_offer *drag_offer;
	struct wl_data_source *source;          /* ours; NULL: nothing is offered */
	uint32_t types;                         /* of it */
	bool is_unconfirmed;                    /* we have not seen that it was taken */
	bool has_insisted;                      /* once is enough */
	struct wayland_gift gifts[WAYLAND_MAX_GIFTS];
	struct wayland_read reads[CLIPBOARD_WIRE_TYPE_COUNT];
};

static struct clipboard_wayland *wayland_from(struct client_clipboard *base)
{
	return (struct clipboard_wayland *)base;
}

/* --- what we offer ----------------------------------------------------------------------- */

static void wayland_give_done(void *data, const void *bytes, size_t count)
{
	struct wayland_gift *gift = data;

	gift->pipe = NULL;
}

static void wayland_on_send(void *data, struct wl_data_source *source, const char *mime, int32_t fd)
{
	struct clipboard_wayland *wayland = data;
	const struct client_clipboard_listener *listener = &wayland->base.listener;
	int type = wayland_mime_type(mime);

	for (int i = 0; i < WAYLAND_MAX_GIFTS && type >= 0; i++) {
		struct wayland_gift *gift = &wayland->gifts[i];

		if (gift->fd >= 0 || gift->pipe)
			continue;
		*gift = (struct wayland_gift){ .fd = fd, .type = (enum clipboard_wire_type)type };
		listener->wanted(listener->data, gift->type);
		return;
	}
	close(fd);
}

static void wayland_drop_source(struct clipboard_wayland *wayland)
{
	if (wayland->source)
		wl_data_source_destroy(wayland->source);
	wayland->source = NULL;
}

/* Somebody else's was taken, which we hear of next, or ours was refused. */
static void wayland_on_cancelled(void *data, struct wl_data_source *source)
{
	struct clipboard_wayland *wayland = data;

	if (source == wayland->source)
		wayland_drop_source(wayland);
}

static void wayland_on_target(void *data, struct wl_data_source *source, const char *mime)
{
}

static const struct wl_data_source_listener wayland_source_listener = {
	.target = wayland_on_target,
	.send = wayland_on_send,
	.cancelled = wayland_on_cancelled,
};

/* Without the focus this may be in vain, which is seen when it comes. The source before goes last:
 * without any the compositor would count that as a copy, later than the event that we name. */
static void wayland_set_selection(struct clipboard_wayland *wayland)
{
	struct wayland_seat *seat = &wayland->seat;
	struct wl_data_source *before = wayland->source;

	if (!seat->device)
		return;
	wayland->source = wl_data_device_manager_create_data_source(seat->manager);
	if (wayland->source) {
		wl_data_source_add_listener(wayland->source, &wayland_source_listener, wayland);
		wayland_mime_offer(wayland->source, wayland->types, wayland->mark);
		wl_data_device_set_selection(seat->device, wayland->source, seat->serial);
	}
	if (before)
		wl_data_source_destroy(before);
	wl_display_flush(seat->display);
}

/*
 * Compositors refuse a selection without a word when we have not the focus, or when it names an
 * event of the user's before somebody else's copy. True: it is tried once more.
 */
static bool wayland_insist(struct clipboard_wayland *wayland)
{
	if (!wayland->is_unconfirmed || wayland->has_insisted)
		return false;
	if (wayland->seat.has_focus) {
		wayland->has_insisted = true;
		wayland_set_selection(wayland);
	}
	return true;
}

/* --- what others offer ------------------------------------------------------------------- */

static void wayland_on_offer(void *data, struct wl_data_device *device,
			     struct wl_data_offer *proxy)
{
	struct clipboard_wayland *wayland = data;

	wayland_offer_destroy(wayland->new_offer);
	wayland->new_offer = wayland_offer_create(proxy, wayland->mark);
}

/* The offer that the compositor now says the purpose of. */
static struct wayland_offer *wayland_take_offer(struct clipboard_wayland *wayland,
						const struct wl_data_offer *proxy)
{
	struct wayland_offer *offer = wayland->new_offer;

	if (!offer || offer->proxy != proxy)
		return NULL;
	wayland->new_offer = NULL;
	return offer;
}

static void wayland_on_selection(void *data, struct wl_data_device *device,
				 struct wl_data_offer *proxy)
{
	struct clipboard_wayland *wayland = data;
	const struct client_clipboard_listener *listener = &wayland->base.listener;
	uint32_t types;

	wayland_offer_destroy(wayland->offer);
	wayland->offer = wayland_take_offer(wayland, proxy);
	if (wayland->offer && wayland->offer->is_own) {
		wayland->is_unconfirmed = false;
		return;
	}
	if (wayland_insist(wayland))
		return;
	wayland_drop_source(wayland);
	wayland->is_unconfirmed = false;
	types = wayland->offer ? wayland_offer_types(wayland->offer) : 0;
	if (types)
		listener->grabbed(listener->data, types);
	else
		listener->released(listener->data);
}

/* Of drags we keep no more than what must be destroyed. */
static void wayland_on_drag(void *data, struct wl_data_device *device, uint32_t serial,
			    struct wl_surface *surface, wl_fixed_t x, wl_fixed_t y,
			    struct wl_data_offer *proxy)
{
	struct clipboard_wayland *wayland = data;

	wayland_offer_destroy(wayland->drag_offer);
	wayland->drag_offer = wayland_take_offer(wayland, proxy);
}

static void wayland_on_drag_left(void *data, struct wl_data_device *device)
{
	struct clipboard_wayland *wayland = data;

	wayland_offer_destroy(wayland->drag_offer);
	wayland->drag_offer = NULL;
}

static void wayland_on_drag_moved(void *data, struct wl_data_device *device, uint32_t time,
				  wl_fixed_t x, wl_fixed_t y)
{
}

static const struct wl_data_device_listener wayland_device_listener = {
	.data_offer = wayland_on_offer,
	.enter = wayland_on_drag,
	.leave = wayland_on_drag_left,
	.motion = wayland_on_drag_moved,
	.drop = wayland_on_drag_left,
	.selection = wayland_on_selection,
};

static void wayland_on_ready(void *data)
{
	struct clipboard_wayland *wayland = data;

	wl_data_device_add_listener(wayland->seat.device, &wayland_device_listener, wayland);
}

static void wayland_on_pressed(void *data)
{
	wayland_insist(data);
}

/* --- the ops ----------------------------------------------------------------------------- */

static void wayland_grab(struct client_clipboard *base, uint32_t types)
{
	struct clipboard_wayland *wayland = wayland_from(base);

	wayland->types = types;
	wayland->is_unconfirmed = true;
	wayland->has_insisted = false;
	wayland_set_selection(wayland);
}

static void wayland_release(struct client_clipboard *base)
{
	struct clipboard_wayland *wayland = wayland_from(base);

	wayland->is_unconfirmed = false;
	wayland_drop_source(wayland);
	wl_display_flush(wayland->seat.display);
}

/*
 * Compositors of the Weston family give only through the last offer that they made to a client:
 * that is SDL's, not ours. SDL takes text, and gives up when there is nothing in it for a moment.
 */
static void wayland_answer_by_sdl(const struct client_clipboard_listener *listener)
{
	char *text = SDL_GetClipboardText();
	size_t count = text ? strlen(text) : 0;

	listener->answered(listener->data, CLIPBOARD_WIRE_TEXT, count ? text : NULL, count);
	SDL_free(text);
}

static void wayland_read_done(void *data, const void *bytes, size_t count)
{
	struct wayland_read *read = data;
	const struct client_clipboard_listener *listener = &read->wayland->base.listener;
	enum clipboard_wire_type type = (enum clipboard_wire_type)(read - read->wayland->reads);

	read->pipe = NULL;
	if (count == 0 && type == CLIPBOARD_WIRE_TEXT)
		wayland_answer_by_sdl(listener);
	else
		listener->answered(listener->data, type, bytes, count);
}

static void wayland_request(struct client_clipboard *base, enum clipboard_wire_type type)
{
	struct clipboard_wayland *wayland = wayland_from(base);
	struct wayland_read *read = &wayland->reads[type];
	int fd = wayland->offer ? wayland_offer_receive(wayland->offer, type) : -ENOENT;

	clipboard_pipe_cancel(read->pipe);
	read->pipe = NULL;
	if (fd >= 0) {
		wl_display_flush(wayland->seat.display);
		read->pipe = clipboard_pipe_read(wayland->loop, fd, wayland_read_done, read);
	}
	if (!read->pipe)
		base->listener.answered(base->listener.data, type, NULL, 0);
}

static void wayland_answer(struct client_clipboard *base, enum clipboard_wire_type type,
			   const void *bytes, size_t count)
{
	struct clipboard_wayland *wayland = wayland_from(base);

	for (int i = 0; i < WAYLAND_MAX_GIFTS; i++) {
		struct wayland_gift *gift = &wayland->gifts[i];

		if (gift->fd < 0 || gift->type != type)
			continue;
		if (count > 0)
			gift->pipe = clipboard_pipe_write(wayland->loop, gift->fd, bytes, count,
							  wayland_give_done, gift);
		else
			close(gift->fd);
		gift->fd = -1;
	}
}

static void wayland_destroy(struct client_clipboard *base)
{
	struct clipboard_wayland *wayland = wayland_from(base);

	for (int i = 0; i < WAYLAND_MAX_GIFTS; i++) {
		clipboard_pipe_cancel(wayland->gifts[i].pipe);
		if (wayland->gifts[i].fd >= 0)
			close(wayland->gifts[i].fd);
	}
	for (int i = 0; i < CLIPBOARD_WIRE_TYPE_COUNT; i++)
		clipboard_pipe_cancel(wayland->reads[i].pipe);
	wayland_drop_source(wayland);
	wayland_offer_destroy(wayland->offer);
	wayland_offer_destroy(wayland->new_offer);
	wayland_offer_destroy(wayland->drag_offer);
	wayland_seat_finish(&wayland->seat);
	free(wayland);
}

static const struct client_clipboard_ops wayland_ops = {
	.grab = wayland_grab,
	.release = wayland_release,
	.request = wayland_request,
	.answer = wayland_answer,
	.destroy = wayland_destroy,
};

struct client_clipboard *clipboard_wayland_create(struct loop *loop,
						  const struct client_clipboard_listener *listener)
{
	struct clipboard_wayland *wayland = calloc(1, sizeof(*wayland));
	const struct wayland_seat_listener seat_listener = { wayland_on_ready, wayland_on_pressed,
							     wayland };
	int result;

	if (!wayland)
		return NULL;
	wayland->base = (struct client_clipboard){ .ops = &wayland_ops, .listener = *listener };
	wayland->loop = loop;
	for (int i = 0; i < WAYLAND_MAX_GIFTS; i++)
		wayland->gifts[i].fd = -1;
	for (int i = 0; i < CLIPBOARD_WIRE_TYPE_COUNT; i++)
		wayland->reads[i].wayland = wayland;
	snprintf(wayland->mark, sizeof(wayland->mark), "application/x-vitrine-client-%d",
		 (int)getpid());
	result = wayland_seat_init(&wayland->seat, &seat_listener);
	if (result) {
		wayland_destroy(&wayland->base);
		errno = -result;
		return NULL;
	}
	return &wayland->base;
}
