/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts a Linux kernel without firmware: bzImage at its 64-bit entry, initrd, command line, memory
 * map (Linux Documentation/arch/x86/boot.rst and zero-page.rst).
 *
 * Main thread. The files are opened and checked once and stay open, so that a reset loads the same
 * kernel again even if a package upgrade has replaced the file.
 */
#ifndef VMM_BOOT_BOOT_H
#define VMM_BOOT_BOOT_H

#include <stdint.h>

#include <kvm/vcpu_state.h>

struct boot;
struct guest_mem;
struct option_error;

/* Guest-physical ranges below 1 MiB that boot_load leaves alone: ACPI tables stand there. */
#define BOOT_FIRMWARE_GPA 0xe0000u
#define BOOT_FIRMWARE_BYTES 0x20000u

struct boot_config {
	const char *kernel_path;
	const char *initrd_path;        /* or NULL */
	const char *cmdline;            /* or NULL: empty */
	uint64_t low_bytes;             /* RAM from 0 on */
	uint64_t high_gpa, high_bytes;  /* RAM above 4 GiB */
	uint64_t rsdp_gpa;              /* where the ACPI tables begin */
	uint64_t ecam_gpa, ecam_bytes;  /* Linux uses ECAM only where the memory map reserves it */
};

/* NULL with errno and one clear line in the error. */
struct boot *boot_create(const struct boot_config *config, struct option_error *error);
/* NULL is ignored. */
void boot_destroy(struct boot *boot);
/* Where the boot CPU begins. */
struct vcpu_entry boot_entry(const struct boot *boot);
/* Writes everything into RAM. 0, or -errno with the error filled in. */
int boot_load(struct boot *boot, struct guest_mem *mem, struct option_error *error);

#endif
