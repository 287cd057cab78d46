/* Limits on runs at once, the order of what may start, enable, disable, run now, and the counts. */
#include "sched_fixture.h"

static void test_limit_in_all(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options a = task_of("a", 60);
    struct sched_task_options b = task_of("b", 60);
    struct sched_run runs[5];
    plan_open(&plan, 0, 4); /* 0: five */
    (void)plan_task(&plan, &a);
    (void)plan_task(&plan, &b);
    plan_start(&plan);
    for (int i = 0; i < 5; i++)
        assert_true(plan_next(&plan, &runs[i]));
    plan_expect_none(&plan);
    plan_end(&plan, &runs[2], SCHED_FAILED);
    struct sched_run sixth = plan_expect(&plan, 1, 1);
    plan_expect_none(&plan);
    plan_end(&plan, &sixth, SCHED_SUCCEEDED);
    plan_close(&plan);
}

static void test_limit_of_a_task(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options narrow = task_of("narrow", 60);
    struct sched_task_options wide = task_of("wide", 60);
    narrow.symbols_at_once_max = 2;
    plan_open(&plan, 8, 4);
    uint32_t n = plan_task(&plan, &narrow);
    uint32_t w = plan_task(&plan, &wide);
    plan_start(&plan);
    struct sched_run first = plan_expect(&plan, n, 0);
    (void)plan_expect(&plan, n, 1);
    for (uint32_t s = 0; s < 4; s++)
        (void)plan_expect(&plan, w, s);
    plan_expect_none(&plan);
    plan_end(&plan, &first, SCHED_SUCCEEDED);
    (void)plan_expect(&plan, n, 2);
    plan_expect_none(&plan);
    plan_close(&plan);
}

/* Symbols that wait for their turn are not given up at the timeout, which is for dependencies. */
static void test_waiting_for_room_outlasts_the_timeout(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options options = task_of("decision", 3600);
    options.symbols_at_once_max = 1;
    plan_open(&plan, 8, 4);
    uint32_t task = plan_task(&plan, &options);
    plan_start(&plan);
    for (uint32_t s = 0; s < 4; s++) {
        struct sched_run run = plan_expect(&plan, task, s);
        assert_int_equal(run.slot, MONDAY);
        for (int i = 0; i < 29; i++) { /* almost its timeout of 30 s */
            plan_pass(&plan, SECONDS(1));
            plan_expect_none(&plan);
            assert_true(sched_next_time(plan.sched) > plan.utc);
        }
        plan_end(&plan, &run, SCHED_SUCCEEDED);
    }
    for (uint32_t s = 0; s < 4; s++)
        assert_int_equal(plan_skipped_all(&plan, task, s), 0);
    plan_close(&plan);
}

static void test_no_room_until_the_next_slot(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options options = task_of("task", 60);
    options.symbols_at_once_max = 1;
    options.timeout_ns = SECONDS(600);
    plan_open(&plan, 8, 2);
    uint32_t task = plan_task(&plan, &options);
    options = task_of("short", 60);
    options.symbols_at_once_max = 1;
    uint32_t brief = plan_task(&plan, &options);
    plan_start(&plan);
    (void)plan_expect(&plan, task, 0);
    (void)plan_expect(&plan, brief, 0);
    plan_pass(&plan, SECONDS(60));
    plan_expect_none(&plan);
    assert_int_equal(plan_skipped(&plan, brief, 1, SCHED_SKIP_LIMIT), 0);
    plan_pass(&plan, SECONDS(30)); /* the timeout of `short` has passed: it waits for room */
    plan_expect_none(&plan);
    plan_pass(&plan, SECONDS(30));
    plan_expect_none(&plan);
    assert_int_equal(plan_skipped(&plan, brief, 1, SCHED_SKIP_LIMIT), 1);
    plan_close(&plan);
}

