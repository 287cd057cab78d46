/* The store in memory: a bounded window, ids, the file of lines, and disks that are full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "base/uuid.h"
#include "bus/json.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MONDAY (INT64_C(1641772800) * TG_NS_PER_SEC)

static struct tg_uuid id_of(uint8_t kind, uint8_t number)
{
    struct tg_uuid id = {{0}};
    id.bytes[0] = kind;
    id.bytes[15] = number;
    return id;
}

static struct coord_decision decision_of(uint8_t number)
{
    struct coord_decision decision;
    memset(&decision, 0, sizeof(decision));
    decision.id = id_of(1, number);
    decision.opened_at = decision.closed_at = MONDAY;
    decision.outcome = COORD_OUTCOME_HOLD;
    (void)snprintf(decision.signal.symbol, sizeof(decision.signal.symbol), "BTC/USDT");
    decision.signal.action = TG_ACTION_HOLD;
    (void)snprintf(decision.reason, sizeof(decision.reason), "number %03u", number);
    return decision;
}

static struct store *open_store(size_t decisions_max, size_t bytes_max, const char *path)
{
    struct store_options options = {
        .decisions_max = decisions_max, .bytes_max = bytes_max, .decisions_path = path};
    struct store *store = NULL;
    struct tg_error error = {0};
    if (store_create(&options, &store, &error) != 0)
        fail_msg("%s", error.message);
    return store;
}

static int put(struct store *store, const struct coord_decision *decision, struct tg_error *error)
{
    struct coord_store interface = store_for_coordinator(store);
    return interface.decision(interface.context, decision, error);
}

static void put_number(struct store *store, uint8_t number)
{
    struct tg_error error = {0};
    struct coord_decision decision = decision_of(number);
    if (put(store, &decision, &error) != 0)
        fail_msg("%s", error.message);
}

static void assert_is_number(const char *text, unsigned number)
{
    char reason[32];
    (void)snprintf(reason, sizeof(reason), "\"number %03u\"", number);
    assert_non_null(text);
    assert_non_null(strstr(text, reason));
}

static struct store_counters counters_of(const struct store *store)
{
    struct store_counters counters;
    store_get_counters(store, &counters);
    return counters;
}

static void test_window_by_count(void **state)
{
    (void)state;
    struct store *store = open_store(3, 0, NULL);
    assert_int_equal(store_decision_count(store), 0);
    assert_null(store_decision_at(store, 0));
    for (uint8_t i = 0; i < 8; i++)
        put_number(store, i);
    assert_int_equal(store_decision_count(store), 3);
    for (unsigned i = 0; i < 3; i++)
        assert_is_number(store_decision_at(store, i), 5 + i); /* oldest first */
    assert_null(store_decision_at(store, 3));
    assert_int_equal(counters_of(store).decisions, 8);
    assert_int_equal(counters_of(store).decisions_forgotten, 5);
    struct tg_uuid gone = id_of(1, 4);
    assert_null(store_decision_find(store, &gone));
    store_destroy(store);
}

static void test_window_by_bytes(void **state)
{
    (void)state;
    struct store *store = open_store(100, 0, NULL);
    put_number(store, 0);
    size_t length = strlen(store_decision_at(store, 0));
    store_destroy(store);

    store = open_store(100, 3 * length, NULL);
    for (uint8_t i = 0; i < 10; i++)
        put_number(store, i);
    assert_int_equal(store_decision_count(store), 3);
    assert_is_number(store_decision_at(store, 0), 7);
    store_destroy(store);

    store = open_store(100, 3 * length - 1, NULL);
    for (uint8_t i = 0; i < 10; i++)
        put_number(store, i);
    assert_int_equal(store_decision_count(store), 2);
    assert_int_equal(counters_of(store).decisions_forgotten, 8);
    store_destroy(store);

    store = open_store(100, 1, NULL); /* the newest one is always kept */
    put_number(store, 1);
    put_number(store, 2);
    assert_int_equal(store_decision_count(store), 1);
    assert_is_number(store_decision_at(store, 0), 2);
    store_destroy(store);
}

