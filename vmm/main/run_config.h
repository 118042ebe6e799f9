/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `vitrine run` is asked for: one option table for the command line, the config file, --help
 * and the man page.
 */
#ifndef VMM_MAIN_RUN_CONFIG_H
#define VMM_MAIN_RUN_CONFIG_H

#include "main/run_sound.h"

#include <base/options.h>
#include <base/uuid.h>
#include <capture/looking_glass.h>
#include <devices/virtio_blk.h>
#include <devices/virtio_net.h>
#include <spice/spice_listen.h>
#include <stdbool.h>
#include <stdint.h>

#define RUN_MAX_DISKS 8
#define RUN_MAX_DISPLAYS 16

struct run_display {
	uint32_t width, height;         /* pixels; 0 x 0: not plugged in */
};

struct run_config {
	bool help;
	char *name;
	char *kernel, *initrd, *cmdline;
	uint32_t cpus;
	uint64_t memory_bytes;
	bool hugepages;
	struct virtio_blk_config disks[RUN_MAX_DISKS];
	uint32_t disk_count;
	struct virtio_net_config net;
	struct run_display displays[RUN_MAX_DISPLAYS];
	uint32_t display_count;         /* how many were given */
	uint32_t scanouts;
	char *serial;
	char *console;
	char *shm;                      /* NULL: a memfd */
	struct run_sound_config sound;
	struct looking_glass_config looking_glass;
	struct spice_listen_config spice;
	struct uuid uuid;               /* zero only until the options are checked */
	bool clipboard;
	bool headless;
	bool mic;                       /* of the window we open */
	bool fullscreen;
	bool reboot;                    /* false: a guest reset ends the VM */
	unsigned int config_depth;      /* config files that name config files */
};

/* Defaults. */
void run_config_init(struct run_config *config);
void run_config_finish(struct run_config *config);

/* 0 or -EINVAL with the error filled in. */
int run_config_parse(struct run_config *config, int argc, char **argv, struct option_error *error);
void run_config_print_help(FILE *out);

#endif
