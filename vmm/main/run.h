/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One `vitrine run`: the loops, the machine and all that is plugged into it. Main thread. */
#ifndef VMM_MAIN_RUN_H
#define VMM_MAIN_RUN_H

#include "main/run_config.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct run {
	struct run_config config;
	struct instance *instance;
	struct loop *main_loop, *io_loop, *gpu_loop;
	struct loop *audio_loop;        /* NULL: no sound */

	struct display *display;        /* gpu loop's */
	struct segment *segment;
	struct capture *capture;
	struct input_router *router;    /* io loop's */
	struct input_source *input_ring;
	struct run_layout *layout;
	struct audio_backend *sound;    /* audio loop's; NULL: no sound */
	struct audio_tap *sound_tap;    /* what sound is, for SPICE; NULL: it is none */
	struct run_looking_glass *looking_glass;        /* NULL: not asked for */
	struct input_source *spice_source;              /* io loop's; NULL: no SPICE */
	struct spice_service *spice;
	struct spice_agent *spice_agent;
	struct clipboard *clipboard;    /* main loop's; NULL: --clipboard off */
	struct guest_agent *guest_agent;
	int sound_doorbell;             /* -1: none */
	int input_doorbell;             /* -1: none can exist, the ring is polled */
	struct machine *machine;

	struct clipboard_sessions *clipboard_sessions;  /* NULL: off */
	struct control_server *control;
	struct loop_fd *signal_source;
	int signal_fd;
	pid_t client_pid;               /* 0: no window of ours */
	uint64_t start_ns;
	bool started;                   /* the guest has run */
	int exit_status;
};

/* Adds every device of the registry that the config asks for. 0 or -errno with the error set. */
int run_add_devices(struct run *run, struct option_error *error);

/* Tells the input router where each screen lies on the guest's desktop. From main, loops may run.
 * NULL with errno. */
struct run_layout *run_layout_create(struct display *display, struct loop *io_loop,
				     struct input_router *router);
/* While the io loop still runs, before the router goes. NULL is ignored. */
void run_layout_destroy(struct run_layout *layout);

/* Starts and stops serving the control socket. */
int run_control_start(struct run *run, struct option_error *error);
void run_control_stop(struct run *run);

/* Opens the window as a process of its own. 0 or -errno with the error set. */
int run_window_open(struct run *run, struct option_error *error);
/* Tells it to go and waits for it. */
void run_window_close(struct run *run);
/* Takes note of a window that ended. */
void run_window_reap(struct run *run);

/* Ends the VM: the main loop returns. */
void run_end(struct run *run, int exit_status);

#endif
