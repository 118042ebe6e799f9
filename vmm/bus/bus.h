/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An address space of ports or of memory-mapped registers: finds the region that answers an access.
 *
 * Dispatch takes no lock and never waits: it reads a table that changers replace as a whole.
 * Regions run on vCPU threads, several at a time.
 */
#ifndef VMM_BUS_BUS_H
#define VMM_BUS_BUS_H

#include <stdbool.h>
#include <stdint.h>

#define BUS_MAX_REGIONS 256

struct bus;
struct bus_region;

struct bus_region_ops {
	/* bytes is 1 to 8 and offset + bytes <= region->bytes: the bus' promise, also for write.
	 * Not every access is a power of two or aligned. The value is zero-extended. */
	uint64_t (*read)(struct bus_region *region, uint64_t offset, unsigned bytes);
	void (*write)(struct bus_region *region, uint64_t offset, unsigned bytes, uint64_t value);
};

/* Embedded by its owner, who keeps it until the vCPU threads are gone. */
struct bus_region {
	const struct bus_region_ops *ops;
	uint64_t base;          /* change only while the region is not on a bus */
	uint64_t bytes;
	const char *name;
};

/* NULL with errno. */
struct bus *bus_create(const char *name);
/* No access may be running; regions are the owners'. NULL is ignored. */
void bus_destroy(struct bus *bus);

/* Any thread. -EINVAL: empty or wraps; -EEXIST: overlaps another region; -ENOSPC: table full. */
int bus_add(struct bus *bus, struct bus_region *region);
/* Any thread; a region that is not on the bus is ignored. An access that began before may still
 * be running when this returns. */
void bus_remove(struct bus *bus, struct bus_region *region);

/* vCPU threads. False when no region holds the whole access: reads then give all-ones. */
bool bus_read(struct bus *bus, uint64_t address, unsigned bytes, uint64_t *value);
bool bus_write(struct bus *bus, uint64_t address, unsigned bytes, uint64_t value);

#endif
