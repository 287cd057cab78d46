/* Bounded copies that never cut, the nearest word, strict UTF-8, strict numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/text.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <triplegain/triplegain.h>

static void copies_fit_or_leave_nothing(void **state)
{
    (void)state;
    char place[5] = "old";
    assert_true(tg_text_copy(place, sizeof(place), "four"));
    assert_string_equal(place, "four");
    assert_false(tg_text_copy(place, sizeof(place), "fives"));
    assert_string_equal(place, "");
    assert_true(tg_text_copy(place, sizeof(place), ""));
    assert_true(tg_text_copy_slice(place, sizeof(place), "abcdef", 3));
    assert_string_equal(place, "abc");
    assert_true(tg_text_copy_slice(place, sizeof(place), NULL, 0));
    assert_string_equal(place, "");
    assert_false(tg_text_copy_slice(place, sizeof(place), "abcdef", 5));
    assert_string_equal(place, "");
    assert_false(tg_text_copy_slice(place, sizeof(place), "a\0b", 3));
    assert_string_equal(place, "");
    place[0] = 'x';
    assert_false(tg_text_copy(place, 0, ""));
    assert_int_equal(place[0], 'x');
}

static void append_is_all_or_nothing(void **state)
{
    (void)state;
    char place[8] = "";
    size_t length = 0;
    assert_true(tg_text_append(place, sizeof(place), &length, "%d", 1234));
    assert_true(tg_text_append(place, sizeof(place), &length, "%s", ""));
    assert_false(tg_text_append(place, sizeof(place), &length, "%s", "5678"));
    assert_string_equal(place, "1234");
    assert_int_equal(length, 4);
    assert_true(tg_text_append(place, sizeof(place), &length, "%s", "567"));
    assert_string_equal(place, "1234567");
    assert_false(tg_text_append(place, sizeof(place), &length, "8"));
    assert_string_equal(place, "1234567");
    length = 8;
    assert_false(tg_text_append(place, sizeof(place), &length, "8"));
    assert_true(tg_text_equal("a", "a"));
    assert_false(tg_text_equal("a", "ab"));
}

static void nearest_word(void **state)
{
    (void)state;
    static const char *const keys[] = {"max_leverage", "max_position_pct", "symbol", "side", "rsi"};
    size_t count = TG_ARRAY_LENGTH(keys);
    assert_string_equal(tg_text_nearest("max_leverge", keys, count), "max_leverage");
    assert_string_equal(tg_text_nearest("max_leverage", keys, count), "max_leverage");
    assert_string_equal(tg_text_nearest("symbols", keys, count), "symbol");
    assert_string_equal(tg_text_nearest("smybol", keys, count), "symbol"); /* neighbours swapped */
    assert_string_equal(tg_text_nearest("sied", keys, count), "side");     /* one swap, not two */
    assert_string_equal(tg_text_nearest("rsl", keys, count), "rsi");
    assert_string_equal(tg_text_nearest("maxleverag", keys, count), "max_leverage");
    assert_null(tg_text_nearest("mxlvrage", keys, count)); /* distance 4 */
    assert_null(tg_text_nearest("sxxe", keys, count));     /* 2 is half of 4 */
    assert_null(tg_text_nearest("", keys, count));
    assert_null(tg_text_nearest("symbol", keys, 0));
    static const char *const letters[] = {"abcdefghij"};
    assert_string_equal(tg_text_nearest("badcfeghij", letters, 1), letters[0]); /* three swaps */
    assert_null(tg_text_nearest("badcfehgij", letters, 1));                     /* four */
    assert_null(tg_text_nearest("badcfeghijX", letters, 1));
    assert_null(tg_text_nearest("bXcdfYghij", letters, 1)); /* half a swap is none */
    assert_string_equal(tg_text_nearest("defghij", letters, 1), letters[0]);
    assert_string_equal(tg_text_nearest("abcdefg", letters, 1), letters[0]);
    assert_null(tg_text_nearest("abcdef", letters, 1));
    static const char *const ties[] = {"bear", "beat"};
    assert_string_equal(tg_text_nearest("beas", ties, 2), "bear"); /* the first of equals */
}

