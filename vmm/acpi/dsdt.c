/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include <acpi/aml.h>
#include <acpi/dsdt.h>
#include <acpi/tables.h>
#include <chips/pm.h>
#include <chips/rtc.h>
#include <chips/serial.h>
#include <pci/pci.h>

#define DSDT_COM1_BASE 0x3f8u
#define DSDT_COM1_IRQ 4u
#define DSDT_RTC_IRQ 8u
#define DSDT_STATUS_PRESENT 0x0f        /* present, enabled, shown, working */

#define DSDT_VGA_FIRST 0xa0000u
#define DSDT_VGA_LAST 0xbffffu
#define DSDT_CONFIG_FIRST 0xcf8u
#define DSDT_CONFIG_BYTES 8u

/* Opcodes of the _OSC method (20.3) */
#define OP_AND 0x7b
#define OP_ARG0 0x68
#define OP_ARG1 0x69
#define OP_ARG3 0x6b
#define OP_BUFFER_16 0x11, 0x13, 0x0a, 0x10     /* Buffer (16) */
#define OP_CREATE_DWORD_FIELD 0x8a
#define OP_EQUAL 0x93
#define OP_NOT 0x92
#define OP_OR 0x7d
#define OP_RETURN 0xa4

/* PCI Firmware 3.3, 4.5.1: what the operating system may take over. Hot plug is not there. */
#define OSC_UNRECOGNIZED_UUID 0x04
#define OSC_UNRECOGNIZED_REVISION 0x08
#define OSC_GRANTED 0x1c                /* PME, AER, capability structure */

/* name = name OP value */
static void dsdt_update(struct aml *aml, uint8_t op, const char *name, uint64_t value)
{
	aml_append8(aml, op);
	aml_path(aml, name);
	aml_integer(aml, value);
	aml_path(aml, name);
}

static void dsdt_dword_of_arg3(struct aml *aml, uint64_t offset, const char *name)
{
	aml_append8(aml, OP_CREATE_DWORD_FIELD);
	aml_append8(aml, OP_ARG3);
	aml_integer(aml, offset);
	aml_path(aml, name);
}

static void dsdt_osc(struct aml *aml)
{
	/* 33db4d5b-1ff7-401c-9657-7441c03dd766: PCI host bridge */
	static const uint8_t is_pci[] = {
		OP_EQUAL, OP_ARG0, OP_BUFFER_16, 0x5b, 0x4d, 0xdb, 0x33, 0xf7, 0x1f, 0x1c, 0x40,
		0x96, 0x57, 0x74, 0x41, 0xc0, 0x3d, 0xd7, 0x66,
	};

	aml_begin_method(aml, "_OSC", 4);
	dsdt_dword_of_arg3(aml, 0, "CDW1");
	aml_begin_if(aml);
	aml_append(aml, is_pci, sizeof(is_pci));
	dsdt_dword_of_arg3(aml, 8, "CDW3");
	dsdt_update(aml, OP_AND, "CDW3", OSC_GRANTED);
	aml_begin_if(aml);
	aml_append8(aml, OP_NOT);
	aml_append8(aml, OP_EQUAL);
	aml_append8(aml, OP_ARG1);
	aml_integer(aml, 1);
	dsdt_update(aml, OP_OR, "CDW1", OSC_UNRECOGNIZED_REVISION);
	aml_end(aml);
	aml_end(aml);
	aml_begin_else(aml);
	dsdt_update(aml, OP_OR, "CDW1", OSC_UNRECOGNIZED_UUID);
	aml_end(aml);
	aml_append8(aml, OP_RETURN);
	aml_append8(aml, OP_ARG3);
	aml_end(aml);
}

static void dsdt_pci_resources(struct aml *aml, const struct acpi_config *config)
{
	aml_name(aml, "_CRS");
	aml_begin_resources(aml);
	aml_window(aml, AML_SPACE_BUS, 0, config->last_bus, false);
	aml_io_ports(aml, DSDT_CONFIG_FIRST, DSDT_CONFIG_BYTES);
	aml_window(aml, AML_SPACE_IO, 0, DSDT_CONFIG_FIRST - 1, false);
	aml_window(aml, AML_SPACE_IO, DSDT_CONFIG_FIRST + DSDT_CONFIG_BYTES, 0xffff, false);
	aml_window(aml, AML_SPACE_MEMORY, DSDT_VGA_FIRST, DSDT_VGA_LAST, true);
	aml_window(aml, AML_SPACE_MEMORY, config->mmio32_first, config->mmio32_last, false);
	aml_window(aml, AML_SPACE_MEMORY, config->mmio64_first, config->mmio64_last, true);
	aml_end(aml);
}

