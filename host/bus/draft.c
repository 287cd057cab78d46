/*
 * From what a publisher says to a frame: planned (is there such a topic, such a source, how much
 * memory), then filled in its final place, in a queue or in a ring. The payload is checked after it
 * was copied, so that nobody can change it between the check and the delivery. Runs on the core
 * thread and on publishing threads: it reads of the bus only what those may read. A block for a
 * large payload belongs to the frame once it is filled; a refused draft leaves nothing behind.
 */
#include "bus_int.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define HASH_START       UINT64_C(0x9e3779b97f4a7c15)
#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* ---- symbols ------------------------------------------------------------------------------ */

bool bus__symbol_words(const char *symbol, uint64_t words[BUS_SYMBOL_WORDS])
{
    memset(words, 0, TG_SYMBOL_SIZE);
    for (size_t i = 0; i < BUS_SYMBOL_WORDS; i++) {
        uint64_t word = 0;
        for (unsigned shift = 0; shift < 64; shift += 8) {
            if (*symbol == '\0') {
                words[i] = htole64(word);
                return true;
            }
            word |= (uint64_t)(unsigned char)*symbol++ << shift;
        }
        words[i] = htole64(word);
    }
    return false;
}

/* Multiply and fold, as in wyhash. */
static inline uint64_t hash_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0xd6e8feb86659fd93);
    return hash ^ hash >> 32;
}

/* Of the words up to the end of the symbol. Never 0, which stands for no symbol. */
uint32_t bus__symbol_hash(const uint64_t words[BUS_SYMBOL_WORDS])
{
    uint64_t hash = HASH_START;

    for (size_t i = 0; i < BUS_SYMBOL_WORDS && words[i] != 0; i++)
        hash = hash_word(hash, words[i]);
    return (uint32_t)hash | 1u;
}

/*
 * Zeros behind the end of a symbol that was found good, so that symbols compare as words; gives its
 * hash. A word at a time, each read and written as one: what was just copied is read at once.
 */
static uint32_t settle_symbol(unsigned char *symbol)
{
    const uint64_t zero = 0;
    uint64_t hash = HASH_START;
    uint64_t word, ends = 0;
    size_t i = 0;

    for (; i < BUS_SYMBOL_WORDS && ends == 0; i++) {
        memcpy(&word, symbol + i * sizeof(word), sizeof(word));
        const uint64_t text = le64toh(word);
        ends = (text - EACH_BYTE(1)) & ~text & EACH_BYTE(0x80);
        if (ends != 0) { /* its lowest bit is the top bit of the first NUL */
            word = htole64(text & (((ends & -ends) >> 7) - 1));
            memcpy(symbol + i * sizeof(word), &word, sizeof(word));
        }
        if (word != 0)
            hash = hash_word(hash, word);
    }
    for (; i < BUS_SYMBOL_WORDS; i++)
        memcpy(symbol + i * sizeof(word), &zero, sizeof(zero));
    return (uint32_t)hash | 1u;
}

/* ---- planning ----------------------------------------------------------------------------- */

static bool is_own_topic(const struct bus *bus, uint16_t topic)
{
    const uint32_t count = atomic_load_explicit(&bus->own_topic_count, memory_order_acquire);

    return topic >= TG_TOPIC_OWN_FIRST && topic < TG_TOPIC_OWN_FIRST + count;
}

void bus__form_init(struct bus_form *form, const struct schema *schema)
{
    form->payload_size = schema->record_size;
    form->frame_size = (uint32_t)bus__round_up(sizeof(struct bus_frame) + schema->record_size, 8);
    if (schema->symbol_field < 0)
        return;
    const struct schema_field *field = &schema->fields[schema->symbol_field];
    form->symbol_offset = field->offset;
    form->symbol_bit = field->required ? 0 : UINT64_C(1) << schema->symbol_field;
}

