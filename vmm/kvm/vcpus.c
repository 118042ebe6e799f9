/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <base/log.h>
#include <base/options.h>
#include <kvm/cpuid.h>
#include <kvm/vcpu.h>
#include <kvm/vcpus.h>
#include <kvm/vm.h>

struct vcpu_thread {
	struct vcpus *vcpus;
	struct vcpu *vcpu;
	pthread_t thread;
	uint32_t index;
	bool started;
};

struct vcpus {
	struct vcpus_config config;
	unsigned int address_bits;
	pthread_mutex_t lock;           /* guards what follows, up to threads */
	pthread_cond_t changed;
	bool paused;
	bool ending;
	uint32_t parked;                /* threads that wait for the end of the pause */
	struct vcpu_thread threads[];
};

/* Takes a thread out of KVM_RUN; the signal itself does nothing. */
static int vcpus_kick_signal(void)
{
	return SIGRTMIN;
}

static void vcpus_ignore_signal(int number)
{
}

/* Waits while paused; false when the threads shall end. */
static bool vcpus_wait_turn(struct vcpus *vcpus)
{
	bool go_on;

	pthread_mutex_lock(&vcpus->lock);
	vcpus->parked++;
	pthread_cond_broadcast(&vcpus->changed);
	while (vcpus->paused && !vcpus->ending)
		pthread_cond_wait(&vcpus->changed, &vcpus->lock);
	vcpus->parked--;
	go_on = !vcpus->ending;
	pthread_mutex_unlock(&vcpus->lock);
	return go_on;
}

static void *vcpus_thread(void *data)
{
	struct vcpu_thread *thread = data;
	struct vcpus *vcpus = thread->vcpus;

	while (vcpus_wait_turn(vcpus)) {
		switch (vcpu_run(thread->vcpu)) {
		case VCPU_STOP_KICKED:
			break;
		case VCPU_STOP_TRIPLE_FAULT:
			log_guest_bug("vcpu %u: triple fault", thread->index);
			vcpus_request_pause(vcpus);
			vcpus->config.triple_fault(vcpus->config.data);
			break;
		case VCPU_STOP_FAILED:
			vcpus_request_pause(vcpus);
			vcpus->config.failed(vcpus->config.data);
			break;
		}
	}
	return NULL;
}

void vcpus_request_pause(struct vcpus *vcpus)
{
	uint32_t i;

	pthread_mutex_lock(&vcpus->lock);
	vcpus->paused = true;
	for (i = 0; i < vcpus->config.count; i++) {
		if (!vcpus->threads[i].started)
			continue;
		vcpu_interrupt(vcpus->threads[i].vcpu);
		pthread_kill(vcpus->threads[i].thread, vcpus_kick_signal());
	}
	pthread_mutex_unlock(&vcpus->lock);
}

/* Threads that were never started cannot park. */
static uint32_t vcpus_started(const struct vcpus *vcpus)
{
	uint32_t started = 0;
	uint32_t i;

	for (i = 0; i < vcpus->config.count; i++)
		started += vcpus->threads[i].started;
	return started;
}

void vcpus_pause(struct vcpus *vcpus)
{
	vcpus_request_pause(vcpus);
	pthread_mutex_lock(&vcpus->lock);
	while (vcpus->parked < vcpus_started(vcpus))
		pthread_cond_wait(&vcpus->changed, &vcpus->lock);
	pthread_mutex_unlock(&vcpus->lock);
}

void vcpus_resume(struct vcpus *vcpus)
{
	pthread_mutex_lock(&vcpus->lock);
	vcpus->paused = false;
	pthread_cond_broadcast(&vcpus->changed);
	pthread_mutex_unlock(&vcpus->lock);
}

int vcpus_reset(struct vcpus *vcpus, const struct vcpu_entry *entry)
{
	uint32_t i;
	int err;

	for (i = 0; i < vcpus->config.count; i++) {
		err = vcpu_reset(vcpus->threads[i].vcpu, i == 0 ? entry : NULL);
		if (err < 0) {
			log_error("vcpu %u: cannot reset: %s", i, strerror(-err));
			return err;
		}
	}
	return 0;
}

unsigned int vcpus_address_bits(const struct vcpus *vcpus)
{
	return vcpus->address_bits;
}

