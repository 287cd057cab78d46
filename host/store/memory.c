/*
 * A bounded window of decisions as JSON text, and a file of JSON lines beside it.
 *
 *   decisions: ring of {ids, text}; the oldest leave when the count or the bytes go over the limit
 *
 * The store owns the texts and the file (lines.c). A write that failed is told by the call that
 * caused it and again by store_finish.
 */
#include "store/store.h"
#include "store_int.h"

#include "base/uuid.h"

#include <stdlib.h>
#include <string.h>

struct kept {
    struct tg_uuid signal_id, order_id, position_id;
    char *text;
    size_t length;
};

struct store {
    struct kept *window; /* ring of `capacity` */
    size_t capacity, first, count;
    size_t bytes, bytes_max;
    struct store__lines lines; /* its file NULL: memory alone */
    struct tg_buffer line;
    struct trade *trade;                                         /* borrowed */
    struct coord_scheduled_trade scheduled[COORD_SCHEDULED_MAX]; /* in order of their first put */
    size_t scheduled_count;
    struct store_counters counters;
};

int store_create(const struct store_options *options, struct store **result, struct tg_error *error)
{
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return TG_FAIL(error, NO_MEMORY, "store: out of memory");
    store->capacity = options->decisions_max > 0 ? options->decisions_max : STORE_DECISIONS_MAX;
    store->bytes_max = options->bytes_max > 0 ? options->bytes_max : STORE_WINDOW_BYTES;
    tg_buffer_init(&store->line, 1024u * 1024u);
    store->window = calloc(store->capacity, sizeof(*store->window));
    if (store->window == NULL) {
        store_destroy(store);
        return TG_FAIL(
            error, NO_MEMORY, "store: out of memory for %zu decisions",
            (size_t)(options->decisions_max > 0 ? options->decisions_max : STORE_DECISIONS_MAX));
    }
    int code = options->decisions_path != NULL
                   ? store__lines_open(&store->lines, options->decisions_path, error)
                   : 0;
    if (code != 0) {
        store_destroy(store);
        return TG_PASS(error, code);
    }
    *result = store;
    return 0;
}

int store_finish(struct store *store, struct tg_error *error)
{
    return store->lines.file != NULL ? store__lines_finish(&store->lines, error) : 0;
}

void store_destroy(struct store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; store->window != NULL && i < store->count; i++)
        free(store->window[(store->first + i) % store->capacity].text);
    free(store->window);
    tg_buffer_fini(&store->line);
    store__lines_close(&store->lines);
    free(store);
}

static void forget_oldest(struct store *store)
{
    struct kept *oldest = &store->window[store->first];
    store->bytes -= oldest->length;
    free(oldest->text);
    memset(oldest, 0, sizeof(*oldest));
    store->first = (store->first + 1) % store->capacity;
    store->count--;
    store->counters.decisions_forgotten++;
}

static int put_decision(void *context, const struct coord_decision *decision,
                        struct tg_error *error)
{
    struct store *store = context;
    struct tg_json_writer json;
    tg_buffer_clear(&store->line);
    tg_json_begin(&json, &store->line);
    coord_decision_write_json(decision, &json);
    if (store->line.failed)
        return TG_FAIL(error, OVERFLOW, "a decision does not fit into %zu bytes",
                       store->line.limit);
    store->counters.decisions++;
    int code = 0;
    if (store->lines.file != NULL)
        code = store__lines_add(&store->lines, store->line.data, store->line.length, error);
    char *text = malloc(store->line.length + 1);
    if (text == NULL)
        return TG_FAIL(error, NO_MEMORY, "store: out of memory for a decision");
    memcpy(text, store->line.data, store->line.length + 1);
    while (store->count == store->capacity ||
           (store->count > 0 && store->bytes + store->line.length > store->bytes_max))
        forget_oldest(store);
    struct kept *kept = &store->window[(store->first + store->count) % store->capacity];
    *kept = (struct kept){.signal_id = decision->id,
                          .order_id = decision->order_id,
                          .position_id = decision->position_id,
                          .text = text,
                          .length = store->line.length};
    store->count++;
    store->bytes += kept->length;
    return code;
}

