/*
 * The figures of a replay.
 *
 * Return and drawdown are of marked equity. Sharpe and Sortino ratios are of daily returns (UTC
 * days), mean over deviation, times the square root of 365, without a risk-free rate; Sortino takes
 * the deviation of returns below zero over all days (Sortino and van der Meer 1991). Calmar is the
 * yearly return over the maximum drawdown (Young 1991). With fewer than two days, or a deviation of
 * zero, a ratio is left out and not made up. Buy-and-hold is equal shares of all symbols from their
 * first open to their last close, without fees.
 */
#include "report.h"

#include "base/decimal.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

#define DAYS_A_YEAR    365.0
#define EXIT_KINDS_MAX 16u

static void count_exit(struct report *report, const char *reason)
{
    uint32_t i = 0;
    while (i < report->exit_count && !tg_text_equal(report->exits[i].reason, reason))
        i++;
    if (i == EXIT_KINDS_MAX)
        return;
    if (i == report->exit_count) {
        report->exit_count++;
        (void)tg_text_copy(report->exits[i].reason, sizeof(report->exits[i].reason), reason);
    }
    report->exits[i].count++;
}

static void position_closed(struct report *report, const struct trade_position *position)
{
    bool overflow = false;
    struct tg_decimal net = tg_decimal_subtract(position->realised_pnl, position->fees, &overflow);
    report->trades++;
    count_exit(report, position->exit_reason);
    if (tg_decimal_is_positive(net)) {
        report->trades_won++;
        report->won_sum = tg_decimal_add(report->won_sum, net, &overflow);
    } else {
        report->lost_sum = tg_decimal_subtract(report->lost_sum, net, &overflow);
    }
}

static void position_changed(void *context, const struct trade_position *position)
{
    struct report *report = context;
    int64_t now = tg_clock_utc(&report->host->options.clock);
    uint32_t open = 0;
    if (position->closed_at != 0)
        position_closed(report, position);
    while (trade_position_at(report->host->trade, open) != NULL)
        open++;
    if (open > 0 && report->open_positions == 0)
        report->exposed_since = now;
    if (open == 0 && report->open_positions > 0)
        report->exposed_ns += now - report->exposed_since;
    report->open_positions = open;
}

static void order_changed(void *context, const struct trade_order *order)
{
    struct report *report = context;
    report->orders += order->state == TRADE_ORDER_SENT;
}

static void filled(void *context, const struct trade_fill *fill)
{
    struct report *report = context;
    (void)fill;
    report->fills++;
}

static double equity_now(const struct report *report)
{
    struct trade_portfolio portfolio;
    int64_t now = tg_clock_utc(&report->host->options.clock);
    if (trade_portfolio(report->host->trade, now, &portfolio, NULL) != 0)
        return report->day_equity; /* no price to mark with: the last one stands */
    return tg_decimal_to_double(portfolio.equity);
}

void report_begin(struct report *report, struct host *host, int64_t from)
{
    memset(report, 0, sizeof(*report));
    report->host = host;
    report->from = from;
    report->to = from;
    report->day = tg_time_day_start(from);
    host->listener = (struct trade_listener){order_changed, filled, position_changed, report};
    report->day_equity = equity_now(report);
}

static void close_day(struct report *report)
{
    double equity = equity_now(report);
    double change = report->day_equity > 0.0 ? equity / report->day_equity - 1.0 : 0.0;
    report->days++;
    report->return_sum += change;
    report->return_square_sum += change * change;
    if (change < 0.0)
        report->downside_square_sum += change * change;
    report->day_equity = equity;
}

void report_moment(struct report *report, int64_t now)
{
    report->to = now;
    if (now < report->day + TG_NS_PER_DAY)
        return;
    close_day(report);
    report->day = tg_time_day_start(now);
}

void report_end(struct report *report, int64_t to)
{
    report->to = to;
    if (to > report->day)
        close_day(report);
    if (report->open_positions > 0)
        report->exposed_ns += to - report->exposed_since;
}

