/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Looking Glass B7 client without a window, for tests with real guests: attaches, consumes as the
 * real one does, and ends where that would end. Commands come on stdin, one a line; each is
 * answered by one line of JSON with what the client has seen so far. After the end of the client
 * that line comes unasked, and the exit status is 3.
 *
 *   state                   nothing else
 *   save PATH               the picture as PNG
 *   save-drawn PATH         with the cursor in it
 *   fingerprint             of the picture with the cursor in it: the same for the same picture
 *   watch                   begins to count different pictures, and the longest time without one
 *   set-cursor X Y          asks the host to put the guest's pointer there, waits until it answers
 *   leave                   as when the window is closed; so does the end of stdin
 *   hostile WORD            see lg_hostile_begin; "peace" ends it
 */
#include "lg_probe.h"

#include <base/clock.h>
#include <base/options.h>
#include <errno.h>
#include <fcntl.h>
#include <ivshmem/kvmfr20.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROBE_MAX_PICTURES 32u
#define PROBE_ANSWER_MS 10000

struct probe_config {
	char *file;
	uint32_t poll_us;
};

static const struct option_def probe_options[] = {
	{ "file", OPTION_STRING, offsetof(struct probe_config, file),
	  .help = "what the host's clients map" },
	{ "poll-us", OPTION_UINT, offsetof(struct probe_config, poll_us), 100, 1000000,
	  .help = "how long it sleeps between two looks (1000)" },
};
#define PROBE_OPTIONS (sizeof(probe_options) / sizeof(probe_options[0]))

struct probe {
	struct lg_client *client;
	struct lg_hostile *hostile;
	const struct lg_client_state *state;
	struct timespec nap;
	bool leaves;
	/* Since "watch". */
	bool watches;
	uint32_t frames_seen;
	uint64_t last_frame_ms, longest_gap_ms;
	uint32_t picture_count;
	uint64_t pictures[PROBE_MAX_PICTURES];
	uint64_t fingerprint;           /* when it was asked for last */
	/* What has come in and is no whole line yet. */
	size_t used;
	char line[4200];
};

static uint64_t probe_now_ms(void)
{
	return clock_now_ns() / 1000000;
}

static void probe_print(const struct probe *probe, const char *error, long took_ms)
{
	static const char *const ends[] = { "alive", "timed out", "unsubscribed", "crashed" };
	const struct lg_client_state *state = probe->state;

	printf("{\"attached\": %s, \"end\": \"%s\", \"fault\": \"%s\", \"error\": \"%s\", "
	       "\"took_ms\": %ld, \"sessions\": %u, \"session_frames\": %u, \"frames\": %u, "
	       "\"full_frames\": %u, "
	       "\"formats\": %u, \"stalls\": %u, \"features\": %u, \"type\": %u, \"width\": %u, "
	       "\"height\": %u, \"visible\": %s, \"x\": %d, \"y\": %d, "
	       "\"hot_x\": %d, \"hot_y\": %d, "
	       "\"cursor_type\": %u, \"cursor_width\": %u, \"cursor_height\": %u, \"shapes\": %u, "
	       "\"pictures\": %u, \"longest_gap_ms\": %llu, \"fingerprint\": %llu, "
	       "\"hostile\": %u}\n",
	       state->attached ? "true" : "false", ends[state->end],
	       state->fault ? state->fault : "", error, took_ms, state->sessions,
	       state->frames - state->earlier_frames, state->frames,
	       state->full_frames, state->formats, state->stalls, state->features, state->type,
	       state->width, state->height, state->cursor_visible ? "true" : "false",
	       state->cursor_x, state->cursor_y, state->cursor_hot_x, state->cursor_hot_y,
	       state->cursor_type, state->cursor_width, state->cursor_height, state->shapes,
	       probe->picture_count, (unsigned long long)probe->longest_gap_ms,
	       (unsigned long long)probe->fingerprint,
	       lg_hostile_count(probe->hostile));
	fflush(stdout);
}

/* --- what the client does ---------------------------------------------------------------- */

static void probe_note_picture(struct probe *probe)
{
	uint64_t fingerprint = lg_probe_fingerprint(probe->state, false);

	for (uint32_t i = 0; i < probe->picture_count; i++)
		if (probe->pictures[i] == fingerprint)
			return;
	if (probe->picture_count < PROBE_MAX_PICTURES)
		probe->pictures[probe->picture_count++] = fingerprint;
}

static void probe_watch(struct probe *probe, uint64_t now_ms)
{
	bool news = probe->state->frames != probe->frames_seen;

	probe->frames_seen = probe->state->frames;
	if (!probe->watches)
		return;
	if (now_ms - probe->last_frame_ms > probe->longest_gap_ms)
		probe->longest_gap_ms = now_ms - probe->last_frame_ms;
	if (!news)
		return;
	probe->last_frame_ms = now_ms;
	probe_note_picture(probe);
}

