/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <devices/virtio_net.h>

/* Where the user-mode network's DHCP server puts the first guest. */
#define NET_GUEST_ADDRESS 0x0a00020f            /* 10.0.2.15 */
#define NET_FORWARD_BYTES 64

static int net_parse_backend(void *data, const char *value, struct option_error *error)
{
	struct virtio_net_config *config = data;

	if (strcmp(value, "user") == 0)
		config->backend = VIRTIO_NET_USER;
	else if (strcmp(value, "none") == 0)
		config->backend = VIRTIO_NET_NONE;
	else
		return option_error_set(error, "net: '%s' is not user, tap=IFNAME or none", value);
	return 0;
}

static int net_parse_tap(void *data, const char *value, struct option_error *error)
{
	struct virtio_net_config *config = data;

	if (!*value || strlen(value) >= IFNAMSIZ)
		return option_error_set(error, "net: tap=%s is not the name of an interface",
					value);
	free(config->tap);
	config->tap = strdup(value);
	if (!config->tap)
		return option_error_set(error, "net: out of memory");
	config->backend = VIRTIO_NET_TAP;
	return 0;
}

static int net_parse_mac(void *data, const char *value, struct option_error *error)
{
	struct virtio_net_config *config = data;
	unsigned bytes[NET_MAC_BYTES];
	int end = 0;

	if (sscanf(value, "%2x:%2x:%2x:%2x:%2x:%2x%n", &bytes[0], &bytes[1], &bytes[2], &bytes[3],
		   &bytes[4], &bytes[5], &end) != NET_MAC_BYTES || end != 17 || value[end])
		return option_error_set(error, "net: mac=%s is not like 52:54:00:12:34:56", value);
	if (bytes[0] & 1)
		return option_error_set(error, "net: mac=%s is a group address: its first byte "
					"must be even", value);
	for (int i = 0; i < NET_MAC_BYTES; i++)
		config->mac[i] = (uint8_t)bytes[i];
	config->has_mac = true;
	return 0;
}

/* A port between 1 and 65535, the whole of the text. */
static bool net_parse_port(const char *text, uint16_t *port)
{
	char *end;
	unsigned long value;

	if (*text < '0' || *text > '9')
		return false;
	value = strtoul(text, &end, 10);
	*port = (uint16_t)value;
	return *end == '\0' && value >= 1 && value <= UINT16_MAX;
}

/* "[ADDRESS]:PORT"; the address stays as it is when the text has none. */
static bool net_parse_endpoint(char *text, struct in_addr *address, uint16_t *port)
{
	char *colon = strchr(text, ':');

	if (!colon)
		return false;
	*colon = '\0';
	if (*text && inet_pton(AF_INET, text, address) != 1)
		return false;
	return net_parse_port(colon + 1, port);
}

static bool net_parse_forward(const char *value, struct virtio_net_forward *forward)
{
	char text[NET_FORWARD_BYTES];
	char *dash;

	if (strlen(value) >= sizeof(text))
		return false;
	strcpy(text, value);
	forward->udp = strncmp(text, "udp:", 4) == 0;
	if (!forward->udp && strncmp(text, "tcp:", 4) != 0)
		return false;
	dash = strchr(text, '-');
	if (!dash)
		return false;
	*dash = '\0';
	forward->host_address.s_addr = htonl(INADDR_LOOPBACK);
	forward->guest_address.s_addr = htonl(NET_GUEST_ADDRESS);
	return net_parse_endpoint(text + 4, &forward->host_address, &forward->host_port) &&
	       net_parse_endpoint(dash + 1, &forward->guest_address, &forward->guest_port);
}

static int net_parse_hostfwd(void *data, const char *value, struct option_error *error)
{
	struct virtio_net_config *config = data;

	if (config->forward_count == VIRTIO_NET_MAX_FORWARDS)
		return option_error_set(error, "net: at most %d hostfwd", VIRTIO_NET_MAX_FORWARDS);
	if (!net_parse_forward(value, &config->forwards[config->forward_count]))
		return option_error_set(error, "net: hostfwd=%s is not like tcp::2222-:22 or "
					"tcp:0.0.0.0:8080-:80", value);
	config->forward_count++;
	return 0;
}

static const struct option_def net_options[] = {
	{ "backend", OPTION_CUSTOM, .parse = net_parse_backend, .metavar = "user|none",
	  .help = "user: NAT, as the user who runs the VM; the key can be left out" },
	{ "tap", OPTION_CUSTOM, .parse = net_parse_tap, .metavar = "IFNAME",
	  .help = "an existing tap interface of the host" },
	{ "hostfwd", OPTION_CUSTOM, .parse = net_parse_hostfwd,
	  .metavar = "tcp|udp:[ADDRESS]:PORT-:GUESTPORT",
	  .help = "a port of the host (127.0.0.1 when ADDRESS is left out) that\n"
		  "leads to the guest; repeat for more" },
	{ "mac", OPTION_CUSTOM, .parse = net_parse_mac, .metavar = "52:54:00:12:34:56",
	  .help = "the card's address" },
};

void virtio_net_config_init(struct virtio_net_config *config)
{
	*config = (struct virtio_net_config){ .backend = VIRTIO_NET_USER };
}

int virtio_net_config_parse(struct virtio_net_config *config, const char *text,
			    struct option_error *error)
{
	int result;

	virtio_net_config_init(config);
	result = options_parse_list(net_options, sizeof(net_options) / sizeof(net_options[0]),
				    config, text, "backend", error);
	if (result == 0 && config->forward_count > 0 && config->backend != VIRTIO_NET_USER)
		return option_error_set(error, "net: hostfwd is for user networking only");
	return result;
}

void virtio_net_config_finish(struct virtio_net_config *config)
{
	free(config->tap);
	*config = (struct virtio_net_config){ 0 };
}
