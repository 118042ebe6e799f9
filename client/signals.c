/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signals.h"

#include "client.h"

#include <base/loop.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct signals {
	struct client *client;
	struct loop_fd *source;
	int fd;
};

static void signals_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
}

void signals_block(void)
{
	sigset_t set;

	signals_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void signals_read(void *data, uint32_t events)
{
	struct signals *signals = data;
	struct signalfd_siginfo info;

	while (read(signals->fd, &info, sizeof(info)) == sizeof(info))
		client_notice(signals->client, info.ssi_signo == SIGUSR1 ? CLIENT_NOTICE_SHOT :
									  CLIENT_NOTICE_QUIT);
}

struct signals *signals_create(struct loop *loop, struct client *client)
{
	struct signals *signals = calloc(1, sizeof(*signals));
	sigset_t set;

	if (!signals)
		return NULL;
	signals_set(&set);
	signals->client = client;
	signals->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signals->fd < 0)
		goto err_free;
	signals->source = loop_fd_add(loop, signals->fd, EPOLLIN, signals_read, signals);
	if (!signals->source)
		goto err_close;
	return signals;

err_close:
	close(signals->fd);
err_free:
	free(signals);
	return NULL;
}

void signals_destroy(struct signals *signals)
{
	if (!signals)
		return;
	loop_fd_remove(signals->source);
	close(signals->fd);
	free(signals);
}
