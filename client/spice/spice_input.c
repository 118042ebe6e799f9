/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice_input.h"

#include "spice_link.h"

#include <errno.h>
#include <glib-unix.h>
#include <input_peer.h>
#include <pthread.h>
#include <source.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than a hand can do while the thread is busy. */
#define INPUT_QUEUE_RECORDS 512

enum input_command {
	INPUT_NONE,
	INPUT_START,
	INPUT_CLIPBOARD,
	INPUT_STOP,
	INPUT_QUIT,
};

struct spice_input {
	struct input_peer base;
	struct spice_link_config config;
	pthread_t thread;
	int wake_fd;
	bool started;                   /* main thread */
	_Atomic unsigned int state;

	/* The spice thread. */
	struct spice_link *link;
	GMainLoop *loop;

	pthread_mutex_t mutex;          /* guards what follows */
	pthread_cond_t done;
	enum input_command command;     /* INPUT_NONE once it was taken */
	bool busy;                      /* until it was done */
	struct uuid uuid;               /* for INPUT_START */
	int clipboard_fd;               /* for INPUT_CLIPBOARD */
	struct input_record queue[INPUT_QUEUE_RECORDS];
	size_t count;
};

static struct spice_input *input_from(struct input_peer *peer)
{
	return (struct spice_input *)peer;
}

/* --- the spice thread -------------------------------------------------------------------- */

static void input_finish_command(void *data)
{
	struct spice_input *input = data;

	pthread_mutex_lock(&input->mutex);
	input->busy = false;
	pthread_cond_signal(&input->done);
	pthread_mutex_unlock(&input->mutex);
}

static void input_on_state(void *data, unsigned int state)
{
	struct spice_input *input = data;

	if (atomic_exchange(&input->state, state) != state)
		input->base.listener.changed(input->base.listener.data);
}

static void input_on_clipboard(void *data)
{
	struct spice_input *input = data;

	input->base.listener.clipboard(input->base.listener.data);
}

static void input_do(struct spice_input *input, enum input_command command,
		     const struct uuid *uuid, int clipboard_fd)
{
	switch (command) {
	case INPUT_START:
		spice_link_start(input->link, uuid);
		input_finish_command(input);
		break;
	case INPUT_CLIPBOARD:
		spice_link_open_clipboard(input->link, clipboard_fd);
		input_finish_command(input);
		break;
	case INPUT_STOP:
		/* Says when it is done. */
		spice_link_stop(input->link);
		break;
	case INPUT_QUIT:
		g_main_loop_quit(input->loop);
		break;
	default:
		break;
	}
}

static gboolean input_on_wake(gint fd, GIOCondition condition, gpointer data)
{
	struct spice_input *input = data;
	struct input_record taken[INPUT_QUEUE_RECORDS];
	enum input_command command;
	struct uuid uuid;
	eventfd_t rung;
	size_t count;
	int clipboard_fd;

	eventfd_read(fd, &rung);
	pthread_mutex_lock(&input->mutex);
	count = input->count;
	memcpy(taken, input->queue, count * sizeof(*taken));
	input->count = 0;
	command = input->command;
	input->command = INPUT_NONE;
	uuid = input->uuid;
	clipboard_fd = input->clipboard_fd;
	pthread_mutex_unlock(&input->mutex);
	for (size_t i = 0; i < count; i++)
		spice_link_push(input->link, &taken[i]);
	input_do(input, command, &uuid, clipboard_fd);
	return G_SOURCE_CONTINUE;
}

static void *input_thread(void *data)
{
	struct spice_input *input = data;
	GSource *wake = g_unix_fd_source_new(input->wake_fd, G_IO_IN);

	pthread_setname_np(pthread_self(), "spice");
	input->loop = g_main_loop_new(NULL, FALSE);
	g_source_set_callback(wake, G_SOURCE_FUNC(input_on_wake), input, NULL);
	g_source_attach(wake, NULL);
	g_main_loop_run(input->loop);
	g_source_destroy(wake);
	g_source_unref(wake);
	spice_link_destroy(input->link);
	g_main_loop_unref(input->loop);
	return NULL;
}

/* --- the main thread --------------------------------------------------------------------- */

/* Returns when it was done; INPUT_QUIT never says so. */
static void input_command(struct spice_input *input, enum input_command command)
{
	pthread_mutex_lock(&input->mutex);
	input->command = command;
	input->busy = true;
	eventfd_write(input->wake_fd, 1);
	while (command != INPUT_QUIT && input->busy)
		pthread_cond_wait(&input->done, &input->mutex);
	pthread_mutex_unlock(&input->mutex);
}

