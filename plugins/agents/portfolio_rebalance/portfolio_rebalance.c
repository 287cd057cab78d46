/*
 * portfolio_rebalance: holds the account against its target allocation and says what to trade.
 *
 * This file is the plugin's side of the contract and the rules of when; the arithmetic is in
 * allocation.c. A run looks at the whole portfolio, so its task has the scope `portfolio`. It
 * publishes portfolio_updates in any case: no_action with the reason, or rebalance with trades,
 * sells first. The targets are the host's (portfolio.targets), so that hodl bags and this agent
 * know the same ones; when to act is its own configuration.
 *
 * It remembers one thing, the slot of its last rebalance, and says it in every message: the first
 * run after a restart takes it over from the newest message of this very instance.
 *
 * It never blocks and asks the host for nothing but publishing. It refuses a run that comes without
 * the portfolio.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocation.h"

#define NS_PER_HOUR (INT64_C(3600) * 1000000000)

enum { KEY_DEVIATION_PCT, KEY_INTERVAL_HOURS, KEY_TRADE_MIN_USD, KEY_COUNT };

static const struct tg_config_key config_keys[KEY_COUNT] = {
    [KEY_DEVIATION_PCT] = {.name = "deviation_pct",
                           .type = TG_CONFIG_DECIMAL,
                           .default_text = "5",
                           .minimum = 0.01,
                           .maximum = 100,
                           .description = "an asset that is further off its target than this, in % "
                                          "of the account's value, makes a rebalance"},
    [KEY_INTERVAL_HOURS] = {.name = "interval_hours",
                            .type = TG_CONFIG_WHOLE,
                            .default_text = "24",
                            .minimum = 1,
                            .maximum = 8760,
                            .description = "hours from one rebalance to the next, at least"},
    [KEY_TRADE_MIN_USD] = {.name = "trade_min_usd",
                           .type = TG_CONFIG_DECIMAL,
                           .default_text = "10",
                           .minimum = 0.01,
                           .maximum = 1000000000,
                           .description = "smaller trades are left out, in account currency"}};

struct rebalance_agent {
    const struct tg_host *host; /* borrows: the host keeps it while the instance lives */
    struct tg_decimal deviation_pct, trade_min;
    int64_t interval_ns;
    int64_t rebalanced_at; /* slot; 0: never */
};

__attribute__((format(printf, 3, 4))) static int32_t fail(struct tg_failure *failure, int32_t code,
                                                          const char *format, ...)
{
    va_list arguments;

    if (failure != NULL) {
        failure->code = code;
        va_start(arguments, format);
        vsnprintf(failure->message, sizeof(failure->message), format, arguments);
        va_end(arguments);
    }
    return code;
}

static int32_t create(const struct tg_host *host, const struct tg_config *config, void **instance,
                      struct tg_failure *failure)
{
    struct rebalance_agent *agent;

    if (config->count != KEY_COUNT)
        return fail(failure, TG_E_INVALID,
                    "portfolio_rebalance was given %u configuration values, it declares %d",
                    (unsigned)config->count, KEY_COUNT);
    agent = calloc(1, sizeof(*agent));
    if (agent == NULL)
        return fail(failure, TG_E_NO_MEMORY, "portfolio_rebalance: no memory for the instance");
    agent->host = host;
    agent->deviation_pct = config->values[KEY_DEVIATION_PCT].decimal;
    agent->interval_ns = config->values[KEY_INTERVAL_HOURS].whole * NS_PER_HOUR;
    agent->trade_min = config->values[KEY_TRADE_MIN_USD].decimal;
    *instance = agent;
    return TG_E_OK;
}

static void destroy(void *instance)
{
    free(instance);
}

/* What this instance said last, as the host still knows it, where it knows of a later rebalance. */
static void recall(struct rebalance_agent *agent, const struct tg_run *run)
{
    for (uint32_t n = 0; n < run->input_count; n++) {
        const struct tg_input *input = &run->inputs[n];
        const struct tg_portfolio_updates *update = input->payload;

        if (input->topic == TG_TOPIC_PORTFOLIO_UPDATES && input->payload_size == sizeof(*update) &&
            strcmp(input->source, agent->host->instance_name) == 0 &&
            TG_HAS(update, PORTFOLIO_UPDATES, rebalanced_at) &&
            update->rebalanced_at > agent->rebalanced_at)
            agent->rebalanced_at = update->rebalanced_at;
    }
}

/* ---- what is said ---- */

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size,
                                                         const char *format, ...)
{
    size_t length = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + length, size - length, format, arguments);
    va_end(arguments);
}

static void say_allocation(const struct allocation *allocation, struct tg_portfolio_updates *update)
{
    char *text = update->current_allocation;

    append(text, sizeof(update->current_allocation), "{");
    for (uint32_t n = 0; n < allocation->count; n++)
        append(text, sizeof(update->current_allocation), "%s\"%s\":%.2f", n > 0 ? "," : "",
               allocation->assets[n].asset, allocation_percent(allocation, n));
    append(text, sizeof(update->current_allocation), "}");
}

