/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice/spice_relay.h"

#include "spice/spice_hello.h"

#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <ivshmem/doorbell_eventfd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RELAY_BUFFER_BYTES (128u << 10)

/* One direction: what was read and is not written yet. */
struct relay_flow {
	size_t start, end;
	uint8_t bytes[RELAY_BUFFER_BYTES + SPICE_HELLO_EXTRA_BYTES];
};

struct relay_end {
	int fd;
	uint32_t events;                /* that are waited for */
	struct loop_fd *source;         /* NULL: it has ended */
};

struct relay_link {
	struct spice_relay *relay;
	struct relay_link *next;
	struct relay_end client, server;
	struct relay_flow up, down;     /* to the server, to the client */
	struct spice_hello hello;
	bool ending;                    /* the server has been told, and has not ended it yet */
	/* Of the client, while the beginning is looked at; what was not taken yet. */
	size_t held_start, held_end;
	uint8_t held[RELAY_BUFFER_BYTES];
};

struct spice_relay {
	struct loop *loop;
	bool stopped;
	int wake_fd;
	unsigned int holds, ending;
	struct relay_link *links;
};

/* ---- flows ---- */

static bool flow_empty(const struct relay_flow *flow)
{
	return flow->start == flow->end;
}

/* False: there is nobody to write to any more. */
static bool flow_write(struct relay_flow *flow, int fd)
{
	while (!flow_empty(flow)) {
		ssize_t written = send(fd, flow->bytes + flow->start, flow->end - flow->start,
				       MSG_NOSIGNAL);

		if (written < 0)
			return errno == EAGAIN || errno == EINTR;
		flow->start += (size_t)written;
	}
	return true;
}

