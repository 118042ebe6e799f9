/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long from a guest's period to the client's callback that plays it: a fake guest, the real
 * sound device and backend on an audio loop of their own, the segment, the doorbell, and a client in a
 * second process that a timer wakes once a quantum. The guest kicks a period when the one
 * before is taken: it has no buffer that could hide anything.
 */
#include "sound_path.h"

#include "bench.h"
#include "sound_guest.h"

#include <audio/backend.h>
#include <audio/virtio_snd.h>
#include <base/clock.h>
#include <base/loop.h>
#include <capture/sound.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/segment.h>
#include <linux/virtio_snd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define BENCH_WARM_UP 20
#define BENCH_PPM 200

struct bench_case {
	uint32_t period_frames;
	uint32_t quantum_frames;
};

static const struct bench_case bench_cases[] = { { 480, 256 }, { 120, 64 } };

struct bench {
	struct loop *loop;
	struct segment *segment;
	struct audio_backend *backend;
	struct fake_guest *guest;
	struct sound_guest_stream stream;
	struct sound_client_control *control;
	pid_t client;
	int doorbell;
	uint64_t *kick_ns;
	uint64_t loop_cpu_ns;
};

struct bench_result {
	double p50_us, p99_us;
	double refill_p50_us, refill_p99_us;
	double vmm_cpu, client_cpu;     /* per cent of one CPU */
	uint64_t missed_frames, missed_on_time, late_callbacks, skipped_frames;
	uint32_t periods;
};

