/*
 * Time, figures, the cache-line probe, and counted allocations.
 *
 * Allocations are counted by standing before those of the C library: the program's own malloc is
 * found first by the dynamic linker, also for calls out of shared libraries. Not under sanitizers,
 * which do the same.
 */
#include "bench.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- time --------------------------------------------------------------------------------- */

static int64_t read_clock(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * TG_NS_PER_SEC + now.tv_nsec;
}

static int64_t read_utc(void *context)
{
    (void)context;
    return read_clock(CLOCK_REALTIME);
}

static int64_t read_monotonic(void *context)
{
    (void)context;
    return read_clock(CLOCK_MONOTONIC);
}

struct tg_clock bench_clock(void)
{
    return (struct tg_clock){read_utc, read_monotonic, NULL};
}

int64_t bench_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double bench_seconds_since(int64_t start_ns)
{
    return (double)(bench_now_ns() - start_ns) / (double)TG_NS_PER_SEC;
}

/* ---- figures ------------------------------------------------------------------------------ */

void bench_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)fputs("bench: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputs("\n", stderr);
    va_end(arguments);
    exit(EXIT_FAILURE);
}

static int compare_doubles(const void *a, const void *b)
{
    const double first = *(const double *)a, second = *(const double *)b;

    return (first > second) - (first < second);
}

void bench_report(const char *figure, const char *unit, const double *values, size_t runs)
{
    double sorted[BENCH_RUNS_MAX];

    if (runs == 0 || runs > BENCH_RUNS_MAX)
        bench_fail("%s: %zu runs are not allowed (1 to %d)", figure, runs, BENCH_RUNS_MAX);
    memcpy(sorted, values, runs * sizeof(sorted[0]));
    qsort(sorted, runs, sizeof(sorted[0]), compare_doubles);
    const double median = (sorted[(runs - 1) / 2] + sorted[runs / 2]) / 2;
    (void)printf("{\"figure\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"runs\":%zu,\"min\":%.6g,"
                 "\"max\":%.6g}\n",
                 figure, median, unit, runs, sorted[0], sorted[runs - 1]);
    (void)fflush(stdout);
}

/* ---- cache line --------------------------------------------------------------------------- */

#define PROBE_ROUNDS 200000u
#define PROBE_RUNS   5

struct probe {
    _Alignas(128) _Atomic uint32_t ping;
    _Alignas(128) _Atomic uint32_t pong;
};

static void *answer_probe(void *context)
{
    struct probe *probe = context;
    uint32_t spins = 0;

    for (uint32_t round = 1; round <= PROBE_ROUNDS; round++) {
        while (atomic_load_explicit(&probe->ping, memory_order_acquire) != round)
            bench_spin(&spins);
        atomic_store_explicit(&probe->pong, round, memory_order_release);
    }
    return NULL;
}

static double probe_once(void)
{
    static struct probe probe;
    pthread_t thread;
    uint32_t spins = 0;

    atomic_store(&probe.ping, 0);
    atomic_store(&probe.pong, 0);
    if (pthread_create(&thread, NULL, answer_probe, &probe) != 0)
        bench_fail("no thread for the probe");
    const int64_t start = bench_now_ns();
    for (uint32_t round = 1; round <= PROBE_ROUNDS; round++) {
        atomic_store_explicit(&probe.ping, round, memory_order_release);
        while (atomic_load_explicit(&probe.pong, memory_order_acquire) != round)
            bench_spin(&spins);
    }
    const double seconds = bench_seconds_since(start);
    (void)pthread_join(thread, NULL);
    return seconds * 1e9 / PROBE_ROUNDS / 2;
}

void bench_report_cache_line(void)
{
    double values[PROBE_RUNS];

    for (size_t run = 0; run < PROBE_RUNS; run++)
        values[run] = probe_once();
    bench_report("cache_line_ns", "ns", values, PROBE_RUNS);
}

/* ---- allocations -------------------------------------------------------------------------- */

static _Atomic uint64_t allocations;

uint64_t bench_allocations(void)
{
    return atomic_load(&allocations);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GLIBC__)

#define EXPORT __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static void count_allocation(void)
{
    (void)atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
}

EXPORT void *malloc(size_t size)
{
    count_allocation();
    return __libc_malloc(size);
}

EXPORT void *calloc(size_t count, size_t size)
{
    count_allocation();
    return __libc_calloc(count, size);
}

EXPORT void *realloc(void *old, size_t size)
{
    count_allocation();
    return __libc_realloc(old, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    count_allocation();
    return __libc_memalign(alignment, size);
}

#endif
