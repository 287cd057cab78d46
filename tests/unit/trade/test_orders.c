/* Orders: every arrow, intents before acts, one transmission, answers that do not come. */
#include "trade_fixture.h"

static struct fixture f;

static int teardown(void **state)
{
    (void)state;
    fixture_stop(&f);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    fixture_options(&f);
    fixture_start(&f);
    price(&f, f.btc, "40000");
    return 0;
}

static int setup_journal(void **state)
{
    (void)state;
    fixture_options(&f);
    fixture_journal(&f);
    fixture_start(&f);
    price(&f, f.btc, "40000");
    return 0;
}

static const struct trade_entry *some_entry(void)
{
    static struct trade_entry entry;
    entry = entry_of(f.btc, TG_SIDE_BUY, "1000", "agent/BTC/1/1");
    return &entry;
}

static void test_every_arrow(void **state)
{
    (void)state;
    /* rows: from, columns: to, in the order of the list */
    static const char *const table[TRADE_ORDER_STATE_COUNT] = {/* intended */ ".S..U.V...",
                                                               /* sent */ "..OPUF.CER",
                                                               /* open */ "...PUF.CER",
                                                               /* partially_filled */ "....UF.CE.",
                                                               /* unknown */ "..OP.F.CER",
                                                               /* filled */ "..........",
                                                               /* void */ "..........",
                                                               /* cancelled */ ".....F....",
                                                               /* expired */ ".....F....",
                                                               /* rejected */ ".........."};
    for (unsigned from = 0; from < TRADE_ORDER_STATE_COUNT; from++)
        for (unsigned to = 0; to < TRADE_ORDER_STATE_COUNT; to++) {
            bool expected = table[from][to] != '.';
            if (trade_order_transition_allowed((enum trade_order_state)from,
                                               (enum trade_order_state)to) != expected)
                fail_msg("%s to %s", trade_order_state_text((enum trade_order_state)from),
                         trade_order_state_text((enum trade_order_state)to));
        }
    assert_false(trade_order_transition_allowed((enum trade_order_state)99, TRADE_ORDER_SENT));
    assert_string_equal(trade_order_state_text(TRADE_ORDER_PARTIALLY_FILLED), "partially_filled");
    assert_string_equal(trade_order_state_text((enum trade_order_state)99), "?");
    assert_string_equal(trade_leg_text(TRADE_LEG_TARGET), "target");
    assert_true(trade_order_state_is_final(TRADE_ORDER_VOID));
    assert_false(trade_order_state_is_final(TRADE_ORDER_UNKNOWN));
}

/* Brings an order into a state, then says each event; refused ones are alerted and change nothing.
 */
static void check_state_events(uint8_t reach, const char *answers)
{
    static const uint8_t events[] = {TG_EXECUTION_ACCEPTED, TG_EXECUTION_FILL,
                                     TG_EXECUTION_CANCELLED, TG_EXECUTION_EXPIRED,
                                     TG_EXECUTION_REJECTED};
    for (unsigned i = 0; i < 5; i++) {
        fixture_options(&f);
        fixture_start(&f);
        price(&f, f.btc, "40000");
        struct tg_uuid id = enter(&f, some_entry());
        switch (reach) {
        case TRADE_ORDER_SENT:
            break;
        case TRADE_ORDER_OPEN:
            accept(&f, id);
            break;
        case TRADE_ORDER_PARTIALLY_FILLED:
            fill(&f, id, "0.01", "40000", "0");
            break;
        case TRADE_ORDER_FILLED:
            fill(&f, id, "0.025", "40000", "0");
            break;
        case TRADE_ORDER_CANCELLED:
            say(&f, id, TG_EXECUTION_CANCELLED);
            break;
        case TRADE_ORDER_EXPIRED:
            say(&f, id, TG_EXECUTION_EXPIRED);
            break;
        case TRADE_ORDER_REJECTED:
            say(&f, id, TG_EXECUTION_REJECTED);
            break;
        default:
            step(&f, 3 * TG_NS_PER_SEC);
        }
        assert_int_equal(order_of(&f, id)->state, reach);
        uint32_t alerts = f.alert_count;
        struct tg_execution_events event =
            events[i] == TG_EXECUTION_FILL ? fill_event(&f, id, dec("0.01"), dec("40000"), dec("0"))
                                           : event_of(&f, id, events[i]);
        int code = deliver(&f, &event);
        pump(&f);
        if ((answers[i] == '+') != (code == 0))
            fail_msg("%s, event %u: code %d", trade_order_state_text((enum trade_order_state)reach),
                     i, code);
        assert_int_equal(f.alert_count > alerts, answers[i] == '-');
        if (answers[i] == '-')
            assert_int_equal(order_of(&f, id)->state, reach);
        fixture_stop(&f);
    }
}

