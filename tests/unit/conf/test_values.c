/* Values, defaults, precedence, names, walks, and what the command line changes. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "conf_files.h"

/* A file that includes the shipped limits and then says `text`. */
static void write_valid(const char *name, const char *includes, const char *text)
{
    char limits[FILES_PATH_SIZE];
    char file[4 * FILES_PATH_SIZE];
    assert_non_null(realpath("config/risk.yaml", limits));
    (void)snprintf(file, sizeof(file), "include: [%s%s]\n%s", limits, includes, text);
    files_write(name, file);
}

static struct conf *load(const char *name)
{
    struct conf *conf;
    struct tg_error error = {0};
    if (conf_load(files_path(name), &conf, &error) != 0)
        fail_msg("%s", error.message);
    return conf;
}

static struct conf *load_valid(const char *text)
{
    write_valid("a.yaml", "", text);
    return load("a.yaml");
}

/* The place without the folder. */
static const char *place(const char *where)
{
    struct tg_error error = {0};
    (void)snprintf(error.message, sizeof(error.message), "%s", where);
    return files_message(&error);
}

static void defaults_are_filled_in(void **state)
{
    (void)state;
    files_begin();
    struct conf *conf = load_valid("tasks:\n"
                                   "  one: {agent: mine, interval_seconds: 60}\n"
                                   "agents:\n"
                                   "  mine: {enabled: false}\n"
                                   "  other: {plugin: shared, lane: thread}\n");
    assert_int_equal(conf_whole(conf, "schedule.runs_at_once_max"), 5);
    assert_string_equal(conf_text(conf, "account.currency"), "USDT");
    assert_string_equal(conf_text(conf, "replay.progress"), "auto");
    assert_true(conf_real(conf, "market.absurd_pct") == 50);
    assert_int_equal(conf_decimal(conf, "trade.trailing_distance_pct").units, 150000000);
    assert_int_equal(conf_whole(conf, "tasks.one.timeout_seconds"), 30);
    assert_true(conf_flag(conf, "tasks.one.enabled"));
    assert_false(conf_flag(conf, "tasks.one.on_start"));
    assert_int_equal(conf_list_count(conf, "tasks.one.depends_on"), 0);
    assert_null(conf_list_at(conf, "tasks.one.depends_on", 0));
    assert_int_equal(conf_list_count(conf, "coordinator.actions.weekly_loss"), 2);
    assert_string_equal(conf_list_at(conf, "coordinator.actions.weekly_loss", 0),
                        "reduce_positions");
    /* an agent's plugin has the agent's own name unless another is named */
    assert_string_equal(conf_text(conf, "agents.mine.plugin"), "mine");
    assert_string_equal(conf_text(conf, "agents.other.plugin"), "shared");
    assert_false(conf_flag(conf, "agents.mine.enabled"));
    assert_true(conf_flag(conf, "agents.other.enabled"));
    assert_false(conf_is_set(conf, "agents.mine.plugin"));
    assert_true(conf_is_set(conf, "agents.other.plugin"));
    assert_string_equal(conf_where(conf, "agents.mine.plugin"), "default");
    assert_string_equal(place(conf_where(conf, "agents.other.plugin")), "a.yaml:6:19");
    assert_string_equal(place(conf_where(conf, "agents.other")), "a.yaml:6:3");
    conf_free(conf);
    files_end();
}

static void values_are_exact(void **state)
{
    (void)state;
    files_begin();
    struct conf *conf =
        load_valid("account: {starting_balance: 12345.00000001}\n"
                   "replay: {seed: 9007199254740991}\n"
                   "symbols:\n"
                   "  A/B: {size_min: 0.00000001, price_places: 0, size_places: 8}\n"
                   "consensus: {agree_ratio: 6.6e-1}\n"
                   "installation: 'it''s # mine'\n"
                   "plugins: {folders: [\"a,b\", ../c]}\n");
    assert_int_equal(conf_decimal(conf, "account.starting_balance").units, 1234500000001);
    assert_int_equal(conf_decimal(conf, "symbols.A/B.size_min").units, 1);
    assert_int_equal(conf_whole(conf, "replay.seed"), INT64_C(9007199254740991));
    assert_true(conf_real(conf, "consensus.agree_ratio") == 0.66);
    assert_string_equal(conf_text(conf, "installation"), "it's # mine");
    assert_int_equal(conf_list_count(conf, "plugins.folders"), 2);
    assert_string_equal(conf_list_at(conf, "plugins.folders", 0), "a,b");
    assert_null(conf_list_at(conf, "plugins.folders", 2));
    conf_free(conf);
    files_end();
}

