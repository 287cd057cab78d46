/*
 * Trade: orders, fills, positions, protective exits, portfolio, risk state, hard limits.
 * Pure: time is an argument, what goes out goes through interfaces. Owned by the core thread.
 *
 * Money: the account currency (USDT). Prices and order sizes: the symbol's quote and base currency.
 * A position's size is what was bought or sold; leverage decides the margin only and never enters
 * a profit or loss.
 *
 *     equity = start + realised + unrealised - fees, to the last digit, at any time
 */
#ifndef TG_TRADE_H
#define TG_TRADE_H

#include "base/error.h"
#include "bus/bus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <triplegain/triplegain.h>

#define TRADE_SYMBOLS_MAX   256u
#define TRADE_ORDERS_MAX    4096u  /* not yet final, at once */
#define TRADE_POSITIONS_MAX 256u   /* open at once */
#define TRADE_TRADE_IDS_MAX 65536u /* the venue's trade ids that are remembered */
#define TRADE_REASON_SIZE   128u

/* ---- orders ---- */

/* X(NAME, "text", final) */
#define TRADE_ORDER_STATE_LIST(X)                                                                  \
    X(INTENDED, "intended", 0)                                                                     \
    X(SENT, "sent", 0)                                                                             \
    X(OPEN, "open", 0)                                                                             \
    X(PARTIALLY_FILLED, "partially_filled", 0)                                                     \
    X(UNKNOWN, "unknown", 0)                                                                       \
    X(FILLED, "filled", 1)                                                                         \
    X(VOID, "void", 1)                                                                             \
    X(CANCELLED, "cancelled", 1)                                                                   \
    X(EXPIRED, "expired", 1)                                                                       \
    X(REJECTED, "rejected", 1)

enum trade_order_state {
#define TRADE_STATE_ENUM(NAME, text, final) TRADE_ORDER_##NAME,
    TRADE_ORDER_STATE_LIST(TRADE_STATE_ENUM)
#undef TRADE_STATE_ENUM
        TRADE_ORDER_STATE_COUNT
};
const char *trade_order_state_text(enum trade_order_state state);
bool trade_order_state_is_final(enum trade_order_state state);
/* Whether the state machine has that arrow. */
bool trade_order_transition_allowed(enum trade_order_state from, enum trade_order_state to);

enum trade_leg {
    TRADE_LEG_ENTRY,
    TRADE_LEG_STOP,
    TRADE_LEG_TARGET,
    TRADE_LEG_CLOSE,
    TRADE_LEG_COUNT
};
const char *trade_leg_text(enum trade_leg leg);

struct trade_order {
    /* From (installation, decision key, leg, attempt); the client order id too. */
    struct tg_uuid id;
    struct tg_uuid decision_id, position_id;
    uint32_t symbol;
    uint8_t side, type; /* TG_SIDE_*, TG_ORDER_TYPE_* */
    uint8_t leg;        /* enum trade_leg */
    uint8_t state;      /* enum trade_order_state */
    bool reduce_only;
    uint32_t attempt;
    int64_t leverage;
    struct tg_decimal size, price;            /* base currency; quote currency, 0: market */
    struct tg_decimal filled_size;            /* base currency */
    struct tg_decimal filled_cost;            /* quote currency: sum of price x size */
    struct tg_decimal fees;                   /* quote currency */
    int64_t created_at, updated_at, deadline; /* UTC */
    char reason[TRADE_REASON_SIZE];
};

struct trade_fill {
    struct tg_uuid order_id, position_id;
    uint32_t symbol;
    uint8_t side, leg;
    struct tg_decimal price, size, fee; /* quote, base, quote */
    int64_t time;
    char trade_id[48];
};

/* ---- positions ---- */

struct trade_position {
    struct tg_uuid id, decision_id;
    uint32_t symbol;
    uint8_t side;           /* TG_SIDE_BUY: long */
    uint8_t regime_at_open; /* TG_REGIME_* */
    int64_t leverage;
    struct tg_decimal size; /* open, base currency */
    struct tg_decimal cost; /* of the open size, quote currency */
    struct tg_decimal size_entered, cost_entered;
    struct tg_decimal size_left, cost_left;     /* what went out, base and quote */
    struct tg_decimal realised_pnl;             /* before fees, account currency */
    struct tg_decimal fees;                     /* account currency */
    struct tg_decimal stop_price, target_price; /* in force; 0: none */
    struct tg_decimal best_price;               /* most favourable since it was opened */
    bool trailing;                              /* the trailing stop is active */
    bool rebalance; /* of the allocation: no stop, no holding limit, no signal closes it */
    bool hodl;      /* a hodl bag; rebalance is set as well */
    int64_t opened_at, closed_at; /* UTC; 0: open */
    char exit_reason[32];         /* stop_loss, take_profit, trailing_stop, signal, ... */
};

