/* States: every arrow, every refusal, the store failing, and what is announced. */
#include "coord_fixture.h"

static void expect_event(struct world *w, const char *from, const char *to, uint8_t priority,
                         const char *actor, const char *reason)
{
    world_settle(w);
    const struct noted *noted = event_of(w, "state_changed");
    assert_string_equal(noted->record.from, from);
    assert_string_equal(noted->record.to, to);
    assert_string_equal(noted->record.actor, actor);
    assert_string_equal(noted->record.message, reason);
    assert_int_equal(noted->priority, priority);
}

static void to_state(struct world *w, enum coord_state state)
{
    struct tg_error error = {0};
    if (state == COORD_PAUSED)
        assert_int_equal(coord_pause(w->coord, "operator", "test", &error), 0);
    else if (state == COORD_HALTED)
        assert_int_equal(coord_halt(w->coord, "operator", "test", &error), 0);
    world_settle(w);
}

static void test_every_arrow(void **state)
{
    (void)state;
    struct world *w = world_open();
    assert_int_equal(coord_get_state(w->coord), COORD_RUNNING);
    assert_int_equal(coord_pause(w->coord, "operator", "lunch", &w->error), 0);
    assert_int_equal(coord_get_state(w->coord), COORD_PAUSED);
    expect_event(w, "RUNNING", "PAUSED", TG_PRIORITY_HIGH, "operator", "lunch");
    assert_int_equal(coord_resume(w->coord, "operator", "back", &w->error), 0);
    expect_event(w, "PAUSED", "RUNNING", TG_PRIORITY_HIGH, "operator", "back");
    assert_int_equal(coord_halt(w->coord, "watch", "smoke", &w->error), 0);
    expect_event(w, "RUNNING", "HALTED", TG_PRIORITY_URGENT, "watch", "smoke");
    assert_int_equal(coord_reset(w->coord, "operator", "no fire", false, &w->error), 0);
    expect_event(w, "HALTED", "PAUSED", TG_PRIORITY_HIGH, "operator", "no fire");
    assert_int_equal(coord_halt(w->coord, "watch", "again", &w->error), 0);
    expect_event(w, "PAUSED", "HALTED", TG_PRIORITY_URGENT, "watch", "again");

    const struct coord_transition *last = coord_last_transition(w->coord);
    assert_int_equal(last->from, COORD_PAUSED);
    assert_int_equal(last->to, COORD_HALTED);
    assert_int_equal(last->at, MONDAY);
    assert_string_equal(last->actor, "watch");
    assert_string_equal(last->reason, "again");
    struct coord_counters counters;
    coord_get_counters(w->coord, &counters);
    assert_int_equal(counters.transitions, 5);
    assert_int_equal(w->transition_count, 5); /* each was stored */
    assert_int_equal(w->transitions[2].to, COORD_HALTED);
    assert_string_equal(w->transitions[3].reason, "no fire");
    world_close(w);
}

static void expect_refused(struct world *w, int code, const char *sentence)
{
    assert_int_equal(code, TG_E_STATE);
    assert_string_equal(w->error.message, sentence);
}

static void test_every_refused_arrow(void **state)
{
    (void)state;
    struct world *w = world_open();
    expect_refused(w, coord_resume(w->coord, "operator", "x", &w->error),
                   "resume: not possible while RUNNING, only while PAUSED");
    expect_refused(w, coord_reset(w->coord, "operator", "x", false, &w->error),
                   "reset: not possible while RUNNING, only while HALTED");
    to_state(w, COORD_PAUSED);
    expect_refused(w, coord_pause(w->coord, "operator", "x", &w->error),
                   "pause: not possible while PAUSED, only while RUNNING");
    expect_refused(w, coord_reset(w->coord, "operator", "x", true, &w->error),
                   "reset: not possible while PAUSED, only while HALTED");
    to_state(w, COORD_HALTED);
    expect_refused(w, coord_pause(w->coord, "operator", "x", &w->error),
                   "pause: not possible while HALTED, only while RUNNING");
    expect_refused(w, coord_resume(w->coord, "operator", "x", &w->error),
                   "resume: not possible while HALTED, only while PAUSED");
    expect_refused(w, coord_halt(w->coord, "operator", "x", &w->error),
                   "halt: not possible while HALTED, only while RUNNING or PAUSED");
    assert_int_equal(coord_get_state(w->coord), COORD_HALTED);
    assert_int_equal(w->transition_count, 2);
    assert_int_equal(w->event_count, 2);
    world_close(w);
}

static void test_reset_needs_a_reason(void **state)
{
    (void)state;
    struct world *w = world_open();
    to_state(w, COORD_HALTED);
    assert_int_equal(coord_reset(w->coord, "operator", "", false, &w->error), TG_E_INVALID);
    assert_string_equal(w->error.message, "reset: needs a reason");
    assert_int_equal(coord_reset(w->coord, "operator", NULL, false, &w->error), TG_E_INVALID);
    assert_int_equal(coord_get_state(w->coord), COORD_HALTED);
    world_close(w);
}

/* A drawdown of 25 %: half of the account in BTC at leverage 2 loses half of its price. */
static void fall(struct world *w)
{
    w->sizing.size_usd = 5000.0;
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    world_price(w, w->btc, "20000");
    assert_true(trade_breaker_stands(w->trade, TG_BREACH_MAX_DRAWDOWN));
    assert_int_equal(coord_get_state(w->coord), COORD_HALTED);
}

