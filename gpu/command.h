/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One command from the guest, from its bytes to its answer. The bytes are copied in before anything
 * looks at them. On the gpu loop.
 */
#ifndef GPU_COMMAND_H
#define GPU_COMMAND_H

#include <base/bytes.h>
#include <base/rect.h>
#include <linux/virtio_gpu.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chain;
struct gpu;
struct gpu_flight;
struct gpu_request;

enum gpu_queue {
	GPU_QUEUE_CONTROL = 0,
	GPU_QUEUE_CURSOR = 1,
	GPU_QUEUE_COUNT,
};

/* What a command's run returns instead of a response type: a reader still looks at the pixels it
 * would change; nothing has been done yet, run it again when the reader is through. */
#define GPU_MUST_WAIT 0u

#define GPU_NO_FEATURE (-1)

/* Commands of one queue run at a time: a guest that never stops must not keep the loop. */
#define GPU_BATCH_COMMANDS 64u

struct gpu_command {
	uint32_t type;          /* VIRTIO_GPU_CMD_* */
	const char *name;
	enum gpu_queue queue;
	uint16_t bytes;         /* the least it must have; all of them are copied in */
	int feature;            /* bit number that must be negotiated, or GPU_NO_FEATURE */
	/* VIRTIO_GPU_RESP_*, or GPU_MUST_WAIT. */
	uint32_t (*run)(struct gpu *gpu, struct gpu_request *request);
};

/* Wire structs, little-endian: fields are read with le32_load and le64_load. */
union gpu_command_body {
	struct virtio_gpu_ctrl_hdr header;
	struct virtio_gpu_resource_create_2d create_2d;
	struct virtio_gpu_resource_unref unref;
	struct virtio_gpu_set_scanout set_scanout;
	struct virtio_gpu_resource_flush flush;
	struct virtio_gpu_transfer_to_host_2d transfer;
	struct virtio_gpu_resource_attach_backing attach_backing;
	struct virtio_gpu_resource_detach_backing detach_backing;
	struct virtio_gpu_get_capset_info get_capset_info;
	struct virtio_gpu_get_capset get_capset;
	struct virtio_gpu_cmd_get_edid get_edid;
	struct virtio_gpu_resource_create_blob create_blob;
	struct virtio_gpu_set_scanout_blob set_scanout_blob;
	struct virtio_gpu_update_cursor cursor;
};

union gpu_response {
	struct virtio_gpu_ctrl_hdr header;
	struct virtio_gpu_resp_display_info display_info;
	struct virtio_gpu_resp_edid edid;
};

struct gpu_request {
	struct chain *chain;            /* read up to the end of body */
	const struct gpu_command *command;      /* NULL: unknown or too short */
	uint64_t received_ns;           /* CLOCK_MONOTONIC when it was read */
	union gpu_command_body body;
	union gpu_response response;    /* zeroed; a command fills in what follows the header */
	size_t response_bytes;          /* the header, unless a command has more */
	const char *refusal;            /* why, for the log */
	struct gpu_flight *flight;      /* NULL unless consumers read what it showed */
};

/* cmd_table.c. NULL when there is no such command on that queue. */
const struct gpu_command *gpu_command_find(enum gpu_queue queue, uint32_t type);

/* decode.c. Copies the command in; on failure the answer to give: request->command is then NULL and
 * request->refusal says why. Returns 0 or a VIRTIO_GPU_RESP_ERR_*. */
uint32_t gpu_decode(struct gpu_request *request, enum gpu_queue queue, uint64_t features,
		    struct chain *chain);
/* Writes the response, as far as the chain has room for it. */
void gpu_respond(struct gpu_request *request, uint32_t type);
/* Notes the reason and returns the type: "return gpu_refuse(request, ..., ...)". */
uint32_t gpu_refuse(struct gpu_request *request, uint32_t type, const char *reason);
bool gpu_request_fenced(const struct gpu_request *request);

static inline struct rect gpu_rect_load(const struct virtio_gpu_rect *wire)
{
	return (struct rect){
		le32_load(&wire->x), le32_load(&wire->y),
		le32_load(&wire->width), le32_load(&wire->height),
	};
}

/* cmd_display.c */
uint32_t gpu_cmd_get_display_info(struct gpu *gpu, struct gpu_request *request);
uint32_t gpu_cmd_get_edid(struct gpu *gpu, struct gpu_request *request);
uint32_t gpu_cmd_get_capset_info(struct gpu *gpu, struct gpu_request *request);
uint32_t gpu_cmd_get_capset(struct gpu *gpu, struct gpu_request *request);
/* cmd_resource.c */
uint32_t gpu_cmd_resource_create_2d(struct gpu *gpu, struct gpu_request *request);
uint32_t gpu_cmd_resource_create_blob(struct gpu *gpu, struct gpu_request *request);
uint32_t gpu_cmd_resource_unref(struct gpu *gpu, struct gpu_request *request);
/* cmd_backing.c */
uint32_t gpu_cmd_resource_attach_backing(struct gpu *gpu, struct gpu_request *request);
uint32_t gpu_cmd_resource_detach_backing(struct gpu *gpu, struct gpu_request *request);
uint32_t gpu_cmd_transfer_to_host_2d(struct gpu *gpu, struct gpu_request *request);
/* cmd_scanout.c */
uint32_t gpu_cmd_set_scanout(struct gpu *gpu, struct gpu_request *request);
uint32_t gpu_cmd_set_scanout_blob(struct gpu *gpu, struct gpu_request *request);
uint32_t gpu_cmd_resource_flush(struct gpu *gpu, struct gpu_request *request);
/* cmd_cursor.c */
uint32_t gpu_cmd_update_cursor(struct gpu *gpu, struct gpu_request *request);
uint32_t gpu_cmd_move_cursor(struct gpu *gpu, struct gpu_request *request);

#endif
