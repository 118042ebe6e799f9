/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target without libFuzzer: on the files named on the command line, else on a fixed
 * set of pseudo-random inputs, so that every build exercises it.
 */
#include "fuzz.h"

#include <stdio.h>

#define REPLAY_MAX_BYTES 4096
#define REPLAY_ROUNDS 2000

static uint32_t replay_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static int replay_file(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		return 1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	return 0;
}

static void replay_pseudo_random(void)
{
	static uint8_t data[REPLAY_MAX_BYTES];
	uint64_t state = 1;

	for (int round = 0; round < REPLAY_ROUNDS; round++) {
		size_t size = replay_random(&state) % (REPLAY_MAX_BYTES + 1);
		uint32_t mask = round % 2 ? 0xff : 0x07;

		for (size_t i = 0; i < size; i++)
			data[i] = (uint8_t)(replay_random(&state) & mask);
		LLVMFuzzerTestOneInput(data, size);
	}
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= replay_file(argv[i]);
	if (argc == 1)
		replay_pseudo_random();
	printf("replayed %s\n", argc > 1 ? "files" : "pseudo-random inputs");
	return failed;
}
