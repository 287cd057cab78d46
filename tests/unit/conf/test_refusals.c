/*
 * What a configuration file may not say, and the sentence for it: file, line, column, what is
 * wrong, what is allowed.
 */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf_files.h"
#include "conf_int.h"

#define WHOLE "a whole number (1 to 1000000)"

static const struct {
    const char *text;
    const char *sentence;
} refusals[] = {
    /* the file as a whole */
    {"", "a.yaml: has no settings"},
    {"# nothing but a comment\n", "a.yaml: has no settings"},
    {"word", "a.yaml:1:1: a map of settings is needed, as \"risk:\" and keys below it"},
    {"- item\n", "a.yaml:1:1: a map of settings is needed, as \"risk:\" and keys below it"},
    {"{}", "a.yaml:1:1: a map without keys; leave it out"},
    {"log: {level: info}\n---\nlog: {level: info}\n",
     "a.yaml:2:1: a second document begins here; a file has one"},
    {"%YAML 1.1\n---\nlog: {level: info}\n",
     "a.yaml:1:1: directives (%YAML, %TAG) are not allowed"},
    /* text that is no YAML, or no text */
    {"log: {level: info\n",
     "a.yaml:2:1: not valid YAML: did not find expected ',' or '}', while parsing a flow mapping "
     "(line 1)"},
    {"log:\n\tlevel: info\n",
     "a.yaml:2:1: not valid YAML: found character that cannot start any token, while scanning for "
     "the next token (line 2)"},
    {"log: {level: info}}\n", "a.yaml:1:19: not valid YAML: did not find expected key, while "
                              "parsing a block mapping (line 1)"},
    {"log: {level: \"a\n", "a.yaml:2:1: not valid YAML: found unexpected end of stream, while "
                           "scanning a quoted scalar (line 1)"},
    {"log: {level: info} \xc2\x80\n",
     "a.yaml:1:20: not valid YAML: control characters are not allowed"},
    {"log:\n  level: \xff\n", "a.yaml:2:10: the byte 0xff is not UTF-8"},
    {"\xc3\xa4\xc3: 1\n", "a.yaml:1:2: the byte 0xc3 is not UTF-8"},
    {"log:\n  level: \x01\n", "a.yaml:2:10: the control character 0x01"},
    {"log: {level: \"a\\0b\"}\n", "a.yaml:1:14: a NUL character in a text"},
    {"log:\n  level: info\n   format: text\n",
     "a.yaml:2:10: a value that goes on in line 3; is that line indented too far?"},
    /* what makes YAML mean something else than a reader sees */
    {"bus: &a {history_messages_max: 3}\n",
     "a.yaml:1:6: anchors (&name) are not allowed; write the value where it is needed"},
    {"bus: *a\n", "a.yaml:1:6: aliases (*name) are not allowed; write the value again"},
    {"bus: !!map {history_messages_max: 3}\n",
     "a.yaml:1:6: tags (!name) are not allowed; the type of a value is that of its key"},
    {"bus: {history_messages_max: !!int \"3\"}\n",
     "a.yaml:1:29: tags (!name) are not allowed; the type of a value is that of its key"},
    {"bus:\n  <<: {history_messages_max: 3}\n",
     "a.yaml:2:3: merge keys (<<) are not allowed; write the keys where they are needed"},
    /* keys */
    {"tading_mode: paper\n",
     "a.yaml:1:1: tading_mode: unknown key, did you mean trading_mode? (known here: include, "
     "trading_mode, installation, account, symbols, feeds, venue, agents, plugins, tasks, "
     "schedule, coordinator, decisions, bus, market, trade, portfolio, policy, consensus, "
     "conflict, sizing, risk, replay, log)"},
    {"portfolio:\n  targets: {BTC/USDT: 50}\n",
     "a.yaml:2:13: portfolio.targets.BTC/USDT: not a name that is allowed here: an asset is one "
     "currency in capitals, as BTC"},
    {"log:\n  colour: blue\n", "a.yaml:2:3: log.colour: unknown key (known here: level)"},
    {"agents:\n  x: {plugni: csv}\n", "a.yaml:2:7: agents.x.plugni: unknown key, did you mean "
                                      "plugin? (known here: plugin, lane, enabled, config)"},
    {"log.level: info\n", "a.yaml:1:1: log.level: a key has no point in it; write one name a "
                          "level, each indented below the one before"},
    {"\"\": 1\n", "a.yaml:1:1: an empty key"},
    {"log: {\"\": 1}\n", "a.yaml:1:7: log: an empty key"},
    {"? [a]\n: b\n", "a.yaml:1:3: a key must be a name, not a map or list"},
    {"agents:\n  x: {lane: auto, lane: core}\n",
     "a.yaml:2:19: agents.x.lane: is there twice in this file, first at a.yaml:2:13"},
    {"bus:\n  history_messages_max: 1\nbus:\n  history_bytes_max: 65536\n",
     "a.yaml:3:1: bus: is there twice in this file, first at a.yaml:1:1"},
    {"symbols:\n  btc: {size_min: 1}\n",
     "a.yaml:2:3: symbols.btc: not a name that is allowed here: a symbol is BASE/QUOTE in "
     "capitals, as BTC/USDT"},
    {"feeds:\n  BTC/USDT/X: {plugin: csv}\n",
     "a.yaml:2:3: feeds.BTC/USDT/X: not a name that is allowed here: a feed is named after its "
     "symbol, BASE/QUOTE in capitals, as BTC/USDT"},
    {"agents:\n  Mine: {lane: auto}\n", "a.yaml:2:3: agents.Mine: not a name that is allowed here: "
                                        "an agent is named with 1 to 63 of a-z 0-9 _"},
    {"risk:\n  correlations:\n    BTC/USDT: 0.5\n",
     "a.yaml:3:5: risk.correlations.BTC/USDT: not a name that is allowed here: two symbols with "
     "one blank between are needed, as \"BTC/USDT XRP/USDT\""},
    {"venue: {config: {Fee: 1}}\n",
     "a.yaml:1:18: venue.config.Fee: not a name that is allowed here: 1 to 63 of a-z 0-9 _"},
    /* maps and lists where others are needed */
    {"symbols:\n", "a.yaml:1:1: symbols: a map is needed here (keys: names of your choice)"},
    {"replay: 5\n", "a.yaml:1:9: replay: a map is needed here (keys: seed, progress)"},
    {"replay: [seed]\n", "a.yaml:1:9: replay: a map is needed here (keys: seed, progress)"},
    {"symbols: {}\n", "a.yaml:1:10: symbols: a map without keys; leave it out"},
    {"bus: {history_messages_max: [1]}\n",
     "a.yaml:1:29: bus.history_messages_max: a list is not allowed here, " WHOLE " is needed"},
    {"bus: {history_messages_max: {a: 1}}\n",
     "a.yaml:1:29: bus.history_messages_max: a map is not allowed here, " WHOLE " is needed"},
    {"include: risk.yaml\n", "a.yaml:1:10: include: \"risk.yaml\" is not a list, a list of texts, "
                             "as [one, two] is needed"},
    {"include: [[risk.yaml]]\n",
     "a.yaml:1:11: include: an item of this list must be a text, not a map or a list"},
    {"venue: {config: {fees: [1]}}\n",
     "a.yaml:1:24: venue.config.fees: a list is not allowed here, a text is needed"},
    /* no value */
    {"bus:\n  history_messages_max:\n",
     "a.yaml:2:3: bus.history_messages_max: has no value, " WHOLE " is needed"},
    {"bus: {history_messages_max: ~}\n",
     "a.yaml:1:29: bus.history_messages_max: has no value, " WHOLE " is needed"},
    {"venue: {plugin: null}\n", "a.yaml:1:17: venue.plugin: has no value, a text is needed"},
    {"venue: {config: {fee_pct: }}\n",
     "a.yaml:1:18: venue.config.fee_pct: has no value, a text is needed"},
    {"venue: {plugin: \"\"}\n", "a.yaml:1:17: venue.plugin: an empty text"},
    {"plugins: {folders: [a, ]}\ninclude: [\"\"]\n", "a.yaml:2:11: include: an empty text"},
    {"venue: {plugin: \"a\\nb\"}\n",
     "a.yaml:1:17: venue.plugin: a text with a line break or control character"},
    /* numbers that are read in more than one way, or are none */
    {"bus: {history_messages_max: 1_000}\n",
     "a.yaml:1:29: bus.history_messages_max: \"1_000\" is not " WHOLE},
    {"bus: {history_messages_max: 0x10}\n",
     "a.yaml:1:29: bus.history_messages_max: \"0x10\" is not " WHOLE},
    {"bus: {history_messages_max: 010}\n",
     "a.yaml:1:29: bus.history_messages_max: \"010\" is not " WHOLE},
    {"bus: {history_messages_max: 1:30}\n",
     "a.yaml:1:29: bus.history_messages_max: \"1:30\" is not " WHOLE},
    {"bus: {history_messages_max: 10.5}\n",
     "a.yaml:1:29: bus.history_messages_max: \"10.5\" is not " WHOLE},
    {"bus: {history_messages_max: +5}\n",
     "a.yaml:1:29: bus.history_messages_max: \"+5\" is not " WHOLE},
    {"bus: {history_messages_max: 60s}\n",
     "a.yaml:1:29: bus.history_messages_max: \"60s\" is not " WHOLE},
    {"bus: {history_messages_max: \"10\"}\n",
     "a.yaml:1:29: bus.history_messages_max: \"10\" is a text in quotes, " WHOLE " is needed"},
    {"market: {absurd_pct: .nan}\n",
     "a.yaml:1:22: market.absurd_pct: \".nan\" is not a number (0.1 to 1000)"},
    {"market: {absurd_pct: .inf}\n",
     "a.yaml:1:22: market.absurd_pct: \".inf\" is not a number (0.1 to 1000)"},
    {"market: {absurd_pct: nan}\n",
     "a.yaml:1:22: market.absurd_pct: \"nan\" is not a number (0.1 to 1000)"},
    {"market: {absurd_pct: 5%}\n",
     "a.yaml:1:22: market.absurd_pct: \"5%\" is not a number (0.1 to 1000)"},
    {"market: {absurd_pct: 5.}\n",
     "a.yaml:1:22: market.absurd_pct: \"5.\" is not a number (0.1 to 1000)"},
    {"account: {starting_balance: 1e3}\n",
     "a.yaml:1:29: account.starting_balance: \"1e3\" is not a decimal number (1 to 1000000000)"},
    {"account: {starting_balance: 1.123456789}\n",
     "a.yaml:1:29: account.starting_balance: 1.123456789 has more than 8 digits after the point"},
    /* out of range */
    {"risk:\n  limits:\n    position_size_max_pct: 250\n",
     "a.yaml:3:28: risk.limits.position_size_max_pct: 250 is out of range (0 to 100)"},
    {"bus: {history_messages_max: 0}\n",
     "a.yaml:1:29: bus.history_messages_max: 0 is out of range (1 to 1000000)"},
    {"bus: {history_messages_max: 99999999999999999999999}\n",
     "a.yaml:1:29: bus.history_messages_max: 99999999999999999999999 is out of range (1 to "
     "1000000)"},
    {"market: {absurd_pct: 1e400}\n",
     "a.yaml:1:22: market.absurd_pct: 1e400 is out of range (0.1 to 1000)"},
    {"account: {starting_balance: 99999999999999999999}\n",
     "a.yaml:1:29: account.starting_balance: 99999999999999999999 is out of range (1 to "
     "1000000000)"},
    {"account: {starting_balance: -5}\n",
     "a.yaml:1:29: account.starting_balance: -5 is out of range (1 to 1000000000)"},
    {"symbols:\n  A/B: {size_min: 0}\n",
     "a.yaml:2:19: symbols.A/B.size_min: 0 is out of range (0.00000001 to 1000000000)"},
    /* words */
    {"agents:\n  x: {enabled: yes}\n",
     "a.yaml:2:16: agents.x.enabled: \"yes\" is not a flag (allowed: true, false)"},
    {"agents:\n  x: {lane: fast}\n",
     "a.yaml:2:13: agents.x.lane: \"fast\" is not allowed (allowed: auto, core, thread)"},
    {"coordinator: {actions: {daily_loss: [pause]}}\n",
     "a.yaml:1:38: coordinator.actions.daily_loss: \"pause\" is not allowed (allowed: "
     "pause_trading, reduce_positions, halt_all, close_positions)"},
    {"trading_mode: live\n",
     "a.yaml:1:15: trading_mode: live is refused: a venue that trades real money is not part of "
     "this build (allowed: paper)"},
    /* missing */
    {"log: {level: info}\n",
     "a.yaml: risk.limits.position_size_max_pct is missing: a decimal number (0 to 100) is needed "
     "(Size of one position, of equity)"},
    {"risk:\n  limits:\n    position_size_max_pct: 20\n",
     "a.yaml:2:3: risk.limits.risk_per_trade_max_pct is missing: a number (0 to 100) is needed "
     "(Loss of one trade at its stop, of equity)"},
    {"symbols:\n  BTC/USDT: {size_min: 1, price_places: 2}\n",
     "a.yaml:2:3: symbols.BTC/USDT.size_places is missing: a whole number (0 to 8) is needed "
     "(Digits after the point of an order's size)"},
    /* includes */
    {"include: [a.yaml]\n", "a.yaml:1:10: include: a.yaml includes itself, by way of this file"},
    {"include: [none.yaml]\n", "a.yaml:1:10: include: none.yaml: there is no such file"},
};

