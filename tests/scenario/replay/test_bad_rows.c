/*
 * Rows of a file that cannot be used are counted by reason, reported in the table and in the JSON,
 * and never traded on.
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

/* Rows put in after that minute's own row; `where` is what counts them. */
struct bad_row {
    int minute;
    const char *row;
    const char *where;
};

static const struct bad_row bad_rows[] = {
    {2, "2024-01-01 00:02:30,nan,100,100,100,5", "rows_refused.price is not finite"},
    {3, "2024-01-01 00:03:30,100,inf,100,100,5", "rows_refused.price is not finite"},
    {4, "2024-01-01 00:04:30,100,100,100,1e999,5", "rows_refused.number does not fit"},
    {5, "2024-01-01 00:05:30,100,100", "rows_refused.too few columns"},
    {6, "next tuesday,100,100,100,100,5", "rows_refused.time is not readable"},
    {7, "2024-01-01 00:07:30,100,100,0x1p4,100,5", "rows_refused.low is not a number"},
    {8, "2024-01-01 00:08:00,100,100,100,100,5", "bars_put_aside.duplicate"},
    {9, "2024-01-01 00:05:00,100,100,100,100,5", "bars_put_aside.late"},
    {10, "2024-01-01 00:10:30,100,100,100,100,5", "bars_put_aside.misaligned"},
};

/* The bar of that minute itself is replaced. */
static const struct bad_row bad_bars[] = {
    {20, "2024-01-01 00:20:00,-100,100,-100,100,5", "rows_refused.price is zero or negative"},
    {21, "2024-01-01 00:21:00,0,0,0,0,5", "rows_refused.price is zero or negative"},
    {22, "2024-01-01 00:22:00,100,90,110,100,5", "rows_refused.high is below low"},
    {23, "2024-01-01 00:23:00,100,900,100,900,5", "bars_put_aside.absurd"},
    {24, "2024-01-01 00:24:00,100,100,0.01,100,5", "bars_put_aside.absurd"},
    {25, "2024-01-01 00:25:00,100,100,100,100,-1", "rows_refused.volume is negative"},
};

#define MINUTES 60

static void write_doubtful(const char *path)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    (void)fprintf(file, "time,open,high,low,close,volume\n");
    for (int minute = 0; minute < MINUTES; minute++) {
        const char *own = NULL;
        for (size_t i = 0; i < sizeof(bad_bars) / sizeof(bad_bars[0]); i++)
            if (bad_bars[i].minute == minute)
                own = bad_bars[i].row;
        if (own != NULL)
            (void)fprintf(file, "%s\n", own);
        else
            (void)fprintf(file, "2024-01-01 00:%02d:00,100,100,100,100,5\n", minute);
        for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++)
            if (bad_rows[i].minute == minute)
                (void)fprintf(file, "%s\n", bad_rows[i].row);
    }
    assert_int_equal(fclose(file), 0);
}

static int64_t counted(const char *where)
{
    int64_t count = 0;
    for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++)
        count += strcmp(bad_rows[i].where, where) == 0;
    for (size_t i = 0; i < sizeof(bad_bars) / sizeof(bad_bars[0]); i++)
        count += strcmp(bad_bars[i].where, where) == 0;
    return count;
}

static void rows_that_cannot_be_used_are_counted_by_reason(void **state)
{
    (void)state;
    const char *bars = text_of("BTC/USDT=%s", scratch("doubtful.csv"));
    const char *config = scripted_configuration("00:10 BUY size=500");
    struct run run;
    write_doubtful(scratch("doubtful.csv"));
    struct json_value *result = replay((const char *[]){"--config", config, "--bars", bars, NULL});
    const struct json_value *feed = at(result, "feeds.0");
    int64_t all = MINUTES + (int64_t)(sizeof(bad_rows) / sizeof(bad_rows[0]));
    assert_int_equal(whole_at(feed, "bars_used") + sum_at(feed, "bars_put_aside") +
                         sum_at(feed, "rows_refused"),
                     all);
    assert_int_equal(whole_at(feed, "bars_used"),
                     MINUTES - (int64_t)(sizeof(bad_bars) / sizeof(bad_bars[0])));
    for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++)
        assert_int_equal(whole_at(feed, bad_rows[i].where), counted(bad_rows[i].where));
    for (size_t i = 0; i < sizeof(bad_bars) / sizeof(bad_bars[0]); i++)
        assert_int_equal(whole_at(feed, bad_bars[i].where), counted(bad_bars[i].where));
    json_free(result);
    run_program(&run, "replay", "--config", config, "--bars", bars, NULL);
    assert_done(&run);
    assert_holds(run.out, "absurd");
    assert_holds(run.out, "duplicate");
    assert_holds(run.out, "refused");
    assert_holds(run.out, "first at line");
    run_free(&run);
}

/*
 * A long position over a bar of 900 and one that falls to 0.01: neither leg fills, the equity does
 * not move, and the position is still there.
 */
static void nothing_is_traded_at_an_absurd_price(void **state)
{
    (void)state;
    write_doubtful(scratch("doubtful.csv"));
    struct json_value *result =
        replay((const char *[]){"--config", scripted_configuration("00:10 BUY size=500"), "--bars",
                                text_of("BTC/USDT=%s", scratch("doubtful.csv")), NULL});
    assert_int_equal(whole_at(result, "outcomes.executed"), 1);
    assert_int_equal(whole_at(result, "fills"), 1);
    assert_int_equal(whole_at(result, "trades"), 0);
    assert_string_equal(text_at(result, "unrealised_pnl"), "0");
    assert_true(json_number(at(result, "max_drawdown_pct")) < 0.1);
    json_free(result);
}

/* After enough bars that agree, the price has really moved: then it is traded on again. */
static void a_price_that_stays_is_believed(void **state)
{
    (void)state;
    static const struct happening moved[] = {{20, 300, 300, 300, 300, 0}};
    write_market(scratch("moved.csv"), 120, moved, 1);
    struct json_value *result =
        replay((const char *[]){"--config", scripted_configuration("00:10 HOLD"), "--bars",
                                text_of("BTC/USDT=%s", scratch("moved.csv")), NULL});
    int64_t aside = whole_at(result, "feeds.0.bars_put_aside.absurd");
    assert_in_range(aside, 25, 35);
    assert_int_equal(whole_at(result, "bars_used"), 120 - aside);
    json_free(result);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(rows_that_cannot_be_used_are_counted_by_reason),
    cmocka_unit_test(nothing_is_traded_at_an_absurd_price),
    cmocka_unit_test(a_price_that_stays_is_believed),
};
SCENARIO_MAIN("bad_rows")