static int input_start(struct input_peer *peer, const struct uuid *uuid)
{
	struct spice_input *input = input_from(peer);

	if (input->started)
		return -EALREADY;
	atomic_store(&input->state, SOURCE_INPUT_AWAY);
	input->uuid = *uuid;
	input_command(input, INPUT_START);
	input->started = true;
	return 0;
}

static void input_stop(struct input_peer *peer)
{
	struct spice_input *input = input_from(peer);

	if (!input->started)
		return;
	input_command(input, INPUT_STOP);
	input->started = false;
}

static void input_destroy(struct input_peer *peer)
{
	struct spice_input *input = input_from(peer);

	input_stop(peer);
	input_command(input, INPUT_QUIT);
	pthread_join(input->thread, NULL);
	close(input->wake_fd);
	pthread_cond_destroy(&input->done);
	pthread_mutex_destroy(&input->mutex);
	explicit_bzero(input->config.password, sizeof(input->config.password));
	free(input);
}

/* True when the newest that waits has taken it up. */
static bool input_merge(struct input_record *newest, const struct input_record *record)
{
	if (newest->type != record->type)
		return false;
	if (record->type == INPUT_POINTER_REL || record->type == INPUT_WHEEL) {
		newest->x += record->x;
		newest->y += record->y;
		return true;
	}
	if (record->type == INPUT_POINTER_ABS)
		*newest = *record;
	return record->type == INPUT_POINTER_ABS;
}

/* When it is full, what was lost may have been a release. */
static int input_enqueue(struct spice_input *input, const struct input_record *record)
{
	static const struct input_record all_up = { .type = INPUT_RELEASE_ALL };

	if (input->count && input_merge(&input->queue[input->count - 1], record))
		return 0;
	if (input->count < INPUT_QUEUE_RECORDS) {
		input->queue[input->count++] = *record;
		return 0;
	}
	input->queue[0] = all_up;
	input->count = 1;
	return -EAGAIN;
}

static int input_push(struct input_peer *peer, const struct input_record *record)
{
	struct spice_input *input = input_from(peer);
	int result;

	if (atomic_load(&input->state) & (SOURCE_INPUT_AWAY | SOURCE_INPUT_REFUSED))
		return -ENOTCONN;
	if (record->type > INPUT_RELEASE_ALL)
		return -EOPNOTSUPP;
	pthread_mutex_lock(&input->mutex);
	result = input_enqueue(input, record);
	pthread_mutex_unlock(&input->mutex);
	eventfd_write(input->wake_fd, 1);
	return result;
}

static unsigned int input_state(struct input_peer *peer)
{
	return atomic_load(&input_from(peer)->state);
}

static int input_open_clipboard(struct input_peer *peer)
{
	struct spice_input *input = input_from(peer);
	int pair[2];

	if (!input->started)
		return -ENOTCONN;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	pthread_mutex_lock(&input->mutex);
	input->clipboard_fd = pair[1];
	pthread_mutex_unlock(&input->mutex);
	input_command(input, INPUT_CLIPBOARD);
	return pair[0];
}

static const struct input_peer_ops input_ops = {
	.start = input_start,
	.stop = input_stop,
	.destroy = input_destroy,
	.push = input_push,
	.state = input_state,
	.open_clipboard = input_open_clipboard,
};

static int input_start_thread(struct spice_input *input)
{
	const struct spice_link_listener listener = { input_on_state, input_on_clipboard,
						      input_finish_command, input };

	input->link = spice_link_create(&input->config, &listener);
	if (!input->link)
		return -ENOMEM;
	return -pthread_create(&input->thread, NULL, input_thread, input);
}

struct input_peer *spice_input_create(const struct spice_address *address, const char *password)
{
	struct spice_input *input = calloc(1, sizeof(*input));
	int result;

	if (!input)
		return NULL;
	input->base.ops = &input_ops;
	input->config.address = *address;
	g_strlcpy(input->config.password, password, sizeof(input->config.password));
	input->state = SOURCE_INPUT_AWAY;
	pthread_mutex_init(&input->mutex, NULL);
	pthread_cond_init(&input->done, NULL);
	input->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	result = input->wake_fd < 0 ? -errno : input_start_thread(input);
	if (!result)
		return &input->base;
	if (input->wake_fd >= 0)
		close(input->wake_fd);
	spice_link_destroy(input->link);
	pthread_cond_destroy(&input->done);
	pthread_mutex_destroy(&input->mutex);
	free(input);
	errno = -result;
	return NULL;
}
