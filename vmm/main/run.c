/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/run.h"

#include "main/commands.h"
#include "main/instance.h"
#include "main/run_clipboard.h"
#include "main/run_looking_glass.h"
#include "main/run_spice.h"

#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <capture/capture.h>
#include <display/surface.h>
#include <errno.h>
#include <input/router.h>
#include <input/source_ring.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/segment.h>
#include <machine/machine.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

void run_end(struct run *run, int exit_status)
{
	run->exit_status = exit_status;
	loop_quit(run->main_loop);
}

/* ---- what others ask for; on the main loop ---- */

static void run_do_power_button(void *data)
{
	struct run *run = data;

	machine_power_button(run->machine);
}

static void run_do_force_off(void *data)
{
	struct run *run = data;

	log_info("forced off from the window");
	run_end(run, 0);
}

static void run_on_signal(void *data, uint32_t events)
{
	struct run *run = data;
	struct signalfd_siginfo info;

	while (read(run->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			run_window_reap(run);
			continue;
		}
		log_info("ending: %s", strsignal((int)info.ssi_signo));
		run_end(run, 0);
	}
}

static void run_on_guest_reset(void *data)
{
	struct run *run = data;

	if (run->config.reboot) {
		log_info("the guest starts again");
		return;
	}
	log_info("the guest asked for a reboot: ending (--reboot off)");
	run_end(run, 0);
}

static void run_on_machine_end(void *data, enum machine_end end)
{
	struct run *run = data;

	if (end == MACHINE_END_POWEROFF)
		log_info("the guest has shut down");
	run_end(run, end == MACHINE_END_POWEROFF ? 0 : 1);
}

/* ---- input that is not for a device; on the io loop ---- */

static void run_on_display_size(void *data, uint32_t scanout, uint32_t width, uint32_t height)
{
	struct run *run = data;

	run_set_monitor(run, scanout, width, height);
}

static void run_on_power_button(void *data)
{
	struct run *run = data;

	loop_post(run->main_loop, run_do_power_button, run);
}

static void run_on_force_off(void *data)
{
	struct run *run = data;

	loop_post(run->main_loop, run_do_force_off, run);
}

/* ---- building, from the bottom up ---- */

/* Blocked before the first thread exists, so that every thread inherits it. */
static int run_open_signals(struct run *run)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	run->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (run->signal_fd < 0)
		return -errno;
	run->signal_source = loop_fd_add(run->main_loop, run->signal_fd, EPOLLIN, run_on_signal, run);
	return run->signal_source ? 0 : -errno;
}

static int run_open_loops(struct run *run)
{
	run->main_loop = loop_create("main");
	run->io_loop = loop_create("io");
	run->gpu_loop = loop_create("gpu");
	if (!run->main_loop || !run->io_loop || !run->gpu_loop)
		return -errno;
	return run_open_signals(run);
}

static int run_open_segment(struct run *run, struct option_error *error)
{
	struct segment_config config = { .name = run->config.name,
					 .scanout_count = run->config.scanouts };

	if (run->config.shm) {
		run->segment = segment_create_file(run->config.shm, &config);
		if (!run->segment)
			return option_error_set(error, "shm: %s: %s", run->config.shm, strerror(errno));
		return 0;
	}
	run->segment = segment_create_memfd(&config);
	run->input_doorbell = doorbell_eventfd_create();
	if (!run->segment || run->input_doorbell < 0)
		return option_error_set(error, "shared memory: %s", strerror(errno));
	return 0;
}

static int run_open_picture(struct run *run, struct option_error *error)
{
	run->display = display_create(run->gpu_loop, run->config.scanouts);
	if (!run->display)
		return option_error_set(error, "display: %s", strerror(errno));
	run->capture = capture_create(run->display, run->segment);
	if (!run->capture)
		return option_error_set(error, "capture: %s", strerror(errno));
	return 0;
}

static int run_open_input(struct run *run, struct option_error *error)
{
	const struct input_source_ring_config config = {
		.loop = run->io_loop,
		.segment = run->segment,
		.router = run->router,
		.doorbell_fd = run->input_doorbell,
		.callbacks = { .display_size = run_on_display_size,
			       .power_button = run_on_power_button,
			       .force_off = run_on_force_off },
		.data = run,
	};
	int result;

	run->layout = run_layout_create(run->display, run->io_loop, run->router);
	if (!run->layout)
		return option_error_set(error, "layout: %s", strerror(errno));
	run->input_ring = input_source_ring_create(&config);
	if (!run->input_ring)
		return option_error_set(error, "input ring: %s", strerror(errno));
	result = input_source_start(run->input_ring);
	return result ? option_error_set(error, "input ring: %s", strerror(-result)) : 0;
}

