/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "registry.h"

#include "main/run.h"

#include <audio/virtio_snd.h>
#include <clipboard/guest_agent.h>
#include <devices/virtio_console.h>
#include <devices/virtio_rng.h>
#include <devices/virtio_serial.h>
#include <errno.h>
#include <gpu/gpu.h>
#include <input/router.h>
#include <input/virtio_input.h>
#include <machine/machine.h>
#include <string.h>

/* The machine owns the device from here on, whatever happens. */
static int registry_plug(struct run *run, struct virtio_device *device, const char *what,
			 struct option_error *error)
{
	int result;

	if (!device) {
		/* A constructor that knows more has said it already. */
		if (!error->text[0])
			option_error_set(error, "%s: cannot be made: %s", what, strerror(errno));
		return -EINVAL;
	}
	result = machine_add_virtio(run->machine, device);
	if (result)
		option_error_set(error, "%s: no free PCI slot: plug in fewer devices", what);
	return result;
}

static int registry_add_gpu(struct run *run, struct option_error *error)
{
	struct gpu_config config;

	gpu_config_init(&config);
	config.scanout_count = run->config.scanouts;
	memset(config.monitors, 0, sizeof(config.monitors));
	for (uint32_t i = 0; i < run->config.display_count; i++)
		config.monitors[i] = (struct gpu_monitor){ run->config.displays[i].width,
							   run->config.displays[i].height };
	return registry_plug(run, gpu_create(run->gpu_loop, run->display, &config), "virtio-gpu", error);
}

static int registry_add_input(struct run *run, struct option_error *error)
{
	struct input_router_config config = {
		.keyboard = virtio_input_create(run->io_loop, VIRTIO_INPUT_KEYBOARD, "keyboard"),
		.tablet = virtio_input_create(run->io_loop, VIRTIO_INPUT_TABLET, "tablet"),
		.mouse = virtio_input_create(run->io_loop, VIRTIO_INPUT_MOUSE, "mouse"),
	};
	int result = registry_plug(run, config.keyboard, "virtio keyboard", error);

	if (!result)
		result = registry_plug(run, config.tablet, "virtio tablet", error);
	if (!result)
		result = registry_plug(run, config.mouse, "virtio mouse", error);
	if (result)
		return result;
	run->router = input_router_create(&config);
	return run->router ? 0 : option_error_set(error, "input: %s", strerror(errno));
}

static int registry_add_disks(struct run *run, struct option_error *error)
{
	for (uint32_t i = 0; i < run->config.disk_count; i++) {
		struct virtio_device *device =
			virtio_blk_create(run->io_loop, &run->config.disks[i], error);
		int result = registry_plug(run, device, "virtio-blk", error);

		if (result)
			return result;
	}
	return 0;
}

static int registry_add_net(struct run *run, struct option_error *error)
{
	if (run->config.net.backend == VIRTIO_NET_NONE)
		return 0;
	return registry_plug(run, virtio_net_create(run->io_loop, &run->config.net, error),
			     "virtio-net", error);
}

static int registry_add_rng(struct run *run, struct option_error *error)
{
	return registry_plug(run, virtio_rng_create(run->io_loop), "virtio-rng", error);
}

static int registry_add_console(struct run *run, struct option_error *error)
{
	return registry_plug(run, virtio_console_create(run->io_loop, run->config.console, error),
			     "virtio-console", error);
}

static int registry_add_sound(struct run *run, struct option_error *error)
{
	int result;

	switch (run->config.sound.card) {
	case RUN_SOUND_NONE:
		return 0;
	case RUN_SOUND_HDA:
		result = machine_add_hda(run->machine, run->audio_loop, run->sound);
		return result ? option_error_set(error, "Intel HDA: %s", strerror(-result)) : 0;
	case RUN_SOUND_VIRTIO:
		return registry_plug(run, virtio_snd_create(run->audio_loop, run->sound), "virtio-snd",
				     error);
	}
	return -EINVAL;
}

/* The port of the guest's agent. */
static int registry_add_agent(struct run *run, struct option_error *error)
{
	const struct virtio_serial_port_config port = guest_agent_port_config(run->guest_agent);
	struct virtio_device *device = virtio_serial_create(run->io_loop, &port, 1);
	int result = registry_plug(run, device, "virtio-serial", error);

	if (!result)
		result = guest_agent_attach(run->guest_agent, virtio_serial_port(device, 0),
					    run->io_loop);
	if (result && !error->text[0])
		option_error_set(error, "guest agent: %s", strerror(-result));
	return result;
}

const struct device_class registry_devices[] = {
	{ "virtio-gpu", registry_add_gpu },
	{ "virtio-input", registry_add_input },
	{ "virtio-blk", registry_add_disks },
	{ "virtio-net", registry_add_net },
	{ "virtio-rng", registry_add_rng },
	{ "virtio-console", registry_add_console },
	{ "sound", registry_add_sound },
	{ "guest agent", registry_add_agent },
	{ 0 },
};

int run_add_devices(struct run *run, struct option_error *error)
{
	for (const struct device_class *class = registry_devices; class->name; class++) {
		int result = class->add(run, error);

		if (result)
			return result;
	}
	return 0;
}
