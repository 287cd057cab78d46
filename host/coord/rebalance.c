/*
 * From what an agent says of the portfolio to trades in batches.
 *
 * A message that asks for a rebalance is taken whole or refused whole: a trade that cannot be read,
 * a symbol that is not known, the same symbol twice, a size that is not money. A run makes one
 * rebalance: (agent, slot) is remembered. A new one replaces what still waits of the one before,
 * because it was made with the portfolio as it is now.
 *
 * Trades that are more than batch_above_usd in all are split into batches at intervals; no part of
 * a trade is smaller than trade_min_usd, so that a small one has fewer parts, in the first batches.
 * Parts are the trade / their number, rounded down; the last one has the rest. Sells come before
 * buys in each batch.
 *
 * Owns nothing; core thread, in the bus's handler: it only schedules.
 */
#include "base/decimal.h"
#include "base/text.h"
#include "base/uuid.h"
#include "bus/json.h"
#include "coord_int.h"
#include "obs/obs.h"

#include <stdio.h>
#include <string.h>

#define TRADES_MAX 16u

struct wanted_trade {
    char symbol[TG_SYMBOL_SIZE];
    uint8_t side; /* TG_SIDE_* */
    struct tg_decimal size_usd;
};

struct wanted {
    struct wanted_trade trades[TRADES_MAX]; /* sells first */
    uint32_t count;
    struct tg_decimal sum;
};

/* ---- reading ---- */

static int read_size(const struct json_value *item, struct tg_decimal *size)
{
    const struct json_value *value = json_member(item, "size_usd");
    if (value == NULL)
        return TG_E_INVALID;
    const char *text = json_string(value);
    if (text != NULL)
        return tg_decimal_parse(text, strlen(text), size);
    if (json_kind_of(value) != JSON_NUMBER)
        return TG_E_INVALID;
    return tg_decimal_from_double(json_number(value), TG_ROUND_HALF_EVEN, size);
}

static const char *text_of(const struct json_value *item, const char *key)
{
    const struct json_value *value = json_member(item, key);
    const char *text = value != NULL ? json_string(value) : NULL;
    return text != NULL ? text : "";
}

static int read_trade(const struct coord *coord, const struct json_value *item,
                      const struct wanted *wanted, struct wanted_trade *trade,
                      struct tg_error *error)
{
    const char *side = text_of(item, "side");
    if (json_kind_of(item) != JSON_OBJECT)
        return TG_FAIL(error, INVALID, "a trade is an object with symbol, side and size_usd");
    if (!tg_text_copy(trade->symbol, sizeof(trade->symbol), text_of(item, "symbol")) ||
        trade_symbol_find(coord->options.trade, trade->symbol) < 0)
        return TG_FAIL(error, NOT_FOUND, "%.32s is no symbol that is traded",
                       text_of(item, "symbol"));
    if (!tg_text_equal(side, "buy") && !tg_text_equal(side, "sell"))
        return TG_FAIL(error, INVALID, "the side of %s is buy or sell", trade->symbol);
    trade->side = tg_text_equal(side, "sell") ? TG_SIDE_SELL : TG_SIDE_BUY;
    if (read_size(item, &trade->size_usd) != 0 || !tg_decimal_is_positive(trade->size_usd))
        return TG_FAIL(error, INVALID, "size_usd of %s is no amount above zero", trade->symbol);
    for (uint32_t i = 0; i < wanted->count; i++)
        if (tg_text_equal(wanted->trades[i].symbol, trade->symbol))
            return TG_FAIL(error, EXISTS, "%s is there twice", trade->symbol);
    return 0;
}

static void add_trade(struct wanted *wanted, const struct wanted_trade *trade)
{
    uint32_t at = wanted->count++;
    if (trade->side == TG_SIDE_SELL)
        for (; at > 0 && wanted->trades[at - 1].side == TG_SIDE_BUY; at--)
            wanted->trades[at] = wanted->trades[at - 1];
    wanted->trades[at] = *trade;
}

static int read_trades(const struct coord *coord, const char *text, struct wanted *wanted,
                       struct tg_error *error)
{
    struct json_value *root = NULL;
    bool overflow = false;
    int code = json_parse(text, strlen(text), &root, error); /* a list: the bus has seen to it */
    if (code == 0 && (json_count(root) == 0 || json_count(root) > TRADES_MAX))
        code = TG_FAIL(error, RANGE, "a rebalance has 1 to %u trades", TRADES_MAX);
    for (size_t i = 0; code == 0 && i < json_count(root); i++) {
        struct wanted_trade trade = {.side = 0};
        code = read_trade(coord, json_item(root, i), wanted, &trade, error);
        if (code != 0)
            break;
        add_trade(wanted, &trade);
        wanted->sum = tg_decimal_add(wanted->sum, trade.size_usd, &overflow);
        if (overflow)
            code = TG_FAIL(error, OVERFLOW, "the trades do not fit together");
    }
    json_free(root);
    return code;
}

/* ---- batches ---- */

/* Into how many parts of at least trade_min_usd a trade goes. */
static uint32_t parts_of(const struct coord *coord, const struct wanted_trade *trade,
                         uint32_t batches)
{
    int64_t least = coord->options.portfolio.trade_min_usd.units;
    int64_t parts = least > 0 ? trade->size_usd.units / least : batches;
    if (parts > (int64_t)batches)
        parts = batches;
    return parts < 1 ? 1 : (uint32_t)parts;
}

