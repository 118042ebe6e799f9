/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Option tables. One table beside the code it configures describes its keys; the command line
 * (--key VALUE, --key=VALUE), a config file (key = value) and nested lists (key=value,key=value) are
 * parsed with it, and --help is printed from it. Any thread.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define OPTION_ERROR_BYTES 512

/* One clear line that says what is wrong and what to do. */
struct option_error {
	char text[OPTION_ERROR_BYTES];
};

enum option_type {
	OPTION_STRING,  /* char *: strdup'ed, a later one replaces */
	OPTION_BOOL,    /* bool: on|off|yes|no|true|false|1|0; --key alone: on */
	OPTION_UINT,    /* uint32_t between min and max */
	OPTION_SIZE,    /* uint64_t bytes with K, M, G, T between min and max */
	OPTION_CHOICE,  /* int: index into choices */
	OPTION_CUSTOM,  /* parse(); repeatable */
};

struct option_def {
	const char *name;
	enum option_type type;
	size_t offset;                  /* of the field in the config struct */
	uint64_t min, max;              /* OPTION_UINT, OPTION_SIZE; max 0: no limit */
	const char *const *choices;     /* OPTION_CHOICE, ends with NULL */
	/* OPTION_CUSTOM. 0 or -errno with the error filled in. */
	int (*parse)(void *config, const char *value, struct option_error *error);
	const char *metavar;            /* shown in --help; NULL: from the type */
	const char *help;
};

/* Formats one line into the error; always returns -EINVAL, to be returned on. */
int option_error_set(struct option_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Sets one key. 0 or -EINVAL with the error filled in (unknown keys name the nearest one). */
int options_set(const struct option_def *defs, size_t count, void *config, const char *name,
		const char *value, struct option_error *error);
/* Parses --key arguments from argv[1]; *first_rest is the index of the first other argument
 * ("--" is skipped). 0 or -EINVAL. */
int options_parse_argv(const struct option_def *defs, size_t count, void *config, int argc,
		       char **argv, int *first_rest, struct option_error *error);
/* "key=value,key=value"; a comma inside a value is written as two. A first part without '=' is
 * the value of first_key when that is not NULL. 0 or -EINVAL. */
int options_parse_list(const struct option_def *defs, size_t count, void *config, const char *text,
		       const char *first_key, struct option_error *error);
/* "key = value" lines, '#' and ';' comments. 0, -EINVAL with file and line in the error. */
int options_parse_file(const struct option_def *defs, size_t count, void *config, const char *path,
		       struct option_error *error);
void options_print_help(FILE *out, const struct option_def *defs, size_t count);
/* Frees every OPTION_STRING of the config. */
void options_finish(const struct option_def *defs, size_t count, void *config);

#endif
