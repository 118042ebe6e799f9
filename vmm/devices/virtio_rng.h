/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-rng (virtio 1.2, 5.4): the host kernel's random bytes.
 */
#ifndef VMM_DEVICES_VIRTIO_RNG_H
#define VMM_DEVICES_VIRTIO_RNG_H

struct loop;
struct virtio_device;

/* On the loop or while it does not run. NULL with errno. */
struct virtio_device *virtio_rng_create(struct loop *loop);

#endif
