/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kvmfr_hello.h"

#include <base/bytes.h>
#include <errno.h>
#include <ivshmem/kvmfr20.h>
#include <ivshmem/lgmp_client.h>
#include <string.h>

/* Hosts write two records of less than 200 bytes. */
#define HELLO_MAX_BYTES 4096u

/* Until one does not fit. */
static void hello_take_records(struct kvmfr_hello *hello, struct byte_reader *reader)
{
	struct kvmfr20_record record;

	while (byte_reader_get(reader, &record, sizeof(record)) && record.bytes <= reader->left) {
		if (record.type == KVMFR20_RECORD_VM_INFO &&
		    record.bytes >= sizeof(hello->uuid.bytes)) {
			memcpy(hello->uuid.bytes, reader->bytes, sizeof(hello->uuid.bytes));
			return;
		}
		reader->bytes += record.bytes;
		reader->left -= record.bytes;
	}
}

int kvmfr_hello_read(const struct lgmp_client *client, struct kvmfr_hello *hello)
{
	uint8_t udata[HELLO_MAX_BYTES];
	uint32_t bytes = lgmp_client_udata(client, udata, sizeof(udata));
	struct byte_reader reader = byte_reader_init(udata, bytes);
	struct kvmfr20_hello head;

	*hello = (struct kvmfr_hello){ 0 };
	if (!byte_reader_get(&reader, &head, sizeof(head)) ||
	    memcmp(head.magic, KVMFR20_MAGIC, sizeof(head.magic)) != 0)
		return -ENOMSG;
	hello->version = head.version;
	if (head.version != KVMFR20_VERSION)
		return 0;
	hello->features = head.features;
	hello_take_records(hello, &reader);
	return 0;
}
