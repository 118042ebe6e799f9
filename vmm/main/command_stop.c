/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/commands.h"

#include "control/control_client.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define STOP_TIMEOUT_S 120

static const char stop_help[] =
	"Usage: vitrine stop NAME [--force] [--no-wait]\n"
	"Presses the VM's power button and waits until it has shut down.\n"
	"  --force    do not ask the guest: as if the power were cut\n"
	"  --no-wait  do not wait\n";

static int stop_fail(const struct option_error *error)
{
	fprintf(stderr, "vitrine stop: %s\n", error->text);
	return EXIT_STATUS_BAD_INPUT;
}

static int stop_run(const char *name, bool force, bool wait)
{
	struct option_error error = { "" };
	json_t *request = json_pack("{s:s,s:b}", "command", "stop", "force", force);
	json_t *reply;
	int gone = control_open(name, &error);

	if (gone < 0) {
		json_decref(request);
		return stop_fail(&error);
	}
	reply = control_request(name, request, NULL, &error);
	json_decref(request);
	if (reply && wait && control_wait_end(gone, STOP_TIMEOUT_S)) {
		fprintf(stderr, "vitrine stop: %s still runs after %d s: 'vitrine stop %s --force' "
			"cuts its power\n", name, STOP_TIMEOUT_S, name);
		json_decref(reply);
		control_close(gone);
		return 1;
	}
	control_close(gone);
	if (!reply)
		return stop_fail(&error);
	json_decref(reply);
	return 0;
}

int command_stop(int argc, char **argv)
{
	bool force = false, wait = true;
	const char *name = NULL;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help")) {
			fputs(stop_help, stdout);
			return 0;
		}
		if (!strcmp(argv[i], "--force")) {
			force = true;
		} else if (!strcmp(argv[i], "--no-wait")) {
			wait = false;
		} else if (argv[i][0] == '-' || name) {
			fprintf(stderr, "vitrine stop: '%s' is too much\n%s", argv[i], stop_help);
			return EXIT_STATUS_BAD_INPUT;
		} else {
			name = argv[i];
		}
	}
	if (!name) {
		fprintf(stderr, "vitrine stop: which VM? 'vitrine list' shows them\n%s", stop_help);
		return EXIT_STATUS_BAD_INPUT;
	}
	return stop_run(name, force, wait);
}
