/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A clipboard channel whose other end sends whatever the input says: packets, file descriptors of
 * all kinds, silence; while this end copies, asks and answers. What it is told keeps to the door's
 * promises, and no descriptor leaks.
 */
#include "fuzz.h"

#include <base/bytes.h>
#include <base/clipboard_channel.h>
#include <base/loop.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_STEPS 64
#define ALL_TYPES (CLIPBOARD_WIRE_BIT(CLIPBOARD_WIRE_TYPE_COUNT) - 1)

struct bench {
	struct loop *loop;
	struct clipboard_channel *channel;
	int peer;
	uint32_t wanted;        /* by the peer, not answered */
	uint32_t requested;     /* of the peer */
	bool ended;
};

static struct bench bench;

static void bench_grabbed(void *data, uint32_t types)
{
	fuzz_check(!bench.ended && types && !(types & ~ALL_TYPES));
	bench.requested = 0;
}

static void bench_released(void *data)
{
	fuzz_check(!bench.ended);
	bench.requested = 0;
}

static void bench_wanted(void *data, enum clipboard_wire_type type)
{
	fuzz_check(!bench.ended && type < CLIPBOARD_WIRE_TYPE_COUNT);
	bench.wanted |= CLIPBOARD_WIRE_BIT(type);
}

static void bench_answered(void *data, enum clipboard_wire_type type, const void *bytes,
			   size_t count)
{
	uint8_t sum = 0;

	fuzz_check(!bench.ended && type < CLIPBOARD_WIRE_TYPE_COUNT);
	fuzz_check(bench.requested & CLIPBOARD_WIRE_BIT(type));
	fuzz_check(count <= CLIPBOARD_WIRE_MAX_BYTES && !bytes == !count);
	bench.requested &= ~CLIPBOARD_WIRE_BIT(type);
	for (size_t i = 0; i < count; i++)
		sum ^= ((const uint8_t *)bytes)[i];
	fuzz_check(sum == 0);
}

static void bench_ended(void *data)
{
	fuzz_check(!bench.ended);
	bench.ended = true;
}

static const struct clipboard_channel_ops bench_ops = { bench_grabbed, bench_released, bench_wanted,
							bench_answered, bench_ended };

static uint8_t input_byte(struct byte_reader *input)
{
	uint8_t byte = 0;

	byte_reader_get(input, &byte, 1);
	return byte;
}

/* Half good, half of each kind of bad. */
static int make_fd(uint8_t what)
{
	const int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int fd;

	if (what % 8 < 3)
		return clipboard_wire_memory_create("\5\5\7\7", what % 8 == 0 ? 4 : 2);
	if (what % 8 == 3)
		return open("/dev/zero", O_RDONLY | O_CLOEXEC);
	if (what % 8 == 4)
		return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	fuzz_check(fd >= 0);
	if (what % 8 == 5 && ftruncate(fd, (off_t)1 << (what >> 3)))
		fuzz_check(errno == EINVAL || errno == EFBIG);
	fcntl(fd, F_ADD_SEALS, what % 8 == 7 ? all & ~(1 << (what >> 3) % 5) : all);
	return fd;
}

static void peer_send(struct packet *packet, unsigned int fds, uint8_t what)
{
	for (unsigned int i = 0; i < fds; i++) {
		packet->fds[i] = make_fd((uint8_t)(what + i));
		fuzz_check(packet->fds[i] >= 0);
	}
	packet->fd_count = (int)fds;
	packet_send(bench.peer, packet);
	packet_close_fds(packet);
}

static void peer_send_message(struct byte_reader *input, uint8_t how)
{
	struct clipboard_wire message = { .kind = how % 4, .type = how >> 2 & 1,
					  .types = how >> 2 & 3, .has_seen = how >> 4 & 1 }, again;
	struct packet packet;

	if (message.has_seen)
		message.seen = input_byte(input);
	clipboard_wire_format(&message, &packet);
	fuzz_check(clipboard_wire_parse(packet.data, packet.bytes, &again) == 0);
	fuzz_check(again.kind == message.kind);
	peer_send(&packet, how >> 5 & 1, input_byte(input));
}

static void peer_send_raw(struct byte_reader *input, uint8_t how)
{
	struct packet packet = { 0 };
	size_t count = input_byte(input) % 200;

	if (count > input->left)
		count = input->left;
	packet.bytes = count;
	byte_reader_get(input, packet.data, count);
	peer_send(&packet, how % 4 == 3 ? 2 : 0, input_byte(input));
}

static void own_step(uint8_t how)
{
	enum clipboard_wire_type type = how >> 3 & 1;

	switch (how % 4) {
	case 0:
		clipboard_channel_grab(bench.channel, 1 + type);
		break;
	case 1:
		clipboard_channel_release(bench.channel);
		break;
	case 2:
		bench.requested |= CLIPBOARD_WIRE_BIT(type);
		clipboard_channel_request(bench.channel, type);
		break;
	default:
		bench.wanted &= ~CLIPBOARD_WIRE_BIT(type);
		clipboard_channel_answer(bench.channel, type, how & 16 ? "bytes" : NULL,
					 how & 16 ? 5 : 0);
		break;
	}
}

static void bench_step(struct byte_reader *input)
{
	struct packet packet;
	uint8_t what = input_byte(input), how = input_byte(input);

	switch (what % 4) {
	case 0:
		peer_send_raw(input, how);
		break;
	case 1:
		own_step(how);
		break;
	default:
		peer_send_message(input, how);
		break;
	}
	if (what & 0x40)
		return;
	while (loop_dispatch(bench.loop, 0) > 0)
		;
	while (what & 0x80 && packet_receive(bench.peer, &packet) == 0)
		packet_close_fds(&packet);
}

static int lowest_free_fd(void)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	fuzz_check(fd >= 0);
	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct byte_reader input = byte_reader_init(data, size);
	struct clipboard_channel_config config = { .ops = &bench_ops, .name = "the input",
						   .decided_by_other = size % 2 };
	struct clipboard_wire message;
	int pair[2], lowest = lowest_free_fd();

	fuzz_check(clipboard_wire_parse((const char *)data, size, &message) <= 0);
	bench = (struct bench){ .loop = loop_create("fuzz") };
	fuzz_check(bench.loop && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
					    0, pair) == 0);
	config.loop = bench.loop;
	config.fd = pair[0];
	bench.peer = pair[1];
	bench.channel = clipboard_channel_create(&config);
	fuzz_check(bench.channel != NULL);
	for (int step = 0; step < MAX_STEPS && input.left > 0; step++)
		bench_step(&input);
	close(bench.peer);
	while (!bench.ended)
		loop_dispatch(bench.loop, 1000);
	clipboard_channel_destroy(bench.channel);
	loop_destroy(bench.loop);
	fuzz_check(lowest_free_fd() == lowest);
	return 0;
}
