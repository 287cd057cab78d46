/* Seeded random numbers (xoshiro256**, Blackman and Vigna 2018; seeded by splitmix64). */
#ifndef TG_BASE_RANDOM_H
#define TG_BASE_RANDOM_H

#include <stdint.h>

struct tg_random {
    uint64_t state[4];
};

void tg_random_seed(struct tg_random *random, uint64_t seed);

static inline uint64_t tg_random_next(struct tg_random *random)
{
    uint64_t *s = random->state;
    uint64_t scrambled = s[1] * 5;
    uint64_t result = ((scrambled << 7) | (scrambled >> 57)) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return result;
}

double tg_random_unit(struct tg_random *random);   /* [0, 1) with 53 bits */
double tg_random_normal(struct tg_random *random); /* mean 0, deviation 1; two draws a call */

#endif