static int put_transition(void *context, const struct coord_transition *transition,
                          struct tg_error *error)
{
    (void)transition;
    (void)error;
    struct store *store = context;
    store->counters.transitions++;
    return 0;
}

static size_t find_scheduled(const struct store *store, const char *key)
{
    size_t i = 0;
    while (i < store->scheduled_count && strcmp(store->scheduled[i].key, key) != 0)
        i++;
    return i;
}

static int put_scheduled(void *context, const struct coord_scheduled_trade *trade,
                         struct tg_error *error)
{
    struct store *store = context;
    size_t i = find_scheduled(store, trade->key);
    if (i == COORD_SCHEDULED_MAX)
        return TG_FAIL(error, FULL, "store: more than %u trades for later", COORD_SCHEDULED_MAX);
    if (i == store->scheduled_count)
        store->scheduled_count++;
    store->scheduled[i] = *trade;
    return 0;
}

static int remove_scheduled(void *context, const char *key, struct tg_error *error)
{
    struct store *store = context;
    size_t i = find_scheduled(store, key);
    if (i == store->scheduled_count)
        return TG_FAIL(error, NOT_FOUND, "store: no trade for later has the key %s", key);
    store->scheduled_count--;
    memmove(&store->scheduled[i], &store->scheduled[i + 1],
            (store->scheduled_count - i) * sizeof(store->scheduled[0]));
    return 0;
}

static bool scheduled_at(void *context, size_t index, struct coord_scheduled_trade *trade)
{
    const struct store *store = context;
    if (index >= store->scheduled_count)
        return false;
    *trade = store->scheduled[index];
    return true;
}

struct coord_store store_for_coordinator(struct store *store)
{
    return (struct coord_store){.decision = put_decision,
                                .transition = put_transition,
                                .scheduled_put = put_scheduled,
                                .scheduled_remove = remove_scheduled,
                                .scheduled_at = scheduled_at,
                                .context = store};
}

static int put_order(void *context, const struct trade_order *order, struct tg_error *error)
{
    struct store *store = context;
    if (store->trade == NULL)
        return TG_FAIL(error, STATE, "store: an order before store_set_trade");
    store->counters.orders++;
    if (order->state == TRADE_ORDER_INTENDED)
        trade_intent_stored(store->trade, &order->id, true);
    return 0;
}

void store_set_trade(struct store *store, struct trade *trade)
{
    store->trade = trade;
}

static int put_fill(void *context, const struct trade_fill *fill, struct tg_error *error)
{
    (void)fill;
    (void)error;
    struct store *store = context;
    store->counters.fills++;
    return 0;
}

static int put_position(void *context, const struct trade_position *position,
                        struct tg_error *error)
{
    (void)position;
    (void)error;
    struct store *store = context;
    store->counters.positions++;
    return 0;
}

struct trade_journal store_journal(struct store *store)
{
    return (struct trade_journal){
        .order = put_order, .fill = put_fill, .position = put_position, .context = store};
}

const char *store_decision_at(const struct store *store, size_t index)
{
    return index < store->count ? store->window[(store->first + index) % store->capacity].text
                                : NULL;
}

size_t store_decision_count(const struct store *store)
{
    return store->count;
}

const char *store_decision_find(const struct store *store, const struct tg_uuid *id)
{
    if (tg_uuid_is_none(id)) /* that of every decision without an order */
        return NULL;
    for (size_t i = store->count; i > 0; i--) {
        const struct kept *kept = &store->window[(store->first + i - 1) % store->capacity];
        if (tg_uuid_equal(&kept->signal_id, id) || tg_uuid_equal(&kept->order_id, id) ||
            tg_uuid_equal(&kept->position_id, id))
            return kept->text;
    }
    return NULL;
}

void store_get_counters(const struct store *store, struct store_counters *counters)
{
    *counters = store->counters;
}
