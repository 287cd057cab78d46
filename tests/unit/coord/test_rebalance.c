/*
 * Rebalancing and hodl bags: what an agent says of the portfolio becomes batches, each judged when
 * it is due and once; profits go to bags.
 */
#include "coord_fixture.h"

#include "base/check.h"

#define KEPT_MAX 64u
#define HOURS(n) ((int64_t)(n)*TG_NS_PER_HOUR)

/* A store that can be handed to a second coordinator. */
static struct {
    struct coord_scheduled_trade trades[KEPT_MAX];
    size_t count;
    int code;
} kept;

static int keep_put(void *context, const struct coord_scheduled_trade *trade,
                    struct tg_error *error)
{
    size_t i = 0;
    (void)context;
    if (kept.code != 0)
        return TG_FAIL(error, IO, "the disk is full");
    while (i < kept.count && strcmp(kept.trades[i].key, trade->key) != 0)
        i++;
    assert_true(i < KEPT_MAX);
    kept.count += i == kept.count;
    kept.trades[i] = *trade;
    return 0;
}

static int keep_remove(void *context, const char *key, struct tg_error *error)
{
    size_t i = 0;
    (void)context;
    (void)error;
    while (i < kept.count && strcmp(kept.trades[i].key, key) != 0)
        i++;
    assert_true(i < kept.count);
    kept.count--;
    memmove(&kept.trades[i], &kept.trades[i + 1], (kept.count - i) * sizeof(kept.trades[0]));
    return 0;
}

static bool keep_at(void *context, size_t index, struct coord_scheduled_trade *trade)
{
    (void)context;
    if (index >= kept.count)
        return false;
    *trade = kept.trades[index];
    return true;
}

static struct world *open_world(void)
{
    struct world *w = world_new();
    memset(&kept, 0, sizeof(kept));
    w->options.store.scheduled_put = keep_put;
    w->options.store.scheduled_remove = keep_remove;
    w->options.store.scheduled_at = keep_at;
    w->options.portfolio = (struct coord_portfolio_options){.batch_above_usd = dec("500"),
                                                            .batches = 6,
                                                            .batch_interval_ns = HOURS(4),
                                                            .trade_min_usd = dec("10"),
                                                            .hodl_profit_pct = dec("10"),
                                                            .account_currency = "USDT",
                                                            .targets = {{"BTC", dec("33.33")},
                                                                        {"XRP", dec("33.33")},
                                                                        {"ETH", dec("0")},
                                                                        {"USDT", dec("33.34")}},
                                                            .target_count = 4};
    world_start(w);
    return w;
}

/* As the host does at each moment. */
static void run_due(struct world *w)
{
    while (coord_run_due(w->coord))
        world_settle(w);
}

static void pass(struct world *w, int64_t ns)
{
    world_pass(w, ns);
    run_due(w);
}

static struct tg_uuid rebalance_at(struct world *w, const char *trades, int64_t slot)
{
    struct tg_portfolio_updates update = {.action = TG_REBALANCE_REBALANCE, .slot = slot};
    (void)tg_text_copy(update.current_allocation, sizeof(update.current_allocation), "{}");
    (void)tg_text_copy(update.trades, sizeof(update.trades), trades);
    TG_SET(&update, PORTFOLIO_UPDATES, slot);
    struct tg_uuid id = world_publish(w, "portfolio_rebalance", TG_TOPIC_PORTFOLIO_UPDATES, &update,
                                      sizeof(update));
    world_settle(w);
    run_due(w);
    return id;
}

static struct tg_uuid rebalance(struct world *w, const char *trades)
{
    return rebalance_at(w, trades, w->time.now_ns);
}

static void answer(struct world *w, uint32_t sent, uint8_t type, const char *price)
{
    const struct tg_order *order = &w->sent[sent];
    struct tg_execution_events event = {.event_type = type,
                                        .order_id = order->id,
                                        .side = order->side,
                                        .size = order->size,
                                        .fill_price = dec(price)};
    memcpy(event.symbol, order->symbol, sizeof(event.symbol));
    if (type == TG_EXECUTION_FILL) {
        (void)snprintf(event.trade_id, sizeof(event.trade_id), "t-%u", ++w->next_trade_id);
        TG_SET(&event, EXECUTION_EVENTS, side);
        TG_SET(&event, EXECUTION_EVENTS, size);
        TG_SET(&event, EXECUTION_EVENTS, fill_price);
        TG_SET(&event, EXECUTION_EVENTS, fee);
        TG_SET(&event, EXECUTION_EVENTS, trade_id);
    }
    assert_int_equal(trade_execution_event(w->trade, &event, w->time.now_ns, &w->error), 0);
    world_settle(w);
}

