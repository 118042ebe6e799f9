/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a running VM's control socket and lock live: $XDG_RUNTIME_DIR/vitrine/NAME/. Where
 * XDG_RUNTIME_DIR is unset: /run/user/UID when that exists, else /tmp/vitrine-UID, which must be ours.
 * Main threads only.
 */
#ifndef BASE_RUNTIME_DIR_H
#define BASE_RUNTIME_DIR_H

#include <stdbool.h>
#include <stddef.h>

#define RUNTIME_DIR_BYTES 96    /* a socket path must fit in sun_path */
#define RUNTIME_NAME_BYTES 32

/* A VM's name: 1..31 of letters, digits, '-', '_' and '.', not starting with a dot. */
bool runtime_name_valid(const char *name);

/* The directory of all VMs; made (0700) when make is true. 0, -EPERM when it is someone else's or open
 * to others, or -errno. */
int runtime_dir(char path[RUNTIME_DIR_BYTES], bool make);
/* The path of a file of one VM. 0, -EINVAL (name), -ENAMETOOLONG. */
int runtime_dir_file(char *path, size_t bytes, const char *name, const char *file);

#endif
