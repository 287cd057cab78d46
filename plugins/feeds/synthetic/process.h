/* process.h: returns of a market that changes its regime. */
#ifndef SYNTHETIC_PROCESS_H
#define SYNTHETIC_PROCESS_H

#include <stdint.h>

#include "random.h"

enum synthetic_regime {
    SYNTHETIC_BULL,
    SYNTHETIC_BEAR,
    SYNTHETIC_RANGE,
    SYNTHETIC_VOLATILE,
    SYNTHETIC_REGIMES
};

/* Per bar of this timeframe; the unit is the long-run standard deviation of a bar's return. */
struct synthetic_regime_step {
    double drift;
    double deviation;
    double pull;        /* part of the way back to where the regime began */
    double switch_odds; /* probability that the regime ends with this bar */
};

struct synthetic_process {
    struct synthetic_random random;
    struct synthetic_regime_step steps[SYNTHETIC_REGIMES];
    enum synthetic_regime regime;
    double variance;     /* clusters; 1 in the long run */
    double displacement; /* since the regime began */
    double deviation;    /* of the newest return, as it was before it was drawn */
};

/* `bar_length` in nanoseconds. */
void synthetic_process_init(struct synthetic_process *process, uint64_t seed, const char *name,
                            int64_t bar_length);
/* The next return: long-run mean about 0, long-run standard deviation about 1. */
double synthetic_process_next(struct synthetic_process *process);

#endif
