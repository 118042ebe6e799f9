/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_LOOP_PRIVATE_H
#define BASE_LOOP_PRIVATE_H

#include <base/loop.h>
#include <pthread.h>
#include <stdatomic.h>

struct loop_work;

struct loop_fd {
	struct loop_fd *next;
	struct loop_fd **link;  /* what points at it */
	struct loop *loop;
	int fd;
	loop_fd_func *func;     /* NULL: removed, freed after the current dispatch */
	void *data;
};

struct loop {
	char name[16];
	int epoll_fd;
	int wake_fd;
	struct loop_fd *wake_source;
	struct loop_fd *sources;
	struct loop_fd *removed;
	_Atomic bool quit;
	bool has_thread;
	pthread_t own_thread;

	pthread_mutex_t mutex;          /* guards what follows */
	bool running;
	pthread_t thread;
	struct loop_work *work_first, *work_last;
};

#endif
