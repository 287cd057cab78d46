/*
 * January 2022, long with one and a half times the equity from the first day on: the month in which
 * every breaker has its turn. At each of its 45,031 minutes each breaker stands exactly if the loss
 * has been at its limit since its period began; what it sets off is what the table of emergencies
 * says.
 */
#include "app_fixture.h"

#define FIRST_DAY (INT64_C(1640995200) * TG_NS_PER_SEC) /* 2022-01-01T00:00:00Z */

struct expected {
    struct tg_decimal day_start, week_start, peak, equity;
    int64_t day, week;
    bool daily, weekly, drawdown;
};

static void follow(struct expected *e, struct stage *stage)
{
    int64_t now = stage->time.now_ns;
    if (tg_time_day_start(now) != e->day) {
        e->day = tg_time_day_start(now);
        e->day_start = e->equity;
        e->daily = false;
    }
    if (tg_time_week_start(now) != e->week) {
        e->week = tg_time_week_start(now);
        e->week_start = e->equity;
        e->weekly = false;
    }
    e->equity = stage_portfolio(stage).equity;
    e->peak = tg_decimal_max(e->peak, e->equity);
}

/* loss x 100 >= limit x base, in whole units: no rounding anywhere. */
static bool lost(struct tg_decimal base, struct tg_decimal equity, int64_t limit_pct)
{
    return (base.units - equity.units) * 100 >= base.units * limit_pct;
}

static struct tg_decimal size_open(const struct stage *stage)
{
    bool overflow = false;
    const struct trade_position *position;
    struct tg_decimal sum = tg_decimal_units(0);
    for (uint32_t i = 0; (position = trade_position_at(stage->host->trade, i)) != NULL; i++)
        sum = tg_decimal_add(sum, position->size, &overflow);
    return sum;
}

static void open_january(struct stage *stage)
{
    char data[512];
    char agents[512];
    const char *const sets[] = {"plugins.folders", stage_built(agents, "tests/agents"), NULL};
    stage_open(stage, "tests/unit/app/january.yaml", sets,
               stage_data(data, "data/btc_perp_1m_2022-01.csv"));
}

static void each_breaker_at_its_limit_and_its_action(void **state)
{
    (void)state;
    static struct stage stage;
    struct expected e = {0};
    open_january(&stage);
    const struct trade *trade = stage.host->trade;
    e.equity = e.peak = stage_portfolio(&stage).equity;
    struct tg_decimal full = tg_decimal_units(0);
    int64_t daily_at = 0, weekly_at = 0, drawdown_at = 0;
    while (stage_moment(&stage)) {
        follow(&e, &stage);
        e.daily = e.daily || lost(e.day_start, e.equity, 5);
        e.weekly = e.weekly || lost(e.week_start, e.equity, 10);
        e.drawdown = e.drawdown || lost(e.peak, e.equity, 20);
        assert_int_equal(trade_breaker_stands(trade, TG_BREACH_DAILY_LOSS), e.daily);
        assert_int_equal(trade_breaker_stands(trade, TG_BREACH_WEEKLY_LOSS), e.weekly);
        assert_int_equal(trade_breaker_stands(trade, TG_BREACH_MAX_DRAWDOWN), e.drawdown);
        enum coord_state host_state = coord_get_state(stage.host->coord);
        if (daily_at == 0 && e.daily) { /* trading pauses, positions stay */
            daily_at = stage.time.now_ns;
            full = size_open(&stage);
            assert_true(tg_decimal_is_positive(full));
            assert_int_equal(host_state, COORD_PAUSED);
        } else if (daily_at != 0 && weekly_at == 0 && !e.weekly) {
            assert_int_equal(size_open(&stage).units, full.units);
            assert_int_equal(host_state, COORD_PAUSED);
        }
        if (weekly_at == 0 && e.weekly)
            weekly_at = stage.time.now_ns;
        if (weekly_at != 0 && drawdown_at == 0 && !e.drawdown &&
            stage.time.now_ns >= weekly_at + 2 * TG_NS_PER_MIN) { /* halved, to a step of size */
            assert_true(size_open(&stage).units * 2 <= full.units + 6);
            assert_true(size_open(&stage).units * 2 >= full.units - 6);
            assert_int_equal(host_state, COORD_PAUSED);
        }
        if (drawdown_at == 0 && e.drawdown)
            drawdown_at = stage.time.now_ns;
        if (drawdown_at != 0) {
            assert_int_equal(host_state, COORD_HALTED);
            if (stage.time.now_ns >= drawdown_at + 2 * TG_NS_PER_MIN)
                assert_null(trade_position_at(trade, 0));
        }
    }
    assert_true(daily_at > FIRST_DAY && weekly_at > daily_at && drawdown_at > weekly_at);
    struct coord_counters counters;
    coord_get_counters(stage.host->coord, &counters);
    assert_int_equal(counters.outcomes[COORD_OUTCOME_EXECUTED] > 0, 1);
    assert_string_equal(coord_last_transition(stage.host->coord)->actor, "circuit_breaker");
    assert_int_equal(coord_last_transition(stage.host->coord)->at, drawdown_at);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_breaker_at_its_limit_and_its_action),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
