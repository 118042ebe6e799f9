/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/client_path.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CLIENT_NAME "vitrine-client"

void client_path(char path[CLIENT_PATH_BYTES])
{
	ssize_t length = readlink("/proc/self/exe", path, CLIENT_PATH_BYTES - sizeof(CLIENT_NAME) - 1);
	char *slash;

	if (length > 0) {
		path[length] = '\0';
		slash = strrchr(path, '/');
		if (slash) {
			strcpy(slash + 1, CLIENT_NAME);
			if (!access(path, X_OK))
				return;
		}
	}
	strcpy(path, CLIENT_NAME);
}
