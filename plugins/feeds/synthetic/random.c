/*
 * random.c: seeded random numbers, the same on every machine.
 *
 * Whole numbers come from xoshiro256++, seeded through splitmix64. What is made of them uses only
 * additions, multiplications, divisions and square roots, which every machine rounds alike: log()
 * and exp() of the C library differ in the last bit between processors, and a generated market
 * would with time go another way. Memory is the caller's; any thread.
 */
#include "random.h"

#include <math.h>
#include <string.h>

#define REJECTIONS_MAX 64 /* each with probability 0.21 */

static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

void synthetic_random_init(struct synthetic_random *random, uint64_t seed, const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name; name++) {
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    }
    uint64_t state = mix(seed) ^ hash;
    for (int i = 0; i < 4; i++) {
        state += UINT64_C(0x9e3779b97f4a7c15);
        random->state[i] = mix(state);
    }
}

static uint64_t rotated(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

uint64_t synthetic_random_next(struct synthetic_random *random)
{
    uint64_t *state = random->state;
    const uint64_t result = rotated(state[0] + state[3], 23) + state[0];
    const uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotated(state[3], 45);
    return result;
}

double synthetic_random_uniform(struct synthetic_random *random)
{
    return ((double)(synthetic_random_next(random) >> 12) + 0.5) * 0x1p-52;
}

double synthetic_random_exponential(struct synthetic_random *random)
{
    return -synthetic_log(synthetic_random_uniform(random));
}

/* Bailey's polar method (1994): with 4 degrees of freedom its power is a square root. */
double synthetic_random_student4(struct synthetic_random *random)
{
    double u = 0.5;
    double square = 0.5;
    for (int i = 0; i < REJECTIONS_MAX; i++) {
        const uint64_t bits = synthetic_random_next(random);
        const double x = ((double)(bits >> 32) + 0.5) * 0x1p-31 - 1.0;
        const double y = ((double)(bits & UINT32_MAX) + 0.5) * 0x1p-31 - 1.0;
        const double sum = x * x + y * y;
        if (sum < 1.0) {
            u = x;
            square = sum;
            break;
        }
    }
    return u * sqrt(2.0 * (1.0 / sqrt(square) - 1.0) / square);
}

double synthetic_log(double x)
{
    const double log_of_2 = 0x1.62e42fefa39efp-1;
    uint64_t bits = 0;
    memcpy(&bits, &x, sizeof bits);
    /* x = mantissa * 2^exponent with the mantissa between 0.71 and 1.42 */
    const uint64_t root_of_half = UINT64_C(0x3fe6a09e667f3bcd);
    const int64_t exponent = (int64_t)(bits - root_of_half) >> 52;
    bits -= (uint64_t)exponent << 52;
    double mantissa = 0.0;
    memcpy(&mantissa, &bits, sizeof mantissa);
    const double s = (mantissa - 1.0) / (mantissa + 1.0);
    const double q = s * s;
    const double series =
        1.0 + q * (1.0 / 3 +
                   q * (1.0 / 5 + q * (1.0 / 7 + q * (1.0 / 9 + q * (1.0 / 11 + q * (1.0 / 13))))));
    return (double)exponent * log_of_2 + 2.0 * s * series;
}

double synthetic_exp(double x)
{
    static const double reciprocal_factorials[] = {
        1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720,
        1.0 / 120,      1.0 / 24,      1.0 / 6,      1.0 / 2,     1.0,        1.0,
    };
    double sum = 0.0;
    for (size_t i = 0; i < sizeof reciprocal_factorials / sizeof *reciprocal_factorials; i++) {
        sum = sum * x + reciprocal_factorials[i];
    }
    return sum;
}
