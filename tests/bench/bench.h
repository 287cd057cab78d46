/* What the benchmark programs share: time, figures, the cache-line probe, counted allocations. */
#ifndef TG_BENCH_H
#define TG_BENCH_H

#include "base/clock.h"

#include <sched.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_RUNS_MAX 64

/* The clocks of the machine, as the host hands them in. */
struct tg_clock bench_clock(void);
int64_t bench_now_ns(void); /* monotonic */

/* Seconds since `start_ns`. */
double bench_seconds_since(int64_t start_ns);

/*
 * One line on standard output, value being the median:
 * {"figure":NAME,"value":N,"unit":U,"runs":N,"min":N,"max":N}
 */
void bench_report(const char *figure, const char *unit, const double *values, size_t runs);

/*
 * Nanoseconds for a cache line to go from one thread to another, reported as cache_line_ns. On a
 * virtual machine it changes by the minute, and figures between threads change with it: compare
 * only what was measured together.
 */
void bench_report_cache_line(void);

/* Calls of malloc, calloc, realloc and aligned_alloc by the whole process so far. */
uint64_t bench_allocations(void);

/*
 * Once around a spin, counted by `*spins`: tells the processor, and now and then lets another
 * thread run, in case the two sides share a core.
 */
static inline void bench_spin(uint32_t *spins)
{
    if (++*spins % 1024 == 0)
        (void)sched_yield();
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* Says what is wrong on standard error and ends the program with status 1. */
_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
