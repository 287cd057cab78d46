/*
 * paper.c: the venue that trades on paper.
 *
 * It takes orders, watches the closed bars of market_data and fills at their prices. It never
 * touches a network, and it never makes up a price: an order for a symbol without one is refused.
 * Only bars of the shortest timeframe seen of a symbol count; the aggregates on the same topic tell
 * nothing new.
 *
 *     submit --> accepted or rejected --> rests --> bars (matching.c) --> fills
 *                                           ^ amend, cancel
 *
 * One instance is one block of constant size, used by one thread at a time. The net position of
 * each symbol is kept so that reduce-only orders never open anything, and a second one of what is
 * kept apart; balance and margin are the host's to check.
 */
#include "paper_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amounts.h"

#define NS_PER_MS INT64_C(1000000)

enum paper_key {
    PAPER_KEY_SLIPPAGE_PCT,
    PAPER_KEY_LATENCY_MS,
    PAPER_KEY_FEE_PCT,
    PAPER_KEY_PARTIAL_FILL_VOLUME_PCT,
    PAPER_KEY_COUNT
};

static const struct tg_config_key config_keys[PAPER_KEY_COUNT] = {
    [PAPER_KEY_SLIPPAGE_PCT] = {.name = "slippage_pct",
                                .type = TG_CONFIG_DECIMAL,
                                .default_text = "0.1",
                                .maximum = 10.0,
                                .description = "how much worse than the price market orders and "
                                               "stops fill, in %"},
    [PAPER_KEY_LATENCY_MS] = {.name = "latency_ms",
                              .type = TG_CONFIG_WHOLE,
                              .default_text = "100",
                              .maximum = 60000.0,
                              .description = "time until a market or limit order is at the "
                                             "venue, in ms; the next bar after it can fill it"},
    [PAPER_KEY_FEE_PCT] = {.name = "fee_pct",
                           .type = TG_CONFIG_DECIMAL,
                           .default_text = "0.26",
                           .maximum = 10.0,
                           .description = "fee in % of price x size, charged in quote currency"},
    [PAPER_KEY_PARTIAL_FILL_VOLUME_PCT] =
        {.name = "partial_fill_volume_pct",
         .type = TG_CONFIG_DECIMAL,
         .default_text = "0",
         .maximum = 100.0,
         .description =
             "at most this share of a bar's volume (base currency) is filled, in %, the rest by "
             "later bars; 0: any size fills at once"},
};

static int32_t refuse(struct tg_failure *failure, int32_t code, const char *message)
{
    failure->code = code;
    (void)snprintf(failure->message, sizeof(failure->message), "%s", message);
    return code;
}

/* ---- orders ---- */

/* Why the venue refuses an order; NULL: it does not. */
static const char *objection(const struct paper *paper, const struct tg_order *order,
                             uint32_t symbol)
{
    if (order->type >= TG_ORDER_TYPE_COUNT || order->side >= TG_SIDE_COUNT)
        return "type or side is not known";
    if (order->size.units <= 0)
        return "the size is not more than zero";
    if (order->type == TG_ORDER_TYPE_MARKET ? order->price.units != 0 : order->price.units <= 0)
        return "a market order has no price, any other has one above zero";
    if (symbol == BOOK_NONE)
        return "there is no price yet: paper trading without a price is refused";
    if (paper->host->now(paper->host->context) > order->deadline)
        return "the deadline has passed";
    const struct book_symbol *owner = &paper->book.symbols[symbol];
    int64_t notional;
    if (paper_scale(order->size.units, owner->last_price, TG_DECIMAL_ONE / 2, &notional) != 0)
        return "the amount does not fit";
    int64_t net = owner->net[order->apart != 0];
    if (order->reduce_only && (order->side == TG_SIDE_SELL ? net <= 0 : net >= 0))
        return "nothing is open that it could reduce";
    return NULL;
}

/* Market and limit orders are on their way for a while; protective legs of a position wait at the
 * venue and guard it from the next bar on. */
static int64_t effective_from(const struct paper *paper, uint8_t type)
{
    int64_t now = paper->host->now(paper->host->context);
    return type == TG_ORDER_TYPE_MARKET || type == TG_ORDER_TYPE_LIMIT ? now + paper->latency_ns
                                                                       : now;
}

static int32_t submit(void *instance, const struct tg_order *order, struct tg_failure *failure)
{
    struct paper *paper = instance;
    struct book *book = &paper->book;
    if (order->size_of < sizeof(*order) || order->symbol[0] == '\0' ||
        memchr(order->symbol, '\0', sizeof(order->symbol)) == NULL)
        return refuse(failure, TG_E_INVALID, "paper: the order or its symbol is malformed");
    paper_flush(paper);
    if (paper_outbox_room(paper) < PAPER_BAR_EVENTS)
        return refuse(failure, TG_E_FULL, "paper: events wait for the host, no order is taken");
    if (book_order_find(book, &order->id) != NULL)
        return refuse(failure, TG_E_EXISTS, "paper: an order of that client id rests already");
    uint32_t symbol = book_symbol_find(book, order->symbol);
    const char *no = objection(paper, order, symbol);
    if (no != NULL) {
        paper_say(paper, TG_EXECUTION_REJECTED, &order->id, order->symbol, no);
        return TG_E_OK;
    }
    struct book_order *resting = book_order_add(book, symbol, &order->id);
    if (resting == NULL) {
        paper_say(paper, TG_EXECUTION_REJECTED, &order->id, order->symbol, "too many orders rest");
        return TG_E_OK;
    }
    resting->type = order->type;
    resting->side = order->side;
    resting->reduce_only = order->reduce_only != 0;
    resting->apart = order->apart != 0;
    resting->remaining = order->size.units;
    resting->price = order->price.units;
    resting->from = effective_from(paper, order->type);
    paper_say(paper, TG_EXECUTION_ACCEPTED, &order->id, order->symbol, NULL);
    return TG_E_OK;
}

