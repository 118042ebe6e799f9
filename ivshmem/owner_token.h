/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The random number by which a client owns a ring. */
#ifndef OWNER_TOKEN_H
#define OWNER_TOKEN_H

#include <stdint.h>
#include <sys/random.h>
#include <unistd.h>

static inline uint64_t owner_token_new(void)
{
	uint64_t token = 0;

	while (!token)
		if (getrandom(&token, sizeof(token), 0) != (ssize_t)sizeof(token))
			token = (uint64_t)getpid();
	return token;
}

#endif
