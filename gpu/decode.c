/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a chain's bytes to a checked copy of the command, and back to a response. */
#include "command.h"

#include <base/clock.h>
#include <base/log.h>
#include <string.h>
#include <virtio/chain.h>

uint32_t gpu_refuse(struct gpu_request *request, uint32_t type, const char *reason)
{
	request->refusal = reason;
	return type;
}

bool gpu_request_fenced(const struct gpu_request *request)
{
	return le32_load(&request->body.header.flags) & VIRTIO_GPU_FLAG_FENCE;
}

static bool decode_feature_on(const struct gpu_command *command, uint64_t features)
{
	return command->feature == GPU_NO_FEATURE || features >> command->feature & 1;
}

uint32_t gpu_decode(struct gpu_request *request, enum gpu_queue queue, uint64_t features,
		    struct chain *chain)
{
	const size_t header_bytes = sizeof(request->body.header);
	const struct gpu_command *command;
	size_t rest;

	memset(request, 0, sizeof(*request));
	request->chain = chain;
	request->response_bytes = header_bytes;
	request->received_ns = clock_now_ns();
	if (chain_read(chain, &request->body, header_bytes) != header_bytes)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_UNSPEC, "shorter than a header");

	command = gpu_command_find(queue, le32_load(&request->body.header.type));
	if (!command || !decode_feature_on(command, features))
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_UNSPEC, "no such command");
	rest = command->bytes - header_bytes;
	if (chain_read(chain, (uint8_t *)&request->body + header_bytes, rest) != rest)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_UNSPEC, "too short");
	request->command = command;
	return 0;
}

static const char *decode_error_name(uint32_t type)
{
	switch (type) {
	case VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY:
		return "out of memory";
	case VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID:
		return "invalid scanout";
	case VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID:
		return "invalid resource";
	case VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER:
		return "invalid parameter";
	default:
		return "refused";
	}
}

void gpu_respond(struct gpu_request *request, uint32_t type)
{
	struct virtio_gpu_ctrl_hdr *header = &request->response.header;
	bool failed = type >= VIRTIO_GPU_RESP_ERR_UNSPEC;

	if (failed) {
		log_guest_bug("command %s (0x%x): %s: %s",
			      request->command ? request->command->name : "?",
			      le32_load(&request->body.header.type), decode_error_name(type),
			      request->refusal ? request->refusal : "no reason noted");
		request->response_bytes = sizeof(*header);
	}
	le32_store(&header->type, type);
	if (gpu_request_fenced(request)) {
		le32_store(&header->flags, VIRTIO_GPU_FLAG_FENCE);
		header->fence_id = request->body.header.fence_id;
		header->ctx_id = request->body.header.ctx_id;
	}
	/* The cursor queue's driver usually leaves no room for an answer: that is allowed. */
	if (chain_writable(request->chain) == 0 && request->command &&
	    request->command->queue == GPU_QUEUE_CURSOR)
		return;
	if (chain_write(request->chain, &request->response, request->response_bytes) !=
	    request->response_bytes)
		log_guest_bug("command 0x%x has no room for its response of %zu bytes",
			      le32_load(&request->body.header.type), request->response_bytes);
}