/* What was read, 0: nothing now, -1: the end. */
static ssize_t relay_read(int fd, uint8_t *bytes)
{
	ssize_t got = recv(fd, bytes, RELAY_BUFFER_BYTES, 0);

	if (got > 0)
		return got;
	return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

/* ---- one connection ---- */

static void link_close(struct relay_link *link)
{
	struct spice_relay *relay = link->relay;
	struct relay_link **place = &relay->links;

	while (*place != link)
		place = &(*place)->next;
	*place = link->next;
	if (link->ending && --relay->ending == 0 && relay->wake_fd >= 0)
		doorbell_eventfd_ring(relay->wake_fd);
	loop_fd_remove(link->client.source);
	loop_fd_remove(link->server.source);
	close(link->client.fd);
	close(link->server.fd);
	free(link);
}

static void link_end_client(struct relay_link *link)
{
	loop_fd_remove(link->client.source);
	link->client.source = NULL;
	link->down.start = link->down.end;
	link->held_start = link->held_end;
}

/* Hands on what is held as far as it may pass. False: the server has gone. */
static bool link_write_server(struct relay_link *link)
{
	bool lives = flow_write(&link->up, link->server.fd);

	while (lives && link->held_start != link->held_end && flow_empty(&link->up) &&
	       spice_hello_takes(&link->hello)) {
		link->up.start = 0;
		link->held_start += spice_hello_client(&link->hello,
						       link->held + link->held_start,
						       link->held_end - link->held_start,
						       link->up.bytes, &link->up.end);
		if (link->hello.state == SPICE_HELLO_BAD)
			log_peer_bug("a connection that does not begin as SPICE does");
		lives = flow_write(&link->up, link->server.fd);
	}
	return lives;
}

static void link_read_client(struct relay_link *link)
{
	ssize_t got;

	if (!link->client.source || link->held_start != link->held_end || !flow_empty(&link->up) ||
	    !spice_hello_takes(&link->hello))
		return;
	got = relay_read(link->client.fd, link->held);
	if (got < 0) {
		link_end_client(link);
		return;
	}
	link->held_start = 0;
	link->held_end = (size_t)got;
}

/* False: the server has gone. */
static bool link_read_server(struct relay_link *link)
{
	ssize_t got;

	if (!flow_empty(&link->down))
		return true;
	got = relay_read(link->server.fd, link->down.bytes);
	if (got <= 0)
		return got == 0;
	spice_hello_server(&link->hello, link->down.bytes, (size_t)got);
	link->down.start = 0;
	link->down.end = link->client.source ? (size_t)got : 0;
	return true;
}

static void end_wait(struct relay_end *end, uint32_t events)
{
	if (!end->source || end->events == events)
		return;
	end->events = events;
	loop_fd_set_events(end->source, events);
}

static void link_wait(struct relay_link *link)
{
	bool reads_client = link->held_start == link->held_end && flow_empty(&link->up) &&
			    spice_hello_takes(&link->hello);

	end_wait(&link->client, (reads_client ? EPOLLIN : 0u) |
				(flow_empty(&link->down) ? 0u : EPOLLOUT));
	end_wait(&link->server, (flow_empty(&link->down) ? EPOLLIN : 0u) |
				(flow_empty(&link->up) ? 0u : EPOLLOUT));
}

/* The server need not be told more than it has been. */
static bool link_is_over(const struct relay_link *link)
{
	if (link->client.source && link->hello.state != SPICE_HELLO_BAD)
		return false;
	return flow_empty(&link->up) && spice_hello_may_end(&link->hello);
}

/* True: it can be closed now. A DISPLAY channel ends when the server says so. */
static bool link_end(struct relay_link *link)
{
	struct spice_relay *relay = link->relay;

	if (!link->hello.display || !link->hello.server_spoke)
		return true;
	link_end_client(link);
	if (!link->ending && !relay->holds) {
		link->ending = true;
		relay->ending++;
		shutdown(link->server.fd, SHUT_WR);
	}
	return false;
}

/* Moves what can be moved; the link may be gone afterwards. */
static void link_work(struct relay_link *link)
{
	bool server_lives = link_read_server(link);

	link_read_client(link);
	if (link->client.source && !flow_write(&link->down, link->client.fd))
		link_end_client(link);
	if (!server_lives || !link_write_server(link) || (link_is_over(link) && link_end(link)))
		link_close(link);
	else
		link_wait(link);
}

static void link_on_client(void *data, uint32_t events)
{
	struct relay_link *link = data;

	/* A client that is not read just now would be told of for ever. */
	if (events & (EPOLLHUP | EPOLLERR) && !(link->client.events & EPOLLIN))
		link_end_client(link);
	link_work(link);
}

static void link_on_server(void *data, uint32_t events)
{
	struct relay_link *link = data;

	if (events & (EPOLLHUP | EPOLLERR) && !(link->server.events & EPOLLIN))
		link_close(link);
	else
		link_work(link);
}

/* On the loop. */
static void link_start(void *data)
{
	struct relay_link *link = data;
	struct spice_relay *relay = link->relay;

	link->next = relay->links;
	relay->links = link;
	if (!relay->stopped) {
		link->client.source = loop_fd_add(relay->loop, link->client.fd, EPOLLIN,
						  link_on_client, link);
		link->server.source = loop_fd_add(relay->loop, link->server.fd, EPOLLIN,
						  link_on_server, link);
	}
	link->client.events = link->server.events = EPOLLIN;
	if (link->client.source && link->server.source)
		return;
	if (!relay->stopped)
		log_error("cannot watch a connection: %s", strerror(errno));
	link_close(link);
}

int spice_relay_add(struct spice_relay *relay, int fd)
{
	struct relay_link *link = calloc(1, sizeof(*link));
	const int on = 1;
	int pair[2], error;

	if (!link || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
		error = errno;
		goto fail;
	}
	/* Fails where it is no TCP. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	link->relay = relay;
	link->client.fd = fd;
	link->server.fd = pair[0];
	error = -loop_post(relay->loop, link_start, link);
	if (!error)
		return pair[1];
	close(pair[0]);
	close(pair[1]);
fail:
	free(link);
	close(fd);
	return -error;
}

/* ---- all of them ---- */

struct spice_relay *spice_relay_create(struct loop *loop)
{
	struct spice_relay *relay = calloc(1, sizeof(*relay));

	if (!relay)
		return NULL;
	relay->loop = loop;
	relay->wake_fd = -1;
	return relay;
}

void spice_relay_set_wake(struct spice_relay *relay, int wake_fd)
{
	relay->wake_fd = wake_fd;
}

bool spice_relay_is_settled(const struct spice_relay *relay)
{
	return !relay->ending;
}

void spice_relay_hold(struct spice_relay *relay, bool hold)
{
	struct relay_link *link, *next;

	relay->holds += hold ? 1 : -1u;
	for (link = relay->links; link && !relay->holds; link = next) {
		next = link->next;
		link_work(link);
	}
}

void spice_relay_stop(struct spice_relay *relay)
{
	relay->stopped = true;
	while (relay->links)
		link_close(relay->links);
}

void spice_relay_destroy(struct spice_relay *relay)
{
	free(relay);
}
