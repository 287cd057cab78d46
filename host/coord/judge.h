/*
 * What the coordinator asks of policies, as data: sizing, consensus, conflicts, risk, emergencies.
 * Prices and money are doubles here because policies judge ratios; every amount that comes back is
 * turned into a decimal, rounded down, and held against the hard limits before anything acts on it.
 */
#ifndef TG_COORD_JUDGE_H
#define TG_COORD_JUDGE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <triplegain/triplegain.h>

#define COORD_POSITIONS_SEEN_MAX 64u
#define COORD_ADJUSTMENTS_MAX    16u
#define COORD_CONFLICTS_MAX      8u
#define COORD_CODE_SIZE          32u
#define COORD_NOTE_SIZE          192u
#define COORD_VERSION_SIZE       65u

/* ---- consensus (of the signal's symbol only) ---- */

struct coord_opinions {
    bool has_ta, has_regime, has_sentiment; /* fresh enough to count */
    uint8_t ta_bias;                        /* TG_BIAS_* */
    double ta_confidence;
    uint8_t regime; /* TG_REGIME_* */
    double regime_confidence;
    uint8_t strictness; /* TG_STRICTNESS_* */
    uint8_t sentiment;  /* TG_SENTIMENT_* */
    double sentiment_confidence;
};
struct coord_consensus_case {
    uint8_t action; /* TG_ACTION_BUY or SELL */
    double confidence;
    struct coord_opinions opinions;
};
struct coord_consensus_verdict {
    uint32_t present, agreeing;
    double ratio, multiplier, confidence;
};

/* ---- conflicts ---- */

#define COORD_CONFLICT_LIST(X)                                                                     \
    X(TA_SENTIMENT, "ta_sentiment_conflict")                                                       \
    X(REGIME, "regime_conflict")                                                                   \
    X(REGIME_CHANGE, "regime_change")                                                              \
    X(CROSS_SYMBOL, "cross_symbol_conflict")                                                       \
    X(RISK_OVERRIDE, "risk_override")
enum coord_conflict {
#define COORD_CONFLICT_ENUM(NAME, text) COORD_CONFLICT_##NAME,
    COORD_CONFLICT_LIST(COORD_CONFLICT_ENUM)
#undef COORD_CONFLICT_ENUM
        COORD_CONFLICT_COUNT
};
const char *coord_conflict_text(enum coord_conflict conflict);

enum coord_resolution { COORD_PROCEED, COORD_MODIFY, COORD_WAIT, COORD_ABORT };
const char *coord_resolution_text(enum coord_resolution resolution);

/* A position, or a decision still going on, seen from the signal's symbol. */
struct coord_seen_position {
    char symbol[TG_SYMBOL_SIZE];
    uint8_t side; /* TG_SIDE_* */
    bool same_symbol;
    bool decision;          /* an open decision, no position yet */
    bool allocation;        /* no signal opened it: weighs for risk, no conflict with anything */
    bool hodl;              /* of these, a hodl bag: it does not count as a position */
    uint8_t regime_at_open; /* TG_REGIME_* */
    double exposure_pct;    /* size in % of equity, without leverage */
};
struct coord_conflict_case {
    char symbol[TG_SYMBOL_SIZE];
    uint8_t action;  /* TG_ACTION_* */
    bool after_risk; /* only risk_override is looked for; the proposal's sizes are filled in */
    double confidence;
    struct coord_opinions opinions;
    struct coord_seen_position positions[COORD_POSITIONS_SEEN_MAX];
    uint32_t position_count;
    double size_before, size_after; /* account currency */
    int64_t leverage_before, leverage_after;
};
struct coord_conflict_verdict {
    uint32_t conflict_count;
    uint8_t conflicts[COORD_CONFLICTS_MAX]; /* enum coord_conflict */
    uint8_t resolution;                     /* enum coord_resolution; without a model */
    char reason[COORD_NOTE_SIZE];
};

/* ---- sizing ---- */

struct coord_sizing_case {
    char symbol[TG_SYMBOL_SIZE];
    uint8_t action;
    double confidence, entry_price, stop_loss, equity;
    uint8_t regime;
    double position_size_multiplier; /* of the regime; 1 where unknown */
    bool has_size_usd, has_position_size_pct;
    double size_usd, position_size_pct;
};
struct coord_sizing_verdict {
    double size_usd; /* account currency */
    char reason[COORD_NOTE_SIZE];
};

/* ---- risk ---- */

