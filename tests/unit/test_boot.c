/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <asm/bootparam.h>
#include <base/bytes.h>
#include <base/options.h>
#include <boot/boot.h>
#include <boot/bzimage.h>
#include <errno.h>
#include <kvm/memory.h>
#include <kvm/vcpu_state.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <virtio/guest_mem.h>

#define KERNEL_SECTORS 3u
#define KERNEL_PAYLOAD_OFFSET ((KERNEL_SECTORS + 1) * 512)
#define KERNEL_PAYLOAD_BYTES 8000u
#define KERNEL_BYTES (KERNEL_PAYLOAD_OFFSET + KERNEL_PAYLOAD_BYTES)
#define KERNEL_LOAD_GPA 0x1000000u
#define KERNEL_INIT_BYTES 0x800000u
#define MEMORY_BYTES (64u << 20)

static char directory[] = "/tmp/test_boot.XXXXXX";
static char kernel_path[64], initrd_path[64];

/* As small as a good kernel can be. */
static void make_kernel(uint8_t *kernel)
{
	size_t i;

	memset(kernel, 0, KERNEL_BYTES);
	kernel[0x1f1] = KERNEL_SECTORS;
	le32_store(kernel + 0x1f4, KERNEL_PAYLOAD_BYTES / 16);
	le16_store(kernel + 0x1fe, 0xaa55);
	kernel[0x200] = 0xeb;
	kernel[0x201] = 0x6a;
	memcpy(kernel + 0x202, "HdrS", 4);
	le16_store(kernel + 0x206, 0x020f);
	kernel[0x211] = LOADED_HIGH | CAN_USE_HEAP;
	le32_store(kernel + 0x22c, 0x7fffffff);
	le16_store(kernel + 0x236, XLF_KERNEL_64);
	le32_store(kernel + 0x238, 2047);
	le64_store(kernel + 0x258, KERNEL_LOAD_GPA);
	le32_store(kernel + 0x260, KERNEL_INIT_BYTES);
	for (i = KERNEL_PAYLOAD_OFFSET; i < KERNEL_BYTES; i++)
		kernel[i] = (uint8_t)(i * 7);
}

static void write_file(const char *path, const void *bytes, size_t count)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, count, file), count);
	fclose(file);
}

static int set_up(void **state)
{
	uint8_t kernel[KERNEL_BYTES];
	uint8_t initrd[5000];

	if (!mkdtemp(directory))
		return -1;
	snprintf(kernel_path, sizeof(kernel_path), "%s/vmlinuz", directory);
	snprintf(initrd_path, sizeof(initrd_path), "%s/initrd", directory);
	make_kernel(kernel);
	memset(initrd, 0x5a, sizeof(initrd));
	write_file(kernel_path, kernel, sizeof(kernel));
	write_file(initrd_path, initrd, sizeof(initrd));
	return 0;
}

static int tear_down(void **state)
{
	unlink(kernel_path);
	unlink(initrd_path);
	return rmdir(directory);
}

static struct boot_config good_config(void)
{
	return (struct boot_config){
		.kernel_path = kernel_path,
		.initrd_path = initrd_path,
		.cmdline = "console=ttyS0",
		.low_bytes = MEMORY_BYTES,
		.rsdp_gpa = BOOT_FIRMWARE_GPA,
		.ecam_gpa = 0xb0000000,
		.ecam_bytes = 256 << 20,
	};
}

static void test_parse(void **state)
{
	uint8_t kernel[KERNEL_BYTES];
	struct option_error error;
	struct bzimage image;

	make_kernel(kernel);
	assert_int_equal(bzimage_parse("k", kernel, 1024, KERNEL_BYTES, &image, &error), 0);
	assert_int_equal(image.payload_offset, KERNEL_PAYLOAD_OFFSET);
	assert_int_equal(image.payload_bytes, KERNEL_PAYLOAD_BYTES);
	assert_int_equal(image.load_gpa, KERNEL_LOAD_GPA);
	assert_int_equal(image.memory_bytes, KERNEL_INIT_BYTES);
	assert_int_equal(image.initrd_limit_gpa, 0x80000000u);
	assert_int_equal(image.cmdline_max_bytes, 2047);
	assert_int_equal(image.setup_bytes, 0x26c - 0x1f1);
	kernel[0x1f1] = 0;              /* stands for 4 */
	le32_store(kernel + 0x1f4, 0);
	assert_int_equal(bzimage_parse("k", kernel, 1024, KERNEL_BYTES, &image, &error), 0);
	assert_int_equal(image.payload_offset, 5 * 512);
}

