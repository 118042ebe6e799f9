/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice_rig.h"

#include "vdagent_other.h"

#include <base/loop.h>
#include <pthread.h>
#include <spice/spice_core.h>
#include <spice/spice_listen.h>
#include <spice/macros.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RIG_TEXT_BYTES 16384
#define RIG_WAIT_MS 10000
#define RIG_WIDTH 1920
#define RIG_HEIGHT 1080

struct spice_rig {
	const struct spice_rig_config *config;  /* while it is created */
	struct loop *loop;
	SpiceServer *server;
	int listen_fd;
	char *path;
	struct loop_fd *listen_source;
	SpiceKbdInstance keyboard;
	SpiceMouseInstance mouse;
	SpiceTabletInstance tablet;
	QXLInstance screen;
	bool has_tablet, has_agent;
	SpiceCharDeviceInstance agent_device;
	struct vdagent_other agent;     /* under the mutex, as what follows */
	_Atomic int lamps;
	_Atomic unsigned int channels;
	pthread_mutex_t mutex;
	uint32_t pixels[RIG_WIDTH * RIG_HEIGHT];
	char text[RIG_TEXT_BYTES], taken[RIG_TEXT_BYTES], agent_taken[RIG_TEXT_BYTES];
};

#define RIG_OF(instance, member) SPICE_CONTAINEROF(instance, struct spice_rig, member)

__attribute__((format(printf, 2, 3)))
static void rig_say(struct spice_rig *rig, const char *format, ...)
{
	size_t used;
	va_list args;

	pthread_mutex_lock(&rig->mutex);
	used = strlen(rig->text);
	va_start(args, format);
	vsnprintf(rig->text + used, sizeof(rig->text) - used, format, args);
	va_end(args);
	pthread_mutex_unlock(&rig->mutex);
}

/* ---- what a client does ---- */

static void rig_scan(SpiceKbdInstance *keyboard, uint8_t byte)
{
	rig_say(RIG_OF(keyboard, keyboard), "scan %02x; ", byte);
}

static uint8_t rig_leds(SpiceKbdInstance *keyboard)
{
	return (uint8_t)RIG_OF(keyboard, keyboard)->lamps;
}

static void rig_change_lamps(void *data)
{
	struct spice_rig *rig = data;

	spice_server_kbd_leds(&rig->keyboard, rig->lamps);
}

void spice_rig_set_lamps(struct spice_rig *rig, int lamps)
{
	rig->lamps = lamps;
	loop_call(rig->loop, rig_change_lamps, rig);
}

static void rig_motion(SpiceMouseInstance *mouse, int x, int y, int wheel, uint32_t buttons)
{
	if (x || y)
		rig_say(RIG_OF(mouse, mouse), "motion %d %d %x; ", x, y, buttons);
	if (wheel)
		rig_say(RIG_OF(mouse, mouse), "wheel %d %x; ", wheel, buttons);
}

static void rig_mouse_buttons(SpiceMouseInstance *mouse, uint32_t buttons)
{
	rig_say(RIG_OF(mouse, mouse), "buttons %x; ", buttons);
}

static void rig_tablet_size(SpiceTabletInstance *tablet, int width, int height)
{
}

static void rig_tablet_position(SpiceTabletInstance *tablet, int x, int y, uint32_t buttons)
{
	rig_say(RIG_OF(tablet, tablet), "at %d %d %x; ", x, y, buttons);
}

/* That is how the library tells of buttons, too. */
static void rig_tablet_wheel(SpiceTabletInstance *tablet, int wheel, uint32_t buttons)
{
	if (wheel)
		rig_say(RIG_OF(tablet, tablet), "wheel %d %x; ", wheel, buttons);
	else
		rig_say(RIG_OF(tablet, tablet), "buttons %x; ", buttons);
}

static void rig_tablet_buttons(SpiceTabletInstance *tablet, uint32_t buttons)
{
	rig_say(RIG_OF(tablet, tablet), "buttons %x; ", buttons);
}

