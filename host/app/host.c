/*
 * Building the host and taking it down.
 *
 * Order: rooms (bus, market, store, policies, trade, coordinator), plugin files, symbols with their
 * feeds, venue, agents, tasks. Taking down is the reverse. Plugins stop before the rooms they talk
 * to are gone.
 */
#include "host.h"

#include "base/check.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_MAX 64u
#define TEXT_SIZE    512u

#define PORTFOLIO_TTL_SECONDS 86400u

/* ---- settings of plugins ---- */

struct setting_list {
    struct plugin_setting items[SETTINGS_MAX];
    size_t count;
    bool too_many;
};

static void add_setting(void *context, const char *key, const char *text, const char *where)
{
    struct setting_list *list = context;
    if (list->count == SETTINGS_MAX)
        list->too_many = true;
    else
        list->items[list->count++] =
            (struct plugin_setting){.key = key, .text = text, .where = where};
}

static int create_instance(struct host *host, const struct plugin_instance_options *options,
                           const char *settings_path, struct plugin_instance **instance,
                           struct tg_error *error)
{
    struct setting_list list = {.count = 0};
    struct plugin_instance_options with_settings = *options;
    if (settings_path != NULL)
        conf_subtree_each(host->options.conf, settings_path, add_setting, &list);
    if (list.too_many)
        return TG_FAIL(error, RANGE, "%s: more than %u settings", settings_path, SETTINGS_MAX);
    if (settings_path != NULL) {
        with_settings.settings = list.items;
        with_settings.setting_count = list.count;
    }
    return plugin_instance_create(host->plugins, &with_settings, instance, error);
}

/*
 * An instance is refused under the name that its messages would carry; a person knows it by what
 * the configuration or the command line calls it, and where that stands ("default": nowhere).
 */
static int name_refusal(struct tg_error *error, int code, const char *name, const char *title,
                        const char *where)
{
    char message[TG_ERROR_MESSAGE_SIZE];
    size_t end = 0;
    const char *found = strstr(error->message, name);
    bool named = found != NULL && strncmp(found + strlen(name), ": ", 2) == 0;
    const char *rest = named ? found + strlen(name) + 2 : error->message;
    if (named &&
        found != error->message) /* a setting, refused with its own place before the name */
        (void)tg_text_append(message, sizeof(message), &end, "%.*s", (int)(found - error->message),
                             error->message);
    else if (!tg_text_equal(where, "default"))
        (void)tg_text_append(message, sizeof(message), &end, "%s: ", where);
    (void)tg_text_append(message, sizeof(message), &end, "%s: ", title);
    (void)snprintf(message + end, sizeof(message) - end, "%s", rest);
    memcpy(error->message, message, sizeof(message));
    return code;
}

/* ---- files ---- */

static int scan_folders(struct host *host, struct tg_error *error)
{
    const struct conf *conf = host->options.conf;
    char path[HOST_PATH_SIZE];
    (void)snprintf(path, sizeof(path), "%s/plugins", host->options.program_folder);
    int code = plugin_scan(host->plugins, path, error);
    for (size_t i = 0; code == 0 && i < conf_list_count(conf, "plugins.folders"); i++) {
        const char *folder = conf_list_at(conf, "plugins.folders", i);
        bool absolute = folder[0] == '/';
        (void)snprintf(path, sizeof(path), "%s%s%s", absolute ? "" : conf_folder(conf),
                       absolute ? "" : "/", folder);
        code = plugin_scan(host->plugins, path, error);
        if (code != 0)
            tg_error_prefix(error, "%s: plugins.folders: ", conf_where(conf, "plugins.folders"));
    }
    return code;
}

int host__create_plugins(struct host *host, struct tg_error *error)
{
    const struct conf *conf = host->options.conf;
    const char *core_safe[PLUGIN_FILES_MAX];
    size_t count = conf_list_count(conf, "plugins.core_safe");
    if (count > PLUGIN_FILES_MAX)
        return TG_FAIL(error, RANGE, "%s: plugins.core_safe: more than %u names",
                       conf_where(conf, "plugins.core_safe"), PLUGIN_FILES_MAX);
    for (size_t i = 0; i < count; i++)
        core_safe[i] = conf_list_at(conf, "plugins.core_safe", i);
    int64_t lanes =
        host->options.lanes >= 0 ? host->options.lanes : conf_whole(conf, "plugins.lanes");
    struct plugin_host_options options = {.bus = host->bus,
                                          .log = host->options.log,
                                          .clock = host->options.clock,
                                          .real_clock = host->options.real_clock,
                                          .seed = host->options.seed,
                                          .lanes = (uint32_t)lanes,
                                          .core_safe = core_safe,
                                          .core_safe_count = count};
    int code = plugin_host_create(&options, &host->plugins, error);
    if (code == 0)
        code = scan_folders(host, error);
    for (size_t i = 0; code == 0 && i < plugin_file_count(host->plugins); i++) {
        const struct plugin_file *file = plugin_file_at(host->plugins, i);
        if (file->descriptor == NULL)
            OBS_WARNING(host->options.log, "plugin", "%s", file->refusal);
    }
    return code;
}

