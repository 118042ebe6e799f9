/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/commands.h"

#include "main/client_path.h"

#include <base/runtime_dir.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char view_help[] =
	"Usage: vitrine view NAME [OPTION]...\n"
	"       vitrine view --looking-glass FILE [--spice SOCKET|HOST:PORT] [OPTION]...\n"
	"Opens a window on a running VM. Closing it leaves the VM running. With --looking-glass it\n"
	"shows what a Looking Glass B7 host puts into FILE; keys and mouse go to the SPICE server\n"
	"of that VM. The options are those of vitrine-client: see 'vitrine-client --help'.\n";

/* The file then says what to show, and no VM's name is needed. */
static bool view_is_looking_glass(const char *argument)
{
	static const char option[] = "--looking-glass";
	size_t length = sizeof(option) - 1;

	return !strncmp(argument, option, length) &&
	       (!argument[length] || argument[length] == '=');
}

int command_view(int argc, char **argv)
{
	char path[CLIENT_PATH_BYTES];
	char **arguments;
	int count = 0, first = 2;

	if (argc >= 2 && !strcmp(argv[1], "--help")) {
		fputs(view_help, stdout);
		return 0;
	}
	if (argc >= 2 && view_is_looking_glass(argv[1])) {
		first = 1;
	} else if (argc < 2 || !runtime_name_valid(argv[1])) {
		fprintf(stderr, "vitrine view: %s\n%s",
			argc < 2 ? "which VM? 'vitrine list' shows them" : "that is not a VM's name",
			view_help);
		return EXIT_STATUS_BAD_INPUT;
	}
	arguments = calloc((size_t)argc + 4, sizeof(*arguments));
	if (!arguments)
		return 1;
	client_path(path);
	arguments[count++] = path;
	if (first == 2) {
		arguments[count++] = (char *)"--name";
		arguments[count++] = argv[1];
	}
	/* Before the user's own options, so that they may say otherwise. */
	arguments[count++] = (char *)"--close";
	arguments[count++] = (char *)"detach";
	for (int i = first; i < argc; i++)
		arguments[count++] = argv[i];
	execvp(path, arguments);
	fprintf(stderr, "vitrine view: %s: %s: install vitrine-client beside vitrine\n", path,
		strerror(errno));
	free(arguments);
	return EXIT_STATUS_BAD_INPUT;
}
