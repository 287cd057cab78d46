/*
 * triplegain.h: everything that a plugin and the host say to each other.
 *
 * This header stands alone: C11, fixed-width integers, pointers and the records below, nothing of
 * the host's. A plugin is a shared object that exports one constant, `triplegain_plugin_1`, of type
 * `struct tg_plugin`. The host reads that constant and checks it before any of the plugin's code
 * runs.
 *
 * Ownership, in one rule: memory that a callback is given dies when the callback returns; what is
 * handed to the host is copied before the call returns; what a plugin allocates, it frees.
 *
 * Threads, in one rule: the host calls one instance from one thread at a time. Services of
 * `struct tg_host` may be called only while such a call is going on, from that thread.
 *
 * Time is UTC in nanoseconds since 1970. Money, prices and sizes are `struct tg_decimal`.
 */
#ifndef TRIPLEGAIN_H
#define TRIPLEGAIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TG_ABI_MAGIC UINT64_C(0x314e494147505254) /* "TRPGAIN1" read as a little-endian number */
#define TG_ABI_MAJOR 1
#define TG_ABI_MINOR 0

/* ---- errors ------------------------------------------------------------------------------- */

/* X(name, number, sentence) */
#define TG_ERROR_LIST(X)                                                                           \
    X(OK, 0, "success")                                                                            \
    X(INVALID, -1, "the input is not valid")                                                       \
    X(RANGE, -2, "the value is out of range")                                                      \
    X(FULL, -3, "the queue is full, try again")                                                    \
    X(NOT_FOUND, -4, "there is no such thing")                                                     \
    X(EXISTS, -5, "it exists already")                                                             \
    X(REFUSED, -6, "not allowed")                                                                  \
    X(STATE, -7, "not possible in this state")                                                     \
    X(OVERFLOW, -8, "the number does not fit")                                                     \
    X(NO_MEMORY, -9, "out of memory")                                                              \
    X(IO, -10, "reading or writing failed")                                                        \
    X(TIMEOUT, -11, "the time limit has passed")                                                   \
    X(STALE, -12, "the data is too old")                                                           \
    X(UNSUPPORTED, -13, "not supported")                                                           \
    X(FAILED, -14, "the operation failed")                                                         \
    X(UNKNOWN, -15, "the outcome is not known")

enum tg_error_code {
#define TG_ERROR_ENUM(name, number, sentence) TG_E_##name = (number),
    TG_ERROR_LIST(TG_ERROR_ENUM)
#undef TG_ERROR_ENUM
};

/* Filled by a plugin function that refuses or fails: one sentence that says what and where. */
struct tg_failure {
    uint32_t size; /* sizeof(struct tg_failure), set by the host */
    int32_t code;  /* one of TG_E_* */
    char message[248];
};

/* ---- numbers, identities, enumerations ---------------------------------------------------- */

#define TG_DECIMAL_ONE INT64_C(100000000) /* 1.0 */

/* An exact decimal: units / 10^8, from -92,233,720,368.54775807 to +92,233,720,368.54775807. */
struct tg_decimal {
    int64_t units;
};

struct tg_uuid {
    uint8_t bytes[16]; /* all zero: none */
};

#define TG_SYMBOL_SIZE 24 /* with the terminating NUL */
#define TG_SOURCE_SIZE 64 /* with the terminating NUL; 1 to 63 of a-z 0-9 _ */

/* Every enumeration of a record: X(NAME, "text in JSON, Lua, YAML and SQL"). Values count from 0.
 */
#define TG_ENUM_PRIORITY(X)                                                                        \
    X(NONE, "none") X(LOW, "LOW") X(NORMAL, "NORMAL") X(HIGH, "HIGH") X(URGENT, "URGENT")
#define TG_ENUM_TIMEFRAME(X)                                                                       \
    X(1M, "1m") X(5M, "5m") X(15M, "15m") X(1H, "1h") X(4H, "4h") X(1D, "1d")
#define TG_ENUM_TREND(X) X(BULLISH, "bullish") X(BEARISH, "bearish") X(NEUTRAL, "neutral")
#define TG_ENUM_BIAS(X)  X(LONG, "long") X(SHORT, "short") X(NEUTRAL, "neutral")
#define TG_ENUM_SENTIMENT(X)                                                                       \
    X(VERY_BULLISH, "very_bullish")                                                                \
    X(BULLISH, "bullish")                                                                          \
    X(NEUTRAL, "neutral") X(BEARISH, "bearish") X(VERY_BEARISH, "very_bearish")
#define TG_ENUM_REGIME(X)                                                                          \
    X(TRENDING_BULL, "trending_bull")                                                              \
    X(TRENDING_BEAR, "trending_bear")                                                              \
    X(RANGING, "ranging")                                                                          \
    X(VOLATILE_BULL, "volatile_bull")                                                              \
    X(VOLATILE_BEAR, "volatile_bear")                                                              \
    X(CHOPPY, "choppy") X(BREAKOUT_POTENTIAL, "breakout_potential") X(UNKNOWN, "unknown")
#define TG_ENUM_STRICTNESS(X)                                                                      \
    X(RELAXED, "relaxed") X(NORMAL, "normal") X(STRICT, "strict") X(VERY_STRICT, "very_strict")
#define TG_ENUM_METHOD(X) X(INDICATORS, "indicators") X(MODEL, "model")
#define TG_ENUM_VOTERS(X) X(RULES, "rules") X(MODELS, "models")
#define TG_ENUM_ACTION(X)                                                                          \
    X(BUY, "BUY")                                                                                  \
    X(SELL, "SELL") X(HOLD, "HOLD") X(CLOSE_LONG, "CLOSE_LONG") X(CLOSE_SHORT, "CLOSE_SHORT")
#define TG_ENUM_SIDE(X) X(BUY, "buy") X(SELL, "sell")
#define TG_ENUM_SEVERITY(X)                                                                        \
    X(LOW, "low") X(MEDIUM, "medium") X(HIGH, "high") X(CRITICAL, "critical")
