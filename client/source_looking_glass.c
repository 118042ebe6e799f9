/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that runs the Looking Glass host application, or another producer of its kind: picture
 * and cursor out of a file, input to a peer, which has the clipboard as well. The protocol has no
 * doorbell in either direction, so the reader loop looks at the file as often as the source of a
 * segment in a file does, and oftener while a picture is on its way. It has to also while the window
 * is hidden: hosts wait for clients that do not read.
 *
 * Both threads use the one reader, under a mutex that is never held while pixels are read.
 */
#include "input_peer.h"
#include "kvmfr_reader.h"
#include "source_clipboard.h"

#include <base/bus_guard.h>
#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <fcntl.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/lgmp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GLASS_MS_NS UINT64_C(1000000)
/* Also how often a heartbeat must show to be found. */
#define GLASS_LOOK_NS (100 * GLASS_MS_NS)
#define GLASS_CHASE_NS GLASS_MS_NS
/* What is found in a file that is just being set up is not the last word. */
#define GLASS_SURE_NS (1000 * GLASS_MS_NS)
#define GLASS_PATIENCE_NS (3000 * GLASS_MS_NS)
/* A file that was replaced is found again so soon. */
#define GLASS_REOPEN_NS (3000 * GLASS_MS_NS)
#define GLASS_NAME_BYTES 256

struct source_glass {
	struct client_source base;
	char *path;
	char name[GLASS_NAME_BYTES];
	/* On the reader loop. */
	struct loop_timer *timer;
	struct poll_pace pace;
	bool patient, attached;
	enum kvmfr_finding finding;
	uint64_t started_ns, found_ns, mapped_ns;
	/* Made on the reader loop while not attached, gone with the session. */
	void *mapping;
	size_t bytes;
	pthread_mutex_t lock;           /* the reader, once attached */
	struct kvmfr_reader *reader;
	/* Main thread. */
	bool searching;
	struct input_peer *peer;        /* NULL: no input; runs while attached */
	int clipboard_fd;               /* the peer's, not joined yet; -1: none */
};

static struct source_glass *source_glass_from(struct client_source *base)
{
	return (struct source_glass *)base;
}

/* --- looking for the host ---------------------------------------------------------------- */

__attribute__((format(printf, 2, 3)))
static void source_glass_fail(struct source_glass *source, const char *format, ...)
{
	va_list args;

	loop_timer_disarm(source->timer);
	va_start(args, format);
	vsnprintf(source->base.error, sizeof(source->base.error), format, args);
	va_end(args);
	source_notice(&source->base, SOURCE_FAILED);
}

static void source_glass_unmap(struct source_glass *source)
{
	kvmfr_reader_destroy(source->reader);
	source->reader = NULL;
	if (!source->mapping)
		return;
	bus_guard_set(NULL, 0);
	munmap(source->mapping, source->bytes);
	source->mapping = NULL;
}

