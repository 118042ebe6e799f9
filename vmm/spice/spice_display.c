/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice/spice_display.h"

#include "spice/spice_relay.h"
#include "spice/spice_screen.h"

#include <base/loop.h>
#include <capture/source_display.h>
#include <errno.h>
#include <ivshmem/doorbell_eventfd.h>
#include <stdlib.h>
#include <unistd.h>

struct spice_display {
	struct loop *loop;              /* the screens' */
	struct spice_relay *relay;
	struct source_display *source;
	int wake_fd;                    /* news of the guest, or room for commands */
	struct loop_fd *wake_source;
	uint32_t count;
	struct spice_screen *screens[DISPLAY_MAX_SURFACES];
};

static int display_create_screens(struct spice_display *display)
{
	struct spice_screen_config config = {
		.loop = display->loop,
		.source = display->source,
		.relay = display->relay,
		.wake_fd = display->wake_fd,
	};

	for (uint32_t i = 0; i < display->count; i++) {
		source_display_sleep(display->source, i, NULL, NULL);
		config.index = i;
		display->screens[i] = spice_screen_create(&config);
		if (!display->screens[i])
			return -ENOMEM;
	}
	return 0;
}

static void display_on_wake(void *data, uint32_t events)
{
	struct spice_display *display = data;

	doorbell_eventfd_clear(display->wake_fd);
	for (uint32_t i = 0; i < display->count; i++)
		spice_screen_step(display->screens[i]);
}

static int display_build(struct spice_display *display, struct display *shown)
{
	display->count = display_surface_count(shown);
	display->wake_fd = doorbell_eventfd_create();
	if (display->wake_fd < 0)
		return display->wake_fd;
	display->wake_source = loop_fd_add(display->loop, display->wake_fd, EPOLLIN,
					   display_on_wake, display);
	if (!display->wake_source)
		return -errno;
	display->source = source_display_create(shown, display->count, display->wake_fd);
	if (!display->source)
		return -errno;
	return display_create_screens(display);
}

struct spice_display *spice_display_create(struct display *shown, struct loop *loop,
					   struct spice_relay *relay)
{
	struct spice_display *display = calloc(1, sizeof(*display));
	int error;

	if (!display)
		return NULL;
	display->wake_fd = -1;
	display->loop = loop;
	display->relay = relay;
	error = display_build(display, shown);
	if (!error) {
		spice_relay_set_wake(relay, display->wake_fd);
		return display;
	}
	spice_display_stop(display);
	spice_display_destroy(display);
	errno = -error;
	return NULL;
}

void spice_display_stop(struct spice_display *display)
{
	if (!display)
		return;
	loop_fd_remove(display->wake_source);
	display->wake_source = NULL;
	for (uint32_t i = 0; i < display->count; i++)
		if (display->screens[i])
			spice_screen_stop(display->screens[i]);
}

void spice_display_destroy(struct spice_display *display)
{
	if (!display)
		return;
	source_display_destroy(display->source);
	for (uint32_t i = 0; i < display->count; i++)
		spice_screen_destroy(display->screens[i]);
	if (display->wake_fd >= 0)
		close(display->wake_fd);
	free(display);
}

int spice_display_open(struct spice_display *display, SpiceServer *server, struct loop *loop)
{
	int result = 0;

	for (uint32_t i = 0; display && !result && i < display->count; i++)
		result = spice_screen_open(display->screens[i], server, loop);
	return result;
}

void spice_display_close(struct spice_display *display)
{
	for (uint32_t i = 0; display && i < display->count; i++)
		spice_screen_close(display->screens[i]);
}

static void display_client_came(void *data)
{
	spice_screen_client_came(data);
}

static void display_client_went(void *data)
{
	spice_screen_client_went(data);
}

void spice_display_channel_event(struct spice_display *display, int event, int channel_type,
				 int channel_id)
{
	if (!display || channel_type != SPICE_CHANNEL_DISPLAY || channel_id < 0 ||
	    (uint32_t)channel_id >= display->count)
		return;
	if (event == SPICE_CHANNEL_EVENT_INITIALIZED)
		loop_post(display->loop, display_client_came, display->screens[channel_id]);
	else if (event == SPICE_CHANNEL_EVENT_DISCONNECTED)
		loop_post(display->loop, display_client_went, display->screens[channel_id]);
}
