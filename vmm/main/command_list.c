/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/commands.h"

#include "control/control_client.h"

#include <base/runtime_dir.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char list_help[] =
	"Usage: vitrine list [--json]\n"
	"Lists the running VMs of this user. --json: one JSON object a line.\n";

/* NULL for what is no VM, or one that died and left its directory behind. */
static json_t *list_ask(const char *name)
{
	struct option_error error;
	json_t *request, *reply;

	if (!runtime_name_valid(name))
		return NULL;
	request = json_pack("{s:s}", "command", "status");
	reply = control_request(name, request, NULL, &error);
	json_decref(request);
	return reply;
}

static long long list_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void list_print_displays(const json_t *status)
{
	const json_t *displays = json_object_get(status, "displays");
	const char *separator = "";

	for (size_t i = 0; i < json_array_size(displays); i++) {
		const json_t *one = json_array_get(displays, i);

		if (list_number(one, "width") == 0)
			continue;
		printf("%s%lldx%lld", separator, list_number(one, "width"),
		       list_number(one, "height"));
		separator = " ";
	}
	putchar('\n');
}

static void list_print(const json_t *status)
{
	long long uptime_s = list_number(status, "uptime_s");
	const char *name = json_string_value(json_object_get(status, "name"));
	const char *state = json_string_value(json_object_get(status, "state"));

	printf("%-20s %-9s %8lld %3lld:%02lld:%02lld %5lld %7lldM  ", name ? name : "?",
	       state ? state : "?", list_number(status, "pid"), uptime_s / 3600,
	       uptime_s / 60 % 60, uptime_s % 60, list_number(status, "cpus"),
	       list_number(status, "memory_bytes") >> 20);
	list_print_displays(status);
}

static int list_all(bool as_json)
{
	char path[RUNTIME_DIR_BYTES];
	struct dirent **entries;
	int count;

	if (!as_json)
		printf("%-20s %-9s %8s %9s %5s %8s  %s\n", "NAME", "STATE", "PID", "UPTIME", "VCPUS",
		       "MEMORY", "SCREENS");
	if (runtime_dir(path, false))
		return 0; /* no VM has run yet */
	count = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		json_t *status = list_ask(entries[i]->d_name);

		if (status && as_json) {
			json_dumpf(status, stdout, JSON_COMPACT);
			putchar('\n');
		} else if (status) {
			list_print(status);
		}
		json_decref(status);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return 0;
}

int command_list(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(list_help, stdout);
		return 0;
	}
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--json"))) {
		fprintf(stderr, "vitrine list: '%s' is too much\n%s", argv[argc - 1], list_help);
		return EXIT_STATUS_BAD_INPUT;
	}
	return list_all(argc == 2);
}
