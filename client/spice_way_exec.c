/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice_way.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WAY_SUFFIX "-spice"

int spice_way_take(char **argv, struct option_error *error)
{
	char path[PATH_MAX + sizeof(WAY_SUFFIX)];
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);

	if (length < 0 || length == PATH_MAX)
		return option_error_set(error, "--spice: cannot tell where this program is");
	strcpy(path + length, WAY_SUFFIX);
	execv(path, argv);
	return option_error_set(error, "--spice: %s: %s", path, strerror(errno));
}

struct input_peer *spice_way_create(const struct spice_address *address, const char *password)
{
	errno = ENOSYS;
	return NULL;
}