static void test_events_in_every_state(void **state)
{
    (void)state;
    /* accepted, fill, cancelled, expired, rejected */
    check_state_events(TRADE_ORDER_SENT, "+++++");
    check_state_events(TRADE_ORDER_OPEN, "+++++");
    check_state_events(TRADE_ORDER_PARTIALLY_FILLED, "++++-");
    check_state_events(TRADE_ORDER_FILLED, "+-++-");
    check_state_events(TRADE_ORDER_CANCELLED, "+++--");
    check_state_events(TRADE_ORDER_EXPIRED, "++-+-");
    check_state_events(TRADE_ORDER_REJECTED, "----+");
    check_state_events(TRADE_ORDER_UNKNOWN, "+++++");
}

static void test_intent_is_stored_before_it_is_sent(void **state)
{
    (void)state;
    struct tg_uuid id = enter(&f, some_entry());
    assert_int_equal(f.intent_count, 1);
    assert_true(tg_uuid_equal(&f.intents[0], &id));
    assert_int_equal(f.sent_count, 0);
    assert_int_equal(order_of(&f, id)->state, TRADE_ORDER_INTENDED);
    trade_intent_stored(f.trade, &id, true);
    assert_int_equal(f.sent_count, 0); /* only the pump sends */
    pump(&f);
    pump(&f);
    assert_int_equal(f.sent_count, 1);
    assert_true(tg_uuid_equal(&f.sent[0].id, &id));
    assert_string_equal(f.sent[0].symbol, "BTC/USDT");
    assert_decimal(f.sent[0].size, "0.025");
    assert_int_equal(f.sent[0].deadline, f.now + 2 * TG_NS_PER_SEC);
    assert_int_equal(order_of(&f, id)->state, TRADE_ORDER_SENT);
    trade_intent_stored(f.trade, &id, false); /* too late: nothing */
    pump(&f);
    assert_int_equal(order_of(&f, id)->state, TRADE_ORDER_SENT);
    assert_int_equal(f.sent_count, 1);
}

static void test_intent_not_stored_is_void(void **state)
{
    (void)state;
    struct tg_uuid id = enter(&f, some_entry());
    trade_intent_stored(f.trade, &id, false);
    pump(&f);
    assert_int_equal(order_of(&f, id)->state, TRADE_ORDER_VOID);
    assert_int_equal(f.sent_count, 0);
}

static void test_journal_fails(void **state)
{
    (void)state;
    struct tg_uuid id;
    struct tg_error error = {0};
    f.journal_answer = TG_E_IO;
    assert_int_equal(trade_enter(f.trade, some_entry(), f.now, &id, &error), TG_E_IO);
    assert_non_null(strstr(error.message, "not stored"));
    pump(&f);
    assert_int_equal(f.sent_count, 0);
    assert_int_equal(order_of(&f, id)->state, TRADE_ORDER_VOID);
}

static void test_intent_too_late_is_never_sent(void **state)
{
    (void)state;
    struct tg_uuid id = enter(&f, some_entry());
    f.now += 2 * TG_NS_PER_SEC + 1;
    trade_intent_stored(f.trade, &id, true);
    pump(&f);
    assert_int_equal(f.sent_count, 0);
    assert_int_equal(order_of(&f, id)->state, TRADE_ORDER_VOID);

    struct trade_entry second = *some_entry();
    second.decision_key = "second";
    id = enter(&f, &second);
    step(&f, 3 * TG_NS_PER_SEC); /* the journal never answers */
    assert_int_equal(order_of(&f, id)->state, TRADE_ORDER_VOID);
}

static void test_surely_not_sent_is_void(void **state)
{
    (void)state;
    f.submit_answer = TG_E_FULL;
    struct tg_uuid id = enter(&f, some_entry());
    assert_int_equal(order_of(&f, id)->state, TRADE_ORDER_VOID);
    assert_int_equal(f.sent_count, 1); /* one try */
    step(&f, TG_NS_PER_MIN);
    assert_int_equal(f.sent_count, 1);
    assert_false(trade_symbol_blocked(f.trade, f.btc));
}

static void test_unknown_blocks_and_counts(void **state)
{
    (void)state;
    struct tg_error error = {0};
    struct tg_uuid id = enter(&f, some_entry());
    assert_int_equal(trade_next_time(f.trade), f.now + 2 * TG_NS_PER_SEC + 1);
    step(&f, 2 * TG_NS_PER_SEC);
    assert_int_equal(order_of(&f, id)->state, TRADE_ORDER_SENT); /* exactly at the deadline */
    step(&f, 1);
    assert_int_equal(order_of(&f, id)->state, TRADE_ORDER_UNKNOWN);
    assert_int_equal(alerts_of(&f, "order_unknown"), 1);
    assert_true(trade_symbol_blocked(f.trade, f.btc));
    assert_false(trade_symbol_blocked(f.trade, f.xrp));
    struct trade_entry more = *some_entry();
    more.decision_key = "more";
    assert_int_equal(trade_enter(f.trade, &more, f.now, NULL, &error), TG_E_REFUSED);
    assert_non_null(strstr(error.message, "SYMBOL_BLOCKED"));
    assert_int_equal(f.sent_count, 1); /* never again on a guess */
    accept(&f, id);
    assert_int_equal(order_of(&f, id)->state, TRADE_ORDER_OPEN);
    assert_false(trade_symbol_blocked(f.trade, f.btc));
}

