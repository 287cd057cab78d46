/* The writer makes JSON or fails: commas, nesting, escapes, numbers that read back the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/random.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct tg_buffer buffer;
    struct tg_json_writer json;
};

static struct tg_json_writer *begin(struct fixture *fixture)
{
    tg_buffer_init(&fixture->buffer, 0);
    tg_json_begin(&fixture->json, &fixture->buffer);
    return &fixture->json;
}

static void expect(struct fixture *fixture, const char *text)
{
    assert_false(fixture->buffer.failed);
    assert_string_equal(fixture->buffer.data, text);
    tg_buffer_fini(&fixture->buffer);
}

static void expect_failure(struct fixture *fixture)
{
    assert_true(fixture->buffer.failed);
    tg_buffer_fini(&fixture->buffer);
}

static void commas_stand_between_items(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tg_json_writer *json = begin(&fixture);
    tg_json_object_open(json);
    tg_json_put_string(json, "a", "x");
    tg_json_key(json, "b");
    tg_json_array_open(json);
    tg_json_whole(json, 1);
    tg_json_object_open(json);
    tg_json_object_close(json);
    tg_json_object_open(json);
    tg_json_put_flag(json, "t", true);
    tg_json_put_flag(json, "f", false);
    tg_json_object_close(json);
    tg_json_array_open(json);
    tg_json_array_close(json);
    tg_json_null(json);
    tg_json_array_close(json);
    tg_json_put_whole(json, "c", -5);
    tg_json_key(json, "d");
    tg_json_raw(json, "[1,2]");
    tg_json_object_close(json);
    expect(&fixture, "{\"a\":\"x\",\"b\":[1,{},{\"t\":true,\"f\":false},[],null],\"c\":-5,"
                     "\"d\":[1,2]}");
}

static void values_alone(void **state)
{
    (void)state;
    struct fixture fixture;
    tg_json_string(begin(&fixture), NULL);
    expect(&fixture, "null");
    tg_json_string_slice(begin(&fixture), "abc", 2);
    expect(&fixture, "\"ab\"");
    tg_json_array_open(begin(&fixture));
    tg_json_array_close(&fixture.json);
    expect(&fixture, "[]");
}

static void strings_are_escaped(void **state)
{
    (void)state;
    struct fixture fixture;
    tg_json_string(begin(&fixture), "\"\\/\b\f\n\r\t");
    expect(&fixture, "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
    tg_json_string_slice(begin(&fixture), "a\0b\x01\x1f\x7f", 6);
    expect(&fixture, "\"a\\u0000b\\u0001\\u001f\x7f\"");
    tg_json_string(begin(&fixture), "\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80");
    expect(&fixture, "\"\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80\"");
    tg_json_object_open(begin(&fixture));
    tg_json_put_string(&fixture.json, "k\"\n", "");
    tg_json_object_close(&fixture.json);
    expect(&fixture, "{\"k\\\"\\n\":\"\"}");
}

static void what_is_not_utf8_is_replaced(void **state)
{
    (void)state;
    struct fixture fixture;
    tg_json_string(begin(&fixture), "a\xFF"
                                    "b\xC3");
    expect(&fixture, "\"a\xEF\xBF\xBD"
                     "b\xEF\xBF\xBD\"");
    tg_json_string(begin(&fixture),
                   "\xED\xA0\x80"); /* a surrogate: three bytes, none of them good */
    expect(&fixture, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void whole_numbers_to_both_ends(void **state)
{
    (void)state;
    struct fixture fixture;
    tg_json_whole(begin(&fixture), INT64_MIN);
    expect(&fixture, "-9223372036854775808");
    tg_json_whole(begin(&fixture), INT64_MAX);
    expect(&fixture, "9223372036854775807");
}

static void reals_are_the_shortest_that_read_back(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1.0, "1"},
        {0.1, "0.1"},
        {-2.5, "-2.5"},
        {1e300, "1e+300"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {5e-324, "4.94065645841247e-324"},
        {123456789012345678.0, "1.2345678901234568e+17"},
        {70.5, "70.5"},
        {1e15, "1e+15"},
    };
    struct fixture fixture;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tg_json_real(begin(&fixture), cases[i].value);
        expect(&fixture, cases[i].text);
    }
    struct tg_random random;
    tg_random_seed(&random, 21);
    tg_buffer_init(&fixture.buffer, 0);
    for (int i = 0; i < 20000; i++) {
        double value = ldexp(tg_random_unit(&random) - 0.5, i % 200 - 100);
        tg_buffer_clear(&fixture.buffer);
        tg_json_begin(&fixture.json, &fixture.buffer);
        tg_json_real(&fixture.json, value);
        double back = strtod(fixture.buffer.data, NULL);
        assert_memory_equal(&back, &value, sizeof(value));
    }
    tg_buffer_fini(&fixture.buffer);
}

