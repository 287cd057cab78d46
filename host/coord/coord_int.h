/* What the files of the coordinator share. */
#ifndef TG_COORD_INT_H
#define TG_COORD_INT_H

#include "coord/coord.h"
#include "sched/sched.h"

/* Remembered, so that a signal seen twice makes one decision. */
#define COORD_RECENT_KEYS_MAX 1024u
/* Of one symbol, after execution errors in a row. */
#define COORD_SYMBOL_PAUSE_NS (15 * TG_NS_PER_MIN)
/* A position that a closing left open is closed again so often, at least so far apart. */
#define COORD_CLOSE_TRIES_MAX 3u
#define COORD_CLOSE_RETRY_NS  (5 * TG_NS_PER_SEC)

struct coord_slot {
    bool used;
    uint64_t number;       /* order of opening */
    int64_t order_started; /* monotonic; of a decision that waits for its order */
    struct coord_decision decision;
};

enum coord_scheduled_state {
    COORD_SCHEDULED_WAITING, /* for its time, or for the sells of its batch */
    COORD_SCHEDULED_OPEN,    /* its decision goes on */
    COORD_SCHEDULED_ORDERED  /* a sell whose order is not final yet */
};

struct coord_scheduled {
    struct coord_scheduled_trade trade;
    uint8_t state;           /* enum coord_scheduled_state */
    struct tg_uuid order_id; /* of an ordered one */
};

struct coord_failures {
    uint32_t failures, successes_in_a_row;
};

/* A position that is to be closed or reduced: looked at again until it is. */
struct coord_closing {
    struct tg_uuid position_id;
    struct tg_decimal left_max; /* base currency: so much of it may stay */
    uint32_t tries;             /* beside the first */
    bool due;                   /* an order of it has ended: to be looked at */
    int64_t not_before;         /* monotonic */
    char reason[32], actor[TG_SOURCE_SIZE];
};

struct coord {
    struct coord_options options;
    uint16_t source;
    enum coord_state state;
    enum coord_level level;
    struct coord_transition last_transition;
    struct coord_failures failures[COORD_CALL_COUNT];
    struct coord_counters counters;
    struct coord_slot slots[COORD_DECISIONS_OPEN_MAX];
    uint32_t open_count;
    uint64_t next_number;
    uint64_t recent_keys[COORD_RECENT_KEYS_MAX];
    uint32_t recent_key_next;
    struct coord_scheduled scheduled[COORD_SCHEDULED_MAX]; /* in order of scheduling */
    uint32_t scheduled_count;
    bool scheduled_overdue;       /* something may be opened now */
    int64_t scheduled_next;       /* UTC of what is due next; INT64_MAX */
    bool rebalanced;              /* a batch of sells is through: the cool-down is to begin */
    struct tg_decimal hodl_share; /* of profits, not yet spread over the bags */
    struct tg_uuid hodl_position; /* the last position that gave some */
    struct coord_closing closings[TRADE_POSITIONS_MAX];
    uint32_t closing_count;
    int64_t closed_all_at; /* UTC; entries from before that fill later are closed too; 0: never */
    char closed_all_reason[32], closed_all_actor[TG_SOURCE_SIZE];
    struct coord_schedule schedule;
    int64_t symbol_paused_until[TRADE_SYMBOLS_MAX]; /* monotonic, by trade's number; 0: never was */
};

/* states.c */
int coord__transition(struct coord *coord, enum coord_state to, const char *actor,
                      const char *reason, struct tg_error *error);
void coord__announce(struct coord *coord, const char *event, const char *from, const char *to,
                     const char *actor, const char *message, uint8_t priority);
/* `breach`: TG_BREACH_*, NONE where no action shall follow; `symbol` may be NULL. */
void coord__alert(struct coord *coord, const char *type, uint8_t severity, enum tg_breach breach,
                  const char *symbol, const char *message);
/* Copies what fits, cut between two characters; a byte that is not UTF-8 becomes "?". */
void coord__fit(char *destination, size_t size, const char *text);

/* closing.c */
/* All positions but hodl bags, whole or half; entries are cancelled with a whole close. TG_E_STATE:
 * all are being closed already; TG_E_NOT_FOUND: none is open. */
int coord__close_all(struct coord *coord, bool half, const char *reason, const char *actor,
                     uint32_t *closed, struct tg_error *error);
int coord__close_one(struct coord *coord, const struct tg_uuid *position_id, const char *reason,
                     const char *actor, struct tg_error *error);
void coord__closing_order_changed(struct coord *coord, const struct trade_order *order);
/* Looks at what was closed; true: something is closed again. */
bool coord__verify_closings(struct coord *coord);

/* commands.c */
int coord__on_command(void *context, const struct tg_message *message);

/* emergency.c */
int coord__on_alert(void *context, const struct tg_message *message);
/* Pauses trading where a policy is not asked any more. */
void coord__heed_quarantine(struct coord *coord);

/* decisions.c */
/* FNV-1a of the keys of the last decisions. */
bool coord__seen_before(const struct coord *coord, const char *key);
void coord__remember(struct coord *coord, const char *key);
struct coord_slot *coord__free_slot(struct coord *coord); /* NULL: none */
/* Takes the slot for a decision that begins now; its signal is the caller's to fill in. */
struct coord_decision *coord__open(struct coord *coord, struct coord_slot *slot,
                                   const struct tg_uuid *id, const char *key, const char *agent,
                                   uint32_t symbol);
int coord__on_signal(void *context, const struct tg_message *message);
void coord__end(struct coord *coord, struct coord_slot *slot, enum coord_outcome outcome,
                const char *code, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* rebalance.c */
int coord__on_portfolio(void *context, const struct tg_message *message);

/* scheduled.c */
int coord__scheduled_load(struct coord *coord, struct tg_error *error);
/* Into the store, then into the table. TG_E_FULL; any error of the store, which is alerted. */
int coord__schedule(struct coord *coord, const struct coord_scheduled_trade *trade,
                    struct tg_error *error);
/* Changes one that waits. */
int coord__reschedule(struct coord *coord, uint32_t index,
                      const struct coord_scheduled_trade *trade, struct tg_error *error);
void coord__unschedule(struct coord *coord, uint32_t index);
/* The decision of a scheduled trade has ended. */
void coord__scheduled_ended(struct coord *coord, const struct coord_decision *decision);
/* A sell that others may wait for has come to its end. */
void coord__scheduled_order(struct coord *coord, const struct trade_order *order);
/* The n-th id that belongs to one message or position: the same in every replay. */
struct tg_uuid coord__id_of(const struct tg_uuid *id, uint32_t number);

/* hodl.c */
/* Spreads what profits gave over the bags. */
void coord__hodl_spread(struct coord *coord);
/* A purchase came to an end: what was not spent waits for the next profit. */
void coord__hodl_ended(struct coord *coord, uint32_t index, const struct coord_decision *decision);

/* pipeline.c */
void coord__run(struct coord *coord, struct coord_slot *slot);

/* context.c */
void coord__opinions(const struct coord *coord, const char *symbol,
                     struct coord_opinions *opinions);
uint32_t coord__positions(const struct coord *coord, const struct coord_decision *decision,
                          struct coord_seen_position *positions);
/* Fills portfolio, prices and the risk case; 0, or TG_E_STALE with what is missing. */
int coord__context(struct coord *coord, struct coord_decision *decision, int64_t now,
                   struct tg_error *error);

#endif
