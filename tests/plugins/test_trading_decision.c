/* trading_decision: from snapshot, inputs and positions to exactly one signal per run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "fake_market.h"

#define SECOND_NS INT64_C(1000000000)

struct bench {
    const struct tg_plugin *plugin;
    struct fake_host host;
    struct fake_market market;
    void *instance;
    struct tg_run run;
    struct tg_ta_signals ta;
    struct tg_regime_updates regime;
    struct tg_sentiment_updates sentiment;
    struct tg_input inputs[3];
    struct tg_position position;
};

static void set_up_with(struct bench *bench, const char *const *words)
{
    bench->plugin = fake_plugin_load("trading_decision");
    fake_host_init(&bench->host, "trading_decision", "");
    bench->instance = fake_instance_create(bench->plugin, &bench->host, ".", words);
    fake_market_init(&bench->market, TG_TIMEFRAME_1M, 100);
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_UP);
    bench->run = fake_run("XRP/USDT", &bench->market);
    bench->run.inputs = bench->inputs;
    bench->run.positions = &bench->position;
}

static void tear_down_with(struct bench *bench)
{
    bench->plugin->destroy(bench->instance);
    fake_host_fini(&bench->host);
}

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct bench));
    assert_non_null(*state);
    set_up_with(*state, NULL);
    return 0;
}

static int tear_down(void **state)
{
    tear_down_with(*state);
    free(*state);
    return 0;
}

static struct tg_indicators *hourly(struct bench *bench)
{
    return &bench->market.indicators[TG_TIMEFRAME_1H];
}

static void forget(struct bench *bench, int indicator)
{
    hourly(bench)->ready &= ~(UINT64_C(1) << indicator);
}

/* Every field within the bounds of its topic, and the prices that the action needs. */
static void check_signal(const struct tg_trading_signals *r)
{
#define CHECK(kind, name, argument, presence, minimum, maximum, meaning)                           \
    if (FAKE_##presence || TG_HAS(r, TRADING_SIGNALS, name)) {                                     \
        FAKE_BOUND_##kind(r->name, minimum, maximum);                                              \
    }
    TG_RECORD_TRADING_SIGNALS(CHECK)
#undef CHECK
    const int opens = r->action == TG_ACTION_BUY || r->action == TG_ACTION_SELL;
    assert_int_equal(TG_HAS(r, TRADING_SIGNALS, entry_price), opens);
    assert_int_equal(TG_HAS(r, TRADING_SIGNALS, stop_loss), opens);
    assert_int_equal(TG_HAS(r, TRADING_SIGNALS, take_profit), opens);
    assert_int_equal(TG_HAS(r, TRADING_SIGNALS, leverage), opens);
    assert_false(TG_HAS(r, TRADING_SIGNALS, size_usd));
    assert_false(TG_HAS(r, TRADING_SIGNALS, position_size_pct));
    assert_int_equal(r->voters, TG_VOTERS_RULES);
    assert_in_range(strlen(r->reasoning), 10, sizeof r->reasoning - 1);
    if (opens) {
        const double side = r->action == TG_ACTION_BUY ? 1 : -1;
        const double stop = side * (double)(r->entry_price.units - r->stop_loss.units);
        const double target = side * (double)(r->take_profit.units - r->entry_price.units);
        const double entry = (double)r->entry_price.units;
        assert_true(stop / entry >= 0.005 && stop / entry <= 0.05);
        assert_true(target / stop >= 1.5);
    }
}

static struct tg_trading_signals decide(struct bench *bench)
{
    struct tg_trading_signals signal;
    memcpy(&signal,
           fake_run_publishes(bench->plugin, bench->instance, &bench->host, &bench->run,
                              TG_TOPIC_TRADING_SIGNALS),
           sizeof signal);
    check_signal(&signal);
    assert_string_equal(signal.symbol, bench->run.symbol);
    return signal;
}

/* What one voter said, as the JSON has it; "" where it abstained. */
static void vote_of(const struct tg_trading_signals *signal, const char *voter, char action[16],
                    double *confidence)
{
    char start[64];
    snprintf(start, sizeof start, "{\"voter\":\"%s\",\"action\":\"", voter);
    const char *at = strstr(signal->votes, start);
    action[0] = '\0';
    *confidence = 0;
    if (at != NULL) {
        at += strlen(start);
        const size_t length = strcspn(at, "\"");
        assert_in_range(length, 3, 15);
        memcpy(action, at, length);
        action[length] = '\0';
        at = strstr(at, "\"confidence\":");
        assert_non_null(at);
        *confidence = strtod(at + strlen("\"confidence\":"), NULL);
    }
}

