/* The generators against the published sequences of their authors, and the ranges of what is made
 * of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

#include <math.h>

static void xoshiro_gives_the_published_numbers(void **state)
{
    (void)state;
    static const uint64_t expected[] = {UINT64_C(11520),
                                        UINT64_C(0),
                                        UINT64_C(1509978240),
                                        UINT64_C(1215971899390074240),
                                        UINT64_C(1216172134540287360),
                                        UINT64_C(607988272756665600),
                                        UINT64_C(16172922978634559625),
                                        UINT64_C(8476171486693032832),
                                        UINT64_C(10595114339597558777),
                                        UINT64_C(2904607092377533576)};
    struct tg_random random = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_true(tg_random_next(&random) == expected[i]);
}

static void seeds_go_through_splitmix(void **state)
{
    (void)state;
    struct tg_random random;
    tg_random_seed(&random, 1234567);
    assert_true(random.state[0] == UINT64_C(6457827717110365317));
    assert_true(random.state[1] == UINT64_C(3203168211198807973));
    assert_true(random.state[2] == UINT64_C(9817491932198370423));
    assert_true(random.state[3] == UINT64_C(4593380528125082431));
    tg_random_seed(&random, 0); /* also 0 is a seed */
    assert_true(random.state[0] != 0 && random.state[1] != 0);
    assert_true(tg_random_next(&random) != tg_random_next(&random));
}

static void unit_stays_in_its_range(void **state)
{
    (void)state;
    struct tg_random random;
    tg_random_seed(&random, 1);
    double sum = 0, lowest = 1, highest = 0;
    for (int i = 0; i < 100000; i++) {
        double unit = tg_random_unit(&random);
        assert_true(unit >= 0.0 && unit < 1.0);
        sum += unit;
        lowest = fmin(lowest, unit);
        highest = fmax(highest, unit);
    }
    assert_true(fabs(sum / 100000 - 0.5) < 0.005);
    assert_true(lowest < 0.001 && highest > 0.999);
    /* all bits set is the largest there can be, and still under 1 */
    assert_true((double)(UINT64_MAX >> 11) * 0x1p-53 < 1.0);
}

static void normal_has_mean_0_and_deviation_1(void **state)
{
    (void)state;
    struct tg_random random, other;
    tg_random_seed(&random, 2);
    double sum = 0, squares = 0;
    int beyond_two = 0;
    for (int i = 0; i < 100000; i++) {
        double value = tg_random_normal(&random);
        assert_true(isfinite(value));
        sum += value;
        squares += value * value;
        beyond_two += fabs(value) > 2.0;
    }
    assert_true(fabs(sum / 100000) < 0.015);
    assert_true(fabs(squares / 100000 - 1.0) < 0.02);
    assert_true(beyond_two > 4200 && beyond_two < 4900); /* 4.55 % */
    tg_random_seed(&random, 3);
    tg_random_seed(&other, 3);
    tg_random_normal(&random); /* two draws a call */
    tg_random_next(&other);
    tg_random_next(&other);
    assert_true(tg_random_next(&random) == tg_random_next(&other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xoshiro_gives_the_published_numbers),
        cmocka_unit_test(seeds_go_through_splitmix),
        cmocka_unit_test(unit_stays_in_its_range),
        cmocka_unit_test(normal_has_mean_0_and_deviation_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
