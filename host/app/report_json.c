/*
 * The result of a replay as data. Amounts are strings, ratios numbers, what is not known is null.
 * Nothing in it depends on real time: the same replay gives the same bytes.
 */
#include "report.h"

#include "base/decimal.h"
#include "bus/schema.h"

static void put_optional(struct tg_json_writer *json, const char *key, bool present, double value)
{
    tg_json_key(json, key);
    if (present)
        tg_json_real(json, value);
    else
        tg_json_null(json);
}

static void write_money(const struct report *report, const struct report_figures *figures,
                        struct tg_json_writer *json)
{
    const struct trade_portfolio *portfolio = &figures->portfolio;
    tg_json_put_decimal(json, "start_equity", portfolio->start_equity);
    tg_json_put_decimal(json, "realised_pnl", portfolio->realised_pnl);
    tg_json_put_decimal(json, "unrealised_pnl", portfolio->unrealised_pnl);
    tg_json_put_decimal(json, "fees", portfolio->fees);
    tg_json_put_decimal(json, "final_equity", portfolio->equity);
    tg_json_put_decimal(json, "hodl_value", portfolio->hodl_value);
    tg_json_put_decimal(json, "hodl_cash", portfolio->hodl_cash);
    tg_json_put_real(json, "return_pct", figures->return_pct);
    tg_json_put_real(json, "max_drawdown_pct", figures->drawdown_max_pct);
    put_optional(json, "sharpe", figures->has_sharpe, figures->sharpe);
    put_optional(json, "sortino", figures->has_sortino, figures->sortino);
    put_optional(json, "calmar", figures->has_calmar, figures->calmar);
    tg_json_put_whole(json, "trades", (int64_t)report->trades);
    put_optional(json, "win_rate_pct", report->trades > 0, figures->win_rate_pct);
    put_optional(json, "profit_factor", figures->has_profit_factor, figures->profit_factor);
    tg_json_put_real(json, "exposure_pct", figures->exposure_pct);
    put_optional(json, "buy_and_hold_pct", figures->has_buy_and_hold, figures->buy_and_hold_pct);
    tg_json_put_whole(json, "orders", (int64_t)report->orders);
    tg_json_put_whole(json, "fills", (int64_t)report->fills);
}

static void write_decisions(const struct report *report, const struct report_figures *figures,
                            struct tg_json_writer *json)
{
    const struct coord_counters *counters = &figures->decisions;
    tg_json_put_whole(json, "decisions", (int64_t)counters->decisions);
    tg_json_key(json, "outcomes");
    tg_json_object_open(json);
    for (int i = 1; i < COORD_OUTCOME_COUNT; i++)
        tg_json_put_whole(json, coord_outcome_text((enum coord_outcome)i),
                          (int64_t)counters->outcomes[i]);
    tg_json_object_close(json);
    tg_json_key(json, "rejections");
    tg_json_object_open(json);
    for (uint32_t i = 0; i < report->host->code_count; i++)
        tg_json_put_whole(json, report->host->codes[i].code, (int64_t)report->host->codes[i].count);
    tg_json_object_close(json);
    tg_json_key(json, "exits");
    tg_json_object_open(json);
    for (uint32_t i = 0; i < report->exit_count; i++)
        tg_json_put_whole(json, report->exits[i].reason, (int64_t)report->exits[i].count);
    tg_json_object_close(json);
    tg_json_put_whole(json, "signals", (int64_t)counters->signals);
    tg_json_put_whole(json, "signals_duplicate", (int64_t)counters->duplicates);
    tg_json_put_whole(json, "signals_refused", (int64_t)counters->refused);
}

