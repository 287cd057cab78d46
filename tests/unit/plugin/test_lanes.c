/*
 * Lanes: the order of results, runs that hang, and the end of a host in which one still does.
 *
 * A plugin that hangs waits at a gate of the test's, so nothing here depends on how fast anything
 * is: what hangs has a limit of some milliseconds, what does not one of many seconds.
 */
#include "plugin_world.h"

#include <time.h>

static int64_t now_ns(void)
{
    struct tg_clock clock = loop_real_clock();
    return tg_clock_monotonic(&clock);
}

static struct plugin_instance *gated(struct world *world, const char *name, struct meeting *meeting)
{
    return world_agent(world, "gated", name, PLUGIN_LANE_THREAD, meeting->settings, 2);
}

/* Results come in the order of starting, however the lanes end. */
static void test_order_of_starting(void **state)
{
    struct world world;
    struct meeting meetings[WORLD_LANES];
    struct plugin_instance *instances[WORLD_LANES];
    static const char *const names[WORLD_LANES] = {"a", "b", "c", "d"};
    struct plugin_result result;
    (void)state;
    world_open(&world, WORLD_LANES);
    for (size_t i = 0; i < WORLD_LANES; i++) {
        meeting_open(&meetings[i]);
        instances[i] = gated(&world, names[i], &meetings[i]);
    }
    assert_int_equal(world.host->lane_count, WORLD_LANES);
    world_listen(&world, "x.gated.did");
    for (uint64_t i = 0; i < WORLD_LANES; i++)
        world_run(&world, instances[i], "wait", i, LONG_ENOUGH);
    for (size_t i = 0; i < WORLD_LANES; i++)
        assert_int_equal(hear_letter(&meetings[i]), '>'); /* all go on at once */
    assert_false(plugin_collect(world.host, false, &result));
    for (size_t i = WORLD_LANES; i-- > 1;) {
        let_through(&meetings[i]);
        assert_int_equal(hear_letter(&meetings[i]), '+');
        assert_false(plugin_collect(world.host, false, &result)); /* the first still goes on */
    }
    assert_int_equal(plugin_calls_waiting(world.host), WORLD_LANES);
    let_through(&meetings[0]);
    for (uint64_t i = 0; i < WORLD_LANES; i++)
        (void)world_result(&world, i, PLUGIN_SUCCEEDED);
    world_pump(&world);
    assert_int_equal(world.heard_count, WORLD_LANES);
    for (size_t i = 0; i < WORLD_LANES; i++)
        assert_string_equal(world.heard[i].source, names[i]);
    world_close(&world);
    for (size_t i = 0; i < WORLD_LANES; i++)
        meeting_close(&meetings[i]);
}

/* More instances than lanes: each lane has its share. */
static void test_shared_evenly(void **state)
{
    struct world world;
    char name[16];
    (void)state;
    world_open(&world, 2);
    for (int i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof(name), "e%d", i);
        (void)world_agent(&world, "echo", name, PLUGIN_LANE_THREAD, NULL, 0);
    }
    assert_int_equal(world.host->lane_count, 2);
    int first = 0;
    for (size_t i = 0; i < 6; i++)
        first += plugin_instance_at(world.host, i)->lane == world.host->lanes[0];
    assert_int_equal(first, 3);
    world_close(&world);
}

/*
 * One lane for three: the run that hangs is left alone at its limit, others on the lane go on with
 * a new thread, and what waited for the hung instance is not made, for it is still in the first
 * call.
 */
