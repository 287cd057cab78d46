/*
 * scripted: an agent that says what its configuration tells it to say, minute by minute.
 *
 *   script: "00:10 BUY stop=1 target=2 size=500; 00:20 CLOSE_LONG; 00:30 TA_LONG"
 *
 * A line is a time of day (the slot's), a word and settings. Lines of one slot are published in
 * their order. Prices come from the last close: stop and target are distances in % of it, on the
 * side that the action needs.
 *
 *   words     BUY, SELL, HOLD, CLOSE_LONG, CLOSE_SHORT; TA_LONG, TA_SHORT publish ta_signals
 *   settings  confidence (0.99; nan), stop (1), target (2), size, leverage (1), symbol (the run's),
 *             entry (none: leaves the entry price out); stop=none and target=none leave them out
 *
 * Whatever the host refuses makes the run fail with the host's sentence.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <triplegain/triplegain.h>

#define MINUTE_NS   INT64_C(60000000000)
#define DAY_MINUTES 1440

struct scripted {
    const struct tg_host *host;
    char *script;
};

struct line {
    char word[16], symbol[TG_SYMBOL_SIZE];
    double confidence, stop_pct, target_pct, size;
    int64_t leverage;
    bool has_entry, has_stop, has_target;
};

static int32_t refuse(struct tg_failure *failure, const char *text)
{
    failure->code = TG_E_INVALID;
    (void)snprintf(failure->message, sizeof(failure->message), "scripted: %.200s", text);
    return TG_E_INVALID;
}

static bool read_setting(struct line *line, const char *text)
{
    const char *equals = strchr(text, '=');
    bool none = equals != NULL && strcmp(equals + 1, "none") == 0;
    if (equals == NULL)
        return false;
    size_t length = (size_t)(equals - text);
    double number = strtod(equals + 1, NULL);
    if (strncmp(text, "confidence", length) == 0)
        line->confidence = number;
    else if (strncmp(text, "stop", length) == 0 && none)
        line->has_stop = false;
    else if (strncmp(text, "stop", length) == 0)
        line->stop_pct = number;
    else if (strncmp(text, "target", length) == 0 && none)
        line->has_target = false;
    else if (strncmp(text, "target", length) == 0)
        line->target_pct = number;
    else if (strncmp(text, "size", length) == 0)
        line->size = number;
    else if (strncmp(text, "leverage", length) == 0)
        line->leverage = (int64_t)number;
    else if (strncmp(text, "entry", length) == 0)
        line->has_entry = !none;
    else if (strncmp(text, "symbol", length) == 0)
        (void)snprintf(line->symbol, sizeof(line->symbol), "%s", equals + 1);
    else
        return false;
    return true;
}

/* Reads one line, without its time; changes the text. */
static bool read_line(struct line *line, char *text, const char *symbol)
{
    text += strspn(text, " ");
    const char *word = strsep(&text, " ");
    *line = (struct line){.confidence = 0.99,
                          .stop_pct = 1.0,
                          .target_pct = 2.0,
                          .leverage = 1,
                          .has_entry = true,
                          .has_stop = true,
                          .has_target = true};
    if (word == NULL || word[0] == '\0')
        return false;
    (void)snprintf(line->word, sizeof(line->word), "%s", word);
    (void)snprintf(line->symbol, sizeof(line->symbol), "%s", symbol);
    while ((word = strsep(&text, " ")) != NULL)
        if (word[0] != '\0' && !read_setting(line, word))
            return false;
    return true;
}

static struct tg_decimal price_at(const struct tg_run *run, double pct)
{
    double units = (double)run->snapshot->last_price.units * (1.0 + pct / 100.0);
    return (struct tg_decimal){llround(units / 1e6) * INT64_C(1000000)}; /* two places */
}

static int32_t publish_reading(const struct scripted *scripted, const struct line *line,
                               struct tg_failure *failure)
{
    bool bullish = strcmp(line->word, "TA_LONG") == 0;
    struct tg_ta_signals reading = {.trend_direction =
                                        bullish ? TG_TREND_BULLISH : TG_TREND_BEARISH,
                                    .trend_strength = 0.5,
                                    .momentum_score = bullish ? 0.5 : -0.5,
                                    .bias = bullish ? TG_BIAS_LONG : TG_BIAS_SHORT,
                                    .confidence = line->confidence};
    memcpy(reading.symbol, line->symbol, sizeof(reading.symbol));
    return scripted->host->publish(scripted->host->context, TG_TOPIC_TA_SIGNALS, TG_PRIORITY_NORMAL,
                                   &reading, sizeof(reading), failure);
}

