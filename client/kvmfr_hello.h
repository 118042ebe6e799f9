/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a Looking Glass host says of itself, and of its VM, at the head of its region. */
#ifndef CLIENT_KVMFR_HELLO_H
#define CLIENT_KVMFR_HELLO_H

#include <base/uuid.h>
#include <stdint.h>

struct lgmp_client;

struct kvmfr_hello {
	uint32_t version;
	uint32_t features;              /* KVMFR20_FEATURE_*; only of version 20 */
	struct uuid uuid;               /* of the VM; zero: it does not say */
};

/* 0; -ENOMSG: something else is there. Of another version than 20 only that is filled in. */
int kvmfr_hello_read(const struct lgmp_client *client, struct kvmfr_hello *hello);

#endif
