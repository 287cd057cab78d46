/*
 * Inside the trade room. One `struct trade` owns everything: a fixed table of orders (live ones in
 * a list by age, final ones in a second list until they are evicted), a fixed table of positions,
 * the window of trade ids, the symbols with their last prices, and the state that risk reads.
 *
 *     trade.c       create, symbols, steps of time, bars, alerts
 *     enter.c       from a proposal to the intent of an entry order
 *     orders.c      table and state machine of orders, the journal
 *     sending.c     what goes to the venue: submit, cancel, deadlines
 *     fills.c       a venue's events: unique fills, contradictions
 *     positions.c   sums of fills, realised profit and loss, closing
 *     protect.c     stop, target, trailing, break-even
 *     portfolio.c   prices, marks, equity, the worst case
 *     risk_state.c  periods, breakers, cool-downs, order rate
 *     limits.c      hard limits as a function of numbers
 */
#ifndef TRADE_INT_H
#define TRADE_INT_H

#include "base/check.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/text.h"
#include "base/uuid.h"
#include "obs/obs.h"
#include "trade/trade.h"

#define TRADE_FINAL_ORDERS_MAX   1024u /* remembered after their end, for events that come late */
#define TRADE_ORDER_SLOTS        (TRADE_ORDERS_MAX + TRADE_FINAL_ORDERS_MAX)
#define TRADE_ENTRIES_LIVE_MAX   (TRADE_ORDERS_MAX / 2) /* the rest is kept for protective legs */
#define TRADE_ORDER_BUCKETS      8192u                  /* a power of two */
#define TRADE_ID_BUCKETS         65536u                 /* a power of two */
#define TRADE_NONE               UINT32_MAX
#define TRADE_DECISION_KEY_MAX   140u
#define TRADE_KEY_SIZE           160u /* decision key, its position's number, NUL */
#define TRADE_INSTALLATION_SIZE  64u
#define TRADE_RATE_MAX           1024u /* entry orders of the last minute that are remembered */
#define TRADE_RETRIES_MAX        3u
#define TRADE_RETRY_DELAY_NS     (5 * TG_NS_PER_SEC)
#define TRADE_RETRY_DELAY_MAX_NS (5 * TG_NS_PER_MIN)
#define TRADE_ORDER_DEADLINE_NS  (2 * TG_NS_PER_SEC)
#define TRADE_PUMP_ROUNDS_MAX    16u
#define TRADE_LOSSES_ALERT       5u
#define TRADE_REFUSALS_ALERT     3u /* refusals of one symbol in a row */

struct order {
    struct trade_order view;
    char key[TRADE_KEY_SIZE];                 /* decision key of the order id */
    uint32_t next, previous;                  /* in the live or the final list */
    uint32_t hash_next;                       /* in its bucket, or the free list */
    uint32_t position;                        /* slot; TRADE_NONE */
    struct tg_decimal size_most;              /* the largest size the venue was ever asked for */
    struct tg_decimal stop_loss, take_profit; /* of an entry */
    uint8_t regime;
    bool rebalance, hodl;
    bool stored;
    bool cancel_wanted;
    bool amend_off;                  /* given up: it stays as it is */
    uint32_t cancels, amends;        /* tries without success */
    int64_t cancel_next, amend_next; /* not before */
    uint32_t positions_made;         /* by this entry; more than one when it fills after a close */
};

enum stop_kind { STOP_INITIAL, STOP_BREAK_EVEN, STOP_TRAILING };

/* One leg of a position: the order that lives, how many there were, and what went wrong. */
struct leg {
    uint32_t order;   /* slot; TRADE_NONE */
    uint32_t attempt; /* of the next order */
    uint32_t failures;
    bool given_up;
    int64_t next_at; /* no new order before */
};

struct position {
    struct trade_position view;
    char key[TRADE_KEY_SIZE];
    uint32_t entry; /* slot of the entry order; TRADE_NONE once it is final */
    struct leg legs[TRADE_LEG_COUNT];
    struct tg_decimal closing; /* open size of live close orders */
    /* average entry, and the gains from which on stops move; quote currency */
    struct tg_decimal entry_price, gain_break_even, gain_trailing;
    uint8_t stop_kind;   /* enum stop_kind: of stop_price */
    uint8_t stop_placed; /* the same: of the stop that stands at the venue */
    bool must_close;     /* to be closed whole, until it is */
    bool moved;          /* the entry has changed since the last bar */
    bool used;
    char close_reason[32];
};