/* The trades of one direction; returns how many. */
static uint32_t say_trades(const struct rebalance_agent *agent, const struct allocation *allocation,
                           int sells, uint32_t before, struct tg_portfolio_updates *update)
{
    uint32_t count = 0;

    for (uint32_t n = 0; n < allocation->count; n++) {
        int64_t units = allocation_trade(allocation, n, agent->trade_min).units;
        int64_t cents = (units < 0 ? -units : units) / (TG_DECIMAL_ONE / 100);

        if (units == 0 || (units < 0) != sells)
            continue;
        append(update->trades, sizeof(update->trades),
               "%s{\"symbol\":\"%s\",\"side\":\"%s\",\"size_usd\":\"%lld.%02lld\"}",
               before + count > 0 ? "," : "", allocation->assets[n].symbol, sells ? "sell" : "buy",
               (long long)(cents / 100), (long long)(cents % 100));
        count++;
    }
    return count;
}

/* Whether there is something to trade, and may be; says why or why not. */
static int decide(const struct rebalance_agent *agent, const struct allocation *allocation,
                  int64_t slot, struct tg_portfolio_updates *update)
{
    char *why = update->reasoning;
    const size_t size = sizeof(update->reasoning);
    int64_t since = slot - agent->rebalanced_at;
    uint32_t count;

    append(why, size, "%s is %.2f %% off its target (limit %g %%)",
           allocation->assets[allocation->worst].asset,
           allocation_deviation(allocation, allocation->worst),
           (double)agent->deviation_pct.units / (double)TG_DECIMAL_ONE);
    if (allocation->left_out[0] != '\0')
        append(why, size, "; not traded here and left out: %s", allocation->left_out);
    if (!allocation_exceeds(allocation, allocation->worst, agent->deviation_pct))
        return 0;
    if (agent->rebalanced_at != 0 && since < agent->interval_ns) {
        append(why, size, "; the last rebalance was %.1f h ago (at least %.0f)",
               (double)since / (double)NS_PER_HOUR,
               (double)agent->interval_ns / (double)NS_PER_HOUR);
        return 0;
    }
    count = say_trades(agent, allocation, 1, 0, update);
    count += say_trades(agent, allocation, 0, count, update);
    if (count == 0)
        append(why, size, "; every trade would be too small");
    return count > 0;
}

static int32_t run_portfolio(void *instance, const struct tg_run *run, struct tg_failure *failure)
{
    struct rebalance_agent *agent = instance;
    const struct tg_host *host = agent->host;
    struct tg_portfolio_updates update = {0};
    struct allocation allocation;
    const char *problem;
    int64_t rebalanced_at;
    int32_t code;

    if (run->portfolio == NULL)
        return fail(failure, TG_E_STATE, "portfolio_rebalance: the portfolio cannot be valued");
    recall(agent, run);
    rebalanced_at = agent->rebalanced_at;
    problem = allocation_read(run->portfolio, &allocation);
    append(update.trades, sizeof(update.trades), "[");
    if (problem != NULL) {
        append(update.current_allocation, sizeof(update.current_allocation), "{}");
        append(update.reasoning, sizeof(update.reasoning), "%s", problem);
        if (allocation.left_out[0] != '\0')
            append(update.reasoning, sizeof(update.reasoning), "; not traded here: %s",
                   allocation.left_out);
    } else {
        say_allocation(&allocation, &update);
        if (decide(agent, &allocation, run->slot, &update)) {
            update.action = TG_REBALANCE_REBALANCE;
            rebalanced_at = run->slot;
        }
    }
    append(update.trades, sizeof(update.trades), "]");
    TG_SET(&update, PORTFOLIO_UPDATES, reasoning);
    if (rebalanced_at != 0) {
        update.rebalanced_at = rebalanced_at;
        TG_SET(&update, PORTFOLIO_UPDATES, rebalanced_at);
    }
    code = host->publish(host->context, TG_TOPIC_PORTFOLIO_UPDATES, TG_PRIORITY_NORMAL, &update,
                         (uint32_t)sizeof(update), failure);
    /* A rebalance that nobody was told of has not happened: the next run asks for it. */
    if (code == TG_E_OK)
        agent->rebalanced_at = rebalanced_at;
    return code;
}

static const char *const publishes[] = {"portfolio_updates", NULL};
static const char *const reads[] = {"portfolio_updates", NULL};

const struct tg_plugin triplegain_plugin_1 = {
    .magic = TG_ABI_MAGIC,
    .size = sizeof(struct tg_plugin),
    .major = TG_ABI_MAJOR,
    .minor = TG_ABI_MINOR,
    .fingerprint = TG_ABI_FINGERPRINT,
    .name = "portfolio_rebalance",
    .version = "0.1.0",
    .description = "holds the account against its target allocation and says what to trade",
    .kind = TG_KIND_AGENT,
    .capabilities = TG_CAPABILITY_CORE_SAFE | TG_CAPABILITY_PORTFOLIO,
    .publishes = publishes,
    .reads = reads,
    .config_keys = config_keys,
    .config_key_count = KEY_COUNT,
    .create = create,
    .destroy = destroy,
    .run = run_portfolio,
};
