/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <base/log.h>
#include <kvm/vcpu.h>
#include <kvm/vcpu_exit.h>
#include <kvm/vcpu_state.h>
#include <kvm/vm.h>

struct vcpu {
	uint32_t index;
	int fd;
	struct kvm_run *run;
	size_t run_bytes;
	struct bus *pio;
	struct bus *mmio;
	struct vcpu_state *initial;
};

static int vcpu_open(struct vcpu *vcpu, struct vm *vm, struct kvm_cpuid2 *cpuid)
{
	int bytes = ioctl(vm_kvm_fd(vm), KVM_GET_VCPU_MMAP_SIZE, 0);
	void *run;

	if (bytes < 0)
		return -errno;
	vcpu->fd = ioctl(vm_fd(vm), KVM_CREATE_VCPU, (unsigned long)vcpu->index);
	if (vcpu->fd < 0)
		return -errno;
	run = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (run == MAP_FAILED)
		return -errno;
	vcpu->run = run;
	vcpu->run_bytes = (size_t)bytes;
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid) < 0)
		return -errno;
	vcpu->initial = vcpu_state_save(vm_kvm_fd(vm), vcpu->fd);
	return vcpu->initial ? 0 : -errno;
}

struct vcpu *vcpu_create(struct vm *vm, uint32_t index, struct kvm_cpuid2 *cpuid)
{
	struct vcpu *vcpu = calloc(1, sizeof(*vcpu));
	int err;

	if (!vcpu)
		return NULL;
	vcpu->index = index;
	vcpu->fd = -1;
	vcpu->pio = vm_pio(vm);
	vcpu->mmio = vm_mmio(vm);
	err = vcpu_open(vcpu, vm, cpuid);
	if (err < 0) {
		vcpu_destroy(vcpu);
		errno = -err;
		return NULL;
	}
	return vcpu;
}

void vcpu_destroy(struct vcpu *vcpu)
{
	if (!vcpu)
		return;
	vcpu_state_destroy(vcpu->initial);
	if (vcpu->run)
		munmap(vcpu->run, vcpu->run_bytes);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
	free(vcpu);
}

void vcpu_interrupt(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

int vcpu_reset(struct vcpu *vcpu, const struct vcpu_entry *entry)
{
	return vcpu_state_restore(vcpu->initial, vcpu->fd, entry);
}

/* KVM_RUN failed: is that the end? */
static bool vcpu_run_failed(struct vcpu *vcpu, enum vcpu_stop *stop)
{
	if (errno == EAGAIN)    /* a vCPU that waited for INIT got it */
		return false;
	if (errno == EINTR) {
		/* Whoever interrupts says why first, then sets this: the reason is looked at after
		 * it was cleared, so none is lost. */
		__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
		*stop = VCPU_STOP_KICKED;
		return true;
	}
	log_error("vcpu %u: KVM_RUN: %s", vcpu->index, strerror(errno));
	vcpu_exit_log(vcpu->run, vcpu->index, vcpu->fd);
	*stop = VCPU_STOP_FAILED;
	return true;
}

enum vcpu_stop vcpu_run(struct vcpu *vcpu)
{
	enum vcpu_stop stop;

	for (;;) {
		if (ioctl(vcpu->fd, KVM_RUN, 0) < 0) {
			if (vcpu_run_failed(vcpu, &stop))
				return stop;
			continue;
		}
		switch (vcpu->run->exit_reason) {
		case KVM_EXIT_IO:
			vcpu_exit_io(vcpu->run, vcpu->pio);
			break;
		case KVM_EXIT_MMIO:
			vcpu_exit_mmio(vcpu->run, vcpu->mmio);
			break;
		case KVM_EXIT_INTR:
		case KVM_EXIT_IRQ_WINDOW_OPEN:
			break;
		case KVM_EXIT_SHUTDOWN:
			return VCPU_STOP_TRIPLE_FAULT;
		default:
			vcpu_exit_log(vcpu->run, vcpu->index, vcpu->fd);
			return VCPU_STOP_FAILED;
		}
	}
}