static int run_parse_serial(const char *text, struct machine_config *machine,
			    struct option_error *error)
{
	if (!text || !strcmp(text, "none")) {
		machine->serial = MACHINE_SERIAL_NONE;
	} else if (!strcmp(text, "stdio")) {
		machine->serial = MACHINE_SERIAL_STDIO;
	} else if (!strncmp(text, "file=", 5) && text[5]) {
		machine->serial = MACHINE_SERIAL_FILE;
		machine->serial_path = text + 5;
	} else {
		return option_error_set(error, "serial: '%s' is not stdio, file=FILE or none", text);
	}
	return 0;
}

static int run_open_machine(struct run *run, struct option_error *error)
{
	struct machine_config config = {
		.memory_bytes = run->config.memory_bytes,
		.cpus = run->config.cpus,
		.hugepages = run->config.hugepages,
		.kernel_path = run->config.kernel,
		.initrd_path = run->config.initrd,
		.cmdline = run->config.cmdline,
		.main_loop = run->main_loop,
		.io_loop = run->io_loop,
		.on_reset = run_on_guest_reset,
		.on_end = run_on_machine_end,
		.data = run,
	};
	int result = run_parse_serial(run->config.serial, &config, error);

	if (result)
		return result;
	run->machine = machine_create(&config, error);
	if (!run->machine)
		return -EINVAL;
	return run_add_devices(run, error);
}

static int run_open(struct run *run, struct option_error *error)
{
	int result = run_open_loops(run);

	if (result)
		return option_error_set(error, "event loops: %s", strerror(-result));
	run->instance = instance_claim(run->config.name, error);
	if (!run->instance)
		return -EINVAL;
	result = run_open_segment(run, error);
	if (!result)
		result = run_open_picture(run, error);
	if (!result)
		result = run_looking_glass_open(run, error);
	if (!result)
		result = run_sound_open(run, error);
	if (!result)
		result = run_clipboard_open(run, error);
	if (!result)
		result = run_open_machine(run, error);
	if (!result)
		result = run_open_input(run, error);
	if (!result)
		result = run_spice_open(run, error);
	if (!result)
		result = run_control_start(run, error);
	return result;
}

static int run_start(struct run *run, struct option_error *error)
{
	int result;

	if (loop_start(run->io_loop) || loop_start(run->gpu_loop) || run_sound_start(run))
		return option_error_set(error, "cannot start threads");
	result = machine_start(run->machine, error);
	if (!result && !run->config.headless)
		result = run_window_open(run, error);
	if (result)
		return result;
	run->started = true;
	capture_set_state(run->capture, SEGMENT_RUNNING);
	log_info("'%s' runs: %u vCPUs, %llu MiB", run->config.name, run->config.cpus,
		 (unsigned long long)(run->config.memory_bytes >> 20));
	return 0;
}

/* What belongs to the io loop goes there. */
static void run_close_input(void *data)
{
	struct run *run = data;

	input_source_destroy(run->input_ring);
	input_source_destroy(run->spice_source);
	input_router_destroy(run->router);
}

/* Top down; every part may be missing. Devices go while their loops still run. */
static void run_close(struct run *run)
{
	if (run->machine)
		machine_stop(run->machine);
	if (run->capture && run->started)
		capture_set_state(run->capture, SEGMENT_SHUT_DOWN);
	run_window_close(run);
	run_control_stop(run);
	run_looking_glass_close(run);
	run_spice_close(run);
	run_layout_destroy(run->layout);
	if (run->io_loop)
		loop_call(run->io_loop, run_close_input, run);
	run_clipboard_close(run);
	machine_destroy(run->machine);
	run_sound_close(run);
	capture_destroy(run->capture);
	if (run->io_loop)
		loop_stop(run->io_loop);
	if (run->gpu_loop)
		loop_stop(run->gpu_loop);
	display_destroy(run->display);
	segment_destroy(run->segment);
	if (run->input_doorbell >= 0)
		close(run->input_doorbell);
	loop_fd_remove(run->signal_source);
	if (run->signal_fd >= 0)
		close(run->signal_fd);
	loop_destroy(run->gpu_loop);
	loop_destroy(run->io_loop);
	loop_destroy(run->main_loop);
	instance_release(run->instance);
}

int command_run(int argc, char **argv)
{
	struct run run = { .input_doorbell = -1, .sound_doorbell = -1, .signal_fd = -1, .start_ns = clock_now_ns() };
	struct option_error error = { "" };
	int result;

	run_config_init(&run.config);
	result = run_config_parse(&run.config, argc, argv, &error);
	if (!result && run.config.help) {
		run_config_print_help(stdout);
		goto out;
	}
	if (!result)
		result = run_open(&run, &error);
	if (!result)
		result = run_start(&run, &error);
	if (!result)
		result = loop_run(run.main_loop);
	run_close(&run);
	if (result) {
		fprintf(stderr, "vitrine run: %s\n", error.text[0] ? error.text : strerror(-result));
		run.exit_status = EXIT_STATUS_BAD_INPUT;
	}
out:
	run_config_finish(&run.config);
	return run.exit_status;
}
