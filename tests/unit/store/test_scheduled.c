/* Trades for later: kept in order, replaced by key, taken out, bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/store.h"

#include <stdio.h>
#include <string.h>

static struct coord_scheduled_trade trade_of(unsigned number, int64_t due_at)
{
    struct coord_scheduled_trade trade = {.due_at = due_at};
    (void)snprintf(trade.key, sizeof(trade.key), "agent/BTC/USDT/%u", number);
    return trade;
}

static void test_order_and_replacement(void **state)
{
    (void)state;
    struct store *store = NULL;
    struct tg_error error = {0};
    assert_int_equal(store_create(&(struct store_options){0}, &store, &error), 0);
    struct coord_store kept = store_for_coordinator(store);
    struct coord_scheduled_trade trade;
    for (unsigned i = 0; i < 4; i++) {
        trade = trade_of(i, i);
        assert_int_equal(kept.scheduled_put(kept.context, &trade, &error), 0);
    }
    trade = trade_of(2, 20);
    assert_int_equal(kept.scheduled_put(kept.context, &trade, &error), 0);
    assert_int_equal(kept.scheduled_remove(kept.context, "agent/BTC/USDT/1", &error), 0);
    assert_int_equal(kept.scheduled_remove(kept.context, "agent/BTC/USDT/1", &error),
                     TG_E_NOT_FOUND);
    static const int64_t due[] = {0, 20, 3};
    for (size_t i = 0; i < 3; i++) {
        assert_true(kept.scheduled_at(kept.context, i, &trade));
        assert_int_equal(trade.due_at, due[i]);
    }
    assert_false(kept.scheduled_at(kept.context, 3, &trade));
    store_destroy(store);
}

static void test_bound(void **state)
{
    (void)state;
    struct store *store = NULL;
    struct tg_error error = {0};
    assert_int_equal(store_create(&(struct store_options){0}, &store, &error), 0);
    struct coord_store kept = store_for_coordinator(store);
    struct coord_scheduled_trade trade;
    for (unsigned i = 0; i < COORD_SCHEDULED_MAX; i++) {
        trade = trade_of(i, i);
        assert_int_equal(kept.scheduled_put(kept.context, &trade, &error), 0);
    }
    /* one that is there can still be replaced */
    assert_int_equal(kept.scheduled_put(kept.context, &trade, &error), 0);
    trade = trade_of(COORD_SCHEDULED_MAX, 0);
    assert_int_equal(kept.scheduled_put(kept.context, &trade, &error), TG_E_FULL);
    assert_true(strlen(error.message) > 10);
    store_destroy(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_replacement),
        cmocka_unit_test(test_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