static void ratios(const struct report *report, struct report_figures *figures)
{
    double days = (double)report->days;
    double years = (double)(report->to - report->from) / ((double)TG_NS_PER_DAY * DAYS_A_YEAR);
    double growth = 1.0 + figures->return_pct / 100.0;
    if (report->days >= 2) {
        double mean = report->return_sum / days;
        double variance = (report->return_square_sum - days * mean * mean) / (days - 1.0);
        double downside = report->downside_square_sum / days;
        figures->has_sharpe = variance > 0.0;
        if (figures->has_sharpe)
            figures->sharpe = mean / sqrt(variance) * sqrt(DAYS_A_YEAR);
        figures->has_sortino = downside > 0.0;
        if (figures->has_sortino)
            figures->sortino = mean / sqrt(downside) * sqrt(DAYS_A_YEAR);
    }
    figures->has_calmar =
        figures->drawdown_max_pct > 0.0 && years > 0.0 && growth > 0.0 && report->days >= 2;
    if (figures->has_calmar)
        figures->calmar = (pow(growth, 1.0 / years) - 1.0) * 100.0 / figures->drawdown_max_pct;
    if (report->trades > 0)
        figures->win_rate_pct = 100.0 * (double)report->trades_won / (double)report->trades;
    figures->has_profit_factor = tg_decimal_is_positive(report->lost_sum);
    if (figures->has_profit_factor)
        figures->profit_factor =
            tg_decimal_to_double(report->won_sum) / tg_decimal_to_double(report->lost_sum);
}

static void buy_and_hold(const struct report *report, struct report_figures *figures)
{
    const struct host *host = report->host;
    double sum = 0.0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < host->symbol_count; i++) {
        struct tg_decimal last;
        if (host->symbols[i].first_price.units > 0 &&
            market_last_price(host->market, i, report->to, &last, NULL)) {
            sum += (double)last.units / (double)host->symbols[i].first_price.units - 1.0;
            count++;
        }
    }
    figures->has_buy_and_hold = count > 0;
    if (count > 0)
        figures->buy_and_hold_pct = 100.0 * sum / count;
}

int report_figures(const struct report *report, struct report_figures *figures,
                   struct tg_error *error)
{
    struct trade_portfolio *portfolio = &figures->portfolio;
    memset(figures, 0, sizeof(*figures));
    int code = trade_portfolio(report->host->trade, report->to, portfolio, error);
    if (code != 0)
        return TG_PASS(error, code);
    double start = tg_decimal_to_double(portfolio->start_equity);
    figures->return_pct = 100.0 * (tg_decimal_to_double(portfolio->equity) / start - 1.0);
    figures->drawdown_max_pct = portfolio->drawdown_max_pct;
    if (report->to > report->from)
        figures->exposure_pct =
            100.0 * (double)report->exposed_ns / (double)(report->to - report->from);
    ratios(report, figures);
    buy_and_hold(report, figures);
    coord_get_counters(report->host->coord, &figures->decisions);
    for (uint32_t i = 0; i < report->host->symbol_count; i++)
        figures->synthetic = figures->synthetic || report->host->symbols[i].feed.info.synthetic;
    return 0;
}

struct report_silence report_silence(const struct report *report, uint32_t symbol)
{
    const struct market_quality *quality = market_quality(report->host->market, symbol);
    struct report_silence silence = {.total_ns = quality->silent_ns,
                                     .longest_ns = quality->silent_longest_ns,
                                     .longest_from = quality->silent_longest_from};
    int64_t since = quality->last_close_time > 0 ? quality->last_close_time : report->from;
    int64_t at_end = report->to - since;
    if (at_end > 0)
        silence.total_ns += at_end;
    if (at_end > silence.longest_ns) {
        silence.longest_ns = at_end;
        silence.longest_from = since;
    }
    return silence;
}