static void test_reset_of_a_drawdown_needs_override(void **state)
{
    (void)state;
    struct world *w = world_open();
    fall(w);
    assert_int_equal(coord_reset(w->coord, "operator", "fine", false, &w->error), TG_E_REFUSED);
    assert_string_equal(w->error.message,
                        "reset: the max_drawdown breaker stands; --override lifts it");
    assert_true(trade_breaker_stands(w->trade, TG_BREACH_MAX_DRAWDOWN));
    assert_int_equal(coord_reset(w->coord, "operator", "fine", true, &w->error), 0);
    assert_false(trade_breaker_stands(w->trade, TG_BREACH_MAX_DRAWDOWN));
    assert_int_equal(coord_get_state(w->coord), COORD_PAUSED);
    world_close(w);
}

/* A reset that the store refuses changes nothing, the breaker neither. */
static void test_reset_that_cannot_be_stored_lifts_no_breaker(void **state)
{
    (void)state;
    struct world *w = world_open();
    fall(w);
    w->store_code = TG_E_IO;
    assert_int_equal(coord_reset(w->coord, "operator", "fine", true, &w->error), TG_E_IO);
    assert_string_equal(w->error.message, "the disk is full");
    assert_true(trade_breaker_stands(w->trade, TG_BREACH_MAX_DRAWDOWN));
    assert_int_equal(coord_get_state(w->coord), COORD_HALTED);
    world_close(w);
}

static void test_store_failing_on_loosening_refuses(void **state)
{
    (void)state;
    struct world *w = world_open();
    to_state(w, COORD_PAUSED);
    w->store_code = TG_E_IO;
    assert_int_equal(coord_resume(w->coord, "operator", "go", &w->error), TG_E_IO);
    assert_string_equal(w->error.message, "the disk is full");
    assert_int_equal(coord_get_state(w->coord), COORD_PAUSED);
    assert_int_equal(coord_resume(w->coord, "operator", "go", NULL), TG_E_IO);
    world_settle(w);
    assert_int_equal(events_of(w, "state_changed"), 1);
    w->store_code = 0;
    assert_int_equal(coord_resume(w->coord, "operator", "go", &w->error), 0);
    world_close(w);
}

static void test_store_failing_on_tightening_tightens(void **state)
{
    (void)state;
    struct world *w = world_open();
    w->store_code = TG_E_IO;
    assert_int_equal(coord_pause(w->coord, "operator", "stop", &w->error), 0);
    assert_int_equal(coord_get_state(w->coord), COORD_PAUSED);
    expect_event(w, "RUNNING", "PAUSED", TG_PRIORITY_HIGH, "operator", "stop");
    assert_int_equal(alerts_of(w, "store_failed"), 1);
    assert_string_equal(w->alerts[w->alert_count - 1].message,
                        "the change to PAUSED could not be stored: the disk is full");
    assert_int_equal(coord_halt(w->coord, "operator", "stop", &w->error), 0);
    assert_int_equal(coord_get_state(w->coord), COORD_HALTED);
    expect_event(w, "PAUSED", "HALTED", TG_PRIORITY_URGENT, "operator", "stop");
    assert_int_equal(alerts_of(w, "store_failed"), 2);
    world_close(w);
}

/* Whatever a person writes as a reason, the announcement goes out. */
static void test_any_reason_is_announced(void **state)
{
    (void)state;
    struct world *w = world_open();
    /* the limit falls between two characters, and inside one */
    for (size_t first = 0; first < 2; first++) {
        char reason[600] = "a";
        for (size_t i = first; i + 2 < sizeof(reason); i += 2)
            memcpy(reason + i, "\xc3\xa4", 2);
        assert_int_equal(coord_pause(w->coord, "operator", reason, &w->error), 0);
        world_settle(w);
        const struct noted *cut = event_of(w, "state_changed");
        size_t length = COORD_NOTE_SIZE - 2 + first;
        assert_int_equal(strlen(cut->record.message), length);
        assert_memory_equal(cut->record.message, reason, length);
        assert_int_equal(strlen(coord_last_transition(w->coord)->reason), length);
        if (first == 0)
            assert_int_equal(coord_resume(w->coord, "operator", "again", &w->error), 0);
    }
    assert_int_equal(coord_resume(w->coord, "operator",
                                  "b\xff"
                                  "c",
                                  &w->error),
                     0);
    expect_event(w, "PAUSED", "RUNNING", TG_PRIORITY_HIGH, "operator", "b?c");
    assert_int_equal(coord_pause(w->coord, "", "", &w->error), 0);
    world_settle(w);
    const struct noted *noted = event_of(w, "state_changed");
    assert_false(TG_HAS(&noted->record, SYSTEM_EVENTS, message));
    assert_int_equal(events_of(w, "state_changed"), 5);
    world_close(w);
}

/* Without a store, and for the words. */
static void test_no_store(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->options.store = (struct coord_store){0};
    world_start(w);
    assert_int_equal(coord_halt(w->coord, "operator", "stop", &w->error), 0);
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    struct coord_counters counters;
    coord_get_counters(w->coord, &counters);
    assert_int_equal(counters.outcomes[COORD_OUTCOME_IGNORED_STATE], 1);
    assert_string_equal(coord_state_text(COORD_RUNNING), "RUNNING");
    assert_string_equal(coord_state_text((enum coord_state)3), "?");
    assert_string_equal(coord_level_text(COORD_EMERGENCY), "EMERGENCY");
    assert_string_equal(coord_level_text((enum coord_level)4), "?");
    world_close(w);
    coord_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_arrow),
        cmocka_unit_test(test_every_refused_arrow),
        cmocka_unit_test(test_reset_needs_a_reason),
        cmocka_unit_test(test_reset_of_a_drawdown_needs_override),
        cmocka_unit_test(test_reset_that_cannot_be_stored_lifts_no_breaker),
        cmocka_unit_test(test_store_failing_on_loosening_refuses),
        cmocka_unit_test(test_store_failing_on_tightening_tightens),
        cmocka_unit_test(test_any_reason_is_announced),
        cmocka_unit_test(test_no_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
