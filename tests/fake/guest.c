/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/clock.h>
#include <base/loop.h>
#include <fake/guest.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A wait looks again this often for what another thread did, beside the device's loop. */
#define FAKE_GUEST_SLICE_MS 20

struct fake_guest {
	struct virtio_transport transport;
	struct virtio_device *device;
	enum fake_loop mode;
	struct fake_memory *memory;
	struct fake_queue *queues;
	uint64_t features;               /* as negotiated by the last start */
	_Atomic unsigned int config_changes, needs_resets;
};

static struct fake_guest *fake_guest_from(struct virtio_transport *transport)
{
	return (struct fake_guest *)((char *)transport - offsetof(struct fake_guest, transport));
}

static void fake_guest_signal_config(struct virtio_transport *transport)
{
	atomic_fetch_add(&fake_guest_from(transport)->config_changes, 1);
}

static void fake_guest_signal_needs_reset(struct virtio_transport *transport)
{
	atomic_fetch_add(&fake_guest_from(transport)->needs_resets, 1);
}

static const struct virtio_transport_ops fake_guest_transport_ops = {
	.signal_config = fake_guest_signal_config,
	.signal_needs_reset = fake_guest_signal_needs_reset,
};

struct fake_guest *fake_guest_create(struct virtio_device *device, enum fake_loop mode)
{
	struct fake_guest *guest = calloc(1, sizeof(*guest));

	if (!guest || !device)
		fake_fail("no memory or no device");
	guest->transport.ops = &fake_guest_transport_ops;
	guest->device = device;
	guest->mode = mode;
	guest->memory = fake_memory_create();
	guest->queues = calloc(device->queue_count, sizeof(*guest->queues));
	if (!guest->queues)
		fake_fail("no memory");
	for (uint16_t i = 0; i < device->queue_count; i++)
		fake_queue_init(&guest->queues[i], guest, i, device->queue_sizes[i]);
	virtio_device_attach(device, &guest->transport);
	return guest;
}

/* --- the device's ops, carried to its loop ----------------------------------------------- */

struct fake_guest_job {
	struct fake_guest *guest;
	uint64_t features;
	uint16_t index;
	size_t offset, bytes;
	void *to;
	const void *from;
	int result;
};

void fake_guest_call(struct fake_guest *guest, void (*func)(void *data), void *data)
{
	int result = loop_call(guest->device->loop, func, data);

	if (result < 0)
		fake_fail("loop_call: %d", result);
}

static void fake_guest_do_features(void *data)
{
	struct fake_guest_job *job = data;
	struct virtio_device *device = job->guest->device;

	job->features = device->ops->features(device);
}

static void fake_guest_do_set_features(void *data)
{
	struct fake_guest_job *job = data;
	struct virtio_device *device = job->guest->device;

	job->result = device->ops->set_features(device, job->features);
}

static void fake_guest_do_start_queue(void *data)
{
	struct fake_guest_job *job = data;
	struct virtio_device *device = job->guest->device;
	struct fake_queue *queue = &job->guest->queues[job->index];
	struct virtqueue_setup setup = {
		.size = queue->size,
		.desc_gpa = queue->desc_gpa,
		.driver_gpa = queue->driver_gpa,
		.device_gpa = queue->device_gpa,
		.features = queue->features,
		.mem = fake_memory_map(job->guest->memory),
		.kick_fd = queue->kick_fd,
		.call_fd = queue->call_fd,
	};

	job->result = device->ops->start_queue(device, job->index, &setup);
}

static void fake_guest_do_stop_queue(void *data)
{
	struct fake_guest_job *job = data;

	job->guest->device->ops->stop_queue(job->guest->device, job->index);
}

static void fake_guest_do_reset(void *data)
{
	struct fake_guest *guest = data;

	guest->device->ops->reset(guest->device);
}

static void fake_guest_do_destroy(void *data)
{
	struct fake_guest *guest = data;

	guest->device->ops->destroy(guest->device);
}

static void fake_guest_do_read_config(void *data)
{
	struct fake_guest_job *job = data;
	struct virtio_device *device = job->guest->device;

	device->ops->read_config(device, job->offset, job->to, job->bytes);
}

static void fake_guest_do_write_config(void *data)
{
	struct fake_guest_job *job = data;
	struct virtio_device *device = job->guest->device;

	device->ops->write_config(device, job->offset, job->from, job->bytes);
}

/* --- life -------------------------------------------------------------------------------- */

uint64_t fake_guest_features(struct fake_guest *guest)
{
	struct fake_guest_job job = { .guest = guest };

	fake_guest_call(guest, fake_guest_do_features, &job);
	return job.features;
}

void fake_guest_set_queue_size(struct fake_guest *guest, uint16_t index, uint16_t size)
{
	struct fake_queue *queue = fake_guest_queue(guest, index);

	fake_queue_finish(queue);
	fake_queue_init(queue, guest, index, size);
}