static void fill(struct world *w, uint32_t sent)
{
    answer(w, sent, TG_EXECUTION_ACCEPTED, "1");
    answer(w, sent, TG_EXECUTION_FILL,
           strcmp(w->sent[sent].symbol, "BTC/USDT") == 0 ? "40000" : "0.8");
}

static void test_rebalancing_has_a_price_and_a_profile_of_its_own(void **state)
{
    (void)state;
    struct world *w = open_world();
    struct tg_uuid id =
        rebalance(w, "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"300\"},"
                     "{\"symbol\":\"XRP/USDT\",\"side\":\"buy\",\"size_usd\":200}]");
    assert_int_equal(w->sent_count, 2);
    assert_string_equal(w->sent[0].symbol, "BTC/USDT");
    assert_int_equal(w->sent[0].size.units, dec("0.0075").units);
    assert_int_equal(w->sent[0].leverage, 1);
    assert_int_equal(w->sent[1].size.units, dec("250").units);
    /* what risk was asked */
    assert_string_equal(w->risk_asked.profile, "rebalance");
    assert_false(w->risk_asked.reduces || w->risk_asked.has_stop_loss);
    assert_true(w->risk_asked.entry_price > 0.0 && w->risk_asked.leverage == 1.0);
    assert_int_equal(w->consensus_calls + w->conflicts_calls + w->sizing_calls, 0);
    fill(w, 0);
    fill(w, 1);
    assert_int_equal(w->decision_count, 2);
    const struct coord_decision *first = &w->decisions[0];
    assert_int_equal(first->outcome, COORD_OUTCOME_EXECUTED);
    assert_int_equal(first->kind, COORD_KIND_REBALANCE);
    assert_string_equal(first->key, "portfolio_rebalance/BTC/USDT/2022-01-10T00:00:00Z");
    assert_string_equal(first->agent, "portfolio_rebalance");
    assert_true(tg_uuid_equal(&first->id, &id));
    assert_false(tg_uuid_equal(&w->decisions[1].id, &id));
    assert_int_equal(trade_position_at(w->trade, 0)->rebalance, 1);
    assert_int_equal(trade_position_at(w->trade, 0)->stop_price.units, 0);
    assert_int_equal(kept.count, 0);
    assert_int_equal(coord_scheduled_count(w->coord), 0);
    assert_int_equal(coord_next_time(w->coord), INT64_MAX);
    world_close(w);
}

static void test_batches_come_at_their_times(void **state)
{
    (void)state;
    struct world *w = open_world();
    (void)rebalance(w, "["
                       "{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"600.01\"}"
                       "]");
    for (uint32_t batch = 1; batch <= 6; batch++) {
        assert_int_equal(w->sent_count, batch);
        assert_int_equal(w->risk_calls, batch); /* judged when due, not before */
        assert_int_equal(kept.count, 6 - batch + 1);
        fill(w, batch - 1);
        assert_int_equal(w->decisions[batch - 1].batch, batch);
        assert_int_equal(w->decisions[batch - 1].batches, 6);
        assert_int_equal(kept.count, 6 - batch);
        if (batch == 6)
            break;
        assert_int_equal(coord_next_time(w->coord), MONDAY + HOURS(4 * batch));
        pass(w, HOURS(4) - 1);
        assert_int_equal(w->sent_count, batch);
        pass(w, 1);
    }
    struct tg_decimal sum = {0};
    for (uint32_t i = 0; i < 6; i++)
        sum.units += w->decisions[i].signal.size_usd.units;
    assert_int_equal(sum.units, dec("600.01").units);
    /* the position of the allocation is one */
    assert_null(trade_position_at(w->trade, 1));
    pass(w, HOURS(100));
    assert_int_equal(w->sent_count, 6);
    assert_string_equal(w->decisions[5].key, "portfolio_rebalance/BTC/USDT/2022-01-10T00:00:00Z/6");
    world_close(w);
}

