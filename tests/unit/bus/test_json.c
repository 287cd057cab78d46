/* JSON: what is read, what is refused with line and column, and that the quick check agrees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "bus/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct json_value *parse(const char *text)
{
    struct json_value *root = NULL;
    struct tg_error error;

    tg_error_clear(&error);
    if (json_parse(text, strlen(text), &root, &error) != TG_E_OK)
        fail_msg("refused %s: %s", text, error.message);
    return root;
}

static void test_kinds(void **state)
{
    (void)state;
    struct json_value *root =
        parse("{\"z\": null, \"a\": true, \"m\": -12, \"k\": 1.5e2, "
              "\"s\": \"caf\\u00e9\", \"l\": [1, [2], {}], \"o\": {\"x\": 0}}");
    const char *key = NULL;

    assert_int_equal(json_kind_of(root), JSON_OBJECT);
    assert_int_equal(json_count(root), 7);
    const char *const order[] = {"z", "a", "m", "k", "s", "l", "o"};
    for (size_t i = 0; i < TG_ARRAY_LENGTH(order); i++) {
        assert_non_null(json_member_at(root, i, &key));
        assert_string_equal(key, order[i]);
    }
    assert_null(json_member_at(root, 7, &key));
    assert_int_equal(json_kind_of(json_member(root, "z")), JSON_NULL);
    assert_true(json_flag(json_member(root, "a")));
    assert_true(json_is_whole(json_member(root, "m")));
    assert_int_equal(json_whole(json_member(root, "m")), -12);
    assert_false(json_is_whole(json_member(root, "k")));
    assert_true(json_number(json_member(root, "k")) == 150.0);
    assert_string_equal(json_string(json_member(root, "s")), "caf\xc3\xa9");
    const struct json_value *list = json_member(root, "l");
    assert_int_equal(json_count(list), 3);
    assert_int_equal(json_whole(json_item(json_item(list, 1), 0)), 2);
    assert_int_equal(json_kind_of(json_item(list, 2)), JSON_OBJECT);
    assert_int_equal(json_count(json_item(list, 2)), 0);
    assert_null(json_item(list, 3));
    assert_int_equal(json_whole(json_member(json_member(root, "o"), "x")), 0);
    json_free(root);
}

static void test_wrong_kind_is_harmless(void **state)
{
    (void)state;
    struct json_value *root = parse("[\"text\", 1]");
    const struct json_value *text = json_item(root, 0);

    assert_null(json_member(root, "a"));
    assert_null(json_member_at(root, 0, NULL));
    assert_null(json_item(text, 0));
    assert_false(json_flag(text));
    assert_true(json_number(text) == 0);
    assert_int_equal(json_whole(text), 0);
    assert_int_equal(json_count(text), 0);
    assert_null(json_string(json_item(root, 1)));
    assert_int_equal(json_kind_of(NULL), JSON_NULL);
    json_free(root);
    json_free(NULL);
}

struct verdict {
    const char *text;
    const char *sentence; /* how the refusal begins; NULL: read */
};

static const struct verdict verdicts[] = {
    {"{}", NULL},
    {" [ ] ", NULL},
    {"\"\"", NULL},
    {"-0.5e-10", NULL},
    {"[1,2,3]", NULL},
    {"[[],{},[{}]]", NULL},
    {"{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":2}]}", NULL},
    {"9223372036854775807", NULL},
    {"\"\\ud83d\\ude00\"", NULL},
    {"{\"a\\n\":1,\"b\":\"\\t\\\\\\\"\"}", NULL},
    {"[true,false,null]", NULL},
    {"", "1:"},
    {"  ", "1:"},
    {"{", "1:"},
    {"[1,]", "1:"},
    {"[,1]", "1:"},
    {"{,}", "1:"},
    {"{\"a\":1,}", "1:"},
    {"{\"a\" 1}", "1:"},
    {"{a:1}", "1:"},
    {"{'a':1}", "1:"},
    {"[1 2]", "1:"},
    {"[1]]", "1:"},
    {"[1}", "1:"},
    {"{} {}", "1:"},
    {"nul", "1:"},
    {"True", "1:"},
    {"NaN", "1:"},
    {"[Infinity]", "1:"},
    {"[-]", "1:"},
    {"01", "1:"},
    {"1.", "1:"},
    {".5", "1:"},
    {"+1", "1:"},
    {"1e", "1:"},
    {"0x10", "1:"},
    {"1e400", "1:"},
    {"9223372036854775808", "1:"},
    {"\"a", "1:"},
    {"\"\t\"", "1:"},
    {"\"\\x\"", "1:"},
    {"\"\\ud800\"", "1:"},
    {"\"\\u0000\"", "1:"},
    {"\"\xff\"", "1:"},
    {"\"\xc0\x80\"", "1:"},
    {"\xef\xbb\xbf{}", "1:"},
    {"// note\n1", "1:"},
    {"{\"a\":1,\"a\":2}", "1:"},
    {"{\"a\":1,\"\\u0061\":2}", "1:"},
    {"[{\"b\":[1]},{\"a\":1,\"b\":[],\"a\":{}}]", "1:"},
    {"{\n \"a\": 1,\n \"b\" 2}", "3:"},
};

