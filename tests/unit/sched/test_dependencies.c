/* Dependencies: per symbol, fresh, newer than the dependant's last run, or the slot is skipped. */
#include "sched_fixture.h"

struct pair {
    struct plan plan;
    uint32_t needed, dependant;
};

/* The dependant is added first, so that only the dependency can put it behind. */
static void pair_open(struct pair *pair, int64_t needed_seconds, int64_t dependant_seconds,
                      uint32_t symbols)
{
    struct sched_task_options dependant = task_of("dependant", dependant_seconds);
    struct sched_task_options needed = task_of("needed", needed_seconds);
    dependant.depends_on[0] = "needed";
    dependant.depends_on_count = 1;
    plan_open(&pair->plan, 8, symbols);
    pair->dependant = plan_task(&pair->plan, &dependant);
    pair->needed = plan_task(&pair->plan, &needed);
    plan_start(&pair->plan);
}

static void test_shared_slot_runs_the_dependency_first(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 60, 300, 2);
    struct sched_run btc = plan_expect(&pair.plan, pair.needed, 0);
    struct sched_run xrp = plan_expect(&pair.plan, pair.needed, 1);
    plan_expect_none(&pair.plan); /* while the dependency goes on */
    plan_pass(&pair.plan, SECONDS(2));
    plan_end(&pair.plan, &xrp, SCHED_SUCCEEDED);
    /* the dependant of that symbol alone */
    assert_int_equal(plan_run(&pair.plan, pair.dependant, 1).slot, MONDAY);
    plan_expect_none(&pair.plan);
    plan_end(&pair.plan, &btc, SCHED_SUCCEEDED);
    (void)plan_run(&pair.plan, pair.dependant, 0);
    plan_expect_none(&pair.plan);
    plan_close(&pair.plan);
}

/* An old success does not do at a shared slot: the dependant waits for that slot's own run. */
static void test_shared_slot_waits_although_an_older_success_is_fresh(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 60, 120, 1);
    (void)plan_run(&pair.plan, pair.needed, 0);
    (void)plan_run(&pair.plan, pair.dependant, 0);
    plan_pass(&pair.plan, SECONDS(60));
    (void)plan_run(&pair.plan, pair.needed, 0);
    plan_pass(&pair.plan, SECONDS(60));
    struct sched_run run = plan_expect(&pair.plan, pair.needed, 0);
    plan_expect_none(&pair.plan);
    plan_end(&pair.plan, &run, SCHED_FAILED);
    /* it failed, but the success of a minute ago is fresh and newer than the last run */
    (void)plan_run(&pair.plan, pair.dependant, 0);
    plan_close(&pair.plan);
}

/* The same while the dependency has not even begun, because there is no room for it yet. */
static void test_shared_slot_waits_for_a_dependency_without_room(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options needed = task_of("needed", 60);
    struct sched_task_options dependant = task_of("dependant", 120);
    needed.symbols_at_once_max = 1;
    dependant.depends_on[0] = "needed";
    dependant.depends_on_count = 1;
    plan_open(&plan, 8, 2);
    uint32_t source = plan_task(&plan, &needed);
    uint32_t task = plan_task(&plan, &dependant);
    plan_start(&plan);
    (void)plan_run(&plan, source, 0);
    (void)plan_run(&plan, source, 1);
    (void)plan_run(&plan, task, 0);
    (void)plan_run(&plan, task, 1);
    plan_pass(&plan, SECONDS(60));
    (void)plan_run(&plan, source, 0);
    (void)plan_run(&plan, source, 1);
    plan_pass(&plan, SECONDS(60));
    struct sched_run first = plan_expect(&plan, source, 0);
    plan_expect_none(&plan);
    plan_end(&plan, &first, SCHED_SUCCEEDED);
    (void)plan_run(&plan, source, 1);
    (void)plan_run(&plan, task, 0);
    (void)plan_run(&plan, task, 1);
    plan_close(&plan);
}

static void test_skipped_by_its_own_timeout(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 300, 300, 1);
    struct sched_run run = plan_expect(&pair.plan, pair.needed, 0);
    plan_pass(&pair.plan, SECONDS(1));
    plan_end(&pair.plan, &run, SCHED_FAILED);
    plan_expect_none(&pair.plan);
    assert_int_equal(plan_view(&pair.plan, pair.dependant, 0).next_due, MONDAY);
    assert_int_equal(sched_next_time(pair.plan.sched), MONDAY + SECONDS(30));
    plan_pass(&pair.plan, SECONDS(28));
    plan_expect_none(&pair.plan);
    assert_int_equal(plan_skipped_all(&pair.plan, pair.dependant, 0), 0);
    plan_pass(&pair.plan, SECONDS(1));
    plan_expect_none(&pair.plan);
    assert_int_equal(plan_skipped(&pair.plan, pair.dependant, 0, SCHED_SKIP_DEPENDENCY), 1);
    assert_int_equal(plan_view(&pair.plan, pair.dependant, 0).started, 0);
    assert_int_equal(plan_view(&pair.plan, pair.dependant, 0).next_due, MONDAY + SECONDS(300));
    assert_int_equal(sched_next_time(pair.plan.sched), MONDAY + SECONDS(300));
    plan_close(&pair.plan);
}

