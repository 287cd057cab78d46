/* After an emergency has closed or halved: what is left is found, told, and closed again. */
#include "coord_fixture.h"

static struct world *configured(void)
{
    struct world *w = world_new();
    w->options.actions[TG_BREACH_WEEKLY_LOSS] = COORD_ACTION_REDUCE | COORD_ACTION_PAUSE;
    w->options.actions[TG_BREACH_MAX_DRAWDOWN] = COORD_ACTION_HALT | COORD_ACTION_CLOSE;
    world_start(w);
    return w;
}

static struct tg_decimal open_size(const struct world *w)
{
    const struct trade_position *position = trade_position_at(w->trade, 0);
    return position != NULL ? position->size : tg_decimal_units(0);
}

/* A part of the last order, at the last price. */
static void fill_part(struct world *w, const char *size)
{
    const struct tg_order *order = &w->sent[w->sent_count - 1];
    struct tg_execution_events event = {.event_type = TG_EXECUTION_FILL,
                                        .order_id = order->id,
                                        .side = order->side,
                                        .size = dec(size),
                                        .fill_price = dec("40000")};
    memcpy(event.symbol, order->symbol, sizeof(event.symbol));
    (void)snprintf(event.trade_id, sizeof(event.trade_id), "part-%u", ++w->next_trade_id);
    TG_SET(&event, EXECUTION_EVENTS, side);
    TG_SET(&event, EXECUTION_EVENTS, size);
    TG_SET(&event, EXECUTION_EVENTS, fill_price);
    TG_SET(&event, EXECUTION_EVENTS, fee);
    TG_SET(&event, EXECUTION_EVENTS, trade_id);
    assert_int_equal(trade_execution_event(w->trade, &event, w->time.now_ns, &w->error), 0);
    world_settle(w);
}

static void expect_left(const struct world *w, uint32_t count, const char *message)
{
    assert_int_equal(events_of(w, "positions_left"), count);
    const struct noted *noted = event_of(w, "positions_left");
    assert_int_equal(noted->priority, TG_PRIORITY_URGENT);
    assert_string_equal(noted->record.actor, "circuit_breaker");
    assert_string_equal(noted->record.message, message);
}

static void test_done_at_once(void **state)
{
    (void)state;
    struct world *w = configured();
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    world_breach(w, TG_BREACH_WEEKLY_LOSS, TG_SEVERITY_HIGH, NULL);
    assert_int_equal(events_of(w, "positions_verified"), 0); /* not before the order's end */
    world_venue(w, TG_EXECUTION_FILL);
    assert_int_equal(open_size(w).units, dec("0.0125").units);
    assert_int_equal(events_of(w, "positions_left"), 0);
    assert_string_equal(event_of(w, "positions_verified")->record.message,
                        "weekly_loss: nothing is left open that was to be closed");
    world_pass(w, TG_NS_PER_HOUR);
    assert_int_equal(events_of(w, "positions_verified"), 1);
    world_close(w);
}

/* Half of it was filled when the venue cancelled the rest: what is over the half goes out. */
static void test_a_half_that_was_filled_in_part(void **state)
{
    (void)state;
    struct world *w = configured();
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    world_breach(w, TG_BREACH_WEEKLY_LOSS, TG_SEVERITY_HIGH, NULL);
    uint32_t sent = w->sent_count;
    fill_part(w, "0.005");
    assert_int_equal(w->sent_count, sent);
    world_venue(w, TG_EXECUTION_CANCELLED);
    expect_left(w, 1,
                "weekly_loss: 0.02 of BTC/USDT is open and at most 0.0125 should be: closing it, "
                "try 1 of 3");
    assert_int_equal(w->sent_count, sent + 1);
    assert_int_equal(w->sent[sent].size.units, dec("0.0075").units);
    assert_true(w->sent[sent].reduce_only);
    world_venue(w, TG_EXECUTION_FILL);
    assert_int_equal(open_size(w).units, dec("0.0125").units);
    assert_int_equal(events_of(w, "positions_verified"), 1);
    world_close(w);
}

/* A venue that rejects: three tries, each later than the one before, then a critical alert. */
static void test_a_half_that_is_rejected(void **state)
{
    (void)state;
    struct world *w = configured();
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    world_breach(w, TG_BREACH_WEEKLY_LOSS, TG_SEVERITY_HIGH, NULL);
    uint32_t sent = w->sent_count;
    world_venue(w, TG_EXECUTION_REJECTED);
    assert_int_equal(w->sent_count, sent + 1); /* the first at once */
    world_venue(w, TG_EXECUTION_REJECTED);
    assert_int_equal(w->sent_count, sent + 1);
    world_pass(w, 5 * TG_NS_PER_SEC);
    assert_int_equal(w->sent_count, sent + 2);
    world_venue(w, TG_EXECUTION_REJECTED);
    world_pass(w, 9 * TG_NS_PER_SEC);
    assert_int_equal(w->sent_count, sent + 2);
    world_pass(w, TG_NS_PER_SEC);
    assert_int_equal(w->sent_count, sent + 3);
    assert_int_equal(events_of(w, "positions_left"), 3);
    assert_int_equal(alerts_of(w, "positions_left"), 0);
    world_venue(w, TG_EXECUTION_REJECTED);
    world_pass(w, TG_NS_PER_HOUR);
    assert_int_equal(w->sent_count, sent + 3);
    assert_int_equal(events_of(w, "positions_left"), 3);
    assert_int_equal(alerts_of(w, "positions_left"), 1);
    for (uint32_t i = 0; i < w->alert_count; i++)
        if (strcmp(w->alerts[i].alert_type, "positions_left") == 0) {
            assert_int_equal(w->alerts[i].severity, TG_SEVERITY_CRITICAL);
            assert_string_equal(w->alerts[i].message,
                                "weekly_loss: 0.025 of BTC/USDT is still open after 3 further "
                                "tries: close it by hand");
        }
    assert_int_equal(events_of(w, "positions_verified"), 0);
    world_close(w);
}

