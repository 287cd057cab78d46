/*
 * What the configuration says, in the rooms' own terms: each function reads its part and creates
 * the room. Nothing here keeps anything but in the host; texts are borrowed from the configuration,
 * which outlives the host.
 */
#include "base/check.h"
#include "base/text.h"
#include "bus/schema.h"
#include "control/control.h"
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_SIZE 512u

static int64_t milliseconds(const struct conf *conf, const char *path)
{
    return conf_whole(conf, path) * TG_NS_PER_MS;
}

static int64_t seconds(const struct conf *conf, const char *path)
{
    return conf_whole(conf, path) * TG_NS_PER_SEC;
}

/* ---- bus, market ---- */

static int create_bus(struct host *host, struct tg_error *error)
{
    const struct conf *conf = host->options.conf;
    struct bus_options options = {
        .clock = host->options.clock,
        .seed = host->options.seed,
        .log = host->options.log,
        .history_messages_max = (size_t)conf_whole(conf, "bus.history_messages_max"),
        .history_bytes_max = (size_t)conf_whole(conf, "bus.history_bytes_max"),
        .queue_messages_max = (size_t)conf_whole(conf, "bus.queue_messages_max"),
        .queue_bytes_max = (size_t)conf_whole(conf, "bus.queue_bytes_max")};
    int code = bus_create(&options, &host->bus, error);
    for (size_t i = 0; code == 0 && i < conf_list_count(conf, "bus.conflate"); i++)
        code = bus_set_conflation(host->bus,
                                  bus_topic_find(host->bus, conf_list_at(conf, "bus.conflate", i)),
                                  true, error);
    if (code != 0)
        return code;
    host->market_source = bus_source(host->bus, "market", error);
    return host->market_source != 0 ? 0 : TG_E_FULL;
}

static int create_market(struct host *host, struct tg_error *error)
{
    const struct conf *conf = host->options.conf;
    struct market_options options = {
        .absurd_pct = conf_real(conf, "market.absurd_pct"),
        .absurd_accept_after = (uint32_t)conf_whole(conf, "market.absurd_accept_after"),
        .snapshot_age_max_ns = seconds(conf, "market.snapshot_age_max_seconds")};
    return market_create(&options, &host->market, error);
}

/* ---- trade ---- */

static void order_changed(void *context, const struct trade_order *order)
{
    struct host *host = context;
    coord_order_changed(host->coord, order);
    if (host->listener.order_changed != NULL)
        host->listener.order_changed(host->listener.context, order);
}

static void filled(void *context, const struct trade_fill *fill)
{
    struct host *host = context;
    if (host->listener.filled != NULL)
        host->listener.filled(host->listener.context, fill);
}

static void position_changed(void *context, const struct trade_position *position)
{
    struct host *host = context;
    coord_position_changed(host->coord, position);
    if (host->listener.position_changed != NULL)
        host->listener.position_changed(host->listener.context, position);
}

/* The venue is created after trade, because it may publish; trade reaches it through the host. */
static int venue_submit(void *context, const struct tg_order *order, struct tg_error *error)
{
    struct host *host = context;
    return host->venue.submit(host->venue.context, order, error);
}

static int venue_cancel(void *context, const struct tg_uuid *id, struct tg_error *error)
{
    struct host *host = context;
    return host->venue.cancel(host->venue.context, id, error);
}

static int venue_amend(void *context, const struct tg_uuid *id, struct tg_decimal size,
                       struct tg_decimal price, struct tg_error *error)
{
    struct host *host = context;
    return host->venue.amend(host->venue.context, id, size, price, error);
}

static int on_execution_event(void *context, const struct tg_message *message)
{
    struct host *host = context;
    const struct tg_execution_events *event = message->payload;
    struct tg_error error = {0};
    if (event->event_type >= TG_EXECUTION_POSITION_OPENED)
        return 0; /* trade's own news about positions */
    int code =
        trade_execution_event(host->trade, event, tg_clock_utc(&host->options.clock), &error);
    if (code != 0)
        OBS_WARNING(host->options.log, "app", "execution event %s: %s",
                    SCHEMA_WORD(EXECUTION, event->event_type), error.message);
    return 0; /* trade has alerted; the event itself was handled */
}

