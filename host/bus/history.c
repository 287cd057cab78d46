/*
 * What was delivered, per topic: copies of frames in a ring of bytes, oldest overwritten first.
 *
 *   bytes:  [older older ......free...... oldest ... older]
 *                       ^ end             ^ slots[first & mask].offset
 *
 * Memory starts small and doubles up to the limits, so a quiet topic costs little; after that
 * nothing is allocated. Where doubling fails for want of memory, older messages give way instead.
 * A payload that travels as a block of its own is copied inline here. A message that alone exceeds
 * the limit in bytes is not kept here, only as the newest of its keys. Core thread only.
 */
#include "bus_int.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_FIRST 16384u
#define SLOTS_FIRST 64u

static size_t stored_size(const struct bus_frame *frame)
{
    return bus__round_up(sizeof(*frame) + frame->message.payload_size, 8);
}

const struct bus_frame *bus__history_at(const struct bus_history *history, uint64_t ordinal)
{
    const struct bus_slot *slot = &history->slots[ordinal & history->slot_mask];

    return (const struct bus_frame *)(const void *)(history->bytes + slot->offset);
}

/* The oldest gives way. What is still the newest of its key moves to a copy of its own. */
static inline void evict(struct bus_history *history)
{
    const struct bus_slot *slot = &history->slots[history->first & history->slot_mask];
    struct bus_latest *key = slot->key;

    if (key != NULL && !key->is_copied && key->ordinal == history->first)
        (void)bus__latest_copy(key, bus__history_at(history, history->first));
    history->first++;
}

#define NOWHERE SIZE_MAX

/* Where a frame of that size fits without evicting. */
static inline size_t find_place(const struct bus_history *history, size_t size)
{
    if (history->first == history->next)
        return size <= history->capacity ? 0 : NOWHERE;
    const size_t oldest = history->slots[history->first & history->slot_mask].offset;
    if (history->end <= oldest)
        return size <= oldest - history->end ? history->end : NOWHERE;
    /* in one piece: free are the rest and the beginning */
    if (history->capacity - history->end >= size)
        return history->end;
    return size <= oldest ? 0 : NOWHERE;
}

/* Twice the bytes, with the frames in order from 0. */
static bool grow_bytes(struct bus_history *history, size_t size)
{
    size_t capacity = history->capacity == 0 ? BYTES_FIRST : history->capacity * 2;
    size_t end = 0;

    while (capacity < size)
        capacity *= 2;
    if (capacity > history->bytes_max)
        capacity = history->bytes_max;
    if (capacity <= history->capacity)
        return false;
    unsigned char *bytes = aligned_alloc(64, bus__round_up(capacity, 64));
    if (bytes == NULL)
        return false;
    for (uint64_t ordinal = history->first; ordinal < history->next; ordinal++) {
        const struct bus_frame *frame = bus__history_at(history, ordinal);
        memcpy(bytes + end, frame, stored_size(frame));
        history->slots[ordinal & history->slot_mask].offset = end;
        end += stored_size(frame);
    }
    free(history->bytes);
    history->bytes = bytes;
    history->capacity = capacity;
    history->end = end;
    return true;
}

static bool grow_slots(struct bus_history *history)
{
    const uint64_t capacity = history->slots == NULL ? SLOTS_FIRST : (history->slot_mask + 1) * 2;
    struct bus_slot *slots = calloc(capacity, sizeof(*slots));

    if (slots == NULL)
        return false;
    for (uint64_t ordinal = history->first; history->slots != NULL && ordinal < history->next;
         ordinal++)
        slots[ordinal & (capacity - 1)] = history->slots[ordinal & history->slot_mask];
    free(history->slots);
    history->slots = slots;
    history->slot_mask = capacity - 1;
    return true;
}

/* Room for one more: a slot and `size` bytes at the offset returned; NOWHERE: it cannot be kept. */
static inline size_t make_room(struct bus_history *history, size_t size)
{
    size_t offset;

    if (size > history->bytes_max)
        return NOWHERE;
    if (history->next - history->first == history->messages_max)
        evict(history);
    if (history->slots == NULL && !grow_slots(history))
        return NOWHERE;
    if (history->next - history->first > history->slot_mask && !grow_slots(history))
        evict(history);
    while ((offset = find_place(history, size)) == NOWHERE) {
        if (history->capacity < history->bytes_max && grow_bytes(history, size))
            continue;
        if (history->first == history->next)
            return NOWHERE;
        evict(history);
    }
    return offset;
}

void bus__history_add(struct bus *bus, struct bus_topic *topic, const struct bus_frame *frame)
{
    struct bus_history *history = &topic->history;
    struct bus_latest *key = bus__latest_key(bus, topic, frame);
    const size_t size = stored_size(frame);
    const size_t offset = make_room(history, size);

    if (offset == NOWHERE) {
        if (key != NULL && bus__latest_copy(key, frame))
            bus__latest_set(&topic->index, key, frame, 0);
        return;
    }
    struct bus_frame *kept = (struct bus_frame *)(void *)(history->bytes + offset);
    if (frame->owns_block) {
        *kept = *frame;
        memcpy(kept + 1, frame->message.payload, frame->message.payload_size);
        kept->owns_block = false;
    } else {
        memcpy(kept, frame, size);
    }
    history->slots[history->next & history->slot_mask] = (struct bus_slot){offset, key};
    history->end = offset + size;
    if (key != NULL) {
        key->is_copied = false;
        bus__latest_set(&topic->index, key, frame, history->next);
    }
    history->next++;
}

void bus__history_fini(struct bus_history *history)
{
    free(history->bytes);
    free(history->slots);
}

size_t bus_get_history(const struct bus *bus, uint16_t topic, uint16_t source, int64_t since,
                       struct tg_message *messages, size_t limit)
{
    const struct bus_topic *found = bus__topic(bus, topic);
    const int64_t now = bus__now(bus);
    size_t count = 0;

    if (found == NULL)
        return 0;
    const struct bus_history *history = &found->history;
    for (uint64_t ordinal = history->next; ordinal > history->first && count < limit; ordinal--) {
        const struct bus_frame *frame = bus__history_at(history, ordinal - 1);
        if ((source != 0 && frame->source != source) || bus__frame_expiry(frame) <= now ||
            (since != 0 && frame->message.timestamp < since))
            continue;
        messages[count] = frame->message;
        messages[count++].payload = frame + 1;
    }
    return count;
}
