/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_lines.h"

#include <base/loop.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define FAKE_LINE_BYTES 1024

static struct {
	struct loop *loop;
	fake_line_func *line;
	void *data;
	char buffer[FAKE_LINE_BYTES];
	size_t used;
} lines;

/* What is too long for a line is dropped. */
static void fake_lines_read(void *data, uint32_t events)
{
	ssize_t got = read(0, lines.buffer + lines.used, sizeof(lines.buffer) - lines.used - 1);
	char *end;

	if (got <= 0) {
		loop_quit(lines.loop);
		return;
	}
	lines.used += (size_t)got;
	lines.buffer[lines.used] = '\0';
	while ((end = strchr(lines.buffer, '\n'))) {
		*end = '\0';
		lines.line(lines.data, lines.buffer);
		lines.used -= (size_t)(end + 1 - lines.buffer);
		memmove(lines.buffer, end + 1, lines.used + 1);
	}
	if (lines.used == sizeof(lines.buffer) - 1)
		lines.used = 0;
}

bool fake_lines_start(struct loop *loop, fake_line_func *line, void *data)
{
	lines.loop = loop;
	lines.line = line;
	lines.data = data;
	return loop_fd_add(loop, 0, EPOLLIN, fake_lines_read, NULL);
}
