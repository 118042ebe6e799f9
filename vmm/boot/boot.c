/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <asm/bootparam.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/options.h>
#include <boot/boot.h>
#include <boot/bzimage.h>
#include <kvm/vcpu_state.h>
#include <virtio/guest_mem.h>

/* What stands where below 640 KiB while the kernel starts. */
#define BOOT_GDT_GPA 0x6000u
#define BOOT_PARAMS_GPA 0x7000u
#define BOOT_STACK_GPA 0x8ff0u          /* grows down */
#define BOOT_PAGE_TABLE_GPA 0x9000u     /* 6 pages */
#define BOOT_SEED_GPA 0x10000u
#define BOOT_CMDLINE_GPA 0x20000u
#define BOOT_CMDLINE_MAX_BYTES 0x10000u
#define BOOT_LOW_END_GPA 0x9fc00u       /* the EBDA of a PC, 1 KiB, and video memory follow */
#define BOOT_VIDEO_GPA 0xa0000u
#define BOOT_ONE_MIB 0x100000u

#define BOOT_PAGE_BYTES 4096u
#define BOOT_SEED_BYTES 32u
#define BOOT_ENTRY_64_OFFSET 0x200u
#define BOOT_LOADER_UNDEFINED 0xffu
#define BOOT_VIDEO_NORMAL 0xffffu

#define E820_RAM 1u
#define E820_RESERVED 2u

#define PAGE_PRESENT_WRITABLE 3u
#define PAGE_LARGE (1u << 7)

_Static_assert(offsetof(struct boot_params, hdr) == BZIMAGE_SETUP_OFFSET, "zero-page.rst");
_Static_assert(sizeof(struct boot_params) == BOOT_PAGE_BYTES, "zero-page.rst");

struct boot_file {
	char *path;
	int fd;
	uint64_t bytes;
};

struct boot {
	struct boot_config config;      /* its strings are not kept */
	struct boot_file kernel;
	struct boot_file initrd;        /* fd -1: none */
	struct bzimage image;
	uint64_t initrd_gpa;
	uint8_t setup[BZIMAGE_SETUP_MAX_BYTES];
	char *cmdline;
};

static int boot_file_fail(const char *what, const char *path, int err, struct option_error *error)
{
	option_error_set(error, "cannot read the %s %s: %s", what, path, strerror(-err));
	return err;
}

static int boot_file_open(struct boot_file *file, const char *what, const char *path,
			  struct option_error *error)
{
	struct stat status;

	/* O_NONBLOCK: opening a FIFO by mistake must not hang. */
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0 || fstat(file->fd, &status) < 0)
		return boot_file_fail(what, path, -errno, error);
	if (!S_ISREG(status.st_mode))
		return option_error_set(error, "the %s %s is not a regular file", what, path);
	if (status.st_size == 0)
		return option_error_set(error, "the %s %s is empty", what, path);
	file->bytes = (uint64_t)status.st_size;
	file->path = strdup(path);
	return file->path ? 0 : -ENOMEM;
}

static void boot_file_close(struct boot_file *file)
{
	free(file->path);
	if (file->fd >= 0)
		close(file->fd);
}

