/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The setup header of a Linux kernel file (Documentation/arch/x86/boot.rst). Any thread.
 */
#ifndef VMM_BOOT_BZIMAGE_H
#define VMM_BOOT_BZIMAGE_H

#include <stddef.h>
#include <stdint.h>

struct option_error;

/* Bytes at the start of a bzImage that hold all of the setup header. */
#define BZIMAGE_HEAD_BYTES 1024u

/* Where the setup header stands, in the file and in struct boot_params, and how long it can be. */
#define BZIMAGE_SETUP_OFFSET 0x1f1u
#define BZIMAGE_SETUP_MAX_BYTES (0x290u - BZIMAGE_SETUP_OFFSET)

struct bzimage {
	uint64_t payload_offset;        /* the protected-mode part in the file ... */
	uint64_t payload_bytes;         /* ... up to the file's end */
	uint64_t load_gpa;              /* where it goes: at least 1 MiB, below 4 GiB */
	uint64_t memory_bytes;          /* what it needs there while it unpacks itself */
	uint64_t initrd_limit_gpa;      /* an initrd must end there or below */
	uint32_t cmdline_max_bytes;     /* without the NUL */
	uint32_t setup_bytes;           /* length of the setup header */
};

/* Checks the first bytes of a kernel file of file_bytes; name is for the message. 0, or -EINVAL
 * with one clear line in the error. */
int bzimage_parse(const char *name, const void *head, size_t bytes, uint64_t file_bytes,
		  struct bzimage *image, struct option_error *error);

#endif
