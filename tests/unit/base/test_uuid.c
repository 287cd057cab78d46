/* Ids grow strictly whatever the clock does; text reads back, and only that text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/uuid.h"

#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)

static uint64_t milliseconds_of(const struct tg_uuid *id)
{
    uint64_t milliseconds = 0;
    for (int i = 0; i < 6; i++)
        milliseconds = milliseconds << 8 | id->bytes[i];
    return milliseconds;
}

static int order(const struct tg_uuid *a, const struct tg_uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static void layout_is_that_of_version_7(void **state)
{
    (void)state;
    struct tg_uuid7 maker;
    tg_uuid7_init(&maker, 1);
    struct tg_uuid id = tg_uuid7_next(&maker, INT64_C(1643630399123) * MS + 999999);
    assert_true(milliseconds_of(&id) == 1643630399123u);
    assert_int_equal(id.bytes[6] >> 4, 7);
    assert_int_equal((id.bytes[6] & 15) << 8 | id.bytes[7], 0);
    id = tg_uuid7_next(&maker, INT64_C(1643630399123) * MS);
    assert_int_equal((id.bytes[6] & 15) << 8 | id.bytes[7], 1);
    for (int i = 0; i < 1000; i++) {
        id = tg_uuid7_next(&maker, i * MS);
        assert_int_equal(id.bytes[6] >> 4, 7);
        assert_int_equal(id.bytes[8] >> 6, 2);
    }
}

static void ids_grow_while_time_stands_still(void **state)
{
    (void)state;
    struct tg_uuid7 maker;
    tg_uuid7_init(&maker, 2);
    struct tg_uuid last = tg_uuid7_next(&maker, 5000 * MS);
    for (int i = 0; i < 20000; i++) { /* the counter of 4,096 runs over several times */
        struct tg_uuid id = tg_uuid7_next(&maker, 5000 * MS);
        assert_true(order(&id, &last) > 0);
        assert_true(milliseconds_of(&id) == 5000 + (uint64_t)(i + 1) / 4096);
        last = id;
    }
    /* the clock catches up from behind: still growing */
    struct tg_uuid id = tg_uuid7_next(&maker, 5002 * MS);
    assert_true(order(&id, &last) > 0);
    id = tg_uuid7_next(&maker, 6000 * MS);
    assert_true(milliseconds_of(&id) == 6000);
}

static void ids_grow_while_time_goes_back(void **state)
{
    (void)state;
    struct tg_uuid7 maker;
    tg_uuid7_init(&maker, 3);
    static const int64_t times[] = {9000,           8000, 0,    -1,   -5000,
                                    INT64_MIN / MS, 9000, 8999, 9001, 9000};
    struct tg_uuid last = {{0}};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct tg_uuid id = tg_uuid7_next(&maker, times[i] * MS);
        assert_true(order(&id, &last) > 0);
        last = id;
    }
}

static void same_seed_same_ids(void **state)
{
    (void)state;
    struct tg_uuid7 a, b, c;
    tg_uuid7_init(&a, 77);
    tg_uuid7_init(&b, 77);
    tg_uuid7_init(&c, 78);
    struct tg_uuid from_a = tg_uuid7_next(&a, MS), from_b = tg_uuid7_next(&b, MS);
    struct tg_uuid from_c = tg_uuid7_next(&c, MS);
    assert_true(tg_uuid_equal(&from_a, &from_b));
    assert_false(tg_uuid_equal(&from_a, &from_c));
    assert_false(tg_uuid_is_none(&from_a));
    assert_true(tg_uuid_is_none(&(struct tg_uuid){{0}}));
    assert_false(tg_uuid_is_none(&(struct tg_uuid){{[15] = 1}}));
}

static void text_reads_back(void **state)
{
    (void)state;
    static const char text[] = "017eb2a1-0c53-7abc-8def-0123456789ff";
    struct tg_uuid id, again;
    char back[TG_UUID_TEXT_SIZE];
    assert_int_equal(tg_uuid_parse(text, strlen(text), &id), TG_E_OK);
    assert_int_equal(id.bytes[0], 0x01);
    assert_int_equal(id.bytes[4], 0x0c);
    assert_int_equal(id.bytes[15], 0xff);
    tg_uuid_format(&id, back);
    assert_string_equal(back, text);
    static const char upper[] = "017EB2A1-0C53-7ABC-8DEF-0123456789FF";
    assert_int_equal(tg_uuid_parse(upper, strlen(upper), &again), TG_E_OK);
    assert_true(tg_uuid_equal(&id, &again));
    struct tg_uuid7 maker;
    tg_uuid7_init(&maker, 4);
    for (int i = 0; i < 1000; i++) {
        id = tg_uuid7_next(&maker, i * MS);
        tg_uuid_format(&id, back);
        assert_int_equal(tg_uuid_parse(back, 36, &again), TG_E_OK);
        assert_true(tg_uuid_equal(&id, &again));
    }
}

static void other_text_is_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        "017eb2a1-0c53-7abc-8def-0123456789f",
        "017eb2a1-0c53-7abc-8def-0123456789fff",
        "017eb2a10-c53-7abc-8def-0123456789ff",
        "017eb2a1_0c53-7abc-8def-0123456789ff",
        "017eb2a1-0c53-7abc-8def-0123456789fg",
        "017eb2a1-0c53-7abc-8def-01234567 9ff",
        "{17eb2a1-0c53-7abc-8def-0123456789f}",
        "017eb2a10c537abc8def0123456789ff",
        "------------------------------------",
    };
    struct tg_uuid id = {{7}};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        size_t length = strlen(refused[i]);
        char *copy = malloc(length + 1); /* of exact size, for the address sanitizer */
        memcpy(copy, refused[i], length + 1);
        assert_int_equal(tg_uuid_parse(copy, length, &id), TG_E_INVALID);
        free(copy);
    }
    assert_int_equal(id.bytes[0], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_is_that_of_version_7),
        cmocka_unit_test(ids_grow_while_time_stands_still),
        cmocka_unit_test(ids_grow_while_time_goes_back),
        cmocka_unit_test(same_seed_same_ids),
        cmocka_unit_test(text_reads_back),
        cmocka_unit_test(other_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
