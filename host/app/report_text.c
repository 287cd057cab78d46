/*
 * The result of a replay as a table for people: what was traded on, what came out of it, what the
 * decisions were and why, how the agents did, and what was wrong with the data.
 */
#include "report.h"

#include "base/check.h"
#include "base/decimal.h"
#include "bus/schema.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define LINE "  ----------------------------------------------------------------------------\n"

static void money(char text[40], struct tg_decimal amount, const char *sign)
{
    char plain[TG_DECIMAL_TEXT_SIZE];
    size_t length = tg_decimal_format_places(amount, 2, plain);
    size_t digits = 0;
    size_t out = 0;
    bool negative = plain[0] == '-';
    size_t point = (size_t)(strchr(plain, '.') - plain);
    if (negative)
        text[out++] = '-';
    else if (sign[0] != '\0')
        text[out++] = sign[0];
    for (size_t i = negative; i < length; i++) {
        if (i < point && digits > 0 && (point - i) % 3 == 0)
            text[out++] = ',';
        digits += i < point;
        text[out++] = plain[i];
    }
    text[out] = '\0';
}

static void row(FILE *out, const char *left, const char *left_value, const char *right,
                const char *right_value)
{
    (void)fprintf(out, "  %-17s %18s     %-18s %16s\n", left, left_value, right, right_value);
}

