/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's resources: a table by id with limits on their number and on host memory.
 * Everything here belongs to the gpu loop.
 */
#ifndef GPU_RESOURCE_H
#define GPU_RESOURCE_H

#include <stdint.h>

#define GPU_RESOURCE_BUCKETS 1024

struct display_buffer;
struct gpu_backing;
struct gpu_renderer;

enum gpu_resource_kind {
	GPU_RESOURCE_2D,        /* pixels live with the renderer; the guest transfers into them */
	GPU_RESOURCE_BLOB,      /* pixels are the guest's own pages */
};

struct gpu_resource {
	struct gpu_resource *next;      /* in its bucket */
	struct gpu_resources *table;
	uint32_t id;
	enum gpu_resource_kind kind;
	unsigned int references;        /* the table's and one for each frame on its way */
	unsigned int readers;           /* frames of it that consumers still read */
	uint32_t width, height, fourcc; /* 2D */
	uint64_t blob_bytes;            /* blob */
	uint64_t charged_bytes;
	struct gpu_backing *backing;    /* NULL: none attached */
	struct display_buffer *pixels;  /* 2D: what the renderer keeps */
};

struct gpu_resources {
	struct gpu_resource *buckets[GPU_RESOURCE_BUCKETS];
	struct gpu_renderer *renderer;
	uint32_t count, max_count;
	uint64_t bytes, max_bytes;      /* host memory charged to the guest */
};

void gpu_resources_init(struct gpu_resources *table, struct gpu_renderer *renderer,
			uint32_t max_count, uint64_t max_bytes);
/* Takes every resource out of the table. */
void gpu_resources_clear(struct gpu_resources *table);
struct gpu_resource *gpu_resources_find(struct gpu_resources *table, uint32_t id);

/* An empty resource outside the table. NULL with errno ENOMEM, also when the limit is reached. */
struct gpu_resource *gpu_resource_create(struct gpu_resources *table, uint32_t id,
					 enum gpu_resource_kind kind);
struct gpu_resource *gpu_resource_ref(struct gpu_resource *resource);
void gpu_resource_unref(struct gpu_resource *resource);
/* Makes it found by its id; the table takes over the caller's reference. */
void gpu_resource_insert(struct gpu_resource *resource);
/* No longer found; drops the table's reference. */
void gpu_resource_remove(struct gpu_resource *resource);

/* Host memory for the resource: 0, or -ENOMEM when the guest has no more left. */
int gpu_resource_charge(struct gpu_resource *resource, uint64_t bytes);
void gpu_resource_uncharge(struct gpu_resource *resource, uint64_t bytes);
/* Takes over the caller's reference of the backing when it succeeds. 0 or -ENOMEM. */
int gpu_resource_attach_backing(struct gpu_resource *resource, struct gpu_backing *backing);
void gpu_resource_detach_backing(struct gpu_resource *resource);

#endif
