/*
 * Trade: the account from an approved proposal to a closed position.
 *
 *     trade_enter --> intent --> journal --> stored --> pump --> venue
 *                                                                 |
 *     portfolio, breakers <-- position <-- fill <-- execution_events
 *                                |
 *                      stop, target, trailing --> pump --> venue
 *
 * One core thread owns a `struct trade`. It holds no clock and makes no system call: time is an
 * argument, the venue, the journal and the listener are interfaces, alerts and position events go
 * to the bus. All tables are fixed when it is created; in a long replay nothing grows.
 */
#include "trade_int.h"

#include "digest/digest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- create ---- */

static int check_pct(struct tg_decimal value, int64_t most, const char *name,
                     struct tg_error *error)
{
    char text[TG_DECIMAL_TEXT_SIZE];
    if (value.units > 0 && value.units <= most * TG_DECIMAL_ONE)
        return TG_E_OK;
    (void)tg_decimal_format(value, text);
    return TG_FAIL(error, RANGE, "limits.%s: %s is out of range (more than 0 to %lld)", name, text,
                   (long long)most);
}

static int check_count(int64_t value, int64_t most, const char *name, struct tg_error *error)
{
    if (value >= 1 && value <= most)
        return TG_E_OK;
    return TG_FAIL(error, RANGE, "limits.%s: %lld is out of range (1 to %lld)", name,
                   (long long)value, (long long)most);
}

static int check_limits(const struct trade_limits *limits, struct tg_error *error)
{
    const struct {
        struct tg_decimal value;
        int64_t most;
        const char *name;
    } shares[] = {{limits->position_size_max_pct, 100, "position_size_max_pct"},
                  {limits->exposure_max_pct, 10000, "exposure_max_pct"},
                  {limits->margin_utilization_max_pct, 100, "margin_utilization_max_pct"},
                  {limits->daily_loss_max_pct, 100, "daily_loss_max_pct"},
                  {limits->weekly_loss_max_pct, 100, "weekly_loss_max_pct"},
                  {limits->drawdown_max_pct, 100, "drawdown_max_pct"},
                  {limits->price_collar_pct, 100, "price_collar_pct"}};
    const struct {
        int64_t value, most;
        const char *name;
    } counts[] = {
        {limits->leverage_max, 125, "leverage_max"},
        {limits->positions_per_symbol_max, TRADE_POSITIONS_MAX, "positions_per_symbol_max"},
        {limits->positions_max, TRADE_POSITIONS_MAX, "positions_max"},
        {limits->entry_orders_per_minute_max, TRADE_RATE_MAX, "entry_orders_per_minute_max"},
        {limits->entry_orders_per_day_max, INT32_MAX, "entry_orders_per_day_max"}};
    int code = TG_E_OK;
    for (size_t i = 0; i < TG_ARRAY_LENGTH(shares) && code == 0; i++)
        code = check_pct(shares[i].value, shares[i].most, shares[i].name, error);
    for (size_t i = 0; i < TG_ARRAY_LENGTH(counts) && code == 0; i++)
        code = check_count(counts[i].value, counts[i].most, counts[i].name, error);
    return code;
}

static int check_options(const struct trade_options *options, struct tg_error *error)
{
    if (options->venue.submit == NULL || options->venue.cancel == NULL ||
        options->venue.amend == NULL)
        return TG_FAIL(error, INVALID, "trade needs a venue that submits, cancels and amends");
    if (options->installation == NULL || options->installation[0] == '\0' ||
        strlen(options->installation) >= TRADE_INSTALLATION_SIZE)
        return TG_FAIL(error, INVALID, "the installation's name has 1 to %u characters",
                       TRADE_INSTALLATION_SIZE - 1);
    if (options->account_currency == NULL || options->account_currency[0] == '\0' ||
        strlen(options->account_currency) >= TG_SYMBOL_SIZE)
        return TG_FAIL(error, INVALID, "the account currency has 1 to %d characters",
                       TG_SYMBOL_SIZE - 1);
    if (!tg_decimal_is_positive(options->starting_balance))
        return TG_FAIL(error, RANGE, "starting_balance: more than 0 is needed");
    for (unsigned i = 0; i < TRADE_COOLDOWN_COUNT; i++)
        if (options->cooldown_ns[i] < 0)
            return TG_FAIL(error, RANGE, "cool-down %s is negative",
                           trade_cooldown_text((enum trade_cooldown)i));
    const int64_t hundred = 100 * TG_DECIMAL_ONE;
    if (options->trailing_distance_pct.units < 0 ||
        options->trailing_distance_pct.units >= hundred ||
        options->trailing_activate_pct.units < 0 || options->break_even_pct.units < 0 ||
        options->unusual_movement_pct.units < 0)
        return TG_FAIL(error, RANGE,
                       "trailing, break-even and unusual movement: out of range (0 and more, "
                       "trailing distance below 100 %%)");
    if (options->holding_max_ns < 0 || options->order_deadline_ns < 0)
        return TG_FAIL(error, RANGE, "holding limit and order deadline: 0 or more");
    return check_limits(&options->limits, error);
}

