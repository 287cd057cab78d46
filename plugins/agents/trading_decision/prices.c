/*
 * The edge between indicator maths and money.
 *
 * Distances come in as doubles, because they are multiples of an average true range; prices go out
 * as exact decimals with all eight places (the venue's tick is the host's business). Limits are
 * applied to whole units in exact arithmetic, rounded to the safe side: the least distance up, the
 * widest down, the target up. What leaves here passes a check of the same limits.
 *
 * Pure: no memory, no state, nothing of the host.
 */
#include "prices.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A target never lies further away than this much of the entry: a sale's stays above zero. */
#define TARGET_PCT_MAX 90.0

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

/* units * pct / 100, exact but for the eight places that `pct` is read with. */
static int64_t percent_of(int64_t units, double pct, bool round_up)
{
    __extension__ typedef __int128 wide;
    const wide hundred = (wide)100 * TG_DECIMAL_ONE;
    wide product = (wide)units * (wide)llround(pct * (double)TG_DECIMAL_ONE);

    return (int64_t)((product + (round_up ? hundred - 1 : 0)) / hundred);
}

/* A distance in whole units, brought within `low` to `high`. */
static int64_t units_between(double distance, int64_t low, int64_t high)
{
    double units = distance * (double)TG_DECIMAL_ONE;

    if (units <= (double)low)
        return low;
    if (units >= (double)high)
        return high;
    return llround(units);
}

int32_t prices_place(const struct prices_limits *limits, const char *symbol, int side,
                     struct tg_decimal entry, double stop_distance, double target_distance,
                     struct tg_decimal *stop_loss, struct tg_decimal *take_profit)
{
    const struct prices_symbol_limit *own = find_symbol(limits, symbol);
    double stop_pct_max = limits->stop_pct_max;
    int64_t stop_min;
    int64_t stop_max;
    int64_t stop;
    int64_t target_min;
    int64_t target_max;
    int64_t target;

    if (entry.units <= 0 || entry.units > ENTRY_UNITS_MAX || !isfinite(stop_distance) ||
        !isfinite(target_distance))
        return TG_E_RANGE;
    if (own != NULL)
        stop_pct_max = fmin(stop_pct_max, own->stop_pct_max);
    stop_min = percent_of(entry.units, limits->stop_pct_min, true);
    stop_max = percent_of(entry.units, stop_pct_max, false);
    if (stop_min > stop_max)
        return TG_E_RANGE; /* a price of a few units has no room between them */
    stop = units_between(stop_distance, stop_min, stop_max);
    target_min = percent_of(stop, 100 * limits->reward_risk_min, true);
    target_max = percent_of(entry.units, TARGET_PCT_MAX, false);
    if (target_min > target_max)
        return TG_E_RANGE;
    target = units_between(target_distance, target_min, target_max);
    stop_loss->units = entry.units - side * stop;
    take_profit->units = entry.units + side * target;
    return TG_E_OK;
}