static void write_tasks(const struct host *host, struct tg_json_writer *json)
{
    tg_json_key(json, "tasks");
    tg_json_array_open(json);
    for (uint32_t t = 0; t < sched_task_count(host->sched); t++)
        for (uint32_t s = 0; s < sched_symbol_count(host->sched); s++) {
            struct sched_task_view view;
            sched_view(host->sched, t, s, &view);
            tg_json_object_open(json);
            tg_json_put_string(json, "task", view.name);
            tg_json_put_string(json, "agent", view.agent);
            tg_json_put_string(json, "symbol", sched_symbol_name(host->sched, s));
            tg_json_put_flag(json, "enabled", view.enabled);
            tg_json_put_whole(json, "runs", (int64_t)view.started);
            tg_json_put_whole(json, "succeeded", (int64_t)view.succeeded);
            tg_json_put_whole(json, "failed", (int64_t)view.failed);
            tg_json_put_whole(json, "timed_out", (int64_t)view.timed_out);
            tg_json_key(json, "skipped");
            tg_json_object_open(json);
            for (int i = 0; i < SCHED_SKIP_COUNT; i++)
                tg_json_put_whole(json, sched_skip_text((enum sched_skip)i),
                                  (int64_t)view.skipped[i]);
            tg_json_object_close(json);
            tg_json_object_close(json);
        }
    tg_json_array_close(json);
}

static void write_agents(const struct host *host, struct tg_json_writer *json)
{
    tg_json_key(json, "agents");
    tg_json_array_open(json);
    for (size_t i = 0; i < plugin_instance_count(host->plugins); i++) {
        struct plugin_instance_view view;
        plugin_instance_view(plugin_instance_at(host->plugins, i), &view);
        if (view.descriptor->kind != TG_KIND_AGENT)
            continue;
        tg_json_object_open(json);
        tg_json_put_string(json, "name", view.name);
        tg_json_put_string(json, "plugin", view.descriptor->name);
        tg_json_put_string(json, "version", view.descriptor->version);
        tg_json_put_whole(json, "calls", (int64_t)view.calls);
        tg_json_put_whole(json, "failed", (int64_t)view.failed);
        tg_json_put_whole(json, "published", (int64_t)view.published);
        tg_json_put_whole(json, "refused", (int64_t)view.refused);
        tg_json_object_close(json);
    }
    tg_json_array_close(json);
}

static void write_rows(const struct plugin_instance *feed, struct tg_json_writer *json)
{
    const char *reason;
    uint64_t count;
    uint64_t line;
    tg_json_key(json, "rows_refused");
    tg_json_object_open(json);
    for (size_t i = 0; plugin_instance_refused_rows(feed, i, &reason, &count, &line); i++)
        tg_json_put_whole(json, reason, (int64_t)count);
    tg_json_object_close(json);
}

static void write_feeds(const struct report *report, struct tg_json_writer *json)
{
    const struct host *host = report->host;
    tg_json_key(json, "feeds");
    tg_json_array_open(json);
    for (uint32_t i = 0; i < host->symbol_count; i++) {
        const struct host_symbol *symbol = &host->symbols[i];
        const struct market_quality *quality = market_quality(host->market, i);
        struct plugin_instance_view view;
        plugin_instance_view(symbol->feed.instance, &view);
        tg_json_object_open(json);
        tg_json_put_string(json, "symbol", symbol->name);
        tg_json_put_string(json, "plugin", view.descriptor->name);
        tg_json_put_string(json, "timeframe", SCHEMA_WORD(TIMEFRAME, symbol->timeframe));
        tg_json_put_flag(json, "synthetic", symbol->feed.info.synthetic != 0);
        tg_json_put_whole(json, "bars_used", (int64_t)quality->bars[MARKET_BAR_USED]);
        tg_json_key(json, "bars_put_aside");
        tg_json_object_open(json);
        for (int k = 1; k < MARKET_VERDICT_COUNT; k++)
            tg_json_put_whole(json, market_verdict_text((enum market_verdict)k),
                              (int64_t)quality->bars[k]);
        tg_json_object_close(json);
        write_rows(symbol->feed.instance, json);
        tg_json_put_whole(json, "gaps", (int64_t)quality->gaps);
        struct report_silence silence = report_silence(report, i);
        tg_json_put_whole(json, "silent_seconds", silence.total_ns / TG_NS_PER_SEC);
        tg_json_put_whole(json, "silent_longest_seconds", silence.longest_ns / TG_NS_PER_SEC);
        tg_json_key(json, "silent_longest_from");
        if (silence.total_ns > 0)
            tg_json_time(json, silence.longest_from);
        else
            tg_json_null(json);
        tg_json_object_close(json);
    }
    tg_json_array_close(json);
}

