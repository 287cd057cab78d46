/*
 * regime_detection: names the regime of each symbol's market every few minutes and publishes
 * regime_updates with what follows from it: position size, stop, target, strictness, leverage.
 *
 * This file is the plugin's side of the contract; how a regime is told is in detect.c. The instance
 * keeps one small memory per symbol (the regime in force and what is about to replace it), in a
 * table of fixed size that is never shared between symbols. A symbol beyond the table's size is
 * refused; nothing is ever evicted, because a regime that is forgotten would change by itself.
 *
 * The regime survives a restart where the host still knows the last update: the first run of a
 * symbol takes over the regime of the newest regime_updates message of this very instance.
 *
 * It never blocks and asks the host for nothing but publishing. While nothing is warm it publishes
 * `unknown` with confidence 0. It refuses a run without a snapshot and numbers that are not finite.
 */
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect.h"

#define SYMBOLS_MAX 256 /* 10 KiB */

/* X(REGIME, name, size, stop, target, strictness, leverage): the defaults of the configuration. */
#define REGIME_TABLE(X)                                                                            \
    X(TRENDING_BULL, trending_bull, "1.0", "1.2", "2.0", "normal", "5")                            \
    X(TRENDING_BEAR, trending_bear, "1.0", "1.2", "2.0", "normal", "3")                            \
    X(RANGING, ranging, "0.75", "0.8", "1.5", "strict", "2")                                       \
    X(VOLATILE_BULL, volatile_bull, "0.5", "1.5", "2.5", "strict", "2")                            \
    X(VOLATILE_BEAR, volatile_bear, "0.5", "1.5", "2.5", "strict", "2")                            \
    X(CHOPPY, choppy, "0.25", "1.0", "1.0", "very_strict", "1")                                    \
    X(BREAKOUT_POTENTIAL, breakout_potential, "0.75", "1.0", "3.0", "strict", "3")                 \
    X(UNKNOWN, unknown, "0.5", "1.0", "1.5", "normal", "1")

/* Five keys per regime, in the order of the regimes, after the keys of their own. */
enum {
    PARAMETER_SIZE,
    PARAMETER_STOP,
    PARAMETER_TARGET,
    PARAMETER_STRICTNESS,
    PARAMETER_LEVERAGE,
    PARAMETER_COUNT
};
enum {
    KEY_TIMEFRAME,
    KEY_VOLATILE_ATR_PCT,
    KEY_VOLATILE_ATR_RATIO,
    KEY_CHANGE_CONFIDENCE,
    KEY_CHANGE_DETECTIONS,
    KEY_TABLE,
    KEY_COUNT = KEY_TABLE + PARAMETER_COUNT * TG_REGIME_COUNT
};

