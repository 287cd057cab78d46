/*
 * random.c: seeded random numbers for ids, jitter and simulations; not for secrets.
 *
 * The caller owns the state; the same seed gives the same numbers on every machine. One state
 * belongs to one thread at a time.
 */
#include "base/random.h"

#include <math.h>

void tg_random_seed(struct tg_random *random, uint64_t seed)
{
    /* splitmix64: spreads also small seeds over all bits, and never gives four zeros */
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        random->state[i] = z ^ (z >> 31);
    }
}

double tg_random_unit(struct tg_random *random)
{
    return (double)(tg_random_next(random) >> 11) * 0x1p-53;
}

double tg_random_normal(struct tg_random *random)
{
    /* Box and Muller 1958; 1 - unit lies in (0, 1], where the logarithm is finite */
    const double two_pi = 6.283185307179586;
    double radius = sqrt(-2.0 * log(1.0 - tg_random_unit(random)));
    return radius * cos(two_pi * tg_random_unit(random));
}
