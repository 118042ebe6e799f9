/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <bus/bus.h>

/* Sorted by base. */
struct bus_entry {
	_Atomic uint64_t base;
	_Atomic uint64_t bytes;
	_Atomic(struct bus_region *) region;
};

struct bus_table {
	_Atomic uint32_t count;
	struct bus_entry entries[BUS_MAX_REGIONS];
};

/*
 * Two tables: lookups use tables[version & 1]; a change fills the other one and then moves the
 * version on. A lookup that saw the version move may have read a table that was being filled again,
 * and starts over. Nothing is ever freed under a reader.
 */
struct bus {
	const char *name;
	_Atomic uint64_t version;
	struct bus_table tables[2];
	pthread_mutex_t change_lock;
};

struct bus *bus_create(const char *name)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	if (!bus)
		return NULL;
	bus->name = name;
	pthread_mutex_init(&bus->change_lock, NULL);
	return bus;
}

void bus_destroy(struct bus *bus)
{
	if (!bus)
		return;
	pthread_mutex_destroy(&bus->change_lock);
	free(bus);
}

/* The stores release and the lookup's loads acquire: who sees a new entry also sees the version
 * that was published before the table was filled again. */
static void bus_entry_store(struct bus_entry *entry, uint64_t base, uint64_t bytes,
			    struct bus_region *region)
{
	atomic_store_explicit(&entry->base, base, memory_order_release);
	atomic_store_explicit(&entry->bytes, bytes, memory_order_release);
	atomic_store_explicit(&entry->region, region, memory_order_release);
}

static void bus_entry_copy(struct bus_entry *to, struct bus_entry *from)
{
	bus_entry_store(to, atomic_load(&from->base), atomic_load(&from->bytes),
			atomic_load(&from->region));
}

/* The number of entries whose base is not above the address. */
static uint32_t bus_table_upper(struct bus_table *table, uint64_t address)
{
	uint32_t low = 0;
	uint32_t high = atomic_load_explicit(&table->count, memory_order_acquire);

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (atomic_load_explicit(&table->entries[middle].base, memory_order_acquire) <=
		    address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool bus_table_overlaps(struct bus_table *table, uint32_t at,
			       const struct bus_region *region)
{
	struct bus_entry *before = at > 0 ? &table->entries[at - 1] : NULL;
	struct bus_entry *after = at < atomic_load(&table->count) ? &table->entries[at] : NULL;

	if (before && region->base - atomic_load(&before->base) < atomic_load(&before->bytes))
		return true;
	return after && atomic_load(&after->base) - region->base < region->bytes;
}

/* Fills the spare table with the current one, without entry skip (if < count), with region put in
 * at index at (if not NULL), and makes it current. */
static void bus_replace(struct bus *bus, uint32_t skip, uint32_t at, struct bus_region *region)
{
	uint64_t version = atomic_load(&bus->version);
	struct bus_table *from = &bus->tables[version & 1];
	struct bus_table *to = &bus->tables[(version + 1) & 1];
	uint32_t from_count = atomic_load(&from->count);
	uint32_t count = 0;

	for (uint32_t i = 0; i <= from_count; i++) {
		if (region && i == at)
			bus_entry_store(&to->entries[count++], region->base, region->bytes, region);
		if (i < from_count && i != skip)
			bus_entry_copy(&to->entries[count++], &from->entries[i]);
	}
	atomic_store_explicit(&to->count, count, memory_order_release);
	atomic_store_explicit(&bus->version, version + 1, memory_order_release);
}

int bus_add(struct bus *bus, struct bus_region *region)
{
	struct bus_table *table;
	uint32_t at;
	int error = 0;

	if (region->bytes == 0 || region->bytes - 1 > UINT64_MAX - region->base)
		return -EINVAL;
	pthread_mutex_lock(&bus->change_lock);
	table = &bus->tables[atomic_load(&bus->version) & 1];
	at = bus_table_upper(table, region->base);
	if (atomic_load(&table->count) == BUS_MAX_REGIONS)
		error = -ENOSPC;
	else if (bus_table_overlaps(table, at, region))
		error = -EEXIST;
	else
		bus_replace(bus, UINT32_MAX, at, region);
	pthread_mutex_unlock(&bus->change_lock);
	return error;
}

void bus_remove(struct bus *bus, struct bus_region *region)
{
	struct bus_table *table;

	pthread_mutex_lock(&bus->change_lock);
	table = &bus->tables[atomic_load(&bus->version) & 1];
	for (uint32_t i = 0; i < atomic_load(&table->count); i++) {
		if (atomic_load(&table->entries[i].region) == region) {
			bus_replace(bus, i, 0, NULL);
			break;
		}
	}
	pthread_mutex_unlock(&bus->change_lock);
}

/* The region that holds the whole access and the offset in it, or NULL. */
static struct bus_region *bus_find(struct bus *bus, uint64_t address, unsigned bytes,
				   uint64_t *offset)
{
	struct bus_region *region;
	uint64_t version;

	do {
		struct bus_table *table;
		struct bus_entry *entry;
		uint64_t region_bytes;
		uint32_t upper;

		region = NULL;
		version = atomic_load_explicit(&bus->version, memory_order_acquire);
		table = &bus->tables[version & 1];
		upper = bus_table_upper(table, address);
		if (upper == 0)
			continue;
		entry = &table->entries[upper - 1];
		*offset = address - atomic_load_explicit(&entry->base, memory_order_acquire);
		region_bytes = atomic_load_explicit(&entry->bytes, memory_order_acquire);
		if (bytes <= region_bytes && *offset <= region_bytes - bytes)
			region = atomic_load_explicit(&entry->region, memory_order_acquire);
	} while (atomic_load_explicit(&bus->version, memory_order_relaxed) != version);
	return region;
}

static uint64_t bus_all_ones(unsigned bytes)
{
	return bytes >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * bytes) - 1;
}

bool bus_read(struct bus *bus, uint64_t address, unsigned bytes, uint64_t *value)
{
	struct bus_region *region;
	uint64_t offset;

	*value = bus_all_ones(bytes);
	if (bytes == 0 || bytes > 8)
		return false;
	region = bus_find(bus, address, bytes, &offset);
	if (!region)
		return false;
	*value &= region->ops->read(region, offset, bytes);
	return true;
}

bool bus_write(struct bus *bus, uint64_t address, unsigned bytes, uint64_t value)
{
	struct bus_region *region;
	uint64_t offset;

	if (bytes == 0 || bytes > 8)
		return false;
	region = bus_find(bus, address, bytes, &offset);
	if (!region)
		return false;
	region->ops->write(region, offset, bytes, value & bus_all_ones(bytes));
	return true;
}
