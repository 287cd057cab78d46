/*
 * Replay: the same host on a virtual clock, as fast as the machine goes.
 *
 * Time jumps from one moment to the next at which something happens: a bar closes, a slot is due,
 * a period ends. At each moment: clock, periods, bars, fills, marks, runs, decisions, orders. Bars
 * of several feeds that close at the same moment are taken in the order of the symbols.
 *
 * The loop gives the moments out in batches, so that an interrupt and the progress line are served
 * while it runs; an interrupted replay ends with the result so far, and says so.
 */
#include "replay.h"

#include "base/check.h"
#include "base/text.h"
#include "base/uuid.h"
#include "host.h"
#include "loop/loop.h"
#include "progress.h"
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOMENTS_A_TURN 1024u
#define BARS_MAX       HOST_SYMBOLS_MAX
#define SETS_MAX       64u
#define PROGRESS_MS    100u

struct replay {
    struct tg_virtual_clock clock;
    struct host *host;
    struct report report;
    struct loop *loop;
    struct tg_error error;
    int code;
    struct progress progress;
    bool interrupted;
};

/* The close time of the next bar of any feed; INT64_MAX: all have ended. */
static int next_bar_time(struct replay *replay, int64_t *next)
{
    *next = INT64_MAX;
    for (uint32_t i = 0; i < replay->host->symbol_count; i++) {
        const struct tg_bar *bar;
        int code = host_feed_peek(replay->host, i, &bar, &replay->error);
        if (code != 0)
            return code;
        if (bar == NULL)
            continue;
        int64_t closes = bar->open_time + replay->host->symbols[i].timeframe_ns;
        if (closes < *next)
            *next = closes;
    }
    return 0;
}

/* Bars that close by now; a bar that comes late in its file is judged by the market as such. */
static int take_bars(struct replay *replay, int64_t now)
{
    for (uint32_t i = 0; i < replay->host->symbol_count; i++) {
        const struct tg_bar *bar;
        int code;
        while ((code = host_feed_peek(replay->host, i, &bar, &replay->error)) == 0 && bar != NULL &&
               bar->open_time + replay->host->symbols[i].timeframe_ns <= now) {
            (void)host_bar(replay->host, i, bar);
            replay->host->symbols[i].feed.next++;
        }
        if (code != 0)
            return code;
    }
    return 0;
}

static int start(struct replay *replay)
{
    int64_t first;
    int code = next_bar_time(replay, &first);
    if (code != 0)
        return code;
    if (first == INT64_MAX)
        return TG_FAIL(&replay->error, INVALID, "the feeds have no usable bar");
    for (uint32_t i = 0; i < replay->host->symbol_count; i++) {
        const struct tg_bar *bar;
        code = host_feed_peek(replay->host, i, &bar, &replay->error);
        if (code == 0 && bar != NULL && bar->open_time < first)
            first = bar->open_time;
    }
    replay->progress.first = first;
    replay->clock.now_ns = first;
    report_begin(&replay->report, replay->host, first);
    return host_start(replay->host, first, &replay->error);
}

/* One moment. False: the feeds have ended. */
static bool moment(struct replay *replay)
{
    int64_t bar_time;
    replay->code = next_bar_time(replay, &bar_time);
    if (replay->code != 0 || bar_time == INT64_MAX)
        return false;
    int64_t due = host_next_time(replay->host);
    int64_t now = due < bar_time ? due : bar_time;
    if (now > replay->clock.now_ns)
        replay->clock.now_ns = now;
    host_advance(replay->host);
    if (bar_time <= replay->clock.now_ns)
        replay->code = take_bars(replay, replay->clock.now_ns);
    host_close_bars(replay->host);
    host_settle(replay->host);
    host_run_due(replay->host);
    report_moment(&replay->report, replay->clock.now_ns);
    return replay->code == 0;
}

static bool step(void *context)
{
    struct replay *replay = context;
    for (uint32_t i = 0; i < MOMENTS_A_TURN; i++)
        if (!moment(replay)) {
            loop_stop(replay->loop);
            return false;
        }
    return true;
}

