/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Monitor sizes: a latest-wins mailbox per surface from any thread to the display's loop. */
#include "display_private.h"

#include <base/log.h>
#include <base/loop.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define WISH_NONE UINT64_MAX

struct display_wishes {
	_Atomic unsigned int references;    /* the display's and the one post on its way */
	atomic_bool posted;
	struct display *display;            /* NULL when it is gone; only on its loop */
	_Atomic uint64_t sizes[DISPLAY_MAX_SURFACES];   /* width << 32 | height, or WISH_NONE */
};

struct display_wishes *display_wishes_create(struct display *display)
{
	struct display_wishes *wishes = calloc(1, sizeof(*wishes));

	if (!wishes)
		return NULL;
	atomic_init(&wishes->references, 1);
	wishes->display = display;
	for (uint32_t i = 0; i < DISPLAY_MAX_SURFACES; i++)
		atomic_init(&wishes->sizes[i], WISH_NONE);
	return wishes;
}

static void display_wishes_unref(struct display_wishes *wishes)
{
	if (atomic_fetch_sub_explicit(&wishes->references, 1, memory_order_acq_rel) == 1)
		free(wishes);
}

void display_wishes_destroy(struct display_wishes *wishes)
{
	wishes->display = NULL;
	display_wishes_unref(wishes);
}

static void display_wishes_deliver(void *data)
{
	struct display_wishes *wishes = data;
	struct display *display = wishes->display;

	/* Before the sizes are taken: a wish that comes later posts again. The exchanges are
	 * sequentially consistent, so either we see its size or it sees posted == false. */
	atomic_store(&wishes->posted, false);
	for (uint32_t i = 0; display && i < display->surface_count; i++) {
		uint64_t size = atomic_exchange(&wishes->sizes[i], WISH_NONE);

		if (size != WISH_NONE && display->listener)
			display->listener->monitor(display->listener, i, (uint32_t)(size >> 32),
						   (uint32_t)size);
	}
	display_wishes_unref(wishes);
}

void display_set_monitor(struct display *display, uint32_t index, uint32_t width, uint32_t height)
{
	struct display_wishes *wishes = display->wishes;
	int ret;

	if (index >= display->surface_count)
		return;
	/* A size of 2^32-1 in both is WISH_NONE; nobody has such a monitor. */
	atomic_store(&wishes->sizes[index], (uint64_t)width << 32 | height);
	if (atomic_exchange(&wishes->posted, true))
		return;
	atomic_fetch_add_explicit(&wishes->references, 1, memory_order_relaxed);
	ret = loop_post(display->loop, display_wishes_deliver, wishes);
	if (ret < 0) {
		log_error("cannot tell the display its monitor's size: %s", strerror(-ret));
		atomic_store(&wishes->posted, false);
		display_wishes_unref(wishes);
	}
}
