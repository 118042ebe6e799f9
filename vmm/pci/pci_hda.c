/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <audio/hda.h>
#include <base/loop.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <stddef.h>
#include <stdlib.h>
#include <pci/pci.h>
#include <pci/pci_hda.h>

#define PCI_HDA_BAR 0
/* Which link it is on; some drivers insist on the bit that says HD Audio. */
#define PCI_HDA_CONTROL 0x40
#define PCI_HDA_CONTROL_HDA 0x01

struct pci_hda {
	struct pci_function function;
	struct loop *loop;
	struct hda *hda;
};

static struct pci_hda *pci_hda_of_function(struct pci_function *function)
{
	return (struct pci_hda *)((char *)function - offsetof(struct pci_hda, function));
}

static uint64_t pci_hda_bar_read(struct pci_function *function, unsigned bar, uint64_t offset,
				 unsigned bytes)
{
	return hda_read(pci_hda_of_function(function)->hda, offset, bytes);
}

static void pci_hda_bar_write(struct pci_function *function, unsigned bar, uint64_t offset,
			      unsigned bytes, uint64_t value)
{
	hda_write(pci_hda_of_function(function)->hda, offset, bytes, value);
}

/* Two vCPUs may write COMMAND at once: what it says is read where the order is settled. */
static void pci_hda_update_bus_master(void *data)
{
	struct pci_hda *pci = data;
	uint32_t command = pci_function_config_load(&pci->function, PCI_COMMAND, 2);

	hda_set_bus_master(pci->hda, command & PCI_COMMAND_MASTER);
}

static void pci_hda_config_written(struct pci_function *function, unsigned offset, unsigned bytes)
{
	struct pci_hda *pci = pci_hda_of_function(function);

	if (offset < PCI_COMMAND + 2 && offset + bytes > PCI_COMMAND)
		loop_call(pci->loop, pci_hda_update_bus_master, pci);
}

static void pci_hda_reset(struct pci_function *function)
{
	hda_reset(pci_hda_of_function(function)->hda);
}

static void pci_hda_destroy_on_loop(void *data)
{
	struct pci_hda *pci = data;

	hda_destroy(pci->hda);
	free(pci);
}

static void pci_hda_destroy(struct pci_function *function)
{
	struct pci_hda *pci = pci_hda_of_function(function);

	loop_call(pci->loop, pci_hda_destroy_on_loop, pci);
}

static const struct pci_function_ops pci_hda_ops = {
	.bar_read = pci_hda_bar_read,
	.bar_write = pci_hda_bar_write,
	.config_written = pci_hda_config_written,
	.reset = pci_hda_reset,
	.destroy = pci_hda_destroy,
};

static void pci_hda_set_irq(void *data, bool level)
{
	struct pci_hda *pci = data;

	pci_function_set_intx(&pci->function, level);
}

static void pci_hda_init_function(struct pci_function *function)
{
	static const struct pci_identity identity = {
		.vendor = 0x8086,
		.device = 0x293e,
		.subsystem_vendor = 0x1af4,
		.subsystem = 0x1100,
		.class_code = 0x040300,
		.revision = 3,
		.interrupt_pin = 1,
	};

	pci_function_init(function, &pci_hda_ops, "hda", &identity);
	pci_function_add_bar(function, PCI_HDA_BAR, HDA_REGISTER_BYTES, false);
	function->config[PCI_HDA_CONTROL] = PCI_HDA_CONTROL_HDA;
}

struct pci_hda_setup {
	struct pci_hda *pci;
	struct audio_backend *backend;
	struct guest_mem *mem;
	int error;
};

/* The backend's listener is the loop's. */
static void pci_hda_create_on_loop(void *data)
{
	struct pci_hda_setup *setup = data;
	struct hda_host host = { .set_irq = pci_hda_set_irq, .data = setup->pci };

	setup->pci->hda = hda_create(setup->pci->loop, setup->backend, setup->mem, &host);
	setup->error = setup->pci->hda ? 0 : errno;
}

struct pci_function *pci_hda_create(struct loop *audio_loop, struct audio_backend *backend,
				    struct guest_mem *mem)
{
	struct pci_hda *pci = calloc(1, sizeof(*pci));
	struct pci_hda_setup setup = { .pci = pci, .backend = backend, .mem = mem };

	if (!pci)
		return NULL;
	pci->loop = audio_loop;
	pci_hda_init_function(&pci->function);
	if (loop_call(audio_loop, pci_hda_create_on_loop, &setup) < 0)
		setup.error = ENOMEM;
	if (setup.error) {
		free(pci);
		errno = setup.error;
		return NULL;
	}
	return &pci->function;
}
