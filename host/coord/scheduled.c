/*
 * Trades that wait for their time: batches of a rebalance, purchases for hodl bags.
 *
 *               due, its batch's sells are through        decision ended
 *   waiting ------------------------------------> open ----------------> gone
 *      ^                                            |  a sell: ordered --> gone, when its order is
 *      +---- a purchase that was not made ----------+                      final
 *
 * Each is in the store before it is in the table, and leaves the store when its decision has ended:
 * a restart in between finds it again, and its key makes the same order id, so that it becomes one
 * order at most. When it is due it becomes a decision like any other, in order of scheduling, and
 * is judged by risk then. In a host that is not RUNNING it ends as ignored_state: that batch is
 * over, the next one comes at its own time. A batch that is found more than LATE_NS after its time
 * (the host was off, the clock jumped) ends as timeout; it is not made up for.
 *
 * Buys of a batch wait until the sells of the same batch have filled, at most SELLS_NS.
 *
 * The table is fixed and owned by the coordinator. Core thread.
 */
#include "base/decimal.h"
#include "base/text.h"
#include "base/uuid.h"
#include "coord_int.h"
#include "obs/obs.h"

#include <stdio.h>
#include <string.h>

#define LATE_NS  TG_NS_PER_HOUR
#define SELLS_NS (30 * TG_NS_PER_MIN)

struct tg_uuid coord__id_of(const struct tg_uuid *id, uint32_t number)
{
    struct tg_uuid result = *id;
    uint32_t tail = ((uint32_t)result.bytes[14] << 8 | result.bytes[15]) + number;
    result.bytes[14] = (uint8_t)(tail >> 8 & 0xff);
    result.bytes[15] = (uint8_t)(tail & 0xff);
    return result;
}

static void changed(struct coord *coord)
{
    coord->scheduled_overdue = true; /* whether it is, the next look will tell */
}

static void store_failed(struct coord *coord, const char *symbol, const struct tg_error *error)
{
    OBS_ERROR(coord->options.log, "coord", "a trade for later could not be stored: %s",
              error->message);
    coord__alert(coord, "store_failed", TG_SEVERITY_HIGH, TG_BREACH_STORE_UNAVAILABLE, symbol,
                 error->message);
}

static int put(struct coord *coord, const struct coord_scheduled_trade *trade,
               struct tg_error *error)
{
    const struct coord_store *store = &coord->options.store;
    struct tg_error cause = {0};
    int code =
        store->scheduled_put != NULL ? store->scheduled_put(store->context, trade, &cause) : 0;
    if (code == 0)
        return 0;
    store_failed(coord, trade->symbol, &cause);
    return tg_error_set(error, code, __FILE__, __LINE__, __func__,
                        "a trade for later could not be stored: %.300s", cause.message);
}

static void forget(struct coord *coord, const struct coord_scheduled_trade *trade)
{
    const struct coord_store *store = &coord->options.store;
    struct tg_error cause = {0};
    if (store->scheduled_remove != NULL &&
        store->scheduled_remove(store->context, trade->key, &cause) != 0)
        store_failed(coord, trade->symbol, &cause);
}

int coord__schedule(struct coord *coord, const struct coord_scheduled_trade *trade,
                    struct tg_error *error)
{
    if (coord->scheduled_count == COORD_SCHEDULED_MAX)
        return TG_FAIL(error, FULL, "%u trades wait for their time, no more are allowed",
                       COORD_SCHEDULED_MAX);
    int code = put(coord, trade, error);
    if (code != 0)
        return code;
    coord->scheduled[coord->scheduled_count++] =
        (struct coord_scheduled){.trade = *trade, .state = COORD_SCHEDULED_WAITING};
    changed(coord);
    return 0;
}

int coord__reschedule(struct coord *coord, uint32_t index,
                      const struct coord_scheduled_trade *trade, struct tg_error *error)
{
    struct coord_scheduled *entry = &coord->scheduled[index];
    int code = put(coord, trade, error);
    if (code != 0)
        return code;
    if (!tg_text_equal(entry->trade.key, trade->key))
        forget(coord, &entry->trade);
    entry->trade = *trade;
    entry->state = COORD_SCHEDULED_WAITING;
    changed(coord);
    return 0;
}

