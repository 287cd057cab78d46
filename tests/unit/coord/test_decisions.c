/* Decisions: one for each signal, one outcome for each decision; every outcome that needs no order.
 */
#include "coord_fixture.h"

#include <math.h>

static void test_only_running_trades(void **state)
{
    (void)state;
    struct world *w = world_open();
    assert_int_equal(coord_pause(w->coord, "operator", "lunch", &w->error), 0);
    struct tg_uuid id = world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    const struct coord_decision *decision =
        expect_outcome(w, 1, COORD_OUTCOME_IGNORED_STATE, "PAUSED");
    assert_string_equal(decision->reason, "the host is PAUSED: lunch");
    assert_true(tg_uuid_equal(&decision->id, &id));
    assert_string_equal(decision->agent, "trading_decision");
    assert_string_equal(decision->policy_version, "0123456789abcdef");
    assert_int_equal(decision->opened_at, MONDAY);
    assert_int_equal(decision->closed_at, MONDAY);
    assert_true(decision->steps[COORD_STEP_STATE].done);
    assert_false(decision->steps[COORD_STEP_CONSENSUS].done);
    assert_int_equal(coord_halt(w->coord, "operator", "smoke", &w->error), 0);
    (void)world_signal(w, "BTC/USDT", TG_ACTION_CLOSE_LONG);
    world_settle(w);
    expect_outcome(w, 2, COORD_OUTCOME_IGNORED_STATE, "HALTED");
    assert_int_equal(w->consensus_calls + w->risk_calls + w->sent_count, 0);
    assert_adds_up(w);
    world_close(w);
}

static void test_hold(void **state)
{
    (void)state;
    struct world *w = world_open();
    (void)world_signal(w, "BTC/USDT", TG_ACTION_HOLD);
    world_settle(w);
    expect_outcome(w, 1, COORD_OUTCOME_HOLD, "");
    assert_int_equal(w->consensus_calls + w->conflicts_calls + w->risk_calls, 0);
    assert_adds_up(w);
    world_close(w);
}

static void test_unknown_symbol_is_refused_and_told(void **state)
{
    (void)state;
    struct world *w = world_open();
    struct coord_counters counters;
    (void)world_signal(w, "DOGE/USDT", TG_ACTION_HOLD);
    world_settle(w);
    assert_int_equal(w->decision_count, 0);
    assert_int_equal(alerts_of(w, "signal_refused"), 1);
    assert_string_equal(w->alerts[0].message, "a signal of trading_decision for DOGE/USDT makes no "
                                              "decision: the symbol is not configured");
    assert_string_equal(w->alerts[0].symbol, "DOGE/USDT");
    coord_get_counters(w->coord, &counters);
    assert_int_equal(counters.refused, 1);
    assert_int_equal(coord_get_state(w->coord), COORD_RUNNING);
    assert_adds_up(w);
    world_close(w);
}

/* The same slot, agent and symbol: one decision, however often it is published. */
static void test_published_twice_decides_once(void **state)
{
    (void)state;
    struct world *w = world_open();
    struct coord_counters counters;
    struct tg_trading_signals signal = signal_of("BTC/USDT", TG_ACTION_HOLD);
    signal.slot = MONDAY;
    TG_SET(&signal, TRADING_SIGNALS, slot);
    for (int i = 0; i < 3; i++) {
        (void)world_publish(w, "trading_decision", TG_TOPIC_TRADING_SIGNALS, &signal,
                            sizeof(signal));
        world_settle(w);
    }
    expect_outcome(w, 1, COORD_OUTCOME_HOLD, "");
    assert_string_equal(last_decision(w)->key, "trading_decision/BTC/USDT/2022-01-10T00:00:00Z");
    coord_get_counters(w->coord, &counters);
    assert_int_equal(counters.duplicates, 2);
    /* another agent, another symbol, another slot, no slot: each is a signal of its own */
    (void)world_publish(w, "other_agent", TG_TOPIC_TRADING_SIGNALS, &signal, sizeof(signal));
    signal.slot += TG_NS_PER_HOUR;
    (void)world_publish(w, "trading_decision", TG_TOPIC_TRADING_SIGNALS, &signal, sizeof(signal));
    (void)world_signal(w, "BTC/USDT", TG_ACTION_HOLD);
    (void)world_signal(w, "BTC/USDT", TG_ACTION_HOLD);
    (void)world_signal(w, "XRP/USDT", TG_ACTION_HOLD);
    world_settle(w);
    assert_int_equal(w->decision_count, 6);
    assert_adds_up(w);
    world_close(w);
}

