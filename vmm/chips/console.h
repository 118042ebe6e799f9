/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the serial port's bytes go to and come from: a file, or the terminal Vitrine was started
 * in.
 *
 * A console belongs to one loop, which does all reading and writing; console_write and
 * console_resume_input are for any thread and never wait. A terminal that is too slow loses bytes;
 * a file never does: it is full instead, and tells its owner when it has room again.
 */
#ifndef VMM_CHIPS_CONSOLE_H
#define VMM_CHIPS_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct console;
struct loop;
struct option_error;

#define CONSOLE_RING_BYTES 65536u

/* Called on the loop without any lock; all must be there. */
struct console_ops {
	/* Bytes that can be taken now. */
	size_t (*input_room)(void *data);
	/* At most that many bytes came in. */
	void (*input)(void *data, const uint8_t *bytes, size_t count);
	/* console_write takes bytes again. */
	void (*output_room)(void *data);
};

/* stdin and stdout, as they are now; a terminal becomes raw but for Ctrl-C. NULL with errno and the
 * error filled in. */
struct console *console_create_stdio(struct loop *loop, struct option_error *error);
/* Appends to the file; no input. */
struct console *console_create_file(struct loop *loop, const char *path,
				    struct option_error *error);
/* For tests: two fds that the console dups. -1: no input. lossy: as with a terminal. */
struct console *console_create_fds(struct loop *loop, int in_fd, int out_fd, bool lossy);
/* Writes out what it still holds: a file's all, a terminal's as far as it takes it in 200 ms. */
void console_destroy(struct console *console);

/* Before anything else happens to the console; NULL ops: nobody is there. */
void console_set_owner(struct console *console, const struct console_ops *ops, void *data);

/* False: full, the byte was not taken. */
bool console_write(struct console *console, uint8_t byte);
/* Whether console_write would take a byte. */
bool console_has_room(struct console *console);
/* input_room has grown. */
void console_resume_input(struct console *console);

#endif
