/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where SPICE clients come in: `--spice unix=PATH|port=N[,addr=127.0.0.1]`. */
#ifndef VMM_SPICE_SPICE_LISTEN_H
#define VMM_SPICE_SPICE_LISTEN_H

#include <base/options.h>
#include <stdint.h>

#define SPICE_LISTEN_DEFAULT_ADDRESS "127.0.0.1"

/* Neither a path nor a port: no SPICE. */
struct spice_listen_config {
	char *path;
	char *address;          /* of this machine only */
	uint32_t port;
};

/* 0 or -EINVAL with the error filled in; finish afterwards in both cases. */
int spice_listen_config_parse(struct spice_listen_config *config, const char *text,
			      struct option_error *error);
void spice_listen_config_finish(struct spice_listen_config *config);

/* A listening socket that does not block; that of a path has mode 0600 and replaces one that
 * nobody listens at. -EINVAL with the error filled in. */
int spice_listen_open(const struct spice_listen_config *config, struct option_error *error);

#endif
