/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands for a made-up machine, one a line on stdin. */
#ifndef FAKE_LINES_H
#define FAKE_LINES_H

#include <stdbool.h>

struct loop;

/* On the loop, which quits at stdin's end. The line may be written to. */
typedef void fake_line_func(void *data, char *line);

/* Once in a process. */
bool fake_lines_start(struct loop *loop, fake_line_func *line, void *data);

#endif