static void test_order_of_starting(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options last = task_of("last", 60);
    struct sched_task_options first = task_of("first", 60);
    struct sched_task_options old = task_of("old", 60);
    last.depends_on[0] = "first";
    last.depends_on_count = 1;
    old.offset_ns = SECONDS(30);
    plan_open(&plan, 1, 2);
    uint32_t l = plan_task(&plan, &last);
    uint32_t f = plan_task(&plan, &first);
    uint32_t o = plan_task(&plan, &old);
    plan_start(&plan);
    struct sched_run run = plan_expect(&plan, f, 0);
    plan_pass(&plan, SECONDS(30));
    plan_end(&plan, &run, SCHED_SUCCEEDED);
    (void)plan_run(&plan, f, 1); /* slot 0 before slot 30, dependencies first, then symbols */
    plan_close(&plan);

    plan_open(&plan, 1, 2);
    last.depends_on_count = 0;
    l = plan_task(&plan, &last);
    f = plan_task(&plan, &first);
    o = plan_task(&plan, &old);
    plan_start(&plan);
    plan_pass(&plan, SECONDS(29));
    (void)plan_run(&plan, l, 0);
    plan_pass(&plan, SECONDS(1));
    (void)plan_run(&plan, l, 1);
    (void)plan_run(&plan, f, 0);
    (void)plan_run(&plan, f, 1);
    (void)plan_run(&plan, o, 0);
    (void)plan_run(&plan, o, 1);
    plan_expect_none(&plan);
    plan_close(&plan);
}

static void test_enable_and_disable(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options options = task_of("task", 60);
    plan_open(&plan, 1, 2);
    uint32_t task = plan_task(&plan, &options);
    plan_start(&plan);
    struct sched_run run = plan_expect(&plan, task, 0);
    /* the other symbol waits for room: disabling drops it, what runs goes on */
    assert_int_equal(sched_task_enable(plan.sched, task, false), 0);
    assert_false(plan_view(&plan, task, 0).enabled);
    assert_true(plan_view(&plan, task, 0).running);
    plan_end(&plan, &run, SCHED_SUCCEEDED);
    plan_expect_none(&plan);
    plan_pass(&plan, SECONDS(60));
    plan_expect_none(&plan);
    assert_int_equal(sched_run_now(plan.sched, task, 0, plan.utc), TG_E_STATE);
    assert_int_equal(sched_task_enable(plan.sched, task, true), 0);
    plan_expect_none(&plan); /* the slot passed while it was disabled */
    plan_pass(&plan, SECONDS(60));
    (void)plan_run(&plan, task, 0);
    (void)plan_run(&plan, task, 1);
    assert_int_equal(sched_task_enable(plan.sched, 9, true), TG_E_NOT_FOUND);
    assert_int_equal(sched_task_find(plan.sched, "task"), (int)task);
    assert_int_equal(sched_task_find(plan.sched, "none"), -1);
    plan_close(&plan);
}

static void test_run_now(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options needed = task_of("needed", 60);
    struct sched_task_options options = task_of("task", 60);
    options.depends_on[0] = "needed";
    options.depends_on_count = 1;
    plan_open(&plan, 1, 1);
    assert_int_equal(sched_run_now(plan.sched, 0, 0, plan.utc), TG_E_NOT_FOUND); /* no such task */
    uint32_t source = plan_task(&plan, &needed);
    uint32_t task = plan_task(&plan, &options);
    assert_int_equal(sched_run_now(plan.sched, task, 0, plan.utc), TG_E_NOT_FOUND); /* no start */
    plan_start(&plan);
    (void)plan_run(&plan, source, 0);
    (void)plan_run(&plan, task, 0);
    plan_pass(&plan, SECONDS(10));
    /* between two slots and without a new success of the dependency: an operator's word goes */
    assert_int_equal(sched_run_now(plan.sched, task, 0, plan.utc), 0);
    assert_int_equal(sched_run_now(plan.sched, task, 0, plan.utc), TG_E_STATE); /* waits already */
    struct sched_run run = plan_expect(&plan, task, 0);
    assert_true(run.forced);
    assert_int_equal(run.slot, plan.utc);
    assert_int_equal(sched_run_now(plan.sched, task, 0, plan.utc), TG_E_STATE); /* overlap */
    /* the limit in all holds for it too */
    assert_int_equal(sched_run_now(plan.sched, source, 0, plan.utc), 0);
    plan_expect_none(&plan);
    plan_end(&plan, &run, SCHED_SUCCEEDED);
    (void)plan_run(&plan, source, 0);
    assert_int_equal(sched_run_now(plan.sched, task, 1, plan.utc), TG_E_NOT_FOUND);
    assert_int_equal(sched_run_now(plan.sched, 5, 0, plan.utc), TG_E_NOT_FOUND);
    plan_close(&plan);
}

