/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net (virtio 1.2, 5.1): one pair of queues, no offloads.
 */
#ifndef VMM_DEVICES_VIRTIO_NET_H
#define VMM_DEVICES_VIRTIO_NET_H

#include <base/options.h>
#include <devices/net_backend.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define VIRTIO_NET_MAX_FORWARDS 16

struct loop;
struct virtio_device;

enum virtio_net_backend {
	VIRTIO_NET_NONE,        /* no card at all: create none */
	VIRTIO_NET_USER,        /* NAT by libslirp, as the user who runs this */
	VIRTIO_NET_TAP,
};

/* A port of the host that leads to a port of the guest. */
struct virtio_net_forward {
	bool udp;
	struct in_addr host_address, guest_address;
	uint16_t host_port, guest_port;
};

/* --net user[,hostfwd=tcp:[ADDRESS]:PORT-:GUESTPORT]|tap=IFNAME|none[,mac=MAC] */
struct virtio_net_config {
	enum virtio_net_backend backend;
	char *tap;                      /* interface name */
	bool has_mac;
	uint8_t mac[NET_MAC_BYTES];
	struct virtio_net_forward forwards[VIRTIO_NET_MAX_FORWARDS];
	unsigned forward_count;
};

/* The default: user. */
void virtio_net_config_init(struct virtio_net_config *config);
/* Starts from the default. 0 or -EINVAL with the error filled in; then finish it in both cases. */
int virtio_net_config_parse(struct virtio_net_config *config, const char *text,
			    struct option_error *error);
void virtio_net_config_finish(struct virtio_net_config *config);

/* The card with the backend that the config asks for; the config is not needed afterwards. On the
 * loop or while it does not run. NULL with errno and one clear line in the error. */
struct virtio_device *virtio_net_create(struct loop *loop, const struct virtio_net_config *config,
					struct option_error *error);
/* The card on any backend, which it owns from then on; also on failure. NULL with errno. */
struct virtio_device *virtio_net_create_on(struct loop *loop, struct net_backend *backend,
					   const uint8_t mac[NET_MAC_BYTES]);

/* net_slirp.c, net_tap.c: NULL with errno and one clear line in the error. */
struct net_backend *net_slirp_create(struct loop *loop, const struct virtio_net_config *config,
				     struct option_error *error);
struct net_backend *net_tap_create(struct loop *loop, const struct virtio_net_config *config,
				   struct option_error *error);

#endif
