/* Fills: once each, in any order, one position; what contradicts the order is not counted. */
#include "trade_fixture.h"

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    fixture_options(&f);
    fixture_start(&f);
    price(&f, f.btc, "40000");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_stop(&f);
    return 0;
}

/* ---- any order of arrival ---- */

#define EVENTS_MAX 6

struct outcome {
    uint8_t state;
    struct tg_decimal filled, cost, fees, position_size, position_cost, equity;
    uint32_t positions;
};

struct script {
    uint8_t types[EVENTS_MAX];
    const char *sizes[EVENTS_MAX];
    unsigned count;
};

static struct outcome play(const struct script *script, const unsigned *order)
{
    fixture_options(&f);
    fixture_start(&f);
    price(&f, f.btc, "40000");
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "4000", "permuted");
    entry.stop_loss = dec("39000");
    struct tg_uuid id = enter(&f, &entry);
    for (unsigned i = 0; i < script->count; i++) {
        unsigned n = order[i];
        struct tg_execution_events event = event_of(&f, id, script->types[n]);
        if (script->types[n] == TG_EXECUTION_FILL) {
            event = fill_event(&f, id, dec(script->sizes[n]), dec("40000.01"), dec("0.13"));
            /* the same trade whenever it arrives */
            (void)snprintf(event.trade_id, sizeof(event.trade_id), "trade-%s", script->sizes[n]);
        }
        assert_int_equal(deliver(&f, &event), 0);
        pump(&f);
    }
    const struct trade_order *view = order_of(&f, id);
    struct outcome outcome = {.state = view->state,
                              .filled = view->filled_size,
                              .cost = view->filled_cost,
                              .fees = view->fees,
                              .positions = open_count(&f),
                              .equity = portfolio(&f).equity};
    if (outcome.positions > 0) {
        outcome.position_size = trade_position_at(f.trade, 0)->size;
        outcome.position_cost = trade_position_at(f.trade, 0)->cost;
    }
    assert_int_equal(f.alert_count, 0);
    fixture_stop(&f);
    return outcome;
}

static unsigned permute(const struct script *script, unsigned *order, unsigned depth,
                        struct outcome *expected)
{
    if (depth == script->count) {
        struct outcome outcome = play(script, order);
        if (expected->positions == UINT32_MAX)
            *expected = outcome;
        assert_int_equal(outcome.state, expected->state);
        assert_int_equal(outcome.filled.units, expected->filled.units);
        assert_int_equal(outcome.cost.units, expected->cost.units);
        assert_int_equal(outcome.fees.units, expected->fees.units);
        assert_int_equal(outcome.position_size.units, expected->position_size.units);
        assert_int_equal(outcome.position_cost.units, expected->position_cost.units);
        assert_int_equal(outcome.positions, expected->positions);
        assert_int_equal(outcome.equity.units, expected->equity.units);
        return 1;
    }
    unsigned played = 0;
    for (unsigned i = depth; i < script->count; i++) {
        unsigned kept = order[depth];
        order[depth] = order[i];
        order[i] = kept;
        played += permute(script, order, depth + 1, expected);
        order[i] = order[depth];
        order[depth] = kept;
    }
    return played;
}

static struct outcome all_orders(const struct script *script, unsigned expected_plays)
{
    unsigned order[EVENTS_MAX] = {0, 1, 2, 3, 4, 5};
    struct outcome outcome = {.positions = UINT32_MAX};
    assert_int_equal(permute(script, order, 0, &outcome), expected_plays);
    return outcome;
}

