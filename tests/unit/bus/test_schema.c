/* Records: tables made from the lists, checking of every kind of field, JSON there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "bus/schema.h"
#include "bus_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tg_error error;

static int check(uint16_t topic, const void *record)
{
    tg_error_clear(&error);
    return schema_check(topic, record, schema_of(topic)->record_size, &error);
}

/* Refused with exactly that sentence. */
#define assert_refused(topic, record, code, sentence)                                              \
    do {                                                                                           \
        assert_int_equal(check((topic), (record)), (code));                                        \
        assert_string_equal(error.message, (sentence));                                            \
    } while (0)

static void test_tables(void **state)
{
    (void)state;
    assert_null(schema_of(0));
    assert_null(schema_of(TG_TOPIC_COUNT));
    assert_null(schema_of(TG_TOPIC_OWN_FIRST));
    for (uint16_t topic = 1; topic < TG_TOPIC_COUNT; topic++) {
        const struct schema *schema = schema_of(topic);
        uint32_t end = 8;

        assert_int_equal(schema->number, topic);
        for (uint32_t i = 0; i < schema->field_count; i++) {
            const struct schema_field *field = &schema->fields[i];
            assert_true(field->offset >= end);
            end = field->offset + field->size;
            assert_true((field->kind == SCHEMA_ENUM) == (field->enumeration != NULL));
            assert_true(field->meaning[0] != '\0');
        }
        assert_true(end <= schema->record_size);
        if (schema->symbol_field >= 0) {
            assert_string_equal(schema->fields[schema->symbol_field].name, "symbol");
            assert_int_equal(schema->fields[schema->symbol_field].kind, SCHEMA_SYMBOL);
        }
    }
    assert_int_equal(schema_of(TG_TOPIC_TA_SIGNALS)->field_count, TG_TA_SIGNALS_FIELDS);
    assert_string_equal(schema_of(TG_TOPIC_TA_SIGNALS)->fields[TG_TA_SIGNALS_rsi].name, "rsi");
}

static void test_enumerations(void **state)
{
    (void)state;
    assert_ptr_equal(schema_enum_find("regime"), &schema_enum_REGIME);
    assert_ptr_equal(schema_enum_find("order_type"), &schema_enum_ORDER_TYPE);
    assert_null(schema_enum_find("REGIME"));
    assert_string_equal(SCHEMA_WORD(REGIME, TG_REGIME_BREAKOUT_POTENTIAL), "breakout_potential");
    assert_string_equal(SCHEMA_WORD(REGIME, TG_REGIME_COUNT), "?");
    assert_string_equal(SCHEMA_WORD(PRIORITY, TG_PRIORITY_URGENT), "URGENT");
    assert_int_equal(SCHEMA_VALUE(ACTION, "CLOSE_SHORT"), TG_ACTION_CLOSE_SHORT);
    assert_int_equal(SCHEMA_VALUE(ACTION, "close_short"), -1);
    assert_int_equal(schema_enum_REGIME.count, TG_REGIME_COUNT);
}

static void test_good_records(void **state)
{
    const struct tg_market_data bar = fixture_market_data("BTC/USDT");
    const struct tg_ta_signals reading = fixture_ta_signals("ETH/USD");
    const struct tg_trading_signals signal = fixture_trading_signals("BTC/USDT");
    const struct tg_execution_events event = fixture_execution_events("XRP/USDT");
    const struct tg_system_events system = fixture_system_events("started");

    (void)state;
    assert_int_equal(check(TG_TOPIC_MARKET_DATA, &bar), TG_E_OK);
    assert_int_equal(check(TG_TOPIC_TA_SIGNALS, &reading), TG_E_OK);
    assert_int_equal(check(TG_TOPIC_TRADING_SIGNALS, &signal), TG_E_OK);
    assert_int_equal(check(TG_TOPIC_EXECUTION_EVENTS, &event), TG_E_OK);
    assert_int_equal(check(TG_TOPIC_SYSTEM_EVENTS, &system), TG_E_OK);
}

