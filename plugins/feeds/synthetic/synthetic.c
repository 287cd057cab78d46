/*
 * synthetic.c: the feed that makes up bars.
 *
 * A seeded market with regimes, fat tails, clustering volatility and a pattern of the day: for
 * demonstrations, tests and benchmarks. What it delivers is always labelled synthetic. The bars
 * depend on the configuration and the symbol alone, not on the machine, the day or the way of
 * reading. The instance is one block of constant size, used by one thread at a time.
 */
#include <stdlib.h>
#include <string.h>

#include <triplegain/triplegain.h>

#include "../calendar.h"
#include "../failure.h"
#include "market.h"

#define START_TICKS_MIN 100
#define SEED_MAX        9.0e15 /* whole numbers up to here survive every way of being written */

enum synthetic_key {
    SYNTHETIC_KEY_SEED,
    SYNTHETIC_KEY_START,
    SYNTHETIC_KEY_DAYS,
    SYNTHETIC_KEY_START_PRICE,
    SYNTHETIC_KEY_PRICE_PLACES,
    SYNTHETIC_KEY_VOLATILITY_PCT,
    SYNTHETIC_KEY_TIMEFRAME,
    SYNTHETIC_KEY_GAP_MINUTES_PER_DAY,
    SYNTHETIC_KEY_CORRELATION,
    SYNTHETIC_KEY_FACTOR_SEED,
    SYNTHETIC_KEY_COUNT
};

static const struct tg_config_key config_keys[SYNTHETIC_KEY_COUNT] = {
    [SYNTHETIC_KEY_SEED] = {.name = "seed",
                            .type = TG_CONFIG_WHOLE,
                            .default_text = "1",
                            .maximum = SEED_MAX,
                            .description = "seed; another one gives another market"},
    [SYNTHETIC_KEY_START] = {.name = "start",
                             .type = TG_CONFIG_TEXT,
                             .default_text = "2024-01-01",
                             .description = "start of the first bar, UTC, as 2024-01-01 or "
                                            "2024-01-01T12:00:00Z"},
    [SYNTHETIC_KEY_DAYS] = {.name = "days",
                            .type = TG_CONFIG_REAL,
                            .default_text = "30",
                            .minimum = 0.001,
                            .maximum = 36500.0,
                            .description = "how much is generated, in days"},
    [SYNTHETIC_KEY_START_PRICE] = {.name = "start_price",
                                   .type = TG_CONFIG_DECIMAL,
                                   .default_text = "40000",
                                   .minimum = 1.0e-6,
                                   .maximum = 1.0e9,
                                   .description = "first price, quote currency"},
    [SYNTHETIC_KEY_PRICE_PLACES] = {.name = "price_places",
                                    .type = TG_CONFIG_WHOLE,
                                    .default_text = "2",
                                    .maximum = 8.0,
                                    .description = "digits after the point of a price"},
    [SYNTHETIC_KEY_VOLATILITY_PCT] = {.name = "volatility_pct",
                                      .type = TG_CONFIG_REAL,
                                      .default_text = "60",
                                      .minimum = 1.0,
                                      .maximum = 1000.0,
                                      .description = "standard deviation of returns over a year "
                                                     "of 365 days, in %"},
    [SYNTHETIC_KEY_TIMEFRAME] = {.name = "timeframe",
                                 .type = TG_CONFIG_CHOICE,
                                 .default_text = "1m",
                                 .choices = "1m|5m|15m|1h|4h|1d",
                                 .description = "length of a bar"},
    [SYNTHETIC_KEY_GAP_MINUTES_PER_DAY] = {.name = "gap_minutes_per_day",
                                           .type = TG_CONFIG_REAL,
                                           .default_text = "0",
                                           .maximum = 720.0,
                                           .description = "minutes per day without bars, on "
                                                          "average, in gaps of about 10"},
    [SYNTHETIC_KEY_CORRELATION] = {.name = "correlation",
                                   .type = TG_CONFIG_REAL,
                                   .default_text = "0",
                                   .maximum = 1.0,
                                   .description = "of the returns of symbols that have this "
                                                  "correlation and the same factor_seed, 0 to 1"},
    [SYNTHETIC_KEY_FACTOR_SEED] = {.name = "factor_seed",
                                   .type = TG_CONFIG_WHOLE,
                                   .default_text = "1",
                                   .maximum = SEED_MAX,
                                   .description = "seed of the movement that symbols share"},
};

struct synthetic_feed {
    uint32_t timeframe;
    int64_t first_open_time;
    int64_t last_open_time;
    struct synthetic_market market;
};

/* YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ. */
static int32_t start_parse(const char *text, int64_t *start, struct tg_failure *failure)
{
    const size_t length = strlen(text);
    int64_t time = length == 10 || length == 20 ? calendar_day_parse(text) : CALENDAR_UNREADABLE;
    if (time >= 0 && length == 20) {
        const int hours = calendar_digits(text + 11, 2);
        const int minutes = calendar_digits(text + 14, 2);
        const int seconds = calendar_digits(text + 17, 2);
        if (text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != 'Z' || hours < 0 ||
            hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59) {
            time = CALENDAR_UNREADABLE;
        } else {
            time += (hours * 60 + minutes) * CALENDAR_MINUTE + seconds * CALENDAR_SECOND;
        }
    }
    if (time < 0) {
        return feed_fail(failure, TG_E_INVALID,
                         "start: \"%.40s\" is not a time from %d to %d, as 2024-01-01 or "
                         "2024-01-01T12:00:00Z",
                         text, CALENDAR_FIRST_YEAR, CALENDAR_LAST_YEAR);
    }
    *start = time;
    return TG_E_OK;
}