static void nearest_of_long_words(void **state)
{
    (void)state;
    char word[65], candidate[65];
    memset(word, 'a', sizeof(word));
    memset(candidate, 'a', sizeof(candidate));
    word[63] = candidate[63] = '\0';
    word[62] = 'b';
    const char *const candidates[] = {candidate};
    assert_ptr_equal(tg_text_nearest(word, candidates, 1), candidate);
    word[63] = 'a';
    word[64] = '\0';
    assert_null(tg_text_nearest(word, candidates, 1));
    word[63] = '\0';
    candidate[63] = 'a';
    candidate[64] = '\0';
    assert_null(tg_text_nearest(word, candidates, 1));
}

static void names(void **state)
{
    (void)state;
    char longest[65];
    memset(longest, 'a', sizeof(longest));
    longest[63] = '\0';
    assert_true(tg_text_is_name("ta_agent_2"));
    assert_true(tg_text_is_name("0"));
    assert_true(tg_text_is_name("az09_"));
    assert_true(tg_text_is_name(longest));
    longest[63] = 'a';
    longest[64] = '\0';
    assert_false(tg_text_is_name(longest));
    static const char *const refused[] = {"", "Agent", "a-b", "a b", "a.b", "\xC3\xA4", "a\n", "/"};
    for (size_t i = 0; i < TG_ARRAY_LENGTH(refused); i++)
        assert_false(tg_text_is_name(refused[i]));
}

#define CHECK_UTF8(text, expected)                                                                 \
    do {                                                                                           \
        char *copy = malloc(sizeof(text)); /* of exact size, for the address sanitizer */          \
        memcpy(copy, text, sizeof(text) - 1);                                                      \
        char *exact = realloc(copy, sizeof(text) - 1 > 0 ? sizeof(text) - 1 : 1);                  \
        assert_int_equal(tg_text_is_utf8(exact, sizeof(text) - 1), expected);                      \
        free(exact);                                                                               \
    } while (0)

static void utf8_is_strict(void **state)
{
    (void)state;
    CHECK_UTF8("", true);
    CHECK_UTF8("plain\x7F", true);
    CHECK_UTF8("\0", true);
    CHECK_UTF8("\xC2\x80", true);
    CHECK_UTF8("\xDF\xBF", true);
    CHECK_UTF8("\xE0\xA0\x80", true);
    CHECK_UTF8("\xED\x9F\xBF", true); /* the last before the surrogates */
    CHECK_UTF8("\xEE\x80\x80", true);
    CHECK_UTF8("\xEF\xBF\xBF", true);
    CHECK_UTF8("\xF0\x90\x80\x80", true);
    CHECK_UTF8("\xF4\x8F\xBF\xBF", true); /* U+10FFFF */
    CHECK_UTF8("\x80", false);
    CHECK_UTF8("\xC0\x80", false); /* overlong NUL */
    CHECK_UTF8("\xC1\xBF", false);
    CHECK_UTF8("\xC2", false);
    CHECK_UTF8("\xC2\x7F", false);
    CHECK_UTF8("\xC2\xC0", false);
    CHECK_UTF8("\xE0\x9F\xBF", false);
    CHECK_UTF8("\xE2\x82", false);
    CHECK_UTF8("\xE2\x82\x28", false);
    CHECK_UTF8("\xED\xA0\x80", false); /* surrogate */
    CHECK_UTF8("\xED\xBF\xBF", false);
    CHECK_UTF8("\xF0\x8F\xBF\xBF", false);
    CHECK_UTF8("\xF0\x90\x80", false);
    CHECK_UTF8("\xF4\x90\x80\x80", false); /* U+110000 */
    CHECK_UTF8("\xF5\x80\x80\x80", false);
    CHECK_UTF8("\xFF", false);
    CHECK_UTF8("good\xE2\x82\xAC then bad\xFE", false);
    assert_int_equal(tg_text_utf8_sequence("\xE2\x82\xAC", 3), 3);
    assert_int_equal(tg_text_utf8_sequence("\xE2\x82\xAC", 2), 0);
    assert_int_equal(tg_text_utf8_sequence("\xE2\x82\x28", 3), 0);
    assert_int_equal(tg_text_utf8_sequence("a", 1), 1);
    assert_int_equal(tg_text_utf8_sequence("a", 0), 0);
}

