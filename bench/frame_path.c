/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast frames get from a guest's flush to a client: a fake guest draws and flushes, the real
 * gpu device and the real capture bridge carry the frame, a reader process that sleeps on its
 * doorbell checks every 64-bit word of the damage.
 *
 * In the same run and between the frames: memcpy of the same bytes, from memory the guest has
 * just drawn into one of as many buffers in shared memory as there are slots.
 */
#include "bench.h"
#include "frame_path.h"

#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <capture/capture.h>
#include <display/surface.h>
#include <errno.h>
#include <fake/guest.h>
#include <ivshmem/doorbell_eventfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BENCH_WARM_UP 12                /* frames: every slot and buffer was used */
#define BENCH_SLOTS SEGMENT_DEFAULT_SLOTS

static const struct frame_case bench_cases[] = {
	{ 1280, 720, true, true },  { 1280, 720, false, true },
	{ 1920, 1080, true, true }, { 1920, 1080, false, true },
	{ 3840, 2160, true, true }, { 3840, 2160, false, true },
	{ 1280, 720, true, false },  { 1280, 720, false, false },
	{ 1920, 1080, true, false }, { 1920, 1080, false, false },
	{ 3840, 2160, true, false }, { 3840, 2160, false, false },
};

struct bench {
	struct frame_case what;
	struct loop *loop;
	struct display *display;
	struct segment *segment;
	struct capture *capture;
	struct frame_guest *guest;
	struct frame_reader *reader;
	int doorbell;
	uint8_t *copies;                /* the memcpy's targets */
	size_t frame_bytes;
	uint64_t frames;
};

/* All in nanoseconds, one per frame. */
struct bench_samples {
	size_t count;
	uint64_t *checked;              /* flush -> the reader has checked the pixels */
	uint64_t *published;            /* flush -> the copy is complete and published */
	uint64_t *copied;               /* memcpy of the same bytes */
	uint64_t damaged_bytes;
	uint64_t copied_bytes;          /* by the bridge */
};

struct bench_result {
	double p50_us, p99_us, memcpy_us, memcpy_ratio, copied_per_damaged;
};

static void bench_start(struct bench *bench, const struct frame_case *what)
{
	const struct segment_config config = { .name = "bench", .scanout_count = 1 };

	bench->what = *what;
	bench->frame_bytes = (size_t)what->width * what->height * 4;
	bench->segment = segment_create_memfd(&config);
	bench->doorbell = doorbell_eventfd_create();
	bench->copies = mmap(NULL, bench->frame_bytes * BENCH_SLOTS, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!bench->segment || bench->doorbell < 0 || bench->copies == MAP_FAILED)
		fake_fail("no shared memory: %m");
	/* No page of the targets is touched for the first time while the clock runs. */
	memset(bench->copies, 1, bench->frame_bytes * BENCH_SLOTS);
	/* Before there are threads. */
	bench->reader = frame_reader_start(segment_fd(bench->segment), bench->doorbell, what);
	bench->loop = loop_create("gpu");
	bench->display = bench->loop ? display_create(bench->loop, 1) : NULL;
	if (!bench->display || loop_start(bench->loop))
		fake_fail("no display: %m");
	bench->capture = capture_create(bench->display, bench->segment);
	if (!bench->capture || capture_add_doorbell(bench->capture, bench->doorbell))
		fake_fail("no capture: %m");
	bench->guest = frame_guest_create(bench->loop, bench->display, what);
}

static void bench_finish(struct bench *bench)
{
	frame_reader_stop(bench->reader);
	capture_remove_doorbell(bench->capture, bench->doorbell);
	capture_destroy(bench->capture);
	frame_guest_destroy(bench->guest);
	loop_stop(bench->loop);
	display_destroy(bench->display);
	loop_destroy(bench->loop);
	segment_destroy(bench->segment);
	munmap(bench->copies, bench->frame_bytes * BENCH_SLOTS);
	close(bench->doorbell);
}

static uint64_t bench_next_base(struct bench *bench)
{
	return ++bench->frames * UINT64_C(0x9e3779b97f4a7c15);
}

/* One frame through the whole path. */
static size_t bench_frame(struct bench *bench, uint64_t *checked_ns, uint64_t *published_ns)
{
	uint64_t base = bench_next_base(bench), start_ns;
	struct frame_rect rect = frame_guest_draw(bench->guest, base);
	struct frame_times times;

	frame_reader_expect(bench->reader, &rect, base);
	start_ns = frame_guest_flush(bench->guest);
	times = frame_reader_wait(bench->reader);
	*published_ns = times.published_ns - start_ns;
	*checked_ns = times.checked_ns - start_ns;
	return (size_t)rect.width * rect.height * 4;
}

/* The same bytes by memcpy: just drawn, then copied into the next of the rotating buffers. */
static uint64_t bench_memcpy(struct bench *bench, size_t index, const struct frame_rect *rect)
{
	size_t pitch = (size_t)bench->what.width * 4;
	uint8_t *to = bench->copies + index % BENCH_SLOTS * bench->frame_bytes;
	const uint8_t *from = frame_guest_pixels(bench->guest);
	size_t at = rect->y * pitch + rect->x * 4;
	uint64_t start_ns = clock_now_ns();

	if (rect->width == bench->what.width) {
		memcpy(to, from, bench->frame_bytes);
	} else {
		for (uint32_t y = 0; y < rect->height; y++)
			memcpy(to + at + y * pitch, from + at + y * pitch, rect->width * 4);
	}
	/* The copies are real even if nobody looks. */
	__asm__ volatile("" : : "r"(to) : "memory");
	return clock_now_ns() - start_ns;
}

