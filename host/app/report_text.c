/*
 * The result of a replay as a table for people: what was traded on, what came out of it, what the
 * decisions were and why, how the agents did, and what was wrong with the data.
 *
 * The table is 78 columns wide. On a narrower terminal pairs of figures stand below one another and
 * what only explains is left out, so that no line is broken in the middle.
 */
#include "report.h"

#include "base/check.h"
#include "base/decimal.h"
#include "base/text.h"
#include "bus/schema.h"
#include "control/control.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define WIDTH       78
#define WIDTH_LEAST 40

struct page {
    FILE *out;
    int width;
    bool narrow;
};

/* ---- numbers and lines ---- */

static const char *money(char text[CONTROL_FIGURE_SIZE], struct tg_decimal amount, const char *sign)
{
    return control_amount(text, amount, 2, sign);
}

static const char *count(char text[CONTROL_FIGURE_SIZE], uint64_t value)
{
    char plain[32];
    (void)snprintf(plain, sizeof(plain), "%" PRIu64, value);
    control_group(text, plain, "");
    return text;
}

static const char *number(char text[CONTROL_FIGURE_SIZE], bool present, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static const char *number(char text[CONTROL_FIGURE_SIZE], bool present, const char *format, ...)
{
    va_list arguments;
    if (!present)
        return "-";
    va_start(arguments, format);
    (void)vsnprintf(text, CONTROL_FIGURE_SIZE, format, arguments);
    va_end(arguments);
    return text;
}

/* "7 h 12 min"; whole minutes, as bars are. */
static const char *duration(char text[CONTROL_FIGURE_SIZE], int64_t ns)
{
    int64_t minutes = ns / TG_NS_PER_MIN;
    if (minutes < 60)
        (void)snprintf(text, CONTROL_FIGURE_SIZE, "%" PRId64 " min", minutes);
    else
        (void)snprintf(text, CONTROL_FIGURE_SIZE, "%" PRId64 " h %02" PRId64 " min", minutes / 60,
                       minutes % 60);
    return text;
}

static void rule(const struct page *page)
{
    (void)fprintf(page->out, "  ");
    for (int i = 2; i < page->width; i++)
        (void)fputc('-', page->out);
    (void)fputc('\n', page->out);
}

static void row(const struct page *page, const char *left, const char *left_value,
                const char *right, const char *right_value)
{
    if (page->narrow)
        (void)fprintf(page->out, "  %-18s %17s\n  %-18s %17s\n", left, left_value, right,
                      right_value);
    else
        (void)fprintf(page->out, "  %-17s %18s     %-18s %16s\n", left, left_value, right,
                      right_value);
}

/* "    name    12  what it means" */
static void counted(const struct page *page, const char *name, uint64_t value, const char *meaning)
{
    char text[CONTROL_FIGURE_SIZE];
    (void)fprintf(page->out, "    %-22s %9s", name, count(text, value));
    if (!page->narrow && meaning[0] != '\0')
        (void)fprintf(page->out, "  %s", meaning);
    (void)fputc('\n', page->out);
}

/* ---- the parts ---- */

static void print_head(const struct page *page, const struct report *report,
                       const struct report_figures *figures)
{
    char from[TG_TIME_TEXT_SIZE];
    char to[TG_TIME_TEXT_SIZE];
    char bars[CONTROL_FIGURE_SIZE];
    const struct host *host = report->host;
    (void)tg_time_format_minute(report->from, from);
    (void)tg_time_format_minute(report->to, to);
    (void)fprintf(page->out, "\n  Replay of");
    for (uint32_t i = 0; i < host->symbol_count; i++)
        (void)fprintf(page->out, "%s %s", i > 0 ? "," : "", host->symbols[i].name);
    (void)fprintf(
        page->out, "\n  %s to %s UTC%s%.1f days, %s bars\n", from, to, page->narrow ? "\n  " : ", ",
        (double)(report->to - report->from) / (double)TG_NS_PER_DAY, count(bars, host->bars_used));
    if (figures->synthetic)
        (void)fprintf(page->out, "  ** SYNTHETIC DATA: prices are made up **\n");
    if (report->interrupted)
        (void)fprintf(page->out, "  ** INTERRUPTED: the result so far **\n");
}

static void print_money(const struct page *page, const struct report *report,
                        const struct report_figures *figures)
{
    const struct trade_portfolio *portfolio = &figures->portfolio;
    char a[CONTROL_FIGURE_SIZE];
    char b[CONTROL_FIGURE_SIZE];
    rule(page);
    row(page, "Start equity", money(a, portfolio->start_equity, ""), "Return",
        number(b, true, "%+.2f %%", figures->return_pct));
    row(page, "Realised P&L", money(a, portfolio->realised_pnl, "+"), "Buy and hold",
        number(b, figures->has_buy_and_hold, "%+.2f %%", figures->buy_and_hold_pct));
    row(page, "Unrealised P&L", money(a, portfolio->unrealised_pnl, "+"), "Maximum drawdown",
        number(b, true, "%.2f %%", figures->drawdown_max_pct));
    row(page, "Fees", money(a, portfolio->fees, ""), "Sharpe",
        number(b, figures->has_sharpe, "%.2f", figures->sharpe));
    row(page, "Final equity", money(a, portfolio->equity, ""), "Sortino",
        number(b, figures->has_sortino, "%.2f", figures->sortino));
    row(page, "Trades closed", count(a, report->trades), "Calmar",
        number(b, figures->has_calmar, "%.2f", figures->calmar));
    row(page, "Win rate", number(a, report->trades > 0, "%.1f %%", figures->win_rate_pct),
        "Profit factor", number(b, figures->has_profit_factor, "%.2f", figures->profit_factor));
    row(page, "Positions open", count(a, portfolio->positions_open), "Time in market",
        number(b, true, "%.1f %%", figures->exposure_pct));
}

/* What the codes of the shipped policies and of the host mean; others stand for themselves. */
static const char *code_meaning(const char *code)
{
    static const struct {
        const char *code, *meaning;
    } meanings[] = {
        {"INVALID_PROPOSAL", "prices, size or leverage make no sense"},
        {"TRADING_HALTED", "a circuit breaker stands"},
        {"CIRCUIT_BREAKER", "a loss limit is hit"},
        {"IN_COOLDOWN", "too soon after a trade or a loss"},
        {"STOP_LOSS_REQUIRED", "an entry needs a stop-loss"},
        {"STOP_TOO_TIGHT", "the stop is too near"},
        {"STOP_TOO_WIDE", "the stop is too far"},
        {"LOW_RR", "too little reward for the risk"},
        {"CONFIDENCE_TOO_LOW", "not confident enough for this market"},
        {"EXPOSURE_LIMIT", "too much would be open"},
        {"CORRELATED_EXPOSURE", "too much on symbols that move alike"},
        {"INSUFFICIENT_MARGIN", "the margin is not there"},
        {"MARGIN_UTILIZATION", "too much margin would be in use"},
        {"POSITION_LIMIT", "too many positions are open"},
        {"PRICE_COLLAR", "the entry is too far from the market"},
        {"ORDER_RATE", "too many entry orders"},
        {"BELOW_MINIMUM", "smaller than the smallest order"},
        {"RULE_ERROR", "a policy failed"},
        {"NO_POSITION", "there was nothing to close"},
        {"HARD_LIMIT", "over a limit that no policy can lift"},
        {"POSITION_SIZE", "larger than the host allows"},
        {"LEVERAGE", "more leverage than the host allows"},
    };
    for (size_t i = 0; i < TG_ARRAY_LENGTH(meanings); i++)
        if (tg_text_equal(meanings[i].code, code))
            return meanings[i].meaning;
    return "";
}

static void print_decisions(const struct page *page, const struct report *report,
                            const struct report_figures *figures)
{
    const struct coord_counters *counters = &figures->decisions;
    const struct host *host = report->host;
    char text[CONTROL_FIGURE_SIZE];
    rule(page);
    (void)fprintf(page->out, "  %-24s %9s\n", "Decisions", count(text, counters->decisions));
    for (int i = 1; i < COORD_OUTCOME_COUNT; i++)
        if (counters->outcomes[i] > 0)
            counted(page, coord_outcome_text((enum coord_outcome)i), counters->outcomes[i],
                    coord_outcome_meaning((enum coord_outcome)i));
    if (counters->duplicates + counters->refused > 0)
        (void)fprintf(page->out, "  Signals without a decision\n");
    if (counters->duplicates > 0)
        counted(page, "duplicate", counters->duplicates, "its slot had made a decision already");
    if (counters->refused > 0)
        counted(page, "refused", counters->refused, "no such symbol, or too many open decisions");
    for (uint32_t i = 0; i < host->code_count; i++) {
        if (i == 0)
            (void)fprintf(page->out, "  Refused by\n");
        counted(page, host->codes[i].code, host->codes[i].count, code_meaning(host->codes[i].code));
    }
    for (uint32_t i = 0; i < report->exit_count; i++) {
        if (i == 0)
            (void)fprintf(page->out, "  Positions closed by\n");
        counted(page, report->exits[i].reason, report->exits[i].count, "");
    }
}

/* The runs of a task over all symbols. */
static void sum_task(const struct host *host, uint32_t task, struct sched_task_view *sum)
{
    sched_view(host->sched, task, 0, sum);
    for (uint32_t s = 1; s < sched_symbol_count(host->sched); s++) {
        struct sched_task_view view;
        sched_view(host->sched, task, s, &view);
        sum->started += view.started;
        sum->failed += view.failed;
        sum->timed_out += view.timed_out;
        for (int i = 0; i < SCHED_SKIP_COUNT; i++)
            sum->skipped[i] += view.skipped[i];
    }
}

static void print_tasks(const struct page *page, const struct host *host)
{
    static const char *const reasons[SCHED_SKIP_COUNT] = {
        [SCHED_SKIP_OVERLAP] = "the last run was still going on",
        [SCHED_SKIP_DEPENDENCY] = "no fresh success of a task it depends on",
        [SCHED_SKIP_STATE] = "the host was not running",
        [SCHED_SKIP_NO_DATA] = "no fresh bar",
        [SCHED_SKIP_LIMIT] = "too many runs at once",
        [SCHED_SKIP_MISSED] = "the clock jumped"};
    rule(page);
    (void)fprintf(page->out, "  %-24s %9s %9s%s\n", "Task", "Runs", "Failed",
                  page->narrow ? "" : " Timed out  Agent");
    for (uint32_t t = 0; t < sched_task_count(host->sched); t++) {
        struct sched_task_view view;
        char runs[CONTROL_FIGURE_SIZE];
        char failed[CONTROL_FIGURE_SIZE];
        char timed_out[CONTROL_FIGURE_SIZE];
        sum_task(host, t, &view);
        (void)fprintf(page->out, "  %-24s %9s %9s", view.name, count(runs, view.started),
                      count(failed, view.failed));
        if (!page->narrow)
            (void)fprintf(page->out, " %9s  %s", count(timed_out, view.timed_out), view.agent);
        (void)fprintf(page->out, "%s\n", view.enabled ? "" : " (disabled)");
        for (int i = 0; i < SCHED_SKIP_COUNT; i++)
            if (view.skipped[i] > 0)
                (void)fprintf(page->out, "    %-22s %9s  %s\n", "skipped",
                              count(runs, view.skipped[i]),
                              page->narrow ? sched_skip_text((enum sched_skip)i) : reasons[i]);
    }
}

static void print_silence(const struct page *page, const struct report *report, uint32_t number)
{
    struct report_silence silence = report_silence(report, number);
    char total[CONTROL_FIGURE_SIZE];
    char longest[CONTROL_FIGURE_SIZE];
    char since[TG_TIME_TEXT_SIZE];
    if (silence.total_ns == 0)
        return;
    (void)tg_time_format_minute(silence.longest_from, since);
    (void)fprintf(page->out, "    silent for %s;%slongest %s from %s\n",
                  duration(total, silence.total_ns), page->narrow ? "\n    " : " ",
                  duration(longest, silence.longest_ns), since);
}

static void print_feed(const struct page *page, const struct report *report, uint32_t number)
{
    const struct host_symbol *symbol = &report->host->symbols[number];
    const struct market_quality *quality = market_quality(report->host->market, number);
    struct plugin_instance_view view;
    const char *reason;
    uint64_t rows;
    uint64_t line;
    char bars[CONTROL_FIGURE_SIZE];
    char gaps[CONTROL_FIGURE_SIZE];
    plugin_instance_view(symbol->feed.instance, &view);
    (void)fprintf(page->out, "  %-12s %-11s %9s %9s", symbol->name,
                  SCHEMA_WORD(TIMEFRAME, symbol->timeframe),
                  count(bars, quality->bars[MARKET_BAR_USED]), count(gaps, quality->gaps));
    if (!page->narrow)
        (void)fprintf(page->out, "  %s", view.descriptor->name);
    (void)fprintf(page->out, "%s\n",
                  symbol->feed.info.synthetic && !tg_text_equal(view.descriptor->name, "synthetic")
                      ? " (synthetic)"
                      : "");
    print_silence(page, report, number);
    for (int i = 1; i < MARKET_VERDICT_COUNT; i++)
        if (quality->bars[i] > 0)
            (void)fprintf(page->out, "    put aside, %-11s %9s%s%s\n",
                          market_verdict_text((enum market_verdict)i),
                          count(bars, quality->bars[i]), page->narrow ? "" : "  ",
                          page->narrow ? "" : market_verdict_sentence((enum market_verdict)i));
    for (size_t i = 0;
         plugin_instance_refused_rows(symbol->feed.instance, i, &reason, &rows, &line); i++)
        (void)fprintf(page->out, "    %-22s %9s  %s, first at line %" PRIu64 "\n", "rows refused",
                      count(bars, rows), reason, line);
}

static void print_feeds(const struct page *page, const struct report *report)
{
    rule(page);
    (void)fprintf(page->out, "  %-12s %-11s %9s %9s%s\n", "Feed", "Bar", "Used", "Gaps",
                  page->narrow ? "" : "  Plugin");
    for (uint32_t i = 0; i < report->host->symbol_count; i++)
        print_feed(page, report, i);
}

static void print_state(const struct page *page, const struct host *host)
{
    enum coord_state state = coord_get_state(host->coord);
    char at[TG_TIME_TEXT_SIZE];
    const struct coord_transition *last = coord_last_transition(host->coord);
    if (state != COORD_RUNNING) {
        rule(page);
        (void)tg_time_format_minute(last->at, at);
        (void)fprintf(page->out, "  %s since %s by %s:\n    %s\n", coord_state_text(state), at,
                      last->actor, last->reason);
    }
    bool first = true;
    for (size_t i = 0; i < plugin_file_count(host->plugins); i++) {
        const struct plugin_file *file = plugin_file_at(host->plugins, i);
        if (file->descriptor != NULL)
            continue;
        if (first) {
            rule(page);
            (void)fprintf(page->out, "  Plugins refused\n");
        }
        (void)fprintf(page->out, "    %s\n", file->refusal);
        first = false;
    }
}

void report_print(const struct report *report, const struct report_figures *figures, FILE *out,
                  unsigned columns)
{
    struct page page = {.out = out, .width = WIDTH};
    if (columns > 0 && columns < WIDTH) {
        page.narrow = true;
        page.width = columns < WIDTH_LEAST ? WIDTH_LEAST : (int)columns;
    }
    print_head(&page, report, figures);
    print_money(&page, report, figures);
    print_decisions(&page, report, figures);
    print_tasks(&page, report->host);
    print_feeds(&page, report);
    print_state(&page, report->host);
    (void)fprintf(out, "\n");
}
