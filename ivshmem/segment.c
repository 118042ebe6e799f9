/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "segment_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <ivshmem/copy.h>
#include <ivshmem/segment.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

struct segment {
	uint8_t *base;
	int fd;
	uint32_t epoch;
	bool same_clock;
	_Atomic uint32_t state;         /* the writer's: what the header should say */
	struct segment_layout layout;   /* our own copy: never read from shared memory again */
};

static struct segment_header *segment_header(const struct segment *segment)
{
	return (struct segment_header *)segment->base;
}

static struct segment *segment_new(int fd)
{
	struct segment *segment = calloc(1, sizeof(*segment));

	if (segment)
		segment->fd = fd;
	return segment;
}

static int segment_map(struct segment *segment)
{
	void *base = mmap(NULL, segment->layout.bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			  segment->fd, 0);

	if (base == MAP_FAILED)
		return -errno;
	segment->base = base;
	return 0;
}

static uint32_t segment_new_epoch(void)
{
	uint32_t epoch = 0;

	while (!epoch)
		if (getrandom(&epoch, sizeof(epoch), 0) != (ssize_t)sizeof(epoch))
			epoch = (uint32_t)getpid();
	return epoch;
}

/* Others may have an older layout of the same file mapped: they see epoch 0, then a new one. */
static void segment_lay_out(struct segment *segment)
{
	struct segment_header *header = segment_header(segment);

	atomic_store(&header->epoch, 0);
	segment_layout_write(&segment->layout, header);
	segment_layout_clear(&segment->layout, segment->base);
	atomic_store(&header->heartbeat, 0);
	segment_set_state(segment, SEGMENT_STARTING);
	segment->epoch = segment_new_epoch();
	/* Release: whoever sees the epoch sees the layout. */
	atomic_store_explicit(&header->epoch, segment->epoch, memory_order_release);
	segment->same_clock = true;
}

/* Takes the fd, also on failure. room: bytes the file has and keeps, 0: it gets what it needs. */
static struct segment *segment_create(int fd, const struct segment_config *config, uint64_t room)
{
	struct segment *segment = segment_new(fd);
	int error = ENOMEM;

	if (!segment)
		goto fail_fd;
	error = -segment_layout_plan(&segment->layout, config, room);
	if (error)
		goto fail_segment;
	if (!room && ftruncate(fd, (off_t)segment->layout.bytes)) {
		error = errno;
		goto fail_segment;
	}
	error = -segment_map(segment);
	if (error)
		goto fail_segment;
	segment_lay_out(segment);
	return segment;

fail_segment:
	free(segment);
fail_fd:
	close(fd);
	errno = error;
	return NULL;
}

struct segment *segment_create_memfd(const struct segment_config *config)
{
	struct segment *segment;
	int fd = memfd_create("vitrine-segment", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return NULL;
	segment = segment_create(fd, config, 0);
	if (!segment)
		return NULL;
	/* A client that shrank it would kill us by SIGBUS. */
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		int error = errno;

		segment_destroy(segment);
		errno = error;
		return NULL;
	}
	return segment;
}

struct segment *segment_create_file(const char *path, const struct segment_config *config)
{
	struct stat status;
	int error;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return NULL;
	/* One writer per file, whatever both were told. */
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		error = errno == EWOULDBLOCK ? EBUSY : errno;
		goto fail;
	}
	if (fstat(fd, &status)) {
		error = errno;
		goto fail;
	}
	return segment_create(fd, config, (uint64_t)status.st_size);

fail:
	close(fd);
	errno = error;
	return NULL;
}

/* Copies the header out between two equal looks at the epoch, then checks the copy. */
static int segment_check_header(struct segment *segment, const struct segment_header *shared,
				uint64_t file_bytes)
{
	struct segment_header header;
	uint32_t epoch = atomic_load_explicit(&shared->epoch, memory_order_acquire);

	shared_copy(&header, shared, sizeof(header));
	if (header.magic == SEGMENT_MAGIC &&
	    (!epoch || atomic_load_explicit(&shared->epoch, memory_order_seq_cst) != epoch))
		return -EAGAIN;
	segment->epoch = epoch;
	return segment_layout_check(&segment->layout, &header, file_bytes);
}