static void test_hung_on_shared_lane(void **state)
{
    struct world world;
    struct meeting meeting;
    struct plugin_result result;
    (void)state;
    meeting_open(&meeting);
    world_open(&world, 1);
    struct plugin_instance *hangs = gated(&world, "hangs", &meeting);
    struct plugin_instance *echo = world_agent(&world, "echo", "echo", PLUGIN_LANE_AUTO, NULL, 0);
    struct plugin_instance *fails = world_agent(&world, "fails", "f", PLUGIN_LANE_AUTO, NULL, 0);
    world_listen(&world, "x.gated.did");
    world_listen(&world, "x.echo.saw");
    world_run(&world, hangs, "wait", 1, A_MOMENT);
    world_run_symbol(&world, hangs, "quick", "A/B", 2, LONG_ENOUGH);
    world_run(&world, echo, "look", 3, LONG_ENOUGH);
    world_run(&world, fails, "plain", 4, LONG_ENOUGH);
    result = world_result(&world, 1, PLUGIN_TIMED_OUT);
    assert_ptr_equal(result.instance, hangs);
    assert_string_equal(result.message, "hangs did not come back within 20 ms and was left alone");
    assert_int_equal(result.duration_ns, A_MOMENT);
    assert_true(view_of(hangs).hung);
    result = world_result(&world, 2, PLUGIN_FAILED);
    assert_string_equal(result.message, "hangs failed: still hangs in an earlier call");
    assert_int_equal(world_result(&world, 3, PLUGIN_SUCCEEDED).published, 1);
    (void)world_result(&world, 4, PLUGIN_FAILED);
    assert_string_equal(letters(&meeting), ">");
    /* no more calls until it comes back */
    assert_int_equal(world_run_symbol(&world, hangs, "quick", "A/B", 5, LONG_ENOUGH), TG_E_STATE);
    assert_string_equal(world.error.message, "hangs still hangs in an earlier call");
    world_publish_event(&world, "quick");
    world_pump(&world);
    assert_int_equal(plugin_calls_waiting(world.host), 0);
    assert_int_equal(world_do(&world, echo, "look", PLUGIN_SUCCEEDED).published, 1);
    /* it comes back: what it says late is refused, and it may be called again */
    let_through(&meeting);
    assert_int_equal(hear_letter(&meeting), '-');
    until_not_hung(hangs);
    assert_int_equal(world_do(&world, hangs, "quick", PLUGIN_SUCCEEDED).published, 1);
    world_pump(&world);
    assert_int_equal(world.heard_count, 3);
    assert_string_equal(world.heard[0].source, "echo");
    assert_string_equal(world.heard[1].source, "echo");
    assert_string_equal(world.heard[2].text, "{\"did\":\"quick\"}");
    struct plugin_instance_view view = view_of(hangs);
    assert_int_equal(view.calls, 3);
    assert_int_equal(view.timed_out, 1);
    assert_int_equal(view.failed, 1);
    assert_int_equal(view.published, 1);
    assert_int_equal(view.refused, 2); /* publish and log, late */
    world_close(&world);
    assert_string_equal(letters(&meeting), "+f");
    meeting_close(&meeting);
}

/* Published before it hung: dropped as well, the run as a whole was not in time. */
static void test_late_but_back(void **state)
{
    struct world world;
    struct meeting meeting;
    struct plugin_result result;
    (void)state;
    meeting_open(&meeting);
    world_open(&world, 1);
    struct plugin_instance *slow = gated(&world, "slow", &meeting);
    world_listen(&world, "x.gated.did");
    world_run(&world, slow, "wait", 1, 1); /* one nanosecond */
    let_through(&meeting);
    assert_int_equal(hear_letter(&meeting), '>');
    assert_int_equal(hear_letter(&meeting), '+'); /* it is back before anybody asks */
    result = world_result(&world, 1, PLUGIN_TIMED_OUT);
    assert_int_equal(result.published, 0);
    until_not_hung(slow);
    world_pump(&world);
    assert_int_equal(world.heard_count, 0);
    assert_int_equal(world_do(&world, slow, "quick", PLUGIN_SUCCEEDED).published, 1);
    world_close(&world);
    meeting_close(&meeting);
}

/* Who never waits learns of a hang too. */
static void test_hung_without_waiting(void **state)
{
    struct world world;
    struct meeting meeting;
    struct plugin_result result;
    (void)state;
    meeting_open(&meeting);
    world_open(&world, 0);
    struct plugin_instance *hangs = gated(&world, "hangs", &meeting);
    world_run(&world, hangs, "wait", 1, A_MOMENT);
    while (!plugin_collect(world.host, false, &result))
        (void)sched_yield();
    assert_int_equal(result.outcome, PLUGIN_TIMED_OUT);
    assert_true(view_of(hangs).hung);
    let_through(&meeting);
    until_not_hung(hangs);
    world_close(&world);
    assert_string_equal(letters(&meeting), ">-f");
    meeting_close(&meeting);
}

/* A message that hangs: the same, and no result of a run. */
static void test_hung_message(void **state)
{
    struct world world;
    struct meeting meeting;
    (void)state;
    meeting_open(&meeting);
    world_open(&world, 0);
    struct plugin_instance *hangs = gated(&world, "hangs", &meeting);
    world_publish_event(&world, "wait");
    world_pump(&world);
    assert_int_equal(hear_letter(&meeting), '>');
    world_run(&world, hangs, "quick", 8, LONG_ENOUGH);
    /* its limit is seconds, too long for a test */
    world.host->waiting[world.host->waiting_first]->limit_ns = A_MOMENT;
    assert_non_null(
        strstr(world_result(&world, 8, PLUGIN_FAILED).message, "still hangs in an earlier call"));
    assert_int_equal(view_of(hangs).timed_out, 1);
    assert_true(view_of(hangs).hung);
    let_through(&meeting);
    until_not_hung(hangs);
    world_close(&world);
    meeting_close(&meeting);
}

/* The host ends while a run hangs, and does not wait for it. The plugin's own end comes after it.
 */
