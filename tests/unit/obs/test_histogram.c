/* Buckets keep to 1/16 over the whole range; quantiles, merging, empty histograms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "obs/obs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void empty_says_nothing(void **state)
{
    (void)state;
    struct obs_histogram histogram;
    obs_histogram_init(&histogram);
    assert_int_equal(obs_histogram_quantile(&histogram, 0.5), 0);
    assert_int_equal(obs_histogram_quantile(&histogram, 1.0), 0);
    assert_int_equal(histogram.minimum, 0);
    assert_int_equal(histogram.maximum, 0);
}

static void one_value(uint64_t value)
{
    struct obs_histogram histogram;
    obs_histogram_init(&histogram);
    obs_histogram_add(&histogram, value);
    /* not held back by the maximum: the bucket's own bound shows */
    histogram.maximum = UINT64_MAX;
    uint64_t top = obs_histogram_quantile(&histogram, 0.5);
    assert_true(top >= value);
    assert_true(top - value <= value / 16);
    unsigned used = 0;
    for (unsigned i = 0; i < OBS_HISTOGRAM_BUCKETS; i++)
        used += histogram.buckets[i] != 0;
    assert_int_equal(used, 1);
}

static void every_value_has_a_close_bound(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 5000; value++)
        one_value(value);
    for (unsigned shift = 4; shift < 64; shift++) {
        one_value(UINT64_C(1) << shift);
        one_value((UINT64_C(1) << shift) - 1);
        one_value((UINT64_C(1) << shift) + 1);
    }
    one_value(UINT64_MAX);
    one_value(UINT64_MAX - 1);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    struct obs_histogram histogram;
    obs_histogram_init(&histogram);
    for (uint64_t value = 1; value <= 10; value++)
        obs_histogram_add(&histogram, value);
    assert_int_equal(obs_histogram_quantile(&histogram, 0.0), 1);
    assert_int_equal(obs_histogram_quantile(&histogram, 0.1), 1);
    assert_int_equal(obs_histogram_quantile(&histogram, 0.11), 2);
    assert_int_equal(obs_histogram_quantile(&histogram, 0.5), 5);
    assert_int_equal(obs_histogram_quantile(&histogram, 0.9), 9);
    assert_int_equal(obs_histogram_quantile(&histogram, 1.0), 10);
    assert_int_equal(obs_histogram_quantile(&histogram, -3.0), 1);
    assert_int_equal(obs_histogram_quantile(&histogram, 3.0), 10);
    assert_int_equal(obs_histogram_quantile(&histogram, NAN), 10);
    assert_int_equal(histogram.count, 10);
    assert_int_equal(histogram.sum, 55);
    assert_int_equal(histogram.minimum, 1);
    assert_int_equal(histogram.maximum, 10);
}

static int by_value(const void *a, const void *b)
{
    uint64_t left, right;
    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    return (left > right) - (left < right);
}

static void quantiles_are_near_the_true_ones(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    uint64_t *values = malloc(COUNT * sizeof(*values));
    struct obs_histogram histogram;
    struct tg_random random;
    obs_histogram_init(&histogram);
    tg_random_seed(&random, 6);
    for (int i = 0; i < COUNT; i++) {
        values[i] = tg_random_next(&random) >> (20 + i % 30);
        obs_histogram_add(&histogram, values[i]);
    }
    qsort(values, COUNT, sizeof(*values), by_value);
    for (int percent = 1; percent <= 100; percent++) {
        uint64_t exact = values[COUNT / 100 * percent - 1];
        uint64_t estimate = obs_histogram_quantile(&histogram, percent / 100.0);
        if (percent * 0.01 * COUNT > COUNT / 100 * percent) /* the product was rounded up */
            exact = values[COUNT / 100 * percent];
        assert_true(estimate >= exact && estimate - exact <= exact / 16);
    }
    free(values);
}

static void merging_is_adding_all(void **state)
{
    (void)state;
    struct obs_histogram all, one, other, empty;
    struct tg_random random;
    obs_histogram_init(&all);
    obs_histogram_init(&one);
    obs_histogram_init(&other);
    obs_histogram_init(&empty);
    tg_random_seed(&random, 8);
    for (int i = 0; i < 1000; i++) {
        uint64_t value = (tg_random_next(&random) >> 40) + 5;
        obs_histogram_add(&all, value);
        obs_histogram_add(i % 3 == 0 ? &one : &other, value);
    }
    obs_histogram_merge(&one, &empty);
    obs_histogram_merge(&empty, &other);
    obs_histogram_merge(&empty, &one);
    assert_memory_equal(&empty, &all, sizeof(all));
}

static void the_sum_stays_at_its_end(void **state)
{
    (void)state;
    struct obs_histogram histogram, other;
    obs_histogram_init(&histogram);
    obs_histogram_add(&histogram, UINT64_MAX);
    obs_histogram_add(&histogram, 5);
    assert_true(histogram.sum == UINT64_MAX);
    other = histogram;
    obs_histogram_merge(&histogram, &other);
    assert_true(histogram.sum == UINT64_MAX);
    assert_int_equal(histogram.count, 4);
    assert_int_equal(histogram.minimum, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_says_nothing),
        cmocka_unit_test(every_value_has_a_close_bound),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(quantiles_are_near_the_true_ones),
        cmocka_unit_test(merging_is_adding_all),
        cmocka_unit_test(the_sum_stays_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