/* What the bounds of single keys cannot say. */
static int32_t settings_check(const struct synthetic_settings *settings, struct tg_failure *failure)
{
    const int64_t length = calendar_timeframe_length(settings->timeframe);
    int64_t tick_units = TG_DECIMAL_ONE;
    for (int i = 0; i < settings->price_places; i++) {
        tick_units /= 10;
    }
    if (settings->start % length != 0) {
        return feed_fail(failure, TG_E_INVALID,
                         "start: must be a multiple of the timeframe, %lld minutes",
                         (long long)(length / CALENDAR_MINUTE));
    }
    if (settings->bar_count < 1) {
        return feed_fail(failure, TG_E_RANGE, "days: too few for one bar of %lld minutes",
                         (long long)(length / CALENDAR_MINUTE));
    }
    if (settings->bar_count > (CALENDAR_END - settings->start) / length) {
        return feed_fail(failure, TG_E_RANGE, "days: reach beyond the year %d", CALENDAR_LAST_YEAR);
    }
    if (settings->start_price.units < START_TICKS_MIN * tick_units) {
        return feed_fail(
            failure, TG_E_RANGE, "start_price: with price_places %d it must be at least %.*f",
            settings->price_places, settings->price_places > 2 ? settings->price_places - 2 : 0,
            (double)(START_TICKS_MIN * tick_units) / (double)TG_DECIMAL_ONE);
    }
    return TG_E_OK;
}

static int32_t create(const struct tg_host *host, const struct tg_config *config, void **instance,
                      struct tg_failure *failure)
{
    if (config->count != SYNTHETIC_KEY_COUNT) {
        return feed_fail(failure, TG_E_INVALID, "%u values for the %d keys of this plugin",
                         (unsigned)config->count, SYNTHETIC_KEY_COUNT);
    }
    const struct tg_config_value *values = config->values;
    struct synthetic_settings settings = {
        .seed = (uint64_t)values[SYNTHETIC_KEY_SEED].whole,
        .factor_seed = (uint64_t)values[SYNTHETIC_KEY_FACTOR_SEED].whole,
        .symbol = host->symbol,
        .timeframe = (uint32_t)values[SYNTHETIC_KEY_TIMEFRAME].whole,
        .start_price = values[SYNTHETIC_KEY_START_PRICE].decimal,
        .price_places = (int)values[SYNTHETIC_KEY_PRICE_PLACES].whole,
        .volatility_pct = values[SYNTHETIC_KEY_VOLATILITY_PCT].real,
        .gap_minutes_per_day = values[SYNTHETIC_KEY_GAP_MINUTES_PER_DAY].real,
        .correlation = values[SYNTHETIC_KEY_CORRELATION].real,
    };
    const int64_t length = calendar_timeframe_length(settings.timeframe);
    const int64_t bars_a_day = CALENDAR_DAY / length;
    settings.bar_count = (int64_t)(values[SYNTHETIC_KEY_DAYS].real * (double)bars_a_day);
    int32_t code = start_parse(values[SYNTHETIC_KEY_START].text, &settings.start, failure);
    if (code == TG_E_OK) {
        code = settings_check(&settings, failure);
    }
    if (code != TG_E_OK) {
        return code;
    }
    struct synthetic_feed *feed = calloc(1, sizeof *feed);
    if (!feed) {
        return feed_fail(failure, TG_E_NO_MEMORY, "out of memory");
    }
    feed->timeframe = settings.timeframe;
    feed->first_open_time = settings.start;
    feed->last_open_time = settings.start + (settings.bar_count - 1) * length;
    synthetic_market_init(&feed->market, &settings);
    *instance = feed;
    return TG_E_OK;
}

static void destroy(void *instance)
{
    free(instance);
}

static int32_t describe(void *instance, struct tg_feed_info *info, struct tg_failure *failure)
{
    const struct synthetic_feed *feed = instance;
    if (info->size < sizeof *info) {
        return feed_fail(failure, TG_E_INVALID, "the host's feed description is too small");
    }
    info->timeframe = feed->timeframe;
    info->first_open_time = feed->first_open_time;
    info->last_open_time = feed->last_open_time;
    info->synthetic = 1;
    return TG_E_OK;
}

static int32_t read_bars(void *instance, struct tg_bar *bars, uint32_t capacity, uint32_t *count,
                         struct tg_failure *failure)
{
    struct synthetic_feed *feed = instance;
    uint32_t filled = 0;
    (void)failure;
    while (filled < capacity && synthetic_market_next(&feed->market, &bars[filled])) {
        filled++;
    }
    *count = filled;
    return TG_E_OK;
}

static const struct tg_feed_functions feed_functions = {
    .size = sizeof(struct tg_feed_functions),
    .describe = describe,
    .read = read_bars,
};

static const char *const publishes[] = {"market_data", NULL};

const struct tg_plugin triplegain_plugin_1 = {
    .magic = TG_ABI_MAGIC,
    .size = sizeof(struct tg_plugin),
    .major = TG_ABI_MAJOR,
    .minor = TG_ABI_MINOR,
    .fingerprint = TG_ABI_FINGERPRINT,
    .name = "synthetic",
    .version = "1.0.0",
    .description = "made-up bars from a seed: regimes, fat tails, clustering volatility",
    .kind = TG_KIND_FEED,
    .capabilities = TG_CAPABILITY_CORE_SAFE,
    .publishes = publishes,
    .config_keys = config_keys,
    .config_key_count = SYNTHETIC_KEY_COUNT,
    .create = create,
    .destroy = destroy,
    .feed = &feed_functions,
};
