/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wav_writer.h"

#include "wav_file.h"

#include <base/clock.h>
#include <base/log.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WAV_UPDATE_NS UINT64_C(1000000000)
#define WAV_CHUNK_BYTES 65536u

/* Before every run of samples in the ring: what they are stands beside them. */
struct wav_record {
	struct audio_params params;
	uint32_t frames;
};

struct wav_writer {
	pthread_t thread;
	int wake_fd;
	_Atomic bool quit;
	/* Positions count bytes and never wrap; the place in the ring is the position modulo its size. */
	uint8_t *ring;
	_Atomic uint64_t pushed, popped;
	_Atomic uint64_t dropped_frames;

	/* The thread's own from here on. */
	char *path;
	unsigned int file_number;
	uint32_t max_data_bytes;
	struct wav_file file;
	bool dirty;                     /* samples the header does not tell of */
	uint64_t update_ns;             /* when it will */
	uint64_t told_frames;           /* of the dropped ones */
	uint8_t chunk[WAV_CHUNK_BYTES];
};

/* --- ring -------------------------------------------------------------------------------- */

static void wav_ring_put(struct wav_writer *writer, uint64_t position, const void *from,
			 size_t bytes)
{
	size_t place = position % WAV_RING_BYTES;
	size_t first = WAV_RING_BYTES - place < bytes ? WAV_RING_BYTES - place : bytes;

	memcpy(writer->ring + place, from, first);
	memcpy(writer->ring, (const uint8_t *)from + first, bytes - first);
}

static void wav_ring_get(struct wav_writer *writer, uint64_t position, void *to, size_t bytes)
{
	size_t place = position % WAV_RING_BYTES;
	size_t first = WAV_RING_BYTES - place < bytes ? WAV_RING_BYTES - place : bytes;

	memcpy(to, writer->ring + place, first);
	memcpy((uint8_t *)to + first, writer->ring, bytes - first);
}

static void wav_writer_wake(struct wav_writer *writer)
{
	uint64_t one = 1;
	ssize_t done;

	/* A full counter (EAGAIN) is as good as one more. */
	do {
		done = write(writer->wake_fd, &one, sizeof(one));
	} while (done < 0 && errno == EINTR);
}

void wav_writer_push(struct wav_writer *writer, const struct audio_params *params,
		     const void *frames, uint32_t count)
{
	const struct wav_record record = { .params = *params, .frames = count };
	size_t bytes = (size_t)count * audio_frame_bytes(params);
	uint64_t pushed = atomic_load_explicit(&writer->pushed, memory_order_relaxed);
	/* Acquire: the writer has read those bytes before they are written again. */
	uint64_t popped = atomic_load_explicit(&writer->popped, memory_order_acquire);

	if (count == 0)
		return;
	if (WAV_RING_BYTES - (pushed - popped) < sizeof(record) + bytes) {
		atomic_fetch_add_explicit(&writer->dropped_frames, count, memory_order_relaxed);
	} else {
		wav_ring_put(writer, pushed, &record, sizeof(record));
		wav_ring_put(writer, pushed + sizeof(record), frames, bytes);
		/* Release: orders the record and its samples before the position that covers them. */
		atomic_store_explicit(&writer->pushed, pushed + sizeof(record) + bytes,
				      memory_order_release);
	}
	wav_writer_wake(writer);
}

uint64_t wav_writer_dropped(const struct wav_writer *writer)
{
	return atomic_load_explicit(&writer->dropped_frames, memory_order_relaxed);
}

/* --- files ------------------------------------------------------------------------------- */

/* FILE.wav, FILE-2.wav, ... NULL: no memory. */
static char *wav_writer_name(const struct wav_writer *writer)
{
	const char *slash = strrchr(writer->path, '/');
	const char *base = slash ? slash + 1 : writer->path;
	const char *dot = strrchr(base, '.');
	char *name;

	if (!dot || dot == base)
		dot = base + strlen(base);
	if (asprintf(&name, "%.*s-%u%s", (int)(dot - writer->path), writer->path,
		     writer->file_number, dot) < 0)
		return NULL;
	return name;
}

