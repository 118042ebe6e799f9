/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clipboard/vdagent_peer_private.h"

#include <base/log.h>
#include <endian.h>
#include <string.h>

#define MONITOR_DEPTH 32

static bool peer_has(const struct vdagent_peer *peer, unsigned int cap)
{
	return peer->caps & 1u << cap;
}

/* Side by side, as run_layout.c puts them. One that is off stands for itself where the agent knows
 * such, and is left out where it does not. */
void peer_send_monitors(struct vdagent_peer *peer)
{
	VDAgentMonConfig configs[VDAGENT_MAX_MONITORS];
	VDAgentMonitorsConfig head = { 0 };
	uint32_t count = 0, left = 0;

	peer->monitors_due = false;
	for (uint32_t i = 0; i < peer->monitor_count; i++) {
		const struct vdagent_monitor *monitor = &peer->monitors[i];

		if ((!monitor->width || !monitor->height) &&
		    !peer_has(peer, VD_AGENT_CAP_SPARSE_MONITORS_CONFIG))
			continue;
		configs[count++] = (VDAgentMonConfig){
			.width = htole32(monitor->width), .height = htole32(monitor->height),
			.depth = htole32(MONITOR_DEPTH), .x = (int32_t)htole32(left),
		};
		left += monitor->width;
	}
	if (!left)
		return;
	head.num_of_monitors = htole32(count);
	if (peer_has(peer, VD_AGENT_CAP_MONITORS_CONFIG_POSITION))
		head.flags = htole32(VD_AGENT_CONFIG_MONITORS_FLAG_USE_POS);
	peer_send(peer, VD_AGENT_MONITORS_CONFIG, &head, sizeof(head), configs,
		  count * sizeof(*configs));
}

static void peer_reply(struct vdagent_peer *peer, bool good)
{
	const VDAgentReply reply = {
		.type = htole32(VD_AGENT_MONITORS_CONFIG),
		.error = htole32(good ? VD_AGENT_SUCCESS : VD_AGENT_ERROR),
	};

	if (peer_has(peer, VD_AGENT_CAP_REPLY))
		peer_send(peer, VD_AGENT_REPLY, &reply, sizeof(reply), NULL, 0);
}

/* Sizes in millimetres may follow; where the client has its windows is no concern of the guest. */
void peer_take_monitors(struct vdagent_peer *peer, const struct vdagent_message *message)
{
	struct vdagent_monitor monitors[VDAGENT_MAX_MONITORS];
	VDAgentMonitorsConfig head;
	uint32_t count = 0;
	bool good;

	if (!peer->config.monitors || peer->config.role != VDAGENT_WITH_CLIENT)
		return;
	if (message->size >= sizeof(head)) {
		memcpy(&head, message->body, sizeof(head));
		count = le32toh(head.num_of_monitors);
	}
	good = count && count <= VDAGENT_MAX_MONITORS &&
	       (message->size - sizeof(head)) / sizeof(VDAgentMonConfig) >= count;
	if (!good)
		peer_bug(peer, "%s: %u monitors in %u bytes", peer->config.name, count,
			 message->size);
	for (uint32_t i = 0; good && i < count; i++) {
		VDAgentMonConfig config;

		memcpy(&config, message->body + sizeof(head) + i * sizeof(config), sizeof(config));
		monitors[i] = (struct vdagent_monitor){ le32toh(config.width),
							le32toh(config.height) };
	}
	if (good)
		peer->config.monitors(peer->config.data, monitors, count);
	peer_reply(peer, good);
}