/* A slot that comes while an operator's run waits for room does not take its place. */
static void test_slot_does_not_swallow_run_now(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options hog = task_of("hog", 3600);
    struct sched_task_options options = task_of("task", 60);
    hog.timeout_ns = SECONDS(600);
    plan_open(&plan, 1, 1);
    uint32_t h = plan_task(&plan, &hog);
    uint32_t task = plan_task(&plan, &options);
    plan_start(&plan);
    struct sched_run held = plan_expect(&plan, h, 0);
    plan_end(&plan, &held, SCHED_SUCCEEDED);
    (void)plan_run(&plan, task, 0);
    plan_pass(&plan, SECONDS(1));
    assert_int_equal(sched_run_now(plan.sched, h, 0, plan.utc), 0);
    held = plan_expect(&plan, h, 0);
    assert_int_equal(sched_run_now(plan.sched, task, 0, plan.utc), 0);
    plan_pass(&plan, SECONDS(59));
    plan_expect_none(&plan);
    assert_int_equal(plan_skipped(&plan, task, 0, SCHED_SKIP_OVERLAP), 1);
    plan_end(&plan, &held, SCHED_SUCCEEDED);
    assert_true(plan_run(&plan, task, 0).forced);
    plan_expect_none(&plan);
    plan_close(&plan);
}

static void test_late_end_is_ignored(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options options = task_of("task", 60);
    struct sched_run overdue;
    plan_open(&plan, 8, 1);
    uint32_t task = plan_task(&plan, &options);
    plan_start(&plan);
    struct sched_run hung = plan_expect(&plan, task, 0);
    assert_int_equal(hung.deadline, hung.started_at + SECONDS(30));
    plan_pass(&plan, SECONDS(30) - 1);
    assert_false(sched_overdue(plan.sched, plan.monotonic, &overdue));
    plan_pass(&plan, 1);
    assert_true(sched_overdue(plan.sched, plan.monotonic, &overdue));
    plan_end(&plan, &overdue, SCHED_TIMED_OUT);
    /* its answer comes when nothing goes on, and again when the next run goes on */
    assert_int_equal(sched_end(plan.sched, &hung, SCHED_SUCCEEDED, plan.utc, plan.monotonic),
                     TG_E_NOT_FOUND);
    plan_pass(&plan, SECONDS(30));
    struct sched_run next = plan_expect(&plan, task, 0);
    assert_int_equal(sched_end(plan.sched, &hung, SCHED_SUCCEEDED, plan.utc, plan.monotonic),
                     TG_E_NOT_FOUND);
    assert_true(plan_view(&plan, task, 0).running);
    plan_end(&plan, &next, SCHED_FAILED);
    assert_int_equal(sched_end(plan.sched, &next, SCHED_FAILED, plan.utc, plan.monotonic),
                     TG_E_NOT_FOUND);
    struct sched_run nowhere = {.task = 7};
    assert_int_equal(sched_end(plan.sched, &nowhere, SCHED_FAILED, plan.utc, plan.monotonic),
                     TG_E_NOT_FOUND);
    struct sched_task_view view = plan_view(&plan, task, 0);
    assert_int_equal(view.succeeded, 0);
    assert_int_equal(view.failed, 1);
    assert_int_equal(view.timed_out, 1);
    plan_close(&plan);
}

/* Every slot is either started or skipped for one reason; every start has one end. */
static void test_counts_add_up(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options options = task_of("task", 60);
    struct sched_run run;
    const enum sched_outcome outcomes[] = {SCHED_SUCCEEDED, SCHED_FAILED, SCHED_TIMED_OUT,
                                           SCHED_SKIPPED_NO_DATA, SCHED_SKIPPED_STATE};
    plan_open(&plan, 8, 1);
    uint32_t task = plan_task(&plan, &options);
    plan_start(&plan);
    for (int i = 0; i < 100; i++) {
        if (plan_next(&plan, &run)) {
            plan_pass(&plan, SECONDS(i % 7 == 0 ? 75 : 5));
            (void)plan_next(&plan, &run);
            plan_end(&plan, &run, outcomes[i % 5]);
        }
        plan_pass(&plan, i % 11 == 0 ? SECONDS(185) : sched_next_time(plan.sched) - plan.utc);
    }
    struct sched_task_view view = plan_view(&plan, task, 0);
    int64_t slots = (view.next_due - MONDAY) / SECONDS(60);
    assert_int_equal(view.started, view.succeeded + view.failed + view.timed_out);
    assert_int_equal(view.started + plan_skipped_all(&plan, task, 0), slots);
    assert_true(view.skipped[SCHED_SKIP_OVERLAP] > 0 && view.skipped[SCHED_SKIP_MISSED] > 0);
    assert_true(view.skipped[SCHED_SKIP_NO_DATA] > 0 && view.skipped[SCHED_SKIP_STATE] > 0);
    assert_int_equal(view.duration_max_ns, SECONDS(75));
    assert_true(view.duration_total_ns >= (int64_t)view.started * SECONDS(5));
    assert_true(view.last_success > MONDAY && view.last_slot > MONDAY);
    assert_string_equal(view.name, "task");
    assert_string_equal(view.agent, "agent");
    assert_int_equal(view.interval_ns, SECONDS(60));
    plan_close(&plan);
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(sched_skip_text(SCHED_SKIP_OVERLAP), "overlap");
    assert_string_equal(sched_skip_text(SCHED_SKIP_LIMIT), "limit");
    assert_string_equal(sched_skip_text(SCHED_SKIP_MISSED), "missed");
    assert_string_equal(sched_skip_text(SCHED_SKIP_COUNT), "?");
}

