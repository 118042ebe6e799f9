/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the command line says. Main thread. */
#ifndef CLIENT_CONFIG_H
#define CLIENT_CONFIG_H

#include "chord.h"
#include "spice_address.h"

#include <base/options.h>
#include <stdbool.h>
#include <stdint.h>

#define CONFIG_ALL_SCANOUTS UINT32_MAX

enum config_source {
	CONFIG_SOURCE_VM,
	CONFIG_SOURCE_TEST,
};

enum config_close {
	CONFIG_CLOSE_POWER,     /* ask the guest to shut down, then force */
	CONFIG_CLOSE_DETACH,    /* the VM goes on without a window */
};

enum config_sound_backend {
	CONFIG_SOUND_AUTO,      /* PipeWire, or else SDL's choice */
	CONFIG_SOUND_PIPEWIRE,
	CONFIG_SOUND_SDL,
	CONFIG_SOUND_NONE,
};

enum config_pointer {
	CONFIG_POINTER_ABSOLUTE,
	CONFIG_POINTER_RELATIVE,
};

struct client_config {
	char *name, *socket, *shm, *looking_glass, *title, *renderer, *screenshot;
	int source, close, scale, pointer, sound_backend;
	uint32_t scanout, scanouts;
	uint32_t width, height;         /* 0: the guest's */
	uint32_t settle_s, timeout_s;   /* timeout 0: none */
	uint32_t volume;                /* percent */
	bool fullscreen, no_resize, no_grab, wait, overlay, vsync, exit_after_screenshot;
	bool no_sound, mute, mic;
	bool clipboard;
	bool help, version;
	struct chord grab_key;
	bool has_spice;
	struct spice_address spice;
	char spice_password[SPICE_PASSWORD_BYTES];      /* "": none */
};

/* Defaults, then the command line. 0, or -EINVAL with one line that says what to do. */
int config_parse(struct client_config *config, int argc, char **argv, struct option_error *error);
void config_print_help(FILE *out);
void config_finish(struct client_config *config);

#endif