static void test_find_by_each_id(void **state)
{
    (void)state;
    struct store *store = open_store(4, 0, NULL);
    struct tg_error error = {0};
    struct tg_uuid none = {{0}};
    struct tg_uuid other = id_of(9, 9);
    for (uint8_t i = 0; i < 6; i++) {
        struct coord_decision decision = decision_of(i);
        if (i % 2 == 1) {
            decision.order_id = id_of(2, i);
            decision.position_id = id_of(3, 1); /* the same position again and again */
        }
        assert_int_equal(put(store, &decision, &error), 0);
    }
    struct tg_uuid id = id_of(1, 4);
    assert_is_number(store_decision_find(store, &id), 4);
    id = id_of(2, 3);
    assert_is_number(store_decision_find(store, &id), 3);
    id = id_of(3, 1);
    assert_is_number(store_decision_find(store, &id), 5); /* the newest that fits */
    assert_null(store_decision_find(store, &other));
    assert_null(store_decision_find(store, &none)); /* not one that has no order */
    store_destroy(store);
}

static void test_file_of_lines(void **state)
{
    (void)state;
    char path[] = "/tmp/triplegain_store_XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, "old\n", 4), 4); /* is made anew */
    (void)close(descriptor);
    struct tg_error error = {0};
    struct store *store = open_store(2, 0, path);
    for (uint8_t i = 0; i < 5; i++)
        put_number(store, i);
    assert_int_equal(store_finish(store, &error), 0);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char line[8192];
    for (unsigned i = 0; i < 5; i++) { /* all of them, also those that left the window */
        struct json_value *root = NULL;
        assert_non_null(fgets(line, sizeof(line), file));
        assert_int_equal(line[strlen(line) - 1], '\n');
        assert_int_equal(json_parse(line, strlen(line), &root, &error), 0);
        assert_is_number(line, i);
        json_free(root);
        line[strcspn(line, "\n")] = '\0';
        if (i >= 3)
            assert_string_equal(line, store_decision_at(store, i - 3));
    }
    assert_null(fgets(line, sizeof(line), file));
    (void)fclose(file);
    store_destroy(store);
    assert_int_equal(unlink(path), 0);
}

static void expect_unwritable(const char *path, const char *sentence)
{
    struct store_options options = {.decisions_path = path};
    struct store *store = NULL;
    struct tg_error error = {0};
    assert_int_equal(store_create(&options, &store, &error), TG_E_IO);
    assert_string_equal(error.message, sentence);
    assert_null(store);
}

static void test_unwritable_path(void **state)
{
    (void)state;
    expect_unwritable("/nowhere/decisions.jsonl",
                      "/nowhere/decisions.jsonl: cannot be written: No such file or directory");
    expect_unwritable("/tmp", "/tmp: cannot be written: Is a directory");
}

static void test_disk_full(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        print_message("skipped: there is no /dev/full\n");
        skip();
    }
    struct store *store = open_store(100, 0, "/dev/full");
    struct tg_error error = {0};
    int code = 0;
    for (uint8_t i = 0; i < 200 && code == 0; i++) {
        struct coord_decision decision = decision_of(i);
        code = put(store, &decision, &error);
    }
    assert_int_equal(code, TG_E_IO);
    assert_string_equal(error.message, "/dev/full: writing failed: No space left on device");
    size_t kept = store_decision_count(store);
    assert_true(kept > 0);
    assert_is_number(store_decision_at(store, kept - 1), (unsigned)kept - 1); /* in memory it is */
    struct coord_decision next = decision_of(201);
    assert_int_equal(put(store, &next, &error), TG_E_IO);
    tg_error_clear(&error);
    assert_int_equal(store_finish(store, &error), TG_E_IO);
    assert_string_equal(error.message, "/dev/full: writing failed: No space left on device");
    store_destroy(store);

    store = open_store(100, 0, "/dev/full"); /* so little that only the end notices */
    put_number(store, 1);
    assert_int_equal(store_finish(store, &error), TG_E_IO);
    store_destroy(store);
}

static void test_finish_without_a_file(void **state)
{
    (void)state;
    struct store *store = open_store(0, 0, NULL);
    struct tg_error error = {0};
    put_number(store, 1);
    assert_int_equal(store_finish(store, &error), 0);
    store_destroy(store);
    store_destroy(NULL);
}

/* ---- as the journal of trade ---- */

static int submit(void *context, const struct tg_order *order, struct tg_error *error)
{
    (void)order;
    (void)error;
    ++*(uint32_t *)context;
    return 0;
}

static int cancel(void *context, const struct tg_uuid *id, struct tg_error *error)
{
    (void)context;
    (void)id;
    (void)error;
    return 0;
}

static int amend(void *context, const struct tg_uuid *id, struct tg_decimal size,
                 struct tg_decimal price, struct tg_error *error)
{
    (void)size;
    (void)price;
    return cancel(context, id, error);
}

