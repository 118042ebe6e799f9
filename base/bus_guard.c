/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/bus_guard.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Read by the handler, which may run on any thread. */
static _Atomic uintptr_t bus_guard_start, bus_guard_end;
static _Atomic uintptr_t bus_guard_page_bytes;
static _Atomic bool bus_guard_was_hit;

static void bus_guard_handle(int number, siginfo_t *info, void *context)
{
	uintptr_t address = (uintptr_t)info->si_addr;
	uintptr_t page_bytes = atomic_load(&bus_guard_page_bytes);
	void *page = (void *)(address & ~(page_bytes - 1));
	int saved_errno = errno;

	/* mmap is a bare system call: safe here. */
	if (address < atomic_load(&bus_guard_start) || address >= atomic_load(&bus_guard_end) ||
	    mmap(page, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) == MAP_FAILED)
		signal(SIGBUS, SIG_DFL);
	else
		atomic_store(&bus_guard_was_hit, true);
	errno = saved_errno;
}

int bus_guard_set(const void *mapping, size_t bytes)
{
	struct sigaction action = { .sa_sigaction = bus_guard_handle, .sa_flags = SA_SIGINFO };

	sigemptyset(&action.sa_mask);
	atomic_store(&bus_guard_end, 0);
	if (!mapping)
		return 0;
	atomic_store(&bus_guard_was_hit, false);
	atomic_store(&bus_guard_page_bytes, (uintptr_t)sysconf(_SC_PAGESIZE));
	atomic_store(&bus_guard_start, (uintptr_t)mapping);
	atomic_store(&bus_guard_end, (uintptr_t)mapping + bytes);
	return sigaction(SIGBUS, &action, NULL) ? -errno : 0;
}

bool bus_guard_hit(void)
{
	return atomic_load(&bus_guard_was_hit);
}