static void test_small_trades_of_a_large_sum_have_fewer_parts(void **state)
{
    (void)state;
    struct world *w = open_world();
    (void)rebalance(w, "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"570\"},"
                       "{\"symbol\":\"XRP/USDT\",\"side\":\"buy\",\"size_usd\":\"25\"}]");
    uint32_t xrp = 0;
    for (size_t i = 0; i < kept.count; i++)
        if (strcmp(kept.trades[i].symbol, "XRP/USDT") == 0) {
            xrp++;
            assert_int_equal(kept.trades[i].size_usd.units, dec("12.5").units);
            assert_true(kept.trades[i].batch <= 2);
        }
    assert_int_equal(xrp, 2);
    assert_int_equal(kept.count, 8);
    world_close(w);
}

static void test_a_run_rebalances_once(void **state)
{
    (void)state;
    struct world *w = open_world();
    struct coord_counters counters;
    const char *trades = "[{\"symbol\":\"XRP/USDT\",\"side\":\"buy\",\"size_usd\":\"100\"}]";
    (void)rebalance_at(w, trades, MONDAY);
    (void)rebalance_at(w, trades, MONDAY);
    coord_get_counters(w->coord, &counters);
    assert_int_equal(counters.rebalances, 1);
    assert_int_equal(counters.rebalances_duplicate, 1);
    assert_int_equal(w->sent_count, 1);
    world_close(w);
}

/* The buy waits until the sell has filled, and is judged with what the sell made free. */
static void test_sells_come_before_buys(void **state)
{
    (void)state;
    struct world *w = open_world();
    (void)rebalance(w, "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"400\"}]");
    fill(w, 0);
    pass(w, HOURS(1));
    (void)rebalance(w, "[{\"symbol\":\"XRP/USDT\",\"side\":\"buy\",\"size_usd\":\"100\"},"
                       "{\"symbol\":\"BTC/USDT\",\"side\":\"sell\",\"size_usd\":\"100\"}]");
    assert_int_equal(w->sent_count, 2);
    assert_string_equal(w->sent[1].symbol, "BTC/USDT");
    assert_int_equal(w->sent[1].reduce_only, 1);
    assert_int_equal(w->sent[1].side, TG_SIDE_SELL);
    assert_int_equal(w->sent[1].size.units, dec("0.0025").units);
    assert_true(w->risk_asked.reduces);
    answer(w, 1, TG_EXECUTION_ACCEPTED, "1");
    pass(w, TG_NS_PER_MIN);
    assert_int_equal(w->sent_count, 2);
    answer(w, 1, TG_EXECUTION_FILL, "40000");
    run_due(w);
    assert_int_equal(w->sent_count, 3);
    assert_string_equal(w->sent[2].symbol, "XRP/USDT");
    fill(w, 2);
    assert_int_equal(kept.count, 0);
    world_close(w);
}

/* Sells alone begin the cool-down too, once the last one has filled. */
static void test_sells_alone_begin_the_cooldown(void **state)
{
    (void)state;
    struct world *w = open_world();
    (void)rebalance(w, "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"400\"}]");
    fill(w, 0);
    pass(w, HOURS(1));
    (void)rebalance(w, "[{\"symbol\":\"BTC/USDT\",\"side\":\"sell\",\"size_usd\":\"100\"}]");
    assert_int_equal(trade_cooldown_until(w->trade, w->btc, w->time.now_ns, NULL), 0);
    fill(w, 1);
    run_due(w);
    enum trade_cooldown which = TRADE_COOLDOWN_COUNT;
    assert_int_equal(trade_cooldown_until(w->trade, w->xrp, w->time.now_ns, &which),
                     MONDAY + HOURS(1) + 30 * TG_NS_PER_MIN);
    assert_int_equal(which, TRADE_COOLDOWN_POST_REBALANCE);
    world_close(w);
}

