/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard_pipe.h"

#include <base/clipboard_wire.h>
#include <base/loop.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long the program at the other end may do nothing. */
#define PIPE_PATIENCE_NS UINT64_C(5000000000)
#define PIPE_PIECE_BYTES (64u << 10)

struct clipboard_pipe {
	int fd;
	struct loop_fd *source;
	struct loop_timer *timer;
	clipboard_pipe_func *done;
	void *data;
	uint8_t *bytes;
	size_t count, size;     /* in bytes[]; written: what is left to write is bytes[at..count) */
	size_t at;
};

void clipboard_pipe_cancel(struct clipboard_pipe *pipe)
{
	if (!pipe)
		return;
	loop_fd_remove(pipe->source);
	loop_timer_destroy(pipe->timer);
	close(pipe->fd);
	free(pipe->bytes);
	free(pipe);
}

static void pipe_finish(struct clipboard_pipe *pipe, bool good)
{
	clipboard_pipe_func *done = pipe->done;
	size_t count = good ? pipe->count : 0;
	uint8_t *bytes = pipe->bytes;
	void *data = pipe->data;

	pipe->bytes = NULL;
	clipboard_pipe_cancel(pipe);
	done(data, count ? bytes : NULL, count);
	free(bytes);
}

static void pipe_expired(void *data)
{
	pipe_finish(data, false);
}

static bool pipe_grow(struct clipboard_pipe *pipe)
{
	size_t size = pipe->size ? pipe->size * 2 : PIPE_PIECE_BYTES;
	uint8_t *bytes;

	if (pipe->count < pipe->size)
		return true;
	if (pipe->count > CLIPBOARD_WIRE_MAX_BYTES)
		return false;
	bytes = realloc(pipe->bytes, size);
	if (!bytes)
		return false;
	pipe->bytes = bytes;
	pipe->size = size;
	return true;
}

/* A piece at a time, so that others on the loop have their turn. */
static void pipe_readable(void *data, uint32_t events)
{
	struct clipboard_pipe *pipe = data;
	ssize_t got;

	if (!pipe_grow(pipe)) {
		pipe_finish(pipe, false);
		return;
	}
	got = read(pipe->fd, pipe->bytes + pipe->count, pipe->size - pipe->count);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		pipe_finish(pipe, got == 0);
		return;
	}
	pipe->count += (size_t)got;
	loop_timer_arm(pipe->timer, PIPE_PATIENCE_NS, 0);
}

static void pipe_writable(void *data, uint32_t events)
{
	struct clipboard_pipe *pipe = data;
	ssize_t put = write(pipe->fd, pipe->bytes + pipe->at, pipe->count - pipe->at);

	if (put < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (put < 0) {
		pipe_finish(pipe, false);
		return;
	}
	pipe->at += (size_t)put;
	if (pipe->at == pipe->count)
		pipe_finish(pipe, true);
	else
		loop_timer_arm(pipe->timer, PIPE_PATIENCE_NS, 0);
}

static struct clipboard_pipe *pipe_create(struct loop *loop, int fd, uint32_t events,
					  loop_fd_func *ready, clipboard_pipe_func *done,
					  void *data)
{
	struct clipboard_pipe *pipe = calloc(1, sizeof(*pipe));
	int flags = fcntl(fd, F_GETFL), error;

	if (!pipe) {
		close(fd);
		return NULL;
	}
	*pipe = (struct clipboard_pipe){ .fd = fd, .done = done, .data = data };
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		goto fail;
	pipe->timer = loop_timer_create(loop, pipe_expired, pipe);
	if (!pipe->timer)
		goto fail;
	/* Not a file: that would not wait for anybody, but for its disk. */
	pipe->source = loop_fd_add(loop, fd, events, ready, pipe);
	if (!pipe->source)
		goto fail;
	loop_timer_arm(pipe->timer, PIPE_PATIENCE_NS, 0);
	return pipe;

fail:
	error = errno;
	clipboard_pipe_cancel(pipe);
	errno = error;
	return NULL;
}

struct clipboard_pipe *clipboard_pipe_read(struct loop *loop, int fd, clipboard_pipe_func *done,
					   void *data)
{
	return pipe_create(loop, fd, EPOLLIN, pipe_readable, done, data);
}

struct clipboard_pipe *clipboard_pipe_write(struct loop *loop, int fd, const void *bytes,
					    size_t count, clipboard_pipe_func *done, void *data)
{
	struct clipboard_pipe *pipe = pipe_create(loop, fd, EPOLLOUT, pipe_writable, done, data);

	if (!pipe)
		return NULL;
	pipe->bytes = malloc(count);
	if (!pipe->bytes) {
		clipboard_pipe_cancel(pipe);
		errno = ENOMEM;
		return NULL;
	}
	memcpy(pipe->bytes, bytes, count);
	pipe->count = pipe->size = count;
	return pipe;
}