static void test_submit_cannot_say(void **state)
{
    (void)state;
    f.submit_answer = TG_E_UNKNOWN;
    struct tg_uuid id = enter(&f, some_entry());
    assert_int_equal(order_of(&f, id)->state, TRADE_ORDER_UNKNOWN);
    assert_true(trade_symbol_blocked(f.trade, f.btc));
    step(&f, TG_NS_PER_MIN);
    assert_int_equal(f.sent_count, 1);
    say(&f, id, TG_EXECUTION_EXPIRED);
    assert_false(trade_symbol_blocked(f.trade, f.btc));
}

static void test_one_decision_one_order(void **state)
{
    (void)state;
    struct tg_error error = {0};
    struct tg_uuid first = enter(&f, some_entry());
    assert_int_equal(trade_enter(f.trade, some_entry(), f.now, NULL, &error), TG_E_EXISTS);
    say(&f, first, TG_EXECUTION_REJECTED);
    assert_int_equal(trade_enter(f.trade, some_entry(), f.now, NULL, &error), TG_E_EXISTS);
    pump(&f);
    assert_int_equal(f.sent_count, 1);
    /* the same in another installation is another order; the same again is the same */
    fixture_stop(&f);
    fixture_options(&f);
    fixture_start(&f);
    price(&f, f.btc, "40000");
    struct tg_uuid again = enter(&f, some_entry());
    assert_true(tg_uuid_equal(&first, &again));
    fixture_stop(&f);
    fixture_options(&f);
    f.options.installation = "other";
    fixture_start(&f);
    price(&f, f.btc, "40000");
    struct tg_uuid other = enter(&f, some_entry());
    assert_false(tg_uuid_equal(&first, &other));
}

static void test_blocked_between_intent_and_sending(void **state)
{
    (void)state;
    struct tg_uuid id = enter(&f, some_entry());
    trade_intent_stored(f.trade, &id, true);
    struct trade_entry xrp = entry_of(f.xrp, TG_SIDE_BUY, "1000", "xrp");
    price(&f, f.xrp, "1"); /* this pump sends the first one */
    assert_int_equal(f.sent_count, 1);
    struct tg_uuid second = enter(&f, &xrp);
    trade_intent_stored(f.trade, &second, true);
    struct tg_execution_events event = event_of(&f, second, TG_EXECUTION_ACCEPTED);
    memcpy(event.symbol, "BTC/USDT", 9);
    assert_int_equal(deliver(&f, &event), TG_E_INVALID); /* blocks XRP/USDT */
    pump(&f);
    assert_int_equal(order_of(&f, second)->state, TRADE_ORDER_VOID);
    assert_int_equal(f.sent_count, 1);
}

/* Final orders are forgotten after a while; nothing grows. */
static void test_thousands_of_orders(void **state)
{
    (void)state;
    struct tg_uuid first = {{0}};
    for (unsigned i = 0; i < 6000; i++) {
        char key[32];
        (void)snprintf(key, sizeof(key), "d/%u", i);
        struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "1000", key);
        struct tg_uuid id = enter(&f, &entry);
        if (i == 0)
            first = id;
        say(&f, id, i % 2 == 0 ? TG_EXECUTION_CANCELLED : TG_EXECUTION_EXPIRED);
        f.sent_count = 0;
        step(&f, 10 * TG_NS_PER_SEC);
    }
    assert_null(trade_order_find(f.trade, &first));
    assert_decimal(portfolio(&f).equity, "10000");
}

