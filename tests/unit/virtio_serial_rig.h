/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio-serial device with two ports, an owner for each that notes what it is told, and the
 * driver of a guest, for tests.
 */
#ifndef TESTS_VIRTIO_SERIAL_RIG_H
#define TESTS_VIRTIO_SERIAL_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <devices/virtio_serial.h>
#include <fake/guest.h>
#include <linux/virtio_console.h>

#define PORTS 2
#define CONTROL_RECEIVE 2
#define CONTROL_TRANSMIT 3
#define RECEIVE(id) (uint16_t)(2 * (id) + 2)
#define TRANSMIT(id) (uint16_t)(2 * (id) + 3)
#define BUFFER_BYTES 128
#define PLENTY (1u << 20)

struct owner {
	struct virtio_serial_port *port;
	unsigned int opens, closes, writables;
	size_t room;                    /* how much it takes yet */
	size_t count;
	uint8_t bytes[PLENTY];
	bool host_open;
	bool close_on_input, echo_on_open, resume_on_input;
};

struct fixture {
	struct loop *loop;
	struct fake_guest *guest;
	struct virtio_device *device;
	struct owner owners[PORTS];
	/* Control buffers out with the device, in order; used ones come back in order, too. */
	uint64_t control_gpas[64];
	unsigned int control_first, control_count;
};

extern const struct virtio_serial_port_ops owner_ops;

/* For cmocka: *state is a fixture with a started guest whose driver has not said anything yet. */
int setup(void **state);
int teardown(void **state);

void give_control_buffers(struct fixture *f, unsigned int count, uint32_t bytes);
void send_control(struct fixture *f, uint32_t id, uint16_t event, uint16_t value);
/* The next message from the device is this one; name: NULL for none. */
void expect_control(struct fixture *f, uint32_t id, uint16_t event, uint16_t value,
		    const char *name);
void expect_no_control(struct fixture *f);
void set_host_open(struct fixture *f, unsigned int index, bool open);
/* What a driver does when it starts: every port is known, the guest's ends are closed. */
void probe(struct fixture *f);
/* Probes; then port 1 is open on both sides. */
void connect_port(struct fixture *f);
/* Without any word of the driver. */
void restart_guest(struct fixture *f);
/* Offers one chain of output and lets the device work; it may come back or not. */
void transmit(struct fixture *f, uint16_t queue_index, const void *bytes, size_t count);
/* Gives a buffer to port 1; what the device put into it, which must be something. */
size_t receive(struct fixture *f, void *to, uint32_t bytes);
void fill_pattern(uint8_t *bytes, size_t count);

#endif