/* 0 or -errno; -EFBIG: too small; -EMEDIUMTYPE: no file that can be mapped. */
static int source_glass_map_fd(struct source_glass *source, int fd)
{
	struct stat status;

	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EMEDIUMTYPE;
	if (status.st_size < (off_t)sizeof(struct lgmp_header))
		return -EFBIG;
	source->bytes = (size_t)status.st_size;
	source->mapping = mmap(NULL, source->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (source->mapping == MAP_FAILED) {
		source->mapping = NULL;
		return -errno;
	}
	if (bus_guard_set(source->mapping, source->bytes))
		log_warn("%s is not guarded against being cut short", source->path);
	return 0;
}

static int source_glass_map(struct source_glass *source)
{
	int fd = open(source->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int result;

	if (fd < 0)
		return -errno;
	result = source_glass_map_fd(source, fd);
	close(fd);
	if (result)
		return result;
	source->reader = kvmfr_reader_create(source->mapping, source->bytes);
	if (!source->reader) {
		result = -errno;
		source_glass_unmap(source);
	}
	return result;
}

static void source_glass_tell_unmapped(struct source_glass *source, int result)
{
	const char *path = source->path;

	switch (result) {
	case -ENOENT:
		source_glass_fail(source, "%s: no such file: start the VM that shares it, or wait "
				  "for it with --wait", path);
		break;
	case -EACCES:
	case -EPERM:
	case -EROFS:
		source_glass_fail(source, "%s: you may not read and write it, and a client has to "
				  "do both: see its owner, group and mode", path);
		break;
	case -EFBIG:
		source_glass_fail(source, "%s: too small for a Looking Glass file", path);
		break;
	case -EMEDIUMTYPE:
	case -EISDIR:
	case -ENXIO:
		source_glass_fail(source, "%s: not a file of shared memory", path);
		break;
	default:
		source_glass_fail(source, "%s: %s", path, strerror(-result));
	}
}

static void source_glass_tell_finding(struct source_glass *source)
{
	const char *path = source->path;
	uint32_t version = kvmfr_reader_version(source->reader);

	switch (source->finding) {
	case KVMFR_OTHER_LGMP:
		source_glass_fail(source, "%s: speaks LGMP version %u, this client %u: a Looking "
				  "Glass host of version B7 is needed", path, version, LGMP_VERSION);
		break;
	case KVMFR_OTHER_KVMFR:
		source_glass_fail(source, "%s: speaks KVMFR version %u, this client 20: a Looking "
				  "Glass host of version B7 is needed", path, version);
		break;
	case KVMFR_FOREIGN:
		source_glass_fail(source, "%s: not a Looking Glass file", path);
		break;
	default:
		source_glass_fail(source, "%s: no Looking Glass host runs there; --wait waits for "
				  "one", path);
	}
}

/* The end of an impatient search. */
static bool source_glass_is_sure(const struct source_glass *source, uint64_t now_ns)
{
	bool other = source->finding != KVMFR_EMPTY && source->finding != KVMFR_SILENT;

	return !source->patient && (now_ns - source->started_ns >= GLASS_PATIENCE_NS ||
				    (other && now_ns - source->found_ns >= GLASS_SURE_NS));
}

static void source_glass_look(struct source_glass *source, uint64_t now_ns)
{
	enum kvmfr_finding finding;

	if (source->reader && now_ns - source->mapped_ns >= GLASS_REOPEN_NS)
		source_glass_unmap(source);
	if (!source->reader) {
		int result = source_glass_map(source);

		if (result && !source->patient)
			source_glass_tell_unmapped(source, result);
		if (result)
			return;
		source->mapped_ns = now_ns;
	}
	finding = kvmfr_reader_attach(source->reader, now_ns / GLASS_MS_NS);
	if (finding != source->finding)
		source->found_ns = now_ns;
	source->finding = finding;
	if (finding == KVMFR_ATTACHED) {
		source->attached = true;
		source_notice(&source->base, SOURCE_ATTACHED | SOURCE_CHANGED);
	} else if (source_glass_is_sure(source, now_ns)) {
		source_glass_tell_finding(source);
	}
}

/* --- the reader loop --------------------------------------------------------------------- */

/* When to look again, in ns; 0: the session is over. */
static uint64_t source_glass_poll(struct source_glass *source, uint64_t now_ns)
{
	uint32_t pace_ms;
	bool waits;
	int result;

	pthread_mutex_lock(&source->lock);
	result = kvmfr_reader_poll(source->reader, now_ns / GLASS_MS_NS);
	waits = kvmfr_reader_waits(source->reader);
	pthread_mutex_unlock(&source->lock);
	if (bus_guard_hit())
		result = -EPROTO;
	if (result < 0) {
		source_notice(&source->base, SOURCE_LOST);
		return 0;
	}
	if (result)
		source_notice(&source->base, SOURCE_CHANGED);
	pace_ms = poll_pace_next_ms(&source->pace, result || waits, now_ns);
	return waits ? GLASS_CHASE_NS : pace_ms * GLASS_MS_NS;
}

static void source_glass_timer(void *data)
{
	struct source_glass *source = data;
	uint64_t now_ns = clock_now_ns(), next_ns;

	if (!source->attached) {
		source_glass_look(source, now_ns);
		if (!source->attached)
			return;
		source->pace = (struct poll_pace){ 0 };
	}
	next_ns = source_glass_poll(source, now_ns);
	if (next_ns)
		loop_timer_arm(source->timer, next_ns, 0);
	else
		loop_timer_disarm(source->timer);
}

static void source_glass_start(void *data)
{
	struct source_glass *source = data;

	source->attached = false;
	source->finding = KVMFR_SILENT;
	source->started_ns = source->found_ns = clock_now_ns();
	loop_timer_arm(source->timer, 1, GLASS_LOOK_NS);
}

static void source_glass_stop(void *data)
{
	struct source_glass *source = data;

	loop_timer_disarm(source->timer);
	source_glass_unmap(source);
}

static void source_glass_finish(void *data)
{
	struct source_glass *source = data;

	loop_timer_destroy(source->timer);
}

/* --- the session ------------------------------------------------------------------------- */

static int source_glass_connect(struct client_source *base, bool patient)
{
	struct source_glass *source = source_glass_from(base);
	int result;

	source->patient = patient;
	result = loop_post(base->loop, source_glass_start, source);
	source->searching = !result;
	return result;
}

static void source_glass_close_clipboard(struct source_glass *source)
{
	source_clipboard_leave(&source->base);
	if (source->clipboard_fd >= 0)
		close(source->clipboard_fd);
	source->clipboard_fd = -1;
}

static void source_glass_disconnect(struct client_source *base)
{
	struct source_glass *source = source_glass_from(base);

	if (!source->searching)
		return;
	source_glass_close_clipboard(source);
	if (source->peer)
		source->peer->ops->stop(source->peer);
	loop_call(base->loop, source_glass_stop, source);
	source->searching = false;
}

static void source_glass_destroy(struct client_source *base)
{
	struct source_glass *source = source_glass_from(base);

	source_glass_disconnect(base);
	if (source->peer)
		source->peer->ops->destroy(source->peer);
	loop_call(base->loop, source_glass_finish, source);
	pthread_mutex_destroy(&source->lock);
	free(source->path);
	free(source);
}

static int source_glass_attach(struct client_source *base)
{
	struct source_glass *source = source_glass_from(base);
	struct uuid uuid;
	int result;

	if (!source->peer)
		return 0;
	pthread_mutex_lock(&source->lock);
	uuid = kvmfr_reader_uuid(source->reader);
	pthread_mutex_unlock(&source->lock);
	result = source->peer->ops->start(source->peer, &uuid);
	/* The picture is there all the same. */
	if (result)
		log_error("no keyboard and mouse: %s", strerror(-result));
	return 0;
}

/* The heart is watched on the reader loop. */
static int source_glass_beat(struct client_source *base, uint64_t now_ns)
{
	return 0;
}

static enum segment_state source_glass_state(struct client_source *base)
{
	return SEGMENT_RUNNING;
}

static const char *source_glass_name(struct client_source *base)
{
	return source_glass_from(base)->name;
}

/* --- video ------------------------------------------------------------------------------- */

static uint32_t source_glass_scanout_count(struct client_source *base)
{
	return 1;
}

static enum video_state source_glass_video_state(struct client_source *base, uint32_t scanout,
						 uint32_t *width, uint32_t *height)
{
	struct source_glass *source = source_glass_from(base);
	enum video_state state;

	pthread_mutex_lock(&source->lock);
	state = kvmfr_reader_state(source->reader, width, height);
	pthread_mutex_unlock(&source->lock);
	return state;
}

static int source_glass_begin(struct client_source *base, uint32_t scanout,
			      struct slots_frame *frame)
{
	struct source_glass *source = source_glass_from(base);
	int result;

	pthread_mutex_lock(&source->lock);
	result = kvmfr_reader_begin(source->reader, frame);
	pthread_mutex_unlock(&source->lock);
	return result;
}

static bool source_glass_end(struct client_source *base, uint32_t scanout,
			     const struct slots_frame *frame)
{
	struct source_glass *source = source_glass_from(base);
	bool whole;

	pthread_mutex_lock(&source->lock);
	whole = kvmfr_reader_end(source->reader, frame);
	pthread_mutex_unlock(&source->lock);
	return whole;
}

static void source_glass_forget(struct client_source *base, uint32_t scanout)
{
	struct source_glass *source = source_glass_from(base);

	if (scanout)
		return;
	pthread_mutex_lock(&source->lock);
	kvmfr_reader_forget(source->reader);
	pthread_mutex_unlock(&source->lock);
}

static int source_glass_cursor(struct client_source *base, uint32_t scanout,
			       struct cursor_state *state)
{
	struct source_glass *source = source_glass_from(base);
	int result;

	pthread_mutex_lock(&source->lock);
	result = kvmfr_reader_cursor(source->reader, state);
	pthread_mutex_unlock(&source->lock);
	return result;
}

/* Pictures carry no time. */
static bool source_glass_same_clock(struct client_source *base)
{
	return false;
}

static const struct source_video_ops source_glass_video = {
	.scanout_count = source_glass_scanout_count,
	.state = source_glass_video_state,
	.begin = source_glass_begin,
	.end = source_glass_end,
	.forget = source_glass_forget,
	.cursor = source_glass_cursor,
	.same_clock = source_glass_same_clock,
};

/* --- input ------------------------------------------------------------------------------- */

static void source_glass_peer_changed(void *data)
{
	struct source_glass *source = data;

	source_notice(&source->base, SOURCE_CHANGED);
}

static unsigned int source_glass_input_state(struct client_source *base)
{
	struct source_glass *source = source_glass_from(base);

	return source->peer->ops->state(source->peer);
}

/* The middle of 1/65536 of the picture. */
static int32_t source_glass_pixel(int32_t position, uint32_t extent)
{
	return (int32_t)(((int64_t)position * 2 + 1) * extent / (2 * 65536));
}

/* A position in pixels. Where the peer takes only motion, the host is to begin it there. */
static int source_glass_push_position(struct source_glass *source, struct input_record record)
{
	bool relative = source->peer->ops->state(source->peer) & SOURCE_INPUT_RELATIVE;
	uint32_t width, height;
	int result = 0;

	pthread_mutex_lock(&source->lock);
	if (kvmfr_reader_state(source->reader, &width, &height) != VIDEO_ON)
		result = -EAGAIN;
	record.x = source_glass_pixel(record.x, width);
	record.y = source_glass_pixel(record.y, height);
	if (!result && relative)
		result = kvmfr_reader_place_cursor(source->reader, record.x, record.y);
	pthread_mutex_unlock(&source->lock);
	if (result || relative)
		return result;
	return source->peer->ops->push(source->peer, &record);
}

static int source_glass_push(struct client_source *base, const struct input_record *record)
{
	struct source_glass *source = source_glass_from(base);

	if (record->type == INPUT_POINTER_ABS)
		return source_glass_push_position(source, *record);
	return source->peer->ops->push(source->peer, record);
}

static const struct source_input_ops source_glass_input = {
	.push = source_glass_push,
	.state = source_glass_input_state,
};

/* --- clipboard --------------------------------------------------------------------------- */

static void source_glass_peer_clipboard(void *data)
{
	struct source_glass *source = data;

	source_notice(&source->base, SOURCE_CLIPBOARD);
}

/* Desktops are the peer's business: SPICE knows nothing of them. */
static int source_glass_open_clipboard(struct client_source *base, const char *desktop)
{
	struct source_glass *source = source_glass_from(base);
	int fd = source->peer->ops->open_clipboard(source->peer);

	if (fd < 0)
		return fd;
	source_glass_close_clipboard(source);
	source->clipboard_fd = fd;
	return 0;
}

static int source_glass_join_clipboard(struct client_source *base, struct loop *loop,
				       const struct clipboard_channel_ops *ops, void *data)
{
	return source_clipboard_join(base, loop, ops, data,
				     &source_glass_from(base)->clipboard_fd, "the SPICE server");
}

static const struct source_clipboard_ops source_glass_clipboard = {
	.open = source_glass_open_clipboard,
	.join = source_glass_join_clipboard,
	SOURCE_CLIPBOARD_OPS,
};

#define SOURCE_GLASS_OPS \
	.connect = source_glass_connect, .attach = source_glass_attach, \
	.disconnect = source_glass_disconnect, .destroy = source_glass_destroy, \
	.beat = source_glass_beat, .state = source_glass_state, .name = source_glass_name, \
	.video = &source_glass_video

static const struct client_source_ops source_glass_ops = { SOURCE_GLASS_OPS };
static const struct client_source_ops source_glass_ops_with_input = {
	SOURCE_GLASS_OPS, .input = &source_glass_input, .clipboard = &source_glass_clipboard,
};

struct client_source *source_looking_glass_create(struct loop *loop, const char *path,
						  struct input_peer *peer,
						  struct source_listener listener)
{
	struct source_glass *source = calloc(1, sizeof(*source));
	const char *last = strrchr(path, '/');
	int error;

	if (!source)
		goto err_peer;
	source->base = (struct client_source){
		.ops = peer ? &source_glass_ops_with_input : &source_glass_ops, .loop = loop,
		.listener = listener,
	};
	snprintf(source->name, sizeof(source->name), "%s", last ? last + 1 : path);
	source->path = strdup(path);
	if (!source->path)
		goto err_free;
	source->timer = loop_timer_create(loop, source_glass_timer, source);
	if (!source->timer)
		goto err_path;
	pthread_mutex_init(&source->lock, NULL);
	source->clipboard_fd = -1;
	source->peer = peer;
	if (peer)
		peer->listener = (struct input_peer_listener){
			source_glass_peer_changed, source_glass_peer_clipboard, source };
	return &source->base;

err_path:
	free(source->path);
err_free:
	free(source);
err_peer:
	error = errno;
	if (peer)
		peer->ops->destroy(peer);
	errno = error;
	return NULL;
}
