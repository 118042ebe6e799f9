/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <asm/bootparam.h>
#include <string.h>

#include <base/bytes.h>
#include <base/options.h>
#include <boot/bzimage.h>

/* Offsets in the file; the names are those of boot.rst. */
#define HEAD_SETUP_SECTS 0x1f1u
#define HEAD_SYSSIZE 0x1f4u              /* of what follows the setup part, in 16-byte units */
#define HEAD_BOOT_FLAG 0x1feu
#define HEAD_JUMP_BYTES 0x201u
#define HEAD_MAGIC 0x202u
#define HEAD_VERSION 0x206u
#define HEAD_LOADFLAGS 0x211u
#define HEAD_INITRD_ADDR_MAX 0x22cu
#define HEAD_XLOADFLAGS 0x236u
#define HEAD_CMDLINE_SIZE 0x238u
#define HEAD_PREF_ADDRESS 0x258u
#define HEAD_INIT_SIZE 0x260u
#define HEAD_LAST_FIELD_END 0x264u

#define SECTOR_BYTES 512u
#define SETUP_SECTS_DEFAULT 4u
#define SYSSIZE_UNIT_BYTES 16u

#define VERSION_64_BIT_ENTRY 0x020cu    /* the first with xloadflags: Linux 3.8 */

#define LOAD_MIN_GPA 0x100000ull
#define LOAD_MAX_GPA 0xffffffffull

static int bzimage_check_kind(const char *name, const uint8_t *head, size_t bytes,
			      struct option_error *error)
{
	uint16_t version;

	if (bytes < HEAD_LAST_FIELD_END || le16_load(head + HEAD_BOOT_FLAG) != 0xaa55 ||
	    memcmp(head + HEAD_MAGIC, "HdrS", 4) != 0)
		return option_error_set(error, "kernel %s is not a Linux bzImage%s", name,
					bytes >= 4 && memcmp(head, "\177ELF", 4) == 0 ?
					": it is an ELF file, take vmlinuz instead" : "");
	version = le16_load(head + HEAD_VERSION);
	if (version < VERSION_64_BIT_ENTRY)
		return option_error_set(error,
					"kernel %s speaks boot protocol %u.%02u, at least 2.12 is "
					"needed: take Linux 3.8 or newer",
					name, version >> 8, version & 0xffu);
	if (!(head[HEAD_LOADFLAGS] & LOADED_HIGH))
		return option_error_set(error, "kernel %s is a zImage: take a bzImage", name);
	if (!(le16_load(head + HEAD_XLOADFLAGS) & XLF_KERNEL_64))
		return option_error_set(error, "kernel %s is a 32-bit kernel: take an amd64 one",
					name);
	return 0;
}

static int bzimage_check_sizes(const char *name, uint64_t wanted_bytes, uint64_t file_bytes,
			       struct bzimage *image, struct option_error *error)
{
	if (image->payload_offset >= file_bytes)
		return option_error_set(
			error,
			"kernel %s is cut short: its header alone is longer than the file",
			name);
	image->payload_bytes = file_bytes - image->payload_offset;
	/* The size in the header is rounded up. */
	if (image->payload_bytes + SYSSIZE_UNIT_BYTES <= wanted_bytes)
		return option_error_set(
			error,
			"kernel %s is cut short: %llu bytes of the kernel proper, its "
			"header says %llu",
			name, (unsigned long long)image->payload_bytes,
			(unsigned long long)wanted_bytes);
	if (image->memory_bytes < image->payload_bytes)
		image->memory_bytes = image->payload_bytes;
	if (image->load_gpa < LOAD_MIN_GPA || image->load_gpa > LOAD_MAX_GPA)
		return option_error_set(
			error, "kernel %s wants to be loaded at 0x%llx, which cannot be done",
			name, (unsigned long long)image->load_gpa);
	return 0;
}

int bzimage_parse(const char *name, const void *data, size_t bytes, uint64_t file_bytes,
		  struct bzimage *image, struct option_error *error)
{
	const uint8_t *head = data;
	uint32_t sectors;
	int err = bzimage_check_kind(name, head, bytes, error);

	if (err < 0)
		return err;
	sectors = head[HEAD_SETUP_SECTS] ? head[HEAD_SETUP_SECTS] : SETUP_SECTS_DEFAULT;
	image->payload_offset = (sectors + 1) * SECTOR_BYTES;
	image->load_gpa = le64_load(head + HEAD_PREF_ADDRESS);
	image->memory_bytes = le32_load(head + HEAD_INIT_SIZE);
	image->initrd_limit_gpa = (uint64_t)le32_load(head + HEAD_INITRD_ADDR_MAX) + 1;
	image->cmdline_max_bytes = le32_load(head + HEAD_CMDLINE_SIZE);
	/* The header ends where the jump at its beginning leads to. */
	image->setup_bytes = HEAD_MAGIC + head[HEAD_JUMP_BYTES] - BZIMAGE_SETUP_OFFSET;
	if (image->setup_bytes > BZIMAGE_SETUP_MAX_BYTES)
		image->setup_bytes = BZIMAGE_SETUP_MAX_BYTES;
	if (image->setup_bytes < HEAD_LAST_FIELD_END - BZIMAGE_SETUP_OFFSET)
		return option_error_set(
			error, "kernel %s is damaged: its setup header is too short", name);
	return bzimage_check_sizes(name,
				   (uint64_t)le32_load(head + HEAD_SYSSIZE) * SYSSIZE_UNIT_BYTES,
				   file_bytes, image, error);
}