static int create_trade(struct host *host, struct tg_error *error)
{
    const struct conf *conf = host->options.conf;
    static const char *const cooldowns[TRADE_COOLDOWN_COUNT] = {
        "risk.cooldown_minutes.post_trade",       "risk.cooldown_minutes.post_loss",
        "risk.cooldown_minutes.losses_3",         "risk.cooldown_minutes.losses_5",
        "risk.cooldown_minutes.volatility_spike", "risk.cooldown_minutes.unusual_movement",
        "risk.cooldown_minutes.post_rebalance"};
    struct trade_options options = {
        .bus = host->bus,
        .log = host->options.log,
        .installation = conf_text(conf, "installation"),
        .account_currency = conf_text(conf, "account.currency"),
        .starting_balance = conf_decimal(conf, "account.starting_balance"),
        .venue = {venue_submit, venue_cancel, venue_amend, host},
        .journal = store_journal(host->store),
        .listener = {order_changed, filled, position_changed, host},
        .trailing_activate_pct = conf_decimal(conf, "trade.trailing_activate_pct"),
        .trailing_distance_pct = conf_decimal(conf, "trade.trailing_distance_pct"),
        .break_even_pct = conf_decimal(conf, "trade.break_even_pct"),
        .holding_max_ns = conf_whole(conf, "trade.holding_max_hours") * TG_NS_PER_HOUR,
        .order_deadline_ns = milliseconds(conf, "coordinator.order_timeout_ms"),
        .unusual_movement_pct = conf_decimal(conf, "trade.unusual_movement_pct")};
    control_read_limits(conf, &options.limits);
    for (size_t i = 0; i < TRADE_COOLDOWN_COUNT; i++)
        options.cooldown_ns[i] = (int64_t)(conf_real(conf, cooldowns[i]) * (double)TG_NS_PER_MIN);
    host->spike_ratio = conf_real(conf, "risk.size.volatility_spike_atr_ratio");
    int code = trade_create(&options, &host->trade, error);
    if (code != 0)
        return code;
    store_set_trade(host->store, host->trade);
    return bus_subscribe(host->bus, "trade", TG_TOPIC_EXECUTION_EVENTS, on_execution_event, NULL,
                         host, error);
}

/* ---- policies, coordinator ---- */

/*
 * A policy's deadline is measured on the host's own clock: real in a live run; in a replay virtual,
 * so that it stands still and the budget of instructions alone bounds a call, the same on any
 * machine.
 */
static int create_policy(struct host *host, struct tg_error *error)
{
    struct control_policy_settings *settings = NULL;
    int code = control_policy_settings(host->options.conf, host->options.log, host->options.clock,
                                       &settings, error);
    if (code == 0)
        code = policy_create(&settings->options, &host->policy, error);
    free(settings);
    return code;
}

static uint32_t read_actions(const struct conf *conf, const char *path)
{
    static const struct {
        const char *word;
        uint32_t bit;
    } words[] = {{"pause_trading", COORD_ACTION_PAUSE},
                 {"reduce_positions", COORD_ACTION_REDUCE},
                 {"halt_all", COORD_ACTION_HALT},
                 {"close_positions", COORD_ACTION_CLOSE}};
    uint32_t actions = 0;
    for (size_t i = 0; i < conf_list_count(conf, path); i++)
        for (size_t k = 0; k < TG_ARRAY_LENGTH(words); k++)
            if (tg_text_equal(conf_list_at(conf, path, i), words[k].word))
                actions |= words[k].bit;
    return actions;
}

static bool fresh_price(void *context, const char *symbol, int64_t now, struct tg_decimal *price)
{
    const struct host *host = context;
    int number = market_symbol_find(host->market, symbol);
    return number >= 0 && market_is_fresh(host->market, (uint32_t)number, now) &&
           market_last_price(host->market, (uint32_t)number, now, price, NULL);
}