static void the_including_file_wins_and_names_keep_their_order(void **state)
{
    (void)state;
    files_begin();
    assert_int_equal(mkdir(files_path("below"), 0755), 0);
    files_write("below/leaf.yaml", "log: {level: debug}\nreplay: {seed: 1}\n");
    files_write("below/b.yaml", "include: [leaf.yaml]\n" /* relative to below/ */
                                "log: {level: warning}\n"
                                "agents:\n  second: {lane: core}\n  first: {lane: core}\n");
    write_valid("a.yaml", ", below/b.yaml",
                "replay: {seed: 3}\n"
                "agents:\n  third: {lane: auto}\n  first: {lane: thread}\n");
    struct conf *conf = load("a.yaml");
    assert_string_equal(conf_text(conf, "log.level"), "warning");
    assert_int_equal(conf_whole(conf, "replay.seed"), 3);
    assert_string_equal(conf_text(conf, "agents.first.lane"), "thread");
    assert_string_equal(place(conf_where(conf, "agents.first.lane")), "a.yaml:5:17");
    assert_string_equal(place(conf_where(conf, "log.level")), "below/b.yaml:2:14");
    const char *const names[] = {"second", "first", "third"};
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(conf_name_at(conf, "agents", i), names[i]);
    assert_null(conf_name_at(conf, "agents", 3));
    assert_null(conf_name_at(conf, "feeds", 0));
    assert_string_equal(conf_folder(conf), files_folder);
    conf_free(conf);
    files_end();
}

static void what_two_included_files_say_the_including_one_decides(void **state)
{
    (void)state;
    files_begin();
    files_write("b.yaml", "log: {level: debug}\n");
    files_write("c.yaml", "log: {level: error}\n");
    write_valid("a.yaml", ", b.yaml, c.yaml", "log: {level: info}\n");
    struct conf *conf = load("a.yaml");
    assert_string_equal(conf_text(conf, "log.level"), "info");
    conf_free(conf);
    files_end();
}

static void windows_line_ends_and_comments_are_fine(void **state)
{
    (void)state;
    files_begin();
    struct conf *conf = load_valid("# comment\r\nlog:\r\n  level: debug   # to see more\r\n");
    assert_string_equal(conf_text(conf, "log.level"), "debug");
    conf_free(conf);
    files_end();
}

/* ---- walks ---- */

struct seen {
    char text[2048];
    size_t length;
    size_t count;
};

__attribute__((format(printf, 2, 3))) static void note(struct seen *seen, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length =
        vsnprintf(seen->text + seen->length, sizeof(seen->text) - seen->length, format, arguments);
    va_end(arguments);
    assert_true(length >= 0 && (size_t)length < sizeof(seen->text) - seen->length);
    seen->length += (size_t)length;
    seen->count++;
}

static void note_setting(void *context, const char *name, const char *text, const char *where)
{
    note(context, "%s=%s at %s; ", name, text, place(where));
}

static void note_value(void *context, const char *path, const struct conf_key *key,
                       const char *text)
{
    assert_non_null(key);
    note(context, "%s=%s; ", path, text);
}

static void a_plugins_settings_keep_their_text_and_place(void **state)
{
    (void)state;
    files_begin();
    struct conf *conf = load_valid("agents:\n"
                                   "  mine:\n"
                                   "    config:\n"
                                   "      quorum: 0x10\n"
                                   "      name: \"\"\n"
                                   "      start: 2024-01-01\n"
                                   "  mine_2:\n"
                                   "    config: {quorum: 5}\n");
    struct seen seen = {0};
    conf_subtree_each(conf, "agents.mine.config", note_setting, &seen);
    assert_string_equal(seen.text, "quorum=0x10 at a.yaml:5:15; name= at a.yaml:6:13; "
                                   "start=2024-01-01 at a.yaml:7:14; ");
    seen = (struct seen){0};
    conf_subtree_each(conf, "venue.config", note_setting, &seen);
    assert_int_equal(seen.count, 0);
    conf_free(conf);
    files_end();
}