int trade_create(const struct trade_options *options, struct trade **result, struct tg_error *error)
{
    int code = check_options(options, error);
    if (code != 0)
        return code;
    struct trade *trade = calloc(1, sizeof(*trade));
    if (trade == NULL)
        return TG_FAIL(error, NO_MEMORY, "no memory for the trade room");
    trade->options = *options;
    if (trade->options.order_deadline_ns == 0)
        trade->options.order_deadline_ns = TRADE_ORDER_DEADLINE_NS;
    (void)tg_text_copy(trade->installation, sizeof(trade->installation), options->installation);
    (void)tg_text_copy(trade->account_currency, sizeof(trade->account_currency),
                       options->account_currency);
    trade->options.installation = trade->installation;
    trade->options.account_currency = trade->account_currency;
    trade->equity = trade->peak_equity = options->starting_balance;
    trade->day_start_equity = trade->week_start_equity = options->starting_balance;
    trade->next_dirty = true;
    if (trade__orders_create(trade) != 0 || trade__ids_create(trade) != 0 ||
        trade__positions_create(trade) != 0) {
        trade_destroy(trade);
        return TG_FAIL(error, NO_MEMORY, "no memory for the tables of the trade room");
    }
    if (options->bus != NULL) {
        trade->source = bus_source(options->bus, "trade", error);
        if (trade->source == 0) {
            trade_destroy(trade);
            return TG_PASS(error, error != NULL ? error->code : TG_E_FULL);
        }
    }
    *result = trade;
    return TG_E_OK;
}

void trade_destroy(struct trade *trade)
{
    if (trade == NULL)
        return;
    trade__orders_destroy(trade);
    trade__ids_destroy(trade);
    trade__positions_destroy(trade);
    free(trade);
}

/* ---- symbols ---- */

/* Whose last price turns a quote currency into the account currency: "BTC/USDT" for XRP/BTC. */
static void resolve_rates(struct trade *trade)
{
    for (uint32_t i = 0; i < trade->symbol_count; i++) {
        struct symbol *symbol = &trade->symbols[i];
        char name[2 * TG_SYMBOL_SIZE];
        symbol->rate_symbol = TRADE_NONE;
        symbol->rate_missing = false;
        if (tg_text_equal(symbol->quote, trade->account_currency))
            continue;
        (void)snprintf(name, sizeof(name), "%s/%s", symbol->quote, trade->account_currency);
        int rate = trade_symbol_find(trade, name);
        symbol->rate_missing = rate < 0;
        if (rate >= 0) {
            symbol->rate_symbol = (uint32_t)rate;
            trade->symbols[rate].is_rate = true;
        }
    }
}

