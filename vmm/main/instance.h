/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's claim on its name: a directory with a lock and the control socket. Main thread. */
#ifndef VMM_MAIN_INSTANCE_H
#define VMM_MAIN_INSTANCE_H

#include <base/options.h>

struct instance;

/* NULL with the error filled in when the name is taken or the directory cannot be used. */
struct instance *instance_claim(const char *name, struct option_error *error);
/* Removes all it left in the directory. NULL is ignored. */
void instance_release(struct instance *instance);

/* The control socket, listening; the caller owns it from now. */
int instance_take_socket(struct instance *instance);
const char *instance_socket_path(const struct instance *instance);

#endif
