/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes both ways between the loop where an agent's port lives and main, where the clipboard does.
 * Each way has room for VDAGENT_PIPE_BYTES; whoever finds none left is told when there is some.
 *
 * The port's end opens and closes sessions. Bytes belong to the session they were written in: what
 * is not read when it ends is gone.
 */
#ifndef VMM_CLIPBOARD_VDAGENT_PIPE_H
#define VMM_CLIPBOARD_VDAGENT_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VDAGENT_PIPE_BYTES ((size_t)64 << 10)

struct loop;
struct vdagent_pipe;

enum vdagent_pipe_end {
	VDAGENT_PIPE_PORT,
	VDAGENT_PIPE_MAIN,
};

/* Called on the end's loop: there may be bytes, room or another session. */
typedef void vdagent_pipe_func(void *data);

/* NULL with errno. */
struct vdagent_pipe *vdagent_pipe_create(void);
/* Both ends are detached. NULL is ignored. */
void vdagent_pipe_destroy(struct vdagent_pipe *pipe);

/* On the end's loop, as all that follows. 0 or -errno. */
int vdagent_pipe_attach(struct vdagent_pipe *pipe, enum vdagent_pipe_end end, struct loop *loop,
			vdagent_pipe_func *func, void *data);
/* Harmless when it is not attached. */
void vdagent_pipe_detach(struct vdagent_pipe *pipe, enum vdagent_pipe_end end);

/* The port's end: a new session, which ends the old one. */
void vdagent_pipe_open(struct vdagent_pipe *pipe);
void vdagent_pipe_close(struct vdagent_pipe *pipe);
/* Its number; 0: none. */
uint64_t vdagent_pipe_session(struct vdagent_pipe *pipe);

/* How many bytes were taken or given; none when that session is no more. */
size_t vdagent_pipe_write(struct vdagent_pipe *pipe, enum vdagent_pipe_end end, uint64_t session,
			  const void *bytes, size_t count);
size_t vdagent_pipe_read(struct vdagent_pipe *pipe, enum vdagent_pipe_end end, uint64_t session,
			 void *bytes, size_t count);
/* Main's end has no use for the session: the port's end is told, and closes it. */
void vdagent_pipe_hang_up(struct vdagent_pipe *pipe, uint64_t session);
/* The port's end: that has happened to the session that is open. */
bool vdagent_pipe_is_hung_up(struct vdagent_pipe *pipe);

/* Any thread: func is called once more. */
void vdagent_pipe_wake(struct vdagent_pipe *pipe, enum vdagent_pipe_end end);

#endif
