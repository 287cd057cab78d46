/* `policy eval risk`: cases in, verdicts out, and the sentence for each case that is none. */
#include "control_fixture.h"

#include "bus/json.h"
#include "control_int.h"

#define PROPOSAL                                                                                   \
    "\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":1000,\"entry_price\":40000,"            \
    "\"stop_loss\":39200,\"take_profit\":42000,\"leverage\":2,\"confidence\":0.8,"                 \
    "\"regime\":\"trending_bull\""
#define STATE "\"current_equity\":10000"
#define GOOD  "{\"id\":7,\"proposal\":{" PROPOSAL "},\"state\":{" STATE "}}"

struct eval {
    struct conf *conf;
    struct control_policy_settings *settings;
    struct policy *policy;
    struct tg_error error;
    char out[SAID_MAX];
};

static struct eval *eval_open(void)
{
    struct eval *eval = calloc(1, sizeof(*eval));
    assert_non_null(eval);
    if (control_load_configuration("config/demo.yaml", ".", NULL, 0, &eval->conf, &eval->error) !=
            0 ||
        control_policy_settings(eval->conf, NULL, still_clock(), &eval->settings, &eval->error) !=
            0 ||
        policy_create(&eval->settings->options, &eval->policy, &eval->error) != 0)
        fail_msg("%s", eval->error.message);
    return eval;
}

static void eval_close(struct eval *eval)
{
    policy_destroy(eval->policy);
    free(eval->settings);
    conf_free(eval->conf);
    free(eval);
}

/* The answer's code; what was written is in eval->out, the file's name in `path`. */
static int eval_text(struct eval *eval, const char *text, char path[64])
{
    FILE *out = tmpfile();
    assert_non_null(out);
    temporary(path, text);
    tg_error_clear(&eval->error);
    int code = control__eval_risk(eval->policy, eval->conf, path, out, &eval->error);
    read_all(out, eval->out);
    (void)unlink(path);
    return code;
}

static struct json_value *verdict_of(struct eval *eval, const char *text)
{
    char path[64];
    struct json_value *root = NULL;
    if (eval_text(eval, text, path) != 0)
        fail_msg("%s", eval->error.message);
    if (json_parse(eval->out, strlen(eval->out), &root, &eval->error) != 0)
        fail_msg("%s in %s", eval->error.message, eval->out);
    return root;
}

static void test_approved(void **state)
{
    (void)state;
    struct eval *eval = eval_open();
    struct json_value *verdict = verdict_of(eval, GOOD "\n");
    assert_string_equal(json_string(json_member(verdict, "status")), "approved");
    assert_int_equal(json_whole(json_member(verdict, "id")), 7);
    assert_int_equal(json_kind_of(json_member(verdict, "code")), JSON_NULL);
    assert_true(json_number(json_member(verdict, "size_usd")) == 1000.0);
    assert_int_equal(json_whole(json_member(verdict, "leverage")), 2);
    assert_int_equal(json_count(json_member(verdict, "reductions")), 0);
    json_free(verdict);
    eval_close(eval);
}

/* One verdict a line, in the order of the cases; empty lines are none; no newline at the end. */
static void test_lines(void **state)
{
    (void)state;
    struct eval *eval = eval_open();
    char path[64];
    char *at = eval->out;
    assert_int_equal(eval_text(eval,
                               GOOD "\r\n\n  \n{\"proposal\":{" PROPOSAL ",\"side\":\"hold\"},"
                                    "\"state\":{" STATE "}}",
                               path),
                     TG_E_INVALID); /* a key twice is no JSON of ours */
    assert_int_equal(eval_text(eval,
                               GOOD "\r\n\n  \n{\"id\":\"b\",\"extra\":[],\"proposal\":{" PROPOSAL
                                    "},\"state\":{" STATE ",\"daily_pnl_pct\":-6}}",
                               path),
                     0);
    assert_non_null(strstr(at, "{\"id\":7,\"status\":\"approved\""));
    at = strchr(at, '\n');
    assert_non_null(at);
    assert_non_null(
        strstr(at, "\n{\"id\":\"b\",\"status\":\"halted\",\"code\":\"CIRCUIT_BREAKER\""));
    at = strchr(at + 1, '\n');
    assert_non_null(at);
    assert_string_equal(at, "\n");
    assert_int_equal(eval_text(eval, "", path), 0);
    assert_string_equal(eval->out, "");
    eval_close(eval);
}

