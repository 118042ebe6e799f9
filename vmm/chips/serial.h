/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A 16550A serial port (PC16550D data sheet). Sending takes no time: the transmitter is only busy
 * while the console is full.
 *
 * The registers are for vCPU threads, the console's side runs on its loop.
 */
#ifndef VMM_CHIPS_SERIAL_H
#define VMM_CHIPS_SERIAL_H

#include <stdint.h>

#include <chips/irq_line.h>

struct bus_region;
struct console;
struct serial;

#define SERIAL_BYTES 8u

/* Becomes the owner of the console (NULL: nobody listens) without destroying it. On the console's
 * loop, or before it runs. NULL with errno. */
struct serial *serial_create(uint16_t base, const struct irq_line *irq, struct console *console);
/* Same thread. NULL is ignored. */
void serial_destroy(struct serial *serial);
/* Back to power-on. No access may be running; input that was not read yet is lost. */
void serial_reset(struct serial *serial);
/* For the port bus. */
struct bus_region *serial_region(struct serial *serial);

#endif
