/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice/spice_service.h"

#include "spice/spice_agent.h"
#include "spice/spice_core.h"
#include "spice/spice_display.h"
#include "spice/spice_inputs.h"
#include "spice/spice_relay.h"
#include "spice/spice_sound.h"

#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <glib.h>
#include <spice/macros.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVICE_RETRY_NS UINT64_C(1000000000)

struct spice_service {
	const struct spice_service_config *config;      /* while it is created */
	struct spice_inputs *inputs;
	struct spice_agent *agent;      /* NULL: none */
	struct loop *side;              /* never waits for the library, as ours does */
	struct spice_relay *relay;
	struct spice_display *display;  /* NULL: none */
	char *path;                     /* of the socket; NULL: none */
	int listen_fd;
	struct loop *loop;

	/* Its thread. */
	SpiceServer *server;
	struct loop_fd *listen_source;
	struct loop_fd *leds_source;
	struct loop_timer *retry;       /* listens again when there are file descriptors */
	unsigned int connections;
	SpiceKbdInstance keyboard;
	SpiceMouseInstance mouse;
	SpiceTabletInstance tablet;
	struct spice_sound *sound;      /* NULL: none */
};

/* ---- what a client does ---- */

#define SERVICE_OF(instance, member) SPICE_CONTAINEROF(instance, struct spice_service, member)

static void service_scan(SpiceKbdInstance *keyboard, uint8_t byte)
{
	spice_inputs_scan(SERVICE_OF(keyboard, keyboard)->inputs, byte);
}

static uint8_t service_leds(SpiceKbdInstance *keyboard)
{
	return spice_inputs_leds(SERVICE_OF(keyboard, keyboard)->inputs);
}

static void service_on_leds(void *data, uint32_t events)
{
	struct spice_service *service = data;
	eventfd_t rung;

	/* Before the look: what changes after it rings again. */
	eventfd_read(spice_inputs_leds_fd(service->inputs), &rung);
	spice_server_kbd_leds(&service->keyboard, spice_inputs_leds(service->inputs));
}

static void service_motion(SpiceMouseInstance *mouse, int x, int y, int wheel, uint32_t buttons)
{
	spice_inputs_motion(SERVICE_OF(mouse, mouse)->inputs, x, y, wheel, buttons);
}

static void service_mouse_buttons(SpiceMouseInstance *mouse, uint32_t buttons)
{
	spice_inputs_buttons(SERVICE_OF(mouse, mouse)->inputs, buttons);
}

static void service_tablet_size(SpiceTabletInstance *tablet, int width, int height)
{
	spice_inputs_set_size(SERVICE_OF(tablet, tablet)->inputs, width, height);
}

static void service_position(SpiceTabletInstance *tablet, int x, int y, uint32_t buttons)
{
	spice_inputs_position(SERVICE_OF(tablet, tablet)->inputs, x, y, buttons);
}

static void service_tablet_wheel(SpiceTabletInstance *tablet, int wheel, uint32_t buttons)
{
	spice_inputs_motion(SERVICE_OF(tablet, tablet)->inputs, 0, 0, wheel, buttons);
}

static void service_tablet_buttons(SpiceTabletInstance *tablet, uint32_t buttons)
{
	spice_inputs_buttons(SERVICE_OF(tablet, tablet)->inputs, buttons);
}

static const SpiceKbdInterface service_keyboard = {
	.base = { SPICE_INTERFACE_KEYBOARD, "keyboard", SPICE_INTERFACE_KEYBOARD_MAJOR,
		  SPICE_INTERFACE_KEYBOARD_MINOR },
	.push_scan_freg = service_scan,
	.get_leds = service_leds,
};

static const SpiceMouseInterface service_mouse = {
	.base = { SPICE_INTERFACE_MOUSE, "mouse", SPICE_INTERFACE_MOUSE_MAJOR,
		  SPICE_INTERFACE_MOUSE_MINOR },
	.motion = service_motion,
	.buttons = service_mouse_buttons,
};

