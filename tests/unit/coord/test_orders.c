/* From an approved proposal to the order's fate, deadlines, and who waits behind whom. */
#include "coord_fixture.h"

static void test_executed(void **state)
{
    (void)state;
    struct world *w = world_open();
    struct tg_uuid id = world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    assert_int_equal(w->decision_count, 0);
    assert_int_equal(coord_decisions_open(w->coord), 1);
    assert_int_equal(w->sent_count, 1);
    assert_int_equal(w->sent[0].side, TG_SIDE_BUY);
    assert_int_equal(w->sent[0].leverage, 2);
    assert_int_equal(w->sent[0].size.units, dec("0.025").units); /* 1,000 USD at 40,000 */
    world_pass(w, 100 * TG_NS_PER_MS);
    world_venue(w, TG_EXECUTION_ACCEPTED);
    const struct coord_decision *decision = expect_outcome(w, 1, COORD_OUTCOME_EXECUTED, "");
    assert_true(tg_uuid_equal(&decision->id, &id));
    assert_true(tg_uuid_equal(&decision->order_id, &w->sent[0].id));
    assert_string_equal(decision->steps[COORD_STEP_ORDER].outcome, "open");
    assert_int_equal(decision->steps[COORD_STEP_ORDER].duration_ns, 100 * TG_NS_PER_MS);
    for (int step = 0; step < COORD_STEP_COUNT; step++)
        assert_true(decision->steps[step].done);
    assert_int_equal(coord_decisions_open(w->coord), 0);
    assert_adds_up(w);
    world_close(w);
}

static void test_modified_continues_with_the_smaller_size(void **state)
{
    (void)state;
    struct world *w = world_open();
    w->risk_set = true;
    w->risk = (struct coord_risk_verdict){
        .status = COORD_RISK_MODIFIED, .size_usd = 800.0, .leverage = 1};
    (void)world_signal(w, "BTC/USDT", TG_ACTION_SELL);
    world_settle(w);
    assert_int_equal(w->sent[0].side, TG_SIDE_SELL);
    assert_int_equal(w->sent[0].size.units, dec("0.02").units);
    assert_int_equal(w->sent[0].leverage, 1);
    world_close(w);
}

static void test_order_does_not_come_about(void **state)
{
    (void)state;
    struct world *w = world_open();
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    world_venue(w, TG_EXECUTION_REJECTED);
    assert_string_equal(expect_outcome(w, 1, COORD_OUTCOME_EXECUTION_FAILED, "")->reason,
                        "the order is rejected");
    w->venue_code = TG_E_IO;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    assert_string_equal(expect_outcome(w, 2, COORD_OUTCOME_EXECUTION_FAILED, "")->reason,
                        "the order is void: no connection");
    assert_adds_up(w);
    world_close(w);
}

static void test_fate_unknown(void **state)
{
    (void)state;
    struct world *w = world_open();
    w->venue_code = TG_E_UNKNOWN;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    assert_string_equal(expect_outcome(w, 1, COORD_OUTCOME_EXECUTION_UNKNOWN, "")->reason,
                        "it is not known whether the order arrived: no connection");
    w->venue_code = 0;
    (void)world_signal(w, "XRP/USDT", TG_ACTION_BUY);
    world_settle(w);
    world_pass(w, 2 * TG_NS_PER_SEC + 1);
    assert_string_equal(expect_outcome(w, 2, COORD_OUTCOME_EXECUTION_UNKNOWN, "")->reason,
                        "it is not known whether the order arrived: no answer came in time");
    assert_adds_up(w);
    world_close(w);
}

/* What the policies let pass, the limits in C refuse. */
static void test_hard_limit(void **state)
{
    (void)state;
    struct world *w = world_open();
    w->sizing.size_usd = 6000.0; /* the account allows half of its 10,000 */
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    const struct coord_decision *decision =
        expect_outcome(w, 1, COORD_OUTCOME_REJECTED, "POSITION_SIZE");
    assert_non_null(strstr(decision->reason, "hard limit: POSITION_SIZE: the size is over 50"));
    assert_string_equal(decision->steps[COORD_STEP_ORDER].outcome, "refused");
    /* a size that is no amount of money */
    w->risk_set = true;
    w->risk = (struct coord_risk_verdict){
        .status = COORD_RISK_APPROVED, .size_usd = 1e300, .leverage = 1};
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    assert_string_equal(expect_outcome(w, 2, COORD_OUTCOME_EXECUTION_FAILED, "")->reason,
                        "the size that risk left is no amount of money");
    assert_int_equal(w->sent_count, 0);
    assert_adds_up(w);
    world_close(w);
}