/* Slots of a suspended task are skipped and counted; who depends on it goes on without. */
static void test_suspended(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options needed = task_of("needed", 60);
    struct sched_task_options dependant = task_of("dependant", 60);
    dependant.depends_on[dependant.depends_on_count++] = "needed";
    plan_open(&plan, 8, 1);
    uint32_t first = plan_task(&plan, &needed);
    uint32_t second = plan_task(&plan, &dependant);
    plan_start(&plan);
    struct sched_run going_on = plan_expect(&plan, first, 0);
    plan_expect_none(&plan);
    assert_int_equal(sched_task_suspend(plan.sched, first, true), 0);
    assert_true(plan_view(&plan, first, 0).suspended);
    (void)plan_run(&plan, second, 0);
    plan_end(&plan, &going_on, SCHED_SUCCEEDED); /* what runs goes on */
    for (int slot = 1; slot <= 5; slot++) {
        plan_pass(&plan, SECONDS(60));
        (void)plan_run(&plan, second, 0);
        plan_expect_none(&plan);
        assert_int_equal(plan_skipped(&plan, first, 0, SCHED_SKIP_STATE), slot);
    }
    assert_int_equal(sched_run_now(plan.sched, first, 0, plan.utc), TG_E_STATE);
    assert_int_equal(sched_task_suspend(plan.sched, first, false), 0);
    plan_expect_none(&plan); /* a skipped slot is not made up for */
    plan_pass(&plan, SECONDS(60));
    (void)plan_run(&plan, first, 0);
    (void)plan_run(&plan, second, 0);
    assert_int_equal(plan_skipped_all(&plan, first, 0), 5);
    assert_int_equal(plan_skipped_all(&plan, second, 0), 0);
    assert_int_equal(sched_task_suspend(plan.sched, 2, true), TG_E_NOT_FOUND);
    plan_close(&plan);
}

/* A slot that waits when its task is suspended is skipped once, a run now too. */
static void test_suspended_while_it_waits(void **state)
{
    (void)state;
    struct plan plan;
    struct sched_task_options options = task_of("task", 60);
    options.symbols_at_once_max = 1;
    plan_open(&plan, 8, 2);
    uint32_t task = plan_task(&plan, &options);
    plan_start(&plan);
    struct sched_run run = plan_expect(&plan, task, 0);
    plan_expect_none(&plan); /* the other symbol waits for room */
    assert_int_equal(sched_task_suspend(plan.sched, task, true), 0);
    assert_int_equal(sched_task_suspend(plan.sched, task, true), 0);
    assert_int_equal(plan_skipped(&plan, task, 1, SCHED_SKIP_STATE), 1);
    plan_end(&plan, &run, SCHED_SUCCEEDED);
    plan_expect_none(&plan);
    assert_int_equal(sched_task_suspend(plan.sched, task, false), 0);
    assert_int_equal(sched_run_now(plan.sched, task, 1, plan.utc), 0);
    assert_int_equal(sched_task_suspend(plan.sched, task, true), 0);
    plan_expect_none(&plan);
    assert_int_equal(plan_skipped(&plan, task, 1, SCHED_SKIP_STATE), 2);
    plan_close(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suspended),
        cmocka_unit_test(test_suspended_while_it_waits),
        cmocka_unit_test(test_limit_in_all),
        cmocka_unit_test(test_limit_of_a_task),
        cmocka_unit_test(test_waiting_for_room_outlasts_the_timeout),
        cmocka_unit_test(test_no_room_until_the_next_slot),
        cmocka_unit_test(test_order_of_starting),
        cmocka_unit_test(test_enable_and_disable),
        cmocka_unit_test(test_run_now),
        cmocka_unit_test(test_slot_does_not_swallow_run_now),
        cmocka_unit_test(test_late_end_is_ignored),
        cmocka_unit_test(test_counts_add_up),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