static void every_mistake_has_its_sentence(void **state)
{
    (void)state;
    files_begin();
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct conf *conf = NULL;
        struct tg_error error = {0};
        files_write("a.yaml", refusals[i].text);
        int code = conf_load(files_path("a.yaml"), &conf, &error);
        if (code == 0)
            fail_msg("accepted: %s", refusals[i].text);
        assert_null(conf);
        assert_int_equal(error.code, code);
        if (strcmp(files_message(&error), refusals[i].sentence) != 0)
            fail_msg("%s\nsays:    %s\nmust be: %s", refusals[i].text, files_message(&error),
                     refusals[i].sentence);
        /* the same without anybody who listens */
        assert_int_equal(conf_load(files_path("a.yaml"), &conf, NULL), code);
    }
    files_end();
}

static void refused(const char *name, int code, const char *sentence)
{
    struct conf *conf = NULL;
    struct tg_error error = {0};
    assert_int_equal(conf_load(files_path(name), &conf, &error), code);
    assert_string_equal(files_message(&error), sentence);
    assert_null(conf);
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    files_begin();
    files_write_bytes("a.yaml", "log:\0 x", 7);
    refused("a.yaml", TG_E_INVALID, "a.yaml:1:5: a NUL byte in the text");
    /* UTF-16 with a byte order mark, which YAML would accept */
    files_write_bytes("a.yaml", "\xff\xfel\0o\0g\0", 8);
    refused("a.yaml", TG_E_INVALID, "a.yaml:1:1: the byte 0xff is not UTF-8");
    files_end();
}