/* The host's trouble, once a file; what is played goes nowhere until the next file begins. */
static void wav_writer_fail(struct wav_writer *writer, int error)
{
	log_error("sound: cannot write file %u of %s: %s", writer->file_number, writer->path,
		  strerror(-error));
	wav_file_close(&writer->file);
}

static void wav_writer_next_file(struct wav_writer *writer, const struct audio_params *params)
{
	int result = wav_file_close(&writer->file);
	char *name;

	if (result < 0)
		wav_writer_fail(writer, result);
	writer->file_number++;
	name = wav_writer_name(writer);
	result = name ? wav_file_create(&writer->file, name, params, writer->max_data_bytes)
		      : -ENOMEM;
	free(name);
	if (result < 0)
		wav_writer_fail(writer, result);
}

static bool wav_same_format(const struct audio_params *a, const struct audio_params *b)
{
	return a->format == b->format && a->rate == b->rate && a->channels == b->channels &&
	       memcmp(a->positions, b->positions, a->channels) == 0;
}

/* The file that samples of these params go into; it has room for a frame at least, unless it failed. */
static void wav_writer_choose(struct wav_writer *writer, const struct audio_params *params)
{
	struct wav_file *file = &writer->file;
	int result;

	if (wav_same_format(&file->params, params)) {
		if (file->fd >= 0 && wav_file_room(file) == 0)
			wav_writer_next_file(writer, params);
	} else if (file->fd >= 0 && file->data_bytes == 0) {
		result = wav_file_describe(file, params, writer->max_data_bytes);
		if (result < 0)
			wav_writer_fail(writer, result);
	} else {
		wav_writer_next_file(writer, params);
	}
}

static void wav_writer_append(struct wav_writer *writer, const struct audio_params *params,
			      uint8_t *frames, uint32_t count)
{
	uint32_t frame_bytes = audio_frame_bytes(params);

	while (count) {
		uint32_t part;
		int result;

		wav_writer_choose(writer, params);
		if (writer->file.fd < 0)
			return;
		part = wav_file_room(&writer->file);
		part = part < count ? part : count;
		result = wav_file_append(&writer->file, frames, part);
		if (result < 0) {
			wav_writer_fail(writer, result);
			return;
		}
		if (!writer->dirty)
			writer->update_ns = clock_now_ns() + WAV_UPDATE_NS;
		writer->dirty = true;
		frames += part * frame_bytes;
		count -= part;
	}
}

/* --- thread ------------------------------------------------------------------------------ */

/* Writes the record at the ring's beginning. */
static void wav_writer_record(struct wav_writer *writer, uint64_t popped)
{
	struct wav_record record;
	uint32_t frame_bytes;

	wav_ring_get(writer, popped, &record, sizeof(record));
	popped += sizeof(record);
	frame_bytes = audio_frame_bytes(&record.params);
	while (record.frames) {
		uint32_t part = WAV_CHUNK_BYTES / frame_bytes;

		part = part < record.frames ? part : record.frames;
		wav_ring_get(writer, popped, writer->chunk, part * frame_bytes);
		popped += part * frame_bytes;
		record.frames -= part;
		wav_writer_append(writer, &record.params, writer->chunk, part);
	}
	/* Release: orders the loads of those bytes before they are the pusher's again. */
	atomic_store_explicit(&writer->popped, popped, memory_order_release);
}

static void wav_writer_drain(struct wav_writer *writer)
{
	uint64_t popped;

	for (;;) {
		popped = atomic_load_explicit(&writer->popped, memory_order_relaxed);
		/* Acquire: see the release in wav_writer_push. */
		if (atomic_load_explicit(&writer->pushed, memory_order_acquire) == popped)
			return;
		wav_writer_record(writer, popped);
	}
}

