/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does hardware virtualization really work here? Two independent questions, two answers in one
 * line: does the CPU offer vmx or svm, and does /dev/kvm run a few instructions? The file's mere
 * presence says little: some hosts have a /dev/kvm that runs nothing, or nothing that a stock
 * kernel could use. Exit status 0 if both are so, else 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE_TIMEOUT_MS 5000
#define GUEST_BASE 0x1000
#define GUEST_SIZE_BYTES 0x1000
#define RESULT_PORT 0x10
#define RESULT_VALUE 42
#define REASON_SIZE_BYTES 200

/* Real mode: adds two numbers that arrive in registers, writes the sum to a port, halts. */
static const unsigned char guest_code[] = {
	0x00, 0xd8,		/* add al, bl */
	0xe6, RESULT_PORT,	/* out RESULT_PORT, al */
	0xf4,			/* hlt */
};

struct probe {
	int kvm_fd, vm_fd, vcpu_fd;
	void *memory;
	struct kvm_run *run;
	size_t run_size_bytes;
	char reason[REASON_SIZE_BYTES];
};

__attribute__((format(printf, 3, 4)))
static int probe_fail(struct probe *probe, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(probe->reason, sizeof(probe->reason), format, arguments);
	va_end(arguments);
	return error;
}

/* Fails with the name of the request that the kernel refused. */
static int probe_refused(struct probe *probe, const char *request)
{
	int error = errno;

	return probe_fail(probe, -error, "%s: %s", request, strerror(error));
}

static int probe_open(struct probe *probe)
{
	int version;

	probe->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (probe->kvm_fd < 0) {
		if (errno == ENOENT)
			return probe_fail(probe, -ENOENT, "missing");
		if (errno == EACCES)
			return probe_fail(probe, -EACCES,
					  "no permission (is the user in the group kvm?)");
		return probe_refused(probe, "open");
	}
	version = ioctl(probe->kvm_fd, KVM_GET_API_VERSION, 0);
	if (version < 0)
		return probe_refused(probe, "KVM_GET_API_VERSION");
	if (version != KVM_API_VERSION)
		return probe_fail(probe, -EPROTO, "API version %d, not %d", version,
				  KVM_API_VERSION);
	probe->vm_fd = ioctl(probe->kvm_fd, KVM_CREATE_VM, 0);
	return probe->vm_fd < 0 ? probe_refused(probe, "KVM_CREATE_VM") : 0;
}

