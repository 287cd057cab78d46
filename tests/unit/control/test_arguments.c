/* Command-line arguments: every form that is taken, and the sentence for every one that is not. */
#include "control_fixture.h"

struct given {
    const char *config;
    const char *sets[3];
    struct control_option options[3];
    struct control_command command;
    struct tg_error error;
};

static void prepare(struct given *given)
{
    memset(given, 0, sizeof(*given));
    given->options[0] = (struct control_option){.name = "config",
                                                .value = "FILE",
                                                .meaning = "configuration file",
                                                .values = &given->config};
    given->options[1] = (struct control_option){.name = "set",
                                                .value = "KEY=VALUE",
                                                .meaning = "overrides one key",
                                                .values = given->sets,
                                                .values_max = 3};
    given->options[2] = (struct control_option){.name = "json", .meaning = "prints JSON"};
    given->command = (struct control_command){.name = "explain",
                                              .arguments = "ID",
                                              .meaning = "Explains one decision.",
                                              .more = "  ID is any of its ids.\n",
                                              .options = given->options,
                                              .option_count = 3,
                                              .arguments_min = 1,
                                              .arguments_max = 2};
}

static int read_words(struct given *given, char **words)
{
    int count = 0;
    while (words[count] != NULL)
        count++;
    return control_read_arguments(&given->command, count, words, 2, &given->error);
}

#define READ(given, ...) read_words((given), (char *[]){"triplegain", "explain", __VA_ARGS__, NULL})

static void test_every_form(void **state)
{
    (void)state;
    struct given given;
    prepare(&given);
    assert_int_equal(READ(&given, "--config", "a.yaml", "first", "--set=x=1", "--json", "--set",
                          "y=2", "second"),
                     0);
    assert_string_equal(control_value(&given.command, "config"), "a.yaml");
    assert_string_equal(given.config, "a.yaml");
    assert_int_equal(given.options[1].count, 2);
    assert_string_equal(given.sets[0], "x=1");
    assert_string_equal(given.sets[1], "y=2");
    assert_true(control_flag(&given.command, "json"));
    assert_int_equal(given.command.given_count, 2);
    assert_string_equal(given.command.given[0], "first");
    assert_string_equal(given.command.given[1], "second");

    prepare(&given);
    assert_int_equal(READ(&given, "only", "--config="), 0);
    assert_string_equal(control_value(&given.command, "config"), "");
    assert_false(control_flag(&given.command, "json"));
    assert_null(control_value(&given.command, "set"));
    assert_null(control_value(&given.command, "nothing"));
    assert_false(control_flag(&given.command, "nothing"));

    prepare(&given); /* after -- all are arguments; - alone is one as well */
    assert_int_equal(READ(&given, "-", "--", "--json"), 0);
    assert_string_equal(given.command.given[0], "-");
    assert_string_equal(given.command.given[1], "--json");
    assert_false(control_flag(&given.command, "json"));
}

#define EXPECT_REFUSED(sentence, ...)                                                              \
    do {                                                                                           \
        struct given given;                                                                        \
        prepare(&given);                                                                           \
        assert_int_equal(READ(&given, __VA_ARGS__), TG_E_INVALID);                                 \
        assert_string_equal(given.error.message, (sentence));                                      \
    } while (0)

static void test_refusals(void **state)
{
    (void)state;
    EXPECT_REFUSED("explain: there is no option --confg (is it --config?)", "--confg", "x");
    EXPECT_REFUSED("explain: there is no option --confg (is it --config?)", "--confg=x");
    EXPECT_REFUSED("explain: there is no option --verbose; see --help", "--verbose");
    EXPECT_REFUSED("explain: there is no option --conf (is it --config?)", "--conf", "x");
    EXPECT_REFUSED("explain: --json takes no value", "id", "--json=yes");
    EXPECT_REFUSED("explain: --config needs a value: --config FILE", "id", "--config");
    EXPECT_REFUSED("explain: --config is given twice", "--config", "a", "--config", "b");
    EXPECT_REFUSED("explain: --json is given twice", "--json", "--json");
    EXPECT_REFUSED("explain: --set comes more than 3 times", "--set", "a=1", "--set", "b=1",
                   "--set", "c=1", "--set", "d=1");
    EXPECT_REFUSED("explain: options have two dashes: --json", "-json");
    EXPECT_REFUSED("explain: c is one argument too many; see --help", "a", "b", "c");
    EXPECT_REFUSED("explain: needs ID; see --help", "--json");
}