#define TG_ENUM_BREACH(X)                                                                          \
    X(NONE, "none")                                                                                \
    X(DAILY_LOSS, "daily_loss")                                                                    \
    X(WEEKLY_LOSS, "weekly_loss")                                                                  \
    X(MAX_DRAWDOWN, "max_drawdown")                                                                \
    X(CONSECUTIVE_LOSSES, "consecutive_losses")                                                    \
    X(EXECUTION_ERRORS, "execution_errors") X(STORE_UNAVAILABLE, "store_unavailable")
#define TG_ENUM_EXECUTION(X)                                                                       \
    X(ACCEPTED, "accepted")                                                                        \
    X(FILL, "fill")                                                                                \
    X(CANCELLED, "cancelled")                                                                      \
    X(REJECTED, "rejected")                                                                        \
    X(EXPIRED, "expired")                                                                          \
    X(POSITION_OPENED, "position_opened")                                                          \
    X(POSITION_CHANGED, "position_changed") X(POSITION_CLOSED, "position_closed")
#define TG_ENUM_ORDER_TYPE(X)                                                                      \
    X(MARKET, "market") X(LIMIT, "limit") X(STOP_LOSS, "stop_loss") X(TAKE_PROFIT, "take_profit")
#define TG_ENUM_REBALANCE(X) X(NO_ACTION, "no_action") X(REBALANCE, "rebalance")

/* clang-format off */
#define TG_ENUM_LIST(X)                                                                            \
    X(PRIORITY) X(TIMEFRAME) X(TREND) X(BIAS) X(SENTIMENT) X(REGIME) X(STRICTNESS) X(METHOD)       \
    X(VOTERS) X(ACTION) X(SIDE) X(SEVERITY) X(BREACH) X(EXECUTION) X(ORDER_TYPE) X(REBALANCE)
/* clang-format on */

enum tg_priority {
    TG_PRIORITY_NONE,
    TG_PRIORITY_LOW,
    TG_PRIORITY_NORMAL,
    TG_PRIORITY_HIGH,
    TG_PRIORITY_URGENT
};

/* Each enumeration becomes TG_<ENUM>_<MEMBER> and TG_<ENUM>_COUNT. */
#define TG_M_TIMEFRAME(name, text) TG_TIMEFRAME_##name,
enum tg_timeframe { TG_ENUM_TIMEFRAME(TG_M_TIMEFRAME) TG_TIMEFRAME_COUNT };
#define TG_M_TREND(name, text) TG_TREND_##name,
enum tg_trend { TG_ENUM_TREND(TG_M_TREND) TG_TREND_COUNT };
#define TG_M_BIAS(name, text) TG_BIAS_##name,
enum tg_bias { TG_ENUM_BIAS(TG_M_BIAS) TG_BIAS_COUNT };
#define TG_M_SENTIMENT(name, text) TG_SENTIMENT_##name,
enum tg_sentiment { TG_ENUM_SENTIMENT(TG_M_SENTIMENT) TG_SENTIMENT_COUNT };
#define TG_M_REGIME(name, text) TG_REGIME_##name,
enum tg_regime { TG_ENUM_REGIME(TG_M_REGIME) TG_REGIME_COUNT };
#define TG_M_STRICTNESS(name, text) TG_STRICTNESS_##name,
enum tg_strictness { TG_ENUM_STRICTNESS(TG_M_STRICTNESS) TG_STRICTNESS_COUNT };
#define TG_M_METHOD(name, text) TG_METHOD_##name,
enum tg_method { TG_ENUM_METHOD(TG_M_METHOD) TG_METHOD_COUNT };
#define TG_M_VOTERS(name, text) TG_VOTERS_##name,
enum tg_voters { TG_ENUM_VOTERS(TG_M_VOTERS) TG_VOTERS_COUNT };
#define TG_M_ACTION(name, text) TG_ACTION_##name,
enum tg_action { TG_ENUM_ACTION(TG_M_ACTION) TG_ACTION_COUNT };
#define TG_M_SIDE(name, text) TG_SIDE_##name,
enum tg_side { TG_ENUM_SIDE(TG_M_SIDE) TG_SIDE_COUNT };
#define TG_M_SEVERITY(name, text) TG_SEVERITY_##name,
enum tg_severity { TG_ENUM_SEVERITY(TG_M_SEVERITY) TG_SEVERITY_COUNT };
#define TG_M_BREACH(name, text) TG_BREACH_##name,
enum tg_breach { TG_ENUM_BREACH(TG_M_BREACH) TG_BREACH_COUNT };
#define TG_M_EXECUTION(name, text) TG_EXECUTION_##name,
enum tg_execution { TG_ENUM_EXECUTION(TG_M_EXECUTION) TG_EXECUTION_COUNT };
#define TG_M_ORDER_TYPE(name, text) TG_ORDER_TYPE_##name,
enum tg_order_type { TG_ENUM_ORDER_TYPE(TG_M_ORDER_TYPE) TG_ORDER_TYPE_COUNT };
#define TG_M_REBALANCE(name, text) TG_REBALANCE_##name,
enum tg_rebalance { TG_ENUM_REBALANCE(TG_M_REBALANCE) TG_REBALANCE_COUNT };

/* ---- topics and their records ------------------------------------------------------------- */

/*
 * One list per topic: X(KIND, name, argument, presence, minimum, maximum, "meaning with unit").
 *
 *   KIND      C type               argument
 *   SYMBOL    char[24]             0
 *   TEXT      char[argument]       size with the NUL
 *   JSON      char[argument]       size with the NUL; an object or array as JSON text
 *   DECIMAL   struct tg_decimal    0
 *   REAL      double               0
 *   WHOLE     int64_t              0
 *   FLAG      uint8_t              0, values 0 and 1
 *   ENUM      uint8_t              name of the enumeration
 *   TIME      int64_t              0, UTC nanoseconds
 *   UUID      struct tg_uuid       0
 *
 * presence: REQUIRED fields always count; an OPTIONAL field counts when its bit is set in the
 * record's `present` (TG_SET marks it, TG_HAS asks). minimum and maximum bound DECIMAL, REAL and
 * WHOLE, both ends included; POSITIVE as the minimum means more than zero.
 */
