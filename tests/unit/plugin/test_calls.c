/*
 * Runs and messages: their results, their order, and that nothing is allocated on the way once all
 * is warm. The linker leads the host's allocations through the counters below.
 */
#include "plugin_world.h"

#include <stdatomic.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static atomic_uint_fast64_t allocations;

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    allocations++;
    return __real_realloc(memory, size);
}

/* ---- results ---- */

static void succeed(uint32_t lanes)
{
    struct world world;
    struct plugin_result result;
    world_open(&world, lanes);
    struct plugin_instance *echo = world_agent(&world, "echo", "e", PLUGIN_LANE_AUTO, NULL, 0);
    world_listen(&world, "x.echo.saw");
    world_run(&world, echo, "look", 77, LONG_ENOUGH);
    assert_int_equal(plugin_calls_waiting(world.host), 1);
    world_pump(&world);
    assert_int_equal(world.heard_count, 0); /* not before it is taken in */
    result = world_result(&world, 77, PLUGIN_SUCCEEDED);
    assert_ptr_equal(result.instance, echo);
    assert_string_equal(result.message, "");
    assert_int_equal(result.published, 1);
    assert_int_equal(result.refused, 0);
    assert_false(plugin_collect(world.host, true, &result));
    assert_int_equal(plugin_calls_waiting(world.host), 0);
    world_pump(&world);
    assert_int_equal(world.heard_count, 1);
    assert_string_equal(world.heard[0].source, "e");
    /* 1643673600 is the slot; the run's own time is a nanosecond later */
    assert_non_null(strstr(world.heard[0].text,
                           "{\"task\":\"look\",\"symbol\":\"XRP/USDT\",\"slot\":"
                           "1643673600000000000,\"now\":1643673600000000001,\"clock\":"
                           "1643673600000000001,\"random\":"));
    assert_non_null(strstr(
        world.heard[0].text,
        "\"price\":103,\"series\":[[0,0,-1],[3,306,28.5],[0,0,-1],[1,101,28.5],[0,0,-1],[0,0,-1]],"
        "\"inputs\":1,\"input\":\"someone\",\"bias\":1,\"positions\":1,"
        "\"entry\":77}"));
    struct plugin_instance_view view = view_of(echo);
    assert_int_equal(view.calls, 1);
    assert_int_equal(view.published, 1);
    assert_int_equal(view.failed + view.timed_out + view.refused, 0);
    assert_true(view.duration_max_ns >= 0 && view.duration_total_ns >= view.duration_max_ns);
    world_close(&world);
}

/* On a lane it works on a copy: what it was given is gone by then. */
static void test_success(void **state)
{
    (void)state;
    succeed(0);
    succeed(1);
}

