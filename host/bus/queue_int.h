/*
 * Frames, and the queues of the core in which they wait; what is done for every message is inline.
 * The drawing is in queue.c. Not for other rooms.
 */
#ifndef TG_BUS_QUEUE_INT_H
#define TG_BUS_QUEUE_INT_H

#include "base/clock.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUS_PRIORITIES  5u /* indices are TG_PRIORITY_*; 0 is not used */
#define BUS_CHUNK_BYTES 65536u

/*
 * A message on its way, and in the history. The payload lies right behind the frame; one over
 * BUS_INLINE_MAX is a block of its own while the message travels. Frames lie at multiples of 8.
 */
struct bus_frame {
    struct tg_message message;
    uint32_t symbol_hash; /* 0: no symbol */
    uint16_t source;
    bool owns_block; /* message.payload was allocated and goes with the frame */
    uint8_t hops;    /* handlers that the chain it is part of has gone through */
};
_Static_assert(sizeof(struct bus_frame) % 8 == 0, "the payload behind a frame is aligned");

static inline size_t bus__round_up(size_t size, size_t multiple)
{
    return (size + multiple - 1) / multiple * multiple;
}

static inline size_t bus__frame_size(const struct bus_frame *frame)
{
    const size_t payload = frame->owns_block ? 0 : frame->message.payload_size;

    return bus__round_up(sizeof(*frame) + payload, 8);
}

static inline int64_t bus__frame_expiry(const struct bus_frame *frame)
{
    return frame->message.timestamp + (int64_t)frame->message.ttl_seconds * TG_NS_PER_SEC;
}

struct bus_chunk {
    struct bus_chunk *next;
    size_t begin, end; /* of the frames */
    _Alignas(64) unsigned char bytes[BUS_CHUNK_BYTES];
};

struct bus_queue {
    struct bus_chunk *first, *last; /* read from the first, written to the last */
};

struct bus_queues {
    struct bus_queue by_priority[BUS_PRIORITIES];
    struct bus_chunk *spare;
    uint32_t spare_count;
    uint32_t waiting; /* a bit per priority that has frames */
    uint64_t messages, messages_high, messages_max;
    uint64_t bytes, bytes_high, bytes_max;
};

/* A new last chunk; TG_E_FULL where the limits forbid another frame, TG_E_NO_MEMORY. */
int bus__queue_extend(struct bus_queues *queues, uint8_t priority, size_t size,
                      struct tg_error *error);
/* The first chunk ran empty. */
void bus__queue_shorten(struct bus_queues *queues, uint8_t priority);
void bus__queue_fini(struct bus_queues *queues);
void bus__block_free(const struct bus_frame *frame);

/* Memory for a frame at the end of a queue; it counts once it is committed. */
static inline int bus__queue_claim(struct bus_queues *queues, uint8_t priority, size_t frame_size,
                                   size_t block_size, struct bus_frame **frame,
                                   struct tg_error *error)
{
    struct bus_queue *queue = &queues->by_priority[priority];
    const size_t bytes = queues->bytes + frame_size + block_size;

    if (queue->last == NULL || queue->last->end + frame_size > BUS_CHUNK_BYTES ||
        queues->messages >= queues->messages_max || bytes > queues->bytes_max) {
        const int code = bus__queue_extend(queues, priority, frame_size + block_size, error);
        if (code != TG_E_OK)
            return code;
    }
    *frame = (struct bus_frame *)(void *)(queue->last->bytes + queue->last->end);
    return TG_E_OK;
}

static inline void bus__queue_commit(struct bus_queues *queues, uint8_t priority,
                                     const struct bus_frame *frame)
{
    const size_t size = bus__frame_size(frame);

    queues->by_priority[priority].last->end += size;
    queues->bytes += size + (frame->owns_block ? frame->message.payload_size : 0);
    queues->messages++;
    queues->waiting |= 1u << priority;
    if (queues->messages > queues->messages_high)
        queues->messages_high = queues->messages;
    if (queues->bytes > queues->bytes_high)
        queues->bytes_high = queues->bytes;
}

static inline bool bus__queue_waits(const struct bus_queues *queues, uint8_t priority)
{
    return (queues->waiting >> priority & 1) != 0;
}

/* Of a queue that has one. */
static inline struct bus_frame *bus__queue_first(struct bus_queues *queues, uint8_t priority)
{
    struct bus_chunk *chunk = queues->by_priority[priority].first;

    return (struct bus_frame *)(void *)(chunk->bytes + chunk->begin);
}

/* Takes the first out; its block is freed. */
static inline void bus__queue_pop(struct bus_queues *queues, uint8_t priority)
{
    struct bus_chunk *chunk = queues->by_priority[priority].first;
    const struct bus_frame *frame = bus__queue_first(queues, priority);
    const size_t size = bus__frame_size(frame);

    queues->bytes -= size;
    queues->messages--;
    if (frame->owns_block) {
        queues->bytes -= frame->message.payload_size;
        bus__block_free(frame);
    }
    chunk->begin += size;
    if (chunk->begin == chunk->end)
        bus__queue_shorten(queues, priority);
}

#endif
