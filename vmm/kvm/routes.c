/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <base/log.h>
#include <kvm/routes.h>

#define ROUTES_MAX_MSIS 1024
/* A pin below 16 leads to a PIC and to the I/O APIC. */
#define ROUTES_MAX_ENTRIES (ROUTES_PIN_COUNT + 16 + ROUTES_MAX_MSIS)

struct msi_route {
	bool used;
	uint64_t address;
	uint32_t data;
};

struct routes {
	pthread_mutex_t lock;
	int vm_fd;
	unsigned int msi_count;         /* usable elements of msis */
	struct msi_route msis[ROUTES_MAX_MSIS];
	struct kvm_irq_routing *table;  /* what KVM is given next */
};

static void routes_append_pin(struct kvm_irq_routing *table, uint32_t gsi, uint32_t irqchip,
			      uint32_t pin)
{
	table->entries[table->nr++] = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = irqchip, .pin = pin },
	};
}

static void routes_append_pins(struct kvm_irq_routing *table)
{
	uint32_t gsi;

	for (gsi = 0; gsi < ROUTES_PIN_COUNT; gsi++) {
		if (gsi < 8)
			routes_append_pin(table, gsi, KVM_IRQCHIP_PIC_MASTER, gsi);
		else if (gsi < 16)
			routes_append_pin(table, gsi, KVM_IRQCHIP_PIC_SLAVE, gsi - 8);
		/* The timer's wire ends at pin 2, as on every PC; the MADT says so too. */
		if (gsi == 0)
			routes_append_pin(table, gsi, KVM_IRQCHIP_IOAPIC, 2);
		else if (gsi != 2)
			routes_append_pin(table, gsi, KVM_IRQCHIP_IOAPIC, gsi);
	}
}

/* With the lock held: KVM takes the table as a whole, so two changers must not overtake each
 * other. */
static int routes_commit(struct routes *routes)
{
	struct kvm_irq_routing *table = routes->table;
	unsigned int i;

	table->nr = 0;
	table->flags = 0;
	routes_append_pins(table);
	for (i = 0; i < routes->msi_count; i++) {
		const struct msi_route *msi = &routes->msis[i];

		if (!msi->used)
			continue;
		table->entries[table->nr++] = (struct kvm_irq_routing_entry){
			.gsi = ROUTES_PIN_COUNT + i,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = (uint32_t)msi->address,
				   .address_hi = (uint32_t)(msi->address >> 32),
				   .data = msi->data },
		};
	}
	return ioctl(routes->vm_fd, KVM_SET_GSI_ROUTING, table) < 0 ? -errno : 0;
}

/* With the lock held. The index of the GSI's route, or -EINVAL. */
static int routes_find(const struct routes *routes, unsigned int gsi)
{
	unsigned int index = gsi - ROUTES_PIN_COUNT;

	if (gsi < ROUTES_PIN_COUNT || index >= routes->msi_count || !routes->msis[index].used)
		return -EINVAL;
	return (int)index;
}

/* With the lock held. Replaces one route, or leaves everything as it was. */
static int routes_replace(struct routes *routes, unsigned int index, struct msi_route msi)
{
	struct msi_route old = routes->msis[index];
	int err;

	if (old.used == msi.used && old.address == msi.address && old.data == msi.data)
		return 0;
	routes->msis[index] = msi;
	err = routes_commit(routes);
	if (err < 0)
		routes->msis[index] = old;
	return err;
}

int routes_add_msi(struct routes *routes, uint64_t address, uint32_t data)
{
	struct msi_route msi = { .used = true, .address = address, .data = data };
	unsigned int i;
	int result = -ENOSPC;

	pthread_mutex_lock(&routes->lock);
	for (i = 0; i < routes->msi_count; i++) {
		if (routes->msis[i].used)
			continue;
		result = routes_replace(routes, i, msi);
		if (result == 0)
			result = (int)(ROUTES_PIN_COUNT + i);
		break;
	}
	pthread_mutex_unlock(&routes->lock);
	return result;
}

int routes_set_msi(struct routes *routes, unsigned int gsi, uint64_t address, uint32_t data)
{
	struct msi_route msi = { .used = true, .address = address, .data = data };
	int index;
	int result;

	pthread_mutex_lock(&routes->lock);
	index = routes_find(routes, gsi);
	result = index < 0 ? index : routes_replace(routes, (unsigned int)index, msi);
	pthread_mutex_unlock(&routes->lock);
	return result;
}

void routes_remove_msi(struct routes *routes, unsigned int gsi)
{
	struct msi_route none = { .used = false };
	int index;

	pthread_mutex_lock(&routes->lock);
	index = routes_find(routes, gsi);
	if (index >= 0 && routes_replace(routes, (unsigned int)index, none) < 0)
		log_error("cannot remove the interrupt route of GSI %u", gsi);
	pthread_mutex_unlock(&routes->lock);
}

struct routes *routes_create(int vm_fd, unsigned int max_gsis)
{
	struct routes *routes = calloc(1, sizeof(*routes));
	int err;

	if (!routes)
		return NULL;
	pthread_mutex_init(&routes->lock, NULL);
	routes->vm_fd = vm_fd;
	if (max_gsis > ROUTES_PIN_COUNT)
		routes->msi_count = max_gsis - ROUTES_PIN_COUNT;
	if (routes->msi_count > ROUTES_MAX_MSIS)
		routes->msi_count = ROUTES_MAX_MSIS;
	routes->table = calloc(1, sizeof(*routes->table) +
			       ROUTES_MAX_ENTRIES * sizeof(routes->table->entries[0]));
	err = routes->table ? routes_commit(routes) : -ENOMEM;
	if (err < 0) {
		routes_destroy(routes);
		errno = -err;
		return NULL;
	}
	return routes;
}

void routes_destroy(struct routes *routes)
{
	if (!routes)
		return;
	pthread_mutex_destroy(&routes->lock);
	free(routes->table);
	free(routes);
}
