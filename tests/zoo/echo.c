/*
 * Says what it was handed: the run, its snapshot, inputs and positions, and each message that it
 * reads, with a random number each. Deterministic, so that two hosts can be compared.
 */
#include "zoo.h"

#include <inttypes.h>

static unsigned random_word(const struct zoo *zoo)
{
    return (unsigned)(zoo->host->random(zoo->host->context) >> 32);
}

static size_t write_series(const struct tg_snapshot *snapshot, char *json, size_t size)
{
    int length = 0;
    for (int i = 0; i < TG_TIMEFRAME_COUNT; i++) {
        const struct tg_series *series = &snapshot->series[i];
        int64_t sum = 0;
        for (uint32_t k = 0; k < series->count; k++)
            sum += series->bars[k].close.units / TG_DECIMAL_ONE;
        length += snprintf(json + length, size - (size_t)length, "%s[%u,%" PRId64 ",%g]",
                           i > 0 ? "," : "", series->count, sum,
                           TG_READY(series->indicators, rsi14) ? series->indicators->rsi14 : -1);
    }
    return (size_t)length;
}

static int32_t run(void *instance, const struct tg_run *given, struct tg_failure *failure)
{
    const struct zoo *zoo = instance;
    char series[512];
    char json[1024];
    (void)write_series(given->snapshot, series, sizeof(series));
    (void)snprintf(
        json, sizeof(json),
        "{\"task\":\"%s\",\"symbol\":\"%s\",\"slot\":%" PRId64 ",\"now\":%" PRId64
        ",\"clock\":%" PRId64 ",\"random\":%u,\"price\":%" PRId64
        ",\"series\":[%s],\"inputs\":%u,\"input\":\"%s\",\"bias\":%d,\"positions\":%u,"
        "\"entry\":%" PRId64 "}",
        given->task, given->symbol, given->slot, given->now, zoo->host->now(zoo->host->context),
        random_word(zoo), given->snapshot->last_price.units / TG_DECIMAL_ONE, series,
        given->input_count, given->input_count > 0 ? given->inputs[0].source : "",
        given->input_count > 0 ? ((const struct tg_ta_signals *)given->inputs[0].payload)->bias
                               : -1,
        given->position_count,
        given->position_count > 0 ? given->positions[0].entry_price.units / TG_DECIMAL_ONE : 0);
    return zoo_publish_json(zoo, "x.echo.saw", json, failure);
}

static int32_t on_message(void *instance, const struct tg_message *message,
                          struct tg_failure *failure)
{
    const struct zoo *zoo = instance;
    const struct tg_ta_signals *reading = message->payload;
    char json[256];
    (void)snprintf(json, sizeof(json),
                   "{\"heard\":\"%s\",\"from\":\"%s\",\"bias\":%u,\"priority\":%u,\"random\":%u}",
                   reading->symbol, message->source, reading->bias, message->priority,
                   random_word(zoo));
    return zoo_publish_json(zoo, "x.echo.saw", json, failure);
}

static const char *const publishes[] = {"x.echo.saw", NULL};
static const char *const reads[] = {"ta_signals", NULL};

ZOO_PLUGIN("echo", .capabilities = TG_CAPABILITY_CORE_SAFE, .publishes = publishes, .reads = reads,
           .create = zoo_create, .destroy = free, .run = run, .on_message = on_message);