/* ---- what trade needs from outside ---- */

/*
 * The venue. Returns 0: went out; TG_E_UNKNOWN: cannot be said; any other: surely did not go out.
 * Answers come as execution_events on the bus.
 */
struct trade_venue {
    int (*submit)(void *context, const struct tg_order *order, struct tg_error *error);
    int (*cancel)(void *context, const struct tg_uuid *id, struct tg_error *error);
    /* `size` is what shall be left to fill. */
    int (*amend)(void *context, const struct tg_uuid *id, struct tg_decimal size,
                 struct tg_decimal price, struct tg_error *error);
    void *context;
};

/*
 * The journal keeps orders and fills before anything acts on them. `order` is called for a new
 * intent and for every change; of an intent it must answer, now or later, by trade_intent_stored.
 * A change of state is written behind. TG_OK: taken.
 */
struct trade_journal {
    int (*order)(void *context, const struct trade_order *order, struct tg_error *error);
    int (*fill)(void *context, const struct trade_fill *fill, struct tg_error *error);
    int (*position)(void *context, const struct trade_position *position, struct tg_error *error);
    void *context;
};

/* Told after trade's own state has changed; may not call back into trade. Any may be NULL. */
struct trade_listener {
    void (*order_changed)(void *context, const struct trade_order *order);
    void (*filled)(void *context, const struct trade_fill *fill);
    void (*position_changed)(void *context, const struct trade_position *position);
    void *context;
};

/* ---- options ---- */

struct trade_symbol_options {
    char name[TG_SYMBOL_SIZE];  /* BASE/QUOTE */
    struct tg_decimal size_min; /* base currency */
    unsigned price_places, size_places;
};

enum trade_cooldown {
    TRADE_COOLDOWN_POST_TRADE,
    TRADE_COOLDOWN_POST_LOSS,
    TRADE_COOLDOWN_LOSSES_3,
    TRADE_COOLDOWN_LOSSES_5,
    TRADE_COOLDOWN_VOLATILITY_SPIKE,
    TRADE_COOLDOWN_UNUSUAL_MOVEMENT,
    TRADE_COOLDOWN_POST_REBALANCE,
    TRADE_COOLDOWN_COUNT
};
const char *trade_cooldown_text(enum trade_cooldown cooldown); /* "post_trade", ... */

/* Enforced in C on every entry whatever a policy says; percentages of equity. */
struct trade_limits {
    struct tg_decimal position_size_max_pct; /* of one entry */
    struct tg_decimal exposure_max_pct;      /* sum of size x leverage */
    struct tg_decimal margin_utilization_max_pct;
    struct tg_decimal daily_loss_max_pct, weekly_loss_max_pct, drawdown_max_pct;
    struct tg_decimal price_collar_pct; /* entry price against the last price */
    int64_t leverage_max;
    uint32_t positions_per_symbol_max, positions_max;
    uint32_t entry_orders_per_minute_max, entry_orders_per_day_max;
};

struct trade_options {
    /* Borrowed: publishes risk_alerts, and execution_events of positions. NULL: nothing. */
    struct bus *bus;
    struct obs_log *log;          /* borrowed; may be NULL */
    const char *installation;     /* enters the order ids; copied */
    const char *account_currency; /* copied */
    struct tg_decimal starting_balance;
    struct trade_venue venue;
    struct trade_journal journal; /* functions may be NULL: stored at once */
    struct trade_listener listener;
    struct trade_limits limits;
    int64_t cooldown_ns[TRADE_COOLDOWN_COUNT];
    struct tg_decimal trailing_activate_pct, trailing_distance_pct; /* distance 0: no trailing */
    struct tg_decimal break_even_pct; /* profit at which the stop moves to the entry; 0: never */
    int64_t holding_max_ns;           /* 0: no limit */
    int64_t order_deadline_ns;        /* how long a sent order may wait for its answer; 0: 2 s */
    /* A minute bar that moves this far counts as unusual movement; 0: never */
    struct tg_decimal unusual_movement_pct;
};

struct trade;
int trade_create(const struct trade_options *options, struct trade **result,
                 struct tg_error *error);
void trade_destroy(struct trade *trade);
int trade_symbol_add(struct trade *trade, const struct trade_symbol_options *options,
                     uint32_t *number, struct tg_error *error);
int trade_symbol_find(const struct trade *trade, const char *name); /* -1: none */
const struct trade_symbol_options *trade_symbol(const struct trade *trade, uint32_t symbol);

/* ---- acts ---- */

