/*
 * The five cases and verdicts as field lists: the names that policies use, in one place. A field
 * that the coordinator has not filled is nil in Lua.
 */
#include "policy_int.h"

#define WORD_OF(NAME, text) text,
static const char *const actions[] = {TG_ENUM_ACTION(WORD_OF)};
static const char *const biases[] = {TG_ENUM_BIAS(WORD_OF)};
static const char *const regimes[] = {TG_ENUM_REGIME(WORD_OF)};
static const char *const strictnesses[] = {TG_ENUM_STRICTNESS(WORD_OF)};
static const char *const sentiments[] = {TG_ENUM_SENTIMENT(WORD_OF)};
static const char *const sides[] = {TG_ENUM_SIDE(WORD_OF)};
static const char *const breaches[] = {TG_ENUM_BREACH(WORD_OF)};
static const char *const severities[] = {TG_ENUM_SEVERITY(WORD_OF)};
static const char *const conflicts[] = {COORD_CONFLICT_LIST(WORD_OF)};
static const char *const resolutions[] = {"proceed", "modify", "wait", "abort"};
static const char *const statuses[] = {"approved", "modified", "rejected", "halted"};
#undef WORD_OF

/* One row each: the struct, the field's name in it and in Lua, flags. */
#define REAL(type, field, flag)                                                                    \
    {                                                                                              \
        .name = #field, .kind = LUA_FIELD_REAL, .flags = (flag),                                   \
        .offset = offsetof(struct type, field)                                                     \
    }
#define WHOLE(type, field, flag)                                                                   \
    {                                                                                              \
        .name = #field, .kind = LUA_FIELD_WHOLE, .flags = (flag),                                  \
        .offset = offsetof(struct type, field)                                                     \
    }
#define COUNT(type, field, flag)                                                                   \
    {                                                                                              \
        .name = #field, .kind = LUA_FIELD_COUNT, .flags = (flag),                                  \
        .offset = offsetof(struct type, field)                                                     \
    }
#define FLAG(type, field)                                                                          \
    {                                                                                              \
        .name = #field, .kind = LUA_FIELD_FLAG, .offset = offsetof(struct type, field)             \
    }
#define TEXT(type, field, flag, length)                                                            \
    {                                                                                              \
        .name = #field, .kind = LUA_FIELD_TEXT, .flags = (flag),                                   \
        .offset = offsetof(struct type, field), .size = (length)                                   \
    }
#define WORD(type, field, flag, list)                                                              \
    {                                                                                              \
        .name = #field, .kind = LUA_FIELD_WORD, .flags = (flag),                                   \
        .offset = offsetof(struct type, field), .words = (list),                                   \
        .word_count = sizeof(list) / sizeof((list)[0])                                             \
    }
#define REAL_IF(type, field, presence, flag)                                                       \
    {                                                                                              \
        .name = #field, .kind = LUA_FIELD_REAL, .flags = (flag),                                   \
        .offset = offsetof(struct type, field), .presence_offset = offsetof(struct type, presence) \
    }
#define RECORDS(type, field, counter, length, list)                                                \
    {                                                                                              \
        .name = #field, .kind = LUA_FIELD_RECORDS, .offset = offsetof(struct type, field),         \
        .size = (length), .count_offset = offsetof(struct type, counter), .record = &(list)        \
    }
#define RECORD(variable, label, type, list)                                                        \
    const struct lua_record variable = {label, list, sizeof(list) / sizeof((list)[0]),             \
                                        sizeof(struct type)}

/* Opinions stand in the case itself: case.ta_bias, case.regime. */
#define OPINION_WORD(type, field, list, presence)                                                  \
    {                                                                                              \
        .name = #field, .kind = LUA_FIELD_WORD, .offset = offsetof(struct type, opinions.field),   \
        .words = (list), .word_count = sizeof(list) / sizeof((list)[0]),                           \
        .presence_offset = offsetof(struct type, opinions.presence)                                \
    }
#define OPINION_REAL(type, field, presence)                                                        \
    {                                                                                              \
        .name = #field, .kind = LUA_FIELD_REAL, .offset = offsetof(struct type, opinions.field),   \
        .presence_offset = offsetof(struct type, opinions.presence)                                \
    }
#define OPINIONS(type)                                                                             \
    OPINION_WORD(type, ta_bias, biases, has_ta), OPINION_REAL(type, ta_confidence, has_ta),        \
        OPINION_WORD(type, regime, regimes, has_regime),                                           \
        OPINION_REAL(type, regime_confidence, has_regime),                                         \
        OPINION_WORD(type, strictness, strictnesses, has_regime),                                  \
        OPINION_WORD(type, sentiment, sentiments, has_sentiment),                                  \
        OPINION_REAL(type, sentiment_confidence, has_sentiment)

/* ---- positions, as all policies see them ---- */

