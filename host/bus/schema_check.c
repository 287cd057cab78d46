/*
 * Is a record what its topic demands? Asked for every message, so the answer is straight code made
 * from the field lists, a comparison or two per field; only a refusal looks at the tables, to make
 * its sentence. A pure function of the record: no memory, no state, any thread.
 */
#include "base/check.h"
#include "base/decimal.h"
#include "base/text.h"
#include "bus/json.h"
#include "bus/schema.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What a check of all fields says, if not the number of one that does not fit. */
#define ALL_FIT     (-1)
#define BITS_BEYOND (-2)

/* ---- one field ---------------------------------------------------------------------------- */

/* [A-Z0-9._-] */
static const uint8_t symbol_class[256] = {
    ['-'] = 1, ['.'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1,
    ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1,
    ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1,
    ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1,
    ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['_'] = 1,
};

/* BASE/QUOTE, 3 to 23 characters and a NUL. */
static inline bool fits_symbol(const char *symbol)
{
    const char *end = symbol + TG_SYMBOL_SIZE;
    const char *at = symbol;

    while (at < end && symbol_class[(unsigned char)*at] == 1)
        at++;
    if (at == symbol || at == end || *at != '/')
        return false;
    const char *quote = ++at;
    while (at < end && symbol_class[(unsigned char)*at] == 1)
        at++;
    return at != quote && at != end && *at == '\0';
}

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/*
 * The length of a text of ASCII that ends within `size`, eight bytes at a step; -1: look closer.
 * The lowest bit of `ends` belongs to the first NUL.
 */
static inline ptrdiff_t ascii_length(const char *text, size_t size)
{
    for (size_t i = 0; i + sizeof(uint64_t) <= size; i += sizeof(uint64_t)) {
        uint64_t bytes;
        memcpy(&bytes, text + i, sizeof(bytes));
        bytes = le64toh(bytes);
        const uint64_t high = bytes & EACH_BYTE(0x80);
        const uint64_t ends = (bytes - EACH_BYTE(1)) & ~bytes & EACH_BYTE(0x80);
        if (ends != 0)
            return (high & ((ends & -ends) - 1)) != 0 ? -1
                                                      : (ptrdiff_t)i + __builtin_ctzll(ends) / 8;
        if (high != 0)
            return -1;
    }
    return -1;
}

static inline bool fits_text(const char *text, size_t size, bool required)
{
    const ptrdiff_t ascii = ascii_length(text, size);

    if (ascii >= 0)
        return ascii > 0 || !required;
    const size_t length = strnlen(text, size);
    if (length == size || (required && length == 0))
        return false;
    return tg_text_is_utf8(text, length);
}

/* An object or an array. */
static inline bool fits_json(const char *text, size_t size)
{
    enum json_kind kind;
    const size_t length = strnlen(text, size);

    if (length == size || json_check(text, length, &kind, NULL) != TG_E_OK)
        return false;
    return kind == JSON_OBJECT || kind == JSON_ARRAY;
}

#define UNITS(bound) ((int64_t)((bound) * (double)TG_DECIMAL_ONE + ((bound) < 0 ? -0.5 : 0.5)))

/* NaN compares false with everything. */
#define FITS_SYMBOL(value, argument, required, low, high) fits_symbol(value)
#define FITS_TEXT(value, argument, required, low, high)   fits_text(value, sizeof(value), required)
#define FITS_JSON(value, argument, required, low, high)   fits_json(value, sizeof(value))
#define FITS_DECIMAL(value, argument, required, low, high)                                         \
    ((value).units >= UNITS(low) && (value).units <= UNITS(high))
#define FITS_REAL(value, argument, required, low, high) ((value) >= (low) && (value) <= (high))
#define FITS_WHOLE(value, argument, required, low, high)                                           \
    ((value) >= (int64_t)(low) && (value) <= (int64_t)(high))
#define FITS_FLAG(value, argument, required, low, high) ((value) <= 1)
#define FITS_ENUM(value, argument, required, low, high) ((value) < TG_##argument##_COUNT)
#define FITS_TIME(value, argument, required, low, high) ((value) >= 0)
#define FITS_UUID(value, argument, required, low, high) fits_uuid(&(value))

static inline bool fits_uuid(const struct tg_uuid *id)
{
    uint64_t halves[2];

    memcpy(halves, id->bytes, sizeof(halves));
    return (halves[0] | halves[1]) != 0;
}

/* ---- one record --------------------------------------------------------------------------- */

#define REQUIRED_IS_REQUIRED true
#define REQUIRED_IS_OPTIONAL false

#define CHECK_FIELD(kind, field, argument, presence, low, high, meaning)                           \
    if ((REQUIRED_IS_##presence || (record->present & bit) != 0) &&                                \
        !FITS_##kind(record->field, argument, REQUIRED_IS_##presence, low, high))                  \
        return number;                                                                             \
    bit <<= 1;                                                                                     \
    number++;
#define DEFINE_CHECK(NAME, name)                                                                   \
    static int check_##name(const struct tg_##name *record)                                        \
    {                                                                                              \
        uint64_t bit = 1;                                                                          \
        int number = 0;                                                                            \
        if (record->present >> TG_##NAME##_FIELDS != 0)                                            \
            return BITS_BEYOND;                                                                    \
        TG_RECORD_##NAME(CHECK_FIELD)(void) bit;                                                   \
        (void)number;                                                                              \
        return ALL_FIT;                                                                            \
    }
TG_TOPIC_LIST(DEFINE_CHECK)

/* ---- sentences ---------------------------------------------------------------------------- */

static int explain_symbol(const char *name, const char *symbol, struct tg_error *error)
{
    const size_t length = strnlen(symbol, TG_SYMBOL_SIZE);

    if (length == 0)
        return TG_FAIL(error, INVALID, "%s: is missing (a symbol as BTC/USDT is required)", name);
    if (length == TG_SYMBOL_SIZE)
        return TG_FAIL(error, INVALID, "%s: has no end within %d bytes", name, TG_SYMBOL_SIZE);
    if (!tg_text_is_utf8(symbol, length))
        return TG_FAIL(error, INVALID, "%s: is not UTF-8", name);
    return TG_FAIL(error, INVALID,
                   "%s: \"%s\" is not a symbol (BASE/QUOTE of A-Z 0-9 . _ -, as BTC/USDT)", name,
                   symbol);
}

static int explain_text(const char *name, const char *text, size_t size, struct tg_error *error)
{
    const size_t length = strnlen(text, size);

    if (length == 0)
        return TG_FAIL(error, INVALID, "%s: is missing (a text is required)", name);
    if (length == size)
        return TG_FAIL(error, INVALID, "%s: has no end within %zu bytes", name, size);
    return TG_FAIL(error, INVALID, "%s: is not UTF-8", name);
}

static int explain_json(const char *name, const char *text, size_t size, struct tg_error *error)
{
    enum json_kind kind;
    const size_t length = strnlen(text, size);

    if (length == 0)
        return TG_FAIL(error, INVALID, "%s: is missing (a JSON object or array is required)", name);
    if (length == size)
        return TG_FAIL(error, INVALID, "%s: has no end within %zu bytes", name, size);
    const int code = json_check(text, length, &kind, error);
    if (code == TG_E_OK)
        return TG_FAIL(error, INVALID, "%s: is neither a JSON object nor an array", name);
    tg_error_prefix(error, "%s: ", name);
    return TG_PASS(error, code);
}

static int explain_decimal(const char *name, const struct schema_field *field,
                           struct tg_decimal value, struct tg_error *error)
{
    char text[TG_DECIMAL_TEXT_SIZE];

    tg_decimal_format(value, text);
    if (field->minimum > 0 && field->maximum >= TG_UNBOUNDED)
        return TG_FAIL(error, RANGE, "%s: %s is out of range (more than 0)", name, text);
    return TG_FAIL(error, RANGE, "%s: %s is out of range (%.15g to %.15g)", name, text,
                   field->minimum, field->maximum);
}

static int explain_enum(const char *name, const struct schema_enum *enumeration, uint8_t value,
                        struct tg_error *error)
{
    char words[256];
    size_t length = 0;

    words[0] = '\0';
    for (uint32_t i = 0; i < enumeration->count; i++)
        (void)tg_text_append(words, sizeof(words), &length, "%s%s", i > 0 ? ", " : "",
                             enumeration->words[i]);
    return TG_FAIL(error, RANGE, "%s: %u is out of range (0 to %u: %s)", name, value,
                   enumeration->count - 1, words);
}

static __attribute__((cold, noinline)) int explain_field(const struct schema *schema,
                                                         const struct schema_field *field,
                                                         const void *record, struct tg_error *error)
{
    const unsigned char *value = (const unsigned char *)record + field->offset;
    char name[96];
    double real;
    int64_t whole;

    (void)snprintf(name, sizeof(name), "%s.%s", schema->topic, field->name);
    switch (field->kind) {
    case SCHEMA_SYMBOL:
        return explain_symbol(name, (const char *)value, error);
    case SCHEMA_TEXT:
        return explain_text(name, (const char *)value, field->size, error);
    case SCHEMA_JSON:
        return explain_json(name, (const char *)value, field->size, error);
    case SCHEMA_DECIMAL:
        memcpy(&whole, value, sizeof(whole));
        return explain_decimal(name, field, (struct tg_decimal){whole}, error);
    case SCHEMA_REAL:
        memcpy(&real, value, sizeof(real));
        return TG_FAIL(error, RANGE, "%s: %.15g is out of range (%.15g to %.15g)", name, real,
                       field->minimum, field->maximum);
    case SCHEMA_WHOLE:
        memcpy(&whole, value, sizeof(whole));
        return TG_FAIL(error, RANGE, "%s: %" PRId64 " is out of range (%.15g to %.15g)", name,
                       whole, field->minimum, field->maximum);
    case SCHEMA_FLAG:
        return TG_FAIL(error, RANGE, "%s: %u is out of range (0 or 1)", name, *value);
    case SCHEMA_ENUM:
        return explain_enum(name, field->enumeration, *value, error);
    case SCHEMA_TIME:
        return TG_FAIL(error, RANGE, "%s: lies before 1970", name);
    case SCHEMA_UUID:
        return TG_FAIL(error, INVALID, "%s: is missing (an id that is not all zero is required)",
                       name);
    }
    return TG_FAIL(error, INVALID, "%s: is not valid", name);
}

/* ---- what a topic demands as a whole -------------------------------------------------------- */

static int check_whole_market_data(const struct tg_market_data *bar, struct tg_error *error)
{
    const int64_t low = bar->low.units, high = bar->high.units;

    if (low > high)
        return TG_FAIL(error, INVALID, "market_data.low: is above high");
    if (bar->open.units < low || bar->open.units > high)
        return TG_FAIL(error, INVALID, "market_data.open: lies outside low to high");
    if (bar->close.units < low || bar->close.units > high)
        return TG_FAIL(error, INVALID, "market_data.close: lies outside low to high");
    return TG_E_OK;
}

/* The first of the `missing` bits in a sentence; `whose` as "BUY and SELL need it". */
static __attribute__((cold, noinline)) int refuse_missing(uint16_t topic, uint64_t missing,
                                                          const char *whose, struct tg_error *error)
{
    const struct schema *schema = schema_of(topic);

    return TG_FAIL(error, INVALID, "%s.%s: is missing (%s)", schema->topic,
                   schema->fields[__builtin_ctzll(missing)].name, whose);
}

static int check_whole_trading_signals(const struct tg_trading_signals *signal,
                                       struct tg_error *error)
{
    const uint64_t needed =
        TG_BIT(TRADING_SIGNALS, entry_price) | TG_BIT(TRADING_SIGNALS, stop_loss) |
        TG_BIT(TRADING_SIGNALS, take_profit) | TG_BIT(TRADING_SIGNALS, leverage);

    const bool opens = signal->action == TG_ACTION_BUY || signal->action == TG_ACTION_SELL;

    if (!opens || (needed & ~signal->present) == 0)
        return TG_E_OK;
    return refuse_missing(TG_TOPIC_TRADING_SIGNALS, needed & ~signal->present,
                          "BUY and SELL need it", error);
}

static int check_whole_risk_alerts(const struct tg_risk_alerts *alert, struct tg_error *error)
{
    const bool is_named =
        TG_HAS(alert, RISK_ALERTS, breach_type) && alert->breach_type != TG_BREACH_NONE;

    if (tg_text_equal(alert->alert_type, "circuit_breaker") && !is_named)
        return TG_FAIL(error, INVALID,
                       "risk_alerts.breach_type: is missing (a circuit breaker needs it)");
    return TG_E_OK;
}

static int check_whole_execution_events(const struct tg_execution_events *event,
                                        struct tg_error *error)
{
    const uint64_t needed = TG_BIT(EXECUTION_EVENTS, side) | TG_BIT(EXECUTION_EVENTS, size) |
                            TG_BIT(EXECUTION_EVENTS, fill_price) | TG_BIT(EXECUTION_EVENTS, fee) |
                            TG_BIT(EXECUTION_EVENTS, trade_id);

    if (event->event_type != TG_EXECUTION_FILL)
        return TG_E_OK;
    if ((needed & ~event->present) != 0)
        return refuse_missing(TG_TOPIC_EXECUTION_EVENTS, needed & ~event->present,
                              "a fill needs it", error);
    if (event->trade_id[0] == '\0')
        return TG_FAIL(error, INVALID, "execution_events.trade_id: is empty (a fill needs it)");
    return TG_E_OK;
}

/* The text has been found to be an object or an array. */
static int check_json_opens(const char *name, const char *text, char bracket,
                            struct tg_error *error)
{
    if (text[strspn(text, " \n\t\r")] == bracket)
        return TG_E_OK;
    return TG_FAIL(error, INVALID, "%s: is not a JSON %s", name,
                   bracket == '{' ? "object" : "array");
}

static int check_whole_portfolio_updates(const struct tg_portfolio_updates *update,
                                         struct tg_error *error)
{
    const int code = check_json_opens("portfolio_updates.current_allocation",
                                      update->current_allocation, '{', error);

    return code != TG_E_OK
               ? code
               : check_json_opens("portfolio_updates.trades", update->trades, '[', error);
}

static int check_whole_coordinator_commands(const struct tg_coordinator_commands *command,
                                            struct tg_error *error)
{
    return check_json_opens("coordinator_commands.params", command->params, '{', error);
}

/* ---- the door ------------------------------------------------------------------------------ */

static int check_whole(uint16_t topic, const void *record, struct tg_error *error)
{
    switch (topic) {
    case TG_TOPIC_MARKET_DATA:
        return check_whole_market_data(record, error);
    case TG_TOPIC_TRADING_SIGNALS:
        return check_whole_trading_signals(record, error);
    case TG_TOPIC_RISK_ALERTS:
        return check_whole_risk_alerts(record, error);
    case TG_TOPIC_EXECUTION_EVENTS:
        return check_whole_execution_events(record, error);
    case TG_TOPIC_PORTFOLIO_UPDATES:
        return check_whole_portfolio_updates(record, error);
    case TG_TOPIC_COORDINATOR_COMMANDS:
        return check_whole_coordinator_commands(record, error);
    default:
        return TG_E_OK;
    }
}

/* Why there is nothing to look at field by field. */
static __attribute__((cold, noinline)) int explain_shape(uint16_t topic, const void *record,
                                                         uint32_t size, struct tg_error *error)
{
    const struct schema *schema = schema_of(topic);

    if (schema == NULL)
        return TG_FAIL(error, NOT_FOUND, "topic %u has no record", topic);
    if (record == NULL || size != schema->record_size)
        return TG_FAIL(error, INVALID, "%s: a record of %u bytes was given (%u are required)",
                       schema->topic, record == NULL ? 0 : size, schema->record_size);
    return TG_FAIL(error, INVALID, "%s: the record is not aligned to 8 bytes", schema->topic);
}

int schema_check(uint16_t topic, const void *record, uint32_t size, struct tg_error *error)
{
    int bad;

    if (record == NULL || (uintptr_t)record % 8 != 0)
        return explain_shape(topic, record, size, error);
    switch (topic) {
#define CASE(NAME, name)                                                                           \
    case TG_TOPIC_##NAME:                                                                          \
        if (size != sizeof(struct tg_##name))                                                      \
            return explain_shape(topic, record, size, error);                                      \
        bad = check_##name(record);                                                                \
        break;
        TG_TOPIC_LIST(CASE)
#undef CASE
    default:
        return explain_shape(topic, record, size, error);
    }
    if (bad == ALL_FIT)
        return check_whole(topic, record, error);
    const struct schema *schema = schema_of(topic);
    if (bad == BITS_BEYOND)
        return TG_FAIL(error, INVALID, "%s.present: has bits beyond its %u fields", schema->topic,
                       schema->field_count);
    return explain_field(schema, &schema->fields[bad], record, error);
}

int schema_check_own(const char *json, uint32_t size, struct tg_error *error)
{
    enum json_kind kind;

    if (json == NULL || size == 0)
        return TG_FAIL(error, INVALID, "payload: is missing (a JSON object is required)");
    const int code = json_check(json, size, &kind, error);
    if (code != TG_E_OK) {
        tg_error_prefix(error, "payload: ");
        return TG_PASS(error, code);
    }
    if (kind != JSON_OBJECT)
        return TG_FAIL(error, INVALID, "payload: is not a JSON object");
    return TG_E_OK;
}
