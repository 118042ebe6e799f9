/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a running VM answers on its control socket. */
#include "main/run.h"

#include "clipboard/clipboard_sessions.h"
#include "control/control_server.h"
#include "main/instance.h"
#include "main/run_session.h"

#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <capture/capture.h>
#include <display/screenshot.h>
#include <display/surface.h>
#include <errno.h>
#include <fcntl.h>
#include <ivshmem/doorbell_eventfd.h>
#include <ivshmem/segment.h>
#include <machine/machine.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NS_PER_S 1000000000u

/* Hands a copy of the fd to the reply. */
static int run_control_lend(struct packet *fds, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return -errno;
	fds->fds[fds->fd_count++] = copy;
	return 0;
}

static int run_control_attach(void *data, struct control_session *session, const json_t *request,
			      json_t *reply, struct packet *fds, const char **error)
{
	struct run *run = data;
	struct run_session *mark = run_session_get(session);
	int doorbell, result;

	if (run->input_doorbell < 0) {
		*error = "this VM's frames are in a file (--shm): use vitrine-client --shm FILE";
		return -ENOTSUP;
	}
	if (!mark)
		return -ENOMEM;
	if (mark->doorbell >= 0) {
		*error = "attached already";
		return -EBUSY;
	}
	doorbell = doorbell_eventfd_create();
	result = doorbell;
	if (result >= 0)
		result = run_control_lend(fds, segment_fd(run->segment));
	if (!result)
		result = run_control_lend(fds, doorbell);
	if (!result)
		result = run_control_lend(fds, run->input_doorbell);
	if (!result && run->sound_doorbell >= 0)
		result = run_control_lend(fds, run->sound_doorbell);
	if (!result)
		result = capture_add_doorbell(run->capture, doorbell);
	if (result < 0) {
		if (doorbell >= 0)
			close(doorbell);
		return result;
	}
	mark->doorbell = doorbell;
	json_object_set_new(reply, "name", json_string(run->config.name));
	json_object_set_new(reply, "pid", json_integer(getpid()));
	return 0;
}

static void run_control_session_ended(void *data, struct control_session *session)
{
	struct run *run = data;
	struct run_session *mark = control_session_mark(session);

	clipboard_session_close(mark->clipboard);
	if (mark->doorbell >= 0) {
		capture_remove_doorbell(run->capture, mark->doorbell);
		close(mark->doorbell);
	}
	free(mark);
}

struct run_sizes {
	struct run *run;
	json_t *displays;
};

static void run_control_collect_sizes(void *data)
{
	struct run_sizes *sizes = data;
	struct display *display = sizes->run->display;

	for (uint32_t i = 0; i < display_surface_count(display); i++) {
		struct rect source = { 0 };
		bool on = display_surface_buffer(display_surface_get(display, i), &source) != NULL;

		json_array_append_new(sizes->displays,
				      json_pack("{s:i,s:i}", "width", on ? (int)source.width : 0,
						"height", on ? (int)source.height : 0));
	}
}

static int run_control_status(void *data, struct control_session *session, const json_t *request,
			      json_t *reply, struct packet *fds, const char **error)
{
	struct run *run = data;
	struct run_sizes sizes = { run, json_array() };
	uint64_t uptime_s = (clock_now_ns() - run->start_ns) / NS_PER_S;
	char uuid[UUID_TEXT_BYTES];

	if (loop_call(run->gpu_loop, run_control_collect_sizes, &sizes)) {
		json_decref(sizes.displays);
		return -ENOMEM;
	}
	uuid_format(&run->config.uuid, uuid);
	json_object_set_new(reply, "name", json_string(run->config.name));
	json_object_set_new(reply, "uuid", json_string(uuid));
	json_object_set_new(reply, "pid", json_integer(getpid()));
	json_object_set_new(reply, "state", json_string("running"));
	json_object_set_new(reply, "uptime_s", json_integer((json_int_t)uptime_s));
	json_object_set_new(reply, "cpus", json_integer(run->config.cpus));
	json_object_set_new(reply, "memory_bytes", json_integer((json_int_t)run->config.memory_bytes));
	json_object_set_new(reply, "displays", sizes.displays);
	return 0;
}

static int run_control_stop_vm(void *data, struct control_session *session, const json_t *request,
			       json_t *reply, struct packet *fds, const char **error)
{
	struct run *run = data;

	if (json_is_true(json_object_get(request, "force")))
		run_end(run, 0);
	else
		machine_power_button(run->machine);
	return 0;
}

static int run_control_screenshot(void *data, struct control_session *session,
				  const json_t *request, json_t *reply, struct packet *fds,
				  const char **error)
{
	struct run *run = data;
	json_int_t scanout = json_integer_value(json_object_get(request, "scanout"));
	struct display_screenshot shot;
	int fd, result;

	if (scanout < 0 || scanout >= display_surface_count(run->display)) {
		*error = "no such scanout";
		return -EINVAL;
	}
	result = display_screenshot_take(run->display, (uint32_t)scanout, true, &shot);
	if (result) {
		*error = result == -ENODATA ? "this screen shows nothing" : NULL;
		return result;
	}
	fd = memfd_create("vitrine-screenshot", MFD_CLOEXEC);
	if (fd >= 0 && write(fd, shot.pixels, shot.pixel_bytes) == (ssize_t)shot.pixel_bytes) {
		fds->fds[fds->fd_count++] = fd;
		json_object_set_new(reply, "width", json_integer(shot.width));
		json_object_set_new(reply, "height", json_integer(shot.height));
		json_object_set_new(reply, "stride", json_integer(shot.stride_bytes));
		json_object_set_new(reply, "fourcc", json_integer(shot.fourcc));
	} else {
		result = -errno;
		if (fd >= 0)
			close(fd);
	}
	display_screenshot_finish(&shot);
	return result;
}

static const struct control_command run_control_commands[] = {
	{ "attach", run_control_attach },
	{ "status", run_control_status },
	{ "stop", run_control_stop_vm },
	{ "screenshot", run_control_screenshot },
	{ "clipboard", run_control_clipboard },
	{ 0 },
};

int run_control_start(struct run *run, struct option_error *error)
{
	struct control_server_config config = {
		.loop = run->main_loop,
		.listen_fd = instance_take_socket(run->instance),
		.commands = run_control_commands,
		.data = run,
		.session_ended = run_control_session_ended,
	};

	if (run->clipboard) {
		run->clipboard_sessions = clipboard_sessions_create(run->main_loop, run->clipboard);
		if (!run->clipboard_sessions)
			return option_error_set(error, "clipboard: %s", strerror(errno));
	}
	run->control = control_server_create(&config);
	if (!run->control)
		return option_error_set(error, "control socket: %s", strerror(errno));
	return 0;
}

void run_control_stop(struct run *run)
{
	control_server_destroy(run->control);
	run->control = NULL;
	clipboard_sessions_destroy(run->clipboard_sessions);
	run->clipboard_sessions = NULL;
}
