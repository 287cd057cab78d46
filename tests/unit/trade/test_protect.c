/* Protective exits: placed for what is filled, one cancels the other, moved only in favour, and
 * what happens when the venue does not take them. */
#include "trade_fixture.h"

static struct fixture f;

static void start(const char *break_even, const char *activate, const char *distance,
                  int64_t holding)
{
    fixture_options(&f);
    f.options.break_even_pct = dec(break_even);
    f.options.trailing_activate_pct = dec(activate);
    f.options.trailing_distance_pct = dec(distance);
    f.options.holding_max_ns = holding;
    fixture_start(&f);
}

static int setup(void **state)
{
    (void)state;
    start("0", "0", "0", 0);
    return 0;
}

static int setup_trailing(void **state)
{
    (void)state;
    start("0", "1", "1.5", 0);
    return 0;
}

static int setup_break_even(void **state)
{
    (void)state;
    start("2", "0", "0", 0);
    return 0;
}

static int setup_holding(void **state)
{
    (void)state;
    start("0", "0", "0", 48 * TG_NS_PER_HOUR);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_stop(&f);
    return 0;
}

static struct tg_uuid open_long(void)
{
    return open_position(&f, f.btc, TG_SIDE_BUY, "4000", "40000", "39000", "42000", "k");
}

static const struct trade_position *position(void)
{
    const struct trade_position *first = trade_position_at(f.trade, 0);
    assert_non_null(first);
    return first;
}

static struct tg_uuid stop_id(void)
{
    return last_sent(&f, TG_ORDER_TYPE_STOP_LOSS).id;
}

static struct tg_uuid target_id(void)
{
    return last_sent(&f, TG_ORDER_TYPE_TAKE_PROFIT).id;
}

static bool was_cancelled(struct tg_uuid id)
{
    for (uint32_t i = 0; i < f.cancelled_count; i++)
        if (tg_uuid_equal(&f.cancelled[i], &id))
            return true;
    return false;
}

static void test_legs_follow_the_fills(void **state)
{
    (void)state;
    price(&f, f.btc, "40000");
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "4000", "k");
    entry.stop_loss = dec("39000");
    entry.take_profit = dec("42000");
    struct tg_uuid id = enter(&f, &entry);
    accept(&f, id);
    assert_int_equal(f.sent_count, 1); /* nothing is filled yet */
    fill(&f, id, "0.03", "40000", "0");
    assert_int_equal(f.sent_count, 3);
    struct tg_order stop = last_sent(&f, TG_ORDER_TYPE_STOP_LOSS);
    struct tg_order target = last_sent(&f, TG_ORDER_TYPE_TAKE_PROFIT);
    assert_decimal(stop.size, "0.03");
    assert_decimal(stop.price, "39000");
    assert_decimal(target.price, "42000");
    assert_int_equal(stop.side, TG_SIDE_SELL);
    assert_true(stop.reduce_only && target.reduce_only);
    /* a fill before the legs are accepted: they are amended once they are */
    fill(&f, id, "0.02", "40000", "0");
    assert_int_equal(f.amended_count, 0);
    accept(&f, stop.id);
    accept(&f, target.id);
    assert_int_equal(f.amended_count, 2);
    fill(&f, id, "0.05", "40000", "0");
    assert_int_equal(f.amended_count, 4);
    assert_int_equal(f.sent_count, 3);
    for (uint32_t i = 2; i < 4; i++)
        assert_decimal(f.amended[i].size, "0.1");
    assert_decimal(order_of(&f, stop.id)->size, "0.1");
    pump(&f);
    assert_int_equal(f.amended_count, 4);
}

static void test_stop_cancels_the_target(void **state)
{
    (void)state;
    (void)open_long();
    struct tg_uuid stop = stop_id();
    struct tg_uuid target = target_id();
    fill(&f, stop, "0.1", "38961", "10");
    assert_int_equal(open_count(&f), 0);
    assert_true(was_cancelled(target));
    assert_false(was_cancelled(stop));
    assert_string_equal(f.position_told.exit_reason, "stop_loss");
    assert_decimal(f.position_told.realised_pnl, "-103.9");
    say(&f, target, TG_EXECUTION_CANCELLED);
    assert_int_equal(f.alert_count, 0);
    assert_int_equal(f.sent_count, 3);
}

