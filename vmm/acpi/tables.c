/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include <acpi/aml.h>
#include <acpi/dsdt.h>
#include <acpi/tables.h>
#include <base/bytes.h>
#include <chips/pm.h>
#include <chips/rtc.h>
#include <virtio/guest_mem.h>

#define ACPI_OEM_ID "VITRIN"
#define ACPI_OEM_TABLE_ID "VITRINE "
#define ACPI_CREATOR_ID "VTRN"

#define HEADER_LENGTH 4u
#define HEADER_CHECKSUM 9u
#define HEADER_BYTES 36u
#define TABLE_ALIGN 64u                 /* the FACS needs it */

#define RSDP_BYTES 36u
#define RSDP_V1_BYTES 20u
#define RSDP_CHECKSUM 8u
#define RSDP_EXTENDED_CHECKSUM 32u

#define FACS_BYTES 64u
#define FACS_VERSION 32u

/* FADT (5.2.9): offset of each field that is not zero */
#define FADT_BYTES 276u
#define FADT_REVISION 6u
#define FADT_FIRMWARE_CTRL 36u
#define FADT_DSDT 40u
#define FADT_PROFILE 45u
#define FADT_SCI_INT 46u
#define FADT_PM1A_EVT_BLK 56u
#define FADT_PM1A_CNT_BLK 64u
#define FADT_PM_TMR_BLK 76u
#define FADT_GPE0_BLK 80u
#define FADT_PM1_EVT_LEN 88u
#define FADT_PM1_CNT_LEN 89u
#define FADT_PM_TMR_LEN 91u
#define FADT_GPE0_BLK_LEN 92u
#define FADT_P_LVL2_LAT 96u
#define FADT_P_LVL3_LAT 98u
#define FADT_CENTURY 108u
#define FADT_IAPC_BOOT_ARCH 109u
#define FADT_FLAGS 112u
#define FADT_RESET_REG 116u
#define FADT_RESET_VALUE 128u
#define FADT_X_DSDT 140u
#define FADT_X_PM1A_EVT_BLK 148u
#define FADT_X_PM1A_CNT_BLK 172u
#define FADT_X_PM_TMR_BLK 208u
#define FADT_X_GPE0_BLK 220u
#define FADT_HYPERVISOR_ID 268u

#define FADT_PROFILE_DESKTOP 1u
#define FADT_LATENCY_NONE 0xffffu       /* no such C state */
#define FADT_BOOT_LEGACY_DEVICES (1u << 0)
#define FADT_BOOT_NO_VGA (1u << 2)
#define FADT_FLAG_WBINVD (1u << 0)
#define FADT_FLAG_PROC_C1 (1u << 2)
#define FADT_FLAG_NO_SLEEP_BUTTON (1u << 5)
#define FADT_FLAG_NO_FIXED_RTC (1u << 6)
#define FADT_FLAG_RESET_REGISTER (1u << 10)

#define RESET_PORT 0xcf9u
#define RESET_PORT_VALUE 6u

#define GAS_SYSTEM_IO 1u

#define MADT_PCAT_COMPAT 1u
#define MADT_LOCAL_APIC 0u
#define MADT_IO_APIC 1u
#define MADT_OVERRIDE 2u
#define MADT_LOCAL_NMI 4u
#define MADT_ENABLED 1u
#define MADT_BUS_DEFAULT 0u
#define MADT_HIGH_LEVEL 0x0du
#define LOCAL_APIC_GPA 0xfee00000u
#define IO_APIC_GPA 0xfec00000u

/* All tables one after the other, as they will stand from gpa on. */
struct acpi_image {
	struct aml out;
	uint64_t gpa;
	const struct acpi_config *config;
};

