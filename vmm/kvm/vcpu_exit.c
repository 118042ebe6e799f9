/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include <base/log.h>
#include <bus/bus.h>
#include <kvm/vcpu_exit.h>

/* Both worlds are little endian, and a bus access has at most 8 bytes. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "KVM on x86");

void vcpu_exit_io(struct kvm_run *run, struct bus *pio)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	uint32_t i;

	for (i = 0; i < run->io.count; i++, data += run->io.size) {
		uint64_t value = 0;

		if (run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&value, data, run->io.size);
			bus_write(pio, run->io.port, run->io.size, value);
		} else {
			bus_read(pio, run->io.port, run->io.size, &value);
			memcpy(data, &value, run->io.size);
		}
	}
}

void vcpu_exit_mmio(struct kvm_run *run, struct bus *mmio)
{
	uint64_t value = 0;

	if (run->mmio.is_write) {
		memcpy(&value, run->mmio.data, run->mmio.len);
		bus_write(mmio, run->mmio.phys_addr, run->mmio.len, value);
	} else {
		bus_read(mmio, run->mmio.phys_addr, run->mmio.len, &value);
		memcpy(run->mmio.data, &value, sizeof(value));
	}
}

static void vcpu_exit_log_registers(unsigned int index, int vcpu_fd)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	if (ioctl(vcpu_fd, KVM_GET_REGS, &regs) < 0 || ioctl(vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		return;
	log_error("vcpu %u: rip=%" PRIx64 ":%" PRIx64 " rsp=%" PRIx64 " rflags=%" PRIx64
		  " cr0=%" PRIx64 " cr2=%" PRIx64 " cr3=%" PRIx64 " cr4=%" PRIx64 " efer=%" PRIx64,
		  index, (uint64_t)sregs.cs.selector, (uint64_t)regs.rip, (uint64_t)regs.rsp,
		  (uint64_t)regs.rflags, (uint64_t)sregs.cr0, (uint64_t)sregs.cr2,
		  (uint64_t)sregs.cr3, (uint64_t)sregs.cr4, (uint64_t)sregs.efer);
	log_error("vcpu %u: rax=%" PRIx64 " rbx=%" PRIx64 " rcx=%" PRIx64 " rdx=%" PRIx64
		  " rsi=%" PRIx64 " rdi=%" PRIx64 " rbp=%" PRIx64, index, (uint64_t)regs.rax,
		  (uint64_t)regs.rbx, (uint64_t)regs.rcx, (uint64_t)regs.rdx, (uint64_t)regs.rsi,
		  (uint64_t)regs.rdi, (uint64_t)regs.rbp);
}

void vcpu_exit_log(const struct kvm_run *run, unsigned int index, int vcpu_fd)
{
	switch (run->exit_reason) {
	case KVM_EXIT_INTERNAL_ERROR:
		log_error("vcpu %u: KVM internal error %u%s", index, run->internal.suberror,
			  run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION ?
			  ": it cannot emulate the instruction" : "");
		break;
	case KVM_EXIT_FAIL_ENTRY:
		log_error("vcpu %u: the processor refuses to enter the guest, reason 0x%" PRIx64,
			  index, (uint64_t)run->fail_entry.hardware_entry_failure_reason);
		break;
	default:
		log_error("vcpu %u: unexpected exit %u of KVM", index, run->exit_reason);
	}
	vcpu_exit_log_registers(index, vcpu_fd);
}