#define IS_SMALL(NAME, name)                                                                       \
    _Static_assert(sizeof(struct tg_##name) <= BUS_INLINE_MAX, "records travel inline");
TG_TOPIC_LIST(IS_SMALL)

/* What is wrong with it, or an own topic. */
int bus__draft_plan_slowly(const struct bus *bus, const struct bus_draft *draft,
                           struct bus_plan *plan, struct tg_error *error)
{
    const struct schema *schema = schema_of(draft->topic);
    const uint32_t sources = atomic_load_explicit(&bus->source_count, memory_order_acquire);

    if (schema == NULL && !is_own_topic(bus, draft->topic))
        return TG_FAIL(error, NOT_FOUND, "topic: there is no topic %u", draft->topic);
    if (draft->source == 0 || draft->source > sources)
        return TG_FAIL(error, INVALID, "source: there is no source %u", draft->source);
    if (draft->priority > TG_PRIORITY_URGENT)
        return TG_FAIL(error, RANGE, "priority: %u is out of range (1 to 4)", draft->priority);
    if (draft->ttl_seconds > BUS_TTL_SECONDS_MAX)
        return TG_FAIL(error, RANGE, "ttl_seconds: %u is out of range (1 to %u)",
                       draft->ttl_seconds, BUS_TTL_SECONDS_MAX);
    if (plan->hops > BUS_HOPS_MAX)
        return TG_FAIL(error, RANGE,
                       "hops: %u is out of range (0 to %u): messages answer each other in a circle",
                       plan->hops, BUS_HOPS_MAX);
    const char *name = bus->topics[draft->topic]->name;
    if (draft->payload == NULL || draft->payload_size == 0)
        return TG_FAIL(error, INVALID, "%s: the payload is missing", name);
    if (schema != NULL)
        return TG_FAIL(error, INVALID, "%s: a record of %u bytes was given (%u are required)", name,
                       draft->payload_size, schema->record_size);
    if (draft->payload_size > BUS_PAYLOAD_MAX)
        return TG_FAIL(error, RANGE, "%s: %u bytes are too many (at most %u)", name,
                       draft->payload_size, BUS_PAYLOAD_MAX);
    plan->form = NULL;
    plan->ttl_seconds = draft->ttl_seconds == 0 ? BUS_TTL_SECONDS : draft->ttl_seconds;
    plan->priority = draft->priority == TG_PRIORITY_NONE ? TG_PRIORITY_NORMAL : draft->priority;
    plan->owns_block = draft->payload_size > BUS_INLINE_MAX;
    plan->frame_size = (uint32_t)bus__round_up(
        sizeof(struct bus_frame) + (plan->owns_block ? 0 : draft->payload_size), 8);
    return TG_E_OK;
}

/* ---- filling ------------------------------------------------------------------------------ */

/* The payload of an own topic, in the frame or in a block of its own. */
static int copy_text(const struct bus *bus, const struct bus_draft *draft,
                     const struct bus_plan *plan, struct bus_frame *frame, struct tg_error *error)
{
    char *text = plan->owns_block ? malloc(draft->payload_size) : (char *)(frame + 1);

    if (text == NULL)
        return TG_FAIL(error, NO_MEMORY, "no memory for a payload of %u bytes",
                       draft->payload_size);
    memcpy(text, draft->payload, draft->payload_size);
    const int code = schema_check_own(text, draft->payload_size, error);
    if (code != TG_E_OK) {
        tg_error_prefix(error, "%s: ", bus->topics[draft->topic]->name);
        if (plan->owns_block)
            free(text);
        return TG_PASS(error, code);
    }
    frame->symbol_hash = 0;
    frame->message.payload = text;
    return TG_E_OK;
}

static inline int copy_record(const struct bus_draft *draft, const struct bus_form *form,
                              struct bus_frame *frame, struct tg_error *error)
{
    unsigned char *record = (unsigned char *)(frame + 1);
    uint64_t present;

    memcpy(record, draft->payload, form->payload_size);
    const int code = schema_check(draft->topic, record, form->payload_size, error);
    if (code != TG_E_OK)
        return TG_PASS(error, code);
    memcpy(&present, record, sizeof(present));
    frame->symbol_hash = 0;
    if (form->symbol_offset != 0 && (form->symbol_bit == 0 || (present & form->symbol_bit) != 0))
        frame->symbol_hash = settle_symbol(record + form->symbol_offset);
    frame->message.payload = record;
    return TG_E_OK;
}

int bus__draft_fill(const struct bus *bus, const struct bus_draft *draft,
                    const struct bus_plan *plan, int64_t now, struct tg_uuid7 *ids,
                    struct bus_frame *frame, struct tg_error *error)
{
    const int code = plan->form != NULL ? copy_record(draft, plan->form, frame, error)
                                        : copy_text(bus, draft, plan, frame, error);

    if (code != TG_E_OK)
        return code;
    frame->source = draft->source;
    frame->owns_block = plan->owns_block;
    frame->hops = plan->hops;

    struct tg_message *message = &frame->message;
    message->timestamp = now;
    message->id = tg_uuid7_next(ids, now);
    message->correlation_id = draft->correlation_id;
    message->size = sizeof(*message);
    message->topic = draft->topic;
    message->priority = plan->priority;
    message->reserved = 0;
    message->ttl_seconds = plan->ttl_seconds;
    message->payload_size = draft->payload_size;
    message->source = bus->source_names[draft->source - 1];
    return TG_E_OK;
}
