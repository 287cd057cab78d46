/*
 * The core thread's event loop: steps of work, signals, timers, wake-up from other threads.
 *
 * One thread runs it. Each turn is measured: a turn over the limit is counted and logged with the
 * name of what it ran.
 */
#ifndef TG_LOOP_H
#define TG_LOOP_H

#include "base/clock.h"
#include "base/error.h"
#include "obs/obs.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct loop_options {
    struct obs_log *log;   /* borrowed; may be NULL */
    int64_t turn_limit_ns; /* a longer turn is logged; 0: 50 ms */
    /* Work of one turn: true: there is more, come again at once; false: sleep until woken. */
    bool (*step)(void *context);
    /* SIGINT or SIGTERM arrived; the loop goes on until loop_stop. May be NULL: stops. */
    void (*signalled)(void *context, int signal_number);
    /* Every `tick_ms` of real time; 0: never. After it, as after a signal, the step is called. */
    void (*tick)(void *context);
    uint32_t tick_ms;
    void *context;
};

int loop_create(const struct loop_options *options, struct loop **loop, struct tg_error *error);
/* Closes every handle; it is a bug where one is left. */
void loop_destroy(struct loop *loop);
/* Runs until loop_stop. */
int loop_run(struct loop *loop, struct tg_error *error);
void loop_stop(struct loop *loop);

/*
 * Wakes the loop from any thread; cheap while it is awake. loop_barrier is what the loop's own side
 * of the sleeping protocol needs (see bus.h): a full fence on every thread of the process.
 */
void loop_wake(void *loop);
void loop_barrier(void *loop);

/* The machine's clocks. */
struct tg_clock loop_real_clock(void);

struct loop_stats {
    uint64_t turns, slow_turns, wakes;
    int64_t turn_max_ns;
};
void loop_get_stats(const struct loop *loop, struct loop_stats *stats);

#endif