static const SpiceKbdInterface rig_keyboard = {
	.base = { SPICE_INTERFACE_KEYBOARD, "keyboard", SPICE_INTERFACE_KEYBOARD_MAJOR,
		  SPICE_INTERFACE_KEYBOARD_MINOR },
	.push_scan_freg = rig_scan,
	.get_leds = rig_leds,
};

static const SpiceMouseInterface rig_mouse = {
	.base = { SPICE_INTERFACE_MOUSE, "mouse", SPICE_INTERFACE_MOUSE_MAJOR,
		  SPICE_INTERFACE_MOUSE_MINOR },
	.motion = rig_motion,
	.buttons = rig_mouse_buttons,
};

static const SpiceTabletInterface rig_tablet = {
	.base = { SPICE_INTERFACE_TABLET, "tablet", SPICE_INTERFACE_TABLET_MAJOR,
		  SPICE_INTERFACE_TABLET_MINOR },
	.set_logical_size = rig_tablet_size,
	.position = rig_tablet_position,
	.wheel = rig_tablet_wheel,
	.buttons = rig_tablet_buttons,
};

/* ---- the screen: it stays black, but positions are on it ---- */

static void rig_screen_attached(QXLInstance *screen)
{
}

static void rig_screen_set_compression(QXLInstance *screen, int level)
{
}

static void rig_screen_info(QXLInstance *screen, QXLDevInitInfo *info)
{
	*info = (QXLDevInitInfo){ .num_memslots_groups = 1, .num_memslots = 1,
				  .memslot_gen_bits = 1, .memslot_id_bits = 1, .n_surfaces = 1 };
}

static int rig_screen_command(QXLInstance *screen, struct QXLCommandExt *command)
{
	return 0;
}

static int rig_screen_notification(QXLInstance *screen)
{
	return 1;
}

static void rig_screen_release(QXLInstance *screen, struct QXLReleaseInfoExt info)
{
}

static void rig_screen_update(QXLInstance *screen, uint32_t id)
{
}

static int rig_screen_flush(QXLInstance *screen)
{
	return 0;
}

static void rig_screen_capabilities(QXLInstance *screen, uint8_t present,
				    uint8_t caps[SPICE_CAPABILITIES_SIZE])
{
}

static const QXLInterface rig_screen = {
	.base = { SPICE_INTERFACE_QXL, "screen", SPICE_INTERFACE_QXL_MAJOR,
		  SPICE_INTERFACE_QXL_MINOR },
	.attached_worker = rig_screen_attached,
	.set_compression_level = rig_screen_set_compression,
	.get_init_info = rig_screen_info,
	.get_command = rig_screen_command,
	.req_cmd_notification = rig_screen_notification,
	.release_resource = rig_screen_release,
	.get_cursor_command = rig_screen_command,
	.req_cursor_notification = rig_screen_notification,
	.notify_update = rig_screen_update,
	.flush_resources = rig_screen_flush,
	.set_client_capabilities = rig_screen_capabilities,
};

static void rig_open_screen(struct spice_rig *rig)
{
	QXLDevMemSlot all = { .virt_end = UINTPTR_MAX };
	QXLDevSurfaceCreate surface = {
		.width = RIG_WIDTH, .height = RIG_HEIGHT, .stride = -RIG_WIDTH * 4,
		.format = SPICE_SURFACE_FMT_32_xRGB, .mouse_mode = 1,
		.mem = (uintptr_t)rig->pixels,
	};

	rig->screen.base.sif = &rig_screen.base;
	spice_server_add_interface(rig->server, &rig->screen.base);
	spice_qxl_add_memslot(&rig->screen, &all);
	spice_qxl_create_primary_surface(&rig->screen, 0, &surface);
}

struct rig_tablet_change {
	struct spice_rig *rig;
	bool there;
};

static void rig_change_tablet(void *data)
{
	struct rig_tablet_change *change = data;
	struct spice_rig *rig = change->rig;

	if (change->there == rig->has_tablet)
		return;
	rig->has_tablet = change->there;
	if (change->there)
		spice_server_add_interface(rig->server, &rig->tablet.base);
	else
		spice_server_remove_interface(&rig->tablet.base);
}

