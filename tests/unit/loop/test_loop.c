/* The loop: turns, stopping, signals, ticks, waking from another thread, nothing left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/loop.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#define WAKES 2000u

struct work {
    struct loop *loop;
    struct tg_error error;
    uint32_t steps, stop_at; /* stops in that step; 0: never by itself */
    uint32_t busy_steps;     /* says that there is more for so long */
    uint32_t ticks, stop_at_tick, steps_at_tick;
    uint32_t signals;
    int signal_raise, signal_seen; /* raised in the first step */
    int64_t burn_ns;
    atomic_uint produced;
    uint32_t consumed;
};

static bool step(void *context)
{
    struct work *work = context;
    struct tg_clock clock = loop_real_clock();
    int64_t until = tg_clock_monotonic(&clock) + work->burn_ns;
    while (work->burn_ns > 0 && tg_clock_monotonic(&clock) < until)
        ;
    work->steps++;
    if (work->signal_raise != 0 && work->steps == 1)
        assert_int_equal(raise(work->signal_raise), 0);
    if (work->steps == work->stop_at)
        loop_stop(work->loop);
    return work->steps < work->busy_steps;
}

static void tick(void *context)
{
    struct work *work = context;
    if (work->ticks++ == 0)
        work->steps_at_tick = work->steps;
    if (work->ticks == work->stop_at_tick)
        loop_stop(work->loop);
}

static void signalled(void *context, int number)
{
    struct work *work = context;
    work->signals++;
    work->signal_seen = number;
    loop_stop(work->loop);
}

static void open_loop(struct work *work, struct loop_options options)
{
    options.context = work;
    if (options.step == NULL)
        options.step = step;
    if (loop_create(&options, &work->loop, &work->error) != 0)
        fail_msg("%s", work->error.message);
}

static void run(struct work *work)
{
    if (loop_run(work->loop, &work->error) != 0)
        fail_msg("%s", work->error.message);
}

static struct loop_stats stats_of(const struct work *work)
{
    struct loop_stats stats;
    loop_get_stats(work->loop, &stats);
    return stats;
}

static void test_steps_until_stopped(void **state)
{
    (void)state;
    struct work work = {.busy_steps = 1000, .stop_at = 500};
    open_loop(&work, (struct loop_options){0});
    run(&work);
    assert_int_equal(work.steps, 500);
    assert_int_equal(stats_of(&work).turns, 500);
    assert_int_equal(stats_of(&work).wakes, 0);
    work.stop_at = 700; /* and it can be run again */
    run(&work);
    assert_int_equal(work.steps, 700);
    loop_destroy(work.loop);
}

static void test_stopped_in_the_first_step(void **state)
{
    (void)state;
    struct work work = {.stop_at = 1};
    open_loop(&work, (struct loop_options){0});
    run(&work);
    assert_int_equal(work.steps, 1);
    loop_destroy(work.loop);
}

static void test_signals(void **state)
{
    (void)state;
    const int numbers[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        struct work work = {.signal_raise = numbers[i]};
        open_loop(&work, (struct loop_options){.signalled = signalled});
        run(&work); /* asleep when it comes, or not: it ends */
        assert_int_equal(work.signals, 1);
        assert_int_equal(work.signal_seen, numbers[i]);
        loop_destroy(work.loop);
    }
}

/* A busy loop is interrupted too, between two turns. */
static void test_signal_while_busy(void **state)
{
    (void)state;
    struct work work = {.signal_raise = SIGTERM, .busy_steps = UINT32_MAX};
    open_loop(&work, (struct loop_options){.signalled = signalled});
    run(&work);
    assert_int_equal(work.signals, 1);
    loop_destroy(work.loop);
}

static void test_signal_without_a_handler_stops(void **state)
{
    (void)state;
    struct work work = {.signal_raise = SIGINT};
    open_loop(&work, (struct loop_options){0});
    run(&work);
    assert_int_equal(work.signals, 0);
    loop_destroy(work.loop);
}

/* A tick may make work: the step is called after it, though nobody woke the loop. */
static void test_ticks(void **state)
{
    (void)state;
    struct work work = {.stop_at_tick = 3};
    open_loop(&work, (struct loop_options){.tick = tick, .tick_ms = 1});
    run(&work);
    assert_int_equal(work.ticks, 3);
    assert_true(work.steps > work.steps_at_tick);
    loop_destroy(work.loop);
}