/* Every pin of every slot, straight to its GSI: there are no interrupt links to set up. */
static void dsdt_pci_routes(struct aml *aml)
{
	unsigned int slot, pin;

	aml_name(aml, "_PRT");
	aml_begin_package(aml, PCI_SLOT_COUNT * 4);
	for (slot = 0; slot < PCI_SLOT_COUNT; slot++) {
		for (pin = 0; pin < 4; pin++) {
			aml_begin_package(aml, 4);
			aml_integer(aml, slot << 16 | 0xffff);
			aml_integer(aml, pin);
			aml_integer(aml, 0);
			aml_integer(aml, (uint64_t)pci_intx_gsi(slot, pin));
			aml_end(aml);
		}
	}
	aml_end(aml);
}

static void dsdt_isa_device(struct aml *aml, const char *name, const char *id, uint16_t ports,
			    uint8_t port_count, unsigned int irq)
{
	aml_begin_device(aml, name);
	aml_name_eisa_id(aml, "_HID", id);
	aml_name_integer(aml, "_UID", 1);
	aml_name_integer(aml, "_STA", DSDT_STATUS_PRESENT);
	aml_name(aml, "_CRS");
	aml_begin_resources(aml);
	aml_io_ports(aml, ports, port_count);
	aml_irq(aml, irq);
	aml_end(aml);
	aml_end(aml);
}

static void dsdt_pci(struct aml *aml, const struct acpi_config *config)
{
	aml_begin_device(aml, "PCI0");
	aml_name_eisa_id(aml, "_HID", "PNP0A08");
	aml_name_eisa_id(aml, "_CID", "PNP0A03");
	aml_name_integer(aml, "_UID", 0);
	aml_name_integer(aml, "_SEG", 0);
	aml_name_integer(aml, "_BBN", 0);
	dsdt_pci_resources(aml, config);
	dsdt_pci_routes(aml);
	dsdt_osc(aml);
	aml_begin_device(aml, "ISA");
	aml_name_integer(aml, "_ADR", PCI_LPC_SLOT << 16);
	dsdt_isa_device(aml, "COM1", "PNP0501", DSDT_COM1_BASE, SERIAL_BYTES, DSDT_COM1_IRQ);
	dsdt_isa_device(aml, "RTC", "PNP0B00", RTC_BASE, RTC_BYTES, DSDT_RTC_IRQ);
	aml_end(aml);
	aml_end(aml);
}

/* What is taken without being any device's: nobody may put a BAR there. */
static void dsdt_reserved(struct aml *aml, const struct acpi_config *config)
{
	aml_begin_device(aml, "MRES");
	aml_name_eisa_id(aml, "_HID", "PNP0C02");
	aml_name_integer(aml, "_UID", 0);
	aml_name(aml, "_CRS");
	aml_begin_resources(aml);
	aml_fixed_memory(aml, (uint32_t)config->ecam_gpa, PCI_ECAM_MAX_BYTES);
	aml_io_ports(aml, config->pm_base, PM_BYTES);
	aml_end(aml);
	aml_end(aml);
}

static void dsdt_processors(struct aml *aml, uint32_t cpus)
{
	uint32_t i;

	for (i = 0; i < cpus; i++) {
		char name[5];

		snprintf(name, sizeof(name), "C%03X", i & 0xfff);
		aml_begin_device(aml, name);
		aml_name(aml, "_HID");
		aml_string(aml, "ACPI0007");
		aml_name_integer(aml, "_UID", i);
		aml_end(aml);
	}
}

static void dsdt_sleep(struct aml *aml)
{
	unsigned int i;

	aml_name(aml, "\\_S5");
	aml_begin_package(aml, 4);
	for (i = 0; i < 4; i++)
		aml_integer(aml, i < 2 ? PM_SLEEP_TYPE_S5 : 0);
	aml_end(aml);
}

void dsdt_append(struct aml *aml, const struct acpi_config *config)
{
	aml_begin_scope(aml, "\\_SB");
	dsdt_pci(aml, config);
	dsdt_reserved(aml, config);
	dsdt_processors(aml, config->cpus);
	aml_end(aml);
	dsdt_sleep(aml);
}
