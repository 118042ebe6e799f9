/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ACPI tables of the machine (ACPI 6.5, PCI Firmware 3.3 for MCFG), built when the machine
 * starts from what it has. Any thread.
 */
#ifndef VMM_ACPI_TABLES_H
#define VMM_ACPI_TABLES_H

#include <stdint.h>

struct guest_mem;

struct acpi_config {
	uint32_t cpus;                  /* APIC ids 0 to cpus - 1, at most 255 */
	uint16_t pm_base;               /* of a struct pm */
	uint64_t ecam_gpa;
	uint8_t last_bus;               /* buses 0 to last_bus exist */
	uint64_t mmio32_first, mmio32_last;     /* where BARs may go */
	uint64_t mmio64_first, mmio64_last;
};

/* Bytes that the tables need at most. */
#define ACPI_MAX_BYTES 0x10000u

/* Writes all tables from gpa on (16-byte aligned; where room ends is ACPI_MAX_BYTES further): the
 * root pointer stands at gpa itself. 0, -ENOMEM or -EFAULT. */
int acpi_write_tables(const struct acpi_config *config, struct guest_mem *mem, uint64_t gpa);

#endif