static void drop(struct coord *coord, uint32_t index)
{
    coord->scheduled_count--;
    memmove(&coord->scheduled[index], &coord->scheduled[index + 1],
            (coord->scheduled_count - index) * sizeof(coord->scheduled[0]));
    changed(coord);
}

void coord__unschedule(struct coord *coord, uint32_t index)
{
    forget(coord, &coord->scheduled[index].trade);
    drop(coord, index);
}

int coord__scheduled_load(struct coord *coord, struct tg_error *error)
{
    const struct coord_store *store = &coord->options.store;
    struct coord_scheduled_trade trade;
    for (size_t i = 0;
         store->scheduled_at != NULL && store->scheduled_at(store->context, i, &trade); i++) {
        if (coord->scheduled_count == COORD_SCHEDULED_MAX)
            return TG_FAIL(error, FULL, "the store has more than %u trades for later",
                           COORD_SCHEDULED_MAX);
        coord->scheduled[coord->scheduled_count++] = (struct coord_scheduled){.trade = trade};
        changed(coord);
    }
    return 0;
}

size_t coord_scheduled_count(const struct coord *coord)
{
    return coord->scheduled_count;
}

/* ---- their end ---- */

static bool same_batch(const struct coord_scheduled_trade *a, const struct coord_scheduled_trade *b)
{
    return a->kind == b->kind && a->slot == b->slot && a->batch == b->batch &&
           tg_text_equal(a->agent, b->agent);
}

/* A sell has filled. Where its batch has nothing more to come the cool-down begins, as it does by
 * itself where a buy fills; trade is busy now, so a little later. */
static void sold(struct coord *coord, const struct coord_scheduled_trade *sell)
{
    for (uint32_t i = 0; i < coord->scheduled_count; i++)
        if (same_batch(&coord->scheduled[i].trade, sell))
            return;
    coord->rebalanced = true;
}

static bool fills_later(const struct coord *coord, const struct coord_decision *decision)
{
    const struct trade_order *order = trade_order_find(coord->options.trade, &decision->order_id);
    return decision->outcome == COORD_OUTCOME_EXECUTED && order != NULL &&
           !trade_order_state_is_final((enum trade_order_state)order->state);
}

void coord__scheduled_ended(struct coord *coord, const struct coord_decision *decision)
{
    uint32_t index = 0;
    while (index < coord->scheduled_count &&
           (coord->scheduled[index].state != COORD_SCHEDULED_OPEN ||
            !tg_text_equal(coord->scheduled[index].trade.key, decision->key)))
        index++;
    if (index == coord->scheduled_count)
        return;
    struct coord_scheduled *entry = &coord->scheduled[index];
    if (entry->trade.kind == COORD_KIND_HODL) {
        coord__hodl_ended(coord, index, decision);
    } else if (entry->trade.side == TG_SIDE_SELL && fills_later(coord, decision)) {
        forget(coord, &entry->trade);
        entry->state = COORD_SCHEDULED_ORDERED;
        entry->order_id = decision->order_id;
    } else {
        coord__unschedule(coord, index);
    }
}

void coord__scheduled_order(struct coord *coord, const struct trade_order *order)
{
    if (!trade_order_state_is_final((enum trade_order_state)order->state))
        return;
    for (uint32_t i = 0; i < coord->scheduled_count; i++)
        if (coord->scheduled[i].state == COORD_SCHEDULED_ORDERED &&
            tg_uuid_equal(&coord->scheduled[i].order_id, &order->id)) {
            struct coord_scheduled_trade sell = coord->scheduled[i].trade;
            drop(coord, i);
            if (tg_decimal_is_positive(order->filled_size))
                sold(coord, &sell);
            return;
        }
}

/* ---- due ---- */

/* A buy whose batch still has a sell under way or to come. */
static bool waits_for_sells(const struct coord *coord, const struct coord_scheduled_trade *trade)
{
    if (trade->kind != COORD_KIND_REBALANCE || trade->side != TG_SIDE_BUY)
        return false;
    for (uint32_t i = 0; i < coord->scheduled_count; i++)
        if (coord->scheduled[i].trade.side == TG_SIDE_SELL &&
            same_batch(&coord->scheduled[i].trade, trade))
            return true;
    return false;
}

/* When it may be opened; INT64_MAX: not by time alone. */
static int64_t opens_at(const struct coord *coord, const struct coord_scheduled *entry)
{
    if (entry->state != COORD_SCHEDULED_WAITING || entry->trade.due_at == INT64_MAX)
        return INT64_MAX;
    return entry->trade.due_at + (waits_for_sells(coord, &entry->trade) ? SELLS_NS : 0);
}

