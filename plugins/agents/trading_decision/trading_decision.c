/*
 * trading_decision: once an hour, six voters look at a symbol and the plugin publishes exactly one
 * trading_signals record, HOLD too.
 *
 *     snapshot, ta, regime, sentiment -> voters.c: opinions -> ballot (positions, prices.c)
 *                                     -> votes.c: quorum, majority, medians -> the signal
 *
 * This file is the plugin's side of the contract: configuration, life of an instance, what a run
 * looks at, and the record. A voter's side becomes an action here, because only a run knows the
 * open positions: a side against an open position closes it, any other opens. Size is left to the
 * host.
 *
 * The instance keeps its settings and nothing else. It never blocks and asks the host for nothing
 * but publishing. Too little warm data for a quorum is a HOLD that says so. It refuses a run
 * without a snapshot or without a price, and numbers that are not finite.
 */
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prices.h"
#include "voters.h"
#include "votes.h"

#define SECOND_NS INT64_C(1000000000)

/* An agent's word that is older does not count; the same ages as in consensus. */
#define TA_AGE_MAX_NS        (120 * SECOND_NS)
#define REGIME_AGE_MAX_NS    (600 * SECOND_NS)
#define SENTIMENT_AGE_MAX_NS (3600 * SECOND_NS)

enum {
    KEY_TIMEFRAME,
    KEY_FALLBACK_FACTOR,
    KEY_QUORUM,
    KEY_BOOST_UNANIMOUS,
    KEY_BOOST_FIVE_SIXTHS,
    KEY_BOOST_TWO_THIRDS,
    KEY_STOP_ATR,
    KEY_TARGET_ATR,
    KEY_STOP_PCT_MIN,
    KEY_STOP_PCT_MAX,
    KEY_STOP_PCT_MAX_BY_SYMBOL,
    KEY_REWARD_RISK_MIN,
    KEY_LEVERAGE,
    KEY_COUNT
};

#define REAL_KEY(name_, default_, minimum_, maximum_, description_)                                \
    {                                                                                              \
        .name = name_, .type = TG_CONFIG_REAL, .default_text = default_, .minimum = minimum_,      \
        .maximum = maximum_, .description = description_                                           \
    }

static const struct tg_config_key config_keys[KEY_COUNT] = {
    [KEY_TIMEFRAME] = {.name = "timeframe",
                       .type = TG_CONFIG_CHOICE,
                       .default_text = "1h",
                       .choices = "1m|5m|15m|1h|4h|1d",
                       .description = "timeframe the voters read; while it is not warm, the "
                                      "largest warm one below it"},
    [KEY_FALLBACK_FACTOR] = REAL_KEY("fallback_factor", "0.95", 0, 1,
                                     "factor on each vote's confidence for each timeframe that "
                                     "the voters read below the configured one"),
    [KEY_QUORUM] = {.name = "quorum",
                    .type = TG_CONFIG_WHOLE,
                    .default_text = "4",
                    .minimum = 1,
                    .maximum = VOTES_MAX,
                    .description = "valid votes needed of the six; fewer make a HOLD"},
    [KEY_BOOST_UNANIMOUS] = REAL_KEY("boost_unanimous", "0.15", 0, 1,
                                     "added to the confidence when all valid votes agree"),
    [KEY_BOOST_FIVE_SIXTHS] = REAL_KEY("boost_five_sixths", "0.10", 0, 1,
                                       "added when at least five sixths of them agree"),
    [KEY_BOOST_TWO_THIRDS] =
        REAL_KEY("boost_two_thirds", "0.05", 0, 1, "added when at least two thirds of them agree"),
    [KEY_STOP_ATR] = REAL_KEY("stop_atr", "1.5", 0.1, 20,
                              "stop distance in average true ranges, before the regime's factor"),
    [KEY_TARGET_ATR] =
        REAL_KEY("target_atr", "1.5", 0.1, 50,
                 "take-profit distance in average true ranges, before the regime's factor"),
    [KEY_STOP_PCT_MIN] = REAL_KEY("stop_pct_min", "0.55", PRICES_STOP_PCT_MIN, PRICES_STOP_PCT_MAX,
                                  "least stop distance in % of the entry price; a little more than "
                                  "risk asks, for the venue's tick"),
    [KEY_STOP_PCT_MAX] = REAL_KEY("stop_pct_max", "4.95", PRICES_STOP_PCT_MIN, PRICES_STOP_PCT_MAX,
                                  "widest stop distance in % of the entry price"),
    [KEY_STOP_PCT_MAX_BY_SYMBOL] = {.name = "stop_pct_max_by_symbol",
                                    .type = TG_CONFIG_TEXT,
                                    .default_text = "BTC/USDT=2.95",
                                    .description =
                                        "widest stop distance of single symbols in % of the entry "
                                        "price, as BTC/USDT=2.95, XRP/USDT=4"},
    [KEY_REWARD_RISK_MIN] =
        REAL_KEY("reward_risk_min", "1.55", 0.1, PRICES_REWARD_RISK_MAX,
                 "least take-profit distance over stop distance, a ratio; a little more than risk "
                 "asks, for the venue's tick"),
    [KEY_LEVERAGE] = {.name = "leverage",
                      .type = TG_CONFIG_WHOLE,
                      .default_text = "1",
                      .minimum = 1,
                      .maximum = 125,
                      .description = "leverage asked for; the regime's highest one caps it, and "
                                     "without a regime it is 1"},
};

