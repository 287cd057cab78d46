/*
 * From what a publisher says to a frame: planned (is there such a topic, such a source, how much
 * memory), then filled in its final place, in a queue or in a ring. The payload is checked after it
 * was copied, so that nobody can change it between the check and the delivery. Runs on the core
 * thread and on publishing threads: it reads of the bus only what those may read. A block for a
 * large payload belongs to the frame once it is filled; a refused draft leaves nothing behind.
 */
#include "bus_int.h"

#include <stdlib.h>
#include <string.h>

/* ---- symbols ------------------------------------------------------------------------------ */

bool bus__symbol_words(const char *symbol, uint64_t words[BUS_SYMBOL_WORDS])
{
    const size_t length = strnlen(symbol, TG_SYMBOL_SIZE);

    if (length == TG_SYMBOL_SIZE)
        return false;
    memset(words, 0, TG_SYMBOL_SIZE);
    memcpy(words, symbol, length);
    return true;
}

/* Never 0, which stands for no symbol. Multiply and fold, as in wyhash. */
uint32_t bus__symbol_hash(const uint64_t words[BUS_SYMBOL_WORDS])
{
    uint64_t hash = words[0] ^ UINT64_C(0x9e3779b97f4a7c15);

    for (size_t i = 0; i < BUS_SYMBOL_WORDS; i++) {
        hash = (hash ^ words[i]) * UINT64_C(0xd6e8feb86659fd93);
        hash ^= hash >> 32;
    }
    return (uint32_t)hash | 1u;
}

/* Zeros behind the end of a symbol that was found good, so that symbols compare as words. */
static uint32_t settle_symbol(char *symbol)
{
    uint64_t words[BUS_SYMBOL_WORDS];
    size_t length = strnlen(symbol, TG_SYMBOL_SIZE);

    while (length < TG_SYMBOL_SIZE)
        symbol[length++] = '\0';
    memcpy(words, symbol, sizeof(words));
    return bus__symbol_hash(words);
}

/* ---- planning ----------------------------------------------------------------------------- */

static bool is_own_topic(const struct bus *bus, uint16_t topic)
{
    const uint32_t count = atomic_load_explicit(&bus->own_topic_count, memory_order_acquire);

    return topic >= TG_TOPIC_OWN_FIRST && topic < TG_TOPIC_OWN_FIRST + count;
}

static int plan_size(const struct bus_draft *draft, struct bus_plan *plan, struct tg_error *error)
{
    const char *name = plan->schema != NULL ? plan->schema->topic : "payload";

    if (draft->payload == NULL || draft->payload_size == 0)
        return TG_FAIL(error, INVALID, "%s: the payload is missing", name);
    if (plan->schema != NULL && draft->payload_size != plan->schema->record_size)
        return TG_FAIL(error, INVALID, "%s: a record of %u bytes was given (%u are required)", name,
                       draft->payload_size, plan->schema->record_size);
    if (draft->payload_size > BUS_PAYLOAD_MAX)
        return TG_FAIL(error, RANGE, "%s: %u bytes are too many (at most %u)", name,
                       draft->payload_size, BUS_PAYLOAD_MAX);
    plan->owns_block = draft->payload_size > BUS_INLINE_MAX;
    plan->frame_size = (uint32_t)bus__round_up(
        sizeof(struct bus_frame) + (plan->owns_block ? 0 : draft->payload_size), 8);
    return TG_E_OK;
}

int bus__draft_plan(const struct bus *bus, const struct bus_draft *draft, struct bus_plan *plan,
                    struct tg_error *error)
{
    const uint32_t sources = atomic_load_explicit(&bus->source_count, memory_order_acquire);

    plan->schema = schema_of(draft->topic);
    plan->priority = draft->priority == TG_PRIORITY_NONE ? TG_PRIORITY_NORMAL : draft->priority;
    plan->ttl_seconds = draft->ttl_seconds == 0 ? BUS_TTL_SECONDS : draft->ttl_seconds;
    if (plan->schema == NULL && !is_own_topic(bus, draft->topic))
        return TG_FAIL(error, NOT_FOUND, "topic: there is no topic %u", draft->topic);
    if (draft->source == 0 || draft->source > sources)
        return TG_FAIL(error, INVALID, "source: there is no source %u", draft->source);
    if (plan->priority > TG_PRIORITY_URGENT)
        return TG_FAIL(error, RANGE, "priority: %u is out of range (1 to 4)", draft->priority);
    if (plan->ttl_seconds > BUS_TTL_SECONDS_MAX)
        return TG_FAIL(error, RANGE, "ttl_seconds: %u is out of range (1 to %u)",
                       draft->ttl_seconds, BUS_TTL_SECONDS_MAX);
    const int code = plan_size(draft, plan, error);
    return code == TG_E_OK ? code : TG_PASS(error, code);
}

/* ---- filling ------------------------------------------------------------------------------ */

static uint32_t settle_record(const struct schema *schema, unsigned char *record)
{
    uint64_t present;

    if (schema->symbol_field < 0)
        return 0;
    const struct schema_field *field = &schema->fields[schema->symbol_field];
    memcpy(&present, record, sizeof(present));
    if (!field->required && (present >> schema->symbol_field & 1) == 0)
        return 0;
    return settle_symbol((char *)record + field->offset);
}

int bus__draft_fill(const struct bus *bus, const struct bus_draft *draft,
                    const struct bus_plan *plan, struct tg_uuid7 *ids, struct bus_frame *frame,
                    struct tg_error *error)
{
    unsigned char *payload = (unsigned char *)(frame + 1);
    int code;

    if (plan->owns_block) {
        payload = malloc(draft->payload_size);
        if (payload == NULL)
            return TG_FAIL(error, NO_MEMORY, "no memory for a payload of %u bytes",
                           draft->payload_size);
    }
    memcpy(payload, draft->payload, draft->payload_size);
    if (plan->schema != NULL)
        code = schema_check(draft->topic, payload, draft->payload_size, error);
    else
        code = schema_check_own((const char *)payload, draft->payload_size, error);
    if (code != TG_E_OK) {
        if (plan->schema == NULL)
            tg_error_prefix(error, "%s: ", bus->topics[draft->topic]->name);
        if (plan->owns_block)
            free(payload);
        return TG_PASS(error, code);
    }
    frame->symbol_hash = plan->schema != NULL ? settle_record(plan->schema, payload) : 0;
    frame->sequence = 0;
    frame->source = draft->source;
    frame->owns_block = plan->owns_block;
    frame->reserved = 0;

    struct tg_message *message = &frame->message;
    message->timestamp = tg_clock_utc(&bus->options.clock);
    message->id = tg_uuid7_next(ids, message->timestamp);
    message->correlation_id = draft->correlation_id;
    message->size = sizeof(*message);
    message->topic = draft->topic;
    message->priority = plan->priority;
    message->reserved = 0;
    message->ttl_seconds = plan->ttl_seconds;
    message->payload_size = draft->payload_size;
    message->payload = payload;
    message->source = bus->source_names[draft->source - 1];
    return TG_E_OK;
}
