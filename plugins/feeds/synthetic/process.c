/*
 * process.c: returns of a market that changes its regime.
 *
 * Four regimes follow each other as a Markov chain: each lasts for a time without memory of how
 * long it has lasted, then any of the others follows with the same odds. Within a regime the
 * return of a bar is a drift plus a shock from Student's t with 4 degrees of freedom, whose
 * variance clusters as in GARCH(1,1) (Bollerslev 1986): after a large move large ones are likelier.
 * In a range the price is pulled back to where the range began.
 *
 * Drifts balance over the mean durations, so that the market goes nowhere in the long run. Memory
 * is the caller's; any thread.
 */
#include "process.h"

#include <math.h>

#include "../calendar.h"

#define CLUSTER_SHOCK    0.05  /* weight of the newest shock in the next variance */
#define CLUSTER_MEMORY   0.945 /* weight of the variance before */
#define SHOCK_COUNTED    3.5   /* larger shocks count as this: one bar does not rule the next day */
#define SHOCK_SQUARE     0.8921350 /* mean square of a shock so counted */
#define SWITCH_ODDS_MAX  0.05      /* a regime lasts for 20 bars on average at least */
#define RANGE_PULL_HOURS 8.0

/* Drift in standard deviations of a day per day; the last column is the mean duration. */
static const struct {
    double drift_per_day;
    double deviation;
    double hours;
} regimes[SYNTHETIC_REGIMES] = {
    [SYNTHETIC_BULL] = {1.2, 0.8, 36.0},
    [SYNTHETIC_BEAR] = {-1.44, 1.0, 30.0},
    [SYNTHETIC_RANGE] = {0.0, 0.55, 40.0},
    [SYNTHETIC_VOLATILE] = {0.0, 2.2, 14.0},
};

static double at_most(double value, double limit)
{
    return value < limit ? value : limit;
}

void synthetic_process_init(struct synthetic_process *process, uint64_t seed, const char *name,
                            int64_t bar_length)
{
    const double days = (double)bar_length / (double)CALENDAR_DAY;
    double hours = 0.0;
    double squares = 0.0;
    *process = (struct synthetic_process){.variance = 1.0};
    synthetic_random_init(&process->random, seed, name);
    for (int i = 0; i < SYNTHETIC_REGIMES; i++) {
        hours += regimes[i].hours;
        squares += regimes[i].hours * regimes[i].deviation * regimes[i].deviation;
    }
    /* Regimes are visited equally often: the time in each goes with its duration. */
    const double long_run = sqrt(squares / hours);
    for (int i = 0; i < SYNTHETIC_REGIMES; i++) {
        process->steps[i] = (struct synthetic_regime_step){
            .drift = regimes[i].drift_per_day * sqrt(days),
            .deviation = regimes[i].deviation / long_run,
            .pull = i == SYNTHETIC_RANGE ? at_most(days * 24.0 / RANGE_PULL_HOURS, 0.5) : 0.0,
            .switch_odds = at_most(days * 24.0 / regimes[i].hours, SWITCH_ODDS_MAX),
        };
    }
    process->regime =
        (enum synthetic_regime)(synthetic_random_next(&process->random) % SYNTHETIC_REGIMES);
}

static void regime_change(struct synthetic_process *process)
{
    const uint64_t others = SYNTHETIC_REGIMES - 1;
    const uint64_t on = 1 + (synthetic_random_next(&process->random) >> 8) % others;
    process->regime = (enum synthetic_regime)(((uint64_t)process->regime + on) % SYNTHETIC_REGIMES);
    process->displacement = 0.0;
}

double synthetic_process_next(struct synthetic_process *process)
{
    const struct synthetic_regime_step *step = &process->steps[process->regime];
    const double shock = synthetic_random_student4(&process->random);
    process->deviation = step->deviation * sqrt(process->variance);
    const double moved =
        step->drift + process->deviation * shock - step->pull * process->displacement;
    const double counted = at_most(fabs(shock), SHOCK_COUNTED);
    process->variance = (1.0 - CLUSTER_SHOCK * SHOCK_SQUARE - CLUSTER_MEMORY) +
                        process->variance * (CLUSTER_MEMORY + CLUSTER_SHOCK * counted * counted);
    process->displacement += moved;
    if (synthetic_random_uniform(&process->random) < step->switch_odds) {
        regime_change(process);
    }
    return moved;
}