static void test_end_while_hung(void **state)
{
    struct world world;
    struct meeting meeting;
    (void)state;
    meeting_open(&meeting);
    world_open(&world, 1);
    struct plugin_instance *hangs = gated(&world, "hangs", &meeting);
    struct plugin_instance *echo = world_agent(&world, "echo", "echo", PLUGIN_LANE_AUTO, NULL, 0);
    world_run(&world, hangs, "wait", 1, A_MOMENT);
    (void)world_result(&world, 1, PLUGIN_TIMED_OUT);
    (void)world_do(&world, echo, "look", PLUGIN_SUCCEEDED);
    int64_t before = now_ns();
    size_t logged = world.logged_length;
    struct plugin_lane_share *share = world.host->share; /* kept by the thread that hangs */
    assert_ptr_equal(share->log, world.log);
    world_close_host(&world);
    assert_true(now_ns() - before < 2 * SECOND);
    assert_null(share->log); /* whoever still writes finds none */
    world_close(&world);     /* the bus and the log are gone, too */
    let_through(&meeting);
    assert_int_equal(hear_letter(&meeting), '>');
    assert_int_equal(hear_letter(&meeting), '-'); /* after its host, it still calls services */
    assert_int_equal(hear_letter(&meeting), 'f');
    assert_int_equal(world.logged_length, logged); /* it found no log */
    meeting_close(&meeting);
}

/* Still within its limit when the host ends: it gets no more than two seconds. */
static void test_end_while_running(void **state)
{
    struct world world;
    struct meeting meeting;
    (void)state;
    meeting_open(&meeting);
    world_open(&world, 1);
    struct plugin_instance *slow = gated(&world, "slow", &meeting);
    world_run(&world, slow, "wait", 1, 3600 * SECOND);
    world_run(&world, slow, "wait again", 2, 3600 * SECOND);
    assert_int_equal(hear_letter(&meeting), '>');
    int64_t before = now_ns();
    world_close(&world);
    assert_true(now_ns() - before < 30 * SECOND);
    let_through(&meeting);
    assert_int_equal(hear_letter(&meeting), '-');
    assert_int_equal(hear_letter(&meeting), 'f'); /* the second was never made */
    meeting_close(&meeting);
}

/* Ends in time: the host takes in what still goes on. */
static void test_end_takes_in(void **state)
{
    struct world world;
    struct meeting meeting;
    struct bus_stats before;
    struct bus_stats after;
    (void)state;
    meeting_open(&meeting);
    world_open(&world, 1);
    struct plugin_instance *slow = gated(&world, "slow", &meeting);
    bus_get_stats(world.bus, &before);
    let_through(&meeting);
    world_run(&world, slow, "wait", 1, LONG_ENOUGH);
    world_close_host(&world);
    bus_get_stats(world.bus, &after);
    assert_int_equal(after.published + after.queue_messages,
                     before.published + before.queue_messages + 2);
    world_close(&world);
    assert_string_equal(letters(&meeting), ">+f");
    meeting_close(&meeting);
}

/* It never comes back: its thread and its memory are left where they are. */
static void test_hangs_for_ever(void **state)
{
    static struct meeting meeting; /* stays open: nobody ever opens the gate */
    struct world world;
    (void)state;
    meeting_open(&meeting);
    world_open(&world, 0);
    struct plugin_instance *hangs = gated(&world, "hangs", &meeting);
    world_run(&world, hangs, "wait", 1, A_MOMENT);
    (void)world_result(&world, 1, PLUGIN_TIMED_OUT);
    int64_t before = now_ns();
    world_close(&world);
    assert_true(now_ns() - before < 2 * SECOND);
    assert_int_equal(hear_letter(&meeting), '>');
    assert_string_equal(letters(&meeting), "");
}

static void wake(void *context)
{
    atomic_uint *woken = context;
    atomic_fetch_add(woken, 1);
}

/* Each finished call wakes the core, which need not wait in plugin_collect. */
static void test_wake(void **state)
{
    struct world world;
    struct plugin_result result;
    atomic_uint woken = 0;
    (void)state;
    world_open(&world, 1);
    world_close_host(&world);
    struct plugin_host_options options = {.bus = world.bus,
                                          .clock = tg_virtual_clock(&world.time),
                                          .real_clock = loop_real_clock(),
                                          .lanes = 1,
                                          .wake = wake,
                                          .wake_context = &woken};
    assert_int_equal(plugin_host_create(&options, &world.host, &world.error), 0);
    struct plugin_instance *echo = world_agent(&world, "echo", "e", PLUGIN_LANE_AUTO, NULL, 0);
    for (unsigned i = 1; i <= 3; i++) {
        world_run(&world, echo, "look", i, LONG_ENOUGH);
        while (atomic_load(&woken) < i)
            (void)sched_yield();
        assert_true(plugin_collect(world.host, false, &result));
        assert_int_equal(result.number, i);
    }
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_starting),
        cmocka_unit_test(test_shared_evenly),
        cmocka_unit_test(test_hung_on_shared_lane),
        cmocka_unit_test(test_late_but_back),
        cmocka_unit_test(test_hung_without_waiting),
        cmocka_unit_test(test_hung_message),
        cmocka_unit_test(test_end_while_hung),
        cmocka_unit_test(test_end_while_running),
        cmocka_unit_test(test_end_takes_in),
        cmocka_unit_test(test_hangs_for_ever),
        cmocka_unit_test(test_wake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
