/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pci_rig.h"

#include <base/loop.h>
#include <errno.h>
#include <fake/guest.h>
#include <fake/memory.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <unistd.h>

/* Also in builds without assert, and without cmocka for the fuzz target. */
static void pci_rig_check(bool right, const char *otherwise)
{
	if (!right)
		fake_fail("pci rig: %s", otherwise);
}

static struct pci_rig_binding *pci_rig_find(struct pci_rig_binding *bindings, int fd)
{
	for (unsigned i = 0; i < PCI_RIG_BINDINGS; i++) {
		if (bindings[i].fd == fd)
			return &bindings[i];
	}
	return NULL;
}

static int pci_rig_ioeventfd(void *host, int fd, uint64_t address, unsigned bytes, bool pio,
			     bool add)
{
	struct pci_rig *rig = host;
	struct pci_rig_binding *binding = pci_rig_find(rig->ioeventfds, add ? -1 : fd);

	if (add && rig->refuse_doorbells)
		return -ENOSPC;
	if (!binding || pio || (!add && binding->address != address)) {
		rig->mistakes++;
		return -EINVAL;
	}
	*binding = (struct pci_rig_binding){ .fd = add ? fd : -1, .address = address,
					     .bytes = bytes };
	return 0;
}

static int pci_rig_msi_route_add(void *host, uint64_t address, uint32_t data)
{
	struct pci_rig *rig = host;

	for (int gsi = 0; gsi < PCI_RIG_ROUTES && !rig->refuse_routes; gsi++) {
		if (!rig->routes[gsi].used) {
			rig->routes[gsi] = (struct pci_rig_route){ true, address, data, 0 };
			return gsi;
		}
	}
	return -ENOSPC;
}

static int pci_rig_msi_route_set(void *host, int gsi, uint64_t address, uint32_t data)
{
	struct pci_rig *rig = host;

	if (!rig->routes[gsi].used)
		rig->mistakes++;
	rig->routes[gsi].address = address;
	rig->routes[gsi].data = data;
	return 0;
}

static void pci_rig_msi_route_remove(void *host, int gsi)
{
	struct pci_rig *rig = host;

	if (!rig->routes[gsi].used)
		rig->mistakes++;
	for (unsigned i = 0; i < PCI_RIG_BINDINGS; i++) {
		if (rig->irqfds[i].fd >= 0 && rig->irqfds[i].gsi == gsi)
			rig->mistakes++;
	}
	rig->routes[gsi].used = false;
}

static int pci_rig_irqfd(void *host, int fd, int gsi, bool add)
{
	struct pci_rig *rig = host;
	struct pci_rig_binding *binding = pci_rig_find(rig->irqfds, add ? -1 : fd);

	if (!binding || !rig->routes[gsi].used || (add && pci_rig_find(rig->irqfds, fd)) ||
	    (!add && binding->gsi != gsi)) {
		rig->mistakes++;
		return -EINVAL;
	}
	*binding = (struct pci_rig_binding){ .fd = add ? fd : -1, .gsi = gsi };
	return 0;
}

static void pci_rig_irq_line(void *host, int gsi, bool level)
{
	struct pci_rig *rig = host;

	rig->lines[gsi] = level;
}

static void pci_rig_reset_requested(void *data)
{
	struct pci_rig *rig = data;

	rig->resets_requested++;
}

static const struct pci_host_ops pci_rig_host_ops = {
	.ioeventfd = pci_rig_ioeventfd,
	.msi_route_add = pci_rig_msi_route_add,
	.msi_route_set = pci_rig_msi_route_set,
	.msi_route_remove = pci_rig_msi_route_remove,
	.irqfd = pci_rig_irqfd,
	.irq_line = pci_rig_irq_line,
};

void pci_rig_init(struct pci_rig *rig)
{
	struct pci_bus_config config = { .host_ops = &pci_rig_host_ops, .host = rig,
					 .reset_requested = pci_rig_reset_requested,
					 .reset_data = rig };

	memset(rig, 0, sizeof(*rig));
	for (unsigned i = 0; i < PCI_RIG_BINDINGS; i++)
		rig->irqfds[i].fd = rig->ioeventfds[i].fd = -1;
	rig->loop = loop_create("pci rig");
	rig->pio = config.pio = bus_create("ports");
	rig->mmio = config.mmio = bus_create("memory");
	rig->memory = fake_memory_create();
	config.mem = fake_memory_map(rig->memory);
	rig->bus = pci_bus_create(&config);
	pci_rig_check(rig->loop && rig->pio && rig->mmio && rig->bus, "cannot create the bus");
}

