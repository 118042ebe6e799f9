/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <kvm/vcpu_state.h>

#define MSR_TSC 0x10u
#define MSR_MISC_ENABLE 0x1a0u
#define MSR_MISC_ENABLE_FAST_STRING (1u << 0)
#define MSR_MTRR_DEFAULT_TYPE 0x2ffu
#define MSR_MTRR_ENABLED_WRITE_BACK ((1u << 11) | 6)

#define CR0_PE (1u << 0)
#define CR0_MP (1u << 1)
#define CR0_ET (1u << 4)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_AM (1u << 18)
#define CR0_PG (1u << 31)
#define CR4_PAE (1u << 5)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)

struct vcpu_state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_xcrs xcrs;
	struct kvm_lapic_state lapic;
	struct kvm_vcpu_events events;
	struct kvm_debugregs debugregs;
	struct kvm_xsave *xsave;
	uint32_t msr_count;
	struct kvm_msr_entry *msrs;
};

/* Room for a list of one. */
union vcpu_msr {
	struct kvm_msrs list;
	uint8_t bytes[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
};

static int vcpu_msr_set(int vcpu_fd, uint32_t index, uint64_t value)
{
	union vcpu_msr one = { .bytes = { 0 } };
	int done;

	one.list.nmsrs = 1;
	one.list.entries[0].index = index;
	one.list.entries[0].data = value;
	done = ioctl(vcpu_fd, KVM_SET_MSRS, &one);
	return done < 0 ? -errno : done == 1 ? 0 : -EINVAL;
}

static int vcpu_msr_get(int vcpu_fd, uint32_t index, uint64_t *value)
{
	union vcpu_msr one = { .bytes = { 0 } };
	int done;

	one.list.nmsrs = 1;
	one.list.entries[0].index = index;
	done = ioctl(vcpu_fd, KVM_GET_MSRS, &one);
	*value = one.list.entries[0].data;
	return done < 0 ? -errno : done == 1 ? 0 : -EINVAL;
}

static struct kvm_msr_list *vcpu_msr_list(int kvm_fd)
{
	struct kvm_msr_list probe = { .nmsrs = 0 };
	struct kvm_msr_list *list;

	/* Fails with E2BIG and says how many there are. */
	if (ioctl(kvm_fd, KVM_GET_MSR_INDEX_LIST, &probe) < 0 && errno != E2BIG)
		return NULL;
	list = calloc(1, sizeof(*list) + probe.nmsrs * sizeof(list->indices[0]));
	if (!list)
		return NULL;
	list->nmsrs = probe.nmsrs;
	if (ioctl(kvm_fd, KVM_GET_MSR_INDEX_LIST, list) < 0) {
		free(list);
		return NULL;
	}
	return list;
}

static int vcpu_state_save_msrs(struct vcpu_state *state, int kvm_fd, int vcpu_fd)
{
	struct kvm_msr_list *list = vcpu_msr_list(kvm_fd);
	uint32_t i;
	uint64_t value;

	if (!list)
		return -errno;
	state->msrs = calloc(list->nmsrs + 1, sizeof(state->msrs[0]));
	if (!state->msrs) {
		free(list);
		return -ENOMEM;
	}
	for (i = 0; i < list->nmsrs; i++) {
		/* The list names MSRs that this processor or this CPUID has not. */
		if (list->indices[i] == MSR_TSC ||
		    vcpu_msr_get(vcpu_fd, list->indices[i], &value) < 0)
			continue;
		state->msrs[state->msr_count].index = list->indices[i];
		state->msrs[state->msr_count++].data = value;
	}
	free(list);
	return 0;
}

static int vcpu_state_save_xsave(struct vcpu_state *state, int kvm_fd, int vcpu_fd)
{
	int bytes = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
	unsigned long request = KVM_GET_XSAVE2;

	if (bytes <= (int)sizeof(struct kvm_xsave)) {
		bytes = sizeof(struct kvm_xsave);
		request = KVM_GET_XSAVE;
	}
	state->xsave = calloc(1, (size_t)bytes);
	if (!state->xsave)
		return -ENOMEM;
	return ioctl(vcpu_fd, request, state->xsave) < 0 ? -errno : 0;
}

struct vcpu_state *vcpu_state_save(int kvm_fd, int vcpu_fd)
{
	struct vcpu_state *state = calloc(1, sizeof(*state));
	int err;

