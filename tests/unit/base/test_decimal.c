/* Exact decimals: every rounding direction with both signs, both ends of the range, text, doubles.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "base/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ONE TG_DECIMAL_ONE

static const enum tg_rounding all_roundings[] = {TG_ROUND_DOWN, TG_ROUND_UP, TG_ROUND_FLOOR,
                                                 TG_ROUND_CEILING, TG_ROUND_HALF_EVEN};

static struct tg_decimal units(int64_t value)
{
    return tg_decimal_units(value);
}

static struct tg_decimal read_text(const char *text)
{
    struct tg_decimal result = {0};
    assert_int_equal(tg_decimal_parse(text, strlen(text), &result), TG_E_OK);
    return result;
}

static void check_format(int64_t value, const char *expected)
{
    char text[TG_DECIMAL_TEXT_SIZE];
    assert_int_equal(tg_decimal_format(units(value), text), strlen(expected));
    assert_string_equal(text, expected);
}

static void sums_are_exact_to_both_ends(void **state)
{
    (void)state;
    bool overflow = false;
    assert_int_equal(tg_decimal_add(units(1), units(2), &overflow).units, 3);
    assert_int_equal(tg_decimal_subtract(units(1), units(2), &overflow).units, -1);
    assert_int_equal(tg_decimal_add(units(INT64_MAX - 1), units(1), &overflow).units, INT64_MAX);
    assert_int_equal(tg_decimal_subtract(units(-INT64_MAX + 1), units(1), &overflow).units,
                     -INT64_MAX);
    assert_false(overflow);
}

static void sums_past_either_end_overflow(void **state)
{
    (void)state;
    bool overflow = false;
    assert_int_equal(tg_decimal_add(units(INT64_MAX), units(1), &overflow).units, 0);
    assert_true(overflow);
    overflow = false;
    assert_int_equal(tg_decimal_subtract(units(-INT64_MAX), units(1), &overflow).units, 0);
    assert_true(overflow); /* INT64_MIN would fit the type, not the range */
    overflow = false;
    tg_decimal_add(units(INT64_MIN), units(0), &overflow);
    assert_true(overflow);
    tg_decimal_add(units(1), units(1), &overflow);
    assert_true(overflow); /* never reset */
}

static void negate_and_absolute(void **state)
{
    (void)state;
    bool overflow = false;
    assert_int_equal(tg_decimal_negate(units(5), &overflow).units, -5);
    assert_int_equal(tg_decimal_negate(units(0), &overflow).units, 0);
    assert_int_equal(tg_decimal_negate(units(INT64_MAX), &overflow).units, -INT64_MAX);
    assert_int_equal(tg_decimal_absolute(units(-7), &overflow).units, 7);
    assert_int_equal(tg_decimal_absolute(units(7), &overflow).units, 7);
    assert_false(overflow);
    assert_int_equal(tg_decimal_negate(units(INT64_MIN), &overflow).units, 0);
    assert_true(overflow);
    overflow = false;
    assert_int_equal(tg_decimal_absolute(units(INT64_MIN), &overflow).units, 0);
    assert_true(overflow);
}

static void comparisons(void **state)
{
    (void)state;
    assert_int_equal(tg_decimal_compare(units(INT64_MIN), units(INT64_MAX)), -1);
    assert_int_equal(tg_decimal_compare(units(3), units(3)), 0);
    assert_int_equal(tg_decimal_compare(units(4), units(3)), 1);
    assert_int_equal(tg_decimal_min(units(-1), units(1)).units, -1);
    assert_int_equal(tg_decimal_max(units(-1), units(1)).units, 1);
    assert_true(tg_decimal_is_zero(units(0)));
    assert_false(tg_decimal_is_positive(units(0)));
    assert_true(tg_decimal_is_positive(units(1)));
    assert_int_equal(tg_decimal_whole(-92233720368).units, -92233720368 * ONE);
}