/* Amounts may be texts, as the host writes them; null is no stop. */
static void test_texts_and_nulls(void **state)
{
    (void)state;
    struct eval *eval = eval_open();
    struct json_value *verdict = verdict_of(
        eval, "{\"proposal\":{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"1000\","
              "\"entry_price\":\"40000\",\"stop_loss\":null,\"leverage\":1,\"confidence\":0.9},"
              "\"state\":{" STATE "}}\n");
    assert_string_equal(json_string(json_member(verdict, "status")), "rejected");
    assert_string_equal(json_string(json_member(verdict, "code")), "STOP_LOSS_REQUIRED");
    assert_int_equal(json_kind_of(json_member(verdict, "id")), JSON_NULL);
    json_free(verdict);
    eval_close(eval);
}

/* Below the smallest order of the configured symbol. */
static void test_smallest_order(void **state)
{
    (void)state;
    struct eval *eval = eval_open();
    struct json_value *verdict = verdict_of(
        eval, "{\"proposal\":{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":3,"
              "\"entry_price\":40000,\"stop_loss\":39200,\"leverage\":1,\"confidence\":0.9},"
              "\"state\":{" STATE "}}\n");
    assert_string_equal(json_string(json_member(verdict, "code")), "BELOW_MINIMUM");
    json_free(verdict);
    eval_close(eval);
}

static void expect_bad(struct eval *eval, const char *text, const char *sentence)
{
    char path[64];
    char expected[256];
    int code = eval_text(eval, text, path);
    (void)snprintf(expected, sizeof(expected), "%s:1: %s", path, sentence);
    assert_string_equal(eval->error.message, expected);
    assert_true(code == TG_E_INVALID || code == TG_E_RANGE);
    assert_string_equal(eval->out, "");
}

#define WITH_STATE(text)    "{\"proposal\":{" PROPOSAL "},\"state\":{" STATE "," text "}}"
#define WITH_PROPOSAL(text) "{\"proposal\":{" text "},\"state\":{" STATE "}}"

static void test_bad_cases(void **state)
{
    (void)state;
    struct eval *eval = eval_open();
    expect_bad(eval, "[1]", "a case is a JSON object");
    expect_bad(eval, "{\"state\":{}}", "proposal is missing or no object");
    expect_bad(eval, "{\"proposal\":5,\"state\":{}}", "proposal is missing or no object");
    expect_bad(eval, "{\"proposal\":{" PROPOSAL "}}", "state is missing or no object");
    expect_bad(eval, "{\"proposal\":{" PROPOSAL "},\"state\":{}}", "current_equity is missing");
    expect_bad(eval, "{\"proposal\":{" PROPOSAL "},\"state\":{\"current_equity\":true}}",
               "current_equity is no number");
    expect_bad(eval, WITH_PROPOSAL("\"side\":\"buy\""), "symbol is missing");
    expect_bad(eval, WITH_PROPOSAL("\"symbol\":5"), "symbol is no text");
    expect_bad(eval, WITH_PROPOSAL("\"symbol\":\"A_SYMBOL_THAT_IS_TOO_LONG/USDT\""),
               "symbol is longer than 23 letters");
    expect_bad(eval, WITH_PROPOSAL("\"symbol\":\"BTC/USDT\",\"side\":\"buy\""),
               "size_usd is missing");
    expect_bad(eval, WITH_PROPOSAL("\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"NaN\""),
               "size_usd is no number");
    expect_bad(eval, "{\"proposal\":{" PROPOSAL "},\"state\":{" STATE "},\"strictness\":\"lax\"}",
               "strictness: lax is no strictness");
    expect_bad(eval, "{\"proposal\":{" PROPOSAL ",\"reduces\":\"yes\"},\"state\":{" STATE "}}",
               "reduces is neither true nor false");
    expect_bad(eval, WITH_STATE("\"volatility_spike_active\":1"),
               "volatility_spike_active is neither true nor false");
    expect_bad(eval, WITH_STATE("\"consecutive_losses\":2.5"),
               "consecutive_losses: must be a whole number from 0 to 1000000000");
    expect_bad(eval, WITH_STATE("\"consecutive_losses\":-1"),
               "consecutive_losses: must be a whole number from 0 to 1000000000");
    expect_bad(eval, WITH_STATE("\"entry_orders_day\":1e300"),
               "entry_orders_day: must be a whole number from 0 to 1000000000");
    expect_bad(eval, WITH_STATE("\"daily_pnl_pct\":[]"), "daily_pnl_pct is no number");
    expect_bad(eval, WITH_STATE("\"positions\":[]"), "positions is no object");
    expect_bad(eval, WITH_STATE("\"positions\":{\"XRP/USDT\":\"10\"}"),
               "positions.XRP/USDT is no number");
    expect_bad(eval, WITH_STATE("\"positions\":{\"XRP/USDT\":-10}"),
               "positions.XRP/USDT is less than 0");
    eval_close(eval);
}