static void test_size_alignment_present(void **state)
{
    union {
        uint64_t aligned;
        unsigned char bytes[sizeof(struct tg_market_data) + 8];
    } shifted;
    struct tg_market_data bar = fixture_market_data("BTC/USDT");

    (void)state;
    assert_int_equal(schema_check(TG_TOPIC_MARKET_DATA, &bar, sizeof(bar) - 1, &error),
                     TG_E_INVALID);
    assert_string_equal(error.message,
                        "market_data: a record of 103 bytes was given (104 are required)");
    assert_int_equal(schema_check(TG_TOPIC_MARKET_DATA, NULL, sizeof(bar), &error), TG_E_INVALID);
    assert_int_equal(schema_check(0, &bar, sizeof(bar), &error), TG_E_NOT_FOUND);
    assert_int_equal(schema_check(TG_TOPIC_OWN_FIRST, &bar, sizeof(bar), NULL), TG_E_NOT_FOUND);
    memcpy(shifted.bytes + 1, &bar, sizeof(bar));
    assert_int_equal(schema_check(TG_TOPIC_MARKET_DATA, shifted.bytes + 1, sizeof(bar), &error),
                     TG_E_INVALID);
    bar.present = UINT64_C(1) << TG_MARKET_DATA_FIELDS;
    assert_refused(TG_TOPIC_MARKET_DATA, &bar, TG_E_INVALID,
                   "market_data.present: has bits beyond its 10 fields");
    bar.present = UINT64_C(1) << 63;
    assert_int_equal(check(TG_TOPIC_MARKET_DATA, &bar), TG_E_INVALID);
    bar.present = (UINT64_C(1) << TG_MARKET_DATA_FIELDS) - 1; /* bits of required ones may be set */
    assert_int_equal(check(TG_TOPIC_MARKET_DATA, &bar), TG_E_OK);
}

static void test_symbols(void **state)
{
    static const char *const good[] = {"A/B", "BTC/USDT", "1INCH/USD", "BTC.X_1-P/USDT",
                                       "ABCDEFGHIJKLMNO/PQRSTUV"};
    static const char *const bad[] = {"BTC",    "/",       "BTC/",     "/USD",      "BTC//USD",
                                      "A/B/C",  "btc/usd", "BTC/US D", "BTC/USD\n", "B\xc3\xa9/USD",
                                      "BTC:USD"};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LENGTH(good); i++) {
        const struct tg_market_data bar = fixture_market_data(good[i]);
        assert_string_equal(bar.symbol, good[i]);
        assert_int_equal(check(TG_TOPIC_MARKET_DATA, &bar), TG_E_OK);
    }
    for (size_t i = 0; i < TG_ARRAY_LENGTH(bad); i++) {
        const struct tg_market_data bar = fixture_market_data(bad[i]);
        assert_int_equal(check(TG_TOPIC_MARKET_DATA, &bar), TG_E_INVALID);
        assert_memory_equal(error.message, "market_data.symbol: ", 20);
    }
    struct tg_market_data bar = fixture_market_data("btc/usd");
    assert_refused(TG_TOPIC_MARKET_DATA, &bar, TG_E_INVALID,
                   "market_data.symbol: \"btc/usd\" is not a symbol (BASE/QUOTE of A-Z 0-9 . _ -, "
                   "as BTC/USDT)");
    bar.symbol[0] = '\0';
    assert_refused(TG_TOPIC_MARKET_DATA, &bar, TG_E_INVALID,
                   "market_data.symbol: is missing (a symbol as BTC/USDT is required)");
    memcpy(bar.symbol, "ABCDEFGHIJKLMNO/PQRSTUVW", sizeof(bar.symbol));
    assert_refused(TG_TOPIC_MARKET_DATA, &bar, TG_E_INVALID,
                   "market_data.symbol: has no end within 24 bytes");
    bar = fixture_market_data("BTC/USD");
    memcpy(bar.symbol + 8, "rubbish", 7); /* what follows the NUL does not count */
    assert_int_equal(check(TG_TOPIC_MARKET_DATA, &bar), TG_E_OK);
}

