/* Degradation: failures by kind, levels at 3, 6 and 9, and the slow way back. */
#include "coord_fixture.h"

static void fail_times(struct world *w, enum coord_call call, int times)
{
    for (int i = 0; i < times; i++)
        coord_call_result(w->coord, call, false);
}

static void succeed_times(struct world *w, enum coord_call call, int times)
{
    for (int i = 0; i < times; i++)
        coord_call_result(w->coord, call, true);
}

static void expect_change(struct world *w, uint32_t count, const char *from, const char *to)
{
    world_settle(w);
    assert_int_equal(events_of(w, "degradation_changed"), count);
    const struct noted *noted = event_of(w, "degradation_changed");
    assert_string_equal(noted->record.from, from);
    assert_string_equal(noted->record.to, to);
    assert_string_equal(noted->record.actor, "coordinator");
    assert_int_equal(noted->priority, TG_PRIORITY_HIGH);
}

static void test_down_and_up(void **state)
{
    (void)state;
    struct world *w = world_open();
    fail_times(w, COORD_CALL_MODEL, 2);
    assert_int_equal(coord_get_level(w->coord), COORD_NORMAL);
    fail_times(w, COORD_CALL_MODEL, 1);
    assert_int_equal(coord_get_level(w->coord), COORD_REDUCED);
    expect_change(w, 1, "NORMAL", "REDUCED");
    assert_string_equal(event_of(w, "degradation_changed")->record.message, "model calls");
    fail_times(w, COORD_CALL_MODEL, 3);
    expect_change(w, 2, "REDUCED", "LIMITED");
    fail_times(w, COORD_CALL_MODEL, 2);
    assert_int_equal(coord_get_level(w->coord), COORD_LIMITED);
    fail_times(w, COORD_CALL_MODEL, 1);
    expect_change(w, 3, "LIMITED", "EMERGENCY");
    fail_times(w, COORD_CALL_MODEL, 1000); /* do not pile up beyond */
    assert_int_equal(coord_get_level(w->coord), COORD_EMERGENCY);

    succeed_times(w, COORD_CALL_MODEL, 2);
    assert_int_equal(coord_get_level(w->coord), COORD_EMERGENCY);
    succeed_times(w, COORD_CALL_MODEL, 1); /* 8 */
    expect_change(w, 4, "EMERGENCY", "LIMITED");
    succeed_times(w, COORD_CALL_MODEL, 8); /* 6, and two on the way */
    assert_int_equal(coord_get_level(w->coord), COORD_LIMITED);
    succeed_times(w, COORD_CALL_MODEL, 1); /* 5 */
    expect_change(w, 5, "LIMITED", "REDUCED");
    succeed_times(w, COORD_CALL_MODEL, 9); /* 2 */
    expect_change(w, 6, "REDUCED", "NORMAL");
    succeed_times(w, COORD_CALL_MODEL, 100);
    fail_times(w, COORD_CALL_MODEL, 2); /* successes do not pile up either */
    assert_int_equal(coord_get_level(w->coord), COORD_NORMAL);
    world_settle(w);
    assert_int_equal(events_of(w, "degradation_changed"), 6);
    world_close(w);
}

/* One success does not undo a failure, and a failure begins the three anew. */
static void test_hysteresis(void **state)
{
    (void)state;
    struct world *w = world_open();
    for (int i = 0; i < 3; i++) {
        fail_times(w, COORD_CALL_VENUE, 1);
        succeed_times(w, COORD_CALL_VENUE, 2);
    }
    assert_int_equal(coord_get_level(w->coord), COORD_REDUCED);
    succeed_times(w, COORD_CALL_VENUE, 1);
    assert_int_equal(coord_get_level(w->coord), COORD_NORMAL);
    fail_times(w, COORD_CALL_VENUE, 1);
    assert_int_equal(coord_get_level(w->coord), COORD_REDUCED);
    world_close(w);
}