/* x * 10^-8 for x units and tenths of units: the product of x/10 units is rounded. */
static void multiply_rounds_as_told(void **state)
{
    (void)state;
    static const struct {
        int64_t tenths; /* of a unit, before rounding */
        int64_t down, up, floor, ceiling, half_even;
    } cases[] = {
        {20, 2, 2, 2, 2, 2},       {-20, -2, -2, -2, -2, -2}, {21, 2, 3, 2, 3, 2},
        {-21, -2, -3, -3, -2, -2}, {25, 2, 3, 2, 3, 2},       {-25, -2, -3, -3, -2, -2},
        {35, 3, 4, 3, 4, 4},       {-35, -3, -4, -4, -3, -4}, {26, 2, 3, 2, 3, 3},
        {-26, -2, -3, -3, -2, -3}, {5, 0, 1, 0, 1, 0},        {-5, 0, -1, -1, 0, 0},
        {15, 1, 2, 1, 2, 2},       {-15, -1, -2, -2, -1, -2}, {1, 0, 1, 0, 1, 0},
        {-1, 0, -1, -1, 0, 0},
    };
    bool overflow = false;
    struct tg_decimal tenth = units(ONE / 10);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const int64_t expected[] = {cases[i].down, cases[i].up, cases[i].floor, cases[i].ceiling,
                                    cases[i].half_even};
        struct tg_decimal a = units(cases[i].tenths);
        for (size_t r = 0; r < 5; r++) {
            assert_int_equal(tg_decimal_multiply(a, tenth, all_roundings[r], &overflow).units,
                             expected[r]);
            assert_int_equal(
                tg_decimal_divide(a, tg_decimal_whole(10), all_roundings[r], &overflow).units,
                expected[r]);
            /* the sign on the other operand */
            struct tg_decimal minus = tg_decimal_negate(a, &overflow);
            assert_int_equal(
                tg_decimal_multiply(minus, units(-ONE / 10), all_roundings[r], &overflow).units,
                expected[r]);
            assert_int_equal(
                tg_decimal_divide(minus, tg_decimal_whole(-10), all_roundings[r], &overflow).units,
                expected[r]);
            assert_int_equal(
                tg_decimal_scale(a, units(1), units(10), all_roundings[r], &overflow).units,
                expected[r]);
        }
    }
    assert_false(overflow);
}

static void multiply_at_both_ends(void **state)
{
    (void)state;
    bool overflow = false;
    struct tg_decimal largest = units(INT64_MAX), smallest = units(-INT64_MAX);
    assert_int_equal(tg_decimal_multiply(largest, units(ONE), TG_ROUND_DOWN, &overflow).units,
                     INT64_MAX);
    assert_int_equal(tg_decimal_multiply(largest, units(-ONE), TG_ROUND_DOWN, &overflow).units,
                     -INT64_MAX);
    assert_int_equal(tg_decimal_multiply(units(INT64_MIN), units(0), TG_ROUND_UP, &overflow).units,
                     0);
    assert_false(overflow);
    assert_int_equal(tg_decimal_multiply(largest, units(ONE + 1), TG_ROUND_DOWN, &overflow).units,
                     0);
    assert_true(overflow);
    overflow = false;
    tg_decimal_multiply(smallest, units(ONE + 1), TG_ROUND_DOWN, &overflow);
    assert_true(overflow);
    overflow = false;
    tg_decimal_multiply(units(INT64_MIN), units(INT64_MIN), TG_ROUND_HALF_EVEN, &overflow);
    assert_true(overflow);
    overflow = false;
    tg_decimal_multiply(units(INT64_MIN), units(ONE), TG_ROUND_HALF_EVEN, &overflow);
    assert_true(overflow);
}

