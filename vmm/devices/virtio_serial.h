/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-serial: a console device with VIRTIO_CONSOLE_F_MULTIPORT (virtio 1.2, 5.3) and no console,
 * only named generic ports. A Linux guest shows each as /dev/virtio-ports/NAME.
 *
 * A port is a byte stream in both directions with one owner on the host. Each side opens and closes
 * its end by itself; bytes pass while both are open. Everything here and every ops call happens on
 * the device's loop. Inside an ops call every function of this header may be called.
 */
#ifndef VMM_DEVICES_VIRTIO_SERIAL_H
#define VMM_DEVICES_VIRTIO_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct virtio_device;
struct virtio_serial_port;

#define VIRTIO_SERIAL_MAX_PORTS 15
#define VIRTIO_SERIAL_NAME_BYTES 64     /* with the NUL */
/* What a port takes for the guest beyond the buffers that the guest has given. */
#define VIRTIO_SERIAL_BACKLOG_BYTES ((size_t)16 << 10)

struct virtio_serial_port_ops {
	/* The guest opened or closed its end. A close also follows a reset of the device, a reboot
	 * and a new driver; bytes on their way in either direction are lost then. A hostile guest
	 * does it as fast as it can: who passes it on keeps the latest, not a list. May be NULL. */
	void (*opened)(void *data, bool guest_open);
	/* The guest's output, count > 0, the bytes are lent for the call. The number taken; when
	 * that is less than count the guest waits until virtio_serial_port_resume, and the rest is
	 * offered again. */
	size_t (*input)(void *data, const uint8_t *bytes, size_t count);
	/* There is room again after a write that was not taken whole. May be NULL. */
	void (*writable)(void *data);
};

struct virtio_serial_port_config {
	const char *name;               /* "com.redhat.spice.0"; copied */
	const struct virtio_serial_port_ops *ops;       /* stays the caller's */
	void *data;
};

/* 1..VIRTIO_SERIAL_MAX_PORTS ports; the host's ends are closed at first. On the loop or while it
 * does not run. NULL with errno (EINVAL, ENOMEM). The port handles live as long as the device. */
struct virtio_device *virtio_serial_create(struct loop *loop,
					   const struct virtio_serial_port_config *ports,
					   uint32_t count);
/* By its place in the config. */
struct virtio_serial_port *virtio_serial_port(struct virtio_device *device, uint32_t index);

/* The host's end. Closing drops what the owner has not taken and what the guest has not got yet;
 * the guest reads an end of file. Output of the guest is thrown away while it is closed. */
void virtio_serial_port_set_open(struct virtio_serial_port *port, bool open);
/* The number of bytes taken: what fits into the guest's buffers and the backlog. 0 while one of the
 * ends is closed; opened tells when that changes, not writable. */
size_t virtio_serial_port_write(struct virtio_serial_port *port, const void *bytes, size_t count);
/* The owner has room for input again. Inside input itself it means nothing: there the number taken
 * counts. */
void virtio_serial_port_resume(struct virtio_serial_port *port);
/* Whether the guest's end is open. */
bool virtio_serial_port_is_open(const struct virtio_serial_port *port);
/* The owner goes before the device: closes the host's end, and no op is called any more. Without
 * it, the device's own end resets it first, with a call of opened when the guest's end was open. */
void virtio_serial_port_detach(struct virtio_serial_port *port);

#endif
