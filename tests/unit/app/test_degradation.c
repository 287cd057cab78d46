/*
 * What a degraded host leaves out: slots of agents that the level stops are skipped and counted,
 * all others go on, and with the level's end everything does.
 */
#include "app_fixture.h"

static struct stage stage;

static void fail_venue(int times)
{
    for (int i = 0; i < times; i++)
        coord_call_result(stage.host->coord, COORD_CALL_VENUE, false);
}

static struct sched_task_view view_of(const char *task)
{
    struct sched_task_view view;
    int number = sched_task_find(stage.host->sched, task);
    assert_true(number >= 0);
    sched_view(stage.host->sched, (uint32_t)number, 0, &view);
    return view;
}

static int setup(void **state)
{
    (void)state;
    stage_open(&stage, "config/demo.yaml", NULL, NULL);
    stage_pass(&stage, 4 * TG_NS_PER_HOUR + 30 * TG_NS_PER_MIN);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    stage_close(&stage);
    return 0;
}

static void emergency_stops_trading_decisions_alone(void **state)
{
    (void)state;
    struct sched_task_view trading = view_of("trading_decision");
    struct sched_task_view analysis = view_of("ta_analysis");
    assert_true(trading.succeeded >= 4);
    fail_venue(6);
    assert_int_equal(coord_get_level(stage.host->coord), COORD_LIMITED);
    stage_pass(&stage, TG_NS_PER_HOUR);
    assert_int_equal(view_of("trading_decision").succeeded, trading.succeeded + 1);
    fail_venue(3);
    assert_int_equal(coord_get_level(stage.host->coord), COORD_EMERGENCY);
    stage_pass(&stage, 2 * TG_NS_PER_HOUR);
    assert_int_equal(view_of("trading_decision").succeeded, trading.succeeded + 1);
    assert_int_equal(view_of("trading_decision").skipped[SCHED_SKIP_STATE], 2);
    assert_int_equal(view_of("ta_analysis").succeeded, analysis.succeeded + 3 * 60);
    assert_int_equal(view_of("ta_analysis").skipped[SCHED_SKIP_STATE], 0);
    for (int i = 0; i < 3; i++)
        coord_call_result(stage.host->coord, COORD_CALL_VENUE, true);
    assert_int_equal(coord_get_level(stage.host->coord), COORD_LIMITED);
    stage_pass(&stage, TG_NS_PER_HOUR);
    assert_int_equal(view_of("trading_decision").succeeded, trading.succeeded + 2);
}

static void halted_stops_every_agent_until_the_reset(void **state)
{
    (void)state;
    assert_int_equal(coord_halt(stage.host->coord, "operator", "smoke", NULL), 0);
    struct sched_task_view analysis = view_of("ta_analysis");
    stage_pass(&stage, 10 * TG_NS_PER_MIN);
    assert_int_equal(view_of("ta_analysis").started, analysis.started);
    assert_int_equal(view_of("ta_analysis").skipped[SCHED_SKIP_STATE], 10);
    assert_int_equal(coord_reset(stage.host->coord, "operator", "looked at", false, NULL), 0);
    stage_pass(&stage, 10 * TG_NS_PER_MIN); /* PAUSED: analysis goes on */
    assert_int_equal(view_of("ta_analysis").succeeded, analysis.succeeded + 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(emergency_stops_trading_decisions_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(halted_stops_every_agent_until_the_reset, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
