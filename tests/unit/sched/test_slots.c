/* Slots: where they lie, that they do not drift, what happens to those that cannot run. */
#include "sched_fixture.h"

static void test_four_weeks_without_drift(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options minute = task_of("ta_analysis", 60);
    struct sched_task_options five = task_of("regime_detection", 300);
    const int64_t end = MONDAY + 28 * TG_NS_PER_DAY;
    const int64_t intervals[] = {SECONDS(60), SECONDS(300)};
    int64_t expected[] = {MONDAY, MONDAY};
    struct sched_run run;
    uint64_t taken = 0;

    five.offset_ns = SECONDS(7);
    expected[1] += SECONDS(7);
    plan_open(&plan, 0, 1);
    (void)plan_task(&plan, &minute);
    (void)plan_task(&plan, &five);
    plan_start(&plan);
    while (plan.utc < end) {
        while (plan_next(&plan, &run)) {
            assert_int_equal(run.slot, expected[run.task]);
            expected[run.task] += intervals[run.task];
            /* every run takes another while, up to almost the whole minute */
            plan_pass(&plan, (int64_t)(run.number * 7919 % 25) * TG_NS_PER_SEC);
            plan_end(&plan, &run, SCHED_SUCCEEDED);
            taken++;
        }
        int64_t next = sched_next_time(plan.sched);
        assert_true(next > plan.utc);
        plan_pass(&plan, next - plan.utc);
    }
    assert_int_equal(plan_view(&plan, 0, 0).succeeded, 28 * 24 * 60);
    assert_int_equal(plan_view(&plan, 1, 0).succeeded, 28 * 24 * 12);
    assert_int_equal(taken, 28 * 24 * 72);
    assert_int_equal(plan_skipped_all(&plan, 0, 0), 0);
    assert_int_equal(plan_skipped_all(&plan, 1, 0), 0);
    plan_close(&plan);
}

static void test_first_slot(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options plain = task_of("plain", 300);
    struct sched_task_options at_once = task_of("at_once", 300);
    at_once.on_start = true;

    plan_open(&plan, 0, 1);
    plan_pass(&plan, SECONDS(30));
    uint32_t first = plan_task(&plan, &plain);
    uint32_t second = plan_task(&plan, &at_once);
    plan_start(&plan);
    assert_int_equal(plan_view(&plan, first, 0).next_due, MONDAY + SECONDS(300));
    struct sched_run run = plan_run(&plan, second, 0);
    assert_int_equal(run.slot, MONDAY + SECONDS(30));
    plan_expect_none(&plan);
    assert_int_equal(sched_next_time(plan.sched), MONDAY + SECONDS(300));
    plan_pass(&plan, SECONDS(269));
    plan_expect_none(&plan);
    plan_pass(&plan, SECONDS(1));
    assert_int_equal(plan_run(&plan, first, 0).slot, MONDAY + SECONDS(300));
    assert_int_equal(plan_run(&plan, second, 0).slot, MONDAY + SECONDS(300));
    plan_expect_none(&plan);
    plan_close(&plan);
}

/* A start exactly on a slot runs that slot once, on_start or not. */
static void test_start_on_a_slot(void **state)
{
    (void)state;
    for (int on_start = 0; on_start < 2; on_start++) {
        struct plan plan;
        struct sched_task_options options = task_of("task", 60);
        options.on_start = on_start == 1;
        plan_open(&plan, 0, 1);
        uint32_t task = plan_task(&plan, &options);
        plan_start(&plan);
        assert_int_equal(plan_run(&plan, task, 0).slot, MONDAY);
        plan_expect_none(&plan);
        assert_int_equal(sched_next_time(plan.sched), MONDAY + SECONDS(60));
        plan_close(&plan);
    }
}

