/*
 * One moment of the host's life: bars in, messages out, runs, decisions, fills.
 *
 * A bar is judged by the market first and published only when it was used, so that neither an
 * agent nor the venue ever sees a bar that was put aside. The venue sees the bar before positions
 * are marked with it: what filled within the bar is gone before a trailing stop moves.
 *
 * Runs that are due at one moment are started together and taken in in the order of starting; what
 * each publishes goes on the bus as it is taken in. So the result is the same on one lane or many.
 */
#include "base/check.h"
#include "base/decimal.h"
#include "host.h"

#include <string.h>

static void publish_bar(struct host *host, const struct host_symbol *symbol, uint16_t source,
                        uint32_t timeframe, const struct tg_bar *bar)
{
    struct tg_market_data record = {.timeframe = (uint8_t)timeframe,
                                    .open = bar->open,
                                    .high = bar->high,
                                    .low = bar->low,
                                    .close = bar->close,
                                    .volume = bar->volume,
                                    .closed = 1,
                                    .open_time = bar->open_time,
                                    .synthetic = symbol->feed.info.synthetic};
    struct tg_error error = {0};
    memcpy(record.symbol, symbol->name, sizeof(record.symbol));
    TG_SET(&record, MARKET_DATA, open_time);
    if (record.synthetic)
        TG_SET(&record, MARKET_DATA, synthetic);
    struct bus_draft draft = {.topic = TG_TOPIC_MARKET_DATA,
                              .source = source,
                              .priority = TG_PRIORITY_NORMAL,
                              .payload = &record,
                              .payload_size = sizeof(record)};
    if (bus_publish(host->bus, &draft, NULL, &error) != 0)
        OBS_ERROR(host->options.log, "app", "a bar of %s was not published: %s", symbol->name,
                  error.message);
}

static void aggregated(void *context, uint32_t symbol, uint32_t timeframe, const struct tg_bar *bar)
{
    struct host *host = context;
    publish_bar(host, &host->symbols[symbol], host->market_source, timeframe, bar);
}

static void watch_volatility(struct host *host, struct host_symbol *symbol, int64_t now)
{
    const struct tg_indicators *at =
        market_indicators(host->market, symbol->market, symbol->timeframe);
    bool spikes = TG_READY(at, atr14) && TG_READY(at, atr14_mean20) &&
                  at->atr14 > host->spike_ratio * at->atr14_mean20;
    if (spikes == symbol->spikes)
        return;
    symbol->spikes = spikes;
    trade_volatility_spike(host->trade, symbol->trade, spikes, now);
}

enum market_verdict host_bar(struct host *host, uint32_t number, const struct tg_bar *bar)
{
    struct host_symbol *symbol = &host->symbols[number];
    int64_t now = tg_clock_utc(&host->options.clock);
    enum market_verdict verdict = market_bar_add(host->market, number, bar, now, aggregated, host);
    if (verdict != MARKET_BAR_USED)
        return verdict;
    TG_BUG_IF(host->mark_count == HOST_BARS_AT_ONCE);
    publish_bar(host, symbol, symbol->feed.source, symbol->timeframe, bar);
    if (host->bars_used++ == 0 || symbol->first_price.units == 0)
        symbol->first_price = bar->open;
    host->marks[host->mark_count].symbol = number;
    host->marks[host->mark_count].bar = *bar;
    host->mark_count++;
    return verdict;
}

void host_advance(struct host *host)
{
    int64_t now = tg_clock_utc(&host->options.clock);
    if (now >= trade_next_time(host->trade))
        trade_advance(host->trade, now);
    coord_advance(host->coord);
}

void host_close_bars(struct host *host)
{
    market_advance(host->market, tg_clock_utc(&host->options.clock), aggregated, host);
}

void host_settle(struct host *host)
{
    int64_t now = tg_clock_utc(&host->options.clock);
    do {
        (void)bus_pump(host->bus, 0);
        trade_pump(host->trade, now);
    } while (coord_pump(host->coord) || bus_has_work(host->bus));
}