int trade_symbol_add(struct trade *trade, const struct trade_symbol_options *options,
                     uint32_t *number, struct tg_error *error)
{
    const char *slash = memchr(options->name, '/', sizeof(options->name));
    const char *end = memchr(options->name, '\0', sizeof(options->name));
    if (end == NULL || slash == NULL || slash > end || slash == options->name || slash[1] == '\0' ||
        strchr(slash + 1, '/') != NULL)
        return TG_FAIL(error, INVALID, "symbol %.23s: the form is BASE/QUOTE", options->name);
    if (options->price_places > TG_DECIMAL_PLACES || options->size_places > TG_DECIMAL_PLACES)
        return TG_FAIL(error, RANGE, "symbol %s: places are out of range (0 to %d)", options->name,
                       TG_DECIMAL_PLACES);
    if (options->size_min.units < 0)
        return TG_FAIL(error, RANGE, "symbol %s: size_min is negative", options->name);
    if (trade_symbol_find(trade, options->name) >= 0)
        return TG_FAIL(error, EXISTS, "symbol %s is there already", options->name);
    if (trade->symbol_count >= TRADE_SYMBOLS_MAX)
        return TG_FAIL(error, FULL, "%u symbols are there, no more are allowed", TRADE_SYMBOLS_MAX);
    struct symbol *symbol = &trade->symbols[trade->symbol_count];
    *symbol = (struct symbol){.options = *options};
    (void)tg_text_copy(symbol->quote, sizeof(symbol->quote), slash + 1);
    if (number != NULL)
        *number = trade->symbol_count;
    trade->symbol_count++;
    resolve_rates(trade);
    return TG_E_OK;
}

int trade_symbol_find(const struct trade *trade, const char *name)
{
    for (uint32_t i = 0; i < trade->symbol_count; i++)
        if (strcmp(trade->symbols[i].options.name, name) == 0)
            return (int)i;
    return -1;
}

const struct trade_symbol_options *trade_symbol(const struct trade *trade, uint32_t symbol)
{
    return symbol < trade->symbol_count ? &trade->symbols[symbol].options : NULL;
}

/* ---- helpers of all files ---- */

void trade__touched(struct trade *trade)
{
    trade->pump_due = true;
    trade->next_dirty = true;
}

int trade__id(const struct trade *trade, const char *key, const char *leg, uint32_t attempt,
              struct tg_uuid *id)
{
    char number[16];
    int length = snprintf(number, sizeof(number), "%u", attempt);
    const struct digest_part parts[] = {{trade->installation, strlen(trade->installation)},
                                        {key, strlen(key)},
                                        {leg, strlen(leg)},
                                        {number, (size_t)length}};
    return digest_uuid(parts, TG_ARRAY_LENGTH(parts), id);
}

bool trade__alert(struct trade *trade, const struct alert *alert, const char *format, ...)
{
    struct tg_risk_alerts record = {.severity = alert->severity,
                                    .breach_type = alert->breach,
                                    .value = alert->value,
                                    .limit = alert->limit};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(record.message, sizeof(record.message), format, arguments);
    va_end(arguments);
    (void)tg_text_copy(record.alert_type, sizeof(record.alert_type), alert->type);
    if (alert->breach != TG_BREACH_NONE)
        TG_SET(&record, RISK_ALERTS, breach_type);
    if (alert->symbol != TRADE_NONE) {
        memcpy(record.symbol, trade->symbols[alert->symbol].options.name, sizeof(record.symbol));
        TG_SET(&record, RISK_ALERTS, symbol);
    }
    if (alert->has_value) {
        TG_SET(&record, RISK_ALERTS, value);
        TG_SET(&record, RISK_ALERTS, limit);
    }
    OBS_WARNING(trade->options.log, "trade", "%s%s%s: %s", record.alert_type,
                alert->symbol != TRADE_NONE ? " " : "", record.symbol, record.message);
    if (trade->options.bus == NULL)
        return true;
    struct bus_draft draft = {.topic = TG_TOPIC_RISK_ALERTS,
                              .source = trade->source,
                              .priority = alert->breach != TG_BREACH_NONE ? TG_PRIORITY_URGENT
                                                                          : TG_PRIORITY_HIGH,
                              .payload = &record,
                              .payload_size = sizeof(record)};
    struct tg_error cause = {0};
    if (bus_publish(trade->options.bus, &draft, NULL, &cause) == 0)
        return true;
    OBS_ERROR(trade->options.log, "trade", "an alert was not published: %s", cause.message);
    return false;
}

/* ---- steps of time ---- */