static void test_decimals(void **state)
{
    struct tg_market_data bar = fixture_market_data("BTC/USD");

    (void)state;
    bar.low.units = 0;
    assert_refused(TG_TOPIC_MARKET_DATA, &bar, TG_E_RANGE,
                   "market_data.low: 0 is out of range (more than 0)");
    bar.low.units = 1;
    assert_int_equal(check(TG_TOPIC_MARKET_DATA, &bar), TG_E_OK);
    bar.low.units = -1;
    assert_int_equal(check(TG_TOPIC_MARKET_DATA, &bar), TG_E_RANGE);
    bar = fixture_market_data("BTC/USD");
    bar.volume.units = 0;
    assert_int_equal(check(TG_TOPIC_MARKET_DATA, &bar), TG_E_OK);
    bar.volume.units = -1;
    assert_refused(TG_TOPIC_MARKET_DATA, &bar, TG_E_RANGE,
                   "market_data.volume: -0.00000001 is out of range (0 to 90000000000)");
    bar.volume = tg_decimal_whole(INT64_C(90000000000));
    assert_int_equal(check(TG_TOPIC_MARKET_DATA, &bar), TG_E_OK);
    bar.volume.units += 1;
    assert_int_equal(check(TG_TOPIC_MARKET_DATA, &bar), TG_E_RANGE);

    struct tg_execution_events event = fixture_execution_events("BTC/USD");
    event.fee = tg_decimal_whole(-5);
    assert_int_equal(check(TG_TOPIC_EXECUTION_EVENTS, &event), TG_E_OK);
    event.fee.units = INT64_MIN;
    assert_int_equal(check(TG_TOPIC_EXECUTION_EVENTS, &event), TG_E_RANGE);
}

static void test_reals(void **state)
{
    static const double bad[] = {-0.0001,           1.0001,     1e300, (double)INFINITY,
                                 -(double)INFINITY, (double)NAN};
    struct tg_ta_signals reading = fixture_ta_signals("BTC/USD");

    (void)state;
    reading.confidence = 1.2;
    assert_refused(TG_TOPIC_TA_SIGNALS, &reading, TG_E_RANGE,
                   "ta_signals.confidence: 1.2 is out of range (0 to 1)");
    for (size_t i = 0; i < TG_ARRAY_LENGTH(bad); i++) {
        reading.confidence = bad[i];
        assert_int_equal(check(TG_TOPIC_TA_SIGNALS, &reading), TG_E_RANGE);
    }
    reading.confidence = 1;
    reading.momentum_score = -1;
    reading.rsi = (double)NAN; /* not present: does not count */
    assert_int_equal(check(TG_TOPIC_TA_SIGNALS, &reading), TG_E_OK);
    TG_SET(&reading, TA_SIGNALS, rsi);
    assert_int_equal(check(TG_TOPIC_TA_SIGNALS, &reading), TG_E_RANGE);
}

static void test_wholes_flags_enums_times_ids(void **state)
{
    struct tg_trading_signals signal = fixture_trading_signals("BTC/USD");
    struct tg_market_data bar = fixture_market_data("BTC/USD");
    struct tg_execution_events event = fixture_execution_events("BTC/USD");

    (void)state;
    signal.leverage = 0;
    assert_refused(TG_TOPIC_TRADING_SIGNALS, &signal, TG_E_RANGE,
                   "trading_signals.leverage: 0 is out of range (1 to 125)");
    signal.leverage = 126;
    assert_int_equal(check(TG_TOPIC_TRADING_SIGNALS, &signal), TG_E_RANGE);
    signal.leverage = 125;
    assert_int_equal(check(TG_TOPIC_TRADING_SIGNALS, &signal), TG_E_OK);

    bar.closed = 2;
    assert_refused(TG_TOPIC_MARKET_DATA, &bar, TG_E_RANGE,
                   "market_data.closed: 2 is out of range (0 or 1)");
    bar.closed = 0;
    bar.timeframe = TG_TIMEFRAME_COUNT;
    assert_refused(TG_TOPIC_MARKET_DATA, &bar, TG_E_RANGE,
                   "market_data.timeframe: 6 is out of range (0 to 5: 1m, 5m, 15m, 1h, 4h, 1d)");
    bar.timeframe = TG_TIMEFRAME_1D;
    TG_SET(&bar, MARKET_DATA, open_time);
    assert_int_equal(check(TG_TOPIC_MARKET_DATA, &bar), TG_E_OK);
    bar.open_time = -1;
    assert_refused(TG_TOPIC_MARKET_DATA, &bar, TG_E_RANGE,
                   "market_data.open_time: lies before 1970");

    memset(&event.order_id, 0, sizeof(event.order_id));
    assert_refused(
        TG_TOPIC_EXECUTION_EVENTS, &event, TG_E_INVALID,
        "execution_events.order_id: is missing (an id that is not all zero is required)");
}

