/*
 * policy eval risk: two hundred cases judged as another engine with the same numbers judged them,
 * and cases that cannot be read.
 */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CASES         200
#define SIZE_RELATIVE 1e-6

/* The lines of a text as JSON roots; the text is changed. */
static size_t read_lines(char *text, struct json_value **roots, size_t capacity)
{
    size_t count = 0;
    for (char *line = text; *line != '\0';) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        assert_true(count < capacity);
        assert_int_equal(json_parse(line, (size_t)(end - line), &roots[count++], NULL), 0);
        line = end + 1;
    }
    return count;
}

static void compare(const struct json_value *asked, const struct json_value *verdict)
{
    const char *wanted = text_at(asked, "expect.status");
    int64_t id = whole_at(asked, "id");
    assert_int_equal(whole_at(verdict, "id"), id);
    if (strcmp(text_at(verdict, "status"), wanted) != 0)
        fail_msg("case %lld: %s instead of %s", (long long)id, text_at(verdict, "status"), wanted);
    if (strcmp(wanted, "rejected") == 0 || strcmp(wanted, "halted") == 0) {
        if (strcmp(text_at(verdict, "code"), text_at(asked, "expect.code")) != 0)
            fail_msg("case %lld: %s instead of %s", (long long)id, text_at(verdict, "code"),
                     text_at(asked, "expect.code"));
        return;
    }
    double size = json_number(at(verdict, "size_usd"));
    double wanted_size = json_number(at(asked, "expect.size_usd"));
    if (!(fabs(size - wanted_size) <= SIZE_RELATIVE * wanted_size))
        fail_msg("case %lld: size %.9f instead of %.9f", (long long)id, size, wanted_size);
    assert_int_equal(whole_at(verdict, "leverage"),
                     (int64_t)json_number(at(asked, "expect.leverage")));
    assert_int_equal(json_kind_of(at(verdict, "code")), JSON_NULL);
}

static void all_cases_agree(void **state)
{
    (void)state;
    static struct json_value *asked[CASES + 1];
    static struct json_value *verdicts[CASES + 1];
    const char *path = shared_file("vectors/risk.jsonl");
    struct run run;
    size_t length;
    char *cases = read_file(path, &length);
    assert_int_equal(read_lines(cases, asked, CASES + 1), CASES);
    run_program(&run, "policy", "eval", "risk", "--input", path, NULL);
    assert_done(&run);
    assert_int_equal(read_lines(run.out, verdicts, CASES + 1), CASES);
    for (size_t i = 0; i < CASES; i++) {
        compare(asked[i], verdicts[i]);
        json_free(asked[i]);
        json_free(verdicts[i]);
    }
    run_free(&run);
    free(cases);
}

#define GOOD                                                                                       \
    "{\"id\": 7, \"proposal\": {\"symbol\": \"BTC/USDT\", \"side\": \"buy\", \"size_usd\": 100, "  \
    "\"entry_price\": 100, \"stop_loss\": 99, \"take_profit\": 103, \"leverage\": 1, "             \
    "\"confidence\": 0.9, \"regime\": \"ranging\"}, \"state\": {\"current_equity\": 10000}}\n"

static void assert_case_refused(const char *line, const char *word)
{
    struct run run;
    const char *path = scratch("cases.jsonl");
    write_file(path, "%s\n%s\n%s", GOOD, line, GOOD);
    run_program(&run, "policy", "eval", "risk", "--input", path, NULL);
    assert_int_equal(run.status, 1);
    assert_holds(run.err, text_of("%s:3:", path));
    assert_holds(run.err, word);
    run_free(&run);
}

static void a_case_that_cannot_be_read_is_named_by_its_line(void **state)
{
    (void)state;
    assert_case_refused("{", "3:1: ");
    assert_case_refused("{\"id\": 1} x", "3:11: ");
    assert_case_refused("[]", "a case is a JSON object");
    assert_case_refused("{\"proposal\": 1, \"state\": {}}", "proposal");
    assert_case_refused("{\"proposal\": {\"symbol\": \"BTC/USDT\"}, \"state\": {}}", "side");
    assert_case_refused("{\"proposal\": {\"symbol\": \"BTC/USDT\", \"side\": \"buy\", "
                        "\"size_usd\": \"much\"}, \"state\": {}}",
                        "size_usd is no number");
    assert_case_refused("{\"id\": NaN}", "");
}

static void a_case_without_surprises_is_approved(void **state)
{
    (void)state;
    struct run run;
    write_file(scratch("good.jsonl"), "\n%s\n", GOOD);
    run_program(&run, "policy", "eval", "risk", "--input", scratch("good.jsonl"), NULL);
    struct json_value *verdict = result_of(&run);
    assert_string_equal(text_at(verdict, "status"), "approved");
    assert_int_equal(whole_at(verdict, "id"), 7);
    assert_true(json_number(at(verdict, "size_usd")) == 100.0);
    json_free(verdict);
    run_free(&run);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_cases_agree),
    cmocka_unit_test(a_case_that_cannot_be_read_is_named_by_its_line),
    cmocka_unit_test(a_case_without_surprises_is_approved),
};
SCENARIO_MAIN("risk_cases")
