/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/bytes.h>
#include <base/log.h>
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <virtio/device.h>
#include <devices/virtio_net.h>
#include <devices/virtio_wire.h>

#define NET_QUEUE_SIZE 256
#define NET_HEADER_BYTES 12             /* with VIRTIO_F_VERSION_1 always (5.1.6.1) */
#define NET_CONFIG_BYTES 8              /* mac and status */
#define NET_HEADER_BUFFERS 10           /* offset of num_buffers */

enum net_queue {
	NET_QUEUE_RECEIVE,
	NET_QUEUE_TRANSMIT,
	NET_QUEUE_COUNT,
};

struct virtio_net {
	struct virtio_device base;
	struct net_backend *backend;
	uint8_t mac[NET_MAC_BYTES];
	struct virtqueue *queues[NET_QUEUE_COUNT];
};

static struct virtio_net *net_from(struct virtio_device *base)
{
	return (struct virtio_net *)((char *)base - offsetof(struct virtio_net, base));
}

/* --- to the guest ------------------------------------------------------------------------ */

static void net_receive(void *data, const uint8_t *frame, size_t bytes)
{
	struct virtio_net *net = data;
	struct virtqueue *queue = net->queues[NET_QUEUE_RECEIVE];
	uint8_t header[NET_HEADER_BYTES] = { 0 };
	struct chain *chain = queue ? virtqueue_pop(queue) : NULL;

	/* No buffer: the network loses frames, and its users know. */
	if (!chain)
		return;
	le16_store(header + NET_HEADER_BUFFERS, 1);
	if (chain_writable(chain) < NET_HEADER_BYTES ||
	    chain_writable(chain) - NET_HEADER_BYTES < bytes) {
		log_guest_bug("net: a receive buffer of %zu bytes", chain_writable(chain));
		virtqueue_unpop(queue, chain);
		return;
	}
	chain_write(chain, header, sizeof(header));
	chain_write(chain, frame, bytes);
	virtqueue_push(queue, chain);
}

static void net_receive_done(void *data)
{
	struct virtio_net *net = data;

	if (net->queues[NET_QUEUE_RECEIVE])
		virtqueue_notify(net->queues[NET_QUEUE_RECEIVE]);
}

static const struct net_sink_ops net_sink_ops = {
	.receive = net_receive,
	.receive_done = net_receive_done,
};

/* New buffers: nothing waits for them, frames that had none are gone. */
static void net_receive_kicked(struct virtqueue *queue, void *data)
{
}

/* --- from the guest ---------------------------------------------------------------------- */

static void net_transmit_chain(struct virtio_net *net, struct chain *chain)
{
	uint8_t header[NET_HEADER_BYTES], frame[NET_FRAME_MAX_BYTES];
	size_t bytes;

	if (chain_read(chain, header, sizeof(header)) != sizeof(header)) {
		log_guest_bug("net: a frame without header");
		return;
	}
	/* Offloads were not offered: flags and gso_type are 0 (5.1.6.2.1). */
	if (header[0] != 0 || header[1] != VIRTIO_NET_HDR_GSO_NONE) {
		log_guest_bug("net: a frame that asks for offloads");
		return;
	}
	bytes = chain_readable(chain);
	if (bytes < NET_FRAME_MIN_BYTES || bytes > sizeof(frame)) {
		log_guest_bug("net: a frame of %zu bytes", bytes);
		return;
	}
	chain_read(chain, frame, bytes);
	net->backend->ops->transmit(net->backend, frame, bytes);
}

static void net_transmit_kicked(struct virtqueue *queue, void *data)
{
	struct virtio_net *net = data;
	struct chain *chain;

	while ((chain = virtqueue_pop(queue))) {
		net_transmit_chain(net, chain);
		virtqueue_push(queue, chain);
	}
	virtqueue_notify(queue);
	if (net->backend->ops->transmit_done)
		net->backend->ops->transmit_done(net->backend);
}

/* --- the device -------------------------------------------------------------------------- */

