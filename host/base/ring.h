/*
 * A bounded ring of byte frames between exactly two threads: one that writes, one that reads.
 *
 * Frames lie contiguous in memory, each a multiple of 64 bytes with an 8-byte length before it; the
 * reader works on them in place. A frame is claimed, filled and committed, or aborted; a full ring
 * is a result. No system call, no lock, no full fence: whoever needs to wake the reader does that
 * on top (see loop/).
 */
#ifndef TG_BASE_RING_H
#define TG_BASE_RING_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_ring;

/* `capacity` in bytes, a power of two, 4 KiB to 1 GiB. TG_E_INVALID, TG_E_NO_MEMORY. */
int tg_ring_create(size_t capacity, struct tg_ring **ring, struct tg_error *error);
void tg_ring_destroy(struct tg_ring *ring);

/* Writer. NULL: full. `length` at most a quarter of the capacity. Valid until commit or abort. */
void *tg_ring_claim(struct tg_ring *ring, size_t length);
void tg_ring_commit(struct tg_ring *ring);
void tg_ring_abort(struct tg_ring *ring);

/* Reader. NULL: empty. The frame stays valid until it is released; release frees all read so far. */
void *tg_ring_next(struct tg_ring *ring, size_t *length);
void tg_ring_release(struct tg_ring *ring);

/* Either side; exact when the other side stands still. */
bool tg_ring_is_empty(const struct tg_ring *ring);
size_t tg_ring_bytes(const struct tg_ring *ring);

#endif
