/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frame_path.h"

#include <base/clock.h>
#include <fake/guest.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/segment.h>
#include <ivshmem/slots_reader.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define READER_TIMEOUT_MS 5000
#define READER_COMPARE_EVERY 32         /* frames; the whole picture, not only the damage */

/* Shared between the two processes; one frame is under way at a time. */
struct frame_reader_control {
	struct frame_rect rect;
	uint64_t base;
	struct frame_times times;
	_Atomic bool quit;
};

struct frame_reader {
	struct frame_reader_control *control;
	pid_t pid;
	int doorbell;
	int done;                       /* eventfd: the reader has checked a frame */
};

/* The process: its own picture, kept only by what was expected, and how many frames it saw. */
struct frame_checker {
	struct segment *segment;
	struct slots_reader *slots;
	struct frame_reader_control *control;
	uint8_t *mirror;
	size_t bytes;
	uint64_t frames;
};

static bool checker_damage_covers(const struct video_damage *damage, const struct frame_rect *rect)
{
	for (uint32_t i = 0; i < damage->count; i++) {
		const struct video_rect *told = &damage->rects[i];

		if (told->x <= rect->x && told->y <= rect->y &&
		    told->x + told->width >= rect->x + rect->width &&
		    told->y + told->height >= rect->y + rect->height)
			return true;
	}
	return false;
}

/* Between begin and end. */
static uint64_t checker_check(const struct frame_checker *checker, const struct slots_frame *frame)
{
	const struct frame_reader_control *control = checker->control;

	if (!checker_damage_covers(&frame->damage, &control->rect))
		fake_fail("frame %llu does not name the damage", (unsigned long long)frame->sequence);
	if (!frame_pattern_check(frame->pixels, frame->pitch, &control->rect, control->base))
		fake_fail("frame %llu has wrong pixels", (unsigned long long)frame->sequence);
	return clock_now_ns();
}

/* Outside of the damage nothing may have changed: not timed, and not every time. */
static void checker_compare_rest(struct frame_checker *checker, const struct slots_frame *frame)
{
	frame_pattern_fill(checker->mirror, frame->pitch, &checker->control->rect,
			   checker->control->base);
	if (checker->frames++ % READER_COMPARE_EVERY == 0 &&
	    memcmp(checker->mirror, frame->pixels, checker->bytes))
		fake_fail("frame %llu is wrong outside of its damage",
			  (unsigned long long)frame->sequence);
}

/* True when a frame was checked. */
static bool checker_look(struct frame_checker *checker)
{
	struct slots_frame frame;
	uint64_t checked_ns;
	int result = slots_reader_begin(checker->slots, &frame);

	if (result < 0)
		fake_fail("reading a frame: %s", strerror(-result));
	if (result == 0)
		return false;
	checked_ns = checker_check(checker, &frame);
	checker_compare_rest(checker, &frame);
	if (!slots_reader_end(checker->slots, &frame))
		fake_fail("frame %llu was torn", (unsigned long long)frame.sequence);
	checker->control->times = (struct frame_times){ frame.publish_ns, checked_ns };
	return true;
}

static _Noreturn void checker_run(const struct frame_reader *reader, int segment_fd,
				  const struct frame_case *what)
{
	struct frame_checker checker = {
		.segment = segment_attach_fd(segment_fd),
		.control = reader->control,
		.bytes = (size_t)what->width * what->height * 4,
	};
	struct pollfd bell = { .fd = reader->doorbell, .events = POLLIN };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	checker.slots = checker.segment ? slots_reader_create(checker.segment, 0) : NULL;
	checker.mirror = calloc(1, checker.bytes);
	if (!checker.slots || !checker.mirror)
		fake_fail("the reader cannot attach: %m");
	while (!atomic_load(&reader->control->quit)) {
		if (poll(&bell, 1, -1) < 0 || !doorbell_eventfd_clear(reader->doorbell))
			continue;
		if (checker_look(&checker))
			doorbell_eventfd_ring(reader->done);
	}
	slots_reader_destroy(checker.slots);
	segment_destroy(checker.segment);
	free(checker.mirror);
	_exit(0);
}

struct frame_reader *frame_reader_start(int segment_fd, int doorbell, const struct frame_case *what)
{
	struct frame_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		fake_fail("no memory for a reader");
	reader->doorbell = doorbell;
	reader->done = doorbell_eventfd_create();
	reader->control = mmap(NULL, sizeof(*reader->control), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (reader->done < 0 || reader->control == MAP_FAILED)
		fake_fail("the reader's control page: %m");
	reader->pid = fork();
	if (reader->pid < 0)
		fake_fail("fork: %m");
	if (reader->pid == 0)
		checker_run(reader, segment_fd, what);
	return reader;
}

void frame_reader_stop(struct frame_reader *reader)
{
	int status;

	atomic_store(&reader->control->quit, true);
	doorbell_eventfd_ring(reader->doorbell);
	if (waitpid(reader->pid, &status, 0) < 0 || status != 0)
		fake_fail("the reader ended with status %d", status);
	munmap(reader->control, sizeof(*reader->control));
	close(reader->done);
	free(reader);
}

void frame_reader_expect(struct frame_reader *reader, const struct frame_rect *rect, uint64_t base)
{
	reader->control->rect = *rect;
	reader->control->base = base;
}

struct frame_times frame_reader_wait(struct frame_reader *reader)
{
	struct pollfd done = { .fd = reader->done, .events = POLLIN };

	if (poll(&done, 1, READER_TIMEOUT_MS) != 1 || !doorbell_eventfd_clear(reader->done))
		fake_fail("the reader has seen no frame for %d ms", READER_TIMEOUT_MS);
	return reader->control->times;
}
