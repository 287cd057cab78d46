/*
 * The key table: every key that a configuration may have, with type, default, range and meaning.
 *
 * What is not here is refused, so a misspelt limit cannot go unnoticed. The same rows make
 * docs/CONFIGURATION.md. A key without a default is required; all of risk.* is, because a limit on
 * losses that somebody forgot must stop the start and not be guessed. The default "*" stands for
 * the name that the user chose for the `*` of the path. In a path, of two rows that fit, the first
 * counts. Constant data.
 */
#include "base/check.h"
#include "conf_int.h"

#define SECONDS_MAX 604800     /* a week */
#define MS_MAX      3600000    /* an hour */
#define BYTES_MAX   1073741824 /* 1 GiB */
#define MONEY_MAX   1000000000
#define SHIPPED                                                                                    \
    "csv,synthetic,paper,technical_analysis,regime_detection,trading_decision,portfolio_rebalance"
#define ACTIONS "pause_trading|reduce_positions|halt_all|close_positions"

#define TEXT(path, text, meaning)                                                                  \
    {                                                                                              \
        path, CONF_TEXT, text, 0, 0, NULL, meaning                                                 \
    }
#define CHOICE(path, text, words, meaning)                                                         \
    {                                                                                              \
        path, CONF_CHOICE, text, 0, 0, words, meaning                                              \
    }
#define WHOLE(path, text, low, high, meaning)                                                      \
    {                                                                                              \
        path, CONF_WHOLE, text, low, high, NULL, meaning                                           \
    }
#define REAL(path, text, low, high, meaning)                                                       \
    {                                                                                              \
        path, CONF_REAL, text, low, high, NULL, meaning                                            \
    }
#define DECIMAL(path, text, low, high, meaning)                                                    \
    {                                                                                              \
        path, CONF_DECIMAL, text, low, high, NULL, meaning                                         \
    }
#define FLAG(path, text, meaning)                                                                  \
    {                                                                                              \
        path, CONF_FLAG, text, 0, 0, NULL, meaning                                                 \
    }
#define LIST(path, text, words, meaning)                                                           \
    {                                                                                              \
        path, CONF_TEXT_LIST, text, 0, 0, words, meaning                                           \
    }

