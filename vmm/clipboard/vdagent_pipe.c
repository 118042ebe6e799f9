/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard/vdagent_pipe.h"

#include <base/loop.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* One way; under the mutex. */
struct pipe_ring {
	size_t first, count;
	bool short_of_room;             /* its writer waits */
	uint8_t bytes[VDAGENT_PIPE_BYTES];
};

struct pipe_end {
	int wake_fd;
	struct loop_fd *source;
	vdagent_pipe_func *func;
	void *data;
};

struct vdagent_pipe {
	struct pipe_end ends[2];
	pthread_mutex_t mutex;
	uint64_t session;               /* of the open session, else 0 */
	uint64_t sessions;              /* so many there have been */
	uint64_t hung_up;               /* the last that main has no use for */
	struct pipe_ring rings[2];      /* by the end that writes */
};

static enum vdagent_pipe_end pipe_other(enum vdagent_pipe_end end)
{
	return end == VDAGENT_PIPE_PORT ? VDAGENT_PIPE_MAIN : VDAGENT_PIPE_PORT;
}

struct vdagent_pipe *vdagent_pipe_create(void)
{
	struct vdagent_pipe *pipe = calloc(1, sizeof(*pipe));

	if (!pipe)
		return NULL;
	pthread_mutex_init(&pipe->mutex, NULL);
	pipe->ends[0].wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pipe->ends[1].wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pipe->ends[0].wake_fd < 0 || pipe->ends[1].wake_fd < 0) {
		int error = errno;

		vdagent_pipe_destroy(pipe);
		errno = error;
		return NULL;
	}
	return pipe;
}

void vdagent_pipe_destroy(struct vdagent_pipe *pipe)
{
	if (!pipe)
		return;
	for (size_t i = 0; i < 2; i++)
		if (pipe->ends[i].wake_fd >= 0)
			close(pipe->ends[i].wake_fd);
	pthread_mutex_destroy(&pipe->mutex);
	free(pipe);
}

static void pipe_on_wake(void *data, uint32_t events)
{
	struct pipe_end *end = data;
	eventfd_t rung;

	eventfd_read(end->wake_fd, &rung);
	end->func(end->data);
}

int vdagent_pipe_attach(struct vdagent_pipe *pipe, enum vdagent_pipe_end which, struct loop *loop,
			vdagent_pipe_func *func, void *data)
{
	struct pipe_end *end = &pipe->ends[which];

	end->func = func;
	end->data = data;
	end->source = loop_fd_add(loop, end->wake_fd, EPOLLIN, pipe_on_wake, end);
	return end->source ? 0 : -errno;
}

void vdagent_pipe_detach(struct vdagent_pipe *pipe, enum vdagent_pipe_end which)
{
	loop_fd_remove(pipe->ends[which].source);
	pipe->ends[which].source = NULL;
}

void vdagent_pipe_wake(struct vdagent_pipe *pipe, enum vdagent_pipe_end end)
{
	eventfd_write(pipe->ends[end].wake_fd, 1);
}

static void pipe_set_session(struct vdagent_pipe *pipe, bool open)
{
	pthread_mutex_lock(&pipe->mutex);
	pipe->session = open ? ++pipe->sessions : 0;
	for (size_t i = 0; i < 2; i++) {
		pipe->rings[i].first = 0;
		pipe->rings[i].count = 0;
		pipe->rings[i].short_of_room = false;
	}
	pthread_mutex_unlock(&pipe->mutex);
	vdagent_pipe_wake(pipe, VDAGENT_PIPE_MAIN);
}

void vdagent_pipe_open(struct vdagent_pipe *pipe)
{
	pipe_set_session(pipe, true);
}

void vdagent_pipe_close(struct vdagent_pipe *pipe)
{
	pipe_set_session(pipe, false);
}

uint64_t vdagent_pipe_session(struct vdagent_pipe *pipe)
{
	uint64_t session;

	pthread_mutex_lock(&pipe->mutex);
	session = pipe->session;
	pthread_mutex_unlock(&pipe->mutex);
	return session;
}

void vdagent_pipe_hang_up(struct vdagent_pipe *pipe, uint64_t session)
{
	pthread_mutex_lock(&pipe->mutex);
	pipe->hung_up = session;
	pthread_mutex_unlock(&pipe->mutex);
	vdagent_pipe_wake(pipe, VDAGENT_PIPE_PORT);
}

bool vdagent_pipe_is_hung_up(struct vdagent_pipe *pipe)
{
	bool hung_up;

	pthread_mutex_lock(&pipe->mutex);
	hung_up = pipe->session && pipe->session == pipe->hung_up;
	pthread_mutex_unlock(&pipe->mutex);
	return hung_up;
}

/* The ring has the room. */
static void ring_put(struct pipe_ring *ring, const uint8_t *bytes, size_t count)
{
	size_t at = (ring->first + ring->count) % VDAGENT_PIPE_BYTES;
	size_t to_end = VDAGENT_PIPE_BYTES - at;
	size_t before = count < to_end ? count : to_end;

	memcpy(ring->bytes + at, bytes, before);
	memcpy(ring->bytes, bytes + before, count - before);
	ring->count += count;
}

/* The ring has the bytes. */
static void ring_get(struct pipe_ring *ring, uint8_t *bytes, size_t count)
{
	size_t to_end = VDAGENT_PIPE_BYTES - ring->first;
	size_t before = count < to_end ? count : to_end;

	memcpy(bytes, ring->bytes + ring->first, before);
	memcpy(bytes + before, ring->bytes, count - before);
	ring->first = (ring->first + count) % VDAGENT_PIPE_BYTES;
	ring->count -= count;
}

size_t vdagent_pipe_write(struct vdagent_pipe *pipe, enum vdagent_pipe_end end, uint64_t session,
			  const void *bytes, size_t count)
{
	struct pipe_ring *ring = &pipe->rings[end];
	size_t taken = 0;

	if (!count)
		return 0;
	pthread_mutex_lock(&pipe->mutex);
	if (session && session == pipe->session) {
		taken = VDAGENT_PIPE_BYTES - ring->count;
		if (taken > count)
			taken = count;
		ring->short_of_room = taken < count;
		ring_put(ring, bytes, taken);
	}
	pthread_mutex_unlock(&pipe->mutex);
	if (taken)
		vdagent_pipe_wake(pipe, pipe_other(end));
	return taken;
}

size_t vdagent_pipe_read(struct vdagent_pipe *pipe, enum vdagent_pipe_end end, uint64_t session,
			 void *bytes, size_t count)
{
	struct pipe_ring *ring = &pipe->rings[pipe_other(end)];
	bool make_room = false;
	size_t given = 0;

	pthread_mutex_lock(&pipe->mutex);
	if (session && session == pipe->session) {
		given = ring->count < count ? ring->count : count;
		ring_get(ring, bytes, given);
		make_room = given && ring->short_of_room;
		if (make_room)
			ring->short_of_room = false;
	}
	pthread_mutex_unlock(&pipe->mutex);
	if (make_room)
		vdagent_pipe_wake(pipe, pipe_other(end));
	return given;
}