/* A sell reduces the allocation and opens nothing. */
static void fill_signal(const struct coord_scheduled_trade *trade,
                        struct tg_trading_signals *signal)
{
    (void)tg_text_copy(signal->symbol, sizeof(signal->symbol), trade->symbol);
    signal->action = trade->side == TG_SIDE_SELL ? TG_ACTION_CLOSE_LONG : TG_ACTION_BUY;
    signal->confidence = 1.0;
    signal->leverage = 1;
    signal->size_usd = trade->size_usd;
    signal->slot = trade->slot;
    if (trade->kind == COORD_KIND_HODL)
        (void)snprintf(signal->reasoning, sizeof(signal->reasoning),
                       "a share of realised profits goes to the hodl bag");
    else
        (void)snprintf(signal->reasoning, sizeof(signal->reasoning),
                       "towards the target allocation, batch %u of %u", trade->batch,
                       trade->batches);
    TG_SET(signal, TRADING_SIGNALS, leverage);
    TG_SET(signal, TRADING_SIGNALS, size_usd);
    TG_SET(signal, TRADING_SIGNALS, slot);
    TG_SET(signal, TRADING_SIGNALS, reasoning);
}

static void open_trade(struct coord *coord, struct coord_scheduled *entry, struct coord_slot *slot,
                       int64_t now)
{
    const struct coord_scheduled_trade *trade = &entry->trade;
    int symbol = trade_symbol_find(coord->options.trade, trade->symbol);
    struct coord_decision *decision = coord__open(coord, slot, &trade->id, trade->key, trade->agent,
                                                  symbol < 0 ? UINT32_MAX : (uint32_t)symbol);
    decision->kind = trade->kind;
    decision->batch = trade->batch;
    decision->batches = trade->batches;
    decision->confidence = 1.0;
    fill_signal(trade, &decision->signal);
    entry->state = COORD_SCHEDULED_OPEN;
    if (symbol < 0)
        coord__end(coord, slot, COORD_OUTCOME_NO_CONTEXT, "", "%s is not traded any more",
                   decision->signal.symbol);
    else if (trade->kind == COORD_KIND_REBALANCE && now - trade->due_at > LATE_NS)
        coord__end(coord, slot, COORD_OUTCOME_TIMEOUT, "late",
                   "batch %u of %u was due %lld min ago: it is not made up for", trade->batch,
                   trade->batches, (long long)((now - trade->due_at) / TG_NS_PER_MIN));
}

/* The earliest future time, for the host to wake up at. */
static void find_next(struct coord *coord, int64_t now)
{
    coord->scheduled_next = INT64_MAX;
    coord->scheduled_overdue = false;
    for (uint32_t i = 0; i < coord->scheduled_count; i++) {
        int64_t at = opens_at(coord, &coord->scheduled[i]);
        if (at <= now)
            coord->scheduled_overdue = true; /* found no room among the decisions */
        else if (at < coord->scheduled_next)
            coord->scheduled_next = at;
    }
}

bool coord_run_due(struct coord *coord)
{
    int64_t now = tg_clock_utc(&coord->options.clock);
    bool opened = false;
    if (!coord->scheduled_overdue && now < coord->scheduled_next)
        return false;
    if (coord->rebalanced)
        trade_cooldown_begin(coord->options.trade, UINT32_MAX, TRADE_COOLDOWN_POST_REBALANCE, now);
    coord->rebalanced = false;
    if (tg_decimal_is_positive(coord->hodl_share))
        coord__hodl_spread(coord);
    for (uint32_t i = 0; i < coord->scheduled_count;) {
        struct coord_scheduled *entry = &coord->scheduled[i];
        struct coord_slot *slot = opens_at(coord, entry) <= now ? coord__free_slot(coord) : NULL;
        uint32_t count = coord->scheduled_count;
        if (slot != NULL) {
            open_trade(coord, entry, slot, now);
            opened = true;
        }
        if (coord->scheduled_count == count) /* else it has ended, and the next one is here */
            i++;
    }
    find_next(coord, now);
    return opened;
}

int64_t coord_next_time(const struct coord *coord)
{
    return coord->scheduled_next;
}
