/*
 * ring.c: making and freeing a ring; its work is inline in ring.h, where its drawing is.
 *
 * The ring owns its memory: the struct, on cache lines of its own, and the bytes of the frames. It
 * is destroyed by whoever made it once neither side uses it any more.
 */
#include "base/ring.h"

#include <stdlib.h>
#include <string.h>

int tg_ring_create(size_t capacity, struct tg_ring **ring, struct tg_error *error)
{
    if (capacity < TG_RING_CAPACITY_MIN || capacity > TG_RING_CAPACITY_MAX ||
        (capacity & (capacity - 1)) != 0)
        return TG_FAIL(error, INVALID,
                       "ring capacity: %zu is not allowed (a power of two, %zu to %zu)", capacity,
                       TG_RING_CAPACITY_MIN, TG_RING_CAPACITY_MAX);
    struct tg_ring *made = aligned_alloc(TG_RING_LINE, sizeof(*made));
    unsigned char *data = aligned_alloc(TG_RING_FRAME_ALIGN, capacity);
    if (made == NULL || data == NULL) {
        free(made);
        free(data);
        return TG_FAIL(error, NO_MEMORY, "no memory for a ring of %zu bytes", capacity);
    }
    memset(made, 0, sizeof(*made));
    atomic_init(&made->head, 0);
    atomic_init(&made->tail, 0);
    made->data = data;
    made->mask = capacity - 1;
    *ring = made;
    return TG_E_OK;
}

void tg_ring_destroy(struct tg_ring *ring)
{
    if (ring == NULL)
        return;
    free(ring->data);
    free(ring);
}
