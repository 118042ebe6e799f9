/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The window is a process of its own, so that neither side can take the other down. */
#include "main/run.h"

#include "main/client_path.h"
#include "main/instance.h"

#include <base/log.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

static int run_window_spawn(struct run *run, const char *path)
{
	char *argv[12];
	int argc = 0, result;
	posix_spawnattr_t attributes;
	sigset_t none;

	argv[argc++] = (char *)path;
	argv[argc++] = (char *)"--socket";
	argv[argc++] = (char *)instance_socket_path(run->instance);
	argv[argc++] = (char *)"--title";
	argv[argc++] = run->config.name;
	argv[argc++] = (char *)"--close";
	argv[argc++] = (char *)"power";
	if (run->config.fullscreen)
		argv[argc++] = (char *)"--fullscreen";
	if (run->config.mic)
		argv[argc++] = (char *)"--mic";
	argv[argc] = NULL;

	/* Our signals are blocked for the signalfd; the window wants its own. A group of its own
	 * keeps a Ctrl-C in the terminal ours: the window goes when the VM does. */
	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setpgroup(&attributes, 0);
	result = posix_spawnp(&run->client_pid, path, NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	if (result)
		run->client_pid = 0;
	return -result;
}

int run_window_open(struct run *run, struct option_error *error)
{
	char path[CLIENT_PATH_BYTES];
	int result;

	if (!getenv("DISPLAY") && !getenv("WAYLAND_DISPLAY"))
		return option_error_set(error, "no screen to open a window on (neither DISPLAY nor "
					"WAYLAND_DISPLAY is set): use --headless");
	client_path(path);
	result = run_window_spawn(run, path);
	if (result)
		return option_error_set(error, "%s: %s: install vitrine-client beside vitrine, or use "
					"--headless", path, strerror(-result));
	return 0;
}

void run_window_reap(struct run *run)
{
	int status;

	if (!run->client_pid || waitpid(run->client_pid, &status, WNOHANG) != run->client_pid)
		return;
	run->client_pid = 0;
	log_info("the window has ended; 'vitrine view %s' opens it again, 'vitrine stop %s' ends the VM",
		 run->config.name, run->config.name);
}

void run_window_close(struct run *run)
{
	if (!run->client_pid)
		return;
	kill(run->client_pid, SIGTERM);
	while (waitpid(run->client_pid, NULL, 0) < 0 && errno == EINTR)
		;
	run->client_pid = 0;
}
