/* A task of the portfolio: one run a slot, whatever the number of symbols. */
#include "sched_fixture.h"

static struct sched_task_options portfolio_of(const char *name, int64_t interval_seconds)
{
    struct sched_task_options options = task_of(name, interval_seconds);
    options.portfolio = true;
    return options;
}

static void test_one_run_a_slot(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options check = portfolio_of("check", 3600);
    plan_open(&plan, 8, 3);
    uint32_t task = plan_task(&plan, &check);
    plan_start(&plan);
    for (int hour = 0; hour < 48; hour++) {
        assert_int_equal(plan_run(&plan, task, 0).slot, MONDAY + SECONDS(3600) * hour);
        plan_expect_none(&plan);
        assert_int_equal(sched_next_time(plan.sched), MONDAY + SECONDS(3600) * (hour + 1));
        plan_pass(&plan, SECONDS(3600));
    }
    assert_int_equal(plan_view(&plan, task, 0).succeeded, 48);
    for (uint32_t symbol = 1; symbol < 3; symbol++) {
        assert_int_equal(plan_view(&plan, task, symbol).started, 0);
        assert_int_equal(plan_skipped_all(&plan, task, symbol), 0);
    }
    plan_close(&plan);
}

static void test_on_start_and_a_clock_set_back(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options check = portfolio_of("check", 3600);
    check.on_start = true;
    plan_open(&plan, 8, 2);
    plan.utc += SECONDS(100);
    uint32_t task = plan_task(&plan, &check);
    plan_start(&plan);
    assert_int_equal(plan_run(&plan, task, 0).slot, MONDAY + SECONDS(100));
    plan_expect_none(&plan);
    plan.utc -= SECONDS(3600);
    plan.monotonic += SECONDS(1);
    plan_expect_none(&plan);
    plan_pass(&plan, SECONDS(3500));
    (void)plan_run(&plan, task, 0);
    plan_expect_none(&plan);
    assert_int_equal(plan_view(&plan, task, 1).started, 0);
    plan_close(&plan);
}

static void test_run_now_under_the_first_symbol(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options check = portfolio_of("check", 3600);
    plan_open(&plan, 8, 2);
    uint32_t task = plan_task(&plan, &check);
    plan_start(&plan);
    (void)plan_run(&plan, task, 0);
    plan_pass(&plan, SECONDS(60));
    assert_int_equal(sched_run_now(plan.sched, task, 1, plan.utc), TG_E_NOT_FOUND);
    assert_int_equal(sched_run_now(plan.sched, task, 0, plan.utc), 0);
    assert_true(plan_run(&plan, task, 0).forced);
    plan_close(&plan);
}

/* Who depends on it waits for the one run; it waits for the first symbol alone. */
static void test_dependencies_both_ways(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options after = task_of("after", 60);
    struct sched_task_options check = portfolio_of("check", 60);
    struct sched_task_options before = task_of("before", 60);
    after.depends_on[0] = "check";
    after.depends_on_count = 1;
    check.depends_on[0] = "before";
    check.depends_on_count = 1;
    plan_open(&plan, 8, 2);
    uint32_t last = plan_task(&plan, &after);
    uint32_t middle = plan_task(&plan, &check);
    uint32_t first = plan_task(&plan, &before);
    plan_start(&plan);
    struct sched_run btc = plan_expect(&plan, first, 0);
    struct sched_run xrp = plan_expect(&plan, first, 1);
    plan_expect_none(&plan);
    plan_end(&plan, &btc, SCHED_SUCCEEDED);
    struct sched_run check_run = plan_expect(&plan, middle, 0);
    plan_expect_none(&plan);
    plan_end(&plan, &check_run, SCHED_SUCCEEDED);
    (void)plan_run(&plan, last, 0);
    (void)plan_run(&plan, last, 1);
    plan_expect_none(&plan);
    plan_end(&plan, &xrp, SCHED_SUCCEEDED);
    plan_expect_none(&plan);
    plan_close(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_run_a_slot),
        cmocka_unit_test(test_on_start_and_a_clock_set_back),
        cmocka_unit_test(test_run_now_under_the_first_symbol),
        cmocka_unit_test(test_dependencies_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
