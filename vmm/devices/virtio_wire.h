/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wire structures of the kernel's headers. Their configuration spaces are called like our own
 * options: here they get names that say that they are on the wire.
 */
#ifndef VMM_DEVICES_VIRTIO_WIRE_H
#define VMM_DEVICES_VIRTIO_WIRE_H

#define virtio_blk_config virtio_blk_wire_config
#include <linux/virtio_blk.h>
#undef virtio_blk_config

#define virtio_net_config virtio_net_wire_config
#include <linux/virtio_net.h>
#undef virtio_net_config

#define virtio_console_config virtio_console_wire_config
#include <linux/virtio_console.h>
#undef virtio_console_config

#endif