/* The kinds are counted apart: successes of one never hide failures of the other. */
static void test_per_kind(void **state)
{
    (void)state;
    struct world *w = world_open();
    fail_times(w, COORD_CALL_MODEL, 2);
    fail_times(w, COORD_CALL_VENUE, 2);
    assert_int_equal(coord_get_level(w->coord), COORD_NORMAL);
    fail_times(w, COORD_CALL_VENUE, 4);
    assert_int_equal(coord_get_level(w->coord), COORD_LIMITED);
    succeed_times(w, COORD_CALL_MODEL, 300);
    assert_int_equal(coord_get_level(w->coord), COORD_LIMITED);
    world_settle(w);
    assert_string_equal(event_of(w, "degradation_changed")->record.message, "venue calls");
    succeed_times(w, COORD_CALL_VENUE, 12);
    assert_int_equal(coord_get_level(w->coord), COORD_NORMAL);
    world_close(w);
}

/* What the venue does with orders counts: not sent and unknown are failures, answers are not. */
static void test_orders_count(void **state)
{
    (void)state;
    struct world *w = world_open();
    w->venue_code = TG_E_IO;
    for (int i = 0; i < 3; i++) {
        (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
        world_settle(w);
    }
    assert_int_equal(coord_get_level(w->coord), COORD_REDUCED);
    w->venue_code = 0;
    const uint8_t answers[] = {TG_EXECUTION_ACCEPTED, TG_EXECUTION_CANCELLED,
                               TG_EXECUTION_REJECTED};
    for (int i = 0; i < 3; i++) {
        (void)world_signal(w, "XRP/USDT", TG_ACTION_BUY);
        world_settle(w);
        world_venue(w, answers[i]);
    }
    assert_int_equal(coord_get_level(w->coord), COORD_NORMAL);
    (void)world_signal(w, "XRP/USDT", TG_ACTION_BUY);
    world_settle(w);
    world_pass(w, 3 * TG_NS_PER_SEC);
    expect_outcome(w, 7, COORD_OUTCOME_EXECUTION_UNKNOWN, "");
    assert_int_equal(coord_get_level(w->coord), COORD_REDUCED);
    world_close(w);
}

/* What each level leaves out, and that HALTED leaves out everything. */
static void test_which_agents_run(void **state)
{
    (void)state;
    const uint32_t analysis = COORD_TOPIC(TG_TOPIC_TA_SIGNALS);
    const uint32_t regime =
        COORD_TOPIC(TG_TOPIC_REGIME_UPDATES) | COORD_TOPIC(TG_TOPIC_RISK_ALERTS);
    const uint32_t sentiment = COORD_TOPIC(TG_TOPIC_SENTIMENT_UPDATES);
    const uint32_t portfolio = COORD_TOPIC(TG_TOPIC_PORTFOLIO_UPDATES);
    const uint32_t trading = COORD_TOPIC(TG_TOPIC_TRADING_SIGNALS);
    const struct {
        uint32_t publishes;
        bool runs[4]; /* by level */
    } cases[] = {{0, {true, true, true, true}},
                 {analysis, {true, true, true, true}},
                 {regime, {true, true, true, true}},
                 {sentiment, {true, false, false, false}},
                 {portfolio, {true, true, false, false}},
                 {trading, {true, true, true, false}},
                 {trading | analysis, {true, true, true, false}},
                 {sentiment | trading, {true, false, false, false}}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int level = COORD_NORMAL; level <= COORD_EMERGENCY; level++) {
            for (int host = COORD_RUNNING; host <= COORD_PAUSED; host++)
                assert_int_equal(coord_agent_may_run((enum coord_state)host,
                                                     (enum coord_level)level, cases[i].publishes),
                                 cases[i].runs[level]);
            assert_false(
                coord_agent_may_run(COORD_HALTED, (enum coord_level)level, cases[i].publishes));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_down_and_up),      cmocka_unit_test(test_hysteresis),
        cmocka_unit_test(test_per_kind),         cmocka_unit_test(test_orders_count),
        cmocka_unit_test(test_which_agents_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
