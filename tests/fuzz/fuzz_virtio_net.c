/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames of any content and shape from the guest, receive buffers of any size for it. Input: steps
 * of {what, bytes low, bytes high, then the frame}.
 */
#include "fuzz.h"

#include <base/loop.h>
#include <devices/virtio_net.h>
#include <fake/guest.h>

static void fuzz_transmit(struct net_backend *backend, const uint8_t *frame, size_t bytes)
{
	if (bytes < NET_FRAME_MIN_BYTES || bytes > NET_FRAME_MAX_BYTES)
		fake_fail("a frame of %zu bytes came through", bytes);
}

static void fuzz_destroy(struct net_backend *backend)
{
}

static const struct net_backend_ops fuzz_ops = {
	.transmit = fuzz_transmit,
	.destroy = fuzz_destroy,
};

static struct net_backend fuzz_backend = { .ops = &fuzz_ops };

static void fuzz_receive(struct fake_guest *guest, const uint8_t *frame, size_t bytes)
{
	struct fake_queue *queue = fake_guest_queue(guest, 0);
	struct fake_used used;

	net_backend_receive(&fuzz_backend, frame, bytes);
	net_backend_receive_done(&fuzz_backend);
	while (fake_queue_get_used(queue, &used))
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mac[NET_MAC_BYTES] = { 2 };
	static struct fake_guest *guest;

	if (!guest)
		guest = fake_guest_create(
			virtio_net_create_on(loop_create("fuzz"), &fuzz_backend, mac),
			FAKE_LOOP_DISPATCHED);
	fake_memory_reset(fake_guest_memory(guest));
	if (fake_guest_start(guest, size && data[0] & 4 ? 0 : FAKE_ALL_FEATURES) < 0)
		fake_fail("cannot start");
	while (size > 3) {
		size_t wanted = ((size_t)data[1] | (size_t)data[2] << 8) % 2048;
		size_t bytes = wanted < size - 3 ? wanted : size - 3;

		if (data[0] % 4 == 0)
			fake_queue_add_writable(fake_guest_queue(guest, 0), (uint32_t)wanted + 1,
						NULL);
		else if (data[0] % 4 == 1)
			fuzz_receive(guest, data + 3, bytes < NET_FRAME_MAX_BYTES ? bytes : 60);
		else if (bytes > 0)
			fake_queue_request(fake_guest_queue(guest, 1), data + 3, bytes, NULL, 0);
		data += 3 + bytes;
		size -= 3 + bytes;
	}
	fake_guest_stop(guest);
	return 0;
}