static void divide_at_both_ends(void **state)
{
    (void)state;
    bool overflow = false;
    assert_int_equal(
        tg_decimal_divide(units(INT64_MAX), units(ONE), TG_ROUND_DOWN, &overflow).units, INT64_MAX);
    assert_int_equal(
        tg_decimal_divide(units(INT64_MAX), units(INT64_MAX), TG_ROUND_UP, &overflow).units, ONE);
    assert_int_equal(
        tg_decimal_divide(tg_decimal_whole(2), tg_decimal_whole(3), TG_ROUND_HALF_EVEN, &overflow)
            .units,
        66666667);
    assert_int_equal(
        tg_decimal_divide(tg_decimal_whole(-2), tg_decimal_whole(3), TG_ROUND_DOWN, &overflow)
            .units,
        -66666666);
    assert_int_equal(tg_decimal_divide(units(1), units(INT64_MIN), TG_ROUND_FLOOR, &overflow).units,
                     -1);
    assert_false(overflow);
    assert_int_equal(tg_decimal_divide(units(5), units(0), TG_ROUND_DOWN, &overflow).units, 0);
    assert_true(overflow);
    overflow = false;
    tg_decimal_divide(units(INT64_MAX), units(1), TG_ROUND_DOWN, &overflow);
    assert_true(overflow);
    overflow = false;
    tg_decimal_divide(units(INT64_MIN), units(-ONE), TG_ROUND_DOWN, &overflow);
    assert_true(overflow);
}

static void scale_keeps_the_whole_product(void **state)
{
    (void)state;
    bool overflow = false;
    /* the product alone is far past the range */
    assert_int_equal(tg_decimal_scale(units(INT64_MAX), units(INT64_MAX), units(INT64_MAX),
                                      TG_ROUND_DOWN, &overflow)
                         .units,
                     INT64_MAX);
    assert_int_equal(tg_decimal_scale(units(100), units(1), units(3), TG_ROUND_UP, &overflow).units,
                     34);
    assert_int_equal(
        tg_decimal_scale(units(-100), units(1), units(3), TG_ROUND_CEILING, &overflow).units, -33);
    assert_false(overflow);
    tg_decimal_scale(units(1), units(1), units(0), TG_ROUND_DOWN, &overflow);
    assert_true(overflow);
    overflow = false;
    tg_decimal_scale(units(INT64_MAX), units(2), units(1), TG_ROUND_DOWN, &overflow);
    assert_true(overflow);
    overflow = false;
    tg_decimal_scale(units(INT64_MIN), units(INT64_MIN), units(INT64_MIN), TG_ROUND_DOWN,
                     &overflow);
    assert_true(overflow);
}

/* Rounding up of x is minus rounding up of minus x, floor <= exact <= ceiling, one unit apart. */
static void random_quotients_keep_the_rules(void **state)
{
    (void)state;
    struct tg_random random;
    tg_random_seed(&random, 7);
    for (int i = 0; i < 20000; i++) {
        struct tg_decimal a = units((int64_t)(tg_random_next(&random) >> (1 + i % 60)));
        struct tg_decimal b = units((int64_t)(tg_random_next(&random) >> (1 + i % 37)) + 1);
        bool overflow = false;
        int64_t down = tg_decimal_divide(a, b, TG_ROUND_DOWN, &overflow).units;
        int64_t up = tg_decimal_divide(a, b, TG_ROUND_UP, &overflow).units;
        int64_t nearest = tg_decimal_divide(a, b, TG_ROUND_HALF_EVEN, &overflow).units;
        if (overflow)
            continue;
        __extension__ typedef __int128 wide;
        wide exact = (wide)a.units * ONE;
        assert_true((wide)down * b.units <= exact && exact < ((wide)down + 1) * b.units);
        assert_int_equal(up, down + (exact % b.units != 0));
        wide twice = 2 * (exact - (wide)down * b.units);
        if (twice != b.units)
            assert_int_equal(nearest, down + (twice > b.units));
        else
            assert_int_equal(nearest & 1, 0);
        struct tg_decimal minus = units(-a.units);
        assert_int_equal(tg_decimal_divide(minus, b, TG_ROUND_FLOOR, &overflow).units, -up);
        assert_int_equal(tg_decimal_divide(minus, b, TG_ROUND_CEILING, &overflow).units, -down);
        assert_int_equal(tg_decimal_divide(minus, b, TG_ROUND_HALF_EVEN, &overflow).units,
                         -nearest);
    }
}

