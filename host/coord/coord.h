/*
 * The coordinator: the host's state, and the way from a signal to an order.
 *
 * Every signal makes one decision, a record of each step that ends in exactly one outcome. States
 * and transitions, degradation and emergencies are kept here as well. Pure: time comes from the
 * injected clock, everything outside is behind an interface. Owned by the core thread.
 */
#ifndef TG_COORD_H
#define TG_COORD_H

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "bus/bus.h"
#include "coord/judge.h"
#include "trade/trade.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COORD_DECISIONS_OPEN_MAX 256u
#define COORD_KEY_SIZE           160u
#define COORD_SCHEDULED_MAX      256u /* trades that wait for their time */
#define COORD_TARGETS_MAX        12u  /* assets of the allocation */

/* ---- states and degradation ---- */

enum coord_state { COORD_RUNNING, COORD_PAUSED, COORD_HALTED };
const char *coord_state_text(enum coord_state state);

enum coord_level { COORD_NORMAL, COORD_REDUCED, COORD_LIMITED, COORD_EMERGENCY };
const char *coord_level_text(enum coord_level level);

enum coord_call { COORD_CALL_MODEL, COORD_CALL_VENUE, COORD_CALL_COUNT };

struct coord_transition {
    enum coord_state from, to;
    int64_t at; /* UTC */
    char actor[64];
    char reason[COORD_NOTE_SIZE];
};

/* ---- decisions ---- */

/* X(NAME, "text", "what it means") */
#define COORD_OUTCOME_LIST(X)                                                                      \
    X(NONE, "none", "still going on")                                                              \
    X(IGNORED_STATE, "ignored_state", "the host was not RUNNING")                                  \
    X(HOLD, "hold", "the signal was HOLD")                                                         \
    X(WAIT, "conflict_wait", "a conflict was resolved to wait")                                    \
    X(ABORT, "conflict_abort", "a conflict was resolved to abort")                                 \
    X(NO_CONTEXT, "no_context", "no fresh price, portfolio or position to judge with")             \
    X(REJECTED, "rejected", "risk rejected it")                                                    \
    X(HALTED, "halted", "a circuit breaker stands")                                                \
    X(EXECUTED, "executed", "the order was accepted by the venue")                                 \
    X(EXECUTION_FAILED, "execution_failed", "the order did not come about")                        \
    X(EXECUTION_UNKNOWN, "execution_unknown", "it is not known whether the order arrived")         \
    X(TIMEOUT, "timeout", "a step or the whole ran out of time")

enum coord_outcome {
#define COORD_OUTCOME_ENUM(NAME, text, meaning) COORD_OUTCOME_##NAME,
    COORD_OUTCOME_LIST(COORD_OUTCOME_ENUM)
#undef COORD_OUTCOME_ENUM
        COORD_OUTCOME_COUNT
};
const char *coord_outcome_text(enum coord_outcome outcome);
const char *coord_outcome_meaning(enum coord_outcome outcome);

#define COORD_STEP_LIST(X)                                                                         \
    X(STATE, "state")                                                                              \
    X(CONSENSUS, "consensus")                                                                      \
    X(CONFLICTS, "conflicts")                                                                      \
    X(CONTEXT, "context")                                                                          \
    X(SIZING, "sizing")                                                                            \
    X(RISK, "risk")                                                                                \
    X(OVERRIDE, "risk_override")                                                                   \
    X(ORDER, "order")

enum coord_step {
#define COORD_STEP_ENUM(NAME, text) COORD_STEP_##NAME,
    COORD_STEP_LIST(COORD_STEP_ENUM)
#undef COORD_STEP_ENUM
        COORD_STEP_COUNT
};
const char *coord_step_text(enum coord_step step);

struct coord_step_record {
    bool done;
    int64_t duration_ns;
    char outcome[32];
    char note[COORD_NOTE_SIZE];
};

/* What a decision is about. Rebalancing trades and purchases for hodl bags take no consensus, have
 * no conflicts and no stop; risk judges them with the profile `rebalance`. */
enum coord_kind { COORD_KIND_SIGNAL, COORD_KIND_REBALANCE, COORD_KIND_HODL };
const char *coord_kind_text(enum coord_kind kind); /* "signal", "rebalance", "hodl" */

