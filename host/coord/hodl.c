/*
 * Hodl bags: a share of every realised profit, put aside for good.
 *
 * When a position closes with a profit after fees, hodl_profit_pct of it is spread over the targets
 * of the allocation that are traded here, in their proportion. The part of the account currency is
 * set aside at once. The part of any other asset waits as a scheduled purchase of that asset; parts
 * of further profits are added to it, and once it is trade_min_usd it becomes due after DELAY_NS,
 * when the cool-downs that the closed position began are over. What risk refuses or makes smaller
 * waits on, and is tried again after the next profit: nothing that was put aside is lost, and it
 * stays money of the account until it is spent.
 *
 * A bag that is sold by an operator gives nothing to bags.
 *
 * Trade tells of positions while it is busy, so that nothing is done there but adding up.
 * Core thread; owns nothing.
 */
#include "base/decimal.h"
#include "base/text.h"
#include "coord_int.h"
#include "obs/obs.h"

#include <stdio.h>
#include <string.h>

#define DELAY_NS TG_NS_PER_HOUR
#define AGENT    "coordinator"

void coord_position_changed(struct coord *coord, const struct trade_position *position)
{
    const struct coord_portfolio_options *options = &coord->options.portfolio;
    bool overflow = false;
    if (!options->hodl_bags || position->closed_at == 0 || position->hodl)
        return;
    struct tg_decimal net = tg_decimal_subtract(position->realised_pnl, position->fees, &overflow);
    struct tg_decimal share = tg_decimal_scale(net, options->hodl_profit_pct, tg_decimal_whole(100),
                                               TG_ROUND_DOWN, &overflow);
    struct tg_decimal sum = tg_decimal_add(coord->hodl_share, share, &overflow);
    if (overflow || !tg_decimal_is_positive(share))
        return;
    coord->hodl_share = sum;
    coord->hodl_position = position->id;
    coord->scheduled_overdue = true;
}

/* Trade's number of the asset's symbol in account currency; -1: not traded. */
static int symbol_of(const struct coord *coord, const char *asset, char name[TG_SYMBOL_SIZE])
{
    char text[2 * TG_SYMBOL_SIZE];
    (void)snprintf(text, sizeof(text), "%s/%s", asset, coord->options.portfolio.account_currency);
    return tg_text_copy(name, TG_SYMBOL_SIZE, text) ? trade_symbol_find(coord->options.trade, name)
                                                    : -1;
}

static bool is_money(const struct coord *coord, const struct tg_target *target)
{
    return tg_text_equal(target->asset, coord->options.portfolio.account_currency);
}

/* The purchase of that symbol that still grows; the table's count: none. */
static uint32_t find_waiting(const struct coord *coord, const char *symbol)
{
    uint32_t i = 0;
    while (i < coord->scheduled_count && (coord->scheduled[i].trade.kind != COORD_KIND_HODL ||
                                          coord->scheduled[i].state != COORD_SCHEDULED_WAITING ||
                                          !tg_text_equal(coord->scheduled[i].trade.symbol, symbol)))
        i++;
    return i;
}

/* Once it is large enough it becomes due; the time makes its key another one than the last. */
static void make_due(const struct coord *coord, struct coord_scheduled_trade *trade, int64_t now)
{
    char moment[TG_TIME_TEXT_SIZE];
    if (trade->due_at != INT64_MAX ||
        tg_decimal_compare(trade->size_usd, coord->options.portfolio.trade_min_usd) < 0)
        return;
    trade->due_at = now + DELAY_NS;
    trade->slot = now;
    (void)tg_time_format(now, moment);
    (void)snprintf(trade->key, sizeof(trade->key), AGENT "/hodl/%s/%s", trade->symbol, moment);
}

