/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal on stdin, for real: main() forks a session whose controlling terminal is a pty.
 * Each test's user is a further process, a job of that session as a shell would start it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <chips/terminal.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define DEADLINE_MS 10000

static int keyboard;           /* the pty's master: what the user types and sees */
static struct termios before;  /* as the session found its terminal */

/* A job: runs what(), with pipes to say how far it is and to be told to go on. */
struct job {
	pid_t pid;
	int from, to;
};

static void job_say(int out, char byte)
{
	if (write(out, &byte, 1) != 1)
		_exit(99);
}

static void job_hear(int in)
{
	char byte;

	if (read(in, &byte, 1) != 1)
		_exit(99);
}

static void job_start(struct job *job, void (*what)(int out, int in), bool foreground)
{
	int up[2], down[2];

	assert_int_equal(pipe2(up, O_CLOEXEC), 0);
	assert_int_equal(pipe2(down, O_CLOEXEC), 0);
	job->pid = fork();
	assert_true(job->pid >= 0);
	if (job->pid == 0) {
		const struct rlimit no_core = { 0, 0 };

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setrlimit(RLIMIT_CORE, &no_core);
		alarm(DEADLINE_MS / 1000);
		setpgid(0, 0);
		signal(SIGTTOU, SIG_DFL);
		job_hear(down[0]);
		what(up[1], down[0]);
		_exit(0);
	}
	close(up[1]);
	close(down[0]);
	job->from = up[0];
	job->to = down[1];
	setpgid(job->pid, job->pid);
	assert_int_equal(tcsetpgrp(STDIN_FILENO, foreground ? job->pid : getpgrp()), 0);
	assert_int_equal(write(job->to, "g", 1), 1);
}

/* Waits for the byte that the job says. */
static void job_expect(struct job *job, char expected)
{
	struct pollfd poll_in = { .fd = job->from, .events = POLLIN };
	char byte = 0;

	assert_int_equal(poll(&poll_in, 1, DEADLINE_MS), 1);
	assert_int_equal(read(job->from, &byte, 1), 1);
	assert_int_equal(byte, expected);
}

static void job_go_on(struct job *job)
{
	assert_int_equal(write(job->to, "g", 1), 1);
}

/* The job's wait status. Being stopped counts as an end. */
static int job_end(struct job *job)
{
	int status = 0;

	assert_int_equal(waitpid(job->pid, &status, WUNTRACED), job->pid);
	if (WIFSTOPPED(status)) {
		kill(job->pid, SIGKILL);
		waitpid(job->pid, NULL, 0);
	}
	close(job->from);
	close(job->to);
	return status;
}

static struct termios terminal_now(void)
{
	struct termios now;

	assert_int_equal(tcgetattr(STDIN_FILENO, &now), 0);
	return now;
}

static void assert_as_before(void)
{
	struct termios now = terminal_now();

	assert_int_equal(now.c_iflag, before.c_iflag);
	assert_int_equal(now.c_oflag, before.c_oflag);
	assert_int_equal(now.c_cflag, before.c_cflag);
	assert_int_equal(now.c_lflag, before.c_lflag);
	assert_memory_equal(now.c_cc, before.c_cc, sizeof(now.c_cc));
}

static void assert_raw(void)
{
	struct termios now = terminal_now();

	assert_int_equal(now.c_lflag & (ICANON | ECHO | IEXTEN), 0);
	assert_int_equal(now.c_iflag & (ICRNL | IXON), 0);
	assert_int_equal(now.c_lflag & ISIG, ISIG);
	assert_int_equal(now.c_oflag & OPOST, OPOST);
	assert_int_equal(now.c_cc[VINTR], before.c_cc[VINTR]);
}

static void type(const char *keys)
{
	assert_int_equal(write(keyboard, keys, strlen(keys)), strlen(keys));
}

static void job_reads_keys(int out, int in)
{
	static const char keys[] = "a\x1a\x1c\x04\r"; /* Ctrl-Z, Ctrl-\, Ctrl-D, Enter */
	const struct timespec deadline = { DEADLINE_MS / 1000, 0 };
	char got[sizeof(keys) - 1];
	sigset_t interrupt;

	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, NULL);
	terminal_make_raw();
	job_say(out, 'r');
	for (size_t i = 0; i < sizeof(got); i++) {
		if (read(STDIN_FILENO, &got[i], 1) != 1)
			_exit(1);
	}
	if (memcmp(got, keys, sizeof(got)))
		_exit(2);
	job_say(out, 'k');
	if (sigtimedwait(&interrupt, NULL, &deadline) != SIGINT)
		_exit(3);
	terminal_restore();
	job_say(out, 'b');
	job_hear(in);
}

