/*
 * A bounded ring of byte frames between exactly two threads: one that writes, one that reads.
 *
 * Frames lie contiguous in memory, each a multiple of 64 bytes with an 8-byte length before it; the
 * reader works on them in place. A frame is claimed, filled and committed, or aborted; a full ring
 * is a result. No system call, no lock, no full fence: whoever needs to wake the reader does that
 * on top (see loop/).
 *
 *   tail (reader releases)                 head (writer commits)
 *     |                                      |
 *     v                                      v
 *   [len frame...][len frame......][len frame]         [wrap: go on at 0]
 *
 * Positions count bytes and never wrap; the place in memory is position & mask. What is committed
 * becomes visible by the release store of head, what is released by that of tail. Each side keeps
 * what it last saw of the other's position, and looks again only when that says full or empty: so
 * a cache line travels once per batch, not once per frame.
 */
#ifndef TG_BASE_RING_H
#define TG_BASE_RING_H

#include "base/check.h"
#include "base/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_RING_CAPACITY_MIN ((size_t)4096)
#define TG_RING_CAPACITY_MAX ((size_t)1 << 30)
#define TG_RING_FRAME_ALIGN  ((size_t)64)
#define TG_RING_LINE         128 /* two cache lines: the prefetcher fetches them in pairs */
#define TG_RING_WRAP         UINT64_MAX

/* Visible so that the functions below can be inlined; its fields are theirs alone. */
struct tg_ring {
    _Alignas(TG_RING_LINE) _Atomic uint64_t head; /* written by the writer, read by both */
    _Alignas(TG_RING_LINE) _Atomic uint64_t tail; /* written by the reader, read by both */
    struct {                                      /* of the writer alone */
        _Alignas(TG_RING_LINE) uint64_t head;     /* = head */
        uint64_t claimed;                         /* head after the commit; = head: no claim */
        uint64_t tail_seen;
    } writer;
    struct { /* of the reader alone */
        _Alignas(TG_RING_LINE) uint64_t next;
        uint64_t head_seen;
    } reader;
    _Alignas(TG_RING_LINE) unsigned char *data; /* never written after creation */
    uint64_t mask;
};

/* `capacity` in bytes, a power of two, 4 KiB to 1 GiB. TG_E_INVALID, TG_E_NO_MEMORY. */
int tg_ring_create(size_t capacity, struct tg_ring **ring, struct tg_error *error);
void tg_ring_destroy(struct tg_ring *ring);

/* The longest frame: a quarter of the capacity. */
static inline size_t tg_ring_length_max(const struct tg_ring *ring)
{
    return (size_t)(ring->mask + 1) / 4;
}

/*
 * Writer. NULL: full. A longer frame than tg_ring_length_max is a bug: it would never fit. Aligned
 * to 8 bytes, valid until commit or abort. A second claim without either replaces the first.
 */
static inline void *tg_ring_claim(struct tg_ring *ring, size_t length)
{
    uint64_t capacity = ring->mask + 1;
    TG_BUG_IF(length > capacity / 4);
    uint64_t size = (length + sizeof(uint64_t) + TG_RING_FRAME_ALIGN - 1) &
                    ~(uint64_t)(TG_RING_FRAME_ALIGN - 1);
    uint64_t start = ring->writer.head;
    uint64_t to_end = capacity - (start & ring->mask);
    uint64_t needed = size <= to_end ? size : to_end + size;
    if (start + needed - ring->writer.tail_seen > capacity) {
        ring->writer.tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (start + needed - ring->writer.tail_seen > capacity)
            return NULL;
    }
    /* frames start at multiples of 64, so a header always fits before the end */
    uint64_t *header = (uint64_t *)(void *)(ring->data + (start & ring->mask));
    if (size > to_end) {
        *header = TG_RING_WRAP;
        header = (uint64_t *)(void *)ring->data;
    }
    *header = length;
    ring->writer.claimed = start + needed;
    return header + 1;
}

static inline void tg_ring_commit(struct tg_ring *ring)
{
    ring->writer.head = ring->writer.claimed;
    atomic_store_explicit(&ring->head, ring->writer.head, memory_order_release);
}

static inline void tg_ring_abort(struct tg_ring *ring)
{
    ring->writer.claimed = ring->writer.head;
}

/*
 * Reader. NULL and length 0: empty. May be called again before a release: each call hands out the
 * next frame, and all of them stay valid until tg_ring_release, which frees all handed out so far.
 */
static inline void *tg_ring_next(struct tg_ring *ring, size_t *length)
{
    uint64_t next = ring->reader.next;
    if (next == ring->reader.head_seen) {
        ring->reader.head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (next == ring->reader.head_seen) {
            *length = 0;
            return NULL;
        }
    }
    uint64_t *header = (uint64_t *)(void *)(ring->data + (next & ring->mask));
    if (*header == TG_RING_WRAP) { /* committed together with the frame behind it */
        next += ring->mask + 1 - (next & ring->mask);
        header = (uint64_t *)(void *)ring->data;
    }
    *length = (size_t)*header;
    ring->reader.next = next + ((*header + sizeof(uint64_t) + TG_RING_FRAME_ALIGN - 1) &
                                ~(uint64_t)(TG_RING_FRAME_ALIGN - 1));
    return header + 1;
}

static inline void tg_ring_release(struct tg_ring *ring)
{
    atomic_store_explicit(&ring->tail, ring->reader.next, memory_order_release);
}

/*
 * Either side; exact when the other side stands still. Bytes count whole frames; a frame counts
 * from its commit to its release.
 */
static inline size_t tg_ring_bytes(const struct tg_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    uint64_t bytes = head - tail; /* tail first: it can only have grown since, never pass head */
    return (size_t)(bytes <= ring->mask ? bytes : ring->mask + 1);
}

static inline bool tg_ring_is_empty(const struct tg_ring *ring)
{
    return tg_ring_bytes(ring) == 0;
}

#endif
