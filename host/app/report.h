/*
 * What a replay ends with: figures gathered as it goes, a table for people, JSON for programs.
 *
 * Amounts come from trade's exact decimals; ratios are doubles. Nothing here depends on real time,
 * so that the same replay gives the same bytes.
 */
#ifndef TG_APP_REPORT_H
#define TG_APP_REPORT_H

#include "host.h"

#include <stdio.h>

struct report {
    struct host *host;
    int64_t from, to, day; /* UTC; the day that is going on */
    /* daily returns of equity, for Sharpe and Sortino */
    double day_equity;
    uint64_t days;
    double return_sum, return_square_sum, downside_square_sum;
    /* time with an open position */
    uint32_t open_positions;
    int64_t exposed_since, exposed_ns;
    uint64_t trades, trades_won;         /* positions closed; with a profit after fees */
    struct tg_decimal won_sum, lost_sum; /* of their profits and losses, after fees */
    struct {
        char reason[32];
        uint64_t count;
    } exits[16];
    uint32_t exit_count;
    uint64_t orders, fills;
    bool interrupted; /* the result is of what was replayed until then */
};

/* Puts itself on the host's listener; the report outlives the host's work. */
void report_begin(struct report *report, struct host *host, int64_t from);
/* A moment is over: takes the equity where a day has ended. */
void report_moment(struct report *report, int64_t now);
void report_end(struct report *report, int64_t to);

/* The figures that follow from the ones above. */
struct report_figures {
    struct trade_portfolio portfolio;
    double return_pct, drawdown_max_pct, sharpe, sortino, calmar, win_rate_pct, exposure_pct;
    double profit_factor, buy_and_hold_pct;
    bool has_sharpe, has_sortino, has_calmar, has_profit_factor, has_buy_and_hold;
    struct coord_counters decisions;
    bool synthetic; /* any of the feeds made its bars up */
};
int report_figures(const struct report *report, struct report_figures *figures,
                   struct tg_error *error);

/* How long a feed gave nothing: its gaps, and from its last bar to the end of the replay. */
struct report_silence {
    int64_t total_ns, longest_ns, longest_from;
};
struct report_silence report_silence(const struct report *report, uint32_t symbol);

/* `columns`: width of the terminal; 0: not known. */
void report_print(const struct report *report, const struct report_figures *figures, FILE *out,
                  unsigned columns);
void report_write_json(const struct report *report, const struct report_figures *figures,
                       struct tg_json_writer *json);

#endif