/* More decisions than fit are refused aloud, and may come again. */
static void test_no_room(void **state)
{
    (void)state;
    struct world *w = world_open();
    struct coord_counters counters;
    struct tg_trading_signals signal = signal_of("BTC/USDT", TG_ACTION_HOLD);
    TG_SET(&signal, TRADING_SIGNALS, slot);
    for (uint32_t i = 0; i < COORD_DECISIONS_OPEN_MAX + 2; i++) {
        signal.slot = MONDAY + i * TG_NS_PER_HOUR;
        (void)world_publish(w, "trading_decision", TG_TOPIC_TRADING_SIGNALS, &signal,
                            sizeof(signal));
    }
    (void)bus_pump(w->bus, 0);
    assert_int_equal(coord_decisions_open(w->coord), COORD_DECISIONS_OPEN_MAX);
    assert_adds_up(w);
    world_settle(w);
    assert_int_equal(alerts_of(w, "signal_refused"), 2);
    assert_non_null(strstr(w->alerts[0].message, "too many decisions are open"));
    assert_int_equal(coord_decisions_open(w->coord), 0);
    (void)world_publish(w, "trading_decision", TG_TOPIC_TRADING_SIGNALS, &signal, sizeof(signal));
    world_settle(w);
    assert_int_equal(w->decision_count, COORD_DECISIONS_OPEN_MAX + 1);
    coord_get_counters(w->coord, &counters);
    assert_int_equal(counters.refused, 2);
    assert_int_equal(counters.duplicates, 0);
    assert_adds_up(w);
    world_close(w);
}

static void test_stale_price_has_no_context(void **state)
{
    (void)state;
    struct world *w = world_open();
    w->stale = true;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    const struct coord_decision *decision = expect_outcome(w, 1, COORD_OUTCOME_NO_CONTEXT, "");
    assert_string_equal(decision->reason, "no fresh price of BTC/USDT");
    assert_string_equal(decision->steps[COORD_STEP_CONTEXT].outcome, "missing");
    (void)world_signal(w, "BTC/USDT", TG_ACTION_CLOSE_LONG);
    world_settle(w);
    expect_outcome(w, 2, COORD_OUTCOME_NO_CONTEXT, "");
    assert_int_equal(w->risk_calls, 0);
    assert_adds_up(w);
    world_close(w);
}

/* Only opinions of the signal's symbol that are young enough; absent is not neutral. */
static void test_opinions_of_the_own_symbol(void **state)
{
    (void)state;
    struct world *w = world_open();
    world_ta(w, "BTC/USDT", TG_BIAS_LONG, 0.9);
    world_regime(w, "BTC/USDT", TG_REGIME_TRENDING_BULL);
    world_ta(w, "XRP/USDT", TG_BIAS_SHORT, 0.3); /* newer, and of another symbol */
    world_sentiment(w, "XRP/USDT", TG_SENTIMENT_VERY_BEARISH);
    w->risk_set = true;
    w->risk = (struct coord_risk_verdict){
        .status = COORD_RISK_REJECTED, .code = "LOW_RR", .reason = "reward/risk below 1.5"};
    w->consensus = (struct coord_consensus_verdict){
        .present = 2, .agreeing = 2, .ratio = 1.0, .multiplier = 1.3, .confidence = 0.91};
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    const struct coord_opinions *opinions = &w->consensus_asked.opinions;
    assert_int_equal(w->consensus_asked.action, TG_ACTION_BUY);
    assert_true(opinions->has_ta && opinions->has_regime);
    assert_false(opinions->has_sentiment);
    assert_int_equal(opinions->ta_bias, TG_BIAS_LONG);
    assert_true(opinions->ta_confidence == 0.9);
    assert_int_equal(opinions->regime, TG_REGIME_TRENDING_BULL);
    assert_int_equal(opinions->strictness, TG_STRICTNESS_STRICT);
    assert_true(w->risk_asked.confidence == 0.91);
    assert_int_equal(w->risk_asked.regime, TG_REGIME_TRENDING_BULL);
    assert_int_equal(w->risk_asked.strictness, TG_STRICTNESS_STRICT);
    assert_true(w->sizing_asked.position_size_multiplier == 0.5);

    world_pass(w,
               121 * TG_NS_PER_SEC); /* the indicators' opinion is too old, the regime's is not */
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    assert_false(w->consensus_asked.opinions.has_ta);
    assert_true(w->consensus_asked.opinions.has_regime);
    assert_adds_up(w);
    world_close(w);
}