static void test_buys_do_not_wait_for_ever(void **state)
{
    (void)state;
    struct world *w = open_world();
    (void)rebalance(w, "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"400\"}]");
    fill(w, 0);
    (void)rebalance_at(w,
                       "[{\"symbol\":\"XRP/USDT\",\"side\":\"buy\",\"size_usd\":\"100\"},"
                       "{\"symbol\":\"BTC/USDT\",\"side\":\"sell\",\"size_usd\":\"100\"}]",
                       MONDAY + 1);
    answer(w, 1, TG_EXECUTION_ACCEPTED, "1");
    assert_int_equal(coord_next_time(w->coord), MONDAY + 30 * TG_NS_PER_MIN);
    pass(w, 30 * TG_NS_PER_MIN);
    assert_int_equal(w->sent_count, 3);
    world_close(w);
}

/* Refused sells hold nothing up; only what is held can be sold, and nothing goes short. */
static void test_a_sell_without_position_is_refused(void **state)
{
    (void)state;
    struct world *w = open_world();
    (void)rebalance(w, "[{\"symbol\":\"BTC/USDT\",\"side\":\"sell\",\"size_usd\":\"100\"},"
                       "{\"symbol\":\"XRP/USDT\",\"side\":\"buy\",\"size_usd\":\"100\"}]");
    assert_int_equal(w->decision_count, 1);
    assert_string_equal(w->decisions[0].code, "NO_POSITION");
    assert_int_equal(w->sent_count, 1);
    assert_string_equal(w->sent[0].symbol, "XRP/USDT");
    world_close(w);
}

/* What signals opened is theirs: neither a sell nor a buy of rebalancing touches it. */
static void test_what_signals_opened_is_left_alone(void **state)
{
    (void)state;
    struct world *w = open_world();
    world_open_position(w, "BTC/USDT", TG_ACTION_SELL); /* 1000 USD */
    world_open_position(w, "XRP/USDT", TG_ACTION_BUY);
    uint32_t sent = w->sent_count;
    (void)rebalance(w, "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"400\"},"
                       "{\"symbol\":\"XRP/USDT\",\"side\":\"sell\",\"size_usd\":\"100\"}]");
    assert_string_equal(w->decisions[2].code, "NO_POSITION");
    assert_int_equal(w->sent_count, sent + 1);
    assert_int_equal(w->sent[sent].apart, 1);
    assert_int_equal(w->sent[sent].reduce_only, 0);
    fill(w, sent);
    assert_non_null(trade_allocation_position(w->trade, w->btc, TG_SIDE_BUY, false));
    assert_non_null(trade_position_at(w->trade, 2));
    world_close(w);
}

/* The batch that comes due while trading is paused is over; the next one is judged anew. */
static void test_a_pause_ends_the_batch_that_is_due(void **state)
{
    (void)state;
    struct world *w = open_world();
    (void)rebalance(w, "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"600\"}]");
    fill(w, 0);
    assert_int_equal(coord_pause(w->coord, "operator", "lunch", &w->error), 0);
    pass(w, HOURS(4));
    (void)expect_outcome(w, 2, COORD_OUTCOME_IGNORED_STATE, "PAUSED");
    assert_int_equal(w->sent_count, 1);
    assert_int_equal(coord_resume(w->coord, "operator", "back", &w->error), 0);
    pass(w, HOURS(2));
    assert_int_equal(w->sent_count, 1);
    pass(w, HOURS(2));
    assert_int_equal(w->sent_count, 2);
    assert_int_equal(kept.count, 4);
    world_close(w);
}

static void test_risk_judges_each_batch(void **state)
{
    (void)state;
    struct world *w = open_world();
    (void)rebalance(w, "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"600\"}]");
    fill(w, 0);
    w->risk_set = true;
    w->risk = (struct coord_risk_verdict){.status = COORD_RISK_REJECTED, .code = "EXPOSURE_LIMIT"};
    pass(w, HOURS(4));
    (void)expect_outcome(w, 2, COORD_OUTCOME_REJECTED, "EXPOSURE_LIMIT");
    /* it adds to a position: that one does not count against the limits of positions */
    assert_int_equal(w->risk_asked.positions_open, 0);
    assert_int_equal(w->risk_asked.positions_of_symbol, 0);
    assert_int_equal(w->risk_asked.position_count, 1);
    w->risk =
        (struct coord_risk_verdict){.status = COORD_RISK_MODIFIED, .size_usd = 40.0, .leverage = 1};
    pass(w, HOURS(4));
    assert_int_equal(w->sent_count, 2);
    assert_int_equal(w->sent[1].size.units, dec("0.001").units);
    world_close(w);
}

