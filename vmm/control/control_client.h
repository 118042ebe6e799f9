/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The asking side of the control socket, for `vitrine list`, `stop` and `screenshot`. */
#ifndef VMM_CONTROL_CLIENT_H
#define VMM_CONTROL_CLIENT_H

#include <base/options.h>
#include <jansson.h>

/*
 * Sends one request to the VM and waits at most 10 s for its reply. fd_out: takes the first fd of the
 * reply (-1 when it has none), or NULL. A new reference, or NULL with the error filled in.
 */
json_t *control_request(const char *vm_name, const json_t *request, int *fd_out,
			struct option_error *error);

/* A connection that only tells when the VM ends. fd, or negative with the error filled in. */
int control_open(const char *vm_name, struct option_error *error);
/* Waits until the VM has ended. 0 or -ETIMEDOUT. */
int control_wait_end(int connection, int timeout_s);
void control_close(int connection);

#endif
