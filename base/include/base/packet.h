/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One message and up to PACKET_MAX_FDS file descriptors over a SOCK_SEQPACKET unix socket.
 */
#ifndef BASE_PACKET_H
#define BASE_PACKET_H

#include <stddef.h>
#include <sys/types.h>

#define PACKET_MAX_FDS 8
#define PACKET_MAX_BYTES 4096

struct packet {
	size_t bytes;
	int fd_count;
	int fds[PACKET_MAX_FDS];             /* received: owned by the receiver, CLOEXEC */
	char data[PACKET_MAX_BYTES + 1];     /* received: always followed by a NUL */
};

/* Sends data[0..bytes) with fds; the fds stay the sender's. 0 or -errno (-EAGAIN if it would block). */
int packet_send(int socket, const struct packet *packet);
/* 0; -EAGAIN nothing there; -ECONNRESET the peer is gone; -EMSGSIZE too long (its fds are closed). */
int packet_receive(int socket, struct packet *packet);
/* Closes every fd in the packet. */
void packet_close_fds(struct packet *packet);

/* A listening socket at path, mode 0600; a stale file is replaced, a live one gives -EADDRINUSE.
 * fd or -errno. */
int packet_listen(const char *path);
/* fd or -errno. */
int packet_connect(const char *path);

#endif
