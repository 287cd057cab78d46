/*
 * The core thread's loop, on libuv.
 *
 * Each turn calls the step, and so does what happens between turns (a tick, a signal), since it may
 * have made work; while the step says that there is more, an idle handle keeps the loop from
 * sleeping, so that signals and timers are still served between turns. Before the loop sleeps it
 * says so (`asleep`), then asks the step once more; whoever publishes after that sees the flag and
 * writes the eventfd. The flag needs no fence on the publishing side: loop_barrier makes the kernel
 * run one on every thread (membarrier), once a sleep instead of once a message. Where the kernel
 * has no membarrier, publishers fence (see bus.h).
 *
 * An eventfd with uv_poll is used for waking and not uv_async: the latter spins in this version of
 * libuv while the sender holds its flag, which costs tens of microseconds where sender and loop
 * share a core.
 */
#include "loop/loop.h"

#include "base/check.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define TURN_LIMIT_NS (50 * TG_NS_PER_MS)

struct loop {
    struct loop_options options;
    uv_loop_t uv;
    uv_idle_t idle;
    uv_poll_t wake;
    uv_timer_t tick;
    uv_signal_t interrupt, terminate;
    int handles; /* initialised, to be closed */
    int event;   /* eventfd; -1: none */
    bool stopped;
    atomic_bool asleep;
    struct loop_stats stats;
};

static int64_t read_clock(clockid_t which)
{
    struct timespec now;
    TG_BUG_IF(clock_gettime(which, &now) != 0);
    return (int64_t)now.tv_sec * TG_NS_PER_SEC + now.tv_nsec;
}

static int64_t real_utc(void *context)
{
    (void)context;
    return read_clock(CLOCK_REALTIME);
}

static int64_t real_monotonic(void *context)
{
    (void)context;
    return read_clock(CLOCK_MONOTONIC);
}

struct tg_clock loop_real_clock(void)
{
    return (struct tg_clock){.utc_ns = real_utc, .monotonic_ns = real_monotonic};
}

static void turn(struct loop *loop)
{
    int64_t limit = loop->options.turn_limit_ns > 0 ? loop->options.turn_limit_ns : TURN_LIMIT_NS;
    int64_t began = read_clock(CLOCK_MONOTONIC);
    bool more = loop->options.step(loop->options.context);
    if (!more && !loop->stopped) {
        atomic_store_explicit(&loop->asleep, true, memory_order_relaxed);
        loop_barrier(loop);
        more = loop->options.step(loop->options.context);
    }
    if (more)
        atomic_store_explicit(&loop->asleep, false, memory_order_relaxed);
    int64_t took = read_clock(CLOCK_MONOTONIC) - began;
    loop->stats.turns++;
    if (took > loop->stats.turn_max_ns)
        loop->stats.turn_max_ns = took;
    if (took > limit) {
        loop->stats.slow_turns++;
        OBS_WARNING(loop->options.log, "loop", "a turn took %lld ms",
                    (long long)(took / TG_NS_PER_MS));
    }
    if (loop->stopped || !more)
        (void)uv_idle_stop(&loop->idle);
}

static void on_idle(uv_idle_t *handle)
{
    turn(handle->data);
}

static void go_on(struct loop *loop)
{
    atomic_store_explicit(&loop->asleep, false, memory_order_relaxed);
    if (!loop->stopped)
        (void)uv_idle_start(&loop->idle, on_idle);
}

static void on_wake(uv_poll_t *handle, int status, int events)
{
    struct loop *loop = handle->data;
    uint64_t count;
    (void)status;
    (void)events;
    while (read(loop->event, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
    loop->stats.wakes++;
    go_on(loop);
}

static void on_tick(uv_timer_t *handle)
{
    struct loop *loop = handle->data;
    loop->options.tick(loop->options.context);
    go_on(loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct loop *loop = handle->data;
    if (loop->options.signalled != NULL)
        loop->options.signalled(loop->options.context, number);
    else
        loop_stop(loop);
    go_on(loop);
}

/* Initialises one handle after another; `handles` counts those that loop_destroy has to close. */
static int init_handles(struct loop *loop)
{
    int code = uv_idle_init(&loop->uv, &loop->idle);
    loop->handles += code == 0;
    if (code == 0)
        code = uv_poll_init(&loop->uv, &loop->wake, loop->event);
    loop->handles += code == 0;
    if (code == 0)
        code = uv_timer_init(&loop->uv, &loop->tick);
    loop->handles += code == 0;
    if (code == 0)
        code = uv_signal_init(&loop->uv, &loop->interrupt);
    loop->handles += code == 0;
    if (code == 0)
        code = uv_signal_init(&loop->uv, &loop->terminate);
    loop->handles += code == 0;
    if (code == 0) {
        loop->idle.data = loop->wake.data = loop->tick.data = loop;
        loop->interrupt.data = loop->terminate.data = loop;
        code = uv_poll_start(&loop->wake, UV_READABLE, on_wake);
    }
    if (code == 0)
        code = uv_signal_start(&loop->interrupt, on_signal, SIGINT);
    if (code == 0)
        code = uv_signal_start(&loop->terminate, on_signal, SIGTERM);
    if (code == 0 && loop->options.tick != NULL && loop->options.tick_ms > 0)
        code = uv_timer_start(&loop->tick, on_tick, loop->options.tick_ms, loop->options.tick_ms);
    return code;
}

int loop_create(const struct loop_options *options, struct loop **result, struct tg_error *error)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL)
        return TG_FAIL(error, NO_MEMORY, "loop: out of memory");
    loop->options = *options;
    loop->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->event < 0) {
        int reason = errno;
        free(loop);
        return TG_FAIL(error, IO, "loop: no eventfd: %s", strerror(reason));
    }
    int code = uv_loop_init(&loop->uv);
    if (code != 0) {
        (void)close(loop->event);
        free(loop);
        return TG_FAIL(error, IO, "loop: %s", uv_strerror(code));
    }
    code = init_handles(loop);
    if (code != 0) {
        loop_destroy(loop);
        return TG_FAIL(error, IO, "loop: %s", uv_strerror(code));
    }
    (void)syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    *result = loop;
    return 0;
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL)
        return;
    uv_handle_t *handles[] = {(uv_handle_t *)&loop->idle, (uv_handle_t *)&loop->wake,
                              (uv_handle_t *)&loop->tick, (uv_handle_t *)&loop->interrupt,
                              (uv_handle_t *)&loop->terminate};
    for (int i = 0; i < loop->handles; i++)
        uv_close(handles[i], NULL);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0)
        ; /* a stop that came while nothing ran ends the first of them early */
    TG_BUG_IF(uv_loop_close(&loop->uv) != 0);
    (void)close(loop->event);
    free(loop);
}

int loop_run(struct loop *loop, struct tg_error *error)
{
    loop->stopped = false;
    go_on(loop);
    while (!loop->stopped)
        if (uv_run(&loop->uv, UV_RUN_ONCE) == 0 && !loop->stopped)
            return TG_FAIL(error, FAILED, "loop: nothing is left to wait for");
    return 0;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
    uv_stop(&loop->uv);
}

void loop_wake(void *context)
{
    struct loop *loop = context;
    uint64_t one = 1;
    if (!atomic_exchange_explicit(&loop->asleep, false, memory_order_acq_rel))
        return;
    while (write(loop->event, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

void loop_barrier(void *context)
{
    (void)context;
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
        atomic_thread_fence(memory_order_seq_cst);
}

void loop_get_stats(const struct loop *loop, struct loop_stats *stats)
{
    *stats = loop->stats;
}