static const SpiceTabletInterface service_tablet = {
	.base = { SPICE_INTERFACE_TABLET, "tablet", SPICE_INTERFACE_TABLET_MAJOR,
		  SPICE_INTERFACE_TABLET_MINOR },
	.set_logical_size = service_tablet_size,
	.position = service_position,
	.wheel = service_tablet_wheel,
	.buttons = service_tablet_buttons,
};

/* ---- connections ---- */

static void service_on_channel(void *data, int event, int channel_type, int channel_id)
{
	struct spice_service *service = data;

	if (service->sound)
		spice_sound_on_channel(service->sound, event, channel_type);
	spice_display_channel_event(service->display, event, channel_type, channel_id);
	if (event == SPICE_CHANNEL_EVENT_CONNECTED)
		service->connections++;
	if (event != SPICE_CHANNEL_EVENT_DISCONNECTED)
		return;
	service->connections--;
	if (channel_type == SPICE_CHANNEL_INPUTS)
		spice_inputs_release(service->inputs);
}

static void service_listen_again(void *data)
{
	struct spice_service *service = data;

	loop_fd_set_events(service->listen_source, EPOLLIN);
}

static void service_on_connection(void *data, uint32_t events)
{
	struct spice_service *service = data;
	int fd = accept4(service->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		log_peer_bug("cannot take a connection: %s", strerror(errno));
		loop_fd_set_events(service->listen_source, 0);
		loop_timer_arm(service->retry, SERVICE_RETRY_NS, 0);
		return;
	}
	if (service->connections >= SPICE_SERVICE_MAX_CONNECTIONS) {
		log_peer_bug("more than %d connections", SPICE_SERVICE_MAX_CONNECTIONS);
		close(fd);
		return;
	}
	fd = spice_relay_add(service->relay, fd);
	if (fd < 0)
		log_error("cannot take a connection: %s", strerror(-fd));
	else if (spice_server_add_client(service->server, fd, 1) < 0)
		close(fd);
}

/* ---- set-up ---- */

/* Most of what the library says is about what a client sent; it must not fill our log. */
static void service_on_log(const gchar *domain, GLogLevelFlags level, const gchar *text,
			   gpointer data)
{
	if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING))
		log_peer_bug("%s", text);
	else
		log_debug("%s", text);
}

static int service_add_interfaces(struct spice_service *service)
{
	service->keyboard.base.sif = &service_keyboard.base;
	service->mouse.base.sif = &service_mouse.base;
	service->tablet.base.sif = &service_tablet.base;
	if (spice_server_add_interface(service->server, &service->keyboard.base) ||
	    spice_server_add_interface(service->server, &service->mouse.base) ||
	    spice_server_add_interface(service->server, &service->tablet.base))
		return -EIO;
	return 0;
}

/* Clients are on this machine, and Looking Glass understands plain pictures only. */
static void service_set_compression(SpiceServer *server)
{
	spice_server_set_image_compression(server, SPICE_IMAGE_COMPRESSION_OFF);
	spice_server_set_jpeg_compression(server, SPICE_WAN_COMPRESSION_NEVER);
	spice_server_set_zlib_glz_compression(server, SPICE_WAN_COMPRESSION_NEVER);
	spice_server_set_streaming_video(server, SPICE_STREAM_VIDEO_OFF);
}

static int service_open_server(struct spice_service *service)
{
	const struct spice_service_config *config = service->config;
	int result;

	service->server = spice_server_new();
	if (!service->server)
		return -ENOMEM;
	spice_server_set_noauth(service->server);
	spice_server_set_name(service->server, config->name);
	spice_server_set_uuid(service->server, config->uuid.bytes);
	spice_server_set_agent_mouse(service->server, 0);
	spice_server_set_agent_copypaste(service->server, service->agent != NULL);
	spice_server_set_agent_file_xfer(service->server, 0);
	service_set_compression(service->server);
	if (spice_server_init(service->server, spice_core_interface()))
		return -EIO;
	if (config->sound) {
		service->sound = spice_sound_create(service->server, service->loop, config->sound);
		if (!service->sound)
			return -errno;
	}
	result = service_add_interfaces(service);
	return result ? result : spice_display_open(service->display, service->server,
						    service->loop);
}

struct service_opening {
	struct spice_service *service;
	int result;
};

