/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spice/spice_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_BACKLOG 16
#define LISTEN_PATH_BYTES sizeof(((struct sockaddr_un *)0)->sun_path)

union listen_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un path;
};

static const struct option_def listen_options[] = {
	{ .name = "unix", .type = OPTION_STRING,
	  .offset = offsetof(struct spice_listen_config, path) },
	{ .name = "port", .type = OPTION_UINT, .min = 1, .max = 65535,
	  .offset = offsetof(struct spice_listen_config, port) },
	{ .name = "addr", .type = OPTION_STRING,
	  .offset = offsetof(struct spice_listen_config, address) },
};
#define LISTEN_OPTIONS (sizeof(listen_options) / sizeof(listen_options[0]))

/* The length of the address, or -EINVAL when this is none of this machine's own. */
static int listen_loopback(union listen_address *address, const char *text, uint32_t port)
{
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
		address->v4.sin_family = AF_INET;
		address->v4.sin_port = htons((uint16_t)port);
		return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
			? (int)sizeof(address->v4) : -EINVAL;
	}
	if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1) {
		address->v6.sin6_family = AF_INET6;
		address->v6.sin6_port = htons((uint16_t)port);
		return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr) ? (int)sizeof(address->v6)
								   : -EINVAL;
	}
	return -EINVAL;
}

static int listen_config_check(const struct spice_listen_config *config,
			       struct option_error *error)
{
	union listen_address address;

	if (!config->path == !config->port)
		return option_error_set(error, "spice: give either unix=PATH or port=N");
	if (config->path && config->address)
		return option_error_set(error, "spice: addr= goes with port=, not with unix=");
	if (config->path && strlen(config->path) >= LISTEN_PATH_BYTES)
		return option_error_set(error, "spice: unix=%.64s...: too long for a socket: at "
					"most %zu bytes", config->path, LISTEN_PATH_BYTES - 1);
	if (config->address && listen_loopback(&address, config->address, config->port) < 0)
		return option_error_set(error, "spice: addr=%s is not a loopback address "
					"(127.0.0.1, ::1): there is no password", config->address);
	return 0;
}

int spice_listen_config_parse(struct spice_listen_config *config, const char *text,
			      struct option_error *error)
{
	struct option_error inner = { "" };

	spice_listen_config_finish(config);
	if (options_parse_list(listen_options, LISTEN_OPTIONS, config, text, NULL, &inner))
		return option_error_set(error, "spice: %s", inner.text);
	return listen_config_check(config, error);
}

void spice_listen_config_finish(struct spice_listen_config *config)
{
	options_finish(listen_options, LISTEN_OPTIONS, config);
	memset(config, 0, sizeof(*config));
}

/* Takes away a socket whose owner has died. 0 or -errno. */
static int listen_clear_path(const union listen_address *address)
{
	const char *path = address->path.sun_path;
	struct stat status;
	int fd, result;

	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	result = connect(fd, &address->any, sizeof(address->path)) < 0 ? -errno : 0;
	close(fd);
	if (result != -ECONNREFUSED)
		return result == 0 || result == -EAGAIN ? -EADDRINUSE : result;
	return unlink(path) < 0 ? -errno : 0;
}

/* A socket or -errno. */
static int listen_bind(const union listen_address *address, socklen_t bytes)
{
	const int on = 1;
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int result;

	if (fd < 0)
		return -errno;
	if (address->any.sa_family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* Before bind: then the file is never there with another mode. */
	else if (fchmod(fd, 0600) < 0)
		goto fail;
	if (bind(fd, &address->any, bytes) < 0)
		goto fail;
	if (listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	result = -errno;
	if (address->any.sa_family == AF_UNIX)
		unlink(address->path.sun_path);
	close(fd);
	return result;
fail:
	result = -errno;
	close(fd);
	return result;
}

static int listen_open_path(const char *path, struct option_error *error)
{
	union listen_address address = { .path.sun_family = AF_UNIX };
	int fd;

	strncpy(address.path.sun_path, path, LISTEN_PATH_BYTES - 1);
	fd = listen_clear_path(&address);
	if (!fd)
		fd = listen_bind(&address, sizeof(address.path));
	if (fd == -EEXIST)
		return option_error_set(error, "spice: %s is there and no socket: give another "
					"path", path);
	return fd < 0 ? option_error_set(error, "spice: %s: %s", path, strerror(-fd)) : fd;
}

int spice_listen_open(const struct spice_listen_config *config, struct option_error *error)
{
	const char *text = config->address ? config->address : SPICE_LISTEN_DEFAULT_ADDRESS;
	union listen_address address;
	int bytes, fd;

	if (config->path)
		return listen_open_path(config->path, error);
	bytes = listen_loopback(&address, text, config->port);
	fd = bytes < 0 ? bytes : listen_bind(&address, (socklen_t)bytes);
	return fd < 0 ? option_error_set(error, "spice: port %u on %s: %s", config->port, text,
					 strerror(-fd)) : fd;
}
