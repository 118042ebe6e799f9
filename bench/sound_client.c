/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client in a process of its own, with a timer where the sound server would be. */
#include "sound_path.h"

#include <base/clock.h>
#include <errno.h>
#include <fake/guest.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/segment.h>
#include <ivshmem/sound.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENT_MAX_QUANTUM 8192u

struct client {
	struct sound_client_control *control;
	struct sound_peer *peer;
	const struct sound_section *section;
	int doorbell;
	uint32_t next;                  /* frame */
	uint64_t rang_ns;
};

static uint64_t client_cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000u +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000u;
}

static void client_join(struct client *client)
{
	struct sound_description description = { 0 };

	sound_peer_set_server(client->peer, client->control->quantum_frames, 0);
	sound_peer_take(client->peer);
	while (!(description.flags & SOUND_RUNNING)) {
		usleep(500);
		sound_peer_stream(client->peer, &description);
	}
	if (sound_peer_join(client->peer, &description, UINT32_MAX))
		fake_fail("the client cannot join");
}

/* The last write since we rang: the ring was as full as it would be then. */
static void client_note_refill(struct client *client)
{
	struct sound_client_control *control = client->control;
	uint64_t written_ns = atomic_load(&client->section->written.time_ns);

	if (client->rang_ns && written_ns > client->rang_ns &&
	    control->refill_count < SOUND_BENCH_MAX_CALLBACKS)
		control->refill_ns[control->refill_count++] = written_ns - client->rang_ns;
}

static void client_call_back(struct client *client)
{
	struct sound_client_control *control = client->control;
	uint32_t frames[CLIENT_MAX_QUANTUM], got;
	uint64_t now_ns;

	client_note_refill(client);
	got = sound_peer_read(client->peer, frames, control->quantum_frames, clock_now_ns());
	now_ns = clock_now_ns();
	for (uint32_t i = 0; i < got; i++, client->next++) {
		if (frames[i] < client->next + 1)
			fake_fail("frame %u is %u", client->next, frames[i]);
		control->skipped_frames += frames[i] - 1 - client->next;
		client->next = frames[i] - 1;
		if (client->next % control->period_frames == 0)
			control->read_ns[client->next / control->period_frames] = now_ns;
	}
	client->rang_ns = clock_now_ns();
	doorbell_eventfd_ring(client->doorbell);
}

static int client_timer(uint32_t quantum_frames)
{
	uint64_t ns = UINT64_C(1000000000) * quantum_frames / SOUND_BENCH_RATE;
	const struct itimerspec spec = { .it_value.tv_nsec = (long)ns,
					 .it_interval.tv_nsec = (long)ns };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	if (fd < 0 || timerfd_settime(fd, 0, &spec, NULL))
		fake_fail("no timer: %m");
	return fd;
}

static void client_play(struct client *client)
{
	struct sound_client_control *control = client->control;
	int timer = client_timer(control->quantum_frames);
	uint64_t start_ns = clock_now_ns(), start_cpu_ns = client_cpu_ns(), fired, missed;

	while (!atomic_load(&control->quit)) {
		if (read(timer, &fired, sizeof(fired)) != sizeof(fired))
			continue;
		control->late_callbacks += fired - 1;
		missed = sound_peer_missed_frames(client->peer);
		for (uint64_t i = 0; i < fired; i++)
			client_call_back(client);
		if (fired == 1)
			control->missed_on_time += sound_peer_missed_frames(client->peer) - missed;
	}
	control->cpu_ns = client_cpu_ns() - start_cpu_ns;
	control->wall_ns = clock_now_ns() - start_ns;
	control->missed_frames = sound_peer_missed_frames(client->peer);
	close(timer);
}

static _Noreturn void client_run(struct client *client, int segment_fd)
{
	struct segment *segment = segment_attach_fd(segment_fd);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	client->peer = segment ? sound_peer_create(segment, SOUND_PLAYBACK) : NULL;
	if (!client->peer)
		fake_fail("the client cannot attach: %m");
	client->section = segment_find(segment, SEGMENT_SECTION_SOUND, SOUND_PLAYBACK, NULL);
	client_join(client);
	client_play(client);
	_exit(0);
}

pid_t sound_client_start(struct sound_client_control *control, int segment_fd, int doorbell)
{
	struct client client = { .control = control, .doorbell = doorbell };
	pid_t pid = fork();

	if (pid < 0)
		fake_fail("no second process: %m");
	if (pid == 0)
		client_run(&client, segment_fd);
	return pid;
}

void sound_client_wait(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		fake_fail("the client ended badly");
}