static void signalled(void *context, int signal_number)
{
    struct replay *replay = context;
    (void)signal_number;
    replay->interrupted = true;
    loop_stop(replay->loop);
}

static void show_progress(void *context)
{
    struct replay *replay = context;
    progress_show(&replay->progress, replay->clock.now_ns, replay->host->bars_used);
}

/* A line of the log takes the place of the progress line, which is drawn again below it. */
static void write_log(void *context, int level, const char *line, size_t length)
{
    struct replay *replay = context;
    progress_clear(&replay->progress);
    obs_log_stderr(NULL, level, line, length);
}

static void find_end(struct replay *replay)
{
    for (uint32_t i = 0; i < replay->host->symbol_count; i++) {
        const struct host_symbol *symbol = &replay->host->symbols[i];
        int64_t end = symbol->feed.info.last_open_time + symbol->timeframe_ns;
        if (symbol->feed.info.last_open_time > 0 && end > replay->progress.last)
            replay->progress.last = end;
    }
}

static int run(struct replay *replay, struct obs_log *log)
{
    struct loop_options options = {.log = log,
                                   .turn_limit_ns = INT64_MAX,
                                   .step = step,
                                   .signalled = signalled,
                                   .tick = replay->progress.wanted ? show_progress : NULL,
                                   .tick_ms = PROGRESS_MS,
                                   .context = replay};
    int code = start(replay);
    if (code != 0)
        return code;
    find_end(replay);
    code = loop_create(&options, &replay->loop, &replay->error);
    if (code != 0)
        return code;
    replay->progress.real_start = tg_clock_monotonic(&replay->progress.real_clock);
    code = loop_run(replay->loop, &replay->error);
    loop_destroy(replay->loop);
    progress_clear(&replay->progress);
    replay->report.interrupted = replay->interrupted;
    report_end(&replay->report, replay->clock.now_ns);
    return code != 0 ? code : replay->code;
}

/* ---- the command ---- */

struct replay_arguments {
    const char *config, *decisions, *seed, *lanes, *explain;
    const char *bars[BARS_MAX];
    const char *sets[SETS_MAX];
    struct host_bars parsed[BARS_MAX];
    size_t bars_count, sets_count;
    int64_t lanes_number, seed_number;
    bool json;
};

static int parse_bars(struct replay_arguments *given, struct tg_error *error)
{
    for (size_t i = 0; i < given->bars_count; i++) {
        const char *equals = strchr(given->bars[i], '=');
        struct host_bars *bars = &given->parsed[i];
        if (equals == NULL || equals == given->bars[i] || equals[1] == '\0' ||
            !tg_text_copy_slice(bars->symbol, sizeof(bars->symbol), given->bars[i],
                                (size_t)(equals - given->bars[i])))
            return TG_FAIL(error, INVALID, "--bars %.100s: needs SYMBOL=FILE, as BTC/USDT=bars.csv",
                           given->bars[i]);
        bars->path = equals + 1;
        for (size_t k = 0; k < i; k++)
            if (tg_text_equal(given->parsed[k].symbol, bars->symbol))
                return TG_FAIL(error, INVALID, "--bars: %s is given twice", bars->symbol);
    }
    return 0;
}

static int parse_whole(const char *option, const char *text, int64_t minimum, int64_t maximum,
                       int64_t *value, struct tg_error *error)
{
    long long number;
    if (text == NULL)
        return 0;
    if (tg_text_to_whole(text, strlen(text), &number) != 0 || number < minimum || number > maximum)
        return TG_FAIL(error, INVALID,
                       "--%s %.40s: must be a whole number from %" PRId64 " to %" PRId64, option,
                       text, minimum, maximum);
    *value = number;
    return 0;
}

