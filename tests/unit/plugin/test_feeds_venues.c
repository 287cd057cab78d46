/* Feeds and venues: called on the core, by functions of their own, and not believed blindly. */
#include "plugin_world.h"

static struct plugin_instance *make(struct world *world, uint32_t kind, const char *plugin,
                                    const char *way, enum plugin_lane lane)
{
    const struct plugin_setting settings[] = {{"way", way, "test"}};
    struct plugin_instance *instance = NULL;
    struct plugin_instance_options options = {.name = "it",
                                              .plugin = plugin,
                                              .kind = kind,
                                              .symbol = kind == TG_KIND_FEED ? "XRP/USDT" : NULL,
                                              .lane = lane,
                                              .settings = settings,
                                              .setting_count = way != NULL ? 1 : 0};
    if (plugin_find(world->host, plugin) == NULL)
        world_scan(world, plugin);
    if (plugin_instance_create(world->host, &options, &instance, &world->error) != 0)
        fail_msg("%s", world->error.message);
    return instance;
}

static struct plugin_instance *feed(struct world *world, const char *way)
{
    return make(world, TG_KIND_FEED, "odd_feed", way, PLUGIN_LANE_AUTO);
}

static void test_good_feed(void **state)
{
    struct world world;
    struct tg_feed_info info = {.size = 0};
    struct tg_bar bars[4];
    uint32_t count = 99;
    (void)state;
    world_open(&world, 4);
    struct plugin_instance *it = feed(&world, "good");
    assert_true(view_of(it).on_core); /* whatever the lanes: the core reads it */
    assert_string_equal(view_of(it).symbol, "XRP/USDT");
    assert_int_equal(plugin_feed_describe(it, &info, &world.error), 0);
    assert_int_equal(info.size, sizeof(info));
    assert_int_equal(info.timeframe, TG_TIMEFRAME_5M);
    assert_int_equal(plugin_feed_read(it, bars, 4, &count, &world.error), 0);
    assert_int_equal(count, 4);
    assert_int_equal(view_of(it).calls, 2);
    world_close(&world);
    world_open(&world, 0);
    it = make(&world, TG_KIND_FEED, "odd_feed", "good", PLUGIN_LANE_THREAD);
    assert_true(view_of(it).on_core);
    world_close(&world);
}

static void test_bad_feeds(void **state)
{
    struct world world;
    struct tg_feed_info info = {.size = 0};
    struct tg_bar bars[4];
    uint32_t count = 99;
    (void)state;
    world_open(&world, 0);
    struct plugin_instance *it = feed(&world, "fails");
    assert_int_equal(plugin_feed_describe(it, &info, &world.error), TG_E_FAILED);
    assert_string_equal(world.error.message, "it: describe: no telling of XRP/USDT");
    assert_int_equal(plugin_feed_read(it, bars, 4, &count, &world.error), TG_E_IO);
    assert_string_equal(world.error.message, "it: read: reading or writing failed");
    assert_string_equal(view_of(it).last_failure, "read: reading or writing failed");
    assert_int_equal(count, 0);
    assert_int_equal(view_of(it).failed, 2);
    world_close(&world);
    world_open(&world, 0);
    it = feed(&world, "too_many");
    assert_int_equal(plugin_feed_read(it, bars, 4, &count, &world.error), TG_E_RANGE);
    assert_string_equal(world.error.message,
                        "it: read: says that it wrote 5 bars where there was room for 4");
    assert_int_equal(count, 0);
    world_close(&world);
    /* bars are read and judged; a feed cannot put them on the bus past that */
    world_open(&world, 0);
    world_listen(&world, "market_data");
    it = feed(&world, "publishes");
    assert_int_equal(plugin_feed_read(it, bars, 4, &count, &world.error), TG_E_REFUSED);
    assert_string_equal(world.error.message,
                        "it: read: topic 1 is not among those that the descriptor publishes");
    world_pump(&world);
    assert_int_equal(world.heard_count, 0);
    assert_int_equal(view_of(it).refused, 1);
    world_close(&world);
}

/* Rows refused are counted by reason, with the first line; the last slot takes the reasons that
 * found none. */