static int probe_add_memory(struct probe *probe)
{
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = GUEST_BASE,
		.memory_size = GUEST_SIZE_BYTES,
	};

	probe->memory = mmap(NULL, GUEST_SIZE_BYTES, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (probe->memory == MAP_FAILED)
		return probe_refused(probe, "mmap");
	memcpy(probe->memory, guest_code, sizeof(guest_code));
	region.userspace_addr = (unsigned long)probe->memory;
	if (ioctl(probe->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return probe_refused(probe, "KVM_SET_USER_MEMORY_REGION");
	return 0;
}

static int probe_add_vcpu(struct probe *probe)
{
	struct kvm_regs regs = {
		.rip = GUEST_BASE, .rax = RESULT_VALUE - 2, .rbx = 2, .rflags = 2,
	};
	struct kvm_sregs sregs;
	int size_bytes = ioctl(probe->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (size_bytes < (int)sizeof(*probe->run))
		return probe_refused(probe, "KVM_GET_VCPU_MMAP_SIZE");
	probe->vcpu_fd = ioctl(probe->vm_fd, KVM_CREATE_VCPU, 0);
	if (probe->vcpu_fd < 0)
		return probe_refused(probe, "KVM_CREATE_VCPU");
	probe->run = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			  probe->vcpu_fd, 0);
	if (probe->run == MAP_FAILED)
		return probe_refused(probe, "mmap of the vCPU");
	probe->run_size_bytes = size_bytes;
	if (ioctl(probe->vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		return probe_refused(probe, "KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(probe->vcpu_fd, KVM_SET_SREGS, &sregs) < 0)
		return probe_refused(probe, "KVM_SET_SREGS");
	if (ioctl(probe->vcpu_fd, KVM_SET_REGS, &regs) < 0)
		return probe_refused(probe, "KVM_SET_REGS");
	return 0;
}

/* Runs the guest to its next exit, which must be the expected one. */
static int probe_run_to(struct probe *probe, unsigned int exit_reason)
{
	int result;

	do {
		result = ioctl(probe->vcpu_fd, KVM_RUN, 0);
	} while (result < 0 && errno == EINTR);
	if (result < 0)
		return probe_refused(probe, "KVM_RUN");
	if (probe->run->exit_reason != exit_reason)
		return probe_fail(probe, -EPROTO, "the guest stopped with exit %u, not %u",
				  probe->run->exit_reason, exit_reason);
	return 0;
}

static int probe_run(struct probe *probe)
{
	const struct kvm_run *run = probe->run;
	const unsigned char *data;
	int error = probe_run_to(probe, KVM_EXIT_IO);

	if (error < 0)
		return error;
	data = (const unsigned char *)run + run->io.data_offset;
	if (run->io.direction != KVM_EXIT_IO_OUT || run->io.port != RESULT_PORT ||
	    *data != RESULT_VALUE)
		return probe_fail(probe, -EPROTO, "the guest computed a wrong result");
	return probe_run_to(probe, KVM_EXIT_HLT);
}

static void probe_finish(struct probe *probe)
{
	if (probe->run != MAP_FAILED)
		munmap(probe->run, probe->run_size_bytes);
	if (probe->vcpu_fd >= 0)
		close(probe->vcpu_fd);
	if (probe->vm_fd >= 0)
		close(probe->vm_fd);
	if (probe->memory != MAP_FAILED)
		munmap(probe->memory, GUEST_SIZE_BYTES);
	if (probe->kvm_fd >= 0)
		close(probe->kvm_fd);
}

/* The child's part: writes the reason of a failure to fd, nothing on success. */
static int probe_child(int fd)
{
	struct probe probe = {
		.kvm_fd = -1, .vm_fd = -1, .vcpu_fd = -1,
		.memory = MAP_FAILED, .run = MAP_FAILED,
	};
	int error = probe_open(&probe);

	if (error == 0)
		error = probe_add_memory(&probe);
	if (error == 0)
		error = probe_add_vcpu(&probe);
	if (error == 0)
		error = probe_run(&probe);
	if (error < 0 && write(fd, probe.reason, strlen(probe.reason)) < 0)
		perror("kvm-usable");
	probe_finish(&probe);
	return error < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/*
 * A broken KVM may not return from KVM_RUN, or kill who calls it: a child calls it. Fills reason
 * and returns false when KVM is not usable.
 */
static bool kvm_runs_code(char *reason, size_t size)
{
	struct pollfd ready = { .events = POLLIN };
	int status, fds[2];
	ssize_t length;
	pid_t child;

	if (pipe(fds) < 0 || (child = fork()) < 0) {
		snprintf(reason, size, "cannot start the probe: %s", strerror(errno));
		return false;
	}
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(probe_child(fds[1]));
	}
	close(fds[1]);
	ready.fd = fds[0];
	if (poll(&ready, 1, PROBE_TIMEOUT_MS) <= 0) {
		kill(child, SIGKILL);	/* not waited for: it may be stuck in the kernel */
		close(fds[0]);
		snprintf(reason, size, "no answer within %d ms", PROBE_TIMEOUT_MS);
		return false;
	}
	length = read(fds[0], reason, size - 1);
	reason[length > 0 ? length : 0] = '\0';
	close(fds[0]);
	if (waitpid(child, &status, 0) < 0) {
		snprintf(reason, size, "the probe is lost: %s", strerror(errno));
		return false;
	}
	if (WIFSIGNALED(status))
		snprintf(reason, size, "the probe died of signal %d", WTERMSIG(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

/* Is "vmx" or "svm" a word of some CPU's flags line? */
static bool cpu_has_flag(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char *line = NULL, *word, *rest;
	size_t size = 0;
	bool found = false;

	if (!file)
		return false;
	while (!found && getline(&line, &size, file) >= 0) {
		if (strncmp(line, "flags", 5))
			continue;
		for (word = strtok_r(line, " \t\n:", &rest); word && !found;
		     word = strtok_r(NULL, " \t\n:", &rest))
			found = !strcmp(word, "vmx") || !strcmp(word, "svm");
	}
	free(line);
	fclose(file);
	return found;
}

int main(void)
{
	char reason[REASON_SIZE_BYTES];
	bool flag = cpu_has_flag();
	bool runs = kvm_runs_code(reason, sizeof(reason));

	printf("CPU: %s; /dev/kvm: %s\n", flag ? "has vmx or svm" : "no vmx or svm flag",
	       runs ? "runs guest code" : reason);
	return flag && runs ? EXIT_SUCCESS : EXIT_FAILURE;
}