static void test_a_late_batch_is_not_made_up_for(void **state)
{
    (void)state;
    struct world *w = open_world();
    (void)rebalance(w, "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"600\"}]");
    fill(w, 0);
    pass(w, HOURS(9)); /* slept over the second and an hour past the third */
    assert_int_equal(w->sent_count, 2);
    assert_int_equal(w->decisions[1].outcome, COORD_OUTCOME_TIMEOUT);
    assert_string_equal(w->decisions[1].code, "late");
    assert_int_equal(w->decisions[1].batch, 2);
    fill(w, 1);
    assert_int_equal(w->decisions[2].batch, 3);
    world_close(w);
}

static void test_deferred_trades_are_stored_and_survive_a_restart(void **state)
{
    (void)state;
    struct world *w = open_world();
    (void)rebalance(w, "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"600\"}]");
    fill(w, 0);
    pass(w, HOURS(4)); /* the second is sent, and no answer has come when the host stops */
    assert_int_equal(w->sent_count, 2);
    assert_int_equal(kept.count, 5);
    coord_destroy(w->coord);
    w->coord = NULL;
    assert_int_equal(coord_create(&w->options, &w->coord, &w->error), 0);
    assert_int_equal(coord_scheduled_count(w->coord), 5);
    run_due(w);
    /* the same key, the same order id: it is not sent twice */
    assert_int_equal(w->sent_count, 2);
    (void)expect_outcome(w, 2, COORD_OUTCOME_EXECUTION_FAILED, "");
    fill(w, 1);
    for (uint32_t batch = 3; batch <= 6; batch++) {
        pass(w, HOURS(4));
        assert_int_equal(w->sent_count, batch);
        fill(w, batch - 1);
    }
    assert_int_equal(kept.count, 0);
    world_close(w);
}

static void test_a_new_rebalance_replaces_what_waits(void **state)
{
    (void)state;
    struct world *w = open_world();
    (void)rebalance(w, "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"600\"}]");
    fill(w, 0);
    (void)rebalance_at(w, "[{\"symbol\":\"XRP/USDT\",\"side\":\"buy\",\"size_usd\":\"100\"}]",
                       MONDAY + HOURS(1));
    assert_int_equal(events_of(w, "rebalance_replaced"), 1);
    assert_int_equal(kept.count, 1);
    fill(w, 1);
    pass(w, HOURS(48));
    assert_int_equal(w->sent_count, 2);
    world_close(w);
}

static void test_what_cannot_be_read_is_refused_whole(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "[]",
        "[1]",
        "[{\"symbol\":\"DOGE/USDT\",\"side\":\"buy\",\"size_usd\":\"100\"}]",
        "[{\"symbol\":\"BTC/USDT\",\"side\":\"long\",\"size_usd\":\"100\"}]",
        "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"0\"}]",
        "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"-5\"}]",
        "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"much\"}]",
        "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":true}]",
        "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\"}]",
        "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"90000000000\"},"
        "{\"symbol\":\"XRP/USDT\",\"side\":\"buy\",\"size_usd\":\"90000000000\"}]",
        "[{\"symbol\":\"XRP/USDT\",\"side\":\"buy\",\"size_usd\":\"100\"},"
        "{\"symbol\":\"XRP/USDT\",\"side\":\"sell\",\"size_usd\":\"100\"}]",
    };
    struct world *w = open_world();
    struct coord_counters counters;
    for (size_t i = 0; i < TG_ARRAY_LENGTH(bad); i++) {
        (void)rebalance_at(w, bad[i], MONDAY + (int64_t)i);
        assert_int_equal(alerts_of(w, "rebalance_refused"), i + 1);
    }
    coord_get_counters(w->coord, &counters);
    assert_int_equal(counters.rebalances_refused, TG_ARRAY_LENGTH(bad));
    assert_int_equal(w->sent_count + w->decision_count + kept.count, 0);
    /* nor is what cannot be stored counted on */
    kept.code = TG_E_IO;
    (void)rebalance_at(w, "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"100\"}]",
                       MONDAY + 100);
    assert_int_equal(alerts_of(w, "store_failed"), 1);
    assert_int_equal(w->sent_count, 0);
    assert_int_equal(coord_scheduled_count(w->coord), 0);
    world_close(w);
}

