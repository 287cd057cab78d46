/* The wall clock steps, the process sleeps: slots follow UTC, intervals the monotonic clock. */
#include "sched_fixture.h"

static void test_step_forward_runs_once(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options options = task_of("task", 60);
    plan_open(&plan, 0, 1);
    uint32_t task = plan_task(&plan, &options);
    plan_start(&plan);
    (void)plan_run(&plan, task, 0);
    plan_pass(&plan, SECONDS(30));
    plan.utc += TG_NS_PER_HOUR;
    assert_int_equal(plan_run(&plan, task, 0).slot, MONDAY + TG_NS_PER_HOUR);
    plan_expect_none(&plan);
    assert_int_equal(plan_skipped(&plan, task, 0, SCHED_SKIP_MISSED), 59);
    plan_pass(&plan, SECONDS(30));
    assert_int_equal(plan_run(&plan, task, 0).slot, MONDAY + TG_NS_PER_HOUR + SECONDS(60));
    plan_close(&plan);
}

static void test_step_back_goes_on_at_the_new_time(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options options = task_of("task", 60);
    plan_open(&plan, 0, 1);
    plan.utc += 2 * TG_NS_PER_HOUR;
    uint32_t task = plan_task(&plan, &options);
    plan_start(&plan);
    (void)plan_run(&plan, task, 0);
    plan_pass(&plan, SECONDS(30));
    plan.utc -= TG_NS_PER_HOUR;
    plan_expect_none(&plan);
    assert_int_equal(sched_next_time(plan.sched), MONDAY + TG_NS_PER_HOUR + SECONDS(60));
    plan_pass(&plan, SECONDS(30)); /* not an hour later */
    assert_int_equal(plan_run(&plan, task, 0).slot, MONDAY + TG_NS_PER_HOUR + SECONDS(60));
    assert_int_equal(plan_skipped_all(&plan, task, 0), 0);
    plan_close(&plan);
}

/* A slot that waits for its dependency waits as long as it would have without the step. */
static void test_step_does_not_change_how_long_a_slot_waits(void **state)
{
    (void)state;
    for (int direction = -1; direction <= 1; direction += 2) {
        struct plan plan;
        struct sched_task_options needed = task_of("needed", TG_NS_PER_DAY / TG_NS_PER_SEC);
        struct sched_task_options options = task_of("task", TG_NS_PER_DAY / TG_NS_PER_SEC);
        options.depends_on[0] = "needed";
        options.depends_on_count = 1;
        plan_open(&plan, 0, 1);
        uint32_t source = plan_task(&plan, &needed);
        uint32_t task = plan_task(&plan, &options);
        plan_start(&plan);
        struct sched_run run = plan_expect(&plan, source, 0);
        plan_end(&plan, &run, SCHED_FAILED);
        plan_pass(&plan, SECONDS(10));
        plan.utc += direction * TG_NS_PER_HOUR;
        plan_expect_none(&plan);
        if (direction > 0) /* backwards, the slot of this midnight lies ahead again */
            assert_int_equal(sched_next_time(plan.sched), plan.utc + SECONDS(20));
        plan_pass(&plan, SECONDS(19));
        plan_expect_none(&plan);
        assert_int_equal(plan_skipped_all(&plan, task, 0), 0);
        plan_pass(&plan, SECONDS(1));
        plan_expect_none(&plan);
        assert_int_equal(plan_skipped(&plan, task, 0, SCHED_SKIP_DEPENDENCY), 1);
        plan_close(&plan);
    }
}

static void test_freshness_and_timeouts_are_monotonic(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options needed = task_of("needed", 300);
    struct sched_task_options options = task_of("task", 300);
    struct sched_run overdue;
    options.depends_on[0] = "needed";
    options.depends_on_count = 1;
    options.offset_ns = SECONDS(60);
    plan_open(&plan, 0, 1);
    uint32_t source = plan_task(&plan, &needed);
    uint32_t task = plan_task(&plan, &options);
    plan_start(&plan);
    (void)plan_run(&plan, source, 0);
    plan_pass(&plan, SECONDS(1));
    plan.utc += SECONDS(60); /* by the wall clock much more time has passed than really has */
    struct sched_run run = plan_expect(&plan, task, 0);
    plan.utc += TG_NS_PER_HOUR;
    assert_false(sched_overdue(plan.sched, plan.monotonic, &overdue));
    plan_pass(&plan, SECONDS(2));
    plan_end(&plan, &run, SCHED_SUCCEEDED);
    assert_int_equal(plan_view(&plan, task, 0).duration_total_ns, SECONDS(2));
    plan_close(&plan);
}

/* In a suspend the monotonic clock stands still while UTC goes on. */
static void test_suspend(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options minute = task_of("minute", 60);
    struct sched_task_options hour = task_of("hour", 3600);
    struct sched_run run;
    plan_open(&plan, 0, 2);
    (void)plan_task(&plan, &minute);
    (void)plan_task(&plan, &hour);
    plan_start(&plan);
    while (plan_next(&plan, &run))
        plan_end(&plan, &run, SCHED_SUCCEEDED);
    plan.utc += 8 * TG_NS_PER_HOUR + SECONDS(61);
    plan_pass(&plan, SECONDS(1));
    for (uint32_t t = 0; t < 2; t++)
        for (uint32_t s = 0; s < 2; s++) {
            uint32_t task = 1 - t; /* the older slot first */
            run = plan_run(&plan, task, s);
            assert_int_equal(run.slot, MONDAY + 8 * TG_NS_PER_HOUR + (task == 0 ? SECONDS(60) : 0));
        }
    plan_expect_none(&plan);
    assert_int_equal(plan_skipped(&plan, 0, 0, SCHED_SKIP_MISSED), 480);
    assert_int_equal(plan_skipped(&plan, 1, 1, SCHED_SKIP_MISSED), 7);
    plan_close(&plan);
}

/* Steps of less than a second, as a time daemon makes them, repeat and lose no slot. */
static void test_small_corrections(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options options = task_of("task", 60);
    struct sched_run run;
    uint64_t started = 0;
    plan_open(&plan, 0, 1);
    (void)plan_task(&plan, &options);
    plan_start(&plan);
    for (int i = 0; i < 24 * 60 * 6; i++) { /* 10 s a turn, a day */
        while (plan_next(&plan, &run)) {
            plan_end(&plan, &run, SCHED_SUCCEEDED);
            started++;
        }
        plan_pass(&plan, SECONDS(10));
        plan.utc += (i % 3 - 1) * 400 * TG_NS_PER_MS + TG_NS_PER_MS;
    }
    int64_t slots = (plan.utc - MONDAY) / SECONDS(60);
    assert_true(started == (uint64_t)slots || started == (uint64_t)slots + 1);
    assert_int_equal(plan_skipped_all(&plan, 0, 0), 0);
    plan_close(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_forward_runs_once),
        cmocka_unit_test(test_step_back_goes_on_at_the_new_time),
        cmocka_unit_test(test_step_does_not_change_how_long_a_slot_waits),
        cmocka_unit_test(test_freshness_and_timeouts_are_monotonic),
        cmocka_unit_test(test_suspend),
        cmocka_unit_test(test_small_corrections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