int fake_guest_start_queue(struct fake_guest *guest, uint16_t index)
{
	struct fake_guest_job job = { .guest = guest, .index = index };
	struct fake_queue *queue = fake_guest_queue(guest, index);

	if (queue->started)
		fake_fail("queue %u is started already", index);
	fake_queue_reset(queue, guest->features);
	fake_guest_call(guest, fake_guest_do_start_queue, &job);
	queue->started = job.result == 0;
	return job.result;
}

int fake_guest_start(struct fake_guest *guest, uint64_t features)
{
	struct fake_guest_job job = { .guest = guest };

	guest->features = (fake_guest_features(guest) & features) | 1ull << VIRTIO_F_VERSION_1;
	job.features = guest->features;
	fake_guest_call(guest, fake_guest_do_set_features, &job);
	for (uint16_t i = 0; i < guest->device->queue_count && job.result == 0; i++)
		job.result = fake_guest_start_queue(guest, i);
	return job.result;
}

void fake_guest_stop_queue(struct fake_guest *guest, uint16_t index)
{
	struct fake_guest_job job = { .guest = guest, .index = index };
	struct fake_queue *queue = fake_guest_queue(guest, index);

	if (queue->started)
		fake_guest_call(guest, fake_guest_do_stop_queue, &job);
	queue->started = false;
}

void fake_guest_stop(struct fake_guest *guest)
{
	for (uint16_t i = 0; i < guest->device->queue_count; i++)
		fake_guest_stop_queue(guest, i);
	fake_guest_call(guest, fake_guest_do_reset, guest);
}

void fake_guest_destroy(struct fake_guest *guest)
{
	uint16_t count = guest->device->queue_count;
	struct loop *loop = guest->device->loop;

	fake_guest_stop(guest);
	if (loop_call(loop, fake_guest_do_destroy, guest) < 0)
		fake_fail("cannot destroy the device");
	for (uint16_t i = 0; i < count; i++)
		fake_queue_finish(&guest->queues[i]);
	free(guest->queues);
	fake_memory_destroy(guest->memory);
	free(guest);
}

/* --- parts ------------------------------------------------------------------------------- */

struct fake_queue *fake_guest_queue(struct fake_guest *guest, uint16_t index)
{
	if (index >= guest->device->queue_count)
		fake_fail("%s has no queue %u", guest->device->name, index);
	return &guest->queues[index];
}

struct fake_memory *fake_guest_memory(struct fake_guest *guest)
{
	return guest->memory;
}

struct virtio_device *fake_guest_device(struct fake_guest *guest)
{
	return guest->device;
}

static void fake_guest_check_config(struct fake_guest *guest, size_t offset, size_t bytes)
{
	size_t config_bytes = guest->device->config_bytes;

	if (offset > config_bytes || bytes > config_bytes - offset)
		fake_fail("config access at %zu of %zu bytes", offset, bytes);
}

void fake_guest_read_config(struct fake_guest *guest, size_t offset, void *to, size_t bytes)
{
	struct fake_guest_job job = { .guest = guest, .offset = offset, .to = to, .bytes = bytes };

	fake_guest_check_config(guest, offset, bytes);
	fake_guest_call(guest, fake_guest_do_read_config, &job);
}

void fake_guest_write_config(struct fake_guest *guest, size_t offset, const void *from,
			     size_t bytes)
{
	struct fake_guest_job job = {
		.guest = guest, .offset = offset, .from = from, .bytes = bytes,
	};

	fake_guest_check_config(guest, offset, bytes);
	if (guest->device->ops->write_config)
		fake_guest_call(guest, fake_guest_do_write_config, &job);
}

unsigned int fake_guest_config_changes(struct fake_guest *guest)
{
	return atomic_load(&guest->config_changes);
}

unsigned int fake_guest_needs_resets(struct fake_guest *guest)
{
	return atomic_load(&guest->needs_resets);
}

/* --- time -------------------------------------------------------------------------------- */

void fake_guest_run(struct fake_guest *guest)
{
	if (guest->mode != FAKE_LOOP_DISPATCHED)
		fake_fail("fake_guest_run: the loop has a thread");
	while (loop_dispatch(guest->device->loop, 0) > 0)
		;
}

bool fake_guest_wait_fd(struct fake_guest *guest, int fd, int timeout_ms)
{
	bool dispatch = guest->mode == FAKE_LOOP_DISPATCHED;
	uint64_t end_ns = clock_now_ns() + (uint64_t)timeout_ms * 1000000u;
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	for (;;) {
		uint64_t now_ns = clock_now_ns();
		int left_ms = now_ns < end_ns ? (int)((end_ns - now_ns) / 1000000u) + 1 : 0;

		if (poll(&poll_fd, 1, dispatch ? 0 : left_ms) == 1)
			return true;
		if (!left_ms)
			return false;
		if (dispatch)
			loop_dispatch(guest->device->loop, left_ms < FAKE_GUEST_SLICE_MS
							   ? left_ms : FAKE_GUEST_SLICE_MS);
	}
}
