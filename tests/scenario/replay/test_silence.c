/*
 * Markets that fall silent: nothing is decided on a stale price, what protects a position works
 * with the first bar that comes, and the report says how long each feed said nothing.
 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_NS INT64_C(60000000000)
#define BARS_MAX  8192

/* ---- three recorded symbols with holes ---- */

struct recorded {
    const char *symbol, *file;
    int64_t closes[BARS_MAX]; /* times at which the bars close */
    size_t count;
};

static void read_closes(struct recorded *recorded)
{
    char line[256];
    FILE *file = fopen(shared_file(recorded->file), "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    while (fgets(line, sizeof(line), file) != NULL) {
        assert_true(recorded->count < BARS_MAX);
        recorded->closes[recorded->count++] = strtoll(line, NULL, 10) * 1000000 + MINUTE_NS;
    }
    assert_int_equal(fclose(file), 0);
}

/* The newest close at or before a moment; 0: none. */
static int64_t newest_close(const struct recorded *recorded, int64_t moment)
{
    int64_t newest = 0;
    for (size_t i = 0; i < recorded->count && recorded->closes[i] <= moment; i++)
        newest = recorded->closes[i];
    return newest;
}

static void nothing_is_decided_in_the_hours_without_data(void **state)
{
    (void)state;
    static struct recorded recorded[] = {
        {.symbol = "BTC/USDT", .file = "data/btcusd_1m_2018-04.csv"},
        {.symbol = "ETH/USDT", .file = "data/ethusd_1m_2018-04.csv"},
        {.symbol = "LTC/USDT", .file = "data/ltcusd_1m_2018-04.csv"}};
    struct decisions decisions;
    const char *arguments[16] = {"--decisions", scratch("three.jsonl")};
    const char *path = arguments[1];
    int64_t end = 0;
    for (size_t i = 0; i < 3; i++) {
        read_closes(&recorded[i]);
        arguments[2 + 2 * i] = "--bars";
        arguments[3 + 2 * i] = text_of("%s=%s", recorded[i].symbol, shared_file(recorded[i].file));
        if (recorded[i].closes[recorded[i].count - 1] > end)
            end = recorded[i].closes[recorded[i].count - 1];
    }
    struct json_value *result = replay(arguments);
    decisions_read(&decisions, path);
    assert_true(decisions.count > 100);
    for (size_t i = 0; i < decisions.count; i++) {
        const char *symbol = text_at(decisions.items[i], "symbol");
        size_t number = 0;
        while (strcmp(recorded[number].symbol, symbol) != 0)
            number++;
        int64_t opened = parse_time(text_at(decisions.items[i], "opened_at"));
        int64_t age = opened - newest_close(&recorded[number], opened);
        if (age > MINUTE_NS)
            fail_msg("%s was decided on at %s, %lld seconds after its last bar", symbol,
                     text_at(decisions.items[i], "opened_at"), (long long)(age / 1000000000));
    }
    for (size_t i = 0; i < 3; i++) {
        const struct json_value *feed = at(result, text_of("feeds.%zu", i));
        int64_t silent = 0;
        int64_t longest = 0;
        assert_int_equal(whole_at(feed, "bars_used"), recorded[i].count);
        for (size_t k = 1; k <= recorded[i].count; k++) {
            int64_t next = k < recorded[i].count ? recorded[i].closes[k] : end + MINUTE_NS;
            int64_t hole = next - recorded[i].closes[k - 1] - MINUTE_NS;
            silent += hole;
            longest = hole > longest ? hole : longest;
        }
        assert_true(longest > 6 * 60 * MINUTE_NS);
        assert_int_equal(whole_at(feed, "silent_seconds"), silent / 1000000000);
        assert_int_equal(whole_at(feed, "silent_longest_seconds"), longest / 1000000000);
    }
    assert_true(whole_at(result, "outcomes.executed") > 0);
    assert_money_adds_up(result);
    decisions_free(&decisions);
    json_free(result);
}