#define KEY_OF(REGIME, parameter)                                                                  \
    [KEY_TABLE + PARAMETER_COUNT * TG_REGIME_##REGIME + PARAMETER_##parameter]
#define TABLE_KEYS(REGIME, regime, size_, stop, target, strictness, leverage_)                     \
    KEY_OF(REGIME,                                                                                 \
           SIZE) = {.name = #regime "_size_multiplier",                                            \
                    .type = TG_CONFIG_REAL,                                                        \
                    .default_text = size_,                                                         \
                    .minimum = 0,                                                                  \
                    .maximum = 10,                                                                 \
                    .description = "factor on the position size in " #regime},                     \
           KEY_OF(REGIME, STOP) = {.name = #regime "_stop_multiplier",                             \
                                   .type = TG_CONFIG_REAL,                                         \
                                   .default_text = stop,                                           \
                                   .minimum = 0.1,                                                 \
                                   .maximum = 10,                                                  \
                                   .description = "factor on the stop distance in " #regime},      \
           KEY_OF(REGIME,                                                                          \
                  TARGET) = {.name = #regime "_target_multiplier",                                 \
                             .type = TG_CONFIG_REAL,                                               \
                             .default_text = target,                                               \
                             .minimum = 0.1,                                                       \
                             .maximum = 10,                                                        \
                             .description = "factor on the take-profit distance in " #regime},     \
           KEY_OF(REGIME,                                                                          \
                  STRICTNESS) = {.name = #regime "_strictness",                                    \
                                 .type = TG_CONFIG_CHOICE,                                         \
                                 .default_text = strictness,                                       \
                                 .choices = "relaxed|normal|strict|very_strict",                   \
                                 .description = "how strict entries are judged in " #regime},      \
           KEY_OF(REGIME, LEVERAGE) = {.name = #regime "_leverage_max",                            \
                                       .type = TG_CONFIG_WHOLE,                                    \
                                       .default_text = leverage_,                                  \
                                       .minimum = 1,                                               \
                                       .maximum = 125,                                             \
                                       .description = "highest leverage in " #regime},

static const struct tg_config_key config_keys[KEY_COUNT] = {
    [KEY_TIMEFRAME] = {.name = "timeframe",
                       .type = TG_CONFIG_CHOICE,
                       .default_text = "1h",
                       .choices = "1m|5m|15m|1h|4h|1d",
                       .description = "timeframe the regime is read from; while it is not warm, "
                                      "the largest warm one below it"},
    [KEY_VOLATILE_ATR_PCT] = {.name = "volatile_atr_pct",
                              .type = TG_CONFIG_REAL,
                              .default_text = "1.5",
                              .minimum = 0.01,
                              .maximum = 100,
                              .description =
                                  "average true range of a 1h bar in % of the price that "
                                  "counts as volatile; scaled to other timeframes by "
                                  "the square root of time"},
    [KEY_VOLATILE_ATR_RATIO] = {.name = "volatile_atr_ratio",
                                .type = TG_CONFIG_REAL,
                                .default_text = "1.5",
                                .minimum = 1.05,
                                .maximum = 20,
                                .description = "average true range over its mean of 20 bars that "
                                               "counts as volatile, a ratio"},
    [KEY_CHANGE_CONFIDENCE] = {.name = "change_confidence",
                               .type = TG_CONFIG_REAL,
                               .default_text = "0.7",
                               .minimum = 0,
                               .maximum = 1,
                               .description =
                                   "confidence, 0 to 1, from which one detection changes "
                                   "the regime"},
    [KEY_CHANGE_DETECTIONS] = {.name = "change_detections",
                               .type = TG_CONFIG_WHOLE,
                               .default_text = "2",
                               .minimum = 1,
                               .maximum = 100,
                               .description = "detections in a row of the same new regime that "
                                              "change it whatever their confidence"},
    REGIME_TABLE(TABLE_KEYS)};

struct parameters {
    double size_multiplier;
    double stop_multiplier;
    double target_multiplier;
    uint8_t strictness;
    int64_t leverage_max;
};

struct symbol_memory {
    char symbol[TG_SYMBOL_SIZE];
    struct regime_memory memory;
};

struct regime_agent {
    const struct tg_host *host; /* borrows: the host keeps it while the instance lives */
    struct regime_settings settings;
    struct parameters parameters[TG_REGIME_COUNT];
    uint32_t symbol_count;
    struct symbol_memory symbols[SYMBOLS_MAX];
};

__attribute__((format(printf, 3, 4))) static int32_t fail(struct tg_failure *failure, int32_t code,
                                                          const char *format, ...)
{
    va_list arguments;

    if (failure != NULL) {
        failure->code = code;
        va_start(arguments, format);
        vsnprintf(failure->message, sizeof(failure->message), format, arguments);
        va_end(arguments);
    }
    return code;
}

static int32_t create(const struct tg_host *host, const struct tg_config *config, void **instance,
                      struct tg_failure *failure)
{
    struct regime_agent *agent;

    if (config->count != KEY_COUNT)
        return fail(failure, TG_E_INVALID,
                    "regime_detection was given %u configuration values, it declares %d",
                    (unsigned)config->count, KEY_COUNT);
    agent = calloc(1, sizeof(*agent));
    if (agent == NULL)
        return fail(failure, TG_E_NO_MEMORY, "regime_detection: no memory for the instance");
    agent->host = host;
    agent->settings.timeframe = (uint32_t)config->values[KEY_TIMEFRAME].whole;
    agent->settings.volatile_atr_pct = config->values[KEY_VOLATILE_ATR_PCT].real;
    agent->settings.volatile_atr_ratio = config->values[KEY_VOLATILE_ATR_RATIO].real;
    agent->settings.change_confidence = config->values[KEY_CHANGE_CONFIDENCE].real;
    agent->settings.change_detections = (uint32_t)config->values[KEY_CHANGE_DETECTIONS].whole;
    for (uint32_t regime = 0; regime < TG_REGIME_COUNT; regime++) {
        const struct tg_config_value *values =
            config->values + KEY_TABLE + PARAMETER_COUNT * regime;
        struct parameters *parameters = &agent->parameters[regime];

        parameters->size_multiplier = values[PARAMETER_SIZE].real;
        parameters->stop_multiplier = values[PARAMETER_STOP].real;
        parameters->target_multiplier = values[PARAMETER_TARGET].real;
        parameters->strictness = (uint8_t)values[PARAMETER_STRICTNESS].whole;
        parameters->leverage_max = values[PARAMETER_LEVERAGE].whole;
    }
    *instance = agent;
    return TG_E_OK;
}

static void destroy(void *instance)
{
    free(instance);
}

/* The regime of this instance's own last update, as the host still knows it. */
static uint32_t last_published(const struct regime_agent *agent, const struct tg_run *run)
{
    for (uint32_t n = 0; n < run->input_count; n++) {
        const struct tg_input *input = &run->inputs[n];
        const struct tg_regime_updates *update = input->payload;

        if (input->topic == TG_TOPIC_REGIME_UPDATES && input->payload_size == sizeof(*update) &&
            strcmp(input->source, agent->host->instance_name) == 0 &&
            strcmp(update->symbol, run->symbol) == 0 && update->regime < TG_REGIME_COUNT)
            return update->regime;
    }
    return TG_REGIME_UNKNOWN;
}

/* The memory of the run's symbol, made at its first run; NULL where the table is full. */
static struct regime_memory *memory_of(struct regime_agent *agent, const struct tg_run *run)
{
    struct symbol_memory *entry;

    for (uint32_t n = 0; n < agent->symbol_count; n++)
        if (strcmp(agent->symbols[n].symbol, run->symbol) == 0)
            return &agent->symbols[n].memory;
    if (agent->symbol_count == SYMBOLS_MAX)
        return NULL;
    entry = &agent->symbols[agent->symbol_count++];
    strncpy(entry->symbol, run->symbol, sizeof(entry->symbol) - 1);
    entry->memory.regime = last_published(agent, run);
    entry->memory.pending = entry->memory.regime;
    entry->memory.pending_count = 0;
    return &entry->memory;
}

static void fill_update(const struct regime_agent *agent, const struct tg_run *run,
                        const struct regime_detection *detection, uint32_t regime,
                        struct tg_regime_updates *update)
{
    const struct parameters *parameters = &agent->parameters[regime];

    memset(update, 0, sizeof(*update));
    strncpy(update->symbol, run->symbol, sizeof(update->symbol) - 1);
    update->regime = (uint8_t)regime;
    /* A regime that is kept against a new one, not yet sure, is as sure as it still fits. */
    update->confidence =
        detection->regime == regime ? detection->confidence : detection->membership[regime];
    update->position_size_multiplier = parameters->size_multiplier;
    update->entry_strictness = parameters->strictness;
    update->stop_multiplier = parameters->stop_multiplier;
    update->target_multiplier = parameters->target_multiplier;
    update->leverage_max = parameters->leverage_max;
    update->method = TG_METHOD_INDICATORS;
    update->present = TG_BIT(REGIME_UPDATES, stop_multiplier) |
                      TG_BIT(REGIME_UPDATES, target_multiplier) |
                      TG_BIT(REGIME_UPDATES, leverage_max) | TG_BIT(REGIME_UPDATES, changed) |
                      TG_BIT(REGIME_UPDATES, method);
    if (detection->regime != TG_REGIME_UNKNOWN) {
        update->adx = fmin(fmax(detection->adx, 0), 100);
        update->choppiness = fmin(fmax(detection->choppiness, 0), 200);
        update->atr_pct = fmin(fmax(detection->atr_pct, 0), 1000);
        update->present |= TG_BIT(REGIME_UPDATES, adx) | TG_BIT(REGIME_UPDATES, choppiness) |
                           TG_BIT(REGIME_UPDATES, atr_pct);
    }
}

static int32_t run_symbol(void *instance, const struct tg_run *run, struct tg_failure *failure)
{
    struct regime_agent *agent = instance;
    const struct tg_host *host = agent->host;
    struct regime_detection detection;
    struct tg_regime_updates update;
    struct regime_memory *memory;
    struct regime_memory next;
    const char *not_finite;
    int32_t code;

    if (run->snapshot == NULL)
        return fail(failure, TG_E_STATE, "regime_detection: there is no snapshot of %s",
                    run->symbol);
    memory = memory_of(agent, run);
    if (memory == NULL)
        return fail(failure, TG_E_FULL, "regime_detection keeps %d symbols and has no place for %s",
                    SYMBOLS_MAX, run->symbol);
    not_finite = regime_detect(&agent->settings, run->snapshot, &detection);
    if (not_finite != NULL)
        return fail(failure, TG_E_INVALID, "regime_detection: %s of %s is not a finite number",
                    not_finite, run->symbol);
    next = *memory;
    if (regime_settle(&agent->settings, &next, &detection)) {
        fill_update(agent, run, &detection, next.regime, &update);
        update.changed = 1;
        update.regime_before = (uint8_t)memory->regime;
        TG_SET(&update, REGIME_UPDATES, regime_before);
    } else {
        fill_update(agent, run, &detection, next.regime, &update);
    }
    code = host->publish(host->context, TG_TOPIC_REGIME_UPDATES, TG_PRIORITY_NORMAL, &update,
                         (uint32_t)sizeof(update), failure);
    /* A change that nobody was told of has not happened: the next run announces it. */
    if (code == TG_E_OK)
        *memory = next;
    return code;
}

static const char *const publishes[] = {"regime_updates", NULL};
static const char *const reads[] = {"regime_updates", NULL};

const struct tg_plugin triplegain_plugin_1 = {
    .magic = TG_ABI_MAGIC,
    .size = sizeof(struct tg_plugin),
    .major = TG_ABI_MAJOR,
    .minor = TG_ABI_MINOR,
    .fingerprint = TG_ABI_FINGERPRINT,
    .name = "regime_detection",
    .version = "0.1.0",
    .description = "trend strength, choppiness and volatility to a market regime",
    .kind = TG_KIND_AGENT,
    .capabilities = TG_CAPABILITY_CORE_SAFE,
    .publishes = publishes,
    .reads = reads,
    .config_keys = config_keys,
    .config_key_count = KEY_COUNT,
    .create = create,
    .destroy = destroy,
    .run = run_symbol,
};
