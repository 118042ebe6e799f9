/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every bench needs: its options and its percentiles. */
#ifndef BENCH_H
#define BENCH_H

#include <base/options.h>
#include <stddef.h>
#include <stdint.h>

/* What bench_options_parse returns when main is to go on. */
#define BENCH_GO_ON (-1)

/* Fills config in from the command line. BENCH_GO_ON, or the status to exit with: --help was
 * asked for, or something is wrong and was said. */
int bench_options_parse(const struct option_def *defs, size_t count, void *config, int argc,
			char **argv);

/* Sorts the values, at least one; percent below 100. In microseconds. */
double bench_percentile_us(uint64_t *values_ns, size_t count, size_t percent);

#endif
