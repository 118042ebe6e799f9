/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest learns about its monitors, and answers to commands that are none. */
#include "gpu_rig.h"

#include <errno.h>
#include <base/loop.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct virtio_gpu_resp_display_info get_display_info(struct gpu_rig *rig)
{
	struct virtio_gpu_ctrl_hdr command = { .type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO };
	struct virtio_gpu_resp_display_info info;

	assert_int_equal(gpu_rig_send(rig, &command, sizeof(command), &info, sizeof(info)),
			 VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	return info;
}

static uint32_t get_edid(struct gpu_rig *rig, uint32_t scanout, struct virtio_gpu_resp_edid *edid)
{
	struct virtio_gpu_cmd_get_edid command = {
		.hdr.type = VIRTIO_GPU_CMD_GET_EDID, .scanout = scanout,
	};

	return gpu_rig_send(rig, &command, sizeof(command), edid, sizeof(*edid));
}

static uint32_t config_field(struct gpu_rig *rig, size_t offset)
{
	uint32_t value;

	fake_guest_read_config(rig->guest, offset, &value, sizeof(value));
	return value;
}

static void test_first_monitors(void **state)
{
	struct gpu_rig *rig = *state;
	struct virtio_gpu_resp_display_info info = get_display_info(rig);

	assert_int_equal(info.pmodes[0].enabled, 1);
	assert_int_equal(info.pmodes[0].r.width, 1280);
	assert_int_equal(info.pmodes[0].r.height, 800);
	for (int i = 1; i < VIRTIO_GPU_MAX_SCANOUTS; i++)
		assert_int_equal(info.pmodes[i].enabled, 0);
	assert_int_equal(config_field(rig, offsetof(struct virtio_gpu_config, num_scanouts)), 2);
	assert_int_equal(config_field(rig, offsetof(struct virtio_gpu_config, num_capsets)), 0);
	assert_int_equal(config_field(rig, offsetof(struct virtio_gpu_config, events_read)), 0);
}

static void test_resize(void **state)
{
	struct gpu_rig *rig = *state;
	const size_t read = offsetof(struct virtio_gpu_config, events_read);
	const size_t clear = offsetof(struct virtio_gpu_config, events_clear);
	struct virtio_gpu_resp_display_info info;
	struct virtio_gpu_resp_edid edid;
	uint32_t event = VIRTIO_GPU_EVENT_DISPLAY;

	display_set_monitor(rig->display, 0, 1600, 900);
	display_set_monitor(rig->display, 1, 1366, 768);
	fake_guest_run(rig->guest);
	assert_int_equal(config_field(rig, read), VIRTIO_GPU_EVENT_DISPLAY);
	assert_true(fake_guest_config_changes(rig->guest) >= 1);
	info = get_display_info(rig);
	assert_int_equal(info.pmodes[0].r.width, 1600);
	assert_int_equal(info.pmodes[1].enabled, 1);
	assert_int_equal(info.pmodes[1].r.x, 1600);
	assert_int_equal(info.pmodes[1].r.height, 768);
	assert_int_equal(get_edid(rig, 1, &edid), VIRTIO_GPU_RESP_OK_EDID);
	assert_int_equal(edid.size, 128);
	assert_int_equal(edid.edid[54 + 2] | edid.edid[54 + 4] >> 4 << 8, 1366);

	fake_guest_write_config(rig->guest, clear, &event, sizeof(event));
	assert_int_equal(config_field(rig, read), 0);
	/* Nothing new: no event. */
	event = fake_guest_config_changes(rig->guest);
	display_set_monitor(rig->display, 0, 1600, 900);
	fake_guest_run(rig->guest);
	assert_int_equal(fake_guest_config_changes(rig->guest), event);

	display_set_monitor(rig->display, 1, 0, 0);
	display_set_monitor(rig->display, 0, 1, 100000);
	display_set_monitor(rig->display, 2, 640, 480);         /* a surface that is no scanout */
	fake_guest_run(rig->guest);
	info = get_display_info(rig);
	assert_int_equal(info.pmodes[1].enabled, 0);
	assert_int_equal(info.pmodes[2].enabled, 0);
	assert_int_equal(info.pmodes[0].r.width, 64);
	assert_int_equal(info.pmodes[0].r.height, 16384);
}

static void test_edid_answers(void **state)
{
	struct gpu_rig *rig = *state;
	struct virtio_gpu_resp_edid first, second;
	uint8_t zero[1024 - 128] = { 0 };

	assert_int_equal(get_edid(rig, 0, &first), VIRTIO_GPU_RESP_OK_EDID);
	assert_int_equal(get_edid(rig, 1, &second), VIRTIO_GPU_RESP_OK_EDID);
	assert_int_equal(get_edid(rig, 2, &first), VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
	assert_int_equal(get_edid(rig, 0, &first), VIRTIO_GPU_RESP_OK_EDID);
	assert_int_equal(first.size, 128);
	assert_memory_equal(first.edid + 128, zero, sizeof(zero));
	assert_memory_not_equal(first.edid + 12, second.edid + 12, 4);
}

static void test_no_capsets(void **state)
{
	struct gpu_rig *rig = *state;
	struct virtio_gpu_get_capset_info info = { .hdr.type = VIRTIO_GPU_CMD_GET_CAPSET_INFO };
	struct virtio_gpu_get_capset capset = {
		.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET, .capset_id = VIRTIO_GPU_CAPSET_VIRGL,
	};

	assert_int_equal(gpu_rig_send(rig, &info, sizeof(info), NULL, 0),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	assert_int_equal(gpu_rig_send(rig, &capset, sizeof(capset), NULL, 0),
			 VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
}

/* Every command, one byte too short; and numbers that are no command. */
static void test_short_and_unknown(void **state)
{
	static const struct {
		uint32_t type;
		size_t bytes;
	} commands[] = {
		{ VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, sizeof(struct virtio_gpu_resource_create_2d) },
		{ VIRTIO_GPU_CMD_RESOURCE_UNREF, sizeof(struct virtio_gpu_resource_unref) },
		{ VIRTIO_GPU_CMD_SET_SCANOUT, sizeof(struct virtio_gpu_set_scanout) },
		{ VIRTIO_GPU_CMD_RESOURCE_FLUSH, sizeof(struct virtio_gpu_resource_flush) },
		{ VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
		  sizeof(struct virtio_gpu_transfer_to_host_2d) },
		{ VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		  sizeof(struct virtio_gpu_resource_attach_backing) },
		{ VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
		  sizeof(struct virtio_gpu_resource_detach_backing) },
		{ VIRTIO_GPU_CMD_GET_CAPSET_INFO, sizeof(struct virtio_gpu_get_capset_info) },
		{ VIRTIO_GPU_CMD_GET_CAPSET, sizeof(struct virtio_gpu_get_capset) },
		{ VIRTIO_GPU_CMD_GET_EDID, sizeof(struct virtio_gpu_cmd_get_edid) },
		{ VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
		  sizeof(struct virtio_gpu_resource_create_blob) },
		{ VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, sizeof(struct virtio_gpu_set_scanout_blob) },
	};
	static const uint32_t unknown[] = {
		0, 1, 0xff, 0x1ff, VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, VIRTIO_GPU_CMD_CTX_CREATE,
		VIRTIO_GPU_CMD_SUBMIT_3D, VIRTIO_GPU_RESP_OK_NODATA, UINT32_MAX,
	};
	struct gpu_rig *rig = *state;
	uint8_t bytes[128];
	struct virtio_gpu_ctrl_hdr header = { 0 };

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		memset(bytes, 0, sizeof(bytes));
		header.type = commands[i].type;
		memcpy(bytes, &header, sizeof(header));
		assert_int_equal(gpu_rig_send(rig, bytes, commands[i].bytes - 1, NULL, 0),
				 VIRTIO_GPU_RESP_ERR_UNSPEC);
		assert_int_equal(gpu_rig_send(rig, bytes, sizeof(header), NULL, 0),
				 VIRTIO_GPU_RESP_ERR_UNSPEC);
	}
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		memset(bytes, 0xff, sizeof(bytes));
		header.type = unknown[i];
		memcpy(bytes, &header, sizeof(header));
		assert_int_equal(gpu_rig_send(rig, bytes, sizeof(bytes), NULL, 0),
				 VIRTIO_GPU_RESP_ERR_UNSPEC);
	}
	assert_int_equal(gpu_rig_send(rig, bytes, sizeof(header) - 1, NULL, 0),
			 VIRTIO_GPU_RESP_ERR_UNSPEC);
	assert_int_equal(gpu_rig_send(rig, bytes, 1, NULL, 0), VIRTIO_GPU_RESP_ERR_UNSPEC);
	get_display_info(rig);
}

/* Too little room for the answer: what fits is written, the chain comes back. */
static void test_no_room(void **state)
{
	struct gpu_rig *rig = *state;
	struct virtio_gpu_ctrl_hdr command = { .type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO };
	uint8_t room[40];

	assert_int_equal(fake_queue_request(rig->control, &command, sizeof(command), room, 40), 40);
	assert_int_equal(fake_queue_request(rig->control, &command, sizeof(command), room, 3), 3);
	assert_int_equal(fake_queue_request(rig->control, &command, sizeof(command), room, 0), 0);
	get_display_info(rig);
}

static void test_bad_config(void **state)
{
	struct loop *loop = loop_create("gpu"), *other = loop_create("other");
	struct display *display = display_create(loop, 2);
	struct gpu_config config;

	gpu_config_init(&config);
	config.scanout_count = 0;
	assert_null(gpu_create(loop, display, &config));
	assert_int_equal(errno, EINVAL);
	config.scanout_count = 3;       /* the display has two surfaces */
	assert_null(gpu_create(loop, display, &config));
	config.scanout_count = 2;
	assert_null(gpu_create(other, display, &config));
	assert_int_equal(errno, EINVAL);
	display_destroy(display);
	loop_destroy(other);
	loop_destroy(loop);
}

#define RIG_TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, gpu_rig_setup, gpu_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_first_monitors),
		RIG_TEST(test_resize),
		RIG_TEST(test_edid_answers),
		RIG_TEST(test_no_capsets),
		RIG_TEST(test_short_and_unknown),
		RIG_TEST(test_no_room),
		cmocka_unit_test(test_bad_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
