/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <base/log.h>
#include <base/loop.h>
#include <base/options.h>
#include <boot/boot.h>
#include <chips/pm.h>
#include <chips/rtc.h>
#include <chips/serial.h>
#include <kvm/vcpus.h>
#include <kvm/vm.h>
#include <machine/machine_private.h>
#include <pci/pci.h>
#include <pci/pci_hda.h>
#include <pci/virtio_pci.h>
#include <virtio/device.h>

static void machine_request(struct machine *machine, enum machine_request request)
{
	uint64_t one = 1;

	atomic_fetch_or(&machine->requests, request);
	vcpus_request_pause(machine->vcpus);
	if (write(machine->wake_fd, &one, sizeof(one)) < 0)
		log_error("cannot wake the main loop: %s", strerror(errno));
}

void machine_request_reset(void *data)
{
	machine_request(data, MACHINE_REQUEST_RESET);
}

void machine_request_poweroff(void *data)
{
	machine_request(data, MACHINE_REQUEST_POWEROFF);
}

void machine_request_failed(void *data)
{
	machine_request(data, MACHINE_REQUEST_FAILED);
}

/* Kernel, tables and registers: a machine that has just been switched on. vCPUs are paused. */
static int machine_load(struct machine *machine, struct option_error *error)
{
	struct guest_mem *mem = vm_guest_mem(machine->vm);
	struct vcpu_entry entry = boot_entry(machine->boot);
	/* Before memory: a vCPU that was in use has KVM write its clock and steal time there. */
	int err = vcpus_reset(machine->vcpus, &entry);

	if (err == 0)
		err = acpi_write_tables(&machine->acpi, mem, BOOT_FIRMWARE_GPA);
	if (err < 0)
		option_error_set(error, "cannot set the guest up: %s", strerror(-err));
	return err < 0 ? err : boot_load(machine->boot, mem, error);
}

static void machine_end(struct machine *machine, enum machine_end end)
{
	machine_stop(machine);
	machine->config.on_end(machine->config.data, end);
}

void machine_reset(struct machine *machine)
{
	struct option_error error;

	if (!machine->running)
		return;
	vcpus_pause(machine->vcpus);
	atomic_fetch_and(&machine->requests, ~(unsigned int)MACHINE_REQUEST_RESET);
	/* The devices first: they let go of guest memory and lower their interrupts. */
	pci_bus_reset(machine->pci);
	serial_reset(machine->serial);
	rtc_reset(machine->rtc);
	pm_reset(machine->pm);
	if (vm_reset(machine->vm) < 0) {
		machine_end(machine, MACHINE_END_FAILED);
		return;
	}
	if (machine_load(machine, &error) < 0) {
		log_error("%s", error.text);
		machine_end(machine, MACHINE_END_FAILED);
		return;
	}
	if (machine->config.on_reset)
		machine->config.on_reset(machine->config.data);
	vcpus_resume(machine->vcpus);
}

void machine_wake_event(void *data, uint32_t events)
{
	struct machine *machine = data;
	unsigned int requests;
	uint64_t count;

	if (read(machine->wake_fd, &count, sizeof(count)) < 0)
		return;
	requests = atomic_exchange(&machine->requests, 0);
	if (!machine->running)
		return;
	if (requests & MACHINE_REQUEST_FAILED)
		machine_end(machine, MACHINE_END_FAILED);
	else if (requests & MACHINE_REQUEST_POWEROFF)
		machine_end(machine, MACHINE_END_POWEROFF);
	else if (requests & MACHINE_REQUEST_RESET)
		machine_reset(machine);
}

int machine_start(struct machine *machine, struct option_error *error)
{
	int err = machine_load(machine, error);

	if (err < 0)
		return err;
	machine->running = true;
	vcpus_resume(machine->vcpus);
	return 0;
}

void machine_stop(struct machine *machine)
{
	if (!machine->running)
		return;
	vcpus_pause(machine->vcpus);
	machine->running = false;
}

void machine_power_button(struct machine *machine)
{
	pm_power_button(machine->pm);
}

struct machine_new_device {
	struct machine *machine;
	struct virtio_device *device;
	int result;
};

static void machine_add_virtio_on_loop(void *data)
{
	struct machine_new_device *new = data;
	int slot = pci_bus_free_slot(new->machine->pci);

	new->result = slot < 0 ? slot : virtio_pci_create(new->machine->pci, new->device,
							  (unsigned int)slot);
	if (new->result < 0)
		new->device->ops->destroy(new->device);
}

int machine_add_virtio(struct machine *machine, struct virtio_device *device)
{
	struct machine_new_device new = { .machine = machine, .device = device };

	loop_call(device->loop, machine_add_virtio_on_loop, &new);
	return new.result;
}

int machine_add_hda(struct machine *machine, struct loop *audio_loop,
		    struct audio_backend *backend)
{
	struct pci_function *function;
	int slot = pci_bus_free_slot(machine->pci);
	int error;

	if (slot < 0)
		return slot;
	function = pci_hda_create(audio_loop, backend, vm_guest_mem(machine->vm));
	if (!function)
		return -errno;
	error = pci_function_add(machine->pci, function, (unsigned int)slot);
	if (error < 0)
		function->ops->destroy(function);
	return error;
}