static void assert_vote(const struct tg_trading_signals *signal, const char *voter,
                        const char *expected)
{
    char action[16];
    double confidence;
    vote_of(signal, voter, action, &confidence);
    assert_string_equal(action, expected);
}

static double confidence_of(const struct tg_trading_signals *signal, const char *voter)
{
    char action[16];
    double confidence;
    vote_of(signal, voter, action, &confidence);
    assert_string_not_equal(action, "");
    return confidence;
}

static void add_input(struct bench *bench, uint16_t topic, const void *payload, uint32_t size,
                      int64_t age_seconds)
{
    bench->inputs[bench->run.input_count++] = (struct tg_input){.topic = topic,
                                                                .payload_size = size,
                                                                .age = age_seconds * SECOND_NS,
                                                                .payload = payload,
                                                                .source = "somebody"};
}

static void add_regime(struct bench *bench, double stop, double target, int64_t leverage,
                       int64_t age_seconds)
{
    bench->regime = (struct tg_regime_updates){.symbol = "XRP/USDT",
                                               .regime = TG_REGIME_TRENDING_BULL,
                                               .stop_multiplier = stop,
                                               .target_multiplier = target,
                                               .leverage_max = leverage,
                                               .present = UINT64_MAX};
    add_input(bench, TG_TOPIC_REGIME_UPDATES, &bench->regime, sizeof bench->regime, age_seconds);
}

static void hold_position(struct bench *bench, uint8_t side)
{
    bench->position = (struct tg_position){.side = side, .size = {TG_DECIMAL_ONE}};
    bench->run.position_count = 1;
}

static void test_descriptor(void **state)
{
    const struct bench *bench = *state;
    fake_plugin_check(bench->plugin);
    assert_int_equal(bench->plugin->kind, TG_KIND_AGENT);
    assert_int_equal(bench->plugin->capabilities, TG_CAPABILITY_CORE_SAFE);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_int_equal(fake_plugin_exports("trading_decision"), 1);
#endif
}

static void test_up_is_a_buy(void **state)
{
    struct bench *bench = *state;
    const struct tg_trading_signals signal = decide(bench);
    assert_int_equal(signal.action, TG_ACTION_BUY);
    assert_int_equal(signal.votes_valid, 6);
    assert_int_equal(signal.votes_winner, 5);
    assert_int_equal(signal.entry_price.units, 100 * TG_DECIMAL_ONE);
    assert_int_equal(signal.leverage, 1);
    assert_vote(&signal, "trend", "BUY");
    assert_vote(&signal, "momentum", "BUY");
    assert_vote(&signal, "breakout", "BUY");
    assert_vote(&signal, "mean_reversion", "HOLD");
    assert_vote(&signal, "volatility", "BUY");
    assert_vote(&signal, "volume", "BUY");
    const double mean = (confidence_of(&signal, "trend") + confidence_of(&signal, "momentum") +
                         confidence_of(&signal, "breakout") + confidence_of(&signal, "volatility") +
                         confidence_of(&signal, "volume")) /
                        5;
    assert_true(fabs(signal.confidence - mean - 0.10) < 0.006);
    assert_non_null(strstr(signal.reasoning, "BUY by 5 of 6 votes: trend (ADX 32"));
    assert_non_null(strstr(signal.reasoning, "mean_reversion HOLD"));
}

static void test_down_is_a_sale_and_the_mirror(void **state)
{
    struct bench *bench = *state;
    const struct tg_trading_signals up = decide(bench);
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_DOWN);
    const struct tg_trading_signals down = decide(bench);
    assert_int_equal(down.action, TG_ACTION_SELL);
    assert_int_equal(down.votes_winner, 5);
    assert_true(fabs(up.confidence - down.confidence) < 1e-9);
    assert_int_equal(down.stop_loss.units + up.stop_loss.units, 200 * TG_DECIMAL_ONE);
    assert_int_equal(down.take_profit.units + up.take_profit.units, 200 * TG_DECIMAL_ONE);
}