static int vcpus_create_vcpus(struct vcpus *vcpus, const struct kvm_cpuid2 *supported)
{
	size_t bytes = sizeof(*supported) + CPUID_CAPACITY * sizeof(supported->entries[0]);
	struct vm *vm = vcpus->config.vm;
	struct cpuid_config config = {
		.cpus = vcpus->config.count,
		.tsc_deadline =
			ioctl(vm_kvm_fd(vm), KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0,
	};
	struct kvm_cpuid2 *table = malloc(bytes);
	int err = table ? 0 : -ENOMEM;
	uint32_t i;

	for (i = 0; i < vcpus->config.count && err == 0; i++) {
		struct vcpu_thread *thread = &vcpus->threads[i];

		memcpy(table, supported, bytes);
		err = cpuid_patch(table, CPUID_CAPACITY, &config, i);
		if (err < 0)
			break;
		thread->vcpu = vcpu_create(vm, i, table);
		if (!thread->vcpu)
			err = -errno;
	}
	free(table);
	return err;
}

/* Signals are for the main thread, all but the kick and what a fault of our own raises. */
static void vcpus_block_signals(sigset_t *old)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT };
	sigset_t mask;
	size_t i;

	sigfillset(&mask);
	sigdelset(&mask, vcpus_kick_signal());
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(&mask, faults[i]);
	pthread_sigmask(SIG_SETMASK, &mask, old);
}

static int vcpus_start_threads(struct vcpus *vcpus)
{
	sigset_t old;
	int err = 0;
	uint32_t i;

	vcpus_block_signals(&old);
	for (i = 0; i < vcpus->config.count && err == 0; i++) {
		struct vcpu_thread *thread = &vcpus->threads[i];
		char name[16];

		err = -pthread_create(&thread->thread, NULL, vcpus_thread, thread);
		if (err < 0)
			break;
		thread->started = true;
		snprintf(name, sizeof(name), "vcpu-%u", i);
		pthread_setname_np(thread->thread, name);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

static int vcpus_build(struct vcpus *vcpus)
{
	struct sigaction action = { .sa_handler = vcpus_ignore_signal, .sa_flags = SA_RESTART };
	struct kvm_cpuid2 *supported = cpuid_supported(vm_kvm_fd(vcpus->config.vm));
	int err;

	if (!supported)
		return -errno;
	vcpus->address_bits = cpuid_address_bits(supported);
	err = vcpus_create_vcpus(vcpus, supported);
	free(supported);
	if (err < 0)
		return err;
	if (sigaction(vcpus_kick_signal(), &action, NULL) < 0)
		return -errno;
	return vcpus_start_threads(vcpus);
}

struct vcpus *vcpus_create(const struct vcpus_config *config, struct option_error *error)
{
	struct vcpus *vcpus = calloc(1, sizeof(*vcpus) + config->count * sizeof(vcpus->threads[0]));
	uint32_t i;
	int err;

	if (!vcpus) {
		option_error_set(error, "out of memory");
		return NULL;
	}
	vcpus->config = *config;
	vcpus->paused = true;
	pthread_mutex_init(&vcpus->lock, NULL);
	pthread_cond_init(&vcpus->changed, NULL);
	for (i = 0; i < config->count; i++) {
		vcpus->threads[i].vcpus = vcpus;
		vcpus->threads[i].index = i;
	}
	err = vcpus_build(vcpus);
	if (err < 0) {
		option_error_set(error, "cannot create the guest's CPUs: %s", strerror(-err));
		vcpus_destroy(vcpus);
		errno = -err;
		return NULL;
	}
	return vcpus;
}

void vcpus_destroy(struct vcpus *vcpus)
{
	uint32_t i;

	if (!vcpus)
		return;
	vcpus_pause(vcpus);
	pthread_mutex_lock(&vcpus->lock);
	vcpus->ending = true;
	pthread_cond_broadcast(&vcpus->changed);
	pthread_mutex_unlock(&vcpus->lock);
	for (i = 0; i < vcpus->config.count; i++) {
		if (vcpus->threads[i].started)
			pthread_join(vcpus->threads[i].thread, NULL);
		vcpu_destroy(vcpus->threads[i].vcpu);
	}
	pthread_cond_destroy(&vcpus->changed);
	pthread_mutex_destroy(&vcpus->lock);
	free(vcpus);
}
