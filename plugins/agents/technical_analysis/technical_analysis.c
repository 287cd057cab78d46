/*
 * technical_analysis: reads the indicators of a symbol once a minute and publishes ta_signals:
 * trend, momentum, key levels, bias, confidence.
 *
 * This file is the plugin's side of the contract (configuration, life of an instance, one run);
 * what the indicators mean is in reading.c. The instance is one small allocation that keeps only
 * its settings: two runs of the same snapshot give the same record, whichever symbol came between.
 * It never blocks and asks the host for nothing but publishing, so it may run on the core thread.
 *
 * While no timeframe is warm it publishes nothing. It refuses a run without a snapshot, and a
 * snapshot that holds a number that is not finite.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reading.h"

enum { KEY_TIMEFRAME, KEY_DIRECTION_THRESHOLD, KEY_BIAS_THRESHOLD, KEY_FALLBACK_FACTOR, KEY_COUNT };

static const struct tg_config_key config_keys[KEY_COUNT] = {
    [KEY_TIMEFRAME] = {.name = "timeframe",
                       .type = TG_CONFIG_CHOICE,
                       .default_text = "1h",
                       .choices = "1m|5m|15m|1h|4h|1d",
                       .description = "timeframe that leads the reading; while it is not warm, the "
                                      "largest warm one below it leads"},
    [KEY_DIRECTION_THRESHOLD] = {.name = "direction_threshold",
                                 .type = TG_CONFIG_REAL,
                                 .default_text = "0.25",
                                 .minimum = 0.01,
                                 .maximum = 1,
                                 .description = "trend score, 0 to 1, from which the trend is "
                                                "bullish or bearish"},
    [KEY_BIAS_THRESHOLD] = {.name = "bias_threshold",
                            .type = TG_CONFIG_REAL,
                            .default_text = "0.2",
                            .minimum = 0.01,
                            .maximum = 1,
                            .description = "score of trend and momentum, 0 to 1, from which the "
                                           "bias is long or short"},
    [KEY_FALLBACK_FACTOR] = {.name = "fallback_factor",
                             .type = TG_CONFIG_REAL,
                             .default_text = "0.85",
                             .minimum = 0,
                             .maximum = 1,
                             .description = "factor on the confidence for each timeframe that the "
                                            "reading falls short of the configured one"},
};

struct technical_analysis {
    const struct tg_host *host; /* borrows: the host keeps it while the instance lives */
    struct ta_settings settings;
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
    struct technical_analysis *agent;

    if (config->count != KEY_COUNT)
        return fail(failure, TG_E_INVALID,
                    "technical_analysis was given %u configuration values, it declares %d",
                    (unsigned)config->count, KEY_COUNT);
    agent = calloc(1, sizeof(*agent));
    if (agent == NULL)
        return fail(failure, TG_E_NO_MEMORY, "technical_analysis: no memory for the instance");
    agent->host = host;
    agent->settings.timeframe_main = (uint32_t)config->values[KEY_TIMEFRAME].whole;
    agent->settings.direction_threshold = config->values[KEY_DIRECTION_THRESHOLD].real;
    agent->settings.bias_threshold = config->values[KEY_BIAS_THRESHOLD].real;
    agent->settings.fallback_factor = config->values[KEY_FALLBACK_FACTOR].real;
    *instance = agent;
    return TG_E_OK;
}

static void destroy(void *instance)
{
    free(instance);
}

static int32_t run_symbol(void *instance, const struct tg_run *run, struct tg_failure *failure)
{
    const struct technical_analysis *agent = instance;
    const struct tg_host *host = agent->host;
    struct tg_ta_signals signals;

    if (run->snapshot == NULL)
        return fail(failure, TG_E_STATE, "technical_analysis: there is no snapshot of %s",
                    run->symbol);
    if (run->snapshot->last_price.units <= 0)
        return fail(failure, TG_E_INVALID,
                    "technical_analysis: the last price of %s is not "
                    "above zero",
                    run->symbol);
    if (!ta_reading(&agent->settings, run->symbol, run->snapshot, &signals))
        return TG_E_OK;
    if (!ta_reading_is_finite(&signals))
        return fail(failure, TG_E_INVALID,
                    "technical_analysis: an indicator of %s is not a finite number", run->symbol);
    return host->publish(host->context, TG_TOPIC_TA_SIGNALS, TG_PRIORITY_NORMAL, &signals,
                         (uint32_t)sizeof(signals), failure);
}

static const char *const publishes[] = {"ta_signals", NULL};

const struct tg_plugin triplegain_plugin_1 = {
    .magic = TG_ABI_MAGIC,
    .size = sizeof(struct tg_plugin),
    .major = TG_ABI_MAJOR,
    .minor = TG_ABI_MINOR,
    .fingerprint = TG_ABI_FINGERPRINT,
    .name = "technical_analysis",
    .version = "0.1.0",
    .description = "indicators of several timeframes to trend, momentum, key levels and bias",
    .kind = TG_KIND_AGENT,
    .capabilities = TG_CAPABILITY_CORE_SAFE,
    .publishes = publishes,
    .config_keys = config_keys,
    .config_key_count = KEY_COUNT,
    .create = create,
    .destroy = destroy,
    .run = run_symbol,
};