static void test_reasons(void **state)
{
    struct world world;
    struct tg_bar bars[4];
    uint32_t count;
    const char *reason;
    uint64_t rows;
    uint64_t line;
    uint64_t sum = 0;
    (void)state;
    world_open(&world, 0);
    struct plugin_instance *it = feed(&world, "reasons");
    assert_int_equal(plugin_feed_read(it, bars, 4, &count, &world.error), 0);
    assert_true(plugin_instance_refused_rows(it, 0, &reason, &rows, &line));
    assert_string_equal(reason, "reason 0");
    assert_int_equal(rows, 2);
    assert_int_equal(line, 2);
    assert_true(plugin_instance_refused_rows(it, 31, &reason, &rows, &line));
    assert_string_equal(reason, "other reasons");
    assert_int_equal(rows, 10);
    assert_int_equal(line, 33);
    assert_false(plugin_instance_refused_rows(it, 32, &reason, &rows, &line));
    for (size_t i = 0; plugin_instance_refused_rows(it, i, &reason, &rows, &line); i++)
        sum += rows;
    assert_int_equal(sum, 42);
    assert_int_equal(view_of(it).rows_refused, 42);
    world_close(&world);
}

/* ---- venues ---- */

static struct tg_order order_of(uint8_t side)
{
    struct tg_order order = {.size_of = sizeof(order), .side = side, .id = {.bytes = {9}}};
    assert_true(tg_text_copy(order.symbol, sizeof(order.symbol), "BTC/USDT"));
    return order;
}

static void test_venue(void **state)
{
    struct world world;
    struct tg_order buy = order_of(TG_SIDE_BUY);
    struct tg_order sell = order_of(TG_SIDE_SELL);
    (void)state;
    world_open(&world, 2);
    struct plugin_instance *it = make(&world, TG_KIND_VENUE, "odd_venue", NULL, PLUGIN_LANE_AUTO);
    struct trade_venue venue = plugin_venue(it);
    world_listen(&world, "execution_events");
    assert_true(view_of(it).on_core);
    assert_int_equal(venue.submit(venue.context, &buy, &world.error), 0);
    assert_true(bus_has_work(world.bus)); /* at once, without plugin_collect */
    world_pump(&world);
    assert_int_equal(world.heard_count, 1);
    assert_string_equal(world.heard[0].source, "it");
    assert_int_equal(world.heard[0].priority, TG_PRIORITY_HIGH);
    assert_int_equal(venue.submit(venue.context, &sell, &world.error), TG_E_UNKNOWN);
    assert_string_equal(world.error.message, "it: submit: nobody sells BTC/USDT here");
    assert_int_equal(venue.cancel(venue.context, &buy.id, &world.error), TG_E_NOT_FOUND);
    assert_true(strncmp(world.error.message, "it: cancel: zzzzzzzz", 20) == 0);
    assert_int_equal(
        venue.amend(venue.context, &buy.id, tg_decimal_whole(2), tg_decimal_whole(1), &world.error),
        TG_E_RANGE);
    assert_string_equal(world.error.message, "it: amend: the value is out of range");
    assert_int_equal(
        venue.amend(venue.context, &buy.id, tg_decimal_whole(1), tg_decimal_whole(1), &world.error),
        0);
    assert_int_equal(view_of(it).calls, 5);
    assert_int_equal(view_of(it).failed, 3);
    world_close(&world);
}

static void publish_bar(struct world *world, bool closed)
{
    struct tg_market_data bar = {.timeframe = TG_TIMEFRAME_1M, .closed = closed};
    bar.open = bar.high = bar.low = bar.close = tg_decimal_whole(1);
    assert_true(tg_text_copy(bar.symbol, sizeof(bar.symbol), "A/B"));
    struct bus_draft draft = {.topic = TG_TOPIC_MARKET_DATA,
                              .source = bus_source(world->bus, "tester", &world->error),
                              .payload = &bar,
                              .payload_size = sizeof(bar)};
    assert_int_equal(bus_publish(world->bus, &draft, NULL, &world->error), 0);
}

/* What fills within a bar must be on the bus before the bar's positions are marked. */
static void test_venue_answers_at_once(void **state)
{
    struct world world;
    struct bus_subscriber_stats stats;
    (void)state;
    world_open(&world, 0);
    struct plugin_instance *it = make(&world, TG_KIND_VENUE, "odd_venue", NULL, PLUGIN_LANE_AUTO);
    world_listen(&world, "execution_events");
    publish_bar(&world, true);
    world_pump(&world);
    assert_int_equal(world.heard_count, 1);
    assert_int_equal(plugin_calls_waiting(world.host), 0);
    publish_bar(&world, false);
    world_pump(&world);
    assert_int_equal(world.heard_count, 1);
    assert_int_equal(view_of(it).failed, 1);
    assert_string_equal(view_of(it).last_failure, "the data is too old");
    assert_true(bus_get_subscriber_stats(world.bus, "it", &stats));
    assert_int_equal(stats.failed, 1); /* the bus keeps it as a dead letter */
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_feed),
        cmocka_unit_test(test_bad_feeds),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_venue),
        cmocka_unit_test(test_venue_answers_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
