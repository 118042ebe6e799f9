/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Option lists as a user or a config file may write them. */
#include "fuzz.h"

#include <base/options.h>
#include <string.h>

struct config {
	char *text;
	bool flag;
	uint32_t number;
	uint64_t size;
	int choice;
};

static const char *const choices[] = { "one", "two", NULL };

static const struct option_def defs[] = {
	{ "t", OPTION_STRING, offsetof(struct config, text), .help = "" },
	{ "f", OPTION_BOOL, offsetof(struct config, flag), .help = "" },
	{ "n", OPTION_UINT, offsetof(struct config, number), 1, 100, .help = "" },
	{ "s", OPTION_SIZE, offsetof(struct config, size), 1, .help = "" },
	{ "c", OPTION_CHOICE, offsetof(struct config, choice), .choices = choices, .help = "" },
};
#define DEFS (sizeof(defs) / sizeof(defs[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config = { .number = 1 };
	struct option_error error = { "" };
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (options_parse_list(defs, DEFS, &config, text, "t", &error) && !error.text[0])
		abort(); /* a refusal without a reason */
	if (config.number < 1 || config.number > 100 || config.choice > 1)
		abort();
	options_finish(defs, DEFS, &config);
	free(text);
	return 0;
}