/* --explain is an id or `executed`, and writes for people. */
static int check_explain(const struct replay_arguments *given, struct tg_error *error)
{
    struct tg_uuid id;
    if (given->explain == NULL)
        return 0;
    if (!tg_text_equal(given->explain, "executed") &&
        tg_uuid_parse(given->explain, strlen(given->explain), &id) != 0)
        return TG_FAIL(error, INVALID,
                       "--explain %.64s: must be `executed` or the id of a signal, an order or a "
                       "position",
                       given->explain);
    if (given->json)
        return TG_FAIL(error, INVALID,
                       "--explain is text and does not go with --json; write --decisions FILE and "
                       "use triplegain explain ID --json");
    return 0;
}

static const char help[] =
    "  The bus, schedule, agents, policies and paper venue are those of a live run, but\n"
    "  time is virtual: as fast as the machine goes, and the same input with the same\n"
    "  seed gives the same result. Ctrl-C ends with the result so far.\n\n"
    "  A file of bars is CSV, one bar a row: a header that names time, open, high, low,\n"
    "  close and volume, or without a header in that order, as Kraken's download has "
    "it.\n\n"
    "Examples:\n"
    "  triplegain replay\n"
    "  triplegain replay --bars BTC/USDT=january.csv --decisions january.jsonl\n"
    "  triplegain replay --set risk.limits.leverage_max=2 --explain executed\n";

static int read_arguments(const struct control_context *context, struct replay_arguments *given,
                          struct tg_error *error)
{
    struct control_option options[] = {
        {.name = "config",
         .value = "FILE",
         .meaning = "the configuration; default config/demo.yaml",
         .values = &given->config},
        {.name = "bars",
         .value = "SYMBOL=FILE",
         .meaning = "recorded bars, instead of the feeds; repeatable",
         .values = given->bars,
         .values_max = BARS_MAX},
        {.name = "set",
         .value = "KEY=VALUE",
         .meaning = "overrides a key of the configuration; repeatable",
         .values = given->sets,
         .values_max = SETS_MAX},
        {.name = "decisions",
         .value = "FILE",
         .meaning = "writes every decision there, as JSON lines",
         .values = &given->decisions},
        {.name = "explain",
         .value = "ID",
         .meaning = "explains a decision at the end; or `executed`",
         .values = &given->explain},
        {.name = "seed",
         .value = "N",
         .meaning = "seed of all chance; default replay.seed",
         .values = &given->seed},
        {.name = "lanes",
         .value = "N",
         .meaning = "threads for agents; default plugins.lanes",
         .values = &given->lanes},
        {.name = "json", .meaning = "prints the result as one JSON object"}};
    struct control_command command = {
        .name = "replay",
        .arguments = "",
        .meaning = "Replays recorded or synthetic bars through the whole host.",
        .more = help,
        .options = options,
        .option_count = TG_ARRAY_LENGTH(options)};
    given->lanes_number = -1;
    given->seed_number = -1;
    int code =
        control_read_arguments(&command, context->argc, context->argv, context->first, error);
    given->bars_count = options[1].count;
    given->sets_count = options[2].count;
    given->json = control_flag(&command, "json");
    if (code == 0)
        code = parse_bars(given, error);
    if (code == 0)
        code = control_check_overrides(given->sets, given->sets_count, error);
    if (code == 0)
        code = check_explain(given, error);
    if (code == 0)
        code = parse_whole("seed", given->seed, 0, INT64_C(9007199254740991), &given->seed_number,
                           error);
    if (code == 0)
        code = parse_whole("lanes", given->lanes, 0, PLUGIN_LANES_MAX, &given->lanes_number, error);
    return code;
}

static bool wants_progress(const struct conf *conf)
{
    const char *word = conf_text(conf, "replay.progress");
    return tg_text_equal(word, "always") ||
           (tg_text_equal(word, "auto") && isatty(STDERR_FILENO) == 1);
}

/* The decision to explain; NULL: there is none. */
static const char *find_explained(const struct store *store, const char *wanted)
{
    struct tg_uuid id;
    const char *json;
    if (tg_uuid_parse(wanted, strlen(wanted), &id) == 0)
        return store_decision_find(store, &id);
    for (size_t i = 0; (json = store_decision_at(store, i)) != NULL; i++)
        if (strstr(json, "\"outcome\":\"executed\",\"reason\"") != NULL)
            return json;
    return NULL;
}