static void a_file_too_large_is_refused(void **state)
{
    (void)state;
    files_begin();
    size_t length = CONF_FILE_BYTES_MAX + 1;
    char *bytes = malloc(length);
    assert_non_null(bytes);
    memset(bytes, '#', length);
    files_write_bytes("a.yaml", bytes, length);
    refused("a.yaml", TG_E_RANGE, "a.yaml: has 1048577 bytes, at most 1048576 are allowed");
    files_write_bytes("a.yaml", bytes, length - 1);
    refused("a.yaml", TG_E_INVALID, "a.yaml: has no settings");
    free(bytes);
    files_end();
}

static void nesting_has_an_end(void **state)
{
    (void)state;
    files_begin();
    char text[600] = "include: ";
    memset(text + strlen(text), '[', 500);
    files_write("a.yaml", text);
    refused("a.yaml", TG_E_INVALID,
            "a.yaml:1:11: include: an item of this list must be a text, not a map or a list");
    files_end();
}

static void too_many_keys_are_refused(void **state)
{
    (void)state;
    files_begin();
    FILE *file = fopen(files_path("a.yaml"), "w");
    assert_non_null(file);
    (void)fprintf(file, "venue:\n  config:\n");
    for (unsigned i = 0; i < CONF_NODES_MAX; i++)
        (void)fprintf(file, "    key_%u: 1\n", i);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(files_path("a.yaml"), 0644), 0);
    refused("a.yaml", TG_E_FULL, "a.yaml:8193:15: the configuration has more than 8192 keys");
    files_end();
}