static void test_close(void **state)
{
    (void)state;
    struct world *w = world_open();
    (void)world_signal(w, "BTC/USDT", TG_ACTION_CLOSE_SHORT);
    world_settle(w);
    assert_string_equal(expect_outcome(w, 1, COORD_OUTCOME_REJECTED, "NO_POSITION")->reason,
                        "there is no open short position of BTC/USDT to close");
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    expect_outcome(w, 2, COORD_OUTCOME_EXECUTED, "");
    /* a long position is none that CLOSE_SHORT could close, and it opens none either */
    uint32_t sent = w->sent_count;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_CLOSE_SHORT);
    world_settle(w);
    expect_outcome(w, 3, COORD_OUTCOME_REJECTED, "NO_POSITION");
    assert_int_equal(w->sent_count, sent);
    uint32_t asked = w->consensus_calls + w->conflicts_calls + w->sizing_calls;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_CLOSE_LONG);
    world_settle(w);
    assert_true(w->risk_asked.reduces);
    assert_string_equal(w->risk_asked.side, "sell");
    assert_true(w->risk_asked.size_usd == 1000.0);
    assert_false(w->risk_asked.has_stop_loss);
    assert_int_equal(w->consensus_calls + w->conflicts_calls + w->sizing_calls, asked);
    assert_true(w->sent_count > sent);
    const struct tg_order *order = &w->sent[w->sent_count - 1];
    assert_int_equal(order->side, TG_SIDE_SELL);
    assert_true(order->reduce_only);
    assert_int_equal(order->size.units, dec("0.025").units);
    world_venue(w, TG_EXECUTION_ACCEPTED);
    assert_string_equal(
        expect_outcome(w, 4, COORD_OUTCOME_EXECUTED, "")->steps[COORD_STEP_ORDER].outcome, "open");
    world_venue(w, TG_EXECUTION_FILL);
    assert_null(trade_position_at(w->trade, 0));
    assert_adds_up(w);
    world_close(w);
}

/* Both halves are on their way out already: there is nothing left to order or to wait for. */
static void test_close_of_what_is_being_closed(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->options.actions[TG_BREACH_WEEKLY_LOSS] = COORD_ACTION_REDUCE;
    world_start(w);
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    world_breach(w, TG_BREACH_WEEKLY_LOSS, TG_SEVERITY_HIGH, NULL);
    world_breach(w, TG_BREACH_WEEKLY_LOSS, TG_SEVERITY_HIGH, NULL);
    (void)world_signal(w, "BTC/USDT", TG_ACTION_CLOSE_LONG);
    world_settle(w);
    expect_outcome(w, 2, COORD_OUTCOME_EXECUTED, "");
    (void)world_signal(w, "BTC/USDT", TG_ACTION_CLOSE_LONG);
    world_settle(w);
    assert_string_equal(expect_outcome(w, 3, COORD_OUTCOME_EXECUTION_FAILED, "")->reason,
                        "the position is being closed already");
    assert_int_equal(coord_decisions_open(w->coord), 0);
    world_close(w);
}

