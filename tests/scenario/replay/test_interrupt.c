/*
 * A long replay that is interrupted ends at once, with the result so far and a sentence that says
 * so.
 */
#include "harness.h"

#include <string.h>

static const char *const century[] = {"--set", "feeds.BTC/USDT.config.days=36500",
                                      "--set", "feeds.XRP/USDT.config.days=36500",
                                      "--set", "replay.progress=always"};

static void interrupt(struct run *run, const char *const *more)
{
    const char *arguments[16] = {"replay"};
    size_t count = 1;
    for (size_t i = 0; i < sizeof(century) / sizeof(century[0]); i++)
        arguments[count++] = century[i];
    for (; *more != NULL; more++)
        arguments[count++] = *more;
    run_and_interrupt(run, "bars/s", arguments);
    assert_true(run->seconds_to_stop < 1.0 * SCENARIO_PATIENCE);
    assert_int_equal(run->status, 0);
    assert_holds(run->err, "triplegain: interrupted");
}

static void an_interrupted_replay_ends_with_the_result_so_far(void **state)
{
    (void)state;
    struct run run;
    interrupt(&run, (const char *[]){"--json", "--decisions", scratch("part.jsonl"), NULL});
    struct json_value *result = result_of(&run);
    struct decisions decisions;
    assert_true(json_flag(at(result, "interrupted")));
    assert_true(whole_at(result, "bars_used") > 0);
    assert_true(strcmp(text_at(result, "to"), "2100") < 0);
    assert_money_adds_up(result);
    decisions_read(&decisions, scratch("part.jsonl"));
    assert_int_equal(decisions.count, whole_at(result, "decisions"));
    decisions_free(&decisions);
    json_free(result);
    run_free(&run);
}

static void the_table_of_an_interrupted_replay_says_so(void **state)
{
    (void)state;
    struct run run;
    interrupt(&run, (const char *[]){NULL});
    assert_holds(run.out, "INTERRUPTED");
    assert_holds(run.out, "Final equity");
    run_free(&run);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_interrupted_replay_ends_with_the_result_so_far),
    cmocka_unit_test(the_table_of_an_interrupted_replay_says_so),
};
SCENARIO_MAIN("interrupt")
