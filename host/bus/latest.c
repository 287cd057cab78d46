/*
 * The newest message of each (topic, symbol, source), found without looking through the history.
 *
 * Each topic has a table of keys. An exact key (symbol, source) points into the history, and to a
 * copy of its own once its message has left there; so a chatty symbol cannot push out the last word
 * on a quiet one. Keys "any source" and "any symbol" point to the exact key that was written last:
 * keeping them up costs two stores a message.
 *
 *   (BTC, ta) ---ordinal---> history        (BTC, any) --newest--> (BTC, ta)
 *   (ETH, ta) ---copy------> own memory     (any, ta)  --newest--> (BTC, ta)
 *
 * The index owns keys and copies; a key lives as long as the bus. Past BUS_LATEST_KEYS no key is
 * made: then the history is asked first. Core thread only.
 */
#include "bus_int.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_FIRST 64u

/* ---- the table ---------------------------------------------------------------------------- */

static uint32_t mix(uint32_t hash, uint16_t source, uint8_t kind)
{
    const uint64_t mixed =
        (hash ^ (uint64_t)source << 32 ^ (uint64_t)kind << 48) * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)(mixed >> 32);
}

static bool is_key(const struct bus_latest *key, const uint64_t symbol[BUS_SYMBOL_WORDS],
                   uint32_t hash, uint16_t source, uint8_t kind)
{
    uint64_t difference = 0;

    for (size_t i = 0; i < BUS_SYMBOL_WORDS; i++)
        difference |= key->symbol[i] ^ symbol[i];
    return difference == 0 && key->hash == hash && key->source == source && key->kind == kind;
}

static struct bus_latest *find_key(const struct bus_index *index,
                                   const uint64_t symbol[BUS_SYMBOL_WORDS], uint32_t hash,
                                   uint16_t source, uint8_t kind)
{
    if (index->capacity == 0)
        return NULL;
    for (uint32_t i = mix(hash, source, kind);; i++) {
        struct bus_latest *key = index->table[i & (index->capacity - 1)];
        if (key == NULL || is_key(key, symbol, hash, source, kind))
            return key;
    }
}

static void place_key(struct bus_latest **table, uint32_t capacity, struct bus_latest *key)
{
    uint32_t i = mix(key->hash, key->source, key->kind);

    while (table[i & (capacity - 1)] != NULL)
        i++;
    table[i & (capacity - 1)] = key;
}

/* Half full at most, so that every search meets a hole. */
static bool make_place(struct bus_index *index)
{
    if (index->count < index->capacity / 2)
        return true;
    const uint32_t capacity = index->capacity == 0 ? TABLE_FIRST : index->capacity * 2;
    struct bus_latest **table = calloc(capacity, sizeof(struct bus_latest *));
    if (table == NULL)
        return false;
    for (uint32_t i = 0; i < index->capacity; i++)
        if (index->table[i] != NULL)
            place_key(table, capacity, index->table[i]);
    free(index->table);
    index->table = table;
    index->capacity = capacity;
    return true;
}

static struct bus_latest *find_or_make_key(struct bus_index *index,
                                           const uint64_t symbol[BUS_SYMBOL_WORDS], uint32_t hash,
                                           uint16_t source, uint8_t kind)
{
    struct bus_latest *key = find_key(index, symbol, hash, source, kind);

    if (key != NULL)
        return key;
    if (index->count >= BUS_LATEST_KEYS || !make_place(index))
        return NULL;
    key = calloc(1, sizeof(*key));
    if (key == NULL)
        return NULL;
    memcpy(key->symbol, symbol, sizeof(key->symbol));
    key->hash = hash;
    key->source = source;
    key->kind = kind;
    place_key(index->table, index->capacity, key);
    index->count++;
    return key;
}

/* ---- writing ------------------------------------------------------------------------------ */

