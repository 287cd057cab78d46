/*
 * histogram.c: how values are spread, in constant memory.
 *
 * The histogram is the caller's; one thread writes, and readers take a copy. Values up to 15 have a
 * bucket each; above, every power of two is divided into 16 buckets of equal width:
 *
 *   0 1 2 ... 15 | 16 17 ... 31 | 32-33 34-35 ... 62-63 | 64-67 ... 124-127 | ...
 */
#include "obs/obs.h"

#include <string.h>

#define STEPS     16
#define STEP_BITS 4

static unsigned bucket_of(uint64_t value)
{
    if (value < STEPS)
        return (unsigned)value;
    unsigned shift = 63u - STEP_BITS - (unsigned)__builtin_clzll(value);
    return shift * STEPS + (unsigned)(value >> shift); /* the shifted value is 16 to 31 */
}

/* The largest value of a bucket. */
static uint64_t bucket_top(unsigned bucket)
{
    if (bucket < STEPS)
        return bucket;
    unsigned shift = bucket / STEPS - 1;
    uint64_t first = (uint64_t)(STEPS + bucket % STEPS) << shift;
    return first + ((UINT64_C(1) << shift) - 1);
}

static uint64_t add_up(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void obs_histogram_init(struct obs_histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
}

void obs_histogram_add(struct obs_histogram *histogram, uint64_t value)
{
    if (histogram->count == 0 || value < histogram->minimum)
        histogram->minimum = value;
    if (value > histogram->maximum)
        histogram->maximum = value;
    histogram->count++;
    histogram->sum = add_up(histogram->sum, value);
    histogram->buckets[bucket_of(value)]++;
}

uint64_t obs_histogram_quantile(const struct obs_histogram *histogram, double quantile)
{
    if (histogram->count == 0)
        return 0;
    if (!(quantile < 1.0)) /* NaN too */
        return histogram->maximum;
    /* the quantile is the rank-th value in order, counted from 1 */
    double wanted = quantile > 0.0 ? quantile * (double)histogram->count : 0.0;
    uint64_t rank = (uint64_t)wanted;
    if ((double)rank < wanted || rank == 0)
        rank++;
    uint64_t seen = 0;
    for (unsigned i = 0; i < OBS_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= rank) {
            uint64_t top = bucket_top(i);
            return top < histogram->maximum ? top : histogram->maximum;
        }
    }
    return histogram->maximum;
}

void obs_histogram_merge(struct obs_histogram *into, const struct obs_histogram *from)
{
    if (from->count == 0)
        return;
    if (into->count == 0 || from->minimum < into->minimum)
        into->minimum = from->minimum;
    if (from->maximum > into->maximum)
        into->maximum = from->maximum;
    into->count += from->count;
    into->sum = add_up(into->sum, from->sum);
    for (unsigned i = 0; i < OBS_HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}