static void test_all_six_agree(void **state)
{
    struct bench *bench = *state;
    hourly(bench)->rsi14 = 48; /* a pullback to the middle band of an uptrend */
    hourly(bench)->bollinger_middle = 100;
    hourly(bench)->bollinger_upper = 103;
    hourly(bench)->bollinger_lower = 97;
    const struct tg_trading_signals signal = decide(bench);
    assert_int_equal(signal.action, TG_ACTION_BUY);
    assert_int_equal(signal.votes_winner, 6);
    assert_vote(&signal, "mean_reversion", "BUY");
}

/* ---- one rule at a time ------------------------------------------------------------------- */

static void assert_voter(struct bench *bench, const char *voter, const char *expected)
{
    const struct tg_trading_signals signal = decide(bench);
    assert_vote(&signal, voter, expected);
}

static void test_trend_needs_adx_and_three_of_four_lines(void **state)
{
    struct bench *bench = *state;
    hourly(bench)->adx14 = 19.9;
    assert_voter(bench, "trend", "HOLD");
    hourly(bench)->adx14 = 20;
    assert_voter(bench, "trend", "BUY");
    hourly(bench)->ema9 = hourly(bench)->ema21 - 1;
    assert_voter(bench, "trend", "BUY");
    hourly(bench)->supertrend_direction = -1;
    assert_voter(bench, "trend", "HOLD");
    /* Without the slowest line all three must agree. */
    hourly(bench)->supertrend_direction = 1;
    forget(bench, TG_INDICATOR_ema50);
    assert_voter(bench, "trend", "HOLD");
    hourly(bench)->ema9 = hourly(bench)->ema21 + 1;
    assert_voter(bench, "trend", "BUY");
}

static void test_momentum_needs_two_of_three_and_none_against(void **state)
{
    struct bench *bench = *state;
    hourly(bench)->roc10 = 0;
    assert_voter(bench, "momentum", "BUY");
    hourly(bench)->roc10 = -3;
    assert_voter(bench, "momentum", "HOLD");
    hourly(bench)->roc10 = 0;
    hourly(bench)->rsi14 = 54;
    assert_voter(bench, "momentum", "HOLD");
    hourly(bench)->rsi14 = 40;
    hourly(bench)->macd_histogram = -1;
    assert_voter(bench, "momentum", "SELL");
}

static void set_bars(struct bench *bench, int from, int to, double high, double low, double close)
{
    for (int n = from; n <= to; n++) {
        bench->market.bars[TG_TIMEFRAME_1H][n].high = fake_decimal(high);
        bench->market.bars[TG_TIMEFRAME_1H][n].low = fake_decimal(low);
        bench->market.bars[TG_TIMEFRAME_1H][n].close = fake_decimal(close);
    }
}

static void test_a_breakout_lasts_until_its_exit(void **state)
{
    struct bench *bench = *state;
    set_bars(bench, 0, 36, 101, 98, 100);
    set_bars(bench, 37, 46, 101, 100, 100.5);
    set_bars(bench, 47, 47, 101, 100, 101); /* at the channel, not beyond it */
    assert_voter(bench, "breakout", "HOLD");
    set_bars(bench, 47, 47, 102, 100, 101.01);
    assert_voter(bench, "breakout", "BUY");
    const struct tg_trading_signals fresh = decide(bench);
    set_bars(bench, 47, 47, 101, 100, 100.5);
    set_bars(bench, 38, 38, 103, 100, 102); /* nine bars ago */
    assert_voter(bench, "breakout", "BUY");
    const struct tg_trading_signals old = decide(bench);
    assert_true(confidence_of(&old, "breakout") < confidence_of(&fresh, "breakout"));
    set_bars(bench, 47, 47, 101, 99, 99.5); /* below the ten-bar low, above the twenty-bar one */
    assert_voter(bench, "breakout", "HOLD");
    set_bars(bench, 47, 47, 101, 97, 97.5);
    assert_voter(bench, "breakout", "SELL");
    set_bars(bench, 38, 38, 101, 100, 100.5);
    set_bars(bench, 37, 37, 103, 100, 102); /* ten bars ago is too long */
    set_bars(bench, 47, 47, 101, 100, 100.5);
    assert_voter(bench, "breakout", "HOLD");
}

static void set_bands(struct bench *bench, double lower, double upper)
{
    hourly(bench)->bollinger_lower = lower;
    hourly(bench)->bollinger_upper = upper;
    hourly(bench)->bollinger_middle = (lower + upper) / 2;
}

