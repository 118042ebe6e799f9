/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The old ways to reset a PC: the keyboard controller's command 0xfe on port 0x64 and system
 * control port A, 0x92. (Port 0xcf9 is the PCI bus'.) There is no keyboard behind port 0x64. vCPU
 * threads.
 */
#ifndef VMM_CHIPS_RESET_PORTS_H
#define VMM_CHIPS_RESET_PORTS_H

struct bus_region;
struct reset_ports;

/* requested runs on a vCPU thread and must not wait. NULL with errno. */
struct reset_ports *reset_ports_create(void (*requested)(void *data), void *data);
void reset_ports_destroy(struct reset_ports *ports);
/* For the port bus. */
struct bus_region *reset_ports_keyboard_region(struct reset_ports *ports);
struct bus_region *reset_ports_control_region(struct reset_ports *ports);

#endif
