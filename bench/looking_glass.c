/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What polling costs: the same frames to a Looking Glass client as B7 is (our test client: it looks
 * every millisecond) and to our own reader, which sleeps until a doorbell rings. Both copy the
 * damage into memory of their own, as their clients do for a texture; then the frame counts as
 * taken. One after the other in the same run, case by case, each with its real bridge on a thread of
 * its own.
 */
#include "bench.h"
#include "glass_path.h"

#include <base/clock.h>
#include <base/log.h>
#include <capture/looking_glass.h>
#include <fake/guest.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/segment.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BENCH_WARM_UP 12u
#define BENCH_RATE 60u
#define BENCH_PERIOD_NS (1000000000 / BENCH_RATE)
#define BENCH_PATIENCE_NS UINT64_C(10000000000)

static const struct glass_case bench_cases[] = {
	{ 1280, 720, true }, { 1280, 720, false }, { 1920, 1080, true }, { 1920, 1080, false },
};
static const char *const bench_way_names[GLASS_WAYS] = { "polled", "doorbell" };

struct bench {
	enum glass_way way;
	struct glass_reader_config reader;
	pid_t pid;
	struct glass_screen *screen;
	uint32_t next;                  /* frame */
};

struct bench_load {
	double host_cpu, reader_cpu;    /* per cent of one CPU */
	double host_runs, reader_runs;  /* times a second that it was put on a CPU */
};

struct bench_result {
	double p50_us, p99_us;          /* published -> taken */
	double shown_p50_us, shown_p99_us;      /* shown by the guest -> taken */
	uint32_t samples, skipped;
	struct bench_load load;
};

