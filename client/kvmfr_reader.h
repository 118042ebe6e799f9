/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Picture and cursor out of a Looking Glass B7 region (KVMFR 20 over LGMP 6). One thread at a time;
 * nothing blocks, nothing in the region is believed.
 *
 * Messages are finished soon whether or not somebody looks, so that no host waits for a hidden
 * window. That a picture was not overwritten while it was read shows afterwards, in its slot.
 */
#ifndef CLIENT_KVMFR_READER_H
#define CLIENT_KVMFR_READER_H

#include <base/uuid.h>
#include <ivshmem/cursor.h>
#include <ivshmem/slots_reader.h>
#include <stdbool.h>
#include <stdint.h>

struct kvmfr_reader;

enum kvmfr_finding {
	KVMFR_ATTACHED,
	KVMFR_EMPTY,                    /* nobody has set it up yet */
	KVMFR_SILENT,                   /* its host does not run, or is starting */
	KVMFR_FOREIGN,                  /* something else */
	KVMFR_OTHER_LGMP,               /* another version, see kvmfr_reader_version */
	KVMFR_OTHER_KVMFR,
};

/* base: page aligned, outlives the reader. NULL with errno (EFBIG: too small; ENOMEM). */
struct kvmfr_reader *kvmfr_reader_create(void *base, uint64_t bytes);
/* Leaves the session. NULL is ignored. */
void kvmfr_reader_destroy(struct kvmfr_reader *reader);

/* To be asked every 50 to 200 ms until attached. */
enum kvmfr_finding kvmfr_reader_attach(struct kvmfr_reader *reader, uint64_t now_ms);
/* Of the protocol that the last finding was about. */
uint32_t kvmfr_reader_version(const struct kvmfr_reader *reader);

/* Once attached: of the guest's VM; zero: its host does not say. */
struct uuid kvmfr_reader_uuid(const struct kvmfr_reader *reader);
/* Asks the host to put the guest's pointer there, in pixels of the picture. -EOPNOTSUPP: this one
 * does not do it; or as lgmp_client_send has it. */
int kvmfr_reader_place_cursor(struct kvmfr_reader *reader, int32_t x, int32_t y);

/* Takes what has come. 1: there is news; 0: none; -ENOTCONN: the host stopped or restarted;
 * -EPROTO: it lies. After an error: destroy. */
int kvmfr_reader_poll(struct kvmfr_reader *reader, uint64_t now_ms);
/* A picture is on its way: poll again at once. */
bool kvmfr_reader_waits(const struct kvmfr_reader *reader);

/* As slots_reader.h and cursor.h have them. */
enum video_state kvmfr_reader_state(const struct kvmfr_reader *reader, uint32_t *width,
				    uint32_t *height);
int kvmfr_reader_begin(struct kvmfr_reader *reader, struct slots_frame *frame);
bool kvmfr_reader_end(struct kvmfr_reader *reader, const struct slots_frame *frame);
int kvmfr_reader_cursor(struct kvmfr_reader *reader, struct cursor_state *state);
void kvmfr_reader_forget(struct kvmfr_reader *reader);

#endif
