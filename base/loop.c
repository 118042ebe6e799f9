/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loop_private.h"

#include <base/log.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOOP_MAX_EVENTS 32

struct loop_work {
	struct loop_work *next;
	loop_func *func;
	void *data;
	struct loop_call *call; /* NULL: posted, nobody waits */
};

/* Lives on the waiting caller's stack. */
struct loop_call {
	pthread_mutex_t mutex;
	pthread_cond_t done_signal;
	bool done;
};

static void loop_free_removed(struct loop *loop)
{
	while (loop->removed) {
		struct loop_fd *source = loop->removed;

		loop->removed = source->next;
		free(source);
	}
}

static struct loop_work *loop_take_work(struct loop *loop)
{
	struct loop_work *work;

	pthread_mutex_lock(&loop->mutex);
	work = loop->work_first;
	loop->work_first = NULL;
	loop->work_last = NULL;
	pthread_mutex_unlock(&loop->mutex);
	return work;
}

static void loop_call_finish(struct loop_call *call)
{
	pthread_mutex_lock(&call->mutex);
	call->done = true;
	pthread_cond_signal(&call->done_signal);
	pthread_mutex_unlock(&call->mutex);
}

static void loop_run_work(struct loop *loop)
{
	struct loop_work *work = loop_take_work(loop);

	while (work) {
		struct loop_work *next = work->next;

		work->func(work->data);
		if (work->call)
			loop_call_finish(work->call);
		free(work);
		work = next;
	}
}

static void loop_on_wake(void *data, uint32_t events)
{
	struct loop *loop = data;
	uint64_t count;

	if (read(loop->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error("loop %s: cannot read its wake-up eventfd: %s", loop->name,
			  strerror(errno));
	loop_run_work(loop);
}

static void loop_wake(struct loop *loop)
{
	uint64_t one = 1;

	/* EAGAIN means the counter is full: the loop is being woken anyway. */
	if (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error("loop %s: cannot wake it: %s", loop->name, strerror(errno));
}

struct loop *loop_create(const char *name)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int error;

	if (!loop)
		return NULL;
	strncpy(loop->name, name, sizeof(loop->name) - 1);
	pthread_mutex_init(&loop->mutex, NULL);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->wake_fd < 0 || loop->epoll_fd < 0)
		goto fail;
	loop->wake_source = loop_fd_add(loop, loop->wake_fd, EPOLLIN, loop_on_wake, loop);
	if (!loop->wake_source)
		goto fail;
	return loop;

fail:
	error = errno;
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	pthread_mutex_destroy(&loop->mutex);
	free(loop);
	errno = error;
	return NULL;
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	loop_run_work(loop);
	while (loop->sources)
		loop_fd_remove(loop->sources);
	loop_free_removed(loop);
	close(loop->epoll_fd);
	close(loop->wake_fd);
	pthread_mutex_destroy(&loop->mutex);
	free(loop);
}

struct loop_fd *loop_fd_add(struct loop *loop, int fd, uint32_t events, loop_fd_func *func,
			    void *data)
{
	struct loop_fd *source = calloc(1, sizeof(*source));
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (!source)
		return NULL;
	*source = (struct loop_fd){ .loop = loop, .fd = fd, .func = func, .data = data };
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		free(source);
		return NULL;
	}
	source->next = loop->sources;
	source->link = &loop->sources;
	if (source->next)
		source->next->link = &source->next;
	loop->sources = source;
	return source;
}

int loop_fd_set_events(struct loop_fd *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event) < 0 ? -errno : 0;
}

void loop_fd_remove(struct loop_fd *source)
{
	if (!source)
		return;
	epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	*source->link = source->next;
	if (source->next)
		source->next->link = source->link;
	/* An event for it may already wait in the current dispatch: free it afterwards. */
	source->func = NULL;
	source->next = source->loop->removed;
	source->loop->removed = source;
}

int loop_dispatch(struct loop *loop, int timeout_ms)
{
	struct epoll_event events[LOOP_MAX_EVENTS];
	int count = epoll_wait(loop->epoll_fd, events, LOOP_MAX_EVENTS, timeout_ms);

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		struct loop_fd *source = events[i].data.ptr;

		if (source->func)
			source->func(source->data, events[i].events);
	}
	loop_free_removed(loop);
	return count;
}