static void bench_note_loop_cpu(void *data)
{
	struct bench *bench = data;
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	bench->loop_cpu_ns =
		(uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000u +
		(uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000u;
}

static void bench_start_client(struct bench *bench, const struct bench_case *what)
{
	const struct segment_config config = { .name = "bench", .slot_bytes = 640 * 480 * 4 };
	struct sound_section *section;

	bench->segment = segment_create_memfd(&config);
	bench->doorbell = doorbell_eventfd_create();
	bench->control = mmap(NULL, sizeof(*bench->control), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!bench->segment || bench->control == MAP_FAILED)
		fake_fail("no segment: %m");
	bench->control->period_frames = what->period_frames;
	bench->control->quantum_frames = what->quantum_frames;
	bench->client = sound_client_start(bench->control, segment_fd(bench->segment),
					   bench->doorbell);
	section = segment_find(bench->segment, SEGMENT_SECTION_SOUND, 0, NULL);
	while (!atomic_load(&section->client.owner))
		usleep(1000);
}

static void bench_init(struct bench *bench, const struct bench_case *what)
{
	struct virtio_device *device;

	bench_start_client(bench, what);
	bench->loop = loop_create("audio");
	bench->backend = sound_capture_create(&(struct sound_capture_config){
		.audio_loop = bench->loop, .segment = bench->segment,
		.doorbell = bench->doorbell });
	if (!bench->backend)
		fake_fail("no backend: %m");
	device = virtio_snd_create(bench->loop, bench->backend);
	bench->guest = fake_guest_create(device, FAKE_LOOP_THREADED);
	if (loop_start(bench->loop) || fake_guest_start(bench->guest, FAKE_ALL_FEATURES))
		fake_fail("the sound device does not start");
	sound_guest_open(&bench->stream, bench->guest, AUDIO_PLAYBACK, VIRTIO_SND_PCM_FMT_S16,
			 VIRTIO_SND_PCM_RATE_48000, 2,
			 what->period_frames * SOUND_BENCH_FRAME_BYTES, 2);
}

static void bench_finish(struct bench *bench)
{
	fake_guest_destroy(bench->guest);
	loop_stop(bench->loop);
	bench->backend->ops->destroy(bench->backend);
	loop_destroy(bench->loop);
	segment_destroy(bench->segment);
	munmap(bench->control, sizeof(*bench->control));
	close(bench->doorbell);
	free(bench->kick_ns);
}

static void bench_play(struct bench *bench, const struct bench_case *what, uint32_t periods)
{
	uint32_t next = 0;

	sound_guest_command(&bench->stream, VIRTIO_SND_R_PCM_START);
	for (uint32_t i = 0; i < periods; i++) {
		uint32_t *frames = (uint32_t *)sound_guest_free(&bench->stream)->data;

		for (uint32_t j = 0; j < what->period_frames; j++)
			frames[j] = ++next;
		bench->kick_ns[i] = clock_now_ns();
		sound_guest_send(&bench->stream, bench->stream.period_bytes);
		sound_guest_done(&bench->stream, true);
	}
	loop_call(bench->loop, bench_note_loop_cpu, bench);
	/* Before the stream stops: what is asked for after its end is not missed. */
	atomic_store(&bench->control->quit, true);
	sound_client_wait(bench->client);
	sound_guest_command(&bench->stream, VIRTIO_SND_R_PCM_STOP);
}

/* Sorts them. */
static void bench_percentiles(uint64_t *samples_ns, uint32_t count, double *p50_us, double *p99_us)
{
	if (!count)
		return;
	*p50_us = bench_percentile_us(samples_ns, count, 50);
	*p99_us = bench_percentile_us(samples_ns, count, 99);
}

static void bench_evaluate(struct bench *bench, uint32_t periods, struct bench_result *result)
{
	struct sound_client_control *control = bench->control;
	uint32_t count = 0;

	for (uint32_t i = BENCH_WARM_UP; i < periods; i++)
		if (control->read_ns[i])        /* the last ones are still in the ring */
			bench->kick_ns[count++] = control->read_ns[i] - bench->kick_ns[i];
	result->periods = count;
	bench_percentiles(bench->kick_ns, count, &result->p50_us, &result->p99_us);
	bench_percentiles(control->refill_ns, control->refill_count, &result->refill_p50_us,
			  &result->refill_p99_us);
	result->vmm_cpu = 100 * (double)bench->loop_cpu_ns / (double)control->wall_ns;
	result->client_cpu = 100 * (double)control->cpu_ns / (double)control->wall_ns;
	result->missed_frames = control->missed_frames;
	result->missed_on_time = control->missed_on_time;
	result->skipped_frames = control->skipped_frames;
	result->late_callbacks = control->late_callbacks;
}

static void bench_print(const struct bench_case *what, const struct bench_result *result, bool json)
{
	double period_ms = 1000.0 * what->period_frames / SOUND_BENCH_RATE;
	double quantum_ms = 1000.0 * what->quantum_frames / SOUND_BENCH_RATE;

	if (json)
		printf("{\"bench\":\"sound_path\",\"period_ms\":%.1f,\"quantum_ms\":%.2f,"
		       "\"samples\":%u,\"p50_us\":%.1f,\"p99_us\":%.1f,\"refill_p50_us\":%.1f,"
		       "\"refill_p99_us\":%.1f,\"vmm_cpu_percent\":%.2f,"
		       "\"client_cpu_percent\":%.2f,\"missed_frames\":%llu,"
		       "\"missed_on_time\":%llu,\"late_callbacks\":%llu,"
		       "\"skipped_frames\":%llu}\n",
		       period_ms, quantum_ms, result->periods, result->p50_us, result->p99_us,
		       result->refill_p50_us, result->refill_p99_us, result->vmm_cpu,
		       result->client_cpu, (unsigned long long)result->missed_frames,
		       (unsigned long long)result->missed_on_time,
		       (unsigned long long)result->late_callbacks,
		       (unsigned long long)result->skipped_frames);
	else
		printf("%9.1f %10.2f %7u %9.1f %9.1f %9.1f %9.1f %7.2f %7.2f %7llu %7llu %5llu "
		       "%7llu\n",
		       period_ms, quantum_ms, result->periods, result->p50_us, result->p99_us,
		       result->refill_p50_us, result->refill_p99_us, result->vmm_cpu,
		       result->client_cpu, (unsigned long long)result->missed_frames,
		       (unsigned long long)result->missed_on_time,
		       (unsigned long long)result->late_callbacks,
		       (unsigned long long)result->skipped_frames);
}

static void bench_run_case(const struct bench_case *what, uint32_t samples, bool json)
{
	/* As long for short periods as for long ones. */
	uint32_t periods = (uint32_t)((uint64_t)samples * bench_cases[0].period_frames /
				      what->period_frames) + BENCH_WARM_UP;
	struct bench_result result = { 0 };
	struct bench bench = { .kick_ns = calloc(periods, sizeof(uint64_t)) };

	if (!bench.kick_ns)
		fake_fail("no memory");
	bench_init(&bench, what);
	bench_play(&bench, what, periods);
	bench_evaluate(&bench, periods, &result);
	bench_finish(&bench);
	bench_print(what, &result, json);
}

/* 0: nothing was lost. */
static int bench_run_drift(int ppm, uint32_t minutes, bool json)
{
	struct sound_drift drift = { .ppm = ppm, .minutes = minutes };

	sound_drift_run(&drift);
	printf(json ? "{\"bench\":\"sound_drift\",\"ppm\":%d,\"minutes\":%u,\"frames\":%llu,"
		      "\"underruns\":%llu,\"overruns\":%llu}\n" :
		      "%6d %8u %12llu %10llu %10llu\n",
	       drift.ppm, drift.minutes, (unsigned long long)drift.frames,
	       (unsigned long long)drift.underruns, (unsigned long long)drift.overruns);
	return drift.underruns || drift.overruns;
}

static int bench_run(uint32_t samples, uint32_t minutes, bool json)
{
	int failed;

	if (!json) {
		printf("guest's kick -> client's callback\n");
		printf("%9s %10s %7s %9s %9s %9s %9s %7s %7s %7s %7s %5s %7s\n", "period ms",
		       "quantum ms", "samples", "p50 us", "p99 us", "refill50", "refill99", "vmm %", "client%",
		       "missed", "on time", "late", "skipped");
	}
	for (size_t i = 0; i < sizeof(bench_cases) / sizeof(bench_cases[0]); i++)
		bench_run_case(&bench_cases[i], samples, json);
	if (!json)
		printf("simulated clocks apart\n%6s %8s %12s %10s %10s\n", "ppm", "minutes",
		       "frames", "underruns", "overruns");
	failed = bench_run_drift(BENCH_PPM, minutes, json);
	failed |= bench_run_drift(-BENCH_PPM, minutes, json);
	return failed;
}

struct bench_config {
	bool json;
	uint32_t samples, minutes;
};

static const struct option_def bench_options[] = {
	{ "json", OPTION_BOOL, offsetof(struct bench_config, json),
	  .help = "one JSON object per line" },
	{ "samples", OPTION_UINT, offsetof(struct bench_config, samples), 1, 20000,
	  .help = "periods (1000)" },
	{ "minutes", OPTION_UINT, offsetof(struct bench_config, minutes), 1, 1000,
	  .help = "simulated, of clocks that drift apart (10)" },
};

int main(int argc, char **argv)
{
	struct bench_config config = { .samples = 1000, .minutes = 10 };
	int status;

	status = bench_options_parse(bench_options, sizeof(bench_options) / sizeof(*bench_options),
				     &config, argc, argv);
	if (status != BENCH_GO_ON)
		return status;
	return bench_run(config.samples, config.minutes, config.json);
}
