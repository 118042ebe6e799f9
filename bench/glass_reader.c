/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "glass_path.h"

#include <base/clock.h>
#include <errno.h>
#include <fake/guest.h>
#include <fake/lg_client.h>
#include <ivshmem/copy.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/segment.h>
#include <ivshmem/slots_reader.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* As Looking Glass B7's threads do. */
#define READER_POLL_NS 1000000

struct glass_rect glass_damage(const struct glass_case *what)
{
	if (what->full)
		return (struct glass_rect){ 0, 0, what->width, what->height };
	return (struct glass_rect){ what->width / 2 & ~31u, what->height / 2, 64, 64 };
}

/* The number of the frame that is in the reader's memory now. */
static void reader_note(const struct glass_reader_config *config, const uint32_t *pixels,
			size_t stride)
{
	struct glass_rect rect = glass_damage(config->what);
	uint32_t first = pixels[rect.y * stride + rect.x];
	uint32_t last = pixels[(rect.y + rect.height - 1) * stride + rect.x + rect.width - 1];

	if (first != last)
		config->control->torn++;
	else if (first && first < GLASS_MAX_FRAMES && !config->control->taken_ns[first])
		config->control->taken_ns[first] = clock_now_ns();
	config->control->last_taken = first;
}

/* --- polled ------------------------------------------------------------------------------ */

static void reader_run_polled(const struct glass_reader_config *config)
{
	const struct timespec nap = { .tv_nsec = READER_POLL_NS };
	struct lg_client *client = lg_client_create(config->fd);
	const struct lg_client_state *state;
	uint32_t frames = 0;

	if (!client)
		fake_fail("the client cannot map the region: %m");
	state = lg_client_state(client);
	while (!config->control->quit) {
		lg_client_step(client, clock_now_ns() / 1000000);
		if (state->end)
			fake_fail("the client has ended: %s", state->fault);
		if (state->frames != frames)
			reader_note(config, state->pixels, state->stride);
		frames = state->frames;
		if (state->attached)
			config->control->attached = true;
		nanosleep(&nap, NULL);
	}
	lg_client_leave(client);
	lg_client_destroy(client);
}

/* --- rung for ---------------------------------------------------------------------------- */

static void reader_copy(const struct glass_reader_config *config, const struct slots_frame *frame,
			uint32_t *pixels)
{
	for (uint32_t i = 0; i < frame->damage.count; i++) {
		const struct video_rect *rect = &frame->damage.rects[i];
		size_t at = (size_t)rect->y * config->what->width + rect->x;

		shared_copy_rows(pixels + at, (size_t)config->what->width * 4,
				 frame->pixels + (size_t)rect->y * frame->pitch + rect->x * 4u,
				 frame->pitch, (size_t)rect->width * 4, rect->height);
	}
}

static void reader_take(const struct glass_reader_config *config, struct slots_reader *slots,
			uint32_t *pixels)
{
	struct slots_frame frame;
	int result;

	do {
		result = slots_reader_begin(slots, &frame);
		if (result == 1 && (frame.width != config->what->width ||
				    frame.height != config->what->height))
			fake_fail("a frame of another size");
		if (result == 1)
			reader_copy(config, &frame, pixels);
		if (result < 0 && result != -EAGAIN)
			fake_fail("reading a frame: %s", strerror(-result));
	} while (result == -EAGAIN || (result == 1 && !slots_reader_end(slots, &frame)));
	if (result != 1)
		return;
	reader_note(config, pixels, config->what->width);
	if (config->control->last_taken < GLASS_MAX_FRAMES)
		config->control->published_ns[config->control->last_taken] = frame.publish_ns;
}

static void reader_run_doorbell(const struct glass_reader_config *config)
{
	struct segment *segment = segment_attach_fd(config->fd);
	struct slots_reader *slots = segment ? slots_reader_create(segment, 0) : NULL;
	uint32_t *pixels = calloc(config->what->height, (size_t)config->what->width * 4);
	struct pollfd bell = { .fd = config->doorbell, .events = POLLIN };

	if (!slots || !pixels)
		fake_fail("the reader cannot attach: %m");
	config->control->attached = true;
	while (!config->control->quit) {
		if (poll(&bell, 1, -1) > 0 && doorbell_eventfd_clear(config->doorbell))
			reader_take(config, slots, pixels);
	}
	slots_reader_destroy(slots);
	segment_destroy(segment);
	free(pixels);
}

pid_t glass_reader_start(enum glass_way way, const struct glass_reader_config *config)
{
	pid_t pid = fork();

	if (pid < 0)
		fake_fail("fork: %m");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (way == GLASS_WAY_POLLED)
		reader_run_polled(config);
	else
		reader_run_doorbell(config);
	_exit(0);
}