static void test_offset(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options options = task_of("task", 300);
    options.offset_ns = SECONDS(45);
    plan_open(&plan, 0, 1);
    uint32_t task = plan_task(&plan, &options);
    plan_start(&plan);
    plan_expect_none(&plan);
    for (int i = 0; i < 3; i++) {
        plan_pass(&plan, sched_next_time(plan.sched) - plan.utc);
        assert_int_equal(plan.utc, MONDAY + SECONDS(45 + 300 * i));
        assert_int_equal(plan_run(&plan, task, 0).slot, plan.utc);
    }
    plan_close(&plan);
}

static void test_overlap_is_skipped_and_counted(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options options = task_of("slow", 60);
    options.timeout_ns = SECONDS(600);
    plan_open(&plan, 0, 2);
    uint32_t task = plan_task(&plan, &options);
    plan_start(&plan);
    struct sched_run slow = plan_expect(&plan, task, 0);
    (void)plan_run(&plan, task, 1);
    for (int i = 0; i < 3; i++) {
        plan_pass(&plan, SECONDS(60));
        (void)plan_run(&plan, task, 1); /* the other symbol goes on */
        plan_expect_none(&plan);
    }
    assert_int_equal(plan_skipped(&plan, task, 0, SCHED_SKIP_OVERLAP), 3);
    assert_int_equal(plan_skipped_all(&plan, task, 1), 0);
    plan_pass(&plan, SECONDS(20));
    plan_end(&plan, &slow, SCHED_SUCCEEDED);
    plan_expect_none(&plan); /* what was skipped is not made up for */
    plan_pass(&plan, SECONDS(40));
    assert_int_equal(plan_expect(&plan, task, 0).slot, MONDAY + SECONDS(240));
    plan_close(&plan);
}

static void test_missed_slots_run_once(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options options = task_of("task", 60);
    plan_open(&plan, 0, 1);
    uint32_t task = plan_task(&plan, &options);
    plan_start(&plan);
    (void)plan_run(&plan, task, 0);
    plan_pass(&plan, SECONDS(605)); /* nobody looked for ten minutes */
    struct sched_run run = plan_run(&plan, task, 0);
    assert_int_equal(run.slot, MONDAY + SECONDS(600));
    plan_expect_none(&plan);
    assert_int_equal(plan_skipped(&plan, task, 0, SCHED_SKIP_MISSED), 9);
    assert_int_equal(plan_skipped_all(&plan, task, 0), 9);
    plan_pass(&plan, SECONDS(55));
    assert_int_equal(plan_run(&plan, task, 0).slot, MONDAY + SECONDS(660));
    plan_close(&plan);
}

/* From a start between two slots, 00:00:30, the slots are 00:00:30, 00:01 ... 00:05. */
static void test_missed_slots_after_a_start_between_two(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options options = task_of("task", 60);
    options.on_start = true;
    plan_open(&plan, 0, 1);
    plan_pass(&plan, SECONDS(30));
    uint32_t task = plan_task(&plan, &options);
    plan_start(&plan);
    plan_pass(&plan, SECONDS(290));
    assert_int_equal(plan_run(&plan, task, 0).slot, MONDAY + SECONDS(300));
    assert_int_equal(plan_skipped(&plan, task, 0, SCHED_SKIP_MISSED), 5);
    plan_close(&plan);
}

/* A disabled task has no slots: none is missed, and none is made up for. */
static void test_disabled_task_misses_nothing(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options options = task_of("task", 60);
    options.enabled = false;
    plan_open(&plan, 0, 1);
    uint32_t task = plan_task(&plan, &options);
    plan_start(&plan);
    plan_pass(&plan, SECONDS(630));
    plan_expect_none(&plan);
    assert_int_equal(plan_skipped_all(&plan, task, 0), 0);
    assert_int_equal(sched_task_enable(plan.sched, task, true), 0);
    plan_expect_none(&plan);
    plan_pass(&plan, SECONDS(30));
    assert_int_equal(plan_run(&plan, task, 0).slot, MONDAY + SECONDS(660));
    plan_close(&plan);
}