/* Whole: trade tries without end, in its own time; the coordinator tells and counts the tries. */
static void test_a_whole_close_that_is_rejected(void **state)
{
    (void)state;
    struct world *w = configured();
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    world_breach(w, TG_BREACH_MAX_DRAWDOWN, TG_SEVERITY_CRITICAL, NULL);
    uint32_t last = 0;
    for (int i = 0; i < 6; i++) {
        assert_true(w->sent_count > last);
        last = w->sent_count;
        world_venue(w, TG_EXECUTION_REJECTED);
        for (int second = 0; second < 600 && w->sent_count == last; second++)
            world_pass(w, TG_NS_PER_SEC);
    }
    assert_int_equal(events_of(w, "positions_left"), 3);
    assert_int_equal(alerts_of(w, "positions_left"), 1);
    world_venue(w, TG_EXECUTION_FILL); /* in the end it gives way */
    assert_null(trade_position_at(w->trade, 0));
    world_close(w);
}

static void test_a_whole_close_in_parts(void **state)
{
    (void)state;
    struct world *w = configured();
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    world_breach(w, TG_BREACH_MAX_DRAWDOWN, TG_SEVERITY_CRITICAL, NULL);
    uint32_t sent = w->sent_count;
    fill_part(w, "0.02");
    world_venue(w, TG_EXECUTION_CANCELLED);
    expect_left(w, 1,
                "max_drawdown: 0.005 of BTC/USDT is open and at most 0 should be: closing it, "
                "try 1 of 3");
    for (int second = 0; second < 60 && w->sent_count == sent; second++)
        world_pass(w, TG_NS_PER_SEC);
    assert_int_equal(w->sent[w->sent_count - 1].size.units, dec("0.005").units);
    world_venue(w, TG_EXECUTION_FILL);
    assert_null(trade_position_at(w->trade, 0));
    assert_int_equal(events_of(w, "positions_verified"), 1);
    world_close(w);
}

/* An entry under way is cancelled; it fills all the same, and what it opened is closed. */
static void test_an_entry_that_fills_late(void **state)
{
    (void)state;
    struct world *w = configured();
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    world_venue(w, TG_EXECUTION_ACCEPTED);
    uint32_t sent = w->sent_count;
    world_breach(w, TG_BREACH_MAX_DRAWDOWN, TG_SEVERITY_CRITICAL, NULL);
    assert_int_equal(events_of(w, "close_positions"), 0);
    assert_int_equal(w->sent_count, sent);
    world_venue(w, TG_EXECUTION_FILL);
    expect_left(w, 1,
                "max_drawdown: 0.025 of BTC/USDT is open and at most 0 should be: closing it, "
                "try 1 of 3");
    const struct tg_order *order = NULL;
    for (uint32_t i = sent; i < w->sent_count; i++)
        if (w->sent[i].type == TG_ORDER_TYPE_MARKET)
            order = &w->sent[i];
    assert_non_null(order);
    assert_true(order->reduce_only);
    assert_int_equal(order->size.units, dec("0.025").units);
    world_close(w);
}

/* The order goes out into silence: nobody knows, and nothing is sent again on a guess. */
static void test_an_unknown_close_is_told(void **state)
{
    (void)state;
    struct world *w = configured();
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    world_breach(w, TG_BREACH_WEEKLY_LOSS, TG_SEVERITY_HIGH, NULL);
    uint32_t sent = w->sent_count;
    world_pass(w, 3 * TG_NS_PER_SEC);
    assert_int_equal(alerts_of(w, "close_unknown"), 1);
    world_pass(w, TG_NS_PER_HOUR);
    assert_int_equal(w->sent_count, sent);
    assert_int_equal(events_of(w, "positions_left"), 0);
    world_close(w);
}

/* Nothing went out at all: the pump tries it in its time, and does not turn in circles. */
static void test_a_venue_that_cannot_be_reached(void **state)
{
    (void)state;
    struct world *w = configured();
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    w->venue_code = TG_E_IO;
    uint32_t sent = w->sent_count;
    world_breach(w, TG_BREACH_WEEKLY_LOSS, TG_SEVERITY_HIGH, NULL);
    assert_int_equal(w->sent_count, sent + 2);
    w->venue_code = 0;
    world_pass(w, 5 * TG_NS_PER_SEC);
    assert_int_equal(w->sent_count, sent + 3);
    world_venue(w, TG_EXECUTION_FILL);
    assert_int_equal(open_size(w).units, dec("0.0125").units);
    assert_int_equal(events_of(w, "positions_verified"), 1);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_done_at_once),
        cmocka_unit_test(test_a_half_that_was_filled_in_part),
        cmocka_unit_test(test_a_half_that_is_rejected),
        cmocka_unit_test(test_a_whole_close_that_is_rejected),
        cmocka_unit_test(test_a_whole_close_in_parts),
        cmocka_unit_test(test_an_entry_that_fills_late),
        cmocka_unit_test(test_an_unknown_close_is_told),
        cmocka_unit_test(test_a_venue_that_cannot_be_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