/* ---- hodl bags ---- */

static struct world *open_with_bags(void)
{
    struct world *w = open_world();
    coord_destroy(w->coord);
    w->coord = NULL;
    w->options.portfolio.hodl_bags = true;
    assert_int_equal(coord_create(&w->options, &w->coord, &w->error), 0);
    return w;
}

/* Buys 1000 USD of BTC at 40000 and closes it at `price`. */
static void trade_at(struct world *w, const char *price)
{
    world_open_position(w, "BTC/USDT", TG_ACTION_BUY);
    uint32_t sent = w->sent_count;
    (void)world_signal(w, "BTC/USDT", TG_ACTION_CLOSE_LONG);
    world_settle(w);
    while (w->sent[sent].type != TG_ORDER_TYPE_MARKET)
        sent++;
    answer(w, sent, TG_EXECUTION_ACCEPTED, "1");
    answer(w, sent, TG_EXECUTION_FILL, price);
    run_due(w);
}

static struct trade_portfolio portfolio_of(struct world *w)
{
    struct trade_portfolio portfolio;
    assert_int_equal(trade_portfolio(w->trade, w->time.now_ns, &portfolio, &w->error), 0);
    assert_int_equal(portfolio.start_equity.units + portfolio.realised_pnl.units +
                         portfolio.unrealised_pnl.units - portfolio.fees.units,
                     portfolio.equity.units);
    return portfolio;
}

static void test_a_share_of_a_profit_goes_to_bags(void **state)
{
    (void)state;
    struct world *w = open_with_bags();
    trade_at(w, "56000"); /* 400 USD of profit: 40 for bags */
    assert_int_equal(portfolio_of(w).hodl_cash.units, dec("13.336").units);
    assert_int_equal(kept.count, 2);
    assert_int_equal(kept.trades[0].size_usd.units, dec("13.332").units);
    assert_string_equal(kept.trades[1].symbol, "XRP/USDT");
    assert_int_equal(coord_next_time(w->coord), MONDAY + HOURS(1));
    uint32_t sent = w->sent_count;
    uint32_t decisions = w->decision_count;
    pass(w, HOURS(1));
    assert_int_equal(w->sent_count, sent + 2);
    assert_string_equal(w->risk_asked.profile, "rebalance");
    fill(w, sent);
    fill(w, sent + 1);
    assert_int_equal(w->decision_count, decisions + 2);
    assert_int_equal(last_decision(w)->kind, COORD_KIND_HODL);
    assert_string_equal(last_decision(w)->agent, "coordinator");
    const struct trade_position *bag =
        trade_allocation_position(w->trade, w->btc, TG_SIDE_BUY, true);
    assert_non_null(bag);
    assert_int_equal(bag->size.units, dec("0.0003333").units);
    assert_int_equal(portfolio_of(w).hodl_value.units, dec("26.132").units);
    assert_int_equal(kept.count, 0);
    /* risk sees it, conflicts do not; a signal finds nothing to close */
    (void)world_signal(w, "BTC/USDT", TG_ACTION_BUY);
    world_settle(w);
    assert_int_equal(w->risk_asked.position_count, 2);
    assert_int_equal(w->risk_asked.positions_open, 0);
    assert_int_equal(w->conflicts_asked.position_count, 0);
    answer(w, w->sent_count - 1, TG_EXECUTION_REJECTED, "1");
    (void)world_signal(w, "BTC/USDT", TG_ACTION_CLOSE_LONG);
    world_settle(w);
    assert_string_equal(last_decision(w)->code, "NO_POSITION");
    /* a bag that an operator sells with a profit gives nothing to bags */
    struct tg_uuid id = bag->id;
    sent = w->sent_count;
    assert_int_equal(
        trade_close_position(w->trade, &id, dec("1"), "operator", w->time.now_ns, NULL, &w->error),
        0);
    world_settle(w);
    answer(w, sent, TG_EXECUTION_ACCEPTED, "1");
    answer(w, sent, TG_EXECUTION_FILL, "400000");
    run_due(w);
    assert_int_equal(kept.count, 0);
    assert_int_equal(portfolio_of(w).hodl_cash.units, dec("13.336").units);
    world_close(w);
}