struct coord_decision {
    struct tg_uuid id;       /* the signal's message id; of a trade of a rebalance made from that */
    uint8_t kind;            /* enum coord_kind */
    uint32_t batch, batches; /* of a rebalance, counted from 1 */
    char key[COORD_KEY_SIZE]; /* agent/symbol/slot: one decision each; of a batch with its number */
    char agent[TG_SOURCE_SIZE];
    uint32_t symbol; /* trade's number */
    struct tg_trading_signals signal;
    int64_t opened_at, closed_at; /* UTC */
    int64_t deadline;             /* monotonic */
    enum coord_outcome outcome;
    char code[COORD_CODE_SIZE]; /* of a refusal, or the step of a time-out */
    char reason[COORD_NOTE_SIZE];
    char policy_version[COORD_VERSION_SIZE];
    struct coord_step_record steps[COORD_STEP_COUNT];
    struct coord_consensus_case consensus_case;
    struct coord_consensus_verdict consensus;
    struct coord_conflict_verdict conflicts, override;
    struct coord_sizing_verdict sizing;
    struct coord_risk_case risk_case;
    struct coord_risk_verdict risk;
    struct trade_portfolio portfolio;
    double confidence;          /* after consensus */
    struct tg_decimal fraction; /* of the positions that are closed */
    struct tg_decimal entry_price, last_price;
    struct tg_uuid order_id, position_id;
    bool waiting; /* for the order's fate */
};

/* ---- what the coordinator needs from outside ---- */

struct coord_market {
    /* The last price of a symbol; false where it is too old to decide on, or there is none. */
    bool (*fresh_price)(void *context, const char *symbol, int64_t now, struct tg_decimal *price);
    void *context;
};

/* A trade that waits for its time: a batch of a rebalance, or a purchase for a hodl bag. */
struct coord_scheduled_trade {
    char key[COORD_KEY_SIZE]; /* that of its decision: by it, it becomes one order at most */
    struct tg_uuid id;        /* of its decision */
    uint8_t kind;             /* COORD_KIND_REBALANCE, COORD_KIND_HODL */
    uint8_t side;             /* TG_SIDE_* */
    uint32_t batch, batches;  /* counted from 1 */
    char agent[TG_SOURCE_SIZE];
    char symbol[TG_SYMBOL_SIZE];
    struct tg_decimal size_usd; /* account currency */
    int64_t slot, due_at;       /* UTC; due INT64_MAX: a purchase that is too small yet */
};

/*
 * A decision is stored once it has ended, a transition before it is announced, a trade that is not
 * due yet before it is counted on: it must be there again after a restart. scheduled_put replaces
 * the one with that key; scheduled_at gives the index-th in order of its first put, false past the
 * end. A function that is NULL keeps nothing.
 */
struct coord_store {
    int (*decision)(void *context, const struct coord_decision *decision, struct tg_error *error);
    int (*transition)(void *context, const struct coord_transition *transition,
                      struct tg_error *error);
    int (*scheduled_put)(void *context, const struct coord_scheduled_trade *trade,
                         struct tg_error *error);
    int (*scheduled_remove)(void *context, const char *key, struct tg_error *error);
    bool (*scheduled_at)(void *context, size_t index, struct coord_scheduled_trade *trade);
    void *context;
};

struct coord_portfolio_options {
    struct tg_decimal batch_above_usd; /* trades that are more in all are split */
    uint32_t batches;                  /* 0: 1 */
    int64_t batch_interval_ns;
    struct tg_decimal trade_min_usd; /* no batch and no purchase for a bag is smaller */
    bool hodl_bags;
    struct tg_decimal hodl_profit_pct; /* of the profit of a closed position, after fees */
    char account_currency[TG_SYMBOL_SIZE];
    struct tg_target targets[COORD_TARGETS_MAX]; /* proportion of the bags */
    uint32_t target_count;
};

/* Reads policies and settings anew; the sentence says why it did not, and the old ones stay. */
struct coord_reloader {
    int (*reload)(void *context, const char *actor, struct tg_error *error);
    void *context;
};

struct sched; /* sched/sched.h; rooms that see the coordinator need not see the schedule */

/* What commands on tasks act on. */
struct coord_schedule {
    struct sched *sched; /* borrowed */
    /* Whether the task's agent is there: without it the task cannot be enabled. */
    bool (*has_agent)(void *context, uint32_t task);
    void *context;
};

