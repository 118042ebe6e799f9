/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <virtio/device.h>

void virtio_device_attach(struct virtio_device *device, struct virtio_transport *transport)
{
	assert(!device->transport);
	device->transport = transport;
}

void virtio_device_signal_config(struct virtio_device *device)
{
	if (device->transport)
		device->transport->ops->signal_config(device->transport);
}

void virtio_device_needs_reset(struct virtio_device *device)
{
	if (device->transport)
		device->transport->ops->signal_needs_reset(device->transport);
}