static void test_target_cancels_the_stop(void **state)
{
    (void)state;
    (void)open_long();
    fill(&f, target_id(), "0.1", "42000", "10");
    assert_true(was_cancelled(stop_id()));
    assert_string_equal(f.position_told.exit_reason, "take_profit");
    assert_decimal(portfolio(&f).equity, "10190");
}

static void test_partial_exit_shrinks_the_other(void **state)
{
    (void)state;
    (void)open_long();
    fill(&f, target_id(), "0.04", "42000", "0");
    assert_int_equal(f.amended_count, 1);
    struct tg_uuid stop = stop_id();
    assert_true(tg_uuid_equal(&f.amended[0].id, &stop));
    assert_decimal(f.amended[0].size, "0.06");
    assert_decimal(position()->size, "0.06");
    assert_false(was_cancelled(stop));
}

/* Both legs fill at once: the position ends flat, is never turned round, and it is told. */
static void test_both_legs_at_once(void **state)
{
    (void)state;
    (void)open_long();
    struct tg_uuid target = target_id();
    struct tg_execution_events first =
        fill_event(&f, stop_id(), dec("0.1"), dec("39000"), dec("1"));
    struct tg_execution_events second = fill_event(&f, target, dec("0.1"), dec("42000"), dec("1"));
    assert_int_equal(deliver(&f, &first), 0);
    assert_int_equal(deliver(&f, &second), 0);
    pump(&f);
    assert_int_equal(open_count(&f), 0);
    assert_int_equal(alerts_of(&f, "surplus_fill"), 1);
    assert_true(trade_symbol_blocked(f.trade, f.btc));
    assert_int_equal(order_of(&f, target)->state, TRADE_ORDER_FILLED);
    struct trade_portfolio after = portfolio(&f);
    assert_decimal(after.realised_pnl, "-100");
    assert_decimal(after.fees, "2");
    assert_decimal(after.equity, "9898");
    assert_int_equal(after.trades_closed, 1);
}

static void test_surplus_of_one_leg(void **state)
{
    (void)state;
    (void)open_long();
    struct tg_execution_events first =
        fill_event(&f, stop_id(), dec("0.07"), dec("39000"), dec("0"));
    struct tg_execution_events second =
        fill_event(&f, target_id(), dec("0.1"), dec("42000"), dec("0"));
    assert_int_equal(deliver(&f, &first), 0);
    assert_int_equal(deliver(&f, &second), 0); /* before the target could be made smaller */
    pump(&f);
    assert_int_equal(open_count(&f), 0);
    assert_decimal(portfolio(&f).realised_pnl, "-10"); /* -70 and 0.03 x 2000 */
    assert_int_equal(alerts_of(&f, "surplus_fill"), 1);
}

/* ---- failing ---- */

static void test_rejected_stop_closes_at_market(void **state)
{
    (void)state;
    price(&f, f.btc, "40000");
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "4000", "k");
    entry.stop_loss = dec("39000");
    entry.take_profit = dec("42000");
    struct tg_uuid id = enter(&f, &entry);
    accept(&f, id);
    fill(&f, id, "0.05", "40000", "0");
    struct tg_uuid target = target_id();
    accept(&f, target);
    say(&f, stop_id(), TG_EXECUTION_REJECTED);
    assert_int_equal(alerts_of(&f, "stop_failed"), 1);
    struct tg_order close = f.sent[f.sent_count - 1];
    assert_int_equal(close.type, TG_ORDER_TYPE_MARKET);
    assert_true(close.reduce_only);
    assert_decimal(close.size, "0.05");
    assert_true(was_cancelled(target));
    assert_true(was_cancelled(id));     /* the rest of the entry */
    fill(&f, id, "0.02", "40000", "0"); /* too late: that part is closed too */
    assert_decimal(f.sent[f.sent_count - 1].size, "0.02");
    fill(&f, close.id, "0.05", "39990", "0");
    fill(&f, f.sent[f.sent_count - 1].id, "0.02", "39990", "0");
    assert_int_equal(open_count(&f), 0);
    assert_string_equal(f.position_told.exit_reason, "stop_failed");
}