static void test_help(void **state)
{
    (void)state;
    static char text[SAID_MAX];
    struct given given;
    prepare(&given);
    FILE *file = tmpfile();
    assert_non_null(file);
    control_print_help(&given.command, file);
    read_all(file, text);
    assert_says(text, "triplegain explain ID [options]\n");
    assert_says(text, "Explains one decision.\n");
    assert_says(text, "  ID is any of its ids.\n");
    assert_says(text, "\n  --config FILE ");
    assert_says(text, " configuration file\n");
    assert_says(text, "\n  --set KEY=VALUE ");
    assert_says(text, "\n  --json ");
    assert_says(text, "\n  --help ");
    assert_says(text, "Exit status: 0 done, 1 refused or failed, 2 wrong usage.\n");
}

/* --help wins over what is wrong behind it, and is neither done nor refused. */
static void test_help_is_asked_for(void **state)
{
    (void)state;
    static struct called called;
    CALL(&called, control_explain, "--help", "--nonsense");
    assert_int_equal(called.status, CONTROL_DONE);
    assert_says(called.out, "triplegain explain ID [options]");
    assert_string_equal(called.err, "");
    CALL(&called, control_policy_eval, "-h");
    assert_int_equal(called.status, CONTROL_DONE);
    assert_says(called.out, "triplegain policy eval risk [options]");
}

static void expect_configuration_refused(const char *path, const char *override,
                                         const char *sentence)
{
    struct conf *conf = NULL;
    struct tg_error error = {0};
    assert_int_not_equal(
        control_load_configuration(path, ".", &override, override != NULL, &conf, &error), 0);
    assert_null(conf);
    assert_says(error.message, sentence);
}

static void test_configuration(void **state)
{
    (void)state;
    struct conf *conf = NULL;
    struct tg_error error = {0};
    const char *overrides[] = {"schedule.runs_at_once_max=3", "account.currency=EUR"};
    if (control_load_configuration(NULL, ".", overrides, 2, &conf, &error) != 0)
        fail_msg("%s", error.message);
    assert_int_equal(conf_whole(conf, "schedule.runs_at_once_max"), 3);
    assert_string_equal(conf_text(conf, "account.currency"), "EUR");
    struct trade_limits limits;
    control_read_limits(conf, &limits);
    assert_int_equal(limits.leverage_max, 5);
    assert_int_equal(limits.position_size_max_pct.units, 20 * TG_DECIMAL_ONE);
    assert_int_equal(limits.positions_max, 5);
    assert_int_equal(limits.entry_orders_per_day_max, 100);
    conf_free(conf);
    expect_configuration_refused("nowhere.yaml", NULL, "nowhere.yaml");
    expect_configuration_refused(NULL, "nothing", "--set nothing: needs KEY=VALUE");
    expect_configuration_refused(NULL, "schedule.runs_at_once_max=0", "schedule.runs_at_once_max");
    expect_configuration_refused(NULL, "schedule.runs_at_once=1", "runs_at_once_max");
}

static void test_errors_are_said(void **state)
{
    (void)state;
    static struct called called;
    CALL(&called, control_policy_eval, "sizing", "--input", "x");
    assert_int_equal(called.status, CONTROL_USAGE);
    assert_string_equal(called.err,
                        "triplegain: policy eval: sizing cannot be judged alone, only risk\n");
    CALL(&called, control_policy_eval, "risk");
    assert_int_equal(called.status, CONTROL_USAGE);
    assert_says(called.err, "triplegain: policy eval: needs --input FILE");
    CALL(&called, control_policy_check, "--config", "nowhere.yaml");
    assert_int_equal(called.status, CONTROL_FAILED);
    assert_says(called.err, "nowhere.yaml");
    assert_string_equal(called.out, "");
}

static void test_policy_check_and_test(void **state)
{
    (void)state;
    static struct called called;
    CALL(&called, control_policy_check, "--config", "config/demo.yaml");
    assert_string_equal(called.err, "");
    assert_int_equal(called.status, CONTROL_DONE);
    assert_says(called.out, "ok      risk.lua");
    CALL(&called, control_policy_test, "--config", "config/demo.yaml");
    assert_int_equal(called.status, CONTROL_DONE);
    assert_says(called.out, "self-tests passed");
    CALL(&called, control_policy_check, "--json");
    assert_int_equal(called.status, CONTROL_DONE);
    assert_int_equal(called.out[0], '[');
    assert_says(called.out, "\"file\":\"risk.lua\"");
    CALL(&called, control_policy_check, "--set", "policy.folder=/nowhere");
    assert_int_equal(called.status, CONTROL_FAILED);
    assert_says(called.err, "/nowhere");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_help_is_asked_for),
        cmocka_unit_test(test_configuration),
        cmocka_unit_test(test_errors_are_said),
        cmocka_unit_test(test_policy_check_and_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