#define TG_UNBOUNDED 9.0e10
#define TG_POSITIVE  1.0e-8

#define TG_RECORD_MARKET_DATA(X)                                                                   \
    X(SYMBOL, symbol, 0, REQUIRED, 0, 0, "symbol, as BTC/USDT")                                    \
    X(ENUM, timeframe, TIMEFRAME, REQUIRED, 0, 0, "length of the bar")                             \
    X(DECIMAL, open, 0, REQUIRED, TG_POSITIVE, TG_UNBOUNDED, "first price, quote currency")        \
    X(DECIMAL, high, 0, REQUIRED, TG_POSITIVE, TG_UNBOUNDED, "highest price, quote currency")      \
    X(DECIMAL, low, 0, REQUIRED, TG_POSITIVE, TG_UNBOUNDED, "lowest price, quote currency")        \
    X(DECIMAL, close, 0, REQUIRED, TG_POSITIVE, TG_UNBOUNDED, "last price, quote currency")        \
    X(DECIMAL, volume, 0, REQUIRED, 0, TG_UNBOUNDED, "amount traded, as the feed counts it")       \
    X(FLAG, closed, 0, REQUIRED, 0, 0, "1 when the bar is complete")                               \
    X(TIME, open_time, 0, OPTIONAL, 0, 0, "start of the bar")                                      \
    X(FLAG, synthetic, 0, OPTIONAL, 0, 0, "1 when the bar was made by a generator")

#define TG_RECORD_TA_SIGNALS(X)                                                                    \
    X(SYMBOL, symbol, 0, REQUIRED, 0, 0, "symbol")                                                 \
    X(ENUM, trend_direction, TREND, REQUIRED, 0, 0, "direction of the trend")                      \
    X(REAL, trend_strength, 0, REQUIRED, 0, 1, "strength of the trend")                            \
    X(REAL, momentum_score, 0, REQUIRED, -1, 1, "momentum, negative is down")                      \
    X(ENUM, bias, BIAS, REQUIRED, 0, 0, "which side the indicators favour")                        \
    X(REAL, confidence, 0, REQUIRED, 0, 1, "confidence")                                           \
    X(ENUM, timeframe, TIMEFRAME, OPTIONAL, 0, 0, "timeframe of the reading")                      \
    X(ENUM, method, METHOD, OPTIONAL, 0, 0, "what the reading was made with")                      \
    X(DECIMAL, price, 0, OPTIONAL, TG_POSITIVE, TG_UNBOUNDED, "last close, quote currency")        \
    X(DECIMAL, support, 0, OPTIONAL, TG_POSITIVE, TG_UNBOUNDED, "nearest support, quote currency") \
    X(DECIMAL, resistance, 0, OPTIONAL, TG_POSITIVE, TG_UNBOUNDED, "nearest resistance")           \
    X(REAL, rsi, 0, OPTIONAL, 0, 100, "relative strength index, 14")                               \
    X(REAL, adx, 0, OPTIONAL, 0, 100, "average directional index, 14")                             \
    X(REAL, atr_pct, 0, OPTIONAL, 0, 1000, "average true range in % of the price")

#define TG_RECORD_REGIME_UPDATES(X)                                                                \
    X(SYMBOL, symbol, 0, REQUIRED, 0, 0, "symbol")                                                 \
    X(ENUM, regime, REGIME, REQUIRED, 0, 0, "regime of the market")                                \
    X(REAL, confidence, 0, REQUIRED, 0, 1, "confidence")                                           \
    X(REAL, position_size_multiplier, 0, REQUIRED, 0, 10, "factor on the position size")           \
    X(ENUM, entry_strictness, STRICTNESS, REQUIRED, 0, 0, "how strict entries are judged")         \
    X(REAL, stop_multiplier, 0, OPTIONAL, 0, 10, "factor on the stop distance")                    \
    X(REAL, target_multiplier, 0, OPTIONAL, 0, 10, "factor on the take-profit distance")           \
    X(WHOLE, leverage_max, 0, OPTIONAL, 1, 125, "highest leverage in this regime")                 \
    X(ENUM, regime_before, REGIME, OPTIONAL, 0, 0, "the regime before a change")                   \
    X(FLAG, changed, 0, OPTIONAL, 0, 0, "1 when this update changes the regime")                   \
    X(ENUM, method, METHOD, OPTIONAL, 0, 0, "what the reading was made with")                      \
    X(REAL, adx, 0, OPTIONAL, 0, 100, "average directional index, 14")                             \
    X(REAL, choppiness, 0, OPTIONAL, 0, 200, "choppiness index, 14")                               \
    X(REAL, atr_pct, 0, OPTIONAL, 0, 1000, "average true range in % of the price")

#define TG_RECORD_SENTIMENT_UPDATES(X)                                                             \
    X(SYMBOL, symbol, 0, REQUIRED, 0, 0, "symbol")                                                 \
    X(ENUM, bias, SENTIMENT, REQUIRED, 0, 0, "mood of the market")                                 \
    X(REAL, confidence, 0, REQUIRED, 0, 1, "confidence")                                           \
    X(REAL, score, 0, OPTIONAL, -1, 1, "mood as a number, negative is bearish")                    \
    X(ENUM, method, METHOD, OPTIONAL, 0, 0, "what the reading was made with")

