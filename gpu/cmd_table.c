/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command.h"

#define COMMAND(command_type, on_queue, wire_struct, needs_feature, function)                      \
	{                                                                                          \
		.type = VIRTIO_GPU_CMD_##command_type, .name = #command_type,                      \
		.queue = GPU_QUEUE_##on_queue, .bytes = sizeof(struct wire_struct),                \
		.feature = needs_feature, .run = function,                                         \
	}

static const struct gpu_command gpu_commands[] = {
	COMMAND(GET_DISPLAY_INFO, CONTROL, virtio_gpu_ctrl_hdr, GPU_NO_FEATURE,
		gpu_cmd_get_display_info),
	COMMAND(RESOURCE_CREATE_2D, CONTROL, virtio_gpu_resource_create_2d, GPU_NO_FEATURE,
		gpu_cmd_resource_create_2d),
	COMMAND(RESOURCE_UNREF, CONTROL, virtio_gpu_resource_unref, GPU_NO_FEATURE,
		gpu_cmd_resource_unref),
	COMMAND(SET_SCANOUT, CONTROL, virtio_gpu_set_scanout, GPU_NO_FEATURE,
		gpu_cmd_set_scanout),
	COMMAND(RESOURCE_FLUSH, CONTROL, virtio_gpu_resource_flush, GPU_NO_FEATURE,
		gpu_cmd_resource_flush),
	COMMAND(TRANSFER_TO_HOST_2D, CONTROL, virtio_gpu_transfer_to_host_2d, GPU_NO_FEATURE,
		gpu_cmd_transfer_to_host_2d),
	COMMAND(RESOURCE_ATTACH_BACKING, CONTROL, virtio_gpu_resource_attach_backing,
		GPU_NO_FEATURE, gpu_cmd_resource_attach_backing),
	COMMAND(RESOURCE_DETACH_BACKING, CONTROL, virtio_gpu_resource_detach_backing,
		GPU_NO_FEATURE, gpu_cmd_resource_detach_backing),
	COMMAND(GET_CAPSET_INFO, CONTROL, virtio_gpu_get_capset_info, GPU_NO_FEATURE,
		gpu_cmd_get_capset_info),
	COMMAND(GET_CAPSET, CONTROL, virtio_gpu_get_capset, GPU_NO_FEATURE, gpu_cmd_get_capset),
	COMMAND(GET_EDID, CONTROL, virtio_gpu_cmd_get_edid, VIRTIO_GPU_F_EDID, gpu_cmd_get_edid),
	COMMAND(RESOURCE_CREATE_BLOB, CONTROL, virtio_gpu_resource_create_blob,
		VIRTIO_GPU_F_RESOURCE_BLOB, gpu_cmd_resource_create_blob),
	COMMAND(SET_SCANOUT_BLOB, CONTROL, virtio_gpu_set_scanout_blob,
		VIRTIO_GPU_F_RESOURCE_BLOB, gpu_cmd_set_scanout_blob),
	COMMAND(UPDATE_CURSOR, CURSOR, virtio_gpu_update_cursor, GPU_NO_FEATURE,
		gpu_cmd_update_cursor),
	COMMAND(MOVE_CURSOR, CURSOR, virtio_gpu_update_cursor, GPU_NO_FEATURE,
		gpu_cmd_move_cursor),
};

const struct gpu_command *gpu_command_find(enum gpu_queue queue, uint32_t type)
{
	for (size_t i = 0; i < sizeof(gpu_commands) / sizeof(gpu_commands[0]); i++)
		if (gpu_commands[i].type == type && gpu_commands[i].queue == queue)
			return &gpu_commands[i];
	return NULL;
}
