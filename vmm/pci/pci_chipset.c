/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two bridges that firmware and kernels know a q35 by. They only store what is written; the one
 * register with an effect is PCIEXBAR (Intel 3 Series datasheet, 5.1.17).
 */
#include <base/bytes.h>
#include <linux/pci_regs.h>
#include <pci/pci_bus.h>

#define HOST_BRIDGE_PCIEXBAR 0x60
#define HOST_BRIDGE_PCIEXBAR_WRITABLE 0xfc000007u
#define HOST_BRIDGE_PCIEXBAR_HIGH_WRITABLE 0xfu
#define HOST_BRIDGE_PAM0 0x90
#define HOST_BRIDGE_PAM_BYTES 16                /* the PAMs and what follows, SMRAM included */

#define LPC_PMBASE 0x40
#define LPC_ACPI_CONTROL 0x44
#define LPC_ACPI_ENABLE 0x80
#define LPC_PIRQ_A 0x60
#define LPC_PIRQ_E 0x68
#define LPC_RCBA 0xf0

/* Configuration space is all there is. */
static const struct pci_function_ops pci_chip_ops = { 0 };

void pci_host_bridge_init(struct pci_function *function)
{
	static const struct pci_identity identity = {
		.vendor = 0x8086,
		.device = 0x29c0,
		.subsystem_vendor = 0x1af4,
		.subsystem = 0x1100,
		.class_code = 0x060000,
	};

	pci_function_init(function, &pci_chip_ops, "host-bridge", &identity);
	le32_store(function->config + HOST_BRIDGE_PCIEXBAR, PCI_ECAM_DEFAULT_BASE | 1);
	pci_function_set_writable(function, HOST_BRIDGE_PCIEXBAR, 4, HOST_BRIDGE_PCIEXBAR_WRITABLE);
	pci_function_set_writable(function, HOST_BRIDGE_PCIEXBAR + 4, 4,
				  HOST_BRIDGE_PCIEXBAR_HIGH_WRITABLE);
	for (unsigned i = 0; i < HOST_BRIDGE_PAM_BYTES; i++)
		pci_function_set_writable(function, HOST_BRIDGE_PAM0 + i, 1, 0xff);
}

void pci_host_bridge_ecam(const struct pci_function *function, uint64_t *base, uint64_t *bytes)
{
	uint64_t value = le64_load(function->config + HOST_BRIDGE_PCIEXBAR);
	unsigned length = (unsigned)(value >> 1) & 3;

	*base = 0;
	*bytes = 0;
	if (!(value & 1) || length == 3)
		return;
	*bytes = PCI_ECAM_MAX_BYTES >> length;
	*base = value & ~(*bytes - 1);
}

bool pci_host_bridge_moves_ecam(unsigned offset, unsigned bytes)
{
	return offset < HOST_BRIDGE_PCIEXBAR + 8 && offset + bytes > HOST_BRIDGE_PCIEXBAR;
}

void pci_lpc_bridge_init(struct pci_function *function)
{
	static const struct pci_identity identity = {
		.vendor = 0x8086,
		.device = 0x2918,
		.subsystem_vendor = 0x1af4,
		.subsystem = 0x1100,
		.class_code = 0x060100,
		.revision = 2,
	};

	pci_function_init(function, &pci_chip_ops, "lpc-bridge", &identity);
	/* All firmware puts the ACPI ports at 0x600: they are there from the start and stay. */
	le32_store(function->config + LPC_PMBASE, PCI_PM_BASE | PCI_BASE_ADDRESS_SPACE_IO);
	function->config[LPC_ACPI_CONTROL] = LPC_ACPI_ENABLE;
	for (unsigned i = 0; i < 4; i++) {
		function->config[LPC_PIRQ_A + i] = 0x80;
		function->config[LPC_PIRQ_E + i] = 0x80;
	}
	pci_function_set_writable(function, LPC_ACPI_CONTROL, 1, 0xff);
	pci_function_set_writable(function, LPC_PIRQ_A, 4, 0xffffffffu);
	pci_function_set_writable(function, LPC_PIRQ_E, 4, 0xffffffffu);
	pci_function_set_writable(function, LPC_RCBA, 4, 0xffffc001u);
}