static void bench_open(struct bench *bench, enum glass_way way, const struct glass_case *what)
{
	static const struct segment_config config = { .name = "bench", .scanout_count = 1 };

	*bench = (struct bench){ .way = way, .next = 1 };
	bench->reader.what = what;
	bench->reader.doorbell = -1;
	bench->reader.control = mmap(NULL, sizeof(struct glass_control), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (way == GLASS_WAY_POLLED) {
		bench->reader.fd = memfd_create("looking-glass", MFD_CLOEXEC);
		if (ftruncate(bench->reader.fd, LOOKING_GLASS_DEFAULT_BYTES))
			fake_fail("no region: %m");
	} else {
		bench->reader.segment = segment_create_memfd(&config);
		bench->reader.doorbell = doorbell_eventfd_create();
		if (!bench->reader.segment || bench->reader.doorbell < 0)
			fake_fail("no segment: %m");
		bench->reader.fd = segment_fd(bench->reader.segment);
	}
	if (bench->reader.control == MAP_FAILED)
		fake_fail("no control page: %m");
}

static void bench_start_reader(struct bench *bench)
{
	uint64_t end_ns = clock_now_ns() + BENCH_PATIENCE_NS;

	while (!bench->reader.control->attached && clock_now_ns() < end_ns)
		usleep(1000);
	if (!bench->reader.control->attached)
		fake_fail("the reader does not attach");
}

static void bench_close(struct bench *bench)
{
	int status = 0;

	if (bench->pid) {
		bench->reader.control->quit = true;
		if (bench->way == GLASS_WAY_DOORBELL)
			doorbell_eventfd_ring(bench->reader.doorbell);
		if (waitpid(bench->pid, &status, 0) < 0 || status)
			fake_fail("the reader ended with status %d", status);
	}
	glass_screen_destroy(bench->screen);
	munmap(bench->reader.control, sizeof(struct glass_control));
	if (bench->way == GLASS_WAY_POLLED) {
		close(bench->reader.fd);
		return;
	}
	segment_destroy(bench->reader.segment);
	close(bench->reader.doorbell);
}

/* --- load -------------------------------------------------------------------------------- */

struct bench_meter {
	uint64_t start_ns;
	struct glass_cost host, reader;
};

static void bench_meter_start(const struct bench *bench, struct bench_meter *meter)
{
	meter->start_ns = clock_now_ns();
	meter->host = glass_screen_cost(bench->screen);
	meter->reader = bench->pid ? glass_process_cost(bench->pid) : (struct glass_cost){ 0 };
}

static struct bench_load bench_meter_read(const struct bench *bench,
					  const struct bench_meter *meter)
{
	double elapsed_ns = (double)(clock_now_ns() - meter->start_ns);
	struct bench_meter now;

	bench_meter_start(bench, &now);
	return (struct bench_load){
		.host_cpu = 100 * (double)(now.host.cpu_ns - meter->host.cpu_ns) / elapsed_ns,
		.host_runs = 1e9 * (double)(now.host.runs - meter->host.runs) / elapsed_ns,
		.reader_cpu = 100 * (double)(now.reader.cpu_ns - meter->reader.cpu_ns) / elapsed_ns,
		.reader_runs = 1e9 * (double)(now.reader.runs - meter->reader.runs) / elapsed_ns,
	};
}

/* --- frames ------------------------------------------------------------------------------ */

/* Frames at their rate; after a late one the next has its full time. */
static void bench_show(struct bench *bench, uint32_t count, uint64_t *shown_ns)
{
	uint64_t next_ns = clock_now_ns();
	struct timespec next;

	for (uint32_t i = 0; i < count; i++, bench->next++) {
		next_ns += BENCH_PERIOD_NS;
		next.tv_sec = (time_t)(next_ns / 1000000000);
		next.tv_nsec = (long)(next_ns % 1000000000);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		shown_ns[bench->next] = glass_screen_show(bench->screen, bench->next);
		if (shown_ns[bench->next] > next_ns + BENCH_PERIOD_NS / 4)
			next_ns = shown_ns[bench->next];
	}
}

static void bench_wait_last(const struct bench *bench)
{
	uint64_t end_ns = clock_now_ns() + BENCH_PATIENCE_NS;

	while (bench->reader.control->last_taken != bench->next - 1) {
		if (clock_now_ns() > end_ns)
			fake_fail("the reader never took frame %u", bench->next - 1);
		usleep(1000);
	}
	if (bench->reader.control->torn)
		fake_fail("%u frames were torn", bench->reader.control->torn);
}

static void bench_evaluate(const struct bench *bench, uint64_t *shown_ns,
			   struct bench_result *result)
{
	const struct glass_control *control = bench->reader.control;
	uint64_t *latencies = calloc(bench->next, sizeof(*latencies));
	uint32_t count = 0;

	if (!latencies)
		fake_fail("no memory");
	for (uint32_t i = BENCH_WARM_UP + 1; i < bench->next; i++) {
		if (!control->taken_ns[i] || !control->published_ns[i]) {
			result->skipped++;
			continue;
		}
		latencies[count] = control->taken_ns[i] - control->published_ns[i];
		shown_ns[count++] = control->taken_ns[i] - shown_ns[i];
	}
	result->samples = count;
	if (count) {
		result->p50_us = bench_percentile_us(latencies, count, 50);
		result->p99_us = bench_percentile_us(latencies, count, 99);
		result->shown_p50_us = bench_percentile_us(shown_ns, count, 50);
		result->shown_p99_us = bench_percentile_us(shown_ns, count, 99);
	}
	free(latencies);
}

static void bench_run_frames(enum glass_way way, const struct glass_case *what, uint32_t samples,
			     struct bench_result *result)
{
	uint64_t *shown_ns = calloc(GLASS_MAX_FRAMES, sizeof(*shown_ns));
	struct bench_meter meter;
	struct bench bench;

	if (!shown_ns)
		fake_fail("no memory");
	bench_open(&bench, way, what);
	bench.pid = glass_reader_start(way, &bench.reader);
	bench.screen = glass_screen_create(way, what, &bench.reader);
	bench_start_reader(&bench);
	bench_show(&bench, BENCH_WARM_UP, shown_ns);
	bench_meter_start(&bench, &meter);
	bench_show(&bench, samples, shown_ns);
	result->load = bench_meter_read(&bench, &meter);
	bench_wait_last(&bench);
	bench_evaluate(&bench, shown_ns, result);
	bench_close(&bench);
	free(shown_ns);
}

/* A still picture, with a reader or with none. */
static struct bench_load bench_run_idle(enum glass_way way, bool with_reader, uint32_t seconds)
{
	const struct timespec time = { .tv_sec = seconds };
	const struct glass_case *what = &bench_cases[0];
	uint64_t shown_ns[4];
	struct bench_meter meter;
	struct bench_load load;
	struct bench bench;

	bench_open(&bench, way, what);
	if (with_reader)
		bench.pid = glass_reader_start(way, &bench.reader);
	bench.screen = glass_screen_create(way, what, &bench.reader);
	if (with_reader)
		bench_start_reader(&bench);
	bench_show(&bench, 2, shown_ns);
	if (with_reader)
		bench_wait_last(&bench);
	bench_meter_start(&bench, &meter);
	nanosleep(&time, NULL);
	load = bench_meter_read(&bench, &meter);
	bench_close(&bench);
	return load;
}

/* --- output ------------------------------------------------------------------------------ */

static void bench_print_frames(enum glass_way way, const struct glass_case *what,
			       const struct bench_result *result, bool json)
{
	const char *damage = what->full ? "full" : "64x64";
	char size[32];

	snprintf(size, sizeof(size), "%ux%u", what->width, what->height);
	if (json)
		printf("{\"bench\":\"looking_glass\",\"way\":\"%s\",\"width\":%u,\"height\":%u,"
		       "\"damage\":\"%s\",\"samples\":%u,\"skipped\":%u,\"p50_us\":%.1f,"
		       "\"p99_us\":%.1f,\"shown_p50_us\":%.1f,\"shown_p99_us\":%.1f,"
		       "\"host_cpu_percent\":%.2f,\"reader_cpu_percent\":%.2f}\n",
		       bench_way_names[way], what->width, what->height, damage, result->samples,
		       result->skipped, result->p50_us, result->p99_us, result->shown_p50_us,
		       result->shown_p99_us, result->load.host_cpu, result->load.reader_cpu);
	else
		printf("%-10s %-6s %-8s %7u %7u %9.1f %9.1f %9.1f %9.1f %7.2f %8.2f\n", size,
		       damage, bench_way_names[way], result->samples, result->skipped, result->p50_us,
		       result->p99_us, result->shown_p50_us, result->shown_p99_us,
		       result->load.host_cpu, result->load.reader_cpu);
	fflush(stdout);
}

static void bench_print_idle(enum glass_way way, bool with_reader, const struct bench_load *load,
			     bool json)
{
	printf(json ? "{\"bench\":\"looking_glass_idle\",\"way\":\"%s\",\"reader\":%s,"
		      "\"host_cpu_percent\":%.3f,\"host_runs_per_s\":%.1f,"
		      "\"reader_cpu_percent\":%.3f,\"reader_runs_per_s\":%.1f}\n" :
		      "%-8s %-6s %8.3f %8.1f %9.3f %9.1f\n",
	       bench_way_names[way], json ? (with_reader ? "true" : "false") :
					    (with_reader ? "yes" : "no"),
	       load->host_cpu, load->host_runs, load->reader_cpu, load->reader_runs);
	fflush(stdout);
}

static void bench_run(uint32_t samples, uint32_t idle_seconds, bool json)
{
	if (!json)
		printf("%u frames a second. p50, p99: published -> taken; shown: the guest's frame "
		       "-> taken; us. CPU: per cent\n"
		       "%-10s %-6s %-8s %7s %7s %9s %9s %9s %9s %7s %8s\n",
		       BENCH_RATE, "size", "damage", "way", "samples", "skipped", "p50", "p99",
		       "shown p50", "shown p99", "host %", "reader %");
	/* Or the readers have it in their buffers too. */
	fflush(stdout);
	for (size_t i = 0; i < sizeof(bench_cases) / sizeof(bench_cases[0]); i++) {
		for (enum glass_way way = 0; way < GLASS_WAYS; way++) {
			struct bench_result result = { 0 };

			bench_run_frames(way, &bench_cases[i], samples, &result);
			bench_print_frames(way, &bench_cases[i], &result, json);
		}
	}
	if (!json)
		printf("a still picture\n%-8s %-6s %8s %8s %9s %9s\n", "way", "reader", "host %",
		       "runs/s", "reader %", "runs/s");
	for (enum glass_way way = 0; way < GLASS_WAYS; way++) {
		for (int with_reader = 0; with_reader < 2; with_reader++) {
			struct bench_load load = bench_run_idle(way, with_reader, idle_seconds);

			bench_print_idle(way, with_reader, &load, json);
		}
	}
}

struct bench_config {
	bool json;
	uint32_t samples, idle_seconds;
};

static const struct option_def bench_options[] = {
	{ "json", OPTION_BOOL, offsetof(struct bench_config, json),
	  .help = "one JSON object per line" },
	{ "samples", OPTION_UINT, offsetof(struct bench_config, samples), 1,
	  GLASS_MAX_FRAMES - BENCH_WARM_UP - 2, .help = "frames of each case (600)" },
	{ "idle-seconds", OPTION_UINT, offsetof(struct bench_config, idle_seconds), 1, 3600,
	  .help = "of a still picture (10)" },
};

int main(int argc, char **argv)
{
	struct bench_config config = { .samples = 600, .idle_seconds = 10 };
	int status;

	log_init(NULL);
	status = bench_options_parse(bench_options, sizeof(bench_options) / sizeof(*bench_options),
				     &config, argc, argv);
	if (status != BENCH_GO_ON)
		return status;
	bench_run(config.samples, config.idle_seconds, config.json);
	return 0;
}