struct trading_decision {
    const struct tg_host *host; /* borrows: the host keeps it while the instance lives */
    uint32_t timeframe;
    double fallback_factor;
    double stop_atr, target_atr;
    int64_t leverage;
    struct votes_rules rules;
    struct prices_limits limits;
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

/* ---- life of an instance ------------------------------------------------------------------ */

static int32_t read_limits(struct prices_limits *limits, const struct tg_config_value *values,
                           struct tg_failure *failure)
{
    char problem[160];

    limits->stop_pct_min = values[KEY_STOP_PCT_MIN].real;
    limits->stop_pct_max = values[KEY_STOP_PCT_MAX].real;
    limits->reward_risk_min = values[KEY_REWARD_RISK_MIN].real;
    if (limits->stop_pct_max < limits->stop_pct_min)
        return fail(failure, TG_E_INVALID,
                    "trading_decision: stop_pct_max (%g) is below stop_pct_min (%g)",
                    limits->stop_pct_max, limits->stop_pct_min);
    if (prices_read_symbols(limits, values[KEY_STOP_PCT_MAX_BY_SYMBOL].text, problem,
                            sizeof(problem)) != TG_E_OK)
        return fail(failure, TG_E_INVALID, "trading_decision: stop_pct_max_by_symbol: %s", problem);
    return TG_E_OK;
}

static int32_t create(const struct tg_host *host, const struct tg_config *config, void **instance,
                      struct tg_failure *failure)
{
    struct trading_decision *agent;
    int32_t code;

