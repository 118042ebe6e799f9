/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control_reply.h"
#include "dir_watch.h"
#include "ring_search.h"

#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <base/packet.h>
#include <errno.h>
#include <fcntl.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/segment.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEARCH_REPLY_NS UINT64_C(10000000000)
/* A socket may exist before anybody listens at it: look a few times more after news of it. */
#define SEARCH_RETRY_NS UINT64_C(50000000)
#define SEARCH_RETRIES 8
/* A VM that was left for talking nonsense is not asked again at once. */
#define SEARCH_AGAIN_NS UINT64_C(1000000000)

/* A VM without sound hands over one less. */
enum search_fd {
	SEARCH_FD_SEGMENT,
	SEARCH_FD_FRAME_BELL,
	SEARCH_FD_INPUT_BELL,
	SEARCH_FD_SOUND_BELL,
	SEARCH_FDS,
};

struct ring_search_socket {
	struct ring_search base;
	char path[PATH_MAX];
	struct dir_watch *watch;
	struct loop_fd *watch_source, *connection_source, *bell_source;
	struct loop_timer *timer;       /* for the reply, or until the next try */
	int connection, frame_bell;
	unsigned int retries;
	bool attached;
	bool asked_clipboard;           /* the next reply is to that */
	uint64_t attached_ns;           /* when the last session began; 0: none did */
};

static struct ring_search_socket *search_socket_from(struct ring_search *base)
{
	return (struct ring_search_socket *)base;
}

static void search_socket_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void search_socket_unwatch(struct ring_search_socket *search)
{
	loop_fd_remove(search->connection_source);
	loop_fd_remove(search->bell_source);
	search->connection_source = search->bell_source = NULL;
}

static void search_socket_drop_connection(struct ring_search_socket *search)
{
	search_socket_unwatch(search);
	search_socket_close(&search->connection);
	search_socket_close(&search->frame_bell);
	search_socket_close(&search->base.input_bell);
	search_socket_close(&search->base.sound_bell);
	search_socket_close(&search->base.clipboard);
	search->asked_clipboard = false;
	loop_timer_disarm(search->timer);
}

/* This try came to nothing: say so, or wait for news of the socket. */
static void search_socket_failed(struct ring_search_socket *search, const char *reason)
{
	search_socket_drop_connection(search);
	if (!search->base.patient) {
		ring_search_fail(&search->base, "no VM at %s: %s", search->path, reason);
		return;
	}
	log_debug("no VM at %s: %s", search->path, reason);
	if (search->retries < SEARCH_RETRIES)
		loop_timer_arm(search->timer, SEARCH_RETRY_NS << search->retries++, 0);
}

static void search_socket_lost(struct ring_search_socket *search)
{
	/* The main thread may still use the segment and the bell; it stops this search next. */
	search_socket_unwatch(search);
	source_notice(search->base.source, SOURCE_LOST);
}

static void search_socket_rang(void *data, uint32_t events)
{
	struct ring_search_socket *search = data;

	if (doorbell_eventfd_clear(search->frame_bell))
		source_notice(search->base.source, SOURCE_CHANGED);
}

/* Memory that can shrink under a reader would end the process, not the session. */
static bool search_socket_is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SHRINK);
}

static int search_socket_take(struct ring_search_socket *search, struct packet *packet)
{
	if (packet->fd_count != SEARCH_FDS && packet->fd_count != SEARCH_FD_SOUND_BELL)
		return -EPROTO;
	if (!search_socket_is_sealed(packet->fds[SEARCH_FD_SEGMENT]))
		return -EPROTO;
	search->base.segment = segment_attach_fd(packet->fds[SEARCH_FD_SEGMENT]);
	if (!search->base.segment)
		return -errno;
	search->frame_bell = packet->fds[SEARCH_FD_FRAME_BELL];
	search->base.input_bell = packet->fds[SEARCH_FD_INPUT_BELL];
	packet->fds[SEARCH_FD_FRAME_BELL] = packet->fds[SEARCH_FD_INPUT_BELL] = -1;
	if (packet->fd_count == SEARCH_FDS) {
		search->base.sound_bell = packet->fds[SEARCH_FD_SOUND_BELL];
		packet->fds[SEARCH_FD_SOUND_BELL] = -1;
	}
	search->bell_source = loop_fd_add(search->base.source->loop, search->frame_bell, EPOLLIN,
					  search_socket_rang, search);
	return search->bell_source ? 0 : -errno;
}

static void search_socket_attach(struct ring_search_socket *search, struct packet *packet)
{
	struct control_reply reply;
	int result = control_reply_parse(packet->data, packet->bytes, &reply);

	if (result == -ECONNREFUSED) {
		search_socket_failed(search, reply.error);
		return;
	}
	if (!result)
		result = search_socket_take(search, packet);
	if (result) {
		segment_destroy(search->base.segment);
		search->base.segment = NULL;
		search_socket_failed(search, result == -EPROTO ? "it does not speak our protocol" :
								 strerror(-result));
		return;
	}
	search->attached = true;
	search->attached_ns = clock_now_ns();
	loop_timer_disarm(search->timer);
	source_notice(search->base.source, SOURCE_ATTACHED | SOURCE_CHANGED);
}

static void search_socket_close_fds(struct packet *packet)
{
	for (int i = 0; i < packet->fd_count; i++)
		search_socket_close(&packet->fds[i]);
}