void pci_rig_finish(struct pci_rig *rig)
{
	pci_bus_destroy(rig->bus);
	for (unsigned i = 0; i < PCI_RIG_BINDINGS; i++)
		pci_rig_check(rig->irqfds[i].fd < 0 && rig->ioeventfds[i].fd < 0,
			      "an eventfd is still bound");
	for (unsigned i = 0; i < PCI_RIG_ROUTES; i++)
		pci_rig_check(!rig->routes[i].used, "a route is left");
	pci_rig_check(rig->mistakes == 0, "the host was called wrongly");
	fake_memory_destroy(rig->memory);
	bus_destroy(rig->mmio);
	bus_destroy(rig->pio);
	loop_destroy(rig->loop);
}

void pci_rig_run(struct pci_rig *rig)
{
	while (loop_dispatch(rig->loop, 0) > 0)
		;
}

static void pci_rig_select(struct pci_rig *rig, unsigned slot, unsigned offset)
{
	bus_write(rig->pio, 0xcf8, 4, 0x80000000u | slot << 11 | (offset & 0xfc));
}

uint32_t pci_rig_config_read(struct pci_rig *rig, unsigned slot, unsigned offset, unsigned bytes)
{
	uint64_t value;

	pci_rig_select(rig, slot, offset);
	bus_read(rig->pio, 0xcfc + (offset & 3), bytes, &value);
	return (uint32_t)value;
}

void pci_rig_config_write(struct pci_rig *rig, unsigned slot, unsigned offset, unsigned bytes,
			  uint32_t value)
{
	pci_rig_select(rig, slot, offset);
	bus_write(rig->pio, 0xcfc + (offset & 3), bytes, value);
}

uint64_t pci_rig_read(struct pci_rig *rig, uint64_t address, unsigned bytes)
{
	uint64_t value;

	bus_read(rig->mmio, address, bytes, &value);
	return value;
}

void pci_rig_write(struct pci_rig *rig, uint64_t address, unsigned bytes, uint64_t value)
{
	uint64_t one = 1;

	for (unsigned i = 0; i < PCI_RIG_BINDINGS; i++) {
		const struct pci_rig_binding *binding = &rig->ioeventfds[i];

		if (binding->fd >= 0 && binding->address == address && binding->bytes == bytes) {
			pci_rig_check(write(binding->fd, &one, sizeof(one)) == sizeof(one),
				      "a kick got lost");
			return;
		}
	}
	bus_write(rig->mmio, address, bytes, value);
}

unsigned pci_rig_find_capability(struct pci_rig *rig, unsigned slot, uint8_t id, int type)
{
	unsigned offset = pci_rig_config_read(rig, slot, PCI_CAPABILITY_LIST, 1);

	for (unsigned steps = 0; offset && steps < 48; steps++) {
		if (pci_rig_config_read(rig, slot, offset, 1) == id &&
		    (type < 0 || pci_rig_config_read(rig, slot, offset + 3, 1) == (unsigned)type))
			return offset;
		offset = pci_rig_config_read(rig, slot, offset + PCI_CAP_LIST_NEXT, 1);
	}
	return 0;
}

unsigned pci_rig_messages(struct pci_rig *rig, uint32_t data)
{
	unsigned found = 0;
	uint64_t count;

	pci_rig_run(rig);
	for (unsigned i = 0; i < PCI_RIG_BINDINGS; i++) {
		const struct pci_rig_binding *binding = &rig->irqfds[i];

		if (binding->fd >= 0 && read(binding->fd, &count, sizeof(count)) > 0)
			rig->routes[binding->gsi].delivered++;
	}
	for (unsigned i = 0; i < PCI_RIG_ROUTES; i++) {
		if (!rig->routes[i].used || rig->routes[i].data != data)
			continue;
		found += rig->routes[i].delivered;
		rig->routes[i].delivered = 0;
	}
	return found;
}