static void doubles(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } accepted[] = {{"0", 0},        {"-1.5", -1.5},  {"+2", 2},        {"1e3", 1000},
                    {"1E-3", 0.001}, {"0.1", 0.1},    {"1e308", 1e308}, {"4.9e-324", 4.9e-324},
                    {"1e-400", 0},   {"007.50", 7.5}, {"12e+1", 120}};
    for (size_t i = 0; i < TG_ARRAY_LENGTH(accepted); i++) {
        double value = -99;
        assert_int_equal(tg_text_to_double(accepted[i].text, strlen(accepted[i].text), &value),
                         TG_E_OK);
        assert_true(value == accepted[i].value);
    }
    static const char *const refused[] = {"",      " 1",  "1 ",   "nan", "inf", "-infinity",
                                          "0x1p3", "1e",  "1.",   ".5",  "1,5", "1e5x",
                                          "--1",   "1_0", "1.5f", "+",   "1e+", "1.e1"};
    double value = 42;
    for (size_t i = 0; i < TG_ARRAY_LENGTH(refused); i++)
        assert_int_equal(tg_text_to_double(refused[i], strlen(refused[i]), &value), TG_E_INVALID);
    assert_int_equal(tg_text_to_double("1e309", 5, &value), TG_E_RANGE);
    assert_int_equal(tg_text_to_double("-1e999999", 9, &value), TG_E_RANGE);
    assert_true(value == 42);
    assert_int_equal(tg_text_to_double("12345", 2, &value), TG_E_OK); /* only the slice */
    assert_true(value == 12);
    char long_text[258];
    memset(long_text, '1', sizeof(long_text));
    assert_int_equal(tg_text_to_double(long_text, 256, &value), TG_E_OK);
    assert_int_equal(tg_text_to_double(long_text, 257, &value), TG_E_INVALID);
}

static void whole_numbers(void **state)
{
    (void)state;
    long long value = 42;
    assert_int_equal(tg_text_to_whole("9223372036854775807", 19, &value), TG_E_OK);
    assert_true(value == LLONG_MAX);
    assert_int_equal(tg_text_to_whole("-9223372036854775808", 20, &value), TG_E_OK);
    assert_true(value == LLONG_MIN);
    assert_int_equal(tg_text_to_whole("+0012", 5, &value), TG_E_OK);
    assert_true(value == 12);
    assert_int_equal(tg_text_to_whole("9223372036854775808", 19, &value), TG_E_RANGE);
    assert_int_equal(tg_text_to_whole("-9223372036854775809", 20, &value), TG_E_RANGE);
    static const char *const refused[] = {"",    "+",   "-",   " 1",  "1 ",
                                          "1.0", "1e3", "0x1", "--1", "a"};
    for (size_t i = 0; i < TG_ARRAY_LENGTH(refused); i++)
        assert_int_equal(tg_text_to_whole(refused[i], strlen(refused[i]), &value), TG_E_INVALID);
    assert_true(value == 12);
    char long_text[257];
    memset(long_text, '0', sizeof(long_text));
    assert_int_equal(tg_text_to_whole(long_text, 256, &value), TG_E_OK);
    assert_true(value == 0);
    assert_int_equal(tg_text_to_whole(long_text, 257, &value), TG_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_fit_or_leave_nothing),
        cmocka_unit_test(append_is_all_or_nothing),
        cmocka_unit_test(nearest_word),
        cmocka_unit_test(nearest_of_long_words),
        cmocka_unit_test(names),
        cmocka_unit_test(utf8_is_strict),
        cmocka_unit_test(doubles),
        cmocka_unit_test(whole_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