	if (!state)
		return NULL;
	err = vcpu_state_save_msrs(state, kvm_fd, vcpu_fd);
	if (err == 0)
		err = vcpu_state_save_xsave(state, kvm_fd, vcpu_fd);
	if (err == 0 && (ioctl(vcpu_fd, KVM_GET_REGS, &state->regs) < 0 ||
			 ioctl(vcpu_fd, KVM_GET_SREGS, &state->sregs) < 0 ||
			 ioctl(vcpu_fd, KVM_GET_XCRS, &state->xcrs) < 0 ||
			 ioctl(vcpu_fd, KVM_GET_LAPIC, &state->lapic) < 0 ||
			 ioctl(vcpu_fd, KVM_GET_VCPU_EVENTS, &state->events) < 0 ||
			 ioctl(vcpu_fd, KVM_GET_DEBUGREGS, &state->debugregs) < 0))
		err = -errno;
	if (err < 0) {
		vcpu_state_destroy(state);
		errno = -err;
		return NULL;
	}
	return state;
}

void vcpu_state_destroy(struct vcpu_state *state)
{
	if (!state)
		return;
	free(state->msrs);
	free(state->xsave);
	free(state);
}

static struct kvm_segment vcpu_segment(uint16_t selector, bool code)
{
	return (struct kvm_segment){
		.limit = 0xffffffff, .selector = selector, .present = 1, .s = 1, .g = 1,
		.type = code ? 0xb : 0x3,       /* execute/read or read/write, accessed */
		.l = code, .db = !code,
	};
}

static void vcpu_entry_sregs(struct kvm_sregs *sregs, const struct vcpu_entry *entry)
{
	struct kvm_segment data = vcpu_segment(entry->data_selector, false);

	sregs->cs = vcpu_segment(entry->code_selector, true);
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
	sregs->gdt = (struct kvm_dtable){ .base = entry->gdt_gpa,
					  .limit = (uint16_t)(entry->gdt_bytes - 1) };
	sregs->idt = (struct kvm_dtable){ .limit = 0 };
	sregs->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
	sregs->cr3 = entry->page_table_gpa;
	sregs->cr4 = CR4_PAE;
	sregs->efer = EFER_LME | EFER_LMA;
}

static int vcpu_state_restore_msrs(const struct vcpu_state *state, int vcpu_fd)
{
	uint64_t misc_enable;
	uint32_t i;
	int err;

	/* Some can be read but not be written: leave those. */
	for (i = 0; i < state->msr_count; i++)
		vcpu_msr_set(vcpu_fd, state->msrs[i].index, state->msrs[i].data);
	/* What firmware would have done: memory is cached, string instructions are fast. */
	/* 0 means to KVM: as the other vCPUs'. A guest may have moved them apart (TSC_ADJUST). */
	err = vcpu_msr_set(vcpu_fd, MSR_TSC, 0);
	if (err == 0)
		err = vcpu_msr_set(vcpu_fd, MSR_MTRR_DEFAULT_TYPE, MSR_MTRR_ENABLED_WRITE_BACK);
	if (err == 0)
		err = vcpu_msr_get(vcpu_fd, MSR_MISC_ENABLE, &misc_enable);
	if (err == 0)
		err = vcpu_msr_set(vcpu_fd, MSR_MISC_ENABLE,
				    misc_enable | MSR_MISC_ENABLE_FAST_STRING);
	return err;
}

int vcpu_state_restore(const struct vcpu_state *state, int vcpu_fd, const struct vcpu_entry *entry)
{
	struct kvm_mp_state mp_state = {
		.mp_state = entry ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_UNINITIALIZED,
	};
	struct kvm_regs regs = state->regs;
	struct kvm_sregs sregs = state->sregs;

	if (entry) {
		vcpu_entry_sregs(&sregs, entry);
		regs.rip = entry->rip;
		regs.rsi = entry->rsi;
		regs.rsp = entry->rsp;
	}
	/* The special registers first: they hold the mode of the local APIC. Events late: setting
	 * registers drops pending ones. */
	if (ioctl(vcpu_fd, KVM_SET_SREGS, &sregs) < 0 || ioctl(vcpu_fd, KVM_SET_REGS, &regs) < 0 ||
	    ioctl(vcpu_fd, KVM_SET_XCRS, &state->xcrs) < 0 ||
	    ioctl(vcpu_fd, KVM_SET_XSAVE, state->xsave) < 0 ||
	    ioctl(vcpu_fd, KVM_SET_DEBUGREGS, &state->debugregs) < 0 ||
	    ioctl(vcpu_fd, KVM_SET_LAPIC, &state->lapic) < 0 ||
	    ioctl(vcpu_fd, KVM_SET_VCPU_EVENTS, &state->events) < 0 ||
	    ioctl(vcpu_fd, KVM_SET_MP_STATE, &mp_state) < 0)
		return -errno;
	return vcpu_state_restore_msrs(state, vcpu_fd);
}
