/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a SPICE server listens, and what it asks for: --spice, --spice-password-file. */
#ifndef CLIENT_SPICE_ADDRESS_H
#define CLIENT_SPICE_ADDRESS_H

#include <base/options.h>
#include <stddef.h>

#define SPICE_ADDRESS_PATH_BYTES 108    /* of a unix socket, with its NUL */
#define SPICE_ADDRESS_HOST_BYTES 256
#define SPICE_PASSWORD_BYTES 61         /* the protocol's longest, with its NUL */

/* Either a path, or host and port. */
struct spice_address {
	char path[SPICE_ADDRESS_PATH_BYTES];
	char host[SPICE_ADDRESS_HOST_BYTES];
	char port[6];
};

/* SOCKET (with a '/') or HOST:PORT, [::1]:5900 too. 0 or -EINVAL with the error filled in. */
int spice_address_parse(struct spice_address *address, const char *text,
			struct option_error *error);
/* The first line of a file. 0 or -EINVAL with the error filled in. */
int spice_password_read(const char *path, char password[SPICE_PASSWORD_BYTES],
			struct option_error *error);

#endif
