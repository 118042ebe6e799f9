/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyboard and mouse over SPICE as Looking Glass B7 sends them, for tests with real guests. usage:
 * spice-probe SOCKET. Commands come on stdin, one a line; each is answered with "ok" when it was
 * sent.
 *
 *   type TEXT               on a US keyboard; \n is Return
 *   down CODE, up CODE      the word of a key message, in hexadecimal
 *   move X Y                relative, in pieces of at most 127
 *   press N MASK, release N MASK    a button and those that are held then, in decimal
 */
#include "spice_client.h"

#include <poll.h>
#include <spice/protocol.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROBE_PIECE 127
/* A quick typist: a guest that is behind by more than its keyboard's queue loses keys. */
#define PROBE_TYPING_NS 60000000
#define PROBE_SHIFT 0x2au
#define PROBE_BREAK 0x80u

struct probe {
	int main_fd, inputs_fd;
	uint16_t buttons;
	struct spice_client_message message;
};

static _Noreturn void probe_fail(const char *what)
{
	fprintf(stderr, "spice-probe: %s\n", what);
	exit(1);
}

/* --- connecting, in the real client's order ---------------------------------------------- */

static int probe_link(const char *path, uint32_t session, uint8_t channel)
{
	int fd = spice_client_connect(path);

	if (fd < 0)
		probe_fail("nobody listens there");
	if (spice_client_link(fd, session, channel))
		probe_fail("the server does not link a channel");
	return fd;
}

static void probe_expect(struct probe *probe, int fd, uint16_t type)
{
	do {
		if (spice_client_receive(fd, &probe->message))
			probe_fail("the server does not say what it should");
	} while (probe->message.type != type);
}

static void probe_request_mouse(struct probe *probe, uint16_t mode)
{
	if (spice_client_send(probe->main_fd, SPICE_MSGC_MAIN_MOUSE_MODE_REQUEST, &mode,
			      sizeof(mode)))
		probe_fail("MAIN is gone");
}

static void probe_connect(struct probe *probe, const char *path)
{
	uint32_t session;

	probe->main_fd = probe_link(path, 0, SPICE_CHANNEL_MAIN);
	probe_expect(probe, probe->main_fd, SPICE_MSG_MAIN_INIT);
	memcpy(&session, probe->message.bytes, sizeof(session));
	probe_request_mouse(probe, SPICE_MOUSE_MODE_CLIENT);
	if (spice_client_send(probe->main_fd, SPICE_MSGC_MAIN_ATTACH_CHANNELS, NULL, 0))
		probe_fail("MAIN is gone");
	probe_expect(probe, probe->main_fd, SPICE_MSG_MAIN_CHANNELS_LIST);
	probe->inputs_fd = probe_link(path, session, SPICE_CHANNEL_INPUTS);
	probe_expect(probe, probe->inputs_fd, SPICE_MSG_INPUTS_INIT);
	probe_request_mouse(probe, SPICE_MOUSE_MODE_SERVER);
}

/* --- commands ---------------------------------------------------------------------------- */

static void probe_send(struct probe *probe, uint16_t type, const void *bytes, size_t size)
{
	if (spice_client_send(probe->inputs_fd, type, bytes, size))
		probe_fail("INPUTS is gone");
}

static void probe_key(struct probe *probe, bool down, uint32_t code)
{
	probe_send(probe, down ? SPICE_MSGC_INPUTS_KEY_DOWN : SPICE_MSGC_INPUTS_KEY_UP, &code,
		   sizeof(code));
}

static void probe_tap(struct probe *probe, uint32_t scan, bool shift)
{
	if (shift)
		probe_key(probe, true, PROBE_SHIFT);
	probe_key(probe, true, scan);
	probe_key(probe, false, scan | PROBE_BREAK);
	if (shift)
		probe_key(probe, false, PROBE_SHIFT | PROBE_BREAK);
}

