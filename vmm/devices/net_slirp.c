/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User-mode networking by libslirp: 10.0.2.0/24 with a router and host at .2, DNS at .3, the guest
 * by DHCP at .15.
 *
 * libslirp is made for a loop of poll(): before each sleep it names all its fds and the longest
 * sleep, afterwards it asks what became ready. Here its fds stand in an epoll of their own, which
 * is one fd of our loop; after everything that may change them it is asked again.
 */
#include <arpa/inet.h>
#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <poll.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <devices/virtio_net.h>

struct slirp_watch {
	int fd;
	short events;           /* of poll(); what the epoll set waits for */
	bool named;             /* by the last slirp_pollfds_fill */
};

struct slirp_timer {
	struct net_slirp *net;
	struct loop_timer *timer;
	SlirpTimerId id;
	void *opaque;
};

struct net_slirp {
	struct net_backend base;
	struct loop *loop;
	Slirp *slirp;
	int epoll_fd;
	struct loop_fd *source;
	struct loop_timer *sleep;       /* the longest that libslirp wants to sleep */
	struct pollfd *polls;           /* by index of the last slirp_pollfds_fill */
	size_t poll_count, poll_room;
	struct slirp_watch *watches;    /* what the epoll set holds */
	size_t watch_count, watch_room;
};

/* --- fds --------------------------------------------------------------------------------- */

static int slirp_add_poll(int fd, int events, void *opaque)
{
	struct net_slirp *net = opaque;
	short wanted = 0;

	if (net->poll_count == net->poll_room) {
		size_t room = net->poll_room ? 2 * net->poll_room : 16;
		struct pollfd *polls = realloc(net->polls, room * sizeof(*polls));

		if (!polls)
			return -1;
		net->polls = polls;
		net->poll_room = room;
	}
	if (events & SLIRP_POLL_IN)
		wanted |= POLLIN;
	if (events & SLIRP_POLL_OUT)
		wanted |= POLLOUT;
	if (events & SLIRP_POLL_PRI)
		wanted |= POLLPRI;
	net->polls[net->poll_count] = (struct pollfd){ .fd = fd, .events = wanted };
	return (int)net->poll_count++;
}

static int slirp_get_revents(int index, void *opaque)
{
	struct net_slirp *net = opaque;
	short ready = index >= 0 ? net->polls[index].revents : 0;
	int events = 0;

	if (ready & POLLIN)
		events |= SLIRP_POLL_IN;
	if (ready & POLLOUT)
		events |= SLIRP_POLL_OUT;
	if (ready & POLLPRI)
		events |= SLIRP_POLL_PRI;
	if (ready & POLLERR)
		events |= SLIRP_POLL_ERR;
	if (ready & POLLHUP)
		events |= SLIRP_POLL_HUP;
	return events;
}

static struct slirp_watch *slirp_find_watch(struct net_slirp *net, int fd)
{
	for (size_t i = 0; i < net->watch_count; i++) {
		if (net->watches[i].fd == fd)
			return &net->watches[i];
	}
	return NULL;
}

static struct slirp_watch *slirp_new_watch(struct net_slirp *net, int fd)
{
	if (net->watch_count == net->watch_room) {
		size_t room = net->watch_room ? 2 * net->watch_room : 16;
		struct slirp_watch *watches = realloc(net->watches, room * sizeof(*watches));

		if (!watches)
			return NULL;
		net->watches = watches;
		net->watch_room = room;
	}
	net->watches[net->watch_count] = (struct slirp_watch){ .fd = fd };
	return &net->watches[net->watch_count++];
}

