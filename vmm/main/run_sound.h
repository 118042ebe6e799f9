/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sound of one `vitrine run`: which card the guest has and where its samples go. Main thread. */
#ifndef VMM_MAIN_RUN_SOUND_H
#define VMM_MAIN_RUN_SOUND_H

#include <base/options.h>

struct run;

enum run_sound_card {
	RUN_SOUND_NONE,
	RUN_SOUND_VIRTIO,
	RUN_SOUND_HDA,
};

struct run_sound_config {
	enum run_sound_card card;
	char *wav_path;                 /* NULL: the clients */
};

void run_sound_config_init(struct run_sound_config *config);
void run_sound_config_finish(struct run_sound_config *config);
/* on|off|hda|[hda,]wav=FILE. 0 or -EINVAL with the error filled in. */
int run_sound_config_parse(struct run_sound_config *config, const char *text,
			   struct option_error *error);

/* Makes the audio loop and the backend; nothing when there is no sound. After the segment and the
 * capture. 0, or -errno with the error filled in. */
int run_sound_open(struct run *run, struct option_error *error);
/* Runs the audio loop, in the real-time class where that is allowed. 0 or -errno. */
int run_sound_start(struct run *run);
/* After the machine with its sound card was destroyed. */
void run_sound_close(struct run *run);

#endif