#define TG_RECORD_TRADING_SIGNALS(X)                                                               \
    X(SYMBOL, symbol, 0, REQUIRED, 0, 0, "symbol")                                                 \
    X(ENUM, action, ACTION, REQUIRED, 0, 0, "what to do")                                          \
    X(REAL, confidence, 0, REQUIRED, 0, 1, "confidence")                                           \
    X(DECIMAL, entry_price, 0, OPTIONAL, TG_POSITIVE, TG_UNBOUNDED, "BUY and SELL need it")        \
    X(DECIMAL, stop_loss, 0, OPTIONAL, TG_POSITIVE, TG_UNBOUNDED, "BUY and SELL need it")          \
    X(DECIMAL, take_profit, 0, OPTIONAL, TG_POSITIVE, TG_UNBOUNDED, "BUY and SELL need it")        \
    X(WHOLE, leverage, 0, OPTIONAL, 1, 125, "BUY and SELL need it")                                \
    X(DECIMAL, size_usd, 0, OPTIONAL, TG_POSITIVE, TG_UNBOUNDED, "size; else sizing decides")      \
    X(REAL, position_size_pct, 0, OPTIONAL, 0, 100, "size in % of equity; else sizing decides")    \
    X(ENUM, voters, VOTERS, OPTIONAL, 0, 0, "who voted")                                           \
    X(WHOLE, votes_valid, 0, OPTIONAL, 0, 64, "valid votes")                                       \
    X(WHOLE, votes_winner, 0, OPTIONAL, 0, 64, "votes for the action")                             \
    X(TIME, slot, 0, OPTIONAL, 0, 0, "slot of the run that made it; the host sets it")             \
    X(TEXT, reasoning, 256, OPTIONAL, 0, 0, "why, for people")                                     \
    X(JSON, votes, 640, OPTIONAL, 0, 0, "each vote: voter, action, confidence")

#define TG_RECORD_RISK_ALERTS(X)                                                                   \
    X(TEXT, alert_type, 48, REQUIRED, 0, 0, "what kind of alert")                                  \
    X(ENUM, severity, SEVERITY, REQUIRED, 0, 0, "how bad")                                         \
    X(TEXT, message, 256, REQUIRED, 0, 0, "sentence for people")                                   \
    X(ENUM, breach_type, BREACH, OPTIONAL, 0, 0, "which circuit breaker; needed for one")          \
    X(SYMBOL, symbol, 0, OPTIONAL, 0, 0, "symbol concerned")                                       \
    X(REAL, value, 0, OPTIONAL, -TG_UNBOUNDED, TG_UNBOUNDED, "value that was met")                 \
    X(REAL, limit, 0, OPTIONAL, -TG_UNBOUNDED, TG_UNBOUNDED, "limit it hit")

#define TG_RECORD_EXECUTION_EVENTS(X)                                                              \
    X(ENUM, event_type, EXECUTION, REQUIRED, 0, 0, "what happened")                                \
    X(UUID, order_id, 0, REQUIRED, 0, 0, "order, as the venue was given it")                       \
    X(SYMBOL, symbol, 0, REQUIRED, 0, 0, "symbol")                                                 \
    X(ENUM, side, SIDE, OPTIONAL, 0, 0, "side; a fill needs it")                                   \
    X(DECIMAL, size, 0, OPTIONAL, TG_POSITIVE, TG_UNBOUNDED, "base currency; a fill needs it")     \
    X(DECIMAL, fill_price, 0, OPTIONAL, TG_POSITIVE, TG_UNBOUNDED, "a fill needs it")              \
    X(DECIMAL, fee, 0, OPTIONAL, -TG_UNBOUNDED, TG_UNBOUNDED, "quote currency; a fill needs it")   \
    X(TEXT, trade_id, 48, OPTIONAL, 0, 0, "the venue's trade id; a fill needs it")                 \
    X(TIME, venue_time, 0, OPTIONAL, 0, 0, "when it happened at the venue")                        \
    X(TEXT, reason, 128, OPTIONAL, 0, 0, "why, for people")                                        \
    X(UUID, position_id, 0, OPTIONAL, 0, 0, "position concerned")                                  \
    X(DECIMAL, realised_pnl, 0, OPTIONAL, -TG_UNBOUNDED, TG_UNBOUNDED, "before fees, account")

#define TG_RECORD_PORTFOLIO_UPDATES(X)                                                             \
    X(ENUM, action, REBALANCE, REQUIRED, 0, 0, "what to do")                                       \
    X(JSON, current_allocation, 512, REQUIRED, 0, 0, "asset: % of value")                          \
    X(JSON, trades, 1024, REQUIRED, 0, 0, "list of symbol, side (buy or sell) and size_usd")       \
    X(TIME, rebalanced_at, 0, OPTIONAL, 0, 0, "slot of the publisher's last rebalance")            \
    X(TIME, slot, 0, OPTIONAL, 0, 0, "slot of the run that made it; the host sets it")             \
    X(TEXT, reasoning, 256, OPTIONAL, 0, 0, "why, for people")

#define TG_RECORD_SYSTEM_EVENTS(X)                                                                 \
    X(TEXT, event, 48, REQUIRED, 0, 0, "what happened, as state_changed")                          \
    X(TEXT, message, 256, OPTIONAL, 0, 0, "sentence for people")                                   \
    X(TEXT, from, 32, OPTIONAL, 0, 0, "state or level before")                                     \
    X(TEXT, to, 32, OPTIONAL, 0, 0, "state or level after")                                        \
    X(TEXT, actor, 64, OPTIONAL, 0, 0, "who or what did it")                                       \
    X(SYMBOL, symbol, 0, OPTIONAL, 0, 0, "symbol concerned")

#define TG_RECORD_COORDINATOR_COMMANDS(X)                                                          \
    X(TEXT, command, 32, REQUIRED, 0, 0,                                                           \
      "pause, resume, halt, reset, enable_task, disable_task, "                                    \
      "run_task, close_position, close_all or reload")                                             \
    X(JSON, params, 512, REQUIRED, 0, 0, "object with the command's parameters")

