/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints a live segment: by the name of a VM, from a file, or from an open file descriptor. */
#include "ring-dump.h"

#include <base/packet.h>
#include <base/runtime_dir.h>
#include <errno.h>
#include <getopt.h>
#include <ivshmem/segment.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DUMP_REPLY_TIMEOUT_MS 5000

/* One attach request, as a client sends it. The segment's fd, or -1 with a line on stderr. */
static int dump_ask(int socket, const char *name)
{
	static struct packet packet;
	struct pollfd reply = { .fd = socket, .events = POLLIN };
	int error, fd;

	packet.bytes = (size_t)sprintf(packet.data, "{\"command\":\"attach\"}");
	error = packet_send(socket, &packet);
	if (!error && poll(&reply, 1, DUMP_REPLY_TIMEOUT_MS) != 1)
		error = -ETIMEDOUT;
	if (!error)
		error = packet_receive(socket, &packet);
	if (error) {
		fprintf(stderr, "%s does not answer: %s\n", name, strerror(-error));
		return -1;
	}
	if (packet.fd_count < 1) {
		fprintf(stderr, "%s gives no segment: %s\n", name, packet.data);
		return -1;
	}
	fd = dup(packet.fds[0]);
	packet_close_fds(&packet);
	return fd;
}

static struct segment *dump_attach_name(const char *name)
{
	char path[RUNTIME_DIR_BYTES + RUNTIME_NAME_BYTES];
	int error = runtime_dir_file(path, sizeof(path), name, "control.sock");
	int socket = error ? error : packet_connect(path);
	struct segment *segment = NULL;
	int fd;

	if (socket < 0) {
		fprintf(stderr, "no VM of the name %s: %s\n", name, strerror(-socket));
		return NULL;
	}
	fd = dump_ask(socket, name);
	close(socket);
	if (fd < 0)
		return NULL;
	segment = segment_attach_fd(fd);
	if (!segment)
		fprintf(stderr, "%s: not a segment: %s\n", name, strerror(errno));
	close(fd);
	return segment;
}

static struct segment *dump_attach_path(const char *path)
{
	struct segment *segment = segment_attach_path(path);

	if (!segment)
		fprintf(stderr, "%s: cannot attach: %s\n", path, strerror(errno));
	return segment;
}

static struct segment *dump_attach_fd(const char *text)
{
	char *end;
	long fd = strtol(text, &end, 10);
	struct segment *segment;

	errno = EBADF;
	segment = *end || fd < 0 || fd > INT32_MAX ? NULL : segment_attach_fd((int)fd);
	if (!segment)
		fprintf(stderr, "fd %s: cannot attach: %s\n", text, strerror(errno));
	return segment;
}

static int dump_usage(FILE *out, const char *program)
{
	fprintf(out,
		"usage: %s --name VM | --shm FILE | --fd N  [--follow]\n"
		"Prints the shared memory of a running VM: header, frames, cursor, input, sound.\n"
		"  --name VM    ask the VM's control socket for it\n"
		"  --shm FILE   a file, or the file behind an ivshmem BAR\n"
		"  --fd N       an inherited file descriptor\n"
		"  --follow     a line each second: frames, latency, input, sound\n",
		program);
	return out == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "name", required_argument, NULL, 'n' }, { "shm", required_argument, NULL, 's' },
		{ "fd", required_argument, NULL, 'f' },   { "follow", no_argument, NULL, 'F' },
		{ "help", no_argument, NULL, 'h' },       { 0 },
	};
	const char *target = NULL;
	struct segment *segment;
	bool follow = false;
	int option, how = 0;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h' || option == '?')
			return dump_usage(option == 'h' ? stdout : stderr, argv[0]);
		if (option == 'F') {
			follow = true;
		} else {
			how = option;
			target = optarg;
		}
	}
	if (!target)
		return dump_usage(stderr, argv[0]);
	segment = how == 'n' ? dump_attach_name(target) :
		  how == 's' ? dump_attach_path(target) : dump_attach_fd(target);
	if (!segment)
		return 1;
	ring_dump_print(segment);
	if (follow)
		ring_dump_follow(segment);
	segment_destroy(segment);
	return 0;
}
