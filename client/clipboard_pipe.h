/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes of a clipboard that come or go through a pipe whose other end is a program that may be
 * slow, stopped or endless. One loop's thread.
 */
#ifndef CLIENT_CLIPBOARD_PIPE_H
#define CLIENT_CLIPBOARD_PIPE_H

#include <stddef.h>

struct clipboard_pipe;
struct loop;

/* Once, from the loop, when all was read or written; the pipe is gone then. Bytes are lent for the
 * call; NULL, 0: it failed, took too long, or was too much. */
typedef void clipboard_pipe_func(void *data, const void *bytes, size_t count);

/* Both take the fd over, also on failure. NULL with errno. */
struct clipboard_pipe *clipboard_pipe_read(struct loop *loop, int fd, clipboard_pipe_func *done,
					   void *data);
/* The bytes are copied. */
struct clipboard_pipe *clipboard_pipe_write(struct loop *loop, int fd, const void *bytes,
					    size_t count, clipboard_pipe_func *done, void *data);
/* Without a word. NULL is ignored. */
void clipboard_pipe_cancel(struct clipboard_pipe *pipe);

#endif
