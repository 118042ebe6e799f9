/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For the files of machine/ only. */
#ifndef VMM_MACHINE_MACHINE_PRIVATE_H
#define VMM_MACHINE_MACHINE_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <acpi/tables.h>
#include <machine/machine.h>

/* What vCPU threads ask the main thread for. */
enum machine_request {
	MACHINE_REQUEST_RESET = 1 << 0,
	MACHINE_REQUEST_POWEROFF = 1 << 1,
	MACHINE_REQUEST_FAILED = 1 << 2,
};

struct machine {
	struct machine_config config;   /* its strings are not kept */
	struct vm *vm;
	struct vcpus *vcpus;
	struct pci_bus *pci;
	struct boot *boot;
	struct console *console;
	struct serial *serial;
	struct rtc *rtc;
	struct pm *pm;
	struct reset_ports *reset_ports;
	struct acpi_config acpi;
	_Atomic unsigned int requests;
	int wake_fd;
	struct loop_fd *wake_source;
	bool running;
};

/* vCPU threads, data is the machine: the main thread will answer, and no guest code runs before. */
void machine_request_reset(void *data);
void machine_request_poweroff(void *data);
void machine_request_failed(void *data);
/* On main_loop: answers them. */
void machine_wake_event(void *data, uint32_t events);

#endif