struct trade_entry {
    struct tg_uuid decision_id;
    const char *decision_key; /* (agent, symbol, slot, sequence) as text; enters the order id */
    uint32_t symbol;
    uint8_t side;   /* TG_SIDE_* */
    uint8_t regime; /* TG_REGIME_* */
    bool rebalance; /* a rebalancing trade: no stop, no target */
    bool hodl;      /* for a hodl bag; needs rebalance, and the side buy */
    int64_t leverage;
    struct tg_decimal size_usd;    /* account currency; rounded down to the symbol's size */
    struct tg_decimal limit_price; /* 0: market order */
    struct tg_decimal stop_loss, take_profit; /* 0: none */
};

/*
 * Intends an entry order: checks the hard limits on the worst case (orders of unknown fate count as
 * filled), makes the order, hands it to the journal. It goes out by trade_pump once it is stored.
 * Refused with the rule's code first in the sentence: TG_E_REFUSED. TG_E_STALE: no price of the
 * symbol or of its quote currency. TG_E_EXISTS: that decision has its order already. Any error of
 * the journal: the order is void. `order_id` is the order's; may be NULL.
 *
 * A rebalancing entry adds to the position that trade_allocation_position tells, where there is
 * one: an allocation is one position, however many trades it was built of.
 */
int trade_enter(struct trade *trade, const struct trade_entry *entry, int64_t now,
                struct tg_uuid *order_id, struct tg_error *error);
/*
 * Closes trading's open positions of that symbol and side at market, reduce only; those of the
 * allocation and hodl bags stay. `fraction` of each in
 * (0, 1], rounded down to the symbol's size and up to its minimum; where less than the minimum
 * would be left, all. A whole close cancels the legs that protect it and is tried again until the
 * position is closed; after a part the legs are made smaller. `closed`: of how many positions; none
 * there: TG_E_NOT_FOUND, all being closed already: TG_E_STATE. `order_id`: of the last one. Both
 * may be NULL.
 */
int trade_close(struct trade *trade, uint32_t symbol, uint8_t position_side,
                struct tg_decimal fraction, const char *reason, const struct tg_uuid *decision_id,
                int64_t now, struct tg_uuid *order_id, uint32_t *closed, struct tg_error *error);
/* The same for rebalancing: the allocation's position alone. */
int trade_reduce(struct trade *trade, uint32_t symbol, uint8_t position_side,
                 struct tg_decimal fraction, const char *reason, const struct tg_uuid *decision_id,
                 int64_t now, struct tg_uuid *order_id, uint32_t *closed, struct tg_error *error);
/* All symbols, both sides, signals and allocation, in an emergency. Hodl bags stay: they are
 * without leverage, were paid for with profit, and only an operator parts with one. */
int trade_close_all(struct trade *trade, struct tg_decimal fraction, const char *reason,
                    int64_t now, uint32_t *closed, struct tg_error *error);
/* One position, a hodl bag too: an operator's act. TG_E_NOT_FOUND: it is not open. */
int trade_close_position(struct trade *trade, const struct tg_uuid *position_id,
                         struct tg_decimal fraction, const char *reason, int64_t now,
                         struct tg_uuid *order_id, struct tg_error *error);
/* How much of the position a close of that fraction takes: whole steps, nothing left below the
 * minimum. */
struct tg_decimal trade_close_share(const struct trade *trade,
                                    const struct trade_position *position,
                                    struct tg_decimal fraction);
/* What orders that are on their way to close it will take; 0: none is, or it is not open. */
struct tg_decimal trade_position_closing(const struct trade *trade,
                                         const struct tg_uuid *position_id);
/* Cancels every entry order that is not final. What fills before the venue has heard of it makes a
 * position all the same. */
void trade_cancel_entries(struct trade *trade);
/* Money of the account that is a hodl bag from now on: no margin for anything. TG_E_OVERFLOW. */
int trade_hodl_set_aside(struct trade *trade, struct tg_decimal amount, struct tg_error *error);
/* The journal's answer to an intent; stored false: the order becomes void. */
void trade_intent_stored(struct trade *trade, const struct tg_uuid *order_id, bool stored);
/* Sends what is stored, places and re-sizes protective legs, cancels the other leg. */
void trade_pump(struct trade *trade, int64_t now);
/* Orders past their deadline become unknown; positions past the holding limit are closed; periods
 * begin anew at 00:00 UTC and on Mondays. Called once per step of time. */
void trade_advance(struct trade *trade, int64_t now);
/* The earliest time at which trade_advance has something to do; INT64_MAX: none. */
int64_t trade_next_time(const struct trade *trade);

/*
 * A venue's event, from the bus; events of positions are trade's own and pass. A trade id seen
 * before changes nothing. TG_E_NOT_FOUND: no order of ours; TG_E_STATE: an arrow that does not
 * exist; TG_E_INVALID: a fill without its fields, or one that contradicts the order (side, symbol,
 * more than its size): not counted, and the symbol is blocked. All of these are alerted.
 */
int trade_execution_event(struct trade *trade, const struct tg_execution_events *event, int64_t now,
                          struct tg_error *error);
