/* Bars made by hand and at random, and a list of what was emitted. */
#ifndef TEST_MARKET_H
#define TEST_MARKET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* needs those above */
#include <cmocka.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/random.h"
#include "market/market.h"

#include <string.h>

#define MINUTE TG_NS_PER_MIN
/* 2022-01-03 00:00 UTC, a Monday */
#define DAY_START (INT64_C(1641168000) * TG_NS_PER_SEC)
#define LATER     (DAY_START + 400 * TG_NS_PER_DAY)

static inline struct tg_decimal decimal(const char *text)
{
    struct tg_decimal value = {0};

    assert_int_equal(tg_decimal_parse(text, strlen(text), &value), 0);
    return value;
}

static inline struct tg_bar bar_at(int64_t open_time, const char *open, const char *high,
                                   const char *low, const char *close, const char *volume)
{
    return (struct tg_bar){open_time,    decimal(open),  decimal(high),
                           decimal(low), decimal(close), decimal(volume)};
}

static inline struct tg_bar flat_at(int64_t open_time, const char *price)
{
    return bar_at(open_time, price, price, price, price, "1");
}

#define EMITTED_MAX 64u

struct emitted {
    uint32_t count;
    struct {
        uint32_t symbol, timeframe;
        struct tg_bar bar;
    } items[EMITTED_MAX];
};

static inline void emitted_note(void *context, uint32_t symbol, uint32_t timeframe,
                                const struct tg_bar *bar)
{
    struct emitted *emitted = context;

    assert_true(emitted->count < EMITTED_MAX);
    emitted->items[emitted->count].symbol = symbol;
    emitted->items[emitted->count].timeframe = timeframe;
    emitted->items[emitted->count++].bar = *bar;
}

static inline void assert_bar_equal(const struct tg_bar *bar, const struct tg_bar *expected)
{
    assert_int_equal(bar->open_time, expected->open_time);
    assert_int_equal(bar->open.units, expected->open.units);
    assert_int_equal(bar->high.units, expected->high.units);
    assert_int_equal(bar->low.units, expected->low.units);
    assert_int_equal(bar->close.units, expected->close.units);
    assert_int_equal(bar->volume.units, expected->volume.units);
}

/* A random walk in whole ticks, with stretches where the price stands still. */
struct walk {
    struct tg_random random;
    int64_t price; /* units */
    int64_t tick;  /* units */
    uint32_t ticks_max;
    uint32_t flat_per_mille; /* how often a flat stretch begins */
    uint32_t flat_left;
    int64_t open_time;
    int64_t step_ns;
};

static inline int64_t walk_below(struct walk *walk, int64_t limit)
{
    return (int64_t)(tg_random_next(&walk->random) % (uint64_t)limit);
}

static inline struct tg_bar walk_next(struct walk *walk)
{
    struct tg_bar bar = {.open_time = walk->open_time};
    const int64_t span = (int64_t)walk->ticks_max;
    int64_t close = walk->price, high, low;

    walk->open_time += walk->step_ns;
    bar.open.units = walk->price;
    if (walk->flat_left == 0 && walk_below(walk, 1000) < walk->flat_per_mille)
        walk->flat_left = 5 + (uint32_t)walk_below(walk, 40);
    if (walk->flat_left > 0) {
        walk->flat_left--;
        bar.high = bar.low = bar.close = bar.open;
        return bar;
    }
    close += (walk_below(walk, 2 * span + 1) - span) * walk->tick;
    if (close < 20 * span * walk->tick)
        close += span * walk->tick;
    high = (close > walk->price ? close : walk->price) + walk_below(walk, span + 1) * walk->tick;
    low = (close < walk->price ? close : walk->price) - walk_below(walk, span + 1) * walk->tick;
    bar.high.units = high;
    bar.low.units = low;
    bar.close.units = close;
    bar.volume.units = walk_below(walk, 5) == 0 ? 0 : walk_below(walk, 1000 * TG_DECIMAL_ONE);
    walk->price = close;
    return bar;
}

#endif