/* X(NAME, "name", struct) in the order of the topic numbers, which count from 1. */
#define TG_TOPIC_LIST(X)                                                                           \
    X(MARKET_DATA, market_data)                                                                    \
    X(TA_SIGNALS, ta_signals)                                                                      \
    X(REGIME_UPDATES, regime_updates)                                                              \
    X(SENTIMENT_UPDATES, sentiment_updates)                                                        \
    X(TRADING_SIGNALS, trading_signals)                                                            \
    X(RISK_ALERTS, risk_alerts)                                                                    \
    X(EXECUTION_EVENTS, execution_events)                                                          \
    X(PORTFOLIO_UPDATES, portfolio_updates)                                                        \
    X(SYSTEM_EVENTS, system_events)                                                                \
    X(COORDINATOR_COMMANDS, coordinator_commands)

enum tg_topic {
    TG_TOPIC_NONE,
#define TG_TOPIC_ENUM(NAME, name) TG_TOPIC_##NAME,
    TG_TOPIC_LIST(TG_TOPIC_ENUM)
#undef TG_TOPIC_ENUM
        TG_TOPIC_COUNT,
    TG_TOPIC_OWN_FIRST = 64 /* numbers of x.<plugin>.<name> topics; their payload is JSON text */
};

/* From the lists: one struct per topic, and the number of each field. */
#define TG_FIELD_SYMBOL(name, argument)  char name[TG_SYMBOL_SIZE];
#define TG_FIELD_TEXT(name, argument)    char name[argument];
#define TG_FIELD_JSON(name, argument)    char name[argument];
#define TG_FIELD_DECIMAL(name, argument) struct tg_decimal name;
#define TG_FIELD_REAL(name, argument)    double name;
#define TG_FIELD_WHOLE(name, argument)   int64_t name;
#define TG_FIELD_FLAG(name, argument)    uint8_t name;
#define TG_FIELD_ENUM(name, argument)    uint8_t name;
#define TG_FIELD_TIME(name, argument)    int64_t name;
#define TG_FIELD_UUID(name, argument)    struct tg_uuid name;
#define TG_STRUCT_FIELD(kind, name, argument, presence, minimum, maximum, meaning)                 \
    TG_FIELD_##kind(name, argument)

#define TG_DECLARE_RECORD(NAME, name)                                                              \
    struct tg_##name {                                                                             \
        uint64_t present;                                                                          \
        TG_RECORD_##NAME(TG_STRUCT_FIELD)                                                          \
    };
TG_TOPIC_LIST(TG_DECLARE_RECORD)
#undef TG_DECLARE_RECORD

#define TG_N_MARKET_DATA(k, name, a, p, lo, hi, m) TG_MARKET_DATA_##name,
enum { TG_RECORD_MARKET_DATA(TG_N_MARKET_DATA) TG_MARKET_DATA_FIELDS };
#define TG_N_TA_SIGNALS(k, name, a, p, lo, hi, m) TG_TA_SIGNALS_##name,
enum { TG_RECORD_TA_SIGNALS(TG_N_TA_SIGNALS) TG_TA_SIGNALS_FIELDS };
#define TG_N_REGIME_UPDATES(k, name, a, p, lo, hi, m) TG_REGIME_UPDATES_##name,
enum { TG_RECORD_REGIME_UPDATES(TG_N_REGIME_UPDATES) TG_REGIME_UPDATES_FIELDS };
#define TG_N_SENTIMENT_UPDATES(k, name, a, p, lo, hi, m) TG_SENTIMENT_UPDATES_##name,
enum { TG_RECORD_SENTIMENT_UPDATES(TG_N_SENTIMENT_UPDATES) TG_SENTIMENT_UPDATES_FIELDS };
#define TG_N_TRADING_SIGNALS(k, name, a, p, lo, hi, m) TG_TRADING_SIGNALS_##name,
enum { TG_RECORD_TRADING_SIGNALS(TG_N_TRADING_SIGNALS) TG_TRADING_SIGNALS_FIELDS };
#define TG_N_RISK_ALERTS(k, name, a, p, lo, hi, m) TG_RISK_ALERTS_##name,
enum { TG_RECORD_RISK_ALERTS(TG_N_RISK_ALERTS) TG_RISK_ALERTS_FIELDS };
#define TG_N_EXECUTION_EVENTS(k, name, a, p, lo, hi, m) TG_EXECUTION_EVENTS_##name,
enum { TG_RECORD_EXECUTION_EVENTS(TG_N_EXECUTION_EVENTS) TG_EXECUTION_EVENTS_FIELDS };
#define TG_N_PORTFOLIO_UPDATES(k, name, a, p, lo, hi, m) TG_PORTFOLIO_UPDATES_##name,
enum { TG_RECORD_PORTFOLIO_UPDATES(TG_N_PORTFOLIO_UPDATES) TG_PORTFOLIO_UPDATES_FIELDS };
#define TG_N_SYSTEM_EVENTS(k, name, a, p, lo, hi, m) TG_SYSTEM_EVENTS_##name,
enum { TG_RECORD_SYSTEM_EVENTS(TG_N_SYSTEM_EVENTS) TG_SYSTEM_EVENTS_FIELDS };
#define TG_N_COORDINATOR_COMMANDS(k, name, a, p, lo, hi, m) TG_COORDINATOR_COMMANDS_##name,
enum { TG_RECORD_COORDINATOR_COMMANDS(TG_N_COORDINATOR_COMMANDS) TG_COORDINATOR_COMMANDS_FIELDS };

/* TG_SET(&record, TA_SIGNALS, rsi) marks an optional field as present; TG_HAS asks for it. */
#define TG_BIT(TOPIC, field)         (UINT64_C(1) << TG_##TOPIC##_##field)
#define TG_SET(record, TOPIC, field) ((record)->present |= TG_BIT(TOPIC, field))
#define TG_HAS(record, TOPIC, field) (((record)->present & TG_BIT(TOPIC, field)) != 0)

