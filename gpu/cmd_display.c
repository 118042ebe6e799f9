/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest may ask about its monitors and about 3D. */
#include "command.h"
#include "device.h"
#include "edid.h"

uint32_t gpu_cmd_get_display_info(struct gpu *gpu, struct gpu_request *request)
{
	struct virtio_gpu_resp_display_info *response = &request->response.display_info;
	uint32_t x = 0;

	for (uint32_t i = 0; i < gpu->config.scanout_count; i++) {
		const struct gpu_scanout *scanout = &gpu->scanouts[i];
		struct virtio_gpu_display_one *mode = &response->pmodes[i];

		/* Side by side, as far as the guest has no opinion of its own. */
		le32_store(&mode->r.x, x);
		le32_store(&mode->r.width, scanout->monitor_width);
		le32_store(&mode->r.height, scanout->monitor_height);
		le32_store(&mode->enabled, scanout->monitor_width > 0);
		x += scanout->monitor_width;
	}
	request->response_bytes = sizeof(*response);
	return VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
}

uint32_t gpu_cmd_get_edid(struct gpu *gpu, struct gpu_request *request)
{
	struct virtio_gpu_resp_edid *response = &request->response.edid;
	uint32_t index = le32_load(&request->body.get_edid.scanout);
	size_t bytes;

	if (index >= gpu->config.scanout_count)
		return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID,
				  "no such scanout");
	bytes = gpu_edid_build(index, gpu->scanouts[index].monitor_width,
			       gpu->scanouts[index].monitor_height, response->edid);
	le32_store(&response->size, (uint32_t)bytes);
	request->response_bytes = sizeof(*response);
	return VIRTIO_GPU_RESP_OK_EDID;
}

/* The config space says num_capsets = 0: there is none to ask about. */
uint32_t gpu_cmd_get_capset_info(struct gpu *gpu, struct gpu_request *request)
{
	return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "no capset there");
}

uint32_t gpu_cmd_get_capset(struct gpu *gpu, struct gpu_request *request)
{
	return gpu_refuse(request, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, "no such capset");
}
