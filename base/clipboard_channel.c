/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/clipboard_channel.h>
#include <base/clock.h>
#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* What a side has copied is told at most this often; the last word always is. */
#define CHANNEL_PAUSE_NS UINT64_C(50000000)
/* A peer may send this many packets at once, and one more for each of these times. */
#define CHANNEL_BURST 256
#define CHANNEL_REFILL_NS UINT64_C(15625000)
/* Answers that the other end has not taken out of the socket yet keep their memory. */
#define CHANNEL_MAX_UNREAD_BYTES (CLIPBOARD_WIRE_TYPE_COUNT * CLIPBOARD_WIRE_MAX_BYTES)

struct clipboard_channel {
	struct clipboard_channel_config config;
	struct loop_fd *source;         /* NULL: dead, ended is due */
	struct loop_timer *timer;       /* the pause after an announcement; ended, when dead */
	bool paused;
	bool pending;                   /* something was copied in the pause */
	uint32_t pending_types;         /* 0: a release */
	uint32_t grabs_sent, grabs_received;
	uint32_t asked;                 /* types that the other end waits for */
	uint32_t waiting;               /* types that we wait for */
	size_t unread_bytes;
	unsigned int tokens;
	uint64_t refilled_ns;
};

/* Nothing more goes either way; the owner hears of it from the loop. */
static void channel_die(struct clipboard_channel *channel)
{
	if (!channel->source)
		return;
	loop_fd_remove(channel->source);
	channel->source = NULL;
	loop_timer_arm(channel->timer, 1, 0);
}

static void channel_send(struct clipboard_channel *channel, const struct clipboard_wire *message,
			 int fd)
{
	struct packet packet = { .fd_count = fd >= 0, .fds = { fd } };
	int result;

	if (!channel->source)
		return;
	clipboard_wire_format(message, &packet);
	result = packet_send(channel->config.fd, &packet);
	if (!result)
		return;
	if (result == -EAGAIN)
		log_peer_bug("clipboard: %s does not read: its channel is closed",
			     channel->config.name);
	channel_die(channel);
}

static void channel_announce(struct clipboard_channel *channel, uint32_t types)
{
	struct clipboard_wire message = {
		.kind = types ? CLIPBOARD_WIRE_GRAB : CLIPBOARD_WIRE_RELEASE, .types = types,
		.has_seen = true, .seen = channel->grabs_received,
	};

	if (!channel->source)
		return;
	if (channel->paused) {
		channel->pending = true;
		channel->pending_types = types;
		return;
	}
	channel->grabs_sent += types != 0;
	/* Asked of what we had before. */
	channel->asked = 0;
	channel_send(channel, &message, -1);
	if (!channel->source)
		return;
	channel->paused = true;
	loop_timer_arm(channel->timer, CHANNEL_PAUSE_NS, 0);
}

static void channel_timer(void *data)
{
	struct clipboard_channel *channel = data;

	if (!channel->source) {
		channel->config.ops->ended(channel->config.data);
		return;
	}
	channel->paused = false;
	if (channel->pending) {
		channel->pending = false;
		channel_announce(channel, channel->pending_types);
	}
}

/* --- what the other end says ------------------------------------------------------------- */

static bool channel_has_token(struct clipboard_channel *channel)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t fresh = (now_ns - channel->refilled_ns) / CHANNEL_REFILL_NS;

	if (fresh > CHANNEL_BURST - channel->tokens)
		fresh = CHANNEL_BURST - channel->tokens;
	if (fresh > 0)
		channel->refilled_ns = now_ns;
	channel->tokens += (unsigned int)fresh;
	if (channel->tokens == 0)
		return false;
	channel->tokens--;
	return true;
}

/* True: it was said before our last grab was heard, which is the later one. */
static bool channel_has_crossed(const struct clipboard_channel *channel,
				const struct clipboard_wire *message)
{
	return channel->config.decided_by_other && message->has_seen &&
	       message->seen != channel->grabs_sent;
}

static void channel_on_announcement(struct clipboard_channel *channel,
				    const struct clipboard_wire *message)
{
	uint32_t types = message->kind == CLIPBOARD_WIRE_GRAB ? message->types : 0;

	channel->grabs_received += message->kind == CLIPBOARD_WIRE_GRAB;
	if (channel_has_crossed(channel, message))
		return;
	channel->waiting = 0;
	if (types) {
		/* What we had not said yet is old now. */
		channel->pending = false;
		channel->config.ops->grabbed(channel->config.data, types);
	} else {
		channel->config.ops->released(channel->config.data);
	}
}

static void channel_on_request(struct clipboard_channel *channel,
			       const struct clipboard_wire *message)
{
	uint32_t bit = CLIPBOARD_WIRE_BIT(message->type);

	if (channel->asked & bit)
		return;
	channel->asked |= bit;
	channel->config.ops->wanted(channel->config.data, message->type);
}