static void quantize_to_places(void **state)
{
    (void)state;
    bool overflow = false;
    struct tg_decimal a = read_text("1234.56785");
    assert_int_equal(tg_decimal_quantize(a, 4, TG_ROUND_HALF_EVEN, &overflow).units,
                     read_text("1234.5678").units);
    assert_int_equal(tg_decimal_quantize(a, 4, TG_ROUND_UP, &overflow).units,
                     read_text("1234.5679").units);
    assert_int_equal(tg_decimal_quantize(a, 0, TG_ROUND_DOWN, &overflow).units,
                     read_text("1234").units);
    assert_int_equal(tg_decimal_quantize(a, 8, TG_ROUND_UP, &overflow).units, a.units);
    assert_int_equal(tg_decimal_quantize(units(-1), 0, TG_ROUND_FLOOR, &overflow).units, -ONE);
    assert_int_equal(tg_decimal_quantize(units(INT64_MAX), 0, TG_ROUND_DOWN, &overflow).units,
                     92233720368 * ONE);
    assert_false(overflow);
    tg_decimal_quantize(units(INT64_MAX), 0, TG_ROUND_UP, &overflow);
    assert_true(overflow);
    overflow = false;
    tg_decimal_quantize(units(-INT64_MAX), 7, TG_ROUND_HALF_EVEN, &overflow);
    assert_true(overflow);
}

static void parse_accepts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t units;
    } cases[] = {
        {"0", 0},
        {"-0", 0},
        {"-0.000000001", 0},
        {"+1", ONE},
        {"1.5", ONE * 3 / 2},
        {"-45123.45", -4512345000000},
        {"007", 7 * ONE},
        {"0.00000001", 1},
        {"92233720368.54775807", INT64_MAX},
        {"-92233720368.54775807", -INT64_MAX},
        {"92233720368.547758074999", INT64_MAX},
        {"000000000000000000000000000000000000000000001", ONE},
        {"1.000000000000000000000000000000000000000000000000001", ONE},
        /* rounding of the ninth digit: half to even, and what follows a 5 counts */
        {"0.000000005", 0},
        {"0.000000015", 2},
        {"0.000000025", 2},
        {"0.0000000250000000000000000000000000001", 3},
        {"-0.000000015", -2},
        {"0.0000000049999999999999", 0},
        {"0.999999995", ONE},
        {"0.999999994", 99999999},
        /* with an exponent */
        {"1e0", ONE},
        {"1E3", 1000 * ONE},
        {"1e+3", 1000 * ONE},
        {"1.25e-2", 1250000},
        {"1e-8", 1},
        {"5e-9", 0},
        {"6e-9", 1},
        {"15e-9", 2},
        {"1e-9", 0},
        {"9e-10", 0},
        {"123456789e-8", 123456789},
        {"0.0000000000000000000001e22", ONE},
        {"9223372036854775807e-8", INT64_MAX},
        {"0e999999999999999999999", 0},
        {"0.000e99999", 0},
        {"1e-999999999999999999999", 0},
        {"1e10", 10000000000 * ONE},
        {"1e00000000000000000001", 10 * ONE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tg_decimal result = {-1};
        int code = tg_decimal_parse(cases[i].text, strlen(cases[i].text), &result);
        if (code != TG_E_OK || result.units != cases[i].units)
            fail_msg("%s: code %d, units %lld, not %lld", cases[i].text, code,
                     (long long)result.units, (long long)cases[i].units);
    }
}

static void parse_refuses(void **state)
{
    (void)state;
    static const char *const invalid[] = {
        "",      "+",          "-",    ".",   ".5",    "5.",    "1.e3", "--1",      "+-1",
        "1e",    "1e+",        "1e-",  "e5",  "1e5x",  "1e5.0", " 1",   "1 ",       "1 0",
        "1,000", "1_000",      "0x10", "nan", "NaN",   "inf",   "-inf", "infinity", "1.2.3",
        "1..2",  "\xC2\xA0+1", "1d5",  "1/2", "1e5e5", "\n1",
    };
    static const char *const too_large[] = {
        "92233720368.54775808",
        "-92233720368.54775808",
        "92233720368.547758075",
        "1e11",
        "-1e11",
        "100000000000",
        "1e999999999999999999999",
        "99999999999999999999999999999999999999999999999999999999999999999999",
        "9223372036854775808e-8",
        "0.00000000000000000001e50",
    };
    struct tg_decimal result = {42};
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        if (tg_decimal_parse(invalid[i], strlen(invalid[i]), &result) != TG_E_INVALID)
            fail_msg("\"%s\" was not refused", invalid[i]);
    for (size_t i = 0; i < sizeof(too_large) / sizeof(too_large[0]); i++)
        if (tg_decimal_parse(too_large[i], strlen(too_large[i]), &result) != TG_E_OVERFLOW)
            fail_msg("%s did not overflow", too_large[i]);
    assert_int_equal(tg_decimal_parse("1\0", 2, &result), TG_E_INVALID);
    assert_int_equal(result.units, 42);

    char *longest = malloc(257);
    memset(longest, '0', 257);
    assert_int_equal(tg_decimal_parse(longest, 256, &result), TG_E_OK);
    assert_int_equal(tg_decimal_parse(longest, 257, &result), TG_E_INVALID);
    free(longest);
}