/* Once a second while samples come. */
static void wav_writer_update(struct wav_writer *writer)
{
	uint64_t dropped = wav_writer_dropped(writer);
	int result;

	if (dropped != writer->told_frames)
		log_warn("sound: %s: the disk is too slow: %llu frames are missing", writer->path,
			 (unsigned long long)(dropped - writer->told_frames));
	writer->told_frames = dropped;
	if (writer->file.fd >= 0) {
		result = wav_file_update(&writer->file);
		if (result < 0)
			wav_writer_fail(writer, result);
	}
	writer->dirty = false;
}

static void wav_writer_wait(struct wav_writer *writer)
{
	struct pollfd wake = { .fd = writer->wake_fd, .events = POLLIN };
	uint64_t now = clock_now_ns();
	uint64_t left_ns = writer->update_ns > now ? writer->update_ns - now : 0;
	uint64_t count;

	if (poll(&wake, 1, writer->dirty ? (int)(left_ns / 1000000) + 1 : -1) > 0 &&
	    read(writer->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error("sound: cannot read a wake-up eventfd: %s", strerror(errno));
}

static void *wav_writer_main(void *data)
{
	struct wav_writer *writer = data;
	bool quit;
	int result;

	pthread_setname_np(pthread_self(), "wav");
	do {
		wav_writer_wait(writer);
		/* Acquire, before the ring is looked at: everything was pushed before it was set. */
		quit = atomic_load_explicit(&writer->quit, memory_order_acquire);
		wav_writer_drain(writer);
		if (writer->dirty && (quit || clock_now_ns() >= writer->update_ns))
			wav_writer_update(writer);
	} while (!quit);
	result = wav_file_close(&writer->file);
	if (result < 0)
		wav_writer_fail(writer, result);
	return NULL;
}

/* --- life -------------------------------------------------------------------------------- */

static void wav_writer_free(struct wav_writer *writer)
{
	wav_file_close(&writer->file);
	if (writer->wake_fd >= 0)
		close(writer->wake_fd);
	free(writer->ring);
	free(writer->path);
	free(writer);
}

static int wav_writer_init(struct wav_writer *writer, const char *path)
{
	/* What an empty file says of itself. */
	struct audio_params params = {
		.format = AUDIO_FORMAT_S16, .rate = 48000, .channels = 2, .period_frames = 1,
	};
	int result;

	audio_positions_default(params.positions, params.channels);
	writer->path = strdup(path);
	writer->ring = malloc(WAV_RING_BYTES);
	if (!writer->path || !writer->ring)
		return -ENOMEM;
	/* Touched now, so that the audio loop does not wait for pages later. */
	memset(writer->ring, 0, WAV_RING_BYTES);
	writer->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (writer->wake_fd < 0)
		return -errno;
	result = wav_file_create(&writer->file, path, &params, writer->max_data_bytes);
	if (result == 0)
		result = -pthread_create(&writer->thread, NULL, wav_writer_main, writer);
	return result;
}

struct wav_writer *wav_writer_create(const char *path, uint32_t max_data_bytes)
{
	struct wav_writer *writer = calloc(1, sizeof(*writer));
	int result;

	if (!writer)
		return NULL;
	writer->wake_fd = writer->file.fd = -1;
	writer->file_number = 1;
	writer->max_data_bytes = max_data_bytes;
	result = wav_writer_init(writer, path);
	if (result == 0)
		return writer;
	wav_writer_free(writer);
	errno = -result;
	return NULL;
}

void wav_writer_destroy(struct wav_writer *writer)
{
	/* Release: orders the last push before it. */
	atomic_store_explicit(&writer->quit, true, memory_order_release);
	wav_writer_wake(writer);
	pthread_join(writer->thread, NULL);
	wav_writer_free(writer);
}