static void test_texts(void **state)
{
    struct tg_system_events event = fixture_system_events("");

    (void)state;
    assert_refused(TG_TOPIC_SYSTEM_EVENTS, &event, TG_E_INVALID,
                   "system_events.event: is missing (a text is required)");
    memset(event.event, 'a', sizeof(event.event));
    assert_refused(TG_TOPIC_SYSTEM_EVENTS, &event, TG_E_INVALID,
                   "system_events.event: has no end within 48 bytes");
    event.event[47] = '\0';
    assert_int_equal(check(TG_TOPIC_SYSTEM_EVENTS, &event), TG_E_OK);
    event.event[46] = '\xc3';
    assert_refused(TG_TOPIC_SYSTEM_EVENTS, &event, TG_E_INVALID,
                   "system_events.event: is not UTF-8");
    event = fixture_system_events("started");
    TG_SET(&event, SYSTEM_EVENTS, message); /* optional texts may be empty */
    assert_int_equal(check(TG_TOPIC_SYSTEM_EVENTS, &event), TG_E_OK);
    memset(event.message, 'x', sizeof(event.message));
    assert_int_equal(check(TG_TOPIC_SYSTEM_EVENTS, &event), TG_E_INVALID);
}

static int check_params(const char *params)
{
    struct tg_coordinator_commands command;

    memset(&command, 0, sizeof(command));
    (void)tg_text_copy(command.command, sizeof(command.command), "pause");
    (void)tg_text_copy(command.params, sizeof(command.params), params);
    return check(TG_TOPIC_COORDINATOR_COMMANDS, &command);
}

static void test_json_fields(void **state)
{
    struct tg_coordinator_commands command;
    struct tg_portfolio_updates update;

    (void)state;
    assert_int_equal(check_params(" {\"task\": \"x\"}"), TG_E_OK);
    assert_int_equal(check_params(""), TG_E_INVALID);
    assert_string_equal(
        error.message,
        "coordinator_commands.params: is missing (a JSON object or array is required)");
    assert_int_equal(check_params("7"), TG_E_INVALID);
    assert_string_equal(error.message,
                        "coordinator_commands.params: is neither a JSON object nor an array");
    assert_int_equal(check_params("[1]"), TG_E_INVALID);
    assert_string_equal(error.message, "coordinator_commands.params: is not a JSON object");
    assert_int_equal(check_params("{\"a\":1,\"a\":2}"), TG_E_INVALID);
    assert_non_null(strstr(error.message, "coordinator_commands.params: 1:"));
    assert_int_equal(check_params("{\"a\":NaN}"), TG_E_INVALID);
    memset(&command, 'x', sizeof(command));
    command.present = 0;
    memcpy(command.command, "halt", 5);
    assert_refused(TG_TOPIC_COORDINATOR_COMMANDS, &command, TG_E_INVALID,
                   "coordinator_commands.params: has no end within 512 bytes");

    memset(&update, 0, sizeof(update));
    memcpy(update.current_allocation, "{}", 3);
    memcpy(update.trades, "{}", 3);
    assert_refused(TG_TOPIC_PORTFOLIO_UPDATES, &update, TG_E_INVALID,
                   "portfolio_updates.trades: is not a JSON array");
    memcpy(update.trades, "[]", 3);
    assert_int_equal(check(TG_TOPIC_PORTFOLIO_UPDATES, &update), TG_E_OK);
}