static void test_mean_reversion_fades_ranges_and_follows_pullbacks(void **state)
{
    struct bench *bench = *state;
    /* No trend: against the band that the price is at, if RSI says so too. */
    hourly(bench)->adx14 = 15;
    set_bands(bench, 94, 100);
    assert_voter(bench, "mean_reversion", "SELL");
    hourly(bench)->rsi14 = 59;
    assert_voter(bench, "mean_reversion", "HOLD");
    set_bands(bench, 100, 106);
    hourly(bench)->rsi14 = 40;
    assert_voter(bench, "mean_reversion", "BUY");
    hourly(bench)->rsi14 = 41;
    assert_voter(bench, "mean_reversion", "HOLD");
    /* A trend is not faded. */
    hourly(bench)->adx14 = 25;
    hourly(bench)->rsi14 = 39;
    assert_voter(bench, "mean_reversion", "HOLD");
    hourly(bench)->rsi14 = 45;
    assert_voter(bench, "mean_reversion", "BUY");
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_DOWN);
    hourly(bench)->rsi14 = 55;
    set_bands(bench, 94, 100.5);
    assert_voter(bench, "mean_reversion", "SELL");
    set_bands(bench, 99.5, 106);
    assert_voter(bench, "mean_reversion", "HOLD");
}

static void test_volatility_wants_expansion_and_no_spike(void **state)
{
    struct bench *bench = *state;
    hourly(bench)->atr14_mean20 = 1 / 0.89;
    assert_voter(bench, "volatility", "HOLD");
    hourly(bench)->atr14_mean20 = 1 / 2.9;
    assert_voter(bench, "volatility", "BUY");
    hourly(bench)->atr14_mean20 = 1 / 3.01;
    assert_voter(bench, "volatility", "HOLD");
    hourly(bench)->atr14_mean20 = 1;
    hourly(bench)->keltner_middle = 99.5;
    hourly(bench)->keltner_upper = 101.5;
    assert_voter(bench, "volatility", "HOLD");
}

static void test_volume_and_vwap_must_not_disagree(void **state)
{
    struct bench *bench = *state;
    hourly(bench)->vwap = 100.5;
    assert_voter(bench, "volume", "HOLD");
    forget(bench, TG_INDICATOR_vwap);
    assert_voter(bench, "volume", "BUY");
    for (int n = 0; n < FAKE_BARS_MAX; n += 3) {
        bench->market.bars[TG_TIMEFRAME_1H][n + 2].volume = fake_decimal(240);
    }
    assert_voter(bench, "volume", "HOLD");
}

/* ---- the answer --------------------------------------------------------------------------- */

static void test_flat_is_held(void **state)
{
    struct bench *bench = *state;
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_FLAT);
    const struct tg_trading_signals signal = decide(bench);
    assert_int_equal(signal.action, TG_ACTION_HOLD);
    assert_int_equal(signal.votes_valid, 6);
    assert_true(signal.votes_winner > 3);
    assert_non_null(strstr(signal.reasoning, "HOLD by "));
}

static void test_no_majority_is_held_with_confidence_0(void **state)
{
    struct bench *bench = *state;
    /* Trend and breakout and volume up; the other three see nothing. */
    hourly(bench)->rsi14 = 50;
    hourly(bench)->macd_histogram = 0;
    hourly(bench)->atr14_mean20 = 2;
    const struct tg_trading_signals signal = decide(bench);
    assert_int_equal(signal.action, TG_ACTION_HOLD);
    assert_int_equal(signal.votes_winner, 3);
    assert_true(signal.confidence == 0);
    assert_non_null(strstr(signal.reasoning, "HOLD: no majority among 6 votes: trend BUY"));
}