static void test_stop_that_does_not_go_out_is_tried_again(void **state)
{
    (void)state;
    price(&f, f.btc, "40000");
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "4000", "k");
    entry.stop_loss = dec("39000");
    struct tg_uuid id = enter(&f, &entry);
    f.submit_answer = TG_E_IO;
    fill(&f, id, "0.1", "40000", "0");
    assert_int_equal(f.sent_count, 2);
    pump(&f);
    assert_int_equal(f.sent_count, 2); /* not before its time */
    for (uint32_t i = 1; i <= 3; i++) {
        int64_t next = trade_next_time(f.trade);
        assert_true(next >= f.now + (5 << (i - 1)) * TG_NS_PER_SEC);
        assert_true(next <= f.now + (7 << (i - 1)) * TG_NS_PER_SEC);
        step(&f, next - f.now - 1);
        assert_int_equal(f.sent_count, 1 + i);
        step(&f, 1);
        assert_true(f.sent_count >= 2 + i);
        assert_int_equal(f.sent[1 + i].type, TG_ORDER_TYPE_STOP_LOSS);
        assert_false(tg_uuid_equal(&f.sent[1 + i].id, &f.sent[i].id)); /* another attempt */
    }
    assert_int_equal(alerts_of(&f, "stop_failed"), 1);
    /* the close fails as well and goes on being tried, ever more slowly */
    uint32_t before = f.sent_count;
    for (int i = 0; i < 60; i++)
        step(&f, TG_NS_PER_MIN);
    assert_true(f.sent_count > before + 8 && f.sent_count < before + 20);
    assert_true(alerts_of(&f, "close_failed") >= 1 && alerts_of(&f, "close_failed") <= 2);
    f.submit_answer = 0;
    step(&f, 10 * TG_NS_PER_MIN);
    fill(&f, f.sent[f.sent_count - 1].id, "0.1", "40000", "0");
    assert_int_equal(open_count(&f), 0);
}

static void test_stop_cancelled_by_the_venue_is_placed_again(void **state)
{
    (void)state;
    (void)open_long();
    struct tg_uuid first = stop_id();
    say(&f, first, TG_EXECUTION_CANCELLED);
    step(&f, 7 * TG_NS_PER_SEC);
    struct tg_order second = last_sent(&f, TG_ORDER_TYPE_STOP_LOSS);
    assert_false(tg_uuid_equal(&first, &second.id));
    assert_decimal(second.size, "0.1");
    assert_int_equal(alerts_of(&f, "stop_failed"), 0);
}

static void test_rejected_target_leaves_the_stop(void **state)
{
    (void)state;
    price(&f, f.btc, "40000");
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "4000", "k");
    entry.stop_loss = dec("39000");
    entry.take_profit = dec("42000");
    struct tg_uuid id = enter(&f, &entry);
    fill(&f, id, "0.1", "40000", "0");
    say(&f, target_id(), TG_EXECUTION_REJECTED);
    assert_int_equal(alerts_of(&f, "target_failed"), 1);
    step(&f, TG_NS_PER_MIN);
    assert_int_equal(f.sent_count, 3);
    assert_int_equal(open_count(&f), 1);
}

static void test_stop_that_cannot_be_enlarged_closes(void **state)
{
    (void)state;
    price(&f, f.btc, "40000");
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "4000", "k");
    entry.stop_loss = dec("39000");
    struct tg_uuid id = enter(&f, &entry);
    fill(&f, id, "0.05", "40000", "0");
    accept(&f, stop_id());
    f.amend_answer = TG_E_IO;
    fill(&f, id, "0.05", "40000", "0");
    for (int i = 0; i < 10; i++)
        step(&f, 10 * TG_NS_PER_SEC);
    assert_int_equal(f.amended_count, 4);
    assert_int_equal(alerts_of(&f, "stop_failed"), 1);
    assert_int_equal(last_sent(&f, TG_ORDER_TYPE_MARKET).size.units, dec("0.1").units);
    assert_true(was_cancelled(stop_id()));
}

static void test_cancel_without_answer(void **state)
{
    (void)state;
    (void)open_long();
    struct tg_uuid target = target_id();
    fill(&f, stop_id(), "0.1", "39000", "0");
    uint32_t asked = f.cancelled_count;
    assert_int_equal(asked, 1);
    pump(&f);
    assert_int_equal(f.cancelled_count, 1);
    for (int i = 0; i < 20; i++)
        step(&f, 10 * TG_NS_PER_SEC);
    assert_int_equal(f.cancelled_count, 4);
    assert_int_equal(order_of(&f, target)->state, TRADE_ORDER_UNKNOWN);
    assert_true(trade_symbol_blocked(f.trade, f.btc));
    assert_int_equal(alerts_of(&f, "order_unknown"), 1);
    say(&f, target, TG_EXECUTION_CANCELLED);
    assert_false(trade_symbol_blocked(f.trade, f.btc));
}

