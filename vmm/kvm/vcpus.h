/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vCPUs of a VM, one thread each. They are born paused.
 *
 * The main thread calls everything but vcpus_request_pause. A vCPU pauses only when the instruction
 * that left the guest is finished, so a paused vCPU's state is whole.
 */
#ifndef VMM_KVM_VCPUS_H
#define VMM_KVM_VCPUS_H

#include <stdint.h>

struct option_error;
struct vcpu_entry;
struct vcpus;
struct vm;

struct vcpus_config {
	struct vm *vm;
	uint32_t count;
	/* On a vCPU thread, after vcpus_request_pause; must not wait for the vCPUs. */
	void (*triple_fault)(void *data);
	void (*failed)(void *data);     /* the reason was logged */
	void *data;
};

/* NULL with errno and one clear line in the error. */
struct vcpus *vcpus_create(const struct vcpus_config *config, struct option_error *error);
/* Ends the threads. NULL is ignored. */
void vcpus_destroy(struct vcpus *vcpus);

/* Every vCPU to its state after creation, the first at the entry. While paused. 0 or -errno. */
int vcpus_reset(struct vcpus *vcpus, const struct vcpu_entry *entry);
void vcpus_resume(struct vcpus *vcpus);
/* Returns when no vCPU runs any more. */
void vcpus_pause(struct vcpus *vcpus);
/* Any thread, also a vCPU's own: they will pause soon. */
void vcpus_request_pause(struct vcpus *vcpus);

/* Physical address bits of the guest's processor. */
unsigned int vcpus_address_bits(const struct vcpus *vcpus);

#endif
