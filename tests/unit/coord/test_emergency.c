/* Emergencies: what each breach sets off, in which order, and that it is announced. */
#include "coord_fixture.h"

static struct world *configured(void)
{
    struct world *w = world_new();
    w->options.actions[TG_BREACH_DAILY_LOSS] = COORD_ACTION_PAUSE;
    w->options.actions[TG_BREACH_WEEKLY_LOSS] = COORD_ACTION_REDUCE | COORD_ACTION_PAUSE;
    w->options.actions[TG_BREACH_MAX_DRAWDOWN] = COORD_ACTION_HALT | COORD_ACTION_CLOSE;
    world_start(w);
    return w;
}

static void expect_urgent(const struct world *w, const char *event)
{
    const struct noted *noted = event_of(w, event);
    assert_int_equal(noted->priority, TG_PRIORITY_URGENT);
    assert_string_equal(noted->record.actor, "circuit_breaker");
}

static void test_daily_loss_pauses(void **state)
{
    (void)state;
    struct world *w = configured();
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    uint32_t sent = w->sent_count;
    world_breach(w, TG_BREACH_DAILY_LOSS, TG_SEVERITY_HIGH, NULL);
    assert_int_equal(coord_get_state(w->coord), COORD_PAUSED);
    expect_urgent(w, "pause_trading");
    assert_string_equal(coord_last_transition(w->coord)->actor, "circuit_breaker");
    assert_string_equal(coord_last_transition(w->coord)->reason, "daily_loss: the limit was met");
    assert_int_equal(w->transition_count, 1);
    assert_int_equal(w->sent_count, sent); /* positions stay */
    world_breach(w, TG_BREACH_DAILY_LOSS, TG_SEVERITY_HIGH, NULL);
    assert_int_equal(events_of(w, "pause_trading"), 1);
    world_close(w);
}

static void test_weekly_loss_halves_and_pauses(void **state)
{
    (void)state;
    struct world *w = configured();
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    uint32_t sent = w->sent_count;
    world_breach(w, TG_BREACH_WEEKLY_LOSS, TG_SEVERITY_CRITICAL, NULL);
    assert_int_equal(coord_get_state(w->coord), COORD_PAUSED);
    expect_urgent(w, "pause_trading");
    expect_urgent(w, "reduce_positions");
    assert_string_equal(event_of(w, "reduce_positions")->record.message,
                        "weekly_loss: halving 1 position(s)");
    assert_true(w->sent_count > sent);
    const struct tg_order *order = &w->sent[w->sent_count - 1];
    assert_true(order->reduce_only);
    assert_int_equal(order->side, TG_SIDE_SELL);
    assert_int_equal(order->size.units, dec("0.0125").units);
    world_close(w);
}

/* The real thing: a price that falls, trade's own breaker, the alert over the bus. */
static void test_drawdown_halts_and_closes(void **state)
{
    (void)state;
    struct world *w = configured();
    w->sizing.size_usd = 5000.0;
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    uint32_t sent = w->sent_count;
    world_price(w, w->btc, "23000");
    assert_int_equal(coord_get_state(w->coord), COORD_HALTED);
    expect_urgent(w, "halt_all");
    expect_urgent(w, "close_positions");
    assert_int_equal(event_of(w, "state_changed")->priority, TG_PRIORITY_URGENT);
    assert_true(w->sent_count > sent); /* protective exits work while HALTED */
    const struct tg_order *order = &w->sent[w->sent_count - 1];
    assert_true(order->reduce_only);
    assert_int_equal(order->size.units, dec("0.125").units);
    /* nothing new begins */
    uint32_t decided = w->decision_count;
    (void)world_signal(w, "XRP/USDT", TG_ACTION_BUY);
    world_settle(w);
    expect_outcome(w, decided + 1, COORD_OUTCOME_IGNORED_STATE, "HALTED");
    world_close(w);
}

static void test_nothing_open_is_no_failure(void **state)
{
    (void)state;
    struct world *w = configured();
    world_breach(w, TG_BREACH_MAX_DRAWDOWN, TG_SEVERITY_CRITICAL, NULL);
    assert_int_equal(coord_get_state(w->coord), COORD_HALTED);
    assert_int_equal(events_of(w, "close_positions"), 0);
    world_close(w);
}