static void test_options_are_checked(void **state)
{
    (void)state;
    struct tg_error error = {0};
    struct trade *trade = NULL;
    struct trade_options options = f.options;
    options.venue.amend = NULL;
    assert_int_equal(trade_create(&options, &trade, &error), TG_E_INVALID);
    options = f.options;
    options.starting_balance = dec("0");
    assert_int_equal(trade_create(&options, &trade, &error), TG_E_RANGE);
    options = f.options;
    options.limits.daily_loss_max_pct = dec("100.1");
    assert_int_equal(trade_create(&options, &trade, &error), TG_E_RANGE);
    assert_string_equal(error.message,
                        "limits.daily_loss_max_pct: 100.1 is out of range (more than 0 to 100)");
    options = f.options;
    options.limits.positions_max = 0;
    assert_int_equal(trade_create(&options, &trade, &error), TG_E_RANGE);
    options = f.options;
    options.trailing_distance_pct = dec("100");
    assert_int_equal(trade_create(&options, &trade, &error), TG_E_RANGE);
    options = f.options;
    options.installation = "";
    assert_int_equal(trade_create(&options, &trade, &error), TG_E_INVALID);
    assert_null(trade);
    struct trade_symbol_options symbol = {"BTCUSDT", dec("1"), 2, 8};
    assert_int_equal(trade_symbol_add(f.trade, &symbol, NULL, &error), TG_E_INVALID);
    symbol = (struct trade_symbol_options){"BTC/USDT", dec("1"), 2, 8};
    assert_int_equal(trade_symbol_add(f.trade, &symbol, NULL, &error), TG_E_EXISTS);
    symbol = (struct trade_symbol_options){"ETH/USDT", dec("1"), 9, 8};
    assert_int_equal(trade_symbol_add(f.trade, &symbol, NULL, &error), TG_E_RANGE);
    assert_int_equal(trade_symbol_find(f.trade, "ETH/USDT"), -1);
    assert_null(trade_symbol(f.trade, 3));
}

/* Entries alone are cancelled, in whatever state; protective legs stay. */
static void test_all_entries_cancelled(void **state)
{
    (void)state;
    (void)open_position(&f, f.btc, TG_SIDE_BUY, "1000", "40000", "39000", "42000", "open");
    struct tg_order stop = last_sent(&f, TG_ORDER_TYPE_STOP_LOSS);
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "1000", "sent");
    struct tg_uuid sent = enter(&f, &entry);
    entry.decision_key = "rests";
    struct tg_uuid rests = enter(&f, &entry);
    accept(&f, rests);
    entry.decision_key = "intended";
    struct tg_uuid intended;
    assert_int_equal(trade_enter(f.trade, &entry, f.now, &intended, NULL), 0);
    trade_cancel_entries(f.trade);
    pump(&f);
    assert_int_equal(order_of(&f, intended)->state, TRADE_ORDER_VOID);
    say(&f, sent, TG_EXECUTION_CANCELLED);
    say(&f, rests, TG_EXECUTION_CANCELLED);
    assert_int_equal(order_of(&f, sent)->state, TRADE_ORDER_CANCELLED);
    assert_int_equal(order_of(&f, rests)->state, TRADE_ORDER_CANCELLED);
    assert_int_not_equal(order_of(&f, stop.id)->state, TRADE_ORDER_CANCELLED);
    assert_null(trade_entry_at(f.trade, 0));
    trade_cancel_entries(f.trade); /* nothing is left to cancel */
    assert_int_equal(open_count(&f), 1);
}

/* How much a fraction takes, and how much of it is on its way. */
static void test_share_and_what_is_closing(void **state)
{
    (void)state;
    (void)open_position(&f, f.btc, TG_SIDE_BUY, "1000", "40000", "0", "0", "open");
    const struct trade_position *position = trade_position_at(f.trade, 0);
    struct tg_uuid id = position->id;
    assert_int_equal(trade_close_share(f.trade, position, dec("0.5")).units, dec("0.0125").units);
    assert_int_equal(trade_close_share(f.trade, position, dec("1")).units, dec("0.025").units);
    /* less than the minimum would be left: all */
    assert_int_equal(trade_close_share(f.trade, position, dec("0.99999999")).units,
                     dec("0.025").units);
    assert_int_equal(trade_position_closing(f.trade, &id).units, 0);
    assert_int_equal(trade_close_all(f.trade, dec("0.5"), "test", f.now, NULL, NULL), 0);
    pump(&f);
    assert_int_equal(trade_position_closing(f.trade, &id).units, dec("0.0125").units);
    say(&f, last_sent(&f, TG_ORDER_TYPE_MARKET).id, TG_EXECUTION_REJECTED);
    assert_int_equal(trade_position_closing(f.trade, &id).units, 0);
    id.bytes[0] ^= 1;
    assert_int_equal(trade_position_closing(f.trade, &id).units, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_arrow),
        cmocka_unit_test(test_events_in_every_state),
        cmocka_unit_test_setup_teardown(test_intent_is_stored_before_it_is_sent, setup_journal,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_intent_not_stored_is_void, setup_journal, teardown),
        cmocka_unit_test_setup_teardown(test_journal_fails, setup_journal, teardown),
        cmocka_unit_test_setup_teardown(test_intent_too_late_is_never_sent, setup_journal,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_surely_not_sent_is_void, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_blocks_and_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_submit_cannot_say, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_decision_one_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_blocked_between_intent_and_sending, setup_journal,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_thousands_of_orders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_entries_cancelled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_share_and_what_is_closing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_options_are_checked, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