/* Each voter abstains where one of its indicators is not ready, and is not counted as HOLD. */
static void test_abstentions_are_left_out_and_counted(void **state)
{
    static const struct {
        int indicator;
        const char *voter;
    } table[] = {{TG_INDICATOR_supertrend, "trend"},
                 {TG_INDICATOR_roc10, "momentum"},
                 {TG_INDICATOR_bollinger_upper, "mean_reversion"},
                 {TG_INDICATOR_keltner_upper, "volatility"}};
    struct bench *bench = *state;
    for (size_t n = 0; n < sizeof table / sizeof table[0]; n++) {
        char expected[40];
        fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_UP);
        forget(bench, table[n].indicator);
        const struct tg_trading_signals signal = decide(bench);
        assert_vote(&signal, table[n].voter, "");
        assert_int_equal(signal.votes_valid, 5);
        assert_int_equal(signal.action, TG_ACTION_BUY);
        snprintf(expected, sizeof expected, "%s without data", table[n].voter);
        assert_non_null(strstr(signal.reasoning, expected));
    }
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_UP);
    bench->market.snapshot.series[TG_TIMEFRAME_1H].count = 20;
    const struct tg_trading_signals few_bars = decide(bench);
    assert_vote(&few_bars, "breakout", "");
    assert_vote(&few_bars, "volume", "");
    assert_int_equal(few_bars.votes_valid, 4);
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_UP);
    for (int n = 0; n < FAKE_BARS_MAX; n++) {
        bench->market.bars[TG_TIMEFRAME_1H][n].volume.units = 0;
    }
    const struct tg_trading_signals silent = decide(bench);
    assert_vote(&silent, "volume", "");
    assert_int_equal(silent.votes_valid, 5);
}

static void test_quorum_is_four_of_six(void **state)
{
    struct bench *bench = *state;
    forget(bench, TG_INDICATOR_keltner_upper);
    forget(bench, TG_INDICATOR_bollinger_upper);
    struct tg_trading_signals signal = decide(bench);
    assert_int_equal(signal.votes_valid, 4);
    assert_int_equal(signal.votes_winner, 4);
    assert_int_equal(signal.action, TG_ACTION_BUY);
    forget(bench, TG_INDICATOR_roc10);
    signal = decide(bench);
    assert_int_equal(signal.votes_valid, 3);
    assert_int_equal(signal.votes_winner, 0);
    assert_int_equal(signal.action, TG_ACTION_HOLD);
    assert_true(signal.confidence == 0);
    assert_non_null(
        strstr(signal.reasoning, "HOLD: no quorum, 3 of 6 voters had their data, 4 must"));
}

static void test_nothing_warm_is_held(void **state)
{
    struct bench *bench = *state;
    fake_market_init(&bench->market, TG_TIMEFRAME_1M, 100);
    const struct tg_trading_signals signal = decide(bench);
    assert_int_equal(signal.action, TG_ACTION_HOLD);
    assert_int_equal(signal.votes_valid, 0);
    assert_string_equal(signal.votes, "[]");
}

static void test_closes_only_what_is_open(void **state)
{
    struct bench *bench = *state;
    /* With the trend: it may add. */
    hold_position(bench, TG_SIDE_BUY);
    assert_int_equal(decide(bench).action, TG_ACTION_BUY);
    hold_position(bench, TG_SIDE_SELL);
    struct tg_trading_signals signal = decide(bench);
    assert_int_equal(signal.action, TG_ACTION_CLOSE_SHORT);
    assert_vote(&signal, "trend", "CLOSE_SHORT");
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_DOWN);
    assert_int_equal(decide(bench).action, TG_ACTION_SELL);
    hold_position(bench, TG_SIDE_BUY);
    signal = decide(bench);
    assert_int_equal(signal.action, TG_ACTION_CLOSE_LONG);
    assert_int_equal(signal.votes_winner, 5);
    assert_null(strstr(signal.votes, "CLOSE_SHORT"));
    bench->position.size.units = 0; /* nothing of it is left */
    assert_int_equal(decide(bench).action, TG_ACTION_SELL);
    bench->run.position_count = 0;
    assert_int_equal(decide(bench).action, TG_ACTION_SELL);
}

static void test_the_regime_moves_stop_target_and_leverage(void **state)
{
    static const char *const words[] = {"leverage=4", NULL};
    struct bench *bench = *state;
    struct bench own = {0};
    const struct tg_trading_signals plain = decide(bench);
    add_regime(bench, 2, 3, 5, 600);
    const struct tg_trading_signals wide = decide(bench);
    assert_true(wide.stop_loss.units < plain.stop_loss.units);
    assert_true(wide.take_profit.units > plain.take_profit.units);
    assert_int_equal(wide.leverage, 1);

    set_up_with(&own, words);
    assert_int_equal(decide(&own).leverage, 1); /* no regime: no leverage */
    add_regime(&own, 1, 1, 3, 600);
    assert_int_equal(decide(&own).leverage, 3);
    own.regime.leverage_max = 20;
    assert_int_equal(decide(&own).leverage, 4);
    own.inputs[0].age = 601 * SECOND_NS;
    assert_int_equal(decide(&own).leverage, 1);
    own.inputs[0].age = 0;
    own.regime.symbol[0] = 'Y';
    assert_int_equal(decide(&own).leverage, 1); /* another symbol's regime */
    tear_down_with(&own);
}

