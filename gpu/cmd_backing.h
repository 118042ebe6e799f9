/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GPU_CMD_BACKING_H
#define GPU_CMD_BACKING_H

#include <stdint.h>

struct gpu;
struct gpu_request;
struct gpu_resource;

/* Reads entries from the request's chain and attaches them. 0, or the error to answer. */
uint32_t gpu_backing_attach_from_chain(struct gpu *gpu, struct gpu_request *request,
				       struct gpu_resource *resource, uint32_t entries);

#endif