static void test_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LENGTH(verdicts); i++) {
        const struct verdict *verdict = &verdicts[i];
        struct json_value *root = NULL;
        struct tg_error error;
        enum json_kind kind = JSON_NULL;

        tg_error_clear(&error);
        const int code = json_parse(verdict->text, strlen(verdict->text), &root, &error);
        if ((code == TG_E_OK) != (verdict->sentence == NULL))
            fail_msg("%s: code %d, %s", verdict->text, code, error.message);
        if (code != TG_E_OK && strncmp(error.message, verdict->sentence, 2) != 0)
            fail_msg("%s: the sentence is \"%s\"", verdict->text, error.message);
        /* the quick check says the same, kind and sentence included */
        struct tg_error quick;
        tg_error_clear(&quick);
        assert_int_equal(json_check(verdict->text, strlen(verdict->text), &kind, &quick), code);
        assert_string_equal(quick.message, error.message);
        if (code == TG_E_OK)
            assert_int_equal(kind, json_kind_of(root));
        json_free(root);
    }
}

/* Every prefix, and every text with one byte changed: quick and full verdicts never differ. */
static void test_quick_check_agrees(void **state)
{
    static const char sample[] = "{\"a\": [1, -2.5e3, \"x\\n\", {}], \"bc\": {\"d\": null, "
                                 "\"e\": [true, false, []]}, \"f\": \"\xc3\xa9\"}";
    static const char swaps[] = "\"{}[]:,\\ 0e.-tn\x01\xff";
    char text[sizeof(sample)];
    const size_t length = sizeof(sample) - 1;

    (void)state;
    for (size_t at = 0; at <= length; at++) {
        for (size_t swap = 0; swap < sizeof(swaps); swap++) {
            const bool is_prefix = swap == sizeof(swaps) - 1;
            memcpy(text, sample, sizeof(sample));
            if (at < length && !is_prefix)
                text[at] = swaps[swap];
            const size_t taken = is_prefix ? at : length;
            struct json_value *root = NULL;
            enum json_kind kind;
            const int full = json_parse(text, taken, &root, NULL);
            json_free(root);
            assert_int_equal(json_check(text, taken, &kind, NULL), full);
        }
    }
}

static void test_nesting(void **state)
{
    char text[256];
    struct tg_error error;
    enum json_kind kind;

    (void)state;
    for (size_t depth = 31; depth <= 34; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        struct json_value *root = NULL;
        const int code = json_parse(text, 2 * depth, &root, &error);
        assert_int_equal(code, depth <= JSON_NESTING_MAX ? TG_E_OK : TG_E_RANGE);
        assert_int_equal(json_check(text, 2 * depth, &kind, NULL), code);
        if (code != TG_E_OK)
            assert_string_equal(error.message, "1:33: nested more than 32 levels deep");
        json_free(root);
    }
    /* brackets within strings do not count */
    const char quoted[] = "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[\"";
    assert_int_equal(json_check(quoted, strlen(quoted), &kind, NULL), TG_E_OK);
}

static void test_size(void **state)
{
    (void)state;
    const size_t length = JSON_BYTES_MAX + 1;
    char *text = malloc(length);
    struct json_value *root = NULL;
    enum json_kind kind;

    assert_non_null(text);
    memset(text, ' ', length);
    text[0] = '[';
    text[length - 2] = ']';
    assert_int_equal(json_parse(text, length - 1, &root, NULL), TG_E_OK);
    json_free(root);
    assert_int_equal(json_check(text, length - 1, &kind, NULL), TG_E_OK);
    assert_int_equal(json_parse(text, length, &root, NULL), TG_E_RANGE);
    assert_int_equal(json_check(text, length, &kind, NULL), TG_E_RANGE);
    free(text);
}

static void test_many_keys(void **state)
{
    struct tg_buffer buffer;
    enum json_kind kind;

    (void)state;
    tg_buffer_init(&buffer, 0);
    tg_buffer_text(&buffer, "{\"k0\":0");
    for (int i = 1; i < 500; i++)
        tg_buffer_format(&buffer, ",\"k%d\":%d", i, i);
    const size_t open_length = buffer.length;
    tg_buffer_text(&buffer, "}");
    assert_int_equal(json_check(buffer.data, buffer.length, &kind, NULL), TG_E_OK);
    buffer.length = open_length;
    tg_buffer_text(&buffer, ",\"k7\":7}");
    assert_int_equal(json_check(buffer.data, buffer.length, &kind, NULL), TG_E_INVALID);
    tg_buffer_fini(&buffer);
}

static void test_write(void **state)
{
    static const char text[] = "{\"z\":[1,-2.5,\"a\\\"b\",null],\"a\":{\"t\":true,\"f\":false}}";
    struct tg_buffer buffer;
    struct tg_json_writer writer;

    (void)state;
    struct json_value *root = parse(text);
    tg_buffer_init(&buffer, 0);
    tg_json_begin(&writer, &buffer);
    json_write(root, &writer);
    assert_false(buffer.failed);
    assert_string_equal(buffer.data, text);
    tg_buffer_fini(&buffer);
    json_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),     cmocka_unit_test(test_wrong_kind_is_harmless),
        cmocka_unit_test(test_verdicts),  cmocka_unit_test(test_quick_check_agrees),
        cmocka_unit_test(test_nesting),   cmocka_unit_test(test_size),
        cmocka_unit_test(test_many_keys), cmocka_unit_test(test_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
