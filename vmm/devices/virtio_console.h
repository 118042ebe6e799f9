/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-console (virtio 1.2, 5.3) with one port: hvc0 in a Linux guest.
 */
#ifndef VMM_DEVICES_VIRTIO_CONSOLE_H
#define VMM_DEVICES_VIRTIO_CONSOLE_H

struct console;
struct loop;
struct option_error;
struct virtio_device;

/* where: "stdio", "file=FILE", "none" or NULL, which is none: output is thrown away. On the loop or
 * while it does not run. NULL with errno and one clear line in the error. */
struct virtio_device *virtio_console_create(struct loop *loop, const char *where,
					    struct option_error *error);
/* On any console, which it owns from then on, also on failure; NULL: none. NULL with errno. */
struct virtio_device *virtio_console_create_on(struct loop *loop, struct console *console);

#endif