static uint64_t bench_memcpy_sample(struct bench *bench, size_t index)
{
	uint64_t base = bench_next_base(bench), copied_ns;
	struct frame_rect rect = frame_guest_draw(bench->guest, base);

	copied_ns = bench_memcpy(bench, index, &rect);
	/* The reader's own picture must not miss what was drawn. */
	frame_reader_expect(bench->reader, &rect, base);
	frame_guest_flush(bench->guest);
	frame_reader_wait(bench->reader);
	return copied_ns;
}

static uint64_t bench_bridge_bytes(const struct bench *bench)
{
	struct capture_stats stats;

	capture_read_stats(bench->capture, &stats);
	return stats.bytes_copied;
}

static void bench_measure(struct bench *bench, struct bench_samples *samples)
{
	uint64_t ignored_a, ignored_b, before;

	for (size_t i = 0; i < BENCH_WARM_UP; i++) {
		bench_frame(bench, &ignored_a, &ignored_b);
		bench_memcpy_sample(bench, i);
	}
	for (size_t i = 0; i < samples->count; i++) {
		samples->copied[i] = bench_memcpy_sample(bench, i);
		before = bench_bridge_bytes(bench);
		samples->damaged_bytes += bench_frame(bench, &samples->checked[i],
						      &samples->published[i]);
		samples->copied_bytes += bench_bridge_bytes(bench) - before;
	}
}

static void bench_evaluate(struct bench_samples *samples, struct bench_result *result)
{
	double published_us = bench_percentile_us(samples->published, samples->count, 50);

	result->p50_us = bench_percentile_us(samples->checked, samples->count, 50);
	result->p99_us = bench_percentile_us(samples->checked, samples->count, 99);
	result->memcpy_us = bench_percentile_us(samples->copied, samples->count, 50);
	result->memcpy_ratio = result->memcpy_us / published_us;
	result->copied_per_damaged = (double)samples->copied_bytes /
				     (double)samples->damaged_bytes;
}

static void bench_print_head(bool json)
{
	if (json)
		return;
	printf("p50, p99: guest flush -> reader process has checked the pixels. Ratio: throughput to\n"
	       "memcpy's of the same bytes (p50 of guest flush -> published, p50 of memcpy).\n");
	printf("%-9s %-10s %-6s %9s %9s %10s %7s %8s\n", "mode", "size", "damage", "p50 us",
	       "p99 us", "memcpy us", "ratio", "copied/B");
}

static void bench_print(const struct frame_case *what, const struct bench_result *result, bool json)
{
	const char *mode = what->blob ? "blob" : "transfer";
	const char *damage = what->full ? "full" : "64x64";
	char size[32];

	if (json) {
		printf("{\"bench\":\"frame_path\",\"mode\":\"%s\",\"width\":%u,\"height\":%u,"
		       "\"damage\":\"%s\",\"memcpy_ratio\":%.3f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
		       "\"memcpy_us\":%.1f,\"bytes_copied_per_damaged_byte\":%.3f}\n",
		       mode, what->width, what->height, damage, result->memcpy_ratio,
		       result->p50_us, result->p99_us, result->memcpy_us,
		       result->copied_per_damaged);
	} else {
		snprintf(size, sizeof(size), "%ux%u", what->width, what->height);
		printf("%-9s %-10s %-6s %9.1f %9.1f %10.1f %7.2f %8.2f\n", mode, size, damage,
		       result->p50_us, result->p99_us, result->memcpy_us, result->memcpy_ratio,
		       result->copied_per_damaged);
	}
	fflush(stdout);
}

static void bench_run_case(const struct frame_case *what, size_t count, bool json)
{
	uint64_t *values = calloc(3 * count, sizeof(*values));
	struct bench_samples samples = {
		.count = count, .checked = values, .published = values + count,
		.copied = values + 2 * count,
	};
	struct bench_result result;
	struct bench bench = { 0 };

	if (!values)
		fake_fail("no memory for samples");
	bench_start(&bench, what);
	bench_measure(&bench, &samples);
	bench_finish(&bench);
	bench_evaluate(&samples, &result);
	bench_print(what, &result, json);
	free(values);
}

struct bench_config {
	bool json;
	uint32_t samples;
};

static const struct option_def bench_options[] = {
	{ "json", OPTION_BOOL, offsetof(struct bench_config, json),
	  .help = "one JSON object per line" },
	{ "samples", OPTION_UINT, offsetof(struct bench_config, samples), 1, 100000,
	  .help = "frames of each case (200)" },
};

int main(int argc, char **argv)
{
	struct bench_config config = { .samples = 200 };
	int status;

	log_init(NULL);
	status = bench_options_parse(bench_options, sizeof(bench_options) / sizeof(*bench_options),
				     &config, argc, argv);
	if (status != BENCH_GO_ON)
		return status;
	bench_print_head(config.json);
	for (size_t i = 0; i < sizeof(bench_cases) / sizeof(bench_cases[0]); i++)
		bench_run_case(&bench_cases[i], config.samples, config.json);
	return 0;
}
