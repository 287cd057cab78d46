/* What policies say of an emergency, and a policy that is not asked any more. */
#include "coord_fixture.h"

struct feared {
    struct coord_emergency_case asked;
    struct coord_emergency_verdict verdict;
    uint32_t calls;
    int code;
    const char *quarantine;
};
static struct feared feared;

static int fake_emergency(void *context, const struct coord_emergency_case *given,
                          struct coord_emergency_verdict *verdict, struct tg_error *error)
{
    (void)context;
    feared.asked = *given;
    feared.calls++;
    *verdict = feared.verdict;
    return feared.code == 0 ? 0 : TG_FAIL(error, FAILED, "emergency.lua:7: nil value");
}

static const char *fake_quarantine(void *context)
{
    (void)context;
    return feared.quarantine;
}

static struct world *feared_world(void)
{
    struct world *w = world_new();
    memset(&feared, 0, sizeof(feared));
    w->options.judge.emergency = fake_emergency;
    w->options.judge.quarantine = fake_quarantine;
    w->options.actions[TG_BREACH_WEEKLY_LOSS] = COORD_ACTION_REDUCE | COORD_ACTION_PAUSE;
    world_start(w);
    return w;
}

static void test_policy_is_asked(void **state)
{
    (void)state;
    struct world *w = feared_world();
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    world_breach(w, TG_BREACH_WEEKLY_LOSS, TG_SEVERITY_CRITICAL, NULL);
    assert_int_equal(feared.calls, 1);
    assert_int_equal(feared.asked.breach, TG_BREACH_WEEKLY_LOSS);
    assert_int_equal(feared.asked.severity, TG_SEVERITY_CRITICAL);
    assert_string_equal(feared.asked.symbol, "");
    assert_true(feared.asked.is_configured && feared.asked.configured.pause_trading &&
                feared.asked.configured.reduce_positions && !feared.asked.configured.halt_all &&
                !feared.asked.configured.close_positions);
    assert_memory_equal(&feared.asked.minimum, &feared.asked.configured,
                        sizeof(feared.asked.minimum));
    assert_int_equal(feared.asked.positions_open, 1);
    world_breach(w, TG_BREACH_EXECUTION_ERRORS, TG_SEVERITY_HIGH, "XRP/USDT");
    assert_string_equal(feared.asked.symbol, "XRP/USDT");
    assert_true(!feared.asked.is_configured && feared.asked.minimum.pause_symbol);
    world_close(w);
}

/* Whatever the policy says: what is configured happens. */
static void test_policy_cannot_leave_out(void **state)
{
    (void)state;
    struct world *w = feared_world();
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    uint32_t sent = w->sent_count;
    world_breach(w, TG_BREACH_WEEKLY_LOSS, TG_SEVERITY_LOW, NULL);
    assert_int_equal(coord_get_state(w->coord), COORD_PAUSED);
    assert_int_equal(events_of(w, "reduce_positions"), 1);
    assert_int_equal(events_of(w, "close_positions"), 0);
    assert_true(w->sent_count > sent);
    world_close(w);
}

static void test_policy_adds(void **state)
{
    (void)state;
    struct world *w = feared_world();
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    feared.verdict.actions.halt_all = true;
    feared.verdict.actions.close_positions = true;
    world_breach(w, TG_BREACH_WEEKLY_LOSS, TG_SEVERITY_LOW, NULL);
    assert_int_equal(coord_get_state(w->coord), COORD_HALTED);
    assert_int_equal(events_of(w, "close_positions"), 1);
    assert_int_equal(events_of(w, "reduce_positions"), 0);
    world_close(w);
}

static void test_policy_that_fails_changes_nothing(void **state)
{
    (void)state;
    struct world *w = feared_world();
    feared.code = 1;
    feared.verdict.actions.halt_all = true;
    world_breach(w, TG_BREACH_WEEKLY_LOSS, TG_SEVERITY_LOW, NULL);
    assert_int_equal(coord_get_state(w->coord), COORD_PAUSED);
    assert_int_equal(alerts_of(w, "RULE_ERROR"), 1);
    world_breach(w, TG_BREACH_MAX_DRAWDOWN, TG_SEVERITY_CRITICAL, NULL);
    assert_int_equal(coord_get_state(w->coord), COORD_HALTED);
    world_close(w);
}

static void test_quarantine_pauses_trading(void **state)
{
    (void)state;
    struct world *w = feared_world();
    world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    assert_int_equal(coord_get_state(w->coord), COORD_RUNNING);
    feared.quarantine = "risk.lua is not asked any more";
    world_signal(w, "XRP/USDT", TG_ACTION_BUY);
    world_settle(w);
    assert_int_equal(coord_get_state(w->coord), COORD_PAUSED);
    assert_string_equal(coord_last_transition(w->coord)->actor, "policy");
    assert_string_equal(coord_last_transition(w->coord)->reason, feared.quarantine);
    /* As long as it lasts nobody resumes. */
    assert_int_equal(coord_resume(w->coord, "operator", "go on", &w->error), TG_E_REFUSED);
    assert_string_equal(w->error.message,
                        "resume: risk.lua is not asked any more; a reload of the policies lifts "
                        "that");
    feared.quarantine = NULL;
    assert_int_equal(coord_resume(w->coord, "operator", "reloaded", &w->error), 0);
    assert_int_equal(coord_get_state(w->coord), COORD_RUNNING);
    world_close(w);
}

static void test_quarantine_in_an_emergency(void **state)
{
    (void)state;
    struct world *w = feared_world();
    feared.quarantine = "emergency.lua is not asked any more";
    world_breach(w, TG_BREACH_CONSECUTIVE_LOSSES, TG_SEVERITY_LOW, NULL); /* does nothing itself */
    assert_int_equal(coord_get_state(w->coord), COORD_PAUSED);
    assert_string_equal(coord_last_transition(w->coord)->reason, feared.quarantine);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy_is_asked),
        cmocka_unit_test(test_policy_cannot_leave_out),
        cmocka_unit_test(test_policy_adds),
        cmocka_unit_test(test_policy_that_fails_changes_nothing),
        cmocka_unit_test(test_quarantine_pauses_trading),
        cmocka_unit_test(test_quarantine_in_an_emergency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
