/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which VM's control socket is meant. Main thread. */
#ifndef CLIENT_VM_PATH_H
#define CLIENT_VM_PATH_H

#include <base/options.h>
#include <stddef.h>

/* name NULL: the only VM that runs. 0, or -EINVAL with one line that says what to do. */
int vm_path_find(const char *name, char *path, size_t bytes, struct option_error *error);

#endif