static void test_without_a_configured_action(void **state)
{
    (void)state;
    const struct {
        uint8_t severity;
        enum coord_state then;
    } cases[] = {{TG_SEVERITY_LOW, COORD_PAUSED},
                 {TG_SEVERITY_MEDIUM, COORD_PAUSED},
                 {TG_SEVERITY_HIGH, COORD_HALTED},
                 {TG_SEVERITY_CRITICAL, COORD_HALTED}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world *w = world_open();
        world_breach(w, TG_BREACH_DAILY_LOSS, cases[i].severity, NULL);
        assert_int_equal(coord_get_state(w->coord), cases[i].then);
        world_close(w);
    }
    struct world *w = world_open();
    world_breach(w, TG_BREACH_STORE_UNAVAILABLE, TG_SEVERITY_HIGH, NULL);
    assert_int_equal(coord_get_state(w->coord), COORD_PAUSED);
    world_close(w);
}

/* Its cool-down and halved sizes come from elsewhere; an action may be configured all the same. */
static void test_consecutive_losses(void **state)
{
    (void)state;
    struct world *w = world_open();
    world_breach(w, TG_BREACH_CONSECUTIVE_LOSSES, TG_SEVERITY_HIGH, NULL);
    assert_int_equal(coord_get_state(w->coord), COORD_RUNNING);
    assert_int_equal(w->event_count, 0);
    world_close(w);
    w = world_new();
    w->options.actions[TG_BREACH_CONSECUTIVE_LOSSES] = COORD_ACTION_PAUSE;
    world_start(w);
    world_breach(w, TG_BREACH_CONSECUTIVE_LOSSES, TG_SEVERITY_HIGH, NULL);
    assert_int_equal(coord_get_state(w->coord), COORD_PAUSED);
    world_close(w);
}

/* Three rejections of one symbol's orders: that symbol is paused for a quarter of an hour. */
static void test_execution_errors_pause_the_symbol(void **state)
{
    (void)state;
    struct world *w = world_open();
    for (int i = 0; i < 3; i++) {
        (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
        world_settle(w);
        world_venue(w, TG_EXECUTION_REJECTED);
    }
    assert_int_equal(coord_get_state(w->coord), COORD_RUNNING);
    expect_urgent(w, "pause_symbol");
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    assert_string_equal(expect_outcome(w, 4, COORD_OUTCOME_IGNORED_STATE, "SYMBOL_PAUSED")->reason,
                        "BTC/USDT is paused: the venue refused its orders");
    (void)world_signal(w, "BTC/USDT", TG_ACTION_CLOSE_LONG); /* closing is not paused */
    world_settle(w);
    expect_outcome(w, 5, COORD_OUTCOME_REJECTED, "NO_POSITION");
    uint32_t sent = w->sent_count;
    (void)world_signal(w, "XRP/USDT", TG_ACTION_BUY); /* nor is another symbol */
    world_settle(w);
    assert_int_equal(w->sent_count, sent + 1);
    world_venue(w, TG_EXECUTION_ACCEPTED);
    world_pass(w, 15 * TG_NS_PER_MIN);
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    assert_int_equal(w->sent_count, sent + 2);
    world_close(w);
}

static void test_alerts_without_a_breach_do_nothing(void **state)
{
    (void)state;
    struct world *w = world_open();
    struct tg_risk_alerts alert = {.severity = TG_SEVERITY_CRITICAL};
    (void)tg_text_copy(alert.alert_type, sizeof(alert.alert_type), "feed_silent");
    (void)tg_text_copy(alert.message, sizeof(alert.message), "no bars");
    (void)world_publish(w, "trade", TG_TOPIC_RISK_ALERTS, &alert, sizeof(alert));
    world_settle(w);
    assert_int_equal(coord_get_state(w->coord), COORD_RUNNING);
    world_close(w);
}

/* Pausing after halting would loosen: a breach never does. */
static void test_a_breach_never_loosens(void **state)
{
    (void)state;
    struct world *w = configured();
    assert_int_equal(coord_halt(w->coord, "operator", "smoke", &w->error), 0);
    world_breach(w, TG_BREACH_DAILY_LOSS, TG_SEVERITY_HIGH, NULL);
    assert_int_equal(coord_get_state(w->coord), COORD_HALTED);
    assert_string_equal(coord_last_transition(w->coord)->actor, "operator");
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_daily_loss_pauses),
        cmocka_unit_test(test_weekly_loss_halves_and_pauses),
        cmocka_unit_test(test_drawdown_halts_and_closes),
        cmocka_unit_test(test_nothing_open_is_no_failure),
        cmocka_unit_test(test_without_a_configured_action),
        cmocka_unit_test(test_consecutive_losses),
        cmocka_unit_test(test_execution_errors_pause_the_symbol),
        cmocka_unit_test(test_alerts_without_a_breach_do_nothing),
        cmocka_unit_test(test_a_breach_never_loosens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