/* ---- symbols and feeds ---- */

static void source_name(const char *symbol, char name[TG_SOURCE_SIZE])
{
    size_t length = (size_t)snprintf(name, TG_SOURCE_SIZE, "feed_");
    for (; *symbol != '\0' && length + 1 < TG_SOURCE_SIZE; symbol++) {
        char letter = *symbol;
        if (letter >= 'A' && letter <= 'Z')
            letter = (char)(letter - 'A' + 'a');
        bool plain = (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
        name[length++] = plain ? letter : '_';
    }
    name[length] = '\0';
}

static int create_feed(struct host *host, struct host_symbol *symbol, const struct host_bars *bars,
                       struct tg_error *error)
{
    const struct conf *conf = host->options.conf;
    struct host_feed *feed = &symbol->feed;
    char name[TG_SOURCE_SIZE];
    char path[TEXT_SIZE];
    char title[TEXT_SIZE];
    struct plugin_setting setting = {.key = "path", .where = "command line"};
    struct plugin_instance_options options = {
        .name = name, .kind = TG_KIND_FEED, .symbol = symbol->name, .lane = PLUGIN_LANE_CORE};
    int code;
    source_name(symbol->name, name);
    (void)snprintf(title, sizeof(title), "%s%s", bars != NULL ? "--bars " : "feeds.", symbol->name);
    if (bars != NULL) {
        setting.text = bars->path;
        options.plugin = "csv";
        options.folder = ".";
        options.settings = &setting;
        options.setting_count = 1;
        code = create_instance(host, &options, NULL, &feed->instance, error);
    } else {
        (void)snprintf(path, sizeof(path), "feeds.%s.plugin", symbol->name);
        options.plugin = conf_text(conf, path);
        options.folder = conf_folder(conf);
        (void)snprintf(path, sizeof(path), "feeds.%s.config", symbol->name);
        code = create_instance(host, &options, path, &feed->instance, error);
    }
    feed->info.size = sizeof(feed->info);
    if (code == 0)
        code = plugin_feed_describe(feed->instance, &feed->info, error);
    if (code == 0 && feed->info.timeframe >= TG_TIMEFRAME_COUNT)
        code = TG_FAIL(error, RANGE, "%s: the feed names no timeframe", name);
    if (code != 0) {
        (void)snprintf(path, sizeof(path), "feeds.%s.plugin", symbol->name);
        const char *where = bars != NULL ? "default" : conf_where(conf, path);
        return TG_PASS(error, name_refusal(error, code, name, title, where));
    }
    feed->source = bus_source(host->bus, name, error);
    symbol->timeframe = feed->info.timeframe;
    symbol->timeframe_ns = market_timeframe_ns(symbol->timeframe);
    return feed->source != 0 ? 0 : TG_E_FULL;
}

static int refuse_symbol(const struct host *host, const char *name, const char *where,
                         struct tg_error *error)
{
    char known[TEXT_SIZE];
    size_t length = 0;
    const char *symbol;
    known[0] = '\0';
    for (size_t i = 0; (symbol = conf_name_at(host->options.conf, "symbols", i)) != NULL; i++)
        (void)tg_text_append(known, sizeof(known), &length, "%s%s", i > 0 ? ", " : "", symbol);
    return TG_FAIL(error, NOT_FOUND, "%s: there is no symbol %s under `symbols:`; known are %s",
                   where, name, known);
}

static bool is_configured(const struct conf *conf, const char *name)
{
    const char *symbol;
    for (size_t i = 0; (symbol = conf_name_at(conf, "symbols", i)) != NULL; i++)
        if (tg_text_equal(symbol, name))
            return true;
    return false;
}

static int add_symbol(struct host *host, const char *name, const struct host_bars *bars,
                      struct tg_error *error)
{
    const struct conf *conf = host->options.conf;
    struct host_symbol *symbol = &host->symbols[host->symbol_count];
    struct trade_symbol_options options = {.price_places = 0};
    char path[TEXT_SIZE];
    if (host->symbol_count == HOST_SYMBOLS_MAX)
        return TG_FAIL(error, FULL, "more than %u symbols", HOST_SYMBOLS_MAX);
    if (!is_configured(conf, name)) {
        (void)snprintf(path, sizeof(path), "feeds.%s.plugin", name);
        return refuse_symbol(host, name, bars != NULL ? "--bars" : conf_where(conf, path), error);
    }
    if (!tg_text_copy(symbol->name, sizeof(symbol->name), name) ||
        !tg_text_copy(options.name, sizeof(options.name), name))
        return TG_FAIL(error, INVALID, "symbols.%.64s: a symbol has at most %u letters", name,
                       TG_SYMBOL_SIZE - 1);
    (void)snprintf(path, sizeof(path), "symbols.%s.size_min", name);
    options.size_min = conf_decimal(conf, path);
    (void)snprintf(path, sizeof(path), "symbols.%s.price_places", name);
    options.price_places = (unsigned)conf_whole(conf, path);
    (void)snprintf(path, sizeof(path), "symbols.%s.size_places", name);
    options.size_places = (unsigned)conf_whole(conf, path);
    int code = create_feed(host, symbol, bars, error);
    if (code == 0)
        code = market_symbol_add(host->market, name, symbol->timeframe, &symbol->market, error);
    if (code == 0)
        code = trade_symbol_add(host->trade, &options, &symbol->trade, error);
    if (code != 0)
        return TG_PASS(error, code);
    TG_BUG_IF(symbol->market != host->symbol_count);
    host->symbol_count++;
    return 0;
}

int host__create_symbols(struct host *host, struct tg_error *error)
{
    const char *name;
    int code = 0;
    host->symbols = calloc(HOST_SYMBOLS_MAX, sizeof(*host->symbols));
    if (host->symbols == NULL)
        return TG_FAIL(error, NO_MEMORY, "out of memory for symbols");
    for (size_t i = 0; code == 0 && i < host->options.bars_count; i++)
        code = add_symbol(host, host->options.bars[i].symbol, &host->options.bars[i], error);
    for (size_t i = 0; code == 0 && host->options.bars_count == 0 &&
                       (name = conf_name_at(host->options.conf, "feeds", i)) != NULL;
         i++)
        code = add_symbol(host, name, NULL, error);
    if (code == 0 && host->symbol_count == 0)
        return TG_FAIL(error, INVALID,
                       "there is nothing to trade: name a feed under `feeds:` or with --bars");
    return code;
}

/* ---- venue and agents ---- */

static int create_venue(struct host *host, struct tg_error *error)
{
    const struct conf *conf = host->options.conf;
    struct plugin_instance *instance = NULL;
    struct plugin_instance_options options = {.name = "venue",
                                              .plugin = conf_text(conf, "venue.plugin"),
                                              .kind = TG_KIND_VENUE,
                                              .folder = conf_folder(conf),
                                              .lane = PLUGIN_LANE_CORE};
    int code = create_instance(host, &options, "venue.config", &instance, error);
    if (code != 0)
        return name_refusal(error, code, "venue", "venue", conf_where(conf, "venue.plugin"));
    host->venue = plugin_venue(instance);
    return 0;
}

static enum plugin_lane read_lane(const char *word)
{
    if (tg_text_equal(word, "core"))
        return PLUGIN_LANE_CORE;
    return tg_text_equal(word, "thread") ? PLUGIN_LANE_THREAD : PLUGIN_LANE_AUTO;
}

const struct plugin_file *host__agent_refused(const struct host *host, const char *agent)
{
    const struct conf *conf = host->options.conf;
    const char *name;
    char path[TEXT_SIZE];
    for (size_t i = 0; (name = conf_name_at(conf, "agents", i)) != NULL; i++) {
        if (!tg_text_equal(name, agent))
            continue;
        (void)snprintf(path, sizeof(path), "agents.%s.enabled", name);
        if (!conf_flag(conf, path))
            return NULL;
        (void)snprintf(path, sizeof(path), "agents.%s.plugin", name);
        return plugin_find_refused(host->plugins, conf_text(conf, path));
    }
    return NULL;
}

/* An agent speaks under its name: it must not be that of a part of the house. */
static int check_agent_name(const char *name, struct tg_error *error)
{
    static const char *const taken[] = {"coordinator", "market", "trade"};
    for (size_t i = 0; i < TG_ARRAY_LENGTH(taken); i++)
        if (tg_text_equal(name, taken[i]))
            return TG_FAIL(error, EXISTS, "the name is taken by the host itself");
    return 0;
}

static int create_agent(struct host *host, const char *name, struct tg_error *error)
{
    const struct conf *conf = host->options.conf;
    struct plugin_instance *instance = NULL;
    struct plugin_instance_options options = {
        .name = name, .kind = TG_KIND_AGENT, .folder = conf_folder(conf)};
    char path[TEXT_SIZE];
    (void)snprintf(path, sizeof(path), "agents.%s.plugin", name);
    options.plugin = conf_text(conf, path);
    (void)snprintf(path, sizeof(path), "agents.%s.lane", name);
    options.lane = read_lane(conf_text(conf, path));
    (void)snprintf(path, sizeof(path), "agents.%s.config", name);
    int code = check_agent_name(name, error);
    return code != 0 ? code : create_instance(host, &options, path, &instance, error);
}

/* An agent whose plugin file was refused is left out, with its tasks; the rest goes on. */
static int create_agents(struct host *host, struct tg_error *error)
{
    const struct conf *conf = host->options.conf;
    const char *name;
    char path[TEXT_SIZE];
    int code = 0;
    for (size_t i = 0; code == 0 && (name = conf_name_at(conf, "agents", i)) != NULL; i++) {
        (void)snprintf(path, sizeof(path), "agents.%s.enabled", name);
        if (!conf_flag(conf, path))
            continue;
        const struct plugin_file *refused = host__agent_refused(host, name);
        if (refused != NULL) {
            OBS_ERROR(host->options.log, "app",
                      "agent %s is left out, with its tasks: its plugin was refused: %s", name,
                      refused->refusal);
            continue;
        }
        code = create_agent(host, name, error);
        if (code != 0) {
            char title[TEXT_SIZE];
            (void)snprintf(title, sizeof(title), "agents.%s", name);
            (void)snprintf(path, sizeof(path), "agents.%s.plugin", name);
            code = name_refusal(error, code, name, title, conf_where(conf, path));
        }
    }
    return code;
}

/*
 * A signal carries the slot of the run that made it, or the moment where no run did: (agent,
 * symbol, slot) makes one decision. So does what is said of the portfolio, which is kept as long as
 * a message can be: it tells the agent that said it when it last rebalanced.
 */
static void stamp(void *context, const struct plugin_instance *instance, uint64_t number,
                  struct bus_draft *draft, void *payload)
{
    const struct host *host = context;
    (void)instance;
    if (draft->topic != TG_TOPIC_TRADING_SIGNALS && draft->topic != TG_TOPIC_PORTFOLIO_UPDATES)
        return;
    int64_t slot = number != 0 ? host->runs[number % PLUGIN_CALLS_WAITING_MAX].slot
                               : tg_clock_utc(&host->options.clock);
    if (draft->topic == TG_TOPIC_PORTFOLIO_UPDATES) {
        struct tg_portfolio_updates *update = payload;
        update->slot = slot;
        TG_SET(update, PORTFOLIO_UPDATES, slot);
        draft->ttl_seconds = PORTFOLIO_TTL_SECONDS;
        return;
    }
    struct tg_trading_signals *signal = payload;
    signal->slot = slot;
    TG_SET(signal, TRADING_SIGNALS, slot);
    draft->priority = TG_PRIORITY_HIGH;
}

/* ---- life ---- */

int host_create(const struct host_options *options, struct host **result, struct tg_error *error)
{
    struct host *host = calloc(1, sizeof(*host));
    if (host == NULL)
        return TG_FAIL(error, NO_MEMORY, "out of memory for the host");
    host->options = *options;
    int code = host__create_rooms(host, error);
    if (code == 0)
        code = host__create_plugins(host, error);
    if (code == 0)
        code = host__create_symbols(host, error);
    if (code == 0)
        code = create_venue(host, error);
    if (code == 0)
        code = create_agents(host, error);
    if (code == 0)
        code = host__create_tasks(host, error);
    if (code != 0) {
        host_destroy(host);
        return TG_PASS(error, code);
    }
    plugin_set_stamp(host->plugins, stamp, host);
    *result = host;
    return 0;
}

static bool has_agent(void *context, uint32_t task)
{
    const struct host *host = context;
    return host->agents[task] != NULL;
}

int host_start(struct host *host, int64_t utc, struct tg_error *error)
{
    trade_advance(host->trade, utc);
    int code = sched_start(host->sched, utc, tg_clock_monotonic(&host->options.clock), error);
    if (code == 0)
        coord_set_schedule(host->coord, &(struct coord_schedule){host->sched, has_agent, host});
    return code;
}

void host_destroy(struct host *host)
{
    if (host == NULL)
        return;
    sched_destroy(host->sched);
    plugin_host_destroy(host->plugins);
    coord_destroy(host->coord);
    trade_destroy(host->trade);
    policy_destroy(host->policy);
    store_destroy(host->store);
    market_destroy(host->market);
    bus_destroy(host->bus);
    free(host->symbols);
    free(host);
}