static void a_walk_gives_set_and_default_values_in_the_order_of_the_table(void **state)
{
    (void)state;
    files_begin();
    struct conf *conf = load_valid("schedule: {runs_at_once_max: 7}\n"
                                   "agents:\n  x: {config: {a: 1}}\n"
                                   "tasks:\n  one: {interval_seconds: 5, agent: x, depends_on: "
                                   "[two, three]}\n");
    struct seen seen = {0};
    conf_each(conf, "tasks", note_value, &seen);
    assert_string_equal(seen.text, "tasks.one.agent=x; tasks.one.interval_seconds=5; "
                                   "tasks.one.offset_seconds=0; tasks.one.timeout_seconds=30; "
                                   "tasks.one.enabled=true; tasks.one.on_start=false; "
                                   "tasks.one.scope=symbol; tasks.one.symbols_at_once=1; "
                                   "tasks.one.depends_on=two,three; ");
    seen = (struct seen){0};
    conf_each(conf, "agents", note_value, &seen);
    assert_string_equal(seen.text, "agents.x.plugin=x; agents.x.lane=auto; "
                                   "agents.x.enabled=true; agents.x.config.a=1; ");
    seen = (struct seen){0};
    conf_each(conf, "schedule.runs_at_once_max", note_value, &seen);
    assert_string_equal(seen.text, "schedule.runs_at_once_max=7; ");
    seen = (struct seen){0};
    conf_each(conf, "risk.correlations", note_value, &seen);
    assert_int_equal(seen.count, 3);
    conf_free(conf);
    files_end();
}

static void note_unread(void *context, const struct conf_key *key)
{
    note(context, "%s ", key->path);
}

static void count_unread(void *context, const struct conf_key *key)
{
    (void)key;
    (*(size_t *)context)++;
}

static void ignore_value(void *context, const char *path, const struct conf_key *key,
                         const char *text)
{
    (void)context;
    (void)path;
    (void)key;
    (void)text;
}

static void what_nobody_reads_is_known(void **state)
{
    (void)state;
    files_begin();
    struct conf *conf = load_valid("agents:\n  x: {config: {a: 1}}\n");
    size_t before = 0, after = 0;
    conf_unread(conf, count_unread, &before);
    assert_int_equal(before, conf_key_count - 1); /* include is read by conf itself */
    (void)conf_whole(conf, "bus.history_messages_max");
    (void)conf_list_count(conf, "plugins.folders");
    (void)conf_text(conf, "agents.x.lane");
    struct seen seen = {0};
    conf_subtree_each(conf, "agents.x.config", note_setting, &seen);
    (void)conf_is_set(conf, "log.level"); /* does not count */
    conf_unread(conf, count_unread, &after);
    assert_int_equal(after, before - 4);
    /* a walk over everything leaves what no name stands for */
    conf_each(conf, "", ignore_value, NULL);
    seen = (struct seen){0};
    conf_unread(conf, note_unread, &seen);
    assert_string_equal(
        seen.text,
        "symbols.*.size_min symbols.*.price_places symbols.*.size_places feeds.*.plugin "
        "feeds.*.config.* venue.config.* tasks.*.agent tasks.*.interval_seconds "
        "tasks.*.offset_seconds tasks.*.timeout_seconds tasks.*.enabled tasks.*.on_start "
        "tasks.*.scope tasks.*.symbols_at_once tasks.*.depends_on portfolio.targets.* ");
    conf_free(conf);
    files_end();
}

/* ---- the command line ---- */

static void override(struct conf *conf, const char *path, const char *text)
{
    struct tg_error error = {0};
    if (conf_override(conf, path, text, &error) != 0)
        fail_msg("%s", error.message);
}

static void the_command_line_wins(void **state)
{
    (void)state;
    files_begin();
    struct conf *conf = load_valid("log: {level: debug}\nplugins: {folders: [a]}\n"
                                   "feeds:\n  A/B: {plugin: csv}\n");
    override(conf, "log.level", "error");
    override(conf, "schedule.runs_at_once_max", "9");
    override(conf, "plugins.folders", "x,y");
    override(conf, "plugins.core_safe", "");
    override(conf, "risk.limits.leverage_max", "2");
    override(conf, "feeds.A/B.config.file", "bars.csv");
    override(conf, "feeds.C/D.plugin", "synthetic");
    assert_string_equal(conf_text(conf, "log.level"), "error");
    assert_string_equal(conf_where(conf, "log.level"), "command line");
    assert_int_equal(conf_whole(conf, "schedule.runs_at_once_max"), 9);
    assert_int_equal(conf_list_count(conf, "plugins.folders"), 2);
    assert_string_equal(conf_list_at(conf, "plugins.folders", 1), "y");
    assert_int_equal(conf_list_count(conf, "plugins.core_safe"), 0);
    assert_int_equal(conf_whole(conf, "risk.limits.leverage_max"), 2);
    assert_string_equal(conf_text(conf, "feeds.A/B.config.file"), "bars.csv");
    assert_string_equal(conf_name_at(conf, "feeds", 1), "C/D");
    conf_free(conf);
    files_end();
}