int loop_poll_fd(const struct loop *loop)
{
	return loop->epoll_fd;
}

int loop_run(struct loop *loop)
{
	bool more_work;
	int result = 0;

	pthread_mutex_lock(&loop->mutex);
	loop->thread = pthread_self();
	loop->running = true;
	pthread_mutex_unlock(&loop->mutex);
	/* Acquire: what was written before loop_quit is seen after the loop. */
	while (result >= 0 && !atomic_load_explicit(&loop->quit, memory_order_acquire))
		result = loop_dispatch(loop, -1);
	/* From here on loop_call runs its work on the caller's thread: leave none behind. */
	do {
		loop_run_work(loop);
		pthread_mutex_lock(&loop->mutex);
		more_work = loop->work_first != NULL;
		loop->running = more_work;
		pthread_mutex_unlock(&loop->mutex);
	} while (more_work);
	atomic_store_explicit(&loop->quit, false, memory_order_relaxed);
	return result < 0 ? result : 0;
}

void loop_quit(struct loop *loop)
{
	atomic_store_explicit(&loop->quit, true, memory_order_release);
	loop_wake(loop);
}

static void *loop_thread_main(void *data)
{
	struct loop *loop = data;
	int result;

	pthread_setname_np(pthread_self(), loop->name);
	result = loop_run(loop);
	if (result)
		log_error("loop %s ended: %s", loop->name, strerror(-result));
	return NULL;
}

int loop_start(struct loop *loop)
{
	int error;

	/* Marked before the thread runs, so that a loop_call right after this one waits for it. */
	pthread_mutex_lock(&loop->mutex);
	loop->running = true;
	error = pthread_create(&loop->own_thread, NULL, loop_thread_main, loop);
	if (error)
		loop->running = false;
	else
		loop->thread = loop->own_thread;
	loop->has_thread = !error;
	pthread_mutex_unlock(&loop->mutex);
	return -error;
}

void loop_stop(struct loop *loop)
{
	if (!loop->has_thread)
		return;
	loop_quit(loop);
	pthread_join(loop->own_thread, NULL);
	loop->has_thread = false;
}

bool loop_is_current(const struct loop *loop)
{
	struct loop *mutable_loop = (struct loop *)loop;
	bool current;

	pthread_mutex_lock(&mutable_loop->mutex);
	current = loop->running && pthread_equal(loop->thread, pthread_self());
	pthread_mutex_unlock(&mutable_loop->mutex);
	return current;
}

/* False when no thread runs the loop and the work was wanted at once. */
static bool loop_enqueue(struct loop *loop, struct loop_work *work, bool only_if_running)
{
	bool queued;

	pthread_mutex_lock(&loop->mutex);
	queued = loop->running || !only_if_running;
	if (queued) {
		if (loop->work_last)
			loop->work_last->next = work;
		else
			loop->work_first = work;
		loop->work_last = work;
	}
	pthread_mutex_unlock(&loop->mutex);
	if (queued)
		loop_wake(loop);
	return queued;
}

int loop_post(struct loop *loop, loop_func *func, void *data)
{
	struct loop_work *work = malloc(sizeof(*work));

	if (!work)
		return -ENOMEM;
	*work = (struct loop_work){ .func = func, .data = data };
	loop_enqueue(loop, work, false);
	return 0;
}

int loop_call(struct loop *loop, loop_func *func, void *data)
{
	struct loop_call call = { .mutex = PTHREAD_MUTEX_INITIALIZER,
				  .done_signal = PTHREAD_COND_INITIALIZER };
	struct loop_work *work;

	if (loop_is_current(loop)) {
		func(data);
		return 0;
	}
	work = malloc(sizeof(*work));
	if (!work)
		return -ENOMEM;
	*work = (struct loop_work){ .func = func, .data = data, .call = &call };
	if (!loop_enqueue(loop, work, true)) {
		free(work);
		func(data);
		return 0;
	}
	pthread_mutex_lock(&call.mutex);
	while (!call.done)
		pthread_cond_wait(&call.done_signal, &call.mutex);
	pthread_mutex_unlock(&call.mutex);
	pthread_cond_destroy(&call.done_signal);
	pthread_mutex_destroy(&call.mutex);
	return 0;
}
