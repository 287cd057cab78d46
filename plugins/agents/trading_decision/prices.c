/*
 * The edge between indicator maths and money.
 *
 * Distances come in as doubles, because they are multiples of an average true range; prices go out
 * as exact decimals with all eight places (the venue's tick is the host's business). Limits are
 * applied to whole units after the one conversion, rounded to the safe side: the least distance up,
 * the widest down, the target up. What leaves here passes a check of the same limits.
 *
 * Pure: no memory, no state, nothing of the host.
 */
#include "prices.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A target never lies further away than this share of the entry: a sale's stays above zero. */
#define TARGET_SHARE_MAX 0.9

/* An entry above half of what a decimal holds has no room for a target. */
#define ENTRY_UNITS_MAX (INT64_MAX / 2)

/* Copies the symbol of "SYMBOL=NUMBER" and reads its number; moves `at` behind it. */
static bool read_entry(const char **at, struct prices_symbol_limit *entry)
{
    const char *equals = strchr(*at, '=');
    size_t length = equals == NULL ? 0 : (size_t)(equals - *at);
    char *end;

    if (length == 0 || length >= sizeof(entry->symbol) || memchr(*at, ' ', length) != NULL ||
        memchr(*at, ',', length) != NULL)
        return false;
    memset(entry, 0, sizeof(*entry));
    memcpy(entry->symbol, *at, length);
    entry->stop_pct_max = strtod(equals + 1, &end);
    if (end == equals + 1 || !isfinite(entry->stop_pct_max))
        return false;
    *at = end;
    return true;
}

static const struct prices_symbol_limit *find_symbol(const struct prices_limits *limits,
                                                     const char *symbol)
{
    for (uint32_t n = 0; n < limits->symbol_count; n++)
        if (strcmp(limits->symbols[n].symbol, symbol) == 0)
            return &limits->symbols[n];
    return NULL;
}

int32_t prices_read_symbols(struct prices_limits *limits, const char *text, char *problem,
                            size_t problem_size)
{
    const char *at = text + strspn(text, " ");

    limits->symbol_count = 0;
    while (*at != '\0') {
        struct prices_symbol_limit entry;

        if (!read_entry(&at, &entry)) {
            snprintf(problem, problem_size,
                     "\"%.60s\" is not a list as BTC/USDT=3, XRP/USDT=4 with numbers in %%", text);
            return TG_E_INVALID;
        }
        if (!(entry.stop_pct_max >= limits->stop_pct_min) ||
            !(entry.stop_pct_max <= PRICES_STOP_PCT_MAX)) {
            snprintf(problem, problem_size, "%s has %g, allowed is stop_pct_min (%g) to %g",
                     entry.symbol, entry.stop_pct_max, limits->stop_pct_min, PRICES_STOP_PCT_MAX);
            return TG_E_INVALID;
        }
        if (find_symbol(limits, entry.symbol) != NULL) {
            snprintf(problem, problem_size, "%s is there twice", entry.symbol);
            return TG_E_INVALID;
        }
        if (limits->symbol_count == PRICES_SYMBOLS_MAX) {
            snprintf(problem, problem_size, "more than %d symbols are not allowed",
                     PRICES_SYMBOLS_MAX);
            return TG_E_INVALID;
        }
        limits->symbols[limits->symbol_count++] = entry;
        at += strspn(at, " ");
        if (*at == ',')
            at += 1 + strspn(at + 1, " ");
        else if (*at != '\0') {
            snprintf(problem, problem_size, "\"%.60s\": a comma is missing before \"%.20s\"", text,
                     at);
            return TG_E_INVALID;
        }
    }
    return TG_E_OK;
}

static double between(double value, double low, double high)
{
    if (value < low)
        return low;
    return value > high ? high : value;
}

int32_t prices_place(const struct prices_limits *limits, const char *symbol, int side,
                     struct tg_decimal entry, double stop_distance, double target_distance,
                     struct tg_decimal *stop_loss, struct tg_decimal *take_profit)
{
    const struct prices_symbol_limit *own = find_symbol(limits, symbol);
    double entry_units = (double)entry.units;
    double stop_pct_max = limits->stop_pct_max;
    double stop;
    double target;

    if (entry.units <= 0 || entry.units > ENTRY_UNITS_MAX || !isfinite(stop_distance) ||
        !isfinite(target_distance))
        return TG_E_RANGE;
    if (own != NULL)
        stop_pct_max = fmin(stop_pct_max, own->stop_pct_max);
    stop = between(round(stop_distance * (double)TG_DECIMAL_ONE),
                   ceil(entry_units * limits->stop_pct_min / 100),
                   floor(entry_units * stop_pct_max / 100));
    target =
        fmax(ceil(target_distance * (double)TG_DECIMAL_ONE), ceil(stop * limits->reward_risk_min));
    target = fmin(target, floor(entry_units * TARGET_SHARE_MAX));
    /* A price of a few units has no room for either. */
    if (stop < 1 || target < 1 || stop >= entry_units)
        return TG_E_RANGE;
    stop_loss->units = entry.units - side * (int64_t)stop;
    take_profit->units = entry.units + side * (int64_t)target;
    return TG_E_OK;
}