static int put_aside(struct coord *coord, const char *symbol, uint32_t number,
                     struct tg_decimal amount, struct tg_error *error)
{
    int64_t now = tg_clock_utc(&coord->options.clock);
    bool overflow = false;
    uint32_t index = find_waiting(coord, symbol);
    struct coord_scheduled_trade trade = {.kind = COORD_KIND_HODL,
                                          .side = TG_SIDE_BUY,
                                          .batch = 1,
                                          .batches = 1,
                                          .agent = AGENT,
                                          .slot = now,
                                          .due_at = INT64_MAX};
    if (index < coord->scheduled_count) {
        trade = coord->scheduled[index].trade;
    } else {
        (void)tg_text_copy(trade.symbol, sizeof(trade.symbol), symbol);
        (void)snprintf(trade.key, sizeof(trade.key), AGENT "/hodl/%s", symbol);
    }
    if (trade.due_at == INT64_MAX)
        trade.id = coord__id_of(&coord->hodl_position, number + 1);
    trade.size_usd = tg_decimal_add(trade.size_usd, amount, &overflow);
    if (overflow)
        return TG_FAIL(error, OVERFLOW, "what waits for a hodl bag does not fit");
    make_due(coord, &trade, now);
    return index < coord->scheduled_count ? coord__reschedule(coord, index, &trade, error)
                                          : coord__schedule(coord, &trade, error);
}

static struct tg_decimal sum_of_targets(const struct coord *coord, uint32_t *last)
{
    const struct coord_portfolio_options *options = &coord->options.portfolio;
    struct tg_decimal sum = {0};
    bool overflow = false; /* shares of a hundred */
    char name[TG_SYMBOL_SIZE];
    for (uint32_t i = 0; i < options->target_count; i++) {
        const struct tg_target *target = &options->targets[i];
        if (!tg_decimal_is_positive(target->pct) ||
            (!is_money(coord, target) && symbol_of(coord, target->asset, name) < 0))
            continue;
        sum = tg_decimal_add(sum, target->pct, &overflow);
        *last = i;
    }
    return sum;
}

void coord__hodl_spread(struct coord *coord)
{
    const struct coord_portfolio_options *options = &coord->options.portfolio;
    struct tg_decimal share = coord->hodl_share;
    uint32_t last = 0;
    struct tg_decimal whole = sum_of_targets(coord, &last);
    struct tg_decimal left = share;
    coord->hodl_share = tg_decimal_units(0);
    if (!tg_decimal_is_positive(whole))
        return;
    for (uint32_t i = 0; i <= last; i++) {
        const struct tg_target *target = &options->targets[i];
        struct tg_error error = {0};
        char name[TG_SYMBOL_SIZE];
        bool overflow = false;
        if (!is_money(coord, target) && symbol_of(coord, target->asset, name) < 0)
            continue;
        struct tg_decimal part =
            i == last ? left
                      : tg_decimal_scale(share, target->pct, whole, TG_ROUND_DOWN, &overflow);
        if (overflow || !tg_decimal_is_positive(part))
            continue;
        left = tg_decimal_subtract(left, part, &overflow);
        int code = is_money(coord, target)
                       ? trade_hodl_set_aside(coord->options.trade, part, &error)
                       : put_aside(coord, name, i, part, &error);
        if (code != 0)
            OBS_ERROR(coord->options.log, "coord", "a part of a profit found no hodl bag: %s",
                      error.message);
    }
}

void coord__hodl_ended(struct coord *coord, uint32_t index, const struct coord_decision *decision)
{
    struct coord_scheduled_trade trade = coord->scheduled[index].trade;
    bool overflow = false;
    struct tg_decimal spent = {0};
    /* an order of unknown fate may have been filled: never bought again on a guess */
    if (decision->outcome == COORD_OUTCOME_EXECUTION_UNKNOWN ||
        (decision->outcome == COORD_OUTCOME_EXECUTED &&
         tg_decimal_from_double(decision->risk.size_usd, TG_ROUND_HALF_EVEN, &spent) != 0))
        spent = trade.size_usd;
    trade.size_usd = tg_decimal_subtract(trade.size_usd, spent, &overflow);
    coord__unschedule(coord, index);
    if (overflow || !tg_decimal_is_positive(trade.size_usd))
        return;
    uint32_t other = find_waiting(coord, trade.symbol);
    struct tg_error error = {0};
    int code;
    if (other < coord->scheduled_count) { /* profits came in while it was being bought */
        struct coord_scheduled_trade more = coord->scheduled[other].trade;
        more.size_usd = tg_decimal_add(more.size_usd, trade.size_usd, &overflow);
        code = coord__reschedule(coord, other, &more, &error);
    } else {
        trade.due_at = INT64_MAX;
        (void)snprintf(trade.key, sizeof(trade.key), AGENT "/hodl/%s", trade.symbol);
        code = coord__schedule(coord, &trade, &error);
    }
    if (code != 0)
        OBS_ERROR(coord->options.log, "coord", "a part of a profit found no hodl bag: %s",
                  error.message);
}
