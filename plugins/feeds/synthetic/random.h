/* random.h: seeded random numbers, the same on every machine. */
#ifndef SYNTHETIC_RANDOM_H
#define SYNTHETIC_RANDOM_H

#include <stdint.h>

struct synthetic_random {
    uint64_t state[4];
};

/* One stream per (seed, name): other names give streams that have nothing in common. */
void synthetic_random_init(struct synthetic_random *random, uint64_t seed, const char *name);
uint64_t synthetic_random_next(struct synthetic_random *random);
/* Between 0 and 1, both ends excluded. */
double synthetic_random_uniform(struct synthetic_random *random);
/* Exponentially distributed, mean 1. */
double synthetic_random_exponential(struct synthetic_random *random);
/* Student's t with 4 degrees of freedom, divided by its standard deviation. */
double synthetic_random_student4(struct synthetic_random *random);

/* Of a positive, normal number; error below 1e-12. */
double synthetic_log(double x);
/* Of a number between -0.5 and 0.5; relative error below 1e-12. */
double synthetic_exp(double x);

#endif
