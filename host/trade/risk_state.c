/*
 * What risk remembers: periods, breakers, losses in a row, cool-downs, the rate of entries.
 *
 * A day begins at 00:00 UTC and a week on Monday at 00:00 UTC, by the calendar, whether or not
 * anything trades: the first call of any kind in a new period begins it, with the equity at the
 * prices known then (a bar that arrives at 00:00 already belongs to the new day).
 *
 * Breakers are judged on every mark: a loss of the day or week in % of the equity at its start, and
 * the drawdown from the highest equity, each at or beyond its limit, in exact decimals. One that
 * stands is told once. The daily one is lifted by the next day and the weekly one by the next week.
 * Lifting max_drawdown by hand begins a new peak, otherwise it would stand again at once; a daily
 * or weekly one that is lifted by hand stands again at the next mark while the loss is there.
 * Losses in a row are told as a breach at the fifth, but nothing stands: cool-downs and sizes
 * answer that.
 *
 * Cool-downs: post_trade and post_loss, volatility and unusual movement hold their symbol;
 * losses in a row and rebalancing hold all symbols. post_trade begins when an entry order has come
 * to its end with something filled, and again when a position closes. The later end wins.
 *
 * Core thread; owns nothing.
 */
#include "trade_int.h"

static const char *const cooldown_texts[TRADE_COOLDOWN_COUNT] = {
    "post_trade",       "post_loss",        "losses_3",      "losses_5",
    "volatility_spike", "unusual_movement", "post_rebalance"};

const char *trade_cooldown_text(enum trade_cooldown cooldown)
{
    return (unsigned)cooldown < TRADE_COOLDOWN_COUNT ? cooldown_texts[cooldown] : "?";
}

double trade__percent(struct tg_decimal part, struct tg_decimal whole)
{
    /* x 100 before dividing: exact for amounts below 2^53 units, so 5 % is 5 */
    return whole.units == 0 ? 0.0 : (double)part.units * 100.0 / (double)whole.units;
}

/* ---- breakers ---- */

bool trade_breaker_stands(const struct trade *trade, enum tg_breach breach)
{
    return (unsigned)breach < TG_BREACH_COUNT && trade->breakers[breach];
}

bool trade__breaker_any(const struct trade *trade, enum tg_breach *breach)
{
    for (unsigned i = 0; i < TG_BREACH_COUNT; i++)
        if (trade->breakers[i]) {
            *breach = (enum tg_breach)i;
            return true;
        }
    return false;
}

static void lift(struct trade *trade, enum tg_breach breach)
{
    trade->breakers[breach] = false;
    trade->breaker_told[breach] = false;
}

void trade_breaker_lift(struct trade *trade, enum tg_breach breach)
{
    if (!trade_breaker_stands(trade, breach))
        return;
    lift(trade, breach);
    if (breach == TG_BREACH_MAX_DRAWDOWN)
        trade->peak_equity = trade->equity;
}

/* limit_pct of `from`, computed where `from` is another than last time. Rounded up: a loss comes in
 * whole units, so it is at the limit where it is at the rounded one. */
static struct tg_decimal limit_of(struct trade *trade, enum tg_breach breach,
                                  struct tg_decimal from, struct tg_decimal limit_pct)
{
    struct loss_limit *limit = &trade->loss_limits[breach];
    bool overflow = false;
    if (limit->from.units != from.units) {
        limit->from = from;
        limit->amount =
            tg_decimal_scale(from, limit_pct, tg_decimal_whole(100), TG_ROUND_UP, &overflow);
    }
    return limit->amount;
}

/* Loss from `from` of limit_pct of it or more. */
static void judge(struct trade *trade, enum tg_breach breach, struct tg_decimal from,
                  struct tg_decimal limit_pct, uint8_t severity, const char *what)
{
    bool overflow = false;
    struct tg_decimal loss = tg_decimal_subtract(from, trade->equity, &overflow);
    struct tg_decimal limit = limit_of(trade, breach, from, limit_pct);
    if (!overflow && tg_decimal_compare(loss, limit) >= 0)
        trade->breakers[breach] = true;
    if (!trade->breakers[breach] || trade->breaker_told[breach])
        return;
    double value = trade__percent(loss, from);
    double bound = tg_decimal_to_double(limit_pct);
    trade->breaker_told[breach] =
        trade__alert(trade,
                     &(struct alert){.type = "circuit_breaker",
                                     .severity = severity,
                                     .breach = (uint8_t)breach,
                                     .symbol = TRADE_NONE,
                                     .has_value = true,
                                     .value = value,
                                     .limit = bound},
                     "%s %.2f %% reached its limit of %g %%", what, value, bound);
}

void trade__judge_breakers(struct trade *trade)
{
    const struct trade_limits *limits = &trade->options.limits;
    if (trade->day_end != 0) {
        judge(trade, TG_BREACH_DAILY_LOSS, trade->day_start_equity, limits->daily_loss_max_pct,
              TG_SEVERITY_HIGH, "the day's loss of");
        judge(trade, TG_BREACH_WEEKLY_LOSS, trade->week_start_equity, limits->weekly_loss_max_pct,
              TG_SEVERITY_HIGH, "the week's loss of");
    }
    judge(trade, TG_BREACH_MAX_DRAWDOWN, trade->peak_equity, limits->drawdown_max_pct,
          TG_SEVERITY_CRITICAL, "the drawdown of");
}

/* ---- periods ---- */