static void test_stops_stay_within_what_risk_allows(void **state)
{
    struct bench *bench = *state;
    hourly(bench)->atr14 = hourly(bench)->atr14_mean20 = 6;
    assert_int_equal(decide(bench).stop_loss.units, fake_decimal(95.05).units);
    bench->run.symbol = "BTC/USDT";
    assert_int_equal(decide(bench).stop_loss.units, fake_decimal(97.05).units);
    hourly(bench)->atr14 = hourly(bench)->atr14_mean20 = 0.01;
    hourly(bench)->keltner_upper = hourly(bench)->keltner_middle + 0.02;
    hourly(bench)->supertrend = 99.99;
    assert_int_equal(decide(bench).stop_loss.units, fake_decimal(99.45).units);
}

static void test_other_agents_shift_a_confidence(void **state)
{
    struct bench *bench = *state;
    const struct tg_trading_signals alone = decide(bench);
    bench->ta = (struct tg_ta_signals){.symbol = "XRP/USDT", .bias = TG_BIAS_LONG, .confidence = 1};
    bench->sentiment = (struct tg_sentiment_updates){
        .symbol = "XRP/USDT", .bias = TG_SENTIMENT_VERY_BEARISH, .confidence = 1};
    add_input(bench, TG_TOPIC_TA_SIGNALS, &bench->ta, sizeof bench->ta, 120);
    add_input(bench, TG_TOPIC_SENTIMENT_UPDATES, &bench->sentiment, sizeof bench->sentiment, 3600);
    struct tg_trading_signals signal = decide(bench);
    assert_int_equal(signal.action, alone.action);
    assert_true(confidence_of(&signal, "trend") > confidence_of(&alone, "trend"));
    assert_true(confidence_of(&signal, "volume") < confidence_of(&alone, "volume"));
    bench->inputs[0].age++;
    bench->inputs[1].age++;
    signal = decide(bench); /* too old, both */
    assert_memory_equal(&signal, &alone, sizeof signal);
    bench->inputs[0].age = bench->inputs[1].age = 0;
    bench->inputs[0].payload_size--;
    bench->sentiment.symbol[0] = 'Y';
    signal = decide(bench); /* another record, another symbol */
    assert_memory_equal(&signal, &alone, sizeof signal);
}

static void test_falls_back_with_less_confidence(void **state)
{
    struct bench *bench = *state;
    const double before = decide(bench).confidence;
    fake_market_init(&bench->market, TG_TIMEFRAME_5M, 100);
    fake_market_warm(&bench->market, TG_TIMEFRAME_15M, FAKE_UP);
    const struct tg_trading_signals signal = decide(bench);
    assert_int_equal(signal.action, TG_ACTION_BUY);
    assert_true(signal.confidence < before);
    fake_market_init(&bench->market, TG_TIMEFRAME_4H, 100);
    fake_market_warm(&bench->market, TG_TIMEFRAME_4H, FAKE_DOWN);
    assert_int_equal(decide(bench).action, TG_ACTION_SELL);
}

static void test_runs_do_not_remember(void **state)
{
    struct bench *bench = *state;
    const struct tg_trading_signals first = decide(bench);
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_DOWN);
    bench->run.symbol = "BTC/USDT";
    decide(bench);
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_UP);
    bench->run.symbol = "XRP/USDT";
    const struct tg_trading_signals again = decide(bench);
    assert_memory_equal(&first, &again, sizeof first);
}

static void test_refuses_what_is_no_market(void **state)
{
    static const double wrong[] = {NAN, INFINITY, -INFINITY};
    struct bench *bench = *state;
    struct tg_indicators *i = hourly(bench);
    double *const values[] = {&i->ema9,           &i->rsi14, &i->atr14, &i->bollinger_lower,
                              &i->keltner_middle, &i->vwap,  &i->roc10, &i->supertrend};
    for (size_t n = 0; n < sizeof values / sizeof values[0]; n++) {
        for (size_t k = 0; k < 3; k++) {
            fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_UP);
            *values[n] = wrong[k];
            fake_run_refused(bench->plugin, bench->instance, &bench->host, &bench->run,
                             TG_E_INVALID);
        }
    }
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_UP);
    bench->market.snapshot.last_price.units = 3; /* no room for a stop */
    fake_run_refused(bench->plugin, bench->instance, &bench->host, &bench->run, TG_E_RANGE);
    bench->market.snapshot.last_price.units = 0;
    fake_run_refused(bench->plugin, bench->instance, &bench->host, &bench->run, TG_E_INVALID);
    bench->run.snapshot = NULL;
    fake_run_refused(bench->plugin, bench->instance, &bench->host, &bench->run, TG_E_STATE);
}