static void lists_and_texts_have_limits(void **state)
{
    (void)state;
    files_begin();
    FILE *file = fopen(files_path("a.yaml"), "w");
    assert_non_null(file);
    (void)fprintf(file, "plugins:\n  folders:\n");
    for (unsigned i = 0; i <= CONF_ITEMS_MAX; i++)
        (void)fprintf(file, "    - folder\n");
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(files_path("a.yaml"), 0644), 0);
    refused("a.yaml", TG_E_FULL, "a.yaml:259:7: a list has at most 256 items");
    file = fopen(files_path("a.yaml"), "w");
    assert_non_null(file);
    (void)fprintf(file, "venue: {plugin: ");
    for (unsigned i = 0; i <= CONF_TEXT_MAX; i++)
        (void)fprintf(file, "x");
    (void)fprintf(file, "}\n");
    assert_int_equal(fclose(file), 0);
    refused("a.yaml", TG_E_RANGE,
            "a.yaml:1:17: venue.plugin: a text of 1025 bytes, at most 1024 are allowed");
    files_end();
}

static void a_long_value_is_shown_cut_at_a_character(void **state)
{
    (void)state;
    files_begin();
    char text[256] = "log: {level: x";
    for (unsigned i = 0; i < 40; i++)
        memcpy(text + strlen(text), "\xc3\xa4", 3); /* ae, two bytes */
    memcpy(text + strlen(text), "}\n", 3);
    files_write("a.yaml", text);
    struct conf *conf;
    struct tg_error error = {0};
    assert_int_equal(conf_load(files_path("a.yaml"), &conf, &error), TG_E_INVALID);
    assert_non_null(strstr(error.message, "\xc3\xa4...\" is not allowed"));
    files_end();
}

