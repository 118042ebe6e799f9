/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output, input and buffers of any size for a console. Input: steps of {what, bytes}.
 */
#include "fuzz.h"

#include <base/loop.h>
#include <chips/console.h>
#include <devices/virtio_console.h>
#include <fake/guest.h>
#include <sys/socket.h>
#include <unistd.h>

struct fuzz {
	struct fake_guest *guest;
	int user;
};

static void fuzz_create(struct fuzz *fuzz)
{
	struct loop *loop = loop_create("fuzz");
	struct console *console;
	int fds[2];

	if (!loop || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
		fake_fail("no socket");
	console = console_create_fds(loop, fds[1], fds[1], false);
	fuzz->user = fds[0];
	fuzz->guest = fake_guest_create(virtio_console_create_on(loop, console),
					FAKE_LOOP_DISPATCHED);
}

static void fuzz_step(struct fuzz *fuzz, uint8_t what, uint8_t bytes)
{
	static uint8_t scratch[4096];
	struct fake_queue *receive = fake_guest_queue(fuzz->guest, 0);
	struct fake_queue *transmit = fake_guest_queue(fuzz->guest, 1);
	struct fake_buffer buffer = { .bytes = bytes + 1u, .writable = what & 8 };
	struct fake_used used;

	switch (what % 5) {
	case 0:
		buffer.gpa = fake_memory_alloc(fake_guest_memory(fuzz->guest), buffer.bytes, 1);
		fake_queue_add(what & 16 ? transmit : receive, &buffer, 1);
		break;
	case 1:
		fake_queue_kick_always(what & 16 ? transmit : receive);
		break;
	case 2:
		if (write(fuzz->user, scratch, bytes) < 0)
			break;
		break;
	case 3:
		while (read(fuzz->user, scratch, sizeof(scratch)) > 0)
			;
		break;
	default:
		fake_guest_run(fuzz->guest);
		while (fake_queue_get_used(receive, &used) || fake_queue_get_used(transmit, &used))
			;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz fuzz;

	if (!fuzz.guest)
		fuzz_create(&fuzz);
	fake_memory_reset(fake_guest_memory(fuzz.guest));
	if (fake_guest_start(fuzz.guest, size & 1 ? 0 : FAKE_ALL_FEATURES) < 0)
		fake_fail("cannot start");
	for (size_t i = 0; i + 2 <= size; i += 2)
		fuzz_step(&fuzz, data[i], data[i + 1]);
	fake_guest_stop(fuzz.guest);
	return 0;
}