/* A message as a handler sees it: immutable, valid while the callback runs. */
struct tg_message {
    uint32_t size; /* sizeof(struct tg_message) */
    uint16_t topic;
    uint8_t priority;
    uint8_t reserved;
    struct tg_uuid id;
    struct tg_uuid correlation_id; /* all zero: none */
    int64_t timestamp;             /* UTC nanoseconds */
    uint32_t ttl_seconds;
    uint32_t payload_size;
    const void *payload; /* the topic's struct; JSON text without a NUL for x. topics */
    const char *source;
};

/* ---- market data -------------------------------------------------------------------------- */

struct tg_bar {
    int64_t open_time; /* UTC nanoseconds; the bar covers [open_time, open_time + timeframe) */
    struct tg_decimal open, high, low, close, volume;
};

/*
 * Indicator values of one timeframe after its newest closed bar. X(name, "definition"). A value
 * counts only when its bit is set in `ready`: TG_READY(&indicators, rsi14).
 */
#define TG_INDICATOR_LIST(X)                                                                       \
    X(ema9, "exponential moving average, 9 closes")                                                \
    X(ema21, "exponential moving average, 21 closes")                                              \
    X(ema50, "exponential moving average, 50 closes")                                              \
    X(ema200, "exponential moving average, 200 closes")                                            \
    X(sma20, "simple moving average, 20 closes")                                                   \
    X(sma50, "simple moving average, 50 closes")                                                   \
    X(sma200, "simple moving average, 200 closes")                                                 \
    X(rsi14, "relative strength index, Wilder 14")                                                 \
    X(macd, "EMA 12 less EMA 26")                                                                  \
    X(macd_signal, "EMA 9 of macd")                                                                \
    X(macd_histogram, "macd less macd_signal")                                                     \
    X(atr14, "average true range, Wilder 14")                                                      \
    X(atr14_mean20, "mean of the last 20 values of atr14")                                         \
    X(adx14, "average directional index, Wilder 14")                                               \
    X(plus_di14, "positive directional indicator, Wilder 14")                                      \
    X(minus_di14, "negative directional indicator, Wilder 14")                                     \
    X(bollinger_middle, "SMA 20 of closes")                                                        \
    X(bollinger_upper, "middle plus 2 population standard deviations")                             \
    X(bollinger_lower, "middle less 2 population standard deviations")                             \
    X(keltner_middle, "EMA 20 of closes")                                                          \
    X(keltner_upper, "EMA 20 plus 2 ATR 10")                                                       \
    X(keltner_lower, "EMA 20 less 2 ATR 10")                                                       \
    X(obv, "on-balance volume since the first bar")                                                \
    X(vwap, "volume weighted average price since 00:00 UTC, typical prices")                       \
    X(choppiness14, "choppiness index, 14")                                                        \
    X(stochastic_rsi, "RSI 14 within its range of 14, 0 to 100")                                   \
    X(stochastic_rsi_k, "SMA 3 of stochastic_rsi")                                                 \
    X(stochastic_rsi_d, "SMA 3 of stochastic_rsi_k")                                               \
    X(roc10, "rate of change over 10 closes in %")                                                 \
    X(supertrend, "Supertrend line, ATR 10, factor 3")                                             \
    X(supertrend_direction, "+1 up, -1 down")                                                      \
    X(squeeze, "1 while Bollinger 20/2 is within Keltner 20/10/2, else 0")                         \
    X(volume_sma20, "simple moving average of 20 volumes")

struct tg_indicators {
    uint64_t ready;
#define TG_INDICATOR_FIELD(name, definition) double name;
    TG_INDICATOR_LIST(TG_INDICATOR_FIELD)
#undef TG_INDICATOR_FIELD
};