/* One and a half intervals after the last success is fresh enough, a second more is not. */
static void test_freshness_is_one_and_a_half_intervals(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options needed = task_of("needed", 100);
    struct sched_task_options exact = task_of("exact", 1200);
    struct sched_task_options beyond = task_of("beyond", 1200);
    exact.depends_on[0] = beyond.depends_on[0] = "needed";
    exact.depends_on_count = beyond.depends_on_count = 1;
    exact.offset_ns = SECONDS(150);
    beyond.offset_ns = SECONDS(151);
    plan_open(&plan, 8, 1);
    uint32_t source = plan_task(&plan, &needed);
    uint32_t on_limit = plan_task(&plan, &exact);
    uint32_t over_limit = plan_task(&plan, &beyond);
    plan_start(&plan);
    (void)plan_run(&plan, source, 0);
    plan_pass(&plan, SECONDS(100));
    struct sched_run failing = plan_expect(&plan, source, 0);
    plan_end(&plan, &failing, SCHED_FAILED);
    plan_pass(&plan, SECONDS(50));
    (void)plan_run(&plan, on_limit, 0);
    plan_pass(&plan, SECONDS(1));
    plan_expect_none(&plan);
    plan_pass(&plan, SECONDS(30));
    plan_expect_none(&plan);
    assert_int_equal(plan_skipped(&plan, over_limit, 0, SCHED_SKIP_DEPENDENCY), 1);
    assert_int_equal(plan_view(&plan, over_limit, 0).started, 0);
    plan_close(&plan);
}

/* A dependant more frequent than its dependency runs once for each of its successes. */
static void test_success_must_be_newer_than_the_last_run(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 300, 60, 1);
    (void)plan_run(&pair.plan, pair.needed, 0);
    (void)plan_run(&pair.plan, pair.dependant, 0);
    for (int i = 1; i < 5; i++) {
        plan_pass(&pair.plan, SECONDS(60));
        plan_expect_none(&pair.plan);
    }
    plan_pass(&pair.plan, SECONDS(30));
    plan_expect_none(&pair.plan);
    assert_int_equal(plan_skipped(&pair.plan, pair.dependant, 0, SCHED_SKIP_DEPENDENCY), 4);
    plan_pass(&pair.plan, SECONDS(30));
    (void)plan_run(&pair.plan, pair.needed, 0);
    (void)plan_run(&pair.plan, pair.dependant, 0);
    plan_close(&pair.plan);
}

/* A run that was given out and could not begin is no run: the success is still unused. */
static void test_run_taken_back_does_not_use_up_the_success(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 300, 60, 1);
    (void)plan_run(&pair.plan, pair.needed, 0);
    struct sched_run run = plan_expect(&pair.plan, pair.dependant, 0);
    plan_end(&pair.plan, &run, SCHED_SKIPPED_NO_DATA);
    assert_int_equal(plan_view(&pair.plan, pair.dependant, 0).last_slot, 0);
    plan_pass(&pair.plan, SECONDS(60));
    (void)plan_run(&pair.plan, pair.dependant, 0);
    assert_int_equal(plan_view(&pair.plan, pair.dependant, 0).last_slot, MONDAY + SECONDS(60));
    plan_close(&pair.plan);
}

static void test_disabled_dependency_counts_as_absent(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, 60, 60, 1);
    assert_int_equal(sched_task_enable(pair.plan.sched, pair.needed, false), 0);
    (void)plan_run(&pair.plan, pair.dependant, 0);
    /* enabled again, it is one again */
    assert_int_equal(sched_task_enable(pair.plan.sched, pair.needed, true), 0);
    plan_pass(&pair.plan, SECONDS(60));
    struct sched_run run = plan_expect(&pair.plan, pair.needed, 0);
    plan_expect_none(&pair.plan);
    /* disabled while it goes on, it holds nobody up */
    assert_int_equal(sched_task_enable(pair.plan.sched, pair.needed, false), 0);
    (void)plan_run(&pair.plan, pair.dependant, 0);
    plan_end(&pair.plan, &run, SCHED_SUCCEEDED);
    plan_close(&pair.plan);
}