struct symbol {
    struct trade_symbol_options options;
    struct tg_decimal last_price; /* 0: none yet */
    uint32_t rate_symbol;         /* TRADE_NONE: the quote is the account currency */
    bool rate_missing;            /* no symbol gives the rate of the quote currency */
    bool is_rate;                 /* some other symbol's rate */
    char quote[TG_SYMBOL_SIZE];
    uint32_t unknown_orders;
    bool contradicted; /* the venue said what cannot be: stays blocked */
    bool spikes;
    uint32_t execution_errors; /* entries refused in a row */
    int64_t cooldown_until[TRADE_COOLDOWN_COUNT];
};

/* An entry of the window of trade ids; a ring, and chained by hash. */
struct trade_id {
    char text[48];
    struct tg_uuid order_id;
    uint32_t hash_next;
};

struct trade {
    struct trade_options options;
    char installation[TRADE_INSTALLATION_SIZE];
    char account_currency[TG_SYMBOL_SIZE];
    uint16_t source; /* on the bus */

    struct symbol symbols[TRADE_SYMBOLS_MAX];
    uint32_t symbol_count;

    struct order *orders; /* TRADE_ORDER_SLOTS */
    uint32_t *order_buckets;
    uint32_t order_free;
    uint32_t live_first, live_last, live_count;
    uint32_t final_first, final_last, final_count;
    uint32_t entries_live;

    struct trade_id *ids; /* TRADE_TRADE_IDS_MAX */
    uint32_t *id_buckets;
    uint32_t id_first, id_count;

    struct position *positions;         /* TRADE_POSITIONS_MAX */
    uint32_t open[TRADE_POSITIONS_MAX]; /* slots in order of opening */
    uint32_t open_count;

    struct tg_decimal realised, fees; /* account currency */
    struct tg_decimal hodl_cash;      /* set aside, within equity */
    struct tg_decimal equity;         /* at the last mark */
    struct tg_decimal peak_equity;
    double drawdown_max_pct;
    uint32_t consecutive_losses;
    uint64_t trades_closed, trades_won;

    struct tg_decimal day_start_equity, week_start_equity;
    /* losses from which on a breaker stands, account currency; of the base they were made for */
    struct loss_limit {
        struct tg_decimal from, amount;
    } loss_limits[TG_BREACH_COUNT];
    int64_t day_end, week_end; /* 0: no time yet */
    bool breakers[TG_BREACH_COUNT];
    bool breaker_told[TG_BREACH_COUNT];
    int64_t cooldown_until[TRADE_COOLDOWN_COUNT]; /* of all symbols */
    int64_t rate_times[TRADE_RATE_MAX];           /* ring of entry orders */
    uint32_t rate_first, rate_count, rate_day;

    bool pump_due;   /* the pump has something to look at */
    bool next_dirty; /* next_time is to be computed anew */
    int64_t next_time, advanced_at;
};

