/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <base/options.h>
#include <chips/console.h>
#include <chips/terminal.h>

/* So little that a terminal or pipe that polls as writable takes it without blocking. */
#define CONSOLE_WRITE_BYTES 512u
#define CONSOLE_READ_BYTES 256u
#define CONSOLE_FLUSH_NS 200000000u

struct console {
	struct loop *loop;
	const struct console_ops *ops;
	void *data;
	int in_fd;
	int out_fd;
	int wake_fd;
	bool terminal;
	bool lossy;
	bool in_polled;                 /* in_fd can be */
	struct loop_fd *in_source;      /* NULL: not now */
	struct loop_fd *out_source;     /* NULL: out_fd cannot be polled, writing never waits */
	struct loop_fd *wake_source;
	pthread_mutex_t lock;           /* guards what follows */
	bool out_failed;                /* bytes are thrown away */
	bool full_told;                 /* the owner waits for output_room */
	bool dropped;
	uint64_t head, tail;            /* of the ring: bytes ever put in and taken out */
	uint8_t ring[CONSOLE_RING_BYTES];
};

static void console_wake(struct console *console)
{
	uint64_t one = 1;

	/* Can only fail when the counter is full: then the loop is awake anyway. */
	if (write(console->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error("console: cannot wake its loop: %s", strerror(errno));
}

bool console_has_room(struct console *console)
{
	bool room;

	pthread_mutex_lock(&console->lock);
	room = console->lossy || console->out_failed ||
	       console->head - console->tail < CONSOLE_RING_BYTES;
	if (!room)
		console->full_told = true;
	pthread_mutex_unlock(&console->lock);
	return room;
}

bool console_write(struct console *console, uint8_t byte)
{
	bool taken = true;
	bool wake = false;

	pthread_mutex_lock(&console->lock);
	if (console->out_failed) {
		/* Nobody can be told more often than once. */
	} else if (console->head - console->tail < CONSOLE_RING_BYTES) {
		wake = console->head == console->tail;
		console->ring[console->head++ % CONSOLE_RING_BYTES] = byte;
	} else if (console->lossy) {
		console->dropped = true;
	} else {
		console->full_told = true;
		taken = false;
	}
	pthread_mutex_unlock(&console->lock);
	if (wake)
		console_wake(console);
	return taken;
}

void console_resume_input(struct console *console)
{
	console_wake(console);
}

/* The next bytes to write out, copied. */
static size_t console_peek(struct console *console, uint8_t *to, size_t max)
{
	size_t count;
	size_t i;

	pthread_mutex_lock(&console->lock);
	count = (size_t)(console->head - console->tail);
	if (count > max)
		count = max;
	for (i = 0; i < count; i++)
		to[i] = console->ring[(console->tail + i) % CONSOLE_RING_BYTES];
	pthread_mutex_unlock(&console->lock);
	return count;
}

static void console_consume(struct console *console, size_t count)
{
	bool tell;
	bool dropped;

	pthread_mutex_lock(&console->lock);
	console->tail += count;
	tell = console->full_told;
	dropped = console->dropped;
	console->full_told = false;
	console->dropped = false;
	pthread_mutex_unlock(&console->lock);
	if (dropped)
		log_warn("the terminal is slower than the serial port: bytes were lost");
	if (tell && console->ops)
		console->ops->output_room(console->data);
}

static void console_fail_output(struct console *console)
{
	log_error("cannot write the serial port's output: %s; it is thrown away", strerror(errno));
	pthread_mutex_lock(&console->lock);
	console->out_failed = true;
	console->tail = console->head;
	pthread_mutex_unlock(&console->lock);
	console_consume(console, 0);
}

/* Writes one piece. False when there is nothing left or the other side takes nothing now. */
static bool console_drain_some(struct console *console)
{
	uint8_t bytes[CONSOLE_WRITE_BYTES];
	size_t count = console_peek(console, bytes, sizeof(bytes));
	ssize_t done;

	if (count == 0)
		return false;
	done = write(console->out_fd, bytes, count);
	if (done > 0) {
		console_consume(console, (size_t)done);
		return true;
	}
	if (done < 0 && errno == EINTR)
		return true;
	if (done < 0 && errno != EAGAIN)
		console_fail_output(console);
	return false;
}

/* On the loop. */
static void console_drain(struct console *console)
{
	uint8_t byte;

	if (!console->out_source) {
		while (console_drain_some(console))
			;
		return;
	}
	/* One piece per event: only a fresh event promises that writing does not wait. */
	loop_fd_set_events(console->out_source, console_peek(console, &byte, 1) ? EPOLLOUT : 0);
}

static void console_out_event(void *data, uint32_t events)
{
	struct console *console = data;

	if (events & (EPOLLERR | EPOLLHUP)) {
		/* Nobody reads any more; the event would come for ever. */
		loop_fd_remove(console->out_source);
		console->out_source = NULL;
		errno = EPIPE;
		console_fail_output(console);
		return;
	}
	console_drain_some(console);
	console_drain(console);
}

static void console_close_input(struct console *console)
{
	loop_fd_remove(console->in_source);
	console->in_source = NULL;
	if (console->in_fd >= 0)
		close(console->in_fd);
	console->in_fd = -1;
}

static size_t console_input_room(struct console *console)
{
	return console->ops ? console->ops->input_room(console->data) : 0;
}

/* On the loop. False when no more can be read now. The input's end or trouble with it ends the
 * input, never the machine. */
static bool console_read(struct console *console)
{
	uint8_t bytes[CONSOLE_READ_BYTES];
	size_t room = console_input_room(console);
	ssize_t count;

	if (room == 0)
		return false;
	count = read(console->in_fd, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
	if (count > 0) {
		console->ops->input(console->data, bytes, (size_t)count);
		return true;
	}
	if (count == 0 || (errno != EINTR && errno != EAGAIN))
		console_close_input(console);
	return false;
}

static void console_in_event(void *data, uint32_t events)
{
	struct console *console = data;

	console_read(console);
	/* Not only without events: a hang-up would still be told, again and again. */
	if (console_input_room(console) == 0) {
		loop_fd_remove(console->in_source);
		console->in_source = NULL;
	}
}

/* On the loop: there may be room for input again. */
static void console_continue_input(struct console *console)
{
	if (console->in_fd < 0 || console->in_source || console_input_room(console) == 0)
		return;
	if (!console->in_polled) {
		while (console->in_fd >= 0 && console_read(console))
			;
		return;
	}
	console->in_source = loop_fd_add(console->loop, console->in_fd, EPOLLIN, console_in_event,
					 console);
	if (!console->in_source)
		log_error("the serial port's input ends: %s", strerror(errno));
}

static void console_wake_event(void *data, uint32_t events)
{
	struct console *console = data;
	uint64_t count;

	if (read(console->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error("console: %s", strerror(errno));
	console_drain(console);
	console_continue_input(console);
}

/* Regular files and /dev/null cannot be polled: NULL with errno EPERM is no failure for them. */
static int console_watch(struct console *console)
{
	console->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (console->wake_fd < 0)
		return -errno;
	console->wake_source = loop_fd_add(console->loop, console->wake_fd, EPOLLIN,
					   console_wake_event, console);
	if (!console->wake_source)
		return -errno;
	console->out_source = loop_fd_add(console->loop, console->out_fd, 0, console_out_event,
					  console);
	if (!console->out_source && errno != EPERM)
		return -errno;
	if (console->in_fd < 0)
		return 0;
	console->in_source = loop_fd_add(console->loop, console->in_fd, EPOLLIN, console_in_event,
					 console);
	console->in_polled = console->in_source != NULL;
	return console->in_polled || errno == EPERM ? 0 : -errno;
}

/* Takes both fds over, also on failure. */
static struct console *console_create(struct loop *loop, int in_fd, int out_fd, bool lossy)
{
	struct console *console = calloc(1, sizeof(*console));
	int err;

	if (!console) {
		if (in_fd >= 0)
			close(in_fd);
		if (out_fd >= 0)
			close(out_fd);
		errno = ENOMEM;
		return NULL;
	}
	pthread_mutex_init(&console->lock, NULL);
	console->loop = loop;
	console->in_fd = in_fd;
	console->out_fd = out_fd;
	console->wake_fd = -1;
	console->lossy = lossy;
	err = out_fd < 0 ? -EBADF : console_watch(console);
	if (err < 0) {
		console_destroy(console);
		errno = -err;
		return NULL;
	}
	return console;
}

struct console *console_create_fds(struct loop *loop, int in_fd, int out_fd, bool lossy)
{
	return console_create(loop, in_fd < 0 ? -1 : fcntl(in_fd, F_DUPFD_CLOEXEC, 0),
			      fcntl(out_fd, F_DUPFD_CLOEXEC, 0), lossy);
}

struct console *console_create_stdio(struct loop *loop, struct option_error *error)
{
	struct console *console;
	struct stat status;
	int out_fd = terminal_reopen(STDOUT_FILENO, O_WRONLY);
	bool lossy = fstat(STDOUT_FILENO, &status) < 0 || !S_ISREG(status.st_mode);
	/* stdin may be closed: a serial port without input is fine. */
	int in_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	console = console_create(loop, in_fd, out_fd, lossy);
	if (!console) {
		option_error_set(error, "cannot use stdin and stdout for the serial port: %s",
				 strerror(errno));
		return NULL;
	}
	console->terminal = true;
	terminal_make_raw();
	return console;
}

struct console *console_create_file(struct loop *loop, const char *path, struct option_error *error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		      0666);
	struct console *console = fd < 0 ? NULL : console_create(loop, -1, fd, false);

	if (!console) {
		int err = errno;

		option_error_set(error, "cannot write the serial port's file %s: %s", path,
				 err == ENXIO ? "nobody reads the FIFO" : strerror(err));
		errno = err;
	}
	return console;
}

void console_set_owner(struct console *console, const struct console_ops *ops, void *data)
{
	console->ops = ops;
	console->data = data;
}

static void console_flush(struct console *console)
{
	uint64_t end_ns = clock_now_ns() + CONSOLE_FLUSH_NS;
	struct pollfd poll_out = { .fd = console->out_fd, .events = POLLOUT };
	uint8_t byte;

	console->ops = NULL;
	while (console_peek(console, &byte, 1) > 0) {
		if (poll(&poll_out, 1, 20) > 0)
			console_drain_some(console);
		/* A reader that has gone to sleep must not keep us from ending. */
		if (console->out_source && clock_now_ns() > end_ns)
			break;
	}
}

void console_destroy(struct console *console)
{
	if (!console)
		return;
	if (console->wake_source)
		console_flush(console);
	if (console->terminal)
		terminal_restore();
	loop_fd_remove(console->wake_source);
	loop_fd_remove(console->out_source);
	console_close_input(console);
	if (console->wake_fd >= 0)
		close(console->wake_fd);
	if (console->out_fd >= 0)
		close(console->out_fd);
	pthread_mutex_destroy(&console->lock);
	free(console);
}
