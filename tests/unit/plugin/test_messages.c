/* What plugins publish: checked, stamped, counted, bounded; and what they may not. */
#include "plugin_world.h"

static void test_bad_records(void **state)
{
    static const struct {
        const char *task, *sentence;
    } cases[] = {
        {"nan", "ta_signals.momentum_score: nan is out of range (-1 to 1)"},
        {"infinite", "ta_signals.confidence: inf is out of range (0 to 1)"},
        {"range", "ta_signals.confidence: 1.5 is out of range (0 to 1)"},
        {"long_text", "system_events.event: has no end within 48 bytes"},
        {"not_declared", "topic 5 is not among those that the descriptor publishes"},
        {"no_topic", "topic 0 is not among those that the descriptor publishes"},
        {"far_topic", "topic 70000 is not among those that the descriptor publishes"},
        {"foreign", "topic 64 is not among those that the descriptor publishes"},
        {"short", "ta_signals: a record of 8 bytes was given (128 are required)"},
        {"huge", "the record has 4294967295 bytes; a call may publish 65536"},
        {"null", "there is no record"},
        {"priority", "priority 9 is out of range (0 to 4)"},
        {"own_not_json", "payload: 1:5: unexpected token near end of file"},
        {"own_no_object", "payload: is not a JSON object"},
        {"no_failure", "not allowed"},
    };
    (void)state;
    for (uint32_t lanes = 0; lanes < 2; lanes++) {
        struct world world;
        world_open(&world, lanes);
        world_listen(&world, "x.echo.saw"); /* the first own topic is another's */
        struct plugin_instance *bad =
            world_agent(&world, "bad_records", "b", PLUGIN_LANE_AUTO, NULL, 0);
        world_listen(&world, "ta_signals");
        world_listen(&world, "system_events");
        for (size_t i = 0; i < ARRAY_END(cases); i++) {
            struct plugin_result result = world_do(&world, bad, cases[i].task, PLUGIN_FAILED);
            char expected[256];
            (void)snprintf(expected, sizeof(expected), "b failed: %s", cases[i].sentence);
            assert_string_equal(result.message, expected);
            assert_int_equal(result.published, 0);
            assert_int_equal(result.refused, 1);
            assert_int_equal(view_of(bad).refused, i + 1);
        }
        /* a record may stand anywhere in the plugin's memory */
        assert_int_equal(world_do(&world, bad, "shifted", PLUGIN_SUCCEEDED).published, 1);
        world_pump(&world);
        assert_int_equal(world.heard_count, 1);
        world_close(&world);
    }
}

static void test_flood(void **state)
{
    static const struct {
        const char *task;
        uint32_t fit;
    } cases[] = {{"small", PLUGIN_CALL_MESSAGES_MAX}, {"large", 6}};
    (void)state;
    for (uint32_t lanes = 0; lanes < 2; lanes++) {
        struct world world;
        world_open(&world, lanes);
        struct plugin_instance *floods =
            world_agent(&world, "floods", "f", PLUGIN_LANE_AUTO, NULL, 0);
        struct plugin_instance *steady =
            world_agent(&world, "steady", "s", PLUGIN_LANE_AUTO, NULL, 0);
        world_listen(&world, "x.floods.drop");
        for (size_t i = 0; i < ARRAY_END(cases); i++) {
            struct plugin_result result = world_do(&world, floods, cases[i].task, PLUGIN_SUCCEEDED);
            assert_int_equal(result.published, cases[i].fit);
            assert_int_equal(result.refused, 1000 - cases[i].fit);
            world.heard_count = 0;
            world_pump(&world);
            assert_int_equal(world.heard_count, cases[i].fit);
            assert_int_equal(world_do(&world, steady, "x", PLUGIN_SUCCEEDED).published, 2);
        }
        assert_int_equal(view_of(floods).published, PLUGIN_CALL_MESSAGES_MAX + 6);
        world_close(&world);
    }
}

