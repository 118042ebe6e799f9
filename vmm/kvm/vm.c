/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <base/log.h>
#include <base/options.h>
#include <bus/bus.h>
#include <kvm/memory.h>
#include <kvm/routes.h>
#include <kvm/vm.h>

/* Four pages that KVM on Intel needs for itself, where no RAM, BAR or firmware ever is. */
#define VM_IDENTITY_MAP_GPA 0xfeffc000ull
#define VM_TSS_GPA 0xfeffd000ull

#define VM_IRQCHIP_COUNT 3

struct vm {
	int kvm_fd;
	int fd;
	struct memory *memory;
	struct routes *routes;
	struct bus *pio;
	struct bus *mmio;
	/* What vm_reset puts back. */
	struct kvm_irqchip initial_irqchips[VM_IRQCHIP_COUNT];
	struct kvm_pit_state2 initial_pit;
};

static const struct vm_capability {
	int number;
	const char *name;
} vm_capabilities[] = {
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
	{ KVM_CAP_PIT2, "KVM_CAP_PIT2" },
	{ KVM_CAP_PIT_STATE2, "KVM_CAP_PIT_STATE2" },
	{ KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING" },
	{ KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
	{ KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD" },
	{ KVM_CAP_SIGNAL_MSI, "KVM_CAP_SIGNAL_MSI" },
	{ KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR" },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, "KVM_CAP_SET_IDENTITY_MAP_ADDR" },
	{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
	{ KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE" },
	{ KVM_CAP_VCPU_EVENTS, "KVM_CAP_VCPU_EVENTS" },
	{ KVM_CAP_DEBUGREGS, "KVM_CAP_DEBUGREGS" },
	{ KVM_CAP_XSAVE, "KVM_CAP_XSAVE" },
	{ KVM_CAP_XCRS, "KVM_CAP_XCRS" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
};

static int vm_open_kvm(struct vm *vm, struct option_error *error)
{
	int err;
	int version;

	vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0) {
		err = -errno;
		if (err == -EACCES || err == -EPERM)
			option_error_set(
				error, "no permission to use /dev/kvm: add your user to the group "
				       "that owns it (usermod -aG kvm USER) and log in again");
		else if (err == -ENOENT || err == -ENODEV || err == -ENXIO)
			option_error_set(
				error,
				"there is no KVM here (/dev/kvm): switch virtualization on in "
				"the firmware's setup and load kvm_intel or kvm_amd");
		else
			option_error_set(error, "cannot open /dev/kvm: %s", strerror(-err));
		return err;
	}
	version = ioctl(vm->kvm_fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION) {
		option_error_set(error, "/dev/kvm speaks version %d, not %d: it is not KVM",
				 version, KVM_API_VERSION);
		return -ENOTSUP;
	}
	return 0;
}

static int vm_check_capabilities(const struct vm *vm, uint32_t cpus, struct option_error *error)
{
	int max_cpus = ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	size_t i;

	for (i = 0; i < sizeof(vm_capabilities) / sizeof(vm_capabilities[0]); i++) {
		if (ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, vm_capabilities[i].number) > 0)
			continue;
		option_error_set(error, "the host's KVM lacks %s: a newer kernel is needed",
				 vm_capabilities[i].name);
		return -ENOTSUP;
	}
	if (max_cpus > 0 && cpus > (uint32_t)max_cpus) {
		option_error_set(error, "the host's KVM allows %d CPUs, %u were asked for",
				 max_cpus, cpus);
		return -EINVAL;
	}
	return 0;
}

static int vm_open_vm(struct vm *vm, struct option_error *error)
{
	int err;

	do
		vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
	while (vm->fd < 0 && errno == EINTR);
	if (vm->fd >= 0)
		return 0;
	err = -errno;
	if (err == -EBUSY)
		option_error_set(error,
				 "the processor's virtualization is in use by another hypervisor: "
				 "stop it (VirtualBox, VMware)");
	else
		option_error_set(error, "KVM cannot create a virtual machine: %s", strerror(-err));
	return err;
}

static int vm_create_chips(struct vm *vm)
{
	uint64_t identity_map = VM_IDENTITY_MAP_GPA;
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	uint32_t i;

	if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0 ||
	    ioctl(vm->fd, KVM_SET_TSS_ADDR, VM_TSS_GPA) < 0 ||
	    ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) < 0 || ioctl(vm->fd, KVM_CREATE_PIT2, &pit) < 0)
		return -errno;
	for (i = 0; i < VM_IRQCHIP_COUNT; i++) {
		vm->initial_irqchips[i].chip_id = i;
		if (ioctl(vm->fd, KVM_GET_IRQCHIP, &vm->initial_irqchips[i]) < 0)
			return -errno;
	}
	return ioctl(vm->fd, KVM_GET_PIT2, &vm->initial_pit) < 0 ? -errno : 0;
}

static int vm_wire(struct vm *vm, struct option_error *error)
{
	int max_gsis = ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_IRQ_ROUTING);
	int err = vm_create_chips(vm);

	if (err < 0) {
		option_error_set(error, "KVM cannot create the interrupt controllers: %s",
				 strerror(-err));
		return err;
	}
	vm->routes = routes_create(vm->fd, (unsigned int)max_gsis);
	if (!vm->routes) {
		err = -errno;
		option_error_set(error, "KVM refuses the interrupt routes: %s", strerror(-err));
		return err;
	}
	vm->pio = bus_create("pio");
	vm->mmio = bus_create("mmio");
	if (!vm->pio || !vm->mmio) {
		option_error_set(error, "out of memory");
		return -ENOMEM;
	}
	return 0;
}

static int vm_build(struct vm *vm, const struct vm_config *config, struct option_error *error)
{
	int err = vm_open_kvm(vm, error);

	if (err == 0)
		err = vm_check_capabilities(vm, config->cpus, error);
	if (err == 0)
		err = vm_open_vm(vm, error);
	if (err < 0)
		return err;
	vm->memory = memory_create(config->memory_bytes, config->hugepages, error);
	if (!vm->memory)
		return -errno;
	err = memory_attach(vm->memory, vm->fd, error);
	return err < 0 ? err : vm_wire(vm, error);
}

struct vm *vm_create(const struct vm_config *config, struct option_error *error)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	int err;

	if (!vm) {
		option_error_set(error, "out of memory");
		errno = ENOMEM;
		return NULL;
	}
	vm->kvm_fd = -1;
	vm->fd = -1;
	err = vm_build(vm, config, error);
	if (err < 0) {
		vm_destroy(vm);
		errno = -err;
		return NULL;
	}
	return vm;
}

void vm_destroy(struct vm *vm)
{
	if (!vm)
		return;
	bus_destroy(vm->mmio);
	bus_destroy(vm->pio);
	routes_destroy(vm->routes);
	/* The slots go with the vm's fd, before the memory that is behind them. */
	if (vm->fd >= 0)
		close(vm->fd);
	memory_destroy(vm->memory);
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
	free(vm);
}

int vm_kvm_fd(const struct vm *vm)
{
	return vm->kvm_fd;
}

int vm_fd(const struct vm *vm)
{
	return vm->fd;
}

struct guest_mem *vm_guest_mem(const struct vm *vm)
{
	return memory_guest_mem(vm->memory);
}

struct routes *vm_routes(const struct vm *vm)
{
	return vm->routes;
}

struct bus *vm_pio(const struct vm *vm)
{
	return vm->pio;
}

struct bus *vm_mmio(const struct vm *vm)
{
	return vm->mmio;
}

void vm_irq_line(struct vm *vm, unsigned int gsi, bool level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	if (ioctl(vm->fd, KVM_IRQ_LINE, &line) < 0)
		log_error("cannot set interrupt line %u: %s", gsi, strerror(errno));
}

int vm_reset(struct vm *vm)
{
	uint32_t i;
	int err = 0;

	for (i = 0; i < VM_IRQCHIP_COUNT && err == 0; i++)
		if (ioctl(vm->fd, KVM_SET_IRQCHIP, &vm->initial_irqchips[i]) < 0)
			err = -errno;
	if (err == 0 && ioctl(vm->fd, KVM_SET_PIT2, &vm->initial_pit) < 0)
		err = -errno;
	if (err < 0)
		log_error("cannot reset the interrupt controllers: %s", strerror(-err));
	return err;
}