static void test_bad_line_is_named(void **state)
{
    (void)state;
    struct eval *eval = eval_open();
    char path[64];
    char expected[128];
    assert_int_equal(eval_text(eval, GOOD "\n\n{\"proposal\":\n" GOOD "\n", path), TG_E_INVALID);
    (void)snprintf(expected, sizeof(expected),
                   "%s:3:12: ", path); /* of the file, not of the line */
    assert_memory_equal(eval->error.message, expected, strlen(expected));
    /* what came before it was judged */
    assert_int_equal(strncmp(eval->out, "{\"id\":7,", 8), 0);
    assert_int_equal(eval->out[strlen(eval->out) - 1], '\n');
    eval_close(eval);
}

static void test_files(void **state)
{
    (void)state;
    struct eval *eval = eval_open();
    FILE *full = fopen("/dev/full", "w");
    char path[64];
    assert_int_equal(
        control__eval_risk(eval->policy, eval->conf, "/nowhere/cases", stdout, &eval->error),
        TG_E_IO);
    assert_string_equal(eval->error.message,
                        "/nowhere/cases: cannot be read: No such file or directory");
    assert_int_equal(control__eval_risk(eval->policy, eval->conf, "/tmp", stdout, &eval->error),
                     TG_E_IO);
    assert_string_equal(eval->error.message, "/tmp: reading failed: Is a directory");
    if (full != NULL) {
        temporary(path, GOOD "\n");
        assert_int_equal(control__eval_risk(eval->policy, eval->conf, path, full, &eval->error),
                         TG_E_IO);
        assert_string_equal(eval->error.message, "writing failed: No space left on device");
        (void)unlink(path);
        (void)fclose(full);
    }
    eval_close(eval);
}

/* The verdicts that others gave on the same numbers, through the command itself. */
static void test_shared_cases(void **state)
{
    (void)state;
    static struct called called;
    const char *shared = getenv("TRIPLEGAIN_SHARED");
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/vectors/risk.jsonl",
                   shared != NULL ? shared : "../shared");
    if (access(path, R_OK) != 0) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    CALL(&called, control_policy_eval, "risk", "--config", "config/demo.yaml", "--input", path);
    assert_string_equal(called.err, "");
    assert_int_equal(called.status, CONTROL_DONE);
    size_t lines = 0;
    for (const char *at = called.out; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_approved),        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_texts_and_nulls), cmocka_unit_test(test_smallest_order),
        cmocka_unit_test(test_bad_cases),       cmocka_unit_test(test_bad_line_is_named),
        cmocka_unit_test(test_files),           cmocka_unit_test(test_shared_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
