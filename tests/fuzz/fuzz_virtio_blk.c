/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-blk requests of any content and shape. Input: steps of {readable bytes, writable bytes
 * low, writable bytes high, then the readable bytes}.
 */
#include "fuzz.h"

#include <base/loop.h>
#include <devices/virtio_blk.h>
#include <fake/guest.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define FUZZ_IMAGE_BYTES (1 << 20)

static struct fake_guest *fuzz_create_guest(void)
{
	struct virtio_blk_config config = { 0 };
	struct option_error error = { "" };
	struct virtio_device *device;
	char path[64];
	int fd = memfd_create("disk", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, FUZZ_IMAGE_BYTES) < 0)
		fake_fail("no memfd");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	config.path = path;
	device = virtio_blk_create(loop_create("fuzz"), &config, &error);
	if (!device)
		fake_fail("%s", error.text);
	close(fd);
	return fake_guest_create(device, FAKE_LOOP_DISPATCHED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t writable[1 << 16];
	static struct fake_guest *guest;

	if (!guest)
		guest = fuzz_create_guest();
	fake_memory_reset(fake_guest_memory(guest));
	if (fake_guest_start(guest, size && data[0] & 1 ? 0 : FAKE_ALL_FEATURES) < 0)
		fake_fail("cannot start");
	while (size > 3) {
		size_t out = data[0] < size - 3 ? data[0] : size - 3;
		size_t in = (size_t)data[1] | (size_t)data[2] << 8;

		if (out + in > 0)
			fake_queue_request(fake_guest_queue(guest, 0), data + 3, out, writable, in);
		data += 3 + out;
		size -= 3 + out;
	}
	fake_guest_stop(guest);
	return 0;
}