static void search_socket_take_clipboard(struct ring_search_socket *search, struct packet *packet)
{
	struct control_reply reply;
	int result = control_reply_parse_clipboard(packet->data, packet->bytes, &reply);

	search->asked_clipboard = false;
	if (result == -ECONNREFUSED) {
		log_info("no clipboard: %s", reply.error);
		return;
	}
	if (result || packet->fd_count != 1) {
		log_peer_bug("the VM's answer about its clipboard makes no sense");
		return;
	}
	search->base.clipboard = packet->fds[0];
	packet->fds[0] = -1;
	source_notice(search->base.source, SOURCE_CLIPBOARD);
}

static void search_socket_ask_clipboard(struct ring_search *base)
{
	struct ring_search_socket *search = search_socket_from(base);
	json_t *request = json_pack("{s:s,s:s}", "command", "clipboard", "desktop", base->desktop);
	struct packet packet = { 0 };

	if (!search->connection_source || !search->attached || !request)
		goto out;
	packet.bytes = json_dumpb(request, packet.data, PACKET_MAX_BYTES, JSON_COMPACT);
	search->asked_clipboard = packet_send(search->connection, &packet) == 0;
out:
	json_decref(request);
}

static void search_socket_readable(void *data, uint32_t events)
{
	struct ring_search_socket *search = data;
	struct packet packet;
	int result = packet_receive(search->connection, &packet);

	if (result == -EAGAIN)
		return;
	if (result && search->attached)
		search_socket_lost(search);
	else if (result)
		search_socket_failed(search, strerror(-result));
	if (result)
		return;
	if (search->asked_clipboard)
		search_socket_take_clipboard(search, &packet);
	else if (search->attached)
		log_peer_bug("the VM talks on the control socket without being asked");
	else
		search_socket_attach(search, &packet);
	search_socket_close_fds(&packet);
}

static int search_socket_ask(struct ring_search_socket *search)
{
	static const char request[] = "{\"command\":\"attach\"}";
	struct packet packet = { .bytes = sizeof(request) - 1 };
	int flags;

	search->connection = packet_connect(search->path);
	if (search->connection < 0)
		return search->connection;
	flags = fcntl(search->connection, F_GETFL);
	if (flags < 0 || fcntl(search->connection, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	memcpy(packet.data, request, packet.bytes);
	return packet_send(search->connection, &packet);
}

static void search_socket_try(struct ring_search_socket *search)
{
	int result = search_socket_ask(search);

	if (!result) {
		search->connection_source = loop_fd_add(search->base.source->loop,
							search->connection, EPOLLIN,
							search_socket_readable, search);
		if (!search->connection_source)
			result = -errno;
	}
	if (result)
		search_socket_failed(search, strerror(-result));
	else
		loop_timer_arm(search->timer, SEARCH_REPLY_NS, 0);
}

static void search_socket_timer(void *data)
{
	struct ring_search_socket *search = data;

	if (search->connection_source)
		search_socket_failed(search, "it does not answer");
	else
		search_socket_try(search);
}

static void search_socket_news(void *data, uint32_t events)
{
	struct ring_search_socket *search = data;

	if (!dir_watch_read(search->watch) || search->connection >= 0)
		return;
	search->retries = 0;
	if (dir_watch_arm(search->watch))
		log_warn("cannot watch for %s", search->path);
	search_socket_try(search);
}

static void search_socket_start(struct ring_search *base)
{
	struct ring_search_socket *search = search_socket_from(base);

	search->retries = 0;
	search->attached = false;
	if (base->patient) {
		search->watch_source = loop_fd_add(base->source->loop, dir_watch_fd(search->watch),
						   EPOLLIN, search_socket_news, search);
		if (!search->watch_source || dir_watch_arm(search->watch))
			log_warn("cannot watch for %s", search->path);
	}
	if (search->attached_ns && clock_now_ns() - search->attached_ns < SEARCH_AGAIN_NS)
		loop_timer_arm(search->timer, SEARCH_AGAIN_NS, 0);
	else
		search_socket_try(search);
}

static void search_socket_stop(struct ring_search *base)
{
	struct ring_search_socket *search = search_socket_from(base);

	search_socket_drop_connection(search);
	loop_fd_remove(search->watch_source);
	search->watch_source = NULL;
}

static void search_socket_destroy(struct ring_search *base)
{
	struct ring_search_socket *search = search_socket_from(base);

	loop_timer_destroy(search->timer);
	dir_watch_destroy(search->watch);
	free(search);
}

static const struct ring_search_ops search_socket_ops = {
	.start = search_socket_start,
	.stop = search_socket_stop,
	.ask_clipboard = search_socket_ask_clipboard,
	.destroy = search_socket_destroy,
};

struct ring_search *ring_search_socket_create(struct client_source *source, const char *path)
{
	struct ring_search_socket *search = calloc(1, sizeof(*search));

	if (!search)
		return NULL;
	search->base = (struct ring_search){ .ops = &search_socket_ops, .source = source,
					     .input_bell = -1, .sound_bell = -1,
					     .clipboard = -1 };
	search->connection = search->frame_bell = -1;
	if (path[0] == '/')
		strncpy(search->path, path, sizeof(search->path) - 1);
	else if (!getcwd(search->path, sizeof(search->path) - strlen(path) - 1))
		goto err_free;
	else
		strcat(strcat(search->path, "/"), path);
	search->timer = loop_timer_create(source->loop, search_socket_timer, search);
	if (!search->timer)
		goto err_free;
	search->watch = dir_watch_create(search->path);
	if (!search->watch)
		goto err_timer;
	return &search->base;

err_timer:
	loop_timer_destroy(search->timer);
err_free:
	free(search);
	return NULL;
}
