/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control queue: which request, is it long enough, do it (virtio 1.2, 5.14.6). */
#include "virtio_snd_private.h"

#include <base/log.h>
#include <endian.h>

/* The longest request there is; what follows it is not looked at. */
union snd_request {
	struct virtio_snd_hdr header;
	struct virtio_snd_query_info query;
	struct virtio_snd_jack_remap remap;
	struct virtio_snd_pcm_hdr pcm;
	struct virtio_snd_pcm_set_params params;
};

typedef uint32_t snd_request_func(struct virtio_snd *snd, const union snd_request *request,
				  struct chain *chain);

static struct snd_stream *snd_request_stream(struct virtio_snd *snd,
					     const union snd_request *request)
{
	uint32_t id = le32toh(request->pcm.stream_id);

	return id < SND_STREAMS ? &snd->streams[id] : NULL;
}

static uint32_t snd_request_info(struct virtio_snd *snd, const union snd_request *request,
				 struct chain *chain)
{
	return virtio_snd_info(le32toh(request->header.code), &request->query, chain);
}

/* No jack offers VIRTIO_SND_JACK_F_REMAP. */
static uint32_t snd_request_remap(struct virtio_snd *snd, const union snd_request *request,
				  struct chain *chain)
{
	return le32toh(request->remap.hdr.jack_id) < SND_JACKS ? VIRTIO_SND_S_NOT_SUPP
							       : VIRTIO_SND_S_BAD_MSG;
}

static uint32_t snd_request_set_params(struct virtio_snd *snd, const union snd_request *request,
				       struct chain *chain)
{
	struct snd_stream *stream = snd_request_stream(snd, request);

	return stream ? snd_stream_set_params(stream, &request->params) : VIRTIO_SND_S_BAD_MSG;
}

static uint32_t snd_request_command(struct virtio_snd *snd, const union snd_request *request,
				    struct chain *chain)
{
	struct snd_stream *stream = snd_request_stream(snd, request);

	if (!stream)
		return VIRTIO_SND_S_BAD_MSG;
	switch (le32toh(request->header.code)) {
	case VIRTIO_SND_R_PCM_PREPARE:
		return snd_stream_prepare(stream);
	case VIRTIO_SND_R_PCM_START:
		return snd_stream_start(stream);
	case VIRTIO_SND_R_PCM_STOP:
		return snd_stream_stop(stream);
	default:
		return snd_stream_release(stream);
	}
}

static const struct snd_request_kind {
	uint32_t code;
	uint32_t min_bytes;
	snd_request_func *func;
} snd_request_kinds[] = {
	{ VIRTIO_SND_R_JACK_INFO, sizeof(struct virtio_snd_query_info), snd_request_info },
	{ VIRTIO_SND_R_JACK_REMAP, sizeof(struct virtio_snd_jack_remap), snd_request_remap },
	{ VIRTIO_SND_R_PCM_INFO, sizeof(struct virtio_snd_query_info), snd_request_info },
	{ VIRTIO_SND_R_PCM_SET_PARAMS, sizeof(struct virtio_snd_pcm_set_params),
	  snd_request_set_params },
	{ VIRTIO_SND_R_PCM_PREPARE, sizeof(struct virtio_snd_pcm_hdr), snd_request_command },
	{ VIRTIO_SND_R_PCM_RELEASE, sizeof(struct virtio_snd_pcm_hdr), snd_request_command },
	{ VIRTIO_SND_R_PCM_START, sizeof(struct virtio_snd_pcm_hdr), snd_request_command },
	{ VIRTIO_SND_R_PCM_STOP, sizeof(struct virtio_snd_pcm_hdr), snd_request_command },
	{ VIRTIO_SND_R_CHMAP_INFO, sizeof(struct virtio_snd_query_info), snd_request_info },
};

static uint32_t snd_request_do(struct virtio_snd *snd, const union snd_request *request,
			       size_t bytes, struct chain *chain)
{
	uint32_t code = le32toh(request->header.code);

	if (bytes < sizeof(request->header))
		return VIRTIO_SND_S_BAD_MSG;
	for (size_t i = 0; i < sizeof(snd_request_kinds) / sizeof(snd_request_kinds[0]); i++) {
		const struct snd_request_kind *kind = &snd_request_kinds[i];

		if (kind->code != code)
			continue;
		return bytes < kind->min_bytes ? VIRTIO_SND_S_BAD_MSG
					       : kind->func(snd, request, chain);
	}
	return VIRTIO_SND_S_NOT_SUPP;
}

static void snd_request_handle(struct virtio_snd *snd, struct chain *chain)
{
	union snd_request request = { 0 };
	struct virtio_snd_hdr answer;
	uint32_t status;
	size_t bytes;

	if (chain_writable(chain) < sizeof(answer)) {
		log_guest_bug("%s: a request without room for an answer", snd->base.name);
		return;
	}
	bytes = chain_read(chain, &request, sizeof(request));
	status = snd_request_do(snd, &request, bytes, chain);
	/* What failed in the backend is not the guest's fault. */
	if (status != VIRTIO_SND_S_OK && status != VIRTIO_SND_S_IO_ERR)
		log_guest_bug("%s: request %#x of %zu bytes: answered %#x", snd->base.name,
			      le32toh(request.header.code), bytes, status);
	if (chain_written(chain))
		return;   /* an information request has written its own */
	answer.code = htole32(status);
	chain_write(chain, &answer, sizeof(answer));
}

void virtio_snd_control_kicked(struct virtqueue *queue, void *data)
{
	struct virtio_snd *snd = data;
	struct chain *chain;

	while ((chain = virtqueue_pop(queue))) {
		snd_request_handle(snd, chain);
		virtqueue_push(queue, chain);
	}
	virtqueue_notify(queue);
}
