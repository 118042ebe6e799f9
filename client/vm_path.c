/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm_path.h"

#include <base/runtime_dir.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VM_PATH_SOCKET "control.sock"

static int vm_path_named(const char *name, char *path, size_t bytes, struct option_error *error)
{
	int result = runtime_dir_file(path, bytes, name, VM_PATH_SOCKET);

	if (result == -EINVAL)
		return option_error_set(error, "--name %s: a VM's name is up to %d letters, "
					"digits, '-', '_' and '.'", name, RUNTIME_NAME_BYTES - 1);
	if (result)
		return option_error_set(error, "--name %s: %s", name, strerror(-result));
	return 0;
}

int vm_path_find(const char *name, char *path, size_t bytes, struct option_error *error)
{
	char directory[RUNTIME_DIR_BYTES], found[RUNTIME_NAME_BYTES] = "";
	const struct dirent *entry;
	int count = 0;
	DIR *vms;

	if (name)
		return vm_path_named(name, path, bytes, error);
	vms = runtime_dir(directory, false) ? NULL : opendir(directory);
	while (vms && (entry = readdir(vms))) {
		if (runtime_dir_file(path, bytes, entry->d_name, VM_PATH_SOCKET) ||
		    access(path, F_OK))
			continue;
		snprintf(found, sizeof(found), "%.*s", RUNTIME_NAME_BYTES - 1, entry->d_name);
		count++;
	}
	if (vms)
		closedir(vms);
	if (count == 1)
		return vm_path_named(found, path, bytes, error);
	if (count)
		return option_error_set(error, "%d VMs run: say which one with --name NAME", count);
	return option_error_set(error, "no VM runs: start one with 'vitrine run', or give --name "
				"and --wait");
}