static int32_t cancel(void *instance, const struct tg_uuid *id, struct tg_failure *failure)
{
    struct paper *paper = instance;
    paper_flush(paper);
    if (paper_outbox_room(paper) < PAPER_BAR_EVENTS)
        return refuse(failure, TG_E_FULL, "paper: events wait for the host");
    struct book_order *order = book_order_find(&paper->book, id);
    if (order == NULL)
        return refuse(failure, TG_E_NOT_FOUND, "paper: no order of that client id rests");
    paper_say(paper, TG_EXECUTION_CANCELLED, id, paper->book.symbols[order->symbol].name,
              "cancelled by the client");
    book_order_remove(&paper->book, order);
    return TG_E_OK;
}

static int32_t amend(void *instance, const struct tg_uuid *id, struct tg_decimal size,
                     struct tg_decimal price, struct tg_failure *failure)
{
    struct paper *paper = instance;
    struct book_order *order = book_order_find(&paper->book, id);
    if (order == NULL)
        return refuse(failure, TG_E_NOT_FOUND, "paper: no order of that client id rests");
    if (size.units <= 0 || price.units <= 0)
        return refuse(failure, TG_E_INVALID, "paper: size and price are more than zero");
    if (order->type == TG_ORDER_TYPE_MARKET || order->triggered)
        return refuse(failure, TG_E_STATE, "paper: a market order cannot be changed");
    order->remaining = size.units;
    order->price = price.units;
    order->from = effective_from(paper, order->type);
    return TG_E_OK;
}

/* ---- prices ---- */

static int32_t on_message(void *instance, const struct tg_message *message,
                          struct tg_failure *failure)
{
    struct paper *paper = instance;
    (void)failure;
    if (message->topic != TG_TOPIC_MARKET_DATA)
        return TG_E_OK;
    const struct tg_market_data *bar = message->payload;
    if (!bar->closed || bar->timeframe >= TG_TIMEFRAME_COUNT)
        return TG_E_OK;
    uint32_t number = book_symbol_add(&paper->book, bar->symbol);
    if (number == BOOK_NONE) {
        if (paper->symbols_refused++ == 0)
            paper->host->log(paper->host->context, TG_LOG_WARNING,
                             "paper: more than 256 symbols; orders of further ones are refused");
        return TG_E_OK;
    }
    struct book_symbol *symbol = &paper->book.symbols[number];
    int64_t open_time = TG_HAS(bar, MARKET_DATA, open_time)
                            ? bar->open_time
                            : message->timestamp - paper_timeframe_ns(bar->timeframe);
    /* aggregates say nothing new, and a bar that comes again fills nothing again */
    if (bar->timeframe > symbol->timeframe || open_time <= symbol->last_open)
        return TG_E_OK;
    symbol->timeframe = bar->timeframe;
    symbol->last_open = open_time;
    symbol->last_price = bar->close.units;
    if (paper->outbox_count > 0)
        paper_flush(paper);
    if (symbol->first != BOOK_NONE)
        paper_match(paper, symbol, bar, open_time);
    return TG_E_OK;
}

/* ---- life ---- */

static int32_t create(const struct tg_host *host, const struct tg_config *config, void **instance,
                      struct tg_failure *failure)
{
    struct paper *paper = calloc(1, sizeof(*paper));
    if (paper == NULL)
        return refuse(failure, TG_E_NO_MEMORY, "paper: out of memory");
    paper->host = host;
    paper->slippage_pct = config->values[PAPER_KEY_SLIPPAGE_PCT].decimal.units;
    paper->fee_pct = config->values[PAPER_KEY_FEE_PCT].decimal.units;
    paper->volume_pct = config->values[PAPER_KEY_PARTIAL_FILL_VOLUME_PCT].decimal.units;
    paper->latency_ns = config->values[PAPER_KEY_LATENCY_MS].whole * NS_PER_MS;
    book_init(&paper->book);
    *instance = paper;
    return TG_E_OK;
}

static void destroy(void *instance)
{
    free(instance);
}

static const struct tg_venue_functions venue_functions = {
    .size = sizeof(struct tg_venue_functions),
    .submit = submit,
    .cancel = cancel,
    .amend = amend,
};

static const char *const publishes[] = {"execution_events", NULL};
static const char *const reads[] = {"market_data", NULL};

const struct tg_plugin triplegain_plugin_1 = {
    .magic = TG_ABI_MAGIC,
    .size = sizeof(struct tg_plugin),
    .major = TG_ABI_MAJOR,
    .minor = TG_ABI_MINOR,
    .fingerprint = TG_ABI_FINGERPRINT,
    .name = "paper",
    .version = "1.0.0",
    .description = "fills orders on paper at the prices of the feed; never touches a network",
    .kind = TG_KIND_VENUE,
    .capabilities = TG_CAPABILITY_CORE_SAFE,
    .publishes = publishes,
    .reads = reads,
    .config_keys = config_keys,
    .config_key_count = PAPER_KEY_COUNT,
    .create = create,
    .destroy = destroy,
    .on_message = on_message,
    .venue = &venue_functions,
};
