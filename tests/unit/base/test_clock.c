/* Times as text, leap days, offsets and garbage; days and weeks; the virtual clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <triplegain/triplegain.h>

static void virtual_clock_stands_still(void **state)
{
    (void)state;
    struct tg_virtual_clock hands = {5};
    struct tg_clock clock = tg_virtual_clock(&hands);
    assert_int_equal(tg_clock_utc(&clock), 5);
    assert_int_equal(tg_clock_monotonic(&clock), 5);
    hands.now_ns = TG_NS_PER_DAY;
    assert_int_equal(tg_clock_utc(&clock), TG_NS_PER_DAY);
    assert_int_equal(tg_clock_monotonic(&clock), TG_NS_PER_DAY);
}

static void check_format(int64_t utc_ns, const char *expected)
{
    char text[TG_TIME_TEXT_SIZE];
    assert_int_equal(tg_time_format(utc_ns, text), strlen(expected));
    assert_string_equal(text, expected);
}

static void format_uses_as_many_digits_as_needed(void **state)
{
    (void)state;
    int64_t second = INT64_C(1643673599) * TG_NS_PER_SEC;
    check_format(0, "1970-01-01T00:00:00Z");
    check_format(second, "2022-01-31T23:59:59Z");
    check_format(second + 123 * TG_NS_PER_MS, "2022-01-31T23:59:59.123Z");
    check_format(second + TG_NS_PER_MS, "2022-01-31T23:59:59.001Z");
    check_format(second + 123456 * TG_NS_PER_US, "2022-01-31T23:59:59.123456Z");
    check_format(second + 1, "2022-01-31T23:59:59.000000001Z");
    check_format(INT64_C(951782400) * TG_NS_PER_SEC, "2000-02-29T00:00:00Z");
    check_format(-1, "1969-12-31T23:59:59.999999999Z");
    check_format(-TG_NS_PER_DAY, "1969-12-31T00:00:00Z");
    check_format(INT64_MAX, "2262-04-11T23:47:16.854775807Z");
    check_format(INT64_MIN, "1677-09-21T00:12:43.145224192Z");
    char text[TG_TIME_TEXT_SIZE];
    assert_int_equal(tg_time_format_minute(second + 1, text), 16);
    assert_string_equal(text, "2022-01-31 23:59");
    tg_time_format_minute(-1, text);
    assert_string_equal(text, "1969-12-31 23:59");
}

static void parse_accepts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *same_as;
    } cases[] = {
        {"2022-01-31", "2022-01-31T00:00:00Z"},
        {"2022-01-31 23:59", "2022-01-31T23:59:00Z"},
        {"2022-01-31T23:59", "2022-01-31T23:59:00Z"},
        {"2022-01-31 23:59:58", "2022-01-31T23:59:58Z"},
        {"2022-01-31T23:59:58.5", "2022-01-31T23:59:58.500Z"},
        {"2022-01-31T23:59:58.123456789Z", "2022-01-31T23:59:58.123456789Z"},
        {"2022-01-31T23:59:58.1234", "2022-01-31T23:59:58.123400Z"},
        {"2022-01-31T23:59:58.000000000Z", "2022-01-31T23:59:58Z"},
        {"2022-01-31 23:59:58+00:00", "2022-01-31T23:59:58Z"},
        {"2022-01-31 23:59:58-00:00", "2022-01-31T23:59:58Z"},
        {"2022-01-31 23:59Z", "2022-01-31T23:59:00Z"},
        {"2022-02-01T01:29:58+01:30", "2022-01-31T23:59:58Z"},
        {"2021-12-31T19:00:00-05:00", "2022-01-01T00:00:00Z"},
        {"2022-01-31T23:59:00+23:59", "2022-01-31T00:00:00Z"},
        {"2020-02-29", "2020-02-29T00:00:00Z"},
        {"2000-02-29T12:00", "2000-02-29T12:00:00Z"},
        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
        {"1969-12-31T23:30:00-01:00", "1970-01-01T00:30:00Z"},
        {"2261-12-31T23:59:59.999999999Z", "2261-12-31T23:59:59.999999999Z"},
    };
    for (size_t i = 0; i < TG_ARRAY_LENGTH(cases); i++) {
        int64_t utc_ns = -1;
        char text[TG_TIME_TEXT_SIZE];
        if (tg_time_parse(cases[i].text, strlen(cases[i].text), &utc_ns) != TG_E_OK)
            fail_msg("%s was refused", cases[i].text);
        tg_time_format(utc_ns, text);
        assert_string_equal(text, cases[i].same_as);
    }
}

static void check_code(const char *text, int expected)
{
    int64_t utc_ns = 42;
    size_t length = strlen(text);
    char *copy = malloc(length + 1); /* without its NUL, for the address sanitizer */
    memcpy(copy, text, length + 1);
    char *exact = realloc(copy, length > 0 ? length : 1);
    int code = tg_time_parse(exact, length, &utc_ns);
    free(exact);
    if (code != expected || utc_ns != 42)
        fail_msg("\"%s\": code %d, not %d", text, code, expected);
}