static void test_every_key_goes_to_the_guest_but_ctrl_c(void **state)
{
	struct pollfd echo = { .fd = keyboard, .events = POLLIN };
	struct job job;

	job_start(&job, job_reads_keys, true);
	job_expect(&job, 'r');
	assert_raw();
	type("a\x1a\x1c\x04\r");
	job_expect(&job, 'k');
	assert_int_equal(poll(&echo, 1, 0), 0);
	type("\x03");
	job_expect(&job, 'b');
	assert_as_before();
	job_go_on(&job);
	assert_int_equal(job_end(&job), 0);
}

static void job_goes_raw_twice(int out, int in)
{
	for (int i = 0; i < 2; i++) {
		terminal_make_raw();
		terminal_make_raw(); /* saves nothing anew */
		job_say(out, 'r');
		job_hear(in);
		terminal_restore();
		terminal_restore();
		job_say(out, 'b');
		job_hear(in);
	}
}

static void test_raw_and_back_again(void **state)
{
	struct job job;

	job_start(&job, job_goes_raw_twice, true);
	for (int i = 0; i < 2; i++) {
		job_expect(&job, 'r');
		assert_raw();
		job_go_on(&job);
		job_expect(&job, 'b');
		assert_as_before();
		job_go_on(&job);
	}
	assert_int_equal(job_end(&job), 0);
}

static void job_exits(int out, int in)
{
	terminal_make_raw();
	job_say(out, 'r');
	job_hear(in);
	exit(7);
}

static void test_exit_puts_it_back(void **state)
{
	struct job job;
	int status;

	job_start(&job, job_exits, true);
	job_expect(&job, 'r');
	assert_raw();
	job_go_on(&job);
	status = job_end(&job);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_as_before();
}

static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
static int dies_of;

static void job_dies(int out, int in)
{
	/* Neither cmocka's handlers nor a sanitizer's: as in a release. */
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		signal(fatal[i], SIG_DFL);
	terminal_make_raw();
	job_say(out, 'r');
	job_hear(in);
	raise(dies_of);
}

static void test_fatal_signals_put_it_back_and_kill(void **state)
{
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
		struct job job;
		int status;

		dies_of = fatal[i];
		job_start(&job, job_dies, true);
		job_expect(&job, 'r');
		assert_raw();
		job_go_on(&job);
		status = job_end(&job);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), dies_of);
		assert_as_before();
	}
}

static void job_keeps_off(int out, int in)
{
	terminal_make_raw();
	job_say(out, 'r');
	job_hear(in);
}

/* A job in the background that sets the terminal is stopped: it must not try. */
static void test_background_leaves_it_alone(void **state)
{
	struct job job;

	job_start(&job, job_keeps_off, false);
	job_expect(&job, 'r');
	assert_as_before();
	job_go_on(&job);
	assert_int_equal(job_end(&job), 0);
	assert_as_before();
}

static void job_has_no_terminal(int out, int in)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	dup2(null, STDIN_FILENO);
	job_keeps_off(out, in);
}

static void test_stdin_is_not_a_terminal(void **state)
{
	struct job job;

	job_start(&job, job_has_no_terminal, true);
	job_expect(&job, 'r');
	assert_as_before();
	job_go_on(&job);
	assert_int_equal(job_end(&job), 0);
}

static void test_reopened_is_non_blocking_for_us_alone(void **state)
{
	int copy = terminal_reopen(STDIN_FILENO, O_WRONLY);

	assert_true(copy >= 0);
	assert_true(isatty(copy));
	assert_int_equal(fcntl(copy, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(fcntl(copy, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK, 0);
	close(copy);
}

static int take_terminal(int slave)
{
	/* The session sets the foreground job from the background itself. */
	if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) < 0 || dup2(slave, STDIN_FILENO) < 0 ||
	    signal(SIGTTOU, SIG_IGN) == SIG_ERR || tcgetattr(STDIN_FILENO, &before) < 0) {
		perror("take_terminal");
		return -1;
	}
	close(slave);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_goes_to_the_guest_but_ctrl_c),
		cmocka_unit_test(test_raw_and_back_again),
		cmocka_unit_test(test_exit_puts_it_back),
		cmocka_unit_test(test_fatal_signals_put_it_back_and_kill),
		cmocka_unit_test(test_background_leaves_it_alone),
		cmocka_unit_test(test_stdin_is_not_a_terminal),
		cmocka_unit_test(test_reopened_is_non_blocking_for_us_alone),
	};
	int slave, status = 0;
	pid_t session;

	if (openpty(&keyboard, &slave, NULL, NULL, NULL) < 0) {
		perror("openpty");
		return 1;
	}
	session = fork();
	if (session == 0)
		return take_terminal(slave) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
	close(slave);
	return session > 0 && waitpid(session, &status, 0) == session && WIFEXITED(status) ?
	       WEXITSTATUS(status) : 1;
}
