/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every fuzz target needs. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* The target: libFuzzer or replay.c calls it. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As assert, but also in a build without assertions. */
static inline void fuzz_check(bool good)
{
	if (!good)
		abort();
}

#endif