static struct bus_latest *make_exact(struct bus_index *index,
                                     const uint64_t symbol[BUS_SYMBOL_WORDS], uint32_t hash,
                                     uint16_t source)
{
    static const uint64_t none[BUS_SYMBOL_WORDS];
    struct bus_latest *of_symbol = find_or_make_key(index, symbol, hash, 0, BUS_LATEST_OF_SYMBOL);
    struct bus_latest *of_source = find_or_make_key(index, none, 0, source, BUS_LATEST_OF_SOURCE);

    if (of_symbol == NULL || of_source == NULL)
        return NULL;
    struct bus_latest *key = find_or_make_key(index, symbol, hash, source, BUS_LATEST_EXACT);
    if (key != NULL) {
        key->newest = key;
        key->of_symbol = of_symbol;
        key->of_source = of_source;
    }
    return key;
}

/* Is that exact key the frame's? The symbol is read where it lies. */
static inline bool is_key_of(const struct bus_latest *key, const struct bus_frame *frame,
                             const unsigned char *symbol)
{
    uint64_t difference = key->hash ^ frame->symbol_hash;

    for (size_t i = 0; i < BUS_SYMBOL_WORDS && frame->symbol_hash != 0; i++) {
        uint64_t word;
        memcpy(&word, symbol + i * sizeof(word), sizeof(word));
        difference |= word ^ key->symbol[i];
    }
    return difference == 0 && key->source == frame->source;
}

static __attribute__((noinline)) struct bus_latest *look_up_key(struct bus *bus,
                                                                struct bus_topic *topic,
                                                                const struct bus_frame *frame,
                                                                const unsigned char *where)
{
    struct bus_index *index = &topic->index;
    uint64_t symbol[BUS_SYMBOL_WORDS] = {0};

    if (frame->symbol_hash != 0)
        memcpy(symbol, where, sizeof(symbol));
    struct bus_latest *key =
        find_key(index, symbol, frame->symbol_hash, frame->source, BUS_LATEST_EXACT);
    if (key == NULL)
        key = make_exact(index, symbol, frame->symbol_hash, frame->source);
    if (key == NULL && !index->overflowed) {
        index->overflowed = true;
        OBS_WARNING(bus->options.log, "bus", "%s: no place for more than %u symbols and sources",
                    topic->name, index->count);
    }
    if (key != NULL)
        index->recent = key;
    return key;
}

struct bus_latest *bus__latest_key(struct bus *bus, struct bus_topic *topic,
                                   const struct bus_frame *frame)
{
    const unsigned char *where =
        (const unsigned char *)frame->message.payload + topic->symbol_offset;
    struct bus_latest *recent = topic->index.recent;

    if (recent != NULL && is_key_of(recent, frame, where))
        return recent;
    return look_up_key(bus, topic, frame, where);
}

static void raise_expiry(int64_t *expiry_max, int64_t expiry)
{
    if (*expiry_max < expiry)
        *expiry_max = expiry;
}

void bus__latest_set(struct bus_index *index, struct bus_latest *key, const struct bus_frame *frame,
                     uint64_t ordinal)
{
    const int64_t expiry = bus__frame_expiry(frame);

    key->ordinal = ordinal;
    key->of_symbol->newest = key;
    key->of_source->newest = key;
    index->newest = key;
    raise_expiry(&key->expiry_max, expiry);
    raise_expiry(&key->of_symbol->expiry_max, expiry);
    raise_expiry(&key->of_source->expiry_max, expiry);
    raise_expiry(&index->expiry_max, expiry);
}

bool bus__latest_copy(struct bus_latest *key, const struct bus_frame *frame)
{
    const size_t size = sizeof(*frame) + frame->message.payload_size;
    /* A frame in the history has its payload behind it, and a pointer that is out of date. */
    const void *payload = frame->owns_block ? frame->message.payload : frame + 1;

    if (key->copy_capacity < size) {
        struct bus_frame *copy = realloc(key->copy, size);
        if (copy == NULL)
            return false;
        key->copy = copy;
        key->copy_capacity = size;
    }
    *key->copy = *frame;
    key->copy->owns_block = false;
    memcpy(key->copy + 1, payload, frame->message.payload_size);
    key->is_copied = true;
    return true;
}

void bus__index_fini(struct bus_index *index)
{
    for (uint32_t i = 0; i < index->capacity; i++) {
        if (index->table[i] != NULL) {
            free(index->table[i]->copy);
            free(index->table[i]);
        }
    }
    free(index->table);
}