/* One broken byte or field each; the message must say what is wrong. */
static void test_parse_broken(void **state)
{
	static const struct {
		unsigned int offset;
		unsigned int bytes;
		uint64_t value;
		const char *message;
	} cases[] = {
		{ 0x1fe, 2, 0, "is not a Linux bzImage" },
		{ 0x202, 4, 0x12345678, "is not a Linux bzImage" },
		{ 0x206, 2, 0x0204, "speaks boot protocol 2.04" },
		{ 0x211, 1, 0, "is a zImage" },
		{ 0x236, 2, 0, "is a 32-bit kernel" },
		{ 0x201, 1, 0x10, "setup header is too short" },
		{ 0x1f1, 1, 0xff, "is cut short" },
		{ 0x1f4, 4, KERNEL_PAYLOAD_BYTES / 16 + 1, "its header says 8016" },
		{ 0x258, 8, 0x1000, "wants to be loaded at 0x1000" },
		{ 0x258, 8, UINT64_MAX, "wants to be loaded at 0xffffffffffffffff" },
	};
	uint8_t kernel[KERNEL_BYTES];
	struct option_error error;
	struct bzimage image;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_kernel(kernel);
		for (unsigned int b = 0; b < cases[i].bytes; b++)
			kernel[cases[i].offset + b] = (uint8_t)(cases[i].value >> b * 8);
		assert_int_equal(bzimage_parse("k", kernel, 1024, KERNEL_BYTES, &image, &error),
				 -EINVAL);
		if (!strstr(error.text, cases[i].message))
			fail_msg("\"%s\" does not say \"%s\"", error.text, cases[i].message);
		assert_null(strchr(error.text, '\n'));
	}
	make_kernel(kernel);
	for (i = 0; i < 0x264; i++)
		assert_int_equal(bzimage_parse("k", kernel, i, i, &image, &error), -EINVAL);
	memcpy(kernel, "\177ELF", 4);
	kernel[0x1fe] = 0;
	assert_int_equal(bzimage_parse("k", kernel, 1024, KERNEL_BYTES, &image, &error), -EINVAL);
	assert_non_null(strstr(error.text, "take vmlinuz"));
}

static void expect_refusal(const struct boot_config *config, const char *message)
{
	struct option_error error;
	struct boot *boot = boot_create(config, &error);

	assert_null(boot);
	if (!strstr(error.text, message))
		fail_msg("\"%s\" does not say \"%s\"", error.text, message);
	assert_null(strchr(error.text, '\n'));
}

static void test_wrong_files(void **state)
{
	struct boot_config config = good_config();
	char long_cmdline[3000];
	char empty[80];

	config.kernel_path = "/nonexistent/vmlinuz";
	expect_refusal(&config, "cannot read the kernel /nonexistent/vmlinuz: No such file");
	config.kernel_path = directory;
	expect_refusal(&config, "is not a regular file");
	config.kernel_path = "/dev/null";
	expect_refusal(&config, "is not a regular file");
	config.kernel_path = initrd_path;
	expect_refusal(&config, "is not a Linux bzImage");
	snprintf(empty, sizeof(empty), "%s/empty", directory);
	write_file(empty, "", 0);
	config.kernel_path = empty;
	expect_refusal(&config, "is empty");
	unlink(empty);
	config = good_config();
	config.initrd_path = "/nonexistent/initrd";
	expect_refusal(&config, "cannot read the initrd /nonexistent/initrd: No such file");
	config = good_config();
	config.low_bytes = 20 << 20;
	expect_refusal(&config, "needs at least 24 MiB of memory, there are 20");
	config.low_bytes = KERNEL_LOAD_GPA + KERNEL_INIT_BYTES + 4096;
	expect_refusal(&config, "does not fit beside the kernel");
	config = good_config();
	memset(long_cmdline, 'x', sizeof(long_cmdline) - 1);
	long_cmdline[sizeof(long_cmdline) - 1] = '\0';
	config.cmdline = long_cmdline;
	expect_refusal(&config, "the kernel command line has 2999 bytes");
}

static void check_memory_map(const struct boot_params *params)
{
	static const struct {
		uint64_t begin, end;
		uint32_t type;
	} map[] = {
		{ 0, 0x9fc00, 1 },
		{ 0x9fc00, 0xa0000, 2 },
		{ 0xe0000, 0x100000, 2 },
		{ 0x100000, MEMORY_BYTES, 1 },
		{ 0xb0000000, 0xc0000000, 2 },
	};
	size_t i;

	assert_int_equal(params->e820_entries, sizeof(map) / sizeof(map[0]));
	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		assert_int_equal(params->e820_table[i].addr, map[i].begin);
		assert_int_equal(params->e820_table[i].size, map[i].end - map[i].begin);
		assert_int_equal(params->e820_table[i].type, map[i].type);
	}
}

