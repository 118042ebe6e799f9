/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "resource.h"

#include "backing.h"
#include "renderer.h"

#include <errno.h>
#include <stdlib.h>

void gpu_resources_init(struct gpu_resources *table, struct gpu_renderer *renderer,
			uint32_t max_count, uint64_t max_bytes)
{
	*table = (struct gpu_resources){
		.renderer = renderer,
		.max_count = max_count,
		.max_bytes = max_bytes,
	};
}

void gpu_resources_clear(struct gpu_resources *table)
{
	for (uint32_t i = 0; i < GPU_RESOURCE_BUCKETS; i++)
		while (table->buckets[i])
			gpu_resource_remove(table->buckets[i]);
}

struct gpu_resource *gpu_resources_find(struct gpu_resources *table, uint32_t id)
{
	struct gpu_resource *resource = table->buckets[id % GPU_RESOURCE_BUCKETS];

	while (resource && resource->id != id)
		resource = resource->next;
	return resource;
}

struct gpu_resource *gpu_resource_create(struct gpu_resources *table, uint32_t id,
					 enum gpu_resource_kind kind)
{
	struct gpu_resource *resource;

	if (table->count >= table->max_count) {
		errno = ENOMEM;
		return NULL;
	}
	resource = calloc(1, sizeof(*resource));
	if (!resource)
		return NULL;
	resource->table = table;
	resource->id = id;
	resource->kind = kind;
	resource->references = 1;
	return resource;
}

struct gpu_resource *gpu_resource_ref(struct gpu_resource *resource)
{
	resource->references++;
	return resource;
}

void gpu_resource_unref(struct gpu_resource *resource)
{
	if (--resource->references > 0)
		return;
	if (resource->pixels)
		resource->table->renderer->ops->resource_destroy(resource->table->renderer,
								 resource);
	gpu_resource_detach_backing(resource);
	gpu_resource_uncharge(resource, resource->charged_bytes);
	free(resource);
}

void gpu_resource_insert(struct gpu_resource *resource)
{
	struct gpu_resource **bucket =
		&resource->table->buckets[resource->id % GPU_RESOURCE_BUCKETS];

	resource->next = *bucket;
	*bucket = resource;
	resource->table->count++;
}

void gpu_resource_remove(struct gpu_resource *resource)
{
	struct gpu_resource **link =
		&resource->table->buckets[resource->id % GPU_RESOURCE_BUCKETS];

	while (*link != resource)
		link = &(*link)->next;
	*link = resource->next;
	resource->table->count--;
	gpu_resource_unref(resource);
}

int gpu_resource_charge(struct gpu_resource *resource, uint64_t bytes)
{
	struct gpu_resources *table = resource->table;

	if (bytes > table->max_bytes - table->bytes)
		return -ENOMEM;
	table->bytes += bytes;
	resource->charged_bytes += bytes;
	return 0;
}

void gpu_resource_uncharge(struct gpu_resource *resource, uint64_t bytes)
{
	resource->table->bytes -= bytes;
	resource->charged_bytes -= bytes;
}

int gpu_resource_attach_backing(struct gpu_resource *resource, struct gpu_backing *backing)
{
	int ret = gpu_resource_charge(resource, gpu_backing_host_bytes(backing));

	if (ret < 0)
		return ret;
	resource->backing = backing;
	return 0;
}

void gpu_resource_detach_backing(struct gpu_resource *resource)
{
	if (!resource->backing)
		return;
	gpu_resource_uncharge(resource, gpu_backing_host_bytes(resource->backing));
	gpu_backing_unref(resource->backing);
	resource->backing = NULL;
}