/* Numbers with few digits go another way; the text is what "%.15g" makes of them. */
static void reals_with_few_digits_are_written_the_same(void **state)
{
    (void)state;
    static const double edges[] = {
        0.0,      1e-4,  0.000123, 0.00009, 0.1,       99999999.999999, 1e8,  12345678.5, 0.999999,
        0.000001, 100.0, -0.25,    -0.0,    1.0 / 3.0, 1234.567891,     1e15, 1234567e-7, 42.0};
    struct tg_random random;
    struct fixture fixture;
    char text[40];
    tg_random_seed(&random, 5);
    for (size_t i = 0; i < 100000; i++) {
        double value = (double)(int64_t)(tg_random_next(&random) % 2000000000000) / 1e4;
        value /= pow(10.0, (double)(tg_random_next(&random) % 5));
        if (i < sizeof(edges) / sizeof(edges[0]))
            value = edges[i];
        snprintf(text, sizeof(text), "%.15g", value);
        if (strtod(text, NULL) != value)
            continue;
        tg_json_real(begin(&fixture), value);
        expect(&fixture, text);
    }
}

static void reals_that_are_not_finite_fail(void **state)
{
    (void)state;
    static const double refused[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct fixture fixture;
        struct tg_json_writer *json = begin(&fixture);
        tg_json_object_open(json);
        tg_json_put_real(json, "x", refused[i]);
        tg_json_object_close(json);
        expect_failure(&fixture);
        tg_json_real(begin(&fixture), refused[i]);
        expect_failure(&fixture);
    }
}

static void own_types(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tg_json_writer *json = begin(&fixture);
    struct tg_uuid none = {{0}}, id = {{0x01, 0x7e, [15] = 0xff}};
    tg_json_object_open(json);
    tg_json_put_decimal(json, "price", (struct tg_decimal){4512345000000});
    tg_json_put_uuid(json, "none", &none);
    tg_json_put_uuid(json, "id", &id);
    tg_json_put_time(json, "at", INT64_C(1643673599123000000));
    tg_json_put_real(json, "confidence", 0.75);
    tg_json_object_close(json);
    expect(&fixture, "{\"price\":\"45123.45\",\"none\":null,"
                     "\"id\":\"017e0000-0000-0000-0000-0000000000ff\","
                     "\"at\":\"2022-01-31T23:59:59.123Z\",\"confidence\":0.75}");
}

static void nesting_goes_to_32(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tg_json_writer *json = begin(&fixture);
    for (int i = 0; i < 32; i++) {
        tg_json_array_open(json);
        if (i < 31)
            tg_json_whole(json, i);
    }
    tg_json_whole(json, 1);
    tg_json_whole(json, 2);
    for (int i = 0; i < 32; i++)
        tg_json_array_close(json);
    assert_false(fixture.buffer.failed);
    assert_non_null(strstr(fixture.buffer.data, "[30,[1,2]]"));
    tg_buffer_fini(&fixture.buffer);

    json = begin(&fixture);
    for (int i = 0; i < 33; i++)
        tg_json_array_open(json);
    expect_failure(&fixture);
    json = begin(&fixture);
    for (int i = 0; i < 1000; i++) {
        tg_json_object_open(json);
        tg_json_key(json, "k");
    }
    expect_failure(&fixture);
}

static void misuse_fails(void **state)
{
    (void)state;
    struct fixture fixture;
    tg_json_array_close(begin(&fixture)); /* closes nothing */
    expect_failure(&fixture);
    tg_json_key(begin(&fixture), "k"); /* a key outside of any object */
    expect_failure(&fixture);
    tg_json_array_open(begin(&fixture));
    tg_json_key(&fixture.json, "k");
    expect_failure(&fixture);
    tg_json_object_open(begin(&fixture));
    tg_json_whole(&fixture.json, 1); /* a value without key */
    expect_failure(&fixture);
    tg_json_object_open(begin(&fixture));
    tg_json_key(&fixture.json, "a");
    tg_json_key(&fixture.json, "b");
    expect_failure(&fixture);
    tg_json_object_open(begin(&fixture));
    tg_json_key(&fixture.json, "a");
    tg_json_object_close(&fixture.json);
    expect_failure(&fixture);
    tg_json_object_open(begin(&fixture));
    tg_json_array_close(&fixture.json);
    expect_failure(&fixture);
    tg_json_raw(begin(&fixture), "");
    expect_failure(&fixture);
    tg_json_raw(begin(&fixture), NULL);
    expect_failure(&fixture);
}

static void a_full_buffer_fails(void **state)
{
    (void)state;
    struct fixture fixture;
    tg_buffer_init(&fixture.buffer, 8);
    tg_json_begin(&fixture.json, &fixture.buffer);
    tg_json_string(&fixture.json, "123456");
    assert_false(fixture.buffer.failed);
    tg_buffer_clear(&fixture.buffer);
    tg_json_begin(&fixture.json, &fixture.buffer);
    tg_json_string(&fixture.json, "1234567");
    expect_failure(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_between_items),
        cmocka_unit_test(values_alone),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(what_is_not_utf8_is_replaced),
        cmocka_unit_test(whole_numbers_to_both_ends),
        cmocka_unit_test(reals_are_the_shortest_that_read_back),
        cmocka_unit_test(reals_with_few_digits_are_written_the_same),
        cmocka_unit_test(reals_that_are_not_finite_fail),
        cmocka_unit_test(own_types),
        cmocka_unit_test(nesting_goes_to_32),
        cmocka_unit_test(misuse_fails),
        cmocka_unit_test(a_full_buffer_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
