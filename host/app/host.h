/*
 * The host: every room wired to the others, on a clock that is handed in.
 *
 *   feed -> market (judges, aggregates) -> bus -> schedule -> agents -> bus -> coordinator
 *        -> policies -> trade -> venue -> bus -> trade
 *
 * The same wiring serves a replay (virtual clock) and a live run (real clock). One core thread.
 */
#ifndef TG_APP_HOST_H
#define TG_APP_HOST_H

#include "base/clock.h"
#include "base/error.h"
#include "bus/bus.h"
#include "conf/conf.h"
#include "coord/coord.h"
#include "market/market.h"
#include "obs/obs.h"
#include "plugin/plugin.h"
#include "policy/policy.h"
#include "sched/sched.h"
#include "store/store.h"
#include "trade/trade.h"

#include <stdbool.h>
#include <stdint.h>

#define HOST_SYMBOLS_MAX  64u
#define HOST_FEED_BATCH   512u /* bars read at once */
#define HOST_CODES_MAX    64u  /* different refusal codes told apart */
#define HOST_BARS_AT_ONCE HOST_SYMBOLS_MAX
#define HOST_PATH_SIZE    4096u
#define HOST_TARGETS_MAX  COORD_TARGETS_MAX

/* A feed that replaces the configured ones, from the command line: SYMBOL=PATH. */
struct host_bars {
    char symbol[TG_SYMBOL_SIZE];
    const char *path;
};

struct host_options {
    const struct conf *conf;      /* borrowed */
    const char *program_folder;   /* its `plugins` folder is searched first */
    struct tg_clock clock;        /* what the host lives by */
    struct tg_clock real_clock;   /* limits of calls into plugins and policies */
    struct obs_log *log;          /* borrowed */
    const struct host_bars *bars; /* instead of the configured feeds */
    size_t bars_count;
    const char *decisions_path; /* NULL: none */
    int64_t lanes;              /* -1: as configured */
    uint64_t seed;
};

struct host_feed {
    struct plugin_instance *instance;
    struct tg_feed_info info;
    uint16_t source;
    struct tg_bar bars[HOST_FEED_BATCH];
    uint32_t count, next;
    bool ended;
    uint64_t rows_read;
};

struct host_symbol {
    char name[TG_SYMBOL_SIZE];
    uint32_t market, trade, sched; /* its number in each room */
    uint32_t timeframe;
    int64_t timeframe_ns;
    struct host_feed feed;
    struct tg_decimal first_price;
    bool spikes;
};

struct host_code {
    char code[COORD_CODE_SIZE];
    uint64_t count;
};

struct host {
    struct host_options options;
    struct bus *bus;
    struct market *market;
    struct trade *trade;
    struct sched *sched;
    struct policy *policy;
    struct coord *coord;
    struct store *store;
    struct coord_store store_below; /* the store that the host's own counting stands before */
    struct plugin_host *plugins;
    struct trade_venue venue;
    struct trade_listener listener; /* told after the coordinator; for reports */
    uint16_t market_source;
    struct host_symbol *symbols;
    uint32_t symbol_count;
    struct plugin_instance *agents[SCHED_TASKS_MAX]; /* by task */
    struct sched_run runs[PLUGIN_CALLS_WAITING_MAX]; /* going on, by number modulo */
    enum coord_state state_seen;                     /* by which tasks are suspended */
    enum coord_level level_seen;
    double spike_ratio;
    /* what an agent sees of the portfolio, gathered for the run that is about to start */
    struct tg_portfolio portfolio;
    struct tg_holding holdings[TRADE_POSITIONS_MAX];
    struct tg_target targets[HOST_TARGETS_MAX];
    struct tg_traded_symbol traded[HOST_SYMBOLS_MAX];
    uint32_t target_count;
    struct host_code codes[HOST_CODES_MAX]; /* refusals by code */
    uint32_t code_count;
    uint64_t bars_used;
    /* bars of this moment, marked once the venue has seen them */
    struct {
        uint32_t symbol;
        struct tg_bar bar;
    } marks[HOST_BARS_AT_ONCE];
    uint32_t mark_count;
};

/* Builds everything in order, checks everything; on failure nothing is left. */
int host_create(const struct host_options *options, struct host **host, struct tg_error *error);
void host_destroy(struct host *host);
/* Begins the schedule at `utc`. */
int host_start(struct host *host, int64_t utc, struct tg_error *error);

/* settings.c: what the configuration says, in the rooms' own terms */
int host__create_rooms(struct host *host, struct tg_error *error);
int host__create_plugins(struct host *host, struct tg_error *error);
int host__create_symbols(struct host *host, struct tg_error *error);
int host__create_tasks(struct host *host, struct tg_error *error);
/* The refused file of an enabled agent's plugin; NULL: it was not refused. */
const struct plugin_file *host__agent_refused(const struct host *host, const char *agent);

/* portfolio.c */
/* Targets of the configuration: together they must be 100. */
int host__read_targets(struct host *host, struct tg_error *error);
/* NULL while a price is missing to value it. The host's own, until it is asked for again. */
const struct tg_portfolio *host__portfolio(struct host *host, int64_t now);

/* flow.c */
/* A bar has closed: judged, aggregated, published. Call host_settle after the bars of a moment. */
enum market_verdict host_bar(struct host *host, uint32_t symbol, const struct tg_bar *bar);
/* Time has moved on to the clock's: periods and deadlines; before the bars of the moment. */
void host_advance(struct host *host);
/* Aggregates whose time is over close; after the bars of the moment. */
void host_close_bars(struct host *host);
/* Delivers, decides, fills until nothing moves. */
void host_settle(struct host *host);
/* Marks the moment's bars, then starts the runs that are due and takes in their results. */
void host_run_due(struct host *host);
/* The next moment at which something is due without a bar; INT64_MAX: none. */
int64_t host_next_time(struct host *host);
/* The feed's next bar, read ahead; NULL: it has ended. */
int host_feed_peek(struct host *host, uint32_t symbol, const struct tg_bar **bar,
                   struct tg_error *error);

#endif
