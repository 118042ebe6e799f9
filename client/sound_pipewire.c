/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PipeWire, by its own library: one connection, one stream each way.
 *
 * PipeWire's thread loop has a lock; whatever is not atomic here is guarded by it. process runs on
 * PipeWire's data thread, which destroying a stream waits for.
 */
#include "sound_format.h"
#include "sound_output.h"

#include <base/log.h>
#include <errno.h>
#include <pipewire/pipewire.h>
#include <pthread.h>
#include <spa/param/audio/format-utils.h>
#include <spa/param/latency-utils.h>
#include <spa/utils/result.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIPEWIRE_NAME_BYTES 128
#define PIPEWIRE_NS UINT64_C(1000000000)

struct pipewire_lane {
	struct sound_output *output;
	struct pw_stream *stream;       /* NULL: not started */
	struct spa_hook listener;
	struct sound_output_stream config;
	_Atomic enum sound_output_state state;
};

struct sound_output {
	struct sound_output_listener listener;
	pthread_t preparing;
	bool prepares;                  /* that thread is to be joined */
	struct pw_thread_loop *loop;
	struct pw_context *context;
	struct pw_core *core;           /* NULL: no server */
	struct spa_hook core_listener;
	_Atomic bool lost;              /* core talks to nobody any more */
	struct pipewire_lane lanes[2];
};

/* --- on PipeWire's threads ----------------------------------------------------------------- */

static uint64_t pipewire_delay_ns(const struct pipewire_lane *lane)
{
	uint64_t rate = lane->config.description.rate, delay_ns = 0;
	struct pw_time time;

	if (pw_stream_get_time_n(lane->stream, &time, sizeof(time)))
		return 0;
	if (time.delay > 0 && time.rate.denom)
		delay_ns = (uint64_t)time.delay * time.rate.num * PIPEWIRE_NS / time.rate.denom;
	return delay_ns + (time.queued + time.buffered) * PIPEWIRE_NS / rate;
}

static void pipewire_play(struct pipewire_lane *lane, struct pw_buffer *buffer)
{
	uint32_t stride = lane->config.description.frame_bytes;
	struct spa_data *data = &buffer->buffer->datas[0];
	uint64_t wanted = buffer->requested ? buffer->requested : lane->config.latency_frames;
	uint64_t room = data->maxsize / stride;
	uint32_t count = (uint32_t)(wanted < room ? wanted : room);

	lane->config.process(lane->config.data, data->data, count, pipewire_delay_ns(lane));
	data->chunk->offset = 0;
	data->chunk->stride = (int32_t)stride;
	data->chunk->size = count * stride;
	buffer->size = count;
}

static void pipewire_hear(struct pipewire_lane *lane, struct pw_buffer *buffer)
{
	struct spa_data *data = &buffer->buffer->datas[0];
	uint32_t offset = data->chunk->offset, bytes = data->chunk->size;

	/* What a chunk says comes from another process. */
	if (offset > data->maxsize || bytes > data->maxsize - offset)
		return;
	lane->config.process(lane->config.data, (uint8_t *)data->data + offset,
			     bytes / lane->config.description.frame_bytes, pipewire_delay_ns(lane));
}

static void pipewire_process(void *data)
{
	struct pipewire_lane *lane = data;
	struct pw_buffer *buffer = pw_stream_dequeue_buffer(lane->stream);

	if (!buffer)
		return;
	if (buffer->buffer->n_datas > 0 && buffer->buffer->datas[0].data) {
		if (lane->config.direction == SOUND_PLAYBACK)
			pipewire_play(lane, buffer);
		else
			pipewire_hear(lane, buffer);
	}
	pw_stream_queue_buffer(lane->stream, buffer);
}

static void pipewire_state_changed(void *data, enum pw_stream_state old,
				   enum pw_stream_state state, const char *error)
{
	struct pipewire_lane *lane = data;

	log_debug("PipeWire: %s is %s%s%s",
		  lane->config.direction == SOUND_PLAYBACK ? "playback" : "microphone",
		  pw_stream_state_as_string(state), error ? ": " : "", error ? error : "");
	/* Unconnected is how a stream ends that the server took away. */
	if (state == PW_STREAM_STATE_ERROR ||
	    (state == PW_STREAM_STATE_UNCONNECTED && old != PW_STREAM_STATE_UNCONNECTED))
		atomic_store(&lane->state, SOUND_OUTPUT_GONE);
	else if (atomic_load(&lane->state) != SOUND_OUTPUT_GONE)
		atomic_store(&lane->state, state == PW_STREAM_STATE_STREAMING ?
			     SOUND_OUTPUT_STREAMING : SOUND_OUTPUT_WAITING);
	lane->output->listener.changed(lane->output->listener.data);
}