/* From a thread of the plugin's own no service answers, not even while a run goes on. */
static void test_own_thread(void **state)
{
    (void)state;
    for (uint32_t lanes = 0; lanes < 2; lanes++) {
        struct world world;
        world_open(&world, lanes);
        struct plugin_instance *own =
            world_agent(&world, "own_thread", "o", PLUGIN_LANE_AUTO, NULL, 0);
        struct plugin_result result = world_do(&world, own, "x", PLUGIN_FAILED);
        assert_string_equal(result.message,
                            "o failed: -7 0 0 publish: no call into this instance goes on here");
        assert_int_equal(result.published, 0);
        assert_int_equal(view_of(own).refused, 4); /* publish, now, random, log */
        assert_null(strstr(world.logged, "from a thread of its own"));
        world_close(&world);
    }
}

/* stop is the last moment to say something; destroy is too late. */
static void test_after_stop(void **state)
{
    struct world world;
    struct meeting meeting;
    (void)state;
    meeting_open(&meeting);
    world_open(&world, 0);
    const struct plugin_setting settings[] = {
        meeting.settings[0], meeting.settings[1], {"publish", "true", "test"}};
    (void)world_agent(&world, "life", "l", PLUGIN_LANE_AUTO, settings, 3);
    world_listen(&world, "x.life.said");
    world_pump(&world);
    assert_int_equal(world.heard_count, 2);
    world_close_host(&world);
    assert_string_equal(letters(&meeting), "c+s+dt+f-");
    world_pump(&world);
    assert_int_equal(world.heard_count, 3);
    assert_string_equal(world.heard[2].text, "{\"said\":1}");
    world_close(&world);
    meeting_close(&meeting);
}

/* Another instance's context does not open a door: services are for the call that goes on. */
static void test_context_of_another(void **state)
{
    struct world world;
    struct tg_failure failure;
    (void)state;
    world_open(&world, 0);
    struct plugin_instance *echo = world_agent(&world, "echo", "e", PLUGIN_LANE_AUTO, NULL, 0);
    struct plugin_instance *other = world_agent(&world, "steady", "s", PLUGIN_LANE_AUTO, NULL, 0);
    const struct tg_host *services = &echo->services;
    assert_int_equal(services->size, sizeof(struct tg_host));
    assert_int_equal(services->minor, TG_ABI_MINOR);
    assert_string_equal(services->instance_name, "e");
    assert_string_equal(services->symbol, "");
    struct plugin_call *call = plugin__direct_begin(other);
    assert_int_equal(services->publish(services->context, 64, 0, "{}", 2, &failure), TG_E_STATE);
    assert_int_equal(services->now(services->context), 0);
    assert_int_equal(other->services.now(other->services.context), WORLD_START);
    assert_int_equal(call->output.count, 0);
    plugin__direct_leave(other);
    plugin__direct_end(other, true);
    assert_int_equal(view_of(echo).refused, 2);
    assert_int_equal(view_of(other).refused, 0);
    assert_int_equal(services->publish(NULL, 64, 0, "{}", 2, &failure), TG_E_STATE);
    /* these answer at any time */
    assert_int_equal(services->topic_number(services->context, "x.echo.saw"),
                     bus_topic_find(world.bus, "x.echo.saw"));
    assert_int_equal(services->topic_number(services->context, "x.echo.other"), 0);
    assert_int_equal(services->topic_number(services->context, NULL), 0);
    assert_null(services->group(services->context, "models"));
    world_close(&world);
}

/* ---- the host's stamp ---- */

struct stamped {
    size_t count;
    uint64_t numbers[8];
};

static void stamp(void *context, const struct plugin_instance *instance, uint64_t number,
                  struct bus_draft *draft, void *payload)
{
    struct stamped *stamped = context;
    assert_string_equal(view_of(instance).name, "s");
    assert_true(stamped->count < 8);
    stamped->numbers[stamped->count++] = number;
    if (draft->topic != TG_TOPIC_TRADING_SIGNALS)
        return;
    struct tg_trading_signals *signal = payload;
    signal->slot = 1234;
    TG_SET(signal, TRADING_SIGNALS, slot);
    draft->priority = TG_PRIORITY_URGENT;
}