/* A new price: marks, trailing and break-even stops, breakers. `bar` is a closed base bar. */
void trade_bar(struct trade *trade, uint32_t symbol, const struct tg_bar *bar, int64_t now);
/* The volatility of a symbol spikes (ATR over 3 x its mean); begins the cool-down. */
void trade_volatility_spike(struct trade *trade, uint32_t symbol, bool active, int64_t now);

/* ---- what it knows ---- */

struct trade_portfolio {
    struct tg_decimal start_equity, realised_pnl, unrealised_pnl, fees,
        equity; /* account currency */
    struct tg_decimal margin_used, margin_available;
    struct tg_decimal exposure; /* sum of size x price x leverage of open positions */
    /* the same two once every entry order that lives has filled; what risk is judged on */
    struct tg_decimal exposure_worst, margin_available_worst;
    struct tg_decimal peak_equity;
    struct tg_decimal day_start_equity, week_start_equity;
    double drawdown_pct, daily_pnl_pct, weekly_pnl_pct; /* drawdown is positive */
    double drawdown_max_pct;
    /* within equity: hodl bags at the last price, and those in account currency */
    struct tg_decimal hodl_value, hodl_cash;
    uint32_t consecutive_losses;
    uint32_t positions_open;            /* hodl bags too */
    uint64_t trades_closed, trades_won; /* positions fully closed; won: profit after fees */
};
/* TG_E_STALE: no price of a currency that is needed. */
int trade_portfolio(const struct trade *trade, int64_t now, struct trade_portfolio *portfolio,
                    struct tg_error *error);

bool trade_breaker_stands(const struct trade *trade, enum tg_breach breach);
/* Lifts a breaker; daily and weekly ones lift themselves with their period. */
void trade_breaker_lift(struct trade *trade, enum tg_breach breach);
/* The cool-down of that symbol that ends last; 0: none. `cooldown` may be NULL. */
int64_t trade_cooldown_until(const struct trade *trade, uint32_t symbol, int64_t now,
                             enum trade_cooldown *cooldown);
/* Later ends win. symbol UINT32_MAX: all symbols. */
void trade_cooldown_begin(struct trade *trade, uint32_t symbol, enum trade_cooldown cooldown,
                          int64_t now);
/* Entry orders in the last minute, and since 00:00 UTC: intended, or refused by their rate. */
void trade_order_rate(const struct trade *trade, int64_t now, uint32_t *minute, uint32_t *day);
/* An entry that the rate alone kept from being intended counts as well, so that who runs wild is
 * seen to. */
void trade_order_rate_refused(struct trade *trade, int64_t now);
bool trade_volatility_spikes(const struct trade *trade, uint32_t symbol);
/* A symbol with an order of unknown fate takes no new entry. */
bool trade_symbol_blocked(const struct trade *trade, uint32_t symbol);

/* Open ones, in order of opening; NULL past the end; borrowed until the next act. */
const struct trade_position *trade_position_at(const struct trade *trade, uint32_t index);
/* The open position that a rebalancing entry of that symbol and side adds to; NULL: none. */
const struct trade_position *trade_allocation_position(const struct trade *trade, uint32_t symbol,
                                                       uint8_t side, bool hodl);
/* The last price of a symbol; zero: none yet. */
struct tg_decimal trade_last_price(const struct trade *trade, uint32_t symbol);
/* Entry orders that live and have no position yet, oldest first; NULL past the end; borrowed. */
const struct trade_order *trade_entry_at(const struct trade *trade, uint32_t index);
const struct trade_order *trade_order_find(const struct trade *trade, const struct tg_uuid *id);
/* What is left of an order x price in account currency; TG_E_STALE without a price. */
int trade_order_notional(const struct trade *trade, const struct trade_order *order,
                         struct tg_decimal *value);
/* size x price in account currency at the last price; TG_E_STALE without one. */
int trade_position_notional(const struct trade *trade, const struct trade_position *position,
                            struct tg_decimal *value);
/* The value of one unit of the symbol's quote currency in account currency; 1 for itself. */
int trade_quote_rate(const struct trade *trade, uint32_t symbol, struct tg_decimal *rate);

/* ---- hard limits, as a function of numbers alone ---- */

struct trade_limit_case {
    struct tg_decimal equity, size_usd, exposure, margin_available;
    struct tg_decimal entry_price, last_price; /* 0: collar not judged */
    int64_t leverage;
    double daily_pnl_pct, weekly_pnl_pct, drawdown_pct;
    uint32_t positions_of_symbol, positions_open;
    uint32_t entry_orders_minute, entry_orders_day;
};
/* 0, or TG_E_REFUSED with the code of the rule (as "EXPOSURE_LIMIT") first in the sentence. */
int trade_limits_check(const struct trade_limits *limits, const struct trade_limit_case *given,
                       struct tg_error *error);

#endif