static void test_permutations(void **state)
{
    (void)state;
    const uint8_t A = TG_EXECUTION_ACCEPTED;
    const uint8_t F = TG_EXECUTION_FILL;
    const uint8_t C = TG_EXECUTION_CANCELLED;
    struct outcome part = all_orders(&(struct script){{A, F, F, C}, {0, "0.03", "0.02"}, 4}, 24);
    assert_int_equal(part.state, TRADE_ORDER_CANCELLED);
    assert_decimal(part.position_size, "0.05");
    assert_int_equal(part.positions, 1);
    struct outcome whole =
        all_orders(&(struct script){{A, F, F, F, C}, {0, "0.03", "0.02", "0.05"}, 5}, 120);
    assert_int_equal(whole.state, TRADE_ORDER_FILLED);
    assert_decimal(whole.position_size, "0.1");
    struct outcome doubled =
        all_orders(&(struct script){{A, A, F, F, F, C}, {0, 0, "0.03", "0.03", "0.04"}, 6}, 720);
    assert_int_equal(doubled.state, TRADE_ORDER_CANCELLED);
    assert_decimal(doubled.position_size, "0.07");
    struct outcome expired =
        all_orders(&(struct script){{A, F, TG_EXECUTION_EXPIRED}, {0, "0.01"}, 3}, 6);
    assert_int_equal(expired.state, TRADE_ORDER_EXPIRED);
    struct outcome filled = all_orders(&(struct script){{A, F, F}, {0, "0.09", "0.01"}, 3}, 6);
    assert_int_equal(filled.state, TRADE_ORDER_FILLED);
    assert_decimal(filled.fees, "0.26");
}

/* ---- once ---- */

static void test_duplicate_fill_counts_once(void **state)
{
    (void)state;
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "4000", "k");
    struct tg_uuid id = enter(&f, &entry);
    struct tg_execution_events event = fill_event(&f, id, dec("0.1"), dec("40000"), dec("10.4"));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(deliver(&f, &event), 0);
        pump(&f);
    }
    assert_decimal(order_of(&f, id)->filled_size, "0.1");
    assert_int_equal(open_count(&f), 1);
    assert_decimal(portfolio(&f).fees, "10.4");
    assert_int_equal(f.fills_told, 1);
    assert_int_equal(f.alert_count, 0);
}

static void test_partial_then_full_is_one_position(void **state)
{
    (void)state;
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "4000", "k");
    struct tg_uuid id = enter(&f, &entry);
    accept(&f, id);
    fill(&f, id, "0.04", "40000", "1");
    assert_int_equal(order_of(&f, id)->state, TRADE_ORDER_PARTIALLY_FILLED);
    fill(&f, id, "0.06", "40100", "1");
    assert_int_equal(order_of(&f, id)->state, TRADE_ORDER_FILLED);
    assert_int_equal(open_count(&f), 1);
    const struct trade_position *position = trade_position_at(f.trade, 0);
    assert_decimal(position->size, "0.1");
    assert_decimal(position->cost, "4006");
    assert_true(tg_uuid_equal(&position->id, &order_of(&f, id)->position_id));
    assert_int_equal(f.events[0].event_type, TG_EXECUTION_POSITION_OPENED);
    assert_int_equal(f.events[1].event_type, TG_EXECUTION_POSITION_CHANGED);
    assert_decimal(f.events[1].fill_price, "40060");
    assert_decimal(f.events[1].size, "0.1");
    assert_int_equal(f.event_count, 2);
}

static void test_fill_after_the_position_was_closed(void **state)
{
    (void)state;
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "4000", "k");
    entry.stop_loss = dec("39500");
    struct tg_uuid id = enter(&f, &entry);
    accept(&f, id);
    fill(&f, id, "0.04", "40000", "0");
    struct tg_uuid stop = last_sent(&f, TG_ORDER_TYPE_STOP_LOSS).id;
    struct tg_uuid first = trade_position_at(f.trade, 0)->id;
    accept(&f, stop);
    fill(&f, stop, "0.04", "39500", "0");
    assert_int_equal(open_count(&f), 0);
    assert_true(
        tg_uuid_equal(&f.cancelled[f.cancelled_count - 1], &id)); /* the rest of the entry */
    fill(&f, id, "0.06", "40000", "0");                           /* faster than the cancellation */
    assert_int_equal(open_count(&f), 1);
    const struct trade_position *position = trade_position_at(f.trade, 0);
    assert_false(tg_uuid_equal(&position->id, &first));
    assert_decimal(position->size, "0.06");
    struct tg_order second = last_sent(&f, TG_ORDER_TYPE_STOP_LOSS);
    assert_false(tg_uuid_equal(&second.id, &stop));
    assert_decimal(second.size, "0.06");
}