/* ---- made for it ---- */

/* Open over the hole, and the price is far below the stop when it ends. */
static void a_stop_works_with_the_first_bar_after_a_gap(void **state)
{
    (void)state;
    static const struct happening gap[] = {{30, 0, 0, 0, 0, 240}, {270, 90, 90, 90, 90, 0}};
    const char *path = scratch("gap.jsonl");
    struct decisions decisions;
    write_market(scratch("gap.csv"), 360, gap, 2);
    struct json_value *result = replay((const char *[]){
        "--config", scripted_configuration("00:10 BUY size=500; 02:00 SELL size=500; 05:00 HOLD"),
        "--bars", text_of("BTC/USDT=%s", scratch("gap.csv")), "--decisions", path, "--set",
        "venue.config.fee_pct=0", NULL});
    decisions_read(&decisions, path);
    assert_int_equal(decisions.count, 2); /* none at 02:00, in the middle of the hole */
    assert_string_equal(text_at(decisions.items[1], "opened_at"), "2024-01-01T05:00:00Z");
    assert_true(whole_at(result, "tasks.0.skipped.no_data") >= 230);
    assert_int_equal(whole_at(result, "exits.stop_loss"), 1);
    assert_int_equal(json_count(at(result, "positions")), 0);
    /* filled at the first bar's price, not at the stop's, where nothing was traded */
    assert_string_equal(text_at(result, "realised_pnl"), "-50");
    assert_int_equal(whole_at(result, "feeds.0.gaps"), 1);
    assert_int_equal(whole_at(result, "feeds.0.silent_seconds"), 240 * 60);
    assert_string_equal(text_at(result, "feeds.0.silent_longest_from"), "2024-01-01T00:30:00Z");
    decisions_free(&decisions);
    json_free(result);
}

/* A feed that stops early is silent to the end of the replay, and its position is not closed. */
static void a_feed_that_ends_early_is_silent_to_the_end(void **state)
{
    (void)state;
    write_market(scratch("long.csv"), 300, NULL, 0);
    write_market(scratch("short.csv"), 60, NULL, 0);
    struct run run;
    const char *config = scripted_configuration("00:10 HOLD; 02:00 BUY size=500");
    const char *longer = text_of("BTC/USDT=%s", scratch("long.csv"));
    const char *shorter = text_of("ETH/USDT=%s", scratch("short.csv"));
    struct json_value *result =
        replay((const char *[]){"--config", config, "--bars", longer, "--bars", shorter, NULL});
    assert_int_equal(whole_at(result, "feeds.0.silent_seconds"), 0);
    assert_int_equal(whole_at(result, "feeds.1.bars_used"), 60);
    assert_int_equal(whole_at(result, "feeds.1.silent_seconds"), 240 * 60);
    assert_int_equal(whole_at(result, "feeds.1.silent_longest_seconds"), 240 * 60);
    assert_string_equal(text_at(result, "feeds.1.silent_longest_from"), "2024-01-01T01:00:00Z");
    /* BTC/USDT was bought at 02:00, ETH/USDT was not */
    assert_int_equal(whole_at(result, "outcomes.executed"), 1);
    assert_string_equal(text_at(result, "positions.0.symbol"), "BTC/USDT");
    json_free(result);
    run_program(&run, "replay", "--config", config, "--bars", longer, "--bars", shorter, NULL);
    assert_done(&run);
    assert_holds(run.out, "silent for 4 h 00 min");
    assert_holds(run.out, "2024-01-01 01:00");
    run_free(&run);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(nothing_is_decided_in_the_hours_without_data),
    cmocka_unit_test(a_stop_works_with_the_first_bar_after_a_gap),
    cmocka_unit_test(a_feed_that_ends_early_is_silent_to_the_end),
};
SCENARIO_MAIN("silence")
