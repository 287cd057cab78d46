/* The door: what goes in is seen, what comes out is read strictly, whatever it is. */
#include "support.h"

#include <math.h>

static double value_of(const char *body, const struct sample_case *given)
{
    struct fixture fixture;
    open_judge(&fixture, body);
    struct sample_verdict verdict;
    enum lua_outcome outcome = lua_binding_call(fixture.binding, given, &verdict, &fixture.error);
    if (outcome != LUA_OUTCOME_OK)
        fail_msg("%s", fixture.error.message);
    close_vm(&fixture);
    return verdict.value;
}

static void refused_with(const char *body, enum lua_outcome expected, const char *part)
{
    struct fixture fixture;
    open_judge(&fixture, body);
    struct sample_verdict verdict;
    /* Twice: a failure must not change the next call. */
    for (int i = 0; i < 2; i++) {
        enum lua_outcome outcome =
            lua_binding_call(fixture.binding, &plain_case, &verdict, &fixture.error);
        if (outcome != expected || !strstr(fixture.error.message, part))
            fail_msg("%s: %s: %s", body, lua_outcome_text(outcome), fixture.error.message);
        assert_true(verdict.value == 0);
    }
    close_vm(&fixture);
}

static void every_kind_of_field_is_seen(void **state)
{
    (void)state;
    assert_true(value_of("return { value = case.price + case.level + case.count }", &plain_case) ==
                50009);
    assert_true(value_of("return { value = case.flag and 1 or 0 }", &plain_case) == 1);
    assert_true(value_of("return { value = case.symbol == 'BTC/USDT' and 1 or 0 }", &plain_case));
    assert_true(value_of("return { value = case.colour == 'green' and 1 or 0 }", &plain_case) == 1);
    assert_true(value_of("return { value = case.stop == nil and 1 or 0 }", &plain_case) == 1);
    assert_true(value_of("return { value = #case.parts * 100 + case.parts[2].weight }",
                         &plain_case) == 202);
    assert_true(value_of("return { value = case.parts[3] == nil and 1 or 0 }", &plain_case) == 1);
    assert_true(value_of("local n = 0 for _, p in ipairs(case.parts) do n = n + p.weight end\n"
                         "return { value = n }",
                         &plain_case) == 3);
}

/* Only what changed is written: it must still be all there, in any order of cases. */
static void cases_follow_each_other(void **state)
{
    (void)state;
    struct fixture fixture;
    open_judge(&fixture,
               "local n = case.price + (case.stop or 1000) + (case.target or 9)\n"
               "for i = 1, #case.parts do n = n + case.parts[i].weight * 10 ^ i end\n"
               "return { value = n, note = case.symbol .. case.colour, whole = #case.parts }");
    struct sample_verdict verdict;
    struct sample_case given = plain_case;
    uint64_t random = 42;
    for (int round = 0; round < 2000; round++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        unsigned draw = (unsigned)(random >> 40);
        given.price = draw % 7;
        given.has_stop = draw & 8;
        given.stop = draw % 5;
        given.target = draw % 2;
        given.colour = (uint8_t)(draw % 3);
        given.part_count = draw / 16 % 5;
        snprintf(given.symbol, sizeof given.symbol, "S%u", draw % 4);
        double expected = given.price + (given.has_stop ? given.stop + given.target : 1009);
        for (uint32_t i = 0; i < 4; i++) {
            given.parts[i].weight = draw / 64 % (i + 2);
            if (i < given.part_count)
                expected += given.parts[i].weight * pow(10, i + 1);
        }
        assert_int_equal(lua_binding_call(fixture.binding, &given, &verdict, &fixture.error), 0);
        assert_true(verdict.value == expected);
        assert_int_equal(verdict.whole, given.part_count);
        char note[32];
        snprintf(note, sizeof note, "%s%s", given.symbol, colours[given.colour]);
        assert_string_equal(verdict.note, note);
    }
    close_vm(&fixture);
}