/* ---- contradictions ---- */

static void check_refused(struct tg_execution_events *event, int code, const char *alert)
{
    uint32_t fills = f.fills_told;
    assert_int_equal(deliver(&f, event), code);
    pump(&f);
    assert_int_equal(alerts_of(&f, alert), 1);
    assert_int_equal(f.fills_told, fills);
    assert_true(trade_symbol_blocked(f.trade, f.btc));
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "100", "blocked");
    struct tg_error error = {0};
    assert_int_equal(trade_enter(f.trade, &entry, f.now, NULL, &error), TG_E_REFUSED);
}

static struct tg_uuid partly_filled(void)
{
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "4000", "k");
    struct tg_uuid id = enter(&f, &entry);
    fill(&f, id, "0.04", "40000", "0");
    return id;
}

static void test_overfill(void **state)
{
    (void)state;
    struct tg_uuid id = partly_filled();
    struct tg_execution_events event =
        fill_event(&f, id, dec("0.06000001"), dec("40000"), dec("0"));
    check_refused(&event, TG_E_INVALID, "overfill");
    assert_decimal(trade_position_at(f.trade, 0)->size, "0.04");
}

static void test_wrong_side(void **state)
{
    (void)state;
    struct tg_execution_events event =
        fill_event(&f, partly_filled(), dec("0.01"), dec("40000"), dec("0"));
    event.side = TG_SIDE_SELL;
    check_refused(&event, TG_E_INVALID, "wrong_side");
}

static void test_wrong_symbol(void **state)
{
    (void)state;
    struct tg_execution_events event =
        fill_event(&f, partly_filled(), dec("0.01"), dec("40000"), dec("0"));
    memcpy(event.symbol, "XRP/USDT", 9);
    check_refused(&event, TG_E_INVALID, "wrong_symbol");
}

static void test_fill_of_a_refused_order(void **state)
{
    (void)state;
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "4000", "k");
    struct tg_uuid id = enter(&f, &entry);
    say(&f, id, TG_EXECUTION_REJECTED);
    struct tg_execution_events event = fill_event(&f, id, dec("0.01"), dec("40000"), dec("0"));
    check_refused(&event, TG_E_STATE, "order_transition");
    assert_int_equal(open_count(&f), 0);
}

static void test_order_that_is_not_ours(void **state)
{
    (void)state;
    struct tg_execution_events event = {
        .event_type = TG_EXECUTION_ACCEPTED, .order_id = {{9, 9, 9}}, .symbol = "BTC/USDT"};
    struct tg_error error = {0};
    assert_int_equal(trade_execution_event(f.trade, &event, f.now, &error), TG_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "09090900-0000-0000-0000-000000000000"));
    pump(&f);
    assert_int_equal(alerts_of(&f, "unknown_order"), 1);
}

static void test_fill_without_its_fields(void **state)
{
    (void)state;
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "4000", "k");
    struct tg_uuid id = enter(&f, &entry);
    struct tg_execution_events event = fill_event(&f, id, dec("0.01"), dec("40000"), dec("0"));
    event.present &= ~TG_BIT(EXECUTION_EVENTS, fee);
    assert_int_equal(deliver(&f, &event), TG_E_INVALID);
    event = fill_event(&f, id, dec("0"), dec("40000"), dec("0"));
    assert_int_equal(deliver(&f, &event), TG_E_INVALID);
    event = fill_event(&f, id, dec("0.01"), dec("-1"), dec("0"));
    assert_int_equal(deliver(&f, &event), TG_E_INVALID);
    event = fill_event(&f, id, dec("0.01"), dec("90000000000"), dec("90000000000"));
    event.size = dec("90000000000");
    assert_int_not_equal(deliver(&f, &event), 0);
    assert_int_equal(open_count(&f), 0);
    assert_decimal(portfolio(&f).equity, "10000");
}