static void test_context_has_the_positions(void **state)
{
    (void)state;
    struct world *w = world_open();
    world_regime(w, "BTC/USDT", TG_REGIME_RANGING);
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    (void)world_signal(w, "XRP/USDT", TG_ACTION_BUY); /* waits for its order */
    world_settle(w);
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    const struct coord_conflict_case *asked = &w->conflicts_asked;
    assert_string_equal(asked->symbol, "BTC/USDT");
    assert_int_equal(asked->position_count, 2);
    assert_string_equal(asked->positions[0].symbol, "BTC/USDT");
    assert_true(asked->positions[0].same_symbol && !asked->positions[0].decision);
    assert_int_equal(asked->positions[0].regime_at_open, TG_REGIME_RANGING);
    assert_true(asked->positions[0].exposure_pct == 10.0);
    assert_string_equal(asked->positions[1].symbol, "XRP/USDT");
    assert_true(!asked->positions[1].decision && !asked->positions[1].same_symbol);
    assert_true(asked->positions[1].exposure_pct == 10.0);
    assert_int_equal(w->risk_asked.positions_open, 2);
    assert_int_equal(w->risk_asked.positions_of_symbol, 1);
    assert_true(w->risk_asked.equity == 10000.0);
    assert_true(w->risk_asked.size_min == 4.0); /* 0.0001 BTC */
    world_close(w);
}

/* Of one symbol one after the other, in order of arrival; of different symbols side by side. */
static void test_who_waits_for_whom(void **state)
{
    (void)state;
    struct world *w = world_open();
    struct tg_uuid first = world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    struct tg_uuid second = world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    struct tg_uuid other = world_signal(w, "XRP/USDT", TG_ACTION_BUY);
    world_settle(w);
    assert_int_equal(w->sent_count, 2);
    assert_int_equal(coord_decisions_open(w->coord), 3);
    assert_string_equal(w->sent[0].symbol, "BTC/USDT");
    assert_string_equal(w->sent[1].symbol, "XRP/USDT");
    world_venue(w, TG_EXECUTION_ACCEPTED);
    assert_true(tg_uuid_equal(&last_decision(w)->id, &other));
    assert_int_equal(w->sent_count, 2); /* the second of BTC still waits behind the first */
    struct tg_execution_events event = {.event_type = TG_EXECUTION_ACCEPTED,
                                        .order_id = w->sent[0].id};
    memcpy(event.symbol, "BTC/USDT", sizeof("BTC/USDT"));
    assert_int_equal(trade_execution_event(w->trade, &event, w->time.now_ns, NULL), 0);
    assert_true(tg_uuid_equal(&last_decision(w)->id, &first));
    world_settle(w);
    assert_int_equal(w->sent_count, 3);
    assert_string_equal(w->sent[2].symbol, "BTC/USDT");
    world_venue(w, TG_EXECUTION_ACCEPTED);
    assert_true(tg_uuid_equal(&last_decision(w)->id, &second));
    assert_adds_up(w);
    world_close(w);
}

static void expect_timeout_at(enum coord_step step, int64_t limit, int64_t took)
{
    struct world *w = world_new();
    w->options.step_deadline_ns[step] = limit;
    world_start(w);
    w->slow_step = step;
    w->slow_ns = took;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    const struct coord_decision *decision =
        expect_outcome(w, 1, COORD_OUTCOME_TIMEOUT, coord_step_text(step));
    assert_non_null(strstr(decision->reason, coord_step_text(step)));
    assert_int_equal(decision->steps[step].duration_ns, took);
    assert_int_equal(w->sent_count, 0);
    assert_adds_up(w);
    world_close(w);
}

static void test_step_deadlines(void **state)
{
    (void)state;
    const enum coord_step steps[] = {COORD_STEP_CONSENSUS, COORD_STEP_CONTEXT, COORD_STEP_CONFLICTS,
                                     COORD_STEP_SIZING,    COORD_STEP_RISK,    COORD_STEP_OVERRIDE};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        expect_timeout_at(steps[i], 10 * TG_NS_PER_MS, 11 * TG_NS_PER_MS);
        /* without a limit of its own the whole decision's counts */
        expect_timeout_at(steps[i], 0, 46 * TG_NS_PER_SEC);
    }
}

static void test_step_within_its_limit(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->options.step_deadline_ns[COORD_STEP_RISK] = 10 * TG_NS_PER_MS;
    world_start(w);
    w->slow_step = COORD_STEP_RISK;
    w->slow_ns = 10 * TG_NS_PER_MS;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    assert_int_equal(w->sent_count, 1);
    world_venue(w, TG_EXECUTION_ACCEPTED);
    assert_int_equal(last_decision(w)->steps[COORD_STEP_RISK].duration_ns, 10 * TG_NS_PER_MS);
    assert_int_equal(last_decision(w)->steps[COORD_STEP_ORDER].duration_ns, 0);
    world_close(w);
}