static void count_code(struct host *host, const char *code)
{
    uint32_t i = 0;
    while (i < host->code_count && !tg_text_equal(host->codes[i].code, code))
        i++;
    if (i == HOST_CODES_MAX)
        return;
    if (i == host->code_count) {
        host->code_count++;
        (void)tg_text_copy(host->codes[i].code, sizeof(host->codes[i].code), code);
    }
    host->codes[i].count++;
}

static int keep_decision(void *context, const struct coord_decision *decision,
                         struct tg_error *error)
{
    struct host *host = context;
    if (decision->outcome == COORD_OUTCOME_REJECTED || decision->outcome == COORD_OUTCOME_HALTED)
        count_code(host, decision->code);
    return host->store_below.decision(host->store_below.context, decision, error);
}

static int keep_transition(void *context, const struct coord_transition *transition,
                           struct tg_error *error)
{
    struct host *host = context;
    return host->store_below.transition(host->store_below.context, transition, error);
}

static int put_scheduled(void *context, const struct coord_scheduled_trade *trade,
                         struct tg_error *error)
{
    struct host *host = context;
    return host->store_below.scheduled_put(host->store_below.context, trade, error);
}

static int remove_scheduled(void *context, const char *key, struct tg_error *error)
{
    struct host *host = context;
    return host->store_below.scheduled_remove(host->store_below.context, key, error);
}

static bool scheduled_at(void *context, size_t index, struct coord_scheduled_trade *trade)
{
    struct host *host = context;
    return host->store_below.scheduled_at(host->store_below.context, index, trade);
}

static void read_portfolio(const struct host *host, struct coord_portfolio_options *options)
{
    const struct conf *conf = host->options.conf;
    *options = (struct coord_portfolio_options){
        .trade_min_usd = conf_decimal(conf, "portfolio.trade_min_usd"),
        .batch_above_usd = conf_decimal(conf, "portfolio.batch_above_usd"),
        .batches = (uint32_t)conf_whole(conf, "portfolio.batches"),
        .batch_interval_ns = conf_whole(conf, "portfolio.batch_interval_minutes") * TG_NS_PER_MIN,
        .hodl_bags = conf_flag(conf, "portfolio.hodl_bags"),
        .hodl_profit_pct = conf_decimal(conf, "portfolio.hodl_profit_pct"),
        .target_count = host->target_count};
    (void)tg_text_copy(options->account_currency, sizeof(options->account_currency),
                       conf_text(conf, "account.currency"));
    memcpy(options->targets, host->targets, host->target_count * sizeof(host->targets[0]));
}

static int create_coordinator(struct host *host, struct tg_error *error)
{
    const struct conf *conf = host->options.conf;
    int code = host__read_targets(host, error);
    if (code != 0)
        return code;
    host->store_below = store_for_coordinator(host->store);
    struct coord_options options = {
        .bus = host->bus,
        .trade = host->trade,
        .log = host->options.log,
        .clock = host->options.clock,
        .judge = policy_judge(host->policy),
        .market = {fresh_price, host},
        .store = {.decision = keep_decision,
                  .transition = keep_transition,
                  .scheduled_put = put_scheduled,
                  .scheduled_remove = remove_scheduled,
                  .scheduled_at = scheduled_at,
                  .context = host},
        .decision_deadline_ns = milliseconds(conf, "coordinator.decision_deadline_ms"),
        .ta_age_max_ns = seconds(conf, "consensus.ta_age_max_seconds"),
        .regime_age_max_ns = seconds(conf, "consensus.regime_age_max_seconds"),
        .sentiment_age_max_ns = seconds(conf, "consensus.sentiment_age_max_seconds")};
    read_portfolio(host, &options.portfolio);
    options.step_deadline_ns[COORD_STEP_CONTEXT] = milliseconds(conf, "coordinator.snapshot_ms");
    options.step_deadline_ns[COORD_STEP_CONFLICTS] = milliseconds(conf, "coordinator.conflict_ms");
    options.step_deadline_ns[COORD_STEP_RISK] = milliseconds(conf, "coordinator.risk_ms");
    options.actions[TG_BREACH_DAILY_LOSS] = read_actions(conf, "coordinator.actions.daily_loss");
    options.actions[TG_BREACH_WEEKLY_LOSS] = read_actions(conf, "coordinator.actions.weekly_loss");
    options.actions[TG_BREACH_MAX_DRAWDOWN] =
        read_actions(conf, "coordinator.actions.max_drawdown");
    return coord_create(&options, &host->coord, error);
}