static void expect_refusal(struct plan *plan, const struct sched_task_options *options, int code,
                           const char *sentence)
{
    uint32_t number = 77;
    uint32_t before = sched_task_count(plan->sched);
    assert_int_equal(sched_task_add(plan->sched, options, &number, &plan->error), code);
    assert_string_equal(plan->error.message, sentence);
    assert_int_equal(sched_task_count(plan->sched), before);
    assert_int_equal(number, 77);
}

static void test_bad_tasks_and_symbols(void **state)
{
    (void)state;
    struct plan plan;
    uint32_t number;
    struct sched_task_options good = task_of("task", 60);
    plan_open(&plan, 0, 1);
    (void)plan_task(&plan, &good);
    expect_refusal(&plan, &good, TG_E_EXISTS, "task task is there already");
    struct sched_task_options bad = task_of("No Name", 60);
    expect_refusal(&plan, &bad, TG_E_INVALID, "task No Name: a name is 1 to 63 of a-z 0-9 _");
    bad = task_of("other", 0);
    expect_refusal(&plan, &bad, TG_E_RANGE, "task other: the interval must be 1 s or more");
    bad = task_of("other", -60);
    expect_refusal(&plan, &bad, TG_E_RANGE, "task other: the interval must be 1 s or more");
    bad = task_of("other", 60);
    bad.offset_ns = SECONDS(60);
    expect_refusal(&plan, &bad, TG_E_RANGE,
                   "task other: the offset must be less than the interval");
    bad.offset_ns = -1;
    expect_refusal(&plan, &bad, TG_E_RANGE,
                   "task other: the offset must be less than the interval");
    bad = task_of("other", 60);
    bad.timeout_ns = 0;
    expect_refusal(&plan, &bad, TG_E_RANGE, "task other: the timeout must be more than 0");
    bad = task_of("other", 60);
    bad.depends_on_count = SCHED_DEPENDENCIES_MAX + 1;
    expect_refusal(&plan, &bad, TG_E_RANGE, "task other: more than 8 dependencies");
    assert_int_equal(sched_symbol_add(plan.sched, "BTC/USDT", &number, &plan.error), TG_E_EXISTS);
    assert_string_equal(plan.error.message, "schedule: BTC/USDT is there already");
    assert_int_equal(
        sched_symbol_add(plan.sched, "A_SYMBOL_THAT_IS_TOO_LONG/USDT", &number, &plan.error),
        TG_E_INVALID);
    plan_start(&plan);
    bad = task_of("late", 60);
    expect_refusal(&plan, &bad, TG_E_STATE, "task late comes after the start");
    assert_int_equal(sched_symbol_add(plan.sched, "ETH/USDT", &number, &plan.error), TG_E_STATE);
    assert_int_equal(sched_start(plan.sched, plan.utc, plan.monotonic, &plan.error), TG_E_STATE);
    plan_close(&plan);
}

static void test_nothing_to_do(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_run run;
    plan_open(&plan, 0, 0);
    plan_start(&plan);
    assert_int_equal(sched_next_time(plan.sched), INT64_MAX);
    assert_false(plan_next(&plan, &run));
    assert_false(sched_overdue(plan.sched, plan.monotonic, &run));
    assert_null(sched_symbol_name(plan.sched, 0));
    plan_close(&plan);
    sched_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_four_weeks_without_drift),
        cmocka_unit_test(test_first_slot),
        cmocka_unit_test(test_start_on_a_slot),
        cmocka_unit_test(test_offset),
        cmocka_unit_test(test_overlap_is_skipped_and_counted),
        cmocka_unit_test(test_missed_slots_run_once),
        cmocka_unit_test(test_missed_slots_after_a_start_between_two),
        cmocka_unit_test(test_disabled_task_misses_nothing),
        cmocka_unit_test(test_bad_tasks_and_symbols),
        cmocka_unit_test(test_nothing_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
