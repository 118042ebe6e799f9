/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/commands.h"

#include <base/log.h>
#include <stdio.h>
#include <string.h>

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
	const char *help;
};

static const struct command commands[] = {
	{ "run", command_run, "run --kernel FILE [OPTION]...", "run a VM and open its window" },
	{ "list", command_list, "list [--json]", "list the VMs that run" },
	{ "view", command_view, "view NAME [OPTION]...", "open a window on a running VM" },
	{ "screenshot", command_screenshot, "screenshot NAME FILE.png", "save what a VM shows" },
	{ "stop", command_stop, "stop NAME [--force]", "shut a VM down (ACPI power button)" },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void main_print_help(FILE *out)
{
	fputs("Usage: vitrine COMMAND [ARGUMENT]...\n"
	      "Runs a desktop in a window.\n\nCommands:\n", out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-34s %s\n", commands[i].usage, commands[i].help);
	fputs("\n'vitrine COMMAND --help' says more. VITRINE_LOG=debug logs more.\n", out);
}

int main(int argc, char **argv)
{
	log_init("vitrine");
	if (argc < 2) {
		main_print_help(stderr);
		return EXIT_STATUS_BAD_INPUT;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
		main_print_help(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("vitrine " VITRINE_VERSION);
		return 0;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "vitrine: unknown command '%s': see 'vitrine --help'\n", argv[1]);
	return EXIT_STATUS_BAD_INPUT;
}