static void channel_on_data(struct clipboard_channel *channel, const struct clipboard_wire *message,
			    const struct packet *packet)
{
	uint32_t bit = CLIPBOARD_WIRE_BIT(message->type);
	void *bytes = NULL;
	size_t count = 0;
	int result;

	if (!(channel->waiting & bit))
		return;
	channel->waiting &= ~bit;
	if (packet->fd_count == 1) {
		result = clipboard_wire_memory_read(packet->fds[0], &bytes, &count);
		if (result)
			log_peer_bug("clipboard: what %s gave cannot be used: %s",
				     channel->config.name, strerror(-result));
	}
	channel->config.ops->answered(channel->config.data, message->type, bytes, count);
	free(bytes);
}

/* The last thing that is done with the channel: the ops may destroy it. */
static void channel_take(struct clipboard_channel *channel, const struct packet *packet)
{
	struct clipboard_wire message;
	int allowed_fds;

	if (clipboard_wire_parse(packet->data, packet->bytes, &message)) {
		log_peer_bug("clipboard: %s sent what is no message: its channel is closed",
			     channel->config.name);
		channel_die(channel);
		return;
	}
	allowed_fds = message.kind == CLIPBOARD_WIRE_DATA;
	if (packet->fd_count > allowed_fds) {
		log_peer_bug("clipboard: %s sent file descriptors with a message that takes none: "
			     "its channel is closed", channel->config.name);
		channel_die(channel);
		return;
	}
	if (message.kind == CLIPBOARD_WIRE_REQUEST)
		channel_on_request(channel, &message);
	else if (message.kind == CLIPBOARD_WIRE_DATA)
		channel_on_data(channel, &message, packet);
	else
		channel_on_announcement(channel, &message);
}

static void channel_readable(void *data, uint32_t events)
{
	struct clipboard_channel *channel = data;
	struct packet packet;
	int result = packet_receive(channel->config.fd, &packet);

	if (result == -EAGAIN)
		return;
	if (result) {
		channel_die(channel);
		return;
	}
	if (!channel_has_token(channel)) {
		log_peer_bug("clipboard: %s floods: its channel is closed", channel->config.name);
		channel_die(channel);
	} else {
		channel_take(channel, &packet);
	}
	packet_close_fds(&packet);
}

/* --- what our side does ------------------------------------------------------------------ */

struct clipboard_channel *clipboard_channel_create(const struct clipboard_channel_config *config)
{
	struct clipboard_channel *channel = calloc(1, sizeof(*channel));
	int flags = fcntl(config->fd, F_GETFL), error;

	if (!channel)
		return NULL;
	*channel = (struct clipboard_channel){ .config = *config, .tokens = CHANNEL_BURST,
					       .refilled_ns = clock_now_ns() };
	if (flags < 0 || fcntl(config->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		goto fail;
	channel->timer = loop_timer_create(config->loop, channel_timer, channel);
	if (!channel->timer)
		goto fail;
	channel->source = loop_fd_add(config->loop, config->fd, EPOLLIN, channel_readable, channel);
	if (!channel->source)
		goto fail;
	return channel;

fail:
	error = errno;
	loop_timer_destroy(channel->timer);
	free(channel);
	errno = error;
	return NULL;
}

void clipboard_channel_destroy(struct clipboard_channel *channel)
{
	if (!channel)
		return;
	loop_fd_remove(channel->source);
	loop_timer_destroy(channel->timer);
	close(channel->config.fd);
	free(channel);
}

void clipboard_channel_grab(struct clipboard_channel *channel, uint32_t types)
{
	channel_announce(channel, types);
}

void clipboard_channel_release(struct clipboard_channel *channel)
{
	channel_announce(channel, 0);
}

void clipboard_channel_request(struct clipboard_channel *channel, enum clipboard_wire_type type)
{
	const struct clipboard_wire message = { .kind = CLIPBOARD_WIRE_REQUEST, .type = type };
	uint32_t bit = CLIPBOARD_WIRE_BIT(type);

	if (channel->waiting & bit)
		return;
	channel->waiting |= bit;
	channel_send(channel, &message, -1);
}

/* False: too much lies in the socket already. */
static bool channel_has_room(struct clipboard_channel *channel, size_t count)
{
	int queued = 0;

	if (ioctl(channel->config.fd, SIOCOUTQ, &queued) == 0 && queued == 0)
		channel->unread_bytes = 0;
	channel->unread_bytes += count;
	return channel->unread_bytes <= CHANNEL_MAX_UNREAD_BYTES;
}

void clipboard_channel_answer(struct clipboard_channel *channel, enum clipboard_wire_type type,
			      const void *bytes, size_t count)
{
	const struct clipboard_wire message = { .kind = CLIPBOARD_WIRE_DATA, .type = type };
	uint32_t bit = CLIPBOARD_WIRE_BIT(type);
	int memory = -1;

	if (!(channel->asked & bit) || !channel->source)
		return;
	channel->asked &= ~bit;
	if (count > 0 && count <= CLIPBOARD_WIRE_MAX_BYTES) {
		if (!channel_has_room(channel, count)) {
			log_peer_bug("clipboard: %s does not read answers: its channel is closed",
				     channel->config.name);
			channel_die(channel);
			return;
		}
		memory = clipboard_wire_memory_create(bytes, count);
		if (memory < 0)
			log_error("clipboard: no memory for an answer: %s", strerror(-memory));
	}
	channel_send(channel, &message, memory);
	if (memory >= 0)
		close(memory);
}
