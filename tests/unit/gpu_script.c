/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gpu_script.h"

#include "gpu_rig.h"

#include <base/bytes.h>
#include <string.h>

#define SCRIPT_MAX_BYTES 256u
#define SCRIPT_PAGES 64u

static const struct {
	uint32_t type;
	uint16_t bytes;
} script_commands[] = {
	{ VIRTIO_GPU_CMD_GET_DISPLAY_INFO, sizeof(struct virtio_gpu_ctrl_hdr) },
	{ VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, sizeof(struct virtio_gpu_resource_create_2d) },
	{ VIRTIO_GPU_CMD_RESOURCE_UNREF, sizeof(struct virtio_gpu_resource_unref) },
	{ VIRTIO_GPU_CMD_SET_SCANOUT, sizeof(struct virtio_gpu_set_scanout) },
	{ VIRTIO_GPU_CMD_RESOURCE_FLUSH, sizeof(struct virtio_gpu_resource_flush) },
	{ VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, sizeof(struct virtio_gpu_transfer_to_host_2d) },
	{ VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
	  sizeof(struct virtio_gpu_resource_attach_backing) },
	{ VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
	  sizeof(struct virtio_gpu_resource_detach_backing) },
	{ VIRTIO_GPU_CMD_GET_CAPSET_INFO, sizeof(struct virtio_gpu_get_capset_info) },
	{ VIRTIO_GPU_CMD_GET_CAPSET, sizeof(struct virtio_gpu_get_capset) },
	{ VIRTIO_GPU_CMD_GET_EDID, sizeof(struct virtio_gpu_cmd_get_edid) },
	{ VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, sizeof(struct virtio_gpu_resource_create_blob) },
	{ VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, sizeof(struct virtio_gpu_set_scanout_blob) },
	{ VIRTIO_GPU_CMD_UPDATE_CURSOR, sizeof(struct virtio_gpu_update_cursor) },
	{ VIRTIO_GPU_CMD_MOVE_CURSOR, sizeof(struct virtio_gpu_update_cursor) },
};

#define SCRIPT_COMMANDS (sizeof(script_commands) / sizeof(script_commands[0]))

struct script {
	struct gpu_rig *rig;
	struct byte_reader reader;
	uint64_t pages_gpa;
	unsigned int commands, control_added, control_used;
};

static uint8_t script_byte(struct script *script)
{
	uint8_t byte;

	byte_reader_get(&script->reader, &byte, 1);
	return byte;
}

/* Small numbers most of the time: they are ids, scanouts, coordinates. */
static uint32_t script_word(struct script *script)
{
	static const uint32_t large[] = {
		64, 128, 255, 256, 4096, 16384, 16385, 65536, 1u << 28, 1u << 30, 1u << 31,
		UINT32_MAX - 3, UINT32_MAX - 1, UINT32_MAX,
	};
	uint8_t byte = script_byte(script);

	if (byte < 0xb0)
		return byte & 3;
	return byte < 0xd0 ? byte & 31 : large[byte % (sizeof(large) / sizeof(large[0]))];
}

static void script_make_entries(struct script *script, uint8_t *to, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct virtio_gpu_mem_entry entry = { 0 };
		uint8_t byte = script_byte(script);

		entry.addr = script->pages_gpa + (byte % SCRIPT_PAGES) * 4096u + byte % 5;
		entry.length = byte < 0xf0 ? 4096u * (1 + byte % 7) : script_word(script);
		if (byte == 0xff)
			entry.addr = FAKE_MEMORY_HOLE - 100;
		memcpy(to + i * sizeof(entry), &entry, sizeof(entry));
	}
}

union script_body {
	struct virtio_gpu_resource_create_2d create_2d;
	struct virtio_gpu_resource_create_blob create_blob;
	struct virtio_gpu_set_scanout set_scanout;
	struct virtio_gpu_set_scanout_blob set_scanout_blob;
	struct virtio_gpu_resource_flush flush;
	struct virtio_gpu_transfer_to_host_2d transfer;
	struct virtio_gpu_update_cursor cursor;
	struct virtio_gpu_resource_unref unref;
};

/* A command that has a chance, so that pictures do get shown: ids 1 and 2 are pictures of 20 x 12
 * or 64 x 64, 3 and 4 are blobs. */
static void script_make_sense(uint8_t *bytes, uint32_t type, uint8_t byte)
{
	const struct virtio_gpu_rect shown = { byte & 3, byte >> 2 & 1, 16, 10 };
	const uint32_t picture = 1 + (byte >> 3 & 1), blob = 3 + (byte >> 3 & 1);
	union script_body body;

	memcpy(&body, bytes, sizeof(body));
	switch (type) {
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_2D:
		body.create_2d.resource_id = picture;
		body.create_2d.format = VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM;
		body.create_2d.width = picture == 1 ? 64 : 20;
		body.create_2d.height = picture == 1 ? 64 : 12;
		break;
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB:
		body.create_blob.resource_id = blob;
		body.create_blob.blob_mem = VIRTIO_GPU_BLOB_MEM_GUEST;
		body.create_blob.blob_flags = byte & 7;
		body.create_blob.size = 4096;
		break;
	case VIRTIO_GPU_CMD_SET_SCANOUT:
		body.set_scanout.r = shown;
		body.set_scanout.scanout_id = byte >> 4 & 1;
		body.set_scanout.resource_id = picture;
		break;
	case VIRTIO_GPU_CMD_SET_SCANOUT_BLOB:
		body.set_scanout_blob.r = shown;
		body.set_scanout_blob.scanout_id = byte >> 4 & 1;
		body.set_scanout_blob.resource_id = blob;
		body.set_scanout_blob.width = 20;
		body.set_scanout_blob.height = 12;
		body.set_scanout_blob.format = VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM;
		body.set_scanout_blob.strides[0] = 80 + (byte & 0x30);
		body.set_scanout_blob.offsets[0] = byte & 0x40;
		break;
	case VIRTIO_GPU_CMD_RESOURCE_FLUSH:
		body.flush.r = shown;
		body.flush.resource_id = byte & 0x20 ? picture : blob;
		break;
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
		body.transfer.r = shown;
		body.transfer.offset = byte & 0x40;
		body.transfer.resource_id = picture;
		break;
	case VIRTIO_GPU_CMD_UPDATE_CURSOR:
		body.cursor.resource_id = byte & 0x20 ? 1 : 3;
		body.cursor.pos.scanout_id = byte >> 4 & 1;
		body.cursor.hot_x = body.cursor.hot_y = byte & 7;
		break;
	case VIRTIO_GPU_CMD_RESOURCE_UNREF:     /* rarely one that is there */
		body.unref.resource_id = byte < 32 ? byte & 7 : 100;
		break;
	}
	memcpy(bytes, &body, sizeof(body));
}

