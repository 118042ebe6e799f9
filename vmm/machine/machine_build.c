/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <base/log.h>
#include <base/loop.h>
#include <base/options.h>
#include <boot/boot.h>
#include <bus/bus.h>
#include <chips/console.h>
#include <chips/pm.h>
#include <chips/reset_ports.h>
#include <chips/rtc.h>
#include <chips/serial.h>
#include <kvm/memory.h>
#include <kvm/pci_host.h>
#include <kvm/vcpus.h>
#include <kvm/vm.h>
#include <machine/machine_private.h>
#include <pci/pci.h>
#include <virtio/guest_mem.h>

#define MACHINE_COM1_BASE 0x3f8u
#define MACHINE_COM1_GSI 4u

/* Where BARs may go below 4 GiB: between ECAM and the I/O APIC. */
#define MACHINE_MMIO32_FIRST 0xc0000000ull
#define MACHINE_MMIO32_LAST 0xfebfffffull
/* The 64-bit window begins at a multiple of this, above all RAM. */
#define MACHINE_MMIO64_ALIGN (1ull << 30)
/* There are no bridges, so there is one bus; fewer buses are fewer probes. */
#define MACHINE_LAST_BUS 0u

static void machine_set_line(void *data, unsigned int gsi, bool level)
{
	struct machine *machine = data;

	vm_irq_line(machine->vm, gsi, level);
}

static time_t machine_now(void)
{
	return time(NULL);
}

static int machine_check(const struct machine_config *config, struct option_error *error)
{
	if (!config->kernel_path)
		return option_error_set(error, "no kernel: give one with --kernel PATH");
	if (config->cpus == 0 || config->cpus > MACHINE_CPUS_MAX)
		return option_error_set(error, "there can be 1 to %u CPUs, not %u",
					MACHINE_CPUS_MAX, config->cpus);
	if (config->memory_bytes < MACHINE_MEMORY_MIN_BYTES)
		return option_error_set(
			error,
			"%llu MiB of memory are too little: give the guest at least "
			"%llu MiB",
			(unsigned long long)config->memory_bytes >> 20,
			MACHINE_MEMORY_MIN_BYTES >> 20);
	return 0;
}

static int machine_create_vm(struct machine *machine, struct option_error *error)
{
	struct vm_config vm = {
		.memory_bytes = machine->config.memory_bytes,
		.cpus = machine->config.cpus,
		.hugepages = machine->config.hugepages,
	};
	struct vcpus_config vcpus = {
		.count = machine->config.cpus,
		.triple_fault = machine_request_reset,
		.failed = machine_request_failed,
		.data = machine,
	};

	machine->vm = vm_create(&vm, error);
	if (!machine->vm)
		return -errno;
	vcpus.vm = machine->vm;
	machine->vcpus = vcpus_create(&vcpus, error);
	return machine->vcpus ? 0 : -errno;
}

/* Where RAM ends, devices begin. */
static void machine_plan_acpi(struct machine *machine)
{
	const struct guest_mem *mem = vm_guest_mem(machine->vm);
	const struct guest_mem_region *last =
		guest_mem_region(mem, guest_mem_region_count(mem) - 1);
	uint64_t ram_end = last->gpa + last->bytes;

	if (ram_end < MEMORY_HIGH_BASE)
		ram_end = MEMORY_HIGH_BASE;
	machine->acpi = (struct acpi_config){
		.cpus = machine->config.cpus,
		.pm_base = PCI_PM_BASE,
		.ecam_gpa = PCI_ECAM_DEFAULT_BASE,
		.last_bus = MACHINE_LAST_BUS,
		.mmio32_first = MACHINE_MMIO32_FIRST,
		.mmio32_last = MACHINE_MMIO32_LAST,
		.mmio64_first = (ram_end + MACHINE_MMIO64_ALIGN - 1) & ~(MACHINE_MMIO64_ALIGN - 1),
		.mmio64_last = (1ull << vcpus_address_bits(machine->vcpus)) - 1,
	};
}

static int machine_check_address_bits(const struct machine *machine, struct option_error *error)
{
	unsigned int bits = vcpus_address_bits(machine->vcpus);

	if (machine->acpi.mmio64_first < machine->acpi.mmio64_last)
		return 0;
	return option_error_set(error,
				"%llu MiB of memory are more than this processor can address "
				"(%u bits): give the guest less",
				(unsigned long long)machine->config.memory_bytes >> 20, bits);
}

static int machine_create_boot(struct machine *machine, const struct machine_config *config,
			       struct option_error *error)
{
	const struct guest_mem *mem = vm_guest_mem(machine->vm);
	struct boot_config boot = {
		.kernel_path = config->kernel_path,
		.initrd_path = config->initrd_path,
		.cmdline = config->cmdline,
		.low_bytes = guest_mem_region(mem, 0)->bytes,
		.rsdp_gpa = BOOT_FIRMWARE_GPA,
		.ecam_gpa = PCI_ECAM_DEFAULT_BASE,
		.ecam_bytes = PCI_ECAM_MAX_BYTES,
	};

	if (guest_mem_region_count(mem) > 1) {
		boot.high_gpa = guest_mem_region(mem, 1)->gpa;
		boot.high_bytes = guest_mem_region(mem, 1)->bytes;
	}
	machine->boot = boot_create(&boot, error);
	return machine->boot ? 0 : -errno;
}

