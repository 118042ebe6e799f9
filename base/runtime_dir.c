/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/runtime_dir.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool runtime_name_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";
	size_t length = strlen(name);

	return length > 0 && length < RUNTIME_NAME_BYTES && name[0] != '.' &&
	       strspn(name, allowed) == length;
}

static int runtime_dir_base(char *path, size_t bytes)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	int length;

	if (xdg && xdg[0] == '/') {
		length = snprintf(path, bytes, "%s/vitrine", xdg);
		return (size_t)length < bytes ? 0 : -ENAMETOOLONG;
	}
	snprintf(path, bytes, "/run/user/%u", (unsigned int)getuid());
	if (!access(path, W_OK | X_OK))
		strncat(path, "/vitrine", bytes - strlen(path) - 1);
	else
		snprintf(path, bytes, "/tmp/vitrine-%u", (unsigned int)getuid());
	return 0;
}

/* Ours, a directory, and closed to others: anyone may have made it first in /tmp. */
static int runtime_dir_check(const char *path)
{
	struct stat info;

	if (lstat(path, &info) < 0)
		return -errno;
	if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 077))
		return -EPERM;
	return 0;
}

int runtime_dir(char path[RUNTIME_DIR_BYTES], bool make)
{
	int result = runtime_dir_base(path, RUNTIME_DIR_BYTES);

	if (result)
		return result;
	if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	return runtime_dir_check(path);
}

int runtime_dir_file(char *path, size_t bytes, const char *name, const char *file)
{
	char dir[RUNTIME_DIR_BYTES];
	int length, result = runtime_dir_base(dir, sizeof(dir));

	if (result)
		return result;
	if (!runtime_name_valid(name))
		return -EINVAL;
	length = snprintf(path, bytes, "%s/%s/%s", dir, name, file);
	return (size_t)length < bytes ? 0 : -ENAMETOOLONG;
}