static void a_refused_override_changes_nothing(void **state)
{
    static const struct {
        const char *path, *text, *sentence;
    } cases[] = {
        {"schedule.runs_at_once_max", "300",
         "command line: schedule.runs_at_once_max: 300 is out of range (1 to 256)"},
        {"schedule.runs_at_once", "3",
         "command line: schedule.runs_at_once: unknown key (known here: runs_at_once_max)"},
        {"schedule", "3",
         "command line: schedule: is a map; name one of its keys: "
         "runs_at_once_max"},
        {"log.level.deep", "3", "command line: log.level.deep: unknown key, log.level is a value"},
        {"log.", "3", "command line: log: an empty key"},
        {"", "3", "command line: an empty key"},
        {"log.level", "",
         "command line: log.level: has no value, one of debug, info, warning, "
         "error is needed"},
        {"log.level", "\xff", "command line: the key or the value is not UTF-8"},
        {"feeds.btc.plugin", "csv",
         "command line: feeds.btc: not a name that is allowed here: a feed is named after its "
         "symbol, BASE/QUOTE in capitals, as BTC/USDT"},
        {"feeds.C/D.config.file", "x",
         "command line: feeds.C/D.plugin is missing: a text is needed (Plugin that delivers the "
         "symbol's bars)"},
        {"plugins.folders", "a,,b",
         "command line: plugins.folders: has no value, a list of "
         "texts, as [one, two] is needed"},
        {"include", "x.yaml", "command line: include: files are included by files only"},
        {"trading_mode", "live",
         "command line: trading_mode: live is refused: a venue that trades real money is not "
         "part of this build (allowed: paper)"},
    };
    (void)state;
    files_begin();
    struct conf *conf = load_valid("log: {level: debug}\n");
    struct seen before = {0}, after = {0};
    conf_each(conf, "log", note_value, &before);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tg_error error = {0};
        assert_int_not_equal(conf_override(conf, cases[i].path, cases[i].text, &error), 0);
        assert_string_equal(error.message, cases[i].sentence);
        assert_int_not_equal(conf_override(conf, cases[i].path, cases[i].text, NULL), 0);
    }
    conf_each(conf, "log", note_value, &after);
    assert_string_equal(before.text, after.text);
    assert_null(conf_name_at(conf, "feeds", 0));
    assert_int_equal(conf_list_count(conf, "plugins.folders"), 0);
    conf_free(conf);
    files_end();
}

static void names_can_be_taken_out(void **state)
{
    (void)state;
    files_begin();
    struct conf *conf = load_valid("feeds:\n  A/B: {plugin: csv, config: {file: x}}\n"
                                   "  C/D: {plugin: csv}\n");
    conf_remove(conf, conf_name_at(conf, "feeds", 0) - strlen("feeds."));
    assert_string_equal(conf_name_at(conf, "feeds", 0), "C/D");
    conf_remove(conf, "feeds");
    assert_null(conf_name_at(conf, "feeds", 0));
    override(conf, "feeds.A/B.plugin", "csv");
    assert_string_equal(conf_name_at(conf, "feeds", 0), "A/B");
    assert_false(conf_is_set(conf, "feeds.A/B.config.file"));
    conf_free(conf);
    files_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(values_are_exact),
        cmocka_unit_test(the_including_file_wins_and_names_keep_their_order),
        cmocka_unit_test(what_two_included_files_say_the_including_one_decides),
        cmocka_unit_test(windows_line_ends_and_comments_are_fine),
        cmocka_unit_test(a_plugins_settings_keep_their_text_and_place),
        cmocka_unit_test(a_walk_gives_set_and_default_values_in_the_order_of_the_table),
        cmocka_unit_test(what_nobody_reads_is_known),
        cmocka_unit_test(the_command_line_wins),
        cmocka_unit_test(a_refused_override_changes_nothing),
        cmocka_unit_test(names_can_be_taken_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
