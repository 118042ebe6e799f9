/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <stdlib.h>

#include <bus/bus.h>
#include <chips/reset_ports.h>

#define KEYBOARD_PORT 0x64u
#define KEYBOARD_COMMAND_RESET 0xfeu

#define CONTROL_PORT 0x92u
#define CONTROL_RESET 0x01u
#define CONTROL_A20 0x02u

struct reset_region {
	struct bus_region region;
	struct reset_ports *ports;
};

struct reset_ports {
	struct reset_region keyboard;
	struct reset_region control;
	void (*requested)(void *data);
	void *data;
};

static void reset_ports_request(struct bus_region *region)
{
	struct reset_ports *ports = ((struct reset_region *)region)->ports;

	ports->requested(ports->data);
}

/* Ready for a command, no byte there: who waits before sending the reset does not wait long. */
static uint64_t reset_ports_keyboard_read(struct bus_region *region, uint64_t offset,
					  unsigned int bytes)
{
	return 0;
}

static void reset_ports_keyboard_write(struct bus_region *region, uint64_t offset,
				       unsigned int bytes, uint64_t value)
{
	if ((value & 0xff) == KEYBOARD_COMMAND_RESET)
		reset_ports_request(region);
}

static const struct bus_region_ops reset_ports_keyboard_ops = {
	.read = reset_ports_keyboard_read,
	.write = reset_ports_keyboard_write,
};

/* The A20 gate is always open. */
static uint64_t reset_ports_control_read(struct bus_region *region, uint64_t offset,
					 unsigned int bytes)
{
	return CONTROL_A20;
}

static void reset_ports_control_write(struct bus_region *region, uint64_t offset,
				      unsigned int bytes, uint64_t value)
{
	if (value & CONTROL_RESET)
		reset_ports_request(region);
}

static const struct bus_region_ops reset_ports_control_ops = {
	.read = reset_ports_control_read,
	.write = reset_ports_control_write,
};

struct bus_region *reset_ports_keyboard_region(struct reset_ports *ports)
{
	return &ports->keyboard.region;
}

struct bus_region *reset_ports_control_region(struct reset_ports *ports)
{
	return &ports->control.region;
}

struct reset_ports *reset_ports_create(void (*requested)(void *data), void *data)
{
	struct reset_ports *ports = calloc(1, sizeof(*ports));

	if (!ports)
		return NULL;
	ports->keyboard.ports = ports;
	ports->keyboard.region = (struct bus_region){
		.ops = &reset_ports_keyboard_ops, .base = KEYBOARD_PORT, .bytes = 1,
		.name = "keyboard reset",
	};
	ports->control.ports = ports;
	ports->control.region = (struct bus_region){
		.ops = &reset_ports_control_ops, .base = CONTROL_PORT, .bytes = 1,
		.name = "system control",
	};
	ports->requested = requested;
	ports->data = data;
	return ports;
}

void reset_ports_destroy(struct reset_ports *ports)
{
	free(ports);
}