void trade__periods(struct trade *trade, int64_t now)
{
    if (now < trade->day_end)
        return;
    trade__mark(trade);
    trade->day_start_equity = trade->equity;
    trade->day_end = tg_time_day_start(now) + TG_NS_PER_DAY;
    trade->rate_day = 0;
    lift(trade, TG_BREACH_DAILY_LOSS);
    if (now >= trade->week_end) {
        trade->week_start_equity = trade->equity;
        trade->week_end = tg_time_week_start(now) + 7 * TG_NS_PER_DAY;
        lift(trade, TG_BREACH_WEEKLY_LOSS);
    }
    trade->next_dirty = true;
}

/* ---- cool-downs ---- */

void trade_cooldown_begin(struct trade *trade, uint32_t symbol, enum trade_cooldown cooldown,
                          int64_t now)
{
    if ((unsigned)cooldown >= TRADE_COOLDOWN_COUNT ||
        (symbol != UINT32_MAX && symbol >= trade->symbol_count))
        return;
    int64_t *until = symbol == UINT32_MAX ? &trade->cooldown_until[cooldown]
                                          : &trade->symbols[symbol].cooldown_until[cooldown];
    int64_t end = now + trade->options.cooldown_ns[cooldown];
    if (end > now && end > *until)
        *until = end;
}

int64_t trade_cooldown_until(const struct trade *trade, uint32_t symbol, int64_t now,
                             enum trade_cooldown *cooldown)
{
    int64_t latest = 0;
    for (unsigned i = 0; i < TRADE_COOLDOWN_COUNT; i++) {
        int64_t until = trade->cooldown_until[i];
        if (symbol < trade->symbol_count && trade->symbols[symbol].cooldown_until[i] > until)
            until = trade->symbols[symbol].cooldown_until[i];
        if (until > now && until > latest) {
            latest = until;
            if (cooldown != NULL)
                *cooldown = (enum trade_cooldown)i;
        }
    }
    return latest;
}

void trade_volatility_spike(struct trade *trade, uint32_t symbol, bool active, int64_t now)
{
    if (symbol >= trade->symbol_count)
        return;
    /* only its beginning: while it lasts, smaller sizes answer it */
    if (active && !trade->symbols[symbol].spikes)
        trade_cooldown_begin(trade, symbol, TRADE_COOLDOWN_VOLATILITY_SPIKE, now);
    trade->symbols[symbol].spikes = active;
}

bool trade_volatility_spikes(const struct trade *trade, uint32_t symbol)
{
    return symbol < trade->symbol_count && trade->symbols[symbol].spikes;
}

bool trade_symbol_blocked(const struct trade *trade, uint32_t symbol)
{
    return symbol >= trade->symbol_count || trade->symbols[symbol].contradicted ||
           trade->symbols[symbol].unknown_orders > 0;
}

/* ---- results ---- */

void trade__position_result(struct trade *trade, const struct position *position, int64_t now)
{
    const struct trade_position *view = &position->view;
    bool overflow = false;
    struct tg_decimal net = tg_decimal_subtract(view->realised_pnl, view->fees, &overflow);
    trade->trades_closed++;
    trade->trades_won += net.units > 0;
    trade_cooldown_begin(trade, view->symbol, TRADE_COOLDOWN_POST_TRADE, now);
    if (net.units >= 0) {
        trade->consecutive_losses = 0;
        return;
    }
    trade->consecutive_losses++;
    trade_cooldown_begin(trade, view->symbol, TRADE_COOLDOWN_POST_LOSS, now);
    if (trade->consecutive_losses >= 3)
        trade_cooldown_begin(trade, UINT32_MAX, TRADE_COOLDOWN_LOSSES_3, now);
    if (trade->consecutive_losses >= TRADE_LOSSES_ALERT)
        trade_cooldown_begin(trade, UINT32_MAX, TRADE_COOLDOWN_LOSSES_5, now);
    if (trade->consecutive_losses == TRADE_LOSSES_ALERT)
        (void)trade__alert(trade,
                           &(struct alert){.type = "circuit_breaker",
                                           .severity = TG_SEVERITY_MEDIUM,
                                           .breach = TG_BREACH_CONSECUTIVE_LOSSES,
                                           .symbol = TRADE_NONE,
                                           .has_value = true,
                                           .value = (double)trade->consecutive_losses,
                                           .limit = (double)TRADE_LOSSES_ALERT},
                           "%u positions in a row closed with a loss", TRADE_LOSSES_ALERT);
}

/* ---- the rate of entries ---- */

void trade__entry_counted(struct trade *trade, int64_t now)
{
    while (trade->rate_count > 0 && trade->rate_times[trade->rate_first] <= now - TG_NS_PER_MIN) {
        trade->rate_first = (trade->rate_first + 1) % TRADE_RATE_MAX;
        trade->rate_count--;
    }
    if (trade->rate_count == TRADE_RATE_MAX) { /* the limit is below it; the oldest is dropped */
        trade->rate_first = (trade->rate_first + 1) % TRADE_RATE_MAX;
        trade->rate_count--;
    }
    trade->rate_times[(trade->rate_first + trade->rate_count) % TRADE_RATE_MAX] = now;
    trade->rate_count++;
    trade->rate_day++;
}

void trade_order_rate_refused(struct trade *trade, int64_t now)
{
    trade__periods(trade, now);
    trade__entry_counted(trade, now);
}

void trade_order_rate(const struct trade *trade, int64_t now, uint32_t *minute, uint32_t *day)
{
    uint32_t recent = 0;
    while (
        recent < trade->rate_count &&
        trade->rate_times[(trade->rate_first + trade->rate_count - 1 - recent) % TRADE_RATE_MAX] >
            now - TG_NS_PER_MIN)
        recent++;
    if (minute != NULL)
        *minute = recent;
    if (day != NULL)
        *day = now >= trade->day_end ? 0 : trade->rate_day;
}
