/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file that Looking Glass clients map. They do so once, at their start: it is never replaced,
 * and never resized under them. Somebody else's file is not touched.
 */
#include "lg_wire.h"

#include <base/bus_guard.h>
#include <capture/looking_glass.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <ivshmem/lgmp.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MEBIBYTE (UINT64_C(1) << 20)
#define LG_FILE_MAX_BYTES (UINT64_C(2047) << 20)

struct lg_file {
	int fd;
	void *base;
	uint64_t bytes;
	bool guarded;
};

static const struct option_def lg_options[] = {
	{ "path", OPTION_STRING, offsetof(struct looking_glass_config, path),
	  .help = "the file that clients map" },
	{ "size", OPTION_SIZE, offsetof(struct looking_glass_config, size_bytes), MEBIBYTE,
	  LG_FILE_MAX_BYTES, .help = "its size" },
	{ "group", OPTION_STRING, offsetof(struct looking_glass_config, group),
	  .help = "a group that may use it too" },
};
#define LG_OPTIONS (sizeof(lg_options) / sizeof(lg_options[0]))

int looking_glass_config_parse(struct looking_glass_config *config, const char *text,
			       struct option_error *error)
{
	int result;

	looking_glass_config_finish(config);
	config->size_bytes = LOOKING_GLASS_DEFAULT_BYTES;
	result = options_parse_list(lg_options, LG_OPTIONS, config, text, "path", error);
	if (result)
		return result;
	if (!config->path || !*config->path)
		return option_error_set(error, "looking-glass: which file? Give "
					       "path=/dev/shm/looking-glass");
	config->size_bytes &= ~UINT64_C(4095);
	return 0;
}

void looking_glass_config_finish(struct looking_glass_config *config)
{
	options_finish(lg_options, LG_OPTIONS, config);
	*config = (struct looking_glass_config){ 0 };
}

/* --- opening ----------------------------------------------------------------------------- */

static bool lg_file_is_zero(const uint8_t *bytes, size_t count)
{
	while (count && !*bytes)
		bytes++, count--;
	return !count;
}

/* The memory of a PCI device (sysfs): it has its size and its content, and can only be mapped. */
static bool lg_file_is_device(int fd)
{
	struct statfs status;

	return !fstatfs(fd, &status) && status.f_type == SYSFS_MAGIC;
}

/* Ours, or a client's that was there first: LGMP, or nothing yet. */
static int lg_file_check_content(int fd, const char *path, uint64_t bytes,
				 struct option_error *error)
{
	static const uint8_t magic[4] = { 'L', 'G', 'M', 'P' };
	uint8_t head[4096] = { 0 };

	if (lg_file_is_device(fd))
		return 0;
	if (bytes && pread(fd, head, sizeof(head), 0) < 0)
		return option_error_set(error, "looking-glass: %s: %s", path, strerror(errno));
	if (!memcmp(head, magic, sizeof(magic)) || lg_file_is_zero(head, sizeof(head)))
		return 0;
	return option_error_set(error, "looking-glass: %s holds something else: name another file",
				path);
}

static int lg_file_check(int fd, const struct looking_glass_config *config,
			 struct option_error *error)
{
	struct stat status;
	int result;

	if (fstat(fd, &status))
		return option_error_set(error, "looking-glass: %s: %s", config->path,
					strerror(errno));
	if (!S_ISREG(status.st_mode))
		return option_error_set(error, "looking-glass: %s is not a regular file",
					config->path);
	if (status.st_uid != geteuid())
		return option_error_set(error, "looking-glass: %s belongs to another user (%u): "
					"remove it or name another file",
					config->path, (unsigned int)status.st_uid);
	result = lg_file_check_content(fd, config->path, (uint64_t)status.st_size, error);
	if (result)
		return result;
	if (status.st_size && (uint64_t)status.st_size != config->size_bytes)
		return option_error_set(error, "looking-glass: %s has %llu KiB, not %llu: give "
					"size=%lluK, or remove it while no client runs",
					config->path, (unsigned long long)status.st_size / 1024,
					(unsigned long long)config->size_bytes / 1024,
					(unsigned long long)status.st_size / 1024);
	return 0;
}

