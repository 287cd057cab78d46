/*
 * Topic records as data, made from the field lists of the public header: the list is the only place
 * where a field is written down. Constant tables; nothing is owned, nothing is refused here.
 */
#include "bus/schema.h"

#include "base/check.h"
#include "base/text.h"

#include <string.h>

/* ---- enumerations ------------------------------------------------------------------------- */

/* The names as people write them; the lists have them in capitals only. */
#define ENUM_NAME_PRIORITY   "priority"
#define ENUM_NAME_TIMEFRAME  "timeframe"
#define ENUM_NAME_TREND      "trend"
#define ENUM_NAME_BIAS       "bias"
#define ENUM_NAME_SENTIMENT  "sentiment"
#define ENUM_NAME_REGIME     "regime"
#define ENUM_NAME_STRICTNESS "strictness"
#define ENUM_NAME_METHOD     "method"
#define ENUM_NAME_VOTERS     "voters"
#define ENUM_NAME_ACTION     "action"
#define ENUM_NAME_SIDE       "side"
#define ENUM_NAME_SEVERITY   "severity"
#define ENUM_NAME_BREACH     "breach"
#define ENUM_NAME_EXECUTION  "execution"
#define ENUM_NAME_ORDER_TYPE "order_type"
#define ENUM_NAME_REBALANCE  "rebalance"

#define WORD(name, text) text,
#define DEFINE_ENUM(NAME)                                                                          \
    static const char *const words_##NAME[] = {TG_ENUM_##NAME(WORD)};                              \
    const struct schema_enum schema_enum_##NAME = {                                                \
        .name = ENUM_NAME_##NAME,                                                                  \
        .words = words_##NAME,                                                                     \
        .count = (uint32_t)TG_ARRAY_LENGTH(words_##NAME),                                          \
    };
TG_ENUM_LIST(DEFINE_ENUM)

#define ENUM_ADDRESS(NAME) &schema_enum_##NAME,
static const struct schema_enum *const enumerations[] = {TG_ENUM_LIST(ENUM_ADDRESS)};

/* ---- fields ------------------------------------------------------------------------------- */

#define REQUIRED_IS_REQUIRED true
#define REQUIRED_IS_OPTIONAL false

#define ENUM_OF_SYMBOL(argument)  NULL
#define ENUM_OF_TEXT(argument)    NULL
#define ENUM_OF_JSON(argument)    NULL
#define ENUM_OF_DECIMAL(argument) NULL
#define ENUM_OF_REAL(argument)    NULL
#define ENUM_OF_WHOLE(argument)   NULL
#define ENUM_OF_FLAG(argument)    NULL
#define ENUM_OF_ENUM(argument)    &schema_enum_##argument
#define ENUM_OF_TIME(argument)    NULL
#define ENUM_OF_UUID(argument)    NULL

#define FIELD(field_kind, field, argument, presence, low, high, text)                              \
    {                                                                                              \
        .name = #field,                                                                            \
        .kind = SCHEMA_##field_kind,                                                               \
        .required = REQUIRED_IS_##presence,                                                        \
        .offset = (uint32_t)offsetof(struct RECORD, field),                                        \
        .size = (uint32_t)sizeof(((struct RECORD *)0)->field),                                     \
        .enumeration = ENUM_OF_##field_kind(argument),                                             \
        .minimum = (low),                                                                          \
        .maximum = (high),                                                                         \
        .meaning = (text),                                                                         \
    },