static void cases_that_are_wrong_are_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    open_judge(&fixture, "return { value = case.stop or 0 }");
    struct sample_verdict verdict;
    struct sample_case given = plain_case;
    given.price = (double)NAN;
    assert_int_equal(lua_binding_call(fixture.binding, &given, &verdict, &fixture.error),
                     LUA_OUTCOME_RUNTIME);
    assert_non_null(strstr(fixture.error.message, "price is not a finite number"));
    given = plain_case;
    given.colour = 3;
    assert_int_equal(lua_binding_call(fixture.binding, &given, &verdict, &fixture.error),
                     LUA_OUTCOME_RUNTIME);
    given = plain_case;
    memset(given.symbol, 'x', sizeof given.symbol);
    assert_int_equal(lua_binding_call(fixture.binding, &given, &verdict, &fixture.error),
                     LUA_OUTCOME_RUNTIME);
    given = plain_case;
    given.part_count = 5;
    assert_int_equal(lua_binding_call(fixture.binding, &given, &verdict, &fixture.error),
                     LUA_OUTCOME_RUNTIME);
    /* And after all that a good one. */
    assert_int_equal(lua_binding_call(fixture.binding, &plain_case, &verdict, &fixture.error),
                     LUA_OUTCOME_OK);
    close_vm(&fixture);
}

static void results_are_read(void **state)
{
    (void)state;
    struct fixture fixture;
    open_judge(&fixture,
               "return { value = 1.5, whole = 3.0, colour = 'blue', flag = true, code = 'OK',\n"
               "  note = string.rep('é', 40), colours = { 'red', 'blue' },\n"
               "  parts = { { name = 'x', weight = 2 } } }");
    struct sample_verdict verdict;
    assert_int_equal(lua_binding_call(fixture.binding, &plain_case, &verdict, &fixture.error),
                     LUA_OUTCOME_OK);
    assert_true(verdict.value == 1.5 && verdict.whole == 3 && verdict.flag);
    assert_int_equal(verdict.colour, 2);
    assert_string_equal(verdict.code, "OK");
    assert_int_equal(strlen(verdict.note), 30); /* 15 characters of two bytes, none cut */
    assert_int_equal(verdict.colour_count, 2);
    assert_int_equal(verdict.colours[1], 2);
    assert_string_equal(verdict.parts[0].name, "x");
    close_vm(&fixture);
}

/* I6 */
static void results_of_odd_type_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body, *part;
    } odd[] = {
        {"return", "verdict is a nil"},
        {"return 7", "verdict is a number"},
        {"return 'nan'", "verdict is a string"},
        {"return function() end", "verdict is a function"},
        {"return {}", "verdict.value is missing"},
        {"return case", "verdict.value is missing"},
        {"return { value = 'nan' }", "must be a number, not a string"},
        {"return { value = '1' }", "must be a number, not a string"},
        {"return { value = 0/0 }", "must be a finite number"},
        {"return { value = math.huge }", "must be a finite number"},
        {"return { value = -math.huge }", "must be a finite number"},
        {"return { value = {} }", "must be a number, not a table"},
        {"return { value = 1, whole = 1.5 }", "must be a whole number"},
        {"return { value = 1, whole = 2^70 }", "must be a whole number"},
        {"return { value = 1, whole = '3' }", "must be a whole number"},
        {"return { value = 1, flag = 1 }", "must be true or false"},
        {"return { value = 1, colour = 'pink' }", "must be one of red, green, blue"},
        {"return { value = 1, colour = 1 }", "must be one of red, green, blue"},
        {"return { value = 1, colour = 'red\\0' }", "must be one of red, green, blue"},
        {"return { value = 1, code = 'TOO_LONG_A_CODE' }", "at most 7 plain characters"},
        {"return { value = 1, code = 'a\\nb' }", "plain characters"},
        {"return { value = 1, code = '\\xff' }", "plain characters"},
        {"return { value = 1, code = 12 }", "must be a text, not a number"},
        {"return { value = 1, colours = 'red' }", "must be a list"},
        {"return { value = 1, colours = { 'red', 'red', 'red', 'red' } }", "has 4 elements"},
        {"return { value = 1, colours = { 5 } }", "must be one of"},
        {"return { value = 1, parts = { 1 } }", "part is a number"},
        {"return { value = 1, parts = { { weight = 1 } } }", "part.name is missing"},
        {"return { value = 1, parts = { { name = 'x', more = 1 } } }", "has fields beside those"},
        {"return { value = 1, extra = 2 }", "has fields beside those"},
        {"return { value = 1, [1] = 2 }", "has fields beside those"},
        {"local t = { value = 1 } t.parts = { t } return t", "part.name is missing"},
        {"local t = { value = 1 } t.self = t return t", "has fields beside those"},
        {"local t = { value = 1 } for i = 1, 30000 do t[i] = i end return t",
         "has fields beside those"},
    };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        refused_with(odd[i].body, LUA_OUTCOME_BAD_RESULT, odd[i].part);
}