static const char *number(char text[40], bool present, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static const char *number(char text[40], bool present, const char *format, ...)
{
    va_list arguments;
    if (!present)
        return "-";
    va_start(arguments, format);
    (void)vsnprintf(text, 40, format, arguments);
    va_end(arguments);
    return text;
}

static void print_head(const struct report *report, const struct report_figures *figures, FILE *out)
{
    char from[TG_TIME_TEXT_SIZE];
    char to[TG_TIME_TEXT_SIZE];
    const struct host *host = report->host;
    (void)tg_time_format_minute(report->from, from);
    (void)tg_time_format_minute(report->to, to);
    (void)fprintf(out, "\n  Replay");
    for (uint32_t i = 0; i < host->symbol_count; i++)
        (void)fprintf(out, "%s %s", i > 0 ? "," : "", host->symbols[i].name);
    (void)fprintf(out, "%s\n  %s to %s UTC, %.1f days, %" PRIu64 " bars\n",
                  figures->synthetic ? "   ** SYNTHETIC DATA: prices are made up **" : "", from, to,
                  (double)(report->to - report->from) / (double)TG_NS_PER_DAY, host->bars_used);
}

static void print_money(const struct report *report, const struct report_figures *figures,
                        FILE *out)
{
    const struct trade_portfolio *portfolio = &figures->portfolio;
    char a[40];
    char b[40];
    (void)fprintf(out, LINE);
    money(a, portfolio->start_equity, "");
    row(out, "Start equity", a, "Return", number(b, true, "%+.2f %%", figures->return_pct));
    money(a, portfolio->realised_pnl, "+");
    row(out, "Realised P&L", a, "Buy and hold",
        number(b, figures->has_buy_and_hold, "%+.2f %%", figures->buy_and_hold_pct));
    money(a, portfolio->unrealised_pnl, "+");
    row(out, "Unrealised P&L", a, "Maximum drawdown",
        number(b, true, "%.2f %%", figures->drawdown_max_pct));
    money(a, portfolio->fees, "");
    row(out, "Fees", a, "Sharpe", number(b, figures->has_sharpe, "%.2f", figures->sharpe));
    money(a, portfolio->equity, "");
    row(out, "Final equity", a, "Sortino",
        number(b, figures->has_sortino, "%.2f", figures->sortino));
    row(out, "Trades closed", number(a, true, "%" PRIu64, report->trades), "Calmar",
        number(b, figures->has_calmar, "%.2f", figures->calmar));
    row(out, "Win rate", number(a, report->trades > 0, "%.1f %%", figures->win_rate_pct),
        "Profit factor", number(b, figures->has_profit_factor, "%.2f", figures->profit_factor));
    row(out, "Positions open", number(a, true, "%u", portfolio->positions_open), "Time in market",
        number(b, true, "%.1f %%", figures->exposure_pct));
}

static void print_decisions(const struct report *report, const struct report_figures *figures,
                            FILE *out)
{
    const struct coord_counters *counters = &figures->decisions;
    const struct host *host = report->host;
    (void)fprintf(out, LINE "  %-22s %8" PRIu64 "\n", "Decisions", counters->decisions);
    for (int i = 1; i < COORD_OUTCOME_COUNT; i++)
        if (counters->outcomes[i] > 0)
            (void)fprintf(out, "    %-20s %8" PRIu64 "  %s\n",
                          coord_outcome_text((enum coord_outcome)i), counters->outcomes[i],
                          coord_outcome_meaning((enum coord_outcome)i));
    if (counters->duplicates + counters->refused > 0)
        (void)fprintf(out, "    signals seen twice %" PRIu64 ", refused %" PRIu64 "\n",
                      counters->duplicates, counters->refused);
    for (uint32_t i = 0; i < host->code_count; i++)
        (void)fprintf(out, "%s    %-20s %8" PRIu64 "\n", i == 0 ? "  Refused by\n" : "",
                      host->codes[i].code, host->codes[i].count);
    for (uint32_t i = 0; i < report->exit_count; i++)
        (void)fprintf(out, "%s    %-20s %8" PRIu64 "\n", i == 0 ? "  Positions closed by\n" : "",
                      report->exits[i].reason, report->exits[i].count);
}

static void print_agents(const struct report *report, FILE *out)
{
    const struct host *host = report->host;
    (void)fprintf(out, LINE "  %-20s %-20s %9s %7s %9s %8s\n", "Task", "Agent", "Runs", "Failed",
                  "Timed out", "Skipped");
    for (uint32_t t = 0; t < sched_task_count(host->sched); t++) {
        uint64_t runs = 0;
        uint64_t failed = 0;
        uint64_t timed_out = 0;
        uint64_t skipped = 0;
        struct sched_task_view view = {.name = ""};
        for (uint32_t s = 0; s < sched_symbol_count(host->sched); s++) {
            sched_view(host->sched, t, s, &view);
            runs += view.started;
            failed += view.failed;
            timed_out += view.timed_out;
            for (int i = 0; i < SCHED_SKIP_COUNT; i++)
                skipped += view.skipped[i];
        }
        (void)fprintf(out, "  %-20s %-20s %9" PRIu64 " %7" PRIu64 " %9" PRIu64 " %8" PRIu64 "%s\n",
                      view.name, view.agent, runs, failed, timed_out, skipped,
                      view.enabled ? "" : "  disabled");
    }
}

static void print_feed(const struct report *report, uint32_t number, FILE *out)
{
    const struct host *host = report->host;
    const struct host_symbol *symbol = &host->symbols[number];
    const struct market_quality *quality = market_quality(host->market, number);
    struct plugin_instance_view view;
    const char *reason;
    uint64_t count;
    uint64_t line;
    plugin_instance_view(symbol->feed.instance, &view);
    (void)fprintf(out, "  %-10s %-10s %-4s %10" PRIu64 " %8" PRIu64 "   %s", symbol->name,
                  view.descriptor->name, SCHEMA_WORD(TIMEFRAME, symbol->timeframe),
                  quality->bars[MARKET_BAR_USED], quality->gaps,
                  symbol->feed.info.synthetic ? "synthetic\n" : "");
    struct report_silence silence = report_silence(report, number);
    if (silence.total_ns > 0) {
        char since[TG_TIME_TEXT_SIZE];
        (void)tg_time_format_minute(silence.longest_from, since);
        (void)fprintf(out, "silent %.1f h, longest %.1f h from %s\n",
                      (double)silence.total_ns / (double)TG_NS_PER_HOUR,
                      (double)silence.longest_ns / (double)TG_NS_PER_HOUR, since);
    } else if (!symbol->feed.info.synthetic) {
        (void)fprintf(out, "never silent\n");
    }
    for (int i = 1; i < MARKET_VERDICT_COUNT; i++)
        if (quality->bars[i] > 0)
            (void)fprintf(out, "    %" PRIu64 " put aside, %s: %s\n", quality->bars[i],
                          market_verdict_text((enum market_verdict)i),
                          market_verdict_sentence((enum market_verdict)i));
    for (size_t i = 0;
         plugin_instance_refused_rows(symbol->feed.instance, i, &reason, &count, &line); i++)
        (void)fprintf(out, "    %" PRIu64 " rows refused: %s (first at line %" PRIu64 ")\n", count,
                      reason, line);
}

static void print_state(const struct report *report, FILE *out)
{
    const struct host *host = report->host;
    enum coord_state state = coord_get_state(host->coord);
    char at[TG_TIME_TEXT_SIZE];
    const struct coord_transition *last = coord_last_transition(host->coord);
    if (state != COORD_RUNNING) {
        (void)tg_time_format_minute(last->at, at);
        (void)fprintf(out, LINE "  %s since %s by %s: %s\n", coord_state_text(state), at,
                      last->actor, last->reason);
    }
    bool first = true;
    for (size_t i = 0; i < plugin_file_count(host->plugins); i++) {
        const struct plugin_file *file = plugin_file_at(host->plugins, i);
        if (file->descriptor != NULL)
            continue;
        (void)fprintf(out, "%s    %s\n", first ? LINE "  Plugins refused\n" : "", file->refusal);
        first = false;
    }
}

void report_print(const struct report *report, const struct report_figures *figures, FILE *out)
{
    print_head(report, figures, out);
    print_money(report, figures, out);
    print_decisions(report, figures, out);
    print_agents(report, out);
    (void)fprintf(out, LINE "  %-10s %-10s %-4s %10s %8s\n", "Feed", "Plugin", "Bar", "Bars used",
                  "Gaps");
    for (uint32_t i = 0; i < report->host->symbol_count; i++)
        print_feed(report, i, out);
    print_state(report, out);
    (void)fprintf(out, "\n");
}