static struct tg_decimal part_of(const struct wanted_trade *trade, uint32_t parts, uint32_t batch)
{
    int64_t part = trade->size_usd.units / parts;
    return tg_decimal_units(batch < parts ? part : trade->size_usd.units - part * (parts - 1));
}

struct plan {
    const struct tg_message *message;
    int64_t slot, now;
    uint32_t batches;
};

static int schedule_part(struct coord *coord, const struct plan *plan,
                         const struct wanted_trade *wanted, uint32_t parts, uint32_t batch,
                         uint32_t number, struct tg_error *error)
{
    struct coord_scheduled_trade trade = {
        .id = coord__id_of(&plan->message->id, number),
        .kind = COORD_KIND_REBALANCE,
        .side = wanted->side,
        .batch = batch,
        .batches = plan->batches,
        .size_usd = part_of(wanted, parts, batch),
        .slot = plan->slot,
        .due_at = plan->now + (int64_t)(batch - 1) * coord->options.portfolio.batch_interval_ns};
    char moment[TG_TIME_TEXT_SIZE];
    char suffix[16] = "";
    (void)tg_time_format(plan->slot, moment);
    if (plan->batches > 1)
        (void)snprintf(suffix, sizeof(suffix), "/%u", batch);
    (void)tg_text_copy(trade.agent, sizeof(trade.agent), plan->message->source);
    memcpy(trade.symbol, wanted->symbol, sizeof(trade.symbol));
    (void)snprintf(trade.key, sizeof(trade.key), "%s/%s/%s%s", trade.agent, trade.symbol, moment,
                   suffix);
    return coord__schedule(coord, &trade, error);
}

static int schedule_all(struct coord *coord, const struct plan *plan, const struct wanted *wanted,
                        struct tg_error *error)
{
    uint32_t first = coord->scheduled_count;
    uint32_t number = 0;
    int code = 0;
    for (uint32_t batch = 1; batch <= plan->batches; batch++)
        for (uint32_t i = 0; code == 0 && i < wanted->count; i++) {
            uint32_t parts = parts_of(coord, &wanted->trades[i], plan->batches);
            if (batch <= parts)
                code =
                    schedule_part(coord, plan, &wanted->trades[i], parts, batch, number++, error);
        }
    while (code != 0 && coord->scheduled_count > first)
        coord__unschedule(coord, coord->scheduled_count - 1);
    return code;
}

/* What waits of the agent's rebalance before: this one knows better. */
static void replace_waiting(struct coord *coord, const char *agent)
{
    uint32_t replaced = 0;
    char text[256];
    for (uint32_t i = coord->scheduled_count; i > 0; i--) {
        const struct coord_scheduled *entry = &coord->scheduled[i - 1];
        if (entry->state != COORD_SCHEDULED_WAITING || entry->trade.kind != COORD_KIND_REBALANCE ||
            !tg_text_equal(entry->trade.agent, agent))
            continue;
        coord__unschedule(coord, i - 1);
        replaced++;
    }
    if (replaced == 0)
        return;
    (void)snprintf(text, sizeof(text), "%u trades of an earlier rebalance give way to a new one",
                   replaced);
    coord__announce(coord, "rebalance_replaced", NULL, NULL, agent, text, TG_PRIORITY_NORMAL);
}

static void refuse(struct coord *coord, const struct tg_message *message, const char *why)
{
    char text[256];
    coord->counters.rebalances_refused++;
    (void)snprintf(text, sizeof(text), "a rebalance of %s is refused: %.180s", message->source,
                   why);
    OBS_WARNING(coord->options.log, "coord", "%s", text);
    coord__alert(coord, "rebalance_refused", TG_SEVERITY_MEDIUM, TG_BREACH_NONE, NULL, text);
}

int coord__on_portfolio(void *context, const struct tg_message *message)
{
    struct coord *coord = context;
    const struct tg_portfolio_updates *update = message->payload;
    const struct coord_portfolio_options *options = &coord->options.portfolio;
    struct plan plan = {.message = message,
                        .slot = message->timestamp,
                        .now = tg_clock_utc(&coord->options.clock),
                        .batches = 1};
    struct wanted wanted = {.count = 0};
    struct tg_error error = {0};
    char moment[TG_TIME_TEXT_SIZE];
    char key[COORD_KEY_SIZE];
    if (update->action != TG_REBALANCE_REBALANCE)
        return 0;
    if (TG_HAS(update, PORTFOLIO_UPDATES, slot))
        plan.slot = update->slot;
    (void)tg_time_format(plan.slot, moment);
    (void)snprintf(key, sizeof(key), "%s/portfolio/%s", message->source, moment);
    if (coord__seen_before(coord, key)) {
        coord->counters.rebalances_duplicate++;
        return 0;
    }
    int code = read_trades(coord, update->trades, &wanted, &error);
    if (code == 0 && tg_decimal_compare(wanted.sum, options->batch_above_usd) > 0 &&
        options->batches > 1)
        plan.batches = options->batches;
    if (code == 0) {
        coord__remember(coord, key);
        replace_waiting(coord, message->source);
        code = schedule_all(coord, &plan, &wanted, &error);
    }
    if (code != 0)
        refuse(coord, message, error.message);
    else
        coord->counters.rebalances++;
    return 0;
}