/* Only this user, and a group that was named or has the file already; never everybody. */
static int lg_file_set_access(int fd, const struct looking_glass_config *config,
			      const struct group *group, struct option_error *error)
{
	struct stat status;

	if (group && fchown(fd, (uid_t)-1, group->gr_gid))
		return option_error_set(error, "looking-glass: %s: cannot give it to group '%s': "
					"%s (are you in it?)", config->path, config->group,
					strerror(errno));
	if (fstat(fd, &status) || fchmod(fd, group ? 0660 : (status.st_mode & 0060) | 0600))
		return option_error_set(error, "looking-glass: %s: %s", config->path,
					strerror(errno));
	return 0;
}

/* Takes all of its memory now: later, a full file system would be a SIGBUS. */
static int lg_file_map(struct lg_file *file, const struct looking_glass_config *config,
		       struct option_error *error)
{
	int result = 0;

	if (!lg_file_is_device(file->fd))
		result = posix_fallocate(file->fd, 0, (off_t)config->size_bytes);
	if (result)
		return option_error_set(error, "looking-glass: %s: no room for %llu MiB: %s",
					config->path,
					(unsigned long long)(config->size_bytes / MEBIBYTE),
					strerror(result));
	file->bytes = config->size_bytes;
	file->base = mmap(NULL, file->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
	if (file->base == MAP_FAILED)
		return option_error_set(error, "looking-glass: %s: %s", config->path,
					strerror(errno));
	result = bus_guard_set(file->base, file->bytes);
	if (result)
		return option_error_set(error, "looking-glass: %s: %s", config->path,
					strerror(-result));
	file->guarded = true;
	return 0;
}

static int lg_file_take(struct lg_file *file, const struct looking_glass_config *config,
			struct option_error *error)
{
	const struct group *group = config->group ? getgrnam(config->group) : NULL;
	int result;

	if (config->group && !group)
		return option_error_set(error, "looking-glass: there is no group '%s'",
					config->group);
	file->fd = open(config->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (file->fd < 0)
		return option_error_set(error, "looking-glass: %s: %s%s", config->path,
					strerror(errno),
					errno == EACCES ? " (remove it if another user made it)" :
							  "");
	if (flock(file->fd, LOCK_EX | LOCK_NB))
		return option_error_set(error, "looking-glass: %s: %s", config->path,
					errno == EWOULDBLOCK ? "another VM uses it" :
							       strerror(errno));
	result = lg_file_check(file->fd, config, error);
	if (!result)
		result = lg_file_set_access(file->fd, config, group, error);
	if (!result)
		result = lg_file_map(file, config, error);
	return result;
}

struct lg_file *lg_file_open(const struct looking_glass_config *config, uint64_t needed_bytes,
			     struct option_error *error)
{
	struct lg_file *file;

	if (config->size_bytes < needed_bytes || config->size_bytes > LG_FILE_MAX_BYTES) {
		option_error_set(error, "looking-glass: size=%lluK is too %s: give %lluM or more, "
				 "below 2G", (unsigned long long)config->size_bytes / 1024,
				 config->size_bytes < needed_bytes ? "small" : "large",
				 (unsigned long long)((needed_bytes + MEBIBYTE - 1) / MEBIBYTE));
		return NULL;
	}
	file = calloc(1, sizeof(*file));
	if (!file) {
		option_error_set(error, "out of memory");
		return NULL;
	}
	file->fd = -1;
	file->base = MAP_FAILED;
	if (lg_file_take(file, config, error)) {
		lg_file_close(file);
		return NULL;
	}
	return file;
}

void lg_file_close(struct lg_file *file)
{
	if (!file)
		return;
	if (file->guarded)
		bus_guard_set(NULL, 0);
	if (file->base != MAP_FAILED)
		munmap(file->base, file->bytes);
	if (file->fd >= 0)
		close(file->fd);
	free(file);
}

void *lg_file_base(const struct lg_file *file)
{
	return file->base;
}

uint64_t lg_file_bytes(const struct lg_file *file)
{
	return file->bytes;
}

bool lg_file_lost(const struct lg_file *file)
{
	return file && bus_guard_hit();
}