static uint8_t acpi_checksum(const uint8_t *bytes, size_t count)
{
	uint8_t sum = 0;
	size_t i;

	for (i = 0; i < count; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return (uint8_t)-sum;
}

static void acpi_align(struct acpi_image *image)
{
	while (image->out.count % TABLE_ALIGN != 0 && !image->out.failed)
		aml_append8(&image->out, 0);
}

/* Appends a header; its length and checksum are set by acpi_end_table. Where the table stands. */
static size_t acpi_begin_table(struct acpi_image *image, const char *signature, uint8_t revision)
{
	struct aml *out = &image->out;
	size_t at;

	acpi_align(image);
	at = out->count;
	aml_append(out, signature, 4);
	aml_append32(out, 0);
	aml_append8(out, revision);
	aml_append8(out, 0);
	aml_append(out, ACPI_OEM_ID, 6);
	aml_append(out, ACPI_OEM_TABLE_ID, 8);
	aml_append32(out, 1);
	aml_append(out, ACPI_CREATOR_ID, 4);
	aml_append32(out, 1);
	return at;
}

/* The address of the table. */
static uint64_t acpi_end_table(struct acpi_image *image, size_t at)
{
	struct aml *out = &image->out;

	if (!out->failed) {
		le32_store(out->bytes + at + HEADER_LENGTH, (uint32_t)(out->count - at));
		out->bytes[at + HEADER_CHECKSUM] = acpi_checksum(out->bytes + at, out->count - at);
	}
	return image->gpa + at;
}

static uint64_t acpi_append_facs(struct acpi_image *image)
{
	uint8_t facs[FACS_BYTES] = "FACS";
	size_t at;

	le32_store(facs + HEADER_LENGTH, FACS_BYTES);
	facs[FACS_VERSION] = 2;
	acpi_align(image);
	at = image->out.count;
	aml_append(&image->out, facs, sizeof(facs));
	return image->gpa + at;
}

static uint64_t acpi_append_dsdt(struct acpi_image *image)
{
	size_t at = acpi_begin_table(image, "DSDT", 2);

	dsdt_append(&image->out, image->config);
	return acpi_end_table(image, at);
}

/* A register in I/O space, as generic address structure (5.2.3.2). */
static void acpi_store_gas(uint8_t *at, uint16_t port, uint8_t bytes, uint8_t access_size)
{
	at[0] = GAS_SYSTEM_IO;
	at[1] = (uint8_t)(bytes * 8);
	at[3] = access_size;
	le64_store(at + 4, port);
}

static void acpi_fill_fadt_ports(uint8_t *fadt, uint16_t base)
{
	static const struct {
		uint8_t offset, length, x_offset, port, bytes, access_size;
	} blocks[] = {
		{ FADT_PM1A_EVT_BLK, FADT_PM1_EVT_LEN, FADT_X_PM1A_EVT_BLK, PM_PM1_EVENT_OFFSET,
		  PM_PM1_EVENT_BYTES, 2 },
		{ FADT_PM1A_CNT_BLK, FADT_PM1_CNT_LEN, FADT_X_PM1A_CNT_BLK, PM_PM1_CONTROL_OFFSET,
		  PM_PM1_CONTROL_BYTES, 2 },
		{ FADT_PM_TMR_BLK, FADT_PM_TMR_LEN, FADT_X_PM_TMR_BLK, PM_TIMER_OFFSET,
		  PM_TIMER_BYTES, 3 },
		{ FADT_GPE0_BLK, FADT_GPE0_BLK_LEN, FADT_X_GPE0_BLK, PM_GPE0_OFFSET,
		  PM_GPE0_BYTES, 1 },
	};
	size_t i;

	for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		le32_store(fadt + blocks[i].offset, (uint32_t)base + blocks[i].port);
		fadt[blocks[i].length] = blocks[i].bytes;
		acpi_store_gas(fadt + blocks[i].x_offset, (uint16_t)(base + blocks[i].port),
			       blocks[i].bytes, blocks[i].access_size);
	}
}

static uint64_t acpi_append_fadt(struct acpi_image *image, uint64_t facs_gpa, uint64_t dsdt_gpa)
{
	uint8_t fadt[FADT_BYTES] = { 0 };
	size_t at = acpi_begin_table(image, "FACP", FADT_REVISION);

	le32_store(fadt + FADT_FIRMWARE_CTRL, (uint32_t)facs_gpa);
	le32_store(fadt + FADT_DSDT, (uint32_t)dsdt_gpa);
	le64_store(fadt + FADT_X_DSDT, dsdt_gpa);
	fadt[FADT_PROFILE] = FADT_PROFILE_DESKTOP;
	le16_store(fadt + FADT_SCI_INT, PM_SCI_GSI);
	acpi_fill_fadt_ports(fadt, image->config->pm_base);
	le16_store(fadt + FADT_P_LVL2_LAT, FADT_LATENCY_NONE);
	le16_store(fadt + FADT_P_LVL3_LAT, FADT_LATENCY_NONE);
	fadt[FADT_CENTURY] = RTC_CENTURY_REGISTER;
	le16_store(fadt + FADT_IAPC_BOOT_ARCH, FADT_BOOT_LEGACY_DEVICES | FADT_BOOT_NO_VGA);
	le32_store(fadt + FADT_FLAGS, FADT_FLAG_WBINVD | FADT_FLAG_PROC_C1 |
		   FADT_FLAG_NO_SLEEP_BUTTON | FADT_FLAG_NO_FIXED_RTC | FADT_FLAG_RESET_REGISTER);
	acpi_store_gas(fadt + FADT_RESET_REG, RESET_PORT, 1, 1);
	fadt[FADT_RESET_VALUE] = RESET_PORT_VALUE;
	memcpy(fadt + FADT_HYPERVISOR_ID, ACPI_OEM_TABLE_ID, 8);
	aml_append(&image->out, fadt + HEADER_BYTES, sizeof(fadt) - HEADER_BYTES);
	return acpi_end_table(image, at);
}