const struct conf_key conf_keys[] = {
    LIST("include", "", NULL, "Files that are read first; paths relative to this file"),
    CHOICE("trading_mode", "paper", "paper", "What orders reach: paper is a simulated account"),
    TEXT("installation", "triplegain", "Name of this installation; enters every order id"),
    TEXT("account.currency", "USDT", "Currency in which equity, profit and limits are counted"),
    DECIMAL("account.starting_balance", "10000", 1, MONEY_MAX,
            "Money to start with, in account currency"),

    DECIMAL("symbols.*.size_min", NULL, 0.00000001, MONEY_MAX, "Smallest order, in base currency"),
    WHOLE("symbols.*.price_places", NULL, 0, 8, "Digits after the point of a price"),
    WHOLE("symbols.*.size_places", NULL, 0, 8, "Digits after the point of an order's size"),

    TEXT("feeds.*.plugin", NULL, "Plugin that delivers the symbol's bars"),
    TEXT("feeds.*.config.*", NULL, "Handed to the feed plugin, which declares its keys"),
    TEXT("venue.plugin", "paper", "Plugin that takes the orders"),
    TEXT("venue.config.*", NULL, "Handed to the venue plugin, which declares its keys"),
    TEXT("agents.*.plugin", "*", "Plugin of the agent; by default the one of the agent's own name"),
    CHOICE("agents.*.lane", "auto", "auto|core|thread",
           "Where it runs: on the core thread, on a thread beside it, or as `plugins` decides"),
    FLAG("agents.*.enabled", "true", "Whether the agent is loaded"),
    TEXT("agents.*.config.*", NULL, "Handed to the agent's plugin, which declares its keys"),

    LIST("plugins.folders", "", NULL,
         "Further folders with plugins; `plugins` beside the program is always searched first"),
    WHOLE("plugins.lanes", "0", 0, 64,
          "0: agents that are core-safe run on the core thread, each other one on a thread of its "
          "own; N: all agents share N threads"),
    LIST("plugins.core_safe", SHIPPED, NULL,
         "Plugins that may run on the core thread where they say that they can"),

    TEXT("tasks.*.agent", NULL, "Agent that the task runs"),
    WHOLE("tasks.*.interval_seconds", NULL, 1, SECONDS_MAX,
          "Time between two slots; they lie on multiples of it since 1970"),
    WHOLE("tasks.*.offset_seconds", "0", 0, SECONDS_MAX, "Moves the slots by so much"),
    WHOLE("tasks.*.timeout_seconds", "30", 1, SECONDS_MAX,
          "A run that takes longer is cancelled and counts as failed"),
    FLAG("tasks.*.enabled", "true", "Whether the task is scheduled"),
    FLAG("tasks.*.on_start", "false",
         "Whether it runs at once and not only from the first slot on"),
    CHOICE(
        "tasks.*.scope", "symbol", "symbol|portfolio",
        "symbol: a run for each symbol; portfolio: one run a slot for all of them, which has the "
        "snapshot of the first"),
    WHOLE("tasks.*.symbols_at_once", "1", 1, 256, "Symbols that it works on at the same time"),
    LIST("tasks.*.depends_on", "", NULL,
         "Tasks that need a fresh success for the same symbol first"),
    WHOLE("schedule.runs_at_once_max", "5", 1, 256, "Runs of all tasks at the same time"),

    WHOLE("coordinator.decision_deadline_ms", "45000", 1, MS_MAX,
          "From a signal to its outcome, over all steps"),
    WHOLE("coordinator.snapshot_ms", "200", 1, MS_MAX, "Collecting price, portfolio and positions"),
    WHOLE("coordinator.conflict_ms", "10000", 1, MS_MAX, "Resolving conflicts"),
    WHOLE("coordinator.risk_ms", "10", 1, MS_MAX, "Judging risk"),
    WHOLE("coordinator.order_timeout_ms", "2000", 1, MS_MAX,
          "After it an order without an answer counts as unknown"),
    LIST("coordinator.actions.daily_loss", "pause_trading", ACTIONS,
         "What happens at the daily loss limit"),
    LIST("coordinator.actions.weekly_loss", "reduce_positions,pause_trading", ACTIONS,
         "What happens at the weekly loss limit; reducing halves every position"),
    LIST("coordinator.actions.max_drawdown", "halt_all,close_positions", ACTIONS,
         "What happens at the drawdown limit"),
    WHOLE("decisions.window", "4096", 1, 1048576, "Decisions that are kept in memory"),

    WHOLE("bus.history_messages_max", "1000", 1, 1000000, "Messages kept of each topic"),
    WHOLE("bus.history_bytes_max", "4194304", 65536, BYTES_MAX, "Bytes kept of each topic"),
    WHOLE("bus.queue_messages_max", "1048576", 1024, 16777216,
          "Messages that may wait; beyond, publishers are told to try again"),
    WHOLE("bus.queue_bytes_max", "268435456", 1048576, BYTES_MAX, "The same limit in bytes"),
    LIST("bus.conflate", "", "market_data",
         "Topics whose waiting messages give their place to newer ones: of bars, the newest of a "
         "symbol and timeframe; for hosts whose readers cannot keep up and need no history"),

    REAL("market.absurd_pct", "50", 0.1, 1000,
         "A bar further than this from the last price is put aside"),
    WHOLE("market.absurd_accept_after", "30", 0, 100000,
          "After so many such bars that agree the price has really moved; 0: never"),
    WHOLE("market.snapshot_age_max_seconds", "60", 1, SECONDS_MAX,
          "Nothing is decided on older prices; one bar of the feed where that is longer"),

    DECIMAL("trade.trailing_activate_pct", "1", 0, 100,
            "Profit from which on the stop trails the price"),
    DECIMAL("trade.trailing_distance_pct", "1.5", 0, 100,
            "Distance of the trailing stop from the best price; 0: no trailing"),
    DECIMAL("trade.break_even_pct", "0", 0, 100,
            "Profit at which the stop moves to the entry price; 0: never"),
    WHOLE("trade.holding_max_hours", "48", 0, 8760, "A position is closed after it; 0: no limit"),
    DECIMAL("trade.unusual_movement_pct", "3", 0, 100,
            "A minute bar that moves further begins a cool-down; 0: never"),

    DECIMAL("portfolio.targets.*", NULL, 0, 100,
            "Share of the account's value that the asset shall have; together they are 100"),
    DECIMAL("portfolio.trade_min_usd", "10", 0.01, MONEY_MAX,
            "No batch of a rebalancing trade and no purchase for a hodl bag is smaller"),
    DECIMAL("portfolio.batch_above_usd", "500", 0, MONEY_MAX,
            "Rebalancing trades that are more in all are split into batches"),
    WHOLE("portfolio.batches", "6", 1, 24, "Batches"),
    WHOLE("portfolio.batch_interval_minutes", "240", 1, 10080, "Time from one batch to the next"),
    FLAG("portfolio.hodl_bags", "false",
         "Whether a share of realised profits goes to hodl bags, which are never traded"),
    DECIMAL("portfolio.hodl_profit_pct", "10", 0, 100,
            "Share of the profit of a closed position, after fees, that goes to hodl bags"),

    TEXT("policy.folder", "../scripts",
         "Folder of the policy files, relative to the configuration file"),
    WHOLE("policy.memory_max_mib", "8", 1, 1024, "Memory of the policies, in MiB"),
    WHOLE("policy.instructions_max", "1000000", 1000, 1000000000, "Lua instructions of one call"),
    WHOLE("policy.deadline_ms", "10", 1, MS_MAX, "Time of one call"),

    WHOLE("consensus.ta_age_max_seconds", "120", 1, SECONDS_MAX,
          "Older technical readings do not count"),
    WHOLE("consensus.regime_age_max_seconds", "600", 1, SECONDS_MAX, "Older regimes do not count"),
    WHOLE("consensus.sentiment_age_max_seconds", "3600", 1, SECONDS_MAX,
          "Older sentiment does not count"),
    WHOLE("consensus.agents_min", "2", 1, 16, "A bonus needs at least so many opinions"),
    REAL("consensus.agree_ratio", "0.66", 0, 1,
         "From this share of agreeing opinions on there is a bonus"),
    REAL("consensus.disagree_ratio", "0.33", 0.01, 1, "Below this share there is a malus"),
    REAL("consensus.bonus_max", "0.30", 0, 1, "Where all agree: confidence x (1 + this)"),
    REAL("consensus.malus_max", "0.15", 0, 1, "Where none agrees: confidence x (1 - this)"),
    REAL("conflict.confidence_difference", "0.2", 0, 1,
         "Technical analysis against sentiment: closer than this is a conflict"),
    REAL("conflict.correlation_min", "0.7", 0, 1,
         "Symbols correlated at least so much must not oppose one another"),
    REAL("conflict.size_reduction_max_pct", "50", 0, 100,
         "Risk that takes more of the size than this overrides the signal"),
    WHOLE("conflict.leverage_steps", "2", 1, 125,
          "Risk that takes so many steps of leverage overrides the signal"),
    REAL("sizing.risk_per_trade_pct", "1", 0, 100,
         "Share of equity lost at the stop, for a signal without a size"),
    REAL("sizing.confidence_low", "0.55", 0, 1, "At or below it: share_min of the full size"),
    REAL("sizing.confidence_high", "0.90", 0, 1, "At or above it: the full size"),
    REAL("sizing.share_min", "0.5", 0, 1, "Smallest share of the full size"),

    DECIMAL("risk.limits.position_size_max_pct", NULL, 0, 100, "Size of one position, of equity"),
    REAL("risk.limits.risk_per_trade_max_pct", NULL, 0, 100,
         "Loss of one trade at its stop, of equity"),
    WHOLE("risk.limits.leverage_max", NULL, 1, 125, "Highest leverage"),
    DECIMAL("risk.limits.exposure_max_pct", NULL, 0, 1000,
            "Open exposure and size x leverage together, of equity"),
    REAL("risk.limits.correlated_exposure_max_pct", NULL, 0, 1000,
         "Open exposure weighted by correlation, and the size, of equity"),
    REAL("risk.limits.correlated_exposure_warning_pct", NULL, 0, 100,
         "A warning from this share of correlated_exposure_max_pct on"),
    REAL("risk.limits.correlation_min", NULL, 0, 1, "Positions correlated more than this count"),
    DECIMAL("risk.limits.margin_utilization_max_pct", NULL, 0, 100,
            "Margin in use once the order is filled, of equity"),
    WHOLE("risk.limits.positions_per_symbol_max", NULL, 1, 256, "Open positions of one symbol"),
    WHOLE("risk.limits.positions_max", NULL, 1, 256, "Open positions in all"),
    DECIMAL("risk.limits.price_collar_pct", NULL, 0, 100,
            "Distance of the entry price from the last price"),
    WHOLE("risk.limits.entry_orders_per_minute_max", NULL, 1, 10000, "Entry orders in a minute"),
    WHOLE("risk.limits.entry_orders_per_day_max", NULL, 1, 1000000, "Entry orders since 00:00 UTC"),
    WHOLE("risk.limits.entry_orders_halt_factor", NULL, 1, 100,
          "This many times either limit halts"),
    DECIMAL("risk.limits.daily_loss_max_pct", NULL, 0, 100,
            "Loss of a day, of the equity at 00:00 UTC"),
    DECIMAL("risk.limits.weekly_loss_max_pct", NULL, 0, 100,
            "Loss of a week, of the equity on Monday at 00:00 UTC"),
    DECIMAL("risk.limits.drawdown_max_pct", NULL, 0, 100, "Loss from the highest equity"),
    REAL("risk.stop.distance_min_pct", NULL, 0, 100,
         "Smallest distance of the stop from the entry price"),
    REAL("risk.stop.distance_max_pct", NULL, 0, 100,
         "Largest distance of the stop from the entry price"),
    REAL("risk.stop.reward_risk_min", NULL, 0, 100, "Reward over risk, where a take-profit is set"),
    REAL("risk.stop.symbols.*.distance_max_pct", NULL, 0, 100,
         "Largest distance of the stop of that symbol"),
    REAL("risk.confidence.trending", NULL, 0, 1,
         "Least confidence in trending_bull and trending_bear"),
    REAL("risk.confidence.ranging", NULL, 0, 1, "Least confidence in ranging"),
    REAL("risk.confidence.breakout", NULL, 0, 1, "Least confidence in breakout_potential"),
    REAL("risk.confidence.volatile", NULL, 0, 1,
         "Least confidence in volatile_bull and volatile_bear"),
    REAL("risk.confidence.choppy", NULL, 0, 1, "Least confidence in choppy"),
    REAL("risk.confidence.unknown", NULL, 0, 1, "Least confidence where the regime is not known"),
    REAL("risk.confidence.add_after_3_losses", NULL, 0, 1, "Added from 3 losses in a row on"),
    REAL("risk.confidence.add_after_5_losses", NULL, 0, 1,
         "Added from 5 losses in a row on, in place of the one for 3"),
    REAL("risk.confidence.relaxed", NULL, -1, 1, "Added by entry strictness relaxed"),
    REAL("risk.confidence.normal", NULL, -1, 1, "Added by entry strictness normal"),
    REAL("risk.confidence.strict", NULL, -1, 1, "Added by entry strictness strict"),
    REAL("risk.confidence.very_strict", NULL, -1, 1, "Added by entry strictness very_strict"),
    WHOLE("risk.size.losses_in_a_row", NULL, 1, 1000, "So many losses in a row reduce the size"),
    REAL("risk.size.losses_factor", NULL, 0, 1,
         "Factor on the size from so many losses in a row on"),
    REAL("risk.size.volatility_spike_factor", NULL, 0, 1,
         "Factor on the size while volatility spikes"),
    REAL("risk.size.volatility_spike_atr_ratio", NULL, 1, 100,
         "Average true range over its 20-period mean from which on it spikes"),
    WHOLE("risk.leverage.trending_bull", NULL, 1, 125, "Highest leverage in trending_bull"),
    WHOLE("risk.leverage.trending_bear", NULL, 1, 125, "Highest leverage in trending_bear"),
    WHOLE("risk.leverage.ranging", NULL, 1, 125, "Highest leverage in ranging"),
    WHOLE("risk.leverage.volatile_bull", NULL, 1, 125, "Highest leverage in volatile_bull"),
    WHOLE("risk.leverage.volatile_bear", NULL, 1, 125, "Highest leverage in volatile_bear"),
    WHOLE("risk.leverage.choppy", NULL, 1, 125, "Highest leverage in choppy"),
    WHOLE("risk.leverage.breakout_potential", NULL, 1, 125,
          "Highest leverage in breakout_potential"),
    WHOLE("risk.leverage.unknown", NULL, 1, 125, "Highest leverage where the regime is not known"),
    WHOLE("risk.leverage.drawdown_5", NULL, 1, 125, "Highest leverage from a drawdown of 5 % on"),
    WHOLE("risk.leverage.drawdown_10", NULL, 1, 125, "Highest leverage from a drawdown of 10 % on"),
    WHOLE("risk.leverage.drawdown_15", NULL, 1, 125, "Highest leverage from a drawdown of 15 % on"),
    WHOLE("risk.leverage.losses_3", NULL, 1, 125, "Highest leverage from 3 losses in a row on"),
    WHOLE("risk.leverage.losses_5", NULL, 1, 125, "Highest leverage from 5 losses in a row on"),
    REAL("risk.cooldown_minutes.post_trade", NULL, 0, 10080,
         "No entry on the symbol for so long after a trade"),
    REAL("risk.cooldown_minutes.post_loss", NULL, 0, 10080,
         "No entry on the symbol for so long after a loss"),
    REAL("risk.cooldown_minutes.losses_3", NULL, 0, 10080,
         "No entry on the symbol for so long after 3 losses in a row"),
    REAL("risk.cooldown_minutes.losses_5", NULL, 0, 10080,
         "No entry on the symbol for so long after 5 losses in a row"),
    REAL("risk.cooldown_minutes.volatility_spike", NULL, 0, 10080,
         "No entry on the symbol for so long after volatility spiked"),
    REAL("risk.cooldown_minutes.unusual_movement", NULL, 0, 10080,
         "No entry on the symbol for so long after an unusual movement of the price"),
    REAL("risk.cooldown_minutes.post_rebalance", NULL, 0, 10080,
         "No entry on the symbol for so long after a rebalancing trade"),
    REAL("risk.correlations.*", NULL, 0, 1,
         "Correlation of two symbols; the key is both with a blank between, in either order"),

    WHOLE("replay.seed", "1", 0, 9007199254740991, "Seed of every random number of a replay"),
    CHOICE("replay.progress", "auto", "auto|always|never",
           "Whether a replay shows its progress; auto: on a terminal"),
    CHOICE("log.level", "info", "debug|info|warning|error", "The least level that is logged"),
};
const size_t conf_key_count = TG_ARRAY_LENGTH(conf_keys);