/* All of the bytes or -errno; a file that has shrunk gives -EIO. */
static int boot_file_read(const struct boot_file *file, void *to, uint64_t bytes, uint64_t offset)
{
	uint8_t *at = to;

	while (bytes > 0) {
		ssize_t done = pread(file->fd, at, bytes, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? -errno : -EIO;
		at += done;
		offset += (uint64_t)done;
		bytes -= (uint64_t)done;
	}
	return 0;
}

static int boot_read_header(struct boot *boot, struct option_error *error)
{
	uint8_t head[BZIMAGE_HEAD_BYTES] = { 0 };
	uint64_t bytes = boot->kernel.bytes < sizeof(head) ? boot->kernel.bytes : sizeof(head);
	int err = boot_file_read(&boot->kernel, head, bytes, 0);

	if (err < 0)
		return boot_file_fail("kernel", boot->kernel.path, err, error);
	err = bzimage_parse(boot->kernel.path, head, bytes, boot->kernel.bytes, &boot->image,
			    error);
	if (err < 0)
		return err;
	memcpy(boot->setup, head + BZIMAGE_SETUP_OFFSET, boot->image.setup_bytes);
	return 0;
}

static unsigned long long boot_mib(uint64_t bytes)
{
	return (bytes + (1u << 20) - 1) >> 20;
}

/* The initrd goes as high as the kernel lets it: it is unpacked and freed, what is low stays
 * whole. */
static int boot_place(struct boot *boot, struct option_error *error)
{
	uint64_t low_bytes = boot->config.low_bytes;
	uint64_t limit = boot->image.initrd_limit_gpa;
	uint64_t kernel_end = boot->image.load_gpa + boot->image.memory_bytes;

	if (kernel_end > low_bytes)
		return option_error_set(
			error, "the kernel %s needs at least %llu MiB of memory, there are %llu",
			boot->kernel.path, boot_mib(kernel_end), boot_mib(low_bytes));
	if (boot->initrd.fd < 0)
		return 0;
	if (limit > low_bytes)
		limit = low_bytes;
	if (limit < kernel_end || limit - kernel_end < boot->initrd.bytes + BOOT_PAGE_BYTES)
		return option_error_set(
			error,
			"the initrd %s (%llu MiB) does not fit beside the kernel: give the "
			"guest more memory",
			boot->initrd.path, boot_mib(boot->initrd.bytes));
	boot->initrd_gpa = (limit - boot->initrd.bytes) & ~(uint64_t)(BOOT_PAGE_BYTES - 1);
	return 0;
}

static int boot_keep_cmdline(struct boot *boot, const char *cmdline, struct option_error *error)
{
	uint64_t max_bytes = boot->image.cmdline_max_bytes;

	if (max_bytes >= BOOT_CMDLINE_MAX_BYTES)
		max_bytes = BOOT_CMDLINE_MAX_BYTES - 1;
	if (strlen(cmdline) > max_bytes)
		return option_error_set(
			error, "the kernel command line has %zu bytes, the kernel %s takes %llu",
			strlen(cmdline), boot->kernel.path, (unsigned long long)max_bytes);
	boot->cmdline = strdup(cmdline);
	return boot->cmdline ? 0 : -ENOMEM;
}

static int boot_open(struct boot *boot, const struct boot_config *config,
		     struct option_error *error)
{
	int err = boot_file_open(&boot->kernel, "kernel", config->kernel_path, error);

	if (err == 0)
		err = boot_read_header(boot, error);
	if (err == 0 && config->initrd_path)
		err = boot_file_open(&boot->initrd, "initrd", config->initrd_path, error);
	if (err == 0)
		err = boot_place(boot, error);
	if (err == 0)
		err = boot_keep_cmdline(boot, config->cmdline ? config->cmdline : "", error);
	return err;
}

struct boot *boot_create(const struct boot_config *config, struct option_error *error)
{
	struct boot *boot = calloc(1, sizeof(*boot));
	int err;

	option_error_set(error, "out of memory");
	if (!boot)
		return NULL;
	boot->config = *config;
	boot->kernel.fd = -1;
	boot->initrd.fd = -1;
	err = boot_open(boot, config, error);
	if (err < 0) {
		boot_destroy(boot);
		errno = -err;
		return NULL;
	}
	return boot;
}

void boot_destroy(struct boot *boot)
{
	if (!boot)
		return;
	boot_file_close(&boot->kernel);
	boot_file_close(&boot->initrd);
	free(boot->cmdline);
	free(boot);
}

static void boot_e820_add(struct boot_params *params, uint64_t begin, uint64_t bytes, uint32_t type)
{
	if (bytes == 0)
		return;
	params->e820_table[params->e820_entries++] = (struct boot_e820_entry){
		.addr = begin, .size = bytes, .type = type,
	};
}

static void boot_fill_memory_map(struct boot_params *params, const struct boot_config *config)
{
	boot_e820_add(params, 0, BOOT_LOW_END_GPA, E820_RAM);
	boot_e820_add(params, BOOT_LOW_END_GPA, BOOT_VIDEO_GPA - BOOT_LOW_END_GPA, E820_RESERVED);
	boot_e820_add(params, BOOT_FIRMWARE_GPA, BOOT_FIRMWARE_BYTES, E820_RESERVED);
	boot_e820_add(params, BOOT_ONE_MIB, config->low_bytes - BOOT_ONE_MIB, E820_RAM);
	boot_e820_add(params, config->ecam_gpa, config->ecam_bytes, E820_RESERVED);
	boot_e820_add(params, config->high_gpa, config->high_bytes, E820_RAM);
}

static int boot_write_params(const struct boot *boot, struct guest_mem *mem)
{
	struct boot_params params;

	memset(&params, 0, sizeof(params));
	memcpy((uint8_t *)&params + BZIMAGE_SETUP_OFFSET, boot->setup, boot->image.setup_bytes);
	params.hdr.type_of_loader = BOOT_LOADER_UNDEFINED;
	params.hdr.loadflags &= (uint8_t)~CAN_USE_HEAP;
	params.hdr.vid_mode = BOOT_VIDEO_NORMAL;
	params.hdr.cmd_line_ptr = BOOT_CMDLINE_GPA;
	params.hdr.setup_data = BOOT_SEED_GPA;
	if (boot->initrd.fd >= 0) {
		params.hdr.ramdisk_image = (uint32_t)boot->initrd_gpa;
		params.hdr.ramdisk_size = (uint32_t)boot->initrd.bytes;
	}
	params.acpi_rsdp_addr = boot->config.rsdp_gpa;
	boot_fill_memory_map(&params, &boot->config);
	return guest_mem_write(mem, BOOT_PARAMS_GPA, &params, sizeof(params));
}

/* Randomness for the guest's first moments, fresh at every start. */
static int boot_write_seed(struct guest_mem *mem)
{
	struct setup_data header = { .type = SETUP_RNG_SEED, .len = BOOT_SEED_BYTES };
	uint8_t seed[sizeof(header) + BOOT_SEED_BYTES];

	memcpy(seed, &header, sizeof(header));
	if (getrandom(seed + sizeof(header), BOOT_SEED_BYTES, 0) != (ssize_t)BOOT_SEED_BYTES)
		return -EIO;
	return guest_mem_write(mem, BOOT_SEED_GPA, seed, sizeof(seed));
}

/* The first 4 GiB one to one, in pages of 2 MiB. */
static int boot_write_page_tables(struct guest_mem *mem)
{
	uint64_t tables[6][512] = { { 0 } };
	uint32_t i;

	tables[0][0] = (BOOT_PAGE_TABLE_GPA + BOOT_PAGE_BYTES) | PAGE_PRESENT_WRITABLE;
	for (i = 0; i < 4; i++)
		tables[1][i] = (BOOT_PAGE_TABLE_GPA + (2 + i) * BOOT_PAGE_BYTES) |
			       PAGE_PRESENT_WRITABLE;
	for (i = 0; i < 4 * 512; i++)
		tables[2 + i / 512][i % 512] =
			((uint64_t)i << 21) | PAGE_LARGE | PAGE_PRESENT_WRITABLE;
	return guest_mem_write(mem, BOOT_PAGE_TABLE_GPA, tables, sizeof(tables));
}

/* Null, unused, flat 64-bit code, flat data: the selectors that boot.rst asks for. */
static const uint64_t boot_gdt[] = { 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff };

struct vcpu_entry boot_entry(const struct boot *boot)
{
	return (struct vcpu_entry){
		.rip = boot->image.load_gpa + BOOT_ENTRY_64_OFFSET,
		.rsi = BOOT_PARAMS_GPA,
		.rsp = BOOT_STACK_GPA,
		.page_table_gpa = BOOT_PAGE_TABLE_GPA,
		.gdt_gpa = BOOT_GDT_GPA,
		.gdt_bytes = sizeof(boot_gdt),
		.code_selector = 0x10,
		.data_selector = 0x18,
	};
}

/* Straight from the file into guest RAM. */
static int boot_load_file(const struct boot_file *file, const char *what, uint64_t offset,
			  struct guest_mem *mem, uint64_t gpa, struct option_error *error)
{
	uint64_t bytes = file->bytes - offset;
	void *to = guest_mem_map(mem, gpa, bytes);
	int err = to ? boot_file_read(file, to, bytes, offset) : -EFAULT;

	return err < 0 ? boot_file_fail(what, file->path, err, error) : 0;
}

int boot_load(struct boot *boot, struct guest_mem *mem, struct option_error *error)
{
	int err = guest_mem_write(mem, BOOT_GDT_GPA, boot_gdt, sizeof(boot_gdt));

	if (err == 0)
		err = boot_write_page_tables(mem);
	if (err == 0)
		err = boot_write_seed(mem);
	if (err == 0)
		err = boot_write_params(boot, mem);
	if (err == 0)
		err = guest_mem_write(mem, BOOT_CMDLINE_GPA, boot->cmdline,
				      strlen(boot->cmdline) + 1);
	if (err < 0) {
		option_error_set(error, "cannot write the boot data into guest memory: %s",
				 strerror(-err));
		return err;
	}
	err = boot_load_file(&boot->kernel, "kernel", boot->image.payload_offset, mem,
			     boot->image.load_gpa, error);
	if (err == 0 && boot->initrd.fd >= 0)
		err = boot_load_file(&boot->initrd, "initrd", 0, mem, boot->initrd_gpa, error);
	return err;
}