static void test_a_full_queue_is_told(void **state)
{
    struct bench *bench = *state;
    bench->host.publish_answer = TG_E_FULL;
    fake_run_refused(bench->plugin, bench->instance, &bench->host, &bench->run, TG_E_FULL);
}

static void test_any_indicators_make_a_valid_signal(void **state)
{
    struct bench *bench = *state;
    size_t actions[TG_ACTION_COUNT] = {0};
    for (int n = 0; n < 20000; n++) {
        fake_market_random(&bench->market, &bench->host);
        bench->host.published_count = 0;
        bench->run.position_count = n % 3 == 0;
        bench->position.side = n % 2 ? TG_SIDE_BUY : TG_SIDE_SELL;
        bench->position.size.units = 1;
        const struct tg_trading_signals signal = decide(bench);
        actions[signal.action]++;
        if (bench->run.position_count == 0) {
            assert_null(strstr(signal.votes, "CLOSE"));
        }
    }
    for (int n = 0; n < TG_ACTION_COUNT; n++) {
        assert_in_range(actions[n], 100, 20000);
    }
}

static void test_configuration_counts(void **state)
{
    static const char *const quorum[] = {"quorum=6", "boost_five_sixths=0", "stop_atr=3", NULL};
    static const char *const crossed[] = {"stop_pct_min=3", "stop_pct_max=2", NULL};
    static const char *const unread[] = {"stop_pct_max_by_symbol=BTC/USDT", NULL};
    struct bench *bench = *state;
    struct bench own = {0};
    char message[256];
    const struct tg_trading_signals before = decide(bench);
    set_up_with(&own, quorum);
    struct tg_trading_signals signal = decide(&own);
    assert_true(signal.confidence < before.confidence - 0.09);
    assert_true(signal.stop_loss.units < before.stop_loss.units);
    forget(&own, TG_INDICATOR_roc10);
    assert_non_null(strstr(decide(&own).reasoning, "no quorum"));
    tear_down_with(&own);
    assert_int_equal(
        fake_instance_refused(bench->plugin, &bench->host, ".", crossed, message, sizeof message),
        TG_E_INVALID);
    assert_non_null(strstr(message, "stop_pct_max (2) is below stop_pct_min (3)"));
    assert_int_equal(
        fake_instance_refused(bench->plugin, &bench->host, ".", unread, message, sizeof message),
        TG_E_INVALID);
    assert_non_null(strstr(message, "stop_pct_max_by_symbol: \"BTC/USDT\" is not a list"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_descriptor),
        TEST(test_up_is_a_buy),
        TEST(test_down_is_a_sale_and_the_mirror),
        TEST(test_all_six_agree),
        TEST(test_trend_needs_adx_and_three_of_four_lines),
        TEST(test_momentum_needs_two_of_three_and_none_against),
        TEST(test_a_breakout_lasts_until_its_exit),
        TEST(test_mean_reversion_fades_ranges_and_follows_pullbacks),
        TEST(test_volatility_wants_expansion_and_no_spike),
        TEST(test_volume_and_vwap_must_not_disagree),
        TEST(test_flat_is_held),
        TEST(test_no_majority_is_held_with_confidence_0),
        TEST(test_abstentions_are_left_out_and_counted),
        TEST(test_quorum_is_four_of_six),
        TEST(test_nothing_warm_is_held),
        TEST(test_closes_only_what_is_open),
        TEST(test_the_regime_moves_stop_target_and_leverage),
        TEST(test_stops_stay_within_what_risk_allows),
        TEST(test_other_agents_shift_a_confidence),
        TEST(test_falls_back_with_less_confidence),
        TEST(test_runs_do_not_remember),
        TEST(test_refuses_what_is_no_market),
        TEST(test_a_full_queue_is_told),
        TEST(test_any_indicators_make_a_valid_signal),
        TEST(test_configuration_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