#define RECORD tg_market_data
static const struct schema_field fields_MARKET_DATA[] = {TG_RECORD_MARKET_DATA(FIELD)};
#undef RECORD
#define RECORD tg_ta_signals
static const struct schema_field fields_TA_SIGNALS[] = {TG_RECORD_TA_SIGNALS(FIELD)};
#undef RECORD
#define RECORD tg_regime_updates
static const struct schema_field fields_REGIME_UPDATES[] = {TG_RECORD_REGIME_UPDATES(FIELD)};
#undef RECORD
#define RECORD tg_sentiment_updates
static const struct schema_field fields_SENTIMENT_UPDATES[] = {TG_RECORD_SENTIMENT_UPDATES(FIELD)};
#undef RECORD
#define RECORD tg_trading_signals
static const struct schema_field fields_TRADING_SIGNALS[] = {TG_RECORD_TRADING_SIGNALS(FIELD)};
#undef RECORD
#define RECORD tg_risk_alerts
static const struct schema_field fields_RISK_ALERTS[] = {TG_RECORD_RISK_ALERTS(FIELD)};
#undef RECORD
#define RECORD tg_execution_events
static const struct schema_field fields_EXECUTION_EVENTS[] = {TG_RECORD_EXECUTION_EVENTS(FIELD)};
#undef RECORD
#define RECORD tg_portfolio_updates
static const struct schema_field fields_PORTFOLIO_UPDATES[] = {TG_RECORD_PORTFOLIO_UPDATES(FIELD)};
#undef RECORD
#define RECORD tg_system_events
static const struct schema_field fields_SYSTEM_EVENTS[] = {TG_RECORD_SYSTEM_EVENTS(FIELD)};
#undef RECORD
#define RECORD tg_coordinator_commands
static const struct schema_field fields_COORDINATOR_COMMANDS[] = {
    TG_RECORD_COORDINATOR_COMMANDS(FIELD)};
#undef RECORD

/* ---- topics ------------------------------------------------------------------------------- */

#define SYMBOL_FIELD_MARKET_DATA          TG_MARKET_DATA_symbol
#define SYMBOL_FIELD_TA_SIGNALS           TG_TA_SIGNALS_symbol
#define SYMBOL_FIELD_REGIME_UPDATES       TG_REGIME_UPDATES_symbol
#define SYMBOL_FIELD_SENTIMENT_UPDATES    TG_SENTIMENT_UPDATES_symbol
#define SYMBOL_FIELD_TRADING_SIGNALS      TG_TRADING_SIGNALS_symbol
#define SYMBOL_FIELD_RISK_ALERTS          TG_RISK_ALERTS_symbol
#define SYMBOL_FIELD_EXECUTION_EVENTS     TG_EXECUTION_EVENTS_symbol
#define SYMBOL_FIELD_PORTFOLIO_UPDATES    (-1)
#define SYMBOL_FIELD_SYSTEM_EVENTS        TG_SYSTEM_EVENTS_symbol
#define SYMBOL_FIELD_COORDINATOR_COMMANDS (-1)

#define TOPIC(NAME, text)                                                                          \
    [TG_TOPIC_##NAME] = {                                                                          \
        .topic = #text,                                                                            \
        .number = TG_TOPIC_##NAME,                                                                 \
        .record_size = (uint32_t)sizeof(struct tg_##text),                                         \
        .fields = fields_##NAME,                                                                   \
        .field_count = (uint32_t)TG_ARRAY_LENGTH(fields_##NAME),                                   \
        .symbol_field = SYMBOL_FIELD_##NAME,                                                       \
    },
static const struct schema schemas[TG_TOPIC_COUNT] = {TG_TOPIC_LIST(TOPIC)};

#define FITS_PRESENT(NAME, text)                                                                   \
    _Static_assert(TG_ARRAY_LENGTH(fields_##NAME) < 64, #text " has a bit for each field");        \
    _Static_assert(_Alignof(struct tg_##text) <= 8, #text " lies in a frame aligned to 8");
TG_TOPIC_LIST(FITS_PRESENT)

/* ---- asking ------------------------------------------------------------------------------- */

const struct schema *schema_of(uint16_t topic)
{
    return topic > TG_TOPIC_NONE && topic < TG_TOPIC_COUNT ? &schemas[topic] : NULL;
}

const struct schema_enum *schema_enum_find(const char *name)
{
    for (size_t i = 0; i < TG_ARRAY_LENGTH(enumerations); i++)
        if (tg_text_equal(enumerations[i]->name, name))
            return enumerations[i];
    return NULL;
}

const char *schema_enum_text(const struct schema_enum *enumeration, uint32_t value)
{
    return value < enumeration->count ? enumeration->words[value] : "?";
}

int schema_enum_value(const struct schema_enum *enumeration, const char *text)
{
    for (uint32_t i = 0; i < enumeration->count; i++)
        if (tg_text_equal(enumeration->words[i], text))
            return (int)i;
    return -1;
}