static void mark(struct host *host)
{
    int64_t now = tg_clock_utc(&host->options.clock);
    if (host->mark_count == 0)
        return;
    for (uint32_t i = 0; i < host->mark_count; i++) {
        struct host_symbol *symbol = &host->symbols[host->marks[i].symbol];
        trade_bar(host->trade, symbol->trade, &host->marks[i].bar, now);
        watch_volatility(host, symbol, now);
    }
    host->mark_count = 0;
    host_settle(host);
}

static uint32_t gather_inputs(const struct host *host, const struct tg_plugin *plugin,
                              const char *symbol, int64_t now, struct tg_input *inputs,
                              uint32_t capacity)
{
    uint32_t count = 0;
    struct tg_message message;
    for (size_t i = 0; plugin->reads != NULL && plugin->reads[i] != NULL && count < capacity; i++) {
        uint16_t topic = bus_topic_find(host->bus, plugin->reads[i]);
        /* what is said of the whole portfolio is of no symbol */
        const char *of = topic == TG_TOPIC_PORTFOLIO_UPDATES ? "" : symbol;
        if (topic == TG_TOPIC_MARKET_DATA || !bus_get_latest(host->bus, topic, of, 0, 0, &message))
            continue;
        inputs[count++] = (struct tg_input){.topic = topic,
                                            .payload_size = message.payload_size,
                                            .age = now - message.timestamp,
                                            .payload = message.payload,
                                            .source = message.source};
    }
    return count;
}

/* What signals opened: neither the allocation nor hodl bags are theirs to close. */
static uint32_t gather_positions(const struct host *host, const struct host_symbol *symbol,
                                 struct tg_position *positions, uint32_t capacity)
{
    uint32_t count = 0;
    const struct trade_position *position;
    for (uint32_t i = 0; count < capacity && (position = trade_position_at(host->trade, i)) != NULL;
         i++) {
        bool overflow = false;
        if (position->symbol != symbol->trade || position->rebalance)
            continue;
        struct tg_position *seen = &positions[count++];
        *seen =
            (struct tg_position){.id = position->id,
                                 .side = position->side,
                                 .size = position->size,
                                 .entry_price = tg_decimal_divide(position->cost, position->size,
                                                                  TG_ROUND_HALF_EVEN, &overflow),
                                 .opened_at = position->opened_at};
        memcpy(seen->symbol, symbol->name, sizeof(seen->symbol));
    }
    return count;
}

#define INPUTS_MAX    16u
#define POSITIONS_MAX 16u

static void end_run(struct host *host, const struct sched_run *run, enum sched_outcome outcome)
{
    (void)sched_end(host->sched, run, outcome, tg_clock_utc(&host->options.clock),
                    tg_clock_monotonic(&host->options.clock));
}

/* Hands a run to its agent, or ends it as skipped or failed. */
static void start_run(struct host *host, const struct sched_run *due, int64_t now)
{
    const struct host_symbol *symbol = &host->symbols[due->symbol];
    struct plugin_instance *agent = host->agents[due->task];
    struct sched_task_view task;
    struct tg_snapshot snapshot;
    struct tg_input inputs[INPUTS_MAX];
    struct tg_position positions[POSITIONS_MAX];
    struct tg_error error = {0};
    if (market_snapshot(host->market, symbol->market, now, &snapshot, NULL) != 0) {
        end_run(host, due, SCHED_SKIPPED_NO_DATA);
        return;
    }
    sched_view(host->sched, due->task, due->symbol, &task);
    struct tg_run run = {.size = sizeof(run),
                         .task = task.name,
                         .symbol = symbol->name,
                         .slot = due->slot,
                         .now = now,
                         .snapshot = &snapshot,
                         .inputs = inputs,
                         .positions = positions};
    run.input_count = gather_inputs(host, plugin_instance_descriptor(agent), symbol->name, now,
                                    inputs, INPUTS_MAX);
    run.position_count = gather_positions(host, symbol, positions, POSITIONS_MAX);
    if (plugin_instance_descriptor(agent)->capabilities & TG_CAPABILITY_PORTFOLIO)
        run.portfolio = host__portfolio(host, now);
    host->runs[due->number % PLUGIN_CALLS_WAITING_MAX] = *due;
    if (plugin_run(agent, &run, due->number, due->deadline - due->started_at, &error) != 0) {
        OBS_WARNING(host->options.log, "app", "task %s for %s did not run: %s", task.name,
                    symbol->name, error.message);
        end_run(host, due, SCHED_FAILED);
    }
}

