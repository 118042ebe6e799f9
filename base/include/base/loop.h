/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An event loop: file descriptors, timers, and work posted from other threads.
 *
 * An object belongs to one loop for its whole life: it is created, used and destroyed on the
 * thread that runs the loop, or before that thread starts and after it was joined. Only the
 * functions marked "any thread" may be called from elsewhere.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;
struct loop_fd;
struct loop_timer;

typedef void loop_func(void *data);
typedef void loop_fd_func(void *data, uint32_t events);

/* name: the thread's name (at most 15 characters are shown). NULL with errno on failure. */
struct loop *loop_create(const char *name);
/* The loop must not be running; fds and timers still attached are dropped (fds are not closed). */
void loop_destroy(struct loop *loop);

/* Runs on the calling thread until loop_quit. 0 or -errno. */
int loop_run(struct loop *loop);
/* Waits at most timeout_ms (-1: for ever) for events and dispatches them once. For tests and
 * for callers with a loop of their own. Number of events dispatched, or -errno. */
int loop_dispatch(struct loop *loop, int timeout_ms);
/* Any thread. Readable while loop_dispatch has something to do: for waiting elsewhere. Not to be
 * read, nor closed. */
int loop_poll_fd(const struct loop *loop);
/* Any thread. The loop returns from loop_run after the current dispatch. */
void loop_quit(struct loop *loop);

/* Runs the loop on a thread of its own. 0 or -errno. */
int loop_start(struct loop *loop);
/* Quits the loop's own thread and waits for it; work already posted is still run. */
void loop_stop(struct loop *loop);

/* Any thread. True when called on the thread that runs the loop now. */
bool loop_is_current(const struct loop *loop);

/* Any thread. Runs func(data) on the loop, in order of posting. -ENOMEM when it cannot. */
int loop_post(struct loop *loop, loop_func *func, void *data);
/* Any thread; vcpu and main only by convention. Runs func(data) on the loop and returns when
 * it has run; directly when the caller is the loop's thread or no thread runs the loop. */
int loop_call(struct loop *loop, loop_func *func, void *data);

/* events: EPOLLIN, EPOLLOUT, ... ; the fd stays the caller's. NULL with errno on failure. */
struct loop_fd *loop_fd_add(struct loop *loop, int fd, uint32_t events, loop_fd_func *func,
			    void *data);
int loop_fd_set_events(struct loop_fd *source, uint32_t events);
/* Safe from inside any callback of the same loop, also its own; NULL is ignored. */
void loop_fd_remove(struct loop_fd *source);

/* Disarmed at first. NULL with errno on failure. */
struct loop_timer *loop_timer_create(struct loop *loop, loop_func *func, void *data);
/* Fires after delay_ns, then every interval_ns (0: once). Arming again replaces. */
int loop_timer_arm(struct loop_timer *timer, uint64_t delay_ns, uint64_t interval_ns);
void loop_timer_disarm(struct loop_timer *timer);
/* Safe from inside any callback of the same loop, also its own; NULL is ignored. */
void loop_timer_destroy(struct loop_timer *timer);

#endif