int host__create_rooms(struct host *host, struct tg_error *error)
{
    struct store_options store = {.decisions_max =
                                      (size_t)conf_whole(host->options.conf, "decisions.window"),
                                  .decisions_path = host->options.decisions_path};
    /* the key table knows no other mode: nothing in this program can reach a real venue */
    TG_BUG_IF(!tg_text_equal(conf_text(host->options.conf, "trading_mode"), "paper"));
    int code = create_bus(host, error);
    if (code == 0)
        code = create_market(host, error);
    if (code == 0)
        code = store_create(&store, &host->store, error);
    if (code == 0)
        code = create_policy(host, error);
    if (code == 0)
        code = create_trade(host, error);
    if (code == 0)
        code = create_coordinator(host, error);
    return code;
}

/* ---- tasks ---- */

static int add_task(struct host *host, const char *name, struct tg_error *error)
{
    const struct conf *conf = host->options.conf;
    char path[PATH_MAX_SIZE];
    uint32_t number;
#define TASK_PATH(key) (snprintf(path, sizeof(path), "tasks.%s." key, name), path)
    struct sched_task_options options = {
        .name = name,
        .agent = conf_text(conf, TASK_PATH("agent")),
        .interval_ns = seconds(conf, TASK_PATH("interval_seconds")),
        .offset_ns = seconds(conf, TASK_PATH("offset_seconds")),
        .timeout_ns = seconds(conf, TASK_PATH("timeout_seconds")),
        .enabled = conf_flag(conf, TASK_PATH("enabled")),
        .on_start = conf_flag(conf, TASK_PATH("on_start")),
        .portfolio = tg_text_equal(conf_text(conf, TASK_PATH("scope")), "portfolio"),
        .symbols_at_once_max = (uint32_t)conf_whole(conf, TASK_PATH("symbols_at_once"))};
    const char *list = TASK_PATH("depends_on");
    if (conf_list_count(conf, list) > SCHED_DEPENDENCIES_MAX)
        return TG_FAIL(error, RANGE, "%s: tasks.%s.depends_on: more than %u dependencies",
                       conf_where(conf, list), name, SCHED_DEPENDENCIES_MAX);
    for (size_t i = 0; i < conf_list_count(conf, list); i++)
        options.depends_on[options.depends_on_count++] = conf_list_at(conf, list, i);
    struct plugin_instance *agent = plugin_instance_find(host->plugins, options.agent);
    if (agent == NULL && host__agent_refused(host, options.agent) != NULL)
        options.enabled = false;
    if (agent == NULL && options.enabled)
        return TG_FAIL(error, NOT_FOUND,
                       "%s: tasks.%s.agent: there is no enabled agent %s; agents are listed under "
                       "`agents:`",
                       conf_where(conf, TASK_PATH("agent")), name, options.agent);
    int code = sched_task_add(host->sched, &options, &number, error);
    if (code != 0) {
        tg_error_prefix(error, "%s: ", conf_where(conf, TASK_PATH("agent")));
        return code;
    }
#undef TASK_PATH
    host->agents[number] = agent;
    return 0;
}

int host__create_tasks(struct host *host, struct tg_error *error)
{
    const struct conf *conf = host->options.conf;
    struct sched_options options = {.runs_at_once_max =
                                        (uint32_t)conf_whole(conf, "schedule.runs_at_once_max")};
    int code = sched_create(&options, &host->sched, error);
    for (uint32_t i = 0; code == 0 && i < host->symbol_count; i++)
        code = sched_symbol_add(host->sched, host->symbols[i].name, &host->symbols[i].sched, error);
    const char *name;
    for (size_t i = 0; code == 0 && (name = conf_name_at(conf, "tasks", i)) != NULL; i++)
        code = add_task(host, name, error);
    return code;
}
