/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice/spice_device.h"

#include "spice/spice_commands.h"

#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <spice/macros.h>
#include <stdatomic.h>
#include <stdlib.h>

/* As many address bits as a process has are left. */
#define DEVICE_SLOT_BITS 8
#define DEVICE_GENERATION_BITS 8

struct spice_device {
	struct spice_device_config config;
	_Atomic bool wakes;             /* a wake-up is on its way to the SPICE thread */

	/* Handed over by a post. */
	uint32_t *pixels;
	uint32_t width, height;

	/* The SPICE thread. */
	QXLInstance qxl;
	SpiceServer *server;
	struct loop *spice_loop;
	bool closed;
};

#define DEVICE_OF(instance) SPICE_CONTAINEROF(instance, struct spice_device, qxl)

/* ---- what the server asks: commands on its worker, the rest on the SPICE thread ---- */

static void device_get_init_info(QXLInstance *qxl, QXLDevInitInfo *info)
{
	*info = (QXLDevInitInfo){
		.num_memslots_groups = 1,
		.num_memslots = 1,
		.memslot_gen_bits = DEVICE_GENERATION_BITS,
		.memslot_id_bits = DEVICE_SLOT_BITS,
		.n_surfaces = 1,
	};
}

static void device_set_compression_level(QXLInstance *qxl, int level)
{
	/* It would tell a guest's driver. */
}

static int device_get_command(QXLInstance *qxl, struct QXLCommandExt *command)
{
	return spice_commands_pop(DEVICE_OF(qxl)->config.commands, command);
}

static int device_get_cursor_command(QXLInstance *qxl, struct QXLCommandExt *command)
{
	return spice_commands_pop_cursor(DEVICE_OF(qxl)->config.commands, command);
}

/* A wake-up follows every command anyway. */
static int device_request_notification(QXLInstance *qxl)
{
	return spice_commands_empty(DEVICE_OF(qxl)->config.commands);
}

static int device_request_cursor_notification(QXLInstance *qxl)
{
	return spice_commands_no_cursor(DEVICE_OF(qxl)->config.commands);
}

static void device_release(QXLInstance *qxl, struct QXLReleaseInfoExt info)
{
	spice_commands_release(DEVICE_OF(qxl)->config.commands, info.info);
}

static void device_updated(QXLInstance *qxl, uint32_t update_id)
{
	/* Its release says as much. */
}

static int device_flush_resources(QXLInstance *qxl)
{
	return 0;
}

/* Without client_monitors_config: then what monitors a client wants goes to the agent. */
static const QXLInterface device_interface = {
	.base = { SPICE_INTERFACE_QXL, "screen", SPICE_INTERFACE_QXL_MAJOR,
		  SPICE_INTERFACE_QXL_MINOR },
	.set_compression_level = device_set_compression_level,
	.get_init_info = device_get_init_info,
	.get_command = device_get_command,
	.req_cmd_notification = device_request_notification,
	.release_resource = device_release,
	.get_cursor_command = device_get_cursor_command,
	.req_cursor_notification = device_request_cursor_notification,
	.notify_update = device_updated,
	.flush_resources = device_flush_resources,
};

/* ---- on the SPICE thread ---- */

static int device_add(struct spice_device *device)
{
	/* Only what we put into commands is ever looked up: all memory is one slot. */
	QXLDevMemSlot slot = { .virt_end = UINTPTR_MAX };

	if (spice_server_add_interface(device->server, &device->qxl.base))
		return -EIO;
	spice_qxl_add_memslot(&device->qxl, &slot);
	return 0;
}

static void device_do_show(void *data)
{
	struct spice_device *device = data;

	if (device->closed)
		return;
	if (device_add(device))
		log_error("screen %u is not shown to SPICE clients", device->config.index);
	/* Whatever does not run yet. */
	spice_server_vm_start(device->server);
}

static void device_do_wake(void *data)
{
	struct spice_device *device = data;

	/* Before: a command that is queued from now on posts again. */
	atomic_store(&device->wakes, false);
	if (!device->closed)
		spice_qxl_wakeup(&device->qxl);
}

static void device_came(void *data)
{
	struct spice_device *device = data;

	device->config.came(device->config.data);
}

static void device_do_come(void *data)
{
	struct spice_device *device = data;
	QXLDevSurfaceCreate create = {
		.width = device->width,
		.height = device->height,
		.stride = (int32_t)device->width * 4,
		.format = SPICE_SURFACE_FMT_32_xRGB,
		.mouse_mode = true,
		.flags = QXL_SURF_FLAG_KEEP_DATA,
		.type = QXL_SURF_TYPE_PRIMARY,
		.mem = (uint64_t)(uintptr_t)device->pixels,
	};

	if (device->closed)
		return;
	spice_qxl_create_primary_surface(&device->qxl, 0, &create);
	loop_post(device->config.loop, device_came, device);
}

static void device_gone(void *data)
{
	struct spice_device *device = data;

	device->config.gone(device->config.data);
}

static void device_do_go(void *data)
{
	struct spice_device *device = data;

	if (device->closed)
		return;
	spice_qxl_destroy_primary_surface(&device->qxl, 0);
	loop_post(device->config.loop, device_gone, device);
}

/* ---- the owner's loop ---- */

void spice_device_show(struct spice_device *device)
{
	loop_post(device->spice_loop, device_do_show, device);
}

/* Not from here: whoever holds the library's lock may be waiting for a client. */
void spice_device_wake(struct spice_device *device)
{
	if (!atomic_exchange(&device->wakes, true))
		loop_post(device->spice_loop, device_do_wake, device);
}

void spice_device_come(struct spice_device *device, uint32_t *pixels, uint32_t width,
		       uint32_t height)
{
	device->pixels = pixels;
	device->width = width;
	device->height = height;
	loop_post(device->spice_loop, device_do_come, device);
}

void spice_device_go(struct spice_device *device)
{
	loop_post(device->spice_loop, device_do_go, device);
}

/* ---- create and destroy ---- */

struct spice_device *spice_device_create(const struct spice_device_config *config)
{
	struct spice_device *device = calloc(1, sizeof(*device));

	if (!device)
		return NULL;
	device->config = *config;
	device->qxl.base.sif = &device_interface.base;
	device->qxl.id = (int)config->index;
	return device;
}

void spice_device_destroy(struct spice_device *device)
{
	free(device);
}

int spice_device_open(struct spice_device *device, SpiceServer *server, struct loop *spice_loop,
		      bool shown)
{
	device->server = server;
	device->spice_loop = spice_loop;
	return shown ? device_add(device) : 0;
}

void spice_device_close(struct spice_device *device)
{
	device->closed = true;
}