static uint64_t net_features(struct virtio_device *base)
{
	return virtqueue_features() | 1ull << VIRTIO_NET_F_MAC | 1ull << VIRTIO_NET_F_STATUS;
}

static int net_set_features(struct virtio_device *base, uint64_t features)
{
	return 0;
}

static void net_read_config(struct virtio_device *base, size_t offset, void *to, size_t bytes)
{
	uint8_t config[NET_CONFIG_BYTES];

	memcpy(config, net_from(base)->mac, NET_MAC_BYTES);
	le16_store(config + NET_MAC_BYTES, VIRTIO_NET_S_LINK_UP);
	memcpy(to, config + offset, bytes);
}

static int net_start_queue(struct virtio_device *base, uint16_t index,
			   const struct virtqueue_setup *setup)
{
	struct virtio_net *net = net_from(base);
	virtqueue_func *kicked = index == NET_QUEUE_TRANSMIT ? net_transmit_kicked
							     : net_receive_kicked;

	net->queues[index] = virtqueue_create(base, index, setup, kicked, net);
	return net->queues[index] ? 0 : -errno;
}

static void net_stop_queue(struct virtio_device *base, uint16_t index)
{
	struct virtio_net *net = net_from(base);

	virtqueue_destroy(net->queues[index]);
	net->queues[index] = NULL;
}

static void net_reset(struct virtio_device *base)
{
}

static void net_destroy(struct virtio_device *base)
{
	struct virtio_net *net = net_from(base);

	net->backend->ops->destroy(net->backend);
	free(net);
}

static const struct virtio_device_ops net_ops = {
	.features = net_features,
	.set_features = net_set_features,
	.read_config = net_read_config,
	.start_queue = net_start_queue,
	.stop_queue = net_stop_queue,
	.reset = net_reset,
	.destroy = net_destroy,
};

struct virtio_device *virtio_net_create_on(struct loop *loop, struct net_backend *backend,
					   const uint8_t mac[NET_MAC_BYTES])
{
	static const uint16_t queue_sizes[NET_QUEUE_COUNT] = { NET_QUEUE_SIZE, NET_QUEUE_SIZE };
	struct virtio_net *net = calloc(1, sizeof(*net));

	if (!net) {
		backend->ops->destroy(backend);
		errno = ENOMEM;
		return NULL;
	}
	net->backend = backend;
	memcpy(net->mac, mac, NET_MAC_BYTES);
	net->base = (struct virtio_device){
		.ops = &net_ops,
		.loop = loop,
		.name = "net0",
		.type = VIRTIO_ID_NET,
		.queue_count = NET_QUEUE_COUNT,
		.queue_sizes = queue_sizes,
		.config_bytes = NET_CONFIG_BYTES,
	};
	net_backend_attach(backend, &net_sink_ops, net);
	return &net->base;
}

/* Behind a NAT of its own every guest may have the same address; on a bridge none may. */
static void net_choose_mac(const struct virtio_net_config *config, uint8_t mac[NET_MAC_BYTES])
{
	static const uint8_t first[NET_MAC_BYTES] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

	memcpy(mac, config->has_mac ? config->mac : first, NET_MAC_BYTES);
	/* A short answer leaves the rest as it is. */
	if (!config->has_mac && config->backend == VIRTIO_NET_TAP && getrandom(mac + 3, 3, 0) < 0)
		log_warn("net: no random address: give mac=");
}

struct virtio_device *virtio_net_create(struct loop *loop, const struct virtio_net_config *config,
					struct option_error *error)
{
	struct net_backend *backend;
	struct virtio_device *device;
	uint8_t mac[NET_MAC_BYTES];

	backend = config->backend == VIRTIO_NET_TAP ? net_tap_create(loop, config, error)
						    : net_slirp_create(loop, config, error);
	if (!backend)
		return NULL;
	net_choose_mac(config, mac);
	device = virtio_net_create_on(loop, backend, mac);
	if (!device)
		option_error_set(error, "net: out of memory");
	return device;
}
