/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard_wayland.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first of a type is the one that is asked for where there are several. */
static const struct {
	const char *name;
	enum clipboard_wire_type type;
} wayland_mimes[] = {
	{ "text/plain;charset=utf-8", CLIPBOARD_WIRE_TEXT },
	{ "UTF8_STRING", CLIPBOARD_WIRE_TEXT },
	{ "image/png", CLIPBOARD_WIRE_PNG },
};

#define WAYLAND_MIMES (sizeof(wayland_mimes) / sizeof(wayland_mimes[0]))

int wayland_mime_type(const char *mime)
{
	for (size_t i = 0; i < WAYLAND_MIMES; i++) {
		if (!strcmp(mime, wayland_mimes[i].name))
			return wayland_mimes[i].type;
	}
	return -1;
}

void wayland_mime_offer(struct wl_data_source *source, uint32_t types, const char *mark)
{
	for (size_t i = 0; i < WAYLAND_MIMES; i++) {
		if (types & CLIPBOARD_WIRE_BIT(wayland_mimes[i].type))
			wl_data_source_offer(source, wayland_mimes[i].name);
	}
	wl_data_source_offer(source, mark);
}

static void wayland_offer_on_mime(void *data, struct wl_data_offer *proxy, const char *mime)
{
	struct wayland_offer *offer = data;

	if (!strcmp(mime, wayland_mimes[0].name))
		offer->text_mime = wayland_mimes[0].name;
	else if (!strcmp(mime, wayland_mimes[1].name) && !offer->text_mime)
		offer->text_mime = wayland_mimes[1].name;
	else if (!strcmp(mime, wayland_mimes[2].name))
		offer->has_png = true;
	else if (!strcmp(mime, offer->mark))
		offer->is_own = true;
}

static const struct wl_data_offer_listener wayland_offer_listener = {
	.offer = wayland_offer_on_mime,
};

struct wayland_offer *wayland_offer_create(struct wl_data_offer *proxy, const char *mark)
{
	struct wayland_offer *offer = calloc(1, sizeof(*offer));

	if (!offer) {
		wl_data_offer_destroy(proxy);
		return NULL;
	}
	*offer = (struct wayland_offer){ .proxy = proxy, .mark = mark };
	wl_data_offer_add_listener(proxy, &wayland_offer_listener, offer);
	return offer;
}

void wayland_offer_destroy(struct wayland_offer *offer)
{
	if (!offer)
		return;
	wl_data_offer_destroy(offer->proxy);
	free(offer);
}

uint32_t wayland_offer_types(const struct wayland_offer *offer)
{
	return (offer->text_mime ? CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_TEXT) : 0) |
	       (offer->has_png ? CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_PNG) : 0);
}

int wayland_offer_receive(struct wayland_offer *offer, enum clipboard_wire_type type)
{
	const char *mime = type == CLIPBOARD_WIRE_TEXT ? offer->text_mime : "image/png";
	int ends[2];

	if (!(wayland_offer_types(offer) & CLIPBOARD_WIRE_BIT(type)))
		return -ENOENT;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	/* The owner's end may block: how it writes is its own affair. */
	wl_data_offer_receive(offer->proxy, mime, ends[1]);
	close(ends[1]);
	return ends[0];
}
