/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/instance.h"

#include <base/packet.h>
#include <base/runtime_dir.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define INSTANCE_PATH_BYTES sizeof(((struct sockaddr_un *)0)->sun_path)

struct instance {
	char dir[INSTANCE_PATH_BYTES];
	char lock_path[INSTANCE_PATH_BYTES];
	char socket_path[INSTANCE_PATH_BYTES];
	int lock_fd;
	int socket_fd;
};

static int instance_paths(struct instance *instance, const char *name, struct option_error *error)
{
	char parent[RUNTIME_DIR_BYTES];
	int result = runtime_dir(parent, true);

	if (result == -EPERM)
		return option_error_set(error, "%s: must be yours and closed to others (chmod 700)",
					parent);
	if (result)
		return option_error_set(error, "cannot make the runtime directory: %s: set "
					"XDG_RUNTIME_DIR to a directory of yours", strerror(-result));
	if (runtime_dir_file(instance->dir, sizeof(instance->dir), name, "") ||
	    runtime_dir_file(instance->lock_path, sizeof(instance->lock_path), name, "lock") ||
	    runtime_dir_file(instance->socket_path, sizeof(instance->socket_path), name,
			     "control.sock"))
		return option_error_set(error, "name: '%s' makes too long a path below %s: use a "
					"shorter one", name, parent);
	return 0;
}

/* The lock is what claims a name; it goes with the process, however that ends. */
static int instance_lock(struct instance *instance, const char *name, struct option_error *error)
{
	struct stat by_fd, by_path;

	if (mkdir(instance->dir, 0700) < 0 && errno != EEXIST)
		return option_error_set(error, "%s: %s", instance->dir, strerror(errno));
	instance->lock_fd = open(instance->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (instance->lock_fd < 0)
		return option_error_set(error, "%s: %s", instance->lock_path, strerror(errno));
	/* The owner may have removed the file between our open and our lock. */
	if (flock(instance->lock_fd, LOCK_EX | LOCK_NB) < 0 || fstat(instance->lock_fd, &by_fd) < 0 ||
	    stat(instance->lock_path, &by_path) < 0 || by_fd.st_ino != by_path.st_ino) {
		close(instance->lock_fd);
		instance->lock_fd = -1;
		return option_error_set(error, "a VM named '%s' is running already: choose another "
					"--name, or 'vitrine stop %s'", name, name);
	}
	return 0;
}

struct instance *instance_claim(const char *name, struct option_error *error)
{
	struct instance *instance = calloc(1, sizeof(*instance));

	if (!instance) {
		option_error_set(error, "out of memory");
		return NULL;
	}
	instance->lock_fd = -1;
	instance->socket_fd = -1;
	if (instance_paths(instance, name, error) || instance_lock(instance, name, error)) {
		free(instance);
		return NULL;
	}
	instance->socket_fd = packet_listen(instance->socket_path);
	if (instance->socket_fd < 0) {
		option_error_set(error, "%s: %s", instance->socket_path,
				 strerror(-instance->socket_fd));
		instance->socket_fd = -1;
		instance_release(instance);
		return NULL;
	}
	return instance;
}

void instance_release(struct instance *instance)
{
	if (!instance)
		return;
	if (instance->socket_fd >= 0)
		close(instance->socket_fd);
	/* The lock goes last: whoever waits for the name finds nothing of ours. */
	unlink(instance->socket_path);
	unlink(instance->lock_path);
	rmdir(instance->dir);
	close(instance->lock_fd);
	free(instance);
}

int instance_take_socket(struct instance *instance)
{
	int fd = instance->socket_fd;

	instance->socket_fd = -1;
	return fd;
}

const char *instance_socket_path(const struct instance *instance)
{
	return instance->socket_path;
}