static const struct lua_field position_fields[] = {
    TEXT(coord_seen_position, symbol, 0, TG_SYMBOL_SIZE),
    WORD(coord_seen_position, side, 0, sides),
    FLAG(coord_seen_position, same_symbol),
    FLAG(coord_seen_position, decision),
    WORD(coord_seen_position, regime_at_open, 0, regimes),
    REAL(coord_seen_position, exposure_pct, 0),
};
static RECORD(position, "position", coord_seen_position, position_fields);

/* ---- consensus ---- */

static const struct lua_field consensus_input_fields[] = {
    WORD(coord_consensus_case, action, 0, actions),
    REAL(coord_consensus_case, confidence, 0),
    OPINIONS(coord_consensus_case),
};
RECORD(policy__consensus_input, "case", coord_consensus_case, consensus_input_fields);
static const struct lua_field consensus_output_fields[] = {
    COUNT(coord_consensus_verdict, present, LUA_REQUIRED),
    COUNT(coord_consensus_verdict, agreeing, LUA_REQUIRED),
    REAL(coord_consensus_verdict, ratio, LUA_REQUIRED),
    REAL(coord_consensus_verdict, multiplier, LUA_REQUIRED),
    REAL(coord_consensus_verdict, confidence, LUA_REQUIRED),
};
RECORD(policy__consensus_output, "verdict", coord_consensus_verdict, consensus_output_fields);

/* ---- conflicts ---- */

static const struct lua_field conflict_input_fields[] = {
    TEXT(coord_conflict_case, symbol, 0, TG_SYMBOL_SIZE),
    WORD(coord_conflict_case, action, 0, actions),
    FLAG(coord_conflict_case, after_risk),
    REAL(coord_conflict_case, confidence, 0),
    OPINIONS(coord_conflict_case),
    RECORDS(coord_conflict_case, positions, position_count, COORD_POSITIONS_SEEN_MAX, position),
    REAL(coord_conflict_case, size_before, 0),
    REAL(coord_conflict_case, size_after, 0),
    WHOLE(coord_conflict_case, leverage_before, 0),
    WHOLE(coord_conflict_case, leverage_after, 0),
};
RECORD(policy__conflict_input, "case", coord_conflict_case, conflict_input_fields);
static const struct lua_field conflict_output_fields[] = {
    {.name = "conflicts",
     .kind = LUA_FIELD_WORDS,
     .flags = LUA_REQUIRED,
     .offset = offsetof(struct coord_conflict_verdict, conflicts),
     .size = COORD_CONFLICTS_MAX,
     .count_offset = offsetof(struct coord_conflict_verdict, conflict_count),
     .words = conflicts,
     .word_count = COORD_CONFLICT_COUNT},
    WORD(coord_conflict_verdict, resolution, LUA_REQUIRED, resolutions),
    TEXT(coord_conflict_verdict, reason, LUA_SHORTEN, COORD_NOTE_SIZE),
};
RECORD(policy__conflict_output, "verdict", coord_conflict_verdict, conflict_output_fields);

/* ---- sizing ---- */

static const struct lua_field sizing_input_fields[] = {
    TEXT(coord_sizing_case, symbol, 0, TG_SYMBOL_SIZE),
    WORD(coord_sizing_case, action, 0, actions),
    REAL(coord_sizing_case, confidence, 0),
    REAL(coord_sizing_case, entry_price, 0),
    REAL(coord_sizing_case, stop_loss, 0),
    REAL(coord_sizing_case, equity, 0),
    WORD(coord_sizing_case, regime, 0, regimes),
    REAL(coord_sizing_case, position_size_multiplier, 0),
    REAL_IF(coord_sizing_case, size_usd, has_size_usd, 0),
    REAL_IF(coord_sizing_case, position_size_pct, has_position_size_pct, 0),
};
RECORD(policy__sizing_input, "case", coord_sizing_case, sizing_input_fields);
static const struct lua_field sizing_output_fields[] = {
    REAL(coord_sizing_verdict, size_usd, LUA_REQUIRED),
    TEXT(coord_sizing_verdict, reason, LUA_SHORTEN, COORD_NOTE_SIZE),
};
RECORD(policy__sizing_output, "verdict", coord_sizing_verdict, sizing_output_fields);

/* ---- risk ---- */

