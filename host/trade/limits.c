/*
 * The hard limits: numbers in, yes or no out. They are held against every entry after the policies
 * have spoken, on the worst case, and no policy can loosen them. Order and codes are those of the
 * risk rules; the first refusal ends it. A limit of zero lets nothing pass.
 */
#include "trade_int.h"

#include <math.h>

static bool above_share(struct tg_decimal amount, struct tg_decimal pct, struct tg_decimal of)
{
    bool overflow = false;
    struct tg_decimal limit =
        tg_decimal_scale(of, pct, tg_decimal_whole(100), TG_ROUND_FLOOR, &overflow);
    return overflow || tg_decimal_compare(amount, limit) > 0;
}

static int check_input(const struct trade_limit_case *given, struct tg_error *error)
{
    if (!tg_decimal_is_positive(given->size_usd) || given->leverage < 1 ||
        given->entry_price.units < 0 || given->last_price.units < 0)
        return TG_FAIL(error, REFUSED,
                       "INVALID_PROPOSAL: size is more than zero and leverage 1 or more");
    if (!isfinite(given->daily_pnl_pct) || !isfinite(given->weekly_pnl_pct) ||
        !isfinite(given->drawdown_pct))
        return TG_FAIL(error, REFUSED, "INVALID_PROPOSAL: the state of risk has no finite numbers");
    if (!tg_decimal_is_positive(given->equity))
        return TG_FAIL(error, REFUSED, "INSUFFICIENT_MARGIN: there is no equity");
    return TG_E_OK;
}

static int check_losses(const struct trade_limits *limits, const struct trade_limit_case *given,
                        struct tg_error *error)
{
    double daily = tg_decimal_to_double(limits->daily_loss_max_pct);
    double weekly = tg_decimal_to_double(limits->weekly_loss_max_pct);
    double drawdown = tg_decimal_to_double(limits->drawdown_max_pct);
    if (-given->daily_pnl_pct >= daily)
        return TG_FAIL(error, REFUSED, "CIRCUIT_BREAKER: daily loss of %.2f %% (limit %g %%)",
                       -given->daily_pnl_pct, daily);
    if (-given->weekly_pnl_pct >= weekly)
        return TG_FAIL(error, REFUSED, "CIRCUIT_BREAKER: weekly loss of %.2f %% (limit %g %%)",
                       -given->weekly_pnl_pct, weekly);
    if (given->drawdown_pct >= drawdown)
        return TG_FAIL(error, REFUSED, "CIRCUIT_BREAKER: drawdown of %.2f %% (limit %g %%)",
                       given->drawdown_pct, drawdown);
    return TG_E_OK;
}

static int check_amounts(const struct trade_limits *limits, const struct trade_limit_case *given,
                         struct tg_error *error)
{
    bool overflow = false;
    if (above_share(given->size_usd, limits->position_size_max_pct, given->equity))
        return TG_FAIL(error, REFUSED, "POSITION_SIZE: the size is over %g %% of equity",
                       tg_decimal_to_double(limits->position_size_max_pct));
    if (given->leverage > limits->leverage_max)
        return TG_FAIL(error, REFUSED, "LEVERAGE: %lld is over the limit of %lld",
                       (long long)given->leverage, (long long)limits->leverage_max);
    struct tg_decimal leverage = tg_decimal_whole(given->leverage);
    struct tg_decimal added =
        tg_decimal_multiply(given->size_usd, leverage, TG_ROUND_UP, &overflow);
    struct tg_decimal exposure = tg_decimal_add(given->exposure, added, &overflow);
    if (overflow || above_share(exposure, limits->exposure_max_pct, given->equity))
        return TG_FAIL(error, REFUSED,
                       "EXPOSURE_LIMIT: open exposure and size x leverage are over %g %% of equity",
                       tg_decimal_to_double(limits->exposure_max_pct));
    struct tg_decimal margin = tg_decimal_divide(given->size_usd, leverage, TG_ROUND_UP, &overflow);
    if (overflow || tg_decimal_compare(margin, given->margin_available) > 0)
        return TG_FAIL(error, REFUSED,
                       "INSUFFICIENT_MARGIN: size / leverage is over the available margin");
    struct tg_decimal used = tg_decimal_subtract(given->equity, given->margin_available, &overflow);
    used = tg_decimal_add(used, margin, &overflow);
    if (overflow || above_share(used, limits->margin_utilization_max_pct, given->equity))
        return TG_FAIL(error, REFUSED,
                       "MARGIN_UTILIZATION: margin in use would be over %g %% of equity",
                       tg_decimal_to_double(limits->margin_utilization_max_pct));
    return TG_E_OK;
}

static int check_collar(const struct trade_limits *limits, const struct trade_limit_case *given,
                        struct tg_error *error)
{
    bool overflow = false;
    if (tg_decimal_is_zero(given->entry_price) || tg_decimal_is_zero(given->last_price))
        return TG_E_OK;
    struct tg_decimal away = tg_decimal_absolute(
        tg_decimal_subtract(given->entry_price, given->last_price, &overflow), &overflow);
    if (overflow || above_share(away, limits->price_collar_pct, given->last_price))
        return TG_FAIL(error, REFUSED,
                       "PRICE_COLLAR: the limit price is over %g %% from the last price",
                       tg_decimal_to_double(limits->price_collar_pct));
    return TG_E_OK;
}

static int check_counts(const struct trade_limits *limits, const struct trade_limit_case *given,
                        struct tg_error *error)
{
    if (given->positions_of_symbol >= limits->positions_per_symbol_max)
        return TG_FAIL(error, REFUSED, "POSITION_LIMIT: %u of this symbol are open (limit %u)",
                       given->positions_of_symbol, limits->positions_per_symbol_max);
    if (given->positions_open >= limits->positions_max)
        return TG_FAIL(error, REFUSED, "POSITION_LIMIT: %u are open (limit %u)",
                       given->positions_open, limits->positions_max);
    return TG_E_OK;
}

static int check_rate(const struct trade_limits *limits, const struct trade_limit_case *given,
                      struct tg_error *error)
{
    if (given->entry_orders_minute >= limits->entry_orders_per_minute_max)
        return TG_FAIL(error, REFUSED, "ORDER_RATE: %u entry orders in the last minute (limit %u)",
                       given->entry_orders_minute, limits->entry_orders_per_minute_max);
    if (given->entry_orders_day >= limits->entry_orders_per_day_max)
        return TG_FAIL(error, REFUSED, "ORDER_RATE: %u entry orders since 00:00 UTC (limit %u)",
                       given->entry_orders_day, limits->entry_orders_per_day_max);
    return TG_E_OK;
}

int trade_limits_check(const struct trade_limits *limits, const struct trade_limit_case *given,
                       struct tg_error *error)
{
    int code = check_input(given, error);
    if (code == 0)
        code = check_losses(limits, given, error);
    if (code == 0)
        code = check_amounts(limits, given, error);
    if (code == 0)
        code = check_counts(limits, given, error);
    if (code == 0)
        code = check_collar(limits, given, error);
    if (code == 0)
        code = check_rate(limits, given, error);
    return code;
}