/* trade.c */
struct alert {
    const char *type;
    uint8_t severity; /* TG_SEVERITY_* */
    uint8_t breach;   /* TG_BREACH_*; NONE: no breaker */
    uint32_t symbol;  /* TRADE_NONE: none */
    bool has_value;
    double value, limit;
};
/* Publishes on risk_alerts and logs. False: the bus did not take it. */
bool trade__alert(struct trade *trade, const struct alert *alert, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Something has changed that pump and advance must look at. */
void trade__touched(struct trade *trade);
int trade__id(const struct trade *trade, const char *key, const char *leg, uint32_t attempt,
              struct tg_uuid *id);

/* orders.c */
int trade__orders_create(struct trade *trade);
void trade__orders_destroy(struct trade *trade);
/* A new intent with its id computed; TG_E_EXISTS, TG_E_FULL. Not yet in the journal. */
int trade__order_new(struct trade *trade, const struct trade_order *fields, const char *key,
                     struct order **made, struct tg_error *error);
/* Into the journal: stored now, later, or void (the error of the journal). */
int trade__order_intend(struct trade *trade, struct order *order, struct tg_error *error);
struct order *trade__order_find(const struct trade *trade, const struct tg_uuid *id);
/* Along an arrow; one that does not exist is alerted: TG_E_STATE. `reason` may be NULL. */
int trade__order_move(struct trade *trade, struct order *order, enum trade_order_state to,
                      const char *reason, int64_t now, struct tg_error *error);
void trade__order_tell(struct trade *trade, const struct order *order);
uint32_t trade__order_slot(const struct trade *trade, const struct order *order);

/* sending.c */
void trade__order_want_cancel(struct trade *trade, struct order *order);
/* True: something was done. */
bool trade__send(struct trade *trade, int64_t now);
void trade__deadlines(struct trade *trade, int64_t now);
int64_t trade__retry_delay(const struct tg_uuid *id, uint32_t failures);

/* fills.c */
int trade__ids_create(struct trade *trade);
void trade__ids_destroy(struct trade *trade);

/* positions.c */
/* What a fill did to a position; told after everything has changed. */
struct position_change {
    uint8_t event; /* TG_EXECUTION_POSITION_*; 0: nothing */
    struct trade_position view;
};
int trade__positions_create(struct trade *trade);
void trade__positions_destroy(struct trade *trade);
/* `cost` is the fill's price x size, `rate` turns quote into account currency. All or nothing:
 * TG_E_OVERFLOW, TG_E_FULL. */
int trade__position_entry_fill(struct trade *trade, struct order *order,
                               const struct trade_fill *fill, struct tg_decimal cost,
                               struct tg_decimal rate, struct position_change *change,
                               struct tg_error *error);
int trade__position_exit_fill(struct trade *trade, struct order *order,
                              const struct trade_fill *fill, struct tg_decimal cost,
                              struct tg_decimal rate, struct position_change *change,
                              struct tg_error *error);
void trade__position_tell(struct trade *trade, const struct order *order,
                          const struct position_change *change);
/* The open position of an order; NULL: none (any more). */
struct position *trade__position_of(const struct trade *trade, const struct order *order);
/* What trade_allocation_position tells. */
struct position *trade__position_of_allocation(const struct trade *trade, uint32_t symbol,
                                               uint8_t side, bool hodl);
/* A reduce-only order of that leg for the position; `price` 0: at market. */
int trade__position_order(struct trade *trade, struct position *position, enum trade_leg leg,
                          struct tg_decimal size, struct tg_decimal price, const char *reason,
                          const struct tg_uuid *decision_id, int64_t now, struct order **made,
                          struct tg_error *error);
void trade__position_must_close(struct trade *trade, struct position *position, const char *reason);

/* protect.c */
bool trade__protect(struct trade *trade, int64_t now);
/* The average entry has changed. */
void trade__protect_entry(const struct trade *trade, struct position *position);
void trade__protect_bar(struct trade *trade, struct position *position, const struct tg_bar *bar);
/* An order has come to its end. */
void trade__order_ended(struct trade *trade, struct order *order, int64_t now);

/* portfolio.c */
int trade__rate(const struct trade *trade, uint32_t symbol, struct tg_decimal *rate);
/* Marks open positions, then peak, drawdown and breakers. */
void trade__mark(struct trade *trade);
/* What is open, and with it every entry order that lives counted as filled. */
struct worst_case {
    struct tg_decimal exposure, margin_used;
    uint32_t positions_of_symbol, positions; /* without hodl bags */
};
int trade__worst_case(const struct trade *trade, uint32_t symbol, struct worst_case *worst,
                      struct tg_error *error);

/* risk_state.c */
void trade__periods(struct trade *trade, int64_t now);
void trade__judge_breakers(struct trade *trade);
bool trade__breaker_any(const struct trade *trade, enum tg_breach *breach);
void trade__position_result(struct trade *trade, const struct position *position, int64_t now);
void trade__entry_counted(struct trade *trade, int64_t now);
/* part / whole in %, exact to the double's digits; 0 of nothing. */
double trade__percent(struct tg_decimal part, struct tg_decimal whole);

#endif
