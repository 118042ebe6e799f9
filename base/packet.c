/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/packet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PACKET_BACKLOG 16

union packet_control {
	char bytes[CMSG_SPACE(sizeof(int) * PACKET_MAX_FDS)];
	struct cmsghdr align;
};

int packet_send(int socket, const struct packet *packet)
{
	struct iovec iov = { (void *)packet->data, packet->bytes };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	union packet_control control = { 0 };

	if (packet->bytes > PACKET_MAX_BYTES || packet->fd_count > PACKET_MAX_FDS)
		return -EMSGSIZE;
	if (packet->fd_count > 0) {
		size_t bytes = sizeof(int) * (size_t)packet->fd_count;
		struct cmsghdr *header;

		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(bytes);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(bytes);
		memcpy(CMSG_DATA(header), packet->fds, bytes);
	}
	for (;;) {
		if (sendmsg(socket, &message, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	}
}

void packet_close_fds(struct packet *packet)
{
	for (int i = 0; i < packet->fd_count; i++)
		close(packet->fds[i]);
	packet->fd_count = 0;
}

/* The control buffer holds PACKET_MAX_FDS descriptors; the kernel closes what does not fit. */
static void packet_take_fds(struct packet *packet, struct msghdr *message)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		size_t bytes;

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		bytes = header->cmsg_len - CMSG_LEN(0);
		for (size_t i = 0; i < bytes / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
			if (packet->fd_count < PACKET_MAX_FDS)
				packet->fds[packet->fd_count++] = fd;
			else
				close(fd);
		}
	}
}

int packet_receive(int socket, struct packet *packet)
{
	struct iovec iov = { packet->data, PACKET_MAX_BYTES };
	union packet_control control;
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
				  .msg_controllen = sizeof(control) };
	ssize_t received;

	packet->bytes = 0;
	packet->fd_count = 0;
	do {
		received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	} while (received < 0 && errno == EINTR);
	if (received < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	packet_take_fds(packet, &message);
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		packet_close_fds(packet);
		return -EMSGSIZE;
	}
	if (received == 0) {
		packet_close_fds(packet);
		return -ECONNRESET;
	}
	packet->bytes = (size_t)received;
	packet->data[received] = '\0';
	return 0;
}

static int packet_address(struct sockaddr_un *address, const char *path)
{
	size_t length = strlen(path);

	if (length >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, path, length + 1);
	return 0;
}

int packet_connect(const char *path)
{
	struct sockaddr_un address;
	int fd, result = packet_address(&address, path);

	if (result)
		return result;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		result = -errno;
		close(fd);
		return result;
	}
	return fd;
}

int packet_listen(const char *path)
{
	struct sockaddr_un address;
	int fd, result = packet_address(&address, path);

	if (result)
		return result;
	fd = packet_connect(path);
	if (fd >= 0) {
		close(fd);
		return -EADDRINUSE;
	}
	/* Nobody listens there: only a socket that its owner left behind may go. */
	if (fd == -ECONNREFUSED && unlink(path) < 0)
		return -errno;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* The mode is set before the address exists, so that there is no moment of wider access. */
	if (fchmod(fd, 0600) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, PACKET_BACKLOG) < 0) {
		result = -errno;
		close(fd);
		return result;
	}
	return fd;
}