struct coord_risk_case {
    /* the proposal */
    char symbol[TG_SYMBOL_SIZE];
    char side[8];     /* "buy" or "sell"; anything else is for the policy to refuse */
    char profile[12]; /* "normal" or "rebalance" */
    bool reduces;     /* closes or reduces a position */
    bool has_stop_loss, has_take_profit;
    double size_usd, entry_price, stop_loss, take_profit, leverage, confidence;
    uint8_t regime;     /* TG_REGIME_* */
    uint8_t strictness; /* TG_STRICTNESS_* */
    double last_price;
    /* the state */
    double equity, margin_available;
    double daily_pnl_pct, weekly_pnl_pct, drawdown_pct; /* losses negative, drawdown positive */
    int64_t consecutive_losses;
    double exposure_pct; /* sum of size x leverage of open positions in % of equity */
    bool volatility_spike;
    bool breaker_stands;
    char breaker[24]; /* which; "" for none */
    bool in_cooldown;
    char cooldown[24];       /* which */
    double cooldown_seconds; /* left */
    int64_t entry_orders_minute, entry_orders_day;
    double size_min; /* the symbol's smallest order, account currency at the entry price */
    uint32_t positions_of_symbol, positions_open;
    struct coord_seen_position
        positions[COORD_POSITIONS_SEEN_MAX]; /* same_symbol as seen from it */
    uint32_t position_count;
};
enum coord_risk_status {
    COORD_RISK_APPROVED,
    COORD_RISK_MODIFIED,
    COORD_RISK_REJECTED,
    COORD_RISK_HALTED
};
const char *coord_risk_status_text(enum coord_risk_status status);

struct coord_adjustment {
    char rule[COORD_CODE_SIZE]; /* as POSITION_SIZE */
    double before, after, limit;
};
struct coord_risk_verdict {
    uint8_t status;             /* enum coord_risk_status */
    char code[COORD_CODE_SIZE]; /* of the refusal; "" else */
    char reason[COORD_NOTE_SIZE];
    double size_usd;
    int64_t leverage;
    uint32_t reduction_count, warning_count;
    struct coord_adjustment reductions[COORD_ADJUSTMENTS_MAX];
    struct coord_adjustment warnings[COORD_ADJUSTMENTS_MAX];
};

/* ---- emergencies ---- */

struct coord_emergency_actions {
    bool pause_trading, reduce_positions, halt_all, close_positions;
    bool pause_symbol; /* the one that the alert names */
};
struct coord_emergency_case {
    uint8_t breach;              /* TG_BREACH_* */
    uint8_t severity;            /* TG_SEVERITY_* */
    char symbol[TG_SYMBOL_SIZE]; /* "" where the alert names none */
    bool is_configured;          /* the configuration has actions for the breach: these */
    struct coord_emergency_actions configured;
    uint32_t positions_open;
    struct coord_emergency_actions minimum; /* done in any case; policies do not see it */
};
struct coord_emergency_verdict {
    struct coord_emergency_actions actions;
    char reason[COORD_NOTE_SIZE];
};
/* Adds to `actions` what `minimum` has and they do not cover: a halt covers a pause, closing covers
 * reducing. True where there was something to add. */
bool coord_emergency_tighten(struct coord_emergency_actions *actions,
                             const struct coord_emergency_actions *minimum);

/*
 * Each function answers at once; non-zero: the policy failed (sentence in `error`) and the verdict
 * is the cautious one already: consensus multiplier 1, conflict wait, size 0, risk RULE_ERROR
 * rejected, of an emergency the minimum.
 */
struct coord_judge {
    int (*consensus)(void *context, const struct coord_consensus_case *given,
                     struct coord_consensus_verdict *verdict, struct tg_error *error);
    int (*conflicts)(void *context, const struct coord_conflict_case *given,
                     struct coord_conflict_verdict *verdict, struct tg_error *error);
    int (*sizing)(void *context, const struct coord_sizing_case *given,
                  struct coord_sizing_verdict *verdict, struct tg_error *error);
    int (*risk)(void *context, const struct coord_risk_case *given,
                struct coord_risk_verdict *verdict, struct tg_error *error);
    /* Content digest of the generation that judges, hexadecimal. */
    const char *(*version)(void *context);
    void *context;
    /* NULL: the minimum is done. */
    int (*emergency)(void *context, const struct coord_emergency_case *given,
                     struct coord_emergency_verdict *verdict, struct tg_error *error);
    /* A sentence while a policy has failed so often that it is not asked any more, else NULL.
     * Trading pauses on it and cannot be resumed. NULL: never. */
    const char *(*quarantine)(void *context);
};

#endif