static int print_result(struct replay *replay, const struct replay_arguments *given,
                        struct tg_error *error)
{
    struct report_figures figures;
    int code = report_figures(&replay->report, &figures, error);
    if (code != 0)
        return code;
    if (given->json) {
        struct tg_buffer buffer;
        struct tg_json_writer json;
        tg_buffer_init(&buffer, 0);
        tg_json_begin(&json, &buffer);
        report_write_json(&replay->report, &figures, &json);
        if (buffer.failed || printf("%s\n", buffer.data) < 0)
            code = TG_FAIL(error, IO, "the result could not be written");
        tg_buffer_fini(&buffer);
    } else {
        report_print(&replay->report, &figures, stdout, progress_columns(STDOUT_FILENO));
    }
    if (code != 0 || given->explain == NULL)
        return code;
    const char *json = find_explained(replay->host->store, given->explain);
    if (json == NULL)
        return TG_FAIL(error, NOT_FOUND,
                       "--explain %.64s: there is no such decision among the last %zu",
                       given->explain, store_decision_count(replay->host->store));
    return control_explain_decision(json, strlen(json), stdout, error);
}

/* Lines carry the time of the replay. */
static int open_log(struct replay *replay, const struct conf *conf, const struct tg_clock *clock,
                    struct obs_log **log, struct tg_error *error)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    int level = 0;
    while (level < TG_LOG_ERROR && !tg_text_equal(levels[level], conf_text(conf, "log.level")))
        level++;
    return obs_log_create(level, clock, write_log, replay, log, error);
}

static int replay_with(const struct control_context *context, const struct conf *conf,
                       const struct replay_arguments *given, struct tg_error *error)
{
    struct replay *replay = calloc(1, sizeof(*replay));
    struct obs_log *log = NULL;
    if (replay == NULL)
        return TG_FAIL(error, NO_MEMORY, "out of memory");
    struct tg_clock clock = tg_virtual_clock(&replay->clock);
    int code = open_log(replay, conf, &clock, &log, error);
    replay->progress =
        (struct progress){.real_clock = context->real_clock, .wanted = wants_progress(conf)};
    struct host_options options = {.conf = conf,
                                   .program_folder = context->program_folder,
                                   .clock = clock,
                                   .real_clock = context->real_clock,
                                   .log = log,
                                   .bars = given->parsed,
                                   .bars_count = given->bars_count,
                                   .decisions_path = given->decisions,
                                   .lanes = given->lanes_number,
                                   .seed = (uint64_t)(given->seed_number >= 0
                                                          ? given->seed_number
                                                          : conf_whole(conf, "replay.seed"))};
    if (code == 0)
        code = host_create(&options, &replay->host, error);
    if (code == 0) {
        code = run(replay, log);
        if (code != 0)
            *error = replay->error;
    }
    if (code == 0 && replay->interrupted)
        (void)fprintf(stderr, "triplegain: interrupted; this is the result so far\n");
    if (code == 0)
        code = store_finish(replay->host->store, error);
    if (code == 0)
        code = print_result(replay, given, error);
    host_destroy(replay->host);
    obs_log_destroy(log);
    free(replay);
    return code;
}

int replay_command(const struct control_context *context)
{
    struct replay_arguments *given = calloc(1, sizeof(*given));
    struct conf *conf = NULL;
    struct tg_error error = {0};
    int status = CONTROL_DONE;
    if (given == NULL)
        return CONTROL_FAILED;
    int code = read_arguments(context, given, &error);
    if (code == 0) {
        code = control_load_configuration(given->config, context->program_folder, given->sets,
                                          given->sets_count, &conf, &error);
        if (code == 0)
            code = replay_with(context, conf, given, &error);
        if (code != 0)
            status = control_say_error(&error, CONTROL_FAILED);
    } else if (code != TG_E_UNSUPPORTED) {
        status = control_say_error(&error, CONTROL_USAGE);
    }
    conf_free(conf);
    free(given);
    return status;
}
