/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "resize.h"

bool resize_follows_guest(const struct resize *resize)
{
	return !resize->user_sized;
}

void resize_own(struct resize *resize, int width, int height, uint64_t now_ns)
{
	resize->own[resize->own_next++ % RESIZE_OWN_SIZES] =
		(struct resize_own){ width, height, now_ns };
}

static bool resize_is_own(const struct resize *resize, int width, int height, uint64_t now_ns)
{
	for (int i = 0; i < RESIZE_OWN_SIZES; i++) {
		const struct resize_own *own = &resize->own[i];

		if (own->width == width && own->height == height && own->time_ns &&
		    now_ns - own->time_ns < RESIZE_OWN_NS)
			return true;
	}
	return false;
}

void resize_window(struct resize *resize, int width, int height, uint64_t now_ns)
{
	if (width <= 0 || height <= 0 || (width == resize->width && height == resize->height))
		return;
	resize->width = width;
	resize->height = height;
	if (!resize->user_sized && resize_is_own(resize, width, height, now_ns))
		return;
	resize->user_sized = true;
	resize->due_ns = now_ns + RESIZE_DELAY_NS;
}

void resize_ask(struct resize *resize, int width, int height, uint64_t now_ns)
{
	resize->width = width;
	resize->height = height;
	resize->user_sized = true;
	resize->due_ns = now_ns;
}

void resize_forget_guest(struct resize *resize, uint64_t now_ns)
{
	resize->sent_width = resize->sent_height = 0;
	resize->due_ns = resize->user_sized ? now_ns : 0;
}

bool resize_due(struct resize *resize, uint64_t now_ns, int *width, int *height)
{
	if (resize->due_ns == 0 || now_ns < resize->due_ns)
		return false;
	resize->due_ns = 0;
	if (!resize->enabled || (resize->width == resize->sent_width &&
				 resize->height == resize->sent_height))
		return false;
	*width = resize->sent_width = resize->width;
	*height = resize->sent_height = resize->height;
	return true;
}