static uint32_t topics_published(const struct host *host, const struct plugin_instance *agent)
{
    uint32_t topics = 0;
    const struct tg_plugin *plugin = agent != NULL ? plugin_instance_descriptor(agent) : NULL;
    for (size_t i = 0; plugin != NULL && plugin->publishes != NULL && plugin->publishes[i] != NULL;
         i++) {
        uint16_t topic = bus_topic_find(host->bus, plugin->publishes[i]);
        if (topic < TG_TOPIC_COUNT) /* an own topic is nothing that a level knows */
            topics |= COORD_TOPIC(topic);
    }
    return topics;
}

/* The host's state and degradation level decide which tasks have their slots skipped. */
static void follow_state(struct host *host)
{
    enum coord_state state = coord_get_state(host->coord);
    enum coord_level level = coord_get_level(host->coord);
    if (state == host->state_seen && level == host->level_seen)
        return;
    host->state_seen = state;
    host->level_seen = level;
    for (uint32_t task = 0; task < sched_task_count(host->sched); task++)
        (void)sched_task_suspend(
            host->sched, task,
            !coord_agent_may_run(state, level, topics_published(host, host->agents[task])));
}

static void take_in(struct host *host, const struct plugin_result *result)
{
    const struct sched_run *run = &host->runs[result->number % PLUGIN_CALLS_WAITING_MAX];
    static const enum sched_outcome outcomes[] = {[PLUGIN_SUCCEEDED] = SCHED_SUCCEEDED,
                                                  [PLUGIN_FAILED] = SCHED_FAILED,
                                                  [PLUGIN_TIMED_OUT] = SCHED_TIMED_OUT};
    if (result->outcome != PLUGIN_SUCCEEDED) {
        struct sched_task_view task;
        sched_view(host->sched, run->task, run->symbol, &task);
        OBS_WARNING(host->options.log, "app", "task %s for %s: %s", task.name,
                    host->symbols[run->symbol].name, result->message);
    }
    end_run(host, run, outcomes[result->outcome]);
}

void host_run_due(struct host *host)
{
    int64_t now = tg_clock_utc(&host->options.clock);
    int64_t monotonic = tg_clock_monotonic(&host->options.clock);
    struct sched_run due;
    struct plugin_result result;
    mark(host);
    while (plugin_collect(host->plugins, true, &result))
        take_in(host, &result);
    host_settle(host);
    for (;;) {
        bool started = false;
        while (coord_run_due(host->coord))
            host_settle(host);
        follow_state(host);
        while (sched_next(host->sched, now, monotonic, &due)) {
            start_run(host, &due, now);
            started = true;
        }
        if (!started)
            return;
        while (plugin_collect(host->plugins, true, &result)) {
            take_in(host, &result);
            host_settle(host);
        }
    }
}

/* The bus counts its deadlines on the monotonic clock. */
static int64_t next_deadline(const struct host *host)
{
    const struct tg_clock *clock = &host->options.clock;
    int64_t deadline = bus_next_time(host->bus);
    return deadline == INT64_MAX ? INT64_MAX
                                 : tg_clock_utc(clock) + (deadline - tg_clock_monotonic(clock));
}

int64_t host_next_time(struct host *host)
{
    int64_t next = sched_next_time(host->sched);
    const int64_t others[] = {trade_next_time(host->trade), coord_next_time(host->coord),
                              next_deadline(host)};
    for (size_t i = 0; i < TG_ARRAY_LENGTH(others); i++)
        next = others[i] < next ? others[i] : next;
    return next;
}

int host_feed_peek(struct host *host, uint32_t number, const struct tg_bar **bar,
                   struct tg_error *error)
{
    struct host_feed *feed = &host->symbols[number].feed;
    *bar = NULL;
    if (feed->next == feed->count && !feed->ended) {
        feed->next = 0;
        int code =
            plugin_feed_read(feed->instance, feed->bars, HOST_FEED_BATCH, &feed->count, error);
        if (code != 0)
            return TG_PASS(error, code);
        feed->ended = feed->count == 0;
        feed->rows_read += feed->count;
    }
    if (feed->next < feed->count)
        *bar = &feed->bars[feed->next];
    return 0;
}