static void slirp_drop_watch(struct net_slirp *net, struct slirp_watch *watch)
{
	/* Fails for an fd that libslirp has closed already, which took it out. */
	epoll_ctl(net->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	*watch = net->watches[--net->watch_count];
}

static void slirp_watch_poll(struct net_slirp *net, const struct pollfd *poll_fd)
{
	/* EPOLLIN and its kind have the values of POLLIN and its kind. */
	struct epoll_event event = { .events = (uint32_t)poll_fd->events };
	struct slirp_watch *watch = slirp_find_watch(net, poll_fd->fd);

	if (watch && watch->events == poll_fd->events) {
		watch->named = true;
		return;
	}
	if (!watch)
		watch = slirp_new_watch(net, poll_fd->fd);
	if (!watch)
		return;
	watch->events = poll_fd->events;
	watch->named = true;
	if (epoll_ctl(net->epoll_fd, EPOLL_CTL_MOD, poll_fd->fd, &event) < 0 && errno == ENOENT &&
	    epoll_ctl(net->epoll_fd, EPOLL_CTL_ADD, poll_fd->fd, &event) < 0)
		log_error("net: cannot watch a connection: %s", strerror(errno));
}

/* Asks libslirp what it waits for, and waits for that. */
static void slirp_rearm(struct net_slirp *net)
{
	uint32_t timeout_ms = UINT32_MAX;

	net->poll_count = 0;
	slirp_pollfds_fill(net->slirp, &timeout_ms, slirp_add_poll, net);
	for (size_t i = 0; i < net->watch_count; i++)
		net->watches[i].named = false;
	for (size_t i = 0; i < net->poll_count; i++)
		slirp_watch_poll(net, &net->polls[i]);
	for (size_t i = net->watch_count; i-- > 0;) {
		if (!net->watches[i].named)
			slirp_drop_watch(net, &net->watches[i]);
	}
	if (timeout_ms == UINT32_MAX)
		loop_timer_disarm(net->sleep);
	else
		loop_timer_arm(net->sleep, (timeout_ms ? timeout_ms : 1) * UINT64_C(1000000), 0);
}

/* The polls are those of the last slirp_rearm: nothing that libslirp did came in between. */
static void slirp_work(struct net_slirp *net)
{
	int result = poll(net->polls, net->poll_count, 0);

	slirp_pollfds_poll(net->slirp, result < 0, slirp_get_revents, net);
	slirp_rearm(net);
	net_backend_receive_done(&net->base);
}

static void slirp_ready(void *data, uint32_t events)
{
	slirp_work(data);
}

static void slirp_slept(void *data)
{
	slirp_work(data);
}

/* --- libslirp's callbacks ---------------------------------------------------------------- */

static ssize_t slirp_send_packet(const void *frame, size_t bytes, void *opaque)
{
	struct net_slirp *net = opaque;

	net_backend_receive(&net->base, frame, bytes);
	return (ssize_t)bytes;
}

static void slirp_guest_error(const char *message, void *opaque)
{
	log_guest_bug("net: %s", message);
}

static int64_t slirp_clock_get_ns(void *opaque)
{
	return (int64_t)clock_now_ns();
}

static void slirp_timer_fired(void *data)
{
	struct slirp_timer *timer = data;

	slirp_handle_timer(timer->net->slirp, timer->id, timer->opaque);
	slirp_rearm(timer->net);
	net_backend_receive_done(&timer->net->base);
}

static void *slirp_timer_new_opaque(SlirpTimerId id, void *timer_opaque, void *opaque)
{
	struct net_slirp *net = opaque;
	struct slirp_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return NULL;
	*timer = (struct slirp_timer){ .net = net, .id = id, .opaque = timer_opaque };
	timer->timer = loop_timer_create(net->loop, slirp_timer_fired, timer);
	return timer;
}

static void slirp_timer_free(void *data, void *opaque)
{
	struct slirp_timer *timer = data;

	if (timer)
		loop_timer_destroy(timer->timer);
	free(timer);
}

static void slirp_timer_mod(void *data, int64_t expire_ms, void *opaque)
{
	struct slirp_timer *timer = data;
	int64_t delay_ns = expire_ms * 1000000 - (int64_t)clock_now_ns();

	if (timer && timer->timer)
		loop_timer_arm(timer->timer, delay_ns > 0 ? (uint64_t)delay_ns : 1, 0);
}

/* The next slirp_rearm sees new fds. */
static void slirp_register_poll_fd(int fd, void *opaque)
{
}

/* Before the fd is closed: its number may soon be another one's. */
static void slirp_unregister_poll_fd(int fd, void *opaque)
{
	struct net_slirp *net = opaque;
	struct slirp_watch *watch = slirp_find_watch(net, fd);

	if (watch)
		slirp_drop_watch(net, watch);
}

/* Everything that makes libslirp notify ends in slirp_rearm. */
static void slirp_notify(void *opaque)
{
}

static const SlirpCb slirp_callbacks = {
	.send_packet = slirp_send_packet,
	.guest_error = slirp_guest_error,
	.clock_get_ns = slirp_clock_get_ns,
	.timer_new_opaque = slirp_timer_new_opaque,
	.timer_free = slirp_timer_free,
	.timer_mod = slirp_timer_mod,
	.register_poll_fd = slirp_register_poll_fd,
	.unregister_poll_fd = slirp_unregister_poll_fd,
	.notify = slirp_notify,
};

/* --- the backend ------------------------------------------------------------------------- */

static void slirp_transmit(struct net_backend *backend, const uint8_t *frame, size_t bytes)
{
	slirp_input(((struct net_slirp *)backend)->slirp, frame, (int)bytes);
}

static void slirp_transmit_done(struct net_backend *backend)
{
	struct net_slirp *net = (struct net_slirp *)backend;

	slirp_rearm(net);
	net_backend_receive_done(&net->base);
}

static void slirp_destroy(struct net_backend *backend)
{
	struct net_slirp *net = (struct net_slirp *)backend;

	if (net->slirp)
		slirp_cleanup(net->slirp);
	loop_timer_destroy(net->sleep);
	loop_fd_remove(net->source);
	if (net->epoll_fd >= 0)
		close(net->epoll_fd);
	free(net->polls);
	free(net->watches);
	free(net);
}

static const struct net_backend_ops slirp_ops = {
	.transmit = slirp_transmit,
	.transmit_done = slirp_transmit_done,
	.destroy = slirp_destroy,
};

static int slirp_forward(struct net_slirp *net, const struct virtio_net_forward *forward,
			 struct option_error *error)
{
	char address[INET_ADDRSTRLEN];

	if (slirp_add_hostfwd(net->slirp, forward->udp, forward->host_address, forward->host_port,
			      forward->guest_address, forward->guest_port) == 0)
		return 0;
	inet_ntop(AF_INET, &forward->host_address, address, sizeof(address));
	option_error_set(error, "net: hostfwd: cannot open %s port %u of %s: %s%s",
			 forward->udp ? "UDP" : "TCP", forward->host_port, address, strerror(errno),
			 errno == EADDRINUSE ? ": choose another port" : "");
	return errno ? -errno : -EIO;
}

static Slirp *slirp_open(struct net_slirp *net)
{
	const SlirpConfig config = {
		.version = 4,
		.in_enabled = true,
		.vnetwork.s_addr = htonl(0x0a000200),
		.vnetmask.s_addr = htonl(0xffffff00),
		.vhost.s_addr = htonl(0x0a000202),
		.vnameserver.s_addr = htonl(0x0a000203),
		.vdhcp_start.s_addr = htonl(0x0a00020f),
		.in6_enabled = true,
		.vprefix_addr6.s6_addr = { 0xfe, 0xc0 },
		.vprefix_len = 64,
		.vhost6.s6_addr = { 0xfe, 0xc0, [15] = 2 },
		.vnameserver6.s6_addr = { 0xfe, 0xc0, [15] = 3 },
		.vhostname = "vitrine",
	};

	return slirp_new(&config, &slirp_callbacks, net);
}

static int slirp_start(struct net_slirp *net, const struct virtio_net_config *config,
		       struct option_error *error)
{
	net->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	net->sleep = loop_timer_create(net->loop, slirp_slept, net);
	if (net->epoll_fd >= 0)
		net->source = loop_fd_add(net->loop, net->epoll_fd, EPOLLIN, slirp_ready, net);
	net->slirp = slirp_open(net);
	if (!net->sleep || !net->source || !net->slirp) {
		option_error_set(error, "net: cannot start user-mode networking");
		return -ENOMEM;
	}
	for (unsigned i = 0; i < config->forward_count; i++) {
		int result = slirp_forward(net, &config->forwards[i], error);

		if (result < 0)
			return result;
	}
	slirp_rearm(net);
	return 0;
}

struct net_backend *net_slirp_create(struct loop *loop, const struct virtio_net_config *config,
				     struct option_error *error)
{
	struct net_slirp *net = calloc(1, sizeof(*net));
	int result;

	if (!net) {
		option_error_set(error, "net: out of memory");
		return NULL;
	}
	net->base.ops = &slirp_ops;
	net->loop = loop;
	net->epoll_fd = -1;
	result = slirp_start(net, config, error);
	if (result < 0) {
		slirp_destroy(&net->base);
		errno = -result;
		return NULL;
	}
	return &net->base;
}
