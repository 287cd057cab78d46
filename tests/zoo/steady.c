/* A well-behaved agent: one reading and one signal for each run, nothing allocated. */
#include "zoo.h"

static int32_t run(void *instance, const struct tg_run *given, struct tg_failure *failure)
{
    const struct tg_host *host = ((const struct zoo *)instance)->host;
    struct tg_ta_signals reading = {.trend_strength = 0.5, .confidence = 0.5};
    struct tg_trading_signals signal = {.action = TG_ACTION_HOLD, .confidence = 0.5, .slot = 1};
    memcpy(reading.symbol, given->symbol, strlen(given->symbol) + 1);
    memcpy(signal.symbol, given->symbol, strlen(given->symbol) + 1);
    int32_t code = host->publish(host->context, TG_TOPIC_TA_SIGNALS, TG_PRIORITY_NORMAL, &reading,
                                 sizeof(reading), failure);
    return code != TG_E_OK ? code
                           : host->publish(host->context, TG_TOPIC_TRADING_SIGNALS, TG_PRIORITY_LOW,
                                           &signal, sizeof(signal), failure);
}

static const char *const publishes[] = {"ta_signals", "trading_signals", NULL};

ZOO_PLUGIN("steady", .capabilities = TG_CAPABILITY_CORE_SAFE, .publishes = publishes,
           .create = zoo_create, .destroy = free, .run = run);
