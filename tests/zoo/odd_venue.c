/* A venue: accepts buys, fails for sells, has never heard of any order; answers bars with an event.
 */
#include "zoo.h"

static int32_t report(const struct zoo *zoo, uint8_t what, const struct tg_uuid *id,
                      const char *symbol, struct tg_failure *failure)
{
    struct tg_execution_events event = {.event_type = what, .order_id = *id};
    memcpy(event.symbol, symbol, strlen(symbol) + 1);
    return zoo->host->publish(zoo->host->context, TG_TOPIC_EXECUTION_EVENTS, TG_PRIORITY_HIGH,
                              &event, sizeof(event), failure);
}

static int32_t submit(void *instance, const struct tg_order *order, struct tg_failure *failure)
{
    if (order->side == TG_SIDE_BUY)
        return report(instance, TG_EXECUTION_ACCEPTED, &order->id, order->symbol, failure);
    (void)snprintf(failure->message, sizeof(failure->message), "nobody sells %s here",
                   order->symbol);
    return TG_E_UNKNOWN;
}

static int32_t cancel(void *instance, const struct tg_uuid *id, struct tg_failure *failure)
{
    (void)instance;
    (void)id;
    memset(failure->message, 'z', sizeof(failure->message)); /* no end */
    return TG_E_NOT_FOUND;
}

static int32_t amend(void *instance, const struct tg_uuid *id, struct tg_decimal size,
                     struct tg_decimal price, struct tg_failure *failure)
{
    (void)instance;
    (void)id;
    (void)failure;
    return size.units > price.units ? TG_E_RANGE : TG_E_OK;
}

static int32_t on_message(void *instance, const struct tg_message *message,
                          struct tg_failure *failure)
{
    const struct tg_market_data *bar = message->payload;
    const struct tg_uuid id = {.bytes = {1}};
    if (!bar->closed)
        return TG_E_STALE;
    return report(instance, TG_EXECUTION_EXPIRED, &id, bar->symbol, failure);
}

static const struct tg_venue_functions functions = {
    .size = sizeof(struct tg_venue_functions), .submit = submit, .cancel = cancel, .amend = amend};
static const char *const publishes[] = {"execution_events", NULL};
static const char *const reads[] = {"market_data", NULL};

ZOO_PLUGIN_OF(TG_KIND_VENUE, "odd_venue", .capabilities = TG_CAPABILITY_CORE_SAFE,
              .publishes = publishes, .reads = reads, .create = zoo_create, .destroy = free,
              .on_message = on_message, .venue = &functions);