/* The whole limit ends the one that waits for its order, and the one that waits behind it. */
static void test_deadline_of_the_whole(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->options.decision_deadline_ns = TG_NS_PER_SEC;
    world_start(w);
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    world_pass(w, TG_NS_PER_SEC - 1);
    assert_int_equal(w->decision_count, 0);
    world_pass(w, 1);
    assert_int_equal(w->decision_count, 2);
    assert_int_equal(w->decisions[0].outcome, COORD_OUTCOME_TIMEOUT);
    assert_string_equal(w->decisions[0].code, "order");
    assert_false(tg_uuid_is_none(&w->decisions[0].order_id)); /* it is not hidden */
    assert_int_equal(w->decisions[1].outcome, COORD_OUTCOME_TIMEOUT);
    assert_string_equal(w->decisions[1].code, "state");
    assert_string_equal(w->decisions[1].reason, "the decision's time was over at step state");
    world_venue(w, TG_EXECUTION_ACCEPTED); /* too late for the decision, and counted once */
    assert_int_equal(w->decision_count, 2);
    assert_int_equal(w->sent_count, 1);
    assert_adds_up(w);
    world_close(w);
}

/* A decision that cannot be stored is told, and trading pauses. */
static void test_store_unavailable(void **state)
{
    (void)state;
    struct world *w = world_open();
    w->store_code = TG_E_IO;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_HOLD);
    world_settle(w);
    expect_outcome(w, 1, COORD_OUTCOME_HOLD, "");
    assert_true(alerts_of(w, "store_failed") >= 1);
    assert_string_equal(w->alerts[0].message, "the disk is full");
    assert_int_equal(w->alerts[0].breach_type, TG_BREACH_STORE_UNAVAILABLE);
    assert_int_equal(coord_get_state(w->coord), COORD_PAUSED);
    assert_int_equal(coord_resume(w->coord, "operator", "go", &w->error), TG_E_IO);
    w->store_code = 0;
    assert_int_equal(coord_resume(w->coord, "operator", "go", &w->error), 0);
    assert_adds_up(w);
    world_close(w);
}

/* The same seed of signals in one go: outcomes of every kind add up. */
static void test_many_add_up(void **state)
{
    (void)state;
    struct world *w = world_open();
    const uint8_t actions[] = {TG_ACTION_BUY, TG_ACTION_HOLD, TG_ACTION_CLOSE_LONG, TG_ACTION_SELL,
                               TG_ACTION_CLOSE_SHORT};
    for (uint32_t i = 0; i < 60; i++) {
        (void)world_signal(w, i % 3 == 0 ? "XRP/USDT" : "BTC/USDT", actions[i % 5]);
        w->stale = i % 7 == 0;
        w->conflicts.resolution = i % 11 == 0 ? COORD_ABORT : COORD_PROCEED;
        world_settle(w);
        if (i % 4 == 0)
            world_pass(w, 3 * TG_NS_PER_SEC);
        assert_adds_up(w);
    }
    world_pass(w, 60 * TG_NS_PER_SEC);
    assert_int_equal(coord_decisions_open(w->coord), 0);
    assert_int_equal(w->decision_count, 60);
    assert_adds_up(w);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_executed),
        cmocka_unit_test(test_modified_continues_with_the_smaller_size),
        cmocka_unit_test(test_order_does_not_come_about),
        cmocka_unit_test(test_fate_unknown),
        cmocka_unit_test(test_hard_limit),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_close_of_what_is_being_closed),
        cmocka_unit_test(test_context_has_the_positions),
        cmocka_unit_test(test_who_waits_for_whom),
        cmocka_unit_test(test_step_deadlines),
        cmocka_unit_test(test_step_within_its_limit),
        cmocka_unit_test(test_deadline_of_the_whole),
        cmocka_unit_test(test_store_unavailable),
        cmocka_unit_test(test_many_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
