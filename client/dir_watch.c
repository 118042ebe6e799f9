/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dir_watch.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIR_WATCH_EVENTS \
	(IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct dir_watch {
	int fd;
	int descriptor;                 /* of the one directory watched; -1: none */
	char path[PATH_MAX];
	size_t name_start;              /* of the part of path that is waited for in it */
};

struct dir_watch *dir_watch_create(const char *path)
{
	struct dir_watch *watch;
	size_t length = strlen(path);

	if (path[0] != '/' || length >= sizeof(watch->path)) {
		errno = EINVAL;
		return NULL;
	}
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return NULL;
	memcpy(watch->path, path, length + 1);
	watch->descriptor = -1;
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->fd < 0) {
		free(watch);
		return NULL;
	}
	return watch;
}

void dir_watch_destroy(struct dir_watch *watch)
{
	if (!watch)
		return;
	close(watch->fd);
	free(watch);
}

int dir_watch_fd(const struct dir_watch *watch)
{
	return watch->fd;
}

/* Where the first part of the path starts that does not exist, or its last part. */
static size_t dir_watch_find(const struct dir_watch *watch)
{
	char parent[PATH_MAX];
	size_t start = 1;

	for (size_t i = 1; watch->path[i]; i++) {
		struct stat status;

		if (watch->path[i] != '/')
			continue;
		memcpy(parent, watch->path, i);
		parent[i] = '\0';
		if (stat(parent, &status) || !S_ISDIR(status.st_mode))
			break;
		start = i + 1;
	}
	return start;
}

static int dir_watch_add(struct dir_watch *watch, size_t start)
{
	char parent[PATH_MAX];

	memcpy(parent, watch->path, start);
	parent[start] = '\0';
	watch->descriptor = inotify_add_watch(watch->fd, parent, DIR_WATCH_EVENTS);
	watch->name_start = start;
	return watch->descriptor < 0 ? -errno : 0;
}

int dir_watch_arm(struct dir_watch *watch)
{
	size_t start;
	int result;

	/* A directory may come or go between look and watch: look again until both agree. */
	do {
		if (watch->descriptor >= 0)
			inotify_rm_watch(watch->fd, watch->descriptor);
		start = dir_watch_find(watch);
		result = dir_watch_add(watch, start);
		if (result && result != -ENOENT && result != -ENOTDIR)
			return result;
	} while (result || dir_watch_find(watch) != start);
	return 0;
}

static bool dir_watch_is_awaited(const struct dir_watch *watch, const struct inotify_event *event)
{
	const char *name = watch->path + watch->name_start;
	size_t length = strcspn(name, "/");

	if (event->mask & IN_Q_OVERFLOW)
		return true;
	if (event->wd != watch->descriptor)
		return false;
	if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED))
		return true;
	return event->len > 0 && !strncmp(event->name, name, length) && !event->name[length];
}

bool dir_watch_read(struct dir_watch *watch)
{
	union {
		struct inotify_event align;
		char bytes[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	} buffer;
	bool awaited = false;
	ssize_t got;

	while ((got = read(watch->fd, buffer.bytes, sizeof(buffer.bytes))) > 0) {
		for (ssize_t at = 0; at < got;) {
			const struct inotify_event *event =
				(const struct inotify_event *)(buffer.bytes + at);

			awaited |= dir_watch_is_awaited(watch, event);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
	return awaited;
}