static void pipewire_core_error(void *data, uint32_t id, int sequence, int result,
				const char *message)
{
	struct sound_output *output = data;

	log_debug("PipeWire: object %u: %s (%s)", id, message, spa_strerror(result));
	if (id != PW_ID_CORE || result != -EPIPE)
		return;
	atomic_store(&output->lost, true);
	output->listener.changed(output->listener.data);
}

static const struct pw_stream_events pipewire_stream_events = {
	.version = PW_VERSION_STREAM_EVENTS,
	.state_changed = pipewire_state_changed,
	.process = pipewire_process,
};

static const struct pw_core_events pipewire_core_events = {
	.version = PW_VERSION_CORE_EVENTS,
	.error = pipewire_core_error,
};

/* --- on the main thread -------------------------------------------------------------------- */

static struct pw_context *pipewire_make_context(struct pw_loop *loop)
{
	/* The configuration whose data thread asks for real-time priority. */
	struct pw_properties *properties = pw_properties_new(PW_KEY_CONFIG_NAME, "client-rt.conf",
							     NULL);
	struct pw_context *context = pw_context_new(loop, properties, 0);

	return context ? context : pw_context_new(loop, NULL, 0);
}

/* The thread and the context. */
static int pipewire_prepare(struct sound_output *output)
{
	if (output->context)
		return 0;
	pw_init(NULL, NULL);
	output->loop = pw_thread_loop_new("sound", NULL);
	if (!output->loop)
		return -errno;
	output->context = pipewire_make_context(pw_thread_loop_get_loop(output->loop));
	if (!output->context || pw_thread_loop_start(output->loop)) {
		int error = errno ? errno : EIO;

		if (output->context)
			pw_context_destroy(output->context);
		pw_thread_loop_destroy(output->loop);
		output->context = NULL;
		output->loop = NULL;
		return -error;
	}
	return 0;
}

/* Plug-ins are loaded for some 60 ms: not while the guest's first sound waits, and no picture. */
static void *pipewire_prepare_early(void *data)
{
	int result = pipewire_prepare(data);

	if (result)
		log_debug("PipeWire: %s", strerror(-result));
	return NULL;
}

static void pipewire_await_preparation(struct sound_output *output)
{
	if (output->prepares)
		pthread_join(output->preparing, NULL);
	output->prepares = false;
}

static void pipewire_stop_lane(struct pipewire_lane *lane)
{
	if (!lane->stream)
		return;
	spa_hook_remove(&lane->listener);
	pw_stream_destroy(lane->stream);
	lane->stream = NULL;
}

static void pipewire_disconnect(struct sound_output *output)
{
	if (!output->core)
		return;
	pipewire_stop_lane(&output->lanes[SOUND_PLAYBACK]);
	pipewire_stop_lane(&output->lanes[SOUND_MICROPHONE]);
	spa_hook_remove(&output->core_listener);
	pw_core_disconnect(output->core);
	output->core = NULL;
}

static int pipewire_connect(struct sound_output *output)
{
	if (output->core && !atomic_load(&output->lost))
		return 0;
	pipewire_disconnect(output);
	output->core = pw_context_connect(output->context,
					  pw_properties_new(PW_KEY_APP_NAME, "Vitrine",
							    PW_KEY_APP_ID, "vitrine-client",
							    PW_KEY_APP_ICON_NAME, "computer", NULL),
					  0);
	if (!output->core)
		return -EHOSTDOWN;
	atomic_store(&output->lost, false);
	pw_core_add_listener(output->core, &output->core_listener, &pipewire_core_events, output);
	return 0;
}

static struct pw_properties *pipewire_properties(const struct sound_output_stream *config)
{
	bool playback = config->direction == SOUND_PLAYBACK;
	struct pw_properties *properties = pw_properties_new(
		PW_KEY_MEDIA_TYPE, "Audio",
		PW_KEY_MEDIA_CATEGORY, playback ? "Playback" : "Capture",
		PW_KEY_MEDIA_ROLE, playback ? "Music" : "Communication",
		PW_KEY_APP_NAME, "Vitrine", NULL);