static void test_bar_as_a_whole(void **state)
{
    struct tg_market_data bar = fixture_market_data("BTC/USD");

    (void)state;
    bar.low = tg_decimal_whole(111);
    assert_refused(TG_TOPIC_MARKET_DATA, &bar, TG_E_INVALID, "market_data.low: is above high");
    bar = fixture_market_data("BTC/USD");
    bar.open = tg_decimal_whole(89);
    assert_refused(TG_TOPIC_MARKET_DATA, &bar, TG_E_INVALID,
                   "market_data.open: lies outside low to high");
    bar = fixture_market_data("BTC/USD");
    bar.close = tg_decimal_whole(111);
    assert_refused(TG_TOPIC_MARKET_DATA, &bar, TG_E_INVALID,
                   "market_data.close: lies outside low to high");
    bar = fixture_market_data("BTC/USD");
    bar.open = bar.close = bar.high = bar.low;
    assert_int_equal(check(TG_TOPIC_MARKET_DATA, &bar), TG_E_OK);
}

static void test_signal_as_a_whole(void **state)
{
    static const struct {
        uint64_t bit;
        const char *sentence;
    } needed[] = {
        {TG_BIT(TRADING_SIGNALS, entry_price),
         "trading_signals.entry_price: is missing (BUY and SELL need it)"},
        {TG_BIT(TRADING_SIGNALS, stop_loss),
         "trading_signals.stop_loss: is missing (BUY and SELL need it)"},
        {TG_BIT(TRADING_SIGNALS, take_profit),
         "trading_signals.take_profit: is missing (BUY and SELL need it)"},
        {TG_BIT(TRADING_SIGNALS, leverage),
         "trading_signals.leverage: is missing (BUY and SELL need it)"},
    };

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LENGTH(needed); i++) {
        struct tg_trading_signals signal = fixture_trading_signals("BTC/USD");
        signal.present &= ~needed[i].bit;
        assert_refused(TG_TOPIC_TRADING_SIGNALS, &signal, TG_E_INVALID, needed[i].sentence);
        signal.action = TG_ACTION_SELL;
        assert_refused(TG_TOPIC_TRADING_SIGNALS, &signal, TG_E_INVALID, needed[i].sentence);
        signal.action = TG_ACTION_HOLD;
        assert_int_equal(check(TG_TOPIC_TRADING_SIGNALS, &signal), TG_E_OK);
        signal.action = TG_ACTION_CLOSE_SHORT;
        assert_int_equal(check(TG_TOPIC_TRADING_SIGNALS, &signal), TG_E_OK);
    }
}

static void test_fill_and_breaker_as_a_whole(void **state)
{
    static const uint64_t needed[] = {
        TG_BIT(EXECUTION_EVENTS, side), TG_BIT(EXECUTION_EVENTS, size),
        TG_BIT(EXECUTION_EVENTS, fill_price), TG_BIT(EXECUTION_EVENTS, fee),
        TG_BIT(EXECUTION_EVENTS, trade_id)};
    struct tg_risk_alerts alert;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LENGTH(needed); i++) {
        struct tg_execution_events event = fixture_execution_events("BTC/USD");
        event.present &= ~needed[i];
        assert_int_equal(check(TG_TOPIC_EXECUTION_EVENTS, &event), TG_E_INVALID);
        assert_non_null(strstr(error.message, "is missing (a fill needs it)"));
        event.event_type = TG_EXECUTION_ACCEPTED;
        assert_int_equal(check(TG_TOPIC_EXECUTION_EVENTS, &event), TG_E_OK);
    }
    struct tg_execution_events event = fixture_execution_events("BTC/USD");
    event.trade_id[0] = '\0';
    assert_refused(TG_TOPIC_EXECUTION_EVENTS, &event, TG_E_INVALID,
                   "execution_events.trade_id: is empty (a fill needs it)");

    memset(&alert, 0, sizeof(alert));
    memcpy(alert.alert_type, "circuit_breaker", 16);
    memcpy(alert.message, "stop", 5);
    assert_refused(TG_TOPIC_RISK_ALERTS, &alert, TG_E_INVALID,
                   "risk_alerts.breach_type: is missing (a circuit breaker needs it)");
    alert.breach_type = TG_BREACH_DAILY_LOSS;
    TG_SET(&alert, RISK_ALERTS, breach_type);
    assert_int_equal(check(TG_TOPIC_RISK_ALERTS, &alert), TG_E_OK);
}