/* ---- stops that move ---- */

static void test_trailing_long(void **state)
{
    (void)state;
    (void)open_position(&f, f.btc, TG_SIDE_BUY, "4000", "40000", "39000", "0", "k");
    bar_full(&f, f.btc, "40000", "40399.99", "40000", "40100");
    assert_false(position()->trailing);
    assert_int_equal(f.amended_count, 0);
    bar_full(&f, f.btc, "40100", "40400", "40000", "40300"); /* exactly 1 % */
    assert_true(position()->trailing);
    assert_decimal(position()->stop_price, "39794");
    assert_int_equal(f.amended_count, 1);
    assert_decimal(f.amended[0].price, "39794");
    bar_full(&f, f.btc, "40300", "40300", "39900", "39900"); /* never back */
    assert_decimal(position()->stop_price, "39794");
    bar_full(&f, f.btc, "39900", "40400.005", "39900", "40000"); /* less than a tick */
    assert_int_equal(f.amended_count, 1);
    bar_full(&f, f.btc, "40000", "41000", "40000", "41000");
    assert_decimal(position()->stop_price, "40385");
    assert_int_equal(f.amended_count, 2);
    fill(&f, stop_id(), "0.1", "40344.62", "0");
    assert_string_equal(f.position_told.exit_reason, "trailing_stop");
}

/* The stop that stood at the venue when the bar moved it was still the first one. */
static void test_exit_is_named_after_the_stop_that_filled(void **state)
{
    (void)state;
    (void)open_position(&f, f.btc, TG_SIDE_BUY, "4000", "40000", "39000", "0", "k");
    struct tg_bar bar = {
        .open = dec("40000"), .high = dec("41000"), .low = dec("38900"), .close = dec("39000")};
    trade_bar(f.trade, f.btc, &bar, f.now);
    assert_true(position()->trailing);
    fill(&f, stop_id(), "0.1", "39000", "0");
    assert_string_equal(f.position_told.exit_reason, "stop_loss");
}

static void test_trailing_short(void **state)
{
    (void)state;
    (void)open_position(&f, f.btc, TG_SIDE_SELL, "4000", "40000", "41000", "0", "k");
    bar_full(&f, f.btc, "40000", "40000", "39600", "39700");
    assert_decimal(position()->stop_price, "40194");
    bar_full(&f, f.btc, "39700", "40100", "39650", "40100");
    assert_decimal(position()->stop_price, "40194");
    bar_full(&f, f.btc, "40100", "40100", "39000.01", "39500");
    assert_decimal(position()->stop_price, "39585.02"); /* 39585.01015 up to a tick */
    assert_int_equal(f.amended_count, 2);
}

static void test_trailing_never_loosens_a_tight_stop(void **state)
{
    (void)state;
    (void)open_position(&f, f.btc, TG_SIDE_BUY, "4000", "40000", "39900", "0", "k");
    bar_full(&f, f.btc, "40000", "40400", "40000", "40300"); /* would be 39794 */
    assert_true(position()->trailing);
    assert_decimal(position()->stop_price, "39900");
    assert_int_equal(f.amended_count, 0);
}

static void test_break_even(void **state)
{
    (void)state;
    (void)open_position(&f, f.btc, TG_SIDE_BUY, "4000", "40000", "39000", "0", "k");
    bar_full(&f, f.btc, "40000", "40799.99", "40000", "40100");
    assert_decimal(position()->stop_price, "39000");
    bar_full(&f, f.btc, "40100", "40800", "40000", "40100");
    assert_decimal(position()->stop_price, "40000");
    bar_full(&f, f.btc, "40100", "45000", "40000", "45000");
    assert_decimal(position()->stop_price, "40000");
    fill(&f, stop_id(), "0.1", "40000", "0");
    assert_string_equal(f.position_told.exit_reason, "break_even");
}

/* An average entry between two ticks: the stop stands at the tick that loses nothing. */
static void test_break_even_between_ticks(void **state)
{
    (void)state;
    (void)open_position(&f, f.btc, TG_SIDE_BUY, "4000", "40000.001", "39000", "0", "long");
    bar_full(&f, f.btc, "40000", "42000", "40000", "42000");
    assert_decimal(position()->stop_price, "40000.01");
    fill(&f, stop_id(), "0.09999999", "40000.01", "0");
    fixture_stop(&f);
    start("2", "0", "0", 0);
    (void)open_position(&f, f.btc, TG_SIDE_SELL, "4000", "40000.001", "41000", "0", "short");
    bar_full(&f, f.btc, "40000", "40000", "38000", "38000");
    assert_decimal(position()->stop_price, "40000");
}

