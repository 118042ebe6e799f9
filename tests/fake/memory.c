/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fake/guest.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FAKE_MEMORY_REGIONS 3
#define FAKE_MEMORY_GUARD_BYTES ((size_t)64 << 10)

/* The regions stand one behind the other in one memfd, but apart in this process' memory: a device
 * that runs over a border by host address must not get away with it. */
struct fake_memory {
	struct guest_mem *map;
	struct guest_mem_region regions[FAKE_MEMORY_REGIONS];
	int fd;
	uint64_t next_gpa;
};

static void *fake_memory_map_region(int fd, uint64_t offset, uint64_t bytes)
{
	uint8_t *reserved = mmap(NULL, bytes + 2 * FAKE_MEMORY_GUARD_BYTES, PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *host = reserved + FAKE_MEMORY_GUARD_BYTES;

	if (reserved == MAP_FAILED || mmap(host, bytes, PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_FIXED, fd, (off_t)offset) == MAP_FAILED)
		fake_fail("cannot map guest RAM: %m");
	return host;
}

static void fake_memory_unmap_region(const struct guest_mem_region *region)
{
	munmap((uint8_t *)region->host - FAKE_MEMORY_GUARD_BYTES,
	       region->bytes + 2 * FAKE_MEMORY_GUARD_BYTES);
}

struct fake_memory *fake_memory_create(void)
{
	static const struct { uint64_t gpa, bytes; } layout[FAKE_MEMORY_REGIONS] = {
		{ 0, FAKE_MEMORY_BORDER },
		{ FAKE_MEMORY_BORDER, FAKE_MEMORY_HOLE - FAKE_MEMORY_BORDER },
		{ FAKE_MEMORY_HIGH, FAKE_MEMORY_HIGH_BYTES },
	};
	struct fake_memory *memory = calloc(1, sizeof(*memory));
	uint64_t offset = 0;

	if (!memory)
		fake_fail("no memory");
	memory->fd = memfd_create("fake-guest", MFD_CLOEXEC);
	if (memory->fd < 0 ||
	    ftruncate(memory->fd, (off_t)(FAKE_MEMORY_HOLE + FAKE_MEMORY_HIGH_BYTES)) < 0)
		fake_fail("cannot make guest RAM: %m");
	for (size_t i = 0; i < FAKE_MEMORY_REGIONS; i++) {
		memory->regions[i] = (struct guest_mem_region){
			.gpa = layout[i].gpa,
			.bytes = layout[i].bytes,
			.host = fake_memory_map_region(memory->fd, offset, layout[i].bytes),
			.fd = memory->fd,
			.fd_offset = offset,
		};
		offset += layout[i].bytes;
	}
	memory->map = guest_mem_create(memory->regions, FAKE_MEMORY_REGIONS);
	if (!memory->map)
		fake_fail("cannot make the map of guest RAM: %m");
	fake_memory_reset(memory);
	return memory;
}

void fake_memory_destroy(struct fake_memory *memory)
{
	guest_mem_unref(memory->map);
	for (size_t i = 0; i < FAKE_MEMORY_REGIONS; i++)
		fake_memory_unmap_region(&memory->regions[i]);
	close(memory->fd);
	free(memory);
}

struct guest_mem *fake_memory_map(struct fake_memory *memory)
{
	return memory->map;
}

uint64_t fake_memory_alloc(struct fake_memory *memory, size_t bytes, size_t align)
{
	uint64_t gpa = (memory->next_gpa + align - 1) & ~(uint64_t)(align - 1);

	if (gpa > FAKE_MEMORY_HOLE || bytes > FAKE_MEMORY_HOLE - gpa)
		fake_fail("out of guest RAM for %zu bytes", bytes);
	memory->next_gpa = gpa + bytes;
	if (bytes)
		memset(fake_memory_host(memory, gpa, bytes), 0, bytes);
	return gpa;
}

void fake_memory_reset(struct fake_memory *memory)
{
	memory->next_gpa = FAKE_MEMORY_BORDER + FAKE_MEMORY_BORDER_BYTES;
}

void *fake_memory_host(struct fake_memory *memory, uint64_t gpa, size_t bytes)
{
	void *host = guest_mem_map(memory->map, gpa, bytes);

	if (!host)
		fake_fail("%zu bytes at 0x%llx are not in one region", bytes,
			  (unsigned long long)gpa);
	return host;
}

void fake_memory_read(struct fake_memory *memory, uint64_t gpa, void *to, size_t bytes)
{
	if (guest_mem_read(memory->map, gpa, to, bytes) < 0)
		fake_fail("reads %zu bytes at 0x%llx", bytes, (unsigned long long)gpa);
}

void fake_memory_write(struct fake_memory *memory, uint64_t gpa, const void *from, size_t bytes)
{
	if (guest_mem_write(memory->map, gpa, from, bytes) < 0)
		fake_fail("writes %zu bytes at 0x%llx", bytes, (unsigned long long)gpa);
}

uint64_t fake_memory_copy_in(struct fake_memory *memory, const void *from, size_t bytes)
{
	uint64_t gpa = fake_memory_alloc(memory, bytes, 16);

	fake_memory_write(memory, gpa, from, bytes);
	return gpa;
}
