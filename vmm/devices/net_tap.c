/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <devices/virtio_net.h>

/* The most frames taken in one go: other work of the loop gets its turn. */
#define TAP_BATCH 64

struct net_tap {
	struct net_backend base;
	int fd;
	struct loop_fd *source;
};

static void tap_transmit(struct net_backend *backend, const uint8_t *frame, size_t bytes)
{
	struct net_tap *tap = (struct net_tap *)backend;

	/* A full or closed interface loses frames. */
	if (write(tap->fd, frame, bytes) < 0 && errno != EAGAIN && errno != EIO)
		log_blame("host", "net: tap: %s", strerror(errno));
}

static void tap_readable(void *data, uint32_t events)
{
	struct net_tap *tap = data;
	uint8_t frame[NET_FRAME_MAX_BYTES + 1];

	for (int i = 0; i < TAP_BATCH; i++) {
		ssize_t bytes = read(tap->fd, frame, sizeof(frame));

		if (bytes < 0 && errno != EAGAIN && errno != EINTR) {
			/* The interface is gone: listening on would never end. */
			log_error("net: tap: %s: no more frames", strerror(errno));
			loop_fd_remove(tap->source);
			tap->source = NULL;
		}
		if (bytes <= 0)
			break;
		if ((size_t)bytes <= NET_FRAME_MAX_BYTES)
			net_backend_receive(&tap->base, frame, (size_t)bytes);
	}
	net_backend_receive_done(&tap->base);
}

static void tap_destroy(struct net_backend *backend)
{
	struct net_tap *tap = (struct net_tap *)backend;

	loop_fd_remove(tap->source);
	close(tap->fd);
	free(tap);
}

static const struct net_backend_ops tap_ops = {
	.transmit = tap_transmit,
	.destroy = tap_destroy,
};

/* fd or -errno. */
static int tap_open(const char *name, struct option_error *error)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int result;
	int fd;

	/* Without this the ioctl below would make a new interface that leads nowhere. */
	if (if_nametoindex(name) == 0) {
		option_error_set(error,
				 "net: there is no interface %s: make it with 'ip tuntap add "
				 "dev %s mode tap user $USER'",
				 name, name);
		return -ENODEV;
	}
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		result = -errno;
		option_error_set(error, "net: cannot open /dev/net/tun: %s", strerror(errno));
		return result;
	}
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &request) < 0) {
		result = -errno;
		option_error_set(error,
				 "net: cannot use %s: %s (is it a tap interface of your user, "
				 "and no other VM has it?)",
				 name, strerror(errno));
		close(fd);
		return result;
	}
	return fd;
}

struct net_backend *net_tap_create(struct loop *loop, const struct virtio_net_config *config,
				   struct option_error *error)
{
	struct net_tap *tap = calloc(1, sizeof(*tap));
	int result = -ENOMEM;

	if (!tap) {
		option_error_set(error, "net: out of memory");
		goto fail;
	}
	tap->base.ops = &tap_ops;
	tap->fd = tap_open(config->tap, error);
	if (tap->fd < 0) {
		result = tap->fd;
		goto fail;
	}
	tap->source = loop_fd_add(loop, tap->fd, EPOLLIN, tap_readable, tap);
	if (!tap->source) {
		result = -errno;
		option_error_set(error, "net: cannot listen to %s: %s", config->tap,
				 strerror(errno));
		close(tap->fd);
		goto fail;
	}
	return &tap->base;
fail:
	free(tap);
	errno = -result;
	return NULL;
}