static void what_others_may_write_is_refused(void **state)
{
    (void)state;
    files_begin();
    files_write("a.yaml", "log: {level: info}\n");
    assert_int_equal(chmod(files_path("a.yaml"), 0666), 0);
    refused("a.yaml", TG_E_REFUSED,
            "a.yaml: others may write it (mode 0666), only its owner may; run: chmod go-w a.yaml");
    assert_int_equal(chmod(files_path("a.yaml"), 0664), 0);
    refused("a.yaml", TG_E_REFUSED,
            "a.yaml: others may write it (mode 0664), only its owner may; run: chmod go-w a.yaml");
    assert_int_equal(chmod(files_path("a.yaml"), 0644), 0);
    /* an included file is judged like any other */
    files_write("b.yaml", "include: [a.yaml]\n");
    assert_int_equal(chmod(files_path("a.yaml"), 0646), 0);
    refused("b.yaml", TG_E_REFUSED,
            "a.yaml: others may write it (mode 0646), only its owner may; run: chmod go-w a.yaml");
    if (geteuid() == 0) {
        assert_int_equal(chmod(files_path("a.yaml"), 0644), 0);
        assert_int_equal(chown(files_path("a.yaml"), 4711, 4711), 0);
        refused("a.yaml", TG_E_REFUSED,
                "a.yaml: belongs to user 4711, a configuration must belong to you (user 0) or to "
                "root; run: chown 0 a.yaml");
    } else {
        print_message("skipped: only root can give a file to another user\n");
    }
    files_end();
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    files_begin();
    assert_int_equal(mkdir(files_path("folder"), 0755), 0);
    refused("folder", TG_E_INVALID, "folder: is a folder, a file is needed");
    assert_int_equal(mkfifo(files_path("pipe"), 0644), 0);
    refused("pipe", TG_E_INVALID, "pipe: is not a regular file");
    refused("none.yaml", TG_E_NOT_FOUND, "none.yaml: there is no such file");
    files_write("file", "");
    refused("file/a.yaml", TG_E_IO, "file/a.yaml: cannot be opened: Not a directory");
    files_end();
}

static void includes_that_go_wrong_are_refused(void **state)
{
    (void)state;
    files_begin();
    files_write("a.yaml", "include: [b.yaml]\n");
    files_write("b.yaml", "log: {level: info}\ninclude: [a.yaml]\n");
    refused("a.yaml", TG_E_INVALID,
            "b.yaml:2:10: include: a.yaml includes itself, by way of this file");
    files_write("a.yaml", "include: [b.yaml, ./b.yaml]\n");
    files_write("b.yaml", "log: {level: info}\n");
    refused("a.yaml", TG_E_EXISTS, "a.yaml:1:10: include: b.yaml is included twice");
    files_write("a.yaml", "include: [b.yaml, c.yaml]\n");
    files_write("c.yaml", "log:\n  level: debug\n");
    refused("a.yaml", TG_E_EXISTS,
            "c.yaml:2:10: log.level: is set in two included files, here and at b.yaml:1:14; leave "
            "one out");
    const char *const names[] = {"0.yaml", "1.yaml", "2.yaml", "3.yaml", "4.yaml", "5.yaml"};
    for (size_t i = 0; i < 5; i++) {
        char text[64];
        (void)snprintf(text, sizeof(text), "include: [%s]\n", names[i + 1]);
        files_write(names[i], text);
    }
    files_write(names[5], "log: {level: info}\n");
    refused("0.yaml", TG_E_RANGE,
            "4.yaml:1:10: include: files include one another more than 4 deep");
    files_write("a.yaml", "include: [b.yaml]\n");
    files_write("b.yaml", "log: {level: loud}\n");
    refused("a.yaml", TG_E_INVALID,
            "b.yaml:1:14: log.level: \"loud\" is not allowed (allowed: debug, info, warning, "
            "error)");
    files_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_has_its_sentence),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(a_file_too_large_is_refused),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(too_many_keys_are_refused),
        cmocka_unit_test(lists_and_texts_have_limits),
        cmocka_unit_test(a_long_value_is_shown_cut_at_a_character),
        cmocka_unit_test(what_others_may_write_is_refused),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(includes_that_go_wrong_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