static void test_rebalance_has_no_protection(void **state)
{
    (void)state;
    price(&f, f.btc, "40000");
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "4000", "k");
    entry.rebalance = true;
    struct tg_uuid id = enter(&f, &entry);
    fill(&f, id, "0.1", "40000", "0");
    bar_full(&f, f.btc, "40000", "50000", "40000", "50000");
    assert_int_equal(f.sent_count, 1);
    assert_decimal(position()->stop_price, "0");
    struct tg_error error = {0};
    entry.decision_key = "with leverage";
    entry.leverage = 2;
    assert_int_equal(trade_enter(f.trade, &entry, f.now, NULL, &error), TG_E_REFUSED);
}

static void test_amend_that_fails_keeps_the_stop_where_it_is(void **state)
{
    (void)state;
    (void)open_position(&f, f.btc, TG_SIDE_BUY, "4000", "40000", "39000", "0", "k");
    f.amend_answer = TG_E_NOT_FOUND;
    bar_full(&f, f.btc, "40000", "40400", "40000", "40300");
    for (int i = 0; i < 10; i++)
        step(&f, 10 * TG_NS_PER_SEC);
    assert_int_equal(f.amended_count, 4);
    assert_int_equal(alerts_of(&f, "amend_failed"), 1);
    assert_decimal(position()->stop_price, "39000");
    bar_full(&f, f.btc, "40300", "44000", "40300", "44000");
    assert_decimal(position()->stop_price, "39000");
    assert_int_equal(open_count(&f), 1);
}

static void test_holding_limit(void **state)
{
    (void)state;
    (void)open_long();
    int64_t opened = position()->opened_at;
    f.now = opened + 48 * TG_NS_PER_HOUR - 1;
    step(&f, 0);
    assert_int_equal(f.sent_count, 3);
    assert_int_equal(trade_next_time(f.trade), opened + 48 * TG_NS_PER_HOUR);
    step(&f, 1);
    struct tg_order close = f.sent[f.sent_count - 1];
    assert_int_equal(close.type, TG_ORDER_TYPE_MARKET);
    assert_true(was_cancelled(stop_id()) && was_cancelled(target_id()));
    accept(&f, close.id);
    say(&f, stop_id(), TG_EXECUTION_CANCELLED); /* as was asked: no failure, nothing to try again */
    say(&f, target_id(), TG_EXECUTION_CANCELLED);
    assert_int_equal(trade_next_time(f.trade), tg_time_day_start(f.now) + TG_NS_PER_DAY);
    step(&f, TG_NS_PER_SEC);
    assert_int_equal(f.sent_count, 4);
    fill(&f, close.id, "0.1", "40000", "0");
    assert_string_equal(f.position_told.exit_reason, "holding_limit");
}

int main(void)
{
#define CASE(name)         cmocka_unit_test_setup_teardown(name, setup, teardown)
#define WITH(name, before) cmocka_unit_test_setup_teardown(name, before, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_legs_follow_the_fills),
        CASE(test_stop_cancels_the_target),
        CASE(test_target_cancels_the_stop),
        CASE(test_partial_exit_shrinks_the_other),
        CASE(test_both_legs_at_once),
        CASE(test_surplus_of_one_leg),
        CASE(test_rejected_stop_closes_at_market),
        CASE(test_stop_that_does_not_go_out_is_tried_again),
        CASE(test_stop_cancelled_by_the_venue_is_placed_again),
        CASE(test_rejected_target_leaves_the_stop),
        CASE(test_stop_that_cannot_be_enlarged_closes),
        CASE(test_cancel_without_answer),
        WITH(test_trailing_long, setup_trailing),
        WITH(test_exit_is_named_after_the_stop_that_filled, setup_trailing),
        WITH(test_trailing_short, setup_trailing),
        WITH(test_trailing_never_loosens_a_tight_stop, setup_trailing),
        WITH(test_break_even, setup_break_even),
        WITH(test_break_even_between_ticks, setup_break_even),
        WITH(test_rebalance_has_no_protection, setup_trailing),
        WITH(test_amend_that_fails_keeps_the_stop_where_it_is, setup_trailing),
        WITH(test_holding_limit, setup_holding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