/* Exactly sized memory: a read past the end shows under the address sanitizer. */
static void parse_stays_inside_the_text(void **state)
{
    (void)state;
    static const char *const texts[] = {"1", "-", "1.", "1e", "1e+", "1.5", "12"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        size_t length = strlen(texts[i]);
        char *copy = malloc(length);
        memcpy(copy, texts[i], length);
        struct tg_decimal result;
        tg_decimal_parse(copy, length, &result);
        free(copy);
    }
}

static void format_is_shortest(void **state)
{
    (void)state;
    check_format(0, "0");
    check_format(1, "0.00000001");
    check_format(-1, "-0.00000001");
    check_format(ONE, "1");
    check_format(-ONE * 5 / 2, "-2.5");
    check_format(4512345000000, "45123.45");
    check_format(INT64_MAX, "92233720368.54775807");
    check_format(-INT64_MAX, "-92233720368.54775807");
    check_format(INT64_MIN, "-92233720368.54775808");
    check_format(100 * ONE, "100");
}

static void format_reads_back(void **state)
{
    (void)state;
    struct tg_random random;
    tg_random_seed(&random, 11);
    for (int i = 0; i < 20000; i++) {
        int64_t value = (int64_t)(tg_random_next(&random) >> (1 + i % 62));
        if (i % 2 != 0)
            value = -value;
        char text[TG_DECIMAL_TEXT_SIZE];
        size_t length = tg_decimal_format(units(value), text);
        struct tg_decimal back;
        assert_int_equal(tg_decimal_parse(text, length, &back), TG_E_OK);
        assert_int_equal(back.units, value);
    }
}