void spice_rig_set_tablet(struct spice_rig *rig, bool there)
{
	struct rig_tablet_change change = { rig, there };

	loop_call(rig->loop, rig_change_tablet, &change);
}

/* ---- the agent ---- */

static int rig_agent_write(SpiceCharDeviceInstance *device, const uint8_t *bytes, int count)
{
	struct spice_rig *rig = RIG_OF(device, agent_device);

	pthread_mutex_lock(&rig->mutex);
	vdagent_other_hear(&rig->agent, bytes, (size_t)count);
	pthread_mutex_unlock(&rig->mutex);
	return count;
}

static int rig_agent_read(SpiceCharDeviceInstance *device, uint8_t *bytes, int count)
{
	struct spice_rig *rig = RIG_OF(device, agent_device);
	const uint8_t *from;
	size_t there;

	pthread_mutex_lock(&rig->mutex);
	from = vdagent_writer_peek(&rig->agent.writer, &there);
	there = there < (size_t)count ? there : (size_t)count;
	if (there) {
		memcpy(bytes, from, there);
		vdagent_writer_take(&rig->agent.writer, there);
	}
	pthread_mutex_unlock(&rig->mutex);
	return (int)there;
}

static void rig_agent_state(SpiceCharDeviceInstance *device, int connected)
{
}

static const SpiceCharDeviceInterface rig_agent = {
	.base = { SPICE_INTERFACE_CHAR_DEVICE, "agent", SPICE_INTERFACE_CHAR_DEVICE_MAJOR,
		  SPICE_INTERFACE_CHAR_DEVICE_MINOR },
	.state = rig_agent_state,
	.write = rig_agent_write,
	.read = rig_agent_read,
};

struct rig_agent_change {
	struct spice_rig *rig;
	bool there;
};

static void rig_change_agent(void *data)
{
	struct rig_agent_change *change = data;
	struct spice_rig *rig = change->rig;

	if (change->there == rig->has_agent)
		return;
	rig->has_agent = change->there;
	if (!change->there) {
		spice_server_remove_interface(&rig->agent_device.base);
		vdagent_other_finish(&rig->agent);
		return;
	}
	vdagent_other_init(&rig->agent);
	rig->agent.selections = true;
	rig->agent_device.base.sif = &rig_agent.base;
	rig->agent_device.subtype = "vdagent";
	spice_server_add_interface(rig->server, &rig->agent_device.base);
}

void spice_rig_set_agent(struct spice_rig *rig, bool there)
{
	struct rig_agent_change change = { rig, there };

	loop_call(rig->loop, rig_change_agent, &change);
}

static void rig_wake_agent(void *data)
{
	struct spice_rig *rig = data;

	spice_server_char_device_wakeup(&rig->agent_device);
}

void spice_rig_agent_say(struct spice_rig *rig, uint32_t type, uint32_t words,
			 const uint32_t *values, const void *bytes, size_t count)
{
	pthread_mutex_lock(&rig->mutex);
	vdagent_other_say(&rig->agent, VDP_CLIENT_PORT, type, words, values, bytes, count);
	pthread_mutex_unlock(&rig->mutex);
	loop_call(rig->loop, rig_wake_agent, rig);
}

bool spice_rig_agent_has(struct spice_rig *rig, const char *text)
{
	bool has;

	pthread_mutex_lock(&rig->mutex);
	has = strstr(rig->agent.text, text);
	pthread_mutex_unlock(&rig->mutex);
	return has;
}

const char *spice_rig_agent_take(struct spice_rig *rig)
{
	pthread_mutex_lock(&rig->mutex);
	snprintf(rig->agent_taken, sizeof(rig->agent_taken), "%s", rig->agent.text);
	rig->agent.text[0] = '\0';
	pthread_mutex_unlock(&rig->mutex);
	return rig->agent_taken;
}

const uint8_t *spice_rig_agent_data(struct spice_rig *rig, size_t *count)
{
	pthread_mutex_lock(&rig->mutex);
	*count = rig->agent.body_bytes;
	pthread_mutex_unlock(&rig->mutex);
	return rig->agent.body;
}