static void test_confidence_stays_in_bounds(void **state)
{
    (void)state;
    const struct {
        double said, expected;
        int code;
    } cases[] = {{1.7, 1.0, 0},
                 {0.0, 0.0, 0},
                 {-0.5, 0.7, 0},
                 {(double)NAN, 0.7, 0},
                 {(double)INFINITY, 0.7, 0},
                 {0.99, 0.7, TG_E_FAILED}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world *w = world_open();
        w->consensus =
            (struct coord_consensus_verdict){.multiplier = 1.3, .confidence = cases[i].said};
        w->consensus_code = cases[i].code;
        (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
        world_settle(w);
        assert_true(w->risk_asked.confidence == cases[i].expected);
        world_close(w);
    }
}

static void test_conflicts_wait_and_abort(void **state)
{
    (void)state;
    struct world *w = world_open();
    w->conflicts = (struct coord_conflict_verdict){
        .conflict_count = 2,
        .conflicts = {COORD_CONFLICT_REGIME, COORD_CONFLICT_CROSS_SYMBOL},
        .resolution = COORD_ABORT,
        .reason = "choppy"};
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    const struct coord_decision *decision =
        expect_outcome(w, 1, COORD_OUTCOME_ABORT, "regime_conflict");
    assert_string_equal(decision->reason, "abort: choppy");
    assert_string_equal(decision->steps[COORD_STEP_CONFLICTS].note,
                        "regime_conflict, cross_symbol_conflict");
    assert_int_equal(w->sizing_calls + w->risk_calls, 0);

    w->conflicts.resolution = COORD_WAIT;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_SELL);
    world_settle(w);
    expect_outcome(w, 2, COORD_OUTCOME_WAIT, "regime_conflict");
    /* nobody says how to modify, and what is no resolution is the cautious one */
    w->conflicts.resolution = COORD_MODIFY;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_SELL);
    world_settle(w);
    expect_outcome(w, 3, COORD_OUTCOME_WAIT, "regime_conflict");
    w->conflicts.resolution = 200;
    w->conflicts.conflict_count = 4000000000u;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_SELL);
    world_settle(w);
    expect_outcome(w, 4, COORD_OUTCOME_WAIT, "regime_conflict");
    /* resolved to go on, it goes on */
    w->conflicts.conflict_count = 1;
    w->conflicts.resolution = COORD_PROCEED;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    assert_int_equal(coord_decisions_open(w->coord), 1);
    assert_adds_up(w);
    world_close(w);
}

static void test_override_after_risk(void **state)
{
    (void)state;
    struct world *w = world_open();
    w->risk_set = true;
    w->risk = (struct coord_risk_verdict){
        .status = COORD_RISK_MODIFIED, .size_usd = 400.0, .leverage = 1};
    w->override = (struct coord_conflict_verdict){.conflict_count = 1,
                                                  .conflicts = {COORD_CONFLICT_RISK_OVERRIDE},
                                                  .resolution = COORD_ABORT,
                                                  .reason = "more than half"};
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    expect_outcome(w, 1, COORD_OUTCOME_ABORT, "risk_override");
    assert_true(w->override_asked.after_risk);
    assert_true(w->override_asked.size_before == 1000.0 && w->override_asked.size_after == 400.0);
    assert_int_equal(w->override_asked.leverage_before, 2);
    assert_int_equal(w->override_asked.leverage_after, 1);
    assert_int_equal(w->sent_count, 0);
    assert_adds_up(w);
    world_close(w);
}

static void test_risk_says_no(void **state)
{
    (void)state;
    struct world *w = world_open();
    w->risk_set = true;
    w->risk = (struct coord_risk_verdict){
        .status = COORD_RISK_REJECTED, .code = "LOW_RR", .reason = "reward/risk is 1.2"};
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    assert_string_equal(expect_outcome(w, 1, COORD_OUTCOME_REJECTED, "LOW_RR")->reason,
                        "reward/risk is 1.2");
    w->risk = (struct coord_risk_verdict){
        .status = COORD_RISK_HALTED, .code = "CIRCUIT_BREAKER", .reason = "daily loss"};
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    expect_outcome(w, 2, COORD_OUTCOME_HALTED, "CIRCUIT_BREAKER");
    w->risk = (struct coord_risk_verdict){.status = 77}; /* no status at all */
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    assert_string_equal(expect_outcome(w, 3, COORD_OUTCOME_REJECTED, "RULE_ERROR")->reason,
                        "risk rejected it");
    assert_int_equal(w->sent_count, 0);
    assert_adds_up(w);
    world_close(w);
}

