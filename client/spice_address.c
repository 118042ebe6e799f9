/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice_address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int address_bad(const char *text, struct option_error *error)
{
	return option_error_set(error, "--spice %s: give the server's socket, such as "
				"/run/vm.spice, or its HOST:PORT", text);
}

static bool address_port(struct spice_address *address, const char *text)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !port || port > 65535)
		return false;
	snprintf(address->port, sizeof(address->port), "%lu", port);
	return true;
}

int spice_address_parse(struct spice_address *address, const char *text,
			struct option_error *error)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	bool brackets = length > 2 && text[0] == '[' && text[length - 1] == ']';

	*address = (struct spice_address){ 0 };
	if (strchr(text, '/')) {
		if (strlen(text) >= sizeof(address->path))
			return option_error_set(error, "--spice %s: too long for a socket's path",
						text);
		strcpy(address->path, text);
		return 0;
	}
	if (!length || length >= sizeof(address->host) ||
	    (!brackets && strcspn(text, ":[]") < length) || !address_port(address, colon + 1))
		return address_bad(text, error);
	memcpy(address->host, text + brackets, length - 2 * brackets);
	return 0;
}

static int password_take(const char *path, char *line, size_t bytes,
			 char password[SPICE_PASSWORD_BYTES], struct option_error *error)
{
	size_t length;

	line[bytes] = '\0';
	length = strcspn(line, "\r\n");
	if (!length || length >= SPICE_PASSWORD_BYTES)
		return option_error_set(error, "--spice-password-file %s: its first line must be "
					"the password, of at most %d bytes", path,
					SPICE_PASSWORD_BYTES - 1);
	memcpy(password, line, length);
	password[length] = '\0';
	return 0;
}

int spice_password_read(const char *path, char password[SPICE_PASSWORD_BYTES],
			struct option_error *error)
{
	char line[SPICE_PASSWORD_BYTES + 2];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t bytes = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	int result = bytes < 0 ? option_error_set(error, "--spice-password-file %s: %s", path,
						  strerror(errno)) :
				 password_take(path, line, (size_t)bytes, password, error);

	if (fd >= 0)
		close(fd);
	explicit_bzero(line, sizeof(line));
	return result;
}
