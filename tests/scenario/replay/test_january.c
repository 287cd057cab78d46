/*
 * One recorded month, from bars to the result: every bar is used, decisions add up, the money adds
 * up to the last digit, and the same input gives the same bytes, on however many lanes.
 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#define BARS 45031

static const char *january(void)
{
    return text_of("BTC/USDT=%s", shared_file("data/btc_perp_1m_2022-01.csv"));
}

static void every_bar_is_used_and_decided_on(void **state)
{
    (void)state;
    struct decisions made;
    const char *path = scratch("january.jsonl");
    struct json_value *result =
        replay((const char *[]){"--bars", january(), "--decisions", path, NULL});
    assert_int_equal(whole_at(result, "bars_used"), BARS);
    assert_int_equal(whole_at(result, "feeds.0.bars_used"), BARS);
    assert_int_equal(sum_at(result, "feeds.0.bars_put_aside"), 0);
    assert_int_equal(sum_at(result, "feeds.0.rows_refused"), 0);
    assert_false(json_flag(at(result, "synthetic")));
    int64_t decisions = whole_at(result, "decisions");
    assert_in_range(decisions, 300, 2000);
    assert_int_equal(sum_at(result, "outcomes"), decisions);
    assert_true(whole_at(result, "outcomes.executed") > 0);
    assert_int_equal(sum_at(result, "rejections"),
                     whole_at(result, "outcomes.rejected") + whole_at(result, "outcomes.halted"));
    assert_int_equal(sum_at(result, "exits"), whole_at(result, "trades"));
    assert_money_adds_up(result);
    decisions_read(&made, path);
    assert_int_equal(made.count, decisions);
    for (size_t i = 0; i < made.count; i++) /* on the clock, whatever the last run took */
        assert_string_equal(text_at(made.items[i], "opened_at") + 14, "00:00Z");
    decisions_free(&made);
    json_free(result);
}

struct bytes {
    char *result, *decisions;
    size_t decisions_length;
};

static struct bytes bytes_of(const char *name, const char *lanes)
{
    struct bytes bytes;
    struct run run;
    const char *path = scratch(name);
    run_program(&run, "replay", "--json", "--bars", january(), "--decisions", path,
                lanes != NULL ? "--lanes" : NULL, lanes, NULL);
    assert_done(&run);
    bytes.result = run.out;
    bytes.decisions = read_file(path, &bytes.decisions_length);
    free(run.err);
    return bytes;
}

static void the_same_input_gives_the_same_bytes_on_any_lanes(void **state)
{
    (void)state;
    static const char *const lanes[] = {NULL, "1", "4"};
    struct bytes first = bytes_of("first.jsonl", NULL);
    assert_true(first.decisions_length > 100000);
    for (size_t i = 0; i < sizeof(lanes) / sizeof(lanes[0]); i++) {
        struct bytes again = bytes_of("again.jsonl", lanes[i]);
        assert_string_equal(again.result, first.result);
        assert_int_equal(again.decisions_length, first.decisions_length);
        assert_memory_equal(again.decisions, first.decisions, first.decisions_length);
        free(again.result);
        free(again.decisions);
    }
    free(first.result);
    free(first.decisions);
}

static void another_seed_says_so(void **state)
{
    (void)state;
    struct json_value *result = replay((const char *[]){"--bars", january(), "--seed", "99", NULL});
    assert_int_equal(whole_at(result, "seed"), 99);
    assert_int_equal(whole_at(result, "bars_used"), BARS);
    assert_money_adds_up(result);
    json_free(result);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_bar_is_used_and_decided_on),
    cmocka_unit_test(the_same_input_gives_the_same_bytes_on_any_lanes),
    cmocka_unit_test(another_seed_says_so),
};
SCENARIO_MAIN("january")