struct machine_serial_setup {
	struct machine *machine;
	struct option_error *error;
	int result;
};

static void machine_create_serial_on_loop(void *data)
{
	struct machine_serial_setup *setup = data;
	struct machine *machine = setup->machine;
	const struct machine_config *config = &machine->config;
	struct irq_line irq = { .set = machine_set_line, .data = machine, .gsi = MACHINE_COM1_GSI };

	if (config->serial == MACHINE_SERIAL_STDIO)
		machine->console = console_create_stdio(config->io_loop, setup->error);
	else if (config->serial == MACHINE_SERIAL_FILE)
		machine->console = console_create_file(config->io_loop, config->serial_path,
						       setup->error);
	if (config->serial != MACHINE_SERIAL_NONE && !machine->console) {
		setup->result = -errno;
		return;
	}
	machine->serial = serial_create(MACHINE_COM1_BASE, &irq, machine->console);
	if (!machine->serial)
		setup->result = -errno;
}

static int machine_create_serial(struct machine *machine, struct option_error *error)
{
	struct machine_serial_setup setup = { .machine = machine, .error = error };

	loop_call(machine->config.io_loop, machine_create_serial_on_loop, &setup);
	return setup.result;
}

static int machine_create_chips(struct machine *machine)
{
	struct pm_config pm = {
		.base = PCI_PM_BASE,
		.sci = { .set = machine_set_line, .data = machine, .gsi = PM_SCI_GSI },
		.soft_off = machine_request_poweroff,
		.data = machine,
	};

	machine->pm = pm_create(&pm);
	machine->rtc = rtc_create(machine_now);
	machine->reset_ports = reset_ports_create(machine_request_reset, machine);
	return machine->pm && machine->rtc && machine->reset_ports ? 0 : -ENOMEM;
}

static int machine_create_pci(struct machine *machine)
{
	struct pci_bus_config pci = {
		.host_ops = &vm_pci_host_ops,
		.host = machine->vm,
		.pio = vm_pio(machine->vm),
		.mmio = vm_mmio(machine->vm),
		.mem = vm_guest_mem(machine->vm),
		.reset_requested = machine_request_reset,
		.reset_data = machine,
	};

	machine->pci = pci_bus_create(&pci);
	return machine->pci ? 0 : -errno;
}

static int machine_connect_chips(struct machine *machine)
{
	struct bus_region *regions[] = {
		serial_region(machine->serial),
		rtc_region(machine->rtc),
		pm_region(machine->pm),
		reset_ports_keyboard_region(machine->reset_ports),
		reset_ports_control_region(machine->reset_ports),
	};
	size_t i;
	int err = 0;

	for (i = 0; i < sizeof(regions) / sizeof(regions[0]) && err == 0; i++)
		err = bus_add(vm_pio(machine->vm), regions[i]);
	return err;
}

static int machine_listen(struct machine *machine)
{
	machine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (machine->wake_fd < 0)
		return -errno;
	machine->wake_source = loop_fd_add(machine->config.main_loop, machine->wake_fd, EPOLLIN,
					   machine_wake_event, machine);
	return machine->wake_source ? 0 : -errno;
}

static int machine_build_devices(struct machine *machine, struct option_error *error)
{
	int err = machine_listen(machine);

	if (err == 0)
		err = machine_create_pci(machine);
	if (err == 0)
		err = machine_create_chips(machine);
	if (err == 0)
		err = machine_connect_chips(machine);
	if (err < 0)
		option_error_set(error, "cannot build the machine: %s", strerror(-err));
	return err;
}

/* What a user can get wrong comes first, and before what costs time. */
static int machine_build(struct machine *machine, const struct machine_config *config,
			 struct option_error *error)
{
	int err = machine_check(config, error);

	if (err == 0)
		err = machine_create_vm(machine, error);
	if (err < 0)
		return err;
	machine_plan_acpi(machine);
	err = machine_check_address_bits(machine, error);
	if (err == 0)
		err = machine_create_boot(machine, config, error);
	if (err == 0)
		err = machine_create_serial(machine, error);
	return err < 0 ? err : machine_build_devices(machine, error);
}

struct machine *machine_create(const struct machine_config *config, struct option_error *error)
{
	struct machine *machine = calloc(1, sizeof(*machine));
	int err;

	option_error_set(error, "out of memory");
	if (!machine)
		return NULL;
	machine->config = *config;
	machine->wake_fd = -1;
	err = machine_build(machine, config, error);
	if (err < 0) {
		machine_destroy(machine);
		errno = -err;
		return NULL;
	}
	return machine;
}

static void machine_destroy_serial_on_loop(void *data)
{
	struct machine *machine = data;

	serial_destroy(machine->serial);
	console_destroy(machine->console);
}

void machine_destroy(struct machine *machine)
{
	if (!machine)
		return;
	machine_stop(machine);
	vcpus_destroy(machine->vcpus);
	pci_bus_destroy(machine->pci);
	loop_call(machine->config.io_loop, machine_destroy_serial_on_loop, machine);
	reset_ports_destroy(machine->reset_ports);
	rtc_destroy(machine->rtc);
	pm_destroy(machine->pm);
	boot_destroy(machine->boot);
	vm_destroy(machine->vm);
	loop_fd_remove(machine->wake_source);
	if (machine->wake_fd >= 0)
		close(machine->wake_fd);
	free(machine);
}
