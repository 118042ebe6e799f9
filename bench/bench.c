/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int bench_options_parse(const struct option_def *defs, size_t count, void *config, int argc,
			char **argv)
{
	struct option_error error = { "" };
	int rest = argc, result;

	if (argc > 1 && !strcmp(argv[1], "--help")) {
		printf("usage: %s [OPTION]...\n", argv[0]);
		options_print_help(stdout, defs, count);
		return 0;
	}
	result = options_parse_argv(defs, count, config, argc, argv, &rest, &error);
	if (!result && rest < argc)
		result = option_error_set(&error, "'%s' is too much: see --help", argv[rest]);
	if (!result)
		return BENCH_GO_ON;
	fprintf(stderr, "%s: %s\n", argv[0], error.text);
	return 2;
}

static int bench_compare(const void *a, const void *b)
{
	const uint64_t *first = a, *second = b;

	return *first < *second ? -1 : *first > *second;
}

double bench_percentile_us(uint64_t *values_ns, size_t count, size_t percent)
{
	qsort(values_ns, count, sizeof(*values_ns), bench_compare);
	return (double)values_ns[count * percent / 100] / 1000;
}