static void service_open(void *data)
{
	struct service_opening *opening = data;
	struct spice_service *service = opening->service;

	spice_core_begin(service->loop, service_on_channel, service);
	opening->result = service_open_server(service);
	if (!opening->result && service->agent)
		opening->result = spice_agent_attach(service->agent, service->server, service->loop);
	if (opening->result)
		return;
	spice_server_vm_start(service->server);
	service->retry = loop_timer_create(service->loop, service_listen_again, service);
	service->listen_source = loop_fd_add(service->loop, service->listen_fd, EPOLLIN,
					     service_on_connection, service);
	service->leds_source = loop_fd_add(service->loop, spice_inputs_leds_fd(service->inputs),
					   EPOLLIN, service_on_leds, service);
	if (!service->retry || !service->listen_source || !service->leds_source)
		opening->result = -ENOMEM;
}

static void service_stop_listening(void *data)
{
	struct spice_service *service = data;

	loop_fd_remove(service->listen_source);
	loop_timer_destroy(service->retry);
	service->listen_source = NULL;
	service->retry = NULL;
}

/* Comes behind what was posted and what sockets have to say. */
static void service_catch_up(void *data)
{
}

static void service_close(void *data)
{
	struct spice_service *service = data;

	loop_fd_remove(service->leds_source);
	if (service->agent)
		spice_agent_detach(service->agent);
	spice_sound_destroy(service->sound);
	service->sound = NULL;
	spice_display_close(service->display);
	if (service->server)
		spice_server_destroy(service->server);
	spice_core_end();
	spice_inputs_release(service->inputs);
}

static int service_create_loops(struct spice_service *service)
{
	service->loop = loop_create("spice");
	service->side = loop_create("spice-side");
	if (!service->loop || !service->side)
		return -errno;
	service->relay = spice_relay_create(service->side);
	if (!service->relay)
		return -errno;
	if (service->config->display) {
		service->display = spice_display_create(service->config->display, service->side,
							service->relay);
		if (!service->display)
			return -errno;
	}
	return loop_start(service->side) ? -EAGAIN : loop_start(service->loop);
}

struct spice_service *spice_service_create(const struct spice_service_config *config,
					   struct option_error *error)
{
	struct spice_service *service = calloc(1, sizeof(*service));
	struct service_opening opening = { service, -ENOMEM };

	if (!service) {
		option_error_set(error, "out of memory");
		return NULL;
	}
	service->config = config;
	service->inputs = config->inputs;
	service->agent = config->agent;
	g_log_set_handler("Spice", (GLogLevelFlags)(G_LOG_LEVEL_MASK | G_LOG_FLAG_FATAL),
			  service_on_log, NULL);
	service->listen_fd = spice_listen_open(&config->listen, error);
	if (service->listen_fd < 0) {
		free(service);
		return NULL;
	}
	if (config->listen.path)
		service->path = strdup(config->listen.path);
	if (service_create_loops(service) == 0)
		loop_call(service->loop, service_open, &opening);
	service->config = NULL;
	if (!opening.result)
		return service;
	option_error_set(error, "spice: cannot start: %s", strerror(-opening.result));
	spice_service_destroy(service);
	return NULL;
}

void spice_service_destroy(struct spice_service *service)
{
	if (!service)
		return;
	if (service->loop)
		loop_call(service->loop, service_stop_listening, service);
	if (service->side)
		loop_stop(service->side);
	/* No surface is on its way out any more, see spice_relay.h: now every client may go. The library
	 * then waits for none at its end, and has none half open: those it forgets. */
	if (service->loop)
		loop_call(service->loop, service_catch_up, service);
	if (service->relay)
		spice_relay_stop(service->relay);
	spice_display_stop(service->display);
	if (service->loop) {
		loop_call(service->loop, service_catch_up, service);
		loop_call(service->loop, service_close, service);
		loop_stop(service->loop);
	}
	loop_destroy(service->loop);
	loop_destroy(service->side);
	spice_relay_destroy(service->relay);
	spice_display_destroy(service->display);
	if (service->path)
		unlink(service->path);
	close(service->listen_fd);
	free(service->path);
	free(service);
}