static void probe_step(struct probe *probe)
{
	lg_client_step(probe->client, probe_now_ms());
	probe_watch(probe, probe_now_ms());
	lg_hostile_step(probe->hostile, probe_now_ms());
}

/* --- commands ---------------------------------------------------------------------------- */

static void probe_begin_watch(struct probe *probe)
{
	probe->watches = true;
	probe->last_frame_ms = probe_now_ms();
	probe->longest_gap_ms = 0;
	probe->picture_count = 0;
}

/* Returns what took so long, in ms, or -1: no answer. */
static long probe_set_cursor(struct probe *probe, const char *text)
{
	struct kvmfr20_set_cursor message = { .type = KVMFR20_SET_CURSOR };
	uint64_t start_ms = probe_now_ms();
	uint32_t serial;
	char *end;

	message.x = (int32_t)strtol(text, &end, 10);
	message.y = (int32_t)strtol(end, NULL, 10);
	if (!lg_client_send(probe->client, &message, sizeof(message), &serial))
		return -1;
	while (!lg_client_acknowledged(probe->client, serial)) {
		if (probe->state->end || probe_now_ms() - start_ms > PROBE_ANSWER_MS)
			return -1;
		nanosleep(&probe->nap, NULL);
		probe_step(probe);
	}
	return (long)(probe_now_ms() - start_ms);
}

static void probe_obey(struct probe *probe, char *line)
{
	char *word = strtok(line, " "), *rest = strtok(NULL, "");
	const char *error = "";
	long took_ms = 0;

	if (!word || !strcmp(word, "state"))
		;
	else if (!strcmp(word, "watch"))
		probe_begin_watch(probe);
	else if (!strcmp(word, "fingerprint"))
		probe->fingerprint = lg_probe_fingerprint(probe->state, true);
	else if (!strcmp(word, "leave"))
		probe->leaves = true;
	else if (!rest)
		error = "no such command, or it needs a word";
	else if (!strcmp(word, "save") || !strcmp(word, "save-drawn"))
		error = lg_probe_save(probe->state, rest, word[4]) ? "not saved" : "";
	else if (!strcmp(word, "hostile"))
		error = lg_hostile_begin(probe->hostile, rest) ? "" : "no such word";
	else if (!strcmp(word, "set-cursor"))
		took_ms = probe_set_cursor(probe, rest);
	else
		error = "no such command";
	if (took_ms < 0)
		error = "not answered";
	probe_print(probe, error, took_ms);
}

static void probe_read(struct probe *probe)
{
	ssize_t got = read(STDIN_FILENO, probe->line + probe->used,
			   sizeof(probe->line) - 1 - probe->used);
	char *newline;

	if (got <= 0) {
		probe->leaves = true;
		return;
	}
	probe->used += (size_t)got;
	while ((newline = memchr(probe->line, '\n', probe->used))) {
		size_t taken = (size_t)(newline + 1 - probe->line);

		*newline = '\0';
		probe_obey(probe, probe->line);
		probe->used -= taken;
		memmove(probe->line, probe->line + taken, probe->used);
	}
	if (probe->used == sizeof(probe->line) - 1)
		probe->leaves = true;
}

static int probe_run(struct probe *probe)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	while (!probe->leaves && !probe->state->end) {
		if (ppoll(&input, 1, &probe->nap, NULL) > 0)
			probe_read(probe);
		probe_step(probe);
	}
	if (!probe->state->end) {
		lg_client_leave(probe->client);
		return 0;
	}
	probe_print(probe, "", 0);
	return 3;
}

int main(int argc, char **argv)
{
	struct probe_config config = { .poll_us = 1000 };
	struct option_error error = { "" };
	static struct probe probe;
	int rest = argc, fd, status;

	if (options_parse_argv(probe_options, PROBE_OPTIONS, &config, argc, argv, &rest, &error) ||
	    rest < argc || !config.file) {
		fprintf(stderr, "lg-probe: %s\n", error.text[0] ? error.text : "--file FILE");
		return 2;
	}
	fd = open(config.file, O_RDWR | O_CLOEXEC);
	probe.client = fd < 0 ? NULL : lg_client_create(fd);
	if (!probe.client) {
		fprintf(stderr, "lg-probe: %s: %s\n", config.file, strerror(errno));
		return 2;
	}
	probe.hostile = lg_hostile_create(probe.client, fd);
	probe.state = lg_client_state(probe.client);
	probe.nap.tv_nsec = config.poll_us % 1000000 * 1000;
	probe.nap.tv_sec = config.poll_us / 1000000;
	status = probe_run(&probe);
	lg_hostile_destroy(probe.hostile);
	lg_client_destroy(probe.client);
	close(fd);
	options_finish(probe_options, PROBE_OPTIONS, &config);
	return status;
}
