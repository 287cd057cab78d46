/* The six rule voters: each looks at the market from one side and says what it would do. */
#ifndef DECISION_VOTERS_H
#define DECISION_VOTERS_H

#include <stdbool.h>
#include <stdint.h>
#include <triplegain/triplegain.h>

#include "votes.h"

/* What the voters look at; all borrowed for the time of one run. */
struct view {
    const struct tg_series *series; /* of the timeframe that is read */
    uint32_t timeframe;             /* TG_TIMEFRAME_* */
    double price;                   /* last price, above zero */
    double atr;                     /* average true range, above zero; 0 while it is not ready */
    /* The other agents' newest word on the symbol; NULL where there is none or it is too old. */
    const struct tg_ta_signals *ta;
    const struct tg_regime_updates *regime;
    const struct tg_sentiment_updates *sentiment;
};

/* What a voter thinks before it is known which positions are open. */
struct opinion {
    bool ready;        /* false: an indicator it needs is not there, it abstains */
    int side;          /* +1 up, -1 down, 0 neither */
    double confidence; /* 0 to 1 */
    double stop_atr;   /* distance of the stop in average true ranges; 0: the configured one */
    double target_atr; /* of the target; 0: the configured one */
    char why[VOTE_WHY_SIZE];
};

struct voter {
    const char *name;
    void (*form_opinion)(const struct view *view, struct opinion *opinion);
};

/* trend, momentum, breakout, mean_reversion, volatility, volume. */
extern const struct voter voters[VOTES_MAX];

/*
 * The timeframe to read: the largest one up to `timeframe` where every voter has what it needs,
 * else the smallest such one above it; else the largest up to it where the average true range is
 * ready; else `timeframe` itself, where every voter abstains.
 */
uint32_t voters_timeframe(const struct tg_snapshot *snapshot, uint32_t timeframe);

/* The first ready indicator that is NaN or infinite, by name; NULL where there is none. */
const char *voters_find_not_finite(const struct tg_indicators *indicators);

#endif