	if (!properties)
		return NULL;
	pw_properties_setf(properties, PW_KEY_NODE_NAME, "vitrine-%s%s", config->name,
			   playback ? "" : "-microphone");
	pw_properties_setf(properties, PW_KEY_NODE_DESCRIPTION, "%s (Vitrine)", config->name);
	pw_properties_set(properties, PW_KEY_MEDIA_NAME, config->name);
	pw_properties_setf(properties, PW_KEY_NODE_LATENCY, "%u/%u", config->latency_frames,
			   config->description.rate);
	/* A graph that may change its rate takes the guest's. */
	pw_properties_setf(properties, PW_KEY_NODE_RATE, "1/%u", config->description.rate);
	return properties;
}

static int pipewire_connect_stream(struct pipewire_lane *lane)
{
	const struct sound_description *description = &lane->config.description;
	bool playback = lane->config.direction == SOUND_PLAYBACK;
	struct spa_audio_info_raw info = { .format = sound_format_spa(description->format),
					   .rate = description->rate,
					   .channels = description->channels };
	uint8_t space[1024];
	struct spa_pod_builder builder = SPA_POD_BUILDER_INIT(space, sizeof(space));
	const struct spa_pod *params[1];

	sound_format_spa_positions(description, info.position);
	params[0] = spa_format_audio_raw_build(&builder, SPA_PARAM_EnumFormat, &info);
	return pw_stream_connect(lane->stream,
				 playback ? PW_DIRECTION_OUTPUT : PW_DIRECTION_INPUT, PW_ID_ANY,
				 PW_STREAM_FLAG_AUTOCONNECT | PW_STREAM_FLAG_MAP_BUFFERS |
				 PW_STREAM_FLAG_RT_PROCESS, params, 1);
}

static int pipewire_start_lane(struct sound_output *output,
			       const struct sound_output_stream *config)
{
	struct pipewire_lane *lane = &output->lanes[config->direction];
	int result = pipewire_connect(output);

	if (result)
		return result;
	pipewire_stop_lane(lane);
	lane->output = output;
	lane->config = *config;
	atomic_store(&lane->state, SOUND_OUTPUT_WAITING);
	lane->stream = pw_stream_new(output->core, config->name, pipewire_properties(config));
	if (!lane->stream)
		return -errno;
	pw_stream_add_listener(lane->stream, &lane->listener, &pipewire_stream_events, lane);
	result = pipewire_connect_stream(lane);
	if (result)
		pipewire_stop_lane(lane);
	return result;
}

static int pipewire_start(struct sound_output *output, const struct sound_output_stream *config)
{
	int result;

	pipewire_await_preparation(output);
	result = pipewire_prepare(output);
	if (result)
		return result;
	pw_thread_loop_lock(output->loop);
	result = pipewire_start_lane(output, config);
	pw_thread_loop_unlock(output->loop);
	return result;
}

static void pipewire_stop(struct sound_output *output, enum sound_direction direction)
{
	if (!output->loop)
		return;
	pw_thread_loop_lock(output->loop);
	pipewire_stop_lane(&output->lanes[direction]);
	pw_thread_loop_unlock(output->loop);
}

static enum sound_output_state pipewire_state(struct sound_output *output,
					      enum sound_direction direction)
{
	if (atomic_load(&output->lost))
		return SOUND_OUTPUT_GONE;
	return atomic_load(&output->lanes[direction].state);
}

static struct sound_output *pipewire_create(const struct sound_output_listener *listener)
{
	struct sound_output *output = calloc(1, sizeof(*output));

	if (!output)
		return NULL;
	output->listener = *listener;
	output->prepares = !pthread_create(&output->preparing, NULL, pipewire_prepare_early,
					   output);
	return output;
}

static void pipewire_destroy(struct sound_output *output)
{
	pipewire_await_preparation(output);
	if (output->loop) {
		pw_thread_loop_lock(output->loop);
		pipewire_disconnect(output);
		pw_thread_loop_unlock(output->loop);
		pw_thread_loop_stop(output->loop);
		pw_context_destroy(output->context);
		pw_thread_loop_destroy(output->loop);
		pw_deinit();
	}
	free(output);
}

const struct sound_output_ops sound_output_pipewire = {
	.name = "PipeWire",
	.returns = true,
	.create = pipewire_create,
	.destroy = pipewire_destroy,
	.start = pipewire_start,
	.stop = pipewire_stop,
	.state = pipewire_state,
};