static void test_no_ticks(void **state)
{
    (void)state;
    struct work work = {.busy_steps = 200, .stop_at = 100, .burn_ns = 50 * TG_NS_PER_US};
    open_loop(&work, (struct loop_options){.tick = tick});
    run(&work);
    assert_int_equal(work.ticks, 0);
    loop_destroy(work.loop);
}

static void test_slow_turns_are_counted(void **state)
{
    (void)state;
    struct work work = {.busy_steps = 10, .stop_at = 4, .burn_ns = 3 * TG_NS_PER_MS};
    open_loop(&work, (struct loop_options){.turn_limit_ns = TG_NS_PER_MS});
    run(&work);
    assert_int_equal(stats_of(&work).slow_turns, 4);
    assert_true(stats_of(&work).turn_max_ns >= 3 * TG_NS_PER_MS);
    loop_destroy(work.loop);
}

/* ---- another thread ---- */

static bool consume(void *context)
{
    struct work *work = context;
    work->steps++;
    work->consumed = atomic_load(&work->produced);
    if (work->consumed == WAKES)
        loop_stop(work->loop);
    return false;
}

static void *produce(void *context)
{
    struct work *work = context;
    for (uint32_t i = 0; i < WAKES; i++) {
        (void)atomic_fetch_add(&work->produced, 1);
        loop_wake(work->loop);
        if (i % 100 == 0) /* give the loop the chance to fall asleep */
            for (int k = 0; k < 20; k++)
                (void)sched_yield();
    }
    return NULL;
}

/* The last wake must not be lost, or the loop would sleep for ever. */
static void test_woken_by_another_thread(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct work work = {0};
        pthread_t thread;
        atomic_init(&work.produced, 0);
        open_loop(&work, (struct loop_options){.step = consume});
        assert_int_equal(pthread_create(&thread, NULL, produce, &work), 0);
        run(&work);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(work.consumed, WAKES);
        loop_destroy(work.loop);
    }
}

/* Something comes after the step has looked and before the loop says that it sleeps. */
static bool consume_late(void *context)
{
    struct work *work = context;
    work->consumed = atomic_load(&work->produced);
    if (work->steps++ == 0) {
        (void)atomic_fetch_add(&work->produced, 1);
        loop_wake(work->loop); /* not asleep yet: writes nothing */
    }
    if (work->consumed == 1)
        loop_stop(work->loop);
    return false;
}

static void test_nothing_is_missed_while_falling_asleep(void **state)
{
    (void)state;
    struct work work = {0};
    atomic_init(&work.produced, 0);
    open_loop(&work, (struct loop_options){.step = consume_late});
    run(&work);
    assert_int_equal(work.consumed, 1);
    assert_int_equal(stats_of(&work).wakes, 0);
    loop_destroy(work.loop);
}

/* ---- nothing left ---- */

static size_t open_files(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return 0;
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

static void test_nothing_is_left(void **state)
{
    (void)state;
    struct work work = {.stop_at = 1};
    open_loop(&work, (struct loop_options){0}); /* the first one makes what libuv keeps for ever */
    loop_destroy(work.loop);
    size_t before = open_files();
    for (int i = 0; i < 50; i++) {
        work = (struct work){.stop_at = 3, .busy_steps = 5};
        open_loop(&work, (struct loop_options){.tick = tick, .tick_ms = 1, .signalled = signalled});
        if (i % 2 == 0)
            run(&work);
        if (i % 3 == 0)
            loop_stop(work.loop); /* also one that does not run */
        loop_destroy(work.loop);
    }
    assert_int_equal(open_files(), before);
    loop_destroy(NULL);
}

static void test_real_clock(void **state)
{
    (void)state;
    struct tg_clock clock = loop_real_clock();
    int64_t first = tg_clock_monotonic(&clock);
    int64_t second = tg_clock_monotonic(&clock);
    assert_true(second >= first);
    assert_true(tg_clock_utc(&clock) > INT64_C(1600000000) * TG_NS_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_until_stopped),
        cmocka_unit_test(test_stopped_in_the_first_step),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_signal_while_busy),
        cmocka_unit_test(test_signal_without_a_handler_stops),
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_no_ticks),
        cmocka_unit_test(test_slow_turns_are_counted),
        cmocka_unit_test(test_woken_by_another_thread),
        cmocka_unit_test(test_nothing_is_missed_while_falling_asleep),
        cmocka_unit_test(test_nothing_is_left),
        cmocka_unit_test(test_real_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