static void write_plugins(const struct host *host, struct tg_json_writer *json)
{
    tg_json_key(json, "plugins_refused");
    tg_json_array_open(json);
    for (size_t i = 0; i < plugin_file_count(host->plugins); i++) {
        const struct plugin_file *file = plugin_file_at(host->plugins, i);
        if (file->descriptor != NULL)
            continue;
        tg_json_object_open(json);
        tg_json_put_string(json, "path", file->path);
        tg_json_put_string(json, "reason", file->refusal);
        tg_json_object_close(json);
    }
    tg_json_array_close(json);
}

static void write_positions(const struct host *host, struct tg_json_writer *json)
{
    const struct trade_position *position;
    tg_json_key(json, "positions");
    tg_json_array_open(json);
    for (uint32_t i = 0; (position = trade_position_at(host->trade, i)) != NULL; i++) {
        tg_json_object_open(json);
        tg_json_put_uuid(json, "id", &position->id);
        tg_json_put_string(json, "symbol", trade_symbol(host->trade, position->symbol)->name);
        tg_json_put_string(json, "of",
                           position->hodl        ? "hodl"
                           : position->rebalance ? "allocation"
                                                 : "signals");
        tg_json_put_string(json, "side", SCHEMA_WORD(SIDE, position->side));
        tg_json_put_decimal(json, "size", position->size);
        tg_json_put_decimal(json, "cost", position->cost);
        tg_json_put_decimal(json, "stop_price", position->stop_price);
        tg_json_put_decimal(json, "target_price", position->target_price);
        tg_json_put_time(json, "opened_at", position->opened_at);
        tg_json_object_close(json);
    }
    tg_json_array_close(json);
}

static void write_bus(const struct host *host, struct tg_json_writer *json)
{
    struct bus_stats stats;
    bus_get_stats(host->bus, &stats);
    tg_json_key(json, "bus");
    tg_json_object_open(json);
    tg_json_put_whole(json, "published", (int64_t)stats.published);
    tg_json_put_whole(json, "delivered", (int64_t)stats.delivered);
    tg_json_put_whole(json, "refused", (int64_t)stats.refused);
    tg_json_put_whole(json, "failed", (int64_t)stats.failed);
    tg_json_put_whole(json, "expired", (int64_t)stats.expired);
    tg_json_put_whole(json, "conflated", (int64_t)stats.conflated);
    tg_json_object_close(json);
}

void report_write_json(const struct report *report, const struct report_figures *figures,
                       struct tg_json_writer *json)
{
    const struct host *host = report->host;
    tg_json_object_open(json);
    tg_json_put_flag(json, "synthetic", figures->synthetic);
    tg_json_put_flag(json, "interrupted", report->interrupted);
    tg_json_put_time(json, "from", report->from);
    tg_json_put_time(json, "to", report->to);
    tg_json_put_whole(json, "seed", (int64_t)host->options.seed);
    tg_json_put_string(json, "policy_version", policy_version(host->policy));
    tg_json_put_whole(json, "bars_used", (int64_t)host->bars_used);
    write_money(report, figures, json);
    write_decisions(report, figures, json);
    tg_json_put_string(json, "state", coord_state_text(coord_get_state(host->coord)));
    tg_json_put_string(json, "state_reason", coord_last_transition(host->coord)->reason);
    write_positions(host, json);
    write_tasks(host, json);
    write_agents(host, json);
    write_feeds(report, json);
    write_plugins(host, json);
    write_bus(host, json);
    tg_json_object_close(json);
}