/* By scan code of set 1, from 2 on; a blank is a key without a character. */
static void probe_type_character(struct probe *probe, char character)
{
	static const char plain[] = "1234567890-=  qwertyuiop[]\n asdfghjkl;'` \\zxcvbnm,./";
	static const char shifted[] = "!@#$%^&*()_+  QWERTYUIOP{}  ASDFGHJKL:\"~ |ZXCVBNM<>?";
	const char *at;

	if (character == ' ')
		probe_tap(probe, 0x39, false);
	else if ((at = strchr(plain, character)))
		probe_tap(probe, (uint32_t)(at - plain) + 2, false);
	else if ((at = strchr(shifted, character)))
		probe_tap(probe, (uint32_t)(at - shifted) + 2, true);
	else
		probe_fail("no key for that character");
}

static void probe_type(struct probe *probe, const char *text)
{
	const struct timespec pause = { .tv_nsec = PROBE_TYPING_NS };

	for (; *text; text++) {
		bool escaped = text[0] == '\\' && text[1] == 'n';

		probe_type_character(probe, escaped ? '\n' : *text);
		text += escaped;
		nanosleep(&pause, NULL);
	}
}

static int32_t probe_piece(int32_t distance)
{
	if (distance > PROBE_PIECE)
		return PROBE_PIECE;
	return distance < -PROBE_PIECE ? -PROBE_PIECE : distance;
}

static void probe_move(struct probe *probe, int32_t x, int32_t y)
{
	while (x || y) {
		const struct __attribute__((packed)) {
			int32_t x, y;
			uint16_t buttons;
		} motion = { probe_piece(x), probe_piece(y), probe->buttons };

		probe_send(probe, SPICE_MSGC_INPUTS_MOUSE_MOTION, &motion, sizeof(motion));
		x -= motion.x;
		y -= motion.y;
	}
}

static void probe_button(struct probe *probe, bool down, long button, long mask)
{
	const struct __attribute__((packed)) {
		uint8_t button;
		uint16_t mask;
	} press = { (uint8_t)button, (uint16_t)mask };

	probe->buttons = press.mask;
	probe_send(probe, down ? SPICE_MSGC_INPUTS_MOUSE_PRESS : SPICE_MSGC_INPUTS_MOUSE_RELEASE,
		   &press, sizeof(press));
}

static void probe_obey(struct probe *probe, char *line)
{
	char *word = strtok(line, " \n"), *rest = strtok(NULL, "\n"), *end;
	long first, second;

	if (!word || !rest)
		probe_fail("a command is a word and what belongs to it");
	first = strtol(rest, &end, 10);
	second = strtol(end, NULL, 10);
	if (!strcmp(word, "type"))
		probe_type(probe, rest);
	else if (!strcmp(word, "down") || !strcmp(word, "up"))
		probe_key(probe, *word == 'd', (uint32_t)strtoul(rest, NULL, 16));
	else if (!strcmp(word, "move"))
		probe_move(probe, (int32_t)first, (int32_t)second);
	else if (!strcmp(word, "press") || !strcmp(word, "release"))
		probe_button(probe, *word == 'p', first, second);
	else
		probe_fail("no such command");
	puts("ok");
}

/* Until the end of stdin; what the server says meanwhile is answered or dropped. */
static void probe_run(struct probe *probe)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = probe->main_fd, .events = POLLIN },
		{ .fd = probe->inputs_fd, .events = POLLIN },
	};
	char line[4096];

	while (poll(fds, 3, -1) >= 0) {
		for (size_t i = 1; i < 3; i++)
			if (fds[i].revents &&
			    spice_client_receive_one(fds[i].fd, &probe->message) < 0)
				probe_fail("the server has ended the session");
		if (!fds[0].revents)
			continue;
		if (!fgets(line, sizeof(line), stdin))
			return;
		probe_obey(probe, line);
	}
}

int main(int argc, char **argv)
{
	static struct probe probe;

	if (argc != 2)
		probe_fail("usage: spice-probe SOCKET");
	/* A line at a time, each when poll told of it. */
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	probe_connect(&probe, argv[1]);
	puts("ok");
	probe_run(&probe);
	close(probe.inputs_fd);
	close(probe.main_fd);
	return 0;
}
