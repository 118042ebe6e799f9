/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waits for a path to appear or change, without polling: inotify on the deepest directory of it
 * that exists. One thread.
 */
#ifndef CLIENT_DIR_WATCH_H
#define CLIENT_DIR_WATCH_H

#include <stdbool.h>

struct dir_watch;

/* The path must be absolute. NULL with errno. */
struct dir_watch *dir_watch_create(const char *path);
/* NULL is ignored. */
void dir_watch_destroy(struct dir_watch *watch);
/* Readable when something happened; then call dir_watch_read. */
int dir_watch_fd(const struct dir_watch *watch);
/* Watches from now on. Look at the path after this, not before. 0 or -errno. */
int dir_watch_arm(struct dir_watch *watch);
/* True when the path, or the next directory on the way to it, may have changed: arm again. */
bool dir_watch_read(struct dir_watch *watch);

#endif