/* Shares that are too small to buy with wait for further ones; losses give nothing. */
static void test_small_shares_add_up(void **state)
{
    (void)state;
    struct world *w = open_with_bags();
    trade_at(w, "48000"); /* 200 USD: 20 for bags, 6.666 for BTC */
    assert_int_equal(kept.count, 2);
    assert_int_equal(coord_next_time(w->coord), INT64_MAX);
    trade_at(w, "39000");
    assert_int_equal(kept.trades[0].size_usd.units, dec("6.666").units);
    pass(w, HOURS(3));
    uint32_t sent = w->sent_count;
    trade_at(w, "48000");
    assert_int_equal(kept.trades[0].size_usd.units, dec("13.332").units);
    sent = w->sent_count;
    pass(w, HOURS(1));
    assert_int_equal(w->sent_count, sent + 2);
    world_close(w);
}

static void test_what_risk_refuses_waits_on(void **state)
{
    (void)state;
    struct world *w = open_with_bags();
    trade_at(w, "56000");
    w->risk_set = true;
    w->risk = (struct coord_risk_verdict){.status = COORD_RISK_REJECTED, .code = "IN_COOLDOWN"};
    uint32_t sent = w->sent_count;
    pass(w, HOURS(1));
    assert_int_equal(w->sent_count, sent);
    assert_int_equal(kept.count, 2);
    assert_int_equal(coord_next_time(w->coord), INT64_MAX);
    w->risk_set = false;
    trade_at(w, "44000"); /* 100 USD: 3.333 more */
    assert_int_equal(kept.count, 2);
    sent = w->sent_count;
    /* risk takes some of it: the rest waits */
    w->risk_set = true;
    w->risk =
        (struct coord_risk_verdict){.status = COORD_RISK_MODIFIED, .size_usd = 12.0, .leverage = 1};
    pass(w, HOURS(1));
    assert_int_equal(w->sent_count, sent + 2);
    fill(w, sent);
    fill(w, sent + 1);
    assert_int_equal(kept.count, 2);
    assert_int_equal(kept.trades[0].size_usd.units, dec("4.665").units);
    world_close(w);
}

static void test_without_bags_profits_stay(void **state)
{
    (void)state;
    struct world *w = open_world();
    trade_at(w, "56000");
    assert_int_equal(kept.count, 0);
    assert_int_equal(portfolio_of(w).hodl_cash.units, 0);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rebalancing_has_a_price_and_a_profile_of_its_own),
        cmocka_unit_test(test_batches_come_at_their_times),
        cmocka_unit_test(test_small_trades_of_a_large_sum_have_fewer_parts),
        cmocka_unit_test(test_a_run_rebalances_once),
        cmocka_unit_test(test_sells_come_before_buys),
        cmocka_unit_test(test_sells_alone_begin_the_cooldown),
        cmocka_unit_test(test_buys_do_not_wait_for_ever),
        cmocka_unit_test(test_a_sell_without_position_is_refused),
        cmocka_unit_test(test_what_signals_opened_is_left_alone),
        cmocka_unit_test(test_a_pause_ends_the_batch_that_is_due),
        cmocka_unit_test(test_risk_judges_each_batch),
        cmocka_unit_test(test_a_late_batch_is_not_made_up_for),
        cmocka_unit_test(test_deferred_trades_are_stored_and_survive_a_restart),
        cmocka_unit_test(test_a_new_rebalance_replaces_what_waits),
        cmocka_unit_test(test_what_cannot_be_read_is_refused_whole),
        cmocka_unit_test(test_a_share_of_a_profit_goes_to_bags),
        cmocka_unit_test(test_small_shares_add_up),
        cmocka_unit_test(test_what_risk_refuses_waits_on),
        cmocka_unit_test(test_without_bags_profits_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