    if (config->count != KEY_COUNT)
        return fail(failure, TG_E_INVALID,
                    "trading_decision was given %u configuration values, it declares %d",
                    (unsigned)config->count, KEY_COUNT);
    agent = calloc(1, sizeof(*agent));
    if (agent == NULL)
        return fail(failure, TG_E_NO_MEMORY, "trading_decision: no memory for the instance");
    agent->host = host;
    agent->timeframe = (uint32_t)config->values[KEY_TIMEFRAME].whole;
    agent->fallback_factor = config->values[KEY_FALLBACK_FACTOR].real;
    agent->stop_atr = config->values[KEY_STOP_ATR].real;
    agent->target_atr = config->values[KEY_TARGET_ATR].real;
    agent->leverage = config->values[KEY_LEVERAGE].whole;
    agent->rules.quorum = (uint32_t)config->values[KEY_QUORUM].whole;
    agent->rules.boost_unanimous = config->values[KEY_BOOST_UNANIMOUS].real;
    agent->rules.boost_five_sixths = config->values[KEY_BOOST_FIVE_SIXTHS].real;
    agent->rules.boost_two_thirds = config->values[KEY_BOOST_TWO_THIRDS].real;
    code = read_limits(&agent->limits, config->values, failure);
    if (code != TG_E_OK) {
        free(agent);
        return code;
    }
    *instance = agent;
    return TG_E_OK;
}

static void destroy(void *instance)
{
    free(instance);
}

/* ---- what a run looks at ------------------------------------------------------------------ */

static const void *find_input(const struct tg_run *run, uint32_t topic, uint32_t size,
                              int64_t age_max)
{
    for (uint32_t n = 0; n < run->input_count; n++) {
        const struct tg_input *input = &run->inputs[n];

        if (input->topic == topic && input->payload_size == size && input->age <= age_max)
            return input->payload;
    }
    return NULL;
}

/* What another agent said of another symbol is never looked at, whoever hands it in. */
static void look(const struct trading_decision *agent, const struct tg_run *run, struct view *view)
{
    const struct tg_indicators *indicators;

    view->timeframe = voters_timeframe(run->snapshot, agent->timeframe);
    view->series = &run->snapshot->series[view->timeframe];
    view->price = (double)run->snapshot->last_price.units / (double)TG_DECIMAL_ONE;
    indicators = view->series->indicators;
    view->atr = TG_READY(indicators, atr14) ? indicators->atr14 : 0;
    view->ta = find_input(run, TG_TOPIC_TA_SIGNALS, sizeof(*view->ta), TA_AGE_MAX_NS);
    if (view->ta != NULL && strcmp(view->ta->symbol, run->symbol) != 0)
        view->ta = NULL;
    view->regime =
        find_input(run, TG_TOPIC_REGIME_UPDATES, sizeof(*view->regime), REGIME_AGE_MAX_NS);
    if (view->regime != NULL && strcmp(view->regime->symbol, run->symbol) != 0)
        view->regime = NULL;
    view->sentiment =
        find_input(run, TG_TOPIC_SENTIMENT_UPDATES, sizeof(*view->sentiment), SENTIMENT_AGE_MAX_NS);
    if (view->sentiment != NULL && strcmp(view->sentiment->symbol, run->symbol) != 0)
        view->sentiment = NULL;
}

static bool has_position(const struct tg_run *run, uint8_t side)
{
    for (uint32_t n = 0; n < run->position_count; n++)
        if (run->positions[n].side == side && run->positions[n].size.units > 0)
            return true;
    return false;
}

/* A side against an open position closes it; any other opens one. */
static uint8_t action_of(const struct tg_run *run, int side)
{
    if (side == 0)
        return TG_ACTION_HOLD;
    if (side < 0)
        return has_position(run, TG_SIDE_BUY) ? TG_ACTION_CLOSE_LONG : TG_ACTION_SELL;
    return has_position(run, TG_SIDE_SELL) ? TG_ACTION_CLOSE_SHORT : TG_ACTION_BUY;
}

/* ---- votes -------------------------------------------------------------------------------- */

static int32_t place_prices(const struct trading_decision *agent, const struct tg_run *run,
                            const struct view *view, const struct opinion *opinion,
                            struct vote *vote)
{
    double stop = view->atr * (opinion->stop_atr > 0 ? opinion->stop_atr : agent->stop_atr);
    double target = view->atr * (opinion->target_atr > 0 ? opinion->target_atr : agent->target_atr);

