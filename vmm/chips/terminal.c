/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <chips/terminal.h>

/* One terminal per process; a signal handler needs to find it. */
static struct termios terminal_saved;
static volatile sig_atomic_t terminal_is_raw;

void terminal_restore(void)
{
	if (!terminal_is_raw)
		return;
	terminal_is_raw = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &terminal_saved);
}

/* tcsetattr may be called in a handler; the signal then kills us as it would have. */
static void terminal_fatal_signal(int number)
{
	terminal_restore();
	raise(number);
}

static void terminal_catch_fatal_signals(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	struct sigaction action = { .sa_handler = terminal_fatal_signal,
				    .sa_flags = SA_RESETHAND };
	struct sigaction old;
	size_t i;

	for (i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		if (sigaction(fatal[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(fatal[i], &action, NULL);
}

void terminal_make_raw(void)
{
	static bool prepared;
	struct termios raw;

	/* In the background, changing the terminal would stop us. */
	if (terminal_is_raw || !isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) != getpgrp() ||
	    tcgetattr(STDIN_FILENO, &terminal_saved) < 0)
		return;
	if (!prepared) {
		atexit(terminal_restore);
		terminal_catch_fatal_signals();
		prepared = true;
	}
	raw = terminal_saved;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST;   /* log lines of our own go to the same terminal */
	raw.c_lflag |= ISIG;
	raw.c_cc[VQUIT] = _POSIX_VDISABLE;
	raw.c_cc[VSUSP] = _POSIX_VDISABLE;
	terminal_is_raw = 1;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

int terminal_reopen(int fd, int access)
{
	char path[32];
	struct stat status;
	int copy = -1;

	if (fstat(fd, &status) < 0)
		return -1;
	if (isatty(fd) || S_ISFIFO(status.st_mode)) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		copy = open(path, access | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	}
	return copy >= 0 ? copy : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}