/* ---- reading ------------------------------------------------------------------------------ */

/* What is asked for. */
struct wanted {
    bool any_symbol;
    uint64_t symbol[BUS_SYMBOL_WORDS];
    uint32_t hash; /* 0: the symbol "", of messages without one */
    uint16_t source;
    int64_t now;
};

static bool is_wanted(const struct bus_topic *topic, const struct bus_frame *frame,
                      const struct wanted *wanted)
{
    if (wanted->source != 0 && frame->source != wanted->source)
        return false;
    if (bus__frame_expiry(frame) <= wanted->now)
        return false;
    if (wanted->any_symbol)
        return true;
    if (frame->symbol_hash != wanted->hash)
        return false;
    return wanted->hash == 0 || memcmp((const unsigned char *)(frame + 1) + topic->symbol_offset,
                                       wanted->symbol, sizeof(wanted->symbol)) == 0;
}

static const struct bus_frame *search_history(const struct bus_topic *topic,
                                              const struct wanted *wanted)
{
    const struct bus_history *history = &topic->history;

    for (uint64_t ordinal = history->next; ordinal > history->first; ordinal--) {
        const struct bus_frame *frame = bus__history_at(history, ordinal - 1);
        if (is_wanted(topic, frame, wanted))
            return frame;
    }
    return NULL;
}

static const struct bus_frame *frame_of(const struct bus_topic *topic, const struct bus_latest *key)
{
    if (key->is_copied)
        return key->copy;
    if (key->ordinal < topic->history.first || key->ordinal >= topic->history.next)
        return NULL; /* no memory for the copy when it left the history */
    return bus__history_at(&topic->history, key->ordinal);
}

/* The key that answers, and until when any of its messages lives. */
static const struct bus_latest *find_newest(const struct bus_index *index,
                                            const struct wanted *wanted, int64_t *expiry_max)
{
    static const uint64_t none[BUS_SYMBOL_WORDS];
    const struct bus_latest *key;

    if (wanted->any_symbol && wanted->source == 0) {
        *expiry_max = index->expiry_max;
        return index->newest;
    }
    if (wanted->any_symbol)
        key = find_key(index, none, 0, wanted->source, BUS_LATEST_OF_SOURCE);
    else if (wanted->source == 0)
        key = find_key(index, wanted->symbol, wanted->hash, 0, BUS_LATEST_OF_SYMBOL);
    else
        key = find_key(index, wanted->symbol, wanted->hash, wanted->source, BUS_LATEST_EXACT);
    if (key == NULL)
        return NULL;
    *expiry_max = key->expiry_max;
    return key->newest;
}

static const struct bus_frame *find_frame(const struct bus_topic *topic,
                                          const struct wanted *wanted)
{
    int64_t expiry_max = 0;
    const struct bus_frame *frame;

    if (topic->index.overflowed) {
        frame = search_history(topic, wanted);
        if (frame != NULL)
            return frame;
    }
    const struct bus_latest *key = find_newest(&topic->index, wanted, &expiry_max);
    if (key == NULL || expiry_max <= wanted->now)
        return NULL;
    frame = frame_of(topic, key);
    if (frame != NULL && bus__frame_expiry(frame) > wanted->now)
        return frame;
    return search_history(topic, wanted); /* an older one with a longer life */
}

bool bus_get_latest(const struct bus *bus, uint16_t topic, const char *symbol, uint16_t source,
                    int64_t age_max, struct tg_message *message)
{
    const struct bus_topic *found = bus__topic(bus, topic);
    struct wanted wanted = {.any_symbol = symbol == NULL, .source = source};

    if (found == NULL || (symbol != NULL && !bus__symbol_words(symbol, wanted.symbol)))
        return false;
    if (symbol != NULL && symbol[0] != '\0')
        wanted.hash = bus__symbol_hash(wanted.symbol);
    wanted.now = bus__now(bus);
    const struct bus_frame *frame = find_frame(found, &wanted);
    if (frame == NULL || (age_max != 0 && wanted.now - frame->message.timestamp > age_max))
        return false;
    *message = frame->message;
    message->payload = frame + 1;
    return true;
}