enum {
#define TG_INDICATOR_NUMBER(name, definition) TG_INDICATOR_##name,
    TG_INDICATOR_LIST(TG_INDICATOR_NUMBER)
#undef TG_INDICATOR_NUMBER
        TG_INDICATOR_COUNT
};
#define TG_READY(indicators, name)                                                                 \
    (((indicators)->ready & (UINT64_C(1) << TG_INDICATOR_##name)) != 0)

/* Closed bars of one timeframe, oldest first, with the indicators after the newest of them. */
struct tg_series {
    const struct tg_bar *bars;
    const struct tg_indicators *indicators; /* never NULL; without bars nothing is ready */
    uint32_t count;
    uint32_t reserved;
};

/* What an agent sees of one symbol. Bars at most: 1m 60, 5m 48, 15m 32, 1h 48, 4h 30, 1d 30. */
struct tg_snapshot {
    uint32_t size;             /* sizeof(struct tg_snapshot) */
    uint32_t base_timeframe;   /* TG_TIMEFRAME_*: the feed's own */
    int64_t newest_close_time; /* when the newest base bar closed, UTC nanoseconds */
    int64_t age;               /* nanoseconds since then */
    struct tg_decimal last_price;
    struct tg_series series[TG_TIMEFRAME_COUNT]; /* by TG_TIMEFRAME_* */
};

/* ---- runs of an agent --------------------------------------------------------------------- */

/* The newest unexpired message of a topic that the descriptor reads, of the run's symbol. */
struct tg_input {
    uint16_t topic;
    uint16_t reserved;
    uint32_t payload_size;
    int64_t age; /* nanoseconds */
    const void *payload;
    const char *source;
};

struct tg_position {
    struct tg_uuid id;
    char symbol[TG_SYMBOL_SIZE];
    uint8_t side; /* TG_SIDE_BUY: long, TG_SIDE_SELL: short */
    uint8_t reserved[7];
    struct tg_decimal size;        /* base currency */
    struct tg_decimal entry_price; /* average, quote currency */
    int64_t opened_at;             /* UTC nanoseconds */
};

/* A position of any symbol, with what it is worth. */
struct tg_holding {
    struct tg_position position;
    struct tg_decimal last_price; /* quote currency */
    struct tg_decimal value;      /* size x last price, account currency */
    uint8_t rebalance;            /* 1: of the allocation, opened by rebalancing */
    uint8_t hodl;                 /* 1: a hodl bag; rebalance is 1 as well */
    uint8_t reserved[6];
};

/* How much of the account's value an asset shall be: portfolio.targets of the configuration. */
struct tg_target {
    char asset[TG_SYMBOL_SIZE]; /* a base currency, or the account currency */
    struct tg_decimal pct;
};

struct tg_traded_symbol {
    char symbol[TG_SYMBOL_SIZE];
    struct tg_decimal last_price; /* quote currency; 0: none yet */
};

/* The account, as an agent with TG_CAPABILITY_PORTFOLIO sees it. */
struct tg_portfolio {
    uint32_t size; /* sizeof(struct tg_portfolio) */
    uint32_t holding_count;
    uint32_t target_count;
    uint32_t symbol_count;
    char account_currency[TG_SYMBOL_SIZE];
    /* account currency, hodl bags included; free margin; what of the equity is a bag of money */
    struct tg_decimal equity, margin_available, hodl_cash;
    const struct tg_holding *holdings; /* all open positions, in order of opening */
    const struct tg_target *targets;
    const struct tg_traded_symbol *symbols; /* all that this run trades */
};

struct tg_run {
    uint32_t size; /* sizeof(struct tg_run) */
    uint32_t input_count;
    const char *task;
    const char *symbol;
    int64_t slot; /* UTC nanoseconds */
    int64_t now;  /* UTC nanoseconds */
    const struct tg_snapshot *snapshot;
    const struct tg_input *inputs;
    /* open ones of this symbol that signals opened; not the allocation, not hodl bags */
    const struct tg_position *positions;
    uint32_t position_count;
    uint32_t reserved;
    /* NULL without TG_CAPABILITY_PORTFOLIO, and while a price is missing to value it */
    const struct tg_portfolio *portfolio;
};

/* ---- feeds and venues --------------------------------------------------------------------- */

struct tg_feed_info {
    uint32_t size;           /* sizeof(struct tg_feed_info), set by the host */
    uint32_t timeframe;      /* TG_TIMEFRAME_* */
    int64_t first_open_time; /* 0: not known */
    int64_t last_open_time;  /* 0: not known */
    uint8_t synthetic;       /* 1: the bars are made up and must be labelled so */
    uint8_t reserved[7];
};

/* A feed is read: the host asks for the next bars when it has use for them. */
struct tg_feed_functions {
    uint32_t size; /* sizeof(struct tg_feed_functions) */
    uint32_t reserved;
    int32_t (*describe)(void *instance, struct tg_feed_info *info, struct tg_failure *failure);
    /* Writes up to `capacity` bars in order of time; *count 0 means the end. */
    int32_t (*read)(void *instance, struct tg_bar *bars, uint32_t capacity, uint32_t *count,
                    struct tg_failure *failure);
};

struct tg_order {
    uint32_t size_of; /* sizeof(struct tg_order) */
    uint8_t type;     /* TG_ORDER_TYPE_* */
    uint8_t side;     /* TG_SIDE_* */
    uint8_t reduce_only;
    /* 1: bought outright and kept apart, as the allocation and hodl bags are: not netted with the
     * other orders of the symbol, and reduced only by orders that are apart as well */
    uint8_t apart;
    struct tg_uuid id; /* the client order id */
    char symbol[TG_SYMBOL_SIZE];
    struct tg_decimal size;  /* base currency */
    struct tg_decimal price; /* limit or trigger price; 0 for a market order */
    int64_t leverage;
    int64_t deadline; /* UTC nanoseconds: not to be accepted after it */
};

/*
 * A venue answers by publishing execution_events: accepted or rejected once per order, a fill with
 * a unique trade_id for each trade, cancelled or expired at the end. The return value says only
 * whether the request went out: TG_E_UNKNOWN when that cannot be said.
 */
struct tg_venue_functions {
    uint32_t size; /* sizeof(struct tg_venue_functions) */
    uint32_t reserved;
    int32_t (*submit)(void *instance, const struct tg_order *order, struct tg_failure *failure);
    int32_t (*cancel)(void *instance, const struct tg_uuid *order_id, struct tg_failure *failure);
    /* Changes the open size and the trigger or limit price of an order that rests. */
    int32_t (*amend)(void *instance, const struct tg_uuid *order_id, struct tg_decimal size,
                     struct tg_decimal price, struct tg_failure *failure);
};

/* ---- configuration ------------------------------------------------------------------------ */

enum tg_config_type {
    TG_CONFIG_TEXT = 1,
    TG_CONFIG_WHOLE,
    TG_CONFIG_REAL,
    TG_CONFIG_DECIMAL,
    TG_CONFIG_FLAG,
    TG_CONFIG_CHOICE /* one of `choices`, words separated by | */
};

struct tg_config_key {
    const char *name;
    uint32_t type; /* TG_CONFIG_* */
    uint32_t required;
    const char *default_text; /* as in YAML; NULL with `required` */
    double minimum, maximum;  /* of WHOLE, REAL and DECIMAL */
    const char *choices;
    const char *description; /* with the unit */
};

/* Values in the order of the descriptor's keys; each is checked already. */
struct tg_config_value {
    const char *text; /* TEXT and CHOICE; never NULL for them */
    int64_t whole;    /* WHOLE; 0 or 1 for FLAG; number of the word for CHOICE */
    double real;
    struct tg_decimal decimal;
};

struct tg_config {
    uint32_t size; /* sizeof(struct tg_config) */
    uint32_t count;
    const struct tg_config_value *values;
    const char *folder; /* of the configuration file: relative paths start there */
};

/* ---- the host's services ------------------------------------------------------------------ */

enum tg_log_level { TG_LOG_DEBUG, TG_LOG_INFO, TG_LOG_WARNING, TG_LOG_ERROR };

struct tg_host {
    uint32_t size; /* sizeof(struct tg_host): what lies beyond it is not there */
    uint32_t minor;
    void *context; /* first argument of every service */
    const char *instance_name;
    const char *symbol; /* of a feed: the symbol it feeds; else "" */

    /* Checks and copies. The host stamps source, id and time. TG_E_FULL: try again. */
    int32_t (*publish)(void *context, uint32_t topic, uint32_t priority, const void *record,
                       uint32_t record_size, struct tg_failure *failure);
    /* Number of an own topic x.<plugin>.<name> that the descriptor declares; 0: not declared. */
    uint32_t (*topic_number)(void *context, const char *name);
    int64_t (*now)(void *context);     /* UTC nanoseconds; virtual in a replay */
    uint64_t (*random)(void *context); /* seeded per instance, repeatable in a replay */
    void (*log)(void *context, uint32_t level, const char *message);
    /* Feeds: one row could not be used. Counted and reported by reason (a few words). */
    void (*row_refused)(void *context, const char *reason, uint64_t line);
    /* An optional group of services that the descriptor names as a capability; NULL: none. */
    const void *(*group)(void *context, const char *name);
};

/* ---- the plugin --------------------------------------------------------------------------- */

enum tg_plugin_kind { TG_KIND_AGENT = 1, TG_KIND_FEED, TG_KIND_VENUE, TG_KIND_SERVICE };

/* Never blocks and returns within microseconds: may run on the core thread where that is granted.
 */
#define TG_CAPABILITY_CORE_SAFE UINT32_C(1)
/* Its runs see the whole portfolio. */
#define TG_CAPABILITY_PORTFOLIO UINT32_C(2)

/* Changes when the layout of any record or struct of this header changes. */
#define TG_MIX_(hash, value) (((hash) ^ (uint64_t)(value)) * UINT64_C(0x100000001b3))
#define TG_ABI_FINGERPRINT                                                                           \
    TG_MIX_(                                                                                         \
        TG_MIX_(                                                                                     \
            TG_MIX_(                                                                                 \
                TG_MIX_(                                                                             \
                    TG_MIX_(                                                                         \
                        TG_MIX_(                                                                     \
                            TG_MIX_(                                                                 \
                                TG_MIX_(                                                             \
                                    TG_MIX_(                                                         \
                                        TG_MIX_(                                                     \
                                            TG_MIX_(                                                 \
                                                TG_MIX_(                                             \
                                                    TG_MIX_(                                         \
                                                        TG_MIX_(                                     \
                                                            TG_MIX_(                                 \
                                                                TG_MIX_(                             \
                                                                    TG_MIX_(                         \
                                                                        TG_MIX_(                     \
                                                                            UINT64_C(                \
                                                                                0xcbf29ce484222325), \
                                                                            sizeof(struct            \
                                                                                   tg_holding)),     \
                                                                        sizeof(                      \
                                                                            struct tg_portfolio)),   \
                                                                    sizeof(                          \
                                                                        struct tg_market_data)),     \
                                                                sizeof(struct tg_ta_signals)),       \
                                                            sizeof(struct tg_regime_updates)),       \
                                                        sizeof(struct tg_sentiment_updates)),        \
                                                    sizeof(struct tg_trading_signals)),              \
                                                sizeof(struct tg_risk_alerts)),                      \
                                            sizeof(struct tg_execution_events)),                     \
                                        sizeof(struct tg_portfolio_updates)),                        \
                                    sizeof(struct tg_system_events)),                                \
                                sizeof(struct tg_coordinator_commands)),                             \
                            sizeof(struct tg_message)),                                              \
                        sizeof(struct tg_snapshot)),                                                 \
                    sizeof(struct tg_run)),                                                          \
                sizeof(struct tg_order)),                                                            \
            sizeof(struct tg_config_key)),                                                           \
        sizeof(struct tg_host))

struct tg_plugin {
    uint64_t magic;       /* TG_ABI_MAGIC */
    uint32_t size;        /* sizeof(struct tg_plugin) */
    uint16_t major;       /* TG_ABI_MAJOR */
    uint16_t minor;       /* TG_ABI_MINOR: the newest the plugin makes use of */
    uint64_t fingerprint; /* TG_ABI_FINGERPRINT */
    const char *name;     /* 1 to 63 of a-z 0-9 _ */
    const char *version;
    const char *description;
    uint32_t kind;                /* TG_KIND_* */
    uint32_t capabilities;        /* TG_CAPABILITY_* */
    const char *const *publishes; /* topic names, ended by NULL; may be NULL */
    const char *const *reads;     /* topic names, ended by NULL; may be NULL */
    const struct tg_config_key *config_keys;
    uint32_t config_key_count;
    uint32_t reserved;

    /* Needed. On failure: nothing left behind, and a sentence in `failure`. */
    int32_t (*create)(const struct tg_host *host, const struct tg_config *config, void **instance,
                      struct tg_failure *failure);
    /* Needed. Frees the instance; nothing of the host may be called. */
    void (*destroy)(void *instance);
    /* Optional: NULL where there is nothing to do. */
    int32_t (*start)(void *instance, struct tg_failure *failure);
    void (*drain)(void *instance); /* no new runs will come */
    void (*stop)(void *instance);  /* the last call before destroy that may use the host */
    int32_t (*health)(void *instance, struct tg_failure *failure);
    /* Agents need it: one run for one symbol. */
    int32_t (*run)(void *instance, const struct tg_run *run, struct tg_failure *failure);
    /* Called for each message of a topic in `reads`, in the order of the bus. Optional. */
    int32_t (*on_message)(void *instance, const struct tg_message *message,
                          struct tg_failure *failure);
    /* Needed by kind FEED and VENUE: struct tg_feed_functions, struct tg_venue_functions. */
    const struct tg_feed_functions *feed;
    const struct tg_venue_functions *venue;
};

#if defined(__GNUC__)
#define TG_EXPORT __attribute__((visibility("default")))
#else
#define TG_EXPORT
#endif

/* The one symbol a plugin exports. The major version is part of its name. */
#define TG_PLUGIN_SYMBOL "triplegain_plugin_1"
extern TG_EXPORT const struct tg_plugin triplegain_plugin_1;

#ifdef __cplusplus
}
#endif

#endif