static void parse_refuses(void **state)
{
    (void)state;
    static const char *const invalid[] = {
        "",
        "now",
        "2022",
        "2022-01",
        "2022-1-31",
        "2022-01-3",
        "22-01-31",
        "2022/01/31",
        "2022-00-10",
        "2022-13-10",
        "2022-01-00",
        "2022-01-32",
        "2022-04-31",
        "2022-02-29", /* no leap year */
        "2100-02-29", /* a century */
        "2020-02-30",
        "2022-01-31Z",
        "2022-01-31T",
        "2022-01-31T23",
        "2022-01-31T23:",
        "2022-01-31T24:00",
        "2022-01-31T23:60",
        "2022-01-31T23:59:60",
        "2022-01-31T23:59:",
        "2022-01-31T23:59:5",
        "2022-01-31T23:59:58.",
        "2022-01-31T23:59:58.Z",
        "2022-01-31T23:59:58.1234567890",
        "2022-01-31T23:59:58,5",
        "2022-01-31T23:59:58z",
        "2022-01-31t23:59:58Z",
        "2022-01-31  23:59",
        "2022-01-31T23:59:58 Z",
        "2022-01-31T23:59:58ZZ",
        "2022-01-31T23:59:58+1:00",
        "2022-01-31T23:59:58+0100",
        "2022-01-31T23:59:58+01",
        "2022-01-31T23:59:58+24:00",
        "2022-01-31T23:59:58+01:60",
        "2022-01-31T23:59:58+",
        "2022-01-31T23:59:58Z+01:00",
        " 2022-01-31",
        "2022-01-31 ",
        "+022-01-31",
        "-022-01-31",
        "2022-+1-31",
        "1643673599",
    };
    for (size_t i = 0; i < TG_ARRAY_LENGTH(invalid); i++)
        check_code(invalid[i], TG_E_INVALID);
    check_code("1969-12-31T23:59:59.999Z", TG_E_RANGE);
    check_code("1970-01-01T00:00:00+00:01", TG_E_RANGE);
    check_code("0000-01-01", TG_E_RANGE);
    check_code("2262-01-01", TG_E_RANGE);
    check_code("2261-12-31T23:59:59-00:01", TG_E_RANGE);
    check_code("9999-12-31T23:59:59", TG_E_RANGE);
}

static void text_reads_back_and_agrees_with_the_library(void **state)
{
    (void)state;
    struct tg_random random;
    tg_random_seed(&random, 13);
    for (int i = 0; i < 50000; i++) {
        int64_t utc_ns = (int64_t)(tg_random_next(&random) % UINT64_C(9214646400000000000));
        if (i % 3 == 0)
            utc_ns -= utc_ns % TG_NS_PER_SEC;
        char text[TG_TIME_TEXT_SIZE];
        size_t length = tg_time_format(utc_ns, text);
        int64_t back;
        assert_int_equal(tg_time_parse(text, length, &back), TG_E_OK);
        assert_true(back == utc_ns);
        time_t seconds = (time_t)(utc_ns / TG_NS_PER_SEC);
        struct tm parts;
        char expected[TG_TIME_TEXT_SIZE];
        strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &parts));
        assert_memory_equal(text, expected, 19);
    }
}

static void every_day_follows_the_last(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 106650; day++) { /* 1970 to 2261 */
        char text[TG_TIME_TEXT_SIZE];
        int64_t back;
        tg_time_format(day * TG_NS_PER_DAY, text);
        assert_int_equal(tg_time_parse(text, 10, &back), TG_E_OK);
        assert_true(back == day * TG_NS_PER_DAY);
    }
}

static void check_start(int64_t (*start)(int64_t), const char *text, const char *expected)
{
    int64_t utc_ns;
    assert_int_equal(tg_time_parse(text, strlen(text), &utc_ns), TG_E_OK);
    check_format(start(utc_ns), expected);
}

static void days_and_weeks_start_at_midnight(void **state)
{
    (void)state;
    check_start(tg_time_day_start, "2022-01-31T23:59:59.999", "2022-01-31T00:00:00Z");
    check_start(tg_time_day_start, "2022-01-31", "2022-01-31T00:00:00Z");
    check_start(tg_time_week_start, "2022-01-31", "2022-01-31T00:00:00Z"); /* a Monday */
    check_start(tg_time_week_start, "2022-02-06T23:59:59", "2022-01-31T00:00:00Z");
    check_start(tg_time_week_start, "2022-02-07T00:00:00", "2022-02-07T00:00:00Z");
    check_start(tg_time_week_start, "2022-01-01T12:00", "2021-12-27T00:00:00Z");
    assert_true(tg_time_day_start(-1) == -TG_NS_PER_DAY);
    assert_true(tg_time_week_start(0) == -3 * TG_NS_PER_DAY);
    assert_true(tg_time_week_start(-3 * TG_NS_PER_DAY) == -3 * TG_NS_PER_DAY);
    assert_true(tg_time_week_start(-3 * TG_NS_PER_DAY - 1) == -10 * TG_NS_PER_DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(virtual_clock_stands_still),
        cmocka_unit_test(format_uses_as_many_digits_as_needed),
        cmocka_unit_test(parse_accepts),
        cmocka_unit_test(parse_refuses),
        cmocka_unit_test(text_reads_back_and_agrees_with_the_library),
        cmocka_unit_test(every_day_follows_the_last),
        cmocka_unit_test(days_and_weeks_start_at_midnight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