enum coord_action {
    COORD_ACTION_PAUSE = 1,
    COORD_ACTION_REDUCE = 2,
    COORD_ACTION_HALT = 4,
    COORD_ACTION_CLOSE = 8
};

struct coord_options {
    struct bus *bus;     /* borrowed */
    struct trade *trade; /* borrowed */
    struct obs_log *log; /* borrowed; may be NULL */
    struct tg_clock clock;
    struct coord_judge judge;
    struct coord_market market;
    struct coord_store store;
    struct coord_reloader reloader;             /* `reload` NULL: nothing is reloaded */
    int64_t decision_deadline_ns;               /* over all */
    int64_t step_deadline_ns[COORD_STEP_COUNT]; /* 0: none of its own */
    int64_t ta_age_max_ns, regime_age_max_ns, sentiment_age_max_ns;
    uint32_t actions[TG_BREACH_COUNT]; /* COORD_ACTION_* bits by TG_BREACH_* */
    struct coord_portfolio_options portfolio;
};

struct coord;
/* Subscribes to trading_signals, risk_alerts, portfolio_updates and coordinator_commands; takes up
 * the scheduled trades that the store has. Starts RUNNING. */
int coord_create(const struct coord_options *options, struct coord **coord, struct tg_error *error);
void coord_destroy(struct coord *coord);

/* Once the schedule has been started; until then no task is known. It may go before the
 * coordinator where nothing is pumped any more. */
void coord_set_schedule(struct coord *coord, const struct coord_schedule *schedule);

/* Takes waiting decisions a step on; call after the bus was pumped. True: something moved. */
bool coord_pump(struct coord *coord);
/* Trade tells that an order has changed: a decision may wait for it. */
void coord_order_changed(struct coord *coord, const struct trade_order *order);
/* Trade tells that a position has changed: a profit may go to hodl bags. */
void coord_position_changed(struct coord *coord, const struct trade_position *position);
/* Opens the decisions of scheduled trades that are due; call after the prices of the moment are
 * known, and coord_pump after it. True: something moved. */
bool coord_run_due(struct coord *coord);
/* UTC of the next scheduled trade; INT64_MAX: none. */
int64_t coord_next_time(const struct coord *coord);
size_t coord_scheduled_count(const struct coord *coord);
/* Decisions whose time is over end as timeout; closings that failed are tried again. */
void coord_advance(struct coord *coord);
size_t coord_decisions_open(const struct coord *coord);

/* TG_E_STATE and a sentence where the table of transitions has no such arrow. */
int coord_pause(struct coord *coord, const char *actor, const char *reason, struct tg_error *error);
int coord_resume(struct coord *coord, const char *actor, const char *reason,
                 struct tg_error *error);
int coord_halt(struct coord *coord, const char *actor, const char *reason, struct tg_error *error);
int coord_reset(struct coord *coord, const char *actor, const char *reason, bool override_drawdown,
                struct tg_error *error);
enum coord_state coord_get_state(const struct coord *coord);
const struct coord_transition *coord_last_transition(const struct coord *coord);

/* A call to a model or to a venue succeeded or failed; moves the degradation level. */
void coord_call_result(struct coord *coord, enum coord_call call, bool succeeded);
enum coord_level coord_get_level(const struct coord *coord);

#define COORD_TOPIC(topic) (UINT32_C(1) << (topic))
/*
 * Whether an agent may run. It is known by what it publishes (COORD_TOPIC bits), not by its name:
 * HALTED stops all of them, REDUCED those of sentiment_updates, LIMITED those of portfolio_updates
 * too, EMERGENCY those of trading_signals too.
 */
bool coord_agent_may_run(enum coord_state state, enum coord_level level, uint32_t publishes);

struct coord_counters {
    uint64_t decisions; /* ended; the sum of the outcomes */
    uint64_t outcomes[COORD_OUTCOME_COUNT];
    uint64_t signals, duplicates, refused; /* refused: no room or no such symbol; announced */
    uint64_t transitions;
    uint64_t rebalances, rebalances_duplicate, rebalances_refused; /* messages that ask for one */
    uint64_t commands, commands_refused;                           /* of all that came */
};
void coord_get_counters(const struct coord *coord, struct coord_counters *counters);

/* The decision as one JSON object, as stored and as printed by explain. */
void coord_decision_write_json(const struct coord_decision *decision, struct tg_json_writer *json);

#endif