/* What the proposal says may be any number: rule 0 refuses it. The state must be finite. */
static const struct lua_field risk_input_fields[] = {
    TEXT(coord_risk_case, symbol, 0, TG_SYMBOL_SIZE),
    TEXT(coord_risk_case, side, 0, 8),
    TEXT(coord_risk_case, profile, 0, 12),
    FLAG(coord_risk_case, reduces),
    REAL(coord_risk_case, size_usd, LUA_NOT_FINITE),
    REAL(coord_risk_case, entry_price, LUA_NOT_FINITE),
    REAL_IF(coord_risk_case, stop_loss, has_stop_loss, LUA_NOT_FINITE),
    REAL_IF(coord_risk_case, take_profit, has_take_profit, LUA_NOT_FINITE),
    REAL(coord_risk_case, leverage, LUA_NOT_FINITE),
    REAL(coord_risk_case, confidence, LUA_NOT_FINITE),
    WORD(coord_risk_case, regime, 0, regimes),
    WORD(coord_risk_case, strictness, 0, strictnesses),
    REAL(coord_risk_case, last_price, 0),
    REAL(coord_risk_case, equity, 0),
    REAL(coord_risk_case, margin_available, 0),
    REAL(coord_risk_case, daily_pnl_pct, 0),
    REAL(coord_risk_case, weekly_pnl_pct, 0),
    REAL(coord_risk_case, drawdown_pct, 0),
    WHOLE(coord_risk_case, consecutive_losses, 0),
    REAL(coord_risk_case, exposure_pct, 0),
    FLAG(coord_risk_case, volatility_spike),
    FLAG(coord_risk_case, breaker_stands),
    TEXT(coord_risk_case, breaker, 0, 24),
    FLAG(coord_risk_case, in_cooldown),
    TEXT(coord_risk_case, cooldown, 0, 24),
    REAL(coord_risk_case, cooldown_seconds, 0),
    WHOLE(coord_risk_case, entry_orders_minute, 0),
    WHOLE(coord_risk_case, entry_orders_day, 0),
    REAL(coord_risk_case, size_min, 0),
    COUNT(coord_risk_case, positions_of_symbol, 0),
    COUNT(coord_risk_case, positions_open, 0),
    RECORDS(coord_risk_case, positions, position_count, COORD_POSITIONS_SEEN_MAX, position),
};
RECORD(policy__risk_input, "case", coord_risk_case, risk_input_fields);
static const struct lua_field adjustment_fields[] = {
    TEXT(coord_adjustment, rule, LUA_REQUIRED, COORD_CODE_SIZE),
    REAL(coord_adjustment, before, LUA_REQUIRED),
    REAL(coord_adjustment, after, LUA_REQUIRED),
    REAL(coord_adjustment, limit, LUA_REQUIRED),
};
static RECORD(adjustment, "adjustment", coord_adjustment, adjustment_fields);
static const struct lua_field risk_output_fields[] = {
    WORD(coord_risk_verdict, status, LUA_REQUIRED, statuses),
    TEXT(coord_risk_verdict, code, 0, COORD_CODE_SIZE),
    TEXT(coord_risk_verdict, reason, LUA_SHORTEN, COORD_NOTE_SIZE),
    REAL(coord_risk_verdict, size_usd, 0),
    WHOLE(coord_risk_verdict, leverage, 0),
    RECORDS(coord_risk_verdict, reductions, reduction_count, COORD_ADJUSTMENTS_MAX, adjustment),
    RECORDS(coord_risk_verdict, warnings, warning_count, COORD_ADJUSTMENTS_MAX, adjustment),
};
RECORD(policy__risk_output, "verdict", coord_risk_verdict, risk_output_fields);

/* ---- emergencies ---- */

/* The actions stand in the case and in the verdict themselves: case.halt_all, verdict.halt_all. */
#define ACTION(type, part, field)                                                                  \
    {                                                                                              \
        .name = #field, .kind = LUA_FIELD_FLAG, .offset = offsetof(struct type, part.field)        \
    }
static const struct lua_field emergency_input_fields[] = {
    WORD(coord_emergency_case, breach, 0, breaches),
    WORD(coord_emergency_case, severity, 0, severities),
    TEXT(coord_emergency_case, symbol, 0, TG_SYMBOL_SIZE),
    FLAG(coord_emergency_case, is_configured),
    ACTION(coord_emergency_case, configured, pause_trading),
    ACTION(coord_emergency_case, configured, reduce_positions),
    ACTION(coord_emergency_case, configured, halt_all),
    ACTION(coord_emergency_case, configured, close_positions),
    COUNT(coord_emergency_case, positions_open, 0),
};
RECORD(policy__emergency_input, "case", coord_emergency_case, emergency_input_fields);
static const struct lua_field emergency_output_fields[] = {
    ACTION(coord_emergency_verdict, actions, pause_trading),
    ACTION(coord_emergency_verdict, actions, reduce_positions),
    ACTION(coord_emergency_verdict, actions, halt_all),
    ACTION(coord_emergency_verdict, actions, close_positions),
    ACTION(coord_emergency_verdict, actions, pause_symbol),
    TEXT(coord_emergency_verdict, reason, LUA_REQUIRED | LUA_SHORTEN, COORD_NOTE_SIZE),
};
RECORD(policy__emergency_output, "verdict", coord_emergency_verdict, emergency_output_fields);