void trade_pump(struct trade *trade, int64_t now)
{
    if (!trade->pump_due)
        return;
    trade__periods(trade, now);
    /* what is sent may fail and call for more: a stop that does not go out, a close instead */
    for (unsigned round = 0; round < TRADE_PUMP_ROUNDS_MAX; round++) {
        bool did = trade__protect(trade, now);
        did = trade__send(trade, now) || did;
        if (!did) {
            trade->pump_due = false;
            break;
        }
    }
    trade->next_dirty = true;
}

static int64_t sooner(int64_t best, int64_t time, int64_t after)
{
    return time > after && time < best ? time : best;
}

static int64_t leg_times(const struct trade *trade, const struct position *position, int64_t best)
{
    int64_t after = trade->advanced_at;
    for (uint32_t i = TRADE_LEG_STOP; i <= TRADE_LEG_CLOSE; i++) {
        const struct leg *leg = &position->legs[i];
        if (leg->order == TRADE_NONE)
            best = sooner(best, leg->next_at, after);
        else
            best = sooner(best, trade->orders[leg->order].amend_next, after);
    }
    if (trade->options.holding_max_ns > 0 && !position->must_close && !position->view.rebalance)
        best = sooner(best, position->view.opened_at + trade->options.holding_max_ns, after);
    return best;
}

int64_t trade_next_time(const struct trade *trade)
{
    if (!trade->next_dirty)
        return trade->next_time;
    int64_t best = trade->day_end == 0 ? INT64_MAX : trade->day_end;
    for (uint32_t i = 0; i < trade->open_count; i++)
        best = leg_times(trade, &trade->positions[trade->open[i]], best);
    for (uint32_t slot = trade->live_first; slot != TRADE_NONE; slot = trade->orders[slot].next) {
        const struct order *order = &trade->orders[slot];
        if (order->view.state == TRADE_ORDER_INTENDED || order->view.state == TRADE_ORDER_SENT)
            best = sooner(best, order->view.deadline + 1, trade->advanced_at);
        if (order->cancel_wanted && order->cancels > 0)
            best = sooner(best, order->cancel_next, trade->advanced_at);
    }
    return best;
}

void trade_advance(struct trade *trade, int64_t now)
{
    trade__periods(trade, now);
    if (trade->next_dirty) {
        trade->next_time = trade_next_time(trade);
        trade->next_dirty = false;
    }
    if (now < trade->next_time)
        return;
    trade__deadlines(trade, now);
    if (trade->options.holding_max_ns > 0)
        for (uint32_t i = 0; i < trade->open_count; i++) {
            struct position *position = &trade->positions[trade->open[i]];
            if (!position->view.rebalance &&
                now - position->view.opened_at >= trade->options.holding_max_ns)
                trade__position_must_close(trade, position, "holding_limit");
        }
    trade->advanced_at = now;
    trade__touched(trade); /* retries whose time has come are the pump's */
}

/* ---- prices ---- */

/* High to low of the bar against its open; doubles do, it is a ratio. */
static void judge_movement(struct trade *trade, uint32_t symbol, const struct tg_bar *bar,
                           int64_t now)
{
    double range = (double)(bar->high.units - bar->low.units);
    double bound = (double)bar->open.units *
                   ((double)trade->options.unusual_movement_pct.units / (100.0 * TG_DECIMAL_ONE));
    if (range >= bound)
        trade_cooldown_begin(trade, symbol, TRADE_COOLDOWN_UNUSUAL_MOVEMENT, now);
}

void trade_bar(struct trade *trade, uint32_t symbol, const struct tg_bar *bar, int64_t now)
{
    if (symbol >= trade->symbol_count || bar->close.units <= 0)
        return;
    if (now >= trade->day_end)
        trade__periods(trade, now);
    struct symbol *entry = &trade->symbols[symbol];
    entry->last_price = bar->close;
    if (trade->options.unusual_movement_pct.units > 0)
        judge_movement(trade, symbol, bar, now);
    if (trade->open_count == 0)
        return;
    bool concerned = entry->is_rate;
    for (uint32_t i = 0; i < trade->open_count; i++) {
        struct position *position = &trade->positions[trade->open[i]];
        if (position->view.symbol != symbol)
            continue;
        concerned = true;
        trade__protect_bar(trade, position, bar);
    }
    if (concerned)
        trade__mark(trade);
}