static void format_with_places(void **state)
{
    (void)state;
    static const struct {
        int64_t units;
        unsigned places;
        const char *text;
    } cases[] = {
        {0, 0, "0"},
        {0, 2, "0.00"},
        {ONE, 2, "1.00"},
        {4512345500000, 2, "45123.46"},
        {4512344500000, 2, "45123.44"},
        {-4512344500001, 2, "-45123.45"},
        {-1, 2, "0.00"}, /* never minus nothing */
        {ONE / 2, 0, "0"},
        {ONE * 3 / 2, 0, "2"},
        {-ONE * 3 / 2, 0, "-2"},
        {1, 8, "0.00000001"},
        {INT64_MAX, 8, "92233720368.54775807"},
        {INT64_MAX, 7, "92233720368.5477581"},
        {INT64_MIN, 0, "-92233720369"},
        {99999999999, 2, "1000.00"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[TG_DECIMAL_TEXT_SIZE];
        size_t length = tg_decimal_format_places(units(cases[i].units), cases[i].places, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(length, strlen(cases[i].text));
    }
}

static void from_double_edges(void **state)
{
    (void)state;
    struct tg_decimal result = {42};
    static const double refused[] = {NAN,    INFINITY, -INFINITY, 1e300,
                                     -1e300, 1e11,     -1e11,     92233720368.5478};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(tg_decimal_from_double(refused[i], TG_ROUND_DOWN, &result), TG_E_RANGE);
    assert_int_equal(result.units, 42);
    static const struct {
        double value;
        enum tg_rounding rounding;
        int64_t units;
    } cases[] = {
        {0.0, TG_ROUND_UP, 0},
        {-0.0, TG_ROUND_FLOOR, 0},
        {0.1, TG_ROUND_HALF_EVEN, 10000000},
        {0.29, TG_ROUND_HALF_EVEN, 29000000},
        {0.29, TG_ROUND_DOWN, 28999999}, /* the double is below 0.29 */
        {0.1, TG_ROUND_DOWN, 10000000},  /* the double is above 0.1 */
        {0.1, TG_ROUND_UP, 10000001},
        {-0.1, TG_ROUND_FLOOR, -10000001},
        {-0.1, TG_ROUND_CEILING, -10000000},
        {45123.45, TG_ROUND_HALF_EVEN, 4512345000000},
        {0x1p-9, TG_ROUND_HALF_EVEN, 195312}, /* 195312.5 units: a true tie */
        {0x3p-9, TG_ROUND_HALF_EVEN, 585938}, /* 585937.5 */
        {5e-324, TG_ROUND_UP, 1},
        {5e-324, TG_ROUND_HALF_EVEN, 0},
        {-5e-324, TG_ROUND_FLOOR, -1},
        {-5e-324, TG_ROUND_CEILING, 0},
        {92233720368.0, TG_ROUND_DOWN, 92233720368 * ONE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(tg_decimal_from_double(cases[i].value, cases[i].rounding, &result),
                         TG_E_OK);
        assert_int_equal(result.units, cases[i].units);
    }
}

/* The C library prints a double's exact value; reading that as a decimal must give the same. */
static void from_double_is_exact(void **state)
{
    (void)state;
    struct tg_random random;
    tg_random_seed(&random, 3);
    for (int i = 0; i < 20000; i++) {
        double value = ldexp(tg_random_unit(&random) - 0.5, i % 66 - 29);
        char text[256];
        snprintf(text, sizeof(text), "%.150f", value);
        struct tg_decimal expected = read_text(text), result;
        assert_int_equal(tg_decimal_from_double(value, TG_ROUND_HALF_EVEN, &result), TG_E_OK);
        assert_int_equal(result.units, expected.units);
    }
}

static void check_to_double(int64_t value)
{
    char text[TG_DECIMAL_TEXT_SIZE];
    tg_decimal_format(units(value), text);
    double expected = strtod(text, NULL);
    double result = tg_decimal_to_double(units(value));
    if (memcmp(&result, &expected, sizeof(result)) != 0)
        fail_msg("%s: %.17g is not the nearest, %.17g", text, result, expected);
}

static void to_double_is_the_nearest(void **state)
{
    (void)state;
    static const int64_t edges[] = {0,
                                    1,
                                    -1,
                                    ONE,
                                    INT64_C(1) << 53,
                                    (INT64_C(1) << 53) + 1,
                                    -(INT64_C(1) << 53) - 1,
                                    INT64_MAX,
                                    INT64_MAX - 1,
                                    -INT64_MAX,
                                    INT64_MIN};
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
        check_to_double(edges[i]);
    struct tg_random random;
    tg_random_seed(&random, 5);
    for (int i = 0; i < 100000; i++) {
        int64_t value = (int64_t)(tg_random_next(&random) >> (1 + i % 12));
        check_to_double(i % 2 == 0 ? value : -value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_exact_to_both_ends),
        cmocka_unit_test(sums_past_either_end_overflow),
        cmocka_unit_test(negate_and_absolute),
        cmocka_unit_test(comparisons),
        cmocka_unit_test(multiply_rounds_as_told),
        cmocka_unit_test(multiply_at_both_ends),
        cmocka_unit_test(divide_at_both_ends),
        cmocka_unit_test(scale_keeps_the_whole_product),
        cmocka_unit_test(random_quotients_keep_the_rules),
        cmocka_unit_test(quantize_to_places),
        cmocka_unit_test(parse_accepts),
        cmocka_unit_test(parse_refuses),
        cmocka_unit_test(parse_stays_inside_the_text),
        cmocka_unit_test(format_is_shortest),
        cmocka_unit_test(format_reads_back),
        cmocka_unit_test(format_with_places),
        cmocka_unit_test(from_double_edges),
        cmocka_unit_test(from_double_is_exact),
        cmocka_unit_test(to_double_is_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