static int check_signal(void *context, const struct tg_message *message)
{
    bool *seen = context;
    const struct tg_trading_signals *signal = message->payload;
    *seen = signal->slot == 1234 && TG_HAS(signal, TRADING_SIGNALS, slot) &&
            message->priority == TG_PRIORITY_URGENT;
    return 0;
}

static void test_stamp(void **state)
{
    (void)state;
    for (uint32_t lanes = 0; lanes < 2; lanes++) {
        struct world world;
        struct stamped stamped = {.count = 0};
        bool seen = false;
        world_open(&world, lanes);
        plugin_set_stamp(world.host, stamp, &stamped);
        struct plugin_instance *steady =
            world_agent(&world, "steady", "s", PLUGIN_LANE_AUTO, NULL, 0);
        assert_int_equal(bus_subscribe(world.bus, "checker", TG_TOPIC_TRADING_SIGNALS, check_signal,
                                       NULL, &seen, &world.error),
                         0);
        world_run(&world, steady, "x", 99, LONG_ENOUGH);
        (void)world_result(&world, 99, PLUGIN_SUCCEEDED);
        world_pump(&world);
        assert_int_equal(stamped.count, 2);
        assert_int_equal(stamped.numbers[0], 99);
        assert_int_equal(stamped.numbers[1], 99);
        assert_true(seen);
        world_close(&world);
    }
}

/* ---- random numbers ---- */

/* Same name and seed: same numbers; another name: others. */
static void test_random(void **state)
{
    char texts[3][1024];
    static const char *const names[] = {"a", "a", "b"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct world world;
        world_open(&world, (uint32_t)i % 2);
        struct plugin_instance *echo =
            world_agent(&world, "echo", names[i], PLUGIN_LANE_AUTO, NULL, 0);
        world_listen(&world, "x.echo.saw");
        (void)world_do(&world, echo, "x", PLUGIN_SUCCEEDED);
        (void)world_do(&world, echo, "x", PLUGIN_SUCCEEDED);
        world_pump(&world);
        assert_int_equal(world.heard_count, 2);
        assert_string_not_equal(world.heard[0].text, world.heard[1].text);
        (void)tg_text_copy(texts[i], sizeof(texts[i]), world.heard[1].text);
        world_close(&world);
    }
    assert_string_equal(texts[0], texts[1]);
    assert_string_not_equal(texts[0], texts[2]);
}

/* Two plugins that answer each other end after BUS_HOPS_MAX hops, on the core and on lanes. */
static void test_circle(void **state)
{
    const enum plugin_lane lanes[] = {PLUGIN_LANE_CORE, PLUGIN_LANE_THREAD};
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        struct world world;
        struct plugin_result result;
        struct bus_stats stats;
        world_open(&world, 0);
        struct plugin_instance *a = world_agent(&world, "answers", "a", lanes[i], NULL, 0);
        struct plugin_instance *b = world_agent(&world, "answers", "b", lanes[i], NULL, 0);
        assert_int_equal(world_do(&world, a, "x", PLUGIN_SUCCEEDED).published, 1);
        for (uint32_t answers = 0; bus_has_work(world.bus); answers++) {
            assert_true(answers <= BUS_HOPS_MAX);
            world_pump(&world);
            assert_false(plugin_collect(world.host, true, &result)); /* answers are no runs */
        }
        assert_int_equal(view_of(a).published + view_of(b).published, BUS_HOPS_MAX + 1);
        assert_int_equal(view_of(a).refused + view_of(b).refused, 1);
        bus_get_stats(world.bus, &stats);
        assert_int_equal(stats.refused_hops, 1);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_records),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_own_thread),
        cmocka_unit_test(test_after_stop),
        cmocka_unit_test(test_context_of_another),
        cmocka_unit_test(test_stamp),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_circle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