static void acpi_append_override(struct aml *out, uint8_t irq, uint32_t gsi, uint16_t flags)
{
	aml_append8(out, MADT_OVERRIDE);
	aml_append8(out, 10);
	aml_append8(out, 0);            /* ISA */
	aml_append8(out, irq);
	aml_append32(out, gsi);
	aml_append16(out, flags);
}

static uint64_t acpi_append_madt(struct acpi_image *image)
{
	struct aml *out = &image->out;
	size_t at = acpi_begin_table(image, "APIC", 5);
	uint32_t i;

	aml_append32(out, LOCAL_APIC_GPA);
	aml_append32(out, MADT_PCAT_COMPAT);
	for (i = 0; i < image->config->cpus; i++) {
		aml_append8(out, MADT_LOCAL_APIC);
		aml_append8(out, 8);
		aml_append8(out, (uint8_t)i);           /* _UID of the processor */
		aml_append8(out, (uint8_t)i);
		aml_append32(out, MADT_ENABLED);
	}
	aml_append8(out, MADT_IO_APIC);
	aml_append8(out, 12);
	aml_append16(out, 0);                           /* id, reserved */
	aml_append32(out, IO_APIC_GPA);
	aml_append32(out, 0);                           /* its first GSI */
	acpi_append_override(out, 0, 2, MADT_BUS_DEFAULT);
	acpi_append_override(out, PM_SCI_GSI, PM_SCI_GSI, MADT_HIGH_LEVEL);
	aml_append8(out, MADT_LOCAL_NMI);
	aml_append8(out, 6);
	aml_append8(out, 0xff);                         /* all processors */
	aml_append16(out, 0);
	aml_append8(out, 1);                            /* LINT1 */
	return acpi_end_table(image, at);
}

static uint64_t acpi_append_mcfg(struct acpi_image *image)
{
	struct aml *out = &image->out;
	size_t at = acpi_begin_table(image, "MCFG", 1);

	aml_append64(out, 0);
	aml_append64(out, image->config->ecam_gpa);
	aml_append16(out, 0);
	aml_append8(out, 0);
	aml_append8(out, image->config->last_bus);
	aml_append32(out, 0);
	return acpi_end_table(image, at);
}

static void acpi_append_tables(struct acpi_image *image)
{
	uint64_t facs_gpa = acpi_append_facs(image);
	uint64_t dsdt_gpa = acpi_append_dsdt(image);
	uint64_t fadt_gpa = acpi_append_fadt(image, facs_gpa, dsdt_gpa);
	uint64_t madt_gpa = acpi_append_madt(image);
	uint64_t mcfg_gpa = acpi_append_mcfg(image);
	size_t xsdt = acpi_begin_table(image, "XSDT", 1);
	uint8_t *rsdp;

	aml_append64(&image->out, fadt_gpa);
	aml_append64(&image->out, madt_gpa);
	aml_append64(&image->out, mcfg_gpa);
	acpi_end_table(image, xsdt);
	if (image->out.failed)
		return;
	rsdp = image->out.bytes;
	memcpy(rsdp, "RSD PTR ", 8);
	memcpy(rsdp + 9, ACPI_OEM_ID, 6);
	rsdp[15] = 2;
	le32_store(rsdp + 20, RSDP_BYTES);
	le64_store(rsdp + 24, image->gpa + xsdt);
	rsdp[RSDP_CHECKSUM] = acpi_checksum(rsdp, RSDP_V1_BYTES);
	rsdp[RSDP_EXTENDED_CHECKSUM] = acpi_checksum(rsdp, RSDP_BYTES);
}

int acpi_write_tables(const struct acpi_config *config, struct guest_mem *mem, uint64_t gpa)
{
	struct acpi_image image = { .gpa = gpa, .config = config };
	uint8_t rsdp[RSDP_BYTES] = { 0 };
	int err = -ENOMEM;

	aml_init(&image.out);
	aml_append(&image.out, rsdp, sizeof(rsdp));
	acpi_append_tables(&image);
	if (!image.out.failed && image.out.count <= ACPI_MAX_BYTES)
		err = guest_mem_write(mem, gpa, image.out.bytes, image.out.count);
	aml_finish(&image.out);
	return err;
}
