/* Buffers grow to their limit and no further; failure sticks until it is cleared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"

#include <stdlib.h>
#include <string.h>

static void empty_buffers(void **state)
{
    (void)state;
    struct tg_buffer buffer;
    tg_buffer_init(&buffer, 0);
    assert_null(buffer.data);
    assert_int_equal(buffer.length, 0);
    tg_buffer_clear(&buffer);
    tg_buffer_fini(&buffer);
    tg_buffer_add(&buffer, NULL, 0);
    assert_false(buffer.failed);
    assert_string_equal(buffer.data, "");
    tg_buffer_fini(&buffer);
    tg_buffer_fini(&buffer); /* twice is harmless */
}

static void writes_follow_each_other(void **state)
{
    (void)state;
    struct tg_buffer buffer;
    tg_buffer_init(&buffer, 0);
    tg_buffer_text(&buffer, "one ");
    tg_buffer_add(&buffer, "two three", 4);
    tg_buffer_format(&buffer, "%d %s", 3, "four");
    tg_buffer_text(&buffer, "");
    assert_string_equal(buffer.data, "one two 3 four");
    assert_int_equal(buffer.length, 14);
    tg_buffer_add(&buffer, "\0x", 2);
    assert_int_equal(buffer.length, 16);
    assert_int_equal(buffer.data[15], 'x');
    assert_int_equal(buffer.data[16], '\0');
    tg_buffer_clear(&buffer);
    assert_string_equal(buffer.data, "");
    assert_true(buffer.capacity > 0);
    tg_buffer_fini(&buffer);
}

static void it_grows(void **state)
{
    (void)state;
    struct tg_buffer buffer;
    tg_buffer_init(&buffer, 0);
    for (int i = 0; i < 100000; i++)
        tg_buffer_format(&buffer, "%06d", i);
    assert_false(buffer.failed);
    assert_int_equal(buffer.length, 600000);
    assert_memory_equal(buffer.data + 599994, "099999", 7);
    tg_buffer_clear(&buffer);
    char *large = malloc(2000000); /* one text far over the capacity */
    memset(large, 'x', 1999999);
    large[1999999] = '\0';
    tg_buffer_format(&buffer, "<%s>", large);
    assert_int_equal(buffer.length, 2000001);
    assert_int_equal(buffer.data[0], '<');
    assert_string_equal(buffer.data + 2000000, ">");
    free(large);
    tg_buffer_fini(&buffer);
}

static void formats_of_every_length(void **state)
{
    (void)state;
    char text[601];
    for (size_t length = 0; length < sizeof(text); length++) {
        struct tg_buffer buffer;
        tg_buffer_init(&buffer, 0);
        tg_buffer_text(&buffer, "start");
        memset(text, 'f', length);
        text[length] = '\0';
        tg_buffer_format(&buffer, "%s", text);
        assert_false(buffer.failed);
        assert_int_equal(buffer.length, 5 + length);
        assert_string_equal(buffer.data + 5, text);
        tg_buffer_fini(&buffer);
    }
}

static void the_limit_is_exact(void **state)
{
    (void)state;
    struct tg_buffer buffer;
    tg_buffer_init(&buffer, 10);
    tg_buffer_text(&buffer, "0123456789");
    assert_false(buffer.failed);
    assert_int_equal(buffer.length, 10);
    tg_buffer_add(&buffer, "", 0);
    assert_false(buffer.failed);
    tg_buffer_add(&buffer, "x", 1);
    assert_true(buffer.failed);
    assert_string_equal(buffer.data, "0123456789");
    tg_buffer_clear(&buffer);
    assert_false(buffer.failed);
    tg_buffer_format(&buffer, "%s", "0123456789");
    assert_false(buffer.failed);
    tg_buffer_clear(&buffer);
    tg_buffer_format(&buffer, "%s", "0123456789x");
    assert_true(buffer.failed);
    assert_int_equal(buffer.length, 0);
    assert_string_equal(buffer.data, "");
    tg_buffer_clear(&buffer);
    tg_buffer_add(&buffer, buffer.data, SIZE_MAX); /* a length that would wrap around */
    assert_true(buffer.failed);
    tg_buffer_fini(&buffer);
}

static void nothing_is_added_after_a_failure(void **state)
{
    (void)state;
    struct tg_buffer buffer;
    tg_buffer_init(&buffer, 5);
    tg_buffer_text(&buffer, "abc");
    tg_buffer_text(&buffer, "defgh");
    assert_true(buffer.failed);
    tg_buffer_text(&buffer, "d");
    tg_buffer_format(&buffer, "%d", 1);
    tg_buffer_add(&buffer, NULL, 0);
    assert_string_equal(buffer.data, "abc");
    assert_true(buffer.failed);
    tg_buffer_fini(&buffer);
    assert_false(buffer.failed);
    assert_int_equal(buffer.limit, 5); /* ready for use again, with the same limit */
}

static void the_default_limit_holds(void **state)
{
    (void)state;
    struct tg_buffer buffer;
    tg_buffer_init(&buffer, 0);
    char *block = calloc(1, 1024 * 1024);
    for (int i = 0; i < 64; i++)
        tg_buffer_add(&buffer, block, 1024 * 1024);
    assert_false(buffer.failed);
    assert_int_equal(buffer.length, 64 * 1024 * 1024);
    tg_buffer_add(&buffer, block, 1);
    assert_true(buffer.failed);
    free(block);
    tg_buffer_fini(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_buffers),
        cmocka_unit_test(writes_follow_each_other),
        cmocka_unit_test(it_grows),
        cmocka_unit_test(formats_of_every_length),
        cmocka_unit_test(the_limit_is_exact),
        cmocka_unit_test(nothing_is_added_after_a_failure),
        cmocka_unit_test(the_default_limit_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