static int segment_read_header(struct segment *segment)
{
	struct stat status;
	void *page;
	int error;

	if (fstat(segment->fd, &status))
		return -errno;
	if (status.st_size < (off_t)SEGMENT_PAGE_BYTES)
		return -EPROTO;
	page = mmap(NULL, SEGMENT_PAGE_BYTES, PROT_READ, MAP_SHARED, segment->fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	error = segment_check_header(segment, page, (uint64_t)status.st_size);
	munmap(page, SEGMENT_PAGE_BYTES);
	return error;
}

/* Takes the fd, also on failure. */
static struct segment *segment_attach(int fd)
{
	struct segment *segment = segment_new(fd);
	int error = ENOMEM;

	if (!segment)
		goto fail_fd;
	error = -segment_read_header(segment);
	if (!error)
		error = -segment_map(segment);
	if (error)
		goto fail_segment;
	segment->same_clock = segment->layout.clock_domain &&
			      segment->layout.clock_domain == segment_clock_domain();
	return segment;

fail_segment:
	free(segment);
fail_fd:
	close(fd);
	errno = error;
	return NULL;
}

struct segment *segment_attach_fd(int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return own < 0 ? NULL : segment_attach(own);
}

struct segment *segment_attach_path(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? NULL : segment_attach(fd);
}

void segment_destroy(struct segment *segment)
{
	if (!segment)
		return;
	munmap(segment->base, segment->layout.bytes);
	close(segment->fd);
	free(segment);
}

int segment_fd(const struct segment *segment)
{
	return segment->fd;
}

const char *segment_name(const struct segment *segment)
{
	return segment->layout.name;
}

uint32_t segment_scanout_count(const struct segment *segment)
{
	uint32_t count = 0;

	while (segment_find(segment, SEGMENT_SECTION_VIDEO, count, NULL))
		count++;
	return count;
}

uint64_t segment_bytes(const struct segment *segment)
{
	return segment->layout.bytes;
}

const void *segment_base(const struct segment *segment)
{
	return segment->base;
}

bool segment_same_clock(const struct segment *segment)
{
	return segment->same_clock;
}

bool segment_is_current(const struct segment *segment)
{
	return atomic_load_explicit(&segment_header(segment)->epoch, memory_order_acquire) ==
	       segment->epoch;
}

uint32_t segment_epoch(const struct segment *segment)
{
	return segment->epoch;
}

enum segment_state segment_state(const struct segment *segment)
{
	uint32_t state = atomic_load(&segment_header(segment)->state);

	return state <= SEGMENT_SHUT_DOWN ? (enum segment_state)state : (enum segment_state)0;
}

uint64_t segment_heartbeat(const struct segment *segment)
{
	return atomic_load(&segment_header(segment)->heartbeat);
}

void segment_set_state(struct segment *segment, enum segment_state state)
{
	atomic_store(&segment->state, state);
	atomic_store(&segment_header(segment)->state, state);
}

/* Also writes the header again: a client that scribbled over it keeps the next one from attaching
 * for a second, not for ever. */
void segment_beat(struct segment *segment)
{
	struct segment_header *header = segment_header(segment);

	segment_layout_write(&segment->layout, header);
	atomic_store(&header->epoch, segment->epoch);
	atomic_store(&header->state, atomic_load(&segment->state));
	atomic_fetch_add(&header->heartbeat, 1);
}

void *segment_find(const struct segment *segment, enum segment_section_type type, uint32_t index,
		   uint64_t *bytes)
{
	for (uint32_t i = 0; i < segment->layout.section_count; i++) {
		const struct segment_section *section = &segment->layout.sections[i];

		if (section->type != type || section->index != index)
			continue;
		if (bytes)
			*bytes = section->bytes;
		return segment->base + section->offset;
	}
	return NULL;
}