static void test_failures(void **state)
{
    static const struct {
        const char *task, *sentence;
    } cases[] = {
        {"plain", "f failed: no bars of XRP/USDT"},
        {"no_words", "f failed: the data is too old"},
        {"odd_code", "f failed: "},
        {"no_end", "f failed: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                   "xxxxxxxxxxxxxxxxxxxxxxxxx"},
    };
    (void)state;
    for (uint32_t lanes = 0; lanes < 2; lanes++) {
        struct world world;
        world_open(&world, lanes);
        struct plugin_instance *fails =
            world_agent(&world, "fails", "f", PLUGIN_LANE_AUTO, NULL, 0);
        for (size_t i = 0; i < ARRAY_END(cases); i++) {
            struct plugin_result result = world_do(&world, fails, cases[i].task, PLUGIN_FAILED);
            if (strcmp(cases[i].task, "odd_code") == 0)
                assert_true(strlen(result.message) > strlen(cases[i].sentence));
            else
                assert_string_equal(result.message, cases[i].sentence);
            assert_string_equal(view_of(fails).last_failure, result.message);
        }
        assert_int_equal(view_of(fails).failed, 4);
        assert_int_equal(view_of(fails).calls, 4);
        world_close(&world);
    }
}

/* On the core a call cannot be left; one that took too long counts as late, and says nothing. */
static void test_too_late_on_core(void **state)
{
    struct world world;
    struct plugin_result result;
    (void)state;
    world_open(&world, 0);
    struct plugin_instance *echo = world_agent(&world, "echo", "e", PLUGIN_LANE_CORE, NULL, 0);
    world_listen(&world, "x.echo.saw");
    world_run(&world, echo, "look", 5, -1);
    result = world_result(&world, 5, PLUGIN_TIMED_OUT);
    assert_int_equal(result.published, 0);
    assert_int_equal(result.refused, 1);
    assert_non_null(strstr(result.message, "e took "));
    assert_string_equal(view_of(echo).last_failure, result.message);
    assert_int_equal(view_of(echo).timed_out, 1);
    assert_int_equal(view_of(echo).refused, 1);
    assert_false(view_of(echo).hung);
    world_pump(&world);
    assert_int_equal(world.heard_count, 0);
    world_run(&world, echo, "look", 6, INT64_MAX);
    (void)world_result(&world, 6, PLUGIN_SUCCEEDED);
    world_close(&world);
}

static void test_too_many_waiting(void **state)
{
    struct world world;
    struct plugin_result result;
    (void)state;
    world_open(&world, 0);
    struct plugin_instance *steady = world_agent(&world, "steady", "s", PLUGIN_LANE_CORE, NULL, 0);
    for (uint64_t i = 0; i < PLUGIN_CALLS_WAITING_MAX; i++)
        world_run(&world, steady, "x", i, LONG_ENOUGH);
    assert_int_equal(world_run_symbol(&world, steady, "x", "A/B", 0, LONG_ENOUGH), TG_E_FULL);
    assert_string_equal(world.error.message, "more than 1024 calls wait");
    for (uint64_t i = 0; i < PLUGIN_CALLS_WAITING_MAX; i++)
        (void)world_result(&world, i, PLUGIN_SUCCEEDED);
    assert_false(plugin_collect(world.host, true, &result));
    world_close(&world);
}

/* ---- messages ---- */

static void test_messages_are_answered_in_turn(void **state)
{
    (void)state;
    for (uint32_t lanes = 0; lanes < 2; lanes++) {
        struct world world;
        struct plugin_result none;
        world_open(&world, lanes);
        struct plugin_instance *echo = world_agent(&world, "echo", "e", PLUGIN_LANE_AUTO, NULL, 0);
        world_listen(&world, "x.echo.saw");
        world_publish_reading(&world, "BTC/USDT");
        world_pump(&world);
        assert_int_equal(world.heard_count, 0);
        assert_int_equal(plugin_calls_waiting(world.host), 1);
        assert_false(plugin_collect(world.host, true, &none)); /* no run's result */
        world_pump(&world);
        assert_int_equal(world.heard_count, 1);
        assert_non_null(strstr(world.heard[0].text, "{\"heard\":\"BTC/USDT\",\"from\":\"tester\","
                                                    "\"bias\":0,\"priority\":3,"));
        assert_int_equal(view_of(echo).calls, 1);
        assert_int_equal(view_of(echo).published, 1);
        world_close(&world);
    }
}

/* An instance does not hear itself. */
static void test_not_its_own(void **state)
{
    struct world world;
    (void)state;
    world_open(&world, 0);
    struct plugin_instance *echo = world_agent(&world, "echo", "tester", PLUGIN_LANE_AUTO, NULL, 0);
    world_publish_reading(&world, "BTC/USDT");
    world_pump(&world);
    assert_int_equal(view_of(echo).calls, 0);
    world_close(&world);
}

static void test_failed_message(void **state)
{
    (void)state;
    for (uint32_t lanes = 0; lanes < 2; lanes++) {
        struct world world;
        struct plugin_result none;
        struct bus_subscriber_stats stats;
        world_open(&world, lanes);
        struct plugin_instance *gated =
            world_agent(&world, "gated", "g", PLUGIN_LANE_AUTO, NULL, 0);
        world_publish_event(&world, "a\"b"); /* makes it publish what is no JSON */
        world_pump(&world);
        assert_false(plugin_collect(world.host, true, &none));
        assert_int_equal(view_of(gated).failed, 1);
        assert_int_equal(view_of(gated).refused, 1);
        assert_non_null(strstr(view_of(gated).last_failure, "payload"));
        assert_non_null(strstr(world.logged, "on_message: g failed: "));
        assert_true(bus_get_subscriber_stats(world.bus, "g", &stats));
        assert_int_equal(stats.delivered, 1); /* the bus has done its part */
        world_close(&world);
    }
}

/* ---- the same result, whatever the lanes ---- */

#define ROUNDS    6
#define INSTANCES 5

/* All that is heard, with ids, as one text. */
static void append_heard(const struct world *world, char *text, size_t size, size_t *length)
{
    for (size_t i = 0; i < world->heard_count; i++)
        assert_true(tg_text_append(text, size, length, "%u %u %s %s\n", world->heard[i].topic,
                                   world->heard[i].priority, world->heard[i].source,
                                   world->heard[i].text));
}

static void play(uint32_t lanes, char *text, size_t size)
{
    static const char *const plugins[INSTANCES] = {"echo", "steady", "echo", "floods", "fails"};
    static const char *const names[INSTANCES] = {"zeta", "steady", "alpha", "floods", "fails"};
    struct plugin_instance *instances[INSTANCES];
    struct world world;
    struct plugin_result result;
    size_t length = 0;
    uint64_t number = 0;
    world_open(&world, lanes);
    for (int i = 0; i < INSTANCES; i++)
        instances[i] = world_agent(&world, plugins[i], names[i], PLUGIN_LANE_AUTO, NULL, 0);
    world_listen(&world, "x.echo.saw");
    world_listen(&world, "ta_signals");
    world_listen(&world, "trading_signals");
    for (int round = 0; round < ROUNDS; round++) {
        world_publish_reading(&world, round % 2 != 0 ? "A/B" : "C/D");
        world_pump(&world);
        for (int i = 0; i < INSTANCES; i++)
            world_run(&world, instances[i], "go", number++, LONG_ENOUGH);
        while (plugin_collect(world.host, true, &result)) {
            assert_true(tg_text_append(text, size, &length, "%llu %d %s %u %u %s\n",
                                       (unsigned long long)result.number, (int)result.outcome,
                                       view_of(result.instance).name, result.published,
                                       result.refused, result.message));
            world_pump(&world);
        }
        world_pump(&world);
        world.time.now_ns += SECOND;
    }
    append_heard(&world, text, size, &length);
    for (int i = 0; i < INSTANCES; i++) {
        struct plugin_instance_view view = view_of(instances[i]);
        assert_true(tg_text_append(text, size, &length, "%s %u %u %u\n", view.name,
                                   (unsigned)view.calls, (unsigned)view.published,
                                   (unsigned)view.refused));
    }
    world_close(&world);
}

static void test_same_on_any_lanes(void **state)
{
    static char texts[3][262144];
    (void)state;
    play(0, texts[0], sizeof(texts[0]));
    play(1, texts[1], sizeof(texts[1]));
    play(4, texts[2], sizeof(texts[2]));
    assert_true(strlen(texts[0]) > 4000);
    assert_string_equal(texts[0], texts[1]);
    assert_string_equal(texts[0], texts[2]);
}

/* ---- memory ---- */

static void steady_rounds(struct world *world, struct plugin_instance *steady, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        (void)world_do(world, steady, "x", PLUGIN_SUCCEEDED);
        world_pump(world);
    }
}

/* Once the histories and the calls are there, neither lane nor core asks for memory. */
static void test_steady_state_allocates_nothing(void **state)
{
    (void)state;
    for (uint32_t lanes = 0; lanes < 2; lanes++) {
        struct world world;
        uint64_t before = allocations;
        world_open(&world, lanes);
        struct plugin_instance *steady =
            world_agent(&world, "steady", "s", PLUGIN_LANE_AUTO, NULL, 0);
        assert_true(allocations > before); /* they are counted */
        assert_int_equal(view_of(steady).on_core, lanes == 0);
        steady_rounds(&world, steady, 3000);
        before = allocations;
        steady_rounds(&world, steady, 1000);
        assert_int_equal(allocations - before, 0);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_success),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_too_late_on_core),
        cmocka_unit_test(test_too_many_waiting),
        cmocka_unit_test(test_messages_are_answered_in_turn),
        cmocka_unit_test(test_not_its_own),
        cmocka_unit_test(test_failed_message),
        cmocka_unit_test(test_same_on_any_lanes),
        cmocka_unit_test(test_steady_state_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