static struct trade_limits wide_limits(void)
{
    const struct tg_decimal hundred = tg_decimal_whole(100);
    return (struct trade_limits){.position_size_max_pct = hundred,
                                 .exposure_max_pct = hundred,
                                 .margin_utilization_max_pct = hundred,
                                 .daily_loss_max_pct = hundred,
                                 .weekly_loss_max_pct = hundred,
                                 .drawdown_max_pct = hundred,
                                 .price_collar_pct = hundred,
                                 .leverage_max = 1,
                                 .positions_per_symbol_max = 1,
                                 .positions_max = 1,
                                 .entry_orders_per_minute_max = 9,
                                 .entry_orders_per_day_max = 9};
}

static void test_journal_answers_intents(void **state)
{
    (void)state;
    struct store *store = open_store(0, 0, NULL);
    struct tg_error error = {0};
    uint32_t sent = 0;
    uint32_t symbol;
    const struct tg_decimal hundred = tg_decimal_whole(100);
    struct trade_options options = {.installation = "test",
                                    .account_currency = "USDT",
                                    .starting_balance = tg_decimal_whole(10000),
                                    .venue = {submit, cancel, amend, &sent},
                                    .journal = store_journal(store),
                                    .limits = wide_limits()};
    struct trade_symbol_options btc = {"BTC/USDT", tg_decimal_units(10000), 2, 8};
    struct tg_bar bar = {.open_time = MONDAY,
                         .open = hundred,
                         .high = hundred,
                         .low = hundred,
                         .close = hundred,
                         .volume = hundred};
    struct trade_entry entry = {.decision_id = id_of(1, 1),
                                .decision_key = "a",
                                .side = TG_SIDE_BUY,
                                .leverage = 1,
                                .size_usd = hundred};
    struct trade *trade = NULL;
    struct tg_uuid order = {{0}};
    assert_int_equal(trade_create(&options, &trade, &error), 0);
    assert_int_equal(trade_symbol_add(trade, &btc, &symbol, &error), 0);
    trade_bar(trade, symbol, &bar, MONDAY);

    /* nobody to tell that it is stored: refused, never sent */
    assert_int_not_equal(trade_enter(trade, &entry, MONDAY, NULL, &error), 0);
    assert_non_null(strstr(error.message, "store: an order before store_set_trade"));
    trade_pump(trade, MONDAY);
    assert_int_equal(sent, 0);

    store_set_trade(store, trade);
    entry.decision_key = "b";
    assert_int_equal(trade_enter(trade, &entry, MONDAY, &order, &error), 0);
    trade_pump(trade, MONDAY);
    assert_int_equal(sent, 1);
    assert_true(counters_of(store).orders >= 2); /* the intent, and that it went out */

    struct tg_execution_events fill = {.event_type = TG_EXECUTION_FILL,
                                       .order_id = order,
                                       .symbol = "BTC/USDT",
                                       .side = TG_SIDE_BUY,
                                       .size = tg_decimal_whole(1),
                                       .fill_price = hundred,
                                       .trade_id = "t-1"};
    TG_SET(&fill, EXECUTION_EVENTS, side);
    TG_SET(&fill, EXECUTION_EVENTS, size);
    TG_SET(&fill, EXECUTION_EVENTS, fill_price);
    TG_SET(&fill, EXECUTION_EVENTS, fee);
    TG_SET(&fill, EXECUTION_EVENTS, trade_id);
    assert_int_equal(trade_execution_event(trade, &fill, MONDAY, &error), 0);
    assert_int_equal(counters_of(store).fills, 1);
    assert_true(counters_of(store).positions >= 1);
    trade_destroy(trade);
    store_destroy(store);
}

static void test_transitions_are_counted(void **state)
{
    (void)state;
    struct store *store = open_store(0, 0, NULL);
    struct tg_error error = {0};
    struct coord_store interface = store_for_coordinator(store);
    struct coord_transition transition = {.from = COORD_RUNNING, .to = COORD_HALTED};
    assert_int_equal(interface.transition(interface.context, &transition, &error), 0);
    assert_int_equal(counters_of(store).transitions, 1);
    store_destroy(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window_by_count),
        cmocka_unit_test(test_window_by_bytes),
        cmocka_unit_test(test_find_by_each_id),
        cmocka_unit_test(test_file_of_lines),
        cmocka_unit_test(test_unwritable_path),
        cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_finish_without_a_file),
        cmocka_unit_test(test_journal_answers_intents),
        cmocka_unit_test(test_transitions_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
