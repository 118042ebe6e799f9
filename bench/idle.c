/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often the threads of a running VMM, and of a client, are switched to in a second: what an
 * idle guest costs. Counts come from /proc/PID/task/TID/status. A thread that starts meanwhile
 * counts from its start; one that ends meanwhile takes its count with it.
 */
#include "bench.h"

#include <base/clock.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDLE_MAX_THREADS 1024

struct idle_thread {
	long tid;
	uint64_t switches;              /* since the thread began */
};

struct idle_process {
	const char *role;
	long pid;                       /* 0: not asked for */
	size_t count;
	struct idle_thread threads[IDLE_MAX_THREADS];
	double switches_per_s;
};

static bool idle_read_thread(long pid, long tid, uint64_t *switches)
{
	char path[64], line[256];
	unsigned long long value;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/status", pid, tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	*switches = 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "voluntary_ctxt_switches: %llu", &value) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %llu", &value) == 1)
			*switches += value;
	fclose(file);
	return true;
}

static uint64_t idle_before(const struct idle_thread *threads, size_t count, long tid)
{
	for (size_t i = 0; i < count; i++)
		if (threads[i].tid == tid)
			return threads[i].switches;
	return 0;
}

/* Replaces the process' table; the sum of what was added since the last time. -errno. */
static int64_t idle_sample(struct idle_process *process)
{
	static struct idle_thread now[IDLE_MAX_THREADS];
	struct dirent *entry;
	int64_t added = 0;
	size_t count = 0;
	char path[64];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%ld/task", process->pid);
	tasks = opendir(path);
	if (!tasks)
		return -errno;
	while ((entry = readdir(tasks)) && count < IDLE_MAX_THREADS) {
		struct idle_thread *thread = &now[count];

		thread->tid = strtol(entry->d_name, NULL, 10);
		if (thread->tid <= 0 ||
		    !idle_read_thread(process->pid, thread->tid, &thread->switches))
			continue;
		added += (int64_t)(thread->switches - idle_before(process->threads,
								  process->count, thread->tid));
		count++;
	}
	closedir(tasks);
	memcpy(process->threads, now, count * sizeof(now[0]));
	process->count = count;
	return count ? added : -ESRCH;
}

static int idle_fail(const struct idle_process *process, int64_t error)
{
	fprintf(stderr, "%s process %ld: %s\n", process->role, process->pid,
		strerror((int)-error));
	return 1;
}

static int idle_measure(struct idle_process *processes, size_t count, unsigned int seconds)
{
	uint64_t start_ns, elapsed_ns;

	for (size_t i = 0; i < count; i++) {
		int64_t error = processes[i].pid ? idle_sample(&processes[i]) : 0;

		if (error < 0)
			return idle_fail(&processes[i], error);
	}
	start_ns = clock_now_ns();
	sleep(seconds);
	elapsed_ns = clock_now_ns() - start_ns;
	for (size_t i = 0; i < count; i++) {
		int64_t added = processes[i].pid ? idle_sample(&processes[i]) : 0;

		if (added < 0)
			return idle_fail(&processes[i], added);
		processes[i].switches_per_s = (double)added * 1e9 / (double)elapsed_ns;
	}
	return 0;
}

/* A process that was not asked for is null in JSON. */
static void idle_print_json(const struct idle_process *processes, size_t count)
{
	printf("{\"bench\":\"idle\"");
	for (size_t i = 0; i < count; i++) {
		printf(",\"%s_switches_per_s\":", processes[i].role);
		if (processes[i].pid)
			printf("%.2f", processes[i].switches_per_s);
		else
			printf("null");
	}
	printf("}\n");
}

static void idle_print(const struct idle_process *processes, size_t count)
{
	printf("%-8s %8s %8s %14s\n", "process", "pid", "threads", "switches per s");
	for (size_t i = 0; i < count; i++)
		if (processes[i].pid)
			printf("%-8s %8ld %8zu %14.2f\n", processes[i].role, processes[i].pid,
			       processes[i].count, processes[i].switches_per_s);
}

struct idle_config {
	uint32_t vmm, client, seconds;
	bool json;
};

static const struct option_def idle_options[] = {
	{ "vmm", OPTION_UINT, offsetof(struct idle_config, vmm), 1, INT32_MAX,
	  .metavar = "PID", .help = "of a running VMM" },
	{ "client", OPTION_UINT, offsetof(struct idle_config, client), 1, INT32_MAX,
	  .metavar = "PID", .help = "of a client; either one will do" },
	{ "seconds", OPTION_UINT, offsetof(struct idle_config, seconds), 1, 3600,
	  .help = "how long to watch (10)" },
	{ "json", OPTION_BOOL, offsetof(struct idle_config, json), .help = "one JSON object" },
};

int main(int argc, char **argv)
{
	static struct idle_process processes[] = { { .role = "vmm" }, { .role = "client" } };
	struct idle_config config = { .seconds = 10 };
	int status;

	status = bench_options_parse(idle_options, sizeof(idle_options) / sizeof(*idle_options),
				     &config, argc, argv);
	if (status != BENCH_GO_ON)
		return status;
	if (!config.vmm && !config.client) {
		fprintf(stderr, "%s: nothing to watch: use --vmm PID or --client PID\n", argv[0]);
		return 2;
	}
	processes[0].pid = config.vmm;
	processes[1].pid = config.client;
	if (idle_measure(processes, 2, config.seconds))
		return 1;
	if (config.json)
		idle_print_json(processes, 2);
	else
		idle_print(processes, 2);
	return 0;
}