/* ---- set-up ---- */

static void rig_on_channel(void *data, int event, int channel_type, int channel_id)
{
	struct spice_rig *rig = data;

	if (event == SPICE_CHANNEL_EVENT_INITIALIZED)
		rig->channels++;
}

static void rig_on_connection(void *data, uint32_t events)
{
	struct spice_rig *rig = data;
	int fd = accept4(rig->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 && spice_server_add_client(rig->server, fd, !rig->config->password) < 0)
		close(fd);
}

static void rig_open(void *data)
{
	struct spice_rig *rig = data;

	spice_core_begin(rig->loop, rig_on_channel, rig);
	rig->server = spice_server_new();
	if (rig->config->password)
		spice_server_set_ticket(rig->server, rig->config->password, 0, 0, 0);
	else
		spice_server_set_noauth(rig->server);
	spice_server_set_name(rig->server, "another machine");
	spice_server_set_uuid(rig->server, rig->config->uuid.bytes);
	spice_server_set_agent_mouse(rig->server, 0);
	if (spice_server_init(rig->server, spice_core_interface()))
		abort();
	spice_server_add_interface(rig->server, &rig->keyboard.base);
	spice_server_add_interface(rig->server, &rig->mouse.base);
	spice_rig_set_tablet(rig, true);
	if (rig->config->screen)
		rig_open_screen(rig);
	spice_server_vm_start(rig->server);
	rig->listen_source = loop_fd_add(rig->loop, rig->listen_fd, EPOLLIN, rig_on_connection,
					 rig);
}

struct spice_rig *spice_rig_create(const struct spice_rig_config *config)
{
	struct spice_rig *rig = calloc(1, sizeof(*rig));
	struct option_error error = { "" };

	rig->config = config;
	rig->path = strdup(config->path);
	pthread_mutex_init(&rig->mutex, NULL);
	rig->keyboard.base.sif = &rig_keyboard.base;
	rig->mouse.base.sif = &rig_mouse.base;
	rig->tablet.base.sif = &rig_tablet.base;
	rig->listen_fd = spice_listen_open(&(struct spice_listen_config){ .path = rig->path },
					   &error);
	rig->loop = loop_create("rig");
	if (rig->listen_fd < 0 || !rig->loop || loop_start(rig->loop)) {
		fprintf(stderr, "no SPICE server for the test: %s\n", error.text);
		abort();
	}
	loop_call(rig->loop, rig_open, rig);
	return rig;
}

static void rig_close(void *data)
{
	struct spice_rig *rig = data;

	loop_fd_remove(rig->listen_source);
	if (rig->has_agent) {
		spice_server_remove_interface(&rig->agent_device.base);
		vdagent_other_finish(&rig->agent);
	}
	spice_server_destroy(rig->server);
	spice_core_end();
}

void spice_rig_destroy(struct spice_rig *rig)
{
	if (!rig)
		return;
	loop_call(rig->loop, rig_close, rig);
	loop_stop(rig->loop);
	loop_destroy(rig->loop);
	close(rig->listen_fd);
	unlink(rig->path);
	free(rig->path);
	pthread_mutex_destroy(&rig->mutex);
	free(rig);
}

bool spice_rig_has(struct spice_rig *rig, const char *text)
{
	bool has;

	pthread_mutex_lock(&rig->mutex);
	has = strstr(rig->text, text);
	pthread_mutex_unlock(&rig->mutex);
	return has;
}

const char *spice_rig_wait(struct spice_rig *rig, const char *text)
{
	for (int i = 0; i < RIG_WAIT_MS && !spice_rig_has(rig, text); i++)
		usleep(1000);
	pthread_mutex_lock(&rig->mutex);
	strcpy(rig->taken, rig->text);
	rig->text[0] = '\0';
	pthread_mutex_unlock(&rig->mutex);
	return rig->taken;
}

unsigned int spice_rig_channels(struct spice_rig *rig)
{
	return rig->channels;
}