    if (view->regime != NULL && TG_HAS(view->regime, REGIME_UPDATES, stop_multiplier))
        stop *= view->regime->stop_multiplier;
    if (view->regime != NULL && TG_HAS(view->regime, REGIME_UPDATES, target_multiplier))
        target *= view->regime->target_multiplier;
    return prices_place(&agent->limits, run->symbol, opinion->side, run->snapshot->last_price, stop,
                        target, &vote->stop_loss, &vote->take_profit);
}

static int32_t ask_voters(const struct trading_decision *agent, const struct tg_run *run,
                          const struct view *view, struct vote votes[VOTES_MAX],
                          struct tg_failure *failure)
{
    double factor = 1;

    for (uint32_t below = view->timeframe; below < agent->timeframe; below++)
        factor *= agent->fallback_factor;
    for (size_t n = 0; n < VOTES_MAX; n++) {
        struct opinion opinion = {0};
        struct vote *vote = &votes[n];

        memset(vote, 0, sizeof(*vote));
        vote->voter = voters[n].name;
        voters[n].form_opinion(view, &opinion);
        if (!opinion.ready)
            continue;
        vote->valid = true;
        vote->action = action_of(run, opinion.side);
        vote->confidence = fmin(fmax(opinion.confidence * factor, 0), 1);
        memcpy(vote->why, opinion.why, sizeof(vote->why));
        if ((vote->action == TG_ACTION_BUY || vote->action == TG_ACTION_SELL) &&
            place_prices(agent, run, view, &opinion, vote) != TG_E_OK)
            return fail(failure, TG_E_RANGE,
                        "trading_decision: voter %s finds no stop and target for %s at its last "
                        "price and range",
                        vote->voter, run->symbol);
    }
    return TG_E_OK;
}

/* ---- the signal --------------------------------------------------------------------------- */

/* Appends whole pieces only: a piece that does not fit is left out, and so is all after it. */
struct text {
    char *at;
    size_t left; /* with the NUL; 0: full */
};

__attribute__((format(printf, 2, 3))) static void append(struct text *text, const char *format, ...)
{
    va_list arguments;
    int length;

    if (text->left == 0)
        return;
    va_start(arguments, format);
    length = vsnprintf(text->at, text->left, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= text->left) {
        *text->at = '\0';
        text->left = 0;
        return;
    }
    text->at += length;
    text->left -= (size_t)length;
}

/* Who voted what: the winners with their reasons first, then the others, then who abstained. */
static void write_reasoning(const struct votes_rules *rules, const struct vote votes[VOTES_MAX],
                            const struct votes_result *result, char *reasoning, size_t size)
{
    struct text text = {reasoning, size};
    const char *separator = ": ";

    if (!result->has_quorum)
        append(&text, "HOLD: no quorum, %u of %u voters had their data, %u must",
               (unsigned)result->valid, (unsigned)result->asked, (unsigned)rules->quorum);
    else if (!result->has_majority)
        append(&text, "HOLD: no majority among %u votes", (unsigned)result->valid);
    else
        append(&text, "%s by %u of %u votes", votes_action_text(result->action),
               (unsigned)result->winner, (unsigned)result->valid);
    for (size_t n = 0; n < VOTES_MAX; n++) {
        if (!votes[n].valid || !result->has_majority || votes[n].action != result->action)
            continue;
        append(&text, "%s%s (%s)", separator, votes[n].voter, votes[n].why);
        separator = ", ";
    }
    for (size_t n = 0; n < VOTES_MAX; n++) {
        if (!votes[n].valid || (result->has_majority && votes[n].action == result->action))
            continue;
        append(&text, "%s%s %s", separator, votes[n].voter, votes_action_text(votes[n].action));
        separator = ", ";
    }
    for (size_t n = 0; n < VOTES_MAX; n++) {
        if (votes[n].valid)
            continue;
        append(&text, "%s%s without data", separator, votes[n].voter);
        separator = ", ";
    }
}

static void fill_signal(const struct trading_decision *agent, const struct tg_run *run,
                        const struct view *view, const struct vote votes[VOTES_MAX],
                        const struct votes_result *result, struct tg_trading_signals *signal)
{
    memset(signal, 0, sizeof(*signal));
    strncpy(signal->symbol, run->symbol, sizeof(signal->symbol) - 1);
    signal->action = result->action;
    signal->confidence = result->confidence;
    if (result->action == TG_ACTION_BUY || result->action == TG_ACTION_SELL) {
        int64_t leverage_max = 1;

        if (view->regime != NULL && TG_HAS(view->regime, REGIME_UPDATES, leverage_max))
            leverage_max = view->regime->leverage_max;
        signal->entry_price = run->snapshot->last_price;
        signal->stop_loss = result->stop_loss;
        signal->take_profit = result->take_profit;
        signal->leverage = agent->leverage < leverage_max ? agent->leverage : leverage_max;
        signal->present |= TG_BIT(TRADING_SIGNALS, entry_price) |
                           TG_BIT(TRADING_SIGNALS, stop_loss) |
                           TG_BIT(TRADING_SIGNALS, take_profit) | TG_BIT(TRADING_SIGNALS, leverage);
    }
    signal->voters = TG_VOTERS_RULES;
    signal->votes_valid = result->valid;
    signal->votes_winner = result->winner;
    write_reasoning(&agent->rules, votes, result, signal->reasoning, sizeof(signal->reasoning));
    votes_write_json(votes, VOTES_MAX, signal->votes, sizeof(signal->votes));
    signal->present |= TG_BIT(TRADING_SIGNALS, voters) | TG_BIT(TRADING_SIGNALS, votes_valid) |
                       TG_BIT(TRADING_SIGNALS, votes_winner) | TG_BIT(TRADING_SIGNALS, reasoning) |
                       TG_BIT(TRADING_SIGNALS, votes);
}

static int32_t run_symbol(void *instance, const struct tg_run *run, struct tg_failure *failure)
{
    const struct trading_decision *agent = instance;
    const struct tg_host *host = agent->host;
    struct tg_trading_signals signal;
    struct vote votes[VOTES_MAX];
    struct votes_result result;
    struct view view;
    const char *not_finite;
    int32_t code;

    if (run->snapshot == NULL)
        return fail(failure, TG_E_STATE, "trading_decision: there is no snapshot of %s",
                    run->symbol);
    if (run->snapshot->last_price.units <= 0)
        return fail(failure, TG_E_INVALID,
                    "trading_decision: the last price of %s is not above zero", run->symbol);
    look(agent, run, &view);
    not_finite = voters_find_not_finite(view.series->indicators);
    if (not_finite != NULL)
        return fail(failure, TG_E_INVALID, "trading_decision: %s of %s is not a finite number",
                    not_finite, run->symbol);
    code = ask_voters(agent, run, &view, votes, failure);
    if (code != TG_E_OK)
        return code;
    votes_count(&agent->rules, votes, VOTES_MAX, &result);
    fill_signal(agent, run, &view, votes, &result, &signal);
    return host->publish(host->context, TG_TOPIC_TRADING_SIGNALS, TG_PRIORITY_NORMAL, &signal,
                         (uint32_t)sizeof(signal), failure);
}

static const char *const publishes[] = {"trading_signals", NULL};
static const char *const reads[] = {"ta_signals", "regime_updates", "sentiment_updates", NULL};

const struct tg_plugin triplegain_plugin_1 = {
    .magic = TG_ABI_MAGIC,
    .size = sizeof(struct tg_plugin),
    .major = TG_ABI_MAJOR,
    .minor = TG_ABI_MINOR,
    .fingerprint = TG_ABI_FINGERPRINT,
    .name = "trading_decision",
    .version = "0.1.0",
    .description = "six rule voters to one trading signal with stop and take-profit",
    .kind = TG_KIND_AGENT,
    .capabilities = TG_CAPABILITY_CORE_SAFE,
    .publishes = publishes,
    .reads = reads,
    .config_keys = config_keys,
    .config_key_count = KEY_COUNT,
    .create = create,
    .destroy = destroy,
    .run = run_symbol,
};