static void test_own_payloads(void **state)
{
    (void)state;
    assert_int_equal(schema_check_own("{\"a\":1}", 7, &error), TG_E_OK);
    assert_int_equal(schema_check_own("{\"a\":1}x", 7, &error), TG_E_OK); /* the size counts */
    assert_int_equal(schema_check_own(NULL, 0, &error), TG_E_INVALID);
    assert_int_equal(schema_check_own("", 0, &error), TG_E_INVALID);
    assert_int_equal(schema_check_own("[1]", 3, &error), TG_E_INVALID);
    assert_string_equal(error.message, "payload: is not a JSON object");
    assert_int_equal(schema_check_own("{\"a\":}", 6, &error), TG_E_INVALID);
    assert_memory_equal(error.message, "payload: 1:", 11);

    const uint32_t size = 1024 * 1024 + 1;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, ' ', size);
    text[0] = '{';
    text[100] = '}';
    assert_int_equal(schema_check_own(text, size - 1, &error), TG_E_OK);
    assert_int_equal(schema_check_own(text, size, &error), TG_E_RANGE);
    free(text);
}

static void round_trip(uint16_t topic, const void *record, const char *expected)
{
    struct tg_buffer buffer;
    struct tg_json_writer writer;
    union {
        uint64_t aligned;
        unsigned char bytes[2048];
    } again;

    tg_buffer_init(&buffer, 0);
    tg_json_begin(&writer, &buffer);
    schema_write_json(topic, record, &writer);
    assert_false(buffer.failed);
    assert_string_equal(buffer.data, expected);
    tg_error_clear(&error);
    if (schema_read_json(topic, buffer.data, buffer.length, again.bytes, &error) != TG_E_OK)
        fail_msg("%s", error.message);
    assert_memory_equal(again.bytes, record, schema_of(topic)->record_size);
    tg_buffer_fini(&buffer);
}

static void test_json_round_trip(void **state)
{
    struct tg_market_data bar = fixture_market_data("BTC/USDT");
    struct tg_execution_events event = fixture_execution_events("XRP/USDT");
    struct tg_ta_signals reading = fixture_ta_signals("ETH/USD");
    struct tg_trading_signals signal = fixture_trading_signals("BTC/USDT");

    (void)state;
    bar.open_time = INT64_C(1643673540000000000);
    TG_SET(&bar, MARKET_DATA, open_time);
    round_trip(TG_TOPIC_MARKET_DATA, &bar,
               "{\"symbol\":\"BTC/USDT\",\"timeframe\":\"5m\",\"open\":\"100\",\"high\":\"110\","
               "\"low\":\"90\",\"close\":\"105\",\"volume\":\"7\",\"closed\":true,"
               "\"open_time\":\"2022-01-31T23:59:00Z\"}");
    round_trip(TG_TOPIC_EXECUTION_EVENTS, &event,
               "{\"event_type\":\"fill\",\"order_id\":\"00000000-0000-0000-0000-000000000001\","
               "\"symbol\":\"XRP/USDT\",\"side\":\"sell\",\"size\":\"3\",\"fill_price\":\"101\","
               "\"fee\":\"0.00012345\",\"trade_id\":\"T-1\"}");
    reading.rsi = 61.8;
    TG_SET(&reading, TA_SIGNALS, rsi);
    round_trip(TG_TOPIC_TA_SIGNALS, &reading,
               "{\"symbol\":\"ETH/USD\",\"trend_direction\":\"bullish\",\"trend_strength\":0.5,"
               "\"momentum_score\":0,\"bias\":\"long\",\"confidence\":0.75,\"rsi\":61.8}");
    (void)tg_text_copy(signal.votes, sizeof(signal.votes), "[{\"voter\":\"a\",\"weight\":2.5}]");
    TG_SET(&signal, TRADING_SIGNALS, votes);
    round_trip(TG_TOPIC_TRADING_SIGNALS, &signal,
               "{\"symbol\":\"BTC/USDT\",\"action\":\"BUY\",\"confidence\":0.7,"
               "\"entry_price\":\"100\",\"stop_loss\":\"98\",\"take_profit\":\"104\","
               "\"leverage\":2,\"votes\":[{\"voter\":\"a\",\"weight\":2.5}]}");
}

