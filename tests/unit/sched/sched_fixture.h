/* A schedule on two clocks that stand still until a test moves them, and runs told apart by name.
 */
#ifndef TEST_SCHED_FIXTURE_H
#define TEST_SCHED_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "sched/sched.h"

#include <string.h>

#define MONDAY     (INT64_C(1641772800) * TG_NS_PER_SEC) /* 2022-01-10T00:00:00Z */
#define SECONDS(n) ((int64_t)(n)*TG_NS_PER_SEC)

struct plan {
    struct sched *sched;
    int64_t utc, monotonic;
    struct tg_error error;
};

static inline void plan_open(struct plan *plan, uint32_t runs_at_once_max, uint32_t symbols)
{
    static const char *const names[] = {"BTC/USDT", "XRP/USDT", "XRP/BTC", "ETH/USDT"};
    struct sched_options options = {.runs_at_once_max = runs_at_once_max};
    memset(plan, 0, sizeof(*plan));
    plan->utc = MONDAY;
    plan->monotonic = SECONDS(1000);
    assert_int_equal(sched_create(&options, &plan->sched, &plan->error), 0);
    for (uint32_t i = 0; i < symbols; i++) {
        uint32_t number = UINT32_MAX;
        assert_int_equal(sched_symbol_add(plan->sched, names[i], &number, &plan->error), 0);
        assert_int_equal(number, i);
    }
}

static inline struct sched_task_options task_of(const char *name, int64_t interval_seconds)
{
    return (struct sched_task_options){.name = name,
                                       .agent = "agent",
                                       .interval_ns = SECONDS(interval_seconds),
                                       .timeout_ns = SECONDS(30),
                                       .enabled = true,
                                       .symbols_at_once_max = 8};
}

static inline uint32_t plan_task(struct plan *plan, const struct sched_task_options *options)
{
    uint32_t number = UINT32_MAX;
    if (sched_task_add(plan->sched, options, &number, &plan->error) != 0)
        fail_msg("%s", plan->error.message);
    return number;
}

static inline void plan_start(struct plan *plan)
{
    if (sched_start(plan->sched, plan->utc, plan->monotonic, &plan->error) != 0)
        fail_msg("%s", plan->error.message);
}

static inline void plan_close(struct plan *plan)
{
    sched_destroy(plan->sched);
}

/* Both clocks go on. */
static inline void plan_pass(struct plan *plan, int64_t ns)
{
    plan->utc += ns;
    plan->monotonic += ns;
}

static inline bool plan_next(struct plan *plan, struct sched_run *run)
{
    return sched_next(plan->sched, plan->utc, plan->monotonic, run);
}

/* The next run must be this one. */
static inline struct sched_run plan_expect(struct plan *plan, uint32_t task, uint32_t symbol)
{
    struct sched_run run = {.task = UINT32_MAX};
    assert_true(plan_next(plan, &run));
    assert_int_equal(run.task, task);
    assert_int_equal(run.symbol, symbol);
    assert_int_equal(run.started_at, plan->monotonic);
    return run;
}

static inline void plan_expect_none(struct plan *plan)
{
    struct sched_run run;
    assert_false(plan_next(plan, &run));
}

static inline void plan_end(struct plan *plan, const struct sched_run *run,
                            enum sched_outcome outcome)
{
    assert_int_equal(sched_end(plan->sched, run, outcome, plan->utc, plan->monotonic), 0);
}

static inline struct sched_run plan_run(struct plan *plan, uint32_t task, uint32_t symbol)
{
    struct sched_run run = plan_expect(plan, task, symbol);
    plan_end(plan, &run, SCHED_SUCCEEDED);
    return run;
}

static inline struct sched_task_view plan_view(const struct plan *plan, uint32_t task,
                                               uint32_t symbol)
{
    struct sched_task_view view;
    sched_view(plan->sched, task, symbol, &view);
    return view;
}

static inline uint64_t plan_skipped(const struct plan *plan, uint32_t task, uint32_t symbol,
                                    enum sched_skip why)
{
    return plan_view(plan, task, symbol).skipped[why];
}

static inline uint64_t plan_skipped_all(const struct plan *plan, uint32_t task, uint32_t symbol)
{
    uint64_t sum = 0;
    for (int why = 0; why < SCHED_SKIP_COUNT; why++)
        sum += plan_skipped(plan, task, symbol, (enum sched_skip)why);
    return sum;
}

#endif