static void test_hung_dependency_of_one_symbol_holds_up_that_one_only(void **state)
{
    (void)state;
    struct pair pair;
    struct sched_run overdue;
    pair_open(&pair, 60, 60, 2);
    struct sched_run hung = plan_expect(&pair.plan, pair.needed, 0);
    (void)plan_run(&pair.plan, pair.needed, 1);
    (void)plan_run(&pair.plan, pair.dependant, 1);
    plan_pass(&pair.plan, SECONDS(30));
    plan_expect_none(&pair.plan);
    assert_int_equal(plan_skipped(&pair.plan, pair.dependant, 0, SCHED_SKIP_DEPENDENCY), 1);
    assert_int_equal(plan_skipped_all(&pair.plan, pair.dependant, 1), 0);
    assert_true(sched_overdue(pair.plan.sched, pair.plan.monotonic, &overdue));
    assert_int_equal(overdue.number, hung.number);
    plan_end(&pair.plan, &overdue, SCHED_TIMED_OUT);
    assert_false(sched_overdue(pair.plan.sched, pair.plan.monotonic, &overdue));
    plan_close(&pair.plan);
}

/* The default tasks: trading_decision follows both, regime_detection follows ta_analysis. */
static void test_chain_at_a_shared_slot(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options decision = task_of("trading_decision", 3600);
    struct sched_task_options regime = task_of("regime_detection", 300);
    struct sched_task_options ta = task_of("ta_analysis", 60);
    decision.depends_on[0] = "regime_detection";
    decision.depends_on[1] = "ta_analysis";
    decision.depends_on_count = 2;
    regime.depends_on[0] = "ta_analysis";
    regime.depends_on_count = 1;
    plan_open(&plan, 8, 1);
    uint32_t third = plan_task(&plan, &decision);
    uint32_t second = plan_task(&plan, &regime);
    uint32_t first = plan_task(&plan, &ta);
    plan_start(&plan);
    for (int i = 0; i < 60; i++) {
        (void)plan_run(&plan, first, 0);
        if (i % 5 == 0)
            (void)plan_run(&plan, second, 0);
        if (i == 0)
            (void)plan_run(&plan, third, 0);
        plan_expect_none(&plan);
        plan_pass(&plan, SECONDS(60));
    }
    (void)plan_run(&plan, first, 0);
    (void)plan_run(&plan, second, 0);
    (void)plan_run(&plan, third, 0);
    plan_close(&plan);
}

static void expect_start_refused(struct plan *plan, int code, const char *sentence)
{
    assert_int_equal(sched_start(plan->sched, plan->utc, plan->monotonic, &plan->error), code);
    assert_string_equal(plan->error.message, sentence);
    plan_close(plan);
}

static void test_unknown_and_circular_are_refused(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options a = task_of("ta_analysis", 60);
    struct sched_task_options b = task_of("regime_detection", 60);
    b.depends_on_count = 1;

    plan_open(&plan, 0, 1);
    b.depends_on[0] = "ta_analisis";
    (void)plan_task(&plan, &a);
    (void)plan_task(&plan, &b);
    expect_start_refused(&plan, TG_E_NOT_FOUND,
                         "task regime_detection depends on ta_analisis, which is no task (is it "
                         "ta_analysis?)");

    plan_open(&plan, 0, 1);
    b.depends_on[0] = "sentiment_analysis";
    (void)plan_task(&plan, &b);
    expect_start_refused(&plan, TG_E_NOT_FOUND,
                         "task regime_detection depends on sentiment_analysis, which is no task");

    plan_open(&plan, 0, 1);
    b.depends_on[0] = "regime_detection";
    (void)plan_task(&plan, &b);
    expect_start_refused(&plan, TG_E_INVALID,
                         "task regime_detection depends on itself in a circle");

    plan_open(&plan, 0, 1);
    b.depends_on[0] = "ta_analysis";
    a.depends_on[0] = "regime_detection";
    a.depends_on_count = 1;
    (void)plan_task(&plan, &a);
    (void)plan_task(&plan, &b);
    expect_start_refused(&plan, TG_E_INVALID, "task ta_analysis depends on itself in a circle");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared_slot_runs_the_dependency_first),
        cmocka_unit_test(test_shared_slot_waits_although_an_older_success_is_fresh),
        cmocka_unit_test(test_shared_slot_waits_for_a_dependency_without_room),
        cmocka_unit_test(test_skipped_by_its_own_timeout),
        cmocka_unit_test(test_freshness_is_one_and_a_half_intervals),
        cmocka_unit_test(test_success_must_be_newer_than_the_last_run),
        cmocka_unit_test(test_run_taken_back_does_not_use_up_the_success),
        cmocka_unit_test(test_disabled_dependency_counts_as_absent),
        cmocka_unit_test(test_hung_dependency_of_one_symbol_holds_up_that_one_only),
        cmocka_unit_test(test_chain_at_a_shared_slot),
        cmocka_unit_test(test_unknown_and_circular_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