/* Entries refused by their rate count on, and at three times the rate the host stops. */
static void test_orders_running_wild(void **state)
{
    (void)state;
    struct world *w = world_open();
    uint32_t minute = 0;
    w->risk_set = true;
    w->risk = (struct coord_risk_verdict){
        .status = COORD_RISK_REJECTED, .code = "ORDER_RATE", .reason = "10 in a minute"};
    for (int i = 1; i <= 3; i++) {
        (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
        world_settle(w);
        assert_int_equal(w->risk_asked.entry_orders_minute, i - 1);
    }
    trade_order_rate(w->trade, w->time.now_ns, &minute, NULL);
    assert_int_equal(minute, 3);
    assert_int_equal(coord_get_state(w->coord), COORD_RUNNING);
    w->risk.status = COORD_RISK_HALTED;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    expect_outcome(w, 4, COORD_OUTCOME_HALTED, "ORDER_RATE");
    assert_int_equal(coord_get_state(w->coord), COORD_HALTED);
    assert_string_equal(coord_last_transition(w->coord)->actor, "risk");
    assert_adds_up(w);
    world_close(w);
}

/* A policy that fails has the cautious outcome, even if its verdict says approved. */
static void test_failing_policies(void **state)
{
    (void)state;
    struct world *w = world_open();
    w->risk_code = TG_E_FAILED;
    memset(w->policy_sentence, 'x',
           sizeof(w->policy_sentence) - 1); /* longer than an alert holds */
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    const struct coord_decision *decision =
        expect_outcome(w, 1, COORD_OUTCOME_REJECTED, "RULE_ERROR");
    assert_string_equal(decision->steps[COORD_STEP_RISK].outcome, "rejected");
    assert_int_equal(alerts_of(w, "RULE_ERROR"), 1);
    assert_int_equal(strlen(w->alerts[0].message), sizeof(w->alerts[0].message) - 1);
    (void)snprintf(w->policy_sentence, sizeof(w->policy_sentence), "sizing.lua:3: nil value");

    w->risk_code = 0;
    w->sizing_code = TG_E_FAILED;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    decision = expect_outcome(w, 2, COORD_OUTCOME_REJECTED, "RULE_ERROR");
    assert_string_equal(decision->reason, "sizing failed: sizing.lua:3: nil value");
    assert_int_equal(alerts_of(w, "RULE_ERROR"), 2);

    w->sizing_code = 0;
    w->conflicts_code = TG_E_FAILED;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    expect_outcome(w, 3, COORD_OUTCOME_WAIT, "policy_failed");
    w->conflicts_code = 0;
    w->override_code = TG_E_FAILED;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    expect_outcome(w, 4, COORD_OUTCOME_WAIT, "policy_failed");
    assert_int_equal(w->sent_count, 0);
    assert_adds_up(w);
    world_close(w);
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(coord_outcome_text(COORD_OUTCOME_EXECUTION_UNKNOWN), "execution_unknown");
    assert_string_equal(coord_outcome_text(COORD_OUTCOME_COUNT), "?");
    assert_string_equal(coord_outcome_meaning(COORD_OUTCOME_HOLD), "the signal was HOLD");
    assert_string_equal(coord_outcome_meaning(COORD_OUTCOME_COUNT), "?");
    assert_string_equal(coord_step_text(COORD_STEP_OVERRIDE), "risk_override");
    assert_string_equal(coord_step_text(COORD_STEP_COUNT), "?");
    assert_string_equal(coord_conflict_text(COORD_CONFLICT_CROSS_SYMBOL), "cross_symbol_conflict");
    assert_string_equal(coord_conflict_text(COORD_CONFLICT_COUNT), "?");
    assert_string_equal(coord_resolution_text(COORD_ABORT), "abort");
    assert_string_equal(coord_resolution_text((enum coord_resolution)4), "?");
    assert_string_equal(coord_risk_status_text(COORD_RISK_MODIFIED), "modified");
    assert_string_equal(coord_risk_status_text((enum coord_risk_status)4), "?");
}

/* Policies replaced between a signal and its turn: the decision names those that judged it. */
static void test_the_version_that_judged(void **state)
{
    (void)state;
    struct world *w = world_open();
    w->version = "aaaa";
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    assert_int_equal(bus_pump(w->bus, 0), 1);
    w->version = "bbbb";
    world_settle(w);
    world_venue(w, TG_EXECUTION_REJECTED);
    assert_string_equal(last_decision(w)->policy_version, "bbbb");
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_version_that_judged),
        cmocka_unit_test(test_only_running_trades),
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_unknown_symbol_is_refused_and_told),
        cmocka_unit_test(test_published_twice_decides_once),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_stale_price_has_no_context),
        cmocka_unit_test(test_opinions_of_the_own_symbol),
        cmocka_unit_test(test_confidence_stays_in_bounds),
        cmocka_unit_test(test_conflicts_wait_and_abort),
        cmocka_unit_test(test_override_after_risk),
        cmocka_unit_test(test_risk_says_no),
        cmocka_unit_test(test_orders_running_wild),
        cmocka_unit_test(test_failing_policies),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
