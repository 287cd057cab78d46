/* A feed that misbehaves in the way that its setting says. */
#include "zoo.h"

enum { KEY_GATE, KEY_TOLD, KEY_WAY, KEY_COUNT };
enum { WAY_GOOD, WAY_TOO_MANY, WAY_FAILS, WAY_PUBLISHES, WAY_REASONS };

static const struct tg_config_key keys[KEY_COUNT] = {
    ZOO_KEYS,
    {.name = "way",
     .type = TG_CONFIG_CHOICE,
     .default_text = "good",
     .choices = "good|too_many|fails|publishes|reasons",
     .description = "of misbehaving"}};

struct feed {
    const struct tg_host *host;
    int64_t way;
};

static int32_t create(const struct tg_host *host, const struct tg_config *config, void **instance,
                      struct tg_failure *failure)
{
    struct feed *feed = calloc(1, sizeof(*feed));
    if (feed == NULL)
        return failure->code = TG_E_NO_MEMORY;
    feed->host = host;
    feed->way = config->values[KEY_WAY].whole;
    *instance = feed;
    return TG_E_OK;
}

static int32_t describe(void *instance, struct tg_feed_info *info, struct tg_failure *failure)
{
    const struct feed *feed = instance;
    info->timeframe = TG_TIMEFRAME_5M;
    (void)snprintf(failure->message, sizeof(failure->message), "no telling of %s",
                   feed->host->symbol);
    return feed->way == WAY_FAILS ? TG_E_FAILED : TG_E_OK;
}

static void refuse_rows(const struct feed *feed)
{
    char reason[128];
    for (uint64_t i = 0; i < 40; i++) {
        (void)snprintf(reason, sizeof(reason), "reason %d", (int)i);
        feed->host->row_refused(feed->host->context, reason, i + 2);
    }
    memset(reason, 'y', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';
    feed->host->row_refused(feed->host->context, reason, 99);
    feed->host->row_refused(feed->host->context, "reason 0", 100);
    feed->host->row_refused(feed->host->context, NULL, 101);
}

static int32_t publish_bar(const struct feed *feed, struct tg_failure *failure)
{
    const struct tg_decimal price = {TG_DECIMAL_ONE};
    struct tg_market_data bar = {.timeframe = TG_TIMEFRAME_5M,
                                 .open = price,
                                 .high = price,
                                 .low = price,
                                 .close = price,
                                 .closed = 1};
    memcpy(bar.symbol, feed->host->symbol, sizeof(bar.symbol));
    return feed->host->publish(feed->host->context, TG_TOPIC_MARKET_DATA, 0, &bar, sizeof(bar),
                               failure);
}

static int32_t read_bars(void *instance, struct tg_bar *bars, uint32_t capacity, uint32_t *count,
                         struct tg_failure *failure)
{
    const struct feed *feed = instance;
    *count = feed->way == WAY_TOO_MANY ? capacity + 1 : capacity;
    memset(bars, 0, capacity * sizeof(*bars));
    if (feed->way == WAY_REASONS)
        refuse_rows(feed);
    if (feed->way == WAY_PUBLISHES)
        return publish_bar(feed, failure);
    return feed->way == WAY_FAILS ? TG_E_IO : TG_E_OK;
}

static const struct tg_feed_functions functions = {
    .size = sizeof(struct tg_feed_functions), .describe = describe, .read = read_bars};
static const char *const publishes[] = {"market_data", NULL};

ZOO_PLUGIN_OF(TG_KIND_FEED, "odd_feed", .capabilities = TG_CAPABILITY_CORE_SAFE,
              .publishes = publishes, .config_keys = keys, .config_key_count = KEY_COUNT,
              .create = create, .destroy = free, .feed = &functions);