/* A venue's clock is believed between the order's birth and now. */
static void test_time_of_a_fill(void **state)
{
    (void)state;
    const int64_t offsets[] = {-1, -TG_NS_PER_MIN, 1};
    for (int i = 0; i < 3; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "%d", i);
        struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "400", key);
        struct tg_uuid id = enter(&f, &entry);
        accept(&f, id);
        step(&f, TG_NS_PER_SEC);
        struct tg_execution_events event = fill_event(&f, id, dec("0.01"), dec("40000"), dec("0"));
        event.venue_time = f.now + offsets[i];
        TG_SET(&event, EXECUTION_EVENTS, venue_time);
        assert_int_equal(deliver(&f, &event), 0);
        pump(&f);
        assert_int_equal(trade_position_at(f.trade, (uint32_t)i)->opened_at,
                         i == 0 ? f.now - 1 : f.now);
    }
}

static void test_own_events_pass(void **state)
{
    (void)state;
    struct tg_execution_events event = {.event_type = TG_EXECUTION_POSITION_CLOSED,
                                        .symbol = "BTC/USDT"};
    assert_int_equal(deliver(&f, &event), 0);
    pump(&f);
    assert_int_equal(f.alert_count, 0);
}

/* More trades than the window holds: the ids of a living order stay, so it is never filled twice.
 */
static void test_window_of_trade_ids(void **state)
{
    (void)state;
    price(&f, f.xrp, "0.5");
    struct trade_entry old = entry_of(f.btc, TG_SIDE_BUY, "4000", "old");
    struct tg_uuid old_id = enter(&f, &old);
    accept(&f, old_id);
    struct tg_execution_events first = fill_event(&f, old_id, dec("0.01"), dec("40000"), dec("0"));
    assert_int_equal(deliver(&f, &first), 0);
    const uint32_t per_order = 64;
    for (unsigned i = 0; i < TRADE_TRADE_IDS_MAX / 64 + 1100; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "x/%u", i);
        struct trade_entry entry = entry_of(f.xrp, TG_SIDE_BUY, "32", key);
        struct tg_uuid id = enter(&f, &entry);
        struct tg_execution_events last = {0};
        for (unsigned n = 0; n < per_order; n++) {
            last = fill_event(&f, id, dec("1"), dec("0.5"), dec("0"));
            assert_int_equal(deliver(&f, &last), 0);
        }
        assert_int_equal(trade_close(f.trade, f.xrp, TG_SIDE_BUY, dec("1"), "signal", NULL, f.now,
                                     &id, NULL, NULL),
                         0);
        pump(&f);
        struct tg_execution_events out = fill_event(&f, id, dec("64"), dec("0.5"), dec("0"));
        assert_int_equal(deliver(&f, &out), 0);
        assert_int_equal(deliver(&f, &last), 0); /* seen */
        f.sent_count = f.cancelled_count = 0;
        step(&f, TG_NS_PER_SEC);
    }
    assert_true(f.fills_told > TRADE_TRADE_IDS_MAX);
    assert_int_equal(deliver(&f, &first), 0);
    assert_decimal(order_of(&f, old_id)->filled_size, "0.01");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_permutations),
        CASE(test_duplicate_fill_counts_once),
        CASE(test_partial_then_full_is_one_position),
        CASE(test_fill_after_the_position_was_closed),
        CASE(test_overfill),
        CASE(test_wrong_side),
        CASE(test_wrong_symbol),
        CASE(test_fill_of_a_refused_order),
        CASE(test_order_that_is_not_ours),
        CASE(test_fill_without_its_fields),
        CASE(test_time_of_a_fill),
        CASE(test_own_events_pass),
        CASE(test_window_of_trade_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