static void config_is_seen_and_read_only(void **state)
{
    (void)state;
    assert_true(value_of("return { value = config.limits.size_max }", &plain_case) == 20);
    assert_true(value_of("return { value = config.limits.by_symbol[case.symbol] }", &plain_case) ==
                3);
    assert_true(value_of("return { value = config.on and config.name == 'default' and 1 or 0 }",
                         &plain_case) == 1);
    assert_true(value_of("return { value = config.absent == nil and 1 or 0 }", &plain_case) == 1);
    refused_with("config.limits.size_max = 90", LUA_OUTCOME_RUNTIME,
                 "read-only: 'size_max' cannot be set");
    refused_with("config.new = 1", LUA_OUTCOME_RUNTIME, "read-only");
    refused_with("config.limits = nil", LUA_OUTCOME_RUNTIME, "read-only");
    refused_with("table.insert(config.limits, 1)", LUA_OUTCOME_RUNTIME, "read-only");
    refused_with("table.sort(case.parts)", LUA_OUTCOME_RUNTIME, "read-only");
    refused_with("table.remove(case.parts)", LUA_OUTCOME_RUNTIME, "read-only");
}

static void case_is_read_only(void **state)
{
    (void)state;
    refused_with("case.price = 1", LUA_OUTCOME_RUNTIME, "read-only: 'price' cannot be set");
    refused_with("case.memory = 1", LUA_OUTCOME_RUNTIME, "read-only");
    refused_with("case.parts[1].weight = 9", LUA_OUTCOME_RUNTIME, "read-only");
    refused_with("case.parts[3] = {}", LUA_OUTCOME_RUNTIME, "read-only");
}

static void functions_that_are_missing_are_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    open_vm(&fixture, "return { judge = 7 }", NULL, 100000, false);
    assert_int_equal(lua_vm_load(fixture.vm, "main.lua", &fixture.module, &fixture.error), 0);
    assert_int_equal(lua_module_bind(fixture.module, "judge", &case_record, &verdict_record,
                                     &fixture.binding, &fixture.error),
                     TG_E_INVALID);
    assert_non_null(strstr(fixture.error.message, "main.lua: its table needs 'judge', a function"));
    close_vm(&fixture);
}

/* A long life: no growth, no garbage that stays. */
static void many_calls_stay_small(void **state)
{
    (void)state;
    struct fixture fixture;
    open_judge(&fixture, "return { value = 1, note = 'price ' .. case.price }");
    struct sample_verdict verdict;
    struct sample_case given = plain_case;
    size_t bytes, high;
    for (int i = 0; i < 100000; i++) {
        given.price = i;
        assert_int_equal(lua_binding_call(fixture.binding, &given, &verdict, &fixture.error), 0);
    }
    lua_vm_memory(fixture.vm, &bytes, &high);
    assert_true(high < (size_t)2 << 20);
    close_vm(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_field_is_seen),
        cmocka_unit_test(cases_follow_each_other),
        cmocka_unit_test(cases_that_are_wrong_are_refused),
        cmocka_unit_test(results_are_read),
        cmocka_unit_test(results_of_odd_type_are_refused),
        cmocka_unit_test(config_is_seen_and_read_only),
        cmocka_unit_test(case_is_read_only),
        cmocka_unit_test(functions_that_are_missing_are_refused),
        cmocka_unit_test(many_calls_stay_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
