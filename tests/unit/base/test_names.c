/* Names get numbers from 1 in order of adding, find them again, and keep to their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/names.h"

#include <stdio.h>
#include <string.h>

static struct tg_names *make_names(uint32_t names_max)
{
    struct tg_names *names = NULL;
    struct tg_error error = {0};
    assert_int_equal(tg_names_create(names_max, &names, &error), TG_E_OK);
    return names;
}

static void create_refuses(void **state)
{
    (void)state;
    struct tg_names *names = NULL;
    struct tg_error error = {0};
    assert_int_equal(tg_names_create(0, &names, &error), TG_E_INVALID);
    assert_int_equal(tg_names_create(1048577, &names, &error), TG_E_INVALID);
    assert_int_equal(tg_names_create(UINT32_MAX, &names, &error), TG_E_INVALID);
    assert_null(names);
    assert_non_null(strstr(error.message, "(1 to 1048576)"));
    tg_names_destroy(NULL);
}

static void numbers_count_from_one(void **state)
{
    (void)state;
    struct tg_names *names = make_names(4);
    assert_int_equal(tg_names_count(names), 0);
    assert_int_equal(tg_names_find(names, "BTC/USDT"), 0);
    assert_int_equal(tg_names_add(names, "BTC/USDT"), 1);
    assert_int_equal(tg_names_add(names, "XRP/USDT"), 2);
    assert_int_equal(tg_names_add(names, "BTC/USDT"), 1);
    assert_int_equal(tg_names_count(names), 2);
    assert_int_equal(tg_names_find(names, "XRP/USDT"), 2);
    assert_int_equal(tg_names_find(names, "XRP/USD"), 0);
    assert_int_equal(tg_names_find(names, "XRP/USDTT"), 0);
    assert_int_equal(tg_names_find(names, ""), 0);
    assert_string_equal(tg_names_text(names, 2), "XRP/USDT");
    assert_null(tg_names_text(names, 0));
    assert_null(tg_names_text(names, 3));
    assert_null(tg_names_text(names, UINT32_MAX));
    tg_names_destroy(names);
}

static void full_refuses_new_and_finds_old(void **state)
{
    (void)state;
    struct tg_names *names = make_names(2);
    assert_int_equal(tg_names_add(names, "a"), 1);
    assert_int_equal(tg_names_add(names, "b"), 2);
    assert_int_equal(tg_names_add(names, "c"), 0);
    assert_int_equal(tg_names_add(names, "a"), 1);
    assert_int_equal(tg_names_find(names, "c"), 0);
    assert_int_equal(tg_names_count(names), 2);
    tg_names_destroy(names);
}

static void lengths_have_a_limit(void **state)
{
    (void)state;
    struct tg_names *names = make_names(4);
    char name[258];
    memset(name, 'n', sizeof(name));
    name[255] = '\0';
    assert_int_equal(tg_names_add(names, name), 1);
    assert_int_equal(tg_names_find(names, name), 1);
    name[255] = 'n';
    name[256] = '\0';
    assert_int_equal(tg_names_add(names, name), 0);
    assert_int_equal(tg_names_find(names, name), 0);
    assert_int_equal(tg_names_add(names, ""), 0);
    assert_int_equal(tg_names_count(names), 1);
    tg_names_destroy(names);
}

static void names_are_copied(void **state)
{
    (void)state;
    struct tg_names *names = make_names(2);
    char name[] = "first";
    assert_int_equal(tg_names_add(names, name), 1);
    memset(name, 'x', sizeof(name) - 1);
    assert_string_equal(tg_names_text(names, 1), "first");
    assert_int_equal(tg_names_find(names, "xxxxx"), 0);
    tg_names_destroy(names);
}

static void every_length_and_ending_differs(void **state)
{
    (void)state;
    struct tg_names *names = make_names(40 * 40);
    uint32_t number = 0;
    char name[48];
    for (size_t length = 1; length <= 40; length++) { /* one letter changed, at each place */
        for (size_t place = 0; place < length; place++) {
            memset(name, 'a', length);
            name[length] = '\0';
            name[place] = '\x80';
            assert_int_equal(tg_names_find(names, name), 0);
            assert_int_equal(tg_names_add(names, name), ++number);
        }
    }
    for (uint32_t i = 1; i <= number; i++)
        assert_int_equal(tg_names_find(names, tg_names_text(names, i)), i);
    tg_names_destroy(names);
}

static void many_names(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    struct tg_names *names = make_names(COUNT);
    char name[32];
    for (uint32_t i = 1; i <= COUNT; i++) {
        snprintf(name, sizeof(name), "source_%u", i * 7);
        assert_int_equal(tg_names_add(names, name), i);
    }
    for (uint32_t i = 1; i <= COUNT; i++) {
        snprintf(name, sizeof(name), "source_%u", i * 7);
        assert_int_equal(tg_names_find(names, name), i);
        snprintf(name, sizeof(name), "source_%u", i * 7 + 1);
        assert_int_equal(tg_names_find(names, name), 0);
    }
    tg_names_destroy(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_refuses),
        cmocka_unit_test(numbers_count_from_one),
        cmocka_unit_test(full_refuses_new_and_finds_old),
        cmocka_unit_test(lengths_have_a_limit),
        cmocka_unit_test(names_are_copied),
        cmocka_unit_test(every_length_and_ending_differs),
        cmocka_unit_test(many_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
