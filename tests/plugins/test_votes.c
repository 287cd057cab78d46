/* The plain functions inside trading_decision: how votes are counted and where prices may lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prices.h"
#include "votes.h"

static const struct votes_rules rules = {
    .quorum = 4, .boost_unanimous = 0.15, .boost_five_sixths = 0.10, .boost_two_thirds = 0.05};

static uint64_t random_state = 7;

/* splitmix64 */
static uint64_t next_random(void)
{
    uint64_t mixed = random_state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/* B buy, S sell, H hold, L close long, X close short, - abstains; each as sure as `confidence`. */
static size_t cast(const char *letters, double confidence, struct vote votes[VOTES_MAX])
{
    static const char known[] = "BSHLX";
    const size_t count = strlen(letters);
    memset(votes, 0, VOTES_MAX * sizeof votes[0]);
    for (size_t n = 0; n < count; n++) {
        const char *letter = strchr(known, letters[n]);
        votes[n].voter = "voter";
        votes[n].valid = letter != NULL;
        votes[n].action = letter != NULL ? (uint8_t)(letter - known) : TG_ACTION_BUY;
        votes[n].confidence = letter != NULL ? confidence : 1;
        votes[n].stop_loss.units = 95;
        votes[n].take_profit.units = 115;
    }
    return count;
}

static void test_counts_are_whole(void **state)
{
    static const struct {
        const char *votes;
        uint32_t valid, winner;
        int action;
        double confidence; /* of votes of 0.5 each; 0: no quorum or no majority */
    } table[] = {
        {"BBBBBB", 6, 6, TG_ACTION_BUY, 0.65},        {"BBBBBH", 6, 5, TG_ACTION_BUY, 0.60},
        {"BBBBHH", 6, 4, TG_ACTION_BUY, 0.55},        {"BBBHHH", 6, 3, TG_ACTION_HOLD, 0},
        {"BBBBB-", 5, 5, TG_ACTION_BUY, 0.65},        {"BBBBS-", 5, 4, TG_ACTION_BUY, 0.55},
        {"BBBSS-", 5, 3, TG_ACTION_BUY, 0.50},        {"BBSSH-", 5, 1, TG_ACTION_HOLD, 0},
        {"BBBB--", 4, 4, TG_ACTION_BUY, 0.65},        {"BBBS--", 4, 3, TG_ACTION_BUY, 0.55},
        {"BBSS--", 4, 0, TG_ACTION_HOLD, 0},          {"BBBS-H", 5, 3, TG_ACTION_BUY, 0.50},
        {"SSSSSS", 6, 6, TG_ACTION_SELL, 0.65},       {"-S-SSS", 4, 4, TG_ACTION_SELL, 0.65},
        {"HHHHHH", 6, 6, TG_ACTION_HOLD, 0.65},       {"HHHHBS", 6, 4, TG_ACTION_HOLD, 0.55},
        {"LLLLHB", 6, 4, TG_ACTION_CLOSE_LONG, 0.55}, {"XXXXXS", 6, 5, TG_ACTION_CLOSE_SHORT, 0.6},
        {"LLLSSS", 6, 0, TG_ACTION_HOLD, 0},          {"BBBXXX", 6, 0, TG_ACTION_HOLD, 0},
        {"BBSSHH", 6, 2, TG_ACTION_HOLD, 0},          {"BBBSSH", 6, 1, TG_ACTION_HOLD, 0},
    };
    (void)state;
    for (size_t n = 0; n < sizeof table / sizeof table[0]; n++) {
        struct vote votes[VOTES_MAX];
        struct votes_result result;
        votes_count(&rules, votes, cast(table[n].votes, 0.5, votes), &result);
        assert_int_equal(result.asked, 6);
        assert_int_equal(result.valid, table[n].valid);
        assert_int_equal(result.winner, table[n].winner);
        assert_int_equal(result.action, table[n].action);
        assert_true(result.has_quorum);
        assert_int_equal(result.has_majority, table[n].confidence > 0);
        assert_true(fabs(result.confidence - table[n].confidence) < 1e-12);
    }
}

static void test_too_few_are_no_quorum(void **state)
{
    static const char *const table[] = {"------", "B-----", "BB----", "BBB---", "-HSB--", "S----S"};
    (void)state;
    for (size_t n = 0; n < sizeof table / sizeof table[0]; n++) {
        struct vote votes[VOTES_MAX];
        struct votes_result result;
        votes_count(&rules, votes, cast(table[n], 0.9, votes), &result);
        assert_false(result.has_quorum);
        assert_false(result.has_majority);
        assert_int_equal(result.action, TG_ACTION_HOLD);
        assert_int_equal(result.winner, 0);
        assert_true(result.confidence == 0);
        assert_int_equal(result.stop_loss.units, 0);
    }
}

/* Every way six voters can vote, against the rule said in another way. */
static void test_every_ballot(void **state)
{
    static const char letters[] = "BSHLX-";
    (void)state;
    for (int ballot = 0; ballot < 6 * 6 * 6 * 6 * 6 * 6; ballot++) {
        struct vote votes[VOTES_MAX];
        struct votes_result result;
        char text[VOTES_MAX + 1] = {0};
        int counts[6] = {0};
        int left = ballot;
        int best = 0;
        for (int n = 0; n < VOTES_MAX; n++, left /= 6) {
            text[n] = letters[left % 6];
            counts[left % 6]++;
        }
        for (int n = 1; n < 5; n++) {
            best = counts[n] > counts[best] ? n : best;
        }
        const int valid = 6 - counts[5];
        const bool decided = valid >= 4 && counts[best] > valid / 2;
        votes_count(&rules, votes, cast(text, 0.4, votes), &result);
        assert_int_equal(result.action, decided ? best : TG_ACTION_HOLD);
        assert_int_equal(result.has_majority, decided);
        if (decided) {
            const double share = (double)counts[best] / valid;
            const double boost = share > 0.99999   ? 0.15
                                 : share > 0.83333 ? 0.10
                                 : share > 0.66666 ? 0.05
                                                   : 0;
            assert_true(fabs(result.confidence - 0.4 - boost) < 1e-12);
        }
    }
}

static void test_confidence_is_the_mean_of_the_winners_and_at_most_1(void **state)
{
    struct vote votes[VOTES_MAX];
    struct votes_result result;
    (void)state;
    cast("BBBBSH", 0.5, votes);
    votes[0].confidence = 0.9;
    votes[1].confidence = 0.7;
    votes[4].confidence = 1.0;
    votes_count(&rules, votes, VOTES_MAX, &result);
    assert_true(fabs(result.confidence - (0.9 + 0.7 + 0.5 + 0.5) / 4 - 0.05) < 1e-12);
    cast("BBBBBB", 0.95, votes);
    votes_count(&rules, votes, VOTES_MAX, &result);
    assert_true(result.confidence == 1);
}

static void test_prices_are_the_winners_medians(void **state)
{
    struct vote votes[VOTES_MAX];
    struct votes_result result;
    (void)state;
    cast("BBBBBS", 0.5, votes);
    for (int n = 0; n < VOTES_MAX; n++) {
        votes[n].stop_loss.units = (const int64_t[]){93, 90, 97, 91, 96, 1}[n];
        votes[n].take_profit.units = (const int64_t[]){130, 110, 125, 120, 115, 9999}[n];
    }
    votes_count(&rules, votes, VOTES_MAX, &result);
    assert_int_equal(result.stop_loss.units, 93);
    assert_int_equal(result.take_profit.units, 120);
    /* Four winners: the mean of the middle two; half a unit towards the entry, away with the
     * target. */
    votes[4].action = TG_ACTION_HOLD;
    votes_count(&rules, votes, VOTES_MAX, &result);
    assert_int_equal(result.stop_loss.units, 92);
    assert_int_equal(result.take_profit.units, 123);
    for (int n = 0; n < 4; n++) {
        votes[n].action = TG_ACTION_SELL;
        votes[n].stop_loss.units = (const int64_t[]){109, 104, 103, 120}[n];
        votes[n].take_profit.units = (const int64_t[]){90, 81, 70, 82}[n];
    }
    votes[5].action = TG_ACTION_BUY;
    votes_count(&rules, votes, VOTES_MAX, &result);
    assert_int_equal(result.action, TG_ACTION_SELL);
    assert_int_equal(result.stop_loss.units, 106);
    assert_int_equal(result.take_profit.units, 81);
    /* Closing has no prices, whatever the votes hold. */
    cast("LLLLLL", 0.5, votes);
    votes_count(&rules, votes, VOTES_MAX, &result);
    assert_int_equal(result.stop_loss.units, 0);
    assert_int_equal(result.take_profit.units, 0);
}

static void test_medians(void **state)
{
    struct tg_decimal one[] = {{5}};
    struct tg_decimal two[] = {{INT64_MAX}, {INT64_MAX - 3}};
    struct tg_decimal six[] = {{9}, {1}, {8}, {2}, {4}, {7}};
    (void)state;
    assert_int_equal(votes_median(one, 1, false).units, 5);
    assert_int_equal(votes_median(two, 2, false).units, INT64_MAX - 2);
    assert_int_equal(votes_median(two, 2, true).units, INT64_MAX - 1);
    assert_int_equal(votes_median(six, 6, false).units, 5);
    assert_int_equal(votes_median(six, 6, true).units, 6);
}

static void test_json_has_the_valid_votes(void **state)
{
    struct vote votes[VOTES_MAX];
    struct tg_trading_signals signal;
    char small[40];
    (void)state;
    cast("BS-H--", 0.725, votes);
    votes[1].confidence = 1;
    votes[3].confidence = 0;
    const size_t length = votes_write_json(votes, VOTES_MAX, signal.votes, sizeof signal.votes);
    assert_int_equal(length, strlen(signal.votes));
    assert_string_equal(signal.votes,
                        "[{\"voter\":\"voter\",\"action\":\"BUY\",\"confidence\":0.73},"
                        "{\"voter\":\"voter\",\"action\":\"SELL\",\"confidence\":1.00},"
                        "{\"voter\":\"voter\",\"action\":\"HOLD\",\"confidence\":0.00}]");
    cast("------", 0.5, votes);
    assert_int_equal(votes_write_json(votes, VOTES_MAX, signal.votes, sizeof signal.votes), 2);
    assert_string_equal(signal.votes, "[]");
    assert_int_equal(votes_write_json(votes, VOTES_MAX, small, 2), 0);
    assert_int_equal(votes_write_json(votes, VOTES_MAX, small, 3), 2);
    cast("XXXXXX", 1, votes);
    for (int n = 0; n < VOTES_MAX; n++) {
        votes[n].voter = "mean_reversion";
    }
    assert_in_range(votes_write_json(votes, VOTES_MAX, signal.votes, sizeof signal.votes), 100,
                    sizeof signal.votes - 1);
    assert_int_equal(votes_write_json(votes, VOTES_MAX, small, sizeof small), 0);
    assert_string_equal(small, "");
}

/* ---- prices ------------------------------------------------------------------------------- */

static const struct prices_limits limits = {
    .stop_pct_min = 0.5,
    .stop_pct_max = 5,
    .reward_risk_min = 1.5,
    .symbol_count = 1,
    .symbols = {{.symbol = "BTC/USDT", .stop_pct_max = 3}},
};

static struct tg_decimal whole(int64_t value)
{
    return (struct tg_decimal){value * TG_DECIMAL_ONE};
}

static void check_place(const char *symbol, int side, double stop, double target,
                        double stop_expected, double target_expected)
{
    struct tg_decimal stop_loss;
    struct tg_decimal take_profit;
    assert_int_equal(
        prices_place(&limits, symbol, side, whole(1000), stop, target, &stop_loss, &take_profit),
        TG_E_OK);
    assert_int_equal(stop_loss.units, llround(stop_expected * (double)TG_DECIMAL_ONE));
    assert_int_equal(take_profit.units, llround(target_expected * (double)TG_DECIMAL_ONE));
}

static void test_stops_and_targets_within_limits(void **state)
{
    (void)state;
    check_place("XRP/USDT", 1, 20, 60, 980, 1060);
    check_place("XRP/USDT", -1, 20, 60, 1020, 940);
    check_place("XRP/USDT", 1, 1, 60, 995, 1060);   /* too tight */
    check_place("XRP/USDT", 1, 80, 160, 950, 1160); /* too wide */
    check_place("BTC/USDT", 1, 80, 160, 970, 1160); /* its own limit */
    check_place("XRP/USDT", 1, 20, 1, 980, 1030);   /* too little to win */
    check_place("XRP/USDT", -1, 0, 0, 1005, 992.5);
    check_place("XRP/USDT", -1, 50, 5000, 1050, 100); /* a target stays above zero */
}

static void test_prices_that_cannot_be(void **state)
{
    struct tg_decimal stop_loss = {1};
    struct tg_decimal take_profit = {2};
    const struct {
        int64_t entry;
        double stop, target;
    } table[] = {
        {0, 1, 1},
        {-5, 1, 1},
        {INT64_MAX, 1, 1},
        {1000, NAN, 1},
        {1000, 1, INFINITY},
        /* No whole unit lies between half a percent and five. */
        {1, 1, 1},
        {15, 1, 1},
    };
    (void)state;
    for (size_t n = 0; n < sizeof table / sizeof table[0]; n++) {
        assert_int_equal(prices_place(&limits, "XRP/USDT", 1, (struct tg_decimal){table[n].entry},
                                      table[n].stop, table[n].target, &stop_loss, &take_profit),
                         TG_E_RANGE);
        assert_int_equal(stop_loss.units, 1);
        assert_int_equal(take_profit.units, 2);
    }
}

/* The limits of risk in exact arithmetic: what is proposed passes, the medians of it as well. */
static void check_limits(int side, int64_t entry, int64_t stop_loss, int64_t take_profit,
                         double pct_max)
{
    const long double stop = (long double)side * (long double)(entry - stop_loss);
    const long double target = (long double)side * (long double)(take_profit - entry);
    assert_true(stop * 1000 >= (long double)entry * 5);
    assert_true(stop * 100 <= (long double)entry * (long double)pct_max);
    assert_true(target * 2 >= stop * 3);
    assert_true(take_profit > 0);
}

static void test_medians_keep_the_limits(void **state)
{
    (void)state;
    for (int n = 0; n < 20000; n++) {
        struct vote votes[VOTES_MAX];
        struct votes_result result;
        const int side = next_random() % 2 ? 1 : -1;
        const char *symbol = next_random() % 2 ? "BTC/USDT" : "XRP/USDT";
        const double pct_max = symbol[0] == 'B' ? 3 : 5;
        const int64_t entry = 5000 + (int64_t)(next_random() >> (2 + next_random() % 48));
        const size_t count = 4 + next_random() % 3;
        cast(side > 0 ? "BBBBBB" : "SSSSSS", 0.5, votes);
        for (size_t v = 0; v < count; v++) {
            const double part = (double)entry / (double)TG_DECIMAL_ONE / 1e4;
            assert_int_equal(prices_place(&limits, symbol, side, (struct tg_decimal){entry},
                                          part * (double)(next_random() % 700),
                                          part * (double)(next_random() % 2000),
                                          &votes[v].stop_loss, &votes[v].take_profit),
                             TG_E_OK);
            check_limits(side, entry, votes[v].stop_loss.units, votes[v].take_profit.units,
                         pct_max);
        }
        votes_count(&rules, votes, count, &result);
        assert_true(result.has_majority);
        check_limits(side, entry, result.stop_loss.units, result.take_profit.units, pct_max);
    }
}

static void test_symbol_limits_are_read(void **state)
{
    struct prices_limits read = limits;
    char problem[160];
    char many[1024] = "";
    static const char *const wrong[] = {
        "BTC/USDT",      "=3",
        "BTC/USDT=",     "BTC/USDT=x",
        "BTC/USDT=nan",  "BTC/USDT=inf",
        "BTC/USDT=0.4",  "BTC/USDT=21",
        "BTC/USDT=-3",   "BTC/USDT=3 XRP/USDT=4",
        "BTC/USDT=3,=4", "BTC/USDT=3, BTC/USDT=4",
        "BTC USDT=3",    "A_SYMBOL_THAT_IS_TOO_LONG=3",
        "BTC/USDT=3%",   "BTC/USDT=3;XRP/USDT=4",
    };
    (void)state;
    assert_int_equal(
        prices_read_symbols(&read, " BTC/USDT=2.5 , XRP/USDT=4", problem, sizeof problem), TG_E_OK);
    assert_int_equal(read.symbol_count, 2);
    assert_string_equal(read.symbols[0].symbol, "BTC/USDT");
    assert_true(read.symbols[0].stop_pct_max == 2.5);
    assert_string_equal(read.symbols[1].symbol, "XRP/USDT");
    assert_int_equal(prices_read_symbols(&read, "", problem, sizeof problem), TG_E_OK);
    assert_int_equal(read.symbol_count, 0);
    for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++) {
        problem[0] = '\0';
        assert_int_equal(prices_read_symbols(&read, wrong[n], problem, sizeof problem),
                         TG_E_INVALID);
        assert_in_range(strlen(problem), 10, sizeof problem - 1);
    }
    for (int n = 0; n <= PRICES_SYMBOLS_MAX; n++) {
        const size_t length = strlen(many);
        snprintf(many + length, sizeof many - length, "%sS%d=3", n ? "," : "", n);
    }
    assert_int_equal(prices_read_symbols(&read, many, problem, sizeof problem), TG_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_are_whole),
        cmocka_unit_test(test_too_few_are_no_quorum),
        cmocka_unit_test(test_every_ballot),
        cmocka_unit_test(test_confidence_is_the_mean_of_the_winners_and_at_most_1),
        cmocka_unit_test(test_prices_are_the_winners_medians),
        cmocka_unit_test(test_medians),
        cmocka_unit_test(test_json_has_the_valid_votes),
        cmocka_unit_test(test_stops_and_targets_within_limits),
        cmocka_unit_test(test_prices_that_cannot_be),
        cmocka_unit_test(test_medians_keep_the_limits),
        cmocka_unit_test(test_symbol_limits_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