#define BAR(fields)                                                                                \
    "{\"symbol\":\"A/B\",\"timeframe\":\"1m\",\"open\":\"1\",\"high\":\"1\",\"low\":\"1\","        \
    "\"volume\":\"0\",\"closed\":false," fields "}"

static void test_json_refusals(void **state)
{
    static const struct {
        const char *json, *sentence;
    } cases[] = {
        {"[]", "market_data: is not a JSON object"},
        {"{", "market_data: 1:"},
        {BAR("\"clsoe\":\"1\""),
         "market_data: there is no field \"clsoe\" (did you mean \"close\"?)"},
        {BAR("\"xyzzy\":\"1\""), "market_data: there is no field \"xyzzy\""},
        {BAR("\"synthetic\":true"), "market_data.close: is missing"},
        {BAR("\"close\":1.5"), "market_data.close: is not a decimal in quotes, as \"37120.5\""},
        {BAR("\"close\":null"), "market_data.close: is not a decimal in quotes, as \"37120.5\""},
        {BAR("\"close\":\"NaN\""), "market_data.close: \"NaN\" is not a decimal"},
        {BAR("\"close\":\"1e40\""), "market_data.close: \"1e40\" does not fit"},
        {BAR("\"close\":\"2\""), "market_data.close: lies outside low to high"},
        {BAR("\"close\":\"1\",\"synthetic\":1"), "market_data.synthetic: is not true or false"},
        {BAR("\"close\":\"1\",\"open_time\":0"),
         "market_data.open_time: is not a time, as \"2022-01-31T23:59:00Z\""},
        {"{\"timeframe\":\"2m\"}",
         "market_data.timeframe: \"2m\" is none of 1m, 5m, 15m, 1h, 4h, 1d"},
        {"{\"timeframe\":2}", "market_data.timeframe: is not a string"},
        {"{\"symbol\":\"AAAAAAAAAAAAAAAAAAAAAAAA/B\"}",
         "market_data.symbol: 26 bytes are too many (at most 23)"},
    };
    struct tg_market_data bar;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LENGTH(cases); i++) {
        assert_int_not_equal(schema_read_json(TG_TOPIC_MARKET_DATA, cases[i].json,
                                              strlen(cases[i].json), &bar, &error),
                             TG_E_OK);
        if (strncmp(error.message, cases[i].sentence, strlen(cases[i].sentence)) != 0)
            fail_msg("%s: \"%s\"", cases[i].json, error.message);
    }
    const char whole[] = BAR("\"close\":1");
    assert_int_equal(schema_read_json(TG_TOPIC_MARKET_DATA, whole, strlen(whole), &bar, &error),
                     TG_E_OK);
    assert_int_equal(bar.close.units, TG_DECIMAL_ONE);
    assert_int_equal(schema_read_json(0, "{}", 2, &bar, &error), TG_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_enumerations),
        cmocka_unit_test(test_good_records),
        cmocka_unit_test(test_size_alignment_present),
        cmocka_unit_test(test_symbols),
        cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_reals),
        cmocka_unit_test(test_wholes_flags_enums_times_ids),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_json_fields),
        cmocka_unit_test(test_bar_as_a_whole),
        cmocka_unit_test(test_signal_as_a_whole),
        cmocka_unit_test(test_fill_and_breaker_as_a_whole),
        cmocka_unit_test(test_own_payloads),
        cmocka_unit_test(test_json_round_trip),
        cmocka_unit_test(test_json_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