static int32_t publish_signal(const struct scripted *scripted, const struct tg_run *run,
                              const struct line *line, struct tg_failure *failure)
{
    static const char *const words[] = {"BUY", "SELL", "HOLD", "CLOSE_LONG", "CLOSE_SHORT"};
    struct tg_trading_signals signal = {.confidence = line->confidence};
    uint8_t action = 0;
    while (action < TG_ACTION_COUNT && strcmp(words[action], line->word) != 0)
        action++;
    if (action == TG_ACTION_COUNT)
        return refuse(failure, line->word);
    double up = action == TG_ACTION_SELL ? -1.0 : 1.0;
    signal.action = action;
    memcpy(signal.symbol, line->symbol, sizeof(signal.symbol));
    if (action == TG_ACTION_BUY || action == TG_ACTION_SELL) {
        signal.entry_price = price_at(run, 0.0);
        signal.stop_loss = price_at(run, -up * line->stop_pct);
        signal.take_profit = price_at(run, up * line->target_pct);
        signal.leverage = line->leverage;
        signal.size_usd.units = llround(line->size * (double)TG_DECIMAL_ONE);
        TG_SET(&signal, TRADING_SIGNALS, leverage);
        if (line->has_entry)
            TG_SET(&signal, TRADING_SIGNALS, entry_price);
        if (line->has_stop)
            TG_SET(&signal, TRADING_SIGNALS, stop_loss);
        if (line->has_target)
            TG_SET(&signal, TRADING_SIGNALS, take_profit);
        if (line->size > 0.0)
            TG_SET(&signal, TRADING_SIGNALS, size_usd);
    }
    return scripted->host->publish(scripted->host->context, TG_TOPIC_TRADING_SIGNALS,
                                   TG_PRIORITY_NORMAL, &signal, sizeof(signal), failure);
}

static int32_t run_symbol(void *instance, const struct tg_run *run, struct tg_failure *failure)
{
    const struct scripted *scripted = instance;
    int64_t minute = run->slot / MINUTE_NS % DAY_MINUTES;
    char *script = strdup(scripted->script);
    char *rest = script;
    char *text;
    char due[8];
    int32_t code = 0;
    if (script == NULL)
        return refuse(failure, "out of memory");
    (void)snprintf(due, sizeof(due), "%02d:%02d", (int)(minute / 60), (int)(minute % 60));
    while (code == 0 && (text = strsep(&rest, ";")) != NULL) {
        struct line line;
        text += strspn(text, " ");
        if (strncmp(text, due, 5) != 0)
            continue;
        if (!read_line(&line, text + 5, run->symbol))
            code = refuse(failure, "a line of the script cannot be read");
        else if (strncmp(line.word, "TA_", 3) == 0)
            code = publish_reading(scripted, &line, failure);
        else
            code = publish_signal(scripted, run, &line, failure);
    }
    free(script);
    return code;
}

static int32_t create(const struct tg_host *host, const struct tg_config *config, void **instance,
                      struct tg_failure *failure)
{
    struct scripted *scripted = calloc(1, sizeof(*scripted));
    if (scripted != NULL)
        scripted->script = strdup(config->values[0].text);
    if (scripted == NULL || scripted->script == NULL) {
        free(scripted);
        return refuse(failure, "out of memory");
    }
    scripted->host = host;
    *instance = scripted;
    return 0;
}

static void destroy(void *instance)
{
    struct scripted *scripted = instance;
    free(scripted->script);
    free(scripted);
}

static const struct tg_config_key config_keys[] = {{.name = "script",
                                                    .type = TG_CONFIG_TEXT,
                                                    .required = 1,
                                                    .description = "what to say, and when"}};
static const char *const publishes[] = {"trading_signals", "ta_signals", NULL};

const struct tg_plugin triplegain_plugin_1 = {
    .magic = TG_ABI_MAGIC,
    .size = sizeof(struct tg_plugin),
    .major = TG_ABI_MAJOR,
    .minor = TG_ABI_MINOR,
    .fingerprint = TG_ABI_FINGERPRINT,
    .name = "scripted",
    .version = "1.0.0",
    .description = "says what it is told to say",
    .kind = TG_KIND_AGENT,
    .publishes = publishes,
    .config_keys = config_keys,
    .config_key_count = 1,
    .create = create,
    .destroy = destroy,
    .run = run_symbol,
};