static void check_page_tables(const struct guest_mem *mem, uint64_t root)
{
	uint64_t gpa, entry;

	for (gpa = 0; gpa < 4ull << 30; gpa += 0x12345678) {
		assert_int_equal(guest_mem_read(mem, root, &entry, 8), 0);
		assert_int_equal(entry & 0x83, 3);
		assert_int_equal(
			guest_mem_read(mem, (entry & ~0xfffull) + (gpa >> 30) * 8, &entry, 8), 0);
		assert_int_equal(entry & 0x83, 3);
		assert_int_equal(guest_mem_read(mem, (entry & ~0xfffull) + (gpa >> 21 & 511) * 8,
						&entry, 8), 0);
		assert_int_equal(entry & 0x83, 0x83);
		assert_int_equal(entry & ~0x1fffffull, gpa & ~0x1fffffull);
	}
}

static void check_loaded(const struct guest_mem *mem, const struct vcpu_entry *entry)
{
	uint8_t kernel[KERNEL_BYTES], loaded[KERNEL_PAYLOAD_BYTES];
	struct boot_params params;
	char cmdline[32] = "";

	make_kernel(kernel);
	assert_int_equal(entry->rip, KERNEL_LOAD_GPA + 0x200);
	assert_int_equal(entry->code_selector, 0x10);
	assert_int_equal(entry->data_selector, 0x18);
	assert_int_equal(guest_mem_read(mem, KERNEL_LOAD_GPA, loaded, sizeof(loaded)), 0);
	assert_memory_equal(loaded, kernel + KERNEL_PAYLOAD_OFFSET, sizeof(loaded));
	assert_int_equal(guest_mem_read(mem, entry->rsi, &params, sizeof(params)), 0);
	assert_int_equal(params.hdr.header, 0x53726448);
	assert_int_equal(params.hdr.type_of_loader, 0xff);
	assert_int_equal(params.hdr.loadflags & CAN_USE_HEAP, 0);
	assert_int_equal(params.acpi_rsdp_addr, BOOT_FIRMWARE_GPA);
	assert_int_equal(params.sentinel, 0);
	guest_mem_read(mem, params.hdr.cmd_line_ptr, cmdline, sizeof(cmdline));
	assert_string_equal(cmdline, "console=ttyS0");
	assert_int_equal(params.hdr.ramdisk_size, 5000);
	assert_int_equal(params.hdr.ramdisk_image % 4096, 0);
	assert_true(params.hdr.ramdisk_image + 5000 <= MEMORY_BYTES);
	guest_mem_read(mem, params.hdr.ramdisk_image, loaded, 5000);
	assert_int_equal(loaded[0], 0x5a);
	assert_int_equal(loaded[4999], 0x5a);
	check_memory_map(&params);
	check_page_tables(mem, entry->page_table_gpa);
}

static void test_load(void **state)
{
	struct boot_config config = good_config();
	struct option_error error;
	struct memory *memory = memory_create(MEMORY_BYTES, false, &error);
	struct guest_mem *mem = memory_guest_mem(memory);
	struct boot *boot = boot_create(&config, &error);
	struct vcpu_entry entry;
	uint64_t garbage = UINT64_MAX;

	assert_non_null(boot);
	entry = boot_entry(boot);
	assert_int_equal(boot_load(boot, mem, &error), 0);
	check_loaded(mem, &entry);
	/* Again after the guest has written over it, with the files gone: as after a reset. */
	guest_mem_write(mem, KERNEL_LOAD_GPA, &garbage, sizeof(garbage));
	guest_mem_write(mem, entry.page_table_gpa, &garbage, sizeof(garbage));
	guest_mem_write(mem, entry.rsi + 0x1e8, &garbage, sizeof(garbage));
	rename(kernel_path, initrd_path);
	assert_int_equal(boot_load(boot, mem, &error), 0);
	check_loaded(mem, &entry);
	boot_destroy(boot);
	memory_destroy(memory);
	tear_down(NULL);
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	assert_int_equal(set_up(NULL), 0);
}

static void test_file_shrinks(void **state)
{
	struct boot_config config = good_config();
	struct option_error error;
	struct memory *memory = memory_create(MEMORY_BYTES, false, &error);
	struct boot *boot = boot_create(&config, &error);

	assert_non_null(boot);
	assert_int_equal(truncate(kernel_path, KERNEL_PAYLOAD_OFFSET + 10), 0);
	assert_int_equal(boot_load(boot, memory_guest_mem(memory), &error), -EIO);
	assert_non_null(strstr(error.text, "cannot read the kernel"));
	boot_destroy(boot);
	memory_destroy(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_broken),
		cmocka_unit_test(test_wrong_files),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_file_shrinks),
	};

	return cmocka_run_group_tests_name("boot", tests, set_up, tear_down);
}