/* Returns the command's size. */
static uint32_t script_make_command(struct script *script, uint8_t *bytes)
{
	uint8_t which = script_byte(script), flags = script_byte(script), sense;
	uint32_t size = script_commands[which % SCRIPT_COMMANDS].bytes;
	struct virtio_gpu_ctrl_hdr header = {
		.type = script_commands[which % SCRIPT_COMMANDS].type,
		.flags = flags & VIRTIO_GPU_FLAG_FENCE,
		.fence_id = script->commands,
	};

	if (which >= 0xf8) {
		for (size = 0; size < which % 8 * 16u; size++)
			bytes[size] = script_byte(script);
		return size + 1;
	}
	memcpy(bytes, &header, sizeof(header));
	for (uint32_t at = sizeof(header); at < size; at += 4)
		le32_store(bytes + at, script_word(script));
	sense = script_byte(script);
	if (sense < 0xc0)
		script_make_sense(bytes, header.type, sense);
	if (header.type == VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING ||
	    header.type == VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB) {
		script_make_entries(script, bytes + size, flags >> 4 & 3);
		size += (flags >> 4 & 3) * (uint32_t)sizeof(struct virtio_gpu_mem_entry);
	}
	/* Now and then cut short. */
	return (flags & 0x0e) == 0x0e ? 1 + size / 2 : size;
}

/* All readers let go: every chain must come back. */
static void script_settle(struct script *script)
{
	struct fake_used used;

	script->rig->recorder.hold = false;
	display_recorder_release(&script->rig->recorder);
	fake_guest_run(script->rig->guest);
	while (fake_queue_get_used(script->rig->control, &used))
		script->control_used++;
	while (fake_queue_get_used(script->rig->cursor, &used))
		;
	if (script->control_used != script->control_added)
		fake_fail("%u of %u commands came back", script->control_used,
			  script->control_added);
	if (fake_guest_needs_resets(script->rig->guest))
		fake_fail("the device gave up");
}

static void script_submit(struct script *script)
{
	struct fake_memory *memory = fake_guest_memory(script->rig->guest);
	uint8_t bytes[SCRIPT_MAX_BYTES] = { 0 };
	uint32_t size = script_make_command(script, bytes);
	uint8_t how = script_byte(script);
	bool cursor = (le32_load(bytes) >= VIRTIO_GPU_CMD_UPDATE_CURSOR) ^ (how % 16 == 15);
	struct fake_queue *queue = cursor ? script->rig->cursor : script->rig->control;
	struct fake_buffer buffers[3] = {
		{ .gpa = fake_memory_copy_in(memory, bytes, size), .bytes = size },
		{ .bytes = how < 0xf0 ? 1056 : how & 15, .writable = true },
	};
	size_t count = buffers[1].bytes ? 2 : 1;

	if (count == 2)
		buffers[1].gpa = fake_memory_alloc(memory, buffers[1].bytes, 8);
	if (fake_queue_add(queue, buffers, count) < 0) {
		script_settle(script);
		if (fake_queue_add(queue, buffers, count) < 0)
			fake_fail("an empty queue is full");
	}
	script->control_added += queue == script->rig->control;
	script->commands++;
	fake_queue_kick(queue);
	fake_guest_run(script->rig->guest);
}

static void script_step(struct script *script)
{
	uint8_t what = script_byte(script);

	if ((what & 0x0e) == 0x0e || script->rig->recorder.held_count == RECORDER_MAX_HELD)
		script_settle(script);
	script->rig->recorder.hold = what & 1;
	if (what == 0xf1) {
		uint16_t size = script_byte(script);

		display_set_monitor(script->rig->display, what & 1, size * 13u, size * 7u);
	}
	if (what == 0xf0) {     /* in the middle of everything */
		fake_guest_stop(script->rig->guest);
		gpu_rig_start(script->rig, FAKE_ALL_FEATURES);
		script->control_added = script->control_used = 0;
	}
	script_submit(script);
}

unsigned int gpu_script_run(struct gpu_rig *rig, const uint8_t *bytes, size_t size)
{
	struct script script = { .rig = rig, .reader = byte_reader_init(bytes, size) };

	script.pages_gpa = fake_memory_alloc(fake_guest_memory(rig->guest),
					     (SCRIPT_PAGES + 8) * 4096, 4096);
	while (!script.reader.failed && script.reader.left > 0)
		script_step(&script);
	script_settle(&script);
	return script.commands;
}
