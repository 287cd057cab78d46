/*
 * Frames that wait on the core, one queue per priority.
 *
 * A queue is a list of chunks; a frame never moves, so a handler may publish while a frame of the
 * same queue is being delivered. Chunks that ran empty are kept for the next use, a few of them;
 * a queue that ran empty starts over in its chunk, which is warm. All queues together are bounded
 * by messages and by bytes (blocks of large payloads count): what does not fit is refused with
 * TG_E_FULL. The queues own their frames and the blocks of those. Core thread only.
 *
 *   first -> [..frame frame] -> [frame frame frame] -> [frame frame....] <- last
 */
#include "bus_int.h"

#include <stdlib.h>

#define SPARE_MAX 16u

_Static_assert(sizeof(struct bus_frame) + BUS_INLINE_MAX + 8 <= BUS_CHUNK_BYTES,
               "a frame fits a chunk");

static struct bus_chunk *take_chunk(struct bus_queues *queues)
{
    struct bus_chunk *chunk = queues->spare;

    if (chunk != NULL) {
        queues->spare = chunk->next;
        queues->spare_count--;
    } else {
        chunk = aligned_alloc(64, sizeof(*chunk));
        if (chunk == NULL)
            return NULL;
    }
    chunk->next = NULL;
    chunk->begin = 0;
    chunk->end = 0;
    return chunk;
}

static void give_back_chunk(struct bus_queues *queues, struct bus_chunk *chunk)
{
    if (queues->spare_count == SPARE_MAX) {
        free(chunk);
        return;
    }
    chunk->next = queues->spare;
    queues->spare = chunk;
    queues->spare_count++;
}

int bus__queue_extend(struct bus_queues *queues, uint8_t priority, size_t size,
                      struct tg_error *error)
{
    struct bus_queue *queue = &queues->by_priority[priority];

    if (queues->messages >= queues->messages_max)
        return TG_FAIL(error, FULL, "the queue is full (%llu messages), try again",
                       (unsigned long long)queues->messages_max);
    if (queues->bytes + size > queues->bytes_max)
        return TG_FAIL(error, FULL, "the queue is full (%llu bytes), try again",
                       (unsigned long long)queues->bytes_max);
    struct bus_chunk *chunk = take_chunk(queues);
    if (chunk == NULL)
        return TG_FAIL(error, NO_MEMORY, "no memory for the queue");
    if (queue->last == NULL)
        queue->first = chunk;
    else
        queue->last->next = chunk;
    queue->last = chunk;
    return TG_E_OK;
}

void bus__queue_shorten(struct bus_queues *queues, uint8_t priority)
{
    struct bus_queue *queue = &queues->by_priority[priority];
    struct bus_chunk *chunk = queue->first;

    /* The next chunk may be there without a frame, if the draft for which it was taken failed. */
    if (chunk->next != NULL) {
        queue->first = chunk->next;
        give_back_chunk(queues, chunk);
        if (queue->first->end > 0)
            return;
    } else {
        chunk->begin = 0;
        chunk->end = 0;
    }
    queues->waiting &= ~(1u << priority);
}

/* A block was made by draft.c and has been constant since. */
void bus__block_free(const struct bus_frame *frame)
{
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): a popped frame is not seen again */
    free((void *)(uintptr_t)frame->message.payload);
}

void bus__queue_fini(struct bus_queues *queues)
{
    for (uint8_t priority = 0; priority < BUS_PRIORITIES; priority++) {
        while (bus__queue_waits(queues, priority))
            bus__queue_pop(queues, priority);
        free(queues->by_priority[priority].first); /* an empty queue has one chunk at most */
    }
    while (queues->spare != NULL) {
        struct bus_chunk *next = queues->spare->next;
        free(queues->spare);
        queues->spare = next;
    }
}
