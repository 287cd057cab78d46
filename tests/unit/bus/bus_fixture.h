/* Records that pass, for the tests of this room to spoil one field at a time. */
#ifndef TEST_BUS_FIXTURE_H
#define TEST_BUS_FIXTURE_H

#include "base/decimal.h"
#include "base/text.h"

#include <string.h>
#include <triplegain/triplegain.h>

static inline struct tg_market_data fixture_market_data(const char *symbol)
{
    struct tg_market_data bar;

    memset(&bar, 0, sizeof(bar));
    (void)tg_text_copy(bar.symbol, sizeof(bar.symbol), symbol);
    bar.timeframe = TG_TIMEFRAME_5M;
    bar.open = tg_decimal_whole(100);
    bar.high = tg_decimal_whole(110);
    bar.low = tg_decimal_whole(90);
    bar.close = tg_decimal_whole(105);
    bar.volume = tg_decimal_whole(7);
    bar.closed = 1;
    return bar;
}

static inline struct tg_ta_signals fixture_ta_signals(const char *symbol)
{
    struct tg_ta_signals signal;

    memset(&signal, 0, sizeof(signal));
    (void)tg_text_copy(signal.symbol, sizeof(signal.symbol), symbol);
    signal.trend_strength = 0.5;
    signal.confidence = 0.75;
    return signal;
}

static inline struct tg_trading_signals fixture_trading_signals(const char *symbol)
{
    struct tg_trading_signals signal;

    memset(&signal, 0, sizeof(signal));
    (void)tg_text_copy(signal.symbol, sizeof(signal.symbol), symbol);
    signal.action = TG_ACTION_BUY;
    signal.confidence = 0.7;
    signal.entry_price = tg_decimal_whole(100);
    signal.stop_loss = tg_decimal_whole(98);
    signal.take_profit = tg_decimal_whole(104);
    signal.leverage = 2;
    TG_SET(&signal, TRADING_SIGNALS, entry_price);
    TG_SET(&signal, TRADING_SIGNALS, stop_loss);
    TG_SET(&signal, TRADING_SIGNALS, take_profit);
    TG_SET(&signal, TRADING_SIGNALS, leverage);
    return signal;
}

static inline struct tg_execution_events fixture_execution_events(const char *symbol)
{
    struct tg_execution_events event;

    memset(&event, 0, sizeof(event));
    event.event_type = TG_EXECUTION_FILL;
    event.order_id.bytes[15] = 1;
    (void)tg_text_copy(event.symbol, sizeof(event.symbol), symbol);
    event.side = TG_SIDE_SELL;
    event.size = tg_decimal_whole(3);
    event.fill_price = tg_decimal_whole(101);
    event.fee = tg_decimal_units(12345);
    (void)tg_text_copy(event.trade_id, sizeof(event.trade_id), "T-1");
    TG_SET(&event, EXECUTION_EVENTS, side);
    TG_SET(&event, EXECUTION_EVENTS, size);
    TG_SET(&event, EXECUTION_EVENTS, fill_price);
    TG_SET(&event, EXECUTION_EVENTS, fee);
    TG_SET(&event, EXECUTION_EVENTS, trade_id);
    return event;
}

static inline struct tg_system_events fixture_system_events(const char *text)
{
    struct tg_system_events event;

    memset(&event, 0, sizeof(event));
    (void)tg_text_copy(event.event, sizeof(event.event), text);
    return event;
}

#endif
