/* Errors carry code, sentence and the way they came; long ones are cut at a whole character. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

#include <string.h>

static void every_code_has_a_name_and_a_sentence(void **state)
{
    (void)state;
    assert_string_equal(tg_error_name(TG_E_OK), "OK");
    assert_string_equal(tg_error_name(TG_E_NO_MEMORY), "NO_MEMORY");
    assert_string_equal(tg_error_sentence(TG_E_FULL), "the queue is full, try again");
    for (int code = TG_E_UNKNOWN; code <= TG_E_OK; code++) {
        assert_string_not_equal(tg_error_name(code), "UNKNOWN_CODE");
        assert_string_not_equal(tg_error_sentence(code), "UNKNOWN_CODE");
    }
    assert_string_equal(tg_error_name(1), "UNKNOWN_CODE");
    assert_string_equal(tg_error_name(-16), "UNKNOWN_CODE");
    assert_string_equal(tg_error_sentence(-999), "UNKNOWN_CODE");
}

static int fail_below(struct tg_error *error)
{
    return TG_FAIL(error, RANGE, "limits.x: %d is out of range (0 to %d)", 250, 100);
}

static int pass_on(struct tg_error *error)
{
    int code = fail_below(error);
    return TG_PASS(error, code);
}

static void frames_tell_the_way(void **state)
{
    (void)state;
    struct tg_error error = {0};
    assert_int_equal(pass_on(&error), TG_E_RANGE);
    assert_int_equal(error.code, TG_E_RANGE);
    assert_string_equal(error.message, "limits.x: 250 is out of range (0 to 100)");
    assert_int_equal(error.frame_count, 2);
    assert_string_equal(error.frames[0].function, "fail_below");
    assert_string_equal(error.frames[1].function, "pass_on");
    assert_non_null(strstr(error.frames[1].file, "test_error.c"));
    assert_true(error.frames[1].line > error.frames[0].line);
    TG_FAIL(&error, RANGE, "%s", "");
    assert_string_equal(error.message, "");
    fail_below(&error); /* set anew */
    assert_int_equal(error.frame_count, 1);
}

static void frames_are_bounded(void **state)
{
    (void)state;
    struct tg_error error = {0};
    fail_below(&error);
    for (int i = 0; i < 100; i++)
        TG_PASS(&error, TG_E_RANGE);
    assert_int_equal(error.frame_count, TG_ERROR_FRAMES_MAX);
    assert_string_equal(error.frames[0].function, "fail_below");
}

static void passing_what_nobody_explained(void **state)
{
    (void)state;
    struct tg_error error = {0};
    assert_int_equal(TG_PASS(&error, TG_E_IO), TG_E_IO);
    assert_string_equal(error.message, tg_error_sentence(TG_E_IO));
    assert_int_equal(error.frame_count, 1);
    assert_int_equal(TG_PASS(&error, TG_E_FAILED), TG_E_FAILED); /* the code may be translated */
    assert_int_equal(error.code, TG_E_FAILED);
    tg_error_clear(&error);
    assert_int_equal(error.code, 0);
    assert_int_equal(error.frame_count, 0);
    assert_string_equal(error.message, "");
}

static void no_error_wanted(void **state)
{
    (void)state;
    assert_int_equal(pass_on(NULL), TG_E_RANGE);
    tg_error_prefix(NULL, "x: ");
    tg_error_clear(NULL);
}

static void a_message_may_contain_the_old_one(void **state)
{
    (void)state;
    struct tg_error error = {0};
    TG_FAIL(&error, IO, "disk");
    TG_FAIL(&error, FAILED, "store: %s, %s", error.message, error.message);
    assert_string_equal(error.message, "store: disk, disk");
}

static void prefixes(void **state)
{
    (void)state;
    struct tg_error error = {0};
    fail_below(&error);
    tg_error_prefix(&error, "%s:%d:%d: ", "config/risk.yaml", 14, 18);
    assert_string_equal(error.message,
                        "config/risk.yaml:14:18: limits.x: 250 is out of range (0 to 100)");
    assert_int_equal(error.code, TG_E_RANGE);
    tg_error_prefix(&error, "%s", "");
    assert_string_equal(error.message,
                        "config/risk.yaml:14:18: limits.x: 250 is out of range (0 to 100)");
}

static void long_messages_are_cut(void **state)
{
    (void)state;
    struct tg_error error = {0};
    char text[1024];
    memset(text, 'a', sizeof(text));
    text[511] = '\0';
    TG_FAIL(&error, FAILED, "%s", text);
    assert_string_equal(error.message, text); /* exactly full: nothing is lost */
    text[511] = 'a';
    text[512] = '\0';
    TG_FAIL(&error, FAILED, "%s", text);
    assert_int_equal(strlen(error.message), 511);
    assert_string_equal(error.message + 505, "aaa...");
    /* three-byte characters: the cut falls between two of them */
    for (size_t i = 0; i + 3 < sizeof(text); i += 3)
        memcpy(text + i, "\xE2\x82\xAC", 3);
    text[600] = '\0';
    TG_FAIL(&error, FAILED, "%s", text);
    size_t length = strlen(error.message);
    assert_true(length <= 511 && length >= 508);
    assert_string_equal(error.message + length - 3, "...");
    assert_int_equal((length - 3) % 3, 0);
}

static void long_prefixes_are_cut(void **state)
{
    (void)state;
    struct tg_error error = {0};
    char text[700];
    memset(text, 'p', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    TG_FAIL(&error, FAILED, "sentence");
    tg_error_prefix(&error, "%s", text);
    assert_int_equal(strlen(error.message), 511);
    assert_string_equal(error.message + 508, "...");
    TG_FAIL(&error, FAILED, "sentence");
    text[503] = '\0';
    tg_error_prefix(&error, "%s", text);
    assert_string_equal(error.message + 503, "sentence"); /* just fits */
    TG_FAIL(&error, FAILED, "sentence");
    tg_error_prefix(&error, "p%s", text);
    assert_int_equal(strlen(error.message), 511);
    assert_string_equal(error.message + 504, "sent...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_name_and_a_sentence),
        cmocka_unit_test(frames_tell_the_way),
        cmocka_unit_test(frames_are_bounded),
        cmocka_unit_test(passing_what_nobody_explained),
        cmocka_unit_test(no_error_wanted),
        cmocka_unit_test(a_message_may_contain_the_old_one),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(long_prefixes_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
